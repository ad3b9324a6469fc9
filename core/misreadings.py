"""What could be read wrongly on a map or in what a pilot found, how costly that is, and what guards against it.

Everything here follows from facts at hand; nothing is computed for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Literal

from core import opinions, projection
from core.answers import Answer
from core.artifacts import fingerprint
from core.domains import Apart
from core.errors import N_
from core.measures import Measured
from core.notices import Notice
from core.projection import NOTES
from core.recognition import Score
from core.rules import APART, Facts, Thresholds
from core.steps import Bend, Deseason, Scale, Step, Winsorise
from core.tuning import TuneSpec
from core.views import ViewSpec

Cost = Literal["large", "middling", "small"]
Json = Mapping[str, Any]
Fixed = Literal["before", "after", "never"]

COSTS: Mapping[Cost, str] = {"large": N_("large"), "middling": N_("medium"), "small": N_("small")}  # in this order
SHOWN = 0.5  # of the differences: a PCA map with less has lost most of them
MANY = 3  # maps, from which on the highest of them owes something to luck
DAYS = 7.0  # less than a week does not even hold each day of one
OWN = "{own}"  # somebody's own words, in the place of a message


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that could be read wrongly."""

    key: str  # the same whenever the same could be read wrongly; its last part, after a colon, is the kind
    what: Notice
    cost: Cost
    guard: Notice  # against it


