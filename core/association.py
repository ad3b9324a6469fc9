"""Do maps with a lower error come out clearer for people? Never one blended score: only whether the two go together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.agreement import FEWEST_RATERS
from core.alignment import Correlation, alignment
from core.answers import Answer
from core.errors import N_
from core.notices import Notice
from core.opinions import BEYOND_CHANCE

FEWEST_ERRORS = 5  # four can be in the very same order by chance once in 12 times, either way

TOO_FEW_MAPS = N_(
    "Whether a lower error goes with clearer maps cannot be told: rated maps with different errors: {n}, and it takes "
    "at least {least}. Maps that are only drawn differently share one error."
)
TOO_FEW_PEOPLE = N_(
    "Whether a lower error goes with clearer maps cannot be told: people who have rated: {n}, and it takes at least "
    "{least}."
)
ALL_ALIKE = N_("Whether a lower error goes with clearer maps cannot be told: people found all maps alike.")
CANNOT_TELL = N_(
    "Whether a lower error goes with clearer maps cannot be told: {value} ({low} to {high}), where 1 is the same order "
    "and 0 is chance. Different errors: {maps}, people: {people}."
)
MAY_BE_CHANCE = N_(
    "Whether a lower error goes with clearer maps cannot be told: {value} ({low} to {high}), where 1 is the same order "
    "and 0 is chance, but so few maps come out like that by chance. Different errors: {maps}, people: {people}."
)
TOGETHER = N_(
    "Of these maps, those with a lower error were rated clearer, beyond chance: {value} ({low} to {high}), where 1 is "
    "the same order and 0 is chance. Different errors: {maps}, people: {people}. That does not say that the error is "
    "why."
)
AGAINST = N_(
    "Of these maps, those with a lower error were rated less clear, beyond chance: {value} ({low} to {high}), where -1 "
    "is the reverse order and 0 is chance. Different errors: {maps}, people: {people}. That does not say that the "
    "error is why."
)


@dataclass(frozen=True, slots=True)
class Association:
    """How far errors put maps in the order that people do: 1 lower is clearer, -1 lower is less clear."""

    value: float | None  # Spearman's; None: `told` has the reason
    low: float | None  # of the 95 % range over people, for these maps; None: too few people to tell
    high: float | None
    p: float | None  # of as much or more, either way, if errors were dealt to these maps at random
    n_errors: int  # different ones, of maps that somebody rated
    n_raters: int
    told: Notice  # one sentence, that says no more than these


def association(losses: Mapping[str, float | None], answers: Sequence[Answer]) -> Association:
    """Rank correlation of the error with the mean rating; repeats are left out.

    Maps that are drawn differently from one model and its stretches have one error between them, and count as one:
    as several they would seem to confirm each other.

    Two things must hold before a direction is named: other people would give the same one (the range, a bootstrap over
    people), and so few errors do not give as much by chance (p, from the orders of these errors). See core.alignment.
    In simulated pilots of 5 to 8 maps the range held what a crowd would say in 92 to 97 % with 10 or 20 people, and in
    77 to 90 % with 5, where it says too much.

    Args:
        losses: of each view; None: its model cannot reconstruct.
    """
    known = {view: f"{one:.17g}" for view, one in losses.items() if one is not None}
    rated = [
        replace(one, view=known[one.view], right=None)
        for one in answers
        if one.kind == "view" and one.score is not None and one.view in known
    ]
    found = alignment({"loss": {error: float(error) for error in known.values()}}, rated)["loss"].understandability
    n_raters = len({one.rater for one in rated})
    if found.n_views < FEWEST_ERRORS:
        found = replace(found, value=None, low=None, high=None, p=None)
    return Association(found.value, found.low, found.high, found.p, found.n_views, n_raters, _sentence(found, n_raters))


def _sentence(found: Correlation, n_raters: int) -> Notice:
    if found.n_views < FEWEST_ERRORS:
        return Notice(TOO_FEW_MAPS, {"n": found.n_views, "least": FEWEST_ERRORS})
    if n_raters < FEWEST_RATERS:
        return Notice(TOO_FEW_PEOPLE, {"n": n_raters, "least": FEWEST_RATERS})
    if found.value is None or found.low is None or found.high is None or found.p is None:
        return Notice(ALL_ALIKE, {})
    facts = {"value": f"{found.value:.2f}", "low": f"{found.low:.2f}", "high": f"{found.high:.2f}"}
    message = TOGETHER if found.value > 0 else AGAINST
    if found.low <= 0 <= found.high:
        message = CANNOT_TELL
    elif found.p > BEYOND_CHANCE:
        message = MAY_BE_CHANCE
    return Notice(message, facts | {"maps": found.n_views, "people": n_raters})
