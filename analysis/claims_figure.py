"""The figures of the study of the claims, and the prediction that one of them shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import special
from study_kit import Row, Study

from hetero_rsnn.theory.weights import mean_logistic

Array = NDArray[np.float64]

CLAIMS = {
    "H1": "C(HeN) > C(HoN)",
    "H2": "S(HeS) < S(HoS)",
    "H3": "C(HeS) = C(HoS) within 10 %",
    "H4": "E(HeNHeS) largest",
    "H5": "C falls with state correlation",
}
COLOURS = {"shipped": "#000000", "strong recurrence": "#009E73", "strong input": "#CC79A7"}


def predicted_weight(ratio: Any, cv: Any) -> Array:
    """E[logistic(z)] for z normal, mean -log(ratio), variance 4 trigamma(1/cv^2): mean weight as a share of w_max.

    The moments of z are exact for gamma distributed parameters: E[log X] = log(mean) + digamma(k) - log k and
    Var[log X] = trigamma(k) with k = 1/cv^2; the terms of z in digamma cancel.
    """
    ratio, cv = np.broadcast_arrays(np.asarray(ratio, float), np.asarray(cv, float))
    safe = np.where(cv > 0, cv, 1.0)
    sd = np.where(cv > 0, np.sqrt(4 * special.polygamma(1, 1 / safe**2)), 0.0)
    return mean_logistic(-np.log(ratio), sd)


def percent(e: Row) -> str:
    if not _known(e):
        return "has no value"
    return f"{e['mean']:+.0%} [{e['low']:+.0%}, {e['high']:+.0%}]"


def band(ax: Axes, x: Sequence[float], rows: Sequence[Row], **look: Any) -> None:
    """A line with its 95 % band."""
    values = np.array([[np.nan if r[k] is None else r[k] for k in ("mean", "low", "high")] for r in rows], dtype=float)
    ax.fill_between(x, values[:, 1], values[:, 2], color=look["color"], alpha=0.2, lw=0)
    ax.plot(x, values[:, 0], **look)


def sweeps_figure(study: Study, result: dict[str, Any]) -> Figure:
    """C, S, E, state correlation and H over the spread of neurons (above) and synapses (below)."""
    quantities = {"C": "C (samples)", "S": "S (spikes a sample)", "E": "E = C / S", "correlation": "state correlation",
                  "H": "H (nats)"}  # fmt: skip
    fig = Figure(figsize=(11, 5.4), layout="constrained")
    axes = fig.subplots(2, len(quantities), sharex=True, sharey="col")
    sizes = study.setting["sizes"]
    for i, kind in enumerate(("neurons", "synapses")):
        for j, (quantity, text) in enumerate(quantities.items()):
            ax = axes[i, j]
            for point in study.setting["points"]:
                for size, dashes in zip(sizes, ("-", "--"), strict=False):
                    found = result["sweeps"][f"{point}, {size} neurons"][kind]
                    name = f"{point}, {size} neurons" if i == j == 0 else None
                    band(ax, found["cv"], found[quantity], color=COLOURS[point], linestyle=dashes, label=name, lw=1.5)
            if quantity == "correlation":
                ax.set_yscale("log")
            elif quantity != "H":
                ax.set_ylim(bottom=0)
            ax.spines[["top", "right"]].set_visible(False)
            ax.set_ylabel(text)
            ax.tick_params(labelleft=True)
            if i == 1:
                ax.set_xlabel("cv")
        axes[i, 0].set_title(f"spread of the {kind}", loc="left", fontsize="medium", fontweight="bold")
    fig.legend(loc="outside upper center", ncols=3, frameon=False)
    return fig


def verdicts_figure(result: dict[str, Any]) -> Figure:
    """A table of all claims."""
    fig = Figure(figsize=(9.5, 4.0), layout="constrained")
    verdicts(fig.subplots(), result["claims"])
    return fig


def regime_figure(result: dict[str, Any]) -> Figure:
    """The map of H2 with its prediction, mean weights against prediction, families of spread."""
    fig = Figure(figsize=(9.5, 7.4), layout="constrained")
    axes = fig.subplots(2, 2)
    fig.colorbar(regime_map(axes[0, 0], result["map"]), ax=axes[0, 0], label="change of S against cv = 0")
    weights(axes[0, 1], result["map"])
    families(axes[1, 0], result["families"], "C", "C (samples)")
    families(axes[1, 1], result["families"], "E", "E = C / S")
    axes[1, 0].legend(frameon=False, title="spread of the neurons")
    return fig


def verdicts(ax: Axes, found: dict[str, Any]) -> None:
    """A table of claims and settings with the differences; colour and word say the verdict."""
    colours = {"holds": "#CFE8CF", "open": "#EEEEEE", "not asked": "#EEEEEE", "mixed": "#F5E6B8", "fails": "#F6CFC4"}
    ax.set(xlim=(0, len(found)), ylim=(len(CLAIMS), 0))
    for j, (name, row) in enumerate(found.items()):
        ax.text(j + 0.5, -0.1, name.replace(", ", "\n"), ha="center", va="bottom", fontsize="small")
        for i, claim in enumerate(CLAIMS):
            cell = row[claim]
            ax.add_patch(_box(j, i, colours[cell["verdict"]]))
            text = cell["verdict"]
            for e in cell["differences"].values():
                text += "\n" + (_bare(e) if claim == "H5" else _short(e))
            ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=7, linespacing=1.05)
    which = {
        "H1": "HoS, HeS",
        "H2": "HoN, HeN",
        "H3": "HoN, HeN",
        "H4": "to HoNHoS, HeNHoS, HoNHeS",
        "H5": "rank correlation: all cv, cv up to 0.55",
    }
    names = [f"{k}  {v}\n({which[k]})" for k, v in CLAIMS.items()]
    ax.set_yticks(np.arange(len(CLAIMS)) + 0.5, names, fontsize="small")
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _bare(e: Row) -> str:
    return f"{e['mean']:+.2f} [{e['low']:+.2f}, {e['high']:+.2f}]" if _known(e) else "no value"


def _short(e: Row) -> str:
    if not _known(e):
        return "no value"
    digits = 0 if abs(e["mean"]) >= 0.1 else 1
    return "{:+.{d}f} [{:+.{d}f}, {:+.{d}f}] %".format(*(100 * e[k] for k in ("mean", "low", "high")), d=digits)


def _known(e: Row) -> bool:
    return not math.isnan(e["low"])


def _box(x: float, y: float, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x + 0.02, y + 0.03), 0.96, 0.94, color=colour, lw=0)


def regime_map(ax: Axes, m: dict[str, Any]) -> Any:
    """Change of S over learning balance and spread; contours are the predicted change of the mean weight."""
    values = np.array([[e["mean"] for e in line] for line in m["S relative to cv = 0"]])
    x, y = np.arange(len(m["cv"])), np.arange(len(m["r"]))
    limit = float(np.abs(values).max())
    image = ax.pcolormesh(x, y, values, cmap="RdBu_r", vmin=-limit, vmax=limit, shading="nearest")
    for i, line in enumerate(m["verdict"]):
        for j, word in enumerate(line):
            if word == "unclear":
                ax.plot(j, i, "x", color="black", ms=6)
    fine_cv, fine_r = np.linspace(0, len(x) - 1, 120), np.linspace(0, len(y) - 1, 160)
    r = np.exp(np.interp(fine_r, y, np.log(m["r"])))
    cv = np.interp(fine_cv, x, m["cv"])
    change = predicted_weight(r[:, None], cv[None, :]) - predicted_weight(r[:, None], np.zeros((1, 1)))
    lines = ax.contour(fine_cv, fine_r, change, levels=(-0.15, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.15),
                       colors="black", linewidths=0.8)  # fmt: skip
    ax.clabel(lines, fmt="%+.2f", fontsize=7)
    ax.axhline(float(np.interp(0.0, np.log(m["r"]), y)), color="black", lw=0.8, ls=":")
    ax.set_xticks(x, [f"{v:g}" for v in m["cv"]])
    ax.set_yticks(y, [f"{v:g}" for v in m["r"]])
    ax.set(xlabel="cv of the synapses", ylabel="eta- / eta+")
    ax.set_title("H2: colour S, measured; lines mean weight,\npredicted change; x: interval holds 0", fontsize="medium")
    return image


def weights(ax: Axes, m: dict[str, Any]) -> None:
    """Mean weights, measured against predicted."""
    have = np.array([[e["mean"] for e in line] for line in m["weight"]])
    want = np.array(m["predicted weight"])
    points = None
    for i in range(len(m["r"])):
        points = ax.scatter(want[i], have[i], c=m["cv"], cmap="viridis", s=22, vmin=0, vmax=max(m["cv"]), zorder=3)
        ax.plot(want[i], have[i], color="0.8", lw=0.8, zorder=1)
    ax.axline((0.5, 0.5), slope=1, color="black", lw=0.8, ls=":")
    ax.set(xlabel="predicted E[logistic(z)]", ylabel="measured", xlim=(0.2, 1), ylim=(0.2, 1))
    ax.set_title("mean weight / w_max", fontsize="medium")
    ax.figure.colorbar(points, ax=ax, label="cv of the synapses")


def families(ax: Axes, found: dict[str, Any], quantity: str, text: str) -> None:
    """C or E over the spread of the neurons for three families of distributions."""
    names = {"gamma": "gamma", "lognormal": "lognormal", "truncated_normal": "symmetric"}
    looks = (("#0072B2", "-"), ("#D55E00", "--"), ("#7F7F7F", ":"))
    for (family, name), (colour, dashes) in zip(names.items(), looks, strict=True):
        rows = found[family]
        band(ax, rows["cv"], rows[quantity], color=colour, linestyle=dashes, marker="o", ms=4, label=name)
    ax.set(xlabel="cv of the neurons", ylabel=text, ylim=(0, None))
