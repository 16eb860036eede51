"""What all spiking networks are made with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.gradient.feedforward.layers import Conv, Dropout, Linear, torch_generator
from hetero_rsnn.gradient.feedforward.neurons import RESETS, TRAINABLE, Neurons
from hetero_rsnn.gradient.feedforward.normalisation import NORMALISATIONS, TEBN, BatchNorm
from hetero_rsnn.gradient.feedforward.one_bit import WEIGHTS, OneBitConv, OneBitLinear
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative

#: Kinds of neurons: with a leak, and without.
NEURONS = ("lif", "if")
#: How an image becomes the input of each step: as it is, or as spikes with its pixels as their probabilities.
CODINGS = ("direct", "rate")


@dataclass(frozen=True)
class Setting:
    """Options of a spiking network; see `SpikingMLP`.

    Raises
    ------
    HeteroError
        If one breaks its rule.
    """

    steps: int
    neuron: str
    leak: float | Sequence[float]
    threshold: float | Sequence[float]
    reset: str
    coding: str
    normalisation: str | None
    pseudo_derivative: PseudoDerivative | str
    detach_reset: bool
    trainable: Sequence[str]
    dropout: float
    seed: int
    weights: str = "full"
    shortcuts: bool = False

    def __post_init__(self) -> None:
        checks.whole("steps", self.steps, least=1)
        checks.one_of("neuron", self.neuron, NEURONS)
        checks.one_of("reset", self.reset, RESETS)
        checks.one_of("coding", self.coding, CODINGS)
        if self.normalisation is not None:
            checks.one_of("normalisation", self.normalisation, NORMALISATIONS)
        if checks.real("dropout", self.dropout, least=0.0) >= 1:
            raise HeteroError(f"dropout must be below 1, got {self.dropout:g}", fix="use 0.5 or less")
        checks.whole("seed", self.seed, least=0)
        checks.one_of("weights", self.weights, WEIGHTS)
        checks.truth("shortcuts", self.shortcuts)
        object.__setattr__(self, "shortcuts", bool(self.shortcuts))
        if not isinstance(self.trainable, str | Iterable):
            raise HeteroError(f"trainable must be a list of names, got {self.trainable!r:.80}", fix="write ('leak',)")
        trainable = (self.trainable,) if isinstance(self.trainable, str) else tuple(self.trainable)
        for name in trainable:
            checks.one_of("trainable quantity", name, TRAINABLE)
        if self.neuron == "if" and "leak" in trainable:
            raise HeteroError("integrate-and-fire neurons have no leak to train", fix="use neuron='lif'")
        for name in ("leak", "threshold"):
            ends = checks.finite_array(name, getattr(self, name), (0, 1))
            if ends.ndim and (ends.size != 2 or ends[0] > ends[1]):
                raise HeteroError(
                    f"{name} must be a number, or two: from low to high, got {ends.tolist()}", fix="change it"
                )
            plain = float(ends) if not ends.ndim else (float(ends[0]), float(ends[1]))
            object.__setattr__(self, name, plain)
        Neurons(leak=self.leak, threshold=self.threshold, trainable=trainable)  # refuses what is out of range
        object.__setattr__(self, "trainable", trainable)
        object.__setattr__(self, "pseudo_derivative", PseudoDerivative.of(self.pseudo_derivative))

    def neurons(self, name: str, features: int, axes: int = 0) -> Neurons:
        """A layer of neurons; `axes` more axes follow that of the features."""
        return Neurons(
            leak=1.0 if self.neuron == "if" else self._values("leak", name, features, axes),
            threshold=self._values("threshold", name, features, axes),
            reset=self.reset,
            pseudo_derivative=self.pseudo_derivative,
            detach_reset=self.detach_reset,
            trainable=self.trainable,
        )

    def _values(self, quantity: str, name: str, features: int, axes: int) -> Any:
        value = getattr(self, quantity)
        if isinstance(value, float):
            return value
        drawn = generator(self.seed, "neurons", quantity, name).uniform(value[0], value[1], features)
        return drawn.reshape(features, *[1] * axes).astype(np.float32)  # as weights are, and as some devices need

    def norm(self, features: int) -> BatchNorm | None:
        """The normalisation of so many features or channels."""
        if self.normalisation is None:
            return None
        return BatchNorm(features) if self.normalisation == "batch" else TEBN(features, self.steps)

    def check_inner(self, layers: int) -> None:
        """Refuse options about layers between the first and the last of a network that has none."""
        said = "weights='1bit'" if self.weights == "1bit" else "shortcuts=True"
        if not layers and (self.shortcuts or self.weights == "1bit"):
            raise HeteroError(
                f"{said} is about layers between the first and the last, and there is none",
                fix="use more layers, e.g. hidden=(512, 512)",
            )

    @property
    def linear(self) -> type[Linear]:
        """Connections between the first and the last."""
        return OneBitLinear if self.weights == "1bit" else Linear

    @property
    def conv(self) -> type[Conv]:
        """Convolutions between the first and the last."""
        return OneBitConv if self.weights == "1bit" else Conv

    def dropped(self, index: int) -> Dropout | None:
        """What leaves spikes of a hidden layer out."""
        return Dropout(self.dropout, self.seed, index) if self.dropout else None

    @property
    def bias(self) -> bool:
        """Whether connections have biases: a normalisation after them would take these away again."""
        return self.normalisation is None

    def draw(self, name: str) -> torch.Generator:
        """What weights are drawn from."""
        return torch_generator(self.seed, "weights", name)

    def plain(self) -> dict[str, Any]:
        """As plain data; the newer options only where they are not as they always were."""
        bump = PseudoDerivative.of(self.pseudo_derivative)
        usual = {"weights": "full", "shortcuts": False}
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        found = {k: v for k, v in found.items() if k not in usual or v != usual[k]}
        found = {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}
        return {**found, "pseudo_derivative": {"shape": bump.shape, **bump.parameters}}
