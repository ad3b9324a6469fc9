"""What learns in fine-tuning: a MOMENT, what of it may change, and what is asked of it. Knows torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from momentfm import MOMENTPipeline
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from core import lessons, moment
from core.embedding import patch_masks
from core.encoders import PATCH
from core.errors import N_, UserError
from core.lessons import Examples, Pairs, Rng, TrainSpec
from core.principal import principal
from core.series import Bools, Floats, Ints

TEMPERATURE = 0.1  # of the contrast
DIRECTIONS = 128  # numbers that are compared in the contrast
BENT = 128  # width of the layer that bends the map
START = 2.0  # standard deviation of the map along its longer side, at first
SCALE = 2.0  # of what low-rank adapters add


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Windows, and which of them belong together."""

    values: Floats  # (n, n_channels, length)
    beside: Pairs | None  # for the contrast
    near: Pairs | None  # for the map
    domain: Ints | None  # (n,) line or site, for what sets these apart


class Layout(nn.Module):
    """From an embedding (n, d) to a place on the map (n, 2): along two directions, and bent."""

    centre: Tensor
    spread: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(()))
        self.along = nn.Linear(width, 2, bias=False)
        self.bent = nn.Sequential(nn.Linear(width, BENT), nn.GELU(), nn.Linear(BENT, 2))

    @torch.no_grad()
    def begin(self, embeddings: Floats) -> None:
        """As the picture along the principal directions of what there is before training (n, d)."""
        found = principal(embeddings, 2)
        spread = max(float(embeddings.std(axis=0).max()), 1e-12)
        size = max(float(found.along(embeddings, 1).std()), 1e-12)
        self.centre.copy_(torch.as_tensor(found.centre))
        self.spread.fill_(spread)
        for parameter in self.bent[2].parameters():
            parameter.zero_()
        self.along.weight.copy_(torch.as_tensor(found.axes * START * spread / size))

    def forward(self, embeddings: Tensor) -> Tensor:
        x = (embeddings - self.centre) / self.spread
        return torch.as_tensor(self.along(x) + self.bent(x))


class Learner(nn.Module):
    """The model, what is thrown away after training, and the map."""

    def __init__(self, model: MOMENTPipeline, spec: TrainSpec, before: Floats | None) -> None:
        """
        Args:
            before: (n, d_model) embeddings before training; None where no map is asked for.
        """
        super().__init__()
        _unfreeze(model, spec)
        self.model, self.contrast, self.layout = model, None, None
        width, device = model.config.d_model, next(model.parameters()).device
        if spec.contrast:
            layers = nn.Linear(width, width), nn.GELU(), nn.Linear(width, DIRECTIONS)
            self.contrast = nn.Sequential(*layers).to(device)
        if before is not None:
            self.layout = Layout(width)
            self.layout.begin(before)
            self.layout.to(device)

    def of_model(self) -> list[nn.Parameter]:
        """What of the model may change."""
        return [p for p in self.model.parameters() if p.requires_grad]

    def of_others(self) -> list[nn.Parameter]:
        return [p for part in (self.contrast, self.layout) if part is not None for p in part.parameters()]

    def trained(self) -> Iterator[tuple[str, Tensor]]:
        """All that a step changes, by name. The tensors are the live ones."""
        yield from ((name, p.data) for name, p in self.named_parameters() if p.requires_grad)


# --- what may change


