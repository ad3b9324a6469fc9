"""Extra training from an upload to what it changed: nothing leaks, a stop loses nothing, and the numbers are true."""

import json
import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import flat, tuning, views
from core.artifacts import Store
from core.change import Change, change
from core.domains import ONE_DOMAIN
from core.embedding import Encoder
from core.encoders import SHIPPED, EncoderSpec, architecture, weights_hash
from core.errors import UserError
from core.lessons import TrainSpec, n_trained
from core.notices import Notice
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, Windows, WindowSpec
from core.recognition import Score
from core.series import Series
from core.tables import open_file
from core.tuning import Tuned, TuneSpec, build, load, parts_of, without_shapes
from core.views import ViewSpec
from tests.test_training import small_moment

torch.set_num_threads(1)  # more would wait for one another longer than such small models take

LENGTH = 64
SHORT = TrainSpec(steps=8, batch=16, every=4, rate=1e-3)


def nobody(*_said: object) -> None:
    """Nobody watches the progress."""


def recording(n: int = 6000, seed: int = 0, hum: float = 0.0) -> bytes:
    """Two states in turn, of 300 samples each, that differ in their rhythm; the label says which. All of it may hum."""
    rng, at = np.random.default_rng(seed), np.arange(n)
    quick = at // 300 % 2 == 1
    values = 20 + np.sin(2 * np.pi * at / np.where(quick, 7, 19)) + 0.3 * rng.normal(size=n) + hum * np.sin(2.5 * at)
    rows = (f"{i},{v:.5f},{'quick' if q else 'slow'}" for i, v, q in zip(at, values, quick, strict=True))
    return ("t,value,state\n" + "\n".join(rows)).encode()


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return small_moment(tmp_path_factory.mktemp("small"))


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def asked(store: Store, model: Path, train: TrainSpec = SHORT, *data: bytes) -> TuneSpec:
    store.root.mkdir(exist_ok=True)
    files = data or (recording(),)
    readings = [replace(open_file(file)[0], time=None, channels=("value",), label="state") for file in files]
    sources = tuple(Source(store.keep(file, {}), reading) for file, reading in zip(files, readings, strict=True))
    return TuneSpec(sources, Recipe(window=WindowSpec(LENGTH, 16)), EncoderSpec("moment", str(model)), train)


def done(spec: TuneSpec, store: Store) -> Tuned:
    build(spec, store, nobody)
    found = load(spec, store)
    assert found is not None
    return found


# --- on what


def windows(starts: list[list[int]], length: int = 16) -> Windows:
    series = [Series(None, None, np.zeros((max(own) + length, 1)), ("a",), None, 1.0) for own in starts]
    which = np.concatenate([np.full(len(own), i) for i, own in enumerate(starts)])
    return Windows(series, which, np.concatenate(starts), length, None)


@pytest.mark.parametrize(
    "starts",
    [
        [list(range(0, 800, 4))],
        [list(range(0, 800, 16)), list(range(0, 300, 3))],
        [[0, 1, 2, 3, 400, 401, 402], list(range(0, 160, 16)), list(range(5, 900, 7))],
        [[0]] * 40,
        [[0, 8]] * 30,
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.7, 1.0])
def test_no_sample_that_is_learnt_from_is_ever_in_what_is_held_out(starts, share):
    here = windows(starts)
    parts = parts_of(here, share)
    seen = []
    for ids in (parts.train, parts.stop, parts.held):
        assert len(ids)
        span = here.start[ids][:, None] + np.arange(here.length)
        seen.append(set(zip(np.repeat(here.series[ids], here.length).tolist(), span.ravel().tolist(), strict=True)))
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_of_long_series_the_end_is_held_out_and_of_short_ones_whole_series():
    long = windows([list(range(0, 1000, 10))])
    parts = parts_of(long, 0.7)
    assert long.start[parts.train].max() < long.start[parts.stop].min() < long.start[parts.held].min()
    assert len(parts.held) == pytest.approx(30, abs=3)
    short = windows([[0]] * 40)
    parts = parts_of(short, 0.7)
    assert (len(parts.held), len(parts.train) + len(parts.stop)) == (12, 28)


