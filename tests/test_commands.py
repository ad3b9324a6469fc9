"""The command line makes what a pilot file asks for: once, whatever fails beside it, in either language."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from core import demo, errands, pilot_file
from core.__main__ import main
from core.artifacts import Store
from core.encoders import EncoderSpec
from core.measures import MeasureSpec, load
from core.pilot_file import Plan
from core.projection import ProjectionSpec
from core.reader import Reader
from core.recipes import Recipe, WindowSpec
from core.tuning import TRAINING_IT, TuneSpec
from core.views import ViewSpec
from tests.plant import walks, written
from tests.test_returns import HEAD, ONE
from tests.test_structure import ROOT
from tests.test_watching import press

GRID = """
[pilot]
name = "Pump"

[[dataset]]
file = "pump.csv"

[[recipe]]
name = "short"
window = {length = 16, stride = 8}

[[encoder]]
name = "waveform"
kind = "raw"

[[encoder]]
name = "no such channel"
channel = "nothing"

[[projection]]
name = "pca"

[[projection]]
name = "t-SNE"
method = "tsne"

[[grid]]
"""
CHAIN = """
[[recipe]]
name = "short"
window = {length = 16, stride = 8}

[[dataset]]
file = "pump.csv"
reading = {channels = ["flow [L/min]"]}

[[run]]
name = "first"
recipe = "short"
train = {trained = "head", steps = 4, every = 2, batch = 8}

[[run]]
name = "second"
recipe = "short"
encoder = "of the first"
train = {trained = "head", steps = 4, every = 2, batch = 8}

[[encoder]]
name = "of the first"
run = "first"

[[encoder]]
name = "of the second"
run = "second"

[[view]]
name = "trained twice"
recipe = "short"
encoder = "of the second"
"""
WATCHED = """
[[dataset]]
file = "press.csv"

[[recipe]]
name = "levels"
steps = [{kind = "scale", method = "z-score", over = "all"}]
training = 1.0
window = {length = 40, stride = 20}

[[encoder]]
name = "waveform"
kind = "raw"

