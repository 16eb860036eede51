"""What compiled code of several packages shares."""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import config, types
from numba.extending import intrinsic, overload

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
