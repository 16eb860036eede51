"""Memory capacity: how many past inputs a linear readout can tell from the present state.

Works for any reservoir: it takes a table of states and the input that drove them, nothing else.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.measures.ridge_blocks import MIN_BLOCK, RIDGES, block_edges, cross_validate, delayed, standardise

#: What to do about a state that is not finite.
_MEND = "drop the samples, or look where the simulation diverged"


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

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the memory curve with its 95 % band; see `hetero_rsnn.plots.plot_capacity` for the options."""
        return figure_of("MemoryCapacity")(self, ax, **options)

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
        If samples of `u` up to `d_max` apart correlate more than those of an independent input do once in fifty
        thousand times: one lag by more than 0.1, or all together by more than 0.05 in the sum of squares.

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
    result, _ = fit_capacity(states, u, d_max, washout, n_blocks, gap, ridges, min_ratio)
    warn_of_correlated(checks.finite_array("u", u, 1)[washout:], result.d_max, stacklevel=3)
    return result


def fit_capacity(
    states: ArrayLike,
    u: ArrayLike,
    d_max: int,
    washout: int,
    n_blocks: int,
    gap: int | None,
    ridges: ArrayLike | None,
    min_ratio: float,
) -> tuple[MemoryCapacity, tuple[Array, ...]]:
    """The capacity, and the weights of each block, shape (features that vary, delays); see `memory_capacity`."""
    d_max = checks.whole("d_max", d_max, least=1)
    washout = checks.whole("washout", washout, least=0)
    n_blocks = checks.whole("n_blocks", n_blocks, least=2)
    gap = d_max if gap is None else checks.whole("gap", gap, least=0)
    x = checks.finite_array("states", states, 2, empty=True, fix=_MEND)
    inputs = checks.finite_array("u", u, 1, empty=True, fix=_MEND)
    strengths = np.array(RIDGES) if ridges is None else checks.finite_array("ridges", ridges, 1, empty=True)
    if strengths.size == 0 or strengths.min() <= 0:
        raise HeteroError(f"ridges must be one or more numbers > 0, got {strengths.tolist()}: for almost none, 1e-12")
    if not 0 <= min_ratio < math.inf:
        raise HeteroError(f"min_ratio must be >= 0 and finite, got {min_ratio}: use 3 training rows a feature, or more")
    if len(x) != len(inputs):
        raise HeteroError(f"states and u must be equally long, got {len(x)} and {len(inputs)}: give one row a sample")
    start = max(washout, d_max)
    count = x.shape[1]
    memory.fits(
        f"a memory capacity of {len(x)} samples, {count} features and {d_max} delays",
        8.0 * (max(len(x) - start, 0) * (2 * count + d_max) + 2 * count**2),
        "read fewer features, or lower d_max",
    )
    targets = delayed(inputs, start, d_max)

    features = standardise(x[start:])
    n_rows, n_features = features.shape
    # The training part loses its test block and, between blocks, a gap on both sides.
    train_rows = max(math.ceil(min_ratio * n_features), 3)
    lost = gap if n_blocks == 2 else 2 * gap
    rows = max(-(-(train_rows + lost) * n_blocks // (n_blocks - 1)), n_blocks * max(MIN_BLOCK, d_max))
    enough = len(x) >= start + rows

    estimate = None
    folds = [(a, b, max(a - gap, 0), min(b + gap, n_rows)) for a, b in block_edges(n_rows, n_blocks)]
    # With three rows a correlation exists; with two it is always 1.
    if all(b - a >= 3 and n_rows - (hi - lo) >= 3 for a, b, lo, hi in folds):
        found = cross_validate(features, np.ascontiguousarray(targets), folds, strengths)
        estimate = summarise(found.scores, found.chances, found.strengths, features.shape)
        if enough:
            return estimate, found.weights
    raise TooShortError(
        f"memory_capacity needs at least {start + rows} samples, got {len(x)} ({n_features} features, d_max {d_max}, "
        f"washout {washout}, {n_blocks} blocks, gap {gap})",
        fix="record longer, read fewer features or lower d_max",
        measure="memory_capacity",
        estimate=estimate,
        required=start + rows,
    )


def warn_of_correlated(u: Array, d_max: int, *, stacklevel: int) -> None:
    """Warn if samples of the input up to `d_max` apart depend on each other.

    A state that shows nothing but the present input then "remembers" C = sum of r_d^2. Two tests, each of which an
    independent input fails about once in a hundred thousand times: of the largest |r_d|, with a threshold corrected for
    their number (Bonferroni), and of their sum of squares (Box and Pierce), for many small ones. Both must hold for the
    ranks, too, since a few huge samples correlate by chance. Where most samples are one and the same number, such as
    the 0 between rare pulses, neither test is near its level: there the input must also correlate more than it does in
    any of 200 random orders. What adds less to C than 0.01 at one delay, or 0.05 over all, is not worth a word.
    """
    r = _autocorrelation(u, d_max)
    if not r.size:
        return
    ranks = _autocorrelation(np.unique(u, return_inverse=True)[1].astype(np.float64), d_max)
    each = -float(special.ndtri(1e-5 / (2 * r.size))) / math.sqrt(len(u))
    together = float(special.gammainccinv(r.size / 2, 1e-5)) * 2 / len(u)
    k, seen = int(np.argmax(np.abs(r))), float(r @ r)
    one = abs(r[k]) > max(each, 0.1) and np.abs(ranks).max() > each
    if (one or (seen > max(together, r.size / len(u) + 0.05) and ranks @ ranks > together)) and not _by_chance(u, r):
        warnings.warn(
            f"C is defined for independent samples; input samples {k + 1} apart correlate at {r[k]:.2f}, so that a "
            f"network without memory seems to remember (up to C = {seen:.2g} over {r.size} delays): "
            "use uniform_stimulus, or a task",
            UserWarning,
            stacklevel=stacklevel,
        )


def _by_chance(u: Array, r: Array) -> bool:
    """Whether rare samples correlate as much in some other order of them."""
    counts = np.unique(u, return_counts=True)[1]
    rare = len(u) - int(counts.max())
    if rare > len(u) / 2 or rare > 1000:
        return False
    rng = generator(0, "stimulus", "other orders")
    orders = (_autocorrelation(rng.permutation(u), r.size) for _ in range(200))
    return any(np.abs(other).max() >= np.abs(r).max() or other @ other >= r @ r for other in orders)


def _autocorrelation(u: Array, d_max: int) -> Array:
    """Autocorrelation at lags 1 .. d_max of an input that varies; nothing where it hardly does."""
    z = standardise(u[:, None]).ravel()
    return np.array([z[d:] @ z[:-d] / len(z) for d in range(1, min(d_max, len(z) - 1) + 1)])


def summarise(scores: Array, chances: Array, chosen: Array, shape: tuple[int, ...]) -> MemoryCapacity:
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


def channel_capacity(x: Array, u: Array, d_max: int) -> MemoryCapacity:
    """Memory capacity summed over independent input channels; `u` has shape (samples, channels)."""
    parts = [memory_capacity(x, channel, d_max=d_max) for channel in u.T]
    if len(parts) == 1:
        return parts[0]
    folds = np.sum([c.fold_totals for c in parts], axis=0)
    return replace(
        parts[0],
        total=float(sum(c.total for c in parts)),
        stderr=float(folds.std(ddof=1) / math.sqrt(folds.size)),
        curve=np.sum([c.curve for c in parts], axis=0),
        curve_stderr=np.sqrt(np.sum([c.curve_stderr**2 for c in parts], axis=0)),
        fold_totals=folds,
        chance=float(sum(c.chance for c in parts)),
        ridge=np.exp(np.mean([np.log(c.ridge) for c in parts], axis=0)),
    )
