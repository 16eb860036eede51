"""Information processing capacity: seconds for 400 states, 2,000 targets and 6,000 samples, by both estimates.

    python benchmarks/processing.py [--toy] [--rounds 5] [--out results/processing.json]

One thread. States are those of a leaky tanh reservoir, which hold targets of all degrees. Wall time and time of the
processor are told apart, since the aim (5 s) is one of a machine that does nothing else.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import common  # before numpy: it limits the threads
import numpy as np

import hetero_rsnn as hr

#: States, samples, and the largest delay of each degree: 101 + 561 + 1,330 = 1,992 targets.
SIZE: tuple[int, int, dict[int, int]] = (400, 6000, {1: 100, 2: 32, 3: 18})
TOY: tuple[int, int, dict[int, int]] = (20, 600, {1: 10, 2: 5, 3: 3})
SEED = 1


def reservoir(n: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """States and input."""
    rng = np.random.default_rng(SEED)
    u = rng.uniform(-1, 1, samples)
    a, w = np.linalg.qr(rng.standard_normal((n, n)))[0] * 0.9, rng.standard_normal(n)
    states, x = np.empty((samples, n)), np.zeros(n)
    for k in range(samples):
        x = np.tanh(a @ x + 0.5 * w * u[k] + 0.2)
        states[k] = x
    return states, u


def once(clock: Any, how: str, states: np.ndarray, u: np.ndarray, d_max: dict[int, int]) -> float:
    """Seconds of one measurement."""
    begin = clock()
    hr.processing_capacity(states, u, d_max=d_max, input_range=(-1, 1), estimator=how)
    return float(clock() - begin)


def main() -> None:
    """Time both estimates."""
    args = common.parser(__doc__, "results/processing.json").parse_args()
    n, samples, d_max = TOY if args.toy else SIZE
    states, u = reservoir(n, samples)
    found = hr.processing_capacity(states, u, d_max=d_max, input_range=(-1, 1))
    clocks = {"wall": time.perf_counter, "processor": time.process_time}
    cases = {
        f"{how}, {name}": partial(once, clock, how, states, u, d_max)
        for how in ("population", "heldout")
        for name, clock in clocks.items()
    }
    times = {name: common.summarise(t) for name, t in common.interleaved(cases, args.rounds).items()}
    size = {"states": n, "samples": samples, "targets": len(found.terms), "d_max": d_max}
    common.write(args.out, common.provenance(toy=args.toy, size=size, seconds=times, capacity=repr(found)))
    for name, t in times.items():
        print(f"{name}: {t['median']:.2f} s ({t['low']:.2f} to {t['high']:.2f})")


if __name__ == "__main__":
    main()
