"""The evidence on one page, for a manager to print."""

from dataclasses import replace
from datetime import datetime

import streamlit as st

from core import paper, pictures
from core.artifacts import fingerprint
from core.paper import Paper
from core.rules import Facts
from feedback_db.pilots import Pilot
from pages.parts import beside, deciding, money
from pages.parts.known import Known
from pages.parts.reading import ranged
from pages.parts.text import _, moment_of

WIDTH, HEIGHT = 760, 380  # of the chart, pixels


def button(pilot: Pilot, found: Known, facts: Facts, headline: str) -> None:
    """The page is set when somebody asks for it; its words are this reader's."""
    words, base = _words(pilot, found, facts, headline), beside.base_of(found)
    chart = None if base is None else beside.chart(found, base).properties(width=WIDTH, height=HEIGHT)

    def make() -> bytes:
        picture = None if chart is None else pictures.drawn(chart, "png")
        return paper.pdf(replace(words, picture=picture))

    st.download_button(
        _("One page (PDF)"),
        make,
        "evidence.pdf",
        "application/pdf",
        on_click="ignore",
        icon=":material/picture_as_pdf:",
    )


def _words(pilot: Pilot, found: Known, facts: Facts, headline: str) -> Paper:
    about = [pilot.team] if pilot.team else []
    about.append(_("Round {n}").format(n=pilot.round))
    if pilot.decision_on:
        about.append(_("decision on {date}").format(date=pilot.decision_on.strftime("%Y/%m/%d")))
    base = beside.base_of(found)
    decided, last_hash = deciding.told(pilot.id, facts)
    return Paper(
        title=pilot.question,
        facts=about,
        headline=headline,
        picture=None,
        picture_caption="" if base is None else beside.about(found, base),
        table=[_heads(), *(_row(found, id_) for id_ in found.views)],
        sections=[
            (_("What does it cost, what does it save?"), money.told(pilot, list(found.answers))),
            (_("What do the rules say?"), decided),
        ],
        footer=_footer(found, last_hash),
    )


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


def _footer(found: Known, last_hash: str | None) -> list[str]:
    """What the page was made of, so that two pages can be told to be of the same data."""
    content = fingerprint([one.fingerprint for one in found.views.values()], [repr(one) for one in found.answers])
    return [
        _("maps and answers {fingerprint}").format(fingerprint=content[:12]),
        *([_("last entry of the ledger {hash}").format(hash=last_hash[:12])] if last_hash else []),
        _("made {at}").format(at=moment_of(datetime.now().astimezone())),
        _("Ranges in brackets: 95 %."),
    ]
