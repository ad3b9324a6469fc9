"""The model's error beside what people say: one picture, one sentence, and below a fold every map in numbers."""

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from core import evidence, evidence_charts, opinions
from core.association import association
from core.charts import Chart
from core.evidence import QUADRANTS, Loss, Placed
from core.evidence_charts import Point, Words
from core.opinions import Contrast, Range
from core.tellings import adjusted, ranged
from pages.parts.known import Known
from pages.parts.text import JOINER, _, fill, listed, together

NO_BREAK = "\u00a0"
Filled = Callable[[str, Mapping[str, object]], str]  # `fill` for Markdown, `bare` for paper


def base_of(known: Known) -> str | None:
    """What the others are set against: the first map that has an error and a rating."""
    return next((id_ for id_ in known.losses if known.rated(id_) is not None), None)


def picture(known: Known) -> None:
    """Every map that has both, about the first one of them."""
    base = base_of(known)
    if base is None:
        st.info(
            _("A point appears here once a map has both a reconstruction error and a rating."),
            icon=":material/insights:",
        )
        return
    alt = _("Reconstruction error against understandability, one point a map")
    st.altair_chart(chart(known, base), theme=None, alt=alt)
    st.caption(together(*how_to_read(known, base)))
    st.markdown(goes_along(known, fill))


def how_to_read(known: Known, base: str) -> list[str]:
    """What the picture shows, and what it cannot show."""
    points = _points(known)
    said = [about(known, base)]
    if _arrows(known):
        said.append(_("Arrows lead from a map to the one after extra training."))
    if missing := [known.name(id_) for id_ in known.views if id_ not in points]:
        said.append(_("Without an error or a rating, and so not in the picture: {maps}.").format(maps=listed(missing)))
    if len({known.specs[id_].recipe for id_ in points}) > 1:
        said.append(_("Errors after different preparations are of different stretches: compare them with care."))
    return said


def goes_along(known: Known, words: Filled) -> str:
    """Whether a lower error goes with clearer maps."""
    found = association({id_: one.loss for id_, one in known.views.items()}, known.answers)
    return words(found.told.message, found.told.facts)


def chart(known: Known, base: str) -> Chart:
    words = Words(
        _("← better   reconstruction error   worse →"),
        _("understandability (5 = clear at a glance)"),
        {quadrant: _(text) for quadrant, text in QUADRANTS.items()},
    )
    points = _points(known)
    return evidence_charts.beside(list(points.values()), points[base], _arrows(known), words)


def about(known: Known, base: str) -> str:
    """How to read it."""
    words = _(
        "The dashed lines go through {map}, the first map that was rated: left of them the error is lower, above "
        "them people find the map clearer."
    )
    return words.format(map=known.name(base))


def _points(known: Known) -> dict[str, Point]:
    return {id_: point for id_ in known.losses if (point := _point(known, id_)) is not None}


def _arrows(known: Known) -> list[tuple[Point, Point]]:
    points = _points(known)
    return [(points[old], points[new]) for new, old in known.trained.items() if {old, new} <= set(points)]


def _point(known: Known, id_: str) -> Point | None:
    rated, (lost, _errors) = known.rated(id_), known.losses[id_]
    if rated is None or rated.value is None:
        return None
    return Point(known.name(id_), lost.value, _ends(lost), rated.value, _ends(rated))


def _ends(one: Loss | Range) -> tuple[float, float] | None:
    return None if one.low is None or one.high is None else (one.low, one.high)


# --- in numbers


def table(known: Known) -> None:
    """Every map, those that did not come out well too."""
    with st.expander(_("Details: every map in numbers"), key="every-map"):
        st.table(pd.DataFrame(rows(known)), hide_index=True)
        st.caption(how_ranged())
        for words in why_not(known, fill):
            st.caption(words)


def rows(known: Known) -> list[dict[str, object]]:
    """Each map against the first one that was rated."""
    base = base_of(known)
    against = {} if base is None else places(known, dict.fromkeys([id_ for id_ in known.views if id_ != base], base))
    return [_row(known, id_, base, against.get(id_)) for id_ in known.views]


def how_ranged() -> str:
    """What the ranges are over."""
    return _(
        "In brackets: the range of uncertainty (95 %); of the error over stretches of time, of "
        "understandability over people."
    )


def why_not(known: Known, words: Filled) -> list[str]:
    """Why numbers or ranges are not there: one line a reason."""
    reasons: dict[str, list[str]] = {}
    for id_ in known.views:
        for why in _why(known, id_, words):
            reasons.setdefault(why, []).append(known.name(id_))
    return [f"{listed(names)}: {why}" for why, names in reasons.items()]


def places(known: Known, befores: dict[str, str]) -> dict[str, Placed | None]:
    """Where each map stands against another one; p is raised for all these comparisons (Holm)."""
    clarity = {id_: evidence.clearer(known.answers, id_, before) for id_, before in befores.items()}
    p = adjusted(clarity)
    found: dict[str, Placed | None] = {}
    for id_, before in befores.items():
        pair = [known.losses.get(one) for one in (before, id_)]
        change = None if pair[0] is None or pair[1] is None else evidence.change(pair[0], pair[1])
        found[id_] = None if change is None else evidence.placed(change, Contrast(clarity[id_].size, p[id_]))
    return found


def quadrant(one: Placed | None) -> str:
    """In words."""
    if one is None:
        return "–"
    words = _(QUADRANTS[one.quadrant])
    return words if one.is_sure else _("{what}, but that may be chance").format(what=words)


def unbroken(words: str) -> str:
    """For a cell of a table: no line breaks in it."""
    return JOINER.join(words.replace(" ", NO_BREAK))


def cell(number: str) -> str:
    """A number with its range: broken before the bracket, if at all."""
    value, bracket, ends = number.partition(" (")
    return value + bracket + unbroken(ends)


def loss_range(lost: Loss) -> Range:
    return Range(lost.value, lost.low, lost.high, 0, None)


def _row(known: Known, id_: str, base: str | None, place: Placed | None) -> dict[str, object]:
    opinion = known.opinions.get(id_)
    lost = known.losses.get(id_)
    row: dict[str, object] = {
        _("map"): unbroken(known.name(id_)),
        _("round"): known.views[id_].round,
        _("reconstruction error"): _("none") if lost is None else cell(ranged(loss_range(lost[0]), ".3f")),
        _("understandability (1–5)"): "–" if opinion is None else cell(ranged(opinion.understandability, ".1f")),
        _("people"): 0 if opinion is None else opinion.understandability.n_raters,
        _("“I can't tell”"): 0 if opinion is None else opinion.n_cannot_tell,
    }
    if base is not None:
        row[_("against {map}").format(map=known.name(base))] = _("the base") if id_ == base else quadrant(place)
    return row


def _why(known: Known, id_: str, words: Filled) -> list[str]:
    """Why a number or a range is not there."""
    opinion, lost = known.opinions.get(id_), known.losses.get(id_)
    told = []
    if lost is not None and lost[0].why_no_range is not None:
        told.append(words(lost[0].why_no_range.message, lost[0].why_no_range.facts))
    why = opinions.NOBODY if opinion is None else opinion.understandability.why_no_range
    return [*told, _(why)] if why else told
