"""Make the compact model: a small MOMENT that has seen generated waveforms only. `python3 manage.py pretrain`.

Three things are asked of it at once, of pairs of windows of one kind (core/waveforms.py):

- which window of the other half is of the same kind (InfoNCE over all kinds in the batch);
- what was in the 30 % of patches that are hidden from it (masked reconstruction, MOMENT's own task);
- what the window looks like in numbers (core/features.py), from the embedding by one linear layer.

Windows are drawn afresh at every step from the step's own seed, so that nothing can be learnt by heart, and a run that
was stopped goes on from its last checkpoint as if it had not been.
"""

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from momentfm import MOMENTPipeline
from torch import Tensor, nn
from torch.nn import functional

from core import checkpoints, features, waveforms
from core.embedding import patch_masks
from core.encoders import CONTEXT, PATCH
from core.moment import FARTHEST, architecture, save, standardised, tokens

N_PATCHES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64)  # a batch has windows of one length
MOST_PATCHES = CONTEXT // PATCH
EVENED_ON = (4, 8, 16, 32, 48)  # patches in the windows that the embedding's spread is measured on


@dataclass(frozen=True, slots=True)
class PretrainSpec:
    """Everything that decides the weights."""

    steps: int = 7500
    tokens: int = 4096  # patches in a batch, both windows of a pair together
    rate: float = 2e-3  # of AdamW, at its highest
    warm_up: int = 150  # steps
    temperature: float = 0.1
    reconstruction: float = 0.5  # weight beside the contrast's 1
    numbers: float = 0.5  # weight, likewise
    hidden: float = 0.3  # share of the patches
    at_the_end: float = 0.15  # share of the batches placed where left padding would put them
    average: float = 0.998  # of the weights, over steps: the average is what is kept
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Losses:
    """Of one step. A model that knows nothing has log(n) for the contrast and about 0.85 for the others."""

    contrast: float
    chance: float  # log(n): what the contrast would be by guessing
    found: float  # share of the windows whose partner came first
    reconstruction: float
    numbers: float


class Learner(nn.Module):
    """The model and what is thrown away after pretraining."""

    centre: Tensor  # of the numbers, running
    spread: Tensor

    def __init__(self, n_numbers: int) -> None:
        super().__init__()
        self.model = MOMENTPipeline(architecture(), model_kwargs={})
        self.model.init()
        self.model.requires_grad_(True)  # momentfm hands it over frozen
        width = self.model.config.d_model
        self.contrast = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 128))
        self.numbers = nn.Linear(width, n_numbers)
        self.register_buffer("centre", torch.zeros(n_numbers))
        self.register_buffer("spread", torch.ones(n_numbers))


