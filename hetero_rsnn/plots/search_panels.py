"""Panels of a search, one for each searched number or parameter: partial dependence, and winning distributions."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.types import Array
from hetero_rsnn.network.distributions import Distribution
from hetero_rsnn.plots.looks import COLOURS, axes_for
from hetero_rsnn.searching import view, wording
from hetero_rsnn.searching.partial_dependence import FEWEST, Models, fit_models
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.space_parsing import Dimension, Entry

GREY = "0.45"
#: Of the search that the panels are about.
_MAIN = COLOURS["henhes"]
#: Panels in a row; with fewer the row is not filled, so that none is stretched.
_FEWEST, _MOST = 3, 6


def say(ax: Axes, text: str) -> None:
    """Write what there is to know where there is nothing to draw."""
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, color=GREY)


def plot_partial_dependence(
    result: SearchResult, name: str, ax: Axes | None = None, *, quantity: str = "E", models: Models | None = None
) -> Axes:
    """E over one searched number, averaged over the others: the model's mean with its 95 % band.

    Small dots are the trials, which differ in the other numbers too; vertical lines are the best and the base. For a
    setting, which the base does not have, the latter is what the reference was measured with.

    Parameters
    ----------
    result : SearchResult
    name : str
        Of a dimension, e.g. ``"E.tau_m.cv"``.
    ax : Axes, optional
    quantity : {"E", "C", "S"}
    models : Models, optional
        From `fit_models`, to fit only once for several panels.
    """
    ax = axes_for(ax)
    names = [d.name for d in result.space.dimensions]
    if name not in names:
        raise HeteroError(f"the search has no dimension {name!r}{suggest(name, names)}")
    column = names.index(name)
    d = result.space.dimensions[column]
    part = [t for t in view.measured(result) if not math.isnan(getattr(t, quantity))]
    colour = _MAIN
    x, y = [t.values[column] for t in part], [getattr(t, quantity) for t in part]
    ax.plot(x, y, ".", ms=4, color=GREY, alpha=0.9, mew=0, label="trials")
    _scale(ax, d)
    models = fit_models(result) if models is None else models
    if models is None:
        say(ax, f"fewer than {FEWEST}\nmeasured trials")
    else:
        curve = models.partial(name, quantity)
        ax.plot(curve.x, curve.mean, color=colour, lw=1.8, label="mean")
        ax.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0, label="95 % band")
    ax.axvline(result.space.default[column], color=GREY, lw=1.0, linestyle=":", label="base")
    best = view.best(result)
    if best is not None:
        ax.axvline(best.trial.values[column], color=colour, lw=1.0, linestyle="--", label="best")
    ax.set(xlabel=wording.heading(d), ylabel=quantity)
    return ax


def _wider(low: float, high: float, log: bool, share: float = 0.03) -> tuple[float, float]:
    """A range with a margin, so that lines at its ends are seen whole."""
    if log:
        ratio = (high / low) ** share
        return low / ratio, high * ratio
    return low - share * (high - low), high + share * (high - low)


def _scale(ax: Axes, d: Dimension) -> None:
    """The searched range; a logarithmic axis gets a few plain numbers instead of powers of ten."""
    if d.log:
        ax.set_xscale("log")
    ax.set_xlim(*_wider(d.low, d.high, d.log))
    if d.log:
        _ticks(ax, d.low, d.high)


def _ticks(ax: Axes, low: float, high: float) -> None:
    """Ticks 1-2-5, thinned to at most four."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        places = [m * 10.0**p for p in powers for m in steps if low * 0.999 <= m * 10.0**p <= high * 1.001]
        if len(places) <= 4:
            break
    while len(places) > 4:
        places = places[::2]
    if len(places) < 2:
        places = [low, high]
    ax.set_xticks(places)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{float(f'{x:.3g}'):g}"))


