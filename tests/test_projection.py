import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from core import parallel
from core.errors import UserError
from core.neighbours import nearest
from core.projection import METHODS, NOTES, Method, ProjectionSpec, advice, iterations, place, project
from core.series import Floats

MOVING = [method for method in METHODS if method != "pca"]


def nobody(_done: int, _total: int, _xy: Floats | None) -> None:
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


def test_neighbour_maps_show_groups_that_two_directions_cannot_hold():
    """Nine groups in nine directions: PCA lays some over others, neighbour by neighbour they come apart."""
    x, group = planted(180, groups=9)
    kept = {method: same_group_next_door(project(x, ProjectionSpec(method), nobody).xy, group) for method in METHODS}
    assert min(kept[method] for method in MOVING) > 0.95 > 0.85 > kept["pca"]


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_picture_to_the_last_bit(method):
    x = planted(80)[0].astype(np.float32)
    one, same, other = (project(x, ProjectionSpec(method, seed), nobody).xy for seed in (3, 3, 4))
    assert one.shape == (80, 2)
    assert (one == same).all()
    assert (one != other).any() == (method != "pca")  # nothing about PCA is left to chance


@pytest.mark.parametrize("method", METHODS)
def test_the_picture_is_the_same_on_any_number_of_threads(method, monkeypatch):
    x, drawn, placed = planted(600)[0], [], []
    for n in (1, 2, 5):
        monkeypatch.setattr(parallel, "n_cores", lambda n=n: n)
        drawn.append(project(x, ProjectionSpec(method, stopped_after=60), nobody).xy)
        placed.append(place(x, drawn[0], ProjectionSpec(method), x[:300] + 0.1))
    assert all((one == drawn[0]).all() for one in drawn)
    assert all((one == placed[0]).all() for one in placed)


def test_maps_drawn_at_the_same_time_are_those_drawn_one_by_one():
    """The engine may draw in any thread of a process."""
    x, specs = planted(300)[0], [ProjectionSpec(method, stopped_after=40) for method in METHODS]
    alone = [project(x, spec, nobody).xy for spec in specs]
    with ThreadPoolExecutor(len(specs)) as pool:
        together = list(pool.map(lambda spec: project(x, spec, nobody).xy, specs))
    assert all((one == other).all() for one, other in zip(alone, together, strict=True))


@pytest.mark.parametrize("method", MOVING)
def test_neighbours_that_are_known_and_parameters_that_are_settled_give_the_same_picture(method):
    x, spec = planted(60)[0], ProjectionSpec(method, stopped_after=50)
    usual = project(x, spec, nobody).xy
    assert (project(x, spec, nobody, known=nearest(x, 59)).xy == usual).all()
    assert (project(x, spec, nobody, known=nearest(x, 2)).xy == usual).all()  # too few: it finds its own
    assert (project(x, spec.settled(60), nobody).xy == usual).all()


def test_a_spec_that_was_kept_before_there_were_more_parameters_goes_on_to_work():
    kept = {"method": "tsne", "seed": 0}
    assert ProjectionSpec(**kept) == ProjectionSpec("tsne")


@pytest.mark.parametrize("how", [{"neighbours": -1}, {"stopped_after": -1}, {"seed": -1}, {"min_distance": 1.5}])
def test_a_parameter_out_of_range_is_a_programming_error(how):
    with pytest.raises(ValueError, match="out of range"):
        ProjectionSpec("umap", **how)


