"""The ladder says what each rung adds: on noise nothing, where all see the same nothing, and who alone sees it."""

from dataclasses import replace

import numpy as np
import pytest

from core import ladder
from core.embedding import Encoder
from core.encoders import EncoderSpec
from core.ladder import AGAINST, MARGIN, MODEL, NAMES, Rung, Seen, bars, compare, compared, measured, rungs
from core.notices import Notice
from core.projection import ProjectionSpec
from core.recipes import Recipe
from core.recognition import NO_LABEL, TOO_FEW, Where, label_hits, time_hits
from core.views import ViewSpec

LENGTH, N = 32, 160
WHERE = Where(np.zeros(N, int), np.arange(N) * LENGTH, LENGTH)
LABELS = np.repeat(np.resize(["calm", "jam", "wear"], 20), 8)
CODES = tuple(code for code, _ in rungs(EncoderSpec()))


def blind(seed: int, d: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(N, d))


def sighted(seed: int, far: float = 6.0, d: int = 8) -> np.ndarray:
    """The three states lie apart."""
    return blind(seed, d) + far * np.eye(d)[np.searchsorted(["calm", "jam", "wear"], LABELS)]


def found(vectors: dict[str, np.ndarray], labels: np.ndarray | None = LABELS) -> list[Rung]:
    return [measured(code, points, points[:, :3], WHERE, labels) for code, points in vectors.items()]


def said(rung_vectors: dict[str, np.ndarray], labels: np.ndarray | None = LABELS) -> str:
    return " ".join(one.message.format(**one.facts) for one in compare(found(rung_vectors, labels)).notices)


# --- the rungs


def test_the_untrained_model_differs_from_the_chosen_one_in_its_weights_alone():
    chosen = EncoderSpec("moment", "AutonLab/MOMENT-1-small", "concat", "force", ("level-scale-slope",), "float32")
    below = dict(rungs(chosen))
    assert list(below) == ["raw", "statistics", "random-init", MODEL] == list(NAMES)
    assert below[MODEL] == chosen
    assert replace(below["random-init"], kind="moment", source=chosen.source) == chosen
    assert {one.channel for one in below.values()} == {"force"}
    assert [code for code, one in below.items() if one.kind == code] == list(ladder.NAMES)[:3]


@pytest.mark.parametrize("kind", ["raw", "statistics", "random-init"])
def test_a_ladder_that_starts_from_no_trained_model_ends_at_the_one_that_ships(kind):
    below = dict(rungs(EncoderSpec(kind, channel="force")))
    assert below[MODEL] == EncoderSpec("compact", channel="force")


def test_the_views_of_a_ladder_differ_in_nothing_but_the_encoder():
    view = ViewSpec((), Recipe(), EncoderSpec("compact"), ProjectionSpec("tsne", seed=3))
    for code, one in ladder.ladder(view, {}):
        assert replace(one, encoder=view.encoder) == view, code


def test_a_ladder_on_one_models_own_map_is_drawn_by_pca():
    """No other rung has such a map."""
    view = ViewSpec((), Recipe(), EncoderSpec("moment", "some folder"), ProjectionSpec("trained"))
    assert {one.projection for _, one in ladder.ladder(view, {})} == {ProjectionSpec("pca")}


# --- the verdict


def test_on_noise_there_is_nothing_to_see():
    verdicts = []
    for seed in range(40):
        seen = [
            Seen(label_hits(x, LABELS, WHERE), time_hits(x, WHERE)) for x in map(blind, range(4 * seed, 4 * seed + 4))
        ]
        verdicts.append(compare([Rung(code, one, one) for code, one in zip(CODES, seen, strict=True)]))
    assert sum(one.by is None for one in verdicts) >= 38
    nothing = next(one for one in verdicts if one.by is None)
    assert {one.message for one in nothing.notices} == set(ladder.NOTHING.values())
    assert nothing.differences == ()


def test_where_all_see_the_same_the_model_added_nothing():
    verdict = compare(found({code: sighted(i) for i, code in enumerate(CODES)}))
    assert verdict.by == "labels"
    assert {one.below: one.outcome for one in verdict.differences} == dict.fromkeys(CODES[:3], "same")
    told = {one.message for one in verdict.notices}
    assert {AGAINST[code, "same"] for code in CODES[:3]} <= told
    assert verdict.notices[0].facts["value"] > 0.95


