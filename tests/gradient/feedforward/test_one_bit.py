"""Weights of 1 bit: a formula written again, autograd of a stand-in, and connections that use them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import refused
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from hetero_rsnn.gradient.feedforward.conversion import convert
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear
from hetero_rsnn.gradient.feedforward.normalisation import Projection
from hetero_rsnn.gradient.feedforward.one_bit import (
    OneBitConv,
    OneBitLinear,
    one_bit,
    one_bit_layers,
    sign,
    use_one_bit,
)
from hetero_rsnn.gradient.feedforward.quantised import QCFS

pytestmark = pytest.mark.torch


def by_hand(weight: np.ndarray) -> np.ndarray:
    """Channel by channel, weight by weight."""
    out = np.empty_like(weight)
    for channel, rows in zip(out, weight, strict=True):
        scale = sum(abs(float(w)) for w in rows.flat) / rows.size
        for place, w in np.ndenumerate(rows):
            channel[place] = scale if w >= 0 else -scale
    return out


def linear(kind=OneBitLinear, **options):
    return kind(12, 5, **{"pool": 2, "draw": torch.Generator().manual_seed(1), **options}).double()


def conv(kind=OneBitConv, **options):
    draw = torch.Generator().manual_seed(1)
    return kind(2, 5, 3, **{"stride": 2, "pool": 2, "draw": draw, **options}).double()


CASES = [(linear, Linear, (3, 4, 3)), (conv, Conv, (2, 9, 7))]


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=4, max_side=4), elements=st.floats(-3, 3)))
def test_signs_times_the_mean_of_each_channel(weight):
    found = one_bit(torch.tensor(weight)).numpy()
    np.testing.assert_allclose(found, by_hand(weight), atol=1e-12)
    assert np.array_equal(sign(torch.tensor(weight)).numpy(), np.where(weight < 0, -1.0, 1.0))


def test_nothing_is_0():
    found = sign(torch.tensor([0.0, -0.0, 1e-300, -1e-300], dtype=torch.float64))
    assert found.tolist() == [1.0, 1.0, 1.0, -1.0] and sign(torch.zeros(3, dtype=torch.float16)).dtype == torch.float16


def test_the_gradient_is_that_of_a_clip_times_a_constant_scale():
    """Autograd of clip(w, -1, 1) times numbers, at weights on both sides of the clip and on it."""
    rng = np.random.default_rng(0)
    weight = torch.tensor(rng.normal(0, 1, (4, 3, 3, 3)))
    weight[0, 0, 0] = torch.tensor([1.0, -1.0, 0.0])
    into = torch.tensor(rng.normal(size=weight.shape))
    one, other = weight.clone().requires_grad_(), weight.clone().requires_grad_()
    one_bit(one).backward(into)
    scale = torch.tensor([np.abs(w).mean() for w in weight.numpy()]).reshape(-1, 1, 1, 1)
    F.hardtanh(other, -1.0, 1.0).backward(into * scale)
    inside = weight.abs() != 1  # at the ends themselves torch's derivative of the clip is 0
    torch.testing.assert_close(one.grad[inside], other.grad[inside], rtol=1e-12, atol=0)
    torch.testing.assert_close(one.grad[~inside], (into * scale)[~inside], rtol=1e-12, atol=0)
    assert (one.grad == 0).any() and (~inside).sum() == 2


@pytest.mark.parametrize(("make", "plain", "shape"), CASES)
@pytest.mark.parametrize("bias", [False, True])
def test_connections_use_signs_and_scales(make, plain, shape, bias):
    layer = make(bias=bias)
    if bias:
        torch.nn.init.normal_(layer.bias, generator=torch.Generator().manual_seed(3))
    x = torch.rand(3, 4, *shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    weight = by_hand(layer.weight.detach().numpy())
    signs, scale = layer.signs(), layer.scale()
    assert signs.dtype == np.int8 and set(signs.flat) == {1, -1} and scale.shape == (5,)
    np.testing.assert_allclose(signs * scale.reshape(-1, *[1] * (signs.ndim - 1)), weight, atol=1e-15)
    other = make(plain, bias=bias, gain=2 * np.sqrt(np.pi / 2))
    assert torch.equal(other.weight, layer.weight)
    full = other(x)
    expected = other.product(x, torch.tensor(weight), layer.bias)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-13)
    assert not torch.allclose(layer(x), full)
    # The map with other weights takes these as they are.
    torch.testing.assert_close(layer.product(x, layer.weight, None), other.product(x, layer.weight, None))
    assert torch.equal(layer.fan_out(shape), other.fan_out(shape)) and layer.products(shape) == other.products(shape)
    copied = layer.full()
    assert type(copied) is plain and repr(copied) == repr(other)
    torch.testing.assert_close(copied(x), layer(x), rtol=0, atol=1e-13)
    assert (copied.bias is None) == (not bias)
    layer(x).sum().backward()
    assert layer.weight.grad.any() and copied.weight.grad is None


@pytest.mark.parametrize(("make", "plain", "shape"), CASES)
def test_gradients_are_those_of_the_weights_that_are_used(make, plain, shape):
    """Whether the scale comes before the sum or after it: autograd through `one_bit`."""
    layer = make()
    torch.nn.init.normal_(layer.bias, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        layer.weight.mul_(2.0)  # some beyond the clip
    x = torch.rand(3, 4, *shape, dtype=torch.float64, requires_grad=True)
    weight, bias, y = (p.detach().clone().requires_grad_() for p in (layer.weight, layer.bias, x))
    expected = make(plain).product(y, one_bit(weight), bias)
    into = torch.rand(expected.shape, dtype=torch.float64)
    expected.backward(into)
    layer(x).backward(into)
    for found, other in ((layer.weight, weight), (layer.bias, bias), (x, y)):
        torch.testing.assert_close(found.grad, other.grad, rtol=1e-12, atol=1e-13)
    assert (weight.grad == 0).any() and weight.grad.any()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_outputs_of_spikes_do_not_depend_on_the_batch(kind, threads, bias):
    """Bit for bit in single precision, where sums with full weights differ in the last digits."""
    draw = torch.Generator().manual_seed(4)
    options = {"bias": bias, "draw": draw}
    layer = OneBitLinear(12 * 49, 70, **options) if kind == "linear" else OneBitConv(12, 40, 3, pool=2, **options)
    x = (torch.rand(2, 33, 12, 7, 7, generator=draw) < 0.2).float()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            together = layer(x)
            for low, high in ((0, 1), (0, 3), (5, 22), (32, 33)):
                assert torch.equal(layer(x[:, low:high]), together[:, low:high])
                assert torch.equal(layer(x[1:, low:high]), together[1:, low:high])
            # Sums of signs are whole numbers, or quarters of them; in double precision they are the same.
            signs, scale = torch.tensor(layer.signs()), torch.tensor(layer.scale()).reshape(-1, *[1] * (x.dim() - 3))
            scale = scale if kind == "conv" else scale.flatten()
            sums = layer.product(x.double(), signs.double(), None).float()
            shift = 0.0 if layer.bias is None else layer.bias.reshape(scale.shape)
            assert torch.equal(sums * scale + shift, together)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("make", "plain", "shape"), CASES)
def test_the_first_stage_has_full_weights(make, plain, shape):
    network = torch.nn.Sequential(make(), make(plain, gain=2 * np.sqrt(np.pi / 2)))
    layer = network[0]
    x = torch.rand(3, 4, *shape, dtype=torch.float64)
    use_one_bit(network, on=False)
    assert one_bit_layers(network) == [layer]
    assert torch.equal(layer(x), network[1](x)) and torch.equal(layer.full()(x), layer(x))
    for call in (layer.signs, layer.scale):
        refused(call, "have full weights, and no signs: use_one_bit(network) first")
    again = copy.deepcopy(layer)
    use_one_bit(again)
    assert torch.equal(again.used(), one_bit(layer.weight)) and not torch.allclose(again(x), layer(x))
    again.load_state_dict(layer.state_dict())  # which stage it is belongs to what is saved
    assert torch.equal(again(x), layer(x))


def test_sums_begin_as_wide_as_those_of_full_weights():
    for pool, gain in ((1, 2.0), (2, 0.7)):
        weight = OneBitLinear(400, 300, pool=pool, gain=gain, draw=torch.Generator()).used()
        assert weight.square().sum(1).sqrt().mean().item() == pytest.approx(gain * pool, rel=0.01)


def test_what_is_converted_has_full_weights():
    chain = torch.nn.Sequential(torch.nn.Linear(4, 12), QCFS(), linear(pool=1), QCFS(), torch.nn.Linear(5, 2))
    refused(
        lambda: convert(chain, 4), "layer 2 (OneBitLinear) cannot be converted, since it is none of the known layers"
    )
    chain[2] = Projection(chain[2]).folded()
    refused(lambda: convert(chain, 4), "layer 2 (ScaledSigns) cannot be converted, since it is none of the known")


def test_products_of_analog_inputs():
    """Averages first: each average is multiplied with one weight a target."""
    layer = conv(Conv, stride=1, analog=True)
    pooled = Conv(2, 5, 3, draw=torch.Generator())
    assert layer.products((2, 9, 7)) == pooled.products((2, 5, 4)) == int(pooled.fan_out((2, 5, 4)).sum())
    assert linear(Linear).products((3, 4, 3)) == 60
