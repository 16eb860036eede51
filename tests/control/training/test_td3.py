"""Updates of TD3 against a plain loop with layers, optimisers and targets of its own."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from helpers import refused
from torch import nn

from hetero_rsnn.control.actor_settings import ActorSettings
from hetero_rsnn.control.critics import TwinCritics
from hetero_rsnn.control.normaliser import Normaliser
from hetero_rsnn.control.replay import Replay
from hetero_rsnn.control.settings import ControlSettings
from hetero_rsnn.control.td3 import Learner

pytestmark = pytest.mark.torch

LOW, HIGH = np.array([-1.0, 2.0]), np.array([0.5, 10.0])
RELU = ActorSettings(kind="relu", hidden=(12, 7))


def plain(weights: list[Any], biases: list[Any], *, tanh: bool = False) -> nn.Sequential:
    """An ordinary network with these weights (inputs, outputs)."""
    layers: list[nn.Module] = []
    for weight, bias in zip(weights, biases, strict=True):
        layer = nn.Linear(*weight.shape)
        layer.weight.data, layer.bias.data = weight.detach().T.clone(), bias.detach().reshape(-1).clone()
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1], *([nn.Tanh()] if tanh else []))


def of_critic(critics: TwinCritics, k: int) -> nn.Sequential:
    return plain([w[k] for w in critics.weights], [b[k] for b in critics.biases])


def of_actor(actor: Any) -> nn.Sequential:
    return plain([layer.weight.T for layer in actor.layers], [layer.bias for layer in actor.layers], tanh=True)


def close(network: nn.Sequential, expected: nn.Sequential) -> None:
    for a, b in zip(network.parameters(), expected.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=2e-4, atol=2e-6)


@pytest.fixture
def experience() -> tuple[Replay, Normaliser]:
    random, replay, normaliser = np.random.default_rng(5), Replay(300, 3, 2), Normaliser(3)
    for k in range(300):
        before, after = random.standard_normal((2, 3)) * [1, 50, 0.1] + [4, 0, 0]
        replay.add(before, random.uniform(-1, 1, 2), float(random.normal() * 3), after, k % 3 == 0)
        normaliser.add(before)
    return replay, normaliser


def test_critics_are_two_networks():
    critics = TwinCritics(5, (11, 6), seed=2)
    x = torch.randn(9, 5, generator=torch.Generator().manual_seed(1))
    both = critics(x)
    assert not torch.allclose(both[0], both[1])
    for k in range(2):
        torch.testing.assert_close(both[k], of_critic(critics, k)(x)[:, 0])
    torch.testing.assert_close(critics.first(x), both[0])
    given = x.clone().requires_grad_()
    critics.first(given).sum().backward()
    assert given.grad is not None and given.grad.abs().max() > 0
    assert all(p.grad is None for p in critics.parameters())
    again, other = TwinCritics(5, (11, 6), seed=2), TwinCritics(5, (11, 6), seed=3)
    assert all(torch.equal(a, b) for a, b in zip(critics.parameters(), again.parameters(), strict=True))
    assert not torch.equal(critics.weights[0], other.weights[0])


@pytest.mark.parametrize("target", ["copy", "proxy"])
def test_updates_are_those_of_a_plain_loop(experience, target):
    replay, normaliser = experience
    s = ControlSettings(
        RELU, gamma=0.8, polyak=0.9, actor_lr=3e-3, critic_lr=1e-2, batch_size=20, target_noise=0.4, noise_clip=0.5,
        delay=3, critic_hidden=(10, 8), target=target, proxy_hidden=(9,), proxy_iterations=2, proxy_lr=5e-3,
    )  # fmt: skip
    learner = Learner(s, 3, LOW, HIGH, seed=6)
    random = np.random.default_rng(8)

    actor, aim = of_actor(learner.actor), of_actor(learner.target_actor)
    critics = [of_critic(learner.critics, k) for k in range(2)]
    goals = copy.deepcopy(critics)
    actor_adam = torch.optim.Adam(actor.parameters(), lr=3e-3)
    aim_adam = torch.optim.Adam(aim.parameters(), lr=5e-3)
    critic_adam = torch.optim.Adam([p for c in critics for p in c.parameters()], lr=1e-2)
    own = np.random.default_rng(8)

    for number in range(1, 8):
        learner.update(replay, normaliser, random)

        for _ in range(2 if target == "proxy" else 1):
            before, after, actions, rewards, ended = (
                torch.from_numpy(np.array(x)) for x in replay.draw(own, 20, normaliser)
            )
            if target == "proxy":
                aim_adam.zero_grad()
                nn.functional.mse_loss(aim(before), actor(before).detach()).backward()
                aim_adam.step()
        noise = torch.from_numpy(own.standard_normal((20, 2), dtype=np.float32))
        with torch.no_grad():
            then = (aim(after) + (0.4 * noise).clamp(-0.5, 0.5)).clamp(-1, 1)
            worth = torch.min(*(c(torch.cat([after, then], 1))[:, 0] for c in goals))
            wanted = torch.where(ended > 0, rewards, rewards + 0.8 * worth)
        critic_adam.zero_grad()
        sum(nn.functional.mse_loss(c(torch.cat([before, actions], 1))[:, 0], wanted) for c in critics).backward()
        critic_adam.step()
        if number % 3 == 0:
            actor_adam.zero_grad()
            (-critics[0](torch.cat([before, actor(before)], 1)).mean()).backward()
            actor_adam.step()
            pairs = list(zip(goals, critics, strict=True)) + ([(aim, actor)] if target == "copy" else [])
            for slow, fast in pairs:
                for a, b in zip(slow.parameters(), fast.parameters(), strict=True):
                    a.data = 0.9 * a.data + 0.1 * b.data

        close(of_actor(learner.actor), actor)
        close(of_actor(learner.target_actor), aim)
        for k in range(2):
            close(of_critic(learner.critics, k), critics[k])
            close(of_critic(learner.target_critics, k), goals[k])
    assert learner.updates == 7


@pytest.mark.parametrize("target", ["copy", "proxy"])
@pytest.mark.parametrize(
    "actor",
    [
        ActorSettings(hidden=(8,), population=4, encoder="bernoulli"),
        ActorSettings("dynamic", hidden=(8,), population=4),
        ActorSettings(
            hidden=(8, 6), population=4, pseudo="trapezoid", learn_pseudo=True, learn_decays=True,
            current_decay={"distribution": "uniform", "low": 0.3, "high": 0.8},
        ),
    ],
    ids=["bernoulli", "dynamic", "learned"],
)  # fmt: skip
def test_learners_go_on_to_the_last_bit(experience, actor, target):
    s = ControlSettings(actor, batch_size=20, critic_hidden=(8,), target=target, proxy_hidden=(8,), actor_lr=1e-2)
    one, other = (Learner(s, 3, LOW, HIGH, seed=seed) for seed in (6, 7))
    random = np.random.default_rng(8)
    first = one.arrays()
    for _ in range(5):
        one.update(*experience, random)
    other.take(one.arrays())
    other.random_states, other.updates = one.random_states, one.updates
    again = copy.deepcopy(random)
    for _ in range(5):
        one.update(*experience, random)
        other.update(*experience, again)
    a, b = one.arrays(), other.arrays()
    assert set(a) == set(b) and all(a[name].tobytes() == b[name].tobytes() for name in a)
    moved = {name for name in first if name.startswith("actor/") and not np.array_equal(first[name], a[name])}
    trained = {f"actor/{name}" for name, p in one.actor.named_parameters() if p.requires_grad}
    assert trained and moved == trained


def test_a_loss_that_is_not_finite(experience):
    replay, normaliser = experience
    learner = Learner(ControlSettings(RELU, batch_size=20), 3, LOW, HIGH, seed=6)
    for one in range(40):
        replay.add(np.ones(3), np.ones(2), 3e38 * (-1) ** one, np.ones(3), False)
    refused(
        lambda: [learner.update(replay, normaliser, np.random.default_rng(1)) for _ in range(9)],
        "loss of the critics", "inf",
    )  # fmt: skip
