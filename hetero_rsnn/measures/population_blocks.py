"""The arithmetic of a capacity as a property of covariances: debiased readouts, judged on rows they have not seen.

For each fold a least-squares readout is trained on the rows that are left, and two more on the halves of these rows.
Their weights w, w1 and w2 are biased in proportion to 1 / rows, so that ``2 w - (w1 + w2) / 2`` is not (Quenouille). It
need not predict well: what counts is its covariance with the target on the fold, which is linear in the weights and so
as free of bias as they are. A squared correlation is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.linalg import blas, lapack

from hetero_rsnn.common.types import Array
from hetero_rsnn.measures.ridge_blocks import block_edges

#: Variance of a feature, as a share of the largest, below which it counts as a sum of others.
COLLINEAR = 1e-10
#: Share of the covariance of all rows that is added to that of training rows.
SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Covariances:
    """Share of each target's variance that a linear readout explains, and how well it is known.

    Attributes
    ----------
    scores : ndarray, shape (blocks, targets)
        What each block gives; the estimate is the mean over blocks.
    influence : ndarray, shape (blocks, targets)
        How the samples of each block move the estimate, both as read and as trained on.
    """

    scores: Array
    influence: Array

    def variance(self, sums: Array) -> Array:
        """Variance of sums of the estimates; `sums` has shape (targets, sums) and says what is summed.

        Notes
        -----
        On average it is not too small (Efron and Stein), but for what blocks share over their borders. What noise of
        the weights adds is a sum over pairs of samples, one read and one trained on. `influence` follows both sides of
        each, so that this part is there twice. A spread of `scores` would hold half of it.
        """
        return np.asarray(len(self.influence) * (self.influence @ sums).var(axis=0, ddof=1))


class _Sums(NamedTuple):
    """Sums over rows: products of features (the lower triangle), of features and targets, and the two alone; rows."""

    gram: Array
    cross: Array
    x: Array
    y: Array
    rows: int

    def plus(self, o: _Sums) -> _Sums:
        """Sums over the rows of both."""
        return _Sums(self.gram + o.gram, self.cross + o.cross, self.x + o.x, self.y + o.y, self.rows + o.rows)

    def minus(self, o: _Sums) -> _Sums:
        """Sums without the rows of the other."""
        return _Sums(self.gram - o.gram, self.cross - o.cross, self.x - o.x, self.y - o.y, self.rows - o.rows)


def covariances(x: Array, y: Array, folds: list[tuple[int, int, int, int]], parts: int) -> Covariances:
    """Shares of the targets `y` (rows, targets) that `x` (rows, features) explains, for infinitely many rows.

    All columns have mean 0. `folds` bound test rows, and the rows left out of their training; each is cut into `parts`
    blocks. What is left must be at least `least_rows`.
    """
    halves = []
    for _, _, lo, hi in folds:
        middle = (len(x) - (hi - lo)) // 2  # of the rows that are left
        middle += hi - lo if middle > lo else 0
        before = [(0, min(lo, middle)), (hi, max(hi, middle))]
        halves.append((before, [(min(lo, middle), lo), (max(hi, middle), len(x))]))
    borders = {border for pair in halves for half in pair for span in half for border in span}
    sums = _running_sums(x, y, sorted(borders | {0, len(x)}))
    total = sums[len(x)].gram.copy()

    shape = (len(folds) * parts, y.shape[1])
    yp, pp, yy = (np.empty(shape) for _ in range(3))  # sums over blocks, of targets y and predictions p
    rows = np.empty((shape[0], 1))
    for f, ((a, b, _, _), (first, second)) in enumerate(zip(folds, halves, strict=True)):
        early, late = (_between(sums, spans) for spans in (first, second))
        trained = (early.plus(late), early, late)
        whole, one, two = (_weights(*_steadied(*_centred(part), part.rows / len(x), total)) for part in trained)
        debiased = 2 * whole - (one + two) / 2
        for k, (start, stop) in enumerate(block_edges(b - a, parts), start=f * parts):
            target = y[a + start : a + stop]
            predicted = x[a + start : a + stop] @ debiased
            for products, u, v in ((yp, target, predicted), (pp, predicted, predicted), (yy, target, target)):
                products[k] = np.einsum("kd,kd->d", u, v)
            rows[k] = stop - start

    power = yy.sum(axis=0) / len(y)
    power[power == 0] = np.inf  # of a target that stands still
    scores = yp / rows / power
    found, spread = scores.mean(axis=0), pp.sum(axis=0) / len(y) / power
    # Influence of a sample on r2 = b' S^-1 b / var(y) is 2 y p - p^2 - r2 y^2; p^2 is shrunk to what is not noise.
    clean = np.divide(found, spread, out=np.zeros_like(found), where=spread > 0).clip(0.0, 1.0)
    influence = 2 * yp - clean * pp - found * yy
    influence -= rows / len(y) * influence.sum(axis=0)
    return Covariances(scores, influence / power / len(y))


def least_rows(features: int) -> int:
    """Training rows without which halves of them fit anything."""
    return 2 * (features + 2)


def training_rows(features: int, min_ratio: float, population: bool) -> int:
    """Training rows that an estimate needs to be trusted."""
    rows = max(math.ceil(min_ratio * features), 3)
    return max(rows, least_rows(features) + 1) if population else rows


def _running_sums(x: Array, y: Array, borders: list[int]) -> dict[int, _Sums]:
    """Sums over all rows before each border."""
    p, d = x.shape[1], y.shape[1]
    empty = _Sums(np.zeros((p, p), order="F"), np.zeros((p, d), order="F"), np.zeros(p), np.zeros(d), 0)
    sums = {borders[0]: empty}
    for start, stop in pairwise(borders):
        a, b, before = x[start:stop], y[start:stop], sums[start]
        sums[stop] = _Sums(
            blas.dsyrk(1.0, a.T, 1.0, before.gram, lower=1),
            blas.dgemm(1.0, a.T, b.T, 1.0, before.cross, trans_b=1),
            before.x + a.sum(axis=0),
            before.y + b.sum(axis=0),
            before.rows + len(a),
        )
    return sums


def _between(sums: dict[int, _Sums], spans: list[tuple[int, int]]) -> _Sums:
    """Sums over the rows of one or two spans."""
    parts = [sums[stop].minus(sums[start]) for start, stop in spans if stop > start]
    return parts[0] if len(parts) == 1 else parts[0].plus(parts[1])


def _centred(sums: _Sums) -> tuple[Array, Array]:
    """Products about the means, in the place of the sums, since the readout has an intercept."""
    factor = -1.0 / sums.rows
    return (
        blas.dsyr(factor, sums.x, a=sums.gram, lower=1, overwrite_a=1),
        blas.dger(factor, sums.x, sums.y, a=sums.cross, overwrite_a=1),
    )


def _steadied(gram: Array, cross: Array, share: float, total: Array) -> tuple[Array, Array]:
    """Training rows with a little of the covariance of all rows, `total`, of which they are this share.

    A neuron that fires rarely may leave nothing in the training rows but the fading trace of a spike before them. Least
    squares would read noise from it with a huge weight, which meets whole spikes in the test rows. In this metric the
    features' scales and collinearities change nothing, and a direction that varies as it should loses no more than
    1 / (1 + SHARE), which is given back. Only features of test rows have a part in it, and no targets.
    """
    gram += SHARE * share * total
    cross *= 1 + SHARE
    return gram, cross


def _weights(gram: Array, cross: Array) -> Array:
    """Least squares, shape (features, targets), on features that are no sums of others; 0 for the rest."""
    limit = COLLINEAR * gram.diagonal().max(initial=0.0)
    factor, failed = lapack.dpotrf(gram, lower=1)
    if not failed and (factor.diagonal() ** 2 > limit).all():
        return np.asarray(lapack.dpotrs(factor, cross, lower=1, overwrite_b=1)[0])
    weights = np.zeros_like(cross)
    if limit > 0:
        factor, order, rank, _ = lapack.dpstrf(gram, tol=limit, lower=1)
        kept = order[:rank] - 1  # LAPACK counts from 1
        weights[kept] = lapack.dpotrs(factor[:rank, :rank], cross[kept], lower=1)[0]
    return weights
