"""Where does the memory sit: in the neurons, or in the synapses between them?

Question: how much of the memory capacity of the heterogeneous networks is left without their recurrent synapses, and
without STDP, at each of the two operating points that come along?

Method: HeNHeS as it is, with STDP off, and without recurrent synapses, at both points, 20 seeds. Without recurrence
neurons may fall silent, and a silent neuron remembers nothing for want of drive, not of recurrence. So the bias is
raised, too, and the best C without recurrence over all biases stands for it. Beside these the four canonical networks
of each point, and their C, S, E and state correlation over the spread of the neurons.

The recurrent point was found by ``--search``: random steps, each from one of the best points so far, on seeds kept for
choosing. A point is worse, the larger the share of C that is left without recurrence (best bias), if more than
0.88 of it is left without STDP, and if C is below 4; rates must lie between 3 and 30 Hz, with less than 10 % silent.
Nothing was asked of how the four networks compare.

Finding: at the intrinsic point C of HeNHeS rises without synapses. At the recurrent point a third is left at the best
bias, and three quarters without STDP; H1, H2 and, up to a cv of 0.55, H5 hold there, H4 is open. More:
docs/operating_point.md.

    python analysis/recurrent_point.py [--quick] [--out FOLDER] [--workers N] [--search TRIALS]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from claims import CV, correlations
from matplotlib.figure import Figure
from study_kit import Row, Study, as_json, column, fail_politely, mean, paired, symmetric, verdict

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.network.shipped import POINTS, canonical_networks, label

PROJECTIONS = ("EE", "EI", "IE", "II")
#: Without STDP; without recurrent synapses.
NO_STDP: Row = {"EE.plastic": False}
NO_SYNAPSES: Row = {f"{p}.weight": {"distribution": "constant", "value": 0.0} for p in PROJECTIONS} | NO_STDP
#: By how much the bias is raised where there is no recurrence.
RAISED = (0.0, 0.01, 0.03, 0.06, 0.1)
#: Rates and silent neurons that a point may have, and what is left of C without STDP.
RATES, SILENT, LEFT = (3.0, 30.0), 0.1, 0.88
#: The box of the search: lowest and highest value, and how far a step goes (in logarithms; of the bias as it is).
BOX = {
    "tau_m": (5.0, 30.0), "tau_syn": (2.0, 20.0), "tau_read": (10.0, 30.0), "hold": (4.0, 15.0), "input": (0.05, 2.0),
    "connectivity": (0.1, 1.0), "bias": (0.85, 1.06), "w_max": (0.02, 0.6), "EE": (0.005, 0.3), "EI": (0.005, 0.5),
    "inhibition": (0.01, 0.8), "eta": (0.01, 0.08),
}  # fmt: skip
STEP, BIAS_STEP, KEPT = 0.35, 0.03, 5
#: Where it starts: the best of some hundred random points of the box, measured with held-out readouts.
START = {
    "tau_m": 10.0, "tau_syn": 5.0, "tau_read": 20.0, "hold": 10.0, "input": 0.3, "connectivity": 0.5, "bias": 1.0,
    "w_max": 0.1, "EE": 0.03, "EI": 0.025, "inhibition": 0.075, "eta": 0.05,
}  # fmt: skip


def setting(quick: bool) -> Row:
    """Sizes, seeds and spreads."""
    small = {"n": 60, "protocol.samples": 1200, "protocol.d_max": 30, "protocol.train": "2 s"}
    return {
        "base": {"protocol.estimator": "population", **(small if quick else {})},
        "seeds": [0, 3 if quick else 20],
        "points": list(POINTS),
        "raised": list(RAISED[:2] if quick else RAISED),
        "cv": [0.0, 0.2, 0.4, 0.55, 0.8, 1.0, 1.2],
        "search": {"base": {"protocol.samples": 3000, "protocol.d_max": 100, **(small if quick else {})},
                   "seeds": [9000, 9002], "raised": [0.0, 0.01, 0.03, 0.06]},
    }  # fmt: skip


def without(study: Study, name: str, raised: Sequence[float], base: Row, seeds: range) -> dict[str, Row]:
    """A network as it is, with STDP off, and without recurrent synapses at several biases."""
    bias = bias_of(name)
    ways = {"all": {}, "STDP off": NO_STDP}
    ways |= {f"no synapses, bias {bias + more:g}": {**NO_SYNAPSES, "I_bias": bias + more} for more in raised}
    return {
        way: study.measured(hr.load_network(name, **{**base, **changes}), seeds, label=f"{name}, {way}")
        for way, changes in ways.items()
    }


def bias_of(name: str) -> float:
    """The bias current of a network."""
    return float(hr.load_network(name).to_dict()["populations"]["E"]["I_bias"])


def left(rows: Mapping[str, Row]) -> Row:
    """What is left of C: with STDP off, without synapses, and without synapses at the bias at which it is largest."""
    bare = [way for way in rows if way.startswith("no synapses")]
    best = max(bare, key=lambda way: mean(rows[way], "C").mean)
    whole = mean(rows["all"], "C").mean
    out: Row = {"best bias": best}
    for name, way in (("STDP off", "STDP off"), ("no synapses", bare[0]), ("no synapses, best bias", best)):
        out[name] = as_json(estimate(column(rows[way], "C") / whole))
        out[f"{name}, difference"] = as_json(paired(rows[way], rows["all"], "C", relative=True))
    return out


def claims(four: Sequence[Row]) -> Row:
    """The differences that the paper's claims H1 to H4 are about, and what each says."""
    ho, hen, hos, he = four
    out: Row = {}
    for name, (a, b, quantity) in {
        "H1, homogeneous synapses": (hen, ho, "C"), "H1, heterogeneous synapses": (he, hos, "C"),
        "H2, homogeneous neurons": (hos, ho, "S"), "H2, heterogeneous neurons": (he, hen, "S"),
        "H3, homogeneous neurons": (hos, ho, "C"), "H3, heterogeneous neurons": (he, hen, "C"),
        "H4, against HoNHoS": (he, ho, "E"), "H4, against HeNHoS": (he, hen, "E"), "H4, against HoNHeS": (he, hos, "E"),
    }.items():  # fmt: skip
        e = paired(a, b, quantity, relative=True)
        out[name] = {**as_json(e), "verdict": verdict(e, bound=0.1 if name.startswith("H3") else None)}
    return out


