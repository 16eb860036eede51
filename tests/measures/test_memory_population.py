"""What states hold for infinitely many samples: known capacities, honest errors, an independent slow implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_lyapunov

from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.measures import memory
from hetero_rsnn.measures.memory import MemoryCapacity, channel_capacity, memory_capacity
from hetero_rsnn.measures.population_blocks import SHARE
from hetero_rsnn.theory.linear import linear_memory

Array = NDArray[np.float64]


def population(states: Array, u: Array, **options: object) -> MemoryCapacity:
    return memory_capacity(states, u, estimator="population", **options)  # type: ignore[arg-type]


def uniform(n: int, seed: int) -> Array:
    return np.random.default_rng([seed, 98]).uniform(-1, 1, n)


def delay_line(u: Array, k: int) -> Array:
    """Columns u(t-1) .. u(t-k); the first rows wrap around, but are never used."""
    return np.stack([np.roll(u, d) for d in range(1, k + 1)], axis=1)


class Reservoir:
    """x(k) = A x(k-1) + w u(k) + noise, with A an orthogonal matrix times `radius`; C in closed form."""

    def __init__(self, n: int, radius: float, noise: float) -> None:
        rng = np.random.default_rng([n, 97])
        self.a, self.w, self.noise = (
            np.linalg.qr(rng.standard_normal((n, n)))[0] * radius,
            rng.standard_normal(n),
            noise,
        )

    def run(self, samples: int, seed: int) -> tuple[Array, Array]:
        rng, n = np.random.default_rng([seed, 96]), len(self.w)
        u = rng.uniform(-1, 1, samples + 200)
        added = np.outer(u, self.w) + self.noise * rng.standard_normal((len(u), n))
        for k in range(1, len(u)):
            added[k] += self.a @ added[k - 1]
        return added[200:], u[200:]

    def capacity(self, d_max: int) -> float:
        responses = [self.w]
        for _ in range(800):
            responses.append(self.a @ responses[-1])
        noise = solve_discrete_lyapunov(self.a, self.noise**2 * np.eye(len(self.w))) if self.noise else None
        return float(linear_memory(np.array(responses), noise)[:d_max].sum())


# Known answers ---------------------------------------------------------------------------------------------------


def noise(rng: np.random.Generator) -> tuple[Array, Array]:
    return rng.standard_normal((900, 60)), rng.uniform(-1, 1, 900)


def present(rng: np.random.Generator) -> tuple[Array, Array]:
    u, fixed = rng.uniform(-1, 1, 900), np.random.default_rng(0)
    return np.tanh(np.outer(u, fixed.normal(0, 3, 60)) + fixed.standard_normal(60)), u


def slow_noise(rng: np.random.Generator) -> tuple[Array, Array]:
    x = rng.standard_normal((1000, 40))
    for k in range(1, len(x)):
        x[k] += 0.8 * x[k - 1]
    return x[100:], rng.uniform(-1, 1, 900)


@pytest.mark.parametrize("make", [noise, present, slow_noise])
def test_no_memory_gives_zero(make: object) -> None:
    """Without a term for chance. Errors are too large by up to the square root of 2 where there is no memory at all."""
    found = [population(*make(np.random.default_rng([r, 95])), d_max=25) for r in range(100)]  # type: ignore[operator]
    totals, errors = np.array([c.total for c in found]), np.array([c.stderr for c in found])
    assert abs(totals.mean()) < 3 * totals.std(ddof=1) / 10
    assert 0.55 < (totals / errors).std(ddof=1) < 1.05
    assert np.mean([c.interval[0] <= 0 <= c.interval[1] for c in found]) >= 0.92


def test_what_fades_in_half_of_the_rows_and_comes_back_spoils_nothing() -> None:
    """Neurons that fire once in a while: a half may hold nothing of them but the tail of a spike before it."""
    rng, errors = np.random.default_rng(7), []
    for r in range(20):
        u = uniform(1200, 100 + r)
        states = delay_line(u, 6) + rng.normal(0, 0.4, (1200, 6))
        rare = np.zeros((1200, 20))
        for i in range(20):
            rare[rng.integers(0, 1200, 2), i] = 1.0
        for k in range(1, 1200):
            rare[k] += 0.7 * rare[k - 1]
        c = population(np.hstack([states, rare]), u, d_max=15)
        alone = population(states, u, d_max=15)
        errors.append((c.total - alone.total) / math.hypot(c.stderr, alone.stderr))
        assert c.stderr < 5 * alone.stderr
    assert np.abs(errors).max() < 2


@pytest.mark.parametrize("k", [5, 20])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("irrelevant", [0, 60])
def test_delay_line_holds_its_length(k: int, mixed: bool, irrelevant: int) -> None:
    rng, u = np.random.default_rng(k), uniform(3000, k)
    states = np.hstack([delay_line(u, k), rng.standard_normal((3000, irrelevant))])
    if mixed:
        states = states @ np.linalg.qr(rng.standard_normal((k + irrelevant,) * 2))[0]
    c = population(states, u, d_max=30)
    # What is known exactly has no error, but for what the hundredth of all rows' covariance makes.
    np.testing.assert_allclose(c.curve[:k], 1, atol=1e-4)
    np.testing.assert_allclose(c.curve_stderr[:k], 0, atol=1e-6)
    assert abs(c.total - k) <= 3 * c.stderr + 1e-9 and c.stderr < 0.2


@pytest.mark.parametrize(
    ("reservoir", "d_max"),
    [(Reservoir(40, 0.95, 0.0), 80), (Reservoir(40, 0.9, 0.5), 40), (Reservoir(60, 0.95, 2.0), 40)],
    ids=["no noise", "noisy", "mostly noise"],
)
def test_linear_reservoirs_have_the_closed_form(reservoir: Reservoir, d_max: int) -> None:
    """A mean over 60 inputs of 1,200 samples is as far from it as its scatter allows; held out it is far below."""
    exact = reservoir.capacity(d_max)
    runs = [reservoir.run(1200, r) for r in range(60)]
    found = [population(x, u, d_max=d_max) for x, u in runs]
    totals = np.array([c.total for c in found])
    assert abs(totals.mean() - exact) < 3.5 * totals.std(ddof=1) / math.sqrt(60)
    assert abs(totals.mean() / exact - 1) < 0.05
    assert np.mean([c.interval[0] <= exact <= c.interval[1] for c in found]) >= 0.85
    assert all(c.total <= len(reservoir.w) + 3 * c.stderr for c in found)
    held_out = np.mean([memory_capacity(x, u, d_max=d_max).total for x, u in runs[:10]])
    assert held_out < 0.97 * exact


def test_length_does_not_matter() -> None:
    """With as few as 3 training rows a feature."""
    reservoir = Reservoir(40, 0.9, 1.0)
    exact = reservoir.capacity(20)
    for samples, repetitions in ((300, 60), (1200, 30)):
        runs = [reservoir.run(samples, 1000 + r) for r in range(repetitions)]
        totals = np.array([population(x, u, d_max=20).total for x, u in runs])
        assert abs(totals.mean() - exact) < 3.5 * totals.std(ddof=1) / math.sqrt(repetitions)
    held_out = np.mean([memory_capacity(*reservoir.run(300, r), d_max=20).total for r in range(10)])
    assert held_out < 0.8 * exact


def test_intervals_hold_the_truth() -> None:
    """Over inputs to one reservoir: 95 % of them; of 200 at least 184 (92 %)."""
    reservoir = Reservoir(10, 0.85, 0.4)
    exact = reservoir.capacity(20)
    found = [population(*reservoir.run(1200, 5000 + r), d_max=20) for r in range(200)]
    totals, errors = np.array([c.total for c in found]), np.array([c.stderr for c in found])
    assert 0.9 < np.sqrt((errors**2).mean()) / totals.std(ddof=1) < 1.25
    assert 0.92 <= np.mean([c.interval[0] <= exact <= c.interval[1] for c in found]) < 1


def test_the_present_input_is_not_memory() -> None:
    u = uniform(2000, 3)
    c = population(np.stack([u, u, 2 * u + 1], axis=1), u, d_max=10)
    assert abs(c.total) <= 3 * c.stderr and c.stderr < 0.02


# An independent code path ----------------------------------------------------------------------------------------


def slow(states: Array, u: Array, d_max: int, n_blocks: int, gap: int, parts: int) -> tuple[Array, float, Array]:
    """Scores (blocks, delays), standard error of their sum and of each delay, with explicit rows."""
    rows = np.arange(d_max, len(u))
    x = states[rows] - states[rows].mean(axis=0)
    y = np.stack([u[rows - d] for d in range(1, d_max + 1)], axis=1)
    y = y - y.mean(axis=0)
    p, blocks = np.empty_like(y), []
    for f in range(n_blocks):
        a, b = f * len(rows) // n_blocks, (f + 1) * len(rows) // n_blocks
        train = np.array([k for k in range(len(rows)) if k < a - gap or k >= b + gap])
        w = []
        for part in (train, train[: len(train) // 2], train[len(train) // 2 :]):
            z, t = x[part] - x[part].mean(axis=0), y[part] - y[part].mean(axis=0)
            gram = z.T @ z + SHARE * len(part) / len(rows) * (x.T @ x)
            w.append((1 + SHARE) * np.linalg.solve(gram, z.T @ t))
        p[a:b] = x[a:b] @ (2 * w[0] - (w[1] + w[2]) / 2)
        blocks += [slice(a + i * (b - a) // parts, a + (i + 1) * (b - a) // parts) for i in range(parts)]
    power = (y**2).mean(axis=0)
    scores = np.stack([(y[b] * p[b]).mean(axis=0) for b in blocks]) / power
    c, spread = scores.mean(axis=0), (p**2).mean(axis=0) / power
    influence = (2 * y * p - np.clip(c / spread, 0, 1) * p**2 - c * y**2) / power
    influence = influence - influence.mean(axis=0)

    def error(what: Array) -> float:
        return math.sqrt(len(blocks) * np.var([what[b].sum() for b in blocks], ddof=1)) / len(rows)

    return scores, error(influence.sum(axis=1)), np.array([error(column) for column in influence.T])


@pytest.mark.parametrize(("samples", "n_blocks", "gap", "parts"), [(471, 2, 5, 3), (541, 4, 7, 2), (307, 5, 0, 1)])
def test_equals_the_slow_implementation(samples: int, n_blocks: int, gap: int, parts: int) -> None:
    rng = np.random.default_rng(12)
    u = uniform(samples, 12) + np.linspace(0, 2, samples)  # drifts, so that training means differ from the global ones
    states = delay_line(u, 6) @ rng.standard_normal((6, 9)) + rng.normal(0, 0.7, (samples, 9)) * np.arange(1, 10) + 5.0
    scores, stderr, each = slow(states, u, 7, n_blocks, gap, parts)
    with pytest.warns(UserWarning, match="independent"):
        c = population(states, u, d_max=7, n_blocks=n_blocks, gap=gap)
    assert c.n_blocks == len(scores) == n_blocks * parts
    np.testing.assert_allclose(c.curve, scores.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(c.fold_totals, scores.sum(axis=1), atol=1e-9)
    assert c.total == pytest.approx(c.fold_totals.mean(), abs=1e-12)
    assert c.stderr == pytest.approx(stderr, rel=1e-9)
    np.testing.assert_allclose(c.curve_stderr, each, rtol=1e-9)


# Invariances -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def noisy_line() -> tuple[Array, Array, MemoryCapacity]:
    u = uniform(1200, 5)
    states = delay_line(u, 8) + np.random.default_rng(5).normal(0, 0.4, (1200, 8))
    return states, u, population(states, u, d_max=15)


def test_units_and_order_do_not_matter(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u, reference = noisy_line
    scale = 10.0 ** np.arange(-12, 12, 3)
    for other_states, other_u in [
        (states[:, np.random.default_rng(0).permutation(8)], u),
        (states * scale * np.array([1, -1] * 4) + 3 * scale, u),
        (states @ np.random.default_rng(1).standard_normal((8, 8)), u),  # least squares knows no basis
        (states, 7 - 1e4 * u),
        (np.asfortranarray(states), u),
    ]:
        c = population(other_states, other_u, d_max=15)
        np.testing.assert_allclose(c.curve, reference.curve, atol=1e-8)
        assert c.stderr == pytest.approx(reference.stderr, abs=1e-8)
    assert population(states.astype(np.float32), u, d_max=15).total == pytest.approx(reference.total, abs=1e-4)


def test_silent_and_collinear_columns_add_nothing(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u, reference = noisy_line
    silent = np.tile([0.0, 0.1, 1e6], (1200, 1))
    c = population(np.hstack([silent, states, silent]), u, d_max=15)
    assert c.n_features == 8
    np.testing.assert_allclose(c.curve, reference.curve, atol=1e-12)
    c = population(np.hstack([states, 2 * states, states @ np.ones((8, 3)) + 1]), u, d_max=15)
    np.testing.assert_allclose(c.curve, reference.curve, atol=1e-7)
    assert c.stderr == pytest.approx(reference.stderr, abs=1e-7)


def test_silent_network_holds_exactly_nothing() -> None:
    for states in (np.zeros((800, 5)), np.full((800, 5), 0.1), np.zeros((800, 0))):
        c = population(states, uniform(800, 0), d_max=10)
        assert (c.total, c.stderr, c.chance, c.n_features) == (0, 0, 0, 0)
        assert not c.curve.any() and not c.curve_stderr.any()


def test_network_that_falls_silent() -> None:
    """Training parts in which nothing happens give no weights, and no rounding error passes for memory."""
    u = uniform(1010, 1)
    states = delay_line(u, 4)
    states[410:] = 0.3  # two of five folds speak, and one half of the training of each fold is silent
    c = population(states, u, d_max=10)
    assert np.isfinite(c.curve).all() and np.isfinite(c.stderr)
    assert np.abs(c.fold_totals[6:]).max() < 0.2 < 3 < c.fold_totals[:6].min()
    awake = np.zeros((1010, 3))
    awake[15:200] = np.random.default_rng(6).random((185, 3))
    assert population(np.hstack([delay_line(u, 4), awake]), u, d_max=10).total == pytest.approx(4, abs=0.05)


# Channels --------------------------------------------------------------------------------------------------------


def test_channels_are_summed() -> None:
    """Their errors are those of one sum: states that hold both mix them."""
    rng, u = np.random.default_rng(3), np.random.default_rng(4).uniform(-1, 1, (1500, 2))
    states = np.hstack([delay_line(c, 4) for c in u.T]) @ rng.standard_normal((8, 12)) + rng.standard_normal((1500, 12))
    both = channel_capacity(states, u, 10, "population")
    parts = [population(states, c, d_max=10) for c in u.T]
    assert both.total == pytest.approx(sum(c.total for c in parts), abs=1e-9)
    np.testing.assert_allclose(both.curve, parts[0].curve + parts[1].curve, atol=1e-9)
    np.testing.assert_allclose(both.fold_totals, parts[0].fold_totals + parts[1].fold_totals, atol=1e-9)
    assert 0.5 < both.stderr / math.hypot(*(c.stderr for c in parts)) < 2
    assert both.curve.shape == both.curve_stderr.shape == (10,) and both.estimator == "population"
    twice = channel_capacity(states, u[:, [0, 0]], 10, "population")
    assert twice.stderr == pytest.approx(2 * parts[0].stderr, rel=1e-9)  # not sqrt(2): the same error twice
    one = channel_capacity(states, u[:, :1], 10, "population")
    assert (one.total, one.stderr) == (parts[0].total, parts[0].stderr)
    with pytest.raises(TooShortError, match="needs at least 260 samples, got 200"):
        channel_capacity(states[:200], u[:200], 10, "population")


# What is refused, and the result ---------------------------------------------------------------------------------


def test_too_short_says_what_would_do() -> None:
    rng, u = np.random.default_rng(0), uniform(3000, 0)
    states = np.hstack([delay_line(u, 4), rng.standard_normal((3000, 116))])
    with pytest.raises(TooShortError, match="120 features, d_max 12") as caught:
        population(states[:400], u[:400], d_max=12)
    error = caught.value
    assert error.required == 12 + 384 * 5 // 4 and "got 400" in str(error) and "\n" not in str(error)
    assert isinstance(error.estimate, MemoryCapacity) and error.estimate.estimator == "population"
    population(states[: error.required], u[: error.required], d_max=12)
    with pytest.raises(TooShortError) as caught:
        population(states[: error.required - 1], u[: error.required - 1], d_max=12)


def test_fewer_samples_than_states_have_no_estimate() -> None:
    """Halves of the training would fit anything, whatever ratio one asks for."""
    states, u = np.random.default_rng(0).standard_normal((400, 200)), uniform(400, 0)
    with pytest.raises(TooShortError, match="needs at least 542 samples, got 400") as caught:
        population(states, u, d_max=10, min_ratio=0)
    assert caught.value.estimate is None
    states, u = np.random.default_rng(0).standard_normal((542, 200)), uniform(542, 0)
    assert np.isfinite(population(states, u, d_max=10, min_ratio=0).curve).all()


@pytest.mark.parametrize("samples", [0, 1, 12, 20])
def test_far_too_short_has_no_estimate(samples: int) -> None:
    with pytest.raises(TooShortError, match="needs at least 262 samples, got") as caught:
        population(np.random.default_rng(0).standard_normal((samples, 3)), uniform(samples, 0), d_max=12)
    assert caught.value.estimate is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"estimator": "adjusted"}, "unknown estimator 'adjusted': use one of heldout, population"),
        ({"estimator": None}, "unknown estimator None: use one of heldout, population"),
        ({"ridges": [1.0]}, "a population estimate takes no ridges"),
        ({"states": np.full((500, 2), np.nan)}, r"states must be finite, got nan at index \(0, 0\)"),
        ({"u": np.full(500, 0.25)}, "u must vary, got 0.25"),
        ({"u": np.arange(499.0)}, "equally long, got 500 and 499"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], words: str) -> None:
    arguments: dict[str, object] = {"states": np.random.default_rng(0).random((500, 2)), "u": uniform(500, 0)}
    arguments |= {"d_max": 5, "estimator": "population"} | change
    with pytest.raises(HeteroError, match=words) as caught:
        memory_capacity(arguments.pop("states"), arguments.pop("u"), **arguments)  # type: ignore[arg-type]
    assert not isinstance(caught.value, TooShortError) and "\n" not in str(caught.value)


def test_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums that all readouts are made from count: of the same states more than held out."""
    states, u = np.random.default_rng(0).standard_normal((3500, 700)), uniform(3500, 0)
    monkeypatch.setattr(memory.memory, "available", lambda: 10**8)
    with pytest.raises(HeteroError, match=r"a memory capacity of 3500 samples, 700 features .* read fewer features"):
        population(states, u, d_max=5)


def test_a_target_that_stands_still_has_no_capacity() -> None:
    """An input whose first sample alone differs: at most delays it is a constant."""
    u = np.zeros(600)
    u[3] = 1.0
    c = population(np.random.default_rng(0).standard_normal((600, 3)), u, d_max=5)
    assert np.isfinite(c.curve).all() and np.isfinite(c.stderr)


def test_result_says_what_it_is(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u, c = noisy_line
    assert c.estimator == "population" and "(population, 15 delays, 1185 samples, 15 blocks)" in repr(c)
    held_out = memory_capacity(states, u, d_max=15)
    assert held_out.estimator == memory.ESTIMATOR == "heldout" and "heldout" not in repr(held_out)
    assert c.chance == 0 and not c.ridge.any()
    assert c.interval[0] < c.total < c.interval[1] and c.total > held_out.total
