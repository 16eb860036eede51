"""Products of spikes with 1-bit weights.

Spikes are 0 or 1 and weights +1 or -1, so the product of a row is twice the bits that both have in common, minus the
spikes in all: AND, not XNOR. Weights lie in panels (outputs / 16, words, 16), so that sixteen outputs take the same
word of spikes at once and nothing is summed across lanes. Rows share what is read of the weights.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, assignment, var-annotated"
from __future__ import annotations

import numpy as np
from numba import njit

from hetero_rsnn.common.compiled import wide_vectors
from hetero_rsnn.gradient.lanes import element, load, store
from hetero_rsnn.gradient.layout import LANES
from hetero_rsnn.gradient.packed.table import GROUP, ROWS
from hetero_rsnn.gradient.packed.vectors import add_common, bits_of, load_words, no_words, sums, word_of
from hetero_rsnn.gradient.packed.words import WORD


@njit(nogil=True, error_model="numpy", cache=True)
def one_row(row, at, words, spikes, weights, first, panels, out, to):
    """Products of one row of words (from `at`) with all panels (from `first`), as float32 from ``out[to]`` on."""
    wide_vectors()
    size = words * LANES
    p = 0
    while p + 4 <= panels:
        a, b, c, d = no_words(), no_words(), no_words(), no_words()
        place = first + p * size
        for k in range(words):
            x = element(row, at + k)
            a = add_common(a, load_words(weights, place), x)
            b = add_common(b, load_words(weights, place + size), x)
            c = add_common(c, load_words(weights, place + 2 * size), x)
            d = add_common(d, load_words(weights, place + 3 * size), x)
            place += LANES
        store(out, to + p * LANES, sums(a, spikes))
        store(out, to + (p + 1) * LANES, sums(b, spikes))
        store(out, to + (p + 2) * LANES, sums(c, spikes))
        store(out, to + (p + 3) * LANES, sums(d, spikes))
        p += 4
    while p < panels:
        a = no_words()
        place = first + p * size
        for k in range(words):
            a = add_common(a, load_words(weights, place), element(row, at + k))
            place += LANES
        store(out, to + p * LANES, sums(a, spikes))
        p += 1


@njit(nogil=True, error_model="numpy", cache=True)
def many_rows(rows, at, count, words, spikes, weights, first, panels, out, to, step):
    """The same for a multiple of four rows of words that follow one another; results of the next begin `step` further.

    Two panels stay in the nearest cache while all rows pass by.
    """
    wide_vectors()
    size = words * LANES
    p = 0
    while p + 2 <= panels:
        for r in range(0, count, GROUP):
            a, b, c, d = no_words(), no_words(), no_words(), no_words()
            e, f, g, h = no_words(), no_words(), no_words(), no_words()
            place = first + p * size
            from_ = at + r * words
            for k in range(from_, from_ + words):
                one, two = load_words(weights, place), load_words(weights, place + size)
                x = element(rows, k)
                a, e = add_common(a, one, x), add_common(e, two, x)
                x = element(rows, k + words)
                b, f = add_common(b, one, x), add_common(f, two, x)
                x = element(rows, k + 2 * words)
                c, g = add_common(c, one, x), add_common(g, two, x)
                x = element(rows, k + 3 * words)
                d, h = add_common(d, one, x), add_common(h, two, x)
                place += LANES
            here = to + r * step + p * LANES
            store(out, here, sums(a, spikes[r]))
            store(out, here + LANES, sums(e, spikes[r]))
            store(out, here + step, sums(b, spikes[r + 1]))
            store(out, here + step + LANES, sums(f, spikes[r + 1]))
            store(out, here + 2 * step, sums(c, spikes[r + 2]))
            store(out, here + 2 * step + LANES, sums(g, spikes[r + 2]))
            store(out, here + 3 * step, sums(d, spikes[r + 3]))
            store(out, here + 3 * step + LANES, sums(h, spikes[r + 3]))
        p += 2
    if p < panels:
        for r in range(0, count, GROUP):
            a, b, c, d = no_words(), no_words(), no_words(), no_words()
            place = first + p * size
            from_ = at + r * words
            for k in range(from_, from_ + words):
                one = load_words(weights, place)
                a = add_common(a, one, element(rows, k))
                b = add_common(b, one, element(rows, k + words))
                c = add_common(c, one, element(rows, k + 2 * words))
                d = add_common(d, one, element(rows, k + 3 * words))
                place += LANES
            here = to + r * step + p * LANES
            store(out, here, sums(a, spikes[r]))
            store(out, here + step, sums(b, spikes[r + 1]))
            store(out, here + 2 * step, sums(c, spikes[r + 2]))
            store(out, here + 3 * step, sums(d, spikes[r + 3]))


@njit(nogil=True, error_model="numpy", cache=True)
def pack_row(numbers, at, count, words, to):
    """Pack numbers above 0 from ``numbers[at]`` on as bits from ``words[to]`` on; return how many they are."""
    wide_vectors()
    zero = np.float32(0.0)
    total, whole = 0, count // WORD
    for k in range(whole):
        a = load(numbers, at) > zero
        b = load(numbers, at + LANES) > zero
        c = load(numbers, at + 2 * LANES) > zero
        d = load(numbers, at + 3 * LANES) > zero
        word = word_of(a, b, c, d)
        words[to + k] = word
        total += bits_of(word)
        at += WORD
    if whole * WORD < count:
        word = np.uint64(0)
        for b in range(count - whole * WORD):
            word |= np.uint64(element(numbers, at + b) > zero) << np.uint64(b)
        words[to + whole] = word
        total += bits_of(word)
    return total


@njit(nogil=True, error_model="numpy", cache=True)
def multiply(spikes, weights, out):
    """Product of spikes (rows, inputs; 0 or 1 as float32) with panels of 1-bit weights, packing included.

    `out` (rows, 16 panels) is of float32; lanes behind the last output get what weights of -1 give.
    """
    rows, n = spikes.shape
    panels, words = weights.shape[0], weights.shape[1]
    step = panels * LANES
    packed = np.empty(min(rows, ROWS) * words, np.uint64)
    m = 0
    if rows >= GROUP:
        totals = np.empty(ROWS, np.int64)
        while m + GROUP <= rows:
            together = min(ROWS, (rows - m) // GROUP * GROUP)
            for r in range(together):
                totals[r] = pack_row(spikes, (m + r) * n, n, packed, r * words)
            many_rows(packed, 0, together, words, totals, weights, 0, panels, out, m * step, step)
            m += together
    while m < rows:
        one_row(packed, 0, words, pack_row(spikes, m * n, n, packed, 0), weights, 0, panels, out, m * step)
        m += 1
