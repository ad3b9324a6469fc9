"""Encoders: windows → embedding, and how well the model can fill in what is hidden from it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import N_, UserError
from core.recipes import Floats, Windows

if TYPE_CHECKING:
    from momentfm import MOMENTPipeline

Kind = Literal["raw", "random-init", "moment"]
Tick = Callable[[int, int], None]  # (done, total)

HUB = {size: f"AutonLab/MOMENT-1-{size}" for size in ("small", "base", "large")}
MASK_RATIO = 0.3  # as MOMENT was pretrained
MASK_SEED = 0


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Which model embeds the windows."""

    kind: Kind = "random-init"
    source: str = ""  # for moment: a local folder, or a name on the model hub

    def __post_init__(self) -> None:
        if self.kind not in ("raw", "random-init", "moment"):
            raise ValueError(f"unknown encoder: {self.kind!r}")
        if (self.kind == "moment") != bool(self.source):
            raise UserError(
                N_("It is not clear which MOMENT to use."),
                N_("Give the folder of the model, or choose one of the three."),
            )

    def identity(self) -> dict[str, str]:
        """What the embedding depends on: for a folder its weights, wherever they lie."""
        if self.kind == "moment" and self.source not in HUB.values():
            return {"kind": self.kind, "weights": weights_hash(Path(self.source))}
        return {"kind": self.kind, "source": self.source}


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Row i is window i."""

    vectors: Floats  # (n_windows, d)
    parameters: int  # of the model; 0 where there is none


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """Masked reconstruction, in units of each channel's variance: 0 perfect, 1 no better than the channel's mean."""

    mean: float
    per_window: Floats  # (n_windows,)
    mask_ratio: float  # share of the samples that really was hidden
    seed: int


def embed(windows: Windows, spec: EncoderSpec, tick: Tick) -> Embedding:
    if spec.kind == "raw":
        return Embedding(windows.values.reshape(len(windows.values), -1), parameters=0)
    from core import moment  # here, because the web process knows specs and must not load torch

    model = _model(spec)
    return Embedding(moment.embed(model, windows.values, tick), moment.parameters(model))


def reconstruction_loss(windows: Windows, spec: EncoderSpec, tick: Tick) -> Loss | None:
    """The model's masked-reconstruction loss on these windows, or None where it cannot be had.

    There is none for an encoder that cannot reconstruct, for windows with a single patch (nothing is left to
    guess from), and where every channel is constant (nothing varies that could be explained).
    """
    if spec.kind == "raw":
        return None
    from core import moment

    n, n_channels, length = windows.values.shape
    n_patches = length // moment.PATCH
    variance = windows.values.var(axis=(0, 2))
    scored = variance > 1e-12
    if n_patches < 2 or not scored.any():
        return None
    hidden = patch_masks(n * n_channels, n_patches, MASK_RATIO, MASK_SEED).reshape(n, n_channels, n_patches)
    errors = moment.squared_errors(_model(spec), windows.values, hidden, tick)
    per_window = (errors[:, scored] / variance[scored]).mean(axis=1)
    return Loss(float(per_window.mean()), per_window, float(hidden.mean()), MASK_SEED)


def patch_masks(n: int, n_patches: int, ratio: float, seed: int) -> NDArray[np.bool_]:
    """(n, n_patches), True where hidden: the same number in every row, at least one and never all.

    Whole patches are hidden, because hiding one sample hides its patch: a ratio drawn per sample would hide
    far more than it says.
    """
    n_hidden = int(np.clip(round(ratio * n_patches), 1, n_patches - 1))
    order = np.random.default_rng(seed).random((n, n_patches)).argsort(axis=1)
    return order < n_hidden


def weights_hash(folder: Path) -> str:
    """SHA-256 of a local model's weights, or why it is not a model."""
    file = folder / "model.safetensors"
    if not file.is_file():
        raise UserError(
            N_("There is no MOMENT model in “{folder}”."),
            N_("Choose the folder that holds config.json and model.safetensors."),
            folder=folder,
        )
    state = file.stat()
    return _hash(file, state.st_size, state.st_mtime_ns)


@lru_cache
def _hash(file: Path, _size: int, _changed: int) -> str:
    with file.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@lru_cache(maxsize=2)  # a worker keeps what it used last; two allow before ↔ after
def _model(spec: EncoderSpec) -> "MOMENTPipeline":
    from core import moment

    if spec.kind == "random-init":
        return moment.untrained(seed=0)
    return moment.load(_downloaded(spec.source) if spec.source in HUB.values() else Path(spec.source))


def _downloaded(name: str) -> Path:
    """The model's folder in the hub's local cache; fetched once, and used without a network from then on."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=["config.json", "model.safetensors"], etag_timeout=5))
    except LocalEntryNotFoundError as e:
        raise UserError(
            N_("“{name}” could not be fetched from the model hub: no connection."),
            N_(
                "On a PC with internet, download config.json and model.safetensors of this model, copy them here, "
                "and choose “a folder on this PC”."
            ),
            name=name,
        ) from e
