"""Networks as graphs of the Neuromorphic Intermediate Representation (NIR), for simulators and chips that read it."""

from __future__ import annotations

import json
import math
import warnings
from itertools import pairwise
from typing import Any

import numpy as np

from hetero_rsnn.common import checks, memory, units
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.common.versions import versions
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.mirror import require_equations
from hetero_rsnn.simulation.continuing import check_same_draw, check_state
from hetero_rsnn.simulation.neurons import initial_state
from hetero_rsnn.simulation.recording import NEVER, Recording, State

#: What a graph can be driven by; the names are those of `Stimulus.kind`.
KINDS = ("current", "events")


class NIRWarning(UserWarning):
    """Something of a network has no place in a NIR graph."""


def to_nir(
    draw: Draw, state: State | Recording | None = None, *, kind: str = "current", fold_leak: bool = False
) -> Any:
    """Turn a network into a NIR graph; ``nir.write(path, graph)`` writes it.

    Parameters
    ----------
    draw : Draw
        Of a network with the equations of the model 'lif_stdp'.
    state : State or Recording, optional
        After training: its weights are the graph's. By default those of the draw.
    kind : {"current", "events"}
        Whether the graph is driven by analog currents (``w_in``) or by spikes of input channels (``w_event``).
    fold_leak : bool
        True writes v_leak = 0, and the same current as the bias of an Affine node, for readers that refuse another
        v_leak. The dynamics are the same.

    Returns
    -------
    nir.NIRGraph
        Nodes ``input``, ``input_weights`` (Linear), ``neurons`` (LIF), ``recurrent`` (Linear, of shape
        (target, source)), ``synapses`` (LI) and ``output``, the spikes of all neurons. Times are in seconds, potentials
        and currents in units of the distance from rest to threshold. The weights are dense: 8 n^2 bytes. With
        `fold_leak` ``input_weights`` is an Affine; where spikes go to the synapses, a node ``bias`` (Affine, the
        identity) stands between ``synapses`` and ``neurons`` instead, since a bias before the synapses would be
        filtered by them.

    Warns
    -----
    NIRWarning
        Lists what NIR has no primitive for: refractoriness, STDP, the initial state, the grid. It stands in the graph's
        metadata, which readers of NIR ignore.

    Raises
    ------
    EquationMismatchError
        For other equations.
    HeteroError
        If nir is not installed, or the state is of another network.

    Notes
    -----
    In continuous time the graph is the model but for refractoriness. `neurons` obey
    ``tau dv/dt = v_leak - v + r I`` with tau = tau_m, r = 1, and v_leak = v_rest + I_bias, which add up in the model
    too. I is the output of `synapses` plus, for currents, the weighted input, which no synapse filters: this is why
    the graph has a leaky integrator of its own for the synapses and no CubaLIF. `synapses` obey
    ``tau dI/dt = -I + r s``, tau = tau_syn; the spikes s are Dirac deltas, as NIR defines them, so r = tau_syn makes
    I jump by the weight. A simulator that has a spike be 1 for one step dt must divide r by dt. In discrete time a
    spike of step k, of a neuron or of the input, acts on the neurons in step k + 1. An executor that passes the
    input through all nodes within a step must be fed the input spikes one step later.

    `fold_leak` rests on r = 1: v_leak and the input of `neurons` are added up in the equation.

    References
    ----------
    J. E. Pedersen et al., "Neuromorphic intermediate representation: A unified instruction set for interoperable
    brain-inspired computing", Nature Communications 15:8122, 2024.

    Examples
    --------
    >>> import os, tempfile, warnings
    >>> import hetero_rsnn as hr, nir
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", hr.NIRWarning)  # of what NIR does not hold
    ...     nir.write(os.path.join(folder, "henhes.nir"), hr.to_nir(d, hr.train(d)))
    ...     os.listdir(folder)
    ['henhes.nir']
    """
    if not isinstance(draw, Draw):
        raise HeteroError(f"to_nir takes a draw, got {type(draw).__name__}: call hetero_rsnn.draw(network, seed) first")
    if not isinstance(state, State | Recording | None):
        raise HeteroError(
            f"state must be a Recording or its state, got {type(state).__name__}: give what simulate or train returned"
        )
    if kind not in KINDS:
        raise HeteroError(f"unknown kind of input {kind!r}{suggest(str(kind), KINDS)}")
    checks.truth("fold_leak", fold_leak)
    require_equations(draw.network, "to_nir writes the equations", "make a graph of others by hand")
    nir = need("nir", "nir", "to_nir")
    if isinstance(state, Recording):
        check_same_draw(draw, state)
    now = state.state if isinstance(state, Recording) else state or initial_state(draw)
    check_state(draw, now, ("v", "I_syn"))

    p, n = draw.neurons, draw.n
    tau_m, tau_syn, leak = p["tau_m"] / 1e3, p["tau_syn"] / 1e3, p["v_rest"] + p["I_bias"]
    events = kind == "events"
    w = draw.w_event if events else draw.w_in
    nodes = {
        "input": nir.Input(np.array([w.shape[1]])),
        "input_weights": nir.Affine(np.array(w), leak.copy()) if fold_leak and not events else nir.Linear(np.array(w)),
        "recurrent": nir.Linear(_dense(draw, now)),
        "synapses": nir.LI(tau=tau_syn, r=tau_syn.copy(), v_leak=np.zeros(n)),
        "neurons": nir.LIF(
            tau=tau_m,
            r=np.ones(n),
            v_leak=np.zeros(n) if fold_leak else leak.copy(),
            v_threshold=p["v_th"].copy(),
            v_reset=p["v_reset"].copy(),
        ),
        "output": nir.Output(np.array([n])),
    }
    bias = ["bias"] if fold_leak and events else []
    if bias:
        nodes["bias"] = nir.Affine(np.eye(n), leak.copy())
    edges = [
        ("input", "input_weights"),
        ("input_weights", "synapses" if events else "neurons"),
        ("neurons", "recurrent"),
        ("recurrent", "synapses"),
        *pairwise(["synapses", *bias, "neurons"]),
        ("neurons", "output"),
    ]
    warnings.warn(_lost(draw, now), NIRWarning, stacklevel=2)
    return nir.NIRGraph(nodes, edges, metadata={**_metadata(draw, now, kind), "leak_folded": bool(fold_leak)})


