"""Quantile features against W2 by integration and closed forms; the kernel against its definition and differences."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, special, stats
from sklearn.base import clone
from skopt.learning import GaussianProcessRegressor
from skopt.learning.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.network.distributions import Distribution, Gamma, LogNormal, TruncatedNormal, Uniform
from hetero_rsnn.searching.quantiles import QuantileFeatures, w2
from hetero_rsnn.searching.space import Space, load_space
from hetero_rsnn.searching.wasserstein import WassersteinMatern, wasserstein_matern

#: Every family, scale and way of fixing one of mean and cv, and scalars.
MIXED = """
base = "henhes"
[parameters."E.tau_m"]
mean = ["10 ms", "60 ms"]
cv = [0, 1.2]
[parameters."I.tau_m"]
distribution = "truncated_normal"
mean = ["10 ms", "60 ms"]
cv = [0.1, 0.5]
scale = "linear"
[parameters.tau_plus]
distribution = "lognormal"
cv = [0, 2]
[parameters.eta_plus]
mean = [0.01, 0.03]
scale = "linear"
[parameters.eta_minus]
mean = [0.001, 0.05]
[parameters."EI.weight"]
mean = [0.0, 0.4]
cv = [0, 1]
scale = "linear"
[parameters.tau_minus]
mean = "15 ms"
[scalars."input gain"]
targets = ["input.weight"]
as = "factor"
range = [0.5, 2]
[parameters.I_bias]
mean = [1.0, 1.1]
scale = "linear"
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("space") / "mixed.toml"
    path.write_text(MIXED)
    return load_space(path)


@pytest.fixture(scope="module")
def paper() -> Space:
    return load_space("paper")


@pytest.fixture(params=["paper", "mixed", "homogeneous", "quick"])
def space(request: pytest.FixtureRequest, mixed: Space) -> Space:
    return mixed if request.param == "mixed" else load_space(request.param)


def points(space: Space, n: int, seed: int = 0) -> np.ndarray:
    """Random points, with some coordinates at their ends."""
    rng = np.random.default_rng(seed)
    z = rng.random((n, len(space.dimensions)))
    ends = rng.random(z.shape)
    return np.where(ends < 0.1, 0.0, np.where(ends > 0.95, 1.0, z))


def exact(p: Distribution, q: Distribution, log: bool) -> float:
    """W2 by adaptive integration over the normal score."""

    def integrand(t: float) -> float:
        x, y = (float(d.quantile(special.ndtr(t))) for d in (p, q))
        return (math.log(x) - math.log(y) if log else x - y) ** 2 * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)

    return math.sqrt(integrate.quad(integrand, -8.0, 8.0, limit=300, epsabs=1e-12, epsrel=1e-9)[0])


