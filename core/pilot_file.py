"""The pilot file: what a pilot is made of, as TOML that people and programs write, and the same specs again from it.

What a file leaves out is as the screens propose it. Nothing in it says where the program or its store lie.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain, count, product
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from core.artifacts import Store
from core.encoders import HUB, EncoderSpec, weights_hash
from core.errors import N_, UserError
from core.lessons import TrainSpec
from core.pilot_tables import CORRECT, FORMAT, RecipeTable, RunTable, Tables, ViewTable, made, named, tables_of
from core.projection import ProjectionSpec
from core.reader import Reader, Source, table_of
from core.readings import Reading
from core.recipes import Recipe, WindowSpec, propose
from core.steps import from_json
from core.studies import Design
from core.tuning import TuneSpec
from core.views import ViewSpec

T = TypeVar("T")

HEAD = "# A pilot, for `python -m core`; the page docs/EXAMPLES.md of the program says what can stand here.\n"
CAN_BE_NONE = ("time", "clock", "rate", "label", "domain", "variable", "value")  # of a reading: false in the file
ASKED = (
    "encoding",
    "sheet",
    "site",
)  # of a reading, beside its dialect and its notation: known before the rest is guessed


@dataclass(frozen=True, slots=True)
class Planned:
    """A study that people are to be asked, or were."""

    design: Design
    views: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything goes by its name, in the order of the file."""

    name: str
    sources: Mapping[str, Source]
    views: Mapping[str, ViewSpec] = field(default_factory=dict)  # those of a grid too
    runs: Mapping[str, TuneSpec] = field(default_factory=dict)
    learners: Mapping[str, str] = field(default_factory=dict)  # view or run → the run whose model it reads with
    studies: Mapping[str, Planned] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(
        default_factory=dict
    )  # view or run → the run that must be made to know what it is


