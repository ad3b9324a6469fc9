"""Planted truths: what of a property that was put into one's own windows does the model see, and what the flat map?

Every window gets some more of one property, drawn by lot; then something simple is to read it off the embedding and off
the picture. What cannot be read there, nobody will see there.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from core import measures, views
from core.artifacts import Store, fingerprint
from core.embedding import Encoder, embed
from core.encoders import Tick, operations_of
from core.errors import N_, UserError
from core.notices import Notice
from core.parallel import one_thread_products
from core.projection import project
from core.recognition import Where
from core.selections import thin
from core.series import Bools, Floats
from core.views import Progress, ViewSpec

VERSION = 2  # raise it when the same spec would give other scores
PLANTING = N_("Planting truths into the data and looking for them")

KINDS = ("slope", "memory", "frequency", "phase", "regime", "anomaly", "level", "amplitude")
NAMES = {
    "slope": N_("Slope of a trend"),
    "memory": N_("Roughness"),
    "frequency": N_("Speed of a rhythm"),
    "phase": N_("Shift of a rhythm"),
    "regime": N_("Kind of rhythm"),
    "anomaly": N_("A sudden event"),
    "level": N_("Level"),
    "amplitude": N_("Size"),
}
CONTROLS = ("level", "amplitude")  # MOMENT brings each window to one level and size: it cannot see them
CLASSES = 3  # values of a truth, at most, that are names and no numbers
MOST, FEW, FEWEST = 600, 200, 60  # windows: as many as need no more than OPERATIONS, but a few; fewer tell nothing
OPERATIONS = 1.5e12  # floating point, of a model that reads them: less than a minute of the compact one
CYCLES = 4  # of a planted rhythm in a window
FOLDS, DEALS = 5, 19  # parts of the recording; times that a truth is dealt out anew: one in 20 tops them by chance
RIDGES = 10.0 ** np.arange(-2, 6, 0.5)  # penalties, in units of one direction's variance
SEEN, HARDLY = 0.5, 0.1  # of all that can be read: from there on it is seen; below, it is not
K = 10  # neighbours on a picture, which may bend what lies in a line in the embedding


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """Truths planted into the windows of a view, seen by its model and drawn its way."""

    view: ViewSpec
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"view": self.view.to_json(), "seed": self.seed}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(ViewSpec.from_json(d["view"]), d["seed"])

    def fingerprint(self) -> str:
        return fingerprint("probes", VERSION, self.view.fingerprint(), self.seed)


@dataclass(frozen=True, slots=True)
class Scores:
    """How much of a truth can be read: 1 all, 0 nothing. R², or balanced accuracy beyond chance where it is a class."""

    model: float  # by a straight line from the embedding
    map: float  # by the nearest neighbours on the picture
    shuffled: float  # likewise of the same truth dealt out anew, the most of DEALS times: what chance reaches
    phases: float  # by the line, after every window's phases were drawn anew: what the spectrum alone tells


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    scores: Mapping[str, Scores]  # by kind
    xy: Mapping[str, Floats]  # (n, 2) the picture of the windows with that truth
    truth: Mapping[str, Floats]  # (n,) what was planted; a class is a number


# --- planting


def plant(values: Floats, kind: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Put a property into windows (n, n_channels, length), in all channels alike, as strong as they vary themselves.

    Returns:
        The windows, and the truth (n,).
    """
    n, _channels, length = values.shape
    spread = np.maximum(values.std(axis=2), 1e-3 * values.std(axis=(0, 2)) + 1e-9)[:, :, None]
    at = np.linspace(0, 1, length)
    if kind == "amplitude":
        truth = rng.uniform(-1, 1, (n,))
        middle = values.mean(axis=2, keepdims=True)
        return middle + (values - middle) * np.exp(truth)[:, None, None], truth
    added, planted = _SHAPES[kind](n, at, rng)
    return values + spread * added[:, None, :], planted


