"""Feed-forward NIR graphs: read from their files, and executed by one who knows NIR alone."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    FullConv,
    FullLinear,
    PackedConv,
    PackedLinear,
    Shortcut,
    SpikingNeurons,
)

nir = pytest.importorskip("nir")


def export(network: Any, path: Path, **options: Any) -> Any:
    """The graph as another program reads it."""
    with pytest.warns(hr.NIRWarning, match="NIR does not hold"):
        graph = hr.feedforward_to_nir(network, **options)
    nir.write(path / "graph.nir", graph)
    return nir.read(path / "graph.nir")


def convolved(x: np.ndarray, node: Any) -> np.ndarray:
    (stride, _), (pad, _) = node.stride, node.padding
    around = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    seen = np.lib.stride_tricks.sliding_window_view(around, node.weight.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    assert node.groups == 1
    return np.einsum("nchwij,ocij->nohw", seen, node.weight) + np.asarray(node.bias)[:, None, None]


def execute(graph: Any, x: np.ndarray, steps: int, dt: float, integration: str) -> np.ndarray:
    """Outputs (steps, samples, ...) of a graph without circles, by the equations of NIR; a spike is 1 for a step."""
    state: dict[str, np.ndarray] = {}
    out = []
    for _ in range(steps):
        known = {"input": x}

        def value(name: str, known: dict[str, np.ndarray] = known) -> np.ndarray:
            if name in known:
                return known[name]
            given = sum(value(source) for source, target in graph.edges if target == name)
            node = graph.nodes[name]
            if isinstance(node, nir.LIF | nir.IF):
                v = state.get(name, np.zeros(given.shape))
                if isinstance(node, nir.IF):
                    v = v + dt * node.r * given
                elif integration == "euler":
                    v = v + dt / node.tau * (node.v_leak - v + node.r * given)
                else:
                    ends = node.v_leak + node.r * given
                    v = ends + (v - ends) * np.exp(-dt / node.tau)
                fired = v > node.v_threshold
                state[name] = np.where(fired, node.v_reset, v)
                found = fired.astype(float)
            elif isinstance(node, nir.Conv2d):
                found = convolved(given, node)
            elif isinstance(node, nir.AvgPool2d):
                (h, w), (n, c, high, wide) = node.kernel_size, given.shape
                assert np.array_equal(node.stride, node.kernel_size) and not np.any(node.padding)
                found = given.reshape(n, c, high // h, h, wide // w, w).mean((3, 5))
            elif isinstance(node, nir.Flatten):
                found = given.reshape(len(given), -1)
            elif isinstance(node, nir.Output):
                found = given
            else:
                found = given @ node.weight.T + getattr(node, "bias", 0.0)
            known[name] = found
            return found

        out.append(value("output"))
    return np.stack(out)


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.where(rng.random(shape) < 0.5, -1, 1)


def images(neuron: str) -> hr.PackedNetwork:
    """All kinds of layers, with a spread in every number."""
    rng = np.random.default_rng(1)

    def neurons(*shape: int, **more: Any) -> SpikingNeurons:
        leak = 1.0 if neuron == "if" else rng.uniform(0.2, 0.9, shape)
        return SpikingNeurons(leak=leak, threshold=rng.uniform(0.3, 0.9, shape), bias=rng.normal(0, 0.1, shape), **more)

    layers = [
        FullConv(rng.normal(size=(4, 2, 3, 3)) / 3, rng.normal(0, 0.2, 4)), neurons(4, 1, 1),
        PackedConv(signs(rng, 4, 4, 3, 3), rng.uniform(0.1, 0.3, 4), rng.normal(0, 0.1, 4)), Shortcut(0),
        neurons(4, 1, 1), PackedConv(signs(rng, 6, 4, 3, 3), 0.2, pool=2),
        Shortcut(3, [AveragePool(2), FullConv(rng.normal(size=(6, 4, 1, 1)) / 2)]), neurons(6, 4, 3),
        PackedConv(signs(rng, 7, 6, 3, 3), 0.2, stride=2), neurons(7, 1, 1), PackedLinear(signs(rng, 9, 28), 0.3),
        neurons(9), PackedLinear(signs(rng, 9, 9), 0.3, rng.normal(0, 0.1, 9)), Shortcut(10), neurons(9),
        FullLinear(rng.normal(size=(3, 9)), [1, 2, 3]),
    ]  # fmt: skip
    layers[7] = SpikingNeurons(leak=layers[7].leak, threshold=layers[7].threshold)
    return hr.PackedNetwork((2, 8, 6), layers, steps=5)


@pytest.mark.parametrize(("neuron", "integration"), list(itertools.product(["lif", "if"], ["exponential", "euler"])))
def test_a_graph_from_its_file_does_what_the_network_does(neuron, integration, tmp_path):
    network = images(neuron)
    graph = export(network, tmp_path, dt=2.0, integration=integration)
    x = np.random.default_rng(2).random((6, 2, 8, 6))
    found = execute(graph, x, 5, 2e-3, integration)
    np.testing.assert_allclose(found, network.run(x), rtol=1e-4, atol=1e-5)
    assert len(np.unique(found.round(4))) > 20
    kind = nir.IF if neuron == "if" else nir.LIF
    assert sum(isinstance(node, kind) for node in graph.nodes.values()) == 6
    assert graph.metadata["spike"] == "1 for one step" and graph.metadata["dt"] == 2e-3


def test_parameters_come_back(tmp_path):
    network = images("lif")
    for integration in ("exponential", "euler"):
        graph = export(network, tmp_path, integration=integration)
        for k, layer in enumerate(network.layers):
            node = graph.nodes.get(f"layer_{k}")
            if isinstance(layer, SpikingNeurons):
                tau = node.tau / 1e-3
                leak = np.exp(-1 / tau) if integration == "exponential" else 1 - 1 / tau
                np.testing.assert_allclose(leak, np.broadcast_to(layer.leak, leak.shape), rtol=1e-12)
                np.testing.assert_allclose(node.r * (1 - leak), 1.0, rtol=1e-12)
                np.testing.assert_array_equal(node.v_threshold, np.broadcast_to(layer.threshold, leak.shape))
                assert not node.v_leak.any() and not node.v_reset.any()
            elif isinstance(layer, FullLinear | FullConv):
                np.testing.assert_array_equal(node.weight, layer.weight)
                np.testing.assert_array_equal(node.bias, layer.bias)
            elif isinstance(layer, PackedLinear | PackedConv):
                wide = layer.scale.reshape(-1, *[1] * (node.weight.ndim - 1))
                np.testing.assert_array_equal(node.weight, layer.signs() * wide)
                np.testing.assert_array_equal(np.asarray(getattr(node, "bias", 0.0)) + 0 * layer.offset, layer.offset)
    assert graph.metadata["steps"] == 5 and graph.metadata["layer_2.bits"] == 4 * 4 * 9


@pytest.mark.torch
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("mlp", {"leak": (0.2, 0.9), "threshold": (0.5, 1.5)}),
        ("mlp", {"weights": "1bit", "shortcuts": True, "normalisation": "batch", "trainable": "leak"}),
        ("conv", {"normalisation": "batch", "leak": (0.2, 0.9)}),
        ("conv", {"weights": "1bit", "normalisation": "batch", "neuron": "if", "pool": "stride"}),
        ("conv", {"weights": "1bit", "shortcuts": True, "hidden": (12,)}),
        ("first stage", {"weights": "1bit", "shortcuts": True, "hidden": (12,)}),
    ],
)
def test_networks_of_torch(kind, options, tmp_path):
    torch = pytest.importorskip("torch")
    if kind == "mlp":
        network: Any = hr.SpikingMLP(20, 4, hidden=(30, 30, 25), steps=3, **options)
    else:
        network = hr.SpikingConvNet((2, 8, 8), 4, channels=(3, 5), steps=3, **options)
    if kind == "first stage":
        from hetero_rsnn.gradient.feedforward.one_bit import use_one_bit

        use_one_bit(network, on=False)
    rng = np.random.default_rng(3)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith(("bias", "running_mean", "running_var")):
                value.add_(torch.tensor(np.abs(rng.normal(0.1, 0.2, value.shape))))
    network.eval()
    x = torch.tensor(rng.random((5, *network.shape)), dtype=torch.float32)
    with torch.no_grad():
        wanted = network(x).numpy()
    found = execute(export(network, tmp_path), x.numpy().astype(float), 3, 1e-3, "exponential")
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())
    assert np.ptp(wanted, axis=0).any()


def net(*layers: Any, shape: Any = (4,)) -> Any:
    return lambda: hr.feedforward_to_nir(hr.PackedNetwork(shape, list(layers)))


HEAD = FullLinear(np.ones((2, 4)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (net(SpikingNeurons(reset="soft"), HEAD), ["layer_0 has a soft reset", "reset='hard'"]),
        (net(SpikingNeurons(amplitude=0.5), HEAD), ["layer_0 has spikes of the height 0.5"]),
        (net(SpikingNeurons(leak=0.0), HEAD), ["layer_0 has a leak of 0", "integration='euler'"]),
        (net(SpikingNeurons(leak=[0.5, 1, 1, 1]), HEAD), ["with a leak and without"]),
        (net(AveragePool(2), shape=(1, 4, 5)), ["4 x 5", "beyond the edge"]),
        (net(SpikingNeurons(bias=np.ones((1, 4, 5))), shape=(1, 4, 5)), ["differs from pixel to pixel"]),
        (net(SpikingNeurons(), Shortcut(0), HEAD), ["layer 1 adds a layer to itself"]),
        (lambda: hr.feedforward_to_nir(images("lif"), dt=0), ["dt", "got 0"]),
        (lambda: hr.feedforward_to_nir(images("lif"), integration="midpoint"), ["'midpoint'"]),
    ],
)
def test_one_line_refuses_what_nir_cannot_hold(call, words):
    refused(call, *words)


@pytest.mark.torch
def test_one_line_refuses_other_networks():
    pytest.importorskip("torch")
    refused(lambda: hr.feedforward_to_nir("net"), "feedforward_to_nir takes a SpikingMLP or SpikingConvNet, got str")
    network = hr.SpikingMLP(4, 2, hidden=(3,), normalisation="tebn").eval()
    refused(lambda: hr.feedforward_to_nir(network), "feedforward_to_nir takes no network with TEBN")
    refused(lambda: hr.feedforward_to_nir(hr.SpikingMLP(4, 2, hidden=(3,))), "takes no network in training")


def test_what_is_lost_is_said():
    layers = [SpikingNeurons(leak=0.0, start=0.5, ties="fire"), PackedLinear(np.ones((2, 4)))]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        graph = hr.feedforward_to_nir(hr.PackedNetwork((4,), layers, steps=2), integration="euler")
    (one,) = caught
    said = str(one.message)
    for word in ("before the first step", "exactly at the threshold", "1 bit", "2 steps", "the grid (dt = 1 ms)"):
        assert word in said
    assert graph.metadata["layer_0.start"] == 0.5 and graph.nodes["layer_0"].tau.tolist() == [1e-3] * 4
