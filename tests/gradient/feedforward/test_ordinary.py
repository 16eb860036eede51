"""Ordinary networks with quantised activations: their architecture, weights and traces."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.conversion import convert
from hetero_rsnn.gradient.feedforward.losses import spread
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP
from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryBlock, OrdinaryConvNet, OrdinaryMLP
from hetero_rsnn.gradient.feedforward.quantised import QCFS

pytestmark = pytest.mark.torch

SMALL = {"channels": (3, 5), "hidden": (6,), "seed": 2}


def matrices(network: nn.Module) -> list[torch.Tensor]:
    return [p for p in network.parameters() if p.dim() > 1]


@pytest.mark.parametrize("normalisation", ["batch", None])
@pytest.mark.parametrize(
    ("kinds", "arguments", "options"),
    [
        ((OrdinaryMLP, SpikingMLP), (12, 4), {"hidden": (7, 5), "seed": 1}),
        ((OrdinaryConvNet, SpikingConvNet), ((2, 7, 9), 4), SMALL),
        ((OrdinaryConvNet, SpikingConvNet), ((2, 7, 9), 4), SMALL | {"blocks": 0}),
        ((OrdinaryConvNet, SpikingConvNet), ((2, 7, 9), 4), SMALL | {"blocks": 2}),
    ],
)
def test_layers_are_those_of_the_spiking_network(kinds, arguments, options, normalisation):
    """Connections of the same sizes in the same order."""
    found, expected = (matrices(kind(*arguments, **options, normalisation=normalisation)) for kind in kinds)
    assert [p.shape for p in found] == [p.shape for p in expected]


@pytest.mark.parametrize("normalisation", ["batch", None])
def test_weights_at_the_beginning(normalisation):
    """Variance 2 / inputs of a unit, and 1 / inputs for the output and for shortcuts; no biases."""
    network = OrdinaryConvNet((20, 6, 6), 80, channels=(30, 60), hidden=(70,), normalisation=normalisation)
    for name, p in network.named_parameters():
        if p.dim() > 1:
            gain = 1 if "shortcut" in name or p.shape[0] == 80 else 2
            assert p.var().item() * p[0].numel() == pytest.approx(gain, rel=0.1), name
            assert abs(p.mean().item()) < 5 * p.std().item() / np.sqrt(p.numel())
        elif name.endswith("bias"):
            assert not p.any()
    biased = [m.bias is not None for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert biased == [normalisation is None] * (len(biased) - 1) + [True]


def test_no_global_random_state():
    before = torch.get_rng_state()
    network = OrdinaryConvNet((1, 8, 8), 3, channels=(3,), hidden=(5,), dropout=0.5).train()
    first = network(torch.ones(4, 1, 8, 8))
    assert torch.equal(torch.get_rng_state(), before)
    again = OrdinaryConvNet((1, 8, 8), 3, channels=(3,), hidden=(5,), dropout=0.5).train()
    assert torch.equal(again(torch.ones(4, 1, 8, 8)), first)  # the same masks
    other = OrdinaryConvNet((1, 8, 8), 3, channels=(3,), hidden=(5,), seed=1)
    assert not any(torch.equal(p, q) for p, q in zip(matrices(other), matrices(again), strict=True))


def test_dropout_has_a_mask_for_each_sample():
    network = OrdinaryMLP(4, 400, hidden=(200,), normalisation=None, dropout=0.5).train()
    dropout = network.layers[3]
    x = torch.ones(6, 200)
    left = dropout(x)
    assert set(left.unique().tolist()) == {0.0, 2.0}
    assert len({tuple(row.tolist()) for row in left}) == 6
    assert torch.equal(network.eval().layers[3](x), x)


def test_block_by_hand():
    """Convolution, normalisation, QCFS, convolution, normalisation, plus the shortcut, QCFS."""
    block = OrdinaryBlock(2, 3, halve=True, levels=5, theta=8.0).eval()
    x = torch.from_numpy(np.random.default_rng(0).uniform(0, 9, (4, 2, 5, 5)).astype(np.float32))
    pooled = nn.functional.avg_pool2d(x, 2, ceil_mode=True)
    weights = matrices(block)
    assert [tuple(w.shape) for w in weights] == [(3, 2, 3, 3), (3, 3, 3, 3), (3, 2, 1, 1)]
    norm, act = 1 / np.sqrt(1 + 1e-5), QCFS(5)
    inner = act(nn.functional.conv2d(pooled, weights[0], padding=1) * norm)
    outer = nn.functional.conv2d(inner, weights[1], padding=1) + nn.functional.conv2d(pooled, weights[2])
    assert inner.unique().numel() > 2
    np.testing.assert_allclose(block(x).detach(), act(outer * norm).detach(), atol=1e-5)
    same = OrdinaryBlock(2, 2)
    assert isinstance(same.shortcut, nn.Identity)


def test_without_levels_activations_are_relu():
    """What positive numbers scale with, as no QCFS does; the same weights, and nothing to convert."""
    options = {"channels": (3, 4), "hidden": (5,), "normalisation": None, "seed": 2}
    network, other = OrdinaryConvNet((1, 8, 8), 3, levels=None, **options), OrdinaryConvNet((1, 8, 8), 3, **options)
    assert network.spec() == {**other.spec(), "levels": None} and not [
        m for m in network.modules() if isinstance(m, QCFS)
    ]
    assert all(torch.equal(a, b) for a, b in zip(matrices(network), matrices(other), strict=True))
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 1, 8, 8)))
    network = network.double()
    torch.testing.assert_close(network(100 * x), 100 * network(x), rtol=1e-9, atol=1e-12)
    scores, drives = network.traced(x)
    assert torch.equal(scores, network(x)) and len(drives) == 6 and (drives[1] < 0).any()
    spread(drives).backward()
    assert network.layers[0].weight.grad.any()
    for one in (network, OrdinaryMLP(4, 3, hidden=(5,), levels=None)):
        with pytest.raises(HeteroError, match=r"\(ReLU\) cannot be converted, since an activation without a highest"):
            convert(one, 4)


def test_traced_gives_what_activations_got():
    """With gradients, so that RCS of an ordinary network can be trained."""
    network = OrdinaryConvNet((1, 8, 8), 3, channels=(3, 4), hidden=(5,))
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 1, 8, 8)).astype(np.float32))
    scores, drives = network.eval().traced(x)
    assert torch.equal(scores, network(x))
    assert [d.shape[1:] for d in drives] == [(3, 8, 8)] * 3 + [(4, 4, 4)] * 2 + [(5,)]
    first = network.layers[1](network.layers[0](x))
    assert torch.equal(drives[0], first) and bool((first < 0).any())
    spread(drives).backward()
    assert network.layers[0].weight.grad.abs().sum() > 0
    assert not any(m._forward_pre_hooks for m in network.modules())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: OrdinaryMLP(0, 3), "inputs must be a whole number >= 1, got 0"),
        (lambda: OrdinaryMLP(3, 0), "classes must be a whole number >= 1, got 0"),
        (lambda: OrdinaryMLP(3, 3, hidden=()), "hidden must name at least one layer, got none"),
        (lambda: OrdinaryMLP(3, 3, hidden=64), r"hidden must be a list of whole numbers, got 64: write hidden=\(64,\)"),
        (lambda: OrdinaryMLP(3, 3, levels=0), "levels must be a whole number >= 1"),
        (lambda: OrdinaryMLP(3, 3, normalisation="tebn"), "unknown normalisation 'tebn'"),
        (lambda: OrdinaryMLP(3, 3, dropout=1), "dropout must be below 1, got 1"),
        (lambda: OrdinaryMLP(3, 3, seed=-1), "seed must be a whole number >= 0, got -1"),
        (lambda: OrdinaryConvNet((8, 8)), r"shape must be \(channels, height, width\), got \(8, 8\)"),
        (lambda: OrdinaryConvNet(channels=()), "channels must name at least one stage, got none"),
        (lambda: OrdinaryConvNet(blocks=-1), "blocks must be a whole number >= 0, got -1"),
        (lambda: OrdinaryMLP(3, 3)(torch.ones(2, 4)), r"the input must have the shape \(batch, 3\), got \(2, 4\)"),
        (lambda: OrdinaryMLP(3, 3)([1.0, 2.0, 3.0]), "must be a tensor of floating point numbers, got list"),
        (lambda: OrdinaryMLP(3, 3)(torch.ones(2, 3).int()), "floating point numbers, got torch.int32: use x.float"),
        (lambda: OrdinaryConvNet()(torch.ones(2, 784)), r"must have the shape \(batch, 1, 28, 28\), got \(2, 784\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(HeteroError, match=message):
        call()


def test_thresholds_begin_as_asked():
    for make in (lambda **how: OrdinaryMLP(4, 3, **how), lambda **how: OrdinaryConvNet((1, 8, 8), 3, **how)):
        for how, theta in (({}, 2.0), ({"theta": 3.0}, 3.0)):
            found = [m.theta.item() for m in make(**how).modules() if isinstance(m, QCFS)]
            assert found and set(found) == {theta}
        with pytest.raises(HeteroError, match="theta must be"):
            make(theta=0.0)
