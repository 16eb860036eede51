"""What networks achieved on a data set: one row a network and seed, and the whole with its provenance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.types import Array
from hetero_rsnn.common.versions import versions
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.measures.cutoff_curve import CutoffCurve
from hetero_rsnn.measures.estimates import Estimate, estimate
from hetero_rsnn.measures.reports import ClassificationReport, ForecastReport
from hetero_rsnn.network.definition import Network
from hetero_rsnn.tasks.recipes import Recipe


@dataclass(frozen=True)
class ClassifyRow:
    """What one network of one seed achieved.

    Attributes
    ----------
    network : str
    seed : int
    report : ClassificationReport
        On the test samples.
    linear : float
        Test accuracy of the same readout on the encoded input, averaged over windows.
    linear_mean : float
        The same on the mean input over the whole sample, without any notion of time.
    windows, linear_windows : int
        Number of windows over which states and input are averaged, each chosen inside the training part.
    minirocket : float or None
        Test accuracy of MiniRocket on the encoded input, if it was asked for.
    few : dict of int to tuple of float
        Labels a class -> test accuracy of (network, linear), mean over ten choices of labels. The windows are chosen by
        the first choice of as many labels.
    groups : dict of str to tuple of float
        Group left out of all training -> accuracy on it of (network, linear).
    early : CutoffCurve or None
    """

    network: str
    seed: int
    report: ClassificationReport
    linear: float
    linear_mean: float
    windows: int
    linear_windows: int
    minirocket: float | None = None
    few: dict[int, tuple[float, float]] = field(default_factory=dict)
    groups: dict[str, tuple[float, float]] = field(default_factory=dict)
    early: CutoffCurve | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "network": self.network, "seed": self.seed, "test": self.report.to_dict(), "linear": self.linear,
            "linear_mean": self.linear_mean, "windows": self.windows, "linear_windows": self.linear_windows,
            "minirocket": self.minirocket,
            "few_labels": {str(k): {"network": a, "linear": b} for k, (a, b) in self.few.items()},
            "left_out": {k: {"network": a, "linear": b} for k, (a, b) in self.groups.items()},
            "early": None if self.early is None else self.early.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class ForecastRow:
    """What one network of one seed achieved.

    Attributes
    ----------
    network : str
    seed : int
    report : ForecastReport
        On the test series.
    groups : dict of str to ForecastReport
        The same for each group of test series, if there are groups.
    closed_loop : tuple of float
        Valid prediction times of free runs, one a test series, in Lyapunov times.
    trace : dict of str to ndarray
        A piece of a test series, and its forecasts.
    difference : bool
        Whether changes were forecast; see `HRSNNForecaster`.
    """

    network: str
    seed: int
    report: ForecastReport
    groups: dict[str, ForecastReport] = field(default_factory=dict)
    closed_loop: tuple[float, ...] = ()
    trace: dict[str, Array] = field(default_factory=dict)
    difference: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; without the traces."""
        return {
            "network": self.network, "seed": self.seed, "test": self.report.to_dict(),
            "groups": {k: r.to_dict() for k, r in self.groups.items()}, "closed_loop": list(self.closed_loop),
            "difference": self.difference,
        }  # fmt: skip


@dataclass(frozen=True)
class TaskResult:
    """Rows of all networks and seeds on one data set.

    Attributes
    ----------
    dataset : Dataset
    networks : tuple of Network
        As they were used, before their input channels are set.
    rows : tuple of ClassifyRow or ForecastRow
        Seed after seed, network after network.
    recipe : Recipe
    """

    dataset: Dataset
    networks: tuple[Network, ...]
    rows: tuple[Any, ...]
    recipe: Recipe

    @property
    def names(self) -> list[str]:
        """Networks in the order asked for."""
        return [n.name for n in self.networks]

    def of(self, name: str) -> list[Any]:
        """Rows of one network, seed by seed."""
        return [row for row in self.rows if row.network == name]

    def estimate(self, name: str, quantity: str) -> Estimate:
        """Mean and 95 % interval over seeds of a quantity of the reports, e.g. ``"accuracy"``, ``"nu"``."""
        return estimate(getattr(row.report, quantity) for row in self.of(name))

    def difference(self, name: str, to: str, quantity: str) -> Estimate:
        """Paired difference between two networks, seed by seed."""
        pairs = zip(self.of(name), self.of(to), strict=True)
        return estimate(getattr(a.report, quantity) - getattr(b.report, quantity) for a, b in pairs)

    def plot(self) -> Any:
        """Draw the figure of the task; see `hetero_rsnn.plots.figure_task`."""
        return figure_of("TaskResult")(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with provenance."""
        d = self.dataset
        return {
            "format": "hetero_rsnn task", "version": 1, "versions": versions(),
            "dataset": {
                "name": d.name, "task": d.task, "train": len(d.train), "test": len(d.test), "source": d.source,
                "licence": d.licence, "notes": d.notes, "sha256": d.sha256,
            },
            "recipe": self.recipe.describe(),
            "networks": {
                n.name: {"fingerprint": n.fingerprint, "n": n.n, **({"note": n.note} if n.note else {})}
                for n in self.networks
            },
            "rows": [row.to_dict() for row in self.rows],
        }  # fmt: skip
