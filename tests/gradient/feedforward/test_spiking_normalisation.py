"""Normalisation over steps and samples, and its folding into weights of each step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.gradient.feedforward.folding import ScaledSigns, StepWeights
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear
from hetero_rsnn.gradient.feedforward.normalisation import TEBN, BatchNorm, Projection, folded
from hetero_rsnn.gradient.feedforward.one_bit import OneBitConv, OneBitLinear, use_one_bit
from hetero_rsnn.gradient.feedforward.states import Memory

pytestmark = pytest.mark.torch


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def random_statistics(module: torch.nn.Module, seed: int = 0) -> None:
    """As after a training: no scale is 1, no shift is 0, and p differs from step to step."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, BatchNorm):
                layer.weight.copy_(torch.tensor(rng.uniform(0.5, 1.8, layer.features)))
                layer.bias.copy_(torch.tensor(rng.normal(0.4, 0.3, layer.features)))
                layer.running_mean.copy_(torch.tensor(rng.normal(0, 0.5, layer.features)))
                layer.running_var.copy_(torch.tensor(rng.uniform(0.3, 2.0, layer.features)))
            if isinstance(layer, TEBN):
                layer.p.copy_(torch.tensor(rng.uniform(0.6, 1.5, layer.steps)))


@pytest.mark.parametrize("shape", [(4, 6, 3), (4, 6, 3, 5, 2)])
def test_statistics_are_over_steps_and_samples(shape):
    x = np.random.default_rng(0).normal(2.0, [[[1.0]], [[2.0]], [[3.0]], [[4.0]]], shape[:3])
    x = x if len(shape) == 3 else np.random.default_rng(1).normal(size=shape) + x[..., None, None]
    norm = TEBN(3, 4, momentum=0.2).double()
    random_statistics(norm)
    before = norm.running_mean.numpy().copy(), norm.running_var.numpy().copy()
    axes = tuple(a for a in range(x.ndim) if a != 2)
    spread = [1, 1, 3] + [1] * (x.ndim - 3)
    mean, var = x.mean(axes), x.var(axes)
    scale, shift, p = (v.detach().numpy() for v in (norm.weight, norm.bias, norm.p))
    expected = (x - mean.reshape(spread)) / np.sqrt(var.reshape(spread) + 1e-5) * scale.reshape(spread)
    expected = (expected + shift.reshape(spread)) * p.reshape(4, *[1] * (x.ndim - 1))
    np.testing.assert_allclose(norm(torch.tensor(x)).detach().numpy(), expected, atol=1e-12)
    count = x.size / 3
    np.testing.assert_allclose(norm.running_mean.numpy(), 0.8 * before[0] + 0.2 * mean, atol=1e-14)
    np.testing.assert_allclose(norm.running_var.numpy(), 0.8 * before[1] + 0.2 * var * count / (count - 1), atol=1e-13)


def test_tebn_begins_as_batch_norm():
    x = torch.rand(4, 8, 3)
    assert torch.equal(TEBN(3, 4)(x), BatchNorm(3)(x))
    norm = TEBN(3, 4)
    norm(x).square().sum().backward()
    assert norm.p.grad.abs().min() > 0


