"""One function behind which the three backends stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common.errors import HeteroError, StimulusError, suggest
from hetero_rsnn.common.types import Ints
from hetero_rsnn.common.versions import versions
from hetero_rsnn.inputs.stimulus import Stimulus, Stream
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.backends import prepare_backend
from hetero_rsnn.simulation.continuing import check_same_draw
from hetero_rsnn.simulation.drive import no_stimulus, prepare
from hetero_rsnn.simulation.engine import Engine
from hetero_rsnn.simulation.recording import Recording, State, concatenate

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
        All three give the same spikes. ``"fast"`` and ``"numpy"`` mirror the equations of the model 'lif_stdp' and
        refuse others; ``"brian2"`` runs any.
    precision : {"double", "single"}
        Single precision is faster and smaller, and for ``backend="fast"`` only. A network is chaotic: its spikes part
        from those in double precision soon, while rates, weights, C and E stay the same on average.
    plasticity : bool
        False freezes the weights. A frozen phase forgets the traces of STDP: pairs do not form across it.
    record : sequence of str
        State variables to record at the beginning of every step: ``"v"``, ``"I_syn"`` (any variable with ``"brian2"``).
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
    EquationMismatchError
        If the kernel does not mirror the network's equations.
    StimulusError
        If the stimulus does not fit the network.

    Notes
    -----
    Exponential Euler on a grid; inside a step Brian2's order: state update, threshold, synapses (all pre-events, then
    all post-events), reset. A spike at step k has the time ``k * dt``.
    """
    engine = Engine(backend, precision, codegen_target)
    begin = _check(draw, stimulus, state)
    names, neurons = _recorded(record, record_neurons, draw.n)
    runner = prepare_backend(draw, begin, plasticity, engine)
    for name in names:
        if name not in runner.variables:
            raise HeteroError(f"cannot record {name!r}{suggest(name, runner.variables)}")
    about = _provenance(draw, stimulus, plasticity, engine)
    parts = []
    for piece in stimulus.pieces(max(1, _PIECE // draw.n)):
        steps, fired, traces = runner.run(prepare(draw, piece), neurons, names)
        parts.append(
            Recording(
                spike_times=np.asarray(steps * draw.network.dt, dtype=np.float64),
                spike_neurons=fired,
                n=draw.n,
                samples=len(piece),
                hold=piece.hold,
                dt=draw.network.dt,
                t_start=runner.begin.step * draw.network.dt,
                weights=runner.begin.w,
                state=runner.begin,
                traces={k: traces[k] for k in names},
                trace_neurons=neurons,
                provenance=about,
            )
        )
    if not parts:
        raise StimulusError("the stimulus is empty: it needs at least one sample")
    final = runner.state()
    if not plasticity:
        final = replace(final, traces={k: np.zeros_like(v) for k, v in final.traces.items()})
    return replace(concatenate(parts), state=final, weights=final.w, timings=dict(runner.timings))


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
        "versions": versions(),
    }


def _chosen(neurons: ArrayLike | None, n: int) -> Ints:
    """Indices of the recorded neurons. A mask is refused: as numbers it would mean neurons 0 and 1."""
    if neurons is None:
        return np.arange(n)
    index = np.atleast_1d(np.asarray(neurons))
    if index.ndim != 1 or index.size == 0 or not np.issubdtype(index.dtype, np.integer):
        raise HeteroError(
            f"record_neurons must be one or more whole numbers, got {neurons!r}: give indices such as [0, 1]"
        )
    if index.min() < 0 or index.max() >= n:
        raise HeteroError(f"record_neurons must be in 0..{n - 1}, got {index.min()}..{index.max()}")
    return index.astype(np.int64)
