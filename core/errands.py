"""What has to be made of a pilot file, in which order, and by whom: this process, or a Dask cluster."""

import logging
import queue
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from core.artifacts import Store
from core.errors import BROKE, N_, UserError
from core.kinds import KINDS, Spec, kind_of
from core.measures import MeasureSpec
from core.probes import ProbeSpec
from core.views import PCA, ViewSpec

if TYPE_CHECKING:
    from core.pilot_file import Plan

Name = tuple[str, str]  # what kind of thing, and what people call it
Tell = Callable[[str, str, int, int], None]  # (name, stage, done, total)
CANCELLED = UserError(N_("Somebody cancelled this calculation."), N_("Start the same command again."))
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be made, after what it is made from."""

    name: Name
    spec: Spec
    needs: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    key: str = ""  # its fingerprint, where that is known
    new: bool = False  # made now, maybe along with something else; else it was there
    error: UserError | None = None


Waves = Sequence[Sequence[Errand]]  # whatever is in one of them needs only what is in those before
Outcomes = Mapping[Name, Outcome]


class Crew(Protocol):
    """Who makes things."""

    def make(self, wave: Mapping[str, Sequence[Errand]], tell: Tell) -> Iterator[tuple[str, UserError | None]]:
        """Make what is there under each fingerprint, and say which is done, or why it cannot be."""
        ...


# --- what, and in which order


def trainings(plan: "Plan", names: Iterable[str]) -> Waves:
    """These trainings, and before them those whose models they go on from."""
    levels: dict[str, int] = {}

    def level(name: str) -> int:
        if name not in levels:
            before = plan.learners.get(name)
            levels[name] = 0 if before is None else 1 + level(before)
        return levels[name]

    for name in names:
        level(name)
    waves: list[list[Errand]] = [[] for _ in range(1 + max(levels.values(), default=-1))]
    for name, at in levels.items():
        waves[at].append(Errand(("run", name), plan.runs[name], _model_of(plan, name)))
    return waves


def embeddings(plan: "Plan", names: Collection[str]) -> Waves:
    """What the models make of the windows of these views, each embedding once; first the trainings that they need."""
    firsts: dict[ViewSpec, str] = {}
    for name in names:
        firsts.setdefault(_embedded(plan, name), name)
    each = [Errand(("embedding", name), spec, _model_of(plan, name)) for spec, name in firsts.items()]
    return [*trainings(plan, [plan.learners[name] for name in names if name in plan.learners]), each]


def maps(plan: "Plan", names: Collection[str]) -> Waves:
    """These views."""
    before = embeddings(plan, names)
    known = {one.spec: one.name for one in before[-1]}
    each = [Errand(("view", name), plan.views[name], (known[_embedded(plan, name)],)) for name in names]
    return [*before, each]


def measured(plan: "Plan", names: Collection[str]) -> Waves:
    """These views with the numbers on them."""
    return [*maps(plan, names), [Errand(("measures", n), MeasureSpec(plan.views[n]), (("view", n),)) for n in names]]


def probed(plan: "Plan", names: Collection[str]) -> Waves:
    """These views with truths planted into their windows."""
    return [*maps(plan, names), [Errand(("probes", n), ProbeSpec(plan.views[n]), (("view", n),)) for n in names]]


def _model_of(plan: "Plan", name: str) -> tuple[Name, ...]:
    return (("run", plan.learners[name]),) if name in plan.learners else ()


def _embedded(plan: "Plan", name: str) -> ViewSpec:
    """The view that takes least to draw of the same windows and model."""
    return plan.views[name].drawn_by(PCA)


# --- doing it


def known(
    read: Callable[[], "Plan"], only: Collection[str] | None, store: Store, crew: "Crew", tell: Tell
) -> tuple["Plan", Outcomes]:
    """The plan of a pilot file, after the trainings without which it is not known what else it holds.

    Args:
        read: reads the file.
        only: names that are asked for; None: all.

    Returns:
        And what became of these trainings, and of what still waits because one of them failed.
    """
    found: dict[Name, Outcome] = {}
    while True:
        plan = read()
        waiting = {name: run for name, run in plan.waiting.items() if only is None or name in only}
        runs = [run for run in dict.fromkeys(waiting.values()) if ("run", run) not in found]
        if not runs:
            return plan, found | {("waiting", name): found["run", run] for name, run in waiting.items()}
        found |= carry_out(trainings(plan, runs), store, crew, tell, found)


def carry_out(waves: Waves, store: Store, crew: Crew, tell: Tell, known: Outcomes) -> Outcomes:
    """Make what is not there yet. What fails costs only what needs it.

    Args:
        known: what became of earlier errands, which are not tried again.
    """
    found, fresh = dict(known), {one.key for one in known.values() if one.new}
    for wave in waves:
        wanted: dict[str, list[Errand]] = {}
        for errand in wave:
            if errand.name in known:
                continue
            begun = _begun(errand, store, found)
            if begun.new:
                wanted.setdefault(begun.key, []).append(errand)
            found[errand.name] = replace(begun, new=begun.new or begun.key in fresh)
        for key, error in crew.make(wanted, tell):
            fresh.add(key)
            for errand in wanted[key]:
                found[errand.name] = Outcome(key, error is None, error)
    return found


def _begun(errand: Errand, store: Store, found: Outcomes) -> Outcome:
    for need in errand.needs:
        if found[need].error is not None:
            return Outcome(error=found[need].error)
    try:
        key = errand.spec.fingerprint()  # reads the model's weights
        return Outcome(key, not store.has(key))
    except UserError as error:
        return Outcome(error=error)


def failures(found: Outcomes) -> dict[str, UserError]:
    """Why there is no such thing, by what people call it."""
    return {name: one.error for (_kind, name), one in found.items() if one.error is not None}


class Here:
    """This process: one thing after the other."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(self, wave: Mapping[str, Sequence[Errand]], tell: Tell) -> Iterator[tuple[str, UserError | None]]:
        for key, errands in wave.items():
            _kind, name = errands[0].name
            yield key, self._made(errands[0].spec, name, tell)

    def _made(self, spec: Spec, name: str, tell: Tell) -> UserError | None:
        try:
            build = KINDS[kind_of(spec)].build
            build(spec, self._store, lambda stage, done, total: tell(name, stage, done, total))
        except UserError as error:
            return error
        except Exception:
            logger.exception("“%s” could not be made", name)  # and the others go on
            return BROKE
        return None


