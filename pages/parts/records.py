"""The tables of a pilot's data to take along: every number of the report can be computed from them."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from core import evidence
from core.document import Grid
from core.domains import Apart
from core.errors import UserError
from core.measures import Measured, MeasureSpec, StabilitySpec, Steady
from core.roi import QUANTITIES
from core.studies import FACTORS, levels
from core.tuning import Tuned
from core.views import ViewSpec, find
from feedback_db import datasets, ledger, misreadings, studies, visits
from feedback_db.datasets import Dataset
from feedback_db.pilots import Pilot
from pages.parts import chapters, codebook, export, known, money, placed, register, rounds, who
from pages.parts.known import Known
from pages.parts.text import _, bare
from pages.parts.work import database, ready_series, store

Row = Mapping[str, Any]
EXPECTED = ("error", "clarity")
WHOLE = set(
    "map round n_windows trained_from compared_with series start length training parameters_trained parameters windows "
    "study n_people n_answers n_items file rows channels measured entry unchanged visit placement n_new n_apart change "
    "gone step gappy filled".split()
)
NUMBERS = set(
    "error error_low error_high hidden trustworthiness continuity neighbours_kept neighbours_chance stress silhouette "
    "silhouette_model steadiness lines_apart lines_low lines_high explained error_change moved low likely high outside "
    "expected outside_p distance distance_p difference p then now".split()
)


def tables(pilot: Pilot, found: Known) -> dict[str, pd.DataFrame]:
    """Every number of the report can be computed from these."""
    answers = export.frame(pilot.id, list(found.views.values()))
    rows: dict[str, Iterable[Row]] = {
        "maps": _maps(pilot, found),
        "window_errors": _window_errors(found),
        "trainings": _trainings(found),
        "studies": _studies(pilot, found, answers),
        "files": _files(pilot),
        "money": _money(pilot, found),
        "ledger": _ledger(pilot),
        "hours": _hours(pilot),
        "placements": _placements(pilot, found),
        "placement_channels": _placement_channels(pilot, found),
        "misreadings": _misreadings(pilot, found),
        "misreading_changes": _misreading_changes(pilot),
    }
    book = pd.DataFrame(codebook.rows(), columns=["table", "column", "meaning"])
    return {"answers": answers, "codebook": book} | {name: _table(name, each) for name, each in rows.items()}


def _table(name: str, rows: Iterable[Row]) -> pd.DataFrame:
    """With the columns and the types that it always has, so that a table without rows can be read too."""
    table = pd.DataFrame(list(rows), columns=list(codebook.COLUMNS[name]))
    return table.astype({column: _type(column) for column in table})


def _type(column: str) -> str:
    return "Int64" if column in WHOLE else "float" if column in NUMBERS else "string"


def time_of(at: datetime | None) -> str | None:
    """UTC."""
    return None if at is None else at.astimezone(UTC).isoformat()


def as_json(told: Any) -> str:
    """As the ledger hashes it."""
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _maps(pilot: Pilot, found: Known) -> Iterable[Row]:
    codes = levels(found.specs)
    befores = evidence.came_from(found.specs, {id_: one.round for id_, one in found.views.items()}, found.trained)
    files = {one.sha256: str(number) for number, one in numbered(pilot)}

    def number(view: str | None) -> int | None:
        return None if view is None else found.views[view].number

    for id_, one in found.views.items():
        spec = found.specs[id_]
        yield {
            "map": one.number,
            "round": one.round,
            "kept_at": time_of(one.created_at),
            "n_windows": one.n_windows,
            "length": spec.recipe.window.length,
            "step": spec.recipe.window.stride,
            **_times(spec),
            **codes[id_],
            **{f"{factor}_words": " · ".join(rounds.worded(found, factor, spec)) for factor in FACTORS},
            "trained_from": number(found.trained.get(id_)),
            "compared_with": number(befores.get(id_)),
            "why": one.why,
            **{f"expected_{part}": (one.expects or {}).get(part) for part in EXPECTED},
            **_loss(found, id_),
            **_numbers(found, id_),
            "files": " ".join(dict.fromkeys(files.get(source.sha256, "") for source in spec.sources)),
            "fingerprint": one.fingerprint,
        }


def _loss(found: Known, id_: str) -> Row:
    lost, detail = found.losses.get(id_), found.views[id_].loss_detail
    if lost is None:
        return {}
    why = lost[0].why_no_range
    return {
        "error": lost[0].value,
        "error_low": lost[0].low,
        "error_high": lost[0].high,
        "why_no_range": None if why is None else bare(why.message, why.facts),
        "hidden": None if detail is None else detail["mask_ratio"],
    }


def _numbers(found: Known, id_: str) -> Row:
    """Those that are computed already."""
    told: dict[str, Any] = {}
    measured: Measured | None = known.made(MeasureSpec(found.specs[id_]))
    if measured is not None:
        one = measured.quality
        told |= {"trustworthiness": one.trustworthiness, "continuity": one.continuity, "stress": one.stress}
        told |= {"neighbours_kept": one.kept, "neighbours_chance": one.chance}
        told |= {"silhouette": measured.apart.silhouette_picture, "silhouette_model": measured.apart.silhouette_model}
        if isinstance(measured.lines, Apart):
            auc = measured.lines.auc
            told |= {"lines_apart": auc.value, "lines_low": auc.low, "lines_high": auc.high}
    steady: Steady | None = known.made(StabilitySpec(found.specs[id_]))
    drawn = find(found.views[id_].fingerprint, store())
    meta = {} if drawn is None else drawn.meta
    told |= {"steadiness": steady and steady.overall, "explained": meta.get("explained")}
    return told | {"gappy": meta.get("n_gappy"), "filled": meta.get("filled")}


def _times(spec: ViewSpec) -> Row:
    """Of the first and the last sample."""
    try:
        clocks = [one.time for one in ready_series(spec.sources, spec.recipe)]
    except UserError:  # the series are no longer kept as they were prepared
        return {}
    known_clocks = [clock for clock in clocks if clock is not None]
    if len(known_clocks) < len(clocks):
        return {}
    return {
        "first_at": str(min(clock.min() for clock in known_clocks)),
        "last_at": str(max(clock.max() for clock in known_clocks)),
    }


def _window_errors(found: Known) -> Iterable[Row]:
    for id_, (_lost, errors) in found.losses.items():
        if errors is not None:
            where = errors.where
            for series, start, error in zip(where.series, where.start, errors.per_window, strict=True):
                told = {"series": int(series), "start": int(start), "length": where.length, "error": float(error)}
                yield {"map": found.views[id_].number} | told


def _trainings(found: Known) -> Iterable[Row]:
    for number, spec in found.trainings.values():
        done: Tuned | None = known.made(spec)
        if done is None:
            continue
        change = known.fell(done)
        yield {
            "training": number,
            "parameters_trained": done.n_trained,
            "parameters": done.n_parameters,
            "windows": done.n_windows[0],
            "error_change": change and change.value,
            "error_low": change and change.low,
            "error_high": change and change.high,
            "moved": done.change.movement.displacement,
        }


def _studies(pilot: Pilot, found: Known, answers: pd.DataFrame) -> Iterable[Row]:
    with database().session(who.here()) as db:
        asked = studies.of_pilot(db, pilot.id)[::-1]
    for number, one in enumerate(asked, start=1):
        given = answers[answers["study"] == number]
        yield {
            "study": number,
            "round": one.round,
            "opened_at": time_of(one.opened_at),
            "closed_at": time_of(one.closed_at),
            "maps": " ".join(str(found.views[id_].number) for id_ in one.view_ids),
            "n_people": given["who"].nunique(),
            "n_answers": len(given),
            "n_items": chapters.most_items(one),
            "seed": str(one.seed),  # of 64 bits: a spreadsheet would round it
            "design": as_json(one.design.get("design", {})),
        }


def numbered(pilot: Pilot) -> list[tuple[int, Dataset]]:
    """The pilot's files."""
    with database().session(who.here()) as db:
        return list(enumerate(datasets.of_pilot(db, pilot.id), start=1))


