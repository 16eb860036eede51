"""Blocks of convolutions with a shortcut."""

from __future__ import annotations

from torch import Tensor, nn

from hetero_rsnn.gradient.feedforward.layers import Conv, Straight
from hetero_rsnn.gradient.feedforward.normalisation import Projection
from hetero_rsnn.gradient.feedforward.setting import Setting

#: How images become half as wide: squares of 2 x 2 are averaged before a convolution, or it has a stride of 2.
POOLS = ("average", "stride")


class BasicBlock(nn.Module):
    """Convolution, normalisation, neurons, convolution, normalisation; plus the shortcut; neurons.

    So the shortcut adds the block's input, spikes, to the input currents of its last neurons (the order of ResNet; for
    spiking networks others are in use, such as a shortcut between membrane potentials or from spikes to spikes). Where
    the shape changes, the shortcut is an average over squares of 2 x 2, if the width is halved, a convolution of 1 x 1,
    and a normalisation. In an odd width the last squares are of what is there. With weights of 1 bit the convolution of
    1 x 1 has full ones.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    halve : bool
        Whether the width is halved.
    pool : {"average", "stride"}
        How, on the way of the convolutions.
    setting : Setting
    name : str
        Blocks of different names get different weights.

    References
    ----------
    K. He et al., CVPR 2016.
    """

    def __init__(self, inputs: int, outputs: int, *, halve: bool, pool: str, setting: Setting, name: str) -> None:
        super().__init__()
        stride, width = (2, 1) if halve and pool == "stride" else (1, 2 if halve else 1)
        bias = setting.bias

        draw = setting.draw(f"{name} first")
        first = setting.conv(inputs, outputs, 3, stride=stride, pool=width, bias=bias, draw=draw)
        self.first = Projection(first, setting.norm(outputs))
        self.inner = setting.neurons(f"{name} inner", outputs, 2)
        second = setting.conv(outputs, outputs, 3, bias=bias, draw=setting.draw(f"{name} second"))
        self.second = Projection(second, setting.norm(outputs))
        self.shortcut: nn.Module = Straight()
        if halve or inputs != outputs:
            # About as much shall go through as through an unchanged shape.
            pooling = 2 if halve else 1
            short = Conv(inputs, outputs, 1, pool=pooling, bias=bias, gain=1.0, draw=setting.draw(f"{name} shortcut"))
            self.shortcut = Projection(short, setting.norm(outputs))
        self.outer = setting.neurons(f"{name} outer", outputs, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes, shape (steps, batch, outputs, height, width)."""
        y: Tensor = self.outer(self.second(self.inner(self.first(x))) + self.shortcut(x))
        return y
