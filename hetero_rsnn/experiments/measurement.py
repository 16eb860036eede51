"""Measuring networks over seeds: unsupervised training, then the frozen measurement of C, S and E."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import HeteroError, OutputError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.experiments.measurement_result import Measurement, SeedResult
from hetero_rsnn.inputs.stimulus import Stimulus, uniform_stimulus
from hetero_rsnn.jobs.progress import Progress, told
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.measures.efficiency import spike_efficiency, state_correlation, states
from hetero_rsnn.measures.memory import channel_capacity
from hetero_rsnn.measures.operations import count_operations
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw, draw
from hetero_rsnn.network.loading import load_network
from hetero_rsnn.network.rules import by_rule
from hetero_rsnn.network.sizes import DOUBLE, check_draw, draw_size
from hetero_rsnn.simulation.engine import DEFAULT, Engine
from hetero_rsnn.simulation.recording import Recording
from hetero_rsnn.simulation.simulate import simulate
from hetero_rsnn.simulation.sizes import check_hold


def training_stimulus(network: Network, seed: int) -> Stimulus:
    """Input during unsupervised learning: uniform like the measurement's, but other numbers."""
    count = max(1, math.ceil(network.protocol.train / network.protocol.hold - 1e-9))
    values = generator(seed, "training", "uniform").uniform(-1.0, 1.0, size=(count, network.input.channels))
    return Stimulus(
        "current", values, network.protocol.hold, description={"source": "uniform (training)", "seed": seed}
    )


def train(
    drawn: Draw, *, backend: str = "fast", precision: str = "double", codegen_target: str = "numpy"
) -> Recording | None:
    """Let a draw learn without supervision for ``protocol.train``; None if it has no plastic synapses.

    Parameters
    ----------
    drawn : Draw
    backend, precision, codegen_target : str
        See `simulate`.
    """
    return _train(drawn, Engine(backend, precision, codegen_target))


def _train(drawn: Draw, engine: Engine) -> Recording | None:
    if not len(drawn.plastic) or drawn.network.protocol.train == 0:
        return None
    stimulus = training_stimulus(drawn.network, drawn.seed)
    return simulate(drawn, stimulus, **engine.options)


def _weight(drawn: Draw, recording: Recording) -> float:
    """Mean size of the plastic weights as a share of their w_max."""
    shares = [
        ((recording.weights[r.which] * r.sign).mean() / r.shared["w_max"], len(r.synapses))
        for r in by_rule(drawn)
        if len(r.synapses)
    ]
    means, counts = zip(*shares, strict=True)
    return float(means[0] if len(means) == 1 else np.average(means, weights=counts))


def measure_seed(network: Network, seed: int, engine: Engine = DEFAULT) -> tuple[SeedResult, Recording]:
    """Train and measure one seed; return the numbers and the recording of the measurement (washout dropped)."""
    check_size(network, engine)
    p = network.protocol
    clock = [time.perf_counter()]
    drawn = draw(network, seed, precision=engine.precision)
    clock.append(time.perf_counter())
    trained = _train(drawn, engine)
    clock.append(time.perf_counter())
    u = uniform_stimulus(p.washout + p.samples, p.hold, seed, channels=network.input.channels)
    recording = simulate(drawn, u, plasticity=False, state=trained, **engine.options)
    clock.append(time.perf_counter())
    # States are filtered before the washout is dropped, so that the filter has settled too.
    x = states(recording, u, p.tau_read)[p.washout :]
    measured = recording.after(p.washout)
    clock.append(time.perf_counter())
    capacity = channel_capacity(x, u.values[p.washout :], p.d_max, p.estimator)
    correlation = state_correlation(x)
    clock.append(time.perf_counter())
    e = spike_efficiency(capacity, measured)
    groups = drawn.heterogeneity()
    result = SeedResult(
        seed=int(seed),
        C=e.C,
        C_stderr=e.C_stderr,
        S=e.S,
        E=e.E,
        E_stderr=e.E_stderr,
        rate_hz=e.rate_hz,
        silent_share=e.silent_share,
        correlation=correlation,
        weight=_weight(drawn, recording) if len(drawn.plastic) else math.nan,
        determinant={k: h.determinant for k, h in groups.items()},
        H={k: h.entropy for k, h in groups.items()},
        curve=tuple(float(c) for c in capacity.curve),
        train_rate_hz=trained.rate_hz if trained is not None else math.nan,
        seconds=dict(zip(("draw", "train", "measure", "states", "readout"), np.diff(clock).tolist(), strict=True)),
        reason=e.reason,
        operations=count_operations(drawn, measured, u[p.washout :]),
    )
    return result, measured


def check_size(network: Network, engine: Engine = DEFAULT, jobs: int = 1) -> None:
    """Refuse a measurement that would not fit in memory, `jobs` at a time, before anything of it is made.

    Raises
    ------
    HeteroError
        Naming what it would take, what there is, and what to lower.
    """
    p, n, channels = network.protocol, network.n, network.input.channels
    network.check_freezes()
    check_draw(network, single=engine.precision == "single")
    check_hold(network, p.hold, engine)
    samples = p.washout + p.samples
    # States are copied as they are checked and centred; the covariance of all pairs of neurons stands beside them.
    states_size = 3.0 * DOUBLE * samples * n + 2.0 * DOUBLE * n * n
    inputs = float(DOUBLE) * channels * max(samples, p.train / p.hold)
    at_a_time = f"{jobs} at a time, " if jobs > 1 else ""
    memory.fits(
        f"measuring {network.name!r} ({at_a_time}{n} neurons, {samples} samples, {p.train / p.hold:.6g} for training)",
        jobs * (draw_size(network, single=engine.precision == "single") + states_size + inputs),
        "lower n, protocol.samples" + (" or workers" if jobs > 1 else " or protocol.train"),
    )


