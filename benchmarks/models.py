"""Wall time of a step of networks with other equations, for which kernels are generated, against Brian2's targets.

    python benchmarks/models.py [--models alif coba ...] [--sizes 200 1000 5000] [--rounds 5] [--toy] [--out FILE]

Everything runs in double precision on one thread, and rounds are interleaved, as in run.py; numbers of spikes must be
equal before anything is compared. "lif_stdp, generated" are the equations of the shipped networks given to the
generator though a kernel written by hand is there; that kernel runs beside it. NEST is not among these: of the models
here it has none with the same equations in discrete time. Starts are timed apart: a cold one asks Brian2 for its
statements and compiles, a warm one finds both on the disk.
"""

from __future__ import annotations

from typing import Any

import common
import peers
import run

MODELS = ("lif_stdp, generated", "alif", "coba", "triplet", "delays")
NAMES = ("fast, double", "numpy", "Brian2 cython", "Brian2 cpp_standalone")
#: Our kernels: the one that is judged, and the one written by hand where there is one.
OURS, HAND = "fast, double", "by hand"
START = """
import time; started = time.perf_counter()
import hetero_rsnn as hr
imported = time.perf_counter()
d, u = hr.draw(hr.load_network("{network}", n=100), 1), hr.uniform_stimulus(2, "10 ms", seed=1)
drawn = time.perf_counter()
hr.simulate(d, u)
print(imported - started, drawn - imported, time.perf_counter() - drawn)
"""


def run_model(model: str, n: int, seconds: float, rounds: int, names: list[str]) -> dict[str, Any]:
    """Time all competitors with one model at one size."""
    started = run.commands(n, seconds, names, 0.1, model)
    if model in peers.GENERATED:
        started |= {HAND: run.commands(n, seconds, [OURS], 0.1)[OURS]}
    competitors = [run.Competitor(name, command) for name, command in started.items()]
    run.take_turns(competitors, rounds)
    run.check(competitors)
    times = {c.name: common.summarise(r["ms_per_step"] for r in c.rounds) for c in competitors}
    own = times[OURS]["all"]
    return {
        "n": n, "seconds": seconds, "rate_hz": competitors[0].rounds[0]["rate_hz"],
        "plastic_synapses": competitors[0].ready["plastic_synapses"],
        "static_synapses": competitors[0].ready["static_synapses"],
        "results": {
            c.name: {
                "ms_per_step": times[c.name], "build_s": c.ready["build_s"],
                "times ours": common.summarise(a / b for a, b in zip(times[c.name]["all"], own, strict=True)),
            }
            for c in competitors
        },
    }  # fmt: skip


def main() -> None:
    """Run the benchmark."""
    parser = common.parser(__doc__, "results/models_benchmark.json")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(run.SECONDS))
    args = parser.parse_args()
    sizes, names = {n: run.SECONDS.get(n, max(0.5, 5000 / n)) for n in args.sizes}, list(NAMES)
    if args.toy:
        sizes, args.rounds, names = {60: 0.2}, 2, ["fast, double", "numpy", "Brian2 numpy"]
        args.models = args.models[:1]
    data: dict[str, Any] = common.provenance(rounds=args.rounds, toy=args.toy, models={}, starts={})
    for model in args.models:
        rows = data["models"][model] = []
        for n, seconds in sizes.items():
            row = run_model(model, n, seconds, args.rounds, names)
            rows.append(row)
            print(f"{model}, N = {n}: {row['plastic_synapses']} plastic synapses, {row['rate_hz']:.1f} Hz")
            for name, r in row["results"].items():
                print(f"  {name:<22} {r['ms_per_step']['median']:9.5f} ms a step  {r['times ours']['median']:6.2f}x")
        if model not in peers.GENERATED and not args.toy:
            data["starts"][model] = found = run.starts({}, 3, START.replace("{network}", model))
            print("  " + ", ".join(f"{kind} start {found[kind]['total']:.2f} s" for kind in ("cold", "warm")))
    common.write(args.out, data)


if __name__ == "__main__":
    main()