def _files(pilot: Pilot) -> Iterable[Row]:
    for number, one in numbered(pilot):
        yield {
            "file": number,
            "name": one.file_name,
            "sha256": one.sha256,
            "rows": one.n_rows,
            "channels": one.n_channels,
            "series": one.n_series,
            "uploaded_at": time_of(one.created_at),
            "reading": as_json(one.reading),
        }


def _money(pilot: Pilot, found: Known) -> Iterable[Row]:
    inputs = money.inputs(pilot, list(found.answers))
    for one in (inputs[name] for name in QUANTITIES if name in inputs):  # their places number the draws
        yield {
            "name": one.name,
            "label": _(QUANTITIES[one.name].label),
            "unit": money.unit(one.name, pilot.currency),
            "low": one.low,
            "likely": one.likely,
            "high": one.high,
            "measured": int(one.measured),
            "source": _(one.source),
            "currency": pilot.currency,
        }


def _ledger(pilot: Pilot) -> Iterable[Row]:
    with database().session(who.here()) as db:
        entries, wrong = ledger.of_pilot(db, pilot.id), ledger.verify(db, pilot.id)
    for one in entries:
        yield {
            "entry": one.number,
            "kind": one.kind,
            "at": one.at.isoformat(),
            "content": as_json(one.content),
            "before": one.before,
            "hash": one.hash,
            "unchanged": int(one.number not in wrong),
        }


