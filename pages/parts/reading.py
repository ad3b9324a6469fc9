"""What a study says about its maps, each number with a sentence. Its causes and voices are read beside this file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np
import pandas as pd
import streamlit as st

from core import factors, opinions, study_charts
from core.alignment import holm
from core.answers import HIGHEST, LOWEST, Answer
from core.charts import Chart
from core.opinions import BEYOND_CHANCE, Contrast, Opinion, Range, WithAndWithout
from core.study_charts import Line, Spread
from core.views import ViewSpec
from feedback_db.ratings import Answered
from feedback_db.views import View
from pages.parts import given
from pages.parts.questions import ANCHORS
from pages.parts.text import _, listed, ngettext, together

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
    return ngettext("{n} person", "{n} people", n).format(n=n)


def ranged(one: Range, form: str) -> str:
    """A number and its range; the form is that of all three, such as ".1f"."""
    if one.value is None:
        return "–"
    if one.low is None or one.high is None:
        return f"{one.value:{form}}"
    joint = "…" if form.startswith("+") else "–"
    return f"{one.value:{form}} ({one.low:{form}} {joint} {one.high:{form}})"


def sized(one: Range, verdict: int, form: str) -> str:
    """How much, where a verdict has said which way; signed where none could be given."""
    if verdict == 0:
        return ranged(one, f"+{form}")
    ends = sorted(abs(end) for end in (one.low, one.high) if end is not None)
    return ranged(Range(abs(one.value or 0.0), *ends, one.n_raters, None), form)


def moved(one: Range, by: Callable[[float], float]) -> Range:
    """On another scale."""
    return replace(
        one,
        **{
            end: None if v is None else by(v) for end, v in (("value", one.value), ("low", one.low), ("high", one.high))
        },
    )


def adjusted(contrasts: Mapping[str, Contrast]) -> dict[str, float | None]:
    """The p of each after Holm; those that nobody can tell are None, and are not counted."""
    known = {name: one.p for name, one in contrasts.items() if one.p is not None}
    return dict.fromkeys(contrasts) | dict(zip(known, holm(list(known.values())), strict=True))


# --- the sentence on top


@dataclass(frozen=True, slots=True)
class Lead:
    """The map that was rated highest, against each other one."""

    names: Sequence[str]  # several where they are equal
    over: Mapping[str, Contrast]
    p: Mapping[str, float | None]  # after Holm

    @property
    def is_clearest(self) -> bool:
        """Than all the others, beyond chance."""
        return bool(self.p) and all(p is not None and p <= BEYOND_CHANCE for p in self.p.values())

    def also(self) -> list[str]:
        """Which others may be as clear. Which map leads is itself chance's work, so all pairs of maps count here."""
        n_pairs = len(self.p) * (len(self.p) + 1) / 2
        return [name for name, one in self.over.items() if one.p is None or one.p * n_pairs > BEYOND_CHANCE]

    @property
    def needed(self) -> int:
        """People below whom not even full agreement would be beyond chance; see core.opinions.sign_flip."""
        return ceil(log2(len(self.p) / BEYOND_CHANCE))


def lead(answers: Answers, found: Mapping[str, Opinion]) -> Lead:
    means = {name: one.understandability.value for name, one in found.items()}
    highest = max(value for value in means.values() if value is not None)
    first = [name for name, value in means.items() if value == highest]
    over = {name: factors.contrast(answers, first[0], name) for name in means if name != first[0]}
    return Lead(first, over, adjusted(over))


def _basis(one: Range) -> str:
    """What a mean rests on."""
    if one.low is None or one.high is None:
        return people(one.n_raters)
    told = _("range of uncertainty {low:.1f} to {high:.1f}").format(low=one.low, high=one.high)
    return listed([told, people(one.n_raters)])


def sentence(answers: Answers) -> str:
    """What can be said, and no more than that."""
    found = {name: one for name, one in opinions.of_views(answers).items() if one.understandability.value is not None}
    if not found:
        return _("Nobody has rated a map yet, so nothing can be said about understandability.")
    best = lead(answers, found)
    rated = found[best.names[0]].understandability
    facts = {
        "maps": listed(best.names),
        "mean": f"{rated.value:.1f}",
        "basis": _basis(rated),
        "others": listed(best.also()),
    }
    if not best.over:
        return _("{maps} was rated {mean} of 5 ({basis}). With one map there is nothing to compare.").format(**facts)
    if best.is_clearest:
        return _("{maps} is the clearest, beyond chance against each other map: {mean} of 5 ({basis}).").format(**facts)
    n = min(one.size.n_raters for one in best.over.values())
    if n < best.needed:
        said = _("{maps} was rated highest so far, {mean} of 5 ({basis}), but that may be chance.").format(**facts)
        why = ngettext(
            "{n} person has rated all that must be compared; no difference can show with fewer than {needed}.",
            "{n} people have rated all that must be compared; no difference can show with fewer than {needed}.",
            n,
        ).format(n=n, needed=best.needed)
        return together(said, why)
    if len(best.also()) == len(best.over):
        return _("No map stands out beyond chance. Highest so far: {maps}, {mean} of 5 ({basis}).").format(**facts)
    return _("{maps} was rated highest, {mean} of 5 ({basis}), but these may be as clear: {others}.").format(**facts)


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


def p_of(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


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
    if found.accuracy.size.value is None:
        return [_(found.accuracy.size.why_no_range or "")]
    return [_right(found.accuracy), *([] if found.seconds.size.value is None else [_faster(found.seconds)])]


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


def sure(one: Contrast, neutral: float) -> int:
    """1 above what makes no difference, -1 below, beyond chance; 0: it cannot be told."""
    low, high = one.size.low, one.size.high
    if one.p is None or low is None or high is None or one.p > BEYOND_CHANCE or low <= neutral <= high:
        return 0
    return 1 if low > neutral else -1


def _right(one: Contrast) -> str:
    words = {
        1: _("With a map people are right more often, by {gain} percentage points, {people}."),
        0: _("Whether a map helps to be right cannot be told: {gain} percentage points, {people}."),
        -1: _("With a map people are right less often, by {gain} percentage points, {people}."),
    }
    verdict = sure(one, 0.0)
    gain = sized(moved(one.size, lambda share: 100 * share), verdict, ".0f")
    return with_why(words[verdict].format(gain=gain, people=people(one.size.n_raters)), one.size)


def _faster(one: Contrast) -> str:
    words = {
        -1: _("With a map people need less time, by {change}, {people}."),
        0: _("Whether a map saves time cannot be told: {change}, {people}."),
        1: _("With a map people need more time, by {change}, {people}."),
    }
    verdict = sure(one, 1.0)
    change = sized(moved(one.size, lambda ratio: ratio - 1), verdict, ".0%")
    return with_why(words[verdict].format(change=change, people=people(one.size.n_raters)), one.size)


def with_why(told: str, one: Range) -> str:
    """The same, and why there is no range where there is none."""
    return together(told, _(one.why_no_range)) if one.why_no_range else told
