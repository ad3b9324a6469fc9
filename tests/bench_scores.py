"""Which encoder knows what about windows that it never saw? `python3 manage.py bench scores`.

Every encoder gets the same windows and the same judges: how well classes can be told (an SVM as momentfm's
statistical_classifiers fits it, and the nearest neighbour), and what a straight line reads out of it (R² on windows
that the line was not fitted to).
"""

import argparse
import csv
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from momentfm import MOMENTPipeline
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from core import features, moment
from core.encoders import SHIPPED, weights_hash

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"  # as tests/conftest.py
CARD, BEGIN, END = "README.md", "<!-- scores: made by `python3 manage.py bench scores --card` -->", "<!-- /scores -->"

UCR = ("GunPoint", "ItalyPowerDemand")
SKAB_WINDOW = 64  # samples, one after the other
PROBE_LENGTH, N_PROBES, N_FITTED = 96, 800, 500
SEEDS = (0, 1, 2)  # of the untrained models; their mean is what counts
RAW, STATISTICS, UNTRAINED = "raw, z-scored", "statistics", f"random-init, mean of {len(SEEDS)}"

Floats = NDArray[np.floating]
Encoder = Callable[[Floats], Floats]  # windows (n, n_channels, length) → (n, d)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Windows with a class each, and which of them may be learnt from."""

    name: str
    train: Floats  # (n_train, n_channels, length)
    test: Floats  # (n_test, n_channels, length)
    train_class: NDArray[np.str_]
    test_class: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one encoder. Shares of test windows told right, and R² on held-out windows: 1 all, 0 nothing."""

    parameters: int
    svm: dict[str, float]  # by task
    nearest: dict[str, float]  # by task
    probes: dict[str, float]


# --- what is asked: classes


def tasks(folder: Path) -> Iterator[Task]:
    """What is there; what is not is said."""
    for name in UCR:
        files = [folder / "ucr" / f"{name}_{part}.ts" for part in ("TRAIN", "TEST")]
        if found(files):
            (train, train_class), (test, test_class) = (read_ts(file) for file in files)
            yield Task(name, train[:, None], test[:, None], train_class, test_class)
    files = [folder / "skab" / "valve1" / f"{i}.csv" for i in range(4)]
    if found(files):
        windows, labels = zip(*(read_skab(file) for file in files), strict=True)
        parts = (np.concatenate(part) for part in (windows[:2], windows[2:], labels[:2], labels[2:]))
        yield Task("SKAB valve1", *parts)


def other_tasks(folder: Path) -> Iterator[Task]:
    """Every NAME_TRAIN.ts with a NAME_TEST.ts beside it, in the folder or one below, of one channel and one length."""
    for file in sorted([*folder.glob("*_TRAIN.ts"), *folder.glob("*/*_TRAIN.ts")]):
        name = file.name.removesuffix("_TRAIN.ts")
        try:
            files = (file.with_name(f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
            (train, train_class), (test, test_class) = map(read_ts, files)
            yield Task(name, train[:, None], test[:, None], train_class, test_class)
        except (OSError, ValueError) as e:
            print(f"NOT SCORED: {name} ({e})", file=sys.stderr)


def found(files: list[Path]) -> bool:
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        print(f"NOT SCORED, because there is no {', no '.join(missing)}", file=sys.stderr)
    return not missing


def read_ts(file: Path) -> tuple[Floats, NDArray[np.str_]]:
    """Series of one length (n, length) and their classes (n,)."""
    lines = file.read_text(encoding="utf-8", errors="ignore").split("@data\n")[1].split()
    rows = [line.rsplit(":", 1) for line in lines]
    return np.array([row[0].split(",") for row in rows], float), np.array([row[1] for row in rows])


def read_skab(file: Path) -> tuple[Floats, NDArray[np.str_]]:
    """Windows (n, 8, SKAB_WINDOW), and "1" where most of a window's samples are labelled an anomaly."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    sensors = [name for name in rows[0] if name not in ("datetime", "anomaly", "changepoint")]
    values = np.array([[row[name] for name in (*sensors, "anomaly")] for row in rows], float)
    n = len(values) // SKAB_WINDOW
    cut = values[: n * SKAB_WINDOW].reshape(n, SKAB_WINDOW, -1).transpose(0, 2, 1)
    return cut[:, :-1], np.where(cut[:, -1].mean(axis=1) > 0.5, "1", "0")


