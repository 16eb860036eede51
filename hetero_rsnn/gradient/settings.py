"""How a network is trained, and what is told of every epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Attributes
    ----------
    epochs, batch_size : int
    learning_rate : float
        Of weights relative to their mean size; of biases, logarithms of times and the readout as it is.
    schedule : {"cosine", "constant"}
    weight_decay : float
        Of the readout.
    clip : float or None
        See `Adam`.
    target_rate_hz, spike_weight : float
        What neurons fire above this rate costs `spike_weight` times the square of the excess, relative to it.
    consistency : float
        Weight of the RCS regulariser, see `hetero_rsnn.gradient.consistency`; for heads that decide in windows.
    patience : int
        Epochs without a better validation loss until training ends.
    detach_reset : bool
    pseudo_derivative : PseudoDerivative
    precision : {"single", "double"}
    seed : int
        Of the order of the samples.
    workers : int or None
        Threads; None: one a core. Nothing depends on them.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 0.03
    schedule: str = "cosine"
    weight_decay: float = 0.0
    clip: float | None = 1.0
    target_rate_hz: float = math.inf
    spike_weight: float = 0.0
    consistency: float = 0.0
    patience: int = 10
    detach_reset: bool = False
    pseudo_derivative: PseudoDerivative = field(default_factory=PseudoDerivative)
    precision: str = "single"
    seed: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            checks.whole(name, getattr(self, name), least=1, most=10**9)
        checks.real("learning_rate", self.learning_rate, above=0.0)
        for name in ("spike_weight", "consistency"):
            checks.real(name, getattr(self, name), least=0.0)
        if not self.target_rate_hz > 0:
            raise HeteroError(
                f"target_rate_hz must be > 0 Hz, got {self.target_rate_hz!r}", fix="leave it away for none"
            )


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave.

    Attributes
    ----------
    loss, validation : float
        With the price of the spikes, on the training batches as they came, and on the samples that were held out (NaN
        if none were). The first has the RCS, too; the second, which the best epoch is chosen by, has not.
    score : float
        Accuracy, or minus the mean square error, on the same held-out samples; on training batches if there are none.
    spikes : float
        Mean spikes of a neuron in a sample of the training batches (of feed-forward networks: of those held out; NaN
        if that is not known).
    reached : float
        Share of steps and neurons where something can be learned, see `Gradients`; NaN for feed-forward networks.
    seconds : float
    """

    loss: float
    validation: float
    score: float
    spikes: float
    reached: float
    seconds: float

    def __str__(self) -> str:
        held = "" if math.isnan(self.validation) else f", held out {self.validation:.3g}"
        spikes = "" if math.isnan(self.spikes) else f", {self.spikes:.3g} spikes a neuron"
        return f"loss {self.loss:.3g}{held}, score {self.score:.3g}{spikes}"


def told_before(rows: Sequence[Mapping[str, Any]]) -> list[Epoch]:
    """Epochs out of JSON, which has no NaN."""
    return [Epoch(**{k: math.nan if v is None else v for k, v in row.items()}) for row in rows]
