"""The fast and the numpy backend for equations of one's own: arrays of a draw, calls of the kernel, what comes back."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import NetworkError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import PRECISIONS, Draw, Synapses
from hetero_rsnn.network.mirror import mirrors_plasticity
from hetero_rsnn.network.rules import by_rule
from hetero_rsnn.simulation.delays import delayed_rows
from hetero_rsnn.simulation.drive import Drive
from hetero_rsnn.simulation.engine import Engine, Fired, LeftNumbers
from hetero_rsnn.simulation.generated.compiled import functions_fingerprint, load_kernel, load_plain
from hetero_rsnn.simulation.generated.numba_source import Source, of_rule, write_kernel
from hetero_rsnn.simulation.generated.numpy_source import write_numpy
from hetero_rsnn.simulation.generated.program import Program
from hetero_rsnn.simulation.generated.queue import Queue
from hetero_rsnn.simulation.generated.store import program_of
from hetero_rsnn.simulation.neurons import traces_now, traces_then
from hetero_rsnn.simulation.recording import NEVER, State

#: Upper bound of the spike buffer of one kernel call.
_SPIKES = 1_000_000


def kernel_source(net: Network, *, learn: bool = True, compiled: bool = True) -> Source:
    """The source of the kernel of a network, compiled or for numpy.

    Without learning, plastic synapses do what static ones do.
    """
    program = program_of(net)
    learn = learn and program.learns
    late = delayed_rows(net, learn)
    header = (
        f"# Written by hetero_rsnn from Brian2's statements{'' if learn else ', without learning'}.\n"
        f"# Functions: {functions_fingerprint()}"
    )
    return (write_kernel if compiled else write_numpy)(program if learn else program.frozen(), header, late)


def model_arrays(draw: Draw, state: State, program: Program, learn: bool, real: Any = np.float64) -> dict[str, Any]:
    """The arrays of a draw and a state under the names of the sources; those that a run changes are its own."""
    net = draw.network
    units_of = {k: p.unit for k, p in net.populations[0].parameters}
    out: dict[str, Any] = {}
    for key, values in draw.neurons.items():
        out[f"neurons_{key}"] = np.array(units.to_si(values, units_of[key]), dtype=real)
    for key, kind in program.states.items():
        out[f"neurons_{key}"] = np.array(state.variables[key], dtype=real if kind == "float64" else kind)
    out["neurons_not_refractory"] = np.ones(draw.n, dtype=np.bool_)
    out |= _rows_of("plastic", draw.plastic)
    out["static_indptr"], out["static_target"] = _fixed(draw.static.indptr), _fixed(draw.static.target.view(np.uint32))
    out["static_w"] = _fixed(draw.static.w, real)
    out |= dict(zip(("event_indptr", "event_target", "event_w"), _event_rows(draw.w_event, real), strict=True))
    if not learn:
        out["plastic_w"] = _fixed(state.w, real)
        return out
    traces_of = {rule.owner: rule.traces for rule in program.rules}
    steps = np.zeros(len(draw.plastic), np.int64) if state.trace_step is None else state.trace_step
    for part in by_rule(draw):
        owner, synapses = part.owner, part.synapses
        out |= _rows_of(owner, synapses)
        out |= {f"{of_rule('shared', owner)}_{k}": float(v) for k, v in part.shared.items()}
        out[f"{owner}_w"] = np.array(part.magnitudes(state.w), dtype=real)
        for key, values in part.parameters().items():
            out[f"{owner}_{key}"] = np.array(values, dtype=real)
        for key, kind in traces_of[owner].items():
            out[f"{owner}_{key}"] = np.array(state.traces[key][part.which], dtype=real if kind == "float64" else kind)
        out[f"{owner}_lastupdate"] = np.array(steps[part.which], dtype=np.int64)
        out[f"{owner}_source"] = synapses.source.view(np.uint32)
        by_post = np.argsort(synapses.target, kind="stable")
        out[of_rule("by_post", owner)] = by_post.astype(np.int64)
        counts = np.bincount(synapses.target, minlength=draw.n)
        out[of_rule("by_post_indptr", owner)] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return out


def _rows_of(owner: str, synapses: Synapses) -> dict[str, Any]:
    return {f"{owner}_indptr": _fixed(synapses.indptr), f"{owner}_target": _fixed(synapses.target.view(np.uint32))}


def _fixed(array: Any, dtype: Any = None) -> Any:
    """The array read-only, a type of its own to numba: those of a draw that comes out of a pickle are not."""
    out = np.ascontiguousarray(array, dtype=dtype).view()
    out.flags.writeable = False
    return out


def _event_rows(w_event: Array, real: Any) -> tuple[Any, Any, Any]:
    """Input synapses in rows of their channel; weights of 0 are no synapses."""
    channel, neuron = np.nonzero(w_event.T)
    indptr = np.searchsorted(channel, np.arange(w_event.shape[1] + 1)).astype(np.int64)
    return indptr, neuron.astype(np.uint32), w_event.T[channel, neuron].astype(real)


def initial_state(draw: Draw, program: Program) -> State:
    """State at step 0: everything that is not given starts at 0."""
    net = draw.network
    units_of = {k: p.unit for k, p in net.initial}
    variables = {
        k: units.to_si(draw.initial[k], units_of[k]) if k in draw.initial else np.zeros(net.n) for k in program.states
    }
    traces = {k: np.zeros(len(draw.plastic)) for k in program.traces}
    steps = np.zeros(len(draw.plastic), dtype=np.int64) if traces and not mirrors_plasticity(net) else None
    return State(0, variables, np.full(net.n, NEVER, dtype=np.int64), np.array(draw.plastic.w), traces, steps)


class GeneratedBackend:
    """Holds one draw, ready to be advanced. Not part of the public API: use `simulate`."""

    def __init__(self, draw: Draw, state: State, learn: bool, program: Program, engine: Engine) -> None:
        started = time.perf_counter()
        self._real, fast = PRECISIONS[engine.precision], engine.backend == "fast"
        self._draw, self._learn = draw, learn and program.learns
        self._program = program
        self._source = source = kernel_source(draw.network, learn=self._learn, compiled=fast)
        self._module: Any = load_kernel(source.text) if fast else load_plain(source.text)
        self._dt = draw.network.dt / 1e3
        self._mirrored = self._learn and mirrors_plasticity(draw.network)
        now = state
        if self._mirrored and state.trace_step is None:
            now = replace(state, traces=traces_now(draw, state), trace_step=np.full(len(draw.plastic), state.step))
        self._parts = by_rule(draw) if self._learn else []
        late = {"plastic": draw.plastic, "static": draw.static, **{p.owner: p.synapses for p in self._parts}}
        self._queue = Queue(draw, state, {k: late[k] for k in sorted(delayed_rows(draw.network, self._learn))})
        self._arrays = arrays = model_arrays(draw, now, program, self._learn, self._real)
        self._last_spike = np.array(state.last_spike)
        found = self._module.prepare(self._dt, *(arrays[name] for name in source.given[1:]))
        for name, value in zip(source.constants, found, strict=True):
            size = arrays[f"{source.of_synapses[name]}_target"].size if name in source.of_synapses else draw.n
            arrays[name] = np.array(np.broadcast_to(value, (size,)), dtype=self._real)
        self.begin = self._kept = state
        self._step = state.step
        self.variables = source.states
        none = np.empty(0, np.int64)
        self._call(
            0, 0, np.zeros((1, draw.n)), 1, none, none, none, np.full(len(self.variables), -1), np.empty((0, 0, 0))
        )
        self.timings = {"compile": time.perf_counter() - started, "run": 0.0}

    def run(self, drive: Drive, record: Ints, names: tuple[str, ...] = ()) -> Fired:
        """Advance by a piece of input, in calls that share one spike buffer."""
        started = time.perf_counter()
        if drive.event_steps.size and self._program.deliver.of_source:
            raise NetworkError(
                "synapse.on_pre reads variables of the pre-synaptic neuron, which channels of the input do not have",
                fix="drive the network by currents, or give the plasticity an on_pre of its own",
            )
        n_steps = drive.steps
        wanted = np.full(len(self.variables), -1)
        for row, name in enumerate(names):
            wanted[self.variables.index(name)] = row
        recorded = np.empty((len(names), n_steps if len(names) else 0, record.size))
        values = np.ascontiguousarray(drive.values, dtype=np.float64)
        size = max(1, _SPIKES // self._draw.n)
        steps, fired, reached = [], [], n_steps
        for begin in range(0, n_steps, size):
            end = min(begin + size, n_steps)
            *found, reached = self._call(
                begin, end, values, drive.hold_steps, drive.event_steps, drive.event_channels, record, wanted, recorded
            )
            steps.append(found[0])
            fired.append(found[1])
            if reached < end:
                break
        self._step += n_steps
        self.timings["run"] += time.perf_counter() - started
        traces = {name: recorded[row] for row, name in enumerate(names)}
        out = np.concatenate(steps), np.concatenate(fired), traces
        if reached < n_steps:
            raise LeftNumbers(*self._odd(), reached, out)
        return out

    def _odd(self) -> tuple[str, int]:
        """The first state variable and neuron without a finite number."""
        for name in self.variables:
            odd = np.flatnonzero(~np.isfinite(self._arrays[f"neurons_{name}"]))
            if odd.size:
                return name, int(odd[0])
        raise AssertionError("nothing has overflowed")

    def _call(
        self, begin: int, end: int, drive: Array, hold_steps: int, event_steps: Ints, event_channels: Ints,
        record: Ints, wanted: Ints, recorded: Array,
    ) -> tuple[Ints, Any, int]:  # fmt: skip
        pending = self._queue.size
        room = pending + (end - begin) * self._draw.n
        spike_steps, spike_neurons = np.empty(room, np.int64), np.empty(room, np.int32)
        common = {
            "begin": begin, "end": end, "first": self._step, "hold_steps": hold_steps, "dt": self._dt, "drive": drive,
            "record": record if recorded.size else record[:0], "wanted": wanted, "recorded": recorded,
            "spike_steps": spike_steps, "spike_neurons": spike_neurons, "last_spike": self._last_spike,
            "event_steps": event_steps, "event_channels": event_channels,
        }  # fmt: skip
        common |= self._queue.arrays(spike_steps, spike_neurons)
        with np.errstate(all="ignore"):
            count, reached = self._module.run(
                *(common[name] if name in common else self._arrays[name] for name in self._source.arguments)
            )
        self._queue.keep(spike_steps[:count], spike_neurons[:count], self._step + int(reached))
        return spike_steps[pending:count] - self._step, spike_neurons[pending:count].copy(), int(reached)

    def _joined(self, name: str) -> Any:
        """What the synapses of every rule have, in the order of all plastic ones; 0 where a rule has no such thing."""
        found = [
            (p.which, self._arrays[f"{p.owner}_{name}"]) for p in self._parts if f"{p.owner}_{name}" in self._arrays
        ]
        out = np.zeros(len(self._draw.plastic), np.result_type(*(values for _, values in found)))
        for which, values in found:
            out[which] = values
        return out

    def state(self) -> State:
        """State after the last run."""
        arrays, kept = self._arrays, self._kept
        variables = {k: np.array(arrays[f"neurons_{k}"]) for k in self._program.states}
        if not self._learn:
            return State(
                self._step, variables, self._last_spike.copy(), kept.w, dict(kept.traces), None, self._queue.under_way
            )
        traces = {k: self._joined(k) for k in self._program.traces}
        timed = any(f"{part.owner}_lastupdate" in self._source.arguments for part in self._parts)
        at = self._joined("lastupdate") if timed else None
        w = self._joined("w")
        for part in self._parts:
            w[part.which] *= part.sign
        if self._mirrored and at is not None:  # as the other backends hand them on
            traces, at = traces_then(self._draw, self._last_spike, traces, at), None
        return State(self._step, variables, self._last_spike.copy(), w, traces, at, self._queue.under_way)
