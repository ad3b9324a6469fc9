"""Numbers on a picture, each against a second implementation or a value worked out by hand."""

import string
from dataclasses import fields

import numpy as np
import pytest
from hdbscan.validity import all_points_core_distance, validity_index
from scipy.spatial.distance import pdist, squareform
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_samples
from zadu.measures import neighborhood_hit, scale_normalized_stress, trustworthiness_continuity

from core import quality
from core.neighbours import nearest
from core.quality import (
    CAUTION,
    MEANING,
    GroupQuality,
    Quality,
    common,
    core_distances,
    dbcv,
    kept_per_window,
    measure,
    measure_groups,
    picture_neighbours,
    sample,
    silhouettes,
    warnings,
)

RANKED = ("trustworthiness", "continuity", "kept", "stress")


def cloud(n: int = 200, d: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def three_groups(n: int = 150, d: int = 8, apart: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    groups = np.arange(n) % 3
    return cloud(n, d) + apart * np.eye(d)[groups], groups


# --- neighbours and distances


def test_a_picture_that_keeps_everything_is_perfect_however_it_is_turned_and_scaled():
    flat = cloud(d=2)
    found = measure(flat, flat @ [[0, -1], [1, 0]] * 7.5 + 300)
    np.testing.assert_allclose((found.trustworthiness, found.continuity, found.kept), 1)
    assert found.stress == pytest.approx(0, abs=1e-6)


def test_points_thrown_anywhere_are_worth_what_chance_is():
    found = [measure(cloud(400), cloud(400, 2, seed)) for seed in range(1, 9)]
    assert found[0].chance == 10 / 399
    assert np.mean([one.kept for one in found]) == pytest.approx(found[0].chance, abs=0.01)
    assert np.mean([one.trustworthiness for one in found]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([one.continuity for one in found]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("k", [1, 5, 10, 40])
def test_trustworthiness_and_continuity_are_those_of_scikit_learn_and_of_zadu(k):
    high, low = cloud(), cloud()[:, :2] + 0.3 * cloud(seed=1)[:, :2]
    found = measure(high, low, k=k)
    assert found.trustworthiness == pytest.approx(trustworthiness(high, low, n_neighbors=k))
    assert found.continuity == pytest.approx(trustworthiness(low, high, n_neighbors=k))  # the same, the other way round
    theirs = trustworthiness_continuity.measure(high, low, k)
    assert found.trustworthiness == pytest.approx(theirs["trustworthiness"])
    assert found.continuity == pytest.approx(theirs["continuity"])


def test_trustworthiness_of_a_window_that_is_moved_to_the_other_end_of_a_line():
    """By hand: n = 6, k = 1. On the map, 5 lies at -1 next to 0, from where it is the fifth nearest.

    On the map the nearest of 5 is 0, the fifth nearest for the model: 4 places too far. The nearest of 0 is 5 or 1, of
    which the second lies a little closer. The worst is 2 n - 3 k - 1 = 8 halves for each of the 6 windows.
    """
    line = np.array([0, 1, 2.1, 3.3, 4.6, 6.0])[:, None]
    moved = np.column_stack([[0, 1, 2.1, 3.3, 4.6, -1.1], np.zeros(6)])
    assert measure(line, moved, k=1).trustworthiness == pytest.approx(1 - 2 / (6 * 8) * 4)


def test_kept_neighbours_are_counted_window_by_window():
    """On a line of five, the last is moved to between the first two: all three have another nearest one."""
    high = np.array([[0.0], [1.0], [2.1], [3.3], [4.6]])
    low = np.column_stack([[0.0, 1.0, 2.1, 3.3, 0.2], np.zeros(5)])
    assert kept_per_window(high, low, k=1).tolist() == [0, 0, 1, 1, 0]
    assert measure(high, low, k=1).kept == pytest.approx(2 / 5)


def test_kept_neighbours_are_a_neighbourhood_hit_where_every_neighbourhood_is_a_label():
    """zadu has no Q_NX: pairs of twins are each other's nearest, so that a label for each pair says the same."""
    twins = np.repeat(cloud(100, 5), 2, axis=0) + 1e-3 * cloud(200, 5, 1)
    picture = twins[:, :2] + 0.06 * cloud(200, 2, 2)
    theirs = neighborhood_hit.measure(picture, np.repeat(np.arange(100), 2), k=1)["neighborhood_hit"]
    assert 0.2 < theirs < 0.9
    assert measure(twins, picture, k=1).kept == pytest.approx(theirs)


def test_stress_is_the_least_over_all_scales_and_that_of_zadu():
    high, low = cloud(60), cloud(60, 2, 1)
    far, shown = pdist(high), pdist(low)
    stresses = [np.sqrt(((far - scale * shown) ** 2).sum() / (far**2).sum()) for scale in np.linspace(0, 5, 5001)]
    assert measure(high, low).stress == pytest.approx(min(stresses), abs=1e-6)
    [theirs] = scale_normalized_stress.measure(high, low).values()
    assert measure(high, low).stress == pytest.approx(theirs)


def test_neighbours_at_hand_change_nothing():
    high, low = cloud(), cloud()[:, :2]
    known = nearest(high, 15)
    assert measure(high, low, known) == measure(high, low)
    np.testing.assert_array_equal(kept_per_window(high, low, known), kept_per_window(high, low))
    assert kept_per_window(high, low).mean() == pytest.approx(measure(high, low).kept)


def test_of_many_windows_a_sample_tells_nearly_the_same_and_says_how_many_it_is(monkeypatch):
    high = cloud(2000) * [3, 2, 1, 1, 0.5, 0.5, 0.5, 0.5]
    exact = measure(high, high[:, :2])
    monkeypatch.setattr(quality, "PAIRS", 1_200_000)
    estimates = [measure(high, high[:, :2], seed=seed) for seed in range(3)]
    assert exact.n_queries == 2000
    assert {one.n_queries for one in estimates} == {600}
    assert measure(high, high[:, :2], seed=2) == estimates[2] != estimates[1]
    for name, error in zip(RANKED, (0.01, 0.01, 0.03, 0.01), strict=True):
        assert [getattr(one, name) for one in estimates] == pytest.approx([getattr(exact, name)] * 3, abs=error)


def test_up_to_5000_windows_every_one_is_asked_and_of_a_million_500():
    assert [len(sample(n, 0)) for n in (10, 5000, 10_000, 50_000, 1_000_000)] == [10, 5000, 2500, 500, 500]
    assert len(np.unique(sample(10_000, 0))) == 2500


def test_few_distances_at_a_time_give_the_same_numbers(monkeypatch):
    high, low = cloud(), cloud()[:, :2]
    whole = measure(high, low)
    monkeypatch.setattr(quality, "CELLS", 1000)
    pieces = measure(high, low)
    assert [getattr(pieces, name) for name in RANKED] == pytest.approx([getattr(whole, name) for name in RANKED])


def test_what_cannot_be_computed_is_none_and_says_why():
    few = measure(cloud(21), cloud(21, 2))
    assert {few.trustworthiness, few.continuity, few.kept, few.stress} == {None}
    assert set(few.why) == set(RANKED)
    message, facts = few.why["kept"]
    assert message.format(**facts) == "21 stretches are too few: this number needs 22."
    assert np.isnan(kept_per_window(cloud(21), cloud(21, 2))).all()
    assert measure(cloud(22), cloud(22, 2)).kept is not None
    one_place, same = measure(cloud(), np.ones((200, 2))), measure(np.ones((200, 3)), cloud(d=2))
    assert one_place.stress is same.stress is None
    assert "one point" in one_place.why["stress"][0]
    assert "same" in same.why["stress"][0]


def test_neighbours_on_a_picture_leave_out_the_point_itself_even_where_many_coincide():
    xy = np.repeat([[0.0, 0.0], [5.0, 5.0]], 20, axis=0)
    found = picture_neighbours(xy, 6)
    assert all(len({i, *row}) == 7 for i, row in enumerate(found.tolist()))
    assert (found < 20).all(axis=1).tolist() == [True] * 20 + [False] * 20
    assert set(picture_neighbours(np.array([[0, 0], [1, 0], [3, 0], [7.0, 0]]), 1).ravel()[:3]) == {0, 1}


def test_ids_in_common_are_counted_row_by_row_in_any_order():
    assert common(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[3, 1, 9], [7, 8, 9]])).tolist() == [2, 0]


# --- groups


def test_silhouettes_are_those_of_scikit_learn_also_of_some_of_the_points():
    points, groups = three_groups(apart=3.0)
    groups = np.append(groups[:-1], 7)  # a group of one has silhouette 0
    theirs = silhouette_samples(points, groups)
    np.testing.assert_allclose(silhouettes(points, groups, np.arange(150)), theirs, atol=1e-9)
    np.testing.assert_allclose(silhouettes(points, groups, np.array([3, 149])), theirs[[3, 149]], atol=1e-9)


def test_silhouette_by_hand():
    """Groups {0, 1} and {4}: the point at 0 is 1 from its own and 4 from the other group, (4 - 1) / 4."""
    assert silhouettes(np.array([[0.0], [1.0], [4.0]]), np.array([0, 0, 1]), np.array([0])).tolist() == [0.75]


@pytest.mark.parametrize("d", [2, 5])
def test_core_distances_are_those_of_the_hdbscan_package(d):
    """In few directions: that package's powers of distances overflow in many."""
    group = cloud(40, d)
    theirs = all_points_core_distance(squareform(pdist(group)), d=d)
    np.testing.assert_allclose(core_distances(group), theirs)


@pytest.mark.parametrize("apart", [1.0, 4.0, 12.0])
def test_dbcv_of_bare_distances_is_that_of_the_hdbscan_package(monkeypatch, apart):
    """With core distances many spanning trees are equally short and have other inner points: the package takes the one
    that the order of the points suggests, we the one with the shortest edges. Without them, there is one tree."""
    points, groups = three_groups(120, 3, apart)
    groups[:9] = -1
    monkeypatch.setattr(quality, "core_distances", lambda group: np.zeros(len(group)))
    assert dbcv(points, groups) == pytest.approx(validity_index(points, groups, mst_raw_dist=True), abs=1e-6)


def test_dbcv_does_not_depend_on_the_order_of_the_points():
    points, groups = three_groups(120, 3, 4.0)
    order = np.random.default_rng(0).permutation(120)
    assert dbcv(points[order], groups[order]) == pytest.approx(dbcv(points, groups))


def test_dbcv_by_hand():
    """Two groups of three on a line, 1 apart within and 10 between.

    Core distances in one direction are harmonic means: 2 / (1 + 1/2) = 4/3 at the ends, 1 in the middle, so that both
    edges are 4/3. Only the middle points are inside their trees: no edge joins two of them, and the longest of all is
    taken, 4/3. The middle points are 12 from each other: (12 - 4/3) / 12.
    """
    line = np.array([0, 1, 2, 12, 13, 14.0])[:, None]
    assert dbcv(line, np.repeat([0, 1], 3)) == pytest.approx((12 - 4 / 3) / 12)
    with_stray = np.append(line, [[40.0]], axis=0), np.array([0, 0, 0, 1, 1, 1, -1])
    assert dbcv(*with_stray) == pytest.approx((12 - 4 / 3) / 12 * 6 / 7)  # windows in no group count as badly placed


def test_dbcv_ranks_groups_above_shuffled_ones_in_hundreds_of_directions_too():
    points, groups = three_groups(150, 300, 40.0)
    shuffled = np.random.default_rng(0).permutation(groups)
    assert dbcv(points, groups) > 0.3 > 0 > dbcv(points, shuffled)


def test_dbcv_knows_groups_of_any_shape_where_silhouettes_do_not():
    turn = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    rings = np.concatenate([np.column_stack([np.cos(turn), np.sin(turn)]) * radius for radius in (1, 4)])
    groups = np.repeat([0, 1], 100)
    assert dbcv(rings, groups) > 0.5 > 0.3 > silhouettes(rings, groups, np.arange(200)).mean()


def test_points_that_coincide_have_numbers_too():
    points = np.repeat([[0.0, 0.0], [3.0, 4.0]], 10, axis=0)
    assert dbcv(points, np.repeat([0, 1], 10)) == 1
    assert dbcv(np.zeros((20, 2)), np.repeat([0, 1], 10)) == 0
    assert measure_groups(np.zeros((20, 2)), points, np.repeat([0, 1], 10)).silhouette_model == 0


def test_true_groups_are_apart_for_model_and_picture_and_shuffled_ones_for_neither():
    vectors, groups = three_groups(d=64, apart=6.0)
    found = measure_groups(vectors, vectors[:, :3] @ [[1, 0], [-0.5, 0.87], [-0.5, -0.87]], groups)
    assert min(found.silhouette_model, found.silhouette_picture) > 0.5
    assert min(found.dbcv_model, found.dbcv_picture) > 0
    shuffled = measure_groups(vectors, vectors[:, :2], np.random.default_rng(0).permutation(groups))
    assert max(shuffled.silhouette_model, shuffled.silhouette_picture, shuffled.dbcv_model) < 0.05


def test_windows_in_no_group_are_left_out_of_silhouettes():
    vectors, groups = three_groups()
    strays = np.concatenate([vectors, 100 * cloud(20)])
    found = measure_groups(strays, strays[:, :2], np.append(groups, np.full(20, -1)))
    assert (found.n_grouped, found.n_queries) == (150, 150)
    assert found.silhouette_picture == pytest.approx(silhouette_samples(vectors[:, :2], groups).mean())


@pytest.mark.parametrize("groups", [np.full(200, -1), np.zeros(200, int)])
def test_without_two_groups_there_is_nothing_to_compare(groups):
    found = measure_groups(cloud(), cloud(d=2), groups)
    names = {one.name for one in fields(GroupQuality)} - {"n_grouped", "n_queries", "why"}
    assert {getattr(found, name) for name in names} == {None}
    assert set(found.why) == names


# --- words


def test_there_is_a_sentence_for_every_number_and_its_facts_are_known():
    numbers = {one.name for kind in (Quality, GroupQuality) for one in fields(kind)}
    assert set(MEANING) == numbers - {"chance", "k", "n_windows", "n_queries", "n_grouped", "why"}
    for sentence in MEANING.values():
        assert {name for _, name, _, _ in string.Formatter().parse(sentence) if name} <= {"k", "chance"}
    assert "cannot show" in CAUTION


def test_a_map_thrown_by_chance_is_warned_of_and_a_true_one_is_not():
    said = [one.message.format(**one.facts) for one in warnings(measure(cloud(), cloud(200, 2, 5)))]
    assert "5% by chance" in said[0]
    assert len(said) == 3
    assert warnings(measure(cloud(d=2), cloud(d=2))) == []
    assert warnings(measure(cloud(5), cloud(5, 2))) == []


def test_a_map_that_tears_is_told_from_one_that_glues():
    """A ring that is cut open and laid flat, in three places; a ball pressed flat."""
    ball = cloud(300, 3)
    ball /= np.linalg.norm(ball, axis=1)[:, None]
    pressed = ball[:, :2]
    torn = np.column_stack([ball[:, 0], np.random.default_rng(0).permutation(ball[:, 1])])
    glued = measure(ball, pressed)
    assert glued.continuity > glued.trustworthiness
    assert warnings(glued) == []
    assert any("tears" in one.message for one in warnings(measure(pressed, torn)))


def test_groups_that_only_the_drawing_parts_are_warned_of():
    noise = cloud(150)
    groups = np.arange(150) % 3
    picture = noise[:, :2] + 8 * np.array([[0, 0], [1, 0], [0, 1]])[groups]
    quiet = Quality(1.0, 1.0, 1.0, 0.0, 0.0, 10, 150, 150, {})
    [told] = warnings(quiet, measure_groups(noise, picture, groups))
    assert "the drawing did that" in told.message
    vectors, groups = three_groups(d=64, apart=6.0)
    assert warnings(quiet, measure_groups(vectors, vectors[:, :2], groups)) == []
