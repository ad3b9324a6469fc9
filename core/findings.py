"""The evidence of exported answers, without a database: the very figures that the Evidence screen computes."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from core import evidence, opinions, rules
from core.agreement import Agreement, agreement
from core.alignment import Aligned, alignment
from core.association import Association, association
from core.errors import N_
from core.evidence import Errors, Loss, Placed
from core.notices import Notice
from core.opinions import Checks, Contrast, Opinion, Range, WithAndWithout
from core.ranking import Ranking, ranking
from core.rebuilding import Interval
from core.returns import Returned
from core.rules import Facts, Judged, Thresholds
from core.tellings import Lead, adjusted, lead

NO_MODEL = N_("Its model cannot reconstruct, so it has no error.")


@dataclass(frozen=True, slots=True)
class Change:
    """One map against the base, the first that has an error and a rating."""

    clarity: Contrast  # in steps; its p is raised for all these comparisons (Holm)
    error: Interval | None  # relative; None: one of the two has none
    placed: Placed | None


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All that the answers and the errors say. Maps go by their numbers, in order of keeping."""

    returned: Returned
    thresholds: Thresholds
    opinions: Mapping[str, Opinion]  # of maps that somebody was asked about
    losses: Mapping[str, tuple[Loss, Errors | None]]  # of maps whose model can reconstruct
    base: str | None
    changes: Mapping[str, Change]  # of each other map against the base
    best: Lead | None  # the map that was rated highest against each other one; None: nobody has rated
    helped: WithAndWithout
    agreement: Agreement
    checks: Checks
    together: Association
    aligned: Mapping[str, Aligned]  # the computer's numbers beside people
    pairs: Ranking | None  # None: nobody was asked which of two maps is clearer
    facts: Facts
    judged: Judged

    @property
    def n_people(self) -> int:
        return len({one.rater for one in self.returned.answers})

    def rated(self, number: str) -> Range | None:
        """None: nobody has given a score."""
        found = self.opinions.get(number)
        return found.understandability if found is not None and found.understandability.value is not None else None

    def answers_of(self, number: str) -> int:
        """Pairs are of two maps, and count for neither."""
        return sum(one.view == number and one.kind != "pair" for one in self.returned.answers)

    def why_not(self, number: str) -> list[Notice]:
        """Why a number or a range of this map is not there."""
        lost, opinion = self.losses.get(number), self.opinions.get(number)
        of_loss = Notice(NO_MODEL, {}) if lost is None else lost[0].why_no_range
        if opinion is None:
            of_people: tuple[str | None, ...] = (opinions.NOBODY,)
        else:
            of_people = (opinion.understandability.why_no_range, opinion.accuracy.why_no_range)
        return [*([] if of_loss is None else [of_loss]), *(Notice(why, {}) for why in of_people if why)]

    def to_json(self) -> dict[str, Any]:
        """For machines: a number that cannot be computed is null, and `why` says why."""
        return {
            "pilot": self.returned.manifest.get("pilot"),
            "content": self.returned.manifest.get("content"),
            "changed_files": list(self.returned.changed),
            "n_people": self.n_people,
            "n_answers": len(self.returned.answers),
            "verdict": self.judged.verdict,
            "because": _said(self.judged.because),
            "thresholds": self.thresholds.to_json() | {"fixed": self.returned.thresholds is not None},
            "base": self.base,
            "maps": {number: self._of_map(number) for number in self.returned.maps},
            "best": self.best and {"maps": list(self.best.names), "over": _contrasts(self.best)},
            "with_and_without": asdict(self.helped),
            "agreement": _plain(asdict(self.agreement), "meaning") | {"told": _said(self.agreement.meaning)},
            "checks": asdict(self.checks),
            "error_and_clarity": asdict(self.together) | {"told": _said([self.together.told])},
            "numbers_and_people": {name: _aligned(one) for name, one in self.aligned.items()},
            "pairs": self.pairs and _plain(asdict(self.pairs), "notices") | {"told": _said(self.pairs.notices)},
        }

    def _of_map(self, number: str) -> dict[str, Any]:
        lost, opinion, change = self.losses.get(number), self.opinions.get(number), self.changes.get(number)
        return {
            "loss": None if lost is None else {"value": lost[0].value, "low": lost[0].low, "high": lost[0].high},
            "opinion": opinion and asdict(opinion),
            "n_answers": self.answers_of(number),
            "against_base": change and asdict(change),
            "why": _said(self.why_not(number)),
        }


