"""A view: dataset × recipe × encoder × projection, computed once and kept under its fingerprint."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from core import flat, preparation
from core.artifacts import Store, fingerprint
from core.domains import WAYS, of_series
from core.embedding import Encoder, embed, reconstruction_loss
from core.encoders import EncoderSpec, operations_of
from core.errors import N_, UserError
from core.neighbours import Neighbours, nearest
from core.preparation import PreparationSpec, Prepared
from core.projection import EXACT, Head, Projection, ProjectionSpec, project
from core.reader import Source
from core.recipes import Cutting, Recipe, places
from core.recognition import FEWEST_APART
from core.series import Floats

# Raise them when the same spec would give other numbers, so that no old result is shown as a new one.
VERSION, DRAWN = 3, 2  # of embeddings, and of how they are drawn
Progress = Callable[[str, int, int], None]  # (stage, done, total); raises to cancel

SPEED = "operations_per_second"  # of the last embedding by a model, for whoever wants to know how long one takes
BATCH = 4096  # windows at a time: the memory that a view takes does not grow with their number
NEIGHBOURS = 100  # of each window that are kept: t-SNE reads 90, and the numbers on a map fewer
FETCHING, EMBEDDING, SCORING, SEARCHING, DRAWING = (
    N_("Fetching the model"),
    N_("The model reads the stretches"),
    N_("The model guesses hidden parts"),
    N_("Finding the stretches that look alike"),
    N_("Drawing the map"),
)
PCA = ProjectionSpec("pca")


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """Everything that decides what a person sees."""

    sources: tuple[Source, ...]
    recipe: Recipe
    encoder: EncoderSpec
    projection: ProjectionSpec

    def to_json(self) -> dict[str, Any]:
        sources = [one.to_json() for one in self.sources]
        own = {"encoder": asdict(self.encoder), "projection": asdict(self.projection)}
        return {"sources": sources, "recipe": self.recipe.to_json(), **own}

    @classmethod
    def from_json(cls, d: dict[str, Any]) -> Self:
        return cls(
            sources=tuple(Source.from_json(s) for s in d["sources"]),
            recipe=Recipe.from_json(d["recipe"]),
            encoder=EncoderSpec.from_json(d["encoder"]),
            projection=ProjectionSpec(**d["projection"]),
        )

    def embedding_fingerprint(self) -> str:
        d = self.to_json()
        return fingerprint("embedding", VERSION, d["sources"], d["recipe"], self.encoder.identity())

    def fingerprint(self) -> str:
        own = [flat.identity(self.encoder)] if self.projection.method == "trained" else []
        return fingerprint("view", VERSION, DRAWN, self.embedding_fingerprint(), self.to_json()["projection"], *own)

    def head(self) -> Head | None:
        """What a trained map is drawn by; None for other ways of drawing.

        Raises:
            UserError: no map was trained along with the encoder, or it has learnt from other vectors.
        """
        return flat.head_of(self.encoder) if self.projection.method == "trained" else None

    def drawn_by(self, projection: ProjectionSpec) -> Self:
        """The same windows and model, drawn another way."""
        return replace(self, projection=projection)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A finished view. Row i of every array is window i."""

    xy: Floats  # (n_windows, 2)
    per_window: Floats | None  # (n_windows,) loss of each window
    meta: dict[str, Any]  # n_windows, loss, mask_ratio, explained, parameters, seconds, …


def build(spec: ViewSpec, store: Store, progress: Progress) -> str:
    """Compute what is not yet in the store, and return the view's fingerprint.

    Neighbour maps take a while: the PCA map comes first, and sketches of the other one follow, see `so_far`.
    """
    key = spec.fingerprint()
    if store.has(key):
        return key
    _build_embedding(spec, store, progress)
    known = None
    if spec.projection.method not in EXACT:
        build(spec.drawn_by(PCA), store, progress)
        known = neighbours(spec, store, progress)
    progress(DRAWING, 0, 1)

    def show(done: int, total: int, xy: Floats | None) -> None:
        progress(DRAWING, done, total)
        if xy is not None:
            store.sketch(key, done, xy)

    began = time.perf_counter()
    try:
        vectors = store.array(spec.embedding_fingerprint(), "vectors", mapped=True)
        drawn = project(vectors, spec.projection, show, known, spec.head())
        _keep(spec, drawn, time.perf_counter() - began, store)
    finally:
        store.forget_sketch(key)
    return key


def _build_embedding(spec: ViewSpec, store: Store, progress: Progress) -> None:
    """What the model makes of each window, unless that is in the store."""
    key = spec.embedding_fingerprint()
    if store.has(key):
        return
    ready = _prepared(spec, store, progress)
    if spec.encoder.adapt:
        base = replace(spec, encoder=spec.encoder.unadapted)
        _build_embedding(base, store, progress)
        store.make(key, lambda folder: _brought_together(spec, base, ready, folder, store))
        return
    batches = Cutting(ready.series, spec.recipe, BATCH)
    meta = {"filled": ready.n_filled, "states": ready.states}
    store.make(key, lambda folder: meta | _embed(spec, batches, folder, progress))
    if spec.encoder.reads_patches:
        store.note(SPEED, store.meta(key)["operations_per_second"])


