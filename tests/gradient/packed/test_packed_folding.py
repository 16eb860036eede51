"""Thresholds as whole numbers, against every sum that can be, in float32."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packed_loop import run

from hetero_rsnn.gradient.packed.folding import limits
from hetero_rsnn.gradient.packed.layers import PackedConv, PackedLinear, SpikingNeurons, folded_scale
from hetero_rsnn.gradient.packed.network import PackedNetwork

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


@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize(("scale", "amplitude"), [(1e37, 1.0), (1e-30, 3e38), (-1e37, 1.0)])
def test_what_could_overflow_keeps_its_potentials(reset, scale, amplitude):
    """Infinite times a leak of 0 is no number: such neurons remember, and a limit would not."""
    spikes = SpikingNeurons(leak=0.0, amplitude=amplitude)
    neurons = SpikingNeurons(leak=0.0, reset=reset)
    signs = np.ones((2, 64))
    signs[1] = -1
    network = PackedNetwork((64,), [spikes, PackedLinear(signs, scale), neurons])
    assert network.folded == ()
    x = np.full((4, 1, 64), 2.0)
    x[1, 0, 1:] = 0.0  # one spike: no overflow
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(network.run(x), run(network, x, 4))
    small = PackedNetwork((64,), [spikes, PackedLinear(signs, np.sign(scale) * 1e-3 / amplitude), neurons])
    assert small.folded == (1,) * (amplitude < 1e30)
