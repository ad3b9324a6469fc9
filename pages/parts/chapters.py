"""What the report says, chapter by chapter: the same words and numbers as on the screens, for paper."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core import alignment, map_charts, opinions, pictures, roi, selections
from core.answers import named
from core.charts import Chart
from core.document import Block, Bullets, Grid, Paragraphs, Picture, Section
from core.errors import UserError
from core.map_charts import Colouring, Map
from core.notices import Notice
from core.rules import Facts
from core.studies import FACTORS, levels
from core.views import find
from feedback_db import datasets, studies
from feedback_db.pilots import Pilot
from feedback_db.studies import Study
from pages.parts import beside, causes, deciding, money, placed, reading, register, rounds, voices, who
from pages.parts.glossary import METHODS, WORDS
from pages.parts.known import Known
from pages.parts.page import HASH, HEIGHT, WIDTH
from pages.parts.reading import Heard
from pages.parts.text import _, bare, listed, moment_of, together
from pages.parts.work import database, store, windows_of

ROW = 60  # of a picture with a row a map
BARS = 400  # across, beside which their names stand
ACROSS, SIDE, MOST_MAPS = 4, 180, 12  # maps on a sheet
MOST_POINTS = 6000  # on a sheet
MOST_LABELS = 12  # that colours can tell apart
NOBODY = np.array([], np.int64)  # is picked


def picture_of(chart: Chart, alt: str, caption: str = "") -> Picture:
    """Args: chart: with a width and a height of its own."""
    return Picture(pictures.drawn(chart, "png"), pictures.drawn(chart, "svg"), alt, caption)


def grid_of(rows: Sequence[Mapping[str, object]], caption: str = "") -> Grid:
    """Of rows that all have the same heads."""
    heads = list(rows[0]) if rows else []
    return Grid([heads, *([str(row[head]) for head in heads] for row in rows)], caption)


def everybody(found: Known) -> Heard:
    """All the pilot's answers, its maps by their names."""
    names = {id_: found.name(id_) for id_ in found.views}
    return Heard(named(found.answers, names), (), {names[id_]: one for id_, one in found.views.items()})


# --- the question and the answer


def asked(pilot: Pilot, found: Known) -> Section:
    with database().session(who.here()) as db:
        kept = studies.of_pilot(db, pilot.id)[::-1]
        of_study = [{one.id for one in studies.items(db, study.id)} for study in kept]
    rows = []
    for number, (one, items) in enumerate(zip(kept, of_study, strict=True), start=1):
        given = [answer for answer in found.answers if answer.item in items]
        rows.append(
            {
                _("study"): number,
                _("round"): one.round,
                _("opened"): moment_of(one.opened_at),
                _("ended"): _("still open") if one.closed_at is None else moment_of(one.closed_at),
                _("maps"): listed(str(found.views[id_].number) for id_ in one.view_ids),
                _("people"): len({answer.rater for answer in given}),
                _("answers"): len(given),
                _("items for each person, at most"): most_items(one) or "–",
            }
        )
    studied = grid_of(rows) if rows else Paragraphs([_("Nobody has been asked yet.")])
    return Section(_("What was asked"), [Paragraphs([pilot.question]), studied])


def most_items(study: Study) -> int | None:
    """Of a sitting; None for a study of before designs were kept."""
    n_items: int | None = study.design.get("design", {}).get("n_items")
    return n_items


def answer(pilot: Pilot, facts: Facts, headline: str) -> Section:
    signed = deciding.decided(pilot.id)
    blocks: list[Block] = [
        Paragraphs([headline]),
        Bullets(deciding.judged(pilot.id, facts)),
        Grid(deciding.asked_for(pilot.id), _("What the rules ask for")),
        Paragraphs(signed or [_("Nothing has been decided yet.")]),
    ]
    settled = deciding.entries(pilot.id)
    if settled:
        blocks.append(grid_of(settled, _("What was settled, and when")))
    return Section(_("The answer"), blocks)


def next_steps(pilot: Pilot, facts: Facts) -> Section:
    steps = deciding.next_steps(pilot.id, facts)
    return Section(_("What could come next"), [Bullets(steps or [_("The rules propose nothing.")])])


# --- the maps


