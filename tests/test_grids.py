"""Every row of a file is heading, kept, or rejected with its line and a reason; no cell moves."""

import io

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from core import grids
from core.delimited import COMMENTS, DELIMITERS, QUOTES, SPACES, Dialect
from core.errors import UserError
from core.grids import ABOVE, COMMENT, EMPTY, TOO_FEW, TOO_MANY, Grid, Rejected, grid


def table(text: str, **dialect: object) -> Grid:
    return grid([text], Dialect(**dialect))


def rows_of(cells: Grid) -> list[tuple[str, ...]]:
    return list(zip(*(column.to_pylist() for column in cells.columns), strict=True))


def reasons(cells: Grid) -> list[tuple[int, str]]:
    return [(one.line, one.reason.format(**one.facts)) for one in cells.rejected]


# ---- the invariant


def opens(line: str, inside: bool, delimiter: str, quote: str) -> bool:
    """Whether a quotation is open where a line ends, by the rules of RFC 4180 and spaces allowed before a mark."""
    at, fresh = 0, not inside
    while at < len(line):
        c = line[at]
        if inside and c == quote:
            if line[at + 1 : at + 2] == quote:
                at += 1
            elif line[at + 1 : at + 2] not in (delimiter, "\r", "\n", ""):
                return False  # not well formed: the row ends here
            else:
                inside = False
        elif not inside and c == quote and fresh:
            inside = True
        fresh = not inside and (c == delimiter or (fresh and c == " "))
        at += 1
    return inside


def row_starts(text: str, dialect: Dialect) -> list[int]:
    """The lines in which rows begin."""
    starts, inside = [], False
    for n, line in enumerate(io.StringIO(text, newline=""), 1):
        if not inside:
            starts.append(n)
        if dialect.quote and dialect.delimiter != SPACES:
            inside = opens(line, inside, dialect.delimiter, dialect.quote)
    return starts


def pieces_of(text: str, sizes: list[int]) -> list[str]:
    """A text in pieces of so many lines."""
    lines, pieces = list(io.StringIO(text, newline="")), []
    for size in sizes:
        pieces.append("".join(lines[:size]))
        lines = lines[size:]
    return [*pieces, "".join(lines)]


dialects = st.builds(
    Dialect,
    st.sampled_from(DELIMITERS),
    st.sampled_from(QUOTES),
    st.sampled_from(COMMENTS),
    st.integers(0, 3),
    st.integers(0, 3),
)
hostile = st.text(st.sampled_from("01.,;|\t \"'#%/a異\n\n\n\r\u3000\x1c\ufeff"), max_size=80)
plain = st.lists(
    st.lists(st.text(st.sampled_from("01.a 異"), max_size=3), min_size=1, max_size=3).map(";".join), max_size=12
).map("\n".join)
sizes = st.lists(st.integers(1, 5), max_size=4)


@settings(max_examples=1000, deadline=None)
@given(text=st.one_of(hostile, plain), dialect=dialects, cuts=sizes)
@example(text='a,b\n"1\n2",3\n\n4,5\n', dialect=Dialect(), cuts=[2])
def test_every_row_is_exactly_one_of_heading_kept_and_rejected(text: str, dialect: Dialect, cuts: list[int]):
    try:
        cells = grid(pieces_of(text, cuts), dialect)
    except UserError:
        return
    seen = [*cells.heading, *cells.lines.tolist(), *(one.line for one in cells.rejected)]
    expected = row_starts(text, dialect)
    assert sorted(seen) == expected[: len(seen)]
    lines = list(io.StringIO(text, newline=""))
    marks = (dialect.delimiter + dialect.quote).strip()
    after = expected[len(seen)] - 1 if len(seen) < len(expected) else len(lines)
    assert "".join(lines[after:]).translate(str.maketrans("", "", marks)).strip() == ""  # only blank ones at the end
    assert list(cells.lines) == sorted(cells.lines)
    assert [one.line for one in cells.rejected] == sorted(one.line for one in cells.rejected)
    assert all(one.reason.format(**one.facts).strip() for one in cells.rejected)
    assert {len(column) for column in cells.columns} == {len(cells.lines)}


@settings(max_examples=1000, deadline=None)
@given(text=st.one_of(hostile, plain), dialect=dialects, cuts=sizes)
def test_kept_cells_are_those_of_their_line(text: str, dialect: Dialect, cuts: list[int]):
    assume(not dialect.quote or dialect.quote not in text)
    try:
        cells = grid(pieces_of(text, cuts), dialect)
    except UserError:
        return
    lines = list(io.StringIO(text, newline=""))
    for line, row in zip(cells.lines, rows_of(cells), strict=True):
        written = lines[line - 1].rstrip("\r\n")
        found = written.split() if dialect.delimiter == SPACES else written.split(dialect.delimiter)
        found = [cell.strip() for cell in found]
        width = len(cells.columns)
        assert row == tuple(found[:width] + [""] * (width - len(found)))
        assert not any(found[width:])


