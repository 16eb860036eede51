"""Forward pass and adjoint against the backends, finite differences and what can be said by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers import LIF_NETWORKS

import hetero_rsnn as hr
from hetero_rsnn.gradient.pseudo_derivative import SHAPES

QUANTITIES = ("w", "w_in", "w_event", "I_bias", "tau_m", "tau_syn", "v_th", "stimuli")
#: Heterogeneous in everything that a neuron or a synapse can have.
SPREAD = {
    "tau_syn": {"distribution": "gamma", "mean": "5 ms", "cv": 0.5},
    "v_th": {"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1},
    "t_ref": {"distribution": "uniform", "low": "0 ms", "high": "4 ms"},
}


def batch(channels: int, kind: str, count: int = 19, hold: str = "10 ms", seed: int = 0) -> list[Any]:
    """Samples of different lengths."""
    rng = np.random.default_rng(seed)
    shapes = [(int(rng.integers(3, 25)), channels) for _ in range(count)]
    if kind == "current":
        return [hr.array_stimulus(rng.normal(0.3, 1.0, shape), hold) for shape in shapes]
    return [hr.poisson_stimulus(rng.uniform(0, 90, shape), hold, seed=k) for k, shape in enumerate(shapes)]


@pytest.mark.parametrize("backend", ["fast", "numpy", "brian2"])
@pytest.mark.parametrize("kind", ["current", "poisson"])
@pytest.mark.parametrize("name", ["henhes", "honhos", "static"])
def test_spikes_are_those_of_the_backends(name, kind, backend):
    draw = hr.draw(hr.load_network(name, n=60, **SPREAD), seed=5)
    samples = batch(draw.network.input.channels, kind)
    some = range(0, len(samples), 9 if backend == "brian2" else 1)
    run = hr.run_batch(draw, samples)
    recordings = run.recordings()
    assert sum(rec.spike_times.size for rec in recordings) > 500
    for k in some:
        truth = hr.simulate(draw, samples[k], backend=backend, plasticity=False)
        np.testing.assert_array_equal(recordings[k].spike_times, truth.spike_times)
        np.testing.assert_array_equal(recordings[k].spike_neurons, truth.spike_neurons)
        step = np.floor(truth.spike_times / 10.0 + 1e-9).astype(int)
        counts = np.zeros((len(samples[k]), 60))
        np.add.at(counts, (step, truth.spike_neurons), 1)
        np.testing.assert_array_equal(run.activity[k, : len(samples[k])], counts)
        assert not run.activity[k, len(samples[k]) :].any()


@pytest.mark.parametrize("name", LIF_NETWORKS)
def test_spikes_are_those_of_the_kernel_for_every_shipped_network(name):
    draw = hr.draw(hr.load_network(name, n=60, **SPREAD), seed=7)
    samples = batch(draw.network.input.channels, "current", count=3, seed=1)
    recordings = hr.run_batch(draw, samples).recordings()
    assert sum(rec.spike_times.size for rec in recordings) > 100
    for sample, found in zip(samples, recordings, strict=True):
        truth = hr.simulate(draw, sample, plasticity=False)
        np.testing.assert_array_equal(found.spike_times, truth.spike_times)
        np.testing.assert_array_equal(found.spike_neurons, truth.spike_neurons)


def test_a_trained_state_is_gone_on_from():
    """With the weights, potentials and refractory times that learning has left."""
    draw = hr.draw(hr.load_network("henhes", n=60, **SPREAD), seed=5)
    before = hr.simulate(draw, hr.uniform_stimulus(200, "10 ms", seed=1))
    samples = batch(1, "current", count=5)
    run = hr.run_batch(draw, samples, state=before)
    for sample, recording in zip(samples, run.recordings(), strict=True):
        truth = hr.simulate(draw, sample, state=before, plasticity=False)
        np.testing.assert_array_equal(recording.spike_times, truth.spike_times)
        assert recording.t_start == truth.t_start
    other = hr.run_batch(draw, samples)
    assert not np.array_equal(other.activity, run.activity)


def test_filtered_activity_is_the_state_that_measures_take():
    draw = hr.draw(hr.load_network("henhes", n=60), seed=5)
    samples = batch(1, "current", count=4)
    run = hr.run_batch(draw, samples, tau_read="30 ms")
    for k, recording in enumerate(hr.run_batch(draw, samples).recordings()):
        np.testing.assert_allclose(
            run.activity[k, : run.windows[k]], hr.states(recording, samples[k], "30 ms"), rtol=1e-12
        )


def test_windows_inside_a_hold_and_potentials_at_their_ends():
    draw = hr.draw(hr.load_network("henhes", n=40), seed=2)
    samples = batch(1, "current", count=3)
    fine = hr.run_batch(draw, samples, window="2 ms", keep="potentials")
    coarse = hr.run_batch(draw, samples, keep="potentials")
    assert fine.windows.tolist() == [5 * w for w in coarse.windows]
    whole = fine.activity.reshape(3, -1, 5, 40).sum(axis=2)
    np.testing.assert_array_equal(whole, coarse.activity)
    np.testing.assert_array_equal(fine.potentials[:, 4::5], coarse.potentials)
    for k, sample in enumerate(samples):
        truth = hr.simulate(draw, sample, plasticity=False, record="v")
        np.testing.assert_array_equal(coarse.potentials[k, : len(sample) - 1], truth.traces["v"][10::10])


def changed(draw: hr.Draw, name: str, change: Any) -> hr.Draw:
    if name in ("plastic", "static"):
        synapses = getattr(draw, name)
        return dataclasses.replace(draw, **{name: dataclasses.replace(synapses, w=synapses.w + change)})
    if name in ("w_in", "w_event"):
        return dataclasses.replace(draw, **{name: getattr(draw, name) + change})
    return dataclasses.replace(draw, neurons={**draw.neurons, name: draw.neurons[name] + change})


@pytest.mark.parametrize("kind", ["current", "poisson"])
@pytest.mark.parametrize("shape", SHAPES)
def test_finite_differences_of_smooth_spikes(shape, kind):
    """The same program with a spike whose true derivative the bump is."""
    bump = hr.PseudoDerivative(shape)
    net = hr.load_network("henhes", n=24, **{**SPREAD, "t_ref": "1 ms"})
    draw, rng = hr.draw(net, seed=3), np.random.default_rng(1)
    samples = batch(1, kind, count=4, hold="4 ms")
    options: dict[str, Any] = {
        "smooth": bump, "tau_read": "20 ms", "window": "2 ms", "keep": ("potentials", "currents"), "checkpoint": 7,
    }  # fmt: skip
    run = hr.run_batch(draw, samples, **options)
    into = rng.normal(size=(2, *run.activity.shape))
    inside = np.arange(run.activity.shape[1])[None, :, None] < run.windows[:, None, None]

    def loss(draw: hr.Draw, samples: list[Any] = samples) -> float:
        now = hr.run_batch(draw, samples, **options)
        return float(
            (now.activity * into[0]).sum() + (now.potentials * into[1])[np.broadcast_to(inside, into[1].shape)].sum()
        )

    found = run.backward(into[0], into[1], wrt=QUANTITIES, pseudo_derivative=bump)
    for name in ("plastic", "static", "w_in", "w_event", "I_bias", "tau_m", "tau_syn", "v_th"):
        gradient = getattr(found, name)
        if kind == "poisson" and name == "w_in":
            assert not gradient.any()
            continue
        direction = rng.normal(size=gradient.shape) * (draw.w_event != 0 if name == "w_event" else 1.0)
        step = 1e-5
        there, back = (loss(changed(draw, name, sign * step * direction)) for sign in (1, -1))
        assert (there - back) / (2 * step) == pytest.approx((gradient * direction).sum(), rel=2e-5, abs=1e-6), name
    if kind == "current":
        directions = [rng.normal(size=x.values.shape) for x in samples]
        there, back = (
            loss(
                draw,
                [hr.array_stimulus(x.values + s * 1e-5 * d, x.hold) for x, d in zip(samples, directions, strict=True)],
            )
            for s in (1, -1)
        )
        expected = sum((g * d).sum() for g, d in zip(found.stimuli, directions, strict=True))
        assert (there - back) / 2e-5 == pytest.approx(expected, rel=2e-5, abs=1e-6)


@pytest.fixture(scope="module")
def drawn() -> hr.Draw:
    return hr.draw(hr.load_network("henhes", n=60, **SPREAD), seed=5)


@pytest.fixture(scope="module")
def samples() -> list[Any]:
    return batch(1, "current", count=37)


def same(a: hr.Gradients, b: hr.Gradients, exactly: bool = True) -> None:
    for field in dataclasses.fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if x is None:
            assert y is None
            continue
        for one, other in zip(*((v if isinstance(v, list) else [v]) for v in (x, y)), strict=True):
            if exactly:
                np.testing.assert_array_equal(one, other, err_msg=field.name)
            else:
                np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3 * np.abs(other).max(), err_msg=field.name)


@pytest.mark.parametrize("checkpoint", [1, 7, 50, 10_000])
def test_a_checkpointed_tape_gives_the_same_gradients(drawn, samples, checkpoint):
    into = np.random.default_rng(0).normal(size=hr.run_batch(drawn, samples).activity.shape)
    whole = hr.run_batch(drawn, samples, keep="currents")
    pieces = hr.run_batch(drawn, samples, keep="currents", checkpoint=checkpoint, workers=1)
    np.testing.assert_array_equal(whole.activity, pieces.activity)
    same(whole.backward(into, wrt=QUANTITIES), pieces.backward(into, wrt=QUANTITIES))
    for a, b in zip(whole.recordings(), pieces.recordings(), strict=True):
        np.testing.assert_array_equal(a.spike_times, b.spike_times)
    if checkpoint == 50:
        assert pieces.tape_bytes < 0.5 * whole.tape_bytes


def test_nothing_depends_on_threads_or_on_who_else_is_in_the_batch(drawn, samples):
    run = hr.run_batch(drawn, samples)
    into = np.random.default_rng(0).normal(size=run.activity.shape)
    same(run.backward(into), hr.run_batch(drawn, samples, workers=1).backward(into))
    alone = hr.run_batch(drawn, [samples[20]])
    count = int(run.windows[20])
    np.testing.assert_array_equal(alone.activity[0], run.activity[20, :count])
    one = np.zeros_like(into)
    one[20] = into[20]
    # What each sample gives is added up, sample by sample.
    np.testing.assert_allclose(
        alone.backward(into[20:21, :count]).plastic, run.backward(one).plastic, rtol=1e-12, atol=1e-14
    )


def test_the_tape_is_as_small_as_promised(drawn):
    samples = [hr.uniform_stimulus(29, "10 ms", seed=k) for k in range(32)]
    for precision, itemsize in (("double", 8), ("single", 4)):
        unit = 290 * 60 * 32 * itemsize
        assert hr.run_batch(drawn, samples, precision=precision).tape_bytes <= 1.2 * unit
        assert hr.run_batch(drawn, samples, precision=precision, keep="currents").tape_bytes <= 2.2 * unit


def test_single_precision_is_close(drawn, samples):
    double, single = (hr.run_batch(drawn, samples[:16], precision=p, keep="currents") for p in ("double", "single"))
    agree = (double.activity == single.activity).mean()
    assert agree > 0.999 and single.activity.dtype == np.float32
    short = [hr.array_stimulus(x.values[:2], x.hold) for x in samples[:16]]
    double, single = (hr.run_batch(drawn, short, precision=p, keep="currents") for p in ("double", "single"))
    np.testing.assert_array_equal(double.activity, single.activity)
    into = np.random.default_rng(0).normal(size=double.activity.shape)
    same(single.backward(into, wrt=QUANTITIES), double.backward(into, wrt=QUANTITIES), exactly=False)


def test_synapses_of_silent_neurons_get_no_gradient(drawn, samples):
    run = hr.run_batch(drawn, samples[:5])
    fired = run.activity.sum(axis=(0, 1)) > 0
    assert 0 < (~fired).sum() < 60
    found = run.backward(np.random.default_rng(0).normal(size=run.activity.shape))
    for synapses, gradient in ((drawn.plastic, found.plastic), (drawn.static, found.static)):
        assert not gradient[~fired[synapses.source]].any()
        assert gradient[fired[synapses.source]].any()
    assert found.reached > 0


def test_nothing_is_learned_where_no_potential_is_near_the_threshold(drawn, samples):
    low = dataclasses.replace(drawn, neurons={**drawn.neurons, "v_th": drawn.neurons["v_th"] + 1000.0})
    run = hr.run_batch(low, samples[:5], keep="currents")
    found = run.backward(np.ones_like(run.activity), wrt=QUANTITIES)
    assert found.reached == 0
    for name in ("plastic", "static", "w_in", "I_bias", "tau_m", "tau_syn", "v_th"):
        assert not getattr(found, name).any(), name


def test_a_detached_reset_hands_nothing_on(drawn, samples):
    """One neuron alone: what is attached differs from what is detached by the path through the reset."""
    net = hr.load_network("henhos", n=5, **{"t_ref": "0 ms", "neuron.initial.v": 0.0})
    draw = hr.draw(net, seed=1)
    alone = dataclasses.replace(
        draw, plastic=dataclasses.replace(draw.plastic, w=0 * draw.plastic.w),
        static=dataclasses.replace(draw.static, w=0 * draw.static.w),
    )  # fmt: skip
    bump = hr.PseudoDerivative("rectangle", width=5.0)
    run = hr.run_batch(alone, [hr.array_stimulus(np.full((3, 1), 30.0), "1 ms")])
    attached, detached = (
        run.backward(np.ones_like(run.activity), wrt="I_bias", pseudo_derivative=bump, detach_reset=d).I_bias
        for d in (False, True)
    )
    p = alone.neurons
    decay = np.exp(-net.dt / p["tau_m"])
    x = p["v_rest"] + p["I_bias"] + alone.w_in[:, 0] * 30.0
    for i in range(5):
        v, into, by_reset = float(alone.initial.get("v", np.zeros(5))[i]), 0.0, 0.0
        total, total_through = 0.0, 0.0
        for _ in range(3):
            rise = 1 - decay[i]
            into, by_reset = decay[i] * into + rise, decay[i] * by_reset + rise
            v = (v - x[i]) * decay[i] + x[i]
            slope = 0.1 if abs(v - p["v_th"][i]) <= 5 else 0.0
            total, total_through = total + slope * into, total_through + slope * by_reset
            spike = v > p["v_th"][i]
            into *= 1 - spike
            by_reset = (1 - spike) * by_reset + (p["v_reset"][i] - v) * slope * by_reset
            v = p["v_reset"][i] if spike else v
        assert detached[i] == pytest.approx(total, rel=1e-12)
        assert attached[i] == pytest.approx(total_through, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": "3 ms"}, "window must divide the hold of 10 steps evenly, got 3 steps"),
        ({"window": "20 ms"}, "window must divide"),
        ({"keep": "spikes"}, "unknown keep 'spikes'"),
        ({"precision": "half"}, "unknown precision 'half'"),
        ({"checkpoint": 0}, "checkpoint must be"),
        ({"workers": 0}, "workers must be"),
        ({"tau_read": "-1 ms"}, "tau_read"),
        ({"smooth": hr.PseudoDerivative("gaussian")}, "no refractory time"),
    ],
)
def test_options_that_cannot_be(drawn, samples, options, said):
    with pytest.raises(hr.HeteroError, match=said) as caught:
        hr.run_batch(drawn, samples[:2], **options)
    assert "\n" not in str(caught.value)


def test_batches_that_cannot_be(drawn, samples):
    mixed = [samples[0], hr.array_stimulus(samples[1].values, "20 ms")]
    for stimuli, said in (
        ([], "at least one stimulus"),
        (mixed, "one hold, got 10 and 20 ms"),
        ([np.zeros((3, 1))], "list of stimuli, got ndarray"),
        ([hr.array_stimulus(np.zeros((3, 2)), "10 ms")], "2 channels"),
        ([samples[0], samples[1][:0]], "stimulus is empty"),
    ):
        with pytest.raises(hr.HeteroError, match=said):
            hr.run_batch(drawn, stimuli)
    run = hr.run_batch(drawn, samples[:2])
    for call, said in (
        (lambda: run.backward(np.zeros((2, 3, 60))), "into_activity must have the shape"),
        (lambda: run.backward(np.full(run.activity.shape, np.nan)), "into_activity must be finite"),
        (lambda: run.backward(run.activity, run.activity), "potentials were not kept"),
        (lambda: run.backward(run.activity, wrt="tau_syn"), "currents"),
        (lambda: run.backward(run.activity, wrt="tau_n"), "tau_n.*tau_syn"),
        (lambda: run.backward(run.activity, pseudo_derivative="boxcar"), "rectangle"),
    ):
        with pytest.raises(hr.HeteroError, match=said):
            call()


def test_a_tape_that_does_not_fit_is_refused_before_it_is_made(drawn, monkeypatch):
    monkeypatch.setattr("hetero_rsnn.common.memory.available", lambda: 2**30)
    with pytest.raises(hr.HeteroError, match=r"3000000 steps and 60 neurons would take.*checkpoint=3464"):
        hr.run_batch(drawn, [hr.silence("3000 s", "1 s")])


def test_numbers_that_are_none_do_not_hide_behind_spikes(drawn, samples):
    for name, change in (("I_bias", np.nan), ("tau_m", np.inf), ("v_th", -np.inf)):
        bad = dataclasses.replace(drawn, neurons={**drawn.neurons, name: np.full(60, change)})
        with pytest.raises(hr.HeteroError, match=f"{name} of the network must be finite"):
            hr.run_batch(bad, samples[:1])
    lost = dataclasses.replace(drawn, neurons={**drawn.neurons, "v_th": np.full(60, np.inf)})
    assert not hr.run_batch(lost, samples[:1]).activity.any()
    strong = dataclasses.replace(
        drawn, plastic=dataclasses.replace(drawn.plastic, w=np.full(len(drawn.plastic), np.inf))
    )
    with pytest.raises(hr.HeteroError, match="plastic weights of the network must be finite, got inf"):
        hr.run_batch(strong, samples[:1])


def test_backward_beside_backward_on_one_checkpointed_tape(drawn, samples):
    from concurrent.futures import ThreadPoolExecutor

    run = hr.run_batch(drawn, samples, checkpoint=7)
    into = [np.random.default_rng(k).normal(size=run.activity.shape) for k in range(4)]
    alone = [run.backward(x) for x in into]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(run.backward, into), strict=True):
            same(one, other)


def test_what_is_reached_does_not_depend_on_lanes_without_a_sample(drawn):
    low = [hr.array_stimulus(np.full((5, 1), -80.0 * (1 if drawn.w_in.mean() > 0 else -1)), "10 ms")]
    into = np.ones((1, 5, 60))
    alone = hr.run_batch(drawn, low).backward(into)
    many = hr.run_batch(drawn, low * 16).backward(np.ones((16, 5, 60)))
    assert alone.reached == many.reached < 0.9


def test_long_time_constants_in_single_precision(drawn, samples):
    slow = dataclasses.replace(drawn, neurons={**drawn.neurons, "tau_m": np.full(60, 1e7)})
    found = []
    for precision in ("double", "single"):
        run = hr.run_batch(slow, samples[:4], precision=precision)
        found.append(
            run.backward(np.ones_like(run.activity), wrt=["tau_m", "v_th"], pseudo_derivative="gaussian").tau_m
        )
    assert np.isfinite(found[1]).all()
    # Changes of a potential in one step are at the edge of what single precision tells apart.
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=0.25 * np.abs(found[0]).max())


def test_a_network_that_was_changed_in_place_is_the_changed_one(samples):
    """What is remembered of a wiring is told by what stands in its arrays."""
    draw = hr.draw(hr.load_network("henhes", n=30), seed=1)
    mine = dataclasses.replace(draw, static=dataclasses.replace(draw.static, target=draw.static.target.copy()))
    hr.run_batch(mine, samples[:1])
    mine.static.target[:] = mine.static.target[::-1]
    (rec,) = hr.run_batch(mine, samples[:1]).recordings()
    np.testing.assert_array_equal(rec.spike_times, hr.simulate(mine, samples[0], plasticity=False).spike_times)


def test_synapses_of_the_input_that_were_changed_in_place_are_the_changed_ones():
    draw = hr.draw(hr.load_network("henhes", n=30), seed=1)
    mine = dataclasses.replace(draw, w_event=draw.w_event.copy())
    sample = batch(1, "poisson", count=1)
    before = hr.run_batch(mine, sample).activity
    mine.w_event[:] = 3.0 * mine.w_event[::-1]
    (rec,) = hr.run_batch(mine, sample).recordings()
    np.testing.assert_array_equal(rec.spike_times, hr.simulate(mine, sample[0], plasticity=False).spike_times)
    assert not np.array_equal(hr.run_batch(mine, sample).activity, before)


def test_currents_and_input_spikes_in_one_batch():
    """Samples of both kinds, beside each other in one block, are what they are apart."""
    draw = hr.draw(hr.load_network("henhes", n=60, **{"input.channels": 3}, **SPREAD), seed=5)
    kinds = [batch(3, kind, count=5) for kind in ("current", "poisson")]
    together = hr.run_batch(draw, [x for pair in zip(*kinds, strict=True) for x in pair])
    into = np.random.default_rng(0).normal(size=together.activity.shape)
    whole = together.backward(into, wrt=("w", "w_in", "w_event", "I_bias"))
    apart = []
    for k, samples in enumerate(kinds):
        run = hr.run_batch(draw, samples)
        most = run.activity.shape[1]
        np.testing.assert_array_equal(run.activity, together.activity[k::2, :most])
        apart.append(run.backward(into[k::2, :most], wrt=("w", "w_in", "w_event", "I_bias")))
    assert not apart[1].w_in.any() and apart[1].w_in.shape == draw.w_in.shape and not apart[0].w_event.any()
    for name in ("plastic", "static", "w_in", "w_event", "I_bias"):
        both = getattr(apart[0], name) + getattr(apart[1], name)
        np.testing.assert_allclose(getattr(whole, name), both, rtol=0, atol=1e-12 * np.abs(both).max())


def test_networks_in_turn(samples):
    """Each with its own wiring, and weights that change."""
    draws = [hr.draw(hr.load_network("henhes", n=30), seed=seed) for seed in range(11)]
    first = [hr.run_batch(d, samples[:2]).activity for d in draws]
    for draw, activity in zip(draws, first, strict=True):
        np.testing.assert_array_equal(hr.run_batch(draw, samples[:2]).activity, activity)
        stronger = dataclasses.replace(draw, static=dataclasses.replace(draw.static, w=3.0 * draw.static.w))
        (truth,) = hr.run_batch(stronger, samples[:1]).recordings()
        np.testing.assert_array_equal(
            truth.spike_times, hr.simulate(stronger, samples[0], plasticity=False).spike_times
        )
