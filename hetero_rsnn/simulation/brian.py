"""The reference backend: a real Brian2 network from the file's equations and the drawn arrays."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import HeteroError, NetworkError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.mirror import mirrors_plasticity
from hetero_rsnn.network.models import METHODS, SHARED
from hetero_rsnn.network.parts import Plasticity
from hetero_rsnn.network.rules import by_rule
from hetero_rsnn.simulation.continuing import check_same_draw, check_state
from hetero_rsnn.simulation.delays import longest_delay, still_under_way
from hetero_rsnn.simulation.drive import Drive, no_input, prepare
from hetero_rsnn.simulation.engine import Fired
from hetero_rsnn.simulation.neurons import traces_now, traces_then
from hetero_rsnn.simulation.recording import NEVER, Recording, State

#: Brian2's preferences that the spikes rest on, with the values that other backends mirror; a program may have others.
_PREFERENCES = {
    "core.default_float_dtype": np.float64,
    "core.network.default_schedule": ["start", "groups", "thresholds", "synapses", "resets", "end"],
    "codegen.loop_invariant_optimisations": True,
}
#: Starts a program that ends with its parent, by a request that Linux knows (PR_SET_PDEATHSIG, SIGKILL).
_LAUNCH = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); "
    "os.getppid() == int(sys.argv[1]) or sys.exit(1); os.execvp(sys.argv[2], sys.argv[2:])"
)


def brian2() -> Any:
    """Brian2, whose first import leaves the hooks of the program as they were.

    Brian2 sets an excepthook and a handler of Ctrl-C, sends all warnings to the log, and adds filters of warnings.
    """
    if hasattr(sys.modules.get("brian2"), "run"):  # the program's own import, or ours
        return sys.modules["brian2"]
    hook, log = sys.excepthook, logging.getLogger("py.warnings")
    handlers = list(log.handlers)
    in_main = threading.current_thread() is threading.main_thread()
    interrupt = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        show = warnings.showwarning
        try:
            import brian2
        finally:
            sys.excepthook = hook
            log.handlers[:] = handlers
            if warnings.showwarning is not show:
                logging.captureWarnings(False)
            if in_main and interrupt is not None and signal.getsignal(signal.SIGINT) is not interrupt:
                signal.signal(signal.SIGINT, interrupt)
    return brian2


@contextmanager
def _target(name: str) -> Iterator[str]:
    """Set Brian2's device and code generation explicitly, and put everything back; yields the folder of a build.

    The program may have chosen a device, and prepared a network for it. `set_device` would activate that device anew,
    which writes to it, and `reinit` would empty it. So the device is put aside as it is: runtime targets use Brian2's
    runtime device, cpp_standalone a device of its own.
    """
    b2 = brian2()
    devices: Any = import_module("brian2.devices.device")  # brian2.devices has an object of that name
    theirs = devices.active_device
    prefs = {**_PREFERENCES} if name == "cpp_standalone" else {**_PREFERENCES, "codegen.target": name}
    run = "devices.cpp_standalone.run_cmd_unix"
    if name == "cpp_standalone" and sys.platform == "linux":
        command = b2.prefs[run]
        words = [command] if isinstance(command, str) else list(command)
        prefs[run] = [sys.executable, "-c", _LAUNCH, str(os.getpid()), *words]
    old = {key: b2.prefs[key] for key in prefs}
    try:
        for key, value in prefs.items():
            b2.prefs[key] = value
        if name != "cpp_standalone":
            devices.active_device = devices.runtime_device
            yield ""
            return
        with tempfile.TemporaryDirectory(prefix="hetero_rsnn_") as folder:
            devices.active_device = type(devices.all_devices[name])()
            devices.active_device.activate(build_on_run=False, directory=folder)
            yield folder
    finally:
        devices.active_device = theirs
        for key, value in old.items():
            b2.prefs[key] = value


@contextmanager
def runtime_target() -> Iterator[None]:
    """Brian2's numpy target with the preferences of the reference, for what only looks at its code."""
    with _target("numpy"):
        yield


