"""How much memory can be had for how many spikes, with heterogeneity and without?

Method, with networks of 200 neurons: two searches with the same budget for the front of capacity C (large) and spike
count S (small): `paper` may choose means and spreads of six distributions, `homogeneous` the same six means alone.
Both are repeated with other seeds of the search and of the networks. The members of each front are then measured
again on seeds that no search has seen. Compared is the capacity that is reached with at most so many spikes: by the
member that looked best on the seeds of its search, valued on the fresh ones.

Finding: heterogeneity pays when both are tuned. The largest E is 47.7 [45.9, 49.6] with it and 40.1 [38.6, 41.7]
without, the largest C 3.58 and 2.76, and within the same budget of spikes (0.07 and more a sample) C is a quarter
larger. Below that the two cannot be told apart: few searches found networks so quiet. More: docs/findings.md.

    python analysis/efficiency_vs_capacity.py [--quick] [--out FOLDER] [--workers N]

About three quarters of an hour on two busy cores. Every search has a journal of its own below FOLDER,
every re-measured network is a cell of another: stop it when you like and start it again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from study_kit import Row, Study, as_json, begun, fail_politely, mean

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.network.shipped import CANONICAL, label
from hetero_rsnn.searching.objectives import pareto_front

Array = NDArray[np.float64]

WAYS = {"heterogeneous": "paper", "homogeneous": "homogeneous"}
#: Spikes of a neuron per sample; beyond about 0.1 tuned homogeneous networks have no use for more.
BUDGETS = (0.06, 0.0625, 0.065, 0.07, 0.075, 0.08, 0.09, 0.1)
LOOKS = {"heterogeneous": ("#D55E00", "D"), "homogeneous": ("#000000", "o")}


def setting(quick: bool) -> dict[str, Any]:
    """Budget, seeds and size."""
    if quick:
        small = {"n": 60, "protocol.samples": 1200, "protocol.d_max": 20, "protocol.train": "2 s"}
        return {"overrides": small, "budget": 10, "initial": 6, "seeds": 1, "repeats": 2, "fresh": 3}
    small = {"n": 200, "protocol.d_max": 100}  # of the shipped protocol, so that five searches a side take minutes
    return {"overrides": small, "budget": 80, "initial": 24, "seeds": 3, "repeats": 5, "fresh": 12}


def searched(study: Study, way: str, repeat: int) -> hr.SearchResult:
    """One search, from its journal where that has it already."""
    s = study.setting
    path = study.out / f"{way}-{repeat}.jsonl"

    def watch(what: str, done: int, total: int, trial: Any) -> None:
        if what == "trial" and (done % 10 == 0 or done == total):
            print(f"{way}, search {repeat}: {done} of {total}", flush=True)

    return hr.search(
        hr.load_space(WAYS[way], **s["overrides"]),
        objective="pareto",
        budget=s["budget"],
        initial=s["initial"],
        batch=4,
        seeds=range(100 * repeat, 100 * repeat + s["seeds"]),
        seed=repeat,
        remeasure=0,
        workers=study.workers,
        journal=path,
        resume=begun(path),
        progress=watch,
    )


def chosen(members: list[Row], way: str, repeat: int, value: str, most: float = math.inf) -> Row | None:
    """The member of a front that looked best on the seeds of its search, with at most so many spikes there."""
    mine = [m for m in members if (m["way"], m["repeat"]) == (way, repeat) and m["seen"]["S"] <= most]
    return max(mine, key=lambda m: float(m["seen"][value]), default=None)


def compared(members: list[Row], repeats: int, value: str, most: float = math.inf) -> Row:
    """Fresh values of the members chosen, of both ways and their ratio.

    Members are chosen on the seeds of the search and valued on others. Intervals are percentiles of a bootstrap over
    searches and fresh seeds together, both kinds of chance that another study would meet; the fresh seeds are the same
    for all, so they are drawn in pairs.
    """
    picked = {way: [chosen(members, way, k, value, most) for k in range(repeats)] for way in WAYS}
    both = [k for k in range(repeats) if all(picked[way][k] is not None for way in WAYS)]
    out: Row = {"searches": len(both), "at most": most}
    if len(both) < 2:
        return out
    table = {
        way: np.array([[math.nan if v is None else v for v in (rows[k] or {})["fresh"][value]] for k in both], float)
        for way, rows in picked.items()
    }
    ours, theirs = table.values()
    rng = np.random.default_rng(0)
    samples: dict[str, list[float]] = {"heterogeneous": [], "homogeneous": [], "gain": []}
    for _ in range(4000):
        rows = rng.integers(len(both), size=len(both))
        columns = rng.integers(ours.shape[1], size=ours.shape[1])
        a, b = (float(np.mean(x[np.ix_(rows, columns)])) for x in (ours, theirs))
        for key, v in zip(samples, (a, b, a / b - 1), strict=True):
            samples[key].append(v)
    a, b = float(np.mean(ours)), float(np.mean(theirs))
    for key, v in zip(samples, (a, b, a / b - 1), strict=True):
        low, high = np.percentile(samples[key], [2.5, 97.5])
        out[key] = {"mean": v, "low": float(low), "high": float(high)}
    return out


def measure_all(study: Study) -> dict[str, Any]:
    """Searches, re-measured fronts, and the canonical networks on the same fresh seeds."""
    s = study.setting
    fresh = range(5000, 5000 + s["fresh"])
    members: list[Row] = []
    trials: list[Row] = []
    for repeat in range(s["repeats"]):
        for way in WAYS:
            result = searched(study, way, repeat)
            trials += [
                {"way": way, "repeat": repeat, "C": t.C, "S": t.S, "E": t.C / t.S} for t in result.trials if t.feasible
            ]
            for t in result.front:
                row = study.measured(result.network(t), fresh, label=f"{way}, search {repeat}, trial {t.number} again")
                seen = {"C": t.C, "S": t.S, "E": t.C / t.S}
                found = {q: as_json(mean(row, q)) for q in ("C", "S", "E", "rate_hz")}
                again = {q: row[q] for q in ("C", "S", "E")}
                members.append(
                    {"way": way, "repeat": repeat, "trial": t.number, "seen": seen, "fresh": again, "point": t.point}
                    | found
                )
    canonical = {}
    for name in CANONICAL:
        row = study.measured(hr.load_network(name, **s["overrides"]), fresh, label=name)
        canonical[name] = {q: as_json(mean(row, q)) for q in ("C", "S", "E", "rate_hz")}
    return {
        "members": members,
        "trials": trials,
        "canonical": canonical,
        "largest C": compared(members, s["repeats"], "C"),
        "largest E": compared(members, s["repeats"], "E"),
        "levels": [compared(members, s["repeats"], "C", level) for level in BUDGETS],
    }


def findings(result: dict[str, Any]) -> list[str]:
    """The answer in sentences, from the numbers."""

    def said(row: Row, form: str) -> str:
        if "gain" not in row:
            return "fewer than two pairs of searches have such a network"
        parts = [f"{k} {row[k]['mean']:{form}} [{row[k]['low']:{form}}, {row[k]['high']:{form}}]" for k in WAYS]
        g = row["gain"]
        return f"{', '.join(parts)}, {g['mean']:+.0%} [{g['low']:+.0%}, {g['high']:+.0%}] ({row['searches']} pairs)"

    out = [f"Largest C: {said(result['largest C'], '.2f')}.", f"Largest E: {said(result['largest E'], '.1f')}."]
    return out + [f"C with at most {r['at most']:g} spikes a sample: {said(r, '.2f')}." for r in result["levels"]]


def draw_figure(result: dict[str, Any]) -> Figure:
    """E over C, S over C, and the capacity within a budget of spikes."""
    fig = Figure(figsize=(12, 4.2), layout="constrained")
    axes = fig.subplots(1, 3, width_ratios=(1.25, 1, 1))
    for ax, y, text in ((axes[0], "E", "spike efficiency E = C / S"), (axes[1], "S", "S (spikes a sample)")):
        for way, (colour, marker) in LOOKS.items():
            points = [(t["C"], t[y]) for t in result["trials"] if t["way"] == way]
            if points:
                ax.scatter(*zip(*points, strict=True), s=5, alpha=0.18, color=colour, lw=0)
            front_lines(ax, [m for m in result["members"] if m["way"] == way], y, colour, marker, way)
        for i, (name, row) in enumerate(result["canonical"].items()):
            look = plots.style(name, i)
            ax.plot(row["C"]["mean"], row[y]["mean"], look["marker"], color=look["color"], mec="white", ms=10, zorder=5)
            if y == "E":
                place = (6, -12) if name in ("honhes", "henhes") else (6, 7)
                ax.annotate(label(name), (row["C"]["mean"], row[y]["mean"]), xytext=place, textcoords="offset points",
                            fontsize="small", color=look["color"])  # fmt: skip
        ax.set(xlabel="memory capacity C (samples)", ylabel=text, ylim=(0, None))
    axes[0].legend(frameon=False, title="tuned, measured on fresh seeds", title_fontsize="small", loc="lower right")
    gains(axes[2], [r for r in result["levels"] if "gain" in r])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return fig


def gains(ax: Axes, rows: list[Row]) -> None:
    """Capacity reached within a budget of spikes."""
    s = [r["at most"] for r in rows]
    for way, (colour, marker) in LOOKS.items():
        values = np.array([[r[way][k] for k in ("mean", "low", "high")] for r in rows], float).reshape(-1, 3)
        ax.fill_between(s, values[:, 1], values[:, 2], color=colour, alpha=0.2, lw=0)
        ax.plot(s, values[:, 0], color=colour, marker=marker, ms=4)
    for r in rows[::2]:
        ax.annotate(f"{r['gain']['mean']:+.0%}", (r["at most"], r["heterogeneous"]["mean"]), xytext=(0, 9),
                    textcoords="offset points", ha="center", fontsize=7)  # fmt: skip
    ax.set(xlabel="spikes allowed (per neuron and sample)", ylabel="memory capacity C (samples)", ylim=(0, None))
    ax.set_ylim(top=1.1 * ax.get_ylim()[1])
    ax.margins(x=0.08)
    ax.xaxis.set_major_locator(MaxNLocator(5))


def front_lines(ax: Axes, members: list[Row], y: str, colour: str, marker: str, name: str) -> None:
    """Re-measured members with 95 % intervals; a line a search through those that no other beats."""
    for k in sorted({m["repeat"] for m in members}):
        mine = [m for m in members if m["repeat"] == k and not math.isnan(m["E"]["mean"])]
        front = [mine[i] for i in pareto_front([m["C"]["mean"] for m in mine], [m["S"]["mean"] for m in mine])]
        ax.plot([m["C"]["mean"] for m in front], [m[y]["mean"] for m in front], color=colour, lw=1, alpha=0.7)
        for m in front:
            ax.errorbar(m["C"]["mean"], m[y]["mean"], [[m[y]["mean"] - m[y]["low"]], [m[y]["high"] - m[y]["mean"]]],
                        [[m["C"]["mean"] - m["C"]["low"]], [m["C"]["high"] - m["C"]["mean"]]],
                        fmt=marker, color=colour, ms=4, lw=0.7)  # fmt: skip
    ax.plot([], [], marker=marker, color=colour, ms=5, lw=1, label=name)


def main() -> None:
    """Run the study."""
    study = Study("efficiency_vs_capacity", __doc__, setting)
    result = measure_all(study)
    study.finish(result, draw_figure(result), findings=findings(result))


if __name__ == "__main__":
    fail_politely(main)
