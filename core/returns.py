"""What people answered, read back: the file “All data (ZIP)” of a pilot, its folder, or the answers alone (CSV)."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np

from core.answers import HIGHEST, LOWEST, Answer, Kind, TaskKind
from core.errors import N_, UserError
from core.evidence import Errors
from core.recognition import Where
from core.report import written
from core.rules import Thresholds

KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind) if kind != "null"} | {"noise": "null"}
MOST = 2**31  # bytes of one file: more was never exported, and would fill the memory
NEEDED = {
    "answers": "study round who place kind map other_map error score quiz right chance confidence preferred seconds "
    "quiz_seconds",
    "maps": "map round trained_from error trustworthiness continuity neighbours_kept silhouette steadiness "
    "lines_apart lines_low lines_high",
    "window_errors": "map series start length error",
    "studies": "round",
    "trainings": "error_change error_low error_high moved",
    "ledger": "kind content unchanged",
}
NUMBERS = ("trustworthiness", "continuity", "neighbours_kept", "silhouette")
AGAIN = N_("Download “All data (ZIP)” on the Evidence screen again, and give the file as it is.")


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """What is known of a map beside what people say. Maps go by their numbers, as in the files."""

    loss: float | None  # None: its model cannot reconstruct
    errors: Errors | None  # of its windows; None: they were not exported
    numbers: Mapping[str, float | None] = field(default_factory=dict)  # by the names of core.alignment
    lines: tuple[float, float | None, float | None] | None = None  # how surely its model tells lines apart
    trained_from: str | None = None  # the map before extra training


@dataclass(frozen=True, slots=True, eq=False)
class Returned:
    """All that the evidence is made of."""

    answers: tuple[Answer, ...]  # oldest study first; a view is a map's number
    maps: Mapping[str, Map]  # by number, in order
    last_round: int  # in which people were asked; 0: none
    training: tuple[float | None, float | None, float | None, float | None]  # of the newest: change, range, moved
    thresholds: Thresholds | None  # fixed in the ledger; None: nobody has fixed any
    manifest: Mapping[str, Any]  # what made the file; empty for answers alone
    changed: tuple[str, ...]  # files that are not as they were exported


def read_answers(file: Path) -> Returned:
    """The exported ZIP, the folder it was unpacked to, or the answers alone as CSV.

    UserError where it is none of these, or where a table is not as it was written by the export. A file that somebody
    has changed since is read, and named in `changed`.
    """
    files = _files(file)
    if "answers.csv" not in files:
        raise UserError(N_("There are no answers in “{file}”: answers.csv is missing."), AGAIN, file=file.name)
    tables = {name: _table(f"{name}.csv", files.get(f"{name}.csv"), needed.split()) for name, needed in NEEDED.items()}
    manifest = _manifest(files.get("manifest.json"))
    answers = tuple(map(_answer, tables["answers"]))
    maps = _maps(tables) if "maps.csv" in files else _maps_of_answers(tables["answers"])
    for row in tables["answers"]:
        for column in ("map", "other_map", "preferred"):
            if row.cell(column) and row.cell(column) not in maps:
                raise row.wrong(column)
    rounds = [row.whole("round") or 0 for row in [*tables["studies"], *tables["answers"]]]
    return Returned(
        answers,
        maps,
        max(rounds, default=0),
        _training(tables["trainings"]),
        _thresholds(tables["ledger"]),
        manifest,
        _changed(files, manifest),
    )


# --- files


def _files(file: Path) -> dict[str, bytes]:
    """By name: of a ZIP, of a folder, or answers.csv alone."""
    if file.is_dir():
        inside = [one for one in sorted(file.iterdir()) if one.suffix in (".csv", ".parquet", ".json")]
        return {one.name: _small(one.name, one.stat().st_size, one.read_bytes) for one in inside}
    if not file.is_file():
        raise UserError(
            N_("There is no file “{file}”."), N_("Check the path, or download the data again."), file=str(file)
        )
    if not zipfile.is_zipfile(file):
        return {"answers.csv": _small(file.name, file.stat().st_size, file.read_bytes)}
    try:
        with zipfile.ZipFile(file) as archive:
            return {
                one.filename: _small(one.filename, one.file_size, lambda one=one: archive.read(one))  # type: ignore[misc]
                for one in archive.infolist()
                if not one.is_dir()
            }
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # damaged, locked, or packed otherwise
        raise UserError(N_("“{file}” is damaged or locked."), AGAIN, file=file.name) from error


def _small(name: str, size: int, read: Callable[[], bytes]) -> bytes:
    if size > MOST:
        raise UserError(N_("“{file}” is larger than any export is."), AGAIN, file=name)
    return read()


def _manifest(data: bytes | None) -> dict[str, Any]:
    if data is None:
        return {}
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    if not (isinstance(told, dict) and _is_manifest(told)):
        raise UserError(N_("“{file}” cannot be read."), AGAIN, file="manifest.json")
    return told


def _is_manifest(told: Mapping[str, Any]) -> bool:
    """Whether it has the shape that the export gives it."""
    data = told.get("data", [])
    parts = all(isinstance(told.get(name, {}), dict) for name in ("files", "pilot", "versions"))
    return (
        parts
        and isinstance(data, list)
        and all(isinstance(one, dict) and {"file", "sha256"} <= set(one) for one in data)
    )


def _changed(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> tuple[str, ...]:
    told = manifest.get("files", {})
    return tuple(
        name
        for name, sha256 in told.items()
        if name.endswith(".csv") and (name not in files or hashlib.sha256(files[name]).hexdigest() != sha256)
    )


# --- tables


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, which knows where it stands."""

    file: str
    line: int  # from 1, the head too
    cells: Mapping[str, str]

    def cell(self, column: str) -> str:
        return self.cells[column]

    def wrong(self, column: str) -> UserError:
        return UserError(
            N_("Line {line} of “{file}” has “{text}” in the column “{column}”, which cannot be."),
            AGAIN,
            line=self.line,
            file=self.file,
            text=self.cells[column][:60],
            column=column,
        )

    def number(self, column: str) -> float | None:
        """As it was written, to the last digit; None where the cell is empty."""
        if not (text := self.cells[column]):
            return None
        try:
            found = float(text)
        except ValueError:
            raise self.wrong(column) from None
        if not np.isfinite(found):
            raise self.wrong(column)
        return found

    def whole(self, column: str, among: Sequence[int] | None = None) -> int | None:
        found = self.number(column)
        if found is None:
            return None
        if found != int(found) or (among is not None and int(found) not in among):
            raise self.wrong(column)
        return int(found)

    def name(self, column: str) -> str:
        """Of a map: its number, as text."""
        found = self.whole(column)
        return "" if found is None else str(found)


