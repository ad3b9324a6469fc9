"""A whole pilot whose truth is known: three rounds, ten people, five maps, quizzes, pairs, money, rules, a decision.

All of it goes through the functions that the screens use, into a database and a store of its own. What people feel and
how they do in quizzes is drawn from TRUTH with a fixed seed; what the model gets wrong is the shipped model's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from core import controls, measures, rules, tasks, tuning
from core import studies as designing
from core.controls import ControlSpec
from core.encoders import EncoderSpec
from core.lessons import TrainSpec
from core.measures import MeasureSpec
from core.projection import ProjectionSpec
from core.recipes import Recipe, WindowSpec
from core.rules import Thresholds
from core.steps import Smooth
from core.studies import Design
from core.tasks import Task
from core.tuning import TuneSpec
from core.views import ViewSpec
from feedback_db import assumptions, ledger, pilots, raters, ratings, runs, studies, views, visits
from feedback_db.assumptions import Assumption
from feedback_db.permits import LOCAL
from feedback_db.pilots import Pilot
from feedback_db.raters import Rater
from feedback_db.studies import Item, Study
from feedback_db.views import View
from pages.parts import asking, deciding, keeping, known, post, work
from pages.parts.intake import sources_of, take_in
from pages.parts.keeping import Said

SEED = 20261128
N_SAMPLES, RUN, LENGTH, STRIDE = 2000, 250, 64, 32
KINDS = ("slow", "quick", "knocking")  # of stretches, planted in turn
DESIGN = Design(n_items=14, n_raters=10, pairs=True)
RULES = Thresholds(mean=3.6, low=3.2, noise=0.1, agreement=0.3)
TRAINED = TrainSpec(steps=40, batch=32, every=20, rate=1e-3)
UNDECIDED = 0.1  # share of pairs
OWN = 5  # the number of the map after extra training

Rng = np.random.Generator
Sent = dict[str, Any]  # what a tablet sends of one item


def nobody(*_said: object) -> None:
    """Nobody watches the progress."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What answers are drawn from."""

    names: tuple[str, ...] = tuple(f"badge {letter}" for letter in "ABCDEFGHIJ")
    feeling: Mapping[int, float] = field(default_factory=lambda: {1: 1.8, 2: 2.8, 3: 3.6, OWN: 4.6})  # by number of map
    lenient: float = 0.3  # standard deviation over people, in steps, as is the next
    moment: float = 0.45
    right: Mapping[bool, float] = field(default_factory=lambda: {True: 0.85, False: 0.6})  # with a map, and without
    seconds: float = 14.0  # for a quiz without a map, in the middle
    faster: float = 0.7  # with a map
    hasty: float = 0.35  # standard deviation over quizzes, of logarithms; over people half of it
    sees_noise: str = "badge C"
    fails_check: str = "badge F"
    cannot_tell: str = "badge H"  # of the first map
    rounds: tuple[tuple[int, ...], ...] = ((1, 2), (2, 3), (2, 3, OWN))  # which maps are asked about


TRUTH = Truth()
VAIN = Truth(feeling={1: 2.0, 2: 2.2, 3: 1.8, OWN: 2.0}, right={True: 0.6, False: 0.6}, faster=1.0)  # no map is any use

# Money of which the outcome can be reckoned in the head: at 3,600 an hour, a second of the people who rate costs 1.
RATES = {"wage_per_hour": 3600.0, "machine_per_hour": 180.0}
MONEY: Mapping[str, tuple[float, float, float]] = {
    "it_hours": (10, 10, 10),
    "compute_seconds": (600, 600, 600),
    "training": (40_000, 40_000, 40_000),
    "licences": (5000, 5000, 5000),
    "upkeep_hours": (2, 2, 2),
    "decisions": (20_000, 30_000, 50_000),
    "used": (40, 50, 60),
    "avoided": (0, 0, 0),
    "months": (12, 12, 12),
}
ONCE = 3600 * 10 + 600 / 3600 * 180 + 40_000  # without the hours of the lead and the people's seconds
MONTHLY = 5000 + 2 * 3600
LEAD_HOURS = (3.5, 3.5 + 10 / 60, 4.0)  # see `_visits`


# --- the recordings


