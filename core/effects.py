"""What each step of a recipe changes for a model: embeddings of a sample of windows, with the step and without it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from core.artifacts import Store, fingerprint
from core.embedding import Encoder
from core.encoders import EncoderSpec, nobody
from core.errors import N_, UserError
from core.fitting import Fill, apply, prepare
from core.preparation import filler
from core.reader import Source, table_of
from core.recipes import Recipe, check_same_channels, cut
from core.series import Bools, Floats, Series
from core.steps import Impute, keeps_samples

VERSION = 2
N_WINDOWS = 64
N_HIDDEN = 6  # pieces of each channel, to try how well gaps are filled
N_SERIES, N_SAMPLES = 4, 20_000  # of the data at most: a sample is enough to see a change
COMPARING = N_("Comparing with and without each step")


@dataclass(frozen=True, slots=True)
class EffectSpec:
    """Everything that decides how much each step changes."""

    sources: tuple[Source, ...]
    recipe: Recipe
    encoder: EncoderSpec

    def to_json(self) -> dict[str, Any]:
        sources = [one.to_json() for one in self.sources]
        return {"sources": sources, "recipe": self.recipe.to_json(), "encoder": asdict(self.encoder)}

    @classmethod
    def from_json(cls, d: dict[str, Any]) -> Self:
        sources = tuple(Source.from_json(one) for one in d["sources"])
        return cls(sources, Recipe.from_json(d["recipe"]), EncoderSpec.from_json(d["encoder"]))

    def fingerprint(self) -> str:
        d = self.to_json()
        return fingerprint("effect", VERSION, d["sources"], d["recipe"], self.encoder.identity())


@dataclass(frozen=True, slots=True)
class Effect:
    """Entry i is about step i."""

    changes: list[float | None]  # how far embeddings move when the step is left out, see `relative_change`
    misses: list[tuple[float, float] | None]  # of a step that fills gaps, see `misses`


def build(spec: EffectSpec, store: Store, progress: Callable[[str, int, int], None]) -> str:
    """Compute what is not yet in the store, and return its fingerprint."""
    key = spec.fingerprint()
    if not store.has(key):
        progress(COMPARING, 0, 1)
        raw = [one for source in spec.sources for one in table_of(source, store).series]
        check_same_channels(raw)
        exact = replace(spec.encoder, precision="float32")  # bfloat16's rounding alone would look like a change
        encoder = Encoder(exact, raw[0].channels, lambda done, total: progress(COMPARING, done, total))
        fill = filler(spec.recipe.steps, lambda done, total: progress(COMPARING, done, total))
        some = [_some(one) for one in raw[:N_SERIES]]
        moved, missed = changes(some, spec.recipe, encoder, fill), misses(some, spec.recipe, fill)
        store.save(key, {"made": "effect", "spec": spec.to_json(), "changes": moved, "misses": missed}, {})
    return key


def load(spec: EffectSpec, store: Store) -> Effect | None:
    """What each step changes; None while it has yet to be computed."""
    key = spec.fingerprint()
    if not store.has(key):
        return None
    meta = store.meta(key)
    return Effect(meta["changes"], [None if one is None else (one[0], one[1]) for one in meta["misses"]])


def changes(series: Sequence[Series], recipe: Recipe, encoder: Encoder, fill: Fill | None = None) -> list[float | None]:
    """How far the embeddings move when a step is left out; None where windows cannot be compared one by one.

    That is so for a step that moves samples in time, for one that fills gaps (without it, other windows are whole), and
    where the recipe cannot be done without the step.
    """
    sparse = replace(recipe, window=replace(recipe.window, most=N_WINDOWS))
    base = cut(_prepared(series, sparse, fill), sparse)
    vectors = encoder.embed(base.values(), nobody).astype(np.float64)
    found: list[float | None] = []
    for i, step in enumerate(recipe.steps):
        found.append(None)
        if isinstance(step, Impute) or not keeps_samples(step):
            continue
        other = replace(recipe, steps=recipe.steps[:i] + recipe.steps[i + 1 :])
        try:
            same = replace(base, prepared=_prepared(series, other, fill), scale=other.scaled_by_window)
            values = same.values()  # at the same places; NaN where there are none
        except UserError:
            continue
        whole = ~np.isnan(values).any(axis=(1, 2))
        if whole.any():
            found[-1] = relative_change(vectors[whole], encoder.embed(values[whole], nobody).astype(np.float64))
    return found


def misses(series: Sequence[Series], recipe: Recipe, fill: Fill | None) -> list[tuple[float, float] | None]:
    """How far filled values are from what was there, tried on pieces of the data that are hidden for it.

    Returns:
        For each step that fills gaps its error and that of a straight line, RMS over the hidden values in units of
        their channel's standard deviation; None for other steps, and where there is too little data to hide any.
    """
    found: list[tuple[float, float] | None] = []
    done = list(series)
    for step in recipe.steps:
        found.append(None)
        if isinstance(step, Impute):
            length = min(step.longest, _usual_gap(done))
            hidden = [_hide(one, length, seed) for seed, one in enumerate(done)]
            if any(cells.any() for _one, cells in hidden):
                found[-1] = (_miss(step, done, hidden, fill), _miss(Impute("linear", length), done, hidden, None))
        done = prepare(done, [step], recipe.training, fill)[0]
    return found


def _usual_gap(series: Sequence[Series]) -> int:
    """Median length of the gaps there are, in samples; 8 where there are none."""
    lengths = [0]
    for one in series:
        edges = np.diff(np.isnan(one.values).astype(np.int8), axis=0, prepend=0, append=0)
        for c in range(one.values.shape[1]):
            lengths += (np.flatnonzero(edges[:, c] < 0) - np.flatnonzero(edges[:, c] > 0)).tolist()
    gaps = [n for n in lengths if n]
    return int(np.median(gaps)) if gaps else 8


def _hide(one: Series, length: int, seed: int) -> tuple[Series, Bools]:
    """The same series with some known pieces taken out of each channel, and which cells those are."""
    values, cells = np.array(one.values), np.zeros(one.values.shape, dtype=bool)
    rng = np.random.default_rng(seed)
    for c in range(values.shape[1]):
        for _ in range(N_HIDDEN):
            at = int(rng.integers(1, max(2, len(values) - length)))
            around = slice(at - 1, at + length + 1)
            if len(values[around]) == length + 2 and not np.isnan(values[around, c]).any():
                values[at : at + length, c] = np.nan
                cells[at : at + length, c] = True
    return replace(one, values=values), cells


def _miss(step: Impute, whole: Sequence[Series], hidden: Sequence[tuple[Series, Bools]], fill: Fill | None) -> float:
    """RMS error; a cell that stays empty counts as filled with the channel's mean."""
    squares, n = 0.0, 0
    for one, (torn, cells) in zip(whole, hidden, strict=True):
        [filled] = apply(step, {}, [torn], fill)
        level, spread = np.nanmean(torn.values, axis=0), np.nanstd(torn.values, axis=0)
        guess = np.where(np.isnan(filled.values), level, filled.values)
        off = (guess - one.values) / np.where(spread > 0, spread, 1.0)
        squares, n = squares + float((off[cells] ** 2).sum()), n + int(cells.sum())
    return float(np.sqrt(squares / n))


def _prepared(series: Sequence[Series], recipe: Recipe, fill: Fill | None) -> list[Series]:
    return prepare(series, recipe.steps, recipe.training, fill)[0]


def relative_change(before: Floats, after: Floats) -> float:
    """How far embeddings moved, against how far they lie apart: RMS(after - before) / RMS(before - its mean).

    Args:
        before, after: (n, d) of the same windows.
    """
    moved = float(np.sqrt(np.mean((after - before) ** 2)))
    spread = float(np.sqrt(np.mean((before - before.mean(axis=0)) ** 2)))
    return moved / spread if spread > 0 else float(moved > 0)


def _some(one: Series) -> Series:
    part = slice(0, N_SAMPLES)
    time = None if one.time is None else one.time[part]
    label = None if one.label is None else one.label[part]
    return replace(one, time=time, label=label, values=np.array(one.values[part]))
