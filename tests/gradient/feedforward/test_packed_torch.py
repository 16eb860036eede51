"""Packed networks against the layers of torch that they stand for: the same spikes, bit for bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hetero_rsnn.gradient.feedforward.layers import pooled
from hetero_rsnn.gradient.feedforward.neurons import Neurons
from hetero_rsnn.gradient.feedforward.normalisation import BatchNorm
from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    PackedConv,
    PackedLinear,
    Shortcut,
    SpikingNeurons,
    folded_scale,
)
from hetero_rsnn.gradient.packed.network import PackedNetwork

pytestmark = pytest.mark.torch

STEPS, BATCH = 5, 6


def values(rng, shape):
    bounds = {"leak": (0.1, 0.95), "threshold": (0.2, 0.8), "start": (-0.2, 0.3)}
    return {name: rng.uniform(*ends, shape).astype(np.float32) for name, ends in bounds.items()}


def numbers(rng, outputs, fan_in):
    scale = rng.uniform(0.5, 2, outputs) / np.sqrt(fan_in)
    return scale.astype(np.float32), rng.normal(0.2, 0.2, outputs).astype(np.float32)


@pytest.mark.parametrize(
    ("reset", "ties", "amplitude"), list(itertools.product(["hard", "soft"], ["quiet", "fire"], [1.0, 0.5]))
)
def test_linear_layers(reset, ties, amplitude):
    rng = np.random.default_rng(0)
    sizes = (100, 70, 70, 33)
    kind = {"reset": reset, "ties": ties, "amplitude": amplitude}
    layers, parts = [], []
    for k, (a, b) in enumerate(itertools.pairwise(sizes)):
        own = values(rng, (a,)) if k else {"leak": 1.0, "threshold": 0.75, "start": 0.0}
        signs, (scale, offset) = np.where(rng.random((b, a)) < 0.5, -1, 1), numbers(rng, b, a)
        layers += [SpikingNeurons(**own, **kind), PackedLinear(signs, scale, offset)]
        parts += [(Neurons(**own, **kind), torch.tensor(signs, dtype=torch.float32), scale, offset)]
    x = (np.round(8 * rng.normal(0.3, 0.5, (STEPS, BATCH, 100))) / 8).astype(np.float32)
    y = torch.tensor(x)
    for neurons, weight, scale, offset in parts:
        y = F.linear(neurons(y), weight) * torch.tensor(scale) + torch.tensor(offset)
    found = PackedNetwork((100,), layers).run(x)
    np.testing.assert_array_equal(found, y.numpy())
    assert len(np.unique(found)) > 200


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_a_block_of_images(reset):
    """Normalisation, shortcut, stride and averages."""
    rng = np.random.default_rng(1)
    own, more = values(rng, (20, 1, 1)), values(rng, (24, 1, 1))
    first, second = (np.where(rng.random(s) < 0.5, -1, 1) for s in ((20, 20, 3, 3), (24, 20, 3, 3)))
    scale, _ = numbers(rng, 20, 180)
    norm = BatchNorm(20).eval()
    with torch.no_grad():
        for p, low in ((norm.weight, 0.5), (norm.bias, 0.1), (norm.running_mean, -0.5), (norm.running_var, 0.5)):
            p.copy_(torch.tensor(rng.uniform(low, low + 1, 20)))
        a, b = norm.affine()
        folded = folded_scale(scale, 0.0, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.epsilon)
        x = torch.tensor(rng.normal(0.3, 0.5, (STEPS, BATCH, 20, 7, 6)), dtype=torch.float32)
        s = Neurons(reset=reset, **own)(x)
        y = F.conv2d(s.flatten(0, 1), torch.tensor(first, dtype=torch.float32), padding=1).reshape(x.shape)
        y = y * (torch.tensor(scale) * a)[:, None, None] + b[:, None, None] + x
        s = Neurons(reset=reset, **own)(y)
        z = F.conv2d(s.flatten(0, 1), torch.tensor(second, dtype=torch.float32), padding=1, stride=2)
        z = z.reshape(STEPS, BATCH, 24, 4, 3) * 0.125
        spikes = pooled(Neurons(reset=reset, **more)(z), 2)
    torch.testing.assert_close(torch.tensor(folded[0]), torch.tensor(scale) * a, rtol=0, atol=0)
    network = PackedNetwork(
        (20, 7, 6),
        [
            SpikingNeurons(reset=reset, **own), PackedConv(first, *folded), Shortcut(-1),
            SpikingNeurons(reset=reset, **own), PackedConv(second, 0.125, stride=2),
            SpikingNeurons(reset=reset, **more), AveragePool(2),
        ],
    )  # fmt: skip
    found = network.run(x.numpy())
    np.testing.assert_array_equal(found, spikes.numpy())
    assert 0.05 < found.mean() < 0.9
