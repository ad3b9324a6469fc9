"""Embedding → two coordinates a window. The same spec gives the same picture, on any number of processor cores."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, get_args

import numpy as np

from core.errors import N_, UserError
from core.neighbours import Neighbours, nearest
from core.notices import Notice
from core.principal import pieces, principal
from core.series import Floats

Method = Literal["pca", "tsne", "umap", "pacmap", "trained"]
Head = Callable[[Floats], Floats]  # a map that was trained: (n, d) → (n, 2), each window by itself
Tick = Callable[[int, int, Floats | None], None]  # (done, total, the picture so far); raises to cancel

METHODS: tuple[Method, ...] = ("pca", "tsne", "umap", "pacmap")  # of any vectors; for "trained" see core.flat
EXACT = ("pca", "trained")  # a window's place is a formula: nothing moves, and nothing is left to chance
EVERY = 10  # iterations between two pictures that are handed over
LEAST = 5  # windows
FEW_WINDOWS = 50
ROUNDING = 1e-6  # of embeddings, which are kept as float32
N_SHARES = 10  # directions whose share of the variance is told
CLOSENESS = 0.1  # umap-learn's default of min_dist
TIGHT = 0.02  # below which UMAP piles points up
USUAL = {"tsne": 30, "umap": 15, "pacmap": 10}  # neighbours: the defaults of openTSNE, umap-learn and pacmap
MOST = {"tsne": 100, "umap": 200, "pacmap": 200}  # so that 100,000 windows fit into memory
FEW = 5  # neighbours, below which maps show clumps of whatever there is
MANY = 10_000  # windows, above which UMAP takes 200 epochs and not 500
ROUGH = {"tsne": 250, "umap": 0, "pacmap": 200}  # iterations that lay out a first, rough map by exaggerated forces

NOTES: dict[str, str] = {
    "pca": N_("Distances on a PCA map are true as far as they go, but most of the differences may be missing from it."),
    "tsne": N_("On a t-SNE map only who lies next to whom means something: sizes of groups and gaps mean nothing."),
    "umap": N_("On a UMAP map, who lies next to whom means something; sizes of groups do not, gaps only roughly."),
    "pacmap": N_("On a PaCMAP map, neighbours and the rough layout mean something; exact distances and sizes do not."),
    "trained": N_(
        "This map was trained along with the model: neighbours mean something, distances and sizes do not. "
        "New data can be placed on it exactly."
    ),
}


@dataclass(frozen=True, slots=True)
class ProjectionSpec:
    """How an embedding is drawn."""

    method: Method = "pca"
    seed: int = 0
    neighbours: int = 0  # t-SNE: perplexity; UMAP, PaCMAP: neighbours of a window; 0: chosen from the number of windows
    min_distance: float = CLOSENESS  # UMAP: how close points may come, where groups are about 10 across
    stopped_after: int = 0  # iterations after which somebody found the picture good enough; 0: all of them

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise ValueError(f"unknown projection: {self.method!r}")
        if min(self.neighbours, self.stopped_after, self.seed) < 0 or not 0 <= self.min_distance <= 1:
            raise ValueError(f"out of range: {self}")

    def settled(self, n: int) -> Self:
        """With the neighbours that n windows are really drawn with.

        Chosen: the libraries' defaults, for PaCMAP growing with n above 10,000 (its authors' formula); at most a fifth
        of few windows, since neighbours of half the map are no neighbours. A perplexity needs three times as many other
        windows (van der Maaten & Hinton 2008, who advise 5 to 50), PaCMAP three and a half times as many pairs.
        """
        if self.method in EXACT:
            return self
        usual = USUAL[self.method]
        if self.method == "pacmap" and n > 10_000:
            usual = round(10 + 15 * (np.log10(n) - 4))
        room = {"tsne": (n - 1) // 3, "umap": n - 1, "pacmap": int(n / 3.5)}[self.method]
        wanted = self.neighbours or min(usual, max(FEW, n // 5))
        return replace(self, neighbours=max(2, min(wanted, room, MOST[self.method])))


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Row i is window i. What PCA alone knows is None or empty for the other ways of drawing."""

    xy: Floats  # (n_windows, 2)
    explained: float | None  # share of the variance that the picture keeps
    shares: tuple[float, ...] = ()  # of the variance, along each of the first directions, up to 10, longest first
    axes: Floats | None = None  # (2, d), the directions that are drawn
    centre: Floats | None = None  # (d,), what is drawn at (0, 0)


def iterations(spec: ProjectionSpec, n: int) -> int:
    """Of a full run, as the authors' libraries: openTSNE, umap-learn, pacmap."""
    if spec.method in EXACT:
        return 1
    return {"tsne": 250 + 500, "umap": 500 if n <= MANY else 200, "pacmap": 100 + 100 + 250}[spec.method]


