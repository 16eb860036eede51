"""How much memory can be had for how many spikes, with heterogeneity and without?

Method, with networks of 200 neurons: two searches with the same budget for the front of capacity C (large) and spike
count S (small): `paper` may choose means and spreads of six distributions, `homogeneous` the same six means alone.
Both are repeated with other seeds of the search and of the networks. The members of each front are then measured
again on seeds that no search has seen, and only those numbers count. Compared is the capacity that is reached with at
most so many spikes, search by search.

Finding: yes, heterogeneity pays when both are tuned: the largest E on the front is 48.2 [47.8, 48.6] with it and 40.4
[39.5, 41.3] without, the largest C 3.59 and 2.77, and at equal spikes C is a quarter larger, but for the quietest
networks, where the fronts meet. More: docs/findings.md.

    python analysis/efficiency_vs_capacity.py [--quick] [--out FOLDER] [--workers N]

About a quarter of an hour on two cores that do nothing else. Every search has a journal of its own below FOLDER,
every re-measured network is a cell of another: stop it when you like and start it again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from study_kit import Row, Study, as_json, fail_politely, mean

import hetero_rsnn as hr
from hetero_rsnn.comparison import CANONICAL
from hetero_rsnn.objectives import hypervolume, pareto_front
from hetero_rsnn.plots import label, style
from hetero_rsnn.study import Estimate, estimate

Array = NDArray[np.float64]

WAYS = {"heterogeneous": "paper", "homogeneous": "homogeneous"}
LOOKS = {"heterogeneous": ("#D55E00", "D"), "homogeneous": ("#000000", "o")}


def setting(quick: bool) -> dict[str, Any]:
    """Budget, seeds and size."""
    if quick:
        small = {"n": 60, "protocol.samples": 1200, "protocol.d_max": 20, "protocol.train": "2 s"}
        return {"overrides": small, "budget": 10, "initial": 6, "seeds": 1, "repeats": 2, "members": 3, "fresh": 3}
    small = {"n": 200, "protocol.d_max": 100}  # of the shipped protocol, so that five searches a side take minutes
    return {"overrides": small, "budget": 80, "initial": 24, "seeds": 3, "repeats": 5, "members": 8, "fresh": 12}


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
        resume=path.exists(),
        progress=watch,
    )


def spread_out(front: tuple[Any, ...], count: int) -> list[Any]:
    """At most `count` members of a front, evenly by rank, both ends included."""
    chosen = np.unique(np.linspace(0, len(front) - 1, min(count, len(front))).round().astype(int))
    return [front[i] for i in chosen]


def reached(c: Array, s: Array, most: float) -> float:
    """Largest capacity of a front with at most so many spikes; NaN if it has no network that quiet."""
    enough = c[s <= most]
    return float(enough.max()) if enough.size else math.nan


def compared(rows: list[Row], levels: list[float]) -> list[Row]:
    """Capacity with at most so many spikes, over the repeats, and the paired gain where both have such a network."""
    out = []
    repeats = sorted({r["repeat"] for r in rows})
    for level in levels:
        got: dict[str, list[float]] = {}
        for way in WAYS:
            mine = [[r for r in rows if r["way"] == way and r["repeat"] == k] for k in repeats]
            got[way] = [
                reached(np.array([r["C"]["mean"] for r in m]), np.array([r["S"]["mean"] for r in m]), level)
                for m in mine
            ]
        ours, theirs = (np.array(got[way]) for way in WAYS)
        out.append(
            {
                "S": level,
                "C": {way: as_json(estimate(v)) for way, v in got.items()},
                "reached by": {way: int(np.isfinite(v).sum()) for way, v in got.items()},
                "gain": as_json(estimate(ours / theirs - 1)),
            }
        )
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
            for t in spread_out(result.front, s["members"]):
                row = study.measured(result.network(t), fresh, label=f"{way}, search {repeat}, trial {t.number} again")
                seen = {"C": t.C, "S": t.S}
                found = {q: as_json(mean(row, q)) for q in ("C", "S", "E", "rate_hz")}
                members.append(
                    {"way": way, "repeat": repeat, "trial": t.number, "seen": seen, "point": t.point, **found}
                )
    volumes = {
        way: [
            hypervolume([r["C"]["mean"] for r in m], [r["S"]["mean"] for r in m], (0.0, 0.5))
            for m in ([r for r in members if (r["way"], r["repeat"]) == (way, k)] for k in range(s["repeats"]))
        ]
        for way in WAYS
    }
    ours, theirs = (np.array(v) for v in volumes.values())
    canonical = {
        name: {
            q: as_json(mean(row, q))
            for q in ("C", "S", "E", "rate_hz")
            for row in [study.measured(hr.load_network(name, **s["overrides"]), fresh, label=name)]
        }
        for name in CANONICAL
    }
    levels = [0.06, 0.065, 0.07, 0.08, 0.09, 0.1, 0.12, 0.15]
    best = {
        way: [max(_value(r["E"]) for r in members if (r["way"], r["repeat"]) == (way, k)) for k in range(s["repeats"])]
        for way in WAYS
    }
    largest = {
        way: [max(r["C"]["mean"] for r in members if (r["way"], r["repeat"]) == (way, k)) for k in range(s["repeats"])]
        for way in WAYS
    }
    return {
        "members": members,
        "trials": trials,
        "canonical": canonical,
        "hypervolume": {w: as_json(estimate(v)) for w, v in volumes.items()},
        "hypervolume, heterogeneous / homogeneous": as_json(estimate(ours / np.where(theirs > 0, theirs, np.nan))),
        "largest C": {w: as_json(estimate(v)) for w, v in largest.items()},
        "largest E": {w: as_json(estimate(v)) for w, v in best.items()},
        "levels": compared(members, levels),
    }


def _value(e: Row) -> float:
    return -math.inf if e["mean"] is None or math.isnan(e["mean"]) else float(e["mean"])


def findings(result: dict[str, Any]) -> list[str]:
    """The answer in sentences, from the numbers."""

    def said(e: Row, form: str = ".3g") -> str:
        return f"{e['mean']:{form}} [{e['low']:{form}}, {e['high']:{form}}]"

    out = [
        f"{quantity} on the front: heterogeneous {said(result[key]['heterogeneous'])}, "
        f"homogeneous {said(result[key]['homogeneous'])}."
        for key, quantity in (("largest C", "Largest C"), ("largest E", "Largest E"))
    ]
    out.append(
        "Area below the front: heterogeneous / homogeneous = "
        f"{said(result['hypervolume, heterogeneous / homogeneous'])}."
    )
    for row in result["levels"]:
        e = Estimate(**row["gain"])
        if e.n >= 2:
            out.append(
                f"At most {row['S']:g} spikes a sample: C = {row['C']['heterogeneous']['mean']:.2f} heterogeneous, "
                f"{row['C']['homogeneous']['mean']:.2f} homogeneous, {e.mean:+.0%} [{e.low:+.0%}, {e.high:+.0%}] "
                f"({e.n} pairs of searches)."
            )
    return out


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
            look = style(name, i)
            ax.plot(row["C"]["mean"], row[y]["mean"], look["marker"], color=look["color"], mec="white", ms=10, zorder=5)
            if y == "E":
                place = (6, -12) if name in ("honhes", "henhes") else (6, 7)
                ax.annotate(label(name), (row["C"]["mean"], row[y]["mean"]), xytext=place, textcoords="offset points",
                            fontsize="small", color=look["color"])  # fmt: skip
        ax.set(xlabel="memory capacity C (samples)", ylabel=text, ylim=(0, None))
    axes[0].legend(frameon=False, title="tuned, measured on fresh seeds", title_fontsize="small", loc="lower right")
    gains(axes[2], [r for r in result["levels"] if r["gain"]["n"] >= 2])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return fig


def gains(ax: Axes, rows: list[Row]) -> None:
    """Capacity reached within a budget of spikes."""
    for way, (colour, marker) in LOOKS.items():
        values = np.array([[r["C"][way][k] for k in ("mean", "low", "high")] for r in rows], float).reshape(-1, 3)
        s = [r["S"] for r in rows]
        ax.fill_between(s, values[:, 1], values[:, 2], color=colour, alpha=0.2, lw=0)
        ax.plot(s, values[:, 0], color=colour, marker=marker, ms=4)
    for r in rows:
        ax.annotate(f"{r['gain']['mean']:+.0%}", (r["S"], r["C"]["heterogeneous"]["mean"]), xytext=(0, 7),
                    textcoords="offset points", ha="center", fontsize=7)  # fmt: skip
    ax.set(xlabel="spikes allowed (per neuron and sample)", ylabel="memory capacity C (samples)", ylim=(0, None))
    ax.set_ylim(top=1.1 * ax.get_ylim()[1])


def front_lines(ax: Axes, members: list[Row], y: str, colour: str, marker: str, name: str) -> None:
    """Re-measured members with 95 % intervals; a line a search through those that no other beats."""
    for k in sorted({m["repeat"] for m in members}):
        mine = [m for m in members if m["repeat"] == k and not math.isnan(_nan(m["E"]["mean"]))]
        front = [mine[i] for i in pareto_front([m["C"]["mean"] for m in mine], [m["S"]["mean"] for m in mine])]
        ax.plot([m["C"]["mean"] for m in front], [m[y]["mean"] for m in front], color=colour, lw=1, alpha=0.7)
        for m in front:
            ax.errorbar(m["C"]["mean"], m[y]["mean"], [[m[y]["mean"] - m[y]["low"]], [m[y]["high"] - m[y]["mean"]]],
                        [[m["C"]["mean"] - m["C"]["low"]], [m["C"]["high"] - m["C"]["mean"]]],
                        fmt=marker, color=colour, ms=4, lw=0.7)  # fmt: skip
    ax.plot([], [], marker=marker, color=colour, ms=5, lw=1, label=name)


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def main() -> None:
    """Run the study."""
    study = Study("efficiency_vs_capacity", __doc__, setting)
    result = measure_all(study)
    study.finish(result, draw_figure(result), findings=findings(result))


if __name__ == "__main__":
    fail_politely(main)