def read(file: Path, store: Store, reader: Reader) -> Plan:
    """The plan of a pilot file. Its data files are kept in the store, where they may lie already.

    Raises:
        UserError: what is wrong, and in which table.
    """
    return _File(tables_of(_parsed(file)), file.parent, store, reader).plan()


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(
            N_("There is no pilot file “{file}”."), N_("Look at its name, and at the folder you are in."), file=file
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            N_("The pilot file “{file}” cannot be read."), N_("It has to be text, in UTF-8."), file=file
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(N_("The pilot file is not written as TOML is: {why}."), CORRECT, why=str(error)) from error


class _File:
    """A pilot file on its way to a plan."""

    def __init__(self, tables: Tables, folder: Path, store: Store, reader: Reader) -> None:
        self._tables, self._folder, self._store, self._reader = tables, folder, store, reader
        self._sources: dict[str, Source] = {}
        self._runs: dict[str, TuneSpec] = {}
        self._learners: dict[str, str] = {}
        self._waiting: dict[str, str] = {}

    def plan(self) -> Plan:
        tables = self._tables
        for name in tables.dataset:
            self._sources[name] = self._source(name)
        for name, run in tables.run.items():
            self._add_run(name, run)
        views = self._views()
        studies = {}
        for name, study in tables.study.items():
            asked = study.views or (*views, *(one for one in self._waiting if one not in tables.run))
            for one in asked:
                named({**views, **self._waiting}, "view", one, f"[[study]] {name}")
            studies[name] = Planned(made(Design, study.design, f"[[study]] {name}"), asked)
        return Plan(tables.name, self._sources, views, self._runs, self._learners, studies, self._waiting)

    # --- data

    def _source(self, name: str) -> Source:
        """A data set, read as the file says; what that leaves out is guessed. False stands for none."""
        table, where = self._tables.dataset[name], f"[[dataset]] {name}: reading"
        sha256 = self._kept(table.file, table.sha256)
        told = {key: None if value is False and key in CAN_BE_NONE else value for key, value in table.reading.items()}
        wanted = made(Reading, told, where)
        if told.keys() < wanted.to_json().keys():
            dialect: dict[str, Any] = {**(told.get("dialect") or {})}
            site = {"site": Path(table.file).stem[:100]}  # as for an upload
            asked: dict[str, Any] = site | {key: told[key] for key in ASKED if key in told} | dialect
            asked |= {"notation": wanted.notation} if "notation" in told else {}
            guessed = self._reader.open(self._store, sha256, asked).reading
            wanted = made(
                Reading, {**guessed.to_json(), **told, "dialect": {**asdict(guessed.dialect), **dialect}}, where
            )
        source = Source(sha256, wanted)
        self._reader.keep(self._store, source)
        return source

    def _kept(self, name: str, sha256: str) -> str:
        """The SHA-256 of a file that is in the store then."""
        file = self._folder / name
        data = file.read_bytes() if file.is_file() else None
        if data is not None and sha256 in ("", hashlib.sha256(data).hexdigest()):
            return self._store.keep(data, {"name": file.name})
        if sha256 and self._store.has(sha256):
            return sha256
        if data is not None:
            raise UserError(
                N_("“{file}” is not the file that this pilot was made with."),
                N_("Put that file back; or, if this one is meant, take the line “sha256” out of the pilot file."),
                file=name,
            )
        raise UserError(
            N_("The data file “{file}” is neither where the pilot file says, nor in the store."),
            N_("Copy it beside the pilot file, or correct its name there."),
            file=name,
        )

    # --- what is made of it

    def _add_run(self, name: str, table: RunTable) -> None:
        encoder = self._encoder(table.encoder, name, f"[[run]] {name}")
        if encoder is not None:
            sources = self._chosen(table.data, f"[[run]] {name}")
            train = made(TrainSpec, table.train, f"[[run]] {name}: train")
            recipe = self._recipe(table.recipe, sources, f"[[run]] {name}")
            self._runs[name] = TuneSpec(sources, recipe, encoder, train, table.share, table.chance)

    def _views(self) -> dict[str, ViewSpec]:
        views: dict[str, ViewSpec] = {}
        for name, table in _crossed(self._tables).items():
            where = f"[[view]] {name}"
            encoder = self._encoder(table.encoder, name, where)
            if encoder is not None:
                sources = self._chosen(table.data, where)
                drawn = (
                    named(self._tables.projection, "projection", table.projection, where) if table.projection else {}
                )
                projection = made(ProjectionSpec, drawn, f"[[projection]] {table.projection}")
                views[name] = ViewSpec(sources, self._recipe(table.recipe, sources, where), encoder, projection)
        return views

    def _chosen(self, names: tuple[str, ...], where: str) -> tuple[Source, ...]:
        return tuple(named(self._sources, "dataset", one, where) for one in names or self._sources)

    def _recipe(self, name: str, sources: tuple[Source, ...], where: str) -> Recipe:
        table = named(self._tables.recipe, "recipe", name, where) if name else RecipeTable()
        where = f"[[recipe]] {name}"
        if table.window is None:
            window = propose([len(one.values) for source in sources for one in table_of(source, self._store).series])
        else:
            window = made(WindowSpec, table.window, f"{where}: window")
        own: dict[str, Any] = {} if table.training is None else {"training": table.training}
        if table.steps is not None:
            own["steps"] = tuple(from_json(one) for one in table.steps)
        return Recipe(**own, window=window)

    def _encoder(self, name: str, of: str, where: str) -> EncoderSpec | None:
        """What a view or a run reads with; None: which model that is shows when another run is made."""
        if not name:
            return EncoderSpec()
        table, where = named(self._tables.encoder, "encoder", name, where), f"[[encoder]] {name}"
        if not table.run:
            return self._at_hand(table.spec, table.weights, where)
        named(self._tables.run, "run", table.run, where)
        if (before := self._before(table.run)) is not None:
            self._waiting[of] = before
            return None
        self._learners[of] = table.run
        trained = asdict(self._runs[table.run].encoder_in(self._store))
        return made(EncoderSpec, {**trained, **table.spec}, where)

    def _before(self, run: str) -> str | None:
        """The run that must be made before it is known which one this is: its model's weights are part of that."""
        if run not in self._runs:
            return self._waiting.get(run, run)
        before = self._learners.get(run)
        return before if before is not None and not self._store.has(self._runs[before].fingerprint()) else None

    def _at_hand(self, told: Mapping[str, Any], weights: str, where: str) -> EncoderSpec:
        source = told.get("source", "")
        if source and source not in HUB.values():
            told = {**told, "source": str(self._folder.absolute() / source)}
        spec = made(EncoderSpec, told, where)
        folder = spec.folder()
        if weights and folder is not None and weights_hash(folder) != weights:
            raise UserError(
                N_("The model in “{folder}” is not the one that this pilot was made with."),
                N_("Give that model's folder in the pilot file; or, if this one is meant, take “weights” out of it."),
                folder=folder,
            )
        return spec


def _crossed(tables: Tables) -> dict[str, ViewTable]:
    """The views of the file, and those of its grids. No run may have the name of one of them."""
    views = [*tables.view.items()]
    for grid in tables.grid:
        axes = (
            grid.recipes or tuple(tables.recipe) or ("",),
            grid.encoders or tuple(tables.encoder) or ("",),
            grid.projections or tuple(tables.projection) or ("",),
        )
        for chosen in product(*axes):
            name = " · ".join(one for one in (grid.name, *chosen) if one) or "1"
            views.append((name, ViewTable(grid.data, *chosen)))
    names = Counter([*tables.run, *(name for name, _table in views)])
    for name, times in names.items():
        if times > 1:
            raise UserError(
                N_("Two maps of the pilot file, or a map and a run, would be called “{name}”."),
                N_("Give one of them, or the grid, another name there."),
                name=name,
            )
    return dict(views)


# --- writing


def written(plan: Plan, files: Mapping[str, str]) -> str:
    """The file from which `read` makes this plan again, with every choice said; nothing is waited for in it.

    Args:
        files: names of the data files by their SHA-256.
    """
    parts = _Parts({source: name for name, source in plan.sources.items()}, plan.learners)
    runs = [
        {"name": name, **parts.used(name, one), "share": one.share, "chance": one.chance, "train": asdict(one.train)}
        for name, one in plan.runs.items()
    ]
    views = [
        {"name": name, **parts.used(name, one), "projection": parts.projection(one.projection)}
        for name, one in plan.views.items()
    ]
    datasets = [
        {"name": name, "file": files[one.sha256], "sha256": one.sha256, "reading": _told(one.reading.to_json())}
        for name, one in plan.sources.items()
    ]
    studies = [{"name": name, "views": list(one.views), **one.design.to_json()} for name, one in plan.studies.items()]
    tables = {"dataset": datasets, **parts.tables(), "run": runs, "view": views, "study": studies}
    told = {"format": FORMAT, "pilot": {"name": plan.name}} | {kind: each for kind, each in tables.items() if each}
    return HEAD + tomli_w.dumps(told)


class _Parts:
    """What the views and the runs of a plan are made of, each written once and named by what it is."""

    def __init__(self, sources: Mapping[Source, str], learners: Mapping[str, str]) -> None:
        self._sources, self._learners = sources, learners
        self._recipes: dict[Recipe, str] = {}
        self._encoders: dict[tuple[EncoderSpec, str], str] = {}
        self._projections: dict[ProjectionSpec, str] = {}

    def used(self, name: str, spec: ViewSpec | TuneSpec) -> dict[str, Any]:
        run = self._learners.get(name, "")
        source = run or Path(spec.encoder.source).name or spec.encoder.kind
        return {
            "data": [self._sources[one] for one in spec.sources],
            "recipe": called(self._recipes, spec.recipe, "preparation"),
            "encoder": called(self._encoders, (spec.encoder, run), source),
        }

    def projection(self, spec: ProjectionSpec) -> str:
        return called(self._projections, spec, spec.method)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        return {
            "recipe": [{"name": name, **one.to_json()} for one, name in self._recipes.items()],
            "encoder": [{"name": name, **_model(*one)} for one, name in self._encoders.items()],
            "projection": [{"name": name, **asdict(one)} for one, name in self._projections.items()],
        }


def called(names: dict[T, str], one: T, wanted: str) -> str:
    """Its name, and if it has none yet, this one or the next that is free."""
    if one not in names:
        free = chain([wanted], (f"{wanted} {n}" for n in count(2)))
        names[one] = next(name for name in free if name not in names.values())
    return names[one]


def _model(spec: EncoderSpec, run: str) -> dict[str, Any]:
    told = asdict(spec)
    if run:
        return {"run": run} | {key: value for key, value in told.items() if key not in ("kind", "source")}
    folder = spec.folder() if spec.kind == "moment" else None
    return told | ({} if folder is None else {"weights": weights_hash(folder)})


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """TOML has no none: false says it, of what is no yes or no."""
    return {key: False if value is None else value for key, value in values.items()}
