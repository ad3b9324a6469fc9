"""Each thing that could be read wrongly is told where its fact is there, and nowhere else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core import projection
from core.answers import Answer
from core.domains import ONE_DOMAIN, Apart
from core.effects import changes
from core.embedding import Encoder
from core.encoders import EncoderSpec
from core.lessons import TrainSpec
from core.measures import Measured
from core.misreadings import COSTS, Around, Entry, in_words, merged, of_pilot, of_view
from core.notices import Notice
from core.opinions import NOT_BOTH, Contrast, Range, WithAndWithout
from core.projection import ProjectionSpec
from core.quality import GroupQuality, Quality, warnings
from core.rebuilding import Interval
from core.recipes import Recipe, WindowSpec
from core.recognition import NO_LABEL, Score
from core.rules import Facts, Thresholds
from core.steps import Bend, Deseason, Detrend, Scale, Smooth, Winsorise
from core.tuning import TuneSpec
from core.views import ViewSpec
from tests.test_effects import MOMENT as UNTRAINED
from tests.test_effects import noise as noise_of_two
from tests.test_rules import GOOD

# A map of which nothing can be said: raw waveforms, stretches side by side, most of the differences shown.
SCALED = Scale("z-score", "series")
QUIET = ViewSpec((), Recipe((SCALED,), window=WindowSpec(16, 16)), EncoderSpec("raw"), ProjectionSpec("pca"))
META: dict[str, Any] = {"n_windows": 400, "n_gappy": 0, "loss": None, "explained": 0.9, "filled": 0, "states": [{}]}
MOMENT = EncoderSpec("compact")
WITH_LEVEL = EncoderSpec("compact", side=("level-scale-slope",))
FINE = Quality(0.99, 0.98, 0.9, 0.02, 0.1, 10, 400, 400, {})
NO_STATES = Notice(NO_LABEL, {})
MEASURED = Measured(
    np.zeros(400, np.int64),
    "groups",
    np.ones(400),
    np.ones(400),
    FINE,
    GroupQuality(0.5, 0.6, 0.4, 0.4, 400, 400, {}),
    {"label, model": NO_STATES},
    Notice(ONE_DOMAIN, {}),
    (),
)


def drawn(**changes: Any) -> dict[str, Any]:
    return {"spec": QUIET.drawn_by(ProjectionSpec(**changes))}


def model(encoder: EncoderSpec, *steps: Any) -> dict[str, Any]:
    recipe = replace(QUIET.recipe, steps=steps or (SCALED,))
    return {"spec": replace(QUIET, encoder=encoder, recipe=recipe)}


def cut(**changes: Any) -> dict[str, Any]:
    return {"spec": replace(QUIET, recipe=replace(QUIET.recipe, window=WindowSpec(16, **changes)))}


def prepared(*steps: Any, training: float = 0.7) -> dict[str, Any]:
    return {"spec": replace(QUIET, recipe=replace(QUIET.recipe, steps=steps, training=training))}


def known(**meta: Any) -> dict[str, Any]:
    return {"meta": META | meta}


def numbers(**changes: Any) -> dict[str, Any]:
    return {"measured": replace(MEASURED, **changes)}


def lines(value: float, low: float, states: Score | Notice = NO_STATES) -> dict[str, Any]:
    told = Apart(Interval(value, low, 1.0), 0.5, 0.1, 0.2, 0.8, 10, (0, 1), 400)
    return numbers(lines=told, recognised={"label, model": states})


def states(value: float, bar: float) -> Score:
    return Score(value, value - 0.1, value + 0.1, 0.5, bar, 400)


def trained(**train: Any) -> dict[str, Any]:
    return {"training": TuneSpec((), QUIET.recipe, MOMENT, TrainSpec(**train))}


def of(**given: Any) -> tuple[Entry, ...]:
    return of_view(**{"spec": QUIET, "meta": META, "measured": MEASURED} | given)


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"measured": None}, set()),
    (drawn(method="tsne"), {"tsne"}),
    (drawn(method="umap"), {"umap"}),
    (drawn(method="pacmap"), {"pacmap"}),
    (known(explained=0.49), {"pca"}),
    (known(explained=0.5), set()),
    (known(explained=None), set()),
    (model(MOMENT), {"level", "scaling"}),
    (model(MOMENT, Scale("min-max", "all"), Smooth("median", 3), Detrend("linear")), {"level", "scaling"}),
    (model(MOMENT, SCALED, Winsorise(0.1, "all")), {"level"}),
    (model(MOMENT, SCALED, Bend("log")), {"level"}),
    (model(MOMENT, SCALED, Winsorise(0.1), Scale("robust", "window")), {"level", "scaling"}),
    (model(MOMENT, Smooth("median", 3)), {"level"}),
    (model(WITH_LEVEL), set()),
    (model(WITH_LEVEL, Scale("z-score", "window")), {"level"}),
    (model(EncoderSpec("raw"), Scale("z-score", "window")), {"level"}),
    (model(EncoderSpec("statistics")), set()),
    (model(EncoderSpec("raw", adapt="centred")), {"adapted"}),
    (known(loss=0.0), {"error"}),
    (cut(stride=15), {"overlap"}),
    (cut(stride=16, most=400), {"first_look"}),
    (cut(stride=15, most=400), {"first_look"}),
    (cut(stride=15, most=401), {"overlap"}),
    (known(n_gappy=1), {"gaps"}),
    (known(filled=1), {"filled"}),
    (prepared(SCALED, training=1.0) | known(states=[{}, {"0": {"a": [0.0, 1.0]}}]), {"all_data"}),
    (prepared(SCALED, training=1.0) | known(states=[{}, {}]), set()),
    (prepared(SCALED, training=0.99) | known(states=[{"0": {"a": [0.0, 1.0]}}]), set()),
    (prepared(Deseason("stl", (24,))), {"season"}),
    (numbers(structure="order"), {"no_groups"}),
    (numbers(structure="none"), {"no_groups"}),
    (lines(0.9, 0.76), {"lines"}),
    (lines(0.9, 0.75), set()),
    (lines(0.9, 0.76, states(0.9, 0.6)), set()),
    (lines(0.9, 0.76, states(0.6, 0.6)), {"lines"}),
    (trained(), set()),
    (trained(trained="head"), {"head"}),
    (trained(contrast=1.0), {"made_up"}),
    (trained(layout=1.0), {"made_up"}),
    ({"spec": QUIET.drawn_by(ProjectionSpec("tsne")), "meta": {}, "measured": None}, {"tsne"}),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_of_a_map_only_what_its_facts_say_is_told(given, expected):
    assert {one.key for one in of(**given)} == expected


@pytest.mark.parametrize("given", [given for given, expected in CASES if expected])
def test_every_sentence_has_its_facts_and_says_what_to_do(given):
    for one in of(**given):
        assert one.what.message.format(**one.what.facts) != one.guard.message.format(**one.guard.facts)
        assert one.what.message.count(". ") <= 1
        assert one.guard.message.endswith(".")
        assert one.cost in COSTS


@pytest.mark.parametrize(
    "spec", [ProjectionSpec("tsne", stopped_after=100), ProjectionSpec("umap", neighbours=2, min_distance=0.0)]
)
def test_what_is_advised_about_a_drawing_is_told_in_the_same_words_and_once(spec):
    found = [one.what for one in of(**drawn(**{name: getattr(spec, name) for name in spec.__slots__}))]
    advice = projection.advice(spec, META["n_windows"])
    assert len(advice) == 2
    assert found == [Notice(projection.NOTES[spec.method], {}), *advice]


def test_warnings_about_the_numbers_of_a_map_are_told_in_the_same_words_under_keys_that_stay():
    bad = replace(FINE, kept=0.05, trustworthiness=0.6, continuity=0.6)
    told = tuple(warnings(bad, GroupQuality(0.1, 0.5, None, None, 400, 400, {})))
    found = of(**numbers(warnings=told))
    assert len(told) == 4
    assert tuple(one.what for one in found) == told
    assert len({one.key for one in found}) == 4
    other = tuple(warnings(replace(bad, kept=0.06)))
    assert [one.key for one in of(**numbers(warnings=other))] == [one.key for one in found[:3]]
    assert {one.cost for one in found} == {"large"}


@pytest.mark.parametrize(
    ("steps", "is_undone"),
    [
        ((Scale("min-max", "all"), Smooth("exponential", 9), Detrend("linear")), True),
        ((SCALED, Winsorise(0.1, "all")), False),  # of the louder of two series nothing would be left unscaled
    ],
)
def test_scaling_is_called_undone_where_leaving_it_out_moves_no_embedding(steps, is_undone):
    """Measured with an untrained MOMENT; see core.effects."""
    loud = replace(noise_of_two(), values=3000 + 50 * (noise_of_two().values - 3000))
    ready = Encoder(UNTRAINED, ("a", "b"), lambda *_: None)
    moved = changes([noise_of_two(), loud], Recipe(steps, 1.0, WindowSpec(64, 64)), ready)[0]
    assert moved is not None
    assert (moved < 1e-3) == is_undone
    assert ("scaling" in {one.key for one in of(**model(UNTRAINED, *steps))}) == is_undone


# --- of a pilot

AROUND = Around(n_files=2, days=30.0, fixed="before", is_saving_assumed=False)
NOBODY_BOTH = Contrast(Range(None, None, None, 0, NOT_BOTH), None)


def rated(*scores: int, n_maps: int = 2) -> list[Answer]:
    return [
        Answer(f"r{i}", f"{i}{m}", "view", f"m{m}", score=score)
        for i, score in enumerate(scores)
        for m in range(n_maps)
    ]


def noise(*scores: int | None) -> list[Answer]:
    return [Answer(f"r{i}", f"n{i}", "null", score=score) for i, score in enumerate(scores)]


def checked(*right: bool) -> list[Answer]:
    return [Answer(f"r{i}", f"c{i}", "check", right=one) for i, one in enumerate(right)]


def facts(**changes: Any) -> Facts:
    return replace(GOOD, **changes)


PILOTS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"facts": facts(rating=replace(GOOD.rating, n_raters=7))}, {"few_people": "large"}),
    ({"facts": facts(rating=replace(GOOD.rating, n_raters=8))}, {}),
    ({"rules": Thresholds(people=11)}, {"few_people": "large"}),
    ({"answers": noise(1, 2, 1, 4, 1)}, {"noise": "middling"}),
    ({"answers": noise(1, 2, 5, 4, 1)}, {"noise": "large"}),
    ({"answers": noise(1, 3, None)}, {}),
    ({"answers": checked(True, False, True)}, {"checks": "middling"}),
    ({"answers": checked(True, True)}, {}),
    ({"facts": facts(agreement=0.39)}, {"agreement": "middling"}),
    ({"facts": facts(agreement=None)}, {}),
    ({"answers": rated(4, 3, n_maps=3)}, {"best_of_many": "middling"}),
    ({"answers": rated(4, 3, n_maps=2)}, {}),
    ({"around": replace(AROUND, n_files=1)}, {"one_file": "middling"}),
    ({"around": replace(AROUND, days=6.9)}, {"short": "middling"}),
    ({"around": replace(AROUND, days=7.0)}, {}),
    ({"around": replace(AROUND, days=None)}, {}),
    ({"around": replace(AROUND, fixed="after")}, {"late_rules": "large"}),
    ({"around": replace(AROUND, fixed="never")}, {"no_rules": "large"}),
    ({"around": replace(AROUND, fixed=None)}, {}),
    ({"around": replace(AROUND, is_saving_assumed=True)}, {"money": "large"}),
]


def of_all(**given: Any) -> tuple[Entry, ...]:
    return of_pilot(**{"answers": [], "facts": GOOD, "rules": Thresholds(), "around": AROUND} | given)


@pytest.mark.parametrize(("given", "expected"), PILOTS)
def test_of_a_pilot_only_what_its_facts_say_is_told(given, expected):
    found = {one.key.removeprefix("pilot:"): one.cost for one in of_all(**given)}
    assert found == expected | {"quizzes": "middling"}  # whose facts GOOD holds
    for one in of_all(**given):
        one.what.message.format(**one.what.facts)


def test_quizzes_are_not_the_real_work_and_without_any_clear_is_not_useful():
    nobody = Facts(0, None, Range(None, None, None, 0, None), WithAndWithout(NOBODY_BOTH, NOBODY_BOTH), None, None)
    without = replace(GOOD, helped=nobody.helped)
    assert [[one.key for one in of_all(facts=one)] for one in (GOOD, without, nobody)] == [
        ["pilot:quizzes"],
        ["pilot:no_quizzes"],
        [],
    ]


def test_people_who_see_noise_are_counted_and_nobody_is_named():
    [entry, _quizzes] = of_all(answers=noise(1, 2, 5, 4, 1))
    assert entry.what.facts == {"n": 2, "asked": 5}


# --- as a list


def entry(key: str, message: str = "A {share} map.", cost: Any = "small", **told: object) -> Entry:
    return Entry(key, Notice(message, told), cost, Notice("Look twice.", {}))


def test_the_most_costly_comes_first_and_the_rest_stays_in_order():
    given = [("", entry(f"pilot:{i}", cost=cost)) for i, cost in enumerate(["small", "large", "middling", "large"])]
    assert [one.keys for one in merged(given)] == [("pilot:1",), ("pilot:3",), ("pilot:2",), ("pilot:0",)]


def test_the_same_on_several_maps_is_one_row_with_the_facts_of_each():
    given = [("Map 1", entry("view:1:pca", share="45%")), ("Map 3", entry("view:3:pca", share="61%"))]
    [row] = merged([*given, ("Map 3", entry("view:3:tsne", "Another one."))])[:1]
    assert (row.keys, row.where) == (("view:1:pca", "view:3:pca"), ("Map 1", "Map 3"))
    assert row.what == Notice("A {share} map.", {"share": "45% / 61%"})
    [alike] = merged([given[0], ("Map 2", entry("view:2:pca", share="45%"))])
    assert alike.what.facts == {"share": "45%"}


def test_own_words_take_the_place_of_the_proposed_ones_and_stand_alone():
    one, other = entry("view:1:pca", share="45%"), entry("view:2:pca", share="61%")
    mine = in_words(one, "{share} <b>", "large", "")
    assert (mine.key, mine.cost, mine.guard) == (one.key, "large", one.guard)
    assert mine.what.message.format(**mine.what.facts) == "{share} <b>"
    rows = merged([("Map 1", mine), ("Map 2", other)])
    assert [row.where for row in rows] == [("Map 1",), ("Map 2",)]
    both = merged([("Map 1", mine), ("Map 2", in_words(other, "{share} <b>", "large", ""))])
    assert [row.where for row in both] == [("Map 1", "Map 2")]
    apart = merged([("Map 1", mine), ("Map 2", in_words(other, "something else", "large", ""))])
    assert len(apart) == 2


def test_another_cost_is_another_row():
    one, other = entry("view:1:pca", share="45%"), entry("view:2:pca", share="45%")
    assert len(merged([("Map 1", one), ("Map 2", in_words(other, "", "large", ""))])) == 2
