"""What a report in English must say where it says numbers, from those that tests/recomputed.py gets from the CSV.

Nothing of the product is imported here either: sentences and heads are written as a reader sees them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests import recomputed
from tests.recomputed import Contrast, Frame, Range, Tables

Cells = Mapping[str, Mapping[str, str]]  # of a table: row by its first cell, column by its head
FACTORS = {"preparation": "Preparation", "model": "Model", "drawing": "Way of drawing"}
NUMBERS = {
    "error": "Reconstruction error",
    "trustworthiness": "Trustworthiness",
    "continuity": "Continuity",
    "neighbours_kept": "Neighbours kept",
    "silhouette": "Groups apart, on the map",
}
RULES = {
    "mean": ("Understandability of the clearest map: at least", 1),
    "low": ("Lower end of its range: at least", 1),
    "gain": ("Right answers that a map adds: more than (percentage points)", 100),
    "saved": ("… or time that it saves: more than (%)", 100),
    "people": ("People: at least", 1),
    "noise": ("People who find noise readable: at most (%)", 100),
    "agreement": ("Agreement (alpha): at least", 1),
    "rounds": ("Rounds before it is given up", 1),
}
ON_A_SLIDE = 5  # rows of a table, at most


@dataclass(frozen=True, slots=True)
class Retold:
    """All numbers that a report may show, with the words about them."""

    sentences: dict[str, set[str]] = field(default_factory=dict)  # by what they are about
    grids: dict[tuple[str, str], Cells] = field(default_factory=dict)  # by the section's heading, and the first head
    labels: dict[str, list[str]] = field(default_factory=dict)  # of what is drawn, by the picture's description

    def say(self, about: str, *sentences: str) -> None:
        self.sentences.setdefault(about, set()).update(sentences)

    @property
    def on_one_page(self) -> Iterator[str]:
        """All that stands on the page for a manager."""
        for about in ("round", "top", "picture", "money", "rules", "when", "decided", "content", "ledger", "made"):
            yield from self.sentences[about]
        heads = ("reconstruction error", "understandability (1–5)")
        for name, row in self.grids["The model's error beside what people say", "map"].items():
            rated = self.grids["How clear is each map?", "map"].get(name, {})
            yield " | ".join([name, *(row[head] for head in heads), rated.get("quiz right", ""), row["people"]])


class Again:
    """The numbers that several sentences are about, each computed once."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.answers = tables, tables["answers"]
        self.opinions = recomputed.opinions(self.answers)
        self.helped = recomputed.with_and_without(self.answers)
        self.checks = recomputed.checks(self.answers)
        self.alpha = recomputed.alpha(self.answers)
        self.maps = {int(one["map"]): one for one in rows_of(tables["maps"])}
        self.errors = {number: recomputed.errors(tables, number) for number in self.maps}
        self.best = max(self.opinions, key=lambda number: self.opinions[number].score.value or 0)

    @property
    def score(self) -> Range:
        """Of the map that was rated highest."""
        return self.opinions[self.best].score


# --- numbers as they are shown


def ranged(one: Range, form: str) -> str:
    if one.value is None:
        return "–"
    if one.low is None:
        return f"{one.value:{form}}"
    joint = "…" if form.startswith("+") else "–"
    return f"{one.value:{form}} ({one.low:{form}} {joint} {one.high:{form}})"


