"""An episode that can be gone through again: with its seed and its actions an environment does what it did.

So nothing needs to be known of what an environment holds inside. A thousand steps of Pendulum take 0.03 s, of
HalfCheetah 0.1 s. Whether an environment does the same again is found out, see `repeats`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.environments import Environment


class Episode:
    """The episode of a training, from its beginning to where it stands.

    Attributes
    ----------
    seed, number : int
        Of the training, and which of its episodes.
    actions : list of ndarray
        What was done until now.
    observation : ndarray, shape (observations,)
        What was seen last.
    """

    def __init__(self, environment: Environment, seed: int, number: int) -> None:
        self.environment, self.seed, self.number = environment, seed, number
        self.actions: list[Array] = []
        self.observation = environment.reset(first_seed(seed, "episode", number))

    def step(self, action: Array) -> tuple[Array, float, bool, bool]:
        """As of the environment."""
        self.actions.append(action)
        out = self.environment.step(action)
        self.observation = out[0]
        return out

    def repeats(self, environment: Environment) -> bool:
        """Whether another environment of the same kind arrives at the same observation, to the last bit."""
        there = repeated(environment, self.seed, self.number, self.actions).observation
        return np.array_equal(there, self.observation, equal_nan=True)


def repeated(environment: Environment, seed: int, number: int, actions: Any) -> Episode:
    """An episode gone through again, with the actions that were taken."""
    again = Episode(environment, seed, number)
    for action in actions:
        again.step(action)
    return again


def first_seed(seed: int, what: str, number: int) -> int:
    """Seed of an episode of a training: a number that gymnasium takes."""
    return int(generator(seed, "training", "control", what, number).integers(2**31))


def seeds_of_test(seed: int, step: int, episodes: int) -> list[int]:
    """Seeds of the test episodes after a step: others after each, the same for every actor."""
    return [int(x) for x in generator(seed, "training", "control", "test", step).integers(2**31, size=episodes)]
