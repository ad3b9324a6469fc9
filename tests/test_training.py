"""Fine-tuning moves what it is told to and nothing else, learns what is there, and goes on after a stop to the bit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from momentfm import MOMENTPipeline
from safetensors.torch import load_file

from core import moment, training
from core.domains import apart
from core.embedding import patch_masks
from core.encoders import SHIPPED
from core.errors import UserError
from core.flat import placed
from core.ladder import compared
from core.learner import Layout, Learner, _apart, merge
from core.principal import principal
from core.recognition import LabelHits, Where, label_hits
from core.series import Floats
from core.training import Examples, Trained, TrainSpec, train

torch.set_num_threads(1)  # more would wait for one another longer than such small models take

SHORT = TrainSpec(steps=6, batch=8, every=2, rate=1e-3)
CYCLES = {"slow": 2, "middling": 5, "quick": 9}  # in a window


def planted(n: int, seed: int, *, n_channels: int = 1, noise: float = 0.5) -> Examples:
    """Waves of three kinds in turn, each window a series of its own, with any phase."""
    rng, t = np.random.default_rng(seed), np.arange(64) / 64
    label = np.array(list(CYCLES))[np.arange(n) % 3]
    cycles = np.array([CYCLES[one] for one in label])[:, None, None]
    x = np.sin(2 * np.pi * (cycles * t + rng.random((n, n_channels, 1))))
    values = 300 + 7 * (x + noise * rng.normal(size=x.shape))
    return Examples(values, np.arange(n), np.zeros(n, np.int64), label, np.arange(n) // 3 % 2)


TRAIN, HELD = planted(48, 0), planted(24, 1)


def nobody(*_said: Any) -> None:
    """Nobody watches the progress."""


def small_moment(folder: Path) -> Path:
    """A MOMENT of 30,000 parameters that knows nothing: a step takes milliseconds."""
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_heads": 4, "num_layers": 3}
    config = {**moment.COMPACT, "d_model": 32, "orth_gain": 2.0, "t5_config": {**moment.COMPACT["t5_config"], **sizes}}
    torch.manual_seed(0)
    moment.save(MOMENTPipeline(config, model_kwargs={}), folder)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return small_moment(tmp_path_factory.mktemp("source"))


def run(source: Path, root: Path, spec: TrainSpec, windows: Examples = TRAIN, tick: Any = nobody) -> Trained:
    return train(source, windows, HELD, spec, root / "model", root / "work", tick)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def embedded(folder: Path, values: Floats) -> Floats:
    return moment.embed(moment.load(folder), values, nobody).mean(axis=1).astype(np.float64)


def found_by_nearest(known: Floats, known_label: Any, asked: Floats, label: Any) -> float:
    """Share of those asked whose nearest known one has their label. Chance: one of three."""
    return float((known_label[((asked[:, None] - known) ** 2).sum(axis=2).argmin(axis=1)] == label).mean())


# --- what may change


OF_BLOCK = {
    *(f"layer.0.SelfAttention.{name}.weight" for name in "qkvo"),
    *(f"layer.1.DenseReluDense.{name}.weight" for name in ("wi_0", "wi_1", "wo")),
    *("layer.0.layer_norm.weight", "layer.1.layer_norm.weight"),
}
HEAD = {"head.linear.weight", "head.linear.bias"}
LAST = {f"encoder.block.2.{name}" for name in OF_BLOCK} | {"encoder.final_layer_norm.weight"} | HEAD
ADAPTED = {f"encoder.block.{i}.layer.0.SelfAttention.{name}.weight" for i in range(3) for name in "qv"}


@pytest.mark.parametrize(
    ("trained", "names"),
    [("head", HEAD), ("last", LAST), ("lora", ADAPTED), ("all", None)],
    ids=["head", "last", "lora", "all"],
)
def test_what_may_change_does_and_nothing_else(source, tmp_path, trained, names):
    done = run(source, tmp_path, replace(SHORT, trained=trained))
    before, after = weights(source), weights(tmp_path / "model")
    assert before.keys() == after.keys()
    if names is None:
        names = before.keys() - {"encoder.embed_tokens.weight"}  # a vocabulary of one word, which nobody reads
        names -= {name for name in names if name.endswith("position_embedding.pe")}
    assert {name for name in before if not torch.equal(before[name], after[name])} == names
    size = sum(before[name].numel() for name in names)
    adapters = 3 * 2 * SHORT.rank * (32 + 32)
    assert done.n_trained == (adapters if trained == "lora" else size)
    assert done.n_parameters == moment.parameters(moment.load(source))
    own = [name for name in before if not name.endswith(".pe")]
    moved = sum(float((after[name] - before[name]).square().sum()) for name in own)
    assert done.changed == pytest.approx((moved / sum(float(before[name].square().sum()) for name in own)) ** 0.5)
    assert done.best > 0  # or nothing would have been kept, and this told nothing


def test_a_head_alone_moves_no_embedding_and_all_else_does(source, tmp_path):
    before = embedded(source, HELD.values)
    for trained in ("head", "last", "lora", "all"):
        run(source, tmp_path / trained, replace(SHORT, trained=trained))
        after = embedded(tmp_path / trained / "model", HELD.values)
        assert np.array_equal(before, after) == (trained == "head")


def test_adapters_are_merged_into_the_weights(source, tmp_path):
    """What is left loads as any MOMENT, and is the model that was trained."""
    spec = replace(SHORT, trained="lora")
    learner = Learner(moment.load(source), spec, None)
    plain = moment.embed(learner.model, HELD.values, nobody)
    np.testing.assert_array_equal(plain[:, 0], embedded(source, HELD.values))  # adapters begin as nothing
    with torch.no_grad():
        for parameter in learner.of_model():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)) / 10)
    adapted = moment.embed(learner.model, HELD.values, nobody)
    assert np.abs(adapted - plain).max() > 0.01
    merge(learner.model)
    moment.save(learner.model, tmp_path)
    assert weights(tmp_path).keys() == weights(source).keys()
    np.testing.assert_array_equal(embedded(tmp_path, HELD.values), adapted[:, 0])


# --- learning


def test_what_is_there_is_learnt_and_what_is_not_is_not(source, tmp_path):
    """Of one curve, upright or upside down, a hidden part can be told from the rest; of noise it cannot."""
    spec = TrainSpec(steps=100, batch=32, every=20, rate=5e-3)
    rng, curve = np.random.default_rng(0), np.sin(np.arange(64) / 6) + np.arange(64) / 40
    least = {}
    for name, of_curve in (("curve", 1.0), ("noise", 0.0)):
        x = of_curve * rng.choice((-1.0, 1.0), (96, 1, 1)) * curve + 0.3 * rng.normal(size=(96, 1, 64))
        windows, held = (Examples(of, np.arange(len(of)), np.zeros(len(of), np.int64), None) for of in (x[:72], x[72:]))
        done = train(source, windows, held, spec, tmp_path / name / "model", tmp_path / name / "work", nobody)
        assert done.curve[0]["step"] == 0
        assert done.curve[0]["held"] > 1
        least[name] = min(entry["held"] for entry in done.curve)
    assert least["curve"] < 0.5  # the noise in it is 0.12
    assert least["noise"] > 0.95


@pytest.mark.parametrize("error", ["squared", "absolute"])
def test_the_error_is_momentfms_own_guess_against_what_was_hidden(source, tmp_path, error):
    held = planted(24, 1, n_channels=2)
    spec = replace(SHORT, steps=1, batch=24, error=error)
    done = train(source, planted(9, 0, n_channels=2), held, spec, tmp_path / "model", tmp_path / "work", nobody)
    rng = np.random.default_rng((spec.seed, 0))
    values = held.values[rng.permutation(24)].reshape(48, 64)
    seen = torch.from_numpy((~patch_masks(48, 8, 0.3, rng)).repeat(8, axis=1)).long()
    x = torch.from_numpy(values - values.mean(axis=1, keepdims=True)).float()
    with torch.inference_mode():
        model = moment.load(source)
        guess = model.reconstruction(x_enc=x[:, None], input_mask=torch.ones_like(seen), mask=seen).reconstruction[:, 0]
    errors = []
    for i in range(48):
        visible = seen[i].bool()
        missed = ((guess[i] - x[i]) / x[i, visible].std(correction=0))[~visible]
        errors.append(float(missed.square().mean() if error == "squared" else missed.abs().mean()))
    assert done.curve[0]["held"] == pytest.approx(np.mean(errors), rel=1e-3)


def test_the_weights_kept_are_the_best_ones(source, tmp_path):
    """A few windows are learnt by heart, and others suffer: it stops early, and hands over what was best before."""
    spec = TrainSpec(steps=400, batch=12, every=10, rate=1e-2, patience=3)
    done = run(source, tmp_path, spec, planted(12, 5))
    held = [entry["held"] for entry in done.curve]
    assert done.steps < 400
    assert done.best == done.curve[int(np.argmin(held))]["step"] == done.steps - 3 * 10
    assert done.best > 0
    again = run(tmp_path / "model", tmp_path / "again", replace(spec, steps=1), planted(12, 5))
    assert again.curve[0]["held"] == min(held) < held[0]


def test_labels_bring_windows_of_one_kind_together_and_shuffled_labels_do_not(source, tmp_path):
    spec = TrainSpec(steps=45, batch=48, every=15, rate=2e-3, contrast=1, positives="label")
    windows = planted(150, 0)
    shuffled = replace(windows, label=np.random.default_rng(0).permutation(windows.label))
    share = {}
    for name, of in (("told", windows), ("shuffled", shuffled)):
        run(source, tmp_path / name, spec, of)
        folder = tmp_path / name / "model"
        known, asked = (embedded(folder, one.values) for one in (windows, HELD))
        share[name] = silhouette(asked, HELD.label), found_by_nearest(known, windows.label, asked, HELD.label)
    before = silhouette(embedded(source, HELD.values), HELD.label)
    assert share["told"][0] > before + 0.2
    assert share["shuffled"][0] < before + 0.1
    assert share["told"][1] > 0.9


def silhouette(vectors: Floats, label: Any) -> float:
    """-1 … 1: how much nearer windows of the same label are than those of the next one; 0 by chance."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(vectors, label))


