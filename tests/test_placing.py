"""New data lies on an old map where like data lies, by what was learnt from the map's own data, and is made once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import views
from core.artifacts import Store
from core.drift import Limits, judge
from core.encoders import EncoderSpec
from core.errors import UserError
from core.placing import ALONE, COMPARING, OTHER_PACE, PLACING, PREPARING, Placed, PlacedSpec, build, load
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.steps import Impute, Scale
from core.tables import guess

LENGTH, N = 16, 1600
RECIPE = Recipe((Impute("linear", 8), Scale("z-score", "series")), 0.7, WindowSpec(LENGTH, 8))
RAW = EncoderSpec("raw")
SEE_LEVELS = [RAW, EncoderSpec("statistics"), EncoderSpec("raw", side=("level-scale-slope", "differenced"))]
IDS = ["raw", "statistics", "sides"]


def wave(seed: int, n: int = N) -> np.ndarray:
    """Noise around a wave that repeats every 16 samples, slowly louder and quieter."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    loud = 1 + 0.5 * np.sin(2 * np.pi * t / 200 + seed)
    return 50 + 10 * loud * np.sin(2 * np.pi * t / LENGTH) + rng.normal(size=n)


def csv(x: np.ndarray, name: str = "force", step: int = 1) -> bytes:
    seconds = range(0, step * len(x), step)
    stamps = [f"2026/11/23 {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}" for i in seconds]
    rows = (f"{stamp},{value:.6f}" for stamp, value in zip(stamps, x, strict=True))
    return "\n".join([f"time,{name}", *rows]).encode()


def lines(named: dict[str, np.ndarray]) -> bytes:
    rows = (f"{i},{name},{value:.6f}" for name, x in named.items() for i, value in enumerate(x))
    return "\n".join(["n,line,force", *rows]).encode()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def kept(store: Store, data: bytes, **reading: object) -> Source:
    return Source(store.keep(data, {}), replace(guess(data), **reading))


def of_lines(store: Store, named: dict[str, np.ndarray]) -> Source:
    return kept(store, lines(named), time=None, channels=("force",), domain="line")


def view_of(
    *sources: Source, method: str = "pca", encoder: EncoderSpec = RAW, recipe: Recipe = RECIPE
) -> views.ViewSpec:
    return views.ViewSpec(sources, recipe, encoder, ProjectionSpec(method))


def placed(view: views.ViewSpec, store: Store, *new: Source) -> Placed:
    spec = PlacedSpec(view, new)
    build(spec, store, lambda *_: None)
    found = load(spec, store)
    assert found is not None
    return found


def picture(view: views.ViewSpec, store: Store) -> np.ndarray:
    return views.load(view, store).xy


def said(found: Placed) -> str:
    return " ".join(one.message.format(**one.facts) for one in judge(found.found, Limits()).because)


# --- where it lies


@pytest.mark.parametrize("encoder", SEE_LEVELS, ids=IDS)
def test_on_a_pca_map_data_that_is_placed_again_lies_where_it_was(store, encoder):
    here = kept(store, csv(wave(1)))
    view = view_of(here, encoder=encoder)
    found = placed(view, store, here)
    xy = picture(view, store)
    np.testing.assert_allclose(found.xy, xy, atol=1e-4 * np.ptp(xy))
    assert found.outside.mean() < 0.03


@pytest.mark.parametrize("method", ["tsne", "umap", "pacmap"])
def test_on_a_map_of_neighbours_data_that_is_placed_again_lies_near_its_place(store, method):
    here = kept(store, csv(wave(1)))
    view = view_of(here, method=method)
    xy = placed(view, store, here).xy
    old = picture(view, store)
    moved, by_chance = (
        np.median(np.linalg.norm(one - old, axis=1)) for one in (xy, np.random.default_rng(0).permutation(xy))
    )
    assert moved < 0.05 * np.ptp(old, axis=0).max() < by_chance


def test_the_old_map_stays_as_it_is(store):
    view = view_of(kept(store, csv(wave(1))))
    views.build(view, store, lambda *_: None)
    before = picture(view, store)
    placed(view, store, kept(store, csv(wave(2) * 3)))
    np.testing.assert_array_equal(picture(view, store), before)


