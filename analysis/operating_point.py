"""Why these defaults, and does what they show depend on them?

Question: over which range of each default of the base network do the conditions hold that it was chosen for (every
canonical network between 3 and 30 Hz, under 10 % silent neurons, C of the heterogeneous networks above 4,
C(HeNHoS) > C(HoNHoS), S(HeNHeS) < S(HeNHoS))?

Method: first a random search of a wide box, then one parameter at a time around the chosen point. Seeds 1000 and up,
which `hetero-rsnn compare` does not use by default.

Finding: see docs/operating_point.md.

    python analysis/operating_point.py [--quick] [--out FOLDER] [--workers N] [--search TRIALS]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from study_kit import recurrence, symmetric

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.common.files import write_json
from hetero_rsnn.common.versions import versions
from hetero_rsnn.experiments.comparison import QUICK
from hetero_rsnn.jobs.parallel import cores
from hetero_rsnn.network.shipped import label

NETWORKS = ("honhos", "henhos", "henhes")
FIRST_SEED = 1000


#: Default value first.
SCAN: dict[str, dict[str, dict[str, Any]]] = {
    "mean tau_m (ms)": {f"{t}": {"tau_m.mean": f"{t} ms"} for t in (30, 15, 20, 40, 60)},
    "tau_syn (ms)": {
        f"{t}": {"tau_syn": f"{t} ms", **recurrence(0.2 * 10 / t, 0.2 * 10 / t, 1.5)} for t in (10, 2, 5, 20)
    },
    "bias": {f"{b}": {"I_bias": b} for b in (1.06, 0.98, 1.02, 1.1, 1.15)},
    "input weight": {f"{w}": {"input.weight": symmetric(w)} for w in (0.15, 0.05, 0.1, 0.3, 0.5)},
    "recurrence E to E": {f"{w}": recurrence(w, 0.2, 1.5) for w in (0.2, 0.05, 0.1, 0.4, 0.7)},
    "inhibition": {f"{g}": recurrence(0.2, 0.2, g) for g in (1.5, 0.5, 1.0, 2.0, 3.0)},
    "hold (ms)": {f"{h}": {"protocol.hold": f"{h} ms"} for h in (10, 3, 5, 15, 20)},
    "tau_read (ms)": {f"{t}": {"protocol.tau_read": f"{t} ms"} for t in (30, 5, 10, 20, 50)},
    "eta- / eta+": {f"{r}": {"eta_minus.mean": 0.02 * r} for r in (0.3, 0.1, 0.6, 1.0, 2.0)},
    "samples (thousands)": {f"{n}": {"protocol.samples": 1000 * n} for n in (6, 3, 12, 24)},
}


def box(rng: np.random.Generator) -> dict[str, Any]:
    """One point of the random search: the box that was searched before the scan."""

    def pick(*values: float) -> float:
        return float(rng.choice(values))

    tau_syn = pick(2, 5, 10, 20)
    coupling = pick(0.02, 0.05, 0.1, 0.2, 0.4) * 30 / tau_syn  # same charge whatever the synaptic time constant
    eta = pick(0.005, 0.01, 0.03)
    return {
        "tau_m.mean": f"{pick(20, 30, 40, 60):g} ms",
        "tau_syn": f"{tau_syn:g} ms",
        "protocol.hold": f"{pick(3, 5, 8, 10, 15):g} ms",
        "protocol.tau_read": f"{pick(10, 20, 30, 40):g} ms",
        "input.weight": symmetric(pick(0.1, 0.2, 0.35, 0.5, 0.8)),
        "I_bias": pick(0.95, 1.0, 1.03, 1.1),
        "eta_plus.mean": eta,
        "eta_minus.mean": 0.3 * eta,
        **recurrence(coupling, coupling, pick(1, 2, 4)),
    }


def conditions(c: hr.Comparison) -> dict[str, bool]:
    """Which of the conditions hold, with separated 95 % intervals where they compare."""
    means = {name: c[name].summary() for name in NETWORKS}
    return {
        "3 to 30 Hz": all(3 <= m["rate_hz"].mean <= 30 for m in means.values()),
        "under 10 % silent": all(m["silent_share"].mean < 0.1 for m in means.values()),
        "C above 4": all(means[name]["C"].mean > 4 for name in ("henhos", "henhes")),
        "C(HeNHoS) > C(HoNHoS)": c.difference("henhos", "C").low > 0,
        "S(HeNHeS) < S(HeNHoS)": c.difference("henhes", "S", "henhos").high < 0,
    }


def measured(changes: dict[str, Any], seeds: range, workers: int, quick: bool) -> dict[str, Any]:
    """Measure the three networks at one point."""
    nets = [hr.load_network(name, **{**(QUICK if quick else {}), **changes}) for name in NETWORKS]
    c = hr.compare(nets, seeds, workers=workers)
    summary = {n: {q: e.mean for q, e in c[n].summary().items()} for n in NETWORKS}
    intervals = {n: {q: [e.low, e.high] for q, e in c[n].summary().items()} for n in NETWORKS}
    return {"changes": changes, "means": summary, "intervals": intervals, "conditions": conditions(c)}


def figure(scan: dict[str, dict[str, Any]]) -> Figure:
    """C of each network over each parameter; a filled marker where all conditions hold."""
    fig = Figure(figsize=(12, 5.4), layout="constrained")
    axes = fig.subplots(2, 5, sharey=True).ravel()
    for ax, (name, points) in zip(axes, scan.items(), strict=False):
        x = sorted(points, key=float)
        for network in NETWORKS:
            look = plots.style(network, 0)
            y = [points[k]["means"][network]["C"] for k in x]
            ax.plot(range(len(x)), y, color=look["color"], linestyle=look["linestyle"], lw=1.4, label=label(network))
            for i, k in enumerate(x):
                good = all(points[k]["conditions"].values())
                ax.plot(i, y[i], look["marker"], color=look["color"], mfc=look["color"] if good else "white", ms=5)
        ax.axvline(x.index(next(iter(points))), color="0.85", lw=6, zorder=0)
        ax.set_xticks(range(len(x)), x)
        ax.set_xlabel(name)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[::5]:
        ax.set_ylabel("C (samples)")
    axes[0].set_ylim(bottom=0)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(NETWORKS), frameon=False)
    return fig


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description="Why these defaults?")
    parser.add_argument("--quick", action="store_true", help="two values a parameter, small networks")
    parser.add_argument("--out", type=Path, default=Path("results/operating_point"))
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--search", type=int, default=0, metavar="TRIALS", help="random search of the box first")
    args = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + (2 if args.quick else 6))
    started = time.perf_counter()
    args.out.mkdir(parents=True, exist_ok=True)

    searched = []
    rng = np.random.default_rng(FIRST_SEED)
    for trial in range(args.search):
        searched.append(measured(box(rng), seeds[:2], args.workers, args.quick))
        print(f"search {trial + 1}/{args.search}: {json.dumps(searched[-1]['conditions'])}", flush=True)

    path = args.out / "operating_point.json"
    base = hr.load_network("lif_stdp").fingerprint
    scan: dict[str, dict[str, Any]] = {}
    if path.exists():  # an interrupted study goes on where it was, if it is the same study
        old = json.loads(path.read_text())
        scan = old["scan"] if (old["base"], old["seeds"], old["quick"]) == (base, list(seeds), args.quick) else {}
    parameters = dict(list(SCAN.items())[:2]) if args.quick else SCAN
    for name, values in parameters.items():
        scan.setdefault(name, {})
        for text, changes in list(values.items())[: 2 if args.quick else None]:
            if text in scan[name]:
                continue
            scan[name][text] = point = measured(changes, seeds, args.workers, args.quick)
            failed = [k for k, ok in point["conditions"].items() if not ok]
            capacities = ", ".join(f"{n} {point['means'][n]['C']:.2f}" for n in NETWORKS)
            verdict = "all hold" if not failed else "fails: " + "; ".join(failed)
            print(f"{name} = {text}: C {capacities}; {verdict}", flush=True)
            write_json(
                path,
                {
                    "question": __doc__.splitlines()[0] if __doc__ else "",
                    "seeds": list(seeds),
                    "quick": args.quick,
                    "base": base,
                    "versions": versions(),
                    "seconds": time.perf_counter() - started,
                    "search": searched,
                    "scan": scan,
                },
            )
    plots.save_figure(figure(scan), args.out / "operating_point.png")
    print(f"wrote operating_point.json and operating_point.png to {args.out}")


if __name__ == "__main__":
    main()
