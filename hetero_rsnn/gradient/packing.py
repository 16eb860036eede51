"""From samples that lie one after the other to lanes, and back; and what lanes add up to."""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, assignment, var-annotated"
from __future__ import annotations

import numpy as np
from numba import njit

from hetero_rsnn.common.compiled import real, wide_vectors
from hetero_rsnn.gradient.lanes import double, load, multiply_add, spread, store, total
from hetero_rsnn.gradient.layout import LANES

#: Columns that `product` works on at a time.
TOGETHER = 4


@njit(nogil=True, error_model="numpy", cache=True)
def pack(rows, first, count, shift, beyond, out):
    """Write samples into lanes, each number plus the `shift` of its column.

    Lane b of `out` (inputs, columns, LANES) takes ``count[b]`` of the `rows` (rows, columns) from ``first[b]`` on, and
    behind the last of them `beyond`.
    """
    for k in range(out.shape[0]):
        for b in range(LANES):
            if k >= count[b]:
                for i in range(out.shape[1]):
                    out[k, i, b] = beyond
            else:
                row = first[b] + k
                for i in range(out.shape[1]):
                    out[k, i, b] = real(rows[row, i] + shift[i], out)


@njit(nogil=True, error_model="numpy", cache=True)
def unpack(lanes, first, count, rows):
    """Write lanes (inputs, columns, LANES) into the samples' rows (rows, columns)."""
    for k in range(lanes.shape[0]):
        for b in range(LANES):
            if k < count[b]:
                row = first[b] + k
                for i in range(lanes.shape[1]):
                    rows[row, i] = lanes[k, i, b]


@njit(nogil=True, error_model="numpy", cache=True)
def product(into, given, inputs, columns, out):
    """Sum over inputs and lanes of ``into[input, i, lane] * given[input, j, lane]``, always in the same order.

    `into` and `given` are flat, the latter of float64 with a multiple of TOGETHER columns; `out` (n, columns).
    """
    wide_vectors()
    n = out.shape[0]
    zero, size = 0.0, TOGETHER * LANES
    part = np.empty(inputs * size)  # columns side by side: rows a power of two apart push each other out of the cache
    for j in range(0, columns, TOGETHER):
        for k in range(inputs):
            for m in range(0, size, LANES):
                store(part, k * size + m, load(given, (k * columns + j) * LANES + m))
        for i in range(n):
            a, b, c, d = spread(zero), spread(zero), spread(zero), spread(zero)
            for k in range(inputs):
                x, at = double(load(into, (k * n + i) * LANES)), k * size
                a = multiply_add(x, load(part, at), a)
                b = multiply_add(x, load(part, at + LANES), b)
                c = multiply_add(x, load(part, at + 2 * LANES), c)
                d = multiply_add(x, load(part, at + 3 * LANES), d)
            out[i, j], out[i, j + 1], out[i, j + 2], out[i, j + 3] = total(a), total(b), total(c), total(d)
