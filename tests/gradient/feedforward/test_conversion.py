"""Converted networks: exact where they must be, and what is left elsewhere."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.conversion import conversion_error, convert
from hetero_rsnn.gradient.feedforward.converted import Connections
from hetero_rsnn.gradient.feedforward.layers import Conv
from hetero_rsnn.gradient.feedforward.neurons import Neurons
from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryBlock, OrdinaryConvNet, OrdinaryMLP
from hetero_rsnn.gradient.feedforward.quantised import QCFS

pytestmark = pytest.mark.torch


def worked(model: nn.Module, seed: int = 0) -> Any:
    """The network in double precision, with statistics, scales, biases and thetas as a training would leave them."""
    rng = np.random.default_rng(seed)
    for layer in model.double().modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            n = layer.num_features
            layer.running_mean = torch.from_numpy(rng.normal(0, 0.3, n))
            layer.running_var = torch.from_numpy(rng.uniform(0.5, 2, n))
            if layer.affine:
                layer.weight.data = torch.from_numpy(rng.uniform(-0.5, 1.5, n))
                layer.bias.data = torch.from_numpy(rng.normal(0.3, 0.3, n))
        elif isinstance(layer, nn.Linear | nn.Conv2d):
            layer.weight.data = torch.from_numpy(
                rng.normal(0, 1.4 / np.sqrt(layer.weight[0].numel()), layer.weight.shape)
            )
            if layer.bias is not None:
                layer.bias.data = torch.from_numpy(rng.normal(0, 0.2, layer.bias.shape))
        elif isinstance(layer, QCFS):
            layer.theta.data = torch.tensor(rng.uniform(1.0, 2.0), dtype=torch.float64)
    return model.eval()


def images(shape: tuple[int, ...], count: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0.5, 1.5, (count, *shape)))


def mlp(levels: int = 4, hidden: tuple[int, ...] = (30, 20, 25), **options: Any) -> Any:
    return worked(OrdinaryMLP(16, 3, hidden=hidden, levels=levels, **options))


def convnet(levels: int = 4, **options: Any) -> Any:
    return worked(OrdinaryConvNet((2, 7, 9), 3, **{"channels": (3, 4), "hidden": (6,), "levels": levels} | options))


NESTED = nn.Sequential(
    nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.Dropout2d(0.5), nn.BatchNorm2d(4, affine=False)),
    nn.Sequential(QCFS(), nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), OrdinaryBlock(4, 4), nn.Identity())),
    nn.Conv2d(4, 6, (1, 3), groups=2, padding=(0, 1), padding_mode="circular", bias=False),
    nn.BatchNorm2d(6),
    nn.AvgPool2d(2),
    QCFS(8),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(6, 5, bias=False),
    nn.BatchNorm1d(5),
    nn.Dropout(0.3),
    nn.Linear(5, 3),
)


def nested() -> Any:
    return worked(copy.deepcopy(NESTED))


MODELS = {"mlp": (mlp, (16,)), "conv": (convnet, (2, 7, 9)), "nested": (nested, (2, 7, 9))}


class Integrate(nn.Module):
    """In the place of QCFS: a neuron that remembers its potential; written for this test."""

    def __init__(self, theta: float, start: float) -> None:
        super().__init__()
        self.theta, self.start, self.u, self.spikes = theta, start * theta, None, []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.u = (torch.full_like(x, self.start) if self.u is None else self.u) + x
        fires = self.u >= self.theta
        self.u = torch.where(fires, self.u - self.theta, self.u)
        self.spikes.append(fires.numpy())
        return fires.to(x.dtype) * self.theta


def stepped(model: nn.Module, x: torch.Tensor, steps: int, start: float = 0.5) -> tuple[np.ndarray, list[np.ndarray]]:
    """Outputs and spikes of the layers of torch themselves, nothing folded, called once a step."""
    twin, cells = copy.deepcopy(model).eval(), []

    def replace(module: nn.Module) -> None:
        for name, child in module.named_children():
            if isinstance(child, QCFS):
                cells.append(Integrate(child.theta.item(), start))
                setattr(module, name, cells[-1])
            else:
                replace(child)

    replace(twin)
    with torch.no_grad():
        outputs = np.stack([twin(x).numpy() for _ in range(steps)])
    return outputs, [np.stack(cell.spikes) for cell in cells]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("steps", "start"), [(1, 0.5), (5, 0.5), (7, 0.2)])
def test_steps_one_by_one(name, steps, start):
    """Outputs and spikes of all layers, blocks included, equal a loop over steps with unfolded weights."""
    make, shape = MODELS[name]
    model, x = make(), images(shape)
    expected, spikes = stepped(model, x, steps, start)
    spiking = convert(model, steps, start=start)
    outputs, kept = spiking.traced(x)
    np.testing.assert_allclose(outputs, expected, atol=1e-12)
    assert len(kept) == len(spikes)
    for own, wanted in zip(kept, spikes, strict=True):
        np.testing.assert_array_equal(own.spikes.numpy(), wanted)
        assert 0 < wanted.mean() < 1
    np.testing.assert_allclose(torch.stack(list(spiking.steps_of(x))), expected, atol=1e-12)


def test_samples_may_leave():
    make, shape = MODELS["nested"]
    spiking, x = convert(make(), 4), images(shape)
    full, run = spiking(x), spiking.steps_of(x)
    stay = torch.tensor([0, 3, 7])
    np.testing.assert_allclose(next(run), full[0], atol=1e-12)
    np.testing.assert_allclose(run.send(stay), full[1][stay], atol=1e-12)
    np.testing.assert_allclose(next(run), full[2][stay], atol=1e-12)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("levels", [1, 3, 4, 16])
@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_the_first_layer_is_exact(name, levels, kind):
    """With as many steps as levels the mean of theta s is the quantised activation; all levels occur."""
    make, shape = MODELS[name]
    model, x = make(levels).to(kind), images(shape, 40).to(kind)
    _, kept = convert(model, levels).traced(x)
    theta = next(layer for layer in model.modules() if isinstance(layer, QCFS)).theta.item()
    found = (theta * kept[0].spikes).mean(0).numpy()
    place = [isinstance(layer, QCFS) for layer in model.layers].index(True)
    expected = model.layers[: place + 1](x).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6 if kind == torch.float32 else 1e-13)
    assert len(np.unique(kept[0].spikes.sum(0))) == levels + 1


def test_one_hidden_layer_is_exact_to_the_output():
    model, x = mlp(hidden=(30,)), images((16,))
    found = convert(model, 4)(x).mean(0)
    np.testing.assert_allclose(found, model(x).detach(), atol=1e-12)


def test_ties_fire():
    """Drives in the middle between two levels, in exact fractions: only neurons that fire at a tie agree."""
    model = nn.Sequential(nn.Linear(4, 4, bias=False), QCFS(4, theta=4.0), nn.Linear(4, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(4))
    x = torch.tensor([[0.5, 1.5, 2.5, 3.5]])
    spiking = convert(model, 4)
    assert spiking.traced(x)[1][0].spikes.sum(0).tolist() == [[1.0, 2.0, 3.0, 4.0]] == model[:2](x).tolist()
    assert conversion_error(model, spiking, x).tolist() == [0.0]
    for layer in spiking.modules():
        if isinstance(layer, Neurons):
            layer.ties = "quiet"
    assert spiking.traced(x)[1][0].spikes.sum(0).tolist() == [[0.0, 1.0, 2.0, 3.0]]
    assert conversion_error(model, spiking, x).tolist() == [1.0]


def test_without_a_start_it_is_the_floor():
    """Half a threshold at the beginning is what makes the nearest level of the one below."""
    model, x = mlp(), images((16,), 40)
    theta = model.layers[3].theta.item()
    drive = model.layers[:3](x).detach().numpy()
    _, kept = convert(model, 4, start=0).traced(x)
    np.testing.assert_array_equal(kept[0].spikes.sum(0), np.clip(np.floor(4 * drive / theta), 0, 4))


FOLDS = {
    "linear": nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)),
    "no bias": nn.Sequential(nn.Linear(6, 4, bias=False), nn.Identity(), nn.BatchNorm1d(4)),
    "no scale": nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4, affine=False)),
    "twice": nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4, eps=0.1)),
    "conv": nn.Sequential(nn.Conv2d(2, 4, 3, groups=2, padding=1), nn.BatchNorm2d(4)),
    "averaged": nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.AvgPool2d(2)),
}


@pytest.mark.parametrize("name", FOLDS)
def test_folding(name):
    fold = worked(copy.deepcopy(FOLDS[name]))
    x = images((6,) if isinstance(fold[0], nn.Linear) else (2, 5, 5))
    spiking = convert(nn.Sequential(fold, QCFS(), nn.Flatten(), nn.Linear(1, 2)).double(), 2)
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in spiking.modules())
    np.testing.assert_allclose(spiking.layers[0](x[None])[0], fold(x).detach(), atol=1e-12)


def test_the_model_is_as_it_was():
    model = mlp(dropout=0.5).train()
    before = copy.deepcopy(model.state_dict())
    spiking = convert(model, 4)
    assert not spiking.training and not any(p.requires_grad for p in spiking.parameters())
    conversion_error(model, spiking, images((16,)))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert model.training and all(m.training for m in model.modules())
    assert all(p.requires_grad for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())
    outputs = spiking(images((16,)))
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    assert torch.equal(spiking(images((16,))), outputs)


def test_error_by_hand():
    model, x = mlp(), images((16,))
    spiking = convert(model, 3)
    _, spikes = stepped(model, x, 3)
    places = [k for k, layer in enumerate(model.layers) if isinstance(layer, QCFS)]
    for error, own, place in zip(conversion_error(model, spiking, x), spikes, places, strict=True):
        theta = model.layers[place].theta.item()
        wanted = model.layers[: place + 1](x).detach().numpy()
        assert error == pytest.approx(np.abs(theta * own.mean(0) - wanted).mean() / (theta / 4), rel=1e-12)


def test_single_precision():
    """An input of another precision is taken over, as by all networks."""
    model = mlp().float()
    spiking, x = convert(model, 4), images((16,))
    assert spiking(x).dtype == torch.float32
    errors = conversion_error(model, spiking, x)
    assert errors[0] == 0
    np.testing.assert_allclose(conversion_error(model, spiking, x.float()), errors)


@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_error_over_steps(name):
    """0 in the first layer at T = L. In deeper ones it falls up to there; beyond, it tends to that of rounding."""
    make, shape = MODELS[name]
    model, x = make(), images(shape, 30)
    errors = {steps: conversion_error(model, convert(model, steps), x) for steps in (1, 2, 4)}
    assert errors[4][0] == 0 and (errors[4][1:] > 0).all()
    deeper = [errors[steps][1:] for steps in (1, 2, 4)]
    assert (deeper[0] > deeper[1]).all() and (deeper[1] > deeper[2]).all()
    # Against activations that are hardly quantised, it falls as 1 / T in all layers.
    smooth = copy.deepcopy(model)
    for layer in smooth.modules():
        if isinstance(layer, QCFS):
            layer.levels = 2**20
    limits = [conversion_error(smooth, convert(model, steps), x) / 2**20 for steps in (16, 64, 256)]
    for few, many in pairwise(limits):
        assert (few / many > 2).all()
    assert (limits[-1] < 0.01).all()


@pytest.fixture(scope="module")
def digits() -> tuple[Any, ...]:
    data = load_digits()
    x, y = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16, torch.tensor(data.target)
    return x[:1200], y[:1200], x[1200:], y[1200:]


def train(model: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, rate: float) -> None:
    optimiser = torch.optim.SGD(model.parameters(), rate, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        for part in np.array_split(rng.permutation(len(x)), len(x) // 60):
            optimiser.zero_grad()
            F.cross_entropy(model(x[part]), y[part]).backward()
            optimiser.step()
        schedule.step()
    model.eval()


@pytest.mark.parametrize(
    ("make", "epochs"),
    [
        (lambda: OrdinaryMLP(64, 10, hidden=(64, 64)), 12),
        (lambda: OrdinaryConvNet((1, 8, 8), 10, channels=(8, 16), seed=1), 5),
    ],
)
def test_digits(make, epochs, digits):
    """Few steps lose little, more steps nothing."""
    x, y, x_test, y_test = digits
    model = make()
    train(model, x, y, epochs, 0.1)
    with torch.no_grad():
        ordinary = (model(x_test).argmax(1) == y_test).double().mean().item()
        over_steps = {
            steps: (convert(model, steps)(x_test).mean(0).argmax(1) == y_test).double().mean().item()
            for steps in (1, 2, 4, 8, 32)
        }
    print(ordinary, over_steps, conversion_error(model, convert(model, 4), x_test))
    assert ordinary > 0.88
    assert over_steps[4] > ordinary - 0.04
    assert over_steps[32] > ordinary - 0.01
    assert over_steps[1] < over_steps[32]


COUNTED = {
    "linear": (nn.Sequential(nn.Linear(5, 3)), (5,)),
    "conv": (nn.Sequential(nn.Conv2d(2, 3, 3, padding=1)), (2, 4, 5)),
    "strided": (nn.Sequential(nn.Conv2d(2, 4, (3, 2), stride=2, dilation=(2, 1), groups=2)), (2, 7, 6)),
    "circular": (nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular", bias=False)), (1, 4, 5)),
    "averaged before": (nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(2, 3, 3, padding=1)), (2, 5, 5)),
    "one pixel": (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)), (2, 4, 4)),
    "averages alone": (nn.Sequential(nn.AvgPool2d(3, stride=2, padding=1)), (2, 5, 5)),
}


@pytest.mark.parametrize("name", COUNTED)
def test_targets_of_a_unit(name):
    """A unit has a target where the Jacobian is not 0; averages after the weights are no further targets."""
    layers, shape = COUNTED[name]
    layers = copy.deepcopy(layers).double()
    found = Connections(*layers).fan_out(shape)
    x = torch.zeros(1, *shape, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(layers, x)
    expected = (jacobian.abs() > 0).sum(tuple(range(jacobian.dim() - x.dim())))[0]
    np.testing.assert_array_equal(found, expected)
    if isinstance(layers[-1], nn.Conv2d):
        pooled = Connections(*layers, nn.AvgPool2d(2)).fan_out(shape)
        np.testing.assert_array_equal(pooled, found)


@pytest.mark.parametrize("name", MODELS)
def test_account(name):
    """Spikes as counted in the loop; each addition is one spike at one target, found by the size of layers."""
    make, shape = MODELS[name]
    model, x = make(), images(shape)
    _, spikes = stepped(model, x, 4)
    found = convert(model, 4).account(x)
    for own, wanted in zip(found.spikes, spikes, strict=True):
        np.testing.assert_array_equal(own, wanted.reshape(4, len(x), -1).sum(2))
    assert found.neurons.tolist() == [wanted[0, 0].size for wanted in spikes]
    products = found.multiply_accumulates
    assert products[0, 0].min() > 0 and products[0, 1:].sum() == 0 and products[1:].sum() == 0
    assert found.synaptic_operations[0].sum() == 0
    if name == "mlp":
        assert products[0, 0].tolist() == [16 * 30] * 12
        for own, wanted, targets in zip(found.synaptic_operations[1:], spikes, (20, 25, 3), strict=True):
            np.testing.assert_array_equal(own, wanted.sum(2) * targets)
    if name == "nested":
        row = dict(zip(found.connections, found.synaptic_operations, strict=True))
        # 4 channels of 4 x 5; averages of 2 x 2 belong to both ways of the block.
        s = spikes[0].reshape(4, len(x), 4, 4, 5)
        edge = F.conv2d(torch.ones(1, 1, 2, 3), torch.ones(1, 1, 3, 3), padding=1)[0, 0].numpy()
        targets = np.repeat(np.repeat(edge, 2, 0), 2, 1)[:, :5] * 4
        np.testing.assert_array_equal(row["2.main.0"], (s * targets).sum((2, 3, 4)))
        np.testing.assert_array_equal(row["2.shortcut.0"], s.sum((2, 3, 4)))
        np.testing.assert_array_equal(row["2.main.2"], (spikes[1] * edge * 4).sum((2, 3, 4)))


def test_an_identity_shortcut_is_one_target():
    found = convert(convnet(channels=(3,)), 4).account(images((2, 7, 9)))
    row = found.connections.index("2.shortcut.0")
    np.testing.assert_array_equal(found.synaptic_operations[row], found.spikes[0])


def test_a_layer_used_twice():
    """Two places have two layers of neurons."""
    act, linear = QCFS(theta=1.0), nn.Linear(5, 5)
    model = worked(nn.Sequential(linear, act, linear, act, nn.Linear(5, 2)))
    x = images((5,))
    spiking = convert(model, 4)
    errors = conversion_error(model, spiking, x)
    assert errors.shape == (2,) and errors[0] == 0
    assert conversion_error(model, convert(model, 64), x)[1] < 0.3


def test_how_it_is_shown():
    spiking = convert(convnet(), 4)
    assert repr(spiking) == "ConvertedNetwork(2x7x9-3-3-3-4-4-4-6-3, 4 steps, if, soft reset, direct coding, folded)"
    assert (spiking.shape, spiking.classes, spiking.steps, spiking.is_folded) == ((2, 7, 9), 3, 4, True)
    assert "Conv2d(2, 3" in spiking.describe() and "ties='fire'" in spiking.describe()
    assert convert(nested(), 4).shape == ()


class Odd(nn.Linear):
    """Does something else."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def chain(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), QCFS(), *layers, nn.Linear(4, 2))


