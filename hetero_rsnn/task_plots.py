"""Figures of tasks. Like those of `plots`: every function draws into `ax` (a new figure if None) and returns it."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hetero_rsnn.cutoff_curve import CutoffCurve

_CUTOFF, _FIXED, _BOUND, _FULL = "#D55E00", "#0072B2", "#009E73", "#555555"


def plot_cutoff(curve: CutoffCurve, ax: Axes | None = None) -> Axes:
    """Accuracy over mean decision time, as a share of the full length, with 95 % intervals.

    The cutoff at each epsilon (the chosen one ringed) beside the readout at fixed times: above that line, stopping
    when sure beats stopping at a set time. The diamond is the optimal cutoff time, the dashes the full length.
    """
    if ax is None:
        ax = Figure(figsize=(5.6, 3.8), layout="constrained").subplots()
    whole = curve.full.time
    x = [p.time / whole for p in curve.fixed]
    ax.fill_between(x, [p.low for p in curve.fixed], [p.high for p in curve.fixed], color=_FIXED, alpha=0.13, lw=0)
    ax.plot(x, [p.accuracy for p in curve.fixed], color=_FIXED, lw=1.6, label="fixed time")
    ax.axhline(curve.full.accuracy, color=_FULL, ls="--", lw=1, zorder=1, label="full length")
    ax.plot(
        curve.bound.time / whole, curve.bound.accuracy, "D", color=_BOUND, ms=7, zorder=4, label="optimal cutoff time"
    )
    ax.errorbar(
        [p.time / whole for p in curve.points],
        [p.accuracy for p in curve.points],
        yerr=[[p.accuracy - p.low for p in curve.points], [p.high - p.accuracy for p in curve.points]],
        color=_CUTOFF,
        marker="o",
        ms=5,
        lw=1.2,
        elinewidth=0.8,
        zorder=3,
        label="cutoff",
    )
    if curve.chosen.epsilon is not None:
        ax.plot(
            curve.chosen.time / whole, curve.chosen.accuracy, "o", ms=11, mfc="none", mec=_CUTOFF, mew=1.4, zorder=5,
            label=f"chosen on calibration (ε = {curve.chosen.epsilon:g})",
        )  # fmt: skip
    # One row above all intervals, where no line runs; points that stand closer than a label is wide share one.
    row = max(p.high for p in (*curve.points, curve.full)) + 0.02 * (1 - min(p.low for p in curve.fixed))
    text: dict[str, Any] = {"fontsize": "x-small", "color": _CUTOFF, "va": "bottom"}
    last = float("inf")
    for p in sorted(curve.points, key=lambda p: -p.time):
        here = p.time / whole
        if last - here >= 0.085:
            ax.text(here, row, f"{p.epsilon:g}", ha="center", **text)
            last = here
    ax.text(last - 0.045, row, "ε =", ha="right", **text)
    ax.set_xlim(0, 1.03)
    ax.set_xlabel("mean decision time (share of full length)")
    ax.set_ylabel("accuracy")
    ax.legend(frameon=False, fontsize="small", loc="lower right")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
