"""Every row has a time that its cells say, or is rejected with its line and a reason."""

from dataclasses import replace

import numpy as np
import pytest

from core import timeline
from core.cells import Notation, survey
from core.delimited import Dialect
from core.errors import UserError
from core.grids import grid
from core.readings import Reading
from core.timeline import Timeline


def told(text: str, **reading: str | None) -> Timeline:
    cells = grid([text], Dialect())
    found = {name: survey(column, Notation()) for name, column in cells.items()}
    return timeline.of(cells, found, replace(Reading(time="t"), **reading))


def stamps(when: Timeline) -> list[str]:
    assert when.times is not None
    return [str(time)[:19] for time in when.times]


def late(when: Timeline) -> list[tuple[int, int, str]]:
    return [(row, one.line, one.reason.format(**one.facts)) for row, one in when.late.items()]


def notices(when: Timeline) -> list[str]:
    return [one.message.format(**one.facts) for one in when.notices]


def refusal(text: str, **reading: str | None) -> str:
    with pytest.raises(UserError) as caught:
        told(text, **reading)
    assert caught.value.remedy
    return str(caught.value)


def minutes(n: int, start: str = "2026-11-23 14:") -> str:
    return "".join(f"{start}{i:02}\n" for i in range(n))


def test_a_clock_is_left_as_it_is_written():
    when = told("t\n2026-11-23 14:05\n2026-11-23T14:06:07\n")
    assert stamps(when) == ["2026-11-23T14:05:00", "2026-11-23T14:06:07"]
    assert (when.late, when.notices) == ({}, ())
    assert stamps(told("t\n2026-11-23 14:05+09:00\n2026-11-23 14:06+09:00\n"))[0] == "2026-11-23T14:05:00"


def test_without_a_time_column_there_are_no_times_and_open_dates_are_told():
    when = told("t,a\n24/01/02 3:04,1\n24/01/02 3:05,2\n", time=None)
    assert when.times is None
    assert notices(when) == [
        "“t” may hold dates, but which is the year or the month is not clear; it is not used as time."
    ]


def test_a_cell_that_is_no_time_is_rejected_with_its_line_and_text():
    when = told("t,a\n2026-11-23 13:00,\n" + minutes(30).replace("\n", ",\n") + "soon,\n,5\n")
    assert late(when) == [(31, 33, "Its time “soon” cannot be read like the others."), (32, 34, "It has no time.")]
    assert np.isnat(when.times[31:]).all()
    assert len(when.without(when.late).times) == 31


# ---- dates and times of day in columns of their own


def test_a_date_and_a_time_of_day_come_together():
    when = told("t,clock\n2026-11-23,14:05:06\n2026-11-24,9:30:00\n", clock="clock")
    assert stamps(when) == ["2026-11-23T14:05:06", "2026-11-24T09:30:00"]


def test_a_date_without_a_time_of_day_is_rejected_by_both_texts():
    rows = "".join(f"2026-11-23,14:{i:02}\n" for i in range(20))
    when = told(f"t,clock\n{rows}2026-11-23,late\n2026-11-24,\n,\n,12:00\n", clock="clock")
    assert [(line, said) for _, line, said in late(when)] == [
        (22, "Its time “2026-11-23 late” cannot be read like the others."),
        (23, "Its time “2026-11-24” cannot be read like the others."),
        (25, "Its time “12:00” cannot be read like the others."),
    ]


def test_columns_that_do_not_come_together_are_refused():
    assert "“a” does not hold times of day" in refusal("t,a\n2026-11-23,1\n2026-11-24,2\n", clock="a")
    said = refusal("t,clock\n2026-11-23 14:05,14:05\n2026-11-23 14:06,14:06\n", clock="clock")
    assert "“t” has times of day already, so those of “clock”" in said


# ---- what a person has to tell


def test_open_dates_are_refused_until_somebody_says_how_they_are_written():
    text = "t\n24/01/02 3:04\n24/01/03 3:04\n"
    assert "in “24/01/02 3:04”, which is the year" in refusal(text)
    assert stamps(told(text, written="ymd"))[0] == "2024-01-02T03:04:00"
    assert stamps(told(text, written="dmy"))[0] == "2002-01-24T03:04:00"