def _hours(pilot: Pilot) -> Iterable[Row]:
    with database().session(who.here()) as db:
        kept = visits.of_pilot(db, pilot.id)
    for number, one in enumerate(kept, start=1):
        yield {
            "visit": number,
            "screen": one.screen,
            "began_at": time_of(one.began_at),
            "last_at": time_of(one.last_at),
        }


def _placements(pilot: Pilot, found: Known) -> Iterable[Row]:
    files = {one.sha256: str(number) for number, one in numbered(pilot)}
    for number, one in enumerate(placed.checked(pilot.id, found), start=1):
        told: dict[str, Any] = {}
        if one.found is not None:
            shift, why = one.found, one.found.why
            told |= {"n_new": shift.n_new, "n_apart": shift.n_apart, "why_not": why and bare(why.message, why.facts)}
            told |= {"outside": shift.outside, "expected": shift.expected, "outside_p": shift.outside_p}
            told |= {"distance": shift.embedding.value, "distance_p": shift.embedding.p}
        sources = () if one.spec is None else one.spec.sources
        yield told | {
            "placement": number,
            "map": found.views[one.view_id].number,
            "placed_at": time_of(one.at),
            "way": placed.way(one),
            "watched_file": one.file or None,
            "files": " ".join(files.get(source.sha256, "") for source in sources),
            "verdict": placed.verdict(one, bare),
        }


def _placement_channels(pilot: Pilot, found: Known) -> Iterable[Row]:
    for number, one in enumerate(placed.checked(pilot.id, found), start=1):
        for shift in () if one.found is None else one.found.inputs:
            told = {"channel": shift.name, "what": shift.what, "difference": shift.value, "p": shift.p}
            yield {"placement": number} | told | {"then": shift.before, "now": shift.after}


def _misreadings(pilot: Pilot, found: Known) -> Iterable[Row]:
    """As the register stands."""
    for block in register.told(pilot, found, known.facts(found)):
        if isinstance(block, Grid):
            _heads, *rows = block.rows
            yield from (dict(zip(("what", "where", "cost", "guard"), row, strict=True)) for row in rows)


def _misreading_changes(pilot: Pilot) -> Iterable[Row]:
    with database().session(who.here()) as db:
        changes = misreadings.history(db, pilot.id)
    for number, one in enumerate(changes, start=1):
        told = {"what": one.what, "cost": one.cost, "guard": one.guard, "gone": int(one.is_gone)}
        yield {"change": number, "at": time_of(one.set_at), "key": one.key} | told