def with_theta(theta: float) -> nn.Sequential:
    model = chain()
    model[1].theta.data.fill_(theta)
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: chain(nn.MaxPool2d(2)), r"layer 2 \(MaxPool2d\) cannot be converted, since the maximum of .*: use av"),
        (lambda: chain(nn.ReLU()), r"layer 2 \(ReLU\) cannot be converted, since .*: train with QCFS in its place"),
        (lambda: chain(nn.Sequential(nn.Identity(), nn.GELU())), r"layer 2\.1 \(GELU\) cannot .* known layers: build"),
        (lambda: chain(Odd(4, 4)), r"layer 2 \(Odd\) cannot be converted, since it is none of the known layers"),
        (lambda: chain(Conv(2, 2, 3, draw=torch.Generator())), r"layer 2 \(Conv\) cannot be .* none of the known"),
        (lambda: chain(nn.BatchNorm1d(4)), r"layer 2 \(BatchNorm1d\) .* directly before it can take it up: move it"),
        (lambda: nn.Sequential(nn.BatchNorm1d(4), *chain()), r"layer 0 \(BatchNorm1d\) .* directly before it"),
        (lambda: chain(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False)), "3 .* no running statistics"),
        (lambda: chain(nn.Flatten(2)), r"layer 2 \(Flatten\) .* all axes of a sample: use nn.Flatten\(\)"),
        (lambda: chain(nn.AdaptiveAvgPool2d(2)), "layer 2 .* its output must be one pixel, got 2: use nn.AvgPool2d"),
        (lambda: chain(nn.Linear(4, 4), OrdinaryBlock(4, 4)), r"layer 3 \(OrdinaryBlock\) .* input must be spikes"),
        (
            lambda: chain(nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))),
            "layer 2 .* weights are made of others",
        ),
        (lambda: with_theta(-0.5), r"layer 1 \(QCFS\) .* theta must be finite and above 0, got -0.5: train with a sma"),
        (lambda: with_theta(float("nan")), "theta must be finite and above 0, got nan"),
        (lambda: nn.Sequential(nn.Linear(4, 2)), "a network without QCFS cannot be converted: train it with QCFS"),
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)), r"layer 1 \(ReLU\) cannot be converted"),
        (lambda: nn.Sequential(), "a network without QCFS cannot be converted"),
        (lambda: nn.Sequential(QCFS(), nn.Linear(4, 2)), r"layer 0 \(QCFS\) .* the input needs weights before it: put"),
        (lambda: chain()[:2], r"layer 1 \(QCFS\) .* outputs need weights after the last spikes: add a Linear"),
        (lambda: nn.Linear(4, 2), "must be an OrdinaryMLP, an OrdinaryConvNet or an nn.Sequential, got Linear"),
        (lambda: Connections(*chain()), "must be an OrdinaryMLP, .* got Connections"),
        (lambda: "model", "must be an OrdinaryMLP, .* got str"),
    ],
)
def test_layers_that_are_refused(model, message):
    with pytest.raises(HeteroError, match=message) as caught:
        convert(model(), 4)
    assert "\n" not in str(caught.value)


