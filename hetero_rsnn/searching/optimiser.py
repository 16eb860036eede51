"""Asking for candidates and telling what they gave: the one place where a search meets Bayesian optimisation.

scikit-optimize's Gaussian process and kernels are used, its own `Optimizer` is not: it refits all hyperparameters after
every told value and every value it makes up for a batch, knows neither the noise of single trials nor constraints, and
an ask costs more than a small simulation.

Two quantities are modelled, the logarithms of C and of S, since all that is asked for follows from them: log E is their
difference, the limits of C and of the rate are limits of theirs, and a trade-off is a function of both. A silent or
memoryless candidate is thus a bad value in the model, not a gap.

Nothing here is ever stored: the same settings and told values give the same candidates, so a search is resumed by
telling again.

References
----------
Jones, Schonlau and Welch 1998 (expected improvement); Schonlau, Welch and Jones 1998 (times the probability of keeping
constraints); Ginsbourger, Le Riche and Carraro 2010 (batches by believed values); Knowles 2006 (random augmented
Chebyshev scalarisations); Ament et al. 2023, arXiv:2310.20708 (logarithms of small expected improvements).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import erfcx, log_ndtr, logsumexp, ndtr
from scipy.stats import qmc

from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.types import Array
from hetero_rsnn.measures.efficiency import SILENT
from hetero_rsnn.searching.objectives import Objective
from hetero_rsnn.searching.space import Space

METHODS = ("wasserstein", "matern", "random")
#: Less C, or less S, is modelled as this much: logarithms of what is nearly nothing would rule the model.
_LEAST = (0.05, SILENT / 2)
#: Candidates of an ask that are spread over the space; rounds of `_NEAR` more around the best; their distances.
_SPREAD, _NEAR, _STEPS = 1500, 250, (0.15, 0.08, 0.04, 0.02, 0.01)
#: Coordinates are rounded to this many digits, so that the last bits of a sum change no candidate.
_DIGITS = 6
#: Closer to an earlier candidate, in every coordinate, a new one would tell nothing: it meets the same seeds.
_APART = 1e-3
#: Weight of the sum in the augmented Chebyshev scalarisation.
_AUGMENT = 0.05


class Optimiser(ABC):
    """Proposes points of the unit cube; made by `make_optimiser`.

    Parameters
    ----------
    space : Space
    seed : int
    initial : int
        Points of the design that come first: the default of the space, then a shifted Sobol sequence.
    """

    def __init__(self, space: Space, seed: int, initial: int) -> None:
        self.space, self.seed, self.initial = space, seed, initial
        self.asked = 0
        self._design = _design(space, seed, initial)

    def ask(self, count: int) -> list[Array]:
        """Propose the next points, each of shape (dimensions,)."""
        from threadpoolctl import threadpool_limits

        first = self._design[self.asked : self.asked + count]
        self.asked += len(first)
        points = list(first)
        if len(points) < count:
            with threadpool_limits(1):  # sums in the same order, whatever the number of threads
                points += self._propose(count - len(points))
            self.asked += count - len(first)
        return points

    @abstractmethod
    def tell(
        self, z: Array, c: Sequence[float] | None, s: Sequence[float] | None, feasible: bool | None = None
    ) -> None:
        """Say what a point gave: C and S of every seed, or None for a trial that failed.

        `feasible` says whether it keeps the limits; without it, that is told from the means of C and S.
        """

    @abstractmethod
    def _propose(self, count: int) -> list[Array]:
        """Points after the design; `asked` is the number of the first."""

    def _generator(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number])


def _design(space: Space, seed: int, count: int) -> Array:
    size = len(space.dimensions)
    # An own shift, since the scrambling of scipy differs between its versions.
    shift = np.random.default_rng([seed, 2**31]).random(size)
    sobol = qmc.Sobol(size, scramble=False).random_base2(max(count - 1, 1).bit_length())
    spread = ((sobol + shift) % 1.0).round(_DIGITS)
    return np.vstack([space.unit(space.default), spread])[:count]


class _Random(Optimiser):
    """Uniform, for comparison."""

    def tell(
        self, z: Array, c: Sequence[float] | None, s: Sequence[float] | None, feasible: bool | None = None
    ) -> None:
        pass

    def _propose(self, count: int) -> list[Array]:
        size = len(self.space.dimensions)
        return [self._generator(self.asked + i).random(size).round(_DIGITS) for i in range(count)]


class _Model(Optimiser):
    """Expected improvement times the probability of keeping the limits, under two Gaussian processes."""

    def __init__(self, space: Space, kernel: str, objective: Objective, seed: int, initial: int) -> None:
        from hetero_rsnn.searching.surrogate import Surrogate, distance_kernel

        super().__init__(space, seed, initial)
        self.objective = objective
        self._z: list[Array] = []
        self._judged: list[bool | None] = []
        self._values: list[Array | None] = []  # of shape (2, seeds): C and S
        self._models = [Surrogate(distance_kernel(kernel, space)) for _ in range(2)]

    def tell(
        self, z: Array, c: Sequence[float] | None, s: Sequence[float] | None, feasible: bool | None = None
    ) -> None:
        self._judged.append(feasible)
        self._z.append(np.asarray(z, dtype=float))
        self._values.append(None if c is None or s is None else np.array([c, s], dtype=float))

    def _propose(self, count: int) -> list[Array]:
        good = [v for v in self._values if v is not None]
        if not good:  # nothing to learn from
            return [self._generator(self.asked + i).random(self._z[0].size).round(_DIGITS) for i in range(count)]
        z = np.array(self._z)
        y, noise = log_means(self._values)
        if np.ptp(y, axis=1).max() < 1e-12:  # all alike, e.g. nothing: the model would not know where to go
            return [self._generator(self.asked + i).random((z.shape[1],)).round(_DIGITS) for i in range(count)]
        for model, values, variances in zip(self._models, y, noise, strict=True):
            model.update(z, values, variances)
        feasible = np.array(
            [
                v is not None and (self._feasible(v) if judged is None else judged)
                for v, judged in zip(self._values, self._judged, strict=True)
            ]
        )
        known = np.array([model.predict(z)[0] for model in self._models])
        points: list[Array] = []
        for i in range(count):
            rng = self._generator(self.asked + i)
            gain = self._gain(known[:, feasible], rng)
            order = np.argsort(-gain(z) if feasible.any() else -(y[0] - y[1]), kind="stable")
            point = _maximise(gain, z[order[:5]], rng)
            if np.abs(np.vstack([z, *points]) - point).max(axis=1).min() < _APART:
                point = rng.random((z.shape[1],)).round(_DIGITS)
            points.append(point)
            if i + 1 < count:
                for model in self._models:
                    model.believe(points[-1])
        return points

    def _feasible(self, values: Array) -> bool:
        (c, s), (low, high) = values.mean(axis=1), self.objective.spikes
        return bool(c >= self.objective.c_min and low <= s <= high and s >= SILENT)

    def _gain(self, known: Array, rng: np.random.Generator) -> Callable[[Array], Array]:
        """Logarithm of the acquisition, where `known` holds log C and log S of the feasible trials, shape (2, n)."""
        weight = rng.uniform(0.05, 0.95)
        low, high = (math.log(max(x, _LEAST[1])) for x in self.objective.spikes)
        least = math.log(max(self.objective.c_min, _LEAST[0]))

        def gain(z: Array) -> Array:
            (c, c_sd), (s, s_sd) = (model.predict(z) for model in self._models)
            chance = log_ndtr((c - least) / c_sd) + _log_between((low - s) / s_sd, (high - s) / s_sd)
            if not known.size:
                return chance
            if self.objective.kind == "efficiency":
                best = float((known[0] - known[1]).max())
                return chance + log_improvement(c - s, np.hypot(c_sd, s_sd), best)
            if self.objective.kind == "capacity":
                return chance + log_improvement(c, c_sd, float(known[0].max()))
            return chance + _scalarised(c, c_sd, s, s_sd, known, weight)

        return gain


def log_means(values: Sequence[Array | None]) -> tuple[Array, Array]:
    """Logarithms of the means over the seeds, and their variances, each of shape (2, trials).

    All trials meet the same seeds. What a seed does to all of them is no noise between them, and is taken out before
    variances are estimated; these are pulled to their mean, since a few seeds tell a variance badly. A failed trial
    gets the worst values so far.
    """
    good = np.array([v for v in values if v is not None])  # (trials, 2, seeds)
    count, _, seeds = good.shape
    least = np.array(_LEAST)[None, :, None]
    log_mean = np.log(np.maximum(good.mean(axis=2), least[:, :, 0]))
    rest = np.log(np.maximum(good, least))
    rest = rest - rest.mean(axis=2, keepdims=True)
    rest = rest - rest.mean(axis=0, keepdims=True)
    own = (rest**2).sum(axis=2) / max((seeds - 1) * (1 - 1 / count), 0.5)
    pooled = own.mean(axis=0, keepdims=True)
    variance = (3 * pooled + (seeds - 1) * own) / (seeds + 2) / seeds
    worst = np.array([log_mean[:, 0].min(), log_mean[:, 1].max()])
    rows, noise = iter(log_mean), iter(variance)
    y = [next(rows) if v is not None else worst for v in values]
    v = [next(noise) if x is not None else variance.mean(axis=0) for x in values]
    return np.array(y).T, np.array(v).T


def log_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Logarithm of the expected improvement over `best` of a normal variable, however small."""
    u = (mean - best) / deviation
    log_density = -(u**2) / 2 - 0.5 * math.log(2 * math.pi)
    v = np.minimum(u, -1.0)
    # phi(u) + u Phi(u) = phi(u) (1 - |u| Phi(-|u|) / phi(u)), whose bracket tends to u^-2
    bracket = 1 + v * math.sqrt(math.pi / 2) * erfcx(-v / math.sqrt(2))
    tail = np.where(v < -1e3, -2 * np.log(-v), np.log(np.maximum(bracket, 1e-30)))
    near = np.log(np.maximum(np.exp(log_density) + u * ndtr(u), 1e-300))
    return np.asarray(np.log(deviation) + np.where(u < -1, log_density + tail, near))


