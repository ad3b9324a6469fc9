"""Groups are found where they were planted, and in noise of any kind there are none."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

from core import separation
from core.separation import (
    even_gap,
    leading_scores,
    prune,
    randomised,
    separate,
    smallest,
    spanning_tree,
    visible_groups,
)

Rng = np.random.Generator
N, D = 300, 64


def planted(rng: Rng, shares: tuple[float, ...] = (1, 1, 1), n: int = N, apart: float = 6) -> tuple:
    """Groups whose middles are so many standard deviations apart, one after the other."""
    groups = np.repeat(np.arange(len(shares)), np.round(np.array(shares) / sum(shares) * n).astype(int))
    return rng.normal(size=(len(groups), D)) + apart / np.sqrt(2) * np.eye(D)[groups], groups


def overlapping(rng: Rng, memory: float, n: int = N, length: int = 64) -> np.ndarray:
    """Windows of one noise, each three quarters of the one before, as the waveform itself."""
    noise = rng.normal(size=n * length // 4 + 2 * length + 500)
    for i in range(1, len(noise)):
        noise[i] += memory * noise[i - 1]
    return np.lib.stride_tricks.sliding_window_view(noise[500:], length)[:: length // 4][:n]


def even(rng: Rng) -> np.ndarray:
    return rng.normal(size=(N, D))


def falling_spread(rng: Rng) -> np.ndarray:
    return even(rng) / np.arange(1, D + 1)


NOISE: dict[str, Callable[[Rng], np.ndarray]] = {
    "normal": even,
    "normal, spread that falls": falling_spread,
    "uniform": lambda rng: rng.uniform(size=(N, D)),
    "uniform, in a plane": lambda rng: rng.uniform(size=(N, 2)),
    "heavy tails": lambda rng: rng.standard_t(3, size=(N, D)) / np.arange(1, D + 1),
    "skewed": lambda rng: np.exp(0.7 * falling_spread(rng)),
    "overlapping windows": lambda rng: overlapping(rng, 0.0),
    "overlapping windows with memory": lambda rng: overlapping(rng, 0.9),
    "a slow wander": lambda rng: overlapping(rng, 0.99),
}


def test_in_noise_nothing_is_apart():
    """At most 1 in 20."""
    wrong = [
        (name, seed)
        for name, noise in NOISE.items()
        for seed in range(3)
        if separate(noise(np.random.default_rng(seed)), seed).structure == "groups"
    ]
    assert len(wrong) <= 0.05 * 3 * len(NOISE), wrong


@pytest.mark.parametrize(("shares", "n"), [((1, 1, 1), N), ((1, 1), N), ((60, 25, 15), 2 * N)])
@pytest.mark.parametrize("in_time", ["one after the other", "mixed"])
def test_planted_groups_are_found(shares, n, in_time):
    for seed in range(2):
        vectors, groups = planted(np.random.default_rng(seed), shares, n)
        if in_time == "mixed":
            order = np.random.default_rng(seed).permutation(n)
            vectors, groups = vectors[order], groups[order]
        found = separate(vectors, seed)
        assert found.structure == "groups"
        assert found.depth > found.needed
        inside = found.groups >= 0
        assert inside.mean() > 0.9
        assert adjusted_rand_score(groups[inside], found.groups[inside]) > 0.9
        assert np.bincount(found.groups[inside]).tolist() == sorted(np.bincount(found.groups[inside]), reverse=True)


def test_nine_groups_in_nine_directions_are_nine():
    vectors, groups = planted(np.random.default_rng(0), (1,) * 9, apart=10)
    assert adjusted_rand_score(groups, separate(vectors).groups) > 0.95


def test_a_slow_wander_has_clumps_that_only_its_memory_explains():
    """The same places in any order would be groups; in order of time they are where the wander has dwelt."""
    found = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        wander = np.cumsum(rng.normal(size=(N, 2)), axis=0)
        found += [(separate(wander).structure == "groups", separate(rng.permutation(wander)).structure == "groups")]
    in_time, mixed = np.sum(found, axis=0)
    assert in_time <= 1 < 3 <= mixed


def ring(rng: Rng, turns: np.ndarray, radius: float) -> np.ndarray:
    return even(rng)[: len(turns)] + radius * np.column_stack(
        [np.cos(turns), np.sin(turns), np.zeros((len(turns), D - 2))]
    )


@pytest.mark.parametrize("radius", [6, 40])
def test_a_ring_is_an_order_without_groups_whether_or_not_time_goes_around_it(radius):
    found = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        turns = rng.uniform(0, 2 * np.pi, N)
        found += [separate(ring(rng, one, radius), seed).structure for one in (turns, np.sort(turns))]
    assert found.count("order") >= 5
    assert "none" not in found


def test_a_drift_is_an_order_and_the_same_windows_mixed_are_one_cloud():
    rng = np.random.default_rng(0)
    drift = even(rng) + np.linspace(0, 6, N)[:, None] * np.eye(D)[0]
    assert separate(drift).structure == "order"
    assert separate(rng.permutation(drift)).structure == "none"


def test_groups_that_lie_together_are_also_one_union():
    """Two pairs of groups: 8 apart within a pair, 40 between the pairs."""
    rng = np.random.default_rng(0)
    middles = np.array([[0, 0], [8, 0], [40, 0], [48, 0]])
    found = separate(np.repeat(middles, 60, axis=0) + rng.normal(size=(240, 2)))
    assert sorted(found.nodes.sum(axis=1).round(-1).tolist()) == [60, 60, 60, 60, 120, 120]
    assert len(smallest(found.nodes)) == 4
    assert found.groups.max() == 3


def test_turning_scaling_and_moving_an_embedding_changes_nothing():
    vectors, _ = planted(np.random.default_rng(0))
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(D, D)))
    one, other = separate(vectors), separate(vectors @ turn * 7.5 + 300)
    assert other.depth == pytest.approx(one.depth, rel=1e-6)
    np.testing.assert_array_equal(one.groups, other.groups)


def test_of_many_windows_some_are_looked_at_and_the_others_follow(monkeypatch):
    vectors, groups = planted(np.random.default_rng(0), n=1500)
    monkeypatch.setattr(separation, "SAMPLE", 300)
    found = separate(vectors.astype(np.float32))
    inside = found.groups >= 0
    assert inside.mean() > 0.9
    assert adjusted_rand_score(groups[inside], found.groups[inside]) > 0.9


@pytest.mark.parametrize("vectors", [np.ones((50, 4)), np.eye(5), np.random.default_rng(0).normal(size=(8, 3))])
def test_windows_that_are_all_alike_or_few_have_no_groups(vectors):
    found = separate(vectors)
    assert found.structure == "none"
    assert found.groups.tolist() == [-1] * len(vectors)
    assert visible_groups(vectors[:, :2]).shape == (0, len(vectors))


def test_windows_that_repeat_exactly_are_groups():
    vectors = np.repeat(np.random.default_rng(0).normal(size=(3, 8)), 40, axis=0)[
        np.random.default_rng(1).permutation(120)
    ]
    assert np.bincount(separate(vectors).groups).tolist() == [40, 40, 40]


# --- what is seen on a picture


def test_a_reader_sees_the_gaps_of_a_picture_and_no_others():
    rng = np.random.default_rng(0)
    turns = rng.uniform(0, 2 * np.pi, N)
    circle = np.column_stack([np.cos(turns), np.sin(turns)]) + 0.02 * rng.normal(size=(N, 2))
    assert len(visible_groups(circle)) == 0
    assert len(visible_groups(rng.uniform(size=(N, 2)))) == 0
    cut = circle[np.abs(circle[:, 0]) > 0.4]
    left, right = smallest(visible_groups(cut))
    assert {tuple(np.unique(np.sign(cut[side, 0]))) for side in (left, right)} == {(-1.0,), (1.0,)}


# --- what it is made of


def test_components_that_stand_out_of_noise_are_kept_and_two_at_least():
    rng = np.random.default_rng(0)
    noise = even(rng)
    assert leading_scores(noise, rng).shape == (N, 2)
    strong = noise @ np.diag([9, 8, 7, 6, *np.ones(D - 4)])
    scores = leading_scores(strong + 1000, rng)
    assert scores.shape == (N, 4)
    assert scores.std(axis=0) == pytest.approx(np.array([9, 8, 7, 6]), rel=0.2)
    assert leading_scores(noise / np.arange(1, D + 1) ** 2, rng).shape == (N, 10)


def test_random_windows_have_the_spread_and_the_memory_of_the_true_ones():
    rng = np.random.default_rng(0)
    scores = leading_scores(overlapping(rng, 0.9, 400), rng)
    random = randomised(scores, rng)
    np.testing.assert_allclose(np.cov(random.T), np.cov(scores.T), atol=0.01 * scores.var(axis=0).max())
    for lag in (1, 3):  # with the ends joined
        true, other = (
            one.T @ np.roll(one, lag, axis=0) for one in (scores - scores.mean(axis=0), random - random.mean(axis=0))
        )
        np.testing.assert_allclose(other, true, atol=0.01 * np.abs(true).max())
    assert abs(np.corrcoef(scores[:, 0], random[:, 0])[0, 1]) < 0.5


def test_the_tree_is_as_short_as_that_of_scipy():
    points = np.random.default_rng(0).normal(size=(80, 3))
    apart, core = cdist(points, points), np.random.default_rng(1).uniform(0, 1, 80)
    reach = np.maximum(np.maximum(apart, core[:, None]), core)
    np.fill_diagonal(reach, 0)
    tree = spanning_tree(apart, core)
    assert tree.length.sum() == pytest.approx(minimum_spanning_tree(reach).sum(), rel=1e-6)
    assert (np.diff(tree.length) >= 0).all()
    np.testing.assert_allclose(tree.length, reach[tuple(tree.ends.T)], rtol=1e-6)


def test_a_valley_is_as_deep_as_its_density_lies_below_that_of_the_thinner_side():
    """On a line: three points 1 apart, a gap of 8, three points 2 apart. Density is one over length: log(8 / 2)."""
    line = np.array([0, 1, 2, 10, 12, 14.0])[:, None]
    [valley] = prune(spanning_tree(cdist(line, line), np.zeros(6)), least=3, dims=1.0)
    assert valley.depth == pytest.approx(np.log(8 / 2))
    assert sorted(side.nonzero()[0].tolist() for side in valley.sides) == [[0, 1, 2], [3, 4, 5]]
    assert prune(spanning_tree(cdist(line, line), np.zeros(6)), least=4, dims=1.0) == []


def test_a_line_may_have_deeper_gaps_than_a_plane_and_none_counts_below_a_half():
    assert even_gap(1.0, 9) > even_gap(1.5, 9) > even_gap(2.0, 9) >= even_gap(5.0, 9) >= np.log(2)
    assert even_gap(1.0, 1000) == np.log(2)
