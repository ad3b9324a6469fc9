"""What a model makes of windows, and a loss whose 0 and 1 mean what Loss says that they mean."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants as hub

from core import moment
from core.embedding import MASK_RATIO, MASK_SEED, Encoder, Loss, embed, patch_masks, reconstruction_loss
from core.encoders import HUB, EncoderSpec, weights_hash
from core.errors import UserError
from core.recipes import Floats

torch.set_num_threads(1)  # more would wait for one another longer than such small models take

RAW, UNTRAINED = EncoderSpec("raw"), EncoderSpec("random-init")
SIDES = ("level-scale-slope", "differenced")


def nobody(_done: int, _total: int) -> None:
    """Nobody watches the progress."""


def encoder(spec: EncoderSpec, values: Floats) -> Encoder:
    return Encoder(spec, tuple(f"channel {c}" for c in range(values.shape[1])), nobody)


def vectors(values: Floats, spec: EncoderSpec, n_batches: int = 1) -> Floats:
    """(n, d), through a file, as the product does."""
    batches = np.array_split(values, n_batches)
    with tempfile.TemporaryDirectory() as folder:
        return np.array(embed(encoder(spec, values), batches, len(values), Path(folder) / "vectors.npy", nobody))


def loss_of(values: Floats, spec: EncoderSpec, n_batches: int = 1) -> Loss | None:
    return reconstruction_loss(encoder(spec, values), np.array_split(values, n_batches), len(values), nobody)


def noise(n: int, n_channels: int, length: int = 64, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, n_channels, length))


@pytest.fixture(scope="module")
def mean_guesser(tmp_path_factory) -> EncoderSpec:
    """A MOMENT whose last layer says nothing, so that its guess of a hidden part is the mean of what it sees."""
    model = moment.untrained(seed=0)
    with torch.no_grad():
        for weights in model.head.parameters():
            weights.zero_()
    folder = tmp_path_factory.mktemp("models") / "mean"
    model.save_pretrained(folder)
    return EncoderSpec("moment", str(folder))


def weights_in(folder: Path, data: bytes) -> Path:
    """A model as far as its identity goes."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(data)
    (folder / "config.json").touch()
    return folder


# --- encoders


def test_the_waveform_itself_is_the_windows_one_channel_after_the_other():
    values = np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
    assert vectors(values, RAW).tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert encoder(RAW, values).parameters == 0


def test_moment_takes_no_notice_of_level_and_scale_and_the_waveform_itself_does():
    x = noise(6, 2)
    for spec, blind in ((UNTRAINED, True), (RAW, False)):
        plain, moved = (vectors(values, spec) for values in (x, 7.5 * x + 300))
        apart = np.linalg.norm(plain[0] - plain[1])  # how much two windows differ
        assert (np.linalg.norm(plain - moved, axis=1).max() < 0.01 * apart) == blind, spec


def test_a_model_in_a_folder_is_the_model_that_embeds(mean_guesser):
    """Its encoder is the untrained one's, and it has as many parameters."""
    there, here = (vectors(noise(3, 2), spec) for spec in (mean_guesser, UNTRAINED))
    assert (there == here).all()
    models = [encoder(spec, noise(1, 1)) for spec in (mean_guesser, UNTRAINED)]
    assert models[0].parameters == models[1].parameters > 0


@pytest.mark.parametrize("wrong", [("moment", ""), ("raw", "a folder"), ("random-init", HUB["small"])])
def test_a_source_belongs_to_moment_and_to_nothing_else(wrong):
    with pytest.raises(UserError, match="Give the folder of the model"):
        EncoderSpec(*wrong)


def test_an_unknown_kind_is_a_programming_error():
    with pytest.raises(ValueError, match="is none of"):
        EncoderSpec("t5")


def test_batches_change_nothing():
    x = noise(30, 2)
    for spec in (RAW, UNTRAINED, EncoderSpec("statistics"), EncoderSpec("random-init", side=SIDES)):
        np.testing.assert_allclose(vectors(x, spec, n_batches=4), vectors(x, spec), atol=1e-5)
    one, four = loss_of(x, UNTRAINED), loss_of(x, UNTRAINED, n_batches=4)
    np.testing.assert_allclose(four.per_window, one.per_window, rtol=1e-5)


