"""What the benchmarks share: one thread, rounds that take turns, summaries, and where the numbers come from.

Import this module before numpy: it limits every library to one thread, which works only before it is loaded.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import hetero_rsnn as hr

#: Variables that say how many threads the numerical libraries start.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
#: Bias current at which the shipped heterogeneous networks fire at about 10 Hz, at any size and connectivity.
BIAS = 1.015
#: What `summarise` calls low and high.
SPREAD = "median of the rounds; low and high are the fastest and the slowest round"


def one_thread() -> None:
    """Limit the numerical libraries of this process, and of those that it starts, to one thread.

    Raises
    ------
    RuntimeError
        If numpy has been loaded with another number of threads: it would not hear of the change.
    """
    if "numpy" in sys.modules and any(os.environ.get(name) != "1" for name in THREADS):
        raise RuntimeError("numpy is loaded already, perhaps with several threads: import common before numpy")
    for name in THREADS:
        os.environ[name] = "1"


one_thread()


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def provenance(**more: Any) -> dict[str, Any]:
    """What every file of results begins with: versions, processor, threads, and what the caller adds."""
    from hetero_rsnn.common.versions import versions
    from hetero_rsnn.jobs.parallel import cores

    return {
        "versions": versions(),
        "processor": processor(),
        "cores": cores(),
        "system": platform.system(),
        "threads": 1,
        "spread": SPREAD,
        **more,
    }


def summarise(times: Iterable[float]) -> dict[str, Any]:
    """Median, smallest and largest of the rounds, and all of them in the order in which they were run."""
    values = [float(t) for t in times]
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "all": values}


def interleaved(cases: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all cases in every round, so that a busy machine slows all of them alike.

    Parameters
    ----------
    cases : mapping of str to callable
        Each returns what it measured, in seconds say.
    rounds : int
        Each round begins with another case.

    Returns
    -------
    dict of str to list of float
        One number a round, so that the k-th numbers of two cases were taken shortly after one another.
    """
    names = list(cases)
    out: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            out[name].append(cases[name]())
    return out


def timed(
    work: Callable[[], object], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> Callable[[], float]:
    """Seconds of one call, from as many as take about so long; by a clock of the processor if that is wanted."""
    work()
    begin = clock()
    work()
    calls = max(1, int(seconds / max(clock() - begin, 1e-7)))

    def run() -> float:
        begin = clock()
        for _ in range(calls):
            work()
        return (clock() - begin) / calls

    return run


def power_law(x: Sequence[float], y: Sequence[float]) -> dict[str, float] | None:
    """Fit ``y = factor * x**exponent`` by least squares of the logarithms; None if there are fewer than three points.

    Returns
    -------
    dict
        ``exponent``, its standard error ``stderr`` (from the residuals), ``factor``, and ``points``.
    """
    import numpy as np

    n = len(x)
    if n < 3:
        return None
    a, b = np.log(np.asarray(x, float)), np.log(np.asarray(y, float))
    centred = a - a.mean()
    exponent = float(centred @ b / (centred @ centred))
    residuals = b - b.mean() - exponent * centred
    stderr = math.sqrt(float(residuals @ residuals) / (n - 2) / float(centred @ centred))
    factor = math.exp(float(b.mean() - exponent * a.mean()))
    return {"exponent": exponent, "stderr": stderr, "factor": factor, "points": n}


def network(n: int, p: float, p_plastic: float | None = None, **overrides: Any) -> hr.Network:
    """Network 'henhes' that fires at about 10 Hz, with connection probability `p` (`p_plastic` for E->E)."""
    import hetero_rsnn as hr

    chances = {f"{name}.topology.p": p for name in ("EE", "EI", "IE", "II")}
    if p_plastic is not None:
        chances["EE.topology.p"] = p_plastic
    return hr.load_network("henhes", **{"n": n, "I_bias": BIAS, **chances, **overrides})


def draw(net: hr.Network, seed: int, precision: str) -> hr.Draw:
    """Draw a network, in the precision it will run in where `hetero_rsnn.draw` can do that."""
    import hetero_rsnn as hr

    if draws_single():
        return hr.draw(net, seed, precision=precision)  # type: ignore[call-arg,unused-ignore]
    return hr.draw(net, seed)


def draws(net: hr.Network, seed: int) -> dict[str, hr.Draw]:
    """A draw for each precision, or the same one for all where `hetero_rsnn.draw` knows but one."""
    import hetero_rsnn as hr
    from hetero_rsnn.network.draw import PRECISIONS

    if draws_single():
        return {precision: draw(net, seed, precision) for precision in PRECISIONS}
    return dict.fromkeys(PRECISIONS, hr.draw(net, seed))


def draws_single() -> bool:
    """Whether `hetero_rsnn.draw` can hold its arrays in single precision."""
    import inspect

    import hetero_rsnn as hr

    return "precision" in inspect.signature(hr.draw).parameters


def visits(drawn: hr.Draw, recording: hr.Recording) -> tuple[int, int]:
    """Plastic and static synapses that the spikes of a recording ran over: spikes times fan-out."""
    import numpy as np

    fired = recording.spike_neurons
    plastic, static = (int(np.diff(s.indptr)[fired].sum()) for s in (drawn.plastic, drawn.static))
    return plastic, static


def parser(doc: str | None, out: str, rounds: int | None = 5) -> argparse.ArgumentParser:
    """Arguments that all benchmarks take: --toy, --out and, unless `rounds` is None, --rounds."""
    made = argparse.ArgumentParser(description=doc.splitlines()[0] if doc else "")
    made.add_argument(
        "--toy", action="store_true", help="see that it works: toy sizes, seconds; the numbers mean nothing"
    )
    made.add_argument("--out", type=Path, default=Path(out), help="where to write (default: %(default)s)")
    if rounds is not None:
        made.add_argument("--rounds", type=int, default=rounds, help="of every timing (default: %(default)s)")
    return made


def write(path: Path, data: Any) -> None:
    """Write results as JSON, atomically, and say where."""
    from hetero_rsnn.common.files import write_json

    write_json(path, data)
    print(f"wrote {path}")