def evidence_of(returned: Returned, thresholds: Thresholds | None = None) -> Findings:
    """Everything that can be computed, by the functions and the seeds of the screens.

    Args:
        thresholds: what the rules ask for, as of a pilot file; None: those that were fixed in the ledger, else those
            that the app proposes.
    """
    answers, rated = returned.answers, opinions.of_views(returned.answers)
    losses = {
        number: (evidence.loss(one.loss, one.errors), one.errors)
        for number, one in returned.maps.items()
        if one.loss is not None
    }
    scored = {number: one for number, one in rated.items() if one.understandability.value is not None}
    base = next((number for number in losses if number in scored), None)
    facts = _facts(returned)
    asked = thresholds or returned.thresholds or Thresholds()
    return Findings(
        returned=returned,
        thresholds=asked,
        opinions=rated,
        losses=losses,
        base=base,
        changes={} if base is None else _changes(returned, losses, base),
        best=lead(answers, scored) if scored else None,
        helped=facts.helped,
        agreement=agreement(answers),
        checks=opinions.checks(answers),
        together=association({number: one.loss for number, one in returned.maps.items()}, answers),
        aligned=_numbers(returned),
        pairs=ranking(answers) if any(one.kind == "pair" for one in answers) else None,
        facts=facts,
        judged=rules.judge(facts, asked),
    )


def _changes(returned: Returned, losses: Mapping[str, tuple[Loss, Errors | None]], base: str) -> dict[str, Change]:
    clarity = {number: evidence.clearer(returned.answers, number, base) for number in returned.maps if number != base}
    p = adjusted(clarity)
    found = {}
    for number, one in clarity.items():
        contrast = Contrast(one.size, p[number])
        change = evidence.change(losses[base], losses[number]) if number in losses else None
        found[number] = Change(contrast, change, None if change is None else evidence.placed(change, contrast))
    return found


def _numbers(returned: Returned) -> dict[str, Aligned]:
    """Of each number that any map has."""
    each = {number: {"loss": one.loss} | dict(one.numbers) for number, one in returned.maps.items()}
    names = dict.fromkeys(name for numbers in each.values() for name in numbers)
    by_name = {name: {number: numbers.get(name) for number, numbers in each.items()} for name in names}
    known = {name: of_map for name, of_map in by_name.items() if any(one is not None for one in of_map.values())}
    return alignment(known, returned.answers) if known else {}


def _facts(returned: Returned) -> Facts:
    """What the rules of a decision look at."""
    found = rules.of_answers(returned.answers, {number: int(number) for number in returned.maps}, returned.last_round)
    if found.best is not None:
        best = returned.maps[str(found.best)]
        lines = None if best.lines is None else Interval(*best.lines)
        found = replace(found, kept=best.numbers.get("neighbours_kept"), lines=lines)
    value, low, high, moved = returned.training
    return replace(found, error=None if value is None else Interval(value, low, high), moved=moved)


# --- for machines


def _contrasts(best: Lead) -> dict[str, Any]:
    return {number: asdict(one) | {"p": best.p[number]} for number, one in best.over.items()}


def _aligned(one: Aligned) -> dict[str, Any]:
    return {
        outcome: asdict(found) | {"why": _said([] if found.why is None else [found.why])}
        for outcome, found in (("understandability", one.understandability), ("quiz", one.quiz))
    }


def _plain(found: dict[str, Any], notices: str) -> dict[str, Any]:
    """Without what is told in sentences."""
    return {name: value for name, value in found.items() if name != notices}


def _said(notices: Iterable[Notice]) -> list[str]:
    """In English, as machines and logs have it."""
    return [one.message.format(**one.facts) for one in notices]