def _dense(draw: Draw, state: State) -> Array:
    """Weights of all recurrent synapses, shape (target, source)."""
    memory.fits(
        f"the dense weights of a NIR graph of {draw.n} neurons", 8.0 * draw.n**2, "export a smaller network, n=..."
    )
    out = np.zeros((draw.n, draw.n))
    for synapses, w in ((draw.plastic, state.w), (draw.static, draw.static.w)):
        np.add.at(out, (synapses.target, synapses.source), w)
    return out


def _lost(draw: Draw, state: State) -> str:
    t_ref, dt = draw.neurons["t_ref"], draw.network.dt
    lost = []
    if (t_ref > 0).any():
        lost.append(f"refractoriness (t_ref up to {t_ref.max():g} ms)")
    if len(draw.plastic):
        lost.append(f"STDP ({len(draw.plastic)} synapses keep their present weights)")
    if any(x.any() for x in state.variables.values()):
        lost.append("initial v and I_syn")
    lost.append(f"the grid (dt = {dt:g} ms)")
    return f"NIR does not hold {', '.join(lost)} of network {draw.network.name!r}: see the metadata of the graph"


def _metadata(draw: Draw, state: State, kind: str) -> dict[str, Any]:
    """Plain numbers, arrays and texts, times in seconds."""
    net, p = draw.network, draw.neurons
    steps = np.where(state.last_spike == NEVER, -math.inf, state.last_spike - state.step)
    data: dict[str, Any] = {
        "program": f"hetero_rsnn {versions()['hetero-rsnn']}",
        "network": net.name,
        "fingerprint": net.fingerprint,
        "seed": draw.seed,
        "definition": json.dumps(net.to_dict()),
        "input": kind,
        "time_unit": "s",
        "spike": "Dirac delta",
        "dt": net.dt / 1e3,
        "integration": "exponential Euler; in a step: state update, threshold, synapses, reset",
        "t_ref": p["t_ref"] / 1e3,
        "v_rest": p["v_rest"].copy(),
        "I_bias": p["I_bias"].copy(),
        "initial": {
            **{k: np.array(v) for k, v in state.variables.items()},
            "last_spike": steps * (net.dt / 1e3),
        },
        "populations": {q.name: _ends(draw.members(q.name)) for q in net.populations},
    }
    rule = net.plasticity
    if rule is not None and len(draw.plastic):
        own = dict(rule.parameters)
        data["plasticity"] = {
            "equations": rule.equations,
            "on_pre": rule.on_pre,
            "on_post": rule.on_post,
            **draw.shared,
            "source": draw.plastic.source,
            "target": draw.plastic.target.copy(),
            **{k: units.to_si(np.array(v, dtype=float), own[k].unit) for k, v in draw.plastic.parameters.items()},
        }
    return data


def _ends(members: slice) -> Ints:
    return np.array([members.start, members.stop])
