"""What can go wrong at a screen: bad files, bad settings, calculations that fail. Each gets a sentence and a way on."""

import hashlib
import re

import pytest

from core.jobs import STOPPED
from feedback_db import jobs, raters
from feedback_db.datasets import Dataset
from feedback_db.jobs import Job
from feedback_db.permits import LOCAL
from feedback_db.pilots import Pilot
from pages.parts import linked, work
from pages.parts.text import plain
from tests.screens import SHIPPED, Person, Place, csv, texts_of

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256))
FROM_SOURCE = "Export the measurements as CSV from the program that recorded them, then upload that file."
NO_NUMBERS = "The file has no column of measurements, only words, times or marks."
MEASURED = "Choose a file with at least one column of numbers that were measured over time."
WIDE = ",".join(f"c{i}" for i in range(50_000)) + "\n" + "\n".join([",".join("1" * 50_000)] * 2)
BAD = {  # content → what it says: problem, remedy and the facts in them
    "empty": (b"", "The file is empty.", "Choose a file that has measurements in it.", {}),
    "blank": (b"\n \n\n", "The file is empty.", "Choose a file that has measurements in it.", {}),
    "header only": (
        b"time,load\n",
        "The file has only a header, and no rows below it.",
        "Choose a file with one row for each point in time.",
        {},
    ),
    "one row": (
        b"time,load\n1,2\n",
        "The file has only one row of values.",
        "Choose a file with one row for each point in time.",
        {},
    ),
    "PDF": (PDF, "This is a PDF document, not a CSV file.", FROM_SOURCE, {}),
    "picture": (b"\x89PNG\r\n\x1a\n", "This is a picture, not a CSV file.", FROM_SOURCE, {}),
    "50,000 columns": (
        WIDE.encode(),
        "The file has {n} columns; the most is {most}.",
        "Keep only the columns you want to look at. If each row is one recording, swap rows and columns.",
        {"n": 50_000, "most": 1000},
    ),
}


# Files


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_says_what_to_do_and_the_others_go_on(anyone, kind):
    data, problem, remedy, facts = BAD[kind]
    pilot = anyone.place.pilot()
    anyone.open("data", pilot=pilot.id)
    anyone.upload(("1 good.csv", csv()), ("2 bad.csv", data), ("3 good.csv", csv(90)))
    assert anyone.errors() == [f"2 bad\\.csv: **{anyone.word(problem, **facts)}**  \n{anyone.word(remedy, **facts)}"]
    assert [one.file_name for one in anyone.place.datasets(pilot)] == ["1 good.csv", "3 good.csv"]
    assert anyone.sees("This is what I read:")
    assert work.store().original(hashlib.sha256(data).hexdigest()) == data  # nothing is lost


@pytest.mark.parametrize("data", [b"name,note\nA,good\nB,bad\n", b"a,b\nNaN,-\nNaN,-\n"])
def test_a_file_without_numbers_says_so(someone, data):
    someone.open("data", pilot=someone.place.pilot().id).upload(("a.csv", data))
    [said] = someone.errors()
    assert someone.word(NO_NUMBERS) in said
    assert someone.word(MEASURED) in said


def test_a_channel_without_values_is_left_out_and_one_that_never_changes_is_named(someone):
    rows = "\n".join(f"{i * i % 7},5,NaN," for i in range(60))
    pilot = someone.place.pilot()
    someone.open("data", pilot=pilot.id).upload(("a.csv", f"load,set,gone,bare\n{rows}".encode()))
    assert someone.errors() == []
    facts = someone.at.dataframe[2].value.set_index(someone.word("column"))
    kinds = facts[someone.word("kind")].to_dict()
    said = {"load": "number", "set": "number, never changes", "gone": "empty", "bare": "empty"}
    assert kinds == {name: someone.word(kind) for name, kind in said.items()}
    assert list(facts[someone.word("missing")]) == [0, 0, 60, 60]
    assert someone.at.multiselect[0].value == ["load", "set"]


