"""The evidence of an exported file is that of the screens, and the report says it in either language."""

import json
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from core import book, webpage
from core.answers import Answer
from core.encoders import EncoderSpec
from core.findings import evidence_of
from core.findings_report import report
from core.opinions import checks
from core.projection import ProjectionSpec
from core.returns import Map, Returned, read_answers
from core.rules import Thresholds
from core.views import ViewSpec
from feedback_db import ledger
from feedback_db.permits import LOCAL
from pages.parts import beside, bundle, causes, chapters, known, voices, work
from pages.parts.reading import sentence
from pages.parts.text import speaking
from tests.test_report_words import texts
from tests.test_screens_evidence import HIGH, LOW, Trial

AT = datetime(2026, 11, 28, 9, tzinfo=UTC)
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


@pytest.fixture
def trial(place):
    """Two rounds, three maps of which one has no error; the second and the third are rated by the same people."""
    found = Trial(place)
    first, second = found.map(0.5), found.map(0.3, encoder=EncoderSpec(side=("differenced",)))
    third = found.keep(ViewSpec.from_json(first.spec).drawn_by(ProjectionSpec("pca", seed=1)), 0.5)
    found.ask((first, LOW))
    found.next_round()
    found.ask((second, HIGH), (third, LOW))
    found.map(None, encoder=EncoderSpec("raw"))
    with work.database().session(LOCAL) as db:
        ledger.append(db, found.pilot.id, "rules", Thresholds(people=6).to_json())
    return found


def exported(trial: Trial, folder: Path) -> Path:
    file = folder / "pilot-data.zip"
    with speaking("ja"):
        file.write_bytes(bundle.made(trial.pilot, known.of_pilot(trial.pilot.id), AT))
    return file


def test_the_figures_of_the_exported_file_are_those_of_the_evidence_screen(trial, tmp_path):
    found, screen = evidence_of(read_answers(exported(trial, tmp_path))), known.of_pilot(trial.pilot.id)
    ids = {str(one.number): id_ for id_, one in screen.views.items()}
    assert {ids[number]: one for number, one in found.opinions.items()} == screen.opinions
    assert {ids[number]: one for number, (one, _errors) in found.losses.items()} == {
        id_: one for id_, (one, _errors) in screen.losses.items()
    }
    assert all(one.low is not None for one, _errors in found.losses.values())
    assert ids[found.base] == beside.base_of(screen)
    others = dict.fromkeys([id_ for id_ in screen.views if id_ != ids[found.base]], ids[found.base])
    assert {ids[number]: one.placed for number, one in found.changes.items()} == beside.places(screen, others)
    assert found.facts == known.facts(screen)
    assert found.agreement == voices.agreement_of(screen.answers)
    assert (found.together.told.message, found.together.told.facts) == beside.goes_along(screen, lambda *told: told)
    seen = checks(screen.answers)
    assert (found.checks.n_checked, len(found.checks.failed)) == (seen.n_checked, len(seen.failed))


def test_which_number_goes_along_with_people_is_what_the_screen_says(trial, tmp_path):
    heard = chapters.everybody(known.of_pilot(trial.pilot.id))
    with speaking("en"):
        numbers, _missing = causes.numbers_of(heard)
    assert evidence_of(read_answers(exported(trial, tmp_path))).aligned == causes.alignment_of(heard.answers, numbers)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_headline_is_the_sentence_of_the_screen(trial, tmp_path, language):
    with speaking(language):
        screen = sentence(chapters.everybody(known.of_pilot(trial.pilot.id)).answers)
    assert report(evidence_of(read_answers(exported(trial, tmp_path))), language).headline == screen


def test_machines_get_null_and_the_reason_where_there_is_no_number(trial, tmp_path):
    told = json.loads(json.dumps(evidence_of(read_answers(exported(trial, tmp_path))).to_json(), allow_nan=False))
    assert told["maps"]["1"]["opinion"]["understandability"]["value"] == pytest.approx(2.0)
    assert told["maps"]["4"]["loss"] is None
    assert told["maps"]["4"]["why"] == [
        "Its model cannot reconstruct, so it has no error.",
        "Nobody has rated this map yet.",
    ]
    assert told["with_and_without"]["accuracy"]["size"]["value"] is None
    assert told["verdict"] == "cannot tell"


def test_of_answers_that_are_chance_nothing_is_told():
    random = np.random.default_rng(3)
    scores = random.integers(1, 6, (12, 3))
    said = tuple(
        Answer(f"{i}", f"{i}-{n}", "view", str(n), score=int(scores[i, n - 1])) for i in range(12) for n in (1, 2, 3)
    )
    maps = {str(n): Map(0.1 * n, None) for n in (1, 2, 3)}
    found = evidence_of(Returned(said, maps, 1, (None,) * 4, None, {}, ()))
    assert found.judged.verdict == "cannot tell"
    assert not found.best.is_clearest
    assert not any(one.placed.is_sure for one in found.changes.values())
    assert "No map stands out beyond chance." in report(found, "en").headline
    assert "cannot be told" in found.together.told.message


def test_the_rules_are_those_of_the_ledger_unless_others_are_given(trial, tmp_path):
    returned = read_answers(exported(trial, tmp_path))
    assert evidence_of(returned).thresholds == Thresholds(people=6)
    assert evidence_of(returned, Thresholds(people=20)).thresholds.people == 20


def test_the_japanese_report_has_no_english_sentence(trial, tmp_path):
    document = report(evidence_of(read_answers(exported(trial, tmp_path))), "ja")
    said = [text for text in texts(document) if text not in (document.title, *document.facts, *document.footer)]
    english = [text for text in said if re.search("[A-Za-z]{3,}.* [A-Za-z]{2,}", text) and not JAPANESE.search(text)]
    assert english == []
    assert JAPANESE.search(document.headline)


def test_it_becomes_a_few_pages_and_one_page_for_a_browser(trial, tmp_path):
    document = report(evidence_of(read_answers(exported(trial, tmp_path))), "en")
    pages = pypdfium2.PdfDocument(book.pdf(document))
    assert 1 <= len(pages) <= 3
    assert "Map 2" in "".join(page.get_textpage().get_text_bounded() for page in pages)
    assert b"<script" not in webpage.html(document)
    assert document == report(evidence_of(read_answers(exported(trial, tmp_path))), "en")


def test_a_changed_file_is_told_before_anything_else(trial, tmp_path):
    file = exported(trial, tmp_path)
    with zipfile.ZipFile(file) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data.replace(b",view,", b",quiz,", 1) if name == "answers.csv" else data)
    found = evidence_of(read_answers(file))
    assert found.to_json()["changed_files"] == ["answers.csv"]
    assert report(found, "en").headline.startswith("Files that somebody changed after they were exported: answers.csv.")
