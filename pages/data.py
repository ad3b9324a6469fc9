"""Data: did it read my file right?"""

from typing import Any

import pandas as pd
import streamlit as st

from core import charts
from core.cells import Notation
from core.errors import UserError
from core.series import Series
from core.tables import ColumnFacts, Reading, Table
from feedback_db import datasets
from feedback_db.datasets import Dataset
from pages.parts import corrections, examples, pilot, quality, who
from pages.parts.guard import guard
from pages.parts.intake import names_of, sources_of, take_in
from pages.parts.text import _, fill, ngettext, plain, say
from pages.parts.work import database, table_of

MOST_DRAWN = 6  # series one below the other; of more, one is chosen


def uploads(pilot_id: str) -> None:
    """Keep what was dropped, at once; a file that cannot be read says why and the others go on."""
    files = st.file_uploader(
        _("Drag your CSV files here, or press the button and choose them. Several at once are fine."),
        accept_multiple_files=True,
        key="uploads",
    )
    files = sorted(files or [], key=lambda f: f.name)  # they arrive in any order
    taken = st.session_state.setdefault("taken", {})
    new = [file for file in files if file.file_id not in taken]
    for file in new:
        with st.spinner(_("Reading {file} …").format(file=plain(file.name))):
            taken[file.file_id] = _try_to_take(pilot_id, file.name, file.getvalue())
    if new:
        st.rerun()  # the header, which is above, then marks the step as done
    for file in files:
        if (problem := taken[file.file_id]) is not None:
            st.error(f"{plain(file.name)}: {say(problem)}", icon=":material/error:")
            _tell(pilot_id, file, taken)


def _try_to_take(pilot_id: str, name: str, data: bytes, said: dict[str, Any] | None = None) -> UserError | None:
    try:
        take_in(pilot_id, name, data, said)
    except UserError as problem:
        return problem  # shown beside the other files' results for as long as the file is listed
    return None


def _tell(pilot_id: str, file: Any, taken: dict[str, UserError | None]) -> None:
    """A file that could not be read can be tried again, once somebody says how it is written."""
    with st.expander(_("Say how this file is written, and try again"), icon=":material/tune:"):
        plainly = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "comment": "", "skip": 0, "header": 1}
        told = corrections.marks({**plainly, "notation": Notation()}, (), f"told-{file.file_id}", everything=True)
        if st.button(_("Try again"), key=f"retry-{file.file_id}", icon=":material/refresh:"):
            with st.spinner(_("Reading {file} …").format(file=plain(file.name))):
                taken[file.file_id] = _try_to_take(pilot_id, file.name, file.getvalue(), told)
            st.rerun()