def at(study: Study, point: str) -> Row:
    """Everything that is measured at one operating point."""
    s, names = study.setting, canonical_networks(point)
    base, seeds = s["base"], range(*s["seeds"])
    four = [study.measured(hr.load_network(n, **base), seeds, label=n) for n in names]
    changed = without(study, names[-1], s["raised"], base, seeds)
    sweep = [
        study.measured(hr.load_network(names[0], **base, **{"tau_m.cv": cv}), seeds, label=f"{point}, cv {cv:g}")
        for cv in s["cv"]
    ]
    low = sum(cv <= CV for cv in s["cv"])
    quantities = ("C", "S", "E", "rate_hz", "silent_share", "correlation")
    return {
        "networks": {n: {q: as_json(mean(row, q)) for q in quantities} for n, row in zip(names, four, strict=True)},
        "ways": {w: {q: as_json(mean(row, q)) for q in quantities} for w, row in changed.items()},
        "left": left(changed),
        "claims": claims(four),
        "sweep": {"cv": s["cv"]} | {q: [as_json(mean(row, q)) for row in sweep] for q in quantities},
        **{f"H5, {name}": {**as_json(e), "verdict": verdict(e)} for name, e in correlations(sweep, low).items()},
    }


def settings_of(point: Mapping[str, float]) -> Row:
    """A point of the search as settings of a network."""
    ms = {"tau_m.mean": "tau_m", "tau_syn": "tau_syn", "protocol.tau_read": "tau_read", "protocol.hold": "hold"}
    one = {"input.connectivity": "connectivity", "I_bias": "bias", "w_max": "w_max", "EE.weight.mean": "EE",
           "EI.weight.mean": "EI", "IE.weight.mean": "inhibition", "II.weight.mean": "inhibition",
           "eta_plus.mean": "eta"}  # fmt: skip
    out: Row = {name: f"{point[key]:g} ms" for name, key in ms.items()}
    out |= {name: point[key] for name, key in one.items()}
    return out | {"eta_minus.mean": 0.3 * point["eta"], "input.weight": symmetric(point["input"])}


