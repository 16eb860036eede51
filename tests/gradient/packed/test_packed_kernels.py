"""Products of spikes with 1-bit weights, against products of float64."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hetero_rsnn.gradient.layout import LANES
from hetero_rsnn.gradient.packed.kernels import multiply
from hetero_rsnn.gradient.packed.program import panels
from hetero_rsnn.gradient.packed.words import pack_signs


@given(st.integers(1, 200), st.integers(1, 150), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_product_is_exact(inputs, outputs, rows, seed):
    rng = np.random.default_rng(seed)
    spikes = (rng.random((rows, inputs)) < rng.random()).astype(np.float32)
    signs = np.where(rng.random((outputs, inputs)) < rng.random(), -1, 1)
    weights = panels(pack_signs(signs))
    out = np.full((rows, len(weights) * LANES), np.nan, np.float32)
    multiply(spikes, weights, out)
    np.testing.assert_array_equal(out[:, :outputs], spikes.astype(np.float64) @ signs.T)
    np.testing.assert_array_equal(out[:, outputs:], -spikes.sum(1, keepdims=True) * np.ones(out.shape[1] - outputs))


def test_the_largest_counts_do_not_overflow():
    spikes = np.ones((5, 70_000), np.float32)
    weights = panels(pack_signs(np.stack([np.ones(70_000), -np.ones(70_000)])))
    out = np.empty((5, LANES), np.float32)
    multiply(spikes, weights, out)
    assert (out[:, 0] == 70_000).all() and (out[:, 1] == -70_000).all()
