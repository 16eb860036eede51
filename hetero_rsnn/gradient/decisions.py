"""Answers over time: what a readout makes of every decision window, and decisions by the mean of these so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Bools, Ints
from hetero_rsnn.gradient.readouts import cross_entropy, squared_error

#: What an answer may be trained by: the mean over a sample's windows, by cross-entropy or squared error, or every one.
LOSSES = ("cross_entropy", "squared_error", "tet")
#: Share of the TET loss that draws all outputs to 1.
TET_SHARE = 1e-3


@dataclass(frozen=True)
class DecisionWindows:
    """Decision windows of a sample, made of the windows in which spikes are counted.

    Parameters
    ----------
    every : int
        Windows of counting in a decision window; the last one of a sample may have fewer.
    fade : float
        0: an answer is made of the spikes in its window, as their mean. Above 0: of all spikes so far, those before
        faded by this factor in each window of counting.
    """

    every: int = 1
    fade: float = 0.0

    def __post_init__(self) -> None:
        checks.whole("every", self.every, least=1, most=10**6)
        checks.real("fade", self.fade, least=0.0)

    def count(self, windows: Ints) -> Ints:
        """Decision windows of samples with so many windows of counting."""
        return np.asarray(-(-np.asarray(windows) // self.every))

    def ends(self, windows: Ints) -> Ints:
        """Last window of counting of each decision window, shape (samples, decisions); those of the end repeat."""
        most = int(self.count(windows).max())
        last = np.arange(1, most + 1) * self.every - 1
        return np.asarray(np.minimum(last[None, :], np.asarray(windows)[:, None] - 1))

    def sums(self, windows: Ints) -> Array:
        """Which windows of counting are in which decision window, shape (samples, decisions, windows): 0 and 1."""
        number = np.arange(int(windows.max())) // self.every
        within = np.arange(int(windows.max())) < np.asarray(windows)[:, None]
        most = int(self.count(windows).max())
        inside = (number == np.arange(most)[:, None])[None] & within[:, None]
        return np.asarray(inside, np.float64)

    def matrices(self, windows: Ints) -> Array:
        """Weights over time of what each answer sees, shape (samples, decisions, windows); 0 beyond a sample's end."""
        sums = self.sums(windows)
        if not self.fade:
            return np.asarray(sums / np.maximum(sums.sum(axis=2, keepdims=True), 1.0))
        age = self.ends(windows)[:, :, None] - np.arange(sums.shape[2])
        there = np.arange(sums.shape[1])[None, :] < self.count(windows)[:, None]
        seen = (age >= 0) & there[:, :, None]
        return np.where(seen, self.fade ** np.maximum(age, 0), 0.0)

    def whole(self, windows: Ints) -> Array:
        """The mean of these over a sample, of which its decision at the end is made, shape (samples, 1, windows)."""
        matrices = self.matrices(windows)
        return np.asarray(matrices.sum(axis=1, keepdims=True) / self.count(windows)[:, None, None])


def running_mean(outputs: Array) -> Array:
    """Means of the outputs up to each decision window, shape (..., decisions, classes)."""
    return np.asarray(np.cumsum(outputs, axis=-2) / np.arange(1, outputs.shape[-2] + 1)[:, None])


