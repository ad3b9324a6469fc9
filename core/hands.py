"""On a worker: a part of a folder is read, embedded and written as a Parquet file."""

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core import parts
from core.artifacts import fingerprint
from core.embedding import Encoder
from core.encoders import EncoderSpec, nobody
from core.errors import N_, UserError
from core.folders import FolderSpec
from core.parts import Filled, Part
from core.recipes import Recipe
from core.remote import Folder, Found
from core.series import Floats


@dataclass(frozen=True, slots=True)
class Way:
    """What is the same for all parts."""

    folder: FolderSpec
    recipe: Recipe
    encoder: EncoderSpec
    model: str  # fingerprint of the encoder's identity: a worker that has other weights must not use them
    out: str  # folder of the results

    def ready(self) -> Encoder:
        """The encoder, loaded once a worker."""
        return _encoder(self.encoder, self.model, self.folder.channels)


@dataclass(frozen=True, slots=True)
class Asked:
    part: Part
    name: str  # of the file, but for its end, which says how many windows are in it
    files: tuple[Found, ...]  # that it is read from
    kept: str = ""  # the same part as another state of the folder has left it


def facts(way: Way) -> dict[str, Any]:
    """About the encoder. Where it cannot do these windows, this says so before a thousand parts do."""
    encoder, nothing = way.ready(), np.zeros((0, len(way.folder.channels), way.recipe.window.length))
    width = _embedding(encoder, nothing).shape[1]
    known = {"parameters": encoder.parameters, "mode": encoder.mode, "weights": encoder.weights}
    return known | {"revision": encoder.revision, "width": width}


@lru_cache(maxsize=2)
def _encoder(spec: EncoderSpec, model: str, channels: tuple[str, ...]) -> Encoder:
    if fingerprint(spec.identity()) != model:
        raise UserError(
            N_("A worker has other weights of this model than the computer that asks."),
            N_("Give all of them the same files, under the same path."),
        )
    return Encoder(spec, channels, nobody)


def _embedding(encoder: Encoder, values: Floats) -> NDArray[np.float32]:
    """(n, d), also of no windows."""
    return encoder.embed(values if len(values) else np.zeros((1, *values.shape[1:])), nobody)[: len(values)]


def embedded(way: Way, asked: Asked) -> tuple[int, float]:
    """Write a part; how many windows are in it, and the seconds that it took."""
    began, out = time.perf_counter(), Folder(way.out)
    if asked.kept:
        n, data = asked.kept.rsplit("-", 1)[1].removesuffix(".parquet"), out.get(asked.kept)
        if data is not None:
            out.put(f"{asked.name}-{n}.parquet", data)
            return int(n), time.perf_counter() - began
    filled = [parts.filled(way.folder, way.recipe, piece) for piece in asked.part.pieces]
    vectors = _embedding(way.ready(), np.concatenate([one.values for one in filled]))
    _check_unchanged(way.folder, asked.files)
    table = where_table(filled).append_column("vector", fixed(vectors))
    out.put(f"{asked.name}-{len(vectors)}.parquet", written(table))
    return len(vectors), time.perf_counter() - began


def _check_unchanged(spec: FolderSpec, files: Sequence[Found]) -> None:
    """A file that changes while it is read would be kept as what it was before."""
    folder = Folder(spec.url)
    for one in files:
        if folder.found(one.name) != one:
            raise UserError(
                N_("“{file}” has changed while it was read."),
                N_("Start again when nobody writes to the folder: what is done is kept."),
                file=one.name,
            )


def where_table(filled: Sequence[Filled]) -> pa.Table:
    """Columns series and start, and time where there is a clock: a row a window."""
    names = pa.array([name for one in filled for name in one.series], pa.string()).dictionary_encode()
    columns = {"series": names, "start": pa.array(np.concatenate([one.start for one in filled]))}
    times = [one.time for one in filled if one.time is not None]
    if times:
        columns["time"] = pa.array(np.concatenate(times)).cast(pa.timestamp("ns"))
    return pa.table(columns)


def fixed(vectors: NDArray[np.float32]) -> pa.Array:
    """(n, d) as n lists."""
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])


def written(table: pa.Table) -> bytes:
    """As a Parquet file. Vectors hardly get smaller by compression, and places little."""
    file = io.BytesIO()
    pq.write_table(table, file, compression="none", use_dictionary=["series"])
    return file.getvalue()
