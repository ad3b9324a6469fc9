"""Whether a study's answers can be trusted, and what people said in their own words."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache

import pandas as pd
import streamlit as st

from core import agreement, opinions
from core.agreement import Agreement, Estimate
from core.errors import N_
from core.notices import Notice
from core.opinions import Checks, Consistency, Range, Scale
from core.tellings import ranged
from feedback_db.ratings import Answered, Rating
from pages.parts import causes
from pages.parts.questions import LITERACY, REASONS
from pages.parts.reading import Answers, Heard, people, with_why
from pages.parts.text import _, ngettext, plain, together

PREVIS = {
    "understand": N_("Easy to understand"),
    "layout": N_("Tidy layout"),
    "read": N_("Information easy to find"),
    "features": N_("Features of the data visible"),
}
AGREEMENTS = Scale(1, 7, 0.0, N_("Nobody has answered this."), N_("Everyone agreed equally: no range."))


@lru_cache(maxsize=16)
def agreement_of(answers: Answers) -> Agreement:
    """Kept by the answers themselves: a correction is another answer."""
    return agreement.agreement(answers)


# --- trust


def left_out(answers: Answers) -> tuple[str, ...]:
    """Who failed the check question or found noise readable."""
    found = opinions.checks(answers)
    return tuple(sorted({*found.failed, *found.noise_seers}))


def trust(heard: Heard, everybody: Heard) -> None:
    """Args: everybody: also those who were left out, whose checks are told all the same."""
    st.markdown(f"#### {_('Can these answers be trusted?')}")
    repeated = opinions.checks(heard.answers).consistency
    said = [*told(heard.answers, everybody.answers, causes.told), _literacy(heard.stored)]
    st.markdown("\n".join(f"- {words}" for words in said))
    found = agreement_of(heard.answers)
    with st.expander(_("Details: agreement in numbers"), key="agreement"):
        rows = in_numbers(found, repeated)
        st.table(pd.DataFrame(rows, columns=[_("measure"), _("value (range of uncertainty)")]), hide_index=True)
        for words in on_numbers(found):
            st.caption(words)


def told(answers: Answers, everybody: Answers, words: Callable[[Notice], str]) -> list[str]:
    """How far people agree, how they repeat themselves, and how many failed checks.

    Args:
        words: puts a sentence of the library into the reader's.
    """
    checks = opinions.checks(everybody)
    return [
        together(*map(words, agreement_of(answers).meaning)),
        _repeated(opinions.checks(answers).consistency),
        _checked(checks),
        _noise(checks),
    ]


def _repeated(found: Consistency | None) -> str:
    if found is None:
        return _("Nobody has rated the same map twice yet, so how people repeat themselves is not known.")
    words = ngettext(
        "Shown a map again, people stayed within one step of their first score in {share:.0%} of {n} case.",
        "Shown a map again, people stayed within one step of their first score in {share:.0%} of {n} cases.",
        found.n_pairs,
    )
    return words.format(share=found.within_one, n=found.n_pairs)


def _checked(found: Checks) -> str:
    if not found.n_checked:
        return _("Nobody has met the check question yet.")
    return _("The check question, which tells its own answer: {n} of {people} failed it.").format(
        n=len(found.failed), people=people(found.n_checked)
    )


def _noise(found: Checks) -> str:
    if not found.n_saw_noise:
        return _("Nobody has been shown the map of noise yet.")
    return _("A map of noise, in which there is nothing to see: {n} of {people} found it readable.").format(
        n=len(found.noise_seers), people=people(found.n_saw_noise)
    )


def _literacy(stored: Iterable[Answered]) -> str:
    right = {one.rater_id: [float(one.literacy["right"])] for one in stored if one.literacy is not None}
    if not right:
        return _("Nobody has answered the questions on reading a map yet.")
    mean = opinions.clustered(right, Scale(0, len(LITERACY), 0.0, "", opinions.ALIKE))
    return _("How to read a map: {mean} of {n} questions right on average, {people}.").format(
        mean=ranged(mean, ".1f"), n=len(LITERACY), people=people(mean.n_raters)
    )


def in_numbers(found: Agreement, repeated: Consistency | None) -> list[tuple[str, str]]:
    """What each measure of agreement is, and its value."""
    rows = [(_("Krippendorff's alpha (ordinal)"), _estimate(found.alpha))]
    if found.icc is not None:
        rows.append((_("ICC(A,1): of one person's score"), _estimate(found.icc.single)))
        rows.append((_("ICC(A,k): of the mean of all"), _estimate(found.icc.average)))
    if repeated is not None:
        rows.append((_("Second score against first: mean difference in steps"), f"{repeated.mean_difference:.2f}"))
        kappa = "–" if repeated.kappa is None else f"{repeated.kappa:.2f}"
        rows.append((_("Second score against first: weighted kappa"), kappa))
    return rows


def on_numbers(found: Agreement) -> list[str]:
    """What they are of."""
    words = _("Ratings of {people} on maps that at least two people have rated: {n}.")
    said = [words.format(people=people(found.n_raters), n=found.n_items)]
    if found.icc is not None and (found.icc.n_raters, found.icc.n_items) != (found.n_raters, found.n_items):
        words = _("The ICCs need everybody to have rated everything: they are of {people} and maps: {n}.")
        said.append(words.format(people=people(found.icc.n_raters), n=found.icc.n_items))
    return said


def _estimate(one: Estimate | None) -> str:
    return "–" if one is None else ranged(Range(one.value, one.low, one.high, 0, None), ".2f")


# --- in their own words

Said = tuple[str, str, Rating]  # who, of which map, what


def reasons(heard: Heard) -> None:
    """How often each was tapped; nothing where nobody tapped one."""
    said = _said(heard, ("view",))
    counts = Counter((code, name) for _rater, name, rating in said for code in rating.reasons)
    if not counts:
        return
    st.markdown(f"#### {_('Why?')}")
    n_rated = Counter(name for _rater, name, _rating in said)
    columns = {name: _("{map} (of {n})").format(map=name, n=n_rated[name]) for name in heard.views if name in n_rated}
    rows = [
        {_("reason"): _(text)} | {title: str(counts[code, name] or "–") for name, title in columns.items()}
        for code, text in REASONS.items()
    ]
    st.table(pd.DataFrame(rows), hide_index=True)
    st.caption(_("How many people gave each reason. They could give several, or none."))


def comments(heard: Heard) -> None:
    """In people's own words, below a fold."""
    of_map = defaultdict(list)
    for _rater, name, rating in _said(heard, ("view", "repeat")):
        if rating.comment:
            of_map[name].append(rating)
    if not of_map:
        return
    n = sum(map(len, of_map.values()))
    with st.expander(ngettext("{n} comment", "{n} comments", n).format(n=n), key="comments"):
        for name in filter(of_map.__contains__, heard.views):
            st.markdown("\n".join([f"**{name}**", "", *map(_quoted, of_map[name])]))


