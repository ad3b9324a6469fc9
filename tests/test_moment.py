"""core.moment is momentfm's own arithmetic, and every trap of DESIGN, "MOMENT" is met."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from momentfm import MOMENTPipeline

from core import moment
from core.embedding import squared_errors
from core.encoders import PATCH
from core.errors import UserError
from core.recipes import Floats
from tests.test_structure import ROOT

torch.set_num_threads(1)  # more would wait for one another longer than such small models take


def nobody(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


def on_device(model: MOMENTPipeline, values: Any) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=next(model.parameters()).device)


def waves(n: int, n_channels: int, length: int, seed: int = 0) -> Floats:
    """Random walks: no two alike, and none of them flat."""
    return np.random.default_rng(seed).normal(size=(n, n_channels, length)).cumsum(axis=2)


def two_known_waves() -> Floats:
    t = np.arange(64)
    return np.stack([np.sin(t / 5) + t / 40, t % 9])[None]


@pytest.fixture(scope="module")
def model() -> MOMENTPipeline:
    return moment.untrained(seed=0)


@pytest.fixture(scope="module")
def tiny() -> MOMENTPipeline:
    """momentfm without our wrapper, on the CPU, with weights that owe nothing to how a library draws them."""
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_heads": 2, "num_layers": 2}
    config = {**moment.COMPACT, "d_model": 16, "t5_config": {**moment.COMPACT["t5_config"], **sizes}}
    pipeline = MOMENTPipeline(config, model_kwargs={})
    draw = np.random.RandomState(0)  # numpy has frozen this stream
    with torch.no_grad():
        for name, weights in sorted(pipeline.named_parameters()):
            drawn = 0.3 * torch.from_numpy(draw.standard_normal(tuple(weights.shape)))
            weights.copy_(1 + drawn if "layer_norm" in name else drawn)
    pipeline.init()
    return pipeline.eval()


# The numbers below are momentfm's own: with the versions that it pins (transformers 4.33.3, numpy 1.25.2,
# huggingface-hub 0.24.0) the same code gave the same ones. We run it on others (DESIGN, MOMENT 7), and an upgrade that
# changes what a model computes must not pass for a model that learnt something. Another CPU sums in another order:
# with vector instructions switched off they moved by 2e-6 at most, so 1e-4 leaves room for that and for nothing else.


def test_momentfm_embeds_as_with_the_versions_that_it_pins(tiny):
    x = torch.as_tensor(two_known_waves(), dtype=torch.float32)
    with torch.inference_mode():
        vector = tiny.embed(x_enc=x, input_mask=torch.ones(1, 64)).embeddings[0].numpy()
    expected = [0.399352, -0.623000, 0.298207, -0.561305, -0.266828, 0.367701, -0.454936, 0.097913]
    np.testing.assert_allclose(vector[:8], expected, rtol=1e-4, atol=1e-5)


def test_momentfm_fills_in_hidden_patches_as_with_the_versions_that_it_pins(tiny):
    x = torch.as_tensor(two_known_waves(), dtype=torch.float32)
    mask = torch.ones(1, 64, dtype=torch.long)
    mask[:, 16:32] = 0
    with torch.inference_mode():
        guess = tiny.reconstruction(x_enc=x, input_mask=torch.ones(1, 64), mask=mask).reconstruction[0].numpy()
    expected = [[1.013573, 0.667273, 2.273248, 1.479675], [3.530298, 1.357073, 4.812696, 3.858771]]
    np.testing.assert_allclose(guess[:, 16:20], expected, rtol=1e-4, atol=1e-5)


def test_the_untrained_model_is_the_same_on_every_machine(model):
    """Its views are kept under the words “random-init”: should these numbers change, raise VERSION in core/views.py."""
    [vector] = moment.embed(model, two_known_waves(), nobody).mean(axis=1)
    expected = [-0.883623, 1.172645, -0.052957, 0.146409, 0.847366, -0.747634]
    np.testing.assert_allclose(vector[:6], expected, rtol=1e-4, atol=1e-5)


def test_untrained_models_differ_by_seed_alone_and_leave_chance_to_others():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (moment.embed(moment.untrained(seed), two_known_waves(), nobody) for seed in (1, 1, 2))
    assert (one == same).all()
    assert np.abs(one - other).max() > 0.1
    assert torch.equal(torch.get_rng_state(), before)


def test_embeddings_are_momentfms_own_window_by_window_and_channel_by_channel(tiny):
    values = waves(moment.BATCH // 2 + 5, 2, 24)  # more sequences than one batch
    x = on_device(tiny, values)
    with torch.inference_mode():
        windows = tiny.embed(x_enc=x).embeddings.cpu().numpy()
        channels = [tiny.embed(x_enc=x[:, [c]]).embeddings.cpu().numpy() for c in range(2)]
    ours = moment.embed(tiny, values, nobody).mean(axis=1)
    np.testing.assert_allclose(ours, windows, atol=1e-5)
    np.testing.assert_allclose(ours, np.mean(channels, axis=0), atol=1e-5)
    assert np.abs(ours - ours[::-1]).max() > 0.1  # so the rows' order was seen


def test_a_window_at_its_own_length_is_the_right_padded_one_at_a_fraction_of_the_cost(model):
    values = waves(3, 1, 40)
    padded = {side: np.zeros((3, 1, moment.CONTEXT)) for side in ("right", "left")}
    padded["right"][..., :40], padded["left"][..., -40:] = values, values
    embedded = {}
    for side, x in padded.items():
        mask = np.zeros((3, moment.CONTEXT))
        mask[:, :40] = 1
        seen = on_device(model, mask if side == "right" else mask[:, ::-1].copy())
        with torch.inference_mode():
            embedded[side] = model.embed(x_enc=on_device(model, x), input_mask=seen).embeddings.cpu().numpy()
    ours = moment.embed(model, values, nobody)[:, 0]
    np.testing.assert_allclose(ours, embedded["right"], atol=1e-5)
    assert np.abs(ours - embedded["left"]).max() > 0.01  # padding on the wrong side would have been noticed


def test_a_guess_that_comes_true_scores_zero_and_one_that_is_off_scores_how_far(tiny):
    """Only hidden samples count, and the model sees none of them: else its guess would change with the truth."""
    values, n_patches = waves(moment.BATCH // 2 + 5, 2, 48), 6
    hidden = np.random.default_rng(1).random((len(values), 2, n_patches)) < 0.4
    hidden[..., 0], hidden[..., 1] = True, False
    lost = hidden.repeat(PATCH, axis=2)
    guess = np.stack([momentfms_guess(tiny, values[:, c], ~lost[:, c]) for c in range(2)], axis=1)
    assert np.abs(guess - values)[~lost].mean() > 0.1  # what it says of visible samples is wrong, and not asked

    true = np.where(lost, guess, values)
    np.testing.assert_allclose(errors(tiny, true, hidden), 0, atol=1e-6)
    off = true + np.where(lost, np.array([2.0, 3.0])[:, None], 0)
    np.testing.assert_allclose(errors(tiny, off, hidden), [[4, 9]] * len(values), rtol=1e-4)


def errors(model: MOMENTPipeline, values: Floats, hidden: np.ndarray) -> Floats:
    return squared_errors(values, moment.guesses(model, values, hidden, nobody), hidden)


def momentfms_guess(model: MOMENTPipeline, values: Floats, seen: np.ndarray) -> Floats:
    x, mask = on_device(model, values[:, None]), on_device(model, seen).long()
    with torch.inference_mode():
        out = model.reconstruction(x_enc=x, input_mask=torch.ones_like(mask), mask=mask)
    return out.reconstruction[:, 0].cpu().numpy()


def test_a_saved_model_comes_back_bit_for_bit(tmp_path):
    model, folder = moment.untrained(seed=3), tmp_path / "モデル [2] 100%"
    model.save_pretrained(folder)
    loaded = moment.load(folder)
    values, hidden = waves(4, 2, 64), np.tile(np.arange(8) % 3 == 0, (4, 2, 1))
    assert (moment.embed(loaded, values, nobody) == moment.embed(model, values, nobody)).all()
    assert (errors(loaded, values, hidden) == errors(model, values, hidden)).all()
    assert moment.parameters(loaded) == moment.parameters(model)


@pytest.mark.parametrize("gone", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_refused_by_name(tmp_path, model, gone):
    model.save_pretrained(tmp_path)
    (tmp_path / gone).rename(tmp_path / "pytorch_model.bin")  # a pickle is no substitute
    with pytest.raises(UserError, match="Choose the folder that holds") as refused:
        moment.load(tmp_path)
    assert refused.value.facts == {"folder": tmp_path, "missing": gone}


@pytest.mark.parametrize("config", [{"patch_len": 16}, {"model_type": "t5"}])
def test_a_folder_with_another_kind_of_model_is_refused(tmp_path, model, config):
    model.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(UserError, match="AutonLab/MOMENT-1-small"):
        moment.load(tmp_path)


@pytest.mark.parametrize("length", [7, 12, 520])
def test_a_length_that_momentfm_would_cut_or_choke_on_is_refused_with_the_lengths_it_takes(model, length):
    values, hidden = waves(2, 1, length), np.ones((2, 1, length // 8), dtype=bool)
    with pytest.raises(UserError, match=rf"have {length}\. Choose a multiple of 8 up to 512"):
        moment.embed(model, values, nobody)
    with pytest.raises(UserError, match="multiple of 8"):
        moment.guesses(model, values, hidden, nobody)


@pytest.mark.parametrize("length", [8, 512])
def test_the_shortest_and_the_longest_window_are_taken(model, length):
    vectors = moment.embed(model, waves(3, 2, length), nobody)
    assert vectors.shape == (3, 2, 256)
    assert np.isfinite(vectors).all()
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01


def test_progress_counts_sequences_up_to_the_last_and_a_refusal_stops_the_work(tiny):
    values, ticks = waves(moment.BATCH + 10, 2, 8), []
    moment.embed(tiny, values, lambda *tick: ticks.append(tick))
    done = [done for done, _ in ticks]
    assert done == sorted(set(done))
    assert len(done) > 2  # batches, so that a cancel is heard before the end
    assert ticks[-1] == (2 * len(values), 2 * len(values))

    def enough(done: int, _total: int) -> None:
        refused.append(done)
        raise KeyboardInterrupt

    refused: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        moment.embed(tiny, values, enough)
    assert refused == done[:1]


@pytest.mark.parametrize("spoil", ["cut short", "of another model"])
def test_weights_that_do_not_fit_are_said_to_be_copied_again(tmp_path, spoil):
    moment.untrained(seed=0).save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    if spoil == "cut short":
        file.write_bytes(file.read_bytes()[:-1000])
    else:
        config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
        config["t5_config"]["d_ff"] = 64
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(UserError, match="Copy both files"):
        moment.load(tmp_path)


def test_bfloat16_gives_the_same_embedding_to_a_hundredth(model):
    """What runs where a processor multiplies it; the arithmetic is the same everywhere, only slow elsewhere."""
    values = waves(8, 2, 64)
    exact = moment.embed(model, values, nobody)
    quick = moment.embed(moment.in_numbers(moment.untrained(seed=0), "bfloat16"), values, nobody)
    assert quick.dtype == np.float32
    assert 0 < np.linalg.norm(quick - exact) / np.linalg.norm(exact) < 0.01


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_memory_of_a_step_is_kept_for_the_next_one_on_dasks_workers_too():
    program = """
import resource
import core.moment, torch
def faults():
    for _ in range(50):
        torch.ones(1 << 20).square_()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
print(faults() - before)
"""
    env = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}  # as Dask sets it
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) < 50 * 1024 / 10  # each of the 50 has 1,024 pages