class _LowRank(nn.Module):
    """W + SCALE · up · down. Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.down = nn.Parameter(torch.randn(rank, columns).to(weight) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank).to(weight))  # 0: the model begins as it is

    def forward(self, weight: Tensor) -> Tensor:
        return torch.addmm(weight, self.up, self.down, alpha=SCALE)


def _unfreeze(model: MOMENTPipeline, spec: TrainSpec) -> None:
    """momentfm hands its models over frozen but for the head; what may change is what the spec says, and no more."""
    model.requires_grad_(False)
    blocks, encoder = model.encoder.block, model.encoder
    if spec.trained == "last" and spec.blocks > len(blocks):
        raise UserError(
            N_("The model has {n} blocks, so the last {asked} cannot be trained."),
            N_("Choose at most {n}."),
            n=len(blocks),
            asked=spec.blocks,
        )
    if spec.trained == "lora":
        for layer in _adapted(model):
            parametrize.register_parametrization(layer, "weight", _LowRank(layer.weight, spec.rank))
        return
    parts: dict[str, tuple[nn.Module, ...]] = {
        "head": (model.head,),
        "last": (*blocks[-spec.blocks :], encoder.final_layer_norm, model.head),
        "all": (model,),
    }
    for part in parts[spec.trained]:
        part.requires_grad_(True)
    encoder.embed_tokens.requires_grad_(False)  # words of a text model, which nobody reads


def _adapted(model: MOMENTPipeline) -> list[Any]:
    attentions = [block.layer[0].SelfAttention for block in model.encoder.block]
    return [layer for attention in attentions for layer in (attention.q, attention.v)]


def merge(model: MOMENTPipeline) -> None:
    """Put what adapters add into the weights, where there are any."""
    for layer in _adapted(model):
        if parametrize.is_parametrized(layer):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


# --- what is asked


def task(windows: Examples, spec: TrainSpec, before: Floats | None) -> Task:
    """
    Args:
        before: (n, d_model) embeddings of the windows before training; None where no map is asked for.
    """
    beside = lessons.pairs(windows, spec) if spec.contrast else None
    near = None if before is None else lessons.by_map(before)
    return Task(windows.values, beside, near, windows.domain if spec.lines else None)


def parts(spec: TrainSpec, learner: Learner, task: Task, rows: Ints, rng: Rng) -> dict[str, Tensor]:
    """What is to become small, of the windows in these rows."""
    partners = task.beside.drawn(rng, rows) if task.beside else rows
    near = task.near.drawn(rng, rows) if task.near else rows[:0]
    n_channels, n_patches = task.values.shape[1], task.values.shape[2] // PATCH
    x = _sequences(learner, task, partners)
    seen = torch.from_numpy(~patch_masks(len(x), n_patches, spec.hidden, rng)).to(x.device)
    x = moment.standardised(x, seen).clamp(-moment.FARTHEST, moment.FARTHEST)
    of_partners = moment.tokens(learner.model, x, seen)
    missed = (learner.model.head.linear(of_partners) - x.view(len(x), n_patches, PATCH))[~seen]
    found = {"reconstruction": missed.square().mean() if spec.error == "squared" else missed.abs().mean()}
    if not task.beside and not task.near and task.domain is None:
        return found
    whole = moment.standardised(_sequences(learner, task, np.concatenate([rows, near])))
    embeddings = _of_windows(moment.tokens(learner.model, whole, None), n_channels)
    if task.beside and learner.contrast:
        here = functional.normalize(learner.contrast(embeddings[: len(rows)]), dim=1)
        there = functional.normalize(learner.contrast(_of_windows(of_partners, n_channels)), dim=1)
        found["contrast"] = _told(here @ there.T / TEMPERATURE, task.beside.together(rows, partners))
    if task.near and learner.layout:
        here, there = learner.layout(embeddings).split(len(rows))
        squares = (here[:, None] - there).square().sum(dim=2)
        found["layout"] = _told(-squares.log1p(), task.near.together(rows, near))
    if task.domain is not None:
        found["lines"] = _apart(embeddings[: len(rows)], rows, task.domain[rows])
    return found


def objective(spec: TrainSpec, of: dict[str, Any]) -> Any:
    return sum(getattr(spec, name, 1.0) * value for name, value in of.items())


def _sequences(learner: Learner, task: Task, rows: Ints) -> Tensor:
    return moment.sequences(learner.model, task.values[rows].reshape(-1, task.values.shape[2]))[0]


def _of_windows(tokens: Tensor, n_channels: int) -> Tensor:
    """(m * n_channels, n_patches, d) → (m, d), mean over patches and channels."""
    return tokens.mean(dim=1).view(-1, n_channels, tokens.shape[2]).mean(dim=1)


def _apart(embeddings: Tensor, rows: Ints, domain: Ints) -> Tensor:
    """How far the distributions of domains (m,) in embeddings (m, d) are from each other, mean over pairs of them.

    Squared maximum mean discrepancy with a Gaussian kernel as wide as the median distance, which is trained to be small
    as by Long et al. 2015, "Learning transferable features with deep adaptation networks". Without bias, so that few
    windows of a domain do not pull all others to them: no window is set beside itself (Gretton et al. 2012, "A kernel
    two-sample test", equation 3). About 0 for one and the same distribution, and then as often below.

    Args:
        rows: (m,) of the windows; of each domain at least two different ones, see core.lessons.by_turns.
    """
    squares = (embeddings[:, None] - embeddings).square().sum(dim=2)
    kernel = (-squares / squares.detach().median().clamp_min(1e-12)).exp()
    unlike = torch.from_numpy(rows[:, None] != rows).to(kernel)
    member = functional.one_hot(torch.from_numpy(np.unique(domain, return_inverse=True)[1])).to(kernel)
    mean = (member.T @ (kernel * unlike) @ member) / (member.T @ unlike @ member)
    own = mean.diagonal()
    one, other = torch.triu_indices(len(own), len(own), 1)
    return (own[one] + own[other] - 2 * mean[one, other]).mean()


def _told(likeness: Tensor, together: Bools) -> Tensor:
    """How surely each window's own partner is told from those of others, and the other way round (InfoNCE).

    Args:
        likeness: (m, m), of windows to partners; on the diagonal to its own.
        together: (m, m), True where the two belong together anyway, and are not told apart.
    """
    own = torch.arange(len(likeness), device=likeness.device)
    barred = together & ~np.eye(len(together), dtype=bool)
    logits = likeness.masked_fill(torch.from_numpy(barred).to(likeness.device), -torch.inf)
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2
