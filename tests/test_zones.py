"""Clocks on the wall become UTC; what a clock that was put forward or back leaves open is marked."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.series import Times
from core.zones import localised, zones

BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"


def stamps(*texts: str) -> Times:
    return np.array(texts, "datetime64[ns]")


def on_the_wall(utc: Times, zone: str) -> Times:
    """What a clock there shows, by pandas."""
    return pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(zone).tz_localize(None).to_numpy("datetime64[ns]")


def every(minutes: float, first: str, last: str) -> Times:
    return np.arange(np.datetime64(first, "ns"), np.datetime64(last, "ns"), np.timedelta64(int(minutes * 60), "s"))


def test_a_zone_without_summer_time_is_only_shifted():
    utc, skipped, unclear = localised(stamps("2026-03-29T02:30", "NaT", "1990-10-25T09:00:00.000000001"), TOKYO)
    assert utc.tolist() == stamps("2026-03-28T17:30", "NaT", "1990-10-25T00:00:00.000000001").tolist()
    assert not skipped.any()
    assert not unclear.any()


def test_an_hour_that_was_skipped_in_spring_is_marked():
    utc, skipped, unclear = localised(
        stamps("2026-03-29T01:59:59", "2026-03-29T02:00", "2026-03-29T02:59:59", "2026-03-29T03:00"), BERLIN
    )
    assert skipped.tolist() == [False, True, True, False]
    assert utc.tolist() == stamps("2026-03-29T00:59:59", "NaT", "NaT", "2026-03-29T01:00").tolist()
    assert not unclear.any()


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(
    ("zone", "minutes"),
    [
        *((BERLIN, minutes) for minutes in (0.5, 1, 7, 10, 15, 30, 60)),
        ("America/New_York", 60),
        ("Australia/Lord_Howe", 30),  # half an hour comes twice there
    ],
)
def test_an_hour_that_came_twice_in_autumn_is_told_by_the_order_of_the_rows(
    zone: str, minutes: float, newest_first: bool
):
    expected = every(minutes, "2026-03-20", "2026-11-10")
    expected = expected[::-1] if newest_first else expected
    utc, skipped, unclear = localised(on_the_wall(expected, zone), zone)
    assert np.array_equal(utc, expected)
    assert not skipped.any()
    assert not unclear.any()


def test_hourly_rows_do_not_show_half_an_hour_that_came_twice():
    expected = every(60, "2026-04-01", "2026-04-10")
    utc, _, unclear = localised(on_the_wall(expected, "Australia/Lord_Howe"), "Australia/Lord_Howe")
    assert unclear.sum() == 1
    assert np.array_equal(utc[~unclear], expected[~unclear])


def test_rows_of_one_time_do_not_hide_the_turn():
    expected = np.repeat(every(10, "2026-10-24T20:00", "2026-10-25T05:00"), 3)
    assert np.array_equal(localised(on_the_wall(expected, BERLIN), BERLIN)[0], expected)


@pytest.mark.parametrize(
    "times",
    [
        ["02:30"],
        ["01:50", "02:00", "02:10", "02:20", "02:30", "02:40", "02:50", "03:00"],  # one pass: which?
        ["02:10", "02:50", "02:20", "02:40", "02:30"],  # rows in no order
        ["01:50", "02:00", "02:30", "02:29", "02:40", "02:50", "03:00"],  # a clock that was set right by a minute
        ["04:00", "02:50", "02:10", "01:00", "05:00", "00:30", "06:00"],
    ],
)
def test_where_the_rows_do_not_say_it_the_hour_is_marked(times: list[str]):
    wall = stamps(*(f"2026-10-25T{time}" for time in times))
    utc, skipped, unclear = localised(wall, BERLIN)
    twice = [time.startswith("02") for time in times]
    assert unclear.tolist() == twice
    assert np.isnat(utc).tolist() == twice
    assert not skipped.any()


def test_a_gap_in_the_hour_does_not_hide_a_clear_turn():
    wall = stamps(*(f"2026-10-25T{time}" for time in ("02:00", "02:10", "02:20", "02:50", "02:10", "02:20", "03:00")))
    utc, _, unclear = localised(wall, BERLIN)
    assert not unclear.any()
    assert np.all(np.diff(utc) > np.timedelta64(0))


def test_no_times_are_no_times():
    assert [len(part) for part in localised(stamps(), BERLIN)] == [0, 0, 0]
    assert np.isnat(localised(stamps("NaT"), BERLIN)[0]).all()


@settings(max_examples=200, deadline=None)
@given(
    first=st.datetimes(*map(datetime.fromisoformat, ("1900-01-01", "2200-01-01"))),
    hours=st.lists(st.floats(0, 10_000), min_size=1, max_size=4),
    zone=st.sampled_from([BERLIN, TOKYO, "Africa/Casablanca", "Asia/Kathmandu", "America/New_York", "Pacific/Apia"]),
)
def test_every_time_is_pythons_time_or_marked(first: datetime, hours: list[float], zone: str):
    times = [first + timedelta(hours=n) for n in hours]
    utc, skipped, unclear = localised(np.array(times, "datetime64[ns]"), zone)
    for i, time in enumerate(times):
        passes = {time.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
        there = {t for t in passes if t.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == time}
        assert skipped[i] == (len(there) == 0)
        assert len(there) == 2 or not unclear[i]
        if not skipped[i] and not unclear[i]:
            assert utc[i].astype("datetime64[us]").item().replace(tzinfo=UTC) in there


def test_zones_are_places_that_exist():
    assert {TOKYO, BERLIN, "UTC"} <= set(zones())
    assert not any(name.startswith("Etc/") for name in zones())
