"""Closeness counts as right only where it is, and as more than chance only where it is that too."""

from dataclasses import asdict

import numpy as np
import pytest

from core import recognition
from core.notices import Notice
from core.recognition import (
    MOST,
    NO_LABEL,
    NO_ORDER,
    ONE_LABEL,
    TOO_FEW,
    Hits,
    Where,
    brought,
    label_hits,
    resampled,
    time_blocks,
    time_hits,
)

LENGTH = 32


def line_up(n: int, stride: int = LENGTH, n_series: int = 1) -> Where:
    """n windows in all."""
    each = n // n_series
    return Where(np.repeat(np.arange(n_series), each), np.tile(np.arange(each) * stride, n_series), LENGTH)


def noise(where: Where, seed: int, d: int = 6) -> np.ndarray:
    """Windows that tell nothing: means of white noise over the samples of each, so that overlapping ones are alike."""
    white = np.random.default_rng(seed).normal(size=(where.series.max() + 1, where.start.max() + LENGTH, d))
    sums = np.concatenate([np.zeros((len(white), 1, d)), white.cumsum(axis=1)], axis=1)
    return sums[where.series, where.start + LENGTH] - sums[where.series, where.start]


def runs(n: int, seed: int, length: float = 20, names: str = "ab") -> np.ndarray:
    """Labels one after the other, in runs of random lengths."""
    lengths = 1 + np.random.default_rng(seed).geometric(1 / length, size=n)
    return np.repeat(np.resize(list(names), n), lengths)[:n]


def wander(n: int, seed: int, d: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).cumsum(axis=0)


def drawn_by_hand(points: np.ndarray, labels: np.ndarray, where: Where, k: int, gap: float) -> tuple[np.ndarray, ...]:
    """Of each window: 1-NN, neighbourhood hit and the share of its label among all candidates; one at a time."""
    nearest, hit, share = [], [], []
    for i in range(len(points)):
        far = np.abs(where.start - where.start[i]) >= (1 + gap) * where.length
        others = np.flatnonzero(far | (where.series != where.series[i]))
        order = others[np.argsort(np.linalg.norm(points[others] - points[i], axis=1))]
        nearest.append(labels[order[0]] == labels[i])
        hit.append(np.mean(labels[order[:k]] == labels[i]))
        share.append(np.mean(labels[others] == labels[i]))
    return np.array(nearest, float), np.array(hit), np.array(share)


# --- labels


@pytest.mark.parametrize("gap", [0.0, 1.0, 2.5])
def test_hits_and_chance_are_those_of_one_window_after_the_other(gap):
    where = line_up(120, stride=8, n_series=2)
    labels = runs(120, 1, names="abc")
    points = noise(where, 0) + 2 * (labels == "b")[:, None]
    found = label_hits(points, labels, where, k=7, gap=gap)
    nearest, hit, share = drawn_by_hand(points, labels, where, 7, gap)
    np.testing.assert_allclose(found.nearest.per_window, nearest)
    np.testing.assert_allclose(found.neighbours.per_window, hit)
    by_label = [labels == name for name in "abc"]
    assert found.neighbours.value == pytest.approx(hit.mean())
    assert found.nearest_balanced.value == pytest.approx(np.mean([nearest[of].mean() for of in by_label]))
    assert found.neighbours.chance == pytest.approx(share.mean())
    assert found.neighbours_balanced.chance == pytest.approx(np.mean([share[of].mean() for of in by_label]))


def test_no_window_is_recognised_by_one_that_overlaps_it_or_lies_in_the_gap():
    """Points on a line in order of time: the nearest ones are always those just before and after."""
    where = line_up(200, stride=4)
    points = np.arange(200.0)[:, None]
    for gap in (0.0, 1.0):
        one, other = label_hits(points, runs(200, 0), where, gap=gap).neighbours.pairs.T
        assert np.abs(where.start[one] - where.start[other]).min() == (1 + gap) * LENGTH


def test_chance_is_the_sum_of_squared_shares_and_one_over_the_labels_where_balanced():
    labels = np.random.default_rng(0).choice(list("abc"), 600, p=[0.7, 0.2, 0.1])
    shares = np.unique(labels, return_counts=True)[1] / 600
    found = label_hits(noise(line_up(600), 0), labels, line_up(600))
    assert found.nearest.chance == pytest.approx((shares**2).sum(), abs=0.01)
    assert found.nearest_balanced.chance == pytest.approx(1 / 3, abs=0.01)