[[view]]
name = "Map 1"
recipe = "levels"
encoder = "waveform"
"""
GOOD = ("short · waveform · pca", "short · waveform · t-SNE")
BROKEN = ("short · no such channel · pca", "short · no such channel · t-SNE")


class Said(NamedTuple):
    ended: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        return json.loads(self.out)


def call(*words: object) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        ended = main([str(word) for word in words])
    return Said(ended, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def pilot_in(folder: Path, text: str) -> Path:
    (folder / "pump.csv").write_bytes(demo.pump("en"))
    (folder / "pilot.toml").write_text(text, encoding="utf-8")
    return folder / "pilot.toml"


def plan_of(pilot: Path, store: Store) -> Plan:
    with closing(Reader()) as reader:
        return pilot_file.read(pilot, store, reader)


class Made(NamedTuple):
    """A grid after one call."""

    pilot: Path
    store: Path
    said: Said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("grid")
    pilot = pilot_in(folder, GRID)
    said = call("project", pilot, "--store", folder / "store", "--json", "--language", "en")
    return Made(pilot, folder / "store", said)


def files(store: Path) -> dict[str, tuple[int, int]]:
    found = {file: file.stat() for file in store.rglob("*") if file.is_file()}
    return {str(file): (one.st_mtime_ns, one.st_ino) for file, one in found.items()}


# --- a grid in one call


def test_a_grid_gives_the_maps_and_the_numbers_that_the_library_gives(made):
    store = Store(made.store)
    with_pca, with_tsne = made.said.told["maps"].values()
    [source] = plan_of(made.pilot, store).sources.values()
    view = ViewSpec((source,), Recipe(window=WindowSpec(16, 8)), EncoderSpec("raw"), ProjectionSpec("pca"))
    assert with_pca["fingerprint"] == view.fingerprint()
    assert with_tsne["fingerprint"] == view.drawn_by(ProjectionSpec("tsne")).fingerprint()
    assert with_pca["embedding"] == with_tsne["embedding"] == view.embedding_fingerprint()
    assert with_pca["neighbours_kept"] == load(MeasureSpec(view), store).quality.kept > with_pca["neighbours_chance"]


def test_a_map_that_cannot_be_drawn_costs_no_other_one(made):
    assert made.said.ended == 1
    assert tuple(made.said.told["maps"]) == GOOD
    assert tuple(one["name"] for one in made.said.told["failed"]) == BROKEN
    [line] = [line for line in made.said.err.splitlines() if "“nothing”" in line]
    assert line == f"{', '.join(BROKEN)}: The data has no channel “nothing”. " + made.said.told["failed"][0]["remedy"]


def test_a_second_call_computes_nothing(made):
    before = files(made.store)
    again = call("project", made.pilot, "--store", made.store, "--json")
    assert files(made.store) == before
    assert [one.pop("new") for one in again.told["maps"].values()] == [False, False]
    first = json.loads(made.said.out)["maps"]
    assert [one.pop("new") for one in first.values()] == [True, True]
    assert again.told["maps"] == first | again.told["maps"]


def test_only_what_is_asked_for_is_made(made, tmp_path):
    words = ("--store", tmp_path / "own", "--json", "--only", GOOD[1], "--to", tmp_path / "maps")
    said = call("project", made.pilot, *words)
    assert (said.ended, tuple(said.told["maps"])) == (0, GOOD[1:])
    assert sorted(file.suffix for file in (tmp_path / "maps").iterdir()) == [".csv", ".png"]
    refused = call("project", made.pilot, "--store", made.store, "--only", "short")
    assert (refused.ended, refused.out) == (2, "")
    assert refused.err.startswith("The pilot file has no “short”. It has: short · waveform · pca")


def test_validate_says_what_is_in_the_file_and_what_is_there_already(made, tmp_path):
    there, new = (call("validate", made.pilot, "--store", at, "--json").told for at in (made.store, tmp_path / "new"))
    assert there["data"]["pump"]["rows"] == 900
    assert [one["there"] for one in there["maps"].values()] == [["view", "measures"]] * 2
    assert [one["there"] for one in new["maps"].values()] == [[], []]
    assert [one["n_windows"] for one in new["maps"].values()] == [111, 111]
    assert [one["name"] for one in new["failed"]] == list(BROKEN)
    assert not list((tmp_path / "new").rglob("vectors.npy"))


def test_each_embedding_is_made_once(made):
    told = call("embed", made.pilot, "--store", made.store, "--json").told
    maps = made.said.told["maps"]
    [one] = told["embeddings"].values()
    assert (one["fingerprint"], one["maps"]) == (maps[GOOD[0]]["embedding"], list(GOOD))


def test_truths_are_looked_for_in_each_map(made):
    told = call("probe", made.pilot, "--store", made.store, "--json", "--only", GOOD[0]).told
    scores = told["probes"][GOOD[0]]["scores"]
    assert scores["level"]["map"] > 0.5 > scores["level"]["shuffled"]  # a waveform as it is has its level


def test_people_get_a_table_in_their_language(made, monkeypatch):
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    said = call("project", made.pilot, "--store", made.store)
    head, first, *_rest = said.out.splitlines()
    assert "復元誤差" in head
    assert first.split() == [*GOOD[0].split(), "111", "–", *first.split()[-3:]]
    assert "このデータに項目「nothing」はありません。" in said.err
    assert "復元誤差" not in call("project", made.pilot, "--store", made.store, "--language", "en").out


# --- trainings


def test_what_waits_for_a_training_is_made_after_it(tmp_path):
    pilot, store = pilot_in(tmp_path, CHAIN), tmp_path / "store"
    before = call("validate", pilot, "--store", store, "--json").told
    assert before["trainings"]["second"]["waits_for"] == "first"
    assert (list(before["trainings"]), before["waiting"]) == (["first", "second"], {"trained twice": "first"})
    said = call("embed", pilot, "--store", store, "--json")
    assert (said.ended, list(said.told["embeddings"])) == (0, ["trained twice"])
    told = call("tune", pilot, "--store", store, "--json").told["trainings"]
    assert {name: one["steps"] for name, one in told.items()} == {"first": 4, "second": 4}
    assert told["second"]["weights"] == said.told["embeddings"]["trained twice"]["weights"]
    second = TuneSpec.from_json(Store(store).meta(told["second"]["fingerprint"])["spec"])
    assert Path(second.encoder.source).name == told["first"]["fingerprint"]
    assert (told["first"]["parameters_trained"], told["first"]["moved"]) == (2056, 0)  # the head, which no map shows


def test_a_training_that_ctrl_c_stopped_goes_on_from_its_checkpoint(tmp_path):
    long = CHAIN.split("[[run]]")[0] + "[[run]]\nname='long'\nrecipe='short'\n"
    pilot = pilot_in(tmp_path, long + "train = {steps = 100000, every = 5, batch = 8, patience = 100000}\n")
    store = Store(tmp_path / "store")
    plan = plan_of(pilot, store)
    key = plan.runs["long"].fingerprint()
    command = [sys.executable, "-m", "core", "tune", str(pilot), "--store", str(tmp_path / "store")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        give_up = time.monotonic() + 60
        while not (store.sketched(key) or (0, None))[0] and time.monotonic() < give_up:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=30)
    assert (process.returncode, err.splitlines()[-1]) == (130, "Interrupted. The same command goes on from here.")
    assert "Traceback" not in err
    kept, _curve = store.sketched(key)
    seen: list[int] = []

    def look_on(_name: str, stage: str, done: int, _total: int) -> None:
        if stage == TRAINING_IT:
            seen.append(done)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        errands.carry_out(errands.trainings(plan, ["long"]), store, errands.Here(store), look_on, {})
    assert seen[0] >= kept > 0


# --- a folder that is watched


def test_what_has_drifted_raises_an_alert_once(tmp_path):
    pilot, inbox, store = tmp_path / "pilot.toml", tmp_path / "inbox", tmp_path / "store"
    pilot.write_text(WATCHED, encoding="utf-8")
    (tmp_path / "press.csv").write_bytes(press(7))
    inbox.mkdir()
    words = ("watch", inbox, "--pilot", pilot, "--store", store, "--once", "--every", "0.01", "--json")
    assert call(*words)[:2] == (0, "")
    (inbox / "june.csv").write_bytes(press(8))
    (inbox / "july.csv").write_bytes(press(9, vibration=9))
    os.utime(inbox / "june.csv", (1, 1))
    alert = call(*words)
    june, july = map(json.loads, alert.out.splitlines())
    assert (alert.ended, june["state"], july["state"]) == (3, "fits", "ask again")
    assert july["found"]["outside"] > 0.9 > june["found"]["outside"]
    assert call(*words)[:2] == (0, "")
    (inbox / "broken.csv").write_bytes(b"%PDF-1.4")
    said = call(*words[:-1])
    assert said.ended == 1
    assert "broken.csv → Map 1: This is a PDF document, not a CSV file." in said.out


# --- what people answered


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answers.csv"
    file.write_text("\n".join([HEAD, ONE, ONE.replace("1,1,7", "1,1,8", 1), ""]), encoding="utf-8-sig")
    return file


def test_evidence_is_told_in_numbers_and_in_words(answers):
    told = call("evidence", answers, "--json").told
    assert (told["n_people"], told["n_answers"]) == (2, 2)
    assert told["maps"]["3"]["opinion"]["understandability"]["value"] == 4
    words = call("evidence", answers, "--language", "ja").out
    assert "地図3" in words.replace(" ", "")
    assert call("evidence", answers.parent / "none.zip").ended == 2


@pytest.mark.parametrize(("name", "begins"), [("report.pdf", b"%PDF-"), ("report.html", b"<!")])
def test_a_report_is_written_as_the_end_of_its_name_says(answers, name, begins):
    file = answers.parent / name
    assert call("report", answers, "--to", file).ended == 0
    assert file.read_bytes()[: len(begins)].lower() == begins.lower()


@pytest.mark.parametrize("name", ["report.docx", "no such folder/report.pdf"])
def test_a_report_that_cannot_be_written_is_refused(answers, name):
    said = call("report", answers, "--to", answers.parent / name)
    assert (said.ended, said.out) == (2, "")
    assert name in said.err


# --- the call itself


@pytest.mark.parametrize("text", [None, "no = toml = file", "[[dataset]]\nfile = 'away.csv'\n"])
def test_a_pilot_file_that_cannot_be_read_ends_with_a_sentence(tmp_path, text):
    pilot = tmp_path / "pilot.toml"
    if text is not None:
        pilot.write_text(text, encoding="utf-8")
    said = call("validate", pilot, "--store", tmp_path / "store")
    assert (said.ended, said.out) == (2, "")
    assert "pilot file" in said.err
    assert "Traceback" not in said.err


def test_help_waits_for_nothing_and_no_command_loads_torch_or_dask_that_needs_neither():
    """A process of its own: this one has loaded all of them."""
    look = "import sys; from core import __main__; late = {'numpy', 'pandas', 'torch', 'distributed'}; "
    look += "assert not late & {*sys.modules}, late & {*sys.modules}; import core.commands; "
    look += "assert not {'torch', 'distributed', 'dask'} & {*sys.modules}"
    assert subprocess.run([sys.executable, "-c", look], cwd=ROOT).returncode == 0


# --- a folder larger than memory


def test_a_map_of_a_pilot_is_drawn_of_a_whole_folder(tmp_path):
    walked = walks(tmp_path / "plant", 2, 400)
    written(walked["s0"][:200], tmp_path / "pump.csv")
    views = "".join(f'[[view]]\nname = "{name}"\nrecipe = "short"\nencoder = "waveform"\n' for name in ("a", "b"))
    (tmp_path / "pilot.toml").write_text(GRID.replace("[[grid]]", views), encoding="utf-8")
    words = ["bulk", tmp_path / "plant", "--pilot", tmp_path / "pilot.toml", "--store", tmp_path / "store"]
    words += ["--to", tmp_path / "out", "--json"]
    assert call(*words).ended == 2  # of two maps, nobody has said which
    said = call(*words, "--only", "b")
    assert (said.ended, said.told["map"], said.told["n_windows"]) == (0, "b", 2 * len(range(0, 400 - 15, 8)))
    places = pd.read_parquet(said.told["where"])
    assert set(places) == {"series", "start", "time", "x", "y"}
    assert len(places) == said.told["n_windows"]
