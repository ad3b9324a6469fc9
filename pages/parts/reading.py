"""What a study says about its maps, each number with a sentence. Its causes and voices are read beside this file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from core import opinions, study_charts, tellings
from core.answers import HIGHEST, LOWEST, Answer
from core.charts import Chart
from core.opinions import Opinion, Range, WithAndWithout
from core.study_charts import Line, Spread
from core.tellings import lead, p_of, ranged
from core.views import ViewSpec
from core.words import Voice
from feedback_db.ratings import Answered
from feedback_db.views import View
from pages.parts import given
from pages.parts.questions import ANCHORS
from pages.parts.text import _, language

Answers = tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What was answered, by the people who count."""

    answers: Answers  # maps go by what people call them
    stored: tuple[Answered, ...]  # the same answers, with words
    views: Mapping[str, View]  # by what people call them, in the study's order

    def without(self, people: Sequence[str]) -> "Heard":
        answers = tuple(one for one in self.answers if one.rater not in people)
        return Heard(answers, tuple(one for one in self.stored if one.rater_id not in people), self.views)

    @property
    def specs(self) -> dict[str, ViewSpec]:
        return {name: ViewSpec.from_json(one.spec) for name, one in self.views.items()}

    @property
    def n_people(self) -> int:
        return len({one.rater for one in self.answers})


def heard(stored: Sequence[Answered], asked: Sequence[View]) -> Heard:
    """Args: asked: the study's maps, in its order."""
    names = {one.id: _("Map {n}").format(n=one.number) for one in asked}

    def called(view_id: str | None) -> str:
        return names.get(view_id or "", "")

    answers = []
    for one in map(given.answer_of, stored):
        preferred = None if one.preferred is None else called(one.preferred)
        answers.append(replace(one, view=called(one.view), other=called(one.other), preferred=preferred))
    return Heard(tuple(answers), tuple(stored), {names[one.id]: one for one in asked})


# --- numbers in words


def people(n: int) -> str:
    return Voice(language()).people(n)


# --- the sentence on top


def sentence(answers: Answers) -> str:
    """What can be said, and no more than that."""
    return tellings.sentence(answers, Voice(language()))


# --- maps


def maps(answers: Answers) -> None:
    found = opinions.of_views(answers)
    st.markdown(f"#### {_('How clear is each map?')}")
    if not found:
        st.caption(_("Nobody has rated a map yet."))
        return
    left, right = st.columns(2, gap="medium")
    names = list(found)
    with left:
        st.markdown(f"**{_('Understandability, with its range of uncertainty')}**")
        alt = _("Mean understandability of each map, with its range of uncertainty")
        st.altair_chart(clarity(found), theme=None, alt=alt)
    with right:
        st.markdown(f"**{_('How many people gave each score')}**")
        counts = np.array([one.distribution for one in found.values()])
        chart = study_charts.shares(names, counts, _("score"))
        st.altair_chart(chart, theme=None, alt=_("How many people gave each map each score"))
    st.table(pd.DataFrame([row(name, one) for name, one in found.items()]), hide_index=True)
    st.caption(how_ranged())
    _missing(found)
    if len(found) > 1:
        _against(answers, found)


def how_ranged() -> str:
    """What the numbers are."""
    return _(
        "In brackets: the range of uncertainty (95 %), over people. Seconds are geometric means. "
        "“By guessing” is what chance alone gets right."
    )


def clarity(found: Mapping[str, Opinion]) -> Chart:
    """Each map's understandability, with its range."""
    marks = {step: str(step) for step in range(LOWEST, HIGHEST + 1)}
    marks |= {end: f"{end}\n{_(ANCHORS[str(end)])}" for end in (LOWEST, HIGHEST)}
    each = [one.understandability for one in found.values()]
    return study_charts.spread(spread(list(found), each, ".1f"), Line((LOWEST, HIGHEST), marks))


def spread(names: Sequence[str], each: Sequence[Range], form: str) -> Spread:
    columns = [[np.nan if value is None else value for value in (one.value, one.low, one.high)] for one in each]
    values, low, high = np.array(columns, float).T
    told = ["" if one.value is None else f"{one.value:{form}}" for one in each]
    return Spread(names, values, low, high, told)


def row(name: str, one: Opinion) -> dict[str, object]:
    """All that people made of one map, by what each number is called."""
    return {
        _("map"): name,
        _("understandability (1–5)"): ranged(one.understandability, ".1f"),
        _("“I can't tell”"): one.n_cannot_tell,
        _("quiz right"): ranged(one.accuracy, ".0%"),
        _("by guessing"): "–" if one.chance is None else f"{one.chance:.0%}",
        _("seconds to rate"): ranged(one.rating_seconds, ".0f"),
        _("seconds for the quiz"): ranged(one.quiz_seconds, ".0f"),
        _("people"): one.understandability.n_raters,
    }


def _missing(found: Mapping[str, Opinion]) -> None:
    """Why some numbers or ranges are not there: one line a reason."""
    reasons: dict[str, list[str]] = {}
    for name, one in found.items():
        for number in (one.understandability, one.accuracy):
            if number.why_no_range is not None:
                reasons.setdefault(number.why_no_range, []).append(name)
    for why, names in reasons.items():
        st.caption(f"{', '.join(dict.fromkeys(names))}: {_(why)}")


def _against(answers: Answers, found: Mapping[str, Opinion]) -> None:
    """The map that was rated highest against each other one, below a fold."""
    known = {name: one for name, one in found.items() if one.understandability.value is not None}
    if not known:
        return
    best = lead(answers, known)
    with st.expander(_("Details: {map} against the others").format(map=best.names[0]), key="against"):
        rows = [
            {
                _("against"): name,
                _("steps clearer"): with_why(ranged(one.size, "+.1f"), one.size),
                _("p (Holm)"): p_of(best.p[name]),
                _("people"): one.size.n_raters,
            }
            for name, one in best.over.items()
        ]
        st.table(pd.DataFrame(rows), hide_index=True)
        st.caption(
            _(
                "Among people who have rated both maps. p: how often chance alone would show as much, by turning "
                "the signs of people's differences, raised for the number of comparisons (Holm)."
            )
        )


# --- with a map, and without


def with_and_without(answers: Answers) -> None:
    st.markdown(f"#### {_('Does a map help?')}")
    found = opinions.with_and_without(answers)
    said = helped(found)
    if found.accuracy.size.value is None:
        st.caption(*said)
        return
    for words in said:
        st.markdown(words)
    with st.expander(_("Details: quizzes with a map and without"), key="with-and-without"):
        for words in how_helped(found):
            st.caption(words)


def helped(found: WithAndWithout) -> list[str]:
    """What a map adds to right answers, and to time."""
    return tellings.helped(found, Voice(language()))


def how_helped(found: WithAndWithout) -> list[str]:
    """Whether that may be chance, and how it was compared."""
    return [
        _("p of right answers: {right}; p of time: {time}.").format(
            right=p_of(found.accuracy.p), time=p_of(found.seconds.p)
        ),
        _(
            "Compared within people and kinds of quiz, so that slow people or hard quizzes do not look like the "
            "map's doing. p: how often chance alone would show as much."
        ),
    ]


def with_why(told: str, one: Range) -> str:
    """The same, and why there is no range where there is none."""
    return tellings.with_why(told, one, Voice(language()))