def _log_between(a: Array, b: Array) -> Array:
    """Logarithm of the probability that a standard normal variable lies in [a, b]."""
    swap = a > 0  # in the lower tail, where differences keep their digits
    a, b = np.where(swap, -b, a), np.where(swap, -a, b)
    upper = log_ndtr(b)
    ratio = np.minimum(log_ndtr(a) - upper, -1e-12)
    return np.asarray(upper + np.log(-np.expm1(ratio)))


_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(8)
_LOG_WEIGHTS = np.log(_WEIGHTS / _WEIGHTS.sum())


def _scalarised(c: Array, c_sd: Array, s: Array, s_sd: Array, known: Array, weight: float) -> Array:
    """Logarithm of the expected improvement of an augmented Chebyshev scalarisation, by quadrature over C and S.

    C and S count from 0 to 1 over the range that feasible trials have so far.
    """
    (c_low, s_low), (c_high, s_high) = np.exp(known.min(axis=1)), np.exp(known.max(axis=1))
    c_span, s_span = max(c_high - c_low, 1e-9 * c_high), max(s_high - s_low, 1e-9 * s_high)

    def value(log_c: Array, log_s: Array) -> Array:
        parts = weight * (np.exp(log_c) - c_low) / c_span, (1 - weight) * (s_high - np.exp(log_s)) / s_span
        return np.asarray(np.minimum(*parts) + _AUGMENT * (parts[0] + parts[1]))

    best = float(value(*known).max())
    log_c = c[:, None, None] + c_sd[:, None, None] * _NODES[:, None]
    log_s = s[:, None, None] + s_sd[:, None, None] * _NODES
    # A soft maximum with 0, so that far candidates are told apart too.
    excess = (value(log_c, log_s) - best) / 0.01
    soft = np.log(np.logaddexp(0.0, np.maximum(excess, -600.0)))
    weights = _LOG_WEIGHTS[:, None] + _LOG_WEIGHTS
    return np.asarray(logsumexp(soft + weights, axis=(1, 2)))


