"""Layers that hand on analog sums, each with a shortcut around it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hetero_rsnn.gradient.feedforward.layers import Conv, Dropout, Linear
from hetero_rsnn.gradient.feedforward.normalisation import Projection
from hetero_rsnn.gradient.feedforward.setting import Setting


class Bias(nn.Module):
    """A learned number of each feature or channel, added in every step; 0 at the beginning.

    Parameters
    ----------
    features : int
        Features, or channels.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of the input (steps, batch, features, ...)."""
        return x + self.bias.reshape(-1, *[1] * (x.dim() - 3))

    def extra_repr(self) -> str:
        return f"{len(self.bias)}"


class ShortcutLayer(nn.Module):
    """Bias, neurons, connections, normalisation; plus the shortcut: from analog sums to analog sums.

    So what comes out of every layer is the sum of what all layers before have added, in full precision, and what a
    layer makes of signs alone is a change to it (the order of ReActNet, whose binary activation is a spike here).

    Parameters
    ----------
    bias : Bias
    neurons : Neurons
    dropout : Dropout or None
        Of the neurons' spikes.
    main : Projection
    shortcut : Projection or None
        Where the shape changes; it takes the sums themselves.

    References
    ----------
    Z. Liu et al., "Bi-Real Net", ECCV 2018 (a shortcut around every layer); Z. Liu et al., "ReActNet", ECCV 2020;
    Q. Meng et al., arXiv:2508.12609 (spiking networks with weights of 1 bit).
    """

    def __init__(
        self, bias: Bias, neurons: nn.Module, dropout: Dropout | None, main: Projection, shortcut: Projection | None
    ) -> None:
        super().__init__()
        self.bias, self.neurons, self.dropout = bias, neurons, dropout or nn.Identity()
        self.main, self.shortcut = main, shortcut or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Analog sums, shape (steps, batch, outputs, ...)."""
        y: Tensor = self.main(self.dropout(self.neurons(self.bias(x)))) + self.shortcut(x)
        return y


class Chain:
    """Layers one after the other, each with its shortcut, while they are put together.

    Neurons have the names, and so the drawn numbers, of those in a network without these shortcuts.

    Parameters
    ----------
    setting : Setting
    first : Linear or Conv
        From the input.
    features : int
        Features or channels of its sums.
    name : str
        Of the neurons that these drive.
    axes : int
        Of an image, after the channels.
    dropout : Dropout or None
        Of the spikes of these neurons.

    Attributes
    ----------
    layers : list of torch.nn.Module
    """

    def __init__(
        self, setting: Setting, first: Linear | Conv, features: int, name: str, *, axes: int = 0,
        dropout: Dropout | None = None,
    ) -> None:  # fmt: skip
        self.setting = setting
        self.layers: list[nn.Module] = [Projection(first, setting.norm(features))]
        self.features, self.name, self.axes, self.dropout = features, name, axes, dropout

    def add(
        self, main: Linear | Conv, shortcut: Linear | Conv | None, features: int, name: str, *, axes: int = 0,
        dropout: Dropout | None = None,
    ) -> None:  # fmt: skip
        """One layer more, with the shortcut that a change of shape needs; the rest as for the first."""
        norm = self.setting.norm
        way = None if shortcut is None else Projection(shortcut, norm(features))
        into = (Bias(self.features), self._neurons(), self.dropout)
        self.layers.append(ShortcutLayer(*into, Projection(main, norm(features)), way))
        self.features, self.name, self.axes, self.dropout = features, name, axes, dropout

    def ended(self) -> list[nn.Module]:
        """All layers, and neurons that take the last sums."""
        return [*self.layers, self._neurons(), *([self.dropout] if self.dropout else [])]

    def _neurons(self) -> nn.Module:
        return self.setting.neurons(self.name, self.features, self.axes)
