"""Connections that have taken up the normalisation after them: weights of each step, or signs with scale and offset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hetero_rsnn.common.types import Array
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear
from hetero_rsnn.gradient.feedforward.one_bit import check_settled, scaled, signs_of
from hetero_rsnn.gradient.feedforward.states import Stateful, interval


class FoldedConnections(Stateful):
    """A map of the kind of other connections, with numbers of its own.

    Parameters
    ----------
    layer : Linear or Conv
        What kind of connections; its own weights are not used.
    """

    def __init__(self, layer: Linear | Conv) -> None:
        super().__init__()
        # The kind of connections without parameters: these would be saved, and trained, for nothing.
        self.layer: Linear | Conv = layer.full()
        for name in ("weight", "bias"):
            self.layer.register_parameter(name, None)

    def fan_out(self, shape: Sequence[int]) -> Tensor:
        """Targets of each unit of an input of this shape."""
        return self.layer.fan_out(shape)

    def products(self, shape: Sequence[int]) -> int:
        """Products that an analog input of this shape takes in a step."""
        return self.layer.products(shape)

    @property
    def analog(self) -> bool:
        """Whether inputs are numbers in each step, and no spikes."""
        return self.layer.analog


class StepWeights(FoldedConnections):
    """Connections with weights and biases of their own in each step.

    Parameters
    ----------
    layer : Linear or Conv
        What kind of connections; its own weights are not used.
    weight : Tensor, shape (steps, ...)
    bias : Tensor, shape (steps, outputs)

    Raises
    ------
    HeteroError
        For another number of steps.

    Examples
    --------
    >>> import torch
    >>> layer = Linear(3, 5, draw=torch.Generator())
    >>> twice = StepWeights(layer, torch.ones(2, 5, 3), torch.zeros(2, 5))
    >>> twice(torch.ones(2, 8, 3)).shape
    torch.Size([2, 8, 5])
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, layer: Linear | Conv, weight: Tensor, bias: Tensor) -> None:
        super().__init__(layer)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    @property
    def steps(self) -> int:
        """How many steps a call has."""
        return len(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (steps, batch, outputs, ...)."""
        now = interval(self, len(x), self.steps)
        weights, biases = self.weight[now], self.bias[now]
        return torch.cat([self.layer.product(x[t : t + 1], weights[t], biases[t]) for t in range(len(x))])

    def extra_repr(self) -> str:
        return f"steps={self.steps}"


class ScaledSigns(FoldedConnections):
    """Connections with weights of 1 bit: sums of signs, times a scale and plus an offset of each output channel.

    Product and sum are rounded one after the other, as a `PackedNetwork` does. Sums of signs over spikes are whole
    numbers, or quarters where squares of 2 x 2 are averaged: exact, whatever the order.

    Parameters
    ----------
    layer : Linear or Conv
        What kind of connections; its own weights are not used.
    weight : Tensor, shape (outputs, inputs, ...)
        1 and -1; full weights if `binary` is 0.
    scales, offsets : Tensor, shape (outputs,) or (steps, outputs)
        The same in all steps, or those of each.
    binary : Tensor
        0 if the network was folded in the first stage of its training; see `OneBit`.

    Raises
    ------
    HeteroError
        For another number of steps than there are scales for.

    Examples
    --------
    >>> import torch
    >>> layer, one = Linear(3, 2, draw=torch.Generator()), torch.tensor(1)
    >>> signs = torch.tensor([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]])
    >>> folded = ScaledSigns(layer, signs, torch.tensor([0.5, 2.0]), torch.tensor([0.0, 0.25]), one)
    >>> folded(torch.tensor([[[1.0, 0.0, 1.0]]])).tolist()
    [[[1.0, 0.25]]]
    """

    weight: Tensor
    scales: Tensor
    offsets: Tensor
    binary: Tensor

    def __init__(self, layer: Linear | Conv, weight: Tensor, scales: Tensor, offsets: Tensor, binary: Tensor) -> None:
        super().__init__(layer)
        for name, value in (("weight", weight), ("scales", scales), ("offsets", offsets), ("binary", binary)):
            self.register_buffer(name, value)

    @property
    def steps(self) -> int | None:
        """How many steps a call has; None for any number."""
        return len(self.scales) if self.scales.dim() == 2 else None

    def forward(self, x: Tensor) -> Tensor:
        """Shape (steps, batch, outputs, ...)."""
        sums = self.layer.product(x, self.weight, None)
        if self.steps is None:
            return scaled(sums, self.scales, self.offsets)
        now = interval(self, len(x), self.steps)
        return scaled(sums, self.scales[now], self.offsets[now])

    def signs(self) -> NDArray[Any]:
        """Signs of the weights, of their shape: int8, 1 or -1.

        Raises
        ------
        HeteroError
            If the network was folded in the first stage of its training.
        """
        check_settled(self.binary)
        return signs_of(self.weight)

    def scale(self) -> Array:
        """What sums of signs are multiplied with, shape (outputs,) or (steps, outputs).

        Raises
        ------
        HeteroError
            As `signs`.
        """
        check_settled(self.binary)
        found: Array = self.scales.cpu().numpy()
        return found

    def offset(self) -> Array:
        """What is added then, of the shape of `scale`."""
        found: Array = self.offsets.cpu().numpy()
        return found

    def as_full(self) -> Linear | Conv:
        """The same map with full weights, if it is the same in all steps."""
        out = self.layer.full()
        wide = (-1, *[1] * (self.weight.dim() - 1))
        out.weight, out.bias = nn.Parameter(self.weight * self.scales.reshape(wide)), nn.Parameter(self.offsets.clone())
        return out

    def extra_repr(self) -> str:
        return "" if self.steps is None else f"steps={self.steps}"
