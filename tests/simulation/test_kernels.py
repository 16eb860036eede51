"""What the compiled kernel is built from; the kernel as a whole is tested in test_equivalence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numba import njit

import hetero_rsnn as hr
from hetero_rsnn.simulation import fast, kernels


@njit
def _decays(x):
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = kernels.decay(x[i])
    return out


@pytest.mark.parametrize(("dtype", "least", "error"), [(np.float64, -599, 4e-16), (np.float32, -59.9, 1.2e-7)])
def test_decay_is_the_exponential(dtype, least, error):
    x = -np.concatenate([np.linspace(0, 1, 2000), np.geomspace(1e-12, -least, 20000)]).astype(dtype)
    found = _decays(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.exp(x.astype(np.longdouble)).astype(float), rtol=error)
    assert _decays(np.zeros(1, dtype))[0] == 1.0


@pytest.mark.parametrize("x", [-601.0, -1e4, -1e9, -1e300])
def test_decay_of_long_times_vanishes_without_denormal_numbers(x):
    assert 1e-300 < _decays(np.array([x]))[0] < 1e-260
    single = _decays(np.array([max(x, -1e38)], np.float32))[0]
    assert np.finfo(np.float32).smallest_normal < single < 1e-25


def test_python_twins_of_compiled_functions_agree():
    """Type checkers and readers see these; the compiler sees the overloads."""
    assert kernels.decay(-1e9) == pytest.approx(_decays(np.array([-1e9]))[0], rel=1e-12)
    assert kernels.decay(-2.5) == pytest.approx(np.exp(-2.5))


def test_compiling_twice_costs_nothing():
    fast.compile_kernels()
    assert fast.compile_kernels() == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_agree_with_numpy_however_often_the_kernel_flushes(seed, monkeypatch):
    """Everything heterogeneous, resets near threshold, histories of two spikes, phases with frozen weights between."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 80))
    changes = {
        "mu": [0.0, 0.5, 1.0][seed % 3],
        "I_bias": float(rng.choice([1.0, 1.3, 2.0])),
        "t_ref": {"distribution": "uniform", "low": "0 ms", "high": f"{rng.integers(1, 9)} ms"},
        "v_th": {"distribution": "uniform", "low": 0.9, "high": 1.1},
        "v_reset": {"distribution": "uniform", "low": -0.3, "high": 1.0},
        "EE.topology.p": 0.5,
        "EE.weight.mean": 0.3,
        "w_max": 0.5,
        "eta_plus.mean": 0.2,
        "eta_minus.mean": 0.1,
    }
    d = hr.draw(hr.load_network("henhes", n=n, **changes), seed)
    u = hr.uniform_stimulus(60, "10 ms", seed)
    monkeypatch.setattr(fast, "_HISTORY", int(rng.choice([2, 3, 5])))
    monkeypatch.setattr(fast, "_SPIKES", 40 * n)

    def phases(backend: str) -> list[hr.Recording]:
        learnt = hr.simulate(d, u[:25], backend=backend)
        frozen = hr.simulate(d, u[25:30], backend=backend, plasticity=False, state=learnt)
        return [learnt, frozen, hr.simulate(d, u[30:], backend=backend, state=frozen)]

    for one, other in zip(phases("fast"), phases("numpy"), strict=True):
        assert one.spike_times.size > 0
        np.testing.assert_array_equal(one.spike_times, other.spike_times)
        np.testing.assert_array_equal(one.spike_neurons, other.spike_neurons)
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-9, atol=1e-15)


def test_a_refractory_period_beyond_32_bits_lasts():
    """Networks bound it; a draw with arrays of one's own may have any."""
    d = hr.draw(hr.load_network("honhos", n=20, I_bias=2.0, t_ref="1e9 ms"), 0)
    d = dataclasses.replace(d, neurons={**d.neurons, "t_ref": np.where(np.arange(20) % 2, 1e9, 1e10)})
    u = hr.uniform_stimulus(50, "10 ms", 0)
    fast_run, numpy_run = (hr.simulate(d, u, backend=b) for b in ("fast", "numpy"))
    assert np.bincount(fast_run.spike_neurons, minlength=20).tolist() == [1] * 20
    np.testing.assert_array_equal(fast_run.spike_times, numpy_run.spike_times)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["double", "single"])
