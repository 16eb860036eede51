"""The numpy backend: neurons as vectors, synapses touched only by events, no compiler needed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.draw import Draw
from hetero_rsnn.kernel_arrays import neuron_arrays
from hetero_rsnn.recording import State

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


def _gather(indptr: Ints, rows: NDArray[Any]) -> Ints:
    """Indices of all entries of the given rows, row after row."""
    counts = indptr[rows + 1] - indptr[rows]
    total = int(counts.sum())
    offsets = np.repeat(indptr[rows] - (np.cumsum(counts) - counts), counts)
    return np.asarray(np.arange(total) + offsets, dtype=np.int64)


class NumpyBackend:
    """Holds one draw, ready to be advanced. Not part of the public API: use `simulate`."""

    def __init__(self, draw: Draw, state: State, learn: bool) -> None:
        started = time.perf_counter()
        self._draw = draw
        self._neurons = neuron_arrays(draw)
        self._learn = learn and len(draw.plastic) > 0
        self._v = np.array(state.variables["v"])
        self._i = np.array(state.variables["I_syn"])
        self._last = np.array(state.last_spike)
        self._step = state.step
        plastic = draw.plastic
        self._w = np.array(state.w)
        self._traces = {k: np.array(v) for k, v in state.traces.items()}
        if len(plastic):
            self._decay_plus = -draw.network.dt / plastic.parameters["tau_plus"]
            self._decay_minus = -draw.network.dt / plastic.parameters["tau_minus"]
            self._source = plastic.source
            by_post = np.argsort(plastic.target, kind="stable")
            self._by_post = by_post
            self._post_indptr = np.searchsorted(plastic.target[by_post], np.arange(draw.n + 1)).astype(np.int64)
        self.timings = {"compile": time.perf_counter() - started, "run": 0.0}

    def run(
        self, drive: Array, hold_steps: int, event_steps: Ints, event_channels: Ints, record: Ints
    ) -> tuple[Ints, NDArray[np.int32], dict[str, Array]]:
        """Advance by ``len(drive) * hold_steps`` steps; see `simulate` for the arguments."""
        started = time.perf_counter()
        draw, p, n = self._draw, self._neurons, self._draw.n
        v, i_syn = self._v, self._i
        n_steps = len(drive) * hold_steps
        event_edges = np.searchsorted(event_steps, np.arange(n_steps + 1))
        out_steps: list[Ints] = []
        out_neurons: list[Ints] = []
        recorded = {k: np.empty((n_steps if record.size else 0, record.size)) for k in ("v", "I_syn")}
        static = draw.static
        for local in range(n_steps):
            step = self._step + local
            if record.size:
                recorded["v"][local] = v[record]
                recorded["I_syn"][local] = i_syn[record]
            active = step - self._last >= p.refractory_steps
            x = p.constant_drive + drive[local // hold_steps] + i_syn
            np.copyto(v, (v - x) * p.decay_m + x, where=active)
            i_syn *= p.decay_syn
            spikes = np.flatnonzero((v > p.v_th) & active)
            if event_edges[local + 1] > event_edges[local]:
                channels = event_channels[event_edges[local] : event_edges[local + 1]]
                i_syn += draw.w_event[:, channels].sum(axis=1)
            if spikes.size:
                out_steps.append(np.full(spikes.size, local))
                out_neurons.append(spikes)
                if len(static):
                    k = _gather(static.indptr, spikes)
                    i_syn += np.bincount(static.target[k], weights=static.w[k], minlength=n)
                if self._w.size:
                    self._plastic_events(spikes, step)
                self._last[spikes] = step
                v[spikes] = p.v_reset[spikes]
        self._step += n_steps
        self.timings["run"] += time.perf_counter() - started
        empty = np.empty(0, dtype=np.int64)
        return (
            np.concatenate([empty, *out_steps]),
            np.concatenate([empty, *out_neurons]).astype(np.int32),
            recorded if record.size else {},
        )

    def _plastic_events(self, spikes: Ints, step: int) -> None:
        """All pre-events of a step, then all its post-events. `_last` still holds the spikes of earlier steps."""
        plastic, w = self._draw.plastic, self._w
        k = _gather(plastic.indptr, spikes)
        self._i += np.bincount(plastic.target[k], weights=w[k], minlength=self._draw.n)
        if not self._learn:
            return
        w_min, w_max, mu = (self._draw.shared[name] for name in ("w_min", "w_max", "mu"))
        apre, apost, last = self._traces["apre"], self._traces["apost"], self._last
        apre[k] = apre[k] * np.exp((step - last[self._source[k]]) * self._decay_plus[k]) + 1.0
        trace = apost[k] * np.exp((step - last[plastic.target[k]]) * self._decay_minus[k])
        w[k] = np.clip(w[k] - plastic.parameters["eta_minus"][k] * (w[k] - w_min) ** mu * trace, w_min, w_max)

        k = self._by_post[_gather(self._post_indptr, spikes)]
        apost[k] = apost[k] * np.exp((step - last[plastic.target[k]]) * self._decay_minus[k]) + 1.0
        fired = np.zeros(self._draw.n, dtype=bool)
        fired[spikes] = True
        since = np.where(fired, step, last)[self._source[k]]
        trace = apre[k] * np.exp((step - since) * self._decay_plus[k])
        w[k] = np.clip(w[k] + plastic.parameters["eta_plus"][k] * (w_max - w[k]) ** mu * trace, w_min, w_max)

    def state(self) -> State:
        """State after the last run."""
        return State(
            self._step,
            {"v": self._v.copy(), "I_syn": self._i.copy()},
            self._last.copy(),
            self._w.copy(),
            {k: v.copy() for k, v in self._traces.items()},
        )
