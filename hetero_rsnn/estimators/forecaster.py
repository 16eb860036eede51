"""A forecaster of time series: unsupervised network, linear readout, one forecast a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError, TooShortError
from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.features import NetworkEstimator
from hetero_rsnn.estimators.frozen import filtered
from hetero_rsnn.estimators.readout import STRENGTHS, RidgeReadout, contiguous_folds, lagged
from hetero_rsnn.inputs.audio import AudioEncoder
from hetero_rsnn.inputs.encoders import CurrentEncoder, make_encoder
from hetero_rsnn.inputs.samples import as_series
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.measures.reports import ForecastReport, forecast_report
from hetero_rsnn.measures.scores import nrmse

#: Folds of the readout's cross-validation, contiguous in time.
FOLDS = 5


class HRSNNForecaster(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """Forecast time series some rows ahead: a network that learns without labels, and a linear readout of its states.

    Each series is run from the rested state, its rows in order; the state after row k gives the forecast of row
    k + horizon. Series are kept apart: no forecast crosses from one into the next.

    Parameters
    ----------
    network, overrides, encoder, hold, tau_read
        See `HRSNNFeatures`.
    epochs, learn_for, rest, seed, backend, precision, n_jobs, verbose
        See `HRSNNFeatures`. Learning sees each series as one sample.
    horizon : int
        Rows ahead, at least 1; or 0 with targets of their own.
    skip : bool
        Let the readout see the present row too, beside the states.
    strengths : sequence of float, optional
        Ridge strengths to choose from, by cross-validation on contiguous blocks; see `RidgeReadout`.
    washout : int
        Rows at the start of each series that neither fit nor score: the network still remembers its rest.
    lags : int
        Past rows that the linear model of the report sees; at least those of a delay embedding of the encoder.

    Attributes
    ----------
    readout_ : RidgeReadout
    linear_ : RidgeReadout
        Autoregression on `lags` rows of the encoded input, fitted on the same rows and folds.
    train_report_ : ForecastReport
        On the training series: what was learnt, not how well it carries over. `report` takes other data.
    n_targets_ : int
    network_, encoder_, frozen_, spikes_
        See `HRSNNFeatures`.

    Examples
    --------
    >>> import numpy as np
    >>> import hetero_rsnn as hr
    >>> wave = np.sin(np.arange(1500) / 5)[:, None]
    >>> f = hr.HRSNNForecaster("henhes", overrides={"n": 50}, horizon=3).fit([wave[:1000]])
    >>> f.score([wave[1000:]]) > 0.5
    True
    """

    def __init__(
        self,
        network: Any = "henhes",
        *,
        horizon: int = 1,
        skip: bool = False,
        strengths: Any = None,
        washout: int = 50,
        lags: int = 24,
        overrides: Any = None,
        encoder: Any = "current",
        hold: Any = None,
        tau_read: Any = None,
        epochs: int = 1,
        learn_for: Any = None,
        rest: Any = "100 ms",
        seed: int = 0,
        backend: str = "fast",
        precision: str = "double",
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.network = network
        self.horizon = horizon
        self.skip = skip
        self.strengths = strengths
        self.washout = washout
        self.lags = lags
        self.overrides = overrides
        self.encoder = encoder
        self.hold = hold
        self.tau_read = tau_read
        self.epochs = epochs
        self.learn_for = learn_for
        self.rest = rest
        self.seed = seed
        self.backend = backend
        self.precision = precision
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Encode, learn without targets, freeze, and fit the readout.

        Parameters
        ----------
        X : list of array, shape (time, channels); or array, shape (series, time, channels)
        y : list of array, shape (time, targets), optional
            Targets row by row; by default X itself.

        Raises
        ------
        HeteroError
            If X is empty, not finite or of changing channels, y does not fit X, or a parameter breaks its rule.
        TooShortError
            If a series is too short for washout, lags and horizon.
        """
        samples, targets = self._check(X, y)
        low, high = (np.array([edge(t, axis=0) for t in targets]) for edge in (np.min, np.max))
        self.range_ = low.min(axis=0), high.max(axis=0)
        still = np.flatnonzero(self.range_[0] == self.range_[1])
        if still.size:
            raise HeteroError(
                f"channel {still[0]} of the targets is {self.range_[0][still[0]]:g} throughout: leave it out of X, or "
                "give y without it"
            )
        self.feeds_back_ = y is None
        self._learn(samples)
        self.n_targets_ = targets[0].shape[1]
        rows, aims = self._rows(targets)
        folds = contiguous_folds([len(a) for a in aims], FOLDS)
        wanted = np.concatenate(aims)
        states = self._aligned(samples, targets)
        strengths = STRENGTHS if self.strengths is None else self.strengths
        light = self.encoder_.n_channels_ if self.skip else 0
        self.readout_ = RidgeReadout(strengths, light).fit(_cut(states, rows), wanted, folds)
        past = self._past(samples)
        self.linear_ = RidgeReadout().fit(_cut(past, rows, self._lags() - 1), wanted, folds)
        self.train_report_ = self._report(states, past, targets)
        return self

    def predict(self, X: Any) -> list[Array]:
        """Forecasts, one array (time, targets) a series: row k is the forecast of row k + horizon.

        The first `washout` rows are there, but the network has not forgotten its rest yet.
        """
        self.check_fitted()
        return [self.readout_.predict(x) for x in self._states(self.check_samples(X))]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Coefficient of determination R^2 = 1 - NRMSE^2 over the forecasts of all series."""
        if sample_weight is not None:
            raise HeteroError("score takes no sample_weight: leave out series instead")
        self._same_kind(y)
        samples, targets = self._check(X, y)
        return 1.0 - self._error(self._aligned(samples, targets), targets, self.readout_) ** 2

    def report(self, X: Any, y: Any = None) -> ForecastReport:
        """NRMSE, skill against persistence and a linear model, spikes per forecast, and task efficiency."""
        self._same_kind(y)
        samples, targets = self._check(X, y)
        return self._report(self._aligned(samples, targets), self._past(samples), targets)

    def _report(self, states: list[Array], past: list[Array], targets: list[Array]) -> ForecastReport:
        nu = float(self.spikes_.sum() / self.rows_.sum())
        rows, aims = self._rows(targets)
        kept = math.nan
        if self.feeds_back_:
            now = np.concatenate([t[r] for t, r in zip(targets, rows, strict=True)])
            kept = nrmse(np.concatenate(aims), now)
        return forecast_report(
            self.horizon, self._error(states, targets, self.readout_), kept,
            self._error(past, targets, self.linear_, self._lags() - 1), sum(map(len, aims)), nu, self.network_.n,
            self.hold_, self._lags(),
        )  # fmt: skip

    def free_run(self, context: Any, steps: int) -> Array:
        """Closed loop: each forecast is the next input.

        Parameters
        ----------
        context : array, shape (time, channels)
            What came before; `washout` rows or more.
        steps : int

        Returns
        -------
        ndarray, shape (steps, channels)
            NaN from where the loop runs away: more than 100 times the range of the training data beyond it.

        Raises
        ------
        HeteroError
            Unless the forecaster was fitted with ``horizon=1``, without targets of its own, on a `CurrentEncoder`.
        """
        self.check_fitted()
        if self.horizon != 1 or not self.feeds_back_ or not isinstance(self.encoder_, CurrentEncoder):
            raise HeteroError(
                f"free_run feeds forecasts back one row at a time: fit with horizon=1 (got {self.horizon}), without y, "
                "and with a CurrentEncoder"
            )
        checks.whole("steps", steps, least=1, most=10**9, error=StimulusError)
        history = as_series([context], "context", arrays_only=True)[0]
        if len(history) <= self.washout:
            raise TooShortError(
                f"context must be longer than washout = {self.washout} rows, got {len(history)}",
                fix="give more",
                measure="forecast",
                required=self.washout + 1,
            )
        frozen, taus = self.frozen_, np.array(self.taus_)
        decay = np.repeat(np.exp(-self.hold_ / taus), self.network_.n)
        recording = frozen.run(self.encoder_.encode(history, hold=self.hold_))
        state = filtered(recording, self.taus_)[-1]
        keep, out = self.encoder_.lags, np.full((steps, history.shape[1]), np.nan)
        low, high = self.range_
        far = 100.0 * (high - low)
        for k in range(steps):
            now = self.encoder_.encode(history[-keep:], hold=self.hold_)
            row = self._with_skip(state[None], now.values[-1:])
            following = self.readout_.predict(row)[0]
            if not np.isfinite(following).all() or ((following < low - far) | (following > high + far)).any():
                break
            out[k] = following
            history = np.concatenate([history[-keep:], following[None]])
            recording = frozen.on(self.encoder_.encode(history[-keep:], hold=self.hold_)[-1:], recording)
            state = state * decay + filtered(recording, self.taus_)[0]
        return out

    def _same_kind(self, y: Any) -> None:
        self.check_fitted()
        if (y is None) != self.feeds_back_:
            fitted, now = ("without", "with") if self.feeds_back_ else ("with", "without")
            raise HeteroError(f"fitted {fitted} targets y of their own, asked {now} them: use the same kind")

    def _check(self, X: Any, y: Any) -> tuple[Sequence[Any], list[Array]]:
        least = 0 if y is not None else 1
        checks.whole("horizon", self.horizon, least=least, most=10**9, error=StimulusError)
        checks.whole("washout", self.washout, least=0, most=10**9, error=StimulusError)
        checks.whole("lags", self.lags, least=1, most=10**6, error=StimulusError)
        samples = self.check_samples(X)
        if y is None:
            if isinstance(samples[0], Stimulus) or self._front_ends():
                raise HeteroError("event and audio data are no targets to forecast: give y, one row of targets a row")
            targets = [np.asarray(x) for x in samples]
        else:
            targets = as_series(y, "y", arrays_only=True)
            if len(targets) != len(samples):
                raise HeteroError(f"y must hold one series for each of X ({len(samples)}), got {len(targets)}")
        start = self.first_row()
        for k, (x, target) in enumerate(zip(samples, targets, strict=True)):
            if not self._front_ends() and len(x) != len(target):
                raise HeteroError(
                    f"series {k}: y must have as many rows as X ({len(x)}), got {len(target)}: align them"
                )
            needed = start + self.horizon + 2
            if len(target) < needed:
                raise TooShortError(
                    f"series {k} needs at least {needed} rows for washout = {self.washout}, lags = {self._lags()} and "
                    f"horizon = {self.horizon}, got {len(target)}",
                    fix="leave it out, or lower one of them",
                    measure="forecast",
                    required=needed,
                )
        return samples, targets

    def _front_ends(self) -> bool:
        """Whether the encoder changes the number of rows."""
        return isinstance(make_encoder(self.encoder), AudioEncoder)

    def first_row(self) -> int:
        return max(self.washout, self._lags() - 1)

    def _lags(self) -> int:
        """Past rows of the linear model: no fewer than a delay embedding gives the network."""
        return max(self.lags, int(getattr(self.encoder, "lags", 1)))

    def _past(self, samples: Sequence[Any]) -> list[Array]:
        embedded = getattr(self.encoder_, "lags", 1) > 1
        newest = self.encoder_.n_channels_in_ if embedded else self.encoder_.n_channels_
        return [lagged(u[:, :newest], self._lags()) for u in self.inputs(samples)]

    def _rows(self, targets: list[Array]) -> tuple[list[slice], list[Array]]:
        """Rows whose states count in each series, and what they are to foretell."""
        start = self.first_row()
        rows = [slice(start, len(t) - self.horizon) for t in targets]
        return rows, [t[start + self.horizon :] for t in targets]

    def _states(self, samples: Sequence[Any]) -> list[Array]:
        states = self.frozen_pass(samples, lambda x, _: x)
        if not self.skip:
            return states
        return [self._with_skip(x, u) for x, u in zip(states, self.inputs(samples), strict=True)]

    def _aligned(self, samples: Sequence[Any], targets: list[Array]) -> list[Array]:
        """The states, if there is a target for each: how many rows a recording becomes is known only now."""
        states = self._states(samples)
        for k, (x, target) in enumerate(zip(states, targets, strict=True)):
            if len(x) != len(target):
                raise HeteroError(
                    f"series {k}: y must have as many rows as the encoder makes of X ({len(x)}), got {len(target)}: "
                    "align them"
                )
        return states

    def _with_skip(self, states: Array, inputs: Array) -> Array:
        return np.concatenate([states, inputs], axis=1) if self.skip else states

    def _error(self, features: list[Array], targets: list[Array], readout: RidgeReadout, first: int = 0) -> float:
        rows, aims = self._rows(targets)
        return nrmse(np.concatenate(aims), readout.predict(_cut(features, rows, first)))


def _cut(features: list[Array], rows: list[slice], first: int = 0) -> Array:
    """Rows of several series, end to end; row 0 of `features` belongs to row `first` of its series."""
    return np.concatenate([x[slice(r.start - first, r.stop - first)] for x, r in zip(features, rows, strict=True)])
