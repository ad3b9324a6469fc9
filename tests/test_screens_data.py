"""The Data screen: several files at once, guesses that can be corrected and are remembered, and what is wrong where."""

import json

import pytest

from core.tables import Reading
from feedback_db.datasets import Dataset
from feedback_db.pilots import Pilot
from tests.screens import Person, csv


@pytest.fixture
def pilot(someone: Person) -> Pilot:
    return someone.place.pilot()


def at(someone: Person, pilot: Pilot, *files: tuple[str, bytes]) -> Person:
    return someone.open("data", pilot=pilot.id).upload(*files)


def readings(someone: Person, pilot: Pilot) -> list[Reading]:
    return [Reading.from_json(one.reading) for one in someone.place.datasets(pilot)]


def only(someone: Person, pilot: Pilot) -> Dataset:
    [found] = someone.place.datasets(pilot)
    return found


def recorded(*stamps: str) -> bytes:
    return ("time,load\n" + "".join(f"{stamp},{i * i % 7}\n" for i, stamp in enumerate(stamps))).encode()


def test_several_files_are_several_series_each_named_after_its_file(anyone):
    pilot = anyone.place.pilot()
    at(anyone, pilot, ("press 3.csv", csv(label=True)), ("press 4.csv", csv(90, label=True)))
    overview = anyone.at.dataframe[0].value
    assert overview[anyone.word("line or site")].tolist() == ["press 3", "press 4"]
    assert overview[anyone.word("rows")].tolist() == [80, 90]
    assert overview[anyone.word("label")].tolist() == ["label", "label"]
    anyone.open("maps", pilot=pilot.id).choose("model", "raw")
    assert anyone.at.multiselect[0].value == [one.id for one in anyone.place.datasets(pilot)]


def test_a_line_can_be_given_another_name(someone, pilot):
    at(someone, pilot, ("a.csv", csv()))
    someone.set("site-", "プレス3号機")
    assert readings(someone, pilot)[0].site == "プレス3号機"
    assert only(someone, pilot).corrected


def test_a_corrected_reading_is_used_for_the_next_file_that_looks_alike(someone, pilot):
    at(someone, pilot, ("monday.csv", csv(label=True)))
    someone.set("label-", "").set("rate-", 50.0)
    at(someone, pilot, ("tuesday.csv", csv(90, label=True)), ("other.csv", b"a,b\n1,2\n3,4\n5,7\n"))
    by_name = {one.file_name: one for one in someone.place.datasets(pilot)}
    told = Reading.from_json(by_name["tuesday.csv"].reading)
    assert (told.label, told.rate, told.site) == (None, 50.0, "tuesday")
    assert by_name["tuesday.csv"].read_like == "monday.csv"
    assert by_name["other.csv"].read_like == ""
    someone.choose("file-3", by_name["tuesday.csv"].id)
    assert someone.sees("It looks like {file}, and was read as you corrected that one.", file="monday\\.csv")


def test_a_reading_that_nobody_corrected_is_guessed_anew(someone, pilot):
    at(someone, pilot, ("monday.csv", csv(label=True)), ("tuesday.csv", csv(90, label=True)))
    assert [one.read_like for one in someone.place.datasets(pilot)] == ["", ""]


def test_a_file_that_could_not_be_read_is_tried_again_as_somebody_says(someone, pilot):
    data = b"a|b\n" + b"".join(b'%d|"%d\n' % (i, i * 3) for i in range(30))  # a quotation mark that means inches
    at(someone, pilot, ("a.csv", data))
    assert len(someone.errors()) == 1
    someone.set("delimiter-told", "|").set("quote-told", "")
    someone.press("Try again")
    assert someone.errors() == []
    assert readings(someone, pilot)[0].dialect.quote == ""


def test_repeated_times_are_told_and_what_becomes_of_them_is_chosen(someone, pilot):
    at(someone, pilot, ("a.csv", recorded(*[f"2026-11-23 14:{i // 2:02}" for i in range(40)])))
    kept = "{n} rows have the same time as another row; all were kept, in the order of the file."
    assert someone.sees(kept, n=20)
    someone.set("repeats-", "mean")
    assert someone.sees("{n} rows have the same time as another row; their mean was taken.", n=20)
    assert readings(someone, pilot)[0].repeats == "mean"


