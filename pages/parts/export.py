"""What people answered, to take along: a row an answer, nobody's name, and a codebook that says what each column is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from core.errors import N_
from core.report import formula_safe
from core.studies import levels
from core.views import ViewSpec
from feedback_db import raters, ratings, studies
from feedback_db.ratings import Answered, Given
from feedback_db.studies import Study
from feedback_db.views import View
from pages.parts import who
from pages.parts.questions import PREVIS
from pages.parts.text import _
from pages.parts.work import database

KINDS = {"null": "noise"}  # programs that read tables take “null” for an empty cell
BOM = "utf-8-sig"  # the mark lets Excel read Japanese
COLUMNS = {
    "study": N_("The study, numbered from the pilot's first."),
    "round": N_("The pilot's round when the study was opened."),
    "person": N_("Who answered: a number within the study, by order of beginning. Names are left out."),
    "who": N_("Who it is, over all studies of the pilot: people who gave the same name are one."),
    "literacy": N_("How many of the three questions on reading a map were answered rightly. Empty: not answered."),
    "place": N_("At which place of this person's order it was asked, from 1."),
    "kind": N_(
        "view: a map, rated, with a quiz; repeat: the same map again; noise: a map of noise; check: a question that "
        "tells its own answer; quiz: a quiz with a map that is not rated; plain: a quiz without a map; pair: which of "
        "two maps is clearer."
    ),
    "map": N_("The number of the map. Empty: it belongs to no map of the pilot."),
    "other_map": N_("Of a pair: the number of the map on the right."),
    "preparation": N_("Which preparation the map has; equal numbers are equal preparations."),
    "model": N_("Which model the map has, likewise."),
    "drawing": N_("Which way of drawing the map has, likewise."),
    "error": N_("Reconstruction error of the map's model. Empty: this model cannot reconstruct."),
    "score": N_("Understandability, 1 to 5. Empty: “I can't tell”, or not asked."),
    "cannot_tell": N_("1: “I can't tell” was answered to the question of understandability. Empty: not asked."),
    "reasons": N_("Codes of the reasons that were tapped."),
    "comment": N_(
        "As written. In CSV files every text that a spreadsheet might take for a formula has an apostrophe before it: "
        "take the first one away. “ / ” stands for the end of a line. Parquet files have neither. Read comments before "
        "you pass the file on: people may have written names."
    ),
    "quiz": N_(
        "intruder: which curve does not belong; odd: find the odd stretch; same: same kind or different; joins: which "
        "group does it join. Empty: no quiz."
    ),
    "with_map": N_("1: the quiz came with a map; 0: with curves only. Empty: no quiz."),
    "right": N_("1: the quiz, or the check, was answered rightly; 0: it was not. Empty: neither was asked."),
    "chance": N_("Chance of being right by guessing."),
    "confidence": N_("3: sure, 2: fairly sure, 1: a guess. Empty: not asked."),
    "preferred": N_("Of a pair: the number of the map that was called clearer. Empty: “I can't tell”, or no pair."),
    "seconds": N_("From seeing the map, or the pair, to answering, without pauses."),
    "quiz_seconds": N_("From seeing the quiz to answering, likewise."),
    "language": N_("Language of the screen."),
    "answered_at": N_("When the answer reached this program (UTC)."),
}
MEASURED = ("error", "chance", "seconds", "quiz_seconds")


def answers(pilot_id: str, kept: Sequence[View]) -> bytes:
    return csv(frame(pilot_id, kept))


def frame(pilot_id: str, kept: Sequence[View]) -> pd.DataFrame:
    """Every answer that stands, of all the pilot's studies, with all digits: what is computed from it is the same."""
    previs = [f"previs_{scale}_{key}" for scale, items in PREVIS.items() for key in items]
    found = pd.DataFrame(list(_rows(pilot_id, kept)), columns=[*COLUMNS, *previs])
    whole = ["literacy", "map", "other_map", "score", "cannot_tell", "with_map", "right", "confidence", "preferred"]
    return found.astype(dict.fromkeys([*whole, *previs], "Int64") | dict.fromkeys(MEASURED, float))


