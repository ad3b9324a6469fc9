"""What does a folder larger than memory cost? `python3 manage.py bench scale`.

Worker processes bound to one core each embed windows of 64 samples with the compact model, and write the vectors. Each
figure is printed beside its bar, then the numbers of the plan in docs/SCALE.md; a missed bar ends it with 1.
"""

import argparse
import os
import resource
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset
from distributed import Client

from core import bulk, parts, spreading
from core.bulk import BulkSpec
from core.encoders import PUBLISHED, EncoderSpec, operations_of
from core.folders import FolderSpec
from core.hands import Asked
from core.projection import ProjectionSpec
from core.recipes import Recipe, WindowSpec
from core.rolling import Rolling
from core.steps import Impute, Scale
from core.views import EMBEDDING
from tests.plant import crew, inside

WINDOWS = 1_000_000
EACH = 10_000  # windows of a series
LENGTH, STRIDE = 64, 16
RECIPE = Recipe((Impute("linear", 64), Scale("z-score", "series")), 0.7, WindowSpec(LENGTH, STRIDE))
SMALL = 250  # windows in a part where few windows are to be many parts
EVEN = 16  # parts where two workers are to have as many
ROUNDS = 3
N_EMPTY, N_THREADS = 5000, 64
GPU, SHARE = 400e12, 0.3  # assumed, not measured: operations a second in bfloat16, and what a model reaches of them
PRICES = {"core": 0.04, "GPU": 3.0}  # assumed: US$ an hour
LINE = "{:<66} {:<58} {:<40} {}"
Row = tuple[str, str, str, bool | None]  # what, measured, bar, whether it is reached
Measuring = Generator[Row, None, float]  # what comes back is for the plan


@dataclass(frozen=True, slots=True)
class Rates:
    """A second."""

    embedded: float  # windows, by one core
    handled: float  # windows that one core reads, prepares and writes: a GPU does not do that
    placed: float  # windows, by one core, on a map of neighbours
    tasks: float  # that one scheduler hands out


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py bench scale", description=__doc__)
    words.add_argument("--windows", type=int, default=WINDOWS, help="in the largest folder; the default takes minutes")
    said = words.parse_args()
    missed = False
    print(LINE.format("", "measured", "bar", ""))
    with tempfile.TemporaryDirectory() as folder:
        for what, measured, bar, passed in rows(Path(folder), said.windows):
            print(LINE.format(what, measured, bar, {True: "ok", False: "MISSED", None: ""}[passed]), flush=True)
            missed |= passed is False
    sys.exit(missed)


