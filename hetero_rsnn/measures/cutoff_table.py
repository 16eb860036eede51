"""One table of all ways to stop early: fixed time, gap, probability, conformal sets, and the bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.types import Ints
from hetero_rsnn.measures.conformal import ConformalRule, fit_conformal
from hetero_rsnn.measures.cutoff import (
    CONFIDENCES,
    MIN_CALIBRATION,
    Evidence,
    check_labels,
    evidence,
    fit_cutoffs,
    optimal_cutoff_time,
)
from hetero_rsnn.measures.cutoff_curve import (
    EPSILONS,
    CutoffPoint,
    check_loss,
    choose_epsilon,
    measure_point,
    running_spikes,
)
from hetero_rsnn.measures.probabilities import checked_scores
from hetero_rsnn.measures.scores import wilson

#: How the rows are called where people read them.
RULES = {
    "full": "full length",
    "fixed": "fixed time",
    "gap": "Top-K gap",
    "probability": "softmax confidence",
    "conformal": "conformal sets",
    "bound": "optimal (OCT)",
}


@dataclass(frozen=True)
class CutoffRow:
    """One way to stop, on the test samples.

    Attributes
    ----------
    rule : str
        ``"full"``: all steps. ``"fixed"``: all samples at one step. ``"gap"`` and ``"probability"``: see `fit_cutoff`.
        ``"conformal"``: see `fit_conformal`. ``"bound"``: the optimal cutoff time, which needs the labels.
    setting : str
        What was chosen on calibration samples, such as ``"epsilon = 0.05"``; empty where nothing was.
    accuracy, low, high : float
        Share of right decisions, and its 95 % interval (Wilson).
    time : float
        Mean steps used.
    factor : float
        Mean steps of the samples at full length, divided by `time`.
    behind : float
        Mean steps used beyond those of the optimal cutoff time; negative for a rule that gives up right decisions.
    spikes_saved : float or None
        Share of all spikes that came after the decisions; None without spikes.
    coverage, coverage_low, coverage_high : float or None
        Share of the sets at the stop that hold the label, and its interval; None for rules without sets.
    """

    rule: str
    setting: str
    accuracy: float
    low: float
    high: float
    time: float
    factor: float
    behind: float
    spikes_saved: float | None
    coverage: float | None = None
    coverage_low: float | None = None
    coverage_high: float | None = None


@dataclass(frozen=True)
class CutoffTable:
    """All ways to stop early, side by side.

    Attributes
    ----------
    rows : tuple of CutoffRow
        ``table["gap"]`` is the row of that rule.
    loss : float
        Loss of accuracy allowed on calibration samples, to the fixed time, the gap and the probability.
    alpha : float or None
        The share of sets that may lack the label; None without conformal sets.
    temperature : float
    n_calibration, n_test : int
    """

    rows: tuple[CutoffRow, ...]
    loss: float
    alpha: float | None
    temperature: float
    n_calibration: int
    n_test: int

    def __getitem__(self, rule: str) -> CutoffRow:
        for row in self.rows:
            if row.rule == rule:
                return row
        raise HeteroError(f"no rule {rule!r} in this table{suggest(str(rule), [r.rule for r in self.rows])}")

    def __str__(self) -> str:
        return str(self._table())

    def _repr_html_(self) -> str:
        return self._table().html()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def _table(self) -> TextTable:
        spikes = any(r.spikes_saved is not None for r in self.rows)
        sets = any(r.coverage is not None for r in self.rows)
        headings = ["rule", "setting", "accuracy", "mean steps", "fewer steps", "behind OCT"]
        headings += ["spikes saved"] * spikes + ["coverage"] * sets
        lines = []
        for r in self.rows:
            line = [
                RULES[r.rule], r.setting, _share(r.accuracy, r.low, r.high), f"{r.time:.2f}", f"x {r.factor:.2f}",
                f"{r.behind:+.2f}",
            ]  # fmt: skip
            line += [_saved(r.spikes_saved)] * spikes + [_share(r.coverage, r.coverage_low, r.coverage_high)] * sets
            lines.append(line)
        title = (
            f"deciding early: settings chosen on {self.n_calibration} calibration samples for a loss of at most "
            f"{100 * self.loss:g} points, {self.n_test} test samples; share [95 % interval]"
        )
        return TextTable(title, headings, lines)


def compare_cutoffs(
    calibration_scores: Sequence[ArrayLike],
    calibration_labels: ArrayLike,
    scores: Sequence[ArrayLike],
    labels: ArrayLike,
    *,
    spikes: Sequence[ArrayLike] | None = None,
    loss: float = 0.005,
    alpha: float | None = 0.1,
    checkpoints: ArrayLike | None = None,
    most: int = 1,
    temperature: float = 1.0,
    epsilons: Sequence[float] = EPSILONS,
    min_samples: int = MIN_CALIBRATION,
) -> CutoffTable:
    """Every way to stop early: chosen on calibration samples, measured on test samples.

    Parameters
    ----------
    calibration_scores, scores : sequence of array_like (steps, classes)
        See `fit_cutoff`; of samples that the readout was not trained on, and no sample in both.
    calibration_labels, labels : array_like of int (samples,)
        Each class of the scores must be among those of the calibration.
    spikes : sequence of array_like (steps,), optional
        Spikes of the network in each step of each test sample.
    loss : float
        Loss of accuracy, or of one calibration sample, allowed when the fixed time and each epsilon are chosen.
    alpha, checkpoints, most
        Of the conformal sets: see `fit_conformal`. They have no `loss`: alpha rules them. ``alpha=None`` leaves them
        out.
    temperature : float
        Of the softmax of probabilities and sets, see `hetero_rsnn.measures.probabilities.fit_temperature`.
    epsilons : sequence of float
        To choose from, for each kind of evidence anew.
    min_samples : int
        Fewer calibration samples are refused.

    Returns
    -------
    CutoffTable
        Rows ``full``, ``fixed``, ``gap``, ``probability``, ``conformal``, ``bound``. A rule of which no epsilon keeps
        the loss stops nobody early.

    Raises
    ------
    HeteroError
        If scores, labels, spikes or a number are not valid, or a class is missing in the calibration.
    TooShortError
        If there are too few calibration samples.

    References
    ----------
    See `optimal_cutoff_time` and `fit_conformal`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(400) % 2
    >>> scores = np.cumsum(rng.normal(size=(400, 10, 2)) + np.eye(2)[y][:, None], axis=1)
    >>> table = compare_cutoffs(scores[:200], y[:200], scores[200:], y[200:], loss=0.02)
    >>> table["full"].factor, table["bound"].behind
    (1.0, 0.0)
    >>> table["gap"].factor > 1.2 and table["conformal"].coverage > 0.85
    True
    """
    known, arrays = checked_scores(calibration_scores), checked_scores(scores)
    calibration, seen = evidence(known), evidence(arrays)
    wanted_known = check_labels(calibration_labels, calibration, every=True)
    wanted = check_labels(labels, seen)
    check_loss(loss)
    counts = None if spikes is None else running_spikes(spikes, seen)
    best = optimal_cutoff_time(seen, wanted)

    def row(rule: str, setting: str, times: Ints, coverage: float | None = None) -> CutoffRow:
        return _row(rule, setting, measure_point(None, times, seen, wanted, counts), seen, best, coverage)

    rows = [row("full", "", seen.length)]
    step = _earliest(calibration, wanted_known, loss)
    rows.append(row("fixed", f"step {step}", np.minimum(step, seen.length)))
    for confidence in CONFIDENCES:
        kind: dict[str, Any] = {"confidence": confidence, "temperature": temperature}
        there = evidence(known, **kind)
        epsilon = choose_epsilon(there, wanted_known, loss=loss, epsilons=epsilons, min_samples=min_samples, **kind)
        if epsilon is None:
            rows.append(row(confidence, "no early stop", seen.length))
            continue
        (rule,) = fit_cutoffs(there, wanted_known, [epsilon])
        rows.append(row(confidence, f"epsilon = {epsilon:g}", rule.decide(arrays).times))
    fitted: ConformalRule | None = None
    if alpha is not None:
        fitted = fit_conformal(
            known, wanted_known, alpha, checkpoints=checkpoints, most=most, temperature=temperature
        )  # fmt: skip
        steps = ", ".join(map(str, fitted.checkpoints))
        covered = fitted.coverage(arrays, wanted)
        rows.append(row("conformal", f"alpha = {fitted.alpha:g} at {steps}", fitted.decide(arrays).times, covered))
    rows.append(row("bound", "", best))
    return CutoffTable(
        rows=tuple(rows),
        loss=float(loss),
        alpha=None if fitted is None else fitted.alpha,
        temperature=float(temperature),
        n_calibration=len(calibration),
        n_test=len(seen),
    )


def _earliest(seen: Evidence, labels: Ints, loss: float) -> int:
    """The first step at which stopping all samples keeps the loss; as everywhere, one sample may always go."""
    right = (seen.winner == labels[:, None]).mean(axis=0)  # beyond its end, a sample keeps its winner
    return int(np.argmax(right >= right[-1] - max(loss, 1.0 / len(seen)) - 1e-12)) + 1


def _row(
    rule: str, setting: str, point: CutoffPoint, seen: Evidence, best: Ints, coverage: float | None
) -> CutoffRow:  # fmt: skip
    low, high = (None, None) if coverage is None else wilson(round(coverage * len(seen)), len(seen))
    return CutoffRow(
        rule=rule,
        setting=setting,
        accuracy=point.accuracy,
        low=point.low,
        high=point.high,
        time=point.time,
        factor=float(seen.length.mean()) / point.time,
        behind=point.time - float(best.mean()),
        spikes_saved=point.spikes_saved,
        coverage=coverage,
        coverage_low=low,
        coverage_high=high,
    )


def _share(value: float | None, low: float | None, high: float | None) -> str:
    return "" if value is None else f"{value:.4f} [{low:.4f}, {high:.4f}]"


def _saved(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.1%}"