@pytest.mark.parametrize("code", CODES)
def test_what_only_one_rung_shows_is_said_to_be_shown_by_it_alone(code):
    text = said({one: sighted(i) if one == code else blind(i) for i, one in enumerate(CODES)})
    assert ladder.ONLY[code] in text
    assert ("The model adds something" in text) == (code == MODEL)
    assert ("does not see what others" in text) == (code != MODEL)
    assert ("itself does better" in text) == (code == "raw")


def test_a_model_that_sees_more_than_an_untrained_one_adds_something_and_the_waveform_can_still_do_as_well():
    verdict = compare(
        found({"raw": sighted(0), "statistics": sighted(1, 1.5), "random-init": sighted(2, 1.5), MODEL: sighted(3)})
    )
    outcomes = {one.below: one.outcome for one in verdict.differences}
    assert outcomes == {"raw": "same", "statistics": "more", "random-init": "more"}
    assert all(one.low > 0 for one in verdict.differences if one.outcome == "more")


def test_a_difference_that_may_be_none_or_large_is_left_open():
    vectors = {
        "raw": sighted(0, 2.2),
        "statistics": sighted(1, 2.0),
        "random-init": sighted(2, 1.8),
        MODEL: sighted(3, 2.0),
    }
    few = np.arange(60)
    where = WHERE.of(few)
    rows = [measured(code, points[few], points[few, :2], where, LABELS[few]) for code, points in vectors.items()]
    verdict = compare(rows)
    for one in verdict.differences:
        assert one.outcome == ("open" if one.low <= 0 <= one.high and one.high >= MARGIN else one.outcome)
    assert "open" in {one.outcome for one in verdict.differences}
    assert any("cannot be told" in one.message for one in verdict.notices)


def test_without_labels_the_order_in_time_counts():
    """One rung sees a slow drift, the others noise."""
    drift = np.random.default_rng(0).normal(size=(N, 8)).cumsum(axis=0)
    verdict = compare(found({code: drift if code == MODEL else blind(i) for i, code in enumerate(CODES)}, None))
    assert verdict.by == "time"
    assert [one.message for one in verdict.notices][-1] == NO_LABEL
    assert ladder.ONLY[MODEL] in {one.message for one in verdict.notices}


