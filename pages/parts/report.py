"""The report: everything a pilot knows in one document, and the few slides of it for the steering meeting."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from core import opinions, roi
from core.document import Block, Bullets, Document, Grid, Paragraphs, Section
from core.rules import Facts
from feedback_db.pilots import Pilot
from pages.parts import beside, bundle, chapters, deciding, money, page, reading, register, rounds
from pages.parts.known import Known
from pages.parts.text import _, language, ngettext

MOST_ROWS = 5  # of a table on a slide


def appendix(pilot: Pilot, found: Known, facts: Facts, headline: str, at: datetime) -> Document:
    """All of it. With another `at`, only the moment in the footer differs."""
    sections = [
        chapters.asked(pilot, found),
        chapters.answer(pilot, facts, headline),
        chapters.maps(found),
        chapters.error_beside(found),
        chapters.looks(found),
        chapters.tried(found),
        chapters.helped(found),
        chapters.trusted(found),
        chapters.in_pairs(found),
        chapters.agreeing(found),
        chapters.costs(pilot, found),
        chapters.misread(pilot, found, facts),
        chapters.after(pilot, found),
        chapters.next_steps(pilot, facts),
        chapters.data(pilot, found),
        chapters.methods(),
        chapters.words(),
    ]
    return Document(
        title=pilot.question,
        facts=page.about(pilot),
        headline=headline,
        sections=[one for one in sections if one is not None],
        footer=[*_footer(pilot, found, at), *(f"{name} {version}" for name, version in bundle.versions().items())],
        language=language(),
    )


def slides(pilot: Pilot, found: Known, facts: Facts, headline: str, at: datetime) -> Document:
    """What the steering meeting needs."""
    return Document(
        title=pilot.question,
        facts=page.about(pilot),
        headline=headline,
        sections=list(_slides(pilot, found, facts)),
        footer=_footer(pilot, found, at),
        language=language(),
    )


def _slides(pilot: Pilot, found: Known, facts: Facts) -> Iterator[Section]:
    """Each fits on one."""
    yield Section(_("The answer"), [Bullets(deciding.judged(pilot.id, facts))])
    yield Section(_("How clear is each map?"), chapters.maps(found).blocks[:1])
    base = beside.base_of(found)
    if base is not None:
        yield Section(_("The model's error beside what people say"), [chapters.picture_beside(found, base)])
    yield Section(_("Does a map help?"), _help(found))
    yield Section(_("What was changed, and what came of it"), _changes(found))
    yield Section(_("What does it cost, what does it save?"), _costs(pilot, found))
    yield Section(_("What could be read wrongly"), _wrongly(pilot, found, facts))
    signed = deciding.decided(pilot.id)[-1:] or [_("Nothing has been decided yet.")]
    steps = deciding.next_steps(pilot.id, facts)
    yield Section(_("Decision and next steps"), [Paragraphs(signed), *([Bullets(steps)] if steps else [])])


def _help(found: Known) -> list[Block]:
    said = Bullets(reading.helped(opinions.with_and_without(found.answers)))
    rated = [reading.row(found.name(id_), one) for id_, one in found.opinions.items() if one.accuracy.value is not None]
    heads = [_("map"), _("quiz right"), _("by guessing"), _("seconds for the quiz")]
    return [said, *([_short(chapters.grid_of(rated), heads)] if rated else [])]


def _changes(found: Known) -> list[Block]:
    """The newest first."""
    heads = [_("map"), _("what was changed"), _("understandability (1–5)"), _("what came of it")]
    names, *rows = rounds.columns(found, heads)
    return [Paragraphs(rounds.counted(found)), _short(Grid([names, *reversed(rows)]), heads)]


def _costs(pilot: Pilot, found: Known) -> list[Block]:
    inputs = money.inputs(pilot, found.answers)
    blocks: list[Block] = [Bullets([*money.told(pilot, found.answers), *chapters.even_of(inputs)])]
    if roi.lacking(inputs) is None:
        blocks.append(Grid(money.results(roi.reckon(inputs, money.SEED), pilot.currency, str)))
    return blocks


def _wrongly(pilot: Pilot, found: Known, facts: Facts) -> list[Block]:
    heads = [_("what could be read wrongly"), _("how costly"), _("what guards against it")]
    return [_short(one, heads) if isinstance(one, Grid) else one for one in register.told(pilot, found, facts)]


def _short(grid: Grid, heads: Sequence[str]) -> Grid:
    """These columns of its first rows: the report has all."""
    names, *rows = grid.rows
    places = [names.index(head) for head in heads]
    left_out = len(rows) - MOST_ROWS
    more = ngettext("{n} more is in the report.", "{n} more are in the report.", left_out).format(n=left_out)
    some = [[row[i] for i in places] for row in rows[:MOST_ROWS]]
    return Grid([list(heads), *some], more if left_out > 0 else "")


def _footer(pilot: Pilot, found: Known, at: datetime) -> list[str]:
    return page.made_of(found, deciding.last_hash(pilot.id), at)
