"""Spiking networks: a plain loop of their layers, step by step, folded, saved, described, refused."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from test_spiking_normalisation import random_statistics

import hetero_rsnn as hr
from hetero_rsnn.gradient.checkpoints import read_checkpoint, write_checkpoint
from hetero_rsnn.gradient.feedforward.folding import ScaledSigns, StepWeights
from hetero_rsnn.gradient.feedforward.layers import Linear
from hetero_rsnn.gradient.feedforward.losses import cross_entropy_of_mean
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP, network_from
from hetero_rsnn.gradient.feedforward.neurons import Neurons
from hetero_rsnn.gradient.feedforward.normalisation import Projection
from hetero_rsnn.gradient.feedforward.one_bit import OneBitConv, OneBitLinear, use_one_bit
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork

pytestmark = pytest.mark.torch

IMAGE = (2, 7, 6)
VARIETY: list[dict[str, Any]] = [
    {},
    {"normalisation": "tebn", "leak": (0.2, 0.9), "threshold": (0.5, 1.5)},
    {"normalisation": "batch", "reset": "soft", "coding": "rate"},
    {"normalisation": "tebn", "neuron": "if", "coding": "rate", "trainable": ("threshold",), "steps": 5},
    {"normalisation": "tebn", "leak": (0.2, 0.9), "trainable": ("leak",), "pseudo_derivative": "arctangent"},
]


def mlp(**options: Any) -> SpikingMLP:
    network = SpikingMLP(84, 5, **{"hidden": (30, 20), "seed": 2, **options}).double().eval()
    random_statistics(network)
    return network


def conv(**options: Any) -> SpikingConvNet:
    network = SpikingConvNet(IMAGE, 5, **{"channels": (4, 6), "hidden": (11,), "seed": 2, **options}).double().eval()
    random_statistics(network)
    return network


NETWORKS = [
    *[(mlp, options) for options in VARIETY],
    *[(conv, options) for options in VARIETY],
    (conv, {"blocks": 2, "pool": "stride", "normalisation": "tebn"}),
    (conv, {"blocks": 0, "normalisation": "tebn", "hidden": ()}),
    (conv, {"blocks": 0, "pool": "stride", "channels": (3, 4, 5)}),
    (mlp, {"weights": "1bit", "normalisation": "tebn", "leak": (0.2, 0.9)}),
    (mlp, {"weights": "1bit", "shortcuts": True, "normalisation": "batch", "hidden": (20, 20, 11)}),
    (mlp, {"shortcuts": True, "trainable": ("leak",)}),
    (conv, {"weights": "1bit", "normalisation": "batch", "reset": "soft"}),
    (conv, {"weights": "1bit", "shortcuts": True, "normalisation": "tebn", "threshold": (0.5, 1.5)}),
    (conv, {"weights": "1bit", "shortcuts": True, "normalisation": "tebn", "pool": "stride", "blocks": 2, "steps": 3}),
    (conv, {"weights": "1bit", "shortcuts": True, "blocks": 0, "channels": (4, 4, 5), "hidden": (), "coding": "rate"}),
    (conv, {"shortcuts": True, "normalisation": "batch", "hidden": ()}),
]


def images(batch: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).uniform(0, 1, (batch, *IMAGE)))


def events(steps: int, batch: int = 6) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(1).poisson(0.4, (batch, steps, *IMAGE))).double()


@pytest.fixture(autouse=True)
def global_generator_is_left_alone():
    """Torch's global generator is where it was."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)


def lif(x: np.ndarray, leak: Any = 0.5, threshold: Any = 1.0) -> np.ndarray:
    u, out = np.zeros_like(x[0]), np.zeros_like(x)
    for t, drive in enumerate(x):
        u = leak * u + drive
        out[t] = u > threshold
        u = np.where(out[t] > 0, 0.0, u)
    return out


def test_an_mlp_is_a_plain_loop():
    network = mlp()
    x = images().numpy().reshape(6, -1)
    weights = [v.detach().numpy() for name, v in network.named_parameters() if name.endswith("weight")]
    assert [w.shape for w in weights] == [(30, 84), (20, 30), (5, 20)]
    spikes = lif(np.repeat((x @ weights[0].T)[None], 4, axis=0))
    outputs = lif(spikes @ weights[1].T) @ weights[2].T
    np.testing.assert_allclose(network(torch.tensor(x)).detach().numpy(), outputs, atol=1e-12)
    np.testing.assert_allclose(network(images()).detach().numpy(), outputs, atol=1e-12)  # flattened
    assert np.abs(outputs).max() > 0.5


