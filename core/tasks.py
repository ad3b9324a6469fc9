"""Quizzes with a right answer about the windows of a map: which does not belong, where is more of it, same or not?

A row is the number of a window among those shown. What is shown as different never shares samples: windows that overlap
are alike whatever the model makes of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, get_args

import numpy as np
from numpy.typing import NDArray

from core.answers import TaskKind
from core.errors import N_
from core.neighbours import nearest
from core.notices import Notice
from core.recipes import Windows
from core.recognition import NO_LABEL, ONE_LABEL, Where
from core.series import Bools, Floats, Ints

KINDS: tuple[TaskKind, ...] = get_args(TaskKind)
N_ALIKE = 4  # windows of an intruder quiz that belong together
NEAR, FEWEST_NEAR = 0.05, 10  # a neighbourhood: so large a share of the map, and so many windows at least
FEWEST, MOST = 3, 0.4  # of a label that is looked for: windows; their share of all, and of those on a line
GROUP, PURE = 7, 0.8  # windows in a marked group; share that has its label
BETWEEN = 0.08  # free space between marked groups, in sides of the map, so that their outlines stay apart
MOST_GROUPS = 3
WHY_NOT: dict[TaskKind, str] = {
    "intruder": N_("Too few stretches that share no samples lie near one another on this map."),
    "odd": N_("No label is rare enough to be looked for: it needs {least} stretches, and others beside it on a line."),
    "same": N_("This map does not have two separate groups of the same label, and two of different labels."),
    "joins": N_("This map does not have two separate groups that are clearly of different labels."),
}

Rng = np.random.Generator
Choice = int | str


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What quizzes are made from. Row i of every array is shown window i, in any order."""

    xy: Floats  # (n, 2)
    label: NDArray[np.str_] | None  # (n,), "" where there is none; None: nobody gave any
    where: Where

    @classmethod
    def of(cls, xy: Floats, windows: Windows, ids: Ints) -> Self:
        """Of the windows of a view that are shown; see core.material.shown."""
        label = None if windows.label is None else windows.label[ids]
        return cls(xy[ids], label, Where(windows.series, windows.start, windows.length).of(ids))

    def overlapping(self, rows: Ints) -> Bools:
        """(n,) whether a window shares samples with one of these."""
        series, start = self.where.series, self.where.start
        near = np.abs(start[:, None] - start[rows]) < self.where.length
        return np.asarray((near & (series[:, None] == series[rows])).any(axis=1))


# --- quizzes


@dataclass(frozen=True, slots=True)
class Task(ABC):
    """One quiz, with its answer. What is sent to a browser is `for_browser`."""

    kind: ClassVar[TaskKind]
    sent: ClassVar[tuple[str, ...]]  # fields that a browser gets
    right: tuple[Choice, ...]

    @abstractmethod
    def choices(self, has_map: bool) -> Collection[Choice]:
        """All that can be answered."""

    def chance(self, has_map: bool) -> float:
        """Of a right answer by guessing."""
        choices = self.choices(has_map)
        return len(set(choices) & set(self.right)) / len(choices)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @staticmethod
    def from_json(d: Mapping[str, Any]) -> "Task":
        return TASKS[d["kind"]](**{name: _hashable(value) for name, value in d.items() if name != "kind"})


@dataclass(frozen=True, slots=True)
class Intruder(Task):
    """Four windows that lie together on the map, and one from elsewhere: which is it? Answered by its place, 0 to 4."""

    kind: ClassVar[TaskKind] = "intruder"
    sent: ClassVar[tuple[str, ...]] = ("options",)
    options: tuple[int, ...]  # rows, in the order in which they are shown

    def choices(self, has_map: bool) -> Collection[Choice]:
        return range(len(self.options))


@dataclass(frozen=True, slots=True)
class Odd(Task):
    """A window of a rare label: where are more of it? Answered by a row, tapped on the map or on the line of a series.

    All rows of the label are right; without a map, only those on the line can be tapped.
    """

    kind: ClassVar[TaskKind] = "odd"
    sent: ClassVar[tuple[str, ...]] = ("example",)
    example: int
    n: int  # windows that are shown
    line: int  # the series that is shown where there is no map
    on_line: tuple[int, ...]  # rows that lie in it

    def choices(self, has_map: bool) -> Collection[Choice]:
        return range(self.n) if has_map else self.on_line


@dataclass(frozen=True, slots=True)
class Same(Task):
    """Two groups of windows: one label, or two? Answered by "same" or "different"."""

    kind: ClassVar[TaskKind] = "same"
    sent: ClassVar[tuple[str, ...]] = ("groups",)
    groups: tuple[tuple[int, ...], ...]  # rows

    def choices(self, has_map: bool) -> Collection[Choice]:
        return ("same", "different")


