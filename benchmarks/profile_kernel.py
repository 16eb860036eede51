"""Where the time of the fast kernel goes, in nanoseconds a visited plastic synapse, and what the machine allows.

    python benchmarks/profile_kernel.py [--toy] [--rounds 5] [--sizes 200 1000 5000] [--out results/profile.json]

A visit is one spike running over one plastic synapse. The parts are told apart by running the same network in three
ways, in turns: with learning; with frozen weights, which leaves out STDP; and with a threshold out of reach, which
leaves out all that spikes cause. So neurons = silent run, delivery = frozen - neurons (of plastic and static synapses),
and STDP = learning - neurons - delivery. A run of one input sample is timed too, and subtracted: what is replayed at
the end of a run, and the way there, cost nearly the same after any number of steps (a long run has more pending
at its end; that counts as STDP).

What the machine allows is measured by small kernels over arrays as large as the network's:

* streaming: the rows that the recorded spikes visit, in their order, as the kernel moves them (seven numbers and the
  target read, three numbers written, by way of a small buffer), without arithmetic. Rows that stay in a cache are as
  fast here as there.
* gather: the last three spikes of the targets of those rows.
* arithmetic: the exponentials of a visit, by the kernel's own `decay`, over a buffer that stays in the first cache.

They are lower bounds of a kernel that does its work this way; it may overlap them, or add to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import common  # before numpy: it limits the threads
import numpy as np
from numba import njit
from numpy.typing import NDArray

import hetero_rsnn as hr
from hetero_rsnn.network.draw import PRECISIONS
from hetero_rsnn.simulation.fast import compile_kernels
from hetero_rsnn.simulation.kernels import decay, prefetch, wide_vectors

Array = NDArray[Any]

SEED = 1
HOLD = "10 ms"
PROBABILITY = 0.1
#: Exponentials that the dense loop of the kernel evaluates for one visit.
EXPONENTIALS = 6
#: Numbers that a visit reads, and writes, besides the target.
READ, WRITTEN = 7, 3
#: Synapses in one pass over a row, as in the kernel.
LANES = 512
_SECOND, _THIRD = np.uint64(LANES), np.uint64(2 * LANES)
_u64 = np.uint64


@njit(error_model="numpy")
def stream(  # type: ignore[no-untyped-def]
    ahead, spikes, indptr, target, w, apre, apost, tau_plus, tau_minus, eta_plus, eta_minus
):  # fmt: skip
    """Move what the visits of these spikes move, and compute next to nothing; `ahead` fetches the next row early."""
    wide_vectors()
    buffer = np.empty(3 * LANES, w.dtype)
    sums = np.zeros(LANES, np.uint32)
    for s in range(spikes.size):
        if ahead and s + 1 < spikes.size:
            later = spikes[s + 1]
            for k in range(_u64(indptr[later]), _u64(indptr[later + 1]), _u64(64 // w.itemsize)):
                prefetch(target, k)
                prefetch(w, k)
                prefetch(apre, k)
                prefetch(apost, k)
                prefetch(tau_plus, k)
                prefetch(tau_minus, k)
                prefetch(eta_plus, k)
                prefetch(eta_minus, k)
        low, high = _u64(indptr[spikes[s]]), _u64(indptr[spikes[s] + 1])
        while low < high:
            size = min(_u64(high - low), _u64(LANES))
            for k in range(min((size + _u64(15)) & ~_u64(15), _u64(w.size) - low)):  # whole vectors, as in the kernel
                buffer[k] = w[low + k] + tau_plus[low + k] - eta_plus[low + k]
                buffer[_SECOND + k] = apre[low + k] + tau_minus[low + k]
                buffer[_THIRD + k] = apost[low + k] + eta_minus[low + k]
            for k in range(size):
                sums[k] += target[low + k]
            for k in range(size):
                w[low + k] = buffer[k]
            for k in range(size):
                apre[low + k] = buffer[_SECOND + k]
            for k in range(size):
                apost[low + k] = buffer[_THIRD + k]
            low += size
    return sums[0]


@njit(error_model="numpy")
def gather(spikes, indptr, target, last, second, third):  # type: ignore[no-untyped-def]
    """Look up three numbers of every target that the spikes reach."""
    wide_vectors()
    buffer = np.empty(3 * LANES, np.int32)
    for s in range(spikes.size):
        low, high = _u64(indptr[spikes[s]]), _u64(indptr[spikes[s] + 1])
        while low < high:
            size = min(_u64(high - low), _u64(LANES))
            for k in range(size):
                buffer[k] = last[target[low + k]]
            for k in range(size):
                buffer[_SECOND + k] = second[target[low + k]]
            for k in range(size):
                buffer[_THIRD + k] = third[target[low + k]]
            low += size
    return buffer[0]


@njit(error_model="numpy")
def exponentials(x, repeats):  # type: ignore[no-untyped-def]
    """Replace x by exp(-x), over and over."""
    wide_vectors()
    for _ in range(repeats):
        for k in range(x.size):
            x[k] = decay(-x[k])


def timed(function: Callable[..., object], *arguments: Any) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def allowed(drawn: hr.Draw, spikes: Array, real: type, visits: int, rounds: int) -> dict[str, Any]:
    """Nanoseconds a visit that moving its data, looking up its targets, and its exponentials take on this machine."""
    plastic = drawn.plastic
    rng = np.random.default_rng(SEED)
    numbers = [rng.random(len(plastic)).astype(real) for _ in range(READ)]
    steps = [rng.integers(0, 1000, drawn.n).astype(np.int32) for _ in range(3)]
    target = plastic.target.view(np.uint32)
    x = rng.random(2 * LANES).astype(real)
    repeats = max(1, min(visits, 2_000_000) * EXPONENTIALS // x.size)
    first = spikes[:1]
    stream(False, first, plastic.indptr, target, *numbers)  # compiles
    gather(first, plastic.indptr, target, *steps)
    exponentials(x, 1)
    times = common.interleaved(
        {
            "streaming": partial(timed, stream, False, spikes, plastic.indptr, target, *numbers),
            "fetched": partial(timed, stream, True, spikes, plastic.indptr, target, *numbers),
            "gather": partial(timed, gather, spikes, plastic.indptr, target, *steps),
            "arithmetic": partial(timed, exponentials, x, repeats),
        },
        rounds,
    )
    fetched = bool(np.median(times["fetched"]) < np.median(times["streaming"]))
    streaming = times["fetched" if fetched else "streaming"]
    size = np.dtype(real).itemsize
    moved = (READ + WRITTEN) * size + 4
    one = repeats * x.size / 1e9  # exponentials, in units that give nanoseconds
    return {
        "streaming": common.summarise(t / visits * 1e9 for t in streaming),
        "gather": common.summarise(t / visits * 1e9 for t in times["gather"]),
        "arithmetic": common.summarise(t / one * EXPONENTIALS for t in times["arithmetic"]),
        "ns_per_exponential": common.summarise(t / one for t in times["arithmetic"]),
        "fetched_ahead": fetched,
        "bytes_per_visit": moved,
        "gigabytes_per_second": common.summarise(moved * visits / t / 1e9 for t in streaming),
    }


def pending(drawn: hr.Draw, recording: hr.Recording, most: int = 1000) -> dict[str, float]:
    """How many post-synaptic spikes a visit finds waiting, from up to `most` spikes: the dense loop replays two."""
    far = np.int64(2**40)
    step = np.rint(recording.spike_times / recording.dt).astype(np.int64)
    key = np.sort(recording.spike_neurons * far + step)
    found = np.flatnonzero(np.diff(key) < far // 2)  # spikes that have a next one of the same neuron
    rng = np.random.default_rng(SEED)
    counts = [np.zeros(0, np.int64)]
    for s in rng.permutation(found)[:most]:
        neuron, since = divmod(int(key[s]), int(far))
        row = slice(drawn.plastic.indptr[neuron], drawn.plastic.indptr[neuron + 1])
        target = drawn.plastic.target[row] * far
        # A spike in the step of the earlier visit came after it; one in the step of this visit comes after this.
        low, high = np.searchsorted(key, target + since), np.searchsorted(key, target + int(key[s + 1] % far))
        counts.append(high - low)
    count = np.concatenate(counts)
    if not count.size:
        return {"mean": 0.0, "share_above_two": 0.0, "beyond_two_per_visit": 0.0}
    return {
        "mean": float(count.mean()),
        "share_above_two": float((count > 2).mean()),
        "beyond_two_per_visit": float(np.maximum(count - 2, 0).mean()),
    }


def run(
    last: dict[str, hr.Recording],
    name: str,
    drawn: hr.Draw,
    learn: bool,
    begin: hr.Recording | None,
    stimulus: hr.Stimulus,
    precision: str,
) -> float:
    """Simulate, keep the recording as ``last[name]``, and return the seconds in the kernel."""
    last[name] = hr.simulate(drawn, stimulus, precision=precision, plasticity=learn, state=begin)
    return last[name].timings["run"]


def profile(n: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Take the kernel apart at one size, in both precisions."""
    net, quiet = (common.network(n, PROBABILITY, **more) for more in ({}, {"v_th": 1e9}))
    draws, silent = common.draws(net, SEED), common.draws(quiet, SEED)
    warm, one, u = (hr.uniform_stimulus(k, HOLD, seed=2 + i) for i, k in enumerate((100, 1, round(seconds * 100))))
    out: dict[str, Any] = {}
    for precision, real in PRECISIONS.items():
        drawn = draws[precision]
        state = hr.simulate(drawn, warm, precision=precision)
        options = {
            "full": (drawn, True, state),
            "frozen": (drawn, False, state),
            "neurons": (silent[precision], False, None),
        }
        last: dict[str, hr.Recording] = {}
        cases = {
            f"{name} {length}": partial(run, last, f"{name} {length}", *option, stimulus, precision)
            for name, option in options.items()
            for length, stimulus in (("one", one), ("all", u))
        }
        times = common.interleaved(cases, rounds)
        work = {name: common.visits(drawn, last[name]) for name in cases}
        plastic, static = (
            [work[f"{name} all"][i] - work[f"{name} one"][i] for name in ("full", "frozen")] for i in (0, 1)
        )
        steps = (len(u) - len(one)) * u.hold / net.dt
        net_of = {k: np.array(times[f"{k} all"]) - np.array(times[f"{k} one"]) for k in options}

        total = net_of["full"] / plastic[0]
        neurons = net_of["neurons"] / plastic[0]
        # Rates of the two runs differ a little; a delivered synapse costs the same in both.
        delivered = (net_of["frozen"] - net_of["neurons"]) / (plastic[1] + static[1])
        delivery = delivered * (plastic[0] + static[0]) / plastic[0]
        parts = {"total": total, "neurons": neurons, "delivery": delivery, "stdp": total - neurons - delivery}
        spikes = last["full all"].spike_neurons.astype(np.int64)
        out[precision] = {
            "rate_hz": last["full all"].rate_hz,
            "rate_hz_frozen": last["frozen all"].rate_hz,
            "steps": steps,
            "visits": plastic[0],
            "static_visits": static[0],
            "ns_per_visit": {name: common.summarise(part * 1e9) for name, part in parts.items()},
            "ns_per_delivered_synapse": common.summarise(delivered * 1e9),
            "ns_per_neuron_step": common.summarise(net_of["neurons"] / steps / n * 1e9),
            "end_of_run_ms": common.summarise(np.array(times["full one"]) * 1e3),
            "pending_per_visit": pending(drawn, last["full all"]),
            "allowed": allowed(drawn, spikes, real, work["full all"][0], rounds),
        }
    return {
        "n": n,
        "plastic_synapses": len(draws["double"].plastic),
        "static_synapses": len(draws["double"].static),
        "results": out,
    }


