"""A file is read as it stands, or refused with a reason and a way out."""

import csv
import io
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cells import Notation
from core.cells import number as cells_number
from core.delimited import Dialect, lenient
from core.errors import UserError
from core.readings import Reading
from core.tables import ColumnFacts, Table, guess, open_file, read

PLAIN = Reading(channels=("a",))
JAPANESE = ("utf-8", "utf-8-sig", "utf-16", "cp932")  # encodings that are told from one another for certain


def table(text: str, **changes: object) -> Table:
    """As the program reads it by itself, but for the changes that a person makes."""
    data = text.encode()
    return read(data, replace(guess(data), **changes))


def facts(of: Table, name: str) -> ColumnFacts:
    return next(f for f in of.facts if f.name == name)


def refusal(data: bytes, reading: Reading | None = None) -> str:
    with pytest.raises(UserError) as caught:
        read(data, reading) if reading else guess(data)
    assert caught.value.remedy
    return str(caught.value)


# ---- every way a plain file is written


@pytest.mark.parametrize("encoding", JAPANESE)
@pytest.mark.parametrize(
    ("delimiter", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ".")]
)
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encoding_separator_decimal_mark_and_header_are_recognised(
    encoding: str, delimiter: str, decimal: str, header: bool, newline: str
):
    rows = [["時刻", "荷重", "状態"]] if header else []
    rows += [[f"2026/11/23 14:0{i}", f"{i}.{i}5".replace(".", decimal), "正常"] for i in range(6)]
    data = newline.join(delimiter.join(row) for row in rows).encode(encoding)
    reading = guess(data)
    names = ("時刻", "荷重", "状態") if header else ("column 1", "column 2", "column 3")
    assert (reading.encoding, reading.dialect.delimiter, reading.notation.decimal) == (encoding, delimiter, decimal)
    assert (reading.dialect.header, reading.time, reading.channels) == (header, names[0], (names[1],))
    (series,) = read(data, reading).series
    assert series.values[:, 0].tolist() == [float(f"{i}.{i}5") for i in range(6)]


def number(value: float, notation: Notation) -> str:
    """As people write it; exactly, and with thousands marks where it has thousands."""
    text = repr(value)
    whole, point, rest = text.partition(".")
    if "e" in text or not point:
        return text.replace(".", notation.decimal)
    grouped = f"{int(whole):,}" if whole != "-0" else whole
    return grouped.replace(",", notation.thousands) + notation.decimal + rest


finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(st.sampled_from("aZ0-.,;'#荷重表ソ①ｱ℃　"), max_size=8).map(str.strip)
awkward = st.sampled_from(["", 'say "hi"', "a,b;c\td|e", "two\nlines", "two\r\nlines", "NA", "007", "=1+1", "it's"])
notations = [Notation(decimal, mark) for decimal in ".," for mark in ("", ",", ".", " ", "'") if mark != decimal]
quoting = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])


@settings(max_examples=1000, deadline=None)
@given(
    rows=st.lists(st.tuples(finite, st.one_of(st.none(), finite), st.one_of(words, awkward)), min_size=2, max_size=9),
    encoding=st.sampled_from([*JAPANESE, "euc_jp", "iso2022_jp", "utf-16-le", "gb18030"]),
    dialect=st.builds(Dialect, st.sampled_from(",;\t|"), st.sampled_from("\"'"), header=st.integers(0, 1)),
    notation=st.sampled_from(notations),
    style=quoting,
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_is_written_is_read_back(
    rows: list[tuple[float, float | None, str]],
    encoding: str,
    dialect: Dialect,
    notation: Notation,
    style: int,
    end: str,
):
    rows = [(x, y, word.replace("①", "(1)").replace("ｱ", "ア")) for x, y, word in rows]  # not in every encoding
    if end == "\r":  # Python writes a cell with another line break than this without marks around it
        rows = [(x, y, word.replace("two\nlines", "two\rlines")) for x, y, word in rows]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=dialect.delimiter, quotechar=dialect.quote, quoting=style, lineterminator=end)
    names = ("x", "y", "word") if dialect.header else ("column 1", "column 2", "column 3")
    writer.writerows([names] * dialect.header)
    writer.writerows((number(x, notation), "" if y is None else number(y, notation), word) for x, y, word in rows)
    reading = Reading(encoding, dialect=dialect, notation=notation, channels=names[:1], label=names[2])
    back = read(out.getvalue().encode(encoding), reading)
    assert (back.n_rows, back.rejected, back.names) == (len(rows), (), names)
    (series,) = back.series
    assert series.values[:, 0].tolist() == [x for x, _, _ in rows]
    assert list(series.label) == [word for _, _, word in rows]
    known = [y for _, y, _ in rows if y is not None]
    assert (facts(back, names[1]).n_values, facts(back, names[1]).n_missing) == (len(known), len(rows) - len(known))
    assert (facts(back, names[1]).minimum, facts(back, names[1]).maximum) == (
        (min(known), max(known)) if known else (None, None)
    )


