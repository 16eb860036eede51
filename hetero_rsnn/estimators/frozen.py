"""A network as a tool: it learns without supervision, is frozen, and answers each sample from one state."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.inputs.stimulus import Stimulus, Stream
from hetero_rsnn.jobs.parallel import cores
from hetero_rsnn.jobs.progress import Progress
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.measures.efficiency import states
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.recording import Recording, State
from hetero_rsnn.simulation.simulate import simulate

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Frozen:
    """A drawn network and the state from which every sample begins.

    Attributes
    ----------
    draw : Draw
    state : State
        After learning, and a rest that lets the last sample fade.
    how : dict
        Backend and precision.
    """

    draw: Draw
    state: State
    how: dict[str, Any]

    def run(self, stimulus: Stimulus) -> Recording:
        """Answer one sample, with frozen weights."""
        return simulate(self.draw, stimulus, state=self.state, plasticity=False, **self.how)

    def on(self, stimulus: Stimulus, recording: Recording) -> Recording:
        """Go on from an earlier answer."""
        return simulate(self.draw, stimulus, state=recording, plasticity=False, **self.how)

    def run_all(
        self,
        samples: int,
        encode: Callable[[int], Stimulus],
        read: Callable[[int, Recording], Answer],
        *,
        n_jobs: int | None = None,
        progress: Progress | None = None,
    ) -> list[Answer]:
        """Answer samples, several at a time: sample k is encoded, simulated, and read by ``read(k, recording)``."""
        workers = count_jobs(n_jobs) if self.how["backend"] == "fast" else 1

        def job(k: int) -> Answer:
            return read(k, self.run(encode(k)))

        return run_jobs(job, range(samples), workers=workers, progress=progress, threads=True)


def count_jobs(n_jobs: int | None) -> int:
    """scikit-learn's ``n_jobs``: None is one, -1 all cores, -2 all but one."""
    if n_jobs is None:
        return 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0:
        raise HeteroError(f"n_jobs must be a whole number other than 0, or None, got {n_jobs!r}: -1 uses all cores")
    return int(n_jobs) if n_jobs > 0 else max(1, cores() + 1 + int(n_jobs))


def quiet(like: Stimulus, duration: float) -> Stimulus:
    """No input, of the kind of another stimulus, for at least `duration` ms."""
    samples = max(1, math.ceil(duration / like.hold - 1e-9))
    return Stimulus(like.kind, np.zeros((samples, like.channels)), like.hold, description={"source": "rest"})


def learn(
    drawn: Draw,
    samples: int,
    encode: Callable[[int], Stimulus],
    *,
    epochs: int = 1,
    rest: float = 100.0,
    limit: float = math.inf,
    state: State | None = None,
    backend: str = "fast",
    precision: str = "double",
    progress: Progress | None = None,
) -> Frozen:
    """Show samples to a plastic network, in random order and with rests between, and freeze it.

    Parameters
    ----------
    drawn : Draw
    samples : int
        Their number; ``encode(k)`` gives sample k.
    epochs : int
        How often each is shown; 0 leaves the network as it was drawn.
    rest : float
        Silence after each sample in ms.
    limit : float
        Learning ends when this much time (ms) of samples has been shown.
    state : State, optional
        To go on learning from.
    """
    how: dict[str, Any] = {"backend": backend, "precision": precision}
    drawn.network.check_freezes()
    plastic = bool(len(drawn.plastic)) and epochs > 0 and drawn.network.learns
    first = encode(0)
    # Learning that goes on shows its samples in an order of its own.
    later: tuple[int, ...] = () if state is None else (state.step,)
    if plastic:
        total = epochs * samples

        def blocks() -> Iterator[Stimulus]:
            # Whole samples are counted: times that were subtracted one by one would not be whole any more.
            done, left = 0, math.floor(limit / first.hold + 1e-9) if math.isfinite(limit) else sys.maxsize
            for epoch in range(epochs):
                for k in generator(drawn.seed, "training", "order", epoch, *later).permutation(samples):
                    shown = encode(int(k))
                    yield shown[: max(1, left)] if left < len(shown) else shown
                    left -= len(shown)
                    if left < 1:
                        return
                    if rest > 0:
                        yield quiet(first, rest)
                    done += 1
                    if progress is not None:
                        progress(done, total)

        state = simulate(drawn, Stream(blocks(), first.hold, {"source": "samples"}), state=state, **how).state
    # A network that has learnt nothing rests, too: its initial state is none that it would be in by itself.
    rested = simulate(drawn, quiet(first, max(rest, first.hold)), state=state, plasticity=False, **how)
    return Frozen(drawn, rested.state, how)


def filtered(recording: Recording, taus: Sequence[float]) -> Array:
    """States read with one or several filters, side by side; shape (samples, n * filters)."""
    return np.concatenate([states(recording, tau_read=tau) for tau in taus], axis=1)


def pool(x: Array, windows: int, stop: int | None = None) -> Array:
    """Mean over `windows` equal parts of the rows before `stop`, side by side; shape (windows * columns,).

    Where there are fewer rows than windows, neighbouring windows share rows.
    """
    rows = len(x) if stop is None else min(stop, len(x))
    edges = np.arange(windows + 1) * rows / windows
    starts = np.minimum(np.floor(edges[:-1] + 1e-9).astype(int), rows - 1)
    stops = np.maximum(np.ceil(edges[1:] - 1e-9).astype(int), starts + 1)
    if rows >= windows:  # each row belongs to one window only
        starts = np.round(edges[:-1]).astype(int)
        stops = np.append(starts[1:], rows)
    total = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(x[:rows], axis=0, dtype=np.float64)])
    return np.asarray(((total[stops] - total[starts]) / (stops - starts)[:, None]).ravel())


def spikes_each(recording: Recording) -> float:
    """Mean spikes of a neuron in a recording."""
    return recording.spike_times.size / recording.n


def adopt(frozen: Frozen, state: State) -> Frozen:
    """The same network from another state."""
    return replace(frozen, state=state)
