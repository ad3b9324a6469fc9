"""Whether opinions of a map last: what people say when they are asked again, against what was said at first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.answers import Answer
from core.errors import N_
from core.evidence import clearer, direction
from core.notices import Notice
from core.opinions import BEYOND_CHANCE, Contrast

State = Literal["lasts", "less clear", "cannot tell"]
FALL = 0.5  # steps, unless somebody says otherwise: a fall up to this is no reason to ask again
ONCE = N_("Only one study has asked about it: ask again later to see whether what people say lasts.")
LESS = N_("People now find it less clear than at first, beyond chance: by {steps:.1f} steps ({low:.1f} to {high:.1f}).")
ALL_LESS = N_("Everybody who was asked again now finds it less clear than at first, by {steps:.1f} steps.")
STILL = N_(
    "People find it about as clear as at first: {steps:+.1f} steps ({low:+.1f} to {high:+.1f}), so a fall by more than "
    "{limit:.1f} is unlikely."
)
OPEN = N_(
    "Whether people now find it less clear by more than {limit:.1f} steps cannot be told: {steps:+.1f} steps "
    "({low:+.1f} to {high:+.1f})."
)


@dataclass(frozen=True, slots=True)
class Lasting:
    """What the newest study says of a map that an earlier one has asked about."""

    state: State
    because: Notice


def changes(studies: Sequence[Sequence[Answer]]) -> dict[str, Contrast]:
    """Of each view that several studies have scores of: how many steps clearer it is in the newest one than at first.

    A person who gave the same name in both is one person; see `core.evidence.clearer`.

    Args:
        studies: the answers of each, oldest first; `rater` is the same for the same person.
    """
    found: dict[str, list[list[Answer]]] = {}
    for answers in studies:
        rated = [one for one in answers if one.kind == "view" and one.score is not None]
        for view in dict.fromkeys(one.view for one in rated):
            found.setdefault(view, []).append([one for one in rated if one.view == view])
    return {view: _change(each[0], each[-1]) for view, each in found.items() if len(each) > 1}


def _change(first: Sequence[Answer], now: Sequence[Answer]) -> Contrast:
    """As between two maps."""
    as_maps = [replace(one, view=name) for name, each in (("first", first), ("now", now)) for one in each]
    return clearer(as_maps, "now", "first")


def judge(change: Contrast | None, fall: float = FALL) -> Lasting:
    """Less clear: it fell by more than the limit, beyond chance. It lasts: its range leaves no room for such a fall.

    Args:
        change: see `changes`, its p raised for all views that were asked about again; None: only one study has asked.
        fall: the limit, in steps.
    """
    if change is None:
        return Lasting("cannot tell", Notice(ONCE, {}))
    steps, low, high = change.size.value, change.size.low, change.size.high
    if steps is not None and low is not None and high is not None:
        return _ranged(steps, (low, high), direction(change) < 0, fall)
    if steps is not None and steps < -fall and change.p is not None and change.p <= BEYOND_CHANCE:
        return Lasting("less clear", Notice(ALL_LESS, {"steps": -steps}))
    return Lasting("cannot tell", Notice(change.size.why_no_range or "", {}))


def _ranged(steps: float, ends: tuple[float, float], is_sure: bool, fall: float) -> Lasting:
    low, high = ends
    if is_sure and steps < -fall:
        return Lasting("less clear", Notice(LESS, {"steps": -steps, "low": -high, "high": -low}))
    facts = {"steps": steps, "low": low, "high": high, "limit": fall}
    return Lasting("lasts", Notice(STILL, facts)) if low >= -fall else Lasting("cannot tell", Notice(OPEN, facts))