@dataclass(frozen=True, slots=True)
class Row:
    """The same entry wherever it holds."""

    keys: tuple[str, ...]
    where: tuple[str, ...]  # names of maps; (): it holds for the whole pilot
    what: Notice
    cost: Cost
    guard: Notice


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of a pilot beside its answers."""

    n_files: int  # that its maps are made from
    days: float | None  # from the first of their samples to the last; None: there is no clock
    fixed: Fixed | None  # when the rules were, and the asking began; None: nobody has been asked
    is_saving_assumed: bool  # there is a sum of money, and that a map saves time is not measured


def _entry(key: str, cost: Cost, what: str, guard: str, **facts: object) -> Entry:
    """Args: facts: of `what`."""
    return Entry(key, Notice(what, facts), cost, Notice(guard, {}))


# --- of one map


def of_view(
    spec: ViewSpec, meta: Json, measured: Measured | None, training: TuneSpec | None = None
) -> tuple[Entry, ...]:
    """What could be read wrongly on one map.

    Args:
        meta: of the core.views.View; {}: it is no longer kept.
        measured: None: the numbers on the map are not known yet.
        training: what its model came from, where it was trained further.
    """
    of_numbers = [] if measured is None else _of_numbers(measured)
    trained = [] if training is None else _of_training(training)
    of_data = [*_of_windows(spec, meta), *_of_preparation(spec, meta)]
    return (*_of_drawing(spec, meta), *of_numbers, *_of_model(spec, meta), *trained, *of_data)


def _of_drawing(spec: ViewSpec, meta: Json) -> list[Entry]:
    method, found = spec.projection.method, []
    if method != "pca":
        guard = N_("Read who lies next to whom only, and check it with PCA.")
        found.append(_entry(method, "middling", NOTES[method], guard))
    explained = meta.get("explained")
    if explained is not None and explained < SHOWN:
        message = N_("Only {share} of the differences are on this map: points that lie together may differ a lot.")
        guard = N_("Check it with a way of drawing that keeps neighbours, such as UMAP.")
        found.append(_entry("pca", "middling", message, guard, share=f"{explained:.0%}"))
    advice = projection.advice(spec.projection, meta["n_windows"]) if meta else []
    guard = N_("Draw it to the end with the usual settings, and trust what is still there.")
    return [*found, *_unnamed(advice, "middling", guard)]


def _unnamed(notices: Iterable[Notice], cost: Cost, guard: str) -> list[Entry]:
    """Of messages that have no key of their own."""
    return [Entry(fingerprint(one.message)[:8], one, cost, Notice(guard, {})) for one in notices]


def _of_numbers(measured: Measured) -> list[Entry]:
    guard = N_("Draw it another way, and read nothing from this map that the other does not show.")
    found = _unnamed(measured.warnings, "large", guard)
    if measured.structure != "groups":
        message = N_("The model itself sees no separate groups here: clumps come from the drawing or from chance.")
        guard = N_("Give no names to clumps on this map.")
        found.append(_entry("no_groups", "large", message, guard))
    lines, states = measured.lines, measured.recognised["label, model"]
    knows_states = isinstance(states, Score) and states.value > states.bar
    if isinstance(lines, Apart) and _surely(lines) > APART and not knows_states:
        message = N_("The model tells lines or sites apart ({auc}): what looks like a state may be a line.")
        guard = N_("Colour the map by file, line or site; where the colours part, bring the lines together.")
        found.append(_entry("lines", "large", message, guard, auc=f"{lines.auc.value:.0%}"))
    return found


def _surely(lines: Apart) -> float:
    return lines.auc.value if lines.auc.low is None else lines.auc.low


def _of_model(spec: ViewSpec, meta: Json) -> list[Entry]:
    model, found = spec.encoder, []
    if meta.get("loss") is not None:
        message = N_(
            "The reconstruction error tells how well the model guesses, not whether people understand the map."
        )
        guard = N_("Go by what people say of the map and by their quick quizzes.")
        found.append(_entry("error", "large", message, guard))
    sees_level = "level-scale-slope" in model.side or not model.reads_patches
    if not sees_level or spec.recipe.scaled_by_window:
        message = N_(
            "Level and size of a stretch do not count here: a machine at twice the load lies in the same place."
        )
        guard = N_("Where they matter, give them to the model too, or look at the curves of the points.")
        found.append(_entry("level", "large", message, guard))
    if not sees_level and _is_undone(spec.recipe.steps):
        message = N_(
            "The preparation brings data to one scale, but this model undoes that: the map cannot have changed by it."
        )
        guard = N_("If two maps differ, look for another reason than the scale.")
        found.append(_entry("scaling", "small", message, guard))
    if model.adapt:
        message = N_("Lines or sites were brought together: what really happens at one of them alone is hidden too.")
        guard = N_("Compare with the map on which they are as they are.")
        found.append(_entry("adapted", "middling", message, guard))
    return found


def _is_undone(steps: Sequence[Step]) -> bool:
    """Whether nothing after a scaling depends on it, for a model that standardises every window and channel.

    Most steps move and stretch along with what goes in; bending does not, nor do quantiles of other groups.
    """
    linear = takewhile(lambda one: not isinstance(one, Bend | Winsorise), steps[::-1])
    return any(isinstance(one, Scale) for one in linear)


def _of_training(training: TuneSpec) -> list[Entry]:
    found = []
    if training.train.trained == "head":
        message = N_("Only the model's last layer was trained: a lower error has moved no stretch on the map.")
        guard = N_("Train more than the last layer, and look at how far stretches moved.")
        found.append(_entry("head", "large", message, guard))
    if training.makes_groups:
        message = N_("This training asks for groups, and can make some up where there are none.")
        guard = N_("Look on the training screen at what it makes of the same data without shapes.")
        found.append(_entry("made_up", "large", message, guard))
    return found


def _of_windows(spec: ViewSpec, meta: Json) -> list[Entry]:
    window, found = spec.recipe.window, []
    n, n_gappy = meta.get("n_windows", 0), meta.get("n_gappy", 0)
    is_first_look = 0 < window.most <= n
    if window.stride < window.length and not is_first_look:
        share = f"{1 - window.stride / window.length:.0%}"
        message = N_(
            "A stretch shares {share} of its samples with the next one: neighbours may be alike for that alone."
        )
        guard = N_("Cut once with a step as long as a stretch, and see what stays.")
        found.append(_entry("overlap", "middling", message, guard, share=share))
    if is_first_look:
        message = N_("This is a first look at {n} stretches only: what happens rarely may be missing.")
        guard = N_("Draw it with all stretches before you say that something does not happen.")
        found.append(_entry("first_look", "small", message, guard, n=f"{n:,}"))
    if n_gappy:
        message = N_("Stretches with a gap are not on this map ({n}): what happened then cannot be seen here.")
        guard = N_("Look at those times on the Data screen; fill short gaps in the preparation.")
        found.append(_entry("gaps", "middling", message, guard, n=f"{n_gappy:,}"))
    return found


def _of_preparation(spec: ViewSpec, meta: Json) -> list[Entry]:
    recipe, found = spec.recipe, []
    if meta.get("filled"):
        message = N_("Missing values were filled in ({n}): stretches may be alike because they were filled alike.")
        guard = N_("Look at the curve of a point before you explain why it lies there.")
        found.append(_entry("filled", "small", message, guard, n=f"{meta['filled']:,}"))
    if recipe.training == 1 and any(meta.get("states", ())):
        message = N_(
            "The preparation has learnt from all of the data, the latest part too: new data may fit less well."
        )
        guard = N_("Let it learn from the first part only before you judge how the map will do in use.")
        found.append(_entry("all_data", "middling", message, guard))
    if any(isinstance(one, Deseason) for one in recipe.steps):
        message = N_("What repeats was taken out by looking at the whole series, what came later too.")
        guard = N_("In use only the past is known: try it on new data before you rely on it.")
        found.append(_entry("season", "small", message, guard))
    return found


# --- of the whole pilot


def of_pilot(answers: Sequence[Answer], facts: Facts, rules: Thresholds, around: Around) -> tuple[Entry, ...]:
    """What could be read wrongly in what all of it came to.

    Args:
        facts: that these answers hold.
        rules: say how many people are few, and what agreement is low.
    """
    of_answers = [*_of_people(answers, facts, rules), *_of_choice(answers, facts), *_of_quizzes(facts)]
    return tuple(replace(one, key=f"pilot:{one.key}") for one in [*of_answers, *_of_circumstances(around)])


def _of_people(answers: Sequence[Answer], facts: Facts, rules: Thresholds) -> list[Entry]:
    checks, n, found = opinions.checks(answers), facts.rating.n_raters, []
    if 0 < n < rules.people:
        message = N_(
            "Few people stand behind the highest rating ({n}; the rules ask for {least}): one more may turn it."
        )
        guard = N_("Ask more people before you decide.")
        found.append(_entry("few_people", "large", message, guard, n=n, least=rules.people))
    if checks.noise_seers:
        cost: Cost = "large" if len(checks.noise_seers) > rules.noise * checks.n_saw_noise else "middling"
        message = N_("{n} of {asked} found a map of noise readable: they may see groups where there are none.")
        guard = N_("Trust a map only where quick quizzes are answered right with it too.")
        found.append(_entry("noise", cost, message, guard, n=len(checks.noise_seers), asked=checks.n_saw_noise))
    if checks.failed:
        message = N_("{n} of {asked} failed the check question: some answers were given without looking.")
        guard = N_("On the results screen, leave these people out and see whether anything changes.")
        found.append(_entry("checks", "middling", message, guard, n=len(checks.failed), asked=checks.n_checked))
    if facts.agreement is not None and facts.agreement < rules.agreement:
        message = N_("People disagree on which maps are clear ({alpha}; the rules ask for {least}): a mean hides that.")
        guard = N_("Read the single ratings and the comments before you choose a map for all.")
        told = {"alpha": f"{facts.agreement:.2f}", "least": f"{rules.agreement:g}"}
        found.append(_entry("agreement", "middling", message, guard, **told))
    return found


def _of_choice(answers: Sequence[Answer], facts: Facts) -> list[Entry]:
    n = sum(one.understandability.value is not None for one in opinions.of_views(answers).values())
    if n < MANY:
        return []
    message = N_("Map {best} is the highest of {n} that were rated: part of its lead is luck.")
    guard = N_("Go by the lower end of its range, or ask other people about it once more.")
    return [_entry("best_of_many", "middling", message, guard, best=facts.best, n=n)]


def _of_quizzes(facts: Facts) -> list[Entry]:
    if facts.helped.accuracy.size.value is not None:
        message = N_("Quick quizzes are short and made up: in daily work a map may help less, or more.")
        guard = N_("Let a few people use the map for real decisions before money is spent.")
        return [_entry("quizzes", "middling", message, guard)]
    if facts.best is not None:
        message = N_("A map that is called clear need not help: nobody has done quick quizzes with a map and without.")
        guard = N_("Put quick quizzes into the next study.")
        return [_entry("no_quizzes", "large", message, guard)]
    return []


def _of_circumstances(around: Around) -> list[Entry]:
    found = []
    if around.n_files == 1:
        message = N_("All maps are made from one file: another line, product or season may look different.")
        guard = N_("Add data from elsewhere, and see whether the map says the same.")
        found.append(_entry("one_file", "middling", message, guard))
    if around.days is not None and around.days < DAYS:
        message = N_("All data is from {days} days: what a whole week brings is not in it.")
        guard = N_("Add data of at least a week before you rely on the map.")
        found.append(_entry("short", "middling", message, guard, days=f"{int(10 * around.days) / 10:.1f}"))
    guard = N_("Fix the rules before the next round, and decide by its answers.")
    if around.fixed == "after":
        message = N_("The rules were fixed when answers may have been known: they may be made to fit.")
        found.append(_entry("late_rules", "large", message, guard))
    elif around.fixed == "never":
        message = N_("People were asked before any rules were fixed: what is good enough can still be made to fit.")
        found.append(_entry("no_rules", "large", message, guard))
    if around.is_saving_assumed:
        message = N_("That a map saves time is assumed and not measured, and the sum of money rests on it.")
        guard = N_("Measure it: by quick quizzes with a map and without, or at real decisions.")
        found.append(_entry("money", "large", message, guard))
    return found


# --- as a list


def in_words(entry: Entry, what: str, cost: Cost, guard: str) -> Entry:
    """The entry as somebody has put it; "" leaves the words as they are."""
    own = [Notice(OWN, {"own": text}) if text else now for text, now in ((what, entry.what), (guard, entry.guard))]
    return Entry(entry.key, own[0], cost, own[1])


def merged(entries: Iterable[tuple[str, Entry]]) -> list[Row]:
    """Most costly first; what is said of several maps in the same words is one row.

    Args:
        entries: each with the map's name; "": it is about the whole pilot.
    """
    alike: dict[tuple[object, ...], list[tuple[str, Entry]]] = {}
    for where, entry in entries:
        kind = entry.key.rpartition(":")[2]
        alike.setdefault((kind, entry.cost, _said(entry.what), _said(entry.guard)), []).append((where, entry))
    rows = [_row(each) for each in alike.values()]
    return sorted(rows, key=lambda one: list(COSTS).index(one.cost))


def _said(one: Notice) -> object:
    return one.facts["own"] if one.message == OWN else one.message


def _row(each: Sequence[tuple[str, Entry]]) -> Row:
    first = each[0][1]
    names = tuple(where for where, _entry in each if where)
    what, guard = (_joined([getattr(one, side) for _where, one in each]) for side in ("what", "guard"))
    return Row(tuple(one.key for _where, one in each), names, what, first.cost, guard)


def _joined(notices: Sequence[Notice]) -> Notice:
    """One sentence with the facts of all, in their order, where they differ: 45% / 61%."""
    facts = {}
    for name in notices[0].facts:
        values = [one.facts[name] for one in notices]
        facts[name] = values[0] if len({*values}) == 1 else " / ".join(map(str, values))
    return Notice(notices[0].message, facts)
