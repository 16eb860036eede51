"""What compiled code of several packages shares."""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
from __future__ import annotations

import logging
import multiprocessing
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np
from numba import config, types
from numba.core import event
from numba.extending import intrinsic, overload

logger = logging.getLogger("hetero_rsnn")

#: Whether numba compiles. Told not to (NUMBA_DISABLE_JIT), it leaves functions that cannot run.
COMPILED = not config.DISABLE_JIT  # type: ignore[attr-defined]


def real(x: Any, like: Any) -> Any:
    """The number `x` in the precision of the array `like`: numba turns a float32 with a literal into float64."""
    return like.dtype.type(x)


@overload(real, inline="always")
def _real_compiled(x, like):
    if like.dtype == types.float32:
        return lambda x, like: np.float32(x)
    return lambda x, like: np.float64(x)


@intrinsic
def wide_vectors(typing: Any) -> Any:
    """Let the compiler use the widest vectors of the processor: it is shy of 512 bits, which are a quarter faster here.

    llvmlite has no call for this attribute of a function, whose attributes are a set of words.
    """

    def codegen(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


#: Modules whose compiling is worth a word: what it compiles, and how long that takes on one core.
_SLOW = {
    "hetero_rsnn.simulation.kernels": "the kernel of simulations once, about 10 s",
    "hetero_rsnn.gradient.adjoint": "the kernel of gradients once, about 5 s",
    "hetero_rsnn.gradient.packed.execution": "the kernel of packed networks once, some seconds",
    "hetero_rsnn.control.scan": "the kernel of actors once, some seconds",
}


class Compilations(event.Listener):
    """Hears of every function that numba compiles, which it does not do where its cache on disk has the function.

    Before the first slow one of a module, one line says so, as a warning of the logger ``hetero_rsnn``: Python writes
    it to standard error, also in notebooks, unless somebody set that logger otherwise. Worker processes say nothing.

    Attributes
    ----------
    functions : list of str
        Those of this package that were compiled in this process; what they compile on their way is not among them.
    """

    def __init__(self) -> None:
        self.functions: list[str] = []
        self._depth = 0
        self._told: set[str] = set()

    def on_start(self, found: Any) -> None:
        """Numba holds a lock here, so that no two threads compile at a time."""
        function = found.data["dispatcher"].py_func
        self._depth += 1
        if self._depth > 1 or not function.__module__.startswith("hetero_rsnn."):
            return
        self.functions.append(f"{function.__module__}.{function.__qualname__}")
        if function.__module__ in _SLOW and function.__module__ not in self._told:
            self._told.add(function.__module__)
            if multiprocessing.parent_process() is None:
                logger.warning("compiling %s", _SLOW[function.__module__])

    def on_end(self, found: Any) -> None:
        """An error in between ends an event too."""
        self._depth -= 1


COMPILATIONS = Compilations()
event.register("numba:compile", COMPILATIONS)


def cache_folder(function: Any) -> Path:
    """Where numba keeps what it compiles of a function."""
    return Path(function.stats.cache_path)


def processor() -> str:
    """The processor that functions are compiled for, as the compiler calls it; the cache keeps others apart."""
    return str(llvmlite.binding.get_host_cpu_name())