def test_a_file_in_which_nothing_changes_is_read_and_its_map_says_why_there_is_none(someone):
    pilot = someone.place.pilot()
    dataset = someone.place.data(pilot, b"a,b\n" + b"1,2\n" * 80)
    assert someone.open("data", pilot=pilot.id).errors() == []
    someone.open("maps", pilot=pilot.id).choose("model", "raw")
    someone.place.work(someone.place.spec(dataset))
    [said] = someone.run().errors()
    assert someone.word("Every stretch looks the same to this model, so there is nothing to map.") in said
    assert someone.has_button("Try again")


def test_two_files_of_one_name_are_two_choices(someone):
    pilot = someone.place.pilot()
    first, second = (someone.place.data(pilot, csv(n), "0.csv") for n in (80, 90))
    someone.open("data", pilot=pilot.id)
    for one, n_rows in ((first, 80), (second, 90)):
        someone.choose("file-2", one.id)
        assert any(f"{n_rows}行" in text for text in someone.texts())
    someone.open("maps", pilot=pilot.id).choose("files-2", [second.id])
    assert someone.at.multiselect[0].value == [second.id]
    assert someone.at.multiselect[0].options == ["0.csv", "0.csv (2)"]


def test_a_correction_that_does_not_work_says_why_and_changes_nothing(someone):
    pilot = someone.place.pilot()
    someone.place.data(pilot)
    before = someone.place.rows("SELECT reading FROM dataset")
    someone.open("data", pilot=pilot.id).set("skip-", 100)
    assert len(someone.errors()) == 1
    assert someone.place.rows("SELECT reading FROM dataset") == before
    someone.open("data", pilot=pilot.id)
    assert someone.sees("This is what I read:")


def test_a_correction_that_works_is_kept(place):
    pilot = place.pilot()
    place.data(pilot, csv(label=True))
    someone = Person(place, "ja").open("data", pilot=pilot.id)
    [label] = [one for one in someone.at.selectbox if one.label == someone.word("Label (for example good / bad)")]
    assert label.value == "label"
    label.set_value("")
    someone.run()
    assert '"label": null' in place.rows("SELECT reading FROM dataset")[0][0]


NAMES = (
    "<img src=x onerror=alert(1)>",
    "[tap](javascript:alert(1))",
    "**bold** `code` $x^2$",
    ":red[red] :material/home:",
    "=HYPERLINK(1)",
    'say "yes"',
    "{braces} {0}",
)
HOSTILE = re.compile(r"(?<!\\)(<img|\]\(|\*\*bold|`code|\$x|:red|:material/home)")
AS_TEXT = {"selectbox", "multiselect", "dataframe", "vega_lite_chart", "file_uploader", "text_input"}  # no Markdown


def test_hostile_names_are_shown_and_do_nothing(someone):
    """On every screen that shows somebody's words: column, file, label, pilot, team, rater."""
    place, file = someone.place, NAMES[0].replace("/", "") + NAMES[2] + ".csv"
    heading = ",".join('"' + name.replace('"', '""') + '"' for name in (*NAMES, "label"))
    rows = [",".join([*(str(i * k % 11) for k in range(1, 8)), f"{NAMES[2]}{i // 40}"]) for i in range(80)]
    pilot = place.pilot(" ".join(NAMES))
    someone.open("data", pilot=pilot.id).upload((file, "\n".join([heading, *rows]).encode()))
    check_harmless(someone)
    assert f"{plain(file)}" in [one.value for one in someone.at.subheader]
    assert list(someone.at.dataframe[1].value.columns) == [*NAMES, "label"]
    dataset = place.datasets(pilot)[0]
    kept = place.view(pilot, place.spec(dataset))
    study = place.study(pilot, kept)
    check_harmless(someone.open("maps", pilot=pilot.id).choose("model", "raw"))
    check_harmless(someone.begin(study, NAMES[0]).answer(3, NAMES[1]))
    with work.database().session(LOCAL) as db:
        raters.invite(db, study.id, name=NAMES[2])
    for screen in ("home", "study", "results", "evidence", "improve"):
        check_harmless(someone.open(screen, pilot=pilot.id))


