"""Whether a map still fits new data: what is known about it, and what to do about that."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np

from core.alignment import holm
from core.errors import N_, UserError
from core.notices import Notice
from core.recipes import Windows
from core.recognition import Where
from core.series import Bools, Floats
from core.shifts import Shift, What, embeddings, inputs, outside, too_few

State = Literal["fits", "watch", "ask again", "cannot tell"]
BOUNDS: Mapping[str, tuple[float, float]] = {"outside": (0, 1), "model": (0, 2), "inputs": (0, 1), "p": (0.001, 0.5)}
OUTSIDE = N_("{share:.1%} of the new stretches look like nothing in the pilot ({expected:.1%} would be usual).")
MODEL = N_("For the model, the new stretches differ from the pilot's as a whole: by {value:.2f}, above {limit:.2f}.")
VERDICTS: Mapping[State, str] = {
    "fits": N_("The map still fits the new data: read it as before."),
    "watch": N_("The new data have changed, but the map still holds them. Watch it, and place the next data too."),
    "ask again": N_("The map no longer fits the new data. Ask people again."),
    "cannot tell": N_("Whether the map still fits the new data cannot be told yet."),
}
OPEN = N_("So much can be chance in so little new data. Place more of it.")
NO_CHANGE = N_("In {n} stretches that share no samples, nothing differs much from the pilot beyond chance.")
SENTENCES: Mapping[What, tuple[str, str]] = {
    "level": (
        N_("{channel}: the level is higher than in the pilot ({after:.4g} against {before:.4g})."),
        N_("{channel}: the level is lower than in the pilot ({after:.4g} against {before:.4g})."),
    ),
    "spread": (
        N_("{channel}: it swings more widely than in the pilot (spread {after:.4g} against {before:.4g})."),
        N_("{channel}: it swings less widely than in the pilot (spread {after:.4g} against {before:.4g})."),
    ),
    "shape": (
        N_("{channel}: it moves faster or more roughly than in the pilot."),
        N_("{channel}: it moves more slowly or smoothly than in the pilot."),
    ),
}


@dataclass(frozen=True, slots=True)
class Drift:
    """What is known about new data. None: there is no such number, and `why` has the reason."""

    inputs: tuple[Shift, ...]  # each channel's level, spread and shape; () where there is no telling
    embedding: Shift  # what the model makes of windows
    outside: float | None  # share of the new windows that look like nothing in the pilot
    expected: float | None  # the same of the pilot's own windows, each held against its other times
    outside_p: float | None  # of so many more by chance
    n_new: int  # windows
    n_apart: int  # of them without common samples
    why: Notice | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        inputs, why = tuple(Shift(**one) for one in d["inputs"]), d["why"]
        own = {"inputs": inputs, "embedding": Shift(**d["embedding"]), "why": None if why is None else Notice(**why)}
        return cls(**{**d, **own})


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """The pilot's windows, or the new ones."""

    recorded: Windows  # in the units of the file
    vectors: Floats  # (n, d) what the model makes of them

    @property
    def where(self) -> Where:
        return Where(self.recorded.series, self.recorded.start, self.recorded.length)


def compared(old: Data, new: Data) -> tuple[Drift, Bools]:
    """What is known, and which new windows (m,) look like nothing in the pilot: none where it is too small to tell."""
    where = old.where, new.where
    beyond = outside(old.vectors, new.vectors, *where)
    found = Drift(
        inputs(old.recorded, new.recorded),
        embeddings(old.vectors, new.vectors, *where),
        None if beyond is None else float(beyond.rows.mean()),
        None if beyond is None else beyond.expected,
        None if beyond is None else beyond.p,
        len(new.vectors),
        new.where.n_apart(),
        too_few(*where),
    )
    return found, np.zeros(len(new.vectors), np.bool_) if beyond is None else beyond.rows


# --- what to do about it


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a difference matters, however sure it is."""

    outside: float = 0.05  # share of the new windows
    model: float = 0.05  # squared MMD
    inputs: float = 0.2  # difference of shares
    p: float = 0.05  # up to which a difference counts as beyond chance

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise UserError(
                    N_("A limit of {value:g} makes no sense here."),
                    N_("Choose {low:g} to {high:g}."),
                    value=getattr(self, name),
                    low=low,
                    high=high,
                )


@dataclass(frozen=True, slots=True)
class Judged:
    state: State
    because: tuple[Notice, ...]


def judge(drift: Drift, limits: Limits) -> Judged:
    """Ask again: much of the new data lies where the pilot has nothing, or the model tells the two apart; p allows for
    both. Cannot tell: either is above its limit, but so may chance be. Watch: only what was recorded differs. What is
    within its limit does not matter, however sure it is.

    Measured as in core.shifts: where nothing had changed, it said “ask again” in 0 to 3 % of trials up to AR(1) 0.95,
    and in 5 to 7 % at 0.99 and 0.995. At 0.9, 40 trials each, it said so of 700 (of 2,000) new samples in 80 % (90 %)
    where the level had risen by half a spread, in all where it had by one or the spread by half, in 95 % (all) where a
    fifth of the windows had a burst, and in 35 % (75 %) of noise that forgot sooner (0.5): of the rest, “watch”.
    """
    if drift.why is not None or drift.outside_p is None or drift.embedding.p is None:
        return Judged("cannot tell", () if drift.why is None else (drift.why,))
    told = Notice(OUTSIDE, {"share": drift.outside, "expected": drift.expected})
    large = [told] if _above(drift.outside, limits.outside) else []
    if _above(drift.embedding.value, limits.model):
        large.append(Notice(MODEL, {"value": drift.embedding.value, "limit": limits.model}))
    p_outside, p_model = holm([drift.outside_p, drift.embedding.p])
    grave = [one for one in large if (p_outside if one is told else p_model) <= limits.p]
    sure = [one for one in drift.inputs if one.p is not None and one.p <= limits.p]
    changed = [_told(one) for one in sure if _above(one.value, limits.inputs)]
    if grave:
        return Judged("ask again", (*grave, *changed))
    if large:
        return Judged("cannot tell", (*large, Notice(OPEN, {}), *changed))
    if changed:
        return Judged("watch", (*changed, told))
    return Judged("fits", (Notice(NO_CHANGE, {"n": drift.n_apart}), told))


def _above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def _told(one: Shift) -> Notice:
    more, less = SENTENCES[one.what]
    up = (one.after or 0) >= (one.before or 0)
    return Notice(more if up else less, {"channel": one.name, "before": one.before, "after": one.after})
