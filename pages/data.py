"""Data: did it read my file right?"""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core import charts
from core.demo import press_line
from core.errors import UserError
from core.series import Series
from core.tables import DECIMALS, DELIMITERS, ENCODINGS, ColumnFacts, Reading, Table, guess
from feedback_db import datasets
from feedback_db.datasets import Dataset
from pages.parts import pilot
from pages.parts.guard import guard
from pages.parts.intake import names_of, read_again, sources_of, take_in
from pages.parts.text import _, fill, language, ngettext, plain, say
from pages.parts.work import database, store, table_of

NONE = ""  # the choice “there is no such column”


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


def _try_to_take(pilot_id: str, name: str, data: bytes) -> UserError | None:
    try:
        take_in(pilot_id, name, data)
    except UserError as problem:
        return problem  # shown beside the other files' results for as long as the file is listed
    return None


def show(one: Dataset) -> None:
    [source] = sources_of([one])
    table = table_of(source)
    st.subheader(plain(one.file_name), anchor=False)
    st.markdown(summary(table))
    for notice in table.notices:
        st.warning(fill(notice.message, notice.facts), icon=":material/info:")
    for i, series in enumerate(table.series):
        draw(series, key=f"{one.id}-{i}")
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
    correct(one, source.reading, table)


def summary(table: Table) -> str:
    n_rows = sum(len(s.values) for s in table.series)
    parts = [
        ngettext("{n} row", "{n} rows", n_rows).format(n=f"{n_rows:,}"),
        ngettext("{n} channel", "{n} channels", len(table.series[0].channels)).format(n=len(table.series[0].channels)),
    ]
    if len(table.series) > 1:
        parts.append(_("{n} lines or sites").format(n=len(table.series)))
    times = [s.time for s in table.series if s.time is not None]
    if times:
        first, last = min(t.min() for t in times), max(t.max() for t in times)
        parts.append(f"{pd.Timestamp(first):%Y/%m/%d %H:%M:%S} – {pd.Timestamp(last):%Y/%m/%d %H:%M:%S}")
    if table.rejected:
        parts.append(
            ngettext("{n} row not used", "{n} rows not used", len(table.rejected)).format(n=len(table.rejected))
        )
    return _("This is what I read:") + " **" + plain(" · ".join(parts)) + "**"


def draw(series: Series, key: str) -> None:
    if series.domain is not None:
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


def correct(one: Dataset, reading: Reading, table: Table) -> None:
    """Every guess as something that can be changed; a change that does not work says why and keeps the old one."""
    with st.expander(_("Not right? Correct it here"), icon=":material/tune:"):
        wanted = _columns_form(one, reading, table)
        wanted = _format_form(one, wanted)
        if wanted != reading:
            with guard():
                read_again(one, wanted)
                st.rerun()


def _columns_form(one: Dataset, reading: Reading, table: Table) -> Reading:
    key = f"{one.id}-{reading.encoding}-{reading.delimiter}-{reading.decimal}-{reading.header}"
    names = [NONE, *table.names]
    numbers = [f.name for f in table.facts if f.kind == "number"]

    def pick(label: str, value: str | None, field: str) -> str | None:
        at = names.index(value) if value in names else 0
        chosen = st.selectbox(label, names, index=at, format_func=lambda n: n or _("(none)"), key=f"{field}-{key}")
        return chosen or None

    left, right = st.columns(2)
    with left:
        time = pick(_("Time"), reading.time, "time")
        label = pick(_("Label (for example good / bad)"), reading.label, "label")
    with right:
        domain = pick(_("Line or site"), reading.domain, "domain")
        missing = st.text_input(
            _("Marks for a missing value, separated by spaces"), " ".join(reading.missing), key=f"missing-{key}"
        )
    options = list(dict.fromkeys([*reading.channels, *numbers]))
    chosen = st.multiselect(
        _("Channels (sensors)"),
        options,
        list(reading.channels),
        placeholder=_("choose"),
        key=f"channels-{key}",
    )
    channels = tuple(n for n in table.names if n in chosen and n not in (time, label, domain))
    return replace(
        reading,
        time=time,
        label=label,
        domain=domain,
        missing=tuple(missing.split()),
        channels=channels or reading.channels,
    )


def _format_form(one: Dataset, reading: Reading) -> Reading:
    """How the bytes are split. Other marks make other columns, so these are guessed again."""
    names = {",": _("comma ,"), ";": _("semicolon ;"), "\t": _("tab"), ".": _("point ."), "utf-8": "UTF-8"}
    columns = st.columns(4)

    def pick(i: int, label: str, options: Any, value: str, field: str) -> str:
        return columns[i].selectbox(
            label, options, options.index(value), format_func=lambda v: names.get(v, v), key=f"{field}-{one.id}"
        )

    encoding = pick(0, _("Characters"), list(ENCODINGS), reading.encoding, "encoding")
    delimiter = pick(1, _("Columns are separated by"), list(DELIMITERS), reading.delimiter, "delimiter")
    decimal = pick(2, _("Decimal mark"), list(DECIMALS), reading.decimal, "decimal")
    header = columns[3].toggle(_("The first row holds the names"), reading.header, key=f"head-{one.id}")
    if (encoding, delimiter, decimal, header) == (reading.encoding, reading.delimiter, reading.decimal, reading.header):
        return reading
    with guard():
        data = store().original(one.sha256)
        return guess(data, encoding=encoding, delimiter=delimiter, decimal=decimal, header=header)
    return reading


with guard():
    current = pilot.current()
    st.title(_("Did it read my file right?"), anchor=False)
    st.markdown(_("Upload sensor data as CSV and check it. The next step draws it as a map."))
    uploads(current.id)
    with database().session() as db:
        here = datasets.of_pilot(db, current.id)
    if not here:
        st.info(_("No data yet. Upload a CSV, or try the press-line example."), icon=":material/upload_file:")
        if st.button(_("Use the example"), type="primary", icon=":material/science:"):
            take_in(current.id, _("press line (example)") + ".csv", press_line(language()))
            st.rerun()
        st.stop()
    names = names_of(here)
    shown = here[-1]
    if len(here) > 1:
        chosen = st.selectbox(
            _("File"), list(names), len(here) - 1, format_func=names.__getitem__, key=f"file-{len(here)}"
        )
        shown = next(one for one in here if one.id == chosen)
    if st.button(_("Use this data"), type="primary", icon=":material/arrow_forward:"):
        st.switch_page("maps.py", query_params=pilot.address())
    with guard():
        show(shown)
