"""Shipped networks with other synapses, wired by hand: neurons that spike when told, and the synapses between them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import hetero_rsnn as hr
from hetero_rsnn.network.draw import Synapses, read_only

#: Pre- and post-synaptic neuron, weight, and the parameters of the rule that are not the mean of the network's.
Edge = tuple[int, int, float, dict[str, float]]


def rows(n: int, edges: Sequence[Edge], parameters: dict[str, float]) -> Synapses:
    """Synapses in rows, each with parameters of its own."""
    edges = sorted(edges, key=lambda e: e[:2])
    known = [{**parameters, **e[3]} for e in edges]
    return Synapses(
        np.searchsorted([e[0] for e in edges], np.arange(n + 1)).astype(np.int64),
        np.array([e[1] for e in edges], dtype=np.int32),
        np.array([e[2] for e in edges], dtype=float),
        {name: np.array([k[name] for k in known], dtype=float) for name in parameters},
        np.zeros(len(edges), dtype=np.uint8),
    )


def wired(
    name: str, n: int, edges: Sequence[Edge] = (), *, w_event: Any = None, dt: str = "1 ms", **neurons: Any
) -> hr.Draw:
    """A shipped network with these synapses alone and a channel of input for each neuron.

    Without `w_event` the neurons (those of the model 'lif_stdp') are relays: an event brings one spike, a step later.
    """
    net = hr.load_network(name, n=n, dt=dt, weight_scaling="none", **{"input.channels": n})
    base = hr.draw(net, 0)
    own = {} if net.plasticity is None else {k: p.mean for k, p in net.plasticity.parameters if k not in base.shared}
    if w_event is None:
        step = net.dt
        w_event = 10 / (1 - math.exp(-step / 20)) * np.eye(n)
        neurons = {"tau_m": 20.0, "tau_syn": step / 50, "t_ref": 0.0, "I_bias": 0.0, **neurons}
    values = {k: np.broadcast_to(np.asarray(neurons.get(k, v), float), n).copy() for k, v in base.neurons.items()}
    made = dataclasses.replace(
        base,
        neurons=values,
        initial={k: np.full(n, neurons.get(k, 0.0)) for k in base.initial},
        plastic=rows(n, edges, own),
        static=rows(n, [], {}),
        w_event=np.asarray(w_event, float),
    )
    read_only(made)
    return made


def trains(spikes: Sequence[Sequence[float]], dt: float = 1.0, duration: float | None = None) -> hr.Stimulus:
    """Events that make relay neuron i spike at the times `spikes[i]` in ms, of which none is before `dt`."""
    pairs = [(t - dt, i) for i, train in enumerate(spikes) for t in train]
    samples = None if duration is None else math.ceil(duration / (10 * dt))
    return hr.event_stimulus(
        [p[0] for p in pairs], [p[1] for p in pairs], n_channels=len(spikes), hold=f"{10 * dt} ms", samples=samples
    )
