"""Thresholds as whole numbers, against every sum that can be, in float32."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hetero_rsnn.gradient.packed.folding import limits
from hetero_rsnn.gradient.packed.layers import PackedConv, PackedLinear, SpikingNeurons, folded_scale

SMALL = st.floats(-8, 8, width=32)


@given(
    st.integers(1, 90),
    st.lists(st.tuples(SMALL, SMALL, st.floats(2**-10, 8, width=32), SMALL), min_size=1, max_size=9),
    st.sampled_from(["fire", "quiet"]), st.sampled_from([1.0, 0.3, -0.75, 0.0]), st.booleans(),
)  # fmt: skip
def test_every_sum_is_compared_as_float32_would(inputs, rows, ties, amplitude, quarters):
    scale, offset, threshold, bias = np.array(rows, np.float32).T
    if quarters:  # so that ties occur
        scale, offset, threshold, bias = (np.round(4 * q) / 4 for q in (scale, offset, threshold + 0.25, bias))
    signs = np.ones((len(rows), inputs))
    layer = PackedLinear(signs, scale, offset)
    neurons = SpikingNeurons(leak=0.0, threshold=threshold, bias=bias, ties=ties)
    direction, limit = limits(layer, neurons, neurons.threshold, neurons.bias, amplitude)
    for n in range(-inputs, inputs + 1):
        current = layer.scale * (np.float32(amplitude) * np.float32(n)) + layer.offset
        x = current + neurons.bias
        fired = x >= neurons.threshold if ties == "fire" else x > neurons.threshold
        np.testing.assert_array_equal(direction * np.float32(n) >= limit, fired, err_msg=str(n))


def test_a_kernel_has_more_inputs_than_channels():
    layer = PackedConv(np.ones((1, 5, 3, 3)), 1.0)
    neurons = SpikingNeurons(leak=0.0, threshold=44.5)
    _, limit = limits(layer, neurons, neurons.threshold.reshape(1), neurons.bias.reshape(1), 1.0)
    assert limit == 45.0


def test_sums_beyond_float32_are_above_every_threshold():
    layer = PackedLinear(np.ones((2, 64)), [3e38, -3e38])
    neurons = SpikingNeurons(leak=0.0)
    direction, limit = limits(layer, neurons, np.ones(2, np.float32), np.zeros(2, np.float32), 1.0)
    assert direction.tolist() == [1, -1] and limit.tolist() == [1, 1]


def test_a_normalisation_is_folded():
    rng = np.random.default_rng(0)
    scale, offset, gamma, beta, mean, variance = rng.uniform(0.5, 2, (6, 7))
    a, b = folded_scale(scale, offset, gamma, beta, mean, variance, epsilon=0.1)
    n = np.arange(-5, 5)[:, None]
    wanted = gamma * (scale * n + offset - mean) / np.sqrt(variance + 0.1) + beta
    np.testing.assert_allclose(a * n + b, wanted, rtol=2e-6, atol=2e-6)
    assert a.dtype == b.dtype == np.float32
