"""Data quality: what is wrong with a series, where, and in numbers."""

from functools import lru_cache

import numpy as np
import pandas as pd
import streamlit as st

from core import charts
from core.defects import Clock, Findings, Kind, find
from core.errors import N_
from core.reader import Source
from core.series import Series
from pages.parts.text import _
from pages.parts.work import table_of

KINDS: dict[Kind, str] = {
    "gap": N_("values missing"),
    "flat": N_("stands still"),
    "constant": N_("never changes"),
    "outlier": N_("stray value"),
    "pause": N_("samples missing"),
    "repeat": N_("time comes twice"),
}


@lru_cache(maxsize=64)
def findings_of(source: Source, i: int) -> Findings:
    """Of one series of a file."""
    return find(table_of(source).series[i])


def strip(source: Source, i: int, series: Series) -> None:
    """Below the picture of a series: marks where something is wrong, and the numbers, folded away."""
    if not len(series.values):
        return
    with st.spinner(_("Looking for gaps and stray values …")):
        found = findings_of(source, i)
    at = series.time if series.time is not None else np.arange(len(series.values))
    if found.defects:
        words = {kind: _(name) for kind, name in KINDS.items()}
        title = _("time") if series.time is not None else _("sample number")
        chart = charts.quality_strip(np.asarray(at), found.defects, series.channels, words, title)
        st.altair_chart(chart, theme=None, alt=_("Where something is wrong with the data"))
    with st.expander(summary(found), icon=":material/fact_check:", key=f"quality-{source.sha256[:8]}-{i}"):
        st.dataframe(table(found, series.channels), hide_index=True, height=min(40 * len(series.channels) + 44, 364))
        if found.clock is not None:
            st.caption(clock_words(found.clock))
        st.caption(_("Nothing was changed: gaps are filled and stray values drawn in only if the preparation says so."))


def summary(found: Findings) -> str:
    """What there is, in a line."""
    counts: dict[Kind, int] = {}
    for one in found.defects:
        counts[one.kind] = counts.get(one.kind, 0) + one.runs
    if not counts:
        return _("Data quality: nothing was found to be wrong")
    told = ", ".join(_("{what} {n:,}×").format(what=_(KINDS[kind]), n=counts[kind]) for kind in KINDS if kind in counts)
    return _("Data quality: {findings}").format(findings=told)


def table(found: Findings, channels: tuple[str, ...]) -> pd.DataFrame:
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:g}"

    rows = [
        {
            _("channel"): name,
            _("smallest"): number(one.minimum),
            _("middle"): number(one.median),
            _("largest"): number(one.maximum),
            _("missing"): f"{one.n_missing:,} ({one.n_missing / max(1, one.n):.1%})",
            _("gaps"): one.n_gaps,
            _("longest gap"): one.longest_gap,
            _("stands still"): one.n_flat,
            _("stray values"): one.n_outliers,
        }
        for name, one in zip(channels, found.channels, strict=True)
    ]
    return pd.DataFrame(rows)


def clock_words(clock: Clock) -> str:
    said = [
        _("A sample every {step:g} s").format(step=clock.step),
        _("steps from {smallest:g} to {largest:g} s").format(smallest=clock.smallest, largest=clock.largest),
        _("jitter {share:.1%} (middle half of the steps)").format(share=clock.jitter),
    ]
    if clock.n_pauses:
        said.append(
            _("{n:,} pauses, in which {lost:,} samples are missing").format(n=clock.n_pauses, lost=clock.n_lost)
        )
    if clock.n_repeated:
        said.append(_("{n:,} samples have the time of the one before").format(n=clock.n_repeated))
    if clock.rounded:
        said.append(_("the clock is rounded more coarsely than the samples come"))
    return " · ".join(said)