def odd(kind: str, n: int, d: int) -> Floats:
    x = np.random.default_rng(n).normal(size=(n, d))
    if kind == "all alike but one":
        x[:] = x[0]
        x[n // 2] += 1
    if kind == "a constant column":
        x[:, 0] = 7
    if kind == "in pairs":
        x[1::2] = x[: n // 2 * 2 : 2]
    return x + 1e4 if kind == "far from zero" else x


@pytest.mark.parametrize("kind", ["few", "all alike but one", "a constant column", "in pairs", "far from zero"])
@pytest.mark.parametrize("method", METHODS)
def test_odd_windows_make_a_map_without_a_warning(method, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n, d, precision in ((5, 2, np.float64), (7, 40, np.float32), (31, 1, np.float32), (32, 3, np.float64)):
            if kind == "a constant column" and d == 1:
                continue
            x = odd(kind, n, d).astype(precision)
            spec = ProjectionSpec(method, neighbours=2 if n == 32 else 0)
            xy = project(x, spec, nobody).xy
            assert xy.shape == (n, 2)
            assert xy.dtype == np.float64
            assert np.isfinite(xy).all()
            assert np.isfinite(place(x, xy, spec, x[:3])).all()


def test_nobody_elses_random_numbers_are_touched():
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    for method in METHODS:
        project(planted(40)[0], ProjectionSpec(method), nobody)
    assert np.random.random() == expected  # noqa: NPY002


def test_pca_finds_the_longest_two_directions_and_says_what_they_keep_of_the_whole():
    """Spread 3, 2 and 1 along three axes at right angles: variances 9, 4 and 1."""
    ends = np.concatenate([np.diag([3.0, 2.0, 1.0]), -np.diag([3.0, 2.0, 1.0])])
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    drawn = project(ends @ turn + 100, ProjectionSpec("pca"), nobody)
    expected = [[3, 0], [0, 2], [0, 0], [3, 0], [0, 2], [0, 0]]
    np.testing.assert_allclose(np.abs(drawn.xy), expected, atol=1e-9)
    np.testing.assert_allclose(drawn.xy[:3], -drawn.xy[3:], atol=1e-9)
    assert drawn.explained == pytest.approx(13 / 14)


def test_pca_can_be_drawn_from_its_axes_and_new_windows_lie_between_those_they_lie_between():
    x = planted()[0]
    drawn = project(x, ProjectionSpec("pca"), nobody)
    np.testing.assert_allclose((x - drawn.centre) @ drawn.axes.T, drawn.xy, atol=1e-9)
    third = place(x, drawn.xy, ProjectionSpec("pca"), (x[:10] + 2 * x[10:20]) / 3)
    np.testing.assert_allclose(third, (drawn.xy[:10] + 2 * drawn.xy[10:20]) / 3, atol=1e-9)


def test_a_neighbour_map_claims_no_share_of_the_variance():
    drawn = project(planted()[0], ProjectionSpec("tsne"), nobody)
    assert drawn.explained is None
    assert drawn.shares == ()


def test_the_shares_of_the_directions_add_up_and_fall():
    shares = project(planted()[0], ProjectionSpec("pca"), nobody).shares
    assert len(shares) == 10
    assert list(shares) == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1


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


def test_repeated_windows_share_a_place_and_the_odd_one_stands_apart():
    """A machine that repeats its stroke exactly gives such embeddings."""
    x = np.tile(np.random.default_rng(0).normal(size=8), (50, 1))
    x[17] += 1
    xy = project(x, ProjectionSpec("pca"), nobody).xy
    others = np.delete(xy, 17, axis=0)
    assert np.linalg.norm(others - xy[17], axis=1).min() > 5 * np.linalg.norm(np.ptp(others, axis=0))


@pytest.mark.parametrize("method", MOVING)
def test_the_picture_moves_from_the_pca_map_and_progress_rises_to_the_total(method):
    x, ticks = planted(60)[0], []
    last = project(x, ProjectionSpec(method), lambda *tick: ticks.append(tick)).xy
    total = iterations(ProjectionSpec(method), 60)
    assert [done for done, _, _ in ticks] == list(range(10, total + 1, 10))
    assert {of for _, of, _ in ticks} == {total}
    assert (ticks[-1][2] == last).all()
    pictures = [xy for _, _, xy in ticks]
    assert all((a != b).any() for a, b in pairwise(pictures))


@pytest.mark.parametrize("method", MOVING)
def test_whoever_changes_a_picture_that_was_handed_over_changes_only_that(method):
    def scribble(_done: int, _total: int, xy: Floats | None) -> None:
        if _done < _total:
            xy[:] = np.nan

    x, spec = planted(40)[0], ProjectionSpec(method, stopped_after=40)
    assert (project(x, spec, scribble).xy == project(x, spec, nobody).xy).all()


@pytest.mark.parametrize("method", MOVING)
def test_a_run_that_is_stopped_ends_in_the_picture_that_was_shown_then(method):
    x, seen = planted(60)[0], {}
    project(x, ProjectionSpec(method), lambda done, _total, xy: seen.update({done: xy}))
    stopped = project(x, ProjectionSpec(method, stopped_after=120), nobody).xy
    assert (stopped == seen[120]).all()
    assert (stopped != seen[max(seen)]).any()


@pytest.mark.parametrize("method", MOVING)
def test_a_tick_that_raises_stops_the_drawing_at_once(method):
    class EnoughError(Exception):
        pass

    ticks: list[int] = []

    def cancel(done: int, _total: int, _xy: Floats | None) -> None:
        ticks.append(done)
        if done >= 100:
            raise EnoughError

    with pytest.raises(EnoughError):
        project(planted(30)[0], ProjectionSpec(method), cancel)
    assert ticks[-1] == 100


@pytest.mark.parametrize("method", METHODS)
def test_new_windows_are_placed_among_their_like_and_old_ones_where_they_are(method):
    x, group = planted(240)
    old, new = np.arange(240) % 4 != 0, np.arange(240) % 4 == 0
    spec = ProjectionSpec(method)
    xy = project(x[old], spec, nobody).xy
    there = place(x[old], xy, spec, x[new])

    def among(like: np.ndarray) -> float:
        nearest = np.linalg.norm(there[:, None] - xy[None], axis=2).argmin(axis=1)
        return float((group[old][nearest] == like).mean())

    assert among(np.random.default_rng(0).permutation(group[new])) < 0.5  # chance: one in three
    assert among(group[new]) > 0.95
    back = place(x[old], xy, spec, x[old][:20])
    assert np.median(np.linalg.norm(back - xy[:20], axis=1)) < 0.1 * np.ptp(xy, axis=0).max()
    assert place(x[old], xy, spec, x[:0]).shape == (0, 2)


def test_values_that_mislead_are_warned_of_and_usual_ones_are_not():
    def said(n: int, **how: object) -> list[str]:
        return [one.message.format(**one.facts) for one in advice(ProjectionSpec(**how), n)]

    assert all(said(n, method=method) == [] for method in METHODS for n in (50, 1000, 100_000))
    assert "60 neighbours are not possible with 100 stretches" in said(100, method="tsne", neighbours=60)[0]
    assert "With only 2 neighbours" in said(1000, method="tsne", neighbours=2)[0]
    assert "melt into one" in said(120, method="umap", neighbours=60)[0]
    assert "compare with PCA" in said(20, method="tsne")[-1]
    assert "tighter than they are" in said(1000, method="umap", min_distance=0.0)[0]
    assert "Stopped after 300 of 750 steps" in said(1000, method="tsne", stopped_after=300)[0]
    assert "rough map" in said(1000, method="tsne", stopped_after=100)[-1]
    assert said(1000, method="pca", neighbours=2) == []
    assert set(NOTES) == set(get_args(Method))


def test_an_unknown_projection_is_a_programming_error():
    with pytest.raises(ValueError, match="unknown projection"):
        ProjectionSpec("mds")


def test_a_trained_map_is_drawn_by_what_came_of_the_training_alone():
    x, spec = planted(60)[0], ProjectionSpec("trained", seed=3)

    def by_sums(vectors: Floats) -> Floats:
        return np.column_stack([vectors.sum(axis=1), vectors[:, 0]])

    drawn = project(x, spec, nobody, head=by_sums)
    np.testing.assert_array_equal(drawn.xy, by_sums(x))
    assert (drawn.explained, drawn.axes, advice(spec, 60), iterations(spec, 60)) == (None, None, [], 1)
    np.testing.assert_array_equal(place(x, drawn.xy, spec, x[:7], by_sums), drawn.xy[:7])
    with pytest.raises(ValueError, match="came of the training"):
        project(x, spec, nobody)
    with pytest.raises(ValueError, match="came of the training"):
        place(x, drawn.xy, spec, x[:7])


@pytest.mark.parametrize("method", METHODS)
def test_equal_float32_vectors_are_equal_however_many_there_are(method):
    """Their float32 mean drifts away from them, which looked like a picture."""
    with pytest.raises(UserError, match="looks the same"):
        project(np.full((200, 8), 0.1, np.float32), ProjectionSpec(method), lambda *_: None)