def check_harmless(someone: Person) -> None:
    assert someone.errors() == []
    for node in someone.at._tree:
        if node.type not in AS_TEXT:
            assert [text for text in texts_of(node) if HOSTILE.search(text)] == [], node.type


def test_a_hostile_name_of_a_file_that_cannot_be_read_is_shown_as_text(someone):
    someone.open("data", pilot=someone.place.pilot().id).upload(("<b>[x](http://e)</b>.csv", PDF))
    [said] = someone.errors()
    assert said.startswith(plain("<b>[x](http://e)</b>.csv"))


# Settings of a map


def at_maps(someone: Person, data: bytes | None = None) -> Dataset:
    """The Maps screen with one file."""
    pilot = someone.place.pilot()
    dataset = someone.place.data(pilot, data or csv())
    someone.open("maps", pilot=pilot.id)
    return dataset


def test_more_stretches_than_can_be_drawn_name_the_way_out(someone, monkeypatch):
    monkeypatch.setattr(linked, "MOST_WINDOWS", 10_000)  # a million takes too long to make up here
    at_maps(someone, csv(10_100))
    someone.set("length-", 16).set("stride-", 1)
    [said] = someone.errors()
    assert someone.word("{n} stretches are more than this screen can draw.", n=10_085) in said
    assert (
        someone.word("Choose a larger step, or a first look at {most} of them in the preparation.", most=10_000) in said
    )
    assert not someone.has_button("Keep this map")
    someone.set("stride-", 16)
    assert someone.errors() == []


def test_a_step_that_would_skip_samples_is_refused(someone):
    at_maps(someone)
    someone.set("stride-", 17)
    [said] = someone.errors()
    assert someone.word("Choose a step from 1 to {length}.", length=16) in said


def test_a_length_that_is_no_multiple_of_8_is_drawn_without_a_model(someone):
    dataset = at_maps(someone)
    someone.place.draw(someone.place.spec(dataset, length=20))
    someone.choose("model", "raw").set("length-", 20)
    assert someone.errors() == []
    assert someone.has_button("Keep this map")


def test_a_stretch_longer_than_the_recording_is_refused(someone):
    at_maps(someone)
    someone.set("length-", 88)
    assert someone.word("Choose a shorter stretch, or upload a longer recording.") in "".join(someone.errors())


def test_files_with_other_channels_are_refused_before_anything_is_calculated(someone):
    pilot = someone.place.pilot()
    both = [someone.place.data(pilot, data) for data in (csv(), b"other\n" + b"1\n2\n" * 40)]
    someone.open("maps", pilot=pilot.id)
    assert someone.at.multiselect[0].value == [both[1].id]  # the newest, and all like it
    wishes = len(someone.place.desk.wishes)
    someone.at.multiselect[0].set_value([one.id for one in both])
    someone.run()
    remedy = "Choose the same channels for every file on the Data screen, or use one file at a time."
    assert someone.word(remedy) in "".join(someone.errors())
    assert len(someone.place.desk.wishes) == wishes


def test_a_map_needs_a_file(someone):
    at_maps(someone)
    someone.at.multiselect[0].set_value([])
    someone.run()
    [said] = someone.errors()
    assert someone.word("Choose at least one under “Data”.") in said


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        ("", "It is not clear which MOMENT to use."),
        ("/nowhere/*at all*", "The folder “{folder}” is not a MOMENT model: it has no {missing}."),
    ],
)
def test_a_models_folder_that_is_not_there_is_said_beside_its_field(someone, folder, problem):
    at_maps(someone)
    someone.choose("model", "folder").choose("folder", folder)
    [said] = someone.errors()
    missing = plain("config.json, model.safetensors")
    assert someone.word(problem, folder=plain(folder), missing=missing) in said
    assert someone.at.text_input(key="folder").value == folder
    assert not someone.has_button("Keep this map")
    assert someone.place.rows("SELECT count(*) FROM job") == [(1,)]  # of the model that was chosen before


