"""Home: which pilot, and what next?"""

import streamlit as st
from babel.numbers import get_currency_name

from feedback_db import pilots, ratings, views
from feedback_db.pilots import Card
from pages.parts import examples, pilot, who
from pages.parts.guard import guard
from pages.parts.summary import sentence, sum_up
from pages.parts.text import _, language, ngettext, plain
from pages.parts.work import database, leads

# Of countries with many factories (ISO 4217); the first is proposed.
CURRENCIES = "JPY USD EUR GBP CHF CNY KRW TWD THB VND IDR MYR PHP INR MXN BRL PLN CZK HUF TRY".split()


def currency_name(code: str) -> str:
    return f"{code} {get_currency_name(code, locale=language())}"


def next_step(one: Card, *, is_lead: bool) -> tuple[str, str]:
    """The screen that comes next for a pilot, and what to do there."""
    if not is_lead:
        return "evidence.py", _("Read the evidence")
    if not one.n_datasets:
        return "data.py", _("Upload data")
    if not one.n_views:
        return "maps.py", _("Look at the map and keep it")
    if not one.n_studies:
        return "study.py", _("Ask people")
    return "evidence.py", _("Read the evidence")


def card(one: Card, *, first: bool, is_lead: bool) -> None:
    screen, label = next_step(one, is_lead=is_lead)
    with st.container(border=True):
        words, button = st.columns([3, 1], vertical_alignment="center")
        words.markdown(f"**{plain(one.pilot.question)}**")
        facts = [plain(one.pilot.team)] if one.pilot.team else []
        facts.append(_("Round {n}").format(n=one.pilot.round))
        if one.pilot.decision_on:
            facts.append(_("decision on {date}").format(date=one.pilot.decision_on.strftime("%Y/%m/%d")))
        facts += [
            ngettext("{n} map", "{n} maps", one.n_views).format(n=one.n_views),
            ngettext("{n} rating", "{n} ratings", one.n_ratings).format(n=one.n_ratings),
        ]
        words.caption(" · ".join(facts))
        if one.n_ratings:
            with database().session(who.here()) as db:
                summed = sum_up(views.of_pilot(db, one.pilot.id), ratings.of_pilot(db, one.pilot.id))
            words.markdown(sentence(summed))
        words.caption(_("Next: {step}").format(step=label))
        if button.button(
            _("Continue"), key=f"go-{one.pilot.id}", type="primary" if first else "secondary", width="stretch"
        ):
            pilot.choose(one.pilot.id, screen)


def new_pilot() -> None:
    with st.form("new", border=False):
        question = st.text_input(
            _("What do you want to find out?"),
            placeholder=_("For example: can our people see faults of press 3 on the map?"),
        )
        team = st.text_input(_("Who takes part?"), placeholder=_("For example: maintenance, line 3"))
        when, in_what, of_people, of_computers = st.columns(4, vertical_alignment="bottom")
        decision_on = when.date_input(_("When is the decision due?"), value=None, format="YYYY/MM/DD")
        currency = in_what.selectbox(_("Currency"), CURRENCIES, format_func=currency_name)
        wage = of_people.number_input(_("Cost of one working hour"), min_value=0.0, value=None, step=1.0, format="%g")
        machine = of_computers.number_input(
            _("Cost of one computer hour"), min_value=0.0, value=None, step=1.0, format="%g"
        )
        st.caption(_("Costs can wait: without them the evidence simply says nothing about money."))
        if st.form_submit_button(_("Start the pilot"), type="primary"):
            if not question.strip():
                st.error(_("Please write in one sentence what you want to find out."))
                return
            with database().session(who.here()) as db:
                made = pilots.create(
                    db,
                    question=question.strip(),
                    team=team.strip(),
                    decision_on=decision_on,
                    currency=currency,
                    wage_per_hour=wage,
                    machine_per_hour=machine,
                )
            pilot.choose(made.id, "data.py")


def example() -> None:
    """A pilot with generated data, so that somebody without a file sees everything."""
    with database().session(who.here()) as db:
        made = pilots.create(db, question=_("Can we see the faults of the press line on a map?"), team=_("Example"))
    examples.use(made.id)
    pilot.choose(made.id, "data.py")


with guard():
    st.title(_("Which pilot, and what next?"))
    st.markdown(
        _(
            "See your sensor waveforms as a map, ask your people how understandable it is, "
            "and decide on evidence whether it is worth going on."
        )
    )
    with database().session(who.here()) as db:
        every_pilot = pilots.cards(db)
    is_lead = leads()
    for one in every_pilot:
        card(one, first=one is every_pilot[0], is_lead=is_lead)
    if not is_lead:
        if not every_pilot:
            st.info(_("There is no pilot yet."), icon=":material/flag:")
        st.stop()
    if not every_pilot:
        st.info(
            _("There is no pilot yet. Start one below, or try the press-line example first."), icon=":material/flag:"
        )
    if st.button(
        _("Try the press-line example"), icon=":material/science:", type="secondary" if every_pilot else "primary"
    ):
        with st.spinner(_("Making the example data …")):
            example()
    with st.expander(_("New pilot"), expanded=not every_pilot, icon=":material/add:"):
        new_pilot()
