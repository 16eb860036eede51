"""From one observation to one action, following the spikes (compiled).

The numbers of an actor lie in two arrays in the order of `acting.packed`, so that a call has few arguments: weights,
and all others. Weights of neurons that do not fire are not touched. Weights in single precision are summed in double.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, assignment, var-annotated"
from __future__ import annotations

import math

import numpy as np
from numba import njit

from hetero_rsnn.common.compiled import wide_vectors
from hetero_rsnn.control.constants import COUPLING, ENCODER_THRESHOLD, KICK_U, KICK_V, RECOVERY, THRESHOLD


@njit(nogil=True, error_model="numpy")
def _rows(weights, n, fired, count, total):
    """Add the rows of the neurons that fired, four at a time."""
    k = 0
    while k + 4 <= count:
        p, q, r, s = fired[k] * n, fired[k + 1] * n, fired[k + 2] * n, fired[k + 3] * n
        a, b, c, d = weights[p : p + n], weights[q : q + n], weights[r : r + n], weights[s : s + n]
        for j in range(n):
            total[j] += (np.float64(a[j]) + b[j]) + (np.float64(c[j]) + d[j])
        k += 4
    while k < count:
        a = weights[fired[k] * n : fired[k] * n + n]
        for j in range(n):
            total[j] += a[j]
        k += 1


@njit(nogil=True, error_model="numpy")
def _listed(v, th, fired):
    """Write which neurons fire; return how many."""
    count = 0
    for i in range(v.size):
        fired[count] = i  # written again unless this one fires
        count += v[i] > th
    return count


@njit(nogil=True, error_model="numpy")
def _normalised(observation, normal, i):
    """An observation as its standard score, clipped; `normal` holds means, standard deviations and the bound."""
    n, bound = observation.size, normal[normal.size - 1]
    return min(max((observation[i] - normal[i]) / normal[n + i], -bound), bound)


@njit(nogil=True, error_model="numpy", cache=True)
def act_spiking(
    observation, normal, sizes, population, steps, sign, matrices, values, drawn, work, fired, counts, action
):
    """Write an action (actions,) and the spikes of the encoder and every layer, `counts` (layers + 1,).

    `sizes` are those of the encoder and of every layer, `sign` that of u in du, or 0 for leaky neurons. `drawn` (steps,
    encoder) are the numbers of an encoder that draws, or empty. `work` and `fired` (2, n) are written over.
    """
    wide_vectors()
    inputs, actions = sizes[0], action.size
    drive, integral = work[:inputs], work[inputs : 2 * inputs]
    for i in range(inputs):
        x = (_normalised(observation, normal, i // population) - values[i]) / values[inputs + i]
        drive[i] = math.exp(-0.5 * (x * x))
    work[inputs:] = 0
    counts[:] = 0
    for t in range(steps):
        if drawn.size:
            row, count = drawn[t], 0
            for i in range(inputs):
                fired[0, count] = i
                count += row[i] < drive[i]
        else:
            for i in range(inputs):
                integral[i] += drive[i]
            count = _listed(integral, ENCODER_THRESHOLD, fired[0])
            for k in range(count):
                integral[fired[0, k]] -= ENCODER_THRESHOLD
        counts[0] += count
        at, place, begin = 2 * inputs, 2 * inputs, 0
        for layer in range(1, sizes.size):
            m, n = sizes[layer - 1], sizes[layer]
            weights, begin = matrices[begin : begin + m * n], begin + m * n
            bias, decay_c, decay_v = values[at : at + n], values[at + n : at + 2 * n], values[at + 2 * n : at + 3 * n]
            at += 3 * n
            c, v = work[place : place + n], work[place + n : place + 2 * n]
            u, z = work[place + 2 * n : place + 3 * n], work[place + 3 * n : place + 4 * n]
            spikes = work[place + 4 * n : place + 5 * n]
            place += 5 * n
            for i in range(n):
                z[i] = bias[i]
            _rows(weights, n, fired[(layer - 1) % 2], count, z)
            for i in range(n):
                c[i] = c[i] * decay_c[i] + z[i]
            if sign == 0:
                for i in range(n):
                    v[i] = v[i] * decay_v[i] + c[i]
            else:
                for i in range(n):
                    z[i] = -RECOVERY * v[i] + sign * COUPLING * u[i]
                for i in range(n):
                    v[i] = v[i] + (v[i] * v[i] - v[i] - u[i] + c[i])
                for i in range(n):
                    u[i] += z[i]
            now = fired[layer % 2]
            count = _listed(v, THRESHOLD, now)
            counts[layer] += count
            for k in range(count):
                i = now[k]
                v[i] = 0.0 if sign == 0 else KICK_V
                u[i] += KICK_U
                spikes[i] += 1.0
    wide = actions * population
    weights, rest = values[at : at + wide], values[at + wide :]
    for a in range(actions):
        total = 0.0
        for i in range(a * population, (a + 1) * population):
            total += spikes[i] / steps * weights[i]
        action[a] = rest[actions + a] + rest[2 * actions + a] * math.tanh(total + rest[a])


@njit(nogil=True, error_model="numpy", cache=True)
def act_relu(observation, normal, sizes, matrices, values, work, action):
    """Write an action of an actor without spikes; what is 0 costs nothing here, too."""
    wide_vectors()
    actions, widest, at, begin = action.size, work.size // 2, 0, 0
    for i in range(observation.size):
        work[i] = _normalised(observation, normal, i)
    for layer in range(1, sizes.size):
        m, n = sizes[layer - 1], sizes[layer]
        here, there = (layer - 1) % 2 * widest, layer % 2 * widest
        given, out = work[here : here + m], work[there : there + n]
        bias = values[at : at + n]
        for j in range(n):
            out[j] = bias[j]
        for i in range(m):
            x = given[i]
            if x != 0:
                row = matrices[begin + i * n : begin + i * n + n]
                for j in range(n):
                    out[j] += x * row[j]
        at, begin = at + n, begin + m * n
        if layer < sizes.size - 1:
            for j in range(n):
                out[j] = max(out[j], 0.0)
    out = work[(sizes.size - 1) % 2 * widest :]
    for a in range(actions):
        action[a] = values[at + a] + values[at + actions + a] * math.tanh(out[a])
