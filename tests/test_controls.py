"""Control maps: noise holds nothing, planted events are there to be seen, and both are drawn as the view is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core import tasks
from core.artifacts import Store
from core.controls import BURST, EVENTS, FEWEST, NONE, SHIFT, Control, ControlSpec, apart, build, event, load
from core.encoders import EncoderSpec
from core.errors import UserError
from core.material import MOST
from core.measures import windows_of
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.steps import Scale
from core.tables import open_file
from core.views import ViewSpec
from core.views import load as load_view

LENGTH = 64
torch.set_num_threads(1)  # more would wait for one another longer than such small models take


class Bench:
    """A recording of a slow and a fast channel, noisy, and what is made of it."""

    def __init__(self, folder, n: int = 9600) -> None:
        self.store, rng = Store(folder), np.random.default_rng(1)
        slow = 50 + 5 * np.sin(np.arange(n) / 40) + rng.normal(size=n)
        fast = 0.02 * rng.normal(size=n)
        data = ("\n".join(["a,b", *(f"{x:.4f},{y:.5f}" for x, y in zip(slow, fast, strict=True))])).encode()
        sha = self.store.keep(data, {})
        source = Source(sha, replace(open_file(data)[0], channels=("a", "b"), time=None))
        recipe = Recipe(window=WindowSpec(LENGTH, LENGTH // 2))
        self.view = ViewSpec((source,), recipe, EncoderSpec("raw"), ProjectionSpec("pca"))

    def make(self, kind: str, view: ViewSpec | None = None, seed: int = 0) -> Control:
        spec = ControlSpec(view or self.view, kind, seed)
        assert build(spec, self.store, lambda *_: None) == spec.fingerprint()
        found = load(spec, self.store)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def noise(bench):
    return bench.make("noise")


@pytest.fixture(scope="module")
def events(bench):
    return bench.make("events")


def cut_again(control: Control) -> np.ndarray:
    """The windows, cut by hand from the series that they are said to lie in."""
    where = control.ground.where
    cut = [control.series[i].values[at : at + LENGTH].T for i, at in zip(where.series, where.start, strict=True)]
    return np.array(cut)


# Noise


def test_there_is_as_much_noise_as_there_are_windows(bench, noise):
    n = len(windows_of(bench.view, bench.store))
    assert noise.values.shape == (n, 2, LENGTH)
    assert noise.ground.xy.shape == (n, 2)
    assert noise.ground.label is None
    assert noise.values.dtype == np.float32


def test_noise_has_the_mean_and_the_spread_of_each_channel_and_is_white(bench, noise):
    own = windows_of(bench.view, bench.store).values()
    off = (noise.values.mean(axis=(0, 2)) - own.mean(axis=(0, 2))) / own.std(axis=(0, 2))
    np.testing.assert_allclose(off, 0, atol=0.03)
    np.testing.assert_allclose(noise.values.std(axis=(0, 2)), own.std(axis=(0, 2)), rtol=0.03)
    for c in range(2):
        one = noise.values[:, c] - noise.values[:, c].mean()
        power = (np.abs(np.fft.rfft(one, axis=1)) ** 2).mean(axis=0)[1:-1]
        assert power.max() < 1.5 * power.min()


def test_no_two_windows_of_noise_share_samples(noise):
    start = np.sort(noise.ground.where.start)
    assert (np.diff(start) == LENGTH).all()


# Events


def test_windows_with_events_share_no_samples(events):
    start = np.sort(events.ground.where.start)
    assert np.diff(start).min() >= LENGTH
    assert len(start) == 9600 // LENGTH


def test_about_one_in_eight_has_an_event_and_both_kinds_come_equally_often(events):
    names, counts = np.unique(events.ground.label, return_counts=True)
    share = dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True))
    assert set(share) == {NONE, BURST, SHIFT}
    assert share[BURST] == share[SHIFT] == pytest.approx(0.06, abs=0.005)


def test_windows_without_an_event_are_the_views_own(bench, events):
    windows = windows_of(bench.view, bench.store)
    own = {int(start): i for i, start in enumerate(windows.start)}
    same = np.array([own[int(start)] for start in events.ground.where.start])
    plain = events.ground.label == NONE
    np.testing.assert_allclose(events.values[plain], windows.values(same)[plain], rtol=1e-5, atol=1e-5)
    added = np.abs(events.values - windows.values(same))[~plain].max(axis=2)
    assert (added > 3 * windows.values().std(axis=(0, 2))).all()


def test_who_looks_at_the_curves_sees_the_events(events):
    """Somebody who only knows how far a curve usually goes, and for how long."""
    b = events.values[:, 1] / np.median(events.values[:, 1].std(axis=1))  # white: nothing of its own goes that far
    far, long = np.abs(b).max(axis=1) > 4.4, np.sort(b, axis=1)[:, -LENGTH // 4] > 2
    said = np.where(long, SHIFT, np.where(far, BURST, NONE))
    assert (said == events.ground.label).mean() > 0.97


def test_rows_do_not_tell_where_events_are(events):
    planted = events.ground.label != NONE
    rows = np.arange(len(planted))
    assert abs(np.corrcoef(rows, planted)[0, 1]) < 0.25
    assert abs(np.corrcoef(rows, events.ground.where.start)[0, 1]) < 0.25


@pytest.mark.parametrize("kind", ["noise", "events"])
def test_windows_are_cut_from_the_series_that_a_line_is_drawn_of(bench, kind):
    control = bench.make(kind)
    np.testing.assert_allclose(cut_again(control), control.values, rtol=1e-5, atol=1e-5)


def test_an_event_is_over_before_the_window_ends_and_reaches_one():
    for kind in EVENTS:
        for length in (8, 64, 513):
            for seed in range(20):
                added = event(kind, length, np.random.default_rng(seed))
                assert len(added) == length
                assert 0.9 <= np.abs(added).max() <= 1 or (kind == BURST and length == 8)
                assert added[0] == added[-1] == 0 or length == 8


def test_windows_that_are_scaled_one_by_one_are_scaled_after_the_event(bench):
    recipe = Recipe((Scale("z-score", "window"),), window=bench.view.recipe.window)
    control = bench.make("events", replace(bench.view, recipe=recipe))
    np.testing.assert_allclose(control.values.mean(axis=2), 0, atol=1e-4)
    np.testing.assert_allclose(control.values.std(axis=2), 1, atol=1e-3)


# Quizzes on them


def test_without_labels_quizzes_are_made_of_planted_events(events):
    kinds, _why = tasks.possible(events.ground)
    assert "odd" in kinds
    for task in tasks.draw("odd", events.ground, 4, 0):
        assert {events.ground.label[row] for row in task.right} <= {BURST, SHIFT}
        assert task.chance(True) == task.chance(False) == pytest.approx(0.06, abs=0.005)


def test_noise_has_nothing_to_be_found_but_what_lies_elsewhere(noise):
    assert tasks.possible(noise.ground)[0] == ("intruder",)


# As the view is


@pytest.mark.parametrize("kind", ["noise", "events"])
def test_the_shipped_model_draws_them_by_a_neighbour_map_too(tmp_path, kind):
    bench = Bench(tmp_path, n=1600)
    view = replace(bench.view, encoder=EncoderSpec(), projection=ProjectionSpec("tsne", stopped_after=10))
    control = bench.make(kind, view)
    assert np.isfinite(control.ground.xy).all()
    assert np.ptp(control.ground.xy, axis=0).min() > 0
    assert load_view(view, bench.store) is not None


def test_too_few_windows_say_so(tmp_path):
    bench = Bench(tmp_path, n=LENGTH * (FEWEST - 1))
    with pytest.raises(UserError, match="too few to plant events"):
        bench.make("events")
    assert len(bench.make("noise").values) == 2 * (FEWEST - 1) - 1


def test_no_more_are_made_than_are_shown(tmp_path):
    bench = Bench(tmp_path, n=5000)
    view = replace(bench.view, recipe=Recipe(window=WindowSpec(16, 1)))
    assert len(bench.make("noise", view).values) == MOST


def test_windows_that_share_no_samples_begin_anew_in_each_series(bench):
    windows = windows_of(bench.view, bench.store)
    some = replace(windows, series=np.array([0, 0, 0, 1, 1]), start=np.array([0, 32, 64, 40, 103]))
    assert apart(some).tolist() == [0, 2, 3]


def test_a_spec_comes_back_from_json_and_another_seed_is_another_map(bench, noise):
    spec = ControlSpec(bench.view, "events", 3)
    assert ControlSpec.from_json(spec.to_json()) == spec
    assert spec.fingerprint() != replace(spec, kind="noise").fingerprint() != bench.view.fingerprint()
    assert load(spec, bench.store) is None
    assert (bench.make("noise", seed=1).values != noise.values).any()
    with pytest.raises(ValueError, match="no such control"):
        ControlSpec(bench.view, "static")
