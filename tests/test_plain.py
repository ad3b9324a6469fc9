"""The quick way reads nothing that the slow way reads otherwise (tests/test_grids.py compares them on any text)."""

import pytest

from core.delimited import Dialect
from core.plain import plain_columns


def rows_of(text: str, n: int, **dialect: str) -> list[tuple[str, ...]] | None:
    found = plain_columns(text, Dialect(**dialect), n)
    return None if found is None else list(zip(*(column.to_pylist() for column in found), strict=True))


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("1,2\n3,4\n", {}),
        ("1,2\r\n3,4", {}),
        (" 1 ,\t2\n3\x1c,4\u3000\n", {}),
        ("1\t2\n 3\t4\n", {"delimiter": "\t"}),
        ('"1","2"\n3,4\n', {}),
        ('" 1 ","2"\r\n"3",4\r\n', {}),
        ("'1';'2'\n3;4\n", {"delimiter": ";", "quote": "'"}),
        ("  1   2\n3\t \t4  \n", {"delimiter": " "}),
        ("1 2\r\n3 4  \r\n", {"delimiter": " "}),
    ],
)
def test_plain_rows_are_read_quickly(text: str, dialect: dict[str, str]):
    assert rows_of(text, 2, **dialect) == [("1", "2"), ("3", "4")]


def test_blank_lines_are_rows_of_empty_cells():
    assert rows_of("1,2\n\n3,4\n", 3) == [("1", "2"), ("", ""), ("3", "4")]


def test_quoted_cells_may_hold_delimiters_and_the_other_mark():
    assert rows_of('"a,b",c\n"it\'s",d\n', 2) == [("a,b", "c"), ("it's", "d")]
    assert rows_of('\t"a\t"\n1\t2\n', 2, delimiter="\t") == [("", "a"), ("1", "2")]


def test_without_a_quotation_mark_it_is_a_character_like_others():
    assert rows_of('"a,b"\n1,2\n', 2, quote="") == [('"a', 'b"'), ("1", "2")]


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("1,2\n3\n", 2),
        ("1,2\n3,4,5\n", 2),
        ("1,2\n3,4\n", 3),
        ("1\r2\r", 2),
        ("1\r\r\n2\r\n", 3),
        ("\ufeff1,2\n", 1),
        ('1,"2\n3",4\n', 2),
        ('"say ""x""",2\n', 1),
        ('"7"x,8\n', 1),
        ('1, "2"\n', 1),
        ('5",6\n', 1),
        ('"1,2\n', 1),
    ],
)
def test_what_is_not_so_plain_is_left_to_the_slow_way(text: str, n: int):
    assert rows_of(text, n) is None


def test_cells_apart_by_other_spaces_are_left_to_the_slow_way():
    assert rows_of("1\u30002\n", 1, delimiter=" ") is None
    assert rows_of("1\v2\n", 1, delimiter=" ") is None
