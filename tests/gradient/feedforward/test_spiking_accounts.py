"""Spikes and operations, counted again by brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hetero_rsnn.gradient.feedforward.accounts import _weighted
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear, Straight
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP

pytestmark = pytest.mark.torch


def brute_force(layer, shape) -> np.ndarray:
    """How many outputs each input changes, weights of 1: one input after the other."""
    layer = layer.double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1.0)
        if getattr(layer, "bias", None) is not None:
            layer.bias.zero_()
        found = np.zeros(shape)
        for place in np.ndindex(*shape):
            x = torch.zeros(1, 1, *shape, dtype=torch.float64)
            x[(0, 0, *place)] = 1.0
            found[place] = (layer(x) != 0).sum().item()
    return found


@pytest.mark.parametrize("pool", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 3, 5])
@pytest.mark.parametrize("size", [(7, 6), (5, 8)])
def test_fan_out_of_convolutions(width, stride, pool, size):
    layer, shape = Conv(2, 4, width, stride=stride, pool=pool, draw=torch.Generator()), (2, *size)
    found = layer.fan_out(shape)
    np.testing.assert_array_equal(found.numpy(), brute_force(layer, shape))
    assert found.shape == shape


def test_fan_out_of_others():
    for layer, shape in ((Linear(6, 5, draw=torch.Generator()), (6,)), (Straight(), (2, 3, 3))):
        np.testing.assert_array_equal(layer.fan_out(shape).numpy(), brute_force(layer, shape))
    layer = Linear(2 * 3 * 2, 5, pool=2, draw=torch.Generator())
    np.testing.assert_array_equal(layer.fan_out((2, 5, 4)).numpy(), brute_force(layer, (2, 5, 4)))


def test_account_of_an_mlp():
    network = SpikingMLP(12, 3, hidden=(9, 7), steps=5, seed=1)
    x = torch.rand(8, 12, generator=torch.Generator().manual_seed(0))
    found = network.account(x)
    assert network.training
    with torch.no_grad():
        _, kept = network.eval().traced(x)
    spikes = [k.spikes.sum(2).numpy() for k in kept]
    assert found.layers == ("1", "3") and found.connections == ("0.synapses", "2.synapses", "4")
    np.testing.assert_array_equal(found.neurons, [9, 7])
    np.testing.assert_array_equal(found.spikes, np.stack(spikes))
    np.testing.assert_array_equal(found.synaptic_operations, [0 * spikes[0], 7 * spikes[0], 3 * spikes[1]])
    expected = np.zeros((3, 5, 8))
    expected[0, 0] = 12 * 9  # an image that stays is multiplied once
    np.testing.assert_array_equal(found.multiply_accumulates, expected)
    assert found.spikes.dtype == np.int64 and found.spikes.sum() > 20
    assert found.rate == pytest.approx(np.mean(np.concatenate([k.spikes.numpy().ravel() for k in kept])))


def test_account_of_inputs_that_change():
    network = SpikingMLP(12, 3, hidden=(9,), steps=5, coding="rate", seed=1)
    x = torch.rand(8, 12, generator=torch.Generator().manual_seed(0))
    found = network.account(x)
    coded = network.eval().coding(x)
    np.testing.assert_array_equal(found.synaptic_operations[0], 9 * coded.sum(2).numpy())
    assert not found.multiply_accumulates.any()
    counts = torch.poisson(torch.full((8, 5, 12), 0.5), generator=torch.Generator().manual_seed(0))
    found = network.account(counts)
    np.testing.assert_array_equal(found.synaptic_operations[0], 9 * counts.sum(2).T.numpy())
    found = network.account(counts + 0.5)  # no events: products in each step
    np.testing.assert_array_equal(found.multiply_accumulates[0], np.full((5, 8), 12 * 9))
    assert not found.synaptic_operations[0].any()


@pytest.mark.parametrize("pool", ["average", "stride"])
def test_account_of_blocks_by_brute_force(pool):
    """Each spike of each layer is followed to all its targets."""
    network = SpikingConvNet((1, 7, 6), 3, channels=(2, 3), steps=3, pool=pool, normalisation="tebn", seed=4).eval()
    x = torch.rand(4, 1, 7, 6, generator=torch.Generator().manual_seed(0))
    found = network.account(x)
    with torch.no_grad():
        _, kept = network.traced(x)
    spikes = dict(zip(found.layers, [k.spikes.numpy() for k in kept], strict=True))
    assert found.layers == ("1", "2.inner", "2.outer", "3.inner", "3.outer")
    feeds = {
        "2.first.synapses": "1", "2.second.synapses": "2.inner", "2.shortcut": "1", "3.first.synapses": "2.outer",
        "3.second.synapses": "3.inner", "3.shortcut.synapses": "2.outer", "4": "3.outer",
    }  # fmt: skip
    assert set(found.connections) == {"0.synapses", *feeds}
    layers = dict(network.layers.named_modules())
    for name, source in feeds.items():
        targets = brute_force(layers[name], spikes[source].shape[2:])
        expected = (spikes[source] * targets).reshape(3, 4, -1).sum(2)
        np.testing.assert_array_equal(found.synaptic_operations[found.connections.index(name)], expected)
        assert expected.sum() > 0
    first = found.connections.index("0.synapses")
    products = brute_force(layers["0.synapses"], (1, 7, 6)).sum()
    np.testing.assert_array_equal(found.multiply_accumulates[first], [[products] * 4, [0] * 4, [0] * 4])


def test_account_of_shortcuts_between_analog_sums():
    """Spikes are followed to their targets; what is analog is multiplied in each step, after averages."""
    network = SpikingConvNet((1, 7, 6), 3, channels=(2, 3), hidden=(8,), steps=3, weights="1bit", shortcuts=True).eval()
    x = torch.rand(4, 1, 7, 6, generator=torch.Generator().manual_seed(0))
    found = network.account(x)
    with torch.no_grad():
        _, kept = network.traced(x)
    spikes = dict(zip(found.layers, [k.spikes.numpy() for k in kept], strict=True))
    layers = dict(network.layers.named_modules())
    feeds = {f"{k}.main.synapses": f"{k}.neurons" for k in range(1, 6)} | {"7": "6"}
    for name, source in feeds.items():
        expected = (spikes[source] * brute_force(layers[name], spikes[source].shape[2:])).reshape(3, 4, -1).sum(2)
        row = found.connections.index(name)
        np.testing.assert_array_equal(found.synaptic_operations[row], expected)
        assert expected.sum() > 0 and not found.multiply_accumulates[row].any()
    # 1 x 1 from 2 to 3 channels at 4 x 3 averages; of 3 averages over the whole image to 8 units.
    for name, products in (("3.shortcut.synapses", 2 * 3 * 4 * 3), ("5.shortcut.synapses", 3 * 8)):
        row = found.connections.index(name)
        assert (found.multiply_accumulates[row] == products).all() and not found.synaptic_operations[row].any()
    assert set(found.connections) == {"0.synapses", *feeds, "3.shortcut.synapses", "5.shortcut.synapses"}


@pytest.mark.parametrize("options", [{}, {"weights": "1bit"}, {"weights": "1bit", "shortcuts": True}])
def test_folding_changes_no_count_of_spikes(options):
    network = SpikingConvNet((1, 7, 6), 3, channels=(2, 3), steps=3, normalisation="tebn", seed=4, **options)
    network = network.eval().double()
    x = torch.rand(4, 1, 7, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one, other = network.account(x), network.folded().account(x)
    np.testing.assert_array_equal(one.spikes, other.spikes)
    np.testing.assert_array_equal(one.synaptic_operations, other.synaptic_operations)
    assert one.spikes.sum() > 50
    # Weights of each step: an image that stays is multiplied in each step.
    np.testing.assert_array_equal(other.multiply_accumulates[0], np.repeat(one.multiply_accumulates[0, :1], 3, axis=0))
    np.testing.assert_array_equal(other.multiply_accumulates[1:], one.multiply_accumulates[1:])
    assert one.multiply_accumulates[1:].any() == ("shortcuts" in options)


def test_sums_beyond_single_precision_are_exact():
    """Of spikes times targets, in pieces that single precision can hold."""
    rng = np.random.default_rng(0)
    targets = torch.from_numpy(rng.integers(1, 5000, (30, 40, 40)).astype(float))
    spikes = torch.from_numpy(rng.random((2, 3, 30, 40, 40)) < 0.7)
    wanted = (spikes.double() * targets).flatten(2).sum(2)
    assert float(wanted.min()) > 2**26
    assert torch.equal(_weighted(spikes, targets), wanted)
    assert torch.equal(_weighted(spikes.float() * 2, targets), 2 * wanted)
    assert torch.allclose(_weighted(spikes, targets / 3), wanted / 3, rtol=1e-12)
