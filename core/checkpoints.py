"""What both ways of training share: how a run goes on after it was stopped, and how its rate rises and falls.

A checkpoint is tensors as safetensors and the rest as JSON. Each is written whole under another name first, and the
JSON last, which says what tensors it belongs to: whenever the power fails, there is a whole checkpoint or none.
"""

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

STATE = "state.json"

Named = Iterable[tuple[str, Tensor]]


def save(work: Path, tensors: Named, state: Mapping[str, Any]) -> None:
    """Keep a run as it is now, in place of its checkpoint before.

    Args:
        work: a folder that is this run's alone.
        state: JSON-able; "spec" says what the run depends on, "step" how many steps were made.
    """
    work.mkdir(parents=True, exist_ok=True)
    file = work / f"step-{state['step']}.safetensors"
    written, told = file.with_suffix(".tmp"), work / "state.tmp"
    save_file({name: value.detach().clone().contiguous() for name, value in tensors}, written)
    _settle(written, file)
    told.write_text(json.dumps(state), encoding="utf-8")
    _settle(told, work / STATE)
    for old in (*work.glob("step-*.safetensors"), *work.glob("step-*.tmp")):
        if old != file:
            old.unlink()


def load(work: Path, spec: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The tensors and the state of a run that depends on the same; None where there is none, or it is damaged."""
    try:
        state = json.loads((work / STATE).read_text(encoding="utf-8"))
        if state["spec"] != spec:
            return None
        return load_file(work / f"step-{state['step']}.safetensors"), state
    except (FileNotFoundError, ValueError, SafetensorError):  # the run begins anew: later, and with the same result
        return None


def of_optimiser(optimiser: torch.optim.Optimizer) -> Iterator[tuple[str, Tensor]]:
    """What it remembers of each parameter, by the parameter's number. The tensors are the live ones."""
    for i, parameter in enumerate(_parameters(optimiser)):
        yield from ((f"optimiser.{i}.{name}", value) for name, value in sorted(optimiser.state[parameter].items()))


@torch.no_grad()
def restore(kept: Mapping[str, Tensor], live: Named, optimiser: torch.optim.Optimizer) -> None:
    """Bring the live tensors, and an optimiser that has made no step yet, to what was kept."""
    for i, parameter in enumerate(_parameters(optimiser)):
        prefix = f"optimiser.{i}."
        mine = {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}
        optimiser.state[parameter].update({name: value.to(parameter.device) for name, value in mine.items()})
    for name, value in live:
        value.copy_(kept[name])


def schedule(step: int, steps: int, warm_up: int) -> float:
    """Share of the highest rate at a step, from 0: up in a line, then down along a cosine to a fiftieth."""
    return min(1.0, (step + 1) / warm_up) * (0.51 + 0.49 * math.cos(math.pi * step / steps))


def _parameters(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _settle(written: Path, file: Path) -> None:
    """On disk, and only then under its name."""
    with written.open("rb+") as handle:
        os.fsync(handle.fileno())
    written.replace(file)
