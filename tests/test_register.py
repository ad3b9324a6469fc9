"""The register of misreadings: its history in the database, and how it stands on the screens."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.document import Grid
from core.encoders import EncoderSpec
from core.lessons import TrainSpec
from core.measures import MeasureSpec
from core.projection import NOTES, ProjectionSpec
from core.rules import Thresholds
from core.tuning import TuneSpec
from core.views import ViewSpec
from feedback_db import assumptions, ledger, misreadings, models
from feedback_db.assumptions import Assumption
from feedback_db.misreadings import Misreading
from feedback_db.permits import LOCAL
from pages.parts import known, register, work
from pages.parts.beside import NO_BREAK
from pages.parts.text import JOINER, plain
from tests import test_feedback_db as shared
from tests.screens import Person, Place
from tests.test_feedback_db import HOSTILE, a_pilot
from tests.test_roi import ON_PAPER
from tests.test_screens_evidence import LOW, Trial
from tests.test_screens_maps import at_map, comparing

url, database, db = shared.url, shared.database, shared.db  # fixtures
ERROR = "The reconstruction error tells how well the model guesses, not whether people understand the map."
GUARD = "what guards against it"
NO_RULES = "People were asked before any rules were fixed: what is good enough can still be made to fit."
LATE_RULES = "The rules were fixed when answers may have been known: they may be made to fit."
ASSUMED = "That a map saves time is assumed and not measured, and the sum of money rests on it."
WEEK = "All data is from {days} days: what a whole week brings is not in it."
HEAD = "Only the model's last layer was trained: a lower error has moved no stretch on the map."
OVERLAP = "A stretch shares {share} of its samples with the next one: neighbours may be alike for that alone."
FEW = "Few people stand behind the highest rating ({n}; the rules ask for {least}): one more may turn it."
EMPTY = "It is not said what could be read wrongly, or what guards against it."


# --- the database


def test_the_last_entry_with_a_key_counts_and_all_are_kept(db: Session) -> None:
    pilot_id, other = a_pilot(db), a_pilot(db)
    at = models.now()
    first = Misreading("view:1:pca", "", "large", "", set_at=at)
    second = replace(first, what=HOSTILE, guard=HOSTILE, set_at=at.replace(year=at.year + 1))
    gone = Misreading(misreadings.own_key(), "mine", "small", "look", is_gone=True, set_at=at)
    for one in (second, first, gone):
        misreadings.put(db, pilot_id, one)
    assert misreadings.now(db, pilot_id) == {first.key: second, gone.key: gone}
    assert [one for one in misreadings.history(db, pilot_id) if one.key == first.key] == [first, second]
    assert misreadings.now(db, other) == {}


def test_there_are_three_costs_and_no_others(db: Session) -> None:
    pilot_id = a_pilot(db)
    with pytest.raises(IntegrityError), db.begin_nested():
        misreadings.put(db, pilot_id, Misreading("k", "x", "huge", "y"))  # type: ignore[arg-type]
    assert misreadings.history(db, pilot_id) == []


def test_no_two_own_entries_share_a_key() -> None:
    assert len({misreadings.own_key() for _ in range(100)}) == 100


# --- the screens


@pytest.fixture
def reader(place: Place) -> Person:
    return Person(place, "en")


def rows(reader: Person) -> dict[str, dict[str, str]]:
    """All that stands in the list, by its first sentence; not the history."""
    tables = [one.value for one in reader.at.table if reader.word(GUARD) in one.value and "when" not in one.value]
    lines = [line for table in tables for line in table.to_dict("records")]
    every = [{name: cell.replace(JOINER, "").replace(NO_BREAK, " ") for name, cell in line.items()} for line in lines]
    return {line["what could be read wrongly"]: line for line in every}


def put_down(reader: Person, key: str, button: str = "Put it down so", **fields: str) -> Person:
    """Choose an entry, change what is said of it, and press a button."""
    reader.choose("misreading", key)
    n = len(history(reader))
    for name, value in fields.items():
        reader.at.get_by_key(f"{name}-{key}-{n}").set_value(value)
    return reader.press(button)


def history(reader: Person) -> list[Any]:
    return reader.place.rows("SELECT key, what, cost, guard, is_gone FROM misreading ORDER BY set_at")


def two_maps(reader: Person) -> Trial:
    """Of a model with an error, drawn in two ways, and nobody asked."""
    trial = Trial(reader.place)
    trial.map(0.5)
    trial.map(0.5, projection=ProjectionSpec("umap"))
    return trial


def test_what_holds_for_several_maps_is_one_row_that_names_them_the_most_costly_first(reader):
    two_maps(reader).read(reader)
    found = rows(reader)
    assert found[ERROR]["where"] == "Map 1, Map 2"
    assert found[NOTES["umap"]]["where"] == "Map 2"
    assert found[reader.word(OVERLAP, share="88%")]["where"] == "Map 1, Map 2"
    assert found["All maps are made from one file: another line, product or season may look different."]["where"] == (
        "the whole pilot"
    )
    costs = [line["how costly"] for line in found.values()]
    assert costs == sorted(costs, key=["large", "medium", "small"].index)
    assert {"large", "medium", "small"} == set(costs)


def test_nothing_is_computed_for_it(reader):
    trial = two_maps(reader)
    trial.read(reader)
    assert [wish for wish in reader.place.desk.wishes if isinstance(wish[-1], MeasureSpec)] == []
    before = len(rows(reader))
    specs = [ViewSpec.from_json(one.spec) for one in known.of_pilot(trial.pilot.id).views.values()]
    for spec in specs:
        work.store().array(spec.embedding_fingerprint(), "vectors")
        reader.place.work(MeasureSpec(spec))
    trial.read(reader)
    assert len(rows(reader)) > before  # what was made meanwhile is told


def test_people_put_in_what_only_they_know_and_it_is_shown_as_text(reader):
    trial = two_maps(reader)
    trial.read(reader)
    put_down(reader, "", what=HOSTILE, cost="small", guard=HOSTILE)
    words = " ".join(HOSTILE.split())
    words = plain(words).replace(JOINER, "")
    line = rows(reader)[words]
    assert (line["where"], line["how costly"], line[GUARD]) == ("the whole pilot", "small", words)
    [(key, what, cost, guard, is_gone)] = history(reader)
    assert (key[:4], what, cost, guard, is_gone) == ("own:", HOSTILE, "small", HOSTILE, 0)
    assert reader.at.get_by_key("what--1").value == ""  # ready for the next one


def test_a_new_entry_begins_empty_in_every_language(anyone):
    """An empty message has a translation: the head of the catalogue."""
    two_maps(anyone).read(anyone)
    assert [anyone.at.get_by_key(f"{name}--0").value for name in ("what", "guard")] == ["", ""]


@pytest.mark.parametrize("fields", [{"what": " ", "guard": "look"}, {"what": "x", "guard": " \n"}])
def test_half_an_entry_is_refused_with_what_to_do(reader, fields):
    two_maps(reader).read(reader)
    put_down(reader, "", **fields)
    assert [EMPTY in one for one in reader.errors()] == [True]
    assert history(reader) == []


def test_a_change_holds_for_every_map_of_the_row_and_leaves_the_rest_as_it_was(reader):
    two_maps(reader).read(reader)
    before = rows(reader)
    put_down(reader, "view:1:error", cost="small", guard="Ask the crew.")
    line = rows(reader)[ERROR]
    assert (line["where"], line["how costly"], line[GUARD]) == ("Map 1, Map 2", "small", "Ask the crew\\.")
    assert history(reader) == [(f"view:{n}:error", "", "small", "Ask the crew.", 0) for n in (1, 2)]
    assert {name: one for name, one in rows(reader).items() if name != ERROR} == {
        name: one for name, one in before.items() if name != ERROR
    }
    put_down(reader, "view:1:error", cost="large")
    assert history(reader)[2:] == [(f"view:{n}:error", "", "large", "Ask the crew.", 0) for n in (1, 2)]


def test_what_is_taken_out_is_gone_from_the_list_and_not_from_the_history_and_can_come_back(reader):
    trial = two_maps(reader)
    trial.read(reader)
    put_down(reader, "view:1:level", "Take it out")
    assert not any("twice the load" in name for name in rows(reader))
    assert [row[-1] for row in history(reader)] == [1, 1]
    [table] = [one.value for one in reader.at.table if reader.word(GUARD) in one.value and "when" in one.value]
    assert table["how costly"].tolist() == ["taken out"]  # one press
    trial.read(reader)
    put_down(reader, "view:1:level")
    assert any("twice the load" in name for name in rows(reader))
    assert [row[-1] for row in history(reader)] == [1, 1, 0, 0]


def test_it_says_whether_rules_were_there_before_the_answers(reader):
    trial = Trial(reader.place)
    view = trial.map(0.5)
    trial.read(reader)
    assert not {NO_RULES, LATE_RULES} & set(rows(reader))
    trial.ask((view, LOW[:2]))
    trial.read(reader)
    assert {NO_RULES, LATE_RULES} & set(rows(reader)) == {NO_RULES}
    with work.database().session(LOCAL) as db:
        ledger.append(db, trial.pilot.id, "rules", Thresholds().to_json())
    trial.read(reader)
    assert {NO_RULES, LATE_RULES} & set(rows(reader)) == {LATE_RULES}
    assert reader.sees(FEW, n=2, least=8)


def test_rules_from_before_the_study_are_no_misreading(reader):
    trial = Trial(reader.place)
    with work.database().session(LOCAL) as db:
        ledger.append(db, trial.pilot.id, "rules", Thresholds().to_json())
    trial.ask((trial.map(0.5), LOW[:2]))
    trial.read(reader)
    assert not {NO_RULES, LATE_RULES} & set(rows(reader))


def test_a_sum_that_rests_on_an_assumed_saving_is_named(reader):
    trial = two_maps(reader)
    with work.database().session(LOCAL) as db:
        for name, value in list(ON_PAPER.items())[:-1]:
            assumptions.put(db, trial.pilot.id, Assumption(name, value, value, value, "x"))
    trial.read(reader)
    assert ASSUMED not in rows(reader)  # there is no sum yet
    with work.database().session(LOCAL) as db:
        name, value = list(ON_PAPER.items())[-1]
        assumptions.put(db, trial.pilot.id, Assumption(name, value, value, value, "x"))
    trial.read(reader)
    assert ASSUMED in rows(reader)


@pytest.mark.parametrize(("minutes", "days"), [(10, "5\\.5"), (20, None)])
def test_data_of_less_than_a_week_is_named_and_of_more_is_not(reader, minutes, days):
    pilot = reader.place.pilot()
    times = [
        f"2026-11-{2 + i * minutes // 1440:02d} {i * minutes // 60 % 24:02d}:{i * minutes % 60:02d}:00"
        for i in range(800)
    ]
    data = reader.place.data(pilot, "\n".join(["time,load", *[f"{at},{i % 7}" for i, at in enumerate(times)]]).encode())
    reader.place.view(pilot, reader.place.spec(data))
    reader.open("evidence", pilot=pilot.id)
    told = [name for name in rows(reader) if name.startswith("All data is from")]
    assert told == ([] if days is None else [reader.word(WEEK, days=days)])


def test_a_map_after_training_of_the_last_layer_alone_is_told_not_to_have_moved(reader):
    trial = Trial(reader.place)
    spec = trial.place.spec(trial.data, encoder=EncoderSpec())
    for trained in ("head", "all"):
        tune = TuneSpec(spec.sources, spec.recipe, EncoderSpec(), TrainSpec(trained=trained))
        work.store().save(tune.fingerprint(), {"spec": tune.to_json()}, {})
        folder = work.store().folder(tune.fingerprint())
        (folder / "config.json").write_text("{}", encoding="utf-8")
        (folder / "model.safetensors").write_bytes(trained.encode())
        trial.keep(replace(spec, encoder=tune.encoder_in(work.store())), 0.5)
    trial.read(reader)
    assert rows(reader)[HEAD]["where"] == "Map 1"


def test_a_report_has_the_same_rows_as_plain_text(reader):
    trial = two_maps(reader)
    with work.database().session(LOCAL) as db:
        misreadings.put(db, trial.pilot.id, Misreading("own:1", HOSTILE, "large", HOSTILE))
    trial.read(reader)
    found = known.of_pilot(trial.pilot.id)
    [grid] = register.told(trial.pilot, found, known.facts(found))
    assert isinstance(grid, Grid)
    assert len(grid.rows) == 1 + len(rows(reader))
    assert all(len(row) == 4 for row in grid.rows)
    assert (HOSTILE, HOSTILE) in [(row[0], row[3]) for row in grid.rows]


# --- beside maps


def folds(someone: Person) -> list[Any]:
    return [one for one in someone.at.expander if one.label.startswith("What could be read wrongly here")]


def test_below_a_map_stands_what_could_be_read_wrongly_on_it_and_no_warning_twice(reader):
    spec = at_map(reader)
    reader.choose("method", "tsne")
    drawn = spec.drawn_by(ProjectionSpec("tsne", stopped_after=20))
    reader.place.work(drawn)
    reader.place.work(MeasureSpec(drawn))
    reader.at.query_params["stop"] = "tsne-20"
    reader.run()
    [fold] = folds(reader)
    [listed] = [one.value for one in fold.markdown]
    assert len(listed.splitlines()) == int(fold.label.split("(")[1].rstrip(")"))
    assert NOTES["tsne"] in listed
    warnings = [one.value for one in reader.at.warning]
    assert warnings
    assert not [one for one in warnings if one in listed]


def test_below_compared_maps_each_line_names_the_maps_it_is_about(reader):
    comparing(reader)
    [fold] = folds(reader)
    [listed] = [one.value for one in fold.markdown]
    assert f"**{plain('t-SNE')}**: {NOTES['tsne']}" in listed
    assert f"**{plain('PCA, t-SNE, UMAP, PaCMAP')}**: A stretch shares" in listed
