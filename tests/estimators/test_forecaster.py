"""The forecaster: which row is forecast from which, what the report compares, closed loops, and refusals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from helpers import refused
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import hetero_rsnn as hr
from hetero_rsnn.common.errors import StimulusError, TooShortError
from hetero_rsnn.estimators.forecaster import HRSNNForecaster
from hetero_rsnn.estimators.readout import RidgeReadout, contiguous_folds, lagged

Array = NDArray[np.float64]

N = 40


def wave(rows: int, start: int = 0) -> Array:
    """Two channels of one oscillation, on scales of their own."""
    t = np.arange(start, start + rows) / 5
    return np.stack([np.sin(t), 1e3 + 50 * np.cos(t)], axis=1)


def noise(rows: int, channels: int = 1, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(rows, channels)) * np.logspace(0, 3, channels)


def make(**options: Any) -> HRSNNForecaster:
    """One row at a time, to the network alone, unless said otherwise: what is wrong then has nowhere to hide."""
    plain = {"overrides": {"n": N}, "washout": 10, "lags": 5, "encoder": "current", "skip": False}
    return HRSNNForecaster("henhes", **{**plain, **options})


def nrmse(aim: Array, found: Array) -> float:
    return float(np.sqrt((((aim - found) ** 2).mean(axis=0) / aim.var(axis=0)).mean()))


@pytest.fixture(scope="module")
def fitted() -> HRSNNForecaster:
    return make(horizon=3).fit([wave(200), wave(150, 40), wave(60, 11)])


# Forecasts -------------------------------------------------------------------------------------------------------


def test_a_sine_is_forecast() -> None:
    f = make(horizon=3, overrides={"n": 100}, tau_read=["10 ms", "50 ms"]).fit([wave(900)])
    report = f.report([wave(300, 1000)])
    assert report.nrmse < 0.45 and report.nrmse < report.persistence and report.linear < 1e-3
    assert f.score([wave(300, 1000)]) == pytest.approx(1 - report.nrmse**2) and report.skill > 0.3


def test_rows_by_hand(fitted: HRSNNForecaster) -> None:
    """States of frozen runs; row k of the states after the washout against row k + horizon of the series."""
    X = [wave(200), wave(150, 40), wave(60, 11)]
    states = []
    for u in fitted.inputs(X):
        run = hr.simulate(
            fitted.frozen_.draw, hr.array_stimulus(u, "10 ms"), state=fitted.frozen_.state, plasticity=False
        )
        states.append(hr.states(run, tau_read="30 ms"))
    features = np.concatenate([s[10 : len(x) - 3] for s, x in zip(states, X, strict=True)])
    aims = np.concatenate([x[13:] for x in X])
    folds = contiguous_folds([187, 137, 47], 5)
    readout = RidgeReadout().fit(features, aims, folds)
    np.testing.assert_allclose(fitted.readout_.coef_, readout.coef_, rtol=1e-6, atol=1e-9)
    for found, s in zip(fitted.predict(X), states, strict=True):
        assert found.shape == (len(s), 2)
        np.testing.assert_allclose(found, readout.predict(s), rtol=1e-6)
    assert fitted.n_targets_ == 2
    error = nrmse(aims, readout.predict(features))
    assert fitted.report(X).nrmse == pytest.approx(error, rel=1e-6)
    assert fitted.score(X) == pytest.approx(1 - error**2, rel=1e-6)


def test_a_readout_that_sees_the_row_is_exact_when_the_answer_is_there() -> None:
    """With the three rows before each beside the states: the alignment of rows, and of series, must be right."""
    X = [noise(120, 2), noise(80, 2, seed=1)]
    y = [np.stack([x[:, 1] - 2e3 * x[:, 0], np.zeros(len(x)), x[:, 0]], axis=1) for x in X]
    for t, x in zip(y, X, strict=True):
        t[2:, 1] = x[:-2, 1]
    f = make(horizon=0, skip=True, encoder=hr.CurrentEncoder(lags=3, clip=None), strengths=1e-9).fit(X, y)
    for found, t in zip(f.predict(X), y, strict=True):
        np.testing.assert_allclose(found[10:], t[10:], rtol=1e-3, atol=1e-3 * np.abs(t).max())
    assert f.score(X, y) > 0.99999
    g = make(horizon=2, skip=True, encoder=hr.CurrentEncoder(lags=3, clip=None), strengths=1e-9)
    ahead = [np.concatenate([t[:2] * 0, t[:-2]]) for t in y]  # the same answers, two rows later
    assert g.fit(X, ahead).score(X, ahead) > 0.99999
    assert make(horizon=1, skip=True, strengths=1e-9).fit(X, ahead).score(X, ahead) < 0.9


def test_a_delay_task() -> None:
    """Targets of their own that only memory can give: the row two before."""
    u = noise(1500)
    y = np.concatenate([u[:2] * 0, u[:-2]])
    f = make(horizon=0, overrides={"n": 100}, tau_read=["10 ms", "30 ms"]).fit([u[:1100]], [y[:1100]])
    assert f.score([u[1100:]], [y[1100:]]) > 0.1
    assert f.score([u[1100:]], [noise(400, seed=5)]) < 0.02
    report = f.report([u[1100:]], [y[1100:]])
    assert np.isnan([report.persistence, report.skill, report.linear_skill]).all()
    assert report.linear < 1e-2 and "persistence undefined" in str(report)
    y1 = [y[:1100, 0]]  # (time,) is one target
    assert make(horizon=0).fit([u[:1100]], y1).predict([u[:30]])[0].shape == (30, 1)


def test_series_are_kept_apart(fitted: HRSNNForecaster) -> None:
    X = [wave(50), wave(30, 7)]
    before = fitted.predict(X)
    changed = fitted.predict([X[0] * [3, 1], X[1]])
    np.testing.assert_array_equal(changed[1], before[1])
    assert not np.allclose(changed[0], before[0])
    np.testing.assert_array_equal(fitted.predict(X[1:])[0], before[1])
    # And rows to come do not matter for those before.
    later = X[0].copy()
    later[20:] = 1000.0
    after = fitted.predict([later])[0]
    np.testing.assert_array_equal(after[:20], before[0][:20])
    assert not np.allclose(after[20:], before[0][20:])


def test_no_pair_of_rows_crosses_from_series_to_series() -> None:
    """The last rows of a series have no target: changing how they are encoded leaves the readout alone."""
    X = [noise(60), noise(50, seed=1)]
    encoder = hr.CurrentEncoder("none", clip=None)
    one = make(horizon=4, epochs=0, encoder=encoder).fit(X, [x * 2 for x in X])
    other = [x.copy() for x in X]
    other[0][-4:] = 30.0
    two = make(horizon=4, epochs=0, encoder=encoder).fit(other, [x * 2 for x in X])
    np.testing.assert_array_equal(one.readout_.coef_, two.readout_.coef_)
    other[0][-5] = 30.0
    assert not np.allclose(make(horizon=4, epochs=0, encoder=encoder).fit(other, X).readout_.coef_, one.readout_.coef_)


def test_skip_and_the_light_columns() -> None:
    X = [wave(200)]
    f = make(skip=True).fit(X)
    assert f.readout_.light == 2 and f.readout_.coef_.shape == (N + 2, 2)
    plain = make().fit(X)
    assert plain.readout_.light == 0 and plain.readout_.coef_.shape == (N, 2)
    states = np.concatenate([plain._states(X)[0], plain.inputs(X)[0]], axis=1)
    by_hand = RidgeReadout(light=2).fit(states[10:-1], X[0][11:], contiguous_folds([189], 5))
    np.testing.assert_allclose(f.readout_.coef_, by_hand.coef_, rtol=1e-6, atol=1e-9)
    assert make(strengths=[0.5]).fit(X).readout_.strength_ == 0.5


@pytest.mark.parametrize("encoder", ["poisson", hr.DeltaEncoder(0.5)])
def test_spiking_input(encoder: Any) -> None:
    f = make(encoder=encoder, skip=True).fit([wave(150)])
    channels = 4 if f.encoder_.n_channels_ == 4 else 2
    assert f.readout_.coef_.shape == (N + channels, 2)
    assert f.linear_.coef_.shape == (5 * 2, 2)  # it sees the series, not its spikes
    assert f.report([wave(150)]).nu > 0


def test_stimuli_with_targets() -> None:
    rng = np.random.default_rng(0)
    X = [
        hr.event_stimulus(rng.uniform(0, 600, 300), rng.integers(0, 2, 300), n_channels=2, hold="5 ms", samples=120)
        for _ in range(2)
    ]
    y = [u.values.sum(axis=1) for u in X]
    f = make(horizon=0, skip=True, encoder="current").fit(X, y)
    assert f.score(X, y) > 0.99 and f.hold_ == 5.0
    refused(lambda: make().fit(X), "event and audio data are no targets", "give y")
    refused(lambda: make(encoder="audio").fit([np.sin(np.arange(4000.0))]), "audio", "give y")


def test_recordings_have_a_target_a_frame() -> None:
    x, y = noise(2000)[:, 0] * 0.1, noise(50, seed=1)  # 50 frames of 5 ms at 8000 Hz
    f = make(horizon=0, encoder="audio", lags=2).fit([x], [y])
    assert f.predict([x])[0].shape == (50, 1)
    for rows in (49, 60):
        other = noise(rows, seed=1)
        for call in (lambda o=other: make(horizon=0, encoder="audio", lags=2).fit([x], [o]),
                     lambda o=other: f.score([x], [o]), lambda o=other: f.report([x], [o])):  # fmt: skip
            refused(call, "series 0", "makes of X (50)", f"got {rows}", "align")


# Reports ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("washout", "lags", "horizon"), [(10, 5, 1), (2, 9, 3), (0, 1, 2)])
def test_errors_of_the_report(washout: int, lags: int, horizon: int) -> None:
    """Persistence and autoregression in loops over the rows that count."""
    train = [wave(90) + noise(90, 2) * [0.3, 0.01], wave(70, 30) + noise(70, 2, seed=1) * [0.3, 0.01]]
    train[0][40] += [0, 300]  # which the encoder clips, and the autoregression sees
    test = [wave(60, 3) + noise(60, 2, seed=2) * [0.3, 0.01], wave(40, 9) + noise(40, 2, seed=3) * [0.3, 0.01]]
    f = make(washout=washout, lags=lags, horizon=horizon).fit(train)
    start = max(washout, lags - 1)

    def pairs(X: list[Array]) -> tuple[Array, Array, Array]:
        past, now, aims = [], [], []
        for x in X:
            for k in range(start, len(x) - horizon):
                past.append(np.concatenate([x[k - i] for i in range(lags)]))
                now.append(x[k])
                aims.append(x[k + horizon])
        return np.array(past), np.array(now), np.array(aims)

    past, _, aims = pairs(train)
    linear = RidgeReadout().fit(past, aims, contiguous_folds([90 - start - horizon, 70 - start - horizon], 5))
    past, now, aims = pairs(test)
    report = f.report(test)
    assert (report.n, report.horizon, report.lags) == (len(aims), horizon, lags)
    assert report.persistence == pytest.approx(nrmse(aims, now), rel=1e-9)
    assert report.linear == pytest.approx(nrmse(aims, linear.predict(past)), rel=1e-6)
    assert report.skill == pytest.approx(1 - (report.nrmse / report.persistence) ** 2)
    assert report.linear_skill == pytest.approx(1 - (report.linear / report.persistence) ** 2)


def test_spikes_of_the_report(fitted: HRSNNForecaster) -> None:
    X = [wave(80, 5), wave(45, 20)]
    count = sum(
        hr.simulate(
            fitted.frozen_.draw, hr.array_stimulus(u, "10 ms"), state=fitted.frozen_.state, plasticity=False
        ).spike_times.size
        for u in fitted.inputs(X)
    )
    report = fitted.report(X)
    assert count > 50 and report.spikes == pytest.approx(count / 125)
    assert report.nu == pytest.approx(count / 125 / N)
    assert report.rate_hz == pytest.approx(count / N / 1.25)
    assert report.efficiency == pytest.approx(1 / (report.nrmse * report.nu))
    assert json.loads(json.dumps(report.to_dict()))["nrmse"] == report.nrmse
    for text in (f"NRMSE {report.nrmse:.3g} at 3 samples", "persistence", "linear on 5 lags", "efficiency"):
        assert text in str(report)


def test_lags_of_the_encoder_are_granted_to_the_linear_model() -> None:
    f = make(encoder=hr.CurrentEncoder(lags=7), lags=3).fit([wave(120)])
    assert f.report([wave(80)]).lags == 7 and f.linear_.coef_.shape == (14, 2)
    assert f.network_.input.channels == 14


def test_lagged() -> None:
    x = np.arange(12.0).reshape(6, 2)
    found = lagged(x, 3)
    np.testing.assert_array_equal(found, [[*x[k], *x[k - 1], *x[k - 2]] for k in range(2, 6)])
    np.testing.assert_array_equal(lagged(x[:, 0], 1), x[:, :1])
    assert refused(lambda: lagged(x, 7), "7 lags", "got 6", error=TooShortError).required == 7


# Closed loops ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"skip": True},
        {"tau_read": ["10 ms", "60 ms"], "skip": True},
        {"encoder": hr.CurrentEncoder(lags=4), "tau_read": ["60 ms", "10 ms"]},
        {"encoder": hr.CurrentEncoder("minmax", gain=2.0, clip=None, lags=3), "skip": True, "hold": "4 ms"},
    ],
)
def test_a_closed_loop_step_by_step(options: dict[str, Any]) -> None:
    """Each forecast is that of an open run over the context and all forecasts so far."""
    f = make(**options).fit([wave(200)])
    context = wave(30, 200)
    found = f.free_run(context, 8)
    assert found.shape == (8, 2)
    for k in range(8):
        open_run = f.predict([np.concatenate([context, found[:k]])])[0][-1]
        np.testing.assert_allclose(found[k], open_run, rtol=1e-6)


def test_a_context_shorter_than_the_lags_of_the_encoder() -> None:
    f = make(washout=0, encoder=hr.CurrentEncoder(lags=6)).fit([wave(200)])
    context = wave(2, 200)
    found = f.free_run(context, 6)
    for k in range(6):
        open_run = f.predict([np.concatenate([context, found[:k]])])[0][-1]
        np.testing.assert_allclose(found[k], open_run, rtol=1e-6)


def test_a_sine_goes_on_by_itself() -> None:
    f = make(encoder=hr.CurrentEncoder(lags=4, clip=None), skip=True).fit([wave(600)])
    found = f.free_run(wave(60, 600), 160)  # five periods
    np.testing.assert_allclose((found - wave(160, 660)) / [1, 50], 0, atol=0.35)


def test_a_loop_that_runs_away_ends() -> None:
    f = make(encoder=hr.CurrentEncoder("none", clip=None), skip=True).fit([wave(200)[:, :1]])
    f.readout_.coef_[:-1], f.readout_.coef_[-1], f.readout_.intercept_ = 0.0, -10.0, np.zeros(1)
    context = wave(30)[:, :1]
    found = f.free_run(context, 9)[:, 0]
    kept = np.isfinite(found)
    np.testing.assert_array_equal(kept, [True, True, False, False, False, False, False, False, False])
    np.testing.assert_allclose(found[:2], context[-1, 0] * np.array([-10, 100]))


def test_refused_loops(fitted: HRSNNForecaster) -> None:
    refused(lambda: fitted.free_run(wave(30), 5), "horizon=1", "got 3", "CurrentEncoder")
    f = make().fit([wave(100)])
    error = refused(lambda: f.free_run(wave(10), 5), "longer than washout = 10", "got 10", error=TooShortError)
    assert error.required == 11
    refused(lambda: f.free_run(wave(30), 0), "steps", ">= 1", "got 0")
    refused(lambda: f.free_run(wave(30)[:, :1], 3), "1 channels", "fitted on 2")
    own = make().fit([wave(100)], [wave(100)])
    refused(lambda: own.free_run(wave(30), 5), "without y")
    spiking = make(encoder="poisson").fit([wave(100)])
    refused(lambda: spiking.free_run(wave(30), 5), "CurrentEncoder")


# Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "needed"),
    [({}, 13), ({"washout": 0, "lags": 9, "horizon": 4}, 14), ({"encoder": hr.CurrentEncoder(lags=20)}, 22)],
)
def test_short_series(options: dict[str, Any], needed: int) -> None:
    """The number of rows that the error asks for is enough, and one less is not."""
    X = [wave(100), wave(needed - 1, 5)]
    error = refused(lambda: make(**options).fit(X), "series 1", f"at least {needed} rows", error=TooShortError)
    assert error.required == needed and f"got {needed - 1}" in str(error)
    f = make(**options).fit([wave(100), wave(needed, 5)])
    assert refused(lambda: f.score(X[1:]), "series 0", error=TooShortError).required == needed
    assert refused(lambda: f.report(X[1:]), "series 0", error=TooShortError).required == needed
    assert np.isfinite(f.score([wave(needed)]))


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ([wave(50)], [wave(49)], ["series 0", "as many rows as X (50)", "got 49", "align"]),
        ([wave(50), wave(40)], [wave(50)], ["one series for each of X (2)", "got 1"]),
        ([wave(50)], [np.full((50, 1), np.nan)], ["sample 0 of y", "finite"]),
        ([wave(50)], wave(50), ["y must be a list of samples"]),
        ([], None, ["X is empty"]),
        ([wave(50), wave(50)[:, :1]], None, ["sample 1", "1 channels"]),
        ([wave(50) * np.nan], None, ["finite", "nan"]),
    ],
)
def test_refused_series(X: Any, y: Any, words: list[str]) -> None:
    refused(lambda: make().fit(X, y), *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizon": 0}, ["horizon", ">= 1", "got 0"]),
        ({"horizon": 1.0}, ["horizon", "1.0"]),
        ({"washout": -1}, ["washout", ">= 0", "got -1"]),
        ({"lags": 0}, ["lags", "from 1", "0"]),
        ({"strengths": [0.0]}, ["strengths", "> 0"]),
        ({"hold": "10.5 ms"}, ["multiple of dt"]),
    ],
)
def test_refused_parameters(options: dict[str, Any], words: list[str]) -> None:
    refused(lambda: make(**options).fit([wave(80)]), *words)


def test_horizons_with_targets_of_their_own() -> None:
    assert make(horizon=0).fit([wave(80)], [wave(80)]).predict([wave(20)])[0].shape == (20, 2)
    refused(lambda: make(horizon=-1).fit([wave(80)], [wave(80)]), "horizon", ">= 0", "got -1")


def test_refused_afterwards(fitted: HRSNNForecaster) -> None:
    refused(lambda: fitted.predict([wave(50)[:, :1]]), "1 channels", "fitted on 2", error=StimulusError)
    for call in ("predict", "score", "report"):
        refused(lambda call=call: getattr(make(), call)([wave(50)]), "not fitted", error=NotFittedError)
    refused(lambda: make().free_run(wave(30), 3), "not fitted", error=NotFittedError)


def test_parameters_are_kept_as_given() -> None:
    for name in HRSNNForecaster().get_params(deep=False):
        marker = object()
        assert HRSNNForecaster(**{name: marker}).get_params(deep=False)[name] is marker
    f = make(horizon=4, strengths=[1.0])
    assert clone(f).get_params() == f.get_params()


def test_targets_of_their_own_are_asked_for_again() -> None:
    x = np.sin(np.arange(300) / 5)[:, None]
    own = hr.HRSNNForecaster("henhes", overrides={"n": 30}).fit([x], [x**2])
    refused(lambda: own.report([x]), "fitted with targets", "without")
    fed = hr.HRSNNForecaster("henhes", overrides={"n": 30}).fit([x])
    refused(lambda: fed.score([x], [x]), "fitted without targets", "with")


def test_a_calm_context_is_no_run_away() -> None:
    x = 1 + np.sin(np.arange(500) / 5)[:, None]
    model = hr.HRSNNForecaster("henhes", overrides={"n": 40}, skip=True).fit([x])
    assert np.isfinite(model.free_run(np.full((60, 1), 0.9), 3)).all()


def test_settings_changed_after_the_fit_are_refused() -> None:
    x = np.sin(np.arange(300) / 5)[:, None]
    model = hr.HRSNNForecaster("henhes", overrides={"n": 30}).fit([x]).set_params(n_jobs=2)
    model.predict([x])
    refused(lambda: model.set_params(horizon=20).report([x]), "horizon was 1", "20 now", "fit again")


def test_a_constant_target_is_refused_before_learning() -> None:
    x = np.stack([np.sin(np.arange(300) / 5), np.zeros(300)], axis=1)
    refused(lambda: hr.HRSNNForecaster("henhes", overrides={"n": 30}).fit([x]), "channel 1", "0 throughout")


def test_the_report_of_a_fit_is_that_of_its_series() -> None:
    x = [np.sin(np.arange(300) / 5 + k)[:, None] for k in range(2)]
    model = hr.HRSNNForecaster("henhes", overrides={"n": 30}, horizon=2).fit(x)
    assert model.train_report_ == model.report(x)


# Defaults --------------------------------------------------------------------------------------------------------


def test_six_rows_side_by_side_to_network_and_readout_by_default() -> None:
    f = HRSNNForecaster("henhes", overrides={"n": N}).fit([wave(200)])
    assert f.encoder_.lags == 6 and f.network_.input.channels == 12 and f.readout_.coef_.shape == (N + 12, 2)
    assert f.linear_.coef_.shape == (24 * 2, 2) and f.train_report_.lags == 24


def climbing(rows: int, slope: float = 0.02) -> Array:
    t = np.arange(rows)
    return (slope * t + np.sin(t / 5) + noise(rows)[:, 0] / 10)[:, None]


def test_a_series_with_a_trend_is_forecast_by_its_changes() -> None:
    x = climbing(900)
    train, test = [x[:600]], [x[600:]]
    f = make(horizon=5).fit(train)
    assert f.difference_ is True
    with pytest.warns(UserWarning, match="values of channel 0 lie outside of the training range") as said:
        plain = make(horizon=5, difference=False).fit(train).report(test)
    assert "difference=True forecasts changes" in str(said[0].message)
    report = f.report(test)
    assert plain.nrmse > 1.5 and report.nrmse < 0.85 * report.persistence and report.linear < report.persistence
    assert report.persistence == plain.persistence
    assert f.score(test) == pytest.approx(1 - report.nrmse**2)
    by_hand = nrmse(x[615:], f.predict(test)[0][10:-5])
    assert report.nrmse == pytest.approx(by_hand, rel=1e-9)
    ready = HRSNNForecaster("henhes", overrides={"n": N}, horizon=5).fit(train).report(test)
    assert ready.nrmse < 0.65 * ready.persistence and ready.lags == 24


def test_changes_by_hand() -> None:
    """The network is given each change, and the readout foretells that from row k to row k + horizon."""
    X = [climbing(160), climbing(120, -0.01)]
    f = make(horizon=3, difference=True).fit(X)
    changes = [np.diff(x, axis=0, prepend=x[:1]) for x in X]
    rows = np.concatenate(changes)
    for u, d in zip(f.inputs(X), changes, strict=True):
        np.testing.assert_allclose(u, np.clip((d - rows.mean()) / rows.std(), -3, 3), rtol=1e-9, atol=1e-12)
    aims = np.concatenate([x[13:] - x[10:-3] for x in X])
    folds = contiguous_folds([147, 107], 5)
    states = f._states(X)
    by_hand = RidgeReadout().fit(np.concatenate([s[10:-3] for s in states]), aims, folds)
    np.testing.assert_allclose(f.readout_.coef_, by_hand.coef_, rtol=1e-9)
    for found, s, x in zip(f.predict(X), states, X, strict=True):
        np.testing.assert_allclose(found, x + by_hand.predict(s), rtol=1e-9)
    given = changes if f.linear_changes_ else X  # whichever serves the linear model better
    past = np.concatenate([lagged(d, 5)[6:-3] for d in given])
    wanted = aims if f.linear_changes_ else np.concatenate([x[13:] for x in X])
    np.testing.assert_allclose(f.linear_.coef_, RidgeReadout().fit(past, wanted, folds).coef_, rtol=1e-9)


def test_the_autoregression_takes_changes_only_where_they_serve_it() -> None:
    """A climb wants them; a series that returns to its level loses that by them, whatever the network forecasts."""
    assert make(difference=True, horizon=3).fit([np.cumsum(noise(600) + 0.3, axis=0)]).linear_changes_
    back = np.zeros((900, 1))
    for k, kick in enumerate(noise(899)[:, 0], 1):
        back[k] = 0.5 * back[k - 1] + kick
    forced, usual = (make(difference=d).fit([back[:600]]) for d in (True, False))
    assert forced.difference_ and not forced.linear_changes_ and not usual.difference_
    assert forced.report([back[600:]]).linear == usual.report([back[600:]]).linear


def test_a_loop_of_changes_step_by_step() -> None:
    f = make(difference=True, encoder=hr.CurrentEncoder(lags=4), skip=True).fit([climbing(300)])
    context = climbing(330)[300:]
    found = f.free_run(context, 6)
    for k in range(6):
        open_run = f.predict([np.concatenate([context, found[:k]])])[0][-1]
        np.testing.assert_allclose(found[k], open_run, rtol=1e-6)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (climbing(900), True),
        (-climbing(900), True),
        (np.cumsum(noise(900), axis=0), True),  # it leaves its range, and its last value says most
        (np.where(np.arange(900) < 650, 0.0, 100.0)[:, None] + noise(900), True),  # a jump
        (wave(900), False),
        (wave(900) + noise(900, 2) * [0.3, 0.01], False),
        (noise(900), False),
        (wave(900)[::-1] * 1e6, False),
        (np.concatenate([noise(899), [[9.0]]]), False),  # outside once: no trend
    ],
)
def test_changes_are_chosen_by_the_last_third_of_the_training_part(series: Array, expected: bool) -> None:
    options: dict[str, Any] = {"overrides": {"n": 20}, "epochs": 0}
    assert make(**options).fit([series]).difference_ is expected
    assert make(**options).fit([series, series[:700]]).difference_ is expected
    assert make(**options, difference=not expected).fit([series]).difference_ is not expected


def test_targets_of_their_own_are_not_differenced() -> None:
    x = climbing(200)
    assert make().fit([x], [x**2]).difference_ is False
    refused(lambda: make(difference=True).fit([x], [x**2]), "targets y", "give no y")
    for bad in ("yes", 1, None):
        refused(lambda bad=bad: make(difference=bad).fit([x]), "True, False or 'auto'", repr(bad))


def test_values_outside_of_the_training_range_are_said(recwarn: pytest.WarningsRecorder) -> None:
    f = make().fit([wave(200)])
    inside = wave(60, 3)
    for call in (f.predict, f.score, f.report):
        call([inside])
    f.free_run(inside, 2)
    assert not recwarn.list
    shifted = inside + [0, 60]
    for call in (f.predict, f.score, f.report, lambda X: f.free_run(X[0], 2)):
        with pytest.warns(UserWarning, match="channel 1 lie outside of the training range 950") as said:
            call([shifted])
        assert said[0].filename == __file__ and len(said) == 1
    once = inside.copy()
    once[30, 0] = 40.0
    with pytest.warns(UserWarning, match=r"1.67 % of the values of channel 0 .* to 40\)"):
        f.predict([once])


# Axes ------------------------------------------------------------------------------------------------------------


def test_series_whose_channels_come_first() -> None:
    X, y = [wave(120), wave(90, 7)], [wave(120)[:, :1] ** 2, wave(90, 7)[:, :1] ** 2]
    turned = [x.T for x in X]
    expected, f = make().fit(X), make(layout="channels, time").fit(turned)
    np.testing.assert_array_equal(f.readout_.coef_, expected.readout_.coef_)
    for a, b in zip(f.predict(turned), expected.predict(X), strict=True):
        np.testing.assert_array_equal(a, b)  # what comes back is (time, targets) in any layout
    assert f.report(turned) == expected.report(X) and f.score(turned) == expected.score(X)
    np.testing.assert_array_equal(f.free_run(wave(40).T, 3), expected.free_run(wave(40), 3))
    own = make(layout="channels, time").fit(turned, [t.T for t in y])
    assert own.score(turned, [t.T for t in y]) == make().fit(X, y).score(X, y)


def test_series_that_look_as_if_channels_came_first_are_said() -> None:
    X = [np.random.default_rng(0).normal(size=(30, 80))]
    options: dict[str, Any] = {"epochs": 0, "washout": 5}
    with pytest.warns(UserWarning, match=r"samples of 30 rows \(time\) and 80 channels") as said:
        f = make(**options).fit(X)
    assert said[0].filename == __file__ and f.n_targets_ == 80
    assert make(**options, layout="channels, time").fit(X).n_targets_ == 30


# Weights ---------------------------------------------------------------------------------------------------------


def test_a_series_of_weight_two_counts_as_two() -> None:
    X = [wave(100) + noise(100, 2, seed=k) * [0.3, 0.01] for k in range(3)]
    one = {"strengths": 0.01, "epochs": 0, "encoder": hr.CurrentEncoder("none", clip=None, gain=0.01)}
    weighed = make(**one).fit(X, sample_weight=[2, 1, 1])
    twice = make(**one).fit([X[0], *X])
    np.testing.assert_allclose(weighed.readout_.coef_, twice.readout_.coef_, rtol=1e-6, atol=1e-12)
    assert not np.allclose(weighed.readout_.coef_, make(**one).fit(X).readout_.coef_, rtol=1e-3)
    rows = [np.full(100, 2.0), np.ones(100), np.ones(100)]
    np.testing.assert_array_equal(make(**one).fit(X, sample_weight=rows).readout_.coef_, weighed.readout_.coef_)
    assert weighed.score(X, sample_weight=[2, 1, 1]) == pytest.approx(weighed.score([X[0], *X]), rel=1e-9)
    assert weighed.score(X, sample_weight=[0, 1, 0]) == pytest.approx(weighed.score([X[1]]), rel=1e-9)


def test_a_row_of_weight_none_has_no_say() -> None:
    x = wave(150) + noise(150, 2) * [0.3, 0.01]
    weight = np.ones(150)
    weight[70:80] = 0.0
    other = x.copy()
    other[79] = [0.5, 960.0]  # foretold only; later rows see it, but not by these weights
    weight[80:] = 0.0
    options: dict[str, Any] = {"epochs": 0, "strengths": 0.01, "encoder": hr.CurrentEncoder("none", gain=0.01)}
    a, b = (make(**options).fit([s], sample_weight=[weight]) for s in (x, other))
    np.testing.assert_array_equal(a.readout_.coef_, b.readout_.coef_)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ([1.0], ["one number a series (2)", "(1,)"]),
        ([-1.0, 1.0], [">= 0", "-1 at series 0"]),
        ([0, 0], ["above 0", "0 throughout"]),
        ([np.nan, 1], ["finite", "nan"]),
        (["a", "b"], ["one number a series", "<U1"]),
        ([np.ones(60)], ["one array for each series (2)", "got 1"]),
        ([np.ones(60), np.ones(49)], ["one number a row (50)", "(49,)"]),
        ([np.r_[np.ones(11), np.zeros(49)], np.r_[np.ones(5), np.zeros(45)]], ["some forecast", "0 throughout"]),
    ],
)
def test_refused_weights(fitted: HRSNNForecaster, weight: Any, words: list[str]) -> None:
    X = [wave(60), wave(50, 3)]
    refused(lambda: make().fit(X, sample_weight=weight), *words)
    refused(lambda: fitted.score(X, sample_weight=weight), *words)
