"""Losses: against formulas of numpy, and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

import hetero_rsnn as hr
from hetero_rsnn.gradient.feedforward.losses import (
    consistency,
    cross_entropy_of_mean,
    last_steps,
    spread,
    temporal_efficient,
    with_consistency,
)
from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
from hetero_rsnn.gradient.feedforward.neurons import Kept

pytestmark = pytest.mark.torch

BATCH, CLASSES = 12, 3


def problem(steps: int, seed: int = 0):
    """Outputs, classes, and what two layers of other shapes did, one with a threshold for each neuron."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, BATCH)
    outputs = rng.normal(0, 1, (steps, BATCH, CLASSES)) + 1.5 / np.sqrt(steps) * np.eye(CLASSES)[y]
    layers = []
    for shape, threshold in (((7,), 1.0), ((2, 3, 3), rng.uniform(0.5, 2.0, (2, 3, 3)))):
        spikes = (rng.random((steps, BATCH, *shape)) < 0.3).astype(float)
        layers.append((spikes, rng.normal(0, 1, (steps, BATCH, *shape)) * (1 - spikes), threshold))
    return outputs, y, layers


def in_torch(layers):
    return [
        Kept(torch.tensor(s), torch.tensor(u), th if isinstance(th, float) else torch.tensor(th)) for s, u, th in layers
    ]


def rcs_by_hand(layers, outputs, y, ends=None):
    """Sample by sample and step by step; `ends` are directions that are held fixed."""
    steps = len(outputs)
    n = max(1, int(0.3 * steps))
    total = 0.0
    for b in range(BATCH):
        decisions = [np.argmax(outputs[: t + 1, b].mean(0)) for t in range(steps)]
        if any(decisions[t] != y[b] for t in range(steps - n, steps)):
            continue
        worst = 0.0
        for k, (s, u, th) in enumerate(layers):
            r = np.array([(s[t, b] + np.maximum(u[t, b] / th, 0)).ravel() for t in range(steps)])
            end = r[steps - n :].mean(0) if ends is None else ends[k][b]
            cosines = [(v * end).sum() / (np.sqrt((v**2).sum() + 1e-5) * np.sqrt((end**2).sum() + 1e-5)) for v in r]
            worst = max(worst, 1 / (np.mean(cosines) + 1e-5))
        total += worst
    return total / BATCH


@pytest.mark.parametrize("steps", [2, 3, 4, 10])
def test_consistency_is_that_of_the_formula(steps):
    outputs, y, layers = problem(steps)
    found = consistency(in_torch(layers), torch.tensor(outputs), torch.tensor(y)).item()
    assert found == pytest.approx(rcs_by_hand(layers, outputs, y), rel=1e-12)
    n = {2: 1, 3: 1, 4: 1, 10: 3}[steps]
    assert last_steps(steps) == n
    so_far = outputs.cumsum(0)[-n:].argmax(2)
    right = (so_far == y).all(0)
    assert 0 < right.sum() < BATCH
    assert found > right.mean()  # no cosine exceeds 1


def test_a_sample_that_was_wrong_in_one_of_the_last_steps_does_not_count():
    outputs, y, layers = problem(10)
    outputs = np.zeros_like(outputs)
    outputs[:, np.arange(BATCH), y] = 1.0
    all_right = consistency(in_torch(layers), torch.tensor(outputs), torch.tensor(y)).item()
    outputs[7, 0, (y[0] + 1) % CLASSES] = 9.0  # 9 against 8, then 9 against 9
    outputs[8, 0, y[0]] = 5.0
    fewer = consistency(in_torch(layers), torch.tensor(outputs), torch.tensor(y)).item()
    assert fewer == pytest.approx(rcs_by_hand(layers, outputs, y), rel=1e-12)
    alone = [(s[:, :1], u[:, :1], th) for s, u, th in layers]
    sole = consistency(in_torch(alone), torch.ones(10, 1, 1), torch.zeros(1, dtype=torch.long)).item()
    assert all_right - fewer == pytest.approx(sole / BATCH, rel=1e-9)


def test_a_silent_layer_has_a_value_and_no_gradient():
    _, y, layers = problem(4)
    nothing = torch.zeros(4, BATCH, 5, dtype=torch.float64, requires_grad=True)
    right = torch.nn.functional.one_hot(torch.tensor(y)).double().expand(4, BATCH, CLASSES)
    value = consistency([*in_torch(layers), Kept(nothing, nothing, 1.0)], right, torch.tensor(y))
    assert value.item() == pytest.approx(1e5, rel=1e-9)
    value.backward()
    assert not nothing.grad.any()


