"""Errors are those of the hidden samples, and an interval holds the true error about as often as it says."""

import numpy as np
import pytest
from scipy.signal import lfilter

from core import rebuilding
from core.encoders import PATCH
from core.notices import Notice
from core.rebuilding import NO_ERROR, difference, scores
from core.recognition import TOO_FEW, Where

LENGTH = 4 * PATCH


def line_up(n: int, stride: int = LENGTH, n_series: int = 1) -> Where:
    each = n // n_series
    return Where(np.repeat(np.arange(n_series), each), np.tile(np.arange(each) * stride, n_series), LENGTH)


def cut(recording: np.ndarray, where: Where) -> np.ndarray:
    """(n, 1, LENGTH) windows of an (n_series, n_samples) recording."""
    return recording[where.series[:, None], where.start[:, None] + np.arange(LENGTH)][:, None]


def masks(n: int, n_channels: int = 1, seed: int = 0) -> np.ndarray:
    """One of four patches is hidden."""
    return np.random.default_rng(seed).random((n, n_channels, 4)).argsort(axis=2) < 1


def loudness(where: Where, seed: int, memory: float = 0.9) -> np.ndarray:
    """(n_series, n_samples) by how much errors are larger at some times than at others: it drifts."""
    noise = np.random.default_rng([seed, 1]).normal(size=(where.series.max() + 1, where.start.max() + LENGTH + 200))
    return np.exp(0.5 * lfilter([np.sqrt(1 - memory**2)], [1, -memory], noise)[:, 200:])


def errors(where: Where, seed: int) -> np.ndarray:
    """Windows of errors whose mean square is that of the loudness: e^0.5."""
    loud = loudness(where, seed)
    return cut(loud * np.random.default_rng([seed, 2]).normal(size=loud.shape), where)


def plain(error: np.ndarray, where: Where, hidden: np.ndarray | None = None) -> rebuilding.Rebuilt:
    return scores(np.zeros_like(error), error, masks(len(error)) if hidden is None else hidden, np.ones(1), where)


# --- the errors


def test_errors_are_those_worked_out_by_hand():
    """Two windows of two channels and two patches: 8 samples hidden with an error of 2, and 8 with one of 30."""
    truth, hidden = np.ones((2, 2, 16)), np.zeros((2, 2, 2), bool)
    truth[:, 1] = 10
    guess = truth + 100  # of what is not hidden, nobody asks
    hidden[0, 0, 1], hidden[1, 1, 0] = True, True
    guess[0, 0, 8:], guess[1, 1, :8] = 3, 40
    found = scores(truth, guess, hidden, np.array([1.0, 10.0]), line_up(2))
    assert found.hidden == 0.25
    assert found.mse.value == pytest.approx((2**2 + 3**2) / 2)
    assert found.rmse.value == pytest.approx(np.sqrt(6.5))
    assert found.mae.value == pytest.approx((2 + 3) / 2)
    assert found.smape.value == pytest.approx(100 * (2 * 2 / 4 + 2 * 30 / 50) / 2)
    np.testing.assert_allclose(found.per_window, [4, 9])


def test_saying_the_mean_is_an_error_of_one_and_all_right_is_none():
    x = np.random.default_rng(0).normal(7, 3, (200, 1, LENGTH))
    hidden, scale = np.ones((200, 1, 4), bool), x.std(axis=(0, 2))
    assert scores(x, np.full_like(x, x.mean()), hidden, scale, line_up(200)).mse.value == pytest.approx(1)
    right = scores(x, x, hidden, scale, line_up(200))
    assert (right.mse.value, right.smape.value, right.mse.low) == (0, 0, None)
    silent = scores(0 * x, 0 * x, hidden, scale, line_up(200))
    assert silent.smape.value == 0  # not 0 / 0


def test_a_unit_changes_nothing_and_a_zero_elsewhere_only_what_is_relative():
    where, rng = line_up(60), np.random.default_rng(0)
    truth = rng.normal(size=(60, 2, LENGTH)) * [[[1], [50]]] + 5
    guess, scale, unit = truth + rng.normal(size=truth.shape), truth.std(axis=(0, 2)), np.array([1000.0, 0.01])
    one = scores(truth, guess, masks(60, 2), scale, where)
    other = scores(truth * unit[:, None], guess * unit[:, None], masks(60, 2), scale * unit, where)
    moved = scores(truth + 400, guess + 400, masks(60, 2), scale, where)
    for name in ("mse", "rmse", "mae", "smape"):
        a, b, c = (getattr(found, name) for found in (one, other, moved))
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))
        assert (a.value == pytest.approx(c.value)) == (name != "smape")


