"""How fast are maps drawn, and how faithfully? `python3 manage.py bench projection`.

Side by side in one run, same windows, as many threads: t-SNE against scikit-learn's, UMAP against umap-learn's, PaCMAP
against pacmap's. Then what each way of drawing costs as there are more windows. What is compiled is compiled before.
"""

import argparse
import json
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from core import parallel
from core.projection import METHODS, Method, ProjectionSpec, project
from core.quality import Quality, measure
from core.series import Floats

D, GROUPS = 64, 20
TIMES = {5_000: 1.3, 20_000: 2.0}  # as fast as scikit-learn's t-SNE: the bars
TRUST, KEPT = 0.005, 0.01  # how much less of each is as good
SECONDS = 1.0  # for the PCA map of 10,000 windows
CURVE, LONG = (1_000, 10_000), (100_000,)

Row = dict[str, Any]


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py bench projection", description=__doc__)
    words.add_argument("--threads", type=int, default=1, help="of ours and of theirs (default: %(default)s)")
    words.add_argument("--full", action="store_true", help="100,000 windows too")
    words.add_argument("--only", choices=("pca", "tsne", "umap", "pacmap", "curve", "million"), help="a part of it")
    words.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    said = words.parse_args()
    parallel.n_cores = lambda: said.threads  # type: ignore[assignment]
    parts: dict[str, Callable[[], list[Row]]] = {
        "pca": pca,
        "tsne": lambda: tsne(said.threads),
        "umap": lambda: umap(said.threads),
        "pacmap": pacmap,
        "curve": lambda: curve(CURVE + LONG if said.full else CURVE),
        "million": million,
    }
    for method in METHODS:
        drawn(method)(windows(500))
    print(f"{said.threads} threads\n{HEADS}", flush=True)
    with threadpool_limits(said.threads):
        rows = [row for name, part in parts.items() if said.only in (None, name) for row in part()]
    if said.json:
        said.json.write_text(json.dumps({"threads": said.threads, "rows": rows}, indent=1), encoding="utf-8")
    sys.exit(not all(row["passed"] for row in rows))


def windows(n: int, d: int = D) -> Floats:
    """Embeddings in groups of different width, as float32."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, GROUPS, n)
    wide = rng.uniform(0.5, 1.5, GROUPS)[group, None]
    return (2 * rng.normal(size=(GROUPS, d))[group] + wide * rng.normal(size=(n, d))).astype(np.float32)


def drawn(method: Method) -> Callable[[Floats], Floats]:
    return lambda x: project(x, ProjectionSpec(method), lambda *_: None).xy


# --- side by side

LINE = "{:<9}{:>9}   {:<24}{:>9}{:>10}{:>8}   {}"
HEADS = LINE.format("", "windows", "", "seconds", "trust", "kept", "")


def told(method: str, x: Floats, who: str, draw: Callable[[Floats], Any]) -> tuple[float, Quality]:
    """Seconds, and the quality of the picture; printed as a line without its end."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        xy = np.asarray(draw(x), np.float64)
    seconds = time.perf_counter() - began
    good = measure(x, xy)
    print(
        LINE.format(
            method, f"{len(x):,}", who, f"{seconds:.2f}", f"{good.trustworthiness:.4f}", f"{good.kept:.4f}", ""
        ),
        end="",
        flush=True,
    )
    return seconds, good


def as_good(ours: Quality, theirs: Quality, least: float) -> bool:
    """No worse than theirs by more than that."""
    pairs = ((ours.trustworthiness, theirs.trustworthiness), (ours.kept, theirs.kept))
    return all(mine is not None and other is not None and mine >= other - least for mine, other in pairs)


def row(what: str, n: int, found: dict[str, tuple[float, Quality]], bar: str, passed: bool) -> Row:
    print(f"{bar}  {'ok' if passed else 'MISSED'}", flush=True)
    numbers = {who: [seconds, good.trustworthiness, good.kept] for who, (seconds, good) in found.items()}
    return {"what": what, "n": n, "seconds, trustworthiness, kept": numbers, "passed": passed}