def _brought_together(spec: ViewSpec, base: ViewSpec, ready: Prepared, folder: Path, store: Store) -> dict[str, object]:
    """The base's embedding with its lines or sites brought together; the loss stays the model's."""
    key, domain = base.embedding_fingerprint(), of_series(ready.series)
    vectors = store.array(key, "vectors")
    of_window = domain[places(ready.series, spec.recipe.window).series]
    least = int(np.unique(of_window, return_counts=True)[1].min())
    if least < FEWEST_APART:
        raise UserError(
            N_("A line or site with {n} stretches is too small to be brought together with others."),
            N_("Choose “as they are” under “Lines or sites”, or use more data of it."),
            n=least,
        )
    together = WAYS[spec.encoder.adapt](vectors, of_window, np.ones(len(vectors), bool))
    np.save(folder / "vectors.npy", together.astype(np.float32), allow_pickle=False)
    if store.holds(key, "loss"):
        np.save(folder / "loss.npy", store.array(key, "loss"), allow_pickle=False)
    return store.meta(key) | {"spec": {k: v for k, v in spec.to_json().items() if k != "projection"}}


def neighbours(spec: ViewSpec, store: Store, progress: Progress) -> Neighbours:
    """The nearest neighbours of every window in the embedding, which is there; searched once, whatever is drawn."""
    key = fingerprint("neighbours", VERSION, spec.embedding_fingerprint())
    if not store.has(key):
        progress(SEARCHING, 0, 1)
        vectors = store.array(spec.embedding_fingerprint(), "vectors", mapped=True)
        found = nearest(vectors, min(NEIGHBOURS, len(vectors) - 1))
        arrays = {"ids": found.ids.astype(np.int32), "distances": found.distances.astype(np.float32)}
        store.save(key, {"made": "neighbours", "embedding": spec.embedding_fingerprint()}, arrays)
    return Neighbours(store.array(key, "ids").astype(np.int64), store.array(key, "distances").astype(np.float64))


def _keep(spec: ViewSpec, drawn: Projection, seconds: float | None, store: Store) -> None:
    meta = {
        "made": "view",
        "spec": spec.to_json(),
        "embedding": spec.embedding_fingerprint(),
        "explained": drawn.explained,
        "shares": list(drawn.shares),
        "seconds_drawing": seconds,
    }
    store.save(spec.fingerprint(), meta, {"xy": drawn.xy})


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """A picture that is still being drawn. Row i is window i."""

    xy: Floats  # (n_windows, 2)
    done: int  # iterations; 0: the PCA map, that neighbour maps start from


def so_far(spec: ViewSpec, store: Store) -> Sketch | None:
    """The picture as far as it has come; None while there is nothing to see."""
    sketched = store.sketched(spec.fingerprint())
    if sketched is not None:
        return Sketch(sketched[1], sketched[0])
    first = None if spec.projection.method in EXACT else load(spec.drawn_by(PCA), store)
    return None if first is None else Sketch(first.xy, 0)


def settle(spec: ViewSpec, store: Store) -> ViewSpec | None:
    """Keep the picture as it is now, under the spec that would draw just this; None if nothing has moved yet."""
    sketched = store.sketched(spec.fingerprint())
    if sketched is None:
        return None
    done, xy = sketched
    settled = spec.drawn_by(replace(spec.projection, stopped_after=done))
    _keep(settled, Projection(xy, explained=None), None, store)  # nobody has counted its seconds
    return settled


def _prepared(spec: ViewSpec, store: Store, progress: Progress) -> Prepared:
    preparation.build(PreparationSpec.of(spec.sources, spec.recipe.in_units()), store, progress)  # what people look at
    return preparation.made(PreparationSpec.of(spec.sources, spec.recipe), store, progress)


def _embed(spec: ViewSpec, batches: Cutting, folder: Path, progress: Progress) -> dict[str, object]:
    """Write vectors.npy, and loss.npy where there is one; what made them comes back."""

    def stage(name: str) -> Callable[[int, int], None]:
        return lambda done, total: progress(name, done, total)

    n = batches.n_windows
    encoder = Encoder(spec.encoder, batches.channels, stage(FETCHING))
    began = time.perf_counter()
    embed(encoder, batches, n, folder / "vectors.npy", stage(EMBEDDING))
    embedded = time.perf_counter()
    operations = n * operations_of(spec.encoder, batches.channels, spec.recipe.window.length)
    loss = reconstruction_loss(encoder, batches, n, stage(SCORING))
    if loss:
        np.save(folder / "loss.npy", loss.per_window, allow_pickle=False)
    return {
        "made": "embedding",
        "spec": {k: v for k, v in spec.to_json().items() if k != "projection"},
        "n_windows": n,
        "n_gappy": batches.places.n_gappy,
        "parameters": encoder.parameters,
        "weights": encoder.weights,
        "revision": encoder.revision,
        "mode": encoder.mode,
        "loss": loss and loss.mean,
        "mask_ratio": loss and loss.mask_ratio,
        "mask_seed": loss and loss.seed,
        "seconds_embedding": embedded - began,
        "operations_per_second": operations / (embedded - began),
        "seconds_scoring": time.perf_counter() - embedded,
    }


def load(spec: ViewSpec, store: Store) -> View | None:
    """The finished view, or None while it has yet to be built."""
    return find(spec.fingerprint(), store)


def find(key: str, store: Store) -> View | None:
    """The view that has this fingerprint, whatever has become of the model's folder since."""
    if not store.has(key):
        return None
    own = store.meta(key)
    meta = store.meta(own["embedding"]) | own
    per_window = store.array(own["embedding"], "loss") if meta["loss"] is not None else None
    return View(store.array(key, "xy"), per_window, meta)
