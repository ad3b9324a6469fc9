"""How a file is written is seen from its first lines."""

import csv
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cells import Notation, number
from core.delimited import SPACES, Dialect
from core.dialects import SAMPLE_LINES, likely, sample
from core.errors import UserError

ROWS = [[f"2026/11/23 14:{i:02}:00", f"{i * 1.5 + 0.25}", f"{i % 7 + 0.5}"] for i in range(40)]


def joined(rows: list[list[str]], delimiter: str = ",") -> str:
    return "".join(delimiter.join(row) + "\n" for row in rows)


DATA = joined(ROWS)
TABLE = "time,load,temp\n" + DATA


def top(text: str, **said: object) -> tuple[int, int]:
    """How many rows stand above the table, and how many name its columns."""
    dialect, _ = likely(text, **said)
    return dialect.skip, dialect.header


# ---- a planted dialect is found

CLOCKS = (
    "2026-11-23 14:{:02}:00",
    "2026/11/23 14:{:02}",
    "2026-11-23T14:{:02}:00",
    "23.11.2026 14:{:02}",
    "2026年11月23日 14時{:02}分",
)


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, Dialect, list[list[str]], Notation]:
    """A table of a clock and numbers, written in some way; so that it can be read in one way only."""
    delimiter = draw(st.sampled_from(",;\t|"))
    decimal = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from([mark for mark in ("", ",", ".", " ", "'") if mark != decimal]))
    clock = draw(st.sampled_from(CLOCKS))
    header = draw(st.integers(0, 1))
    values = st.lists(st.integers(-999_999, 999_999), min_size=2, max_size=2)
    rows = draw(st.lists(values, min_size=6, max_size=30))
    sure = [[1_234_567, 5]]  # a number that shows both marks
    written = [
        [
            clock.format(i),
            *(f"{v / 100:,.2f}".replace(",", "~").replace(".", decimal).replace("~", thousands) for v in row),
        ]
        for i, row in enumerate(sure + rows)
    ]
    out = io.StringIO(newline="")
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(
        out, delimiter=delimiter, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"]))
    )
    writer.writerows([["time", "load", "temp"]] * header + written)
    return out.getvalue(), Dialect(delimiter, header=header), written, Notation(decimal, thousands)


@settings(max_examples=1000, deadline=None)
@given(planted())
def test_a_planted_dialect_is_always_found(plant: tuple[str, Dialect, list[list[str]], Notation]):
    text, dialect, written, notation = plant
    found, how = likely(text)
    assert found == dialect
    assert [number(row[1], how) for row in written] == [number(row[1], notation) for row in written]


@pytest.mark.parametrize("header", [0, 1])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("pad", ["", "  "])
def test_columns_may_be_aligned_with_spaces(header: int, end: str, pad: str):
    names = ["t load temp"] * header
    text = end.join([*names, *(f"{pad}{i * 0.1:8.3f} {i * i:8.2f}  {i % 7:4d}" for i in range(30)), ""])
    assert likely(text)[0] == Dialect(SPACES, header=header)


def test_single_quotes_and_bars_are_found():
    quoted = joined([["'time'", "'load, kN'"], *([f"'{t}'", f"'{v}'"] for t, v, _ in ROWS)])
    assert likely(quoted)[0] == Dialect(",", "'")
    assert likely(TABLE.replace(",", "|"))[0] == Dialect("|")


def test_spaces_in_times_and_numbers_do_not_separate_cells():
    for thousands in " '":
        text = joined([[t, f"1{thousands}23{i % 10},5"] for i, (t, _, _) in enumerate(ROWS)], ";")
        dialect, notation = likely(text)
        assert (dialect.delimiter, notation) == (";", Notation(",", thousands))


@pytest.mark.parametrize(
    "text",
    [
        "load\n1.5\n2.5\n",
        "load\n1,5\n2,5\n",
        "1\n2\n3\n",
        "time\n2026-11-23 14:05\n2026-11-23 14:06\n",
        "load\n1 234\n",
    ],
)
def test_a_single_column_stays_one(text: str):
    dialect, _ = likely(text)
    assert dialect.delimiter not in text.strip()


def test_what_a_person_says_is_taken_as_said():
    said = {"delimiter": ";", "quote": "'", "comment": "%", "notation": Notation(","), "skip": 2, "header": 3}
    assert likely(TABLE, **said) == (Dialect(";", "'", "%", 2, 3), Notation(","))
    assert likely(TABLE, header=0)[0] == Dialect(header=0)
    assert likely(TABLE, quote="")[0] == Dialect(quote="")


# ---- rows above the table


@pytest.mark.parametrize(
    ("above", "n"),
    [
        ("Machine: X\n", 1),
        ("Machine: X\n\nDate: Y\n\n", 4),
        ("Machine,X,\n,,\nDate,Y,\n,,\n", 4),  # padded to the width of the table
        ("Machine,X,\nDate,Y,\n", 2),
        ("Machine,X\nStart,2026/11/23 14:00\n", 2),
        ("Line,7,\nStart,2026/11/23,14:00\n", 2),
        ('"Press, no. 3"\n', 1),
        ("sep=,\n", 1),
        ("".join(f"Key {i}: value\n" for i in range(60)), 60),
        ("".join(f"Key{i},{i},,\n" for i in range(30)) + "\n", 31),
        ("\n\n", 0),  # blank lines are no rows to tell about
    ],
)
def test_what_stands_above_the_table_is_told_from_it(above: str, n: int):
    assert top(above + TABLE) == (n, 1)


