"""Observations as spikes of populations, and spikes of populations as actions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hetero_rsnn.common.randomness import generator
from hetero_rsnn.control.actor_settings import ActorSettings
from hetero_rsnn.control.constants import ENCODER_THRESHOLD, FIELD_VARIANCE, FIELDS
from hetero_rsnn.control.passes import drive_of, integrate
from hetero_rsnn.control.relu_actor import as_tensor, uniform


class PopulationEncoder(nn.Module):
    """Gaussian receptive fields that drive neurons, some for each observation.

    The drive is exp(-(o - mean)^2 / (2 sd^2)), the same in all steps. Integrate-and-fire neurons sum it up, or it is
    the probability of a spike. In the backward pass the derivative of a spike is 1, whatever the pseudo-derivative of
    the other layers. Means and standard deviations are trained; the latter as softplus of `raw_sd`, which keeps them
    above 0 (our choice).

    Attributes
    ----------
    mean, raw_sd : Parameter, shape (observations, population)
    random : numpy.random.Generator or None
        What an encoder draws from: its state is part of a training.
    """

    def __init__(self, settings: ActorSettings, observations: int, seed: int, engine: str = "scan") -> None:
        super().__init__()
        self.steps, self.engine = settings.steps, engine
        self.random = generator(seed, "input", "actor") if settings.encoder == "bernoulli" else None
        # One field alone lies in the middle.
        means = np.linspace(-FIELDS, FIELDS, settings.population) if settings.population > 1 else np.zeros(1)
        self.mean = nn.Parameter(as_tensor(np.tile(means, (observations, 1))))
        raw = math.log(math.expm1(math.sqrt(FIELD_VARIANCE)))
        self.raw_sd = nn.Parameter(torch.full_like(self.mean.data, raw))

    @property
    def sd(self) -> Tensor:
        """Standard deviations of the fields, shape (observations, population)."""
        return functional.softplus(self.raw_sd)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (steps, batch, observations * population) of observations (batch, observations)."""
        looped = self.engine == "loop"
        if looped:
            drive = torch.exp(-0.5 * ((x[:, :, None] - self.mean) / self.sd) ** 2).flatten(1)
        else:
            drive = drive_of(x, self.mean, self.sd).flatten(1)
        if self.random is not None:
            drawn = torch.from_numpy(self.random.random((self.steps, *drive.shape))).to(drive)
            return _coin(drive, drawn)
        if looped or drive.device.type != "cpu":
            return _looped(drive, self.steps)
        return integrate(drive, self.steps)


class PopulationDecoder(nn.Module):
    """Mean spikes of the output neurons, in a linear combination for each action.

    Attributes
    ----------
    weight : Parameter, shape (actions, population)
    bias : Parameter, shape (actions,)
    """

    def __init__(self, actions: int, population: int, seed: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(as_tensor(uniform((actions, population), population, seed, "decoder weight")))
        self.bias = nn.Parameter(as_tensor(uniform((actions,), population, seed, "decoder bias")))

    def forward(self, spikes: Tensor) -> Tensor:
        """From (steps, batch, actions * population) to (batch, actions)."""
        rates = spikes.mean(0).view(-1, *self.weight.shape)
        out: Tensor = (rates * self.weight).sum(-1) + self.bias
        return out


class Step(torch.autograd.Function):
    """A step function whose derivative is 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, into: Tensor) -> Tensor:
        return into


class Coin(torch.autograd.Function):
    """A spike in every step in which a number is below the drive."""

    @staticmethod
    def forward(ctx: Any, drive: Tensor, drawn: Tensor) -> Tensor:
        return (drawn < drive).to(drive.dtype)

    @staticmethod
    def backward(ctx: Any, into: Tensor) -> tuple[Tensor, None]:
        return into.sum(0), None


_step: Callable[..., Tensor] = Step.apply
_coin: Callable[..., Tensor] = Coin.apply


def _looped(drive: Tensor, steps: int) -> Tensor:
    v, out = torch.zeros_like(drive), []
    for _ in range(steps):
        v = v + drive
        s = _step(v - ENCODER_THRESHOLD)
        v = v - ENCODER_THRESHOLD * s
        out.append(s)
    return torch.stack(out)
