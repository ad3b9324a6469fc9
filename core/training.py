"""Fine-tuning: a MOMENT goes on learning from somebody's own windows. Arrays in, weights out; a third file with torch.

Up to four things are asked of it at once:

- what was in the patches that are hidden from it (masked reconstruction, MOMENT's own task);
- which window of the batch belongs to this one, being next to it in time or of the same label (InfoNCE);
- where on a map in two dimensions it lies, beside the windows that were its neighbours before training;
- that windows of several lines or sites lie alike (maximum mean discrepancy).

momentfm's dropout stays off (`moment.tokens` has none), and a step's windows, hidden patches and pairs are drawn from
the seed and the step's number alone: a run that was stopped goes on as if it had not been.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from momentfm import MOMENTPipeline
from safetensors.torch import save_file
from torch import Tensor, nn

from core import checkpoints, moment
from core.encoders import PATCH, check_length, weights_hash
from core.errors import N_, UserError
from core.flat import LAYOUT, placed
from core.learner import Learner, Task, merge, objective, parts, task
from core.lessons import Examples, TrainSpec, by_turns, check
from core.series import Floats, Ints

__all__ = ["Examples", "TrainSpec", "Trained", "train"]

Curve = Mapping[str, float]

VERSION = 2  # raise it when the same spec and windows give other weights
AT_ONCE = 4096  # patches of a batch at a time, for memory's sake
TOGETHER = 16  # but windows at least, for the contrast's
EVALUATED = 512  # held-out windows at most, always the same ones
FRESH = 10.0  # times the rate: for what begins from nothing
DECAY = 0.01  # AdamW's, of weights


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What training came to. An entry of the curve has, of an evaluation:

    step, seconds; train and held, the objective (mean over the steps since the one before, and on held-out windows with
    always the same patches hidden); of the held-out objective its parts, where asked: reconstruction, contrast, layout,
    lines.
    """

    curve: tuple[Curve, ...]  # the first before any step
    steps: int  # that were made
    best: int  # the step whose weights are kept: the least held-out objective
    n_trained: int  # parameters that could change; adapters' own for "lora"
    n_parameters: int  # of the model
    changed: float  # |w' - w| / |w| over all weights
    seconds: float
    xy: Floats | None  # (n_train + n_held, 2) places on the map, training windows first; None without a layout


def train(
    source: Path,
    train: Examples,
    held: Examples,
    spec: TrainSpec,
    folder: Path,
    work: Path,
    tick: Callable[[int, int, Curve], None],
) -> Trained:
    """Train the model in `source`, and leave in `folder` what `moment.load` reads.

    Args:
        held: windows that nothing is learnt from; they say when to stop and what to keep.
        work: where checkpoints are kept; a run of the same spec, model and windows goes on from there.
        tick: (steps made, at most, the curve's last entry), after each step; what it raises stops the run.

    Raises:
        UserError: the windows are too few, too short or of one kind; or the rate is too high.
    """
    run = _Run(source, train, held, spec)
    run.resume(work)
    tick(run.step, spec.steps, run.curve[-1])
    while run.step < spec.steps and run.idle < spec.patience:
        run.learn()
        if run.step % spec.every == 0 or run.step == spec.steps:
            run.evaluate()
            run.keep(work)
        tick(run.step, spec.steps, run.curve[-1])
    return run.finish(source, folder)


# --- a run


