"""How a file is read is kept as JSON, comes back the same, and says what it cannot mean."""

import json
from dataclasses import replace

import pytest

from core.cells import Notation
from core.delimited import Dialect
from core.errors import UserError
from core.readings import Reading

FULL = Reading(
    encoding="cp932",
    sheet="Blatt 1",
    dialect=Dialect(";", "'", "#", 3, 2),
    notation=Notation(",", "."),
    layout="long",
    time="日付",
    clock="時刻",
    written="ymd",
    zone="Asia/Tokyo",
    rate=12.5,
    ordered=False,
    repeats="mean",
    channels=("温度", "荷重"),
    label="状態",
    domain="ライン",
    site="press",
    variable="項目",
    value="値",
    missing=("欠測", "-"),
)


@pytest.mark.parametrize("reading", [Reading(), FULL])
def test_a_reading_survives_the_database(reading: Reading):
    assert Reading.from_json(json.loads(json.dumps(reading.to_json()))) == reading


def test_the_json_of_older_versions_is_understood():
    old = {
        "encoding": "utf-8-sig",
        "delimiter": ";",
        "decimal": ",",
        "header": True,
        "time": "datetime",
        "channels": ["Pressure", "Current"],
        "label": "anomaly",
        "domain": None,
        "missing": ["NaN"],
    }
    assert Reading.from_json(json.loads(json.dumps(old))) == Reading(
        encoding="utf-8-sig",
        dialect=Dialect(";", header=1),
        notation=Notation(","),
        time="datetime",
        channels=("Pressure", "Current"),
        label="anomaly",
        missing=("NaN",),
    )
    assert Reading.from_json(old | {"header": False}).dialect.header == 0
    assert old["delimiter"] == ";"  # what was given is left as it was


@pytest.mark.parametrize("wrong", [{"encoding": "latin9"}, {"layout": "tall"}, {"repeats": "median"}])
def test_a_reading_that_nothing_does_is_none(wrong: dict[str, str]):
    with pytest.raises(ValueError, match="is none of"):
        Reading(**wrong)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_is_a_number_of_samples(rate: float):
    with pytest.raises(UserError, match="samples a second is no rate"):
        Reading(rate=rate)


def test_the_measured_columns_of_a_long_table_are_its_one_of_values():
    assert FULL.measured == ("値",)
    assert replace(FULL, layout="wide").measured == ("温度", "荷重")
