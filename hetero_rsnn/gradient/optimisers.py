"""Adam on a dictionary of arrays, with clipping and a schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.types import Array

#: How the learning rate changes: not at all, or down to 0 along a cosine.
SCHEDULES = ("constant", "cosine")


@dataclass(eq=False)
class Adam:
    """Adam, or with a weight decay AdamW, which shrinks what it trains apart from the gradient.

    Parameters
    ----------
    rates : mapping of str to float
        Learning rate of each array: about how far an entry may go in one step.
    steps : int
        Length of the schedule.
    schedule : {"constant", "cosine"}
    weight_decay : float
        Share, times the learning rate, by which the arrays named in `decayed` shrink in a step.
    decayed : tuple of str
    clip : float or None
        Largest Euclidean norm of all gradients together, relative to the square root of their number.
    first, second, epsilon : float
        As in the paper.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015; I. Loshchilov, F. Hutter, "Decoupled
    weight decay regularization", ICLR 2019.
    """

    rates: Mapping[str, float]
    steps: int
    schedule: str = "cosine"
    weight_decay: float = 0.0
    decayed: tuple[str, ...] = ()
    clip: float | None = None
    first: float = 0.9
    second: float = 0.999
    epsilon: float = 1e-8
    taken: int = 0
    means: dict[str, Array] = field(default_factory=dict)
    squares: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checks.one_of("schedule", self.schedule, SCHEDULES)
        checks.whole("steps", self.steps, least=1)
        checks.real("weight_decay", self.weight_decay, least=0.0)
        if self.clip is not None:
            checks.real("clip", self.clip, above=0.0)
        for name, rate in self.rates.items():
            checks.real(f"learning rate of {name}", rate, least=0.0)

    def step(self, values: Mapping[str, Array], gradients: Mapping[str, Array]) -> dict[str, Array]:
        """The values after one step; they and the gradients have the same names."""
        self.taken += 1
        share = 1.0
        if self.schedule == "cosine":
            share = 0.5 * (1.0 + math.cos(math.pi * min(self.taken - 1, self.steps) / self.steps))
        scale = 1.0
        if self.clip is not None:
            moved = [g for name, g in gradients.items() if self.rates[name] > 0]
            size = sum(g.size for g in moved)
            norm = math.sqrt(sum(float((g * g).sum()) for g in moved))
            scale = min(1.0, self.clip * math.sqrt(size) / norm) if norm > 0 else 1.0
        out: dict[str, Array] = {}
        for name, value in values.items():
            g = gradients[name] * scale
            m = self.means.get(name, np.zeros_like(value)) * self.first + (1 - self.first) * g
            s = self.squares.get(name, np.zeros_like(value)) * self.second + (1 - self.second) * g * g
            self.means[name], self.squares[name] = m, s
            fair_m, fair_s = m / (1 - self.first**self.taken), s / (1 - self.second**self.taken)
            rate = self.rates[name] * share
            shrink = 1.0 - rate * self.weight_decay if name in self.decayed else 1.0
            out[name] = value * shrink - rate * fair_m / (np.sqrt(fair_s) + self.epsilon)
        return out

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs, as arrays."""
        kept: dict[str, Any] = {"taken": np.array(self.taken)}
        kept |= {f"mean_{k}": v for k, v in self.means.items()} | {f"square_{k}": v for k, v in self.squares.items()}
        return kept

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.taken = int(state["taken"])
        self.means = {k.removeprefix("mean_"): np.array(v) for k, v in state.items() if k.startswith("mean_")}
        self.squares = {k.removeprefix("square_"): np.array(v) for k, v in state.items() if k.startswith("square_")}
