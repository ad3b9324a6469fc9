"""A text comes apart into rows, each with the line it begins in."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.delimited import Dialect, Lines, Record, count_lines, lenient, records
from core.errors import UserError


def rows(text: str, **dialect: object) -> list[Record]:
    return list(records(io.StringIO(text, newline=""), Dialect(**dialect)))


@pytest.mark.parametrize(
    "wrong", [{"delimiter": "/"}, {"quote": "`"}, {"comment": ";"}, {"skip": -1}, {"header": -1}, {"header": 4}]
)
def test_a_dialect_that_nothing_reads_is_none(wrong: dict[str, object]):
    with pytest.raises(ValueError, match=r"none of|no such"):
        Dialect(**wrong)


def test_rows_are_numbered_by_the_line_they_begin_in():
    text = 'a,b\n\n"two\nlines",2\r\n3,"4"\rx'
    assert rows(text) == [(1, ["a", "b"]), (2, []), (3, ["two\nlines", "2"]), (5, ["3", "4"]), (6, ["x"])]


def test_spaces_around_cells_are_no_part_of_them():
    assert rows('  a , "b" ,c \n')[0] == (1, None)  # a space behind a closing mark
    assert rows('  a , "b",\tc \n')[0] == (1, ["a", "b", "c"])
    assert rows('" a "," , "\n')[0] == (1, ["a", ","])


def test_a_row_whose_quotation_marks_do_not_match_is_none_and_the_next_one_is_read():
    assert rows('"7"x,8\n9,10\n') == [(1, None), (2, ["9", "10"])]
    assert rows('1,2\n3,"4') == [(1, ["1", "2"]), (2, None)]
    assert rows('5" pipe,6\n') == [(1, ['5" pipe', "6"])]  # it does not open anything there


def test_a_quotation_that_swallowed_lines_is_refused_where_it_opens():
    for text in ('1,2\n"3,4\n5,6\n', '1,2\n"3\n4"x,5\n6,7\n'):
        with pytest.raises(UserError, match="line 2 is never closed"):
            rows(text)


def test_a_quotation_that_is_never_closed_is_refused_before_it_fills_the_memory():
    lines = iter(['"open\n'] + ["1" * 1_000_000 + "\n"] * 1000)
    with pytest.raises(UserError, match="line 1 is never closed"):
        list(records(lines, Dialect()))
    assert next(lines)  # most of the file was never looked at


@pytest.mark.parametrize(
    ("quote", "cells"), [('"', ["a;b", "'c'"]), ("'", ['"a', 'b"', "c"]), ("", ['"a', 'b"', "'c'"])]
)
def test_other_quotation_marks_make_other_cells(quote: str, cells: list[str]):
    assert rows("\"a;b\";'c'\n", delimiter=";", quote=quote) == [(1, cells)]


def test_cells_may_stand_apart_by_any_number_of_spaces_and_tabs():
    assert rows("  1.0 \t 2.0\n\n3.0  4.0  \n", delimiter=" ") == [(1, ["1.0", "2.0"]), (2, []), (3, ["3.0", "4.0"])]


def test_guessing_takes_rows_as_they_come():
    assert list(lenient('"7"x,8\n\n"9', ",", '"')) == [["7x", "8"], [], ["9"]]
    assert list(lenient('"7,8\n', ",", "")) == [['"7', "8"]]
    assert list(lenient(" 7  8\n", " ", '"')) == [["7", "8"]]


# ---- pieces of text

texts = st.text(st.sampled_from("a,\n\r"), max_size=20)


@settings(max_examples=500, deadline=None)
@given(text=texts)
def test_lines_are_counted_as_they_are_read(text: str):
    assert count_lines(text) == len(list(io.StringIO(text, newline="")))


def test_lines_come_one_by_one_or_as_what_is_left_of_a_piece():
    text = Lines(["1\n2\n3\n", "", "4\n5\n", "6"])
    assert (next(text), text.n) == ("1\n", 1)
    assert (text.piece(), text.n) == ("2\n3\n", 3)
    assert (text.piece(), text.n) == ("4\n5\n", 5)
    assert (next(text), text.n) == ("6", 6)
    assert (text.piece(), text.n) == ("", 6)
    assert list(text) == []


def test_a_row_goes_on_in_the_next_piece_which_is_then_left_at_its_end():
    more = Lines(['lines",2\n3,4\n', "5,6\n"])
    found = list(records(iter(['"two\n']), Dialect(), 10, more))
    assert found == [(10, ["two\nlines", "2"])]
    assert more.piece() == "3,4\n"
