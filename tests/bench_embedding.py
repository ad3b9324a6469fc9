"""How fast, exact and frugal is embedding? `python3 manage.py bench embedding`.

Against momentfm's own `embed()`: the same weights (MOMENT small's architecture, random), the same windows, one process,
in turn. momentfm is fed as its own examples do it: right-padded to 512 samples, with a mask.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from momentfm import MOMENTPipeline
from numpy.typing import NDArray
from torch.nn import functional

from core import demo, moment
from core.artifacts import Store
from core.embedding import Encoder, embed
from core.encoders import PUBLISHED, EncoderSpec
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.tables import guess
from core.views import ViewSpec, build

BATCH = 64  # windows in a call of momentfm's
STREAMED, SAMPLES = 1_000_000, 96

Floats = NDArray[np.floating]


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py bench embedding", description=__doc__)
    words.add_argument("--json", type=Path, help="write the table here too")
    words.add_argument("--windows", type=int, default=STREAMED, help="how many to stream; the default takes minutes")
    words.add_argument("--threads", type=int, default=torch.get_num_threads())
    words.add_argument("--stream-only", action="store_true", help=argparse.SUPPRESS)  # a process of its own
    said = words.parse_args()
    torch.set_num_threads(said.threads)
    if said.stream_only:
        print(json.dumps(streamed(said.windows)))
        return
    rows = [*against_momentfm(), second_request(), *memory(said.windows, said.threads)]
    width = max(len(row["what"]) for row in rows)
    for row in rows:
        verdict = "" if row.get("passed") is None else ("  ok" if row["passed"] else "  BELOW THE BAR")
        print(f"{row['what']:<{width}}  {row['measured']:<34} bar: {row['bar']}{verdict}")
    if said.json:
        said.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def row(what: str, measured: str, bar: str, passed: bool | None, **figures: Any) -> dict[str, Any]:
    return {"what": what, "measured": measured, "bar": bar, "passed": passed} | figures


# --- against momentfm


def against_momentfm() -> list[dict[str, Any]]:
    small = moment_small()
    short, full = (waves(256, 96), waves(128, 512))
    rows = [equality(small, short, full)]
    theirs, ours = in_turn(lambda: momentfms(small, short), lambda: moment.embed(small, short, nobody))
    rows.append(ratio("windows of 96 samples", len(short), theirs, ours, 6.0))
    theirs, ours, product = in_turn(
        lambda: momentfms(small, full), lambda: moment.embed(small, full, nobody), matrix_products()
    )
    rows.append(ratio("windows of 512 samples, float32", len(full), theirs, ours, 1.2))
    reached = len(full) * PUBLISHED["small"].operations(64) / ours
    share = reached / (product_operations() / product)
    said = f"{share:.0%} ({reached / 1e9:.0f} GFLOP/s)"
    rows.append(row("  of the machine's own matrix-product rate", said, "at least 85 %", share >= 0.85, share=share))
    return [*rows, quick_numbers(small, full)]


def equality(model: MOMENTPipeline, *windows: Floats) -> dict[str, Any]:
    errors = [relative(moment.embed(model, x, nobody)[:, 0], momentfms(model, x)) for x in windows]
    return row("float32, relative error", f"{max(errors):.1e}", "at most 1e-5", max(errors) <= 1e-5, errors=errors)


def quick_numbers(model: MOMENTPipeline, windows: Floats) -> dict[str, Any]:
    numbers, device = moment.fastest("auto")
    what = "windows of 512 samples, bfloat16"
    if numbers != "bfloat16":
        return row(what, f"none: this {device} does not multiply them", "at least 2.5 times, error at most 1e-2", None)
    quick = moment.in_numbers(moment_small(), numbers)
    theirs, ours = in_turn(lambda: momentfms(model, windows), lambda: moment.embed(quick, windows, nobody))
    error = relative(moment.embed(quick, windows, nobody)[:, 0], momentfms(model, windows))
    said = ratio(what, len(windows), theirs, ours, 2.5)
    return said | {"measured": f"{said['measured']}, error {error:.1e}", "passed": said["passed"] and error <= 1e-2}


def moment_small() -> MOMENTPipeline:
    """MOMENT small's architecture with random weights; its files need a network, and speed does not depend on them."""
    config = moment.architecture()
    built = PUBLISHED["small"]
    config |= {"d_model": built.width, "orth_gain": 1.41}
    config["t5_config"] |= {"d_model": built.width, "num_layers": built.layers, "d_ff": built.hidden}
    config["t5_config"] |= {"num_heads": built.heads, "d_kv": built.head}
    torch.manual_seed(0)
    model = MOMENTPipeline(config, model_kwargs={})
    model.init()
    return model.eval()


