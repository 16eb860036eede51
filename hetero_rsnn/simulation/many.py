"""Many simulations at once, on threads that share every array they only read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.inputs.stimulus import Stimulus, Stream
from hetero_rsnn.jobs.parallel import cores
from hetero_rsnn.jobs.progress import Progress
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.recording import Recording, State
from hetero_rsnn.simulation.simulate import simulate


def simulate_many(
    draws: Draw | Sequence[Draw],
    stimuli: Stimulus | Stream | Sequence[Stimulus | Stream],
    *,
    states: State | Recording | Sequence[State | Recording | None] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> list[Recording]:
    """Run many networks, or one network on many stimuli.

    Parameters
    ----------
    draws : Draw or sequence of Draw
        Seeds, or candidates of a search. A single one serves all stimuli, and its arrays are not copied.
    stimuli : Stimulus, Stream or sequence of them
        One for each draw, or one for all.
    states : State, Recording or sequence of them, optional
        To go on from, e.g. one trained network for all samples of a frozen pass.
    workers : int, optional
        Threads; all cores by default. The compiled kernel runs beside others of its kind; numpy's backend gains
        little from threads, and Brian2 runs one network after the other whatever is asked for.
    progress : callable, optional
        Called with (finished, total).
    **options
        As for `simulate`: backend, precision, plasticity, record, ...

    Returns
    -------
    list of Recording
        In the order given; they depend neither on the order nor on the number of threads. Frozen runs hand on the
        weights of the state they began from, not copies of them.

    Raises
    ------
    HeteroError
        If the lengths differ, or `workers` is not a whole number >= 1; else as `simulate`.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> samples = [hr.uniform_stimulus(5, "10 ms", seed=s) for s in range(3)]
    >>> len(simulate_many(d, samples, plasticity=False))
    3
    """
    jobs = _broadcast({"draws": draws, "stimuli": stimuli, "states": states})
    count = cores()
    if workers is not None:
        count = checks.whole("workers", workers, least=1, fix="leave it away for all cores")
    if options.get("backend", "fast") == "brian2":
        count = 1

    def job(one: tuple[Any, Any, Any]) -> Recording:
        return simulate(one[0], one[1], state=one[2], **options)

    return run_jobs(job, jobs, workers=count, progress=progress, threads=True)


def _broadcast(arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
    """One tuple a job; what is not a sequence serves all of them."""
    lists = {name: list(a) if isinstance(a, list | tuple) else a for name, a in arguments.items()}
    lengths = {name: len(a) for name, a in lists.items() if isinstance(a, list)}
    if 0 in lengths.values():
        raise HeteroError("simulate_many got no jobs: give at least one draw and one stimulus")
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise HeteroError(f"draws, stimuli and states must be equally many, got {found}: give one, or one for each")
    total = next(iter(lengths.values()), 1)
    columns = [a if isinstance(a, list) else [a] * total for a in lists.values()]
    return list(zip(*columns, strict=True))