def maps(found: Known) -> Section:
    """Every map in numbers."""
    rated = {found.name(id_): one for id_, one in found.opinions.items() if id_ in found.views}
    blocks: list[Block] = []
    if rated:
        chart = reading.clarity(rated).properties(width=WIDTH, height=ROW * len(rated))
        alt = _("Mean understandability of each map, with its range of uncertainty")
        blocks.append(picture_of(chart, alt, _("Understandability, with its range of uncertainty")))
        blocks.append(grid_of([reading.row(name, one) for name, one in rated.items()], reading.how_ranged()))
    else:
        blocks.append(Paragraphs([_("Nobody has rated a map yet.")]))
    return Section(_("How clear is each map?"), blocks)


def error_beside(found: Known) -> Section:
    base = beside.base_of(found)
    blocks: list[Block] = []
    if base is not None:
        blocks += [picture_beside(found, base), Paragraphs([beside.goes_along(found, bare)])]
    blocks.append(grid_of(beside.rows(found), beside.how_ranged()))
    if why := beside.why_not(found, bare):
        blocks.append(Bullets(why))
    return Section(_("The model's error beside what people say"), blocks)


def picture_beside(found: Known, base: str) -> Picture:
    chart = beside.chart(found, base).properties(width=WIDTH, height=HEIGHT)
    alt = _("Reconstruction error against understandability, one point a map")
    return picture_of(chart, alt, together(*beside.how_to_read(found, base)))


