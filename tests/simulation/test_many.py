"""Many simulations at once are the same simulations."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.simulation import many
from hetero_rsnn.simulation.fast import FastBackend
from hetero_rsnn.simulation.neurons import initial_state


def same(one: hr.Recording, other: hr.Recording) -> bool:
    return (
        np.array_equal(one.spike_times, other.spike_times)
        and np.array_equal(one.spike_neurons, other.spike_neurons)
        and np.array_equal(one.weights, other.weights)
    )


@pytest.fixture(scope="module")
def net():
    return hr.load_network("henhes", n=60)


@pytest.mark.parametrize("options", [{}, {"precision": "single"}, {"backend": "numpy"}, {"plasticity": False}])
def test_seeds_and_candidates(net, options):
    draws = [hr.draw(n, seed) for n in (net, net.replace(**{"tau_m.mean": "20 ms"})) for seed in range(3)]
    u = hr.uniform_stimulus(40, "10 ms", 1)
    expected = [hr.simulate(d, u, **options) for d in draws]
    assert not same(expected[0], expected[1])
    for threads in (1, 2, 5):
        found = hr.simulate_many(draws, u, workers=threads, **options)
        assert all(same(a, b) for a, b in zip(found, expected, strict=True))
    backwards = hr.simulate_many(draws[::-1], u, workers=2, **options)
    assert all(same(a, b) for a, b in zip(backwards[::-1], expected, strict=True))


def test_samples_of_a_frozen_network_share_its_arrays(net):
    d = hr.draw(net, 1)
    trained = hr.simulate(d, hr.uniform_stimulus(50, "10 ms", 9))
    samples = [hr.uniform_stimulus(20, "10 ms", s) for s in range(6)]
    found = hr.simulate_many(d, samples, states=trained, plasticity=False, workers=2)
    for u, recording in zip(samples, found, strict=True):
        assert same(recording, hr.simulate(d, u, state=trained, plasticity=False))
        assert np.shares_memory(recording.weights, trained.weights)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_kernel_takes_the_arrays_of_a_draw_as_they_are(net, precision):
    d = hr.draw(net, 1, precision=precision)
    one, other = (FastBackend(d, initial_state(d), True, precision) for _ in range(2))
    for name, array in zip(("tau_plus", "tau_minus", "eta_plus", "eta_minus"), one._layout.parameters, strict=True):
        assert np.shares_memory(array, d.plastic.parameters[name])
    for mine, yours in zip(one._layout.parameters, other._layout.parameters, strict=True):
        assert np.shares_memory(mine, yours)
    assert not np.shares_memory(one._w, other._w)
    frozen = FastBackend(
        d, hr.simulate(d, hr.uniform_stimulus(3, "10 ms", 1), precision=precision).state, False, precision
    )
    assert frozen._w is frozen._kept.w


def test_progress(net):
    seen = []
    draws = [hr.draw(net, s) for s in range(4)]
    hr.simulate_many(draws, hr.uniform_stimulus(5, "10 ms", 1), workers=2, progress=lambda *x: seen.append(x))
    assert seen == [(i, 4) for i in range(1, 5)]


def test_threads_are_used_but_not_for_brian2(net, monkeypatch):
    d, u = hr.draw(net, 1), hr.uniform_stimulus(5, "10 ms", 1)
    used: list[str] = []

    def watched(*args, **options):
        used.append(threading.current_thread().name)
        return hr.simulate(*args, **options)

    monkeypatch.setattr(many, "simulate", watched)
    expected = hr.simulate(d, u)
    for backend, threads in (("brian2", 4), ("fast", 1), ("fast", 2)):
        used.clear()
        found = hr.simulate_many([d, d], u, backend=backend, workers=threads)
        assert all(np.array_equal(r.spike_times, expected.spike_times) for r in found)
        beside = backend == "fast" and threads == 2
        assert (threading.main_thread().name in used) is not beside


def test_a_changed_draw_is_run_as_it_is_now(net):
    d, u = hr.draw(net, 1), hr.uniform_stimulus(30, "10 ms", 1)
    before = hr.simulate(d, u)
    d.neurons["v_th"] = d.neurons["v_th"] * 0.9
    fast, numpy = (hr.simulate(d, u, backend=b) for b in ("fast", "numpy"))
    assert fast.spike_times.size > before.spike_times.size
    assert np.array_equal(fast.spike_times, numpy.spike_times)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"draws": 2, "stimuli": 3}, "equally many, got 2 draws, 3 stimuli"),
        ({"draws": 0, "stimuli": 1}, "no jobs"),
        ({"draws": 1, "stimuli": 1, "workers": 0}, "workers must be a whole number >= 1, got 0"),
        ({"draws": 1, "stimuli": 1, "backend": "fats"}, "did you mean 'fast'"),
    ],
)
def test_errors(net, arguments, message):
    d, u = hr.draw(net, 1), hr.uniform_stimulus(5, "10 ms", 1)
    arguments = {**arguments, "draws": [d] * arguments["draws"], "stimuli": [u] * arguments["stimuli"]}
    with pytest.raises(hr.HeteroError, match=message):
        hr.simulate_many(**arguments)


def test_an_error_in_one_job_is_raised_as_it_is(net):
    d, good, bad = hr.draw(net, 1), hr.uniform_stimulus(5, "10 ms", 1), hr.uniform_stimulus(5, "10 ms", 1, channels=2)
    with pytest.raises(hr.StimulusError, match="2 channels"):
        hr.simulate_many(d, [good, bad, good], workers=2)
