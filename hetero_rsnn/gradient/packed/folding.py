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
#: Sums that stay below do not overflow in float32, however they are rounded.
_FINITE = 2.0**126


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
        What one spike adds to a sum of signs: its height, or a quarter of it where squares are averaged.

    Returns
    -------
    direction, limit : ndarray of float32, shape (outputs,)
        Whole numbers; a limit of `NEVER` where no sum is enough.
    """
    most = _most(layer)
    fires = np.greater_equal if neurons.ties == "fire" else np.greater
    height = np.float32(amplitude)
    direction = np.where((layer.scale < 0) != (height < 0), np.float32(-1), np.float32(1))

    def fired(steps: NDArray[np.int64]) -> Any:
        """Whether sums of ``direction * steps`` are enough."""
        with np.errstate(over="ignore"):  # infinite is above every threshold, or below
            current = layer.scale * (height * (direction * steps.astype(np.float32))) + layer.offset
            return fires(current + bias, threshold)

    return direction, _first(fired, most, len(layer.scale)).astype(np.float32)


def stays_finite(layer: PackedLinear | PackedConv, neurons: SpikingNeurons, amplitude: float) -> bool:
    """Whether no potential can overflow: an infinite one is remembered even with a leak of 0, as no number.

    Parameters
    ----------
    layer : PackedLinear or PackedConv
    neurons : SpikingNeurons
        After it.
    amplitude : float
        Of the spikes before it.
    """
    scale, offset, bias = (float(np.abs(q).max(initial=0.0)) for q in (layer.scale, layer.offset, neurons.bias))
    most = abs(amplitude) * _most(layer)
    return most < _FINITE and scale * most + offset + bias < _FINITE


def _most(layer: PackedLinear | PackedConv) -> int:
    """The largest sum of signs."""
    return layer.inputs * layer.pool**2 * (layer.width**2 if isinstance(layer, PackedConv) else 1)


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
