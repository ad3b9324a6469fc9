"""What a pilot costs and saves: every number a range, and no total while one of them is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from core import opinions
from core.answers import Answer
from core.errors import N_, UserError
from core.notices import Notice
from core.series import Floats

DRAWS = 10_000  # a share of them is known to 0.01
HOUR = 3600.0  # seconds
PEAK = 4  # how much more than each end the likely value counts in the mean, see `Input.draws`
# A range of 95 % ends where a PERT distribution that is 95 % as wide has its 2.5 % and its 97.5 %.
STRETCH = float(1 / (1 - 2 * betaincinv(1 + PEAK / 2, 1 + PEAK / 2, 0.025)))  # 1.42

HOURS, HOURLY = N_("hours"), N_("{currency} an hour")
ONCE, MONTHLY = N_("{currency} once"), N_("{currency} a month")
FROM_QUIZZES = N_("quick quizzes with a map and without one; that work is like them is assumed")


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that a reckoning needs."""

    label: str  # a gettext id
    unit: str  # likewise; the currency is still to be filled in
    least: float = 0.0
    most: float = float("inf")


SAVING = "seconds_saved"
QUANTITIES: Mapping[str, Quantity] = {
    "lead_hours": Quantity(N_("Work of the pilot lead"), HOURS),
    "lead_rate": Quantity(N_("An hour of the pilot lead"), HOURLY),
    "rater_hours": Quantity(N_("Work of the people who rate"), HOURS),
    "rater_rate": Quantity(N_("An hour of the people who rate and decide"), HOURLY),
    "it_hours": Quantity(N_("Work of IT to set it up"), HOURS),
    "it_rate": Quantity(N_("An hour of IT"), HOURLY),
    "compute_seconds": Quantity(N_("Computer time"), N_("seconds")),
    "machine_rate": Quantity(N_("An hour of the computer"), HOURLY),
    "training": Quantity(N_("Training for the staff"), ONCE),
    "licences": Quantity(N_("Licences"), MONTHLY),
    "upkeep_hours": Quantity(N_("Work of IT to keep it running"), N_("hours a month")),
    "decisions": Quantity(N_("Decisions for which a map could be used"), N_("a month")),
    "used": Quantity(N_("Of these, with the map"), N_("%"), most=100.0),
    SAVING: Quantity(N_("Time that the map saves a decision"), N_("seconds"), least=-float("inf")),
    "avoided": Quantity(N_("Scrap and downtime avoided"), MONTHLY),
    "months": Quantity(N_("Months that count"), N_("months")),
}
ALL_BUT_SAVING = tuple(name for name in QUANTITIES if name != SAVING)


@dataclass(frozen=True, slots=True)
class Input:
    """One of the quantities: at least, most likely and at most."""

    name: str
    low: float
    likely: float
    high: float
    measured: bool  # by the app; otherwise somebody assumes it
    source: str  # a gettext id where the app knows it, otherwise in somebody's words

    def __post_init__(self) -> None:
        if not self.low <= self.likely <= self.high:
            raise UserError(
                N_("The three numbers are not in order."), N_("Enter them from the lowest to the highest one.")
            )
        possible = QUANTITIES[self.name]
        if not (possible.least <= self.low and self.high <= possible.most):
            raise UserError(
                N_("One of these numbers cannot be."),
                N_("Enter numbers of 0 or more, and shares up to 100 %."),
            )
        if not self.source.strip():
            raise UserError(
                N_("It is not said where these numbers come from."),
                N_("Write a word on it: who said so, or which record shows it."),
            )

    def draws(self, random: np.random.Generator, n: int) -> Floats:
        """(n,) of a PERT distribution, whose mean is (low + 4 likely + high) / 6.

        A triangular one has the mean (low + likely + high) / 3: it leans on the ends, which people know least.
        Source: Malcolm, Roseboom, Clark & Fazar 1959, "Application of a technique for research and development program
        evaluation"; as a beta distribution in Vose 2008, "Risk Analysis".
        """
        width = self.high - self.low
        if width == 0:
            return np.full(n, self.likely)
        left, right = (self.likely - self.low) / width, (self.high - self.likely) / width
        return np.asarray(self.low + width * random.beta(1 + PEAK * left, 1 + PEAK * right, n), np.float64)


# --- what is measured


def rating_seconds(answers: Iterable[Answer]) -> float:
    """How long people took for all their answers; breaks do not count."""
    return sum((one.seconds or 0.0) + (one.task_seconds or 0.0) for one in answers)


def seconds_saved(answers: Sequence[Answer]) -> Input | None:
    """What a map saves in a quiz: of the usual time without one, the share that `opinions.with_and_without` finds.

    The ends lie outside its range of 95 %, so that 95 % of the draws lie inside. The usual time is a geometric mean,
    and so smaller than the arithmetic one; how sure it is itself is left out.

    Returns:
        None where there is no range.
    """
    ratio = opinions.with_and_without(answers).seconds.size
    if ratio.value is None or ratio.low is None or ratio.high is None:
        return None
    plain = [(a.rater, float(np.log(a.task_seconds))) for a in answers if a.kind == "plain" and a.task_seconds]
    usual = float(np.exp(opinions.own_means(opinions.by_rater(plain)).mean()))
    low, high = (usual * (1 - ratio.value * (end / ratio.value) ** STRETCH) for end in (ratio.high, ratio.low))
    return Input(SAVING, low, usual * (1 - ratio.value), high, True, FROM_QUIZZES)


