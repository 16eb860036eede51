"""Networks without spikes: what is trained and then converted, or teaches a network that spikes."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.layers import Dropout, torch_generator
from hetero_rsnn.gradient.feedforward.quantised import QCFS
from hetero_rsnn.gradient.feedforward.specs import arrays_of, built, take_over

#: How drives of activations can be normalised.
NORMALISATIONS = ("batch",)
#: Largest activation of a QCFS at first (our choice): about two standard deviations of a normalised drive. The
#: published 8 wants hundreds of epochs to come down: until then most units stand on their lowest levels, and a
#: converted network is far from the one that it was.
THETA = 2.0
#: Makes a layer without values: those that torch would draw come from its global generator.
_empty: Any = nn.utils.skip_init


class OrdinaryBlock(nn.Module):
    """Convolution, normalisation, QCFS, convolution, normalisation; plus the shortcut; QCFS.

    The order of `BasicBlock`. Without levels ReLU stands in the place of QCFS. Where the shape changes, the shortcut is
    an average over squares of 2 x 2, if the width is halved, a convolution of 1 x 1, and a normalisation.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    halve : bool
        Whether the width is halved, by averages over squares of 2 x 2.
    levels : int or None
        Of each QCFS, above 0; None: ReLU.
    theta : float
        Threshold of each QCFS before training, above 0.
    normalisation : {"batch", None}
    seed : int
    name : str
        Blocks of different names get different weights.

    Examples
    --------
    >>> import torch
    >>> OrdinaryBlock(3, 6, halve=True)(torch.rand(8, 3, 7, 7)).shape
    torch.Size([8, 6, 4, 4])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        halve: bool = False,
        levels: int | None = 4,
        theta: float = THETA,
        normalisation: str | None = "batch",
        seed: int = 0,
        name: str = "block",
    ) -> None:
        super().__init__()
        norm = _normalised(normalisation)
        pool = _halved() if halve else []
        first = _conv(inputs, outputs, 3, norm, torch_generator(seed, "weights", f"{name} first"))
        second = _conv(outputs, outputs, 3, norm, torch_generator(seed, "weights", f"{name} second"))
        self.main = nn.Sequential(*pool, *first, _activation(levels, theta), *second)
        self.shortcut: nn.Module = nn.Identity()
        if halve or inputs != outputs:
            draw = torch_generator(seed, "weights", f"{name} shortcut")
            pool = _halved() if halve else []
            self.shortcut = nn.Sequential(*pool, *_conv(inputs, outputs, 1, norm, draw, gain=1.0))
        self.last: Any = _activation(levels, theta)

    def forward(self, x: Tensor) -> Tensor:
        """Activations, shape (batch, outputs, height, width)."""
        y: Tensor = self.last(self.main(x) + self.shortcut(x))
        return y


class OrdinaryNetwork(nn.Module):
    """Layers from an input (batch, ...) to one score a class.

    Attributes
    ----------
    shape : tuple of int
        Of one input: (features,) or (channels, height, width).
    classes : int
    layers : torch.nn.Sequential
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.shape, self.classes = shape, checks.whole("classes", classes, least=1)
        self.layers = nn.Sequential()
        self._options: dict[str, Any] = {}

    def spec(self) -> dict[str, Any]:
        """Plain data from which `ordinary_from` builds an equal network, without what it has learned."""
        return {"network": type(self).__name__, **copy.deepcopy(self._options)}

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All parameters, statistics and counters, by name."""
        return arrays_of(self)

    def from_arrays(self, arrays: Mapping[str, Any]) -> Self:
        """Take over what `to_arrays` of an equal network gave, in its precision; return the network.

        Raises
        ------
        HeteroError
            If one is missing, unknown, or of another shape or kind.
        """
        take_over(self, arrays)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Scores, shape (batch, classes).

        Raises
        ------
        HeteroError
            If the input has another shape or type.
        """
        if not isinstance(x, Tensor) or not x.is_floating_point():
            got = str(x.dtype) if isinstance(x, Tensor) else type(x).__name__
            raise HeteroError(f"the input must be a tensor of floating point numbers, got {got}", fix="use x.float()")
        flat = len(self.shape) == 1 and x.dim() > 1 and math.prod(x.shape[1:]) == self.shape[0]
        if not (flat or x.shape[1:] == self.shape):
            rule = ", ".join(map(str, self.shape))
            raise HeteroError(f"the input must have the shape (batch, {rule}), got {tuple(x.shape)}", fix="reshape it")
        weight = next(self.parameters())
        y: Tensor = self.layers(x.to(device=weight.device, dtype=weight.dtype))
        return y

    def traced(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores, and what each QCFS (or ReLU) was given, with gradients, from the first to the last; see `spread`."""
        drives: list[Tensor] = []

        def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            drives.append(given[0])

        kinds = (QCFS, nn.ReLU)
        hooks = [layer.register_forward_pre_hook(keep) for layer in self.modules() if isinstance(layer, kinds)]
        try:
            return self(x), drives
        finally:
            for hook in hooks:
                hook.remove()


