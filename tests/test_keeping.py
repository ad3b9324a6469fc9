"""What is said of a change when a map is kept, on the screens that keep maps."""

import json
from dataclasses import replace
from typing import Any

import pytest

from core.comparison import ComparisonSpec
from core.evidence import EXPECTED
from pages.parts.keeping import LONGEST
from tests.screens import SHIPPED, Person
from tests.test_screens_maps import at_map, comparing, wishes

WHY = "Noise  hides\nthe *faults* <b>x</b> {n}"


def kept(someone: Person) -> list[tuple[str, dict | None]]:
    rows = someone.place.rows("SELECT why, expects FROM view ORDER BY number")
    return [(why, expects and json.loads(expects)) for why, expects in rows]


def at_second_map(someone: Person) -> Person:
    """A pilot that has kept one map, and looks at another one."""
    place, pilot = someone.place, someone.place.pilot()
    data = place.data(pilot)
    place.view(pilot, place.spec(data, length=32))
    place.draw(place.spec(data))
    place.draw(place.spec(data, encoder=SHIPPED), loss=0.5)
    return someone.open("maps", pilot=pilot.id).choose("model", "raw")


def test_the_first_map_is_kept_with_one_press_and_nothing_is_asked(anyone):
    place, pilot = anyone.place, anyone.place.pilot()
    place.draw(place.spec(place.data(pilot)))
    anyone.open("maps", pilot=pilot.id).choose("model", "raw")
    assert not anyone.sees("Why this change?")
    anyone.press("Keep this map")
    assert kept(anyone) == [("", None)]


def test_a_change_may_be_kept_without_a_word(anyone):
    at_second_map(anyone)
    assert anyone.sees("What do you expect, next to {map}?", map=anyone.word("Map {n}", n=1))
    anyone.press("Keep this map")
    assert kept(anyone) == [("", None)] * 2
    assert anyone.sees("Kept as map {n}.", n=2)


def test_what_is_said_is_kept_with_the_map_and_cannot_be_changed(anyone):
    at_second_map(anyone).set("clarity-", "clearer").set("error-", "falls").set("why-", WHY)
    anyone.press("Keep this map")
    said = ("Noise hides the *faults* <b>x</b> {n}", {"error": "falls", "clarity": "clearer"})
    assert kept(anyone) == [("", None), said]
    assert not anyone.sees("Why this change?")


@pytest.mark.parametrize(("part", "code"), [(part, code) for part, codes in EXPECTED.items() for code in codes])
def test_each_answer_stands_alone(someone, part, code):
    at_second_map(someone).set(f"{part}-", code).press("Keep this map")
    assert kept(someone)[-1] == ("", {part: code})


def test_what_is_said_of_one_map_is_not_said_of_the_next(someone):
    at_second_map(someone).choose("model", "compact").set("clarity-", "clearer").set("why-", WHY)
    someone.choose("model", "raw").press("Keep this map")
    assert kept(someone) == [("", None)] * 2


def test_a_reason_is_a_line(someone):
    at_second_map(someone)
    [field] = [one for one in someone.at.text_input if one.label == someone.word("Why this change?")]
    assert field.proto.max_chars == LONGEST


def test_maps_that_are_compared_are_kept_with_what_is_said_of_them_once_there_is_one_before(someone):
    at_map(someone)
    someone.press("Keep this map").follow("Compare with others")
    someone.place.work(wishes(someone, ComparisonSpec)[-1])
    someone.run()
    assert someone.sees("What do you expect, next to the maps before?")
    someone.set("clarity-", "same").set("why-", "drawn otherwise")
    someone.press("Keep these maps, for people to rate")
    assert kept(someone) == [("", None)] + [("drawn otherwise", {"clarity": "same"})] * 3


def test_of_the_first_maps_nothing_is_asked_where_several_are_compared(someone):
    comparing(someone)
    assert someone.has_button("Keep these maps, for people to rate")
    assert not someone.sees("Why this change?")


def test_a_map_is_set_against_the_one_that_it_will_be_set_against_in_the_evidence(someone):
    """It differs from Map 1 in one thing, from Map 2, which was kept later, in two."""
    place, pilot = someone.place, someone.place.pilot()
    data = place.data(pilot)
    one, other = place.spec(data), place.spec(data, length=24)
    place.view(pilot, one)
    place.view(pilot, other)
    place.draw(replace(one, encoder=SHIPPED), loss=0.5)
    someone.open("maps", pilot=pilot.id)
    assert someone.sees("What do you expect, next to {map}?", map=someone.word("Map {n}", n=1))
    someone.press("Keep this map")
    [table] = [one.value for one in someone.open("evidence", pilot=pilot.id).at.table if table_of_rounds(someone, one)]
    assert someone.word("Map {n}", n=1) in table[someone.word("what was changed")][2]


def table_of_rounds(someone: Person, table: Any) -> bool:
    return someone.word("what was changed") in table.value
