"""Spiking networks for images: layers that are connected all to all, and convolutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.blocks import POOLS, BasicBlock
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear
from hetero_rsnn.gradient.feedforward.normalisation import Projection
from hetero_rsnn.gradient.feedforward.setting import Setting
from hetero_rsnn.gradient.feedforward.shortcuts import Chain
from hetero_rsnn.gradient.feedforward.specs import built
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork
from hetero_rsnn.gradient.feedforward.transformer import SpikingTransformer
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative


class SpikingMLP(SpikingNetwork):
    """A spiking network of layers that are connected all to all.

    Parameters
    ----------
    inputs : int
        Features of an input. Images of so many pixels are flattened.
    classes : int
    hidden : sequence of int
        Neurons of each layer between input and output.
    steps : int
        How many steps an answer may take.
    neuron : {"lif", "if"}
        Leaky integrate-and-fire neurons, or without leak.
    leak : float or (float, float)
        Share of the potential that is left after a step, for ``"lif"``. Two numbers are the ends of a uniform
        distribution, from which each feature or channel gets its own.
    threshold : float or (float, float)
        As `leak`.
    reset : {"hard", "soft"}
        To 0, or by the threshold.
    coding : {"direct", "rate"}
        Every step gets the image as it is, or spikes with the pixels, from 0 to 1, as their probabilities.
    normalisation : {None, "batch", "tebn"}
        Of the inputs of neurons, over steps and samples; see `BatchNorm` and `TEBN`.
    pseudo_derivative : PseudoDerivative or str
        What stands for the derivative of a spike.
    detach_reset : bool
        No gradient through resets.
    trainable : sequence of str
        ``"leak"``, ``"threshold"`` or both: one for each layer, or for each feature where they were drawn.
    dropout : float
        Share of a hidden layer's spikes that is left out while training, the same in all steps.
    seed : int
        For weights, drawn numbers, rate coding and dropout.
    weights : {"full", "1bit"}
        With ``"1bit"`` all layers but the first and the last have a sign for each weight and one scale for each output
        channel; see `one_bit`.
    shortcuts : bool
        One shortcut around each of these layers, between analog sums (see `ShortcutLayer`), and neurons before the
        last layer. Where the width changes, the shortcut is a layer of full weights.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    Examples
    --------
    >>> import torch
    >>> network = SpikingMLP(64, 10, hidden=(32,), normalisation="tebn", leak=(0.3, 0.9))
    >>> network
    SpikingMLP(64-32-10, 4 steps, lif, hard reset, direct coding, tebn)
    >>> network(torch.rand(5, 64)).shape
    torch.Size([4, 5, 10])
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        *,
        hidden: Sequence[int] = (512,),
        steps: int = 4,
        neuron: str = "lif",
        leak: float | Sequence[float] = 0.5,
        threshold: float | Sequence[float] = 1.0,
        reset: str = "hard",
        coding: str = "direct",
        normalisation: str | None = None,
        pseudo_derivative: PseudoDerivative | str = "triangle",
        detach_reset: bool = False,
        trainable: Sequence[str] = (),
        dropout: float = 0.0,
        seed: int = 0,
        weights: str = "full",
        shortcuts: bool = False,
    ) -> None:
        setting = Setting(
            steps, neuron, leak, threshold, reset, coding, normalisation, pseudo_derivative, detach_reset, trainable,
            dropout, seed, weights, shortcuts,
        )  # fmt: skip
        inputs = checks.whole("inputs", inputs, least=1)
        super().__init__((inputs,), checks.whole("classes", classes, least=1), setting)
        self.hidden = _sizes("hidden", hidden, least=1)
        if not self.hidden:
            raise HeteroError("hidden must name at least one layer, got none", fix="use e.g. (512,)")
        setting.check_inner(len(self.hidden) - 1)
        draw = setting.draw("hidden 0")
        first, count = Linear(inputs, self.hidden[0], bias=setting.bias, draw=draw), self.hidden[0]
        if setting.shortcuts:
            chain = Chain(setting, first, count, "hidden 0", dropout=setting.dropped(0))
            _add_dense(chain, self.hidden, count, setting, start=1)
            self.layers.extend(chain.ended())
        else:
            self.layers.extend(_spiking(first, count, setting, 0))
            self.layers.extend(_dense(self.hidden, count, setting, start=1))
        self.layers.append(_output(self.hidden[-1], 1, self.classes, setting))

    def spec(self) -> dict[str, Any]:
        """Plain data from which `network_from` builds an equal network, without what it has learned."""
        sizes = {"inputs": self.shape[0], "classes": self.classes, "hidden": list(self.hidden)}
        return {"network": "SpikingMLP", **sizes, **self.setting.plain(), "folded": self.is_folded}

    def _accept(self, x: Any) -> tuple[Tensor, str]:
        if isinstance(x, Tensor) and x.dim() in (4, 5):
            x = x.flatten(x.dim() - 3)
        return super()._accept(x)

    def _sizes(self) -> str:
        return "-".join(map(str, (*self.shape, *self.hidden, self.classes)))


