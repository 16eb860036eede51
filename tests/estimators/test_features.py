"""A network as a scikit-learn transformer: its features against simulations by hand, pipelines, refusals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from helpers import BACKENDS, NETWORKS, refused
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import hetero_rsnn as hr
from hetero_rsnn.estimators.features import HRSNNFeatures
from hetero_rsnn.estimators.frozen import count_jobs, pool
from hetero_rsnn.jobs.parallel import cores

Array = NDArray[np.float64]

N = 40


def data(lengths: tuple[int, ...] = (23, 8, 31, 15), seed: int = 0) -> list[Array]:
    """Samples of unequal length, three channels with scales of their own."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, 3)) * [1.0, 1e4, 1e-3] + [0.0, -3e4, 5.0] for n in lengths]


def events(count: int = 4) -> list[hr.Stimulus]:
    rng = np.random.default_rng(5)
    return [
        hr.event_stimulus(
            rng.uniform(0, 100 + 20 * k, 80), rng.integers(0, 3, 80), n_channels=3, hold="10 ms", samples=11 + 2 * k
        )
        for k in range(count)
    ]


def make(**options: Any) -> HRSNNFeatures:
    options = {"windows": 3, **options}
    return HRSNNFeatures("henhes", **{"overrides": {"n": N}, **options})


@pytest.fixture(scope="module")
def fitted() -> HRSNNFeatures:
    return make().fit(data())


# The features ----------------------------------------------------------------------------------------------------


def test_features_by_hand(fitted: HRSNNFeatures) -> None:
    """Scale, simulate from the rested state with frozen weights, filter, average."""
    X = data()
    rows = np.concatenate(X)
    expected, spikes, operations = [], [], []
    for x in X:
        stimulus = hr.array_stimulus(np.clip((x - rows.mean(axis=0)) / rows.std(axis=0), -3, 3), "10 ms")
        recording = hr.simulate(fitted.frozen_.draw, stimulus, state=fitted.frozen_.state, plasticity=False)
        z = hr.states(recording, tau_read="30 ms")
        edges = np.round(np.arange(4) * len(z) / 3).astype(int)
        expected.append(np.concatenate([z[a:b].mean(axis=0) for a, b in pairwise(edges)]))
        spikes.append(recording.spike_times.size / N)
        operations.append(hr.count_operations(fitted.frozen_.draw, recording).synaptic)
    found = fitted.transform(X)
    assert found.shape == (4, 3 * N) and found.max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fitted.spikes_, spikes)
    np.testing.assert_array_equal(fitted.operations_, operations)
    assert min(operations) > 0
    np.testing.assert_array_equal(fitted.rows_, [23, 8, 31, 15])
    for given_, u in zip(X, fitted.inputs(X), strict=True):
        np.testing.assert_allclose(u, np.clip((given_ - rows.mean(axis=0)) / rows.std(axis=0), -3, 3), atol=1e-9)
    assert (fitted.network_.n, fitted.network_.input.channels, fitted.n_features_in_) == (N, 3, 3)


def test_learning_by_hand() -> None:
    """One sample: it is shown, then silence, both once more, then a frozen rest."""
    x = data((20,))
    f = make(epochs=2, rest="70 ms", seed=3).fit(x)
    d = hr.draw(hr.load_network("henhes", n=N, **{"input.channels": 3}), 3)
    shown = hr.array_stimulus(f.inputs(x)[0], "10 ms")
    quiet = hr.array_stimulus(np.zeros((7, 3)), "10 ms")
    last: Any = None
    for part in (shown, quiet, shown, quiet):
        last = hr.simulate(d, part, state=last)
    rested = hr.simulate(d, quiet, state=last, plasticity=False)
    np.testing.assert_array_equal(f.frozen_.state.w, rested.state.w)
    np.testing.assert_array_equal(f.frozen_.state.variables["v"], rested.state.variables["v"])
    assert f.frozen_.state.step == rested.state.step


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_gives_features(network: str) -> None:
    found = HRSNNFeatures(network, overrides={"n": N}, windows=2).fit_transform(data())
    assert found.shape == (4, 2 * N) and np.isfinite(found).all()


