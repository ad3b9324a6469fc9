"""A .ts file becomes a series a line, or says which line cannot and why."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import layouts
from core.archives import Archive, is_ts, read_ts
from core.errors import UserError
from core.tables import guess, open_file, read

HEAD = "# from the archive\n@problemName Test\n@univariate true\n@classLabel true a b\n@data\n"


def archive(cases: str, *keys: str) -> Archive:
    return read_ts(["".join(f"@{key}\n" for key in (*keys, "data")) + cases])


def reasons(found: Archive) -> list[tuple[int, str]]:
    return [(one.line, one.reason.format(**one.facts)) for one in found.rejected]


def test_a_line_is_a_series_with_its_class():
    found = archive("1,2.5,-3:up\n4,5:down\n", "classLabel true up down")
    assert [one.values[:, 0].tolist() for one in found.series] == [[1, 2.5, -3], [4, 5]]
    assert [list(one.label) for one in found.series] == [["up"] * 3, ["down"] * 2]
    assert [one.domain for one in found.series] == ["1", "2"]
    assert {one.channels for one in found.series} == {("value",)}
    assert (found.lines.tolist(), found.heading, found.rejected) == ([3, 4], (1, 2), ())


def test_dimensions_stand_apart_by_colons():
    found = archive("1,2:3,4:x\n5,6:7,?:y\n", "dimensions 2", "classlabel TRUE x y")
    assert found.series[0].values.tolist() == [[1, 3], [2, 4]]
    assert found.series[0].channels == ("dimension 1", "dimension 2")
    assert np.isnan(found.series[1].values[1, 1])


def test_without_labels_the_last_part_is_a_dimension():
    for keys in ((), ("classLabel false",), ("targetlabel false",)):
        found = archive("1,2:3,4\n", *keys)
        assert (found.series[0].values.shape, found.series[0].label) == ((2, 2), None)
    assert list(archive("1,2:0.5\n", "targetlabel true").series[0].label) == ["0.5", "0.5"]


def test_missing_and_infinite_values_are_missing_and_infinite_ones_counted():
    found = archive("?,1,NaN,inf,1e400\n")
    assert np.isnan(found.series[0].values[:, 0]).tolist() == [True, False, True, True, True]
    assert found.n_infinite == 2


def test_a_line_that_cannot_be_used_is_rejected_with_its_reason():
    cases = "1,2:a\n# note\n\n1,x:a\n1,2\n1,2:3,4:a\n?,?:b\n1,,2:a\n3:b\n\n\n"
    found = archive(cases, "univariate true", "classLabel true a b")
    assert reasons(found) == [
        (5, "It is a comment."),
        (6, "It is empty."),
        (7, "“x” is no number."),
        (8, "It has too few cells: 0 instead of 1."),
        (9, "It has too many cells: 2 instead of 1."),
        (10, "It has no values."),
        (11, "“” is no number."),
    ]
    assert found.lines.tolist() == [4, 12]
    assert reasons(archive("1,2:3\n4,5:6,7\n", "dimensions 2")) == [(3, "Its dimensions are not equally long.")]


def test_what_the_file_says_of_its_dimensions_counts_and_not_its_first_line():
    found = archive("1,2\n1,2:3,4\n5,6:7,8\n", "dimensions 2")
    assert (found.lines.tolist(), [one.line for one in found.rejected]) == ([4, 5], [3])


def test_a_first_line_without_its_class_is_rejected():
    assert archive("1,2,3\n4,5:a\n", "classLabel true a").lines.tolist() == [4]


def test_a_file_without_a_usable_line_is_refused_at_the_first():
    with pytest.raises(UserError, match="line 3 is the first"):
        archive("x,1\ny\n", "univariate true")
    with pytest.raises(UserError, match="empty"):
        archive("\n\n", "univariate true")


def test_series_with_stamps_of_their_own_are_refused():
    with pytest.raises(UserError, match="a time with each value"):
        archive("(2026-11-23,1),(2026-11-24,2)\n", "timeStamps true")
    assert len(archive("1,2\n", "timestamps false").series) == 1


def test_more_series_or_values_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layouts, "MOST_SERIES", 3)
    assert len(archive("1,2\n" * 3).series) == 3
    with pytest.raises(UserError, match="4 series; the most is 3"):
        archive("1,2\n" * 4)
    monkeypatch.setattr(layouts, "MOST_VALUES", 4)
    with pytest.raises(UserError, match="6 values together; the most is 4"):
        archive("1,2\n" * 3)


cases = st.lists(st.text(st.sampled_from("01.,:?a#%- \r"), max_size=8), max_size=8).map("\n".join)


@settings(max_examples=1000, deadline=None)
@given(
    cases=cases,
    keys=st.sets(st.sampled_from(["univariate true", "dimensions 2", "classLabel true a", "# note", "missing true"])),
    cut=st.integers(0, 60),
)
def test_every_line_is_heading_kept_or_rejected_and_every_number_is_its_text(cases: str, keys: set[str], cut: int):
    text = "".join(f"@{key}\n" if key[0] != "#" else f"{key}\n" for key in sorted(keys)) + "@data\n" + cases
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    at = text.rfind("\n", 0, cut) + 1
    try:
        found = read_ts([text[:at], text[at:]] if at else [text])
    except UserError:
        return
    while not lines[-1].strip():
        lines.pop()
    seen = [*found.heading, *found.lines.tolist(), *(one.line for one in found.rejected)]
    assert sorted(seen) == list(range(1, len(lines) + 1))
    assert all(reason for _, reason in reasons(found))
    for line, one in zip(found.lines, found.series, strict=True):
        parts = lines[line - 1].split(":")
        parts = parts[:-1] if one.label is not None else parts
        written = np.array([[np.nan if "?" in cell else float(cell) for cell in part.split(",")] for part in parts]).T
        assert np.array_equal(one.values, written, equal_nan=True)


def test_an_archive_is_known_by_its_keywords():
    assert is_ts(HEAD + "1,2:a\n")
    assert is_ts("% old\n\n@DATA \n1\n")
    assert not is_ts("time,load\n1,2\n")
    assert not is_ts("a,b\n@data,1\n")
    assert not is_ts("@relation x\n@attribute a numeric\n@data\n1\n")  # ARFF


@pytest.mark.parametrize(
    ("name", "n", "length", "labels"),
    [
        ("GunPoint_TRAIN", 50, 150, {"1", "2"}),
        ("GunPoint_TEST", 150, 150, {"1", "2"}),
        ("ItalyPowerDemand_TRAIN", 67, 24, {"1", "2"}),
        ("ItalyPowerDemand_TEST", 1029, 24, {"1", "2"}),
    ],
)
def test_real_archives_are_read(shared_data: Path, name: str, n: int, length: int, labels: set[str]):
    data = (shared_data / f"ucr/{name}.ts").read_bytes()
    reading, table = open_file(data)
    assert (reading.layout, guess(data)) == ("ts", reading)
    assert {one.values.shape for one in table.series} == {(length, 1)}
    assert (table.n_rows, len(table.series), {one.label[0] for one in table.series}) == (n, n, labels)
    lines = data.decode().splitlines()
    first = lines.index("@data") + 1
    assert table.series[n - 1].values[:, 0].tolist() == [
        float(v) for v in lines[first + n - 1].split(":")[0].split(",")
    ]
    assert len(table.heading) + len(table.rejected) + table.n_rows == len(lines)
    again = read(data, reading)
    assert [one.values.tolist() for one in again.series] == [one.values.tolist() for one in table.series]