@settings(max_examples=1000, deadline=None)
@given(text=st.one_of(hostile, plain), dialect=dialects, cuts=sizes)
def test_the_quick_way_and_row_by_row_are_the_same(text: str, dialect: Dialect, cuts: list[int]):
    def outcome(texts: list[str]) -> object:
        try:
            cells = grid(texts, dialect)
        except UserError as refusal:
            return str(refusal)
        return cells.names, rows_of(cells), cells.lines.tolist(), reasons(cells), cells.heading

    quickly = outcome(pieces_of(text, cuts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grids, "plain_columns", lambda *_: None)
        assert outcome([text]) == quickly


# ---- rows that are not kept


def test_a_row_that_does_not_fit_is_rejected_and_its_neighbours_stay():
    cells = table('a,b\n1,2\n3\n\n4,5,6\n"7"x,8\n9,"two\nlines"\n10,11\n\n,\n')
    assert reasons(cells) == [
        (3, "It has too few cells: 1 instead of 2."),
        (4, "It is empty."),
        (5, "It has too many cells: 3 instead of 2."),
        (6, "Its quotation marks do not match."),
    ]
    assert rows_of(cells) == [("1", "2"), ("9", "two\nlines"), ("10", "11")]
    assert cells.lines.tolist() == [2, 7, 9]


def test_a_header_one_cell_too_short_never_shifts_the_columns():
    cells = table("a,b\nr1,1,2\nr2,3,4\n")
    assert (len(cells.lines), [one.reason for one in cells.rejected]) == (0, [TOO_MANY] * 2)


def test_empty_cells_beyond_the_last_name_are_no_cells():
    assert rows_of(table("a,b\n1,2,\n3,4,,\n")) == [("1", "2"), ("3", "4")]
    assert rows_of(table("a,b,,\n1,2\n3,4,,\n")) == [("1", "2", "", ""), ("3", "4", "", "")]
    assert reasons(table("a,b,c\n1,2\n")) == [(2, "It has too few cells: 2 instead of 3.")]


def test_rows_above_the_table_and_comments_are_rejected_as_such():
    text = "Machine X\n\n# by hand\na,b\n# pause\n1,2\n\n  # end\n3,4\n"
    cells = table(text, comment="#", skip=3)
    assert (cells.names, cells.heading, cells.lines.tolist()) == (("a", "b"), (4,), [6, 9])
    kinds = [(1, ABOVE), (2, EMPTY), (3, ABOVE), (5, COMMENT), (7, EMPTY), (8, COMMENT)]
    assert [(one.line, one.reason) for one in cells.rejected] == kinds


def test_a_heading_may_be_written_as_a_comment():
    assert table("#time,load\n1,2\n", comment="#").names == ("time", "load")
    assert table("# time load\n1 2\n", comment="#", delimiter=" ").names == ("time", "load")
    assert table("#\n#,load\n1,2\n", comment="#").names == ("column 1", "load")  # a mark alone names nothing


def test_a_heading_with_an_open_quotation_mark_is_refused():
    with pytest.raises(UserError, match="line 1"):
        table('"a"x,b\n1,2\n')


def test_without_names_rows_are_as_wide_as_most_of_the_first_ones():
    cells = table("1\n1,2\n\n# x\n3,4\n5,6,7\n", header=0, comment="#")
    assert (cells.names, rows_of(cells)) == (("column 1", "column 2"), [("1", "2"), ("3", "4")])
    assert reasons(cells)[0] == (1, "It has too few cells: 1 instead of 2.")
    assert rows_of(table("\n" * 500 + "1,2\n", header=0)) == [("1", "2")]


def test_a_row_over_several_lines_may_begin_in_one_piece_and_end_in_another():
    cells = grid(['a,b\n1,"x\n', "y\n", 'z"\n2,w\n'], Dialect())
    assert rows_of(cells) == [("1", "x\ny\nz"), ("2", "w")]
    assert cells.lines.tolist() == [2, 5]


def test_an_odd_mark_within_a_cell_opens_nothing_in_the_pieces_below():
    cells = grid(['a,b\n5",1\n6,"x\n', '2,3\n"\n4,5\n'], Dialect())
    assert rows_of(cells) == [('5"', "1"), ("6", "x\n2,3"), ("4", "5")]


@pytest.mark.parametrize("text", ["", "\n\n", ",,\n,\n", "#\n\n#,\n"])
def test_a_text_without_a_row_is_empty(text: str):
    for header in (0, 1):
        with pytest.raises(UserError, match="empty"):
            table(text, comment="#", header=header)


# ---- limits


def test_a_thousand_columns_are_read_and_more_are_refused_before_any_work():
    assert len(table("\n".join([",".join(map(str, range(1000)))] * 3)).columns) == 1000
    for header in (0, 1):
        with pytest.raises(UserError, match="50001 columns; the most is 1000"):
            table("value," * 50_000 + "\n" + "1," * 50_000 + "\n", header=header)


def test_more_rows_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grids, "MOST_CELLS", 100)
    assert len(table("a,b\n" + "1,2\n" * 50).lines) == 50
    with pytest.raises(UserError, match="over 51 in 2 columns"):
        table("a,b\n" + "1,2\n" * 51)


def test_a_file_of_which_most_rows_cannot_be_used_is_refused_at_the_first_of_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grids, "MOST_REJECTED", 10)
    assert len(table("a,b\n" + "1,2\n1\n" * 20).rejected) == 20
    with pytest.raises(UserError, match="line 3 is the first"):
        table("a,b\n\n" + "1\n" * 20)


# ---- rows that turn out to be unusable later


def test_rejecting_a_row_later_leaves_the_others_in_place():
    cells = table("a,b\n1,2\n3\n4,5\n6,7\n")
    fewer = cells.without({1: Rejected(4, EMPTY)})
    assert rows_of(fewer) == [("1", "2"), ("6", "7")]
    assert (fewer.lines.tolist(), [one.line for one in fewer.rejected]) == ([2, 5], [3, 4])
    assert [one.reason for one in fewer.rejected] == [TOO_FEW, EMPTY]
    assert np.array_equal(cells.lines, [2, 4, 5])  # the first grid is as it was
    assert cells.without({}) is cells
