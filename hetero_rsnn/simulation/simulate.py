"""One function behind which the three backends stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StateOverflowError, StimulusError, suggest
from hetero_rsnn.common.types import Ints
from hetero_rsnn.common.versions import versions
from hetero_rsnn.inputs.stimulus import Stimulus, Stream
from hetero_rsnn.jobs.parallel import follow_parent
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.backends import prepare_backend
from hetero_rsnn.simulation.continuing import check_same_draw
from hetero_rsnn.simulation.drive import Drive, drives, no_stimulus, warn_of_merged
from hetero_rsnn.simulation.engine import Engine, Fired, LeftNumbers
from hetero_rsnn.simulation.recording import Recording, State
from hetero_rsnn.simulation.sizes import check_hold, check_traces

#: Numbers in the drive of one piece (samples x neurons): longer stimuli are fed piece by piece.
_PIECE = 1_000_000


def simulate(
    draw: Draw,
    stimulus: Stimulus | Stream,
    *,
    backend: str = "fast",
    precision: str = "double",
    plasticity: bool = True,
    record: Sequence[str] = (),
    record_neurons: ArrayLike | None = None,
    state: State | Recording | None = None,
    codegen_target: str = "numpy",
) -> Recording:
    """Run a network.

    Parameters
    ----------
    draw : Draw
        From `hetero_rsnn.draw`.
    stimulus : Stimulus or Stream
    backend : {"fast", "numpy", "brian2"}
        All three give the same spikes. ``"fast"`` has a kernel for the equations of the model 'lif_stdp', and makes one
        of any others the first time, which takes some seconds; ``"numpy"`` does so without a compiler.
    precision : {"double", "single"}
        Single precision is faster and smaller, and for ``backend="fast"`` only. A network is chaotic: its spikes part
        from those in double precision soon, while rates, weights, C and E stay the same on average.
    plasticity : bool
        False freezes the weights. A frozen phase forgets the traces of STDP: pairs do not form across it.
        A rule that changes no weights, such as short-term plasticity, goes on all the same.
    record : sequence of str
        State variables to record at the beginning of every step: ``"v"``, ``"I_syn"``, or others of the equations.
    record_neurons : array of int, optional
        Which neurons to record; all by default.
    state : State or Recording, optional
        Go on from there: ``simulate(d, b, state=simulate(d, a))`` gives the spikes of a and b run in one go. A
        Recording must be of this draw with the same damage; after new damage, give the state that it returned.
    codegen_target : {"numpy", "cython", "cpp_standalone"}
        Brian2's code generation; for ``backend="brian2"`` only.

    Returns
    -------
    Recording

    Raises
    ------
    NetworkError
        If Brian2 refuses an equation.
    StateOverflowError
        If a state variable of other equations than 'lif_stdp' leaves the range of numbers: one of a neuron (not with
        ``"brian2"``), or one of a synapse.
    StimulusError
        If the stimulus does not fit the network, or one of its samples takes more steps than there is memory for.
    HeteroError
        If the recorded variables would not fit in memory.

    Warns
    -----
    UserWarning
        If several events of one channel lie in one step: they count as one, and
        ``recording.provenance["merged_events"]`` says how many were dropped.

    Notes
    -----
    Exponential Euler on a grid; inside a step Brian2's order: state update, threshold, synapses (all pre-events, then
    all post-events), reset. A spike at step k has the time ``k * dt``.
    """
    engine = Engine(backend, precision, codegen_target)
    begin = _check(draw, stimulus, state)
    names, neurons = _recorded(record, record_neurons, draw.n)
    check_hold(draw.network, stimulus.hold, engine)
    if isinstance(stimulus, Stimulus):
        check_traces(names, neurons.size, stimulus.duration / draw.network.dt)
    follow_parent()
    runner = prepare_backend(draw, begin, plasticity, engine)
    for name in names:
        if name not in runner.variables:
            raise HeteroError(f"cannot record {name!r}{suggest(name, runner.variables)}")
    size = max(1, _PIECE // draw.n)
    done, samples, events, merged = 0, 0, 0, 0  # whole steps: sums of times would not be times of steps
    steps, fired, traces = [], [], []
    odd: LeftNumbers | None = None
    for piece in drives(draw, stimulus, size):
        check_traces(names, neurons.size, piece.steps)  # of a stream nobody knows the length
        try:
            found = runner.run(piece, neurons, names)
        except LeftNumbers as left:
            odd, whole = left, left.step // piece.hold_steps
            found, piece = _cut(left.fired, piece, whole), piece._replace(values=piece.values[:whole])
        steps.append(found[0] + done)
        fired.append(found[1])
        traces.append(found[2])
        done += piece.steps
        samples += len(piece.values)
        events += piece.events
        merged += piece.events - len(piece.event_steps)
        if odd is not None:
            break
    if not samples and odd is None:
        raise StimulusError("the stimulus is empty: it needs at least one sample")
    final = runner.state()
    follows = draw.network.follows_rule(plasticity)
    if not follows:
        final = replace(final, traces={k: np.zeros_like(v) for k, v in final.traces.items()})
    dt = draw.network.dt
    about = _provenance(draw, stimulus, plasticity, engine)
    if events:
        about["merged_events"] = merged
    if merged:
        # One text for all, so that a program that simulates many samples shows it once.
        warn_of_merged(draw, "provenance['merged_events'] of the recording says how many are dropped", stacklevel=3)
    recording = Recording(
        spike_times=np.asarray(_joined(steps) * dt, dtype=np.float64),
        spike_neurons=_joined(fired),
        n=draw.n,
        samples=samples,
        hold=stimulus.hold,
        dt=dt,
        t_start=runner.begin.step * dt,
        weights=final.w,
        state=final,
        traces={k: _joined([t[k] for t in traces]) for k in names},
        trace_neurons=neurons,
        timings=dict(runner.timings),
        provenance=about,
    )
    if odd is not None:
        when = (runner.begin.step + done + odd.step - whole * piece.hold_steps) * dt
        raise StateOverflowError(
            f"{odd.variable} of neuron {odd.neuron} has left the range of numbers at {when:g} ms (backend {backend!r})",
            fix="lower dt, choose another method, or bound it; what was recorded is kept in the error's recording",
            recording=recording if samples else None,
        )
    if follows and (lost := _odd_synapse(draw, final)) is not None:
        raise StateOverflowError(
            f"{lost} has left the range of numbers by {final.step * dt:g} ms (backend {backend!r})",
            fix="bound it in the rule, as clip(w, w_min, w_max) does; what was recorded is in the error's recording",
            recording=recording,
        )
    return recording


def _odd_synapse(draw: Draw, state: State) -> str | None:
    """The first variable of a plastic synapse that is no number any more, and its neurons."""
    for name, values in {"w": state.w, **state.traces}.items():
        odd = np.flatnonzero(~np.isfinite(values))
        if odd.size:
            rows = draw.plastic
            return f"{name} of the synapse from neuron {rows.source[odd[0]]} to neuron {rows.target[odd[0]]}"
    return None


def _cut(fired: Fired, piece: Drive, samples: int) -> Fired:
    """What belongs to whole samples of a piece that ended early."""
    steps, neurons, traces = fired
    end = samples * piece.hold_steps
    early = steps < end
    return steps[early], neurons[early], {k: v[:end] for k, v in traces.items()}


def _joined(parts: list[Any]) -> Any:
    """One array of all; a single one as it is."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _check(draw: Any, stimulus: Any, state: Any) -> State | None:
    """Refuse what cannot be run; return the state to begin with, if one is given."""
    if not isinstance(draw, Draw):
        raise HeteroError(
            f"simulate takes a draw, got {type(draw).__name__}: call hetero_rsnn.draw(network, seed) first"
        )
    if not isinstance(stimulus, Stimulus | Stream):
        raise no_stimulus(stimulus)
    if not isinstance(state, State | Recording | None):
        raise HeteroError(
            f"state must be a Recording or its state, got {type(state).__name__}: give what simulate returned"
        )
    if not isinstance(state, Recording):
        return state
    check_same_draw(draw, state)
    return state.state


