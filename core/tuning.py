"""Extra training of a model on one's own windows: on which, what that could change, and what it did. No torch here."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from core import flat, preparation
from core.artifacts import Store, fingerprint
from core.change import MEASURED, Change, change
from core.domains import of_series
from core.embedding import Encoder
from core.encoders import EncoderSpec, Tick, fetched, licence_of, nobody
from core.errors import N_, UserError
from core.lessons import Examples, TrainSpec
from core.preparation import PreparationSpec
from core.projection import ProjectionSpec, project
from core.reader import Source
from core.recipes import TRAINING, Recipe, Windows, cut
from core.selections import thin
from core.separation import randomised
from core.series import Floats, Ints, Series
from core.views import FETCHING, Progress

VERSION = 1  # raise it when the same spec would give another model or other numbers
LINES_VERSION = 2  # likewise, of trainings that bring lines together
TRAINING_IT, COMPARING = N_("The model is being trained"), N_("Comparing the model before and after")
MOST = 20_000  # windows that are trained on
STOP = 0.85  # of what is trained on; the rest tells when to stop
FEW = 3  # windows of a series, up to which whole series are held out
FEWEST = 8  # windows in each part
CURVE = ("step", "train", "held", "seconds")  # columns of the sketch of a run under way


@dataclass(frozen=True, slots=True)
class TuneSpec:
    """Everything that decides a trained model and the numbers about it."""

    sources: tuple[Source, ...]
    recipe: Recipe
    encoder: EncoderSpec  # what is trained further
    train: TrainSpec
    share: float = 1.0  # of what there is to learn from: the latest part of each series
    chance: bool = False  # on a copy of the data in which nothing is left but its rhythms: what training makes of noise

    def to_json(self) -> dict[str, Any]:
        return {
            "sources": [one.to_json() for one in self.sources],
            "recipe": self.recipe.to_json(),
            "encoder": asdict(self.encoder),
            "train": asdict(self.train),
            "share": self.share,
            "chance": self.chance,
        }

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(
            tuple(Source.from_json(one) for one in d["sources"]),
            Recipe.from_json(d["recipe"]),
            EncoderSpec.from_json(d["encoder"]),
            TrainSpec(**d["train"]),
            d["share"],
            d["chance"],
        )

    def fingerprint(self) -> str:
        d = self.to_json()
        own = d["train"], self.share, self.chance
        version = VERSION if not self.train.lines else [VERSION, LINES_VERSION]
        return fingerprint("run", version, d["sources"], d["recipe"], self.encoder.identity(), *own)

    @property
    def makes_groups(self) -> bool:
        """Whether such a training can make up groups where there are none."""
        return bool(self.train.contrast or self.train.layout)

    @property
    def twin(self) -> Self:
        """The same training on a copy of the data that has nothing to find."""
        return replace(self, chance=True)

    def encoder_in(self, store: Store) -> EncoderSpec:
        """What came of it, to embed windows with."""
        return replace(self.encoder, kind="moment", source=str(store.folder(self.fingerprint())))


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """A finished run."""

    n_trained: int  # parameters that could change
    n_parameters: int
    changed: float  # how far the weights moved, as a share of their length
    steps: int
    best: int  # the step whose weights were kept
    seconds: float
    n_windows: tuple[int, int, int]  # trained on, told when to stop, held out
    curve: tuple[Mapping[str, float], ...]  # see core.training.Trained
    change: Change  # measured on what was held out
    weights: str  # SHA-256 of what was kept
    xy: tuple[Floats, Floats]  # maps of the run's own windows `ids`: PCA before; after, its own flat map or PCA
    ids: Ints

    @property
    def outcome(self) -> tuple[object, ...]:
        """What a reader can tell one result from another by: the numbers, as they are shown."""
        errors = [round(one.after["mse"].value, 3) for one in self.change.errors]
        moved = self.change.movement
        others = moved.displacement, moved.kept, self.change.after.silhouette
        return (*errors, *(None if one is None else round(one, 3) for one in others))


# --- on what


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Rows of windows; no two parts share a sample."""

    train: Ints
    stop: Ints  # that tell when to stop, and which step was best
    held: Ints  # that nothing of the training ever looks at: the numbers are about these


