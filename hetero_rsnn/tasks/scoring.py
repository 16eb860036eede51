"""How well a network does a task, cross-validated inside the training part: what a search for tasks measures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.estimators.classifier import HRSNNClassifier
from hetero_rsnn.estimators.forecaster import HRSNNForecaster
from hetero_rsnn.estimators.readout import class_folds
from hetero_rsnn.inputs.samples import take
from hetero_rsnn.network.definition import Network
from hetero_rsnn.simulation.engine import Engine
from hetero_rsnn.tasks.classification import classify
from hetero_rsnn.tasks.forecasting import forecast
from hetero_rsnn.tasks.recipes import Recipe, learning, recipe
from hetero_rsnn.tasks.result import TaskResult


@dataclass(frozen=True, eq=False)
class TaskScore:
    """Score of a network on a data set, for `search_function`: C is the accuracy or the skill, S the spikes.

    The training part alone is looked at: it is cut into folds, and the network with its readout learns from all but one
    and is asked about that. Samples of one group stay together; of few series each is cut in time. What a search finds
    is to be measured on the held-out part, which `held_out` does.

    Parameters
    ----------
    dataset : Dataset
    folds : int
        At least 2.
    horizon : int, optional
        Rows ahead, of a series; default: the recipe's.
    chosen : Recipe, optional
        How the data are encoded and read; default: that of the data set.
    backend, precision : str
        See `simulate`.

    Raises
    ------
    HeteroError
        If a setting breaks its rule, a class cannot be cut into folds, or what is forecast is not what goes in, so that
        there is no persistence to be better than.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> score = hr.TaskScore(hr.load_dataset("japanese_vowels"), folds=2)
    >>> found = score(hr.load_network("henhes", n=30, **score.overrides), seed=0)
    >>> sorted(found), found["C"] > 0.8
    (['C', 'S'], True)
    """

    dataset: Dataset
    folds: int = 3
    horizon: int | None = None
    chosen: Recipe | None = None
    backend: str = "fast"
    precision: str = "double"

    def __post_init__(self) -> None:
        checks.whole("folds", self.folds, least=2, most=100)
        Engine(self.backend, self.precision)
        d = self.dataset
        if d.task == "forecasting":
            if self.horizon is not None:
                checks.whole("horizon", self.horizon, least=1)
            if d.details["inputs"] != d.details["targets"]:
                raise HeteroError(
                    f"{d.name} has targets of its own, and no persistence that skill is measured against",
                    fix="choose a series that is foretold from its own past",
                )
            return
        if self.horizon is not None:
            raise HeteroError(f"horizon is for series to forecast, {d.name} is for classification", fix="leave it away")
        if self._class_folds() is None:
            raise HeteroError(
                f"{d.name} has a class with one training sample, and folds need two", fix="give more samples"
            )

    @cached_property
    def recipe(self) -> Recipe:
        """How the data are encoded and read."""
        return recipe(self.dataset) if self.chosen is None else self.chosen

    @property
    def quantity(self) -> str:
        """What C is: ``"accuracy"`` or ``"skill"``."""
        return "skill" if self.dataset.task == "forecasting" else "accuracy"

    @property
    def overrides(self) -> dict[str, Any]:
        """Changes of the base of a space: those of the recipe, and how long a row is held, which ties S to the rate."""
        hold = {} if self.recipe.hold is None else {"protocol.hold": self.recipe.hold}
        return {**self.recipe.overrides, **hold}

    @cached_property
    def label(self) -> dict[str, str]:
        """How a journal calls it: with the checksum of all samples, labels and of the split."""
        horizon = self.recipe.horizon if self.horizon is None else self.horizon
        ahead = {"horizon": str(horizon)} if self.quantity == "skill" else {}
        return {
            "quantity": self.quantity,
            "data": self.dataset.name,
            "sha256 of the data": checksum(self.dataset)[:16],
            "folds": str(self.folds),
            "recipe": str(self.recipe.describe()),
            **ahead,
            "backend": self.backend,
            "precision": self.precision,
        }

    def __call__(self, network: Network, seed: int) -> dict[str, float]:
        """C and S of a network of a seed: accuracy or skill, and spikes of a neuron and row."""
        options: dict[str, Any] = {
            "encoder": self.recipe.encoder, "backend": self.backend, "precision": self.precision, **self.recipe.options,
        }  # fmt: skip
        if self.recipe.hold is not None:
            options["hold"] = self.recipe.hold
        options = learning(network, options)
        if self.quantity == "accuracy":
            return self._accuracy(network, seed, options)
        return self._skill(network, seed, options)

    def _accuracy(self, network: Network, seed: int, options: dict[str, Any]) -> dict[str, float]:
        d = self.dataset
        assert d.y is not None
        folds = self._class_folds()
        assert folds is not None
        right, spikes, rows = 0, 0.0, 0
        for fold in np.unique(folds):
            kept, left = d.train[folds != fold], d.train[folds == fold]
            model = HRSNNClassifier(network, seed=seed, unlabelled=None, **options)
            model.fit(take(d.X, kept), d.y[kept])
            right += int((model.predict(take(d.X, left)) == d.y[left]).sum())
            spikes, rows = spikes + float(model.spikes_.sum()), rows + int(model.rows_.sum())
        return {"C": right / len(d.train), "S": spikes / rows}

    def _skill(self, network: Network, seed: int, options: dict[str, Any]) -> dict[str, float]:
        skills, spikes, rows = [], 0.0, 0
        for kept, left in self._series_folds():
            horizon = self.recipe.horizon if self.horizon is None else self.horizon
            model = HRSNNForecaster(network, seed=seed, horizon=horizon, **options).fit(kept)
            skills.append(model.report(left).skill)
            spikes, rows = spikes + float(model.spikes_.sum()), rows + int(model.rows_.sum())
        return {"C": float(np.mean(skills)), "S": spikes / rows}

    def _class_folds(self) -> Ints | None:
        d = self.dataset
        assert d.y is not None
        _, number = np.unique(d.y[d.train], return_inverse=True)
        return class_folds(number, None if d.groups is None else d.groups[d.train], self.folds)

    def _series_folds(self) -> Iterator[tuple[list[Array], list[Array]]]:
        """Series to learn from, and series to foretell: whole ones if there are enough, else pieces of each."""
        d = self.dataset
        inputs = [d.channels.index(c) for c in d.details["inputs"]]
        series = [np.asarray(d.X[k])[:, inputs] for k in d.train]
        if len(series) >= self.folds:
            pieces = [(k % self.folds, x) for k, x in enumerate(series)]
        else:
            pieces = [(k, part) for x in series for k, part in enumerate(np.array_split(x, self.folds))]
        for fold in range(self.folds):
            yield [x for k, x in pieces if k != fold], [x for k, x in pieces if k == fold]

    def held_out(self, networks: Sequence[Network], seeds: Sequence[int], **options: Any) -> TaskResult:
        """The networks fitted on the whole training part and measured on the held-out one; see `classify`."""
        plain = replace(self.recipe, overrides={})  # the networks are made already
        how: dict[str, Any] = {"chosen": plain, "backend": self.backend, "precision": self.precision, **options}
        if self.quantity == "accuracy":
            return classify(self.dataset, networks, seeds, few_labels=(), minirocket=False, **how)
        return forecast(self.dataset, networks, seeds, horizon=self.horizon, **how)


def checksum(dataset: Dataset) -> str:
    """SHA-256 of all samples and labels, and of the split; of samples that are made when asked for, of lengths."""
    found = hashlib.sha256()
    if isinstance(dataset.X, list | tuple):
        for x in dataset.X:
            found.update(f"{np.shape(x)}".encode() + np.ascontiguousarray(x, dtype=np.float64).tobytes())
    for part in (dataset.lengths, dataset.y, dataset.train, dataset.test):
        found.update(b"\0" if part is None else np.ascontiguousarray(part, dtype=np.int64).tobytes())
    groups = () if dataset.groups is None else dataset.groups.tolist()
    found.update("\0".join([dataset.name, *dataset.classes, *dataset.channels, *map(str, groups)]).encode())
    return found.hexdigest()
