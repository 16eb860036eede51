"""Deciding early: stop an inference at the first step at which the evidence is clear enough (the cutoff)."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.measures.probabilities import check_temperature, checked_labels, checked_scores, listed, softmax

#: Evidence that a rule can look at.
CONFIDENCES = ("gap", "probability")
#: Calibration samples below which a rule is refused: one stands for 5 % of the confidence.
MIN_CALIBRATION = 20


@dataclass(frozen=True, eq=False)
class Evidence:
    """What decisions need of the scores.

    Attributes
    ----------
    gap : ndarray, shape (samples, steps)
        Largest minus second largest score, or the largest softmax probability (`confidence`); -inf beyond a sample's
        end, where it takes part in nothing.
    winner : ndarray of int, shape (samples, steps)
        Class of the largest score (the first of equals); beyond its end a sample keeps its last winner.
    length : ndarray of int, shape (samples,)
    classes : int
    confidence : str
        ``"gap"`` or ``"probability"``.
    temperature : float
        Of the softmax; a gap has none.
    """

    gap: Array
    winner: Ints
    length: Ints
    classes: int
    confidence: str = "gap"
    temperature: float = 1.0

    def __len__(self) -> int:
        return len(self.length)

    def take(self, rows: Ints) -> Evidence:
        """Some of the samples."""
        return replace(self, gap=self.gap[rows], winner=self.winner[rows], length=self.length[rows])


@dataclass(frozen=True, eq=False)
class Decisions:
    """When and what a rule decided.

    Attributes
    ----------
    times : ndarray of int, shape (samples,)
        Steps used, from 1 to the sample's length.
    labels : ndarray of int, shape (samples,)
        The class that led at that step.
    """

    times: Ints
    labels: Ints


@dataclass(frozen=True, eq=False)
class CutoffRule:
    """Stop at the first step t at which the evidence for the leading class is above ``beta[t - 1]``.

    Attributes
    ----------
    epsilon : float
        Share of the calibration samples above a threshold that may be wrong then or later.
    beta : ndarray, shape (steps,)
        Thresholds, in units of the scores, or of probability; inf where none gives the confidence. Later steps have
        none either.
    n_calibration : int
    classes : int
    confidence : str
        The evidence: ``"gap"``, how far the leading class is ahead, or ``"probability"``, its softmax probability.
    temperature : float
        Of the softmax.
    """

    epsilon: float
    beta: Array
    n_calibration: int
    classes: int
    confidence: str = "gap"
    temperature: float = 1.0

    def decide(self, scores: Sequence[ArrayLike] | Evidence) -> Decisions:
        """Decide each sample, at its full length if no step is clear enough.

        Raises
        ------
        HeteroError
            If the scores are not valid, or have another number of classes than those of the calibration.
        """
        seen = evidence(scores, confidence=self.confidence, temperature=self.temperature)
        if seen.classes != self.classes:
            raise HeteroError(
                f"scores must have the {self.classes} classes of the calibration, got {seen.classes}: fit the rule anew"
            )
        beta = np.full(seen.gap.shape[1], np.inf)
        known = min(len(beta), len(self.beta))
        beta[:known] = self.beta[:known]
        clear = seen.gap > beta
        times = np.where(clear.any(axis=1), np.argmax(clear, axis=1) + 1, seen.length)
        return Decisions(times, seen.winner[np.arange(len(seen)), times - 1])


def cumulative(scores: Sequence[ArrayLike]) -> list[Array]:
    """Running sums over time, for scores that say what each step alone adds, e.g. spikes of output neurons."""
    return [
        np.cumsum(checks.finite_array(f"scores of sample {i}", s, (1, 2)), axis=0) for i, s in enumerate(listed(scores))
    ]


def evidence(scores: Sequence[ArrayLike] | Evidence, *, confidence: str = "gap", temperature: float = 1.0) -> Evidence:
    """Evidence for the leading class at each step.

    Parameters
    ----------
    scores : sequence of array_like (steps, classes)
        One array a sample, of any lengths. Larger is better; usually the evidence up to each step (`cumulative`).
        `Evidence` of the same kind is taken as it is.
    confidence : {"gap", "probability"}
        The largest score minus the second largest, or the largest softmax probability.
    temperature : float
        The softmax is that of scores / temperature; see `hetero_rsnn.measures.probabilities.fit_temperature`.

    Raises
    ------
    HeteroError
        If there is no sample, or one is empty, not finite, or has other classes than the first or fewer than 2; if
        the kind is unknown or not that of the `Evidence` given, or the temperature is not > 0.
    """
    confidence = checks.one_of("confidence", confidence, CONFIDENCES)
    temperature = check_temperature(temperature) if confidence == "probability" else 1.0
    if isinstance(scores, Evidence):
        if (scores.confidence, scores.temperature) != (confidence, temperature):
            raise HeteroError(
                f"evidence must be of {confidence!r} at temperature {temperature:g}, got {scores.confidence!r} at "
                f"{scores.temperature:g}: give the scores"
            )
        return scores
    arrays = checked_scores(scores)
    length = np.array([len(s) for s in arrays])
    gap = np.full((len(arrays), length.max()), -np.inf)
    winner = np.empty(gap.shape, dtype=np.int64)
    for i, s in enumerate(arrays):
        if confidence == "gap":
            best = np.partition(s, -2, axis=1)[:, -2:]
            gap[i, : len(s)] = best[:, 1] - best[:, 0]
        else:
            gap[i, : len(s)] = softmax(s, temperature).max(axis=1)
        winner[i, : len(s)] = s.argmax(axis=1)
        winner[i, len(s) :] = winner[i, len(s) - 1]
    return Evidence(gap, winner, length, arrays[0].shape[1], confidence, temperature)


def check_labels(labels: ArrayLike, seen: Evidence, *, every: bool = False) -> Ints:
    """Labels as integers; raise `HeteroError` unless each sample has one that is a class.

    With `every`, each class must have a sample, too.
    """
    return checked_labels(labels, len(seen), seen.classes, every=every)


def optimal_cutoff_time(scores: Sequence[ArrayLike] | Evidence, labels: ArrayLike) -> Ints:
    """The optimal cutoff time (OCT): the steps after which a sample's decision is right and stays right.

    It needs the label, so no rule can know it: it bounds what an early stop can save without loss.

    Parameters
    ----------
    scores : sequence of array_like (steps, classes)
        See `evidence`.
    labels : array_like of int (samples,)

    Returns
    -------
    ndarray of int, shape (samples,)
        From 1 to the sample's length. A sample that is wrong at its end counts its full length.

    Raises
    ------
    HeteroError
        If scores or labels are not valid.

    References
    ----------
    D. Wu, G. Jin, H. Yu, X. Yi, X. Huang, "Optimising event-driven spiking neural network with regularisation and
    cutoff", arXiv:2301.09522; Frontiers in Neuroscience 19, 2025.
    """
    seen = scores if isinstance(scores, Evidence) else evidence(scores)
    wrong = seen.winner != check_labels(labels, seen)[:, None]
    # Beyond its end a sample keeps its winner, so one that ends wrong is wrong at the very last step.
    last_wrong = np.where(wrong.any(axis=1), wrong.shape[1] - np.argmax(wrong[:, ::-1], axis=1), 0)
    times: Ints = np.minimum(last_wrong + 1, seen.length)
    return times


def fit_cutoff(
    scores: Sequence[ArrayLike] | Evidence,
    labels: ArrayLike,
    epsilon: float,
    *,
    confidence: str = "gap",
    temperature: float = 1.0,
    every_class: bool = False,
    min_samples: int = MIN_CALIBRATION,
) -> CutoffRule:
    """Thresholds on the evidence for the leading class, from calibration samples.

    beta(t) is the smallest threshold >= 0 such that of the samples whose gap at t is above it, a share of at least
    1 - epsilon is right at t and stays right: ``|{gap > beta, OCT <= t}| / |{gap > beta}| >= 1 - epsilon``.

    Parameters
    ----------
    scores : sequence of array_like (steps, classes)
        See `evidence`. Not those that the readout was trained on, where it is surer than it should be.
    labels : array_like of int (samples,)
    epsilon : float
        Between 0 and 1.
    confidence : {"gap", "probability"}
        What is compared with the threshold: the gap between the two best scores, or the largest softmax probability.
        Everything else is the same, so two rules differ in their evidence only.
    temperature : float
        Of the softmax: the scores are divided by it. Scores of a ridge readout are no logits and want
        `hetero_rsnn.measures.probabilities.fit_temperature`.
    every_class : bool
        Refuse calibration samples in which a class is missing, of which the rule would know nothing. With
        ``confidence="probability"`` they are refused always.
    min_samples : int
        Fewer are refused.

    Returns
    -------
    CutoffRule

    Raises
    ------
    HeteroError
        If scores, labels or an option are not valid, epsilon is not between 0 and 1, or a class is missing.
    TooShortError
        If there are fewer than `min_samples` samples.

    Notes
    -----
    Where no sample is above, there is no confidence, and the threshold is inf. A finished sample takes no part beyond
    its own length. A sample that ends wrong is settled at no step, not even its last. Confidence need not grow with
    the threshold: the smallest that reaches it counts. A larger epsilon never raises a threshold, so decisions can
    only come earlier. A gap of 0 never decides. Two classes that lead together have a probability of at most 1/2, which
    decides for the first of them if the threshold is lower. Probabilities that round to 1 cannot be told apart, which a
    larger temperature avoids.

    References
    ----------
    See `optimal_cutoff_time`.

    Examples
    --------
    Class 1 leads by 1, 2, ... and is right where it leads by more than 3.

    >>> scores = [[[0.0, k]] for k in range(1, 11)]
    >>> fit_cutoff(scores, [0] * 3 + [1] * 7, 0.1, min_samples=10).beta.tolist()
    [3.0]
    >>> fit_cutoff(scores, [0] * 3 + [1] * 7, 0.1, min_samples=10, confidence="probability").beta.round(3).tolist()
    [0.953]
    """
    seen = evidence(scores, confidence=confidence, temperature=temperature)
    wanted = check_labels(labels, seen, every=every_class or confidence != "gap")
    check_epsilon(epsilon)
    checks.whole("min_samples", min_samples, least=1)
    if len(seen) < min_samples:
        raise TooShortError(
            f"a cutoff needs at least {min_samples} calibration samples, got {len(seen)}",
            fix="hold back more of them",
            measure="cutoff",
            required=min_samples,
        )
    return fit_cutoffs(seen, wanted, [epsilon])[0]


def fit_cutoffs(seen: Evidence, labels: Ints, epsilons: Sequence[float]) -> list[CutoffRule]:
    """`fit_cutoff` for several epsilons at once, of arguments already checked."""
    steps = np.arange(1, seen.gap.shape[1] + 1)
    right_at_end = seen.winner[:, -1] == labels
    settled = right_at_end[:, None] & (optimal_cutoff_time(seen, labels)[:, None] <= steps)
    beta = np.full((len(epsilons), len(steps)), np.inf)
    for t in range(len(steps)):
        order = np.argsort(-seen.gap[:, t], kind="stable")
        gap, sure = seen.gap[order, t], settled[order, t]
        # The set above a threshold is a head of this order, and its threshold the next gap below, or 0: a tie never
        # decides. Heads that would part equal gaps are not sets above any threshold.
        below = np.maximum(np.append(gap[1:], 0.0), 0.0)
        possible = gap > below
        confidence = np.cumsum(sure) / np.arange(1, len(gap) + 1)
        for e, epsilon in enumerate(epsilons):
            # A rounding error must not decide: 1 - 0.1 is not the float nearest to 9 / 10.
            valid = np.flatnonzero(possible & (confidence >= 1.0 - epsilon - 1e-12))
            if valid.size:
                beta[e, t] = below[valid[-1]]
    kind = (len(seen), seen.classes, seen.confidence, seen.temperature)
    return [CutoffRule(float(e), b, *kind) for e, b in zip(epsilons, beta, strict=True)]


def check_epsilon(epsilon: Any) -> None:
    """Raise `HeteroError` unless it is a number and 0 < epsilon < 1."""
    number = isinstance(epsilon, numbers.Real) and not isinstance(epsilon, bool | np.bool_)
    if not (number and 0 < epsilon < 1):
        raise HeteroError(f"epsilon must be between 0 and 1, got {epsilon!r}: use 0.05 for a confidence of 95 %")