def test_windows_next_in_time_come_together(source, tmp_path):
    """One series whose kind changes slowly: neighbours in time tell the kinds, with no labels."""

    def lasting(n: int, seed: int) -> Examples:
        windows = planted(n, seed)
        order = np.argsort(windows.label, kind="stable")
        return Examples(windows.values[order], np.zeros(n, np.int64), 64 * np.arange(n), windows.label[order])

    spec = TrainSpec(steps=45, batch=48, every=15, rate=2e-3, contrast=1)
    held, folder = lasting(48, 1), tmp_path / "model"
    done = train(source, lasting(150, 0), held, spec, folder, tmp_path / "work", nobody)
    assert done.curve[-1]["contrast"] < done.curve[0]["contrast"]
    before, after = (silhouette(embedded(model, held.values), held.label) for model in (source, folder))
    assert after > before + 0.1


# --- the map


def test_sites_come_together_where_that_is_asked_and_stay_apart_where_it_is_not(source, tmp_path):
    """The second site hums: the same waves with a fast rhythm on top."""

    def of_two_sites(windows: Examples) -> Examples:
        hum = 20 * np.sin(np.arange(64) * 2.5) * windows.domain[:, None, None]
        return replace(windows, values=windows.values + hum)

    held = of_two_sites(HELD)

    def gap(folder: Path) -> float:
        """Between the sites' means, in spreads within them."""
        vectors = moment.embed(moment.load(folder), held.values, nobody)[:, 0].astype(float)
        one, other = vectors[held.domain == 0], vectors[held.domain == 1]
        return float(np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)) / np.sqrt(one.var(axis=0).sum()))

    gaps = []
    for weight in (0.0, 1.0):
        spec = TrainSpec(steps=90, batch=24, every=30, rate=3e-3, lines=weight)
        root = tmp_path / str(weight)
        done = train(source, of_two_sites(TRAIN), held, spec, root / "model", root / "work", nobody)
        gaps.append(gap(root / "model"))
        assert ("lines" in done.curve[-1]) == (weight > 0)
    assert gaps[1] < 0.6 * gaps[0]