@pytest.mark.parametrize(
    ("written", "cell", "stamp"),
    [
        ("dmy", "01/02/2026", "2026-02-01T00:00:00"),
        ("mdy", "01/02/2026", "2026-01-02T00:00:00"),
        ("epoch-s", "1700000000", "2023-11-14T22:13:20"),
        ("epoch-ms", "1700000000000", "2023-11-14T22:13:20"),
        ("excel", "45000.5", "2023-03-15T12:00:00"),
        ("compact", "20261123140506", "2026-11-23T14:05:06"),
    ],
)
def test_numbers_and_dates_are_read_as_a_person_says(written: str, cell: str, stamp: str):
    when = told(f"t\n{cell}\n{cell}\n", written=written)
    assert stamps(when) == [stamp] * 2
    assert (notices(when) != []) == written.startswith("epoch")


def test_what_is_no_time_in_any_way_is_refused():
    assert "not written in one way" in refusal("t\nx\ny\n")
    assert "not written in one way" in refusal("t\nx\ny\n", written="ymd")
    assert "not written in one way" in refusal("t\n2026-11-23\n2026-11-24\n", written="excel")


# ---- zones


def test_stamps_with_different_offsets_are_brought_to_utc_and_told():
    when = told("t\n2026-10-25T02:30:00+02:00\n2026-10-25T02:30:00+01:00\n")
    assert stamps(when) == ["2026-10-25T00:30:00", "2026-10-25T01:30:00"]
    assert notices(when) == ["The times in “t” are shown in UTC: they count from 1970, or have different offsets."]


def test_a_clock_of_a_zone_is_brought_to_utc_and_told():
    when = told("t\n2026-11-23 14:05\n2026-07-23 14:05\n", zone="Europe/Berlin")
    assert stamps(when) == ["2026-11-23T13:05:00", "2026-07-23T12:05:00"]
    assert notices(when) == ["The times were taken as those of Europe/Berlin, and are shown in UTC."]


def test_times_that_are_utc_already_stay_so_in_any_zone():
    when = told("t\n1700000000\n1700000060\n", written="epoch-s", zone="Asia/Tokyo")
    assert stamps(when)[0] == "2023-11-14T22:13:20"
    assert len(when.notices) == 1


def test_an_hour_that_never_was_is_rejected():
    when = told("t\n2026-03-29 01:30\n2026-03-29 02:30\n2026-03-29 03:30\n", zone="Europe/Berlin")
    assert late(when) == [(1, 3, "Its time “2026-03-29 02:30” did not exist: summer time began.")]
    assert stamps(when)[::2] == ["2026-03-29T00:30:00", "2026-03-29T01:30:00"]


def test_an_hour_that_came_twice_is_told_apart_by_the_order_of_rows_or_rejected():
    quarters = [f"2026-10-25 02:{m:02}" for m in (0, 15, 30, 45)]
    around = ["2026-10-25 01:30", "2026-10-25 01:45", *quarters, *quarters, "2026-10-25 03:00"]
    when = told("\n".join(["t", *around]), zone="Europe/Berlin")
    assert when.late == {}
    assert np.all(np.diff(when.times) == np.timedelta64(15, "m"))
    once = told("t\n2026-10-25 01:30\n2026-10-25 02:30\n2026-10-25 03:30\n", zone="Europe/Berlin")
    assert late(once) == [(1, 3, "Its time “2026-10-25 02:30” came twice: summer time ended.")]


def test_a_clock_that_is_put_back_is_seen_within_each_line():
    """Rows of two lines in turn run forward and back all the time; those of one do not."""
    quarters = [f"2026-10-25 02:{m:02}" for m in (0, 15, 30, 45)]
    around = ["2026-10-25 01:45", *quarters, *quarters, "2026-10-25 03:00"]
    rows = "".join(f"{x},x\n{y},y\n" for x, y in zip(around[2:], around, strict=False))  # y lags behind
    assert told("t,line\n" + rows, zone="Europe/Berlin", domain="line").late == {}
    assert len(told("t,line\n" + rows, zone="Europe/Berlin").late) > 8
