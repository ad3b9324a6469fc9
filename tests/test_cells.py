"""Texts become numbers and times exactly, or not at all."""

import numpy as np
import pytest

from core.cells import Numbers, looks_like_time, numbers, survey, times


def at(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23T14:05:06", "2026-11-23T14:05:06"),
        ("2026-11-23 14:05:06", "2026-11-23T14:05:06"),
        ("2026-11-23 14:05", "2026-11-23T14:05"),
        ("2026-11-23", "2026-11-23T00:00"),
        ("2026-11-23 14:05:06.5", "2026-11-23T14:05:06.500"),
        ("2026-11-23 14:05:06,123456789", "2026-11-23T14:05:06.123456789"),
        ("2026-11-23T14:05:06Z", "2026-11-23T14:05:06"),
        ("2026-11-23T14:05:06+09:00", "2026-11-23T14:05:06"),
        ("2026/11/23 14:05", "2026-11-23T14:05"),
        ("2026/1/3 4:05", "2026-01-03T04:05"),
        ("2026.11.23 14:05", "2026-11-23T14:05"),
        ("2026年11月23日 14時05分", "2026-11-23T14:05"),
        ("2026年11月23日14時5分6秒", "2026-11-23T14:05:06"),
        ("2026年11月23日 14:05:06", "2026-11-23T14:05:06"),
        ("2026年1月3日", "2026-01-03T00:00"),
        ("２０２６年１１月２３日 １４時０５分", "2026-11-23T14:05"),
        ("23.11.2026 14:05", "2026-11-23T14:05"),
        ("23/11/2026 14:05", "2026-11-23T14:05"),
        ("11/23/2026 14:05", "2026-11-23T14:05"),
        ("32/01/02 3:04", "2032-01-02T03:04"),
    ],
)
def test_a_time_is_read_as_it_is_written(written: str, meant: str):
    (way,) = times([written] * 3)
    assert list(way) == [at(meant)] * 3


@pytest.mark.parametrize(
    "text",
    "|5|2.5|2026|14:05|2026-13-01|2026-02-30|2026-11-23 24:00|2026-11-23 14:60|soon|2026-11/23|20261123|9999-01-01"
    "|2026年11月23日 14時123".split("|"),
)
def test_what_is_no_certain_instant_is_no_time(text: str):
    assert times([text] * 3) == []


def test_a_two_digit_year_is_never_guessed():
    ways = times(["24/01/02 3:04", "24/01/02 3:05"])
    assert {way[0] for way in ways} == {at("2024-01-02T03:04"), at("2002-01-24T03:04")}
    assert survey(["24/01/02 3:04", "24/01/02 3:05"], ".").kind == "text"


def test_day_and_month_are_told_apart_by_a_day_beyond_twelve_anywhere_in_the_column():
    assert len(times(["01/02/2026", "03/02/2026"])) == 2
    (way,) = times(["01/02/2026", "13/02/2026"])
    assert way[0] == at("2026-02-01")


def test_day_and_month_need_no_telling_apart_where_both_orders_mean_the_same():
    (way,) = times(["05/05/2026 10:00", "05/05/2026 10:01"])
    assert way[1] == at("2026-05-05T10:01")


def test_one_broken_stamp_among_many_is_not_a_time_and_the_others_stay():
    cells = [f"2026-11-23 14:{minute:02}" for minute in range(20)] + ["power cut"]
    (way,) = times(cells)
    assert np.isnat(way).tolist() == [False] * 20 + [True]


def test_two_ways_of_writing_in_one_column_are_not_times():
    assert times(["2026-11-23 14:05", "2026/11/23 14:06"] * 10) == []


def test_clocks_of_two_time_zones_in_one_column_are_not_put_side_by_side():
    assert times(["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]) == []


@pytest.mark.parametrize(
    "text", ["0.1", "1e-300", "-273.15", "179769e303", "007", "74.93588199999998", "+5", ".5", "5."]
)
def test_a_number_is_exactly_what_the_text_says(text: str):
    assert numbers([text], ".").values[0] == float(text)


def test_a_decimal_comma_and_full_width_digits_are_the_same_number():
    assert numbers(["1,5", "-0,25", "1,5e3", "２，５"], ",").values.tolist() == [1.5, -0.25, 1500.0, 2.5]
    assert numbers(["１２．５", "－３"], ".").values.tolist() == [12.5, -3.0]


def unreadable(found: Numbers) -> list[int]:
    return list(found.unreadable)


@pytest.mark.parametrize(
    ("text", "decimal"), [("1,234", "."), ("1.234,5", ","), ("1_000", "."), ("0x10", "."), ("5 V", ".")]
)
def test_what_is_not_plainly_a_number_is_unreadable_and_never_another_number(text: str, decimal: str):
    found = numbers(["1", text], decimal)
    assert unreadable(found) == [1]
    assert np.isnan(found.values[1])


def test_infinity_and_overflow_are_missing_and_counted():
    found = numbers(["1", "inf", "-Infinity", "1e400"], ".")
    assert np.isnan(found.values).tolist() == [False, True, True, True]
    assert (found.n_infinite, unreadable(found)) == (3, [])


def test_only_the_given_marks_mean_missing():
    found = numbers(["1", "", "欠測", "ERR", "9999", "nan"], ".", missing=("欠測", "9999"))
    assert np.isnan(found.values).tolist() == [False, True, True, True, True, True]
    assert unreadable(found) == [3]


def test_a_time_is_never_mistaken_for_a_number():
    assert looks_like_time("2026-11-23 14:05")
    assert not looks_like_time("2026.11")