def test_of_less_data_the_latest_part_is_learnt_from_and_the_rest_stays_as_it_was():
    long = windows([list(range(0, 1000, 10)), list(range(0, 600, 10))])
    every, half = parts_of(long, 0.7), parts_of(long, 0.7, 0.5)
    assert (half.held == every.held).all()
    assert (half.stop == every.stop).all()
    assert set(half.train) < set(every.train)
    for i in (0, 1):
        starts = [long.start[part.train[long.series[part.train] == i]] for part in (every, half)]
        assert len(starts[1]) == pytest.approx(len(starts[0]) / 2, abs=2)
        assert starts[1].max() == starts[0].max()


def test_data_without_shapes_keep_their_rhythm_and_lose_their_events():
    at = np.arange(4096)
    values = np.stack([np.sin(at / 9), np.sin(at / 9 + 1)], axis=1) + (at[:, None] % 1024 < 8) * 9.0
    values[100:110, 0] = np.nan
    series = Series(None, None, values, ("a", "b"), None, 1.0)
    [one] = without_shapes([series], seed=0)
    assert (np.isnan(one.values) == np.isnan(values)).all()
    power = [np.abs(np.fft.rfft(np.nan_to_num(x, nan=np.nanmean(x)))) for x in (values[:, 1], one.values[:, 1])]
    np.testing.assert_allclose(power[0], power[1], rtol=1e-6, atol=1e-6)

    def events(x: np.ndarray) -> float:
        """Kurtosis: rare large values make it large, noise has 3."""
        return float(((x - x.mean()) ** 4).mean() / x.var() ** 2)

    assert events(values[:, 1]) > 20
    assert events(one.values[:, 1]) < 6
    [again], [other] = (without_shapes([series], seed=i) for i in (0, 1))
    np.testing.assert_array_equal(again.values, one.values)
    assert np.abs(other.values[:, 1] - one.values[:, 1]).max() > 0.1


# --- a run


def test_a_head_alone_lowers_the_error_and_moves_nothing(store, small):
    found = done(asked(store, small, replace(SHORT, trained="head", steps=40, every=10)), store)
    assert found.n_trained == 32 * 8 + 8 < found.n_parameters
    assert found.change.movement.displacement == 0
    assert found.change.movement.kept == 1
    assert found.change.before == replace(found.change.after)
    middle = found.change.errors[1]
    assert middle.after["mse"].value < middle.before["mse"].value
    assert middle.change.value == pytest.approx(middle.after["mse"].value / middle.before["mse"].value - 1)
    assert np.array_equal(*found.xy)


def test_training_everything_moves_the_map_and_its_model_draws_views(store, small):
    spec = asked(store, small, replace(SHORT, contrast=1.0, positives="label", steps=40, every=10))
    found = done(spec, store)
    assert found.change.movement.displacement > 0.01
    assert found.n_windows == tuple(len(ids) for ids in vars_of(parts_of(tuning.windows_of(spec, store, nobody), 0.7)))
    assert found.best > 0
    assert isinstance(found.change.after.recognised, Score)
    view = ViewSpec(spec.sources, spec.recipe, spec.encoder_in(store), ProjectionSpec("pca"))
    views.build(view, store, nobody)
    drawn = views.load(view, store)
    assert drawn is not None
    assert drawn.meta["weights"] == found.weights != weights_hash(small)
    assert [round(one.hidden, 2) for one in found.change.errors] == [0.25, 0.5, 0.75]
    card = (store.folder(spec.fingerprint()) / "README.md").read_text(encoding="utf-8")
    assert spec.sources[0].sha256 in card


def vars_of(parts: tuning.Parts) -> tuple[np.ndarray, ...]:
    return parts.train, parts.stop, parts.held


