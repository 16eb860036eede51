"""The forecaster that is trained by gradients: what it adds to the other, and that it is one of its kind."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from helpers import refused
from numpy.typing import NDArray
from sklearn.base import clone

import hetero_rsnn as hr
from hetero_rsnn.gradient.fitting import Training

Array = NDArray[np.float64]


def wave(rows: int, start: int = 0) -> Array:
    """Two channels of one oscillation, on scales of their own."""
    t = np.arange(start, start + rows) / 5
    return np.stack([np.sin(t), 1e3 + 50 * np.cos(t)], axis=1)


def parity(rows: int, seed: int) -> tuple[Array, Array]:
    """Signs at random; what to answer is the product of the two before the present one, of which no sum knows."""
    u = np.sign(np.random.default_rng(seed).uniform(-1, 1, rows))
    y = np.zeros(rows)
    y[2:] = u[1:-1] * u[:-2]
    return u[:, None], y


def make(**changes: Any) -> hr.HRSNNGradientForecaster:
    options: dict[str, Any] = {
        "overrides": {"n": 40}, "washout": 10, "lags": 5, "encoder": "current", "horizon": 3, "segment": 40,
        "training_epochs": 4, "batch_size": 4, "precision": "double", "validation": 0.3,
    }  # fmt: skip
    return hr.HRSNNGradientForecaster("henhes", **{**options, **changes})


SERIES = [wave(250), wave(180, 40)]


@pytest.fixture(scope="module")
def fitted() -> hr.HRSNNGradientForecaster:
    return make().fit(SERIES)


@pytest.fixture(scope="module")
def along() -> hr.HRSNNGradientForecaster:
    """Its readout is the one that was trained along."""
    return make(readout="trained", horizon=1).fit(SERIES)


def test_it_learns_what_a_network_as_drawn_does_not_know() -> None:
    """On the same network, the same readout, and series that neither has seen."""
    (U, Y), (V, Z) = parity(3000, 0), parity(1000, 1)
    same: dict[str, Any] = {"horizon": 0, "hold": "20 ms", "overrides": {"n": 60}}
    trained = make(
        **same, trainable=["w", "w_in", "I_bias", "tau_m", "tau_syn"], segment=50, training_epochs=8, batch_size=8,
        learning_rate=0.02, validation=0.15,
    ).fit([U], [Y])  # fmt: skip
    drawn = hr.HRSNNForecaster(
        "henhes", epochs=0, encoder="current", washout=10, lags=5, **same
    ).fit([U], [Y])  # fmt: skip
    assert trained.score([V], [Z]) > drawn.score([V], [Z]) + 0.05
    assert trained.training_[trained.best_epoch_].validation < trained.training_[0].validation
    report = trained.report([V], [Z])
    assert report.nrmse < 0.95 and report.linear > 0.99 and report.nu > 0
    before, after = hr.draw(trained.network_, 0), trained.frozen_.draw
    for name in ("tau_m", "tau_syn", "I_bias"):
        assert np.unique(before.neurons[name] - after.neurons[name]).size > 30, name  # each neuron its own
    assert np.unique(before.neurons["tau_m"]).size > 30
    np.testing.assert_array_equal(before.neurons["v_th"], after.neurons["v_th"])
    np.testing.assert_array_equal(trained.frozen_.state.w, after.plastic.w)


def test_none_better_than_the_network_it_began_with(monkeypatch) -> None:
    """Then that is kept: the answers are those of the usual forecaster on it."""
    monkeypatch.setattr(Training, "_validate", lambda self, seen=None: (1.0, -1.0))
    trained = make(training_epochs=2).fit(SERIES)
    usual = hr.HRSNNForecaster(
        "henhes", overrides={"n": 40}, epochs=0, washout=10, lags=5, encoder="current", horizon=3
    ).fit(SERIES)
    assert trained.best_epoch_ == -1 and len(trained.training_) == 2
    np.testing.assert_array_equal(trained.frozen_.draw.plastic.w, usual.frozen_.draw.plastic.w)
    for a, b in zip(trained.predict(SERIES), usual.predict(SERIES), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def states_by_hand(f: hr.HRSNNGradientForecaster, X: list[Array], windows: int) -> list[Array]:
    """Spikes of frozen runs in parts of each row, faded part by part; the end of each row counts."""
    out = []
    for u in f.inputs(X):
        run = hr.simulate(f.frozen_.draw, hr.array_stimulus(u, "10 ms"), state=f.frozen_.state, plasticity=False)
        width = 10.0 / windows
        level, rows = np.zeros(run.n), []
        place = ((run.spike_times + 0.5) // width).astype(int)
        for k in range(len(u) * windows):
            level = level * np.exp(-width / 30.0) + np.bincount(run.spike_neurons[place == k], minlength=run.n)
            if k % windows == windows - 1:
                rows.append(level)
        out.append(np.array(rows))
    return out


@pytest.mark.parametrize("skip", [False, True])
def test_answers_of_the_readout_that_was_trained_along_by_hand(skip) -> None:
    """Rows of 10 ms, a filter of 30 ms: two parts a row are the fewest that are short enough."""
    f = make(readout="trained", skip=skip).fit(SERIES)
    states = states_by_hand(f, SERIES, 2)
    if skip:
        states = [np.concatenate(both, axis=1) for both in zip(states, f.inputs(SERIES), strict=True)]
    for found, seen in zip(f.predict(SERIES), states, strict=True):
        np.testing.assert_allclose(found, seen @ f.readout_.coef_ + f.readout_.intercept_, rtol=1e-9)
    aims, answers = (np.concatenate(x) for x in (
        [x[13:] for x in SERIES], [p[10 : len(x) - 3] for x, p in zip(SERIES, f.predict(SERIES), strict=True)]
    ))  # fmt: skip
    share = ((aims - answers) ** 2).mean(axis=0) / aims.var(axis=0)
    assert f.score(SERIES) == pytest.approx(1 - share.mean(), rel=1e-9) and f.score(SERIES) > 0.5


def test_the_loss_of_an_epoch_is_that_of_what_answers() -> None:
    """On the segments held out, in units of the variance of the targets; each begins from rest with its washout."""
    f = make(readout="trained", training_epochs=1, skip=False, trainable=["I_bias"]).fit([SERIES[0]])
    # 237 rows count, from row 10 on: six segments of nearly 40, of which 30 %, the last two, are held out.
    aims = SERIES[0][10 + 3 :]
    squares = []
    for rows in np.array_split(10 + np.arange(237), 6)[-2:]:
        first, last = rows[0], rows[-1] + 1
        piece = f.inputs([SERIES[0]])[0][first - 10 : last]
        run = hr.simulate(f.frozen_.draw, hr.array_stimulus(piece, "10 ms"), state=f.frozen_.state, plasticity=False)
        place, level = ((run.spike_times + 0.5) // 5.0).astype(int), np.zeros(40)
        for k in range(2 * len(piece)):
            level = level * np.exp(-5 / 30) + np.bincount(run.spike_neurons[place == k], minlength=40)
            if k % 2 and k // 2 >= 10:
                answer = level @ f.readout_.coef_ + f.readout_.intercept_
                squares.append((answer - SERIES[0][first - 10 + k // 2 + 3]) ** 2 / aims.var(axis=0))
    assert f.best_epoch_ == 0 and f.training_[0].validation == pytest.approx(np.mean(squares), rel=1e-9)
    assert f.training_[0].score == -f.training_[0].validation
    assert len(squares) == 78


def test_free_runs(along) -> None:
    """Each forecast is the next row: the same as asking for a forecast of the row after, one by one."""
    context = wave(120, 300)
    run = along.free_run(context, 15)
    assert run.shape == (15, 2) and np.isfinite(run).all()
    history = context
    for k in range(15):
        history = np.concatenate([history, along.predict([history])[0][-1:]])
        np.testing.assert_allclose(run[k], history[-1], rtol=1e-6)


def test_changes_are_forecast() -> None:
    trend = [x + np.arange(len(x))[:, None] for x in SERIES]
    f = make(readout="trained", horizon=1, difference=True).fit(trend)
    assert f.difference_
    seen = [np.concatenate(both, axis=1) for both in zip(states_by_hand(f, trend, 2), f.inputs(trend), strict=True)]
    for x, found, s in zip(trend, f.predict(trend), seen, strict=True):
        np.testing.assert_allclose(found, x + s @ f.readout_.coef_ + f.readout_.intercept_, rtol=1e-9)
    assert f.report(trend).nrmse < f.report(trend).persistence
    run = f.free_run(trend[0], 5)
    following = f.predict([trend[0]])[0][-1]
    np.testing.assert_allclose(run[0], following, rtol=1e-6)


def test_threads_change_nothing_and_seeds_do(fitted) -> None:
    again = make(n_jobs=2).fit(SERIES)
    for a, b in zip(again.predict(SERIES), fitted.predict(SERIES), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [e.loss for e in again.training_] == [e.loss for e in fitted.training_]
    assert not np.array_equal(make(seed=1).fit(SERIES).predict(SERIES)[0], fitted.predict(SERIES)[0])


@pytest.mark.parametrize("readout", ["ridge", "trained"])
def test_a_training_that_was_killed_goes_on_and_ends_alike(tmp_path, monkeypatch, readout) -> None:
    usual = Training.save

    def killed(self: Training, path: Any) -> Any:
        out = usual(self, path)
        if len(self.history) == 2:
            raise KeyboardInterrupt
        return out

    whole = make(readout=readout).fit(SERIES)
    monkeypatch.setattr(Training, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        make(readout=readout, checkpoint=tmp_path / "c", n_jobs=2).fit(SERIES)
    monkeypatch.setattr(Training, "save", usual)
    told: list[float] = []
    resumed = make(readout=readout, checkpoint=tmp_path / "c")
    resumed.on_epoch = lambda epoch: told.append(epoch.loss)
    resumed.fit(SERIES)
    for a, b in zip(resumed.predict(SERIES), whole.predict(SERIES), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [e.loss for e in resumed.training_] == [e.loss for e in whole.training_]
    assert told == [e.loss for e in whole.training_[2:]] and resumed.best_epoch_ == whole.best_epoch_
    if readout == "trained":  # what comes later goes on alike, too
        more = [f.partial_fit([wave(120, 5)]).predict([wave(60)])[0] for f in (resumed, whole)]
        np.testing.assert_array_equal(*more)
    for other in (make(readout=readout, segment=30), make(readout=readout, horizon=2), make(readout=readout, seed=1)):
        with pytest.raises(hr.FileFormatError, match="checkpoint of another training"):
            other.set_params(checkpoint=tmp_path / "c").fit(SERIES)


def test_more_samples_as_they_come() -> None:
    """Every call is an epoch: many calls know more than the first; what came before is not kept."""
    tested = [[x] for x in parity(1000, 999)]

    def online(calls: int, **more: Any) -> hr.HRSNNGradientForecaster:
        f = make(
            readout="trained", horizon=0, hold="20 ms", trainable=["w", "w_in", "I_bias", "tau_m", "tau_syn"],
            overrides={"n": 60}, batch_size=8, segment=50, learning_rate=0.01, **more,
        )  # fmt: skip
        for k in range(calls):
            f.partial_fit(*[[x] for x in parity(400, k)])
        return f

    once, often = online(1), online(25)
    assert len(often.training_) == 25 and len({e.loss for e in often.training_}) == 25
    assert often.score(*tested) > once.score(*tested) + 0.05
    assert len(pickle.dumps(often)) < 1.2 * len(pickle.dumps(once))
    again = online(2)
    np.testing.assert_array_equal(again.predict(tested[0])[0], online(2, n_jobs=2).predict(tested[0])[0])
    assert [e.loss for e in again.training_] == [e.loss for e in often.training_[:2]]


def test_going_on_after_a_fit(along) -> None:
    """Another epoch from the best values; a copy that went back to a file and came again goes on alike."""
    one, two = (pickle.loads(pickle.dumps(along)) for _ in range(2))
    np.testing.assert_array_equal(one.predict(SERIES)[0], along.predict(SERIES)[0])
    one.partial_fit([wave(200, 77)])
    two.partial_fit([wave(200, 77)])
    np.testing.assert_array_equal(one.predict(SERIES)[0], two.predict(SERIES)[0])
    assert len(one.training_) == len(along.training_) + 1
    assert not np.array_equal(one.frozen_.draw.plastic.w, along.frozen_.draw.plastic.w)


def test_what_partial_fit_refuses(along) -> None:
    refused(lambda: make().partial_fit(SERIES), "partial_fit goes on with the readout", "readout='trained'")
    same = pickle.loads(pickle.dumps(along))
    refused(lambda: same.partial_fit([wave(200)], [np.ones(200)]), "fitted without targets y")
    refused(lambda: same.partial_fit([wave(200)[:, :1]]), "channels")
    np.testing.assert_array_equal(same.predict(SERIES)[0], along.predict(SERIES)[0])


def test_weights_of_series_and_rows(fitted) -> None:
    """Weight 0 is as if the targets were not there, 1 changes nothing."""
    ones = make().fit(SERIES, sample_weight=[1.0, 1.0])
    np.testing.assert_allclose(ones.predict(SERIES)[0], fitted.predict(SERIES)[0], rtol=1e-9)
    spoilt = [SERIES[0], SERIES[1].copy()]
    targets = [x.copy() for x in spoilt]
    targets[1][60:100] += 500.0  # wrong, and within the range that is noted
    rows = [np.ones(len(x)) for x in targets]
    rows[1][60:100] = 0.0
    heard = make(horizon=0, readout="trained", validation=0.0).fit(spoilt, targets, sample_weight=rows)
    deaf = make(horizon=0, readout="trained", validation=0.0).fit(spoilt, targets)
    clean = [x[:, :1] for x in SERIES]
    assert heard.score(SERIES, SERIES) > deaf.score(SERIES, SERIES) + 0.2
    one = make(validation=0.0).fit(clean, sample_weight=[1.0, 0.0])
    assert np.isfinite(one.score(clean)) and one.score(clean) > 0.5


def test_segments_that_do_not_count_are_neither_trained_on_nor_held_out() -> None:
    """Else those held out might have no weight, and no network would be better than another."""
    late, early = np.zeros(250), np.ones(250)
    late[-10:], early[-90:] = 1.0, 0.0
    for weight, best in ((late, [0, 1, 2, 3]), (early, [-1, 0, 1, 2, 3])):
        found = make().fit([SERIES[0]], sample_weight=[weight])
        assert np.isfinite([e.loss for e in found.training_]).all() and found.best_epoch_ in best
        assert found.training_[-1].loss > 0
    assert all(e.validation > 0 for e in found.training_)  # of the last segments that count


def test_short_series_leave_something_to_train_on() -> None:
    """Of a single segment nothing can be held out, whatever the share."""
    f = make(validation=0.9, segment=1000, training_epochs=2).fit(SERIES)
    assert len(f.training_) == 2 and np.isfinite(f.training_[-1].loss) and f.training_[-1].reached > 0


def test_clones_and_parameters(fitted) -> None:
    fitted.on_epoch = None
    copy = clone(fitted)
    assert copy.get_params()["segment"] == 40 and not hasattr(copy, "frozen_")
    assert set(hr.HRSNNForecaster().get_params()) <= set(copy.get_params())
    assert "on_epoch" not in copy.get_params()
    back = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(back.predict(SERIES)[0], fitted.predict(SERIES)[0])


def test_spikes_have_their_price(fitted) -> None:
    dear = make(target_rate=2.0, spike_weight=1.0, training_epochs=10, learning_rate=0.05).fit(SERIES)
    assert dear.report(SERIES).nu < 0.8 * fitted.report(SERIES).nu


def test_a_start_from_what_stdp_has_learned() -> None:
    learned = make(epochs=1, training_epochs=1, learning_rate=1e-9).fit(SERIES)
    usual = hr.HRSNNForecaster("henhes", overrides={"n": 40}, washout=10, lags=5, encoder="current", horizon=3)
    usual.fit(SERIES)
    np.testing.assert_allclose(learned.frozen_.draw.plastic.w, usual.frozen_.state.w, rtol=1e-6)
    assert learned.score(SERIES) == pytest.approx(usual.score(SERIES), abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"readout": "logistic"}, ["unknown readout 'logistic'", "ridge"]),
        ({"segment": 0}, ["segment must be", "got 0"]),
        ({"segment": 2.5}, ["segment must be", "2.5"]),
        ({"validation": 1.0}, ["validation must be a share below 1"]),
        ({"validation": -0.1}, ["validation must be"]),
        ({"trainable": ["weights"]}, ["unknown trainable quantity 'weights'"]),
        ({"pseudo_derivative": "box"}, ["pseudo-derivative 'box'"]),
        ({"target_rate": -5.0}, ["target_rate must be"]),
        ({"training_epochs": 0}, ["epochs must be"]),
        ({"learning_rate": "fast"}, ["learning_rate must be"]),
        ({"bounds": {"tau_m": (1, 2)}}, ["bounds names 'tau_m'"]),
        ({"trainable": ["tau_m"], "bounds": {"tau_m": ("20 ms", "21 ms")}}, ["bounds of tau_m must hold"]),
        ({"schedule": "step"}, ["schedule"]),
        ({"horizon": 0}, ["horizon"]),
        ({"backend": "brian2", "precision": "single"}, ["precision"]),
    ],
)
def test_parameters_that_cannot_be(changes, words) -> None:
    refused(lambda: make(**changes).fit(SERIES), *words)


def test_a_training_that_leaves_all_thresholds_ends_in_one_line() -> None:
    """Without a warning besides, and with the network whose forecasts of what is held out were best."""
    wave = np.sin(np.arange(400) / 5)[:, None]
    wild = hr.HRSNNGradientForecaster(
        "henhes", overrides={"n": 30}, training_epochs=3, learning_rate=1e200, clip=None, segment=50
    )  # fmt: skip
    error = refused(lambda: wild.fit([wave]), "epoch", "lower learning_rate", error=hr.DivergedError)
    assert all(np.isfinite(values).all() for values in error.last_good.neurons.values())