def overview(here: list[Dataset]) -> None:
    """Several files are several series: what each has, side by side."""
    names = names_of(here)
    rows = []
    for one in here:
        reading = Reading.from_json(one.reading)
        rows.append(
            {
                _("file"): names[one.id],
                _("line or site"): reading.site if reading.domain is None else f"({reading.domain})",
                _("series"): one.n_series,
                _("rows"): one.n_rows,
                _("channels"): one.n_channels,
                _("label"): reading.label or (_("in the file") if reading.layout == "ts" else ""),
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(40 * len(rows) + 44, 284))


def show(one: Dataset) -> None:
    [source] = sources_of([one])
    table = table_of(source)
    st.subheader(plain(one.file_name), anchor=False)
    st.markdown(summary(table))
    if one.read_like:
        words = _("It looks like {file}, and was read as you corrected that one.")
        st.info(words.format(file=plain(one.read_like)), icon=":material/history:")
    for notice in table.notices:
        st.warning(fill(notice.message, notice.facts), icon=":material/info:")
    for i, series in drawn(table.series, one.id):
        draw(series, key=f"{one.id}-{i}", named=len(table.series) > 1)
        quality.strip(source, i, series)
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{_('The first rows')}**")
        st.dataframe(pd.DataFrame(table.preview, columns=table.names), hide_index=True, height=220)
    with right:
        st.markdown(f"**{_('What each column holds')}**")
        st.dataframe(facts_table(table.facts), hide_index=True, height=220)
    if table.rejected:
        with st.expander(_("Rows that could not be used"), icon=":material/warning:"):
            rows = [(r.line, _(r.reason).format(**r.facts)) for r in table.rejected]
            st.dataframe(pd.DataFrame(rows, columns=[_("line"), _("why")]), hide_index=True)
    corrections.form(one, source.reading, table)


def drawn(series: tuple[Series, ...], key: str) -> list[tuple[int, Series]]:
    """All of them, or of many the one that is chosen."""
    if len(series) <= MOST_DRAWN:
        return list(enumerate(series))
    names = [f"{i + 1}: {s.domain or ''}" if s.domain != str(i + 1) else str(i + 1) for i, s in enumerate(series)]
    chosen = st.selectbox(_("Series"), range(len(series)), format_func=names.__getitem__, key=f"drawn-{key}")
    return [(chosen, series[chosen])]


def summary(table: Table) -> str:
    parts = [
        ngettext("{n} row", "{n} rows", table.n_rows).format(n=f"{table.n_rows:,}"),
        ngettext("{n} channel", "{n} channels", len(table.series[0].channels)).format(n=len(table.series[0].channels)),
    ]
    if len(table.series) > 1:
        parts.append(_("{n:,} series").format(n=len(table.series)))
    times = [s.time for s in table.series if s.time is not None]
    if times:
        first, last = min(t.min() for t in times), max(t.max() for t in times)
        parts.append(f"{pd.Timestamp(first):%Y/%m/%d %H:%M:%S} – {pd.Timestamp(last):%Y/%m/%d %H:%M:%S}")
    if table.rejected:
        parts.append(
            ngettext("{n} row not used", "{n} rows not used", len(table.rejected)).format(n=len(table.rejected))
        )
    return _("This is what I read:") + " **" + plain(" · ".join(parts)) + "**"


def draw(series: Series, key: str, *, named: bool) -> None:
    if named and series.domain is not None:
        st.markdown(f"**{plain(series.domain)}**")
    at = series.time if series.time is not None else pd.RangeIndex(len(series.values)).to_numpy()
    title = _("time") if series.time is not None else _("sample number")
    st.altair_chart(charts.traces(at, series.values, series.channels, title), key=f"draw-{key}", theme=None)


def facts_table(facts: tuple[ColumnFacts, ...]) -> pd.DataFrame:
    kinds = {"time": _("time"), "number": _("number"), "text": _("words"), "empty": _("empty")}
    rows = [
        {
            _("column"): f.name,
            _("kind"): _("number, never changes") if f.kind == "number" and f.constant else kinds[f.kind],
            _("values"): f.n_values,
            _("missing"): f.n_missing,
            _("smallest"): "" if f.minimum is None else f"{f.minimum:g}",
            _("largest"): "" if f.maximum is None else f"{f.maximum:g}",
        }
        for f in facts
    ]
    return pd.DataFrame(rows)


with guard():
    current = pilot.current()
    st.title(_("Did it read my file right?"), anchor=False)
    st.markdown(_("Upload sensor data as CSV and check it. The next step draws it as a map."))
    uploads(current.id)
    with database().session(who.here()) as db:
        here = datasets.of_pilot(db, current.id)
    if not here:
        st.info(_("No data yet. Upload a CSV, or try the press-line example."), icon=":material/upload_file:")
        if st.button(_("Use the example"), type="primary", icon=":material/science:"):
            examples.use(current.id)
            st.rerun()
        examples.shelf(current.id)
        st.stop()
    names = names_of(here)
    shown = here[-1]
    if len(here) > 1:
        overview(here)
        chosen = st.selectbox(
            _("File"), list(names), len(here) - 1, format_func=names.__getitem__, key=f"file-{len(here)}"
        )
        shown = next(one for one in here if one.id == chosen)
    if st.button(_("Use this data"), type="primary", icon=":material/arrow_forward:"):
        st.switch_page("maps.py", query_params=pilot.address())
    with guard():
        show(shown)
    examples.shelf(current.id)
