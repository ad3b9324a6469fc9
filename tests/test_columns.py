"""What each column is for is seen by its name and its cells, and a sensor is never taken for anything else."""

import numpy as np
import pytest

from core.tables import guess, read


@pytest.mark.parametrize(
    "name", ["label", "Class", "is_anomaly", "ラベル", "異常", "判定", "区分", "状態", "異常フラグ", "異常（0/1）"]
)
def test_a_label_is_known_by_its_name_even_as_zero_and_one(name: str):
    reading = guess(f"load,{name}\n1.5,0\n2.5,1\n3.5,0\n".encode())
    assert (reading.label, reading.channels) == (name, ("load",))


def test_a_measurement_that_is_called_after_a_fault_is_no_label():
    reading = guess("異常温度[℃],load\n80.5,1\n81.5,2\n".encode())
    assert (reading.label, reading.channels) == (None, ("異常温度[℃]", "load"))


@pytest.mark.parametrize("name", ["line", "Line_ID", "site", "plant", "ライン", "拠点", "工場名", "号機", "設備番号"])
def test_lines_and_sites_are_known_by_name_and_become_series(name: str):
    data = f"{name},load\n2,1.5\n1,2.5\n2,3.5\n1,4.5\n".encode()
    back = read(data, guess(data))
    assert [(s.domain, s.values[:, 0].tolist()) for s in back.series] == [("2", [1.5, 3.5]), ("1", [2.5, 4.5])]
    assert back.series[0].channels == ("load",)


def test_words_like_ids_are_lines_and_other_repeated_words_are_labels():
    reading = guess(b"where,what,load\nL1,ok,1.5\nL1,bad,2.5\nL2,ok,3.5\nL2,bad,4.5\n")
    assert (reading.domain, reading.label) == ("where", "what")


def test_a_valve_that_is_open_or_shut_stays_a_channel_but_an_alarm_does_not():
    assert guess(b"load,valve,alarm\n1.5,0,0\n2.5,1,1\n").channels == ("load", "valve")


def test_running_numbers_are_no_channel():
    assert guess(b"No.,load\n1,1.5\n2,2.5\n3,3.5\n").channels == ("load",)
    assert guess(b"time [s],load\n0.1,1.5\n0.2,2.5\n0.4,3.5\n").channels == ("load",)
    assert guess(b",load\n0,1.5\n1,2.5\n2,3.5\n").channels == ("load",)


def test_a_line_speed_is_no_line():
    assert guess("ライン速度,load\n60,1.5\n80,2.5\n60,3.5\n80,4.5\n".encode()).channels == ("ライン速度", "load")


def test_a_lone_rising_column_is_the_measurement():
    assert guess(b"1\n2\n3\n").channels == ("column 1",)


# ---- times


def test_a_column_of_dates_and_one_of_times_of_day_are_the_time_together():
    rows = "".join(f"2026/11/{23 + i // 12},{i % 12}:05,{i}.5\n" for i in range(24))
    reading = guess(("日付,時刻,荷重\n" + rows).encode())
    assert (reading.time, reading.clock, reading.channels) == ("日付", "時刻", ("荷重",))
    assert str(read(("日付,時刻,荷重\n" + rows).encode(), reading).series[0].time[13])[:16] == "2026-11-24T01:05"


def test_times_of_day_alone_are_the_time_only_where_they_never_run_back():
    day = "".join(f"{h}:00,{h}.5\n" for h in range(5, 20))
    assert guess(("clock,load\n" + day).encode()).time == "clock"
    assert guess(("clock,load\n" + day + day).encode()).time is None


def test_a_date_with_its_time_of_day_needs_no_other_column():
    rows = "".join(f"2026-11-23 {i:02}:05,{i:02}:05,{i}.5\n" for i in range(20))
    reading = guess(("when,clock,load\n" + rows).encode())
    assert (reading.time, reading.clock) == ("when", None)


@pytest.mark.parametrize(
    ("name", "step", "rate"),
    [
        ("time [s]", 0.5, 2),
        ("t_ms", 4, 250),
        ("経過時間(秒)", 0.1, 10),
        ("time [ミリ秒]", 1, 1000),
        ("time", 0.5, None),
    ],
)
def test_evenly_counted_seconds_tell_the_rate(name: str, step: float, rate: float | None):
    rows = "".join(f"{i * step:.3f},{i % 3}.5\n" for i in range(40))
    data = f"{name},load\n{rows}".encode()
    reading = guess(data)
    assert (reading.time, reading.rate, "load" in reading.channels) == (None, rate, True)
    assert read(data, reading).series[0].step == (None if rate is None else 1 / rate)


def test_unevenly_counted_seconds_tell_no_rate():
    assert guess(b"time [s],load\n0,1.5\n1,2.5\n5,3.5\n6,4.5\n").rate is None


# ---- layouts

CLOCK = [f"2026-11-23 14:{i:02}" for i in range(40)]


