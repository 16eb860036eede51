"""Figures of ways_to_save_spikes.py: one panel that says it all, and accuracy over every cost with its fronts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from study_kit import Row, floats
from ways_numbers import COSTS, TITLES

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
#: Ways of the one panel, and how they are called there: of every kind the one that a reader asks for first.
PANEL = {
    "base": "base: HeNHeS, trained by gradients", "STDP": "STDP instead of gradients",
    "price x 10": "ten times the price on spikes", "cutoff": "early decisions",
    "RCS, cutoff": "early decisions, trained for them (RCS)", "1 bit": "weights of 1 bit", "pruned 75 %": "75 % pruned",
    "pruned 75 %, 4 bits": "75 % pruned, weights of 4 bits", "1 bit, cutoff": "weights of 1 bit, early decisions",
    "pruned 75 %, cutoff": "75 % pruned, early decisions", "feed-forward": "spikes without recurrence",
    "ridge": "no spikes: linear model", "GRU": "no spikes: small GRU",
}  # fmt: skip
#: Loss of accuracy in points up to which a bar of the panel is full.
SMALL = 1.0


def shown(out: Row, families: Mapping[str, str]) -> list[str]:
    """Ways that are drawn: all that know all labels."""
    return [name for name in out["ways"] if families[name] != "few labels"]


def bars(out: Row, families: Mapping[str, str]) -> Figure:
    """Energy of a decision beside the base's, a bar a way of `PANEL`, the cheapest on top; pale: accuracy is lost."""
    names = [name for name in PANEL if name in out["ways"]]
    ratio = {n: 1.0 if n == "base" else floats(out["against base"][n]["energy"])[0] for n in names}
    names.sort(key=lambda n: -ratio[n])
    fig = Figure(figsize=(8.0, 1.2 + 0.3 * len(names)), layout="constrained")
    ax = fig.subplots()
    ax.axvline(1.0, color="0.3", lw=0.9, ls=":", zorder=0)
    for k, name in enumerate(names):
        less = 0.0 if name == "base" else 100 * floats(out["against base"][name]["accuracy"])[0]
        _, colour, _ = LOOKS[families[name]]
        ax.barh(k, ratio[name], color=colour, alpha=1.0 if less >= -SMALL else 0.25, height=0.7)
        ax.text(ratio[name], k, f" {100 * ratio[name]:.3g} %", va="center", fontsize="small")
        accuracy = f"{100 * out['ways'][name]['accuracy'][0]:.1f} %" if name == "base" else f"{less:+.1f}"
        ax.text(1.02, k, accuracy, va="center", fontsize="small", transform=ax.get_yaxis_transform())
    ax.text(1.02, len(names) - 0.3, "accuracy, points", fontsize="small", transform=ax.get_yaxis_transform())
    ax.set_yticks(range(len(names)), [PANEL[name] for name in names])
    ax.set(xscale="log", xlabel="energy of a decision, of the base's", ylim=(-0.6, len(names) - 0.4))
    low, high = min(ratio.values()), max(ratio.values())
    ax.set_xlim(low / 2, high * (high / low) ** 0.2)
    plain(ax)
    ticks = [t for t in ax.get_xticks() if low / 2 <= t <= 1.5 * high]
    ax.set_xticks(ticks, [f"{100 * t:g} %" for t in ticks])
    ax.set_title(f"What saves energy (pale: more than {SMALL:g} point of accuracy lost)", fontsize="medium", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    return fig


def plain(ax: Axes) -> None:
    """Few ticks of a logarithmic axis, as plain numbers."""
    low, high = ax.get_xlim()
    ratio = high / low
    subs = (1, 3) if ratio > 12 else (1, 2, 5) if ratio > 4 else (1, 1.5, 2, 3, 4, 6, 8)
    ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())


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
        axes[0].plot([], [], LOOKS[f][2], color=LOOKS[f][1], label=LOOKS[f][0], ls="none")[0]
        for f in LOOKS
        if f in used
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False)
    return fig


def panel(ax: Axes, out: Row, families: Mapping[str, str], cost: str) -> None:
    """Ways as points with their intervals; those that no way with spikes beats are joined, numbered and listed.

    A dotted line joins those that nothing beats, where that is something else.
    """
    title, unit, size = TITLES[cost]
    found = {n: out["ways"][n] for n in shown(out, families) if out["ways"][n][cost][0] > 0}
    front, every = out["fronts with spikes"][cost], out["fronts"].get(cost)
    for name, m in found.items():
        _, colour, marker = LOOKS[families[name]]
        x, (y, low, high) = m[cost][0] / size, floats(m["accuracy"])
        alpha = 1.0 if name in front["front"] or name == "base" else 0.45
        errors: Any = None if math.isnan(low) else [[y - low], [high - y]]
        ax.errorbar(x, y, yerr=errors, fmt=marker, color=colour, ms=9 if name == "base" else 5, lw=0.8, alpha=alpha)
    for line, look in ((front, "-"), (every, ":")):
        if line is not None and (line is front or line["front"] != front["front"]):
            steps = [(found[n][cost][0] / size, found[n]["accuracy"][0]) for n in line["front"]]
            ax.plot(*zip(*steps, strict=True), drawstyle="steps-post", color="0.3", lw=0.9, ls=look, zorder=0)
    lines = []
    for k, name in enumerate(front["front"], 1):
        place = found[name][cost][0] / size, found[name]["accuracy"][0]
        ax.annotate(f"{k}", place, xytext=(3, 4), textcoords="offset points", fontsize="small", weight="bold")
        lines.append(f"{k} {name} ({100 * front['share'][name]:.0f} %)")
    ax.text(
        0.98, 0.02, "\n".join(lines), transform=ax.transAxes, ha="right", va="bottom", fontsize="x-small",
        bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none"},
    )  # fmt: skip
    middle = np.array([m["accuracy"][0] for m in found.values()])
    room = 0.1 * max(np.ptp(middle), 0.01)
    worst = float(np.quantile(middle, 0.05))
    ax.set_ylim(worst - 3 * room, float(middle.max()) + 2 * room)
    ax.set(xscale="log", xlabel=f"{title} of a decision{f' ({unit})' if unit else ''}", ylabel="test accuracy")
    plain(ax)
    if cost == "bits":
        ax.set_xlabel("stored bits (kbit)")
    ax.spines[["top", "right"]].set_visible(False)


def interactions(ax: Axes, out: Row) -> None:
    """Both together over the product of the two, of every cost."""
    names = list(out["interactions"])
    for j, cost in enumerate(COSTS):
        found = np.array([floats(out["interactions"][n][cost]["factor"]) for n in names])
        mean, low, high = found.T
        y = np.arange(len(names)) + 0.15 * (j - 2)
        ax.errorbar(mean, y, xerr=[mean - low, high - mean], fmt="o", ms=4, capsize=2, label=TITLES[cost][0])
    ax.axvline(1.0, color="0.3", lw=0.9, ls=":")
    ax.set_yticks(range(len(names)), [name.replace(" x ", " x\n") for name in names], fontsize="small")
    factors = np.array([floats(m[c]["factor"])[0] for m in out["interactions"].values() for c in COSTS])
    ax.set(xscale="log", xlabel="both over the product (below 1: saves more)")
    ax.set_xlim(min(0.5, 0.8 * np.nanmin(factors)), max(2.0, 1.25 * np.nanmax(factors)))
    plain(ax)
    ax.invert_yaxis()
    ax.legend(fontsize="x-small", framealpha=0.8)
    ax.spines[["top", "right"]].set_visible(False)
