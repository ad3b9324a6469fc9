"""A pilot with a known truth: the analysis finds it, and each number of its report is computed again from the CSV."""

import ast
import html
import io
import itertools
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from scipy.special import ndtr

from core import book, findings_report, opinions, ranking, roi, rules, webpage
from core import slides as deck
from core.document import Bullets, Document, Grid, Paragraphs, Picture, Section, clean
from core.findings import Findings, evidence_of
from core.opinions import Range
from core.returns import read_answers
from feedback_db.pilots import Pilot
from pages.parts import causes, chapters, known, money, report, work
from pages.parts.known import Known
from pages.parts.taking import State, state
from pages.parts.text import speaking
from tests import recomputed, retold, truth
from tests.recomputed import tables
from tests.retold import Retold
from tests.truth import TRUTH, VAIN

AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
FEWEST_TICKS = 3
FEWEST_DIGITS = {"document": 1000, "slides": 300}
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
TEXT = re.compile(r"<text[^>]*>(?:<tspan>)?([^<]*)")
TICK, NO_SIGNS = re.compile(r"[-−\d.,]+( %)?"), str.maketrans("", "", ", %")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that all of these pilots share: the same maps are drawn once."""
    folder = tmp_path_factory.mktemp("truth")
    kept = (work.store, work._database, work.table_of, work.windows_of, work.ready_series, work.statistics_of)
    with pytest.MonkeyPatch.context() as here:
        here.setenv("PILOT_DATA", str(folder))
        here.delenv("PILOT_DATABASE_URL", raising=False)
        for one in kept:
            one.cache_clear()
        yield folder
        work.database().close()
        for one in kept:
            one.cache_clear()


@pytest.fixture(scope="module")
def pilot(installation: Path) -> Pilot:  # noqa: ARG001
    return truth.made()


@pytest.fixture(scope="module")
def vain(pilot: Pilot) -> Pilot:  # noqa: ARG001 — the maps are drawn then
    """The same maps, which are no use to anybody."""
    return truth.made(VAIN)


@pytest.fixture(scope="module")
def found(pilot: Pilot) -> Known:
    return known.of_pilot(pilot.id)


def numbered(found: Known, by_view: Mapping[str, Any]) -> dict[int, Any]:
    return {found.views[id_].number: one for id_, one in by_view.items()}


# --- the truth


def test_ratings_and_pairs_put_maps_in_the_order_that_people_feel(found):
    felt = sorted(TRUTH.feeling, key=TRUTH.feeling.__getitem__)
    rated = numbered(found, found.opinions)
    assert sorted(rated, key=lambda number: rated[number].understandability.value) == felt
    wins = numbered(found, ranking.ranking(found.answers).wins)
    assert list(wins) == felt[::-1]


def reaches(one: Range, true: float) -> bool:
    """Within twice the range: one of 95 % would miss one truth in twenty, and another seed would fail."""
    return one.value + 2 * (one.low - one.value) < true < one.value + 2 * (one.high - one.value)


def test_the_range_of_each_map_reaches_what_people_feel_about_it(found):
    edges, spread = np.array([1.5, 2.5, 3.5, 4.5]), np.hypot(TRUTH.lenient, TRUTH.moment)
    for number, one in numbered(found, found.opinions).items():
        true = 1 + ndtr((TRUTH.feeling[number] - edges) / spread).sum()
        assert reaches(one.understandability, true)


def test_with_a_map_people_are_right_more_often_and_quicker_by_what_was_planted(found):
    helped = opinions.with_and_without(found.answers)
    gain, ratio = helped.accuracy.size, helped.seconds.size
    assert gain.value > 0
    assert reaches(gain, TRUTH.right[True] - TRUTH.right[False])
    assert ratio.high < 1
    assert reaches(ratio, TRUTH.faster)


def test_who_sees_noise_and_who_fails_the_check_are_named_and_nobody_else(found):
    checked = opinions.checks(found.answers)
    assert (checked.n_checked, checked.failed) == (10, (TRUTH.fails_check,))
    assert (checked.n_saw_noise, checked.noise_seers) == (10, (TRUTH.sees_noise,))


def test_i_cannot_tell_is_counted_where_it_was_said(found):
    told = {number: one.n_cannot_tell for number, one in numbered(found, found.opinions).items()}
    assert told == {1: 1, 2: 0, 3: 0, truth.OWN: 0}


def test_the_rules_say_go_where_a_map_helps_and_stop_where_none_does(found, vain):
    assert rules.judge(known.facts(found), truth.RULES).verdict == "go"
    assert rules.judge(known.facts(known.of_pilot(vain.id)), truth.RULES).verdict == "stop"


# --- without the database


@pytest.fixture(scope="module")
def alone(pilot: Pilot, vain: Pilot, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Findings]:
    """The evidence of each pilot, from its exported file alone."""
    made = {}
    for one in (pilot, vain):
        file = tmp_path_factory.mktemp("taken") / "data.zip"
        with speaking("en"):
            file.write_bytes(state(one.id, AT).bundle())
        made[one.id] = evidence_of(read_answers(file))
    return made


def test_the_exported_file_gives_every_figure_that_the_screens_compute(pilot, found, alone):
    again, heard = alone[pilot.id], chapters.everybody(found)
    names = {number: found.views[id_].number for number, id_ in zip(again.returned.maps, found.views, strict=True)}
    assert {names[number]: one for number, one in again.opinions.items()} == numbered(found, found.opinions)
    losses = {number: one for number, (one, _errors) in numbered(found, found.losses).items()}
    assert {names[number]: one for number, (one, _errors) in again.losses.items()} == losses
    assert again.helped == opinions.with_and_without(found.answers)
    assert again.facts == known.facts(found)
    ranked = ranking.ranking(found.answers)
    assert {names[number]: one for number, one in again.pairs.wins.items()} == numbered(found, ranked.wins)
    assert (again.pairs.first, again.pairs.circular) == (ranked.first, ranked.circular)
    with speaking("en"):
        assert again.aligned == causes.alignment_of(heard.answers, causes.numbers_of(heard)[0])


def test_the_exported_file_tells_go_where_a_map_helps_and_nothing_beyond_chance_where_none_does(pilot, vain, alone):
    assert alone[pilot.id].judged.verdict == "go"
    none = alone[vain.id]
    assert none.judged.verdict == "stop"
    assert not none.best.is_clearest
    assert none.pairs.winner is None
    assert "No map is found clearer than all others beyond chance." in words_of(findings_report.report(none, "en"))


def words_of(document: Document) -> str:
    return " ".join(line for one in document.sections for block in one.blocks for line in getattr(block, "lines", []))


def test_money_comes_to_what_it_comes_to_in_the_head(pilot, found):
    """At 3,600 an hour, each second of the people who rate costs 1, and each hour of the lead 3,600."""
    inputs = money.inputs(pilot, found.answers)
    told, of_people = roi.reckon(inputs, seed=1), roi.rating_seconds(found.answers)
    low, likely, high = (truth.ONCE + 3600 * hours + of_people for hours in truth.LEAD_HOURS)
    assert low < told.once.low < told.once.median < told.once.high < high
    assert told.once.median == pytest.approx((low + 4 * likely + high) / 6, rel=0.002)  # the mean of a PERT range
    assert {told.monthly_cost.low, told.monthly_cost.median, told.monthly_cost.high} == {truth.MONTHLY}
    [lead] = [one for one in roi.tornado(inputs) if one.name == "lead_hours"]
    assert lead.width == pytest.approx(3600 * (truth.LEAD_HOURS[2] - truth.LEAD_HOURS[0]))


# --- every number


@dataclass(frozen=True)
class Reported:
    """All that a pilot hands out, and what it must say."""

    state: State
    document: Document
    slides: Document
    archive: bytes
    must: Retold


def taken(pilot: Pilot) -> tuple[State, Document, Document]:
    here = state(pilot.id, AT)
    words = here.pilot, here.found, here.facts, here.headline, AT
    return here, report.appendix(*words), report.slides(*words)


@pytest.fixture(scope="module")
def reported(pilot: Pilot) -> Reported:
    with speaking("en"):
        here, document, slides = taken(pilot)
        archive = here.bundle()
        constant = chapters.methods(), chapters.words()  # in which nothing is of this pilot
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        must = retold.retold(tables(archive), json.loads(zipped.read("manifest.json")))
    must.say("constant", *(shown(one.text) for section in constant for one in said(section, must) if one.text))
    return Reported(here, document, slides, archive, must)


@dataclass(frozen=True)
class Said:
    """A text of a report, and what it has to be where a second reckoning has just that text."""

    where: str
    text: str
    must_be: str = ""  # else its numbers have to stand in sentences


def said(section: Section, must: Retold) -> Iterator[Said]:
    where = section.heading
    yield Said(where, section.heading)
    for block in section.blocks:
        if isinstance(block, Paragraphs | Bullets):
            yield from (Said(f"{where}, a line", line) for line in block.lines)
        else:
            yield Said(f"{where}, a caption", block.caption)
        if isinstance(block, Picture):
            yield Said(f"{where}, of a picture", block.alt)
        elif isinstance(block, Grid):
            yield from cells(where, block, must)


def cells(where: str, grid: Grid, must: Retold) -> Iterator[Said]:
    heads, *rows = [[shown(cell) for cell in row] for row in grid.rows]
    known_rows = must.grids.get((where, heads[0]), {})
    known_heads = {heads[0], *(head for row in known_rows.values() for head in row)}
    yield from (Said(f"{where}, a head", head, head if head in known_heads else "") for head in heads)
    for name, *others in rows:
        yield Said(f"{where}, the first cell of a row", name, name if name in known_rows else "")
        for head, cell in zip(heads[1:], others, strict=True):
            yield Said(f"{where}, {name}, {head}", cell, known_rows.get(name, {}).get(head, ""))


def all_said(document: Document, must: Retold) -> Iterator[Said]:
    yield Said("the title", document.title)
    yield Said("the headline", document.headline)
    yield from (Said("below the title", one) for one in document.facts)
    yield from (Said("the footer", one) for one in document.footer)
    for section in document.sections:
        yield from said(section, must)


def shown(text: str) -> str:
    return clean(text).replace("\u00a0", " ")


def is_told(one: Said, must: Retold) -> bool:
    """Whether each of its digits was computed again: the text is as it must be, or made of sentences that must be."""
    text = shown(one.text)
    if one.must_be:
        return text == one.must_be
    at = {i for i, letter in enumerate(text) if letter.isdigit()}
    for sentence in itertools.chain(*must.sentences.values()) if at else ():
        start = text.find(sentence)
        if start >= 0:
            at -= set(range(start, start + len(sentence)))
    return not at


def on_picture(svg: str, labels: Sequence[str]) -> list[str]:
    """What is drawn otherwise: a text with a digit is one of the labels, or belongs to an axis."""
    texts = [html.unescape(one) for one in TEXT.findall(svg)]
    left = Counter(one for one in texts if re.search(r"\d", one))
    missing = Counter(labels) - left
    left -= Counter(labels)
    ticks = [one for one in left.elements() if TICK.fullmatch(one)]
    return [*missing, *(one for one in left if not TICK.fullmatch(one)), *uneven(ticks)]


def uneven(ticks: Sequence[str]) -> list[str]:
    """Those that belong to no axis, which has equal steps, as many digits at each, and a few of them at least."""
    axes: list[list[str]] = []
    for one in ticks:
        last = axes[-1] if axes else []
        steps = np.diff([float(tick.replace("−", "-").translate(NO_SIGNS)) for tick in [*last, one]])
        if last and steps[0] > 0 and np.allclose(steps, steps[0], rtol=1e-9) and decimals(one) == decimals(last[0]):
            last.append(one)
        else:
            axes.append([one])
    return [f"{axis}" for axis in axes if len(axis) < FEWEST_TICKS]


def decimals(tick: str) -> int:
    return len(tick.partition(".")[2])


def pictures(document: Document) -> list[Picture]:
    return [one for section in document.sections for one in section.blocks if isinstance(one, Picture)]


def untold(document: Document, must: Retold) -> list[str]:
    """Where a number stands that the second reckoning does not have just there, and what it says."""
    found = [f"{one.where}: {one.text}" for one in all_said(document, must) if not is_told(one, must)]
    for one in pictures(document):
        found += [f"{one.alt}: {text}" for text in on_picture(one.svg.decode(), must.labels[one.alt])]
    return found


@pytest.mark.parametrize("which", ["document", "slides"])
def test_each_number_of_a_report_is_computed_again_from_the_exported_csv(reported, which):
    assert untold(getattr(reported, which), reported.must) == []


def changed(text: str) -> Iterator[str]:
    """With each digit another one, one at a time."""
    for at, letter in enumerate(text):
        if letter.isdecimal():
            yield text[:at] + str((int(letter) + 1) % 10) + text[at + 1 :]


@pytest.mark.parametrize("which", ["document", "slides"])
def test_a_report_with_any_digit_changed_is_found_out(reported, which):
    document, must = getattr(reported, which), reported.must
    told = [one for one in all_said(document, must) if is_told(one, must)]
    for one in told:
        kept = [text for text in changed(one.text) if is_told(replace(one, text=text), must)]
        assert kept == [], one.where
    assert sum(len(list(changed(one.text))) for one in told) > FEWEST_DIGITS[which]


def test_a_label_on_a_picture_with_any_digit_changed_is_found_out(reported):
    for one in pictures(reported.document):
        svg, labels = one.svg.decode(), reported.must.labels[one.alt]
        assert on_picture(svg, labels) == []
        for match in TEXT.finditer(svg):
            for text in changed(match[1]):
                assert on_picture(svg[: match.start(1)] + text + svg[match.end(1) :], labels), match[1]


def test_the_one_page_has_the_same_numbers_and_no_others(reported):
    with speaking("en"):
        file = reported.state.page()
    [page] = pypdfium2.PdfDocument(file)
    told = Counter(NUMBER.findall(page.get_textpage().get_text_bounded()))
    must = [*reported.must.on_one_page, "understandability (1–5)", "Ranges in brackets: 95 %.", "1 / 1"]
    assert told == Counter(number for text in must for number in NUMBER.findall(text))


def numbers_in(section: Section, must: Retold) -> Counter[str]:
    return Counter(number for one in said(section, must) for number in NUMBER.findall(shown(one.text)))


def test_the_report_in_japanese_has_each_number_of_the_one_in_english(pilot, reported):
    with speaking("ja"):
        document = taken(pilot)[1]
    both = zip(reported.document.sections, document.sections, strict=True)
    lost = {ja.heading: numbers_in(en, reported.must) - numbers_in(ja, reported.must) for en, ja in both}
    assert {heading: numbers for heading, numbers in lost.items() if numbers} == {}
    assert (document.facts[-1], document.headline) != (reported.document.facts[-1], reported.document.headline)


def test_the_second_reckoning_imports_nothing_of_the_product():
    for module in (recomputed, retold):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {name.split(".")[0] for name in names} & {"core", "pages", "feedback_db"}


# --- twice


def test_the_same_report_made_twice_is_the_same_bytes(pilot, reported):
    with speaking("en"):
        again, document, slides_again = taken(pilot)
        assert again.bundle() == reported.archive
    assert [one.heading for one in document.sections if one not in reported.document.sections] == []
    assert (document, slides_again) == (reported.document, reported.slides)
    for made in (book.pdf, webpage.html):
        assert made(document) == made(reported.document)
    assert deck.pptx(slides_again) == deck.pptx(reported.slides)
