"""Figures of a search. Every function draws into `ax` (a new figure if None) and returns the Axes; never pyplot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.measures.estimates import Estimate
from hetero_rsnn.plots.looks import axes_for, legend, panel_letter
from hetero_rsnn.plots.search_panels import (
    GREY,
    plot_partial_dependences,
    plot_searched_distributions,
    say,
)
from hetero_rsnn.searching import view, wording
from hetero_rsnn.searching.objectives import Evaluation, border, convergence
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.space_parsing import Dimension

#: Okabe and Ito's palette, as in `plots`; the searched network looks like henhes, its control like honhos.
_LOOKS = (
    ("#D55E00", "D", "-"),
    ("#000000", "o", "--"),
    ("#0072B2", "s", "-."),
    ("#009E73", "^", ":"),
    ("#CC79A7", "v", (0, (5, 1, 1, 1, 1, 1))),
    ("#8C6D1F", "P", (0, (1, 3))),
)


def _look(index: int) -> tuple[str, str, Any]:
    return _LOOKS[index % len(_LOOKS)]


def _axis(result: SearchResult, quantity: str) -> str:
    name, unit = wording.axes(result.settings.measure)[quantity]
    return f"{name} ({unit})" if quantity == "C" else f"{name}\n({unit})"


def plot_front(
    result: SearchResult, others: Sequence[SearchResult] = (), ax: Axes | None = None, *, y: str = "E"
) -> Axes:
    """All trials of one or more searches over their memory capacity; over S with the Pareto fronts (C up, S down).

    Feasible trials are filled, infeasible ones hollow; failed ones have no place, the legend counts them. For `y` = "S"
    a line is the border of what a search has reached, above which every point is beaten in both C and S. The best
    network stands where its numbers to report put it, with 95 % intervals; a thin line leads there from the value that
    the search saw.

    Parameters
    ----------
    result : SearchResult
    others : sequence of SearchResult
        Drawn into the same picture, e.g. the homogeneous control.
    ax : Axes, optional
    y : {"E", "S"}
    """
    if y not in ("E", "S"):
        raise HeteroError(f"y must be 'E' or 'S', got {y!r}")
    ax = axes_for(ax, 5.6, 4.0)
    results = (result, *others)
    drawn = 0
    for i, (r, name) in enumerate(zip(results, view.labels(results), strict=True)):
        colour, marker, dashes = _look(i)
        for feasible in (False, True):
            part = [t for t in view.measured(r) if t.feasible == feasible and not math.isnan(getattr(t, y))]
            drawn += len(part)
            ax.plot(
                [t.C for t in part], [getattr(t, y) for t in part], marker, color=colour, ms=4 if feasible else 3,
                mfc=colour if feasible else "none", mew=0 if feasible else 0.8, alpha=0.9,
                label="_feasible" if feasible else "_infeasible", zorder=2,
            )  # fmt: skip
        if r.front and y == "S":  # over E the border of another plane would be a zigzag
            xs, ys = border([t.C for t in r.front], [t.S for t in r.front])
            ax.plot(xs, ys, color=colour, lw=1.3, linestyle=dashes, label="_front", zorder=3)
        _plot_best(ax, r, name, i, y)
    reference = view.reference(result)
    if reference is not None:
        _errorbar(ax, reference, y, fmt="*", color=GREY, ms=11, label=view.REFERENCE, zorder=4)
    c_min = result.objective.c_min
    if c_min > 0:
        ax.axvline(c_min, color=GREY, lw=0.9, linestyle=":", zorder=1)
        ax.annotate(
            "least C", (c_min, 1), xycoords=("data", "axes fraction"), xytext=(-3, -2), textcoords="offset points",
            va="top", ha="right", rotation=90, fontsize="small", color=GREY,
        )  # fmt: skip
    if not drawn:
        say(ax, "no trial has finished yet")
    ax.set(xlabel=_axis(result, "C"), ylabel=_axis(result, y))
    every = [t for r in results for t in view.measured(r)]
    ax.set_xlim(0, _end(ax.get_xlim()[1], [c_min, *(t.C for t in every)]))
    ax.set_ylim(0, _end(ax.get_ylim()[1], [getattr(t, y) for t in every]))
    legend(ax, loc="best")
    return ax


def _end(automatic: float, values: Sequence[float]) -> float:
    """The end of an axis: intervals of two seeds are so wide that they may run out of the picture."""
    known = [v for v in values if not math.isnan(v)]
    return min(automatic, 1.4 * max(known)) if known and max(known) > 0 else automatic


def _plot_best(ax: Axes, result: SearchResult, name: str, index: int, y: str) -> None:
    """The best network where its numbers to report put it; the legend says what they rest on, and what failed."""
    colour, marker, _ = _look(index)
    best = view.best(result)
    failed = sum(t.status == "failed" for t in result.trials)
    lost = f" ({failed} failed)" if failed else ""
    if best is None:
        ax.plot([], [], marker, color=colour, ms=5, mew=0, label=f"{name}: nothing feasible yet{lost}")
        return
    if best.fresh:
        seen, fresh = (best.trial, best.evaluation)
        ax.plot(
            [seen.C, fresh.C], [getattr(seen, y), getattr(fresh, y)], color=colour, lw=0.8, label="_shift", zorder=4
        )
    text = f"{name}: best, {'fresh seeds' if best.fresh else 'as the search saw it'}{lost}"
    _errorbar(ax, best.evaluation, y, fmt=marker, color=colour, ms=9, label=text, zorder=5)


def _errorbar(ax: Axes, evaluation: Evaluation, y: str, **look: Any) -> None:
    """An evaluation over its C, with 95 % intervals; nothing where it has no value."""
    c, v = wording.measure(evaluation, "C"), wording.measure(evaluation, y)
    if math.isnan(c.mean) or math.isnan(v.mean):
        return
    ax.errorbar(
        [c.mean], [v.mean], xerr=_bars(c), yerr=_bars(v), mec="white", mew=1.0, elinewidth=1.4, capsize=2.5, **look
    )


def _bars(e: Estimate) -> list[list[float]] | None:
    return None if math.isnan(e.low) else [[e.mean - e.low], [e.high - e.mean]]


def plot_convergence(result: SearchResult, others: Sequence[SearchResult] = (), ax: Axes | None = None) -> Axes:
    """The best feasible value so far over the trials, E, C or the hypervolume, whichever the first search is after.

    A dotted line ends the trials that were spread over the space before the model was asked. For E and C, dots are the
    feasible trials, and markers at the right what fresh seeds made of the best network: the best of many noisy values
    flatters itself, so that they tend to lie lower.
    """
    ax = axes_for(ax, 5.6, 4.0)
    results = (result, *others)
    quantity = {"efficiency": "E", "capacity": "C"}.get(result.objective.kind, "")
    longest = max(len(r.trials) for r in results)
    drawn = False
    for i, (r, name) in enumerate(zip(results, view.labels(results), strict=True)):
        colour, marker, dashes = _look(i)
        best = convergence(replace(r.objective, kind=result.objective.kind), (t.evaluation for t in r.trials))
        ax.step(np.arange(1, len(best) + 1), best, where="post", color=colour, linestyle=dashes, lw=1.6, label=name)
        drawn |= bool(np.isfinite(best).any())
        if not quantity:
            continue
        part = [t for t in r.trials if t.feasible]
        ax.plot(
            [t.number + 1 for t in part],
            [getattr(t, quantity) for t in part],
            marker,
            color=colour,
            ms=3,
            alpha=0.9,
            mew=0,
        )
        found = view.best(r)
        if found is not None and found.fresh:
            e = wording.measure(found.evaluation, quantity)
            ax.errorbar(
                [longest * (1.05 + 0.03 * i) + 0.5], [e.mean], yerr=_bars(e), fmt=marker, color=colour, mec="white",
                ms=6, capsize=2.5, label="_fresh",
            )  # fmt: skip
    reference = view.reference(result)
    if quantity and reference is not None and not math.isnan(getattr(reference, quantity)):
        ax.axhline(getattr(reference, quantity), color=GREY, lw=0.9, linestyle=":", label=view.REFERENCE)
    if longest > result.settings.initial:
        ax.axvline(result.settings.initial + 0.5, color=GREY, lw=0.9, linestyle=":")
        ax.annotate(
            "first spread, then asked", (result.settings.initial + 0.5, 0), xycoords=("data", "axes fraction"),
            xytext=(3, 3), textcoords="offset points", fontsize="small", color=GREY,
        )  # fmt: skip
    if not drawn:
        say(ax, "no feasible trial yet")
    units = {q: unit for q, (_, unit) in wording.axes(result.settings.measure).items()}
    ylabels = {
        "E": f"best feasible E so far\n({units['E']})",
        "C": f"best feasible C so far ({units['C']})",
        "": "hypervolume of the front",
    }
    ylabel = ylabels[quantity]
    right = longest * (1.05 + 0.03 * len(results)) + 1.5
    ax.set(xlabel="trial" + (" (right: best, fresh seeds)" if quantity else ""), ylabel=ylabel, xlim=(0, right))
    seen = [getattr(t, quantity) for r in results for t in view.measured(r)] if quantity else []
    ax.set_ylim(0, _end(1.05 * ax.get_ylim()[1], seen))
    legend(ax, loc="best")
    return ax


def search_figure(result: SearchResult, others: Sequence[SearchResult] = ()) -> Figure:
    """The page of a search: efficiency over capacity, convergence, winning distributions, partial dependence."""
    entries = view.searched(result)
    down = math.ceil(len(entries) / 6)
    spreads = any(isinstance(e.cv, Dimension) for e in entries)
    heights = [4.4, 1.9 * down + 0.4, 1.8 * down * (1 + spreads) + 0.4]
    figure = Figure(figsize=(13.0, sum(heights)), layout="constrained")
    parts = figure.subfigures(3, 1, squeeze=False, height_ratios=heights, hspace=0.03)
    top, middle, bottom = parts[:, 0]
    left, right = top.subplots(1, 2)
    plot_front(result, others, left)
    plot_convergence(result, others, right)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    panel_letter(left, "A")
    panel_letter(right, "B")
    plot_searched_distributions(result, middle, title="$\\bf{C}$   Winning distributions")
    plot_partial_dependences(result, bottom, title="$\\bf{{D}}$   {quantity} over one number, averaged over the others")
    return figure
