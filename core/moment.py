"""The only file that knows momentfm's ways. Arrays in, arrays out; each trap of momentfm is met here, once."""

import contextlib
import copy
import io
import math
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from momentfm import MOMENTPipeline
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional

from core.encoders import CONFIG, CONTEXT, PATCH, WEIGHTS, architecture_of, check_length
from core.errors import N_, UserError

Floats = NDArray[np.float64]
Tick = Callable[[int, int], None]  # (done, total)

SMALLEST = 0.1  # standard deviation that is handed to MOMENT: ten thousand times what RevIN adds to it
FARTHEST = 12.0  # of standardised samples to learn from: beside a flat stretch they are as large as they like
BATCH = 2048  # patches at a time: what a layer makes of them stays in the processor's cache

# MOMENT's architecture at a size that a laptop embeds thousands of windows a second with.
COMPACT: dict[str, Any] = {
    "task_name": "reconstruction",
    "model_name": "MOMENT",
    "transformer_type": "encoder_only",
    "transformer_backbone": "compact",
    "d_model": 256,
    "seq_len": CONTEXT,
    "patch_len": PATCH,
    "patch_stride_len": PATCH,
    "patch_dropout": 0.1,
    "add_positional_embedding": True,
    "value_embedding_bias": False,
    "orth_gain": 5.0,  # MOMENT's 1.41 drowns so few samples a patch in their position: contrast learns half as fast
    "mask_ratio": 0.3,
    "revin_affine": False,
    "enable_gradient_checkpointing": False,
    "t5_config": {
        "d_model": 256,
        "d_kv": 32,
        "d_ff": 256,
        "num_heads": 4,
        "num_layers": 4,
        "num_decoder_layers": 0,
        "vocab_size": 1,
        "eos_token_id": 0,
        "dropout_rate": 0.1,
        "feed_forward_proj": "gated-gelu",
        "is_encoder_decoder": False,
        "use_cache": False,
    },
}


def tokens(model: MOMENTPipeline, x: Tensor, seen: Tensor | None, first: int = 0) -> Tensor:
    """What MOMENT's encoder makes of standardised windows: momentfm's own arithmetic in fewer passes over memory.

    Args:
        x: (n, length), standardised.
        seen: (n, n_patches), False where a patch is hidden from the model; None: it sees all.
        first: position of the first patch in MOMENT's context.

    Returns:
        (n, n_patches, d_model), one row a patch.
    """
    embedder, encoder = model.patch_embedding, model.encoder
    n, n_patches = len(x), x.shape[1] // PATCH
    weight = embedder.value_embedding.weight
    h = functional.linear(x.to(weight.dtype).view(n, n_patches, PATCH), weight)
    if seen is not None:
        h = torch.where(seen[..., None], h, embedder.mask_embedding)
    if embedder.add_positional_embedding:
        h = h + embedder.position_embedding.pe[:, first : first + n_patches]
    bias = encoder.block[0].layer[0].SelfAttention.compute_bias(n_patches, n_patches)
    h = h.reshape(n * n_patches, -1)
    for block in encoder.block:
        attention, dense = block.layer
        attended = _attended(attention.SelfAttention, _rms(attention.layer_norm, h), bias)
        h = torch.addmm(h, attended, attention.SelfAttention.o.weight.t())
        gated = _gated(dense.DenseReluDense, _rms(dense.layer_norm, h))
        h = torch.addmm(h, gated, dense.DenseReluDense.wo.weight.t())
    return _rms(encoder.final_layer_norm, h).view(n, n_patches, -1)


def _attended(attention: Any, h: Tensor, bias: Tensor) -> Tensor:
    """Self-attention with T5's position bias and without its scaling: (n * n_patches, d) → (n * n_patches, inner)."""
    n_patches = bias.shape[-1]
    q, k, v = (
        functional.linear(h, projection.weight).view(-1, n_patches, attention.n_heads, attention.key_value_proj_dim)
        for projection in (attention.q, attention.k, attention.v)
    )
    weights = (q.transpose(1, 2) @ k.permute(0, 2, 3, 1) + bias).softmax(dim=-1)
    return (weights @ v.transpose(1, 2)).transpose(1, 2).reshape(len(h), -1)


def _gated(dense: Any, h: Tensor) -> Tensor:
    return _gelu(functional.linear(h, dense.wi_0.weight)) * functional.linear(h, dense.wi_1.weight)