def test_a_network_with_blocks_is_a_plain_loop():
    """Hard reset, heterogeneous leak, TEBN as in evaluation: written again, with averages of odd squares by hand."""
    network = conv(normalisation="tebn", leak=(0.2, 0.9), threshold=(0.5, 1.5), hidden=())
    x, v = images(), {name: value.detach() for name, value in network.layers.state_dict().items()}

    def norm(h: torch.Tensor, name: str) -> torch.Tensor:
        mean, var, scale, shift, p = (
            v[f"{name}.norm.{k}"] for k in ("running_mean", "running_var", "weight", "bias", "p")
        )
        h = (h - mean[:, None, None]) / torch.sqrt(var + 1e-5)[:, None, None] * scale[:, None, None]
        return (h + shift[:, None, None]) * p.reshape(-1, 1, 1, 1, 1)

    def each(h: torch.Tensor, name: str, padding: int) -> torch.Tensor:
        return norm(torch.stack([F.conv2d(step, v[f"{name}.synapses.weight"], padding=padding) for step in h]), name)

    def fire(h: torch.Tensor, name: str) -> torch.Tensor:
        return torch.tensor(lif(h.numpy(), v[f"{name}.fixed_leak"].numpy(), v[f"{name}.fixed_threshold"].numpy()))

    def halved(h: torch.Tensor) -> torch.Tensor:
        height, width = h.shape[-2:]
        rows = [h[..., i : i + 2, :] for i in range(0, height, 2)]
        return torch.stack(
            [torch.stack([r[..., j : j + 2].mean((-2, -1)) for j in range(0, width, 2)], -1) for r in rows], -2
        )

    h = fire(each(x[None].expand(4, *x.shape), "0", 1), "1")
    inner = fire(each(h, "2.first", 1), "2.inner")
    h = fire(each(inner, "2.second", 1) + h, "2.outer")
    inner = fire(each(halved(h), "3.first", 1), "3.inner")
    h = fire(each(inner, "3.second", 1) + each(halved(h), "3.shortcut", 0), "3.outer")
    outputs = halved(h).flatten(2) @ v["4.weight"].T
    torch.testing.assert_close(network(x).detach(), outputs + v["4.bias"], rtol=0, atol=1e-12)
    assert h.mean() > 0.05


