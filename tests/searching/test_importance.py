"""How much each number matters: indices that are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import qmc
from searches import make_search

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError, SearchError
from hetero_rsnn.searching.importance import FEWEST, first_order
from hetero_rsnn.searching.partial_dependence import fit_models

#: Ishigami's function with a = 7, b = 0.1.
ISHIGAMI = np.array([0.3139, 0.4424, 0.0])


def ishigami(x):
    return np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])


def of_three(network, seed, *, a, b, c):
    """log C is Ishigami's function on [-pi, pi]^3 but for scale and shift."""
    return {"C": math.exp(2 + 0.1 * ishigami([a - 4, b - 4, c - 4])), "S": 0.1}


def linear(network, seed, *, a, b, c):
    """log C = 3 z_a + z_b, log S = -2 z_b, and c does nothing."""
    rng = np.random.default_rng([seed, *(round(1e6 * x) for x in (a, b, c))])
    return {"C": math.exp(3 * a + b + rng.normal(0, 0.1)), "S": 0.1 * math.exp(-2 * b)}


def space(low, high, names=("a", "b", "c")):
    scalars = {name: {"as": "setting", "range": [low, high]} for name in names}
    return hr.Space.from_dict({"name": "own", "base": hr.load_network("henhes", n=20).to_dict(), "scalars": scalars})


def searched(function, where, trials, **options):
    how = {"method": "random", "seeds": 1, "fresh_seeds": 1, **options}
    return hr.search_function(function, where, budget=trials, initial=trials, **how)


@pytest.fixture(scope="module")
def sloped():
    return searched(linear, space(0.0, 1.0), 32, seeds=2)


def test_indices_of_functions_that_are_known_everywhere():
    z = qmc.Sobol(3, scramble=False).random(4096) + 0.5 / 4096
    values = np.column_stack([ishigami(np.pi * (2 * z.T - 1)), 3 * z[:, 0] + z[:, 1]])
    found = first_order(z, values)
    assert_allclose(found[:, 0], ISHIGAMI, atol=0.004)
    assert_allclose(found[:, 1], [0.9, 0.1, 0.0], atol=1e-4)


def test_numbers_that_act_together_alone_have_no_index():
    z = qmc.Sobol(12, scramble=False).random(1024) + 0.5 / 1024
    values = z[:, 0] + 12 * (z[:, 1] - 0.5) * (z[:, 2] - 0.5) + 12 * (z[:, 3] - 0.5) * (z[:, 4] - 0.5)
    found = first_order(z, values[:, None])[:, 0]
    assert found[0] == pytest.approx(1 / 25, abs=0.01) and (found[1:] < 0.01).all()


def test_what_is_unexplained_counts():
    z = qmc.Sobol(2, scramble=False).random(1024)
    assert_allclose(first_order(z, z[:, :1], unexplained=1 / 12)[:, 0], [0.5, 0], atol=1e-3)


def test_many_numbers_leave_points_for_the_residuals():
    z = np.random.default_rng(1).random((64, 20))
    assert np.isfinite(first_order(z, z[:, :1])).all()


def test_ishigami_through_a_search():
    found = hr.importance(searched(of_three, space(4 - np.pi, 4 + np.pi), 128))
    assert_allclose([x.index for x in found.values()], ISHIGAMI, atol=0.05)
    assert all(x.low <= s <= x.high for x, s in zip(found.values(), ISHIGAMI, strict=True))
    assert found["a"].low > 0.2 and found["b"].low > 0.3 and found["c"].low <= 0 <= found["c"].high < 0.025


def test_humps_are_not_taken_for_noise():
    """From long length scales alone the fit finds nothing over `b` in these 64 trials, and much noise."""
    found = hr.importance(searched(of_three, space(4 - np.pi, 4 + np.pi), 64, seed=1))
    assert found["b"].index == pytest.approx(ISHIGAMI[1], abs=0.08)


def test_a_linear_function_and_what_does_nothing(sloped):
    for quantity, shares in (("E", [0.5, 0.5, 0]), ("C", [0.9, 0.1, 0]), ("S", [0, 1, 0])):
        found = hr.importance(sloped, quantity)
        assert list(found) == ["a", "b", "c"]
        for one, share in zip(found.values(), shares, strict=True):
            assert one.index == pytest.approx(share, abs=0.04)
            assert one.low <= share <= one.high
    found = hr.importance(sloped)
    assert found["c"].low <= 0 <= found["c"].high and abs(found["c"].index) < 0.01
    assert found["a"].low > 0.4


def test_the_objective_says_what_is_explained(sloped):
    assert hr.importance(sloped) == hr.importance(sloped, "E") == sloped.importance()
    capacity = searched(linear, space(0.0, 1.0), 12, objective="capacity")
    assert hr.importance(capacity) == hr.importance(capacity, "C") != hr.importance(capacity, "E")


def test_it_is_the_variance_of_the_partial_dependence(sloped):
    curve = np.log(fit_models(sloped).partial("a", "C").mean)
    shares = hr.importance(sloped, "C")
    other = np.log(fit_models(sloped).partial("b", "C").mean)
    assert curve.var() / other.var() == pytest.approx(shares["a"].index / shares["b"].index, rel=0.1)


@pytest.mark.slow
def test_intervals_hold_the_truth():
    """Of 10 searches with noise, at most 2 miss: a binomial number with a share of 5 % is above that in 1.2 %."""
    missed = np.zeros(3)
    for seed in range(10):
        result = searched(linear, space(0.0, 1.0), 24, seeds=[100 + seed, 200 + seed], seed=seed)
        found = hr.importance(result, "C").values()
        missed += [not (x.low <= s <= x.high) for x, s in zip(found, (0.9, 0.1, 0.0), strict=True)]
    assert (missed <= 2).all(), missed


def test_distributions_matter_too(tmp_path):
    result = make_search(tmp_path, space="quick", trials=40, method="random")
    found = hr.importance(result, "C")
    assert max(found, key=lambda name: found[name].index) == "tau_m.cv"
    assert (
        str(found["tau_m.cv"])
        == f"{found['tau_m.cv'].index:.2f} [{found['tau_m.cv'].low:.2f}, {found['tau_m.cv'].high:.2f}]"
    )


def test_too_few_trials_and_unknown_quantities(sloped):
    few = searched(linear, space(0.0, 1.0), 9)
    with pytest.raises(SearchError, match=rf"3 searched numbers matter needs {FEWEST} measured trials, got 9: let the"):
        hr.importance(few)
    with pytest.raises(HeteroError, match="no quantity 'F'"):
        hr.importance(sloped, "F")
