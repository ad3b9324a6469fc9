"""The tables of a pilot file: what may stand in each, checked before anything is made of it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from core.errors import N_, UserError

T = TypeVar("T")

FORMAT = 1  # of the file; raise it when an older version would read a new file wrongly
CORRECT = N_("Correct the pilot file there, then try again.")


@dataclass(frozen=True, slots=True)
class DatasetTable:
    file: str  # seen from the pilot file
    sha256: str = ""  # of its content, which is looked for in the store too; "": whatever the file holds
    reading: Mapping[str, Any] = field(default_factory=dict)  # of core.readings.Reading; what is not said is guessed


@dataclass(frozen=True, slots=True)
class RecipeTable:
    steps: tuple[Mapping[str, Any], ...] | None = None  # see core.steps
    training: float | None = None
    window: Mapping[str, Any] | None = None  # of core.recipes.WindowSpec; None: what suits the data


@dataclass(frozen=True, slots=True)
class EncoderTable:
    run: str = ""  # the model that came of it
    weights: str = ""  # SHA-256 of model.safetensors; "": whichever lie in the folder
    spec: Mapping[str, Any] = field(default_factory=dict)  # all other keys: of core.encoders.EncoderSpec


@dataclass(frozen=True, slots=True)
class ViewTable:
    data: tuple[str, ...] = ()  # (): all of the file
    recipe: str = ""  # "": what suits the data
    encoder: str = ""  # "": the compact model that comes with the app
    projection: str = ""  # "": PCA


@dataclass(frozen=True, slots=True)
class RunTable:
    data: tuple[str, ...] = ()
    recipe: str = ""
    encoder: str = ""
    train: Mapping[str, Any] = field(default_factory=dict)  # of core.lessons.TrainSpec
    share: float = 1.0
    chance: bool = False


@dataclass(frozen=True, slots=True)
class StudyTable:
    views: tuple[str, ...] = ()  # (): all
    design: Mapping[str, Any] = field(default_factory=dict)  # all other keys: of core.studies.Design


@dataclass(frozen=True, slots=True)
class GridTable:
    """A view for every recipe with every encoder with every projection; () stands for all that the file has."""

    name: str = ""  # before the names of its views
    data: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    encoders: tuple[str, ...] = ()
    projections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tables:
    """A pilot file by its tables, each kind by name and in the order of the file."""

    name: str
    dataset: Mapping[str, DatasetTable]
    recipe: Mapping[str, RecipeTable]
    encoder: Mapping[str, EncoderTable]
    projection: Mapping[str, Mapping[str, Any]]  # of core.projection.ProjectionSpec
    run: Mapping[str, RunTable]
    view: Mapping[str, ViewTable]
    study: Mapping[str, StudyTable]
    grid: tuple[GridTable, ...]


def tables_of(told: Mapping[str, Any]) -> Tables:
    """The tables of a file that was parsed.

    Raises:
        UserError: something is missing, of the wrong type, or unknown to this version; and where.
    """
    if told.get("format", FORMAT) != FORMAT:
        raise UserError(
            N_("This pilot file is of another version of this program."),
            N_("Update the program, or export the file again."),
        )
    check_keys(told, {"format", "pilot", *(one.name for one in fields(Tables) if one.name != "name")}, "top level")
    pilot = _fitted(told.get("pilot", {}), Mapping, "[pilot]")
    check_keys(pilot, {"name"}, "[pilot]")
    return Tables(
        name=_fitted(pilot.get("name", ""), str, "[pilot] name"),
        dataset=_all(told, "dataset", lambda given, where: made(DatasetTable, given, where)),
        recipe=_all(told, "recipe", lambda given, where: made(RecipeTable, given, where)),
        encoder=_all(
            told, "encoder", lambda given, where: made(EncoderTable, _apart(given, "spec", EncoderTable), where)
        ),
        projection=_all(told, "projection", lambda given, _where: given),
        run=_all(told, "run", lambda given, where: made(RunTable, given, where)),
        view=_all(told, "view", lambda given, where: made(ViewTable, given, where)),
        study=_all(told, "study", lambda given, where: made(StudyTable, _apart(given, "design", StudyTable), where)),
        grid=tuple(made(GridTable, one, "[[grid]]") for one in _listed(told, "grid")),
    )


def _all(told: Mapping[str, Any], kind: str, make: Callable[[Mapping[str, Any], str], T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for given in _listed(told, kind):
        name = given.get("name", Path(str(given.get("file", ""))).stem)
        if not isinstance(name, str) or not name:
            raise UserError(N_("A table [[{kind}]] of the pilot file has no name."), CORRECT, kind=kind)
        if name in found:
            raise UserError(
                N_("Two tables [[{kind}]] of the pilot file are called “{name}”."), CORRECT, kind=kind, name=name
            )
        found[name] = make({key: value for key, value in given.items() if key != "name"}, f"[[{kind}]] {name}")
    return found


def _listed(told: Mapping[str, Any], kind: str) -> tuple[Mapping[str, Any], ...]:
    return cast(
        "tuple[Mapping[str, Any], ...]", _fitted(told.get(kind, []), tuple[Mapping[str, Any], ...], f"[[{kind}]]")
    )


def _apart(given: Mapping[str, Any], rest: str, cls: type) -> dict[str, Any]:
    """The keys of a table, and all others under one."""
    own = {one.name for one in fields(cls)} - {rest}
    return {key: value for key, value in given.items() if key in own} | {
        rest: {key: value for key, value in given.items() if key not in own}
    }


def named(tables: Mapping[str, T], kind: str, name: str, where: str) -> T:
    """The table of this name, of which another one speaks."""
    if name not in tables:
        raise UserError(
            N_("{where} of the pilot file speaks of “{name}”, but there is no [[{kind}]] of that name."),
            CORRECT,
            where=where,
            name=name,
            kind=kind,
        )
    return tables[name]


def made(cls: type[T], given: Mapping[str, Any], where: str) -> T:
    """One of a dataclass, of what stands in a table.

    Raises:
        UserError: a key is missing or unknown, or its value cannot be.
    """
    hints = get_type_hints(cls)
    check_keys(given, hints, where)
    needed = (one.name for one in fields(cast("Any", cls)) if one.default is MISSING and one.default_factory is MISSING)
    for name in needed:
        if name not in given:
            raise UserError(N_("{where} of the pilot file has no “{key}”."), CORRECT, where=where, key=name)
    fitting = {name: _fitted(value, hints[name], f"{where}: {name}") for name, value in given.items()}
    try:
        return cls(**fitting)
    except ValueError as error:
        raise _wrong(where, str(error)) from error


def check_keys(given: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for name in given:
        if name not in known:
            raise UserError(
                N_("{where} of the pilot file has a “{key}”, which is not known there. Known are: {known}."),
                CORRECT,
                where=where,
                key=name,
                known=", ".join(sorted(known)),
            )


def _fitted(value: Any, hint: Any, where: str) -> Any:
    """The value as a field of this type takes it; whole numbers stay whole, or fingerprints would change."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind is Literal and value in inner:
        return value
    if kind is UnionType:
        [hint] = [one for one in inner if one is not NoneType]
        return None if value is None else _fitted(value, hint, where)
    if kind is tuple and isinstance(value, list | tuple):
        return tuple(_fitted(one, inner[0], where) for one in value)
    if is_dataclass(kind) and isinstance(value, Mapping):
        return made(cast("type", kind), value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise _wrong(where, f"{value!r}")


def _wrong(where: str, why: str) -> UserError:
    return UserError(N_("{where} of the pilot file cannot be so: {why}."), CORRECT, where=where, why=why)