def test_a_network_with_shortcuts_is_a_plain_loop():
    """Bias, spikes, signs times a scale, normalisation, plus what came in: written again, on analog sums."""
    network = conv(weights="1bit", shortcuts=True, normalisation="batch", leak=(0.2, 0.9), channels=(4, 6))
    x, v = images(), {name: value.detach() for name, value in network.layers.state_dict().items()}
    rng = np.random.default_rng(3)
    for name in v:
        if name.endswith("bias.bias"):
            v[name].copy_(torch.tensor(rng.normal(0, 0.3, v[name].shape)))

    def norm(h: torch.Tensor, name: str) -> torch.Tensor:
        mean, var, scale, shift = (v[f"{name}.norm.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
        wide = [-1] + [1] * (h.dim() - 3)
        h = (h - mean.reshape(wide)) / torch.sqrt(var + 1e-5).reshape(wide)
        return h * scale.reshape(wide) + shift.reshape(wide)

    def signed(name: str) -> torch.Tensor:
        return torch.stack([(1.0 - 2.0 * (w < 0).double()) * w.abs().mean() for w in v[f"{name}.synapses.weight"]])

    def each(h: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.stack([F.conv2d(step, weight, padding=weight.shape[-1] // 2) for step in h])

    def fire(h: torch.Tensor, name: str) -> torch.Tensor:
        return torch.tensor(lif(h.numpy(), v[f"{name}.fixed_leak"].numpy()))

    def spikes(h: torch.Tensor, name: str) -> torch.Tensor:
        return fire(h + v[f"{name}.bias.bias"].reshape(-1, 1, 1), f"{name}.neurons")

    def halved(h: torch.Tensor, width: int = 2) -> torch.Tensor:
        return torch.stack([F.avg_pool2d(step, width, ceil_mode=True) for step in h])

    h = norm(each(x[None].expand(4, *x.shape), v["0.synapses.weight"]), "0")
    h = h + norm(each(spikes(h, "1"), signed("1.main")), "1.main")
    h = h + norm(each(spikes(h, "2"), signed("2.main")), "2.main")
    way = norm(each(halved(h), v["3.shortcut.synapses.weight"]), "3.shortcut")
    h = way + norm(each(halved(spikes(h, "3")), signed("3.main")), "3.main")
    h = h + norm(each(spikes(h, "4"), signed("4.main")), "4.main")
    way = norm(h.mean((-2, -1)) @ v["5.shortcut.synapses.weight"].T, "5.shortcut")
    h = way + norm(halved(spikes(h, "5")).flatten(2) @ signed("5.main").T, "5.main")
    last = fire(h, "6")
    assert 0.03 < last.mean() < 0.9
    outputs = last @ v["7.weight"].T + v["7.bias"]
    torch.testing.assert_close(network(x).detach(), outputs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("weights", ["full", "1bit"])
@pytest.mark.parametrize("pool", ["average", "stride"])
def test_networks_with_shortcuts_have_the_same_weights_and_neurons(weights, pool):
    """So that the two can be compared; first, last and 1 x 1 connections have full weights."""
    options = {
        "weights": weights,
        "normalisation": "batch",
        "leak": (0.2, 0.9),
        "blocks": 2,
        "pool": pool,
        "hidden": (),
    }
    for one, other in (
        (conv(**options), conv(**options, shortcuts=True)),
        (mlp(weights=weights, hidden=(9, 9, 9)), mlp(weights=weights, hidden=(9, 9, 9), shortcuts=True)),
    ):
        first, second = (
            sorted((tuple(p.shape), p.double().sum().item()) for p in n.parameters() if p.dim() > 1)
            for n in (one, other)
        )
        assert first == second
        bits, too = ([m.weight for m in n.modules() if isinstance(m, OneBitConv | OneBitLinear)] for n in (one, other))
        assert len(bits) == len(too) == ((8 if isinstance(one, SpikingConvNet) else 2) if weights == "1bit" else 0)
        assert all(torch.equal(a, b) for a, b in zip(bits, too, strict=True))
        assert not [w for w in bits if w.dim() == 4 and w.shape[-1] == 1]
        leaks, leaks_too = ([m.leak for m in n.modules() if isinstance(m, Neurons)] for n in (one, other))
        assert len(leaks) == len(leaks_too) > 2
        for a, b in zip(leaks, leaks_too, strict=True):
            assert torch.equal(torch.as_tensor(a), torch.as_tensor(b))


def test_a_stage_of_training_is_saved():
    network = mlp(weights="1bit")
    use_one_bit(network, on=False)
    again = network_from(network.spec()).from_arrays(network.to_arrays()).eval()
    assert torch.equal(again(images()), network(images())) and not torch.equal(
        mlp(weights="1bit")(images()), again(images())
    )
    folded = network.folded()
    torch.testing.assert_close(folded(images()), again(images()), rtol=0, atol=1e-12)
    again = network_from(folded.spec()).from_arrays(folded.to_arrays())
    assert torch.equal(again(images()), folded(images()))


def test_specs_of_before_say_nothing_of_bits():
    """As files have them that were written before there were bits."""
    for network in (mlp(), conv()):
        assert not {"weights", "shortcuts"} & network.spec().keys()
    spec = mlp(weights="1bit", shortcuts=np.True_, hidden=(9, 9)).spec()
    assert spec["weights"] == "1bit" and spec["shortcuts"] is True


@pytest.mark.parametrize(("make", "options"), NETWORKS)
def test_step_by_step_equals_all_at_once(make, options):
    network = make(**options)
    for x in (images(), events(network.steps)):
        together = network(x)
        rows = list(network.steps_of(x))
        torch.testing.assert_close(torch.stack(rows), together, rtol=0, atol=1e-12)
        folded = network.folded()
        torch.testing.assert_close(torch.stack(list(folded.steps_of(x))), together, rtol=0, atol=1e-12)
        assert together.abs().max() > 0.1 and together.shape == (network.steps, 6, 5)


@pytest.mark.parametrize(("make", "options"), NETWORKS)
def test_samples_that_are_decided_can_be_left_out(make, options):
    network = make(**options)
    for one in (network, network.folded()):
        for x in (images(), events(network.steps)):
            together = network(x).detach()
            run, other = one.steps_of(x), one.steps_of(x)
            torch.testing.assert_close(next(run).detach(), together[0], rtol=0, atol=1e-12)
            next(other)
            stay = torch.tensor([True, False, True, True, False, True])
            second = run.send(stay).detach()
            torch.testing.assert_close(second, together[1][stay], rtol=0, atol=1e-12)
            torch.testing.assert_close(next(other).detach(), together[1], rtol=0, atol=1e-12)
            third = run.send(np.array([3, 0])).detach()  # indices of the four that were left, in any order
            torch.testing.assert_close(third, together[2][[5, 0]], rtol=0, atol=1e-12)
            with pytest.raises(StopIteration):
                run.send(torch.zeros(2, dtype=torch.bool))


def test_nothing_more_than_asked_for_is_computed():
    network, calls = mlp(), []
    network.layers[-1].register_forward_hook(lambda *_: calls.append(1))
    first: list[int] = []
    network.layers[0].synapses.register_forward_hook(lambda *_: first.append(1))
    run = network.steps_of(images())
    assert not calls
    next(run), next(run)
    assert len(calls) == 2 and len(first) == 1  # an image that stays is seen once


@pytest.mark.parametrize(("make", "options"), NETWORKS)
def test_folding_changes_no_spike(make, options):
    network = make(**options)
    folded = network.folded()
    assert not [m for m in folded.modules() if isinstance(m, Projection)]
    assert any(isinstance(m, StepWeights) for m in folded.modules()) == (options.get("normalisation") == "tebn")
    bits = [m for m in network.modules() if isinstance(m, OneBitConv | OneBitLinear)]
    signs = [m for m in folded.modules() if isinstance(m, ScaledSigns)]
    assert len(bits) == len(signs) and not [m for m in folded.modules() if isinstance(m, OneBitConv | OneBitLinear)]
    assert all(np.array_equal(one.signs(), other.signs()) for one, other in zip(bits, signs, strict=True))
    assert not any(p.requires_grad for p in folded.parameters())
    for x in (images(), events(network.steps)):
        before, kept = network.traced(x)
        after, kept_too = folded.traced(x)
        torch.testing.assert_close(after, before.detach(), rtol=0, atol=1e-12)
        for one, other in zip(kept, kept_too, strict=True):
            assert torch.equal(one.spikes, other.spikes) and one.spikes.any()
            torch.testing.assert_close(one.potential, other.potential, rtol=0, atol=1e-12, check_dtype=False)
    assert not [m for m in network.modules() if getattr(m, "kept", None) is not None]
    assert network.layers[0].synapses.weight.requires_grad  # the first is as it was
    again = network_from(folded.spec()).from_arrays(folded.to_arrays())
    assert torch.equal(again(images()), folded(images())) and again.spec() == folded.spec()


@pytest.mark.parametrize(("make", "options"), NETWORKS)
def test_saving_without_pickles(make, options, tmp_path):
    network = make(**options)
    write_checkpoint(tmp_path / "net", network.to_arrays(), {"spec": network.spec()})
    arrays, about = read_checkpoint(tmp_path / "net")
    again = network_from(about["spec"])
    assert again.spec() == network.spec() == json.loads(json.dumps(network.spec()))
    again = again.from_arrays(arrays).eval()
    assert torch.equal(again(images()), network(images()))
    assert again.describe() == network.describe()
    folded = network.folded()
    assert network_from(folded.spec()).from_arrays(folded.to_arrays()).describe() == folded.describe()
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value) and again.state_dict()[name].dtype == value.dtype


@pytest.mark.parametrize(("make", "options"), NETWORKS)
def test_gradients_reach_every_parameter(make, options):
    network = make(**options).float().train()
    y = torch.arange(6) % 5
    cross_entropy_of_mean(network(images().float()), y).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    assert all(p.grad.any() for n, p in network.named_parameters() if n.endswith(("weight", "p", "logit_leak")))


def test_weights_come_from_the_seed():
    one, same, other = (mlp(seed=seed).to_arrays() for seed in (2, 2, 3))
    assert all(np.array_equal(one[k], same[k]) for k in one)
    assert not np.array_equal(one["layers.0.synapses.weight"], other["layers.0.synapses.weight"])
    wide = SpikingMLP(400, 10, hidden=(300, 200))
    assert wide.layers[0].synapses.weight.std().item() == pytest.approx(2 / np.sqrt(400), rel=0.02)
    assert wide.layers[-1].weight.std().item() == pytest.approx(np.sqrt(1 / 200), rel=0.05)
    spread = SpikingMLP(4, 2, hidden=(500, 500), leak=(0.2, 0.8))
    first, second = (spread.layers[k].leak for k in (1, 3))
    assert {v.dtype for v in spread.state_dict().values()} == {torch.float32}
    assert first.min() < 0.22 and first.max() > 0.78 and not torch.equal(first, second)


@pytest.mark.parametrize("normalisation", [None, "tebn"])
def test_no_layer_is_silent_at_the_beginning(normalisation):
    found = []
    for options in ({}, {"weights": "1bit"}, {"shortcuts": True}, {"weights": "1bit", "shortcuts": True}):
        options["normalisation"] = normalisation
        found.append(SpikingMLP(84, 5, hidden=(200, 200, 200), **options))
        found.append(SpikingConvNet(IMAGE, 5, channels=(16, 32), hidden=(50,), **options))
    for network in found:
        account = network.account(images(30).float())
        rates = account.spikes.mean((1, 2)) / account.neurons
        assert rates.min() > 0.03 and rates.max() < (0.6 if network.setting.shortcuts else 0.3)


def test_a_network_learns_digits():
    """Eight times through 1,000 images: 9 of 10 others are right at the end, and most in the first step."""
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
    network = SpikingMLP(64, 10, hidden=(64,), normalisation="tebn", leak=(0.3, 0.8), trainable="leak")
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    rng = np.random.default_rng(0)
    for _ in range(8):
        for batch in np.array_split(rng.permutation(1000), 20):
            optimiser.zero_grad()
            cross_entropy_of_mean(network(x[batch]), y[batch]).backward()
            optimiser.step()
    with torch.no_grad():
        outputs = network.eval()(x[1000:])
    right = [(outputs[: t + 1].mean(0).argmax(1) == y[1000:]).double().mean().item() for t in range(4)]
    assert right[3] > 0.9 and right[0] > 0.8
    assert torch.equal(network.folded()(x[1000:]).argmax(2), outputs.argmax(2))


def test_a_seed_changes_nothing_of_another_layer():
    """A layer's weights depend on the seed and its name, not on what was drawn before."""
    one, two = SpikingMLP(9, 4, hidden=(5,)), SpikingMLP(9, 4, hidden=(5, 6))
    assert torch.equal(one.layers[0].synapses.weight, two.layers[0].synapses.weight)


def test_rate_coding():
    network = mlp(coding="rate", steps=400)
    x = images(8)
    spikes = network.coding(x)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    assert ((spikes.mean(0) - x).abs() < 4.5 * torch.sqrt(x * (1 - x) / 400)).all()
    assert torch.equal(network.coding(x), spikes)  # in evaluation
    assert torch.equal(network.coding(x[:3]), spikes[:, :3])
    network.train()
    one, two = network.coding(x), network.coding(x)
    assert not torch.equal(one, two) and not torch.equal(one, spikes)
    again = network_from(network.spec())
    assert torch.equal(again.coding(x), one)  # the first pattern of an equal network
    again.from_arrays(network.to_arrays())
    assert torch.equal(again.coding(x), network.coding(x))  # a training that goes on
    with pytest.raises(hr.HeteroError, match=r"rate coding needs pixels from 0 to 1, got 1\.5: scale the images"):
        network(x + 1.5 - x)


def test_dropout():
    network = SpikingMLP(84, 5, hidden=(400,), dropout=0.3, threshold=0.01, seed=1)
    layer = network.layers[2]
    ones = torch.ones(4, 50, 400)
    one, two = layer(ones), layer(ones)
    assert torch.equal(one[0], one[3]) and not torch.equal(one, two)
    assert {round(v, 5) for v in one.unique().tolist()} == {0.0, round(1 / 0.7, 5)}
    assert one.mean().item() == pytest.approx(1.0, abs=0.02)
    assert torch.equal(copy.deepcopy(layer)(ones), layer(ones))
    assert torch.equal(layer.eval()(ones), ones)


def test_normalisation_of_a_constant_image_is_that_of_its_copies():
    """The first sums are computed once; their statistics are those of all steps."""
    network = mlp(normalisation="tebn").train()
    again = copy.deepcopy(network)
    x = images()
    repeated = x[:, None].expand(-1, 4, *IMAGE)  # as events, computed in each step
    torch.testing.assert_close(network(x), again(repeated), rtol=0, atol=1e-12)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=1e-12)


def test_one_step():
    network = conv(steps=1, normalisation="tebn")
    assert network(images()).shape == (1, 6, 5)
    torch.testing.assert_close(next(network.steps_of(events(1))), network(events(1))[0], rtol=0, atol=1e-12)


def test_what_a_network_says():
    network = SpikingMLP(84, 5, hidden=(30, 20), normalisation="tebn", neuron="if", dropout=0.1)
    assert repr(network) == "SpikingMLP(84-30-20-5, 4 steps, if, hard reset, direct coding, tebn)"
    assert repr(network.eval().folded()).endswith("direct coding, folded)")
    text = network.describe()
    assert text.splitlines()[0] == repr(network)
    assert f"{sum(p.numel() for p in network.parameters()):,} parameters" in text
    assert all(word in text for word in ("Linear(84, 30)", "TEBN(30, steps=4)", "Neurons(leak=1", "Dropout(0.1)"))
    assert "StepWeights(steps=4)" in network.folded().describe()
    assert "2 blocks a stage" in repr(SpikingConvNet(IMAGE, 5, blocks=2))
    network = SpikingMLP(84, 5, hidden=(30, 20), weights="1bit", shortcuts=True, dropout=0.1, normalisation="batch")
    assert repr(network).endswith("direct coding, batch, 1-bit weights, shortcuts)")
    text = network.describe()
    assert all(word in text for word in ("OneBitLinear(30, 20)", "Bias(30)", "  1.shortcut.synapses Linear(30, 20)"))
    assert text.count("Dropout(0.1)") == 2 and text.count("OneBit") == 1
    assert repr(network.eval().folded()).endswith("1-bit weights, shortcuts, folded)")
    assert "  1.main           ScaledSigns()" in network.folded().describe()


def test_copies_and_precision():
    network = mlp(normalisation="tebn")
    network.traced(images())
    assert torch.equal(copy.deepcopy(network)(images()), network(images()))
    assert network.float()(images()).dtype == torch.float32  # the input is cast


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden": ()}, "hidden must name at least one layer"),
        ({"hidden": 64}, "hidden must be a list of whole numbers, got 64"),
        ({"hidden": (0,)}, "hidden must be a whole number >= 1, got 0"),
        ({"inputs": 0}, "inputs must be a whole number >= 1"),
        ({"classes": 0}, "classes must be a whole number >= 1"),
        ({"steps": 0}, "steps must be a whole number >= 1"),
        ({"neuron": "adlif"}, "unknown neuron 'adlif'"),
        ({"leak": 1.5}, "leak must be from 0 to 1, got 1.5"),
        ({"leak": (0.1, 0.2, 0.3)}, "leak must be a number, or two"),
        ({"leak": (0.3, 0.2)}, "leak must be a number, or two: from low to high"),
        ({"leak": (0.5, 1.2)}, "leak must be from 0 to 1, got 1.2"),
        ({"threshold": (0.0, 1.0)}, "threshold must be > 0, got 0"),
        ({"reset": "none"}, "unknown reset 'none'"),
        ({"coding": "latency"}, "unknown coding 'latency'"),
        ({"normalisation": "layer"}, "unknown normalisation 'layer'"),
        ({"pseudo_derivative": 3}, "a pseudo-derivative is a name"),
        ({"dropout": 1.0}, "dropout must be below 1, got 1"),
        ({"seed": -1}, "seed must be a whole number >= 0"),
        ({"trainable": ("w",)}, "unknown trainable quantity 'w'"),
        ({"weights": "2bit"}, "unknown weights '2bit'"),
        ({"shortcuts": 1}, "shortcuts must be True or False, got 1"),
        ({"weights": "1bit"}, "weights='1bit' is about layers between the first and the last, and there is none"),
        ({"shortcuts": True}, "shortcuts=True is about layers between"),
        ({"neuron": "if", "trainable": "leak"}, "integrate-and-fire neurons have no leak to train"),
    ],
)
def test_options_that_are_refused(options, words):
    with pytest.raises(hr.HeteroError, match=words) as caught:
        SpikingMLP(**{"inputs": 4, "classes": 3, **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": (8, 8)}, r"shape must be \(channels, height, width\), got \(8, 8\)"),
        ({"channels": ()}, "channels must name at least one stage"),
        ({"blocks": -1}, "blocks must be a whole number >= 0"),
        ({"pool": "max"}, "unknown pool 'max'"),
        ({"weights": "1bit", "blocks": 0, "channels": (3,)}, "and there is none: use more layers"),
    ],
)
def test_options_of_convolutions_that_are_refused(options, words):
    with pytest.raises(hr.HeteroError, match=words):
        SpikingConvNet(**{"shape": (1, 8, 8), "classes": 3, **options})


def test_calls_that_are_refused():
    network = conv(normalisation="tebn")
    for odd in (images()[:, :1], images()[0], events(3), images()[:0], torch.zeros(6, 4)):
        with pytest.raises(
            hr.HeteroError, match=r"the input must have the shape \(batch, 2, 7, 6\) or \(batch, 4, 2, 7"
        ):
            network(odd)
    with pytest.raises(hr.HeteroError, match=r"tensor of floating point numbers, got torch\.uint8: use x\.float"):
        network(images().byte())
    with pytest.raises(hr.HeteroError, match="tensor of floating point numbers, got ndarray"):
        network(images().numpy())
    run = network.steps_of(images())
    next(run)
    with pytest.raises(hr.HeteroError, match="who stays must be a mask of 6 samples"):
        run.send(torch.ones(5, dtype=torch.bool))
    run = network.steps_of(images())
    next(run)
    with pytest.raises(hr.HeteroError, match="who stays must be a mask of 6 samples"):
        run.send(torch.tensor([0, 6]))
    network.train()
    with pytest.raises(hr.HeteroError, match="a network in training cannot go step by step: call eval"):
        network.steps_of(images())
    with pytest.raises(hr.HeteroError, match="a network in training cannot be folded: call eval"):
        network.folded()


def test_arrays_and_specs_that_are_refused():
    network = mlp()
    arrays = network.to_arrays()
    with pytest.raises(hr.HeteroError, match=r"the array 'layers\.4\.bias' is missing"):
        network.from_arrays({k: v for k, v in arrays.items() if k != "layers.4.bias"})
    with pytest.raises(hr.HeteroError, match="the array 'extra' is unknown"):
        network.from_arrays({**arrays, "extra": np.zeros(1)})
    with pytest.raises(hr.HeteroError, match=r"'layers\.4\.bias' must have the shape \(5,\), got float64 of \(4,\)"):
        network.from_arrays({**arrays, "layers.4.bias": np.zeros(4)})
    with pytest.raises(hr.HeteroError, match="must have the shape"):
        network.from_arrays({**arrays, "layers.4.bias": np.array(["a"] * 5)})
    assert all(np.array_equal(v, arrays[k]) for k, v in network.to_arrays().items())
    for odd, words in (
        ({}, "the spec of a network must name the network"),
        ({**network.spec(), "network": "MLP"}, "unknown network 'MLP'"),
        ({**network.spec(), "hiden": 3}, "unknown option 'hiden' of a network"),
        ({"network": "SpikingMLP", "inputs": 3}, "the spec does not fit"),
    ):
        with pytest.raises(hr.HeteroError, match=words):
            network_from(odd)


def test_arrays_are_copies():
    network = mlp()
    network.to_arrays()["layers.4.bias"][:] = 9.0
    assert not network.layers[4].bias.any()
    buffer = io.BytesIO()
    np.savez(buffer, **network.to_arrays())  # allow_pickle is not needed
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as file:
        arrays = dict(file)
    assert network_from(network.spec()).from_arrays(arrays).layers[0].synapses.weight.dtype == torch.float64
    assert isinstance(network, SpikingNetwork) and isinstance(network.layers[4], Linear)
