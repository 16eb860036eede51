"""Every public door that takes numbers, with hostile arrays: the value of the plain array, or one line.

The table was written before the code: what MUST_PASS makes has the value of the plain float64 array, what MUST_REFUSE
makes is refused with one `HeteroError`. A public function or estimator that takes an array and has no line in `DOORS`
fails `test_every_door_is_here`.
"""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers import public_names
from numpy.typing import NDArray
from scipy import sparse
from toy_actors import actor

import hetero_rsnn as hr
from hetero_rsnn.gradient.packed.layers import PackedLinear, SpikingNeurons
from hetero_rsnn.measures import scores
from hetero_rsnn.searching.space import load_space

# What must pass -----------------------------------------------------------------------------------------------------


def strided(a: NDArray[Any]) -> NDArray[Any]:
    wide = np.repeat(a, 2, axis=-1)
    wide[..., 1::2] = 999
    return wide[..., ::2]


def read_only(a: NDArray[Any]) -> NDArray[Any]:
    a = a.copy()
    a.flags.writeable = False
    return a


def tuples(value: Any) -> Any:
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def table(a: NDArray[Any], dtype: str) -> Any:
    pandas = pytest.importorskip("pandas")
    if a.ndim == 1:
        return pandas.Series(a).astype(dtype)
    if a.ndim == 2:
        return pandas.DataFrame(a).astype(dtype)
    pytest.skip("a table has two dimensions")


#: How the same numbers may come; `a` holds whole numbers from 0 to 15, which every one of these types can hold.
MUST_PASS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuples(a.tolist()),
    "list of ints": lambda a: a.astype(int).tolist(),
    "int64": lambda a: a.astype("i8"),
    "int32": lambda a: a.astype("i4"),
    "uint8": lambda a: a.astype("u1"),
    "float16": lambda a: a.astype("f2"),
    "float32": lambda a: a.astype("f4"),
    "longdouble": lambda a: a.astype(np.longdouble),
    "big-endian floats": lambda a: a.astype(">f8"),
    "big-endian singles": lambda a: a.astype(">f4"),
    "big-endian ints": lambda a: a.astype(">i2"),
    "Fortran order": np.asfortranarray,
    "strides": strided,
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "read-only": read_only,
    "numbers as objects": lambda a: a.astype(object),
    "masked without a mask": np.ma.masked_array,
    "masked, none set": lambda a: np.ma.masked_array(a, mask=np.zeros(a.shape, bool)),
    "pandas": lambda a: table(a, "float64"),
    "pandas ints": lambda a: table(a, "int32"),
    "pandas nullable": lambda a: table(a, "Int64"),
}

# What must be refused -----------------------------------------------------------------------------------------------


