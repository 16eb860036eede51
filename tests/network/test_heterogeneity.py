"""Distributions against scipy.stats and their own definition, and the measure H against closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.network.distributions import (
    FAMILIES,
    Constant,
    Distribution,
    Gamma,
    LogNormal,
    Mixture,
    TruncatedNormal,
    Uniform,
    make,
)
from hetero_rsnn.network.heterogeneity import heterogeneity

Q = np.linspace(0.001, 0.999, 199)

CLUSTERS = Mixture((2.0, 1.0, 1.0), (Gamma(15.0, 0.2), LogNormal(30.0, 0.3), Constant(60.0)))
EXAMPLES: dict[str, Distribution] = {
    "constant": Constant(20.0),
    "gamma": Gamma(20.0, 0.6),
    "gamma, wide": Gamma(0.01, 1.5),
    "lognormal": LogNormal(20.0, 0.8),
    "truncated normal": TruncatedNormal(20.0, 0.4),
    "truncated normal, narrow": TruncatedNormal(20.0, 1e-3),
    "truncated normal, negative": TruncatedNormal(-5.0, 0.3, 0.1),
    "uniform": Uniform(-0.5, 1.5),
    "mixture": CLUSTERS,
    "mixture of a mixture": Mixture((0.3, 0.7), (CLUSTERS, Uniform(5.0, 6.0))),
}

means = st.floats(1e-3, 1e3)
distributions = st.one_of(
    st.builds(Gamma, means, st.floats(0.01, 1.0)),  # wider ones end at a floor of 1e-12 means
    st.builds(LogNormal, means, st.floats(0.01, 3.0)),
    st.builds(TruncatedNormal, means, st.floats(0.01, 0.45), st.floats(0.0, 0.2)),
    st.builds(lambda low, width: Uniform(low, low + width), st.floats(-1e3, 1e3), st.floats(0.01, 1e3)),
)
mixtures = st.lists(st.tuples(st.floats(0.1, 10.0), distributions), min_size=1, max_size=4).map(
    lambda pairs: Mixture(tuple(w for w, _ in pairs), tuple(d for _, d in pairs))
)


def moments(d: Distribution, panels: int = 4000) -> tuple[float, float]:
    """Mean and cv by Gauss-Legendre integration of the quantile function over (0, 1), the ends in ever finer panels."""
    ends = np.geomspace(1e-14, 1 / panels, 60)
    breaks = np.concatenate([[0.0], ends, np.arange(2, panels - 1) / panels, 1 - ends[::-1], [1.0]])
    nodes, weights = np.polynomial.legendre.leggauss(4)
    width = np.diff(breaks)[:, None]
    x = d.quantile(breaks[:-1, None] + width * (nodes + 1) / 2)
    mean = float((x * weights / 2 * width).sum())
    return mean, math.sqrt(float(((x - mean) ** 2 * weights / 2 * width).sum())) / abs(mean)


@pytest.mark.parametrize("d", EXAMPLES.values(), ids=EXAMPLES)
def test_offers_the_protocol(d: Distribution) -> None:
    assert isinstance(d, Distribution)
    for shape in [(), (3,), (2, 3)]:
        assert d.quantile(np.full(shape, 0.3)).shape == shape
        assert d.cdf(np.full(shape, 0.3)).shape == shape


@pytest.mark.parametrize("d", EXAMPLES.values(), ids=EXAMPLES)
def test_declared_moments_are_those_of_the_quantiles(d: Distribution) -> None:
    mean, cv = moments(d)
    assert mean == pytest.approx(d.mean, rel=2e-4)
    assert cv == pytest.approx(d.cv, rel=2e-3, abs=1e-6)


@pytest.mark.parametrize("d", EXAMPLES.values(), ids=EXAMPLES)
def test_sample(d: Distribution) -> None:
    n = 10_000 if isinstance(d, Mixture) else 200_000
    x = d.sample(n, np.random.default_rng(1))
    assert x.shape == (n,) and x.dtype == np.float64 and np.isfinite(x).all()
    assert x.mean() == pytest.approx(d.mean, abs=5 * d.cv * abs(d.mean) / math.sqrt(n) + 1e-12)
    assert x.std() / abs(x.mean()) == pytest.approx(d.cv, rel=0.03, abs=1e-12)
    assert_array_equal(x, d.quantile(np.random.default_rng(1).random(n)))  # by inversion, one uniform number a value
    if d.cv and not isinstance(d, Mixture):  # the test knows no steps in a cdf
        assert stats.kstest(x[:5000], d.cdf).statistic < 1.95 / math.sqrt(5000)


@given(d=st.one_of(distributions, mixtures), q=st.lists(st.floats(1e-6, 1 - 1e-6), min_size=2, max_size=20))
def test_quantile_is_monotone_and_inverts_the_cdf(d: Distribution, q: list[float]) -> None:
    q = sorted(q)
    x = d.quantile(q)
    assert (np.diff(x) >= -1e-12 * np.abs(x[1:])).all()
    assert_allclose(d.cdf(x), q, atol=1e-6)
    assert ((d.cdf(x) >= 0) & (d.cdf(x) <= 1)).all()


@given(d=distributions, x=st.floats(0.05, 0.95))
def test_quantile_of_the_cdf(d: Distribution, x: float) -> None:
    value = float(d.quantile(x))
    assert float(d.quantile(d.cdf(value))) == pytest.approx(value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("d", EXAMPLES.values(), ids=EXAMPLES)
def test_ends(d: Distribution) -> None:
    """cdf is 0 below and 1 above everything; the ends are never NaN."""
    assert float(d.cdf(-1e6)) == 0.0 and float(d.cdf(1e9)) == 1.0
    low, high = d.quantile([0.0, 1.0])
    assert low <= float(d.quantile(0.5)) <= high and not np.isnan([low, high]).any()


@given(mean=means, cv=st.floats(0.05, 2.0))
def test_gamma_and_lognormal_against_scipy(mean: float, cv: float) -> None:
    reference = stats.gamma(cv**-2, scale=mean * cv**2)
    low = (0.05 if cv > 1 else 0) < Q  # below, the floor of 1e-12 means
    assert_allclose(Gamma(mean, cv).quantile(Q[low]), reference.ppf(Q[low]), rtol=1e-9)
    x = mean * np.array([-1.0, 0.0, 0.1, 1.0, 3.0])
    assert_allclose(Gamma(mean, cv).cdf(x), reference.cdf(x), rtol=1e-9)
    s = math.sqrt(math.log(1 + cv**2))
    reference = stats.lognorm(s, scale=mean * math.exp(-(s**2) / 2))
    assert_allclose(LogNormal(mean, cv).quantile(Q), reference.ppf(Q), rtol=1e-9)
    assert_allclose(LogNormal(mean, cv).cdf(x), reference.cdf(x), rtol=1e-9, atol=1e-300)
    assert reference.mean() == pytest.approx(mean) and reference.std() == pytest.approx(mean * cv)


@given(mean=means.flatmap(lambda m: st.sampled_from([m, -m])), share=st.floats(0.001, 0.999), floor=st.floats(0.0, 0.5))
def test_truncated_normal_against_scipy(mean: float, share: float, floor: float) -> None:
    """Symmetric, inside its cut, and of the asked cv up to the uniform limit."""
    limit = (1 - floor) / math.sqrt(3)
    d = TruncatedNormal(mean, share * limit, floor)
    a = abs(mean) * (1 - floor)
    reference = stats.truncnorm(-a / d._sigma, a / d._sigma, loc=mean, scale=d._sigma)
    assert reference.std() == pytest.approx(share * limit * abs(mean), rel=1e-4)
    x = d.quantile(Q)
    assert_allclose(x, reference.ppf(Q), rtol=1e-6)
    assert_allclose(d.cdf(x), reference.cdf(x), atol=1e-6)
    assert_allclose(x + x[::-1], 2 * mean, rtol=1e-7)
    ends = d.quantile([0.0, 1.0])
    assert ends.min() >= mean - a and ends.max() <= mean + a


@pytest.mark.parametrize("share", [1e-4, 0.01, 0.3, 0.6, 0.9, 0.99, 0.9999, 1 - 1e-9])
def test_truncated_normal_has_exactly_the_asked_cv(share: float) -> None:
    d = TruncatedNormal(7.0, share * (1 - 0.01) / math.sqrt(3))
    mean, cv = moments(d)
    assert mean == pytest.approx(7.0, rel=1e-9)
    assert cv == pytest.approx(d.cv, rel=1e-5)


def test_truncated_normal_near_its_limit_is_uniform() -> None:
    floor = 0.1
    d = TruncatedNormal(10.0, (1 - floor) / math.sqrt(3) * (1 - 1e-9), floor)
    assert_allclose(d.quantile(Q), Uniform(1.0, 19.0).quantile(Q), rtol=1e-4)


@given(low=st.floats(-1e3, 1e3), width=st.floats(0.0, 1e3))
def test_uniform_against_scipy(low: float, width: float) -> None:
    d = Uniform(low, low + width)
    assert_allclose(d.quantile(Q), stats.uniform(low, width).ppf(Q) if width else np.full(Q.shape, low), atol=1e-9)
    if width > 1e-6:
        x = np.array([low - 1, low + 0.3 * width, low + 2 * width])
        assert_allclose(d.cdf(x), stats.uniform(low, width).cdf(x), atol=1e-6)
    assert d.cv * abs(d.mean) == pytest.approx(width / math.sqrt(12), rel=1e-6, abs=1e-9) or d.mean == 0


def test_cv_where_the_mean_is_zero() -> None:
    assert Uniform(-1.0, 1.0).cv == math.inf
    assert Uniform(0.0, 0.0).cv == 0.0
    assert Mixture((1.0, 1.0), (Constant(-1.0), Constant(1.0))).cv == math.inf
    # A component of mean 0 and cv infinity is a spread like any other.
    mixed = Mixture((1.0, 1.0), (Uniform(-1.0, 1.0), Constant(1.0)))
    assert mixed.cv == pytest.approx(math.sqrt(1 / 6 + 1 / 2 - 1 / 4) / 0.5)
    assert np.unique(mixed.quantile([0.1, 0.2, 0.9])).size == 3


@pytest.mark.parametrize("mean", [1e-3, 20.0, 1 / 3])
@pytest.mark.parametrize("family", ["gamma", "lognormal", "truncated_normal"])
def test_cv_of_zero_is_constant_exactly(family: str, mean: float) -> None:
    d = make(family, mean=mean, cv=0.0)
    assert (d.sample(100, np.random.default_rng(0)) == mean).all()
    assert_array_equal(d.quantile([0.0, 0.5, 1.0]), [mean] * 3)
    assert_array_equal(d.cdf([mean * 0.999, mean, mean * 1.001]), [0.0, 1.0, 1.0])


def test_homogeneous_limits_of_the_others() -> None:
    same = Mixture((1.0, 2.0), (Constant(20.0), Gamma(20.0, 0.0)))
    for d in (Constant(20.0), Uniform(20.0, 20.0), same):
        assert d.cv == 0.0
        assert_allclose(d.quantile([0.0, 0.3, 1.0]), 20.0, rtol=1e-15)
        assert_array_equal(d.cdf([19.0, 21.0]), [0.0, 1.0])
        assert np.ptp(d.sample(50, np.random.default_rng(0))) == 0.0


@pytest.mark.parametrize("cls", [Gamma, LogNormal, TruncatedNormal])
@pytest.mark.parametrize("cv", [1e-6, 1e-4, 1e-2])
def test_small_spreads_are_normal(cls: Any, cv: float) -> None:
    x = cls(20.0, cv).quantile(Q)
    assert_allclose((x - 20) / (20 * cv), stats.norm.ppf(Q), atol=10 * cv + 1e-5)


@pytest.mark.parametrize("cls", [Gamma, LogNormal])
def test_large_spreads_stay_positive_and_finite(cls: Any) -> None:
    for cv in (3.0, 30.0, 1000.0):
        x = cls(20.0, cv).sample(10_000, np.random.default_rng(0))
        assert np.isfinite(x).all() and (x > 0).all()


@given(d=mixtures)
def test_mixture(d: Mixture) -> None:
    """Shares sum to 1; mean and variance follow the law of total variance; one component is itself."""
    assert d.shares.sum() == pytest.approx(1.0)
    m = np.array([c.mean for c in d.components])
    v = np.array([(c.high - c.low) ** 2 / 12 if isinstance(c, Uniform) else (c.cv * c.mean) ** 2 for c in d.components])
    mean = float(d.shares @ m)
    assert d.mean == pytest.approx(mean, rel=1e-9, abs=1e-9)
    sd = math.sqrt(float(d.shares @ (v + (m - mean) ** 2)))
    if abs(mean) > 1e-6:
        assert d.cv * abs(d.mean) == pytest.approx(sd, rel=1e-9)
    x = d.quantile(Q)
    assert_allclose(sum(s * c.cdf(x) for s, c in zip(d.shares, d.components, strict=True)), Q, atol=1e-6)
    if len(d.components) == 1:
        assert_allclose(x, d.components[0].quantile(Q), rtol=1e-9, atol=1e-9)


def test_mixture_of_constants_takes_each_by_its_share() -> None:
    d = Mixture((1.0, 3.0), (Constant(10.0), Constant(50.0)))
    assert_allclose(d.quantile([0.0, 0.1, 0.25, 0.2501, 0.9, 1.0]), [10, 10, 10, 50, 50, 50], rtol=1e-12)
    x = d.sample(20_000, np.random.default_rng(0))
    assert (np.abs(x - 10) < 1e-9).mean() == pytest.approx(0.25, abs=0.015)
    assert d.mean == 40.0 and d.cv == pytest.approx(math.sqrt(300) / 40)


def test_skew_sets_the_families_apart() -> None:
    """The control (truncated normal) is symmetric where the others are skewed to the right."""
    skew = {c: stats.skew(c(20.0, 0.5).quantile(np.linspace(0.0005, 0.9995, 1000))) for c in (Gamma, LogNormal)}
    assert skew[LogNormal] > skew[Gamma] > 0.8
    assert abs(stats.skew(TruncatedNormal(20.0, 0.5).quantile(np.linspace(0.0005, 0.9995, 1000)))) < 1e-9


def test_a_spread_moves_values_monotonely() -> None:
    """Same seed, same ranks: networks of different cv share the uniform numbers."""
    a, b = (Gamma(20.0, cv).sample(500, np.random.default_rng(3)) for cv in (0.2, 0.9))
    assert_array_equal(np.argsort(a), np.argsort(b))


@pytest.mark.parametrize(
    ("family", "parameters", "words"),
    [
        ("constant", {"value": math.nan}, "value must be a finite number (at most 1e+100 in size), got nan"),
        ("constant", {"value": 1e101}, "value must be a finite number (at most 1e+100 in size), got 1e+101"),
        ("gamma", {"mean": 0.0, "cv": 0.5}, "mean of a gamma distribution must be > 0, got 0"),
        ("gamma", {"mean": -3.0, "cv": 0.5}, "mean of a gamma distribution must be > 0, got -3"),
        ("gamma", {"mean": math.inf, "cv": 0.5}, "mean must be a finite number (at most 1e+100 in size), got inf"),
        ("gamma", {"mean": 1e-320, "cv": 0.5}, "mean must be 0 or at least 1e-100 in size, got 9.99989e-321"),
        ("gamma", {"mean": 3.0, "cv": -0.5}, "cv must be 0 (the homogeneous limit) or in [1e-06, 1000], got -0.5"),
        ("gamma", {"mean": 3.0, "cv": 1e-200}, "cv must be 0 (the homogeneous limit) or in [1e-06, 1000], got 1e-200"),
        ("gamma", {"mean": 3.0, "cv": 1e99}, "cv must be 0 (the homogeneous limit) or in [1e-06, 1000], got 1e+99"),
        ("gamma", {"mean": 3.0, "cv": math.nan}, "cv must be a finite number (at most 1e+100 in size), got nan"),
        ("lognormal", {"mean": 0.0, "cv": 0.5}, "mean of a lognormal distribution must be > 0, got 0"),
        ("truncated_normal", {"mean": 0.0, "cv": 0.5}, "must be other than 0, got 0"),
        ("truncated_normal", {"mean": 3.0, "cv": 0.58}, "must be < 0.5716 (its uniform limit), got 0.58"),
        ("truncated_normal", {"mean": 3.0, "cv": 0.1, "floor": 1.0}, "must be in [0, 1), got 1"),
        ("truncated_normal", {"mean": 3.0, "cv": 0.1, "floor": math.nan}, "must be in [0, 1), got nan"),
        ("uniform", {"low": 2.0, "high": 1.0}, "high of a uniform distribution must be >= low = 2, got 1"),
        ("uniform", {"low": -math.inf, "high": 1.0}, "low must be a finite number (at most 1e+100 in size), got -inf"),
        ("mixture", {"weights": (), "components": ()}, "got 0 weights and 0 components"),
        ("mixture", {"weights": (1.0,), "components": (Constant(1.0),) * 2}, "got 1 weights and 2 components"),
        ("mixture", {"weights": (1.0, 0.0), "components": (Constant(1.0),) * 2}, "must be a finite number > 0, got 0"),
        ("mixture", {"weights": (1e308,) * 2, "components": (Constant(1.0),) * 2}, "a finite number > 0, got 1e+308"),
        ("mixture", {"weights": (math.inf,), "components": (Constant(1.0),)}, "must be a finite number > 0, got inf"),
        ("gama", {"mean": 3.0, "cv": 1.0}, "unknown distribution 'gama' (did you mean 'gamma'?)"),
    ],
)
def test_refused(family: str, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(HeteroError) as info:
        make(family, **parameters)
    assert words in str(info.value) and "\n" not in str(info.value)


def test_every_family_is_made_by_name() -> None:
    kinds = {d.family for d in EXAMPLES.values()}  # type: ignore[attr-defined]
    assert kinds | {"uniform"} == set(FAMILIES)
    assert make("gamma", mean=20.0, cv=0.5) == Gamma(20.0, 0.5)
    assert hash(CLUSTERS) == hash(EXAMPLES["mixture"])


@pytest.mark.parametrize("cv", [0.1, 0.5, 1.5])
def test_measure_of_a_lognormal(cv: float) -> None:
    """The logarithm of a lognormal has variance log(1 + cv^2), whatever its unit."""
    x = LogNormal(20.0, cv).quantile((np.arange(200_000) + 0.5) / 200_000)
    found = heterogeneity({"tau_m": x})
    assert found.determinant == pytest.approx(math.log(1 + cv**2), rel=1e-3)
    assert found.entropy == pytest.approx(0.5 * math.log(math.log(1 + cv**2)), abs=1e-3)
    assert found.names == ("tau_m",) and found.covariance.shape == (1, 1)
    assert heterogeneity({"tau_m": x / 1e3}).determinant == pytest.approx(found.determinant)


def test_measure_of_independent_parameters_multiplies() -> None:
    rng = np.random.default_rng(5)
    columns = {f"p{k}": LogNormal(1.0, cv).sample(200_000, rng) for k, cv in enumerate((0.3, 0.7, 1.2))}
    found = heterogeneity(columns)
    product = math.prod(math.log(1 + cv**2) for cv in (0.3, 0.7, 1.2))
    assert found.determinant == pytest.approx(product, rel=0.02)
    assert found.entropy == pytest.approx(0.5 * math.log(found.determinant))
    assert found.names == tuple(columns)


@pytest.mark.parametrize("r", [0.0, 0.6, -0.9])
def test_measure_of_dependent_parameters(r: float) -> None:
    """det of a 2 x 2 covariance: s1^2 s2^2 (1 - r^2)."""
    z = np.random.default_rng(6).multivariate_normal([0, 0], [[4.0, 2 * r], [2 * r, 1.0]], size=200_000)
    assert heterogeneity(list(np.exp(z).T)).determinant == pytest.approx(4 * (1 - r**2), rel=0.03)
    assert heterogeneity(list(z.T), log=False).determinant == pytest.approx(4 * (1 - r**2), rel=0.03)
    assert heterogeneity(list(z.T), log=False).names == ("p0", "p1")


@pytest.mark.parametrize("value", [20.0, 0.1, 1 / 3, 1e-9])
def test_measure_of_a_homogeneous_set(value: float) -> None:
    """Equal numbers have no spread, though the mean of 333 thirds is rounded."""
    spread = LogNormal(1.0, 0.5).sample(333, np.random.default_rng(0))
    for parameters in ({"a": np.full(333, value)}, {"a": np.full(333, value), "b": spread}):
        for log in (True, False):
            found = heterogeneity(parameters, log=log)
            assert found.determinant == 0.0 and found.entropy == -math.inf


@pytest.mark.parametrize(
    ("parameters", "log", "words"),
    [
        ({}, True, "needs parameters of one length >= 2, got {}"),
        ({"a": [1.0]}, True, "got {'a': 1}"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, True, "got {'a': 2, 'b': 3}"),
        ({"a": [1.0, 0.0]}, True, "is not > 0: use log=False"),
        ({"a": [1.0, math.nan]}, False, "finite values, got NaN or infinity"),
        ({"a": [1.0, math.inf]}, True, "finite values, got NaN or infinity"),
    ],
)
def test_measure_refuses(parameters: dict[str, list[float]], log: bool, words: str) -> None:
    with pytest.raises(HeteroError) as info:
        heterogeneity(parameters, log=log)
    assert words in str(info.value) and "\n" not in str(info.value)