def project(
    vectors: Floats, spec: ProjectionSpec, tick: Tick, known: Neighbours | None = None, head: Head | None = None
) -> Projection:
    """Draw (n, d) vectors on the plane.

    Neighbour maps start from the PCA map, so that their large shape does not depend on chance, and hand over what they
    look like every ten iterations: a run that is stopped after k of them ends in the picture handed over then.

    Args:
        known: neighbours that `nearest` has found already; used where they are enough.
        head: of "trained" alone, see core.flat.
    """
    n = len(vectors)
    _check(vectors)
    if spec.method == "trained":
        return Projection(_by(head, vectors), None)
    directions = principal(vectors, N_SHARES)
    start = directions.along(vectors, 2)
    if spec.method == "pca":
        shares = tuple(directions.shares.tolist())
        return Projection(start, sum(shares[:2]), shares, directions.axes[:2], directions.centre)
    spec, total = spec.settled(n), iterations(spec, n)
    k = _n_needed(spec, n)
    if known is None or known.ids.shape[1] < k:
        known = nearest(vectors, k)
    known = Neighbours(known.ids[:, :k], known.distances[:, :k])
    last = min(spec.stopped_after or total, total)
    with closing(_pictures(vectors, known, start, spec)) as moving:
        for done, xy in enumerate(moving, 1):
            if done % EVERY == 0 or done == last:
                picture = xy.astype(np.float64)  # a copy
                tick(done, last, picture)
            if done == last:
                break
    return Projection(picture, None)


def place(vectors: Floats, drawn: Floats, spec: ProjectionSpec, new: Floats, head: Head | None = None) -> Floats:
    """(m, 2): where new windows (m, d) belong on a picture (n, 2) of (n, d) vectors, which stays as it is.

    PCA's is exact, and so is that of a map that was trained. The others put each new window, by itself, where the
    forces of their loss hold it between the old.

    Args:
        head: of "trained" alone.
    """
    spec = spec.settled(len(vectors))
    if not len(new):
        return np.zeros((0, 2))
    if spec.method == "trained":
        return _by(head, new)
    if spec.method == "pca":
        return principal(vectors, 2).along(new, 2)
    xy = np.asarray(drawn, np.float64)
    if spec.method == "tsne":
        from core import tsne

        return tsne.place(vectors, xy, spec.neighbours, new)
    if spec.method == "umap":
        from core import umapping

        return umapping.place(vectors, xy, spec.neighbours, spec.min_distance, new, spec.seed)
    from core import pacmapping

    return pacmapping.place(vectors, xy, spec.neighbours, new)


def advice(spec: ProjectionSpec, n: int) -> list[Notice]:
    """What is known to mislead about a map of n windows that is drawn so.

    Sources: Wattenberg, Viégas & Johnson 2016, "How to use t-SNE effectively"; umap-learn's documentation, "Basic UMAP
    parameters".
    """
    if spec.method in EXACT:
        return []
    k, done, total = spec.settled(n).neighbours, spec.stopped_after, iterations(spec, n)
    said: list[tuple[bool, str, dict[str, object]]] = [
        (
            spec.neighbours not in (0, k),
            N_("{asked} neighbours are not possible with {n} stretches; the map is drawn with {k}."),
            {"asked": spec.neighbours, "n": n, "k": k},
        ),
        (k < FEW, N_("With only {k} neighbours, a map shows clumps even where there are none."), {"k": k}),
        (
            k > max(FEW, n / 4),
            N_("With {k} neighbours of {n} stretches, small groups melt into one."),
            {"k": k, "n": n},
        ),
        (n < FEW_WINDOWS, N_("{n} stretches are few for this way of drawing: compare with PCA."), {"n": n}),
        (
            spec.method == "umap" and spec.min_distance < TIGHT,
            N_("Points may lie on top of each other here, so groups look tighter than they are."),
            {},
        ),
        (
            0 < done < total,
            N_("Stopped after {done} of {total} steps: the picture was still moving."),
            {"done": done, "total": total},
        ),
        (
            0 < done < ROUGH[spec.method],
            N_("The first {rough} steps only lay out a rough map: how tight groups look there means nothing."),
            {"rough": ROUGH[spec.method]},
        ),
    ]
    return [Notice(message, facts) for holds, message, facts in said if holds]


def _by(head: Head | None, vectors: Floats) -> Floats:
    if head is None:
        raise ValueError("a trained map is drawn by what came of the training: see core.flat")
    return head(vectors)


def _check(vectors: Floats) -> None:
    if len(vectors) < LEAST:
        raise UserError(
            N_("{n} stretches are too few for a map."),
            N_("Choose a shorter length or a smaller step, so that there are at least 5."),
            n=len(vectors),
        )
    low = np.min([piece.min(axis=0) for piece in pieces(vectors)], axis=0).astype(np.float64)
    high = np.max([piece.max(axis=0) for piece in pieces(vectors)], axis=0).astype(np.float64)
    if (high - low).max() <= ROUNDING * max(1.0, np.abs(low).max(), np.abs(high).max()):
        raise UserError(
            N_("Every stretch looks the same to this model, so there is nothing to map."),
            N_("Choose another model or preparation, or check on the Data screen that the channels vary."),
        )


def _n_needed(spec: ProjectionSpec, n: int) -> int:
    """Neighbours of each window that a settled spec looks at."""
    k = spec.neighbours
    return min(n - 1, {"tsne": 3 * k, "umap": k - 1, "pacmap": k + 50}[spec.method])


def _pictures(vectors: Floats, known: Neighbours, start: Floats, spec: ProjectionSpec) -> Generator[Any]:
    """What a settled spec's map looks like after each iteration."""
    if spec.method == "tsne":
        from core import tsne

        return tsne.pictures(known, spec.neighbours, start, spec.seed)
    if spec.method == "umap":
        from core import umapping

        total = iterations(spec, len(vectors))
        return umapping.pictures(known, spec.neighbours, spec.min_distance, start, spec.seed, total)
    from core import pacmapping

    return pacmapping.pictures(vectors, known, spec.neighbours, start, spec.seed)
