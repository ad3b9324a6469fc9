"""Uploads: kept at once, because the browser's file is gone on the next page."""

from collections.abc import Iterable, Sequence

from core.delimited import unique_names
from core.tables import Reading, guess
from core.views import Source
from feedback_db import datasets
from feedback_db.datasets import Dataset
from pages.parts.work import database, store, table_of


def take_in(pilot_id: str, file_name: str, data: bytes) -> Dataset:
    """Keep a file and how it was read. A file that cannot be read raises, and its bytes are kept all the same."""
    sha256 = store().keep(data, {"made": "upload", "bytes": len(data)})
    reading = guess(data)
    with_sizes = _sizes(Source(sha256, reading))
    with database().session() as db:
        return datasets.add(db, pilot_id, sha256=sha256, file_name=file_name, reading=reading.to_json(), **with_sizes)


def read_again(one: Dataset, reading: Reading) -> Dataset:
    """Read the same bytes in the way a person corrected it to; raises, and changes nothing, when that does not work."""
    with_sizes = _sizes(Source(one.sha256, reading))
    with database().session() as db:
        return datasets.update_reading(db, one.id, reading=reading.to_json(), **with_sizes)


def names_of(here: Sequence[Dataset]) -> dict[str, str]:
    """What to call each file, by id. Two files of one name are told apart: a choice is known by its words alone."""
    return dict(zip((one.id for one in here), unique_names([one.file_name for one in here]), strict=True))


def sources_of(chosen: Iterable[Dataset]) -> tuple[Source, ...]:
    return tuple(Source(one.sha256, Reading.from_json(one.reading)) for one in chosen)


def _sizes(source: Source) -> dict[str, int]:
    table = table_of(source)
    return {"n_rows": table.n_rows, "n_channels": len(source.reading.channels), "n_series": len(table.series)}
