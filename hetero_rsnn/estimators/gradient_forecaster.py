"""A forecaster whose network is trained on its targets by backpropagation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.forecaster import HRSNNForecaster
from hetero_rsnn.estimators.gradient_training import TRAINED, GradientEstimator, counts_of
from hetero_rsnn.gradient.fitting import Training
from hetero_rsnn.gradient.heads import RowHead, faded_sum
from hetero_rsnn.gradient.readouts import fade_of
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.simulation.recording import Recording

#: Windows of a row in which the training counts spikes are no longer than this share of the filter's time constant.
FINE = 0.25
#: What may answer.
READOUTS = ("ridge", TRAINED)
#: What varies by less, relative to its size, stands still.
STILL = 1e-12


@dataclass(frozen=True, eq=False)
class _Part:
    """A piece of a series: its input with what comes before it, targets, inputs and weights of the rows that count."""

    stimulus: Stimulus
    targets: Array
    inputs: Array
    weights: Array
    place: int
    of: int


class TrainedForecast:
    """The readout that was trained with a network: a linear model of numbers.

    Attributes
    ----------
    coef_ : ndarray, shape (features, targets)
    intercept_ : ndarray, shape (targets,)
    """

    def __init__(self, coef: Array, intercept: Array) -> None:
        self.coef_, self.intercept_ = coef, intercept

    def predict(self, X: Array) -> Array:
        """Forecasts, shape (rows, targets)."""
        return np.asarray(X @ self.coef_ + self.intercept_)


class HRSNNGradientForecaster(GradientEstimator, HRSNNForecaster):
    """The same network, trained on the targets: exact backpropagation through its spikes, then a linear readout.

    The encoder is fitted and the network drawn (and, with `epochs`, shown the series under STDP first) as in
    `HRSNNForecaster`. The series are cut into segments. A ridge readout of the network as it is begins; then the
    weights of the network, and on request its time constants and thresholds, follow the gradient of the squared error
    together with that readout. The last segments of each series are held out to see when to stop. Last the network is
    frozen, and the ridge readout is fitted on all series anew. Everything that takes a fitted `HRSNNForecaster` takes
    this one.

    Parameters
    ----------
    network, horizon, difference, skip, strengths, washout, lags, overrides, encoder, layout, hold, tau_read, rest, seed
        See `HRSNNForecaster`. Of several `tau_read` the training sees the first.
    backend, n_jobs, verbose
        The same; `n_jobs` is also the number of threads of the training, which nothing depends on.
    epochs, learn_for
        Of unsupervised learning before; none by default.
    precision : {"single", "double"}
        Of training and answers; single is for ``backend="fast"`` only.
    readout : {"ridge", "trained"}
        What answers: a ridge readout that is fitted to the frozen network at the end, or the one that was trained
        along, which sees spikes a little more coarsely: in windows of a quarter of `tau_read` at most.
    segment : int
        Rows, at most, whose forecasts count in each sample of the training. `washout` rows come before, from the
        rested state: gradients go back no farther.
    trainable, shared, bounds, signs, weights, pseudo_derivative, detach_reset
        See `HRSNNGradientClassifier`.
    training_epochs, batch_size, learning_rate, schedule, weight_decay, clip, target_rate, spike_weight, patience
        See `HRSNNGradientClassifier`; losses are squared errors in units of the variance of the targets.
        `weight_decay` is not used: the readout is solved for, not trained.
    validation : float
        Share of the segments of each series, its last ones, that is held out of the training, and one of all at least;
        0 trains on all.
    checkpoint : path, optional
        See `HRSNNGradientClassifier`.

    Attributes
    ----------
    training_ : list of Epoch
        Loss, validation loss, score (minus the mean square error), spikes, share reached and seconds of every epoch.
    best_epoch_ : int
        -1 if none was better, on what is held out, than the network that was begun with, which is kept then.
    network_, encoder_, frozen_, readout_, linear_, train_report_, ...
        See `HRSNNForecaster`; ``frozen_.draw`` is the trained network.

    Examples
    --------
    >>> import numpy as np
    >>> import hetero_rsnn as hr
    >>> wave = np.sin(np.arange(1500) / 5)[:, None]
    >>> f = hr.HRSNNGradientForecaster("henhes", overrides={"n": 50}, horizon=3, training_epochs=2)
    >>> f.fit([wave[:1000]]).score([wave[1000:]]) > 0.5
    True
    """

    def __init__(
        self,
        network: Any = "henhes",
        *,
        horizon: int = 1,
        difference: Any = "auto",
        skip: bool = True,
        strengths: Any = None,
        washout: int = 50,
        lags: int = 24,
        overrides: Any = None,
        encoder: Any = None,
        layout: Any = None,
        hold: Any = None,
        tau_read: Any = None,
        epochs: int = 0,
        learn_for: Any = None,
        rest: Any = "100 ms",
        seed: int = 0,
        backend: str = "fast",
        precision: str = "single",
        n_jobs: int | None = None,
        verbose: bool = False,
        readout: str = "ridge",
        segment: int = 100,
        trainable: Sequence[str] = ("w", "w_in", "I_bias"),
        shared: Mapping[str, str] | None = None,
        bounds: Mapping[str, Any] | None = None,
        signs: bool = False,
        weights: str = "full",
        pseudo_derivative: Any = "trapezoid",
        detach_reset: bool = False,
        training_epochs: int = 20,
        batch_size: int = 16,
        learning_rate: float = 0.01,
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
            network, horizon=horizon, difference=difference, skip=skip, strengths=strengths, washout=washout, lags=lags,
            overrides=overrides, encoder=encoder, layout=layout, hold=hold, tau_read=tau_read, epochs=epochs,
            learn_for=learn_for, rest=rest, seed=seed, backend=backend, precision=precision, n_jobs=n_jobs,
            verbose=verbose,
        )  # fmt: skip
        self.readout = readout
        self.segment = segment
        self.trainable = trainable
        self.shared = shared
        self.bounds = bounds
        self.signs = signs
        self.weights = weights
        self.pseudo_derivative = pseudo_derivative
        self.detach_reset = detach_reset
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

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """One epoch on these series, which need not be kept; ``readout="trained"`` only.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`. The first call is a `fit` of one epoch in which nothing is held out: it decides the encoder,
            the network, the scale of the targets, and whether changes are forecast. The learning rate stays, and
            `checkpoint` is not used.

        Raises
        ------
        HeteroError
            For another readout, or targets where the first call had none.
        """
        self._check_online()
        if not hasattr(self, "_online"):
            samples, targets = self._check(X, y, fitting=True)
            return self._fit(samples, targets, y is None, sample_weight, partial(self._train, once=True))
        self._same_kind(y)
        samples, targets = self._check(X, y)
        weights = self._weights(sample_weight, targets)
        parts = self._parts(samples, self._rows(targets)[0], self._wanted(targets), weights)
        self._one_more(self._online.onto(self._head(parts), [p.stimulus for p in parts]))
        self.readout_ = self._fit_readout()
        self.train_report_ = self._report(self._aligned(samples, targets), self._past(samples), targets)
        return self

    def _train(
        self, samples: Sequence[Any], rows: list[slice], wanted: Array, weights: Array | None, *, once: bool = False
    ) -> None:
        """Train the network that has been drawn, and freeze it as it was best."""
        self.__dict__.pop("_online", None)
        self._unit = wanted.std(axis=0)
        still = np.flatnonzero(self._unit <= STILL * np.abs(wanted).max(axis=0))
        if still.size:
            raise HeteroError(
                f"channel {still[0]} of the targets stands still in the rows that count",
                fix="leave it out, or lower washout",
            )
        parts = self._parts(samples, rows, wanted, weights)
        held_out = [] if once else self._held_out(parts)
        settings = self._training_settings(**({"schedule": "constant", "epochs": 1} if once else {}))
        training = Training(
            self._chosen(), self._head(parts), [p.stimulus for p in parts], np.array(held_out, np.int64), settings,
            state=self.frozen_.state,
        )  # fmt: skip
        training.begin()
        if once:
            self._one_more(training)
        else:
            self._carry_out(training)

    def _check_training(self) -> None:
        super()._check_training()
        checks.one_of("readout", self.readout, READOUTS)
        checks.whole("segment", self.segment, least=1, most=10**9)

    def _held_out(self, parts: list[_Part]) -> list[int]:
        """Segments for validation: the last ones of each series, one of all at least, and never all of them."""
        share = self._share()
        if not share or len(parts) < 2:
            return []
        out = [k for k, p in enumerate(parts) if p.place >= p.of - round(share * p.of)] or [len(parts) - 1]
        return out[1:] if len(out) == len(parts) else out

    def _parts(self, samples: Sequence[Any], rows: list[slice], wanted: Array, weights: Array | None) -> list[_Part]:
        """The series cut into what the training sees."""
        encode = self._encoding(samples, "answering")
        out: list[_Part] = []
        begin = 0
        for k, count in enumerate(rows):
            stimulus = encode(k)
            aims = wanted[begin : begin + count.stop - count.start] / self._unit
            heard = np.ones(len(aims)) if weights is None else weights[begin : begin + len(aims)]
            begin += len(aims)
            if len(stimulus) != count.stop + self.horizon:
                raise HeteroError(
                    f"series {k}: y must have as many rows as the encoder makes of X ({len(stimulus)})",
                    fix="align them",
                )
            pieces = np.array_split(np.arange(len(aims)), -(-len(aims) // self.segment))
            for place, piece in enumerate(pieces):
                some = slice(int(piece[0]), int(piece[-1]) + 1)
                if not heard[some].any():  # weight 0: as if they were not there
                    continue
                first, last = count.start + some.start, count.start + some.stop
                shown = stimulus[max(0, first - self.washout) : last]
                seen = shown.values[-(last - first) :] if self.skip else np.zeros((last - first, 0))
                out.append(_Part(shown, aims[some], seen, heard[some], place, len(pieces)))
        return out

    def _head(self, parts: list[_Part]) -> RowHead:
        windows = self._fineness()
        heard = [p.weights for p in parts]
        return RowHead(
            [p.targets for p in parts], [p.inputs for p in parts], fade_of(self.taus_[0], self.hold_ / windows),
            windows, None if all((w == 1).all() for w in heard) else heard,
        )  # fmt: skip

    def _fineness(self) -> int:
        """Windows of each row in which the training counts spikes."""
        steps = round(self.hold_ / self.network_.dt)
        least = self.hold_ / (FINE * self.taus_[0])
        return next(k for k in range(1, steps + 1) if steps % k == 0 and (k >= least or k == steps))

    def _filters(self) -> tuple[float, ...]:
        return self.taus_[:1] if self.readout == TRAINED else self.taus_

    def _filtered(self, recording: Recording) -> Array:
        if self.readout != TRAINED:
            return super()._filtered(recording)
        windows = self._fineness()
        faded = faded_sum(counts_of(recording, windows), fade_of(self.taus_[0], self.hold_ / windows))
        return faded[windows - 1 :: windows]

    def _fit_readout(self, *fitting: Any) -> Any:
        if self.readout != TRAINED:
            return super()._fit_readout(*fitting)
        coef, intercept = self._along
        return TrainedForecast(coef * self._unit, intercept * self._unit)
