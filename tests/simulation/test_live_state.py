"""Live Brian2 objects that begin where a simulation ended."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers import refused

from hetero_rsnn import Draw, draw, load_network, simulate, to_brian2, uniform_stimulus

U = uniform_stimulus(30, "5 ms", 3)


def network(**overrides: Any) -> Draw:
    return draw(load_network("henhes", n=30, I_bias=1.2, **{"input.connectivity": 0.8, **overrides}), 3)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("backend", ["fast", pytest.param("brian2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("learn", [True, False])
def test_live_objects_go_on_from_a_state(learn: bool, backend: str) -> None:
    """The first spikes hang on refractoriness and membranes, the weights on traces of STDP from before."""
    import brian2 as b2

    drawn = network(**{"E.t_ref": {"distribution": "uniform", "low": "1 ms", "high": "9 ms"}})
    # A run that learns ends between two spikes of many pairs.
    begun = simulate(drawn, U, backend=backend)
    kept = {k: np.array(v) for k, v in begun.state.variables.items()}
    expected = simulate(drawn, U, backend=backend, state=begun, plasticity=learn)
    for given in (begun, begun.state):
        objects = to_brian2(drawn, U, plasticity=learn, state=given)
        objects.network.run(150 * b2.ms, namespace={})
        np.testing.assert_array_equal(np.round(np.asarray(objects.spikes.t_) * 1e3), expected.spike_times)
        np.testing.assert_array_equal(np.asarray(objects.spikes.i), expected.spike_neurons)
        np.testing.assert_allclose(np.asarray(objects.plastic.w), expected.weights, rtol=1e-12)
    assert expected.spike_times.size > 50
    assert expected.spike_times[:20].tolist() != begun.spike_times[:20].tolist()
    for key, values in kept.items():  # the script has not written into the recording
        np.testing.assert_array_equal(begun.state.variables[key], values)


def test_live_objects_refuse_a_state_of_another_network() -> None:
    drawn, begun = network(), simulate(network(), U)
    refused(lambda: to_brian2(drawn, state=3), "state must be a Recording", "got int")
    refused(lambda: to_brian2(draw(drawn.network, 4), state=begun), "seed")
    less = dataclasses.replace(begun.state, last_spike=begun.state.last_spike[:9])
    refused(lambda: to_brian2(drawn, state=less), "9 neurons")
    refused(lambda: to_brian2(drawn, state=dataclasses.replace(begun.state, variables={})), "the state lacks I_syn, v")
    code = "dv/dt = (v_rest + I_bias + sin(t/second) + I_in + I_syn - v) / tau_m : 1 (unless refractory)"
    code += "\ndI_syn/dt = -I_syn / tau_syn : 1"
    clocked = draw(load_network("static", n=30, model="", **{"neuron.equations": code}), 3)
    late = simulate(clocked, U, backend="brian2")
    refused(lambda: to_brian2(clocked, state=late), "equations that use t", "run in one go")
