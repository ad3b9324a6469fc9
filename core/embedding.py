"""Windows → embedding, and how well the model can fill in what is hidden from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core import features
from core.encoders import HUB, PATCH, EncoderSpec, Tick, check_channel, fetched, nobody, weights_hash
from core.series import Floats

if TYPE_CHECKING:
    from momentfm import MOMENTPipeline

MASK_RATIO = 0.3  # as MOMENT was pretrained
MASK_SEED = 0
TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """Masked reconstruction, in units of each channel's variance: 0 perfect, 1 no better than the channel's mean."""

    mean: float
    per_window: Floats  # (n_windows,)
    mask_ratio: float  # share of the samples that really was hidden
    seed: int


class Encoder:
    """An encoder that is ready to work, on one batch of windows after the other."""

    def __init__(self, spec: EncoderSpec, channels: tuple[str, ...], tick: Tick) -> None:
        """Load the weights, from the hub if need be.

        Args:
            channels: names of the windows' channels.
        """
        check_channel(spec, channels)
        self.spec = spec
        self._which = [channels.index(spec.channel)] if spec.channel else list(range(len(channels)))
        self.parameters = 0  # of the model, where there is one
        self.mode = "float64"  # what numbers it computes with, and where
        self.weights = ""  # their SHA-256
        self.revision = ""  # of a hub model: the commit that was fetched
        if spec.reads_patches:
            self._load(tick)

    def _load(self, tick: Tick) -> None:
        from core import moment  # here, because the web process knows specs and must not load torch

        folder = None if self.spec.kind == "random-init" else self.spec.folder() or fetched(self.spec.source, tick)
        self.weights = "" if folder is None else weights_hash(folder)
        self.revision = folder.name if folder is not None and self.spec.source in HUB.values() else ""
        self._exact = _model(folder, self.weights, "float32")
        numbers, device = moment.fastest(self.spec.precision)
        self._model = _model(folder, self.weights, numbers)
        self.parameters, self.mode = moment.parameters(self._exact), f"{numbers} ({device})"

    @property
    def n_sides(self) -> int:
        """How many numbers `side` appends."""
        wanted = "level-scale-slope" in self.spec.side or self.spec.kind == "statistics"
        return 3 * len(self._which) if wanted else 0

    def embed(self, values: Floats, tick: Tick) -> NDArray[np.float32]:
        """(n, n_channels, length) → (n, d), without what `side` appends."""
        views = [values := self.shown(values)]
        if "differenced" in self.spec.side:
            views.append(np.diff(values, axis=2, prepend=values[:, :, :1]))
        return np.hstack([self._of_channels(self._of_each(one, tick)) for one in views])

    def side(self, values: Floats) -> NDArray[np.float32]:
        """(n, n_sides) level, scale and slope of each channel."""
        shown = self.shown(values)
        if not self.n_sides:
            return np.zeros((len(shown), 0), np.float32)
        told = [features.level_scale_slope(shown[:, c]) for c in range(shown.shape[1])]
        return np.hstack(told).astype(np.float32)

    def shown(self, values: Floats) -> Floats:
        """The channels that the encoder looks at."""
        return values[:, self._which]

    def guesses(self, shown: Floats, hidden: NDArray[np.bool_], tick: Tick) -> Floats:
        """What the model makes of windows whose hidden patches (n, n_channels, n_patches) it does not see, in float32.

        Args:
            shown: (n, n_channels, length), as `shown` gives them.

        Returns:
            (n, n_channels, length), a guess everywhere, in units of `shown`.
        """
        from core import moment

        return moment.guesses(self._exact, shown, hidden, tick)

    def _of_each(self, values: Floats, tick: Tick) -> NDArray[np.float32]:
        """(n, n_channels, d)"""
        n, n_channels, length = values.shape
        if self.spec.reads_patches:
            from core import moment

            return moment.embed(self._model, values, tick)
        if self.spec.kind == "statistics":
            return features.shape(values.reshape(-1, length)).reshape(n, n_channels, -1).astype(np.float32)
        return values.astype(np.float32)

    def _of_channels(self, each: NDArray[np.float32]) -> NDArray[np.float32]:
        """The waveform itself and statistics stand side by side: their mean over channels would mean nothing."""
        if self.spec.reads_patches and self.spec.join == "mean":
            return np.asarray(each.mean(axis=1))
        return each.reshape(len(each), -1)


Batches = Iterable[Floats]  # (m, n_channels, length) each; may be asked for twice


def embed(encoder: Encoder, batches: Batches, n: int, file: Path, tick: Tick) -> NDArray[np.float32]:
    """Embed all windows, a batch at a time, into a .npy file: memory does not grow with their number.

    Args:
        n: windows in all the batches together.

    Returns:
        (n, d), mapped from the file.
    """
    [probe] = (encoder.embed(values[:1], nobody) for values in islice(batches, 1))
    width, sides, done = probe.shape[1], [], 0
    total, squares = np.zeros(width), np.zeros(width)
    with file.open("wb") as f:  # written, not mapped: mapped pages would count as memory
        header = {"descr": "<f4", "fortran_order": False, "shape": (n, width + encoder.n_sides)}
        np.lib.format.write_array_header_2_0(f, header)
        for values in batches:
            embedded = encoder.embed(values, _onwards(tick, done, len(values), n))
            f.write(np.hstack([embedded, np.zeros((len(values), encoder.n_sides))]).astype("<f4").tobytes())
            sides.append(encoder.side(values))
            total += embedded.sum(axis=0, dtype=np.float64)
            squares += (embedded.astype(np.float64) ** 2).sum(axis=0)
            done += len(values)
    if encoder.n_sides:
        of_embedding = float((squares / n - (total / n) ** 2).sum())
        of_sides = encoder.n_sides if encoder.spec.kind == "statistics" else of_embedding  # there, as much as any other
        vectors = np.load(file, mmap_mode="r+")
        vectors[:, width:] = weighed(np.concatenate(sides), of_sides)
        vectors.flush()
    return np.load(file, mmap_mode="r")  # type: ignore[no-any-return]


def _onwards(tick: Tick, done: int, m: int, n: int) -> Tick:
    """Progress through the m windows of a batch, as progress through all n."""
    return lambda part, of: tick(done + m * part // of, n)


def weighed(side: NDArray[np.float32], variance: float) -> NDArray[np.float32]:
    """Side features (n, k) brought to one scale; those that vary have this variance together.

    With the embedding's own, they count as much in a distance as the whole embedding does.
    """
    spread = side.std(axis=0)
    varies = spread > 1e-6 * np.abs(side).max(axis=0, initial=0)
    told = np.where(varies, (side - side.mean(axis=0)) / np.where(varies, spread, 1), 0)
    return np.asarray(told * np.sqrt(variance / max(1, int(varies.sum()))), dtype=np.float32)


def reconstruction_loss(encoder: Encoder, batches: Batches, n: int, tick: Tick) -> Loss | None:
    """The model's masked-reconstruction loss on these windows, or None where it cannot be had.

    There is none for an encoder that cannot reconstruct, for windows with a single patch (nothing is left to
    guess from), and where every channel is constant (nothing varies that could be explained).
    """
    if not encoder.spec.reads_patches:
        return None
    variance, n_patches = _variance(encoder, batches)
    scored = variance > TINY
    if n_patches < 2 or not scored.any():
        return None
    rng = np.random.default_rng(MASK_SEED)
    per_window, hidden_share, done = [], 0.0, 0
    for values in batches:
        shown = encoder.shown(values)
        m, n_channels, _ = shown.shape
        hidden = patch_masks(m * n_channels, n_patches, MASK_RATIO, rng).reshape(m, n_channels, n_patches)
        guesses = encoder.guesses(shown, hidden, _onwards(tick, done, m, n))
        errors = squared_errors(shown, guesses, hidden)
        per_window.append((errors[:, scored] / variance[scored]).mean(axis=1))
        hidden_share, done = float(hidden.mean()), done + m
    errors = np.concatenate(per_window)
    return Loss(float(errors.mean()), errors, hidden_share, MASK_SEED)


def squared_errors(shown: Floats, guesses: Floats, hidden: NDArray[np.bool_]) -> Floats:
    """(n, n_channels) mean over the hidden samples alone, in squared units of (n, n_channels, length) windows."""
    lost = np.repeat(hidden, PATCH, axis=2)
    return np.asarray(np.mean((guesses - shown) ** 2, axis=2, where=lost))


def _variance(encoder: Encoder, batches: Batches) -> tuple[Floats, int]:
    """(n_channels,) variance over all windows, and the patches in a window. Sums about a first value stay exact."""
    n, total, squares, n_patches, middle = 0, 0.0, 0.0, 0, None
    for values in batches:
        shown = encoder.shown(values)
        middle = shown.mean(axis=(0, 2), keepdims=True) if middle is None else middle
        moved = shown - middle
        total, squares = total + moved.sum(axis=(0, 2)), squares + (moved**2).sum(axis=(0, 2))
        n += shown.shape[0] * shown.shape[2]
        n_patches = shown.shape[2] // PATCH
    return np.asarray(squares / n - (total / n) ** 2), n_patches


def patch_masks(n: int, n_patches: int, ratio: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(n, n_patches), True where hidden: the same number in every row, at least one and never all.

    Whole patches are hidden, because hiding one sample hides its patch: a ratio drawn per sample would hide
    far more than it says.
    """
    n_hidden = int(np.clip(round(ratio * n_patches), 1, n_patches - 1))
    return np.asarray(rng.random((n, n_patches)).argsort(axis=1) < n_hidden)


@lru_cache(maxsize=4)  # a worker keeps what it used last, so that before ↔ after need not load again
def _model(folder: Path | None, _weights: str, numbers: str) -> "MOMENTPipeline":
    """Keyed by the weights' hash too: a folder whose file was exchanged is another model."""
    from core import moment

    return moment.in_numbers(moment.untrained(seed=0) if folder is None else moment.load(folder), numbers)
