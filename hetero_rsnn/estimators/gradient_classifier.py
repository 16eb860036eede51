"""A classifier whose network is trained on labels by backpropagation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Bools, Ints
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.frozen import count_jobs
from hetero_rsnn.estimators.gradient_training import TRAINED, GradientEstimator, counts_of
from hetero_rsnn.estimators.trained_readout import TrainedReadout
from hetero_rsnn.gradient.batch import run_batch
from hetero_rsnn.gradient.decisions import LOSSES, DecisionHead, DecisionWindows, running_mean
from hetero_rsnn.gradient.fitting import Training, at_a_time
from hetero_rsnn.gradient.heads import SampleHead
from hetero_rsnn.gradient.readouts import Pooling, fade_of
from hetero_rsnn.gradient.settings import Settings
from hetero_rsnn.inputs.labels import check_labels, check_truth, check_weights, held_out
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.measures.operations import reach

#: Samples that are encoded at a time to be answered.
TOGETHER = 256


class HRSNNGradientClassifier(GradientEstimator, HRSNNClassifier):
    """The same network, trained on the labels: exact backpropagation through its spikes, then a linear readout.

    The encoder is fitted and the network drawn (and, with `epochs`, shown the samples under STDP first) as in
    `HRSNNClassifier`. Then its weights, and on request its time constants and thresholds, follow the gradient of the
    cross-entropy of a readout that is trained with them, on samples in random order, with some held out to see when to
    stop. Last the network is frozen, and `readout` is fitted on all labelled samples, with its strength chosen by
    cross-validation: what was trained along the way has seen too few of them to know that. So everything that takes a
    fitted `HRSNNClassifier` takes this one.

    Parameters
    ----------
    network, overrides, encoder, layout, hold, tau_read, windows, unlabelled, rest, seed, backend, n_jobs
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
    weights : {"full", "1bit", "ternary", "2bit", "4bit", "8bit", "32bit"}
        What recurrent weights the network runs with, in training and ever after: any, or those of few levels (see
        `hetero_rsnn.gradient.quantisation.quantised`). Then latent weights are trained, by gradients that go straight
        through the rounding. Input weights stay as fine as they are. It needs ``"w"`` in `trainable`.
    pseudo_derivative : PseudoDerivative or str
    detach_reset : bool
    readout : {"ridge", "logistic", "trained"} or estimator
        What answers: a readout that is fitted to the frozen network at the end, see `HRSNNClassifier`, or the one that
        was trained along.
    loss : {"cross_entropy", "squared_error", "tet"}
        Of the readout of the training; the second on indicators of the classes, the third (with `decide_every`) of the
        answers in all decision windows in place of the decision at the end.
    pooling : {"windows", "rate", "last", "leaky"}
        What the readout of the training sees of a sample: means over 5 parts, over the whole, its end, or a leaky
        integrator over it; the last two fade with `tau_read`. With `decide_every`, it sees this of each decision
        window: the mean over it (the first two), or what it has left at its end of all spikes so far (the last two).
    decide_every : duration, optional
        Answer in every decision window of this length, a multiple or a part of the hold; the decision at any time is
        the mean of the answers so far. The network is trained to decide at the end of a sample (or by ``loss="tet"``,
        in every window), and answers early by `scores_over_time`, or by `AnytimeReadout`.
    consistency : float
        Weight (alpha) of the RCS regulariser: what neurons do in each decision window is drawn to what they do in the
        last ones, so that decisions are stable early. The published value is 0.002; it needs `decide_every`.
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
        on from it, and ends with what it would have ended with. One file is of one training: with cross-validation
        leave it away.
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
    time constants); E. O. Neftci, H. Mostafa, F. Zenke, IEEE Signal Processing Magazine 36, 2019; D. Wu et al.,
    arXiv:2301.09522 (RCS); S. Deng et al., ICLR 2022, arXiv:2202.11946 (TET).

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
        weights: str = "full",
        pseudo_derivative: Any = "trapezoid",
        detach_reset: bool = False,
        loss: str = "cross_entropy",
        pooling: str = "windows",
        decide_every: Any = None,
        consistency: float = 0.0,
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
        self.weights = weights
        self.pseudo_derivative = pseudo_derivative
        self.detach_reset = detach_reset
        self.loss = loss
        self.pooling = pooling
        self.decide_every = decide_every
        self.consistency = consistency
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

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch on these samples, which need not be kept; ``readout="trained"`` only.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`; every sample needs a label. The first call fits the encoder, draws the network and, with
            `epochs`, lets it learn by STDP; nothing is held out, the learning rate stays, and `checkpoint` is not used.
            After a `fit`, it goes on from the best epoch.
        classes : array, shape (classes,)
            All there are; needed in the first call.

        Raises
        ------
        HeteroError
            For another readout, a label that is none of the classes, or other classes than in the first call.
        """
        self._check_online()
        first = not hasattr(self, "_online")
        samples = self.check_samples(X, fitting=True)
        labels = check_truth(y, len(samples), unlabelled=self.unlabelled)
        weight = check_weights(sample_weight, len(samples))
        if first and classes is None:
            raise HeteroError("the first call of partial_fit needs all classes, got none", fix="classes=np.unique(y)")
        if weight is not None:  # weight 0: as if it were not there
            samples, labels, weight = take(samples, np.flatnonzero(weight)), labels[weight > 0], weight[weight > 0]
        named = None if classes is None else np.unique(check_labels(classes, _length(classes), unlabelled=None))
        known: Any = named if first else self.classes_
        if named is not None and not np.array_equal(named, known):
            raise HeteroError("classes differ from those of the first call", fix="leave them away, or begin anew")
        strange = labels[~np.isin(labels, known)]
        if strange.size:
            raise HeteroError(
                f"label {strange.tolist()[0]!r} is none of the classes", fix="name all classes in the first call"
            )
        if not first:
            self.check_fitted()
            return self._go_on(samples, labels, weight, known)
        with self._whole_or_not():
            self._learn(samples)
            self.classes_ = known
            return self._go_on(samples, labels, weight, known)

    def _go_on(self, samples: Any, labels: NDArray[Any], weight: Array | None, known: NDArray[Any]) -> Self:
        """An epoch on these samples."""
        encode = self._encoding(samples, "answering")
        stimuli = [encode(k) for k in range(len(samples))]
        head = self._head(stimuli, np.searchsorted(known, labels), weight, len(known))
        if not hasattr(self, "_online"):
            settings, none = self._training_settings(schedule="constant"), np.zeros(0, np.int64)
            training = Training(self._chosen(), head, stimuli, none, settings, state=self.frozen_.state)
        else:
            training = self._online.onto(head, stimuli)
        self._one_more(training)
        self.windows_, self.windows_errors_ = self._seen_rows(), {}
        self.readout_ = TrainedReadout(*self._along, self.classes_)
        self.train_report_ = self._report(labels, self.readout_.predict(self._features(samples)))
        return self

    def _train(self, samples: Sequence[Any], labels: NDArray[Any], known: Bools, weight: Array | None) -> None:
        """Train the network that has been drawn, and freeze it as it was best."""
        self.__dict__.pop("_online", None)
        share = self._share()
        index = np.flatnonzero(known if weight is None else known & (weight > 0))  # weight 0: as if it were not there
        classes, number = np.unique(labels[index], return_inverse=True)
        encode = self._encoding(samples, "answering")
        stimuli = [encode(int(k)) for k in index]
        head = self._head(stimuli, number, None if weight is None else weight[index], len(classes))
        if self.consistency and isinstance(head, DecisionHead) and head.layout.count(head.lengths).max() < 2:
            raise HeteroError(
                f"consistency needs samples with two decision windows or more, got one of {self.decide_every}",
                fix="shorten decide_every",
            )
        kept = held_out(number, len(classes), share, self.seed)
        settings = self._training_settings()
        self._carry_out(Training(self._chosen(), head, stimuli, kept, settings, state=self.frozen_.state))

    def _pooling(self) -> Pooling:
        return Pooling(self.pooling, fade=fade_of(self.taus_[0], self.hold_))

    def _check_training(self) -> None:
        super()._check_training()
        checks.one_of("loss", self.loss, LOSSES)
        Pooling(self.pooling)
        if self.decide_every is not None:
            checks.duration("decide_every", self.decide_every)
            return
        for name, given, without in (("loss", self.loss, "tet"), ("consistency", self.consistency, None)):
            if given == without or (without is None and given):
                raise HeteroError(
                    f"{name}={given!r} is about decisions over time, got decide_every=None",
                    fix="say how often to decide, such as decide_every='50 ms'",
                )

    def _training_settings(self, **changes: Any) -> Settings:
        return super()._training_settings(**{"consistency": self.consistency, **changes})

    def _head(
        self, stimuli: list[Stimulus], number: Ints, weight: Array | None, classes: int
    ) -> SampleHead | DecisionHead:
        if self.decide_every is None:
            return SampleHead(self._pooling(), number, weight, classes, self.loss == "squared_error")
        layout, windows = self._decisions()
        lengths = np.array([len(x) * windows for x in stimuli])
        return DecisionHead(layout, number, lengths, windows, weight, classes, self.loss)

    def _decisions(self) -> tuple[DecisionWindows, int]:
        """Decision windows, and how many windows of counting a row is divided into for them."""
        every = checks.duration("decide_every", self.decide_every)
        units.steps(every, self.network_.dt, "decide_every")
        rows = every / self.hold_
        many, parts = max(1, round(rows)), max(1, round(1 / rows))
        if abs(rows - many) > 1e-9 * many and abs(1 / rows - parts) > 1e-9 * parts:
            raise HeteroError(
                f"decide_every must be a multiple or a part of the hold of {self.hold_:g} ms, got {every:g} ms",
                fix=f"such as {many * self.hold_:g} ms",
            )
        fades = self.pooling in ("last", "leaky")
        fade = fade_of(self.taus_[0], self.hold_ / parts) if fades else 0.0
        return DecisionWindows(many, fade), parts

    def _make_readout(self) -> Any:
        return TrainedReadout if self.readout == TRAINED else super()._make_readout()

    def _check_weighs(self) -> None:
        if self.readout != TRAINED:
            super()._check_weighs()

    def _fit_readout(
        self, samples: Any, labels: NDArray[Any], known: Bools, groups: Any, weight: Array | None
    ) -> Array:
        if self.readout != TRAINED:
            return super()._fit_readout(samples, labels, known, groups, weight)
        self.windows_, self.windows_errors_ = self._seen_rows(), {}
        index = known if weight is None else known & (weight > 0)
        self.readout_ = TrainedReadout(*self._along, np.unique(labels[index]))
        return self._features(samples)

    def _seen_rows(self) -> int:
        """Numbers that the trained readout sees of each neuron."""
        return self._pooling().rows if self.decide_every is None else 1

    def _features(self, samples: Any) -> Array:
        if self.readout != TRAINED:
            return super()._features(samples)
        self.check_fitted()
        n, count, seen = self.network_.n, len(samples), self._seen_rows()
        features: Array = np.empty((count, seen * n))
        spikes, rows = np.empty(count), np.empty(count, dtype=np.int64)
        operations, targets = np.empty(count), reach(self.frozen_.draw, self.frozen_.state.w)
        for part, counts, windows in self._answered(samples):
            if self.decide_every is None:
                parts, mine = 1, self._pooling().matrices(windows) @ counts
            else:
                layout, parts = self._decisions()
                mine = layout.whole(counts, windows)
            rows[part] = windows // parts
            features[part] = mine.reshape(len(counts), -1)
            spikes[part] = counts.sum(axis=(1, 2)) / n
            operations[part] = counts.sum(axis=1) @ targets
        self.spikes_, self.rows_, self.operations_ = spikes, rows, operations
        return features

    def scores_over_time(self, X: Any) -> list[Array]:
        """Scores of the decision at the end of every decision window, by the readout that was trained along.

        The scores at a time are the mean of the answers up to then, as the cutoff takes them
        (`hetero_rsnn.fit_cutoff`); the last row is what `decision_function` says of the whole sample. For
        ``readout="trained"`` with `decide_every`; `AnytimeReadout` fits readouts for every time to any network.

        Parameters
        ----------
        X
            As for `predict`.

        Returns
        -------
        list of ndarray, shape (decisions, classes)
            ``spikes_over_time_`` is then the spikes of the network in each decision window of each sample.
        """
        self.check_fitted()
        if self.readout != TRAINED or self.decide_every is None:
            raise HeteroError(
                "scores over time need readout='trained' and decide_every, got "
                f"readout={self.readout!r} and decide_every={self.decide_every!r}",
                fix="or use AnytimeReadout",
            )
        layout, _ = self._decisions()
        weights, offset = self._along
        out: list[Array] = []
        spikes: list[Array] = []
        for _, counts, windows in self._answered(self.check_samples(X)):
            answers = layout.seen(counts, windows) @ weights + offset
            fired = layout.sums(counts, windows).sum(axis=2)
            for own, mine, steps in zip(answers, fired, layout.count(windows), strict=True):
                out.append(running_mean(own[:steps]))
                spikes.append(mine[:steps])
        self.spikes_over_time_ = spikes
        return out

    def _answered(self, samples: Any) -> Iterator[tuple[slice, Array, Ints]]:
        """Some samples at a time: which, their spikes (samples, windows, n), and how many windows each has."""
        encode, count = self._encoding(samples, "answering"), len(samples)
        parts = 1 if self.decide_every is None else self._decisions()[1]
        with self._bar("answering", count) as progress:
            for begin in range(0, count, TOGETHER):
                stimuli = [encode(k) for k in range(begin, min(begin + TOGETHER, count))]
                size = at_a_time(max(map(len, stimuli)) * parts, self.network_.n)
                for low in range(0, len(stimuli), size):
                    some = stimuli[low : low + size]
                    part = slice(begin + low, begin + low + len(some))
                    yield part, *self._counts(some, parts)
                    if progress is not None:
                        progress(part.stop, count)

    def _counts(self, part: list[Stimulus], parts: int) -> tuple[Array, Ints]:
        """Spikes of each neuron in equal parts of each row of some samples, and how many there are of each sample."""
        frozen = self.frozen_
        if self.backend == "fast":
            run = run_batch(
                frozen.draw, part, state=frozen.state, precision=self.precision, workers=count_jobs(self.n_jobs),
                checkpoint=256, window=None if parts == 1 else self.hold_ / parts,
            )  # fmt: skip
            return run.activity.astype(np.float64), run.windows
        counts: list[Array] = [counts_of(frozen.run(x), parts) for x in part]
        windows = np.array([len(c) for c in counts], np.int64)
        whole = np.zeros((len(part), int(windows.max()), self.network_.n))
        for mine, count in zip(whole, counts, strict=True):
            mine[: len(count)] = count
        return whole, windows


def _length(classes: Any) -> int:
    """How many there are; of what has no length, none, which is refused."""
    try:
        return len(classes)
    except TypeError:
        return 0
