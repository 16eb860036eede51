"""Compiled kernels. They take plain arrays and nothing else; `fast` decides on their layout.

A plastic synapse is touched only when its pre-synaptic neuron fires. The post-synaptic spikes that came since are kept
per neuron (`history`) and replayed then, in time order. Every event does the same arithmetic whenever it is replayed:
``apre`` is stored as it was after the last pre-synaptic spike, ``apost`` as it was after the last post-synaptic one;
both times belong to neurons. So results do not depend on when the pending spikes are flushed, to the last bit.
"""

from __future__ import annotations

import math

from numba import njit

#: Columns of the plastic table: weight, traces, parameters (decay rates in 1/step).
W, APRE, APOST, DECAY_PLUS, DECAY_MINUS, ETA_PLUS, ETA_MINUS = range(7)


@njit(cache=True, nogil=True, inline="always")
def _soft(x, mu):  # type: ignore[no-untyped-def]
    """x**mu, exact at the two limits that are used most."""
    if mu == 1.0:
        return x
    if mu == 0.0:
        return 1.0
    return x**mu


@njit(cache=True, nogil=True, inline="always")
def _replay(k, post, since, columns, history, filled, w_min, w_max, mu):  # type: ignore[no-untyped-def]
    """Apply the post-synaptic spikes from step `since` on to synapse k; return the step of the last one so far."""
    last = filled[post]
    first = last
    while first > 1 and history[post, first - 1] >= since:
        first -= 1
    previous = history[post, first - 1]
    if first == last:
        return previous
    w = columns[W, k]
    apre = columns[APRE, k]
    apost = columns[APOST, k]
    for q in range(first, last):
        step = history[post, q]
        apost = apost * math.exp((step - previous) * columns[DECAY_MINUS, k]) + 1.0
        gain = columns[ETA_PLUS, k] * _soft(w_max - w, mu) * (apre * math.exp((step - since) * columns[DECAY_PLUS, k]))
        w = min(max(w + gain, w_min), w_max)
        previous = step
    columns[W, k] = w
    columns[APOST, k] = apost
    return previous


@njit(cache=True, nogil=True)
def _flush(indptr, target, columns, history, filled, last_spike, w_min, w_max, mu):  # type: ignore[no-untyped-def]
    """Replay everything that is pending and start the histories anew from each neuron's last spike."""
    n = filled.size
    for pre in range(n):
        for k in range(indptr[pre], indptr[pre + 1]):
            _replay(k, target[k], last_spike[pre], columns, history, filled, w_min, w_max, mu)
    for i in range(n):
        history[i, 0] = history[i, filled[i] - 1]
        filled[i] = 1


@njit(cache=True, nogil=True)
def run_lif_stdp(  # type: ignore[no-untyped-def]
    n_steps,
    first_step,
    hold_steps,
    v,
    i_syn,
    last_spike,
    decay_m,
    decay_syn,
    constant_drive,
    v_th,
    v_reset,
    refractory_steps,
    drive,
    event_steps,
    event_channels,
    event_indptr,
    event_target,
    event_w,
    static_indptr,
    static_target,
    static_w,
    plastic_indptr,
    plastic_target,
    columns,
    w_min,
    w_max,
    mu,
    learn,
    history,
    filled,
    spike_steps,
    spike_neurons,
    record,
    recorded_v,
    recorded_i,
):
    """Advance the network by `n_steps`; return the number of spikes written. Steps inside are relative to `first_step`.

    Order in a step: state update, threshold, synapses (input, then all pre-events, then all post-events), reset.
    """
    n = v.size
    count = 0
    event = 0
    weights = columns[W]
    for local in range(n_steps):
        step = first_step + local
        for r in range(record.size):
            recorded_v[local, r] = v[record[r]]
            recorded_i[local, r] = i_syn[record[r]]

        sample = local // hold_steps
        start = count
        for i in range(n):
            if step - last_spike[i] >= refractory_steps[i]:
                x = constant_drive[i] + drive[sample, i] + i_syn[i]
                v[i] = (v[i] - x) * decay_m[i] + x
                if v[i] > v_th[i]:
                    spike_steps[count] = local
                    spike_neurons[count] = i
                    count += 1
            i_syn[i] *= decay_syn[i]

        while event < event_steps.size and event_steps[event] == local:
            c = event_channels[event]
            for k in range(event_indptr[c], event_indptr[c + 1]):
                i_syn[event_target[k]] += event_w[k]
            event += 1

        for s in range(start, count):
            pre = spike_neurons[s]
            since = last_spike[pre]
            for k in range(plastic_indptr[pre], plastic_indptr[pre + 1]):
                post = plastic_target[k]
                if learn:
                    previous = _replay(k, post, since, columns, history, filled, w_min, w_max, mu)
                    i_syn[post] += weights[k]
                    w = weights[k]
                    columns[APRE, k] = columns[APRE, k] * math.exp((step - since) * columns[DECAY_PLUS, k]) + 1.0
                    apost = columns[APOST, k] * math.exp((step - previous) * columns[DECAY_MINUS, k])
                    weights[k] = min(max(w - columns[ETA_MINUS, k] * _soft(w - w_min, mu) * apost, w_min), w_max)
                else:
                    i_syn[post] += weights[k]
            for k in range(static_indptr[pre], static_indptr[pre + 1]):
                i_syn[static_target[k]] += static_w[k]

        if learn:
            full = False
            for s in range(start, count):
                if filled[spike_neurons[s]] == history.shape[1]:
                    full = True
            # All pre-events of this step are done, so their time counts as the last one; a flush must see that.
            for s in range(start, count):
                last_spike[spike_neurons[s]] = step
            if full:
                _flush(plastic_indptr, plastic_target, columns, history, filled, last_spike, w_min, w_max, mu)
            for s in range(start, count):
                i = spike_neurons[s]
                history[i, filled[i]] = step
                filled[i] += 1
        for s in range(start, count):
            i = spike_neurons[s]
            last_spike[i] = step
            v[i] = v_reset[i]
    if learn:
        _flush(plastic_indptr, plastic_target, columns, history, filled, last_spike, w_min, w_max, mu)
    return count
