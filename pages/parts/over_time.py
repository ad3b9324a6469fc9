"""How the new data of a map went over time, where there is a course to see."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from core.drift import Drift, Limits
from core.drift_charts import Course, course
from core.errors import N_
from feedback_db.datasets import Dataset
from pages.parts import placed
from pages.parts.placed import Checked
from pages.parts.text import _

LEAST = 3  # placements: two make no course
ALT = N_("{title}: {n} times, {above} of them above the limit of {limit}; the newest {newest}")


def curves(seen: Sequence[Checked], here: Sequence[Dataset], limits: Limits) -> None:
    """Of one map, in order of time."""
    if sum(one.found is not None for one in seen) < LEAST:
        return
    st.markdown(f"#### {_('All new data on this map, over time')}")
    title = _("Stretches like nothing in the pilot")
    _curve(title, _course(seen, here, lambda one: one.outside, limits.outside), "{:.1%}", ".0%")
    title = _("Difference for the model (squared MMD)")
    _curve(title, _course(seen, here, lambda one: one.embedding.value, limits.model), "{:.3g}", ".2~f")


def _course(
    seen: Sequence[Checked], here: Sequence[Dataset], figure: Callable[[Drift], float | None], limit: float
) -> Course:
    rows = [(one, value) for one in seen if one.found is not None and (value := figure(one.found)) is not None]
    local = [one.at.astimezone().replace(tzinfo=None) for one, _value in rows]
    names = [placed.files_of(one, here) for one, _value in rows]
    return Course(np.array(local, "datetime64[ms]"), np.array([value for _one, value in rows]), names, limit)


def _curve(title: str, one: Course, form: str, axis: str) -> None:
    if len(one.values) < LEAST:
        return
    limit = form.format(one.limit)
    words = {"title": _("{figure} (broken line: the limit of {limit})").format(figure=title, limit=limit)}
    words |= {"file": _("new data"), "at": _("when"), "value": _("value")}
    alt = _(ALT).format(
        title=title,
        n=len(one.values),
        above=int((one.values > one.limit).sum()),
        limit=limit,
        newest=form.format(one.values[-1]),
    )
    st.altair_chart(course(one, words, axis), theme=None, alt=alt)