def test_equal_seeds_give_equal_features() -> None:
    for encoder in ("current", "poisson", hr.DeltaEncoder(0.6)):
        one, same, other = (make(encoder=encoder, seed=s).fit_transform(data()) for s in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert not np.allclose(one, other)


def test_chance_belongs_to_the_sample_not_to_its_place() -> None:
    x, other = data((20, 20))
    f = make(encoder="poisson").fit([x, other])
    both = f.transform([x, other])
    np.testing.assert_array_equal(f.transform([other, x]), both[::-1])
    np.testing.assert_array_equal(f.transform([x]), both[:1])
    # Another sample, however like it, meets other chance.
    assert not np.allclose(f.transform([x + 1e-12]), both[:1])


@pytest.mark.parametrize("n_jobs", [2, -1])
def test_jobs_do_not_change_the_features(fitted: HRSNNFeatures, n_jobs: int) -> None:
    X = data((5, 30, 12, 9, 20, 3))
    np.testing.assert_array_equal(clone(fitted).set_params(n_jobs=n_jobs).fit(data()).transform(X), fitted.transform(X))


def test_count_jobs() -> None:
    assert [count_jobs(k) for k in (None, 1, 3, np.int64(2), -1)] == [1, 1, 3, 2, cores()]
    assert count_jobs(-2) == max(1, cores() - 1) and count_jobs(-10_000) == 1
    for bad in (0, True, 1.0, "2"):
        refused(lambda bad=bad: count_jobs(bad), "n_jobs", "whole number other than 0", repr(bad), "-1")


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["current", "poisson"])
def test_backends_give_the_same_features(encoder: str) -> None:
    X = data((6, 9))
    found = {b: make(overrides={"n": 30}, encoder=encoder, backend=b).fit(X) for b in BACKENDS}
    features = {b: f.transform(X) for b, f in found.items()}
    for b in BACKENDS:
        np.testing.assert_allclose(features[b], features["fast"], rtol=1e-9, atol=1e-12, err_msg=b)
        np.testing.assert_allclose(found[b].frozen_.state.w, found["fast"].frozen_.state.w, rtol=1e-9, err_msg=b)


def test_single_precision_is_near() -> None:
    f = make(precision="single", epochs=0).fit(data())
    assert f.frozen_.how == {"backend": "fast", "precision": "single"}
    assert np.corrcoef(f.transform(data()).ravel(), make(epochs=0).fit_transform(data()).ravel())[0, 1] > 0.9


def test_several_filters_lie_side_by_side() -> None:
    taus = ["10 ms", "80 ms"]
    both = make(tau_read=taus).fit_transform(data()).reshape(4, 3, 2, N)
    for k, tau in enumerate(taus):
        np.testing.assert_array_equal(make(tau_read=tau).fit_transform(data()).reshape(4, 3, N), both[:, :, k])
    assert not np.allclose(both[:, :, 0], both[:, :, 1])


