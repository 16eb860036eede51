"""Pseudo-derivatives: areas, limits, integrals, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

import hetero_rsnn as hr
from hetero_rsnn.gradient.pseudo_derivative import SHAPES

VARIANTS = [
    *(hr.PseudoDerivative(shape) for shape in SHAPES),
    hr.PseudoDerivative("rectangle", width=0.2),
    hr.PseudoDerivative("triangle", width=0.3),
    hr.PseudoDerivative("trapezoid", inner=0.0, outer=0.7),
    hr.PseudoDerivative("trapezoid", inner=0.4, outer=0.4),
    hr.PseudoDerivative("trapezoid", inner=0.1, outer=1.9),
    hr.PseudoDerivative("fast_sigmoid", slope=25.0),
    hr.PseudoDerivative("arctangent", slope=0.7),
    hr.PseudoDerivative("gaussian", sd=1.3),
]


@pytest.mark.parametrize("bump", VARIANTS, ids=repr)
def test_the_area_is_one_and_the_bump_is_even(bump):
    edges = sorted({0.0, *(v for v in bump.parameters.values() if bump.support < np.inf)})
    parts = [integrate.quad(bump, a, b)[0] for a, b in zip(edges, [*edges[1:], max(edges)], strict=True)]
    tail = integrate.quad(bump, max(edges), np.inf)[0]
    assert 2 * (sum(parts) + tail) == pytest.approx(1.0, abs=1e-6)
    x = np.linspace(0.0, 3.0, 50)
    np.testing.assert_array_equal(bump(x), bump(-x))
    assert (np.diff(bump(x)) <= 0).all() and (bump(x) >= 0).all()
    assert (bump(x[x > bump.support]) == 0).all()
    assert bump.support == np.inf or bump(0.999 * bump.support) > 0


@pytest.mark.parametrize("bump", VARIANTS, ids=repr)
def test_the_integral_is_that_of_the_bump(bump):
    assert bump.integral(0.0) == pytest.approx(0.5)
    assert bump.integral(-1e9) == pytest.approx(0.0, abs=1e-6) and bump.integral(1e9) == pytest.approx(1.0, abs=1e-6)
    for a, b in ((-0.9, -0.3), (-0.31, 0.02), (0.1, 2.0)):
        corners = [s * v for v in bump.parameters.values() for s in (-1, 1) if a < s * v < b]
        area = integrate.quad(bump, a, b, points=corners or None)[0]
        assert bump.integral(b) - bump.integral(a) == pytest.approx(area, abs=1e-7)


def test_the_trapezoid_has_rectangle_and_triangle_as_limits():
    x = np.linspace(-1.1, 1.1, 90)  # not on a corner
    triangle = hr.PseudoDerivative("trapezoid", inner=0.0, outer=0.8)
    np.testing.assert_allclose(triangle(x), hr.PseudoDerivative("triangle", width=0.8)(x), atol=1e-15)
    rectangle = hr.PseudoDerivative("trapezoid", inner=0.8, outer=0.8)
    np.testing.assert_array_equal(rectangle(x), hr.PseudoDerivative("rectangle", width=0.8)(x))
    near = hr.PseudoDerivative("trapezoid", inner=0.8 - 1e-9, outer=0.8)
    np.testing.assert_allclose(near(x), rectangle(x), atol=1e-8)


def test_values_by_hand():
    assert hr.PseudoDerivative("rectangle", width=0.25)([0.0, 0.25, 0.26]).tolist() == [2.0, 2.0, 0.0]
    assert hr.PseudoDerivative("triangle", width=2.0)([0.0, 1.0, 2.0]).tolist() == [0.5, 0.25, 0.0]
    assert hr.PseudoDerivative("trapezoid", inner=0.25, outer=0.75)([0.2, 0.5, 0.75]).tolist() == [1.0, 0.5, 0.0]
    assert hr.PseudoDerivative("fast_sigmoid", slope=4.0)(0.25) == 0.5
    assert hr.PseudoDerivative("arctangent", slope=np.pi)(0.0) == pytest.approx(1.0)
    assert hr.PseudoDerivative("gaussian", sd=1.0)(0.0) == pytest.approx(0.3989422804)


@pytest.mark.parametrize("bump", VARIANTS, ids=repr)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_kernel_has_the_same_bumps(bump, seed):
    """After one step the gradient of the threshold is minus the bump where the potential has got to."""
    rng = np.random.default_rng(seed)
    net = hr.load_network("henhos", n=40, **{"neuron.initial.v": 0.0})
    draw = hr.draw(net, seed=3)
    levels = rng.uniform(-20, 40, (20, net.input.channels))
    samples = [hr.array_stimulus(level[None], "1 ms") for level in levels]
    run = hr.run_batch(draw, samples)
    got = run.backward(np.ones_like(run.activity), wrt=["v_th"], pseudo_derivative=bump).v_th
    p = draw.neurons
    decay = np.exp(-net.dt / p["tau_m"])
    steady = p["v_rest"] + p["I_bias"] + levels @ draw.w_in.T
    start = draw.initial.get("v", np.zeros(40))
    v = steady + (start - steady) * decay
    np.testing.assert_allclose(got, -bump(v - p["v_th"]).sum(axis=0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "parameters", "said"),
    [
        ("box", {}, "rectangle"),
        ("rectangle", {"width": 0.0}, "width must be"),
        ("triangle", {"width": np.nan}, "width must be"),
        ("gaussian", {"slope": 1.0}, "'slope'"),
        ("trapezoid", {"inner": 0.9}, "inner must be at most outer = 0.75, got 0.9"),
        ("trapezoid", {"inner": -0.1}, "inner must be"),
        ("fast_sigmoid", {"slope": "steep"}, "slope must be"),
    ],
)
def test_what_cannot_be_is_refused(shape, parameters, said):
    with pytest.raises(hr.HeteroError, match=said):
        hr.PseudoDerivative(shape, **parameters)


def test_names_stand_for_usual_parameters():
    assert hr.PseudoDerivative.of("gaussian") == hr.PseudoDerivative("gaussian")
    assert len({hr.PseudoDerivative.of("gaussian"), hr.PseudoDerivative("gaussian", sd=0.4)}) == 1
    with pytest.raises(hr.HeteroError, match="a name or a PseudoDerivative"):
        hr.PseudoDerivative.of(3)
    assert repr(hr.PseudoDerivative("trapezoid")) == "PseudoDerivative('trapezoid', inner=0.25, outer=0.75)"
