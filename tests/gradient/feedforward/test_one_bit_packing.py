"""Networks of 1-bit weights as bits: the same spikes as the folded network in torch, layer by layer."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
import torch
from helpers import ROOT, refused
from hypothesis import given
from hypothesis import strategies as st
from test_spiking_normalisation import random_statistics

import hetero_rsnn as hr
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP
from hetero_rsnn.gradient.feedforward.one_bit import use_one_bit
from hetero_rsnn.gradient.feedforward.packing import pack
from hetero_rsnn.gradient.feedforward.shortcuts import Bias, ShortcutLayer
from hetero_rsnn.gradient.feedforward.transformer import SpikingTransformer
from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    FullConv,
    FullLinear,
    PackedConv,
    PackedLinear,
    Shortcut,
    SpikingNeurons,
)
from hetero_rsnn.gradient.packed.network import PackedNetwork, load_packed_network

pytestmark = pytest.mark.torch

IMAGE = (2, 7, 6)
SPREAD = {"leak": (0.2, 0.9), "threshold": (0.5, 1.5)}


def given_biases(network):
    """Biases and statistics as after a training, and latent weights on both sides of 0."""
    random_statistics(network)
    rng = np.random.default_rng(4)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Linear | Conv | Bias) and module.bias is not None:
                module.bias.copy_(torch.tensor(rng.normal(0.1, 0.2, module.bias.shape)))
    return network.eval()


def mlp(**options: Any) -> SpikingMLP:
    return given_biases(SpikingMLP(84, 5, **{"hidden": (70, 33), "seed": 2, "weights": "1bit", **options}))


def conv(**options: Any) -> SpikingConvNet:
    usual = {"channels": (4, 6), "hidden": (11,), "seed": 2, "weights": "1bit"}
    return given_biases(SpikingConvNet(IMAGE, 5, **{**usual, **options}))


NETWORKS = [
    (mlp, {}),
    (mlp, {"normalisation": "batch", "reset": "soft", **SPREAD}),
    (mlp, {"normalisation": "batch", "neuron": "if", "hidden": (65, 64, 63), "steps": 3}),
    (mlp, {"leak": 0.0, "normalisation": "batch", "threshold": (0.5, 1.5)}),
    (mlp, {"trainable": ("leak", "threshold"), "dropout": 0.2, **SPREAD}),
    (mlp, {"shortcuts": True, "normalisation": "batch", "hidden": (20, 20, 20), **SPREAD}),
    (mlp, {"shortcuts": True, "normalisation": "batch", "hidden": (20, 20, 33), "trainable": "leak"}),
    (conv, {}),
    (conv, {"normalisation": "batch", "reset": "soft", **SPREAD}),
    (conv, {"normalisation": "batch", "pool": "stride", "hidden": (), "trainable": "leak", **SPREAD}),
    (conv, {"blocks": 0, "channels": (3, 4, 5), "normalisation": "batch"}),
    (conv, {"blocks": 2, "pool": "stride", "channels": (4, 4, 70), "normalisation": "batch", "neuron": "if"}),
    (conv, {"shortcuts": True, "normalisation": "batch", **SPREAD}),
    (conv, {"shortcuts": True, "blocks": 0, "channels": (4, 4, 5), "hidden": (), "reset": "soft"}),
    (conv, {"shortcuts": True, "blocks": 2, "pool": "stride", "normalisation": "batch", "hidden": (11, 11)}),
]


def images(batch: int = 7, seed: int = 0, shape: Any = IMAGE) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).uniform(0, 1, (batch, *shape)), dtype=torch.float32)


def fit(network: Any, x: torch.Tensor) -> np.ndarray:
    """Images as a packed network takes them."""
    return x.reshape(len(x), *network.shape).numpy()


def rounded(network: Any) -> Any:
    """The folded network with full weights in whole 1/256, of which sums are exact in any order and precision."""
    folded = network.folded()
    for module in folded.modules():
        if isinstance(module, Linear | Conv) and module.weight is not None:
            for p in (module.weight, module.bias):
                p.data = torch.round(256 * p.data) / 256
    return folded


def spikes_of(packed: PackedNetwork, x: np.ndarray) -> list[np.ndarray]:
    """Of each layer of neurons: the network up to it."""
    ends = [k + 1 for k, layer in enumerate(packed.layers) if isinstance(layer, SpikingNeurons)]
    return [PackedNetwork(packed.shape, packed.layers[:k], steps=packed.steps).run(x) for k in ends]


def traced(network: Any, x: torch.Tensor) -> tuple[np.ndarray, list[np.ndarray]]:
    with torch.no_grad():
        outputs, kept = network.traced(x)
    return outputs.numpy(), [k.spikes.numpy() for k in kept]


@pytest.mark.parametrize(("make", "options"), NETWORKS)
def test_spikes_are_those_of_the_folded_network(make, options):
    network = make(**options)
    folded, packed = network.folded(), pack(network)
    assert packed.steps == network.steps and packed.output_shape == (5,) and packed.shape == network.shape
    for x in (images(), images(1, 3), images(40, 5)):
        outputs, wanted = traced(folded, x)
        found = packed.run(fit(network, x))
        spikes = spikes_of(packed, fit(network, x))
        assert len(spikes) == len(wanted)
        for one, other in zip(spikes, wanted, strict=True):
            np.testing.assert_array_equal(one, other)
            assert 0.005 < other.mean() < 0.95
        np.testing.assert_allclose(found, outputs, rtol=1e-5, atol=1e-5 * np.abs(outputs).max())


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (make, o)
        for make, o in NETWORKS
        # Weights on the way of analog sums are rounded at every step.
        if not (o.get("shortcuts") and (make is conv or o["hidden"][-1] == 33))
    ],
)
def test_all_is_equal_bit_for_bit_where_full_layers_are_exact(make, options):
    folded = rounded(make(**options))
    packed = pack(folded)
    x = torch.round(64 * images(9)) / 64
    outputs, wanted = traced(folded, x)
    for one, other in zip(spikes_of(packed, fit(folded, x)), wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(packed.run(fit(folded, x)), outputs)
    assert len(np.unique(outputs)) > 20


def test_each_layer_of_analog_sums_is_equal_bit_for_bit():
    """Weighted shortcuts round otherwise; the rest of such a layer, given the same sums, does not."""
    folded = conv(shortcuts=True, normalisation="batch", **SPREAD).folded()
    seen = 0
    with torch.no_grad():
        h = folded.layers[0](images()[None].expand(4, -1, -1, -1, -1))
        for layer in list(folded.layers)[1:-2]:
            assert isinstance(layer, ShortcutLayer)
            sums = layer.main(layer.neurons(layer.bias(h)))
            images_in = h.dim() == 5
            bias = layer.bias.bias.numpy().reshape(-1, *[1] * (2 * images_in))
            own = {name: torch.as_tensor(getattr(layer.neurons, name)).numpy() for name in ("leak", "threshold")}
            kind, numbers = layer.main.layer, (layer.main.signs(), layer.main.scale(), layer.main.offset())
            bits = (PackedConv if isinstance(kind, Conv) else PackedLinear)(*numbers, pool=kind.pool)
            found = PackedNetwork(tuple(h.shape[2:]), [SpikingNeurons(**own, bias=bias), bits]).run(h.numpy())
            np.testing.assert_array_equal(found, sums.numpy())
            h, seen = layer(h), seen + 1
    assert seen == 5


@given(
    st.integers(1, 30), st.lists(st.integers(1, 80), min_size=2, max_size=4), st.sampled_from([None, "batch"]),
    st.sampled_from(["hard", "soft"]), st.booleans(), st.integers(1, 4), st.integers(0, 2**31),
)  # fmt: skip
def test_mlps_of_all_sizes(inputs, hidden, normalisation, reset, shortcuts, steps, seed):
    if shortcuts:
        hidden = hidden[:1] * len(hidden)
    network = SpikingMLP(
        inputs, 3, hidden=hidden, weights="1bit", shortcuts=shortcuts, normalisation=normalisation, reset=reset,
        steps=steps, seed=seed, **SPREAD,
    )  # fmt: skip
    folded = rounded(given_biases(network))
    x = torch.round(64 * images(5, seed, (inputs,))) / 64
    np.testing.assert_array_equal(pack(folded).run(x.numpy()), folded(x).numpy())


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.lists(st.integers(1, 9), min_size=2, max_size=3),
    st.integers(0, 2), st.sampled_from(["average", "stride"]), st.sampled_from([(), (7,)]), st.booleans(),
    st.integers(0, 2**31),
)  # fmt: skip
def test_convolutions_of_all_sizes(shape, channels, blocks, pool, hidden, normalised, seed):
    network = SpikingConvNet(
        shape, 3, channels=channels, blocks=blocks, pool=pool, hidden=hidden, weights="1bit", seed=seed, steps=3,
        normalisation="batch" if normalised else None, reset="soft", **SPREAD,
    )  # fmt: skip
    folded = rounded(given_biases(network))
    x = torch.round(64 * images(3, seed, shape)) / 64
    np.testing.assert_array_equal(pack(folded).run(x.numpy()), folded(x).numpy())


def test_events_step_by_step():
    network = rounded(conv(normalisation="batch"))
    x = torch.tensor(np.random.default_rng(1).poisson(0.4, (6, 4, *IMAGE)), dtype=torch.float32)
    np.testing.assert_array_equal(pack(network).run(x.transpose(0, 1).numpy()), network(x).numpy())


def test_what_becomes_of_the_layers():
    packed = pack(conv(normalisation="batch", shortcuts=True))
    kinds = [type(layer) for layer in packed.layers]
    one = [SpikingNeurons, PackedConv, Shortcut]
    assert kinds == [FullConv, *one * 4, SpikingNeurons, PackedLinear, Shortcut, SpikingNeurons, FullLinear]
    ways = [layer for layer in packed.layers if isinstance(layer, Shortcut)]
    assert [way.source for way in ways] == [0, 3, 6, 9, 12]
    assert [[type(p) for p in way.path] for way in ways] == [
        [], [], [AveragePool, FullConv], [], [AveragePool, FullLinear]
    ]  # fmt: skip
    assert [layer.pool for layer in packed.layers if isinstance(layer, PackedConv | PackedLinear)] == [1, 1, 2, 1, 2]
    assert packed.bits == 9 * (4 * 4 * 2 + 4 * 6 + 6 * 6) + 6 * 2 * 2 * 11
    network = mlp()
    packed = pack(network)
    np.testing.assert_array_equal(packed.layers[2].signs(), network.layers[2].synapses.signs())
    np.testing.assert_array_equal(packed.layers[2].scale, network.layers[2].synapses.scale())
    assert packed.folded == () and pack(mlp(leak=0.0)).folded == (2,)


def test_it_is_left_as_it_was_and_saved(tmp_path):
    network = mlp(normalisation="batch")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    packed = hr.pack(network)
    x = fit(network, images())
    found = packed.run(x)
    np.testing.assert_array_equal(load_packed_network(packed.save(tmp_path / "bits.json")).run(x), found)
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
    np.testing.assert_array_equal(packed.run(x), found)  # a copy
    network.load_state_dict(before)
    np.testing.assert_array_equal(hr.pack(network.folded()).run(x), found)
    assert network.layers[0].synapses.weight.requires_grad and not network.is_folded


def test_the_page_prints_what_it_says(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "one_bit.md").read_text().partition("## As bits")[2]
    code = page.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    exec(code, {"hr": hr, "torch": torch})
    said = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == said and len(said) == 4


def test_outputs_are_the_same_in_batches_of_every_size():
    packed = pack(conv(normalisation="batch"))
    x = images(20).numpy()
    found = packed.run(x)
    for low, high in itertools.pairwise((0, 1, 4, 20)):
        np.testing.assert_array_equal(packed.run(x[low:high]), found[:, low:high])


def first_stage():
    network = mlp(normalisation="batch")
    use_one_bit(network, on=False)
    return network


def exchanged():
    network = mlp()
    network.layers[2] = torch.nn.GELU()
    return network


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: "net", ["pack takes a SpikingMLP or SpikingConvNet, got str"]),
        (lambda: SpikingTransformer((1, 8, 8), 4, features=8, heads=2, weights="1bit").eval(), ["SpikingTransformer"]),
        (lambda: mlp().train(), ["pack takes no network in training", "call eval()"]),
        (lambda: mlp(coding="rate"), ["rate coding cannot be packed"]),
        (lambda: mlp(normalisation="tebn"), ["no network with TEBN", "normalisation='batch'"]),
        (lambda: mlp(normalisation="tebn").folded(), ["pack takes no network with TEBN"]),
        (lambda: mlp().double(), ["must be of torch.float32", "got torch.float64", "float()"]),
        (lambda: mlp(weights="full"), ["layer 2 (Linear) has full weights", "weights='1bit'"]),
        (lambda: conv(weights="full"), ["layer 2.first (Conv) has full weights"]),
        (lambda: mlp(weights="full", shortcuts=True), ["layer 1.main (Linear) has full weights"]),
        (lambda: mlp(weights="full", hidden=(9,)), None),
        (first_stage, ["layer 2 is in the first stage", "use_one_bit(network)"]),
        (exchanged, ["layer 2 (GELU) has no place in a packed network"]),
    ],
)
def test_one_line_refuses_what_cannot_be_packed(make, words):
    network = make()
    if words is None:  # nothing lies between
        x = images()
        np.testing.assert_allclose(pack(network).run(fit(network, x)), network(x).detach(), rtol=1e-5, atol=1e-5)
    else:
        refused(lambda: pack(network), *words)
