"""Series are prepared once, kept with what the steps learnt, and come back as they were."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import moment
from core.artifacts import Store
from core.encoders import SHIPPED
from core.errors import UserError
from core.fitting import prepare
from core.preparation import PreparationSpec, build, load, replayed
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.steps import Deseason, Impute, Scale, Smooth
from core.tables import guess, read

SINE = "time,line,wave,state\n" + "".join(
    f"2026/11/23 {i // 60:02}:{i % 60:02},L{k},"
    f"{'' if i in (100, 101) else f'{np.sin(i / 6):.6f}'},{'up' if i < 200 else 'down'}\n"
    for k in (1, 2)
    for i in range(400)
)
RECIPE = Recipe((Impute("linear", 8), Scale("z-score", "series")), 0.5, WindowSpec(32, 8))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def sources(store: Store) -> tuple[Source, ...]:
    data = SINE.encode()
    return (Source(store.keep(data, {}), guess(data)),)


def made(spec: PreparationSpec, store: Store):
    build(spec, store, lambda *_: None)
    return load(spec, store)


def test_what_comes_back_is_what_the_steps_make(store, sources):
    raw = read(SINE.encode(), sources[0].reading).series
    expected, states = prepare(raw, RECIPE.steps, RECIPE.training)
    found = made(PreparationSpec.of(sources, RECIPE), store)
    assert len(found.series) == 2
    for one, other in zip(found.series, expected, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.filled, other.filled)
        np.testing.assert_array_equal(one.time, other.time)
        assert one.label.tolist() == other.label.tolist()
        assert (one.domain, one.channels) == (other.domain, other.channels)
    assert list(found.states) == states
    assert found.n_filled == 4  # two in each line


def test_there_is_nothing_before_it_was_made_and_it_is_made_once(store, sources):
    spec = PreparationSpec.of(sources, RECIPE)
    assert load(spec, store) is None
    stages = []
    build(spec, store, lambda stage, *_: stages.append(stage))
    build(spec, store, lambda stage, *_: stages.append(stage))
    assert stages == ["Preparing the series"]


def test_series_find_what_was_learnt_from_them_by_their_name_wherever_they_stand(store, sources):
    spec = PreparationSpec.of(sources, RECIPE)
    kept = made(spec, store)
    raw = read(SINE.encode(), sources[0].reading).series
    again, alone = replayed(spec, kept, [replace(one, values=one.values + 5) for one in raw[::-1]], None)
    assert alone == set()
    for one, other, state in zip(again[::-1], kept.series, kept.states[1].values(), strict=True):
        np.testing.assert_allclose(one.values - 5 / state["wave"][1], other.values, atol=1e-9)  # the shift is left


@pytest.mark.parametrize("names", [("L1", "L9"), ("L1", None)])
def test_a_series_that_nobody_knows_learns_from_itself_and_is_told(store, sources, names):
    spec = PreparationSpec.of(sources, RECIPE)
    raw = read(SINE.encode(), sources[0].reading).series
    new = [replace(one, domain=name, values=one.values + 5) for one, name in zip(raw, names, strict=True)]
    again, alone = replayed(spec, made(spec, store), new, None)
    assert alone == {1}
    means = [one.values[:200].mean() for one in again]
    assert means == [
        pytest.approx(5 / raw[0].values[:200][~np.isnan(raw[0].values[:200])].std(), rel=0.02),
        pytest.approx(0),
    ]


def test_what_is_done_to_windows_only_needs_no_new_preparation(sources):
    spec = PreparationSpec.of(sources, RECIPE)
    assert PreparationSpec.of(sources, replace(RECIPE, window=WindowSpec(64, 8))).fingerprint() == spec.fingerprint()
    by_window = replace(RECIPE, steps=(RECIPE.steps[0], Scale("z-score", "window")))
    none = replace(RECIPE, steps=RECIPE.steps[:1])
    assert PreparationSpec.of(sources, by_window).fingerprint() == PreparationSpec.of(sources, none).fingerprint()


@pytest.mark.parametrize(
    "other",
    [
        replace(RECIPE, training=0.6),
        replace(RECIPE, steps=RECIPE.steps[::-1]),
        replace(RECIPE, steps=(Impute("linear", 9), RECIPE.steps[1])),
        replace(RECIPE, steps=(*RECIPE.steps, Smooth("median", 3))),
    ],
)
def test_whatever_changes_the_numbers_changes_the_fingerprint(sources, other):
    spec = PreparationSpec.of(sources, RECIPE)
    assert PreparationSpec.of(sources, other).fingerprint() != spec.fingerprint()
    assert PreparationSpec.from_json(spec.to_json()) == spec


def test_a_screen_never_loads_a_model_and_leaves_long_work_to_the_engine(sources):
    def light(*steps, n=10_000):
        return PreparationSpec(sources, steps, 1.0).is_light(n)

    assert light(*RECIPE.steps)
    assert not light(*RECIPE.steps, n=10**8)
    assert not light(Impute("model", 8), n=10)
    assert not light(Deseason("stl", (24,)), n=10**6)


def test_a_model_fills_a_gap_with_what_momentfm_reconstructs_there(store):
    """The window of 512 samples around the gap, its patches hidden, through momentfm's own call."""
    wave = 300 + 7 * np.sin(2 * np.pi * np.arange(1200) / 36)
    cells = ["" if 600 <= i < 620 else f"{x:.6f}" for i, x in enumerate(wave)]
    data = ("time,wave\n" + "".join(f"{i},{x}\n" for i, x in enumerate(cells))).encode()
    here = (Source(store.keep(data, {}), replace(guess(data), channels=("wave",))),)
    [one] = made(PreparationSpec(here, (Impute("model", 32),), 1.0), store).series
    assert np.flatnonzero(one.filled).tolist() == list(range(600, 620))
    known = ~one.filled[:, 0]
    np.testing.assert_allclose(one.values[known, 0], wave[known], atol=1e-6)  # what was there stays

    start = (600 + 620 - 512) // 2
    window = np.where(known, wave, wave[known].mean())[start : start + 512]
    seen = np.repeat((known[start : start + 512]).reshape(-1, 8).all(axis=1), 8)
    model = moment.load(SHIPPED)
    x, mask = torch.tensor(window, dtype=torch.float32)[None, None], torch.tensor(seen)[None].long()
    with torch.inference_mode():
        guess_ = model.reconstruction(x_enc=x, input_mask=torch.ones_like(mask), mask=mask).reconstruction[0, 0].numpy()
    np.testing.assert_allclose(one.values[600:620, 0], guess_[600 - start : 620 - start], rtol=1e-3)


def test_a_gap_too_long_for_the_model_to_see_around_stays_a_gap(store):
    wave = np.sin(np.arange(1200) / 6)
    cells = ["" if 300 <= i < 700 else f"{x:.4f}" for i, x in enumerate(wave)]
    data = ("time,wave\n" + "".join(f"{i},{x}\n" for i, x in enumerate(cells))).encode()
    here = (Source(store.keep(data, {}), replace(guess(data), channels=("wave",))),)
    [one] = made(PreparationSpec(here, (Impute("model", 1000),), 1.0), store).series
    assert np.isnan(one.values).sum() == 400


def test_a_channel_without_a_value_is_named(store):
    data = b"a,b\n" + b"1.5,\n" * 3 + b"2.5,\n"
    reading = replace(guess(data), channels=("a",))
    here = (Source(store.keep(data, {}), reading),)
    assert made(PreparationSpec(here, RECIPE.steps, 1.0), store).series[0].channels == ("a",)
    with pytest.raises(UserError, match="“b” has no values at all"):
        read(data, replace(reading, channels=("a", "b")))
