"""Single precision: the same network on average, though not spike for spike."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import BACKENDS

import hetero_rsnn as hr
from hetero_rsnn.jobs.parallel import cores


def test_a_draw_in_single_precision_is_the_rounded_one():
    net = hr.load_network("henhes", n=80)
    double, single = (hr.draw(net, 3, precision=p) for p in ("double", "single"))
    np.testing.assert_array_equal(single.plastic.target, double.plastic.target)
    for kind in ("plastic", "static"):
        one, other = getattr(single, kind), getattr(double, kind)
        np.testing.assert_allclose(one.w, other.w, rtol=2e-7)
        assert one.w.dtype == np.float32
        assert other.w.dtype == np.float64
        for name, values in one.parameters.items():
            assert values.dtype == np.float32
            np.testing.assert_allclose(values, other.parameters[name], rtol=2e-7)
    np.testing.assert_array_equal(single.neurons["tau_m"], double.neurons["tau_m"])


def test_all_backends_take_a_draw_in_single_precision():
    d = hr.draw(hr.load_network("henhes", n=60), 3, precision="single")
    u = hr.uniform_stimulus(40, "10 ms", 1)
    runs = [hr.simulate(d, u, backend=b) for b in BACKENDS]
    assert runs[0].spike_times.size > 100
    for other in runs[1:]:
        np.testing.assert_array_equal(other.spike_times, runs[0].spike_times)
        np.testing.assert_array_equal(other.spike_neurons, runs[0].spike_neurons)
        np.testing.assert_allclose(other.weights, runs[0].weights, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("mu", [0.0, 0.4, 1.0])
def test_weights_agree_where_the_spikes_do(mu):
    """Weights too small to matter leave the spikes to the input: then every weight can be compared."""
    tiny = {f"{p}.weight.mean": 1e-7 for p in ("EE", "EI", "IE", "II")} | {"w_max": 2e-7, "mu": mu}
    tiny |= {f"{key}.mean": value * 2e-7 ** (1 - mu) for key, value in (("eta_plus", 0.02), ("eta_minus", 0.006))}
    d = hr.draw(hr.load_network("henhes", n=100, **tiny), 1)
    u = hr.uniform_stimulus(300, "10 ms", 1)
    double, single = (hr.simulate(d, u, precision=p) for p in ("double", "single"))
    np.testing.assert_array_equal(single.spike_times, double.spike_times)
    np.testing.assert_array_equal(single.spike_neurons, double.spike_neurons)
    moved = np.abs(double.weights / d.plastic.w - 1)
    assert np.median(moved) > 0.02
    scale = d.shared["w_max"]
    np.testing.assert_allclose(single.weights / scale, double.weights / scale, atol=2e-5)
    for name in ("apre", "apost"):
        np.testing.assert_allclose(single.state.traces[name], double.state.traces[name], rtol=2e-5)


def test_single_precision_goes_on_where_it_stopped():
    d = hr.draw(hr.load_network("henhes", n=80), 1, precision="single")
    u = hr.uniform_stimulus(120, "10 ms", 1)
    whole = hr.simulate(d, u, precision="single")
    first = hr.simulate(d, u[:50], precision="single")
    second = hr.simulate(d, u[50:], precision="single", state=first)
    np.testing.assert_array_equal(whole.spike_times, np.concatenate([first.spike_times, second.spike_times + 500.0]))
    np.testing.assert_array_equal(whole.weights, second.weights)
    for name, values in whole.state.traces.items():
        np.testing.assert_array_equal(values, second.state.traces[name])
    assert whole.weights.dtype == np.float32
    assert whole.provenance["precision"] == "single"


def test_a_recording_in_single_precision_is_saved_and_read(tmp_path):
    d = hr.draw(hr.load_network("henhes", n=40), 1)
    one = hr.simulate(d, hr.uniform_stimulus(20, "10 ms", 1), precision="single", record=["v"])
    other = hr.load_recording(one.save(tmp_path / "r"))
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(one.traces["v"], other.traces["v"])
    more = hr.uniform_stimulus(10, "10 ms", 2)
    again = [hr.simulate(d, more, precision="single", state=r).spike_times for r in (one, other)]
    np.testing.assert_array_equal(*again)


@pytest.mark.parametrize("n", [105, 150])
@pytest.mark.parametrize("backend", BACKENDS)
def test_rounding_does_not_push_weights_beyond_their_bounds(n, backend):
    """A power of w_max - w has no value there. Many weights begin at w_max, and learning pushes more there."""
    changes = {"mu": 0.5, "EE.weight.mean": 1.0, "w_max": 0.7, "eta_plus.mean": 0.1}
    net = hr.load_network("henhes", n=n, **changes)
    u = hr.uniform_stimulus(40, "10 ms", 1)
    runs = [hr.simulate(hr.draw(net, 3, precision="single"), u, backend=backend)]
    first = hr.simulate(hr.draw(net, 3), u, precision="single")
    runs.append(hr.simulate(hr.draw(net, 3), u, backend=backend, state=first))
    if backend == "fast":
        runs.append(hr.simulate(hr.draw(net, 3, precision="single"), u, precision="single"))
    for recording in runs:
        w_max = hr.draw(net, 3).shared["w_max"]
        assert np.isfinite(recording.weights).all()
        assert recording.weights.max() <= max(w_max, float(np.float32(w_max)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_double_precision_goes_on_from_single(backend):
    d = hr.draw(hr.load_network("henhes", n=100), 1)
    u = hr.uniform_stimulus(200, "10 ms", 1)
    first = hr.simulate(d, u[:50], precision="single")
    expected, found = (hr.simulate(d, u[50:], backend=b, state=first) for b in ("numpy", backend))
    np.testing.assert_array_equal(found.spike_times, expected.spike_times)
    assert found.state.variables["v"].dtype == np.float64


@pytest.mark.parametrize("backend", ["numpy", "brian2"])
def test_single_precision_is_for_the_fast_backend(backend):
    d, u = hr.draw(hr.load_network("henhes", n=20), 1), hr.uniform_stimulus(2, "10 ms", 1)
    with pytest.raises(hr.HeteroError, match=f"for backend='fast' only, not '{backend}'"):
        hr.simulate(d, u, backend=backend, precision="single")


def test_unknown_precisions():
    net = hr.load_network("henhes", n=20)
    with pytest.raises(hr.HeteroError, match="unknown precision 'half'"):
        hr.draw(net, 1, precision="half")
    with pytest.raises(hr.HeteroError, match="did you mean 'single'"):
        hr.simulate(hr.draw(net, 1), hr.uniform_stimulus(2, "10 ms", 1), precision="singel")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["honhos", "henhes"])
def test_averages_over_seeds_agree(name):
    """The 95 % interval of the paired difference lies within the bounds, in shares of the mean."""
    seeds = range(300, 324)
    double, single = (hr.measure(name, seeds=seeds, precision=p, workers=min(cores(), 4)) for p in ("double", "single"))
    bounds = {"rate_hz": 0.002, "S": 0.002, "weight": 0.002, "C": 0.04, "E": 0.04, "correlation": 0.02}
    for quantity, bound in bounds.items():
        difference = single[quantity] - double[quantity]
        error = difference.std(ddof=1) / np.sqrt(difference.size)
        mean = double[quantity].mean()
        assert abs(difference.mean()) + 2.07 * error < bound * mean, quantity
        assert error > 0, "chaos parts the spikes: equal numbers would mean that the precision was ignored"