def _gelu(x: Tensor) -> Tensor:
    """x times a sigmoid: the tanh form of GELU, in half the time that PyTorch's own takes on a CPU."""
    slope = 2 * math.sqrt(2 / math.pi)
    return x * ((x * x).mul_(0.044715 * slope).add_(slope) * x).sigmoid_()


def _rms(norm: Any, h: Tensor) -> Tensor:
    return functional.rms_norm(h, norm.weight.shape, norm.weight, norm.variance_epsilon)


def standardised(x: Tensor, seen: Tensor | None = None) -> Tensor:
    """MOMENT's RevIN: (n, length) with mean 0 and standard deviation 1 over the patches that are seen."""
    weight = torch.ones_like(x) if seen is None else seen.repeat_interleave(PATCH, dim=1).to(x.dtype)
    n_seen = weight.sum(dim=1, keepdim=True)
    centred = x - (x * weight).sum(dim=1, keepdim=True) / n_seen
    spread = ((centred**2 * weight).sum(dim=1, keepdim=True) / n_seen).sqrt()
    return centred / (spread + 1e-5)


def untrained(seed: int) -> MOMENTPipeline:
    """A compact MOMENT with random weights: what a picture looks like when the model knows nothing."""
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # momentfm warns of settings that it makes itself
        torch.manual_seed(seed)
        return _ready(MOMENTPipeline(architecture(), model_kwargs={}))


def architecture() -> dict[str, Any]:
    """The compact model's, as momentfm wants it; a copy, because momentfm keeps and changes what it is given."""
    return copy.deepcopy(COMPACT)


def load(folder: Path) -> MOMENTPipeline:
    """A pretrained MOMENT from a folder that holds config.json and model.safetensors."""
    architecture_of(folder)  # or why it is no MOMENT
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # it prints where it reads from
        warnings.simplefilter("ignore")
        try:
            model = MOMENTPipeline.from_pretrained(str(folder), model_kwargs={"task_name": "reconstruction"})
        except (SafetensorError, RuntimeError) as e:  # cut short, or of another model than config.json says
            raise UserError(
                N_("The weights in “{folder}” are damaged, or belong to another model than its config.json."),
                N_("Copy both files of the model there again."),
                folder=folder,
            ) from e
        return _ready(model)


