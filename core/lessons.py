"""What fine-tuning is told: the spec, the windows, and which of them belong together. No torch."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.encoders import BUCKETS, PATCH, Architecture
from core.errors import N_, UserError
from core.series import Bools, Floats, Ints

Trainable = Literal["head", "last", "lora", "all"]
Rng = np.random.Generator

FEWEST = 8  # windows to learn from
FASTER = {"head": 30.0, "last": 3.0, "lora": 10.0, "all": 1.0}  # times the rate: what is small has farther to go
NEIGHBOURS = 15  # that a window has on the map
EACH = 8  # windows of each line or site that are set beside those of others, where a batch has room


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """Everything that decides the weights, beside the model and the windows."""

    trained: Trainable = "all"
    blocks: int = 1  # "last": so many of the encoder's blocks, the norm after them, and the head
    rank: int = 4  # "lora": of what is added to each attention's q and v
    error: Literal["squared", "absolute"] = "squared"
    hidden: float = 0.3  # share of the patches
    contrast: float = 0.0  # weight beside the reconstruction's 1
    positives: Literal["time", "label"] = "time"  # what belongs together
    layout: float = 0.0  # weight, likewise
    lines: float = 0.0  # weight, likewise, of what sets lines or sites apart
    steps: int = 400  # at most
    batch: int = 64  # windows
    rate: float = 3e-4  # of AdamW, at its highest; see `highest`
    patience: int = 5  # evaluations in a row that bring nothing, before it stops
    every: int = 25  # steps between evaluations, each with a checkpoint
    seed: int = 0

    def __post_init__(self) -> None:
        positives, errors = ("time", "label"), ("squared", "absolute")
        known = ((self.trained, get_args(Trainable)), (self.positives, positives), (self.error, errors))
        for value, values in known:
            if value not in values:
                raise ValueError(f"{value!r} is none of {values}")
        for name in ("blocks", "rank", "steps", "batch", "patience", "every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, and has to be at least 1")
        if self.seed < 0 or not 0 < self.hidden < 1 or not 0 < self.rate < math.inf:
            raise ValueError("seed: from 0; hidden: between 0 and 1; rate: above 0")
        if not all(0 <= weight < math.inf for weight in (self.contrast, self.layout, self.lines)):
            raise ValueError("weights are from 0")
        if self.batch < 2 and (self.contrast or self.layout or self.lines):
            raise ValueError("one window at a time cannot be told from others")
        if self.lines and self.batch < EACH:
            raise ValueError(f"of {self.batch} windows there are too few of each line or site to compare them")
        if self.trained == "head" and (self.contrast or self.lines):
            raise ValueError("the head alone moves no embedding, so what is asked of embeddings teaches it nothing")

    @property
    def highest(self) -> float:
        """Rate of what is trained of the model. Measured: at one rate for all, a head alone hardly moved."""
        return self.rate * FASTER[self.trained]


def n_trained(spec: TrainSpec, built: Architecture) -> int:
    """How many parameters of a model may change."""
    head = built.width * PATCH + PATCH
    if spec.trained == "head":
        return head
    if spec.trained == "lora":
        return 2 * built.layers * spec.rank * (built.width + built.inner)
    unread = built.width * built.vocabulary  # words of a text model
    each = (built.parameters - unread - head - built.width * (PATCH + 2) - BUCKETS * built.heads) // built.layers
    last = spec.blocks * each + built.width + head + (BUCKETS * built.heads if spec.blocks == built.layers else 0)
    return last if spec.trained == "last" else built.parameters - unread


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Row i of every array is window i."""

    values: Floats  # (n, n_channels, length), units of the source; length a multiple of 8
    series: Ints  # (n,), which one it was cut from
    start: Ints  # (n,), its first sample there
    label: NDArray[np.str_] | None  # (n,), "" where nobody said
    domain: Ints | None = None  # (n,), the line or site; None: it does not matter

    def hash(self) -> str:
        label = () if self.label is None else (self.label.astype("U"),)
        found = hashlib.sha256()
        domain = () if self.domain is None else (self.domain,)
        for array in (self.values, self.series, self.start, *label, *domain):
            found.update(f"{array.dtype}{array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which windows belong together."""

    drawn: Callable[[Rng, Ints], Ints]  # rows (m,) → for each the row of a window that belongs to it, drawn by lot
    together: Callable[
        [Ints, Ints], Bools
    ]  # rows (m,), (l,) → (m, l), True where two must not be set against each other


def check(train: Examples, held: Examples, spec: TrainSpec) -> None:
    """Whether anything can be learnt from these windows.

    Raises:
        UserError: no, and why.
    """
    length = train.values.shape[2]
    if train.values.shape[1:] != held.values.shape[1:]:
        raise ValueError(f"windows of {train.values.shape[1:]} to learn from, of {held.values.shape[1:]} held out")
    if not all(np.isfinite(of.values).all() for of in (train, held)):
        raise ValueError("there are gaps in the windows")
    if length < 2 * PATCH:
        raise UserError(
            N_(
                "Stretches of {length} samples are too short to train with: once a part is hidden, none is left to see."
            ),
            N_("Choose a length of at least 16 samples."),
            length=length,
        )
    if len(train.values) < FEWEST or len(held.values) < 2:
        raise UserError(
            N_("There are {n} stretches to learn from and {m} to check with; it takes at least 8 and 2."),
            N_("Use more data, or a smaller step so that there are more stretches."),
            n=len(train.values),
            m=len(held.values),
        )
    if spec.contrast:
        _check_contrast(train, held, spec)
    if spec.lines:
        _check_lines(train, held)


def _check_contrast(train: Examples, held: Examples, spec: TrainSpec) -> None:
    if spec.positives == "label" and (train.label is None or held.label is None):
        raise UserError(
            N_("The stretches have no labels to learn from."),
            N_("Choose “and that stretches close in time belong together”, or data with a column of labels."),
        )
    rows = np.linspace(0, len(train.values) - 1, min(512, len(train.values))).astype(np.int64)
    if pairs(train, spec).together(rows, rows).all():
        raise UserError(
            N_("All stretches to learn from belong together, so that there are none to tell apart."),
            N_("Use longer data, or data with at least two labels."),
        )


def _check_lines(train: Examples, held: Examples) -> None:
    if train.domain is None or held.domain is None or len(np.unique(train.domain)) < 2:
        raise UserError(
            N_("There is only one line or site, so that there is nothing to bring together."),
            N_("Use data of several lines or sites, or choose something else to learn."),
        )
    if not (several(train.domain) and several(held.domain)):
        raise UserError(
            N_("There are not two lines or sites with stretches both to learn from and to check with."),
            N_("Use longer data of each line or site, or choose something else to learn."),
        )


def several(domain: Ints) -> bool:
    """Whether at least two domains (n,) have windows enough to be brought together: two each."""
    return len(_comparable(domain)) > 1


def _comparable(domain: Ints) -> Ints:
    names, counts = np.unique(domain, return_counts=True)
    return names[counts > 1]


def by_turns(rng: Rng, domain: Ints, n: int, at_once: int) -> Ints:
    """(n,) rows, domains by turns, so that all in a piece of `at_once` windows can be set beside one another.

    Domains of a piece are drawn by lot, so many that it has EACH windows of each, or two of them. Each counts as much
    as any other, however few windows it has; one that has fewer than its share shows some of them again.

    Args:
        domain: of all windows; see `several`.
    """
    names, found = _comparable(domain), []
    for piece in np.array_split(np.arange(n), math.ceil(n / at_once)):
        some = rng.permutation(names)[: max(2, len(piece) // EACH)]
        share = math.ceil(len(piece) / len(some))
        dealt = [np.resize(rng.permutation(np.flatnonzero(domain == one)), share) for one in some]
        found.append(np.stack(dealt, axis=1).ravel()[: len(piece)])
    return np.concatenate(found)


def pairs(windows: Examples, spec: TrainSpec) -> Pairs:
    """As the spec's contrast wants them."""
    return by_time(windows) if spec.positives == "time" else by_label(windows)


def by_time(windows: Examples) -> Pairs:
    """A window belongs to those of its series that begin at most a window's length or one and a half usual steps apart.

    So a gap in time ends what belongs together. One that is alone is its own partner, and sees itself with other
    patches hidden.
    """
    order = np.lexsort((windows.start, windows.series))
    series, start = windows.series[order], windows.start[order]
    steps = np.diff(start)[np.diff(series) == 0]
    reach = max(windows.values.shape[2], int(1.5 * np.median(steps)) if len(steps) else 0)
    changes = np.append(True, np.diff(series) != 0)
    apart = (np.cumsum(changes) - 1) * (int(np.ptp(start)) + 2 * reach + 1)  # one axis for all, no two series in reach
    at = apart + start - start.min()
    low, high = np.searchsorted(at, at - reach), np.searchsorted(at, at + reach, side="right")
    return Pairs(_among(order, low, high), lambda rows, others: _close(windows, rows, others, reach))


def by_label(windows: Examples) -> Pairs:
    """A window belongs to all of its label. One without a label is only itself, and not set against any other."""
    assert windows.label is not None  # noqa: S101 — `check` saw to it
    names, kind = np.unique(windows.label, return_inverse=True)
    unknown = windows.label == ""
    kind = np.where(unknown, len(names) + np.arange(len(kind)), kind)
    order = np.argsort(kind, kind="stable")
    low, high = (np.searchsorted(kind[order], kind[order], side=side) for side in ("left", "right"))

    def together(rows: Ints, others: Ints) -> Bools:
        alike = (kind[rows, None] == kind[others]) | unknown[rows, None] | unknown[others]
        return np.asarray(alike | _close(windows, rows, others, windows.values.shape[2] - 1))

    return Pairs(_among(order, low, high), together)


def _among(order: Ints, low: Ints, high: Ints) -> Callable[[Rng, Ints], Ints]:
    """To the window at place i of an order belong those at places low[i] … high[i] - 1, itself left out."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))

    def drawn(rng: Rng, rows: Ints) -> Ints:
        own = place[rows]
        others = high[own] - low[own] - 1
        at = low[own] + (rng.random(len(rows)) * others).astype(np.int64)
        return np.asarray(order[at + ((at >= own) & (others > 0))])

    return drawn


def by_map(embeddings: Floats) -> Pairs:
    """A window belongs to its nearest neighbours in (n, d) embeddings, the surer the more often."""
    from core.neighbours import nearest
    from core.umapping import graph

    k = min(NEIGHBOURS, len(embeddings) - 1)
    near = graph(nearest(embeddings, k), k + 1)
    near.setdiag(0.0)
    near.eliminate_zeros()
    near.sort_indices()
    up_to = np.append(0.0, np.cumsum(near.data))

    def drawn(rng: Rng, rows: Ints) -> Ints:
        low, high = near.indptr[rows], near.indptr[rows + 1]
        at = up_to[low] + rng.random(len(rows)) * (up_to[high] - up_to[low])
        edge = np.clip(np.searchsorted(up_to, at, side="right") - 1, low, high - 1)
        return np.asarray(near.indices[edge], np.int64)

    def together(rows: Ints, others: Ints) -> Bools:
        return np.asarray((near[rows][:, others].toarray() > 0) | (rows[:, None] == others))

    return Pairs(drawn, together)


def _close(windows: Examples, rows: Ints, others: Ints, reach: int) -> Bools:
    """(m, l), True where two windows are of one series and begin at most `reach` samples apart."""
    apart = np.abs(windows.start[rows, None] - windows.start[others])
    return np.asarray((windows.series[rows, None] == windows.series[others]) & (apart <= reach))
