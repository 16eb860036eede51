"""Networks with 1-bit weights as bits: from torch to a `PackedNetwork`, which runs without it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.gradient.feedforward.blocks import BasicBlock
from hetero_rsnn.gradient.feedforward.folding import ScaledSigns
from hetero_rsnn.gradient.feedforward.layers import Conv, Dropout, Linear, Straight
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP
from hetero_rsnn.gradient.feedforward.neurons import Neurons
from hetero_rsnn.gradient.feedforward.shortcuts import Bias, ShortcutLayer
from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    FullConv,
    FullLinear,
    Layer,
    PackedConv,
    PackedLinear,
    Shortcut,
    SpikingNeurons,
)
from hetero_rsnn.gradient.packed.network import PackedNetwork


def pack(network: SpikingMLP | SpikingConvNet) -> PackedNetwork:
    """A network with 1-bit weights as bits, which decides without torch and can be saved as such.

    Parameters
    ----------
    network : SpikingMLP or SpikingConvNet
        With ``weights="1bit"``, in evaluation and single precision; with or without shortcuts, blocks and
        ``normalisation="batch"``, which is folded. Not changed.

    Returns
    -------
    PackedNetwork
        The first layer, the last, and layers on the way of shortcuts keep their full weights. It takes images (samples,
        ...), or events (steps, samples, ...), and gives outputs (steps, samples, classes).

    Raises
    ------
    HeteroError
        If a layer between the first and the last has full weights or the network is in the first stage of its training;
        with rate coding or TEBN; in training or another precision.

    Notes
    -----
    What layers of 1 bit, neurons, averages over squares of 2 x 2, and shortcuts without weights compute is equal, bit
    for bit, to what ``network.folded()`` computes of the same values on a CPU: the sums are exact, and all other
    operations are rounded one by one, in the same order. (That is so for spikes of the height 1, as these networks have
    them; where neurons were exchanged for some of another height, torch rounds while it sums.) The layers with full
    weights, and averages over whole images before them, are not: a packed network sums them in double precision and
    rounds once, torch in single precision and in an order that depends on the machine and the size of the batch. The
    sums of these layers differ by that rounding, relative to the largest terms about 1e-7 times the square root of
    their number. A spike differs only if the potential of its neuron is as close to the threshold; then what comes
    after it differs too.

    See Also
    --------
    PackedNetwork.save, load_packed_network

    Examples
    --------
    >>> import torch
    >>> network = SpikingMLP(64, 10, hidden=(128, 128), weights="1bit", normalisation="batch").eval()
    >>> packed = pack(network)
    >>> packed.bits, [type(layer).__name__ for layer in packed.layers[:3]]
    (16384, ['FullLinear', 'SpikingNeurons', 'PackedLinear'])
    >>> packed.run(torch.rand(5, 64).numpy()).shape
    (4, 5, 10)
    """
    layers = plain_layers(network, "pack", bits=True)
    if network.coding is not None:
        raise HeteroError("a network with rate coding cannot be packed", fix="train one with coding='direct'")
    odd = sorted({str(p.dtype) for p in network.state_dict().values() if p.is_floating_point()} - {"torch.float32"})
    if odd:
        raise HeteroError(f"a network must be of torch.float32 to be packed, got {odd[0]}", fix="call float() of it")
    return PackedNetwork(network.shape, layers, steps=network.steps)


def plain_layers(network: Any, who: str, *, bits: bool = False) -> list[Layer]:
    """The layers of a network, folded, as plain arrays in single precision.

    Parameters
    ----------
    network : SpikingMLP or SpikingConvNet
        Not changed.
    who : str
        Asks, and is named where this cannot be.
    bits : bool
        Whether full weights between the first and the last layer are refused.

    Raises
    ------
    HeteroError
        As `pack`, but for rate coding and precision.
    """
    if not isinstance(network, SpikingMLP | SpikingConvNet):
        raise HeteroError(
            f"{who} takes a SpikingMLP or SpikingConvNet, got {type(network).__name__}", fix="give such a network"
        )
    if network.training:
        raise HeteroError(f"{who} takes no network in training", fix="call eval() of the network first")
    if network.setting.normalisation == "tebn":
        raise HeteroError(
            f"{who} takes no network with TEBN, since its scales differ from step to step",
            fix="train one with normalisation='batch'",
        )
    inner = list(network.folded().layers)
    packer = _Packer(bits)
    packer.full(inner[0])
    for place, layer in enumerate(inner[1:-1], 1):
        packer.layer(str(place), layer)
    packer.full(inner[-1])
    return packer.layers


class _Packer:
    """Layers, and whether the last of them gives images."""

    def __init__(self, bits: bool) -> None:
        self.layers: list[Layer] = []
        self._images, self._bits = False, bits

    def full(self, layer: Any) -> None:
        """Connections that keep their weights."""
        self.layers += _full(layer)
        self._images = isinstance(layer, Conv)

    def layer(self, place: str, layer: Any) -> None:
        """Any layer between the first and the last."""
        before = len(self.layers) - 1
        if isinstance(layer, Neurons):
            self.layers.append(_neurons(layer))
        elif isinstance(layer, ScaledSigns):
            self._signs(place, layer)
        elif isinstance(layer, BasicBlock):
            self._inside(place, layer, ("first", "inner", "second"))
            self._shortcut(before, layer.shortcut)
            self.layer(f"{place}.outer", layer.outer)
        elif isinstance(layer, ShortcutLayer):
            neurons: Any = layer.neurons
            self.layers.append(_neurons(neurons, _bias(layer.bias, self._images)))
            self._inside(place, layer, ("dropout", "main"))
            self._shortcut(before, layer.shortcut)
        elif isinstance(layer, Linear | Conv) and not self._bits:
            self.full(layer)
        elif isinstance(layer, Linear | Conv):
            raise HeteroError(
                f"layer {place} ({type(layer).__name__}) has full weights, and only the first and the last may",
                fix="train a network with weights='1bit'",
            )
        elif not isinstance(layer, Dropout | nn.Identity):
            raise HeteroError(
                f"layer {place} ({type(layer).__name__}) has no place in a packed network",
                fix="pack a network whose layers were not exchanged",
            )

    def _inside(self, place: str, layer: nn.Module, names: Iterable[str]) -> None:
        for name in names:
            self.layer(f"{place}.{name}", getattr(layer, name))

    def _signs(self, place: str, layer: ScaledSigns) -> None:
        if not layer.binary and not self._bits:
            self.full(layer.as_full())
            return
        if not layer.binary:
            raise HeteroError(
                f"layer {place} is in the first stage of its training and has full weights",
                fix="go on with the training, or call use_one_bit(network)",
            )
        kind, numbers = layer.layer, (layer.signs(), layer.scale(), layer.offset())
        self._images = isinstance(kind, Conv)
        self.layers.append(
            PackedConv(*numbers, stride=kind.stride[0], pool=kind.pool)
            if isinstance(kind, Conv)
            else PackedLinear(*numbers, pool=kind.pool)
        )

    def _shortcut(self, source: int, way: nn.Module) -> None:
        """What goes around layers; it may have weights of its own."""
        straight = isinstance(way, Straight | nn.Identity)
        self.layers.append(Shortcut(source, [] if straight else _full(way)))


def _full(layer: Any) -> list[Layer]:
    """Connections with full weights, and averages before them."""
    pooling: list[Layer] = [AveragePool(layer.pool)] if layer.pool > 1 else []
    weight, bias = _numbers(layer.weight), 0.0 if layer.bias is None else _numbers(layer.bias)
    if isinstance(layer, Conv):
        return [*pooling, FullConv(weight, bias, stride=layer.stride[0])]
    return [*pooling, FullLinear(weight, bias)]


def _neurons(neurons: Neurons, bias: Array | float = 0.0) -> SpikingNeurons:
    values: dict[str, Any] = {name: _numbers(getattr(neurons, name)) for name in ("leak", "threshold", "start")}
    amplitude: Any = _numbers(neurons.amplitude)
    return SpikingNeurons(**values, reset=neurons.reset_kind, ties=neurons.ties, amplitude=amplitude, bias=bias)


def _bias(layer: Bias, images: bool) -> Array:
    numbers: Array = _numbers(layer.bias)
    return numbers[:, None, None] if images else numbers


def _numbers(value: float | Tensor) -> Any:
    return value.detach().to("cpu", torch.float32).numpy() if isinstance(value, Tensor) else value
