"""The arithmetic of a capacity: ridge regression over contiguous blocks, with all delays and strengths at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Bools

#: Ridge strengths that are tried: penalty per training row, for features of unit variance. Half-decade steps.
RIDGES: tuple[float, ...] = tuple(float(r) for r in np.logspace(-10, 2, 25))
#: Smallest test block, in rows, that a squared correlation is trusted from.
MIN_BLOCK = 50
#: Numbers that the sums kept for several folds may take in all (400 MB).
_SHARED_SUMS = 50_000_000


@dataclass(frozen=True, eq=False)
class Blocks:
    """What the readouts of each block gave.

    Attributes
    ----------
    scores, chances, strengths : ndarray, shape (blocks, delays)
        Squared correlations on the block, what chance gives, and the chosen ridge strengths.
    weights : tuple of ndarray, shape (features, delays)
        For each block, which it was not trained on.
    """

    scores: Array
    chances: Array
    strengths: Array
    weights: tuple[Array, ...]


def delayed(u: Array, start: int, d_max: int) -> Array:
    """The d_max inputs before each row from `start` on, the latest first, as a view of mean 0 and variance 1."""
    past = u[start - d_max : -1]  # all that a target is ever taken from
    source = standardise(past[:, None])
    if past.size > 1 and not source.size:
        raise HeteroError(f"u must vary, got {past[0]:g} throughout: drive the reservoir with a random input")
    if past.size < d_max or not source.size:  # too short for any row
        return np.empty((0, d_max))
    return np.lib.stride_tricks.sliding_window_view(source[:, 0], d_max)[:, ::-1]


def block_edges(n_rows: int, n_blocks: int) -> list[tuple[int, int]]:
    """Contiguous test blocks of almost equal length."""
    return list(pairwise(n_rows * i // n_blocks for i in range(n_blocks + 1)))


def needed_samples(start: int, training: int, n_blocks: int, gap: int, longest: int) -> int:
    """Samples of which so many rows are left to train on, and as many to test on as the longest delay asks for."""
    lost = gap if n_blocks == 2 else 2 * gap  # beside its test block: between blocks there is a gap on both sides
    return start + max(-(-(training + lost) * n_blocks // (n_blocks - 1)), n_blocks * max(MIN_BLOCK, longest))


def cross_validate(x: Array, y: Array, folds: list[tuple[int, int, int, int]], strengths: Array) -> Blocks:
    """Readouts of `x` (rows, features) for targets `y` (rows, delays); folds bound test rows and rows left out."""
    # Folds overlap in the gaps: every stretch between two borders is summed once, and serves all folds.
    borders = sorted({border for fold in folds for border in fold})
    if len(borders) * x.shape[1] ** 2 > _SHARED_SUMS:  # too large to keep: only the whole, and each part when needed
        borders = [0, len(x)]
    stretches = {pair: _moments(x[slice(*pair)], y[slice(*pair)]) for pair in pairwise(borders)}
    all_sums = _total(stretches.values())
    scores, chances, chosen = (np.zeros((len(folds), y.shape[1])) for _ in range(3))
    kept = []
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
        scores[f], chances[f] = score(x[a:b], y[a:b], weights)
        chosen[f] = strengths[best]
        kept.append(weights)
    return Blocks(scores, chances, chosen, tuple(kept))


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


def score(x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
    """Squared correlation of prediction and target for each delay, and what chance gives."""
    prediction, y = x @ weights, y - y.mean(axis=0)
    prediction -= prediction.mean(axis=0)
    vp, vy = np.einsum("kd,kd->d", prediction, prediction), np.einsum("kd,kd->d", y, y)
    # A prediction of rounding errors alone (the features stand still in this block) is a constant.
    floor = len(x) * 1e-24
    varies = (vp > floor * np.abs(weights).sum(axis=0) ** 2) & (vy > floor)
    r2 = np.einsum("kd,kd->d", prediction, y) ** 2 / np.where(varies, vp * vy, 1.0)
    return np.where(varies, r2, 0.0), np.where(varies, 1.0 / (len(x) - 1), 0.0)


def standardise(x: Array) -> Array:
    """Features with mean 0 and variance 1, without those that do not change."""
    if not len(x):
        return x
    varies = varying(x)
    # An exact difference: a large common offset costs no digits in the mean.
    x = x - x[0] if varies.all() else x[:, varies] - x[0, varies]
    x /= np.maximum(x.max(axis=0), -x.min(axis=0))
    x -= x.mean(axis=0)
    x /= np.sqrt(np.einsum("kd,kd->d", x, x) / len(x))
    return x


def varying(x: Array) -> Bools:
    """Which features change."""
    low, high = x.min(axis=0), x.max(axis=0)
    return np.asarray(high - low > 1e-12 * np.maximum(np.abs(low), np.abs(high)))
