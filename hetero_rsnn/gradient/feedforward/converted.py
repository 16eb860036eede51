"""What an ordinary network becomes: its connections, step by step, between integrate-and-fire neurons."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.setting import Setting
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork


class Connections(nn.Sequential):
    """Layers of torch without neurons, one after the other, in each step; at most one of them has weights."""

    def forward(self, x: Tensor) -> Tensor:
        """Shape (steps, batch, ...) of the input and of the output."""
        y = x.flatten(0, 1)
        for layer in self:
            y = layer(y)
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def fan_out(self, shape: Sequence[int]) -> Tensor:
        """How many targets each unit of an input of this shape has: those of the weights, or else of the averages."""
        with torch.enable_grad():
            x = torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True)
            y: Tensor = x
            for layer in self:
                # Sums in place of weighted sums: the derivative counts the ways from a unit to its targets.
                if isinstance(layer, nn.Linear | nn.Conv2d):
                    y = _of_ones(layer)(y)
                    break
                y = _summed(layer, y)
            (found,) = torch.autograd.grad(y.sum(), x)
        return found[0]


def _of_ones(layer: nn.Linear | nn.Conv2d) -> nn.Module:
    ones = copy.deepcopy(layer).to(device="cpu", dtype=torch.float64)
    with torch.no_grad():
        ones.weight.fill_(1.0)
    return ones


def _summed(layer: nn.Module, x: Tensor) -> Tensor:
    if isinstance(layer, nn.AvgPool2d):
        width, stride = layer.kernel_size, layer.stride
        return F.avg_pool2d(x, width, stride, layer.padding, layer.ceil_mode, divisor_override=1)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return x.sum((-2, -1), keepdim=True)
    y: Tensor = layer(x)
    return y


class ConvertedBlock(nn.Module):
    """Two ways, the sum of which drives neurons.

    Parameters
    ----------
    main, shortcut : torch.nn.Sequential
        From shape (steps, batch, ...) to shape (steps, batch, ...).
    last : Neurons
    """

    def __init__(self, main: nn.Sequential, shortcut: nn.Sequential, last: nn.Module) -> None:
        super().__init__()
        self.main, self.shortcut, self.last = main, shortcut, last

    def forward(self, x: Tensor) -> Tensor:
        """Spikes, shape (steps, batch, ...)."""
        y: Tensor = self.last(self.main(x) + self.shortcut(x))
        return y


class Origin(NamedTuple):
    """An ordinary network as it was when it was converted.

    Attributes
    ----------
    spec : dict
    arrays : dict of str to ndarray
    start : float
        Potential before the first step, as a share of theta.
    """

    spec: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    start: float


class ConvertedNetwork(SpikingNetwork):
    """A spiking network that `convert` has made; every step gets the same input (batch, ...).

    Attributes
    ----------
    shape : tuple of int
        Of one input, or () where the ordinary network did not say.
    origin : Origin or None
        What was converted; None of a network of one's own.
    """

    def __init__(self, shape: tuple[int, ...], layers: Sequence[nn.Module], steps: int) -> None:
        # Thresholds are those of the layers.
        setting = Setting(steps, "if", 1.0, 1.0, "soft", "direct", None, "triangle", False, (), 0.0, 0)
        sizes = [_outputs(m) for layer in layers for m in layer.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        super().__init__(shape, sizes[-1], setting)
        self.layers.extend(layers)
        self.sizes = sizes
        self.is_folded = True
        self.fitting: set[tuple[int, ...]] = set()
        self.origin: Origin | None = None
        self.requires_grad_(False)
        self.eval()

    def spec(self) -> dict[str, Any]:
        """There is none.

        Raises
        ------
        HeteroError
            Always.
        """
        raise HeteroError("a converted network has no spec", fix="save the ordinary network, and convert it again")

    def _accept(self, x: Any) -> tuple[Tensor, str]:
        if not isinstance(x, Tensor) or not x.is_floating_point():
            got = str(x.dtype) if isinstance(x, Tensor) else type(x).__name__
            raise HeteroError(f"the input must be a tensor of floating point numbers, got {got}", fix="use x.float()")
        if x.dim() < 2 or not x.numel():
            raise HeteroError(f"the input must have the shape (batch, ...), got {tuple(x.shape)}", fix="reshape it")
        weight = next(self.parameters())
        x = x.to(device=weight.device, dtype=weight.dtype)
        shape = tuple(x.shape[1:])
        if shape not in self.fitting:
            self._try(shape, x)
            self.fitting.add(shape)
        return x[None], "image"

    def _try(self, shape: tuple[int, ...], x: Tensor) -> None:
        """Refuse a shape that some layer cannot take, of which torch would speak in several lines."""
        if not self.shape or shape == self.shape or (len(self.shape) == 1 and math.prod(shape) == self.shape[0]):
            try:
                with torch.no_grad():
                    h = torch.zeros_like(x[None, :1])
                    for layer in self.layers:
                        h = layer(h)
            except (RuntimeError, ValueError, IndexError):
                pass
            else:
                if h.shape[2:] == (self.classes,):
                    return
        if not self.shape:
            fault = f"the input must fit the layers of the network, got the shape {tuple(x.shape)}"
        else:
            rule = ", ".join(map(str, self.shape))
            fault = f"the input must have the shape (batch, {rule}), got {tuple(x.shape)}"
        raise HeteroError(fault, fix="reshape it, without an axis of steps")

    def _sizes(self) -> str:
        image = ["x".join(map(str, self.shape))] if self.shape else []
        return "-".join([*image, *map(str, self.sizes)])


def _outputs(layer: nn.Linear | nn.Conv2d) -> int:
    return int(layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels)
