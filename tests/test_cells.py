"""Texts become numbers exactly, or not at all."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cells import (
    DECIMALS,
    MISSING_MARKS,
    THOUSANDS,
    Notation,
    Numbers,
    held,
    marks_in,
    n_distinct,
    notation_of,
    number,
    numbers,
    sentinels,
    survey,
    texts,
)

NOTATIONS = [Notation(d, t) for d in DECIMALS for t in THOUSANDS if d != t]


def column(*cells: str) -> pa.StringArray:
    return pa.array(cells, pa.string())


def read(*cells: str, notation: Notation = Notation(), missing: tuple[str, ...] = ()) -> Numbers:  # noqa: B008
    return numbers(column(*cells), notation, missing)


# ---- numbers


@pytest.mark.parametrize(
    "text",
    "0.1|1e-300|-273.15|179769e303|007|74.93588199999998|+5|.5|5.|-0|4.9e-324|1E5|5.e3|9007199254740993|0.30000000000000004"
    "|123456789012345678901234567890|1.7976931348623157e308".split("|"),
)
def test_a_number_is_exactly_what_the_text_says(text: str):
    assert read(text).values[0] == float(text) == number(text, Notation())
    assert read(text, "?").values[0] == float(text)  # also where a cell beside it needs a closer look


def test_a_decimal_comma_and_full_width_digits_are_the_same_number():
    assert read("1,5", "-0,25", "1,5e3", "２，５", notation=Notation(",")).values.tolist() == [1.5, -0.25, 1500.0, 2.5]
    assert read("１２．５", "－３", "−4", "＋５").values.tolist() == [12.5, -3.0, -4.0, 5.0]


@pytest.mark.parametrize("mark", [mark for mark in THOUSANDS if mark])
def test_a_thousands_mark_stands_between_groups_of_three_and_nowhere_else(mark: str):
    notation = Notation("," if mark == "." else ".", mark)
    point = notation.decimal
    right = [f"1{mark}234", f"-12{mark}345{mark}678{point}5", f"999{point}25", "1234", f"+1{mark}000e2"]
    assert read(*right, notation=notation).values.tolist() == [1234, -12345678.5, 999.25, 1234, 100000]
    wrong = [
        f"1{mark}23",
        f"1{mark}2345",
        f"{mark}123",
        f"12{mark}",
        f"1{mark}{mark}234",
        f"0{mark}123",
        f"1234{mark}567",
    ]
    assert read(*wrong, notation=notation).unreadable.tolist() == list(range(len(wrong)))


def test_a_space_that_does_not_break_is_a_thousands_mark_too():
    assert read("1\xa0234", "1\u202f234,5", "1 234", notation=Notation(",", " ")).values.tolist() == [
        1234,
        1234.5,
        1234,
    ]


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        ("1,234", Notation()),
        ("1.234,5", Notation(",")),
        *(
            (text, Notation())
            for text in ("1_000", "0x10", "5 V", "1e", "--1", "1.2.3", "1 2", "nan(1)", "infinit", "１_０")
        ),
        *((text, Notation()) for text in ("10²", "½", "①", "٣", "1½", "5％", "三")),  # other numbers when made plain
    ],
)
def test_what_is_not_plainly_a_number_is_unreadable_and_never_another_number(text: str, notation: Notation):
    found = read("1", text, notation=notation)
    assert found.unreadable.tolist() == [1]
    assert np.isnan(found.values[1])
    assert number(text, notation) is None


cells = st.text(st.sampled_from("0159.,'+-eE_x \xa0１．naif∞²"), max_size=9).map(str.strip)


@settings(max_examples=1000, deadline=None)
@given(written=st.lists(cells, max_size=6), notation=st.sampled_from(NOTATIONS))
def test_a_column_is_read_like_its_cells_one_by_one(written: list[str], notation: Notation):
    found = numbers(column(*written), notation, ("nan", "-"))
    for i, text in enumerate(written):
        alone = None if text in ("", "nan", "-") else number(text, notation)
        assert (i in found.unreadable) == (alone is None and text not in ("", "nan", "-"))
        known = alone is not None and np.isfinite(alone)
        assert found.values[i] == alone if known else np.isnan(found.values[i])
    assert found.n_infinite == sum(abs(number(t, notation) or 0) == np.inf for t in written)


@settings(max_examples=1000, deadline=None)
@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6),
    notation=st.sampled_from(NOTATIONS),
)
def test_every_number_comes_back_from_its_text_in_every_notation(values: list[float], notation: Notation):
    written = [repr(value).replace(".", notation.decimal) for value in values]
    grouped = [f"{int(v):,}".replace(",", notation.thousands) for v in values if abs(v) < 2**53]
    assert numbers(column(*written), notation).values.tolist() == values
    assert numbers(column(*grouped), notation).values.tolist() == [int(v) for v in values if abs(v) < 2**53]


def test_infinity_and_overflow_are_missing_and_counted():
    found = read("1", "inf", "-Infinity", "1e400", "∞", "-∞")
    assert np.isnan(found.values).tolist() == [False] + [True] * 5
    assert (found.n_infinite, len(found.unreadable)) == (5, 0)


def test_only_the_given_marks_mean_missing():
    found = read("1", "", "欠測", "ERR", "9999", "nan", missing=("欠測", "9999"))
    assert np.isnan(found.values).tolist() == [False, True, True, True, True, True]
    assert (found.unreadable.tolist(), found.n_absent) == ([3], 3)


@pytest.mark.parametrize(("mark", "notation"), [("9999", Notation()), ("99,9", Notation(","))])
def test_a_mark_that_is_a_number_is_missing_where_all_else_is_plain(mark: str, notation: Notation):
    found = read("1", mark, "2", missing=(mark,), notation=notation)
    assert (found.values[[0, 2]].tolist(), np.isnan(found.values[1]), found.n_absent) == ([1.0, 2.0], True, 1)


# ---- how numbers are written


@pytest.mark.parametrize("decimal", DECIMALS)
@pytest.mark.parametrize("thousands", THOUSANDS)
def test_the_notation_of_a_few_numbers_is_recognised(decimal: str, thousands: str):
    if decimal == thousands:
        return
    written = [f"12{thousands}345{decimal}6", f"1{thousands}234{decimal}75", f"7{decimal}5", "12"]
    assert notation_of(Counter(written), "\t") == Notation(decimal, thousands)


def test_what_a_lone_comma_means_is_seen_by_the_delimiter():
    for delimiter, notation in ((";", Notation(",")), (",", Notation(".", ",")), ("\t", Notation(".", ","))):
        assert notation_of(Counter(["1,234", "2,345"]), delimiter) == notation
        assert notation_of(Counter(["0,234", "2,345"]), delimiter) == Notation(",")  # no thousand begins with 0
        assert notation_of(Counter(["1,234", "2,34"]), delimiter) == Notation(",")


def test_numbers_without_marks_and_words_show_no_other_notation():
    assert notation_of(Counter(["1", "22", "a.b", "2026.11.23", "14:05"]), ";") == Notation()


@pytest.mark.parametrize(("decimal", "thousands"), [(".", "."), (",", ","), (";", ""), (".", "_")])
def test_a_notation_that_nothing_reads_is_none(decimal: str, thousands: str):
    with pytest.raises(ValueError, match="no such way"):
        Notation(decimal, thousands)


# ---- a column


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (["1", "2", ""], "number"),
        (["1", "2", "3", "4", "x"], "number"),
        (["1", "2", "3", "x"], "text"),
        (["", "-", "NA"], "empty"),
        (["2026-11-23", "2026-11-24"], "time"),
        (["24/01/02", "24/01/03"], "text"),  # a time, but which?
        (["007", "008"], "number"),
    ],
)
def test_a_column_is_what_most_of_its_cells_are(written: list[str], kind: str):
    assert survey(column(*written), Notation(), ("-", "NA")).kind == kind


def test_an_ambiguous_date_keeps_all_its_meanings_for_a_person_to_choose_from():
    assert {way.code for way in survey(column("24/01/02", "24/01/03"), Notation()).ways} == {"ymd", "dmy"}


def test_marks_and_texts_are_found_and_counted():
    some = column("1", "-", "NA", "-", "", "x")
    assert marks_in(some) == {"-", "NA"}
    assert held(some, ("x", "y", "1")) == {"x", "1"}
    assert held(some, ()) == set()
    assert n_distinct(some) == 4
    assert texts([["1", "-", ""], ["1", "x"]]) == {"1": 2, "x": 1}


def test_no_mark_for_a_missing_value_is_a_number():
    assert all(np.isnan(found) for mark in MISSING_MARKS if (found := number(mark, Notation())) is not None)


# ---- sentinels


def proposed(*written: str) -> set[str]:
    return sentinels(column(*written), read(*written))


@pytest.mark.parametrize(
    "mark", ["-9999", "9999", "999.9", "-999", "99999.0", "65535", "-32768", "2147483647", "9.91E+37"]
)
def test_a_number_far_away_that_machines_write_for_no_value_is_proposed(mark: str):
    assert proposed("20.5", "21.5", mark, "22.5", "20.0", mark) == {mark}


def test_all_the_texts_of_a_sentinel_are_proposed_and_both_ends_can_be_one():
    assert proposed("20", "21", "22", "9999", "9999.0", "-9999") == {"9999", "9999.0", "-9999"}


@pytest.mark.parametrize(
    "written",
    [
        ("9990", "9999", "10008", "9995"),  # an ordinary value within range
        ("9000", "9500", "9999", "9800"),  # the highest, but not far away
        ("5000", "7000", "6000", "9999"),
        ("20", "21", "22", "12345"),  # far away, but no machine writes that for nothing
        ("20", "9999", "21"),  # too few others to be far from
        ("9999", "9999"),
        ("", "x"),
    ],
)
def test_an_ordinary_number_is_never_proposed(written: tuple[str, ...]):
    assert proposed(*written) == set()
