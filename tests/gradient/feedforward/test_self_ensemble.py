"""Spiking networks as ensembles of themselves: what membranes carry, replayed as noise, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from test_spiking_normalisation import random_statistics

import hetero_rsnn as hr
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP
from hetero_rsnn.gradient.feedforward.neurons import Neurons, with_noise
from hetero_rsnn.gradient.feedforward.normalisation import Projection
from hetero_rsnn.gradient.feedforward.self_ensemble import Membranes
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork

pytestmark = pytest.mark.torch

IMAGE = (2, 7, 6)
BOTH = (torch.float32, torch.float64)


def images(batch: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).uniform(0, 1, (batch, *IMAGE)))


def events(steps: int, batch: int = 6) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(1).poisson(0.4, (batch, steps, *IMAGE))).double()


def mlp(**options: Any) -> SpikingMLP:
    return SpikingMLP(84, 5, **{"hidden": (30, 20), "seed": 2, **options})


def conv(**options: Any) -> SpikingConvNet:
    return SpikingConvNet(IMAGE, 5, **{"channels": (4, 6), "hidden": (11,), "seed": 2, **options})


def transformer(**options: Any) -> SpikingNetwork:
    return hr.SpikingTransformer(IMAGE, 5, **{"patch": 1, "features": 8, "heads": 2, "depth": 1, "seed": 2, **options})


def converted(blocks: int = 1, levels: int = 4, start: float = 0.5) -> SpikingNetwork:
    network = hr.OrdinaryConvNet(IMAGE, 5, channels=(4, 6), blocks=blocks, hidden=(11,), levels=levels)
    for layer in network.modules():
        if isinstance(layer, hr.QCFS):
            with torch.no_grad():
                layer.theta.fill_(0.5)
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
            with torch.no_grad():  # so that deep layers fire too
                layer.weight.mul_(2.0)
    return hr.convert(network, 5, start=start)


VARIETY: list[dict[str, Any]] = [
    {},
    {"neuron": "if"},
    {"reset": "soft"},
    {"neuron": "if", "reset": "soft", "steps": 7},
    {"normalisation": "batch", "leak": (0.2, 0.9), "threshold": (0.5, 1.5), "coding": "rate"},
    {"normalisation": "tebn", "leak": (0.2, 0.9), "threshold": (0.5, 1.5), "reset": "soft", "steps": 5},
    {"normalisation": "tebn", "leak": (0.2, 0.9), "trainable": ("leak", "threshold"), "coding": "rate"},
    {"dropout": 0.3, "steps": 1},
    {"weights": "1bit", "shortcuts": True, "normalisation": "tebn", "leak": (0.2, 0.9), "steps": 3},
]
NETWORKS: list[tuple[Any, dict[str, Any]]] = [
    *[(mlp, options) for options in VARIETY],
    *[(conv, options) for options in VARIETY],
    (conv, {"blocks": 2, "pool": "stride", "normalisation": "tebn"}),
    (conv, {"blocks": 0, "normalisation": "tebn", "hidden": ()}),
    (transformer, {"steps": 4, "leak": (0.2, 0.9), "threshold": (0.5, 1.5)}),
    (transformer, {"weights": "1bit", "normalisation": "tebn", "reset": "soft"}),
    *[(converted, options) for options in ({}, {"blocks": 0}, {"blocks": 2, "start": 0.0}, {"levels": 8})],
]


def moved(membranes: Membranes, **how: Any) -> Membranes:
    """The recorded values at other steps or samples of the same neurons: all layers alike."""
    axis, by = (0, 1) if how.get("over") == "steps" else (1, 1)
    return Membranes(membranes.layers, tuple(v.roll(by, axis) for v in membranes.values), membranes.outputs)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(("make", "options"), NETWORKS)
def test_replayed_outputs_are_those_of_the_spiking_network(make, options, dtype):
    """Each step alone, in any order, also folded; and other noise gives other outputs."""
    network = make(**options).to(dtype).eval()
    random_statistics(network)
    timed = [] if make is converted else [events(network.steps)]
    for x in (images(), *timed):
        for one in (network, network.folded()):
            with torch.no_grad():
                rows = torch.stack(list(one.steps_of(x)))
            found = hr.record_membranes(one, x)
            assert torch.equal(found.outputs, rows) and rows.dtype == dtype
            order = np.random.default_rng(3).permutation(one.steps)
            assert torch.equal(hr.replay_membranes(one, x, found), rows)
            assert torch.equal(hr.replay_membranes(one, x, found, order=order), rows)
            if one.steps > 1:
                assert not torch.equal(hr.replay_membranes(one, x, moved(found, over="steps")), rows)
                assert not torch.equal(hr.replay_membranes(one, x, moved(found, over="samples")), rows)
            nothing = Membranes(found.layers, tuple(torch.zeros_like(v) for v in found.values), rows)
            alone = hr.replay_membranes(one, x, nothing)
            if x.dim() == 4 and options.get("normalisation") != "tebn" and options.get("coding") != "rate":
                assert torch.equal(alone, alone[:1].expand_as(alone))  # without noise each step says the same


class Plain(SpikingNetwork):
    """Any layers in a row."""

    def __init__(self, shape: tuple[int, ...], layers: list[torch.nn.Module], steps: int) -> None:
        setting = mlp(steps=steps).setting
        super().__init__(shape, 3, setting)
        self.layers.extend(layers)


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    steps=st.integers(1, 5),
    batch=st.integers(1, 5),
    reset=st.sampled_from(["hard", "soft"]),
    ties=st.sampled_from(["quiet", "fire"]),
    leaky=st.booleans(),
    dtype=st.sampled_from(BOTH),
)
def test_any_neurons(seed, steps, batch, reset, ties, leaky, dtype):
    """Arrays of leaks, thresholds, starts and amplitudes; potentials on a grid, so that many tie with the threshold."""
    rng = np.random.default_rng(seed)

    def neurons(count: int) -> Neurons:
        return Neurons(
            leak=rng.choice([0.25, 0.5, 1.0], count) if leaky else 1.0, threshold=rng.choice([0.5, 1.0], count),
            start=rng.choice([0.0, 0.25, 0.5], count), amplitude=rng.choice([0.5, 1.0, 2.0], count), reset=reset,
            ties=ties,
        )  # fmt: skip

    first, second = (Linear(a, b, draw=draw(seed)) for a, b in ((6, 5), (5, 4)))
    with torch.no_grad():
        for layer in (first, second):
            layer.weight.copy_((layer.weight * 4).round() / 4)
    layers = [first, neurons(5), Projection(second), neurons(4), Linear(4, 3, draw=draw(seed))]
    network = Plain((6,), layers, steps).to(dtype).eval()
    x = torch.tensor(rng.integers(0, 3, (batch, steps, 6))).to(dtype) / 4
    found = hr.record_membranes(network, x)
    assert torch.equal(hr.replay_membranes(network, x, found, order=rng.permutation(steps)), found.outputs)
    # What is recorded, and what a network of binary activations does, in a plain loop.
    outputs = []
    state = [layer.start + torch.zeros(batch, n) for layer, n in ((layers[1], 5), (layers[3], 4))]
    for step in range(steps):
        h = x[:, step].double()
        for index, (linear, layer) in enumerate(((first, layers[1]), (second, layers[3]))):
            e = layer.leak * state[index]
            np.testing.assert_allclose(found.values[index][step].numpy(), e.numpy(), rtol=0, atol=1e-12)
            v = h @ linear.weight.detach().double().T + e
            s = (v >= layer.threshold if ties == "fire" else v > layer.threshold).double()
            state[index] = v * (1 - s) if reset == "hard" else v - layer.threshold * s
            h = s * layer.amplitude
        outputs.append(h @ layers[4].weight.detach().double().T)
    np.testing.assert_allclose(found.outputs.numpy(), torch.stack(outputs).numpy(), rtol=0, atol=1e-5)


def test_starts_are_noise_of_the_first_step():
    found = hr.record_membranes(converted().eval(), images())
    for value in found.values:
        assert torch.equal(value[0], torch.full_like(value[0], 0.25))  # half of theta, without leak
    for value in hr.record_membranes(mlp().eval(), images()).values:
        assert not value[0].any() and value[1].any()


def test_a_network_is_left_as_it_was():
    network = conv(normalisation="tebn").eval()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    run = network.steps_of(images())
    one = [next(run)]
    found = hr.record_membranes(network, images())
    hr.replay_membranes(network, images(), found)
    one += list(run)  # another run that was under way
    assert torch.equal(torch.stack(one).detach(), found.outputs)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    for layer in network.modules():
        if isinstance(layer, Neurons):
            assert (layer.noise, layer.forgets, layer.carrying, layer.state) == (None, False, False, None)
            assert not layer._forward_pre_hooks


def test_independent_noise_has_the_same_law():
    """Each neuron keeps its values over what is mixed; mean and variance of normal noise; another seed, other noise."""
    network = conv(leak=(0.2, 0.9), threshold=(0.5, 1.5), steps=6).eval()
    found = hr.record_membranes(network, images(40))
    for over, axes in (("samples", 1), ("steps", 0), ("both", (0, 1))):
        mixed = found.independent(0, over=over)
        for value, other in zip(found.values, mixed.values, strict=True):
            a, b = (v.flatten(0, 1) if over == "both" else v.transpose(0, axes) for v in (value, other))
            assert torch.equal(a.sort(dim=0).values, b.sort(dim=0).values) and not torch.equal(a, b)
        normal = found.independent(0, over="both", law="gaussian")
        for value, other in zip(found.values, normal.values, strict=True):
            scale = value.std((0, 1), correction=0) / np.sqrt(240)
            assert ((other.mean((0, 1)) - value.mean((0, 1))).abs() <= 4.5 * scale + 1e-6).all()
            ratio = other.std((0, 1)) / value.std((0, 1)).clamp(min=1e-9)
            assert ((ratio - 1).abs() < 4.5 / np.sqrt(480))[value.std((0, 1)) > 1e-3].all()
        assert mixed.outputs is found.outputs and mixed.layers == found.layers
        again, third = found.independent(0, over=over), found.independent(1, over=over)
        assert all(torch.equal(a, b) for a, b in zip(mixed.values, again.values, strict=True))
        assert not any(torch.equal(a, b) for a, b in zip(mixed.values, third.values, strict=True))


def test_mixing_is_independent_for_each_neuron():
    """Two neurons with the same values get other orders, and every order is as likely."""
    value = torch.arange(3.0)[None, :, None].expand(1, 3, 6000).contiguous()
    found = Membranes(("a",), (value,), torch.zeros(1, 3, 2))
    orders = found.independent(0).values[0][0].T
    kinds, counts = orders.unique(dim=0, return_counts=True)
    assert len(kinds) == 6 and (counts - 1000).abs().max() < 4.5 * np.sqrt(1000 * 5 / 6)


def test_noise_statistics_against_numpy():
    network = conv(leak=(0.2, 0.9), threshold=(0.5, 1.5), steps=5, hidden=(11, 7)).double().eval()
    x = images(30)
    recorded, rows = hr.record_membranes(network, x), hr.membrane_noise(network, x)
    layers = {n: m for n, m in network.layers.named_modules() if isinstance(m, Neurons)}
    assert [row.layer for row in rows] == list(layers) and len(rows) == 7
    for row, value, layer in zip(rows, recorded.values, layers.values(), strict=True):
        e = (value.numpy() / np.asarray(layer.threshold))[1:].reshape(4, 30, -1)
        assert row.neurons == e.shape[2] and row.zeros == np.mean(e == 0) and row.zeros > 0
        assert row.mean == pytest.approx(e.mean()) and row.sd == pytest.approx(e.std())
        assert row.around == pytest.approx(np.sqrt(e.var(1).mean()))
        over, between = [], []
        for t in range(4):
            good = [n for n in range(e.shape[2]) if e[t, :, n].std() > 1e-9]
            c = np.corrcoef(e[t][:, good].T) ** 2
            between.append(c[~np.eye(len(good), dtype=bool)].mean())
            if t:
                over += [np.corrcoef(e[t - 1, :, n], e[t, :, n])[0, 1] for n in good if e[t - 1, :, n].std() > 1e-9]
        assert row.over_steps == pytest.approx(np.mean(over))
        assert row.between == pytest.approx(np.mean(between) - 1 / 29)


def test_noise_of_a_layer_in_closed_form():
    """Two neurons without input weights, whose potentials decay from where they begin: nothing varies over samples."""
    layer = Linear(1, 2, draw=draw(0))
    last = Linear(2, 3, draw=draw(0))
    with torch.no_grad():
        layer.weight.zero_()
    neurons = Neurons(leak=[0.5, 1.0], threshold=[2.0, 4.0], start=[1.0, 2.0])
    (row,) = hr.membrane_noise(Plain((1,), [layer, neurons, last], 3).eval(), torch.rand(4, 1))
    e = np.array([[0.125, 0.0625], [0.5, 0.5]])  # of a threshold, in steps 2 and 3
    assert row.mean == pytest.approx(e.mean()) and row.sd == pytest.approx(e.std())
    assert row.around == row.zeros == 0 and np.isnan([row.over_steps, row.between]).all()


def test_chance_is_no_correlation():
    """Independent inputs of each neuron: the squared correlation is that of chance; equal inputs: it is 1."""
    steps, batch, n = 3, 50, 60
    rng = np.random.default_rng(0)
    one = Conv(1, 1, 1, bias=False, draw=draw(0))
    with torch.no_grad():
        one.weight.fill_(1.0)
    layers = [one, Neurons(leak=1.0, threshold=100.0), Linear(n, 3, draw=draw(0))]
    network = Plain((1, 6, 10), layers, steps).eval()
    (row,) = hr.membrane_noise(network, torch.tensor(rng.normal(size=(batch, steps, 1, 6, 10))).float())
    assert abs(row.between) < 0.003
    assert row.over_steps == pytest.approx(np.sqrt(0.5), abs=0.05)  # of a sum of one, with that of two
    same = torch.tensor(rng.normal(size=(batch, steps, 1, 1, 1))).float().expand(-1, -1, 1, 6, 10)
    (row,) = hr.membrane_noise(network, same)
    assert row.between == pytest.approx(1 - 1 / 49, abs=1e-4)


def test_noise_is_lent():
    """Added to potentials, in place of memory or besides; gone afterwards, whatever happens inside."""
    layer = Neurons(leak=0.5, threshold=1.0)
    x = torch.full((3, 1, 1), 0.6)
    assert layer(x).flatten().tolist() == [0, 0, 1]
    noise = torch.tensor([0.0, 0.3, 0.41]).reshape(3, 1, 1)
    with with_noise([layer], [lambda *_: noise], forgets=False):
        assert layer(x).flatten().tolist() == [0, 1, 1]
    with with_noise([layer], [lambda *_: noise], forgets=True):
        assert layer(x).flatten().tolist() == [0, 0, 1]
    with with_noise([layer], [None], forgets=True):
        assert layer(x).flatten().tolist() == [0, 0, 0]
    with pytest.raises(ZeroDivisionError), with_noise([layer], [None], forgets=True):
        raise ZeroDivisionError
    assert layer.noise is None and not layer.forgets


def test_what_is_refused():
    network, x = mlp().eval(), images()
    found = hr.record_membranes(network, x)
    refused(lambda: hr.record_membranes(torch.nn.Linear(2, 2), x), "membranes are those of a SpikingNetwork")
    refused(lambda: hr.record_membranes(mlp(), x), "a network in training cannot go step by step")
    refused(lambda: hr.replay_membranes(mlp(), x, found), "a network in training cannot go step by step")
    refused(lambda: hr.replay_membranes(network, x, found.values), "membranes must be what record_membranes gives")
    refused(
        lambda: hr.replay_membranes(network, x[:3], found),
        "membranes of layer 1 must have the shape (3, 30) in a step, got (6, 30)",
    )
    longer = mlp(steps=5).eval()
    refused(lambda: hr.replay_membranes(longer, x, found), "membranes of layer 1 must be of 5 steps, got 4")
    for order in ([0, 1, 2], [0, 1, 2, 2], [1, 2, 3, 4]):
        refused(lambda order=order: hr.replay_membranes(network, x, found, order=order), "order must name each step")
    refused(lambda: hr.replay_membranes(network, x, found, order=[0.5]), "a step of order")
    for order in (3, "0123"):
        refused(lambda order=order: hr.replay_membranes(network, x, found, order=order), "order must be a list of")
    other = mlp(hidden=(30,)).eval()
    refused(lambda: hr.replay_membranes(other, x, found), "membranes must be those of the layers 1, got 1, 3")
    other = mlp(hidden=(30, 7)).eval()
    refused(lambda: hr.replay_membranes(other, x, found), "membranes of layer 3 must have the shape (6, 7) in a step")
    refused(lambda: found.independent(0, over="neurons"), "unknown over 'neurons'")
    refused(lambda: found.independent(0, law="uniform"), "unknown law 'uniform'")
    refused(lambda: found.independent(-1), "seed must be a whole number >= 0")
    refused(lambda: hr.membrane_noise(mlp(steps=1).eval(), x), "needs 2 steps or more, got 1")
    refused(lambda: hr.membrane_noise(network, x[:1]), "needs 2 samples or more, got 1")
