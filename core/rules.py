"""Go on, improve or stop? Rules that can be fixed before anybody is asked, and what they make of what is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from core.agreement import agreement
from core.answers import HIGHEST, LOWEST, Answer
from core.errors import N_, UserError
from core.notices import Notice
from core.opinions import (
    BEYOND_CHANCE,
    NOBODY,
    NOT_BOTH,
    Contrast,
    Range,
    WithAndWithout,
    checks,
    of_views,
    with_and_without,
)
from core.power import FEWEST
from core.rebuilding import Interval

Verdict = Literal["go", "improve", "stop", "cannot tell"]
State = Literal["met", "open", "missed", "unknown"]  # missed: surely not met, whatever lies within the range

KEPT, STILL, APART = 0.5, 0.01, 0.75  # from where on proposals speak: see `proposals`
LIMITS: Mapping[str, tuple[float, float]] = {
    "mean": (LOWEST, HIGHEST),
    "low": (LOWEST, HIGHEST),
    "gain": (0, 1),
    "saved": (0, 1),
    "people": (FEWEST, 1000),  # with fewer, no rule may say more than that it cannot be told
    "noise": (0, 1),
    "agreement": (-1, 1),
    "rounds": (1, 100),
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What has to be reached."""

    mean: float = 3.5  # understandability, 1 … 5, of the map that is rated highest: at least
    low: float = 3.0  # the lower end of its range: at least
    gain: float = 0.0  # right answers that a map adds, as a share, beyond chance: more than this …
    saved: float = 0.0  # … or the share of the time that it saves, likewise
    people: int = 8  # who have rated that map, and who have done quizzes with a map and without: at least
    noise: float = 0.2  # share of people who found a map of noise readable: at most
    agreement: float = 0.4  # Krippendorff's alpha: at least
    rounds: int = 3  # after so many, what is surely missed is given up

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise UserError(
                    N_("A rule cannot ask for {value:g}."),
                    N_("Choose {low:g} to {high:g}."),
                    value=getattr(self, name),
                    low=low,
                    high=high,
                )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(**d)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is measured now. None: nobody knows yet."""

    round: int  # the last one in which people were asked; 0: none
    best: int | None  # number of the map that was rated highest
    rating: Range  # its understandability
    helped: WithAndWithout
    noise: float | None  # share of people who found a map of noise readable
    agreement: float | None  # Krippendorff's alpha
    kept: float | None = None  # share of the model's neighbours that the best map keeps
    lines: Interval | None = None  # AUC with which the best map's model tells lines or sites apart
    error: Interval | None = None  # of the newest training: relative change of the error, -0.2 for a fall by 20 %
    moved: float | None = None  # of the same: how far stretches moved, in spreads

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and every rule that had a say in it."""

    verdict: Verdict
    because: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class _Finding:
    state: State
    notice: Notice


def of_answers(answers: Sequence[Answer], numbers: Mapping[str, int], in_round: int) -> Facts:
    """The facts that people's answers hold; `dataclasses.replace` adds what is known of maps and trainings.

    The best map's range does not know that it was picked as the highest of several: with many maps of few people each,
    its mean flatters. That is why the lower end has a threshold of its own.

    Args:
        numbers: of the maps, by what answers call them.
    """
    found = {name: one for name, one in of_views(answers).items() if one.understandability.value is not None}
    best = max(found, key=lambda name: found[name].understandability.value or 0.0, default=None)
    alpha = agreement(answers).alpha
    return Facts(
        in_round,
        None if best is None else numbers[best],
        Range(None, None, None, 0, NOBODY) if best is None else found[best].understandability,
        with_and_without(answers),
        checks(answers).false_positives,
        None if alpha is None else alpha.value,
    )


def judge(facts: Facts, rules: Thresholds) -> Judged:
    """Go: all rules are met. Stop: one is surely missed after the last round. Otherwise, improve.

    Where people are too few, or a rule needs a number that is not there, nothing but that is said.
    """
    findings = [_people(facts, rules), _rated(facts, rules), *_helped(facts.helped, rules)]
    findings += [_noise(facts, rules), _agreed(facts, rules)]
    unknown = tuple(one.notice for one in findings if one.state == "unknown")
    if unknown:
        return Judged("cannot tell", unknown)
    because = tuple(one.notice for one in findings)
    states = {one.state for one in findings}
    if states == {"met"}:
        return Judged("go", because)
    if "missed" not in states:
        return Judged("improve", because)
    told = {"round": facts.round, "rounds": rules.rounds}
    if facts.round < rules.rounds:
        message = N_("This is round {round}; the rules give it {rounds}. There is time to change something.")
        return Judged("improve", (*because, Notice(message, told)))
    message = N_("This is round {round}, and the rules give it {rounds}: what is surely missed by now is given up.")
    return Judged("stop", (*because, Notice(message, told)))