def test_names_of_features(fitted: HRSNNFeatures) -> None:
    names = fitted.get_feature_names_out()
    assert names.shape == (3 * N,) and names.dtype == object and len(set(names)) == 3 * N
    assert (names[0], names[N + 5], names[-1]) == ("window0_neuron0", "window1_neuron5", f"window2_neuron{N - 1}")
    several = make(tau_read=["10 ms", "80 ms"]).fit(data()).get_feature_names_out()
    assert several.shape == (6 * N,) and several[N + 2] == "window0_neuron2_tau80"
    assert several[2 * N] == "window1_neuron0_tau10"


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 1000), st.none() | st.integers(1, 40))
def test_pool(rows: int, windows: int, seed: int, stop: int | None) -> None:
    x = np.random.default_rng(seed).normal(size=(rows, 3)) * [1, 100, 1e-3]
    found = pool(x, windows, stop).reshape(windows, 3)
    kept = x[:stop]
    m = len(kept)
    if m >= windows:  # every row in one window, windows of about one length
        parts = [kept[round(w * m / windows) : round((w + 1) * m / windows)] for w in range(windows)]
        assert sum(map(len, parts)) == m and max(map(len, parts)) - min(map(len, parts)) <= 2
    else:  # the rows that overlap with the window
        parts = [
            kept[[r for r in range(m) if r * windows < (w + 1) * m and (r + 1) * windows > w * m]]
            for w in range(windows)
        ]
    np.testing.assert_allclose(found, [p.mean(axis=0) for p in parts], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(pool(x, windows, stop), pool(kept, windows))


# Samples of all kinds --------------------------------------------------------------------------------------------


def test_answers_do_not_depend_on_each_other(fitted: HRSNNFeatures) -> None:
    X = data((20, 4, 31, 12, 1), seed=2)
    whole = fitted.transform(X)
    before = fitted.frozen_.state
    np.testing.assert_array_equal(fitted.transform(X[::-1])[::-1], whole)
    for k, x in enumerate(X):
        np.testing.assert_array_equal(fitted.transform([x])[0], whole[k])
    after = fitted.frozen_.state
    assert after is before
    np.testing.assert_array_equal(after.w, make().fit(data()).frozen_.state.w)


def test_arrays_lists_and_tuples(fitted: HRSNNFeatures) -> None:
    cube = np.array(data((12, 12, 12)))
    expected = fitted.transform(list(cube))
    for X in (cube, tuple(cube), [x.tolist() for x in cube]):
        np.testing.assert_array_equal(fitted.transform(X), expected)
    np.testing.assert_array_equal(make().fit_transform(cube), make().fit_transform(list(cube)))


def test_stimuli_of_events() -> None:
    X = events()
    f = make().fit(X)
    assert f.network_.input.channels == 3 and f.hold_ == 10.0
    found = f.transform(X)
    for k, u in enumerate(X):
        recording = hr.simulate(f.frozen_.draw, u, state=f.frozen_.state, plasticity=False)
        np.testing.assert_allclose(found[k], pool(hr.states(recording, tau_read="30 ms"), 3), rtol=1e-9)
    assert found.max() > 0.1
    np.testing.assert_array_equal(f.inputs(X)[2], X[2].values)
    refused(lambda: make(hold="20 ms").fit(X), "hold is 20 ms", "the samples hold 10 ms", "leave hold away")
    coarse = hr.event_stimulus([3.0], [0], n_channels=3, hold="20 ms")
    refused(lambda: f.transform([coarse]), "sample 0", "20 ms", "10 ms", "alike")
    current = hr.array_stimulus(np.zeros((3, 3)), "10 ms")
    refused(lambda: f.transform([current]), "sample 0", "'current'", "'events'", "alike")


def test_event_data_read_as_needed() -> None:
    from collections.abc import Sequence

    class Shelf(Sequence):  # type: ignore[type-arg]
        def __init__(self, X: list[hr.Stimulus]) -> None:
            self.X, self.read = X, 0

        def __len__(self) -> int:
            return len(self.X)

        def __getitem__(self, k: Any) -> Any:
            self.read += 1
            return self.X[k]

    shelf = Shelf(events())
    np.testing.assert_array_equal(make().fit_transform(shelf), make().fit_transform(events()))
    assert shelf.read < 20


def test_hold_is_that_of_the_protocol_unless_given() -> None:
    assert make().fit(data()).hold_ == 10.0
    f = make(hold="4 ms").fit(data())
    assert f.hold_ == 4.0
    spikes = make().fit(data()).transform(data())
    assert not np.allclose(f.transform(data()), spikes)


def test_network_by_name_path_and_object(tmp_path: Any) -> None:
    net = hr.load_network("henhes", n=N)
    path = hr.save_network(net, tmp_path / "mine.toml")
    expected = make().fit_transform(data())
    for network in (net, path, str(path)):
        np.testing.assert_array_equal(HRSNNFeatures(network, windows=3).fit_transform(data()), expected)
    assert net.input.channels == 1
    smaller = HRSNNFeatures(net, overrides={"n": 30}, windows=3).fit(data())
    assert smaller.network_.n == 30


# Learning --------------------------------------------------------------------------------------------------------


def test_stdp_changes_weights_and_no_epoch_does_not() -> None:
    drawn = hr.draw(hr.load_network("henhes", n=N, **{"input.channels": 3}), 0).plastic.w
    still = make(epochs=0).fit(data())
    np.testing.assert_array_equal(still.frozen_.state.w, drawn)
    once, twice = make().fit(data()), make(epochs=2).fit(data())
    assert (once.frozen_.state.w != drawn).mean() > 0.5
    assert not np.array_equal(once.frozen_.state.w, twice.frozen_.state.w)
    w = once.frozen_.state.w.copy()
    once.transform(data())
    np.testing.assert_array_equal(once.frozen_.state.w, w)


def test_learning_may_be_limited() -> None:
    """To the first of the samples shown, or a part of it; nothing is shown after."""
    long = data((400,))
    limited = make(learn_for="600 ms").fit(long)
    plain = make(learn_for="3600 s").fit(long)
    assert plain.frozen_.state.step == make().fit(long).frozen_.state.step
    # 60 rows are shown, then comes the rest before the freezing.
    d = hr.draw(limited.network_, 0)
    shown = hr.array_stimulus(limited.inputs(long)[0][:60], "10 ms")
    np.testing.assert_array_equal(limited.frozen_.state.w, hr.simulate(d, shown).state.w)
    assert not np.array_equal(limited.frozen_.state.w, plain.frozen_.state.w)
    tiny = make(learn_for="1 ms").fit(long)
    np.testing.assert_array_equal(tiny.frozen_.state.w, hr.simulate(d, shown[:1]).state.w)
    many = make(learn_for="250 ms", epochs=5).fit(data((10, 10, 10)))
    # Two whole samples with rests of 100 ms, half of a third, and the rest.
    assert many.frozen_.state.step == 100 + 100 + 100 + 100 + 50 + 100


def test_partial_fit_goes_on() -> None:
    X, more = data(), [x * 3 + 1 for x in data(seed=9)]
    f = make().partial_fit(X)
    np.testing.assert_array_equal(f.transform(X), make().fit_transform(X))
    before, scaling = f.frozen_, (f.encoder_.offset_.copy(), f.encoder_.spread_.copy())
    w = before.state.w.copy()
    assert f.partial_fit(more) is f
    assert not np.array_equal(f.frozen_.state.w, w) and f.frozen_.state.step > before.state.step
    assert f.frozen_.draw is before.draw
    np.testing.assert_array_equal(before.state.w, w)
    np.testing.assert_array_equal((f.encoder_.offset_, f.encoder_.spread_), scaling)
    refused(lambda: f.partial_fit([np.zeros((5, 2))]), "2 channels", "fitted on 3")


def test_partial_fit_shows_samples_in_new_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    X = [np.full((3, 1), float(k)) for k in range(12)]
    f = make(encoder=hr.CurrentEncoder("none", clip=None), rest="0 ms").fit(X)
    seen: list[float] = []
    encode = hr.CurrentEncoder.encode
    monkeypatch.setattr(hr.CurrentEncoder, "encode", lambda self, x, **o: seen.append(x[0, 0]) or encode(self, x, **o))
    orders = []
    for again in (make(encoder=f.encoder, rest="0 ms").fit, f.partial_fit, f.partial_fit):
        seen.clear()
        again(X)
        assert sorted(seen[1:]) == list(range(12))  # the first one is for the kind and the hold
        orders.append(tuple(seen[1:]))
    assert len(set(orders)) == 3


# In scikit-learn -------------------------------------------------------------------------------------------------


def test_parameters_are_kept_as_given() -> None:
    f = make(tau_read=["10 ms"], overrides={"n": N}, seed=4)
    assert clone(f).get_params() == f.get_params()
    for name in f.get_params():
        marker = object()
        assert HRSNNFeatures(**{name: marker}).get_params()[name] is marker
        assert getattr(HRSNNFeatures().set_params(**{name: marker}), name) is marker
    nested = HRSNNFeatures(encoder=hr.CurrentEncoder(gain=2.0)).set_params(encoder__gain=3.0)
    assert clone(nested).encoder.gain == 3.0


def test_fitting_leaves_parameters_alone() -> None:
    encoder, overrides = hr.CurrentEncoder(gain=2.0), {"n": N}
    f = make(encoder=encoder, overrides=overrides)
    f.fit(data())
    assert f.encoder is encoder and not hasattr(encoder, "n_channels_in_") and overrides == {"n": N}
    refused(lambda: clone(f).transform(data()), "HRSNNFeatures is not fitted", "fit", error=NotFittedError)


@pytest.mark.parametrize("form", [list, np.array])
def test_in_pipelines_and_searches(form: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(0)
    y = np.array(["low", "high"] * 9)
    X = form([rng.normal(size=(10, 2)) + (k % 2) * np.linspace(-2, 2, 10)[:, None] for k in range(18)])
    pipeline = make_pipeline(make(overrides={"n": 30}), RidgeClassifier())
    scores = cross_val_score(pipeline, X, y, cv=3)
    assert scores.shape == (3,) and scores.mean() > 0.8
    search = GridSearchCV(pipeline, {"hrsnnfeatures__windows": [1, 4], "hrsnnfeatures__epochs": [0, 1]}, cv=2)
    assert search.fit(X, y).score(X, y) > 0.8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_["hrsnnfeatures__windows"] == 4  # the mean of both classes is the same


def test_without_a_fit() -> None:
    f = make()
    for call in (lambda: f.transform(data()), lambda: f.inputs(data()), f.get_feature_names_out):
        refused(call, "HRSNNFeatures is not fitted yet", "call fit", error=NotFittedError)


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    make(verbose=True).fit(data()).transform(data())
    err = capsys.readouterr().err
    assert "learning" in err and "answering" in err
    make().fit_transform(data())
    assert capsys.readouterr().err == ""


# Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([], ["X is empty", "at least one sample"]),
        ([np.zeros((3, 2)), np.array([[0.0, np.nan]])], ["sample 1", "finite", "nan", "fill"]),
        ([np.zeros((3, 2)), np.zeros((3, 1))], ["sample 1", "1 channels", "sample 0 has 2"]),
        (np.zeros((5, 2)), ["(5, 2)", "wrap it, [x]"]),
    ],
)
def test_refused_samples(fitted: HRSNNFeatures, X: Any, words: list[str]) -> None:
    refused(lambda: make().fit(X), *words)
    refused(lambda: fitted.transform(X), *words)