class OrdinaryMLP(OrdinaryNetwork):
    """Layers that are connected all to all, with normalisation and QCFS (or ReLU); the last has neither.

    The training that was published for such networks (see `QCFS`) is stochastic gradient descent with a learning rate
    of 0.1 that falls as a cosine, momentum 0.9 and weight decay 5e-4.

    Parameters
    ----------
    inputs : int
        Features of an input. Images of so many pixels are flattened.
    classes : int
    hidden : sequence of int
        Units of each layer between input and output.
    levels : int or None
        Of each QCFS, above 0. None: ReLU in their place; such a network cannot be converted, and may be the teacher of
        one that spikes.
    theta : float
        Threshold of each QCFS before training, above 0.
    normalisation : {"batch", None}
    dropout : float
        Share of a hidden layer's units that is left out while training.
    seed : int
        For weights and dropout. Weights begin with a normal distribution of variance 2 / inputs of a unit (He et al.,
        ICCV 2015), those of the output and of shortcuts of 1 / inputs; biases at 0.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    Examples
    --------
    >>> import torch
    >>> OrdinaryMLP(64, 10, hidden=(32,))(torch.rand(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        *,
        hidden: Sequence[int] = (512,),
        levels: int | None = 4,
        theta: float = THETA,
        normalisation: str | None = "batch",
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        inputs, levels = checks.whole("inputs", inputs, least=1), _levels(levels)
        seed = checks.whole("seed", seed, least=0)
        super().__init__((inputs,), classes)
        sizes = _sizes("hidden", hidden)
        if not sizes:
            raise HeteroError("hidden must name at least one layer, got none", fix="use e.g. (512,)")
        theta = checks.real("theta", theta, above=0.0)
        dense = _dense(inputs, sizes, self.classes, levels, theta, _normalised(normalisation), dropout, seed)
        self.layers = nn.Sequential(nn.Flatten(), *dense)
        self._options = {
            "inputs": inputs, "classes": self.classes, "hidden": list(sizes), "levels": levels, "theta": theta,
            "normalisation": normalisation, "dropout": float(dropout), "seed": seed,
        }  # fmt: skip


class OrdinaryConvNet(OrdinaryNetwork):
    """Convolutions of 3 x 3 with normalisation and QCFS (or ReLU), in stages; each halves the width of the one before.

    The architecture of `SpikingConvNet` with average pooling; for its training see `OrdinaryMLP`.

    Parameters
    ----------
    shape : (int, int, int)
        Channels, height and width of an image.
    classes : int
    channels : sequence of int
        Of each stage.
    blocks : int
        Blocks of a stage (see `OrdinaryBlock`); 0: plain convolutions.
    hidden : sequence of int
        Units of each layer between the last stage and the output.
    levels, theta, normalisation, seed
        See `OrdinaryMLP`.
    dropout : float
        As for `OrdinaryMLP`, of the hidden layers after the last stage.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    Examples
    --------
    >>> import torch
    >>> OrdinaryConvNet((1, 8, 8), channels=(4, 8))(torch.rand(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        classes: int = 10,
        *,
        channels: Sequence[int] = (32, 64),
        blocks: int = 1,
        hidden: Sequence[int] = (),
        levels: int | None = 4,
        theta: float = THETA,
        normalisation: str | None = "batch",
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        image = _sizes("shape", shape)
        if len(image) != 3:
            raise HeteroError(f"shape must be (channels, height, width), got {image}", fix="give three whole numbers")
        super().__init__(image, classes)
        levels, seed = _levels(levels), checks.whole("seed", seed, least=0)
        theta = checks.real("theta", theta, above=0.0)
        stages, norm = _sizes("channels", channels), _normalised(normalisation)
        if not stages:
            raise HeteroError("channels must name at least one stage, got none", fix="use e.g. (32, 64)")
        blocks = checks.whole("blocks", blocks, least=0)
        layers: list[nn.Module] = []
        before = image[0]
        for stage, count in enumerate(stages):
            halve = stage > 0
            if not halve or not blocks:
                draw = torch_generator(seed, "weights", f"stage {stage}")
                pool = _halved() if halve else []
                layers += [*pool, *_conv(before, count, 3, norm, draw), _activation(levels, theta)]
                before = count
            for block in range(blocks):
                options: dict[str, Any] = {"levels": levels, "theta": theta, "normalisation": normalisation}
                name = f"stage {stage} block {block}"
                layers.append(OrdinaryBlock(before, count, halve=halve and block == 0, name=name, seed=seed, **options))
                before = count
        # Once less between stages, once more here; at the edge of an odd width squares are of what is there.
        features = before * math.prod(-(-size // 2 ** len(stages)) for size in image[1:])
        flat = _sizes("hidden", hidden)
        dense = _dense(features, flat, self.classes, levels, theta, norm, dropout, seed)
        self.layers = nn.Sequential(*layers, *_halved(), nn.Flatten(), *dense)
        self._options = {
            "shape": list(image), "classes": self.classes, "channels": list(stages), "blocks": blocks,
            "hidden": list(flat), "levels": levels, "theta": theta, "normalisation": normalisation,
            "dropout": float(dropout), "seed": seed,
        }  # fmt: skip


_NETWORKS: dict[str, type[OrdinaryMLP | OrdinaryConvNet]] = {
    "OrdinaryMLP": OrdinaryMLP,
    "OrdinaryConvNet": OrdinaryConvNet,
}


def ordinary_from(spec: Mapping[str, Any]) -> OrdinaryMLP | OrdinaryConvNet:
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
    >>> network = OrdinaryMLP(64, 10, hidden=(32,))
    >>> again = ordinary_from(network.spec()).from_arrays(network.to_arrays())
    >>> again.spec() == network.spec()
    True
    """
    return built(_NETWORKS, spec)


class _Dropout(Dropout):
    """A mask for each sample of (batch, ...)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[None])[0]


def _halved() -> list[nn.Module]:
    return [nn.AvgPool2d(2, ceil_mode=True)]


def _conv(
    inputs: int, outputs: int, width: int, norm: bool, draw: torch.Generator, *, gain: float = math.sqrt(2)
) -> list[nn.Module]:
    """A convolution that keeps the size of the image, and its normalisation."""
    layer = _empty(nn.Conv2d, inputs, outputs, width, padding=width // 2, bias=not norm)
    return [_filled(layer, gain, draw), *([nn.BatchNorm2d(outputs)] if norm else [])]


def _dense(
    inputs: int,
    hidden: Sequence[int],
    classes: int,
    levels: int | None,
    theta: float,
    norm: bool,
    dropout: float,
    seed: int,
) -> list[nn.Module]:
    """Layers connected all to all."""
    if checks.real("dropout", dropout, least=0.0) >= 1:
        raise HeteroError(f"dropout must be below 1, got {dropout:g}", fix="use 0.5 or less")
    found: list[nn.Module] = []
    for index, count in enumerate(hidden):
        draw = torch_generator(seed, "weights", f"hidden {index}")
        layer = _empty(nn.Linear, inputs, count, bias=not norm)
        found += [_filled(layer, math.sqrt(2), draw), *([nn.BatchNorm1d(count)] if norm else [])]
        found += [_activation(levels, theta)]
        found += [_Dropout(dropout, seed, index)] if dropout else []
        inputs = count
    last = _empty(nn.Linear, inputs, classes)
    return [*found, _filled(last, 1.0, torch_generator(seed, "weights", "output"))]


def _filled(layer: Any, gain: float, draw: torch.Generator) -> nn.Module:
    """The layer with normal weights of standard deviation ``gain / sqrt(inputs of a unit)``, biases 0."""
    with torch.no_grad():
        layer.weight.normal_(0.0, gain / math.sqrt(layer.weight[0].numel()), generator=draw)
        if layer.bias is not None:
            layer.bias.zero_()
    found: nn.Module = layer
    return found


def _levels(value: int | None) -> int | None:
    return None if value is None else checks.whole("levels", value, least=1)


def _activation(levels: int | None, theta: float) -> nn.Module:
    return nn.ReLU() if levels is None else QCFS(levels, theta)


def _normalised(value: str | None) -> bool:
    return value is not None and bool(checks.one_of("normalisation", value, NORMALISATIONS))


def _sizes(name: str, values: Any) -> tuple[int, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise HeteroError(f"{name} must be a list of whole numbers, got {values!r}", fix=f"write {name}=(64,)")
    return tuple(checks.whole(name, value, least=1) for value in values)
