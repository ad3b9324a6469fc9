"""Exported answers are read back as they were, or refused with a sentence that names the place."""

import csv
import zipfile
from pathlib import Path

import pytest

from core.errors import UserError
from core.report import formula_safe, written
from core.returns import NEEDED, read_answers

HEAD = ",".join(NEEDED["answers"].split())
ONE = "1,1,7,2,view,3,,0.25,4,same,1,0.5,2,,12.000000000000002,3.5"


@pytest.fixture
def alone(tmp_path) -> Path:
    return table(tmp_path, ONE)


def table(folder: Path, *lines: str, head: str = HEAD, encoding: str = "utf-8-sig") -> Path:
    file = folder / "answers.csv"
    file.write_text("\n".join([head, *lines, ""]), encoding=encoding)
    return file


def zipped(folder: Path, **files: str) -> Path:
    file = folder / "data.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_csv", ".csv").replace("_json", ".json"), text)
    return file


def refused(file: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_answers(file)
    assert caught.value.remedy
    return str(caught.value)


def test_answers_alone_give_answers_and_errors_without_ranges(alone):
    found = read_answers(alone)
    [one] = found.answers
    assert (one.rater, one.kind, one.view, one.score, one.task) == ("7", "view", "3", 4, "same")
    assert (one.right, one.chance, one.confidence, one.preferred) == (True, 0.5, 2, None)
    assert (one.seconds, one.task_seconds) == (12.000000000000002, 3.5)
    assert (found.maps["3"].loss, found.maps["3"].errors, found.last_round, found.changed) == (0.25, None, 1, ())


def test_a_folder_and_a_zip_are_the_same_data(alone):
    text = alone.read_text(encoding="utf-8-sig")
    assert read_answers(alone.parent).answers == read_answers(alone).answers
    assert read_answers(zipped(alone.parent, answers_csv=text)).answers == read_answers(alone).answers


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("score", "6"),
        ("score", "3.5"),
        ("score", "many"),
        ("kind", "look"),
        ("who", ""),
        ("quiz", "riddle"),
        ("right", "2"),
        ("chance", "1.5"),
        ("confidence", "0"),
        ("seconds", "-1"),
        ("quiz_seconds", "nan"),
        ("error", "inf"),
        ("preferred", "9"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_by_line_and_column(tmp_path, column, value):
    cells = dict(zip(HEAD.split(","), ONE.split(","), strict=True)) | {column: value}
    said = refused(table(tmp_path, ONE, ",".join(cells.values())))
    assert "Line 3 of “answers.csv”" in said
    assert f"“{column}”" in said


def test_other_files_are_refused(tmp_path):
    assert "There is no file" in refused(tmp_path / "none.zip")
    assert "answers.csv is missing" in refused(zipped(tmp_path, other_csv="a,b\n"))
    assert "answers.csv is missing" in refused(tmp_path)
    assert "no column “score”" in refused(table(tmp_path, head=HEAD.replace("score,", "")))
    assert "has 2 cells where the head has 16" in refused(table(tmp_path, "1,2"))
    assert "not in UTF-8" in refused(table(tmp_path, f"{ONE}地図", encoding="cp932"))
    for told in ("[1", "[]", '{"data": [1]}', '{"pilot": 3}'):
        assert "“manifest.json” cannot be read" in refused(zipped(tmp_path, answers_csv=HEAD, manifest_json=told))
    assert "“answers.csv” cannot be read" in refused(table(tmp_path, "x" * (csv.field_size_limit() + 1)))


def test_a_file_that_somebody_changed_is_named(tmp_path):
    told = '{"files": {"answers.csv": "0", "maps.csv": "0", "answers.parquet": "0"}}'
    assert read_answers(zipped(tmp_path, answers_csv=HEAD, manifest_json=told)).changed == ("answers.csv", "maps.csv")


def test_a_damaged_zip_is_refused(tmp_path):
    file = zipped(tmp_path, answers_csv=f"{HEAD}\n{ONE}\n")
    data = bytearray(file.read_bytes())
    data[60] ^= 255
    file.write_bytes(bytes(data))
    assert "damaged" in refused(file)


@pytest.mark.parametrize("text", ["=1+1", "'=1", "''", "-2", " @x", "plain", ""])
def test_what_was_made_safe_for_a_spreadsheet_is_read_as_it_was_written(text):
    assert written(formula_safe(text)) == text


def test_no_answers_are_no_error(tmp_path):
    assert read_answers(table(tmp_path)).answers == ()
