"""What made maps clearer: one change against another, pairs of maps, and the numbers that agree with people."""

from collections.abc import Mapping
from functools import lru_cache

import pandas as pd
import streamlit as st

from core import alignment, factors, ranking, studies, study_charts
from core.alignment import Aligned, Correlation
from core.charts import Chart
from core.errors import N_
from core.factors import Effect, Mixed
from core.measures import Measured, MeasureSpec, StabilitySpec, Steady
from core.notices import Notice
from core.opinions import Contrast, Range
from core.ranking import Ranking
from core.studies import FACTORS, Factor
from core.study_charts import Line
from core.tellings import adjusted, p_of, ranged, sized, sure
from core.views import ViewSpec
from pages.parts.beside import Filled
from pages.parts.known import made
from pages.parts.reading import Answers, Heard, people, spread, with_why
from pages.parts.text import _, fill, listed, together

CHANGES: Mapping[Factor, str] = {
    "preparation": N_("Another preparation"),
    "model": N_("Another model"),
    "drawing": N_("Another way of drawing"),
}
NUMBERS = {  # core.alignment's
    "loss": N_("Reconstruction error"),
    "trustworthiness": N_("Trustworthiness"),
    "continuity": N_("Continuity"),
    "neighbours_kept": N_("Neighbours kept"),
    "silhouette": N_("Groups apart, on the map"),
    "stability": N_("Steadiness"),
}
Levels = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]  # of each map, of each factor
Numbers = tuple[tuple[str, tuple[tuple[str, float | None], ...]], ...]  # of each number in NUMBERS, of each map


# What takes long is kept, by the answers themselves: a correction is another answer, and in another language maps have
# other names.
@lru_cache(maxsize=16)
def mixed_of(answers: Answers, levels: Levels) -> Mixed | Notice:
    return factors.mixed(answers, {name: dict(of_map) for name, of_map in levels})


@lru_cache(maxsize=16)
def ranking_of(answers: Answers) -> Ranking:
    return ranking.ranking(answers)


@lru_cache(maxsize=16)
def alignment_of(answers: Answers, numbers: Numbers) -> dict[str, Aligned]:
    return alignment.alignment({name: dict(of_map) for name, of_map in numbers}, answers)


# --- one thing at a time


def mattered(heard: Heard) -> None:
    """Each change of one thing alone, against the same map; below a fold, all of them at once."""
    st.markdown(f"#### {_('What made the difference?')}")
    fair = studies.fair_set(heard.specs)
    if fair is None:
        st.caption(
            _(
                "No two maps of this study differ in one thing alone, so nobody can tell what made the difference. "
                "Ask about maps with one change each."
            )
        )
        return
    found = {name: factors.contrast(heard.answers, name, fair.base) for name in fair.others}
    p = adjusted(found)
    said = [
        _changed(factor, (name, fair.base), Contrast(found[name].size, p[name])) for name, factor in fair.others.items()
    ]
    st.markdown("\n".join(f"- {words}" for words in said))
    st.caption(
        _(
            "Steps are those of the scale from 1 to 5. In brackets: the range of uncertainty (95 %). "
            "People: those who have rated both maps."
        )
    )
    with st.expander(_("Details: all changes at once"), key="mixed", on_change="rerun") as fold:
        if fold.open:  # the first time takes a second
            _all_at_once(heard)


def _changed(factor: Factor, names: tuple[str, str], one: Contrast) -> str:
    facts: dict[str, str] = {"change": _(CHANGES[factor]), "map": names[0], "base": names[1]}
    if one.size.value is None:
        return with_why(_("{change}: {map} and {base} cannot be compared.").format(**facts), one.size)
    words = {
        1: _("{change}: {map} is clearer than {base}, by {steps} steps, {people}."),
        0: _("{change}: no difference shows between {map} and {base}: {steps} steps, {people}."),
        -1: _("{change}: {map} is less clear than {base}, by {steps} steps, {people}."),
    }
    verdict = sure(one, 0.0)
    facts |= {"steps": sized(one.size, verdict, ".1f"), "people": people(one.size.n_raters)}
    return with_why(words[verdict].format(**facts), one.size)


def _all_at_once(heard: Heard) -> None:
    levels = studies.levels(heard.specs)
    key: Levels = tuple((name, tuple(of_map.items())) for name, of_map in levels.items())
    found = mixed_of(heard.answers, key)
    if isinstance(found, Notice):
        st.caption(fill(found.message, found.facts))
        return

    def with_level(one: Effect, level: str) -> str:
        return listed(name for name, of_map in levels.items() if of_map[one.factor] == level)  # type: ignore[index]

    rows = [
        {
            _("what differs"): _(FACTORS[one.factor]),  # type: ignore[index]
            _("these maps"): with_level(one, one.level),
            _("against these"): with_level(one, one.against),
            _("steps clearer"): ranged(one.size, "+.1f"),
            "p": p_of(one.p),
        }
        for one in found.effects
    ]
    st.table(pd.DataFrame(rows), hide_index=True)
    st.caption(
        _(
            "A linear mixed model with a level of their own for each person; ranges hold though people differ "
            "(CR2, Satterthwaite). It takes for granted:"
        )
    )
    st.caption("\n".join(f"- {_(assumption)}" for assumption in found.assumptions))


