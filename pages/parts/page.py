"""The evidence on one page, for a manager to print."""

from datetime import datetime

from core import paper, pictures
from core.paper import Paper
from core.rules import Facts
from core.tellings import ranged
from feedback_db.pilots import Pilot
from pages.parts import beside, deciding, money
from pages.parts.known import Known
from pages.parts.text import _, moment_of

WIDTH, HEIGHT = 640, 340  # of the chart, pixels: few enough that its letters are as large as the text around it
HASH = 12  # digits of a fingerprint


def pdf(pilot: Pilot, found: Known, facts: Facts, headline: str, at: datetime) -> bytes:
    base = beside.base_of(found)
    chart = None if base is None else beside.chart(found, base).properties(width=WIDTH, height=HEIGHT)
    decided, last_hash = deciding.told(pilot.id, facts)
    words = Paper(
        title=pilot.question,
        facts=about(pilot),
        headline=headline,
        picture=None if chart is None else pictures.drawn(chart, "png"),
        picture_caption="" if base is None else beside.about(found, base),
        table=[_heads(), *(_row(found, id_) for id_ in found.views)],
        sections=[
            (_("What does it cost, what does it save?"), money.told(pilot, list(found.answers))),
            (_("What do the rules say?"), decided),
        ],
        footer=[*made_of(found, last_hash, at), _("Ranges in brackets: 95 %.")],
    )
    return paper.pdf(words)


def about(pilot: Pilot) -> list[str]:
    """The one line below a title."""
    decision = [] if pilot.decision_on is None else [pilot.decision_on.strftime("%Y/%m/%d")]
    return [
        *([pilot.team] if pilot.team else []),
        _("Round {n}").format(n=pilot.round),
        *(_("decision on {date}").format(date=date) for date in decision),
    ]


def _heads() -> list[str]:
    return [
        _("map"),
        _("reconstruction error"),
        _("understandability (1–5)"),
        _("quick quiz: right"),
        _("people"),
    ]


def _row(found: Known, id_: str) -> list[str]:
    opinion, lost = found.opinions.get(id_), found.losses.get(id_)
    return [
        found.name(id_),
        "–" if lost is None else ranged(beside.loss_range(lost[0]), ".3f"),
        "–" if opinion is None else ranged(opinion.understandability, ".1f"),
        "–" if opinion is None or opinion.accuracy.value is None else ranged(opinion.accuracy, ".0%"),
        "0" if opinion is None else str(opinion.understandability.n_raters),
    ]


def made_of(found: Known, last_hash: str | None, at: datetime) -> list[str]:
    """So that two papers can be told to be of the same data."""
    return [
        _("maps and answers {fingerprint}").format(fingerprint=found.fingerprint[:HASH]),
        *([_("last entry of the ledger {hash}").format(hash=last_hash[:HASH])] if last_hash else []),
        _("made {at}").format(at=moment_of(at)),
    ]
