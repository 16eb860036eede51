"""Ways to classify that an advice tries, the cheapest first: ordinary models, networks by STDP, by gradients."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.types import Array
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.gradient_classifier import HRSNNGradientClassifier
from hetero_rsnn.estimators.linear import LinearClassifier
from hetero_rsnn.gradient.quantisation import levels
from hetero_rsnn.measures.energy import HARDWARE, energy
from hetero_rsnn.measures.operations import Operations
from hetero_rsnn.network.definition import Network

#: Constants of the energies.
HARDWARE_USED = "45nm"
#: Neurons of the network whose encoder the ordinary models share.
_CARRIER = 30
_BITS = 32.0


class OutOfTime(Exception):
    """A training has reached the time limit."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a fitted way decided, and what each answer took; arrays have shape (samples,).

    Attributes
    ----------
    decided : ndarray
        Names of classes.
    spikes, operations : ndarray
        Spikes of a neuron, and synaptic operations of the network.
    energy : ndarray
        In nJ, with the constants of `HARDWARE_USED`.
    ms : ndarray
        Simulated time until the decision.
    kb : float
        Weights in kilobytes (1000 bytes), without indices and states.
    """

    decided: NDArray[Any]
    spikes: Array
    operations: Array
    energy: Array
    ms: Array
    kb: float


@dataclass(frozen=True, eq=False)
class Way:
    """A way to classify: `fit` makes a fitted model of samples, labels and groups, `answer` asks it."""

    name: str
    spiking: bool
    fit: Callable[[Any, NDArray[Any], Any, float], Any]
    answer: Callable[[Any, Any], Answers]


def ways(network: Network, options: dict[str, Any], seed: int, epochs: int) -> Iterator[Way]:
    """All ways for a network and the options of its recipe."""

    def linear(X: Any, y: NDArray[Any], groups: Any, deadline: float) -> LinearClassifier:
        changes = {} if network.arrays is not None else {"n": min(_CARRIER, network.n)}
        # This network is asked for its encoder alone.
        given = {**options, "windows": 1}
        carrier = HRSNNClassifier(network, overrides=changes, seed=seed, unlabelled=None, **given).fit(X, y)
        return LinearClassifier(carrier, windows=options.get("windows", "auto")).fit(X, y, groups)

    def mlp(X: Any, y: NDArray[Any], groups: Any, deadline: float) -> tuple[LinearClassifier, Any]:
        from sklearn.neural_network import MLPClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        base = linear(X, y, groups, deadline)
        net = MLPClassifier((32,), early_stopping=False, max_iter=10 * max(epochs, 5), alpha=1e-2, random_state=seed)
        features, _ = _inputs(base, X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it may not have converged: it is judged by what it decides
            return base, make_pipeline(StandardScaler(), net).fit(features, y)

    def stdp(X: Any, y: NDArray[Any], groups: Any, deadline: float) -> HRSNNClassifier:
        return HRSNNClassifier(network, seed=seed, unlabelled=None, **options).fit(X, y, groups)

    def gradient(**more: Any) -> Callable[..., HRSNNGradientClassifier]:
        def fit(X: Any, y: NDArray[Any], groups: Any, deadline: float) -> HRSNNGradientClassifier:
            given = {**options, "precision": "single", "training_epochs": epochs, **more}
            model = HRSNNGradientClassifier(network, seed=seed, unlabelled=None, **given)

            def watch(epoch: object) -> None:
                if time.monotonic() > deadline:
                    raise OutOfTime

            model.on_epoch = watch
            return model.fit(X, y, groups)

        return fit

    yield Way("linear", False, linear, _answer_linear)
    yield Way("MLP", False, mlp, _answer_mlp)
    yield Way("STDP", True, stdp, _answer_network)
    yield Way("gradient, 5 Hz", True, gradient(target_rate=5.0), _answer_network)
    yield Way("gradient, 1 Hz", True, gradient(target_rate=1.0, spike_weight=0.5), _answer_network)
    yield Way("gradient, 4 bit", True, gradient(target_rate=5.0, weights="4bit"), _answer_network)
    yield Way("gradient, 1 bit", True, gradient(target_rate=5.0, weights="1bit"), _answer_network)


def _inputs(model: LinearClassifier, X: Any) -> tuple[Array, Array]:
    """Features of an ordinary model, and rows of each sample."""
    found = [(pool(x, model.windows_), len(x)) for x in model.like.each_input(X)]
    return np.array([f for f, _ in found]), np.array([n for _, n in found], dtype=np.float64)


def _ordinary(decided: NDArray[Any], rows: Array, hold: float, products: float, weights: float) -> Answers:
    none = np.zeros(len(rows))
    energies = _nanojoules(none, none, none, np.full(len(rows), products), none)
    return Answers(decided, none, none, energies, rows * hold, weights * _BITS / 8e3)


def _answer_linear(model: LinearClassifier, X: Any) -> Answers:
    features, rows = _inputs(model, X)
    outputs = _outputs(len(model.classes_))
    products = features.shape[1] * outputs
    return _ordinary(model.readout_.predict(features), rows, model.like.hold_, products, products + outputs)


def _answer_mlp(model: tuple[LinearClassifier, Any], X: Any) -> Answers:
    base, net = model
    features, rows = _inputs(base, X)
    sizes = [w.size for w in net[-1].coefs_]
    biases = sum(b.size for b in net[-1].intercepts_)
    return _ordinary(net.predict(features), rows, base.like.hold_, sum(sizes), sum(sizes) + biases)


def _answer_network(model: HRSNNClassifier, X: Any) -> Answers:
    decided = model.predict(X)
    drawn = model.frozen_.draw
    rows = np.asarray(model.rows_, dtype=np.float64)
    ms = rows * model.hold_
    spikes, operations = np.asarray(model.spikes_, dtype=np.float64), np.asarray(model.operations_, dtype=np.float64)
    readout = drawn.n * len(model.taus_) * model.windows_ * _outputs(len(model.classes_))
    additions, products = model.input_operations(X)
    updates = drawn.n * ms / drawn.network.dt
    energies = _nanojoules(spikes * drawn.n, operations, additions, products + readout, updates)
    few = levels(getattr(model, "weights", "full"))
    bits = _BITS if few is None else float(math.ceil(math.log2(few)))
    recurrent = len(drawn.plastic) + len(drawn.static)
    inputs = int(np.count_nonzero(drawn.w_event if additions.any() else drawn.w_in))
    kb = (bits * recurrent + _BITS * (inputs + readout + _outputs(len(model.classes_)))) / 8e3
    return Answers(decided, spikes, operations, energies, ms, kb)


def _nanojoules(spikes: Array, synaptic: Array, additions: Array, products: Array, updates: Array) -> Array:
    """Energy of each sample, by what it took; learning is over."""
    columns = np.stack([spikes, synaptic, additions, products, updates], axis=1).tolist()
    one = [Operations(a, b, 0.0, c, d, e, 0.0, math.nan, math.nan, 1.0) for a, b, c, d, e in columns]
    return np.array([1e9 * energy(sample, HARDWARE_USED).total for sample in one])


def _outputs(classes: int) -> int:
    """Scores that a readout computes: of two classes one."""
    return 1 if classes == 2 else classes


#: Where the constants come from.
SOURCE = HARDWARE[HARDWARE_USED].source