def two_lines(n: int, seed: int) -> Examples:
    """A recording of each line, in it two states by turns; the second line hums, whatever its state."""
    rng, t = np.random.default_rng(seed), np.arange(64) / 64
    domain, at = np.repeat([0, 1], n), np.tile(np.arange(n), 2)
    quick, phase = at // 4 % 2 == 1, rng.random((2, 2 * n, 1, 1))
    x = np.sin(2 * np.pi * (np.where(quick, 7, 3)[:, None, None] * t + phase[0]))
    x += 0.4 * domain[:, None, None] * np.sin(2 * np.pi * (16 * t + phase[1]))
    return Examples(x + 0.5 * rng.normal(size=x.shape), domain, 64 * at, np.where(quick, "quick", "slow"), domain)


def test_lines_that_are_brought_together_are_told_apart_less_and_their_states_as_well_as_before(source, tmp_path):
    """On windows of another recording, beside the same training without it; seeds differ by less than that."""
    windows, stop, held = (two_lines(n, seed) for seed, n in enumerate((100, 30, 100)))
    where = Where(held.series, held.start, 64)

    def seen(folder: Path) -> tuple[float, LabelHits]:
        vectors = embedded(folder, held.values)
        return apart(vectors, held.domain, where).auc.value, label_hits(vectors, held.label, where)

    found: dict[float, list[tuple[float, LabelHits]]] = {0.0: [], 1.0: []}
    for weight, told in found.items():
        for seed in range(3):
            spec, root = TrainSpec(steps=60, batch=48, every=20, rate=3e-3, lines=weight, seed=seed), tmp_path / "run"
            train(source, windows, stop, spec, root / f"{weight} {seed}", root / f"work {weight} {seed}", nobody)
            told.append(seen(root / f"{weight} {seed}"))
    without, brought = (np.array([auc for auc, _hits in told]) for told in found.values())
    assert without.min() - brought.max() > 2 * max(np.ptp(without), np.ptp(brought))
    before = seen(source)[1]
    for _auc, hits in found[1.0]:
        both = {"before": before.nearest_balanced, "after": hits.nearest_balanced}
        assert compared(both, [("after", "before")])[0].high > 0  # no loss shows
        assert hits.nearest_balanced.score.low > hits.nearest_balanced.score.bar


