"""What forecasts and decisions are worth: errors, skill against a reference, prediction time, and worth per spike."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.labels import check_weights


def nrmse(target: ArrayLike, prediction: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Root mean square error in units of the target's standard deviation; the target's mean as prediction gives 1.

    With several channels, the root of the mean over channels of (mean square error / variance): every channel counts
    the same, whatever its unit.

    Parameters
    ----------
    target, prediction : array_like (samples,) or (samples, channels)
    sample_weight : array_like (samples,), optional
        How much each sample counts, in the error and in the variance: 2 as two samples, 0 as none.

    Returns
    -------
    float

    Raises
    ------
    HeteroError
        If the shapes differ, a number is not finite, a weight below 0, or a channel of the target does not vary.

    References
    ----------
    M. Lukoševičius, "A practical guide to applying echo state networks", in Neural Networks: Tricks of the Trade,
    Springer 2012.
    """
    y, p = _pair(target, prediction)
    if sample_weight is not None:
        w = check_weights(sample_weight, len(y))
        y, p, w = y[w > 0], p[w > 0], w[w > 0]
        _variance(y)  # refuses what does not vary
        variance = np.average((y - np.average(y, axis=0, weights=w)) ** 2, axis=0, weights=w)
        return math.sqrt(float((np.average((y - p) ** 2, axis=0, weights=w) / variance).mean()))
    return math.sqrt(float((((y - p) ** 2).mean(axis=0) / _variance(y)).mean()))


def skill(error: float, reference_error: float) -> float:
    """Skill score 1 - (error / reference_error)^2: 1 is perfect, 0 no better than the reference, below 0 worse.

    Parameters
    ----------
    error, reference_error : float
        Root mean square errors against the same target, both normalised or neither, e.g. `nrmse` of a forecast and
        of `persistence`.

    Returns
    -------
    float
        NaN if the reference makes no error: there is nothing to improve on.

    Raises
    ------
    HeteroError
        If an error is negative or not finite.

    References
    ----------
    A. H. Murphy, "Skill scores based on the mean square error and their relationships to the correlation
    coefficient", Monthly Weather Review 116, 1988.
    """
    _at_least_zero(error=error, reference_error=reference_error)
    return 1.0 - (error / reference_error) ** 2 if reference_error > 0 else math.nan


def persistence(series: ArrayLike, horizon: int) -> tuple[Array, Array]:
    """The forecast that nothing changes, with what it is to be compared with.

    Parameters
    ----------
    series : array_like (samples,) or (samples, channels)
    horizon : int
        Samples ahead, at least 1.

    Returns
    -------
    target, prediction : ndarray, shape (samples - horizon, ...)
        ``series[horizon:]`` and ``series[:-horizon]``: ``nrmse(*persistence(series, horizon))`` is its error.

    Raises
    ------
    HeteroError
        If `horizon` is not a whole number from 1 to below the number of samples, or a number is not finite.
    """
    x = _finite("series", series)
    fix = "look less far ahead or give a longer series"
    ahead = checks.whole("horizon", horizon, least=1, most=max(len(x) - 1, 1), fix=fix)
    if ahead >= len(x):
        raise HeteroError(f"a series must be longer than the horizon {ahead}, got {len(x)} sample(s)", fix=fix)
    return x[ahead:], x[:-ahead]


