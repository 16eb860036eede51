"""Spikes of a series, by rule and without chance: level crossings, and integrate-and-fire units."""

from __future__ import annotations

import math

import numpy as np

from hetero_rsnn.common.types import Array, Bools, Ints

#: How far (in levels) a value may lie before a level and still reach it: rounding errors.
_HAIR = 1e-9


def crossed_levels(x: Array) -> Array:
    """Level at the end of every row, when it follows `x` in whole steps (send-on-delta).

    The level starts at 0 and moves by whole numbers, as soon as `x` is 1 or more away from it.

    Parameters
    ----------
    x : ndarray, shape (time, channels)
        In units of the threshold, relative to the starting level.

    Returns
    -------
    ndarray of whole numbers, shape (time, channels)
        Never as far as 1 from `x`, but for rounding.

    References
    ----------
    M. Miskowicz (2006), Sensors 6:49 (send-on-delta).
    """
    levels = np.zeros_like(x)
    level = np.zeros(x.shape[1])
    for k, row in enumerate(x):
        ahead = row - level
        level = level + np.trunc(ahead + np.copysign(_HAIR, ahead))
        levels[k] = level
    return levels


def crossing_events(x: Array, levels: Array, steps: int) -> tuple[Ints, Ints, Bools]:
    """When each level is crossed, if `x` moves in a straight line from row to row.

    Row k is reached at the end of sample k; nothing happens in sample 0. Of crossings that share a step of the grid,
    the later ones move to the steps that follow (or, at the end of the sample, the earlier ones to those before).

    Parameters
    ----------
    x, levels : ndarray, shape (time, channels)
        See `crossed_levels`. No channel may cross more than `steps` levels in a sample.
    steps : int
        Steps in a sample.

    Returns
    -------
    step : ndarray of int, shape (events,)
        From the start, one event a channel and step.
    channel : ndarray of int, shape (events,)
    up : ndarray of bool, shape (events,)
    """
    before = np.vstack([levels[:1], levels[:-1]])
    rows, channels = np.nonzero(levels != before)
    moves = (levels - before)[rows, channels]
    counts = np.abs(moves).astype(np.int64)
    group = np.repeat(np.arange(rows.size), counts)
    rank = np.arange(group.size) - np.repeat(np.cumsum(counts) - counts, counts)  # 0, 1, ... within a group
    start, end = x[rows - 1, channels], x[rows, channels]
    first = before[rows, channels] + np.sign(moves) - start
    place = (first[group] + rank * np.sign(moves)[group]) / (end - start)[group]  # in (0, 1] of the sample
    step = np.ceil(np.clip(place, 0.0, 1.0) * steps - _HAIR).astype(np.int64) - 1
    step = np.maximum(step, 0)
    # Crossings are evenly spaced: if two share a step, all are closer than a step, so that each takes the next one from
    # the first on; and each leaves room for those that follow in the sample.
    step = np.maximum(step, step[np.cumsum(counts) - counts][group] + rank)
    step = np.minimum(step, steps - counts[group] + rank)
    return rows[group] * steps + step, channels[group], (moves > 0)[group]


def lif_spikes(drive: Array, steps: int, dt: float, tau: float, refractory: int) -> tuple[Ints, Ints]:
    """Spikes of one leaky integrate-and-fire unit a channel: ``tau dv/dt = I - v``, spike and reset to 0 at v = 1.

    Exact for a drive that is constant over a step: ``v <- I + (v - I) exp(-dt / tau)``. After a spike v stays 0 for the
    refractory time. For a constant I > 1 the intervals are those of `lif_rate`, lengthened to whole steps.

    Parameters
    ----------
    drive : ndarray, shape (samples, channels)
        I in units of the threshold, held for a sample.
    steps : int
        Steps in a sample.
    dt, tau : float
        In ms.
    refractory : int
        In steps.

    Returns
    -------
    step, channel : ndarray of int, shape (events,)
        In order of time.
    """
    decay = math.exp(-dt / tau)
    v, rest = np.zeros(drive.shape[1]), np.zeros(drive.shape[1], dtype=np.int64)
    out = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
    for k, target in enumerate(drive):
        for step in range(k * steps, (k + 1) * steps):
            v = np.where(rest > 0, 0.0, target + (v - target) * decay)
            rest -= 1
            fired = np.flatnonzero(v >= 1.0)
            if fired.size:
                v[fired], rest[fired] = 0.0, refractory
                out.append((np.full(fired.size, step), fired))
    return np.concatenate([s for s, _ in out]), np.concatenate([c for _, c in out])


def lif_drive(rate_hz: float, tau: float, t_ref: float) -> float:
    """The constant drive at which a unit fires with `rate_hz` < 1000 / `t_ref`: inverse of `theory_neuron.lif_rate`."""
    return -1.0 / math.expm1(-(1e3 / rate_hz - t_ref) / tau)
