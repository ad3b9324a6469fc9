"""The Preparation screen: steps that can be added, changed, moved, taken out and taken back, and saved under a name."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.effects import EffectSpec
from core.encoders import EncoderSpec
from core.recipes import Recipe, WindowSpec, propose
from core.steps import Impute, Scale, Smooth
from feedback_db import recipes
from feedback_db.permits import LOCAL
from pages.parts import steps, work
from pages.parts.intake import sources_of
from pages.parts.text import plain
from tests.screens import Person, Place, csv

PROPOSED = Recipe(window=propose([80]))
FILL, SCALE = PROPOSED.steps


@pytest.fixture
def lead(someone: Person) -> Person:
    """At the Preparation screen, with one file."""
    pilot = someone.place.pilot()
    someone.place.data(pilot, csv(label=True))
    return someone.open("prepare", pilot=pilot.id)


def address(someone: Person, name: str) -> str:
    value = someone.at.query_params[name]
    return value if isinstance(value, str) else value[0]


def used(someone: Person) -> Recipe:
    """The recipe that the address names."""
    with work.database().session(LOCAL) as db:
        found = recipes.get(db, address(someone, "pilot"), address(someone, "recipe"))
    assert found is not None
    return Recipe.from_json(found.spec)


def test_without_data_it_leads_to_the_data(anyone):
    anyone.open("prepare", pilot=anyone.place.pilot().id)
    assert [one.value for one in anyone.at.info] == [
        anyone.word("There is nothing to prepare yet. Upload a CSV first.")
    ]
    assert anyone.word("Go to the data") in anyone.links()


def test_it_begins_with_what_suits_the_data(anyone):
    pilot = anyone.place.pilot()
    anyone.place.data(pilot)
    anyone.open("prepare", pilot=pilot.id)
    assert anyone.errors() == []
    assert anyone.sees("Fill gaps")
    assert anyone.sees("Bring to one scale")
    assert anyone.sees("{n} stretches", n=33) or any("33" in text for text in anyone.texts())
    assert not any(button.disabled for button in anyone.at.button if button.label == anyone.word("Show the map"))


@pytest.mark.parametrize("kind", steps.NAMES)
def test_every_kind_of_step_can_be_added_and_shows_its_effect_or_says_why_not(lead, kind):
    lead.set("add-", kind)
    added = used(lead).steps
    assert [type(one) for one in added].count(kind) == [type(one) for one in PROPOSED.steps].count(kind) + 1
    said = lead.errors()
    if kind is steps.Resample:  # this file has neither a clock nor a rate
        assert any(
            lead.word("Tell the sampling interval on the Data screen, or leave out the even grid.") in e for e in said
        )
    elif kind is steps.Bend:  # and it has zeros
        assert any("“ramp”" in error or "「ramp」" in error for error in said)
    else:
        assert said == []
        assert len(lead.at.get("arrow_vega_lite_chart") or lead.at.get("vega_lite_chart")) == 2
    lead.press("Undo")
    assert "recipe" not in lead.at.query_params
    assert lead.errors() == []


def test_what_a_slow_browser_still_sends_of_before_does_not_undo_the_undoing(lead):
    """A piece of the page that redraws itself sends all choices again, those of the page before too."""
    [chosen] = [box for box in lead.at.selectbox if (box.key or "").startswith("add-")]
    chosen.select(Smooth)
    stale = next(one for one in lead.at._tree.get_widget_states().widgets if one.id == chosen.id)
    lead.run()
    lead.button("Undo").click()
    states = lead.at._tree.get_widget_states()
    states.widgets.append(stale)
    lead.run_with(states)
    assert "recipe" not in lead.at.query_params


def test_a_new_step_goes_before_what_scales(lead):
    lead.set("add-", Smooth)
    assert used(lead).steps == (FILL, Smooth("median", 5), SCALE)


def test_steps_can_be_moved_and_taken_out(lead):
    lead.set("add-", Smooth)
    lead.at.button(key=next(b.key for b in lead.at.button if (b.key or "").startswith("up-1-"))).click()
    assert used(lead.run()).steps == (Smooth("median", 5), FILL, SCALE)
    lead.at.button(key=next(b.key for b in lead.at.button if (b.key or "").startswith("out-0-"))).click()
    assert used(lead.run()).steps == (FILL, SCALE)
    lead.press("Undo").press("Undo")
    assert used(lead).steps == (FILL, Smooth("median", 5), SCALE)


def test_a_setting_is_changed_in_its_place(lead):
    lead.set("l-0-", 3)
    assert used(lead).steps == (replace(FILL, longest=3), SCALE)
    lead.set("c-o-1-", "all")
    assert used(lead).steps == (Impute("linear", 3), Scale("z-score", "all"))


def test_a_setting_that_makes_no_sense_says_why_and_changes_nothing(lead):
    lead.set("l-0-", 0)
    [said] = lead.errors()
    assert lead.word("Choose 1 or more.") in said
    assert "recipe" not in lead.at.query_params


def test_scaling_each_stretch_comes_last_or_is_refused(lead):
    lead.set("c-o-1-", "window")
    assert used(lead).scaled_by_window == Scale("z-score", "window")
    assert lead.sees("Each stretch is then brought to one scale by itself, which this picture cannot show.")
    lead.at.button(key=next(b.key for b in lead.at.button if (b.key or "").startswith("up-1-"))).click()
    [said] = lead.run().errors()
    assert lead.word("Make this scaling the last step, or scale over the whole series.") in said


def test_stretches_are_cut_as_somebody_says(lead):
    lead.set("length-", 24)
    lead.set("c-align-", "label")
    lead.set("c-rest-", "shift")
    lead.set("most-", 500)
    assert used(lead).window == WindowSpec(24, PROPOSED.window.stride, "label", "shift", 500)
    lead.set("training-", 50)
    assert used(lead).training == 0.5


def test_the_map_is_drawn_with_it_and_a_reload_finds_it_again(lead):
    pilot = address(lead, "pilot")
    lead.set("l-0-", 3)
    kept = address(lead, "recipe")
    other = Person(lead.place, "ja").open("maps", pilot=pilot, recipe=kept)
    assert any("3点まで" in text for text in other.texts())
    assert used(other).steps[0] == Impute("linear", 3)


def test_a_recipe_of_another_pilot_is_not_used(lead):
    lead.set("l-0-", 3)
    elsewhere = lead.place.pilot("other")
    lead.place.data(elsewhere)
    other = Person(lead.place, "ja").open("prepare", pilot=elsewhere.id, recipe=address(lead, "recipe"))
    assert "recipe" not in other.at.query_params


def test_a_step_that_cannot_change_the_map_says_so(place: Place, anyone):
    pilot = place.pilot()
    dataset = place.data(pilot)
    spec = EffectSpec(sources_of([dataset]), PROPOSED, EncoderSpec())
    anyone.open("prepare", pilot=pilot.id)
    assert anyone.sees("Measuring what this step changes for the model …")
    nothing = "This step cannot change the map of this model: its view of the data stays the same."
    assert not anyone.sees(nothing)
    made = {"changes": [None, 2e-6], "misses": [[0.31, 0.42], None]}
    work.store().save(spec.fingerprint(), made, {})
    anyone.run()
    assert anyone.sees(nothing)
    tried = "Tried on hidden known values: off by {own:.0%} of the spread; a straight line by {line:.0%}."
    assert anyone.sees(tried, own=0.31, line=0.42)


def test_a_step_that_does_says_how_much(place: Place, anyone):
    pilot = place.pilot()
    spec = EffectSpec(sources_of([place.data(pilot)]), PROPOSED, EncoderSpec())
    work.store().save(spec.fingerprint(), {"changes": [None, 0.123], "misses": [None, None]}, {})
    anyone.open("prepare", pilot=pilot.id)
    assert anyone.sees("Moves what this model sees by {share:.1%} of its spread.", share=0.123)


def test_a_recipe_is_saved_under_a_name_used_again_compared_and_removed(lead):
    lead.at.text_input(key="recipe-name").set_value("basis")
    lead.run().press("Save")
    lead.set("l-0-", 3)
    lead.choose("compare", next(iter(saved(lead))).id)
    assert list(lead.at.table[0].value.iloc[0]) == [
        plain("欠測を補う: 3点まで、直線で"),
        plain("欠測を補う: 64点まで、直線で"),
    ]
    lead.press("Use")
    assert used(lead) == PROPOSED
    assert lead.sees("Both are the same.")
    lead.press("Remove")
    assert saved(lead) == []


def test_a_recipe_may_have_the_name_of_the_one_that_it_is_compared_with(lead):
    lead.at.text_input(key="recipe-name").set_value(lead.word("this one"))
    lead.run().press("Save").set("l-0-", 3)
    lead.choose("compare", next(iter(saved(lead))).id)
    assert len(set(lead.at.table[0].value.columns)) == 2


def saved(someone: Person) -> list[recipes.Recipe]:
    with work.database().session(LOCAL) as db:
        return recipes.saved(db, address(someone, "pilot"))


def test_a_recipe_is_taken_along_as_a_file_and_a_wrong_file_is_refused(lead):
    other = Recipe((Scale("robust", "all"),), 0.5, WindowSpec(32, 4))
    file = lead.at.get_by_key("recipe-file")
    file.upload("recipe.json", json.dumps({"recipe": other.to_json()}).encode(), "application/json")
    assert used(lead.run()) == other
    file = lead.at.get_by_key("recipe-file")
    file.upload(
        "b.json", b'{"recipe": {"steps": [{"kind": "magic"}], "training": 1, "window": {}}}', "application/json"
    )
    assert any("magic" in error for error in lead.run().errors())
    file = lead.at.get_by_key("recipe-file")
    file.upload("c.json", b"no json", "application/json")
    assert any(lead.word("This file does not hold a preparation.") in error for error in lead.run().errors())
    assert used(lead) == other


def test_filled_values_are_marked_in_the_picture(someone):
    pilot = someone.place.pilot()
    rows = [f"{i % 7 + 0.5},{'' if i in (20, 21) else i * i % 11}" for i in range(80)]
    someone.place.data(pilot, ("a,b\n" + "\n".join(rows)).encode())
    someone.open("prepare", pilot=pilot.id).choose("effect-channel", 1)
    assert any("2個" in text for text in someone.texts())
    assert np.all([not one for one in someone.errors()])