def test_in_evaluation_steps_may_come_one_by_one():
    norm = TEBN(3, 4).double().eval()
    random_statistics(norm)
    x = torch.rand(4, 8, 3, dtype=torch.float64)
    together = norm(x)
    norm.carry()
    assert torch.equal(torch.cat([norm(part) for part in x.split(1)]), together)
    with pytest.raises(hr.HeteroError, match="a layer for 4 steps cannot take 5: give 4 steps, or make one for 5"):
        norm(x[:1])
    norm.reset()
    assert torch.equal(norm(x[:2]), together[:2])


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", [BatchNorm, TEBN])
@pytest.mark.parametrize("kept", ["full", "1bit", "first stage"])
@pytest.mark.parametrize("conv", [False, True])
def test_folded_connections_do_the_same(conv, kept, kind, bias):
    if conv:
        layer = (Conv if kept == "full" else OneBitConv)(2, 3, 3, stride=2, pool=2, bias=bias, draw=draw())
    else:
        layer = (Linear if kept == "full" else OneBitLinear)(10, 3, bias=bias, draw=draw())
    layer = layer.double()
    use_one_bit(layer, on=kept == "1bit")
    if bias:
        torch.nn.init.normal_(layer.bias, generator=draw())
    norm = (kind(3) if kind is BatchNorm else kind(3, 4)).double().eval()
    random_statistics(norm)
    x = torch.rand(4, 5, *((2, 9, 7) if conv else (10,)), dtype=torch.float64)
    weights, statistics = layer.weight.detach().clone(), norm.running_mean.clone()
    expected, one = Projection(layer, norm)(x), folded(layer, norm)
    assert type(one) is ((StepWeights if kind is TEBN else type(layer)) if kept == "full" else ScaledSigns)
    torch.testing.assert_close(one(x), expected, rtol=0, atol=1e-13)
    assert torch.equal(layer.weight, weights) and torch.equal(norm.running_mean, statistics)
    a = norm.weight / torch.sqrt(norm.running_var + norm.epsilon)
    each = norm.p[:, None] * a if kind is TEBN else a
    if kept == "full" and kind is TEBN:
        ratio = one.weight / layer.weight
        torch.testing.assert_close(ratio, each.reshape(4, 3, *[1] * (layer.weight.dim() - 1)).expand_as(ratio))
    if kept == "1bit":
        assert np.array_equal(one.signs(), layer.signs()) and one.signs().dtype == np.int8
        np.testing.assert_allclose(one.scale(), (each * torch.tensor(layer.scale())).detach(), rtol=1e-13)
        assert one.offset().shape == one.scale().shape
    elif kept == "first stage":
        for call in (one.signs, one.scale):
            refused(call, "have full weights, and no signs: use_one_bit(network) first")
    if kind is TEBN:
        together, memory = one(x), Memory(one)
        for t in range(4):
            with memory:
                assert torch.equal(one(x[t : t + 1])[0], together[t])
    if isinstance(one, StepWeights | ScaledSigns):
        assert torch.equal(one.fan_out(x.shape[2:]), layer.fan_out(x.shape[2:]))
        assert one.products(x.shape[2:]) == layer.products(x.shape[2:]) and not one.analog
        names = {"weight", "bias"} if kept == "full" else {"weight", "scales", "offsets", "binary"}
        assert not list(one.parameters()) and set(one.state_dict()) == names


def test_signs_without_normalisation_keep_scale_and_bias():
    layer = OneBitConv(2, 3, 3, draw=draw())
    torch.nn.init.normal_(layer.bias, generator=draw())
    one = Projection(layer).folded()
    assert np.array_equal(one.scale(), layer.scale()) and np.array_equal(one.offset(), layer.bias.detach())
    x = (torch.rand(3, 5, 2, 6, 6) < 0.3).float()
    assert torch.equal(one(x), layer(x)) and torch.equal(one(x[:2]), layer(x)[:2])  # any number of steps
    assert not Projection(OneBitConv(2, 3, 3, bias=False, draw=draw())).folded().offset().any()


def test_without_normalisation_folding_copies():
    layer = Linear(4, 3, draw=draw())
    one = Projection(layer).folded()
    assert one is not layer and torch.equal(one.weight, layer.weight)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_another_number_of_steps_is_refused(steps):
    layer = Linear(6, 3, draw=draw())
    both = [folded(kind, TEBN(3, 4)) for kind in (layer, OneBitLinear(6, 3, draw=draw()))]
    for one in (TEBN(3, 4).eval(), TEBN(3, 4), *both):
        with pytest.raises(hr.HeteroError, match=f"a layer for 4 steps cannot take {steps}"):
            one(torch.rand(steps, 2, 6 if one in both else 3))
    for one in both:
        one.carry()
        one(torch.rand(3, 2, 6))
        with pytest.raises(hr.HeteroError, match="a layer for 4 steps cannot take 5"):
            one(torch.rand(2, 2, 6))


def test_training_needs_all_steps_and_two_values():
    with pytest.raises(hr.HeteroError, match="a normalisation needs all steps at once while training"):
        BatchNorm(3).carry()(torch.rand(1, 8, 3))
    with pytest.raises(hr.HeteroError, match="needs two values of each feature while training, got 1"):
        BatchNorm(3)(torch.rand(1, 1, 3))
    with pytest.raises(hr.HeteroError, match="features must be a whole number >= 1, got 0"):
        BatchNorm(0)
    with pytest.raises(hr.HeteroError, match="steps must be a whole number >= 1, got 0"):
        TEBN(3, 0)
