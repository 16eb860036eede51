"""Attention between places of an image, with spikes as queries, keys and values, and the block around it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hetero_rsnn.gradient.feedforward.layers import Conv
from hetero_rsnn.gradient.feedforward.normalisation import Projection
from hetero_rsnn.gradient.feedforward.setting import Setting
from hetero_rsnn.gradient.feedforward.shortcuts import Bias


class Patches(Conv):
    """Connections from each square of an image, which overlaps no other, to the features of one place.

    Parameters
    ----------
    inputs, outputs : int
        Channels, features.
    width : int
        Of the squares; it divides the height and the width of an image.
    bias : bool
    draw : torch.Generator
        What the weights are drawn from.

    Examples
    --------
    >>> import torch
    >>> Patches(1, 16, 4, draw=torch.Generator())(torch.rand(2, 5, 1, 28, 28)).shape
    torch.Size([2, 5, 16, 7, 7])
    """

    def __init__(self, inputs: int, outputs: int, width: int, *, bias: bool = True, draw: torch.Generator) -> None:
        super().__init__(inputs, outputs, width, stride=width, bias=bias, draw=draw)
        self.padding = (0, 0)

    def _targets(self, shape: Sequence[int]) -> Tensor:
        return torch.full(tuple(shape), float(self.out_channels), dtype=torch.float64)


class Positions(nn.Module):
    """A learned number of each feature at each place, added in every step.

    They begin normal with a standard deviation of 1, as normalised sums have: attention does not tell places apart
    without them (our choice).

    Parameters
    ----------
    shape : (int, int, int)
        Features, height and width.
    draw : torch.Generator
        What they are drawn from.
    """

    def __init__(self, shape: Sequence[int], *, draw: torch.Generator) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(tuple(shape), generator=draw))

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of the input (steps, batch, features, height, width)."""
        return x + self.bias

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.bias.shape))


class Attended(nn.Module):
    """Sums of values, each weighted by how many spikes its key shares with the query: no softmax stands between.

    All are spikes, so that the sums are whole numbers (times the scale) in whatever order they are taken: that of keys
    and values first costs a number of operations that grows with the places, not with their square.

    Parameters
    ----------
    heads : int
        Groups of features, each with an attention of its own.
    scale : float
        What sums are multiplied with.

    Examples
    --------
    >>> import torch
    >>> q, k, v = (torch.rand(2, 5, 8, 3, 3).round() for _ in range(3))
    >>> Attended(heads=2, scale=0.125)(q, k, v).shape
    torch.Size([2, 5, 8, 3, 3])
    """

    def __init__(self, heads: int, scale: float) -> None:
        super().__init__()
        self.heads, self.scale = heads, scale

    def _split(self, x: Tensor) -> Tensor:
        """Shape (steps, batch, heads, features, places)."""
        return x.reshape(*x.shape[:2], self.heads, x.shape[2] // self.heads, -1)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Of the shape of each input (steps, batch, features, height, width)."""
        q, k, v = (self._split(x) for x in (query, key, value))
        shared = k @ v.transpose(-1, -2)
        out: Tensor = shared.transpose(-1, -2) @ q
        return (out * self.scale).reshape(query.shape)

    def additions(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Additions that spikes cause, (steps, batch).

        One for each pair of spikes of a key and a value at one place, and a row of sums for each spike of a query.
        """
        q, k, v = (self._split(x != 0).sum(3, dtype=torch.float64) for x in (query, key, value))
        return ((k * v).sum(-1) + q.sum(-1) * (query.shape[2] // self.heads)).sum(-1)

    def extra_repr(self) -> str:
        return f"heads={self.heads}, scale={self.scale:g}"


class SpikingAttention(nn.Module):
    """Neurons; queries, keys and values of their spikes, as spikes; what is attended, as spikes; connections.

    Parameters
    ----------
    features, heads : int
    scale : float
        Of `Attended`.
    setting : Setting
    name : str
        Attentions of different names get different weights.

    References
    ----------
    Z. Zhou et al., "Spikformer: when spiking neural network meets Transformer", ICLR 2023, arXiv:2209.15425.
    """

    def __init__(self, features: int, heads: int, scale: float, *, setting: Setting, name: str) -> None:
        super().__init__()

        def projection(what: str) -> Projection:
            conv = Conv(features, features, 1, bias=setting.bias, draw=setting.draw(f"{name} {what}"))
            return Projection(conv, setting.norm(features))

        def neurons(what: str) -> nn.Module:
            return setting.neurons(f"{name} {what}", features, 2)

        self.bias, self.input = Bias(features), neurons("input")
        self.query, self.query_neurons = projection("query"), neurons("query")
        self.key, self.key_neurons = projection("key"), neurons("key")
        self.value, self.value_neurons = projection("value"), neurons("value")
        self.attended, self.attended_neurons = Attended(heads, scale), neurons("attended")
        self.output = projection("output")

    def forward(self, x: Tensor) -> Tensor:
        """Analog sums, of the shape of the input (steps, batch, features, height, width)."""
        s = self.input(self.bias(x))
        q = self.query_neurons(self.query(s))
        k = self.key_neurons(self.key(s))
        v = self.value_neurons(self.value(s))
        y: Tensor = self.output(self.attended_neurons(self.attended(q, k, v)))
        return y


class TransformerBlock(nn.Module):
    """Attention, then two layers at each place; around each of the two a shortcut between analog sums.

    So connections get spikes only, and what is added to the sums is never rounded to spikes (the order of
    Spikingformer; Spikformer adds spikes to spikes, which makes counts of them).

    Parameters
    ----------
    features, heads : int
    scale : float
    expansion : int
        How many times as wide as `features` the layer between the two is.
    setting : Setting
        With weights of 1 bit, the two layers have these, and the attention full ones.
    index : int
        Blocks of different indices get different weights.

    References
    ----------
    C. Zhou et al., "Spikingformer: spike-driven residual learning for Transformer-based spiking neural network",
    arXiv:2304.11954; two layers of 1 bit: Q. Meng et al., arXiv:2508.12609.
    """

    def __init__(
        self, features: int, heads: int, scale: float, *, expansion: int, setting: Setting, index: int
    ) -> None:  # fmt: skip
        super().__init__()
        name, wide = f"block {index}", features * expansion
        self.attention = SpikingAttention(features, heads, scale, setting=setting, name=f"{name} attention")
        self.bias = Bias(features)
        self.input = setting.neurons(f"{name} input", features, 2)
        first = setting.conv(features, wide, 1, bias=setting.bias, draw=setting.draw(f"{name} first"))
        self.first = Projection(first, setting.norm(wide))
        self.inner = setting.neurons(f"{name} inner", wide, 2)
        self.dropout = setting.dropped(index) or nn.Identity()
        second = setting.conv(wide, features, 1, bias=setting.bias, draw=setting.draw(f"{name} second"))
        self.second = Projection(second, setting.norm(features))

    def forward(self, x: Tensor) -> Tensor:
        """Analog sums, of the shape of the input (steps, batch, features, height, width)."""
        x = x + self.attention(x)
        h = self.dropout(self.inner(self.first(self.input(self.bias(x)))))
        y: Tensor = x + self.second(h)
        return y
