"""Extra training as people meet it: what could change, what did, and that both numbers stand side by side."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.change import Change, Seen
from core.comparison import ComparisonSpec, LadderSpec
from core.encoders import EncoderSpec
from core.ladder import Difference
from core.measures import MeasureSpec, StabilitySpec
from core.movement import Movement
from core.projection import METHODS, NOTES, ProjectionSpec
from core.recipes import Recipe, WindowSpec
from core.recognition import Score
from core.tuning import TuneSpec, load
from core.views import ViewSpec
from feedback_db import runs
from feedback_db.permits import LOCAL
from pages.parts import recipe, work
from pages.parts.changed import labels_told
from pages.parts.lesson import DANGER, SWEEP
from pages.parts.models import CHOSEN, NAMES
from pages.parts.text import speaking
from tests.screens import Person

torch.set_num_threads(1)  # more would wait for one another longer than such small models take

AUC = "How surely the model’s view tells lines or sites apart. 50 %: not at all."
CKA = "1: stretches lie to one another as before, however all of them were turned or resized. Chance: {chance}."


def two_speeds(n: int = 1200) -> bytes:
    """Slow and quick by turns, each told by its label."""
    rng, at = np.random.default_rng(0), np.arange(n)
    quick = at // 100 % 2 == 1
    values = np.sin(at / np.where(quick, 1.1, 4)) + 0.1 * rng.normal(size=n)
    lines = [f"{i},{v:.4f},{'quick' if up else 'slow'}" for i, v, up in zip(at, values, quick, strict=True)]
    return ("\n".join(["n,load [kN],state", *lines]) + "\n").encode()


def at_training(someone: Person, data: bytes | None = None) -> Person:
    pilot = someone.place.pilot()
    someone.place.data(pilot, data or two_speeds())
    return someone.open("tune", pilot=pilot.id).choose("steps", 10)


def pilot_of(someone: Person) -> str:
    [(found,)] = someone.place.rows("SELECT id FROM pilot")
    return str(found)


def wanted(someone: Person) -> list[TuneSpec]:
    """Without repeats: whoever looks at what is under way makes sure that somebody works on it."""
    asked = (wish[-1] for wish in someone.place.desk.wishes)
    return list(dict.fromkeys(spec for spec in asked if isinstance(spec, TuneSpec)))


def trained(someone: Person, what: str) -> TuneSpec:
    """Started, and done by the engine, with the maps before and after."""
    someone.choose("trained", what).press("Start the training")
    spec = wanted(someone)[-1]
    someone.place.work(spec)
    someone.run()
    for wish in [wish[-1] for wish in someone.place.desk.wishes if isinstance(wish[-1], ComparisonSpec)]:
        someone.place.work(wish)
    someone.run()
    return spec


def test_before_there_is_data_the_next_step_is_offered(anyone):
    pilot = anyone.place.pilot()
    anyone.open("tune", pilot=pilot.id)
    assert anyone.sees("There is nothing to train on yet. Upload data first.")
    assert anyone.word("Go to the data") in anyone.links()


def test_what_is_no_model_cannot_be_trained_and_it_is_said(someone):
    at_training(someone).choose("model", "statistics")
    assert someone.sees("There is nothing to train in statistics or in the waveform itself.")
    assert not someone.has_button("Start the training")


def test_a_head_alone_gets_a_warning_that_the_map_could_not_change(anyone):
    spec = trained(at_training(anyone), "head")
    assert spec.train.trained == "head"
    assert anyone.sees(
        "The map could not change: what was trained has no part in it. A lower error means nothing for it."
    )
    told = {one.label: one.value for one in anyone.at.metric}
    assert told[anyone.word("Stretches moved")] == "0%"
    assert told[anyone.word("Neighbours kept")] == "100%"
    found = load(spec, work.store())
    error = min(found.change.errors, key=lambda one: abs(one.hidden - 0.5))
    headline = anyone.word("Reconstruction error {change:+.1%}", change=error.change.value)
    assert any(headline in one.value for one in anyone.at.markdown)
    assert anyone.sees("The map before and after")
    assert anyone.sees("From before to after")


def test_lessons_that_can_make_up_groups_are_also_taught_on_data_without_shapes(someone):
    at_training(someone).choose("trained", "all")
    someone.set("lesson-", "label").press("Start the training")
    [real] = wanted(someone)
    assert (real.train.contrast, real.train.positives) == (1.0, "label")
    someone.place.work(real)
    someone.run()
    _real, twin = wanted(someone)
    assert twin == real.twin
    assert someone.sees("Did the training make it up?")
    assert someone.sees("The same training runs on data without shapes, to see what it makes of nothing …")
    someone.place.work(twin)
    someone.run()
    assert someone.sees("the same without shapes, after training")


def test_several_weights_are_so_many_trainings_all_of_them_kept(someone):
    at_training(someone).set("lesson-", "time").choose("sweep", True).press("Start the training")
    specs = [spec for spec in wanted(someone) if not spec.chance]
    assert [spec.train.contrast for spec in specs] == list(SWEEP)
    with work.database().session(LOCAL) as db:
        kept = runs.of_pilot(db, pilot_of(someone))
    assert [one.number for one in kept] == [1, 2, 3, 4]
    assert any("頼んだ学習4回" in text for text in someone.texts())


def test_one_that_fails_is_counted_and_says_why(someone):
    at_training(someone, two_speeds(60)).press("Start the training")
    someone.place.work(wanted(someone)[0])
    someone.run()
    assert someone.sees(
        "Choose a smaller step, or add data, so that there are at least {least} in either part.", least=8
    )
    assert someone.sees("{n} failed or stopped", n=1)


def test_what_came_of_it_is_a_model_on_the_maps_screen(someone):
    spec = trained(at_training(someone), "last")
    someone.open("maps", pilot=pilot_of(someone))
    assert someone.at.get_by_key("model").options[0] == someone.word("after training {n}", n=1)
    someone.choose("model", "run-1")
    assert someone.has_button("Keep this map")  # it was drawn beside the one before training
    assert EncoderSpec.from_json(someone.at.session_state[CHOSEN]) == spec.encoder_in(work.store())


def at_trained_map(someone: Person) -> ViewSpec:
    """The Maps screen with the map that was trained along, drawn."""
    at_training(someone).choose("trained", "last").set("lesson-", "layout").press("Start the training")
    someone.place.work(wanted(someone)[0])
    someone.open("maps", pilot=pilot_of(someone))
    assert len(someone.at.get_by_key("method").options) == len(METHODS)  # the compact model has no such map
    someone.choose("model", "run-1")
    assert someone.at.get_by_key("method").options[-1] == someone.word(
        "Trained map (keeps neighbours, as the model learnt to)"
    )
    someone.choose("method", "trained")
    [view] = dict.fromkeys(one for one in views_wanted(someone) if one.projection.method == "trained")
    someone.place.work(MeasureSpec(view))
    someone.run()
    return view


def views_wanted(someone: Person) -> list[ViewSpec]:
    return [wish[-1] for wish in someone.place.desk.wishes if isinstance(wish[-1], ViewSpec)]


def test_the_map_that_was_trained_along_is_drawn_for_its_model_with_what_may_be_read_from_it(anyone):
    view = at_trained_map(anyone)
    assert view.projection == ProjectionSpec("trained")
    assert anyone.has_button("Keep this map")
    assert anyone.sees(NOTES["trained"])
    assert anyone.sees("This map was trained: what chance made of it shows when the training is run again.")
    assert not [wish for wish in anyone.place.desk.wishes if isinstance(wish[-1], StabilitySpec)]
    address = {"pilot": pilot_of(anyone), "method": anyone.at.get_by_key("method").options[-1]}  # as a browser has it
    for model, method in ((NAMES["compact"], "pca"), ("after training {n}", "trained")):
        anyone.open("maps", **address, model=anyone.word(model, n=1))
        assert anyone.at.get_by_key("method").value == method
        assert anyone.errors() == []
    anyone.choose("side-level-scale-slope", True)
    assert len(anyone.at.get_by_key("method").options) == len(METHODS)
    assert anyone.sees("The map that was trained along with this model knows nothing of level, size and changes.")
    assert anyone.errors() == []


def test_the_map_that_was_trained_along_stands_beside_the_other_ways_of_drawing_its_model(someone):
    view = at_trained_map(someone)
    someone.follow("Compare with others")
    [wish] = {wish[-1] for wish in someone.place.desk.wishes if type(wish[-1]) is ComparisonSpec}
    assert [one.projection.method for one in wish.views] == [*METHODS, "trained"]
    assert wish.views[-1] == view
    someone.place.work(wish)
    someone.run()
    assert someone.sees("Trained map")
    someone.choose("what", "models")
    assert someone.sees("A trained map belongs to one model alone, so all of them are drawn with PCA here.")
    assert someone.errors() == []


@pytest.mark.parametrize("what", ["all", "lora"])
def test_how_many_parameters_may_change_is_said_before_and_after(someone, what):
    at_training(someone)
    spec = trained(someone, what)
    found = load(spec, work.store())
    assert someone.sees("{n:,} of {all:,} parameters", n=found.n_trained, all=found.n_parameters)


def test_what_came_of_it_is_the_uppermost_rung_of_the_ladder(someone):
    spec = trained(at_training(someone), "last")
    before = ViewSpec(spec.sources, spec.recipe, spec.encoder, ProjectionSpec("pca"))
    someone.open("compare", pilot=pilot_of(someone), view=before.fingerprint()).choose("what", "models")
    [wish] = {wish[-1] for wish in someone.place.desk.wishes if isinstance(wish[-1], LadderSpec)}
    assert wish.names == ("raw", "statistics", "random-init", "pretrained", "1")
    assert wish.views[-1].encoder == spec.encoder_in(work.store())
    someone.place.work(wish)
    someone.run()
    assert someone.sees("after training {n}", n=1)


def test_every_combination_of_settings_is_a_training_and_equal_results_are_told(someone):
    at_training(someone).choose("many-trained", ["head", "last"]).choose("many-shares", [0.5, 1.0])
    someone.press("Start the training")
    specs = wanted(someone)
    assert [(spec.train.trained, spec.share) for spec in specs] == [
        ("head", 0.5),
        ("head", 1.0),
        ("last", 0.5),
        ("last", 1.0),
    ]
    for spec in specs:
        someone.place.work(spec)
    someone.run()
    n = len({load(spec, work.store()).outcome for spec in specs})
    assert someone.sees("{n} done, with {distinct} different results", n=4, distinct=n)


def test_lines_can_be_brought_together_where_there_are_several(someone):
    pilot = someone.place.pilot()
    for name, n in (("a.csv", 2600), ("b.csv", 2400)):
        someone.place.data(pilot, two_speeds(n), name)
    kept = recipe.keep(pilot.id, Recipe(window=WindowSpec(32, 16)))
    someone.open("tune", pilot=pilot.id, recipe=kept.id).choose("steps", 10)
    someone.set("lesson-", "lines")
    assert someone.sees(DANGER)
    someone.press("Start the training")
    [spec] = wanted(someone)
    assert (spec.train.lines, spec.makes_groups) == (1.0, False)
    someone.place.work(spec)
    someone.run()
    found = load(spec, work.store()).change
    shown = seen_of_model(someone)
    sites = [one.lines.auc for one in (found.before, found.after)]
    told = [f"{one.value:.0%} ({one.low:.0%}–{one.high:.0%})" for one in sites]
    assert shown[someone.word("Lines told apart")] == [*told, someone.word(AUC)]
    labels = [one.recognised for one in (found.before, found.after)]
    recognised = shown[someone.word("Recognised by label")]
    assert recognised[:2] == [f"{one.value:.0%} ({one.low:.0%}–{one.high:.0%})" for one in labels]
    sure = {"low": found.labels.low, "high": found.labels.high}
    assert recognised[2].endswith(someone.word("The change lies between {low:+.0%} and {high:+.0%}.", **sure))
    assert any(labels_told(found)[1] == one.value for one in (*someone.at.warning, *someone.at.info))


def test_lines_are_not_offered_where_there_is_one_and_not_told_apart(someone):
    at_training(someone)
    [lessons] = [one for one in someone.at.radio if one.key and one.key.startswith("lesson-")]
    assert someone.word("and that lines or sites look alike") not in lessons.options
    trained(someone, "last")
    assert someone.word("Lines told apart") not in seen_of_model(someone)


def test_how_alike_the_arrangement_is_stands_beside_how_far_stretches_moved(anyone):
    spec = trained(at_training(anyone), "all")
    moved = load(spec, work.store()).change.movement
    told = {one.label: one.value for one in anyone.at.metric}
    assert told[anyone.word("Stretches moved")] == f"{moved.displacement:.0%}"
    assert told[anyone.word("Alike (CKA)")] == f"{moved.cka:.2f}"
    assert anyone.sees(CKA, chance=f"{moved.cka_chance:.2f}")
    assert anyone.sees("Without chance’s share: {value}.", value=f"{moved.cka_debiased:.2f}")


def seen_of_model(someone: Person) -> dict[str, list[str]]:
    """The table of what the model sees: before, after, what it means."""
    heading = someone.word("what it means")
    [table] = [one.value for one in someone.at.table if heading in one.value.columns]
    return {row[0]: list(row[1:]) for row in table.itertuples(index=False)}


def change_of(low: float, high: float, value: float = 0.9, bar: float = 0.6) -> Change:
    """All but what it says of labels is of no account."""
    seen = Seen(Score(value, value - 0.05, value + 0.05, 0.5, bar, 100), None, None, None)
    still = Movement(0.0, None, None, None, 1.0, 0.1, 10)
    return Change((), still, seen, seen, Difference("after", "before", 0.0, 0.0, low, high))


@pytest.mark.parametrize(
    ("change", "warns", "told"),
    [
        (change_of(-0.3, -0.1), True, "by 10% to 30%"),
        (change_of(-0.04, 0.03), False, "at most, they are recognised 4% less often"),
        (change_of(-0.3, -0.1, value=0.55), True, "they were not recognised before"),
        (replace(change_of(0.0, 0.0), labels=None), True, "there are none"),
    ],
)
def test_what_bringing_lines_together_did_to_labels_is_said(change, warns, told):
    with speaking("en"):
        found = labels_told(change)
    assert found[0] == warns
    assert told in found[1]
