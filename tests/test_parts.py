"""A folder in parts: each window comes out as if the whole of its series had been prepared at once."""

from dataclasses import replace

import numpy as np
import pytest

from core import fitting, folders, parts
from core.errors import UserError
from core.folders import FolderSpec
from core.recipes import Recipe, WindowSpec, cut
from core.steps import Bend, Deseason, Detrend, Impute, Resample, Scale, Smooth, Step, Winsorise
from tests.plant import inside, written

GAPS = (0, 1, 130, 131, 132, 133, 499, 500, 501, 700)
WINDOW = WindowSpec(16, 5, "start", "shift")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> FolderSpec:
    """1,000 samples with gaps, some of them across the edges of files and blocks."""
    folder = tmp_path_factory.mktemp("plant")
    values = np.random.default_rng(0).normal(size=1000).cumsum() + 50
    values[list(GAPS)] = np.nan
    for k, ending in enumerate(("parquet", "csv")):
        written(values[:500], folder / f"sensor={k}" / f"0.{ending}", "2026-01-01 00:00", rows=70)
        written(values[500:], folder / f"sensor={k}" / f"1.{ending}", "2026-01-01 08:20", rows=70)
    return FolderSpec(str(folder), ("x",), "t", ("sensor",))


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (Impute("linear", 4),),
        (Impute("forward", 2), Scale("z-score", "series")),
        (Smooth("median", 5),),
        (Smooth("savgol", 7),),
        (Detrend("difference"),),
        (Detrend("linear"),),
        (Bend("log"),),
        (Winsorise(0.05, "series"),),
        (Resample(180, "mean"), Impute("linear", 3)),
        (Impute("linear", 4), Resample(90, "nearest")),
        (Scale("robust", "window"),),
    ],
    ids=lambda steps: "+".join(type(step).__name__ for step in steps),
)
def test_parts_are_what_whole_series_would_be(spec: FolderSpec, steps: tuple[Step, ...]):
    recipe, found = Recipe(steps, 0.7, WINDOW), inside(spec)
    parts.check(spec, recipe)
    states = {one.name: parts.learnt(spec, recipe, one) for one in found.series}
    pieces = [piece for part in parts.parts(found, recipe, states, 17) for piece in part.pieces]
    pieces.sort(key=lambda one: (one.series.name, one.first))  # ends of series lie together
    got = [parts.filled(spec, recipe, one) for one in pieces]
    whole = [folders.read(spec, one, 0, one.n) for one in found.series]
    done, _ = fitting.prepare(whole, steps[:-1] if recipe.scaled_by_window else steps, recipe.training)
    wanted = cut(done, recipe)
    assert np.array_equal(np.concatenate([one.start for one in got]), wanted.start)
    assert np.allclose(np.concatenate([one.values for one in got]), wanted.values(), rtol=0, atol=1e-12)


def test_a_part_has_up_to_so_many_windows_of_one_series_or_the_ends_of_several(spec: FolderSpec):
    found = inside(spec)
    [n, _] = [parts.n_windows(one, Recipe((), 0.7, WINDOW)) for one in found.series]
    states = {one.name: () for one in found.series}
    made = list(parts.parts(found, Recipe((), 0.7, WINDOW), states, 60))
    assert [part.n_windows for part in made] == [60, 60, 60, 60, 60, 60, 2 * (n - 180)]
    assert [part.number for part in made] == list(range(7))


def test_a_series_that_is_left_out_is_in_no_part(spec: FolderSpec):
    made = parts.parts(inside(spec), Recipe((), 0.7, WINDOW), {"1": ()}, 60)
    assert {piece.series.name for part in made for piece in part.pieces} == {"1"}


def test_of_a_very_long_series_every_so_many_samples_teach(spec: FolderSpec, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parts, "MOST_LEARNT", 100)
    monkeypatch.setattr(parts, "CHUNK", 50)  # samples that are prepared at a time: no multiple of every 7th
    one = inside(spec).series[0]
    x = folders.read(spec, one, 0, 700).values[::7, 0]
    [scale] = parts.learnt(spec, Recipe((Scale("z-score", "series"),), 0.7, WINDOW), one)
    assert np.allclose(scale["0"]["x"], [np.nanmean(x), np.nanstd(x)])
    [line] = parts.learnt(spec, Recipe((Detrend("linear"),), 0.7, WINDOW), one)
    at = 7 * np.arange(100)[~np.isnan(x)]
    slope, level = np.polyfit(at, x[~np.isnan(x)], 1)
    assert np.allclose(line["0"]["x"], [level, slope])


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Impute("seasonal", 9, 5), "by season"),
        (Impute("linear", 200_000), "without a limit"),
        (Smooth("exponential", 5), "Exponential"),
        (Deseason("stl", (24,)), "the season"),
        (Scale("z-score", "all"), "all series at once"),
        (Bend("box-cox"), "all series at once"),
        (Resample(60, "linear"), "straight lines"),
    ],
)
def test_steps_that_look_at_whole_series_are_refused(spec: FolderSpec, step: Step, words: str):
    with pytest.raises(UserError, match=words):
        parts.check(spec, Recipe((step,), 0.7, WINDOW))


@pytest.mark.parametrize("window", [replace(WINDOW, align="label"), replace(WINDOW, most=100)])
def test_so_are_ways_to_cut_that_look_at_all_series(spec: FolderSpec, window: WindowSpec):
    with pytest.raises(UserError):
        parts.check(spec, Recipe((), 0.7, window))


def test_a_grid_in_time_wants_a_clock(spec: FolderSpec):
    with pytest.raises(UserError, match="no time column"):
        parts.check(replace(spec, time=""), Recipe((Resample(180, "mean"),), 0.7, WINDOW))
