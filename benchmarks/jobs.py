"""Wall time of network measurements as a search makes them, on one worker and on two, and against Brian2.

    python benchmarks/jobs.py [--toy] [--measurements 100] [--seeds 4] [--out results/jobs.json]

A search measures one network after the other: variants of 'henhes' (400 neurons), whose time constants and spreads are
drawn from a fixed seed, each through `hetero_rsnn.measure` on four seeds (draw, unsupervised training, frozen
measurement, states, readout). They are measured on one worker (in both precisions), on two, and on two that stay alive
for all networks (`measure_many` of `hetero_rsnn.experiments.measurement`). What no phase of a seed accounts for is
"rest": the start of processes, and workers that wait.

Then a few seeds of one network are measured with Brian2 too, in turns with the fast backend and otherwise alike. Both
of Brian2's targets that run in this process are tried, after a first run that compiles; the better is the denominator.
"""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import common  # before numpy: it limits the threads
import numpy as np

import hetero_rsnn as hr
from hetero_rsnn.experiments.measurement import measure_many
from hetero_rsnn.simulation.engine import Engine
from hetero_rsnn.simulation.fast import compile_kernels

PHASES = ("draw", "train", "measure", "states", "readout")
#: What is varied, and between which bounds.
VARIED = {
    "tau_m.mean": (20.0, 45.0),
    "tau_m.cv": (0.1, 0.8),
    "tau_plus.mean": (10.0, 30.0),
    "tau_plus.cv": (0.0, 0.8),
    "tau_minus.mean": (10.0, 30.0),
    "tau_minus.cv": (0.0, 0.8),
    "eta_plus.cv": (0.0, 0.8),
    "eta_minus.cv": (0.0, 0.8),
}
SEED = 1
#: How the networks are measured: name, workers, whether they stay alive from network to network, and precision.
WAYS = (
    ("1 worker", 1, False, "double"),
    ("1 worker, single", 1, False, "single"),
    ("2 workers", 2, False, "double"),
    ("2 workers, one pool", 2, True, "double"),
)
#: A protocol of seconds instead of minutes.
TOY = {"n": 30, "protocol.train": "200 ms", "protocol.samples": 300, "protocol.washout": 10, "protocol.d_max": 8}


def variants(count: int, overrides: dict[str, Any]) -> list[hr.Network]:
    """Networks that differ in time constants and spreads; the same ones each time."""
    rng = np.random.default_rng(SEED)
    base = hr.load_network("henhes", **overrides)
    out = []
    for _ in range(count):
        values = {name: round(float(rng.uniform(*bounds)), 4) for name, bounds in VARIED.items()}
        out.append(base.replace(**{k: f"{v} ms" if k.endswith(".mean") else v for k, v in values.items()}))
    return out


def account(rows: list[hr.SeedResult], seconds: float, workers: int) -> dict[str, Any]:
    """Where the time of all workers went: seconds and shares of each phase, and what is left."""
    spent = {phase: sum(r.seconds[phase] for r in rows) for phase in PHASES}
    spent["rest"] = workers * seconds - sum(spent.values())
    return {
        "workers": workers,
        "seconds": seconds,
        "seed_measurements": len(rows),
        "seconds_per_seed_measurement": seconds / len(rows),
        "phase_seconds": spent,
        "phase_share": {phase: s / (workers * seconds) for phase, s in spent.items()},
        "median_phase_seconds": {phase: float(np.median([r.seconds[phase] for r in rows])) for phase in PHASES},
    }


def search(networks: list[hr.Network], seeds: int, ways: Sequence[tuple[str, int, bool, str]]) -> dict[str, Any]:
    """Measure all networks in each of the `ways`."""
    for precision in sorted({way[3] for way in ways}):
        compile_kernels(precision)
        hr.measure(networks[0], seeds=[seeds], precision=precision)  # whatever is imported when first used
    out: dict[str, Any] = {}
    reference: dict[str, list[float]] = {}
    for name, workers, pooled, precision in ways:
        started = time.perf_counter()
        if pooled:
            done = measure_many(networks, range(seeds), workers=workers, engine=Engine(precision=precision))
        else:
            done = [hr.measure(net, range(seeds), workers=workers, precision=precision) for net in networks]
        seconds = time.perf_counter() - started
        rows = [row for measurement in done for row in measurement.rows]
        found = [row.C for row in rows]
        if not np.array_equal(found, reference.setdefault(precision, found), equal_nan=True):
            raise SystemExit(f"{name} gives other capacities than 1 worker: nothing to compare")
        out[name] = {"precision": precision, **account(rows, seconds, workers)}
        shares = ", ".join(f"{phase} {share:.0%}" for phase, share in out[name]["phase_share"].items())
        print(f"{name}: {len(networks)} networks x {seeds} seeds in {seconds:.1f} s ({shares})", flush=True)
    return out