def table(sizes: list[dict[str, Any]]) -> str:
    """Medians, in nanoseconds a visit."""
    parts, bounds = ("total", "neurons", "delivery", "stdp"), ("streaming", "gather", "arithmetic")
    lines = [
        f"{'ns a visit':>18}"
        + "".join(f"{name:>12}" for name in (*parts, *bounds))
        + f"{'GB/s':>8}{'pending':>9}{'> 2':>7}"
    ]
    for size in sizes:
        for precision, r in size["results"].items():
            row = [r["ns_per_visit"][name]["median"] for name in parts]
            row += [r["allowed"][name]["median"] for name in bounds]
            speed, waiting = r["allowed"]["gigabytes_per_second"]["median"], r["pending_per_visit"]
            lines.append(
                f"N = {size['n']:6d} {precision:>7}"
                + "".join(f"{x:12.2f}" for x in row)
                + f"{speed:8.1f}{waiting['mean']:9.2f}{waiting['share_above_two']:7.1%}"
            )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = common.parser(__doc__, "results/profile.json")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1000, 5000])
    args = parser.parse_args()
    if args.toy:
        args.sizes, args.rounds = [200], 3
    data = common.provenance(
        rounds=args.rounds,
        toy=args.toy,
        seed=SEED,
        network="henhes",
        p=PROBABILITY,
        I_bias=common.BIAS,
        exponentials_per_visit=EXPONENTIALS,
        numbers_read_per_visit=READ,
        numbers_written_per_visit=WRITTEN,
    )
    for precision in PRECISIONS:
        compile_kernels(precision)
    data["sizes"] = [profile(n, 0.5 if args.toy else min(20.0, max(2.0, 5_000 / n)), args.rounds) for n in args.sizes]
    print(table(data["sizes"]))
    common.write(args.out, data)


if __name__ == "__main__":
    main()