def with_one(a: NDArray[Any], value: Any, dtype: Any = None) -> NDArray[Any]:
    """One entry in the middle is `value`."""
    a = a.astype(dtype or a.dtype)
    a[tuple(n // 2 for n in a.shape)] = value
    return a


def with_mask(a: NDArray[Any]) -> Any:
    masked = np.ma.masked_array(a, mask=np.zeros(a.shape, bool))
    masked[tuple(n // 2 for n in a.shape)] = np.ma.masked
    return masked


def with_gap(a: NDArray[Any]) -> Any:
    pandas = pytest.importorskip("pandas")
    made = table(a, "Int64")
    made.iloc[tuple(n // 2 for n in a.shape)] = pandas.NA
    return made


MUST_REFUSE: dict[str, Callable[[NDArray[Any]], Any]] = {
    "set mask": with_mask,
    "list with a masked entry": lambda a: [np.ma.masked_array(row, mask=np.ones(np.shape(row), bool)) for row in a],
    "complex": lambda a: a.astype(complex),
    "datetime": lambda a: a.astype("i8").astype("M8[D]"),
    "NaT": lambda a: with_one(a.astype("i8").astype("M8[D]"), np.datetime64("NaT")),
    "timedelta": lambda a: a.astype("i8").astype("m8[s]"),
    "NaN": lambda a: with_one(a, np.nan),
    "NaN in half precision": lambda a: with_one(a, np.nan, "f2"),
    "infinity": lambda a: with_one(a, np.inf),
    "-infinity": lambda a: with_one(a, -np.inf, "f4"),
    "NaN in a list": lambda a: with_one(a, np.nan).tolist(),
    "strings": lambda a: a.astype(str),
    "strings in a list": lambda a: a.astype(str).tolist(),
    "bytes": lambda a: a.astype(bytes),
    "strings as objects": lambda a: a.astype(str).astype(object),
    "None": lambda a: with_one(a, None, object),
    "ragged": lambda a: [*a.tolist(), [[1.0, 2.0, 3.0], [4.0]]],
    "objects": lambda a: with_one(a, object(), object),
    "records": lambda a: np.zeros(a.shape, dtype=[("x", "f8"), ("y", "f8")]),
    "missing in a table": with_gap,
    "nothing": lambda a: a[:0],
    "text": lambda a: "0 1 2 3",
    "a dictionary": lambda a: {"x": a},
    "a set": lambda a: set(a.ravel().tolist()),
    "quantity": lambda a: a * siemens(),
    "list of quantities": lambda a: [x * siemens() for x in a],
    "sparse": lambda a: sparse.csr_array(np.atleast_2d(a.reshape(len(a), -1))),
}


def siemens() -> Any:
    return pytest.importorskip("brian2").siemens


# The doors ----------------------------------------------------------------------------------------------------------


class Door(NamedTuple):
    """A call with the array in its place, whole numbers from 0 to 15 that are right, and what does not hold and why."""

    call: Callable[[Any], Any]
    array: NDArray[Any]
    but: Mapping[str, str] = {}


def numbers(*shape: int, seed: int = 0, low: int = 0, high: int = 16) -> NDArray[np.float64]:
    return np.random.default_rng(seed).integers(low, high, shape).astype(float)


TABLE, SERIES = numbers(400, 3), numbers(400)
ROW = np.arange(1.0, 4.0)
ONE_CHANNEL = numbers(30, seed=4)


@cache
def small() -> hr.Draw:
    return hr.draw(hr.load_network("henhes", n=12), seed=1)


@cache
def field() -> Any:
    return hr.self_consistent_rates(small())


@cache
def line() -> Any:
    return hr.memory_readout(TABLE, SERIES, d_max=5)


@cache
def drift() -> hr.WeightDrift:
    return hr.weight_drift(0.01, 0.02, 20.0, 20.0, 10.0, 10.0)


@cache
def space() -> Any:
    return load_space("quick")


@cache
def bits() -> hr.PackedNetwork:
    signs = np.where(np.arange(12).reshape(4, 3) % 5 < 2, 1, -1)
    return hr.PackedNetwork((3,), [SpikingNeurons(threshold=5.0, reset="soft"), PackedLinear(signs, 0.5)], steps=2)


def policy(**statistics: Any) -> hr.ControlPolicy:
    return hr.ControlPolicy(actor(hr.ActorSettings(hidden=(7,), population=3), observations=3), **statistics)


@cache
def batch() -> hr.BatchRun:
    return hr.run_batch(small(), [hr.uniform_stimulus(4, "10 ms", seed=k) for k in range(2)], keep="potentials")


def listed(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The array as the second of two samples."""
    return lambda x: call([ONE_CHANNEL[:, None] if np.ndim(x) == 2 else ONE_CHANNEL, x])


X3 = numbers(24, 6, 1, seed=5)
Y3 = np.arange(24) % 2


WEIGHT = np.arange(24.0) % 5
GROUPS = np.arange(24.0) // 6


def small_classifier() -> hr.HRSNNClassifier:
    return hr.HRSNNClassifier("henhes", overrides={"n": 12}, hold="2 ms")


def small_forecaster() -> hr.HRSNNForecaster:
    return hr.HRSNNForecaster("henhes", overrides={"n": 12}, hold="2 ms", washout=5)


@cache
def classifier() -> hr.HRSNNClassifier:
    return small_classifier().fit(list(X3), Y3)


@cache
def logistic() -> Any:
    made = small_classifier().set_params(readout="logistic").fit(list(X3), Y3)
    return hr.LinearClassifier(made).fit(list(X3), Y3)


@cache
def forecaster() -> hr.HRSNNForecaster:
    return small_forecaster().fit([TABLE[:, :1]], [SERIES])


def taught() -> hr.HRSNNGradientClassifier:
    """A training of one epoch, whose readout answers."""
    return hr.HRSNNGradientClassifier(
        "henhes", overrides={"n": 12}, hold="2 ms", readout="trained", training_epochs=1, precision="double"
    )


def taught_forecaster() -> hr.HRSNNGradientForecaster:
    return hr.HRSNNGradientForecaster(
        "henhes", overrides={"n": 12}, hold="2 ms", washout=5, readout="trained", training_epochs=1, precision="double"
    )


@cache
def features() -> hr.HRSNNFeatures:
    return hr.HRSNNFeatures("henhes", overrides={"n": 12}, hold="2 ms").fit(list(X3))


@cache
def linear() -> Any:
    return hr.LinearClassifier(classifier()).fit(list(X3), Y3)


@cache
def anytime() -> hr.AnytimeReadout:
    return hr.AnytimeReadout(classifier()).fit(list(X3), Y3)


@cache
def early() -> hr.HRSNNGradientClassifier:
    return taught().set_params(decide_every="4 ms").fit(list(X3), Y3)


@cache
def conformal() -> hr.ConformalRule:
    return hr.fit_conformal(SCORES, Y3, 0.5)


#: Networks of torch are looked at where it is installed.
TORCH = find_spec("torch") is not None
#: One feature a column, and events, which are counts of whatever type.
FEATURES = numbers(24, 5, seed=8)
EVENTS = numbers(24, 2, 1, 4, 4, seed=9, high=3)


def of_images(model: str) -> hr.SpikingImageClassifier:
    return hr.SpikingImageClassifier(
        model, hidden=(6,), channels=(2,), blocks=0, steps=2, training_epochs=1, batch_size=8, learning_rate=0.05
    )


@cache
def sorter(model: str) -> hr.SpikingImageClassifier:
    return of_images(model).fit(FEATURES if model == "mlp" else EVENTS, Y3)


SOUND = numbers(2400, seed=7)
#: Black and white, in every type but bytes.
IMAGES = numbers(3, 4, 4, seed=10, high=2)
SCORES = [numbers(5, 2, seed=k) for k in range(24)]
LIF = {"drive": ROW, "tau_m": ROW, "v_th": ROW, "v_reset": ROW - 1, "t_ref": ROW}
NOISY = {**LIF, "intensity": ROW}
STDP = dict.fromkeys(("eta_plus", "eta_minus", "tau_plus", "tau_minus", "rate_pre", "rate_post"), ROW)
_INF = {"infinity": "a threshold that is never reached is allowed"}
#: Labels and groups may be names.
_NAMES = dict.fromkeys(("strings", "strings in a list", "strings as objects"), "a name")
#: What the encoder of sound takes for samples of a wav file, which it divides by 2^31.
_SAMPLES = {"int32": "samples of a wav file, in other units", "a dictionary": "columns with their names"}
#: A dictionary is a table whose columns have names.
_COLUMNS = {"a dictionary": "columns with their names"}
#: Bytes are pixels, of which 255 is white.
_PIXELS = {"uint8": "pixels, in other units"}
_NONE = {"nothing": "no number, no value"}
_ENDS = {**_NONE, "infinity": "the end of the line", "-infinity": "the end of the line"}


def each(name: str, call: Callable[..., Any], values: Mapping[str, Any], but: Mapping[str, Any]) -> dict[str, Door]:
    return {
        f"{name}:{key}": Door(lambda x, key=key: call(**{**values, key: x}), value, but.get(key, {}))  # type: ignore[misc]
        for key, value in values.items()
    }


def doors() -> dict[str, Door]:
    sample = TABLE[:6, :1]
    made = {
        "array_stimulus:values": Door(lambda x: hr.array_stimulus(x, "2 ms"), TABLE),
        "array_stimulus:values (samples,)": Door(lambda x: hr.array_stimulus(x, "2 ms"), SERIES, _COLUMNS),
        "poisson_stimulus:rates": Door(lambda x: hr.poisson_stimulus(x, "2 ms"), TABLE[:20]),
        "event_stimulus:times": Door(lambda x: hr.event_stimulus(x, [0, 0, 0], n_channels=1, hold="1 ms"), ROW),
        "event_stimulus:channels": Door(lambda x: hr.event_stimulus(ROW, x, n_channels=4, hold="1 ms"), ROW),
        "stream:blocks": Door(
            lambda x: list(hr.stream([SERIES[:3, None], x], "1 ms").pieces(5)),
            TABLE[:9, :1],
            {"nothing": "a block may be empty"},
        ),
        "Stimulus:values": Door(lambda x: hr.Stimulus("current", x, 1.0), TABLE[:9], {"nothing": "cut to nothing"}),
        "Stimulus:event_times": Door(lambda x: hr.Stimulus("events", np.zeros((9, 1)), 1.0, x, np.zeros(3, int)), ROW),
        "Stimulus:event_channels": Door(lambda x: hr.Stimulus("events", np.zeros((9, 4)), 1.0, ROW, x), ROW),
        "simulate:record_neurons": Door(
            lambda x: hr.simulate(small(), hr.silence("5 ms", "1 ms"), record=["v"], record_neurons=x).trace_neurons,
            ROW,
        ),
        "memory_capacity:states": Door(lambda x: hr.memory_capacity(x, SERIES, d_max=5), TABLE),
        "memory_capacity:u": Door(lambda x: hr.memory_capacity(TABLE, x, d_max=5), SERIES),
        "memory_capacity:ridges": Door(lambda x: hr.memory_capacity(TABLE, SERIES, d_max=5, ridges=x), ROW),
        "processing_capacity:states": Door(lambda x: hr.processing_capacity(x, SERIES, d_max=3, degree=2), TABLE),
        "processing_capacity:u": Door(lambda x: hr.processing_capacity(TABLE, x, d_max=3, degree=2), SERIES),
        "processing_capacity:input_range": Door(
            lambda x: hr.processing_capacity(TABLE, SERIES, d_max=3, degree=2, input_range=x), np.array([0.0, 15.0])
        ),
        "memory_readout:states": Door(lambda x: hr.memory_readout(x, SERIES, d_max=5), TABLE),
        "memory_readout:u": Door(lambda x: hr.memory_readout(TABLE, x, d_max=5), SERIES),
        "memory_readout:ridges": Door(lambda x: hr.memory_readout(TABLE, SERIES, d_max=5, ridges=x), ROW),
        "MemoryReadout.capacity:states": Door(lambda x: line().capacity(x, SERIES), TABLE),
        "MemoryReadout.capacity:u": Door(lambda x: line().capacity(TABLE, x), SERIES),
        "state_correlation:states": Door(hr.state_correlation, TABLE),
        "heterogeneity:parameters": Door(lambda x: hr.heterogeneity({"tau_m": x, "v_th": ROW}), ROW),
        "self_consistent_rates:weights": Door(
            lambda x: hr.self_consistent_rates(small(), x), np.ones(small().plastic.w.size)
        ),
        "linearised:weights": Door(lambda x: hr.linearised(small(), field(), x), np.ones(small().plastic.w.size)),
        "linearised:fano": Door(lambda x: hr.linearised(small(), field(), fano=x), np.ones(12)),
        "spectral_states:weights": Door(
            lambda x: hr.spectral_states(small(), field(), x, hold="10 ms"), np.zeros(small().plastic.w.size)
        ),
        "linear_memory:responses": Door(lambda x: hr.linear_memory(x, np.eye(3)), numbers(5, 3, low=1)),
        "linear_memory:noise": Door(lambda x: hr.linear_memory(numbers(5, 3, low=1), x), np.eye(3)),
        "WeightDrift.at:t": Door(lambda x: drift().at(x, 0.5), ROW),
        "WeightDrift.at:start": Door(lambda x: drift().at(10.0, x), np.array([0.0, 1.0])),
        "Distribution.cdf:x": Door(
            lambda x: hr.load_network("henhes").population("E")["tau_m"].distribution.cdf(x), ROW, _ENDS
        ),
        "Distribution.quantile:q": Door(
            lambda x: hr.load_network("henhes").population("E")["tau_m"].distribution.quantile(x),
            np.array([1.0, 0.0]),
            _NONE,
        ),
        "Space.from_unit:z": Door(lambda x: space().from_unit(x), np.ones(len(space().dimensions))),
        "scale_series:values": Door(lambda x: hr.scale_series(x, "minmax"), TABLE),
        "fit_cutoff:scores": Door(lambda x: hr.fit_cutoff([*SCORES, x], [*Y3, 0], 0.1), SCORES[0]),
        "fit_cutoff:labels": Door(lambda x: hr.fit_cutoff(SCORES, x, 0.1), Y3.astype(float)),
        "optimal_cutoff_time:scores": Door(lambda x: hr.optimal_cutoff_time([*SCORES, x], [*Y3, 0]), SCORES[0]),
        "optimal_cutoff_time:labels": Door(lambda x: hr.optimal_cutoff_time(SCORES, x), Y3.astype(float)),
        "CutoffRule.decide:scores": Door(lambda x: hr.fit_cutoff(SCORES, Y3, 0.1).decide([x]), SCORES[0]),
        "evaluate_cutoff:calibration_scores": Door(
            lambda x: hr.evaluate_cutoff([*SCORES, x], [*Y3, 0], SCORES, Y3), SCORES[0]
        ),
        "evaluate_cutoff:calibration_labels": Door(
            lambda x: hr.evaluate_cutoff(SCORES, x, SCORES, Y3), Y3.astype(float)
        ),
        "evaluate_cutoff:scores": Door(lambda x: hr.evaluate_cutoff(SCORES, Y3, [*SCORES, x], [*Y3, 0]), SCORES[0]),
        "evaluate_cutoff:labels": Door(lambda x: hr.evaluate_cutoff(SCORES, Y3, SCORES, x), Y3.astype(float)),
        "evaluate_cutoff:spikes": Door(
            lambda x: hr.evaluate_cutoff(SCORES, Y3, SCORES[:2], Y3[:2], spikes=[np.ones(5), x]), numbers(5)
        ),
        **each("lif_rate", hr.lif_rate, LIF, {"v_th": _INF}),
        **each("siegert_rate", hr.siegert_rate, {**NOISY, "tau_noise": ROW}, {"v_th": _INF}),
        **each("lif_response", lambda **k: hr.lif_response(**k), {"frequencies": ROW, **NOISY}, {"v_th": _INF}),
        **each("weight_drift", hr.weight_drift, STDP, {}),
        "HRSNNClassifier.fit:X": Door(
            lambda x: small_classifier().fit([*list(X3), x], [*Y3, 0]).decision_function(list(X3[:2])),
            sample,
        ),
        "HRSNNClassifier.predict:X": Door(lambda x: classifier().predict([x]), sample),
        "HRSNNClassifier.decision_function:X": Door(lambda x: classifier().decision_function([x]), sample),
        "HRSNNClassifier.features:X": Door(lambda x: classifier().features([x]), sample),
        "HRSNNFeatures.transform:X": Door(lambda x: features().transform([x]), sample),
        "HRSNNFeatures.input_operations:X": Door(lambda x: features().input_operations([x])[1], sample),
        "HRSNNFeatures.fit:X": Door(
            lambda x: hr.HRSNNFeatures("henhes", overrides={"n": 12}, hold="2 ms").fit([x]).transform([x]), sample
        ),
        "HRSNNForecaster.fit:X": Door(
            lambda x: small_forecaster().fit([x], [SERIES]).predict([TABLE[:40, :1]]),
            TABLE[:, :1],
        ),
        "HRSNNForecaster.fit:y": Door(
            lambda x: small_forecaster().fit([TABLE[:, :1]], [x]).predict([TABLE[:40, :1]]),
            SERIES,
            _COLUMNS,
        ),
        "HRSNNForecaster.predict:X": Door(lambda x: forecaster().predict([x]), TABLE[:30, :1]),
        "HRSNNForecaster.score:y": Door(lambda x: forecaster().score([TABLE[:, :1]], [x]), SERIES, _COLUMNS),
        "HRSNNGradientClassifier.partial_fit:X": Door(
            lambda x: taught().partial_fit([*list(X3), x], [*Y3, 0], [0, 1]).decision_function(list(X3[:2])), sample
        ),
        "HRSNNGradientClassifier.partial_fit:y": Door(
            lambda x: taught().partial_fit(list(X3), x, [0.0, 1.0]).decision_function(list(X3)), Y3.astype(float)
        ),
        "HRSNNGradientClassifier.partial_fit:classes": Door(
            lambda x: taught().partial_fit(list(X3), Y3.astype(float), x).decision_function(list(X3)),
            np.arange(3.0),
        ),
        "HRSNNGradientClassifier.partial_fit:sample_weight": Door(
            lambda x: taught().partial_fit(list(X3), Y3, [0, 1], x).decision_function(list(X3)), WEIGHT
        ),
        "HRSNNGradientForecaster.fit:X": Door(
            lambda x: taught_forecaster().fit([x], [SERIES]).predict([TABLE[:40, :1]]), TABLE[:, :1]
        ),
        "HRSNNGradientForecaster.fit:y": Door(
            lambda x: taught_forecaster().fit([TABLE[:, :1]], [x]).predict([TABLE[:40, :1]]), SERIES, _COLUMNS
        ),
        "HRSNNGradientForecaster.fit:sample_weight": Door(
            lambda x: taught_forecaster().fit([TABLE[:, :1]], [SERIES], [x]).predict([TABLE[:40, :1]]), SERIES
        ),
        "HRSNNGradientForecaster.partial_fit:X": Door(
            lambda x: taught_forecaster().partial_fit([x], [SERIES]).predict([TABLE[:40, :1]]), TABLE[:, :1]
        ),
        "HRSNNGradientForecaster.partial_fit:y": Door(
            lambda x: taught_forecaster().partial_fit([TABLE[:, :1]], [x]).predict([TABLE[:40, :1]]), SERIES, _COLUMNS
        ),
        "HRSNNGradientForecaster.partial_fit:sample_weight": Door(
            lambda x: taught_forecaster().partial_fit([TABLE[:, :1]], [SERIES], [x]).predict([TABLE[:40, :1]]), SERIES
        ),
        "LinearClassifier.fit:X": Door(
            lambda x: hr.LinearClassifier(classifier()).fit([*list(X3), x], [*Y3, 0]).predict(list(X3)), sample
        ),
        "LinearClassifier.predict:X": Door(lambda x: linear().predict([x]), sample),
    }
    made |= {
        "HRSNNClassifier.score:X": Door(lambda x: classifier().score([*X3[:2], x], [0, 1, 1]), sample),
        "HRSNNClassifier.report:X": Door(lambda x: classifier().report([*X3[:2], x], [0, 1, 1]).confusion, sample),
        "HRSNNForecaster.report:X": Door(lambda x: forecaster().report([x], [SERIES]).nrmse, TABLE[:, :1]),
        "HRSNNForecaster.score:X": Door(lambda x: forecaster().score([x], [SERIES]), TABLE[:, :1]),
        "HRSNNFeatures.partial_fit:X": Door(
            lambda x: hr.HRSNNFeatures("henhes", overrides={"n": 12}, hold="2 ms").partial_fit([x]).transform([x]),
            sample,
        ),
        "AnytimeReadout.fit:X": Door(
            lambda x: hr.AnytimeReadout(classifier()).fit([*X3, x], [*Y3, 0]).scores(list(X3[:2])), sample
        ),
        "AnytimeReadout.scores:X": Door(lambda x: anytime().scores([x]), sample),
        "LinearClassifier.score:X": Door(lambda x: linear().score([*X3[:2], x], [0, 1, 1]), sample),
        "LinearClassifier.features:X": Door(lambda x: linear().features([x]), sample),
        "AudioEncoder.fit:X": Door(lambda x: hr.AudioEncoder(8000).fit([x]).features(SOUND), SOUND, _COLUMNS),
        "AudioEncoder.features:x": Door(lambda x: hr.AudioEncoder(8000).fit([SOUND]).features(x), SOUND, _SAMPLES),
        "AudioEncoder.encode:x": Door(
            lambda x: hr.AudioEncoder(8000).fit([SOUND]).encode(x, hold="10 ms", dt="1 ms", seed=1), SOUND, _SAMPLES
        ),
        "HRSNNClassifier.fit:y": Door(
            lambda x: small_classifier().fit(list(X3), x).decision_function(list(X3)), Y3.astype(float), _NAMES
        ),
        "HRSNNClassifier.score:y": Door(lambda x: classifier().score(list(X3), x), Y3.astype(float), _NAMES),
        "LinearClassifier.fit:y": Door(
            lambda x: hr.LinearClassifier(classifier()).fit(list(X3), x).decision_function(list(X3)),
            Y3.astype(float),
            _NAMES,
        ),
        "AnytimeReadout.fit:y": Door(
            lambda x: hr.AnytimeReadout(classifier()).fit(list(X3), x).scores(list(X3[:2])), Y3.astype(float), _NAMES
        ),
        "AnytimeReadout.cross_scores:y": Door(
            lambda x: hr.AnytimeReadout(classifier()).cross_scores(list(X3), x, folds=2), Y3.astype(float), _NAMES
        ),
        "HRSNNClassifier.fit:groups": Door(
            lambda x: small_classifier().fit(list(X3), Y3, x).decision_function(list(X3)), GROUPS, _NAMES
        ),
        "LinearClassifier.fit:groups": Door(
            lambda x: hr.LinearClassifier(classifier()).fit(list(X3), Y3, x).decision_function(list(X3)), GROUPS, _NAMES
        ),
        "AnytimeReadout.fit:groups": Door(
            lambda x: hr.AnytimeReadout(classifier()).fit(list(X3), Y3, x).scores(list(X3[:2])), GROUPS, _NAMES
        ),
        "AnytimeReadout.cross_scores:groups": Door(
            lambda x: hr.AnytimeReadout(classifier()).cross_scores(list(X3), Y3, x, folds=2), GROUPS, _NAMES
        ),
        "LinearClassifier.decision_function:X": Door(lambda x: linear().decision_function([x]), sample),
        "LinearClassifier.predict_proba:X": Door(lambda x: logistic().predict_proba([x]), sample),
        "LinearClassifier.fit:sample_weight": Door(
            lambda x: hr.LinearClassifier(classifier()).fit(list(X3), Y3, None, x).decision_function(list(X3)), WEIGHT
        ),
        "LinearClassifier.score:sample_weight": Door(lambda x: linear().score(list(X3), Y3, x), WEIGHT),
        "HRSNNClassifier.fit:sample_weight": Door(
            lambda x: small_classifier().fit(list(X3), Y3, None, x).decision_function(list(X3)), WEIGHT
        ),
        "HRSNNClassifier.score:sample_weight": Door(lambda x: classifier().score(list(X3), Y3, x), WEIGHT),
        "HRSNNForecaster.fit:sample_weight": Door(
            lambda x: small_forecaster().fit([TABLE[:, :1]], [SERIES], [x]).predict([TABLE[:40, :1]]), SERIES
        ),
        "HRSNNForecaster.score:sample_weight": Door(
            lambda x: forecaster().score([TABLE[:, :1]], [SERIES], [x]), SERIES
        ),
        "AnytimeReadout.fit:sample_weight": Door(
            lambda x: hr.AnytimeReadout(classifier()).fit(list(X3), Y3, None, x).scores(list(X3[:2])), WEIGHT
        ),
    }
    made |= {
        "PackedNetwork.run:x": Door(lambda x: bits().run(x), TABLE[:5]),
        "PseudoDerivative.integral:x": Door(hr.PseudoDerivative("gaussian").integral, ROW, {"nothing": "no integral"}),
        "BatchRun.backward:into_activity": Door(lambda x: batch().backward(x).plastic, np.ones(batch().activity.shape)),
        "BatchRun.backward:into_potentials": Door(
            lambda x: batch().backward(np.zeros(batch().activity.shape), x).plastic, np.ones(batch().activity.shape)
        ),
        "scores.nrmse:target": Door(lambda x: scores.nrmse(x, SERIES), SERIES[::-1]),
        "scores.nrmse:prediction": Door(lambda x: scores.nrmse(SERIES, x), SERIES[::-1]),
        "scores.nrmse:sample_weight": Door(lambda x: scores.nrmse(SERIES, 2 * SERIES, sample_weight=x), SERIES),
        "scores.persistence:series": Door(lambda x: scores.persistence(x, 3), SERIES),
        "scores.valid_prediction_time:target": Door(
            lambda x: scores.valid_prediction_time(x, SERIES, step=0.1, lyapunov=0.9), SERIES[::-1]
        ),
        "scores.valid_prediction_time:prediction": Door(
            lambda x: scores.valid_prediction_time(SERIES, x, step=0.1, lyapunov=0.9),
            SERIES[::-1],
            dict.fromkeys(
                ("NaN", "NaN in half precision", "infinity", "-infinity", "NaN in a list", "missing in a table"),
                "a forecast that has blown up",
            ),
        ),
    }
    made |= {
        "fit_temperature:scores": Door(lambda x: hr.fit_temperature([*SCORES, x], [*Y3, 0]), SCORES[0]),
        "fit_temperature:labels": Door(lambda x: hr.fit_temperature(SCORES, x), Y3.astype(float)),
        "fit_conformal:scores": Door(lambda x: hr.fit_conformal([*SCORES, x], [*Y3, 0], 0.5), SCORES[0]),
        "fit_conformal:labels": Door(lambda x: hr.fit_conformal(SCORES, x, 0.5), Y3.astype(float)),
        "fit_conformal:checkpoints": Door(lambda x: hr.fit_conformal(SCORES, Y3, 0.5, checkpoints=x), ROW),
        "interquartile_mean:scores": Door(hr.interquartile_mean, TABLE),
        "interquartile_mean:scores (runs,)": Door(hr.interquartile_mean, SERIES),
        "probability_of_improvement:scores": Door(lambda x: hr.probability_of_improvement(x, TABLE[::-1]), TABLE),
        "probability_of_improvement:other": Door(lambda x: hr.probability_of_improvement(TABLE[::-1], x), TABLE),
        "performance_profile:scores": Door(lambda x: hr.performance_profile(x, ROW), TABLE),
        "performance_profile:thresholds": Door(lambda x: hr.performance_profile(TABLE, x), SERIES),
        "steps_to_return:steps": Door(lambda x: hr.steps_to_return(x, [1.0, 5.0, 2.0], 2.0), ROW),
        "steps_to_return:returns": Door(lambda x: hr.steps_to_return(range(len(SERIES)), x, 7.0), SERIES),
        "within_run_spread:returns": Door(hr.within_run_spread, SERIES),
        "bootstrap_interval:scores": Door(lambda x: hr.bootstrap_interval(x, samples=20), TABLE),
        "bootstrap_interval:other": Door(lambda x: hr.bootstrap_interval(TABLE[::-1], x, samples=20), TABLE),
        "improvement_test:scores": Door(lambda x: hr.improvement_test(x, TABLE[::-1]), TABLE),
        "improvement_test:other": Door(lambda x: hr.improvement_test(TABLE[::-1], x), TABLE),
        "holm_correction:p_values": Door(hr.holm_correction, (ROW.min() < ROW).astype(float)),
        "ConformalRule.decide:scores": Door(lambda x: conformal().decide([x]), SCORES[0]),
        "ConformalRule.sets:scores": Door(lambda x: conformal().sets([x]), SCORES[0]),
        "ConformalRule.coverage:scores": Door(lambda x: conformal().coverage([*SCORES, x], [*Y3, 0]), SCORES[0]),
        "ConformalRule.coverage:labels": Door(lambda x: conformal().coverage(SCORES, x), Y3.astype(float)),
        "compare_cutoffs:calibration_scores": Door(
            lambda x: hr.compare_cutoffs([*SCORES, x], [*Y3, 0], SCORES, Y3, alpha=0.5), SCORES[0]
        ),
        "compare_cutoffs:calibration_labels": Door(
            lambda x: hr.compare_cutoffs(SCORES, x, SCORES, Y3, alpha=0.5), Y3.astype(float)
        ),
        "compare_cutoffs:scores": Door(
            lambda x: hr.compare_cutoffs(SCORES, Y3, [*SCORES, x], [*Y3, 0], alpha=0.5), SCORES[0]
        ),
        "compare_cutoffs:labels": Door(
            lambda x: hr.compare_cutoffs(SCORES, Y3, SCORES, x, alpha=0.5), Y3.astype(float)
        ),
        "compare_cutoffs:spikes": Door(
            lambda x: hr.compare_cutoffs(SCORES, Y3, SCORES[:2], Y3[:2], alpha=0.5, spikes=[np.ones(5), x]), numbers(5)
        ),
        "compare_cutoffs:checkpoints": Door(
            lambda x: hr.compare_cutoffs(SCORES, Y3, SCORES, Y3, alpha=0.5, checkpoints=x), ROW
        ),
        "corrupted:images": Door(lambda x: hr.corrupted(x, "gaussian", 0.2), IMAGES, _PIXELS),
        "corrupted:numbers": Door(lambda x: hr.corrupted(IMAGES, "gaussian", 0.2, numbers=x), ROW),
        "saccade_events:images": Door(lambda x: hr.saccade_events(x, steps=3), IMAGES, _PIXELS),
        "saccade_events:numbers": Door(lambda x: hr.saccade_events(IMAGES, steps=3, noise=0.5, numbers=x), ROW),
        "HRSNNGradientClassifier.scores_over_time:X": Door(lambda x: early().scores_over_time([x]), sample),
    }
    made |= {
        "ControlPolicy.__call__:observation": Door(lambda x: policy()(x), ROW),
        "ControlPolicy:mean": Door(lambda x: policy(mean=x)(ROW / 2), ROW),
        "ControlPolicy:sd": Door(lambda x: policy(sd=x)(ROW), ROW + 1),
    }
    made |= image_doors() if TORCH else {}
    for name in ("CurrentEncoder", "PoissonEncoder", "DeltaEncoder"):
        encoder = getattr(hr, name)
        made[f"{name}.fit:X"] = Door(
            lambda x, encoder=encoder: encoder().fit([x]).encode(TABLE[:6, :1], hold="40 ms", dt="1 ms", seed=1), sample
        )
        made[f"{name}.encode:x"] = Door(
            lambda x, encoder=encoder: encoder().fit([TABLE[:, :1]]).encode(x, hold="40 ms", dt="1 ms", seed=1), sample
        )
    return made


def image_doors() -> dict[str, Door]:
    """Of what needs torch; counts of events are no pixels, whatever their type."""
    made: dict[str, Door] = {}
    for model, array, but in (("mlp", FEATURES, _PIXELS), ("conv", EVENTS, {})):
        kind = "" if model == "mlp" else " (events)"
        made[f"SpikingImageClassifier.fit:X{kind}"] = Door(
            lambda x, model=model, array=array: of_images(model).fit(x, Y3).decision_function(array), array, but
        )
        made |= {
            f"SpikingImageClassifier.{method}:X{kind}": Door(
                lambda x, method=method, model=model: getattr(sorter(model), method)(x), array, but
            )
            for method in ("account", "decision_function", "predict", "predict_proba", "scores_over_time")
        }
        made[f"SpikingImageClassifier.score:X{kind}"] = Door(
            lambda x, model=model: sorter(model).score(x, Y3), array, but
        )
    return made | {
        "SpikingImageClassifier.fit:y": Door(
            lambda x: of_images("mlp").fit(FEATURES, x).decision_function(FEATURES), Y3.astype(float), _NAMES
        ),
        "SpikingImageClassifier.score:y": Door(lambda x: sorter("mlp").score(FEATURES, x), Y3.astype(float), _NAMES),
        "SpikingImageClassifier.score:sample_weight": Door(lambda x: sorter("mlp").score(FEATURES, Y3, x), WEIGHT),
    }


DOORS = doors()

#: Arguments that are arrays and no doors for foreign ones.
NO_DOORS = {
    **dict.fromkeys(
        (
            "Network", "Draw", "Recording", "State", "BrianObjects", "MemoryCapacity", "MemoryReadout", "Heterogeneity",
            "ProcessingCapacity",
            "BatchRun", "Gradients", "MeanField", "LinearSystem", "WeightDrift", "CutoffRule", "ConformalRule",
            "Decisions", "Account", "ClassificationReport", "Series", "Dataset", "TaskResult", "Membranes",
            "LayerNoise", "ControlPolicy", "ReturnCurve", "EpisodeRecording",
        ),
        "made by functions of the package",
    ),
    **dict.fromkeys(
        (
            "SpikingNetwork", "SpikingMLP", "SpikingConvNet", "OrdinaryMLP", "OrdinaryConvNet", "QCFS",
            "SpikingTransformer", "record_membranes", "replay_membranes", "membrane_noise",
        ),
        "take tensors of torch and nothing else",
    ),
    **({} if TORCH else {"SpikingImageClassifier": "needs torch"}),
}  # fmt: skip


# The tests ----------------------------------------------------------------------------------------------------------


def arrays_of(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All numbers and texts in a result, with where they stand."""
    if isinstance(value, np.ndarray) or np.isscalar(value) or value is None:
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from arrays_of(part, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        for k, part in enumerate(value):
            yield from arrays_of(part, f"{path}[{k}]")
    elif dataclasses.is_dataclass(value):
        for key in dataclasses.fields(value):
            yield from arrays_of(getattr(value, key.name), f"{path}.{key.name}")
    else:
        yield path, str(value)


def quietly(call: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()


@cache
def plain(name: str) -> list[tuple[str, Any]]:
    door = DOORS[name]
    return list(arrays_of(quietly(lambda: door.call(door.array.copy()))))


@pytest.mark.parametrize("kind", MUST_PASS)
@pytest.mark.parametrize("name", DOORS)
def test_the_value_is_that_of_the_plain_array(name: str, kind: str) -> None:
    door = DOORS[name]
    given = MUST_PASS[kind](door.array.copy())
    if kind in door.but:
        quietly(lambda: door.call(given))
        return
    found = list(arrays_of(quietly(lambda: door.call(given))))
    assert [path for path, _ in found] == [path for path, _ in plain(name)]
    for (path, a), (_, b) in zip(found, plain(name), strict=True):
        if isinstance(b, str) or b is None:
            assert a == b, path
        else:
            assert np.asarray(a).dtype == np.asarray(b).dtype, path
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-9, atol=1e-12, err_msg=path)


@pytest.mark.parametrize("kind", MUST_REFUSE)
@pytest.mark.parametrize("name", DOORS)
def test_one_line_refuses_what_numpy_would_twist(name: str, kind: str) -> None:
    door = DOORS[name]
    if kind in door.but:
        quietly(lambda: door.call(MUST_REFUSE[kind](door.array.copy())))
        return
    given = MUST_REFUSE[kind](door.array.copy())
    with pytest.raises(hr.HeteroError) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        door.call(given)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 500, text
    if "mask" in kind:
        assert "masked" in text, text


def blank_image(network: Any) -> Any:
    """An image that a network takes."""
    torch = pytest.importorskip("torch")
    return torch.zeros(1, *network.shape)


@pytest.mark.parametrize("kind", {**MUST_PASS, **MUST_REFUSE})
def test_networks_of_torch_take_tensors_alone(kind: str) -> None:
    pytest.importorskip("torch")
    flat = (hr.SpikingMLP(5, 2, hidden=(6,)).eval(), hr.OrdinaryMLP(5, 2, hidden=(6,)), hr.QCFS())
    images = (
        hr.SpikingConvNet((1, 4, 4), 2, channels=(2,)).eval(),
        hr.OrdinaryConvNet((1, 4, 4), 2, channels=(2,)),
        hr.SpikingTransformer((1, 4, 4), 2, features=4).eval(),
    )
    for networks, array in ((flat, FEATURES), (images, EVENTS[:, 0])):
        if "pandas" in kind or "table" in kind:
            array = array.reshape(len(array), -1)
        given = {**MUST_PASS, **MUST_REFUSE}[kind](array.copy())
        for network in networks:
            names = [name for name in ("forward", "traced", "account", "steps_of") if hasattr(network, name)]
            calls = [network, *(getattr(network, name) for name in names)]
            if isinstance(network, hr.SpikingNetwork):
                calls += [partial(door, network) for door in (hr.record_membranes, hr.membrane_noise)]
                noise = hr.record_membranes(network, blank_image(network))
                calls.append(partial(hr.replay_membranes, network, membranes=noise))
            for call in calls:
                with pytest.raises(hr.HeteroError, match="must be a tensor of floating point numbers") as caught:
                    quietly(lambda call=call, given=given: list(call(given)))
                assert "\n" not in str(caught.value)


def public_arrays() -> Iterator[tuple[str, str]]:
    """Public functions and methods with the arguments that are annotated as arrays."""
    things = {name: getattr(hr, name) for name in public_names()}
    things |= {f"scores.{name}": thing for name, thing in vars(scores).items() if name[0] != "_" and callable(thing)}
    for name, thing in things.items():
        if not getattr(thing, "__module__", "hetero_rsnn").startswith("hetero_rsnn"):
            continue
        if inspect.isclass(thing):
            if not issubclass(thing, BaseException) and name not in NO_DOORS:
                for method, function in inspect.getmembers(thing, inspect.isfunction):
                    if function.__module__.startswith("hetero_rsnn") and (method[0] != "_" or method == "__init__"):
                        yield from _arguments(name if method == "__init__" else f"{name}.{method}", function)
            continue
        if callable(thing) and name not in NO_DOORS:
            yield from _arguments(name, thing)


def _arguments(name: str, function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    for argument in inspect.signature(function).parameters.values():
        kind = str(argument.annotation)
        words = ("ArrayLike", "Array", "Ints", "ndarray", "NDArray")
        if argument.name in ("X", "x", "sample_weight") or any(word in kind for word in words):
            yield name, argument.name


def test_every_door_is_here() -> None:
    known = {name.split(" ")[0] for name in DOORS} | set(INHERITED)
    missing = [f"{name}:{argument}" for name, argument in public_arrays() if f"{name}:{argument}" not in known]
    assert not missing, f"add a line to DOORS for {missing}"


#: Doors that are the same code as another one, by the name of that.
INHERITED: dict[str, str] = {
    "Stream:blocks": "stream:blocks",
    **{
        f"{name}.samples:X": f"{name}.fit:X"
        for name in ("CurrentEncoder", "PoissonEncoder", "DeltaEncoder", "AudioEncoder")
    },
    **{f"Encoder.{x}": f"CurrentEncoder.{x}" for x in ("encode:x", "fit:X", "samples:X")},
    **{
        f"{name}.{method}": f"{name}.fit:X"
        for name in (
            "HRSNNFeatures",
            "HRSNNClassifier",
            "HRSNNForecaster",
            "HRSNNGradientClassifier",
            "HRSNNGradientForecaster",
        )
        for method in ("check_samples:X", "each_input:X", "inputs:X", "frozen_pass:read")
    },
    **{
        f"{name}.input_operations:X": "HRSNNFeatures.input_operations:X"
        for name in ("HRSNNClassifier", "HRSNNForecaster", "HRSNNGradientClassifier", "HRSNNGradientForecaster")
    },
    **{f"HRSNNClassifier.{x}": "HRSNNClassifier.predict:X" for x in ("predict_proba:X", "predict_log_proba:X")},
    **{
        f"HRSNNGradientClassifier.{x}": f"HRSNNClassifier.{x}"
        for x in (
            "fit:X",
            "fit:sample_weight",
            "predict:X",
            "predict_proba:X",
            "predict_log_proba:X",
            "score:X",
            "score:sample_weight",
            "report:X",
            "features:X",
            "decision_function:X",
        )
    },
    **{
        f"HRSNNGradientForecaster.{x}": f"HRSNNForecaster.{x}"
        for x in ("predict:X", "score:X", "score:y", "score:sample_weight", "report:X")
    },
    "AnytimeReadout.cross_scores:X": "AnytimeReadout.fit:X",
}
