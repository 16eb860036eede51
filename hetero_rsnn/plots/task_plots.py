"""Figures of tasks. Like those of `plots`: every function draws into `ax` (a new figure if None) and returns it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hetero_rsnn.measures.cutoff_curve import CutoffCurve
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.network.shipped import kind_and_point, label
from hetero_rsnn.plots.looks import legend, style
from hetero_rsnn.tasks.result import TaskResult

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
    legend(ax, loc="lower right")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_confusion(matrix: ArrayLike, classes: Sequence[Any], ax: Axes | None = None) -> Axes:
    """Confusion matrix: rows are the true classes, shares of a row in grey, counts as numbers."""
    if ax is None:
        ax = Figure(figsize=(4.6, 4.2), layout="constrained").subplots()
    counts = np.asarray(matrix)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, cmap="Greys", vmin=0, vmax=1)
    size = "small" if len(counts) <= 10 else "xx-small"
    for i, j in np.argwhere(counts > 0):
        ax.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=size,
                color="white" if share[i, j] > 0.5 else "#D55E00" if i != j else "black")  # fmt: skip
    names = [str(c) for c in classes]
    turned = max(map(len, names)) > 2
    ax.set_xticks(
        range(len(names)), names, fontsize=size, rotation=60 if turned else 0, ha="right" if turned else "center"
    )
    ax.set_yticks(range(len(names)), names, fontsize=size)
    ax.set(xlabel="decided", ylabel="true class")
    return ax


def plot_accuracy_over_spikes(result: TaskResult, ax: Axes | None = None) -> Axes:
    """Test accuracy over spikes of a neuron per inference: every seed small, means large; dashes: the linear model."""
    if ax is None:
        ax = Figure(figsize=(4.8, 3.6), layout="constrained").subplots()
    _over_spikes(result, ax, "accuracy", "test accuracy")
    ax.axhline(estimate(r.linear for r in result.rows).mean, color=_FULL, ls="--", lw=1, label="linear, same input")
    _no_closer(ax)
    ax.legend(frameon=False, fontsize="small")
    return ax


def plot_error_over_spikes(result: TaskResult, ax: Axes | None = None) -> Axes:
    """NRMSE over spikes of a neuron per forecast, beside the linear model."""
    if ax is None:
        ax = Figure(figsize=(4.8, 3.6), layout="constrained").subplots()
    _over_spikes(result, ax, "nrmse", "NRMSE on the test series")
    one = result.rows[0].report
    kept = estimate(r.report.persistence for r in result.rows).mean
    if np.isfinite(kept):
        ax.axhline(kept, color=_BOUND, ls=":", lw=1.2, label="persistence")
    ax.axhline(
        estimate(r.report.linear for r in result.rows).mean,
        color=_FULL,
        ls="--",
        lw=1,
        label=f"linear, {one.lags} lags",
    )
    _no_closer(ax)
    ax.legend(frameon=False, fontsize="small")
    return ax


def _no_closer(ax: Axes, share: float = 0.05) -> None:
    """Keep differences of less than a twentieth from filling the picture."""
    low, high = ax.get_ylim()
    middle = (low + high) / 2
    half = max(high - low, share * abs(middle)) / 2
    ax.set_ylim(middle - half, middle + half)


def _over_spikes(result: TaskResult, ax: Axes, quantity: str, name: str) -> None:
    spare = 0
    for network in result.names:
        look = style(network, spare)
        spare += kind_and_point(network) is None
        rows = [r.report for r in result.of(network)]
        x, y = [r.nu for r in rows], [getattr(r, quantity) for r in rows]
        ax.plot(x, y, look["marker"], color=look["color"], ms=3, alpha=0.4, mew=0)
        ax.plot(
            np.mean(x), np.mean(y), look["marker"], color=look["color"], ms=8, mew=1.6, label=label(network),
            mfc="none" if network in ("honhes", "henhes") else look["color"],
        )  # fmt: skip
    ax.set(xlabel="spikes per neuron and inference, ν", ylabel=name)
    ax.spines[["top", "right"]].set_visible(False)


def plot_few_labels(result: TaskResult, ax: Axes | None = None) -> Axes:
    """Accuracy over the number of labels a class: networks learn from all samples, readouts from the labelled ones."""
    if ax is None:
        ax = Figure(figsize=(4.8, 3.6), layout="constrained").subplots()
    spare = 0
    for network in result.names:
        look = style(network, spare)
        spare += kind_and_point(network) is None
        rows = result.of(network)
        counts = list(rows[0].few)
        means = [estimate(r.few[k][0] for r in rows).mean for k in counts]
        ax.plot(counts, means, look["marker"], ls=look["linestyle"], color=look["color"], ms=4, lw=1.3,
                label=label(network))  # fmt: skip
    counts = list(result.rows[0].few)
    linear = [estimate(r.few[k][1] for r in result.rows).mean for k in counts]
    ax.plot(counts, linear, "x--", color=_FULL, ms=5, lw=1, label="linear, same input")
    ax.set_xscale("log")
    ax.set_xticks(counts, [str(k) for k in counts])
    ax.minorticks_off()
    ax.set(xlabel="labels per class", ylabel="test accuracy")
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_trace(result: TaskResult, ax: Axes | None = None) -> Axes:
    """A piece of the first test series, with the forecasts of the first and the last network."""
    if ax is None:
        ax = Figure(figsize=(7.0, 2.8), layout="constrained").subplots()
    first = result.rows[0]
    ax.plot(first.trace["row"], first.trace["target"], color=_FULL, lw=2.2, alpha=0.55, label="true")
    for name in dict.fromkeys([result.names[0], result.names[-1]]):
        look = style(name, 0)
        below = name == result.names[-1]  # dashes above a line leave both to be seen where they agree
        ax.plot(
            first.trace["row"], result.of(name)[0].trace["forecast"], color=look["color"], lw=1.1, label=label(name),
            ls="-" if below else (0, (4, 3)), zorder=2 if below else 3,
        )  # fmt: skip
    names = result.dataset.details["targets"]
    ax.set(xlabel="row of the first test series", ylabel=f"{names[0]}, forecast\n{first.report.horizon} samples ahead")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.15 * (high - low))  # room for the legend
    ax.legend(frameon=False, fontsize="small", ncols=3, loc="upper right")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_free_runs(result: TaskResult, ax: Axes | None = None) -> Axes:
    """Valid prediction times of free runs: every run small, means large."""
    if ax is None:
        ax = Figure(figsize=(4.8, 3.6), layout="constrained").subplots()
    for k, name in enumerate(result.names):
        look = style(name, 0)
        times = np.concatenate([r.closed_loop for r in result.of(name)])
        spread = np.linspace(-0.22, 0.22, len(times)) if len(times) > 1 else [0.0]
        ax.plot(k + np.asarray(spread), times, look["marker"], color=look["color"], ms=3, alpha=0.4, mew=0)
        ax.plot([k - 0.3, k + 0.3], [times.mean()] * 2, color=look["color"], lw=2)
    ax.set_xticks(range(len(result.names)), [label(n) for n in result.names])
    ax.set_ylim(bottom=0)
    ax.set(ylabel="valid prediction time\n(Lyapunov times)", xlabel="bars: means")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def figure_task(result: TaskResult) -> Figure:
    """The figure of ``hetero-rsnn classify`` and ``hetero-rsnn forecast``."""
    best = result.names[-1]
    if result.dataset.task == "classification":
        report = result.of(best)[0].report
        classes = [result.dataset.classes[c] for c in report.classes]
        panels: list[Any] = [
            (f"{label(best)}, first seed", lambda ax: plot_confusion(report.confusion, classes, ax)),
            ("", lambda ax: plot_accuracy_over_spikes(result, ax)),
        ]
        if len(result.rows[0].few) > 1:
            panels.append(("", lambda ax: plot_few_labels(result, ax)))
        early = result.of(best)[0].early
        if early is not None:
            panels.append((f"{label(best)}, first seed", lambda ax: plot_cutoff(early, ax)))
    else:
        panels = [("", lambda ax: plot_trace(result, ax)), ("", lambda ax: plot_error_over_spikes(result, ax))]
        if result.rows[0].closed_loop:
            panels.append(("", lambda ax: plot_free_runs(result, ax)))
    rows = (len(panels) + 1) // 2
    wide = len(panels) % 2 == 1
    figure = Figure(figsize=(10.5, 4.0 * rows))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    grid = figure.add_gridspec(rows, 2)
    # An odd panel has a row of its own: the trace, which wants to be wide, or the confusion.
    places = ([grid[0, :]] if wide else []) + [grid[r, c] for r in range(int(wide), rows) for c in range(2)]
    for letter, place, (title, draw) in zip("ABCD", places, panels, strict=False):
        ax = draw(figure.add_subplot(place))
        ax.set_title(letter, loc="left", fontweight="bold", fontsize="large")
        if title:
            ax.set_title(title, fontsize="medium")
    return figure
