"""The arrays that both kernels of 'lif_stdp' start from: per-step factors instead of time constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.equations import check_equal
from hetero_rsnn.common.errors import EquationMismatchError
from hetero_rsnn.network.definition import LIF_STDP, LIF_STDP_PLASTICITY, Network
from hetero_rsnn.simulation.recording import NEVER, State

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NeuronArrays:
    """Per-neuron constants of the integration, each of shape (n,)."""

    decay_m: Array
    decay_syn: Array
    constant_drive: Array
    v_th: Array
    v_reset: Array
    refractory_steps: NDArray[np.int64]


def check_equations(network: Network) -> None:
    """Refuse networks whose equations the kernels do not mirror.

    Raises
    ------
    EquationMismatchError
    """
    if network.model != "lif_stdp":
        raise EquationMismatchError(
            f"network {network.name!r} names no model with a kernel; use backend='brian2', "
            'or model = "lif_stdp" with its equations'
        )
    check_equal("lif_stdp", LIF_STDP, dict(network.equations))
    _check_plasticity(network)


def require_equations(network: Network, what: str, instead: str) -> None:
    """`check_equations` for what has no backend to offer; the message says `what` is of those equations only."""
    try:
        check_equations(network)
    except EquationMismatchError as error:
        found = str(error).split(";")[0]
        raise EquationMismatchError(f"{what} of the model 'lif_stdp' only ({found}): {instead}") from None


def _check_plasticity(network: Network) -> None:
    if network.plasticity is not None:
        found = {k: getattr(network.plasticity, k) for k in LIF_STDP_PLASTICITY}
        check_equal("lif_stdp", LIF_STDP_PLASTICITY, found)


def mirrors_plasticity(network: Network) -> bool:
    """Whether the kernels mirror the plasticity of a network (of its neurons they need not)."""
    try:
        _check_plasticity(network)
    except EquationMismatchError:
        return False
    return bool(network.model)


def neuron_arrays(draw: Draw) -> NeuronArrays:
    """Turn time constants (ms) into factors per step."""
    p, dt = draw.neurons, draw.network.dt
    return NeuronArrays(
        decay_m=np.exp(-dt / p["tau_m"]),
        decay_syn=np.exp(-dt / p["tau_syn"]),
        constant_drive=p["v_rest"] + p["I_bias"],
        v_th=p["v_th"],
        v_reset=p["v_reset"],
        # Brian2 rounds a duration down to the grid after adding a thousandth of a step.
        refractory_steps=((p["t_ref"] + 1e-3 * dt) / dt).astype(np.int64),
    )


def initial_state(draw: Draw) -> State:
    """State at step 0."""
    n, synapses = draw.n, len(draw.plastic)
    variables = {name: np.array(draw.initial.get(name, np.zeros(n))) for name in ("v", "I_syn")}
    traces: dict[str, Any] = (
        {k: np.zeros(synapses, draw.plastic.w.dtype) for k in ("apre", "apost")} if synapses else {}
    )
    return State(0, variables, np.full(n, NEVER, dtype=np.int64), draw.plastic.w, traces)
