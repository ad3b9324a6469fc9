"""What is in a folder, and what the steps of a recipe learn from each series of it: found once, by workers."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from distributed import Client

from core import folders, parts
from core.artifacts import fingerprint
from core.errors import N_, UserError
from core.fitting import State, shared_by
from core.folders import Contents, FolderSpec, Whole
from core.recipes import Recipe
from core.remote import Folder
from core.rolling import Rolling, failure
from core.views import Progress

VERSION = 1  # raise it when the same files would be found to hold other things
LOOKING, LEARNING = N_("Looking through the files"), N_("Learning from each series")
NOTED = 256  # findings in a file
SAMPLES = 2_097_152  # of series that are learnt from in one task


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is done: the folder of results, who calculates, and who is told."""

    out: str
    client: Client
    progress: Progress


class Notes:
    """What was found, in JSON files that only ever become more: whoever is killed loses a few findings."""

    def __init__(self, out: str, name: str) -> None:
        self._folder, self._name, self._new = Folder(out), name, dict[str, Any]()
        self.known: dict[str, Any] = {}
        for file in Folder(f"{out}/{name}").files(".json"):
            self.known |= json.loads(self._folder.get(f"{name}/{file.name}") or b"{}")

    def add(self, found: Mapping[str, Any]) -> None:
        self._new |= found
        self.known |= found
        if len(self._new) >= NOTED:
            self.write()

    def write(self) -> None:
        if self._new:
            self._folder.put(f"{self._name}/{uuid.uuid4().hex}.json", json.dumps(self._new).encode())
            self._new = {}


# --- what is in it


def contents(spec: FolderSpec, place: Place) -> Contents:
    """Look through the files that are new or have changed.

    Raises:
        UserError: a file cannot be read, or they do not go together.
    """
    if f"{Folder(place.out).root}/".startswith(f"{Folder(spec.url).root}/"):
        raise UserError(
            N_("The results would lie among the data in “{url}”."),
            N_("Choose another folder for them."),
            url=spec.url,
        )
    files = Folder(spec.url).files(*folders.ENDINGS)
    notes = Notes(place.out, f"looked/{fingerprint('looked', VERSION, spec.to_json())[:16]}")
    keys = {one.name: json.dumps([one.name, one.size, one.state]) for one in files}
    new = [name for name, key in keys.items() if key not in notes.known]
    refused = None
    looking = Rolling(place.client, partial(folders.looked_through, spec))
    for name, found in looking.over(iter(new), lambda done: place.progress(LOOKING, done, len(new))):
        if isinstance(found, Exception):
            refused = refused or failure(found)
        else:
            notes.add({keys[name]: found})
    notes.write()
    if refused:
        raise refused
    return folders.contents(spec, files, {name: notes.known[key] for name, key in keys.items()})


# --- what the steps learn


@dataclass(frozen=True, slots=True)
class Learnt:
    states: Mapping[str, list[State]]  # by series
    refused: Mapping[str, UserError]  # series from which nothing can be learnt


def learnt(spec: FolderSpec, recipe: Recipe, inside: Contents, place: Place) -> Learnt:
    """What the steps learn from each series, unless that is known."""
    if all(shared_by(step) is None for step in recipe.steps):
        return Learnt({one.name: [{} for _ in recipe.steps] for one in inside.series}, {})
    way = [spec.columns(), {name: value for name, value in recipe.to_json().items() if name != "window"}]
    notes = Notes(place.out, f"learnt/{fingerprint('learnt', VERSION, way)[:16]}")
    keys = {one.name: fingerprint(one.name, identities(inside, one)) for one in inside.series}
    new = [one for one in inside.series if keys[one.name] not in notes.known]
    refused: dict[str, UserError] = {}
    learning = Rolling(place.client, partial(_learnt, spec, recipe))
    batches = list(_batches(new))
    for batch, outcome in learning.over(iter(batches), lambda done: place.progress(LEARNING, done, len(batches))):
        found = [failure(outcome)] * len(batch) if isinstance(outcome, Exception) else outcome
        refused |= {one.name: own for one, own in zip(batch, found, strict=True) if isinstance(own, UserError)}
        notes.add({keys[one.name]: own for one, own in zip(batch, found, strict=True) if isinstance(own, list)})
    notes.write()
    known = {name: notes.known[key] for name, key in keys.items() if name not in refused}
    return Learnt(known, refused)


def _batches(series: Iterable[Whole]) -> Iterator[tuple[Whole, ...]]:
    batch: list[Whole] = []
    for one in series:
        batch.append(one)
        if sum(each.n for each in batch) >= SAMPLES or len(batch) == NOTED:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


def _learnt(spec: FolderSpec, recipe: Recipe, batch: Sequence[Whole]) -> list[list[State] | UserError]:
    """On a worker."""
    found: list[list[State] | UserError] = []
    for one in batch:
        try:
            found.append(parts.learnt(spec, recipe, one))
        except UserError as error:
            found.append(error)
    return found


def identities(inside: Contents, series: Whole) -> list[Any]:
    """What is read of a series, whatever its files are called."""
    return [[inside.hashes[one.file], one.block.at, one.block.size, one.n] for one in series.stretches]
