"""Figures of feed-forward networks on images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.measures.cutoff_table import RULES
from hetero_rsnn.plots.looks import axes_for
from hetero_rsnn.plots.task_plots import plot_confusion
from hetero_rsnn.tasks.image_result import ImageTaskResult

if TYPE_CHECKING:
    from hetero_rsnn.gradient.feedforward.membrane_noise import LayerNoise

_FIXED, _LINEAR, _BOUND = "#0072B2", "#555555", "#009E73"
#: Rules of early decisions, each with its marker.
_RULES = {"gap": ("o", "#D55E00"), "probability": ("s", "#CC79A7"), "conformal": ("^", "#E69F00")}


def plot_image_steps(result: ImageTaskResult, ax: Axes | None = None) -> Axes:
    """Test accuracy over mean steps: all images at the same step, each seed thin, their mean thick.

    With early decisions each rule has a marker, small for a seed and large for the mean: above the line, stopping when
    sure beats stopping at a set time. The diamond is the optimal cutoff time, the dashes the linear model.
    """
    if ax is None:
        ax = Figure(figsize=(5.6, 3.8), layout="constrained").subplots()
    steps = range(1, result.steps + 1)
    if len(result.rows) > 1:
        for curve in result.by_step:
            ax.plot(steps, curve, color=_FIXED, lw=0.6, alpha=0.4)
    ax.plot(steps, result.by_step.mean(axis=0), ".-", color=_FIXED, lw=1.6, label="fixed time")
    ax.axhline(result.estimate("linear").mean, color=_LINEAR, ls="--", lw=1, zorder=1, label="linear, on pixels")
    if result.rows[0].early is not None:
        for rule, (marker, colour) in {**_RULES, "bound": ("D", _BOUND)}.items():
            tables = [row.early for row in result.rows if row.early is not None]
            x, y = ([getattr(table[rule], quantity) for table in tables] for quantity in ("time", "accuracy"))
            ax.plot(x, y, marker, color=colour, ms=3, alpha=0.4, mew=0, zorder=3)
            ax.plot(sum(x) / len(x), sum(y) / len(y), marker, color=colour, ms=7, zorder=4, label=RULES[rule])
    ax.set_xlim(0.8, result.steps + 0.2)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="mean steps", ylabel="test accuracy")
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))  # rules may be anywhere
    ax.spines[["top", "right"]].set_visible(False)
    return ax


#: Colours and markers of networks, in the order in which they are given.
_NETWORKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#7A4FB5", "v"), ("#555555", "D"), ("#E69F00", "P"))


def plot_membrane_noise(noise: Mapping[str, Sequence[LayerNoise]], ax: Axes | None = None) -> Axes:
    """What membranes carry from step to step, as noise of each layer: mean and standard deviation, over the threshold.

    The nearer a bar comes to the dashes, the threshold, the more neurons fire because of what they were given in
    earlier steps.

    Parameters
    ----------
    noise : mapping of str to sequence of LayerNoise
        Of each network what `hetero_rsnn.membrane_noise` gives.
    ax : Axes, optional

    Raises
    ------
    HeteroError
        If there is no network, or one without layers, or they have no names.

    Examples
    --------
    >>> import hetero_rsnn as hr, torch  # doctest: +SKIP
    >>> network, x = hr.SpikingMLP(64, 10, hidden=(32, 16)).eval(), torch.rand(50, 64)  # doctest: +SKIP
    >>> ax = hr.plots.plot_membrane_noise({"leak 0.5": hr.membrane_noise(network, x)})  # doctest: +SKIP
    """
    if not isinstance(noise, Mapping):
        raise HeteroError(
            f"noise must map names of networks to that of their layers, got {type(noise).__name__}",
            fix="write {'a network': membrane_noise(network, x)}",
        )
    empty = [name for name, rows in noise.items() if not len(rows)]
    if not noise or empty:
        got = f"none of {empty[0]!r}" if empty else "no network"
        raise HeteroError(f"noise must be that of one layer or more of each network, got {got}", fix="measure it first")
    most = max(map(len, noise.values()))
    ax = axes_for(ax, 2.6 + min(12.0, 0.22 * most * (len(noise) + 1)), 3.4)
    width = 0.7 / len(noise)
    for number, (name, rows) in enumerate(noise.items()):
        colour, marker = _NETWORKS[number % len(_NETWORKS)]
        places = [k + 1 + (number - (len(noise) - 1) / 2) * width for k in range(len(rows))]
        means, sds = ([getattr(row, quantity) for row in rows] for quantity in ("mean", "sd"))
        ax.errorbar(
            places, means, sds, fmt=marker, color=colour, ms=5, mec="white", mew=0.6, elinewidth=2.2, label=name
        )
    ax.axhline(1.0, color=_LINEAR, ls="--", lw=1, zorder=0)
    ax.axhline(0.0, color="0.85", lw=0.8, zorder=0)
    ax.text(most + 0.55, 1.0, "threshold", color=_LINEAR, fontsize="small", ha="right", va="bottom")
    ax.set(xlabel="layer of neurons", ylabel="carried potential / threshold", xlim=(0.4, most + 0.6))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def figure_images(result: ImageTaskResult) -> Figure:
    """The figure of ``hetero-rsnn classify --model``: confusions of the first seed, accuracy over steps."""
    figure = Figure(figsize=(10.5, 4.2))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    left, right = figure.subplots(1, 2)
    report = result.rows[0].report
    plot_confusion(report.confusion, [result.dataset.classes[c] for c in report.classes], left)
    plot_image_steps(result, right)
    left.set_title(f"{result.model}, seed {result.rows[0].seed}", fontsize="medium")
    for letter, ax in zip("AB", (left, right), strict=True):
        ax.set_title(letter, loc="left", fontweight="bold", fontsize="large")
    return figure
