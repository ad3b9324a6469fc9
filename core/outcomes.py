"""What came of what was made, in numbers by name: for machines as they are, for people as a table of some of them.

Names are those of the file “All data (ZIP)”, where that has the same number.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from core import measures, probes, tuning, views, watching
from core.artifacts import Store
from core.document import Block, Bullets, Document, Grid, Paragraphs, is_numeric, squared
from core.domains import Apart
from core.drift import VERDICTS
from core.errors import N_, UserError
from core.measures import MeasureSpec
from core.notices import Notice
from core.probes import NAMES, ProbeSpec
from core.progress import fitted, wide
from core.rebuilding import Interval
from core.recognition import Score
from core.tuning import TuneSpec
from core.views import ViewSpec
from core.watching import Event
from core.words import Voice

Told = dict[str, Any]  # JSON-able
DIGITS = 12  # of a fingerprint that are shown to people
HIDDEN = 1  # of core.change.RATIOS, the share that is told to people


# --- for machines


def of_embedding(spec: ViewSpec, store: Store) -> Told:
    """Of a view whose embedding is in the store."""
    key = spec.embedding_fingerprint()
    meta = store.meta(key)
    names = {"n_windows": "n_windows", "gappy": "n_gappy", "filled": "filled", "error": "loss", "hidden": "mask_ratio"}
    told = {name: meta[field] for name, field in (names | {"parameters": "parameters", "weights": "weights"}).items()}
    return {"fingerprint": key} | told


def of_view(spec: ViewSpec, store: Store) -> Told:
    """Of a view that is in the store, with the numbers on it as far as they are."""
    drawn = views.load(spec, store)
    if drawn is None:
        return {}
    own = {"fingerprint": spec.fingerprint(), "embedding": spec.embedding_fingerprint()}
    told = of_embedding(spec, store) | own | {"explained": drawn.meta["explained"]}
    return told | of_measures(spec, store)


def of_measures(spec: ViewSpec, store: Store) -> Told:
    """What the numbers on a view are; nothing where they have yet to be computed."""
    found = measures.load(MeasureSpec(spec), store)
    if found is None:
        return {}
    one, lines = found.quality, found.lines
    return {
        "trustworthiness": one.trustworthiness,
        "continuity": one.continuity,
        "stress": one.stress,
        "neighbours_kept": one.kept,
        "neighbours_chance": one.chance,
        "structure": found.structure,
        "n_groups": int(found.groups.max(initial=-1)) + 1,
        "silhouette_model": found.apart.silhouette_model,
        "silhouette": found.apart.silhouette_picture,
        "recognised": {name: _score(score) for name, score in found.recognised.items()},
        "lines_apart": lines.auc.value if isinstance(lines, Apart) else None,
        "warnings": [english(one) for one in found.warnings],
    }


def warnings(spec: ViewSpec, store: Store) -> tuple[Notice, ...]:
    """Of the numbers on a view, as far as they are there."""
    found = measures.load(MeasureSpec(spec), store)
    return () if found is None else found.warnings


def of_run(spec: TuneSpec, store: Store) -> Told:
    """Of a training that is done."""
    found = tuning.load(spec, store)
    if found is None:
        return {}
    errors: list[Told] = [
        {"hidden": one.hidden, "before": one.before["mse"].value, "after": one.after["mse"].value}
        | {"change": one.change.value if isinstance(one.change, Interval) else None}
        for one in found.change.errors
    ]
    trained, stop, held = found.n_windows
    return {
        "fingerprint": spec.fingerprint(),
        "parameters_trained": found.n_trained,
        "parameters": found.n_parameters,
        "weights_moved": found.changed,
        "windows": {"trained": trained, "stop": stop, "held": held},
        "steps": found.steps,
        "best": found.best,
        "seconds": found.seconds,
        "errors": errors,
        "moved": found.change.movement.displacement,
        "cka": found.change.movement.cka,
        "neighbours_kept": found.change.movement.kept,
        "weights": found.weights,
    }


def of_probes(spec: ProbeSpec, store: Store) -> Told:
    """Of planted truths that were looked for."""
    found = probes.load(spec, store)
    if found is None:
        return {}
    fields = ("model", "map", "shuffled", "phases")
    scores = {kind: {field: getattr(one, field) for field in fields} for kind, one in found.scores.items()}
    return {"fingerprint": spec.fingerprint(), "scores": scores, "told": [*map(english, probes.told(found))]}


def of_event(event: Event) -> Told:
    """Of a file that came into a folder that is watched."""
    seen, judged = event.seen, event.judged
    told = seen.to_json()
    state = {"state": judged and judged.state, "because": [] if judged is None else [*map(english, judged.because)]}
    return (
        {"map": event.view}
        | {name: told[name] for name in ("at", "file", "sha256", "placed", "found", "error")}
        | state
    )


def of_error(name: str, error: UserError) -> Told:
    """Why something could not be made: for people, and to look it up by."""
    return {"name": name, "problem": error.problem, "remedy": error.remedy, "said": str(error)}


def as_json(told: Any, indent: int | None = None) -> str:
    """For machines. A number that is none, or beyond all numbers, is null."""
    return json.dumps(_finite(told), ensure_ascii=False, indent=indent, allow_nan=False, default=watching.as_json)


def _finite(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {name: _finite(one) for name, one in told.items()}
    if isinstance(told, list | tuple):
        return [_finite(one) for one in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told


def english(one: Notice) -> str:
    """As machines and logs have it."""
    return Voice("en").notice(one)


def _score(one: Score | Notice) -> Told:
    if isinstance(one, Notice):
        return {"value": None, "why": english(one)}
    return {"value": one.value, "low": one.low, "high": one.high, "chance": one.chance}


# --- for people


class Column(NamedTuple):
    """Of a table: a number, or a word, that is told of each row."""

    head: str  # a gettext id
    field: str  # of what is told
    form: str = ""  # of its value


MAP, TRAINING = N_("map"), N_("extra training")  # heads of names
FINGERPRINT = Column(N_("fingerprint"), "fingerprint", f".{DIGITS}")
STRETCHES, ERROR = Column(N_("stretches"), "n_windows", ",d"), Column(N_("reconstruction error"), "error", ".3f")
EMBEDDINGS = (STRETCHES, ERROR, FINGERPRINT)
VIEWS = (
    STRETCHES,
    ERROR,
    Column(N_("neighbours kept"), "neighbours_kept", ".0%"),
    Column(N_("by chance"), "neighbours_chance", ".0%"),
    FINGERPRINT,
)
RUNS = (
    Column(N_("could change"), "parameters_trained", ",d"),
    Column(N_("steps"), "steps", ",d"),
    Column(N_("MSE before"), "before", ".3f"),
    Column(N_("MSE after"), "after", ".3f"),
    Column(N_("stretches moved"), "moved", ".2f"),
    FINGERPRINT,
)
PROBES = (
    Column(N_("seen by the model"), "model", ".2f"),
    Column(N_("shown by the map"), "map", ".2f"),
    Column(N_("by chance"), "shuffled", ".2f"),
)


def table(first: str, told: Mapping[str, Told], columns: Sequence[Column], voice: Voice) -> str:
    """A line of heads, and one of each thing that was told of by name; "": there is nothing to tell.

    Args:
        first: head of the names.
    """
    if not told:
        return ""
    rows = [[voice._(first), *(voice._(one.head) for one in columns)]]
    rows += [[name, *(_cell(facts.get(one.field), one.form) for one in columns)] for name, facts in told.items()]
    return aligned(rows)


def notices(each: Mapping[str, Iterable[Notice]], voice: Voice) -> str:
    """A line for each notice about something that has a name."""
    return "\n".join(f"{name}: {voice.notice(one)}" for name, told in each.items() for one in told)


def _cell(value: object, form: str) -> str:
    return "–" if value is None else format(value, form)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """In columns, numbers to the right."""
    columns = []
    for cells in squared(rows):
        width, right = max(map(wide, cells)), is_numeric(cells[1:])
        columns.append([" " * (width - wide(one)) + one if right else fitted(one, width) for one in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def run_for_people(told: Told) -> Told:
    """With the error of the middle share of what was hidden."""
    return told | (told["errors"][HIDDEN] if told.get("errors") else {})


def probes_for_people(name: str, spec: ProbeSpec, store: Store, voice: Voice) -> str:
    """A table of the truths, and below it what is seen and what is not."""
    found = probes.load(spec, store)
    if found is None:
        return ""
    scores = of_probes(spec, store)["scores"]
    lines = [table(name, {voice._(NAMES[kind]): one for kind, one in scores.items()}, PROBES, voice)]
    for one in probes.told(found):
        kinds: Any = one.facts["kinds"]
        lines.append(voice.filled(one.message, {"kinds": [voice._(NAMES[kind]) for kind in kinds]}))
    return "\n".join(lines)


def event_for_people(event: Event, voice: Voice) -> str:
    """One line."""
    seen, judged = event.seen, event.judged
    if judged is None:
        said = "" if seen.error is None else voice.error(seen.error)
    else:
        said = voice.together(voice._(VERDICTS[judged.state]), *map(voice.notice, judged.because))
    return f"{seen.at.astimezone():%Y/%m/%d %H:%M} {seen.file} → {event.view}: {said}"


def text(document: Document) -> str:
    """A document as lines for a terminal, without its pictures."""
    parts = [document.title, " · ".join(document.facts), document.headline]
    for section in document.sections:
        said = [*filter(None, map(_block, section.blocks))]
        parts += [f"## {section.heading}", *said] if said else []
    return "\n\n".join(parts)


def _block(block: Block) -> str:
    if isinstance(block, Paragraphs):
        return "\n".join(block.lines)
    if isinstance(block, Bullets):
        return "\n".join(f"- {line}" for line in block.lines)
    if isinstance(block, Grid):
        return "\n".join([aligned(block.rows), *([block.caption] if block.caption else [])])
    return ""


def errors(failed: Iterable[tuple[str, UserError]], voice: Voice) -> list[str]:
    """A line for each error, with the names of all that it has cost."""
    names: dict[UserError, dict[str, None]] = {}
    for name, error in failed:
        names.setdefault(error, {})[name] = None
    return [f"{voice.listed(those)}: {voice.error(error)}" for error, those in names.items()]