def test_groups_that_are_apart_are_recognised_beyond_what_chance_reaches():
    where, labels = line_up(200, stride=8), runs(200, 3, names="abc")
    points = noise(where, 0) / 5 + 5 * np.eye(6)[np.searchsorted(list("abc"), labels)]
    score = label_hits(points, labels, where).neighbours_balanced.score
    assert score.value > 0.95
    assert score.low > score.bar > score.chance


def test_labels_that_only_follow_a_slow_drift_do_not_beat_themselves_moved_in_time():
    """They beat the share of their labels by far: that yardstick alone would be fooled."""
    where, fooled, beaten = line_up(200, stride=16), 0, 0
    for seed in range(30):
        score = label_hits(wander(200, seed), runs(200, 100 + seed), where).neighbours_balanced.score
        fooled += score.value > score.chance + 0.1
        beaten += score.value > score.bar
    assert fooled >= 20
    assert beaten <= 5


def test_labels_that_come_round_in_a_cycle_are_seen_although_moving_them_by_a_period_changes_nothing():
    where, labels = line_up(240), np.tile(np.repeat(["a", "b"], 8), 15)
    points = noise(where, 0) / 5 + 3 * (labels == "a")[:, None]
    score = label_hits(points, labels, where).neighbours_balanced.score
    assert score.value > score.bar


def test_on_noise_the_interval_covers_chance_and_the_bar_is_rarely_beaten():
    where = line_up(160, stride=8, n_series=2)
    found = [label_hits(noise(where, seed), runs(160, 100 + seed), where) for seed in range(40)]
    for which in ("nearest", "nearest_balanced", "neighbours", "neighbours_balanced"):
        scores = [getattr(one, which).score for one in found]
        assert np.mean([one.low <= one.chance <= one.high for one in scores]) >= 0.9, which
        assert np.mean([one.value > one.bar for one in scores]) <= 0.15, which


def test_windows_without_a_label_and_those_of_a_rare_one_are_left_out():
    where, labels = line_up(120), runs(120, 0).astype("U5")
    labels[:20], labels[20:24] = "", "rare"
    found = label_hits(noise(where, 0), labels, where).nearest
    assert set(labels[found.ids]) == {"a", "b"}
    assert found.score.n == len(found.ids) == ((labels == "a") | (labels == "b")).sum()


def test_a_label_of_few_windows_is_asked_for_as_many_neighbours_as_it_has():
    labels = np.where(np.arange(100) < 6, "a", "b")
    assert label_hits(noise(line_up(100), 0), labels, line_up(100), k=10).k == 5


@pytest.mark.parametrize(
    ("labels", "n", "reason"),
    [
        (None, 100, NO_LABEL),
        (np.full(100, ""), 100, NO_LABEL),
        (np.full(100, "a"), 100, ONE_LABEL),
        (np.where(np.arange(100) < 2, "a", "b"), 100, ONE_LABEL),
        (runs(15, 0, length=2), 15, TOO_FEW),
        (np.array(list("abcde") * 4), 20, TOO_FEW),
    ],
)
def test_where_labels_tell_nothing_there_is_a_reason_and_no_number(labels, n, reason):
    found = label_hits(noise(line_up(n), 0), labels, line_up(n))
    assert isinstance(found, Notice)
    assert found.message == reason
    assert found.message.format(**found.facts)


def test_many_windows_that_overlap_are_still_few():
    where = line_up(300, stride=1)
    assert time_hits(noise(where, 0), where).message == TOO_FEW


# --- time


def test_the_probability_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    where = line_up(90, stride=16, n_series=3)
    points = noise(where, 1, d=2)
    found = time_hits(points, where)
    for i in (0, 5, 29, 30, 61):
        far = (np.abs(where.start - where.start[i]) >= LENGTH) | (where.series != where.series[i])
        beside = (np.abs(where.start - where.start[i]) == LENGTH) & (where.series == where.series[i])
        nearness = -np.linalg.norm(points - points[i], axis=1)
        assert found.per_window[i] == pytest.approx(roc_auc_score(beside[far], nearness[far]))


