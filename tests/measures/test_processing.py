"""Information processing capacity: known answers, nothing where there is nothing, honest errors of sums."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.special import eval_legendre

import hetero_rsnn as hr
from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.measures import legendre_targets, processing
from hetero_rsnn.measures.legendre_targets import Term, all_terms, count_terms, target_tables

Array = NDArray[np.float64]


def uniform(n: int, seed: int) -> Array:
    return np.random.default_rng([seed, 51]).uniform(-1, 1, n)


def past(u: Array, d: int) -> Array:
    return np.roll(u, d)


def reservoir(n: int, radius: float, u: Array, noise: float = 0.0) -> Array:
    """x(k) = A x(k-1) + w u(k) + noise with an orthogonal A times `radius`: independent states that forget."""
    rng = np.random.default_rng([n, 52])
    a, w = np.linalg.qr(rng.standard_normal((n, n)))[0] * radius, rng.standard_normal(n)
    added = np.outer(u, w) + noise * rng.standard_normal((len(u), n))
    states, x = np.empty_like(added), np.zeros(n)
    for k, more in enumerate(added):
        x = a @ x + more
        states[k] = x
    return states


# Targets -------------------------------------------------------------------------------------------------------------


def test_targets_are_all_products_and_have_names() -> None:
    terms = all_terms({1: 3, 2: 2, 3: 1}, 0)
    assert len(terms) == count_terms({1: 3, 2: 2, 3: 1}, 0) == 4 + 6 + 4 == len(set(terms))
    assert [t.name for t in terms[4:10]] == [
        "P2(u[k])", "P1(u[k]) P1(u[k-1])", "P1(u[k]) P1(u[k-2])", "P2(u[k-1])", "P1(u[k-1]) P1(u[k-2])", "P2(u[k-2])",
    ]  # fmt: skip
    cubic = Term(((1, 2), (4, 1)))
    assert (cubic.name, cubic.degree, cubic.delay, cubic.cross) == ("P2(u[k-1]) P1(u[k-4])", 3, 4, True)
    assert cubic in all_terms({3: 4}, 1) and all(d >= 1 for t in all_terms({3: 4}, 1) for d, _ in t.factors)
    assert count_terms({1: 100, 2: 30, 3: 10}, 0) == 101 + 496 + 286


def test_targets_against_plain_polynomials_in_tables_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    u, terms = uniform(50, 0), all_terms({1: 4, 2: 4, 3: 2}, 0)
    expected = np.ones((len(terms), 45))
    for row, term in zip(expected, terms, strict=True):
        for delay, degree in term.factors:
            row *= math.sqrt(2 * degree + 1) * eval_legendre(degree, u[5 - delay : 50 - delay])
    expected -= expected.mean(axis=1, keepdims=True)
    for size in (8_000_000, 45 * 4, 1):
        monkeypatch.setattr(legendre_targets, "_TABLE", size)
        tables = list(target_tables(u, terms, 5))
        assert_allclose(np.hstack(tables).T, expected, atol=1e-12)
        assert size > 1000 or len(tables) > 5


def test_targets_are_orthonormal() -> None:
    (table,) = target_tables(uniform(100_000, 1), all_terms({1: 3, 2: 3, 3: 2}, 0), 3)
    assert_allclose(table.T @ table / len(table), np.eye(table.shape[1]), atol=0.05)


# Known answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ["population", "heldout"])
def test_every_state_is_found_where_it_belongs(estimator: str) -> None:
    """A delay line, a power, a product, a cubic product: 1 each, and their sum is the number of states."""
    u = uniform(4000, 2)
    states = np.stack(
        [past(u, 1), past(u, 2), past(u, 3) ** 2, past(u, 1) * u, (3 * past(u, 2) ** 2 - 1) * past(u, 4)], axis=1
    )
    found = hr.processing_capacity(states, u, d_max={1: 8, 2: 5, 3: 4}, estimator=estimator)
    held = {t.name: c for t, c in zip(found.terms, found.capacity, strict=True) if c > 0.3}
    assert set(held) == {
        "P1(u[k-1])", "P1(u[k-2])", "P2(u[k-3])", "P1(u[k]) P1(u[k-1])", "P2(u[k-2]) P1(u[k-4])",
    }  # fmt: skip
    assert_allclose(list(held.values()), 1, atol=0.01)
    assert found.bound == 5 and found.total == pytest.approx(5, abs=0.06)
    for degree, total in {1: 2, 2: 2, 3: 1}.items():
        assert found.by_degree[degree].total == pytest.approx(total, abs=0.03)
    assert found.single.total == pytest.approx(3, abs=0.05) and found.cross.total == pytest.approx(2, abs=0.05)
    assert found.single.total + found.cross.total == pytest.approx(found.total)
    assert found.of(degree=2, cross=True, delay=1).total == pytest.approx(1, abs=0.01)
    assert found.of(delay=7).total == pytest.approx(0, abs=0.01)


def test_a_square_without_memory_has_degree_two_alone() -> None:
    u = uniform(3000, 3)
    found = hr.processing_capacity(u[:, None] ** 2, u, d_max=6)
    assert found.by_degree[2].total == pytest.approx(1, abs=0.01)
    assert abs(found.by_degree[1].total) < 0.01 and abs(found.by_degree[3].total) < 0.02
    assert found.terms[int(np.argmax(found.capacity))].name == "P2(u[k])"
    assert abs(hr.processing_capacity(u[:, None] ** 2, u, d_max=6, d_min=1).total) < 0.02


def test_tanh_splits_as_its_series_says() -> None:
    """Shares of tanh(2 u) in odd polynomials, by quadrature; even ones have none."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    y, u = np.tanh(2 * nodes), uniform(6000, 4)
    shares = [(2 * n + 1) * (weights @ (y * eval_legendre(n, nodes))) ** 2 / 2 / (weights @ y**2) for n in range(1, 6)]
    found = hr.processing_capacity(np.tanh(2 * u)[:, None], u, d_max=0, degree=5)
    assert_allclose(found.capacity, shares, atol=0.01)
    assert found.total == pytest.approx(sum(shares), abs=0.01) and found.total > 0.99


