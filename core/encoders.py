"""The register of encoders: what can embed windows, what each is and costs, where its weights come from. No torch."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, Self

import numpy as np

from core.artifacts import brought
from core.errors import N_, UserError

Kind = Literal["raw", "statistics", "random-init", "compact", "moment"]
Join = Literal["mean", "concat"]
Side = Literal["level-scale-slope", "differenced"]
Adapt = Literal["", "centred", "coral"]
Tick = Callable[[int, int], None]  # (done, total)

KINDS = ("raw", "statistics", "random-init", "compact", "moment")
SIDES = ("level-scale-slope", "differenced")
SHIPPED = Path(__file__).parent / "compact"
HUB = {size: f"AutonLab/MOMENT-1-{size}" for size in ("small", "base", "large")}
WEIGHTS, CONFIG = "model.safetensors", "config.json"
WANTED = [CONFIG, WEIGHTS]  # of what a model's folder on the hub holds
PATCH, CONTEXT = 8, 512  # samples of a patch, and of the longest window
BUCKETS = 32  # of T5's relative positions


def nobody(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Which model embeds the windows, and how."""

    kind: Kind = "compact"
    source: str = ""  # for moment: a local folder, or a name on the model hub
    join: Join = "mean"  # several channels: the mean of their embeddings, or one beside the other
    channel: str = ""  # embed this channel alone; empty: all of them
    side: tuple[Side, ...] = ()  # what is appended: MOMENT itself sees neither level nor scale
    precision: Literal["auto", "float32"] = "auto"  # auto: the fastest that this machine has
    adapt: Adapt = ""  # how the embeddings of lines or sites are brought together; see core.domains

    def __post_init__(self) -> None:
        known = ((self.kind, KINDS), (self.join, ("mean", "concat")), (self.precision, ("auto", "float32")))
        for value, values in (*known, (self.adapt, ("", "centred", "coral")), *((one, SIDES) for one in self.side)):
            if value not in values:
                raise ValueError(f"{value!r} is none of {values}")
        if (self.kind == "moment") != bool(self.source):
            raise UserError(
                N_("It is not clear which MOMENT to use."),
                N_("Give the folder of the model, or choose one of the three."),
            )

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(**{**d, "side": tuple(d.get("side", ()))})

    def identity(self) -> dict[str, object]:
        """What the embedding depends on: for weights at hand their content, wherever they lie."""
        how: dict[str, object] = {"join": self.join, "channel": self.channel, "side": list(self.side)}
        if self.reads_patches:
            how["precision"] = self.precision
        if self.adapt:
            how["adapt"] = self.adapt
        folder = self.folder()
        weights = {"source": self.source} if folder is None else {"weights": weights_hash(folder)}
        return {"kind": self.kind} | weights | how

    @property
    def unadapted(self) -> Self:
        """The same before lines or sites are brought together."""
        return replace(self, adapt="")

    @property
    def reads_patches(self) -> bool:
        """Whether it is a MOMENT: windows are multiples of 8 samples, up to 512, and it can reconstruct."""
        return self.kind in ("random-init", "compact", "moment")

    def folder(self) -> Path | None:
        """Where its weights lie, if that is known without asking the hub."""
        if self.kind == "compact":
            return SHIPPED
        return Path(self.source) if self.kind == "moment" and self.source not in HUB.values() else None


# --- what an encoder is and costs


@dataclass(frozen=True, slots=True)
class Architecture:
    """A T5 encoder over patches."""

    width: int  # d_model
    layers: int
    heads: int
    head: int  # width of a head
    hidden: int  # of the gated dense layers
    vocabulary: int  # words of a text model that MOMENT carries along unused

    @property
    def inner(self) -> int:
        return self.heads * self.head

    @property
    def parameters(self) -> int:
        each = 4 * self.width * self.inner + 3 * self.width * self.hidden + 2 * self.width
        return self.layers * each + BUCKETS * self.heads + self.width * (self.vocabulary + 2 * PATCH + 2) + PATCH

    def operations(self, n_patches: int) -> float:
        """Floating-point operations to embed one window of one channel, multiplications and additions apart."""
        dense = 4 * self.width * self.inner + 3 * self.width * self.hidden
        attention = 2 * n_patches * self.inner
        return 2.0 * n_patches * (self.layers * (dense + attention) + PATCH * self.width)