# --- the reckoning


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Money in and out, entry i in scenario i; all but the months in the pilot's currency."""

    once: Floats  # (n,) cost before anything is saved
    monthly_cost: Floats  # (n,)
    monthly_benefit: Floats  # (n,)
    months: Floats  # (n,) that count

    @property
    def net(self) -> Floats:
        """(n,) what is left after these months; not discounted, which matters little within a few years."""
        return np.asarray(self.months * (self.monthly_benefit - self.monthly_cost) - self.once, np.float64)

    @property
    def payback(self) -> Floats:
        """(n,) months until the cost is back; inf where that is not within the months that count."""
        gain = self.monthly_benefit - self.monthly_cost
        after = np.divide(self.once, gain, out=np.full(len(gain), np.inf), where=gain > 0)
        return np.where(after <= self.months, after, np.inf)


@dataclass(frozen=True, slots=True)
class Outcome:
    """In the middle of the draws, and where 5 % and 95 % of them lie below."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Payback:
    """Months, likewise; None: not within the months that count."""

    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Reckoned:
    """In the pilot's currency."""

    once: Outcome
    monthly_cost: Outcome
    monthly_benefit: Outcome
    net: Outcome
    payback: Payback
    pays: float  # share of draws with a net value above 0


@dataclass(frozen=True, slots=True)
class Swing:
    """Net values where one quantity is at its ends and all others are as is most likely."""

    name: str
    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        return abs(self.at_high - self.at_low)


def lacking(inputs: Mapping[str, Input], needed: Iterable[str] = QUANTITIES) -> Notice | None:
    """What there is no number for; the labels of it are gettext ids themselves. None: nothing is missing."""
    missing = tuple(QUANTITIES[name].label for name in needed if name not in inputs)
    if not missing:
        return None
    return Notice(N_("There is no total yet, because nobody has said: {missing}."), {"missing": missing})


def reckon(inputs: Mapping[str, Input], seed: int, n: int = DRAWS) -> Reckoned:
    """Net value and payback of n draws, each quantity drawn by itself. Nothing may be lacking.

    The draws of a quantity stay the same when another one is corrected.
    """
    streams = [np.random.default_rng([seed, i]) for i in range(len(QUANTITIES))]
    flow = _flow({name: inputs[name].draws(random, n) for name, random in zip(QUANTITIES, streams, strict=True)})
    months = [one if np.isfinite(one) else None for one in _quantiles(flow.payback)]
    return Reckoned(
        once=Outcome(*_quantiles(flow.once)),
        monthly_cost=Outcome(*_quantiles(flow.monthly_cost)),
        monthly_benefit=Outcome(*_quantiles(flow.monthly_benefit)),
        net=Outcome(*_quantiles(flow.net)),
        payback=Payback(*months),
        pays=float((flow.net > 0).mean()),
    )


def likely_net(inputs: Mapping[str, Input]) -> float:
    """Net value where all is as is most likely. Nothing may be lacking."""
    return float(_flow(_likely(inputs, 1)).net[0])


def tornado(inputs: Mapping[str, Input]) -> list[Swing]:
    """What each quantity does to the net value by itself, the most first. Nothing may be lacking."""
    values = _likely(inputs, 2 * len(QUANTITIES))
    for i, name in enumerate(QUANTITIES):
        values[name][2 * i : 2 * i + 2] = inputs[name].low, inputs[name].high
    ends = _flow(values).net.reshape(-1, 2).tolist()
    swings = [Swing(name, *of_name) for name, of_name in zip(QUANTITIES, ends, strict=True)]
    return sorted(swings, key=lambda one: -one.width)


def break_even(inputs: Mapping[str, Input]) -> float | None:
    """Seconds that the map must save a decision, for a net value of 0 where all else is as is most likely.

    Below 0: it pays even if the map takes longer. Nothing but the saving itself may be lacking.

    Returns:
        None where time saved is worth nothing, so that none is enough.
    """
    none, an_hour = _flow(_likely(inputs, 2) | {SAVING: np.array([0.0, HOUR])}).net
    return float(-none / (an_hour - none) * HOUR) if an_hour > none else None


def _likely(inputs: Mapping[str, Input], n: int) -> dict[str, Floats]:
    return {name: np.full(n, one.likely) for name, one in inputs.items()}


def _flow(values: Mapping[str, Floats]) -> Flow:
    work = sum(values[f"{role}_hours"] * values[f"{role}_rate"] for role in ("lead", "rater", "it"))
    compute = values["compute_seconds"] / HOUR * values["machine_rate"]
    with_map = values["decisions"] * values["used"] / 100
    return Flow(
        np.asarray(work + compute + values["training"], np.float64),
        values["licences"] + values["upkeep_hours"] * values["it_rate"],
        with_map * values[SAVING] / HOUR * values["rater_rate"] + values["avoided"],
        values["months"],
    )


def _quantiles(values: Floats) -> tuple[float, float, float]:
    """Median, 5 % and 95 %: values that were drawn, since nothing lies halfway to inf."""
    median, low, high = np.quantile(values, [0.5, 0.05, 0.95], method="inverted_cdf").tolist()
    return median, low, high
