"""What does extra training change, and how fast is it? `python3 manage.py bench tuning`.

First the windows a second that are learnt from, beside momentfm's own loop as its tutorial on masked reconstruction has
it: right-padded to 512 samples, its forward, the error of what was hidden, AdamW, gradient checkpointing as the model's
config says. The same compact model, windows and batches, in turn; the least of the rounds counts.

Then what training changes on a valve test bed (SKAB, four recordings, windows of 64 samples), measured on what was held
out. Nothing is tuned to look well: these are the settings that the screen proposes.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core import moment, tuning
from core.artifacts import Store
from core.change import Errors
from core.encoders import SHIPPED, EncoderSpec
from core.lessons import Examples, TrainSpec
from core.reader import Source
from core.rebuilding import Interval
from core.recipes import Recipe, WindowSpec
from core.recognition import Score
from core.tables import open_file
from core.training import train
from core.tuning import Tuned, TuneSpec

SKAB = Path(__file__).parents[2] / "shared" / "data" / "skab" / "valve1"
LENGTH, STRIDE, BATCH, STEPS = 64, 8, 64, 10
BAR = 1.5
RUNS = {
    "reconstruction, head only": TrainSpec(trained="head"),
    "reconstruction, everything": TrainSpec(),
    "and neighbours in time, everything": TrainSpec(contrast=1.0),
    "and labels, everything": TrainSpec(contrast=1.0, positives="label"),
}

Floats = NDArray[np.float64]


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py bench tuning", description=__doc__)
    words.add_argument("--threads", type=int, default=torch.get_num_threads())
    words.add_argument("--rounds", type=int, default=3, help="of the two loops (default: %(default)s)")
    words.add_argument("--steps", type=int, default=TrainSpec().steps, help="at most, on SKAB (default: %(default)s)")
    words.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    said = words.parse_args()
    torch.set_num_threads(said.threads)
    print(f"{said.threads} threads", flush=True)
    fast = throughput(said.rounds)
    found = on_skab(said.steps) if SKAB.is_dir() else {}
    if not found:
        print(f"no data at {SKAB}: the table is left out")
    if said.json:
        said.json.write_text(json.dumps({"throughput": fast, "runs": found}, indent=1), encoding="utf-8")
    sys.exit(fast["padded to 512"] < BAR)


# --- how fast


def throughput(rounds: int) -> dict[str, float]:
    """How many times as many windows a second we learn from."""
    values = np.random.default_rng(0).normal(size=(256, 1, LENGTH)).cumsum(axis=2)
    loops: dict[str, Callable[[Floats], float]] = {
        "padded to 512": momentfms,
        "at the windows' own length": lambda values: momentfms(values, padded=LENGTH),
        "ours": ours,
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            seconds[name].append(loop(values))
    least = {name: min(each) for name, each in seconds.items()}
    print(f"learning, ours: {STEPS * BATCH / least['ours']:,.0f} windows of {LENGTH} samples a second")
    times = {name: least[name] / least["ours"] for name in loops if name != "ours"}
    for name, one in times.items():
        bar = f", at least {BAR:g}{'  ok' if one >= BAR else '  BELOW THE BAR'}" if name == "padded to 512" else ""
        print(f"  {one:.2f} times momentfm's, {name}{bar}", flush=True)
    return times


def ours(values: Floats) -> float:
    """Seconds for the steps after the first evaluation, as `tick` sees them."""
    n = np.arange(len(values))
    windows, held = Examples(values, n, 0 * n, None), Examples(values[:2], n[:2], 0 * n[:2], None)
    at: dict[int, float] = {}

    def tick(done: int, _total: int, _entry: object) -> None:
        at.setdefault(done, time.perf_counter())
        if done == 1 + STEPS:
            raise StopIteration

    with tempfile.TemporaryDirectory() as folder:
        spec = TrainSpec(batch=BATCH, steps=2 * STEPS, every=2 * STEPS)
        with contextlib.suppress(StopIteration):
            train(SHIPPED, windows, held, spec, Path(folder) / "model", Path(folder) / "work", tick)
    return at[1 + STEPS] - at[1]


def momentfms(values: Floats, *, padded: int = 512) -> float:
    """Seconds for as many steps; the first is not counted."""
    model = moment.load(SHIPPED).train()
    model.requires_grad_(True)  # as ours: all of it learns
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4)
    rng, began = np.random.default_rng(0), 0.0
    x, there = torch.zeros(len(values), 1, padded), torch.zeros(len(values), padded)
    x[..., :LENGTH], there[:, :LENGTH] = torch.from_numpy(values).float(), 1
    for step in range(1 + STEPS):
        if step == 1:
            began = time.perf_counter()
        rows = torch.from_numpy(rng.choice(len(values), BATCH, replace=False))
        mask = model.mask_generator.generate_mask(x=x[rows], input_mask=there[rows]).long()
        said = model(x_enc=x[rows], input_mask=there[rows], mask=mask)
        hidden = (there[rows] * (1 - mask))[:, None]
        loss = ((said.reconstruction - x[rows]) ** 2 * hidden).sum() / hidden.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return time.perf_counter() - began


# --- what it changes


def on_skab(steps: int) -> dict[str, Any]:
    """Each run, with what it changed; printed as it is known."""
    heads = ("MSE, half hidden", "moved", "kept", "silhouette", "1-NN by label", "truths", "seconds")
    print(f"\n{'':<36}" + "".join(f"{one:<22}" for one in heads), flush=True)
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        sources = tuple(_source(file, store) for file in sorted(SKAB.glob("*.csv")))
        base = TuneSpec(sources, Recipe(window=WindowSpec(LENGTH, STRIDE)), EncoderSpec("compact"), TrainSpec())
        for name, training in RUNS.items():
            for twin in (False, True) if training.contrast else (False,):
                spec = replace(base, train=replace(training, steps=steps), chance=twin)
                tuning.build(spec, store, lambda *_: None)
                found = tuning.load(spec, store)
                if found is not None:
                    label = f"  the same without shapes{'':<2}" if twin else name
                    print(f"{label:<36}" + "".join(f"{cell:<22}" for cell in _row(found)), flush=True)
                    told[name + (", without shapes" if twin else "")] = asdict(found.change) | {
                        "seconds": found.seconds
                    }
    return {name: json.loads(json.dumps(one, default=str)) for name, one in told.items()}


def _source(file: Path, store: Store) -> Source:
    data = file.read_bytes()
    return Source(store.keep(data, {"file": file.name}), open_file(data)[0])


def _row(found: Tuned) -> list[str]:
    change = found.change
    before, after, moved = change.before, change.after, change.movement.displacement
    return [
        _error(min(change.errors, key=lambda one: abs(one.hidden - 0.5))),
        "–" if moved is None else f"{moved:.3f}",
        f"{change.movement.kept:.2f}",
        _pair(before.silhouette, after.silhouette, "{:.3f}"),
        _pair(
            *(one.value if isinstance(one, Score) else None for one in (before.recognised, after.recognised)), "{:.2f}"
        )
        + (f" (chance {before.recognised.chance:.2f})" if isinstance(before.recognised, Score) else ""),
        _pair(before.probes, after.probes, "{:.2f}"),
        f"{found.seconds:.0f}, {found.steps} steps",
    ]


def _error(one: Errors) -> str:
    change = one.change
    if not isinstance(change, Interval) or change.low is None or change.high is None:
        return f"{one.before['mse'].value:.3f} > {one.after['mse'].value:.3f}"
    return f"{change.value:+.1%} ({change.low:+.1%} {change.high:+.1%})"


def _pair(before: float | None, after: float | None, form: str) -> str:
    return "–" if before is None or after is None else f"{form.format(before)} > {form.format(after)}"


if __name__ == "__main__":
    main()
