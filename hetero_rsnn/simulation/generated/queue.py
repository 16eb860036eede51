"""The queue of delayed spikes: what lies beside the list of spikes that a kernel writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hetero_rsnn.common.types import Ints
from hetero_rsnn.network.draw import Draw, Synapses
from hetero_rsnn.simulation.delays import longest_delay, still_under_way
from hetero_rsnn.simulation.generated.numba_source import BITS, LATE, NO_DELAY
from hetero_rsnn.simulation.generated.vectors import rows
from hetero_rsnn.simulation.recording import State


@dataclass(frozen=True, eq=False)
class Groups:
    """Synapses of one neuron with one delay lie side by side, since rows are sorted by delay: a group.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n + 1,)
        Entries of neuron i: ``indptr[i]`` up to ``indptr[i + 1]``, delays ascending, the last one of no group.
    table : ndarray of int64, shape (groups + n,)
        First synapse of a group and, in the lowest bits, its delay in steps. It ends where the next one begins. One
        number for both is one look into memory.
    """

    indptr: Ints
    table: Ints

    def first_to_come(self, steps: Ints, neurons: Ints, now: int) -> tuple[Ints, Ints]:
        """Of every spike the first entry that comes at step `now` or later, and when that is."""
        place = rows(self.indptr, neurons)
        spike = np.repeat(np.arange(steps.size), np.diff(self.indptr)[neurons])
        gone = np.bincount(spike[steps[spike] + (self.table[place] & NO_DELAY) < now], minlength=steps.size)
        group = self.indptr[neurons] + gone
        return group, steps + (self.table[group] & NO_DELAY)


def groups_of(synapses: Synapses) -> Groups:
    """Groups of the synapses of one kind."""
    n, indptr = synapses.indptr.size - 1, synapses.indptr
    delay = np.zeros(len(synapses), np.uint16) if synapses.delay is None else synapses.delay
    begins = np.ones(delay.size, bool)
    begins[1:] = delay[1:] != delay[:-1]
    begins[indptr[:-1][np.diff(indptr) > 0]] = True
    first = np.flatnonzero(begins)
    before = np.searchsorted(first, indptr)  # groups of the neurons before
    table = np.empty(first.size + n, np.int64)
    ends = before[1:] + np.arange(n)
    table[ends] = (indptr[1:] << BITS) + NO_DELAY
    inside = np.ones(table.size, bool)
    inside[ends] = False
    table[inside] = (first << BITS) + delay[first]
    return Groups(before + np.arange(n + 1), table)


class Queue:
    """Spikes under way between two calls of a kernel; empty for a network without delays.

    Parameters
    ----------
    draw : Draw
    state : State
    delayed : dict of str to Synapses
        Rows of synapses that have delays, by their name in the source.
    """

    def __init__(self, draw: Draw, state: State, delayed: dict[str, Synapses]) -> None:
        self._longest = longest_delay(draw)
        self._groups = {name: groups_of(synapses) for name, synapses in delayed.items()}
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
            here = (np.empty(room, np.int64) for _ in range(3))
            parts = (groups.indptr, groups.table, group, due, *here)
            found |= {f"late_{kind}_{name}": part for name, part in zip(LATE, parts, strict=True)}
        return found

    def keep(self, spike_steps: Ints, spike_neurons: Any, now: int) -> None:
        """Take over the lists of spikes of a call that has ended before step `now`."""
        if self.under_way is None:
            return
        self._now = now
        self.under_way = still_under_way(self._longest, None, spike_steps, spike_neurons, now)
