"""What all actors share, and an ordinary one without spikes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.actor_arrays import ActorArrays
from hetero_rsnn.control.actor_settings import ActorSettings


class Actor(nn.Module):
    """From observations to actions within their limits.

    Attributes
    ----------
    settings : ActorSettings
    observations, actions : int
    seed : int
        Of the first weights, and of an encoder that draws.
    centre, reach : Tensor, shape (actions,)
        The middle between the limits of an action, and half of their distance.
    layer_spikes : tuple of float
        Mean spikes of an inference in the last forward pass: of the encoder, the hidden layers, the output neurons.
    """

    centre: Tensor
    reach: Tensor

    def __init__(self, settings: ActorSettings, observations: int, low: Array, high: Array, seed: int) -> None:
        super().__init__()
        self.settings, self.observations, self.actions, self.seed = settings, observations, len(low), seed
        self.register_buffer("centre", as_tensor((low + high) / 2))
        self.register_buffer("reach", as_tensor((high - low) / 2))
        self.layer_spikes: tuple[float, ...] = ()

    @property
    def random_state(self) -> dict[str, Any] | None:
        """Of an encoder that draws, as plain data; None for all others."""
        return None

    @random_state.setter
    def random_state(self, state: dict[str, Any] | None) -> None:
        if state is not None:
            raise HeteroError("this actor draws nothing and has no random state", fix="give None")

    @property
    def spikes(self) -> float:
        """Mean spikes of an inference in the last forward pass, of all neurons; 0 without spikes."""
        return float(sum(self.layer_spikes))

    def forward(self, x: Tensor) -> Tensor:
        """Actions (batch, actions) within their limits, of normalised observations (batch, observations)."""
        if x.dim() != 2 or x.shape[1] != self.observations:
            raise HeteroError(
                f"observations must have the shape (batch, {self.observations}), got {tuple(x.shape)}", fix="reshape"
            )
        return self.centre + self.reach * torch.tanh(self.drive(x))

    def drive(self, x: Tensor) -> Tensor:
        """What the hyperbolic tangent is taken of, shape (batch, actions)."""
        raise NotImplementedError

    def arrays(self) -> ActorArrays:
        """What acting without torch needs: copies in double precision."""
        return ActorArrays(self.settings, {"centre": plain(self.centre), "reach": plain(self.reach), **self.learned()})

    def learned(self) -> dict[str, Array]:
        """The arrays that this kind has beside the limits."""
        raise NotImplementedError


class ReluActor(Actor):
    """An ordinary actor: rectified linear units and a hyperbolic tangent."""

    def __init__(self, settings: ActorSettings, observations: int, low: Array, high: Array, seed: int) -> None:
        super().__init__(settings, observations, low, high, seed)
        sizes = [observations, *settings.hidden, self.actions]
        self.layers = nn.ModuleList(linear(m, n, seed, k) for k, (m, n) in enumerate(pairwise(sizes)))

    def drive(self, x: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = torch.relu(layer(x))
        out: Tensor = last(x)
        return out

    def learned(self) -> dict[str, Array]:
        layers: list[Any] = list(self.layers)
        out = {f"{k}.weight": plain(layer.weight.T) for k, layer in enumerate(layers)}
        return out | {f"{k}.bias": plain(layer.bias) for k, layer in enumerate(layers)}


def linear(inputs: int, outputs: int, seed: int, layer: int) -> nn.Linear:
    """A linear layer whose weights follow from a seed, uniform as torch draws them."""
    out = nn.Linear(inputs, outputs)
    for name in ("weight", "bias"):
        value = getattr(out, name)
        value.data = as_tensor(uniform(tuple(value.shape), inputs, seed, name, layer))
    return out


def uniform(shape: tuple[int, ...], inputs: int, seed: int, *names: str | int) -> Array:
    """Numbers within ±1 / sqrt(inputs)."""
    limit = 1 / np.sqrt(inputs)
    return generator(seed, "weights", "actor", *names).uniform(-limit, limit, shape)


def as_tensor(value: Any) -> Tensor:
    """In the precision that torch is set to."""
    return torch.tensor(value, dtype=torch.get_default_dtype())


def plain(value: Tensor) -> Array:
    """A copy in double precision."""
    return np.array(value.detach().cpu().numpy(), dtype=np.float64, order="C")
