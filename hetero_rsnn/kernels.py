"""Compiled kernels. They take plain arrays and nothing else; `fast` decides on their layout.

A plastic synapse is touched only when its pre-synaptic neuron fires. The post-synaptic spikes that came since are kept
per neuron and replayed then, in time order. Every event does the same arithmetic whenever it is replayed: ``apre`` is
stored as it was after the last pre-synaptic spike, ``apost`` as it was after the last post-synaptic one; both times
belong to neurons. So results do not depend on when the pending spikes are flushed, to the last bit.

Work is split into loops over contiguous rows that the compiler turns into vector instructions; what cannot be
vectorised (which synapses have something pending) is collected first, without branches that a processor would have to
guess. Steps inside a call count from its beginning, in 32 bits.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

#: Rows of the plastic table: weight, traces, parameters (decay rates in 1/step).
W, APRE, APOST, DECAY_PLUS, DECAY_MINUS, ETA_PLUS, ETA_MINUS = range(7)
#: Step of a spike that never was, in the 32 bits of a call.
LONG_AGO = -(2**30)

_LOG2E = 1.0 / math.log(2.0)
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
#: Coefficients of the exponential series.
_C = tuple(1.0 / math.factorial(k) for k in range(13))


@intrinsic
def _as_double(typing, bits):  # type: ignore[no-untyped-def]
    """Take 64 bits for a floating point number."""

    def codegen(context, builder, _signature, args):  # type: ignore[no-untyped-def]
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), codegen


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def decay(x):  # type: ignore[no-untyped-def]
    """exp(x) for x <= 0 to 3e-16, in plain arithmetic that vectorises: exp(x) = 2**n exp(f), |f| <= log(2) / 2."""
    x = max(x, -600.0)  # smaller results would only slow the processor down
    n = np.floor(x * _LOG2E + 0.5)
    f = x - n * _LN2_HIGH - n * _LN2_LOW
    p = _C[12]
    p = p * f + _C[11]
    p = p * f + _C[10]
    p = p * f + _C[9]
    p = p * f + _C[8]
    p = p * f + _C[7]
    p = p * f + _C[6]
    p = p * f + _C[5]
    p = p * f + _C[4]
    p = p * f + _C[3]
    p = p * f + _C[2]
    p = p * f * f + f + 1.0
    return p * _as_double((np.int64(n) + 1023) << 52)  # type: ignore[call-arg]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _soft(x, mu):  # type: ignore[no-untyped-def]
    """x**mu, exact at the two limits that are used most."""
    if mu == 1.0:
        return x
    if mu == 0.0:
        return 1.0
    return x**mu


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _potentiated(w, apre, eta, w_min, w_max, mu):  # type: ignore[no-untyped-def]
    """Weight after a post-synaptic spike that finds the trace `apre`."""
    return min(max(w + eta * _soft(w_max - w, mu) * apre, w_min), w_max)


@njit(cache=True, nogil=True, error_model="numpy")
def _replay(  # type: ignore[no-untyped-def]
    target, since, pending, last, second, third, history, filled,
    w, apre, apost, decay_plus, decay_minus, eta_plus, w_min, w_max, mu, ones, twos, more, a, b,
):  # fmt: skip
    """Apply to one row the post-synaptic spikes from step `pending` on, oldest first.

    `since` is the last spike of the row's pre-synaptic neuron; `last`, `second` and `third` are the three newest
    spikes of every neuron. Rows `ones`, `twos`, `more` and `a`, `b` are scratch space as long as the longest row.
    """
    n_ones = 0
    for k in range(target.size):  # written always, counted where it holds: no branch to guess
        ones[n_ones] = k
        n_ones += last[target[k]] >= pending
    if n_ones == 0:
        return
    n_twos = 0
    for e in range(n_ones):
        twos[n_twos] = ones[e]
        n_twos += second[target[ones[e]]] >= pending
    n_more = 0
    for e in range(n_twos):
        more[n_more] = twos[e]
        n_more += third[target[twos[e]]] >= pending

    for e in range(n_more):  # rare: all but the newest two, from the history
        k = more[e]
        post = target[k]
        end = filled[post] - 2
        first = end - 1
        while first > 1 and history[post, first - 1] >= pending:
            first -= 1
        previous = history[post, first - 1]
        for q in range(first, end):
            step = history[post, q]
            apost[k] = apost[k] * decay((step - previous) * decay_minus[k]) + 1.0
            trace = apre[k] * decay((step - since) * decay_plus[k])
            w[k] = _potentiated(w[k], trace, eta_plus[k], w_min, w_max, mu)
            previous = step
    for newest in range(2):  # the last but one, then the last
        count = n_ones if newest else n_twos
        rows = ones if newest else twos
        steps = last if newest else second
        before = second if newest else third
        for e in range(count):
            k = rows[e]
            step = steps[target[k]]
            a[e] = (step - before[target[k]]) * decay_minus[k]
            b[e] = (step - since) * decay_plus[k]
        for e in range(count):
            a[e] = decay(a[e])
        for e in range(count):
            b[e] = decay(b[e])
        for e in range(count):
            k = rows[e]
            apost[k] = apost[k] * a[e] + 1.0
            w[k] = _potentiated(w[k], apre[k] * b[e], eta_plus[k], w_min, w_max, mu)


@njit(cache=True, nogil=True, error_model="numpy")
def _fire(step, since, target, last, i_syn, w, apre, apost, decay_plus, decay_minus, eta_minus, w_min, mu, a, b):  # type: ignore[no-untyped-def]
    """Deliver a pre-synaptic spike to one row, whose pending spikes have been replayed, and depress it."""
    for k in range(target.size):
        i_syn[target[k]] += w[k]
    gap = float(step - since)
    for k in range(target.size):
        a[k] = decay(gap * decay_plus[k])
    for k in range(target.size):
        apre[k] = apre[k] * a[k] + 1.0
    for k in range(target.size):
        b[k] = float(step - last[target[k]])
    for k in range(target.size):
        b[k] = decay(b[k] * decay_minus[k])
    for k in range(target.size):
        b[k] *= apost[k]
    for k in range(target.size):
        a[k] = eta_minus[k] * _soft(w[k] - w_min, mu)


@njit(cache=True, nogil=True, error_model="numpy")
def _depress(w, a, b, w_min, w_max):  # type: ignore[no-untyped-def]
    """Take the product of rate and trace from the weights of one row."""
    for k in range(w.size):
        w[k] = min(max(w[k] - a[k] * b[k], w_min), w_max)


@njit(cache=True, nogil=True, error_model="numpy")
def _flush(  # type: ignore[no-untyped-def]
    flushed,
    indptr,
    target,
    columns,
    last,
    second,
    third,
    history,
    filled,
    skip,
    w_min,
    w_max,
    mu,
    ones,
    twos,
    more,
    a,
    b,
):
    """Replay everything that is pending, but for the rows in `skip`, and begin the histories anew."""
    for pre in range(filled.size):
        low, high = indptr[pre], indptr[pre + 1]
        if high > low and not skip[pre]:
            _replay(
                target[low:high], last[pre], max(last[pre], flushed), last, second, third, history, filled,
                columns[W, low:high], columns[APRE, low:high], columns[APOST, low:high],
                columns[DECAY_PLUS, low:high], columns[DECAY_MINUS, low:high], columns[ETA_PLUS, low:high],
                w_min, w_max, mu, ones, twos, more, a, b,
            )  # fmt: skip
    for i in range(filled.size):
        history[i, 0] = history[i, filled[i] - 1]
        filled[i] = 1


@njit(cache=True, nogil=True, error_model="numpy")
def run_lif_stdp(  # type: ignore[no-untyped-def]
    n_steps, hold_steps, v, i_syn, last, decay_m, decay_syn, constant_drive, v_th, v_reset, refractory_steps,
    drive, event_steps, event_channels, event_indptr, event_target, event_w,
    static_indptr, static_target, static_w, plastic_indptr, plastic_target, columns, w_min, w_max, mu, learn,
    history_size, spike_steps, spike_neurons, record, recorded_v, recorded_i,
):  # fmt: skip
    """Advance the network by `n_steps`; return the number of spikes written.

    `last` holds each neuron's last spike relative to the beginning of the call, and is brought up to date; so are `v`,
    `i_syn` and `columns`. Order in a step: state update, threshold, synapses (input, then all pre-events, then all
    post-events), reset.
    """
    n = v.size
    count = event = flushed = resting = 0
    x = np.empty(n)
    held = np.empty(n)
    rest = np.empty(n, np.int32)
    ready = np.empty(n, np.int32)
    above = np.zeros((n + 7) // 8 * 8, np.uint8)
    eights = above.view(np.uint64)
    firing = np.zeros(n, np.bool_)
    second = np.full(n, LONG_AGO, np.int32)
    third = np.full(n, LONG_AGO, np.int32)
    history = np.empty((n, history_size), np.int32)
    filled = np.ones(n, np.int32)
    longest = 1
    for i in range(n):
        history[i, 0] = last[i]
        ready[i] = last[i] + refractory_steps[i]
        if ready[i] > 0:
            rest[resting] = i
            resting += 1
        longest = max(longest, plastic_indptr[i + 1] - plastic_indptr[i])
    ones, twos, more = np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32), np.empty(longest + 1, np.int32)
    a, b = np.empty(longest), np.empty(longest)

    for step in range(n_steps):
        for r in range(record.size):
            recorded_v[step, r] = v[record[r]]
            recorded_i[step, r] = i_syn[record[r]]

        # All neurons are advanced, in loops without branches; the few that are refractory get their potential back.
        for r in range(resting):
            held[r] = v[rest[r]]
        current = drive[step // hold_steps]
        for i in range(n):
            x[i] = constant_drive[i] + current[i] + i_syn[i]
        for i in range(n):
            i_syn[i] *= decay_syn[i]
        for i in range(n):
            v[i] = (v[i] - x[i]) * decay_m[i] + x[i]
        still = 0
        for r in range(resting):
            i = rest[r]
            if ready[i] > step:
                v[i] = held[r]
                rest[still] = i
                still += 1
        resting = still
        for i in range(n):
            above[i] = v[i] > v_th[i]
        start = count
        for e in range(eights.size):
            if eights[e] != 0:
                for i in range(8 * e, min(8 * e + 8, n)):
                    if above[i] != 0 and ready[i] <= step:
                        spike_steps[count] = step
                        spike_neurons[count] = i
                        count += 1

        while event < event_steps.size and event_steps[event] == step:
            c = event_channels[event]
            for k in range(event_indptr[c], event_indptr[c + 1]):
                i_syn[event_target[k]] += event_w[k]
            event += 1
        if count == start:
            continue

        for s in range(start, count):
            pre = spike_neurons[s]
            low, high = plastic_indptr[pre], plastic_indptr[pre + 1]
            if learn and high > low:
                target, w = plastic_target[low:high], columns[W, low:high]
                apre, apost = columns[APRE, low:high], columns[APOST, low:high]
                plus, minus = columns[DECAY_PLUS, low:high], columns[DECAY_MINUS, low:high]
                _replay(
                    target, last[pre], max(last[pre], flushed), last, second, third, history, filled,
                    w, apre, apost, plus, minus, columns[ETA_PLUS, low:high], w_min, w_max, mu, ones, twos, more, a, b,
                )  # fmt: skip
                eta_minus = columns[ETA_MINUS, low:high]
                _fire(step, last[pre], target, last, i_syn, w, apre, apost, plus, minus, eta_minus, w_min, mu, a, b)
                _depress(w, a, b, w_min, w_max)
            else:
                for k in range(low, high):
                    i_syn[plastic_target[k]] += columns[W, k]
            for k in range(static_indptr[pre], static_indptr[pre + 1]):
                i_syn[static_target[k]] += static_w[k]

        if learn:
            full = False
            for s in range(start, count):
                full = full or filled[spike_neurons[s]] == history_size
            if full:
                # The rows of those who fire now have been replayed up to this step already.
                for s in range(start, count):
                    firing[spike_neurons[s]] = True
                _flush(
                    flushed, plastic_indptr, plastic_target, columns, last, second, third, history, filled, firing,
                    w_min, w_max, mu, ones, twos, more, a, b,
                )  # fmt: skip
                flushed = step
                for s in range(start, count):
                    firing[spike_neurons[s]] = False
            for s in range(start, count):
                i = spike_neurons[s]
                history[i, filled[i]] = step
                filled[i] += 1
        for s in range(start, count):
            i = spike_neurons[s]
            third[i] = second[i]
            second[i] = last[i]
            last[i] = step
            v[i] = v_reset[i]
            ready[i] = step + refractory_steps[i]
            if refractory_steps[i] > 1:
                rest[resting] = i
                resting += 1
    if learn:
        _flush(
            flushed, plastic_indptr, plastic_target, columns, last, second, third, history, filled, firing,
            w_min, w_max, mu, ones, twos, more, a, b,
        )  # fmt: skip
    return count
