"""Sources × steps → prepared series, computed once and kept under their fingerprint with what the steps learnt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from core.artifacts import Store, fingerprint
from core.encoders import EncoderSpec, Tick, fetched
from core.errors import N_
from core.fitting import Fill, State, fit, group_of, prepare, replay
from core.reader import Source, table_of
from core.recipes import Recipe, check_same_channels
from core.series import Bools, Floats, Series
from core.shelf import packed, unpacked
from core.steps import Deseason, Impute, Step, from_json, to_json

VERSION = 1  # raise it when the same steps would give other numbers
PREPARING, FETCHING = N_("Preparing the series"), N_("Fetching the model")
LIGHT = 3_000_000  # values that are prepared in a fraction of a second


@dataclass(frozen=True, slots=True)
class PreparationSpec:
    """Everything that decides what the prepared series are."""

    sources: tuple[Source, ...]
    steps: tuple[Step, ...]
    training: float

    @classmethod
    def of(cls, sources: Sequence[Source], recipe: Recipe) -> Self:
        """Whatever is done to windows only is left out, so that it can change without preparing anew."""
        steps = recipe.steps[:-1] if recipe.scaled_by_window else recipe.steps
        return cls(tuple(sources), steps, recipe.training)

    def to_json(self) -> dict[str, Any]:
        sources, steps = [one.to_json() for one in self.sources], [to_json(one) for one in self.steps]
        return {"sources": sources, "steps": steps, "training": self.training}

    @classmethod
    def from_json(cls, d: dict[str, Any]) -> Self:
        sources = tuple(Source.from_json(one) for one in d["sources"])
        return cls(sources, tuple(from_json(one) for one in d["steps"]), d["training"])

    def fingerprint(self) -> str:
        model = model_that_fills(self.steps)
        return fingerprint("prepared", VERSION, self.to_json(), model.identity() if model else None)

    def is_light(self, n_values: int) -> bool:
        """Whether it takes a fraction of a second, so that a screen need not ask the engine."""
        if model_that_fills(self.steps):  # it is never loaded into the web process
            return False
        slow = any(isinstance(one, Deseason) for one in self.steps)
        return n_values <= (LIGHT // 100 if slow else LIGHT)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    series: tuple[Series, ...]
    states: tuple[State, ...]  # what each step learnt, to be used again on new data
    n_filled: int  # values that were missing and are now filled


def load(spec: PreparationSpec, store: Store) -> Prepared | None:
    """As kept, or None while it has yet to be made."""
    key = spec.fingerprint()
    if not store.has(key):
        return None
    meta = store.meta(key)
    return Prepared(unpacked(meta, key, store), tuple(meta["states"]), meta["n_filled"])


def build(spec: PreparationSpec, store: Store, progress: Callable[[str, int, int], None]) -> str:
    """Compute what is not yet in the store, and return its fingerprint."""
    key = spec.fingerprint()
    if not store.has(key):
        progress(PREPARING, 0, 1)
        fill = filler(spec.steps, lambda done, total: progress(FETCHING, done, total))
        raw = [one for source in spec.sources for one in table_of(source, store).series]
        check_same_channels(raw)
        series, states = prepare(raw, spec.steps, spec.training, fill)
        meta, arrays = packed(series)
        n_filled = sum(int(one.filled.sum()) for one in series if one.filled is not None)
        made = {"made": "prepared series", "spec": spec.to_json()}
        store.save(key, {**made, **meta, "states": states, "n_filled": n_filled}, arrays)
    return key


def made(spec: PreparationSpec, store: Store, progress: Callable[[str, int, int], None]) -> Prepared:
    """Made before or now."""
    key = build(spec, store, progress)
    ready = load(spec, store)
    if ready is None:
        raise FileNotFoundError(f"what was just prepared is gone: {key}")
    return ready


def replayed(
    spec: PreparationSpec, kept: Prepared, new: Sequence[Series], fill: Fill | None
) -> tuple[list[Series], set[int]]:
    """The same steps on other data, with what they learnt when this was made: a change since then must not be lost.

    Returns:
        The series, and the numbers of those that had to learn something from themselves; see `_carried`.
    """
    done, alone = list(new), set[int]()
    for step, state in zip(spec.steps, kept.states, strict=True):
        own, without = _carried(step, state, kept.series, done, spec.training)
        done, alone = replay(done, [step], [own], fill), alone | without
    return done, alone


def _carried(
    step: Step, state: State, old: Sequence[Series], new: Sequence[Series], training: float
) -> tuple[State, set[int]]:
    """What a step learnt, for new series; and the numbers of those that it learns anew from.

    Each gets the numbers of the old ones that bear its name, or of all where these share theirs. One whose name nobody
    knows, or several had, cannot be told to be any of them: its place in the file says nothing.
    """
    found: State = {}
    alone: set[int] = set()
    if not state:
        return found, alone
    named: dict[str | None, set[str]] = {}
    for i, one in enumerate(old):
        named.setdefault(one.domain, set()).add(group_of(step, i, one))
    for i, one in enumerate(new):
        groups = set(state) if len(state) == 1 else named.get(one.domain, set()) if one.domain else set()
        if len(groups) == 1:
            found[group_of(step, i, one)] = state[next(iter(groups))]
        else:
            alone.add(i)
    return (fit(step, new, training) | found if alone else found), alone


def model_that_fills(steps: Sequence[Step]) -> EncoderSpec | None:
    """The model that fills gaps, if one does."""
    for one in steps:
        if isinstance(one, Impute) and one.method == "model":
            return EncoderSpec("moment", one.source) if one.source else EncoderSpec("compact")
    return None


def filler(steps: Sequence[Step], tick: Tick) -> Fill | None:
    """What that model makes of gaps; its weights come from the hub if need be."""
    model = model_that_fills(steps)
    if model is None:
        return None
    folder = model.folder() or fetched(model.source, tick)

    def fill(values: Floats, cells: Bools) -> Floats:
        from core import moment  # here, because the web process must not load torch

        return moment.filled(moment.load(folder), values, cells)

    return fill
