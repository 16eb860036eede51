"""Samples in lanes and back, against plain indexing."""

from __future__ import annotations

import numpy as np
import pytest

from hetero_rsnn.gradient.layout import LANES
from hetero_rsnn.gradient.packing import TOGETHER, pack, product, unpack


@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_samples_of_any_lengths_go_into_lanes_and_back(real):
    rng = np.random.default_rng(0)
    count = np.array([7, 5, 5, 1] + [0] * (LANES - 4))
    first = np.cumsum(count) - count
    rows, shift = rng.normal(size=(18, 5)), rng.normal(size=5)
    lanes = np.empty((7, 5, LANES), real)
    pack(rows, first, count, shift, -3.0, lanes)
    for b in range(LANES):
        np.testing.assert_array_equal(lanes[: count[b], :, b], (rows[first[b] :][: count[b]] + shift).astype(real))
        assert (lanes[count[b] :, :, b] == -3.0).all()
    back = np.zeros((20, 5), real)
    unpack(lanes, first, count, back)
    np.testing.assert_array_equal(back[:18], (rows + shift).astype(real))
    assert not back[18:].any()


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("tiles", [1, 3])
def test_a_product_sums_over_inputs_and_lanes(real, tiles):
    rng = np.random.default_rng(1)
    into = rng.normal(size=(11, 6, LANES)).astype(real)
    given = rng.normal(size=(11, tiles * TOGETHER, LANES))
    out = np.empty((6, tiles * TOGETHER))
    product(into.ravel(), given.ravel(), 11, tiles * TOGETHER, out)
    np.testing.assert_allclose(out, np.einsum("kib,kjb->ij", into.astype(np.float64), given), rtol=1e-12)
