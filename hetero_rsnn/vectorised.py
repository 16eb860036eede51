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


class _Rows:
    """Synapses of each neuron, as lists of indices made once: joining a few is cheaper than finding them."""

    def __init__(self, indptr: Ints, order: Ints) -> None:
        self._rows = np.split(order, indptr[1:-1])
        self._sizes = np.diff(indptr)

    def of(self, neurons: Ints) -> tuple[Ints, Ints]:
        """Synapses of some neurons, one neuron after the other, and how many each has."""
        rows = self._rows
        if neurons.size == 1:
            return rows[neurons[0]], self._sizes[neurons]
        return np.concatenate([rows[i] for i in neurons]), self._sizes[neurons]


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
        plastic, static = draw.plastic, draw.static
        self._w = np.array(state.w)
        self._traces = {k: np.array(v) for k, v in state.traces.items()}
        self._static_rows = _Rows(static.indptr, np.arange(len(static)))
        self._rows = _Rows(plastic.indptr, np.arange(len(plastic)))
        if self._learn:
            by_post = np.argsort(plastic.target, kind="stable")
            post_indptr = np.searchsorted(plastic.target[by_post], np.arange(draw.n + 1)).astype(np.int64)
            self._columns = _Rows(post_indptr, by_post)
            self._source = plastic.source
            rate_plus, rate_minus = (-draw.network.dt / plastic.parameters[k] for k in ("tau_plus", "tau_minus"))
            # Side by side, so that one look into memory finds what a synapse needs.
            self._pre = np.stack([rate_plus, rate_minus, plastic.parameters["eta_minus"]], axis=1)
            self._post = np.stack([rate_plus, rate_minus, plastic.parameters["eta_plus"]], axis=1)
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
        ready = self._last + p.refractory_steps
        x, above = np.empty(n), np.empty(n, dtype=bool)
        for local in range(n_steps):
            step = self._step + local
            if record.size:
                recorded["v"][local] = v[record]
                recorded["I_syn"][local] = i_syn[record]
            np.add(p.constant_drive, drive[local // hold_steps], out=x)
            x += i_syn
            i_syn *= p.decay_syn
            resting = np.flatnonzero(ready > step)
            held = v[resting]
            v -= x
            v *= p.decay_m
            v += x
            v[resting] = held
            spikes = np.flatnonzero(np.greater(v, p.v_th, out=above))
            if event_edges[local + 1] > event_edges[local]:
                channels = event_channels[event_edges[local] : event_edges[local + 1]]
                i_syn += draw.w_event[:, channels].sum(axis=1)
            if spikes.size and resting.size:
                spikes = spikes[ready[spikes] <= step]
            if spikes.size:
                out_steps.append(np.full(spikes.size, local))
                out_neurons.append(spikes)
                if len(static):
                    k, _ = self._static_rows.of(spikes)
                    i_syn += np.bincount(static.target[k], static.w[k], n)
                if self._w.size:
                    self._plastic_events(spikes, step)
                self._last[spikes] = step
                v[spikes] = p.v_reset[spikes]
                ready[spikes] = step + p.refractory_steps[spikes]
        self._step += n_steps
        self.timings["run"] += time.perf_counter() - started
        empty = np.empty(0, dtype=np.int64)
        return (
            np.concatenate([empty, *out_steps]),
            np.concatenate([empty, *out_neurons]).astype(np.int32),
            recorded if record.size else {},
        )

    def _plastic_events(self, spikes: Ints, step: int) -> None:
        """All pre-events of a step, then all its post-events. `_last` holds the spikes of earlier steps, then this one's."""
        target, w, last = self._draw.plastic.target, self._w, self._last
        k, sizes = self._rows.of(spikes)
        targets, w_k = target[k], w[k]
        self._i += np.bincount(targets, w_k, self._draw.n)
        if not self._learn:
            return
        w_min, w_max, mu = (self._draw.shared[name] for name in ("w_min", "w_max", "mu"))
        apre, apost = self._traces["apre"], self._traces["apost"]
        previous = last[spikes]
        rate_plus, rate_minus, eta = self._pre[k].T
        apre[k] = apre[k] * np.exp(np.repeat(step - previous, sizes) * rate_plus) + 1.0
        trace = apost[k] * np.exp((step - last[targets]) * rate_minus)
        w[k] = np.minimum(np.maximum(w_k - eta * (w_k - w_min) ** mu * trace, w_min), w_max)

        k, sizes = self._columns.of(spikes)
        w_k = w[k]
        rate_plus, rate_minus, eta = self._post[k].T
        apost[k] = apost[k] * np.exp(np.repeat(step - previous, sizes) * rate_minus) + 1.0
        last[spikes] = step
        trace = apre[k] * np.exp((step - last[self._source[k]]) * rate_plus)
        w[k] = np.minimum(np.maximum(w_k + eta * (w_max - w_k) ** mu * trace, w_min), w_max)

    def state(self) -> State:
        """State after the last run."""
        return State(
            self._step,
            {"v": self._v.copy(), "I_syn": self._i.copy()},
            self._last.copy(),
            self._w.copy(),
            {k: v.copy() for k, v in self._traces.items()},
        )
