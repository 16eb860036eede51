"""What the classifier and the forecaster that are trained by gradients share: settings, progress, taking over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import count_jobs
from hetero_rsnn.gradient.checkpoints import checkpoint_exists, json_file
from hetero_rsnn.gradient.fitting import OFFSET, READOUT, Training
from hetero_rsnn.gradient.parameters import TRAINABLE, Parameters, parameters
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative
from hetero_rsnn.gradient.quantisation import check_trainable
from hetero_rsnn.gradient.settings import Epoch, Settings
from hetero_rsnn.simulation.recording import Recording

#: The readout that is trained along, as the value of `readout`.
TRAINED = "trained"
#: Parameters of both estimators that are about the training alone.
TRAINING = (
    "trainable", "shared", "bounds", "signs", "weights", "pseudo_derivative", "detach_reset", "training_epochs",
    "batch_size", "learning_rate", "schedule", "weight_decay", "clip", "target_rate", "spike_weight", "validation",
    "patience", "epochs",
)  # fmt: skip


def check_training(train: str, training: Mapping[str, Any] | None, more: tuple[str, ...]) -> dict[str, Any] | None:
    """Parameters of a training, checked by name; None where networks learn by STDP.

    Parameters
    ----------
    train : {"stdp", "gradient"}
    training : mapping or None
    more : tuple of str
        What can be named beside `TRAINING`.
    """
    checks.one_of("train", train, ("stdp", "gradient"))
    if training and train != "gradient":
        raise HeteroError(f"training is for train='gradient', got train={train!r}", fix="leave one of them away")
    for name, value in (training or {}).items():
        checks.one_of("parameter of training", name, TRAINING + more)
        if name == "target_rate" and value is not None:
            checks.real(name, value, above=0.0)
    return None if train == "stdp" else dict(training or {})


class GradientEstimator(NetworkEstimator):
    """A network estimator with a step more: its network follows a gradient.

    Attributes
    ----------
    on_epoch : callable or None
        Called with every `Epoch`. It is no parameter: clones do not have it.
    training_ : list of Epoch
    best_epoch_ : int
    """

    readout: Any
    trainable: Sequence[str]
    shared: Mapping[str, str] | None
    bounds: Mapping[str, Any] | None
    signs: bool
    weights: str
    pseudo_derivative: Any
    detach_reset: bool
    training_epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    weight_decay: float
    clip: float | None
    target_rate: float | None
    spike_weight: float
    validation: float
    patience: int
    checkpoint: Any
    on_epoch: Callable[[Epoch], object] | None = None
    _online: Training

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        state.pop("on_epoch", None)  # whoever watches does not come along
        return state

    def _learn(self, X: Sequence[Any]) -> None:
        """Learn without labels, if that is wanted, after all that is said of the training was looked at."""
        self._check_training()
        super()._learn(X)

    def _check_training(self) -> None:
        """Refuse what can be known to be wrong before anything is computed."""
        self._training_settings()
        self._share()
        for name in [self.trainable] if isinstance(self.trainable, str) else self.trainable:
            checks.one_of("trainable quantity", name, TRAINABLE)
        check_trainable(self.weights, self.trainable)
        if self.checkpoint is not None:
            json_file(self.checkpoint)  # refuses what is no path

    def _share(self) -> float:
        """Share of the samples that is held out."""
        share = checks.real("validation", self.validation, least=0.0)
        if share >= 1:
            raise HeteroError(f"validation must be a share below 1, got {share:g}", fix="such as 0.15")
        return share

    def _training_settings(self, **changes: Any) -> Settings:
        if self.target_rate is not None:
            checks.real("target_rate", self.target_rate, above=0.0)
        given = {
            "epochs": self.training_epochs, "batch_size": self.batch_size, "learning_rate": self.learning_rate,
            "schedule": self.schedule, "weight_decay": self.weight_decay, "clip": self.clip,
            "target_rate_hz": np.inf if self.target_rate is None else float(self.target_rate),
            "spike_weight": self.spike_weight, "patience": self.patience, "detach_reset": self.detach_reset,
            "pseudo_derivative": PseudoDerivative.of(self.pseudo_derivative), "precision": self.precision,
            "seed": self.seed, "workers": count_jobs(self.n_jobs),
        }  # fmt: skip
        return Settings(**{**given, **changes})

    def _chosen(self) -> Parameters:
        """What is trained of the network as it is after learning without labels."""
        frozen = self.frozen_
        plastic = replace(frozen.draw.plastic, w=np.asarray(frozen.state.w, np.float64))
        begin = replace(frozen.draw, plastic=plastic)
        return parameters(
            begin, self.trainable, shared=self.shared, bounds=self.bounds, signs=self.signs, weights=self.weights
        )

    def _carry_out(self, training: Training) -> None:
        """Train from the beginning or from a checkpoint, and take over the best values."""
        if self.checkpoint is not None and checkpoint_exists(self.checkpoint):
            training.restore(self.checkpoint)
        total = training.settings.epochs
        with self._bar("training", total, "epochs") as progress:

            def tell(epoch: Epoch) -> None:
                if progress is not None:
                    progress(len(training.history), total, note=str(epoch))
                if self.on_epoch is not None:
                    self.on_epoch(epoch)

            training.run(tell, self.checkpoint)
        self._take_over(training)
        if self.readout == TRAINED:
            self._online = training.bare()

    def _take_over(self, training: Training) -> None:
        self.training_, self.best_epoch_ = training.history, training.best_epoch
        trained = training.draw(training.best)
        self.frozen_ = replace(self.frozen_, draw=trained, state=replace(self.frozen_.state, w=trained.plastic.w))
        weights = training.best[READOUT] / (training.scale[:, None] if np.ndim(training.scale) else training.scale)
        #: The readout that was trained along, for features as they come: (features, outputs) and (outputs,).
        self._along: tuple[Array, Array] = weights, training.best[OFFSET] - training.centre @ weights

    def _check_online(self) -> None:
        if self.readout != TRAINED:
            raise HeteroError(
                f"partial_fit goes on with the readout that is trained along, got readout={self.readout!r}",
                fix="say readout='trained'",
            )

    def _one_more(self, training: Training) -> None:
        """An epoch on samples that no other call has seen, going on with what was learned, at a constant rate."""
        epoch = training.epoch()
        self._take_over(training)
        # Not its samples: there may be no room for those of all calls.
        self._online = training.bare()
        if self.on_epoch is not None:
            self.on_epoch(epoch)


def counts_of(recording: Recording, windows: int) -> Array:
    """Spikes of every neuron in equal windows of each row, shape (rows * windows, n)."""
    step = np.rint(recording.spike_times / recording.dt).astype(np.int64)
    width = round(recording.hold / recording.dt) // windows
    out = np.zeros((recording.samples * windows, recording.n))
    np.add.at(out, (step // width, recording.spike_neurons), 1.0)
    return out
