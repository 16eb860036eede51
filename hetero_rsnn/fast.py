"""The fast backend: lays a draw out for the compiled kernel and runs it in pieces.

The layout lives here and only here: one table of seven rows for the plastic synapses (`kernels.W` and following),
rows of the connectivity contiguous, decay rates instead of time constants.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.draw import Draw
from hetero_rsnn.kernel_arrays import NeuronArrays, neuron_arrays
from hetero_rsnn.recording import State

Array = NDArray[np.float64]

#: Post-synaptic spikes kept per neuron before pending ones are flushed.
_HISTORY = 64
#: Upper bound of the spike buffer of one kernel call.
_SPIKES = 4_000_000


class FastBackend:
    """Holds one draw, ready to be advanced. Not part of the public API: use `simulate`."""

    def __init__(self, draw: Draw, state: State, learn: bool) -> None:
        started = time.perf_counter()
        from hetero_rsnn import kernels

        self._kernels = kernels
        self._draw = draw
        self._neurons: NeuronArrays = neuron_arrays(draw)
        self._learn = learn
        self._v = np.array(state.variables["v"])
        self._i = np.array(state.variables["I_syn"])
        self._last = np.array(state.last_spike)
        self._step = state.step
        plastic = draw.plastic
        self._columns = np.zeros((7, len(plastic)))
        self._columns[kernels.W] = state.w
        if len(plastic):
            self._columns[kernels.APRE] = state.traces["apre"]
            self._columns[kernels.APOST] = state.traces["apost"]
            self._columns[kernels.DECAY_PLUS] = -draw.network.dt / plastic.parameters["tau_plus"]
            self._columns[kernels.DECAY_MINUS] = -draw.network.dt / plastic.parameters["tau_minus"]
            self._columns[kernels.ETA_PLUS] = plastic.parameters["eta_plus"]
            self._columns[kernels.ETA_MINUS] = plastic.parameters["eta_minus"]
        # Longer than any call is long enough, and fits into the kernel's 32 bits.
        self._refractory = np.minimum(self._neurons.refractory_steps, -kernels.LONG_AGO).astype(np.int32)
        self._events = _event_rows(draw.w_event)
        compile_kernels()
        self.timings = {"compile": time.perf_counter() - started, "run": 0.0}

    def run(
        self,
        drive: Array,
        hold_steps: int,
        event_steps: NDArray[np.int64],
        event_channels: NDArray[np.int64],
        record: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], dict[str, Array]]:
        """Advance by ``len(drive) * hold_steps`` steps; see `simulate` for the arguments."""
        started = time.perf_counter()
        size = max(1, _SPIKES // (self._draw.n * hold_steps))
        steps, neurons, v, i = [], [], [], []
        for begin in range(0, len(drive), size):
            part = drive[begin : begin + size]
            low, high = np.searchsorted(event_steps, [begin * hold_steps, (begin + len(part)) * hold_steps])
            out = self._call(
                part, hold_steps, event_steps[low:high] - begin * hold_steps, event_channels[low:high], record
            )
            steps.append(out[0] + begin * hold_steps)
            neurons.append(out[1])
            v.append(out[2])
            i.append(out[3])
        self.timings["run"] += time.perf_counter() - started
        traces = {"v": np.concatenate(v), "I_syn": np.concatenate(i)} if record.size else {}
        return np.concatenate(steps), np.concatenate(neurons), traces

    def _call(
        self, drive: Array, hold_steps: int, event_steps: Any, event_channels: Any, record: Any
    ) -> tuple[Any, ...]:
        n_steps = len(drive) * hold_steps
        draw, p = self._draw, self._neurons
        spike_steps = np.empty(n_steps * draw.n, dtype=np.int64)
        spike_neurons = np.empty(n_steps * draw.n, dtype=np.int32)
        # The kernel counts steps from the beginning of the call, in 32 bits.
        far = self._kernels.LONG_AGO
        last = np.maximum(self._last - self._step, far).astype(np.int32)
        recorded = np.empty((2, n_steps if record.size else 0, record.size))
        count = self._kernels.run_lif_stdp(
            n_steps,
            hold_steps,
            self._v,
            self._i,
            last,
            p.decay_m,
            p.decay_syn,
            p.constant_drive,
            p.v_th,
            p.v_reset,
            self._refractory,
            drive,
            event_steps,
            event_channels,
            *self._events,
            draw.static.indptr,
            draw.static.target,
            draw.static.w,
            draw.plastic.indptr,
            draw.plastic.target,
            self._columns,
            draw.shared.get("w_min", 0.0),
            draw.shared.get("w_max", 0.0),
            draw.shared.get("mu", 0.0),
            self._learn,
            _HISTORY,
            spike_steps,
            spike_neurons,
            record,
            recorded[0],
            recorded[1],
        )
        fired = last >= 0
        self._last[fired] = last[fired] + self._step
        self._step += n_steps
        return spike_steps[:count].copy(), spike_neurons[:count].copy(), recorded[0], recorded[1]

    def state(self) -> State:
        """State after the last run."""
        k, columns = self._kernels, self._columns
        traces = {}
        if columns.shape[1]:
            traces = {"apre": columns[k.APRE].copy(), "apost": columns[k.APOST].copy()}
        return State(
            self._step,
            {"v": self._v.copy(), "I_syn": self._i.copy()},
            self._last.copy(),
            columns[k.W].copy(),
            traces,
        )


def _event_rows(w_event: Array) -> tuple[NDArray[np.int64], NDArray[np.int32], Array]:
    """Input synapses in rows of their channel; weights of 0 are no synapses."""
    channel, neuron = np.nonzero(w_event.T)
    indptr = np.searchsorted(channel, np.arange(w_event.shape[1] + 1)).astype(np.int64)
    return indptr, neuron.astype(np.int32), np.ascontiguousarray(w_event.T[channel, neuron])


def compile_kernels() -> float:
    """Compile (or load from numba's cache on disk) the kernel; return the seconds that took, 0 if it was ready."""
    from hetero_rsnn import kernels

    if kernels.run_lif_stdp.signatures:
        return 0.0
    started = time.perf_counter()
    i64, i32, f64 = np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0)
    rows, one, step = np.zeros(2, np.int64), np.ones(1), np.ones(1, np.int32)
    fixed_rows, fixed_i32, fixed_f64, fixed_one = rows.copy(), i32.copy(), f64.copy(), one.copy()
    for array in (fixed_rows, fixed_i32, fixed_f64, fixed_one):
        array.flags.writeable = False  # a draw's arrays are read-only, which is a type of its own to numba
    kernels.run_lif_stdp(
        0, 1, one, one.copy(), step, one, one, one, fixed_one, fixed_one, step, np.zeros((0, 1)), i64, i64,
        rows, i32, f64, fixed_rows, fixed_i32, fixed_f64, fixed_rows, fixed_i32, np.zeros((7, 0)), 0.0, 0.0, 0.0, True,
        2, i64, i32, i64, np.zeros((0, 0)), np.zeros((0, 0)),
    )  # fmt: skip
    return time.perf_counter() - started
