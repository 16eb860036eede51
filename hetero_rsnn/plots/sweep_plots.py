"""Figures of sweeps: C, S and E over a parameter, and E over C as a path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from hetero_rsnn.common.checks import one_of
from hetero_rsnn.experiments.sweep_result import Sweep, SweepCurve
from hetero_rsnn.measures.estimates import Estimate
from hetero_rsnn.network.shipped import kind_and_point, label
from hetero_rsnn.plots.looks import axes_for, panel_letter, style

#: What is drawn over the parameter, with its axis.
_AXES = {
    "C": "memory capacity C (samples)",
    "S": "spikes S (per neuron and sample)",
    "E": "spike efficiency E = C / S",
    "rate_hz": "mean rate (Hz)",
    "correlation": "correlation of states",
}
_GREY = "0.6"


def plot_sweep(sweep: Sweep, ax: Axes | None = None, *, quantity: str = "C") -> Axes:
    """A quantity over the swept parameter, mean over seeds with 95 % intervals.

    A value at which some seed has no E has no point; a cross on the axis marks it. A network that does not have the
    parameter is a horizontal line with the band of its interval.

    Parameters
    ----------
    sweep : Sweep
    ax : Axes, optional
    quantity : {"C", "S", "E", "rate_hz", "correlation"}
    """
    one_of("quantity", quantity, tuple(_AXES))
    ax = axes_for(ax)
    for curve, look in zip(sweep.curves, _looks(sweep), strict=True):
        points = curve.estimates(quantity)
        if curve.reference:
            _draw_reference(ax, points[0], look, _called(curve))
            continue
        mean = np.array([p.mean for p in points])
        ax.plot(curve.values, mean, **look, lw=1.6, ms=4.5, label=_called(curve))
        ax.fill_between(
            curve.values, [p.low for p in points], [p.high for p in points], color=look["color"], alpha=0.15, lw=0
        )
        without = [x for x, p in zip(curve.values, points, strict=True) if p.missing]
        if without:
            ax.plot(
                without, [0.02] * len(without), "x", color=look["color"], ms=6, transform=ax.get_xaxis_transform(),
                label=f"{_called(curve)}: some seed has no {quantity}",
            )  # fmt: skip
    ax.set(xlabel=_axis(sweep), ylabel=_AXES[quantity])
    return ax


def plot_sweep_path(sweep: Sweep, ax: Axes | None = None) -> Axes:
    """E over C as a path along the parameter, whose values stand at the points; grey lines join points of equal S.

    Since E = C / S, points of one S lie on a line through the origin.

    Parameters
    ----------
    sweep : Sweep
    ax : Axes, optional
    """
    ax = axes_for(ax)
    drawn: list[tuple[float, float, float, float]] = []
    for curve, look in zip(sweep.curves, _looks(sweep), strict=True):
        c, e = curve.estimates("C"), curve.estimates("E")
        there = [k for k, p in enumerate(e) if not p.missing]
        if not there:
            continue
        x, y = [c[k].mean for k in there], [e[k].mean for k in there]
        ax.errorbar(
            x, y, xerr=_sides([c[k] for k in there]), yerr=_sides([e[k] for k in there]), color=look["color"],
            ls="none" if curve.reference else look["linestyle"], marker=look["marker"], ms=5, lw=1.4, elinewidth=0.6,
            label=_called(curve),
        )  # fmt: skip
        for k, at_x, at_y in zip(there, x, y, strict=True):
            if not curve.reference:
                ax.annotate(
                    f"{curve.values[k]:.4g}", (at_x, at_y), xytext=(5, 4), textcoords="offset points",
                    fontsize="small", color=look["color"], path_effects=[withStroke(linewidth=2, foreground="white")],
                )  # fmt: skip
        drawn += [_box(c[k], e[k]) for k in there]
    ax.set(xlabel=_AXES["C"], ylabel=_AXES["E"])
    if drawn:
        _draw_equal_spikes(ax, drawn)
        ax.legend(frameon=False, fontsize="small")
    return ax


def figure_sweep(sweep: Sweep) -> Figure:
    """The figure of ``hetero-rsnn sweep``: C, S and E over the parameter, and E over C as a path."""
    figure = Figure(figsize=(9.6, 7.2))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    axes = figure.subplots(2, 2).ravel()
    for ax, quantity in zip(axes, ("C", "S", "E"), strict=False):
        plot_sweep(sweep, ax, quantity=quantity)
    plot_sweep_path(sweep, axes[3])
    handles, labels = axes[2].get_legend_handles_labels()
    axes[0].legend(handles, labels, frameon=False, fontsize="small")
    if (legend := axes[3].get_legend()) is not None:
        legend.remove()
    for ax, letter in zip(axes, "ABCD", strict=True):
        panel_letter(ax, letter)
        ax.spines[["top", "right"]].set_visible(False)
    seeds = f"{len(sweep.seeds)} seeds" if len(sweep.seeds) > 1 else "1 seed"
    figure.suptitle(f"mean and 95 % interval over {seeds}; numbers in D are {_axis(sweep)}", fontsize="small")
    return figure


def _looks(sweep: Sweep) -> list[dict[str, Any]]:
    """Colour, marker and dashes of the curves: those of the network, or spare ones where it has several curves."""
    names = [curve.network.name for curve in sweep.curves]
    looks, spare = [], 0
    for name in names:
        known = name if names.count(name) == 1 else ""
        looks.append(style(known, spare))
        spare += kind_and_point(known) is None
    return looks


def _called(curve: SweepCurve) -> str:
    return f"{label(curve.network.name)}{curve.name.removeprefix(curve.network.name)}"


def _axis(sweep: Sweep) -> str:
    return f"{sweep.parameter} ({sweep.unit})" if sweep.unit else sweep.parameter


def _draw_reference(ax: Axes, point: Estimate, look: dict[str, Any], name: str) -> None:
    if point.missing:
        ax.plot([], [], color=look["color"], ls=look["linestyle"], label=f"{name}: {point.without}")
        return
    ax.axhline(point.mean, color=look["color"], ls=look["linestyle"], lw=1.4, label=name)
    if not math.isnan(point.low):
        ax.axhspan(point.low, point.high, color=look["color"], alpha=0.12, lw=0)


def _sides(points: list[Estimate]) -> list[list[float]] | None:
    """Error bars; none of a single seed, which has no interval."""
    if any(math.isnan(p.low) for p in points):
        return None
    return [[p.mean - p.low for p in points], [p.high - p.mean for p in points]]


def _box(c: Estimate, e: Estimate) -> tuple[float, float, float, float]:
    """What a point with its error bars takes: least and greatest C, least and greatest E."""
    low, high = (c.mean, c.mean) if math.isnan(c.low) else (c.low, c.high)
    return (low, high, e.mean, e.mean) if math.isnan(e.low) else (low, high, e.low, e.high)


def _draw_equal_spikes(ax: Axes, boxes: list[tuple[float, float, float, float]]) -> None:
    """Lines of equal S through the origin, as many as are round numbers in what is seen."""
    left, right, low, high = (f(side) for f, side in zip((min, max, min, max), zip(*boxes, strict=True), strict=True))
    dx, dy = 0.12 * (right - left or abs(right) or 1.0), 0.12 * (high - low or abs(high) or 1.0)
    left, right, low, high = max(left - dx, 0.0), right + dx, max(low - dy, 0.0), high + dy
    ax.set(xlim=(left, right), ylim=(low, high))
    if not (right > 0 and high > 0):
        return
    for s in _round_spikes(left / high, right / low if low > 0 else math.inf, [b[1] / b[3] for b in boxes if b[3] > 0]):
        ax.plot([0.0, right], [0.0, right / s], color=_GREY, lw=0.7, ls="-", zorder=0)
        top = right / s <= high  # it leaves the picture on the right, else at the top
        x, y = (right, right / s) if top else (high * s, high)
        if left <= x <= right and low <= y <= high:
            ax.annotate(
                f"S = {s:g}", (x, y), xytext=(2, 0) if top else (0, 2), textcoords="offset points", color=_GREY,
                fontsize="x-small", ha="left" if top else "center", va="center" if top else "bottom",
                annotation_clip=False,
            )  # fmt: skip


def _round_spikes(low: float, high: float, near: list[float]) -> list[float]:
    """Round numbers of spikes between two bounds, at most 6, about those that were measured."""
    if not near:
        return []
    low, high = max(low, min(near) / 3), min(high, max(near) * 3)
    if not 0 < low < high:
        return []
    for digits in ((1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5, 7), (1, 2, 5), (1,)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [d * 10.0**p for p in powers for d in digits if low < d * 10.0**p < high]
        if len(found) <= 6:
            return found
    return found[:6]
