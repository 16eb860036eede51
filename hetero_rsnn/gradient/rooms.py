"""Room for arrays with lanes: at the beginning of a line of the cache, and used again where it is large.

Memory that is new to a process comes page by page as it is first touched, which for a tape takes as long as a third of
writing it; and a vector that lies across two lines of the cache is read twice. An array from here holds its room for as
long as it, or a view of it, is alive; then the next one may have it.
"""

from __future__ import annotations

import math
import os
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.types import Array

_LINE = 64
#: Bytes below which nothing is kept, and that are kept in all.
_SMALL, _MOST = 2**16, 2**26

#: Rooms without an array, by their size. All that is done with it is done at once: the end of an array may come at any
#: moment, on any thread.
_free: dict[int, deque[NDArray[np.uint8]]] = {}


class _Lent:
    """What arrays in a room hold on to."""

    def __init__(self, buffer: NDArray[np.uint8]) -> None:
        self.buffer = buffer
        self.__array_interface__ = buffer.__array_interface__

    def __del__(self) -> None:
        size = self.buffer.size
        if size + sum(each * len(rooms) for each, rooms in tuple(_free.items())) > _MOST:
            _free.clear()
        if size <= _MOST:
            _free.setdefault(size, deque()).append(self.buffer)


def room(shape: tuple[int, ...], real: Any) -> Array:
    """An array of any content."""
    size = math.prod(shape) * np.dtype(real).itemsize
    if size < _SMALL:
        return np.asarray(_aligned(size).view(real).reshape(shape))
    # In steps of at most an eighth, so that batches of nearly one length share their rooms.
    step = 1 << (size.bit_length() - 4)
    rounded = -(-size // step) * step
    try:
        buffer = _free[rounded].pop()
    except (KeyError, IndexError):
        buffer = _aligned(rounded)
    lent: Array = np.asarray(_Lent(buffer))[:size].view(real)
    return lent.reshape(shape)


def cleared(shape: tuple[int, ...], real: Any) -> Array:
    """An array of zeros."""
    out = room(shape, real)
    out.fill(0)
    return out


def _aligned(size: int) -> NDArray[np.uint8]:
    whole = np.empty(size + _LINE, np.uint8)
    return whole[-whole.ctypes.data % _LINE :][:size]


if hasattr(os, "register_at_fork"):
    # What a child touches it would have to copy: it begins with none.
    os.register_at_fork(after_in_child=_free.clear)
