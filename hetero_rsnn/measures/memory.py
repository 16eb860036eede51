"""Memory capacity: how many past inputs a linear readout can tell from the present state.

Works for any reservoir: it takes a table of states and the input that drove them, nothing else.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from hetero_rsnn.common.errors import HeteroError, TooShortError

Array = NDArray[np.float64]

#: Ridge strengths that are tried: penalty per training row, for features of unit variance. Half-decade steps.
RIDGES: tuple[float, ...] = tuple(float(r) for r in np.logspace(-10, 2, 25))
#: Smallest test block, in rows, that a squared correlation is trusted from.
MIN_BLOCK = 50


@dataclass(frozen=True, eq=False, repr=False)
class MemoryCapacity:
    """A memory capacity with its curve and its uncertainty; what `memory_capacity` returns.

    Attributes
    ----------
    total : float
        C, the sum of `curve`. Unbiased at 0, so that it may come out slightly negative for a state without memory.
    stderr : float
        Standard error of `total`, from the spread of `fold_totals`.
    curve, curve_stderr : ndarray (d_max,)
        Chance-corrected C_d for d = 1 .. d_max, and its standard error.
    fold_totals : ndarray (n_blocks,)
        Capacity found in each test block; `total` is their mean.
    chance : float
        What was subtracted from each C_d, on average over blocks and delays.
    ridge : ndarray (d_max,)
        Chosen ridge strength per training row, geometric mean over blocks.
    n_samples, n_features, n_blocks, d_max : int
        Rows used (after washout), features that are not constant, test blocks, largest delay.
    """

    total: float
    stderr: float
    curve: Array
    curve_stderr: Array
    fold_totals: Array
    chance: float
    ridge: Array
    n_samples: int
    n_features: int
    n_blocks: int
    d_max: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of `total`, from Student's t with n_blocks - 1 degrees of freedom."""
        half = float(special.stdtrit(self.n_blocks - 1, 0.975)) * self.stderr
        return self.total - half, self.total + half

    def __repr__(self) -> str:
        return (
            f"C = {self.total:.2f} ± {self.stderr:.2f} s.e. "
            f"({self.d_max} delays, {self.n_samples} samples, {self.n_blocks} blocks)"
        )


