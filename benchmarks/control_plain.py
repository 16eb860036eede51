"""The plain loop that control.py is measured against: TD3 with a population-coded spiking actor, as usually written.

Steps outside, layers inside; every operation is one of torch, and autograd differentiates them; two critics one after
the other; Adam as torch gives it. The public code of Pop-SAN is organised like this. Only what it computes is taken
over: equations, constants and the order of random numbers are those of the package, so that both can be compared.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

#: Constants of the model, see `hetero_rsnn.control.ActorSettings`.
CURRENT_DECAY, VOLTAGE_DECAY, THRESHOLD, WIDTH, ENCODER_THRESHOLD = 0.5, 0.75, 0.5, 0.5, 0.999


class Rectangle(torch.autograd.Function):
    """A spike above the threshold; its derivative is a rectangle of area 1 around it."""

    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        ctx.save_for_backward(v)
        return v.gt(THRESHOLD).to(v.dtype)

    @staticmethod
    def backward(ctx: Any, into: Tensor) -> Tensor:
        (v,) = ctx.saved_tensors
        return into * ((v - THRESHOLD).abs() <= WIDTH).to(v.dtype) / (2 * WIDTH)


class Through(torch.autograd.Function):
    """A spike of the encoder, whose derivative is 1."""

    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        return v.gt(ENCODER_THRESHOLD).to(v.dtype)

    @staticmethod
    def backward(ctx: Any, into: Tensor) -> Tensor:
        return into


class PlainActor(nn.Module):
    """Encoder, layers of spiking neurons, decoder; numbers are copied from an actor of the package."""

    def __init__(self, like: Any) -> None:
        super().__init__()
        self.steps, self.population = like.encoder.steps, like.decoder.weight.shape[1]
        self.mean = nn.Parameter(like.encoder.mean.detach().clone())
        self.raw_sd = nn.Parameter(like.encoder.raw_sd.detach().clone())
        self.layers = nn.ModuleList()
        for layer in like.layers:
            linear = nn.Linear(*layer.weight.shape)
            linear.weight.data, linear.bias.data = layer.weight.detach().t().clone(), layer.bias.detach().clone()
            self.layers.append(linear)
        self.out_weight = nn.Parameter(like.decoder.weight.detach().clone())
        self.out_bias = nn.Parameter(like.decoder.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Actions (batch, actions) in units of their half range."""
        sd = nn.functional.softplus(self.raw_sd)
        drive = torch.exp(-0.5 * (x[:, :, None] - self.mean).pow(2) / sd.pow(2)).flatten(1)
        encoder = torch.zeros_like(drive)
        states = [[torch.zeros(len(x), layer.out_features, dtype=x.dtype)] * 3 for layer in self.layers]
        total: Any = 0.0
        for _ in range(self.steps):
            encoder = encoder + drive
            spikes = Through.apply(encoder)  # type: ignore[no-untyped-call]
            encoder = encoder - spikes * ENCODER_THRESHOLD
            for k, layer in enumerate(self.layers):
                current, voltage, spike = states[k]
                current = current * CURRENT_DECAY + layer(spikes)
                voltage = voltage * VOLTAGE_DECAY * (1.0 - spike) + current
                spikes = Rectangle.apply(voltage)  # type: ignore[no-untyped-call]
                states[k] = [current, voltage, spikes]
            total = total + spikes
        rates = (total / self.steps).view(len(x), -1, self.population)
        return torch.tanh((rates * self.out_weight).sum(-1) + self.out_bias)


class PlainCritic(nn.Module):
    """One critic; numbers are copied from one of two of the package."""

    def __init__(self, like: Any, which: int) -> None:
        super().__init__()
        sizes = [like.weights[0].shape[1], *(w.shape[2] for w in like.weights)]
        self.layers = nn.ModuleList(nn.Linear(m, n) for m, n in pairwise(sizes))
        for layer, weight, bias in zip(self.layers, like.weights, like.biases, strict=True):
            layer.weight.data = weight.detach()[which].t().clone()  # type: ignore[assignment]
            layer.bias.data = bias.detach()[which, 0].clone()  # type: ignore[assignment]

    def forward(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Values (batch,)."""
        x = torch.cat([observations, actions], -1)
        *hidden, last = self.layers
        for layer in hidden:
            x = torch.relu(layer(x))
        return last(x).squeeze(-1)  # type: ignore[no-any-return]


class PlainLearner:
    """TD3; begins with the numbers of a `hetero_rsnn.control.td3.Learner`, from whose transitions it learns too."""

    def __init__(self, like: Any) -> None:
        self.settings, self.updates = like.settings, 0
        self.actor, self.target_actor = PlainActor(like.actor), PlainActor(like.target_actor)
        self.critics = nn.ModuleList(PlainCritic(like.critics, k) for k in range(2))
        self.target_critics = nn.ModuleList(PlainCritic(like.target_critics, k) for k in range(2))
        for network in (self.target_actor, self.target_critics):
            for p in network.parameters():
                p.requires_grad = False
        self.adam_actor = torch.optim.Adam(self.actor.parameters(), lr=self.settings.actor_lr)
        self.adam_critics = torch.optim.Adam(self.critics.parameters(), lr=self.settings.critic_lr)

    def draw(self, memory: dict[str, Any], random: np.random.Generator) -> dict[str, Tensor]:
        """A batch, normalised, from arrays of transitions."""
        index = random.integers(len(memory["rewards"]), size=self.settings.batch_size)
        batch = {name: memory[name][index] for name in ("before", "after", "actions", "rewards", "ended")}
        for name in ("before", "after"):
            batch[name] = np.clip((batch[name] - memory["mean"]) / memory["sd"], -memory["clip"], memory["clip"])
        return {name: torch.as_tensor(value, dtype=torch.float32) for name, value in batch.items()}

    def values(self, batch: dict[str, Tensor], noise: Tensor) -> Tensor:
        """The loss of both critics."""
        s = self.settings
        with torch.no_grad():
            noise = torch.clamp(noise * s.target_noise, -s.noise_clip, s.noise_clip)
            actions = torch.clamp(self.target_actor(batch["after"]) + noise, -1.0, 1.0)
            first, second = (critic(batch["after"], actions) for critic in self.target_critics)
            goal = batch["rewards"] + s.gamma * (1 - batch["ended"]) * torch.min(first, second)
        a, b = (critic(batch["before"], batch["actions"]) for critic in self.critics)
        return ((a - goal) ** 2).mean() + ((b - goal) ** 2).mean()

    def update(self, memory: dict[str, Any], random: np.random.Generator) -> None:
        """Learn from one batch."""
        s = self.settings
        batch = self.draw(memory, random)
        noise = torch.as_tensor(random.standard_normal(batch["actions"].shape, dtype=np.float32))
        self.adam_critics.zero_grad()
        self.values(batch, noise).backward()  # type: ignore[no-untyped-call]
        self.adam_critics.step()
        self.updates += 1
        if self.updates % s.delay:
            return
        for p in self.critics.parameters():
            p.requires_grad = False
        self.adam_actor.zero_grad()
        loss = -self.critics[0](batch["before"], self.actor(batch["before"])).mean()
        loss.backward()
        self.adam_actor.step()
        for p in self.critics.parameters():
            p.requires_grad = True
        self.follow()

    def follow(self) -> None:
        """Move the targets."""
        pairs = ((self.actor, self.target_actor), (self.critics, self.target_critics))
        with torch.no_grad():
            for network, target in pairs:
                for p, q in zip(network.parameters(), target.parameters(), strict=True):
                    q.data.mul_(self.settings.polyak)
                    q.data.add_((1 - self.settings.polyak) * p.data)
