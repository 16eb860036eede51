"""Answers over time: what a readout makes of every decision window, and decisions by the mean of these so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Bools, Ints
from hetero_rsnn.gradient.heads import faded_sum
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

    def sums(self, activity: Array, windows: Ints) -> Array:
        """Spikes in each decision window, shape (samples, decisions, n); 0 beyond a sample's end.

        Parameters
        ----------
        activity : ndarray, shape (samples, windows, n)
            What is beyond a sample's end is not looked at.
        windows : ndarray of int, shape (samples,)
        """
        starts = np.arange(0, int(windows.max()), self.every)
        return np.asarray(np.add.reduceat(_inside(activity, windows), starts, axis=1))

    def spread(self, gradient: Array, windows: Ints, most: int) -> Array:
        """The way back of `sums`: from (samples, decisions, n) to (samples, most, n)."""
        number = np.minimum(np.arange(most) // self.every, gradient.shape[1] - 1)
        return _inside(gradient[:, number], windows)

    def place(self, gradient: Array, windows: Ints, most: int) -> Array:
        """What is due to the ends of decision windows where these are, shape (samples, most, n), and 0 elsewhere."""
        out = np.zeros((len(gradient), most, gradient.shape[2]))
        sample, decision = np.nonzero(self.there(windows))
        out[sample, self.ends(windows)[sample, decision]] = gradient[sample, decision]
        return out

    def there(self, windows: Ints) -> Bools:
        """Which decision windows there are, shape (samples, decisions)."""
        count = self.count(windows)
        return np.asarray(np.arange(int(count.max())) < count[:, None])

    def _sizes(self, windows: Ints) -> Ints:
        """Windows of counting in each decision window, shape (samples, decisions, 1); at least 1."""
        return np.maximum(np.diff(self.ends(windows), axis=1, prepend=-1), 1)[:, :, None]

    # Not as products with matrices over time: these would grow with the square of the number of windows.

    def seen(self, activity: Array, windows: Ints) -> Array:
        """What each answer is made of, shape (samples, decisions, n); 0 beyond a sample's end. See `sums`."""
        if not self.fade:
            return np.asarray(self.sums(activity, windows) / self._sizes(windows))
        faded = faded_sum(_inside(activity, windows), self.fade)
        at_end = faded[np.arange(len(faded))[:, None], self.ends(windows)]
        return np.asarray(at_end * self.there(windows)[:, :, None])

    def back(self, gradient: Array, windows: Ints, most: int) -> Array:
        """The way back of `seen`: from (samples, decisions, n) to (samples, most, n)."""
        if not self.fade:
            return self.spread(gradient / self._sizes(windows), windows, most)
        placed = self.place(gradient, windows, most)
        return np.asarray(faded_sum(placed[:, ::-1], self.fade)[:, ::-1])

    def whole(self, activity: Array, windows: Ints) -> Array:
        """The mean of `seen` over a sample, of which its decision at the end is made, shape (samples, n)."""
        return np.asarray(self.seen(activity, windows).sum(axis=1) / self.count(windows)[:, None])


def _inside(activity: Array, windows: Ints) -> Array:
    """Numbers of windows in double precision, 0 beyond a sample's end."""
    within = np.arange(activity.shape[1]) < np.asarray(windows)[:, None]
    return np.asarray(np.where(within[:, :, None], activity, 0.0), np.float64)


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
        return np.asarray(self.layout.seen(activity, windows)[self.layout.there(windows)])

    def back(self, gradient: Array, activity: Array, windows: Ints, index: Ints) -> Array:
        there = self.layout.there(windows)
        into = np.zeros((*there.shape, activity.shape[2]))
        into[there] = gradient
        return self.layout.back(into, windows, activity.shape[1])

    def over_time(self, scores: Array, index: Ints) -> Array:
        """Scores of answers as (samples, decisions, outputs), 0 beyond the end of a sample."""
        there = self.layout.there(self.lengths[index])
        out = np.zeros((*there.shape, scores.shape[1]))
        out[there] = scores
        return out

    def right(self, scores: Array, index: Ints) -> Bools:
        """Whether the decision in each decision window is right, shape (samples, decisions); False beyond the end."""
        decided = running_mean(self.over_time(scores, index)).argmax(axis=2)
        there = self.layout.there(self.lengths[index])
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