def test_columns_that_spaces_align_are_read_back():
    text = "  t     load\n" + "".join(f"{i * 0.5:6.2f} {i - 7.25:8.3f}  \n" for i in range(30))
    assert table(text).series[0].values[:, -1].tolist() == [i - 7.25 for i in range(30)]


lines = st.lists(st.text(st.sampled_from("0159.,; -+e異#\u3000１"), max_size=12), max_size=15)
head = st.sampled_from(["", "h\n", "h,k\n", "# x\n", "Machine: X\n\nh;k\n", "h,k\n1.5,2\n2.5,3\n", "1;5\n2;6\n3;7\n"])


@settings(max_examples=1000, deadline=None)
@given(head=head, lines=lines)
def test_every_row_is_heading_kept_or_rejected_and_every_number_is_that_of_its_line(head: str, lines: list[str]):
    text = head + "\n".join(lines)
    try:
        reading, back = open_file(text.encode())
    except UserError:
        return
    written = text.split("\n")
    gone = [*back.heading, *(one.line for one in back.rejected)]
    kept = [n for n in range(1, len(written) + 1) if n not in gone]
    assert len(gone) == len(set(gone))
    assert set(gone) <= set(range(1, len(written) + 1))
    assert "".join(written[n - 1] for n in kept[back.n_rows :]).strip(" ,;|\t\u3000") == ""  # blank lines at the end
    assert all(one.reason.format(**one.facts) for one in back.rejected)
    if reading.layout != "wide":
        return
    assert back.n_rows == sum(len(one.values) for one in back.series)
    if reading.time is None and reading.domain is None:
        for c, name in enumerate(back.series[0].channels):
            at = back.names.index(name)
            for n, value in zip(kept, back.series[0].values[:, c], strict=False):
                cells = [*lenient(written[n - 1], reading.dialect.delimiter, reading.dialect.quote)]
                cell = cells[0][at] if at < len(cells[0]) else ""
                said = None if cell in reading.missing else cells_number(cell, reading.notation)
                assert np.isnan(value) if said is None or not np.isfinite(said) else value == said


texts = st.text(st.sampled_from('01.,;"\n\r -a異:/#'), max_size=60).map(str.encode)


@settings(max_examples=1000, deadline=None)
@given(data=st.one_of(texts, st.binary(max_size=200)))
def test_whatever_the_guess_accepts_is_read_to_the_same_table_and_the_rest_is_refused(data: bytes):
    try:
        reading, opened = open_file(data)
    except UserError:
        return
    back = read(data, reading)
    for field in ("names", "preview", "facts", "n_rows", "rejected", "heading", "notices", "sheets"):
        assert getattr(back, field) == getattr(opened, field), field
    for one, other in zip(back.series, opened.series, strict=True):
        assert np.array_equal(one.values, other.values, equal_nan=True)
        assert one.domain == other.domain


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\n \r\n", "empty"),
        (b",,,\n,,,\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"time,load\n", "only a header"),
        (b"time,load\n2026-11-23 14:05,1.5\n", "only one row"),
        (b"1.5,2.5\n", "only one row"),
        (b"name,word\na,b\nc,d\n", "no column of measurements"),
        (b"time,load\n2026-11-23,\n2026-11-24,NaN\n", "no column of measurements"),
        (b"a,b\n1,2\n\x00,3\n", "not a text file"),
        (b'a,b\n1,2\n"3,4\n5,6\n', "line 3"),
        (b"%PDF-1.7\n1 0 obj\n", "PDF"),
    ],
)
def test_a_hopeless_file_is_refused_with_a_reason(data: bytes, says: str):
    assert says in refusal(data)