def plot_searched_distribution(result: SearchResult, name: str, ax: Axes | None = None) -> Axes:
    """One searched parameter: the winning distribution over the base's.

    Where the search compares logarithms the axis is logarithmic and the density is that of the logarithm, so that equal
    areas are equal shares of the neurons or synapses; a homogeneous parameter is a vertical line. So is a setting,
    which the base does not have: its line is what the reference was measured with.
    """
    ax = axes_for(ax)
    entries = {e.name: e for e in view.searched(result)}
    if name not in entries:
        raise HeteroError(f"the search has no parameter {name!r}{suggest(name, entries)}")
    entry = entries[name]
    shown = [("base", GREY, ":", result.space.distributions(result.space.default)[name])]
    best = view.best(result)
    if best is not None:
        shown.append(("best", _MAIN, "-", result.space.distributions(best.trial.values)[name]))
    ends = np.concatenate([[d.mean] if d.cv == 0 else d.quantile([0.01, 0.99]) for *_, d in shown])
    low, high = float(ends.min()), float(ends.max())
    if all(d.cv == 0 for *_, d in shown) and isinstance(entry.mean, Dimension):  # lines have no width: the range has
        low, high = entry.mean.low, entry.mean.high
    log = entry.log and low > 0
    low, high = _wider(low, high, log)
    x = np.geomspace(low, high, 400) if log else np.linspace(low, high, 400)
    for text, colour, dashes, d in shown:
        if d.cv == 0:
            ax.axvline(d.mean, color=colour, lw=2, linestyle=dashes, label=text)
            continue
        y = density(d, x, log)
        ax.plot(x, y, color=colour, lw=1.8, linestyle=dashes, label=text)
        ax.fill_between(x, y, color=colour, alpha=0.15, lw=0)
    if log:
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        _ticks(ax, low, high)
    elif high > low:
        ax.set_xlim(low, high)
    kind = f" ({entry.kind})" if entry.kind in ("factor", "setting") else ""
    ax.set(xlabel=f"{wording.heading(entry)}{kind}", ylabel="density", yticks=[])
    ax.set_ylim(bottom=0)
    return ax


def density(d: Distribution, x: Array, log: bool) -> Array:
    """Density at `x`, or (`log`) that of the logarithm."""
    return np.asarray(np.gradient(d.cdf(x), np.log(x) if log else x))


def _panels(entries: list[Entry], rows: int, figure: FigureBase | None) -> tuple[FigureBase, list[list[Axes]], int]:
    """Panels of `rows` rows for every row of entries; all hidden until they are used."""
    across = min(max(len(entries), _FEWEST), _MOST)
    down = rows * math.ceil(len(entries) / across)
    if figure is None:
        figure = Figure(figsize=(2.1 * across, 1.8 * down + 0.4), layout="constrained")
    grid = [list(row) for row in figure.subplots(down, across, squeeze=False)]
    for ax in (ax for row in grid for ax in row):
        ax.set_visible(False)
    return figure, grid, across


def _finish(figure: FigureBase, panels: list[Axes], title: str) -> list[Axes]:
    """The title, and one legend beside it."""
    for ax in panels:
        ax.set_visible(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize="small")
        ax.xaxis.label.set_fontsize("small")
        spec = ax.get_subplotspec()
        if spec is not None and not spec.is_first_col():
            ax.set_ylabel("")
    figure.suptitle(title, x=0.01, ha="left", fontsize="medium")
    handles = {text: h for ax in panels for h, text in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles, loc="upper right", ncols=len(handles), frameon=False, fontsize="small",
        borderaxespad=0.1, columnspacing=1.2, handlelength=1.6,
    )  # fmt: skip
    return panels


def plot_searched_distributions(
    result: SearchResult, figure: FigureBase | None = None, *, title: str = "Winning distributions"
) -> list[Axes]:
    """`plot_searched_distribution` of every searched parameter, a small panel each; returns the panels."""
    entries = view.searched(result)
    figure, grid, across = _panels(entries, 1, figure)
    panels = [
        plot_searched_distribution(result, entry.name, grid[i // across][i % across]) for i, entry in enumerate(entries)
    ]
    return _finish(figure, panels, title)


def plot_partial_dependences(
    result: SearchResult,
    figure: FigureBase | None = None,
    *,
    quantity: str = "E",
    title: str = "{quantity} over one number, averaged over the others",
    models: Models | None = None,
) -> list[Axes]:
    """`plot_partial_dependence` of every searched number on one scale: means above, spreads below."""
    entries = view.searched(result)
    kinds = [kind for kind in ("mean", "cv") if any(isinstance(getattr(e, kind), Dimension) for e in entries)]
    figure, grid, across = _panels(entries, len(kinds), figure)
    models = fit_models(result) if models is None else models
    panels: list[Axes] = []
    for i, entry in enumerate(entries):
        for k, kind in enumerate(kinds):
            d = getattr(entry, kind)
            if isinstance(d, Dimension):
                ax = grid[len(kinds) * (i // across) + k][i % across]
                panels.append(plot_partial_dependence(result, d.name, ax, quantity=quantity, models=models))
    low, high = min(ax.get_ylim()[0] for ax in panels), max(ax.get_ylim()[1] for ax in panels)
    for ax in panels:
        ax.set_ylim(max(low, 0.0), high)
    return _finish(figure, panels, title.format(quantity=quantity))