def _slope(n: int, at: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    truth = rng.uniform(-1, 1, n)
    return 4 * truth[:, None] * (at - 0.5), truth


def _level(n: int, at: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    truth = rng.uniform(-1, 1, n)
    return 4 * np.tile(truth[:, None], len(at)), truth


def _memory(n: int, at: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """AR(1) noise of one variance, whose coefficient is the truth."""
    from scipy.signal import lfilter

    truth = rng.uniform(0, 0.95, n)
    noise = rng.normal(size=(n, len(at) + 100))
    pairs = zip(truth.tolist(), noise, strict=True)
    made: Floats = np.stack([lfilter([np.sqrt(1 - a**2)], [1, -a], one) for a, one in pairs])
    return 1.5 * made[:, 100:], truth


def _frequency(n: int, at: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """From 2 cycles in a window to an eighth of its samples; the truth is its logarithm."""
    truth = rng.uniform(np.log2(2), np.log2(max(4.0, len(at) / 8)), n)
    return 1.5 * np.sin(2 * np.pi * (2 ** truth[:, None] * at + rng.random((n, 1)))), truth


def _phase(n: int, at: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    truth = rng.uniform(-np.pi / 2, np.pi / 2, n)  # half a turn, so that a straight line can tell
    return 2 * np.sin(2 * np.pi * CYCLES * at + truth[:, None]), truth


def _regime(n: int, at: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """A sine, a square wave or a sawtooth of one rhythm and one variance."""
    truth = rng.integers(0, 3, n)
    turn = (CYCLES * at + rng.random((n, 1))) % 1
    every = np.stack([np.sqrt(2) * np.sin(2 * np.pi * turn), np.sign(0.5 - turn), np.sqrt(12) * (turn - 0.5)])
    return 1.5 * every[truth, np.arange(n)], truth.astype(float)


def _anomaly(n: int, at: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """In every other window something sudden: a spike, a drop or a bump, anywhere."""
    truth = rng.permutation(np.arange(n) % 2)
    where, kind = rng.uniform(0.1, 0.9, n)[:, None], rng.integers(0, 3, n)
    spike = np.exp(-0.5 * ((at - where) * len(at)) ** 2)
    bump = np.exp(-0.5 * ((at - where) / 0.05) ** 2)
    every = np.stack([6 * spike, -5 * bump, 4 * bump])
    return truth[:, None] * every[kind, np.arange(n)], truth.astype(float)


_SHAPES: dict[str, Callable[[int, Floats, np.random.Generator], tuple[Floats, Floats]]] = {
    "slope": _slope,
    "level": _level,
    "memory": _memory,
    "frequency": _frequency,
    "phase": _phase,
    "regime": _regime,
    "anomaly": _anomaly,
}


def without_phases(values: Floats, rng: np.random.Generator) -> Floats:
    """Every window (n, n_channels, length) with its own spectrum and random phases (Theiler et al. 1992)."""
    spectrum = np.fft.rfft(values, axis=2)
    turn = np.exp(2j * np.pi * rng.random((len(values), 1, spectrum.shape[2])))
    turn[:, :, 0] = 1
    if values.shape[2] % 2 == 0:
        turn[:, :, -1] = np.sign(turn[:, :, -1].real)  # the highest frequency has no phase, only a sign
    return np.fft.irfft(spectrum * turn, values.shape[2], axis=2)


# --- reading it off


def folds(where: Where) -> list[tuple[Bools, Bools]]:
    """For each fifth of the recording the windows (n,) to learn from and those to ask: they share no samples."""
    n = len(where.start)
    near = np.abs(where.start[:, None] - where.start) < where.length
    near &= where.series[:, None] == where.series
    parts = [np.arange(n) * FOLDS // n == i for i in range(FOLDS)]
    return [(~near[asked].any(axis=0), asked) for asked in parts]


def levels(targets: Floats, parts: list[tuple[Bools, Bools]]) -> Floats:
    """(n, k) what somebody would say who knows nothing but the mean of the windows to learn from."""
    return np.concatenate([np.tile(targets[seen].mean(axis=0), (asked.sum(), 1)) for seen, asked in parts])


def by_line(points: Floats, targets: Floats, parts: list[tuple[Bools, Bools]]) -> Floats:
    """(n, k) what ridge regression of (n, k) targets on (n, d) points says beyond levels, of windows it did not see.

    The penalty is the one that does best where each window learnt from is left out in turn, for each target by itself;
    from one decomposition for all of them (Hastie, Tibshirani & Friedman 2009, section 3.4.1 and equation 7.64).
    """
    told = np.empty(targets.shape)
    for seen, asked in parts:
        middle, spread = points[seen].mean(axis=0), points[seen].std(axis=0)
        x = (points - middle) / np.where(spread > 1e-9 * np.abs(middle).max(), spread, np.inf)
        left, lengths, right = np.linalg.svd(x[seen], full_matrices=False)
        beyond = targets[seen] - targets[seen].mean(axis=0)
        inside, n = left.T @ beyond, len(left)
        errors, weights = [], []
        for penalty in RIDGES * n:
            kept = lengths**2 / (lengths**2 + penalty)
            leverage = left**2 @ kept + 1 / n
            residual = beyond - left @ (kept[:, None] * inside)
            errors.append(((residual / (1 - np.minimum(leverage, 1 - 1e-9))[:, None]) ** 2).mean(axis=0))
            weights.append(lengths / (lengths**2 + penalty))
        best = np.array(weights)[np.argmin(errors, axis=0)].T  # (r, k)
        told[asked] = x[asked] @ right.T @ (best * inside)
    return told


def by_neighbours(points: Floats, targets: Floats, parts: list[tuple[Bools, Bools]]) -> Floats:
    """(n, k) likewise, from the mean over the K nearest windows."""
    from sklearn.neighbors import KNeighborsRegressor

    told = np.empty(targets.shape)
    for seen, asked in parts:
        told[asked] = KNeighborsRegressor(K).fit(points[seen], targets[seen]).predict(points[asked])
    return told - levels(targets, parts)


def readable(told: Floats, targets: Floats, levels: Floats) -> float:
    """How much of (n, 1) numbers, or of classes (n, c) with a 1 in each row, was told: 1 all, 0 what chance does.

    R²; or balanced accuracy, chance being one over the number of classes, where a window is of the class that most
    exceeds its share, so that an unequal share among the windows learnt from decides nothing.
    """
    if targets.shape[1] == 1:
        return float(1 - ((targets - levels - told) ** 2).sum() / ((targets - targets.mean()) ** 2).sum())
    right = (told.argmax(axis=1) == targets.argmax(axis=1)).astype(float)
    accuracy, chance = (right @ targets / targets.sum(axis=0)).mean(), 1 / targets.shape[1]
    return float((accuracy - chance) / (1 - chance))


@one_thread_products()  # more threads would wait for one another, many times longer than such small matrices take
def scores(vectors: Floats, xy: Floats, scrambled: Floats, truth: Floats, where: Where) -> Scores:
    """Of one truth; `scrambled` are the vectors of the windows without their phases.

    A picture is read by its neighbourhoods, as people read it: it may bend or tear what is a line in the embedding.
    """
    parts, rng = folds(where), np.random.default_rng(0)
    targets = _targets(truth)
    dealt = [targets, *(rng.permutation(targets) for _ in range(DEALS))]
    told = np.split(by_line(vectors, np.hstack(dealt), parts), len(dealt), axis=1)
    model, *by_chance = (readable(*one, levels(one[1], parts)) for one in zip(told, dealt, strict=True))
    on_map, phases = by_neighbours(xy, targets, parts), by_line(scrambled, targets, parts)
    usual = levels(targets, parts)
    return Scores(model, readable(on_map, targets, usual), max(by_chance), readable(phases, targets, usual))


@one_thread_products()
def read(encoder: Encoder, values: Floats, where: Where, seed: int = 0) -> float:
    """How much of the truths that a model can see may be read from its embedding of windows, mean over their kinds."""
    found, parts = [], folds(where)
    for i, kind in enumerate(kind for kind in KINDS if kind not in CONTROLS):
        planted, truth = plant(values, kind, np.random.default_rng([seed, i]))
        vectors = encoder.embed(planted, lambda *_: None).astype(np.float64)
        targets = _targets(truth)
        found.append(readable(by_line(vectors, targets, parts), targets, levels(targets, parts)))
    return float(np.mean(found))


def _targets(truth: Floats) -> Floats:
    """(n, 1) numbers, or (n, c) with a 1 in each row where they are classes."""
    values = np.unique(truth)
    return (truth[:, None] == values).astype(float) if len(values) <= CLASSES else truth[:, None]


# --- all of them


def build(spec: ProbeSpec, store: Store, progress: Progress) -> str:
    """Compute what is not yet in the store, and return its fingerprint."""
    key = spec.fingerprint()
    if store.has(key):
        return key
    views.build(spec.view, store, progress)
    windows = measures.windows_of(spec.view, store)
    if len(windows) < FEWEST:
        raise UserError(
            N_("{n} stretches are too few to plant truths in."),
            N_("Choose a smaller step, so that there are at least {least}."),
            n=len(windows),
            least=FEWEST,
        )
    channels = windows.prepared[0].channels
    n = _affordable(spec.view, channels, len(windows))
    ids = thin(len(windows), n)
    values, where = windows.values(ids), Where(windows.series[ids], windows.start[ids], windows.length)
    encoder = Encoder(spec.view.encoder, channels, lambda *_: None)
    found: dict[str, Scores] = {}
    arrays: dict[str, Floats] = {}
    for i, kind in enumerate(KINDS):
        rng = np.random.default_rng([spec.seed, i])
        planted, truth = plant(values, kind, rng)
        vectors = _embedded(encoder, planted, _onwards(progress, 3 * i))
        scrambled = _embedded(encoder, without_phases(planted, rng), _onwards(progress, 3 * i + 1))
        xy = project(vectors, spec.view.projection, _onwards(progress, 3 * i + 2), head=spec.view.head()).xy
        found[kind] = scores(vectors, xy, scrambled, truth, where)
        arrays |= {f"xy-{kind}": xy, f"truth-{kind}": truth}
    told = {kind: [one.model, one.map, one.shuffled, one.phases] for kind, one in found.items()}
    store.save(key, {"made": "probes", "spec": spec.to_json(), "scores": told}, arrays)
    return key


def _onwards(progress: Progress, step: int) -> Callable[..., None]:
    """Progress through one of three steps of each kind, in hundredths of it, as progress through all."""
    return lambda done, total, _xy=None: progress(PLANTING, 100 * step + 100 * done // total, 300 * len(KINDS))


def _affordable(view: ViewSpec, channels: tuple[str, ...], n: int) -> int:
    """How many of n windows are probed: they are embedded twice for each kind."""
    each = 2 * len(KINDS) * operations_of(view.encoder, channels, view.recipe.window.length)
    return min(n, max(FEW, min(MOST, int(OPERATIONS / max(each, 1.0)))))


def _embedded(encoder: Encoder, values: Floats, tick: Tick) -> Floats:
    with tempfile.TemporaryDirectory() as folder:
        vectors = embed(encoder, [values], len(values), Path(folder) / "vectors.npy", tick)
        return vectors.astype(np.float64)


def load(spec: ProbeSpec, store: Store) -> Probed | None:
    """The scores, or None while they have yet to be computed."""
    key = spec.fingerprint()
    if not store.has(key):
        return None
    meta = store.meta(key)
    return Probed(
        {kind: Scores(*one) for kind, one in meta["scores"].items()},
        {kind: store.array(key, f"xy-{kind}") for kind in KINDS},
        {kind: store.array(key, f"truth-{kind}") for kind in KINDS},
    )


def told(probed: Probed) -> list[Notice]:
    """In words; the names of the kinds are facts that a screen puts into its own language."""
    groups: dict[str, list[str]] = {"both": [], "model": [], "partly": [], "none": []}
    for kind, one in probed.scores.items():
        beyond, on_map = one.model - max(one.shuffled, 0.0), one.map
        if beyond >= SEEN:
            groups["both" if on_map >= SEEN else "model"].append(kind)
        else:
            groups["partly" if beyond >= HARDLY else "none"].append(kind)
    messages = {
        "both": N_("The model sees, and the map shows: {kinds}."),
        "model": N_("The model sees, but this map hardly shows: {kinds}."),
        "partly": N_("The model sees only in part: {kinds}."),
        "none": N_("Neither the model nor the map shows: {kinds}."),
    }
    return [Notice(messages[group], {"kinds": kinds}) for group, kinds in groups.items() if kinds]
