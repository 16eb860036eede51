"""What an early stop saves and costs: the cutoff against the fixed-time readout and the optimal cutoff time."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.measures.cutoff import (
    MIN_CALIBRATION,
    Evidence,
    check_epsilon,
    check_labels,
    evidence,
    fit_cutoffs,
    optimal_cutoff_time,
)
from hetero_rsnn.measures.probabilities import listed
from hetero_rsnn.measures.scores import wilson

#: The epsilons looked at unless others are given.
EPSILONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class CutoffPoint:
    """One way to stop, on the test samples.

    Attributes
    ----------
    epsilon : float or None
        None for ways that have none.
    accuracy, low, high : float
        Share of right decisions, and its 95 % interval (Wilson).
    time : float
        Mean steps used.
    time_saved : float
        Share of all steps that were not used.
    spikes_saved : float or None
        Share of all spikes that came after the decisions; None without spikes.
    """

    epsilon: float | None
    accuracy: float
    low: float
    high: float
    time: float
    time_saved: float
    spikes_saved: float | None


@dataclass(frozen=True)
class CutoffCurve:
    """Accuracy over decision time.

    Attributes
    ----------
    points : tuple of CutoffPoint
        The cutoff, one for each epsilon, ascending.
    fixed : tuple of CutoffPoint
        The fixed-time readout: all samples stop at step t (or their end, if earlier), t = 1 .. longest.
    bound : CutoffPoint
        All samples stop at their optimal cutoff time. Needs the labels: no rule reaches it but by luck.
    full : CutoffPoint
        No early stop.
    chosen : CutoffPoint
        The cutoff with the epsilon that `choose_epsilon` took on the calibration samples; no early stop (epsilon
        None) if it took none. The number to report.
    loss : float
        The loss of accuracy allowed in that choice.
    n_calibration, n_test : int
    confidence : str
        The evidence: ``"gap"`` or ``"probability"``.
    """

    points: tuple[CutoffPoint, ...]
    fixed: tuple[CutoffPoint, ...]
    bound: CutoffPoint
    full: CutoffPoint
    chosen: CutoffPoint
    loss: float
    n_calibration: int
    n_test: int
    confidence: str = "gap"

    def saved_at(self, loss: float = 0.01) -> float:
        """The most time steps (share) that an epsilon of the curve saves at a loss of at most `loss` accuracy.

        It looks for the best epsilon on the test samples, so it flatters: report `chosen`, and this as its bound.
        """
        check_loss(loss)
        return max((p.time_saved for p in self.points if p.accuracy >= self.full.accuracy - loss - 1e-12), default=0.0)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw accuracy over mean decision time; see `hetero_rsnn.plots.plot_cutoff`."""
        return figure_of("CutoffCurve")(self, ax, **options)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def evaluate_cutoff(
    calibration_scores: Sequence[ArrayLike] | Evidence,
    calibration_labels: ArrayLike,
    scores: Sequence[ArrayLike] | Evidence,
    labels: ArrayLike,
    epsilons: Sequence[float] = EPSILONS,
    *,
    spikes: Sequence[ArrayLike] | None = None,
    loss: float = 0.01,
    confidence: str = "gap",
    temperature: float = 1.0,
    every_class: bool = False,
    min_samples: int = MIN_CALIBRATION,
) -> CutoffCurve:
    """Fit cutoffs on calibration samples, and measure them on test samples.

    Parameters
    ----------
    calibration_scores, scores : sequence of array_like (steps, classes)
        See `evidence`; of samples that the readout was not trained on, and no sample in both.
    calibration_labels, labels : array_like of int (samples,)
    epsilons : sequence of float
        Each between 0 and 1.
    spikes : sequence of array_like (steps,), optional
        Spikes of the network in each step of each test sample.
    loss : float
        Loss of accuracy allowed when epsilon is chosen.
    confidence, temperature, every_class
        The evidence, and whether each class must be among the calibration samples: see `fit_cutoff`.
    min_samples : int
        Fewer calibration samples are refused.

    Returns
    -------
    CutoffCurve

    Raises
    ------
    HeteroError
        If scores, labels, spikes or a number are not valid.
    TooShortError
        If there are fewer than `min_samples` calibration samples.

    References
    ----------
    See `optimal_cutoff_time`. E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22, 1927.
    """
    kind: dict[str, Any] = {"confidence": confidence, "temperature": temperature}
    calibration, seen = evidence(calibration_scores, **kind), evidence(scores, **kind)
    known = check_labels(calibration_labels, calibration, every=every_class or confidence != "gap")
    wanted = check_labels(labels, seen)
    epsilons = checked_epsilons(epsilons)
    epsilon = choose_epsilon(calibration, known, loss=loss, epsilons=epsilons, min_samples=min_samples, **kind)
    counts = None if spikes is None else running_spikes(spikes, seen)

    def point(epsilon: float | None, times: Ints) -> CutoffPoint:
        return measure_point(epsilon, times, seen, wanted, counts)

    points = [point(r.epsilon, r.decide(seen).times) for r in fit_cutoffs(calibration, known, epsilons)]
    full = point(None, seen.length)
    return CutoffCurve(
        points=tuple(points),
        fixed=tuple(point(None, np.minimum(t, seen.length)) for t in range(1, seen.gap.shape[1] + 1)),
        bound=point(None, optimal_cutoff_time(seen, wanted)),
        full=full,
        chosen=full if epsilon is None else points[list(epsilons).index(epsilon)],
        loss=float(loss),
        n_calibration=len(calibration),
        n_test=len(seen),
        confidence=seen.confidence,
    )


