"""How far a picture depends on chance: drawn again from other random numbers, and from other samples of the windows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.projection import ProjectionSpec, Tick, project
from core.quality import common, picture_neighbours
from core.series import Floats, Ints

MOST = 2000  # windows that are drawn again and again; of more, a random sample stands for all
N_SEEDS, N_SAMPLES = 3, 3
K = 10  # neighbours


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """Row i is window `asked[i]`.

    Where these are a sample, it is the sample's own picture that was drawn again: with all windows, neighbours are
    closer to each other and depend a little more on chance, large shapes a little less.
    """

    asked: Ints  # (m,)
    kept: Floats  # (m,) share of its neighbours on the picture that are its neighbours again, mean over the drawings
    moved: Floats  # (m,) how far from its place it is drawn, root mean square; 1 is as far as the picture is wide
    by_chance: float  # `kept` of points that are thrown anywhere
    n_drawings: int
    kept_by_seeds: float | None  # mean of `kept` over drawings from other random numbers alone; None: there are none
    kept_by_samples: float  # likewise from samples of the windows


def stability(vectors: Floats, spec: ProjectionSpec, tick: Tick, seed: int = 0) -> Stability:
    """Draw (n, d) vectors again: with other seeds, and in bootstrap samples (the distinct ones of n drawn with return).

    PCA has no seed, so that only samples count. A sample has about 63 % of the windows; only these are compared.
    """
    rng = np.random.default_rng(seed)
    n = len(vectors)
    asked = np.arange(n) if n <= MOST else np.sort(rng.choice(n, MOST, replace=False))
    some = np.asarray(vectors[asked])
    drawings = list(_drawings(len(asked), spec, rng))
    base = project(some, spec, _part(tick, 0, len(drawings) + 1)).xy
    width = max(float(np.ptp(base, axis=0).max()), np.finfo(float).tiny)
    kept, moved = (np.full((len(drawings), len(asked)), np.nan) for _ in range(2))
    k = max(1, min(K, len(asked) // 4))
    for i, (ids, how) in enumerate(drawings):
        xy = project(some[ids], how, _part(tick, i + 1, len(drawings) + 1)).xy
        kept[i, ids] = common(picture_neighbours(base[ids], k), picture_neighbours(xy, k)) / k
        moved[i, ids] = np.linalg.norm(base[ids] - posed(base[ids], xy), axis=1) / width
    drawn = ~np.isnan(kept).all(axis=0)  # a window may be in no sample
    sampled = np.array([how == spec for _, how in drawings])
    return Stability(
        asked[drawn],
        np.nanmean(kept[:, drawn], axis=0),
        np.sqrt(np.nanmean(moved[:, drawn] ** 2, axis=0)),
        k / (len(asked) - 1),
        len(drawings),
        None if sampled.all() else float(np.nanmean(kept[~sampled])),
        float(np.nanmean(kept[sampled])),
    )


def _drawings(n: int, spec: ProjectionSpec, rng: np.random.Generator) -> Iterator[tuple[Ints, ProjectionSpec]]:
    """Which windows, and how they are drawn."""
    n_seeds = 0 if spec.method == "pca" else N_SEEDS
    for i in range(n_seeds):
        yield np.arange(n), replace(spec, seed=spec.seed + 1 + i)
    for _ in range(N_SEEDS + N_SAMPLES - n_seeds):
        yield np.unique(rng.integers(0, n, n)), spec


def _part(tick: Tick, i: int, n: int) -> Tick:
    """The progress of one of n drawings as that of them all."""
    return lambda done, total, _xy: tick(i * 1000 + done * 1000 // max(total, 1), n * 1000, None)


def posed(reference: Floats, other: Floats) -> Floats:
    """`other` turned, mirrored, scaled and moved to lie on `reference` as well as it can; both (n, 2).

    The least sum of squared distances between the two: for centred A and B with B'A = U S V', it is reached by turning
    B by U V' and scaling it by tr(S) / |B|^2. Where all of `other` is one place, it is put in the middle.

    Source: Schönemann & Carroll 1970, "Fitting one matrix to another under choice of a central dilation and a rigid
    motion".
    """
    middle = reference.mean(axis=0)
    a, b = reference - middle, other - other.mean(axis=0)
    u, lengths, v = np.linalg.svd(b.T @ a)
    spread = float((b**2).sum())
    scale = float(lengths.sum()) / spread if spread > 0 else 0.0
    return np.asarray(scale * b @ (u @ v) + middle, np.float64)