def test_fifty_thousand_columns_are_refused_at_once():
    data = ("value," * 50_000 + "\n" + "1," * 50_000 + "\n").encode()
    started = time.process_time()
    assert "50001 columns; the most is 1000" in refusal(data)
    assert time.process_time() - started < 5


def test_a_thousand_columns_are_read():
    names = [f"s{i}" for i in range(1000)]
    text = "\n".join([",".join(names), *(",".join(str(i + k / 8) for i in range(1000)) for k in range(3))])
    assert guess(text.encode()).channels == tuple(names)


def test_a_short_japanese_windows_file_is_not_taken_for_another_encoding():
    data = "温度,異常\n1.5,0\n2.5,1\n".encode("cp932")
    assert guess(data).encoding == "cp932"
    assert guess(data).channels == ("温度",)


def test_quoted_cells_may_hold_separators_quotation_marks_and_line_breaks():
    back = table('a,note\n1,"x, ""y""\nz"\n2,plain\n')
    assert back.preview == (("1", 'x, "y"\nz'), ("2", "plain"))


def test_quoted_decimal_commas_are_told_from_thousands():
    assert table('a,b\n"0,5","1,25"\n"1,5","2,25"\n').series[0].values.tolist() == [[0.5, 1.25], [1.5, 2.25]]
    thousands = table('a,b\n"1,234",5\n"2,345",6\n')
    assert thousands.series[0].values.tolist() == [[1234, 5], [2345, 6]]
    assert [n.facts for n in thousands.notices] == [{"text": "1,234", "value": "1234"}]  # it could be one and a bit
    assert table('a,b\n"1,234.5",5\n"2,345",6\n').notices == ()


def test_a_single_column_needs_no_separator():
    assert table("load\n1.5\n2.5\n").series[0].values.tolist() == [[1.5], [2.5]]
    assert table("load\n1,5\n2,5\n").series[0].values.tolist() == [[1.5], [2.5]]


# ---- what a person may not choose


@pytest.mark.parametrize("part", ["time", "label", "domain"])
def test_a_column_that_is_not_there_is_named(part: str):
    assert "“nowhere”" in refusal(b"a\n1\n2\n", replace(PLAIN, **{part: "nowhere"}))


def test_a_channel_that_is_not_there_is_named_with_the_choices():
    said = refusal(b"a,b\n1,2\n3,4\n", replace(PLAIN, channels=("a", "c")))
    assert "“c”" in said
    assert "a, b" in said


@pytest.mark.parametrize(
    ("column", "says"), [("nothing", "no values"), ("endless", "no values"), ("word", "words in it")]
)
def test_a_channel_without_numbers_cannot_be_chosen(column: str, says: str):
    data = b"a,nothing,endless,word\n1,,inf,x\n2,,1e400,y\n"
    assert guess(data).channels == ("a",)
    assert says in refusal(data, replace(PLAIN, channels=(column,)))


def test_a_long_table_needs_its_columns_and_channels_that_it_names():
    data = b"variable,value\np,1\nq,2\n" * 3
    long = replace(PLAIN, layout="long", channels=("p",))
    assert "names the channel and which one holds its value" in refusal(data, long)
    assert "no column “x”" in refusal(data, replace(long, variable="x", value="value"))
    said = refusal(data, replace(long, variable="variable", value="value", channels=("p", "r")))
    assert "never names the channel “r”" in said
    assert "p, q" in said


def test_no_channel_at_all_is_refused():
    assert "No channel" in refusal(b"a\n1\n2\n", replace(PLAIN, channels=()))


def test_a_time_column_that_is_none_is_refused():
    assert "“word”" in refusal(b"word,a\nx,1\ny,2\n", replace(PLAIN, time="word"))


def test_ambiguous_dates_cannot_be_chosen_as_time():
    assert "24/01/02 3:04" in refusal(b"when,a\n24/01/02 3:04,1\n24/01/02 3:05,2\n", replace(PLAIN, time="when"))


