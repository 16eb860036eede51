"""Forward pass of sixteen samples through a network, and its exact adjoint.

Plain arrays and nothing else; `blocks` lays them out. Forward, in a step: state update, threshold, synapses (input,
then recurrent), reset, as in the kernel of the simulation and with its roundings. A row of synapses is walked if its
neuron fired in some lane. The tape holds the potential of every step before the reset, or `RESTING` while a neuron is
refractory: from it, backward knows what fired, and what potential the next step began with.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, assignment, var-annotated"
from __future__ import annotations

import math

import numpy as np
from numba import njit

from hetero_rsnn.common.compiled import real, wide_vectors
from hetero_rsnn.gradient.lanes import (
    absolute,
    element,
    increase,
    load,
    multiply_add,
    some,
    spread,
    store,
    total,
    where,
)
from hetero_rsnn.gradient.layout import LANES
from hetero_rsnn.gradient.pseudo_derivative import ARCTANGENT, FAST_SIGMOID, GAUSSIAN, RECTANGLE, TRAPEZOID

#: What the tape holds while a neuron is refractory: a potential that no neuron has.
RESTING = -1e30


@njit(nogil=True, error_model="numpy")
def smooth_spike(x, family, p, q):
    """Integral of a pseudo-derivative from -infinity to x: a spike that is differentiable."""
    if family == RECTANGLE:
        return min(max(0.5 + x / (2 * p), 0.0), 1.0)
    if family == TRAPEZOID:
        y, top = abs(x), 1.0 / (p + q)
        if y >= q:
            half = 0.5
        elif y <= p:
            half = y * top
        else:
            half = 0.5 - top * (q - y) ** 2 / (2 * (q - p))
        return 0.5 + half if x > 0 else 0.5 - half
    if family == FAST_SIGMOID:
        half = 0.5 * p * abs(x) / (1 + p * abs(x))
        return 0.5 + half if x > 0 else 0.5 - half
    if family == ARCTANGENT:
        return 0.5 + math.atan(p * x) / math.pi
    return 0.5 * math.erfc(-x / (p * math.sqrt(2.0)))


@njit(nogil=True, error_model="numpy", inline="always")
def _advance(parts, at, size, drive, given, tape, cell, decay_m, decay_syn, v_th, v_reset, wait, zero, one, resting):
    """One step of one neuron, up to its threshold and reset; return whether it fired in any lane."""
    v0, i0, left = load(parts, at), load(parts, at + size), load(parts, at + 3 * size)
    x = load(drive, given) + i0
    free = left <= zero
    v = where(free, (v0 - x) * decay_m + x, v0)
    fired = free & (v > v_th)
    store(tape, cell, where(free, v, spread(resting)))
    store(parts, at, where(fired, spread(v_reset), v))
    store(parts, at + size, i0 * decay_syn)
    store(parts, at + 2 * size, where(fired, spread(one), spread(zero)))
    store(parts, at + 3 * size, where(fired, spread(wait), where(free, left, left - one)))
    return some(fired)


@njit(nogil=True, error_model="numpy")
def _advance_smoothly(parts, at, size, drive, given, tape, cell, decay_m, decay_syn, v_th, v_reset, family, p, q):
    """The same with a spike between 0 and 1, for tests of the adjoint by finite differences."""
    for b in range(LANES):
        x = drive[given + b] + parts[at + size + b]
        v = (parts[at + b] - x) * decay_m + x
        s = smooth_spike(v - v_th, family, p, q)
        tape[cell + b] = v
        parts[at + b] = v + s * (v_reset - v)
        parts[at + size + b] *= decay_syn
        parts[at + 2 * size + b] = s
    return True


@njit(nogil=True, error_model="numpy", cache=True)
def forward(
    first, n_steps, hold, window, parts, drive, indptr, target, w, event_steps, event_channels, event_lanes,
    event_indptr, event_target, event_w, decay_m, decay_syn, v_th, v_reset, wait, kernel, smooth, family, p, q,
    tape, currents, activity, potentials,
):  # fmt: skip
    """Advance sixteen samples from step `first` by `n_steps`.

    All arrays with lanes are flat. `parts` (FORWARD_PARTS, n) is brought up to date. `drive` (inputs, n) holds the
    constant input too; `kernel` (window,) weighs a spike by its step in a window. Written are `tape` (n_steps, n), and
    unless they are empty `currents` (the synaptic current at the beginning of every step), `activity` (windows, n;
    added to) and `potentials` (windows, n; at the end of a window, after the reset). `event_steps` count from step 0.
    """
    wide_vectors()
    n = decay_m.size
    size = n * LANES
    zero, one, resting = real(0.0, w), real(1.0, w), real(RESTING, w)
    fired = np.empty(n, np.int64)
    event = np.searchsorted(event_steps, first)
    for local in range(n_steps):
        step = first + local
        given, cell = (step // hold) * size, local * size
        if currents.size:
            for i in range(n):
                store(currents, cell + i * LANES, load(parts, size + i * LANES))
        count = 0
        for i in range(n):
            lanes = i * LANES
            fired[count] = i
            if smooth:
                count += _advance_smoothly(
                    parts, lanes, size, drive, given + lanes, tape, cell + lanes, decay_m[i], decay_syn[i], v_th[i],
                    v_reset[i], family, p, q,
                )  # fmt: skip
            else:
                count += _advance(
                    parts, lanes, size, drive, given + lanes, tape, cell + lanes, decay_m[i], decay_syn[i], v_th[i],
                    v_reset[i], wait[i], zero, one, resting,
                )  # fmt: skip
        while event < event_steps.size and event_steps[event] == step:
            c, come = event_channels[event], load(event_lanes, event * LANES)
            for k in range(event_indptr[c], event_indptr[c + 1]):
                at = size + event_target[k] * LANES
                store(parts, at, multiply_add(come, spread(event_w[k]), load(parts, at)))
            event += 1
        share, counted = kernel[step % window], (step // window) * size
        for f in range(count):
            i = fired[f]
            spikes = load(parts, 2 * size + i * LANES)
            if activity.size:
                at = counted + i * LANES
                store(activity, at, multiply_add(spikes, spread(share), load(activity, at)))
            for k in range(indptr[i], indptr[i + 1]):
                at = size + element(target, k) * LANES
                store(parts, at, multiply_add(spikes, spread(element(w, k)), load(parts, at)))
        if potentials.size and (step + 1) % window == 0:
            for i in range(n):
                store(potentials, counted + i * LANES, load(parts, i * LANES))


@njit(nogil=True, error_model="numpy", inline="always")
def _bump(v, x, family, p, q, zero, one, half, turn, rest):
    """Pseudo-derivative at the potentials `v`, a distance `x` from the threshold; 0 while refractory."""
    if family == TRAPEZOID:
        y = (q - absolute(x)) * (one / (q - p))
        y = where(y > zero, y, spread(zero))
        return where(y < one, y, spread(one)) * (one / (p + q))
    if family == RECTANGLE:
        return where(absolute(x) <= p, spread(half / p), spread(zero))
    if family == FAST_SIGMOID:
        y = absolute(x) * p + one
        return where(v > rest, (half * p) / (y * y), spread(zero))
    y = x * p
    return where(v > rest, (p * turn) / (y * y + one), spread(zero))


@njit(nogil=True, error_model="numpy")
def _bell(parts, at, v_th, p):
    """Replace potentials by the density of a normal distribution, one after the other: vectors have no exponential."""
    for b in range(LANES):
        v = parts[at + b]
        y = (v - v_th) / p
        parts[at + b] = math.exp(-0.5 * y * y) / (p * math.sqrt(2 * math.pi)) if v > RESTING / 2 else 0.0


@njit(nogil=True, error_model="numpy", inline="always")
def _gathered(parts, target, w, low, high, gradient, zero):
    """A gradient and what comes back through a row of synapses: four sums, since one waits for itself each time."""
    second, third, fourth = spread(zero), spread(zero), spread(zero)
    k = low
    while k + 3 < high:
        gradient = multiply_add(load(parts, element(target, k) * LANES), spread(element(w, k)), gradient)
        second = multiply_add(load(parts, element(target, k + 1) * LANES), spread(element(w, k + 1)), second)
        third = multiply_add(load(parts, element(target, k + 2) * LANES), spread(element(w, k + 2)), third)
        fourth = multiply_add(load(parts, element(target, k + 3) * LANES), spread(element(w, k + 3)), fourth)
        k += 4
    while k < high:
        gradient = multiply_add(load(parts, element(target, k) * LANES), spread(element(w, k)), gradient)
        k += 1
    return (gradient + second) + (third + fourth)


@njit(nogil=True, error_model="numpy", cache=True)
def backward(
    first, n_steps, hold, window, start, parts, indptr, target, w, event_steps, event_channels, event_lanes,
    event_indptr, event_target, decay_m, rise_m, decay_syn, v_th, v_reset, kernel, smooth, family, p, q, through,
    tape, currents, into_activity, into_potentials,
    into_drive, into_w, into_event_w, into_decay_m, into_decay_syn, into_v_th, touched,
):  # fmt: skip
    """Go back from step ``first + n_steps`` to `first`, adding to the gradients `into_...` that are not empty.

    All arrays with lanes are flat. `parts` (BACKWARD_PARTS, n) holds the gradients at the end, and afterwards those at
    the beginning; `start` is what the parts of `forward` were at the beginning. `rise_m` is 1 - `decay_m`, which single
    precision could not tell from 0 for long time constants. `through` is 1, or 0 for a reset that
    hands no gradient on. `touched` (n,) counts the steps in which the pseudo-derivative was above 0 in some lane.
    """
    wide_vectors()
    n = decay_m.size
    size = n * LANES
    zero, one, half, rest = real(0.0, w), real(1.0, w), real(0.5, w), real(RESTING / 2, w)
    turn = real(1 / math.pi, w)
    event = np.searchsorted(event_steps, first + n_steps) - 1
    for local in range(n_steps - 1, -1, -1):
        step = first + local
        counted, cell = (step // window) * size, local * size
        share, given = kernel[step % window], (step // hold) * size
        if into_potentials.size and (step + 1) % window == 0:
            for i in range(n):
                at = size + i * LANES
                store(parts, at, load(parts, at) + load(into_potentials, counted + i * LANES))

        # What the spikes of this step did: in activity, and by way of their synapses, to currents of the next step.
        for i in range(n):
            lanes = i * LANES
            v = load(tape, cell + lanes)
            x = v - v_th[i]
            spikes = where(x > zero, spread(one), spread(zero))
            if family == GAUSSIAN:
                store(parts, 3 * size + lanes, v)
                _bell(parts, 3 * size + lanes, v_th[i], p)
                bump = load(parts, 3 * size + lanes)
            else:
                bump = _bump(v, x, family, p, q, zero, one, half, turn, rest)
            store(parts, 3 * size + lanes, bump)
            store(parts, 4 * size + lanes, spikes)
            if smooth:
                for b in range(LANES):
                    parts[4 * size + lanes + b] = smooth_spike(tape[cell + lanes + b] - v_th[i], family, p, q)
                spikes = load(parts, 4 * size + lanes)
            gradient = load(into_activity, counted + lanes) * share
            low, high = indptr[i], indptr[i + 1]
            if some(bump > zero):
                touched[i] += 1
                gradient = _gathered(parts, target, w, low, high, gradient, zero)
            store(parts, 2 * size + lanes, gradient)
            if into_w.size and some(spikes > zero):
                for k in range(low, high):
                    increase(into_w, k, total(spikes * load(parts, element(target, k) * LANES)))
        while event >= 0 and event_steps[event] == step:
            if into_event_w.size:
                c, come = event_channels[event], load(event_lanes, event * LANES)
                for k in range(event_indptr[c], event_indptr[c + 1]):
                    into_event_w[k] += total(come * load(parts, event_target[k] * LANES))
            event -= 1

        # The adjoint of `_advance`: gradients at the end of the step become those at its beginning.
        for i in range(n):
            lanes = i * LANES
            v, current, into = load(tape, cell + lanes), load(parts, lanes), load(parts, size + lanes)
            if into_decay_syn.size:
                store(
                    into_decay_syn,
                    lanes,
                    multiply_add(current, load(currents, cell + lanes), load(into_decay_syn, lanes)),
                )
            free, bump = v > rest, load(parts, 3 * size + lanes)
            spike = load(parts, 2 * size + lanes) + (v_reset[i] - v) * into * through
            past = (one - load(parts, 4 * size + lanes)) * into + bump * spike
            past = where(free, past, spread(zero))
            rise = past * rise_m[i]
            at = given + lanes
            store(into_drive, at, load(into_drive, at) + rise)
            store(parts, lanes, current * decay_syn[i] + rise)
            store(parts, size + lanes, where(free, past * decay_m[i], into))
            if into_v_th.size:
                store(into_v_th, lanes, load(into_v_th, lanes) - where(free, bump * spike, spread(zero)))
            if into_decay_m.size:
                if local == 0:
                    before = load(start, lanes)
                else:
                    # Where it rested, it has the potential that it had at the beginning, or that of a reset.
                    before = load(tape, cell - size + lanes)
                    rested = before <= rest
                    early = load(start, 3 * size + lanes) >= real(local, w)
                    if smooth:
                        for b in range(LANES):
                            y = tape[cell - size + lanes + b]
                            parts[2 * size + lanes + b] = y + smooth_spike(y - v_th[i], family, p, q) * (v_reset[i] - y)
                        before = load(parts, 2 * size + lanes)
                    else:
                        before = where(rested | (before > v_th[i]), spread(v_reset[i]), before)
                        before = where(rested & early, load(start, lanes), before)
                # The decay multiplies v_before - x, which is (v_before - v) / (1 - decay).
                change = past * (before - v) * (one / rise_m[i])
                store(into_decay_m, lanes, load(into_decay_m, lanes) + where(free, change, spread(zero)))