def test_a_linear_reservoir_without_noise_has_its_number_of_states() -> None:
    u = uniform(6000, 5)
    found = hr.processing_capacity(reservoir(20, 0.8, u), u, d_max={1: 80, 2: 15}, washout=100)
    assert found.bound == 20
    assert found.by_degree[1].total == pytest.approx(20, abs=0.2) and abs(found.by_degree[2].total) < 0.2
    assert abs(found.total - 20) < 0.3
    noisy = hr.processing_capacity(reservoir(20, 0.8, u, noise=1.0), u, d_max={1: 80, 2: 15}, washout=100)
    assert 1 < noisy.total < 15 and noisy.bound == 20


def test_degree_one_is_the_memory_capacity() -> None:
    u = uniform(2000, 6)
    states = reservoir(8, 0.9, u, noise=0.4)
    for estimator in ("population", "heldout"):
        old = hr.memory_capacity(states, u, d_max=20, estimator=estimator)
        new = hr.processing_capacity(states, u, d_max=20, degree=1, d_min=1, estimator=estimator)
        assert new.total == pytest.approx(old.total, rel=1e-3) and new.stderr == pytest.approx(old.stderr, rel=0.02)
        assert_allclose(new.capacity, old.curve, atol=2e-3)
        assert_allclose(new.interval, old.interval, rtol=0.01)


def test_the_input_may_lie_anywhere_and_other_distributions_come_as_their_probability() -> None:
    u = uniform(2000, 7)
    states = np.stack([past(u, 1), past(u, 2) ** 2], axis=1)
    plain = hr.processing_capacity(states, u, d_max=4, degree=2, input_range=(-1, 1))
    moved = hr.processing_capacity(states, 5 + 3 * u, d_max=4, degree=2, input_range=(2, 8))
    assert_allclose(moved.capacity, plain.capacity, atol=1e-9)
    guessed = hr.processing_capacity(states, 5 + 3 * u, d_max=4, degree=2)
    assert_allclose(guessed.capacity, plain.capacity, atol=2e-3)
    e = -np.log((u + 1) / 2)
    given = hr.processing_capacity(states, 1 - np.exp(-e), d_max=4, degree=2, input_range=(0, 1))
    assert_allclose(given.total, plain.total, atol=1e-6)


# Nothing where there is nothing, and errors --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["noise", "memoryless"])
def test_many_targets_that_are_not_held_add_up_to_nothing(kind: str) -> None:
    """200 series of 600 samples, 8 states, 504 targets. The error is too large by up to sqrt(2), as is said."""
    z, means = [], []
    for seed in range(200):
        rng = np.random.default_rng([seed, 53])
        u = rng.uniform(-1, 1, 600)
        states = rng.standard_normal((600, 8))
        if kind == "memoryless":
            states = np.tanh(np.outer(u, np.linspace(0.5, 4, 8)) + np.linspace(-1, 1, 8))
        found = hr.processing_capacity(states, u, d_max={1: 20, 2: 15, 3: 12}, d_min=1, min_ratio=0)
        z.append(found.total / found.stderr)
        means.append(found.total)
    error = np.std(means) / math.sqrt(200)
    assert abs(np.mean(means)) < 2 * error, (np.mean(means), error)
    assert np.mean(np.abs(z) < 2) > 0.95
    assert 0.6 < np.std(z) < 1.1 and abs(np.mean(z)) < 0.2


