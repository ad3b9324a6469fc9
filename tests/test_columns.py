"""What each column is for is seen by its name and its cells, and a sensor is never taken for anything else."""

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