def test_refused_channels(fitted: HRSNNFeatures) -> None:
    refused(lambda: fitted.transform([np.zeros((5, 2))]), "2 channels", "fitted on 3")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hold": "10.5 ms"}, ["multiple of dt", "10.5 ms"]),
        ({"hold": "-1 ms"}, ["hold", "> 0 ms", "-1 ms"]),
        ({"hold": "10"}, ["hold", "time with its unit", "10", "hold='10 ms'"]),
        ({"n_jobs": 0}, ["n_jobs", "other than 0", "got 0", "-1"]),
        ({"n_jobs": 1.5}, ["n_jobs", "1.5"]),
        ({"windows": 0}, ["windows", "from 1", "0"]),
        ({"windows": 2.0}, ["windows", "2.0"]),
        ({"epochs": -1}, ["epochs", "from 0", "-1"]),
        ({"learn_for": "0 s"}, ["learn_for", "> 0 ms"]),
        ({"learn_for": "60"}, ["learn_for", "unit", "60"]),
        ({"rest": "-5 ms"}, ["rest", ">= 0 ms", "-5 ms"]),
        ({"seed": -1}, ["seed", ">= 0", "-1"]),
        ({"tau_read": []}, ["tau_read", "one or more different times", "[]"]),
        ({"tau_read": ["30 ms", "0.03 s"]}, ["tau_read", "different", "0.03 s"]),
        ({"tau_read": "30"}, ["tau_read", "unit"]),
        ({"overrides": {"n": N, "input.channels": 3}}, ["input.channels", "the data decide it", "leave it away"]),
        ({"overrides": {"m": 3}}, ["m"]),
        ({"network": "henhess"}, ["henhess", "did you mean 'henhes'"]),
        ({"backend": "fats"}, ["unknown backend 'fats'", "did you mean 'fast'"]),
        ({"precision": "half"}, ["unknown precision 'half'"]),
        ({"precision": "single", "backend": "numpy"}, ["'single'", "backend='fast' only"]),
        ({"encoder": "poison"}, ["'poison'", "did you mean 'poisson'"]),
    ],
)
def test_refused_parameters(options: dict[str, Any], words: list[str]) -> None:
    refused(lambda: make().set_params(**options).fit(data()), *words)