def momentfms(model: MOMENTPipeline, windows: Floats) -> Floats:
    n, _, length = windows.shape
    x, mask = torch.zeros(n, 1, 512), torch.zeros(n, 512)
    x[:, :, :length], mask[:, :length] = torch.as_tensor(windows, dtype=torch.float32), 1
    with torch.inference_mode():
        parts = [
            model.embed(x_enc=x[i : i + BATCH], input_mask=mask[i : i + BATCH]).embeddings for i in range(0, n, BATCH)
        ]
    return torch.cat(parts).numpy()


def waves(n: int, length: int) -> Floats:
    return np.random.default_rng(0).normal(size=(n, 1, length)).cumsum(axis=2)


def relative(ours: Floats, theirs: Floats) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def nobody(_done: int, _total: int) -> None:
    pass


def in_turn(*works: Callable[[], object], rounds: int = 5) -> list[float]:
    """Median seconds of each, measured one after the other, round by round; the first round warms up."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for work, each in zip(works, seconds, strict=True):
            began = time.perf_counter()
            work()
            each.append(time.perf_counter() - began)
    return [statistics.median(each[1:]) for each in seconds]


def ratio(what: str, n: int, theirs: float, ours: float, bar: float) -> dict[str, Any]:
    said = f"{theirs / ours:.2f} times ({n / ours:,.0f} against {n / theirs:,.0f} a second)"
    return row(what, said, f"at least {bar:g} times", theirs / ours >= bar, ratio=theirs / ours)


N_ROWS = 2048  # patches: as many as are embedded at a time
SHAPES = ((512, 1152), (384, 512), (512, 2048), (1024, 512))  # a layer of MOMENT small, its products side by side


def matrix_products() -> Callable[[], None]:
    """What this machine can do at best: bare products of the sizes that a layer needs, operands ready in memory."""
    made = torch.Generator().manual_seed(0)
    operands = [[torch.randn(n, rows, generator=made) for n in (N_ROWS, columns)] for rows, columns in SHAPES]

    def multiply() -> None:
        with torch.inference_mode():
            for x, weights in operands:
                functional.linear(x, weights)

    return multiply


def product_operations() -> float:
    return sum(2.0 * N_ROWS * rows * columns for rows, columns in SHAPES)


# --- the store, and memory


def second_request() -> dict[str, Any]:
    data = demo.press_line("en")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        source = Source(store.keep(data, {}), guess(data))
        spec = ViewSpec((source,), Recipe(window=WindowSpec(96, 8)), EncoderSpec(), ProjectionSpec("pca"))
        build(replace(spec, encoder=EncoderSpec("random-init")), store, lambda *_: None)  # warms up
        first, second = (timed(lambda: build(spec, store, lambda *_: None)) for _ in range(2))
    said = f"{first / second:,.0f} times ({first:.2f} s, then {second * 1000:.1f} ms)"
    return row("second request for a view", said, "at least 100 times", first / second >= 100, ratio=first / second)


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def memory(most: int, threads: int) -> list[dict[str, Any]]:
    """Peak of a process of its own for each number of windows: what one needed cannot hide in another's."""
    rows = []
    for n in (most // 100, most // 10, most):
        command = [sys.executable, "-m", "tests.bench_embedding", "--stream-only", "--windows", str(n)]
        done = subprocess.run([*command, "--threads", str(threads)], capture_output=True, text=True, check=True)
        peak, seconds = json.loads(done.stdout.splitlines()[-1])
        said = f"{peak / 1e9:.2f} GB at the peak, {n / seconds:,.0f} a second"
        rows.append(row(f"{n:,} windows of 96 samples", said, "under 2 GB", peak < 2e9, bytes=peak, seconds=seconds))
    return rows


def streamed(n: int) -> tuple[int, float]:
    """Peak memory of this process in bytes, and seconds, for windows that exist only a batch at a time."""

    class Windows:
        def __iter__(self) -> Any:
            rng = np.random.default_rng(0)
            for first in range(0, n, 4096):
                yield rng.normal(size=(min(4096, n - first), 1, SAMPLES)).cumsum(axis=2)

    encoder = Encoder(EncoderSpec("compact"), ("x",), nobody)
    with tempfile.TemporaryDirectory() as folder:
        seconds = timed(lambda: embed(encoder, Windows(), n, Path(folder) / "vectors.npy", nobody))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, seconds


if __name__ == "__main__":
    main()
