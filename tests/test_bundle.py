"""All data in one file: what is in it is what the report is made of, and two of the same data are the same bytes."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from core.encoders import EncoderSpec
from feedback_db import assumptions, ledger
from feedback_db.assumptions import Assumption
from feedback_db.permits import LOCAL
from pages.parts import bundle, codebook, export, known, money, work
from pages.parts.text import speaking
from tests.test_screens_evidence import HIGH, LOW, Trial

AT = datetime(2026, 11, 28, 9, tzinfo=UTC)
HOSTILE = '=HYPERLINK("http://x") <script>alert(1)</script> {0} %s\n**花子** $x$'
DECIDED = {"decision": "go", "name": HOSTILE, "reason": "+1", "verdict": "go", "because": [], "fixed": None}


@pytest.fixture
def trial(place):
    """Two rounds, in which the same people have other seats, and somebody who writes formulas."""
    found = Trial(place)
    first, second = found.map(0.5), found.map(0.3, encoder=EncoderSpec(side=("differenced",)))
    found.ask((first, LOW))
    found.next_round()
    study = place.study(found.pilot, first, second)
    for i, score in reversed(list(enumerate(HIGH))):
        place.rate(study, second, f"r{i}", score, comment="@SUM(A1)\r\n-1")
    with work.database().session(LOCAL) as db:
        assumptions.put(db, found.pilot.id, Assumption("it_hours", 1.0, 2.0, 4.0, HOSTILE))
        ledger.append(db, found.pilot.id, "decision", DECIDED)
    return found


def files(trial: Trial, at: datetime = AT) -> Mapping[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(made(trial, at)))
    return {name: archive.read(name) for name in archive.namelist()}


def made(trial: Trial, at: datetime = AT) -> bytes:
    with speaking("ja"):
        return bundle.made(trial.pilot, known.of_pilot(trial.pilot.id), at)


def table(found: Mapping[str, bytes], name: str) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(found[f"{name}.csv"]), encoding="utf-8-sig")


def test_the_same_data_are_the_same_bytes_and_another_moment_is_in_the_manifest_alone(trial):
    assert made(trial) == made(trial)
    one, other = files(trial), files(trial, AT + timedelta(days=1))
    assert {name for name in one if one[name] != other[name]} == {"manifest.json"}
    first, second = (json.loads(found["manifest.json"]) for found in (one, other))
    assert {key for key in first if first[key] != second[key]} == {"made_at"}


def test_the_manifest_has_the_fingerprint_of_every_file_and_the_versions(trial):
    found = files(trial)
    told = json.loads(found["manifest.json"])
    assert told["files"] == {
        name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name != "manifest.json"
    }
    assert told["pilot"]["id"] == trial.pilot.id
    assert told["versions"]["numpy"] == np.__version__
    assert told["data"] == [{"file": "a.csv", "sha256": trial.data.sha256}]


def test_csv_and_parquet_hold_the_same(trial):
    found = files(trial)
    for name in [name.removesuffix(".csv") for name in found if name.endswith(".csv")]:
        plain, exact = table(found, name), pd.read_parquet(io.BytesIO(found[f"{name}.parquet"]))
        assert list(plain) == list(exact)
        assert len(plain) == len(exact)
        for column in exact.select_dtypes("number"):
            np.testing.assert_array_equal(plain[column].to_numpy(float), exact[column].to_numpy(float, na_value=np.nan))


def test_every_column_is_in_the_codebook_once_and_nothing_else_is(trial):
    found = files(trial)
    told = list(table(found, "codebook")[["table", "column"]].itertuples(index=False, name=None))
    there = [
        (name.removesuffix(".csv"), column)
        for name in found
        if name.endswith(".csv") and name != "codebook.csv"
        for column in table(found, name.removesuffix(".csv"))
    ]
    assert sorted(told) == sorted(there)


def test_no_cell_is_a_formula_and_no_rater_has_a_name(trial):
    found = files(trial)
    for name in [name for name in found if name.endswith(".csv")]:
        text = found[name].decode("utf-8-sig")
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        assert not any(cell[:1] in "=@+\t\r" for cell in cells if cell)
        assert not any(cell.startswith("-") for cell in cells if not _is_number(cell))
        assert not any(f"r{i}" in cells for i in range(8))
    comments = pd.read_parquet(io.BytesIO(found["answers.parquet"]))["comment"].dropna()
    assert "@SUM(A1)\r\n-1" in set(comments)  # as it was written, where nothing runs it


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_the_numbers_of_the_report_come_out_of_the_tables_to_the_last_digit(trial):
    found, truth = files(trial), known.of_pilot(trial.pilot.id)
    answers, maps, errors = (table(found, name) for name in ("answers", "maps", "window_errors"))
    rated = answers[answers["kind"] == "view"].dropna(subset="score")
    for id_, view in truth.views.items():
        own = rated[rated["map"] == view.number].groupby("who")["score"].mean()
        assert own.mean() == pytest.approx(truth.opinions[id_].understandability.value, abs=1e-12)
        assert len(own) == truth.opinions[id_].understandability.n_raters
        of_map = maps[maps["map"] == view.number].iloc[0]
        assert errors[errors["map"] == view.number]["error"].mean() == pytest.approx(of_map["error"], rel=1e-9)
        assert (of_map["error_low"], of_map["error_high"]) == (truth.losses[id_][0].low, truth.losses[id_][0].high)
    hours = answers[["seconds", "quiz_seconds"]].fillna(0).to_numpy().sum() / 3600
    put_in = table(found, "money").set_index("name")
    assert put_in.loc["rater_hours", "likely"] == pytest.approx(hours, rel=1e-12)
    assert put_in.loc["it_hours", ["low", "likely", "high", "measured"]].tolist() == [1, 2, 4, 0]


def test_who_gave_the_same_name_is_one_person_whatever_the_seat(trial):
    answers = table(files(trial), "answers")
    first, second = (dict(zip(part["who"], part["person"], strict=True)) for _n, part in answers.groupby("study"))
    assert set(first) == set(second) == set(range(1, 9))
    assert first != second


def test_seconds_keep_all_their_digits(place):
    found = Trial(place)
    view = found.map(None, encoder=EncoderSpec("raw"))
    found.ask((view, HIGH))
    with work.database().session(LOCAL) as db:
        db.connection().exec_driver_sql("UPDATE rating SET seconds = 1.23456789012345")
    assert set(table(files(found), "answers")["seconds"]) == {1.23456789012345}


def test_the_chain_of_hashes_can_be_checked_from_the_table_alone(trial):
    found = files(trial)
    pilot_id = json.loads(found["manifest.json"])["pilot"]["id"]
    kept = pd.read_parquet(io.BytesIO(found["ledger.parquet"]))
    for one in kept.itertuples():
        told = {"pilot_id": pilot_id, "number": int(one.entry), "kind": one.kind, "at": one.at, "before": one.before}
        told["content"] = json.loads(one.content)
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == one.hash
    assert set(kept["unchanged"]) == {1}


def test_a_pilot_of_which_hardly_anything_is_known_has_all_tables_too(place):
    found = Trial(place)
    found.map(None, encoder=EncoderSpec("raw"))
    told = files(found)
    assert {f"{name}.csv" for name in codebook.COLUMNS} < set(told)
    assert len(table(told, "answers")) == len(table(told, "window_errors")) == 0
    assert table(told, "maps")[["map", "error"]].isna().to_numpy().tolist() == [[False, True]]


def test_the_money_that_is_exported_is_what_is_reckoned_with(trial):
    given = money.inputs(trial.pilot, list(known.of_pilot(trial.pilot.id).answers))
    rows = table(files(trial), "money")
    assert list(rows["name"]) == list(given)
    ends = [[one.low, one.likely, one.high] for one in given.values()]
    assert rows[["low", "likely", "high"]].to_numpy().tolist() == ends


def test_a_line_break_in_a_comment_breaks_no_line_of_the_csv(trial):
    with speaking("en"):
        text = export.answers(trial.pilot.id, list(known.of_pilot(trial.pilot.id).views.values())).decode("utf-8-sig")
    assert {len(line) for line in csv.reader(text.splitlines())} == {len(text.splitlines()[0].split(","))}
