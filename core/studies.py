"""Studies: who is asked what, in which order. Blind, balanced, and the same again from the same seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, count
from typing import Any, Literal, Self

import numpy as np

from core.answers import Kind, TaskKind
from core.errors import N_, UserError
from core.views import ViewSpec

Factor = Literal["preparation", "model", "drawing"]
FACTORS: Mapping[Factor, str] = {
    "preparation": N_("Preparation"),
    "model": N_("Model"),
    "drawing": N_("Way of drawing"),
}
FEWEST, MOST = 6, 30  # items of a sitting
SPECIAL = 3  # a map of noise, a repeated map, and a question that tells its own answer
APART = 4  # items from a map to its repetition: nobody should remember the first score
INSTANCES = 4  # of each quiz of each view, so that nobody meets one twice
WITH_MAP_ONLY: tuple[TaskKind, ...] = ("intruder",)  # its right answer comes from the map
# Seconds, before anybody has answered: a first guess that the pilot's own answers replace.
INTRODUCTION, RATING, QUIZ, OTHER = 120.0, 12.0, 14.0, 8.0


@dataclass(frozen=True, slots=True)
class Design:
    """What a pilot lead chooses."""

    n_items: int = 12  # of a sitting, at most
    n_raters: int = 8  # who are hoped for
    tasks: tuple[TaskKind, ...] = ("intruder", "odd", "same", "joins")
    pairs: bool = False  # also ask which of two maps is clearer
    colour: Literal["time", "none"] = "time"  # of the points; labels would give quizzes away
    previs: int = 0  # percent of the raters who get the long questionnaire too

    def __post_init__(self) -> None:
        if not FEWEST <= self.n_items <= MOST:
            raise UserError(
                N_("{n} items cannot be asked in one sitting."),
                N_("Choose {least} to {most}."),
                n=self.n_items,
                least=FEWEST,
                most=MOST,
            )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(**dict(d) | {"tasks": tuple(d["tasks"])})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that may be asked. A rater gets some of a study's items."""

    kind: Kind
    view: str = ""
    other: str = ""  # of a pair, the one on the right
    task: TaskKind | None = None
    instance: int = 0  # which of the quizzes of this kind that were made from the view


@dataclass(frozen=True, slots=True)
class Sitting:
    """How many items of each kind one person gets."""

    rated: int  # maps, each with a quiz where there are quizzes
    quizzes: int  # with a map that is not rated
    plain: int  # quizzes without a map
    pairs: int

    @property
    def n_items(self) -> int:
        return self.rated + self.quizzes + self.plain + self.pairs + SPECIAL


Quizzes = Mapping[str, Mapping[TaskKind, int]]  # how many there are, by view and kind