def choose_epsilon(
    scores: Sequence[ArrayLike] | Evidence,
    labels: ArrayLike,
    *,
    loss: float = 0.01,
    epsilons: Sequence[float] = EPSILONS,
    folds: int = 5,
    confidence: str = "gap",
    temperature: float = 1.0,
    min_samples: int = MIN_CALIBRATION,
) -> float | None:
    """The epsilon that saves most time at a loss of at most `loss` accuracy, by cross-validation.

    Each fold is decided by a rule fitted on the others; accuracy and time are pooled over the folds. The samples of
    each class are dealt to the folds in turn, so nothing is drawn.

    Parameters
    ----------
    scores, labels
        Calibration samples; see `fit_cutoff`.
    loss : float
        Of accuracy, against decisions at full length; 0 to 1.
    epsilons : sequence of float
        To choose from.
    folds : int
        At least 2.
    confidence, temperature
        See `fit_cutoff`.
    min_samples : int
        Fewer are refused.

    Returns
    -------
    float or None
        The smallest of those that save the same; None if none keeps the loss: do not stop early.

    Raises
    ------
    HeteroError
        If scores, labels or a number are not valid.
    TooShortError
        If there are fewer than `min_samples` samples, or than folds.
    """
    seen = evidence(scores, confidence=confidence, temperature=temperature)
    wanted = check_labels(labels, seen, every=confidence != "gap")
    epsilons = checked_epsilons(epsilons)
    check_loss(loss)
    checks.whole("folds", folds, least=2, fix="use 5")
    checks.whole("min_samples", min_samples, least=1)
    if len(seen) < max(min_samples, folds):
        raise TooShortError(
            f"a cutoff needs at least {max(min_samples, folds)} calibration samples, got {len(seen)}",
            fix="hold back more",
            measure="cutoff",
            required=max(min_samples, folds),
        )
    fold = np.empty(len(seen), dtype=np.int64)
    fold[np.argsort(wanted, kind="stable")] = np.arange(len(seen)) % folds
    times = np.empty((len(epsilons), len(seen)), dtype=np.int64)
    for f in range(folds):
        out, rest = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        test = seen.take(out)
        for e, rule in enumerate(fit_cutoffs(seen.take(rest), wanted[rest], epsilons)):
            times[e, out] = rule.decide(test).times
    rows = np.arange(len(seen))
    accuracy = (seen.winner[rows, times - 1] == wanted).mean(axis=1)
    # One sample may always go: few of them cannot tell a smaller loss from none.
    kept = accuracy >= (seen.winner[:, -1] == wanted).mean() - max(loss, 1.0 / len(seen)) - 1e-12
    if not kept.any():
        return None
    return epsilons[int(np.argmin(np.where(kept, times.mean(axis=1), np.inf)))]


def measure_point(
    epsilon: float | None, times: Ints, seen: Evidence, labels: Ints, counts: Array | None
) -> CutoffPoint:
    rows = np.arange(len(seen))
    right = int((seen.winner[rows, times - 1] == labels).sum())
    low, high = wilson(right, len(seen))
    saved = None
    if counts is not None:
        total = float(counts[:, -1].sum())
        saved = 1.0 - float(counts[rows, times - 1].sum()) / total if total > 0 else math.nan
    return CutoffPoint(
        epsilon=epsilon,
        accuracy=right / len(seen),
        low=low,
        high=high,
        time=float(times.mean()),
        time_saved=1.0 - float(times.sum() / seen.length.sum()),
        spikes_saved=saved,
    )


def running_spikes(spikes: Sequence[ArrayLike], seen: Evidence) -> Array:
    """Running counts, shape (samples, steps); the last column holds the totals."""
    arrays = [checks.real_array(f"spikes of sample {i}", s, empty=True) for i, s in enumerate(listed(spikes, "spikes"))]
    if len(arrays) != len(seen):
        raise HeteroError(f"spikes must have one array a test sample ({len(seen)}), got {len(arrays)}: align them")
    out = np.zeros(seen.gap.shape)
    for i, s in enumerate(arrays):
        if s.shape != (seen.length[i],) or not (s >= 0).all() or not np.isfinite(s).all():
            raise HeteroError(
                f"spikes must be numbers >= 0, one for each of the {seen.length[i]} steps, got shape {s.shape} in "
                f"sample {i}: count the spikes of each step"
            )
        out[i, : len(s)] = s
    return out.cumsum(axis=1)


def checked_epsilons(epsilons: Any) -> tuple[float, ...]:
    """Ascending, each once."""
    if isinstance(epsilons, str | bytes) or not isinstance(epsilons, Iterable):
        raise HeteroError(f"epsilons must be a list of numbers, got {epsilons!r}", fix="use (0.01, 0.05)")
    epsilons = list(epsilons)
    if not epsilons:
        raise HeteroError("epsilons must hold at least one number, got none: leave it out for the default")
    for epsilon in epsilons:
        check_epsilon(epsilon)
    return tuple(sorted({float(e) for e in epsilons}))


def check_loss(loss: Any) -> None:
    number = isinstance(loss, numbers.Real) and not isinstance(loss, bool | np.bool_)
    if not (number and 0 <= loss <= 1):
        raise HeteroError(f"loss must be from 0 to 1, got {loss!r}: use 0.01 for one percentage point of accuracy")
