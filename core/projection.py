"""Embedding → two coordinates a window. Seeded: the same input gives the same picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import N_, UserError
from core.series import Floats

Method = Literal["pca", "tsne"]
Tick = Callable[[int, int], None]  # (done, total)

ROUNDING = 1e-6  # of embeddings, which are kept as float32
EARLY, LATE = 250, 500  # t-SNE iterations, openTSNE's defaults


@dataclass(frozen=True, slots=True)
class ProjectionSpec:
    method: Method = "pca"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in ("pca", "tsne"):
            raise ValueError(f"unknown projection: {self.method!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Row i is window i."""

    xy: Floats  # (n_windows, 2)
    explained: float | None  # PCA: share of the variance that the picture keeps; a neighbour map has no such share


def project(vectors: Floats, spec: ProjectionSpec, tick: Tick) -> Projection:
    """Draw (n, d) vectors on the plane."""
    if len(vectors) < 5:
        raise UserError(
            N_("{n} stretches are too few for a map."),
            N_("Choose a shorter length or a smaller step, so that there are at least 5."),
            n=len(vectors),
        )
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    if np.abs(centred).max() <= ROUNDING * max(1.0, np.abs(vectors).max()):
        raise UserError(
            N_("Every stretch looks the same to this model, so there is nothing to map."),
            N_("Choose another model or preparation, or check on the Data screen that the channels vary."),
        )
    xy, explained = pca(centred, spec.seed)
    if spec.method == "tsne":
        return Projection(tsne(centred, xy, spec.seed, tick), explained=None)
    return Projection(xy, explained)


def pca(vectors: Floats, seed: int) -> tuple[Floats, float]:
    """The two directions of greatest variance.

    Returns:
        (n, 2) coordinates, and the share of the total variance that they keep.
    """
    from sklearn.decomposition import PCA

    model = PCA(min(2, *vectors.shape), random_state=seed)  # many features: a seeded randomised SVD
    xy = model.fit_transform(vectors)
    flat = np.zeros((len(xy), 2 - xy.shape[1]))  # a single feature makes a line
    return np.hstack([xy, flat]), float(model.explained_variance_ratio_.sum())


def tsne(centred: Floats, start: Floats, seed: int, tick: Tick) -> Floats:
    """openTSNE from a PCA start, so that the large shape of the picture does not depend on chance."""
    from openTSNE import TSNE, initialization

    def report(iteration: int, _error: float, _xy: Floats) -> None:
        phase[0] += iteration - phase[1] if iteration > phase[1] else iteration
        phase[1] = iteration
        tick(min(phase[0], EARLY + LATE), EARLY + LATE)

    phase = [0, 0]  # iterations so far, and the last number seen: openTSNE counts each of its two phases from 1
    model = TSNE(
        perplexity=min(30.0, (len(centred) - 1) / 3),
        initialization=initialization.rescale(start, inplace=False),
        early_exaggeration_iter=EARLY,
        n_iter=LATE,
        callbacks=report,
        callbacks_every_iters=10,
        random_state=seed,
        n_jobs=1,  # more threads add up in another order, and the same seed would give another picture
    )
    return np.asarray(model.fit(centred), dtype=np.float64)