PUBLISHED = {  # the T5 sizes that MOMENT's paper names; their files need not be here yet
    "small": Architecture(512, 8, 6, 64, 1024, 32128),
    "base": Architecture(768, 12, 12, 64, 2048, 32128),
    "large": Architecture(1024, 24, 16, 64, 2816, 32128),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What people want to know before they start one."""

    parameters: int
    bytes: int  # of the weights
    licence: str | None  # None: nobody says
    operations: float  # for one window of one channel of the length asked for


def facts(spec: EncoderSpec, n_patches: int) -> Facts:
    """Of an encoder.

    Raises:
        UserError: the folder is no model.
    """
    if spec.kind == "raw":
        return Facts(0, 0, None, 0.0)
    if spec.kind == "statistics":
        return Facts(0, 0, None, 6e4 * n_patches)  # as many as a model makes in the time that they took
    built, folder = architecture(spec), SHIPPED if spec.kind == "random-init" else spec.folder()
    if folder is None:
        return Facts(built.parameters, 4 * built.parameters, "MIT", built.operations(n_patches))
    n_bytes = 0 if spec.kind == "random-init" else (folder / WEIGHTS).stat().st_size
    licence = N_("as this app's") if folder == SHIPPED else licence_of(folder)
    return Facts(built.parameters, n_bytes, licence, built.operations(n_patches))


def operations_of(spec: EncoderSpec, channels: tuple[str, ...], length: int) -> float:
    """To embed one window of all the channels that the encoder looks at."""
    n_sequences = (1 if spec.channel else len(channels)) * (2 if "differenced" in spec.side else 1)
    return n_sequences * facts(spec, length // PATCH).operations


def architecture(spec: EncoderSpec) -> Architecture:
    """Of an encoder that reads patches.

    Raises:
        UserError: its folder is no model.
    """
    folder = SHIPPED if spec.kind == "random-init" else spec.folder()
    if folder is not None:
        return architecture_of(folder)
    [size] = [size for size, name in HUB.items() if name == spec.source]
    return PUBLISHED[size]


def architecture_of(folder: Path) -> Architecture:
    """Read from a model's config.json.

    Raises:
        UserError: it is not there, or not of a MOMENT.
    """
    check_folder(folder)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        t5 = config["t5_config"]
        if config["patch_len"] != PATCH:
            raise KeyError("patch_len")
        sizes = (t5[name] for name in ("num_layers", "num_heads", "d_kv", "d_ff", "vocab_size"))
        return Architecture(config["d_model"], *sizes)
    except (KeyError, TypeError, ValueError) as e:
        raise UserError(
            N_("The model in “{folder}” is not a MOMENT with patches of 8 samples."),
            N_("Choose a folder with AutonLab/MOMENT-1-small, -base or -large, or one made from them."),
            folder=folder,
        ) from e


def licence_of(folder: Path) -> str | None:
    """As its model card says, in the lines between the first two ---."""
    card = folder / "README.md"
    lines = card.read_text(encoding="utf-8", errors="ignore").splitlines()[:40] if card.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("license:")), None)


def seconds(operations: float, speed: float | None) -> float:
    """About how long that takes.

    Args:
        speed: operations a second that an embedding reached here; None: none was made yet, so it is guessed from how
            fast this computer multiplies matrices.
    """
    return operations / (speed or 0.6 * _rate())


@cache
def _rate() -> float:
    """Floating-point operations a second in float32."""
    x = np.ones((512, 512), np.float32)
    times = []
    for _ in range(8):  # the quickest: what else the machine does now is no measure of it
        began = perf_counter()
        x @ x
        times.append(perf_counter() - began)
    return 2 * 512.0**3 / min(times)


def check_channel(spec: EncoderSpec, channels: tuple[str, ...]) -> None:
    if spec.channel and spec.channel not in channels:
        raise UserError(
            N_("The data has no channel “{channel}”."),
            N_("Choose another channel for the model, or all of them."),
            channel=spec.channel,
        )


def check_length(length: int) -> None:
    """MOMENT drops an incomplete last patch without a word, so a length that has one is refused."""
    if not PATCH <= length <= CONTEXT or length % PATCH:
        raise UserError(
            N_("MOMENT reads stretches of 8, 16, 24 … up to 512 samples, and these have {length}."),
            N_("Choose a multiple of 8 up to 512 as the length, or the model “the waveform itself”."),
            length=length,
        )


# --- where its weights are


def check_folder(folder: Path) -> None:
    missing = [name for name in (CONFIG, WEIGHTS) if not (brought(folder) / name).is_file()]
    if missing:
        raise UserError(
            N_("The folder “{folder}” is not a MOMENT model: it has no {missing}."),
            N_("Choose the folder that holds config.json and model.safetensors. Other weight formats are not read."),
            folder=folder,
            missing=", ".join(missing),
        )


def weights_hash(folder: Path) -> str:
    """SHA-256 of a local model's weights, or why it is not a model."""
    check_folder(folder)
    return file_hash(folder / WEIGHTS)


def file_hash(file: Path) -> str:
    """SHA-256 of a file, read anew only when it has changed."""
    state = file.stat()
    return _hash(file, state.st_size, state.st_mtime_ns)


@lru_cache
def _hash(file: Path, _size: int, _changed: int) -> str:
    with file.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def fetched(name: str, tick: Tick) -> Path:
    """A hub model's folder in the local cache: fetched once, then used without a network and never exchanged.

    Raises:
        UserError: it is not here, and the hub cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    folder = at_hand(name)
    if folder is not None:
        return folder
    try:
        return Path(snapshot_download(name, allow_patterns=WANTED, etag_timeout=5, tqdm_class=_ticking(tick)))
    except (LocalEntryNotFoundError, OSError) as e:
        raise UserError(
            N_("“{name}” could not be fetched from the model hub: no connection."),
            N_(
                "On a PC with internet, download config.json and model.safetensors of this model, copy them here, "
                "and choose “a folder on this PC”."
            ),
            name=name,
        ) from e


def at_hand(name: str) -> Path | None:
    """A hub model's folder, if it was fetched to this computer before; asks no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=WANTED, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return folder if all((folder / file).is_file() for file in WANTED) else None


def _ticking(tick: Tick) -> type[Any]:
    """A progress bar that draws nothing and tells bytes; a tick that raises stops the download."""
    from huggingface_hub import utils

    class Bar(utils.tqdm):  # type: ignore[misc, name-defined]
        def __init__(self, *args: Any, **words: Any) -> None:
            super().__init__(*args, **words | {"disable": False})  # one that is disabled does not count
            self.of_bytes = words.get("unit") == "B"

        def display(self, *_args: Any, **_words: Any) -> None:
            pass

        def update(self, n: float | None = 1) -> None:
            super().update(n)
            if self.of_bytes:
                tick(int(self.n), int(self.total or 0))

    return Bar
