"""Networks without spikes, with activations of a few levels: what is trained and then converted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.gradient.feedforward.quantised import QCFS

NORMALISATIONS = ("batch", "none")


class OrdinaryBlock(nn.Module):
    """Residual block: convolution, normalisation, QCFS, convolution, normalisation; the shortcut is added, then QCFS.

    The shortcut is the identity, or a 1 x 1 convolution with normalisation where the number of channels changes.
    """

    def __init__(self, channels: int, out_channels: int, levels: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            *_convolution(channels, out_channels, 3), QCFS(levels), *_convolution(out_channels, out_channels, 3)
        )
        changes = out_channels != channels
        self.shortcut = nn.Sequential(*_convolution(channels, out_channels, 1)) if changes else nn.Identity()
        self.activation = QCFS(levels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(self.main(x) + self.shortcut(x))


class OrdinaryNetwork(nn.Module):
    """What `OrdinaryMLP` and `OrdinaryConvNet` have in common: ``layers``, one after the other."""

    layers: nn.Sequential

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores, shape (batch, classes)."""
        return self.layers(x)

    def with_drives(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Scores, and what each QCFS layer was given, shape (batch, ...) each, in the order of the layers."""
        drives: list[torch.Tensor] = []

        def keep(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            drives.append(given[0])

        hooks = [layer.register_forward_pre_hook(keep) for layer in self.modules() if isinstance(layer, QCFS)]
        try:
            return self(x), drives
        finally:
            for hook in hooks:
                hook.remove()


class OrdinaryMLP(OrdinaryNetwork):
    """Layers of Linear, BatchNorm and QCFS, and a last Linear.

    The training that was published for such networks (see `QCFS`) is stochastic gradient descent with a learning rate
    of 0.1 that falls as a cosine, momentum 0.9 and weight decay 5e-4.

    Parameters
    ----------
    inputs, classes : int
        Numbers of a sample, which may have any shape, and scores.
    hidden : sequence of int
        Units of each hidden layer; at least one layer.
    levels : int
        Of each QCFS, above 0.
    normalisation : str
        ``"batch"`` or ``"none"``.
    dropout : float
        Share of each hidden layer that is left out in training; at least 0, below 1.
    seed : int
        Of the weights: normal, of variance 2 / inputs of the layer. No other random state is used.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryMLP
    >>> model = OrdinaryMLP(64, 10, hidden=(32,))
    >>> model(torch.rand(5, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        hidden: Sequence[int] = (512,),
        levels: int = 4,
        normalisation: str = "batch",
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        checks.one_of("normalisation", normalisation, NORMALISATIONS)
        share = checks.real("dropout", dropout, least=0.0)
        if share >= 1:
            raise HeteroError(f"dropout must be below 1, got {share:g}", fix="leave out less")
        sizes = [checks.whole("inputs", inputs, least=1), *_sizes("hidden", hidden)]
        layers: list[nn.Module] = [nn.Flatten()]
        for before, units in zip(sizes[:-1], sizes[1:], strict=True):
            layers.append(_empty(nn.Linear, before, units, bias=normalisation == "none"))
            if normalisation == "batch":
                layers.append(nn.BatchNorm1d(units))
            layers.append(QCFS(levels))
            if share:
                layers.append(nn.Dropout(share))
        layers.append(_empty(nn.Linear, sizes[-1], checks.whole("classes", classes, least=1)))
        self.layers = nn.Sequential(*layers)
        _draw_weights(self, seed)


class OrdinaryConvNet(OrdinaryNetwork):
    """Stages of residual blocks with average pooling between them, for images.

    A convolution of 3 x 3 with BatchNorm and QCFS comes first; `blocks` residual blocks follow in each stage; each stage
    but the first begins with average pooling of 2 x 2. Then come global average pooling, hidden layers as in
    `OrdinaryMLP`, and a last Linear. For its training see there.

    Parameters
    ----------
    shape : tuple of int
        Channels, height, width of an image.
    classes : int
        Scores.
    channels : sequence of int
        Of each stage.
    blocks : int
        Of each stage; 0 for none.
    hidden : sequence of int
        Units of each hidden layer before the last.
    levels : int
        Of each QCFS, above 0.
    seed : int
        Of the weights: normal, of variance 2 / inputs of a unit. No other random state is used.

    Raises
    ------
    HeteroError
        If an argument breaks its rule, or the image is too small for the stages.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryConvNet
    >>> model = OrdinaryConvNet((1, 8, 8), channels=(4, 8))
    >>> model(torch.rand(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        classes: int = 10,
        channels: Sequence[int] = (32, 64),
        blocks: int = 1,
        hidden: Sequence[int] = (),
        levels: int = 4,
        seed: int = 0,
    ) -> None:
        super().__init__()
        colours, height, width = _image(shape)
        stages = _sizes("channels", channels)
        count = checks.whole("blocks", blocks, least=0)
        if min(height, width) >> (len(stages) - 1) < 1:
            raise HeteroError(
                f"images of {height} x {width} are too small for {len(stages)} stages", fix="give fewer channels"
            )
        layers: list[nn.Module] = [*_convolution(colours, stages[0], 3), QCFS(levels)]
        before = stages[0]
        for stage, units in enumerate(stages):
            if stage:
                layers.append(nn.AvgPool2d(2))
                if not count:
                    layers += [*_convolution(before, units, 3), QCFS(levels)]
            layers += [OrdinaryBlock(before if not k else units, units, levels) for k in range(count)]
            before = units
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        for units in _sizes("hidden", hidden, least=0):
            layers += [_empty(nn.Linear, before, units, bias=False), nn.BatchNorm1d(units), QCFS(levels)]
            before = units
        layers.append(_empty(nn.Linear, before, checks.whole("classes", classes, least=1)))
        self.layers = nn.Sequential(*layers)
        _draw_weights(self, seed)


def _convolution(channels: int, out_channels: int, width: int) -> list[nn.Module]:
    """A convolution that keeps the size, and its normalisation."""
    layer = _empty(nn.Conv2d, channels, out_channels, width, padding=width // 2, bias=False)
    return [layer, nn.BatchNorm2d(out_channels)]


def _empty(kind: Any, *arguments: Any, **options: Any) -> nn.Module:
    """A layer without values: those that torch would draw come from its global generator."""
    layer: nn.Module = nn.utils.skip_init(kind, *arguments, **options)
    return layer


def _draw_weights(network: nn.Module, seed: int) -> None:
    """Normal weights of variance 2 / inputs of a unit, as for rectified units (He et al. 2015); biases 0."""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            shape = tuple(layer.weight.shape)
            w = generator(seed, "weights", name).normal(0.0, math.sqrt(2 / math.prod(shape[1:])), shape)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(w.astype(np.float64)))
                if layer.bias is not None:
                    layer.bias.zero_()


def _sizes(name: str, value: Any, *, least: int = 1) -> list[int]:
    """Whole numbers above 0, at least so many of them."""
    sizes = [value] if isinstance(value, int) else list(value)
    if len(sizes) < least:
        raise HeteroError(f"{name} must name at least one layer, got {value!r}", fix=f"write {name}=(64,)")
    return [checks.whole(name, size, least=1) for size in sizes]


def _image(shape: Sequence[int]) -> list[int]:
    numbers = [checks.whole("shape", size, least=1) for size in shape]
    if len(numbers) != 3:
        raise HeteroError(f"shape must be (channels, height, width), got {tuple(shape)}", fix="write (1, 28, 28)")
    return numbers
