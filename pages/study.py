"""Ask: whom do I ask what?"""

import streamlit as st

from core import power, studies
from core.answers import TaskKind
from core.errors import N_, UserError
from core.studies import FACTORS, Design, Fair
from core.views import ViewSpec, find
from feedback_db import studies as records
from feedback_db import views
from feedback_db.views import View
from pages.parts import asking, given, invitations, pilot, who
from pages.parts.guard import guard
from pages.parts.text import _, fill, listed, moment_of, ngettext, together
from pages.parts.watch import await_view
from pages.parts.work import database, store

QUIZZES: dict[TaskKind, str] = {
    "intruder": N_("Which curve does not belong?"),
    "odd": N_("Find the odd stretch"),
    "same": N_("Same kind or different?"),
    "joins": N_("Which group does it join?"),
}
COLOURS = {"time": N_("by time"), "none": N_("all alike")}


def map_choice(number_of_round: int, kept: list[View]) -> list[View]:
    """Which maps; a fair set is proposed."""
    specs = {one.id: ViewSpec.from_json(one.spec) for one in kept}
    names = {one.id: _("Map {n}").format(n=one.number) for one in kept}
    fair = studies.fair_set(specs)
    this_round = [one.id for one in kept if one.round == number_of_round]
    chosen = st.multiselect(
        _("Which maps shall people rate?"),
        list(names),
        list(fair.views) if fair else this_round or list(names),
        format_func=names.__getitem__,
        placeholder=_("choose"),
    )
    st.caption(
        _("People see one map at a time, in an order of their own, without the name of the model or the method.")
    )
    _tell_fair(studies.fair_set({one: specs[one] for one in chosen}), chosen, names)
    return [one for one in kept if one.id in chosen]


def _tell_fair(fair: Fair | None, chosen: list[str], names: dict[str, str]) -> None:
    """What a difference between these maps could be put down to."""
    if fair is not None:
        told = [f"{names[one]}: {_(FACTORS[factor])}" for one, factor in fair.others.items()]
        st.caption(
            _("Compared with {base}, one thing differs at a time: {told}.").format(
                base=names[fair.base], told=listed(told)
            )
        )
    left = [names[one] for one in chosen if fair is None or one not in fair.views]
    if len(chosen) > 1 and left:
        st.warning(
            _(
                "{maps}: more than one thing differs from the others, or the data do. If people find one clearer, "
                "nobody can say why."
            ).format(maps=listed(left)),
            icon=":material/balance:",
        )


def design_form() -> Design:
    """How many people and items, and below a fold what else may be set."""
    left, right = st.columns(2)
    n_raters = left.number_input(_("People you hope for"), 2, 60, 8)
    n_items = right.number_input(_("Items a person, at most"), studies.FEWEST, studies.MOST, 12)
    usual = Design()
    with st.expander(_("Details: quizzes, colours, the long questionnaire")):
        tasks = st.pills(
            _("Quick quizzes"),
            list(QUIZZES),
            selection_mode="multi",
            default=list(usual.tasks),
            format_func=lambda one: _(QUIZZES[one]),
        )
        pairs = st.toggle(_("Also show two maps side by side and ask which is clearer"))
        colour = st.segmented_control(
            _("Colour of the points"),
            list(COLOURS),
            default=usual.colour,
            required=True,
            format_func=lambda one: _(COLOURS[one]),
        )
        st.caption(_("Never by label: that would give the answers of the quizzes away."))
        previs = st.slider(
            _("People who also get the long questionnaire (PREVis, 11 questions)"), 0, 100, 0, 10, "%d%%"
        )
    return Design(n_items, n_raters, tuple(tasks), pairs, colour, previs)


def outlook(pilot_id: str, design: Design, chosen: list[View]) -> None:
    """The time it takes, and what it can find out; both before anybody is asked."""
    ready, before = asking.plan(design, chosen), given.of_pilot(pilot_id)
    minutes, n = studies.minutes(ready, given.seconds_of(before)), ready.n_items
    st.markdown(
        ngettext(
            "**{n} item** a person, about **{m:.0f} minutes**.",
            "**{n} items** a person, about **{m:.0f} minutes**.",
            n,
        ).format(n=n, m=minutes)
    )
    if len(chosen) > 1:
        _tell_power(design, len(chosen), power.spread_of(before) or power.Spread())
    else:
        st.info(
            _("With one map there is nothing to compare it with. Two to five maps are best."), icon=":material/info:"
        )
    if not before:
        st.caption(_("These are first guesses; once people have answered, their answers are used instead."))
    _tell_quizzes(asking.missing_quizzes(design, chosen))


