"""The evidence without a browser: pilots with planted errors and ratings, of which the screen says that and no more."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from core import measures
from core.association import TOO_FEW_PEOPLE
from core.encoders import CONFIG, WEIGHTS, EncoderSpec
from core.lessons import TrainSpec
from core.measures import MeasureSpec
from core.projection import ProjectionSpec
from core.tuning import TuneSpec
from core.views import ViewSpec
from feedback_db import models, pilots, runs
from feedback_db.permits import LOCAL
from feedback_db.views import View
from pages.parts import known, rounds, work
from pages.parts.beside import NO_BREAK, cell, unbroken
from pages.parts.text import JOINER, plain
from tests.screens import SHIPPED, Person, Place, csv
from tests.test_screens_people import downloaded

HIGH = (5, 4, 5, 4, 5, 4, 5, 5)
LOW = (2, 2, 3, 1, 2, 1, 3, 2)
TOGETHER = "Of these maps, those with a lower error were rated clearer, beyond chance: "
ROW = "what was changed"
LONG = csv(800)
HOSTILE = "**noise** $5$ <b>x</b> {n} [a](b)"


class Trial:
    """A pilot whose maps get the errors that they are told to have."""

    def __init__(self, place: Place) -> None:
        self.place, self.pilot = place, place.pilot()
        self.data = place.data(self.pilot, LONG)

    def map(self, errors: float | np.ndarray | None, **other: Any) -> View:
        """Args: errors: of each window, around which they vary where it is one number."""
        spec = self.place.spec(self.data, encoder=SHIPPED, length=16)
        spec = replace(spec, **other)
        return self.keep(spec, errors)

    def keep(self, spec: ViewSpec, errors: float | np.ndarray | None) -> View:
        if errors is None:
            return self.place.view(self.pilot, spec)
        n = len(work.windows_of(spec.sources, spec.recipe))
        each = errors * np.random.default_rng(7).gamma(50, 1 / 50, n)
        meta = {"n_windows": n, "filled": 0, "loss": float(each.mean()), "mask_ratio": 0.5, "mask_seed": 0}
        arrays = {"vectors": np.random.default_rng(0).normal(size=(n, 8)), "loss": each}
        work.store().save(spec.embedding_fingerprint(), meta | {"parameters": 1, "mode": "float32 (cpu)"}, arrays)
        return self.place.view(self.pilot, spec, loss=float(each.mean()))

    def ask(self, *scores: tuple[View, Sequence[int]], names: str = "r") -> None:
        """Open a study on these maps; as many people as there are scores answer."""
        study = self.place.study(self.pilot, *[view for view, _ in scores])
        for view, of_view in scores:
            for i, score in enumerate(of_view):
                self.place.rate(study, view, f"{names}{i}", score)

    def next_round(self) -> None:
        with work.database().session(LOCAL) as db:
            self.pilot = pilots.next_round(db, self.pilot.id, after=self.pilot.round)

    def read(self, reader: Person) -> Person:
        return reader.open("evidence", pilot=self.pilot.id)


@pytest.fixture
def reader(place: Place) -> Person:
    return Person(place, "en")


def tables(reader: Person, column: str) -> list[Any]:
    return [one.value for one in reader.at.table if reader.word(column) in one.value]


def row(reader: Person, name: str) -> dict[str, Any]:
    """Of the table of rounds, whatever the round."""
    [found] = [
        line for table in tables(reader, ROW) for line in table.to_dict("records") if line["map"] == unbroken(name)
    ]
    return found


def trained(trial: Trial, folder: Path) -> EncoderSpec:
    """What came of extra training of the shipped model."""
    spec = trial.place.spec(trial.data, encoder=SHIPPED)
    tune = TuneSpec(spec.sources, spec.recipe, SHIPPED, TrainSpec())
    with work.database().session(LOCAL) as db:
        runs.keep(db, trial.pilot.id, fingerprint=tune.fingerprint(), spec=tune.to_json())
    made = work.store().folder(tune.fingerprint())
    made.mkdir(parents=True)
    (made / CONFIG).write_text("{}", encoding="utf-8")
    (made / WEIGHTS).write_bytes(str(folder).encode())
    return tune.encoder_in(work.store())


@pytest.mark.parametrize(
    ("scores", "shown", "why", "n", "sentence"),
    [
        ([4], "4.0", "One person's opinion: a range needs at least two people.", 1, "too few"),
        ([2, 3, 4], cell("3.0 (1.5 – 4.5)"), "", 3, "compare"),
        (
            [4, 4, 4],
            "4.0",
            "Everyone gave the same score: so few answers do not show how far opinions would differ.",
            3,
            "too few",
        ),
        ([4, None], "4.0", "One person's opinion: a range needs at least two people.", 1, "too few"),
    ],
)
def test_evidence_sets_what_people_say_beside_the_error(someone, scores, shown, why, n, sentence):
    pilot, study, [kept] = someone.place.asked(loss=0.25)
    for i, score in enumerate(scores):
        someone.place.rate(study, kept, f"r{i}", score)
    someone.open("evidence", pilot=pilot.id)
    one = someone.word("Map {n}", n=1)
    assert someone.at.table[0].value.iloc[0].to_dict() == {
        someone.word("map"): unbroken(one),
        someone.word("round"): 1,
        someone.word("reconstruction error"): "0.250",
        someone.word("understandability (1–5)"): shown,
        someone.word("people"): n,
        someone.word("“I can't tell”"): scores.count(None),
        someone.word("against {map}", map=one): someone.word("the base"),
    }
    assert f"{one}: {someone.word('The errors of the single stretches are no longer kept.')}" in someone.texts()
    assert not why or f"{one}: {someone.word(why)}" in someone.texts()
    assert someone.sees(SENTENCES[sentence])
    assert not any(someone.sees(other) for name, other in SENTENCES.items() if name != sentence)
    assert len(someone.at.get("vega_lite_chart")) >= 1


SENTENCES = {
    "too few": "That is too few answers to go by. Ask more people.",
    "compare": "Compare the ranges of uncertainty before you decide: where they overlap, maps may be equally clear.",
}


def test_extra_training_that_lowers_the_error_and_not_the_understanding_is_called_that(reader, tmp_path):
    trial = Trial(reader.place)
    before = trial.map(0.5)
    after = trial.map(0.3, encoder=trained(trial, tmp_path))
    trial.ask((before, HIGH), (after, LOW))
    trial.read(reader)
    assert row(reader, "Map 2")["what came of it"] == "better numbers, not clearer"
    changed = "Model: compact model (comes with this app) → after training 1 (against Map 1)"
    assert row(reader, "Map 2")[ROW] == plain(changed)
    assert reader.sees("Arrows lead from a map to the one after extra training.")
    assert any("Changes so far: 1. Clearer beyond chance: 0; less clear beyond chance: 1" in t for t in reader.texts())


@pytest.mark.parametrize(
    ("error", "scores", "words"),
    [
        (0.3, (LOW, HIGH), "better numbers and clearer"),
        (0.7, (LOW, HIGH), "clearer, not better numbers"),
        (0.7, (HIGH, LOW), "neither better numbers nor clearer"),
        (0.3, ((3, 2), (4, 3)), "better numbers and clearer, but that may be chance"),
    ],
)
def test_each_quarter_is_told_and_that_it_may_be_chance(reader, tmp_path, error, scores, words):
    trial = Trial(reader.place)
    before, after = trial.map(0.5), trial.map(error, encoder=trained(trial, tmp_path))
    trial.ask((before, scores[0]), (after, scores[1]))
    trial.read(reader)
    assert row(reader, "Map 2")["what came of it"] == words
    [every] = tables(reader, "against Map 1")
    assert list(every["against Map 1"]) == ["the base", words]


def test_the_error_has_a_range_and_understandability_has_one_and_both_stand_in_one_row(reader):
    trial = Trial(reader.place)
    trial.ask((trial.map(0.5), HIGH))
    trial.read(reader)
    [every] = tables(reader, "reconstruction error")[:1]
    value, ends = every["reconstruction error"][0].replace(JOINER, "").replace(NO_BREAK, " ").split(" (")
    low, high = ends.rstrip(")").split(" – ")
    assert float(low) < float(value) < float(high)
    assert every["understandability (1–5)"][0] == cell("4.6 (4.0 – 4.9)")


def test_the_same_model_drawn_otherwise_has_no_better_numbers_for_sure(reader):
    trial = Trial(reader.place)
    before = trial.map(0.5)
    spec = ViewSpec.from_json(before.spec)
    after = trial.keep(spec.drawn_by(ProjectionSpec("pca", seed=1)), 0.5)
    trial.ask((before, LOW), (after, HIGH))
    trial.read(reader)
    assert row(reader, "Map 2")["what came of it"] == "clearer, not better numbers"


def test_three_people_are_too_few_to_say_that_errors_and_people_agree(anyone):
    trial = Trial(anyone.place)
    kept = many_maps(trial)
    trial.ask(*[(view, (5 - i // 2,) * 3) for i, view in enumerate(kept)])
    trial.read(anyone)
    assert anyone.sees(TOO_FEW_PEOPLE, n=3, least=5)
    assert not any(TOGETHER in text for text in anyone.texts())


def many_maps(trial: Trial) -> list[View]:
    """Of six models, from the best to the worst."""
    sides: list[tuple[Any, ...]] = [(), ("level-scale-slope",), ("differenced",), ("level-scale-slope", "differenced")]
    models = [replace(SHIPPED, side=side) for side in sides] + [replace(SHIPPED, channel=c) for c in ("ramp", "wave")]
    return [trial.map(0.2 + 0.1 * i, encoder=one) for i, one in enumerate(models)]


def test_eight_people_who_follow_the_error_are_told_so(reader):
    trial = Trial(reader.place)
    kept = many_maps(trial)
    trial.ask(*[(view, [min(5, max(1, 5 - i + (r == i))) for r in range(8)]) for i, view in enumerate(kept)])
    trial.read(reader)
    [told] = [text for text in reader.texts() if text.startswith(TOGETHER)]
    assert told.endswith("Different errors: 6, people: 8. That does not say that the error is why.")


def test_one_map_is_no_comparison(reader):
    trial = Trial(reader.place)
    trial.ask((trial.map(0.5), HIGH))
    trial.read(reader)
    assert reader.sees("Nothing was changed yet: change one thing, keep that map too, and ask again.")
    assert any("rated maps with different errors: 1, and it takes at least 5" in text for text in reader.texts())


def test_rounds_are_told_one_by_one_and_the_same_person_is_one_in_both(reader):
    trial = Trial(reader.place)
    first = trial.map(0.5)
    trial.ask((first, LOW))
    trial.next_round()
    second = trial.map(None, encoder=EncoderSpec("raw"))
    trial.ask((second, HIGH))
    trial.next_round()
    trial.read(reader)
    labels = [one.label for one in reader.at.expander]
    assert [one for one in labels if one.startswith("Round ")] == [
        "Round 3 · 0 maps · 0 people",
        "Round 2 · 1 map · 8 people",
        "Round 1 · 1 map · 8 people",
    ]
    told = row(reader, "Map 2")
    assert told[ROW] == plain(
        "Model: compact model (comes with this app) → the waveform itself (no model) (against Map 1)"
    )
    assert told["understandability (1–5)"] == "2.0 → " + cell("4.6 (4.0 – 4.9)")
    assert told["reconstruction error"].endswith(" → –")
    assert told["what came of it"] == "–"  # without an error there is no quarter
    assert any("Clearer beyond chance: 1;" in text for text in reader.texts())


def expected(trial: Trial, errors: float, expects: dict[str, str] | None, why: str = "", **other: Any) -> View:
    """A map that is kept with what is expected of it."""
    view = trial.map(errors, **other)
    with work.database().session(LOCAL) as db:
        said = {"expects": expects, "why": why}
        db.execute(update(models.View).where(models.View.id == view.id).values(**said))
    return view


def test_what_was_expected_is_told_beside_what_came_of_it_and_wrong_guesses_are_counted(reader):
    trial = Trial(reader.place)
    sides: list[tuple[Any, ...]] = [("level-scale-slope",), ("differenced",), ("level-scale-slope", "differenced")]
    models_ = [replace(SHIPPED, side=side) for side in sides]
    first = trial.map(0.5)
    right = expected(trial, 0.3, {"error": "falls", "clarity": "clearer"}, HOSTILE, encoder=models_[0])
    wrong = expected(trial, 0.6, {"clarity": "clearer"}, encoder=models_[1])
    silent = expected(trial, 0.6, None, encoder=models_[2])
    trial.ask((first, LOW), (right, HIGH), (wrong, LOW), (silent, LOW))
    trial.read(reader)
    [told] = tables(reader, "came true")
    assert told.to_dict("records") == [
        {
            "map": unbroken("Map 2"),
            "why": plain(HOSTILE),
            "expected": plain("reconstruction error: falls, understandability: clearer"),
            "came true": plain("reconstruction error: yes, understandability: yes"),
        },
        {
            "map": unbroken("Map 3"),
            "why": plain("–"),
            "expected": plain("understandability: clearer"),
            "came true": plain("understandability: no"),
        },
    ]
    assert reader.sees(
        "Expected of understandability: {yes} came true, {no} did not, {open} cannot be told.", yes=1, no=1, open=0
    )
    assert reader.sees(rounds.FORETOLD["error"], yes=1, no=0, open=0)


def test_where_nothing_was_expected_nothing_is_told_of_it(reader):
    trial = Trial(reader.place)
    trial.ask((trial.map(0.5), LOW), (trial.map(0.3, encoder=EncoderSpec("raw")), HIGH))
    trial.read(reader)
    assert tables(reader, "came true") == []
    assert not any("Expected of" in text for text in reader.texts())


def show(pilot_id):
    """Runs as a script of its own: the tables of the report, as text."""
    import json

    import streamlit as st

    from pages.parts import known, rounds

    counted, *grids = rounds.told(known.of_pilot(pilot_id))
    st.code(json.dumps([list(counted.lines), *([list(row) for row in grid.rows] for grid in grids)]))


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_report_has_what_was_tried_and_what_came_of_it_as_it_was_said(place, language):
    trial = Trial(place)
    trial.ask((trial.map(0.5), LOW))
    trial.next_round()
    trial.ask((expected(trial, 0.3, {"clarity": "same"}, HOSTILE, encoder=EncoderSpec("raw")), HIGH))
    someone = Person(place, language)
    someone.at = AppTest.from_function(show, args=(trial.pilot.id,), default_timeout=30)
    someone.at.query_params["lang"] = language
    someone.run()
    counted, tried, came = json.loads(someone.at.code[0].value)
    assert len(counted) == 2
    names = [someone.word("Map {n}", n=n) for n in (1, 2)]
    assert [row[:2] for row in tried[1:]] == [[name, str(n)] for n, name in enumerate(names, start=1)]
    assert [row[0] for row in came[1:]] == names
    told = dict(zip(tried[0] + came[0], tried[2] + came[2], strict=True))
    assert len(told) == 11
    assert told[someone.word("why")] == HOSTILE
    assert told[someone.word("understandability (1–5)")] == "2.0 → 4.6 (4.0 – 4.9)"
    assert told[someone.word("came true")].endswith(someone.word("no"))
    assert JOINER not in "".join(told.values())


def test_maps_without_an_error_are_named_as_missing_in_the_picture(reader):
    trial = Trial(reader.place)
    kept = trial.map(0.5), trial.map(None, encoder=EncoderSpec("raw"))
    trial.ask(*[(view, HIGH) for view in kept])
    trial.read(reader)
    assert reader.sees("Without an error or a rating, and so not in the picture: {maps}.", maps="Map 2")


def test_the_sections_on_money_and_on_the_decision_are_there(reader):
    trial = Trial(reader.place)
    trial.ask((trial.map(0.5), HIGH))
    trial.read(reader)
    assert reader.errors() == []
    assert reader.sees("What does it cost, what does it save?")
    assert reader.sees("What do the rules say?")
    assert len(downloaded(reader)) == 8


def test_a_model_whose_folder_is_gone_keeps_its_place_in_the_evidence(reader, tmp_path):
    trial = Trial(reader.place)
    before, after = trial.map(0.5), trial.map(0.3, encoder=trained(trial, tmp_path))
    trial.ask((before, LOW), (after, HIGH))
    for file in (CONFIG, WEIGHTS):
        (Path(ViewSpec.from_json(after.spec).encoder.source) / file).unlink()
    trial.read(reader)
    assert reader.errors() == []
    assert row(reader, "Map 2")["what came of it"] == "better numbers and clearer"


def test_of_two_preparations_only_what_differs_is_told(reader):
    trial = Trial(reader.place)
    before = trial.map(0.5)
    recipe = ViewSpec.from_json(before.spec).recipe
    after = trial.map(0.5, recipe=replace(recipe, steps=recipe.steps[1:], window=replace(recipe.window, stride=4)))
    trial.ask((before, LOW), (after, HIGH))
    trial.read(reader)
    assert row(reader, "Map 2")[ROW] == plain(
        "Preparation: Fill gaps: up to 64 samples, by a straight line · 16 samples a stretch, step 2"
        " → 16 samples a stretch, step 4 (against Map 1)"
    )
    assert reader.sees("Errors after different preparations are of different stretches: compare them with care.")


def test_the_rules_get_the_clearest_map_its_numbers_and_the_last_round_in_which_people_were_asked(place):
    trial = Trial(place)
    first, second = trial.map(0.5), trial.map(None, encoder=EncoderSpec("raw"))
    trial.ask((first, LOW))
    trial.next_round()
    trial.ask((first, LOW), (second, HIGH))
    trial.next_round()
    found = known.facts(known.of_pilot(trial.pilot.id))
    assert (found.round, found.best, found.rating.value, found.rating.n_raters) == (2, 2, 4.625, 8)
    assert found.kept is None  # not computed yet, and not computed here
    measures.build(MeasureSpec(ViewSpec.from_json(second.spec)), work.store(), lambda *_: None)
    found = known.facts(known.of_pilot(trial.pilot.id))
    assert 0 < found.kept <= 1
    assert found.lines is None  # one series is one line
    assert place.desk.wishes == []
