"""Asking and telling: determinism, the surrogate against scikit-learn, and the pieces against closed forms."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats
from sklearn.gaussian_process import GaussianProcessRegressor

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.searching.objectives import Objective
from hetero_rsnn.searching.optimiser import METHODS, Optimiser, _log_between, log_improvement, log_means, make_optimiser
from hetero_rsnn.searching.space import Space, load_space
from hetero_rsnn.searching.surrogate import KERNELS, Surrogate, distance_kernel

MODELS = [m for m in METHODS if m != "random"]
EFFICIENT = Objective("efficiency", 1.0, (1.0, 50.0), 10.0)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    path = tmp_path_factory.mktemp("space") / "small.toml"
    path.write_text(
        'base = "henhes"\n[parameters.tau_m]\nmean = ["10 ms", "60 ms"]\ncv = [0, 1.2]\n'
        "[parameters.eta_minus]\nmean = [0.001, 0.05]\n[search]\nbudget = 12\ninitial = 6\nbatch = 2\nseeds = 2\n"
    )
    return load_space(path)


def world(z: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """C and S at a point: E is largest at z = 0.7 everywhere, and C is above 1 within a distance of about 0.6."""
    noise = np.random.default_rng([seed, *(1e6 * z).astype(int)]).normal(0, 0.02, 2)
    c = 3.0 * math.exp(-3 * float(((z - 0.7) ** 2).sum()) + noise[0])
    return c, 0.1 * math.exp(noise[1])


def drive(o: Optimiser, batches: list[int], seeds: int = 2, fails: tuple[int, ...] = ()) -> np.ndarray:
    """Ask and tell; all points."""
    points: list[np.ndarray] = []
    for count in batches:
        for z in o.ask(count):
            told = np.array([world(z, s) for s in range(seeds)])
            o.tell(z, *((None, None) if len(points) in fails else (told[:, 0], told[:, 1])))
            points.append(z)
    return np.array(points)


@pytest.mark.parametrize("kind", ["efficiency", "pareto"])
@pytest.mark.parametrize("method", METHODS)
def test_the_same_told_gives_the_same_asked(space: Space, method: str, kind: str) -> None:
    objective = Objective(kind, 1.0, (1.0, 50.0), 10.0)
    runs = [drive(make_optimiser(space, method, objective, seed=3, initial=6), [6, 2, 3, 1]) for _ in range(2)]
    assert_array_equal(*runs)
    assert runs[0].shape == (12, 3) and runs[0].min() >= 0 and runs[0].max() <= 1
    assert len(np.unique(runs[0], axis=0)) == 12, "a point is asked for twice"
    other = drive(make_optimiser(space, method, objective, seed=4, initial=6), [6, 2, 3, 1])
    assert not np.array_equal(runs[0][1:], other[1:])
    assert_array_equal(runs[0][0], space.unit(space.default))


def test_the_design_is_spread(space: Space) -> None:
    z = np.array(make_optimiser(space, "random", EFFICIENT, initial=33).ask(33))[1:]
    for column in z.T:  # every half of every half of a half holds its share of a Sobol sequence
        assert np.histogram(column, bins=8, range=(0, 1))[0].tolist() == pytest.approx([4] * 8, abs=2)
    assert stats.qmc.discrepancy(z) < 0.5 * stats.qmc.discrepancy(np.random.default_rng(0).random(z.shape))


def test_a_design_may_come_in_parts(space: Space) -> None:
    whole = make_optimiser(space, "random", EFFICIENT, initial=6).ask(8)
    o = make_optimiser(space, "random", EFFICIENT, initial=6)
    assert_array_equal(whole, [*o.ask(4), *o.ask(3), *o.ask(1)])


@pytest.mark.slow
@pytest.mark.parametrize("method", MODELS)
def test_models_find_the_optimum_that_chance_misses(space: Space, method: str) -> None:
    batches = [8] + [2] * 11

    def best(method: str, seed: int) -> float:
        z = drive(make_optimiser(space, method, EFFICIENT, seed=seed, initial=8), batches)
        return float(np.linalg.norm(z - 0.7, axis=1).min())

    assert max(best(method, seed) for seed in range(2)) < 0.08
    assert np.mean([best("random", seed) for seed in range(8)]) > 0.12


def test_the_model_keeps_the_limits(space: Space) -> None:
    """E rises without end towards small S, but the rate must be above 10 Hz."""
    o = make_optimiser(space, "wasserstein", Objective("efficiency", 1.0, (10.0, 50.0), 10.0), initial=8)
    asked = []
    for count in [8] + [2] * 8:
        for z in o.ask(count):
            s = 0.02 * math.exp(4 * z[0])
            o.tell(z, [2.0, 2.1], [s, 1.01 * s])
            asked.append(s)
    late = np.array(asked[12:])
    assert (late > 0.085).mean() > 0.7 and 0.099 < late[late > 0.0995].min() < 0.11


def test_failed_trials_are_bad_values(space: Space) -> None:
    """A region where every trial fails is left alone, though the model knows nothing else of it."""
    o = make_optimiser(space, "wasserstein", EFFICIENT, initial=8)
    asked = []
    for count in [8] + [2] * 6:
        for z in o.ask(count):
            c, s = world(z)
            o.tell(z, *((None, None) if z[0] > 0.5 else ([c, c], [s, s])))
            asked.append(z[0])
    assert np.mean(np.array(asked[8:]) > 0.55) < 0.35


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_failures(space: Space, method: str) -> None:
    z = drive(make_optimiser(space, method, EFFICIENT, initial=6), [6, 2, 2], fails=tuple(range(10)))
    assert len(np.unique(z, axis=0)) == 10


@pytest.mark.parametrize("told", [([0.0, 0.0], [0.0, 0.0]), ([-0.1, 0.05], [0.001, 0.0]), ([2.0, 2.0], [0.1, 0.1])])
@pytest.mark.parametrize("kind", ["efficiency", "pareto"])
def test_silent_and_equal_trials_do_no_harm(
    space: Space, kind: str, told: tuple[list[float], list[float]], recwarn: pytest.WarningsRecorder
) -> None:
    o = make_optimiser(space, "wasserstein", Objective(kind, 0.0, (0.0, 50.0), 10.0), initial=4)
    for count in (4, 2, 1):
        points = o.ask(count)
        assert np.isfinite(points).all()
        for z in points:
            o.tell(z, *told)
    assert not recwarn.list


def test_one_seed_and_one_dimension(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text('base = "henhes"\n[parameters.tau_m]\nmean = ["10 ms", "60 ms"]\n')
    one = load_space(path)
    for method in MODELS:
        z = drive(make_optimiser(one, method, EFFICIENT, initial=3), [3, 2, 2, 2], seeds=1)
        assert np.abs(z - 0.7).min() < 0.05


def test_unknown_method(space: Space) -> None:
    with pytest.raises(HeteroError, match=r"unknown method 'wassersten' \(did you mean 'wasserstein'\?\)"):
        make_optimiser(space, "wassersten", EFFICIENT)


# The surrogate


def trials(space: Space, n: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    z = rng.random((n, len(space.dimensions)))
    return z, 5 + 2 * np.sin(4 * z).sum(axis=1), rng.uniform(0.001, 0.1, n)


@pytest.mark.parametrize("kernel", KERNELS)
def test_predictions_are_those_of_scikit_learn(space: Space, kernel: str) -> None:
    z, y, noise = trials(space)
    s = Surrogate(distance_kernel(kernel, space))
    s.update(z, y, noise)
    theirs = GaussianProcessRegressor(s._signal, alpha=s._noise, optimizer=None)
    theirs.fit(z, (y - y.mean()) / y.std())
    new = np.random.default_rng(2).random((50, 3))
    mean, deviation = theirs.predict(new, return_std=True)
    found = s.predict(new)
    assert_allclose(found[0], y.mean() + y.std() * mean, rtol=1e-6)
    assert_allclose(found[1], y.std() * deviation, rtol=1e-5, atol=1e-6)


def test_hyperparameters_are_fitted_when_the_trials_have_grown(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    fit = Surrogate._fit

    def counted(self: Surrogate) -> None:
        sizes.append(len(self._y))
        fit(self)

    monkeypatch.setattr(Surrogate, "_fit", counted)
    s = Surrogate(distance_kernel("matern", space))
    z, y, noise = trials(space, 40)
    for n in range(20, 41):
        s.update(z[:n], y[:n], noise[:n])
    assert sizes == [20, 24, 29, 35]


def test_believing_moves_no_mean_and_takes_doubt_away(space: Space) -> None:
    s = Surrogate(distance_kernel("wasserstein", space))
    s.update(*trials(space))
    new = np.random.default_rng(2).random((50, 3))
    before = s.predict(new)
    s.believe(new[7])
    after = s.predict(new)
    assert_allclose(after[0], before[0], rtol=1e-6)
    assert (after[1] <= before[1] * (1 + 1e-6)).all() and after[1][7] < 0.7 * before[1][7]


def test_noisy_trials_count_less(space: Space) -> None:
    z = np.array([[0.2, 0.2, 0.2], [0.8, 0.8, 0.8]] * 8) + 1e-4 * np.arange(16)[:, None]
    y = np.tile([1.0, 2.0], 8)
    y[0] = 4.0
    told = []
    for first in (1e-4, 10.0):
        s = Surrogate(distance_kernel("matern", space))
        s.update(z, y, np.array([first] + [1e-4] * 15))
        told.append(float(s.predict(z[:1])[0][0]))
    assert abs(told[1] - 1.0) < 0.1 < abs(told[0] - 1.0)


# Noise of the trials


def test_what_a_seed_does_to_all_trials_is_no_noise() -> None:
    rng = np.random.default_rng(0)
    shared, own = rng.normal(0, 0.3, (1, 2, 4)), rng.normal(0, 0.02, (200, 2, 4))
    values = np.exp(1 + shared + own)
    y, noise = log_means(list(values))
    assert_allclose(y, np.log(values.mean(axis=2)).T)
    assert_allclose(noise.mean(axis=1), 0.02**2 / 4, rtol=0.15)
    assert noise.max() < 10 * noise.mean()


def test_failed_trials_get_the_worst_values() -> None:
    y, noise = log_means([np.array([[2.0, 2.0], [0.1, 0.1]]), None, np.array([[1.0, 1.0], [0.3, 0.3]])])
    assert_allclose(np.exp(y), [[2.0, 1.0, 1.0], [0.1, 0.3, 0.3]])
    assert noise.shape == (2, 3) and (noise >= 0).all()


# The acquisition


@pytest.mark.parametrize("u", [-3.0, -1.01, -0.99, 0.0, 2.0, 8.0])
def test_expected_improvement_by_integration(u: float) -> None:
    expected = 0.7 * integrate.quad(lambda x: (x + u) * stats.norm.pdf(x), max(-u, -12), max(-u, 0) + 12, limit=300)[0]
    found = log_improvement(np.array([1 + 0.7 * u]), np.array([0.7]), 1.0)
    assert found[0] == pytest.approx(math.log(expected), abs=1e-6)


def test_small_improvements_stay_apart() -> None:
    u = -np.geomspace(1e-3, 1e6, 400)
    found = log_improvement(u, np.ones(400), 0.0)
    assert np.isfinite(found).all() and (np.diff(found) < 0).all()
    far = u < -50
    assert_allclose(found[far], stats.norm.logpdf(u[far]) - 2 * np.log(-u[far]), rtol=1e-3)


def test_probability_of_an_interval() -> None:
    a, b = np.array([-1.0, 3.0, -9.0, -np.inf]), np.array([2.0, 5.0, -6.0, 1.0])
    expected = np.log([0.8185946141, 0.0013496113, 9.8647e-10, 0.8413447461])
    assert_allclose(_log_between(a, b), expected, rtol=1e-4)
    assert_allclose(_log_between(-b, -a), expected, rtol=1e-4)
    assert np.isfinite(_log_between(np.array([40.0, -60.0]), np.array([41.0, -55.0]))).all()


@pytest.mark.slow
def test_asking_costs_less_than_measuring() -> None:
    """100 trials of 12 dimensions; a trial of this space takes about 1.5 s of one core."""
    paper = load_space("paper")
    o = make_optimiser(paper, "wasserstein", EFFICIENT, initial=25)
    start = time.process_time()
    drive(o, [25] + [4] * 19)
    assert time.process_time() - start < 0.25 * 100 * 1.5


def test_a_point_is_never_asked_twice():
    """It would meet the same seeds and tell nothing. Nothing to learn from must not end in one corner."""
    space = load_space("quick")
    for kind in ("efficiency", "capacity", "pareto"):
        optimiser = make_optimiser(space, "wasserstein", Objective(kind, 0.0, (0.0, 1e6), 10.0), initial=4)
        asked = []
        for _ in range(8):
            for z in optimiser.ask(2):
                asked.append(z)
                optimiser.tell(z, [1e-9], [1.0])
        apart = [np.abs(a - b).max() for i, a in enumerate(asked) for b in asked[:i]]
        assert min(apart) > 1e-3
