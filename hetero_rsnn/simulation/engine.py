"""What runs a network: the choice that a user makes, and what every backend can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.network.draw import PRECISIONS
from hetero_rsnn.simulation.drive import Drive
from hetero_rsnn.simulation.recording import State

BACKENDS = ("fast", "numpy", "brian2")
#: Brian2's code generation. Compiled ones need a C++ compiler; the first cython run compiles for 10-45 s.
CODEGEN_TARGETS = ("numpy", "cython", "cpp_standalone")


@dataclass(frozen=True)
class Engine:
    """A backend with its options; one that cannot be is refused as it is made.

    Attributes
    ----------
    backend : {"fast", "numpy", "brian2"}
    precision : {"double", "single"}
        Single is for the fast backend only.
    codegen_target : {"numpy", "cython", "cpp_standalone"}
        Brian2's; another than numpy is for that backend only.

    Raises
    ------
    HeteroError
        If a word is unknown, or the backend has no such precision or generates no code.
    """

    backend: str = "fast"
    precision: str = "double"
    codegen_target: str = "numpy"

    def __post_init__(self) -> None:
        checks.one_of("backend", self.backend, BACKENDS)
        checks.one_of("precision", self.precision, tuple(PRECISIONS))
        checks.one_of("codegen_target", self.codegen_target, CODEGEN_TARGETS)
        if self.codegen_target != "numpy" and self.backend != "brian2":
            raise HeteroError(
                f"codegen_target={self.codegen_target!r} is for backend='brian2' only, not {self.backend!r}: "
                "leave one of them away"
            )
        if self.precision != "double" and self.backend != "fast":
            raise HeteroError(
                f"precision={self.precision!r} is for backend='fast' only, not {self.backend!r}: leave one of them away"
            )

    @property
    def threads(self) -> bool:
        """Whether runs gain from threads: only the compiled kernel lets others run beside it."""
        return self.backend == "fast"

    @property
    def options(self) -> dict[str, Any]:
        """What `simulate` takes."""
        return {"backend": self.backend, "precision": self.precision, "codegen_target": self.codegen_target}

    @property
    def label(self) -> str:
        """How a recording's provenance calls it."""
        return self.backend if self.backend != "brian2" else f"brian2 ({self.codegen_target})"


#: What runs a network unless told otherwise.
DEFAULT = Engine()

#: Steps of the spikes (from the start of the piece), the neurons that fired, recorded variables by name.
Fired = tuple[Ints, NDArray[np.int32], dict[str, Array]]


class LeftNumbers(Exception):
    """A backend has stopped in a step after which a state variable is no finite number."""

    def __init__(self, variable: str, neuron: int, step: int, fired: Fired) -> None:
        super().__init__(f"{variable} of neuron {neuron} in step {step}")
        self.variable, self.neuron, self.step, self.fired = variable, neuron, step, fired


class Backend(Protocol):
    """One draw, ready to be advanced.

    Attributes
    ----------
    begin : State
        Where it starts.
    variables : tuple of str
        State variables that it can record.
    timings : dict of str to float
        Seconds so far: ``"compile"`` and ``"run"``.
    """

    begin: State
    variables: tuple[str, ...]
    timings: dict[str, float]

    def run(self, drive: Drive, record: Ints, names: tuple[str, ...] = ()) -> Fired:
        """Advance by a piece of input; record the named variables of some neurons at the beginning of each step."""

    def state(self) -> State:
        """State after the last run."""