def looks(found: Known) -> Section | None:
    """The newest maps themselves, small; None where none is kept as it was drawn."""
    views = {id_: view for id_, one in found.views.items() if (view := find(one.fingerprint, store())) is not None}
    shown = list(views)[-MOST_MAPS:]
    if not shown:
        return None
    labels = {id_: of_view for id_ in shown if (of_view := _labels(found, id_)) is not None}
    n_labels = len({name for of_view in labels.values() for name in of_view})
    by_label = len(labels) == len(shown) and n_labels <= MOST_LABELS
    drawn: dict[str, Map] = {}
    for id_ in shown:
        xy = views[id_].xy
        ids = selections.thin(len(xy), MOST_POINTS // len(shown))
        of_points = labels[id_][ids] if by_label else ids / max(1, len(xy) - 1)
        colouring = Colouring(_("label") if by_label else _("place in the recording: 0 first, 1 last"), of_points)
        drawn[found.name(id_)] = Map(xy[ids], colouring, NOBODY, selections.frame_of(xy), size=14)
    chart = map_charts.sheet(drawn, min(ACROSS, len(drawn)), SIDE)
    words = _("Each point is a stretch of the recording; stretches that look alike to the model lie together.")
    return Section(_("What the maps look like"), [picture_of(chart, _("The kept maps, small"), words)])


def _labels(found: Known, id_: str) -> NDArray[np.str_] | None:
    """Of each stretch; None where nobody gave any, or the series are no longer kept."""
    spec = found.specs[id_]
    try:
        return windows_of(spec.sources, spec.recipe).label
    except UserError:
        return None


# --- what was tried, and what people say


def tried(found: Known) -> Section:
    return Section(_("What was changed, and what came of it"), rounds.told(found))


def helped(found: Known) -> Section:
    adds = opinions.with_and_without(found.answers)
    blocks: list[Block] = [Paragraphs(reading.helped(adds))]
    if adds.accuracy.size.value is not None:
        blocks.append(Bullets(reading.how_helped(adds)))
    return Section(_("Does a map help?"), blocks)


def trusted(found: Known) -> Section:
    """How far people agree, and how many failed checks; no names."""
    answers = found.answers
    rows = voices.in_numbers(voices.agreement_of(answers), opinions.checks(answers).consistency)
    blocks: list[Block] = [Bullets(voices.told(answers, answers, _on_paper))]
    blocks.append(
        Grid(
            [[_("measure"), _("value (range of uncertainty)")], *rows],
            together(*voices.on_numbers(voices.agreement_of(answers))),
        )
    )
    return Section(_("Can these answers be trusted?"), blocks)


def _on_paper(one: Notice) -> str:
    return causes.told(one, bare)


def in_pairs(found: Known) -> Section | None:
    """Which map is clearer where two were compared; None where nobody was asked that."""
    heard = everybody(found)
    if not any(one.kind == "pair" for one in heard.answers):
        return None
    ranked = causes.ranking_of(heard.answers)
    blocks: list[Block] = [Paragraphs([*map(_on_paper, ranked.notices), causes.compared(ranked)])]
    if ranked.wins:
        chart = causes.wins(ranked).properties(width=WIDTH, height=ROW * len(ranked.wins))
        blocks.append(picture_of(chart, _("How often each map is found clearer than another one")))
    return Section(_("Which of two maps is clearer?"), blocks)


def agreeing(found: Known) -> Section | None:
    """Which of the computer's numbers goes along with people; None where none is computed."""
    heard = everybody(found)
    numbers, _missing = causes.numbers_of(heard)
    if not numbers:
        return None
    aligned = causes.alignment_of(heard.answers, numbers)
    blocks: list[Block] = [Bullets([causes.in_words(one, bare) for one in alignment.told(aligned)])]
    blocks.append(grid_of([causes.row(name, one, bare) for name, one in aligned.items()], causes.how_aligned()))
    return Section(_("Which number agrees with people?"), blocks)


# --- what it costs


def costs(pilot: Pilot, found: Known) -> Section:
    inputs = money.inputs(pilot, found.answers)
    blocks: list[Block] = [Paragraphs(money.told(pilot, found.answers))]
    if roi.lacking(inputs) is None:
        blocks.append(Grid(money.results(roi.reckon(inputs, money.SEED), pilot.currency, str)))
        blocks += picture_of_costs(inputs, pilot.currency)
    if even := even_of(inputs):
        blocks.append(Paragraphs(even))
    if inputs:
        blocks.append(grid_of(money.behind(inputs, pilot.currency, str), _("The numbers behind it")))
    return Section(_("What does it cost, what does it save?"), blocks)


def even_of(inputs: money.Inputs) -> list[str]:
    """What the map must save to pay for itself; what is bold on the screen is not here."""
    return [words.replace("**", "") for words in money.break_even(inputs)]


def picture_of_costs(inputs: money.Inputs, currency: str) -> list[Picture]:
    """What decides it; nothing where nothing is open."""
    chart = money.tornado(inputs, currency)
    if chart is None:
        return []
    words = _("One number at a time is put to its lowest and to its highest, all others are as is most likely.")
    return [picture_of(chart.properties(width=BARS), _("What is left over, by each number"), words)]


# --- what it is made of


def misread(pilot: Pilot, found: Known, facts: Facts) -> Section:
    return Section(_("What could be read wrongly"), register.told(pilot, found, facts))


def after(pilot: Pilot, found: Known) -> Section:
    return Section(_("After the pilot: does the map still fit?"), placed.told(pilot, found))


def data(pilot: Pilot, found: Known) -> Section:
    return Section(_("The data, and how it was prepared"), [*_files(pilot), *_made(found)])


def _files(pilot: Pilot) -> list[Block]:
    with database().session(who.here()) as db:
        files = datasets.of_pilot(db, pilot.id)
    rows = [
        {
            _("file"): one.file_name,
            _("rows"): f"{one.n_rows:,}",
            _("channels"): one.n_channels,
            _("series"): one.n_series,
            _("uploaded"): moment_of(one.created_at),
            _("fingerprint"): one.sha256[:HASH],
        }
        for one in files
    ]
    return [grid_of(rows, _("The files"))] if rows else []


def _made(found: Known) -> list[Block]:
    """What each map is made of; each preparation in words once."""
    codes = levels(found.specs)
    words = {
        id_: {part: " · ".join(rounds.worded(found, part, spec)) for part in FACTORS}
        for id_, spec in found.specs.items()
    }
    made = [
        {
            _("map"): found.name(id_),
            _("stretches"): f"{one.n_windows:,}",
            _(FACTORS["preparation"]): codes[id_]["preparation"],
            _(FACTORS["model"]): words[id_]["model"],
            _(FACTORS["drawing"]): words[id_]["drawing"],
            _("fingerprint"): one.fingerprint[:HASH],
        }
        for id_, one in found.views.items()
    ]
    prepared = {codes[id_]["preparation"]: words[id_]["preparation"] for id_ in found.views}
    each = Bullets([f"{_(FACTORS['preparation'])} {code}: {told}" for code, told in prepared.items()])
    return [grid_of(made, _("What each map is made of")), each]


def methods() -> Section:
    said = [_(words).format(draws=f"{roi.DRAWS:,}") for words in METHODS]
    return Section(_("How the numbers are made"), [Bullets(said)])


def words() -> Section:
    rows = [[_("word"), _("what it means"), _("what it does not mean")]]
    rows += [[_(one.name), _(one.meaning), _(one.not_that) if one.not_that else "–"] for one in WORDS]
    return Section(_("Words for the meeting"), [Grid(rows)])
