"""The numpy backend: neurons as vectors, synapses touched only by events, no compiler needed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.network.draw import Draw, Synapses
from hetero_rsnn.simulation.drive import Drive
from hetero_rsnn.simulation.engine import Fired
from hetero_rsnn.simulation.neurons import neuron_arrays
from hetero_rsnn.simulation.recording import State


def _joined(rows: list[Any], neurons: list[int]) -> Any:
    """The rows of some neurons in one array: joining a few ready-made pieces is cheaper than finding them by index."""
    return rows[neurons[0]] if len(neurons) == 1 else np.concatenate([rows[i] for i in neurons])


def _rows(synapses: Synapses, w: Array | None = None) -> list[Array]:
    """Target and weight of the synapses of each neuron."""
    table = np.stack([synapses.target, synapses.w if w is None else w], axis=1, dtype=np.float64)
    return np.split(table, synapses.indptr[1:-1])


def _delivered(rows: list[Array], neurons: list[int], n: int) -> Array:
    """What all neurons get when some fire."""
    found = _joined(rows, neurons)
    sums = np.bincount(found[:, 0].astype(np.intp), found[:, 1], n)
    return np.asarray(sums, dtype=np.float64)


class NumpyBackend:
    """Holds one draw, ready to be advanced. Not part of the public API: use `simulate`."""

    def __init__(self, draw: Draw, state: State, learn: bool) -> None:
        started = time.perf_counter()
        self._draw = draw
        self._neurons = neuron_arrays(draw)
        self._learn = learn and len(draw.plastic) > 0
        self._v = np.array(state.variables["v"], dtype=np.float64)
        self._i = np.array(state.variables["I_syn"], dtype=np.float64)
        self._last = np.array(state.last_spike)
        self._step = state.step
        plastic, static = draw.plastic, draw.static
        self.begin = self._kept = state
        self.variables: tuple[str, ...] = ("v", "I_syn")
        self._static = _rows(static)
        if self._learn:
            by_post = np.argsort(plastic.target, kind="stable")
            indegree = np.bincount(plastic.target, minlength=draw.n)
            self._sizes = np.diff(plastic.indptr), indegree
            self._columns = np.split(by_post, np.cumsum(indegree)[:-1])
            # All of a synapse side by side: one look into memory finds it, one call of numpy gathers many.
            rates = (
                np.divide(-draw.network.dt, plastic.parameters[k], dtype=np.float64) for k in ("tau_plus", "tau_minus")
            )
            etas = (plastic.parameters[k] for k in ("eta_plus", "eta_minus"))
            traces = (state.traces[k] for k in ("apre", "apost"))
            ends = (plastic.source, plastic.target)
            w = np.clip(np.asarray(state.w, dtype=np.float64), draw.shared["w_min"], draw.shared["w_max"])
            self._table = np.stack([w, *traces, *rates, *etas, *ends], axis=1, dtype=np.float64)
            self._rows = np.split(self._table, plastic.indptr[1:-1])  # views: what is written there is in the table
        else:
            self._frozen = _rows(plastic, state.w)
        self.timings = {"compile": time.perf_counter() - started, "run": 0.0}

    def run(self, drive: Drive, record: Ints, names: tuple[str, ...] = ()) -> Fired:
        """Advance by a piece of input; all variables are recorded together."""
        started = time.perf_counter()
        values, hold_steps, event_steps, event_channels, _ = drive
        draw, p, n = self._draw, self._neurons, self._draw.n
        v, i_syn = self._v, self._i
        n_steps = len(values) * hold_steps
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
            np.add(p.constant_drive, values[local // hold_steps], out=x)
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
                    i_syn += _delivered(self._static, spikes.tolist(), n)
                if len(draw.plastic):
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
        """All pre-events of a step, then all its post-events. `_last` is brought up to this step in between."""
        fired, last = spikes.tolist(), self._last
        if not self._learn:
            self._i += _delivered(self._frozen, fired, self._draw.n)
            return
        w_min, w_max, mu = (self._draw.shared[name] for name in ("w_min", "w_max", "mu"))
        previous, (row_sizes, column_sizes) = last[spikes], self._sizes
        found = _joined(self._rows, fired)
        w, apre, apost, rate_plus, rate_minus, _, eta, _, targets = found.T
        targets = targets.astype(np.intp)
        self._i += np.bincount(targets, w, self._draw.n)
        sizes = row_sizes[spikes]
        apre *= np.exp(np.repeat(step - previous, sizes) * rate_plus)
        apre += 1.0
        trace = apost * np.exp((step - last[targets]) * rate_minus)
        w -= eta * (w - w_min) ** mu * trace
        np.minimum(np.maximum(w, w_min, out=w), w_max, out=w)
        if len(fired) > 1:  # one row is changed in place
            start = 0
            for i, size in zip(fired, sizes.tolist(), strict=True):
                self._rows[i][:, :3] = found[start : start + size, :3]
                start += size

        last[spikes] = step
        k = _joined(self._columns, fired)
        found = self._table.take(k, axis=0)
        w, apre, apost, rate_plus, rate_minus, eta, _, sources, _ = found.T
        apost *= np.exp(np.repeat(step - previous, column_sizes[spikes]) * rate_minus)
        apost += 1.0
        trace = apre * np.exp((step - last[sources.astype(np.intp)]) * rate_plus)
        w += eta * (w_max - w) ** mu * trace
        np.minimum(np.maximum(w, w_min, out=w), w_max, out=w)
        self._table[k] = found

    def state(self) -> State:
        """State after the last run."""
        w, traces = self._kept.w, self._kept.traces
        if self._learn:
            w, apre, apost = (np.ascontiguousarray(self._table[:, j]) for j in range(3))
            traces = {"apre": apre, "apost": apost}
        return State(self._step, {"v": self._v.copy(), "I_syn": self._i.copy()}, self._last.copy(), w, dict(traces))
