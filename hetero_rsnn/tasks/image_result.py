"""What feed-forward networks achieved on images: one row a seed, and the whole with its provenance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.types import Array
from hetero_rsnn.common.versions import versions
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.gradient.packed.network import PackedNetwork
from hetero_rsnn.measures.cutoff_table import CutoffTable
from hetero_rsnn.measures.estimates import Estimate, estimate
from hetero_rsnn.measures.reports import ClassificationReport


@dataclass(frozen=True)
class ImageRow:
    """What the network of one seed achieved.

    Attributes
    ----------
    seed : int
    report : ClassificationReport
        On the test images, after all steps. It has no rate: a step has no duration.
    linear : float
        Test accuracy of a ridge readout on the pixels, fitted on the same images; of events, on their counts over all
        steps.
    by_step : tuple of float
        Test accuracy of decisions at each step.
    operations : float
        Synaptic operations per image: additions that spikes cause.
    multiply_accumulates : float
        The same of an analog input, whose products are no additions.
    epochs : int
        Of the training, until it ended.
    seconds : float
        Of the training.
    early : CutoffTable or None
        All ways to stop early.
    operations_saved : dict of str to float
        Rule of that table -> share of the synaptic operations that came after the decisions.
    packed : PackedNetwork or None
        The network as bits, if its weights have 1 bit and it has neither TEBN nor rate coding.
    """

    seed: int
    report: ClassificationReport
    linear: float
    by_step: tuple[float, ...]
    operations: float
    multiply_accumulates: float
    epochs: int
    seconds: float
    early: CutoffTable | None = None
    operations_saved: dict[str, float] = field(default_factory=dict)
    packed: PackedNetwork | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        test = self.report.to_dict()
        del test["rate_hz"], test["operations"]  # there is no time in it, and operations stand beside it
        early = None if self.early is None else self.early.to_dict()
        for row in [] if early is None else early["rows"]:
            row["operations_saved"] = self.operations_saved[row["rule"]]
        return {
            "seed": self.seed, "test": test, "linear": self.linear, "by_step": list(self.by_step),
            "operations": self.operations, "multiply_accumulates": self.multiply_accumulates, "epochs": self.epochs,
            "seconds": self.seconds, "early": early,
        }  # fmt: skip


@dataclass(frozen=True)
class ImageTaskResult:
    """Rows of all seeds on one data set of images.

    Attributes
    ----------
    dataset : Dataset
    model, method : str
    steps : int
    training : dict
        What was said of the networks and their training; the rest is as `SpikingImageClassifier` has it.
    rows : tuple of ImageRow
        Seed after seed.
    n_train, n_temperature, n_calibration, n_test : int
        Images that networks and linear models were trained on, that the temperature and the rules of early decisions
        were fitted on, and that were tested.
    """

    dataset: Dataset
    model: str
    method: str
    steps: int
    training: dict[str, Any]
    rows: tuple[ImageRow, ...]
    n_train: int
    n_temperature: int
    n_calibration: int
    n_test: int

    def estimate(self, quantity: str) -> Estimate:
        """Mean and 95 % interval over seeds of a quantity of the rows or reports: ``"operations"``, ``"accuracy"``."""
        return estimate(getattr(row.report if hasattr(row.report, quantity) else row, quantity) for row in self.rows)

    def early(self, rule: str, quantity: str) -> Estimate:
        """The same of a rule of early decisions: ``"accuracy"``, ``"time"``, ``"operations_saved"`` and so on."""
        return estimate(_early(row, rule, quantity) for row in self.rows)

    @property
    def by_step(self) -> Array:
        """Test accuracy of decisions at each step, shape (seeds, steps)."""
        import numpy as np

        return np.array([row.by_step for row in self.rows])

    def plot(self) -> Any:
        """Draw confusions, and accuracy over steps; see `hetero_rsnn.plots.figure_images`."""
        return figure_of("ImageTaskResult")(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with provenance."""
        d = self.dataset
        return {
            "format": "hetero_rsnn image task", "version": 1, "versions": versions(),
            "dataset": {
                "name": d.name, "task": d.task, "train": self.n_train, "temperature": self.n_temperature,
                "calibration": self.n_calibration, "test": self.n_test, "source": d.source, "licence": d.licence,
                "notes": d.notes, "sha256": d.sha256,
            },
            "network": {
                "model": self.model, "method": self.method, "steps": self.steps,
                "training": {k: _plain(v) for k, v in self.training.items()},
            },
            "rows": [row.to_dict() for row in self.rows],
        }  # fmt: skip


def _early(row: ImageRow, rule: str, quantity: str) -> float:
    if row.early is None:
        return math.nan
    found = row.operations_saved[rule] if quantity == "operations_saved" else getattr(row.early[rule], quantity)
    return math.nan if found is None else float(found)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, int | float | str | bool) else repr(value)