def die_in_the_middle(spec: TuneSpec, root: Path, remote: str, step: int) -> None:
    """In a process of its own, which is gone from one moment to the next."""

    def progress(stage: str, done: int, _total: int) -> None:
        if stage == tuning.TRAINING_IT and done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    torch.set_num_threads(1)
    build(spec, Store(root, remote), progress)


def test_a_run_that_was_killed_goes_on_to_the_same_weights_on_another_computer_too(tmp_path, small, computer):
    whole, dying, broken = Store(tmp_path / "whole"), computer(), computer()
    train = replace(SHORT, contrast=0.5, steps=12)
    expected = done(asked(whole, small, train), whole)
    spec = asked(broken, small, train)
    killed = multiprocessing.get_context("spawn").Process(
        target=die_in_the_middle, args=(spec, dying.root, dying.remote, 6)
    )
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    assert load(spec, broken) is None
    assert [file.name for file in broken.desk(spec.fingerprint()).glob("*.json")] == ["state.json"]
    assert broken.sketched(spec.fingerprint())[1][:, 0].tolist() == [0, 4]
    steps, seen = [], []

    def look(stage: str, step: int, _total: int) -> None:
        if stage == tuning.TRAINING_IT:
            steps.append(step)
            seen.append(broken.sketched(spec.fingerprint())[1][:, 0].tolist())

    build(spec, broken, look)
    assert seen[0] == [0, 4]  # also what was seen before
    assert seen[-1] == [0, 4, 8, 12]
    found = load(spec, broken)
    assert found is not None
    assert steps[0] == 4  # from the last checkpoint, not from the start
    assert found.weights == expected.weights
    assert found.change == expected.change
    assert list(broken.desk(spec.fingerprint()).glob("*")) == []
    assert broken.sketched(spec.fingerprint()) is None


def test_a_map_by_a_trained_model_is_drawn_on_another_computer_and_is_the_same_map(bucket, tmp_path, small):
    here, there = (Store(tmp_path / name, address) for address in [bucket.fresh()] for name in ("here", "there"))
    spec = asked(here, small)
    done(spec, here)
    view = ViewSpec(spec.sources, spec.recipe, spec.encoder_in(here), ProjectionSpec("pca"))
    shutil.rmtree(here.root / spec.fingerprint())  # a new disk: what it needs of the model comes from the bucket
    arrived = there.moved_here(view, here.root)
    assert Path(arrived.encoder.source).parent == there.root
    assert views.build(arrived, there, nobody) == view.fingerprint()
    found = views.load(view, here)
    assert found is not None
    assert EncoderSpec.from_json(found.meta["spec"]["encoder"]) == view.encoder
    assert found.xy.tobytes() == views.load(arrived, there).xy.tobytes()


def test_how_far_it_has_come_can_be_seen_meanwhile(store, small):
    spec, seen = asked(store, small), []

    def look(stage: str, _step: int, _total: int) -> None:
        sketch = store.sketched(spec.fingerprint())
        if stage == tuning.TRAINING_IT and sketch is not None:
            seen.append(sketch[1])

    build(spec, store, look)
    assert [len(one) for one in seen][-1] >= 2
    np.testing.assert_array_equal(seen[-1][:2, 0], [0, 4])  # step; the objective on both kinds of windows beside it
    assert np.isfinite(seen[-1]).all()


def test_the_same_training_on_data_without_shapes_is_a_run_of_its_own(store, small):
    spec = asked(store, small, replace(SHORT, contrast=1.0))
    assert spec.makes_groups
    assert not asked(store, small).makes_groups
    real, twin = done(spec, store), done(spec.twin, store)
    assert real.weights != twin.weights
    assert real.xy[0].shape == twin.xy[0].shape
    assert TuneSpec.from_json(spec.twin.to_json()) == spec.twin != spec


