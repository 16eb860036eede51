"""Wall time and memory of a forward and backward pass: this package, snnTorch, SpikingJelly and a plain loop of torch.

    python benchmarks/gradient.py --peers PYTHON [--sizes 200 400] [--rounds 15] [--out results/gradient.json]

The same network (as dense weights for the peers), the same 32 samples of 29 inputs, each held for 10 steps. Every
competitor has a process of its own, and rounds are interleaved, so that a busy machine slows all of them alike; what
counts is the median over rounds of the ratio of two neighbouring times. One thread, then two; then vectors of at most
256 and 128 bits for both sides. The peers come from an environment of their own:

    python -m venv peers && peers/bin/pip install -r benchmarks/requirements-gradient.txt
    peers/bin/pip install --no-deps spikingjelly==2.0.0

The peers' neurons are what those packages have (no refractory time; RLeaky has no synaptic current either, and
SpikingJelly one time constant for all), so they work on less. Memory is the growth of the peak of a process. The
compilers' times are taken in new processes with an empty and a filled cache; growth is fitted over one factor at a
time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common
import numpy as np
from resident import Resident

HERE = Path(__file__).parent
BATCH, INPUTS, HOLD, CHANNELS = 32, 29, 10, 12
PEERS = ("snntorch RSynaptic", "snntorch RLeaky", "spikingjelly", "torch loop")
#: Widest vectors, in bits: what numba's compiler and torch are told.
WIDTHS = {256: ("x86-64-v3", "avx2"), 128: ("x86-64-v2", "default")}
COMPILE = """
import time
import hetero_rsnn as hr
import numpy as np
d = hr.draw(hr.load_network("henhes", n=40), 1)
u = [hr.array_stimulus(np.ones((3, 1)), "10 ms")]
begin = time.perf_counter()
run = hr.run_batch(d, u, precision="single")
run.backward(run.activity)
print(time.perf_counter() - begin)
"""


def problem(n: int, samples: int = BATCH, inputs: int = INPUTS, p: float = 0.1) -> tuple[Any, list[Any]]:
    """A drawn network and a batch."""
    import hetero_rsnn as hr

    chances = {f"{name}.topology.p": p for name in ("EE", "EI", "IE", "II")}
    draw = hr.draw(hr.load_network("henhes", n=n, **{"input.channels": CHANNELS, **chances}), seed=0)
    rng = np.random.default_rng(0)
    return draw, [hr.array_stimulus(rng.normal(size=(inputs, CHANNELS)), f"{HOLD} ms") for _ in range(samples)]


def serve(n: int, threads: int) -> None:
    """Answer the lines of standard input, as the peers do."""
    import hetero_rsnn as hr

    draw, samples = problem(n)
    hr.run_batch(draw, samples[:1], precision="single").backward(np.zeros((1, INPUTS, n)))  # compiled
    memory = Resident()
    memory.mark()
    into = np.random.default_rng(1).normal(size=(BATCH, 1, n)) * np.ones((1, INPUTS, 1))
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "go":
            begin = time.perf_counter()
            run = hr.run_batch(draw, samples, precision="single", workers=threads)
            run.backward(into, wrt=["w", "w_in", "I_bias"])
            print(time.perf_counter() - begin, flush=True)
        else:
            print(memory.growth(), flush=True)


class Competitor:
    """A process that makes passes on request."""

    def __init__(self, command: list[str], **variables: str) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
        )
        self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a competitor ended early with code {self._process.wait()}: see its message above")
        return line

    def ask(self, what: str) -> float:
        """Seconds of a pass, or bytes of memory."""
        assert self._process.stdin is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def threads_of(count: int) -> dict[str, str]:
    """Variables that allow so many threads."""
    return dict.fromkeys(common.THREADS, str(count))


def contest(folder: Path, python: str, n: int, threads: int, rounds: int, names: Any = PEERS, bits: int = 0) -> Any:
    """All competitors in turn."""
    ours = {"NUMBA_CPU_NAME": WIDTHS[bits][0], "NUMBA_CPU_FEATURES": ""} if bits else {}
    theirs = {"ATEN_CPU_CAPABILITY": WIDTHS[bits][1]} if bits else {}
    mine = [sys.executable, str(HERE / "gradient.py"), "--serve", str(n), str(threads)]
    found = {"hetero_rsnn": Competitor(mine, **threads_of(threads), **ours)}
    for name in names:
        peer = [python, str(HERE / "gradient_peer.py"), name, str(folder / f"{n}.npz"), str(threads)]
        found[name] = Competitor(peer, **threads_of(threads), **theirs)
    for competitor in found.values():
        competitor.ask("go")
    cases = {name: (lambda c=competitor: c.ask("go")) for name, competitor in found.items()}  # type: ignore[misc]
    times = common.interleaved(cases, rounds)
    memory = {name: competitor.ask("memory") for name, competitor in found.items()}
    for competitor in found.values():
        competitor.close()
    out: dict[str, Any] = {"neurons": n, "threads": threads, "bits": bits or "all", "passes": {}}
    for name, seconds in times.items():
        ratio = statistics.median(s / m for s, m in zip(seconds, times["hetero_rsnn"], strict=True))
        out["passes"][name] = {"seconds": common.summarise(seconds), "ratio": ratio, "memory_bytes": memory[name]}
    return out


def saved(folder: Path, n: int) -> None:
    """The problem as the peers read it."""
    draw, samples = problem(n)
    dense = np.zeros((n, n), np.float32)
    for synapses in (draw.plastic, draw.static):
        np.add.at(dense, (synapses.target, synapses.source), synapses.w)
    p, dt = draw.neurons, draw.network.dt
    np.savez(
        folder / f"{n}.npz", x=np.stack([s.values for s in samples]).astype(np.float32), dense=dense, hold=HOLD,
        w_in=draw.w_in.astype(np.float32), bias=p["I_bias"].astype(np.float32),
        keep_m=np.exp(-dt / p["tau_m"]).astype(np.float32), keep_syn=np.exp(-dt / p["tau_syn"]).astype(np.float32),
    )  # fmt: skip


def compiling() -> dict[str, float]:
    """Seconds of a first small pass, with an empty cache and with a filled one."""
    with tempfile.TemporaryDirectory() as cache:
        variables = {**os.environ, "NUMBA_CACHE_DIR": cache}
        call = [sys.executable, "-c", COMPILE]
        runs = [subprocess.run(call, env=variables, capture_output=True, text=True, check=True) for _ in range(2)]
    return {name: float(run.stdout) for name, run in zip(("cold", "warm"), runs, strict=True)}


def growth(rounds: int) -> dict[str, Any]:
    """Exponents of the time over samples, steps and synapses."""
    import hetero_rsnn as hr

    sides: dict[str, list[tuple[float, Any]]] = {
        "samples": [(k, problem(200, samples=k)) for k in (32, 64, 128, 256)],
        "steps": [(k * HOLD, problem(200, inputs=k)) for k in (29, 58, 116, 232)],
        "synapses": [(k, problem(400, p=k)) for k in (0.1, 0.2, 0.4, 0.8)],
    }
    out = {}
    for name, cases in sides.items():
        seconds: dict[float, list[float]] = {x: [] for x, _ in cases}
        for _ in range(rounds):
            for x, (draw, samples) in cases:
                begin = time.perf_counter()
                run = hr.run_batch(draw, samples, precision="single", workers=1)
                run.backward(run.activity, wrt=["w", "w_in", "I_bias"])
                seconds[x].append(time.perf_counter() - begin)
        xs = [len(d.plastic) + len(d.static) if name == "synapses" else x for x, (d, _) in cases]
        out[name] = common.power_law(xs, [min(s) for s in seconds.values()])
    return out


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="Python of the peers' environment")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 400])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, default=Path("results/gradient.json"))
    parser.add_argument("--serve", type=int, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(*args.serve)
        return
    if not args.peers:
        parser.error("--peers is missing: give the Python of the peers' environment")
    results: dict[str, Any] = {**common.provenance(batch=BATCH, steps=INPUTS * HOLD), "compile_s": compiling()}
    print(f"compiled in {results['compile_s']['cold']:.1f} s, from the cache in {results['compile_s']['warm']:.2f} s")
    results["growth"] = growth(max(3, args.rounds // 3))
    for name, fit in results["growth"].items():
        print(f"time grows as {name} to the power {fit['exponent']:.2f}")
    results["contests"] = []
    with tempfile.TemporaryDirectory() as folder:
        for n in args.sizes:
            saved(Path(folder), n)
            for threads in (1, 2):
                results["contests"].append(contest(Path(folder), args.peers, n, threads, args.rounds))
                show(results["contests"][-1])
            for bits in WIDTHS:
                found = contest(Path(folder), args.peers, n, 1, args.rounds, ("torch loop",), bits)
                results["contests"].append(found)
                show(found)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(results, indent=1) + "\n")
    print(f"wrote {args.out}")


def show(found: dict[str, Any]) -> None:
    """Print one contest."""
    print(f"\n{found['neurons']} neurons, {found['threads']} thread(s), vectors of {found['bits']} bits")
    own = found["passes"]["hetero_rsnn"]["memory_bytes"]
    for name, passes in found["passes"].items():
        ms, memory = 1e3 * passes["seconds"]["median"], passes["memory_bytes"]
        share = f", ours is {own / memory:.2f} of it" if name != "hetero_rsnn" and memory else ""
        print(f"  {name:<20} {ms:8.1f} ms  {passes['ratio']:6.1f} x  {memory / 2**20:6.1f} MiB{share}", flush=True)


if __name__ == "__main__":
    main()