def parts_of(windows: Windows, share: float, latest: float = 1.0) -> Parts:
    """What is learnt from, and what is held out.

    Args:
        share: of each series, from its start, to train on; 1 would hold nothing out, and counts as the usual share.
        latest: of what would be learnt from, the latest part alone.
    """
    every = np.arange(len(windows))
    mine, held = _split(windows, every, TRAINING if share >= 1 else share, seed=0)
    train, stop = _split(windows, mine, STOP, seed=1)
    if latest < 1:
        _left_out, train = _split(windows, train, 1 - latest, seed=2)
    return Parts(train, stop, held)


def enough(windows: Windows, spec: TuneSpec) -> Parts:
    """The parts of a run's windows.

    Raises:
        UserError: they are too few.
    """
    parts = parts_of(windows, spec.recipe.training, spec.share)
    if min(map(len, (parts.train, parts.stop, parts.held))) < FEWEST:
        raise UserError(
            N_("{n} stretches are too few: some have to be held out, to see what was learnt."),
            N_("Choose a smaller step, or add data, so that there are at least {least} in either part."),
            n=len(windows),
            least=FEWEST,
        )
    return parts


def _split(windows: Windows, ids: Ints, share: float, seed: int) -> tuple[Ints, Ints]:
    """Some rows in two, so that no window of one shares a sample with one of the other.

    Of each series the last part goes to the second, as what comes later is in use; windows across the edge go to
    neither. Of series that are hardly longer than one window, whole ones go there, drawn by lot.
    """
    series, start = windows.series[ids], windows.start[ids]
    which, counts = np.unique(series, return_counts=True)
    if np.median(counts) <= FEW and len(which) > 1:
        order = np.random.default_rng(seed).permutation(which)
        second = np.isin(series, order[: max(1, round((1 - share) * len(which)))])
        return ids[~second], ids[second]
    edge = np.zeros(which.max() + 1)
    for i in which:
        own = start[series == i]
        edge[i] = own[0] + share * (own[-1] + windows.length - own[0])
    at = edge[series]
    return ids[start + windows.length <= at], ids[start >= at]


def without_shapes(series: Sequence[Series], seed: int) -> list[Series]:
    """The same series with phases drawn anew: rhythms and memory stay, shapes and events go; gaps stay where they are.

    The same phases in all channels of a series, so that these still belong together; see core.separation.randomised.
    """
    rng, found = np.random.default_rng(seed), []
    for one in series:
        missing = np.isnan(one.values)
        middle = np.nan_to_num(np.nanmean(one.values, axis=0)) if len(one.values) else np.zeros(one.values.shape[1])
        values = randomised(np.where(missing, middle, one.values), rng)
        found.append(replace(one, values=np.where(missing, np.nan, values)))
    return found


def windows_of(spec: TuneSpec, store: Store, progress: Progress) -> Windows:
    """What a run is about; prepared first if need be."""
    ready = preparation.made(PreparationSpec.of(spec.sources, spec.recipe), store, progress)
    series = without_shapes(ready.series, spec.train.seed) if spec.chance else list(ready.series)
    return cut(series, spec.recipe)


# --- a run


def build(spec: TuneSpec, store: Store, progress: Progress) -> str:
    """Train, or go on with training, compare before with after, and return the fingerprint of what came of it."""
    key = spec.fingerprint()
    if not store.has(key):
        windows = windows_of(spec, store, progress)
        parts = enough(windows, spec)
        store.make(key, lambda folder: _made(spec, windows, parts, folder, store, progress))
        store.forget_sketch(key)
        store.clear_desk(key)
    return key


