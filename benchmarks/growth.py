"""How time and memory of the fast backend grow with the network: one thread, about 10 Hz, both precisions.

    python benchmarks/growth.py [--toy] [--rounds 5] [--only time memory] [--out results/growth.json]

Time: from N = 200 to 20,000 at a fan-in of 100, and from N = 200 to 10,000 at a connection probability of 0.1. Every
round of a size starts from the same warmed-up state, so that all rounds do the same work. A visit is one spike running
over one plastic synapse; the visits of a step are spikes times fan-out. Power laws of the time a step, over visits a
step and over N, are fitted to the medians. Replaying what is pending at the end of a run is part of its time.

Memory: every case runs in a process of its own, which loads the kernels, runs a toy network and then measures how far
its resident memory grows at most while it draws a network and simulates it. The largest has 20,000 neurons and 10
million plastic synapses.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from argparse import SUPPRESS
from functools import partial
from typing import Any

import common  # before numpy: it limits the threads
from resident import Resident

import hetero_rsnn as hr
from hetero_rsnn.network.draw import PRECISIONS
from hetero_rsnn.simulation.fast import compile_kernels

FAN_IN = 100
SIZES = (200, 500, 1000, 2000, 5000, 10_000, 20_000)
PROBABILITY = 0.1
SIZES_PROBABILITY = (200, 500, 1000, 2000, 5000, 10_000)
#: Memory: neurons, connection probability, and that of the plastic projection.
MEMORY = ((2000, 0.1, 0.1), (5000, 0.1, 0.1), (20_000, FAN_IN / 20_000, 625 / 15_999))
SEED = 1
HOLD = "10 ms"


def stimulus(seconds: float, seed: int) -> hr.Stimulus:
    """Uniform input of that length."""
    return hr.uniform_stimulus(round(seconds * 100), HOLD, seed=seed)


def time_size(n: int, p: float, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Time one size in both precisions, interleaved."""
    net = common.network(n, p)
    warm, u = stimulus(0.5, 2), stimulus(seconds, 3)
    steps = len(u) * u.hold / net.dt
    draws = common.draws(net, SEED)
    states = {precision: hr.simulate(drawn, warm, precision=precision) for precision, drawn in draws.items()}
    last: dict[str, hr.Recording] = {}

    def run(precision: str) -> float:
        last[precision] = hr.simulate(draws[precision], u, precision=precision, state=states[precision])
        return last[precision].timings["run"]

    times = common.interleaved({precision: partial(run, precision) for precision in PRECISIONS}, rounds)
    rows = []
    for precision in PRECISIONS:
        drawn, recording = draws[precision], last[precision]
        plastic, static = common.visits(drawn, recording)
        rows.append(
            {
                "n": n,
                "precision": precision,
                "p": p,
                "plastic_synapses": len(drawn.plastic),
                "static_synapses": len(drawn.static),
                "fan_in": (len(drawn.plastic) + len(drawn.static)) / n,
                "steps": steps,
                "rate_hz": recording.rate_hz,
                "spikes": recording.spike_times.size,
                "visits_per_step": plastic / steps,
                "static_visits_per_step": static / steps,
                "ms_per_step": common.summarise(t / steps * 1e3 for t in times[precision]),
                "ns_per_visit": common.summarise(t / max(plastic, 1) * 1e9 for t in times[precision]),
            }
        )
    return rows