@pytest.mark.parametrize("name", ["variable", "tag", "sensor_name", "測定項目", "チャンネル名", "パラメータ"])
def test_a_column_that_is_called_after_channels_names_them(name: str):
    rows = "".join(f"{['temp', 'load'][i % 2]},{i}.5\n" for i in range(20))
    reading = guess(f"{name},value\n{rows}".encode())
    assert (reading.layout, reading.variable, reading.value) == ("long", name, "value")
    assert reading.channels == ("temp", "load")


def test_a_column_that_tells_rows_of_one_time_apart_names_the_channels():
    rows = "".join(f"{CLOCK[i // 3]},{'pqr'[i % 3]},{i}.5\n" for i in range(60))
    reading = guess(("time,what,x\n" + rows).encode())
    assert (reading.layout, reading.time, reading.variable, reading.channels) == (
        "long",
        "time",
        "what",
        ("p", "q", "r"),
    )


def test_lines_that_share_their_times_are_no_channels():
    rows = "".join(f"{CLOCK[i // 2]},L{i % 2},{i}.5\n" for i in range(40))
    reading = guess(("time,line,x\n" + rows).encode())
    assert (reading.layout, reading.domain, reading.channels) == ("wide", "line", ("x",))


def test_a_long_table_may_hold_several_lines():
    rows = "".join(f"{CLOCK[i // 4]},L{i // 2 % 2},{'pq'[i % 2]},{i}.5\n" for i in range(80))
    data = ("time,line,what,x\n" + rows).encode()
    reading = guess(data)
    assert (reading.layout, reading.domain, reading.variable) == ("long", "line", "what")
    assert [(one.domain, one.values.shape) for one in read(data, reading).series] == [("L0", (20, 2)), ("L1", (20, 2))]


def test_a_label_that_changes_with_every_row_is_no_channel():
    rows = "".join(f"{at},{['ok', 'ng'][i % 2]},{i}.5\n" for i, at in enumerate(CLOCK))
    reading = guess(("time,state,x\n" + rows).encode())
    assert (reading.layout, reading.label) == ("wide", "state")


def waves(n: int, delimiter: str, *, first: bool) -> str:
    rows = []
    for k in range(n):
        samples = [f"{np.sin(i / 5) + 20 * k:.4f}" for i in range(50)]
        rows.append(delimiter.join([str(k % 2 + 1), *samples] if first else [*samples, "ab"[k % 2]]))
    return "\n".join(rows)


@pytest.mark.parametrize("delimiter", ["\t", ","])
@pytest.mark.parametrize("first", [True, False])
def test_a_wide_file_of_smooth_rows_is_a_series_a_row_with_its_class(delimiter: str, first: bool):
    data = waves(8, delimiter, first=first).encode()
    reading = guess(data)
    assert (reading.layout, reading.label, len(reading.channels)) == ("rows", "column 1" if first else "column 51", 50)
    table = read(data, reading)
    assert table.n_rows == len(table.series) == 8
    assert [one.label[0] for one in table.series[:2]] == (["1", "2"] if first else ["a", "b"])
    assert table.series[3].values[:2, 0].tolist() == [60.0, 60.1987]


def test_a_sample_that_no_series_has_leaves_the_others_in_place():
    rows = [line.split("\t") for line in waves(8, "\t", first=True).splitlines()]
    for row in rows:
        row[10] = "NaN"
    for row in rows[:4]:
        row[40:] = ["NaN"] * 11
    data = "\n".join(map("\t".join, rows)).encode()
    reading = guess(data)
    table = read(data, reading)
    assert (reading.layout, [len(one.values) for one in table.series]) == ("rows", [39] * 4 + [50] * 4)
    assert [np.isnan(one.values[9, 0]) for one in table.series] == [True] * 8
    assert table.series[0].values[10, 0] == float(rows[0][11])


# ---- missing values


def test_marks_and_sentinels_of_the_channels_are_proposed():
    values = [f"{20 + i / 8}" for i in range(30)]
    reading = guess(
        (
            "load,state\n"
            + "".join(
                f"{v},{w}\n" for v, w in zip([*values, "-9999", "欠測", "-9999"], ["NA", "ok"] * 20, strict=False)
            )
        ).encode()
    )
    assert reading.missing == ("-9999", "欠測")
    assert guess(("load\n" + "".join(f"{9990 + i}\n" for i in range(20))).encode()).missing == ()


def test_long_remarks_are_no_labels():
    rows = "".join(f"{i}.5,{['short', 'long ' * 30][i % 2]}\n" for i in range(20))
    assert guess(("load,note\n" + rows).encode()).label is None
    assert guess(("load,note\n" + rows.replace("long " * 30, "long")).encode()).label == "note"


def test_huge_numbers_are_measured_without_a_warning():
    assert guess(b"no,t [s],load\n" + b"1e308,1e308,1\n-1e308,-1e308,2\n" * 5).channels != ()