class Cluster:
    """Computers that calculate: everything that can be made now, at once."""

    def __init__(self, store: Store, address: str) -> None:
        from core.jobs import Change, Engine  # here, because Dask takes seconds to load

        self._changes: queue.SimpleQueue[Change] = queue.SimpleQueue()
        self._engine = Engine(store, self._changes.put, address)

    def make(self, wave: Mapping[str, Sequence[Errand]], tell: Tell) -> Iterator[tuple[str, UserError | None]]:
        for key, errands in wave.items():
            spec = errands[0].spec
            self._engine.submit(key, KINDS[kind_of(spec)].build, spec)
        waiting = set(wave)
        try:
            while waiting:
                change = self._changes.get()
                if change.state == "running":
                    tell(wave[change.key][0].name[1], change.stage, change.done, change.total)
                elif change.key in waiting:
                    waiting.remove(change.key)
                    yield change.key, CANCELLED if change.state == "cancelled" else change.error
        finally:
            for key in waiting:  # interrupted
                self._engine.cancel(key)

    def close(self) -> None:
        self._engine.close()


def crew_at(address: str, store: Store) -> AbstractContextManager[Crew]:
    """Who calculates.

    Args:
        address: of a Dask scheduler; "": this process does.

    Raises:
        UserError: nobody answers there.
    """
    if not address:
        return nullcontext(Here(store))
    try:
        return closing(Cluster(store, address))
    except OSError as error:
        raise silence(address) from error


def silence(address: str) -> UserError:
    return UserError(
        N_("Nobody answers at {address}."),
        N_("Check the address of the Dask scheduler, and that it runs."),
        address=address,
    )
