"""Control maps: what would people say of noise, and do they find what is known to be there because it was planted?"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from core import material, measures, views
from core.artifacts import Store, fingerprint
from core.embedding import Encoder, embed
from core.encoders import nobody
from core.errors import N_, UserError
from core.projection import project
from core.recipes import Windows
from core.recognition import Where
from core.series import Floats, Ints, Series
from core.shelf import packed, unpacked
from core.tasks import Ground
from core.views import Progress, ViewSpec

Kind = Literal["noise", "events"]
Rng = np.random.Generator

VERSION = 1  # raise it when the same spec would give another map
MAKING = N_("Making the maps to compare with")
STEPS = 200  # of the progress: half of it the model's, half of it the drawing's
FEWEST = 20  # windows without common samples, to plant events in
SHARE, FEWEST_PLANTED = 0.12, 4  # of the windows that get an event; windows of each kind of event
STRENGTH = 4.0  # of an event, in standard deviations of its window or its channel, whichever is more
NONE, BURST, SHIFT = "0", "1", "2"  # labels: no event, a burst of oscillation, a level that shifts and shifts back
EVENTS = {BURST: 0.3, SHIFT: 0.4}  # share of a window that each lasts
CYCLES, FINEST = 5, 4  # of a burst, if each has so many samples


@dataclass(frozen=True, slots=True)
class ControlSpec:
    """A map drawn as a view is, of something of which we know what it is.

    noise: as many windows of white noise with the mean and the spread of each channel. events: windows of the view that
    share no samples, some of them with an event. Both are seen by the model itself, before lines or sites are brought
    together.
    """

    view: ViewSpec
    kind: Kind
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"no such control: {self.kind!r}")

    def to_json(self) -> dict[str, Any]:
        return {"view": self.view.to_json(), "kind": self.kind, "seed": self.seed}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(ViewSpec.from_json(d["view"]), d["kind"], d["seed"])

    def fingerprint(self) -> str:
        return fingerprint("control", VERSION, self.view.fingerprint(), self.kind, self.seed)


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """Row i is window i, in an order drawn by lot; all of them are shown."""

    values: Floats  # (n, n_channels, length), float32
    ground: Ground  # where they lie; for events, label "0" none, "1" a burst, "2" a shift
    series: tuple[Series, ...]  # that they are cut from, as numbered in ground.where: for quizzes without a map


def build(spec: ControlSpec, store: Store, progress: Progress) -> str:
    """Compute what is not yet in the store, and return its fingerprint."""
    key = spec.fingerprint()
    if store.has(key):
        return key
    views.build(spec.view, store, progress)
    windows, rng = measures.windows_of(spec.view, store), np.random.default_rng(spec.seed)
    made = (_noise if spec.kind == "noise" else _with_events)(windows, rng)
    channels = windows.prepared[0].channels
    xy = _drawn(spec.view, channels, made.values, progress)
    meta, arrays = packed(made.series)
    own = {"windows": made.values.astype(np.float32), "xy": xy, "series": made.where.series, "start": made.where.start}
    if made.label is not None:
        own["kinds"] = made.label
    meta |= {"made": "control", "spec": spec.to_json(), "length": made.where.length}
    store.save(key, meta, arrays | own)
    return key


def load(spec: ControlSpec, store: Store) -> Control | None:
    """The map, or None while it has yet to be made."""
    key = spec.fingerprint()
    if not store.has(key):
        return None
    meta = store.meta(key)
    where = Where(store.array(key, "series"), store.array(key, "start"), meta["length"])
    label = store.array(key, "kinds") if store.holds(key, "kinds") else None
    return Control(
        store.array(key, "windows"), Ground(store.array(key, "xy"), label, where), unpacked(meta, key, store)
    )


# --- what is on it


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """Before it is drawn. Row i is window i."""

    values: Floats  # (n, n_channels, length)
    label: NDArray[np.str_] | None  # (n,)
    where: Where
    series: Sequence[Series]


def _noise(windows: Windows, rng: Rng) -> _Made:
    """A single series of it, cut into one window after the other."""
    some = windows.values(material.shown(len(windows)))
    n, channels, length = some.shape
    noise = rng.normal(some.mean(axis=(0, 2)), some.std(axis=(0, 2)), (n * length, channels))
    order = rng.permutation(n)
    values = noise.reshape(n, length, channels).transpose(0, 2, 1)[order]
    where = Where(np.zeros(n, np.int64), length * order, length)
    return _Made(values, None, where, [Series(None, None, noise, windows.prepared[0].channels, None)])


def _with_events(windows: Windows, rng: Rng) -> _Made:
    """Events are put into the series, so that windows and the line they lie on agree; the rest stays as it is."""
    ids = apart(windows)
    if len(ids) < FEWEST:
        raise UserError(
            N_("{n} stretches that share no samples are too few to plant events in."),
            N_("Choose a shorter stretch, or use more data, so that there are at least {least}."),
            n=len(ids),
            least=FEWEST,
        )
    ids = ids[material.shown(len(ids))]
    n_planted = max(2 * FEWEST_PLANTED, round(SHARE * len(ids)))
    label = rng.permutation([NONE] * (len(ids) - n_planted) + [list(EVENTS)[i % 2] for i in range(n_planted)])
    planted = [np.array(one.values) for one in windows.prepared]
    spread = replace(windows, scale=None).values(ids).std(axis=(0, 2))
    for i in np.flatnonzero(label != NONE):
        start = windows.start[ids[i]]
        part = planted[windows.series[ids[i]]][start : start + windows.length]
        height = STRENGTH * np.maximum(part.std(axis=0), spread)
        part += height * event(str(label[i]), windows.length, rng)[:, None]
    series = [replace(one, values=values) for one, values in zip(windows.prepared, planted, strict=True)]
    where = Where(windows.series[ids], windows.start[ids], windows.length)
    return _Made(replace(windows, prepared=series).values(ids), label, where, series)


def apart(windows: Windows) -> Ints:
    """Ids of windows that share no samples, the first of each series first."""
    found: list[int] = []
    series, free = -1, 0  # where the last one lies, and the first sample after it
    for i, (own, start) in enumerate(zip(windows.series.tolist(), windows.start.tolist(), strict=True)):
        if own != series or start >= free:
            found.append(i)
            series, free = own, start + windows.length
    return np.array(found, np.int64)


def event(kind: str, length: int, rng: Rng) -> Floats:
    """(length,) what is added to a window, 1 at most: somewhere in it, and over before its end."""
    n, margin = max(1, round(EVENTS[kind] * length)), length // 10
    first = int(rng.integers(margin, length - margin - n + 1))
    share = (np.arange(n) + 0.5) / n
    cycles = min(CYCLES, n / FINEST)
    burst = np.sin(np.pi * share) * np.cos(2 * np.pi * cycles * (share - 0.5))
    added = np.zeros(length)
    added[first : first + n] = burst if kind == BURST else 1
    return added


def _drawn(view: ViewSpec, channels: tuple[str, ...], values: Floats, progress: Progress) -> Floats:
    """(n, 2) as the model of a view sees these windows, drawn its way."""

    def half(first: int) -> Callable[..., None]:
        return lambda done, total, _xy=None: progress(MAKING, first + STEPS // 2 * done // total, STEPS)

    progress(MAKING, 0, STEPS)
    encoder = Encoder(view.encoder, channels, nobody)
    with tempfile.TemporaryDirectory() as folder:
        vectors = embed(encoder, [values], len(values), Path(folder) / "vectors.npy", half(0)).astype(np.float64)
    return project(vectors, view.projection, half(STEPS // 2), head=view.head()).xy