def _table(file: str, data: bytes | None, needed: Sequence[str]) -> list[Row]:
    """Its rows; none where there is no such file."""
    if data is None:
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(N_("“{file}” is not in UTF-8: a spreadsheet may have saved it."), AGAIN, file=file) from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error:
        raise UserError(N_("“{file}” cannot be read."), AGAIN, file=file) from None
    heads = lines[0][1] if lines else []
    if missing := [column for column in needed if column not in heads]:
        raise UserError(N_("“{file}” has no column “{column}”."), AGAIN, file=file, column=missing[0])
    for at, cells in lines:
        if len(cells) != len(heads):
            raise UserError(
                N_("Line {line} of “{file}” has {n} cells where the head has {heads}."),
                AGAIN,
                line=at,
                file=file,
                n=len(cells),
                heads=len(heads),
            )
    return [Row(file, at, dict(zip(heads, map(written, cells), strict=True))) for at, cells in lines[1:]]


def _answer(row: Row) -> Answer:
    kind = KINDS.get(row.cell("kind"))
    if kind is None or not row.cell("who"):
        raise row.wrong("kind" if kind is None else "who")
    task = row.cell("quiz")
    if task and task not in get_args(TaskKind):
        raise row.wrong("quiz")
    right, chance = row.whole("right", (0, 1)), row.number("chance")
    if chance is not None and not 0 <= chance <= 1:
        raise row.wrong("chance")
    for column in ("seconds", "quiz_seconds"):
        if (row.number(column) or 0.0) < 0:
            raise row.wrong(column)
    return Answer(
        rater=row.cell("who"),
        item=f"{row.cell('study')}-{row.cell('place') or row.line}",
        kind=kind,
        view=row.name("map"),
        other=row.name("other_map"),
        score=row.whole("score", range(LOWEST, HIGHEST + 1)),
        task=task or None,  # type: ignore[arg-type]  # one of them, as was looked at above
        right=None if right is None else bool(right),
        chance=chance,
        confidence=row.whole("confidence", (1, 2, 3)),
        preferred=row.name("preferred") or None,
        seconds=row.number("seconds"),
        task_seconds=row.number("quiz_seconds"),
    )


def _maps(tables: Mapping[str, Sequence[Row]]) -> dict[str, Map]:
    errors: dict[str, list[Row]] = {}
    for row in tables["window_errors"]:
        errors.setdefault(row.name("map"), []).append(row)
    found = {}
    for row in tables["maps"]:
        numbers = {name: row.number(name) for name in NUMBERS} | {"stability": row.number("steadiness")}
        auc = row.number("lines_apart")
        lines = None if auc is None else (auc, row.number("lines_low"), row.number("lines_high"))
        name, loss = row.name("map"), row.number("error")
        found[name] = Map(loss, _errors(errors.get(name, [])), numbers, lines, row.name("trained_from") or None)
    return found


def _errors(rows: Sequence[Row]) -> Errors | None:
    if not rows:
        return None
    series, start, length = ([row.whole(name) or 0 for row in rows] for name in ("series", "start", "length"))
    each = [row.number("error") for row in rows]
    for row, error in zip(rows, each, strict=True):
        if error is None or error < 0:
            raise row.wrong("error")
        if row.whole("length") != length[0] or length[0] < 1:
            raise row.wrong("length")
    return Errors(np.array(each, np.float64), Where(np.array(series, np.int64), np.array(start, np.int64), length[0]))


def _maps_of_answers(rows: Iterable[Row]) -> dict[str, Map]:
    """Of answers alone: those that somebody was asked about, with their errors."""
    found: dict[str, Map] = {}
    for row in rows:
        for column in ("map", "other_map"):
            if name := row.name(column):
                found.setdefault(name, Map(None, None))
        if (error := row.number("error")) is not None and not row.cell("other_map") and row.cell("map"):
            found[row.name("map")] = Map(error, None)
    return dict(sorted(found.items(), key=lambda one: int(one[0])))


def _training(rows: Sequence[Row]) -> tuple[float | None, float | None, float | None, float | None]:
    if not rows:
        return None, None, None, None
    change, low, high, moved = (rows[-1].number(name) for name in NEEDED["trainings"].split())
    return change, low, high, moved


def _thresholds(rows: Sequence[Row]) -> Thresholds | None:
    """Those that were fixed last, and that nobody changed in the database."""
    fixed = [row for row in rows if row.cell("kind") == "rules" and row.cell("unchanged") == "1"]
    if not fixed:
        return None
    try:
        return Thresholds.from_json(json.loads(fixed[-1].cell("content")))
    except (ValueError, TypeError):
        raise fixed[-1].wrong("content") from None
