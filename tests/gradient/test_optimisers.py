"""Adam by hand, against torch's, and taken up again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.gradient.optimisers import Adam


def test_the_first_steps_by_hand():
    adam = Adam({"a": 0.1}, steps=10, schedule="constant", epsilon=0.0)
    values = {"a": np.array([1.0, -2.0])}
    values = adam.step(values, {"a": np.array([3.0, -0.5])})
    np.testing.assert_allclose(values["a"], [0.9, -1.9])  # a first step is as long as the rate, whatever the gradient
    values = adam.step(values, {"a": np.array([1.0, 0.0])})
    m, s = 0.9 * 0.3 + 0.1 * 1.0, 0.999 * 0.009 + 0.001 * 1.0
    expected = 0.9 - 0.1 * (m / (1 - 0.81)) / np.sqrt(s / (1 - 0.999**2))
    assert values["a"][0] == pytest.approx(expected)


def test_the_cosine_ends_at_nothing():
    adam = Adam({"a": 1.0}, steps=4)
    values, lengths = {"a": np.zeros(1)}, []
    for _ in range(5):
        after = adam.step(values, {"a": np.ones(1)})
        lengths.append(float(values["a"][0] - after["a"][0]))
        values = after
    np.testing.assert_allclose(
        lengths, [1.0, 0.5 * (1 + np.cos(np.pi / 4)), 0.5, 0.5 * (1 - np.cos(np.pi / 4)), 0.0], atol=1e-7
    )


def test_clipping_keeps_the_direction():
    big = {"a": np.array([300.0, 400.0]), "b": np.zeros(2)}
    adam = Adam({"a": 0.1, "b": 0.1}, steps=2, clip=1.0)
    adam.step({k: np.zeros(2) for k in big}, big)
    np.testing.assert_allclose(adam.means["a"], 0.1 * np.array([0.6, 0.8]) * 2.0)  # norm sqrt(4 entries)
    small = Adam({"a": 0.1}, steps=2, clip=1.0)
    small.step({"a": np.zeros(2)}, {"a": np.array([0.3, 0.4])})
    np.testing.assert_allclose(small.means["a"], [0.03, 0.04])


def test_weights_shrink_apart_from_the_gradient():
    adam = Adam({"a": 0.1, "b": 0.1}, steps=2, schedule="constant", weight_decay=0.5, decayed=("a",))
    values = adam.step({"a": np.array([2.0]), "b": np.array([2.0])}, {"a": np.zeros(1), "b": np.zeros(1)})
    assert values["a"][0] == pytest.approx(2.0 * 0.95) and values["b"][0] == 2.0


def run(adam: Adam, values: dict[str, Any], seeds: range) -> dict[str, Any]:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        values = adam.step(values, {k: rng.normal(size=v.shape) for k, v in values.items()})
    return values


def test_one_that_was_interrupted_goes_on_as_if_not():
    start = {"a": np.ones((2, 3)), "b": np.zeros(4)}
    options: dict[str, Any] = {"rates": {"a": 0.1, "b": 0.01}, "steps": 20, "clip": 0.5}
    whole = run(Adam(**options), start, range(20))
    first = Adam(**options)
    half = run(first, start, range(9))
    second = Adam(**options)
    second.restore(first.state())
    for name, value in run(second, half, range(9, 20)).items():
        np.testing.assert_array_equal(value, whole[name])


def test_what_cannot_be_is_refused():
    for options in (
        {"steps": 0},
        {"schedule": "linear"},
        {"weight_decay": -1.0},
        {"clip": 0.0},
        {"rates": {"a": -0.1}},
    ):
        with pytest.raises(hr.HeteroError):
            Adam(**{"rates": {"a": 0.1}, "steps": 5, **options})


@pytest.mark.torch
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_it_is_that_of_torch(decay):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Parameter(torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64))
    optimiser = torch.optim.AdamW([theirs], lr=0.05, weight_decay=decay)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=12)
    ours = Adam({"a": 0.05}, steps=12, weight_decay=decay, decayed=("a",))
    values = {"a": theirs.detach().numpy().copy()}
    for seed in range(12):
        gradient = np.random.default_rng(seed).normal(size=3)
        values = ours.step(values, {"a": gradient})
        theirs.grad = torch.tensor(gradient)
        optimiser.step()
        plan.step()
        np.testing.assert_allclose(values["a"], theirs.detach().numpy(), rtol=1e-12)
