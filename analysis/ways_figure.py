"""Figures of ways_to_save_spikes.py: one panel that says it all, and accuracy over every cost with its front."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from study_kit import Row
from ways_numbers import COSTS, TITLES, numbers

#: Families of ways: what they are called, colour, marker.
LOOKS = {
    "base": ("base", "#111111", "*"),
    "network": ("another network or rule", "#7A4FB5", "s"),
    "price": ("price on spikes", "#2F6F8F", "o"),
    "early": ("early decisions", "#D55E00", "^"),
    "bits": ("fewer bits", "#009E73", "D"),
    "pruned": ("pruned", "#B8860B", "v"),
    "combined": ("two together", "#C2185B", "P"),
    "control": ("control", "#9AA5AD", "x"),
    "reference": ("without recurrence, or without spikes", "#6B7A85", "h"),
}
#: Loss of accuracy in points up to which a bar of the panel is full.
SMALL = 1.0


def shown(out: Row, families: Mapping[str, str]) -> list[str]:
    """Ways that are drawn: all that know all labels."""
    return [name for name in out["ways"] if families[name] != "few labels"]


def bars(out: Row, families: Mapping[str, str]) -> Figure:
    """Energy of a decision beside the base's, a bar a way, the cheapest first; pale where accuracy is lost."""
    names = [n for n in shown(out, families) if families[n] != "control"]
    ratio = {n: 1.0 if n == "base" else numbers(out["against base"][n]["energy"])[0] for n in names}
    names.sort(key=lambda n: -ratio[n])
    fig = Figure(figsize=(7.2, 1.2 + 0.24 * len(names)), layout="constrained")
    ax = fig.subplots()
    for k, name in enumerate(names):
        lost = 0.0 if name == "base" else -100 * numbers(out["against base"][name]["accuracy"])[0]
        _, colour, _ = LOOKS[families[name]]
        ax.barh(k, ratio[name], color=colour, alpha=1.0 if lost <= SMALL else 0.25, height=0.7)
        text = "" if name == "base" else f"{-lost:+.1f} points"
        ax.text(ratio[name], k, f" {100 * ratio[name]:.3g} %   {text}", va="center", fontsize="small")
    ax.axvline(1.0, color="0.3", lw=0.9, ls=":")
    ax.set_yticks(range(len(names)), names, fontsize="small")
    ax.set(xscale="log", xlabel="energy of a decision, of the base's", ylim=(-0.6, len(names) - 0.4))
    low, high = min(ratio.values()), max(ratio.values())
    ax.set_xlim(low / 2, high * (high / low) ** 0.35)
    ticks = [t for t in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0) if low / 2 <= t <= 1.5 * high]
    ax.set_xticks(ticks, [f"{100 * t:g} %" for t in ticks])
    ax.minorticks_off()
    ax.set_title(f"What saves energy; pale: more than {SMALL:g} point of accuracy lost", fontsize="medium", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def figure(out: Row, families: Mapping[str, str]) -> Figure:
    """Accuracy over each cost with the front of means, and interactions as factors."""
    fig = Figure(figsize=(13.5, 8.4), layout="constrained")
    axes = fig.subplots(2, 3).ravel()
    for ax, cost in zip(axes, COSTS, strict=False):
        panel(ax, out, families, cost)
    if out["interactions"]:
        interactions(axes[5], out)
    else:
        axes[5].set_axis_off()
    used = dict.fromkeys(families[n] for n in shown(out, families))
    handles = [
        axes[0].plot([], [], LOOKS[f][2], color=LOOKS[f][1], label=LOOKS[f][0], ls="none")[0] for f in LOOKS if f in used
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False)
    return fig


def panel(ax: Axes, out: Row, families: Mapping[str, str], cost: str) -> None:
    """Ways as points with their intervals; those of the front are named and joined by steps."""
    title, unit, size = TITLES[cost]
    found = {n: out["ways"][n] for n in shown(out, families) if out["ways"][n][cost][0] > 0}
    front = [n for n in out["fronts"][cost]["front"] if n in found]
    for name, m in found.items():
        _, colour, marker = LOOKS[families[name]]
        x, (y, low, high) = m[cost][0] / size, numbers(m["accuracy"])
        alpha = 1.0 if name in front or name == "base" else 0.45
        errors: Any = None if math.isnan(low) else [[y - low], [high - y]]
        ax.errorbar(x, y, yerr=errors, fmt=marker, color=colour, ms=9 if name == "base" else 5, lw=0.8, alpha=alpha)
    x = [found[n][cost][0] / size for n in front]
    y = [found[n]["accuracy"][0] for n in front]
    ax.plot(x, y, drawstyle="steps-post", color="0.3", lw=0.9, zorder=0)
    for k, name in enumerate(front):
        share = 100 * out["fronts"][cost]["share"][name]
        ax.annotate(
            f"{name} ({share:.0f} %)", (x[k], y[k]), xytext=(4, -10 if k % 2 else 5), textcoords="offset points",
            fontsize="x-small",
        )  # fmt: skip
    middle = np.array([m["accuracy"][0] for m in found.values()])
    room = 0.1 * max(np.ptp(middle), 0.01)
    worst = float(np.quantile(middle, 0.05))
    ax.set_ylim(worst - 3 * room, float(middle.max()) + 2 * room)
    ax.set(xscale="log", xlabel=f"{title} of a decision{f' ({unit})' if unit else ''}", ylabel="test accuracy")
    if cost == "bits":
        ax.set_xlabel("stored bits (kbit)")
    ax.spines[["top", "right"]].set_visible(False)


def interactions(ax: Axes, out: Row) -> None:
    """Both together over the product of the two, of every cost."""
    names = list(out["interactions"])
    for j, cost in enumerate(COSTS):
        found = np.array([numbers(out["interactions"][n][cost]["factor"]) for n in names])
        mean, low, high = found.T
        y = np.arange(len(names)) + 0.15 * (j - 2)
        ax.errorbar(mean, y, xerr=[mean - low, high - mean], fmt="o", ms=4, capsize=2, label=TITLES[cost][0])
    ax.axvline(1.0, color="0.3", lw=0.9, ls=":")
    ax.set_yticks(range(len(names)), names, fontsize="small")
    ax.set(xscale="log", xlabel="cost of both over the product of the two")
    ax.invert_yaxis()
    ax.legend(frameon=False, fontsize="x-small")
    ax.spines[["top", "right"]].set_visible(False)
