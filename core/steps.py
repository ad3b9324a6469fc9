"""The steps of a preparation: what they are, checked as they are made. core/fitting.py does them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from core.errors import N_, UserError
from core.signals import Grid, Season

Filling = Literal["linear", "forward", "seasonal", "model"]
Smoothing = Literal["median", "exponential", "savgol"]
Trend = Literal["linear", "difference"]
Scaling = Literal["z-score", "min-max", "robust"]
Over = Literal["window", "series", "domain", "all"]
Bending = Literal["log", "box-cox"]


def _check_code(value: str, known: object) -> None:
    if value not in get_args(known):
        raise ValueError(f"{value!r} is none of {get_args(known)}")


@dataclass(frozen=True, slots=True)
class Impute:
    """Fill gaps of up to `longest` samples; a longer one stays whole. What is filled is marked in Series.filled.

    linear: a straight line over the sample number between the neighbours; a gap at an end of the series stays.
    forward: the last known value; a gap at the start stays.
    seasonal: as the same phase of the period elsewhere, at the level around the gap; see signals.in_season.
    model: what a function makes of it that is handed to `apply`.
    """

    method: Filling
    longest: int  # samples
    period: int = 0  # samples, for seasonal
    source: str = ""  # for model: a MOMENT's folder or name on the hub; "": the compact one that comes with the app

    def __post_init__(self) -> None:
        _check_code(self.method, Filling)
        if self.longest < 1:
            raise UserError(
                N_("Filling gaps of up to {longest} samples fills none."), N_("Choose 1 or more."), longest=self.longest
            )
        if self.method == "seasonal" and self.period < 2:
            raise UserError(
                N_("To fill gaps by season, the length of a season must be known."),
                N_("Choose a period of 2 samples or more, for example 24 for hourly values and a daily rhythm."),
            )


@dataclass(frozen=True, slots=True)
class Resample:
    """One sample every `seconds` from the first stamp on, by the clock, or by Series.step where there is none.

    mean: of the samples from a grid point up to the next; NaN where there is none.
    linear: on the line between the known samples on either side; NaN where they lie further apart than 1.5 steps, of
        the grid or of the channel, whichever is longer (signals.REACH says why). Samples of one stamp are averaged.
    nearest: the known sample within half a step, of two the earlier; else NaN.
    A point is filled where any sample that made it was. Its label is the last one so far; for the mean, where there are
    samples, the commonest one among them, of several the first.
    """

    seconds: float
    method: Grid

    def __post_init__(self) -> None:
        _check_code(self.method, Grid)
        if not 0 < self.seconds < np.inf:
            raise UserError(
                N_("An even grid with {seconds} seconds between its points does not exist."),
                N_("Choose a number of seconds above 0."),
                seconds=self.seconds,
            )


@dataclass(frozen=True, slots=True)
class Smooth:
    """Smooth each run of known values by itself: missing values stay missing and never spread.

    median: centred; the window shrinks towards the ends of a run.
    exponential: a weighted mean of all values so far, the newest with 2 / (width + 1); it looks at no later value.
    savgol: Savitzky and Golay's, a parabola over `width` samples; a run shorter than that stays as it is.
    """

    method: Smoothing
    width: int  # samples

    def __post_init__(self) -> None:
        _check_code(self.method, Smoothing)
        if self.method == "exponential" and self.width < 2:
            raise UserError(
                N_("Smoothing over {width} samples changes nothing."), N_("Choose 2 or more."), width=self.width
            )
        if self.method != "exponential" and (self.width < 3 or self.width % 2 == 0):
            raise UserError(
                N_("A window of {width} samples has no middle to put the smoothed value at."),
                N_("Choose an odd number of 3 or more."),
                width=self.width,
            )


@dataclass(frozen=True, slots=True)
class Winsorise:
    """Draw the most extreme values in, to the quantiles `share` and 1 - `share` of the training part."""

    share: float  # of the samples, at each end
    over: Literal["series", "domain", "all"] = "domain"  # quantiles of what; over all, a hot line would lose its peaks

    def __post_init__(self) -> None:
        _check_code(self.over, Literal["series", "domain", "all"])
        if not 0 < self.share < 0.5:
            raise UserError(
                N_("A share of {share:g} at each end cannot be drawn in."),
                N_("Choose more than 0 and less than 0.5, for example 0.01."),
                share=self.share,
            )


@dataclass(frozen=True, slots=True)
class Detrend:
    """linear: subtract the least squares line over the sample number of a series' training part, throughout. In new
    data each series gets the line of the one at its place.
    difference: each value less the one before; the first one has none and becomes NaN, so that times stay.
    """

    method: Trend

    def __post_init__(self) -> None:
        _check_code(self.method, Trend)


@dataclass(frozen=True, slots=True)
class Deseason:
    """Subtract what repeats, by statsmodels' STL (one period) or MSTL (several), both robust against outliers.

    The season of a sample is taken from the whole series, so the training part knows of what follows.
    """

    method: Season
    periods: tuple[int, ...]  # samples

    def __post_init__(self) -> None:
        _check_code(self.method, Season)
        if not self.periods or min(self.periods) < 2:
            raise UserError(
                N_("To take a season out, its length must be known."),
                N_("Choose a period of 2 samples or more, for example 24 for hourly values and a daily rhythm."),
            )
        if self.method == "stl" and len(self.periods) > 1:
            raise UserError(N_("STL takes out one season only."), N_("Choose one period, or MSTL for several."))


@dataclass(frozen=True, slots=True)
class Scale:
    """Bring channels to one scale: (value - centre) / spread, both of the training part.

    z-score: mean and standard deviation. min-max: minimum and range. robust: median and interquartile range.
    Where there is no spread (for robust: where half of the values are the same), the centre becomes 0, not noise, and
    what differs from it keeps its unit.
    Over windows each is scaled by itself, which `scale_windows` does once they are cut; `apply` leaves it alone.
    """

    method: Scaling
    over: Over

    def __post_init__(self) -> None:
        _check_code(self.method, Scaling)
        _check_code(self.over, Over)


@dataclass(frozen=True, slots=True)
class Bend:
    """Make large values less large; both need values above 0.

    log: the natural logarithm. box-cox: (u^L - 1) / L with u = value / geometric mean and the L, from -5 to 5, that
    makes the training part most like a normal distribution; one for all series. The mean only shifts and stretches the
    result, and keeps values that lie close together far from 0 apart.
    Source: Box & Cox 1964, "An Analysis of Transformations".
    """

    method: Bending

    def __post_init__(self) -> None:
        _check_code(self.method, Bending)


Step = Impute | Resample | Smooth | Winsorise | Detrend | Deseason | Bend | Scale
KINDS: dict[str, type[Step]] = {  # in the order in which they usually make sense
    "resample": Resample,
    "impute": Impute,
    "winsorise": Winsorise,
    "smooth": Smooth,
    "bend": Bend,
    "detrend": Detrend,
    "deseason": Deseason,
    "scale": Scale,
}


def to_json(step: Step) -> dict[str, Any]:
    [kind] = [name for name, cls in KINDS.items() if cls is type(step)]
    return {"kind": kind} | {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(step).items()}


def from_json(d: Mapping[str, Any]) -> Step:
    """The step that `to_json` made this of.

    Raises:
        UserError: a later version made it, which knows other steps.
    """
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in d.items() if k != "kind"}
    try:
        return KINDS[d["kind"]](**given)
    except (KeyError, TypeError, ValueError) as e:
        raise UserError(
            N_("The file holds a preparation step that this version does not know: {step}."),
            N_("Update the app, or choose the preparation again."),
            step=d,
        ) from e


def keeps_samples(step: Step) -> bool:
    """Whether sample i is the same moment before and after, so that the two can be compared one by one."""
    return not isinstance(step, Resample)


def check_order(steps: Sequence[Step]) -> None:
    if any(isinstance(step, Scale) and step.over == "window" for step in steps[:-1]):
        raise UserError(
            N_("Each stretch can be scaled by itself only after everything else, when the series are cut."),
            N_("Make this scaling the last step, or scale over the whole series."),
        )