def _made(
    spec: TuneSpec, windows: Windows, parts: Parts, folder: Path, store: Store, progress: Progress
) -> dict[str, object]:
    """Leaves the model and its pictures in the folder; what is known of the run comes back."""
    from core import training  # here, because the web process must not load torch

    key = spec.fingerprint()
    before_a_stop = store.sketched(key)
    points: list[list[float]] = [] if before_a_stop is None else before_a_stop[1].tolist()

    def tick(done: int, total: int, last: Mapping[str, float]) -> None:
        if last and (not points or points[-1][0] < last["step"]):
            points.append([last[name] for name in CURVE])
            store.sketch(key, done, np.array(points))
            store.leave_desk(key)  # a point comes when a checkpoint has been kept
        progress(TRAINING_IT, done, total)

    with tempfile.TemporaryDirectory() as scratch:
        source = _parent(spec.encoder, Path(scratch), lambda done, total: progress(FETCHING, done, total))
        learnt, watched = (_examples(windows, ids, spec) for ids in (parts.train, parts.stop))
        found = training.train(source, learnt, watched, spec.train, folder, store.desk(key), tick)
        progress(COMPARING, 0, 1)
        models = [replace(spec.encoder, kind="moment", source=str(at), precision="float32") for at in (source, folder)]
        before, after = (Encoder(one, windows.prepared[0].channels, nobody) for one in models)
        told = change(before, after, windows, parts.held, lambda done, total: progress(COMPARING, done, total))
        _draw(before, after, windows, folder)
        licence = licence_of(source)
    (folder / "README.md").write_text(_card(spec, found.steps, licence), encoding="utf-8")
    return {
        "made": "run",
        "change": told.to_json(),
        "spec": spec.to_json(),
        "n_windows": [len(parts.train), len(parts.stop), len(parts.held)],
        "n_trained": found.n_trained,
        "n_parameters": found.n_parameters,
        "changed": found.changed,
        "steps": found.steps,
        "best": found.best,
        "seconds": found.seconds,
        "curve": [dict(one) for one in found.curve],
        "weights": after.weights,
        "parent": before.weights,
    }


def _card(spec: TuneSpec, steps: int, licence: str | None) -> str:
    """For whoever finds the folder; the first lines are as model hubs have them, and say the parent's licence."""
    told = json.dumps(spec.to_json(), ensure_ascii=False, indent=1)
    lines = ["---", *([f"license: {licence}"] if licence else []), "---", "# A MOMENT that was trained further"]
    return "\n".join(
        [*lines, "", f"{steps} steps. What it is made of; files by their SHA-256:", "", "```json", told, "```", ""]
    )


def _parent(spec: EncoderSpec, scratch: Path, tick: Tick) -> Path:
    """The folder of what is trained further."""
    if spec.kind == "random-init":
        from core import moment

        moment.save(moment.untrained(seed=0), scratch)
        return scratch
    return spec.folder() or fetched(spec.source, tick)


def _examples(windows: Windows, ids: Ints, spec: TuneSpec) -> Examples:
    ids = ids[thin(len(ids), MOST)]
    channels, channel = windows.prepared[0].channels, spec.encoder.channel
    values = windows.values(ids)[:, [channels.index(channel)] if channel else slice(None)]
    label = None if windows.label is None else windows.label[ids]
    domain = of_series(windows.prepared)[windows.series[ids]] if spec.train.lines else None
    return Examples(values, windows.series[ids], windows.start[ids], label, domain)


def _draw(before: Encoder, after: Encoder, windows: Windows, folder: Path) -> None:
    """Both maps of the run's own windows, so that what training makes of chance can be looked at too.

    The one after it is the flat map that was trained along, where there is one.
    """
    ids = thin(len(windows), MEASURED)
    values = windows.values(ids)
    np.save(folder / "ids.npy", ids, allow_pickle=False)
    for name, encoder in (("before", before), ("after", after)):
        if encoder is after and (folder / flat.LAYOUT).is_file():
            plain = Encoder(replace(after.spec, join="mean", side=()), windows.prepared[0].channels, nobody)
            xy = flat.placed(folder, plain.embed(values, nobody))
        else:
            xy = project(encoder.embed(values, nobody).astype(np.float64), ProjectionSpec("pca"), lambda *_: None).xy
        np.save(folder / f"xy-{name}.npy", xy, allow_pickle=False)


# --- read again


def load(spec: TuneSpec, store: Store) -> Tuned | None:
    """What came of a run, or None while it goes on."""
    key = spec.fingerprint()
    if not store.has(key):
        return None
    meta = store.meta(key)
    return Tuned(
        **{
            name: meta[name] for name in ("n_trained", "n_parameters", "changed", "steps", "best", "seconds", "weights")
        },
        n_windows=tuple(meta["n_windows"]),
        curve=tuple(meta["curve"]),
        change=Change.from_json(meta["change"]),
        xy=(store.array(key, "xy-before"), store.array(key, "xy-after")),
        ids=store.array(key, "ids"),
    )
