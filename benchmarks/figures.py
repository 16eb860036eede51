"""One figure of the benchmarks' results: competitors, growth, phases of a measurement, and the kernel's time.

    python benchmarks/figures.py [--results results] [--out docs/performance.png]

It reads what exists of benchmark.json, growth.json, jobs.json and profile.json in the folder of results, as run.py,
growth.py, jobs.py and profile_kernel.py write them. Panels without results say so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from hetero_rsnn import plots

# Okabe and Ito's palette, as in hetero_rsnn.plots; markers, dashes and hatches differ too.
BLACK, BLUE, ORANGE, VERMILION, GREEN, PINK, SKY, BROWN, GREY = (
    "#000000", "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D1F", "#7F7F7F",
)  # fmt: skip
_SPARE = (BLUE, ORANGE, GREEN, PINK, SKY, BROWN, GREY, BLACK)
_MARKERS = ("s", "^", "D", "v", "P", "X", "<", ">", "*")
_DASHES: tuple[Any, ...] = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 2)), (0, (3, 1)), "-", "--")
PRECISION = {"double": (VERMILION, "o", "-"), "single": (BLUE, "s", "--")}
REGIMES = {"fan_in": "fan-in 100", "probability": "probability 0.1"}
PHASES = {
    "draw": ("draw", SKY),
    "train": ("train", VERMILION),
    "measure": ("measure", ORANGE),
    "states": ("states", PINK),
    "readout": ("readout", BLUE),
    "rest": ("rest", "#BBBBBB"),
}
PARTS = {"neurons": ("neurons", SKY), "delivery": ("delivery", ORANGE), "stdp": ("STDP", VERMILION)}
BOUNDS = {"streaming": ("memory", GREEN), "gather": ("look-up", PINK), "arithmetic": ("arithmetic", BLUE)}


def number(x: float) -> str:
    """A number with two digits that count, and no more."""
    return f"{x:.0f}" if abs(x) >= 10 else f"{x:.2g}"


def summary(value: Any) -> tuple[float, float, float]:
    """Median, low and high of what `common.summarise` wrote, or of a bare number."""
    if isinstance(value, dict):
        return value["median"], value["low"], value["high"]
    return float(value), float(value), float(value)


def look(name: str, index: int) -> dict[str, Any]:
    """Colour, marker and dashes of a competitor; the fast backend stands out."""
    if name.startswith("fast"):
        colour, marker, dashes = PRECISION["single" if "single" in name else "double"]
        return {"color": colour, "marker": marker, "linestyle": dashes, "lw": 2.2, "zorder": 3}
    colour = [c for c in _SPARE if c != BLUE][index % (len(_SPARE) - 1)]
    return {"color": colour, "marker": _MARKERS[1:][index % 8], "linestyle": _DASHES[1:][index % 8], "lw": 1.5}


def spread_labels(wanted: Sequence[float], gap: float) -> list[float]:
    """Places near those wanted, at least `gap` apart, in the same order."""
    order = np.argsort(wanted)
    place = np.array(wanted, float)[order]
    for _ in range(200):
        close = np.diff(place) < gap * 0.999
        if not close.any():
            break
        for i in np.flatnonzero(close):
            middle = (place[i] + place[i + 1]) / 2
            place[i], place[i + 1] = middle - gap / 2, middle + gap / 2
    out = np.empty_like(place)
    out[order] = place
    return [float(x) for x in out]


def plot_competitors(data: dict[str, Any], ax: Axes) -> None:
    """Time of a step over the number of neurons, one labelled line a competitor."""
    sizes = sorted(data["sizes"], key=lambda s: s["n"])
    names = list(dict.fromkeys(name for size in sizes for name in size["results"]))
    ends: list[tuple[str, float, str]] = []
    others = 0
    for name in names:
        style = look(name, others)
        others += not name.startswith("fast")
        points = [(s["n"], *summary(s["results"][name]["ms_per_step"])) for s in sizes if name in s["results"]]
        n, middle, low, high = (np.array(column, float) for column in zip(*points, strict=True))
        ax.plot(n, middle, ms=5, **style)
        ax.vlines(n, low, high, color=style["color"], lw=3.5, alpha=0.35)
        ends.append((name, float(middle[-1]), style["color"]))
    ax.set(xscale="log", yscale="log", xlabel="neurons N", ylabel="wall time of a step (ms)")
    ticks = [s["n"] for s in sizes]
    ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    low_limit, high_limit = (float(y) for y in ax.get_ylim())
    # Labels stand at the right, level with the last points as far as they leave each other room.
    axis = [(np.log(y) - np.log(low_limit)) / (np.log(high_limit) - np.log(low_limit)) for _, y, _ in ends]
    for (name, _, colour), height in zip(ends, spread_labels(axis, 0.068), strict=True):
        ax.annotate(
            name, (1.0, height), xycoords="axes fraction", xytext=(4, 0), textcoords="offset points",
            color=colour, va="center", fontsize="small", annotation_clip=False,
        )  # fmt: skip
    ax.grid(axis="y", color="0.92", lw=0.8)


def plot_growth(data: dict[str, Any], ax: Axes) -> None:
    """Time of a step over the visits of a step, with the fitted power laws."""
    if "time" not in data:
        missing(ax, "growth.py without --only memory")
        return
    for precision, (colour, _, dashes) in PRECISION.items():
        for regime, marker in (("fan_in", "o"), ("probability", "^")):
            if regime not in data["time"]:
                continue
            rows = [
                r for r in data["time"][regime]["sizes"] if r["precision"] == precision and r["visits_per_step"] > 0
            ]
            x = np.array([r["visits_per_step"] for r in rows])
            y, low, high = (np.array(c) for c in zip(*(summary(r["ms_per_step"]) for r in rows), strict=True))
            filled = colour if precision == "double" else "white"
            law = data["time"][regime]["fits"][precision]["over_visits"]
            text = f"{precision}, {REGIMES[regime]}"
            if law:
                text += f": {law['exponent']:.2f} ± {law['stderr']:.2f}"
                ends = np.array([x.min(), x.max()])
                ax.plot(ends, law["factor"] * ends ** law["exponent"], color=colour, linestyle=dashes, lw=1.2, zorder=1)
            ax.vlines(x, low, high, color=colour, lw=3.5, alpha=0.35)
            ax.plot(x, y, marker, color=colour, mfc=filled, ms=5, mew=1.2, label=text)
    ax.set(
        xscale="log", yscale="log", xlabel="visited plastic synapses a step (spikes × fan-out)",
        ylabel="wall time of a step (ms)",
    )  # fmt: skip
    low_limit, high_limit = ax.get_ylim()
    ax.set_ylim(top=low_limit * (high_limit / low_limit) ** (1 / 0.7))  # room for the legend
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.legend(
        title="exponent ± standard error", frameon=False, fontsize="small", title_fontsize="small",
        loc="upper left", handletextpad=0.2, labelspacing=0.3, alignment="left", borderpad=0.2,
    )  # fmt: skip
    ax.grid(color="0.92", lw=0.8)


def plot_phases(data: dict[str, Any], ax: Axes) -> None:
    """Shares of the phases of a measurement, one bar a backend or way of working, with its time at the right."""
    bars: list[tuple[str, dict[str, float], str]] = []
    for name, way in data.get("search", {}).items():
        text = f"{number(way['seconds_per_seed_measurement'])} s a seed"
        bars.append(
            (f"fast, {name}".replace(", one", ",\none").replace(", single", ",\nsingle"), way["phase_share"], text)
        )
    for name, result in data.get("brian2", {}).get("results", {}).items():
        if name == "fast":
            continue
        text = f"{number(result['seconds']['median'])} s ({number(result['times_fast']['median'])}×)"
        bars.append((name, result["phase_share"], text))
    for row, (_, shares, text) in enumerate(bars):
        left = 0.0
        for phase, (label, colour) in PHASES.items():
            share = max(0.0, shares.get(phase, 0.0)) * 100
            ax.barh(row, share, left=left, color=colour, height=0.68, edgecolor="white", lw=0.8, label=label)
            if share >= 9:
                dark = colour in (BLUE, VERMILION)
                ax.text(
                    left + share / 2, row, f"{share:.0f}", ha="center", va="center", fontsize="small",
                    color="white" if dark else "black",
                )  # fmt: skip
            left += share
        ax.annotate(
            text, (1.0, row), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize="small", annotation_clip=False,
        )  # fmt: skip
    ax.set_yticks(range(len(bars)), [name for name, _, _ in bars])
    ax.set(xlim=(0, 100), xlabel="share of the time of all workers (%)")
    ax.invert_yaxis()
    handles, labels = ax.get_legend_handles_labels()
    first = dict(zip(labels, handles, strict=True))
    ax.legend(
        first.values(), first.keys(), frameon=False, fontsize="small", ncols=6, loc="lower left",
        bbox_to_anchor=(-0.02, 0.985), columnspacing=0.9, handlelength=1.0, handletextpad=0.35, borderpad=0.1,
    )  # fmt: skip
    ax.tick_params(axis="y", length=0)


def plot_profile(data: dict[str, Any], ax: Axes) -> None:
    """Nanoseconds a visit: what was measured beside what the machine allows."""
    places: list[float] = []
    labels: list[str] = []
    x = 0.0
    for size in data["sizes"]:
        begin = x
        for precision, r in size["results"].items():
            base = 0.0
            for part, (_, colour) in PARTS.items():
                value = max(0.0, r["ns_per_visit"][part]["median"])
                ax.bar(x, value, bottom=base, width=0.8, color=colour, edgecolor="white", lw=0.8)
                base += value
            middle, low, high = summary(r["ns_per_visit"]["total"])
            ax.vlines(x, low, high, color="black", lw=1.2)
            top = 0.0
            for bound, (_, colour) in BOUNDS.items():
                value = r["allowed"][bound]["median"]
                ax.bar(x + 0.72, value, bottom=top, width=0.5, color=colour, hatch="////", edgecolor="white", lw=0.0)
                top += value
            ax.annotate(
                number(middle), (x, max(high, base)), xytext=(0, 2), textcoords="offset points", ha="center",
                fontsize="small",
            )  # fmt: skip
            places.append(x + 0.25)
            labels.append(precision)
            x += 1.75
        ax.annotate(
            f"N = {size['n']:,}", ((begin + x - 1.75) / 2 + 0.25, 0), xycoords=("data", "axes fraction"),
            xytext=(0, -24), textcoords="offset points", ha="center", va="center", annotation_clip=False,
        )  # fmt: skip
        x += 0.55
    ax.set_xticks(places, labels, fontsize="small")
    ax.tick_params(axis="x", length=0)
    ax.set(ylabel="time of a visited synapse (ns)")
    ax.margins(x=0.03)
    ax.set_ylim(top=ax.get_ylim()[1] * 1.06)
    measured = [_patch(colour, label) for label, colour in PARTS.values()]
    possible = [_patch(colour, label, "////") for label, colour in BOUNDS.values()]
    kept = ax.legend(
        handles=measured, title="measured", frameon=False, fontsize="small", title_fontsize="small",
        loc="upper left", bbox_to_anchor=(1.0, 1.0), alignment="left", borderpad=0.0, handlelength=1.2,
    )  # fmt: skip
    ax.add_artist(kept)
    ax.legend(
        handles=possible, title="the machine\ntakes for", frameon=False, fontsize="small", title_fontsize="small",
        loc="upper left", bbox_to_anchor=(1.0, 0.6), alignment="left", borderpad=0.0, handlelength=1.2,
    )  # fmt: skip


def _patch(colour: str, label: str, hatch: str = "") -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, label=label, hatch=hatch, edgecolor="white")


def missing(ax: Axes, what: str) -> None:
    """Say what would have to run first."""
    ax.text(0.5, 0.5, f"no results of {what}", ha="center", va="center", transform=ax.transAxes, color="0.4")
    ax.set(xticks=[], yticks=[])


PANELS: tuple[tuple[str, str, str, Callable[[dict[str, Any], Axes], None], str], ...] = (
    ("A", "benchmark.json", "run.py", plot_competitors, "competitors, one thread"),
    ("B", "growth.json", "growth.py", plot_growth, "growth of the fast backend"),
    ("C", "jobs.json", "jobs.py", plot_phases, ""),
    ("D", "profile.json", "profile_kernel.py", plot_profile, ""),
)


def figure_performance(results: Path) -> Figure:
    """All four panels, from the files in the folder `results`."""
    figure = Figure(figsize=(10.5, 7.6))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    axes = figure.subplots(2, 2).ravel()
    for ax, (letter, file, script, plot, title) in zip(axes, PANELS, strict=True):
        path = results / file
        if path.exists():
            plot(json.loads(path.read_text()), ax)
        else:
            missing(ax, script)
        ax.set_title(title, loc="center", fontsize="medium")
        ax.annotate(
            letter, (0, 1), xycoords="axes fraction", xytext=(-36, 8), textcoords="offset points",
            fontweight="bold", fontsize="large", annotation_clip=False,
        )  # fmt: skip
        ax.spines[["top", "right"]].set_visible(False)
        if ax.get_yscale() == "log":
            ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    return figure


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the JSON files")
    parser.add_argument("--out", type=Path, default=Path("docs/performance.png"))
    args = parser.parse_args()
    if not any((args.results / file).exists() for _, file, *_ in PANELS):
        raise SystemExit(f"{args.results} holds none of {', '.join(file for _, file, *_ in PANELS)}: run them first")
    print(f"wrote {plots.save_figure(figure_performance(args.results), args.out)}")


if __name__ == "__main__":
    main()
