"""The words of the report: everything is in it, as it is, and the same data give the same document."""

import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from pptx import Presentation

from core import book, slides, webpage
from core.document import Block, Document, Grid, Picture, clean
from core.encoders import WEIGHTS, EncoderSpec
from core.projection import ProjectionSpec
from core.views import ViewSpec
from feedback_db import ledger, pilots
from feedback_db.permits import LOCAL
from pages.parts import chapters, deciding, glossary, report, taking, work
from pages.parts.text import speaking
from tests.screens import Person, word
from tests.test_screens_evidence import HIGH, LONG, LOW, Trial, trained

AT = datetime(2026, 11, 28, 9, tzinfo=UTC)
HOSTILE = "=1+1 <script>alert(1)</script> {0} %s **花子** $x$ & [a](http://x)"
NAMES = "Rater-"  # no one else is called so
BUTTONS = ("One page (PDF)", "Full report (PDF)", "Slides (PowerPoint)", "Web page (HTML)", "All data (ZIP)")


class Told(Trial):
    """With a question, a file and a decision in words that do harm where they are taken for markup."""

    def __init__(self, place) -> None:
        self.place = place
        with work.database().session(LOCAL) as db:
            self.pilot = pilots.create(db, question=HOSTILE, team=HOSTILE)
        self.data = place.data(self.pilot, LONG, f"{HOSTILE.replace('/', '|')}.csv")

    def decide(self) -> None:
        content = {"decision": "improve", "name": HOSTILE, "reason": HOSTILE, "verdict": "cannot tell", "fixed": None}
        with work.database().session(LOCAL) as db:
            ledger.append(db, self.pilot.id, "decision", content)

    def state(self, at: datetime = AT) -> taking.State:
        return taking.state(self.pilot.id, at)


def appendix(told: Told, language: str = "en", at: datetime = AT) -> Document:
    with speaking(language):
        one = told.state(at)
        return report.appendix(one.pilot, one.found, one.facts, one.headline, one.at)


def for_the_meeting(told: Told, language: str = "en") -> Document:
    with speaking(language):
        one = told.state()
        return report.slides(one.pilot, one.found, one.facts, one.headline, one.at)


@pytest.fixture
def told(place) -> Told:
    found = Told(place)
    first = found.map(0.5)
    second = found.keep(ViewSpec.from_json(first.spec).drawn_by(ProjectionSpec("pca", seed=1)), 0.5)
    found.ask((first, LOW), (second, HIGH), names=NAMES)
    found.decide()
    return found


def texts(document: Document) -> Iterator[str]:
    yield from (document.title, *document.facts, document.headline, *document.footer)
    for section in document.sections:
        yield section.heading
        yield from of_blocks(section.blocks)


def of_blocks(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Grid):
            yield from (block.caption, *(cell for row in block.rows for cell in row))
        elif isinstance(block, Picture):
            yield from (block.alt, block.caption)
        else:
            yield from block.lines


def section(document: Document, heading: str) -> list[str]:
    """All that is said in one of them."""
    [found] = [one for one in document.sections if one.heading == heading]
    return list(of_blocks(found.blocks))


def test_the_same_data_give_the_same_document_and_another_moment_is_in_the_footer_alone(told):
    one, other = appendix(told), appendix(told, at=AT + timedelta(days=1))
    assert appendix(told) == one
    assert replace(other, footer=one.footer) == one
    [(before, after)] = [pair for pair in zip(one.footer, other.footer, strict=True) if len(set(pair)) > 1]
    assert before.startswith("made 2026/11/28")
    assert after.startswith("made 2026/11/29")
    assert any(text.startswith("program ") for text in one.footer)
    assert f"numpy {np.__version__}" in one.footer


def test_every_chapter_is_there_in_both_languages(told):
    en, ja = appendix(told), appendix(told, "ja")
    wanted = [
        *("What was asked", "The answer", "How clear is each map?", "The model's error beside what people say"),
        *("What the maps look like", "What was changed, and what came of it", "Does a map help?"),
        *("Can these answers be trusted?", "Which number agrees with people?", "What does it cost, what does it save?"),
        *("What could be read wrongly", "After the pilot: does the map still fit?", "What could come next"),
        *("The data, and how it was prepared", "How the numbers are made", "Words for the meeting"),
    ]
    assert [one.heading for one in en.sections] == wanted
    assert [one.heading for one in ja.sections] == [word("ja", heading) for heading in wanted]
    assert (en.language, ja.language) == ("en", "ja")


def test_what_people_wrote_is_there_as_they_wrote_it_and_no_rater_is_named(told):
    document = appendix(told)
    assert document.title == HOSTILE
    assert HOSTILE in section(document, "What was asked")
    [decided] = [one for one in section(document, "The answer") if one.startswith("Decided on")]
    assert decided.endswith(f"by {HOSTILE}: Improve. Reason: {HOSTILE}")
    assert not any(NAMES in text for text in texts(document))
    assert not any("\\" in text for text in texts(document))  # nothing is escaped for a screen
    assert all(clean(text) for text in texts(document) if text)  # no text is nothing but control characters


def test_every_form_of_it_shows_such_words_and_runs_nothing(told):
    with speaking("en"):
        one = told.state()
        paper, printed, shown, browsed = one.page(), one.book(), one.slides(), one.webpage().decode()
    pages = "".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(printed))
    assert "<script>alert(1)</script>" in pages.replace("\r\n", "")
    assert paper.startswith(b"%PDF")
    said = "".join(shape.text_frame.text for slide in _slides(shown) for shape in slide.shapes if shape.has_text_frame)
    assert HOSTILE in said
    assert "<script" not in browsed
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browsed


