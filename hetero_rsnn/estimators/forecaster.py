"""A forecaster of time series: unsupervised network, linear readout, one forecast a row."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError, TooShortError
from hetero_rsnn.common.types import Array, Bools, Ints
from hetero_rsnn.estimators.features import NetworkEstimator, turned, warn_if_turned
from hetero_rsnn.estimators.readout import STRENGTHS, RidgeReadout, contiguous_folds, lagged
from hetero_rsnn.inputs.audio import AudioEncoder
from hetero_rsnn.inputs.encoder_base import Encoder
from hetero_rsnn.inputs.encoders import CurrentEncoder, make_encoder
from hetero_rsnn.inputs.frames import shared_names
from hetero_rsnn.inputs.labels import check_weights
from hetero_rsnn.inputs.samples import as_series
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.measures.reports import ForecastReport, forecast_report
from hetero_rsnn.measures.scores import nrmse

#: Folds of the readout's cross-validation, contiguous in time.
FOLDS = 5
#: Rows that a network is given side by side unless an encoder is named: it remembers few by itself.
EMBEDDED = 6
#: Differences are taken if they lower the error on the last third of the training part to less than this share.
WORTH = 0.9
#: What is worth a warning: this share of rows, and two at least, outside of the training range by more than the second
#: number, in units of that range, or one row farther outside than the third. Without a margin each crest would count.
OUTSIDE, MARGIN, FAR = 0.01, 0.02, 0.5


class HRSNNForecaster(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """Forecast time series some rows ahead: a network that learns without labels, and a linear readout of its states.

    Each series is run from the rested state, its rows in order; the state after row k gives the forecast of row
    k + horizon. Series are kept apart: no forecast crosses from one into the next.

    Parameters
    ----------
    network, overrides, layout, hold, tau_read
        See `HRSNNFeatures`. What comes back is (time, targets) in any layout.
    encoder : str or Encoder, optional
        See `HRSNNFeatures`; default: ``CurrentEncoder(lags=6)``, six rows side by side.
    epochs, learn_for, rest, seed, backend, precision, n_jobs, verbose
        See `HRSNNFeatures`. Learning sees each series as one sample.
    horizon : int
        Rows ahead, at least 1; or 0 with targets of their own.
    difference : {"auto"} or bool
        Forecast changes: the network is given the change of each row from the one before, the readout foretells that
        from row k to row k + horizon, and row k is added. So a series with a trend stays within the range that was
        learnt. ``"auto"`` decides by the last third of each training series, see Notes; with targets of their own, and
        for stimuli, it is False.
    skip : bool
        Let the readout see what the network is given in the present row, beside the states.
    strengths : sequence of float, optional
        Ridge strengths to choose from, by cross-validation on contiguous blocks; see `RidgeReadout`.
    washout : int
        Rows at the start of each series that neither fit nor score: the network still remembers its rest.
    lags : int
        Past rows that the linear model of the report sees; at least those of a delay embedding of the encoder.

    Attributes
    ----------
    readout_ : RidgeReadout
    difference_ : bool
        Whether changes are forecast.
    linear_ : RidgeReadout
        Linear autoregression: `lags` rows of X as they were given, not scaled or clipped; of stimuli and sound as they
        are encoded. Fitted on the same rows and folds.
    linear_changes_ : bool
        Whether it forecasts changes from changes: where the network does, and they leave a smaller error on folds that
        are left out.
    train_report_ : ForecastReport
        On the training series: what was learnt, not how well it carries over. `report` takes other data.
    n_targets_ : int
    network_, encoder_, frozen_, spikes_
        See `HRSNNFeatures`.

    Notes
    -----
    A network knows the range of its training part and little beyond. ``difference="auto"`` compares the last third of
    each training series with the two before. Where more than 1 % of its values lie clearly outside of their range (by
    2 % of it), or one by half of it, two linear autoregressions are fitted to the first two thirds. One sees and
    foretells values, cut off at that range, the other changes. If the error of the second on the last thirds is less
    than 0.9 of that of the first, changes are forecast. No other series has a say.

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
        self.difference = difference
        self.skip = skip
        self.strengths = strengths
        self.washout = washout
        self.lags = lags
        self.overrides = overrides
        self.encoder = encoder
        self.layout = layout
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

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Encode, learn without targets, freeze, and fit the readout.

        Parameters
        ----------
        X : list of array, shape (time, channels); or array, shape (series, time, channels)
        y : list of array, shape (time, targets), optional
            Targets row by row; by default X itself.
        sample_weight : array, shape (series,), or list of array, shape (time,), optional
            How much the forecasts of each series count for the readouts, or those of each row that is foretold: 2 as
            two of them, 0 as none. The network, which learns without targets, is shown all alike.

        Raises
        ------
        HeteroError
            If X is empty, not finite or of changing channels, y does not fit X, or a parameter breaks its rule.
        TooShortError
            If a series is too short for washout, lags and horizon.

        Warns
        -----
        UserWarning
            If series look like (channels, time).
        """
        samples, targets = self._check(X, y, fitting=True)
        return self._fit(samples, targets, y is None, sample_weight, self._train)

    def _fit(
        self, samples: Sequence[Any], targets: list[Array], feeds_back: bool, weight: Any, train: Callable[..., None]
    ) -> Self:
        """`fit` on checked series, with a way to train the network itself."""
        low, high = (np.array([edge(t, axis=0) for t in targets]) for edge in (np.min, np.max))
        self.range_ = low.min(axis=0), high.max(axis=0)
        still = np.flatnonzero(self.range_[0] == self.range_[1])
        if still.size:
            raise HeteroError(
                f"channel {still[0]} of the targets is {self.range_[0][still[0]]:g} throughout: leave it out of X, or "
                "give y without it"
            )
        weights = self._weights(weight, targets)
        self.feeds_back_ = feeds_back
        self.difference_ = self._decide(samples)
        with self._whole_or_not():
            self._learn(samples)
            self._note_range(samples)
            self.n_targets_ = targets[0].shape[1]
            rows, aims = self._rows(targets)
            folds = contiguous_folds([len(a) for a in aims], FOLDS)
            wanted = self._wanted(targets)
            train(samples, rows, wanted, weights)
            states = self._aligned(samples, targets)
            self.readout_ = self._fit_readout(_cut(states, rows), wanted, folds, weights)
            self._fit_linear(samples, targets, folds, weights)
            self.train_report_ = self._report(states, self._past(samples), targets)
        return self

    def _train(self, samples: Sequence[Any], rows: list[slice], wanted: Array, weights: Array | None) -> None:
        """What targets teach the network itself: nothing here. `wanted` has all forecasts, one after the other."""

    def _wanted(self, targets: list[Array]) -> Array:
        """What the readout is to say in each row that counts: values, or changes."""
        wanted = np.concatenate(self._rows(targets)[1])
        return np.asarray(wanted - self._now(targets)) if self.difference_ else wanted

    def _fit_readout(self, states: Array, wanted: Array, folds: Ints, weights: Array | None) -> Any:
        strengths = STRENGTHS if self.strengths is None else self.strengths
        light = self.encoder_.n_channels_ if self.skip else 0
        return RidgeReadout(strengths, light).fit(states, wanted, folds, weights)

    def predict(self, X: Any) -> list[Array]:
        """Forecasts, one array (time, targets) a series: row k is the forecast of row k + horizon.

        The first `washout` rows are there, but the network has not forgotten its rest yet. Warns if values leave the
        range of the training part.
        """
        self.check_fitted()
        samples = self.check_samples(X)
        self._warn_outside(samples)
        found = [self.readout_.predict(x) for x in self._states(samples)]
        return [x + p for x, p in zip(samples, found, strict=True)] if self.difference_ else found

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Coefficient of determination R^2 = 1 - NRMSE^2 over the forecasts of all series; weights as for `fit`."""
        self._same_kind(y)
        samples, targets = self._check(X, y)
        weights = self._weights(sample_weight, targets)
        self._warn_outside(samples)
        return 1.0 - self._error(self._aligned(samples, targets), targets, self.readout_, weights=weights) ** 2

    def report(self, X: Any, y: Any = None) -> ForecastReport:
        """NRMSE, skill against persistence and a linear autoregression, spikes per forecast, and task efficiency.

        Warns if values leave the range of the training part.
        """
        self._same_kind(y)
        samples, targets = self._check(X, y)
        self._warn_outside(samples)
        return self._report(self._aligned(samples, targets), self._past(samples), targets)

    def _report(self, states: list[Array], past: list[Array], targets: list[Array]) -> ForecastReport:
        nu = float(self.spikes_.sum() / self.rows_.sum())
        aims = self._rows(targets)[1]
        kept = nrmse(np.concatenate(aims), self._now(targets)) if self.feeds_back_ else math.nan
        return forecast_report(
            self.horizon, self._error(states, targets, self.readout_), kept,
            self._error(past, targets, self.linear_, self._lags() - 1, changes=self.linear_changes_),
            sum(map(len, aims)), nu, self.network_.n, self.hold_, self._lags(),
            float(self.operations_.sum() / self.rows_.sum()),
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
        history = as_series(self.check_samples([context], "context"), "context", arrays_only=True)[0]
        self._warn_outside([history])
        if len(history) <= self.washout:
            raise TooShortError(
                f"context must be longer than washout = {self.washout} rows, got {len(history)}",
                fix="give more",
                measure="forecast",
                required=self.washout + 1,
            )
        frozen, taus = self.frozen_, np.array(self._filters())
        decay = np.repeat(np.exp(-self.hold_ / taus), self.network_.n)
        recording = frozen.run(self._encode(history))
        state = self._filtered(recording)[-1]
        # The change of the oldest row that is embedded needs one more.
        keep, out = self.encoder_.lags + self.difference_, np.full((steps, history.shape[1]), np.nan)
        low, high = self.range_
        far = 100.0 * (high - low)
        for k in range(steps):
            now = self._encode(history[-keep:])
            row = self._with_skip(state[None], now.values[-1:])
            following = self.readout_.predict(row)[0] + (history[-1] if self.difference_ else 0.0)
            if not np.isfinite(following).all() or ((following < low - far) | (following > high + far)).any():
                break
            out[k] = following
            history = np.concatenate([history[-keep:], following[None]])
            recording = frozen.on(self._encode(history[-keep:])[-1:], recording)
            state = state * decay + self._filtered(recording)[0]
        return out

    def _encode(self, history: Array) -> Stimulus:
        return self.encoder_.encode(self._seen([history])[0], hold=self.hold_)

    def _make_encoder(self) -> Encoder:
        return CurrentEncoder(lags=EMBEDDED) if self.encoder is None else make_encoder(self.encoder)

    def _seen(self, X: Sequence[Any]) -> Sequence[Any]:
        """The change of each row from the one before, if such are forecast; none in the first row."""
        return [_changes(x) for x in X] if self.difference_ else X

    def _decide(self, samples: Sequence[Any]) -> bool:
        """Whether to forecast changes."""
        wanted = self.difference
        if wanted != "auto" and not isinstance(wanted, bool | np.bool_):
            raise HeteroError(f"difference must be True, False or 'auto', got {wanted!r}", fix="use 'auto'")
        if not self.feeds_back_:
            if wanted is True:
                raise HeteroError("difference forecasts changes of X itself, got targets y", fix="give no y")
            return False
        return bool(wanted) if wanted != "auto" else _leaves_range(samples, self.horizon, self._lags())

    def _weights(self, weight: Any, targets: list[Array]) -> Array | None:
        """Weights of all forecasts, one after the other, from those of series, or of the rows that are foretold."""
        if weight is None:
            return None
        first = self.first_row() + self.horizon
        listed = isinstance(weight, list | tuple) and len(weight) > 0
        if listed and np.iterable(weight[0]) and not isinstance(weight[0], str | bytes):
            if len(weight) != len(targets):
                raise HeteroError(
                    f"sample_weight must hold one array for each series ({len(targets)}), got {len(weight)}",
                    fix="give one weight a series, or one a row of each",
                )
            each = [check_weights(w, len(t), "row") for w, t in zip(weight, targets, strict=True)]
            out = np.concatenate([w[first:] for w in each])
        else:
            of_series = check_weights(weight, len(targets), "series")
            out = np.repeat(of_series, [len(t) - first for t in targets])
        if not out.any():
            raise HeteroError("sample_weight must be above 0 for some forecast, got 0 throughout", fix="weigh some")
        return np.asarray(out, dtype=np.float64)

    def _note_range(self, samples: Sequence[Any]) -> None:
        """The range of what the network was given, channel by channel; stimuli and sound have none."""
        self.seen_range_: tuple[Array, Array] | None = None
        if isinstance(samples[0], Stimulus) or self._front_ends():
            return
        seen = self._seen(samples)
        low, high = (np.array([edge(x, axis=0) for x in seen]) for edge in (np.min, np.max))
        self.seen_range_ = low.min(axis=0), high.max(axis=0)

    def _warn_outside(self, samples: Sequence[Any]) -> None:
        if self.seen_range_ is None or isinstance(samples[0], Stimulus):
            return
        low, high = self.seen_range_
        rows = np.concatenate(self._seen(samples))
        if rows.shape[1] != len(low):  # refused by the encoder
            return
        often, far = _outside(rows, low, high)
        if often.any() or far.any():
            share = ((rows < low) | (rows > high)).mean(axis=0)
            beyond = np.maximum(low - rows, rows - high).max(axis=0) / np.where(high > low, high - low, 1.0)
            worst = int(np.argmax(np.where(often | far, beyond, -1.0)))
            what = "changes" if self.difference_ else "values"
            advice = "" if self.difference_ or not self.feeds_back_ else "; difference=True forecasts changes"
            warnings.warn(
                f"{100 * share[worst]:.3g} % of the {what} of channel {worst} lie outside of the training range "
                f"{low[worst]:g} to {high[worst]:g} (they reach from {rows[:, worst].min():g} to "
                f"{rows[:, worst].max():g}): the network has not learnt what to say there{advice}",
                UserWarning,
                stacklevel=3,
            )

    def _now(self, targets: list[Array]) -> Array:
        """The rows from which the forecasts that count are made."""
        return np.concatenate([t[r] for t, r in zip(targets, self._rows(targets)[0], strict=True)])

    def _same_kind(self, y: Any) -> None:
        self.check_fitted()
        if (y is None) != self.feeds_back_:
            fitted, now = ("without", "with") if self.feeds_back_ else ("with", "without")
            raise HeteroError(f"fitted {fitted} targets y of their own, asked {now} them: use the same kind")

    def _check(self, X: Any, y: Any, *, fitting: bool = False) -> tuple[Sequence[Any], list[Array]]:
        least = 0 if y is not None else 1
        checks.whole("horizon", self.horizon, least=least, most=10**9, error=StimulusError)
        checks.whole("washout", self.washout, least=0, most=10**9, error=StimulusError)
        checks.whole("lags", self.lags, least=1, most=10**6, error=StimulusError)
        if fitting:
            self.take_names(None)  # those of an earlier fit
        samples = self.check_samples(X)
        if fitting and self.layout is None:
            self.take_names(shared_names(X))
            warn_if_turned(samples)
        if y is None:
            if isinstance(samples[0], Stimulus) or self._front_ends():
                raise HeteroError("event and audio data are no targets to forecast: give y, one row of targets a row")
            targets = [np.asarray(x) for x in samples]
        else:
            turn = self.layout == "channels, time"
            targets = as_series(turned(y) if turn else y, "y", arrays_only=True)
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
        return isinstance(self._make_encoder(), AudioEncoder)

    def first_row(self) -> int:
        return max(self.washout, self._lags() - 1)

    def _lags(self) -> int:
        """Past rows of the linear model: no fewer than a delay embedding gives the network."""
        return max(self.lags, int(getattr(self._make_encoder(), "lags", 1)))

    def _fit_linear(self, samples: Sequence[Any], targets: list[Array], folds: Ints, weights: Array | None) -> None:
        """The autoregression: of values or, where the network forecasts changes, of these if they serve it better.

        What serves the network need not serve a linear model: by changes it loses the level that a series returns to.
        """
        rows, aims = self._rows(targets)
        wanted, now = np.concatenate(aims), self._now(targets)
        found: list[tuple[float, bool, RidgeReadout]] = []
        for changes in (False, True) if self.difference_ else (False,):
            past, base = _cut(self._past(samples, changes), rows, self._lags() - 1), now if changes else 0.0
            model = RidgeReadout().fit(past, wanted - base, folds, weights)
            error = 0.0
            if self.difference_:  # in the unit of the values, on folds that were left out
                rest = RidgeReadout(model.strength_)
                for fold in range(folds.max() + 1):
                    left, kept = folds == fold, folds != fold
                    heard = None if weights is None else weights[kept]
                    missed = rest.fit(past[kept], (wanted - base)[kept], None, heard).predict(past[left])
                    squares = (missed - (wanted - base)[left]) ** 2 / np.maximum(wanted.var(axis=0), 1e-300)
                    error += float(np.sum(squares if weights is None else weights[left][:, None] * squares))
            found.append((error, changes, model))
        _, self.linear_changes_, self.linear_ = min(found, key=lambda f: f[0])

    def _past(self, samples: Sequence[Any], changes: bool | None = None) -> list[Array]:
        """Past rows side by side, as the linear model has them: values, or changes."""
        if isinstance(samples[0], Stimulus) or self._front_ends():
            return [lagged(u, self._lags()) for u in self._inputs(samples)]
        changes = self.linear_changes_ if changes is None else changes
        return [lagged(_changes(x) if changes else x, self._lags()) for x in samples]

    def _rows(self, targets: list[Array]) -> tuple[list[slice], list[Array]]:
        """Rows whose states count in each series, and what they are to foretell."""
        start = self.first_row()
        rows = [slice(start, len(t) - self.horizon) for t in targets]
        return rows, [t[start + self.horizon :] for t in targets]

    def _filters(self) -> tuple[float, ...]:
        """Time constants of the filters that the readout sees the spikes through."""
        return self.taus_

    def _states(self, samples: Sequence[Any]) -> list[Array]:
        states = self.frozen_pass(samples, lambda x, _: x)
        if not self.skip:
            return states
        return [self._with_skip(x, u) for x, u in zip(states, self._inputs(samples), strict=True)]

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

    def _error(
        self,
        features: list[Array],
        targets: list[Array],
        readout: RidgeReadout,
        first: int = 0,
        weights: Array | None = None,
        changes: bool | None = None,
    ) -> float:
        rows, aims = self._rows(targets)
        found = readout.predict(_cut(features, rows, first))
        if self.difference_ if changes is None else changes:
            found = found + self._now(targets)
        return nrmse(np.concatenate(aims), found, sample_weight=weights)


def _changes(x: Array) -> Array:
    """Change of each row from the one before; none in the first."""
    return np.diff(x, axis=0, prepend=x[:1])


def _outside(rows: Array, low: Array, high: Array) -> tuple[Bools, Bools]:
    """Which channels are often outside of a range, and which are far outside once."""
    beyond, span = np.maximum(low - rows, rows - high), high - low
    often = (beyond > MARGIN * span).sum(axis=0) > max(1.0, OUTSIDE * len(rows))
    return often, beyond.max(axis=0) > FAR * span


def _leaves_range(samples: Sequence[Array], horizon: int, lags: int) -> bool:
    """Whether series leave the range of their first two thirds, and changes are then easier to forecast than values.

    By two linear autoregressions, on fewer lags where series are short.
    """
    shortest = min(map(len, samples))
    lags = max(1, min(lags, shortest // 6))
    parts = [2 * len(x) // 3 for x in samples]
    if min(parts) - lags - horizon < 2:
        return False
    early = np.concatenate([x[:cut] for x, cut in zip(samples, parts, strict=True)])
    low, high = early.min(axis=0), early.max(axis=0)
    late = np.concatenate([x[cut:] for x, cut in zip(samples, parts, strict=True)])
    if not any(edge.any() for edge in _outside(late, low, high)):
        return False
    vary = high > low
    if not vary.any():
        return True  # what stood still has begun to move

    def error(changes: bool) -> float:
        train: tuple[list[Array], ...] = ([], [])
        test: tuple[list[Array], ...] = ([], [], [])
        for x, cut in zip(samples, parts, strict=True):
            x = x[:, vary]
            seen = np.diff(x, axis=0, prepend=x[:1]) if changes else np.clip(x, low[vary], high[vary])
            past = lagged(seen, lags)  # row 0 belongs to row lags - 1
            now, ahead = x[lags - 1 : len(x) - horizon], x[lags - 1 + horizon :]
            aims = ahead - now if changes else ahead
            edge = cut - horizon - (lags - 1)  # the last third begins with the first aim in it
            train[0].append(past[:edge])
            train[1].append(aims[:edge])
            test[0].append(past[edge : len(aims)])
            test[1].append(ahead[edge:])
            test[2].append(now[edge:])
        folds = contiguous_folds([len(a) for a in train[1]], FOLDS)
        found = RidgeReadout().fit(np.concatenate(train[0]), np.concatenate(train[1]), folds)
        p = found.predict(np.concatenate(test[0]))
        now = np.concatenate(test[2])
        p = p + now if changes else np.clip(p, low[vary], high[vary])
        spread = np.concatenate([x[:, vary] for x in samples]).var(axis=0)
        return math.sqrt(float((((np.concatenate(test[1]) - p) ** 2).mean(axis=0) / spread).mean()))

    return error(True) < WORTH * error(False)


def _cut(features: list[Array], rows: list[slice], first: int = 0) -> Array:
    """Rows of several series, end to end; row 0 of `features` belongs to row `first` of its series."""
    return np.concatenate([x[slice(r.start - first, r.stop - first)] for x, r in zip(features, rows, strict=True)])