def test_an_encoding_that_does_not_fit_is_refused():
    assert "utf-8" in refusal("温度\n1\n2\n".encode("cp932"), replace(PLAIN, channels=("温度",)))


def test_guess_and_read_refuse_alike():
    for data in (b"", b"a,b\n", b"a\n1\n", b"%PDF-1.7", b'a\n1\n"2\n3\n', b"a\n1\n\0"):
        assert refusal(data) == refusal(data, PLAIN)


def test_a_column_that_differs_in_every_row_is_no_domain():
    data = ("id,a\n" + "".join(f"x{i},{i}\n" for i in range(10_001))).encode()
    assert guess(data).domain is None
    assert "10001 different values" in refusal(data, replace(PLAIN, domain="id"))


# ---- rows that are not kept


def test_a_row_that_does_not_fit_is_rejected_with_its_line_and_its_neighbours_stay():
    back = table('a,b\n1,2\n3\n\n4,5,6\n"7"x,8\n9,"two\nlines"\n10,11\n\n,\n')
    assert [(r.line, r.reason.format(**r.facts)) for r in back.rejected] == [
        (3, "It has too few cells: 1 instead of 2."),
        (4, "It is empty."),
        (5, "It has too many cells: 3 instead of 2."),
        (6, "Its quotation marks do not match."),
    ]
    assert back.preview == (("1", "2"), ("9", "two\nlines"), ("10", "11"))


def test_a_row_longer_than_the_header_does_not_shift_the_columns():
    said = refusal(b"a,b\nr1,1,2\nr2,3,4\nr3,5,6\n")
    assert "line 2" in said


def test_empty_cells_beyond_the_last_name_are_no_cells():
    assert table("a,b\n1,2,\n3,4,,\n").rejected == ()
    assert table("a,b,,\n1,2\n3,4,,\n").rejected == ()


def test_a_row_without_a_readable_time_is_rejected():
    text = "time,a\n" + "".join(f"2026-11-23 14:{i:02},{i}\n" for i in range(30)) + "soon,30\n,31\n"
    back = table(text)
    assert [(r.line, r.reason.format(**r.facts)) for r in back.rejected] == [
        (32, "Its time “soon” cannot be read like the others."),
        (33, "It has no time."),
    ]
    assert back.n_rows == 30


def test_a_row_that_belongs_to_no_line_is_rejected():
    back = table("line,a\nL1,1\nL1,2\nL2,3\n,4\nL2,5\n", domain="line")
    assert [(r.line, r.facts) for r in back.rejected] == [(5, {"column": "line"})]


def test_a_row_that_belongs_to_no_channel_is_rejected():
    rows = "".join(f"2026-11-23 14:{i // 2:02},{'pq'[i % 2]},{i}.5\n" for i in range(40))
    back = table("time,variable,value\n" + rows + "2026-11-23 15:00,,7\n")
    assert [(r.line, r.facts) for r in back.rejected] == [(42, {"column": "variable"})]
    assert (back.n_rows, back.series[0].values.shape) == (40, (20, 2))


def test_a_series_without_samples_is_rejected():
    rows = ["\t".join([str(k % 2), *(f"{np.sin(i / 5) + 9 * k:.4f}" for i in range(30))]) for k in range(6)]
    back = table("\n".join([*rows[:3], "1" + "\tNaN" * 30, *rows[3:]]))
    assert [(r.line, r.reason) for r in back.rejected] == [(4, "It has no values.")]
    assert (back.n_rows, [len(one.values) for one in back.series]) == (6, [30] * 6)


# ---- columns


def test_sensors_may_be_called_one_two_three():
    assert table("time,1,2\n2026-11-23,5,6\n2026-11-24,7,8\n").series[0].channels == ("1", "2")


def test_a_constant_channel_is_used_and_marked():
    back = table("a,b\n1.5,5\n2.5,5\n")
    assert back.series[0].channels == ("a", "b")
    assert [f.constant for f in back.facts] == [False, True]


def test_an_empty_column_is_no_channel_and_says_so():
    back = table("a,b\n1.5,NaN\n2.5,\n")
    assert back.series[0].channels == ("a",)
    assert (facts(back, "b").kind, facts(back, "b").n_missing) == ("empty", 2)


