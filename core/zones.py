"""The clocks on the wall of a place → UTC. What a clock that is put forward or back leaves open is marked."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from core.series import Bools, Ints, Times

_SECOND = 10**9  # nanoseconds
_DAY = 86_400  # seconds


@cache
def zones() -> tuple[str, ...]:
    """Names of the time zones of places, like Asia/Tokyo, and UTC. Source: the IANA time zone database."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return (*sorted(places), "UTC")


def localised(times: Times, zone: str) -> tuple[Times, Bools, Bools]:
    """Wall-clock times of a zone → UTC.

    The hour that is on the clock twice in autumn is told apart by the order of the rows: where the clock goes back once
    within it, the rows before are its first pass and the others its second.

    Args:
        times: (n,) datetime64[ns] of one series in the order in which they were written, oldest or newest first; NaT
            where there is none.
        zone: one of `zones()`.

    Returns:
        (n,) datetime64[ns] in UTC, NaT where one of the others is True;
        (n,) True where the clock never showed that time, as it was put forward over it;
        (n,) True where it showed it twice, and the order of the rows does not say which it is.
    """
    rows = np.flatnonzero(~np.isnat(times))
    utc = np.full(len(times), np.datetime64("NaT"), "datetime64[ns]")
    skipped, unclear = np.zeros((2, len(times)), dtype=np.bool_)
    if len(rows) == 0:
        return utc, skipped, unclear
    wall = times[rows].astype("datetime64[ns]").astype(np.int64)
    if np.sum(np.diff(wall) < 0) > np.sum(np.diff(wall) > 0):  # newest first
        rows, wall = rows[::-1], wall[::-1]
    since, offset = _offsets(ZoneInfo(zone), int(wall.min()) // _SECOND, int(wall.max()) // _SECOND)
    until = np.append(since[1:], np.iinfo(np.int64).max - 2 * _DAY * _SECOND) + offset
    now = np.searchsorted(since + offset, wall, side="right") - 1  # the last offset that may have been in force
    before = np.maximum(now - 1, 0)
    twice = (now > 0) & (wall < until[before])
    second, unclear[rows] = _passes(wall, np.where(twice, now, 0), offset[before] - offset[now])
    utc[rows] = (wall - offset[np.where(twice & ~second, before, now)]).astype("datetime64[ns]")
    skipped[rows] = wall >= until[now]
    utc[skipped | unclear] = np.datetime64("NaT")
    return utc, skipped, unclear


def _offsets(zone: ZoneInfo, first: int, last: int) -> tuple[Ints, Ints]:
    """Since when (UTC) each offset of a zone is in force, and what it is, in nanoseconds; from `first` to `last`, in
    seconds since 1970. No zone has changed twice within a day."""

    def offset(at: int) -> int:
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)).astimezone(zone)
        return round((local.replace(tzinfo=UTC) - local).total_seconds())

    start = first - 2 * _DAY
    since, found = [start], [offset(start)]
    for day in range(start, last + 2 * _DAY, _DAY):
        if offset(day + _DAY) != found[-1]:
            change = bisect_left(range(day, day + _DAY), True, key=lambda at: offset(at) != found[-1])
            since.append(day + change)
            found.append(offset(day + _DAY))
    return np.array(since) * _SECOND, np.array(found) * _SECOND


def _passes(wall: Ints, change: Ints, back: Ints) -> tuple[Bools, Bools]:
    """Of times that were on the clock twice, which are of the second pass, and which cannot be told.

    Args:
        wall: (n,) nanoseconds, mostly rising.
        change: (n,) which change of the clock a row is close to; 0 where the clock showed its time once.
        back: (n,) nanoseconds by which it was put back.
    """
    second, unclear = np.zeros((2, len(wall)), dtype=np.bool_)
    steps = np.diff(wall)
    usual = np.median(steps[steps > 0]) if np.any(steps > 0) else 0
    elsewhere = (steps < 0) & (np.minimum(change[1:], change[:-1]) == 0)
    if np.sum(elsewhere) > 0.01 * len(steps):  # an order that has no meaning elsewhere has none here
        return second, change > 0
    for run in np.split(np.arange(len(wall)), np.flatnonzero(np.diff(change)) + 1):
        if change[run[0]] == 0:
            continue
        returns = run[1:][steps[run[:-1]] < 0]
        far = back[run[0]]
        if len(returns) == 1 and (far + 2 * steps[returns[0] - 1] <= 0 or far + steps[returns[0] - 1] <= 2 * usual):
            second[returns[0] : run[-1] + 1] = True
        elif len(run) == 2 and steps[run[0]] == 0 and usual == far:  # hour by hour
            second[run[1]] = True
        else:
            unclear[run] = True
    return second, unclear
