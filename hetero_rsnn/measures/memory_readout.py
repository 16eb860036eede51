"""A readout that does not adapt: trained on the states of one network, tested on those of another."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Bools
from hetero_rsnn.measures.memory import MemoryCapacity, fit_capacity, summarise
from hetero_rsnn.measures.memory_input import warn_of_correlated
from hetero_rsnn.measures.ridge_blocks import block_edges, delayed, score, varying


@dataclass(frozen=True, eq=False)
class MemoryReadout:
    """Linear readouts of past inputs, one for each test block and delay; what `memory_readout` returns.

    Attributes
    ----------
    trained : MemoryCapacity
        On the states that it was trained on, equal to what `memory_capacity` gives.
    samples : int
        Length of the series that it was trained on.
    start : int
        First row that is used.
    features : ndarray of bool, shape (features,)
        Those that varied in training; others are not read.
    offset, scale : ndarray, shape (features that varied,)
        Their mean and standard deviation in training.
    weights : tuple of ndarray, shape (features that varied, d_max)
        For each block, which it was not trained on.
    """

    trained: MemoryCapacity
    samples: int
    start: int
    features: Bools = field(repr=False)
    offset: Array = field(repr=False)
    scale: Array = field(repr=False)
    weights: tuple[Array, ...] = field(repr=False)

    def capacity(self, states: ArrayLike, u: ArrayLike) -> MemoryCapacity:
        """Memory capacity of other states, read as those of training were.

        Parameters
        ----------
        states : array_like (samples, features)
            As many as in training, e.g. of the same network after damage.
        u : array_like (samples,)
            Input. With that of training, each block is read by the readout that has not seen it.

        Returns
        -------
        MemoryCapacity
            Squared correlations minus chance: a prediction whose mean or gain is off is not punished for that.

        Raises
        ------
        HeteroError
            If the arrays do not fit those of training, or hold NaN or infinity.
        """
        x, inputs = checks.finite_array("states", states, 2, empty=True), checks.finite_array("u", u, 1, empty=True)
        expected = (self.samples, self.features.size)
        if x.shape != expected or len(inputs) != self.samples:
            raise HeteroError(
                f"the readout was trained on states of shape {expected}, got {x.shape} and {len(inputs)} inputs: "
                "give states of the same neurons and as many samples"
            )
        d_max = self.trained.d_max
        y = delayed(inputs, self.start, d_max)
        z = (x[self.start :, self.features] - self.offset) / self.scale
        blocks = block_edges(len(z), len(self.weights))
        found = [score(z[a:b], y[a:b], w) for (a, b), w in zip(blocks, self.weights, strict=True)]
        scores, chances = (np.stack(part) for part in zip(*found, strict=True))
        chosen = np.broadcast_to(self.trained.ridge, scores.shape)
        return summarise(scores, chances, chosen, z.shape)


def memory_readout(
    states: ArrayLike,
    u: ArrayLike,
    *,
    d_max: int,
    washout: int = 0,
    n_blocks: int = 5,
    gap: int | None = None,
    ridges: ArrayLike | None = None,
    min_ratio: float = 3.0,
) -> MemoryReadout:
    """Train the readouts of the memory capacity, and keep them.

    Parameters
    ----------
    states, u, d_max, washout, n_blocks, gap, ridges, min_ratio
        See `memory_capacity`.

    Returns
    -------
    MemoryReadout
        Its ``trained`` is the memory capacity of the states; its ``capacity(others, u)`` is that of other states for a
        readout that does not adapt to them.

    Raises
    ------
    HeteroError
        As `memory_capacity`; also if no feature varies.
    TooShortError
        As `memory_capacity`.

    Examples
    --------
    >>> u = np.random.default_rng(1).uniform(-1, 1, 2000)
    >>> line = np.stack([np.roll(u, d) for d in (1, 2, 3)], axis=1)
    >>> readout = memory_readout(line, u, d_max=10)
    >>> readout.capacity(line * [1, 1, 0], u)  # the last unit of a delay line is lost
    C = 1.99 ± 0.00 s.e. (10 delays, 1990 samples, 5 blocks)
    """
    trained, weights = fit_capacity(states, u, d_max, washout, n_blocks, gap, ridges, min_ratio)
    x, inputs = checks.finite_array("states", states, 2, empty=True), checks.finite_array("u", u, 1, empty=True)
    warn_of_correlated(inputs[washout:], trained.d_max, stacklevel=3)
    start = max(washout, trained.d_max)
    features = varying(x[start:])
    if not features.any():
        raise HeteroError("states must vary for a readout to be trained, got constants: look at the rates first")
    inside = x[start:, features]
    return MemoryReadout(trained, len(x), start, features, inside.mean(axis=0), inside.std(axis=0), weights)
