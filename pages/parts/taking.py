"""Files to take along. Each is made when somebody presses its button, of what the database holds then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from core import book, slides, webpage
from core.rules import Facts
from feedback_db import pilots, ratings
from feedback_db.pilots import Pilot
from pages.parts import bundle, export, known, page, planned, report, who
from pages.parts.known import Known
from pages.parts.summary import sentence, sum_up
from pages.parts.text import _
from pages.parts.work import database

POWERPOINT = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


@dataclass(frozen=True, slots=True)
class State:
    """All that a file is made of, at one moment."""

    pilot: Pilot
    found: Known
    facts: Facts
    headline: str
    at: datetime

    def page(self) -> bytes:
        return page.pdf(self.pilot, self.found, self.facts, self.headline, self.at)

    def book(self) -> bytes:
        return book.pdf(report.appendix(self.pilot, self.found, self.facts, self.headline, self.at))

    def slides(self) -> bytes:
        return slides.pptx(report.slides(self.pilot, self.found, self.facts, self.headline, self.at))

    def webpage(self) -> bytes:
        return webpage.html(report.appendix(self.pilot, self.found, self.facts, self.headline, self.at))

    def bundle(self) -> bytes:
        return bundle.made(self.pilot, self.found, self.at)


def state(pilot_id: str, at: datetime) -> State:
    found = known.of_pilot(pilot_id)
    with database().session(who.here()) as db:
        pilot, given = pilots.get(db, pilot_id), ratings.of_pilot(db, pilot_id)
    if pilot is None:
        raise LookupError(pilot_id)
    return State(pilot, found, known.facts(found), sentence(sum_up(list(found.views.values()), given)), at)


def row(pilot_id: str, found: Known) -> None:
    """A button for each form."""
    st.markdown(f"#### {_('Take along')}")
    with st.container(horizontal=True):
        _button(pilot_id, _("One page (PDF)"), State.page, ("evidence.pdf", "application/pdf"))
        _button(pilot_id, _("Full report (PDF)"), State.book, ("pilot-report.pdf", "application/pdf"))
        _button(pilot_id, _("Slides (PowerPoint)"), State.slides, ("pilot-slides.pptx", POWERPOINT))
        _button(pilot_id, _("Web page (HTML)"), State.webpage, ("pilot-report.html", "text/html"))
        _button(pilot_id, _("All data (ZIP)"), State.bundle, ("pilot-data.zip", "application/zip"))
        st.download_button(
            _("Answers (CSV)"),
            export.answers(pilot_id, list(found.views.values())),
            "answers.csv",
            "text/csv",
            icon=":material/download:",
        )
        planned.button(pilot_id)
    st.caption(_("Each file is made when you press its button; the full report takes a few seconds."))


def _button(pilot_id: str, words: str, make: Callable[[State], bytes], file: tuple[str, str]) -> None:
    made = who.when_pressed(lambda: make(state(pilot_id, datetime.now().astimezone())))
    is_first = make is State.page
    st.download_button(words, made, *file, on_click="ignore", type="primary" if is_first else "secondary")