def against_brian(net: hr.Network, seeds: int, with_cython: bool) -> dict[str, Any]:
    """Measure the same seeds of one network with the fast backend and with Brian2, in turns."""
    backends: dict[str, dict[str, str]] = {
        "fast": {"backend": "fast"},
        "brian2 (numpy)": {"backend": "brian2", "codegen_target": "numpy"},
    }
    if with_cython:
        backends["brian2 (cython)"] = {"backend": "brian2", "codegen_target": "cython"}
    short = net.replace(**{"protocol.train": "100 ms"})
    for options in backends.values():  # Brian2 compiles, and keeps the outcome on disk
        hr.train(hr.draw(short, 0), **options)
        hr.simulate(
            hr.draw(short, 0), hr.uniform_stimulus(2, f"{net.protocol.hold} ms", seed=0), plasticity=False, **options
        )
    rows: dict[str, list[hr.SeedResult]] = {name: [] for name in backends}

    def run(name: str) -> float:
        started = time.perf_counter()
        result = hr.measure(net, [len(rows[name])], **backends[name])
        seconds = time.perf_counter() - started
        rows[name].append(result.rows[0])
        return seconds

    times = common.interleaved({name: partial(run, name) for name in backends}, seeds)
    fast = np.array(times["fast"])
    results: dict[str, Any] = {}
    for name, seconds in times.items():
        phases = account(rows[name], sum(seconds), 1)
        results[name] = {
            "seconds": common.summarise(seconds),
            "phase_seconds": phases["phase_seconds"],
            "phase_share": phases["phase_share"],
            "C": [r.C for r in rows[name]],
            "rate_hz": [r.rate_hz for r in rows[name]],
            "times_fast": common.summarise(np.array(seconds) / fast),
            "simulation_times_fast": common.summarise(simulation(rows[name]) / simulation(rows["fast"])),
        }
        print(
            f"{name}: {results[name]['seconds']['median']:.2f} s a measurement, "
            f"{results[name]['times_fast']['median']:.1f} times fast "
            f"(training and measuring alone {results[name]['simulation_times_fast']['median']:.1f} times)",
            flush=True,
        )
    best = min((name for name in backends if name != "fast"), key=lambda name: results[name]["seconds"]["median"])
    return {
        "networks": 1,
        "seeds": seeds,
        "n": net.n,
        "note": f"{seeds} seeds of one network, each once with every backend, in turns; compiled before",
        "results": results,
        "best_brian2": best,
        "ratio": results[best]["times_fast"],
        "ratio_simulation": results[best]["simulation_times_fast"],
        "same_C": bool(np.allclose(results["fast"]["C"], results[best]["C"], rtol=1e-6, equal_nan=True)),
    }


def simulation(rows: list[hr.SeedResult]) -> np.ndarray:
    """Seconds that each seed spent in training and measuring, which is where backends differ."""
    return np.array([r.seconds["train"] + r.seconds["measure"] for r in rows])


def main() -> None:
    """Run the benchmark."""
    parser = common.parser(__doc__, "results/jobs.json", rounds=None)
    parser.add_argument("--measurements", type=int, default=100, help="networks (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=4, help="of each network (default: %(default)s)")
    parser.add_argument("--brian-seeds", type=int, default=3, help="measured with Brian2 too; 0 leaves it out")
    args = parser.parse_args()
    cython = importlib.util.find_spec("Cython") is not None and any(map(shutil.which, ("cc", "gcc", "clang", "cl")))
    overrides: dict[str, Any] = {"n": 400}
    if args.toy:
        args.measurements, args.seeds, args.brian_seeds, cython, overrides = 2, 2, 1, False, TOY
    networks = variants(args.measurements, overrides)
    protocol = networks[0].protocol
    simulated = protocol.train + protocol.hold * (protocol.samples + protocol.washout)
    data = common.provenance(
        toy=args.toy,
        seed=SEED,
        network="henhes",
        n=networks[0].n,
        measurements=args.measurements,
        seeds=args.seeds,
        varied=VARIED,
        steps_per_seed_measurement=round(simulated / networks[0].dt),
    )
    data["search"] = search(networks, args.seeds, WAYS[::3] if args.toy else WAYS)
    if args.brian_seeds:
        data["brian2"] = against_brian(hr.load_network("henhes", **overrides), args.brian_seeds, bool(cython))
    common.write(args.out, data)


if __name__ == "__main__":
    main()
