"""Distributions of parameters: families given by mean and coefficient of variation, sampled through their quantiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array


def _special() -> Any:
    """scipy.special, imported when first needed: it takes longer than the whole package."""
    from scipy import special

    return special


@runtime_checkable
class Distribution(Protocol):
    """What every distribution offers. Numbers have the unit of the parameter: milliseconds for times, SI otherwise."""

    @property
    def mean(self) -> float:
        """Expected value."""
        ...

    @property
    def cv(self) -> float:
        """Coefficient of variation: standard deviation over the absolute mean."""
        ...

    def quantile(self, q: ArrayLike) -> Array:
        """Inverse of the cumulative distribution function, for `q` in [0, 1]."""
        ...

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value up to `x`."""
        ...

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw `n` independent values."""
        ...


class _Sampled:
    """Sampling by inversion, shared by all distributions."""

    def quantile(self, q: ArrayLike) -> Array:
        raise NotImplementedError

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw `n` independent values by inversion of `n` uniform numbers; returns shape (n,)."""
        return self.quantile(rng.random(n))


def _check(name: str, value: float, rule: str, ok: bool) -> None:
    if not ok:
        try:
            shown = f"{value:g}"
        except OverflowError:
            shown = "a whole number beyond all floats"
        raise HeteroError(f"{name} must be {rule}, got {shown}")


#: Beyond it, squares of values (and so variances) leave the range of floats.
LARGEST = 1e100


def _finite(**values: float) -> None:
    for name, value in values.items():
        _check(name, value, f"a finite number (at most {LARGEST:g} in size)", abs(value) <= LARGEST)


def _probabilities(q: ArrayLike) -> Array:
    array = checks.finite_array("q", q, empty=True)
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise HeteroError(
            f"q must be probabilities from 0 to 1, got {array.min():g} .. {array.max():g}: divide by 100?"
        )
    return array


def _places(x: ArrayLike) -> Array:
    """Where a distribution function is asked for: anywhere, the ends of the line included."""
    array = checks.real_array("x", x, empty=True)
    if np.isnan(array).any():
        raise HeteroError("x must be numbers, got NaN: drop such values")
    return array


@dataclass(frozen=True)
class Constant(_Sampled):
    """One value for all: the homogeneous limit."""

    value: float
    family: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        _finite(value=self.value)

    @property
    def mean(self) -> float:
        return self.value

    @property
    def cv(self) -> float:
        return 0.0

    def quantile(self, q: ArrayLike) -> Array:
        return np.full(_probabilities(q).shape, float(self.value))

    def cdf(self, x: ArrayLike) -> Array:
        return (_places(x) >= self.value).astype(float)