@dataclass(frozen=True, slots=True)
class Joins(Task):
    """A window that is left off the map, and two or three groups: whose label has it? Answered by a group's place."""

    kind: ClassVar[TaskKind] = "joins"
    sent: ClassVar[tuple[str, ...]] = ("hidden", "groups")
    hidden: int
    groups: tuple[tuple[int, ...], ...]  # rows

    def choices(self, has_map: bool) -> Collection[Choice]:
        return range(len(self.groups))


TASKS: dict[TaskKind, type[Task]] = {one.kind: one for one in (Intruder, Odd, Same, Joins)}


def for_browser(task: Task) -> dict[str, Any]:
    """What a rater sees of a quiz, without its answer; whoever asks it adds which map, curves or line belong to it."""
    return {"kind": task.kind} | {name: getattr(task, name) for name in task.sent}


def judge(task: Task, choice: object, has_map: bool) -> bool:
    """Whether an answer is right; None, "I can't tell", is not. ValueError for what no rating screen sends."""
    if choice is None:
        return False
    if type(choice) not in (int, str) or choice not in task.choices(has_map):  # True would pass for 1
        raise ValueError(f"no answer to a quiz of kind {task.kind}: {choice!r}")
    return choice in task.right


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


# --- drawing them


def possible(ground: Ground) -> tuple[tuple[TaskKind, ...], dict[TaskKind, Notice]]:
    """Which kinds of quizzes can be made, and of the others why they cannot."""
    why = {kind: _why_not(kind, ground) for kind in KINDS if not draw(kind, ground, 1, 0)}
    return tuple(kind for kind in KINDS if kind not in why), why


def _why_not(kind: TaskKind, ground: Ground) -> Notice:
    if kind != "intruder":
        names = () if ground.label is None else np.unique(ground.label[ground.label != ""])
        if len(names) < 2:
            return Notice(ONE_LABEL if len(names) else NO_LABEL, {})
    return Notice(WHY_NOT[kind], {"least": FEWEST} if kind == "odd" else {})


def draw(kind: TaskKind, ground: Ground, n: int, seed: int) -> list[Task]:
    """So many different quizzes, or as many as there are; the same again from the same seed."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    if kind != "same":
        makers: dict[TaskKind, Maker] = {"intruder": _intruders, "odd": _odd_ones, "joins": _joining}
        return _different(makers[kind](ground, rng), n)
    halves = [_different(_pairs(ground, answer, rng), -(-n // 2)) for answer in ("same", "different")]
    both = [one for pair in zip(*halves, strict=False) for one in pair]  # equally often: guessing has to be no use
    return [both[i] for i in rng.permutation(len(both))[:n]]


Maker = Callable[[Ground, Rng], Iterator[Task]]


def _different(tasks: Iterable[Task], n: int) -> list[Task]:
    """The first n that do not show the same windows, in whatever order."""
    found: dict[frozenset[int], Task] = {}
    for task in tasks:
        if len(found) == n:
            break
        found.setdefault(_rows(task), task)
    return list(found.values())


def _rows(task: Task) -> frozenset[int]:
    """All windows that a quiz shows, beside its map."""
    return frozenset(np.hstack([np.ravel(getattr(task, name)) for name in task.sent]).tolist())


def _intruders(ground: Ground, rng: Rng) -> Iterator[Intruder]:
    n = len(ground.xy)
    n_near = max(FEWEST_NEAR, int(NEAR * n))
    for middle in rng.permutation(n):
        far = np.linalg.norm(ground.xy - ground.xy[middle], axis=1)
        alike = _apart(ground.where, np.argsort(far, kind="stable")[:n_near])
        if len(alike) < N_ALIKE:
            continue
        elsewhere = np.flatnonzero((far > np.median(far)) & ~ground.overlapping(np.array(alike)))
        if len(elsewhere):
            intruder = int(rng.choice(elsewhere))
            options = rng.permutation([*alike, intruder]).tolist()
            yield Intruder((options.index(intruder),), tuple(options))


def _apart(where: Where, rows: Ints) -> list[int]:
    """The first four of these rows that share no samples, or fewer."""
    found: list[tuple[int, int, int]] = []
    for row, series, start in zip(rows.tolist(), where.series[rows].tolist(), where.start[rows].tolist(), strict=True):
        if all(series != other or abs(start - begins) >= where.length for _, other, begins in found):
            found.append((row, series, start))
        if len(found) == N_ALIKE:
            break
    return [row for row, *_ in found]


def _odd_ones(ground: Ground, rng: Rng) -> Iterator[Odd]:
    """The rarest label that is not too rare, and that can be looked for on a line."""
    if ground.label is None:
        return
    n, series = len(ground.label), ground.where.series
    names, counts = np.unique(ground.label, return_counts=True)
    fitting = (names != "") & (counts >= FEWEST) & (counts <= MOST * n)
    for name in names[fitting][np.argsort(counts[fitting], kind="stable")]:
        alike = ground.label == name
        share = np.bincount(series, alike) / np.maximum(np.bincount(series), 1)
        lines = np.flatnonzero((share > 0) & (share <= MOST))
        if not len(lines):
            continue
        right = tuple(np.flatnonzero(alike).tolist())
        for example in rng.permutation(right).tolist():
            line = int(rng.choice(lines))
            yield Odd(right, example, n, line, tuple(np.flatnonzero(series == line).tolist()))
        return


# --- groups


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Windows that lie together on the map and are nearly all of one label."""

    ground: Ground
    code: Ints  # (n,) number of each window's label, -1 where it has none
    rows: Ints  # (n_groups, GROUP), the one in the middle first
    kind: Ints  # (n_groups,) number of its label
    radius: Floats  # (n_groups,) of the circle that holds it

    def apart_from(self, which: int) -> Bools:
        """(n_groups,) that lie apart from one of them on the map, and share no samples with it."""
        xy, middles = self.ground.xy, self.rows[:, 0]
        distance = np.linalg.norm(xy[middles] - xy[middles[which]], axis=1)
        free = distance - self.radius - self.radius[which] > BETWEEN * np.ptp(xy, axis=0).max()
        return np.asarray(free & ~self.sharing(self.rows[which]))

    def sharing(self, rows: Ints) -> Bools:
        """(n_groups,) that have a window which shares samples with one of these."""
        return np.asarray(self.ground.overlapping(rows)[self.rows].any(axis=1))

    def shown(self, which: Ints) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(rows) for rows in self.rows[which].tolist())


