"""Packed networks against a plain loop over float32 arrays, bit for bit."""

from __future__ import annotations

import itertools
import math
import pickle
import sys

import numpy as np
import pytest
from helpers import refused
from hypothesis import given
from hypothesis import strategies as st
from packed_loop import run

import hetero_rsnn as hr
from hetero_rsnn.gradient.packed import network as module
from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    FullConv,
    FullLinear,
    PackedConv,
    PackedLinear,
    Shortcut,
    SpikingNeurons,
    layer_of,
)
from hetero_rsnn.gradient.packed.network import PackedNetwork


class Maker:
    """Layers with heterogeneous numbers."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def signs(self, *shape):
        return np.where(self.rng.random(shape) < 0.5, -1, 1)

    def scales(self, outputs, fan_in):
        scale = self.rng.uniform(0.5, 2.0, outputs) / np.sqrt(fan_in)
        return {"scale": scale * self.rng.choice([-1, 1], outputs), "offset": self.rng.normal(0.2, 0.3, outputs)}

    def linear(self, inputs, outputs, **pool):
        return PackedLinear(self.signs(outputs, inputs), **self.scales(outputs, inputs), **pool)

    def conv(self, inputs, outputs, width, stride=1, **pool):
        signs = self.signs(outputs, inputs, width, width)
        return PackedConv(signs, **self.scales(outputs, inputs * width**2), stride=stride, **pool)

    def full(self, inputs, outputs, *width, **stride):
        weight = self.rng.normal(size=(outputs, inputs, *width)) / np.sqrt(inputs)
        return (FullConv if width else FullLinear)(weight, self.rng.normal(0.3, 0.3, outputs), **stride)

    def neurons(self, shape=(), **more):
        draw = self.rng.uniform
        values = {"leak": draw(0.2, 0.95, shape), "threshold": draw(0.3, 0.9, shape)}
        values |= {"start": draw(-0.2, 0.2, shape), "bias": draw(-0.1, 0.2, shape)}
        return SpikingNeurons(**{**values, **more})


def same(network, x, steps=None):
    """The outputs, which are those of the plain loop."""
    found = network.run(x, steps)
    wanted = run(network, x, len(found))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted)
    return found


@pytest.mark.parametrize(
    ("reset", "ties", "kind"), list(itertools.product(["hard", "soft"], ["quiet", "fire"], ["lif", "if", "unit"]))
)
def test_neurons_do_what_a_plain_loop_does(reset, ties, kind):
    make = Maker(1)
    given = {"lif": {"leak": 0.7, "threshold": 0.75}, "if": {"leak": 1.0, "threshold": 0.75, "start": 0.5}, "unit": {}}
    layer = make.neurons((37,) if kind == "unit" else (), reset=reset, ties=ties, **given[kind])
    x = np.round(4 * make.rng.normal(0.4, 0.6, (9, 5, 37))) / 4  # in quarters: ties occur
    found = same(PackedNetwork((37,), [layer]), x)
    assert 0.1 < found.mean() < 0.8
    if kind == "if":
        other = "quiet" if ties == "fire" else "fire"
        twin = PackedNetwork((37,), [make.neurons(reset=reset, ties=other, bias=layer.bias, **given["if"])])
        tied = PackedNetwork((37,), [make.neurons(reset=reset, ties=ties, bias=layer.bias, **given["if"])])
        exact = np.where(make.rng.random(x.shape) < 0.5, 0.25 - layer.bias, 0.0)
        same(tied, exact)
        same(twin, exact)


def test_ties_decide():
    x = np.full((1, 1, 20), 1.0, np.float32)
    assert not PackedNetwork((20,), [SpikingNeurons()]).run(x, 1).any()
    assert PackedNetwork((20,), [SpikingNeurons(ties="fire")]).run(x, 1).all()


def test_product_and_sum_are_rounded_one_by_one():
    """Potentials at which one rounding and two decide otherwise: a fused operation would be found out."""
    rng = np.random.default_rng(0)
    leak = rng.uniform(0.1, 1, 100_000).astype(np.float32)
    u = rng.uniform(0.1, 0.9, leak.size).astype(np.float32)
    x = rng.uniform(0.1, 0.9, leak.size).astype(np.float32)
    twice = leak * u + x
    once = (leak.astype(np.float64) * u + x).astype(np.float32)
    other = twice != once
    leak, u, x, twice, once = (q[other] for q in (leak, u, x, twice, once))
    assert len(u) > 1000
    threshold = np.minimum(twice, once)
    layer = SpikingNeurons(leak=leak, threshold=threshold, start=u)
    found = PackedNetwork((len(u),), [layer]).run(x[None], 1)[0, 0]
    np.testing.assert_array_equal(found, twice > once)


@given(
    st.integers(1, 140), st.integers(1, 70), st.integers(1, 130), st.integers(1, 11), st.integers(1, 4),
    st.sampled_from(["hard", "soft"]), st.booleans(), st.sampled_from([1.0, 0.7, -1.5]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_layers_of_all_sizes(inputs, hidden, more, samples, steps, reset, leaky, amplitude, seed):
    make = Maker(seed)
    leak = {} if leaky else {"leak": 0.0}
    layers = [
        make.full(inputs, hidden), make.neurons((hidden,), reset=reset, amplitude=amplitude),
        make.linear(hidden, more), make.neurons((more,), reset=reset, **leak),
        make.linear(more, hidden), Shortcut(1), make.neurons((1,), reset=reset),
        make.linear(hidden, 5), Shortcut(3, [make.linear(more, 5)]),
    ]  # fmt: skip
    network = PackedNetwork((inputs,), layers)
    assert network.folded == (() if leaky else (2,))
    held = make.rng.random((samples, inputs))
    same(network, held, steps)
    same(network, make.rng.random((steps, samples, inputs)))


@given(
    st.integers(1, 70), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.integers(1, 3),
    st.sampled_from([1, 3]), st.sampled_from([1, 2]), st.booleans(), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_convolutions_of_all_sizes(channels, outputs, high, wide, samples, width, stride, leaky, seed):
    make = Maker(seed)
    leak = {} if leaky else {"leak": 0.0}
    layers = [
        make.neurons((channels, 1, 1)), make.conv(channels, outputs, width, stride),
        make.neurons((outputs, 1, 1), reset="soft", **leak), make.conv(outputs, outputs, 3),
    ]  # fmt: skip
    network = PackedNetwork((channels, high, wide), layers)
    found = same(network, make.rng.random((samples, channels, high, wide)), 2)
    assert found.shape == (2, samples, outputs, -(-high // stride), -(-wide // stride))
    assert network.folded == (() if leaky else (1,))


@given(
    st.integers(1, 70), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.integers(1, 6),
    st.sampled_from([1, 3, 5]), st.sampled_from([1, 2]), st.booleans(), st.sampled_from([1.0, -0.5]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_averages_before_layers_of_all_sizes(
    channels, outputs, high, wide, samples, width, stride, leaky, amplitude, seed
):
    """Squares of 2 x 2, in odd images too, before convolutions and layers connected all to all."""
    make = Maker(seed)
    leak = {} if leaky else {"leak": 0.0}
    ends = [math.ceil(math.ceil(math.ceil(n / 2) / stride) / 2) for n in (high, wide)]
    layers = [
        make.neurons((channels, 1, 1), amplitude=amplitude), make.conv(channels, outputs, width, stride, pool=2),
        make.neurons((outputs, 1, 1), reset="soft", **leak), make.linear(outputs * ends[0] * ends[1], 21, pool=2),
        make.neurons((21,), **leak), make.linear(21, 5),
    ]  # fmt: skip
    network = PackedNetwork((channels, high, wide), layers)
    assert network.folded == (() if leaky else (1, 3))
    x = make.rng.random((samples, channels, high, wide))
    found = same(network, x, 3)
    np.testing.assert_array_equal(network.run(x[-1:], 3), found[:, -1:])


def test_averages_of_spikes_are_quarters():
    """By hand: three of four fire, a column at the edge of which one of two fires, a corner that fires."""
    spikes = np.array([[[1, 1, 0], [0, 1, 1], [0, 0, 1]]], np.float32)
    linear = PackedNetwork((1, 3, 3), [PackedLinear([[1, -1, 1, 1], [1, 1, 1, -1]], [1.0, 4.0], pool=2)], steps=1)
    assert linear.run(spikes[None]).tolist() == [[[1.25, 1.0]]]
    kernel = np.ones((1, 1, 3, 3))
    kernel[0, 0, 1, 1] = -1
    conv = PackedNetwork((1, 3, 3), [PackedConv(kernel, pool=2)], steps=1)
    assert conv.run(spikes[None]).tolist() == [[[[[0.75, 1.25], [2.25, 0.25]]]]]


def images(seed=0, classes=10):
    """A network for images of all kinds of layers, of which shortcuts change the shape."""
    make = Maker(seed)
    own = make.neurons((20, 4, 3), reset="soft")  # numbers of each pixel
    return make, PackedNetwork(
        (3, 7, 6),
        [
            make.full(3, 12, 3, 3), make.neurons((12, 1, 1)), make.conv(12, 12, 3), Shortcut(0),
            make.neurons((12, 1, 1)), make.conv(12, 20, 3, stride=2),
            Shortcut(3, [AveragePool(2), make.full(12, 20, 1, 1)]), own, make.conv(20, 20, 1), Shortcut(6),
            make.neurons((20, 1, 1), leak=0.0), make.conv(20, 33, 3), make.neurons((33, 1, 1), leak=0.0),
            make.linear(33 * 12, 17), make.neurons((17,), leak=0.0, amplitude=0.5), make.linear(17, 40),
            make.neurons((40,)), make.full(40, classes),
        ],
    )  # fmt: skip


def test_images_through_all_kinds_of_layers():
    make, network = images()
    x = make.rng.random((9, 3, 7, 6))
    found = same(network, x, 4)
    assert network.folded == (11, 13) and len(np.unique(found)) > 50
    np.testing.assert_array_equal(network.run(np.broadcast_to(x, (4, *x.shape))), found)
    many = make.rng.random((80, 3, 7, 6)).astype(np.float32)
    whole = network.run(many, 3)
    for threads in (2, 3):
        np.testing.assert_array_equal(network.run(many, 3, threads=threads), whole)
    np.testing.assert_array_equal(np.concatenate([network.run(many[k : k + 1], 3) for k in range(80)], 1), whole)
    again = PackedNetwork(network.shape, network.layers)
    np.testing.assert_array_equal(again.run(many, 3), whole)


def test_a_head_on_images_takes_channels_first():
    make = Maker(3)
    layers = [make.conv(5, 18, 3), make.neurons(()), AveragePool(2), make.full(18 * 6, 4)]
    same(PackedNetwork((5, 3, 6), layers), (make.rng.random((3, 5, 3, 6)) < 0.5).astype(np.float32), 3)
    pooled = PackedNetwork((5, 3, 6), [*layers[:2], AveragePool(9), make.full(18, 4)])
    same(pooled, (make.rng.random((2, 5, 3, 6)) < 0.5).astype(np.float32), 3)


def test_what_does_not_change_is_done_once_and_right():
    """Layers before the first neurons, on an input that is held; and shortcuts that come back to them."""
    make = Maker(4)
    layers = [
        make.full(3, 9, 3, 3), AveragePool(2), make.neurons((9, 1, 1)), make.conv(9, 9, 3), Shortcut(1),
        make.neurons((9, 1, 1)), make.conv(9, 9, 3), Shortcut(-1, [AveragePool(2), make.full(3, 9, 1, 1)]), Shortcut(2),
    ]  # fmt: skip
    network = PackedNetwork((3, 5, 8), layers)
    same(network, make.rng.random((3, 3, 5, 8)), 5)
    same(network, make.rng.random((5, 3, 3, 5, 8)))


def test_spikes_may_come_in():
    make = Maker(5)
    spikes = make.rng.random((6, 4, 100)) < 0.4
    for leak in (0.0, 0.5):
        network = PackedNetwork((100,), [make.linear(100, 30), make.neurons((30,), leak=leak), make.linear(30, 3)])
        same(network, spikes.astype(np.float32))
        same(network, spikes[0].astype(np.float32), 4)
        refused(lambda network=network: network.run(0.5 * spikes), "0 or 1", "0.5")


def test_deep_networks_reuse_their_memory():
    make = Maker(6)
    layers = [make.neurons()]
    for _ in range(6):
        layers += [make.linear(50, 50), Shortcut(len(layers) - 3) if len(layers) > 3 else Shortcut(-1), make.neurons()]
    network = PackedNetwork((50,), layers)
    same(network, make.rng.random((5, 50)), 4)
    assert network._program.sizes[0] <= 8 * 64


def test_sizes():
    _, network = images()
    assert network.bits == 9 * 12 * 12 + 9 * 12 * 20 + 20 * 20 + 9 * 20 * 33 + 33 * 12 * 17 + 17 * 40
    square = PackedNetwork((256,), [Maker(0).linear(256, 256)])
    assert square.bits == 256**2 and square.weight_bytes == 256**2 // 8


def test_what_is_not_compiled_is_refused(monkeypatch):
    module._execute.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr("hetero_rsnn.common.compiled.COMPILED", False)
        network = PackedNetwork((4,), [PackedLinear(np.ones((2, 4)))])
        refused(lambda: network.run(np.ones((1, 4))), "running a packed network", "NUMBA_DISABLE_JIT")
    assert network.run(np.ones((1, 4)), 1).tolist() == [[[4, 4]]]


def test_copies_for_other_processes():
    make, network = images()
    x = make.rng.random((3, 3, 7, 6))
    again = pickle.loads(pickle.dumps(network))
    assert again.steps == network.steps and repr(again) == repr(network)
    np.testing.assert_array_equal(again.run(x), network.run(x))


def test_packing_without_torch_names_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("hetero_rsnn.gradient.feedforward")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(vars(hr), "pack", raising=False)
    refused(lambda: hr.pack, "torch", "hetero-rsnn[gradient]")


def test_public_names():
    assert hr.PackedNetwork is PackedNetwork
    assert "PackedLinear" in repr(PackedNetwork((4,), [PackedLinear(np.ones((2, 4)))]))


def net(*layers, shape=(4,), **more):
    return lambda: PackedNetwork(shape, list(layers), **more)


ONES = np.ones((3, 4))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (net(), ["at least one layer"]),
        (net(shape=4), ["shape must be"]),
        (net(PackedLinear(ONES), shape=(0,)), ["size", ">= 1"]),
        (net(PackedLinear(ONES), steps=0), ["steps", ">= 1", "got 0"]),
        (net("dense"), ["layers", "str"]),
        (lambda: PackedNetwork((4,), PackedLinear(ONES)), ["list"]),
        (net(PackedLinear(ONES), shape=(5,)), ["layer 0 (PackedLinear)", "4 inputs", "gets 5"]),
        (net(PackedLinear(ONES), PackedLinear(np.ones((2, 3)))), ["layer 1", "takes spikes", "SpikingNeurons"]),
        (net(FullConv(np.ones((2, 4, 3, 3)))), ["images of 4 channels", "(4,)"]),
        (net(FullConv(np.ones((2, 4, 3, 3))), shape=(3, 5, 5)), ["4 channels", "(3, 5, 5)"]),
        (net(AveragePool(2)), ["averages over images"]),
        (net(PackedLinear(ONES, pool=2)), ["layer 0 (PackedLinear)", "averages over images", "(4,)"]),
        (net(PackedLinear(ONES, pool=2), shape=(1, 3, 5)), ["takes 4 inputs, gets 6", "in squares of 2 x 2"]),
        (lambda: PackedLinear(ONES, pool=3), ["pool", "got 3"]),
        (lambda: PackedConv(np.ones((2, 3, 3, 3)), pool=0), ["pool", "got 0"]),
        (net(PackedLinear(ONES), Shortcut(-1)), ["layer 1 (Shortcut)", "(4,)", "(3,)"]),
        (net(PackedLinear(ONES), Shortcut(3)), ["earlier layer", "got 3"]),
        (net(PackedLinear(ONES), SpikingNeurons(leak=[0.5, 0.5])), ["layer 1", "leak", "(2,)", "(3,)"]),
        (net(PackedLinear(ONES), SpikingNeurons(leak=0.0, start=[0.5, 0.5])), ["layer 1", "start", "(2,)"]),
        (net(PackedLinear(ONES), SpikingNeurons(leak=np.ones((1, 3)))), ["leak", "(1, 3)"]),
        (lambda: PackedLinear(np.zeros((2, 3))), ["+1 or -1", "got 0"]),
        (lambda: PackedLinear(np.ones(3)), ["(outputs, inputs)"]),
        (lambda: PackedLinear(ONES, scale=[1, 2]), ["scale", "or 3", "(2,)"]),
        (lambda: PackedLinear(ONES, scale=1e300), ["scale", "float32"]),
        (lambda: PackedLinear(ONES, offset=np.nan), ["offset", "finite"]),
        (lambda: PackedConv(np.ones((2, 3, 3))), ["(outputs, inputs, width, width)"]),
        (lambda: PackedConv(np.ones((2, 3, 2, 2))), ["odd"]),
        (lambda: PackedConv(np.ones((2, 3, 3, 1))), ["square"]),
        (lambda: PackedConv(np.ones((2, 3, 3, 3)), stride=0), ["stride", ">= 1"]),
        (lambda: FullLinear(np.ones(3)), ["weight", "(outputs, inputs)"]),
        (lambda: FullLinear(np.ones((2, 3)), bias=[1, 2, 3]), ["bias", "or 2"]),
        (lambda: SpikingNeurons(leak=1.5), ["leak", "from 0 to 1", "1.5"]),
        (lambda: SpikingNeurons(threshold=[1.0, 0.0]), ["threshold", "> 0", "got 0"]),
        (lambda: SpikingNeurons(reset="soff"), ["reset", "hard, soft"]),
        (lambda: SpikingNeurons(ties="none"), ["ties", "quiet, fire"]),
        (lambda: SpikingNeurons(amplitude=[1.0, 2.0]), ["amplitude", "one number"]),
        (lambda: SpikingNeurons(amplitude=1e300), ["amplitude", "float32"]),
        (lambda: AveragePool(0), ["width", ">= 1"]),
        (lambda: AveragePool(10**30), ["width", "<= 2147483647"]),
        (lambda: PackedConv(np.ones((2, 3, 3, 3)), stride=10**30), ["stride", "<= 2147483647"]),
        (lambda: FullConv(np.ones((2, 3, 3, 3)), stride=10**30), ["stride", "<= 2147483647"]),
        (lambda: Shortcut(0, AveragePool(2)), ["path", "list"]),
        (lambda: Shortcut(0, [SpikingNeurons()]), ["path", "SpikingNeurons"]),
        (lambda: Shortcut(-2), ["source", ">= -1"]),
        (lambda: layer_of("packed_liner", {}, {}), ["packed_liner", "did you mean 'packed_linear'"]),
        (lambda: layer_of("packed_linear", {}, {"inputs": 3}), ["words, scale, offset, inputs"]),
    ],
)  # fmt: skip
def test_one_line_refuses_what_is_no_network(call, words):
    refused(call, *words)


@pytest.mark.parametrize(
    ("x", "steps", "words"),
    [
        (np.ones(4), None, ["x"]),
        (np.ones((2, 5)), None, ["(samples, 4)", "(2, 5)"]),
        (np.ones((1, 1, 2, 4)), None, ["dimension"]),
        (np.ones((0, 4)), None, ["empty"]),
        (np.ones((2, 4)), 0, ["steps", ">= 1"]),
        (np.ones((2, 4)), 1.5, ["steps", "whole"]),
        (np.ones((3, 2, 4)), 2, ["3 steps", "steps=2"]),
        (np.full((2, 4), np.inf), None, ["finite"]),
        (np.full((2, 4), np.nan, np.float32), None, ["finite"]),
        (np.full((2, 4), 1e300), None, ["float32"]),
        (np.full((2, 4), "a"), None, ["real numbers"]),
    ],
)
def test_one_line_refuses_what_is_no_input(x, steps, words):
    network = PackedNetwork((4,), [SpikingNeurons(), PackedLinear(ONES)])
    refused(lambda: network.run(x, steps), *words)
    refused(lambda: network.run(np.ones((2, 4)), threads=0), "threads")