def valid_prediction_time(
    target: ArrayLike, prediction: ArrayLike, *, step: float, lyapunov: float, threshold: float = 0.4
) -> float:
    """How long a free-running forecast follows its target, in Lyapunov times.

    The time of the first sample whose error ||y - p|| / sqrt(<||y - <y>||^2>) exceeds `threshold`. The norm is over
    channels, <> is the mean over the samples given, so the unit of each channel matters.

    Parameters
    ----------
    target, prediction : array_like (samples,) or (samples, channels)
        The first sample lies one `step` after the last one that was known.
    step : float
        Model time between samples.
    lyapunov : float
        Largest Lyapunov exponent per unit of model time, e.g. ``LYAPUNOV["lorenz63"]``.
    threshold : float
        Larger than 0.

    Returns
    -------
    float
        ``k * step * lyapunov`` if k samples stay within the threshold before the first that does not. If all do, the
        length of the series: a lower bound. Predictions that are not finite count as failed.

    Raises
    ------
    HeteroError
        If the shapes differ, the target is not finite or does not vary, or a number is not larger than 0.

    References
    ----------
    J. Pathak, A. Wikner, R. Fussell, S. Chandra, B. R. Hunt, M. Girvan, E. Ott, "Hybrid forecasting of chaotic
    processes", Chaos 28:041101, 2018 (threshold 0.4; their norm is not about the mean). P. R. Vlachas et al.,
    "Backpropagation algorithms and reservoir computing in recurrent neural networks for the forecasting of complex
    spatiotemporal dynamics", Neural Networks 126, 2020 (about the mean, as here).
    """
    for name, value in (("step", step), ("lyapunov", lyapunov), ("threshold", threshold)):
        if not 0 < value < math.inf:
            raise HeteroError(f"{name} must be a finite number > 0, got {value!r}: give it in units of model time")
    p = checks.real_array("prediction", prediction, (1, 2))
    lost = ~np.isfinite(p)
    y, p = _pair(target, np.where(lost, 0.0, p))
    scale = math.sqrt(float(_variance(y, each=False).sum()))
    failed = np.linalg.norm(y - p, axis=1) > threshold * scale
    failed |= lost.reshape(len(lost), -1).any(axis=1)
    kept = int(np.argmax(failed)) if failed.any() else len(y)
    return kept * step * lyapunov


def task_efficiency(accuracy: float, nu: float) -> float:
    """Accuracy per spike that a neuron spends on an inference, accuracy / nu.

    Parameters
    ----------
    accuracy : float
        Share of right decisions, 0 to 1. Look at it too: chance bought with few spikes is efficient.
    nu : float
        Mean spikes per neuron per inference.

    Returns
    -------
    float
        NaN where `nu` is 0: a silent network decides nothing, and its ratio would be the largest of all.

    Raises
    ------
    HeteroError
        If `accuracy` is not in [0, 1], or `nu` negative or not finite.
    """
    if not 0 <= accuracy <= 1:
        raise HeteroError(f"accuracy must be from 0 to 1, got {accuracy!r}: give a share, not a percentage")
    _at_least_zero(nu=nu)
    return accuracy / nu if nu > 0 else math.nan


def forecast_efficiency(error: float, nu: float) -> float:
    """Precision per spike that a neuron spends on a forecast, 1 / (NRMSE nu).

    Parameters
    ----------
    error : float
        See `nrmse`.
    nu : float
        Mean spikes per neuron per forecast.

    Returns
    -------
    float
        NaN where `nu` is 0 (see `task_efficiency`); infinite for a forecast without any error.

    Raises
    ------
    HeteroError
        If a number is negative or not finite.
    """
    _at_least_zero(error=error, nu=nu)
    if nu == 0:
        return math.nan
    return 1.0 / (error * nu) if error > 0 else math.inf


def wilson(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share, after Wilson: sound near 0 and 1, where the plain one is not.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    interval = stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _pair(target: ArrayLike, prediction: ArrayLike) -> tuple[Array, Array]:
    """Both as (samples, channels)."""
    y, p = _finite("target", target), _finite("prediction", prediction)
    if y.shape != p.shape:
        raise HeteroError(f"target and prediction must have one shape, got {y.shape} and {p.shape}: align them first")
    return y.reshape(len(y), -1), p.reshape(len(p), -1)


def _finite(name: str, value: ArrayLike) -> Array:
    return checks.finite_array(name, value, (1, 2), axes=("sample", "channel"), fix="drop the samples")


def _variance(y: Array, *, each: bool = True) -> Array:
    """Variance of each channel; every one must vary, or with ``each=False`` at least one."""
    still = np.ptp(y, axis=0) == 0
    if still.all() or (each and still.any()):
        channel = int(np.argmax(still))
        raise HeteroError(
            f"target must vary to normalise an error, got {y[0, channel]:g} throughout in channel {channel}: drop it"
        )
    variance: Array = y.var(axis=0)
    return variance


def _at_least_zero(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0 <= value < math.inf:
            raise HeteroError(f"{name} must be a finite number >= 0, got {value!r}: look where it was computed")
