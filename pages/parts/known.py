"""All that a pilot knows of its maps: the model's error, what people say, and what each map came from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from core import evidence, opinions, rules
from core.answers import Answer
from core.artifacts import fingerprint
from core.domains import Apart
from core.errors import UserError
from core.evidence import Errors, Loss
from core.measures import Measured, MeasureSpec
from core.opinions import Opinion, Range
from core.rebuilding import Interval
from core.recognition import Where
from core.rules import Facts
from core.tuning import Tuned, TuneSpec
from core.views import ViewSpec, find
from feedback_db import ratings, runs, studies, views
from feedback_db.views import View
from pages.parts import given, who, work
from pages.parts.text import _


@dataclass(frozen=True, slots=True)
class Known:
    """Everything goes by the view's id, in the order of keeping."""

    views: Mapping[str, View]
    specs: Mapping[str, ViewSpec]
    answers: tuple[Answer, ...]  # of all studies, oldest first; who gave the same name is one person
    opinions: Mapping[str, Opinion]  # of views that somebody was asked about
    losses: Mapping[str, tuple[Loss, Errors | None]]  # of views whose model can reconstruct
    trainings: Mapping[str, tuple[int, TuneSpec]]  # by the folder of what came of each: its number, and what it was
    last_round: int  # in which people were asked; 0: none

    def name(self, view: str) -> str:
        return _("Map {n}").format(n=self.views[view].number)

    @property
    def trained(self) -> dict[str, str]:
        """The view before extra training, by the view after it."""
        return evidence.trained(self.specs, {folder: one.encoder for folder, (_n, one) in self.trainings.items()})

    @property
    def fingerprint(self) -> str:
        """Of the maps and the answers: two reports that have it are of the same data."""
        return fingerprint([one.fingerprint for one in self.views.values()], [repr(one) for one in self.answers])

    def rated(self, view: str) -> Range | None:
        """None: nobody has given a score."""
        found = self.opinions.get(view)
        return found.understandability if found is not None and found.understandability.value is not None else None


def of_pilot(pilot_id: str) -> Known:
    with work.database().session(who.here()) as db:
        kept = {one.id: one for one in views.of_pilot(db, pilot_id)}
        asked = studies.of_pilot(db, pilot_id)
        stored = [one for study in reversed(asked) for one in ratings.of_study(db, study.id)]
        trainings = runs.of_pilot(db, pilot_id)
    specs = {id_: ViewSpec.from_json(one.spec) for id_, one in kept.items()}
    answers = tuple(replace(given.answer_of(one), rater=one.name or one.rater_id) for one in stored)
    return Known(
        views=kept,
        specs=specs,
        answers=answers,
        opinions=opinions.of_views(answers),
        losses={id_: _loss(one, specs[id_]) for id_, one in kept.items() if one.loss is not None},
        trainings={
            str(work.store().folder(one.fingerprint)): (one.number, TuneSpec.from_json(one.spec)) for one in trainings
        },
        last_round=max((one.round for one in asked), default=0),
    )


def _loss(one: View, spec: ViewSpec) -> tuple[Loss, Errors | None]:
    found = find(one.fingerprint, work.store())
    value = one.loss or 0.0
    if found is None or found.per_window is None:
        return evidence.loss(value, None), None
    try:
        return _ranged(one.fingerprint, spec, value)
    except UserError:  # the series are no longer kept as they were prepared: no range then, which is said
        return evidence.loss(value, None), None


@lru_cache(maxsize=64)
def _ranged(fingerprint: str, spec: ViewSpec, value: float) -> tuple[Loss, Errors | None]:
    """Of a view that is kept with the errors of its windows."""
    found, windows = find(fingerprint, work.store()), work.windows_of(spec.sources, spec.recipe)
    if found is None or found.per_window is None:
        return evidence.loss(value, None), None
    errors = Errors(found.per_window.astype(float), Where(windows.series, windows.start, windows.length))
    return evidence.loss(value, errors), errors


def facts(known: Known) -> Facts:
    """What the rules of a decision look at. Nothing is computed for it here: what is not known yet is None."""
    numbers = {id_: one.number for id_, one in known.views.items()}
    found = rules.of_answers(known.answers, numbers, known.last_round)
    best = next((id_ for id_, number in numbers.items() if number == found.best), None)
    measured: Measured | None = None if best is None else made(MeasureSpec(known.specs[best]))
    if measured is not None:
        lines = measured.lines.auc if isinstance(measured.lines, Apart) else None
        found = replace(found, kept=measured.quality.kept, lines=lines)
    trainings = (one for _number, one in reversed(known.trainings.values()))
    newest: Tuned | None = next((done for one in trainings if (done := made(one)) is not None), None)
    if newest is not None:
        found = replace(found, error=fell(newest), moved=newest.change.movement.displacement)
    return found


def made(spec: work.Spec) -> Any:
    """What the engine made of it, or None; that too where the model's folder is gone, and nobody knows its content."""
    try:
        return work.made(spec)
    except UserError:
        return None


def fell(one: Tuned) -> Interval | None:
    """Relative change of the error with about half of each stretch hidden, as the training screen tells it first."""
    each = one.change.errors
    change = min(each, key=lambda one: abs(one.hidden - 0.5)).change if each else None
    return change if isinstance(change, Interval) else None
