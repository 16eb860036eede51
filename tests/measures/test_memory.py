"""Memory capacity: known answers, an independent slow implementation, and what must be refused."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.measures.memory import RIDGES, MemoryCapacity, memory_capacity
from hetero_rsnn.measures.memory_input import warn_of_correlated

Array = NDArray[np.float64]


def uniform(n: int, seed: int) -> Array:
    return np.random.default_rng([seed, 99]).uniform(-1, 1, n)


def delay_line(u: Array, k: int) -> Array:
    """Columns u(t-1) .. u(t-k); the first rows wrap around, but are never used."""
    return np.stack([np.roll(u, d) for d in range(1, k + 1)], axis=1)


def orthogonal(n: int, rng: np.random.Generator) -> Array:
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def linear_reservoir(n: int, samples: int, seed: int, decay: float = 0.95) -> tuple[Array, Array, Array]:
    """States, input and the exact curve C_1, C_2, ... of x(k) = A x(k-1) + w u(k), A = decay * orthogonal."""
    rng = np.random.default_rng(seed)
    a, w, u = decay * orthogonal(n, rng), rng.standard_normal(n), rng.uniform(-1, 1, samples + 300)
    x, states = np.zeros(n), np.empty((samples + 300, n))
    for k, value in enumerate(u):
        x = a @ x + w * value
        states[k] = x
    impulse = [w]
    for _ in range(600):
        impulse.append(a @ impulse[-1])
    v = np.stack(impulse, axis=1)
    exact = np.einsum("id,id->d", v, np.linalg.solve(v @ v.T, v))[1:]
    return states[300:], u[300:], exact


def in_sample(states: Array, u: Array, d_max: int) -> float:
    """Capacity the naive way: r^2 on the training rows, no chance correction."""
    x = np.column_stack([np.ones(len(u) - d_max), states[d_max:]])
    total = 0.0
    for d in range(1, d_max + 1):
        y = u[d_max - d : len(u) - d]
        total += np.corrcoef(x @ np.linalg.lstsq(x, y, rcond=None)[0], y)[0, 1] ** 2
    return total


def pure_noise(seed: int) -> tuple[Array, Array]:
    return np.random.default_rng(seed).standard_normal((3000, 100)), uniform(3000, seed)


def memoryless_function(seed: int) -> tuple[Array, Array]:
    u = uniform(3000, seed)
    rng = np.random.default_rng(seed)
    return np.tanh(np.outer(u, rng.normal(0, 3, 100)) + rng.standard_normal(100)), u


# Known answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pure_noise, memoryless_function])
def test_no_memory_gives_zero(make: Callable[[int], tuple[Array, Array]]) -> None:
    """Twenty seeds, not picked. The blocks' totals correlate a little (see the Notes of memory_capacity), so that
    2 stderr hold 0 in about 83 % of cases (88 % if independent), and the interval in 92 %: 1,500 seeds measured."""
    results = [memory_capacity(*make(seed), d_max=20) for seed in range(20)]
    totals = np.array([r.total for r in results])
    assert abs(totals.mean()) < 0.05
    assert abs(totals.mean()) < 4 * totals.std(ddof=1) / math.sqrt(20)  # unbiased to its own precision: ~0.005
    assert sum(r.interval[0] <= 0 <= r.interval[1] for r in results) >= 17
    assert sum(abs(r.total) <= 2 * r.stderr for r in results) >= 14
    assert all(r.chance == pytest.approx(1 / 595, rel=1e-3) for r in results)


def test_chance_and_unseen_samples_matter() -> None:
    states, u = pure_noise(0)
    result = memory_capacity(states, u, d_max=20)
    assert in_sample(states, u, 20) > 0.3
    assert result.total + result.chance * 20 > 3 * abs(result.total)  # unseen samples alone are not enough
    assert abs(result.total) < 0.02
    short = memory_capacity(states[:600], u[:600], d_max=20, min_ratio=1)
    assert in_sample(states[:600], u[:600], 20) > 3
    assert abs(short.total) < 4 * short.stderr


@pytest.mark.parametrize("k", [5, 20])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("irrelevant", [0, 60])
def test_delay_line_remembers_its_length(k: int, mixed: bool, irrelevant: int) -> None:
    rng = np.random.default_rng(k)
    u = uniform(3000, k)
    states = np.hstack([delay_line(u, k), rng.standard_normal((3000, irrelevant))])
    if mixed:
        states = states @ orthogonal(k + irrelevant, rng)
    result = memory_capacity(states, u, d_max=30)
    assert result.total == pytest.approx(k, rel=0.02)
    np.testing.assert_allclose(result.curve[:k], 1, atol=0.01)
    np.testing.assert_allclose(result.curve[k:], 0, atol=0.02)


@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_linear_reservoir_stays_below_its_size(n: int, seed: int) -> None:
    states, u, exact = linear_reservoir(n, 4000, seed)
    result = memory_capacity(states, u, d_max=2 * n)
    assert 0.5 * n < result.total <= n
    assert result.total == pytest.approx(exact[: 2 * n].sum(), rel=0.06)


def test_leaky_integrator_has_the_closed_form() -> None:
    """x(k) = a x(k-1) + u(k): C_d = (1 - a^2) a^(2d), which sums to a^2."""
    for a in (0.5, 0.8, 0.95):
        pulls = []
        for seed in range(4):
            u = uniform(8000, seed)
            x = np.zeros(8000)
            for k in range(1, 8000):
                x[k] = a * x[k - 1] + u[k]
            result = memory_capacity(x[:, None], u, d_max=40, washout=200)
            d = np.arange(1, 41)
            exact = (1 - a**2) * a ** (2.0 * d)
            np.testing.assert_allclose(result.curve, exact, atol=0.05)
            np.testing.assert_allclose(result.curve[30:], exact[30:], atol=0.01)
            assert result.total == pytest.approx(exact.sum(), abs=0.08)
            pulls.append((result.total - exact.sum()) / result.stderr)
        assert abs(np.mean(pulls)) < 2.5


def test_the_present_input_is_not_memory() -> None:
    """Delay 0 is not counted: a state that is the input itself has no memory."""
    u = uniform(2000, 3)
    assert abs(memory_capacity(u[:, None], u, d_max=10).total) < 0.03


# Error bar and bias ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [False, True])
def test_error_bar_is_too_small_by_less_than_the_root_of_two(memory: bool) -> None:
    """As the Notes say: 1.26 and 1.11 (120 seeds). Sixty seeds know it to 10 %."""
    results = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        u = uniform(1500, seed)
        states = rng.standard_normal((1500, 12))
        if memory:
            states[:, :6] += 0.8 * delay_line(u, 6)
        results.append(memory_capacity(states, u, d_max=12))
    ratio = np.std([r.total for r in results], ddof=1) / math.sqrt(np.mean([r.stderr**2 for r in results]))
    assert 0.9 < ratio < 1.1 * math.sqrt(2)
    assert ratio > 1.05 or memory  # too small it is


def test_short_training_underestimates() -> None:
    """The bias that the Notes state: always downwards, and smaller for a longer series."""
    totals = []
    for samples in (400, 1000, 6000):
        runs = [linear_reservoir(20, samples, seed) for seed in range(5)]
        ratio = [memory_capacity(x, u, d_max=30).total / exact[:30].sum() for x, u, exact in runs]
        totals.append(np.mean(ratio))
    assert totals[0] < totals[1] < totals[2] < 1.02
    assert totals[0] < 0.95
    assert totals[2] > 0.97


# An independent code path ----------------------------------------------------------------------------------------


def slow_capacity(
    states: Array, u: Array, d_max: int, n_blocks: int, gap: int, ridges: list[float]
) -> tuple[Array, Array]:
    """Block x delay capacities and ridges, with explicit rows, hat matrices and augmented least squares."""
    rows = np.arange(d_max, len(u))
    z = (states - states[rows].mean(axis=0)) / states[rows].std(axis=0)
    scores, chosen = np.zeros((n_blocks, d_max)), np.zeros((n_blocks, d_max))
    for f in range(n_blocks):
        a, b = f * len(rows) // n_blocks, (f + 1) * len(rows) // n_blocks
        test = rows[a:b]
        train = np.array([k for i, k in enumerate(rows) if i < a - gap or i >= b + gap])
        n = len(train)
        for d in range(1, d_max + 1):
            mean, y_mean = z[train].mean(axis=0), u[train - d].mean()
            x, y = z[train] - mean, u[train - d] - y_mean
            errors = []
            for r in ridges:
                hat = x @ np.linalg.solve(x.T @ x + n * r * np.eye(x.shape[1]), x.T) + 1 / n
                errors.append(np.sum((y - hat @ y) ** 2) / (n - np.trace(hat)) ** 2)
            r = ridges[int(np.argmin(errors))]
            penalty = math.sqrt(n * r) * np.eye(x.shape[1])
            w = np.linalg.lstsq(np.vstack([x, penalty]), np.concatenate([y, np.zeros(len(penalty))]), rcond=None)[0]
            predicted = (z[test] - mean) @ w + y_mean
            scores[f, d - 1] = np.corrcoef(predicted, u[test - d])[0, 1] ** 2 - 1 / (len(test) - 1)
            chosen[f, d - 1] = r
    return scores, chosen


@pytest.mark.parametrize(("n_blocks", "gap"), [(2, 5), (4, 7)])
def test_equals_the_slow_implementation(n_blocks: int, gap: int) -> None:
    rng = np.random.default_rng(11)
    u = uniform(411, 11) + np.linspace(0, 2, 411)  # drifts, so that training means differ from the global ones
    states = delay_line(u, 6) @ rng.standard_normal((6, 9)) + rng.normal(0, 0.7, (411, 9)) * np.arange(1, 10) + 5.0
    ridges = [1e-6, 1e-3, 1e-2, 0.1, 0.3, 1.0, 10.0]
    scores, chosen = slow_capacity(states, u, 5, n_blocks, gap, ridges)
    result = memory_capacity(states, u, d_max=5, n_blocks=n_blocks, gap=gap, ridges=ridges)
    assert len(np.unique(chosen)) > 1  # the choice was a choice
    np.testing.assert_allclose(result.ridge, np.exp(np.log(chosen).mean(axis=0)), rtol=1e-9)
    np.testing.assert_allclose(result.curve, scores.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(result.fold_totals, scores.sum(axis=1), atol=1e-9)
    assert result.total == pytest.approx(scores.sum(axis=1).mean(), abs=1e-9)
    assert result.stderr == pytest.approx(scores.sum(axis=1).std(ddof=1) / math.sqrt(n_blocks), abs=1e-9)
    np.testing.assert_allclose(result.curve_stderr, scores.std(axis=0, ddof=1) / math.sqrt(n_blocks), atol=1e-9)


def test_ridge_is_strong_where_there_is_noise_only() -> None:
    u = uniform(1000, 2)
    states = np.hstack([delay_line(u, 3), np.random.default_rng(2).standard_normal((1000, 40))])
    ridge = memory_capacity(states, u, d_max=10).ridge
    assert ridge[:3].max() < 1e-3 < 1e-1 < np.median(ridge[3:])


# Invariances -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def noisy_line() -> tuple[Array, Array, MemoryCapacity]:
    u = uniform(1200, 5)
    states = delay_line(u, 8) + np.random.default_rng(5).normal(0, 0.4, (1200, 8))
    return states, u, memory_capacity(states, u, d_max=15)


def test_units_and_order_do_not_matter(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u, reference = noisy_line
    order = np.random.default_rng(0).permutation(8)
    scale = 10.0 ** np.arange(-12, 12, 3)
    for other_states, other_u in [
        (states[:, order], u),
        (states * scale * np.array([1, -1] * 4) + 3 * scale, u),
        (states, 1e-9 * u),
        (states, 7 - 1e4 * u),
        (np.asfortranarray(states), u.tolist()),
    ]:
        result = memory_capacity(other_states, other_u, d_max=15)
        np.testing.assert_allclose(result.curve, reference.curve, atol=1e-8)
        assert result.stderr == pytest.approx(reference.stderr, abs=1e-8)


def test_integer_and_single_precision_states(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u, reference = noisy_line
    assert memory_capacity(states.astype(np.float32), u, d_max=15).total == pytest.approx(reference.total, abs=1e-4)
    counts = np.rint(states * 1e5).astype(np.int32)
    assert memory_capacity(counts, u, d_max=15).total == pytest.approx(reference.total, abs=1e-3)


def test_silent_columns_are_ignored(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u, reference = noisy_line
    silent = np.tile([0.0, 0.1, 1e6], (1200, 1))
    silent[:10] = 1  # active in the rows before d_max only, which are not read
    result = memory_capacity(np.hstack([silent, states, silent]), u, d_max=15)
    assert result.n_features == 8
    np.testing.assert_allclose(result.curve, reference.curve, atol=1e-12)


def test_copies_of_a_column_add_nothing(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    """A singular Gram matrix is harmless. The copies count twice in the penalty, so equality is not exact."""
    states, u, reference = noisy_line
    copies = memory_capacity(np.hstack([states, 2 * states, states + 1]), u, d_max=15, ridges=[1e-9])
    single = memory_capacity(states, u, d_max=15, ridges=[1e-9])
    np.testing.assert_allclose(copies.curve, single.curve, atol=1e-7)
    assert memory_capacity(np.hstack([states] * 3), u, d_max=15).total == pytest.approx(reference.total, abs=0.01)


def test_column_that_is_silent_in_the_training_part() -> None:
    """Its training variance is a rounding error, which must not become a weight, however weak the ridge."""
    u = uniform(1015, 6)
    rng = np.random.default_rng(6)
    states = delay_line(u, 5) + rng.normal(0, 0.3, (1015, 5))
    awake = np.zeros((1015, 3))
    awake[15:200] = rng.random((185, 3))  # the first of five blocks only
    alone = memory_capacity(states, u, d_max=15, ridges=[1e-22])
    result = memory_capacity(np.hstack([states, awake]), u, d_max=15, ridges=[1e-22])
    assert result.n_features == 8
    assert result.fold_totals[0] == pytest.approx(alone.fold_totals[0], abs=1e-6)


def test_silent_network_has_exactly_no_memory() -> None:
    for states in (np.zeros((800, 5)), np.full((800, 5), 0.1), np.zeros((800, 0))):
        result = memory_capacity(states, uniform(800, 0), d_max=10)
        assert (result.total, result.stderr, result.chance, result.n_features) == (0, 0, 0, 0)


def test_network_that_falls_silent() -> None:
    """Blocks in which nothing happens give 0 without a chance term, and no rounding error passes for memory."""
    u = uniform(1010, 1)
    states = delay_line(u, 4)
    states[410:] = 0.3  # two of five blocks speak
    result = memory_capacity(states, u, d_max=10)
    np.testing.assert_allclose(result.fold_totals, [4, 4, 0, 0, 0], atol=0.5)
    assert (result.fold_totals[2:] == 0).all()
    assert result.chance == pytest.approx(0.4 / 199)


def test_more_features_than_rows_is_survived() -> None:
    """Generalised cross-validation is 0/0 where the fit interpolates."""
    u = uniform(500, 8)
    states = np.hstack([3 * delay_line(u, 2), np.random.default_rng(8).standard_normal((500, 600))])
    result = memory_capacity(states, u, d_max=10, min_ratio=0)
    assert np.isfinite(result.curve).all()
    assert np.abs(result.curve[2:]).max() < 0.1
    tiny = memory_capacity(states, u, d_max=10, min_ratio=0, ridges=[1e-15, 1e-14])
    assert np.isfinite(tiny.curve).all()
    assert set(np.round(np.log10(tiny.ridge)).tolist()) == {-14.0}


# What is refused, and the result ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"min_ratio": 3.0}, "40 features"),
        ({"min_ratio": 8.0, "n_blocks": 2}, "2 blocks"),
        ({"min_ratio": 5.0, "n_blocks": 10, "gap": 0}, "gap 0"),
        ({"min_ratio": 1.0, "washout": 130}, "washout 130"),
        ({"min_ratio": 0.0}, "d_max 12"),
    ],
)
def test_too_short_says_what_would_do(options: dict[str, float], words: str) -> None:
    rng = np.random.default_rng(0)
    u = uniform(3000, 0)
    states = np.hstack([delay_line(u, 4), rng.standard_normal((3000, 36))])
    with pytest.raises(TooShortError, match=words) as caught:
        memory_capacity(states[:240], u[:240], d_max=12, **options)  # type: ignore[arg-type]
    error, required = caught.value, caught.value.required
    assert isinstance(error.estimate, MemoryCapacity)
    assert error.estimate.n_samples == 240 - max(12, int(options.get("washout", 0)))
    assert str(required) in str(error)
    assert "got 240" in str(error)
    assert repr(error.estimate) in str(error)
    assert "\n" not in str(error)
    memory_capacity(states[:required], u[:required], d_max=12, **options)  # type: ignore[arg-type]
    with pytest.raises(TooShortError):
        memory_capacity(states[: required - 1], u[: required - 1], d_max=12, **options)  # type: ignore[arg-type]


def test_required_is_what_the_rule_says() -> None:
    """200 features x 3 rows + 2 gaps of 30 is 4/5 of the rows after the first 30; or 5 blocks of 50 rows."""
    for features, expected in [(200, 30 + 660 * 5 // 4), (1, 30 + 250)]:
        states = np.random.default_rng(0).standard_normal((150, features))
        with pytest.raises(TooShortError) as caught:
            memory_capacity(states, uniform(150, 0), d_max=30)
        assert caught.value.required == expected


@pytest.mark.parametrize("samples", [0, 1, 12, 20])
def test_far_too_short_has_no_estimate(samples: int) -> None:
    states = np.random.default_rng(0).standard_normal((samples, 3))
    with pytest.raises(TooShortError, match="needs at least 262 samples, got") as caught:
        memory_capacity(states, uniform(samples, 0), d_max=12)
    assert caught.value.estimate is None and "untrustworthy" not in str(caught.value)
    assert caught.value.required == 262 and caught.value.measure == "memory_capacity"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"states": np.zeros(500)}, r"states must have 2 dimension.*\(500,\)"),
        ({"u": np.zeros((500, 1))}, r"u must have 1 dimension.*\(500, 1\)"),
        ({"u": np.arange(499.0)}, "equally long, got 500 and 499"),
        ({"u": np.full(500, 0.25)}, "u must vary, got 0.25"),
        ({"u": 1e5 + 1e-9 * uniform(500, 0)}, "u must vary, got 100000"),
        ({"u": np.where(np.arange(500) < 20, np.arange(500), 0.5), "washout": 25}, "u must vary, got 0.5"),
        ({"u": np.where(np.arange(500) == 7, np.inf, 1.0)}, r"u must be finite, got inf at index \(7,\)"),
        ({"states": np.zeros((500, 2), dtype=complex)}, "real numbers, got an array of complex128"),
        ({"states": [["a", "b"]] * 500}, "real numbers"),
        ({"d_max": 0}, "d_max must be a whole number >= 1, got 0"),
        ({"d_max": 2.5}, "d_max must be a whole number >= 1, got 2.5"),
        ({"washout": -1}, "washout must be a whole number >= 0, got -1"),
        ({"n_blocks": 1}, "n_blocks must be a whole number >= 2, got 1"),
        ({"gap": -3}, "gap must be a whole number >= 0, got -3"),
        ({"ridges": []}, "ridges must be"),
        ({"ridges": [0.0, 1.0]}, r"ridges must be .* > 0, got \[0.0, 1.0\]"),
        ({"min_ratio": -1.0}, "min_ratio must be >= 0"),
        ({"min_ratio": math.nan}, "min_ratio must be >= 0"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], words: str) -> None:
    arguments: dict[str, object] = {"states": np.random.default_rng(0).random((500, 2)), "u": uniform(500, 0)}
    arguments |= {"d_max": 5} | change
    with pytest.raises(HeteroError, match=words) as caught:
        memory_capacity(arguments.pop("states"), arguments.pop("u"), **arguments)  # type: ignore[arg-type]
    assert not isinstance(caught.value, TooShortError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_autocorrelated_input_is_warned_of(sign: float) -> None:
    white = uniform(2000, 0)
    u = white.copy()
    for k in range(1, len(u)):
        u[k] += sign * 0.83 * u[k - 1]
    states = np.stack([u, np.tanh(u)], axis=1)  # without memory
    r = np.corrcoef(u[1:], u[:-1])[0, 1]
    with pytest.warns(
        UserWarning, match=f"samples 1 apart correlate at {r:.2f}, .*: use uniform_stimulus, or a task"
    ) as found:
        assert memory_capacity(states, u, d_max=10).total > 1
    assert len(found) == 1 and found[0].filename == __file__ and "\n" not in str(found[0].message)


@pytest.mark.parametrize("period", [2, 4, 7, 25, 39])
def test_a_rhythm_at_any_lag_is_warned_of(period: int) -> None:
    """Of period 4, neighbours do not correlate at all, and a network without memory has C = 17."""
    rng = np.random.default_rng(period)
    v = 10 + 5 * np.sin(2 * np.pi * np.arange(2000) / period + 0.4) + rng.normal(0, 1, 2000)
    with pytest.warns(UserWarning, match=r"C is defined for independent samples; .* apart correlate at"):
        assert memory_capacity(v[:, None], v, d_max=40).total > 5


def test_many_weak_correlations_are_warned_of() -> None:
    """A slow part of an eighth of the variance: no lag of the first 40 correlates by more than 0.13."""
    rng = np.random.default_rng(3)
    slow = np.repeat(rng.standard_normal(30), 100)
    u = rng.standard_normal(3000) + 0.33 * slow
    with pytest.warns(UserWarning, match=r"up to C = 0\.\d+ over 40 delays"):
        memory_capacity(u[:, None], u, d_max=40)


@pytest.mark.slow
@pytest.mark.parametrize("law", ["random", "standard_normal", "standard_exponential", "standard_cauchy", "binary"])
@pytest.mark.parametrize(("samples", "d_max"), [(200, 60), (300, 10), (1000, 40), (3000, 150)])
def test_independent_inputs_are_warned_of_in_less_than_one_percent(law: str, samples: int, d_max: int) -> None:
    """A thousand trials each: fewer than ten."""
    found = 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        u = rng.integers(0, 2, samples).astype(float) if law == "binary" else getattr(rng, law)(samples)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_of_correlated(u, d_max, stacklevel=1)
        found += len(caught)
    assert found < 10


def test_independent_inputs_are_not_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(100):
            rng = np.random.default_rng(seed)
            for u in (uniform(300, seed), rng.integers(0, 2, 300) * 1e-3 + 50, rng.standard_exponential(300)):
                memory_capacity(rng.standard_normal((300, 2)), u, d_max=4)
        trend = np.where(np.arange(300) < 40, np.arange(300), uniform(300, 1))  # all in the washout
        memory_capacity(np.random.default_rng(0).standard_normal((350, 2))[:300], trend, d_max=4, washout=45)


def test_nan_is_refused_and_located() -> None:
    states = np.random.default_rng(0).random((500, 3))
    states[40, 2] = states[41, 2] = np.nan
    with pytest.raises(HeteroError, match=r"states must be finite, got nan at index \(40, 2\) and 2 such"):
        memory_capacity(states, uniform(500, 0), d_max=5)


def test_result_is_readable_and_complete(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u, result = noisy_line
    assert (
        repr(result)
        == str(result)
        == f"C = {result.total:.2f} ± {result.stderr:.2f} s.e. (15 delays, 1185 samples, 5 blocks)"
    )
    assert (result.n_samples, result.n_features, result.n_blocks, result.d_max) == (1185, 8, 5, 15)
    assert result.curve.shape == result.curve_stderr.shape == result.ridge.shape == (15,)
    assert result.fold_totals.shape == (5,)
    assert result.curve.sum() == pytest.approx(result.total)
    low, high = result.interval
    assert (low + high) / 2 == pytest.approx(result.total)
    assert high - low == pytest.approx(2 * 2.776445 * result.stderr)  # t(0.975, 4 dof), from a table
    assert min(RIDGES) < result.ridge.min() < result.ridge.max() < max(RIDGES) * 1.001
    np.testing.assert_array_equal(memory_capacity(states, u, d_max=15).curve, result.curve)


def test_inputs_are_left_alone(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u = noisy_line[0].copy(), noisy_line[1].copy()
    states.setflags(write=False)
    u.setflags(write=False)
    memory_capacity(states, u, d_max=15)
    np.testing.assert_array_equal(states, noisy_line[0])


def test_washout_hides_the_start(noisy_line: tuple[Array, Array, MemoryCapacity]) -> None:
    states, u, _ = noisy_line
    spoiled = states.copy()
    spoiled[:100] = 1e6
    clean, washed = (memory_capacity(s, u, d_max=15, washout=100) for s in (states, spoiled))
    np.testing.assert_array_equal(washed.curve, clean.curve)
    assert washed.n_samples == 1100


@pytest.mark.parametrize(("share", "samples"), [(0.01, 500), (0.02, 1000)])
def test_rare_independent_pulses_are_no_reason_to_warn(share, samples):
    """Most samples are 0: neither test is near its level, and only other orders of the samples tell."""
    said = 0
    for seed in range(200):
        u = (np.random.default_rng(seed).random(samples) < share).astype(float)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_of_correlated(u, 40, stacklevel=2)
        said += len(caught)
    assert said <= 2
    rhythm = np.zeros(samples)
    rhythm[::25] = 1.0
    with pytest.warns(UserWarning, match="25 apart"):
        warn_of_correlated(rhythm, 40, stacklevel=2)
