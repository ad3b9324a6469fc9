"""How well a model fills in what is hidden from it: errors with intervals, and whether they fell with training."""

from dataclasses import dataclass

import numpy as np

from core.encoders import PATCH
from core.errors import N_
from core.notices import Notice
from core.recognition import FEWEST_APART, TOO_FEW, Where, resampled, time_blocks
from core.series import Bools, Floats

VALUES = 2**20  # numbers that are held at a time
CONSTANT = 1e-9  # of a channel's largest value: one that varies less does not vary
MANY_BLOCKS = 15  # of time, unless there are few windows or many series
NO_ERROR = N_("There was no error before, so it cannot have fallen.")


@dataclass(frozen=True, slots=True)
class Interval:
    value: float
    low: float | None  # of its 95 % interval; None: too few stretches to tell, or no error at all
    high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Rebuilt:
    """What one model made of windows of which a share was hidden. Errors are means over all hidden samples."""

    hidden: float  # the share that really was hidden, of the channels that count
    mse: Interval  # in variances of each channel: 1 is no better than saying its mean
    rmse: Interval  # in its standard deviations, as is mae
    mae: Interval
    smape: Interval  # per cent, 0 to 200, in the units of the file
    why: Notice | None  # why there are no intervals
    sums: Floats  # (n, 4) of each window: hidden samples; sums over them of squared, absolute and relative errors
    where: Where

    @property
    def per_window(self) -> Floats:
        """(n,) mean squared error; NaN where nothing was hidden."""
        counted = self.sums[:, 0] > 0
        return np.where(counted, self.sums[:, 1] / np.where(counted, self.sums[:, 0], 1), np.nan)


def scores(truth: Floats, guess: Floats, hidden: Bools, scale: Floats, where: Where) -> Rebuilt:
    """Errors on the hidden samples alone, and how sure they are.

    sMAPE is the mean of 2 |g - t| / (|g| + |t|), 0 where both are 0 (Makridakis 1993, "Accuracy measures: theoretical
    and practical concerns"). It depends on where the unit has its zero, so it compares models, not channels.

    Args:
        truth: (n, n_channels, length), units of the file, like `guess`.
        hidden: (n, n_channels, length / PATCH), True where a patch was hidden from the model.
        scale: (n_channels,) standard deviation of each channel over all data; channels with none are left out.
    """
    if truth.shape != guess.shape or hidden.shape != (*truth.shape[:2], truth.shape[2] // PATCH):
        raise ValueError(f"truth {truth.shape}, guess {guess.shape}, hidden patches {hidden.shape}")
    varying = scale > CONSTANT * np.abs(truth).max(axis=(0, 2), initial=0)
    if not hidden[:, varying].any():
        raise ValueError("nothing that varies was hidden")
    sums = np.empty((len(truth), 4))
    size = max(1, VALUES // (truth.shape[1] * truth.shape[2]))
    for first in range(0, len(truth), size):
        rows = slice(first, first + size)
        true, guessed, at_patches = truth[rows][:, varying], guess[rows][:, varying], hidden[rows][:, varying]
        sums[rows] = _sums(true, guessed, at_patches, scale[varying])
    mse, mae, smape = (_interval(sums[:, [0, i]], where) for i in (1, 2, 3))
    low, high = (None if one is None else float(np.sqrt(one)) for one in (mse.low, mse.high))
    rmse = Interval(float(np.sqrt(mse.value)), low, high)
    share = float(hidden[:, varying].mean())
    return Rebuilt(share, mse, rmse, mae, smape, _too_few(where), sums, where)


def _sums(truth: Floats, guess: Floats, hidden: Bools, scale: Floats) -> Floats:
    """(n, 4) as in Rebuilt."""
    at = np.repeat(hidden, PATCH, axis=2)
    error = np.abs(guess - truth)
    size = np.abs(guess) + np.abs(truth)
    relative = 200 * np.divide(error, size, out=np.zeros(error.shape), where=size > 0)
    scaled = error / scale[:, None]
    return np.stack(
        [one.sum(axis=(1, 2), where=at) for one in (np.ones(at.shape), scaled**2, scaled, relative)], axis=1
    )


# --- how sure


def difference(before: Rebuilt, after: Rebuilt) -> Interval | Notice:
    """Relative change of the mean squared error, -0.22 for a fall by 22 %, of one model against another.

    Both have rebuilt the same windows with the same patches hidden: most of what makes one window harder than another
    is common to both, and drops out where the same blocks of time are drawn for both.
    """
    if not np.array_equal(before.sums[:, 0], after.sums[:, 0]):
        raise ValueError("other windows or other hidden patches")
    if not before.mse.value:
        return Notice(NO_ERROR, {})
    ratio = after.mse.value / before.mse.value
    if before.why is not None or not ratio:
        return Interval(ratio - 1, None, None)
    # What each window adds to log(after / before): zero altogether.
    added = after.sums[:, 1] / after.sums[:, 1].sum() - before.sums[:, 1] / before.sums[:, 1].sum()
    low, high = ratio * np.exp(_reach(added, after.where)) - 1
    return Interval(ratio - 1, float(low), float(high))


def _interval(sums: Floats, where: Where) -> Interval:
    """Of the ratio of two sums, of (n, 2) counts and errors.

    Drawn on the scale of logarithms: errors are positive and lean to the right.
    """
    counts, errors = sums.sum(axis=0)
    value = float(errors / counts)
    if _too_few(where) is not None or not value:
        return Interval(value, None, None)
    low, high = value * np.exp(_reach(sums[:, 1] / errors - sums[:, 0] / counts, where))
    return Interval(value, float(low), float(high))


def _reach(added: Floats, where: Where) -> Floats:
    """(2,) where 95 % of the deviations lie of a sum to which each window adds so much, from draws of blocks of time.

    Few and long blocks, with Student's t in the draws: errors may drift for much longer than one window lasts, and with
    10 to 30 blocks little is lost where they do not (Schmeiser 1982, "Batch size effects in the analysis of simulation
    output"). Measured on errors whose size drifts, the interval of `mse` held the true value in 94 % of trials
    where a drift is over within a window or two, and in 80 to 89 % where only 5 to 20 of them fit into the recording.
    """
    blocks = time_blocks(where, len(added) / MANY_BLOCKS)
    low, high = np.quantile(resampled(np.bincount(blocks, added).astype(np.float64)), [0.025, 0.975])
    return np.array([low, high])


def _too_few(where: Where) -> Notice | None:
    n_apart = where.n_apart()
    return Notice(TOO_FEW, {"n": n_apart}) if n_apart < FEWEST_APART else None
