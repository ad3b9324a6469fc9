"""Small folders of a large plant's kind, and who reads them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

from core import folders
from core.folders import Contents, FolderSpec
from core.remote import Folder
from core.series import Floats


def written(values: Floats, file: Path, since: str = "2026-01-01", rows: int = 500) -> None:
    """One sample a minute in column x, as Parquet in groups of so many rows, or as CSV."""
    table = pd.DataFrame({"t": pd.date_range(since, periods=len(values), freq="1min"), "x": values})
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".csv":
        table.to_csv(file, index=False)
    else:
        table.to_parquet(file, row_group_size=rows)


def walks(folder: Path, n_series: int, n: int) -> dict[str, Floats]:
    """Random walks, a file each: s0, s1, …"""
    rng = np.random.default_rng(0)
    made = {f"s{i}": rng.normal(size=n).cumsum() for i in range(n_series)}
    for name, values in made.items():
        written(values, folder / f"{name}.parquet")
    return made


def inside(spec: FolderSpec) -> Contents:
    files = Folder(spec.url).files(*folders.ENDINGS)
    return folders.contents(spec, files, {one.name: folders.looked_through(spec, one.name) for one in files})


@contextmanager
def crew(*, n: int = 1, threads: int = 1, processes: bool = False) -> Iterator[Client]:
    """Workers in this process, or each in one of its own."""
    pages = dict.fromkeys(("dashboard_address", "worker_dashboard_address"), "127.0.0.1:0")
    where = {"host": "127.0.0.1"} if processes else {}
    with (
        dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}),  # see core.jobs
        LocalCluster(
            n_workers=n,
            threads_per_worker=threads,
            processes=processes,
            silence_logs=logging.CRITICAL,
            **pages,
            **where,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