def _tell_quizzes(missing: list[asking.Missing]) -> None:
    if not missing:
        return
    n = len(missing)
    with st.expander(
        ngettext("{n} kind of quiz is made otherwise", "{n} kinds of quizzes are made otherwise", n).format(n=n)
    ):
        for one in missing:
            maps = listed(_("Map {n}").format(n=number) for number in one.maps)
            instead = (
                _("Events are planted into a copy of the data for it.")
                if one.is_planted
                else _("It is left out there.")
            )
            st.markdown(
                f"**{_(QUIZZES[one.kind])}** ({maps}): {together(fill(one.why.message, one.why.facts), instead)}"
            )


def _tell_power(design: Design, n_maps: int, spread: power.Spread) -> None:
    smallest = power.smallest_difference(design.n_raters, n_maps, spread)
    warning = power.why_noise(design.n_raters, smallest)
    if warning is not None:
        st.warning(fill(warning.message, warning.facts), icon=":material/warning:")
    elif smallest is not None:
        st.markdown(
            _(
                "With {people} people, maps that differ by **{steps:.1f} steps** of the five or more will show it "
                "(8 times in 10)."
            ).format(people=design.n_raters, steps=smallest)
        )


def open_form(pilot_id: str, number_of_round: int, kept: list[View]) -> None:
    chosen = map_choice(number_of_round, kept)
    design = design_form()
    if chosen:
        outlook(pilot_id, design, chosen)
    wanted = st.session_state.get("opening")
    if st.button(_("Open the study"), type="primary", icon=":material/campaign:", disabled=wanted is not None):
        if not chosen:
            raise UserError(N_("No map is chosen."), N_("Choose at least one map for people to rate."))
        st.session_state["opening"] = wanted = ([one.id for one in chosen], design)
    if wanted is not None:
        with st.container(border=True):
            st.markdown(
                _("Getting the study ready: a map of noise, for people who see something everywhere, and the quizzes.")
            )
            if st.button(_("Not now"), icon=":material/close:"):
                del st.session_state["opening"]
                st.rerun()
            asking.open_study(pilot_id, [one for one in kept if one.id in wanted[0]], wanted[1])
        del st.session_state["opening"]
        st.rerun()


def running(study: records.Study) -> None:
    people = given.people_of(study)
    st.success(
        together(
            _("The study is open since {time}.").format(time=moment_of(study.opened_at)),
            ngettext("It has {n} map.", "It has {n} maps.", len(study.view_ids)).format(n=len(study.view_ids)),
        ),
        icon=":material/campaign:",
    )
    left, middle, right = st.columns(3)
    left.metric(_("People who have begun"), len(people))
    middle.metric(_("People who have finished"), sum(one.is_done for one in people))
    right.metric(_("Answers"), sum(one.n_answered for one in people))
    invitations.section(study, people)
    if any(one.n_answered for one in people):
        st.page_link(
            "results.py", label=_("Read what people say"), icon=":material/query_stats:", query_params=pilot.address()
        )
    if st.button(_("Refresh"), icon=":material/refresh:"):
        st.rerun()
    with st.expander(_("End this study")):
        st.caption(_("Answers stay. Nobody can add one any more, and you can open another study."))
        if st.button(_("End the study"), icon=":material/stop_circle:"):
            with database().session(who.here()) as db:
                records.close(db, study.id)
            st.rerun()
    invitations.history(study)


with guard():
    current = pilot.current()
    st.title(_("Whom do I ask what?"), anchor=False)
    st.markdown(_("Choose the maps, open the study, and hand over a tablet."))
    with database().session(who.here()) as db:
        kept = views.of_pilot(db, current.id)
        open_now = records.current(db, current.id)
    if not kept:
        st.info(_("No map is kept yet. Look at a map first and press “Keep this map”."), icon=":material/bookmark_add:")
        st.page_link("maps.py", label=_("Go to the maps"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    if open_now is None:
        for one in kept:  # what was cleared away since is made again before it is asked about
            if find(one.fingerprint, store()) is None:
                await_view(ViewSpec.from_json(one.spec), key="study")
        open_form(current.id, current.round, kept)
    else:
        asking.restore(open_now, kept)
        running(open_now)
