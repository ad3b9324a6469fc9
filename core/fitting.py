"""Steps, fitted on the training part of the data, then applied to it and later to new data.

What a step learns is its state: numbers, ready for JSON; {} where there is nothing to learn. No number depends on what
lies after the training part. What is no statistic does: a gap is filled from both sides, a centred window looks half
its width ahead, and a season is taken from the whole series.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core import signals
from core.errors import N_, UserError
from core.series import Bools, Floats, Series
from core.steps import (
    Bend,
    Deseason,
    Detrend,
    Impute,
    Over,
    Resample,
    Scale,
    Scaling,
    Smooth,
    Step,
    Winsorise,
    check_order,
)

Fill = Callable[[Floats, Bools], Floats]  # values (n, c) with NaN, cells to fill (n, c) → values with those filled
State = dict[str, dict[str, list[float]]]  # which series → channel → numbers

FLAT = 1e-12  # a spread below this share of the largest value is rounding, not a signal
STEEPEST = 5.0  # Box-Cox's L; beyond it, values outside the training part run off to infinity


# --- a whole preparation


def prepare(
    series: Sequence[Series], steps: Sequence[Step], training: float, fill: Fill | None = None
) -> tuple[list[Series], list[State]]:
    """Fit and apply one step after the other.

    Args:
        training: in (0, 1], the share of each series from its start that statistics may see.
        fill: what a model puts into gaps, for Impute("model").
    """
    check_order(steps)
    _check_values(series)
    done, states = list(series), []
    for step in steps:
        states.append(fit(step, done, training))
        done = apply(step, states[-1], done, fill)
    return done, states


def replay(
    series: Sequence[Series], steps: Sequence[Step], states: Sequence[State], fill: Fill | None = None
) -> list[Series]:
    """The same again, with what was learnt then."""
    _check_values(series)
    done = list(series)
    for step, state in zip(steps, states, strict=True):
        done = apply(step, state, done, fill)
    return done


def _check_values(series: Sequence[Series]) -> None:
    for one in series:
        empty = [name for name, x in zip(one.channels, one.values.T, strict=True) if np.isnan(x).all()]
        if empty:
            raise UserError(
                N_("“{channel}” has no values at all."),
                N_("Leave it out on the Data screen, or upload a file that has values for it."),
                channel=empty[0],
            )


# --- learning


def training_length(n: int, training: float) -> int:
    """How many samples from its start a series of n gives to the training part: 2 at least, where it has them."""
    return min(n, max(2, round(training * n)))


def fit(step: Step, series: Sequence[Series], training: float) -> State:
    """What a step learns from the first `training` of each series.

    Raises:
        UserError: a channel has fewer than 2 values there, or some that the step cannot take.
    """
    if not 0 < training <= 1:
        raise ValueError(f"a training part of {training}")
    if shared_by(step) is None:
        return {}
    pools: dict[str, dict[str, list[Floats]]] = {}
    for i, one in enumerate(series):
        part = one.values[: training_length(len(one.values), training)]
        pool = pools.setdefault(group_of(step, i, one), {})
        for c, channel in enumerate(one.channels):
            pool.setdefault(channel, []).append(part[:, c])
    return {
        group: {channel: _learnt(step, np.concatenate(parts), channel) for channel, parts in pool.items()}
        for group, pool in pools.items()
    }


def shared_by(step: Step) -> Over | None:
    """Which series share what a step learns: each its own, those of one line or site, all. None: it learns nothing."""
    match step:
        case Winsorise():
            return step.over
        case Scale():
            return None if step.over == "window" else step.over
        case Detrend(method="linear"):
            return "series"
        case Bend(method="box-cox"):
            return "all"
        case _:
            return None


def group_of(step: Step, i: int, one: Series) -> str:
    """The name under which the i-th series finds its numbers, in new data too: the second those of the second."""
    return {"series": str(i), "domain": one.domain or ""}.get(shared_by(step) or "all", "all")


def _learnt(step: Step, x: Floats, channel: str) -> list[float]:
    known = x[~np.isnan(x)]
    if len(known) < 2:
        raise UserError(
            N_("“{channel}” has fewer than 2 values in the training part, too few to learn from."),
            N_("Make the training part longer, or leave this channel out on the Data screen."),
            channel=channel,
        )
    match step:
        case Winsorise():
            numbers = np.quantile(known, [step.share, 1 - step.share])
        case Detrend():
            numbers = _line(x)
        case Scale():
            numbers = np.concatenate(_centre_and_spread(known, step.method))
        case Bend():
            _check_positive(known, channel)
            numbers = _normalising(known)
        case _:
            raise ValueError(f"{step} learns nothing")
    return [float(number) for number in numbers]


def _line(x: Floats) -> Floats:
    """(2,) intercept and slope a sample of the least squares line over the sample number."""
    at, known = np.arange(len(x)), ~np.isnan(x)
    t, y = at[known] - at[known].mean(), x[known]
    slope = t @ (y - y.mean()) / (t @ t)
    return np.array([y.mean() - slope * at[known].mean(), slope])


def _centre_and_spread(values: Floats, method: Scaling) -> tuple[Floats, Floats]:
    """(…, n) with a value in every row → both (…, 1). The spread is 0 where it is only rounding."""
    if method == "z-score":
        centre, spread = np.nanmean(values, axis=-1, keepdims=True), np.nanstd(values, axis=-1, keepdims=True)
    elif method == "min-max":
        centre = np.nanmin(values, axis=-1, keepdims=True)
        spread = np.nanmax(values, axis=-1, keepdims=True) - centre
    else:
        quantile = np.nanquantile if np.isnan(values).any() else np.quantile  # the latter is much faster
        low, centre, high = quantile(values, [0.25, 0.5, 0.75], axis=-1, keepdims=True)
        spread = high - low
    largest = np.nanmax(np.abs(values), axis=-1, keepdims=True)
    return centre, np.where(spread <= FLAT * np.maximum(1, largest), 0.0, spread)


def _normalising(known: Floats) -> Floats:
    """(2,) Box-Cox's L, and the geometric mean that values are divided by first."""
    from scipy.optimize import minimize_scalar
    from scipy.stats import boxcox_normmax

    def bounded(badness: Callable[[float], float]) -> object:
        return minimize_scalar(badness, bounds=(-STEEPEST, STEEPEST), method="bounded", options={"xatol": 1e-8})

    mean = np.exp(np.log(known).mean())
    if np.ptp(known / mean) <= FLAT:  # a constant is as normal after any L
        return np.array([1.0, mean])
    # Every k-th in order of size is the same distribution, and a million values would take seconds a channel.
    some = np.sort(known / mean)[:: 1 + len(known) // 100_000]
    return np.array([boxcox_normmax(some, method="mle", optimizer=bounded), mean])


def _check_positive(x: Floats, channel: str) -> None:
    if (x <= 0).any():
        raise UserError(
            N_("“{channel}” goes down to {smallest:g}, but to bend a scale every value must be above 0."),
            N_("Leave out the step that bends the scale, or leave this channel out on the Data screen."),
            channel=channel,
            smallest=float(np.nanmin(x)),
        )


# --- doing


def apply(step: Step, state: State, series: Sequence[Series], fill: Fill | None = None) -> list[Series]:
    """Do a step to every series, by what `fit` learnt.

    Raises:
        UserError: nothing was learnt for a series or a channel, or the step does not fit the data.
    """
    match step:
        case Impute():
            return [_imputed(step, one, fill) for one in series]
        case Resample():
            return [signals.on_grid(one, step.seconds, step.method) for one in series]
        case Smooth():
            how = {"median": signals.medians, "exponential": signals.exponential, "savgol": signals.parabolas}
            return [_each(one, lambda x: how[step.method](x, step.width)) for one in series]
        case Deseason():
            for one in series:
                _check_periods(step, len(one.values))
            return [_each(one, lambda x: signals.deseasoned(x, step.periods, step.method)) for one in series]
        case Detrend(method="difference"):
            return [signals.differenced(one) for one in series]
        case Scale(over="window"):
            return list(series)
        case Bend():
            return [_bent(step, state, i, one) for i, one in enumerate(series)]
        case _:
            return [_by_numbers(step, _recalled(step, state, i, one), one) for i, one in enumerate(series)]


def _each(one: Series, change: Callable[[Floats], Floats]) -> Series:
    columns = [change(np.ascontiguousarray(one.values[:, c])) for c in range(len(one.channels))]
    return replace(one, values=np.column_stack(columns))


def _imputed(step: Impute, one: Series, fill: Fill | None) -> Series:
    gaps = signals.short_gaps(np.isnan(one.values), step.longest)
    if step.method == "model":
        if fill is None:
            raise ValueError("Impute('model') needs a function that fills")
        made = fill(one.values.copy(), gaps) if gaps.any() else one.values
        if made.shape != gaps.shape:
            raise ValueError(f"values {gaps.shape} came back as {made.shape}")
    else:
        ways: dict[str, Callable[[Floats, Bools], Floats]] = {
            "linear": signals.bridged,
            "forward": signals.carried,
            "seasonal": lambda x, gap: signals.in_season(x, gap, step.period),
        }
        columns = zip(one.values.T, gaps.T, strict=True)
        made = np.column_stack([ways[step.method](x, gap) for x, gap in columns])
    values = np.where(gaps, made, one.values)
    new = gaps & ~np.isnan(values)
    if not new.any():
        return one
    return replace(one, values=values, filled=new if one.filled is None else one.filled | new)


def _check_periods(step: Deseason, n: int) -> None:
    """MSTL drops a period, with no more than a warning, that is not less than half as long as the series."""
    longest = (n - 1) // 2 if step.method == "mstl" else n // 2
    if max(step.periods) > longest:
        raise UserError(
            N_("A series of {n} samples is too short to show a season of {period} twice."),
            N_("Choose a period of {longest} samples or less, or leave out the step that takes out seasons."),
            n=n,
            period=max(step.periods),
            longest=longest,
        )


def _recalled(step: Step, state: State, i: int, one: Series) -> Floats:
    """(k, n_channels): the numbers that were learnt for this series."""
    channels = state.get(group_of(step, i, one))
    if channels is None and shared_by(step) == "series":
        raise UserError(
            N_("This preparation was set up on {n} series, and here are more."),
            N_("Set it up again on this data, or choose steps that look at a line or at all series together."),
            n=len(state),
        )
    if channels is None:
        raise UserError(
            N_("This preparation was set up without “{domain}”."),
            N_("Set it up again with data of it, or choose steps that look at all series together."),
            domain=one.domain or "–",
        )
    for channel in one.channels:
        if channel not in channels:
            raise UserError(
                N_("This preparation was set up without the channel “{channel}”."),
                N_("Choose the channels that it was set up on, or set it up again on this data."),
                channel=channel,
            )
    return np.array([channels[channel] for channel in one.channels]).T


def _by_numbers(step: Step, numbers: Floats, one: Series) -> Series:
    first, second = numbers  # each (n_channels,)
    match step:
        case Winsorise():
            return replace(one, values=np.clip(one.values, first, second))
        case Detrend():
            return replace(one, values=one.values - (first + second * np.arange(len(one.values))[:, None]))
        case Scale():
            return replace(one, values=_scaled(one.values, first, second))
    raise ValueError(f"{step} has no numbers")


def _bent(step: Bend, state: State, i: int, one: Series) -> Series:
    from scipy.special import boxcox

    for channel, x in zip(one.channels, one.values.T, strict=True):
        _check_positive(x, channel)
    if step.method == "log":
        return replace(one, values=np.log(one.values))
    steep, mean = _recalled(step, state, i, one)
    return replace(one, values=boxcox(one.values / mean, steep))


def _scaled(values: Floats, centre: Floats, spread: Floats) -> Floats:
    off = values - centre
    still = np.where(np.abs(off) <= FLAT * np.maximum(1, np.abs(centre)), 0.0, off)
    return np.where(spread > 0, off / np.where(spread > 0, spread, 1.0), still)


def scale_windows(values: Floats, method: Scaling) -> Floats:
    """Each channel of each window by its own centre and spread.

    Args:
        values: (n_windows, n_channels, length), NaN where missing.

    Returns:
        The same shape.
    """
    nothing = np.isnan(values).all(axis=-1, keepdims=True)
    return _scaled(values, *_centre_and_spread(np.where(nothing, 0.0, values), method))