def _groups(ground: Ground) -> Groups | None:
    """Around every window that has enough of one label about it; None where there is nothing to tell."""
    n = len(ground.xy)
    if ground.label is None or n <= GROUP:
        return None
    names, code = np.unique(ground.label, return_inverse=True)
    code = np.where(names[code] == "", -1, code)
    near = nearest(ground.xy, GROUP - 1)
    rows = np.column_stack([np.arange(n), near.ids])
    alike = (code[rows][:, :, None] == code[rows][:, None, :]).sum(axis=2)
    kind = code[rows][np.arange(n), alike.argmax(axis=1)]
    pure = (alike.max(axis=1) >= PURE * GROUP) & (kind >= 0)
    return Groups(ground, code, rows[pure], kind[pure], near.distances[pure, -1])


def _pairs(ground: Ground, answer: str, rng: Rng) -> Iterator[Same]:
    groups = _groups(ground)
    if groups is None:
        return
    for one in _in_turn(groups.kind, rng).tolist():
        fitting = (groups.kind == groups.kind[one]) == (answer == "same")
        others = np.flatnonzero(groups.apart_from(one) & fitting) if fitting.any() else ()
        if len(others):
            yield Same((answer,), groups.shown(rng.permutation([one, rng.choice(others)])))


def _joining(ground: Ground, rng: Rng) -> Iterator[Joins]:
    groups = _groups(ground)
    kinds = np.unique(groups.kind) if groups else ()
    if groups is None or len(kinds) < 2:
        return
    asked = np.flatnonzero(np.isin(groups.code, kinds))
    for hidden in asked[_in_turn(groups.code[asked], rng)].tolist():
        own = groups.code[hidden]
        free, chosen = ~groups.sharing(np.array([hidden])), list[int]()
        for kind in (own, *rng.permutation(kinds[kinds != own])):
            some = np.flatnonzero(free & (groups.kind == kind))
            if len(some) and len(chosen) < MOST_GROUPS:
                chosen.append(int(rng.choice(some)))
                free &= groups.apart_from(chosen[-1])
        if len(chosen) >= 2 and groups.kind[chosen[0]] == own:
            order = rng.permutation(chosen)
            yield Joins((int(np.argmax(order == chosen[0])),), hidden, groups.shown(order))


def _in_turn(code: Ints, rng: Rng) -> Ints:
    """Places in an order drawn by lot, each code in turn: else the commonest would be the answer most of the time."""
    order = rng.permutation(len(code))
    turn = np.zeros(len(code), np.int64)
    for one in np.unique(code):
        mine = code[order] == one
        turn[mine] = np.arange(mine.sum())
    return order[np.argsort(turn, kind="stable")]
