"""The course of new data over time: every peak is drawn, and what lies above the limit looks otherwise."""

import numpy as np

from core.drift_charts import MOST, Course, course
from tests.test_charts import drawn, found, rows

WORDS = {"title": "share", "file": "new data", "at": "when", "value": "value"}


def of(values: list[float], names: list[str] | None = None, limit: float = 0.05) -> dict:
    at = np.datetime64("2026-11-29T08:00", "ms") + np.arange(len(values)) * np.timedelta64(1, "h")
    return drawn(course(Course(at, np.array(values), names or ["a"] * len(values), limit), WORDS, ".0%"))


def test_what_lies_above_the_limit_is_told_by_colour_and_by_shape():
    spec = of([0.01, 0.05, 0.06])
    assert [row["above"] for row in rows(spec, "above")] == [False, False, True]
    [[colour], [shape]] = ([one for one in found(spec, name) if "condition" in one] for name in ("color", "shape"))
    assert colour["condition"]["value"] != colour["value"]
    assert shape["condition"]["value"] != shape["value"]


def test_the_limit_is_within_the_picture_however_low_the_values_are():
    spec = of([0.001, 0.002, -0.01])
    [[low, high]] = [one["domain"] for one in found(spec, "scale") if "domain" in one][:1]
    assert low == -0.01
    assert high > 0.05
    assert rows(spec, "limit") == [{"limit": 0.05}]


def test_of_very_many_the_one_peak_is_drawn():
    values = [0.0] * 10_000
    values[7777] = 0.9
    names = [f"{i}.csv" for i in range(len(values))]
    points = rows(of(values, names), "above")
    assert len(points) <= MOST + 2
    assert [row["file"] for row in points if row["above"]] == ["7777.csv"]