def test_errors_of_sums_hold_what_targets_share() -> None:
    """Over 100 series of a noisy reservoir: the spread of the sums is that of their errors."""
    sums: dict[str, list[tuple[float, float]]] = {"all": [], "linear": [], "apart": []}
    for seed in range(100):
        u = uniform(1200, 1000 + seed)
        x = reservoir(6, 0.8, u) + 0.3 * np.random.default_rng(seed).standard_normal((1200, 6))
        found = hr.processing_capacity(np.hstack([x, x**2]), u, d_max={1: 15, 2: 6}, washout=50)
        linear = found.by_degree[1]
        sums["all"].append((found.total, found.stderr))
        sums["linear"].append((linear.total, linear.stderr))
        sums["apart"].append((found.total, float(np.sqrt((found.capacity_stderr**2).sum()))))
    for name, low, high in (("all", 0.8, 1.35), ("linear", 0.8, 1.35)):
        values, errors = np.array(sums[name]).T
        assert low < np.sqrt((errors**2).mean()) / values.std(ddof=1) < high, name
    values, errors = np.array(sums["apart"]).T
    together = np.array(sums["all"])[:, 1]
    assert abs(np.sqrt((errors**2).mean() / (together**2).mean()) - 1) > 0.1  # as if independent is another number


def test_sums_of_errors_by_hand() -> None:
    u = uniform(1500, 9)
    found = hr.processing_capacity(reservoir(5, 0.7, u, noise=0.5), u, d_max=5, degree=2)
    moved = found._influence
    assert_allclose(found.stderr, math.sqrt(len(moved) * moved.sum(axis=1).var(ddof=1)))
    first = found.of(degree=1, delay=3)
    assert first.targets == 1 and first.stderr == pytest.approx(found.capacity_stderr[3])
    assert found.of(degree=7).targets == 0 and found.of(degree=7).total == 0


def test_tables_of_targets_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    u = uniform(900, 10)
    states = reservoir(5, 0.7, u, noise=0.5)
    whole = hr.processing_capacity(states, u, d_max=6, degree=2)
    monkeypatch.setattr(legendre_targets, "_TABLE", 5 * 900)
    parts = hr.processing_capacity(states, u, d_max=6, degree=2)
    assert_allclose(parts.capacity, whole.capacity, atol=1e-12)
    assert parts.stderr == pytest.approx(whole.stderr)


# What is refused, and what is said -----------------------------------------------------------------------------------

