"""One competitor of the benchmark in a process of its own, which runs when it is told to.

    python benchmarks/peers.py NAME N SECONDS [--p 0.1] [--network NETWORK]

The process builds the network, prints ``{"build_s": ..., ...}`` as a line of JSON, then answers each line "run" on the
standard input by simulating SECONDS from the beginning and printing a line of JSON, until "quit". Everybody gets the
same draw and the same input arrays, and nobody draws a random number while the clock runs. NEST has a script of its
own, `nest_peer`, since it lives in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import common
import numpy as np

SEED = 1
#: Backends of this package.
OURS: dict[str, dict[str, str]] = {
    "fast, single": {"backend": "fast", "precision": "single"},
    "fast, double": {"backend": "fast"},
    "numpy": {"backend": "numpy"},
}
BRIAN = {"Brian2 numpy": "numpy", "Brian2 cython": "cython", "Brian2 cpp_standalone": "cpp_standalone"}
NAMES = [*OURS, *BRIAN]


#: Name of a network -> the shipped one whose equations are given to the generator of kernels though one is at hand.
GENERATED = {"lif_stdp, generated": "henhes"}


def make(n: int, seconds: float, p: float, network: str | None = None) -> tuple[Any, Any]:
    """The draw and the stimulus that everybody gets; without a name of the network that of `common.network`."""
    import hetero_rsnn as hr

    if network is None or network in GENERATED:
        net = common.network(n, p)
    else:
        net = hr.load_network(network, n=n)
        net = net.replace(**{f"{q.name}.topology": {"kind": "random", "p": p} for q in net.projections})
    if network in GENERATED:
        net = hr.Network.from_dict({**net.to_dict(), "model": ""}, "generated")
    samples = max(1, round(seconds * 1e3 / net.protocol.hold))
    return hr.draw(net, SEED), hr.uniform_stimulus(samples, f"{net.protocol.hold} ms", seed=2)


def ours(name: str, drawn: Any, u: Any) -> Callable[[], tuple[float, int]]:
    """A backend of this package: time of the run without laying out its arrays, number of spikes."""
    import hetero_rsnn as hr

    hr.simulate(drawn, u[:2], **OURS[name])  # loads or compiles the kernel

    def run() -> tuple[float, int]:
        recording = hr.simulate(drawn, u, **OURS[name])
        return recording.timings["run"], recording.spike_times.size

    return run


def runtime(target: str, drawn: Any, u: Any) -> Callable[[], tuple[float, int]]:
    """Brian2 in Python: the network is built for every run; a watch inside tells the time ten times."""
    import brian2 as b2

    import hetero_rsnn as hr

    b2.prefs.codegen.target = target

    def run(stimulus: Any = u) -> tuple[float, int]:
        b2.start_scope()
        objects = hr.to_brian2(drawn, stimulus)
        times: list[float] = []
        duration = stimulus.hold * len(stimulus) / 1e3 * b2.second
        # Without it, the time would hold what Brian2 does before the first step.
        watch = b2.NetworkOperation(lambda: times.append(time.perf_counter()), dt=duration / 10, name="watch")
        objects.network.add(watch)
        objects.network.run(duration, namespace={})
        return (times[9] - times[0]) / 0.9, int(objects.spikes.num_spikes)

    run(u[:2])  # generates and compiles the code
    return run


def standalone(drawn: Any, u: Any) -> Callable[[], tuple[float, int]]:
    """Brian2's stand-alone program, built once; it measures its main loop itself."""
    import brian2 as b2

    import hetero_rsnn as hr

    folder = tempfile.mkdtemp()
    b2.set_device("cpp_standalone", build_on_run=False, directory=folder)
    objects = hr.to_brian2(drawn, u)
    objects.network.run(u.hold * len(u) / 1e3 * b2.second, namespace={})
    b2.device.build(directory=folder, compile=True, run=False, with_output=False)

    def run() -> tuple[float, int]:
        b2.device.run(with_output=False)
        seconds = b2.device._last_run_time  # noqa: SLF001 - Brian2 has no public name for it
        return float(seconds), int(objects.spikes.num_spikes)

    return run


def main() -> None:
    """Serve one competitor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("n", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--p", type=float, default=0.1)
    parser.add_argument("--network", help="a shipped network in the place of the one of all benchmarks")
    args = parser.parse_args()
    drawn, u = make(args.n, args.seconds, args.p, args.network)
    started = time.perf_counter()
    if args.name in OURS:
        run = ours(args.name, drawn, u)
    elif args.name == "Brian2 cpp_standalone":
        run = standalone(drawn, u)
    else:
        run = runtime(BRIAN[args.name], drawn, u)
    ready = {
        "build_s": time.perf_counter() - started,
        "plastic_synapses": len(drawn.plastic),
        "static_synapses": len(drawn.static),
    }
    print(json.dumps(ready), flush=True)
    steps = len(u) * u.hold / drawn.network.dt
    for line in sys.stdin:
        if line.strip() != "run":
            break
        seconds, spikes = run()
        rate = spikes / drawn.n / (len(u) * u.hold / 1e3)
        print(json.dumps({"ms_per_step": seconds / steps * 1e3, "rate_hz": rate, "spikes": spikes}), flush=True)


def save_for_nest(path: str, drawn: Any, u: Any) -> None:
    """Write the arrays of a draw in the form that `nest_peer` reads."""
    from hetero_rsnn.simulation.neurons import neuron_arrays

    p, plastic, static = drawn.neurons, drawn.plastic, drawn.static
    np.savez(
        path,
        n=drawn.n, dt=drawn.network.dt, hold=u.hold, v_init=drawn.initial["v"],
        tau_m=p["tau_m"], tau_syn=p["tau_syn"], t_ref=p["t_ref"], v_th=p["v_th"], v_reset=p["v_reset"],
        i_const=neuron_arrays(drawn).constant_drive, w_in=drawn.w_in, u=u.values,
        static_pre=static.source, static_post=static.target, static_w=static.w,
        plastic_pre=plastic.source, plastic_post=plastic.target, plastic_w=plastic.w,
        **plastic.parameters, **drawn.shared,
    )  # fmt: skip


if __name__ == "__main__":
    main()