@pytest.mark.parametrize("steps", [2, 4, 10])
def test_gradient_of_consistency_is_that_of_finite_differences(steps):
    """The direction at the end is held fixed, as it is detached."""
    outputs, y, layers = problem(steps)
    n = max(1, int(0.3 * steps))
    ends = []
    for s, u, th in layers:
        r = (s + np.maximum(u / th, 0)).reshape(steps, BATCH, -1)
        ends.append(r[-n:].mean(0))
    kept = [
        k._replace(spikes=k.spikes.requires_grad_(), potential=k.potential.requires_grad_()) for k in in_torch(layers)
    ]
    consistency(kept, torch.tensor(outputs), torch.tensor(y)).backward()
    rng, h, seen = np.random.default_rng(5), 1e-6, 0
    for k, which in ((0, 0), (0, 1), (1, 0), (1, 1)):
        gradient = kept[k][which].grad.numpy()
        places = np.argwhere(np.abs(gradient) > 1e-9)
        for place in map(tuple, places[rng.permutation(len(places))[:6]]):
            array = layers[k][which]
            before = array[place]
            array[place] = before + h
            above = rcs_by_hand(layers, outputs, y, ends)
            array[place] = before - h
            below = rcs_by_hand(layers, outputs, y, ends)
            array[place] = before
            assert gradient[place] == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-9)
            seen += 1
    assert seen >= 12


def test_consistency_trains_a_network():
    """Steps of gradient descent on RCS alone bring the activity of all steps into one direction."""
    network = SpikingMLP(20, 2, hidden=(30, 20), steps=4, seed=3)
    x = torch.tensor(np.random.default_rng(0).uniform(0, 1, (16, 20)), dtype=torch.float32)
    y = network(x).mean(0).argmax(1).detach()  # right from the beginning
    optimiser, values = torch.optim.Adam(network.parameters(), lr=0.01), []
    for _ in range(30):
        outputs, kept = network.traced(x)
        value = consistency(kept, outputs + 100 * torch.nn.functional.one_hot(y, 2), y)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < values[0] - 0.2 * (values[0] - 1)


def test_the_whole_loss():
    outputs, y, layers = problem(4)
    kept, o, c = in_torch(layers), torch.tensor(outputs), torch.tensor(y)
    main = cross_entropy_of_mean(o, c)
    value = consistency(kept, o, c)
    assert with_consistency(main, kept, o, c).item() == pytest.approx(main.item() + 0.002 * value.item(), rel=1e-12)
    assert with_consistency(main, kept, o, c, alpha=0.0).item() == main.item()


def test_cross_entropy_and_tet_are_those_of_the_formulas():
    outputs, y, _ = problem(5)
    o, c = torch.tensor(outputs), torch.tensor(y)
    expected = -log_softmax(outputs.mean(0), axis=1)[np.arange(BATCH), y].mean()
    assert cross_entropy_of_mean(o, c).item() == pytest.approx(expected, rel=1e-12)
    each = np.mean([-log_softmax(step, axis=1)[np.arange(BATCH), y].mean() for step in outputs])
    for share in (1e-3, 0.3):
        expected = (1 - share) * each + share * ((outputs - 1) ** 2).mean()
        assert temporal_efficient(o, c, share=share).item() == pytest.approx(expected, rel=1e-12)
    assert temporal_efficient(o, c).item() == temporal_efficient(o, c, share=1e-3).item()


def test_spread_is_that_of_the_formula():
    rng = np.random.default_rng(0)
    layers = [rng.normal(0, 1, (6, 9)), rng.normal(0, 1, (6, 2, 3, 3))]
    layers[0][0], layers[1][0] = -1.0, -1.0  # a silent sample
    expected = []
    for b in range(6):
        active = [np.maximum(a[b].ravel(), 0) for a in layers]
        expected.append(max(a.max() / np.sqrt((a**2).mean() + 1e-5) for a in active))
    assert expected[0] == 0.0
    assert spread([torch.tensor(a) for a in layers]).item() == pytest.approx(np.mean(expected), rel=1e-12)


def test_what_is_refused():
    outputs, y, layers = problem(2)
    kept, o, c = in_torch(layers), torch.tensor(outputs), torch.tensor(y)
    with pytest.raises(hr.HeteroError, match="RCS needs at least 2 steps, got 1: use more steps, or train without it"):
        consistency(kept, o[:1], c)
    with pytest.raises(hr.HeteroError, match="alpha must be a finite number >= 0"):
        with_consistency(torch.tensor(0.0), kept, o, c, alpha=-0.1)
    with pytest.raises(hr.HeteroError, match="RCS needs at least one layer of neurons, got none"):
        consistency([], o, c)
    with pytest.raises(hr.HeteroError, match="RCS needs at least one layer, got none"):
        spread([])
    with pytest.raises(hr.HeteroError, match="share must be from 0 to 1"):
        temporal_efficient(o, c, share=1.5)