def test_rows_longer_than_a_pass_and_more_listed_spikes_than_fit(precision):
    """All-to-all among 560 neurons of very different rates: rows take two passes, with many pending spikes each."""
    bias = {"distribution": "uniform", "low": 0.9, "high": 1.6}
    d = hr.draw(hr.load_network("henhes", n=700, **{"EE.topology.p": 1.0, "I_bias": bias}), 1)
    assert np.diff(d.plastic.indptr).max() > kernels.LANES
    u = hr.uniform_stimulus(60, "10 ms", 1)
    fast_run = hr.simulate(d, u, precision=precision)
    if precision == "double":
        numpy_run = hr.simulate(d, u, backend="numpy")
        np.testing.assert_array_equal(fast_run.spike_neurons, numpy_run.spike_neurons)
        np.testing.assert_allclose(fast_run.weights, numpy_run.weights, rtol=1e-9, atol=1e-15)
    in_two = hr.simulate(d, u[30:], precision=precision, state=hr.simulate(d, u[:30], precision=precision))
    np.testing.assert_array_equal(in_two.weights, fast_run.weights)


def test_steps_are_counted_anew_before_they_leave_32_bits(monkeypatch):
    d, u = hr.draw(hr.load_network("henhes", n=60), 1), hr.uniform_stimulus(40, "5 ms", 1)
    whole = hr.simulate(d, u)
    monkeypatch.setattr(fast, "_SPIKES", 60 * 5 * 3)
    monkeypatch.setattr(kernels, "LAST_STEP", 40)
    counted = hr.simulate(d, u)
    np.testing.assert_array_equal(counted.spike_times, whole.spike_times)
    np.testing.assert_array_equal(counted.weights, whole.weights)


def test_a_draw_in_pieces_is_the_same_draw(monkeypatch):
    from importlib import import_module

    nets = [hr.load_network("henhes", n=90, **{"EE.topology.p": p}) for p in (0.0, 1e-4, 0.1, 0.7, 1.0)]
    whole = [hr.draw(net, 5) for net in nets]
    for module in ("draw", "topology"):
        monkeypatch.setattr(import_module(f"hetero_rsnn.network.{module}"), "_PIECE", 137)
    for net, one in zip(nets, whole, strict=True):
        other = hr.draw(net, 5)
        np.testing.assert_array_equal(one.plastic.target, other.plastic.target)
        np.testing.assert_array_equal(one.plastic.indptr, other.plastic.indptr)
        np.testing.assert_array_equal(one.plastic.w, other.plastic.w)
        np.testing.assert_array_equal(one.static.w, other.static.w)
        for name, values in one.plastic.parameters.items():
            np.testing.assert_array_equal(values, other.plastic.parameters[name])


def test_nothing_is_compiled_anew_for_a_draw_out_of_a_pickle():
    """Its arrays are writable, which are a type of their own to the compiler."""
    import copy
    import pickle

    from hetero_rsnn.simulation.kernels import run_lif_stdp

    d = hr.draw(hr.load_network("henhes", n=20), seed=1)
    stimulus = hr.uniform_stimulus(5, "10 ms", seed=1)
    usual = [hr.simulate(d, stimulus, plasticity=learns) for learns in (True, False)]
    known = len(run_lif_stdp.signatures)
    for twin in (pickle.loads(pickle.dumps(d)), copy.deepcopy(d)):
        for learns, expected in zip((True, False), usual, strict=True):
            found = hr.simulate(twin, stimulus, plasticity=learns)
            np.testing.assert_array_equal(found.spike_times, expected.spike_times)
    assert len(run_lif_stdp.signatures) == known