def pretrain(spec: PretrainSpec, folder: Path, work: Path, every: int = 250) -> None:
    """Train, and leave in `folder` what MOMENTPipeline.from_pretrained reads.

    Args:
        work: where checkpoints are kept; a run of the same spec goes on from there.
        every: steps between checkpoints.
    """
    torch.manual_seed(spec.seed)
    probe = features.shape(np.zeros((1, CONTEXT)))
    learner = Learner(probe.shape[1])
    average = copy.deepcopy(learner.model).eval()
    optimiser = torch.optim.AdamW(learner.parameters(), lr=spec.rate, weight_decay=0.02, betas=(0.9, 0.98))
    done, seconds, log = _resume(spec, work, learner, average, optimiser)
    began = time.perf_counter() - seconds
    recent: list[Losses] = []
    for step in range(done, spec.steps):
        for group in optimiser.param_groups:
            group["lr"] = spec.rate * _schedule(spec, step)
        loss, said = _step(spec, learner, np.random.default_rng((spec.seed, step)), step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimiser.step()
        _move(average, learner.model, min(spec.average, (step + 1) / (step + 20)))
        recent.append(said)
        if (step + 1) % every == 0 or step + 1 == spec.steps:
            seconds = time.perf_counter() - began
            log.append({"step": step + 1, "seconds": round(seconds)} | _mean(recent))
            print(json.dumps(log[-1]), flush=True)  # noqa: T201 — this is a program
            recent.clear()
            state = {"spec": asdict(spec), "step": step + 1, "seconds": seconds, "log": log}
            tensors = (*_tensors(learner, average), *checkpoints.of_optimiser(optimiser))
            checkpoints.save(work, tensors, state)
    even_out(average)
    save(average, folder)


@torch.no_grad()
def even_out(model: MOMENTPipeline) -> None:
    """Half-whiten the embedding without adding a layer: distances then no longer hang on a few directions.

    Over generated windows, every principal axis is scaled by its standard deviation to the power -1/2. That map and
    the last norm's weights together are a rotation, a scale for each axis, and a rotation that no distance sees.
    RMSNorm does not see the first one either, so the whole encoder is turned by it, and the last norm's weights are
    the scales. The head is turned back: reconstructions stay what they were.
    Source of the turn: Ashkboos et al. 2024, "SliceGPT", section 3.
    """
    weights = model.encoder.final_layer_norm.weight.double()
    embeddings = _embeddings(model).double()
    variances, axes = torch.linalg.eigh(torch.cov(embeddings.T))
    whitening = ((variances + 1e-4 * variances.max()) ** -0.25 * axes).T
    common = functional.normalize(embeddings.mean(dim=0), dim=0)  # what all windows share tells none from another
    whitening -= 0.98 * torch.outer(whitening @ common, common)
    _, scale, turn = torch.linalg.svd(whitening * weights)
    _absorb_norms(model)
    _turn(model, turn.T)
    model.encoder.final_layer_norm.weight.copy_(scale / scale.mean())
    model.head.linear.weight.div_(scale / scale.mean())


def _absorb_norms(model: MOMENTPipeline) -> None:
    """Move each norm's weights into the layers that read it, so that every norm is bare."""
    for block in model.encoder.block:
        attention, dense = block.layer
        reading = attention.SelfAttention, dense.DenseReluDense
        for layer in (reading[0].q, reading[0].k, reading[0].v):
            layer.weight.mul_(attention.layer_norm.weight)
        for layer in (reading[1].wi_0, reading[1].wi_1):
            layer.weight.mul_(dense.layer_norm.weight)
        attention.layer_norm.weight.fill_(1)
        dense.layer_norm.weight.fill_(1)
    model.head.linear.weight.mul_(model.encoder.final_layer_norm.weight)
    model.encoder.final_layer_norm.weight.fill_(1)


def _embeddings(model: MOMENTPipeline) -> Tensor:
    """(n, d) of generated windows, short and long."""
    rng = np.random.default_rng(0)
    embeddings = []
    for n_patches in EVENED_ON:
        windows, _ = waveforms.pairs(rng, 64, n_patches * PATCH, n_patches * PATCH)
        embeddings.append(tokens(model, standardised(torch.from_numpy(windows)), None).mean(dim=1))
    return torch.cat(embeddings)


def _turn(model: MOMENTPipeline, axes: Tensor) -> None:
    """Turn everything that writes to the encoder's stream, and everything that reads it."""

    def turned(weight: Tensor, *, writes: bool) -> None:
        weight.copy_(axes.T @ weight.double() if writes else weight.double() @ axes)

    embedder = model.patch_embedding
    turned(embedder.value_embedding.weight, writes=True)
    turned(embedder.mask_embedding, writes=False)
    turned(embedder.position_embedding.pe, writes=False)
    for block in model.encoder.block:
        attention, dense = block.layer[0].SelfAttention, block.layer[1].DenseReluDense
        for layer in (attention.q, attention.k, attention.v, dense.wi_0, dense.wi_1):
            turned(layer.weight, writes=False)
        for layer in (attention.o, dense.wo):
            turned(layer.weight, writes=True)
    turned(model.head.linear.weight, writes=False)


def _step(spec: PretrainSpec, learner: Learner, rng: np.random.Generator, step: int) -> tuple[Tensor, Losses]:
    share = 1 / np.sqrt(N_PATCHES)
    first = int(rng.choice(N_PATCHES, p=share / share.sum()))
    second = int(np.clip(round(first * rng.uniform(0.75, 1.33)), 2, MOST_PATCHES))
    n_families = int(np.clip(spec.tokens // (first + second) // waveforms.FAMILY, 8, 128))
    one, other = waveforms.pairs(rng, n_families, first * PATCH, second * PATCH)
    n = len(one)

    seen = torch.from_numpy(~patch_masks(n, second, spec.hidden, rng))
    x, y = standardised(torch.from_numpy(one)), standardised(torch.from_numpy(other), seen).clamp(-FARTHEST, FARTHEST)
    of_one = tokens(learner.model, x, None, _place(spec, rng, first)).mean(dim=1)
    of_other = tokens(learner.model, y, seen, _place(spec, rng, second))

    logits = _directions(learner, of_one) @ _directions(learner, of_other.mean(dim=1)).T / spec.temperature
    partner = torch.arange(n)
    contrast = (functional.cross_entropy(logits, partner) + functional.cross_entropy(logits.T, partner)) / 2
    guess = learner.model.head.linear(of_other)
    error = functional.smooth_l1_loss(guess, y.view(n, second, PATCH), reduction="none")
    reconstruction = 2 * error[~seen].mean()
    numbers = 2 * functional.smooth_l1_loss(learner.numbers(of_one), _targets(learner, one, step))

    found = float((logits.argmax(dim=1) == partner).float().mean())
    said = Losses(contrast.item(), math.log(n), found, reconstruction.item(), numbers.item())
    return contrast + spec.reconstruction * reconstruction + spec.numbers * numbers, said


def _place(spec: PretrainSpec, rng: np.random.Generator, n_patches: int) -> int:
    """Position of the first patch: mostly 0; now and then so that the last one lies where the context ends."""
    return (MOST_PATCHES - n_patches) if rng.random() < spec.at_the_end else 0


def _directions(learner: Learner, embedding: Tensor) -> Tensor:
    return functional.normalize(learner.contrast(embedding), dim=1)


def _targets(learner: Learner, windows: waveforms.Floats, step: int) -> Tensor:
    """The numbers to tell, each brought to mean 0 and variance 1 over the batches so far."""
    values = torch.from_numpy(features.shape(windows)).float()
    share = max(0.01, 1 / (step + 1))
    learner.centre += share * (values.mean(dim=0) - learner.centre)
    learner.spread += share * (values.var(dim=0) - learner.spread)
    return ((values - learner.centre) / (learner.spread + 1e-4).sqrt()).clamp(-5, 5)


def _schedule(spec: PretrainSpec, step: int) -> float:
    return checkpoints.schedule(step, spec.steps, spec.warm_up)


@torch.no_grad()
def _move(average: nn.Module, model: nn.Module, keep: float) -> None:
    for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - keep)


def _mean(recent: list[Losses]) -> dict[str, float]:
    return {name: round(float(np.mean([getattr(one, name) for one in recent])), 4) for name in asdict(recent[0])}


# --- going on after a stop


def _tensors(learner: Learner, average: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """What a step changes beside the optimiser, by name. The tensors are the live ones."""
    yield from ((f"learner.{name}", value) for name, value in learner.state_dict().items())
    yield from ((f"average.{name}", value) for name, value in average.state_dict().items())


def _resume(
    spec: PretrainSpec, work: Path, learner: Learner, average: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float, list[dict[str, float]]]:
    """Steps done, seconds they took and the log so far; 0 where there is nothing, or another spec's."""
    found = checkpoints.load(work, asdict(spec))
    if found is None:
        return 0, 0.0, []
    kept, state = found
    checkpoints.restore(kept, _tensors(learner, average), optimiser)
    return state["step"], state["seconds"], state["log"]


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py pretrain", description=__doc__)
    words.add_argument("--folder", type=Path, default=Path(__file__).parent / "compact", help="where the model goes")
    words.add_argument("--work", type=Path, default=Path("data/pretraining"), help="where checkpoints are kept")
    words.add_argument("--steps", type=int, default=PretrainSpec().steps)
    words.add_argument("--threads", type=int, default=torch.get_num_threads())
    said = words.parse_args()
    torch.set_num_threads(said.threads)
    pretrain(PretrainSpec(steps=said.steps), said.folder, said.work)


if __name__ == "__main__":
    main()
