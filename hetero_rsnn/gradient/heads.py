"""What a training asks of a readout: features of spikes, a loss of what is made of them, and the way back.

A head belongs to the samples of a training: it knows their targets. `SampleHead` answers once a sample, `RowHead` in
every row of a series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.gradient.readouts import Pooling, cross_entropy, squared_error


class Head(Protocol):
    """What `Training` needs of a readout and its targets; `index` names samples of the training."""

    @property
    def outputs(self) -> int:
        """Numbers that an answer consists of."""

    @property
    def windows(self) -> int:
        """Windows of each row of the input in which spikes are counted."""

    @property
    def unit(self) -> float:
        """How far a learning rate of 1 moves the weights."""

    def __len__(self) -> int:
        """Number of samples."""

    def answers(self, index: Ints) -> int:
        """How many answers some samples have."""

    def start(self, index: Ints) -> Array:
        """What to answer before anything is known, shape (outputs,)."""

    def scale(self, features: Array) -> Any:
        """In what unit the readout sees features: a number, or one for each."""

    def features(self, activity: Array, windows: Ints, index: Ints) -> Array:
        """What the readout sees of spikes (samples, windows, n), shape (answers, features)."""

    def back(self, gradient: Array, activity: Array, windows: Ints, index: Ints) -> Array:
        """Gradient with respect to spikes, from that with respect to features."""

    def wanted(self, index: Ints) -> tuple[Array, Array]:
        """What a linear readout should say, (answers, outputs), and how much each answer counts."""

    def loss(self, scores: Array, index: Ints) -> tuple[float, Array]:
        """Loss of answers (answers, outputs), and its gradient."""

    def score(self, scores: Array, index: Ints) -> float:
        """How good answers are: the larger, the better."""

    def content(self) -> Iterator[Any]:
        """All that decides what it does, for fingerprints: text and arrays."""


@dataclass(frozen=True, eq=False)
class SampleHead:
    """One answer a sample: its class, or numbers.

    Parameters
    ----------
    pooling : Pooling
    targets : ndarray
        Classes, whole numbers from 0, shape (samples,); or numbers to predict, shape (samples, outputs).
    weight : ndarray, shape (samples,), optional
        How much each counts, above 0 on the whole.
    classes : int, optional
        How many there are; default: those of the targets.
    squared : bool
        Classes by the squared error of their indicators in place of the cross-entropy.
    """

    pooling: Pooling
    targets: Any
    weight: Array | None = None
    classes: int | None = None
    squared: bool = False
    indicators: Array | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        targets = np.asarray(self.targets)
        object.__setattr__(self, "targets", targets)
        if self.weight is not None:
            object.__setattr__(self, "weight", self.weight / self.weight.mean())
        if targets.ndim == 1:
            count = int(targets.max()) + 1 if self.classes is None else self.classes
            object.__setattr__(self, "classes", count)
            object.__setattr__(self, "indicators", np.eye(count)[targets])

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def outputs(self) -> int:
        return int(self.targets.shape[1]) if self.classes is None else self.classes

    @property
    def windows(self) -> int:
        return 1

    @property
    def unit(self) -> float:
        return 1.0 / float(np.sqrt(self.pooling.rows))

    def answers(self, index: Ints) -> int:
        return len(index)

    def start(self, index: Ints) -> Array:
        if self.classes is not None and not self.squared:
            return np.zeros(self.outputs)
        return np.asarray(self.wanted(index)[0].mean(axis=0))

    def wanted(self, index: Ints) -> tuple[Array, Array]:
        weight = np.ones(len(index)) if self.weight is None else self.weight[index]
        return (self.targets if self.indicators is None else self.indicators)[index], weight

    def scale(self, features: Array) -> Any:
        return float(features.std()) or 1.0

    def features(self, activity: Array, windows: Ints, index: Ints) -> Array:
        # In the precision of the activity: as many numbers in double would take longer.
        matrices = self.pooling.matrices(windows).astype(activity.dtype)
        return (matrices @ activity).reshape(len(index), -1).astype(np.float64)

    def back(self, gradient: Array, activity: Array, windows: Ints, index: Ints) -> Array:
        matrices = self.pooling.matrices(windows).transpose(0, 2, 1)
        return np.asarray(matrices @ gradient.reshape(len(index), self.pooling.rows, activity.shape[2]))

    def loss(self, scores: Array, index: Ints) -> tuple[float, Array]:
        wanted, weight = self.wanted(index)
        if self.classes is None or self.squared:
            return squared_error(scores, wanted, weight)
        return cross_entropy(scores, self.targets[index], weight)

    def score(self, scores: Array, index: Ints) -> float:
        """Accuracy, or minus the mean square error; samples count by their weights."""
        wanted, weight = self.wanted(index)
        if self.classes is not None:
            right = scores.argmax(axis=1) == self.targets[index]
            return float(np.average(right, weights=weight)) if weight.any() else 0.0
        return -squared_error(scores, wanted, weight)[0]

    def content(self) -> Iterator[Any]:
        yield repr((self.pooling, self.classes, self.squared))
        yield self.targets
        if self.weight is not None:
            yield self.weight


@dataclass(frozen=True, eq=False)
class RowHead:
    """An answer in every row of a series: numbers, made of a fading sum of the spikes before, and of the input.

    Parameters
    ----------
    targets : list of ndarray, shape (answers, outputs)
        Those of the last rows of each sample; the rows before only warm the network up.
    inputs : list of ndarray, shape (answers, channels)
        What the readout sees beside the spikes; channels may be 0.
    fade : float
        What is left of a spike one window later.
    windows : int
        Windows of each row.
    weights : list of ndarray, shape (answers,), optional
        How much each answer counts, above 0 on the whole.
    """

    targets: Sequence[Array]
    inputs: Sequence[Array]
    fade: float
    windows: int = 1
    weights: Sequence[Array] | None = None

    def __post_init__(self) -> None:
        for k, (target, seen) in enumerate(zip(self.targets, self.inputs, strict=True)):
            if len(target) != len(seen):
                raise HeteroError(f"sample {k} has {len(target)} targets and {len(seen)} inputs", fix="align them")
        if self.weights is not None:
            mean = float(np.concatenate(list(self.weights)).mean())
            object.__setattr__(self, "weights", [w / mean for w in self.weights])

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def outputs(self) -> int:
        return int(self.targets[0].shape[1])

    @property
    def unit(self) -> float:
        return 1.0

    def answers(self, index: Ints) -> int:
        return sum(len(self.targets[k]) for k in index)

    def start(self, index: Ints) -> Array:
        return np.asarray(np.concatenate([self.targets[k] for k in index]).mean(axis=0))

    def scale(self, features: Array) -> Any:
        """One unit for all neurons, and one for all inputs."""
        beside = self.inputs[0].shape[1]
        n = features.shape[1] - beside
        parts = [features[:, :n], features[:, n:]]
        return np.repeat([float(p.std()) or 1.0 if p.size else 1.0 for p in parts], [n, beside])

    def features(self, activity: Array, windows: Ints, index: Ints) -> Array:
        faded = faded_sum(activity, self.fade)[:, self.windows - 1 :: self.windows]
        out: list[Array] = []
        for seen, k, count in zip(faded, index, windows // self.windows, strict=True):
            answers = len(self.targets[k])
            out.append(np.concatenate([seen[count - answers : count], self.inputs[k]], axis=1))
        return np.concatenate(out).astype(np.float64)

    def back(self, gradient: Array, activity: Array, windows: Ints, index: Ints) -> Array:
        into: Array = np.zeros(activity.shape)
        n, row = activity.shape[2], 0
        for own, k, count in zip(into, index, windows // self.windows, strict=True):
            answers = len(self.targets[k])
            mine = own[self.windows - 1 :: self.windows]
            mine[count - answers : count] = gradient[row : row + answers, :n]
            row += answers
        back = faded_sum(into[:, ::-1], self.fade)
        return np.asarray(back[:, ::-1])

    def wanted(self, index: Ints) -> tuple[Array, Array]:
        wanted = np.concatenate([self.targets[k] for k in index])
        return wanted, np.ones(len(wanted)) if self.weights is None else np.concatenate(
            [self.weights[k] for k in index]
        )

    def loss(self, scores: Array, index: Ints) -> tuple[float, Array]:
        return squared_error(scores, *self.wanted(index))

    def score(self, scores: Array, index: Ints) -> float:
        """Minus the mean square error."""
        return -self.loss(scores, index)[0]

    def content(self) -> Iterator[Any]:
        yield repr((self.fade, self.windows, [len(t) for t in self.targets]))
        yield from self.targets
        yield from self.inputs
        yield from self.weights or ()


def faded_sum(activity: Array, fade: float) -> Array:
    """Spikes of each window and what is left of those before, along the second axis from the last."""
    out: Array = np.array(activity, dtype=np.float64)
    along: Array = np.moveaxis(out, -2, 0)
    for before, now in pairwise(along):
        now += fade * before
    return out