def _quoted(one: Rating) -> str:
    score = _("“I can't tell”") if one.score is None else str(one.score)
    return f"- {plain(score)}: {plain(one.comment)}"


def previs(heard: Heard) -> None:
    """Means of the scales of the long questionnaire; nothing where nobody got it."""
    per_scale: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(dict)
    for rater, name, rating in _said(heard, ("view",)):
        for scale, points in (rating.previs or {}).items():
            if known := [float(point) for point in points.values() if point is not None]:
                per_scale[scale, name][rater] = [sum(known) / len(known)]
    if not per_scale:
        return
    st.markdown(f"#### {_('The long questionnaire (PREVis)')}")
    names = [name for name in heard.views if any(name == of for _scale, of in per_scale)]
    rows = []
    for scale, text in PREVIS.items():
        found = {name: opinions.clustered(per_scale.get((scale, name), {}), AGREEMENTS) for name in names}
        row = {
            name: with_why(
                _("Mean {mean}, {people}.").format(mean=ranged(one, ".1f"), people=people(one.n_raters)), one
            )
            for name, one in found.items()
        }
        rows.append({_("scale"): _(text)} | row)
    st.table(pd.DataFrame(rows), hide_index=True)
    st.caption(
        _(
            "1: strongly disagree, 7: strongly agree. In brackets: the range of uncertainty (95 %). The Japanese "
            "wording of these questions is our own and has not been validated."
        )
    )


def _said(heard: Heard, kinds: tuple[str, ...]) -> list[Said]:
    """Ratings of the study's maps, person by person."""
    names = {view.id: name for name, view in heard.views.items()}
    return [
        (one.rater_id, names[one.item.view_id], one.rating)
        for one in heard.stored
        if one.item.kind in kinds and one.rating is not None and one.item.view_id in names
    ]