def csv(table: pd.DataFrame) -> bytes:
    """Of which a spreadsheet runs nothing."""
    texts = table.select_dtypes(["object", "string"])
    shown = texts.map(lambda cell: formula_safe(_one_line(cell)) if isinstance(cell, str) else cell)
    return table.assign(**shown).to_csv(index=False, lineterminator="\n").encode(BOM)


def codebook() -> bytes:
    """What each column is, in the reader's language."""
    return csv(pd.DataFrame(meanings(), columns=[_("column"), _("meaning")]))


def meanings() -> list[tuple[str, str]]:
    """Of each column of the answers."""
    rows = [(name, _(words)) for name, words in COLUMNS.items()]
    for scale, items in PREVIS.items():
        rows += [(f"previs_{scale}_{key}", f"PREVis, 1–7: {_(words)}") for key, words in items.items()]
    return rows


def _rows(pilot_id: str, kept: Sequence[View]) -> Iterable[Mapping[str, Any]]:
    factors = levels({one.id: ViewSpec.from_json(one.spec) for one in kept})
    known = {one.id: one for one in kept}
    with database().session(who.here()) as db:
        all_studies = studies.of_pilot(db, pilot_id)[::-1]
        each = [(one, ratings.of_study(db, one.id), _places(raters.of_study(db, one.id))) for one in all_studies]
    numbers = _numbered(given for _study, given, _places in each)
    for number, (study, given, places) in enumerate(each, start=1):
        for one in given:
            person = {"who": numbers[one.name or one.rater_id]}
            yield person | _of_study(study, number, one, places) | _of_map(one, known, factors) | _said(one)


def _numbered(studies: Iterable[Sequence[Answered]]) -> dict[str, int]:
    """Each person's number, by whatever they are known by."""
    names = dict.fromkeys(one.name or one.rater_id for given in studies for one in given)
    return {name: number for number, name in enumerate(names, start=1)}


def _places(people: Iterable[raters.Rater]) -> dict[tuple[str, int], int]:
    """At which place a person was asked an item; empty for studies of before orders were kept."""
    return {(one.id, number): place for one in people for place, number in enumerate(one.asked, start=1)}


def _of_study(study: Study, number: int, one: Answered, places: Mapping[tuple[str, int], int]) -> dict[str, Any]:
    return {
        "study": number,
        "round": study.round,
        "person": f"{one.seat + 1}",
        "literacy": (one.literacy or {}).get("right"),
        "place": places.get((one.rater_id, one.item.number)),
        "kind": KINDS.get(one.item.kind, one.item.kind),
    }


def _of_map(one: Answered, known: Mapping[str, View], factors: Mapping[str, Mapping[Any, str]]) -> dict[str, Any]:
    view, other = known.get(one.item.view_id or ""), known.get(one.item.other_view_id or "")
    told = {"map": view and view.number, "other_map": other and other.number, "error": view and view.loss}
    if one.preference is not None:
        clearer = known.get(one.preference.view_id or "")
        told["preferred"] = clearer and clearer.number
    return told | (dict(factors[view.id]) if view and not other else {})


def _said(one: Answered) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if (rating := one.rating) is not None:
        found |= {"score": rating.score, "cannot_tell": int(rating.score is None), "seconds": rating.seconds}
        found |= {"reasons": " ".join(rating.reasons), "comment": rating.comment}
        for scale, points in (rating.previs or {}).items():
            found |= {f"previs_{scale}_{key}": point for key, point in points.items()}
    if (task := one.task) is not None:
        found |= {"right": int(task.right), "chance": task.chance, "quiz_seconds": task.seconds}
        if one.item.kind != "check" and one.item.task:
            quiz = {"quiz": one.item.task["quiz"]["kind"], "with_map": int(one.item.kind != "plain")}
            found |= quiz | {"confidence": task.confidence}
    return found | _last(one)


def _last(one: Answered) -> dict[str, Any]:
    given: list[Given] = [said for said in (one.rating, one.task, one.preference) if said is not None]
    found: dict[str, Any] = {"language": given[-1].language, "answered_at": given[-1].rated_at.isoformat()}
    if one.preference is not None:
        found |= {"seconds": one.preference.seconds}
    return found


def _one_line(text: str) -> str:
    """A line break inside a cell is no error, and yet many programs break there."""
    return re.sub(r"\s*[\r\n]+\s*", " / ", text)