def slopes(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Central differences; the coordinate comes last."""
    return np.stack([(f(x + e) - f(x - e)) / (2 * h) for e in h * np.eye(x.size)], axis=-1)


# Distances


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize(
    ("p", "q"),
    [
        (Gamma(20.0, 0.3), Gamma(30.0, 0.8)),
        (Gamma(20.0, 1.2), Gamma(20.0, 0.0)),
        (Gamma(20.0, 0.5), LogNormal(20.0, 0.5)),
        (LogNormal(1.0, 1.0), TruncatedNormal(2.0, 0.5)),
        (TruncatedNormal(2.0, 0.55), Uniform(1.0, 3.0)),
    ],
    ids=str,
)
def test_w2_against_integration(p: Distribution, q: Distribution, log: bool) -> None:
    assert w2(p, q, log=log) == pytest.approx(exact(p, q, log), rel=1e-5)
    assert w2(p, q, log=log) == w2(q, p, log=log) and w2(p, p, log=log) == 0.0


@pytest.mark.parametrize(("a", "b"), [((20.0, 0.3), (30.0, 1.2)), ((5.0, 0.0), (5.0, 2.0)), ((5.0, 0.0), (7.0, 0.0))])
def test_w2_of_lognormals(a: tuple[float, float], b: tuple[float, float]) -> None:
    """Their logarithms are normal: the squared differences of mu and of sigma."""
    sigma = [math.sqrt(math.log1p(cv**2)) for _, cv in (a, b)]
    mu = [math.log(mean) - s**2 / 2 for (mean, _), s in zip((a, b), sigma, strict=True)]
    expected = math.hypot(mu[0] - mu[1], sigma[0] - sigma[1])
    assert w2(LogNormal(*a), LogNormal(*b), log=True) == pytest.approx(expected, rel=1e-9)


def test_w2_of_uniforms_and_shifts() -> None:
    p, q = Uniform(0.0, 2.0), Uniform(1.0, 5.0)
    expected = math.sqrt((3.0 - 1.0) ** 2 + (4.0 - 2.0) ** 2 / 12)  # means and standard deviations
    assert w2(p, q) == pytest.approx(expected, rel=1e-6)
    assert w2(Gamma(10.0, 0.5), Gamma(30.0, 0.5), log=True) == pytest.approx(math.log(3))
    assert w2(Gamma(10.0, 0.5), Gamma(30.0, 0.5)) == pytest.approx(20 * math.sqrt(1 + 0.5**2), rel=1e-6)
    assert w2(Gamma(10.0, 0.0), Gamma(30.0, 0.0)) == pytest.approx(20.0)


def test_w2_is_not_below_w1() -> None:
    """Jensen's inequality, with W1 of samples from scipy."""
    p, q = Gamma(20.0, 0.4), LogNormal(25.0, 0.9)
    u = (np.arange(20_000) + 0.5) / 20_000
    w1 = stats.wasserstein_distance(p.quantile(u), q.quantile(u))
    assert w1 <= w2(p, q) <= 3 * w1


def test_w2_refuses_logarithms_of_negative_values() -> None:
    with pytest.raises(HeteroError, match="logarithms need positive values"):
        w2(Uniform(-1.0, 1.0), Gamma(1.0, 0.5), log=True)


# Features


def test_features_are_isometric(space: Space) -> None:
    """Distances within a group are W2, divided by its span; of scalars, differences of the coordinate."""
    features = QuantileFeatures.from_space(space)
    z = points(space, 40)
    groups = features.split(features(z))
    found = [space.distributions(space.from_unit(x)) for x in z]
    assert features.dimensions == len(space.dimensions) and len(groups) == len(features.groups) == len(features.spans)
    for entry, group, span in zip(features.entries, groups, features.spans, strict=True):
        for i in range(0, 40, 2):
            distance = span * float(np.linalg.norm(group[i] - group[i + 1]))
            p, q = found[i][entry.name], found[i + 1][entry.name]
            if entry.family == "constant":
                low, high = entry.mean.low, entry.mean.high  # type: ignore[union-attr]
                f = np.log if entry.log else np.asarray
                expected = abs(float((f(p.mean) - f(q.mean)) / (f(high) - f(low))))
            else:
                expected = w2(p, q, log=entry.log)
            assert distance == pytest.approx(expected, rel=1e-4, abs=2e-5 * span)


@pytest.mark.parametrize("family", ["gamma", "lognormal", "truncated_normal"])
@pytest.mark.parametrize("scale", ["log", "linear"])
def test_interpolation_error(family: str, scale: str, tmp_path: Path) -> None:
    """Between the points of the table a distance is wrong by less than 1e-5 of what the entry spans."""
    high = 0.57 if family == "truncated_normal" else 1.2
    file = tmp_path / "one.toml"
    file.write_text(
        f'base = "honhos"\n[parameters.tau_plus]\ndistribution = "{family}"\nmean = ["5 ms", "80 ms"]\n'
        f'cv = [0, {high}]\nscale = "{scale}"\n'
    )
    space = load_space(file)
    features = QuantileFeatures.from_space(space)
    u = np.random.default_rng(1).random(200)
    z = np.column_stack([np.full(200, 0.3), u])
    here, rest = features(z), features([[0.3, 0.0]])
    constant = space.distributions(space.from_unit([0.3, 0.0]))["tau_plus"]
    for row, point in zip(here, z, strict=True):
        d = space.distributions(space.from_unit(point))["tau_plus"]
        expected = w2(d, constant, log=scale == "log") / features.spans[0]
        assert float(np.linalg.norm(row - rest[0])) == pytest.approx(expected, abs=1e-5)


def test_features_of_lognormals_are_few_and_exact(tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text(
        'base = "honhos"\n[parameters.tau_plus]\ndistribution = "lognormal"\nmean = ["5 ms", "80 ms"]\ncv = [0, 1.5]\n'
    )
    features = QuantileFeatures.from_space(load_space(file))
    assert features.sizes == (2,)  # mu and sigma
    sigma = math.sqrt(math.log1p(1.5**2))
    a, b = features([[0.2, 0.0], [0.7, 1.0]]) * features.spans[0]
    mu = [0.2 * math.log(16), 0.7 * math.log(16) - sigma**2 / 2]
    assert math.dist(a, b) == pytest.approx(math.hypot(mu[0] - mu[1], sigma), rel=1e-9)


def test_the_homogeneous_limit_is_continuous(space: Space) -> None:
    """cv = 0 is a constant; a little spread moves the features a little, in proportion."""
    features = QuantileFeatures.from_space(space)
    spread = np.array([d.name.endswith(".cv") and d.low == 0 for d in space.dimensions])
    if not spread.any():
        return
    z = np.full(len(space.dimensions), 0.4)
    steps = [features(np.where(spread, x, z))[0] for x in (0.0, 1e-6, 1e-4, 1e-2)]
    assert all(np.isfinite(f).all() for f in steps)
    moved = [float(np.linalg.norm(f - steps[0])) for f in steps[1:]]
    assert_allclose(np.diff(np.log10(moved)), 2.0, atol=0.05)


def test_derivatives_of_features(space: Space) -> None:
    features = QuantileFeatures.from_space(space)
    for z in 0.02 + 0.96 * np.random.default_rng(2).random((5, len(space.dimensions))):
        value, jacobian = features.jacobian(z)
        assert_array_equal(value, features(z)[0])
        assert_allclose(jacobian, slopes(lambda x: features(x)[0], z), atol=1e-6)


def test_spans_are_what_mean_and_cv_reach(paper: Space) -> None:
    features = QuantileFeatures.from_space(paper)
    assert features.spans[0] == pytest.approx(
        max(math.log(6), w2(Gamma(1.0, 0.0), Gamma(1.0, 1.2), log=True)), rel=1e-5
    )
    assert features.groups == ("E.tau_m", "I.tau_m", "tau_plus", "tau_minus", "eta_plus", "eta_minus")


def test_features_are_values(paper: Space, mixed: Space) -> None:
    one, two = (QuantileFeatures.from_space(s) for s in (paper, load_space("paper", n=100)))
    assert one == two and hash(one) == hash(two) and one != QuantileFeatures.from_space(mixed)
    assert copy.deepcopy(one) is one and pickle.loads(pickle.dumps(one)) == one
    z = points(paper, 5)
    assert_array_equal(pickle.loads(pickle.dumps(one))(z), one(z))


def test_what_is_kept_is_right_and_bounded(paper: Space) -> None:
    features = QuantileFeatures.from_space(paper)
    for seed in range(30):
        z = points(paper, 6, seed)
        assert_array_equal(features.kept(z), features(z))
        squares = features.squares(z)
        assert features.squares(z.copy()) is squares and not squares.flags.writeable
        apart = [np.sum((f[:, None] - f[None]) ** 2, axis=2) for f in features.split(features(z))]
        assert_allclose(squares, apart, atol=1e-12)
        z[0] = 0.5  # the caller may change the points: the next answer is for the new ones
        assert_array_equal(features.kept(z), features(z))
    assert len(features._kept) <= 8


@pytest.mark.parametrize("z", [[[0.5] * 11], [[1.1] * 12], [[math.nan] * 12], np.zeros((2, 2, 12))])
def test_points_refused(z: object, paper: Space) -> None:
    with pytest.raises(HeteroError, match="points must"):
        QuantileFeatures.from_space(paper)(z)  # type: ignore[arg-type]


# Kernel


def test_kernel_against_its_definition(mixed: Space) -> None:
    features = QuantileFeatures.from_space(mixed)
    scales = np.linspace(0.3, 2.0, len(features.entries))
    kernel = WassersteinMatern(features, scales)
    z = points(mixed, 12)
    found = [mixed.distributions(mixed.from_unit(x)) for x in z]
    for i, j in [(0, 1), (2, 3), (4, 9)]:
        total = 0.0
        for entry, span, scale in zip(features.entries, features.spans, scales, strict=True):
            p, q = found[i][entry.name], found[j][entry.name]
            if entry.family == "constant":
                d = entry.mean.to_unit(p.mean) - entry.mean.to_unit(q.mean)  # type: ignore[union-attr]
            else:
                d = w2(p, q, log=entry.log) / span
            total += (d / scale) ** 2
        s = math.sqrt(5 * total)
        assert kernel(z)[i, j] == pytest.approx((1 + s + s**2 / 3) * math.exp(-s), rel=1e-4)


def test_kernel_of_means_alone_is_a_plain_matern() -> None:
    """Without spread the distance is that of the logarithms, which is what the unit cube holds."""
    space = load_space("homogeneous")
    scales = np.array([0.3, 0.5, 0.7, 1.0, 1.5, 3.0])
    kernel = WassersteinMatern(QuantileFeatures.from_space(space), scales)
    plain = Matern(scales, nu=2.5)
    x, y = points(space, 20), points(space, 15, 1)
    assert_allclose(kernel(x), plain(x), atol=1e-12)
    assert_allclose(kernel(x, y), plain(x, y), atol=1e-12)
    assert_allclose(kernel(x, eval_gradient=True)[1], plain(x, eval_gradient=True)[1], atol=1e-12)
    assert_allclose(kernel.gradient_x(x[0], y), plain.gradient_x(x[0], y), atol=1e-12)


@pytest.mark.parametrize("length_scale", [0.05, 0.5, 5.0, 20.0])
def test_kernel_is_positive_definite(space: Space, length_scale: float) -> None:
    kernel = wasserstein_matern(space, length_scale=length_scale)
    k = kernel(points(space, 150))
    assert_array_equal(k, k.T)
    assert_array_equal(np.diag(k), 1.0)
    assert np.linalg.eigvalsh(k).min() > -1e-10
    assert (k > 0).all() and (k <= 1).all()


def test_both_ways_to_ask_agree(space: Space) -> None:
    kernel = wasserstein_matern(space)
    z = points(space, 30)
    assert_allclose(kernel(z, z), kernel(z), atol=1e-14)
    assert_array_equal(np.diag(kernel(z, z)), 1.0)  # equal points, exactly
    assert_allclose(kernel(z[:7], z), kernel(z, z[:7]).T, atol=1e-15)
    assert_array_equal(kernel.diag(z), np.ones(30))


def test_many_points(paper: Space) -> None:
    """Beyond the size of training sets the way of computing differs, the numbers do not."""
    kernel = wasserstein_matern(paper)
    z = points(paper, 1100)
    k = kernel(z)
    assert not kernel.features._kept
    assert_allclose(k[:50, :50], kernel(z[:50]), atol=1e-14)
    assert_array_equal(k, k.T)


def test_equal_distributions_are_one_point(tmp_path: Path) -> None:
    """Two spaces of the coordinates differ, the distributions do not: what counts is the distribution."""
    file = tmp_path / "one.toml"
    text = 'base = "honhos"\n[parameters.tau_plus]\ndistribution = "{}"\nmean = ["5 ms", "80 ms"]\ncv = [0, 0.5]\n'
    at_limit = []
    for family in ("gamma", "lognormal", "truncated_normal"):
        file.write_text(text.format(family))
        features = QuantileFeatures.from_space(load_space(file))
        at_limit.append(features.split(features([[0.3, 0.0], [0.8, 0.0]]))[0] * features.spans[0])
    for features_of_family in at_limit:  # without spread all families are the constant
        assert math.dist(*features_of_family) == pytest.approx(0.5 * math.log(16))
    file.write_text(text.format("truncated_normal").replace("0.5]", "1e-6]"))
    kernel = wasserstein_matern(load_space(file))
    assert float(kernel([[0.3, 0.0]], [[0.3, 1.0]])[0, 0]) == pytest.approx(1.0, abs=1e-9)


def test_spread_counts_by_what_it_does(paper: Space) -> None:
    """Unlike in the unit cube: the step from cv 0 to 0.1 changes less than the one from 1.1 to 1.2."""
    kernel = wasserstein_matern(paper)
    z = np.tile(paper.unit(paper.default), (4, 1))
    z[:, 1] = np.array([0.0, 0.1, 1.1, 1.2]) / 1.2
    k = kernel(z)
    assert k[0, 1] > k[2, 3]


@pytest.mark.parametrize("length_scale", [0.3, 2.0])
def test_gradient_by_length_scales(space: Space, length_scale: float) -> None:
    kernel = wasserstein_matern(space, length_scale=length_scale)
    kernel.theta = kernel.theta + np.linspace(-0.5, 0.5, kernel.theta.size)
    z = points(space, 8)
    k, gradient = kernel(z, eval_gradient=True)
    assert_array_equal(k, kernel(z))
    assert gradient.shape == (8, 8, len(kernel.features.groups))
    assert_allclose(gradient, slopes(lambda theta: kernel.clone_with_theta(theta)(z), kernel.theta), atol=1e-8)


def test_one_length_scale_for_all(paper: Space) -> None:
    kernel = WassersteinMatern(QuantileFeatures.from_space(paper), 0.7)
    z = points(paper, 6)
    k, gradient = kernel(z, eval_gradient=True)
    assert gradient.shape == (6, 6, 1) and kernel.theta.shape == (1,)
    assert_allclose(k, wasserstein_matern(paper, length_scale=0.7)(z), rtol=1e-12)
    assert_allclose(gradient, slopes(lambda theta: kernel.clone_with_theta(theta)(z), kernel.theta), atol=1e-8)
    fixed = WassersteinMatern(kernel.features, 0.7, "fixed")
    assert fixed.theta.size == 0 and fixed(z, eval_gradient=True)[1].shape == (6, 6, 0)


@pytest.mark.parametrize("length_scale", [0.3, 2.0])
def test_gradient_by_points(space: Space, length_scale: float) -> None:
    kernel = wasserstein_matern(space, length_scale=length_scale)
    train = points(space, 9)
    for x in 0.02 + 0.96 * np.random.default_rng(4).random((4, len(space.dimensions))):
        found = kernel.gradient_x(x, train)
        assert found.shape == train.shape
        assert_allclose(found, slopes(lambda p: kernel(p[None], train)[0], x), atol=2e-7)
    inside = np.clip(train, 0.1, 0.9)
    assert_array_equal(kernel.gradient_x(inside[0], inside)[0], 0.0)  # at a training point, without 0 / 0


@pytest.mark.parametrize("make", ["product", "sum", "both"])
def test_in_products_and_sums(paper: Space, make: str) -> None:
    """As scikit-optimize composes kernels: a factor for the variance, white noise added."""
    kernel = wasserstein_matern(paper)
    composed = {
        "product": ConstantKernel(2.0) * kernel,
        "sum": kernel + WhiteKernel(0.1),
        "both": ConstantKernel(2.0) * kernel + WhiteKernel(0.1),
    }[make]
    train = points(paper, 10)
    x = np.random.default_rng(5).uniform(0.1, 0.9, 12)
    assert_allclose(composed.gradient_x(x, train), slopes(lambda p: composed(p[None], train)[0], x), atol=2e-7)
    k, gradient = composed(train, eval_gradient=True)
    assert_allclose(gradient, slopes(lambda t: composed.clone_with_theta(t)(train), composed.theta), atol=1e-7)
    assert composed.bounds.shape == (composed.theta.size, 2)
    assert (np.linalg.eigvalsh(k) > -1e-10).all()


def test_clone(paper: Space) -> None:
    kernel = wasserstein_matern(paper, length_scale=0.5)
    kernel.theta = np.log([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    again = clone(kernel)
    assert again == kernel and again is not kernel and again.features is kernel.features
    assert_allclose(again.length_scale, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert set(kernel.get_params()) == {"features", "length_scale", "length_scale_bounds"}
    again.theta = np.zeros(6)
    assert again != kernel and kernel.theta[0] == pytest.approx(math.log(0.1))
    assert pickle.loads(pickle.dumps(kernel)) == kernel
    assert repr(kernel).startswith("WassersteinMatern(E.tau_m=0.1, I.tau_m=0.2")
    assert not kernel.is_stationary() and kernel.bounds.shape == (6, 2)


def test_wrong_length_scales(paper: Space) -> None:
    features = QuantileFeatures.from_space(paper)
    with pytest.raises(HeteroError, match="length_scale must hold 1 or 6 numbers, got 5"):
        WassersteinMatern(features, np.ones(5))(points(paper, 3))
    with pytest.raises(HeteroError, match="length_scale must be > 0"):
        WassersteinMatern(features, -1.0)(points(paper, 3))
    with pytest.raises(HeteroError, match="leave Y out"):
        WassersteinMatern(features)(points(paper, 3), points(paper, 3), eval_gradient=True)


# In scikit-optimize


def response(space: Space, z: np.ndarray) -> np.ndarray:
    """A smooth function of the distributions: the share of slow neurons, bent by the balance of learning."""
    out = []
    for row in z:
        d = space.distributions(space.from_unit(row))
        slow = 1 - float(d["E.tau_m"].cdf(40.0))
        balance = math.log(d["eta_minus"].mean / d["eta_plus"].mean)
        out.append(3 * slow - 0.2 * (balance + 1) ** 2)
    return np.array(out)


@pytest.mark.filterwarnings("ignore:The optimal value found")  # parameters that do not matter end at the bound
def test_regression_beats_the_prior(paper: Space) -> None:
    z = np.random.default_rng(6).random((90, 12))
    y = response(paper, z)
    kernel = ConstantKernel(1.0) * wasserstein_matern(paper)
    model = GaussianProcessRegressor(kernel, normalize_y=True, noise="gaussian", random_state=0)
    train, test = slice(0, 60), slice(60, 90)
    model.fit(z[train], y[train])
    mean, sd = model.predict(z[test], return_std=True)
    prior = float(np.sqrt(np.mean((y[test] - y[train].mean()) ** 2)))
    assert float(np.sqrt(np.mean((y[test] - mean) ** 2))) < 0.6 * prior
    assert (sd > 0).all() and float(np.mean(np.abs(y[test] - mean) < 2 * sd)) > 0.8
    # The gradient of the prediction is that of the prediction.
    x = np.full((1, 12), 0.4)
    _, _, by_mean, by_sd = model.predict(x, return_std=True, return_mean_grad=True, return_std_grad=True)
    assert_allclose(by_mean, slopes(lambda p: model.predict(p[None])[0], x[0]), rtol=1e-3, atol=1e-6)
    assert by_sd.shape == (12,) and np.isfinite(by_sd).all()
    # What does not matter gets a long length scale.
    scales = dict(zip(kernel.k2.features.groups, model.kernel_.k1.k2.length_scale, strict=True))
    assert scales["E.tau_m"] < scales["tau_plus"]


def test_optimizer_of_scikit_optimize(mixed: Space) -> None:
    """Ask and tell over the unit cube, with the gradient-based search for the next point."""
    from skopt import Optimizer

    model = GaussianProcessRegressor(ConstantKernel(1.0) * wasserstein_matern(mixed), normalize_y=True, random_state=0)
    cube = [(0.0, 1.0)] * len(mixed.dimensions)
    optimizer = Optimizer(
        cube,
        base_estimator=model,
        n_initial_points=6,
        acq_func="EI",
        acq_optimizer="lbfgs",
        random_state=1,
        acq_optimizer_kwargs={"n_points": 500, "n_restarts_optimizer": 2},
    )
    for _ in range(9):
        z = optimizer.ask()
        net = mixed.network(mixed.from_unit(z))
        optimizer.tell(z, float(abs(net.population("E")["tau_m"].mean - 25.0)))
    assert min(optimizer.yi) < 10.0


def test_import_stays_light() -> None:
    code = (
        "import sys, hetero_rsnn.searching.space; print(sorted({'skopt', 'sklearn', 'scipy.stats'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "skopt"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "hetero_rsnn.searching.wasserstein")
    with pytest.raises(ImportError, match="pip install --upgrade scikit-optimize") as caught:
        import_module("hetero_rsnn.searching.wasserstein")
    assert "\n" not in str(caught.value)
