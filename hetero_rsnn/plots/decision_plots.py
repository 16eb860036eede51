"""Figures of decisions over time: how accurate they are when, when they fall, and which samples leave first and last.

Like those of `plots`: every function draws into `ax` (a new figure if None) and returns it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError

#: Colours and markers of the methods, in the order in which they are given.
_LOOKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#7A4FB5", "v"), ("#555555", "D"))


def _new(ax: Axes | None) -> Axes:
    return Figure(figsize=(5.2, 3.6), layout="constrained").subplots() if ax is None else ax


def plot_decision_curves(
    curves: Mapping[str, Sequence[ArrayLike]],
    bounds: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Accuracy over mean decision steps, a curve for each method and network, and the optimal cutoff time.

    Parameters
    ----------
    curves : mapping of str to sequence of array_like (points, 2)
        For each method the curves of its networks (seeds): mean steps and accuracy. Thin lines are single networks,
        the thick line is their mean where all have as many points.
    bounds : mapping of str to sequence of (float, float), optional
        Mean steps and accuracy of the optimal cutoff time of each network: the mean is drawn as a star.
    ax : Axes, optional
    """
    ax = _new(ax)
    for number, (name, group) in enumerate(curves.items()):
        colour, marker = _LOOKS[number % len(_LOOKS)]
        lines = [checks.finite_array(f"curves of {name}", curve, 2) for curve in group]
        if not lines or any(line.shape[1] != 2 for line in lines):
            raise HeteroError(f"curves of {name!r} must be (points, 2): mean steps and accuracy", fix="reshape them")
        for line in lines:
            ax.plot(line[:, 0], line[:, 1], color=colour, lw=0.6, alpha=0.5)
        if len({len(line) for line in lines}) == 1:
            middle = np.mean(lines, axis=0)
            ax.plot(middle[:, 0], middle[:, 1], color=colour, marker=marker, ms=4, lw=1.6, label=name)
        else:
            ax.plot([], [], color=colour, lw=1.6, label=name)
        if bounds is not None and name in bounds:
            x, y = np.mean([tuple(map(float, b)) for b in bounds[name]], axis=0)
            ax.plot(x, y, "*", color=colour, ms=11, mec="white", mew=0.6, zorder=5)
    if bounds:
        ax.plot([], [], "*", color="0.3", ms=9, label="optimal cutoff time")
    ax.set(xlabel="mean decision time (steps)", ylabel="accuracy")
    ax.set_xlim(left=0)
    ax.legend(frameon=False, fontsize="small", loc="lower right")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_decision_times(times: Mapping[str, Sequence[ArrayLike]], ax: Axes | None = None) -> Axes:
    """Share of decisions that fall in each step.

    Up to 12 steps: bars side by side; error bars reach from the smallest to the largest share over networks. More
    steps: outlines, a thin one for each network; the axis ends where every method has made 99.5 % of its decisions.

    Parameters
    ----------
    times : mapping of str to sequence of array_like (steps,)
        For each method, how many decisions of each of its networks fell in step 1, 2, ...
    ax : Axes, optional
    """
    ax = _new(ax)
    shares = {name: _shares(name, group) for name, group in times.items()}
    longest = max((rows.shape[1] for rows in shares.values()), default=1)
    width = 0.8 / max(1, len(shares))
    end = 1
    for number, (name, rows) in enumerate(shares.items()):
        colour, _ = _LOOKS[number % len(_LOOKS)]
        middle = rows.mean(axis=0)
        end = max(end, 1 + int(np.searchsorted(np.cumsum(middle), 0.995)))
        if longest > 12:
            edges = np.arange(rows.shape[1] + 1) + 0.5
            for row in rows if len(rows) > 1 else ():
                ax.stairs(row, edges, color=colour, lw=0.6, alpha=0.35)
            ax.stairs(middle, edges, color=colour, lw=1.6, label=name)
            continue
        place = np.arange(1, rows.shape[1] + 1) + (number - (len(shares) - 1) / 2) * width
        # A mean of equal shares may be rounded past them.
        bars = np.maximum([middle - rows.min(axis=0), rows.max(axis=0) - middle], 0.0)
        ax.bar(place, middle, width, color=colour, label=name, yerr=bars if len(rows) > 1 else None,
               error_kw={"lw": 0.8, "ecolor": "0.3"})  # fmt: skip
    ax.set(xlabel="step of the decision", ylabel="share of the samples")
    ax.set_xlim(0.4, (min(end, longest) if longest > 12 else longest) + 0.6)
    ax.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _shares(name: str, group: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Shares of decisions in each step, shape (networks, steps); shorter rows end in zeros."""
    if not len(group):
        raise HeteroError(f"times of {name!r} must be of one network or more, got none", fix="leave it away")
    shares = np.zeros((len(group), max(len(np.atleast_1d(one)) for one in group)))
    for row, one in zip(shares, group, strict=True):
        counts = checks.finite_array(f"times of {name}", one, 1)
        if (counts < 0).any() or not counts.sum() > 0:
            raise HeteroError(f"times of {name!r} must be counts with a sum above 0", fix="count decisions a step")
        row[: len(counts)] = counts / counts.sum()
    return shares


def plot_first_and_last(
    first: Any, last: Any, texts: tuple[Sequence[str], Sequence[str]] | None = None, figure: Figure | None = None
) -> Figure:
    """Images whose decision falls first, in the upper row, and last, in the lower one.

    Parameters
    ----------
    first, last : array_like, shape (images, height, width)
    texts : pair of sequences of str, optional
        What is written above each image, such as its class.
    figure : Figure, optional
    """
    rows = [checks.real_array(name, images) for name, images in (("first", first), ("last", last))]
    if any(row.ndim != 3 or not len(row) for row in rows):
        raise HeteroError(
            f"first and last must be images (images, height, width), got {[r.shape for r in rows]}", fix="reshape them"
        )
    most = max(map(len, rows))
    fig = Figure(figsize=(1.1 * most + 0.6, 2.9), layout="constrained") if figure is None else figure
    axes = fig.subplots(2, most, squeeze=False)
    for k, (line, row, name) in enumerate(zip(axes, rows, ("first", "last"), strict=True)):
        for j, ax in enumerate(line):
            ax.set_axis_off()
            if j < len(row):
                ax.imshow(row[j], cmap="Greys", interpolation="nearest")
                if texts is not None:
                    ax.set_title(texts[k][j], fontsize="x-small")
        line[0].text(-0.25, 0.5, name, transform=line[0].transAxes, rotation=90, ha="right", va="center")
    return fig
