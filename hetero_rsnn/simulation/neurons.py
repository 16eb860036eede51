"""The arrays that both kernels of 'lif_stdp' start from: per-step factors instead of time constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.recording import NEVER, State


@dataclass(frozen=True, eq=False)
class NeuronArrays:
    """Per-neuron constants of the integration, each of shape (n,)."""

    decay_m: Array
    decay_syn: Array
    constant_drive: Array
    v_th: Array
    v_reset: Array
    refractory_steps: Ints


def neuron_arrays(draw: Draw) -> NeuronArrays:
    """Turn time constants (ms) into factors per step."""
    p, dt = draw.neurons, draw.network.dt
    return NeuronArrays(
        decay_m=np.exp(-dt / p["tau_m"]),
        decay_syn=np.exp(-dt / p["tau_syn"]),
        constant_drive=p["v_rest"] + p["I_bias"],
        v_th=p["v_th"],
        v_reset=p["v_reset"],
        # Brian2 rounds a duration down to the grid after adding a thousandth of a step. Networks bound it; the tail of
        # a distribution may reach beyond the bound, but not beyond whole numbers.
        refractory_steps=np.minimum((p["t_ref"] + 1e-3 * dt) / dt, 2.0**30).astype(np.int64),
    )


def initial_state(draw: Draw) -> State:
    """State at step 0."""
    n, synapses = draw.n, len(draw.plastic)
    variables = {name: np.array(draw.initial.get(name, np.zeros(n))) for name in ("v", "I_syn")}
    traces: dict[str, Any] = (
        {k: np.zeros(synapses, draw.plastic.w.dtype) for k in ("apre", "apost")} if synapses else {}
    )
    return State(0, variables, np.full(n, NEVER, dtype=np.int64), draw.plastic.w, traces)


def traces_now(draw: Draw, state: State) -> dict[str, Array]:
    """Decay the traces of the shipped model from their neurons' last spikes to the present step."""
    p, dt = draw.plastic, draw.network.dt
    pre, post = (state.step - state.last_spike[ends] for ends in (p.source, p.target))
    return {
        "apre": state.traces["apre"] * np.exp(-pre * dt / p.parameters["tau_plus"].astype(np.float64)),
        "apost": state.traces["apost"] * np.exp(-post * dt / p.parameters["tau_minus"].astype(np.float64)),
    }


def traces_then(draw: Draw, last_spike: Ints, traces: dict[str, Array], at: Ints) -> dict[str, Array]:
    """Undo the decay since the neurons' last spikes, so that other backends can go on from here."""
    p, dt = draw.plastic, draw.network.dt
    out = {}
    for key, ends, tau in (("apre", p.source, "tau_plus"), ("apost", p.target, "tau_minus")):
        decay = np.exp(-np.clip((at - last_spike[ends]) * dt / p.parameters[tau].astype(np.float64), 0.0, 500.0))
        out[key] = np.where(last_spike[ends] == NEVER, 0.0, traces[key] / decay)
    return out