def test_a_channel_that_stands_still_is_left_out():
    where, error = line_up(60), errors(line_up(60), 0)
    still = np.full_like(error, 0.1)
    truth, guess = np.hstack([np.zeros_like(error), still]), np.hstack([error, still + 9])
    hidden = np.hstack([masks(60), np.ones((60, 1, 4), bool)])
    found = scores(truth, guess, hidden, np.array([1.0, still.std()]), where)
    assert found.mse == plain(error, where).mse
    assert found.hidden == 0.25


def test_many_windows_are_taken_some_at_a_time(monkeypatch):
    where = line_up(60)
    whole = plain(errors(where, 0), where)
    monkeypatch.setattr(rebuilding, "VALUES", 7 * LENGTH)
    assert plain(errors(where, 0), where).mse == whole.mse


def test_nothing_hidden_or_shapes_that_do_not_fit_are_mistakes_of_ours():
    x = np.zeros((3, 1, LENGTH))
    with pytest.raises(ValueError, match="hidden"):
        scores(x, x, np.zeros((3, 1, 4), bool), np.ones(1), line_up(3))
    with pytest.raises(ValueError, match="hidden"):
        scores(x, x, np.ones((3, 1, 4), bool), np.zeros(1), line_up(3))
    with pytest.raises(ValueError, match="patches"):
        scores(x, x, np.ones((3, 1, 5), bool), np.ones(1), line_up(3))


# --- how sure


@pytest.mark.parametrize(("n", "stride", "n_series"), [(248, 8, 1), (120, 16, 4)])
def test_intervals_hold_the_true_error_as_often_as_they_say(n, stride, n_series):
    """Windows overlap, and errors drift: windows taken for independent hold it much more rarely."""
    where, held, naive = line_up(n, stride, n_series), [], []
    for seed in range(200):
        found = plain(errors(where, seed), where, masks(n, seed=seed))
        held.append(found.mse.low <= np.exp(0.5) <= found.mse.high)
        spread = 1.96 * found.per_window.std() / np.sqrt(n)
        naive.append(abs(found.mse.value - np.exp(0.5)) <= spread)
    assert 0.90 <= np.mean(held) <= 0.99
    assert np.mean(naive) < np.mean(held) - 0.05


def test_intervals_hold_the_true_change_as_often_as_they_say():
    """After training, errors are 0.8 times as large at each time, on average; some windows got worse."""
    where, held = line_up(120, 16), []
    for seed in range(200):
        before = errors(where, seed)
        after = 0.8 * before
        after *= np.exp(0.2 * np.random.default_rng(seed).normal(size=(120, 1, 1)) - 0.04)
        found = difference(plain(before, where), plain(after, where))
        held.append(found.low <= 0.64 - 1 <= found.high)
    assert 0.90 <= np.mean(held) <= 0.99


def test_what_is_common_to_both_drops_out_of_a_change():
    """The change is sure where each of the two errors is not."""
    where = line_up(248, 8)
    error = errors(where, 0)
    before, after = plain(error, where), plain(0.9 * error + 0.05 * errors(where, 1), where)
    change = difference(before, after)
    unpaired = [np.log(one.mse.high / one.mse.low) for one in (before, after)]
    assert np.log((1 + change.high) / (1 + change.low)) < 0.3 * np.hypot(*unpaired)
    assert change.low < change.value < change.high < 0
    assert change.value == pytest.approx(after.mse.value / before.mse.value - 1)


def test_models_that_do_alike_do_not_differ():
    where = line_up(200, 16)
    found = difference(plain(errors(where, 0), where), plain(errors(where, 0)[:, :, ::-1], where))
    assert found.low < 0 < found.high
    same = plain(errors(where, 0), where)
    assert (difference(same, same).value, difference(same, same).low, difference(same, same).high) == (0, 0, 0)


def test_too_few_windows_have_errors_but_no_interval():
    """However many there are of them, if they share their samples."""
    for where in (line_up(1), line_up(19), line_up(100, 4)):
        found = plain(errors(where, 0), where)
        assert isinstance(found.why, Notice)
        assert found.why.message == TOO_FEW
        assert found.mse.value > 0
        assert found.mse.low is found.rmse.high is found.smape.low is None
        change = difference(found, plain(errors(where, 1), where))
        assert change.low is change.high is None
    assert plain(errors(line_up(20), 0), line_up(20)).why is None


def test_a_change_is_of_the_same_hidden_samples_and_of_errors_that_there_were():
    where = line_up(60)
    error = errors(where, 0)
    other = masks(60)
    other[0] = True
    with pytest.raises(ValueError, match="other"):
        difference(plain(error, where), plain(error, where, other))
    assert difference(plain(0 * error, where), plain(error, where)) == Notice(NO_ERROR, {})
    assert difference(plain(error, where), plain(0 * error, where)).value == -1