# --- pairs


def pairs(answers: Answers) -> None:
    """Which of two maps is clearer; nothing where nobody was asked that."""
    if not any(one.kind == "pair" for one in answers):
        return
    st.markdown(f"#### {_('Which of two maps is clearer?')}")
    found = ranking_of(answers)
    for one in found.notices:
        st.markdown(told(one))
    if found.wins:
        alt = _("How often each map is found clearer than another one")
        st.altair_chart(wins(found), theme=None, alt=alt)
    st.caption(compared(found))


def wins(found: Ranking) -> Chart:
    """How often each map is found clearer."""
    each = [Range(one.value, one.low, one.high, found.n_raters, None) for one in found.wins.values()]
    marks = {0.0: "0 %", 0.25: "25 %", 0.5: "50 %", 0.75: "75 %", 1.0: "100 %"}
    line = Line((0.0, 1.0), marks, _("how often it is found clearer than another of these maps"), even=0.5)
    return study_charts.spread(spread(list(found.wins), each, ".0%"), line)


def compared(found: Ranking) -> str:
    """By how many, and how often."""
    words = _("{people} compared two maps, {chosen} times with a choice and {undecided} times with “I can't tell”.")
    return words.format(people=people(found.n_raters), chosen=found.n_chosen, undecided=found.n_undecided)


def told(one: Notice, words: Filled = fill) -> str:
    """A sentence of the library, with lists as people write them.

    Args:
        words: `bare` where nothing is Markdown.
    """
    facts = {name: listed(fact) if isinstance(fact, list | tuple) else fact for name, fact in one.facts.items()}
    return words(one.message, facts)


# --- numbers on maps


def aligned(heard: Heard) -> None:
    """Which of the computer's numbers puts maps in the order that people do. Nothing is computed for it here."""
    st.markdown(f"#### {_('Which number agrees with people?')}")
    numbers, missing = numbers_of(heard)
    if numbers:
        found = alignment_of(heard.answers, numbers)
        st.markdown("\n".join(f"- {in_words(one)}" for one in alignment.told(found)))
        with st.expander(_("Details: each number"), key="numbers"):
            st.table(pd.DataFrame([row(name, one) for name, one in found.items()]), hide_index=True)
            st.caption(how_aligned())
    if missing:
        said = [
            _("{number} is not known yet of: {maps}.").format(number=number, maps=listed(names))
            for number, names in missing.items()
        ]
        st.caption(together(*said, _("Open a map on the Maps screen, and its numbers are computed.")))


def how_aligned() -> str:
    """How to read the table."""
    return _(
        "1: the number puts the maps in the order that people do. 0: chance. In brackets: the range over "
        "people (95 %). p: how often chance alone gives as much, raised for all numbers tried (Holm)."
    )


def in_words(one: Notice, words: Filled = fill) -> str:
    """The library calls numbers by their codes."""
    facts = {name: _(NUMBERS[str(fact)]) if name == "measure" else fact for name, fact in one.facts.items()}
    return told(Notice(one.message, facts), words)


def numbers_of(heard: Heard) -> tuple[Numbers, dict[str, list[str]]]:
    """Those that have been computed, and which maps lack which."""
    of_map = {name: _numbers_of(one.loss, heard.specs[name]) for name, one in heard.views.items()}
    known = {
        code: {name: found[code] for name, found in of_map.items()}
        for code in NUMBERS
        if any(found[code] is not None for found in of_map.values())
    }
    missing = {}
    for words, code in (
        (_("How far the map can be trusted"), "trustworthiness"),
        (_(NUMBERS["stability"]), "stability"),
    ):
        if names := [name for name, found in of_map.items() if found[code] is None]:
            missing[words] = names
    return tuple((code, tuple(found.items())) for code, found in known.items()), missing


def _numbers_of(loss: float | None, spec: ViewSpec) -> dict[str, float | None]:
    measured: Measured | None = made(MeasureSpec(spec))
    steady: Steady | None = made(StabilitySpec(spec))
    return {
        "loss": loss,
        "trustworthiness": measured and measured.quality.trustworthiness,
        "continuity": measured and measured.quality.continuity,
        "neighbours_kept": measured and measured.quality.kept,
        "silhouette": measured and measured.apart.silhouette_picture,
        "stability": steady and steady.overall,
    }


def row(name: str, one: Aligned, words: Filled = fill) -> dict[str, str]:
    """How far one number agrees with people."""
    return {
        _("number"): _(NUMBERS[name]),
        _("agreement with understandability"): _correlation(one.understandability, words),
        _("agreement with the quiz"): _correlation(one.quiz, words),
    }


def _correlation(one: Correlation, words: Filled) -> str:
    if one.value is None:
        return told(one.why, words) if one.why is not None else "–"
    return f"{ranged(Range(one.value, one.low, one.high, 0, None), '+.2f')}, p: {p_of(one.p)}"