def memory_capacity(
    states: ArrayLike,
    u: ArrayLike,
    *,
    d_max: int,
    washout: int = 0,
    n_blocks: int = 5,
    gap: int | None = None,
    ridges: ArrayLike | None = None,
    min_ratio: float = 3.0,
) -> MemoryCapacity:
    """Estimate the linear memory capacity of a reservoir driven by an independent, identically distributed input.

    For each delay d a ridge regression of the state x(k) is trained to give u(k-d); C_d is the squared correlation
    of the two on samples that were not trained on, minus what chance gives, and C the sum over d = 1 .. d_max.

    Parameters
    ----------
    states : array_like (samples, features)
        State of the reservoir after input sample k, one row a sample.
    u : array_like (samples,)
        Input. Its samples must be independent: a reservoir without memory "remembers" a correlated input (see Warns).
    d_max : int
        Largest delay, in samples.
    washout : int
        Rows left out at the start. Rows before `d_max` are always left out: all delays are read from the same rows.
    n_blocks : int
        Contiguous blocks of the cross-validation.
    gap : int, optional
        Rows left out of the training on both sides of a test block; default `d_max`.
    ridges : array_like (strengths,), optional
        Ridge strengths to choose from, > 0, as penalty per training row for features of unit variance;
        default `RIDGES`, 1e-10 .. 100.
    min_ratio : float
        Training rows required for each feature that is not constant.

    Returns
    -------
    MemoryCapacity

    Raises
    ------
    HeteroError
        If the arrays do not fit, hold NaN or infinity, or an option breaks its rule.
    TooShortError
        If the smallest training part has fewer than `min_ratio` rows a feature, or a test block fewer than
        max(50, d_max) rows. It carries the `estimate` (None if there is none at all) and the `required` number of
        samples. A longer series may wake silent features, and then needs more.

    Warns
    -----
    UserWarning
        If neighbouring samples of `u` correlate: by more than 0.1 and by more than 5 / sqrt(samples), which independent
        samples do not reach by chance.

    Notes
    -----
    *Chance.* Finitely many samples correlate by accident: for an independent input E[r^2] = 1/(n_test - 1) exactly,
    whatever the prediction. Summed over many delays this is memory where there is none (Dambre et al. set small terms
    to zero instead); r^2 on the training rows is worse by a factor of the number of features. A perfect C_d reads
    1 - chance. A constant prediction (silent network) has r^2 = 0 without any chance, and nothing is subtracted.

    *Contiguous blocks.* Neighbouring rows hold the same inputs, so randomly chosen test rows would be known from
    their neighbours. Blocks with a gap of `d_max` share no target with the training part.

    *Bias.* A finite training part underestimates C, and `stderr` does not contain this. Measured at 3, 5 and 10
    training rows a feature: -12, -8 and -5 % for a noise-free linear reservoir (N = 50, C = 49, d_max = 100), -32, -24
    and -17 % for a very noisy one (N = 100, C = 3, d_max = 60). Compare networks at equal features and samples.

    *Standard error.* Blocks lend each other training rows, so their totals correlate, and no unbiased estimate of
    their spread exists (Bengio & Grandvalet). Without memory `stderr` is too small by a factor of 1.15 with 5 blocks,
    1.06 with 10 and 2.5 with 2; with memory it was within 10 %. Compare networks over independent seeds.

    *Ridge.* Chosen for each block and delay inside the training part by generalised cross-validation (Golub et al.).
    Memory in amplitudes below about 1e-5 of a feature's standard deviation is not resolved (measured). Noise-free
    linear reservoirs may hide some there: they need other methods (Ballarin et al.).

    References
    ----------
    H. Jaeger, "Short term memory in echo state networks", GMD report 152, 2001.
    J. Dambre, D. Verstraeten, B. Schrauwen, S. Massar, "Information processing capacity of dynamical systems",
    Scientific Reports 2:514, 2012 (finite-sample bias: supplementary material).
    Y. Bengio, Y. Grandvalet, "No unbiased estimator of the variance of k-fold cross-validation", JMLR 5, 2004.
    G. H. Golub, M. Heath, G. Wahba, "Generalized cross-validation as a method for choosing a good ridge parameter",
    Technometrics 21, 1979.
    G. Ballarin, L. Grigoryeva, J.-P. Ortega, "Memory of recurrent networks: do we compute it right?",
    arXiv:2305.01457.

    Examples
    --------
    >>> u = np.random.default_rng(1).uniform(-1, 1, 2000)
    >>> line = np.stack([np.roll(u, d) for d in (1, 2, 3)], axis=1)
    >>> memory_capacity(line, u, d_max=10)
    C = 2.99 ± 0.00 s.e. (10 delays, 1990 samples, 5 blocks)
    """
    result = _measure(states, u, d_max, washout, n_blocks, gap, ridges, min_ratio)
    inputs = np.asarray(u, dtype=np.float64)[washout:]
    r = _neighbours_correlate(inputs)
    if abs(r) > max(0.1, 5.0 / math.sqrt(len(inputs))):  # five standard errors: not by chance
        warnings.warn(
            f"C is defined for independent samples; the input's neighbours correlate at {r:.2f}, so that a network "
            "without memory seems to remember: use uniform_stimulus, or a task",
            UserWarning,
            stacklevel=2,
        )
    return result


