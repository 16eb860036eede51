"""Thresholds of neurons without memory as whole numbers: a comparison in place of two products and sums.

What such a neuron compares with its threshold grows with the sum of signs, or falls with it where the scale is below 0,
since rounding keeps the order. So there is one sum from which on it fires. It is looked for among all whole numbers
that the sum can be, with the very operations of float32 that it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.gradient.packed.layers import PackedConv, PackedLinear, Singles, SpikingNeurons

#: A limit that no sum reaches.
NEVER = np.float32(2.0**25)


def limits(
    layer: PackedLinear | PackedConv, neurons: SpikingNeurons, threshold: Singles, bias: Singles, amplitude: float
) -> tuple[Singles, Singles]:
    """Direction and limit of each output: it fires where ``direction * sum >= limit``.

    Parameters
    ----------
    layer : PackedLinear or PackedConv
    neurons : SpikingNeurons
        Whose leak is 0.
    threshold, bias : ndarray, shape (outputs,)
    amplitude : float
        Height of the spikes that the layer takes.

    Returns
    -------
    direction, limit : ndarray of float32, shape (outputs,)
        Whole numbers; a limit of `NEVER` where no sum is enough.
    """
    most = layer.inputs * (layer.width**2 if isinstance(layer, PackedConv) else 1)
    fires = np.greater_equal if neurons.ties == "fire" else np.greater
    height = np.float32(amplitude)
    direction = np.where((layer.scale < 0) != (height < 0), np.float32(-1), np.float32(1))

    def fired(steps: NDArray[np.int64]) -> Any:
        """Whether sums of ``direction * steps`` are enough."""
        with np.errstate(over="ignore"):  # infinite is above every threshold, or below
            current = layer.scale * (height * (direction * steps.astype(np.float32))) + layer.offset
            return fires(current + bias, threshold)

    return direction, _first(fired, most, len(layer.scale)).astype(np.float32)


def _first(fired: Callable[[NDArray[np.int64]], Any], most: int, count: int) -> NDArray[np.int64]:
    """The smallest whole numbers from -most to most for which it is true, found by halving."""
    low, high = np.full(count, -most), np.full(count, most)
    some = fired(high)
    while (low < high).any():
        middle = (low + high) // 2
        enough = fired(middle)
        high = np.where(enough & some, middle, high)
        low = np.where(enough | ~some, low, np.minimum(middle + 1, high))
        low = np.where(some, low, high)
    return np.where(some, high, np.int64(NEVER))