def test_missing_marks_are_proposed_only_where_numbers_stand():
    data = "a,b,area\n1.5,-,NA\n欠測,2.5,EU\n3.5,4.5,NA\n5.5,6.5,EU\n7.5,8.5,EU\n".encode()
    reading = guess(data)
    assert reading.missing == ("-", "欠測")
    back = read(data, reading)
    assert (facts(back, "a").n_missing, facts(back, "a").n_unreadable) == (1, 0)
    assert list(back.series[0].label) == ["NA", "EU", "NA", "EU", "EU"]


def test_unknown_words_and_infinite_values_in_a_channel_are_missing_and_told():
    back = table("a\n1.5\n1e400\n2.5\nbroken\n3.5\n4.5\n-inf\n5.5\n6.5\n")
    assert np.isnan(back.series[0].values[:, 0]).sum() == 3
    assert (facts(back, "a").n_missing, facts(back, "a").n_infinite, facts(back, "a").n_unreadable) == (3, 2, 1)
    told = [notice.message.format(**notice.facts) for notice in back.notices]
    assert any("2 infinite values" in text for text in told)
    assert any("“broken” in line 5" in text for text in told)


def test_facts_count_what_is_there():
    back = table("a,word\n1.5,x\n,y\n-2.5,x\n", channels=("a",))
    assert back.facts == (
        ColumnFacts("a", "number", 2, 1, 0, 0, -2.5, 1.5, constant=False),
        ColumnFacts("word", "text", 3, 0, 0, 0, None, None, constant=False),
    )


def test_numbers_with_zeros_in_front_and_a_label_that_is_called_na_stay_what_they_are():
    back = table(
        "time,load,state\n" + "".join(f"2026-11-23 14:{i:02},{i:03},{['NA', 'ok'][i % 2]}\n" for i in range(20))
    )
    assert back.preview[7] == ("2026-11-23 14:07", "007", "ok")
    assert back.series[0].values[7, 0] == 7
    assert list(back.series[0].label[:2]) == ["NA", "ok"]


def test_a_series_is_called_after_its_site_where_no_column_says_it():
    assert table("a\n1\n2\n", site="press 3").series[0].domain == "press 3"
    by_line = table("line,a\nL1,1\nL1,2\nL2,3\nL2,4\n", site="press 3")
    assert [one.domain for one in by_line.series] == ["L1", "L2"]
    reading, opened = open_file(b"a\n1\n2\n", site="press 3")
    assert (reading.site, opened.series[0].domain) == ("press 3", "press 3")


def test_a_rate_is_the_step_where_there_is_no_clock():
    assert table("a\n1\n2\n", rate=4.0).series[0].step == 0.25
    assert table("time,a\n2026-11-23,1\n2026-11-24,2\n", rate=4.0).series[0].step is None


# ---- time


def test_ambiguous_dates_stay_text_and_the_table_says_so():
    back = table("when,a\n24/01/02 3:04,1\n24/01/02 3:05,2\n")
    assert back.series[0].time is None
    assert facts(back, "when").kind == "text"
    assert [notice.facts for notice in back.notices] == [{"column": "when"}]


def test_rows_out_of_order_are_sorted_within_their_series_and_told():
    text = "time,line,a\n2026-11-25,x,3\n2026-11-23,x,1\n2026-11-23,x,2\n2026-11-23,y,9\n2026-11-24,y,8\n"
    back = table(text, domain="line", label=None, channels=("a",))
    assert [s.values[:, 0].tolist() for s in back.series] == [[1, 2, 3], [9, 8]]
    assert [notice.facts for notice in back.notices] == [{"n": 1}, {"n": 1}]


def test_labels_move_with_their_rows():
    back = table("time,a,label\n2026-11-24,2,late\n2026-11-23,1,early\n")
    assert list(back.series[0].label) == ["early", "late"]


# ---- real files