def near(point: Mapping[str, float], rng: np.random.Generator) -> dict[str, float]:
    """A step from a point: about half of its values change."""
    out = {}
    for key, (low, high) in BOX.items():
        change = rng.normal() * (rng.random() < 0.5)
        value = point[key] + BIAS_STEP * change if key == "bias" else point[key] * math.exp(STEP * change)
        out[key] = round(min(max(value, low), high), 4)
    out["hold"] = float(round(out["hold"]))  # whole steps
    return out | {"EE": min(out["EE"], out["w_max"] / 2)}  # a symmetric spread that w_max does not clip


def loss(study: Study, point: Mapping[str, float], number: int) -> Row:
    """How far a point is from what was asked of it."""
    s = study.setting["search"]
    base = {**study.setting["base"], **s["base"], **settings_of(point)}
    seeds, raised = range(*s["seeds"]), [0.0, *(b for b in s["raised"] if b)]

    def c_of(changes: Row) -> hr.Measurement:
        return hr.measure(hr.load_network("recurrent_henhes", **{**base, **changes}), seeds, workers=study.workers)

    m = {q: float(e.mean) for q, e in c_of({}).summary().items() if q in ("C", "S", "rate_hz", "silent_share")}
    if not (RATES[0] <= m["rate_hz"] <= RATES[1] and m["silent_share"] < SILENT and m["C"] > 1):
        return {"trial": number, "point": dict(point), "loss": 9.0, **m}
    stdp = c_of(NO_STDP)["C"].mean() / m["C"]
    bare = max(c_of({**NO_SYNAPSES, "I_bias": point["bias"] + b})["C"].mean() for b in raised) / m["C"]
    worse = bare + 2 * max(0.0, stdp - LEFT) + 0.2 * max(0.0, 4 - m["C"])
    return {"trial": number, "point": dict(point), "loss": worse, "STDP off": stdp, "no synapses": bare, **m}


def search(study: Study, trials: int) -> list[Row]:
    """Steps from `START`, then from the best so far."""
    found: list[Row] = []
    for k in range(trials):
        rng = generator(k, "resampling", "recurrent point")
        best = sorted((row for row in found if row["loss"] < 9), key=lambda row: row["loss"])[:KEPT]
        point = near(best[0 if rng.random() < 0.5 else rng.integers(len(best))]["point"], rng) if best else dict(START)
        found.append(study.cell(f"trial {k}", lambda point=point, k=k: loss(study, point, k)))
    return sorted(found, key=lambda row: row["loss"])


def figure(points: Mapping[str, Row]) -> Figure:
    """C with and without synapses, E over C of the canonical networks, and C, S, E over the spread, for each point."""
    fig = Figure(figsize=(11.5, 6.4), layout="constrained")
    axes = fig.subplots(2, 3, width_ratios=(1.15, 1, 1))
    for row, (point, found) in zip(axes, points.items(), strict=True):
        panel_ways(row[0], found["ways"], point)
        panel_networks(row[1], found["networks"])
        panel_sweep(row[2], found["sweep"])
    for ax, letter in zip(axes.ravel(), "ABCDEF", strict=True):
        ax.set_title(letter, loc="left", fontweight="bold")
        ax.spines[["top", "right"]].set_visible(False)
    return fig


