"""A classifier whose network is trained on labels by backpropagation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Bools, Ints
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.frozen import count_jobs
from hetero_rsnn.gradient.checkpoints import checkpoint_exists
from hetero_rsnn.gradient.fitting import Settings, Training
from hetero_rsnn.gradient.parameters import parameters
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative
from hetero_rsnn.gradient.readouts import Pooling, fade_of


class HRSNNGradientClassifier(HRSNNClassifier):
    """The same network, trained on the labels: exact backpropagation through its spikes, then a linear readout.

    The encoder is fitted and the network drawn (and, with `epochs`, shown the samples under STDP first) as in
    `HRSNNClassifier`. Then its weights, and on request its time constants and thresholds, follow the gradient of the
    cross-entropy of a readout that is trained with them, on samples in random order, with some held out to see when to
    stop. Last the network is frozen, and `readout` is fitted on all labelled samples, with its strength chosen by
    cross-validation: what was trained along the way has seen too few of them to know that. So everything that takes a
    fitted `HRSNNClassifier` takes this one.

    Parameters
    ----------
    network, overrides, encoder, layout, hold, tau_read, windows, readout, unlabelled, rest, seed, backend, n_jobs
        See `HRSNNClassifier`. `n_jobs` is also the number of threads of the training, which nothing depends on.
    epochs, learn_for
        Of unsupervised learning before, see `HRSNNFeatures`; none by default.
    precision : {"single", "double"}
        Of training and answers; single is for ``backend="fast"`` only.
    trainable : sequence of str
        Of ``"w"`` (recurrent weights), ``"w_in"``, ``"w_event"``, ``"I_bias"``, ``"tau_m"``, ``"tau_syn"``, ``"v_th"``.
    shared, bounds, signs
        See `hetero_rsnn.gradient.parameters.parameters`: values per neuron, population or network, bounds of time
        constants, and Dale's law.
    pseudo_derivative : PseudoDerivative or str
    detach_reset : bool
    pooling : {"windows", "rate", "last", "leaky"}
        What the readout of the training sees of a sample: means over 5 parts, over the whole, its end, or a leaky
        integrator over it; the last two fade with `tau_read`.
    training_epochs, batch_size : int
    learning_rate : float
        Of weights relative to their mean size, of biases and logarithms of times as it is.
    schedule : {"cosine", "constant"}
    weight_decay : float
        Of the training's readout.
    clip : float or None
    target_rate : float or None
        Rate in Hz above which firing costs.
    spike_weight : float
        What twice the target rate of all neurons costs, in nats.
    validation : float
        Share of the labelled samples that is held out of the training (not of the readout); 0 trains on all.
    patience : int
        Epochs without a smaller loss on these until training ends; the best values are taken.
    checkpoint : path, optional
        JSON file that holds the training after every epoch. If it is there already and of the same training, `fit` goes
        on from it, and ends with what it would have ended with.
    verbose : bool

    Attributes
    ----------
    training_ : list of Epoch
        Loss, validation loss, score, spikes, share that was reached and seconds of every epoch.
    best_epoch_ : int
    network_, encoder_, frozen_, classes_, readout_, windows_, spikes_, ...
        See `HRSNNClassifier`; ``frozen_.draw`` is the trained network.

    References
    ----------
    N. Perez-Nieves et al., "Neural heterogeneity promotes robust learning", Nature Communications 12, 2021 (trained
    time constants); E. O. Neftci, H. Mostafa, F. Zenke, IEEE Signal Processing Magazine 36, 2019.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> X_train, X_test, y_train, y_test = hr.load_dataset("japanese_vowels").split()
    >>> clf = hr.HRSNNGradientClassifier("henhes", overrides={"n": 50}, hold="10 ms", training_epochs=2)
    >>> clf.fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    """

    def __init__(
        self,
        network: Any = "henhes",
        *,
        readout: Any = "ridge",
        unlabelled: Any = "auto",
        overrides: Any = None,
        encoder: Any = "current",
        layout: Any = None,
        hold: Any = None,
        tau_read: Any = None,
        windows: Any = "auto",
        epochs: int = 0,
        learn_for: Any = None,
        rest: Any = "100 ms",
        seed: int = 0,
        backend: str = "fast",
        precision: str = "single",
        n_jobs: int | None = None,
        verbose: bool = False,
        trainable: Sequence[str] = ("w", "w_in", "I_bias"),
        shared: Mapping[str, str] | None = None,
        bounds: Mapping[str, Any] | None = None,
        signs: bool = False,
        pseudo_derivative: Any = "trapezoid",
        detach_reset: bool = False,
        pooling: str = "windows",
        training_epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 0.03,
        schedule: str = "cosine",
        weight_decay: float = 0.0,
        clip: float | None = 1.0,
        target_rate: float | None = None,
        spike_weight: float = 0.1,
        validation: float = 0.15,
        patience: int = 10,
        checkpoint: Any = None,
    ) -> None:
        super().__init__(
            network, readout=readout, unlabelled=unlabelled, overrides=overrides, encoder=encoder, layout=layout,
            hold=hold, tau_read=tau_read, windows=windows, epochs=epochs, learn_for=learn_for, rest=rest, seed=seed,
            backend=backend, precision=precision, n_jobs=n_jobs, verbose=verbose,
        )  # fmt: skip
        self.trainable = trainable
        self.shared = shared
        self.bounds = bounds
        self.signs = signs
        self.pseudo_derivative = pseudo_derivative
        self.detach_reset = detach_reset
        self.pooling = pooling
        self.training_epochs = training_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.clip = clip
        self.target_rate = target_rate
        self.spike_weight = spike_weight
        self.validation = validation
        self.patience = patience
        self.checkpoint = checkpoint

    def _train(self, samples: Sequence[Any], labels: NDArray[Any], known: Bools, weight: Array | None) -> None:
        """Train the network that has been drawn, and freeze it as it was best."""
        share = checks.real("validation", self.validation, least=0.0)
        if share >= 1:
            raise HeteroError(f"validation must be a share below 1, got {share:g}", fix="such as 0.15")
        frozen, state = self.frozen_, self.frozen_.state
        index = np.flatnonzero(known if weight is None else known & (weight > 0))  # weight 0: as if it were not there
        classes, number = np.unique(labels[index], return_inverse=True)
        encode = self._encoding(samples, "answering")
        stimuli = [encode(int(k)) for k in index]
        begin = replace(frozen.draw, plastic=replace(frozen.draw.plastic, w=np.asarray(state.w, np.float64)))
        training = Training(
            parameters(begin, self.trainable, shared=self.shared, bounds=self.bounds, signs=self.signs),
            Pooling(self.pooling, fade=fade_of(self.taus_[0], self.hold_)), stimuli, number,
            self._held_out(number, len(classes), share), self._training_settings(), state=state,
            weight=None if weight is None else weight[index],
        )  # fmt: skip
        if self.checkpoint is not None and checkpoint_exists(self.checkpoint):
            training.restore(self.checkpoint)
        with self._bar("training", self.training_epochs) as progress:
            training.run(
                lambda _: None if progress is None else progress(len(training.history), self.training_epochs),
                self.checkpoint,
            )
        self.training_, self.best_epoch_ = training.history, training.best_epoch
        trained = training.draw(training.best)
        self.frozen_ = replace(frozen, draw=trained, state=replace(state, w=trained.plastic.w))

    def _training_settings(self) -> Settings:
        if self.target_rate is not None:
            checks.real("target_rate", self.target_rate, above=0.0)
        return Settings(
            epochs=self.training_epochs, batch_size=self.batch_size, learning_rate=self.learning_rate,
            schedule=self.schedule, weight_decay=self.weight_decay, clip=self.clip,
            target_rate_hz=np.inf if self.target_rate is None else float(self.target_rate),
            spike_weight=self.spike_weight, patience=self.patience, detach_reset=self.detach_reset,
            pseudo_derivative=PseudoDerivative.of(self.pseudo_derivative), precision=self.precision, seed=self.seed,
            workers=count_jobs(self.n_jobs),
        )  # fmt: skip

    def _held_out(self, number: Ints, classes: int, share: float) -> Ints:
        """Samples for validation: of each class its share, but never the last one of it."""
        rng = generator(self.seed, "training", "held out")
        out: list[int] = []
        for one in range(classes):
            mine = rng.permutation(np.flatnonzero(number == one))
            count = max(round(share * mine.size), 1) if share else 0
            out += mine[: min(count, mine.size - 1)].tolist()
        return np.array(sorted(out), dtype=np.int64)