def _maximise(gain: Callable[[Array], Array], anchors: Array, rng: np.random.Generator) -> Array:
    """The best of many candidates: over the whole space first, then in ever smaller steps around the best of them.

    Five runs of L-BFGS find some 6 % more (median, 12 dimensions) and take four times as long. What decides is that
    these coordinates are random numbers, not the end of a long sum: another machine asks for the same candidates.
    """
    size = anchors.shape[1]
    z = np.vstack([rng.random((_SPREAD, size)), _around(anchors, 0.1, rng)])
    values = gain(z)
    for step in _STEPS:
        top = np.argsort(-values, kind="stable")[:5]
        new = _around(z[top], step, rng)
        z = np.vstack([z[top], new])
        values = np.append(values[top], gain(new))
    return np.asarray(z[int(np.argmax(values))].round(_DIGITS))


def _around(centres: Array, step: float, rng: np.random.Generator) -> Array:
    """Points near others, that differ from them in some coordinates."""
    z = np.repeat(centres, -(-_NEAR // len(centres)), axis=0)
    moved = rng.random(z.shape) < rng.choice([0.2, 0.5, 1.0], size=(len(z), 1))
    return np.asarray(np.clip(z + moved * rng.normal(0.0, step, z.shape), 0.0, 1.0))


def make_optimiser(space: Space, method: str, objective: Objective, *, seed: int = 0, initial: int = 16) -> Optimiser:
    """Choose how candidates are proposed.

    Parameters
    ----------
    space : Space
    method : {"wasserstein", "matern", "random"}
        A Gaussian process over distributions, one over the coordinates, or chance.
    objective : Objective
    seed : int
    initial : int
        Points that are spread over the space before the model is asked.

    Raises
    ------
    HeteroError
        If the method is unknown.
    """
    if method not in METHODS:
        raise HeteroError(f"unknown method {method!r}{suggest(str(method), METHODS)}")
    if method == "random":
        return _Random(space, seed, initial)
    return _Model(space, method, objective, seed, initial)