def save(model: MOMENTPipeline, folder: Path) -> None:
    """Only what `load` reads: the model card beside it is not momentfm's to write."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as written:
        model.save_pretrained(written)
        for name in (CONFIG, WEIGHTS):
            shutil.copyfile(Path(written) / name, folder / name)


def _ready(model: MOMENTPipeline) -> MOMENTPipeline:
    model.init()  # without it a task switch returns None
    return model.eval().to(_device())


def _device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def parameters(model: MOMENTPipeline) -> int:
    return sum(p.numel() for p in model.parameters())


def fastest(asked: Literal["auto", "float32"]) -> tuple[str, str]:
    """The numbers to compute with, bfloat16 where the device multiplies it in hardware; and the device."""
    device = _device()
    if asked == "float32":
        return "float32", device
    if device == "cuda":
        quick = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device == "cpu":
        quick = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    else:
        quick = False
    return ("bfloat16" if quick else "float32"), device


def in_numbers(model: MOMENTPipeline, numbers: str) -> MOMENTPipeline:
    """The same model in another number format; changes the one it is given."""
    return model.to(getattr(torch, numbers))


def embed(model: MOMENTPipeline, values: Floats, tick: Tick) -> NDArray[np.float32]:
    """Mean over patches of the encoder's output, each channel by itself: momentfm's own `embed` to rounding.

    Args:
        values: (n, n_channels, length); length a multiple of 8, from 8 to 512.

    Returns:
        (n, n_channels, d_model), one row a window and channel.
    """
    n, n_channels, length = values.shape
    check_length(length)
    batches = (x[:, 0] for x, _, _ in _batches(model, values, tick))
    rows = [tokens(model, standardised(x), None).float().mean(dim=1).cpu() for x in batches]
    return torch.cat(rows).numpy().reshape(n, n_channels, -1)


def guesses(model: MOMENTPipeline, values: Floats, hidden: NDArray[np.bool_], tick: Tick) -> Floats:
    """What the model makes of windows of which it does not see all.

    Args:
        values: (n, n_channels, length).
        hidden: (n, n_channels, n_patches), True where a patch is hidden from the model.

    Returns:
        (n, n_channels, length) the whole of each window as the model would have it, in units of `values`.
    """
    n, n_channels, length = values.shape
    check_length(length)
    seen = torch.from_numpy(~hidden.reshape(n * n_channels, -1)).long().repeat_interleave(PATCH, dim=1)
    guessed = []
    for x, scale, rows in _batches(model, values, tick):
        mask = seen[rows].to(x.device)
        guess = model.reconstruction(x_enc=x, input_mask=torch.ones_like(mask), mask=mask).reconstruction
        guessed.append(guess[:, 0].cpu().double().numpy() / scale[:, None])
    level = values.mean(axis=2, keepdims=True)  # _batches has taken it off
    return np.asarray(np.concatenate(guessed).reshape(values.shape) + level)


def filled(model: MOMENTPipeline, values: Floats, cells: NDArray[np.bool_]) -> Floats:
    """Gaps filled with the model's guess: the patches they touch are hidden, the rest of their surroundings is shown.

    Args:
        values: (n, n_channels), NaN where missing.
        cells: (n, n_channels), True where to fill.

    Returns:
        (n, n_channels), changed in those cells alone; still NaN where a gap is too long for its surroundings to be
        seen at once (half of 512 samples), or the series too short.
    """
    done = values.copy()
    length = min(CONTEXT, len(values) // PATCH * PATCH)
    for c in range(values.shape[1]):
        missing = np.isnan(values[:, c])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], cells[:, c].astype(np.int8), [0]])))
        for first, end in edges.reshape(-1, 2).tolist():
            if 2 * (end - first) > length:
                continue
            start = int(np.clip((first + end - length) // 2, 0, len(values) - length))
            around = slice(start, start + length)
            hidden = np.asarray(missing[around].reshape(-1, PATCH).any(axis=1))
            if hidden.all():
                continue
            guess = _guessed(model, values[around, c], missing[around], hidden)
            done[first:end, c] = guess[first - start : end - start]
    return done


def _guessed(model: MOMENTPipeline, window: Floats, missing: NDArray[np.bool_], hidden: NDArray[np.bool_]) -> Floats:
    """(length,) what the model makes of a window whose hidden patches (n_patches,) it does not see."""
    known = window[~missing]
    level = known.mean()
    bridged = np.where(missing, level, window) - level
    scale = max(float(known.std()), 1e-300) / SMALLEST
    x = torch.as_tensor(bridged / scale, dtype=torch.float32, device=next(model.parameters()).device)[None, None]
    seen = torch.as_tensor(~hidden).long().repeat_interleave(PATCH)[None].to(x.device)
    with torch.inference_mode():
        guess = model.reconstruction(x_enc=x, input_mask=torch.ones_like(seen), mask=seen).reconstruction
    return np.asarray(guess[0, 0].double().cpu().numpy() * scale + level)


def _batches(model: MOMENTPipeline, values: Floats, tick: Tick) -> Iterator[tuple[Tensor, Floats, slice]]:
    """Each channel of each window as a sequence of its own: MOMENT treats channels alike and apart.

    Returns:
        (m, 1, length) sequences, (m,) by how much each was enlarged, and which rows of all sequences they are.
    """
    flat = values.reshape(-1, values.shape[-1])
    with torch.inference_mode():
        size = max(1, BATCH * PATCH // values.shape[-1])
        for first in range(0, len(flat), size):
            rows = slice(first, first + size)
            x, scale = sequences(model, flat[rows])
            yield x[:, None], scale, rows
            tick(min(first + size, len(flat)), len(flat))


def sequences(model: MOMENTPipeline, flat: Floats) -> tuple[Tensor, Floats]:
    """Samples as the model is given them, (m, length) on its device, and (m,) by how much each row was enlarged.

    Level is taken off, and what is tiny is enlarged, in float64: in float32, a pressure in Pa would lose its shape to
    rounding, and one in GPa to the 1e-5 that RevIN adds.
    """
    centred = flat - flat.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    varies = spread > 1e-12 * np.abs(flat).max(axis=1, keepdims=True)
    scale = np.where(varies, SMALLEST / np.minimum(np.where(varies, spread, 1.0), SMALLEST), 1.0)
    x = np.where(varies, centred * scale, 0.0)
    return torch.as_tensor(x, dtype=torch.float32, device=next(model.parameters()).device), scale[:, 0]