def recording(seed: int) -> bytes:
    """Two channels of three planted kinds of stretches, which the label tells."""
    rng, at = np.random.default_rng(seed), np.arange(N_SAMPLES)
    kind = (at // RUN + seed) % len(KINDS)
    phase = 2 * np.pi * np.cumsum(1 / np.array([40, 11, 24])[kind])
    force = np.sin(phase) + (kind == 2) * 2 * (np.sin(phase) > 0.9)
    current = np.cos(phase) * np.array([1.0, 0.5, 1.4])[kind]
    values = np.column_stack([50 + 10 * force, 5 + current]) + rng.normal(0, (1.5, 0.15), (N_SAMPLES, 2))
    rows = (f"{i},{v[0]:.4f},{v[1]:.4f},{KINDS[k]}" for i, v, k in zip(at, values, kind, strict=True))
    return "\n".join(["step,force,current,state", *rows]).encode()


# --- the pilot


def made(truth: Truth = TRUTH) -> Pilot:
    """In the installation that PILOT_DATA names."""
    rng = np.random.default_rng(SEED)
    with work.database().session(LOCAL) as db:
        pilot = pilots.create(db, question="Does the map help at the press?", team="Press shop", **RATES)
    sources = sources_of(take_in(pilot.id, f"line-{name}.csv", recording(i)) for i, name in enumerate("ab"))
    with work.database().session(LOCAL) as db:
        ledger.append(db, pilot.id, "rules", RULES.to_json())
    people = _People(truth, rng)
    for number, numbers in enumerate(truth.rounds, start=1):
        for spec, said in _maps(sources, pilot.id, number):
            measures.build(MeasureSpec(spec), work.store(), nobody)  # and the map
            keeping.keep(pilot.id, spec, work.made(spec).meta, said)
        with work.database().session(LOCAL) as db:
            kept = {one.number: one for one in views.of_pilot(db, pilot.id)}
        study = _opened(pilot, [kept[one] for one in numbers], seed=SEED + number)
        people.answer(study, {kept[one].id: one for one in kept})
        with work.database().session(LOCAL) as db:
            studies.close(db, study.id)
            if number < len(truth.rounds):
                pilot = pilots.next_round(db, pilot.id, after=number)
    _visits(pilot)
    _assume(pilot)
    _decide(pilot)
    return pilot


def _maps(sources: Any, pilot_id: str, number: int) -> Iterator[tuple[ViewSpec, Said]]:
    """What is kept in a round, why, and what is expected of it."""
    recipe = Recipe(window=WindowSpec(LENGTH, STRIDE))
    first = ViewSpec(sources, recipe, EncoderSpec("compact"), ProjectionSpec("pca"))
    drawn = first.drawn_by(ProjectionSpec("tsne"))
    if number == 1:
        yield first, Said("", None)
        yield drawn, Said("Groups lie over one another", {"error": "stays", "clarity": "clearer"})
    elif number == 2:
        smooth = replace(recipe, steps=(recipe.steps[0], Smooth("median", 5), *recipe.steps[1:]))
        yield replace(drawn, recipe=smooth), Said("Less jitter", {"error": "falls", "clarity": "clearer"})
        yield replace(drawn, encoder=EncoderSpec("raw")), Said("Is a model needed?", None)
    else:
        tune = TuneSpec(sources, recipe, EncoderSpec("compact"), TRAINED)
        tuning.build(tune, work.store(), nobody)
        with work.database().session(LOCAL) as db:
            runs.keep(db, pilot_id, fingerprint=tune.fingerprint(), spec=tune.to_json())
        after = replace(drawn, encoder=tune.encoder_in(work.store()))
        yield after, Said("It should know our machine", {"error": "falls", "clarity": "same"})


def _opened(pilot: Pilot, chosen: Sequence[View], seed: int) -> Study:
    """As pages/parts/asking.py opens it, but for the order's seed, which is drawn there."""
    for one in chosen:
        for control in ("noise", "events"):
            controls.build(ControlSpec(ViewSpec.from_json(one.spec), control), work.store(), nobody)
    ready, quizzes = asking._make_ready(chosen, DESIGN)
    ids = [one.id for one in chosen]
    counts = {view: {kind: len(each) for kind, each in of_view.items()} for view, of_view in quizzes.items()}
    told = {"design": DESIGN.to_json(), "minutes": 10, **ready}
    with work.database().session(LOCAL) as db:
        items = asking._items(designing.pool(DESIGN, ids, counts), quizzes)
        study = studies.open_with(db, pilot.id, ids, seed, told, items)
        raters.invite(db, study.id, is_shared=True)
    return study


# --- the people


class _People:
    """The same ten in every study, in other seats each time."""

    def __init__(self, truth: Truth, rng: Rng) -> None:
        self.truth, self.rng = truth, rng
        self.lenient = dict(zip(truth.names, rng.normal(0, truth.lenient, len(truth.names)), strict=True))
        self.slow = dict(zip(truth.names, rng.normal(0, truth.hasty / 2, len(truth.names)), strict=True))

    def answer(self, study: Study, numbers: Mapping[str, int]) -> None:
        """All answers of all people, as a tablet sends them."""
        with work.database().session(LOCAL) as db:
            items = studies.items(db, study.id)
            in_seat = partial(designing.order, DESIGN, study.view_ids, asking.core_items(items), seed=study.seed)
            [shared] = raters.invitations(db, study.id)
            for name in self.rng.permutation(self.truth.names).tolist():
                rater = raters.begin(db, shared, name, raters.new_token(), in_seat)
                raters.keep_literacy(db, rater, {"answers": {}, "right": int(self.rng.integers(1, 4))})
                for place, number in enumerate(rater.asked):
                    self._save(db, rater, items[number], place, numbers)

    def _save(self, db: Any, rater: Rater, item: Item, place: int, numbers: Mapping[str, int]) -> None:
        sent = {"language": "ja"} | self._times(rater.name, item) | self._says(rater.name, item, numbers)
        for said in post.read(f"{rater.seat:02}-{item.id}", rater, item, sent):
            ratings.save(db, replace(said, rated_at=rater.began_at + timedelta(seconds=20 * place)))

    def _times(self, name: str, item: Item) -> Sent:
        quick = self.truth.faster if item.kind != "plain" else 1.0
        own, moments = np.exp(self.slow[name]), np.exp(self.rng.normal(0, self.truth.hasty, 2))
        return {"seconds": 9 * own * moments[0], "task_seconds": self.truth.seconds * quick * own * moments[1]}

    def _says(self, name: str, item: Item, numbers: Mapping[str, int]) -> Sent:
        number, other = numbers.get(item.view_id or "", 0), numbers.get(item.other_view_id or "", 0)
        if item.kind == "null":
            return {"score": (4 if name == self.truth.sees_noise else 1) + int(self.rng.integers(2))}
        if item.kind == "check":
            asked = post.CHECKS[item.task["instance"]] if item.task else 0
            return {"score": 1 if name == self.truth.fails_check else asked}
        said: Sent = {"score": None, "choice": None}
        if item.kind == "pair":
            felt = self.rng.normal([self.truth.feeling[number], self.truth.feeling[other]], self.truth.moment)
            said["choice"] = None if self.rng.random() < UNDECIDED else int(felt[1] > felt[0])
        if item.kind in ("view", "repeat"):
            said["score"] = self._score(name, number)
        if item.task is not None:
            said |= {"choice": self._quiz(Task.from_json(item.task["quiz"]), item.kind != "plain")}
            said |= {"confidence": 1 + int(self.rng.integers(3))}
        return said

    def _score(self, name: str, number: int) -> int | None:
        if (name, number) == (self.truth.cannot_tell, 1):
            return None
        felt = self.truth.feeling[number] + self.lenient[name] + self.rng.normal(0, self.truth.moment)
        return int(np.clip(np.rint(felt), 1, 5))

    def _quiz(self, task: Task, has_map: bool) -> Any:
        """Right as often as the truth says; else wrong."""
        if self.rng.random() < self.truth.right[has_map]:
            return next(one for one in task.right if one in task.choices(has_map))
        return next((one for one in task.choices(has_map) if not tasks.judge(task, one, has_map)), None)


# --- money, and the decision


def _assume(pilot: Pilot) -> None:
    with work.database().session(LOCAL) as db:
        for name, (low, likely, high) in MONEY.items():
            assumptions.put(db, pilot.id, Assumption(name, low, likely, high, "agreed with the plant manager"))


def _visits(pilot: Pilot) -> None:
    """Three and a half hours at the screens, with a pause of ten minutes and one of twenty."""
    at, visit = datetime(2026, 11, 2, 9, tzinfo=UTC), None
    with work.database().session(LOCAL) as db:
        for screen, minutes, pause in (("data", 120, 10), ("maps", 60, 20), ("study", 30, 0)):
            for minute in range(0, minutes + 1, 5):
                visit = visits.touch(db, pilot.id, screen, visit, at + timedelta(minutes=minute))
            at += timedelta(minutes=minutes + pause)


def _decide(pilot: Pilot) -> None:
    """As it is signed on the screen, with all that it rested on."""
    facts, settled = known.facts(known.of_pilot(pilot.id)), deciding.settled_of(pilot.id)
    judged = rules.judge(facts, settled.thresholds)
    content = {
        "decision": "go",
        "name": "The plant manager",
        "reason": "People see it and are right more often.",
        "verdict": judged.verdict,
        "because": [[one.message, dict(one.facts)] for one in judged.because],
        "facts": facts.to_json(),
        "thresholds": settled.thresholds.to_json(),
        "fixed": settled.fixed[-1].number,
    }
    with work.database().session(LOCAL) as db:
        ledger.append(db, pilot.id, "decision", content)
