"""Memory capacity: how many past inputs a linear readout can tell from the present state.

Works for any reservoir: it takes a table of states and the input that drove them, nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.capacities import ESTIMATOR, ESTIMATORS
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.types import Array
from hetero_rsnn.measures.memory_input import warn_of_correlated
from hetero_rsnn.measures.population_blocks import covariances, least_rows, training_rows
from hetero_rsnn.measures.ridge_blocks import (
    MIN_BLOCK,
    RIDGES,
    block_edges,
    cross_validate,
    delayed,
    needed_samples,
    standardise,
)

#: Blocks of the cross-validation, and training rows for each feature, where nobody says otherwise.
N_BLOCKS, MIN_RATIO = 5, 3.0
#: Blocks that the error of a population estimate comes from, in each fold, where the series is long enough.
_PARTS = 3
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
        Standard error of `total`: held out from the spread of `fold_totals`, else see `memory_capacity`.
    curve, curve_stderr : ndarray (d_max,)
        C_d above chance for d = 1 .. d_max, and its standard error.
    fold_totals : ndarray (n_blocks,)
        Capacity found in each test block; `total` is their mean.
    chance : float
        What was subtracted from each C_d, on average over blocks and delays; 0 of a population estimate.
    ridge : ndarray (d_max,)
        Chosen ridge strength per training row, geometric mean over blocks; 0 of a population estimate.
    n_samples, n_features, n_blocks, d_max : int
        Rows used (after washout), features that are not constant, blocks of `fold_totals`, largest delay.
    estimator : str
        "heldout" or "population", see `memory_capacity`.
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
    estimator: str = "heldout"

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
            f"({'' if self.estimator == 'heldout' else self.estimator + ', '}"
            f"{self.d_max} delays, {self.n_samples} samples, {self.n_blocks} blocks)"
        )


def memory_capacity(
    states: ArrayLike,
    u: ArrayLike,
    *,
    d_max: int,
    washout: int = 0,
    n_blocks: int = N_BLOCKS,
    gap: int | None = None,
    ridges: ArrayLike | None = None,
    min_ratio: float = MIN_RATIO,
    estimator: str = ESTIMATOR,
) -> MemoryCapacity:
    """Estimate the linear memory capacity of a reservoir driven by an independent, identically distributed input.

    For each delay d a linear readout of the state x(k) gives u(k-d). C_d is the squared correlation of the two, and C
    the sum over d = 1 .. d_max. Two questions can be asked:

    * "heldout": what does a readout get out that is trained on the samples at hand? A ridge regression is trained, and
      C_d is read from samples that were not trained on, minus what chance gives.
    * "population": what do the states hold? C_d is that of the best readout, which infinitely many samples would give.

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
        Contiguous blocks of the cross-validation. For its error a population estimate cuts each into up to 3.
    gap : int, optional
        Rows left out of the training on both sides of a test block; default `d_max`.
    ridges : array_like (strengths,), optional
        Ridge strengths to choose from, > 0, as penalty per training row for features of unit variance;
        default `RIDGES`, 1e-10 .. 100. Held out only.
    min_ratio : float
        Training rows required for each feature that is not constant. A population estimate always needs more than 2.
    estimator : {"heldout", "population"}

    Returns
    -------
    MemoryCapacity

    Raises
    ------
    HeteroError
        If the arrays do not fit, hold NaN or infinity, an option breaks its rule, or memory would not do.
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
    *Population.* The weights w of least squares on n rows deviate from the best ones by noise of mean 0, and by a mean
    proportional to 1/n, which is large where states and residuals correlate over time. Both make a squared correlation
    smaller. So w is debiased by the weights w1 and w2 of the two halves of its rows, to ``2 w - (w1 + w2) / 2``
    (Quenouille), and C_d is the *covariance* of target and prediction on rows not trained on, over the variance of the
    target. It is linear in the weights: noise averages out, and there is no chance to subtract. What is left of the
    bias falls as 1/n^2.

    *Rare spikes.* To the covariance of training rows a hundredth of that of all rows is added, and given back by a
    factor of 1.01. Without it, features that hardly vary in half of the rows get huge weights. What this changes where
    they do vary is of second order: 2e-5 for a delay line that is known exactly.

    *Its standard error* is that of the influence function ``2 u y - y^2 - C_d u^2`` of a squared correlation, summed
    over delays, from its sums over up to 15 blocks. It is over inputs to one network. What noise of the weights adds
    to the variance counts twice (see `Covariances.variance`): without memory the error is too large by a factor of up
    to the square root of 2, with memory about right.

    *Chance.* Finitely many samples correlate by accident: for an independent input E[r^2] = 1/(n_test - 1) exactly,
    whatever the prediction. Summed over many delays this is memory where there is none (Dambre et al. set small terms
    to zero instead); r^2 on the training rows is worse by a factor of the number of features. A perfect C_d reads
    1 - chance. A constant prediction (silent network) has r^2 = 0 without any chance, and nothing is subtracted.

    *Contiguous blocks.* Neighbouring rows hold the same inputs, so randomly chosen test rows would be known from
    their neighbours. Blocks with a gap of `d_max` share no target with the training part.

    *Bias held out.* A finite training part underestimates C, and `stderr` does not contain this. Measured at 3, 5 and
    10 training rows a feature: -12, -8 and -5 % for a noise-free linear reservoir (N = 50, C = 49, d_max = 100), -32,
    -24 and -17 % for a very noisy one (N = 100, C = 3, d_max = 60). Compare networks at equal features and samples.

    *Standard error held out.* Blocks lend each other training rows, so that their totals correlate, and no unbiased
    estimate of their spread exists (Bengio & Grandvalet). `stderr` is too small: with 12 to 100 features of white noise
    by a factor of 1.2 to 1.4 without memory, and of 1.1 to 1.2 with it; over inputs to one of the shipped networks by
    1.5 to 2.2. Compare networks over independent seeds.

    *Ridge.* Chosen for each block and delay inside the training part by generalised cross-validation (Golub et al.).
    Memory in amplitudes below about 1e-5 of a feature's standard deviation is not resolved (measured). Noise-free
    linear reservoirs may hide some there: they need other methods (Ballarin et al.).

    References
    ----------
    H. Jaeger, "Short term memory in echo state networks", GMD report 152, 2001.
    J. Dambre, D. Verstraeten, B. Schrauwen, S. Massar, "Information processing capacity of dynamical systems",
    Scientific Reports 2:514, 2012 (finite-sample bias: supplementary material).
    Y. Bengio, Y. Grandvalet, "No unbiased estimator of the variance of k-fold cross-validation", JMLR 5, 2004.
    M. H. Quenouille, "Notes on bias in estimation", Biometrika 43, 1956 (jackknife).
    B. Efron, C. Stein, "The jackknife estimate of variance", Annals of Statistics 9, 1981 (pairs count twice).
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
    >>> memory_capacity(line, u, d_max=10, estimator="population")
    C = 3.00 ± 0.01 s.e. (population, 10 delays, 1990 samples, 15 blocks)
    """
    result, _ = fit_capacity(states, u, d_max, washout, n_blocks, gap, ridges, min_ratio, estimator)
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
    estimator: str = "heldout",
) -> tuple[MemoryCapacity, tuple[Array, ...]]:
    """The capacity; held out also the weights of each block, shape (features that vary, delays)."""
    checks.one_of("estimator", estimator, ESTIMATORS)
    d_max = checks.whole("d_max", d_max, least=1)
    washout = checks.whole("washout", washout, least=0)
    n_blocks = checks.whole("n_blocks", n_blocks, least=2)
    gap = d_max if gap is None else checks.whole("gap", gap, least=0)
    x = checks.finite_array("states", states, 2, empty=True, fix=_MEND)
    inputs = checks.finite_array("u", u, 1, empty=True, fix=_MEND)
    strengths = np.array(RIDGES) if ridges is None else checks.finite_array("ridges", ridges, 1, empty=True)
    if strengths.size == 0 or strengths.min() <= 0:
        raise HeteroError(f"ridges must be one or more numbers > 0, got {strengths.tolist()}: for almost none, 1e-12")
    if ridges is not None and estimator != "heldout":
        raise HeteroError("a population estimate takes no ridges, since they shrink it: leave them out")
    if not 0 <= min_ratio < math.inf:
        raise HeteroError(f"min_ratio must be >= 0 and finite, got {min_ratio}: use 3 training rows a feature, or more")
    if len(x) != len(inputs):
        raise HeteroError(f"states and u must be equally long, got {len(x)} and {len(inputs)}: give one row a sample")
    data = _Data.of(x, inputs[:, None], d_max, washout, n_blocks, gap, estimator)
    if estimator == "population":
        return data.checked(data.population(), len(x), min_ratio), ()
    estimate: MemoryCapacity | None = None
    weights: tuple[Array, ...] = ()
    # With three rows a correlation exists; with two it is always 1.
    if data.least_test >= 3 and data.least_training >= 3:
        found = cross_validate(data.features, np.ascontiguousarray(data.targets), data.folds, strengths)
        estimate, weights = summarise(found.scores, found.chances, found.strengths, data.features.shape), found.weights
    return data.checked(estimate, len(x), min_ratio), weights


class _Data(NamedTuple):
    """What a capacity is estimated from; the targets of several channels stand side by side."""

    features: Array
    targets: Array
    folds: list[tuple[int, int, int, int]]
    d_max: int
    washout: int
    gap: int
    estimator: str

    @classmethod
    def of(cls, x: Array, inputs: Array, d_max: int, washout: int, n_blocks: int, gap: int, estimator: str) -> _Data:
        """Of states (samples, features) and inputs (samples, channels)."""
        start, count, delays = max(washout, d_max), x.shape[1], d_max * inputs.shape[1]
        size = max(len(x) - start, 0) * (2 * count + delays) + 2 * count**2
        if estimator == "population":
            size += 3 * (n_blocks + 2) * count * (count + delays)
        memory.fits(
            f"a memory capacity of {len(x)} samples, {count} features and {d_max} delays",
            8.0 * size,
            "read fewer features, or lower d_max",
        )
        targets = [delayed(u, start, d_max) for u in inputs.T]
        features = standardise(x[start:])
        n_rows = len(features)
        folds = [(a, b, max(a - gap, 0), min(b + gap, n_rows)) for a, b in block_edges(n_rows, n_blocks)]
        every = targets[0] if len(targets) == 1 else np.hstack(targets)
        return cls(features, every, folds, d_max, washout, gap, estimator)

    @property
    def least_test(self) -> int:
        """Rows of the smallest test block."""
        return min(b - a for a, b, _, _ in self.folds)

    @property
    def least_training(self) -> int:
        """Rows of the smallest training part."""
        return len(self.features) - max(hi - lo for _, _, lo, hi in self.folds)

    def population(self) -> MemoryCapacity | None:
        """What the states hold, summed over channels; None without enough rows for any readout."""
        rows, n_features = self.features.shape
        if self.least_test < 3 or self.least_training < least_rows(n_features):
            return None
        targets = self.targets - self.targets.mean(axis=0)
        parts = min(max(rows // (len(self.folds) * max(MIN_BLOCK, self.d_max)), 1), _PARTS)
        found = covariances(self.features if n_features else np.zeros((rows, 1)), targets, self.folds, parts)
        each = np.tile(np.eye(self.d_max), (targets.shape[1] // self.d_max, 1))
        curve = found.scores.mean(axis=0) @ each
        return MemoryCapacity(
            total=float(curve.sum()),
            stderr=math.sqrt(found.variance(np.ones((len(each), 1)))[0]),
            curve=curve,
            curve_stderr=np.sqrt(found.variance(each)),
            fold_totals=found.scores.sum(axis=1),
            chance=0.0,
            ridge=np.zeros(self.d_max),
            n_samples=rows,
            n_features=n_features,
            n_blocks=len(found.scores),
            d_max=self.d_max,
            estimator="population",
        )

    def checked(self, estimate: MemoryCapacity | None, samples: int, min_ratio: float) -> MemoryCapacity:
        """The estimate, if it is of enough samples."""
        n_features, n_blocks = self.features.shape[1], len(self.folds)
        training = training_rows(n_features, min_ratio, self.estimator == "population")
        required = needed_samples(max(self.washout, self.d_max), training, n_blocks, self.gap, self.d_max)
        if samples >= required and estimate is not None:
            return estimate
        raise TooShortError(
            f"memory_capacity needs at least {required} samples, got {samples} ({n_features} features, "
            f"d_max {self.d_max}, washout {self.washout}, {n_blocks} blocks, gap {self.gap})",
            fix="record longer, read fewer features or lower d_max",
            measure="memory_capacity",
            estimate=estimate,
            required=required,
        )


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


def channel_capacity(x: Array, u: Array, d_max: int, estimator: str = ESTIMATOR) -> MemoryCapacity:
    """Memory capacity summed over independent input channels; `u` has shape (samples, channels)."""
    if estimator == "population" and u.shape[1] > 1:  # errors of channels read from the same states correlate
        for channel in u.T:
            warn_of_correlated(channel, d_max, stacklevel=3)
        data = _Data.of(x, u, d_max, 0, N_BLOCKS, d_max, estimator)
        return data.checked(data.population(), len(x), MIN_RATIO)
    parts = [memory_capacity(x, channel, d_max=d_max, estimator=estimator) for channel in u.T]
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
