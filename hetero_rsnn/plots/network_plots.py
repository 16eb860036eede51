"""Figures of networks: rasters, inputs, distributions, memory curves, comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import special

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.common.text import printable
from hetero_rsnn.experiments.comparison import Comparison
from hetero_rsnn.experiments.measurement_result import Measurement
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.measures.memory import MemoryCapacity
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.draw import draw as make_draw
from hetero_rsnn.network.shipped import kind_and_point, label
from hetero_rsnn.plots.looks import COLOURS, SPARE, SYMBOLS, axes_for, legend, panel_letter, style
from hetero_rsnn.simulation.recording import Recording


def plot_raster(
    recording: Recording,
    ax: Axes | None = None,
    *,
    start: Any = 0.0,
    duration: Any = 1000.0,
    draw: Draw | None = None,
) -> Axes:
    """Spikes over time, from `start` for `duration` (ms, or text with a unit); with `draw`, populations are named."""
    ax = axes_for(ax, 6.0, 3.0)
    start, duration = checks.duration("start", start, positive=False), checks.duration("duration", duration)
    first, last = np.searchsorted(recording.spike_times, [start - 1e-9, start + duration - 1e-9])
    t, i = recording.spike_times[first:last], recording.spike_neurons[first:last]
    if draw is None:
        ax.plot(t, i, ".", ms=1.2, color="#000000", rasterized=True)
    else:
        for p, colour in zip(draw.network.populations, ("#000000", "#009E73", "#CC79A7", *SPARE), strict=False):
            part = draw.members(p.name)
            inside = (i >= part.start) & (i < part.stop)
            ax.plot(t[inside], i[inside], ".", ms=1.2, color=colour, rasterized=True)
            middle = (part.start + part.stop) / 2
            ax.annotate(
                p.name, (1.0, middle), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
                color=colour, va="center", fontsize="small",
            )  # fmt: skip
    ax.set(xlim=(start, start + duration), ylim=(-1, recording.n), xlabel="time (ms)", ylabel="neuron")
    return ax


def plot_input(stimulus: Stimulus, ax: Axes | None = None, *, start: Any = 0.0, duration: Any = None) -> Axes:
    """The input series over time, from `start` for `duration` (ms, or text with a unit).

    Several channels have a legend, with the names of the columns that they came from. Up to eight are drawn.
    """
    ax = axes_for(ax, 6.0, 1.6)
    start = checks.duration("start", start, positive=False)
    duration = stimulus.duration - start if duration is None else checks.duration("duration", duration)
    low, high = int(start // stimulus.hold), int(np.ceil((start + duration) / stimulus.hold))
    edges = np.arange(low, min(high, len(stimulus)) + 1) * stimulus.hold
    names = stimulus.description.get("columns") or ()
    for channel in range(min(stimulus.channels, 8)):
        ax.stairs(stimulus.values[low:high, channel], edges, baseline=None, lw=1, label=f"channel {channel}")
    if stimulus.channels > 1:
        known = [printable(name).replace("$", r"\$") for name in names[: len(ax.patches)]]
        labels = known if len(known) == len(ax.patches) else [str(patch.get_label()) for patch in ax.patches]
        ax.legend(
            ax.patches, labels, frameon=False, fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.05),
            handlelength=1.0,
        )  # fmt: skip
    ax.locator_params(axis="y", nbins=4)
    ax.set(xlim=(start, start + duration), xlabel="time (ms)", ylabel="input\n(dimensionless)")
    return ax


def plot_distributions(
    measurements: Sequence[Measurement],
    ax: Axes | None = None,
    *,
    parameter: str = "tau_m",
    population: str | None = None,
) -> Axes:
    """Declared densities of a neuron parameter; a homogeneous one is a vertical line.

    Of a network whose arrays are given, a histogram of these.
    """
    ax = axes_for(ax)
    where = population or measurements[0].network.populations[0].name
    spare, unit = 0, ""
    groups: dict[Any, list[tuple[str, int]]] = {}
    for m in measurements:
        name = m.network.name
        spare += kind_and_point(name) is None
        p = dict(next((q.parameters for q in m.network.populations if q.name == where), ())).get(parameter)
        if p is None:  # equations of its own need not have this parameter
            continue
        unit = "ms" if p.unit == "second" else p.unit
        if m.network.arrays is not None:
            drawn, look = make_draw(m.network, 0), style(name, spare - 1)
            values = drawn.neurons[parameter][drawn.members(where)]
            ax.hist(
                values[np.isfinite(values)], bins=30, density=True, histtype="step", color=look["color"], lw=2,
                label=f"{label(name)}, given",
            )  # fmt: skip
            continue
        groups.setdefault(p, []).append((name, spare - 1))
    for p, names in groups.items():
        look = style(*names[0])
        text = ", ".join(label(n) for n, _ in names)
        if p.cv == 0:
            ax.axvline(p.mean, color=look["color"], lw=2, label=text)
            continue
        low, high = p.distribution.quantile([0.0005, 0.995])
        x = np.linspace(float(low), float(high), 400)
        cdf = p.distribution.cdf(x)
        density = np.gradient(cdf, x)
        ax.plot(x, density, color=look["color"], lw=2, linestyle=look["linestyle"], label=text)
        ax.fill_between(x, density, color=look["color"], alpha=0.15, lw=0)
    ax.set(xlabel=f"{SYMBOLS.get(parameter, parameter)} ({unit})", ylabel=f"density (1/{unit})")
    if not (groups or ax.patches):
        ax.text(0.5, 0.5, f"no network has {parameter!r}", ha="center", transform=ax.transAxes)
        return ax
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    ax.legend(frameon=False, fontsize="small", title=f"population {where}", title_fontsize="small")
    return ax


def plot_parameter(draw: Draw, name: str, ax: Axes | None = None, *, population: str | None = None) -> Axes:
    """Histogram of a neuron parameter as drawn, below the density that its distribution declares.

    Neurons lost to damage, whose threshold is infinite, are left out; the legend counts them.

    Parameters
    ----------
    draw : Draw
    name : str
        E.g. ``"tau_m"``.
    ax : Axes, optional
    population : str, optional
        By default the first one.

    Raises
    ------
    NetworkError
        If the population does not exist.
    HeteroError
        If its neurons have no such parameter.
    """
    where = draw.network.population(population or draw.network.populations[0].name)
    known = dict(where.parameters)
    if name not in known:
        raise HeteroError(f"neurons of population {where.name!r} have no parameter {name!r}{suggest(name, known)}")
    ax = axes_for(ax)
    p, values = known[name], draw.neurons[name][draw.members(where.name)]
    spread = p.cv != 0
    left = values[np.isfinite(values)]
    made = "drawn" if draw.network.arrays is None else "given"
    text = made if left.size == values.size else f"{made}, without {values.size - left.size} lost"
    if left.size:
        ax.hist(left, bins=30 if spread or np.ptp(left) else 1, density=True, color="0.75", label=text)
    else:  # numpy divides by their number
        ax.fill_between([], [], color="0.75", label=text)
    if spread:
        low, high = p.distribution.quantile([0.0005, 0.995])
        x = np.linspace(float(low), float(high), 400)
        ax.plot(x, np.gradient(p.distribution.cdf(x), x), color=COLOURS["henhos"], lw=1.8, label="declared")
    unit = "ms" if p.unit == "second" else p.unit
    brackets = f" ({unit})" if unit and unit != "1" else ""
    per = f" (1/{unit})" if brackets else ""
    ax.set(xlabel=f"{SYMBOLS.get(name, name)}{brackets}", ylabel=f"density{per}")
    ax.legend(frameon=False, fontsize="small", title=f"population {where.name}", title_fontsize="small")
    return ax


def plot_capacity(
    capacity: MemoryCapacity, ax: Axes | None = None, *, label: str | None = None, color: str | None = None
) -> Axes:
    """The curve of one `memory_capacity` with its 95 % band (Student's t over the test blocks).

    Parameters
    ----------
    capacity : MemoryCapacity
    ax : Axes, optional
        Several curves may share one.
    label : str, optional
        By default C with its standard error.
    color : str, optional
    """
    ax = axes_for(ax)
    d = np.arange(1, capacity.d_max + 1)
    # What `interval` is to the sum, over the same blocks.
    half = capacity.curve_stderr * float(special.stdtrit(capacity.n_blocks - 1, 0.975))
    text = f"C = {capacity.total:.2f} ± {capacity.stderr:.2f} s.e." if label is None else label
    (line,) = ax.plot(d, capacity.curve, lw=1.8, color=color, label=text)
    ax.fill_between(d, capacity.curve - half, capacity.curve + half, color=line.get_color(), alpha=0.2, lw=0)
    ax.axhline(0, color="0.6", lw=0.8, zorder=0)
    ax.set(xlabel="delay d (samples)", ylabel="memory $C_d$ ($r^2$ above chance)", xlim=(1, max(2, capacity.d_max)))
    ax.legend(frameon=False, fontsize="small")
    return ax


def plot_memory_curve(measurements: Sequence[Measurement], ax: Axes | None = None, *, threshold: float = 0.005) -> Axes:
    """Chance-corrected memory curves C_d, mean over seeds with 95 % bands, up to where they have died out."""
    ax = axes_for(ax)
    spare, longest = 0, 5
    for m in measurements:
        name = m.network.name
        look = style(name, spare)
        spare += kind_and_point(name) is None
        curve = m["curve"]
        points = [estimate(column) for column in curve.T]
        d = np.arange(1, curve.shape[1] + 1)
        mean = np.array([p.mean for p in points])
        ax.plot(d, mean, color=look["color"], linestyle=look["linestyle"], lw=1.8, label=label(name))
        ax.fill_between(d, [p.low for p in points], [p.high for p in points], color=look["color"], alpha=0.2, lw=0)
        above = np.flatnonzero(mean > threshold)
        longest = max(longest, int(above[-1]) + 2 if above.size else 5)
    ax.axhline(0, color="0.6", lw=0.8)
    ax.set(
        xlabel="delay d (samples)",
        ylabel="memory $C_d$ ($r^2$ above chance)",
        xlim=(1, max(2, min(longest, curve.shape[1]))),
    )
    ax.legend(frameon=False, fontsize="small")
    return ax


def plot_efficiency(measurements: Sequence[Measurement], ax: Axes | None = None) -> Axes:
    """Spike efficiency over memory capacity: every seed small, means with 95 % intervals large."""
    ax = axes_for(ax)
    spare = 0
    for m in measurements:
        name = m.network.name
        look = style(name, spare)
        spare += kind_and_point(name) is None
        s = m.summary()
        ax.plot(m["C"], m["E"], look["marker"], color=look["color"], ms=3, alpha=0.35, mew=0)
        c, e = s["C"], s["E"]
        if e.missing:  # no point, but a line in the legend that says why
            ax.plot([], [], look["marker"], color=look["color"], ms=3, alpha=0.35, label=f"{label(name)}: {e.without}")
            continue
        ax.errorbar(
            c.mean, e.mean, xerr=[[c.mean - c.low], [c.high - c.mean]], yerr=[[e.mean - e.low], [e.high - e.mean]],
            fmt=look["marker"], color=look["color"], ms=7, mew=1.6, elinewidth=1.4, capsize=3, label=label(name),
            mfc="none" if name in ("honhes", "henhes") else look["color"],  # what lies below stays visible
        )  # fmt: skip
    ax.set(xlabel="memory capacity C (samples)", ylabel="spike efficiency E = C / S\n(samples per spike of a neuron)")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    legend(ax, loc="upper left")
    return ax


def figure_comparison(comparison: Comparison, rasters: Sequence[tuple[Draw, Recording]]) -> Figure:
    """The figure of ``hetero-rsnn compare``: rasters, time constants, memory curves, efficiency over capacity."""
    figure = Figure(figsize=(10.5, 7.6))
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.1)
    grid = figure.add_gridspec(2, 2)
    inner = grid[0, 0].subgridspec(len(rasters), 1, hspace=0.08)
    shown = min(500.0, *(r.duration for _, r in rasters))
    for row, (drawn, recording) in enumerate(rasters):
        ax = figure.add_subplot(inner[row])
        plot_raster(recording, ax, duration=shown, draw=drawn)
        ax.set_title(
            f"{label(drawn.network.name)}, {recording.rate_hz:.1f} Hz",
            fontsize="medium",
            loc="left" if row else "right",
        )
        if row < len(rasters) - 1:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
        if row == 0:
            panel_letter(ax, "A")
    for place, letter, plot in (
        (grid[0, 1], "B", plot_distributions),
        (grid[1, 0], "C", plot_memory_curve),
        (grid[1, 1], "D", plot_efficiency),
    ):
        ax = figure.add_subplot(place)
        plot(comparison.measurements, ax)
        panel_letter(ax, letter)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def figure_simulation(
    stimulus: Stimulus, drawn: Draw, recording: Recording, *, duration: float, title: str = ""
) -> Figure:
    """The input above the raster that it causes."""
    figure = Figure(figsize=(9.0, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2.4])
    plot_input(stimulus, top, duration=duration)
    top.set_xlabel("")
    top.set_title(title, loc="left", fontsize="medium")
    plot_raster(recording, bottom, duration=duration, draw=drawn)
    for ax in (top, bottom):
        ax.spines[["top", "right"]].set_visible(False)
    return figure