@dataclass(frozen=True)
class _MeanCV(_Sampled):
    """A family given by mean and coefficient of variation; cv = 0 is a constant, exactly."""

    mean: float
    cv: float

    def __post_init__(self) -> None:
        _finite(mean=self.mean, cv=self.cv)
        _check(
            "mean", self.mean, f"0 or at least {1 / LARGEST:g} in size", self.mean == 0 or abs(self.mean) * LARGEST >= 1
        )
        # Smaller and larger spreads meet the ends of floating point numbers: shapes of 1e12 and 1e-6.
        _check("cv", self.cv, "0 (the homogeneous limit) or in [1e-06, 1000]", self.cv == 0 or 1e-6 <= self.cv <= 1e3)

    def quantile(self, q: ArrayLike) -> Array:
        q = _probabilities(q)
        if self.cv == 0:
            return np.full(q.shape, float(self.mean))
        return np.asarray(self._quantile(q), dtype=float)

    def cdf(self, x: ArrayLike) -> Array:
        x = _places(x)
        if self.cv == 0:
            return (x >= self.mean).astype(float)
        return np.asarray(self._cdf(x), dtype=float)

    def _quantile(self, q: Array) -> Array:
        raise NotImplementedError

    def _cdf(self, x: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class Gamma(_MeanCV):
    """Gamma distribution with shape 1/cv^2 and scale mean*cv^2: skewed to the right, positive."""

    family: ClassVar[str] = "gamma"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("mean of a gamma distribution", self.mean, "> 0", self.mean > 0)

    def _quantile(self, q: Array) -> Array:
        shape = self.cv**-2
        # The lowest quantiles underflow to 0 at large cv; a time constant of exactly 0 has no meaning.
        return np.asarray(np.maximum(_special().gammaincinv(shape, q) * (self.mean / shape), 1e-12 * self.mean))

    def _cdf(self, x: Array) -> Array:
        shape = self.cv**-2
        return np.asarray(_special().gammainc(shape, np.maximum(x, 0.0) / self.mean * shape))


@dataclass(frozen=True)
class LogNormal(_MeanCV):
    """Lognormal distribution: the logarithm is normal with variance log(1 + cv^2)."""

    family: ClassVar[str] = "lognormal"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("mean of a lognormal distribution", self.mean, "> 0", self.mean > 0)

    @property
    def _log(self) -> tuple[float, float]:
        s2 = math.log1p(self.cv**2)
        return math.log(self.mean) - s2 / 2, math.sqrt(s2)

    def _quantile(self, q: Array) -> Array:
        mu, sigma = self._log
        return np.asarray(np.exp(mu + sigma * _special().ndtri(q)))

    def _cdf(self, x: Array) -> Array:
        mu, sigma = self._log
        with np.errstate(divide="ignore"):
            return np.asarray(_special().ndtr((np.log(np.maximum(x, 0.0)) - mu) / sigma))


@dataclass(frozen=True)
class TruncatedNormal(_MeanCV):
    """Normal distribution cut symmetrically at `mean` ± `width`, so that it stays positive and symmetric.

    The cut lies at ``floor * mean`` and its mirror image; the underlying standard deviation is solved for so that the
    truncated distribution has the asked cv. A uniform distribution is its widest member, hence the upper bound of cv.
    """

    floor: float = 0.01
    family: ClassVar[str] = "truncated_normal"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("mean of a truncated normal distribution", self.mean, "other than 0", self.mean != 0)
        _check("floor of a truncated normal distribution", self.floor, "in [0, 1)", 0 <= self.floor < 1)
        limit = (1 - self.floor) / math.sqrt(3)
        _check("cv of a truncated normal distribution", self.cv, f"< {limit:.4g} (its uniform limit)", self.cv < limit)

    @property
    def _sigma(self) -> float:
        """Standard deviation of the normal before truncation, by bisection on the variance of the truncated one."""
        a = abs(self.mean) * (1 - self.floor)
        target = (self.cv * abs(self.mean) / a) ** 2  # variance in units of a^2, below 1/3
        low, high = 1e-8, 1e4
        for _ in range(200):
            middle = math.sqrt(low * high)
            z = 1 / middle
            # The formula cancels catastrophically for a nearly uniform density: use its series there.
            if z < 1e-2:
                variance = 1 / 3 - 2 * z**2 / 45
            else:
                mass = math.erf(z / math.sqrt(2))
                variance = middle**2 * (1 - 2 * z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / mass)
            low, high = (middle, high) if variance < target else (low, middle)
        return math.sqrt(low * high) * a

    def _quantile(self, q: Array) -> Array:
        a, sigma = abs(self.mean) * (1 - self.floor), self._sigma
        lowest = _special().ndtr(-a / sigma)
        x = self.mean + sigma * _special().ndtri(lowest + q * (1 - 2 * lowest))
        return np.asarray(np.clip(x, self.mean - a, self.mean + a))

    def _cdf(self, x: Array) -> Array:
        a, sigma = abs(self.mean) * (1 - self.floor), self._sigma
        lowest = _special().ndtr(-a / sigma)
        return np.asarray(np.clip((_special().ndtr((x - self.mean) / sigma) - lowest) / (1 - 2 * lowest), 0.0, 1.0))


@dataclass(frozen=True)
class Uniform(_Sampled):
    """Uniform distribution between `low` and `high`."""

    low: float
    high: float
    family: ClassVar[str] = "uniform"

    def __post_init__(self) -> None:
        _finite(low=self.low, high=self.high)
        _check("high of a uniform distribution", self.high, f">= low = {self.low:g}", self.high >= self.low)

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def cv(self) -> float:
        return _relative(_sd(self), self.mean)

    def quantile(self, q: ArrayLike) -> Array:
        return self.low + (self.high - self.low) * _probabilities(q)

    def cdf(self, x: ArrayLike) -> Array:
        x = _places(x)
        if self.high == self.low:
            return (x >= self.low).astype(float)
        return np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)


