"""Information processing capacity: which functions of past inputs a linear readout can tell from the present state.

A memory capacity asks for the inputs themselves, one delay at a time. Here powers of inputs and products over several
delays are asked for too, in a family of functions that is complete and orthonormal.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.linalg import lapack

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.capacities import ESTIMATORS
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.types import Array
from hetero_rsnn.measures.legendre_targets import Term, all_terms, count_terms, largest_delays, target_tables
from hetero_rsnn.measures.memory import MIN_RATIO, N_BLOCKS
from hetero_rsnn.measures.memory_input import warn_of_correlated
from hetero_rsnn.measures.population_blocks import COLLINEAR, covariances, least_rows, training_rows
from hetero_rsnn.measures.processing_result import ProcessingCapacity
from hetero_rsnn.measures.ridge_blocks import (
    MIN_BLOCK,
    RIDGES,
    block_edges,
    cross_validate,
    needed_samples,
    standardise,
)

#: Blocks that the error of a population estimate comes from, in each fold, where the series is long enough.
_PARTS = 3
#: A uniform input looks less uniform than this once in a million series.
_UNLIKELY = 1e-6
#: Bytes that a target takes, beside its numbers in blocks.
_TARGET = 600.0
_MEND = "drop the samples, or look where the simulation diverged"


def processing_capacity(
    states: ArrayLike,
    u: ArrayLike,
    *,
    d_max: int | Mapping[int, int],
    degree: int | None = None,
    d_min: int = 0,
    input_range: tuple[float, float] | None = None,
    washout: int = 0,
    n_blocks: int = N_BLOCKS,
    gap: int | None = None,
    min_ratio: float = MIN_RATIO,
    estimator: str = "population",
) -> ProcessingCapacity:
    """Estimate the information processing capacity of a reservoir driven by an independent, uniform input.

    The targets are all products of Legendre polynomials P_n of past inputs up to a degree and a delay, such as
    ``P2(u[k-3])`` or ``P1(u[k-1]) P1(u[k-4])``. The capacity of a target is the squared correlation with the best
    linear readout of the state. The capacities of all targets there are sum to at most the number of independent
    states, and to just that for a system that forgets its past and has no noise.

    Parameters
    ----------
    states : array_like (samples, features)
        State of the reservoir after input sample k, one row a sample.
    u : array_like (samples,)
        Input, independent from sample to sample and uniform. Of an input of another distribution F give F(u), which is
        uniform: the targets are functions of the input all the same.
    d_max : int or mapping of int to int
        Largest delay, in samples, of all targets or by degree: ``{1: 100, 2: 30, 3: 10}``. Degrees that are not named
        are not measured. There are ``comb(d_max - d_min + n, n)`` targets of degree n.
    degree : int, optional
        Largest degree where `d_max` is a number; default 3.
    d_min : int
        Smallest delay of any factor. 0 is the present input, which counts in the bound; 1 leaves it out, as
        `memory_capacity` does.
    input_range : pair of float, optional
        Where the input is uniform; default from its smallest to its largest sample.
    washout : int
        Rows left out at the start. Rows before the largest delay are always left out.
    n_blocks, gap, min_ratio
        As in `memory_capacity`; default of `gap` is the largest delay.
    estimator : {"population", "heldout"}
        What the states hold, or what a trained readout gets out; see `memory_capacity`. With thousands of targets what
        a readout of few samples loses of each adds up, so the former is the default.

    Returns
    -------
    ProcessingCapacity

    Raises
    ------
    HeteroError
        If the arrays do not fit, hold NaN or infinity, an option breaks its rule, the input is not uniform, or memory
        would not do for so many targets.
    TooShortError
        As `memory_capacity`.

    Warns
    -----
    UserWarning
        If the input correlates over time, as in `memory_capacity`; if no state varies, or states are sums of others.

    Notes
    -----
    *Chance.* Both estimates are 0 on average for a target that the states do not hold. So nothing is set to zero where
    it is small, as Dambre et al. do, and many small capacities add up to what they are.

    *Errors of sums.* Targets are read from the same rows. The influence of each block on every target is kept and
    summed before its spread is taken, so that a standard error holds all covariances. Without capacity it is too large
    by a factor of up to the square root of 2 (population) and too small by one of about 1.2 to 1.4 (held out).

    *Time.* All targets share the sums of states and their factors: 400 states, 2,000 targets and 6,000 samples take
    seconds.

    References
    ----------
    J. Dambre, D. Verstraeten, B. Schrauwen, S. Massar, "Information processing capacity of dynamical systems",
    Scientific Reports 2:514, 2012.

    Examples
    --------
    >>> u = np.random.default_rng(1).uniform(-1, 1, 3000)
    >>> states = np.stack([np.roll(u, 1), u**2, u * np.roll(u, 1)], axis=1)
    >>> found = processing_capacity(states, u, d_max=4, degree=2)
    >>> found
    capacity 3.00 ± 0.01 s.e., at most 3 (population, 20 targets, 2996 samples, 15 blocks)
    >>> [t.name for t, c in zip(found.terms, found.capacity) if c > 0.5]
    ['P1(u[k-1])', 'P2(u[k])', 'P1(u[k]) P1(u[k-1])']
    >>> print(found.by_degree[2], "|", found.cross)
    2.00 ± 0.01 s.e. | 1.00 ± 0.00 s.e.
    """
    checks.one_of("estimator", estimator, ESTIMATORS)
    d_min = checks.whole("d_min", d_min, least=0)
    largest = largest_delays(d_max, degree, d_min)
    longest = max(largest.values())
    washout = checks.whole("washout", washout, least=0)
    n_blocks = checks.whole("n_blocks", n_blocks, least=2)
    gap = longest if gap is None else checks.whole("gap", gap, least=0)
    if not 0 <= min_ratio < math.inf:
        raise HeteroError(f"min_ratio must be >= 0 and finite, got {min_ratio}: use 3 training rows a feature, or more")
    x = checks.finite_array("states", states, 2, empty=True, fix=_MEND)
    inputs = checks.finite_array("u", u, 1, empty=True, fix=_MEND)
    if len(x) != len(inputs):
        raise HeteroError(f"states and u must be equally long, got {len(x)} and {len(inputs)}: give one row a sample")
    start = max(washout, longest)
    _fits(x.shape, count_terms(largest, d_min), n_blocks, start)
    z = _scaled(inputs, input_range, start - longest)
    features = standardise(x[start:])
    needed = needed_samples(
        start, training_rows(features.shape[1], min_ratio, estimator == "population"), n_blocks, gap, longest
    )
    n_rows = len(features)
    folds = [(a, b, max(a - gap, 0), min(b + gap, n_rows)) for a, b in block_edges(n_rows, n_blocks)]
    found = _estimate(features, z, all_terms(largest, d_min), start, folds, longest, estimator)
    if len(x) < needed or found is None:
        raise TooShortError(
            f"processing_capacity needs at least {needed} samples, got {len(x)} ({features.shape[1]} features, largest "
            f"delay {longest}, washout {washout}, {n_blocks} blocks, gap {gap})",
            fix="record longer, read fewer features or lower d_max",
            measure="processing_capacity",
            estimate=found,
            required=needed,
        )
    _warn_of_dependent(x.shape[1], found)
    warn_of_correlated(inputs[washout:], longest, stacklevel=3)
    return found


def _fits(shape: tuple[int, ...], targets: int, n_blocks: int, start: int) -> None:
    """Refuse what memory would not do for."""
    rows, count = max(shape[0] - start, 1), shape[1]
    together = min(targets, max(8_000_000 // rows, 1))  # as many targets as are read in one go
    numbers = rows * (2 * count + 2 * together) + 3 * (n_blocks + 2) * count * (count + together)
    memory.fits(
        f"a processing capacity of {targets} targets, {count} features and {shape[0]} samples",
        8.0 * numbers + targets * (_TARGET + 16.0 * n_blocks * _PARTS),
        "lower degree or d_max",
    )


def _scaled(u: Array, limits: tuple[float, float] | None, unused: int) -> Array:
    """The input in [-1, 1], once it is known to be uniform there."""
    used = u[unused:]
    if limits is None:
        low, high = (float(used.min()), float(used.max())) if used.size else (0.0, 1.0)
        if used.size > 1 and not low < high:
            raise HeteroError(f"u must vary, got {low:g} throughout: drive the reservoir with a random input")
    else:
        ends = checks.finite_array("input_range", limits, 1)
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise HeteroError(f"input_range must be (lowest, highest), got {ends.tolist()}: give e.g. (-1, 1)")
        low, high = map(float, ends)
        if used.size and (used.min() < low or used.max() > high):
            raise HeteroError(
                f"u must lie in input_range, {low:g} to {high:g}, got {used.min():g} to {used.max():g}: give the range "
                "that it was drawn from"
            )
    if used.size:
        p = float(stats.kstest(used, "uniform", (low, high - low)).pvalue)
        if p < _UNLIKELY:
            raise HeteroError(
                f"u must be uniform from {low:g} to {high:g}, or Legendre polynomials of it are not orthogonal; a "
                f"Kolmogorov-Smirnov test gives p = {p:.1g}: use uniform_stimulus, or give F(u), F its cumulative "
                "distribution"
            )
    return np.asarray(2 * (u - low) / ((high - low) or 1.0) - 1)


def _estimate(
    x: Array,
    z: Array,
    terms: tuple[Term, ...],
    start: int,
    folds: list[tuple[int, int, int, int]],
    longest: int,
    estimator: str,
) -> ProcessingCapacity | None:
    """Every target's capacity; None without enough rows for any readout."""
    rows, n_features = x.shape
    least = least_rows(n_features) if estimator == "population" else 3
    if min(b - a for a, b, _, _ in folds) < 3 or rows - max(hi - lo for _, _, lo, hi in folds) < least:
        return None
    parts = min(max(rows // (len(folds) * max(MIN_BLOCK, longest)), 1), _PARTS)
    read = x if n_features else np.zeros((rows, 1))
    capacity, influence = [], []
    for targets in target_tables(z, terms, start):
        if estimator == "population":
            blocks = covariances(read, targets, folds, parts)
            capacity.append(blocks.scores.mean(axis=0))
            influence.append(blocks.influence)
        else:
            held = cross_validate(x, targets, folds, np.array(RIDGES))
            corrected = held.scores - held.chances
            capacity.append(corrected.mean(axis=0))
            influence.append(corrected / len(folds))
    moved = np.hstack(influence)
    return ProcessingCapacity(
        terms=terms,
        capacity=np.concatenate(capacity),
        capacity_stderr=np.sqrt(len(moved) * moved.var(axis=0, ddof=1)),
        bound=_rank(x),
        n_samples=rows,
        n_features=n_features,
        n_blocks=len(moved),
        estimator=estimator,
        _influence=moved,
    )


def _rank(x: Array) -> int:
    """Features that are no sums of others."""
    if not x.shape[1]:
        return 0
    gram = x.T @ x
    return int(lapack.dpstrf(gram, tol=COLLINEAR * gram.diagonal().max(), lower=1)[2])


def _warn_of_dependent(states: int, found: ProcessingCapacity) -> None:
    if not found.n_features:
        text = f"none of the {states} states varies, so that the capacity is 0: drive them, or read others"
    elif found.bound < found.n_features:
        text = (
            f"{found.n_features - found.bound} of {found.n_features} states are sums of others, so that the capacity "
            f"is at most {found.bound}: leave them out, or mind the bound"
        )
    else:
        return
    warnings.warn(text, UserWarning, stacklevel=3)