def svm_accuracy(x: Floats, labels: NDArray[np.str_], test: Floats, test_labels: NDArray[np.str_]) -> float:
    """Source: momentfm, models/statistical_classifiers.py, fit_svm."""
    svm = SVC(C=1e5, gamma="scale")
    if len(x) >= 50 and len(x) // len(set(labels)) >= 5:
        svm = GridSearchCV(svm, {"C": 10.0 ** np.arange(-4, 5)}, cv=5)
    return float(svm.fit(x, labels).score(test, test_labels))


def nearest_accuracy(x: Floats, labels: NDArray[np.str_], test: Floats, test_labels: NDArray[np.str_]) -> float:
    return float(KNeighborsClassifier(1).fit(x, labels).score(test, test_labels))


# --- what is asked: numbers


def probes(seed: int) -> Iterator[tuple[Floats, dict[str, Floats]]]:
    """Windows (N_PROBES, 1, PROBE_LENGTH) and what a straight line shall tell about each, by name."""
    rng = np.random.default_rng(seed)
    u = np.linspace(0, 1, PROBE_LENGTH)
    noise = rng.standard_normal((3, N_PROBES, PROBE_LENGTH))

    rise = rng.uniform(-6, 6, N_PROBES)  # over the window, in standard deviations of the noise
    yield (rise[:, None] * u + noise[0])[:, None], {"trend slope": rise}

    correlation = rng.uniform(-0.9, 0.95, N_PROBES)  # of neighbouring samples
    x = noise[1]
    x[:, 1:] *= np.sqrt(1 - correlation**2)[:, None]  # so that every sample has variance 1
    for i in range(1, PROBE_LENGTH):
        x[:, i] += correlation * x[:, i - 1]
    level, amplitude = rng.uniform(-100, 100, N_PROBES), 10 ** rng.uniform(-1, 2, N_PROBES)
    told = {"AR(1) coefficient": correlation, "level": level, "amplitude": np.log(amplitude)}
    yield (level[:, None] + amplitude[:, None] * x)[:, None], told

    cycles = rng.uniform(1, 16, N_PROBES)  # in the window
    sine = np.sin(2 * np.pi * (cycles[:, None] * u + rng.random((N_PROBES, 1))))
    yield (sine + 0.3 * noise[2])[:, None], {"frequency": cycles}


def r_squared(vectors: Floats, told: dict[str, Floats]) -> dict[str, float]:
    """Of a ridge regression for each name, on the rows that it was not fitted to."""
    values = np.column_stack([*told.values()])
    ridge = make_pipeline(StandardScaler(), RidgeCV(alphas=10.0 ** np.arange(-3, 6), alpha_per_target=True))
    guess = ridge.fit(vectors[:N_FITTED], values[:N_FITTED]).predict(vectors[N_FITTED:]).reshape(-1, len(told))
    return dict(zip(told, r2_score(values[N_FITTED:], guess, multioutput="raw_values").tolist(), strict=True))


# --- who is asked


def standardised(windows: Floats) -> Floats:
    """Each window and channel with mean 0 and standard deviation 1; a constant one stays at 0."""
    centred = windows - windows.mean(axis=-1, keepdims=True)
    return centred / (centred.std(axis=-1, keepdims=True) + 1e-9)


def raw(windows: Floats) -> Floats:
    """The waveform itself, channels side by side."""
    return standardised(windows).reshape(len(windows), -1)


def statistics(windows: Floats) -> Floats:
    """core.features of each channel, side by side."""
    channels = [windows[:, i] for i in range(windows.shape[1])]
    return np.hstack([made(x) for x in channels for made in (features.level_scale_slope, features.shape)])


def embedding_of(model: MOMENTPipeline) -> Encoder:
    def encode(windows: Floats) -> Floats:
        return moment.embed(model, stretched(windows), lambda _done, _total: None).mean(axis=1)

    return encode