# Calculations


def job(place: Place, state: str) -> tuple[Pilot, str]:
    """A pilot whose first map is in this state; and the job's name."""
    pilot = place.pilot()
    spec = place.spec(place.data(pilot), encoder=SHIPPED)
    key = spec.fingerprint()
    with work.database().session(LOCAL) as db:
        jobs.submit(db, key, "view", spec.to_json())
        jobs.progress(db, key, "The model reads the stretches", 30, 120)
        if state == "failed":
            jobs.fail(db, key, STOPPED.problem, STOPPED.remedy, {})
        elif state == "cancelled":
            jobs.cancel(db, key)
        elif state == "done":
            jobs.finish(db, key)
    return pilot, key


def record(key: str) -> Job:
    with work.database().session(LOCAL) as db:
        found = jobs.get(db, key)
    assert found is not None
    return found


def test_a_calculation_under_way_shows_how_far_it_is_and_can_be_stopped(someone):
    pilot, key = job(someone.place, "running")
    someone.open("maps", pilot=pilot.id)
    assert someone.place_in_line() == [f"{someone.word('The model reads the stretches')} … 25%"]
    assert [one.value for one in someone.at.get("progress")] == [25]
    assert someone.sees("You can leave this page and come back: the calculation goes on.")
    assert len(someone.place.desk.wishes) == 1  # somebody works on it: a killed app may have left it
    assert record(key).attempt == 1
    someone.press("Stop")
    assert len(someone.place.desk.wishes) == 2


@pytest.mark.parametrize(
    ("state", "said"), [("failed", STOPPED.problem), ("cancelled", "You stopped this calculation.")]
)
def test_a_calculation_that_ended_badly_says_so_and_is_tried_again_on_request(someone, state, said):
    pilot, key = job(someone.place, state)
    someone.open("maps", pilot=pilot.id)
    assert someone.sees(said)
    assert someone.sees(STOPPED.remedy) == (state == "failed")
    assert someone.place.desk.wishes == []  # not by itself
    someone.press("Try again")
    assert (record(key).state, record(key).attempt) == ("queued", 2)
    assert someone.place.desk.wishes
    assert someone.has_button("Stop")


def test_a_map_that_was_lost_from_the_store_is_made_again(someone):
    pilot, key = job(someone.place, "done")
    someone.open("maps", pilot=pilot.id)
    assert (record(key).state, record(key).attempt) == ("queued", 2)
    assert someone.place_in_line() == [f"{someone.word('Getting ready')} …"]


def test_what_a_failure_names_is_shown_as_text(someone):
    pilot, key = job(someone.place, "running")
    with work.database().session(LOCAL) as db:
        problem, remedy = (
            "The folder “{folder}” is not a MOMENT model: it has no {missing}.",
            "Choose at least one column of numbers.",
        )
        jobs.fail(db, key, problem, remedy, {"folder": NAMES[0], "missing": NAMES[1]})
    someone.open("maps", pilot=pilot.id)
    assert someone.word(problem, folder=plain(NAMES[0]), missing=plain(NAMES[1])) in someone.errors()[0]


def test_a_map_that_was_cleared_away_is_told_to_the_rater_and_made_again_for_the_lead(someone):
    """The rater hears nothing of a calculation, which would name a model; the lead's screen starts it."""
    pilot, study, [kept] = someone.place.asked()
    for key in (kept.fingerprint, study.design["maps"][kept.id]):
        for file in work.store().folder(key).iterdir():
            file.unlink()
    someone.begin(study)
    assert someone.sees("This map cannot be shown just now.")
    assert not someone.has_button("Next")
    assert someone.place.rows("SELECT state FROM job") == []
    someone.open("study", pilot=pilot.id)
    assert someone.place.rows("SELECT state FROM job") == [("queued",)]