def _recorded(record: Any, neurons: ArrayLike | None, n: int) -> tuple[tuple[str, ...], Ints]:
    """Names of the recorded variables, and indices of the recorded neurons."""
    if not isinstance(record, str | Sequence):
        raise HeteroError(f"record must be names of state variables such as ['v'], got {record!r}")
    names = (record,) if isinstance(record, str) else tuple(record)
    return names, _chosen(neurons, n) if names else np.empty(0, dtype=np.int64)


def _provenance(draw: Draw, stimulus: Stimulus | Stream, plasticity: bool, engine: Engine) -> dict[str, Any]:
    return {
        "network": draw.network.name,
        "fingerprint": draw.network.fingerprint,
        "seed": draw.seed,
        "backend": engine.label,
        "precision": engine.precision,
        "plasticity": bool(plasticity and len(draw.plastic)),
        "stimulus": dict(stimulus.description),
        **({"damage": list(draw.damage)} if draw.damage else {}),
        **({"arrays": draw.network.arrays.fingerprint} if draw.network.arrays is not None else {}),
        "versions": versions(),
    }


def _chosen(neurons: ArrayLike | None, n: int) -> Ints:
    """Indices of the recorded neurons. A mask is refused: as numbers it would mean neurons 0 and 1."""
    if neurons is None:
        return np.arange(n)
    given = checks.plain_array("record_neurons", neurons)
    if given.size and given.dtype.kind not in "biuf":
        got = f"an array of {given.dtype}" if given.ndim else repr(neurons)
        raise HeteroError(f"record_neurons must be whole numbers, got {got}", fix="give indices such as [0, 1]")
    given = given[None] if given.ndim == 0 else given
    index = checks.whole_array("record_neurons", given, 1, axes=("neuron",))
    if index.min() < 0 or index.max() >= n:
        raise HeteroError(f"record_neurons must be in 0..{n - 1}, got {index.min()}..{index.max()}")
    return index
