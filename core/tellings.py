"""What is found in people's answers, in sentences: the same for a screen, for paper and for who has neither."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log2

from core import factors, opinions
from core.alignment import holm
from core.answers import Answer
from core.errors import N_
from core.opinions import BEYOND_CHANCE, Contrast, Opinion, Range, WithAndWithout
from core.rules import Verdict
from core.words import Voice

VERDICTS: dict[Verdict, str] = {
    "go": N_("The rules say: go on."),
    "improve": N_("The rules say: improve, then ask again."),
    "stop": N_("The rules say: stop."),
    "cannot tell": N_("The rules cannot tell yet."),
}


# --- numbers in words


def ranged(one: Range, form: str) -> str:
    """A number and its range; the form is that of all three, such as ".1f"."""
    if one.value is None:
        return "–"
    if one.low is None or one.high is None:
        return f"{one.value:{form}}"
    joint = "…" if form.startswith("+") else "–"
    return f"{one.value:{form}} ({one.low:{form}} {joint} {one.high:{form}})"


def sized(one: Range, verdict: int, form: str) -> str:
    """How much, where a verdict has said which way; signed where none could be given."""
    if verdict == 0:
        return ranged(one, f"+{form}")
    ends = sorted(abs(end) for end in (one.low, one.high) if end is not None)
    return ranged(replace(one, value=abs(one.value or 0.0), low=ends[0], high=ends[-1]), form)


def moved(one: Range, by: Callable[[float], float]) -> Range:
    """On another scale."""
    value, low, high = (None if v is None else by(v) for v in (one.value, one.low, one.high))
    return replace(one, value=value, low=low, high=high)


def p_of(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def with_why(told: str, one: Range, voice: Voice) -> str:
    """The same, and why there is no range where there is none."""
    return voice.together(told, voice._(one.why_no_range)) if one.why_no_range else told


# --- which map is the clearest


def adjusted(contrasts: Mapping[str, Contrast]) -> dict[str, float | None]:
    """The p of each after Holm; those that nobody can tell are None, and are not counted."""
    known = {name: one.p for name, one in contrasts.items() if one.p is not None}
    return dict.fromkeys(contrasts) | dict(zip(known, holm(list(known.values())), strict=True))


@dataclass(frozen=True, slots=True)
class Lead:
    """The map that was rated highest, against each other one."""

    names: Sequence[str]  # several where they are equal
    over: Mapping[str, Contrast]
    p: Mapping[str, float | None]  # after Holm

    @property
    def is_clearest(self) -> bool:
        """Than all the others, beyond chance."""
        return bool(self.p) and all(p is not None and p <= BEYOND_CHANCE for p in self.p.values())

    def also(self) -> list[str]:
        """Which others may be as clear. Which map leads is itself chance's work, so all pairs of maps count here."""
        n_pairs = len(self.p) * (len(self.p) + 1) / 2
        return [name for name, one in self.over.items() if one.p is None or one.p * n_pairs > BEYOND_CHANCE]

    @property
    def needed(self) -> int:
        """People below whom not even full agreement would be beyond chance; see core.opinions.sign_flip."""
        return ceil(log2(len(self.p) / BEYOND_CHANCE))


def lead(answers: Sequence[Answer], found: Mapping[str, Opinion]) -> Lead:
    """Args: found: of maps that somebody has given a score."""
    means = {name: one.understandability.value for name, one in found.items()}
    highest = max(value for value in means.values() if value is not None)
    first = [name for name, value in means.items() if value == highest]
    over = {name: factors.contrast(answers, first[0], name) for name in means if name != first[0]}
    return Lead(first, over, adjusted(over))


def sentence(answers: Sequence[Answer], voice: Voice) -> str:
    """What can be said, and no more than that."""
    found = {name: one for name, one in opinions.of_views(answers).items() if one.understandability.value is not None}
    if not found:
        return voice._("Nobody has rated a map yet, so nothing can be said about understandability.")
    best = lead(answers, found)
    rated = found[best.names[0]].understandability
    facts = {
        "maps": voice.listed(best.names),
        "mean": f"{rated.value:.1f}",
        "basis": _basis(rated, voice),
        "others": voice.listed(best.also()),
    }
    n = min((one.size.n_raters for one in best.over.values()), default=0)
    if not best.over:
        words = voice._("{maps} was rated {mean} of 5 ({basis}). With one map there is nothing to compare.")
    elif best.is_clearest:
        words = voice._("{maps} is the clearest, beyond chance against each other map: {mean} of 5 ({basis}).")
    elif n < best.needed:
        said = voice._("{maps} was rated highest so far, {mean} of 5 ({basis}), but that may be chance.")
        return voice.together(said.format(**facts), _too_few(n, best.needed, voice))
    elif len(best.also()) == len(best.over):
        words = voice._("No map stands out beyond chance. Highest so far: {maps}, {mean} of 5 ({basis}).")
    else:
        words = voice._("{maps} was rated highest, {mean} of 5 ({basis}), but these may be as clear: {others}.")
    return words.format(**facts)


def _basis(one: Range, voice: Voice) -> str:
    """What a mean rests on."""
    if one.low is None or one.high is None:
        return voice.people(one.n_raters)
    told = voice._("range of uncertainty {low:.1f} to {high:.1f}").format(low=one.low, high=one.high)
    return voice.listed([told, voice.people(one.n_raters)])


def _too_few(n: int, needed: int, voice: Voice) -> str:
    words = voice.ngettext(
        "{n} person has rated all that must be compared; no difference can show with fewer than {needed}.",
        "{n} people have rated all that must be compared; no difference can show with fewer than {needed}.",
        n,
    )
    return words.format(n=n, needed=needed)


# --- with a map, and without


def helped(found: WithAndWithout, voice: Voice) -> list[str]:
    """What a map adds to right answers, and to time."""
    if found.accuracy.size.value is None:
        return [voice._(found.accuracy.size.why_no_range or "")]
    timed = found.seconds.size.value is not None
    return [_right(found.accuracy, voice), *([_faster(found.seconds, voice)] if timed else [])]


def sure(one: Contrast, neutral: float) -> int:
    """1 above what makes no difference, -1 below, beyond chance; 0: it cannot be told."""
    low, high = one.size.low, one.size.high
    if one.p is None or low is None or high is None or one.p > BEYOND_CHANCE or low <= neutral <= high:
        return 0
    return 1 if low > neutral else -1


def _right(one: Contrast, voice: Voice) -> str:
    words = {
        1: voice._("With a map people are right more often, by {gain} percentage points, {people}."),
        0: voice._("Whether a map helps to be right cannot be told: {gain} percentage points, {people}."),
        -1: voice._("With a map people are right less often, by {gain} percentage points, {people}."),
    }
    verdict = sure(one, 0.0)
    gain = sized(moved(one.size, lambda share: 100 * share), verdict, ".0f")
    return with_why(words[verdict].format(gain=gain, people=voice.people(one.size.n_raters)), one.size, voice)


def _faster(one: Contrast, voice: Voice) -> str:
    words = {
        -1: voice._("With a map people need less time, by {change}, {people}."),
        0: voice._("Whether a map saves time cannot be told: {change}, {people}."),
        1: voice._("With a map people need more time, by {change}, {people}."),
    }
    verdict = sure(one, 1.0)
    change = sized(moved(one.size, lambda ratio: ratio - 1), verdict, ".0%")
    return with_why(words[verdict].format(change=change, people=voice.people(one.size.n_raters)), one.size, voice)