# --- rules, one by one


def _people(facts: Facts, rules: Thresholds) -> _Finding:
    n = facts.rating.n_raters
    if facts.best is None:
        return _Finding("unknown", Notice(N_("Nobody has rated a map yet."), {}))
    told = {"best": facts.best, "n": n, "least": rules.people}
    if n < rules.people:
        message = N_("Too few people have rated Map {best}: {n}, and the rules ask for at least {least}.")
        return _Finding("unknown", Notice(message, told))
    message = N_("Enough people have rated Map {best}: {n}, and the rules ask for at least {least}.")
    return _Finding("met", Notice(message, told))


def _rated(facts: Facts, rules: Thresholds) -> _Finding:
    mean, low, high = facts.rating.value, facts.rating.low, facts.rating.high
    if mean is None or low is None or high is None:
        message = N_("The rating of the clearest map has no range of uncertainty yet.")
        return _Finding("unknown", Notice(message, {}))
    told = {"best": facts.best, "mean": mean, "low": low, "high": high, "least": rules.mean, "least_low": rules.low}
    if mean >= rules.mean and low >= rules.low:
        message = N_(
            "Map {best} is clear enough: rated {mean:.2f} of 5, {low:.2f} at the lower end of its range. "
            "The rules ask for {least:g} and {least_low:g}."
        )
        return _Finding("met", Notice(message, told))
    if high < rules.mean:
        message = N_(
            "Map {best} is surely not clear enough: rated {mean:.2f} of 5, {high:.2f} at the upper end of its range. "
            "The rules ask for {least:g}."
        )
        return _Finding("missed", Notice(message, told))
    message = N_(
        "Map {best} has not been shown to be clear enough: rated {mean:.2f} of 5, {low:.2f} at the lower end of its "
        "range. The rules ask for {least:g} and {least_low:g}."
    )
    return _Finding("open", Notice(message, told))


def _helped(helped: WithAndWithout, rules: Thresholds) -> list[_Finding]:
    """Two rules of which one has to be met, in right answers or in time; the other one is then no hindrance."""
    n = helped.accuracy.size.n_raters
    if n == 0:
        return [_Finding("unknown", Notice(NOT_BOTH, {}))]
    if n < rules.people:
        message = N_(
            "Too few people have done quick quizzes both with a map and without one: {n}, and the rules ask for at "
            "least {least}."
        )
        return [_Finding("unknown", Notice(message, {"n": n, "least": rules.people}))]
    both = [_right(helped.accuracy, rules.gain), _faster(helped.seconds, rules.saved)]
    if any(one.state == "met" for one in both):
        return [_Finding("met", one.notice) for one in both]
    if all(one.state == "missed" for one in both):
        return both
    return [one if one.state == "unknown" else _Finding("open", one.notice) for one in both]


def _right(one: Contrast, least: float) -> _Finding:
    value, low, high = one.size.value, one.size.low, one.size.high
    if value is None or low is None or high is None:
        message = N_("What a map adds to right answers has no range of uncertainty yet.")
        return _Finding("unknown", Notice(message, {}))
    told = {"value": 100 * value, "low": 100 * low, "high": 100 * high, "least": 100 * least}
    if low > least and _beyond_chance(one):
        message = N_(
            "With a map people are right more often, by {value:.0f} percentage points ({low:+.0f} … {high:+.0f}). "
            "The rules ask for more than {least:g}."
        )
        return _Finding("met", Notice(message, told))
    if high <= least:
        message = N_(
            "A map does not make people right more often as the rules ask: {value:+.0f} percentage points "
            "({low:+.0f} … {high:+.0f}), and more than {least:g} are asked for."
        )
        return _Finding("missed", Notice(message, told))
    message = N_(
        "Whether a map makes people right more often cannot be told: {value:+.0f} percentage points "
        "({low:+.0f} … {high:+.0f}). The rules ask for more than {least:g}."
    )
    return _Finding("open", Notice(message, told))


def _faster(one: Contrast, least: float) -> _Finding:
    """Of a ratio of times, below 1 where the map is quicker."""
    value, low, high = one.size.value, one.size.low, one.size.high
    if value is None or low is None or high is None:
        message = N_("What a map saves in time has no range of uncertainty yet.")
        return _Finding("unknown", Notice(message, {}))
    told = {"value": value - 1, "low": low - 1, "high": high - 1, "least": least}
    if 1 - high > least and _beyond_chance(one):
        message = N_(
            "With a map people are quicker: {value:+.0%} time ({low:+.0%} … {high:+.0%}). "
            "The rules ask to save more than {least:.0%}."
        )
        return _Finding("met", Notice(message, told))
    if 1 - low <= least:
        message = N_(
            "A map does not save time as the rules ask: {value:+.0%} time ({low:+.0%} … {high:+.0%}), and more than "
            "{least:.0%} is to be saved."
        )
        return _Finding("missed", Notice(message, told))
    message = N_(
        "Whether a map saves time cannot be told: {value:+.0%} time ({low:+.0%} … {high:+.0%}). "
        "The rules ask to save more than {least:.0%}."
    )
    return _Finding("open", Notice(message, told))


