"""Tasks: the numbers of a result against the estimators by hand, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from toys import CHOSEN, toy

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.estimators import linear
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.readout import fit_readout
from hetero_rsnn.inputs.audio import AudioEncoder
from hetero_rsnn.inputs.encoders import CurrentEncoder
from hetero_rsnn.measures.scores import wilson
from hetero_rsnn.plots.task_plots import figure_task
from hetero_rsnn.report.task_tables import accuracy_verdict, print_task, verdict
from hetero_rsnn.tasks import classification as tasks_classification
from hetero_rsnn.tasks.classification import _front_end, classify
from hetero_rsnn.tasks.forecasting import forecast
from hetero_rsnn.tasks.recipes import Recipe, recipe

SMALL = {"n": 40}


@pytest.fixture(scope="module")
def result():
    return classify(toy(), ["honhos", "henhes"], [4, 5], few_labels=(1, 2, 5, 50), chosen=CHOSEN, overrides=SMALL)


def test_rows_agree_with_the_classifier(result):
    data = toy()
    a, b, y_a, y_b = data.split()
    for row in result.rows:
        net = hr.load_network(row.network, **SMALL)
        clf = hr.HRSNNClassifier(
            net, encoder=CurrentEncoder(gain=3.0, clip=3.0), hold="10 ms", windows=3, seed=row.seed
        )
        report = clf.fit(a, y_a).report(b, y_b)
        assert (row.report.accuracy, row.report.nu) == (report.accuracy, pytest.approx(report.nu))
        assert row.report.efficiency == pytest.approx(report.accuracy / report.nu)
        assert row.report.spikes == pytest.approx(report.nu * 40)
        assert row.report.rate_hz == pytest.approx(report.rate_hz)
        np.testing.assert_array_equal(row.report.confusion, report.confusion)
    assert [(r.network, r.seed) for r in result.rows] == [(n, s) for s in (4, 5) for n in ("honhos", "henhes")]


def test_linear_models_see_the_scaled_input(result):
    data = toy()
    a, b, y_a, y_b = data.split()
    rows = np.concatenate(a)
    scaled = [[np.clip(3 * (x - rows.mean(axis=0)) / rows.std(axis=0), -3, 3) for x in part] for part in (a, b)]
    for windows, found in ((3, "linear"), (1, "linear_mean")):
        train, test = (np.array([pool(x, windows) for x in part]) for part in scaled)
        accuracy = np.mean(fit_readout("ridge", train, y_a).predict(test) == y_b)
        assert {getattr(r, found) for r in result.rows} == {accuracy}


def test_windows_are_chosen_inside_the_training_part():
    """For network and baseline alike; rows and early decisions agree with the estimators."""
    data = toy()
    a, b, y_a, y_b = data.split()
    free = replace(CHOSEN, options={})
    found = classify(data, ["henhes"], [4], few_labels=(1, 5), early=True, every=8, chosen=free, overrides=SMALL)
    row = found.rows[0]
    clf = hr.HRSNNClassifier(
        "henhes", overrides=SMALL, encoder=CHOSEN.encoder, hold="10 ms", windows="auto", seed=4
    ).fit(a, y_a)
    linear = hr.LinearClassifier(clf).fit(a, y_a)
    assert set(clf.windows_errors_) == set(linear.windows_errors_) == {1, 5, 12, 24}  # 24 is the longest sample, too
    assert (row.windows, row.linear_windows) == (clf.windows_, linear.windows_)
    assert (row.report.accuracy, row.linear) == (clf.score(b, y_b), linear.score(b, y_b))
    # A wave is told from others by its phase in time: the baseline of five windows misses it.
    assert row.linear > hr.LinearClassifier(clf, windows=5).fit(a, y_a).score(b, y_b)
    anytime = hr.AnytimeReadout(clf, every=8, windows="auto").fit(a, y_a)
    scores, spikes = anytime.scores(b), anytime.spikes()
    curve = hr.evaluate_cutoff(
        anytime.cross_scores(a, y_a), y_a, scores, y_b, tuple(p.epsilon for p in row.early.points),
        spikes=spikes,
    )  # fmt: skip
    assert row.early.to_dict() == curve.to_dict()
    # No test sample has a say.
    other = tuple(np.random.default_rng(k).normal(size=x.shape) if k >= 60 else x for k, x in enumerate(data.X))
    again = classify(replace(data, X=other), ["henhes"], [4], few_labels=(), chosen=free, overrides=SMALL).rows[0]
    assert (again.windows, again.linear_windows) == (row.windows, row.linear_windows)
    plain = found.to_dict()["rows"][0]
    assert (plain["windows"], plain["linear_windows"]) == (row.windows, row.linear_windows)


class Rocket:
    """Stands for MiniRocket; counts its fits."""

    fits: ClassVar[list[int]] = []

    def __init__(self, random_state):
        self.seed = random_state

    def fit(self, X):
        self.fits.append(self.seed)

    def transform(self, X):
        return np.abs(np.fft.rfft(X)).reshape(len(X), -1)


def test_minirocket_stands_beside_where_it_is_asked_for(monkeypatch, capsys):
    for module in (linear, tasks_classification):
        monkeypatch.setattr(module, "rocket_class", lambda: Rocket)
    monkeypatch.setattr(Rocket, "fits", [])
    kept = {"few_labels": (), "chosen": CHOSEN, "overrides": {"n": 20}}
    result = classify(toy(), ["honhos", "henhes"], [4, 5], minirocket=True, **kept)
    assert sorted(Rocket.fits) == [4, 5]  # once a seed: it sees no network
    a, b, y_a, y_b = toy().split()
    clf = hr.HRSNNClassifier("honhos", overrides={"n": 20}, encoder=CHOSEN.encoder, hold="10 ms").fit(a, y_a)
    expected = hr.LinearClassifier(clf, features="minirocket").fit(a, y_a).score(b, y_b)
    assert [r.minirocket for r in result.rows] == [expected] * 4 and expected > 0.8
    assert result.to_dict()["rows"][3]["minirocket"] == expected
    print_task(result)
    out = capsys.readouterr().out
    assert "MiniRocket" in out and f"{expected:.4f}" in out
    assert classify(toy(), ["honhos"], [4], minirocket=False, **kept).rows[0].minirocket is None


def test_minirocket_is_refused_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(linear, "find_spec", lambda name: None)
    with pytest.raises(HeteroError, match=r"MiniRocket needs aeon or sktime.*\[rocket\]"):
        classify(toy(), ["honhos"], [4], minirocket=True)
    kept = {"few_labels": (), "chosen": CHOSEN, "overrides": {"n": 20}}
    assert classify(toy(), ["honhos"], [4], **kept).rows[0].minirocket is None  # left out unless asked for


def test_few_labels_stop_where_the_classes_end(result):
    assert list(result.rows[0].few) == [1, 2, 5]  # 20 samples a class
    few = result.rows[0].few
    assert few[5][0] > few[1][0] - 0.05 and all(0 <= a <= 1 and 0 <= b <= 1 for a, b in few.values())


def test_groups_are_left_out_of_all_training():
    data = toy(groups=True)
    found = classify(data, ["henhos"], [1], few_labels=(), leave_out=True, chosen=CHOSEN, overrides=SMALL).rows[0]
    train, test = np.flatnonzero(data.groups != "a"), np.flatnonzero(data.groups == "a")
    f = hr.HRSNNFeatures(
        hr.load_network("henhos", **SMALL), encoder=CurrentEncoder(gain=3.0, clip=3.0), hold="10 ms", windows=3, seed=1
    )
    fitted = fit_readout("ridge", f.fit_transform([data.X[k] for k in train]), data.y[train], data.groups[train])
    decided = fitted.predict(f.transform([data.X[k] for k in test]))
    assert found.groups["a"][0] == np.mean(decided == data.y[test])
    assert set(found.groups) == {"a", "b"}


@pytest.mark.parametrize(
    ("calibration", "count"), [("held out", 20), pytest.param("crossed", 80, marks=pytest.mark.slow), ("auto", 80)]
)
def test_early_decisions_do_not_touch_the_test_samples(calibration, count):
    data = toy()
    noise = tuple(np.random.default_rng(k).normal(size=x.shape) if k >= 80 else x for k, x in enumerate(data.X))
    kept = {"few_labels": (), "early": True, "every": 3, "calibration": calibration, "chosen": CHOSEN}
    kept["overrides"] = {"n": 20}
    larger = replace(data, train=np.arange(80), test=np.arange(80, 90))
    a = classify(larger, ["henhes"], [1], **kept).rows[0].early
    b = classify(replace(larger, X=noise), ["henhes"], [1], **kept).rows[0].early
    assert a.n_calibration == count and a.chosen.epsilon == b.chosen.epsilon
    assert a.full.time != b.full.time or a.bound.time != b.bound.time


@pytest.mark.slow
def test_crossed_early_decisions_by_hand():
    """All training samples fit and calibrate, each scored without itself; with a causal encoder of its own too."""
    data = toy()
    a, b, y_a, y_b = data.split()
    faster = CurrentEncoder(gain=2.0, clip=3.0)
    for chosen, encoder in ((CHOSEN, CHOSEN.encoder), (replace(CHOSEN, causal=faster), faster)):
        found = classify(
            data, ["henhes"], [1], few_labels=(), early=True, every=3, chosen=chosen, overrides={"n": 20}
        ).rows[0].early  # fmt: skip
        clf = hr.HRSNNClassifier("henhes", overrides={"n": 20}, encoder=encoder, hold="10 ms", windows=3, seed=1)
        anytime = hr.AnytimeReadout(clf.fit(a, y_a), every=3).fit(a, y_a)
        scores, spikes = anytime.scores(b), anytime.spikes()
        curve = hr.evaluate_cutoff(anytime.cross_scores(a, y_a), y_a, scores, y_b, spikes=spikes)
        assert found.to_dict() == curve.to_dict()


@pytest.mark.slow
def test_calibration_is_held_out_where_a_quarter_is_enough():
    data = toy()
    many = replace(data, X=data.X * 10, y=np.tile(data.y, 10), train=np.arange(810), test=np.arange(810, 900))
    kept = {"few_labels": (), "early": True, "every": 30, "chosen": CHOSEN, "overrides": {"n": 20}}
    for count, calibration in ((810, 204), (780, 780)):  # a quarter of each class of 270, and of 260: 65 each
        found = classify(replace(many, train=np.arange(count)), ["honhos"], [1], **kept).rows[0].early
        assert found.n_calibration == calibration
    with pytest.raises(HeteroError, match="at least 20 calibration samples, got 15"):
        classify(data, ["henhes"], [1], calibration="held out", **kept)
    with pytest.raises(HeteroError, match="'held out' or 'crossed', got 'crosed'"):
        classify(data, ["henhes"], [1], calibration="crosed", **kept)


def test_workers_and_order_change_nothing(result):
    again = classify(
        toy(), ["henhes", "honhos"], [5, 4], few_labels=(), chosen=CHOSEN, overrides=SMALL, workers=2
    )  # fmt: skip
    for row in result.rows:
        same = next(r for r in again.rows if (r.network, r.seed) == (row.network, row.seed))
        assert (same.report.accuracy, same.report.nu) == (row.report.accuracy, row.report.nu)


def test_cochleagrams_once_or_by_the_encoder():
    rng = np.random.default_rng(2)
    X = [rng.uniform(-1, 1, (n, 1)) for n in (2400, 1600, 3200)]
    encoder = AudioEncoder(bands=12, frame="10 ms", level="peak", gain=3.0, clip=9.0)
    short, plain = _front_end(X, encoder)
    encoder.fit(X)
    plain.fit(short)
    for x, cochleagram in zip(X, short, strict=True):
        a, b = encoder.encode(x, hold=10.0), plain.encode(cochleagram, hold=10.0)
        np.testing.assert_allclose(a.values, b.values, atol=1e-12)


def test_output_of_a_classification(result, capsys):
    print_task(result)
    text = capsys.readouterr().out
    assert "MiniRocket" not in text
    for words in (
        "HoNHoS",
        "HeNHeS",
        "windows",
        "its windows",
        "linear on mean",
        "few labels",
        "paired: accuracy",
        "its linear baseline",
    ):
        assert words in text
    assert len(figure_task(result).axes) == 3
    data = result.to_dict()
    assert data["dataset"]["test"] == 30 and data["rows"][0]["few_labels"]["2"].keys() == {"network", "linear"}
    assert set(data["networks"]) == {"honhos", "henhes"} and "encoder" in data["recipe"]


def test_a_network_worse_than_its_baseline_says_so(result):
    worse = replace(result, rows=tuple(replace(r, linear=r.report.accuracy + 0.2) for r in result.rows))
    assert verdict(worse, "henhes").endswith(": worse than its linear baseline")
    spread = [(0.5, 0.5), (0.6, 0.9), (0.9, 0.7)]
    assert accuracy_verdict("net", spread).endswith(": no clear difference to its linear baseline")
    for network, word in ((0.5, "worse than"), (0.6, "level with"), (0.7, "better than")):
        assert accuracy_verdict("net", [(network, 0.6)]).endswith(
            f": {word} its linear baseline, but one seed has no interval"
        )
    better = replace(result, rows=tuple(replace(r, linear=r.report.accuracy - 0.2) for r in result.rows))
    assert verdict(better, "henhes").endswith(": beats its linear baseline")
    # Better on average, and too unsteady to be believed.
    gains = {r.seed: gain for r, gain in zip(result.of("henhes"), (0.3, -0.1), strict=True)}
    unsteady = replace(result, rows=tuple(replace(r, linear=r.report.accuracy - gains[r.seed]) for r in result.rows))
    assert verdict(unsteady, "henhes").endswith(": no clear difference to its linear baseline")
    alone = replace(better, rows=tuple(r for r in better.rows if r.seed == better.rows[0].seed))
    assert verdict(alone, "henhes").endswith("but one seed has no interval")


def sine(groups: bool = False) -> hr.Dataset:
    t = np.arange(700.0)[:, None]
    return hr.Dataset(
        name="sine", task="forecasting", X=tuple(np.sin(t / 6 + k) for k in range(4)), y=None, classes=(),
        train=np.array([0, 1]), test=np.array([2, 3]), groups=np.array(["p", "q", "p", "q"]) if groups else None,
        interval_ms=None, channels=("x",), kind="series", source="made here", licence="none", notes="",
        details={"inputs": ["x"], "targets": ["x"], "step": 0.1, "lyapunov": 0.5},
    )  # fmt: skip


def test_forecast_rows_agree_with_the_forecaster(capsys):
    data = sine(groups=True)
    chosen = Recipe(
        CurrentEncoder(gain=3.0, clip=3.0), "10 ms", {"washout": 30}, closed_loop={"horizon": 1, "skip": True}
    )
    result = forecast(
        data, ["henhos"], [2], horizon=4, closed_loop=True, chosen=chosen, overrides=SMALL
    )  # fmt: skip
    row = result.rows[0]
    model = hr.HRSNNForecaster(
        hr.load_network("henhos", **SMALL),
        encoder=CurrentEncoder(gain=3.0, clip=3.0),
        hold="10 ms",
        washout=30,
        horizon=4,
        seed=2,
    ).fit([data.X[0], data.X[1]])
    report = model.report([data.X[2], data.X[3]])
    assert row.report == report and row.groups["q"] == model.report([data.X[3]])
    np.testing.assert_array_equal(row.trace["target"], data.X[2][34:234, 0])
    np.testing.assert_array_equal(row.trace["forecast"], model.predict([data.X[2]])[0][30:230, 0])
    assert len(row.closed_loop) == 2 and all(t > 0 for t in row.closed_loop)
    print_task(result)
    text = capsys.readouterr().out
    assert "skill by group" in text and "valid prediction time" in text and "persistence: NRMSE" in text
    figure = figure_task(result)
    assert len(figure.axes) == 3
    (errors,) = (ax for ax in figure.axes if "NRMSE" in ax.get_ylabel())
    lines = {line.get_label(): line.get_ydata()[0] for line in errors.lines}
    assert lines["persistence"] == report.persistence
    low, high = errors.get_ylim()
    assert high - low >= 0.0499 * (high + low) / 2


def test_a_series_with_a_trend_is_forecast_by_its_changes(capsys):
    data = sine()
    t = np.arange(700.0)[:, None]
    data = replace(data, X=tuple(x + 0.03 * t for x in data.X), test=np.array([2]))
    result = forecast(data, ["henhos"], [2], horizon=4, overrides=SMALL)
    row = result.rows[0]
    model = hr.HRSNNForecaster(hr.load_network("henhos", **SMALL), hold="20 ms", horizon=4, seed=2)
    assert row.report == model.fit([data.X[0], data.X[1]]).report([data.X[2]])  # its own defaults
    assert row.difference and result.to_dict()["rows"][0]["difference"] is True
    assert row.report.nrmse < 0.3 * row.report.persistence and row.report.lags == 24
    print_task(result)
    out = " ".join(capsys.readouterr().out.split())
    assert "4 samples ahead (by their changes)" in out and "linear on 24 lags: NRMSE" in out
    assert "ahead:" in _printed(forecast(sine(), ["henhos"], [2], horizon=4, overrides=SMALL), capsys)


def _printed(result, capsys):
    print_task(result)
    return capsys.readouterr().out


def test_input_and_target_of_their_own():
    data = hr.load_dataset("narma10", samples=600, segments=1, test_samples=400)
    row = forecast(data, ["henhes"], [0], overrides=SMALL).rows[0]
    assert np.isnan(row.report.persistence) and np.isnan(row.report.skill)
    assert 0.1 < row.report.linear < 1.0  # u alone, not y: else the linear model would be far better


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: classify(sine()), ["forecasting", "use forecast"]),
        (lambda: forecast(toy()), ["classification", "use classify"]),
        (lambda: classify(toy(), leave_out=True), ["toy", "no groups"]),
        (lambda: classify(toy(), ["henhes", "henhes"]), ["two networks", "'henhes'"]),
        (lambda: classify(toy(), [], chosen=CHOSEN), ["name at least one"]),
        (lambda: classify(toy(), seeds=[1, 1]), ["seeds must differ", "[1, 1]"]),
        (lambda: forecast(hr.load_dataset("wind_greensboro"), closed_loop=True), ["wind_greensboro", "lorenz63"]),
    ],
)
def test_refuses(call, words):
    with pytest.raises(HeteroError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_every_dataset_has_a_recipe_that_the_estimators_take():
    for name, text in hr.list_datasets().items():
        kind = "audio" if name == "free_spoken_digits" else "events" if name == "shd" else "series"
        task = "forecasting" if "forecast" in text else "classification"
        found = recipe(replace(toy(), name=name, kind=kind, task=task))
        made = (hr.HRSNNForecaster if "forecast" in text else hr.HRSNNClassifier)(
            encoder=found.encoder, hold=found.hold, **found.options
        )
        assert found.hold is not None or kind == "events"
        hr.load_network("henhes", **found.overrides)
        made.get_params()
    assert recipe(replace(toy(), name="mine")).hold == "20 ms"
    mine = recipe(replace(sine(), name="mine"))  # as the forecaster by itself: six rows, and to the readout too
    assert mine.encoder.lags == 6 and "skip" not in mine.options and hr.HRSNNForecaster().skip


def test_wilson_interval_against_its_formula():
    for right, n in ((0, 7), (3, 10), (370, 370), (199, 200)):
        z, p = 1.959963984540054, right / n
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        assert wilson(right, n) == (pytest.approx(middle - half, abs=1e-9), pytest.approx(middle + half, abs=1e-9))


def test_early_decisions_need_a_causal_encoder_and_every_class():
    rng = np.random.default_rng(1)
    X = tuple(rng.uniform(-1, 1, (1600, 1)) for _ in range(90))
    loud = replace(toy(), X=X, kind="audio")
    peak = Recipe(AudioEncoder(bands=8, frame="10 ms", level="peak"), "10 ms", {"windows": 2})
    with pytest.raises(HeteroError, match="causal encoder, got level='peak'"):
        classify(loud, ["henhes"], [1], early=True, chosen=peak, overrides=SMALL)
    late = replace(toy(), train=np.flatnonzero(np.arange(90) % 3 < 2))
    with pytest.raises(HeteroError, match="class 2 is tested"):
        classify(late, ["henhes"], [1], few_labels=(), early=True, chosen=CHOSEN, overrides=SMALL)


def test_left_out_groups_keep_to_the_part_asked_for():
    data = toy(groups=True)
    part = replace(data, train=np.arange(0, 40), test=np.arange(60, 70))
    outside = replace(part, X=tuple(x if k in {*range(40), *range(60, 70)} else 100 + x for k, x in enumerate(data.X)))
    a, b = (
        classify(d, ["honhos"], [1], few_labels=(), leave_out=True, chosen=CHOSEN, overrides=SMALL)
        for d in (part, outside)
    )
    assert a.rows[0].groups == b.rows[0].groups


def test_titles_of_two_lines_are_two_lines(capsys):
    """A break of our own is one; one in a name of somebody else's is written as an escape."""
    print_task(forecast(hr.load_dataset("wind_sand_point"), ["honhos"], [0], overrides={"n": 40}))
    out = capsys.readouterr().out
    assert "\\n" not in out and any(line.startswith("persistence: NRMSE") for line in out.splitlines())


