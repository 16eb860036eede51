"""What an estimator achieved on a task, and how many spikes it paid: always in one place."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.measures.scores import forecast_efficiency, skill, task_efficiency, wilson


@dataclass(frozen=True)
class ClassificationReport:
    """Accuracy and spikes of a classifier on a set of samples.

    Attributes
    ----------
    accuracy, low, high : float
        With the 95 % (Wilson) interval over samples: the choice of the network is not in it.
    n : int
        Samples.
    chance : float
        Share of the most frequent class.
    spikes : float
        Spikes of the whole network per inference (one sample).
    nu : float
        Mean spikes per neuron per inference.
    rate_hz : float
    efficiency : float
        accuracy / nu, NaN for a silent network.
    confusion : ndarray of int, shape (classes, classes)
        Rows are the true classes.
    classes : tuple
    operations : float
        Synaptic operations of the network per inference: its spikes times their fan-out. NaN where they were not
        counted, as in files from before they were.
    """

    accuracy: float
    low: float
    high: float
    n: int
    chance: float
    spikes: float
    nu: float
    rate_hz: float
    efficiency: float
    confusion: Ints
    classes: tuple[Any, ...]
    operations: float = math.nan

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.4g} [{self.low:.3f}, {self.high:.3f}] on {self.n} samples (most frequent class "
            f"{self.chance:.2f}), {self.spikes:.4g} spikes per inference (nu = {self.nu:.3g} a neuron, "
            f"{self.rate_hz:.3g} Hz){_operations(self.operations)}, efficiency {_number(self.efficiency)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "confusion": self.confusion.tolist()}


def classification_report(
    truth: Any,
    decided: Any,
    classes: Any,
    spikes: Array,
    neurons: int,
    seconds: float,
    operations: Array | None = None,
) -> ClassificationReport:
    """Count.

    `spikes` holds the mean spikes of a neuron in each sample, `operations` the synaptic operations of the network,
    `seconds` is the simulated time of all.
    """
    from sklearn.metrics import confusion_matrix

    matrix = np.asarray(confusion_matrix(truth, decided, labels=list(classes)), dtype=np.int64)
    n, right = len(truth), int(np.sum(np.asarray(truth) == np.asarray(decided)))
    low, high = wilson(right, n)
    nu = float(spikes.mean())
    return ClassificationReport(
        accuracy=right / n,
        low=low,
        high=high,
        n=n,
        chance=float(np.unique(truth, return_counts=True)[1].max()) / n,
        spikes=nu * neurons,
        nu=nu,
        rate_hz=float(spikes.sum()) / seconds,
        efficiency=task_efficiency(right / n, nu),
        confusion=matrix,
        classes=tuple(np.asarray(classes).tolist()),
        operations=math.nan if operations is None else float(operations.mean()),
    )


@dataclass(frozen=True)
class ForecastReport:
    """Error and spikes of a forecaster on a set of series.

    Attributes
    ----------
    horizon : int
        Samples ahead.
    nrmse : float
        Over all series; see `scores.nrmse`.
    persistence, linear : float
        NRMSE of the forecast that nothing changes (NaN if the target is no input) and of a linear autoregression on
        the same input, over the same samples.
    skill, linear_skill : float
        Against persistence, of the network and of the linear model; see `scores.skill`.
    n : int
        Forecasts.
    spikes, nu, rate_hz : float
        Spikes of the network, and of one neuron, per forecast (one sample); mean rate.
    efficiency : float
        1 / (NRMSE * nu).
    lags : int
        Past samples that the linear model sees.
    operations : float
        Synaptic operations of the network per forecast, as in `ClassificationReport`.
    """

    horizon: int
    nrmse: float
    persistence: float
    linear: float
    skill: float
    linear_skill: float
    n: int
    spikes: float
    nu: float
    rate_hz: float
    efficiency: float
    lags: int
    operations: float = math.nan

    def __str__(self) -> str:
        return (
            f"NRMSE {self.nrmse:.3g} at {self.horizon} samples ahead (persistence {_number(self.persistence)}, "
            f"linear on {self.lags} lags {self.linear:.3g}), skill {_number(self.skill)} "
            f"(linear {_number(self.linear_skill)}), {self.spikes:.4g} spikes per forecast "
            f"(nu = {self.nu:.3g} a neuron, {self.rate_hz:.3g} Hz){_operations(self.operations)}, "
            f"efficiency {_number(self.efficiency)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def forecast_report(
    horizon: int, error: float, kept: float, linear: float, n: int, nu: float, neurons: int, hold: float, lags: int,
    operations: float = math.nan,
) -> ForecastReport:  # fmt: skip
    """Put the errors of network, persistence (`kept`) and linear model together with the spikes; `hold` in ms."""
    return ForecastReport(
        horizon=horizon,
        nrmse=error,
        persistence=kept,
        linear=linear,
        skill=math.nan if math.isnan(kept) else skill(error, kept),
        linear_skill=math.nan if math.isnan(kept) else skill(linear, kept),
        n=n,
        spikes=nu * neurons,
        nu=nu,
        rate_hz=nu / (hold / 1e3),
        efficiency=forecast_efficiency(error, nu),
        lags=lags,
        operations=operations,
    )


def _operations(count: float) -> str:
    return "" if math.isnan(count) else f", {count:.4g} synaptic operations"


def _number(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3g}"