@pytest.mark.parametrize("number", range(4))
def test_skab_valve_files_are_read_with_their_label_and_without_their_events(shared_data: Path, number: int):
    data = (shared_data / f"skab/valve1/{number}.csv").read_bytes()
    reading = guess(data)
    assert (reading.dialect.delimiter, reading.time, reading.label) == (";", "datetime", "anomaly")
    assert len(reading.channels) == 8
    assert "changepoint" not in reading.channels
    back = read(data, reading)
    assert back.n_rows == len(data.splitlines()) - 1
    assert set(back.series[0].label) == {"0.0", "1.0"}
    assert not np.isnan(back.series[0].values).any()


def test_skab_without_labels(shared_data: Path):
    data = (shared_data / "skab/anomaly-free.csv").read_bytes()
    reading = guess(data)
    assert (reading.time, reading.label, len(reading.channels)) == ("datetime", None, 8)
    assert read(data, reading).n_rows == 9405


@pytest.mark.parametrize(
    ("name", "n_rows"),
    [("machine_temperature_system_failure", 22695), ("nyc_taxi", 10320), ("ambient_temperature_system_failure", 7267)],
)
def test_nab_values_equal_their_text(shared_data: Path, name: str, n_rows: int):
    data = (shared_data / f"nab/{name}.csv").read_bytes()
    (series,) = read(data, guess(data)).series
    rows = sorted((line.split(",") for line in data.decode().splitlines()[1:]), key=lambda row: row[0])
    assert len(rows) == n_rows
    assert series.values[:, 0].tolist() == [float(value) for _, value in rows]
    assert series.time.tolist() == np.array([time for time, _ in rows], "datetime64[ns]").tolist()


def test_what_a_person_said_is_kept_and_the_rest_is_guessed_from_there():
    data = b"a;b\n" + b"0,5;1\n0,7;2\n0,1;5\n" * 3
    assert guess(data).channels == ("a", "b")
    told = guess(data, notation=Notation(), header=0)
    assert (told.dialect.delimiter, told.notation.decimal, told.dialect.header) == (";", ".", 0)
    assert told.channels == ("column 2",)  # with a point, 0,5 is no number; the first row is a row like the others


# ---- first rows that are not like the rest


@pytest.mark.parametrize("first", ["21.5,fault", "{x},1.2", "--- start ---", "init,0", ""])
def test_names_stay_above_rows_that_were_not_yet_measured(first: str):
    back = table(f"load,temp\n{first}\n" + "21.5,2.25\n" * 20)
    assert back.names == ("load", "temp")
    assert back.series[0].values[-20:].tolist() == [[21.5, 2.25]] * 20


def test_a_machine_that_warms_up_for_some_rows_keeps_its_names_and_times():
    rows = [f"2026-11-23 14:{i:02},{'warming up' if i < 6 else i / 8}" for i in range(40)]
    back = table("time,load\n" + "\n".join(rows))
    assert (back.n_rows, back.names, back.series[0].channels) == (40, ("time", "load"), ("load",))


def test_more_comments_than_rows_do_not_hide_the_table():
    back = table("".join(f"# key {i} = {i}\n" for i in range(30)) + "time,a,b\n" + "1,2.5,3\n2,3.5,4\n3,4.5,4\n")
    assert (back.names, back.n_rows, len(back.rejected)) == (("time", "a", "b"), 3, 30)


def test_prose_with_a_row_that_fits_here_and_there_is_no_table():
    prose = "".join(f"{'word ' * (3 + i % 17)}\n" for i in range(34))
    assert "Almost no row" in refusal(f"set -e\nif 0\nif 1\nif 2\n{prose}".encode())


def test_a_point_in_time_is_no_series_but_a_row_of_samples_is():
    samples = ",".join(f"{i / 8}" for i in range(1, 50))
    assert len(table(samples + "\n").series[0].values) == 49
    assert "only one row" in refusal((",".join(f"c{i}" for i in range(49)) + "\n" + samples + "\n").encode())


def test_an_arff_file_is_a_table_of_cases_and_no_archive_of_series():
    head = "@relation x\n@attribute a numeric\n@attribute class {u,v}\n@data\n"
    back = table(head + "1.5,u\n2.5,v\n" * 10)
    assert (back.n_rows, back.series[0].values[:2, 0].tolist()) == (20, [1.5, 2.5])


def test_a_comment_alone_is_refused():
    assert refusal(b"# a@b\n")
