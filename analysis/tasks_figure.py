"""The figure of the study of tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from study_kit import Row

from hetero_rsnn import plots
from hetero_rsnn.network.shipped import CANONICAL, label

TITLES = {
    "japanese_vowels": "Japanese vowels", "free_spoken_digits": "spoken digits", "shd": "Heidelberg digits",
    "wind_greensboro": "wind at Greensboro", "wind_sand_point": "wind at Sand Point", "lorenz63": "Lorenz",
    "rossler": "Rössler", "mackey_glass": "Mackey-Glass", "narma10": "NARMA10",
}  # fmt: skip
GREY = "#555555"
#: Panels show at least this much: a point of accuracy to both sides, or 2 % of the error.
LEAST = {"accuracy": 0.01, "nrmse": 0.02}


def draw(rows: dict[str, dict[str, list[Row]]], result: dict[str, Any]) -> Figure:
    """Score over spikes of every data set; accuracy over labels and over decision time where there are classes."""
    panels: list[tuple[str, Callable[[Axes], None]]] = [
        (TITLES[k], lambda ax, r=r: _scores(ax, r)) for k, r in result.items()
    ]
    classified = {k: r for k, r in result.items() if r["task"] == "classification"}
    panels += [(f"{TITLES[k]}: few labels", lambda ax, r=r: _few(ax, r)) for k, r in classified.items()]
    panels += [
        (f"{TITLES[k]}: early", lambda ax, k=k: _early(ax, rows[k]))
        for k, r in classified.items() if "epsilon" in r["columns"]["honhos"]
    ]  # fmt: skip
    lines = -(-len(panels) // 4)
    figure = Figure(figsize=(11, 2.75 * lines + 0.4))
    figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.06)
    axes = figure.subplots(lines, 4, squeeze=False).ravel()
    for ax, (title, panel) in zip(axes, panels, strict=False):
        panel(ax)
        ax.set_title(title, fontsize="medium")
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[len(panels) :]:
        ax.remove()
    known = [Line2D([], [], label=label(n), **_look(n)) for n in CANONICAL]
    known += [
        Line2D([], [], color=GREY, ls="", marker="v", ms=7, mfc="none", label="HoNHoS driven harder"),
        Line2D([], [], color=GREY, ls="--", label="linear, same input"),
        Line2D([], [], color=GREY, ls=":", label="fixed time"),
        Line2D([], [], color=GREY, ls="", marker="*", ms=9, mfc="none", label="optimal cutoff time"),
    ]
    figure.legend(handles=known, loc="outside lower center", ncols=8, frameon=False, fontsize="small", columnspacing=1)
    return figure


def _look(network: str) -> dict[str, Any]:
    look = plots.style(network, 0)
    return look | {"mfc": "none" if network in ("honhes", "henhes") else look["color"], "ms": 7, "mew": 1.5, "lw": 1.3}


def _scores(ax: Axes, found: Row) -> None:
    for network, row in found["columns"].items():
        look = _look(network) | {"linestyle": ""}
        ax.plot(row["nu"], row["score"], **(look | {"ms": 3, "alpha": 0.5, "mew": 0.7}))
        ax.plot(np.mean(row["nu"]), np.mean(row["score"]), **look)
    if found["driven"]:
        nu, score = (float(np.mean(found["driven"][k])) for k in ("nu", "score"))
        ax.plot(nu, score, "v", ms=7, mfc="none", mew=1.5, color=GREY)
    middle, accuracy = sum(ax.get_ylim()) / 2, found["score"] == "accuracy"
    half = LEAST[found["score"]] * (1 if accuracy else middle)
    low, high = min(ax.get_ylim()[0], middle - half), max(ax.get_ylim()[1], middle + half)
    ax.set_ylim(low, high)
    linear = float(np.mean([row["linear"] for row in found["columns"].values()]))
    if low - 2 * (high - low) <= linear <= high + 2 * (high - low):
        ax.axhline(linear, color=GREY, ls="--", lw=1.2, zorder=1)
        room = 0.07 * (high - low)
        ax.set_ylim(min(low, linear - room), max(high, linear + room))
    else:
        above, room = linear > high, 0.14 * (high - low)
        ax.set_ylim((low, high + room) if above else (low - room, high))
        ax.text(
            0.98, 0.98 if above else 0.02, f"linear: {linear:.3g} {'↑' if above else '↓'}", transform=ax.transAxes,
            ha="right", va="top" if above else "bottom", fontsize="small", color=GREY,
        )  # fmt: skip
    ax.margins(x=0.12)
    ax.set(xlabel="spikes per neuron, ν")
    ax.set_ylabel("accuracy" if accuracy else "NRMSE (low is good)")


def _few(ax: Axes, found: Row) -> None:
    counts = [int(k.split()[0]) for k in found["columns"]["honhos"] if k.endswith(" labels")]
    for network, row in found["columns"].items():
        ax.plot(counts, [np.mean(row[f"{k} labels"]) for k in counts], **(_look(network) | {"ms": 5}))
    row = found["columns"]["honhos"]
    ax.plot(counts, [np.mean(row[f"{k} labels, linear"]) for k in counts], color=GREY, ls="--", lw=1.2)
    ax.set_xscale("log")
    ax.set_xticks(counts, [str(k) for k in counts])
    ax.minorticks_off()
    ax.set(xlabel="labels a class", ylabel="accuracy")


def _early(ax: Axes, cells: dict[str, list[Row]]) -> None:
    """Means over the seeds at each epsilon, of two networks."""
    for network in ("honhos", "henhes"):
        curves, look = [c["early"] for c in cells[network]], _look(network)

        def points(way: str, curves: list[Any] = curves) -> Any:
            return [
                np.mean([[p[q] / (c["full"]["time"] if q == "time" else 1) for p in c[way]] for c in curves], axis=0)
                for q in ("time", "accuracy")
            ]

        ax.plot(*points("points"), **(look | {"ms": 5, "linestyle": "-"}))
        ax.plot(*points("fixed"), color=look["color"], ls=":", lw=1.2)
        bound = np.mean([[c["bound"]["time"] / c["full"]["time"], c["bound"]["accuracy"]] for c in curves], axis=0)
        ax.plot(*bound, marker="*", ms=9, mfc="none", color=look["color"])
    ax.set(xlabel="time used (share)", ylabel="accuracy", xlim=(0, 1.03))
