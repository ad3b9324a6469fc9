"""What a step changes for a model is measured: scaling nothing for MOMENT, everything for the waveform itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.artifacts import Store
from core.effects import EffectSpec, build, changes, load, misses, relative_change
from core.embedding import Encoder
from core.encoders import EncoderSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.series import Series
from core.steps import Bend, Impute, Resample, Scale, Smooth, Winsorise
from core.tables import guess

MOMENT, RAW = EncoderSpec("random-init", precision="float32"), EncoderSpec("raw")


def noise(n: int = 600, step: float | None = 1.0) -> Series:
    rng = np.random.default_rng(0)
    values = 3000 + 7.5 * np.cumsum(rng.normal(size=(n, 2)), axis=0)
    return Series(None, None, values, ("a", "b"), None, step)


def measured(encoder: EncoderSpec, *steps: object, series: Series | None = None) -> list[float | None]:
    ready = Encoder(encoder, ("a", "b"), lambda *_: None)
    return changes([series or noise()], Recipe(steps, 1.0, WindowSpec(64, 16)), ready)


@pytest.mark.parametrize("method", ["z-score", "min-max", "robust"])
@pytest.mark.parametrize("over", ["series", "domain", "all"])
def test_linear_scaling_is_nothing_to_moment_and_much_to_the_waveform_itself(method, over):
    [change] = measured(MOMENT, Scale(method, over))
    assert change < 1e-3
    [change] = measured(RAW, Scale(method, over))
    assert change > 0.5


def test_what_changes_the_shape_changes_moments_view():
    smooth, bent, scaled = measured(MOMENT, Smooth("median", 15), Bend("log"), Scale("z-score", "series"))
    assert smooth > 0.01
    assert bent > 1e-3
    assert scaled < 1e-3


def test_steps_that_move_samples_or_fill_gaps_cannot_be_compared():
    assert measured(MOMENT, Impute("linear", 8)) == [None]
    assert measured(MOMENT, Resample(2.0, "mean"), Scale("z-score", "series"))[0] is None


def test_a_step_that_others_cannot_do_without_is_not_compared():
    far = noise()
    far.values[5] = -1.0  # without the step that draws it in there is no logarithm
    drawn, bent = measured(RAW, Winsorise(0.01), Bend("log"), series=far)
    assert drawn is None
    assert bent > 0


def wave(n: int = 1200) -> Series:
    values = np.sin(2 * np.pi * np.arange(n) / 24)[:, None] + [0.0, 5.0]
    values[300:312] = np.nan
    return Series(None, None, values, ("a", "b"), None)


def test_how_well_gaps_are_filled_is_tried_on_values_that_are_known():
    """Half a cycle is missing: the season fills it almost exactly, a straight line and the last value do not."""
    recipe = Recipe((Impute("seasonal", 12, 24), Scale("z-score", "series")), 1.0, WindowSpec(64, 16))
    [(season, line), other] = misses([wave()], recipe, None)
    assert season < 0.1 < 0.5 < line
    assert other is None
    [(last, _line)] = misses([wave()], replace(recipe, steps=(Impute("forward", 12),)), None)
    assert last > 0.5


def test_too_little_data_to_hide_any_is_no_number():
    short = replace(wave(), values=wave().values[295:320])
    assert misses([short], Recipe((Impute("linear", 12),), 1.0, WindowSpec(8, 8)), None) == [None]


def test_relative_change_is_measured_against_how_far_vectors_lie_apart():
    vectors = np.random.default_rng(0).normal(size=(200, 5))
    assert relative_change(vectors, vectors) == 0
    assert relative_change(vectors, vectors + 1) == pytest.approx(1, rel=0.1)
    assert relative_change(5 * vectors, 5 * (vectors + 1)) == pytest.approx(relative_change(vectors, vectors + 1))
    assert relative_change(np.ones((3, 2)), np.zeros((3, 2))) == 1  # nothing lies apart, and yet it moved


def test_it_is_measured_once_and_kept(tmp_path: Path):
    store, data = Store(tmp_path), b"a,b\n" + b"".join(b"%d,%d\n" % (i % 7, i * i % 11) for i in range(300))
    source = Source(store.keep(data, {}), guess(data))
    spec = EffectSpec((source,), Recipe((Scale("z-score", "series"),), 1.0, WindowSpec(32, 8)), RAW)
    assert EffectSpec.from_json(spec.to_json()) == spec
    assert load(spec, store) is None
    build(spec, store, lambda *_: None)
    found = load(spec, store)
    assert found.changes[0] > 0.1
    assert found.misses == [None]
    other = replace(spec, recipe=replace(spec.recipe, training=0.5))
    assert other.fingerprint() != spec.fingerprint()
