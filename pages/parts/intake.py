"""Uploads: kept at once, because the browser's file is gone on the next page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from core.artifacts import fingerprint
from core.errors import UserError
from core.headings import unique_names
from core.reader import Source
from core.tables import Reading
from feedback_db import datasets
from feedback_db.datasets import Dataset
from pages.parts import who
from pages.parts.work import database, reader, store, table_of


def take_in(pilot_id: str, file_name: str, data: bytes, said: Mapping[str, Any] | None = None) -> Dataset:
    """Keep a file and how it was read. A file that cannot be read raises, and its bytes are kept all the same.

    Args:
        said: what a person has said about how the file is written.
    """
    sha256 = store().keep(data, {"made": "upload", "bytes": len(data)})
    site = PurePath(file_name).stem[:100]  # several files are several series, each known by its file
    source = reader().open(store(), sha256, {"site": site, **(said or {})})
    look = _look(source)
    source, read_like = _as_before(source, look)
    own = {"sha256": sha256, "file_name": file_name, "reading": source.reading.to_json()}
    with database().session(who.here()) as db:
        return datasets.add(db, pilot_id, **own, **_sizes(source), look=look, read_like=read_like)


def _look(source: Source) -> str:
    """The same for files that the program reads alike: their columns, and how they are apart."""
    how = source.reading
    return fingerprint("look", table_of(source).names, how.dialect.delimiter, how.layout, how.sheet)


def _as_before(source: Source, look: str) -> tuple[Source, str]:
    """Read as a person corrected the last file that looks alike, where that works; and that file's name."""
    with database().session(who.here()) as db:
        before = datasets.corrected_like(db, look)
    if before is None:
        return source, ""
    told, guessed = Reading.from_json(before.reading), source.reading
    missing = tuple(sorted({*told.missing, *guessed.missing}))
    again = Source(source.sha256, replace(told, site=guessed.site, missing=missing))
    try:
        reader().keep(store(), again)
    except UserError:
        return source, ""  # they do not look so very much alike: the guess stands
    return again, before.file_name


def read_again(one: Dataset, reading: Reading) -> Dataset:
    """Read the same bytes in the way a person corrected it to; raises, and changes nothing, when that does not work."""
    with_sizes = _sizes(Source(one.sha256, reading))
    with database().session(who.here()) as db:
        return datasets.update_reading(db, one.id, reading=reading.to_json(), **with_sizes)


def guess_again(one: Dataset, said: Mapping[str, Any]) -> Reading:
    """Other marks make other columns: what a person says about the file, and the rest guessed from there."""
    site = Reading.from_json(one.reading).site
    return reader().open(store(), one.sha256, {"site": site, **said}).reading


def names_of(here: Sequence[Dataset]) -> dict[str, str]:
    """What to call each file, by id. Two files of one name are told apart: a choice is known by its words alone."""
    return dict(zip((one.id for one in here), unique_names([one.file_name for one in here]), strict=True))


def sources_of(chosen: Iterable[Dataset]) -> tuple[Source, ...]:
    return tuple(Source(one.sha256, Reading.from_json(one.reading)) for one in chosen)


def _sizes(source: Source) -> dict[str, int]:
    table = table_of(source)
    return {"n_rows": table.n_rows, "n_channels": len(table.series[0].channels), "n_series": len(table.series)}