def test_what_stands_above_a_table_without_names_is_told_from_it():
    assert top("Machine: X\n\n" + DATA) == (2, 0)
    assert top(DATA) == (0, 0)


@pytest.mark.parametrize(
    "above", ["Machine;X;\n", "Machine;X\n\n", "".join(f"Key{i}: value {i}\n" for i in range(40)) + "\n"]
)
def test_a_table_with_decimal_commas_is_found_below_a_machines_own_words(above: str):
    rows = joined([[t, v.replace(".", ","), w.replace(".", ",")] for t, v, w in ROWS], ";")
    dialect, notation = likely(above + "time;load;temp\n" + rows)
    assert (dialect.delimiter, dialect.header, notation) == (";", 1, Notation(","))
    assert dialect.skip == above.count("\n")


# ---- headings


@pytest.mark.parametrize(
    ("heading", "n"),
    [
        ("time,load,temp\n", 1),
        ("time,load,temp\n,kN,℃\n", 2),
        ("time,load,temp\n[],[kN],[C]\n", 2),
        ("time,load,temp\nyyyy/mm/dd,kN,℃\n", 2),
        ("time,1,2\n,kN,℃\n", 2),  # sensors may be called one and two
        (",CH1,CH2\ntime,load,temp\n", 2),
        ("日時,CH1,CH2\n,荷重,温度\n,kN,℃\n", 3),
        ("time,load,\n", 1),  # a column without a name
        ("time,1,2\n", 1),
        ("\ntime,load,temp\n\n", 1),  # with a blank line below
    ],
)
def test_the_rows_that_name_the_columns_are_counted(heading: str, n: int):
    assert top(heading + DATA) == (0, n)
    skip, header = top("Machine: X\n" + heading + DATA)
    assert (skip, header) == (1, n) or (heading.startswith("\n") and (skip, header) == (2, n))


def test_a_heading_one_cell_too_short_is_still_the_heading():
    assert top("load,temp\n" + DATA) == (0, 1)
    assert top("Machine: X\n\nload,temp\n" + DATA) == (2, 1)


@pytest.mark.parametrize("row", ["2026/11/23 13:59:00,-,-\n", "-,-,-\n", "2026/11/23 13:59:00,,\n", ",,5.5\n"])
def test_a_first_row_with_gaps_is_no_row_of_units(row: str):
    assert top("time,load,temp\n" + row + DATA) == (0, 1)
    assert top(row + DATA)[0] == 0


def test_footers_do_not_matter():
    assert top(TABLE + "Total,50\n") == (0, 1)
    assert top(TABLE + "\nEnd of file\n") == (0, 1)


# ---- comments


@pytest.mark.parametrize("mark", ["#", "%", "//"])
def test_comments_are_known_by_the_first_line(mark: str):
    dialect, _ = likely(f"{mark} by hand, with care\n{mark}\n" + TABLE)
    assert (dialect.comment, dialect.skip, dialect.header) == (mark, 2, 1)


def test_the_heading_may_be_a_comment():
    assert likely("#time,load,temp\n" + DATA)[0] == Dialect(comment="#")
    assert likely("# by hand\n# time,load,temp\n" + DATA)[0] == Dialect(comment="#", skip=1)
    assert likely("# t load\n" + "".join(f"{i} {i * 0.5}\n" for i in range(9)))[0] == Dialect(SPACES, comment="#")
    assert top("# by hand, with care\n" + DATA) == (1, 0)


def test_a_first_column_that_is_called_number_sign_is_no_comment_everywhere():
    assert likely("#,load\n1,1.5\n2,2.5\n3,2.5\n")[0] == Dialect(comment="#")  # reads the same: the heading is kept


# ---- limits


@pytest.mark.parametrize("text", ["", "\n\n \r\n", ",,\n,,\n"])
def test_a_text_without_anything_is_empty(text: str):
    with pytest.raises(UserError, match="empty"):
        likely(text)


def test_fifty_thousand_identical_headers_are_refused_at_once():
    started = time.process_time()
    with pytest.raises(UserError, match="50001 columns; the most is 1000"):
        likely("value," * 50_000 + "\n" + "1," * 50_000 + "\n")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("word", ["x" * 4_000_000, "x.y-" * 1_000_000, "http://" + "a/" * 500_000])
def test_a_word_of_any_length_is_looked_at_in_no_time(word: str):
    started = time.process_time()
    likely(word + "\n1\n2\n")
    assert time.process_time() - started < 5


def test_only_the_first_lines_are_looked_at_and_none_that_is_cut():
    assert len(sample("1\n" * 10_000)) == SAMPLE_LINES
    lines = sample(("9" * 999 + "\r\n") * 1000)
    assert set(lines) == {"9" * 999 + "\r\n"}
    assert sample("a\r\nb\rc\nd") == ["a\r\n", "b\r", "c\n", "d"]


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("01.,;|\t \"'#%/a異:-[]\n\n\r"), max_size=60))
def test_any_text_has_a_dialect_or_is_refused(text: str):
    try:
        dialect, notation = likely(text)
    except UserError:
        return
    assert isinstance(dialect, Dialect)
    assert isinstance(notation, Notation)