def fits(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Power laws of the time a step, for each precision."""
    out: dict[str, Any] = {}
    for precision in PRECISIONS:
        chosen = [r for r in rows if r["precision"] == precision and r["visits_per_step"] > 0]
        y = [r["ms_per_step"]["median"] for r in chosen]
        out[precision] = {
            "over_visits": common.power_law([r["visits_per_step"] for r in chosen], y),
            "over_n": common.power_law([r["n"] for r in chosen], y),
        }
    return out


def time_growth(regimes: dict[str, list[tuple[int, float]]], rounds: int, toy: bool) -> dict[str, Any]:
    """Time all sizes of all regimes."""
    out: dict[str, Any] = {}
    for precision in PRECISIONS:
        compile_kernels(precision)
    for name, sizes in regimes.items():
        rows: list[dict[str, Any]] = []
        for n, p in sizes:
            rows += time_size(n, p, rounds, 0.3 if toy else min(20.0, max(2.0, 10_000 / n)))
            for r in rows[-len(PRECISIONS) :]:
                ms, ns = r["ms_per_step"], r["ns_per_visit"]
                print(
                    f"{name}: N = {n:6d}, {r['precision']}: {ms['median']:.4g} ms a step [{ms['low']:.4g}, "
                    f"{ms['high']:.4g}], {ns['median']:.1f} ns a visit, {r['rate_hz']:.1f} Hz",
                    flush=True,
                )
        out[name] = {"sizes": rows, "fits": fits(rows)}
        for precision, fit in out[name]["fits"].items():
            for over, law in fit.items():
                if law:
                    print(f"{name}: {precision}, time {over}: exponent {law['exponent']:.3f} ± {law['stderr']:.3f}")
    return out


def memory_case(n: int, p: float, p_plastic: float, precision: str, mode: str, seconds: float) -> dict[str, Any]:
    """Measure the memory of one case; in a process of its own, since a peak never comes down."""
    compile_kernels(precision)
    u = stimulus(seconds, 3)
    toy = common.draw(common.network(100, 0.2), SEED, precision)
    hr.simulate(toy, stimulus(0.05, 2), precision=precision)  # whatever is imported when first used
    net = common.network(n, p, p_plastic)
    memory = Resident()
    memory.mark()
    started = time.perf_counter()
    drawn = common.draw(net, SEED, precision)
    draw_seconds = time.perf_counter() - started
    held = memory.held()
    draw_peak = memory.growth()
    if mode == "simulate":
        memory.mark()
    started = time.perf_counter()
    recording = hr.simulate(drawn, u, precision=precision)
    simulate_seconds = time.perf_counter() - started
    peak = memory.growth()
    plastic, _ = common.visits(drawn, recording)
    synapses = len(drawn.plastic)
    return {
        "n": n,
        "precision": precision,
        "mode": mode,
        "plastic_synapses": synapses,
        "static_synapses": len(drawn.static),
        "draw_dtype": str(drawn.plastic.w.dtype),
        "baseline_bytes": memory.base,
        "peak_bytes": peak,
        "bytes_per_plastic_synapse": peak / synapses,
        "draw_held_bytes_per_plastic_synapse": held / synapses,
        "draw_peak_bytes_per_plastic_synapse": draw_peak / synapses,
        "draw_seconds": draw_seconds,
        "simulate_seconds": simulate_seconds,
        "simulated_seconds": seconds,
        "rate_hz": recording.rate_hz,
        "visits": plastic,
        "run_seconds": recording.timings["run"],
        "peak_could_be_reset": memory.exact,
    }


def memory_growth(cases: list[tuple[int, float, float]], seconds: float) -> list[dict[str, Any]]:
    """Measure the memory of all cases, each in a process of its own, one after the other."""
    rows = []
    for n, p, p_plastic in cases:
        for precision in PRECISIONS:
            for mode in ("draw and simulate", "simulate"):
                case = json.dumps([n, p, p_plastic, precision, mode, seconds])
                done = subprocess.run(
                    [sys.executable, __file__, "--case", case], stdout=subprocess.PIPE, text=True, check=True
                )
                row = json.loads(done.stdout)
                rows.append(row)
                print(
                    f"memory: N = {n:6d}, {row['plastic_synapses'] / 1e6:.3g} million plastic synapses, {precision}, "
                    f"{mode}: {row['peak_bytes'] / 2**20:.0f} MiB, {row['bytes_per_plastic_synapse']:.1f} bytes each",
                    flush=True,
                )
    return rows


def main() -> None:
    """Run the benchmark."""
    parser = common.parser(__doc__, "results/growth.json")
    parser.add_argument("--only", nargs="+", choices=("time", "memory"), default=("time", "memory"))
    parser.add_argument("--case", help=SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(memory_case(*json.loads(args.case))))
        return
    regimes = {
        "fan_in": [(n, FAN_IN / n) for n in SIZES],
        "probability": [(n, PROBABILITY) for n in SIZES_PROBABILITY],
    }
    cases = list(MEMORY)
    if args.toy:
        regimes = {"fan_in": [(n, 20 / n) for n in (50, 100, 200)], "probability": [(n, 0.1) for n in (50, 100, 200)]}
        cases = [(1000, 0.02, 0.1)]
    data = common.provenance(rounds=args.rounds, toy=args.toy, seed=SEED, network="henhes", I_bias=common.BIAS)
    if "time" in args.only:
        data["time"] = time_growth(regimes, args.rounds, args.toy)
    if "memory" in args.only:
        data["memory"] = memory_growth(cases, 0.05 if args.toy else 0.2)
    common.write(args.out, data)


if __name__ == "__main__":
    main()
