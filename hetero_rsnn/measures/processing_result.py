"""What a measurement of processing capacity gives: every target, and sums with errors over any of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import special

from hetero_rsnn.common.extras import need
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.types import Array, Bools
from hetero_rsnn.measures.legendre_targets import Term

#: Rows of the table of single targets.
_TOP = 5
#: Degrees by their names; further ones have a number.
_NAMES = {1: "linear", 2: "quadratic", 3: "cubic"}


@dataclass(frozen=True)
class CapacitySum:
    """The capacity of some targets together.

    Attributes
    ----------
    total, stderr : float
        `stderr` holds what the errors of these targets have in common.
    targets : int
        How many they are.
    """

    total: float
    stderr: float
    targets: int

    def __str__(self) -> str:
        return f"{self.total:.2f} ± {self.stderr:.2f} s.e."


@dataclass(frozen=True, eq=False, repr=False)
class ProcessingCapacity:
    """Information processing capacity; what `processing_capacity` returns.

    Attributes
    ----------
    terms : tuple of Term
        The target functions. Each has `name`, `factors`, `degree`, `delay` (the largest one) and `cross`.
    capacity, capacity_stderr : ndarray (targets,)
        Of each target, and its standard error. Unbiased at 0, so that they may come out slightly negative.
    bound : int
        Independent states: more than that all targets there are cannot have together.
    n_samples, n_features, n_blocks : int
        Rows used (after washout), states that are not constant, and blocks that the errors come from.
    estimator : str
        "heldout" or "population", see `processing_capacity`.
    """

    terms: tuple[Term, ...]
    capacity: Array
    capacity_stderr: Array
    bound: int
    n_samples: int
    n_features: int
    n_blocks: int
    estimator: str
    _influence: Array = field(repr=False)  # (blocks, targets): how each block moves each estimate

    def _sum(self, chosen: Bools) -> CapacitySum:
        moved = self._influence[:, chosen].sum(axis=1)
        return CapacitySum(
            float(self.capacity[chosen].sum()),
            math.sqrt(len(moved) * float(moved.var(ddof=1))),
            int(chosen.sum()),
        )

    def of(self, *, degree: int | None = None, cross: bool | None = None, delay: int | None = None) -> CapacitySum:
        """Capacity of some of the targets.

        Parameters
        ----------
        degree : int, optional
            Of this degree only.
        cross : bool, optional
            True: products over several delays; False: functions of one input.
        delay : int, optional
            With this largest delay only.
        """
        chosen = np.ones(len(self.terms), dtype=bool)
        for name, wanted in (("degree", degree), ("cross", cross), ("delay", delay)):
            if wanted is not None:
                chosen &= np.array([getattr(t, name) == wanted for t in self.terms], dtype=bool)
        return self._sum(chosen)

    @property
    def total(self) -> float:
        """Sum over all targets; at most `bound`, but for its error."""
        return float(self.capacity.sum())

    @property
    def stderr(self) -> float:
        """Standard error of `total`."""
        return self.of().stderr

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of `total`, from Student's t with n_blocks - 1 degrees of freedom."""
        half = float(special.stdtrit(self.n_blocks - 1, 0.975)) * self.stderr
        return self.total - half, self.total + half

    @property
    def by_degree(self) -> dict[int, CapacitySum]:
        """The sum over the targets of each degree: 1 is linear memory."""
        return {d: self.of(degree=d) for d in sorted({t.degree for t in self.terms})}

    @property
    def single(self) -> CapacitySum:
        """The sum over functions of one input."""
        return self.of(cross=False)

    @property
    def cross(self) -> CapacitySum:
        """The sum over products of inputs of several delays."""
        return self.of(cross=True)

    def table(self) -> list[dict[str, Any]]:
        """A row a target: name, degree, largest delay, whether it is a cross term, capacity and standard error."""
        return [
            {"name": t.name, "degree": t.degree, "delay": t.delay, "cross": t.cross,
             "capacity": float(c), "stderr": float(s)}
            for t, c, s in zip(self.terms, self.capacity, self.capacity_stderr, strict=True)
        ]  # fmt: skip

    def to_pandas(self) -> Any:
        """`table` as a pandas DataFrame.

        Raises
        ------
        HeteroError
            If pandas is not installed.
        """
        return need("pandas", "pandas", "to_pandas").DataFrame(self.table())

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the capacities as bars over the largest delay; see `hetero_rsnn.plots.plot_processing`."""
        return figure_of("ProcessingCapacity")(self, ax, **options)

    def _sums(self) -> TextTable:
        rows = []
        for degree, whole in self.by_degree.items():
            parts = [self.of(degree=degree, cross=cross) for cross in (False, True)]
            cells = [str(p) if p.targets else "–" for p in (*parts, whole)]
            rows.append((_NAMES.get(degree, f"degree {degree}"), *cells, str(whole.targets)))
        rows.append(("all", *map(str, (self.single, self.cross, self.of())), str(len(self.terms))))
        return TextTable(repr(self), ("degree", "one delay", "several delays", "together", "targets"), rows)

    def _largest(self) -> TextTable:
        order = np.argsort(-self.capacity)[:_TOP]
        rows = [(self.terms[i].name, f"{self.capacity[i]:.3f}", f"{self.capacity_stderr[i]:.3f}") for i in order]
        return TextTable("largest", ("target", "capacity", "s.e."), rows)

    def __str__(self) -> str:
        return f"{self._sums()}\n\n{self._largest()}"

    def _repr_html_(self) -> str:
        return self._sums().html() + self._largest().html()

    def __repr__(self) -> str:
        return (
            f"capacity {self.of()}, at most {self.bound} "
            f"({self.estimator}, {len(self.terms)} targets, {self.n_samples} samples, {self.n_blocks} blocks)"
        )