class BrianObjects:
    """The Brian2 objects of one draw.

    Attributes
    ----------
    network : brian2.Network
    neurons : brian2.NeuronGroup
    plastic, static, events : brian2.Synapses or None
        `plastic` is None too where several rules share the plastic synapses.
    rules : dict of str to brian2.Synapses
        The plastic synapses by the name of their rule, ``""`` for the one without a name; empty without learning. The
        weight ``w`` of a rule is a magnitude.
    spikes : brian2.SpikeMonitor
    state_monitor : brian2.StateMonitor or None
    """

    def __init__(
        self,
        draw: Draw,
        state: State,
        drive: Drive,
        learn: bool,
        record: Ints | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        b2 = brian2()

        net = draw.network
        clock = b2.Clock(dt=net.dt / 1e3 * b2.second, name="hetero_clock")
        code = dict(net.equations)
        namespace: dict[str, Any] = {}
        if takes_current(net):
            namespace["input_drive"] = b2.TimedArray(
                drive.values * unit_of(net.input.weight.unit),
                dt=drive.hold_steps * net.dt / 1e3 * b2.second,
                name="input_drive",
            )
        declared = {k: p.unit for k, p in net.populations[0].parameters}
        extra = {"refractory": code["refractory"]} if code["refractory"] else {}
        self.neurons = group = b2.NeuronGroup(
            net.n,
            neuron_model(net),
            threshold=code["threshold"],
            reset=code["reset"],
            method=code.get("method", METHODS[0]),
            clock=clock,
            namespace=namespace,
            name="neurons",
            **extra,
        )
        for key, values in draw.neurons.items():
            group.variables[key].set_value(units.to_si(values, declared[key]))
        for key, values in state.variables.items():
            group.variables[key].set_value(np.asarray(values))
        if code["refractory"]:
            since = (state.last_spike - state.step) * (net.dt / 1e3)
            group.variables["lastspike"].set_value(since)

        self.network = b2.Network(group)
        self.rules: dict[str, Any] = {}
        self.plastic = self._plastic(b2, draw, state, learn, clock) if len(draw.plastic) else None
        self.static = None
        if len(draw.static):
            unit = net.projections[0].weight.unit
            self.static = self._connect(b2, "static", draw.static, f"w : {unit}", {"on_pre": code["on_pre"]}, clock, {})
            self.static.variables["w"].set_value(draw.static.w)
        self.events = None
        if drive.event_steps.size:
            source = b2.SpikeGeneratorGroup(
                draw.w_event.shape[1],
                drive.event_channels,
                drive.event_steps * (net.dt / 1e3) * b2.second,
                clock=clock,
                name="input_channels",
            )
            channel, neuron = np.nonzero(draw.w_event.T)
            unit = net.input.event_weight.unit
            self.events = b2.Synapses(
                source, group, f"w : {unit}", on_pre=code["on_pre"], clock=clock, name="input_synapses", namespace={}
            )
            self.events.connect(i=channel, j=neuron)
            self.events.variables["w"].set_value(draw.w_event.T[channel, neuron])
            self.network.add(source, self.events)
        self._send(state)
        self.spikes = b2.SpikeMonitor(group, name="spikes")
        self.network.add(self.spikes)
        self.state_monitor = None
        if names:
            self.state_monitor = b2.StateMonitor(group, names, record=record, clock=clock, name="traces")
            self.network.add(self.state_monitor)

    def _connect(
        self,
        b2: Any,
        name: str,
        rows: Any,
        model: str,
        code: dict[str, str],
        clock: Any,
        namespace: Any,
        method: str = "",
    ) -> Any:
        extra = {"method": method or METHODS[0]} if re.search(r"/dt", model) else {}
        synapses = b2.Synapses(
            self.neurons, self.neurons, model, clock=clock, name=name, namespace=namespace, **code, **extra
        )
        synapses.connect(i=rows.source, j=rows.target)
        if rows.delay is not None and "on_pre" in code:
            synapses.pre.variables["delay"].set_value(rows.delay * (self.neurons.clock.dt_))
        self.network.add(synapses)
        return synapses

    def _send(self, state: State) -> None:
        """Put spikes under way into the queues, as if Brian2 had run until now."""
        if state.under_way is None or not state.under_way.size:
            return
        steps, fired = state.under_way
        late = dict.fromkeys(s for s in (*self.rules.values(), self.plastic, self.static) if s is not None)
        for pathway in [s.pre for s in late if hasattr(s, "pre")]:
            if not hasattr(pathway.queue, "push"):
                raise HeteroError(
                    "codegen_target='cpp_standalone' cannot go on where delayed spikes are under way",
                    fix="use 'numpy' or 'cython', or run in one go",
                )
            pathway.initialise_queue()
            for step in range(int(steps[0]), state.step):
                now = fired[steps == step]
                if now.size:
                    pathway.queue.push(np.ascontiguousarray(now, dtype=np.int32))
                pathway.queue.advance()

    def _plastic(self, b2: Any, draw: Draw, state: State, learn: bool, clock: Any) -> Any:
        net = draw.network
        unit = next(p.weight.unit for p in net.projections if p.plastic)
        if not learn:
            synapses = self._connect(
                b2, "plastic", draw.plastic, f"w : {unit}", {"on_pre": dict(net.equations)["on_pre"]}, clock, {}
            )
            synapses.variables["w"].set_value(state.w)
            return synapses
        traces, trace_step = state.traces, state.trace_step
        if trace_step is None and mirrors_plasticity(net):
            traces, trace_step = traces_now(draw, state), np.full(len(draw.plastic), state.step)
        for part in by_rule(draw):
            if not len(part.synapses):
                continue
            rule = part.rule
            units_of = {k: p.unit for k, p in rule.parameters}
            namespace = {k: v * unit_of(units_of[k]) for k, v in part.shared.items()}
            code = {k: v for k, v in (("on_pre", rule.on_pre), ("on_post", rule.on_post)) if v}
            synapses = self._connect(
                b2, part.owner, part.synapses, rule_model(net, rule), code, clock, namespace, rule.method
            )
            self.rules[rule.name] = synapses
            synapses.variables["w"].set_value(part.magnitudes(state.w))
            for key, values in part.parameters().items():
                synapses.variables[key].set_value(values)
            for key in set(_synaptic(net, rule.equations)) & traces.keys():
                synapses.variables[key].set_value(traces[key][part.which])
            if trace_step is not None and "lastupdate" in synapses.variables:  # clock-driven traces have none
                since = (trace_step[part.which] - state.step) * (net.dt / 1e3)
                synapses.variables["lastupdate"].set_value(since)
        return next(iter(self.rules.values())) if len(net.rules) == 1 else None


def takes_current(net: Network) -> bool:
    """Whether the equations name the analog input."""
    return re.search(r"\bI_in\b", dict(net.equations)["equations"]) is not None


def neuron_model(net: Network) -> str:
    """The equations of the neurons with all that Brian2 wants declared: input and parameters."""
    model = dict(net.equations)["equations"]
    if takes_current(net):
        model += f"\nI_in = input_drive(t, i) : {net.input.weight.unit}"
    return model + "".join(f"\n{k} : {p.unit} (constant)" for k, p in net.populations[0].parameters)


def rule_model(net: Network, rule: Plasticity) -> str:
    """The equations of the plastic synapses of a rule with weight and parameters declared."""
    unit = next(p.weight.unit for p in net.projections if p.plastic)
    own = "".join(f"\n{k} : {p.unit} (constant)" for k, p in rule.parameters if k not in SHARED)
    return f"{rule.equations}\nw : {unit}{own}"


def unit_of(name: str) -> Any:
    b2 = brian2()

    return 1 if name == units.DIMENSIONLESS else getattr(b2, name)


class BrianBackend:
    """Builds and runs Brian2 networks for one draw. Not part of the public API: use `simulate` or `to_brian2`."""

    def __init__(
        self,
        draw: Draw,
        state: State,
        learn: bool,
        codegen_target: str = "numpy",
        variables: tuple[str, ...] | None = None,
    ) -> None:
        self._draw, self._state, self._learn, self._target = draw, state, learn, codegen_target
        self.begin = state
        self.variables = tuple(initial_state(draw).variables) if variables is None else variables
        self.timings = {"compile": 0.0, "run": 0.0}

    def run(self, drive: Drive, record: Ints, names: tuple[str, ...] = ()) -> Fired:
        """Advance by a piece of input; the clock of each piece starts anew."""
        started = time.perf_counter()
        b2 = brian2()

        _refuse_own_time(self._draw.network, self._state)
        dt = self._draw.network.dt
        n_steps = drive.steps
        with _target(self._target) as folder, b2_errors(self._draw.network):
            objects = BrianObjects(self._draw, self._state, drive, self._learn, record, names)
            duration = n_steps * (dt / 1e3) * b2.second
            if self._target == "cpp_standalone":
                objects.network.run(duration, namespace={})
                with _compiler(self._target):
                    b2.device.build(directory=folder, compile=True, run=False, with_output=False)
                ready = time.perf_counter()
                b2.device.run(with_output=False)
                ran = time.perf_counter() - ready
            else:
                # An empty run generates and compiles the code; only then the clock of the run proper starts.
                with _compiler(self._target):
                    objects.network.run(0 * b2.second, namespace={})
                ready = time.perf_counter()
                objects.network.run(duration, namespace={})
                ran = time.perf_counter() - ready
            steps = np.round(np.asarray(objects.spikes.t / b2.second) / (dt / 1e3)).astype(np.int64)
            neurons = np.asarray(objects.spikes.i).astype(np.int32)
            traces: dict[str, Array] = {}
            if objects.state_monitor is not None:
                traces = {k: np.array(getattr(objects.state_monitor, k + "_")).T for k in names}
            self._state = self._after(objects, steps, neurons, n_steps)
        self.timings["run"] += ran
        self.timings["compile"] += time.perf_counter() - started - ran
        return steps, neurons, traces

    def _after(self, objects: BrianObjects, steps: Ints, neurons: NDArray[np.int32], n_steps: int) -> State:
        draw, old = self._draw, self._state
        net = draw.network
        last = old.last_spike.copy()
        last[neurons] = steps + old.step  # ascending in time, so the last one stays
        variables = {k: np.array(objects.neurons.variables[k].get_value()) for k in old.variables}
        w, traces, trace_step = old.w, {k: np.zeros_like(v) for k, v in old.traces.items()}, None
        if objects.rules:
            groups = [(p, objects.rules[p.rule.name].variables) for p in by_rule(draw) if p.rule.name in objects.rules]
            w = np.array(w, dtype=np.float64)
            for part, synapses in groups:
                w[part.which] = np.asarray(synapses["w"].get_value()) * part.sign
                for key in traces.keys() & synapses.keys():
                    traces[key][part.which] = np.asarray(synapses[key].get_value())
            timed = [(part, synapses["lastupdate"]) for part, synapses in groups if "lastupdate" in synapses]
            if timed:
                trace_step = np.zeros(w.size, np.int64)
                for part, variable in timed:
                    updated = np.asarray(variable.get_value())
                    trace_step[part.which] = np.round(updated / (net.dt / 1e3)).astype(np.int64) + old.step
                if mirrors_plasticity(net):
                    traces, trace_step = traces_then(draw, last, traces, trace_step), None
        step = old.step + n_steps
        under_way = None
        if net.delayed:
            under_way = still_under_way(longest_delay(draw), old.under_way, steps + old.step, neurons, step)
        return State(step, variables, last, w, traces, trace_step, under_way)

    def state(self) -> State:
        """State after the last run."""
        return self._state


def _synaptic(net: Network, equations: str) -> list[str]:
    """State variables of a plasticity rule, those that only events change included."""
    b2 = brian2()

    with b2_errors(net):
        parsed = b2.Equations(equations)
    return sorted(set(parsed.diff_eq_names) | set(parsed.parameter_names))


def _code(net: Network) -> str:
    """All equations and statements of a network."""
    own = [text for rule in net.rules for text in (rule.equations, rule.on_pre, rule.on_post)]
    return "\n".join([*(text for _, text in net.equations), *own])


def _refuse_own_time(net: Network, state: State) -> None:
    """Equations that use t cannot go on from a state."""
    if state.step and re.search(r"\bt\b", _code(net)):
        raise HeteroError("equations that use t cannot be continued, since their clock would start anew: run in one go")


@contextmanager
def _compiler(target: str) -> Iterator[None]:
    """Say in one line that a compiled target found no working compiler."""
    try:
        yield
    except Exception as error:
        # distutils, Cython and Brian2 each raise a kind of their own here, some of them plain RuntimeErrors.
        if target == "numpy" or isinstance(error, HeteroError):
            raise
        if type(error).__name__ in {"CompileError", "DistutilsError", "LinkError"} or "compilation failed" in str(
            error
        ):
            raise HeteroError(
                f"codegen_target={target!r} needs a working C++ compiler ({error}): install one, or use 'numpy'"
            ) from error
        raise


@contextmanager
def b2_errors(net: Network) -> Iterator[None]:
    """Turn Brian2's refusal of an equation into one line that names the network."""
    brian2()
    from brian2.core.base import BrianObject, BrianObjectException
    from brian2.equations.equations import EquationError
    from brian2.units.fundamentalunits import DimensionMismatchError

    # What goes wrong while sympy or the code generator looks at an equation comes as it is.
    plain = (SyntaxError, ArithmeticError, NotImplementedError, RecursionError, ValueError, DimensionMismatchError)
    before = {id(made()) for made in tuple(BrianObject.__instances__())}
    try:
        yield
    except HeteroError:
        raise
    except (BrianObjectException, EquationError, *plain) as error:
        # Brian2 warns, in eight lines, of each object that goes without having been in a network that ran. That none
        # of these has is what the error says. They go with it, later, so that a filter of messages here would not do.
        for made in tuple(BrianObject.__instances__()):
            thing = made()
            if id(thing) not in before and getattr(thing, "_network", "") is None:
                thing._network = "refused"  # noqa: SLF001 - Brian2 has no other way to say so
        cause = error.__cause__ or error
        reason = " ".join(str(cause).split())
        fix = "set method to euler, rk2, rk4 or heun" if "conditionally linear" in reason else ""
        raise NetworkError(f"Brian2 refuses network {net.name!r}: {reason[:300]}", fix=fix) from error


def initial_state(draw: Draw) -> State:
    """State at step 0 for equations of any kind: everything that is not given starts at 0."""
    b2 = brian2()

    net = draw.network
    with b2_errors(net):
        parsed = b2.Equations(dict(net.equations)["equations"])
    names = sorted(set(parsed.diff_eq_names) | set(parsed.parameter_names))
    units_of = {k: p.unit for k, p in net.initial}
    variables = {k: units.to_si(draw.initial[k], units_of[k]) if k in draw.initial else np.zeros(net.n) for k in names}
    names_of = sorted({k for rule in net.rules for k in _synaptic(net, rule.equations)})
    traces = {k: np.zeros(len(draw.plastic)) for k in names_of}
    steps = np.zeros(len(draw.plastic), dtype=np.int64) if traces and not mirrors_plasticity(net) else None
    return State(0, variables, np.full(net.n, NEVER, dtype=np.int64), np.array(draw.plastic.w), traces, steps)


def to_brian2(
    draw: Draw, stimulus: Any = None, *, plasticity: bool = True, state: State | Recording | None = None
) -> BrianObjects:
    """Hand out the live Brian2 objects of a draw, to go on with in a script of your own.

    Parameters
    ----------
    draw : Draw
    stimulus : Stimulus, optional
        Its drive becomes a `brian2.TimedArray`, its events a `brian2.SpikeGeneratorGroup`. Past the end of a current
        its last sample stays, as TimedArrays have it. Without a stimulus there is no input, however long the run.
    plasticity : bool
    state : State or Recording, optional
        Begin there instead of at the draw's own initial values: membranes, currents, refractoriness, weights and the
        traces of STDP. `simulate` with the same `state` gives the same spikes. A Recording must be of this draw with
        the same damage. Brian2's clock, and so the stimulus, begins at 0.

    Returns
    -------
    BrianObjects
        ``objects.network.run(1*second, namespace={})`` runs it; add monitors with ``objects.network.add(...)``.
        Groups of your own take part with ``clock=objects.neurons.clock``. Brian2's own ``prefs.codegen.target`` decides
        how it runs; its default compiles with cython for tens of seconds.

    Raises
    ------
    StimulusError
        If the stimulus does not fit the network, or is a stream.
    NetworkError
        If Brian2 refuses an equation.
    HeteroError
        If the state is of another network, or comes late for equations that use t.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> trained = hr.simulate(d, hr.uniform_stimulus(20, "10 ms", seed=2))
    >>> objects = hr.to_brian2(d, state=trained)
    >>> bool((objects.plastic.w[:] == trained.weights).all())
    True
    """
    if not isinstance(draw, Draw):
        raise HeteroError(
            f"to_brian2 takes a draw, got {type(draw).__name__}: call hetero_rsnn.draw(network, seed) first"
        )
    if not isinstance(state, State | Recording | None):
        raise HeteroError(
            f"state must be a Recording or its state, got {type(state).__name__}: give what simulate or train returned"
        )
    drive = no_input(draw) if stimulus is None else prepare(draw, stimulus)
    begin = initial_state(draw)
    if isinstance(state, Recording):
        check_same_draw(draw, state)
    if state is not None:
        known = tuple(begin.variables)
        begin = state.state if isinstance(state, Recording) else state
        check_state(draw, begin, known)
        _refuse_own_time(draw.network, begin)
    with b2_errors(draw.network):
        return BrianObjects(draw, begin, drive, draw.network.follows_rule(plasticity))