def _beyond_chance(one: Contrast) -> bool:
    return one.p is not None and one.p <= BEYOND_CHANCE


def _noise(facts: Facts, rules: Thresholds) -> _Finding:
    """Answers of people who read noise are no evidence for anything, so nothing can be told from them."""
    if facts.noise is None:
        return _Finding("unknown", Notice(N_("Nobody has been shown the map of noise yet."), {}))
    told = {"share": facts.noise, "most": rules.noise}
    if facts.noise > rules.noise:
        message = N_(
            "Too many people found a map of noise readable: {share:.0%}, and the rules allow {most:.0%}. "
            "What they say of the other maps tells little."
        )
        return _Finding("unknown", Notice(message, told))
    message = N_("Few enough people found a map of noise readable: {share:.0%}, and the rules allow {most:.0%}.")
    return _Finding("met", Notice(message, told))


def _agreed(facts: Facts, rules: Thresholds) -> _Finding:
    if facts.agreement is None:
        message = N_("How far people agree is not known yet: it takes maps that several rated, and not all alike.")
        return _Finding("unknown", Notice(message, {}))
    told = {"alpha": facts.agreement, "least": rules.agreement}
    if facts.agreement < rules.agreement:
        message = N_(
            "People do not agree enough on which maps are clear: {alpha:.2f}, and the rules ask for {least:g}. "
            "The number is low too where all maps are about equally clear."
        )
        return _Finding("open", Notice(message, told))
    message = N_("Agreement on which maps are clear is as high as the rules ask: {alpha:.2f}, at least {least:g}.")
    return _Finding("met", Notice(message, told))


# --- what to do next


def proposals(facts: Facts, rules: Thresholds) -> list[Notice]:
    """What could be done next; each sentence begins with the rule that proposes it."""
    if facts.best is None:
        return [Notice(N_("Nobody has rated a map yet: ask people."), {})]
    told = []
    if facts.rating.n_raters < rules.people:
        message = N_("Fewer than {least} people have rated Map {best}: ask {more} more.")
        more = rules.people - facts.rating.n_raters
        told.append(Notice(message, {"least": rules.people, "best": facts.best, "more": more}))
    return [*told, *_of_the_map(facts, rules), *_of_the_training(facts), *_of_the_charts(facts.helped, rules)]


def _of_the_map(facts: Facts, rules: Thresholds) -> list[Notice]:
    told, mean = [], facts.rating.value
    if mean is not None and mean < rules.mean and facts.kept is not None and facts.kept < KEPT:
        message = N_(
            "Map {best} is rated below {least:g} and keeps fewer than half of the neighbours ({kept:.0%}): "
            "try another way of drawing."
        )
        told.append(Notice(message, {"best": facts.best, "least": rules.mean, "kept": facts.kept}))
    lines = facts.lines
    if lines is not None and (lines.value if lines.low is None else lines.low) > APART:
        message = N_(
            "The model tells lines or sites apart with {auc:.0%}, where 50 % is not at all: bring them together, "
            "and see whether what matters stays."
        )
        told.append(Notice(message, {"auc": lines.value}))
    return told


def _of_the_training(facts: Facts) -> list[Notice]:
    """The error surely fell, and yet stretches moved by less than a hundredth of their spread."""
    error, moved = facts.error, facts.moved
    if error is None or error.high is None or error.high >= 0 or moved is None or moved >= STILL:
        return []
    message = N_(
        "Training lowered the error by {fell:.0%}, but the stretches hardly moved ({moved:.1%}): "
        "train more than the model’s last layer."
    )
    return [Notice(message, {"fell": -error.value, "moved": moved})]


def _of_the_charts(helped: WithAndWithout, rules: Thresholds) -> list[Notice]:
    gain, time = helped.accuracy.size, helped.seconds.size.value
    if gain.value is None or gain.n_raters < rules.people or gain.value > 0 or (time is not None and time < 1):
        return []
    message = N_(
        "Without a map {n} people were right at least as often ({gain:+.0f} percentage points with one) and no slower: "
        "simpler charts may do."
    )
    return [Notice(message, {"gain": 100 * gain.value, "n": gain.n_raters})]