def compared(method: Method, n: int, others: dict[str, Callable[[Floats], Any]]) -> dict[str, tuple[float, Quality]]:
    x, found = windows(n), {}
    for who, draw in {**others, "ours": drawn(method)}.items():
        if found:
            print()
        found[who] = told(method, x, who, draw)
    return found


def pca() -> list[Row]:
    x = windows(10_000, 512)
    found = {"ours": told("pca", x, "ours, 512 features", drawn("pca"))}
    return [row("pca", len(x), found, f"at most {SECONDS} s", found["ours"][0] <= SECONDS)]


def tsne(threads: int) -> list[Row]:
    from sklearn.manifold import TSNE

    rows = []
    for n, bar in TIMES.items():
        theirs = {"scikit-learn": lambda x: TSNE(init="pca", n_jobs=threads, random_state=0).fit_transform(x)}
        found = compared("tsne", n, theirs)
        (slow, reference), (fast, good) = found["scikit-learn"], found["ours"]
        passed = slow / fast >= bar and as_good(good, reference, TRUST)
        rows.append(row("tsne", n, found, f"{slow / fast:.1f} times as fast, at least {bar}", passed))
    return rows


def umap(threads: int) -> list[Row]:
    from umap import UMAP

    rows = []
    for n in (2_000, 10_000):
        others = {
            "umap-learn, seeded": lambda x: UMAP(random_state=0, n_jobs=1).fit_transform(x),
            "umap-learn, not seeded": lambda x: UMAP(n_jobs=threads).fit_transform(x),
        }
        for draw in others.values():
            told_nobody(draw)
        found = compared("umap", n, others)
        (slow, reference), (fast, good) = found["umap-learn, seeded"], found["ours"]
        same = bool((drawn("umap")(windows(2_000)) == drawn("umap")(windows(2_000))).all())
        bar = f"{slow / fast:.1f} times as fast as seeded, {'the same each time' if same else 'NOT REPRODUCIBLE'}"
        rows.append(row("umap", n, found, bar, same and slow > fast and as_good(good, reference, KEPT)))
    return rows


def pacmap() -> list[Row]:
    from pacmap import PaCMAP

    def theirs(x: Floats) -> Any:
        return PaCMAP(random_state=0).fit_transform(x.copy())

    told_nobody(theirs)
    found = compared("pacmap", 10_000, {"pacmap, seeded": theirs})
    (slow, reference), (fast, good) = found["pacmap, seeded"], found["ours"]
    return [row("pacmap", 10_000, found, f"{slow / fast:.1f} times as fast", as_good(good, reference, KEPT))]


def told_nobody(draw: Callable[[Floats], Any]) -> None:
    """Once before it counts: libraries compile at the first call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draw(windows(500))


# --- what more windows cost


def curve(sizes: tuple[int, ...]) -> list[Row]:
    rows: list[Row] = []
    print("\nseconds  " + "".join(f"{n:>12,}" for n in sizes), flush=True)
    for method in METHODS:
        seconds = []
        for n in sizes:
            x, began = windows(n), time.perf_counter()
            drawn(method)(x)
            seconds.append(time.perf_counter() - began)
        print(f"{method:<9}" + "".join(f"{one:>12.2f}" for one in seconds), flush=True)
        rows.append({"what": "curve", "method": method, "n": list(sizes), "seconds": seconds, "passed": True})
    return rows


def million() -> list[Row]:
    """PCA of vectors in a file, as a view's are; the memory is what is asked for beside the file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vectors.npy"
        np.save(file, windows(1_000_000))
        x = np.load(file, mmap_mode="r")
        tracemalloc.start()
        began = time.perf_counter()
        drawn("pca")(x)
        seconds, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    print(f"\npca of 1,000,000 windows in a file: {seconds:.1f} s, {peak / 1e6:.0f} MB", flush=True)
    return [{"what": "pca of a million", "seconds": seconds, "bytes": peak, "passed": True}]


if __name__ == "__main__":
    main()
