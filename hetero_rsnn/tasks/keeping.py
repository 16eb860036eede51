"""A fitted estimator of a task, to be kept: the network and seed of its first row, fitted as the task did."""

from __future__ import annotations

from typing import Any

import numpy as np

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.forecaster import HRSNNForecaster
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.tasks.recipes import learning
from hetero_rsnn.tasks.result import TaskResult


def fitted_model(
    result: TaskResult, *, backend: str = "fast", precision: str = "double"
) -> HRSNNClassifier | HRSNNForecaster:
    """The estimator behind the first row of a result, fitted on the training part; its labels are names.

    Raises
    ------
    HeteroError
        If the networks were trained by gradients, which no file of a model holds.
    """
    if result.recipe.options.get("train") == "gradient":
        raise HeteroError("a network that gradients trained is no model to keep here", fix="see save_network")
    d, r, row = result.dataset, result.recipe, result.rows[0]
    network = result.networks[0]
    how = {"encoder": r.encoder, "hold": r.hold, "backend": backend, "precision": precision, **r.options}
    how = learning(network, {k: v for k, v in how.items() if v is not None or k != "hold"})
    X: Any = take(d.X, d.train)
    if d.y is not None:
        labels = np.array(d.classes)[d.y[d.train]]
        return HRSNNClassifier(network, seed=row.seed, unlabelled=None, **how).fit(X, labels)
    inputs, targets = ([d.channels.index(c) for c in d.details[k]] for k in ("inputs", "targets"))
    Y = None if inputs == targets else [x[:, targets] for x in X]
    model = HRSNNForecaster(network, seed=row.seed, horizon=row.report.horizon, **how)
    return model.fit([x[:, inputs] for x in X], Y)


def about_data(d: Dataset) -> dict[str, Any]:
    """What a model must know of the data that it was fitted on, to be asked about others."""
    inputs = list(d.details["inputs"]) if d.task == "forecasting" else list(d.channels)
    return {
        "name": d.name,
        "task": d.task,
        "kind": d.kind,
        "channels": inputs,
        "targets": list(d.details["targets"]) if d.task == "forecasting" else None,
        "still": bool(d.details.get("still", False)),
        "sample": d.details.get("sample"),
        "rate_hz": d.details.get("rate_hz"),
    }