class SpikingConvNet(SpikingNetwork):
    """A spiking network of convolutions of 3 x 3, in stages; each stage halves the width of the one before.

    A first convolution is followed by blocks with a shortcut each (see `BasicBlock`), or without blocks by one
    convolution a stage. Then squares of 2 x 2 are averaged, and layers connected all to all follow.

    Parameters
    ----------
    shape : (int, int, int)
        Channels, height and width of an image.
    classes : int
    channels : sequence of int
        Of each stage.
    blocks : int
        Blocks of a stage; 0: plain convolutions.
    pool : {"average", "stride"}
        How the width is halved: by averages over squares of 2 x 2, or by a stride of the convolution.
    hidden : sequence of int
        Neurons of each layer between the last stage and the output.
    steps, neuron, leak, threshold, reset, coding, normalisation, pseudo_derivative, detach_reset, trainable, seed
        See `SpikingMLP`.
    weights : {"full", "1bit"}
        With ``"1bit"`` all layers but the first, the last, and convolutions of 1 x 1 have weights of 1 bit.
    shortcuts : bool
        In place of one shortcut a block, one around each convolution of 3 x 3 but the first, and around each hidden
        layer, between analog sums (see `ShortcutLayer`), and neurons before the last layer. Where the shape changes,
        the shortcut is an average over squares of 2 x 2, if the width is halved, and a convolution of 1 x 1 with full
        weights; at the first hidden layer an average over the whole image, and a layer of full weights. With blocks
        and without hidden layers there are as many weights as without these shortcuts.
    dropout : float
        As for `SpikingMLP`, of the hidden layers after the last stage.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    Examples
    --------
    >>> import torch
    >>> network = SpikingConvNet((1, 8, 8), 10, channels=(4, 8), normalisation="batch")
    >>> network
    SpikingConvNet(1x8x8-4-8-10, 1 block a stage, 4 steps, lif, hard reset, direct coding, batch)
    >>> network(torch.rand(5, 1, 8, 8)).shape
    torch.Size([4, 5, 10])
    """

    def __init__(
        self,
        shape: Sequence[int],
        classes: int,
        *,
        channels: Sequence[int] = (32, 64),
        blocks: int = 1,
        pool: str = "average",
        hidden: Sequence[int] = (),
        steps: int = 4,
        neuron: str = "lif",
        leak: float | Sequence[float] = 0.5,
        threshold: float | Sequence[float] = 1.0,
        reset: str = "hard",
        coding: str = "direct",
        normalisation: str | None = None,
        pseudo_derivative: PseudoDerivative | str = "triangle",
        detach_reset: bool = False,
        trainable: Sequence[str] = (),
        dropout: float = 0.0,
        seed: int = 0,
        weights: str = "full",
        shortcuts: bool = False,
    ) -> None:
        setting = Setting(
            steps, neuron, leak, threshold, reset, coding, normalisation, pseudo_derivative, detach_reset, trainable,
            dropout, seed, weights, shortcuts,
        )  # fmt: skip
        sizes = _sizes("shape", shape, least=1)
        if len(sizes) != 3:
            raise HeteroError(f"shape must be (channels, height, width), got {sizes}", fix="give three whole numbers")
        super().__init__(sizes, checks.whole("classes", classes, least=1), setting)
        self.channels = _sizes("channels", channels, least=1)
        if not self.channels:
            raise HeteroError("channels must name at least one stage, got none", fix="use e.g. (32, 64)")
        self.blocks = checks.whole("blocks", blocks, least=0)
        self.pool = checks.one_of("pool", pool, POOLS)
        self.hidden = _sizes("hidden", hidden, least=1)
        stages = len(self.channels)
        setting.check_inner((self.blocks * stages or stages - 1) + len(self.hidden))
        # Once halved between stages, once more before the flat layers.
        features = self.channels[-1] * -(-sizes[1] // 2**stages) * -(-sizes[2] // 2**stages)
        if setting.shortcuts:
            chain = self._chain()
            width = max(-(-size // 2 ** (stages - 1)) for size in sizes[1:])
            _add_dense(chain, self.hidden, features, setting, pool=2, width=width)
            self.layers.extend(chain.ended())
        else:
            self.layers.extend(self._stages())
            self.layers.extend(_dense(self.hidden, features, setting, pool=2))
        flat: tuple[int, int] = (self.hidden[-1], 1) if self.hidden else (features, 2)
        self.layers.append(_output(*flat, self.classes, setting))

    def _stages(self) -> list[nn.Module]:
        found: list[nn.Module] = []
        before = self.shape[0]
        for stage, count in enumerate(self.channels):
            halve = stage > 0
            if not halve or not self.blocks:
                conv = self._conv(before, count, halve, f"stage {stage}", first=not halve)
                found += [Projection(conv, self.setting.norm(count)), self.setting.neurons(f"stage {stage}", count, 2)]
                before = count
            for block in range(self.blocks):
                first = halve and block == 0
                name = f"stage {stage} block {block}"
                found.append(BasicBlock(before, count, halve=first, pool=self.pool, setting=self.setting, name=name))
                before = count
        return found

    def _chain(self) -> Chain:
        """The same convolutions, each with a shortcut of its own."""
        before = self.channels[0]
        chain = Chain(self.setting, self._conv(self.shape[0], before, False, "stage 0", first=True), before, "stage 0",
                      axes=2)  # fmt: skip
        for stage, count in enumerate(self.channels):
            halve = stage > 0
            if halve and not self.blocks:
                self._add(chain, count, halve, f"stage {stage}", f"stage {stage}", f"stage {stage}")
            for block in range(self.blocks):
                name = f"stage {stage} block {block}"
                self._add(chain, count, halve and block == 0, f"{name} first", f"{name} inner", name)
                self._add(chain, count, False, f"{name} second", f"{name} outer", name)
        return chain

    def _add(self, chain: Chain, count: int, halve: bool, conv: str, neurons: str, shortcut: str) -> None:
        """A convolution, and the shortcut around it; the names are what both, and the next neurons, are drawn by."""
        before, short = chain.features, None
        if halve or before != count:
            # About as much shall go through as through an unchanged shape.
            short = Conv(
                before, count, 1, pool=2 if halve else 1, bias=self.setting.bias, gain=1.0, analog=True,
                draw=self.setting.draw(f"{shortcut} shortcut"),
            )  # fmt: skip
        chain.add(self._conv(before, count, halve, conv), short, count, neurons, axes=2)

    def _conv(self, inputs: int, outputs: int, halve: bool, name: str, *, first: bool = False) -> Conv:
        ways: dict[str, Any] = {"stride": 2} if halve and self.pool == "stride" else {"pool": 2} if halve else {}
        kind = Conv if first else self.setting.conv
        return kind(inputs, outputs, 3, bias=self.setting.bias, draw=self.setting.draw(name), **ways)

    def spec(self) -> dict[str, Any]:
        """Plain data from which `network_from` builds an equal network, without what it has learned."""
        sizes = {"shape": list(self.shape), "classes": self.classes, "channels": list(self.channels)}
        sizes |= {"blocks": self.blocks, "pool": self.pool, "hidden": list(self.hidden)}
        return {"network": "SpikingConvNet", **sizes, **self.setting.plain(), "folded": self.is_folded}

    def _sizes(self) -> str:
        image = "x".join(map(str, self.shape))
        sizes = "-".join(map(str, (image, *self.channels, *self.hidden, self.classes)))
        return f"{sizes}, {self.blocks} block{'s' * (self.blocks != 1)} a stage"


_NETWORKS: dict[str, type[SpikingMLP | SpikingConvNet | SpikingTransformer]] = {
    "SpikingMLP": SpikingMLP,
    "SpikingConvNet": SpikingConvNet,
    "SpikingTransformer": SpikingTransformer,
}


def network_from(spec: Mapping[str, Any]) -> SpikingMLP | SpikingConvNet | SpikingTransformer:
    """The network that ``spec()`` of another describes, with weights as they begin.

    Parameters
    ----------
    spec : mapping
        Plain data, such as JSON holds.

    Raises
    ------
    HeteroError
        If it is not one of a network.

    Examples
    --------
    >>> network = SpikingMLP(64, 10, hidden=(32,))
    >>> again = network_from(network.spec()).from_arrays(network.to_arrays())
    >>> again.spec() == network.spec()
    True
    """
    options = dict(spec) if isinstance(spec, Mapping) else {}
    is_folded = options.pop("folded", False)
    if not isinstance(is_folded, bool):
        raise HeteroError(f"folded must be true or false, got {is_folded!r}", fix="take what spec() of a network gives")
    bump = options.get("pseudo_derivative")
    if isinstance(bump, Mapping):
        options["pseudo_derivative"] = PseudoDerivative(**bump)
    network = built(_NETWORKS, options)
    return network.eval().folded() if is_folded else network


def _sizes(name: str, values: Any, *, least: int) -> tuple[int, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise HeteroError(f"{name} must be a list of whole numbers, got {values!r}", fix=f"write {name}=(64,)")
    return tuple(checks.whole(name, value, least=least) for value in values)


def _spiking(connections: Linear, count: int, setting: Setting, index: int) -> list[nn.Module]:
    """Connections to a hidden layer, and its neurons."""
    dropout = setting.dropped(index)
    layers = [Projection(connections, setting.norm(count)), setting.neurons(f"hidden {index}", count)]
    return [*layers, *([dropout] if dropout else [])]


def _dense(
    hidden: Sequence[int], inputs: int, setting: Setting, *, start: int = 0, pool: int = 1
) -> list[nn.Module]:  # fmt: skip
    """Hidden layers from this one on, connected all to all; squares of pixels are averaged before the first."""
    found: list[nn.Module] = []
    for index, count in enumerate(hidden[start:], start):
        draw = setting.draw(f"hidden {index}")
        linear = setting.linear(inputs, count, bias=setting.bias, pool=pool, draw=draw)
        found += _spiking(linear, count, setting, index)
        inputs, pool = count, 1
    return found


def _add_dense(
    chain: Chain, hidden: Sequence[int], inputs: int, setting: Setting, *, start: int = 0, pool: int = 1, width: int = 1
) -> None:  # fmt: skip
    """The same layers, each with a shortcut; around the first an average over squares as wide as an image."""
    for index, count in enumerate(hidden[start:], start):
        draw = setting.draw(f"hidden {index}")
        main = setting.linear(inputs, count, bias=setting.bias, pool=pool, draw=draw)
        short = None
        if chain.axes or chain.features != count:
            short = Linear(
                chain.features, count, bias=setting.bias, pool=width, gain=1.0, analog=True,
                draw=setting.draw(f"hidden {index} shortcut"),
            )  # fmt: skip
        chain.add(main, short, count, f"hidden {index}", dropout=setting.dropped(index))
        inputs, pool, width = count, 1, 1


def _output(inputs: int, pool: int, classes: int, setting: Setting) -> Linear:
    return Linear(inputs, classes, pool=pool, gain=1.0, draw=setting.draw("output"))