def test_channels_are_averaged_stand_side_by_side_or_one_is_looked_at_alone():
    x = noise(6, 3)
    mean, beside, second = (
        vectors(x, replace(UNTRAINED, **how)) for how in ({}, {"join": "concat"}, {"channel": "channel 1"})
    )
    each = beside.reshape(6, 3, -1)
    np.testing.assert_allclose(mean, each.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(second, each[:, 1], atol=1e-5)
    assert loss_of(x, replace(UNTRAINED, channel="channel 1")).mean != loss_of(x, UNTRAINED).mean
    with pytest.raises(UserError, match="has no channel “pressure”"):
        vectors(x, replace(UNTRAINED, channel="pressure"))


def test_level_and_scale_come_back_as_side_features_and_count_as_much_as_the_embedding():
    """Two groups that differ in level alone: MOMENT cannot tell them apart, and with the side features it can."""
    group = np.arange(60) % 2
    x = noise(60, 1) + 20.0 * group[:, None, None]
    for spec, tells in ((UNTRAINED, False), (replace(UNTRAINED, side=("level-scale-slope",)), True)):
        told = vectors(x, spec)
        centres = [told[group == g].mean(axis=0) for g in (0, 1)]
        nearest = np.argmin([np.linalg.norm(told - c, axis=1) for c in centres], axis=0)
        assert ((nearest == group).mean() > 0.95) == tells
    width = vectors(x, UNTRAINED).shape[1]
    assert told.shape[1] == width + 3
    assert told[:, width:].var(axis=0).sum() == pytest.approx(told[:, :width].var(axis=0).sum(), rel=0.01)


@pytest.mark.parametrize(("scale", "level"), [(1e-6, 0.0), (0.01, 101325.0), (1e9, -3e9)])
def test_a_shape_is_the_same_in_every_unit(scale, level):
    """Pressure in Pa or GPa: neither float32 nor the 1e-5 that RevIN adds may swallow it."""
    x = noise(6, 1)
    exact = replace(UNTRAINED, precision="float32")
    plain, moved = vectors(x, exact), vectors(scale * x + level, exact)
    apart = np.linalg.norm(plain[0] - plain[1])
    assert np.linalg.norm(plain - moved, axis=1).max() < 0.01 * apart


def test_the_changes_from_sample_to_sample_are_embedded_like_a_window_of_their_own():
    x = noise(5, 1)
    both = vectors(x, replace(UNTRAINED, side=("differenced",)))
    steps = np.diff(x, axis=2, prepend=x[:, :, :1])
    np.testing.assert_allclose(both, np.hstack([vectors(x, UNTRAINED), vectors(steps, UNTRAINED)]), atol=1e-6)


def test_statistics_tell_a_rhythm_from_another_and_do_not_reconstruct():
    t = np.arange(64)
    x = np.stack([np.sin(2 * np.pi * (k * t / 64 + shift)) for k in (2, 9) for shift in np.linspace(0, 1, 10)])
    told = vectors(x[:, None] + 0.1 * noise(20, 1), EncoderSpec("statistics"))
    apart = np.linalg.norm(told[:, None] - told, axis=2) + 1e9 * np.eye(20)
    assert (apart.argmin(axis=1) // 10 == np.arange(20) // 10).all()
    assert loss_of(x[:, None], EncoderSpec("statistics")) is None


def test_which_numbers_are_computed_with_is_said_and_can_be_forced():
    exact = encoder(replace(UNTRAINED, precision="float32"), noise(1, 1))
    assert exact.mode.startswith("float32 (")
    assert encoder(UNTRAINED, noise(1, 1)).mode.split()[0] in ("float32", "bfloat16")


# --- loss


def test_a_loss_of_one_is_as_good_as_the_mean_and_of_zero_perfect(mean_guesser):
    """Noise has nothing to guess but its mean; of windows that are flat at different heights, the mean is all."""
    loss = loss_of(noise(150, 2), mean_guesser)
    assert loss.mean == pytest.approx(1, abs=0.06)
    assert loss.mean == pytest.approx(loss.per_window.mean())
    assert loss.per_window.shape == (150,)
    flat = loss_of(noise(20, 2, length=1).repeat(64, axis=2), mean_guesser)
    np.testing.assert_allclose(flat.per_window, 0, atol=1e-6)


def test_the_loss_does_not_depend_on_the_units_of_any_channel():
    x = noise(20, 2).cumsum(axis=2)
    other_units = x * np.array([7.5, 0.2])[:, None] + np.array([300.0, -2.0])[:, None]
    plain, moved = (loss_of(values, UNTRAINED) for values in (x, other_units))
    np.testing.assert_allclose(moved.per_window, plain.per_window, rtol=1e-3)


def test_a_channel_that_never_varies_is_not_scored(mean_guesser):
    """Scored, it would be a perfect 0 beside the noise's 1, or a division by nothing."""
    values = np.concatenate([noise(150, 1), np.full((150, 1, 64), 21.5)], axis=1)
    loss = loss_of(values, mean_guesser)
    assert loss.mean == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(
    ("spec", "values"),
    [(RAW, noise(5, 1)), (UNTRAINED, noise(5, 1, length=8)), (UNTRAINED, np.full((5, 2, 64), 3.3))],
    ids=["nothing reconstructs", "one patch", "nothing varies"],
)
def test_there_is_no_loss_where_it_would_mean_nothing(spec, values):
    assert loss_of(values, spec) is None


def test_the_loss_says_which_share_was_really_hidden_and_is_the_same_every_time():
    one, same = (loss_of(noise(9, 2), UNTRAINED) for _ in range(2))
    assert one.mask_ratio == 0.25  # 2 of 8 patches: 30 % cannot be had
    assert one.seed == MASK_SEED
    assert (one.per_window == same.per_window).all()


@pytest.mark.parametrize(
    ("n_patches", "ratio", "hidden"),
    [(64, MASK_RATIO, 19), (8, MASK_RATIO, 2), (2, MASK_RATIO, 1), (3, 0.0, 1), (10, 1.0, 9)],
)
def test_every_row_hides_the_same_number_of_patches_at_least_one_and_never_all(n_patches, ratio, hidden):
    masks = patch_masks(50, n_patches, ratio, np.random.default_rng(0))
    assert masks.shape == (50, n_patches)
    assert set(masks.sum(axis=1)) == {hidden}


def test_which_patches_are_hidden_is_fair_seeded_and_different_from_row_to_row():
    masks, same, other = (patch_masks(4000, 8, 0.3, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_allclose(masks.mean(axis=0), 0.25, atol=0.03)  # chance: 0.007 either way
    assert len(np.unique(masks, axis=0)) == 28  # all ways to choose 2 of 8
    assert (masks == same).all()
    assert (masks != other).any()


# --- identity


def test_a_folder_is_known_by_its_weights_and_not_by_its_path(tmp_path):
    one = weights_in(tmp_path / "here", b"weights")
    same = Path(shutil.copytree(one, tmp_path / "deep" / "モデル"))
    other = weights_in(tmp_path / "other", b"WEIGHTS")
    first, second, third = (EncoderSpec("moment", str(folder)).identity() for folder in (one, same, other))
    assert first == second != third


def test_a_name_on_the_hub_is_known_by_itself_and_kinds_are_told_apart():
    """Neither a disk nor a network is asked."""
    named = [EncoderSpec("moment", name).identity() for name in HUB.values()]
    identities = [str(identity) for identity in [*named, RAW.identity(), UNTRAINED.identity()]]
    assert len(set(identities)) == 5
    assert named[0].items() >= {"kind": "moment", "source": "AutonLab/MOMENT-1-small"}.items()


def test_the_hash_is_that_of_the_file_also_after_it_changed(tmp_path):
    file = weights_in(tmp_path / "model", b"one") / "model.safetensors"
    assert weights_hash(file.parent) == hashlib.sha256(b"one").hexdigest()
    changed = file.stat().st_mtime_ns + 1_000_000
    file.write_bytes(b"two")
    os.utime(file, ns=(changed, changed))  # of the same size, and a moment later
    assert weights_hash(file.parent) == hashlib.sha256(b"two").hexdigest()


@pytest.mark.parametrize("make", [lambda _folder: None, Path.mkdir], ids=["no folder", "an empty one"])
def test_a_folder_without_weights_is_named_with_what_to_choose(tmp_path, make):
    make(tmp_path / "モデル")
    with pytest.raises(UserError, match=r"モデル.*Choose the folder that holds config\.json and model\.safetensors"):
        EncoderSpec("moment", str(tmp_path / "モデル")).identity()


@pytest.mark.parametrize("offline", [True, False], ids=["switched off", "nobody answers"])
def test_without_a_connection_the_way_round_the_hub_is_said(tmp_path, monkeypatch, offline):
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(hub, "ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
    with pytest.raises(UserError, match="On a PC with internet, download") as failed:
        vectors(noise(2, 1), EncoderSpec("moment", HUB["small"]))
    assert failed.value.facts == {"name": "AutonLab/MOMENT-1-small"}
