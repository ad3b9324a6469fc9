"""Who is asked what: balanced over seats, blind to chance, the same again from the same seed."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from core.encoders import EncoderSpec
from core.errors import UserError
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.studies import (
    APART,
    INSTANCES,
    SPECIAL,
    Design,
    Item,
    difference,
    fair_set,
    gets_previs,
    levels,
    minutes,
    order,
    plan,
    pool,
    williams,
)
from core.tables import Reading
from core.views import ViewSpec

KINDS = ("intruder", "odd", "same", "joins")


def quizzes_of(views: list[str], n: int = INSTANCES) -> dict[str, dict[str, int]]:
    return {view: dict.fromkeys(KINDS, n) for view in views}


def sittings(design: Design, n_views: int, n_seats: int, seed: int = 3, quizzes=None) -> list[list[Item]]:
    views = [f"view {i}" for i in range(n_views)]
    items = pool(design, views, quizzes_of(views) if quizzes is None else quizzes)
    return [[items[i] for i in order(design, views, items, seat, seed)] for seat in range(n_seats)]


# Order


@pytest.mark.parametrize("n", range(2, 13))
def test_a_williams_square_has_each_in_each_place_and_after_each_other_equally_often(n):
    rows = williams(n)
    assert len(rows) == (n if n % 2 == 0 else 2 * n)
    assert all(sorted(row) == list(range(n)) for row in rows)
    assert set(Counter((place, one) for row in rows for place, one in enumerate(row)).values()) == {len(rows) // n}
    follows = Counter(pair for row in rows for pair in pairwise(row))
    assert len(follows) == n * (n - 1)
    assert set(follows.values()) == {len(rows) // n}


def main_items(sitting: list[Item]) -> list[Item]:
    """Without what is put in between afterwards."""
    return [item for item in sitting if item.kind not in ("repeat", "check")]


def test_over_a_square_of_seats_every_map_stands_in_every_place_equally_often():
    seats = [main_items(one) for one in sittings(Design(), 4, 10)]
    places = Counter((item.view, at) for one in seats for at, item in enumerate(one) if item.kind == "view")
    assert len(places) == 4 * 10
    assert set(places.values()) == {1}
    noise = Counter(at for one in seats for at, item in enumerate(one) if item.kind == "null")
    assert set(noise.values()) == {1}


def test_over_a_square_of_seats_every_map_follows_every_other_equally_often():
    follows = Counter(
        (a.view, b.view)
        for one in sittings(Design(tasks=()), 5, 6, quizzes={})
        for a, b in pairwise(main_items(one))
        if a.kind == b.kind == "view"
    )
    assert len(follows) == 5 * 4
    assert set(follows.values()) == {1}


def test_everybody_rates_each_map_once_and_gets_the_checks():
    for one in sittings(Design(), 4, 30):
        kinds = Counter(item.kind for item in one)
        assert len(one) in (11, 12)
        assert sorted(item.view for item in one if item.kind == "view") == [f"view {i}" for i in range(4)]
        assert (kinds["null"], kinds["check"]) == (1, 1)
        assert 0.25 * len(one) <= [item.kind for item in one].index("check") <= 0.75 * len(one)


def test_a_map_comes_again_only_much_later():
    n = 0
    for one in sittings(Design(), 4, 60):
        for at, item in enumerate(one):
            if item.kind == "repeat":
                n += 1
                first = next(i for i, other in enumerate(one) if (other.kind, other.view) == ("view", item.view))
                assert at - first >= APART
    assert n >= 50


def test_a_quiz_never_comes_twice_and_comes_with_and_without_a_map_equally_often():
    with_map, without = Counter(), Counter()
    for one in sittings(Design(), 4, 16 * 10):
        asked = [(item.view, item.task, item.instance) for item in one if item.task]
        assert len(asked) == len(set(asked)) == 9
        for item in one:
            if item.task and item.task != "intruder":
                (without if item.kind == "plain" else with_map)[item.view, item.task, item.instance] += 1
    assert len(with_map) == len(without) == 4 * 3 * INSTANCES
    for counted in (with_map, without):
        assert max(counted.values()) <= 2 * min(counted.values())


def test_a_sitting_too_short_for_all_maps_shares_them_out_evenly():
    seen = Counter(
        item.view
        for one in sittings(Design(n_items=8, tasks=()), 9, 9, quizzes={})
        for item in one
        if item.kind == "view"
    )
    assert len(seen) == 9
    assert set(seen.values()) == {5}


def test_each_pair_comes_with_either_map_on_the_left_equally_often():
    pairs = [
        (item.view, item.other) for one in sittings(Design(pairs=True), 3, 24) for item in one if item.kind == "pair"
    ]
    counted = Counter(pairs)
    assert len(counted) == 6
    assert max(counted.values()) - min(counted.values()) <= 1


def test_the_same_seed_gives_the_same_orders_and_another_seed_others():
    assert sittings(Design(), 4, 6) == sittings(Design(), 4, 6)
    assert sittings(Design(), 4, 6) != sittings(Design(), 4, 6, seed=4)
    first = {tuple(item.view for item in one if item.kind == "view") for one in sittings(Design(), 4, 10)}
    assert len(first) > 5  # neighbours at a table do not see the same


def test_where_the_quizzes_are_used_up_a_sitting_is_shorter_and_not_repeated():
    [one] = sittings(Design(), 1, 1, quizzes={"view 0": {"odd": 1}})
    assert [item.kind for item in one if item.task] == ["view"]


# Size


def test_half_of_the_quizzes_come_without_a_map():
    sitting = plan(Design(), 4, quizzes_of(["a", "b", "c", "d"]))
    assert (sitting.rated, sitting.plain, sitting.n_items) == (4, 5, 12)
    assert plan(Design(), 3, quizzes_of(["a", "b", "c"])).n_items == 12
    only_with_a_map = plan(Design(tasks=("intruder",)), 4, {v: {"intruder": 4} for v in "abcd"})
    assert only_with_a_map.plain == 0


def test_the_time_is_that_of_the_items_and_the_introduction():
    sitting = plan(Design(tasks=()), 3, {})
    assert sitting.n_items == 3 + SPECIAL
    measured = {"view": 10.0, "null": 10.0, "repeat": 10.0, "check": 10.0}
    assert minutes(sitting, measured) == pytest.approx((120 + 60) / 60)
    assert 4 < minutes(plan(Design(), 4, quizzes_of(list("abcd")))) < 7


@pytest.mark.parametrize("n", [5, 31])
def test_a_sitting_that_nobody_would_sit_through_is_refused(n):
    with pytest.raises(UserError, match="Choose 6 to 30"):
        Design(n_items=n)


@pytest.mark.parametrize(("percent", "n"), [(0, 0), (10, 2), (50, 10), (100, 20)])
def test_the_long_questionnaire_goes_to_its_share_of_the_seats_evenly(percent, n):
    chosen = [gets_previs(Design(previs=percent), seat) for seat in range(20)]
    assert sum(chosen) == n
    assert abs(sum(chosen[:10]) - sum(chosen[10:])) <= 1


def test_a_design_survives_being_kept():
    design = Design(15, 9, ("odd", "same"), True, "none", 30)
    assert Design.from_json(design.to_json()) == design


# Which maps belong together

BASE = ViewSpec((Source("a" * 64, Reading(channels=("x",))),), Recipe(), EncoderSpec("raw"), ProjectionSpec("pca"))
ANOTHER = {
    "drawing": replace(BASE, projection=ProjectionSpec("umap")),
    "model": replace(BASE, encoder=EncoderSpec("statistics")),
    "preparation": replace(BASE, recipe=Recipe(window=WindowSpec(64, 32))),
}


def test_two_views_differ_in_one_thing_or_cannot_be_compared():
    for factor, other in ANOTHER.items():
        assert difference(BASE, other) == difference(other, BASE) == factor
    assert difference(BASE, BASE) is None
    assert difference(ANOTHER["drawing"], ANOTHER["model"]) is None
    elsewhere = replace(ANOTHER["drawing"], sources=(Source("b" * 64, Reading(channels=("x",))),))
    assert difference(BASE, elsewhere) is None


def test_a_fair_set_changes_one_thing_at_a_time():
    specs = {"1": ANOTHER["drawing"], "2": BASE, "3": ANOTHER["model"], "4": ANOTHER["preparation"]}
    fair = fair_set(specs)
    assert (fair.base, fair.others) == ("2", {"1": "drawing", "3": "model", "4": "preparation"})
    assert fair_set({"1": BASE}) is None
    assert fair_set({"1": ANOTHER["drawing"], "2": ANOTHER["model"]}) is None


def test_views_that_share_a_value_share_a_level():
    found = levels({"1": BASE, "2": ANOTHER["drawing"], "3": ANOTHER["model"]})
    assert found == {
        "1": {"preparation": "1", "model": "1", "drawing": "1"},
        "2": {"preparation": "1", "model": "1", "drawing": "2"},
        "3": {"preparation": "1", "model": "2", "drawing": "1"},
    }