class _Run:
    """Training as it stands after `step` steps."""

    def __init__(self, source: Path, train: Examples, held: Examples, spec: TrainSpec) -> None:
        check(train, held, spec)
        check_length(train.values.shape[2])
        model = moment.load(source)
        self.spec, self.n_parameters = spec, moment.parameters(model)
        before = [_embeddings(model, of.values) if spec.layout else None for of in (train, held)]
        self.train, self.held = (task(of, spec, known) for of, known in zip((train, held), before, strict=True))
        with torch.random.fork_rng():
            torch.manual_seed(spec.seed)
            self.learner = Learner(model, spec, before[0])
        mine, others = self.learner.of_model(), self.learner.of_others()
        groups = [{"params": mine, "highest": spec.highest}, {"params": others, "highest": FRESH * spec.rate}]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=DECAY, betas=(0.9, 0.98), fused=True)
        self.at_once = min(spec.batch, max(TOGETHER, AT_ONCE * PATCH // train.values[0].size))  # windows
        self.n_trained = sum(p.numel() for p in mine)
        self.identity = asdict(spec) | {"model": weights_hash(source), "windows": [train.hash(), held.hash()]}
        self.identity["version"] = VERSION
        self.step = self.best = self.idle = 0
        self.curve: list[Curve] = []
        self.kept: dict[str, Tensor] = {}
        self.recent: list[float] = []
        self.began = time.perf_counter()

    def learn(self) -> None:
        """One step."""
        share = checkpoints.schedule(self.step, self.spec.steps, max(1, min(20, self.spec.steps // 10)))
        for group in self.optimiser.param_groups:
            group["lr"] = group["highest"] * share
        self.optimiser.zero_grad(set_to_none=True)
        told = 0.0
        for loss in self._of_batch():
            loss.backward()  # type: ignore[no-untyped-call]
            told += loss.item()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self.optimiser.step()
        self.recent.append(told)
        self.step += 1

    def _of_batch(self) -> Iterator[Tensor]:
        """The objective on the next step's windows, in pieces that add up to it."""
        rng = np.random.default_rng((self.spec.seed, self.step + 1))
        n, domain = len(self.train.values), self.train.domain
        size = min(self.spec.batch, n)
        rows = rng.choice(n, size, replace=False) if domain is None else by_turns(rng, domain, size, self.at_once)
        for share, of in self._pieces(self.train, rows, rng):
            yield share * torch.as_tensor(objective(self.spec, of))

    def _pieces(self, of: Task, rows: Ints, rng: np.random.Generator) -> Iterator[tuple[float, dict[str, Tensor]]]:
        """What is asked of the windows in these rows, some at a time, and which share of them they are."""
        for piece in np.array_split(rows, math.ceil(len(rows) / self.at_once)):
            yield len(piece) / len(rows), parts(self.spec, self.learner, of, piece, rng)

    @torch.no_grad()
    def evaluate(self) -> None:
        """Another entry of the curve, and the weights are kept if they are the best so far."""
        rng = np.random.default_rng((self.spec.seed, 0))
        n, domain = len(self.held.values), self.held.domain
        size = min(EVALUATED, n)
        rows = rng.permutation(n)[:size] if domain is None else by_turns(rng, domain, size, self.at_once)
        mean: dict[str, float] = {}
        for share, of in self._pieces(self.held, rows, rng):
            mean = {name: mean.get(name, 0.0) + share * value.item() for name, value in of.items()}
        held = objective(self.spec, mean)
        if not math.isfinite(held):
            raise UserError(
                N_("After {steps} steps of training, the model's errors had grown beyond all numbers."),
                N_("Choose a lower learning rate."),
                steps=self.step,
            )
        learnt = float(np.mean(self.recent)) if self.recent else sum(loss.item() for loss in self._of_batch())
        self.recent.clear()
        seconds = time.perf_counter() - self.began
        better = not self.curve or held < self._least()
        self.curve.append({"step": self.step, "seconds": seconds, "train": learnt, "held": held} | mean)
        self.idle = 0 if better else self.idle + 1
        if better:
            self.best = self.step
            self.kept = {name: value.detach().clone() for name, value in self.learner.trained()}

    def _least(self) -> float:
        return min(entry["held"] for entry in self.curve)

    def keep(self, work: Path) -> None:
        best = ((f"best.{name}", value) for name, value in self.kept.items())
        state = {"spec": self.identity, "curve": self.curve, "seconds": time.perf_counter() - self.began}
        state |= {"step": self.step, "best": self.best, "idle": self.idle}
        tensors = (*self.learner.trained(), *best, *checkpoints.of_optimiser(self.optimiser))
        checkpoints.save(work, tensors, state)

    def resume(self, work: Path) -> None:
        """Go on from a checkpoint, or begin with the model as it is."""
        found = checkpoints.load(work, self.identity)
        if found is None:
            self.evaluate()
            return
        tensors, state = found
        checkpoints.restore(tensors, self.learner.trained(), self.optimiser)
        self.kept = {name: tensors[f"best.{name}"] for name, _ in self.learner.trained()}
        self.step, self.best, self.idle, self.curve = (state[name] for name in ("step", "best", "idle", "curve"))
        self.began = time.perf_counter() - state["seconds"]

    @torch.no_grad()
    def finish(self, source: Path, folder: Path) -> Trained:
        """Hand over the weights that were best."""
        for name, value in self.learner.trained():
            value.copy_(self.kept[name])
        model, layout = self.learner.model, self.learner.layout
        merge(model)
        moment.save(model, folder)
        xy = None
        if layout is not None:
            save_file({name: value.cpu().contiguous() for name, value in layout.state_dict().items()}, folder / LAYOUT)
            xy = placed(folder, np.concatenate([_embeddings(model, of.values) for of in (self.train, self.held)]))
        changed, seconds = _changed(moment.load(source), model), time.perf_counter() - self.began
        counts = self.step, self.best, self.n_trained, self.n_parameters
        return Trained(tuple(self.curve), *counts, changed, seconds, xy)


def _embeddings(model: MOMENTPipeline, values: Floats) -> Floats:
    """(n, d_model), mean over channels."""
    return np.asarray(moment.embed(model, values, lambda _done, _total: None).mean(axis=1), np.float64)


def _changed(before: MOMENTPipeline, after: MOMENTPipeline) -> float:
    """|w' - w| / |w| over all weights."""
    pairs = list(zip(before.parameters(), after.parameters(), strict=True))
    moved = sum(float((new - old).double().square().sum()) for old, new in pairs)
    return math.sqrt(moved / sum(float(old.double().square().sum()) for old, _ in pairs))
