"""The table of backends: how each is prepared for a draw. Each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable

from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.mirror import check_equations
from hetero_rsnn.simulation.continuing import check_state
from hetero_rsnn.simulation.engine import Backend, Engine
from hetero_rsnn.simulation.neurons import initial_state
from hetero_rsnn.simulation.recording import State

#: What the kernels know of a neuron.
_VARIABLES = ("v", "I_syn")


def _begin(draw: Draw, state: State | None) -> State:
    """Where a kernel starts, for a network whose equations it mirrors."""
    check_equations(draw.network)
    begin = state or initial_state(draw)
    check_state(draw, begin, _VARIABLES)
    return begin


def _fast(draw: Draw, state: State | None, learn: bool, engine: Engine) -> Backend:
    begin = _begin(draw, state)
    from hetero_rsnn.simulation.fast import FastBackend

    return FastBackend(draw, begin, learn, engine.precision)


def _numpy(draw: Draw, state: State | None, learn: bool, _engine: Engine) -> Backend:
    begin = _begin(draw, state)
    from hetero_rsnn.simulation.vectorised import NumpyBackend

    return NumpyBackend(draw, begin, learn)


def _brian2(draw: Draw, state: State | None, learn: bool, engine: Engine) -> Backend:
    from hetero_rsnn.simulation import brian

    fresh = brian.initial_state(draw)
    begin = state or fresh
    variables = tuple(fresh.variables)
    check_state(draw, begin, variables)
    return brian.BrianBackend(draw, begin, learn, engine.codegen_target, variables)


#: Name -> what prepares it for a draw, from a state (None: the beginning), learning or not.
FACTORIES: dict[str, Callable[[Draw, State | None, bool, Engine], Backend]] = {
    "fast": _fast,
    "numpy": _numpy,
    "brian2": _brian2,
}


def prepare_backend(draw: Draw, state: State | None, learn: bool, engine: Engine) -> Backend:
    """The backend of an engine, ready to run.

    Raises
    ------
    EquationMismatchError
        If a kernel does not mirror the network's equations.
    HeteroError
        If the state does not belong to the draw.
    """
    return FACTORIES[engine.backend](draw, state, learn and len(draw.plastic) > 0, engine)
