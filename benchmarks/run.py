"""Wall time of the backends on the same arrays, interleaved, so that a busy machine slows all of them alike.

    python benchmarks/run.py [--sizes 200 1000] [--rounds 5] [--toy] [--out results/benchmark.json]

Build and compile time is reported apart from the warm run. Rates and synapse counts must agree before anything is
compared: all backends get the same draw and the same stimulus, so spikes must be equal.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # before numpy: one thread for every competitor

import numpy as np

import hetero_rsnn as hr
from hetero_rsnn.files import write_json
from hetero_rsnn.simulate import versions

COMPETITORS: dict[str, dict[str, Any]] = {
    "fast": {"backend": "fast"},
    "numpy": {"backend": "numpy"},
    "brian2 (numpy)": {"backend": "brian2", "target": "numpy"},
    "brian2 (cython)": {"backend": "brian2", "target": "cython"},
    "brian2 (cpp_standalone)": {"backend": "brian2", "target": "cpp_standalone"},
}


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    return names[0] if names else platform.processor()


def run_size(n: int, seconds: float, rounds: int, names: list[str]) -> dict[str, Any]:
    """Time all competitors at one size."""
    net = hr.load_network("henhes", n=n)
    drawn = hr.draw(net, seed=1)
    samples = max(1, round(seconds * 1e3 / net.protocol.hold))
    u = hr.uniform_stimulus(samples, f"{net.protocol.hold} ms", seed=2)
    steps = samples * net.protocol.hold / net.dt
    times: dict[str, list[float]] = {name: [] for name in names}
    builds: dict[str, list[float]] = {name: [] for name in names}
    reference = None
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            started = time.perf_counter()
            recording = hr.simulate(drawn, u, **COMPETITORS[name])
            total = time.perf_counter() - started
            times[name].append(recording.timings["run"] / steps * 1e3)
            builds[name].append(total - recording.timings["run"])
            if reference is None:
                reference = recording
            if not np.array_equal(recording.spike_times, reference.spike_times):
                raise SystemExit(f"{name} gives other spikes than {names[0]}: nothing to compare")
    assert reference is not None
    out = {
        name: {
            "ms_per_step": statistics.median(times[name]),
            "ms_per_step_all": times[name],
            "build_s_first": builds[name][0],
            "build_s_later": statistics.median(builds[name][1:] or builds[name]),
        }
        for name in names
    }
    return {
        "n": n,
        "plastic_synapses": len(drawn.plastic),
        "rate_hz": reference.rate_hz,
        "steps": steps,
        "results": out,
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--seconds", type=float, default=2.0, help="simulated time")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(COMPETITORS), default=list(COMPETITORS))
    parser.add_argument("--toy", action="store_true", help="see that it works: one small size, no compiled Brian2")
    parser.add_argument("--out", type=Path, default=Path("results/benchmark.json"))
    args = parser.parse_args()
    if args.toy:
        args.sizes, args.seconds, args.rounds, args.only = [60], 0.2, 2, ["fast", "numpy", "brian2 (numpy)"]
    data = {"versions": versions(), "processor": processor(), "rounds": args.rounds, "sizes": []}
    for n in args.sizes:
        size = run_size(n, args.seconds, args.rounds, args.only)
        data["sizes"].append(size)
        print(f"N = {n}: {size['plastic_synapses']} plastic synapses, {size['rate_hz']:.1f} Hz")
        best = size["results"][args.only[0]]["ms_per_step"]
        for name, r in size["results"].items():
            print(
                f"  {name:<24} {r['ms_per_step']:.4f} ms a step ({r['ms_per_step'] / best:.1f}x), "
                f"build {r['build_s_first']:.2f} s at first, {r['build_s_later']:.2f} s later"
            )
    write_json(args.out, data)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
