"""The operations of a packed network as rows of a table of whole numbers."""

from __future__ import annotations

#: What an operation does: 1-bit weights, the same with a folded threshold, neurons, weights in full precision, a sum of
#: two, averages, spikes as numbers, numbers above 0 as spikes.
PRODUCT, FOLDED, FIRE, FULL, ADD, AVERAGE, SPREAD, PACK = range(8)

#: Columns. Where a value begins is counted in what one sample takes; WIDTH is what one pixel of the source has, in
#: words or numbers; PANELS are the channels of the target, in units of 16.
(
    KIND, SOURCE, OTHER, TARGET, ROWS_IN, COLUMNS, WIDTH, OUT_ROWS, OUT_COLUMNS, PANELS, KERNEL, STRIDE, WEIGHTS,
    NUMBERS, STATE, FLAGS, PIXEL, ONCE,
) = range(18)  # fmt: skip
FIELDS = 18

#: Pixels or samples that are worked on in one instruction after the other, and those that weights are read once for.
GROUP, ROWS = 4, 16
#: Flags of neurons.
SOFT, TIES_FIRE = 1, 2
