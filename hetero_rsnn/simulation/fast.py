"""The fast backend: lays a draw out for the compiled kernel and runs it in pieces.

The layout lives here and only here. Arrays of the draw that have the kernel's precision already are taken as they are,
so that many runs share them; what a run changes is its own.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.extras import compiled
from hetero_rsnn.common.types import Ints
from hetero_rsnn.network.draw import PRECISIONS, Draw
from hetero_rsnn.simulation.drive import Drive
from hetero_rsnn.simulation.engine import Fired
from hetero_rsnn.simulation.neurons import neuron_arrays
from hetero_rsnn.simulation.recording import State

Array = NDArray[np.floating]

#: Post-synaptic spikes kept per neuron before pending ones are flushed.
_HISTORY = 240
#: Upper bound of the spike buffer of one kernel call.
_SPIKES = 1_000_000


@dataclass(frozen=True, eq=False)
class _Layout:
    """What the kernel reads of a draw, in one precision. The arrays of synapses are shared by all runs of that draw."""

    neurons: tuple[Any, ...]
    events: tuple[Any, ...]
    static: tuple[Any, ...]
    indptr: Ints
    target: NDArray[np.uint32]
    parameters: tuple[Array, ...]
    shared: tuple[Any, ...]


def _kernels() -> Any:
    """The compiled functions, whose import takes a second; see `compiled` for what it raises."""
    instead = ", or use backend='numpy', which gives the same spikes"
    return compiled("hetero_rsnn.simulation.kernels", "backend='fast'", instead)


def refuse_uncompiled() -> None:
    """Refuse at once what numba is told not to compile; without that word in the environment, nothing is imported.

    Raises
    ------
    HeteroError
        If it may not compile.
    """
    if os.environ.get("NUMBA_DISABLE_JIT"):
        _kernels()


_rounded: WeakKeyDictionary[Draw, dict[int, tuple[Any, Any]]] = WeakKeyDictionary()
_lock = Lock()


def _shared(draw: Draw, array: Any, real: Any) -> Any:
    """An array of the draw in the given precision: itself, or one copy for all runs of that draw."""
    if array.dtype == real:
        return _fixed(array, real)
    with _lock:
        copies = _rounded.setdefault(draw, {})
        if id(array) not in copies:
            copies[id(array)] = (array, _fixed(array, real))  # the array too, so that its id stays its own
        return copies[id(array)][1]


def _lay_out(draw: Draw, real: Any) -> _Layout:
    p, plastic, static = neuron_arrays(draw), draw.plastic, draw.static
    names = ("tau_plus", "tau_minus", "eta_plus", "eta_minus")
    mu = draw.shared.get("mu", 1.0)
    # Longer than any call is long enough, and fits into the kernel's 32 bits.
    refractory = np.minimum(p.refractory_steps, -_kernels().LONG_AGO).astype(np.int32)
    neurons = tuple(_own(a, real) for a in (p.decay_m, p.decay_syn, p.constant_drive, p.v_th, p.v_reset))
    return _Layout(
        neurons=(*neurons, refractory),
        events=_event_rows(draw.w_event, real),
        # Fixed, since those of a draw that comes out of a pickle are writable, for which all would be compiled anew.
        static=(
            _fixed(static.indptr, np.int64),
            _fixed(static.target.view(np.uint32), np.uint32),
            _shared(draw, static.w, real),
        ),
        indptr=_fixed(plastic.indptr, np.int64),
        target=_fixed(plastic.target.view(np.uint32), np.uint32),
        parameters=tuple(
            _shared(draw, plastic.parameters[name], real) if name in plastic.parameters else _fixed(np.empty(0), real)
            for name in names
        ),
        shared=(
            real(-draw.network.dt),
            real(draw.shared.get("w_min", 0.0)),
            real(draw.shared.get("w_max", 0.0)),
            (real(mu), real(1.0 - mu)) if mu in (0.0, 1.0) else real(mu),
        ),
    )


def _own(array: Any, real: type[np.floating]) -> Any:
    """A writable copy in the given precision."""
    return np.array(array, dtype=real)


def _fixed(array: Any, real: Any) -> Any:
    """The array in the given type, itself if it has that already; read-only, a type of its own to numba."""
    out = np.asarray(array, dtype=real)
    if out.flags.writeable:
        out = out.view()
        out.flags.writeable = False
    return out


class FastBackend:
    """Holds one draw, ready to be advanced. Not part of the public API: use `simulate`."""

    def __init__(self, draw: Draw, state: State, learn: bool, precision: str = "double") -> None:
        started = time.perf_counter()
        compile_kernels(precision, draw.shared.get("mu", 1.0))
        self._kernels: Any = _kernels()
        self._real = real = PRECISIONS[precision]
        self._layout = _lay_out(draw, real)
        self._n = n = draw.n
        self._learn = learn
        self._v = _own(state.variables["v"], real)
        self._i = _own(state.variables["I_syn"], real)
        # A frozen run only reads the weights, so that many such runs can share them (if the kernel takes their type).
        shared = not learn and state.w.flags.writeable and state.w.dtype == real
        self._w: Any = state.w if shared else _own(state.w, real)
        if learn:  # rounding may have left a weight beyond its bound, where a power of the difference has no value
            _, low, high, _ = self._layout.shared
            np.clip(self._w, low, high, out=self._w)
        empty = np.empty(0, real)
        self._apre, self._apost = (_own(state.traces[k], real) if learn else empty for k in ("apre", "apost"))
        self.begin = self._kept = state
        self.variables: tuple[str, ...] = ("v", "I_syn")
        self._last_spike = np.array(state.last_spike)
        self._step = self._base = state.step
        self._steps = np.empty((3, n), np.int32)
        self._history = np.empty((n, _HISTORY if learn else 1), np.int32)
        self._filled = np.empty(n, np.int32)
        self._rebase()
        self.timings = {"compile": time.perf_counter() - started, "run": 0.0}

    def _rebase(self) -> None:
        """Count steps from here on. Everything pending must have been replayed."""
        self._base, self._flushed = self._step, 0
        far = self._kernels.LONG_AGO
        self._steps[0] = np.maximum(self._last_spike - self._base, far)
        self._steps[1:] = far
        self._history[:, 0] = self._steps[0]
        self._filled[:] = 1

    def run(self, drive: Drive, record: Ints, names: tuple[str, ...] = ()) -> Fired:
        """Advance by a piece of input, in calls that share one spike buffer; all variables are recorded together."""
        started = time.perf_counter()
        values, hold_steps, event_steps, event_channels, _ = drive
        size = max(1, _SPIKES // (self._n * hold_steps))
        parts = []
        for begin in range(0, len(values), size):
            part = values[begin : begin + size]
            low, high = np.searchsorted(event_steps, [begin * hold_steps, (begin + len(part)) * hold_steps])
            steps, neurons, v, i = self._call(
                part, hold_steps, event_steps[low:high] - begin * hold_steps, event_channels[low:high], record
            )
            parts.append((steps + begin * hold_steps, neurons, v, i))
        self.timings["run"] += time.perf_counter() - started
        steps, neurons, v, i = (np.concatenate(p) for p in zip(*parts, strict=True))
        return steps, neurons, {"v": v, "I_syn": i} if record.size else {}

    def _call(self, drive: Array, hold_steps: int, event_steps: Ints, event_channels: Ints, record: Ints) -> Any:
        n_steps = len(drive) * hold_steps
        layout, k = self._layout, self._kernels
        if self._step - self._base + n_steps > k.LAST_STEP:
            self._flush()
            self._rebase()
        first = self._step - self._base
        refractory = layout.neurons[-1]
        ready = self._steps[0] + refractory
        spike_steps = np.empty(n_steps * self._n, dtype=np.int32)
        spike_neurons = np.empty(n_steps * self._n, dtype=np.int32)
        recorded = np.empty((2, n_steps if record.size else 0, record.size), self._real)
        count, self._flushed = k.run_lif_stdp(
            first, n_steps, hold_steps, self._v, self._i, *self._steps, ready, self._history, self._filled,
            self._flushed, *layout.neurons, np.ascontiguousarray(drive, dtype=self._real), event_steps, event_channels,
            *layout.events, *layout.static, layout.indptr, layout.target, self._w, self._apre, self._apost,
            *layout.parameters, *layout.shared, self._learn, spike_steps, spike_neurons, record, *recorded,
        )  # fmt: skip
        last = self._steps[0]
        fired = last >= first
        self._last_spike[fired] = last[fired].astype(np.int64) + self._base
        self._step += n_steps
        return spike_steps[:count].astype(np.int64) - first, spike_neurons[:count].copy(), recorded[0], recorded[1]

    def _flush(self) -> None:
        """Replay every pending spike, so that weights and traces are those after the last step."""
        if not self._learn:
            return
        layout = self._layout
        self._kernels.flush(
            layout.indptr, layout.target, *self._steps, self._history, self._filled, self._flushed,
            self._w, self._apre, self._apost, *layout.parameters[:3], *layout.shared, np.zeros(self._n, np.bool_),
        )  # fmt: skip
        self._flushed = self._step - self._base

    def state(self) -> State:
        """State after the last run, which ends here: the arrays are handed over, not copied."""
        started = time.perf_counter()
        self._flush()
        self.timings["run"] += time.perf_counter() - started
        traces = {"apre": self._apre, "apost": self._apost} if self._learn else self._kept.traces
        w = self._w if self._learn else self._kept.w
        return State(self._step, {"v": self._v, "I_syn": self._i}, self._last_spike, w, dict(traces))


def _event_rows(w_event: Array, real: type[np.floating]) -> tuple[Ints, NDArray[np.uint32], Array]:
    """Input synapses in rows of their channel; weights of 0 are no synapses."""
    channel, neuron = np.nonzero(w_event.T)
    indptr = np.searchsorted(channel, np.arange(w_event.shape[1] + 1)).astype(np.int64)
    return indptr, neuron.astype(np.uint32), w_event.T[channel, neuron].astype(real)


_compiled: set[tuple[str, bool]] = set()


def compile_kernels(precision: str = "double", mu: float = 1.0) -> float:
    """Compile the kernel (or load it from numba's cache on disk); return the seconds that took, 0 if it was ready.

    Exponents `mu` of 0 and 1 share one kernel, all others another.
    """
    kernels = _kernels()
    linear = mu in (0.0, 1.0)
    if (precision, linear) in _compiled:
        return 0.0
    started = time.perf_counter()
    real = PRECISIONS[precision]
    zero, exponent = real(0), (real(1), real(0)) if linear else real(mu)

    def fixed(dtype: Any, size: int = 0) -> Any:
        return _fixed(np.zeros(size, dtype), dtype)

    own, i32, i64, rows = np.zeros(0, real), np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(1, np.int64)
    history, traces = np.zeros((0, 1), np.int32), np.zeros((0, 0), real)
    parameters, targets = [fixed(real)] * 4, fixed(np.uint32)
    kernels.run_lif_stdp(
        0, 0, 1, own, own, i32, i32, i32, i32, history, i32, 0, own, own, own, own, own, i32, np.zeros((0, 0), real),
        i64, i64, rows, np.zeros(0, np.uint32), own, fixed(np.int64, 1), targets, fixed(real), fixed(np.int64, 1),
        targets, own, own, own, *parameters, zero, zero, zero, exponent, True, i32, i32, i64, traces, traces,
    )  # fmt: skip
    # The same function as inside the kernel; the call loads it, so that no run has to.
    kernels.flush(
        fixed(np.int64, 1), targets, i32, i32, i32, history, i32, 0, own, own, own, *parameters[:3], zero, zero, zero,
        exponent, np.zeros(0, np.bool_),
    )  # fmt: skip
    _compiled.add((precision, linear))
    return time.perf_counter() - started


def compile_ahead(precision: str = "double") -> None:
    """Compile the kernel here, where its cache has none: several processes that are to begin would each do so.

    Only the two usual places of the cache are looked at, since to ask numba takes a second. Where it has another, that
    second is spent.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder, names = (Path(chosen), "*/") if chosen else (Path(__file__).parent / "__pycache__", "")
    if not any(folder.glob(f"{names}kernels.run_lif_stdp-*.nbi")):
        compile_kernels(precision)


def cache_place() -> tuple[Path, str]:
    """Where the compiled kernel is kept, and the processor that it is for, since the cache keeps others apart."""
    from hetero_rsnn.common import compiled as shared

    return shared.cache_folder(_kernels().run_lif_stdp), shared.processor()
