"""What an advice found: every way on the validation samples, the winner and its reference on held-out ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hetero_rsnn.common.extras import need
from hetero_rsnn.common.figures import figure_of
from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.versions import versions
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.tasks.advice_choice import AXES, WayScore, closest, competing, front
from hetero_rsnn.tasks.advice_verdict import Verdict
from hetero_rsnn.tasks.advice_ways import HARDWARE_USED, SOURCE


@dataclass(frozen=True, eq=False)
class Advice:
    """Ways to classify a data set, and the one to take; what `advise` returns.

    Attributes
    ----------
    dataset : Dataset
    axis : {"spikes", "kb", "ms", "energy"}
        What the budget is of.
    budget : float or None
    scores : tuple of WayScore
        On the validation samples: a part of the training part that no way learned from there.
    skipped : dict of str to str
        Way -> why it was not measured.
    winner : WayScore or None
        The chosen way on the held-out part, fitted on the whole training part; None if no way meets the budget.
    reference : WayScore or None
        The best ordinary model, likewise.
    verdict : Verdict or None
        If it was asked for.
    model : object
        The fitted winner: an estimator, or for ``"MLP"`` a pair of encoder and pipeline.
    seed : int
    max_loss : float or None
        As it was asked.
    """

    dataset: Dataset
    axis: str
    budget: float | None
    scores: tuple[WayScore, ...]
    skipped: dict[str, str]
    winner: WayScore | None
    reference: WayScore | None
    verdict: Verdict | None
    model: Any
    seed: int
    max_loss: float | None = None

    @property
    def competing(self) -> tuple[WayScore, ...]:
        """Ways that may win: of a budget of spikes, or with a verdict, those that spike."""
        return competing(self.scores, self.axis, self.max_loss)

    @property
    def front(self) -> list[WayScore]:
        """Competing ways that no other beats in accuracy and cost on the validation samples, the cheapest first."""
        return front(self.competing, self.axis)

    def table(self) -> list[dict[str, Any]]:
        """A row for every way that was measured, on the validation samples."""
        on_front = {s.name for s in self.front}
        return [{**s.to_dict(), "front": s.name in on_front} for s in self.scores]

    def to_pandas(self) -> Any:
        """`table` as a pandas DataFrame.

        Raises
        ------
        HeteroError
            If pandas is not installed.
        """
        return need("pandas", "pandas", "to_pandas").DataFrame(self.table())

    def plot(self) -> Any:
        """Draw accuracy over what the budget is of; see `hetero_rsnn.plots.figure_advice`."""
        return figure_of("Advice")(self)

    def tables(self) -> list[TextTable]:
        """All ways on the validation samples, and what was measured on the held-out part."""
        on_front = {s.name for s in self.front}
        head = ("way", "accuracy", "spikes", "syn. ops", "nJ", "kB", "ms")
        n = self.scores[0].n if self.scores else 0
        rows = [(s.name + (" *" if s.name in on_front else ""), *_cells(s)) for s in self.scores]
        out = [
            TextTable(
                f"validation, {n} samples, * front over {AXES[self.axis]}; spikes of a neuron",
                head,
                rows,
            )
        ]
        if self.winner is not None:
            found = [(s.name, *_cells(s)) for s in (self.winner, self.reference) if s is not None]
            if self.reference is not None and self.reference.name == self.winner.name:
                found = found[:1]
            out.append(TextTable(f"held out, {self.winner.n} samples, fitted on the training part", head, found))
        return out

    def sentences(self) -> list[str]:
        """What follows from the numbers, a sentence each."""
        reasons = dict.fromkeys(self.skipped.values())
        out = [f"not measured: {'; '.join(k for k, v in self.skipped.items() if v == why)} ({why})" for why in reasons]
        if self.winner is None:
            out.append(self.none_meets)
        else:
            out.append(f"winner: {self.winner.name}, chosen on the validation samples alone")
            found = getattr(self.winner, self.axis)
            if self.budget is not None and found > self.budget:
                # Fitted on more samples, it may read more windows, or spike more.
                out.append(f"fitted on the whole training part it takes {found:.4g} {AXES[self.axis]}: over the budget")
        if self.verdict is not None and self.reference is not None:
            out.append(f"against {self.reference.name}: {self.verdict}")
            if self.verdict.resolution:
                out.append(self.verdict.resolution)
        out.append(f"energy: counted operations times constants ({HARDWARE_USED}), not measured")
        return out

    @property
    def none_meets(self) -> str:
        """Which way came closest to a budget that none meets."""
        if not self.competing:
            return "no way that may win was measured within the time limit"
        near = closest(self.competing, self.axis)
        unit = AXES[self.axis]
        return (
            f"no way meets the budget of {self.budget:g} {unit}: closest came {near.name} with "
            f"{getattr(near, self.axis):.4g} {unit}, accuracy {near.accuracy:.3f} on the validation samples"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with provenance."""
        d = self.dataset
        return {
            "format": "hetero_rsnn advice", "version": 1, "versions": versions(),
            "dataset": {"name": d.name, "train": len(d.train), "test": len(d.test), "source": d.source},
            "axis": self.axis, "budget": self.budget, "seed": self.seed,
            "energy": {"unit": "nJ", "hardware": HARDWARE_USED, "source": SOURCE},
            "validation": self.table(), "skipped": dict(self.skipped),
            **{k: None if v is None else v.to_dict() for k, v in (
                ("winner", self.winner), ("reference", self.reference), ("verdict", self.verdict))},
        }  # fmt: skip

    def __str__(self) -> str:
        return "\n\n".join([*map(str, self.tables()), "\n".join(self.sentences())])

    def _repr_html_(self) -> str:
        from html import escape

        said = "".join(f"<p>{escape(line)}</p>" for line in self.sentences())
        return "".join(t.html() for t in self.tables()) + said


def _cells(s: WayScore) -> tuple[str, ...]:
    accuracy = f"{s.accuracy:.3f} [{s.low:.2f}, {s.high:.2f}]"
    return (accuracy, f"{s.spikes:.3g}", f"{s.operations:.3g}", f"{s.energy:.3g}", f"{s.kb:.3g}", f"{s.ms:.3g}")
