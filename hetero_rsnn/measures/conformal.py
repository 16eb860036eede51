"""Deciding early with sets of labels that hold the right one as often as promised (split conformal prediction)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.types import Array, Bools, Ints
from hetero_rsnn.measures.cutoff import Decisions
from hetero_rsnn.measures.probabilities import check_temperature, checked_labels, checked_scores, softmax

#: Checkpoints unless others are given: each takes its part of alpha.
CHECKPOINTS = 4


@dataclass(frozen=True, eq=False)
class ConformalRule:
    """Stop at the first checkpoint whose set holds few labels.

    At checkpoint j the set holds each class whose ``1 - probability`` is at most ``thresholds[j]``. A sample stops at
    the first checkpoint whose set holds from 1 to `most` labels, else at its end.

    Attributes
    ----------
    alpha : float
        The set at the stop lacks the right label with a probability of at most this.
    checkpoints : ndarray of int, shape (m,)
        Steps, ascending; the last stands for the end of every sample, however long.
    thresholds : ndarray, shape (m,)
    most : int
    temperature : float
    n_calibration, classes : int
    """

    alpha: float
    checkpoints: Ints
    thresholds: Array
    most: int
    temperature: float
    n_calibration: int
    classes: int

    def decide(self, scores: Sequence[ArrayLike]) -> Decisions:
        """Step at which each sample stops, and its most probable class there.

        Raises
        ------
        HeteroError
            If the scores are not valid, or have another number of classes than those of the calibration.
        """
        arrays, at, _ = self._stops(scores)
        return Decisions(at + 1, np.array([s[k].argmax() for s, k in zip(arrays, at, strict=True)], dtype=np.int64))

    def sets(self, scores: Sequence[ArrayLike]) -> Bools:
        """The set at the stop of each sample: which classes it holds, shape (samples, classes).

        A sample that no checkpoint has stopped has the set of its end, which may hold more than `most` labels or none.

        Raises
        ------
        HeteroError
            As `decide`.
        """
        return self._stops(scores)[2]

    def coverage(self, scores: Sequence[ArrayLike], labels: ArrayLike) -> float:
        """Share of the samples whose set at the stop holds their label.

        Raises
        ------
        HeteroError
            If scores or labels are not valid.
        """
        held = self.sets(scores)
        return float(held[np.arange(len(held)), checked_labels(labels, *held.shape)].mean())

    def _stops(self, scores: Sequence[ArrayLike]) -> tuple[list[Array], Ints, Bools]:
        """Scores, the row of each at which it stops, and its set there."""
        arrays = checked_scores(scores)
        if arrays[0].shape[1] != self.classes:
            raise HeteroError(
                f"scores must have the {self.classes} classes of the calibration, got {arrays[0].shape[1]}: "
                "fit the rule anew"
            )
        held = _strangeness(arrays, self.checkpoints, self.temperature) <= self.thresholds[:, None]
        size = held.sum(axis=2)
        small = (size >= 1) & (size <= self.most)
        small[:, -1] = True
        first = np.argmax(small, axis=1)
        rows = _rows(arrays, self.checkpoints)
        samples = np.arange(len(arrays))
        return arrays, rows[samples, first], held[samples, first]


def fit_conformal(
    scores: Sequence[ArrayLike],
    labels: ArrayLike,
    alpha: float,
    *,
    checkpoints: ArrayLike | None = None,
    most: int = 1,
    temperature: float = 1.0,
) -> ConformalRule:
    """Thresholds of sets of labels at m checkpoints, from calibration samples.

    A class is the stranger, the less probable: its nonconformity is ``1 - softmax(s / T)[class]``. The threshold of a
    checkpoint is the k-th smallest nonconformity of the right classes of n calibration samples,
    ``k = ceil((n + 1) (1 - alpha / m))``.

    Parameters
    ----------
    scores : sequence of array_like (steps, classes)
        One array a sample. Of samples that neither the readout nor the temperature was fitted on.
    labels : array_like of int (samples,)
        Each class of the scores must be among them.
    alpha : float
        Between 0 and 1: how often the set at the stop may lack the right label.
    checkpoints : array_like of int, optional
        Steps at which a sample may stop, ascending, from 1 to the longest sample's. The end of the sample is added if
        it is not the last of them. By default four, or as many as there are steps, evenly spaced up to the longest.
    most : int
        A sample stops once its set holds at most this many labels.
    temperature : float
        Of the softmax. It changes which sets are small, not whether they keep their promise; see
        `hetero_rsnn.measures.probabilities.fit_temperature`.

    Returns
    -------
    ConformalRule

    Raises
    ------
    HeteroError
        If an argument is not valid, or a class has no calibration sample.
    TooShortError
        If there are fewer than m / alpha - 1 samples: some threshold would be infinite, and its set hold all classes.

    Notes
    -----
    If calibration and new samples are exchangeable, the set of one checkpoint lacks the right label with a probability
    of at most alpha / m. So all m sets hold it with a probability of at least 1 - alpha (Bonferroni), and then the set
    at the stop does, whatever has chosen the stop. The probability is over new and calibration samples together; with
    one calibration set the share varies: as beta(k, n + 1 - k) for m = 1.

    Three choices of this package. An empty set stops nobody: it cannot hold the right label, and a later one may. At
    the end it is returned as it is, and counts as a miss. A sample that is shorter than a checkpoint shows there what
    it showed at its end, in calibration as later, so that samples of any length stay exchangeable. Default checkpoints
    rest on the longest calibration sample: give them where lengths differ, for they have to be fixed beforehand.

    References
    ----------
    J. Chen, S. Park, O. Simeone, "SpikeCP: delay-adaptive reliable spiking neural networks via conformal prediction",
    arXiv:2305.11322, 2023. V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", Springer, 2005.

    Examples
    --------
    Two steps; the right class is ahead by 0 or 1 at the first, and by 4 at the second.

    >>> scores = [[[0.0, k % 2], [0.0, 4.0]] for k in range(20)] + [[[k % 2, 0.0], [4.0, 0.0]] for k in range(20)]
    >>> labels = [1] * 20 + [0] * 20
    >>> rule = fit_conformal(scores, labels, 0.1)
    >>> rule.thresholds.round(3).tolist()
    [0.5, 0.018]
    >>> rule.decide([[[0.0, 1.0], [0.0, 4.0]], [[0.0, 0.0], [0.0, 4.0]]]).times.tolist()
    [1, 2]
    >>> rule.coverage(scores, labels)
    1.0
    """
    arrays = checked_scores(scores)
    wanted = checked_labels(labels, len(arrays), arrays[0].shape[1], every=True)
    level = checks.real("alpha", alpha, above=0.0, fix="use 0.1 for a promise of 90 %")
    if level >= 1:
        raise HeteroError(f"alpha must be between 0 and 1, got {alpha!r}: use 0.1 for a promise of 90 %")
    checks.whole("most", most, least=1, fix="use 1 to stop at a single label")
    temperature = check_temperature(temperature)
    steps = _checkpoints(checkpoints, max(map(len, arrays)))
    n, m = len(arrays), len(steps)
    # A rounding error must not decide: 20 * 0.05 is one sample, whatever the floats say.
    beyond = math.floor((n + 1) * level / m + 1e-9)
    if beyond < 1:
        required = math.ceil(m / level - 1 - 1e-9)
        raise TooShortError(
            f"conformal sets at {m} checkpoint{'s' * (m > 1)} and alpha = {level:g} need at least {required} "
            f"calibration samples, got {n}",
            fix="hold back more, raise alpha, or give fewer checkpoints",
            measure="conformal",
            required=required,
        )
    own = _strangeness(arrays, steps, temperature)[np.arange(n), :, wanted]
    thresholds = np.sort(own, axis=0)[n - beyond]
    return ConformalRule(level, steps, thresholds, int(most), temperature, n, arrays[0].shape[1])


def _checkpoints(checkpoints: Any, longest: int) -> Ints:
    if checkpoints is None:
        count = min(CHECKPOINTS, longest)
        return np.array([math.ceil(j * longest / count) for j in range(1, count + 1)], dtype=np.int64)
    steps = checks.whole_array("checkpoints", checkpoints, 1, axes=("checkpoint",), least=1, most=longest)
    if not (np.diff(steps) > 0).all():
        raise HeteroError(f"checkpoints must ascend, got {steps.tolist()}: sort them, each once")
    return steps if steps[-1] == longest else np.append(steps, longest)


def _rows(arrays: list[Array], checkpoints: Ints) -> Ints:
    """Row that each sample shows at each checkpoint, shape (samples, m); the last is that of its end."""
    last = np.array([len(s) - 1 for s in arrays])[:, None]
    rows: Ints = np.minimum(checkpoints - 1, last)
    rows[:, -1:] = last
    return rows


def _strangeness(arrays: list[Array], checkpoints: Ints, temperature: float) -> Array:
    """Nonconformity of each class, shape (samples, m, classes)."""
    shown = np.stack([s[k] for s, k in zip(arrays, _rows(arrays, checkpoints), strict=True)])
    out: Array = 1.0 - softmax(shown, temperature)
    return out
