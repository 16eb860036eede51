"""The table of backends: how each is prepared for a draw. Each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hetero_rsnn.common.errors import EquationMismatchError
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.mirror import check_equations
from hetero_rsnn.simulation.continuing import check_state
from hetero_rsnn.simulation.engine import Backend, Engine
from hetero_rsnn.simulation.neurons import initial_state
from hetero_rsnn.simulation.recording import State

#: What the kernels know of a neuron.
_VARIABLES = ("v", "I_syn")

_only_generated: ContextVar[bool] = ContextVar("only_generated", default=False)


def _begin(draw: Draw, state: State | None) -> State:
    """Where a kernel starts, for a network whose equations it mirrors."""
    check_equations(draw.network)
    begin = state or initial_state(draw)
    check_state(draw, begin, _VARIABLES)
    return begin


def _generated(draw: Draw, state: State | None, learn: bool, engine: Engine) -> Backend:
    """A kernel made from the network's own equations."""
    from hetero_rsnn.simulation.generated.run import GeneratedBackend, initial_state
    from hetero_rsnn.simulation.generated.store import program_of

    program = program_of(draw.network)
    begin = state or initial_state(draw, program)
    check_state(draw, begin, tuple(program.states))
    return GeneratedBackend(draw, begin, learn, program, engine)


def has_kernel(network: Network) -> bool:
    """Whether the kernel written by hand mirrors the equations of a network."""
    if _only_generated.get():
        return False
    try:
        check_equations(network)
    except EquationMismatchError:
        return False
    return True


@contextmanager
def only_generated() -> Iterator[None]:
    """Leave the kernel written by hand aside, for tests and benchmarks: what it mirrors is generated too."""
    token = _only_generated.set(True)
    try:
        yield
    finally:
        _only_generated.reset(token)


def _fast(draw: Draw, state: State | None, learn: bool, engine: Engine) -> Backend:
    if not has_kernel(draw.network):
        return _generated(draw, state, learn, engine)
    begin = _begin(draw, state)
    from hetero_rsnn.simulation.fast import FastBackend

    return FastBackend(draw, begin, learn, engine.precision)


def _numpy(draw: Draw, state: State | None, learn: bool, engine: Engine) -> Backend:
    if not has_kernel(draw.network):
        return _generated(draw, state, learn, engine)
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
    follows = draw.network.follows_rule(learn) and len(draw.plastic) > 0
    return FACTORIES[engine.backend](draw, state, follows, engine)
