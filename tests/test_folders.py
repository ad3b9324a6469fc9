"""Folders larger than memory: what is in them is found file by file, and any stretch is read from its blocks alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import blocks, folders
from core.errors import UserError
from core.folders import FolderSpec
from core.remote import Folder
from tests.plant import inside, written

WALK = np.random.default_rng(0).normal(size=1000).cumsum().round(6)


@pytest.fixture
def spec(tmp_path: Path) -> FolderSpec:
    """Two sensors of 1,000 samples, a file a month: one as Parquet, one as CSV."""
    for half, since in ((slice(0, 400), "2026-01-01"), (slice(400, 1000), "2026-02-01")):
        written(WALK[half], tmp_path / "sensor=7" / f"{since}.parquet", since, rows=70)
        written(WALK[half], tmp_path / "sensor=8" / f"{since}.csv", since)
    return FolderSpec(str(tmp_path), ("x",), "t", ("sensor",))


def test_a_series_goes_on_from_file_to_file_in_order_of_time(spec: FolderSpec):
    found = inside(spec)
    assert [(one.name, one.n) for one in found.series] == [("7", 1000), ("8", 1000)]
    for one in found.series:
        whole = folders.read(spec, one, 0, one.n)
        assert np.array_equal(whole.values[:, 0], WALK)
        assert whole.time is not None
        assert (np.diff(whole.time) > np.timedelta64(0)).all()


def test_a_stretch_is_read_from_the_blocks_that_hold_it_and_no_others(spec: FolderSpec):
    [parquet, _] = inside(spec).series
    part = parquet.between(390, 480)
    assert [one.n for one in part.stretches] == [50, 70, 70]  # the end of January's, and two of February's
    assert np.array_equal(folders.read(spec, part, 390, 480).values[:, 0], WALK[390:480])


def test_lines_of_a_csv_file_are_cut_between_two_of_them(spec: FolderSpec, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blocks, "LINES", 1000)
    [_, csv] = inside(spec).series
    assert len(csv.stretches) > 20
    assert np.array_equal(folders.read(spec, csv, 123, 777).values[:, 0], WALK[123:777])


def test_rows_of_several_series_in_a_file_are_told_apart_by_a_column(tmp_path: Path):
    both = pd.DataFrame({"machine": ["b", "a"] * 500, "x": WALK})
    both.to_parquet(tmp_path / "all.parquet", row_group_size=90)
    spec = FolderSpec(str(tmp_path), ("x",), series=("machine",))
    a, b = inside(spec).series
    assert (a.name, b.name) == ("a", "b")
    assert np.array_equal(folders.read(spec, a, 40, 200).values[:, 0], WALK[1::2][40:200])
    assert np.array_equal(folders.read(spec, b, 0, 500).values[:, 0], WALK[::2])


def test_the_same_content_is_the_same_wherever_it_lies_and_another_is_another(spec: FolderSpec, tmp_path: Path):
    first = inside(spec).digest
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    there = replace(spec, url=str(moved))
    assert inside(there).digest == first
    written(WALK[:399], moved / "sensor=8" / "2026-01-01.csv")
    assert inside(there).digest != first


def test_what_engines_leave_beside_the_data_is_not_read(spec: FolderSpec):
    for name in ("_SUCCESS.csv", ".x.parquet", "_temporary/a.parquet"):
        Folder(spec.url).put(name, b"nonsense")
    assert len(inside(spec).files) == 4


def test_a_value_that_is_missing_or_infinite_is_a_gap(tmp_path: Path):
    pd.DataFrame({"x": [1.0, None, np.inf, 4.0], "y": [1, 2, None, 4]}).to_parquet(tmp_path / "a.parquet")
    spec = FolderSpec(str(tmp_path), ("y", "x"))
    [one] = inside(spec).series
    assert np.isnan(folders.read(spec, one, 0, 4).values).tolist() == [[0, 0], [0, 1], [1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"t": pd.date_range("2026", periods=2)[::-1], "x": [1.0, 2.0]}, "times of a series go back"),
        ({"t": pd.date_range("2026", periods=2), "z": [1.0, 2.0]}, "has no column “x”; it has t, z"),
        ({"t": ["soon", "later"], "x": [1.0, 2.0]}, "“t” is not a time in every row"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path: Path, table: dict[str, object], words: str):
    pd.DataFrame(table).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=words) as refused:
        inside(FolderSpec(str(tmp_path), ("x",), "t"))
    assert "a.parquet" in str(refused.value)


def test_files_that_are_none_are_told(tmp_path: Path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(UserError, match=r"“a.parquet” cannot be read"):
        inside(FolderSpec(str(tmp_path), ("x",)))


def test_files_of_one_series_that_overlap_are_refused(spec: FolderSpec):
    written(WALK, Path(spec.url) / "sensor=7" / "again.parquet", "2026-01-01 01:00")
    with pytest.raises(UserError, match="overlap in time"):
        inside(spec)


def test_a_folder_without_data_is_told(tmp_path: Path):
    with pytest.raises(UserError, match="no Parquet or CSV file"):
        inside(FolderSpec(str(tmp_path / "nothing"), ("x",)))


@pytest.mark.parametrize(("channels", "time", "words"), [((), "", "No channel"), (("x",), "x", "named for two things")])
def test_a_spec_names_each_column_once(channels: tuple[str, ...], time: str, words: str):
    with pytest.raises(UserError, match=words):
        FolderSpec("anywhere", channels, time)


def test_a_spec_survives_json(spec: FolderSpec):
    assert FolderSpec.from_json(spec.to_json()) == spec