def test_the_hold_of_a_recipe_is_not_overruled_in_silence():
    with pytest.raises(HeteroError, match=r"protocol.hold is decided by the recipe \(100 ms\), got '1 s'"):
        forecast(hr.load_dataset("wind_sand_point"), ["honhos"], [0], overrides={"n": 40, "protocol.hold": "1 s"})


def test_networks_that_are_trained_by_gradients(capsys):
    """The same features as the estimator's network, no curve of few labels, and a word in the table and the results."""
    how = {"training_epochs": 2, "target_rate": 5.0}
    once = toy()
    twice = replace(once, X=once.X * 2, y=np.tile(once.y, 2), train=np.r_[0:60, 90:150])
    result = classify(
        twice, ["henhes"], [1], train="gradient", training=how, chosen=CHOSEN, overrides={"n": 40}, early=True, every=4
    )
    (row,) = result.rows
    assert row.few == {} and row.early is not None
    data = result.dataset
    net = hr.load_network("henhes", n=40)
    same = hr.HRSNNGradientClassifier(
        net, encoder=CHOSEN.encoder, hold="10 ms", windows=3, seed=1, precision="double", unlabelled=None, **how
    ).fit([data.X[k] for k in data.train], data.y[data.train])
    tested = [data.X[k] for k in data.test]
    assert row.report.accuracy == same.score(tested, data.y[data.test])
    assert row.report.nu == pytest.approx(same.report(tested, data.y[data.test]).nu)
    assert result.to_dict()["recipe"]["train"] == "gradient" and result.to_dict()["recipe"]["target_rate"] == 5.0
    print_task(result)
    assert "trained on labels by gradients" in " ".join(capsys.readouterr().out.split())
    figure_task(result)


