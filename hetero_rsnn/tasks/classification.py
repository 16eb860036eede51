"""Classifying a data set with several networks and seeds, beside the linear model on the same input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.estimators.anytime import AnytimeReadout
from hetero_rsnn.estimators.features import HRSNNFeatures, NetworkEstimator
from hetero_rsnn.estimators.frozen import pool
from hetero_rsnn.estimators.gradient_classifier import HRSNNGradientClassifier
from hetero_rsnn.estimators.gradient_training import check_training
from hetero_rsnn.estimators.linear import LinearClassifier, has_minirocket, rocket_class
from hetero_rsnn.estimators.readout import choose_windows, counted, fit_readout, window_counts
from hetero_rsnn.gradient.settings import Epoch
from hetero_rsnn.inputs.audio import AudioEncoder
from hetero_rsnn.inputs.encoders import CurrentEncoder
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.jobs.progress import Progress
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.measures.cutoff_curve import CutoffCurve, evaluate_cutoff
from hetero_rsnn.measures.reports import classification_report
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.shipped import CANONICAL
from hetero_rsnn.simulation.engine import Engine
from hetero_rsnn.tasks.recipes import Recipe, learning, recipe, task_networks
from hetero_rsnn.tasks.result import ClassifyRow, TaskResult

#: Labels a class of few-label curves, as far as the training data have them.
LABELS = (1, 2, 5, 10, 20, 50, 100, 200)
#: Random choices of the labelled samples, for each number of labels.
CHOICES = 10
#: Tolerated shares of wrong early decisions that are tried.
EPSILONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
#: Share of the training samples that is held out to calibrate early decisions.
CALIBRATION = 0.25
#: With fewer than these held out, all training samples calibrate, by cross-fitted scores.
HELD_OUT = 200


@dataclass(frozen=True)
class _Classify:
    """All that a job needs, encoded as far as chance does not enter."""

    X: Sequence[Any]
    causal: Sequence[Any] | None
    causal_encoder: Any
    y: Ints
    groups: NDArray[np.str_] | None
    train: Ints
    test: Ints
    options: dict[str, Any]
    windows: tuple[int | str, ...]
    encoder: Any
    few: tuple[int, ...]
    early: bool
    every: int
    calibration: str
    rocket: bool
    training: dict[str, Any] | None
    on_epoch: Callable[[str, int, Epoch], object] | None


def classify(
    dataset: Dataset,
    networks: Sequence[Any] = CANONICAL,
    seeds: int | Iterable[int] = range(3),
    *,
    few_labels: Sequence[int] = LABELS,
    leave_out: bool = False,
    early: bool = False,
    every: int = 2,
    calibration: str = "auto",
    minirocket: bool | None = None,
    train: str = "stdp",
    training: Mapping[str, Any] | None = None,
    chosen: Recipe | None = None,
    overrides: dict[str, Any] | None = None,
    backend: str = "fast",
    precision: str = "double",
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
    on_epoch: Callable[[str, int, Epoch], object] | None = None,
) -> TaskResult:
    """Classify a data set with several networks, and with a linear model on the same input.

    The number of windows over which states and input are averaged is chosen for each by cross-validation inside the
    training part, unless the recipe sets one: a baseline that has to do with fewer windows than it needs is none.

    Parameters
    ----------
    dataset : Dataset
        With ``task="classification"``.
    networks : sequence of str, path or Network
    seeds : int or iterable of int
        How many, from 0 on, or which. Each draws other networks; the split stays.
    few_labels : sequence of int
        Labels a class of the few-label curve: the networks learn from all training samples, the readouts from these.
    leave_out : bool
        Train on all groups (speakers) but one, and test on that, for each.
    early : bool
        Decide before the end: see `hetero_rsnn.measures.cutoff`.
    every : int
        Rows between early decisions.
    calibration : str
        What calibrates early decisions: ``"held out"``, a quarter of the training samples, which neither network nor
        readout learns from; ``"crossed"``, all of them, each scored by readouts that did not see it
        (`AnytimeReadout.cross_scores`: the network did, without labels); ``"auto"``, the second if a quarter is
        fewer than 200 samples and the networks learn without labels.
    minirocket : bool, optional
        Also classify the input by MiniRocket, which has no network and is no linear model; see `LinearClassifier`.
        None: where aeon or sktime is installed.
    train : {"stdp", "gradient"}
        What the networks learn by before they are frozen: STDP, without labels, or the gradient on the labels of the
        training samples. Then there is no few-label curve: the network has seen all labels.
    training : mapping, optional
        Parameters of `HRSNNGradientClassifier` that are about its training, such as ``{"target_rate": 5.0}``, for the
        second. (Windows and strength of the readout are chosen on the samples that the network has learned from.)
    chosen : Recipe, optional
        How the data are encoded and read; default: `recipe`.
    overrides : dict, optional
        Changes of every network.
    backend, precision, workers, executor, dask, progress
        See `compare`.
    on_epoch : callable, optional
        With ``train="gradient"`` and ``backend="fast"``: called after every epoch with the name of the network, its
        seed and an `Epoch`, from several threads; not where jobs run on an executor or a cluster.

    Returns
    -------
    TaskResult
        Its rows are `ClassifyRow`.

    Raises
    ------
    HeteroError
        If the data set is none for classification, has no groups to leave out, a setting breaks its rule, or MiniRocket
        is asked for where neither aeon nor sktime is installed.
    """
    if dataset.task != "classification" or dataset.y is None:
        raise HeteroError(f"{dataset.name} is for {dataset.task}: use forecast")
    if leave_out and dataset.groups is None:
        raise HeteroError(f"{dataset.name} has no groups (speakers) to leave out: drop leave_out")
    if calibration not in ("auto", "held out", "crossed"):
        raise HeteroError(f"calibration must be 'auto', 'held out' or 'crossed', got {calibration!r}")
    by_gradient = check_training(train, training, ("loss", "pooling", "decide_every", "consistency"))
    if by_gradient is not None and calibration == "crossed":
        raise HeteroError(
            "calibration='crossed' scores samples whose labels the network has learned from",
            fix="use 'held out' with train='gradient'",
        )
    if calibration == "auto":
        enough = CALIBRATION * len(dataset.train) >= HELD_OUT or by_gradient is not None
        calibration = "held out" if enough else "crossed"
    if minirocket:
        rocket_class()  # refuses before anything is computed
    rocket = has_minirocket() if minirocket is None else bool(minirocket)
    given = recipe(dataset) if chosen is None else chosen
    tried = window_counts(given.options.get("windows", "auto"))
    engine = Engine(backend, precision)
    nets, numbers = task_networks(networks, given, overrides or {}), checks.different_seeds("seeds", seeds)
    X, encoder = _front_end(dataset.X, given.encoder)
    causal, causal_encoder = None, None
    if early:
        chosen_encoder = given.encoder if given.causal is None else given.causal
        if getattr(chosen_encoder, "level", None) == "peak":
            raise HeteroError(
                "early decisions need a causal encoder, got level='peak': give the recipe one as `causal`"
            )
        causal, causal_encoder = (X, encoder) if given.causal is None else _front_end(dataset.X, given.causal)
    options = {"hold": given.hold, "backend": backend, "precision": precision, **given.options}
    options.pop("windows", None)
    task = _Classify(
        X, causal, causal_encoder, dataset.y, dataset.groups, dataset.train, dataset.test, options, tried, encoder,
        () if by_gradient is not None else tuple(few_labels), early, every, calibration, rocket, by_gradient,
        on_epoch if engine.threads and executor is None and dask is None else None,
    )  # fmt: skip
    left: list[str | None] = [None]
    if leave_out and dataset.groups is not None:
        left += np.unique(dataset.groups[np.union1d(dataset.train, dataset.test)]).tolist()
    # MiniRocket sees no network: once a seed is enough.
    jobs = [(net, seed, group, rocket and k == 0) for seed in numbers for k, net in enumerate(nets) for group in left]
    parts = run_jobs(
        partial(_classify_job, task), jobs, workers=workers, executor=executor, dask=dask, progress=progress,
        threads=engine.threads,
    )  # fmt: skip
    rows = []
    for start in range(0, len(parts), len(left)):
        row, *others = parts[start : start + len(left)]
        rows.append(replace(row, groups=dict(zip(left[1:], others, strict=True))))
    if rocket:
        of_seed = {row.seed: row.minirocket for row in rows if row.minirocket is not None}
        rows = [replace(row, minirocket=of_seed[row.seed]) for row in rows]
    if by_gradient is not None:
        given = replace(given, options={**given.options, "train": train, **by_gradient})
    return TaskResult(dataset, tuple(nets), tuple(rows), given)


def _front_end(X: Sequence[Any], encoder: Any) -> tuple[Sequence[Any], Any]:
    """Cochleagrams once for all networks: what an `AudioEncoder` with currents does first, without any chance."""
    if not isinstance(encoder, AudioEncoder) or encoder.output != "current":
        return X, encoder
    features = []
    for k, x in enumerate(X):
        try:
            features.append(encoder.features(x))
        except StimulusError as error:
            raise StimulusError(f"sample {k} of the data set: {error}") from None
    return features, CurrentEncoder("zscore", encoder.gain, encoder.clip)


def _classify_job(task: _Classify, job: tuple[Network, int, str | None, bool]) -> Any:
    network, seed, group, rocket = job
    if group is not None:
        assert task.groups is not None
        used = np.union1d(task.train, task.test)  # all, unless a part was asked for
        train, test = used[task.groups[used] != group], used[task.groups[used] == group]
        _, a, b = _fit_both(task, network, seed, train, test, task.groups[train])
        return tuple(float(np.mean(model.decided == task.y[test])) for model in (a, b))
    f, a, b = _fit_both(task, network, seed, task.train, task.test, None)
    y_train, y_test = task.y[task.train], task.y[task.test]
    seconds = float(f.rows_.sum()) * f.hold_ / 1e3
    on_mean = fit_readout("ridge", b.train[1], y_train).predict(b.test[1])
    row = ClassifyRow(
        network.name, seed,
        classification_report(y_test, a.decided, np.unique(task.y), f.spikes_, network.n, seconds, f.operations_),
        linear=float(np.mean(b.decided == y_test)),
        linear_mean=float(np.mean(on_mean == y_test)),
        windows=a.windows, linear_windows=b.windows,
        minirocket=_minirocket(task, f, seed) if rocket else None,
        few=_few_labels(task, seed, a, b, y_train, y_test),
    )  # fmt: skip
    return replace(row, early=_decide_early(task, network, seed, f)) if task.early else row


def _minirocket(task: _Classify, fitted: NetworkEstimator, seed: int) -> float:
    model = LinearClassifier(fitted, features="minirocket", seed=seed)
    model.fit(take(task.X, task.train), task.y[task.train])
    return model.score(take(task.X, task.test), task.y[task.test])


@dataclass
class _Fitted:
    """Features of both parts for each number of windows, the number chosen, and what a readout of these decided."""

    tried: list[int]
    train: dict[int, Array]
    test: dict[int, Array]
    windows: int
    decided: NDArray[Any]


def _learned(task: _Classify, network: Network, seed: int, encoder: Any, X: Any, y: NDArray[Any]) -> NetworkEstimator:
    """The network after it has learned from the samples, with their labels or without."""
    if task.training is None:
        return HRSNNFeatures(network, encoder=encoder, seed=seed, **learning(network, task.options)).fit(X)
    # Its own readout is not asked; one window is the cheapest.
    given = {"windows": 1, "unlabelled": None, **task.options, **task.training}
    model = HRSNNGradientClassifier(network, encoder=encoder, seed=seed, **given)
    if task.on_epoch is not None:
        model.on_epoch = partial(task.on_epoch, network.name, seed)
    return model.fit(X, y)


def _fit_both(
    task: _Classify, network: Network, seed: int, train: Ints, test: Ints, groups: Any
) -> tuple[NetworkEstimator, _Fitted, _Fitted]:
    """Network and linear model, fitted on `train` and asked about `test`."""
    X_train, X_test, y = take(task.X, train), take(task.X, test), task.y[train]
    f = _learned(task, network, seed, task.encoder, X_train, y)
    longest = f.longest(f.check_samples(X_train))

    def fitted(columns: int, read: Callable[[Any, list[int]], Iterable[list[Array]]], *more: int) -> _Fitted:
        tried = counted(task.windows, longest, len(train), columns)
        numbers = list(dict.fromkeys([*tried, *more]))
        of_train, of_test = (
            dict(zip(numbers, (np.array(same) for same in zip(*read(part, numbers), strict=True)), strict=True))
            for part in (X_train, X_test)
        )
        windows, _ = choose_windows(lambda w: of_train[w], tried, y, groups)
        decided = fit_readout("ridge", of_train[windows], y, groups).predict(of_test[windows])
        return _Fitted(tried, of_train, of_test, windows, np.asarray(decided))

    def states(part: Any, numbers: list[int]) -> list[list[Array]]:
        return f.frozen_pass(f.check_samples(part), lambda x, _: [pool(x, w) for w in numbers])

    def inputs(part: Any, numbers: list[int]) -> Iterator[list[Array]]:
        return ([pool(x, w) for w in numbers] for x in f.each_input(part))

    # The test part is answered last: the spikes that are reported are its own.
    return f, fitted(network.n * len(f.taus_), states), fitted(f.encoder_.n_channels_, inputs, 1)


def _part(features: dict[int, Array], index: Ints, windows: int) -> Array:
    return features[windows][index]


def _few_labels(
    task: _Classify, seed: int, a: _Fitted, b: _Fitted, y_train: NDArray[Any], y_test: NDArray[Any]
) -> dict[int, tuple[float, float]]:
    classes = np.unique(y_train)
    most = int(np.bincount(y_train).min())
    out = {}
    for count in [k for k in task.few if k <= most]:
        scores = np.zeros((CHOICES, 2))
        windows = [0, 0]
        for r in range(CHOICES):
            rng = generator(seed, "training", "labels", count, r)
            index = np.concatenate([rng.permutation(np.flatnonzero(y_train == c))[:count] for c in classes])
            y = y_train[index]
            for i, model in enumerate((a, b)):
                if r == 0:  # by the first choice of labels alone: each would take ten times as long
                    windows[i], _ = choose_windows(partial(_part, model.train, index), model.tried, y)
                w = windows[i]
                decided = fit_readout("ridge", model.train[w][index], y).predict(model.test[w])
                scores[r, i] = np.mean(decided == y_test)
        out[count] = (float(scores[:, 0].mean()), float(scores[:, 1].mean()))
    return out


def _decide_early(task: _Classify, network: Network, seed: int, fitted: NetworkEstimator) -> CutoffCurve:
    assert task.causal is not None
    if task.calibration == "crossed":
        held, rest = task.train, task.train
    else:
        held, rest = _calibration(task, seed)
    X = take(task.causal, rest)
    if task.calibration == "crossed" and task.causal_encoder is task.encoder:
        model = fitted  # the same network has learned from the same samples already
    else:
        model = _learned(task, network, seed, task.causal_encoder, X, task.y[rest])
    anytime = AnytimeReadout(model, every=task.every, windows=task.windows).fit(X, task.y[rest])
    missing = np.setdiff1d(task.y[task.test], anytime.classes_)
    if missing.size:
        raise HeteroError(
            f"class {missing[0]} is tested but has no training samples to spare: leave out early decisions"
        )
    if task.calibration == "crossed":
        calibration = anytime.cross_scores(X, task.y[rest])
    else:
        calibration = anytime.scores(take(task.causal, held))
    scores = anytime.scores(take(task.causal, task.test))
    number = np.searchsorted(anytime.classes_, task.y)
    return evaluate_cutoff(
        calibration, number[held], scores, number[task.test], EPSILONS, spikes=anytime.spikes(), loss=0.01
    )


def _calibration(task: _Classify, seed: int) -> tuple[Ints, Ints]:
    """Training samples that calibrate, a quarter of each class, and those that fit."""
    order = generator(seed, "training", "calibration").permutation(task.train)
    held = np.concatenate(
        [(same := order[task.y[order] == c])[: round(CALIBRATION * len(same))] for c in np.unique(task.y[order])]
    )
    return held, np.setdiff1d(task.train, held)
