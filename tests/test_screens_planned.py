"""What was clicked together comes out as a pilot file, from which anybody elsewhere gets the very same specs."""

from dataclasses import replace
from pathlib import Path

import pytest

from core import pilot_file
from core.artifacts import Store
from core.lessons import TrainSpec
from core.projection import ProjectionSpec
from core.reader import Reader
from core.studies import Design
from core.tuning import TuneSpec
from feedback_db import datasets, runs
from feedback_db.permits import LOCAL
from pages.parts import planned, work
from pages.parts.text import speaking
from tests.screens import SHIPPED, Person, Place, csv


@pytest.fixture
def reader():
    one = Reader()
    yield one
    one.close()


def test_the_file_gives_the_same_specs_on_another_computer(place: Place, tmp_path: Path, reader: Reader):
    pilot = place.pilot("軸受は見えるか")
    press, same_name = place.data(pilot, csv(80, label=True)), place.data(pilot, csv(90, label=True))
    spec = place.spec(press)
    kept = [place.view(pilot, spec), place.view(pilot, place.spec(press, same_name))]
    place.study(pilot, *kept, design=Design(n_items=9, tasks=("odd",)))
    run = TuneSpec(spec.sources, spec.recipe, SHIPPED, TrainSpec(steps=3))
    with work.database().session(LOCAL) as db:
        runs.keep(db, pilot.id, fingerprint=run.fingerprint(), spec=run.to_json())
        # since the map was kept, somebody has corrected how its file is read
        sizes = {"n_rows": 80, "n_channels": 2, "n_series": 1}
        datasets.update_reading(db, press.id, reading=press.reading | {"label": None}, **sizes)
    tuned = replace(spec, encoder=run.encoder_in(work.store()), projection=ProjectionSpec("umap", seed=5))
    with speaking("ja"):
        text = planned.toml(pilot.id, tuned)

    here = tmp_path / "elsewhere"
    here.mkdir()
    (here / "pilot.toml").write_bytes(text)
    (here / "a.csv").write_bytes(csv(80, label=True))
    (here / "a.csv 2").write_bytes(csv(90, label=True))
    store = Store(here / "store")
    plan = pilot_file.read(here / "pilot.toml", store, reader)
    assert plan.name == "軸受は見えるか"
    assert {name: one.fingerprint() for name, one in plan.runs.items()} == {"学習1": run.fingerprint()}
    assert [plan.views[name].fingerprint() for name in ("地図1", "地図2")] == [one.fingerprint for one in kept]
    assert plan.views["この地図"] == replace(tuned, encoder=run.encoder_in(store))
    assert plan.learners == {"この地図": "学習1"}
    [study] = plan.studies.values()
    assert study == pilot_file.Planned(Design(n_items=9, tasks=("odd",)), ("地図1", "地図2"))
    assert len(plan.sources) == 3  # one file read twice


def test_it_lies_beside_the_evidence(place: Place):
    pilot, study, kept = place.asked()
    place.rate(study, kept[0], "Ken", 4)
    someone = Person(place, "ja").open("evidence", pilot=pilot.id)
    assert [one.label for one in someone.at.download_button].count(someone.word("Pilot file (TOML)")) == 1