def plan(design: Design, n_views: int, quizzes: Quizzes) -> Sitting:
    """Share a sitting out: every map if there is room, then quizzes, half of them without a map."""
    room = design.n_items - SPECIAL
    pairs = min(room // 4, n_views * (n_views - 1) // 2) if design.pairs else 0
    room -= pairs
    kinds = {kind for of_view in quizzes.values() for kind, n in of_view.items() if n}
    if not kinds:
        return Sitting(min(n_views, room), 0, 0, pairs)
    rated = min(n_views, -(-2 * room // 3))
    extra = room - rated
    plain = min(extra, -(-(rated + extra) // 2)) if kinds - set(WITH_MAP_ONLY) else 0
    return Sitting(rated, min(extra - plain, rated), plain, pairs)


def minutes(sitting: Sitting, seconds: Mapping[Kind, float] | None = None) -> float:
    """How long a sitting takes, with its introduction.

    Args:
        seconds: that people took for an item of each kind, where somebody has measured it.
    """
    guess: dict[Kind, float] = {"view": RATING + QUIZ, "quiz": QUIZ, "plain": QUIZ, "pair": OTHER, "null": RATING}
    guess |= {"repeat": RATING, "check": OTHER}
    guess |= seconds or {}
    shares: tuple[tuple[Kind, int], ...] = (
        ("view", sitting.rated),
        ("quiz", sitting.quizzes),
        ("plain", sitting.plain),
        ("pair", sitting.pairs),
        ("null", 1),
        ("repeat", 1),
        ("check", 1),
    )
    return (INTRODUCTION + sum(n * guess[kind] for kind, n in shares)) / 60


def pool(design: Design, views: Sequence[str], quizzes: Quizzes) -> tuple[Item, ...]:
    """Everything that may be asked; raters get their share of it."""
    return tuple(_pool(design, views, quizzes))


def _pool(design: Design, views: Sequence[str], quizzes: Quizzes) -> Iterator[Item]:
    yield Item("null")
    yield Item("check", instance=0)
    yield Item("check", instance=1)
    for view in views:
        yield Item("repeat", view)
        made = _instances(quizzes.get(view, {}))
        if not made:
            yield Item("view", view)
        for kind, i in made:
            yield Item("view", view, task=kind, instance=i)
            yield Item("quiz", view, task=kind, instance=i)
            if kind not in WITH_MAP_ONLY:
                yield Item("plain", view, task=kind, instance=i)
    if design.pairs:
        for a, b in combinations(views, 2):
            yield Item("pair", a, b)
            yield Item("pair", b, a)


def _instances(n_of_kind: Mapping[TaskKind, int]) -> list[tuple[TaskKind, int]]:
    """All quizzes of a view, one kind after the other in turn."""
    most = max(n_of_kind.values(), default=0)
    return [(kind, i) for i in range(most) for kind, n in n_of_kind.items() if i < n]


# --- order


def williams(n: int) -> list[list[int]]:
    """Rows of an order of n things: each stands in each place equally often, and follows each other equally often.

    n rows where n is even, 2n where it is odd (Williams 1949, "Experimental designs balanced for the estimation of
    residual effects of treatments").
    """
    first = [(i + 1) // 2 if i % 2 else -(i // 2) for i in range(n)]
    rows = [[(one + shift) % n for one in first] for shift in range(n)]
    return rows if n % 2 == 0 else rows + [row[::-1] for row in rows]


def order(design: Design, views: Sequence[str], items: Sequence[Item], seat: int, seed: int) -> tuple[int, ...]:
    """What the person in a seat is asked, as places in `items`, one after the other.

    Over the seats that a Williams square has rows, every map stands in every place equally often and follows every
    other equally often. Which quiz belongs to a map, and whether it comes with the map or without, goes round by seat.
    """
    place_of = {item: i for i, item in enumerate(items)}
    quizzes = _counted(items)
    slots = _slots(plan(design, len(views), quizzes), views, quizzes, seat)
    rows = williams(len(slots))
    lots = np.random.default_rng(seed)
    row_of_seat, thing = lots.permutation(len(rows)), lots.permutation(len(slots))
    row = rows[row_of_seat[seat % len(rows)]]
    asked = [item for i in row if (item := slots[thing[i]]) is not None]
    return tuple(place_of[item] for item in _with_checks(asked, np.random.default_rng([seed, seat]), seat))


def _counted(items: Sequence[Item]) -> dict[str, dict[TaskKind, int]]:
    """How many quizzes of each kind each view has."""
    found: dict[str, dict[TaskKind, int]] = {}
    for item in items:
        if item.kind == "view" and item.task is not None:
            of_view = found.setdefault(item.view, {})
            of_view[item.task] = max(of_view.get(item.task, 0), item.instance + 1)
    return found


def _slots(sitting: Sitting, views: Sequence[str], quizzes: Quizzes, seat: int) -> list[Item | None]:
    """What this seat is asked, in an order that every seat shares; None where the quizzes of a view are used up.

    Where a sitting is too short for all maps, the next seat goes on where this one ends.
    """
    n, used = len(views), set[tuple[str, TaskKind, int]]()

    def quiz(which: int, turn: int, without: tuple[TaskKind, ...]) -> tuple[TaskKind, int] | None:
        """The next quiz of a view: from one time that it is asked to the next they go round."""
        view = views[which]
        made = [one for one in _instances(quizzes.get(view, {})) if one[0] not in without]
        start = (turn + which) % max(1, len(made))
        for kind, i in made[start:] + made[:start]:
            if (view, kind, i) not in used:
                used.add((view, kind, i))
                return kind, i
        return None

    slots: list[Item | None] = [Item("null")]
    for i in range(sitting.rated):
        turn, which = divmod(seat * sitting.rated + i, n) if sitting.rated < n else (seat, i)
        found = quiz(which, turn, ())
        slots.append(Item("view", views[which], "", *found) if found else Item("view", views[which]))
    more: tuple[tuple[Kind, int, tuple[TaskKind, ...]], ...] = (
        ("quiz", sitting.quizzes, ()),
        ("plain", sitting.plain, WITH_MAP_ONLY),
    )
    for kind, n_asked, without in more:
        for i in range(n_asked):
            turn, which = divmod(seat * n_asked + i, n)
            found = quiz(which, turn + INSTANCES * 2, without)
            slots.append(Item(kind, views[which], "", *found) if found else None)
    pairs = list(combinations(views, 2))
    for i in range(sitting.pairs):
        turn, place = divmod(seat * sitting.pairs + i, len(pairs))
        a, b = pairs[place]
        slots.append(Item("pair", a, b) if (turn + place) % 2 == 0 else Item("pair", b, a))
    return slots


def _with_checks(asked: list[Item], rng: np.random.Generator, seat: int) -> list[Item]:
    """Put in the question that tells its answer, somewhere in the middle, and one map a second time, later."""
    third = len(asked) // 3
    asked = list(asked)
    asked.insert(int(rng.integers(third, 2 * third + 1)), Item("check", instance=seat % 2))
    first = next((i for i, item in enumerate(asked) if item.kind == "view"), None)
    if first is not None and first + APART <= len(asked):
        asked.insert(int(rng.integers(first + APART, len(asked) + 1)), Item("repeat", asked[first].view))
    return asked


def gets_previs(design: Design, seat: int) -> bool:
    """Whether this seat belongs to the share that gets the long questionnaire, evenly spread over the seats."""
    return (seat + 1) * design.previs // 100 > seat * design.previs // 100


# --- which views belong together


def difference(a: ViewSpec, b: ViewSpec) -> Factor | None:
    """The one thing in which two views of the same data differ; None where it is none, or several."""
    if a.sources != b.sources:
        return None
    parts: dict[Factor, bool] = {
        "preparation": a.recipe != b.recipe,
        "model": a.encoder != b.encoder,
        "drawing": a.projection != b.projection,
    }
    found = [factor for factor, differs in parts.items() if differs]
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Fair:
    """Views of the same data that each differ from one of them in one thing alone."""

    base: str
    others: Mapping[str, Factor]

    @property
    def views(self) -> tuple[str, ...]:
        return (self.base, *self.others)


def fair_set(specs: Mapping[str, ViewSpec]) -> Fair | None:
    """The largest such set, the latest base first; None where no two views differ in one thing alone."""
    found = [
        Fair(base, {other: f for other in specs if (f := difference(specs[base], specs[other])) is not None})
        for base in reversed(list(specs))
    ]
    best = max(found, key=lambda fair: len(fair.others), default=None)
    return best if best is not None and best.others else None


def levels(specs: Mapping[str, ViewSpec]) -> dict[str, dict[Factor, str]]:
    """Which value of each factor every view has: "1", "2", … in order of appearance."""
    numbers: dict[tuple[Factor, Any], str] = {}
    counted = {factor: count(1) for factor in FACTORS}
    found: dict[str, dict[Factor, str]] = {}
    for view, spec in specs.items():
        parts: tuple[tuple[Factor, Any], ...] = (
            ("preparation", (spec.sources, spec.recipe)),
            ("model", spec.encoder),
            ("drawing", spec.projection),
        )
        for factor, value in parts:
            if (factor, value) not in numbers:
                numbers[factor, value] = str(next(counted[factor]))
        found[view] = {factor: numbers[factor, value] for factor, value in parts}
    return found