def _slides(file: bytes):
    return list(Presentation(io.BytesIO(file)).slides)


def test_the_numbers_are_those_of_the_screens(told):
    document = appendix(told)
    clear = section(document, "How clear is each map?")
    assert {"Map 1", "Map 2", "2.0 (1.5 – 2.7)", "4.6 (4.0 – 4.9)"} <= set(clear)
    assert "Map 2 was rated highest so far: 4.6 of 5 by 8 people." in document.headline
    asked = next(one for one in document.sections[0].blocks if isinstance(one, Grid))
    assert asked.rows[1][0:2] == ["1", "1"]
    assert asked.rows[1][4:7] == ["1, 2", "8", "16"]
    assert any("the base" in text for text in section(document, "The model's error beside what people say"))
    pictures = [block for one in document.sections for block in one.blocks if isinstance(block, Picture)]
    assert len(pictures) == 3  # how clear, error beside it, what the maps look like
    assert all(one.png.startswith(b"\x89PNG") and one.svg.startswith(b"<svg") and one.alt for one in pictures)


def test_the_rules_and_when_they_were_fixed_are_told(told):
    with speaking("en"):
        one = told.state()
        answer = chapters.answer(one.pilot, one.facts, one.headline)
    said = list(of_blocks(answer.blocks))
    assert said[0] == one.headline
    assert "The rules cannot tell yet." in said
    assert any(text.startswith("Nobody has fixed these rules yet.") for text in said)
    assert said[said.index("People: at least") + 1] == "8"


def test_the_slides_are_ten_at_most_however_many_maps_there_are(place):
    told = Told(place)
    sides = [(), ("level-scale-slope",), ("differenced",), ("level-scale-slope", "differenced")]
    kept = [told.map(0.2 + 0.1 * i, encoder=EncoderSpec(side=side)) for i, side in enumerate(sides)]
    kept += [told.map(0.6 + 0.1 * i, encoder=EncoderSpec(channel=name)) for i, name in enumerate(("ramp", "wave"))]
    told.ask(*[(view, LOW) for view in kept])
    document = for_the_meeting(told)
    assert len(_slides(slides.pptx(document))) <= 10
    changes = section(document, "What was changed, and what came of it")
    assert "Map 6" in changes
    assert "1 more is in the report." in changes
    assert "Map 1" not in changes  # the oldest


def test_a_pilot_that_nobody_was_asked_about_says_so_in_every_form(place):
    told = Told(place)
    told.map(None, encoder=EncoderSpec("raw"))
    document = appendix(told, "ja")
    assert word("ja", "Nobody has been asked yet.") in section(document, word("ja", "What was asked"))
    assert word("ja", "Nothing has been decided yet.") in section(document, word("ja", "The answer"))
    assert all(form(document) for form in (book.pdf, webpage.html, slides.pptx))


def test_a_model_whose_folder_is_gone_keeps_its_place_in_the_report(place, tmp_path):
    told = Told(place)
    before, after = told.map(0.5), told.map(0.3, encoder=trained(told, tmp_path))
    told.ask((before, LOW), (after, HIGH))
    (Path(ViewSpec.from_json(after.spec).encoder.source) / WEIGHTS).unlink()
    assert "after training 1" in section(appendix(told), "The data, and how it was prepared")
    assert told.state().bundle()


def test_the_footer_tells_what_it_was_made_of(told):
    footer = for_the_meeting(told).footer
    fingerprint = told.state().found.fingerprint
    assert footer[0] == f"maps and answers {fingerprint[:12]}"
    assert footer[1] == f"last entry of the ledger {deciding.last_hash(told.pilot.id)[:12]}"
    told.ask((next(iter(told.state().found.views.values())), [3]), names="late")
    assert told.state().found.fingerprint != fingerprint


def test_a_file_is_made_in_the_readers_language_where_there_is_no_session(told):
    made = {}

    def make(language: str) -> None:
        with speaking(language):
            made[language] = told.state().page()

    for language in ("ja", "en"):
        thread = threading.Thread(target=make, args=(language,))
        thread.start()
        thread.join()
        [page] = pypdfium2.PdfDocument(made[language])
        assert word(language, "What do the rules say?") in page.get_textpage().get_text_bounded().replace("\r\n", "")


def test_the_evidence_offers_every_form(anyone, place):
    trial = Trial(place)
    trial.ask((trial.map(0.5), HIGH))
    Trial.read(trial, anyone)
    assert anyone.errors() == []
    labels = [one.label for one in anyone.at.download_button]
    assert labels == [anyone.word(one) for one in (*BUTTONS, "Answers (CSV)", "Pilot file (TOML)")]


def test_nothing_is_offered_before_anybody_has_answered(place):
    trial = Trial(place)
    trial.map(0.5)
    reader = trial.read(Person(place, "en"))
    assert len(reader.at.download_button) == 0


def test_words_are_explained_once_each_and_in_whole_sentences():
    names = [one.name for one in glossary.WORDS]
    assert len(names) == len(set(names)) >= 12
    assert all(text.endswith(".") for one in glossary.WORDS for text in (one.meaning, one.not_that) if text)