def test_what_happens_at_one_line_alone_is_hidden_where_lines_are_brought_together(source, tmp_path):
    """The danger that the screen names: a state that only the second line has is taken for a line's signature."""
    windows, held = two_lines(100, 0), two_lines(100, 2)
    where = Where(held.series, held.start, 64)

    def at_one(of: Examples) -> Examples:
        rng, t = np.random.default_rng(7), np.arange(64) / 64
        hum = np.sin(2 * np.pi * (16 * t + rng.random((len(of.values), 1, 1))))
        fault = (of.domain == 1) & (of.start // 64 % 12 < 8)
        label = np.where(fault, "fault", "none")
        return replace(of, values=of.values + 0.8 * fault[:, None, None] * hum, label=label)

    found = {}
    for weight in (0.0, 3.0):
        spec, root = TrainSpec(steps=90, batch=48, every=30, rate=3e-3, lines=weight), tmp_path / str(weight)
        train(source, at_one(windows), at_one(two_lines(30, 1)), spec, root / "model", root / "work", nobody)
        vectors = embedded(root / "model", at_one(held).values)
        found[str(weight)] = label_hits(vectors, at_one(held).label, where).nearest_balanced
    assert compared(found, [("3.0", "0.0")])[0].high < 0


def test_how_far_lines_are_apart_is_worked_out_one_pair_of_windows_at_a_time():
    """And a window that comes twice is never set beside itself."""
    rng = np.random.default_rng(0)
    vectors, domain, rows = rng.normal(size=(12, 4)), np.arange(12) % 3, np.arange(12)
    vectors[9], rows[9] = vectors[0], rows[0]
    squares = ((vectors[:, None] - vectors) ** 2).sum(axis=2)
    kernel = np.exp(-squares / np.sort(squares, axis=None)[71])  # the lower one of both in the middle

    def mean(one: int, other: int) -> float:
        pairs = [(i, j) for i in range(12) for j in range(12) if (domain[i], domain[j]) == (one, other)]
        return float(np.mean([kernel[i, j] for i, j in pairs if rows[i] != rows[j]]))

    wanted = np.mean([mean(a, a) + mean(b, b) - 2 * mean(a, b) for a, b in ((0, 1), (0, 2), (1, 2))])
    assert float(_apart(torch.from_numpy(vectors), rows, domain)) == pytest.approx(wanted)


def test_lines_of_one_distribution_are_no_distance_apart_on_average():
    """However few windows there are of each: nothing is left to pull together."""
    found = []
    for seed in range(300):
        vectors = torch.from_numpy(np.random.default_rng(seed).normal(size=(8, 4)))
        found.append(float(_apart(vectors, np.arange(8), np.arange(8) % 2)))
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(300)


def test_the_map_begins_as_the_picture_along_the_principal_directions():
    vectors = np.random.default_rng(0).normal(size=(50, 8)) * 2.0 ** -np.arange(8) + 5
    layout = Layout(8)
    layout.begin(vectors)
    xy = layout(torch.from_numpy(vectors).float()).detach().numpy()
    wanted = principal(vectors, 2).along(vectors, 2)
    np.testing.assert_allclose(xy / xy[:, 0].std(), wanted / wanted[:, 0].std(), atol=1e-4)


def test_the_map_places_new_windows_beside_their_like(source, tmp_path):
    windows, new = planted(150, 0, noise=0.1), planted(60, 7, noise=0.1)
    done = run(source, tmp_path, TrainSpec(steps=60, batch=48, every=20, rate=1e-3, layout=1), windows)
    assert done.xy.shape == (150 + 24, 2)
    folder = tmp_path / "model"
    np.testing.assert_allclose(placed(folder, embedded(folder, HELD.values)), done.xy[150:], atol=1e-4)
    there = placed(folder, embedded(folder, new.values))
    told = found_by_nearest(done.xy[:150], windows.label, there, new.label)
    elsewhere = found_by_nearest(done.xy[:150], windows.label, there, np.random.default_rng(0).permutation(new.label))
    assert told > 0.9
    assert elsewhere < 0.5
    assert done.curve[-1]["layout"] < done.curve[0]["layout"] - 0.1


# --- a run


class PowerFails(Exception):  # noqa: N818 — nobody's mistake
    """Not a thing that anybody catches."""


def fails_at(step: int) -> Any:
    def tick(done: int, _total: int, _entry: Any) -> None:
        if done == step:
            raise PowerFails

    return tick


ALL_ASKED = replace(SHORT, steps=7, contrast=0.5, positives="label", layout=0.5, lines=0.5)
STOPS = replace(SHORT, steps=40, trained="last", rate=0.05, patience=2)


@pytest.mark.parametrize(
    ("spec", "steps"),
    [(ALL_ASKED, (1, 5)), (replace(SHORT, trained="lora"), (3, 4)), (STOPS, (3,))],
    ids=["all", "lora", "early"],
)
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(source, tmp_path, spec, steps):
    whole = run(source, tmp_path / "whole", spec)
    assert (whole.steps < spec.steps) == (spec is STOPS)
    if spec is STOPS:
        assert whole.best == whole.steps - 4 > 0
        steps = (*steps, whole.steps - 1)  # when one evaluation more without a gain ends it
    for step in steps:
        with pytest.raises(PowerFails):
            run(source, tmp_path / "stopped", spec, tick=fails_at(step))
    assert not (tmp_path / "stopped" / "model").exists()
    made = []
    mended = run(source, tmp_path / "stopped", spec, tick=lambda done, *_: made.append(done))
    assert made == list(range(steps[-1] // 2 * 2, whole.steps + 1))
    for file in (tmp_path / "whole" / "model").iterdir():
        assert file.read_bytes() == (tmp_path / "stopped" / "model" / file.name).read_bytes()
    for entry, other in zip(whole.curve, mended.curve, strict=True):
        assert {**entry, "seconds": 0} == {**other, "seconds": 0}
    assert (mended.steps, mended.best, mended.changed) == (whole.steps, whole.best, whole.changed)
    assert np.array_equal(mended.xy, whole.xy) if whole.xy is not None else mended.xy is None


def test_a_run_that_is_done_only_hands_over_its_model_again(source, tmp_path):
    first, made = run(source, tmp_path, SHORT), []
    kept = (tmp_path / "model" / "model.safetensors").read_bytes()
    again = run(source, tmp_path, SHORT, tick=lambda done, *_: made.append(done))
    assert made == [SHORT.steps]
    assert again.curve == first.curve
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == kept


def test_a_batch_too_large_for_memory_is_learnt_in_pieces_to_the_same_end(source, tmp_path, monkeypatch):
    spec = replace(SHORT, batch=24)
    whole = run(source, tmp_path / "whole", spec)
    for name, most in (("AT_ONCE", 8 * 5), ("TOGETHER", 1)):  # five windows of eight patches
        monkeypatch.setattr(training, name, most)
    pieces = run(source, tmp_path / "pieces", spec)
    for entry, other in zip(whole.curve, pieces.curve, strict=True):
        assert {**entry, "seconds": 0} == pytest.approx({**other, "seconds": 0}, rel=1e-4)


@pytest.mark.parametrize("other", ["seed", "windows"])
def test_another_seed_or_other_windows_begin_anew_and_give_other_weights(source, tmp_path, other):
    run(source, tmp_path / "one", SHORT)
    run(source, tmp_path / "same", SHORT)
    spec = replace(SHORT, seed=1) if other == "seed" else SHORT
    begun: list[int] = []
    (tmp_path / "one" / "work").rename(tmp_path / "work")
    run(source, tmp_path, spec, TRAIN if other == "seed" else planted(48, 9), lambda done, *_: begun.append(done))
    assert begun[0] == 0
    one, same, another = (weights(tmp_path / name / "model") for name in ("one", "same", "."))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["head.linear.weight"], another["head.linear.weight"])


def test_each_step_is_told_with_what_is_known_so_far(source, tmp_path):
    said: list[Any] = []
    run(source, tmp_path, replace(SHORT, steps=5), tick=lambda *one: said.append(one))
    assert [one[:2] for one in said] == [(step, 5) for step in range(6)]
    assert [one[2]["step"] for one in said] == [0, 0, 2, 2, 4, 5]


# --- what cannot be


@pytest.mark.parametrize(
    "wrong",
    [
        *({"trained": "some"}, {"error": "cubic"}, {"positives": "chance"}, {"trained": "head", "contrast": 1.0}),
        *({"hidden": 0.0}, {"hidden": 1.0}, {"rate": 0.0}, {"contrast": -1.0}, {"layout": np.inf}, {"seed": -1}),
        *({"steps": 0}, {"rank": 0}, {"batch": 0}, {"blocks": 0}, {"patience": 0}, {"every": 0}),
        *({"batch": 1, "layout": 1.0}, {"batch": 7, "lines": 1.0}, {"trained": "head", "lines": 1.0}, {"lines": -1.0}),
    ],
    ids=str,
)
def test_a_spec_checks_itself(wrong):
    with pytest.raises(ValueError):  # noqa: PT011 — each says something else
        TrainSpec(**wrong)


def part(windows: Examples, n: int, length: int = 64) -> Examples:
    return Examples(windows.values[:n, :, :length], windows.series[:n], windows.start[:n], windows.label[:n])


@pytest.mark.parametrize(
    ("spec", "windows", "held", "word"),
    [
        (SHORT, part(TRAIN, 48, 8), part(HELD, 24, 8), "too short"),
        (SHORT, part(TRAIN, 48, 20), part(HELD, 24, 20), "8, 16, 24"),
        (SHORT, part(TRAIN, 7), HELD, "at least 8"),
        (SHORT, TRAIN, part(HELD, 1), "at least 8"),
        (replace(SHORT, trained="last", blocks=4), TRAIN, HELD, "at most 3"),
        (replace(SHORT, contrast=1, positives="label"), replace(TRAIN, label=None), HELD, "no labels"),
        (replace(SHORT, contrast=1, positives="label"), replace(TRAIN, label=np.full(48, "a")), HELD, "two labels"),
        (replace(SHORT, lines=1), replace(TRAIN, domain=None), HELD, "only one line or site"),
        (replace(SHORT, lines=1), replace(TRAIN, domain=np.zeros(48, int)), HELD, "only one line or site"),
        (replace(SHORT, lines=1), replace(TRAIN, domain=np.arange(48)), HELD, "not two lines or sites"),
        (replace(SHORT, lines=1), TRAIN, replace(HELD, domain=np.zeros(24, int)), "not two lines or sites"),
        (replace(SHORT, rate=1e30), TRAIN, HELD, "lower learning rate"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_a_person_can_put_right_is_said(source, tmp_path, spec, windows, held, word):
    with pytest.raises(UserError, match=word):
        train(source, windows, held, spec, tmp_path / "model", tmp_path / "work", nobody)
    assert not (tmp_path / "model").exists()


def test_dead_channels_and_huge_values_teach_nothing_wrong(source, tmp_path):
    values = TRAIN.values.copy()
    values[::2] = 5.0
    values[1::4, :, :56] = values[1::4, :, 57:58]  # flat but for one patch, which may be hidden
    done = run(source, tmp_path, replace(SHORT, batch=48), replace(TRAIN, values=1e9 * values))
    assert all(torch.isfinite(value).all() for value in weights(tmp_path / "model").values())
    assert max(entry["train"] for entry in done.curve) < 50


def test_the_shipped_model_learns_too(tmp_path):
    held, spec = planted(24, 1, noise=0.1), TrainSpec(steps=15, batch=32, every=5)
    done = train(SHIPPED, planted(96, 0, noise=0.1), held, spec, tmp_path / "model", tmp_path / "work", nobody)
    assert min(entry["held"] for entry in done.curve) < done.curve[0]["held"] - 0.03
    assert done.n_parameters > 1_000_000
    configs = [json.loads((folder / "config.json").read_text()) for folder in (SHIPPED, tmp_path / "model")]
    assert configs[0] == configs[1]