def stretched(windows: Floats) -> Floats:
    """The same curves with the next length that MOMENT takes, between samples by a straight line."""
    length = windows.shape[-1]
    wanted = min(-(-length // moment.PATCH) * moment.PATCH, moment.CONTEXT)
    if length == wanted:
        return windows
    place = np.linspace(0, length - 1, wanted)
    left = np.minimum(place.astype(int), length - 2)
    share = place - left
    return windows[..., left] * (1 - share) + windows[..., left + 1] * share


def untrained_like(folder: Path, seed: int) -> MOMENTPipeline:
    """A model of the same architecture that knows nothing."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # momentfm warns of settings that it makes itself
        torch.manual_seed(seed)
        model = MOMENTPipeline(config, model_kwargs={"task_name": "reconstruction"})
    model.init()
    return model.eval()


# --- scores


def score(encode: Encoder, asked: list[Task], parameters: int = 0, units_differ: bool = False) -> Scores:
    """
    Args:
        units_differ: columns are brought to mean 0 and variance 1 over the training windows before distances are taken.
    """
    svm, nearest, read = {}, {}, {}
    for task in asked:
        train, test = encode(task.train), encode(task.test)
        if units_differ:
            scaler = StandardScaler().fit(train)
            train, test = scaler.transform(train), scaler.transform(test)
        svm[task.name] = svm_accuracy(train, task.train_class, test, task.test_class)
        nearest[task.name] = nearest_accuracy(train, task.train_class, test, task.test_class)
    for windows, told in probes(seed=0):
        read |= r_squared(encode(windows), told)
    return Scores(parameters, svm, nearest, read)


def chance(asked: list[Task]) -> Scores:
    """Always the class that is most frequent in training."""
    told = {}
    for task in asked:
        names, counts = np.unique(task.train_class, return_counts=True)
        told[task.name] = float((task.test_class == names[counts.argmax()]).mean())
    return Scores(0, told, told, {})


def mean(scores: list[Scores]) -> Scores:
    def by_name(field: str) -> dict[str, float]:
        return {
            name: float(np.mean([getattr(one, field)[name] for one in scores])) for name in getattr(scores[0], field)
        }

    return Scores(scores[0].parameters, by_name("svm"), by_name("nearest"), by_name("probes"))


def all_scores(folders: list[Path], asked: list[Task]) -> dict[str, Scores]:
    """By the encoder's name. Untrained models are like the first folder's."""
    untrained = [untrained_like(folders[0], seed) for seed in SEEDS]
    scores = {
        "chance": chance(asked),
        RAW: score(raw, asked),
        STATISTICS: score(statistics, asked, units_differ=True),
        UNTRAINED: mean([score(embedding_of(model), asked, moment.parameters(model)) for model in untrained]),
    }
    for folder in folders:
        model = moment.load(folder)
        scores[name_of(folder)] = score(embedding_of(model), asked, moment.parameters(model))
    return scores


def name_of(folder: Path) -> str:
    return "compact" if folder.resolve() == SHIPPED.resolve() else str(folder)


# --- what is printed; plain ASCII on the terminal, because a Japanese Windows has no ² there


def rows(scores: dict[str, Scores]) -> Iterator[list[str]]:
    """A heading, and a row an encoder. Accuracies in per cent, SVM / nearest neighbour; then R²."""
    some = scores[RAW]
    yield ["", "parameters", *some.svm, "mean", *(f"R2 {name}" for name in some.probes)]
    for name, one in scores.items():
        both = [*zip(one.svm.values(), one.nearest.values(), strict=True)]
        accuracies = [f"{100 * svm:.1f} / {100 * nearest:.1f}" for svm, nearest in [*both, means(one, [*one.svm])]]
        read = [f"{one.probes[probe]:z.2f}" if one.probes else "-" for probe in some.probes]
        yield [name, f"{one.parameters:,}" if one.parameters else "-", *accuracies, *read]


def means(one: Scores, over: list[str]) -> tuple[float, float]:
    """SVM's and the nearest neighbour's mean over tasks."""
    return float(np.mean([one.svm[name] for name in over])), float(np.mean([one.nearest[name] for name in over]))


def margins(scores: dict[str, Scores], asked: list[Task]) -> Iterator[str]:
    """How many points each checkpoint is ahead of what costs nothing, a sentence each."""
    groups = {"all": [task.name for task in asked], "UCR": [task.name for task in asked if task.name in UCR]}
    for name in [name for name in scores if name not in ("chance", RAW, STATISTICS, UNTRAINED)]:
        for other in (RAW, UNTRAINED):
            ahead = {
                group: [100 * (a - b) for a, b in zip(means(scores[name], of), means(scores[other], of), strict=True)]
                for group, of in groups.items()
                if of
            }
            said = "; ".join(f"{group}: SVM {svm:+.1f}, 1-NN {nn:+.1f}" for group, (svm, nn) in ahead.items())
            yield f"{name} against {other}, mean points ahead: {said}"


def table(scores: dict[str, Scores]) -> str:
    lines = [*rows(scores)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    aligned = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in aligned)


def explained(scores: dict[str, Scores], asked: list[Task]) -> str:
    def sure(task: Task) -> str:
        right, n = scores[RAW].svm[task.name], len(task.test)
        chance_alone = 100 * np.sqrt(right * (1 - right) / n)
        return f"{task.name}: {n} after {len(task.train)} to learn from, standard error {chance_alone:.1f}"

    return (
        "Per cent of the test windows told right, SVM / nearest neighbour "
        f"({'; '.join(sure(task) for task in asked)}). Then R2 of a straight line on held-out generated windows of "
        f"{PROBE_LENGTH} samples; level and amplitude are controls, which a MOMENT must not see."
    )


def markdown(scores: dict[str, Scores], asked: list[Task], sha256: str) -> str:
    heading, *lines = rows(scores)
    drawn = [f"| {' | '.join(line)} |" for line in [heading, ["---"] * len(heading), *lines]]
    ahead = [f"- {sentence}" for sentence in margins(scores, asked)]
    text = [explained(scores, asked), "", *drawn, "", *ahead, "", f"Scored: model.safetensors with SHA-256 `{sha256}`."]
    return "\n".join(text).replace("R2", "R²")


def write_card(folder: Path, text: str) -> None:
    """Put the text between the card's two marks."""
    file = folder / CARD
    before, begin, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{file} has no place for the scores. Put these two lines where they belong:\n{BEGIN}\n{END}")
    file.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def record(folders: list[Path], asked: list[Task], scores: dict[str, Scores]) -> dict[str, Any]:
    """What --json writes."""
    windows = {task.name: {"train": len(task.train), "test": len(task.test)} for task in asked}
    return {
        "sha256": {name_of(folder): weights_hash(folder) for folder in folders},
        "windows": windows,
        "scores": {name: asdict(one) for name, one in scores.items()},
    }


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py bench scores", description=__doc__)
    words.add_argument("folders", nargs="*", type=Path, help="checkpoints to score beside core/compact")
    words.add_argument("--also", type=Path, metavar="FOLDER", help="score on the .ts sets there instead")
    words.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    words.add_argument("--card", action="store_true", help=f"write the table into core/compact/{CARD}")
    said = words.parse_args()
    shipped = [SHIPPED] if (SHIPPED / "model.safetensors").is_file() else []
    beside = [folder for folder in said.folders if folder.resolve() != SHIPPED.resolve()]
    folders = shipped + beside
    if not folders:
        words.error("there is no model in core/compact yet: name the folder of one")
    torch.set_num_threads(1)  # such small models gain nothing from more, and sums keep their order
    asked = list(other_tasks(said.also) if said.also else tasks(DATA))
    if not asked:
        words.error(f"nothing to score on: {DATA} is missing")
    if said.card and (said.also or not shipped or len(asked) < len(UCR) + 1):
        words.error("the card wants the model in core/compact and all the data")
    scores = all_scores(folders, asked)
    print(table(scores), "", *margins(scores, asked), "", explained(scores, asked), sep="\n")
    if said.json:
        said.json.write_text(json.dumps(record(folders, asked, scores), indent=1), encoding="utf-8")
    if said.card:
        ours = {name: one for name, one in scores.items() if name not in map(name_of, beside)}
        write_card(SHIPPED, markdown(ours, asked, weights_hash(SHIPPED)))


if __name__ == "__main__":
    main()
