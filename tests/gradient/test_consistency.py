"""The RCS regulariser: its value by its definition, and gradients through spikes, potentials and thresholds."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hetero_rsnn as hr
from hetero_rsnn.gradient.consistency import cosine_cost, inconsistency, last_steps
from hetero_rsnn.gradient.decisions import DecisionHead, DecisionWindows
from hetero_rsnn.gradient.fitting import Training
from hetero_rsnn.gradient.heads import SampleHead
from hetero_rsnn.gradient.parameters import parameters
from hetero_rsnn.gradient.readouts import Pooling
from hetero_rsnn.gradient.settings import Settings


def by_definition(r, steps, right, goals=None):
    """Sample by sample; `goals` are means at the end that are held fixed."""
    each = []
    for i, (own, count) in enumerate(zip(r, steps, strict=True)):
        n = max(1, int(0.3 * count))
        goal = own[count - n : count].mean(axis=0) if goals is None else goals[i]
        if not right[i, count - n : count].all():
            each.append(0.0)
            continue
        cosines = [
            own[t] @ goal / (np.sqrt(own[t] @ own[t] + 1e-5) * np.sqrt(goal @ goal + 1e-5)) for t in range(count)
        ]
        each.append(1 / (np.mean(cosines) + 1e-5))
    return np.mean(each)


def goals_of(r, steps):
    return [own[c - max(1, int(0.3 * c)) : c].mean(axis=0) for own, c in zip(r, steps, strict=True)]


def test_the_end_is_three_tenths_and_at_least_one_step():
    assert last_steps(np.arange(1, 21)).tolist() == [max(1, 3 * t // 10) for t in range(1, 21)]


@given(seed=st.integers(0, 2**31), most=st.integers(1, 12), n=st.integers(1, 6))
def test_value_and_gradient_of_the_cost(seed, most, n):
    rng = np.random.default_rng(seed)
    steps = rng.integers(1, most + 1, 5)
    steps[0] = most
    r = rng.integers(0, 2, (5, most, n)) + np.maximum(rng.normal(size=(5, most, n)), 0)
    right = rng.random((5, most)) < 0.8
    value, gradient = cosine_cost(r, steps, right)
    assert abs(value - by_definition(r, steps, right)) < 1e-12 * max(1.0, value)
    goals, step = goals_of(r, steps), rng.normal(size=r.shape)
    h = 1e-6
    slope = (
        (by_definition(r + h * step, steps, right, goals) - by_definition(r - h * step, steps, right, goals)) / h / 2
    )
    assert abs(slope - (gradient * step).sum()) < 1e-5 * max(1.0, abs(slope), value)
    for own, count in zip(gradient, steps, strict=True):
        assert not own[count:].any()


def test_what_does_the_same_in_every_window_costs_least():
    same = np.tile([[1.0, 0.0, 2.0]], (1, 5, 1))
    other = same.copy()
    other[0, 0] = [0.0, 3.0, 0.0]
    right = np.ones((1, 5), bool)
    (least, flat), (more, _) = (cosine_cost(r, np.array([5]), right) for r in (same, other))
    assert abs(least - 1) < 1e-4 and np.abs(flat).max() < 1e-4 and more > 1.2
    assert cosine_cost(other, np.array([5]), ~right)[0] == 0.0
    silent, none = cosine_cost(np.zeros((1, 5, 3)), np.array([5]), right)
    assert np.isfinite(silent) and np.isfinite(none).all()


DRAW = hr.draw(
    hr.load_network(
        "henhes", n=30, **{"input.channels": 2, "v_rest": -0.2},
        v_th={"distribution": "truncated_normal", "mean": 1.0, "cv": 0.2},
    ),
    seed=3,
)  # fmt: skip
SAMPLES = [hr.array_stimulus(np.random.default_rng(k).normal(1.0, 1.5, (9 + k, 2)), "2 ms") for k in range(5)]
HEAD = DecisionHead(DecisionWindows(3), np.array([0, 1, 0, 1, 0]), np.array([len(s) for s in SAMPLES]))


def summed(activity, windows, every):
    most = range(0, windows.max(), every)
    return np.array(
        [
            [own[t : min(t + every, count)].sum(axis=0) for t in most]
            for own, count in zip(activity, windows, strict=True)
        ]
    )


def told(draw, run, scores=None):
    index = np.arange(5)
    if scores is None:  # right throughout
        scores = np.repeat(HEAD.indicators, HEAD.steps(index), axis=0)
    return inconsistency(run, draw, HEAD, scores, index)


def stands(draw, v, ends):
    rest, reach = draw.neurons["v_rest"], draw.neurons["v_th"] - draw.neurons["v_rest"]
    return np.maximum((v[np.arange(5)[:, None], ends] - rest) / reach, 0)


def test_of_a_network_it_is_spikes_and_where_potentials_stand():
    run = hr.run_batch(DRAW, SAMPLES, keep=["potentials"])
    steps, ends = HEAD.steps(np.arange(5)), HEAD.layout.ends(run.windows)
    assert run.activity.sum() > 20
    counts = np.array([[own[3 * t : 3 * t + 3].sum(axis=0) for t in range(ends.shape[1])] for own in run.activity])
    r = counts + stands(DRAW, run.potentials, ends)
    found = told(DRAW, run)
    assert abs(found.value - by_definition(r, steps, np.ones(ends.shape, bool))) < 1e-12
    assert told(DRAW, run, np.repeat(1 - HEAD.indicators, steps, axis=0)).value == 0.0


def test_gradients_with_respect_to_activity_potentials_and_thresholds():
    run = hr.run_batch(DRAW, SAMPLES, keep=["potentials"])
    found = told(DRAW, run)
    steps, layout, rng = HEAD.steps(np.arange(5)), HEAD.layout, np.random.default_rng(0)
    ends = layout.ends(run.windows)
    goals = goals_of(summed(run.activity, run.windows, 3) + stands(DRAW, run.potentials, ends), steps)

    def value(activity, potentials, draw):
        r = summed(activity, run.windows, 3) + stands(draw, potentials, ends)
        return by_definition(r, steps, np.ones(ends.shape, bool), goals)

    x, v, th = run.activity, run.potentials, DRAW.neurons["v_th"]
    dx, dv, dth, h = rng.normal(size=x.shape), rng.normal(size=v.shape), rng.normal(size=th.shape), 1e-6
    for own, count in zip(dx, run.windows, strict=True):
        own[count:] = 0.0
    for a, b, c, gradient in (
        (dx, 0 * dv, 0 * dth, (found.into_activity * dx).sum()),
        (0 * dx, dv, 0 * dth, (found.into_potentials * dv).sum()),
        (0 * dx, 0 * dv, dth, (found.into_thresholds * dth).sum()),
    ):
        up, down = (
            value(x + s * a, v + s * b, replace(DRAW, neurons={**DRAW.neurons, "v_th": th + s * c})) for s in (h, -h)
        )
        assert abs(gradient) > 1e-4
        assert abs((up - down) / (2 * h) - gradient) < 1e-6 * max(1.0, abs(gradient))


def test_thresholds_out_of_reach_or_below_rest_have_no_part():
    th = DRAW.neurons["v_th"].copy()
    th[:2] = np.inf, DRAW.neurons["v_rest"][1]
    draw = replace(DRAW, neurons={**DRAW.neurons, "v_th": th})
    run = SimpleNamespace(
        windows=np.array([len(s) for s in SAMPLES]), activity=np.ones((5, 13, 30)), potentials=np.ones((5, 13, 30))
    )
    found = told(draw, run)
    assert np.isfinite(found.value) and found.into_thresholds[0] == found.into_thresholds[1] == 0.0
    for gradient in (found.into_activity, found.into_potentials, found.into_thresholds):
        assert np.isfinite(gradient).all()


BUMP = hr.PseudoDerivative("trapezoid", inner=0.3, outer=1.2)


@pytest.mark.parametrize("every", [1, 3, 4])
def test_the_whole_way_back_is_that_of_finite_differences(every):
    """With smooth spikes, whose derivative is no pseudo-derivative, and the means at the end held fixed."""
    net = hr.load_network(
        "henhes", n=25, t_ref="0 ms", **{"input.channels": 2, "v_rest": -0.2},
        tau_m={"distribution": "gamma", "mean": "8 ms", "cv": 0.6},
        tau_syn={"distribution": "gamma", "mean": "5 ms", "cv": 0.5},
        v_th={"distribution": "truncated_normal", "mean": 1.0, "cv": 0.2},
    )  # fmt: skip
    draw, index = hr.draw(net, seed=5), np.arange(5)
    head = replace(HEAD, layout=DecisionWindows(every))
    steps = head.steps(index)
    scores = np.repeat(head.indicators, steps, axis=0)

    def run_of(one):
        return hr.run_batch(one, SAMPLES, keep=["potentials", "currents"], smooth=BUMP)

    def r_of(one):
        run = run_of(one)
        return summed(run.activity, run.windows, every) + stands(one, run.potentials, head.layout.ends(run.windows))

    goals, right = goals_of(r_of(draw), steps), np.ones((5, steps.max()), bool)
    run = run_of(draw)
    found = inconsistency(run, draw, head, scores, index)
    names = ["w", "w_in", "I_bias", "tau_m", "tau_syn", "v_th"]
    gradients = run.backward(found.into_activity, found.into_potentials, wrt=names, pseudo_derivative=BUMP)
    rng, h = np.random.default_rng(1), 1e-6

    def moved(name, step):
        if name in ("plastic", "static"):
            synapses = getattr(draw, name)
            return replace(draw, **{name: replace(synapses, w=synapses.w + step)})
        if name == "w_in":
            return replace(draw, w_in=draw.w_in + step)
        return replace(draw, neurons={**draw.neurons, name: draw.neurons[name] + step})

    for name in ("plastic", "static", *names[1:]):
        gradient = getattr(gradients, name)
        if name == "v_th":
            gradient = gradient + found.into_thresholds
        way = rng.normal(size=gradient.shape)
        up, down = (by_definition(r_of(moved(name, s * way)), steps, right, goals) for s in (h, -h))
        expected = (gradient * way).sum()
        assert abs(expected) > 1e-7, name
        assert abs((up - down) / (2 * h) - expected) < 2e-5 * max(1e-2, abs(expected)), name


def test_training_adds_it_to_the_loss_and_to_the_gradient():
    head = replace(HEAD, targets=np.zeros(5, np.int64))
    index, taught = np.arange(5), {}
    for alpha in (0.0, 0.3):
        settings = Settings(epochs=2, precision="double", consistency=alpha, clip=None)
        one = Training(parameters(DRAW, ["w_in", "v_th", "tau_syn"]), head, SAMPLES, np.zeros(0, int), settings)
        one.values["offset"] = np.array([5.0, 0.0])  # all are right from the beginning
        loss = one.step(index)[0]
        taught[alpha] = loss, one.adam.means
    run = hr.run_batch(DRAW, SAMPLES, keep=["potentials", "currents"])
    rcs = inconsistency(run, DRAW, head, np.repeat(head.indicators, head.steps(index), axis=0), index)
    assert rcs.value > 1.0 and abs(taught[0.3][0] - taught[0.0][0] - 0.3 * rcs.value) < 1e-12
    alone = run.backward(rcs.into_activity, rcs.into_potentials, wrt=["w_in", "v_th"])
    for name, gradient in (("w_in", alone.w_in), ("v_th", alone.v_th + rcs.into_thresholds)):
        more = taught[0.3][1][name] - taught[0.0][1][name]  # of the first step a tenth is remembered
        np.testing.assert_allclose(10 * more, 0.3 * gradient, rtol=1e-9, atol=1e-14)


def test_it_needs_decisions_over_time():
    labels = np.arange(5) % 2
    with pytest.raises(hr.HeteroError, match="needs decisions over time"):
        Training(parameters(DRAW), SampleHead(Pooling(), labels), SAMPLES, np.zeros(0, int), Settings(consistency=0.1))
    with pytest.raises(hr.HeteroError, match="consistency must be"):
        Settings(consistency=-0.1)