# --- what is found


def test_more_of_the_same_fits(store):
    found = placed(view_of(kept(store, csv(wave(1)))), store, kept(store, csv(wave(2))))
    assert judge(found.found, Limits()).state == "fits"
    assert found.outside.mean() < 0.05
    assert found.notices == ()
    assert (found.found.n_new, found.found.n_apart) == (len(found.xy), N // LENGTH)


def test_windows_with_spikes_are_outside_and_the_others_are_not(store):
    x, spikes = wave(2), np.arange(80, N, 160)
    x[spikes] += 80
    found = placed(view_of(kept(store, csv(wave(1)))), store, kept(store, csv(x)))
    spiked = np.array([((start <= spikes) & (spikes < start + LENGTH)).any() for start in found.where.start])
    assert found.outside[spiked].all()
    assert found.outside[~spiked].mean() < 0.05
    assert judge(found.found, Limits()).state == "ask again"


@pytest.mark.parametrize("encoder", SEE_LEVELS, ids=IDS)
def test_a_level_that_has_shifted_is_not_scaled_away(store, encoder):
    """By its own mean, or by its own mean level, the new data would look like the old."""
    view = view_of(kept(store, csv(wave(1))), encoder=encoder)
    found = placed(view, store, kept(store, csv(wave(2) + 60)))
    assert found.outside.mean() > 0.9
    assert "force: the level is higher than in the pilot (109.9 against 50)" in said(found)


def test_what_windows_are_scaled_by_themselves_cannot_show_is_found_in_what_was_recorded(store):
    by_window = replace(RECIPE, steps=(RECIPE.steps[0], Scale("z-score", "window")))
    found = placed(view_of(kept(store, csv(wave(1))), recipe=by_window), store, kept(store, csv(wave(2) + 60)))
    assert judge(found.found, Limits()).state == "watch"
    assert "force: the level is higher" in said(found)


def test_too_little_new_data_is_placed_and_not_judged(store):
    found = placed(view_of(kept(store, csv(wave(1)))), store, kept(store, csv(wave(2, n=200))))
    assert len(found.xy) == 24
    assert judge(found.found, Limits()).state == "cannot tell"
    assert "12 stretches that share no samples, and 20 are needed" in said(found)


def test_windows_with_a_long_gap_are_left_out_and_counted(store):
    x = wave(2)
    x[400:440] = np.nan
    found = placed(view_of(kept(store, csv(wave(1)))), store, kept(store, csv(x)))
    touched = (found.where.start < 440) & (found.where.start + LENGTH > 400)
    assert not touched.any()
    assert (found.n_gappy, len(found.xy)) == (6, 199 - 6)


# --- whose numbers


def centres(found: Placed, view: views.ViewSpec, store: Store) -> np.ndarray:
    """How far right or left the new series lie on the map, in widths of it."""
    old = picture(view, store)
    return np.array([found.xy[found.where.series == i].mean(axis=0) for i in np.unique(found.where.series)]) / np.ptp(
        old
    )


def test_each_line_is_scaled_by_its_own_past_wherever_it_stands_in_the_file(store):
    view = view_of(of_lines(store, {"L1": wave(1), "L2": 1000 + wave(2)}))
    found = placed(view, store, of_lines(store, {"L2": 1000 + wave(3), "L1": wave(4)}))
    assert np.abs(centres(found, view, store)).max() < 0.1
    assert found.notices == ()


def test_a_line_that_the_pilot_did_not_have_is_told_and_scaled_by_itself(store):
    view = view_of(of_lines(store, {"L1": wave(1), "L2": 1000 + wave(2)}))
    found = placed(view, store, of_lines(store, {"L2": 1000 + wave(3), "L9": 500 + wave(4)}))
    [told] = found.notices
    assert (told.message, dict(told.facts)) == (ALONE, {"n": 1, "total": 2})
    assert np.abs(centres(found, view, store)).max() < 0.1


def test_of_a_pilot_with_one_line_every_other_line_takes_the_numbers(store):
    view = view_of(of_lines(store, {"L1": wave(1)}))
    found = placed(view, store, of_lines(store, {"L9": 60 + wave(3)}))
    assert found.notices == ()
    assert found.outside.mean() > 0.9


def test_a_row_number_is_no_name(store):
    def table(seed: int) -> Source:
        rows = "\n".join(",".join(f"{x:.4f}" for x in wave(seed + i, 64)) for i in range(40))
        return kept(store, rows.encode(), layout="rows")

    view = view_of(table(0), recipe=replace(RECIPE, window=WindowSpec(32, 32)))
    [told] = placed(view, store, table(100)).notices
    assert dict(told.facts) == {"n": 40, "total": 40}


def test_lines_that_were_brought_together_are_moved_as_they_were_then(store):
    """A level that line L2 always had is taken out again; one that is new is not."""
    adapted = replace(RAW, adapt="centred")
    plain = replace(RECIPE, steps=(Impute("linear", 8),))
    view = view_of(of_lines(store, {"L1": wave(1), "L2": 1000 + wave(2)}), encoder=adapted, recipe=plain)
    same = placed(view, store, of_lines(store, {"L2": 1000 + wave(3)}))
    assert np.abs(centres(same, view, store)).max() < 0.1
    shifted = placed(view, store, of_lines(store, {"L2": 1060 + wave(3)}))
    assert shifted.outside.mean() > 0.9
    with pytest.raises(UserError, match="knows nothing of “L9”"):
        placed(view, store, of_lines(store, {"L9": wave(3)}))


# --- what cannot be compared


def test_other_channels_are_named(store):
    view = view_of(kept(store, csv(wave(1))))
    with pytest.raises(UserError, match="force here, heat there"):
        placed(view, store, kept(store, csv(wave(2), name="heat")))


def test_another_pace_is_told(store):
    view = view_of(kept(store, csv(wave(1))))
    [told] = placed(view, store, kept(store, csv(wave(2), step=10))).notices
    assert (told.message, dict(told.facts)) == (OTHER_PACE, {"old": 1.0, "new": 10.0})


# --- made once


def test_a_second_call_computes_nothing(store):
    view, new = view_of(kept(store, csv(wave(1)))), kept(store, csv(wave(2)))
    spec = PlacedSpec(view, (new,))
    assert load(spec, store) is None
    stages: list[str] = []
    key = build(spec, store, lambda stage, *_: stages.append(stage))
    assert {PREPARING, PLACING, COMPARING} < {*stages}
    stages.clear()
    assert build(spec, store, lambda stage, *_: stages.append(stage)) == key
    assert stages == []


def test_on_another_map_of_the_same_model_the_model_reads_nothing_again(store):
    view, new = view_of(kept(store, csv(wave(1)))), kept(store, csv(wave(2)))
    placed(view, store, new)
    other = PlacedSpec(view.drawn_by(ProjectionSpec("pca", seed=1)), (new,))
    vectors = store.folder(other.embedding_fingerprint()) / "vectors.npy"
    before = vectors.stat().st_mtime_ns
    build(other, store, lambda *_: None)
    assert load(other, store) is not None
    assert vectors.stat().st_mtime_ns == before


def test_whoever_watches_can_stop_it(store):
    class StoppedError(Exception): ...

    def stop(stage: str, *_: object) -> None:
        if stage == PLACING:
            raise StoppedError

    view, new = view_of(kept(store, csv(wave(1)))), kept(store, csv(wave(2)))
    views.build(view, store, lambda *_: None)
    spec = PlacedSpec(view, (new,))
    with pytest.raises(StoppedError):
        build(spec, store, stop)
    assert load(spec, store) is None


def test_a_spec_survives_json_and_says_all_that_decides(store):
    view, new = view_of(kept(store, csv(wave(1)))), kept(store, csv(wave(2)))
    spec = PlacedSpec(view, (new,))
    assert PlacedSpec.from_json(spec.to_json()) == spec
    others = [PlacedSpec(view, view.sources), PlacedSpec(view.drawn_by(ProjectionSpec("umap")), (new,))]
    assert len({one.fingerprint() for one in (spec, *others)}) == 3
