"""Pretraining learns, goes on where it was stopped as if it had not been, and leaves what momentfm reads."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from momentfm import MOMENTPipeline
from safetensors.torch import load_file

from core import features, moment, pretraining, waveforms
from core.embedding import patch_masks
from core.pretraining import Learner, PretrainSpec, pretrain

torch.set_num_threads(1)  # more would wait for one another longer than such small models take

SPEC = PretrainSpec(steps=6, tokens=64, warm_up=2, seed=1)


@pytest.fixture(autouse=True)
def _short_windows(monkeypatch):
    """Of two or three patches, so that a step takes a twentieth of a second."""
    monkeypatch.setattr(pretraining, "N_PATCHES", (2, 3))
    monkeypatch.setattr(pretraining, "EVENED_ON", (2, 3))


@pytest.fixture
def learner() -> Learner:
    torch.manual_seed(0)
    return Learner(features.shape(np.zeros((1, 24))).shape[1])


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def power_fails_at(monkeypatch, step: int) -> None:
    """The program ends when it begins this step, the first one it makes being 0."""
    real, made = pretraining._step, []

    def until_then(*said):
        if len(made) == step:
            raise KeyboardInterrupt
        made.append(step)
        return real(*said)

    monkeypatch.setattr(pretraining, "_step", until_then)


# --- learning


def test_windows_seen_again_and_again_are_learnt_by_all_three_tasks(learner):
    """momentfm hands over its encoder frozen; then only what is thrown away could learn."""
    before = {name: value.clone() for name, value in learner.model.named_parameters()}
    optimiser = torch.optim.AdamW(learner.parameters(), lr=1e-3)
    said = []
    for _ in range(25):
        loss, losses = pretraining._step(SPEC, learner, np.random.default_rng(0), 0)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 1)
        optimiser.step()
        said.append(losses)
    first, last = said[0], said[-1]
    assert first.contrast == pytest.approx(first.chance, abs=0.7)
    assert last.contrast < first.chance / 2
    assert first.found < 0.25  # chance: 1 of 32
    assert last.found > 0.6
    assert last.reconstruction < 1 < first.reconstruction
    assert last.numbers < 0.8 * first.numbers
    unmoved = [name for name, value in learner.model.named_parameters() if torch.equal(value, before[name])]
    assert unmoved == ["encoder.embed_tokens.weight"]  # a vocabulary of one word, which nobody reads


def test_the_rate_rises_in_a_line_and_falls_to_a_fiftieth():
    spec = PretrainSpec(steps=1000, warm_up=100)
    rates = np.array([pretraining._schedule(spec, step) for step in range(1000)])
    assert rates[0] == pytest.approx(0.01)
    assert rates[49] == pytest.approx(0.5, abs=0.01)
    assert rates.argmax() == 99
    assert (np.diff(rates[99:]) < 0).all()
    assert rates[-1] == pytest.approx(0.02, abs=0.001)


def test_numbers_to_tell_have_mean_zero_and_variance_one(learner):
    x, _ = waveforms.pairs(np.random.default_rng(0), 100, 96, 96)
    targets = pretraining._targets(learner, 7 * x + 300, step=0).numpy()
    assert targets.shape == (400, len(learner.centre))
    np.testing.assert_allclose(targets.mean(axis=0), 0, atol=0.1)  # extremes are cut at 5
    varying = features.shape(x).std(axis=0) > 0.05
    assert varying.sum() > 40
    np.testing.assert_allclose(targets.std(axis=0)[varying], 1, atol=0.15)


@pytest.mark.parametrize(("n_patches", "hidden"), [(2, 1), (3, 1), (10, 3), (64, 19)])
def test_as_many_patches_are_hidden_as_is_said_at_least_one_and_never_all(n_patches, hidden):
    seen = ~patch_masks(2000, n_patches, 0.3, np.random.default_rng(0))
    assert set((~seen).sum(axis=1)) == {hidden}
    np.testing.assert_allclose((~seen).mean(axis=0), hidden / n_patches, atol=0.05)  # every place alike


def test_what_is_hidden_cannot_be_seen(learner, monkeypatch):
    """Other samples there leave the contrast as it is, to the bit, and only make the guess of them wrong."""
    pairs, seed = waveforms.pairs, 3

    def with_other_samples_there(rng, *said):
        one, other = pairs(rng, *said)
        seen = ~patch_masks(len(other), other.shape[1] // 8, SPEC.hidden, copy.deepcopy(rng))
        return one, np.where(seen.repeat(8, axis=1), other, 5 - 2 * other)

    _, plain = pretraining._step(SPEC, learner, np.random.default_rng(seed), 0)
    monkeypatch.setattr(waveforms, "pairs", with_other_samples_there)
    _, changed = pretraining._step(SPEC, learner, np.random.default_rng(seed), 0)
    assert (changed.contrast, changed.found) == (plain.contrast, plain.found)
    assert abs(changed.reconstruction - plain.reconstruction) > 0.1


# --- what is learnt is what momentfm computes


def test_a_guess_of_hidden_patches_is_momentfms_own(learner):
    model = learner.model.eval()
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 48)).cumsum(axis=1)).float()
    seen = torch.from_numpy(~patch_masks(5, 6, 0.3, np.random.default_rng(0)))
    with torch.inference_mode():
        standard = moment.standardised(x, seen)
        guess = model.head.linear(moment.tokens(model, standard, seen)).reshape(5, 48)
        mask = seen.repeat_interleave(8, dim=1).long()
        theirs = model.reconstruction(x_enc=x[:, None], input_mask=torch.ones_like(mask), mask=mask).reconstruction
    visible = seen.repeat_interleave(8, dim=1)
    for i in range(5):
        level, scale = x[i, visible[i]].mean(), x[i, visible[i]].std(correction=0)
        np.testing.assert_allclose(guess[i] * scale + level, theirs[i, 0], atol=1e-3)


def test_a_window_placed_at_the_end_is_the_one_that_momentfm_pads_on_the_left(learner):
    model, n_patches = learner.model.eval(), 3
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 24)).cumsum(axis=1)).float()
    spec = PretrainSpec(at_the_end=1)
    place = pretraining._place(spec, np.random.default_rng(0), n_patches)
    padded, mask = torch.zeros(5, 1, moment.CONTEXT), torch.zeros(5, moment.CONTEXT)
    padded[..., -24:], mask[:, -24:] = x[:, None], 1
    with torch.inference_mode():
        ours = moment.tokens(model, moment.standardised(x), None, place).mean(dim=1)
        at_the_start = moment.tokens(model, moment.standardised(x), None, 0).mean(dim=1)
        theirs = model.embed(x_enc=padded, input_mask=mask).embeddings
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert (at_the_start - theirs).abs().max() > 0.01


# --- a run


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    """Stopped in the middle between two checkpoints, so that one step has to be made again."""
    pretrain(SPEC, tmp_path / "whole", tmp_path / "work", every=2)
    with monkeypatch.context() as here:
        power_fails_at(here, step=5)
        with pytest.raises(KeyboardInterrupt):
            pretrain(SPEC, tmp_path / "mended", tmp_path / "stopped", every=2)
    assert not (tmp_path / "mended").exists()
    with monkeypatch.context() as here:
        power_fails_at(here, step=2)  # steps 4 and 5 are left, and no more are made
        pretrain(SPEC, tmp_path / "mended", tmp_path / "stopped", every=2)
    assert weights(tmp_path / "mended") == weights(tmp_path / "whole")
    logs = [json.loads((tmp_path / work / "state.json").read_text())["log"] for work in ("work", "stopped")]
    assert [line["step"] for line in logs[0]] == [2, 4, 6]
    assert [line | {"seconds": 0} for line in logs[0]] == [line | {"seconds": 0} for line in logs[1]]


def test_a_run_that_is_done_only_hands_over_its_model_again(tmp_path, monkeypatch):
    spec = PretrainSpec(steps=1, tokens=64)
    pretrain(spec, tmp_path / "one", tmp_path / "work")
    power_fails_at(monkeypatch, step=0)
    pretrain(spec, tmp_path / "two", tmp_path / "work")
    assert weights(tmp_path / "two") == weights(tmp_path / "one")


def test_the_average_over_steps_is_what_is_kept(tmp_path, learner):
    pretrain(PretrainSpec(steps=3, tokens=64), tmp_path / "model", tmp_path / "work")
    last = load_file(tmp_path / "work" / "step-3.safetensors")
    for part, kept in (("average", True), ("learner.model", False)):
        of_part = {n.removeprefix(f"{part}."): value for n, value in last.items() if n.startswith(f"{part}.")}
        learner.model.load_state_dict(of_part)
        pretraining.even_out(learner.model)
        learner.model.save_pretrained(tmp_path / part)
        assert (weights(tmp_path / part) == weights(tmp_path / "model")) == kept


def test_another_spec_starts_afresh_and_gives_other_weights(tmp_path):
    one, other = PretrainSpec(steps=2, tokens=64), PretrainSpec(steps=2, tokens=64, seed=2)
    pretrain(one, tmp_path / "one", tmp_path / "work")
    pretrain(other, tmp_path / "after it", tmp_path / "work")
    pretrain(other, tmp_path / "by itself", tmp_path / "elsewhere")
    assert weights(tmp_path / "after it") == weights(tmp_path / "by itself") != weights(tmp_path / "one")
    assert json.loads((tmp_path / "work" / "state.json").read_text())["spec"]["seed"] == 2


def test_what_is_left_is_a_moment_that_momentfm_and_the_app_load_and_its_card_is_kept(tmp_path):
    folder = tmp_path / "モデル"
    folder.mkdir()
    (folder / "README.md").write_text("about this model", encoding="utf-8")
    pretrain(PretrainSpec(steps=2, tokens=64), folder, tmp_path / "work", every=1)
    assert sorted(file.name for file in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert (folder / "README.md").read_text(encoding="utf-8") == "about this model"

    theirs = MOMENTPipeline.from_pretrained(str(folder))
    theirs.init()
    x = np.random.default_rng(0).normal(size=(3, 1, 48)).cumsum(axis=2)
    with torch.inference_mode():
        wanted = theirs.eval().embed(x_enc=torch.from_numpy(x).float()).embeddings.numpy()
    for model, same in ((moment.load(folder), True), (moment.untrained(seed=0), False)):
        ours = moment.embed(model, x, lambda _done, _total: None)[:, 0]
        assert np.allclose(ours, wanted, atol=1e-4) == same


def test_evening_out_leaves_reconstructions_and_makes_distances_hang_on_more_directions(monkeypatch):
    monkeypatch.setattr(pretraining, "EVENED_ON", (6, 8, 10))
    model = moment.untrained(seed=3)
    even = copy.deepcopy(model)
    pretraining.even_out(even)
    x, _ = waveforms.pairs(np.random.default_rng(1), 60, 64, 64)
    hidden = np.zeros((len(x), 1, 8), bool)
    hidden[:, :, 3:5] = True
    before, after = (moment.guesses(one, x[:, None], hidden, lambda *_: None) for one in (model, even))
    np.testing.assert_allclose(after, before, atol=1e-3 * before.std())

    def directions(vectors: np.ndarray) -> float:
        """How many equal directions would spread the same variance (participation ratio)."""
        variances = np.linalg.eigvalsh(np.cov(vectors.T))
        return float(variances.sum() ** 2 / (variances**2).sum())

    told = [moment.embed(one, x[:, None], lambda *_: None)[:, 0] for one in (model, even)]
    assert directions(told[1]) > 2 * directions(told[0])
    shared = [np.linalg.norm(one.mean(axis=0)) / np.linalg.norm(one.std(axis=0)) for one in told]
    assert shared[1] < shared[0]
