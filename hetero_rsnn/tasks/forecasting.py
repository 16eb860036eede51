"""Forecasting a data set with several networks and seeds, beside persistence and a linear autoregression."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.estimators.forecaster import HRSNNForecaster
from hetero_rsnn.estimators.gradient_forecaster import HRSNNGradientForecaster
from hetero_rsnn.estimators.gradient_training import check_training
from hetero_rsnn.gradient.settings import Epoch
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.jobs.progress import Progress
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.measures.scores import valid_prediction_time
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.shipped import CANONICAL
from hetero_rsnn.simulation.engine import Engine
from hetero_rsnn.tasks.recipes import Recipe, learning, recipe, task_networks
from hetero_rsnn.tasks.result import ForecastRow, TaskResult


def forecast(
    dataset: Dataset,
    networks: Sequence[Any] = CANONICAL,
    seeds: int | Iterable[int] = range(3),
    *,
    horizon: int | None = None,
    closed_loop: bool = False,
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
    """Forecast a data set with several networks, beside persistence and a linear autoregression on the same input.

    Parameters
    ----------
    dataset : Dataset
        With ``task="forecasting"``.
    networks, seeds, chosen, overrides, backend, precision, workers, executor, dask, progress
        See `classify`.
    horizon : int, optional
        Rows ahead; default: the recipe's.
    closed_loop : bool
        Also let each network run freely from every test series; needs the Lyapunov exponent of the data set.
    train : {"stdp", "gradient"}
        What the networks learn by before they are frozen: STDP, without targets, or the gradient of the error.
    training : mapping, optional
        Parameters of `HRSNNGradientForecaster` that are about its training, such as ``{"target_rate": 5.0}``, for the
        second.
    on_epoch : callable, optional
        See `classify`.

    Returns
    -------
    TaskResult
        Its rows are `ForecastRow`.

    Raises
    ------
    HeteroError
        If the data set is none for forecasting or has no Lyapunov exponent, or a setting breaks its rule.
    """
    if dataset.task != "forecasting":
        raise HeteroError(f"{dataset.name} is for {dataset.task}: use classify")
    given = recipe(dataset) if chosen is None else chosen
    if closed_loop and (given.closed_loop is None or not dataset.details.get("lyapunov")):
        raise HeteroError(f"{dataset.name} has no closed loop to measure: it takes a chaotic series such as lorenz63")
    by_gradient = check_training(train, training, ("segment",))
    engine = Engine(backend, precision)
    nets, numbers = task_networks(networks, given, overrides or {}), checks.different_seeds("seeds", seeds)
    options = {
        "encoder": given.encoder, "hold": given.hold, "horizon": given.horizon if horizon is None else horizon,
        "backend": backend, "precision": precision, **given.options,
    }  # fmt: skip
    inputs, targets = ([dataset.channels.index(c) for c in dataset.details[k]] for k in ("inputs", "targets"))
    own = None if inputs == targets else targets
    jobs = [(net, seed) for seed in numbers for net in nets]
    if by_gradient is not None:
        options |= by_gradient
    tell = on_epoch if engine.threads and executor is None and dask is None else None
    job = partial(_forecast_job, dataset, given, options, inputs, own, closed_loop, train, tell)
    rows = run_jobs(job, jobs, workers=workers, executor=executor, dask=dask, progress=progress, threads=engine.threads)
    if by_gradient is not None:
        given = replace(given, options={**given.options, "train": train, **by_gradient})
    return TaskResult(dataset, tuple(nets), tuple(rows), given)


def _forecast_job(
    dataset: Dataset, given: Recipe, options: dict[str, Any], inputs: list[int], targets: list[int] | None,
    closed_loop: bool, train: str, tell: Callable[[str, int, Epoch], object] | None, job: tuple[Network, int],
) -> ForecastRow:  # fmt: skip
    network, seed = job
    X = [x[:, inputs] for x in dataset.X]
    Y = None if targets is None else [x[:, targets] for x in dataset.X]

    def part(index: Ints) -> tuple[list[Array], list[Array] | None]:
        return take(X, index), None if Y is None else take(Y, index)

    options = learning(network, options)

    def fitted(**more: Any) -> HRSNNForecaster:
        given = {**options, **more}
        if train == "stdp":
            return HRSNNForecaster(network, seed=seed, **given).fit(*part(dataset.train))
        model = HRSNNGradientForecaster(network, seed=seed, **given)
        if tell is not None:
            model.on_epoch = partial(tell, network.name, seed)
        return model.fit(*part(dataset.train))

    model = fitted()
    row = ForecastRow(network.name, seed, model.report(*part(dataset.test)), difference=model.difference_)
    first, aims = part(dataset.test[:1])
    ahead, forecasts = (first if aims is None else aims)[0], model.predict(first)[0]
    shown = slice(model.first_row(), model.first_row() + 200)
    trace = {"target": ahead[shown.start + model.horizon :][:200, 0], "forecast": forecasts[shown, 0]}
    trace["forecast"] = trace["forecast"][: len(trace["target"])]
    trace["row"] = shown.start + model.horizon + np.arange(len(trace["target"]), dtype=np.float64)
    groups = {}
    if dataset.groups is not None:
        of_test = dataset.groups[dataset.test]
        groups = {str(g): model.report(*part(dataset.test[of_test == g])) for g in np.unique(of_test)}
    times: tuple[float, ...] = ()
    if closed_loop:
        loop = fitted(**(given.closed_loop or {}))
        times = tuple(_free(loop, dataset, X[int(k)]) for k in dataset.test)
    return replace(row, groups=groups, closed_loop=times, trace=trace)


def _free(model: HRSNNForecaster, dataset: Dataset, series: Array) -> float:
    """Valid prediction time of one free run, from a fifth of the series on."""
    start = max(len(series) // 5, model.washout + 1)
    target = series[start:]
    step, exponent = dataset.details["step"], dataset.details["lyapunov"]
    steps = min(len(target), math.ceil(10.0 / (step * exponent)))
    run = model.free_run(series[:start], steps)
    return valid_prediction_time(target[:steps], run, step=step, lyapunov=exponent)