def panel_ways(ax: Any, ways: Mapping[str, Row], point: str) -> None:
    """Bars of C: as it is, STDP off, no synapses with rising bias."""
    names = list(ways)
    c = [ways[w]["C"] for w in names]
    colours = ["#D55E00", "#E69F00"] + ["0.6"] * (len(names) - 2)
    ax.barh(range(len(names)), [e["mean"] for e in c], color=colours, height=0.7)
    error = [[e["mean"] - e["low"] for e in c], [e["high"] - e["mean"] for e in c]]
    ax.errorbar([e["mean"] for e in c], range(len(names)), xerr=error, fmt="none", ecolor="black", lw=1)
    for k, name in enumerate(names):
        note = f"{ways[name]['rate_hz']['mean']:.0f} Hz, {100 * ways[name]['silent_share']['mean']:.0f} % silent"
        ax.annotate(note, (c[k]["high"], k), (4, 0), textcoords="offset points", va="center", fontsize=7)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set_xlim(0, 1.4 * max(e["high"] for e in c))
    ax.invert_yaxis()
    ax.set_xlabel("C (samples)")
    ax.set_title(f"{point} point, HeNHeS", fontsize="medium")


def panel_networks(ax: Any, networks: Mapping[str, Row]) -> None:
    """E over C of the canonical networks."""
    for name, found in networks.items():
        look = plots.style(name, 0)
        c, e = found["C"], found["E"]
        ax.errorbar(
            c["mean"], e["mean"], xerr=[[c["mean"] - c["low"]], [c["high"] - c["mean"]]],
            yerr=[[e["mean"] - e["low"]], [e["high"] - e["mean"]]], marker=look["marker"], color=look["color"],
            ls="none", ms=6, label=label(name),
        )  # fmt: skip
    ax.set(xlabel="C (samples)", ylabel="E = C / S", xlim=(0, None), ylim=(0, None))
    small_legend(ax)


def panel_sweep(ax: Any, sweep: Row) -> None:
    """C and E over the spread of the neurons, as multiples of those without spread."""
    for quantity, colour, marker in (("C", "#0072B2", "o"), ("S", "#CC79A7", "s"), ("E", "#009E73", "^")):
        first = sweep[quantity][0]["mean"]
        y, low, high = (np.array([e[k] for e in sweep[quantity]]) / first for k in ("mean", "low", "high"))
        ax.plot(sweep["cv"], y, marker=marker, ms=4, color=colour, label=quantity)
        ax.fill_between(sweep["cv"], low, high, color=colour, alpha=0.2, lw=0)
    ax.axhline(1, color="0.7", lw=0.8, zorder=0)
    ax.set(xlabel="spread (cv) of tau_m", ylabel="times that without spread", yscale="log", ylim=(0.25, 8))
    ax.set_yticks([0.25, 0.5, 1, 2, 4, 8], ["1/4", "1/2", "1", "2", "4", "8"])
    ax.minorticks_off()
    small_legend(ax)


def small_legend(ax: Any) -> None:
    """A small legend without a frame."""
    ax.legend(frameon=False, fontsize="small")


def findings(points: Mapping[str, Row]) -> list[str]:
    """The answers in sentences, from the numbers."""
    out = []
    for point, found in points.items():
        rest = found["left"]
        parts = [
            f"{100 * rest[k]['mean']:.0f} % [{100 * rest[k]['low']:.0f}, {100 * rest[k]['high']:.0f}] with {k}"
            for k in ("STDP off", "no synapses", "no synapses, best bias")
        ]
        out.append(f"{point}: of C of HeNHeS is left {', '.join(parts)}.")
        out.append(f"{point}: " + ", ".join(f"{k} {v['verdict']}" for k, v in found["claims"].items()) + ".")
    return out


def main() -> None:
    """Run the study."""

    def options(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--search", type=int, default=0, metavar="TRIALS", help="search for a point only")

    study = Study("recurrent_point", __doc__, setting, options=options)
    if study.args.search:
        for row in search(study, study.args.search)[:5]:
            print({k: v if k == "point" else round(v, 3) for k, v in row.items()})
        return
    result = {point: at(study, point) for point in study.setting["points"]}
    study.finish(result, figure(result), findings=findings(result))


if __name__ == "__main__":
    fail_politely(main)
