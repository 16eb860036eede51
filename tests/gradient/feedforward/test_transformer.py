"""A spiking Transformer: written again in a plain loop, place by place; folded, counted, trained, refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from test_spiking_accounts import brute_force
from test_spiking_normalisation import random_statistics

import hetero_rsnn as hr
from hetero_rsnn.gradient.feedforward.attention import Attended, Patches, SpikingAttention
from hetero_rsnn.gradient.feedforward.networks import network_from
from hetero_rsnn.gradient.feedforward.one_bit import OneBitConv
from hetero_rsnn.gradient.feedforward.transformer import SpikingTransformer

pytestmark = pytest.mark.torch

SHAPE = (2, 6, 4)
VARIETY: list[dict[str, Any]] = [
    {},
    {"normalisation": None, "leak": (0.2, 0.9), "threshold": (0.5, 1.5)},
    {"normalisation": "tebn", "reset": "soft", "steps": 3, "weights": "1bit"},
    {"normalisation": "tebn", "leak": (0.2, 0.9), "trainable": ("leak",), "weights": "1bit", "coding": "rate"},
    {"neuron": "if", "heads": 4, "expansion": 1},
]


def transformer(**options: Any) -> SpikingTransformer:
    usual = {"patch": 2, "features": 8, "depth": 2, "heads": 2, "expansion": 3, "scale": 0.4, "seed": 2}
    network = SpikingTransformer(SHAPE, 5, **{**usual, **options}).double().eval()
    random_statistics(network)
    with torch.no_grad():
        rng = np.random.default_rng(3)
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.add_(torch.tensor(rng.normal(0.1, 0.2, parameter.shape)))
    return network


def images(batch: int = 6) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(0).uniform(0, 1, (batch, *SHAPE)))


def test_it_is_a_plain_loop():
    """Step by step, sample by sample and place by place, with the sums of attention in their usual order."""
    network = transformer(normalisation=None, leak=(0.2, 0.9), threshold=(0.5, 1.5), depth=1, scale=0.9, steps=3)
    x, w = images(), {name: value.detach().numpy() for name, value in network.layers.state_dict().items()}
    state: dict[tuple[int, str], np.ndarray] = {}

    def fire(sample: int, drive: np.ndarray, name: str) -> np.ndarray:  # (places, features)
        leak, threshold = (w[f"{name}.fixed_{q}"].reshape(-1) for q in ("leak", "threshold"))
        v = leak * state.get((sample, name), 0.0) + drive
        spikes = (v > threshold).astype(float)
        state[sample, name] = np.where(spikes > 0, 0.0, v)
        return spikes

    def layer(h: np.ndarray, name: str) -> np.ndarray:
        weight = w[f"{name}.synapses.weight"]
        return h @ weight.reshape(len(weight), -1).T + w[f"{name}.synapses.bias"]

    expected, attended = np.zeros((3, 6, 5)), 0.0
    for step in range(3):
        for sample in range(6):
            image = x[sample].numpy()
            squares = [image[:, i : i + 2, j : j + 2].reshape(-1) for i in range(0, 6, 2) for j in range(0, 4, 2)]
            h = layer(np.array(squares), "0") + w["1.bias"].reshape(8, -1).T
            s = fire(sample, h + w["2.attention.bias.bias"], "2.attention.input")
            q, k, v = (
                fire(sample, layer(s, f"2.attention.{n}"), f"2.attention.{n}_neurons")
                for n in ("query", "key", "value")
            )
            sums = np.zeros((6, 8))
            for head in (slice(0, 4), slice(4, 8)):
                for place in range(6):
                    shared = np.array([q[place, head] @ k[other, head] for other in range(6)])
                    sums[place, head] = 0.9 * (shared @ v[:, head])
            found = fire(sample, sums, "2.attention.attended_neurons")
            attended += found.mean() / 18
            h = h + layer(found, "2.attention.output")
            s = fire(sample, h + w["2.bias.bias"], "2.input")
            h = h + layer(fire(sample, layer(s, "2.first"), "2.inner"), "2.second")
            expected[step, sample] = fire(sample, h, "3").mean(0) @ w["4.weight"].T + w["4.bias"]
    np.testing.assert_allclose(network(x).detach().numpy(), expected, atol=1e-12)
    assert 0.05 < attended < 0.9 and np.abs(expected).max() > 0.3


@pytest.mark.parametrize("options", VARIETY)
def test_step_by_step_folded_and_back_from_a_spec(options):
    network = transformer(**options)
    x = images()
    together = network(x).detach()
    folded = network.folded()
    for one in (network, folded):
        torch.testing.assert_close(torch.stack(list(one.steps_of(x))).detach(), together, rtol=0, atol=1e-12)
        again = network_from(one.spec()).from_arrays(one.to_arrays()).eval()
        assert torch.equal(again(x), one(x)) and again.spec() == one.spec() and again.describe() == one.describe()
    run = network.steps_of(x)
    next(run)
    torch.testing.assert_close(run.send(torch.tensor([4, 1])).detach(), together[1][[4, 1]], rtol=0, atol=1e-12)
    assert together.shape == (network.steps, 6, 5) and together.abs().max() > 0.1
    bits = [m for m in network.modules() if isinstance(m, OneBitConv)]
    assert len(bits) == (4 if options.get("weights") == "1bit" else 0)
    assert not any(isinstance(m, OneBitConv) for m in folded.modules())


@pytest.mark.parametrize("options", VARIETY)
def test_gradients_reach_every_parameter(options):
    network = transformer(**options).train()
    network(images(12)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_the_scale_makes_sums_of_one():
    """Where a fifth of all neurons fire, independently: sums are 1 on average, whatever the sizes."""
    for options in ({}, {"features": 24, "heads": 1}, {"patch": 1}):
        network = SpikingTransformer(SHAPE, 5, **{"patch": 2, "features": 8, "heads": 2, **options})
        layer = next(m for m in network.modules() if isinstance(m, Attended))
        rng = np.random.default_rng(0)
        q, k, v = (
            torch.tensor(rng.random((1, 20000, network.features, *network.places)) < 0.2).float() for _ in range(3)
        )
        assert layer(q, k, v).mean().item() == pytest.approx(1.0, rel=0.02)
        assert network.spec()["scale"] == network.scale


def test_heads_and_places_matter():
    """Attention is between all places: what one square shows changes others; of two heads it is not that of one."""
    network = transformer()
    attention = network.layers[2].attention
    assert isinstance(attention, SpikingAttention)
    x = torch.tensor(np.random.default_rng(1).normal(0.5, 1.0, (2, 6, 8, 3, 2)))
    before = attention(x)
    other = x.clone()
    other[..., 0, 0] = 3.0
    assert (attention(other) - before)[..., 1:, :].abs().max() > 0
    q, k, v = (torch.tensor(np.random.default_rng(n).integers(0, 2, (2, 6, 8, 3, 2))).double() for n in range(3))
    assert not torch.equal(Attended(1, 0.5)(q, k, v), Attended(2, 0.5)(q, k, v))
    # Places in another order: the sums are in that order too, since no place is different from another.
    order = torch.tensor([2, 0, 1])
    turned = Attended(2, 0.5)(q[..., order, :], k[..., order, :], v[..., order, :])
    assert torch.equal(turned, Attended(2, 0.5)(q, k, v)[..., order, :])


def test_operations_by_brute_force():
    """Each pair of spikes of key and value, each spike of a query, one after the other; and of squares and layers."""
    network = transformer(depth=1)
    x = images()
    found = network.account(x)
    with torch.no_grad():
        _, kept = network.traced(x)
    spikes = dict(zip(found.layers, (k.spikes.numpy() for k in kept), strict=True))
    counts = {name: found.synaptic_operations[k] for k, name in enumerate(found.connections)}
    q, k, v = (spikes[f"2.attention.{n}_neurons"].reshape(2, 6, 2, 4, 6) for n in ("query", "key", "value"))
    expected = np.zeros((2, 6))
    for step, sample, head, place in np.ndindex(2, 6, 2, 6):
        one = (step, sample, head)
        for a in range(4):
            for b in range(4):
                expected[step, sample] += k[one][a, place] and v[one][b, place]
            expected[step, sample] += 4 * q[one][a, place]
    assert expected.sum() > 100
    np.testing.assert_array_equal(counts["2.attention.attended"], expected)
    source = spikes["2.attention.input"].sum((2, 3, 4))
    np.testing.assert_array_equal(counts["2.attention.query.synapses"], 8 * source)
    np.testing.assert_array_equal(counts["2.first.synapses"], 24 * spikes["2.input"].sum((2, 3, 4)))
    np.testing.assert_array_equal(counts["2.second.synapses"], 8 * spikes["2.inner"].sum((2, 3, 4)))
    np.testing.assert_array_equal(counts["4"], 5 * spikes["3"].sum((2, 3, 4)))
    np.testing.assert_array_equal(found.multiply_accumulates[0], [[2 * 6 * 4 * 8] * 6, [0] * 6])
    layer = Patches(2, 3, 2, draw=torch.Generator())
    np.testing.assert_array_equal(layer.fan_out(SHAPE).numpy(), brute_force(layer, SHAPE))


def test_it_learns_digits():
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    network = SpikingTransformer((1, 8, 8), 10, patch=2, features=32, depth=1, heads=2, expansion=2, weights="1bit")
    clf = hr.SpikingImageClassifier(network, training_epochs=6, learning_rate=1e-2, batch_size=25)
    clf.fit(x[:1000], y[:1000])
    assert clf.score(x[1000:], y[1000:]) > 0.75
    account = clf.account(x[1000:1100])
    assert (account.spikes.sum((1, 2)) > 0).all()  # no layer is silent


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": (8, 8)}, r"shape must be \(channels, height, width\), got \(8, 8\)"),
        ({"shape": 8}, r"shape must be \(channels, height, width\), got 8"),
        ({"patch": 3}, "patch must divide height and width, got 3 and 8 x 8"),
        ({"heads": 3}, "heads must divide features, got 3 and 64"),
        ({"depth": 0}, "depth must be a whole number >= 1"),
        ({"scale": 0.0}, "scale must be"),
        ({"expansion": 0}, "expansion must be a whole number >= 1"),
        ({"weights": "2bit"}, "unknown weights '2bit'"),
        ({"classes": 0}, "classes must be a whole number >= 1"),
    ],
)
def test_options_that_are_refused(options, words):
    with pytest.raises(hr.HeteroError, match=words) as caught:
        SpikingTransformer(**{"shape": (1, 8, 8), "classes": 3, **options})
    assert "\n" not in str(caught.value)


def test_what_it_says():
    network = transformer(depth=1, heads=1, weights="1bit")
    assert repr(network) == (
        "SpikingTransformer(2x6x4-3x2x8-5, 1 block of 1 head, 2 steps, lif, hard reset, direct coding, batch, "
        "1-bit weights)"
    )
    assert "Attended(heads=1, scale=0.4)" in network.describe() and "Positions(8, 3, 2)" in network.describe()