def p_of(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def moment(told: str) -> str:
    return datetime.fromisoformat(told).astimezone().strftime("%Y/%m/%d %H:%M")


def three(value: float) -> float:
    return float(f"{value:.3g}")


def number(value: float) -> str:
    shown = f"{value:,.3f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def yen(value: float) -> str:
    return f"¥{three(value):,.0f}".replace("¥-", "-¥")


def months(value: float) -> str:
    return f"{value:.1f} months" if value < float("inf") else "not within the period"


def between(low: str, high: str) -> str:
    return low if low == high else f"{low} … {high}"


def rows_of(table: Frame) -> Iterator[dict[str, Any]]:
    """With None where nothing is."""
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        yield {str(name): value for name, value in row.items()}


def name_of(map_: Any) -> str:
    return f"Map {int(map_)}"


# --- the whole of it


def retold(tables: Tables, manifest: Mapping[str, Any]) -> Retold:
    found, again = Retold(), Again(tables)
    for add in (_top, _asked, _rules, _settled, _maps, _errors, _changes, _helped, _trust, _pairs, _aligned):
        add(found, again)
    for add in (_money, _behind, _misread, _after, _data):
        add(found, again)
    found.say("round", f"Round {manifest['pilot']['round']}")
    found.say("content", f"maps and answers {manifest['content'][:12]}")
    found.say("made", f"made {moment(manifest['made_at'])}")
    found.say("versions", *(f"{name} {version}" for name, version in manifest["versions"].items()))
    return found


def _top(found: Retold, again: Again) -> None:
    words = f"Map {again.best} was rated highest so far: {again.score.value:.1f} of 5 by {again.score.n} people."
    found.say("top", words)


def _asked(found: Retold, again: Again) -> None:
    found.grids["What was asked", "study"] = {
        str(one["study"]): {
            "round": str(one["round"]),
            "opened": moment(one["opened_at"]),
            "ended": moment(one["closed_at"]),
            "maps": ", ".join(str(one["maps"]).split()),
            "people": str(again.answers[again.answers["study"] == one["study"]]["who"].nunique()),
            "answers": str((again.answers["study"] == one["study"]).sum()),
            "items for each person, at most": str(one["n_items"]),
        }
        for one in rows_of(again.tables["studies"])
    }


# --- rules and decisions


def _rules(found: Retold, again: Again) -> None:
    """As they are where all of them are met."""
    ledger, best, score = again.tables["ledger"], again.best, again.score
    rules = json.loads(ledger[ledger["kind"] == "rules"]["content"].iloc[-1])
    gain, time = again.helped
    noise = len(again.checks.noise_seers) / again.checks.n_saw_noise
    right = [f"{100 * end:{form}}" for end, form in zip(gain.size[:3], (".0f", "+.0f", "+.0f"), strict=True)]
    less = [f"{end - 1:+.0%}" for end in time.size[:3]]
    found.say(
        "rules",
        f"Enough people have rated Map {best}: {score.n}, and the rules ask for at least {rules['people']}.",
        f"Map {best} is clear enough: rated {score.value:.2f} of 5, {score.low:.2f} at the lower end of its range. "
        f"The rules ask for {rules['mean']:g} and {rules['low']:g}.",
        f"With a map people are right more often, by {right[0]} percentage points ({right[1]} … {right[2]}). "
        f"The rules ask for more than {100 * rules['gain']:g}.",
        f"With a map people are quicker: {less[0]} time ({less[1]} … {less[2]}). The rules ask to save more than "
        f"{rules['saved']:.0%}.",
        f"Few enough people found a map of noise readable: {noise:.0%}, and the rules allow {rules['noise']:.0%}.",
        f"Agreement on which maps are clear is as high as the rules ask: {again.alpha.value:.2f}, at least "
        f"{rules['agreement']:g}.",
    )
    found.grids["The answer", "rule"] = {
        words: {"asked for": f"{rules[name] * unit:g}"} for name, (words, unit) in RULES.items()
    }


def _settled(found: Retold, again: Again) -> None:
    grid, opened = {}, moment(again.tables["studies"]["opened_at"].min())
    for one in rows_of(again.tables["ledger"]):
        content, at = json.loads(one["content"]), moment(one["at"])
        if one["kind"] == "rules":
            found.say("when", f"These rules were fixed on {at}, before people were first asked ({opened}).")
            said = (
                "Rules fixed: understandability {mean:g} (lower end {low:g}); right answers more than {gain:.0%} or "
                "time more than {saved:.0%}; people {people}; noise {noise:.0%}; agreement {agreement:g}; rounds "
                "{rounds}"
            ).format(**content)
        else:
            found.say("decided", f"Decided on {at} by {content['name']}: Go on.")
            said = f"Go on, signed by {content['name']}: {content['reason']} (The rules say: go on.)"
        grid[str(one["entry"])] = {"when": at, "what was settled": said, "fingerprint": one["hash"][:8]}
    found.grids["The answer", "entry"] = grid
    found.say("ledger", f"last entry of the ledger {one['hash'][:12]}")


# --- maps


def _maps(found: Retold, again: Again) -> None:
    rows = {
        name_of(number): {
            "understandability (1–5)": ranged(one.score, ".1f"),
            "“I can't tell”": str(one.n_cannot_tell),
            "quiz right": ranged(one.right, ".0%"),
            "by guessing": f"{one.chance:.0%}",
            "seconds to rate": ranged(one.seconds, ".0f"),
            "seconds for the quiz": ranged(one.quiz_seconds, ".0f"),
            "people": str(one.score.n),
        }
        for number, one in again.opinions.items()
    }
    found.grids["How clear is each map?", "map"] = found.grids["Does a map help?", "map"] = rows
    clear = [*rows, *(f"{one.score.value:.1f}" for one in again.opinions.values())]
    found.labels["Mean understandability of each map, with its range of uncertainty"] = clear
    found.labels["The kept maps, small"] = [name_of(number) for number in again.maps]
    found.say(
        "ranges",
        "In brackets: the range of uncertainty (95 %), over people.",
        "In brackets: the range of uncertainty (95 %); of the error over stretches of time, of understandability",
        "In brackets: the range of uncertainty (95 %) of the later number.",
    )


def _errors(found: Retold, again: Again) -> None:
    each, errors = again.opinions, again.errors
    both = [number for number in again.maps if number in each and errors[number].value is not None]
    base, neither = f"Map {both[0]}", ", ".join(name_of(number) for number in again.maps if number not in both)
    found.grids["The model's error beside what people say", "map"] = {
        name_of(number): {
            "round": str(one["round"]),
            "reconstruction error": "none" if errors[number].value is None else ranged(errors[number], ".3f"),
            "understandability (1–5)": ranged(each[number].score, ".1f") if number in each else "–",
            "people": str(each[number].score.n if number in each else 0),
            "“I can't tell”": str(each[number].n_cannot_tell if number in each else 0),
            f"against {base}": "",
        }
        for number, one in again.maps.items()
    }
    n = len({errors[number].value for number in both})
    found.say("picture", f"The dashed lines go through {base}, the first map that was rated:")
    found.say(
        "errors",
        f"Without an error or a rating, and so not in the picture: {neither}.",
        f"{neither}: Nobody has rated this map yet.",
        f"cannot be told: rated maps with different errors: {n}, and it takes at least 5.",
    )
    found.labels["Reconstruction error against understandability, one point a map"] = [
        "understandability (5 = clear at a glance)",
        *2 * [name_of(number) for number in both],  # each name has a pale edge below it
    ]


def _changes(found: Retold, again: Again) -> None:
    told, said = recomputed.tally(again.tables), recomputed.expected(again.tables)
    found.say(
        "changes",
        f"Changes so far: {told['n']}. Clearer beyond chance: {told['clearer']}; less clear beyond chance: "
        f"{told['less']}; cannot be told: {told['open']}; not rated yet: {told['not asked']}.",
        f"Expected of the error, which is on the screen when a map is kept: {_came(said['error'])}",
        f"Expected of understandability: {_came(said['clarity'])}",
        "where the whole range lies within ±5% of the error, or within ±0.5 steps of understandability.",
    )
    rows = {name_of(number): _change(again, number) for number in again.maps}
    found.grids["What was changed, and what came of it", "map"] = rows


def _came(said: Mapping[str, int]) -> str:
    return f"{said['yes']} came true, {said['no']} did not, {said['open']} cannot be told."


def _change(again: Again, number: int) -> dict[str, str]:
    """A row of the table of changes: each number after that of the map before."""
    before = again.maps[number]["compared_with"]
    pair = [number] if before is None else [int(before), number]
    asked = [again.opinions.get(one) for one in pair]
    return {
        "round": str(again.maps[number]["round"]),
        "what was changed": "" if before is None else _what(again.maps[pair[0]], again.maps[number]),
        "reconstruction error": _from_to([again.errors[one] for one in pair], ".3f"),
        "understandability (1–5)": _from_to([one and one.score for one in asked], ".1f"),
        "quiz right": _from_to([one and one.right for one in asked], ".0%"),
        "seconds for the quiz": _from_to([one and one.quiz_seconds for one in asked], ".0f"),
    }


def _what(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What differs, without what is in both."""
    each = []
    for factor, words in FACTORS.items():
        was, now = (one[f"{factor}_words"].split(" · ") for one in (old, new))
        if was != now:
            own = [[one for one in a if one not in b] for a, b in ((was, now), (now, was))]
            each.append(f"{words}: " + " → ".join(" · ".join(one) or "–" for one in own))
    return f"{', '.join(each)} (against Map {old['map']})"


def _from_to(each: Iterable[Range | None], form: str) -> str:
    *before, now = ["–" if one is None else ranged(one, form) for one in each]
    was = [one.split(" ")[0] for one in before]
    return " → ".join([*was, now]) if {*was, now} != {"–"} else "–"


# --- people


def _helped(found: Retold, again: Again) -> None:
    """Where a map helps in both."""
    gain, time = again.helped
    points = Range(*(100 * end for end in gain.size[:3]))
    saved = Range(1 - time.size.value, 1 - time.size.high, 1 - time.size.low)
    found.say(
        "helped",
        f"With a map people are right more often, by {ranged(points, '.0f')} percentage points, {gain.size.n} people.",
        f"With a map people need less time, by {ranged(saved, '.0%')}, {time.size.n} people.",
        f"p of right answers: {p_of(gain.p)}; p of time: {p_of(time.p)}.",
    )


def _trust(found: Retold, again: Again) -> None:
    checks, alpha = again.checks, again.alpha
    single, average, n_whole, n_whole_maps = recomputed.icc(again.answers)
    n_maps = recomputed.scores(again.answers).shape[1]
    level = "agree well" if alpha.value >= 0.8 else "agree fairly well" if alpha.value >= 0.667 else "do not agree well"
    found.say(
        "trust",
        f"People {level} on which maps are clear: {alpha.value:.2f}, where 1 is full agreement and 0 is chance.",
        f"The range of uncertainty is {alpha.low:.2f} to {alpha.high:.2f}, from {alpha.n} people.",
        f"Shown a map again, people stayed within one step of their first score in {checks.within_one:.0%} of "
        f"{checks.n_repeats} cases.",
        f"The check question, which tells its own answer: {len(checks.failed)} of {checks.n_checked} people failed",
        f"in which there is nothing to see: {len(checks.noise_seers)} of {checks.n_saw_noise} people found it",
        f"Ratings of {alpha.n} people on maps that at least two people have rated: {n_maps}.",
        f"they are of {n_whole} people and maps: {n_whole_maps}.",
    )
    shown = {
        "Krippendorff's alpha (ordinal)": ranged(alpha, ".2f"),
        "ICC(A,1): of one person's score": ranged(single, ".2f"),
        "ICC(A,k): of the mean of all": ranged(average, ".2f"),
        "Second score against first: mean difference in steps": f"{checks.apart:.2f}",
        "Second score against first: weighted kappa": f"{checks.kappa:.2f}",
    }
    rows = {words: {"value (range of uncertainty)": value} for words, value in shown.items()}
    found.grids["Can these answers be trusted?", "measure"] = rows


def _pairs(found: Retold, again: Again) -> None:
    ranked = recomputed.ranking(again.answers)
    found.say(
        "pairs",
        f"{ranked.n_people} people compared two maps, {ranked.n_chosen} times with a choice and {ranked.n_undecided} "
        "times with “I can't tell”.",
        f"“Map {ranked.winner}” is found clearer than each of the other maps, beyond chance.",
    )
    drawn = [*map(name_of, ranked.wins), *(f"{one.value:.0%}" for one in ranked.wins.values())]
    found.labels["How often each map is found clearer than another one"] = drawn


def _aligned(found: Retold, again: Again) -> None:
    each = recomputed.alignment(again.tables)
    n_tests, n_maps = sum(one.p is not None for one in each.values()), len(again.opinions)
    found.say(
        "aligned",
        f"With {n_tests} comparisons on only {n_maps} maps,",
        "1: the number puts the maps in the order that people do. 0: chance.",
        "In brackets: the range over people (95 %).",
    )
    found.grids["Which number agrees with people?", "number"] = {
        words: {
            "agreement with understandability": _correlated(each[name, "score"]),
            "agreement with the quiz": _correlated(each[name, "right"]),
        }
        for name, words in NUMBERS.items()
    }


def _correlated(one: Contrast) -> str:
    return f"{ranged(one.size, '+.2f')}, p: {p_of(one.p)}"


# --- money


def _money(found: Retold, again: Again) -> None:
    told = recomputed.money(again.tables)
    once, monthly, saved, net = ([yen(end) for end in one] for one in told.outcomes.values())
    found.say(
        "money",
        f"in {told.n_pays:,} of {recomputed.DRAWS:,} draws of these numbers something is left over.",
        f"Cost until it runs: {once[0]}. Left over at the end of the period: {net[1]} to {net[2]} (9 times in 10).",
    )
    found.say("even", f"the map must save at least {number(three(told.break_even))} seconds a decision")
    rows = {
        "Cost until it runs": once,
        "Cost a month": monthly,
        "Saved a month": saved,
        "Left over at the end of the period": net,
        "Cost is back after": [months(one) for one in told.payback],
    }
    found.grids["What does it cost, what does it save?", ""] = {
        words: {"in the middle": middle, "9 times in 10 between": between(low, high)}
        for words, (middle, low, high) in rows.items()
    }
    given = {one["name"]: one for one in rows_of(again.tables["money"])}
    moved = [given[name] for name, (low, high) in told.swings.items() if low != high][:8]
    ends = [number(three(one[end])) for end in ("high", "low") for one in moved]
    found.labels["What is left over, by each number"] = ends


def _behind(found: Retold, again: Again) -> None:
    """What the app has measured is computed again; what people assume is as they put it in."""
    given, measured = {one["name"]: one for one in rows_of(again.tables["money"])}, recomputed.measured(again.tables)
    rows = {}
    for name in recomputed.QUANTITIES:
        one = given[name]
        low, likely, high = measured[name] if one["measured"] else (one["low"], one["likely"], one["high"])
        low, likely, high = (number(three(end) if one["measured"] else end) for end in (low, likely, high))
        shown = likely if low == high else f"{likely} ({low} … {high})"
        told = {"most likely (lowest … highest)": shown, "unit": one["unit"], "where from": one["source"]}
        rows[one["label"]] = told
    found.grids["What does it cost, what does it save?", "what is counted"] = rows


# --- what could be read wrongly, and what comes after


def _misread(found: Retold, again: Again) -> None:
    """Also on which maps."""
    checks, n_rated = again.checks, sum(one.score.value is not None for one in again.opinions.values())
    lost = [name_of(number) for number, one in again.errors.items() if one.value is not None]
    drawn = [name_of(number) for number, one in again.maps.items() if one["drawing_words"] == "t-SNE"]
    found.say("where", ", ".join(lost), ", ".join(drawn), ", ".join(map(name_of, again.maps)))
    found.say(
        "misread",
        f"{len(checks.noise_seers)} of {checks.n_saw_noise} found a map of noise readable:",
        f"{len(checks.failed)} of {checks.n_checked} failed the check question:",
        f"Map {again.best} is the highest of {n_rated} that were rated:",
        f"{len(again.tables['misreadings']) - ON_A_SLIDE} more are in the report.",
    )
    for one in again.maps.values():
        length, step = (float(part.split()[at]) for at, part in enumerate(_cut(one).split(", ")))
        found.say("misread", f"A stretch shares {1 - step / length:.0%} of its samples with the next one:")


def _cut(one: Mapping[str, Any]) -> str:
    """As "64 samples a stretch, step 32"."""
    return str(one["preparation_words"].split(" · ")[-1])


def _after(found: Retold, again: Again) -> None:
    """Of each map, what the newest study says against the first one that asked about it."""
    rated = again.answers[(again.answers["kind"] == "view") & again.answers["score"].notna()]
    said: dict[str, list[str]] = {}
    for number, rows in rated.groupby("map"):
        said.setdefault(_since(rows), []).append(name_of(number))
    for words, names in said.items():
        found.say("after", f"{', '.join(names)}: {words}")


def _since(rows: Frame) -> str:
    first, last = rows["study"].min(), rows["study"].max()
    if first == last:
        return "Only one study has asked about it:"
    size = recomputed.clearer(rows.assign(map=rows["study"]), last, first).size
    steps, low, high = (f"{end:+.1f}" for end in size[:3])
    lasts = f"People find it about as clear as at first: {steps} steps ({low} to {high}), so a fall by more than 0.5"
    opens = f"Whether people now find it less clear by more than 0.5 steps cannot be told: {steps} steps"
    return lasts if size.low >= -0.5 else f"{opens} ({low} to {high})."


def _data(found: Retold, again: Again) -> None:
    section = "The data, and how it was prepared"
    found.grids[section, "file"] = {
        one["name"]: {
            "rows": f"{one['rows']:,}",
            "channels": str(one["channels"]),
            "series": str(one["series"]),
            "uploaded": moment(one["uploaded_at"]),
            "fingerprint": one["sha256"][:12],
        }
        for one in rows_of(again.tables["files"])
    }
    found.grids[section, "map"] = {
        name_of(number): {
            "stretches": f"{one['n_windows']:,}",
            "Preparation": str(one["preparation"]),
            "Model": one["model_words"],
            "Way of drawing": one["drawing_words"],
            "fingerprint": one["fingerprint"][:12],
        }
        for number, one in again.maps.items()
    }
    found.say(
        "prepared", *(f"Preparation {one['preparation']}: {one['preparation_words']}" for one in again.maps.values())
    )