def _measure(
    states: ArrayLike,
    u: ArrayLike,
    d_max: int,
    washout: int,
    n_blocks: int,
    gap: int | None,
    ridges: ArrayLike | None,
    min_ratio: float,
    kept: list[Array] | None = None,
) -> MemoryCapacity:
    """See `memory_capacity`; the weights of each block (features that vary, delays) are added to `kept`."""
    d_max = _whole("d_max", d_max, 1)
    washout = _whole("washout", washout, 0)
    n_blocks = _whole("n_blocks", n_blocks, 2)
    gap = d_max if gap is None else _whole("gap", gap, 0)
    x, inputs = _finite("states", states, 2), _finite("u", u, 1)
    strengths = np.array(RIDGES) if ridges is None else _finite("ridges", ridges, 1)
    if strengths.size == 0 or strengths.min() <= 0:
        raise HeteroError(f"ridges must be one or more numbers > 0, got {strengths.tolist()}: for almost none, 1e-12")
    if not 0 <= min_ratio < math.inf:
        raise HeteroError(f"min_ratio must be >= 0 and finite, got {min_ratio}: use 3 training rows a feature, or more")
    if len(x) != len(inputs):
        raise HeteroError(f"states and u must be equally long, got {len(x)} and {len(inputs)}: give one row a sample")
    start = max(washout, d_max)
    targets = _targets(inputs, start, d_max)

    features = _standardise(x[start:])
    n_rows, n_features = features.shape
    # The training part loses its test block and, between blocks, a gap on both sides.
    train_rows = max(math.ceil(min_ratio * n_features), 3)
    lost = gap if n_blocks == 2 else 2 * gap
    rows = max(-(-(train_rows + lost) * n_blocks // (n_blocks - 1)), n_blocks * max(MIN_BLOCK, d_max))
    enough = len(x) >= start + rows

    estimate = None
    folds = [(a, b, max(a - gap, 0), min(b + gap, n_rows)) for a, b in _blocks(n_rows, n_blocks)]
    # With three rows a correlation exists; with two it is always 1.
    if all(b - a >= 3 and n_rows - (hi - lo) >= 3 for a, b, lo, hi in folds):
        estimate = _cross_validate(features, np.ascontiguousarray(targets), folds, strengths, kept)
    if enough and estimate is not None:
        return estimate
    raise TooShortError(
        f"memory_capacity needs at least {start + rows} samples, got {len(x)} ({n_features} features, d_max {d_max}, "
        f"washout {washout}, {n_blocks} blocks, gap {gap}); untrustworthy estimate: {estimate or 'none'}; "
        "record longer, read fewer features or lower d_max",
        estimate=estimate,
        required=start + rows,
    )


def _neighbours_correlate(u: Array) -> float:
    """Lag-1 autocorrelation of an input that varies; 0 where it hardly does."""
    z = _standardise(u[:, None])
    return float(z[1:, 0] @ z[:-1, 0]) / len(z) if z.size else 0.0


def _targets(u: Array, start: int, d_max: int) -> Array:
    """The d_max inputs before each row from `start` on, the latest first, as a view of mean 0 and variance 1."""
    past = u[start - d_max : -1]  # all that a target is ever taken from
    source = _standardise(past[:, None])
    if past.size > 1 and not source.size:
        raise HeteroError(f"u must vary, got {past[0]:g} throughout: drive the reservoir with a random input")
    if past.size < d_max or not source.size:  # too short for any row
        return np.empty((0, d_max))
    return np.lib.stride_tricks.sliding_window_view(source[:, 0], d_max)[:, ::-1]


def _blocks(n_rows: int, n_blocks: int) -> list[tuple[int, int]]:
    """Contiguous test blocks of almost equal length."""
    return list(pairwise(n_rows * i // n_blocks for i in range(n_blocks + 1)))


#: Numbers that the sums kept for several folds may take in all (400 MB).
_SHARED_SUMS = 50_000_000


def _cross_validate(
    x: Array, y: Array, folds: list[tuple[int, int, int, int]], strengths: Array, kept: list[Array] | None
) -> MemoryCapacity:
    """Capacity of `x` (rows, features) for targets `y` (rows, delays); folds bound test rows and rows left out."""
    # Folds overlap in the gaps: every stretch between two borders is summed once, and serves all folds.
    borders = sorted({border for fold in folds for border in fold})
    if len(borders) * x.shape[1] ** 2 > _SHARED_SUMS:  # too large to keep: only the whole, and each part when needed
        borders = [0, len(x)]
    stretches = {pair: _moments(x[slice(*pair)], y[slice(*pair)]) for pair in pairwise(borders)}
    all_sums = _total(stretches.values())
    scores, chances, chosen = (np.zeros((len(folds), y.shape[1])) for _ in range(3))
    for f, (a, b, lo, hi) in enumerate(folds):
        # What is left out is less than what stays: subtracting it is cheaper than summing the training part.
        n = len(x) - (hi - lo)
        inside = [sums for (start, stop), sums in stretches.items() if lo <= start and stop <= hi]
        left_out = _total(inside) if len(borders) > 2 else _moments(x[lo:hi], y[lo:hi])
        gram, cross, power, x_sum, y_sum = (total - part for total, part in zip(all_sums, left_out, strict=True))
        gram -= np.outer(x_sum, x_sum) / n  # centring is the intercept
        cross -= np.outer(x_sum, y_sum) / n
        power -= y_sum**2 / n
        weights, best = _ridge(gram, cross, np.maximum(power, 0.0), n, strengths)
        scores[f], chances[f] = _score(x[a:b], y[a:b], weights)
        chosen[f] = strengths[best]
        if kept is not None:
            kept.append(weights)
    return _summarise(scores, chances, chosen, x.shape)


def _summarise(scores: Array, chances: Array, chosen: Array, shape: tuple[int, ...]) -> MemoryCapacity:
    """Capacity from what each block and delay gave, (blocks, delays), with `shape` (rows, features)."""
    corrected = scores - chances
    totals, root = corrected.sum(axis=1), math.sqrt(len(scores))
    return MemoryCapacity(
        total=float(totals.mean()),
        stderr=float(totals.std(ddof=1)) / root,
        curve=corrected.mean(axis=0),
        curve_stderr=corrected.std(axis=0, ddof=1) / root,
        fold_totals=totals,
        chance=float(chances.mean()),
        ridge=np.exp(np.log(chosen).mean(axis=0)),
        n_samples=shape[0],
        n_features=shape[1],
        n_blocks=scores.shape[0],
        d_max=scores.shape[1],
    )


def _total(parts: Iterable[tuple[Array, ...]]) -> tuple[Array, ...]:
    """Sum of moments, quantity by quantity."""
    return tuple(reduce(np.add, same) for same in zip(*parts, strict=True))


def _moments(x: Array, y: Array) -> tuple[Array, Array, Array, Array, Array]:
    return x.T @ x, x.T @ y, np.einsum("kd,kd->d", y, y), x.sum(axis=0), y.sum(axis=0)


def _ridge(gram: Array, cross: Array, power: Array, n: int, strengths: Array) -> tuple[Array, NDArray[np.intp]]:
    """Weights (features, delays) at the strength of least generalised cross-validation error, and its index.

    One eigendecomposition serves all delays and strengths: with a target's energy `fitted` along each eigenvector,
    the residual sum of squares and the degrees of freedom are sums over eigenvalues.
    """
    values, vectors = np.linalg.eigh(gram)
    # Directions that the rounding of the sums can fill carry no information: neurons silent in all of the training.
    keep = values > 10 * max(len(values), math.sqrt(n)) * np.finfo(float).eps * values.max(initial=0.0)
    values, vectors = values[keep], vectors[:, keep]
    along = vectors.T @ cross
    fitted = along**2 / values[:, None]
    shrunk = n * strengths[:, None] / (values + n * strengths[:, None])  # share of each direction that is NOT fitted
    residual = np.maximum(power - fitted.sum(axis=0), 0.0) + shrunk**2 @ fitted
    dof_left = n - 1 - len(values) + shrunk.sum(axis=1)
    # Below one degree of freedom the fit interpolates, and its criterion is 0/0. Such strengths are not eligible.
    eligible = dof_left >= 1.0
    gcv = np.where(eligible[:, None], residual / np.maximum(dof_left, 1.0)[:, None] ** 2, np.inf)
    best = np.argmin(gcv, axis=0) if eligible.any() else np.full(cross.shape[1], np.argmax(strengths))
    return vectors @ (along / (values[:, None] + n * strengths[best])), best


def _score(x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
    """Squared correlation of prediction and target for each delay, and what chance gives."""
    prediction, y = x @ weights, y - y.mean(axis=0)
    prediction -= prediction.mean(axis=0)
    vp, vy = np.einsum("kd,kd->d", prediction, prediction), np.einsum("kd,kd->d", y, y)
    # A prediction of rounding errors alone (the features stand still in this block) is a constant.
    floor = len(x) * 1e-24
    varies = (vp > floor * np.abs(weights).sum(axis=0) ** 2) & (vy > floor)
    r2 = np.einsum("kd,kd->d", prediction, y) ** 2 / np.where(varies, vp * vy, 1.0)
    return np.where(varies, r2, 0.0), np.where(varies, 1.0 / (len(x) - 1), 0.0)


def _standardise(x: Array) -> Array:
    """Features with mean 0 and variance 1, without those that do not change."""
    if not len(x):
        return x
    varies = _varies(x)
    # An exact difference: a large common offset costs no digits in the mean.
    x = x - x[0] if varies.all() else x[:, varies] - x[0, varies]
    x /= np.maximum(x.max(axis=0), -x.min(axis=0))
    x -= x.mean(axis=0)
    x /= np.sqrt(np.einsum("kd,kd->d", x, x) / len(x))
    return x


def _varies(x: Array) -> NDArray[np.bool_]:
    """Which features change."""
    low, high = x.min(axis=0), x.max(axis=0)
    return np.asarray(high - low > 1e-12 * np.maximum(np.abs(low), np.abs(high)))


def _whole(name: str, value: Any, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise HeteroError(f"{name} must be a whole number >= {least}, got {value!r}: use {least} or more")
    return number


def _finite(name: str, value: ArrayLike, ndim: int) -> Array:
    raw = np.asarray(value)
    if raw.ndim != ndim:
        raise HeteroError(f"{name} must have {ndim} dimension(s), samples first, got shape {raw.shape}: reshape it")
    if raw.dtype.kind not in "biuf":
        raise HeteroError(f"{name} must be real numbers, got an array of {raw.dtype}: convert it to float")
    array = raw.astype(np.float64, copy=False)
    with np.errstate(all="ignore"):
        proven = math.isfinite(array.sum())  # cheaper than a look at every number
    if not proven and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        where = tuple(bad[0].tolist())
        raise HeteroError(
            f"{name} must be finite, got {array[where]} at index {where} and {len(bad)} such values in all: "
            "drop the samples, or look where the simulation diverged"
        )
    return array