def test_drift_is_not_taken_for_labels():
    drifts = {code: np.random.default_rng(i).normal(size=(N, 3)).cumsum(axis=0) for i, code in enumerate(CODES)}
    halves = np.where(np.arange(N) < N // 2, "before", "after")
    verdict = compare(found(drifts, halves))
    assert verdict.by == "time"
    assert verdict.notices[0].message == ladder.NOT_LABELS


def test_too_few_windows_are_a_reason_and_no_verdict():
    few = np.arange(15)
    rows = [
        measured(code, blind(i)[few], blind(i)[few, :2], WHERE.of(few), LABELS[few]) for i, code in enumerate(CODES)
    ]
    verdict = compare(rows)
    assert verdict.by is None
    assert [one.message for one in verdict.notices] == [TOO_FEW]


def test_a_map_that_loses_what_the_model_sees_is_told():
    vectors = {code: sighted(i) for i, code in enumerate(CODES)}
    rows = [measured(code, points, blind(9)[:, :2], WHERE, LABELS) for code, points in vectors.items()]
    assert ladder.FLAT in {one.message for one in compare(rows).notices}
    rows = [measured(code, points, points[:, :3], WHERE, LABELS) for code, points in vectors.items()]
    assert ladder.FLAT not in {one.message for one in compare(rows).notices}


def test_runs_of_extra_training_are_compared_with_the_model_they_started_from():
    vectors = {code: sighted(i, 1.5) for i, code in enumerate(CODES)} | {
        "night {1}": sighted(7),
        "head": sighted(3, 1.5),
    }
    verdict = compare(found(vectors))
    outcomes = {one.above: one.outcome for one in verdict.differences if one.below == MODEL}
    assert outcomes == {"night {1}": "more", "head": "same"}
    assert any(one.facts.get("run") == "night {1}" for one in verdict.notices)


# --- numbers


def test_the_more_rungs_the_higher_the_bar_for_each():
    one = found({MODEL: blind(0)})[0].embedding.labels.neighbours_balanced
    others = {
        code: found({code: blind(i)})[0].embedding.labels.neighbours_balanced for i, code in enumerate("abcdef", 1)
    }
    assert bars({MODEL: one})[MODEL] < bars({MODEL: one} | others)[MODEL]


def test_the_same_hits_never_differ_and_intervals_of_several_differences_are_wider():
    hits = {i: found({"x": sighted(i, 1.5)})[0].embedding.labels.neighbours_balanced for i in range(4)}
    same, other, *_ = compared({"a": hits[0], "b": hits[0], "c": hits[1]}, [("a", "b"), ("a", "c")])
    assert same.low == same.high == 0
    [alone] = compared({"a": hits[0], "c": hits[1]}, [("a", "c")])
    many = compared(dict(hits.items()), [(0, 1), (0, 2), (0, 3)])
    assert many[0].high - many[0].low > alone.high - alone.low
    assert alone.low <= hits[0].value - hits[1].value <= alone.high
    assert other.value == alone.value


def test_differences_of_models_that_see_the_same_are_rarely_more_than_nothing():
    """Two views of one thing, 40 times: an interval of 95 % may miss zero in a few of them."""
    missed = 0
    for seed in range(40):
        a, b = (label_hits(sighted(2 * seed + i, 1.5), LABELS, WHERE).neighbours_balanced for i in range(2))
        [one] = compared({"a": a, "b": b}, [("a", "b")])
        missed += not one.low <= 0 <= one.high
    assert missed <= 4


def test_every_sentence_can_be_said_with_its_facts():
    facts = {
        "a": 0.5,
        "b": 0.4,
        "low": -0.1,
        "high": 0.2,
        "value": 0.5,
        "chance": 0.3,
        "best": 0.5,
        "bar": 0.4,
        "run": "x",
    }
    tables = (ladder.NOTHING, ladder.SEEN, ladder.ONLY, ladder.AGAINST, ladder.TRAINED)
    for message in [
        *(one for table in tables for one in table.values()),
        ladder.NOT_LABELS,
        ladder.UNSEEN,
        ladder.FLAT,
    ]:
        assert "{" not in message.format(**facts)
    assert isinstance(Seen(Notice(NO_LABEL, {}), Notice(NO_LABEL, {})).by("labels"), Notice)


# --- with the real encoders


def embedded(values: np.ndarray) -> dict[str, np.ndarray]:
    """(n, 1, length) by each rung."""
    vectors = {}
    for code, spec in rungs(EncoderSpec("compact")):
        encoder = Encoder(spec, ("force",), lambda *_: None)
        vectors[code] = np.hstack([encoder.embed(values, lambda *_: None), encoder.side(values)])
    return vectors


def test_level_is_shown_by_the_waveform_and_hidden_from_the_model():
    """MOMENT standardises every window."""
    values = np.random.default_rng(0).normal(size=(N, 1, LENGTH))
    values += 4 * np.searchsorted(["calm", "jam", "wear"], LABELS)[:, None, None]
    verdict = compare(found(embedded(values)))
    assert {"raw", "statistics"} <= set(verdict.measured[0].seeing)
    assert MODEL not in verdict.measured[0].seeing
    assert AGAINST["raw", "less"] in {one.message for one in verdict.notices}


def test_rhythms_of_any_phase_are_shown_by_models_and_statistics():
    rng, at = np.random.default_rng(0), np.arange(LENGTH)
    cycles = np.array([3.0, 5.0, 8.0])[np.searchsorted(["calm", "jam", "wear"], LABELS)]
    waves = np.sin(2 * np.pi * (cycles[:, None] * at / LENGTH + rng.random((N, 1))))
    verdict = compare(found(embedded((waves + rng.normal(size=waves.shape) / 2)[:, None])))
    assert {"statistics", "random-init", MODEL} <= set(verdict.measured[0].seeing)


def test_recorded_noise_shows_nothing_to_any_rung():
    series, starts = np.random.default_rng(4).normal(size=8 * N + LENGTH), np.arange(N) * 8
    values = np.lib.stride_tricks.sliding_window_view(series, LENGTH)[starts][:, None]
    where = Where(np.zeros(N, int), starts, LENGTH)
    rows = [measured(code, x, x[:, :2], where, LABELS) for code, x in embedded(values).items()]
    assert compare(rows).by is None
