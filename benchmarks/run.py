"""Wall time of a step: this package's backends, Brian2's three targets and NEST, on the same network and input.

    python benchmarks/run.py [--sizes 200 1000 5000] [--rounds 5] [--nest PYTHON] [--toy] [--out results/benchmark.json]

Every competitor has a process of its own with one thread, is built first, and then runs when its turn comes: rounds are
interleaved, so that a busy machine slows all of them alike. Before anything is compared, numbers of synapses must be
equal, numbers of spikes of competitors in double precision too, and rates within a tolerance for the others. Of this
package the time in the backend counts, of Brian2 and NEST the time in their main loops. NEST comes from an
environment of its own:

    python -m venv nest-env && nest-env/bin/pip install -r benchmarks/requirements-nest.txt
    python benchmarks/run.py --nest nest-env/bin/python

Cold and warm starts of the backends are timed apart, each in a new process, from before the imports to the end of a
first short run; a cold start has empty caches, and compiles.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import peers

HERE = Path(__file__).parent
#: Simulated seconds of a round, by size: long enough to time, short enough to repeat.
SECONDS = {200: 20.0, 1000: 5.0, 5000: 1.0}
#: Largest difference in rate of a competitor that cannot give equal spikes.
RATE_TOLERANCE = 0.1
#: What each competitor does not have, for this network.
CANNOT = {
    "Brian2 cpp_standalone": ["compiles every new model"],
    "NEST": ["see nest_peer.DIFFERENCES: delay of one step, tau_minus per neuron, ..."],
}
START = """
import time; started = time.perf_counter()
import hetero_rsnn as hr
imported = time.perf_counter()
d, u = hr.draw(hr.load_network("henhes", n=100), 1), hr.uniform_stimulus(2, "10 ms", seed=1)
drawn = time.perf_counter()
hr.simulate(d, u, **{arguments!r})
print(imported - started, drawn - imported, time.perf_counter() - drawn)
"""


class Competitor:
    """A process that simulates on request."""

    def __init__(self, name: str, command: list[str], nest_seconds: float = 0.0) -> None:
        self.name, self.rounds = name, list[dict[str, Any]]()
        self._order = f"run {nest_seconds}" if nest_seconds else "run"
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE)
        first = self._line()
        self.ready = {"build_s": float(first.split()[1])} if first.startswith("ready") else json.loads(first)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended early with code {self._process.wait()}: see its message above")
        return line

    def run(self) -> None:
        """Run one round."""
        assert self._process.stdin is not None
        self._process.stdin.write(self._order + "\n")
        self._process.stdin.flush()
        self.rounds.append(json.loads(self._line()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate("quit\n")


def commands(n: int, seconds: float, names: list[str], p: float, network: str | None = None) -> dict[str, list[str]]:
    """How each competitor is started."""
    more = ["--p", str(p), *(["--network", network] if network else [])]
    return {name: [sys.executable, str(HERE / "peers.py"), name, str(n), str(seconds), *more] for name in names}


def take_turns(competitors: list[Competitor], rounds: int) -> None:
    """Run all of them in every round, each round beginning with another one, and end their processes."""
    for turn in range(rounds):
        first = turn % len(competitors)
        for competitor in competitors[first:] + competitors[:first]:
            competitor.run()
    for competitor in competitors:
        competitor.close()


def run_size(n: int, seconds: float, rounds: int, names: list[str], nest: str | None, p: float = 0.1) -> dict[str, Any]:
    """Time all competitors at one size."""
    # One after another: builds would disturb each other's time.
    competitors = [Competitor(name, command) for name, command in commands(n, seconds, names, p).items()]
    with tempfile.TemporaryDirectory() as folder:
        if nest:
            drawn, u = peers.make(n, seconds, p)
            peers.save_for_nest(f"{folder}/in.npz", drawn, u)
            command = [nest, str(HERE / "nest_peer.py"), f"{folder}/in.npz", "--serve"]
            competitors.append(Competitor("NEST", command, seconds))
        take_turns(competitors, rounds)
    check(competitors)
    return {
        "n": n,
        "seconds": seconds,
        "p": p,
        "plastic_synapses": competitors[0].ready["plastic_synapses"],
        "static_synapses": competitors[0].ready["static_synapses"],
        "rate_hz": competitors[0].rounds[0]["rate_hz"],
        "results": {
            c.name: {
                "ms_per_step": common.summarise(r["ms_per_step"] for r in c.rounds),
                "build_s": c.ready["build_s"],
                "rate_hz": c.rounds[-1]["rate_hz"],
                "cannot": CANNOT.get(c.name, []),
            }
            for c in competitors
        },
    }


def check(competitors: list[Competitor]) -> None:
    """Refuse to compare competitors that did not do the same."""
    reference = next((c for c in competitors if c.name == "fast, double"), competitors[0])
    spikes, rate = (reference.rounds[0][key] for key in ("spikes", "rate_hz"))
    for c in competitors:
        for key in ("plastic_synapses", "static_synapses"):
            if c.ready.get(key, reference.ready[key]) != reference.ready[key]:
                raise SystemExit(f"{c.name} has {c.ready[key]} {key}, {reference.name} {reference.ready[key]}")
        exact = c.name not in {"NEST", "fast, single"}
        for r in c.rounds:
            if exact and r["spikes"] != spikes:
                raise SystemExit(f"{c.name} gives {r['spikes']} spikes, {reference.name} {spikes}: not comparable")
            if abs(r["rate_hz"] - rate) > RATE_TOLERANCE * rate:
                raise SystemExit(f"{c.name} fires at {r['rate_hz']:.2f} Hz, {reference.name} at {rate:.2f} Hz")


def starts(arguments: dict[str, str], repeat: int, script: str = START) -> dict[str, Any]:
    """Seconds from a new process to the end of a first short run, with empty and with filled caches."""
    out: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as cache:
        # Both caches are looked up below the home folder, and numba's where it is told.
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "HOME": cache, "XDG_CACHE_HOME": cache}
        environment.pop("HETERO_RSNN_CACHE", None)
        code = script.replace("{arguments!r}", repr(arguments))
        for name in ["cold"] + ["warm"] * repeat:
            started = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr)
            imported, drawn, simulated = (float(x) for x in done.stdout.split())
            row = {"total": time.perf_counter() - started, "import": imported, "draw": drawn, "first_run": simulated}
            if name == "cold" or row["total"] < out.get("warm", row)["total"] or "warm" not in out:
                out[name] = row
    return out


def main() -> None:
    """Run the benchmark."""
    parser = common.parser(__doc__, "results/benchmark.json")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SECONDS))
    parser.add_argument("--only", nargs="+", choices=peers.NAMES, default=peers.NAMES)
    parser.add_argument("--nest", help="interpreter of an environment that has NEST")
    args = parser.parse_args()
    sizes = {n: SECONDS.get(n, max(0.5, 5000 / n)) for n in args.sizes}
    if args.toy:
        sizes, args.rounds, args.only = {60: 0.2}, 2, ["fast, single", "fast, double", "numpy", "Brian2 numpy"]
    data: dict[str, Any] = common.provenance(rounds=args.rounds, sizes=[], starts={})
    for n, seconds in sizes.items():
        size = run_size(n, seconds, args.rounds, args.only, args.nest)
        data["sizes"].append(size)
        print(f"N = {n}: {size['plastic_synapses']} plastic synapses, {size['rate_hz']:.1f} Hz")
        ours = [name for name in size["results"] if name in peers.OURS]
        for name, r in size["results"].items():
            t = r["ms_per_step"]
            ratios = "".join(
                f"  {t['median'] / size['results'][own]['ms_per_step']['median']:6.1f}x" for own in ours[:2]
            )
            spread = f"{t['median']:.5f} ms a step ({t['low']:.5f} to {t['high']:.5f})"
            print(f"  {name:<22} {spread:<45} {ratios}  build {r['build_s']:.2f} s", flush=True)
    backends = {"fast, double": {"backend": "fast"}, "numpy": {"backend": "numpy"}}
    if not args.toy:
        backends |= {name: {"backend": "brian2", "codegen_target": target} for name, target in peers.BRIAN.items()}
        backends["fast, single"] = {"backend": "fast", "precision": "single"}
    for name, arguments in backends.items():
        data["starts"][name] = row = starts(arguments, 1 if args.toy else 3)
        parts = (
            f"{kind} {row[kind]['total']:.2f} s (first run {row[kind]['first_run']:.2f})" for kind in ("cold", "warm")
        )
        print(f"  start, {name:<22} {', '.join(parts)}", flush=True)
    common.write(args.out, data)


if __name__ == "__main__":
    main()