@dataclass(frozen=True)
class Mixture(_Sampled):
    """Clusters, each with a weight and a distribution of its own (the clustered networks of arXiv:2403.03409)."""

    weights: tuple[float, ...]
    components: tuple[Any, ...]
    family: ClassVar[str] = "mixture"

    def __post_init__(self) -> None:
        if not self.components or len(self.weights) != len(self.components):
            raise HeteroError(
                f"a mixture needs one weight a component, got {len(self.weights)} weights "
                f"and {len(self.components)} components"
            )
        for weight in self.weights:
            _check("weight of a mixture component", weight, "a finite number > 0", 0 < weight <= LARGEST)

    @property
    def shares(self) -> Array:
        """Weights scaled to sum to 1, shape (components,)."""
        w = np.asarray(self.weights, dtype=float)
        return np.asarray(w / w.sum())

    @property
    def mean(self) -> float:
        return float(sum(s * c.mean for s, c in zip(self.shares, self.components, strict=True)))

    @property
    def cv(self) -> float:
        return _relative(_sd(self), self.mean)

    def cdf(self, x: ArrayLike) -> Array:
        here = _places(x)
        return np.asarray(sum(s * c.cdf(here) for s, c in zip(self.shares, self.components, strict=True)), dtype=float)

    def quantile(self, q: ArrayLike) -> Array:
        q = _probabilities(q)
        if self.cv == 0:
            return np.full(q.shape, self.mean)
        ends = np.array([c.quantile(q) for c in self.components])
        low, high = ends.min(axis=0), ends.max(axis=0)  # the mixture's quantile lies between its components'
        finite = np.isfinite(low) & np.isfinite(high)
        low, high = np.where(finite, low, 0.0), np.where(finite, high, 0.0)
        for _ in range(100):
            middle = (low + high) / 2
            below = self.cdf(middle) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(finite, high, ends.max(axis=0))


def _sd(d: Any) -> float:
    """Standard deviation of any distribution; cv times mean would not do where the mean is 0."""
    if isinstance(d, Uniform):
        return (d.high - d.low) / math.sqrt(12)
    if isinstance(d, Mixture):
        mean = d.mean
        return math.sqrt(
            sum(s * (_sd(c) ** 2 + (c.mean - mean) ** 2) for s, c in zip(d.shares, d.components, strict=True))
        )
    return float(d.cv * abs(d.mean))


def _relative(sd: float, mean: float) -> float:
    if sd <= 1e-12 * abs(mean):  # what rounding leaves of equal components
        return 0.0
    return sd / abs(mean) if mean else math.inf


FAMILIES_BY_NAME: dict[str, type[Any]] = {
    c.family: c for c in (Constant, Gamma, LogNormal, TruncatedNormal, Uniform, Mixture)
}
#: Names that network files may use.
FAMILIES = tuple(FAMILIES_BY_NAME)


def make(family: str, **parameters: Any) -> Distribution:
    """Build a distribution by family name, e.g. ``make("gamma", mean=20.0, cv=0.5)``.

    Raises
    ------
    HeteroError
        If the family is unknown or a parameter is outside its range.
    """
    if family not in FAMILIES_BY_NAME:
        from hetero_rsnn.common.errors import suggest

        raise HeteroError(f"unknown distribution {family!r}{suggest(family, FAMILIES)}")
    return FAMILIES_BY_NAME[family](**parameters)  # type: ignore[no-any-return]
