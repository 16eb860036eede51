"""What a simulation would take in memory, estimated before it begins."""

from __future__ import annotations

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.network.definition import Network
from hetero_rsnn.simulation.engine import Engine

#: Bytes of a step: of the fast kernel for each neuron, which may fire in every one, and of the others.
_SPIKE, _STEP = 8.0, 16.0
#: Bytes of a recorded number, which is copied once as pieces are joined.
_RECORDED = 16.0


def check_hold(net: Network, hold: float, engine: Engine) -> None:
    """Refuse samples of more steps than there is memory for: a sample is run in one go.

    Raises
    ------
    StimulusError
        Naming what it would take, what there is, and what to lower.
    """
    steps = hold / net.dt
    memory.fits(
        f"a sample of {hold:g} ms, which is {steps:.6g} steps of {net.dt:g} ms for {net.n} neurons,",
        steps * (_SPIKE * net.n if engine.backend == "fast" else _STEP),
        "lower hold, or cut it into several samples of the same value",
        error=StimulusError,
    )


def check_traces(names: tuple[str, ...], neurons: int, steps: float) -> None:
    """Refuse to record more variables of more neurons over more steps than there is memory for.

    Raises
    ------
    HeteroError
        As `check_hold`.
    """
    memory.fits(
        f"recording {', '.join(names)} of {neurons} neurons over {steps:.6g} steps",
        _RECORDED * len(names) * neurons * steps,
        "record fewer neurons with record_neurons=..., or simulate in parts with state=...",
        error=HeteroError,
    )