def test_a_flat_map_that_is_trained_along_is_the_map_of_the_run(store, small):
    spec = asked(store, small, replace(SHORT, layout=1.0, steps=40, every=10))
    found = done(spec, store)
    here = tuning.windows_of(spec, store, nobody).values(found.ids)
    encoder = Encoder(spec.encoder_in(store), ("value",), nobody)
    vectors = encoder.embed(here, nobody).astype(np.float64)
    placed = flat.placed(store.folder(spec.fingerprint()), vectors)
    np.testing.assert_allclose(found.xy[1], placed, atol=0.05 * placed.std())  # this machine may embed in bfloat16
    assert np.abs(found.xy[0] - found.xy[1]).max() > 0.1


def test_whether_lines_are_told_apart_and_labels_kept_is_measured_before_and_after(store, small):
    """Another line is a file of its own; with one file there is nothing to tell apart, nothing to bring together."""
    train = replace(SHORT, lines=1.0, steps=40, every=10, rate=3e-3)
    found = done(asked(store, small, train, recording(), recording(seed=1, hum=1.5)), store).change
    assert found.before.lines.auc.low > 0.5
    assert found.after.lines.mixing > found.before.lines.mixing + 0.1
    labels = found.labels
    assert (labels.other, labels.value) == (found.before.recognised.value, found.after.recognised.value)
    assert labels.low < labels.value - labels.other < labels.high
    assert Change.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert done(asked(store, small), store).change.after.lines == Notice(ONE_DOMAIN, {})
    with pytest.raises(UserError, match="only one line or site"):
        build(asked(store, small, train), store, nobody)


def test_a_training_that_brings_lines_together_is_another_one_and_can_be_written_down(store, small):
    spec = asked(store, small)
    lines = replace(spec, train=replace(SHORT, lines=0.3))
    assert TuneSpec.from_json(json.loads(json.dumps(lines.to_json()))) == lines
    assert lines.fingerprint() != spec.fingerprint()


def test_what_was_measured_before_lines_were_is_still_read(store, small):
    kept = done(asked(store, small), store).change.to_json()
    del kept["labels"]
    for name in ("before", "after"):
        del kept[name]["lines"]
    old = Change.from_json(kept)
    assert (old.labels, old.before.lines, old.after.lines) == (None, None, None)


def test_equal_results_of_unequal_settings_are_told(store, small):
    """Training that keeps the weights it began with is the same however it was asked for."""
    useless = replace(SHORT, rate=1e-12)
    one, other = (done(asked(store, small, replace(useless, seed=seed)), store) for seed in (0, 1))
    assert one.outcome == other.outcome
    assert done(asked(store, small, replace(SHORT, rate=3e-3, steps=40)), store).outcome != one.outcome


def test_too_few_stretches_are_refused_with_what_to_do(store, small):
    with pytest.raises(UserError, match="smaller step"):
        build(asked(store, small, SHORT, recording(500)), store, nobody)


# --- what may change, and what did


@pytest.mark.parametrize("trained", ["head", "last", "lora", "all"])
def test_as_many_parameters_may_change_as_was_said_before(store, small, trained):
    train = replace(SHORT, trained=trained, steps=1, every=1, blocks=2)
    spec = asked(store, small, train)
    assert done(spec, store).n_trained == n_trained(train, architecture(spec.encoder))


def test_all_blocks_are_all_but_what_reads_patches():
    built = architecture(EncoderSpec("compact"))
    blocks = n_trained(TrainSpec("last", blocks=built.layers), built)
    assert n_trained(TrainSpec("all"), built) - blocks == built.width * (8 + 1)


def test_a_model_beside_itself_has_not_changed(store, small):
    spec = asked(store, small)
    here = tuning.windows_of(spec, store, nobody)
    encoder = Encoder(EncoderSpec("moment", str(SHIPPED), precision="float32"), ("value",), nobody)
    found = change(encoder, encoder, here, np.arange(len(here)), nobody)
    assert found.movement.displacement == 0
    assert all(one.before == one.after and one.change.value == 0 for one in found.errors)
    assert found.before == found.after
    assert found.before.recognised.value > 0.9  # the rhythms are told apart
    assert found.before.probes > 0.3
    assert Change.from_json(found.to_json()) == found
