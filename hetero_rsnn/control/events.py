"""Products with arrays that hold few spikes, by going from spike to spike (compiled).

Where one neuron in ten fires, this takes a third of the time of a product with all its zeros.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, assignment, var-annotated"
from __future__ import annotations

import numpy as np
from numba import njit

from hetero_rsnn.common.compiled import wide_vectors


@njit(nogil=True, error_model="numpy", cache=True)
def by_row(spikes, count):
    """Where the `count` spikes of an array (rows, n) are: beginnings of rows (rows + 1,), and columns (count + 1,)."""
    rows, n = spikes.shape
    first, column, k = np.empty(rows + 1, np.int64), np.empty(count + 1, np.int32), 0
    for r in range(rows):
        first[r] = k
        row = spikes[r]
        for i in range(n):
            column[k] = i  # written again unless there is a spike: faster than to ask
            k += row[i] > 0
    first[rows] = k
    return first, column


@njit(nogil=True, error_model="numpy", cache=True)
def by_column(first, column, n):
    """The same spikes by column: beginnings of columns (n + 1,), and rows (count,), which rise within a column."""
    start, rows = np.zeros(n + 1, np.int64), np.empty(first[-1], np.int32)
    for k in range(first[-1]):
        start[column[k] + 1] += 1
    for i in range(n):
        start[i + 1] += start[i]
    at = start[:-1].copy()
    for r in range(first.size - 1):
        for k in range(first[r], first[r + 1]):
            i = column[k]
            rows[at[i]] = r
            at[i] += 1
    return start, rows


@njit(nogil=True, error_model="numpy", cache=True)
def gather(first, index, values, begin, out):
    """``out[r]`` becomes `begin` plus the sum of ``values[i]`` over what is listed of r.

    Four at a time, so that the sum is read and written once for four.
    """
    wide_vectors()
    rows, n = out.shape
    for r in range(rows):
        total, k, end = out[r], first[r], first[r + 1]
        for j in range(n):
            total[j] = begin[j]
        while k + 4 <= end:
            a, b, c, d = values[index[k]], values[index[k + 1]], values[index[k + 2]], values[index[k + 3]]
            for j in range(n):
                total[j] += (a[j] + b[j]) + (c[j] + d[j])
            k += 4
        while k < end:
            a = values[index[k]]
            for j in range(n):
                total[j] += a[j]
            k += 1