def test_every_epoch_of_every_network_is_told():
    told = []
    result = classify(
        toy(), ["honhos", "henhes"], [4, 5], train="gradient", training={"training_epochs": 2, "loss": "squared_error"},
        chosen=CHOSEN, overrides={"n": 30}, on_epoch=lambda *what: told.append(what),
    )  # fmt: skip
    assert [(n, s) for n, s, _ in told[::2]] == [(r.network, r.seed) for r in result.rows] and len(told) == 8
    assert all(0 <= epoch.score <= 1 and epoch.spikes > 0 for _, _, epoch in told)
    classify(toy(), ["honhos"], [4], chosen=CHOSEN, overrides={"n": 30}, on_epoch=lambda *what: told.append(what))
    assert len(told) == 8  # STDP has none


def test_forecasters_that_are_trained_by_gradients(capsys):
    """The estimator's own answers, every epoch told, and a word in the table and the results."""
    how = {"training_epochs": 2, "target_rate": 5.0, "segment": 50, "batch_size": 8}
    chosen = Recipe(CurrentEncoder(), "10 ms", {"washout": 30}, closed_loop={"horizon": 1, "skip": True})
    told = []
    result = forecast(
        sine(groups=True), ["henhos"], [2], horizon=4, closed_loop=True, train="gradient", training=how, chosen=chosen,
        overrides=SMALL, on_epoch=lambda *what: told.append(what),
    )  # fmt: skip
    (row,) = result.rows
    data = result.dataset
    model = hr.HRSNNGradientForecaster(
        hr.load_network("henhos", **SMALL), encoder=CurrentEncoder(), hold="10 ms", washout=30, horizon=4, seed=2,
        precision="double", **how,
    ).fit([data.X[0], data.X[1]])  # fmt: skip
    assert row.report == model.report([data.X[2], data.X[3]]) and row.groups["q"] == model.report([data.X[3]])
    assert len(row.closed_loop) == 2 and all(t > 0 for t in row.closed_loop)
    assert [(n, s) for n, s, _ in told] == [("henhos", 2)] * 4  # the forecaster of the closed loop is trained, too
    assert [e.loss for _, _, e in told[:2]] == [e.loss for e in model.training_]
    found = result.to_dict()["recipe"]
    assert (found["train"], found["segment"], found["target_rate"]) == ("gradient", 50, 5.0)
    print_task(result)
    assert "trained on targets by gradients" in " ".join(capsys.readouterr().out.split())
    figure_task(result)
    plain = forecast(sine(), ["henhos"], [2], horizon=4, chosen=chosen, overrides=SMALL)
    assert plain.rows[0].report != row.report and "gradients" not in _printed(plain, capsys)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"train": "adam"}, "unknown train 'adam'"),
        ({"training": {"target_rate": 5.0}}, "training is for train='gradient'"),
        ({"train": "gradient", "training": {"target_rate": -1.0}}, "target_rate must be"),
        ({"train": "gradient", "training": {"pooling": "last"}}, "unknown parameter of training 'pooling'"),
        ({"train": "gradient", "training": {"segment": 0}}, "segment must be"),
    ],
)
def test_trainings_of_forecasters_that_cannot_be(options, said):
    with pytest.raises(HeteroError, match=said):
        forecast(sine(), ["henhes"], [1], overrides=SMALL, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"train": "adam"}, "unknown train 'adam'"),
        ({"training": {"target_rate": 5.0}}, "training is for train='gradient'"),
        ({"train": "gradient", "training": {"target_rate": -1.0}}, "target_rate must be"),
        ({"train": "gradient", "training": {"target_rte": 5.0}}, "unknown parameter of training 'target_rte'"),
        ({"train": "gradient", "training": {"overrides": {"n": 9}}}, "unknown parameter of training 'overrides'"),
        ({"train": "gradient", "calibration": "crossed", "early": True}, "whose labels the network has learned from"),
    ],
)
def test_trainings_that_cannot_be(options, said):
    with pytest.raises(HeteroError, match=said):
        classify(toy(), ["henhes"], [1], chosen=CHOSEN, overrides={"n": 40}, **options)
