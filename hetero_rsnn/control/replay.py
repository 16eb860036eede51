"""What was experienced: the latest transitions, as one array, of which batches are drawn."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import memory
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.normaliser import Normaliser

Floats = NDArray[np.float32]


class Batch(NamedTuple):
    """Transitions drawn: normalised observations before and after (batch, observations), actions, rewards, ends."""

    before: Any
    after: Any
    actions: Any
    rewards: Any
    ended: Any


class Replay:
    """The latest transitions in single precision, a row each: before, after, action, reward, whether it ended.

    Parameters
    ----------
    capacity, observations, actions : int

    Attributes
    ----------
    total : int
        Transitions that were ever added; those before the last `capacity` are forgotten.

    Raises
    ------
    HeteroError
        If it would not fit in memory.
    """

    def __init__(self, capacity: int, observations: int, actions: int) -> None:
        self.capacity, self.observations, self.actions = capacity, observations, actions
        width = 2 * observations + actions + 2
        memory.fits("the transitions of a training", 4.0 * capacity * width, "lower buffer_size or steps")
        self._rows = np.zeros((capacity, width), np.float32)
        self.total = 0

    def __len__(self) -> int:
        return min(self.total, self.capacity)

    @property
    def oldest(self) -> int:
        """Number of the oldest transition that is kept."""
        return self.total - len(self)

    def add(self, before: Array, action: Array, reward: float, after: Array, ended: bool) -> None:
        """One more; a transition that a time limit cut off has not `ended`."""
        row, n = self._rows[self.total % self.capacity], self.observations
        row[:n], row[n : 2 * n], row[2 * n : -2] = before, after, action
        row[-2], row[-1] = reward, ended
        self.total += 1

    def draw(self, random: np.random.Generator, size: int, normaliser: Normaliser) -> Batch:
        """Transitions drawn with replacement, as arrays of float32 of their own."""
        rows = self._rows.take(random.integers(len(self), size=size), axis=0)
        n = self.observations
        seen = rows[:, : 2 * n].reshape(size, 2, n)
        if normaliser.on:
            seen = np.clip(
                (seen - _single(normaliser.mean)) / _single(normaliser.sd), -normaliser.clip, normaliser.clip
            )
        return Batch(seen[:, 0], seen[:, 1], rows[:, 2 * n : -2], rows[:, -2], rows[:, -1])

    def rows(self, first: int, end: int) -> Floats:
        """A copy of the transitions with these numbers, which must be kept still."""
        return self._rows.take(np.arange(first, end) % self.capacity, axis=0)

    def put(self, first: int, rows: Any) -> None:
        """Give the transitions from a number on their values, see `rows`; `total` is the caller's."""
        self._rows[np.arange(first, first + len(rows)) % self.capacity] = rows


def _single(values: Array) -> Floats:
    return values.astype(np.float32)
