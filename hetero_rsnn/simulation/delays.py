"""Spikes on their way: which rows of synapses have delays, and what a state holds of spikes that have yet to arrive."""

from __future__ import annotations

from typing import Any

import numpy as np

from hetero_rsnn.common.types import Ints
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.rules import owner_names


def delayed_rows(net: Network, learn: bool) -> frozenset[str]:
    """Which rows of synapses have delays: ``"static"``, ``"plastic"``, ``"plastic_2"`` of another rule that learns."""
    owners = dict(zip((rule.name for rule in net.rules), owner_names(len(net.rules)), strict=True))
    plastic = {p.rule: owners[p.rule] if learn else "plastic" for p in net.projections if p.plastic}
    return frozenset(plastic[p.rule] if p.plastic else "static" for p in net.projections if p.delayed)


def longest_delay(draw: Draw) -> int:
    """Steps of the longest delay as drawn; 0 for none."""
    delays = (s.delay for s in (draw.plastic, draw.static))
    return max((int(d.max()) for d in delays if d is not None and d.size), default=0)


def still_under_way(longest: int, before: Ints | None, steps: Any, neurons: Any, now: int) -> Ints:
    """Spikes that may arrive somewhere at step `now` or later.

    Parameters
    ----------
    longest : int
        Steps of the longest delay.
    before : ndarray of int, shape (2, spikes), optional
        Those that were under way when a run began.
    steps, neurons : ndarray of int, shape (spikes,)
        Spikes of the run in their order, counted like `now`.
    now : int

    Returns
    -------
    ndarray of int64, shape (2, spikes)

    Examples
    --------
    >>> still_under_way(3, None, np.array([4, 5, 7]), np.array([0, 1, 0]), 8).tolist()
    [[5, 7], [1, 0]]
    """
    first = int(np.searchsorted(steps, now - longest))
    fresh = np.stack([steps[first:], neurons[first:]]).astype(np.int64)
    old = np.empty((2, 0), np.int64) if before is None else before[:, before[0] + longest >= now]
    return np.concatenate([old, fresh], axis=1)
