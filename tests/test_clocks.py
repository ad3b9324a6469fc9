"""Texts and numbers become the times that they say, or none; what can mean several things is left to a person."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.clocks import CODES, Way, clock_of, epochs, joined, looks_like_time, read_as, ways

WIDE = str.maketrans("0123456789:/", "０１２３４５６７８９：／")


def column(*cells: str) -> pa.StringArray:
    return pa.array(cells, pa.string())


def at(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


def codes(found: list[Way]) -> list[str]:
    return [way.code for way in found]


# ---- one cell


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23T14:05:06", "2026-11-23T14:05:06"),
        ("2026-11-23 14:05:06", "2026-11-23T14:05:06"),
        ("2026-11-23 14:05", "2026-11-23T14:05"),
        ("2026-11-23", "2026-11-23T00:00"),
        ("2026-11-23 14:05:06.5", "2026-11-23T14:05:06.500"),
        ("2026-11-23 14:05:06,123456789", "2026-11-23T14:05:06.123456789"),
        ("2026-11-23 14:05:06:123", "2026-11-23T14:05:06.123"),
        ("2026-11-23T14:05:06Z", "2026-11-23T14:05:06"),
        ("2026-11-23 14:05:06 UTC", "2026-11-23T14:05:06"),
        ("2026-11-23T14:05:06+09:00", "2026-11-23T14:05:06"),
        ("2026-11-23 14:05:06.25+0900", "2026-11-23T14:05:06.250"),
        ("2026-11-23 14:05:06-05", "2026-11-23T14:05:06"),
        ("2026-11-23T14:05-05:00", "2026-11-23T14:05"),
        ("20261123T140506", "2026-11-23T14:05:06"),
        ("20261123T140506.789Z", "2026-11-23T14:05:06.789"),
        ("20261123 14:05:06", "2026-11-23T14:05:06"),
        ("2026/11/23 14:05", "2026-11-23T14:05"),
        ("2026/1/3 4:05", "2026-01-03T04:05"),
        ("2026/11/23 14:05:06.123", "2026-11-23T14:05:06.123"),
        ("2026/11/23(Mon) 14:05", "2026-11-23T14:05"),
        ("2026/11/23(月)14:05", "2026-11-23T14:05"),
        ("２０２６／１１／２３　１４：０５", "2026-11-23T14:05"),
        ("2026.11.23 14:05", "2026-11-23T14:05"),
        ("2026年11月23日 14時05分", "2026-11-23T14:05"),
        ("2026年11月23日14時5分6秒", "2026-11-23T14:05:06"),
        ("2026年11月23日 14:05:06", "2026-11-23T14:05:06"),
        ("2026年11月23日（月） 14時", "2026-11-23T14:00"),
        ("2026年1月3日", "2026-01-03T00:00"),
        ("２０２６年１１月２３日 １４時０５分", "2026-11-23T14:05"),
        ("令和8年11月23日 14時05分", "2026-11-23T14:05"),
        ("令和元年5月1日", "2019-05-01"),
        ("令和８年１１月２３日　午後２時０５分", "2026-11-23T14:05"),
        ("㋿8年11月23日", "2026-11-23"),
        ("R8.11.23", "2026-11-23"),
        ("R08/11/23 14:05", "2026-11-23T14:05"),
        ("平成31年4月30日", "2019-04-30"),
        ("H31.4.30", "2019-04-30"),
        ("平成元年1月8日", "1989-01-08"),
        ("昭和64年1月7日", "1989-01-07"),
        ("S64.1.7", "1989-01-07"),
        ("昭和元年12月25日", "1926-12-25"),
        ("2026/11/23 午後2時05分", "2026-11-23T14:05"),
        ("2026/11/23 午前 2:05:06", "2026-11-23T02:05:06"),
        ("2026年11月23日午後0時30分", "2026-11-23T12:30"),
        ("11/23/2026 2:05:06 PM", "2026-11-23T14:05:06"),
        ("11/23/2026, 2:05:06 a.m.", "2026-11-23T02:05:06"),
        ("2026-11-23 12:30 AM", "2026-11-23T00:30"),
        ("2026-11-23 12:30 PM", "2026-11-23T12:30"),
        ("23-Nov-2026 14:05", "2026-11-23T14:05"),
        ("23-NOV-2026", "2026-11-23"),
        ("Nov 23 2026 2:05PM", "2026-11-23T14:05"),
        ("November 23, 2026", "2026-11-23"),
        ("23 November 2026", "2026-11-23"),
        ("2026-Nov-23", "2026-11-23"),
        ("3-Nov-26", "2026-11-03"),
        ("23.11.2026 14:05", "2026-11-23T14:05"),
        ("23/11/2026 14:05", "2026-11-23T14:05"),
        ("11/23/2026 14:05", "2026-11-23T14:05"),
        ("32/01/02 3:04", "2032-01-02T03:04"),
        ("99/12/31 3:04", "1999-12-31T03:04"),
        ("2028-02-29", "2028-02-29"),
        ("2000-02-29", "2000-02-29"),
        ("2026-11-23 24:00", "2026-11-24T00:00"),
        ("2026-12-31T24:00:00", "2027-01-01T00:00"),
        ("2026年12月31日24時", "2027-01-01T00:00"),
        ("1700-01-01", "1700-01-01"),
        ("2249-12-31 23:59:59", "2249-12-31T23:59:59"),
    ],
)
def test_a_time_is_read_as_it_is_written(written: str, meant: str):
    (way,) = ways(column(*[written] * 3))
    assert list(way.times) == [at(meant)] * 3
    assert not way.utc
    assert way.code in CODES
    assert looks_like_time(written)


@pytest.mark.parametrize(
    "text",
    "|5|2.5|-3|1200|45000.5|2026|2026.11|20261123|2026-13-01|2026-00-01|2026-01-00|2026-02-30|2026-02-29|1900-02-29"
    "|2026-06-31|2026-11-23 24:01|2026-11-23 24:00:00.1|2026-11-23 25:30|2026-11-23 14:60|2026-11-23 14:05:60|soon"
    "|2026-11/23|9999-01-01|1699-12-31|2250-01-01|2026年11月23日 14時123|11月23日 14時05分|26年11月23日|11/23 14:05"
    "|令和1年4月30日|平成31年5月1日|昭和64年1月8日|平成1年1月7日|昭和1年12月24日|令和0年5月1日|R0.5.1|r8.1.2|R1.2.3"
    "|2026/11/23 13:05 PM|2026/11/23 午後13時|午後25時|2026/11/23 09:00-10:00|2026/11/23 9:00-10|R2-1-15"
    "|2026-11-23T14:05:06+15:00|2026-11-23T14:05:06+09:60|2026-11-23 14:05:06.1234567890|2026-11-23 14:05:06:12"
    "|2026-11-23 14:05 JST|2026-11-23T|2026-11-23 14|1.2.3|1.2.10|v1.2.3|10.0.0.1|192.168.10.10|03-1234-5678"
    "|090-1234-5678|12-34-56|1/2|31/06/2026|2026-11-231|2026/1/3¹|2026/1/③|٢٠٢٦-١١-٢٣"
    "|2026-11-23 2026-11-23".split("|"),
)
def test_what_is_no_certain_instant_is_no_time(text: str):
    assert ways(column(*[text] * 3)) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("14:05", "14:05"),
        ("4:05:06.5", "04:05:06.500"),
        ("1:05 PM", "13:05"),
        ("午前0時05分", "00:05"),
        ("14時05分", "14:05"),
        ("14:05:06:123", "14:05:06.123"),
    ],
)
def test_a_time_of_day_by_itself_is_a_clock(written: str, meant: str):
    (way,) = ways(column(written, written))
    assert (way.code, way.times[1]) == ("clock", at(f"1970-01-01T{meant}"))


@pytest.mark.parametrize("text", ["", "5", "1763906706", "20261123", "2026.11", "時刻", "Time", "45000.5", "x" * 10**6])
def test_a_word_or_a_number_does_not_look_like_a_time(text: str):
    assert not looks_like_time(text)


# ---- a column


def test_one_broken_stamp_among_many_is_not_a_time_and_the_others_stay():
    (way,) = ways(column(*[f"2026-11-23 14:{minute:02}" for minute in range(20)], "power cut"))
    assert np.isnat(way.times).tolist() == [False] * 20 + [True]


def test_one_broken_cell_says_nothing_about_the_order_of_day_and_month():
    (way,) = ways(column(*[f"{day:02}/02/2026" for day in range(1, 21)], "power cut"))
    assert (way.code, np.isnat(way.times).sum()) == ("dmy", 1)


def test_a_column_of_which_a_fifth_is_no_time_is_none():
    assert ways(column(*["2026-11-23"] * 8, "", "-")) == []
    assert read_as(column(*["2026-11-23"] * 8, "", "-"), "ymd") is None


def test_a_rhythm_in_the_rows_does_not_hide_the_times():
    cells = [f"2026-11-23 {i // 60 % 24:02}:{i % 60:02}" if i % 20 else "---- page ----" for i in range(2000)]
    (way,) = ways(column(*cells))
    assert np.isnat(way.times).sum() == 100


def test_two_ways_of_writing_in_one_column_are_not_times():
    assert ways(column(*["2026-11-23 14:05", "2026/11/23 14:06"] * 10)) == []
    assert ways(column(*["2026-11-23 2:05 PM", "2026-11-23 14:06"] * 10)) == []


def test_a_clock_without_am_or_pm_among_clocks_with_it_is_not_read():
    (way,) = ways(column(*["2026-11-23 2:05 PM"] * 19, "2026-11-23 2:06"))
    assert np.isnat(way.times).tolist() == [False] * 19 + [True]


def test_midnight_may_be_written_as_the_date_alone():
    (way,) = ways(column("2026/11/23 23:59", "2026/11/24", "2026/11/24 0:01"))
    assert way.times[1] == at("2026-11-24")


def test_day_and_month_are_told_apart_by_a_day_beyond_twelve_anywhere_in_the_column():
    assert codes(ways(column("01/02/2026", "03/02/2026"))) == ["dmy", "mdy"]
    (way,) = ways(column("01/02/2026", "13/02/2026"))
    assert (way.code, way.times[0]) == ("dmy", at("2026-02-01"))


def test_day_and_month_need_no_telling_apart_where_both_orders_mean_the_same():
    (way,) = ways(column("05/05/2026 10:00", "05/05/2026 10:01"))
    assert way.times[1] == at("2026-05-05T10:01")


def test_cells_that_contradict_each_other_are_in_no_order():
    assert ways(column("13/02/2026", "02/13/2026")) == []
    assert read_as(column(*["13/02/2026"] * 19, "02/13/2026"), "dmy") is not None


def test_a_two_digit_year_is_never_guessed():
    found = ways(column("24/01/02 3:04", "24/01/02 3:05"))
    assert {way.code: way.times[0] for way in found} == {
        "ymd": at("2024-01-02T03:04"),
        "dmy": at("2002-01-24T03:04"),
    }
    assert codes(ways(column("01.02.10"))) == ["ymd", "dmy", "mdy"]
    assert codes(ways(column("23-Nov-26", "24-Nov-26"))) == ["dmy", "ymd"]


def test_a_person_chooses_the_order():
    cells = column("24/01/02 3:04", "24/01/02 3:05")
    assert [way.times[0] for code in ("ymd", "dmy") if (way := read_as(cells, code))] == [
        at("2024-01-02T03:04"),
        at("2002-01-24T03:04"),
    ]
    assert read_as(cells, "mdy") is None
    assert read_as(cells, "epoch-s") is None


def test_one_utc_offset_is_left_out_and_told():
    (way,) = ways(column("2026-11-23T14:05:06-03:30", "2026-11-23T14:05:07-03:30"))
    assert (way.times[0], way.utc, way.offset) == (at("2026-11-23T14:05:06"), False, "-03:30")
    (way,) = ways(column("2026-11-23T14:05:06Z", "2026-11-23T14:05:06+00:00"))
    assert (way.utc, way.offset) == (False, "+00:00")


def test_different_utc_offsets_become_utc():
    (way,) = ways(column("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"))
    assert way.times.tolist() == [at("2026-10-25T00:30").item(), at("2026-10-25T01:30").item()]
    assert (way.utc, way.offset) == (True, "")


def test_a_stamp_without_an_offset_among_others_with_one_is_not_read():
    (way,) = ways(column(*["2026-10-25T02:30:00+02:00"] * 19, "2026-10-25T02:30:00"))
    assert np.isnat(way.times).tolist() == [False] * 19 + [True]


def test_a_part_of_a_larger_column_is_read_by_itself():
    whole = column("x", "", *[f"2026-11-23 14:{minute:02}" for minute in range(20)], "月")
    (way,) = ways(whole[3:21])
    assert (way.times[0], len(way.times)) == (at("2026-11-23T14:01"), 18)


def test_an_empty_column_is_no_time():
    assert ways(column()) == []
    assert ways(column("", "")) == []
    assert read_as(column(), "ymd") is None


def test_cells_are_read_alike_in_one_block_and_in_several():
    expected = at("2026-01-01") + np.arange(150_000) * np.timedelta64(61, "s")
    (way,) = ways(pa.array(np.datetime_as_string(expected.astype("datetime64[s]")).tolist(), pa.string()))
    assert np.array_equal(way.times, expected)


# ---- dates and times of day in two columns


def test_dates_and_clocks_in_two_columns_are_joined():
    dates = read_as(column("R8.11.23", "R8.11.23", "R8.11.23", *["R8.11.24"] * 17, ""), "era")
    clocks = clock_of(column("23:59:58", "23:59:59.5", "24:00", *["0:00:01"] * 17, "0:00:02"))
    both = joined(dates.times, clocks)
    assert both[:4].tolist() == [
        at(t).item() for t in ("2026-11-23T23:59:58", "2026-11-23T23:59:59.5", "2026-11-24", "2026-11-24T00:00:01")
    ]
    assert np.isnat(both[-1])


def test_stamps_have_no_second_clock():
    assert joined(np.array([at("2026-11-23T14:05")]), np.array([5], "timedelta64[ns]")) is None


def test_a_column_that_is_no_clock_is_none():
    assert clock_of(column("14.05", "14.06")) is None
    assert clock_of(column("2026-11-23 14:05")) is None
    assert clock_of(column("14:05+09:00")) is None


# ---- whatever the day, in every way of writing

ERAS = {"令和": date(2019, 5, 1), "平成": date(1989, 1, 8), "昭和": date(1926, 12, 25)}
MONTHS = "January February March April May June July August September October November December".split()


def era(t: datetime) -> str:
    name, first = next((name, first) for name, first in ERAS.items() if t.date() >= first)
    year = t.year - first.year + 1
    return f"{name}{year}" if year > 1 else f"{name}元"


def letter(t: datetime) -> str:
    return era(t).replace("令和", "R").replace("平成", "H").replace("昭和", "S").replace("元", "1")


def halves(t: datetime) -> str:
    return f"{'午前' if t.hour < 12 else '午後'}{t.hour % 12}時{t.minute}分{t.second}秒"


def am_pm(t: datetime) -> str:
    return f"{t.hour % 12 or 12}:{t:%M:%S} {'AM' if t.hour < 12 else 'PM'}"


WRITERS: list[tuple[str, str, Callable[[datetime], str]]] = [  # code, the smallest unit that is written, how
    ("ymd", "us", lambda t: t.isoformat(sep=" ")),
    ("ymd", "us", lambda t: t.isoformat() + "Z"),
    ("ymd", "us", lambda t: f"{t:%Y%m%dT%H%M%S.%f}"),
    ("ymd", "ms", lambda t: f"{t:%Y-%m-%d %H:%M:%S}:{t.microsecond // 1000:03}"),
    ("ymd", "us", lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t:%M:%S.%f}"),
    ("ymd", "us", lambda t: f"{t:%Y.%m.%d %H:%M:%S,%f}"),
    ("ymd", "us", lambda t: f"{t.year}年{t.month}月{t.day}日{t.hour}時{t.minute:02}分{t:%S.%f}秒"),
    ("ymd", "us", lambda t: f"{t:%Y/%m/%d　%H:%M:%S.%f}".translate(WIDE)),
    ("ymd", "s", lambda t: f"{t:%Y-%m-%d} {halves(t)}"),
    ("ymd", "s", lambda t: f"{t:%Y/%m/%d}({'月火水木金土日'[t.weekday()]}) {am_pm(t)}"),
    ("era", "s", lambda t: f"{era(t)}年{t.month}月{t.day}日 {halves(t)}"),
    ("era", "s", lambda t: f"{era(t)}年{t.month}月{t.day}日{t:%H時%M分%S秒}".translate(WIDE)),
    ("era", "us", lambda t: f"{letter(t)}.{t.month}.{t.day} {t:%H:%M:%S.%f}"),
    ("era", "D", lambda t: f"{letter(t)}/{t:%m/%d}"),
    ("dmy", "us", lambda t: f"{t:%d.%m.%Y %H:%M:%S.%f}"),
    ("dmy", "s", lambda t: f"{t:%d/%m/%Y %H:%M:%S}"),
    ("mdy", "m", lambda t: f"{t.month}/{t.day}/{t.year} {t.hour}:{t.minute:02}"),
    ("mdy", "s", lambda t: f"{t.month}/{t.day}/{t.year}, {am_pm(t)}"),
    ("dmy", "s", lambda t: f"{t:%d-%m-%y %H:%M:%S}"),
    ("ymd", "m", lambda t: f"{t:%y/%m/%d %H:%M}"),
    ("mdy", "D", lambda t: f"{t:%m/%d/%y}"),
    ("dmy", "us", lambda t: f"{t.day}-{MONTHS[t.month - 1][:3]}-{t.year} {t:%H:%M:%S.%f}"),
    ("mdy", "m", lambda t: f"{MONTHS[t.month - 1]} {t.day}, {t.year} {t:%H:%M}"),
    ("dmy", "D", lambda t: f"{t.day} {MONTHS[t.month - 1].upper()} {t:%y}"),
    ("compact", "D", lambda t: f"{t:%Y%m%d}"),
    ("compact", "m", lambda t: f"{t:%Y%m%d%H%M}"),
    ("compact", "s", lambda t: f"{t:%Y%m%d%H%M%S}"),
    ("compact", "ms", lambda t: f"{t:%Y%m%d%H%M%S}{t.microsecond // 1000:03}"),
]


def moments(*texts: str) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in texts]


some_moments = st.lists(st.datetimes(*moments("1970-01-01", "2068-12-31")), min_size=1, max_size=5)


@pytest.mark.parametrize(("code", "unit", "writer"), WRITERS)
@settings(max_examples=25, deadline=None)
@given(moments=some_moments)
@example(moments=moments("2019-04-30T23:59:59", "2019-05-01", "2020-01-01", "1989-01-07", "1989-01-08", "1990-01-01"))
@example(moments=moments("2028-02-29T12:00:01", "2000-02-29T00:30", "1999-12-31T12:30", "2026-11-23T23:59:59.999999"))
def test_what_is_written_is_read_back(code: str, unit: str, writer: Callable[[datetime], str], moments: list[datetime]):
    cells = column(*map(writer, moments))
    expected = np.array(moments, "datetime64[us]").astype(f"datetime64[{unit}]").astype("datetime64[ns]")
    way = read_as(cells, code)
    assert np.array_equal(way.times, expected)
    if code != "compact":
        assert any(np.array_equal(one.times, expected) for one in ways(cells))  # certain, or one of the choices


@settings(max_examples=200, deadline=None)
@given(n=st.integers(-8_000_000_000_000_000_000, 8_000_000_000_000_000_000), digits=st.integers(1, 9))
def test_every_decimal_of_a_second_is_kept(n: int, digits: int):
    moment = np.datetime64(n // 10 ** (9 - digits) * 10 ** (9 - digits), "ns")
    text = str(moment)[: 20 + digits]
    (way,) = ways(column(text, text.replace("T", " ")))
    assert way.times.tolist() == [moment.item()] * 2


@settings(max_examples=100, deadline=None)
@given(
    moments=some_moments,
    quarters=st.lists(st.integers(-48, 56), min_size=5, max_size=5),
)
def test_stamps_with_offsets_mean_what_python_reads_in_them(moments: list[datetime], quarters: list[int]):
    zoned = [t.replace(tzinfo=timezone(timedelta(minutes=15 * q))) for t, q in zip(moments, quarters, strict=False)]
    (way,) = ways(column(*(t.isoformat() for t in zoned)))
    meant = zoned if way.utc else [t.replace(tzinfo=UTC) for t in moments]
    assert [t.item() for t in way.times.astype("datetime64[us]")] == [
        t.astimezone(UTC).replace(tzinfo=None) for t in meant
    ]
    assert way.utc == (len({t.utcoffset() for t in zoned}) > 1)


FORMATS = [  # strptime's and pandas' name for it; the code that gives the same
    ("%Y-%m-%dT%H:%M:%S.%f", "ymd"),
    ("%Y/%m/%d %H:%M", "ymd"),
    ("%Y年%m月%d日 %H時%M分", "ymd"),
    ("%d.%m.%Y %H:%M:%S", "dmy"),
    ("%m/%d/%Y %I:%M:%S %p", "mdy"),
    ("%d-%b-%Y %H:%M", "dmy"),
    ("%B %d, %Y", "mdy"),
    ("%y/%m/%d %H:%M", "ymd"),
    ("%d/%m/%y", "dmy"),
    ("%Y%m%d%H%M%S", "compact"),
]


@pytest.mark.parametrize(("form", "code"), FORMATS)
def test_strptime_and_pandas_read_the_same(form: str, code: str):
    rng = np.random.default_rng(0)
    strptime = datetime.strptime  # without a zone: the clock as written
    moments = rng.integers(0, 3_000_000_000, 500).astype("datetime64[s]").astype(datetime)
    texts = [t.strftime(form) for t in moments]
    way = read_as(column(*texts), code)
    assert way.times.tolist() == np.array([str(strptime(text, form)) for text in texts], "datetime64[ns]").tolist()
    assert np.array_equal(way.times, pd.to_datetime(texts, format=form).to_numpy("datetime64[ns]"))


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("0123456789-/.: T年月日時分秒午前後AMPMNov令和RHS元０５()+Z"), max_size=24))
@example("0000-00-00 00:00:00")
def test_whatever_the_text_it_is_read_or_it_is_not(text: str):
    for way in ways(column(text.strip())):
        assert len(way.times) == 1
        assert not np.isnat(way.times).any()
        assert looks_like_time(text.strip())


# ---- numbers

START = 1_763_906_706  # 2025-11-23T14:05:06Z


def counted(power: int, steps: np.ndarray) -> list[str]:
    """Units of 10**-power seconds since 1970."""
    return [str(START * 10**power + int(step)) for step in np.cumsum(steps)]


@pytest.mark.parametrize(("code", "power"), [("epoch-s", 0), ("epoch-ms", 3), ("epoch-us", 6), ("epoch-ns", 9)])
def test_numbers_that_count_from_1970_are_read_exactly(code: str, power: int):
    jitter = np.random.default_rng(0).integers(-(10**power) // 10, 10**power // 10 + 1, 100)
    texts = counted(power, 2 * 10**power + jitter)
    (way,) = ways(column(*texts))
    assert (way.code, way.utc) == (code, True)
    assert way.times.astype(np.int64).tolist() == [int(text) * 10 ** (9 - power) for text in texts]
    (same,) = epochs(np.array(texts, np.int64))
    assert (same.code, np.array_equal(same.times, way.times)) == (code, True)


def test_fractions_of_an_epoch_are_kept():
    texts = [f"{START + i // 10}.{i % 10}23456789" for i in range(50)]
    (way,) = ways(column(*texts))
    assert way.times[1] == at("2025-11-23T14:05:06.123456789")
    (near,) = epochs(np.array(texts, np.float64))
    assert near.times[1] == at("2025-11-23T14:05:06.123457")  # a float tells no more
    assert codes(epochs(np.array(texts, np.float64) * 1000)) == ["epoch-ms"]


def test_nanoseconds_since_1970_are_not_read_from_floats():
    whole = np.array(counted(9, np.full(50, 10**9)), np.int64)
    assert codes(epochs(whole)) == ["epoch-ns"]
    assert epochs(whole.astype(np.float64), asked=True) == []


def test_a_clock_of_seconds_may_say_each_of_them_several_times():
    assert codes(ways(column(*(str(START + i // 10) for i in range(100))))) == ["epoch-s"]


def test_newest_first_and_several_machines_one_after_the_other_are_times_too():
    assert codes(epochs(START - np.arange(100))) == ["epoch-s"]
    assert codes(epochs(np.tile(START + np.arange(100), 3))) == ["epoch-s"]


def test_spreadsheet_days_are_read_to_the_millisecond():
    expected = at("2026-11-23T14:05:06") + np.arange(100) * np.timedelta64(10, "s")
    days = (expected - at("1899-12-30")) / np.timedelta64(1, "D")
    for texts in ([repr(day) for day in days.tolist()], [f"{day:.10f}" for day in days.tolist()]):
        (way,) = ways(column(*texts))
        assert (way.code, way.utc) == ("excel", False)
        assert np.array_equal(way.times, expected)
    assert np.array_equal(epochs(days)[0].times, expected)


def test_whole_spreadsheet_days_are_times_only_where_a_person_says_so():
    assert ways(column("46349", "46350", "46351")) == []
    assert read_as(column("46349", "46350", "46351"), "excel").times[0] == at("2026-11-23")
    assert codes(epochs(np.array([46349.0, 46350.0, np.nan] + [46351.0] * 20), asked=True)) == ["excel"]


def test_days_in_eight_digits_are_times_where_they_run_one_way():
    assert codes(ways(column(*(f"202611{day:02}" for day in range(1, 31))))) == ["compact"]
    assert codes(ways(column("20261124", "20261124", "20261123"))) == ["compact"]
    assert ways(column("20261123", "20261123")) == []  # perhaps the number of a product
    assert ways(column("20261123", "20261125", "20261124", "20261122")) == []
    assert ways(column(*(f"{20261101 + i}" for i in range(40)))) == []
    assert read_as(column("20261123", "20261123"), "compact").times[0] == at("2026-11-23")


def test_digits_that_count_the_pieces_of_a_day_are_no_minutes_or_seconds():
    assert ways(column(*(f"20261123{i:04}" for i in range(1, 60)))) == []
    assert ways(column(*(f"20261123{i:06}" for i in range(1, 60)))) == []
    assert codes(ways(column(*(f"20261123{h:02}{m:02}" for h in range(3) for m in range(60))))) == ["compact"]
    assert codes(ways(column(*(f"2026112300{m:02}{s:02}" for m in range(3) for s in range(60))))) == ["compact"]


def measured() -> dict[str, list[str]]:
    """Columns as plants have them, that are no times."""
    rng, n = np.random.default_rng(0), 500
    level, many = np.cumsum(rng.normal(size=n)), rng.integers(0, 10**9, n)
    return {
        "noise": [f"{x:.4f}" for x in rng.normal(size=n)],
        "whole": [str(x) for x in rng.integers(1000, 60_000, n)],
        "in the range of spreadsheet days": [f"{x:.5f}" for x in rng.uniform(40_000, 50_000, n)],
        "drift in that range": [f"{45_000 + x:.3f}" for x in np.sort(level)],
        "a total in that range": [f"{45_000 + x:.2f}" for x in np.cumsum(rng.uniform(0, 1, n))],
        "steps of a converter": [f"{45_000 + x}" for x in np.arange(n) / 64],
        "steps of five thousandths": [f"{45_000 + x:.3f}" for x in np.arange(n) * 0.005],
        "count": [str(i + 1) for i in range(n)],
        "count from 30000": [str(30_000 + i) for i in range(n)],
        "count from a billion": [str(10**9 + i) for i in range(n)],
        "count within a year": [str(2_026_000_001 + i) for i in range(n)],
        "counts within days": [f"261123{i:04}" for i in range(n)],
        "numbers of ten digits": [str(1_200_000_000 + x) for x in np.sort(many % 800_000_000)],
        "bar codes": [str(4_901_234_000_000 + x) for x in many % 10**6],
        "constant": ["45000.5"] * n,
        "constant of ten digits": ["1763906706"] * n,
        "product": ["20200101"] * n,
        "eight digits": [str(19_700_101 + x % 1_300_000) for x in many],
        "versions": [f"{x % 3}.{x % 7}.{x % 41}" for x in many],
        "releases": [f"{x % 10}.{x % 12 + 1}.{x % 30 + 10}" for x in many],
        "addresses": [f"192.168.{x % 256}.{x % 97}" for x in many],
        "telephones": [f"03-{x % 9000 + 1000}-{x % 8999 + 1000}" for x in many],
        "parts": [f"{x % 89 + 10}-{x % 83 + 10}-{x % 79 + 10}" for x in many],
        "ratios": [f"{x % 9}:{x % 7}" for x in many],
        "hexadecimal": [f"{x:08x}" for x in many],
        "words": [["正常", "異常", "停止"][x % 3] for x in many],
    }


@pytest.mark.parametrize("name", measured())
def test_measurements_counts_and_names_are_no_times(name: str):
    cells = measured()[name]
    assert ways(column(*cells)) == []
    try:
        values = np.array(cells, np.float64)
    except ValueError:
        return
    assert epochs(values) == []
    if np.all(values == np.round(values)):
        assert epochs(values.astype(np.int64)) == []


def test_numbers_without_values_are_no_times():
    assert epochs(np.array([]), asked=True) == []
    assert epochs(np.full(3, np.nan), asked=True) == []
    assert epochs(np.array([np.inf, 1e300, -1e300]), asked=True) == []


# ---- real files


@pytest.mark.parametrize("name", ["nab/nyc_taxi.csv", "skab/anomaly-free.csv"])
def test_times_of_real_files_are_pandas_times(shared_data: Path, name: str):
    lines = (shared_data / name).read_text().splitlines()[1:]
    texts = [line.replace(";", ",").split(",")[0] for line in lines]
    (way,) = ways(column(*texts))
    assert np.array_equal(way.times, pd.to_datetime(texts, format="ISO8601").to_numpy("datetime64[ns]"))
