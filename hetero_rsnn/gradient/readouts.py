"""From spikes in windows of time to what a linear readout sees, and back.

All readouts are linear in the spikes: a matrix over time, the same for every neuron, and then weights over neurons. So
their gradients are products with the same matrices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.measures.probabilities import softmax

#: What a readout may see of a sample.
KINDS = ("rate", "windows", "last", "leaky")


@dataclass(frozen=True)
class Pooling:
    """What a readout sees of the spikes of a sample.

    Parameters
    ----------
    kind : {"rate", "windows", "last", "leaky"}
        The mean over the sample; means over `parts` of equal length; the spikes at the end, those before faded by
        `fade`; a leaky integrator of the same decay, averaged over the sample.
    parts : int
        For ``"windows"``.
    fade : float
        What is left of a spike one window later, for the last two.
    """

    kind: str = "windows"
    parts: int = 5
    fade: float = 0.0

    def __post_init__(self) -> None:
        checks.one_of("readout", self.kind, KINDS)
        checks.whole("parts", self.parts, least=1, most=10_000)
        checks.real("fade", self.fade, least=0.0)

    @property
    def rows(self) -> int:
        """Numbers that a readout sees of each neuron."""
        return self.parts if self.kind == "windows" else 1

    def matrix(self, count: int, most: int) -> Array:
        """Weights over time for a sample of `count` windows, shape (rows, most); 0 beyond its end."""
        out = np.zeros((self.rows, most))
        age = np.arange(count - 1, -1, -1)
        if self.kind == "rate":
            out[0, :count] = 1.0 / count
        elif self.kind == "last":
            out[0, :count] = self.fade**age if self.fade else age == 0
        elif self.kind == "leaky":
            # A spike is seen from its window on, ever fainter.
            out[0, :count] = (age + 1.0 if self.fade == 1 else (1 - self.fade ** (age + 1)) / (1 - self.fade)) / count
        else:
            edges = np.arange(self.parts + 1) * count / self.parts
            starts = np.arange(count)
            for row, (low, high) in enumerate(pairwise(edges)):
                share = np.clip(np.minimum(starts + 1, high) - np.maximum(starts, low), 0.0, None)
                out[row, :count] = share / (high - low)
        return out

    def matrices(self, windows: Ints) -> Array:
        """Those of a batch, shape (samples, rows, windows)."""
        most = int(windows.max())
        known = {int(count): self.matrix(int(count), most) for count in np.unique(windows)}
        return np.stack([known[int(count)] for count in windows])


def cross_entropy(scores: Array, labels: Ints, weight: Array | None = None) -> tuple[float, Array]:
    """Mean cross-entropy in nats, and its gradient with respect to the scores.

    Weights are 1 on average over a whole training: to scale them within a batch would let all batches count alike.
    """
    p = softmax(scores)
    share = (np.ones(len(labels)) if weight is None else weight) / len(labels)
    index = np.arange(len(labels))
    loss = float(share @ -np.log(np.maximum(p[index, labels], 1e-300)))
    p[index, labels] -= 1.0
    return loss, p * share[:, None]


def squared_error(found: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
    """Mean square error over samples and targets, and its gradient; weights as for `cross_entropy`."""
    share = (np.ones(len(target)) if weight is None else weight) / len(target)
    miss = found - target
    loss = float(share @ (miss**2).mean(axis=1))
    return loss, 2.0 * miss * share[:, None] / miss.shape[1]


def too_many_spikes(activity: Array, seconds: Array, target_hz: float) -> tuple[float, Array]:
    """How far neurons fire above a rate, and its gradient: the excess over the target, squared, mean over neurons.

    Parameters
    ----------
    activity : ndarray, shape (samples, windows, n)
        Spikes, 0 beyond the end of a sample.
    seconds : ndarray, shape (samples,)
    target_hz : float
        Above 0. A neuron's rate is that over the whole batch: it may be busy in some samples and rest in others.
    """
    total, n = float(seconds.sum()), activity.shape[2]
    excess = np.maximum(activity.sum(axis=(0, 1), dtype=np.float64) / total / target_hz - 1.0, 0.0)
    gradient: Any = 2.0 * excess / (n * total * target_hz)
    return float((excess**2).mean()), np.broadcast_to(gradient, activity.shape)


def fade_of(tau: float, window: float) -> float:
    """What is left of a spike one window later, for a time constant."""
    return math.exp(-window / tau)