@pytest.mark.parametrize("stride", [LENGTH, 8])
def test_a_straight_way_is_certain_and_a_zigzag_is_worse_than_chance(stride):
    where = line_up(160, stride=stride)
    way = np.column_stack([where.start, np.zeros(160)]).astype(float)
    assert time_hits(way, where).value == 1
    zigzag = (where.start // LENGTH % 2)[:, None] + np.random.default_rng(0).normal(size=(160, 1)) / 10
    score = time_hits(zigzag, where).score
    assert score.high < 0.5


@pytest.mark.parametrize(("n", "stride", "n_series"), [(80, LENGTH, 1), (160, 8, 1), (160, 16, 4)])
def test_on_noise_there_is_no_order_and_the_interval_says_so(n, stride, n_series):
    where = line_up(n, stride, n_series)
    scores = [time_hits(noise(where, seed), where).score for seed in range(40)]
    assert np.mean([one.value for one in scores]) == pytest.approx(0.5, abs=0.015)
    assert np.mean([one.low <= 0.5 <= one.high for one in scores]) >= 0.9
    assert np.mean([one.value > one.bar for one in scores]) <= 0.15


def test_the_interval_covers_what_the_next_recording_would_give():
    """Windows with a memory; the truth is the mean over many recordings."""
    where, scores = line_up(150), []
    for seed in range(60):
        white, points = np.random.default_rng(seed).normal(size=(150, 4)), np.zeros((150, 4))
        for i in range(1, 150):
            points[i] = 0.5 * points[i - 1] + white[i]
        scores.append(time_hits(points, where).score)
    truth = np.mean([one.value for one in scores])
    assert np.mean([one.low <= truth <= one.high for one in scores]) >= 0.9
    assert all(one.value > one.bar for one in scores)


def test_a_day_that_repeats_is_an_order_although_the_next_day_is_as_near():
    hour = 2 * np.pi * np.arange(240) / 24
    points = np.column_stack([np.cos(hour), np.sin(hour)]) + np.random.default_rng(0).normal(size=(240, 2)) / 5
    score = time_hits(points, line_up(240)).score
    assert score.low > score.bar


def test_windows_beside_a_long_pause_or_in_other_series_are_not_next_to_each_other():
    where = line_up(60, n_series=2)
    where = Where(where.series, where.start + 1000 * (where.start > 10 * LENGTH), LENGTH)
    one, other = time_hits(noise(line_up(60, n_series=2), 0), where).pairs.T
    assert (where.series[one] == where.series[other]).all()
    assert (np.abs(where.start[one] - where.start[other]) == LENGTH).all()


def test_series_of_one_window_each_have_no_order():
    where = Where(np.arange(80), np.zeros(80, int), LENGTH)
    assert time_hits(np.random.default_rng(0).normal(size=(80, 3)), where).message == NO_ORDER


# --- how sure


def test_of_very_many_windows_unbroken_parts_are_looked_at():
    where = line_up(10_000)
    found = time_hits(np.arange(10_000.0)[:, None], where)
    assert len(found.ids) == MOST
    assert (np.diff(found.ids) == 1).mean() > 0.97
    assert found.ids[[0, -1]].tolist() == [0, 9999]
    assert found.value == 1


def test_blocks_are_unbroken_and_stay_within_a_series():
    where = line_up(300, stride=8, n_series=3)
    blocks = time_blocks(where, memory=1)
    assert (np.diff(blocks) >= 0).all()
    assert all(len(np.unique(where.series[blocks == block])) == 1 for block in blocks)
    assert np.bincount(blocks).min() >= 4 * LENGTH // 8  # windows that share samples are together
    assert len(np.unique(time_blocks(where, memory=10_000))) >= 9


def test_the_spread_of_blocks_is_that_of_their_mean():
    """Right or wrong a whole block at a time: as uncertain as so many coins, widened for there being 20."""
    coins = np.random.default_rng(0).integers(0, 2, 20).astype(float)
    pairs = np.column_stack([np.arange(200), np.arange(200)])
    blocks, zeros = np.repeat(np.arange(20), 10), np.zeros(200, int)
    spread = resampled(brought(Hits(zeros, pairs, np.repeat(coins, 10), zeros, blocks, 0.5, coins), blocks)).std()
    standard_error = coins.std(ddof=1) / np.sqrt(20)
    assert spread == pytest.approx(standard_error * 2.093 / 1.96, rel=0.05)  # Student's t with 19 degrees of freedom


def test_the_same_points_get_the_same_score():
    where, labels = line_up(100, stride=8), runs(100, 0)
    one, other = (label_hits(noise(where, 0), labels, where).neighbours.score for _ in range(2))
    assert asdict(one) == asdict(other)
    assert recognition.SEED == 0