def rows(folder: Path, most: int) -> Iterator[Row]:
    folders = {n: plant(folder / str(n), n) for n in (most // 100, most // 10, most)}
    with bound(1) as one, bound(2) as two:
        rate = yield from efficiency(folder, most // 25, one, two)
        handling = yield from handled(folder, folders[most // 10], most // 10, one)
        yield from flat(folder, folders, one)
        placing = yield from maps(folder, folders[most // 10], two)
    yield from killed(folder, folders[most], most)
    tasks = yield from saturation(folders[most // 100])
    yield from plan(Rates(rate, handling, placing, tasks))


# --- who works, and on what


def plant(folder: Path, n: int) -> BulkSpec:
    """Series of up to 10,000 windows each, n windows in all."""
    folder.mkdir()
    each = min(n, EACH)
    rng, total = np.random.default_rng(0), (each - 1) * STRIDE + LENGTH
    for i in range(n // each):
        values = rng.normal(size=total).cumsum().astype(np.float32)
        pd.DataFrame({"x": values}).to_parquet(folder / f"s{i:04}.parquet", row_group_size=65_536)
    return BulkSpec(FolderSpec(str(folder), ("x",)), RECIPE, EncoderSpec("compact"), sample=5000)


@contextmanager
def bound(n: int) -> Iterator[Client]:
    """Workers with a core each, which have loaded the model."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with crew(n=n, processes=True) as client:
        for i, address in enumerate(sorted(client.nthreads())):
            bind(client, address, i)
        yield client


def bind(client: Client, address: str, core: int) -> None:
    client.run(_bind, sorted(os.sched_getaffinity(0))[core], workers=[address])


def _bind(core: int) -> None:
    """On a worker: all threads that it has, which those to come take after."""
    import torch

    torch.set_num_threads(1)
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def seconds(spec: BulkSpec, client: Client, folder: Path, size: int) -> float:
    """To embed it, from the first look at the files to the last word of the result."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        began = time.perf_counter()
        made = bulk.embed(spec, out, client, silent, size)
        took = time.perf_counter() - began
    if made.missing:
        raise RuntimeError(str(made.missing[0].error))
    return took


# --- figures


def efficiency(folder: Path, n: int, one: Client, two: Client) -> Measuring:
    """Rounds in turn, the one worker on this core and on that. Windows a second of one come back."""
    spec = plant(folder / "even", n)
    [alone] = one.nthreads()
    rates: list[tuple[float, float]] = []
    for i in range(1 + ROUNDS):  # the first one warms up
        bind(one, alone, i % 2)
        rates.append((n / seconds(spec, one, folder, n // EVEN), n / seconds(spec, two, folder, n // EVEN)))
    share = statistics.median(both / (2 * single) for single, both in rates[1:])
    single, both = (statistics.median(column) for column in zip(*rates[1:], strict=True))
    yield f"1 worker, 1 core: windows of {LENGTH} samples a second", f"{single:,.0f}", "", None
    spread = ", ".join(f"{b / (2 * s):.2f}" for s, b in rates[1:])
    said = f"{both:,.0f}, efficiency {share:.2f} (rounds: {spread})"
    yield "2 workers, a core each", said, "efficiency at least 0.85", share >= 0.85
    return single


def handled(folder: Path, spec: BulkSpec, n: int, one: Client) -> Measuring:
    """With a model that only passes on what it is given."""
    raw = replace(spec, encoder=EncoderSpec("raw"))
    rate = n / min(seconds(raw, one, folder, bulk.MOST) for _ in range(2))
    yield "1 worker: read, prepared and written, by no model", f"{rate:,.0f} a second", "", None
    return rate


def flat(folder: Path, folders: dict[int, BulkSpec], one: Client) -> Iterator[Row]:
    """Few windows before and after many, so that what else the machine does falls on all alike."""
    costs: dict[int, list[float]] = {n: [] for n in folders}
    peaks: dict[int, float] = {}
    few, some, many = folders
    for n in (few, few, some, many, some, few, few):
        one.run(_forget_peak)
        costs[n].append(1e6 * seconds(folders[n], one, folder, SMALL) / n)
        peaks[n] = max(peaks.get(n, 0.0), *one.run(_peak).values())
    cost = {n: statistics.median(those) for n, those in costs.items()}
    for n in folders:
        within = abs(cost[n] / cost[many] - 1)
        rounds = ", ".join(f"{each:.0f}" for each in costs[n])
        said = f"{cost[n]:.0f} µs a window ({rounds}), {within:.0%} off"
        yield f"{n:,} windows, 1 worker: cost of one", said, "within 10 % of the most", within <= 0.1
    grown = peaks[many] / peaks[few] - 1
    said = " → ".join(f"{peaks[n] / 1e6:,.0f}" for n in folders) + f" MB ({grown:+.0%})"
    yield "  the same: a worker's memory at its peak", said, "within 10 %", grown <= 0.1
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    yield "  the same: of the scheduler and who asks, in one process", f"{own / 1e6:,.0f} MB", "", None


def _forget_peak() -> None:
    """What came before, with larger parts, is no matter (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> float:
    """Bytes that this process has had in memory at once since then."""
    [line] = [one for one in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if "VmHWM" in one]
    return 1024 * float(line.split()[1])


def maps(folder: Path, spec: BulkSpec, two: Client) -> Measuring:
    """After a sample was drawn: how fast all others are placed. The slower one's rate of a core comes back."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        embedded = bulk.embed(spec, out, two, silent)
        n = embedded.meta["n_windows"]
        size = sum(file.stat().st_size for file in Path(out, embedded.where).rglob("*.parquet"))
        yield "vectors and their places on the disk", f"{size / n:,.0f} bytes a window", "", None
        for method in ("pca", "umap"):
            began: list[float] = []

            def watch(stage: str, _done: int, _total: int, began: list[float] = began) -> None:
                if stage == spreading.PLACING and not began:
                    began.append(time.perf_counter())

            spreading.draw(replace(spec, projection=ProjectionSpec(method)), out, two, watch)
            rate = n / (time.perf_counter() - began[0])
            yield f"windows placed on a map of {spec.sample:,} ({method})", f"{rate:,.0f} a second on 2 cores", "", None
    return rate / 2


def killed(folder: Path, spec: BulkSpec, n: int) -> Iterator[Row]:
    """In the middle of the job."""
    begun: list[int] = []
    with bound(2) as two, tempfile.TemporaryDirectory(dir=folder) as out:
        pid = next(iter(two.run(os.getpid).values()))

        def kill(stage: str, done: int, total: int) -> None:
            if stage == EMBEDDING and done >= total / 2 and not begun:
                begun.append(done)
                os.kill(pid, signal.SIGKILL)

        made = bulk.embed(spec, out, two, kill)
        table = pyarrow.dataset.dataset(f"{out}/{made.where}").to_table(columns=["series", "start"]).to_pandas()
    distinct = len(table.astype({"series": str}).drop_duplicates())
    what = f"a worker killed after {begun[0]:,} of {n:,} windows"
    said = f"{n - distinct:,} lost, {len(table) - distinct:,} doubled"
    yield what, said, "none", n == distinct == len(table) and not made.missing


def saturation(spec: BulkSpec) -> Measuring:
    """Tasks a second that do nothing, with what ours are given. The lower of the two rates comes back."""
    found = inside(spec.folder)
    part = next(parts.parts(found, RECIPE, {found.series[0].name: ({}, {})}, 4096))
    asked = Asked(part, "0" * 100, tuple(found.files.values())[:1])
    with crew(n=2, processes=True) as client:
        handed = N_EMPTY / timed(lambda: client.gather(client.map(_nothing, [asked] * N_EMPTY, pure=False)))
    yield "empty tasks that a scheduler hands to 2 worker processes here", f"{handed:,.0f} a second", "", None
    with crew(threads=N_THREADS) as client:
        rolling = Rolling(client, _nothing)
        rolled = N_EMPTY / timed(lambda: list(rolling.over(iter([asked] * N_EMPTY), lambda _done: None)))
    yield f"the same, rolled through {N_THREADS} threads of one process", f"{rolled:,.0f} a second", "", None
    return min(handed, rolled)


def _nothing(_asked: Asked) -> tuple[int, float]:
    return 0, 0.0


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# --- what follows from them


def plan(rates: Rates) -> Iterator[Row]:
    """For 10⁹ windows of one channel. Whatever is derived or assumed says so."""
    compact = operations_of(EncoderSpec("compact"), ("x",), LENGTH)
    core = rates.embedded * compact
    yield "", "", "", None
    yield "the plan: operations of the model that a core reaches", f"{core / 1e9:.1f} GFLOP/s", "", None
    models = {
        f"compact, {LENGTH} samples": compact,
        "compact, 512 samples": operations_of(EncoderSpec("compact"), ("x",), 512),
        **{f"MOMENT {name}, 512 samples": size.operations(64) for name, size in PUBLISHED.items()},
    }
    for name, operations in models.items():
        each = {"core": operations / core, "GPU": operations / (GPU * SHARE) + 1 / rates.handled}  # seconds
        hours = {who: 1e9 * one / 3600 for who, one in each.items()}
        said = {who: f"{one:,.0f} {who} hours, US$ {one * PRICES[who]:,.0f}" for who, one in hours.items()}
        derived = "measured" if operations == compact else "derived"
        what = f"10⁹ windows, {name} ({operations / 1e6:,.0f} MFLOP each)"
        yield what, f"{said['core']} ({derived})", f"{said['GPU']} (assumed)", None
        full = {who: rates.tasks * bulk.MOST * one for who, one in each.items()}
        yield "  so many of them saturate the scheduler", f"{full['core']:,.0f}", f"{full['GPU']:,.0f}", None
    yield "10⁹ windows placed on a map (umap)", f"{1e9 / rates.placed / 3600:,.0f} core hours", "", None


if __name__ == "__main__":
    main()
