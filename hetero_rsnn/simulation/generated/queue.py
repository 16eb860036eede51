"""The queue of delayed spikes: what lies beside the list of spikes that a kernel writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.types import Ints
from hetero_rsnn.network.draw import Draw, Synapses
from hetero_rsnn.simulation.delays import delayed_rows, longest_delay, still_under_way
from hetero_rsnn.simulation.generated.vectors import rows
from hetero_rsnn.simulation.recording import State


@dataclass(frozen=True, eq=False)
class Groups:
    """Synapses of one neuron with one delay lie side by side, since rows are sorted by delay: a group.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n + 1,)
        Groups of neuron i: ``indptr[i]`` up to ``indptr[i + 1]``, delays ascending.
    start : ndarray of int64, shape (groups + 1,)
        Synapses of group g: ``start[g]`` up to ``start[g + 1]``.
    delay : ndarray of uint16, shape (groups + 1,)
        In steps; the last one belongs to no group, so that what lies behind the last group can be looked at.
    """

    indptr: Ints
    start: Ints
    delay: NDArray[np.uint16]

    def first_to_come(self, steps: Ints, neurons: Ints, now: int) -> tuple[Ints, Ints]:
        """Of every spike the first group at which it arrives at step `now` or later, and when; -1 for never."""
        place = rows(self.indptr, neurons)
        spike = np.repeat(np.arange(steps.size), np.diff(self.indptr)[neurons])
        gone = np.bincount(spike[steps[spike] + self.delay[place] < now], minlength=steps.size)
        group = self.indptr[neurons] + gone
        return group, np.where(group < self.indptr[neurons + 1], steps + self.delay[group], -1)


def groups_of(synapses: Synapses) -> Groups:
    """Groups of the synapses of one kind."""
    delay = np.zeros(len(synapses), np.uint16) if synapses.delay is None else synapses.delay
    begins = np.ones(delay.size, bool)
    begins[1:] = delay[1:] != delay[:-1]
    begins[synapses.indptr[:-1][np.diff(synapses.indptr) > 0]] = True
    start = np.append(np.flatnonzero(begins), delay.size).astype(np.int64)
    indptr = np.searchsorted(start[:-1], synapses.indptr).astype(np.int64)
    return Groups(indptr, start, np.append(delay[begins], 0).astype(np.uint16))


class Queue:
    """Spikes under way between two calls of a kernel; empty for a network without delays."""

    def __init__(self, draw: Draw, state: State) -> None:
        self._longest = longest_delay(draw)
        self._groups = {kind: groups_of(getattr(draw, kind)) for kind in sorted(delayed_rows(draw.network))}
        self._now = state.step
        self.under_way: Ints | None = None
        if self._groups:
            none = np.empty(0, np.int64)
            self.under_way = still_under_way(self._longest, state.under_way, none, none, state.step)

    @property
    def size(self) -> int:
        """How many spikes are under way."""
        return 0 if self.under_way is None else self.under_way.shape[1]

    def arrays(self, spike_steps: Ints, spike_neurons: Any) -> dict[str, Any]:
        """What a kernel takes; the spikes under way are written to the head of its lists of spikes."""
        if self.under_way is None:
            return {}
        size, room = self.size, spike_steps.size
        steps, neurons = self.under_way
        spike_steps[:size], spike_neurons[:size] = steps, neurons
        found: dict[str, Any] = {"pending": size, "late_longest": self._longest}
        for kind, groups in self._groups.items():
            group, due = np.empty(room, np.int64), np.empty(room, np.int64)
            group[:size], due[:size] = groups.first_to_come(steps, neurons, self._now)
            parts = {"indptr": groups.indptr, "start": groups.start, "delay": groups.delay, "group": group, "due": due}
            parts |= {"source": np.empty(room, np.int64), "arrived": np.empty(room, np.int64)}
            found |= {f"late_{kind}_{name}": part for name, part in parts.items()}
        return found

    def keep(self, spike_steps: Ints, spike_neurons: Any, now: int) -> None:
        """Take over the lists of spikes of a call that has ended before step `now`."""
        if self.under_way is None:
            return
        self._now = now
        self.under_way = still_under_way(self._longest, None, spike_steps, spike_neurons, now)