U = uniform(600, 11)
LINE = np.stack([past(U, d) for d in (1, 2, 3)], axis=1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"degree": 0}, "degree must be a whole number >= 1, got 0"),
        ({"d_max": {0: 3}}, "a degree in d_max must be a whole number >= 1, got 0"),
        ({"d_max": {}}, "d_max must name a degree"),
        ({"d_max": {1: 5, 2: 3}, "degree": 3}, "degree = 3 and a d_max up to degree 2 disagree: leave degree out"),
        ({"d_max": 2, "d_min": 3}, "d_max must be a whole number >= 3, got 2"),
        ({"d_max": {2: 1}, "d_min": 2}, "d_max of degree 2 must be a whole number >= 2, got 1"),
        ({"estimator": "best"}, "unknown estimator 'best'"),
        ({"min_ratio": -1}, "min_ratio must be >= 0"),
        ({"u": U[:-1]}, "states and u must be equally long, got 600 and 599"),
        ({"u": np.where(np.arange(600) == 5, np.nan, U)}, "u must be finite"),
        ({"states": np.where(np.arange(1800).reshape(600, 3) == 5, np.nan, LINE)}, "states must be finite"),
        ({"u": np.ones(600)}, "u must vary, got 1 throughout"),
        (
            {"u": U**3},
            r"u must be uniform from -0\.99\d* to 0\.99\d*, .* p = \S+: use uniform_stimulus, or give F\(u\)",
        ),
        ({"u": np.sign(U)}, "u must be uniform from -1 to 1"),
        ({"input_range": (-1, 3)}, "u must be uniform from -1 to 3"),
        ({"input_range": (-0.5, 1)}, "u must lie in input_range, -0.5 to 1, got -0.99"),
        ({"input_range": (1, -1)}, r"input_range must be \(lowest, highest\), got \[1\.0, -1\.0\]"),
        ({"input_range": (1, 2, 3)}, "input_range must be"),
    ],
)
def test_mistakes_are_named_in_one_line(changed: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"states": LINE, "u": U, "d_max": 4, **changed}
    with pytest.raises(HeteroError, match=message) as caught:
        hr.processing_capacity(arguments.pop("states"), arguments.pop("u"), **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_too_short_says_how_much_is_needed() -> None:
    with pytest.raises(TooShortError, match=r"processing_capacity needs at least (\d+) samples, got 200") as caught:
        hr.processing_capacity(LINE[:200], U[:200], d_max=8, degree=2)
    error = caught.value
    assert error.estimate.n_samples == 192 and error.measure == "processing_capacity"
    assert error.required == 8 + 250  # five blocks of 50 rows
    hr.processing_capacity(LINE[: error.required], U[: error.required], d_max=8, degree=2)
    with pytest.raises(TooShortError):
        hr.processing_capacity(LINE[: error.required - 1], U[: error.required - 1], d_max=8, degree=2)
    with pytest.raises(TooShortError) as caught:
        hr.processing_capacity(LINE[:5], U[:5], d_max=8, degree=2)
    assert caught.value.estimate is None
    wide = np.random.default_rng(0).standard_normal((600, 300))
    with pytest.raises(TooShortError) as caught:
        hr.processing_capacity(wide, U, d_max=4, degree=1)
    assert caught.value.required == 4 + math.ceil((900 + 8) * 5 / 4)


def test_too_many_targets_say_what_memory_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    message = r"a processing capacity of 96560646 targets, 3 features and 600 samples would take [\d.]+ GB of memory"
    with pytest.raises(HeteroError, match=message + ".*: lower degree or d_max"):
        hr.processing_capacity(LINE, U, d_max={5: 100})
    assert math.comb(105, 5) == 96560646


def test_states_that_stand_still_or_are_sums_of_others() -> None:
    dead = np.hstack([LINE, np.ones((600, 2))])
    alone = hr.processing_capacity(LINE, U, d_max=4, degree=2)
    found = hr.processing_capacity(dead, U, d_max=4, degree=2)
    assert found.total == pytest.approx(alone.total) and found.n_features == found.bound == 3
    with pytest.warns(UserWarning, match=r"2 of 5 states are sums of others, .* at most 3: leave them out"):
        found = hr.processing_capacity(np.hstack([LINE, LINE @ [[1, 0], [1, 0], [0, 2]]]), U, d_max=4, degree=2)
    assert found.bound == 3 and found.total == pytest.approx(alone.total, abs=0.01)
    for estimator in ("population", "heldout"):
        with pytest.warns(UserWarning, match="none of the 3 states varies, so that the capacity is 0"):
            found = hr.processing_capacity(np.ones((600, 3)), U, d_max=4, degree=2, estimator=estimator)
        assert found.total == 0 and found.stderr == 0 and found.bound == 0


def test_correlated_input_is_warned_of() -> None:
    ranks = np.convolve(uniform(3010, 12), np.ones(10), "valid").argsort().argsort() / 3000
    with pytest.warns(UserWarning, match="defined for independent samples"):
        hr.processing_capacity(ranks[:, None], ranks, d_max=10, degree=1)


# What is shown -------------------------------------------------------------------------------------------------------


def test_results_read_well() -> None:
    found = hr.processing_capacity(LINE, U, d_max=4, degree=2)
    assert repr(found).startswith("capacity 3.0") and ", at most 3 (population, 20 targets, 596 samples" in repr(found)
    text = str(found)
    for word in ("linear", "quadratic", "several delays", "P1(u[k-1])", "20"):
        assert word in text
    html = found._repr_html_()
    assert html.count("<table") == 2 and "P1(u[k-3])" in html.replace("&nbsp;", " ")
    rows = found.table()
    assert len(rows) == 20 and rows[5]["name"] == "P2(u[k])" and rows[5]["degree"] == 2 and not rows[5]["cross"]
    pytest.importorskip("pandas")
    frame = found.to_pandas()
    assert frame.capacity.sum() == pytest.approx(found.total)
    assert list(frame.columns) == ["name", "degree", "delay", "cross", "capacity", "stderr"]


def test_default_degree_is_three() -> None:
    found = hr.processing_capacity(LINE, U, d_max=3)
    assert list(found.by_degree) == [1, 2, 3] and processing.MIN_RATIO == 3
    assert (
        len(found.terms) == 4 + 10 + 20 == sum(len(list(combinations_with_replacement(range(4), n))) for n in (1, 2, 3))
    )