def _job(job: tuple[Network, int], engine: Engine, recordings: Path | None) -> SeedResult:
    network, seed = job
    result, recording = measure_seed(network, seed, engine)
    if recordings is not None:  # written where it was made: passing it between processes would cost more than making it
        recording.save(recordings / f"{network.name}-{seed}")
    return result


class Kept(Protocol):
    """What holds measurements that were made before, and takes those that are made; see `measurement_journal`."""

    def get(self, network: Network, seed: int) -> SeedResult | None:
        """The measurement of a network on a seed, if there is one."""

    def keep(self, network: Network, row: SeedResult) -> None:
        """Keep a measurement."""


def measure_many(
    networks: Sequence[Network],
    seeds: int | Iterable[int] = range(8),
    *,
    engine: Engine = DEFAULT,
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    progress: Progress | bool | None = None,
    recordings: Path | None = None,
    log: Kept | None = None,
) -> list[Measurement]:
    """Measure several networks on the same seeds; see `measure` and, for `recordings`, `compare`.

    What `log` holds is not measured again, unless its recording is wanted and is not there. Two networks of one content
    are measured once.
    """
    numbers = checks.different_seeds("seeds", seeds)
    if not networks:
        raise HeteroError("a measurement needs at least one network, got none: name one")
    elsewhere = executor is not None or dask is not None
    together = 1 if elsewhere or not isinstance(workers, int) else min(workers, len(numbers) * len(networks))
    for network in networks:
        check_size(network, engine, together)
    folder = None if recordings is None else Path(recordings).resolve()  # a worker may be somewhere else
    # Seed after seed, so that an early stop has compared the networks on the seeds that are done.
    wanted = [(network, seed) for seed in numbers for network in networks]
    found: dict[tuple[str, int], SeedResult] = {}
    jobs: dict[Any, tuple[Network, int]] = {}
    for network, seed in wanted:
        key = (network.fingerprint, seed)
        row = None if log is None else log.get(network, seed)
        if row is not None:
            found[key] = row
        if row is None or (folder is not None and not _recorded(folder, network, seed)):
            # A recording has the name of its network.
            jobs.setdefault(key if folder is None else (network.name, *key), (network, seed))
    todo = list(jobs.values())
    before = len(wanted) - len(todo)

    def keep(index: int, row: SeedResult) -> None:
        network, seed = todo[index]
        if folder is not None and not _recorded(folder, network, seed):
            raise OutputError(
                f"the recording of {network.name!r} with seed {seed} lies on the disk of the machine that made it",
                fix=f"choose a folder that all machines share instead of {folder}",
            )
        if found.setdefault((network.fingerprint, seed), row) is row and log is not None:
            log.keep(network, row)

    job = partial(_job, engine=engine, recordings=folder)
    with told(progress, "measuring", len(wanted)) as watcher:

        def tell(done: int, _total: int) -> None:
            if watcher is not None:
                watcher(before + done, len(wanted))

        if before:
            tell(0, len(todo))
        run_jobs(
            job, todo, workers=workers, executor=executor, dask=dask, progress=tell, threads=engine.threads, each=keep
        )
    return [
        Measurement(
            network, tuple(found[network.fingerprint, seed] for seed in numbers), engine.backend, engine.precision
        )
        for network in networks
    ]


def _recorded(folder: Path, network: Network, seed: int) -> bool:
    return all((folder / f"{network.name}-{seed}{ending}").exists() for ending in (".npz", ".json"))


def measure(
    network: Network | str,
    seeds: int | Iterable[int] = range(8),
    *,
    backend: str = "fast",
    precision: str = "double",
    codegen_target: str = "numpy",
    workers: int | None = None,
    executor: Executor | None = None,
    dask: str | None = None,
    progress: Progress | bool | None = None,
) -> Measurement:
    """Measure a network: unsupervised training, then C, S, E and more with frozen weights.

    Parameters
    ----------
    network : Network or str
        How it is measured stands in its protocol: ``net.replace(**{"protocol.samples": 6000})`` changes that.
    seeds : int or iterable of int
        How many, from 0 on, or which. Each draws another network of the same distributions, another training and
        another measuring input. Of a `trained_network` the arrays stay: seeds are those of the input, and intervals are
        over inputs of one network. The result says so.
    backend, precision, codegen_target : str
        See `simulate`.
    workers : int, optional
        Jobs at a time, by default 1: threads for the fast backend, else processes.
    executor, dask
        Where jobs run instead, see `make_runner`; the results do not depend on it. Then `workers` are the most at a
        time.
    progress : bool or callable, optional
        True shows a bar on standard error (lines where that is no terminal); a callable is called with
        (finished, total) seeds.

    Returns
    -------
    Measurement
        ``m["C"]`` for every seed; ``m.summary()`` with standard errors and 95 % intervals over the seeds.

    Raises
    ------
    TooShortError
        If ``protocol.samples`` are too few for the number of neurons and delays.
    HeteroError
        If it would not fit in memory.
    """
    net = load_network(network)
    engine = Engine(backend, precision, codegen_target)
    (found,) = measure_many(
        [net], seeds, engine=engine, workers=workers, executor=executor, dask=dask, progress=progress
    )
    return found
