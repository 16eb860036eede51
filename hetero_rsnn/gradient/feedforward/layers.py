"""What stands between layers of neurons: weighted connections, pooling and dropout, over the steps of a network."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hetero_rsnn.common.randomness import generator


def torch_generator(seed: int, purpose: str, *names: str | int) -> torch.Generator:
    """A generator of torch that begins where the one of this purpose says; see `randomness.generator`."""
    start = int(generator(seed, purpose, *names).integers(2**63))
    return torch.Generator().manual_seed(start)


class Synapses(Protocol):
    """Connections: a linear map of each step, with weights and perhaps biases."""

    weight: Tensor
    bias: Tensor | None
    analog: bool

    def used(self) -> Tensor:
        """Weights as they are used."""

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The map with other weights."""

    def fan_out(self, shape: Sequence[int]) -> Tensor:
        """How many targets each unit of an input of this shape has."""

    def products(self, shape: Sequence[int]) -> int:
        """How many products an analog input of this shape takes, once averaged."""

    def __call__(self, x: Tensor) -> Tensor: ...


def pooled(x: Tensor, width: int) -> Tensor:
    """Averages over squares of images (..., channels, height, width); those at the edge are of what is there."""
    if width == 1:
        return x
    found = F.avg_pool2d(x.flatten(0, -4), width, ceil_mode=True)
    return found.reshape(*x.shape[:-2], *found.shape[-2:])


def _unpooled(x: Tensor, width: int, shape: Sequence[int]) -> Tensor:
    """For each pixel of an image of this shape, the value of its square."""
    spread = x.repeat_interleave(width, -1).repeat_interleave(width, -2)
    return spread[..., : shape[-2], : shape[-1]]


class Linear(nn.Linear):
    """All to all, in each step; images are pooled and flattened before.

    Weights begin with a normal distribution of standard deviation ``gain pool / sqrt(inputs)``, biases at 0 (our
    choice). With a gain of 2 a layer whose inputs fire in every tenth step fires nearly as often, at threshold 1 and
    leak 1/2. Averages over squares of independent spikes vary the less, the wider the squares: the factor ``pool``.

    Parameters
    ----------
    inputs, outputs : int
    bias : bool
    pool : int
        Width of the squares that are averaged before.
    gain : float
    analog : bool
        Whether inputs are numbers in each step, and no spikes: what is counted of them then is products.
    draw : torch.Generator
        What the weights are drawn from.

    Examples
    --------
    >>> import torch
    >>> Linear(12, 5, pool=2, draw=torch.Generator())(torch.ones(4, 8, 3, 4, 4)).shape
    torch.Size([4, 8, 5])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        pool: int = 1,
        gain: float = 2.0,
        analog: bool = False,
        draw: torch.Generator,
    ) -> None:
        super().__init__(inputs, outputs, bias=bias)
        self.pool, self.analog = pool, analog
        _fill(self, inputs, gain * pool, draw)

    def reset_parameters(self) -> None:
        """Nothing: torch's own values come from its global generator."""

    def used(self) -> Tensor:
        """Weights as they are used."""
        return self.weight

    def full(self) -> Linear:
        """A copy, with full weights where these are of 1 bit."""
        return copy.deepcopy(self)

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The map of (steps, batch, ...) with other weights."""
        return F.linear(pooled(x, self.pool).flatten(2), weight, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (steps, batch, outputs)."""
        return self.product(x, self.used(), self.bias)

    def fan_out(self, shape: Sequence[int]) -> Tensor:
        """Targets of each unit of an input of this shape."""
        return torch.full(tuple(shape), float(self.out_features), dtype=torch.float64)

    def products(self, shape: Sequence[int]) -> int:
        """Products that an analog input takes: averages are taken first."""
        count: int = self.in_features * self.out_features
        return count

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}" + (f", pool={self.pool}" if self.pool > 1 else "")


