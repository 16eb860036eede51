"""How a network is trained on images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.distillation import DISTILLATIONS
from hetero_rsnn.gradient.feedforward.injection import check_noise

OPTIMISERS = ("adam", "sgd")
LOSSES = ("cross_entropy", "tet")


@dataclass(frozen=True)
class ImageSettings:
    """How a network is trained on images.

    Attributes
    ----------
    epochs, batch_size : int
    learning_rate : float
    optimiser : {"adam", "sgd"}
        SGD with Nesterov's momentum of 0.9.
    schedule : {"cosine", "constant"}
    weight_decay : float
        Of a network with weights of 1 bit in the epochs with full weights only.
    loss : {"cross_entropy", "tet"}
    consistency : float
        Weight of the RCS regulariser.
    shift : int
        Images are moved by up to so many pixels in each direction while training.
    flip : bool
        Half of the images are mirrored while training.
    patience : int
        Epochs without a smaller validation loss until training ends.
    seed : int
        Of the order of the images, of how they are moved, and of the noise.
    full_epochs : int
        So many of the epochs, the first, have full weights where weights will have 1 bit. With the first epoch of 1-bit
        weights the optimiser and the schedule begin anew; only these epochs count for the best and for `patience`.
    distillation : {"mixed", "pure"}
        Of a training with a teacher: half the loss, and half of how far probabilities at temperature 2 are from the
        teacher's (see `distillation.mixed`); or cross-entropy with the teacher's probabilities alone.
    noise : float or "recorded"
        Added to the potentials of spiking neurons while training, drawn anew for each neuron, step and image: normal,
        with this standard deviation over the threshold; or what the membranes carry, of the same neuron in the same
        step for another image of the batch (of one image: its own).
    membranes : {"carried", "replaced"}
        While training, potentials are carried from step to step; or nothing is, and the noise stands in their place:
        the network is trained as one of binary activations, once a step. In evaluation they are carried.
    """

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    optimiser: str = "adam"
    schedule: str = "cosine"
    weight_decay: float = 0.0
    loss: str = "cross_entropy"
    consistency: float = 0.0
    shift: int = 0
    flip: bool = False
    patience: int = 10
    seed: int = 0
    full_epochs: int = 0
    distillation: str = "mixed"
    noise: float | str = 0.0
    membranes: str = "carried"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            checks.whole(name, getattr(self, name), least=1, most=10**9)
        if checks.whole("full_epochs", self.full_epochs, least=0) >= self.epochs:
            raise HeteroError(
                f"full_epochs must be below the {self.epochs} epochs, the last of which have 1-bit weights, got "
                f"{self.full_epochs}",
                fix="lower it, or give more epochs",
            )
        checks.whole("shift", self.shift, least=0, most=10**4)
        checks.whole("seed", self.seed, least=0)
        checks.real("learning_rate", self.learning_rate, above=0.0)
        for name in ("weight_decay", "consistency"):
            checks.real(name, getattr(self, name), least=0.0)
        for name, known in (
            ("optimiser", OPTIMISERS), ("schedule", ("cosine", "constant")), ("loss", LOSSES),
            ("distillation", DISTILLATIONS),
        ):  # fmt: skip
            checks.one_of(name, getattr(self, name), known)
        if self.distillation == "pure" and self.loss == "tet":
            raise HeteroError(
                "loss='tet' is of labels, which distillation='pure' leaves out", fix="use distillation='mixed'"
            )
        check_noise(self.noise, self.membranes)

    @property
    def noisy(self) -> bool:
        """Whether potentials get noise, or lose their memory."""
        return check_noise(self.noise, self.membranes)

    def said(self) -> list[tuple[str, Any]]:
        """What decides how a training goes; newer options only where they are not as they always were."""
        usual = {"full_epochs": 0, "distillation": "mixed", "noise": 0.0, "membranes": "carried"}
        return sorted((k, v) for k, v in asdict(self).items() if k not in usual or v != usual[k])
