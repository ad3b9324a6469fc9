"""A checkpoint is whole or absent, belongs to one spec, and brings back an optimiser to the bit."""

import json

import pytest
import torch
from torch import nn

from core import checkpoints

SPEC = {"rate": 0.1, "seed": 3}


def state(step: int, **more: object) -> dict[str, object]:
    return {"spec": SPEC, "step": step} | more


def tensors(value: float) -> dict[str, torch.Tensor]:
    return {"a": torch.full((2, 3), value), "b": torch.tensor(value)}


def test_what_is_kept_comes_back_and_only_the_last_is_kept(tmp_path):
    for step in (1, 2):
        checkpoints.save(tmp_path / "work", tensors(step).items(), state(step, curve=[0.1, 1e-17]))
    found = checkpoints.load(tmp_path / "work", SPEC)
    assert found is not None
    assert found[1] == state(2, curve=[0.1, 1e-17])
    assert all(torch.equal(found[0][name], value) for name, value in tensors(2).items())
    assert sorted(file.name for file in (tmp_path / "work").iterdir()) == ["state.json", "step-2.safetensors"]


def test_another_spec_finds_nothing_and_neither_does_an_empty_folder(tmp_path):
    assert checkpoints.load(tmp_path, SPEC) is None
    checkpoints.save(tmp_path, tensors(1).items(), state(1))
    assert checkpoints.load(tmp_path, {**SPEC, "seed": 4}) is None


@pytest.mark.parametrize("lost", ["settled", "told", "cleared"])
def test_whenever_the_power_fails_the_checkpoint_before_is_there_or_the_new_one(tmp_path, monkeypatch, lost):
    """While tensors are written, between them and the JSON, and before the old ones are cleared away."""
    checkpoints.save(tmp_path, tensors(1).items(), state(1))
    real, made = checkpoints._settle, []

    def fails(written, file):
        if lost == "settled" or (lost == "told" and made):
            raise KeyboardInterrupt
        made.append(file)
        real(written, file)
        if lost == "cleared" and len(made) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as here:
        here.setattr(checkpoints, "_settle", fails)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(tmp_path, tensors(2).items(), state(2))
    found = checkpoints.load(tmp_path, SPEC)
    assert found is not None
    step = 2 if lost == "cleared" else 1
    assert found[1]["step"] == step
    assert torch.equal(found[0]["b"], torch.tensor(float(step)))
    checkpoints.save(tmp_path, tensors(3).items(), state(3))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.json", "step-3.safetensors"]


@pytest.mark.parametrize("damage", ["state.json", "step-1.safetensors"])
@pytest.mark.parametrize("left", [0, 20])
def test_one_that_the_disk_has_damaged_is_none(tmp_path, damage, left):
    checkpoints.save(tmp_path, tensors(1).items(), state(1))
    whole = (tmp_path / damage).read_bytes()
    (tmp_path / damage).write_bytes(whole[:left])
    assert checkpoints.load(tmp_path, SPEC) is None
    (tmp_path / damage).unlink()
    assert checkpoints.load(tmp_path, SPEC) is None


@pytest.mark.parametrize("fused", [False, True])
def test_an_optimiser_goes_on_as_if_it_had_not_stopped(tmp_path, fused):
    def learn(layer, optimiser, steps):
        for step in steps:
            optimiser.zero_grad(set_to_none=True)
            layer(torch.full((1, 3), 1.0 + step)).square().sum().backward()
            optimiser.step()

    def fresh():
        torch.manual_seed(0)
        layer = nn.Linear(3, 2)
        return layer, torch.optim.AdamW(layer.parameters(), lr=0.1, fused=fused)

    layer, optimiser = fresh()
    learn(layer, optimiser, range(5))
    stopped, its = fresh()
    learn(stopped, its, range(3))
    live = (*stopped.state_dict().items(), *checkpoints.of_optimiser(its))
    checkpoints.save(tmp_path, live, state(3))
    mended, other = fresh()
    found = checkpoints.load(tmp_path, SPEC)
    assert found is not None
    checkpoints.restore(found[0], mended.state_dict().items(), other)
    learn(mended, other, range(3, 5))
    assert torch.equal(mended.weight, layer.weight)
    assert torch.equal(mended.bias, layer.bias)
    assert not torch.equal(stopped.weight, layer.weight)


def test_the_state_is_json_that_anybody_can_read(tmp_path):
    checkpoints.save(tmp_path, tensors(1).items(), state(1))
    assert json.loads((tmp_path / "state.json").read_text(encoding="utf-8")) == state(1)
