"""A spiking Transformer for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.attention import Patches, Positions, TransformerBlock
from hetero_rsnn.gradient.feedforward.layers import Linear
from hetero_rsnn.gradient.feedforward.normalisation import Projection
from hetero_rsnn.gradient.feedforward.setting import Setting
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative

#: Spikes of a neuron in a step from which the scale of an attention is chosen.
_RATE = 0.2


class SpikingTransformer(SpikingNetwork):
    """A spiking network that cuts images into squares, between which blocks of attention exchange spikes.

    Queries, keys and values are spikes, and no softmax stands between them (see `SpikingAttention`); shortcuts add
    analog sums (see `TransformerBlock`). A layer at each place is a convolution of 1 x 1. At the end spikes are
    averaged over places.

    Parameters
    ----------
    shape : (int, int, int)
        Channels, height and width of an image.
    classes : int
    patch : int
        Width of the squares; it divides height and width.
    features : int
        Neurons of each layer at each place.
    depth : int
        Blocks.
    heads : int
        Of each attention; they divide `features`.
    expansion : int
        How many times as wide as `features` the inner layer of a block is.
    scale : float, optional
        What the sums of an attention are multiplied with. By default so that they are 1 on average where every fifth
        neuron fires in a step, independently of others (our choice). Spikformer has 0.125, which means the same here:
        its neurons halve their input, and have a threshold of 1/2.
    steps, neuron, leak, threshold, reset, coding, normalisation, pseudo_derivative, detach_reset, trainable, seed
        See `SpikingMLP`.
    dropout : float
        As for `SpikingMLP`, of the inner layers of blocks.
    weights : {"full", "1bit"}
        With ``"1bit"`` the two layers of each block after its attention have a sign for each weight and one scale for
        each output channel; see `one_bit`.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    References
    ----------
    Z. Zhou et al., ICLR 2023, arXiv:2209.15425 (the attention); C. Zhou et al., arXiv:2304.11954 (the shortcuts);
    Q. Meng et al., arXiv:2508.12609 (layers of 1 bit).

    Examples
    --------
    >>> import torch
    >>> network = SpikingTransformer((1, 28, 28), 10, features=16, heads=2, depth=1)
    >>> network
    SpikingTransformer(1x28x28-7x7x16-10, 1 block of 2 heads, 2 steps, lif, hard reset, direct coding, batch)
    >>> network(torch.rand(5, 1, 28, 28)).shape
    torch.Size([2, 5, 10])
    """

    def __init__(
        self,
        shape: Sequence[int],
        classes: int,
        *,
        patch: int = 4,
        features: int = 64,
        depth: int = 2,
        heads: int = 4,
        expansion: int = 4,
        scale: float | None = None,
        steps: int = 2,
        neuron: str = "lif",
        leak: float | Sequence[float] = 0.5,
        threshold: float | Sequence[float] = 1.0,
        reset: str = "hard",
        coding: str = "direct",
        normalisation: str | None = "batch",
        pseudo_derivative: PseudoDerivative | str = "triangle",
        detach_reset: bool = False,
        trainable: Sequence[str] = (),
        dropout: float = 0.0,
        seed: int = 0,
        weights: str = "full",
    ) -> None:
        setting = Setting(
            steps, neuron, leak, threshold, reset, coding, normalisation, pseudo_derivative, detach_reset, trainable,
            dropout, seed, weights,
        )  # fmt: skip
        if isinstance(shape, str) or not isinstance(shape, Sequence) or len(shape) != 3:
            raise HeteroError(
                f"shape must be (channels, height, width), got {shape!r:.80}", fix="give three whole numbers"
            )
        sizes = tuple(checks.whole("shape", size, least=1) for size in shape)
        super().__init__(sizes, checks.whole("classes", classes, least=1), setting)
        self.patch = checks.whole("patch", patch, least=1)
        self.features = checks.whole("features", features, least=1)
        self.depth = checks.whole("depth", depth, least=1)
        self.heads = checks.whole("heads", heads, least=1)
        self.expansion = checks.whole("expansion", expansion, least=1)
        if sizes[1] % self.patch or sizes[2] % self.patch:
            raise HeteroError(
                f"patch must divide height and width, got {self.patch} and {sizes[1]} x {sizes[2]}",
                fix="pad the images, or use another patch",
            )
        if self.features % self.heads:
            raise HeteroError(
                f"heads must divide features, got {self.heads} and {self.features}", fix="change one of them"
            )
        self.places = sizes[1] // self.patch, sizes[2] // self.patch
        met = self.places[0] * self.places[1] * self.features // self.heads
        self.scale = checks.real("scale", 1 / (met * _RATE**3) if scale is None else scale, above=0.0)
        first = Patches(sizes[0], self.features, self.patch, bias=setting.bias, draw=setting.draw("patches"))
        self.layers.append(Projection(first, setting.norm(self.features)))
        self.layers.append(Positions((self.features, *self.places), draw=setting.draw("positions")))
        for index in range(self.depth):
            block = TransformerBlock(
                self.features, self.heads, self.scale, expansion=self.expansion, setting=setting, index=index
            )
            self.layers.append(block)
        self.layers.append(setting.neurons("last", self.features, 2))
        # Squares as wide as the image: the average over all places.
        whole = max(self.places)
        self.layers.append(Linear(self.features, self.classes, pool=whole, gain=1.0, draw=setting.draw("output")))

    def spec(self) -> dict[str, Any]:
        """Plain data from which `network_from` builds an equal network, without what it has learned."""
        sizes = {"shape": list(self.shape), "classes": self.classes, "patch": self.patch, "features": self.features}
        sizes |= {"depth": self.depth, "heads": self.heads, "expansion": self.expansion, "scale": self.scale}
        return {"network": "SpikingTransformer", **sizes, **self.setting.plain(), "folded": self.is_folded}

    def _sizes(self) -> str:
        image, places = ("x".join(map(str, sizes)) for sizes in (self.shape, (*self.places, self.features)))
        blocks = f"{self.depth} block{'s' * (self.depth != 1)} of {self.heads} head{'s' * (self.heads != 1)}"
        return f"{image}-{places}-{self.classes}, {blocks}"
