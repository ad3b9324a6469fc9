import numpy as np
import pytest

from core.errors import UserError
from core.projection import EARLY, LATE, Method, ProjectionSpec, project
from core.recipes import Floats

METHODS: tuple[Method, ...] = ("pca", "tsne")


def nobody(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


def planted(n: int = 120, d: int = 24, groups: int = 3) -> tuple[Floats, np.ndarray]:
    """Groups that differ by 8 standard deviations in a direction of their own, one after the other."""
    group = np.arange(n) * groups // n
    return np.random.default_rng(0).normal(size=(n, d)) + 8 * np.eye(d)[group], group


def same_group_next_door(xy: Floats, group: np.ndarray) -> float:
    """Share of the points whose nearest neighbour is of their own group."""
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return float((group[apart.argmin(axis=1)] == group).mean())


@pytest.mark.parametrize("method", METHODS)
def test_planted_groups_stay_apart_and_shuffled_ones_do_not(method):
    x, group = planted()
    xy = project(x, ProjectionSpec(method), nobody).xy
    assert same_group_next_door(xy, np.random.default_rng(1).permutation(group)) < 0.5  # chance: one in three
    assert same_group_next_door(xy, group) > 0.95


def test_tsne_shows_groups_that_two_directions_cannot_hold():
    """Nine groups in nine directions: PCA lays some over others, neighbour by neighbour they come apart."""
    x, group = planted(180, groups=9)
    kept = {method: same_group_next_door(project(x, ProjectionSpec(method), nobody).xy, group) for method in METHODS}
    assert kept["tsne"] > 0.95 > 0.85 > kept["pca"]


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_picture_to_the_last_bit(method):
    x = np.random.default_rng(0).normal(size=(60, 700)).astype(np.float32)  # so wide that PCA too draws lots
    one, same, other = (project(x, ProjectionSpec(method, seed), nobody).xy for seed in (3, 3, 4))
    assert one.shape == (60, 2)
    assert (one == same).all()
    assert (one != other).any()


def test_pca_finds_the_longest_two_directions_and_says_what_they_keep_of_the_whole():
    """Spread 3, 2 and 1 along three axes at right angles: variances 9, 4 and 1."""
    ends = np.concatenate([np.diag([3.0, 2.0, 1.0]), -np.diag([3.0, 2.0, 1.0])])
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    drawn = project(ends @ turn + 100, ProjectionSpec("pca"), nobody)
    expected = [[3, 0], [0, 2], [0, 0], [3, 0], [0, 2], [0, 0]]
    np.testing.assert_allclose(np.abs(drawn.xy), expected, atol=1e-9)
    np.testing.assert_allclose(drawn.xy[:3], -drawn.xy[3:], atol=1e-9)
    assert drawn.explained == pytest.approx(13 / 14)


def test_a_neighbour_map_claims_no_share_of_the_variance():
    assert project(planted()[0], ProjectionSpec("tsne"), nobody).explained is None


def test_a_single_feature_makes_a_line_in_its_own_order():
    x = np.array([[4.0], [-1.0], [0.5], [9.0], [2.0]])
    drawn = project(x, ProjectionSpec("pca"), nobody)
    assert (drawn.xy[:, 1] == 0).all()
    np.testing.assert_allclose(np.abs(np.diff(drawn.xy[:, 0])), np.abs(np.diff(x[:, 0])))
    assert drawn.explained == pytest.approx(1)


@pytest.mark.parametrize("method", METHODS)
def test_five_windows_make_a_map_and_four_are_refused_with_their_number(method):
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert np.isfinite(project(x, ProjectionSpec(method), nobody).xy).all()
    with pytest.raises(UserError, match=r"4 stretches are too few.*at least 5"):
        project(x[:4], ProjectionSpec(method), nobody)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9])
@pytest.mark.parametrize("method", METHODS)
def test_windows_that_all_look_the_same_are_said_to(method, value):
    with pytest.raises(UserError, match="Choose another model or preparation"):
        project(np.full((40, 8), value), ProjectionSpec(method), nobody)


@pytest.mark.parametrize("method", METHODS)
def test_repeated_windows_share_a_place_and_the_odd_one_stands_apart(method):
    """A machine that repeats its stroke exactly gives such embeddings."""
    x = np.tile(np.random.default_rng(0).normal(size=8), (50, 1))
    x[17] += 1
    xy = project(x, ProjectionSpec(method), nobody).xy
    others = np.delete(xy, 17, axis=0)
    assert np.linalg.norm(others - xy[17], axis=1).min() > 5 * np.linalg.norm(np.ptp(others, axis=0))


def test_progress_rises_to_the_total_over_both_phases_and_each_map_counts_anew():
    for ticks in ([], []):
        project(planted(30)[0], ProjectionSpec("tsne"), lambda *tick, seen=ticks: seen.append(tick))
        done = [done for done, _ in ticks]
        assert done == sorted(set(done))
        assert ticks[-1] == (EARLY + LATE, EARLY + LATE) == (750, 750)
        assert 50 <= len(ticks) <= 150  # smooth to the eye


def test_a_tick_that_raises_stops_the_drawing_at_once():
    class EnoughError(Exception):
        pass

    ticks: list[int] = []

    def cancel(done: int, _total: int) -> None:
        ticks.append(done)
        if done >= 100:
            raise EnoughError

    with pytest.raises(EnoughError):
        project(planted(30)[0], ProjectionSpec("tsne"), cancel)
    assert ticks[-1] == 100


def test_an_unknown_projection_is_a_programming_error():
    with pytest.raises(ValueError, match="unknown projection"):
        ProjectionSpec("umap")


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_equal_float32_vectors_are_equal_however_many_there_are(method):
    """Their float32 mean drifts away from them, which looked like a picture."""
    with pytest.raises(UserError, match="looks the same"):
        project(np.full((200, 8), 0.1, np.float32), ProjectionSpec(method), lambda *_: None)