def test_a_block_with_a_strange_layer():
    block = OrdinaryBlock(4, 4)
    block.main.append(nn.Tanh())
    with pytest.raises(HeteroError, match=r"layer 2\.main\.5 \(Tanh\) cannot be converted"):
        convert(nn.Sequential(nn.Conv2d(1, 4, 3), QCFS(), block, nn.Flatten(), nn.Linear(4, 2)), 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: convert(mlp(), 0), "steps must be a whole number >= 1, got 0"),
        (lambda: convert(mlp(), 2.5), "steps must be a whole number >= 1, got 2.5"),
        (lambda: convert(mlp(), 4, start=1), "start must be below 1, got 1: use 0.5"),
        (lambda: convert(mlp(), 4, start=-0.1), "start must be a finite number >= 0, got -0.1"),
        (lambda: convert(mlp(), 4)(images((15,))), r"must have the shape \(batch, 16\), got \(12, 15\)"),
        (lambda: convert(mlp(), 4)(images((4, 16))), r"must have the shape \(batch, 16\), got \(12, 4, 16\)"),
        (lambda: convert(nested(), 4)(images((3, 7, 9))), "must fit the layers of the network, got the shape"),
        (lambda: convert(nested()[:3], 4)(images((2, 7, 9))), "must fit the layers of the network, got the shape"),
        (lambda: convert(mlp(), 4)(images((16,), 0)), r"must have the shape \(batch, ...\), got \(0, 16\)"),
        (lambda: convert(mlp(), 4)([1.0]), "must be a tensor of floating point numbers, got list"),
        (lambda: convert(mlp(), 4)(torch.ones(2, 16, dtype=torch.long)), "floating point numbers, got torch.int64"),
        (lambda: convert(mlp(), 4).spec(), "a converted network has no spec: save the ordinary network"),
        (lambda: conversion_error(mlp(), convert(mlp(hidden=(30,)), 4), images((16,))), "got 3 of QCFS and 1 of neur"),
    ],
)
def test_arguments_that_are_refused(call, message):
    with pytest.raises(HeteroError, match=message):
        call()
