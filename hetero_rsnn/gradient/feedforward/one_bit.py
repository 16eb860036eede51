"""Connections with weights of 1 bit: a sign each, and one scale for each output channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear

#: Of which weights connections can be.
WEIGHTS = ("full", "1bit")


class _Sign(torch.autograd.Function):
    """The sign, of which the derivative counts as that of the clip to -1 ... 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.copysign(torch.ones_like(x), x + 0.0)  # the sum makes 0 of -0; seven times as fast as `where`

    @staticmethod
    def backward(ctx: Any, into: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        out: Tensor = into * (x.abs() <= 1).to(into.dtype)
        return out


_sign: Callable[[Tensor], Tensor] = _Sign.apply


def sign(x: Tensor) -> Tensor:
    """1 from 0 upwards, else -1; on the way back the identity where -1 <= x <= 1, and 0 elsewhere.

    No value is 0, so that a bit can hold it.

    Parameters
    ----------
    x : Tensor

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([-1.5, -0.5, 0.0, 2.0], requires_grad=True)
    >>> signs = sign(x)
    >>> signs.tolist()
    [-1.0, -1.0, 1.0, 1.0]
    >>> signs.sum().backward()
    >>> x.grad.tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    return _sign(x)


def channel_scale(weight: Tensor) -> Tensor:
    """Mean absolute weight of each output channel, (outputs,)."""
    return weight.detach().abs().flatten(1).mean(1)


def scaled(sums: Tensor, scale: Tensor, offset: Tensor | None) -> Tensor:
    """Sums (steps, batch, outputs, ...) times a scale, then plus an offset, (outputs,) or (steps, outputs) each."""
    wide = (*scale.shape[:-1], *[1] * (scale.dim() - 1), scale.shape[-1], *[1] * (sums.dim() - 3))
    out = sums * scale.reshape(wide)
    return out if offset is None else out + offset.reshape(wide)


def signs_of(weight: Tensor) -> NDArray[Any]:
    """Signs as int8."""
    found: NDArray[Any] = sign(weight.detach()).to(device="cpu", dtype=torch.int8).numpy()
    return found


def check_settled(binary: Tensor) -> None:
    """Refuse connections that have full weights as yet."""
    if not binary:
        raise HeteroError(
            "connections in their first stage have full weights, and no signs", fix="use_one_bit(network) first"
        )


def one_bit(weight: Tensor) -> Tensor:
    """Signs of weights, times the mean absolute weight of their output channel, which counts as constant.

    The gradient goes through as `sign` says, times the scale.

    Parameters
    ----------
    weight : Tensor, shape (outputs, inputs, ...)

    References
    ----------
    M. Rastegari et al., "XNOR-Net", ECCV 2016 (signs and scale); Z. Liu et al., "ReActNet", ECCV 2020 (with shortcuts).

    Examples
    --------
    >>> import torch
    >>> one_bit(torch.tensor([[0.5, -0.25, 0.0], [3.0, 1.0, -2.0]])).tolist()
    [[0.25, -0.25, 0.25], [2.0, 2.0, -2.0]]
    """
    return sign(weight) * channel_scale(weight).reshape(-1, *[1] * (weight.dim() - 1))


class OneBit(nn.Module):
    """What `OneBitLinear` and `OneBitConv` share, beside `Linear` or `Conv`.

    Latent weights begin sqrt(pi / 2) times as wide as full ones: the mean absolute value of normal numbers is so much
    less than their standard deviation, and sums begin as wide as with full weights (our choice).

    Attributes
    ----------
    weight : Parameter
        Latent weights, which are trained; what counts is their signs and `scale`.
    binary : Tensor
        1: as said. 0: connections use `weight` itself, as in the first stage of a training. Saved with the weights.
    """

    weight: Tensor
    binary: Tensor

    def __init__(self, *sizes: int, gain: float = 2.0, **options: Any) -> None:
        super().__init__(*sizes, gain=gain * math.sqrt(math.pi / 2), **options)
        self.register_buffer("binary", torch.tensor(1))

    def used(self) -> Tensor:
        """Weights as the connections use them, with their scale."""
        return one_bit(self.weight) if self.binary else self.weight

    def forward(self, x: Tensor) -> Tensor:
        """Shape (steps, batch, outputs, ...): sums of signs, which are then multiplied with the scale.

        Sums over spikes are exact in that order, so that outputs are the same in batches of every size.
        """
        own: Any = self
        if not self.binary:
            full: Tensor = own.product(x, self.weight, own.bias)
            return full
        return scaled(own.product(x, sign(self.weight), None), channel_scale(self.weight), own.bias)

    def signs(self) -> NDArray[Any]:
        """Signs of the weights, of their shape: int8, 1 or -1.

        Raises
        ------
        HeteroError
            While the connections use full weights.
        """
        check_settled(self.binary)
        return signs_of(self.weight)

    def scale(self) -> Array:
        """What the signs of each output channel are multiplied with, shape (outputs,), in the precision of weights.

        Raises
        ------
        HeteroError
            While the connections use full weights.
        """
        check_settled(self.binary)
        found: Array = channel_scale(self.weight).cpu().numpy()
        return found


class OneBitLinear(OneBit, Linear):
    """All to all with weights of 1 bit; arguments are those of `Linear`.

    Examples
    --------
    >>> import torch
    >>> layer = OneBitLinear(12, 5, pool=2, draw=torch.Generator())
    >>> layer(torch.ones(4, 8, 3, 4, 4)).shape, layer.signs().shape, layer.scale().shape
    (torch.Size([4, 8, 5]), (5, 12), (5,))
    """

    def full(self) -> Linear:
        """The same connections with the weights that are used as full ones, without gradient."""
        out = Linear(
            self.in_features, self.out_features, bias=self.bias is not None, pool=self.pool, analog=self.analog,
            draw=torch.Generator(),
        )  # fmt: skip
        _take(out, self)
        return out


class OneBitConv(OneBit, Conv):
    """A convolution with weights of 1 bit; arguments are those of `Conv`.

    Examples
    --------
    >>> import torch
    >>> layer = OneBitConv(3, 6, 3, stride=2, draw=torch.Generator())
    >>> layer(torch.ones(4, 8, 3, 7, 7)).shape, layer.signs().shape, layer.scale().shape
    (torch.Size([4, 8, 6, 4, 4]), (6, 3, 3, 3), (6,))
    """

    def full(self) -> Conv:
        """The same connections with the weights that are used as full ones, without gradient."""
        out = Conv(
            self.in_channels, self.out_channels, self.kernel_size[0], stride=self.stride[0],
            bias=self.bias is not None, pool=self.pool, analog=self.analog, draw=torch.Generator(),
        )  # fmt: skip
        _take(out, self)
        return out


def _take(out: Linear | Conv, layer: Any) -> None:
    """Give connections the weights and biases of others."""
    out.weight = nn.Parameter(layer.used().detach().clone())
    out.bias = None if layer.bias is None else nn.Parameter(layer.bias.detach().clone())
    out.train(layer.training)


def one_bit_layers(network: nn.Module) -> list[OneBit]:
    """All connections of a network that have weights of 1 bit, or will have."""
    return [layer for layer in network.modules() if isinstance(layer, OneBit)]


def use_one_bit(network: nn.Module, on: bool = True) -> None:
    """Let these use weights of 1 bit, or full ones.

    Parameters
    ----------
    network : torch.nn.Module
        Changed in place.
    on : bool

    Examples
    --------
    >>> import torch
    >>> layer = OneBitLinear(3, 2, draw=torch.Generator())
    >>> use_one_bit(layer, on=False)
    >>> bool(torch.equal(layer.used(), layer.weight))
    True
    """
    for layer in one_bit_layers(network):
        layer.binary.fill_(int(on))