class Conv(nn.Conv2d):
    """A convolution of square kernels in each step, after averaging over squares; see `Linear` for the weights.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    width : int
        Of the kernels, odd: a padding of half of it keeps the size of the image.
    stride : int
    bias : bool
    pool : int
        Width of the squares that are averaged before.
    gain : float
    analog : bool
        Whether inputs are numbers in each step, and no spikes: what is counted of them then is products.
    draw : torch.Generator
        What the weights are drawn from.

    Examples
    --------
    >>> import torch
    >>> layer = Conv(3, 6, 3, stride=2, draw=torch.Generator())
    >>> layer(torch.ones(4, 8, 3, 7, 7)).shape
    torch.Size([4, 8, 6, 4, 4])
    >>> layer.fan_out((3, 7, 7))[0, :2, :3].tolist()  # an edge has fewer targets
    [[6.0, 12.0, 6.0], [12.0, 24.0, 12.0]]
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int,
        *,
        stride: int = 1,
        bias: bool = True,
        pool: int = 1,
        gain: float = 2.0,
        analog: bool = False,
        draw: torch.Generator,
    ) -> None:
        super().__init__(inputs, outputs, width, stride=stride, padding=width // 2, bias=bias)
        self.pool, self.analog = pool, analog
        _fill(self, inputs * width * width, gain * pool, draw)

    def reset_parameters(self) -> None:
        """Nothing: torch's own values come from its global generator."""

    def used(self) -> Tensor:
        """Weights as they are used."""
        return self.weight

    def full(self) -> Conv:
        """A copy, with full weights where these are of 1 bit."""
        return copy.deepcopy(self)

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The map of (steps, batch, channels, height, width) with other weights."""
        images = pooled(x, self.pool).flatten(0, 1)
        found = F.conv2d(images, weight, bias, self.stride, self.padding)
        return found.reshape(*x.shape[:2], *found.shape[1:])

    def forward(self, x: Tensor) -> Tensor:
        """Shape (steps, batch, outputs, height, width)."""
        return self.product(x, self.used(), self.bias)

    def fan_out(self, shape: Sequence[int]) -> Tensor:
        """Targets of each unit of an input of this shape: fewer at an edge, and where a stride leaves pixels out."""
        return _unpooled(self._targets(shape), self.pool, shape)

    def products(self, shape: Sequence[int]) -> int:
        """Products that an analog input of this shape takes: averages are taken first."""
        return int(self._targets(shape).sum())

    def _targets(self, shape: Sequence[int]) -> Tensor:
        """Targets of each unit of the averages of an input of this shape."""
        _, height, width = shape
        kernel, stride, pad = self.kernel_size[0], self.stride[0], self.kernel_size[0] // 2
        sizes = [math.ceil(n / self.pool) for n in (height, width)]
        ends = [(n + 2 * pad - kernel) // stride + 1 for n in sizes]
        rest = [n - ((m - 1) * stride - 2 * pad + kernel) for n, m in zip(sizes, ends, strict=True)]
        ones = torch.ones(1, self.out_channels, *ends, dtype=torch.float64)
        kernels = torch.ones(self.out_channels, self.in_channels, kernel, kernel, dtype=torch.float64)
        return F.conv_transpose2d(ones, kernels, stride=stride, padding=pad, output_padding=rest)[0]

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, {self.kernel_size[0]}"]
        parts += [f"stride={self.stride[0]}"] if self.stride[0] > 1 else []
        return ", ".join(parts + ([f"pool={self.pool}"] if self.pool > 1 else []))


def _fill(layer: Linear | Conv, fan_in: int, gain: float, draw: torch.Generator) -> None:
    with torch.no_grad():
        layer.weight.normal_(0.0, gain / math.sqrt(fan_in), generator=draw)
        if layer.bias is not None:
            layer.bias.zero_()


class Straight(nn.Module):
    """One to one, with weight 1: a shortcut."""

    def forward(self, x: Tensor) -> Tensor:
        """The input."""
        return x

    def fan_out(self, shape: Sequence[int]) -> Tensor:
        """One target each."""
        return torch.ones(tuple(shape), dtype=torch.float64)


class Dropout(nn.Module):
    """Leaves units out while training, the same ones in all steps of a sample, and scales the others up.

    A new mask each call, from the package's own generator: `calls` counts them and is saved with the weights.

    Parameters
    ----------
    share : float
        Of units that are left out, from 0 to below 1.
    seed : int
    name : str or int
        Layers of different names get different masks.

    References
    ----------
    N. Srivastava et al., Journal of Machine Learning Research 15, 2014; one mask for all steps: C. Lee et al.,
    Frontiers in Neuroscience 14, 2020.
    """

    calls: Tensor

    def __init__(self, share: float, seed: int, name: str | int) -> None:
        super().__init__()
        self.share, self.seed, self.name = share, seed, name
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of the input (steps, batch, ...)."""
        if not self.training or self.share == 0:
            return x
        draw = torch_generator(self.seed, "training", "dropout", self.name, int(self.calls))
        self.calls += 1
        left = torch.rand(x.shape[1:], generator=draw) >= self.share
        return x * (left.to(device=x.device, dtype=x.dtype) / (1 - self.share))

    def extra_repr(self) -> str:
        return f"{self.share:g}"
