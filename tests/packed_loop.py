"""A packed network as a plain loop over float32 arrays of numpy: what compiled code must give, bit for bit."""

from __future__ import annotations

import numpy as np

from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    FullConv,
    FullLinear,
    PackedConv,
    PackedLinear,
    Shortcut,
    SpikingNeurons,
)


def summed(rows, weight, bias):
    """Sums in double precision, input by input."""
    total = np.broadcast_to(bias.astype(np.float64), (len(rows), len(weight))).copy()
    for k in range(rows.shape[1]):
        total += rows[:, k : k + 1].astype(np.float64) * weight[:, k].astype(np.float64)
    return total.astype(np.float32)


def patches(x, width, stride):
    """What a kernel sees around each pixel, place by place: shape (samples, height, width, inputs)."""
    n, c, high, wide = x.shape
    pad = width // 2
    around = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((n, -(-high // stride), -(-wide // stride), width * width * c), np.float32)
    for i, j in np.ndindex(*out.shape[1:3]):
        there = around[:, :, i * stride :, j * stride :][:, :, :width, :width]
        out[:, i, j] = there.transpose(0, 2, 3, 1).reshape(n, -1)
    return out


def pooled(x, width):
    out = np.zeros((*x.shape[:2], -(-x.shape[2] // width), -(-x.shape[3] // width)), np.float32)
    for y in range(out.shape[2]):
        for x_ in range(out.shape[3]):
            there = x[:, :, y * width :, x_ * width :][:, :, :width, :width]
            total = np.zeros(x.shape[:2], np.float32)
            for i, j in np.ndindex(*there.shape[2:]):
                total += there[:, :, i, j]
            out[:, :, y, x_] = total / np.float32(there.shape[2] * there.shape[3])
    return out


def apply(layer, x):
    """A layer without memory."""
    if isinstance(layer, AveragePool):
        return pooled(x, layer.width)
    weight = layer.signs() if isinstance(layer, PackedLinear | PackedConv) else layer.weight
    if isinstance(layer, PackedLinear | FullLinear):
        image = x.reshape(*x.shape, *[1] * (4 - x.ndim))
        seen = image.transpose(0, 2, 3, 1).reshape(len(x), 1, 1, -1)
        weight = weight.reshape(len(weight), *image.shape[1:])
    else:
        seen = patches(x, layer.width, layer.stride)
    rows, columns = seen.reshape(-1, seen.shape[-1]), weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)
    if isinstance(layer, FullLinear | FullConv):
        out = summed(rows, columns, layer.bias)
    else:
        out = layer.scale * (rows.astype(np.float64) @ columns.T.astype(np.float64)).astype(np.float32) + layer.offset
    out = out.reshape(*seen.shape[:3], -1).transpose(0, 3, 1, 2)
    return out.reshape(len(x), -1) if isinstance(layer, PackedLinear | FullLinear) else out


def run(network, x, steps):
    """Outputs of each step."""
    x = np.asarray(x, np.float32)
    held = x.ndim == len(network.shape) + 1
    u, out = {}, []
    for t in range(steps):
        given = value = x if held else x[t]
        after = []
        for k, layer in enumerate(network.layers):
            if isinstance(layer, SpikingNeurons):
                before = u.get(k, np.broadcast_to(layer.start, value.shape))
                product = (before * layer.leak).astype(np.float32)
                v = (product + (value + layer.bias)).astype(np.float32)
                fired = v >= layer.threshold if layer.ties == "fire" else v > layer.threshold
                reset = np.float32(0) if layer.reset == "hard" else v - layer.threshold
                u[k] = np.where(fired, reset, v)
                value = fired.astype(np.float32) * np.float32(layer.amplitude)
            elif isinstance(layer, Shortcut):
                other = given if layer.source < 0 else after[layer.source]
                for part in layer.path:
                    other = apply(part, other)
                value = value + other
            else:
                value = apply(layer, value)
            after.append(value)
        out.append(value)
    return np.stack(out)
