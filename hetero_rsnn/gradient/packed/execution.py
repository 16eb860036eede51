"""All steps of a packed network in one call of compiled code: a table says what is done with which numbers.

Between its layers a network that decides in microseconds would otherwise wait for Python. Numbers of a sample lie pixel
by pixel, its channels filled up to sixteen; spikes lie pixel by pixel, its channels filled up to whole words. What
samples share is read once for up to sixteen pixels or samples. No sum depends on how many samples there are.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, assignment, var-annotated"
from __future__ import annotations

import numpy as np
from numba import njit

from hetero_rsnn.common.compiled import wide_vectors
from hetero_rsnn.gradient.lanes import double, element, load, spread, store, where
from hetero_rsnn.gradient.layout import LANES
from hetero_rsnn.gradient.packed import table as t
from hetero_rsnn.gradient.packed.kernels import many_rows, one_row, pack_row
from hetero_rsnn.gradient.packed.vectors import bits_of, load_bits, single, store_bits


@njit(nogil=True, error_model="numpy", cache=True)
def execute(table, sizes, x, weights, numbers, floats, out):
    """Run a network over its steps.

    `table` (operations, FIELDS) and `sizes` are those of a program; `x` (steps or 1, batch, numbers) and `out` (steps,
    batch, numbers) are filled up as the values of a network are. With one step of `x`, it is the input of all steps.
    `floats` is room for values, potentials and what a kernel sees: ``(sizes[0] + sizes[2]) * batch + ROWS * sizes[4]``
    numbers.
    """
    steps, batch, last = out.shape
    first, second = sizes[0] * batch, (sizes[0] + sizes[2]) * batch
    values, states, some = floats[:first], floats[first:second], floats[second:]
    spikes = np.zeros(sizes[1] * batch, np.uint64)
    rows = np.empty(t.ROWS * sizes[3], np.uint64)
    totals = np.zeros(t.ROWS, np.int64)
    given, size = x.reshape(-1), x.shape[1] * x.shape[2]
    taken = out.reshape(-1)
    for now in range(steps):
        again = now > 0 and x.shape[0] == 1
        if not again:
            for i in range(size):
                values[i] = given[now * size + i]
        for k in range(table.shape[0]):
            op = table[k]
            kind = op[t.KIND]
            if again and op[t.ONCE]:
                continue
            if kind in (t.PRODUCT, t.FOLDED):
                _product(op, batch, spikes, values, weights, numbers, rows, totals, some)
            elif kind == t.FIRE:
                _fire(op, batch, now == 0, values, spikes, states, numbers)
            elif kind == t.FULL:
                _full(op, batch, values, numbers, some)
            elif kind == t.ADD:
                a, b, c = op[t.SOURCE] * batch, op[t.OTHER] * batch, op[t.TARGET] * batch
                for i in range(0, batch * op[t.OUT_ROWS] * op[t.OUT_COLUMNS] * op[t.PANELS] * LANES, LANES):
                    store(values, c + i, load(values, a + i) + load(values, b + i))
            elif kind == t.AVERAGE:
                _average(op, batch, values)
            elif kind == t.SPREAD:
                _spread_spikes(op, batch, spikes, values, numbers)
            elif kind == t.PACK:
                n, words = op[t.PANELS] * LANES, op[t.WIDTH]
                for p in range(batch * op[t.OUT_ROWS] * op[t.OUT_COLUMNS]):
                    pack_row(values, op[t.SOURCE] * batch + p * n, n, spikes, op[t.TARGET] * batch + p * words)
        first = table[-1, t.TARGET] * batch
        for i in range(batch * last):
            taken[now * batch * last + i] = values[first + i]


@njit(nogil=True, error_model="numpy", cache=True)
def _gather(source, at, high, wide, width, kernel, stride, y, x, out, to):
    """What a kernel sees around a pixel: `width` words or numbers of each place, 0 beyond the edges."""
    top, left = y * stride - kernel // 2, x * stride - kernel // 2
    before = max(-left, 0) * width
    after = (min(left + kernel, wide) - left) * width
    size = kernel * width
    for i in range(top, top + kernel):
        if 0 <= i < high:
            place = at + (i * wide + left) * width
            for k in range(before):
                out[to + k] = 0
            for k in range(before, after):  # places side by side lie so in memory too
                out[to + k] = element(source, place + k)
            for k in range(after, size):
                out[to + k] = 0
        else:
            for k in range(size):
                out[to + k] = 0
        to += size


@njit(nogil=True, error_model="numpy", cache=True)
def _product(op, batch, spikes, values, weights, numbers, rows, totals, some):
    """1-bit weights: sums, then scale and offset, or a comparison of the sum with a whole number."""
    panels, kernel, stride, width = op[t.PANELS], op[t.KERNEL], op[t.STRIDE], op[t.WIDTH]
    high, wide = op[t.OUT_ROWS], op[t.OUT_COLUMNS]
    words, step = kernel * kernel * width, panels * LANES
    count = batch * high * wide
    straight = kernel == 1 and stride == 1
    source, sample = op[t.SOURCE] * batch, op[t.ROWS_IN] * op[t.COLUMNS] * width
    folded = op[t.KIND] == t.FOLDED
    target, pieces = op[t.TARGET] * batch, 4 * -(-panels // 4)
    given = spikes if straight else rows
    m = 0
    while m < count:
        together = min(t.ROWS, (count - m) // t.GROUP * t.GROUP) if m + t.GROUP <= count else 1
        at = source + m * words
        for r in range(together):
            if not straight:
                at = 0
                b, pixel = divmod(m + r, high * wide)
                _gather(
                    spikes, source + b * sample, op[t.ROWS_IN], op[t.COLUMNS], width, kernel, stride, pixel // wide,
                    pixel % wide, rows, r * words,
                )  # fmt: skip
            total = 0
            for k in range(words):
                total += bits_of(element(given, at + r * words + k))
            totals[r] = total
        into = some if folded else values
        to = 0 if folded else target + m * step
        if together > 1:
            many_rows(given, at, together, words, totals, weights, op[t.WEIGHTS], panels, into, to, step)
        else:
            one_row(given, at, words, totals[0], weights, op[t.WEIGHTS], panels, into, to)
        if folded:
            _compare(some, together, panels, numbers, op[t.NUMBERS], spikes, 4 * target + m * pieces, pieces)
        else:
            _scaled(values, to, together, panels, numbers, op[t.NUMBERS])
        m += together


@njit(nogil=True, error_model="numpy", cache=True)
def _scaled(values, at, rows, panels, numbers, first):
    """Sums become currents."""
    wide_vectors()
    step = panels * LANES
    height = numbers[first + 2 * step]
    for r in range(rows):
        for i in range(0, step, LANES):
            n = load(values, at + r * step + i) * height
            store(values, at + r * step + i, n * load(numbers, first + i) + load(numbers, first + step + i))


@njit(nogil=True, error_model="numpy", cache=True)
def _compare(sums, rows, panels, numbers, first, spikes, piece, pieces):
    """Sums become spikes."""
    wide_vectors()
    step = panels * LANES
    for r in range(rows):
        for p in range(panels):
            i = p * LANES
            fired = load(sums, r * step + i) * load(numbers, first + i) >= load(numbers, first + step + i)
            store_bits(spikes, piece + r * pieces + p, fired)


@njit(nogil=True, error_model="numpy", cache=True)
def _fire(op, batch, begin, values, spikes, states, numbers):
    """Neurons: the product and every sum are rounded by themselves, as they are in training."""
    wide_vectors()
    panels, pixels = op[t.PANELS], op[t.OUT_ROWS] * op[t.OUT_COLUMNS]
    n, pieces = panels * LANES, 4 * -(-panels // 4)
    soft, ties = op[t.FLAGS] & t.SOFT, op[t.FLAGS] & t.TIES_FIRE
    own = op[t.PIXEL]  # 0 if all pixels share their numbers
    size = n if own == 0 else n * pixels
    leak = op[t.NUMBERS]
    threshold, start, bias = leak + size, leak + 2 * size, leak + 3 * size
    source, target, state = op[t.SOURCE] * batch, op[t.TARGET] * batch, op[t.STATE] * batch
    zero = spread(np.float32(0.0))
    for b in range(batch * pixels):
        shared = (b % pixels) * own
        for p in range(panels):
            i, j = b * n + p * LANES, shared + p * LANES
            x = load(values, source + i) + load(numbers, bias + j)
            u = load(numbers, start + j) if begin else load(states, state + i)
            v = u * load(numbers, leak + j) + x
            limit = load(numbers, threshold + j)
            fired = v >= limit if ties else v > limit
            store(states, state + i, where(fired, v - limit if soft else zero, v))
            store_bits(spikes, 4 * target + b * pieces + p, fired)


@njit(nogil=True, error_model="numpy", cache=True)
def _full(op, batch, values, numbers, some):
    """Weights in full precision: sums in double precision, in the order of the inputs."""
    panels, kernel, stride, width = op[t.PANELS], op[t.KERNEL], op[t.STRIDE], op[t.WIDTH]
    high, wide = op[t.OUT_ROWS], op[t.OUT_COLUMNS]
    inputs, step = kernel * kernel * width, panels * LANES
    straight = kernel == 1 and stride == 1
    source, sample = op[t.SOURCE] * batch, op[t.ROWS_IN] * op[t.COLUMNS] * width
    for m in range(batch * high * wide):
        at = source + m * inputs
        if not straight:
            b, pixel = divmod(m, high * wide)
            at = 0
            _gather(
                values, source + b * sample, op[t.ROWS_IN], op[t.COLUMNS], width, kernel, stride, pixel // wide,
                pixel % wide, some, 0,
            )  # fmt: skip
        _sum(
            values if straight else some, at, inputs, numbers, op[t.WEIGHTS], op[t.NUMBERS], panels, values,
            op[t.TARGET] * batch + m * step,
        )  # fmt: skip


@njit(nogil=True, error_model="numpy", cache=True)
def _sum(given, at, inputs, numbers, weights, bias, panels, out, to):
    """One row of numbers times weights in panels; four panels are not read for an input of 0."""
    wide_vectors()
    size = inputs * LANES
    p = 0
    while p + 4 <= panels:
        place, j = weights + p * size, bias + p * LANES
        a, b = double(load(numbers, j)), double(load(numbers, j + LANES))
        c, d = double(load(numbers, j + 2 * LANES)), double(load(numbers, j + 3 * LANES))
        for k in range(inputs):
            x = np.float64(element(given, at + k))
            if x != 0.0:
                w = place + k * LANES
                a = a + double(load(numbers, w)) * x
                b = b + double(load(numbers, w + size)) * x
                c = c + double(load(numbers, w + 2 * size)) * x
                d = d + double(load(numbers, w + 3 * size)) * x
        store(out, to + p * LANES, single(a))
        store(out, to + (p + 1) * LANES, single(b))
        store(out, to + (p + 2) * LANES, single(c))
        store(out, to + (p + 3) * LANES, single(d))
        p += 4
    while p < panels:
        a = double(load(numbers, bias + p * LANES))
        for k in range(inputs):
            a = a + double(load(numbers, weights + p * size + k * LANES)) * np.float64(element(given, at + k))
        store(out, to + p * LANES, single(a))
        p += 1


@njit(nogil=True, error_model="numpy", cache=True)
def _average(op, batch, values):
    """Averages over squares: sums row by row, then one division."""
    n, kernel = op[t.PANELS] * LANES, op[t.KERNEL]
    high, wide = op[t.ROWS_IN], op[t.COLUMNS]
    to = op[t.TARGET] * batch
    for b in range(batch):
        source = op[t.SOURCE] * batch + b * high * wide * n
        for y in range(0, high, kernel):
            for x in range(0, wide, kernel):
                bottom, right = min(y + kernel, high), min(x + kernel, wide)
                count = np.float32((bottom - y) * (right - x))
                for c in range(0, n, LANES):
                    total = spread(np.float32(0.0))
                    for i in range(y, bottom):
                        for j in range(x, right):
                            total = total + load(values, source + (i * wide + j) * n + c)
                    store(values, to + c, total / count)
                to += n


@njit(nogil=True, error_model="numpy", cache=True)
def _spread_spikes(op, batch, spikes, values, numbers):
    """Spikes become numbers, as high as they are."""
    panels = op[t.PANELS]
    pieces = 4 * -(-panels // 4)
    source, to = 4 * op[t.SOURCE] * batch, op[t.TARGET] * batch
    yes, no = spread(numbers[op[t.NUMBERS]]), spread(np.float32(0.0))
    for b in range(batch * op[t.OUT_ROWS] * op[t.OUT_COLUMNS]):
        for p in range(panels):
            store(values, to + (b * panels + p) * LANES, where(load_bits(spikes, source + b * pieces + p), yes, no))