@dataclass(frozen=True, eq=False)
class DecisionHead:
    """An answer in every decision window; the decision at any time is the mean of the answers so far.

    Parameters
    ----------
    layout : DecisionWindows
    targets : ndarray of int, shape (samples,)
        Classes from 0.
    lengths : ndarray of int, shape (samples,)
        Windows of counting of each sample.
    windows : int
        Windows of counting in each row of the input.
    weight : ndarray, shape (samples,), optional
        How much each sample counts, above 0 on the whole.
    classes : int, optional
        How many there are; default: those of the targets.
    kind : {"cross_entropy", "squared_error", "tet"}
        Loss of the decision at the end of a sample or, for ``"tet"``, of all answers.

    References
    ----------
    S. Deng, Y. Li, S. Zhang, S. Gu, "Temporal efficient training of spiking neural network via gradient re-weighting",
    ICLR 2022, arXiv:2202.11946 (TET).
    """

    layout: DecisionWindows
    targets: Ints
    lengths: Ints
    windows: int = 1
    weight: Array | None = None
    classes: int | None = None
    kind: str = "cross_entropy"
    indicators: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checks.one_of("loss", self.kind, LOSSES)
        count = int(self.targets.max()) + 1 if self.classes is None else self.classes
        object.__setattr__(self, "classes", count)
        object.__setattr__(self, "indicators", np.eye(count)[self.targets])
        if self.weight is not None:
            object.__setattr__(self, "weight", self.weight / self.weight.mean())
        if len(self.targets) != len(self.lengths):
            raise HeteroError(
                f"there are {len(self.targets)} targets and {len(self.lengths)} lengths", fix="align them"
            )

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def outputs(self) -> int:
        return int(self.indicators.shape[1])

    @property
    def unit(self) -> float:
        return 1.0

    def steps(self, index: Ints) -> Ints:
        """Decision windows of some samples."""
        return self.layout.count(self.lengths[index])

    def answers(self, index: Ints) -> int:
        return int(self.steps(index).sum())

    def start(self, index: Ints) -> Array:
        return np.zeros(self.outputs)

    def scale(self, features: Array) -> Any:
        return float(features.std()) or 1.0

    def features(self, activity: Array, windows: Ints, index: Ints) -> Array:
        matrices = self.layout.matrices(windows).astype(activity.dtype)
        return np.asarray((matrices @ activity)[self._there(windows)], np.float64)

    def back(self, gradient: Array, activity: Array, windows: Ints, index: Ints) -> Array:
        matrices = self.layout.matrices(windows)
        into = np.zeros((*matrices.shape[:2], activity.shape[2]))
        into[self._there(windows)] = gradient
        return np.asarray(matrices.transpose(0, 2, 1) @ into)

    def _there(self, windows: Ints) -> Bools:
        """Which decision windows there are, shape (samples, decisions)."""
        count = self.layout.count(windows)
        return np.asarray(np.arange(int(count.max())) < count[:, None])

    def over_time(self, scores: Array, index: Ints) -> Array:
        """Scores of answers as (samples, decisions, outputs), 0 beyond the end of a sample."""
        windows = self.lengths[index]
        there = self._there(windows)
        out = np.zeros((*there.shape, scores.shape[1]))
        out[there] = scores
        return out

    def right(self, scores: Array, index: Ints) -> Bools:
        """Whether the decision in each decision window is right, shape (samples, decisions); False beyond the end."""
        decided = running_mean(self.over_time(scores, index)).argmax(axis=2)
        there = self._there(self.lengths[index])
        return np.asarray((decided == self.targets[index][:, None]) & there)

    def _final(self, scores: Array, index: Ints) -> Array:
        """The mean of each sample's answers, shape (samples, outputs)."""
        return np.asarray(self.over_time(scores, index).sum(axis=1) / self.steps(index)[:, None])

    def _weights(self, index: Ints) -> Array:
        return np.ones(len(index)) if self.weight is None else self.weight[index]

    def wanted(self, index: Ints) -> tuple[Array, Array]:
        steps = self.steps(index)
        return np.repeat(self.indicators[index], steps, axis=0), np.repeat(self._weights(index) / steps, steps)

    def loss(self, scores: Array, index: Ints) -> tuple[float, Array]:
        steps, weight = self.steps(index), self._weights(index)
        if self.kind != "tet":
            final = self._final(scores, index)
            if self.kind == "squared_error":
                value, into = squared_error(final, self.indicators[index], weight)
            else:
                value, into = cross_entropy(final, self.targets[index], weight)
            return value, np.repeat(into / steps[:, None], steps, axis=0)
        # Every answer counts as a share of its sample.
        share = np.repeat(weight / steps, steps) * (len(scores) / len(index))
        value, into = cross_entropy(scores, np.repeat(self.targets[index], steps), share)
        towards, also = squared_error(scores, np.ones_like(scores), share)
        return (1 - TET_SHARE) * value + TET_SHARE * towards, (1 - TET_SHARE) * into + TET_SHARE * also

    def score(self, scores: Array, index: Ints) -> float:
        """Accuracy of the decisions at the end; samples count by their weights."""
        weight = self._weights(index)
        right = self._final(scores, index).argmax(axis=1) == self.targets[index]
        return float(np.average(right, weights=weight)) if weight.any() else 0.0

    def content(self) -> Iterator[Any]:
        yield repr((self.layout, self.classes, self.kind, self.windows))
        yield self.targets
        yield self.lengths
        if self.weight is not None:
            yield self.weight
