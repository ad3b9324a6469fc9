"""Which windows belong together, and which must not be set against each other: answers that can be seen."""

import numpy as np
import pytest

from core.lessons import EACH, NEIGHBOURS, Examples, Pairs, by_label, by_map, by_time, by_turns, several


def windows(series: list[int], start: list[int], label: list[str] | None = None) -> Examples:
    """Of 16 samples."""
    n = len(series)
    return Examples(
        np.zeros((n, 1, 16)), np.array(series), np.array(start), None if label is None else np.array(label, dtype=str)
    )


def partners(pairs: Pairs, n: int) -> list[set[int]]:
    """All that are ever drawn for each window."""
    rng = np.random.default_rng(0)
    drawn = np.array([pairs.drawn(rng, np.arange(n)) for _ in range(200)])
    return [set(column.tolist()) for column in drawn.T]


def together(pairs: Pairs, n: int) -> np.ndarray:
    return pairs.together(np.arange(n), np.arange(n)).astype(int)


def test_in_time_a_window_belongs_to_the_one_before_and_the_one_after_in_its_own_series():
    of = windows([0, 1, 0, 1, 0, 2], [20, 0, 0, 20, 40, 0])  # in any order
    pairs = by_time(of)
    assert partners(pairs, 6) == [{2, 4}, {3}, {0}, {1}, {0}, {5}]


def test_a_gap_in_time_ends_what_belongs_together():
    pairs = by_time(windows([0] * 6, [0, 16, 32, 500, 516, 532]))
    assert partners(pairs, 6) == [{1}, {0, 2}, {1}, {4}, {3, 5}, {4}]
    np.testing.assert_array_equal(together(pairs, 6), np.kron(np.eye(2), [[1, 1, 0], [1, 1, 1], [0, 1, 1]]))


def test_of_windows_that_overlap_all_up_to_the_next_one_belong_together():
    """The very next one shares nearly all its samples: to know it again is nothing to learn."""
    pairs = by_time(windows([0] * 40, list(range(0, 160, 4))))
    assert partners(pairs, 40)[20] == {16, 17, 18, 19, 21, 22, 23, 24}


def test_windows_that_share_samples_are_not_set_against_each_other():
    of = windows([0, 0, 0, 1], [0, 4, 19, 4], ["a", "b", "c", "d"])
    expected = [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(together(by_label(of), 4), expected)
    assert together(by_time(of), 4)[3].tolist() == [0, 0, 0, 1]


def test_of_one_label_all_belong_together_and_each_is_drawn_alike():
    of = windows(list(range(7)), [0] * 7, ["a", "b", "a", "b", "a", "a", "c"])
    pairs = by_label(of)
    assert partners(pairs, 7) == [{2, 4, 5}, {3}, {0, 4, 5}, {1}, {0, 2, 5}, {0, 2, 4}, {6}]
    rng = np.random.default_rng(0)
    drawn = np.array([pairs.drawn(rng, np.array([0]))[0] for _ in range(3000)])
    np.testing.assert_allclose([(drawn == one).mean() for one in (2, 4, 5)], 1 / 3, atol=0.03)
    label = of.label
    np.testing.assert_array_equal(together(pairs, 7), label[:, None] == label)


def test_nobody_knows_what_a_window_without_a_label_is_like():
    """It is drawn for itself alone; and it may be of any kind, so it is set against none."""
    of = windows(list(range(4)), [0] * 4, ["a", "", "a", ""])
    pairs = by_label(of)
    assert partners(pairs, 4) == [{2}, {1}, {0}, {3}]
    np.testing.assert_array_equal(together(pairs, 4), np.ones((4, 4)))


def test_on_a_map_near_windows_belong_together_and_far_ones_do_not():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 40)
    pairs = by_map(rng.normal(size=(80, 8)) + 20 * group[:, None])
    same = together(pairs, 80)
    assert (same == same.T).all()
    assert same.diagonal().all()
    assert not same[group[:, None] != group].any()
    assert NEIGHBOURS < same.sum(axis=1).mean() < 2 * NEIGHBOURS + 1
    for i, drawn in enumerate(partners(pairs, 80)):
        assert i not in drawn
        assert same[i, list(drawn)].all()


@pytest.mark.parametrize("n", [2, 3, 15])
def test_a_map_of_few_windows_has_them_all_as_neighbours(n):
    pairs = by_map(np.random.default_rng(0).normal(size=(n, 4)))
    assert all(i not in drawn and drawn for i, drawn in enumerate(partners(pairs, n)))


def test_equal_windows_can_be_on_a_map():
    assert len(partners(by_map(np.zeros((20, 4))), 20)) == 20


# --- lines and sites


def test_of_a_rare_line_a_batch_has_as_many_windows_as_of_a_common_one():
    domain = np.repeat([0, 1], [1000, 5])
    rows = by_turns(np.random.default_rng(0), domain, 64, at_once=16)
    for piece in np.split(rows, 4):
        assert np.bincount(domain[piece]).tolist() == [8, 8]
        assert set(piece[domain[piece] == 1]) == set(range(1000, 1005))  # all there are before any comes again


@pytest.mark.parametrize(("n", "at_once"), [(8, 8), (9, 8), (17, 16), (64, 64), (500, 64), (4, 16)])
@pytest.mark.parametrize("n_domains", [2, 3, 40])
def test_every_piece_of_a_batch_has_two_windows_of_each_of_at_least_two_lines(n, at_once, n_domains):
    domain = np.arange(400) % n_domains
    for seed in range(5):
        rows = by_turns(np.random.default_rng(seed), domain, n, at_once)
        assert len(rows) == n
        for piece in np.array_split(rows, -(-n // at_once)):
            counts = [len(set(piece[domain[piece] == one])) for one in np.unique(domain[piece])]
            assert len(counts) >= 2
            assert min(counts) >= 2


def test_of_many_lines_a_batch_has_few_with_several_windows_each_and_in_time_all():
    domain, rng = np.arange(400) % 40, np.random.default_rng(0)
    drawn = [np.bincount(domain[by_turns(rng, domain, 64, 64)], minlength=40) for _ in range(100)]
    assert all(set(one) == {0, EACH} for one in drawn)
    often = np.sum([one > 0 for one in drawn], axis=0)
    np.testing.assert_allclose(often, 20, atol=15)  # 8 of 40, drawn 100 times; 15 is almost four deviations


def test_a_line_of_one_window_cannot_be_compared():
    assert not several(np.array([0, 0, 0, 1, 2]))
    assert several(np.array([0, 0, 1, 1, 2]))
    rows = by_turns(np.random.default_rng(0), np.array([0, 0, 1, 1, 2]), 100, 10)
    assert set(rows) == {0, 1, 2, 3}