def test_rows_out_of_order_are_told_and_can_be_left_as_they_are(someone, pilot):
    at(someone, pilot, ("a.csv", recorded(*[f"2026-11-23 14:{(i + 20) % 40:02}" for i in range(40)])))
    assert someone.sees("The times run backwards in {n} places; the rows were put in order of time.", n=1)
    someone.set("ordered-", False)
    assert someone.sees("The times run backwards in {n} places; the rows were left as they stand in the file.", n=1)


def test_ambiguous_dates_are_asked_and_told(someone, pilot):
    at(someone, pilot, ("a.csv", recorded(*[f"0{1 + i // 20}/0{1 + i // 10 % 2}/2026 10:{i:02}" for i in range(40)])))
    assert readings(someone, pilot)[0].time is None
    assert any("日付" in one.value for one in someone.at.warning)
    someone.set("time-", "time")
    [said] = someone.errors()
    assert someone.word("Say how they are written, or choose no time column.") in said
    assert readings(someone, pilot)[0].time is None  # the old reading stays until then
    someone.set("written-", "mdy")
    assert (readings(someone, pilot)[0].time, readings(someone, pilot)[0].written) == ("time", "mdy")
    assert someone.errors() == []


def test_a_summer_time_can_be_undone(someone, pilot):
    stamps = [f"2026-03-29 0{h}:{m:02}" for h in (0, 1, 3, 4) for m in range(0, 60, 6)]
    at(someone, pilot, ("a.csv", recorded(*stamps)))
    someone.set("zone-", "Europe/Berlin")
    assert someone.sees("The times were taken as those of {zone}, and are shown in UTC.", zone="Europe/Berlin")
    assert readings(someone, pilot)[0].zone == "Europe/Berlin"


def test_a_ts_file_becomes_a_labelled_series_a_row_and_one_is_drawn_at_a_time(someone, pilot):
    cases = "\n".join(f"{','.join(str((i + k) % 5) for i in range(40))}:{'AB'[k % 2]}" for k in range(12))
    header = "@problemName toy\n@timeStamps false\n@univariate true\n@classLabel true A B\n@data\n"
    at(someone, pilot, ("toy.ts", (header + cases).encode()))
    assert (only(someone, pilot).n_series, only(someone, pilot).n_rows) == (12, 12)
    assert len(someone.at.get("arrow_vega_lite_chart") or someone.at.get("vega_lite_chart")) == 1
    assert someone.sees("A .ts file says itself how it is to be read.")


def test_what_is_wrong_with_the_data_is_shown_below_it(anyone):
    rows = [f"{(0, 3, 5, 3, 0)[i % 5] + i % 3 / 10}" for i in range(400)]
    rows[100:109] = [""] * 9
    pilot = anyone.place.pilot()
    at(anyone, pilot, ("a.csv", ("load,wave\n" + "".join(f"{x},{i % 7}\n" for i, x in enumerate(rows))).encode()))
    gap = anyone.word("{what} {n:,}×", what=anyone.word("values missing"), n=1)
    assert anyone.sees("Data quality: {findings}", findings=gap)
    [quality] = [one.value for one in anyone.at.dataframe if anyone.word("longest gap") in one.value.columns]
    assert quality[anyone.word("longest gap")].tolist() == [9, 0]


def test_sound_data_is_said_to_be_so(anyone):
    pilot = anyone.place.pilot()
    at(anyone, pilot, ("a.csv", csv()))
    assert anyone.sees("Data quality: nothing was found to be wrong")


def test_the_reading_is_kept_as_plain_json(someone, pilot):
    at(someone, pilot, ("a.csv", csv()))
    [(kept,)] = someone.place.rows("SELECT reading FROM dataset")
    assert Reading.from_json(json.loads(kept)) == readings(someone, pilot)[0]
