"""What an advice found: accuracy of every way over what the budget is of."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from hetero_rsnn.tasks.advice_choice import AXES
from hetero_rsnn.tasks.advice_result import Advice


def figure_advice(result: Advice) -> Any:
    """Accuracy on the validation samples over cost, with 95 % intervals; the line is the front, the star the winner."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    ax = figure.subplots()
    for k, score in enumerate(result.scores):
        low, high = max(score.accuracy - score.low, 0.0), max(score.high - score.accuracy, 0.0)
        ax.errorbar(
            getattr(score, result.axis), score.accuracy, [[low], [high]], fmt="o" if score.spiking else "s",
            color=f"C{k}", capsize=2, label=score.name,
        )  # fmt: skip
    kept = result.front
    ax.plot([getattr(s, result.axis) for s in kept], [s.accuracy for s in kept], color="0.5", lw=1, zorder=0)
    if result.budget is not None:
        ax.axvline(result.budget, color="0.5", ls=":", lw=1.2, label="budget")
    if result.winner is not None:
        (won,) = (s for s in result.scores if s.name == result.winner.name)
        ax.plot(getattr(won, result.axis), won.accuracy, "*", ms=17, mfc="none", mec="black", ls="none", label="winner")
    if result.axis in ("kb", "energy"):
        ax.set_xscale("log")
    ax.set_xlabel({"kb": "weights (kB)", "ms": "time to the decision (ms)", "energy": "energy (nJ)"}.get(
        result.axis, f"{AXES[result.axis]} per inference"))  # fmt: skip
    ax.set_ylabel("accuracy on validation samples")
    figure.legend(frameon=False, fontsize="small", loc="outside right upper")
    return figure
