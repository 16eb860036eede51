"""Compiled kernels. They take plain arrays and nothing else; `fast` decides on their layout.

A plastic synapse is touched only when its pre-synaptic neuron fires. The post-synaptic spikes that came since are kept
per neuron and replayed then, in time order. Every event does the same arithmetic whenever it is replayed: ``apre`` is
stored as it was after the last pre-synaptic spike, ``apost`` as it was after the last post-synaptic one; both times
belong to neurons. So results do not depend on when the pending spikes are replayed, to the last bit.

A row of synapses is walked by one loop without branches, which the compiler turns into vector instructions: every
synapse replays the newest two spikes of its target, and keeps the outcome where they are pending. Older ones are rare;
they go first, one by one. The loop reads the arrays of the draw and writes to a small scratch buffer, whose parts lie a
fixed distance apart: only so can the compiler prove that no store changes what is still to be loaded. Indices are
unsigned, since a signed one might be negative, and would have to be wrapped around.

Functions are compiled for the precision of the arrays they get. Single precision needs care: numba turns a float32
with a literal, or with an int32, into float64.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, assignment"
from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from hetero_rsnn.common.compiled import real, wide_vectors

#: Step of a spike that never was.
LONG_AGO = -(2**30)
#: Steps are counted in 32 bits, and so are the differences between them: no call may go beyond this one.
LAST_STEP = 2**29
#: Synapses in one pass over a row; longer rows take several.
LANES = 512
#: So many listed spikes before the newest two, or a few more, are replayed in one go.
PAIRS = 512

_i32, _u64 = np.int32, np.uint64
_SECOND, _THIRD, _FOURTH = np.uint64(LANES), np.uint64(2 * LANES), np.uint64(3 * LANES)


@intrinsic
def _bits(typing: Any, bits: Any) -> Any:
    """Take the bits of a whole number for a floating point number of the same size."""
    result = types.float32 if bits.bitwidth == 32 else types.float64

    def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(result))

    return result(bits), codegen


@intrinsic
def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, in one instruction where the processor has it."""

    def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        kind = context.get_value_type(a)
        function = ir.FunctionType(kind, [kind] * 3)
        name = f"llvm.fmuladd.f{a.bitwidth}"
        return builder.call(cgutils.get_or_insert_function(builder.module, function, name), args)

    return a(a, a, a), codegen


@intrinsic
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of an element that is needed soon."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pointer, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = ir.FunctionType(ir.VoidType(), [pointer, whole, whole, whole])
        address = builder.bitcast(builder.gep(data, [args[1]]), pointer)
        # For reading, into the nearest cache, of data.
        arguments = [address, whole(0), whole(3), whole(1)]
        builder.call(cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0"), arguments)
        return context.get_dummy_value()

    return types.void(array, index), codegen


_LOG2E = 1.0 / math.log(2.0)
#: log(2) in two parts, the first with so few digits that its product with a power of two is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
#: Series of exp; for single precision the best polynomial on |f| <= log(2) / 2 (error 3e-9 before rounding).
_C = tuple(1.0 / math.factorial(k) for k in range(13))
_LOG2E_32, _LN2_HIGH_32, _LN2_LOW_32 = (np.float32(x) for x in (_LOG2E, 0.693359375, math.log(2.0) - 0.693359375))
_C2, _C3, _C4, _C5, _C6 = (
    np.float32(x) for x in (0.49999994039, 0.16666519642, 0.041668366641, 0.0083687603473, 0.0013815968996)
)
_HALF_32, _ONE_32, _LEAST_32 = np.float32(0.5), np.float32(1.0), np.float32(-60.0)
_BIAS_32, _SHIFT_32 = np.int32(127), np.int32(23)


def decay(x: Any) -> Any:
    """exp(x) for x <= 0 in plain arithmetic that vectorises: exp(x) = 2**n exp(f) with |f| <= log(2) / 2.

    Relative error 3e-16 in double and 1.2e-7 in single precision. Results that would be smaller than exp(-600), or
    exp(-60), are that: far below what a trace can show, and not denormal, which would slow the processor down.
    """
    return np.exp(np.maximum(x, -600.0))


@overload(decay, inline="always")
def _decay_compiled(x):
    if x == types.float32:

        def single(x):
            x = max(x, _LEAST_32)
            n = np.floor(_fma(x, _LOG2E_32, _HALF_32))
            f = _fma(-n, _LN2_LOW_32, _fma(-n, _LN2_HIGH_32, x))
            p = _fma(_C6, f, _C5)
            p = _fma(p, f, _C4)
            p = _fma(p, f, _C3)
            p = _fma(p, f, _C2)
            p = _fma(p, f, _ONE_32)
            p = _fma(p, f, _ONE_32)
            return p * _bits(np.int32(np.int32(np.int32(n) + _BIAS_32) << _SHIFT_32))

        return single

    def double(x):
        x = max(x, -600.0)
        n = np.floor(_fma(x, _LOG2E, 0.5))
        f = _fma(-n, _LN2_LOW, _fma(-n, _LN2_HIGH, x))
        p = _fma(_C[12], f, _C[11])
        p = _fma(p, f, _C[10])
        p = _fma(p, f, _C[9])
        p = _fma(p, f, _C[8])
        p = _fma(p, f, _C[7])
        p = _fma(p, f, _C[6])
        p = _fma(p, f, _C[5])
        p = _fma(p, f, _C[4])
        p = _fma(p, f, _C[3])
        p = _fma(p, f, _C[2])
        p = _fma(p, f, 1.0)
        p = _fma(p, f, 1.0)
        return p * _bits((np.int64(n) + 1023) << 52)

    return double


def _soft(x: Any, mu: Any) -> Any:
    """x**mu; `mu` is a number or, for the exponents 0 and 1, the pair (mu, 1 - mu), which vectorises."""
    return x**mu


@overload(_soft, inline="always")
def _soft_compiled(x, mu):
    if isinstance(mu, types.BaseTuple):
        return lambda x, mu: x * mu[0] + mu[1]
    return lambda x, mu: x**mu


@njit(nogil=True, error_model="numpy", inline="always")
def _potentiated(w, eta, trace, w_min, w_max, mu):
    """Weight after a post-synaptic spike that finds the pre-synaptic trace `trace`."""
    return min(max(w + eta * _soft(w_max - w, mu) * trace, w_min), w_max)


@njit(nogil=True, error_model="numpy", inline="always")
def _replayed(w, apre, apost, spike, before, since, pending, rate_plus, rate_minus, eta, w_min, w_max, mu, like):
    """Weight and post-synaptic trace after the spike at step `spike` of the target, if it is pending."""
    apost_after = apost * decay(real(_i32(spike - before), like) * rate_minus) + real(1.0, like)
    trace = apre * decay(real(_i32(spike - since), like) * rate_plus)
    w_after = _potentiated(w, eta, trace, w_min, w_max, mu)
    return w_after if spike >= pending else w, apost_after if spike >= pending else apost


@njit(nogil=True, error_model="numpy", inline="always")
def _replay_older(
    target, low, size, whole, since, pending, last, second, third, history, filled, recent, older, synapse, minus, plus,
    w, apre, apost, tau_plus, tau_minus, eta_plus, dt, w_min, w_max, mu,
):  # fmt: skip
    """Gather the newest three spikes of the targets into `recent`; replay what is pending before the newest two."""
    for k in range(whole):
        recent[k] = last[target[low + k]]
    for k in range(whole):
        recent[_SECOND + k] = second[target[low + k]]
    for k in range(whole):
        recent[_THIRD + k] = third[target[low + k]]
    count = _u64(0)
    for k in range(size):  # written always, counted where it holds: no branch to guess
        older[count] = k
        count += _u64(recent[_THIRD + k] >= pending)
    for e in range(count):
        post = target[low + older[e]]
        prefetch(history, _u64(post) * _u64(history.shape[1]) + _u64(filled[post] - 3))
    pairs = _u64(0)
    for e in range(count):
        # List their spikes, newest first; then exp runs over all exponents as a vector, and the list backwards.
        k = low + older[e]
        post = target[k]
        q = _u64(filled[post] - 3)
        rate_plus, rate_minus = dt / tau_plus[k], dt / tau_minus[k]
        spike = history[post, q]
        while q > 0 and spike >= pending:
            q -= _u64(1)
            before = history[post, q]
            minus[pairs] = real(_i32(spike - before), w) * rate_minus
            plus[pairs] = real(_i32(spike - since), w) * rate_plus
            synapse[pairs] = k
            pairs += _u64(1)
            spike = before
        if e + 1 == count or pairs >= PAIRS:
            for p in range((pairs + _u64(15)) & ~_u64(15)):
                minus[p] = decay(minus[p])
            for p in range((pairs + _u64(15)) & ~_u64(15)):
                plus[p] = decay(plus[p])
            while pairs > 0:
                pairs -= _u64(1)
                k = synapse[pairs]
                apost[k] = apost[k] * minus[pairs] + real(1.0, w)
                w[k] = _potentiated(w[k], eta_plus[k], apre[k] * plus[pairs], w_min, w_max, mu)


@njit(nogil=True, error_model="numpy", cache=True)
def flush(
    indptr, target, last, second, third, history, filled, flushed,
    w, apre, apost, tau_plus, tau_minus, eta_plus, dt, w_min, w_max, mu, firing,
):  # fmt: skip
    """Replay everything that is pending, but for the rows in `firing`, and begin the histories anew."""
    wide_vectors()
    recent, older = np.empty(3 * LANES, np.int32), np.empty(LANES + 1, np.uint32)
    most = PAIRS + history.shape[1] + 16
    synapse, minus, plus = np.empty(most, np.uint64), np.zeros(most, w.dtype), np.zeros(most, w.dtype)
    scratch = np.empty(2 * LANES, w.dtype)
    for pre in range(filled.size):
        if firing[pre]:
            continue
        since, pending = last[pre], max(last[pre], flushed)
        low, high = _u64(indptr[pre]), _u64(indptr[pre + 1])
        while low < high:
            size = min(_u64(high - low), _u64(LANES))
            whole = min((size + _u64(15)) & ~_u64(15), _u64(w.size) - low)
            _replay_older(
                target, low, size, whole, since, pending, last, second, third, history, filled, recent, older, synapse,
                minus, plus, w, apre, apost, tau_plus, tau_minus, eta_plus, dt, w_min, w_max, mu,
            )  # fmt: skip
            for k in range(whole):
                a, rate_plus, rate_minus = apre[low + k], dt / tau_plus[low + k], dt / tau_minus[low + k]
                eta = eta_plus[low + k]
                l1, l2, l3 = recent[k], recent[_SECOND + k], recent[_THIRD + k]
                x, b = w[low + k], apost[low + k]
                x, b = _replayed(x, a, b, l2, l3, since, pending, rate_plus, rate_minus, eta, w_min, w_max, mu, w)
                x, b = _replayed(x, a, b, l1, l2, since, pending, rate_plus, rate_minus, eta, w_min, w_max, mu, w)
                scratch[k] = x
                scratch[_SECOND + k] = b
            for k in range(size):
                w[low + k] = scratch[k]
            for k in range(size):
                apost[low + k] = scratch[_SECOND + k]
            low += size
    for i in range(filled.size):
        history[i, 0] = history[i, filled[i] - 1]
        filled[i] = 1


@njit(nogil=True, error_model="numpy", cache=True)
def run_lif_stdp(
    first, n_steps, hold_steps, v, i_syn, last, second, third, ready, history, filled, flushed,
    decay_m, decay_syn, constant_drive, v_th, v_reset, refractory_steps,
    drive, event_steps, event_channels, event_indptr, event_target, event_w,
    static_indptr, static_target, static_w, plastic_indptr, plastic_target,
    w, apre, apost, tau_plus, tau_minus, eta_plus, eta_minus, dt, w_min, w_max, mu, learn,
    spike_steps, spike_neurons, record, recorded_v, recorded_i,
):  # fmt: skip
    """Advance the network from step `first` by `n_steps`; return how many spikes were written, and the last flush.

    Everything that is not read-only is brought up to date, but what is pending stays so: see `flush`. `dt` is negative,
    so that ``dt / tau`` is the exponent of one step. Order in a step: state update, threshold, synapses (input, then
    all pre-events, then all post-events), reset.
    """
    n = v.size
    wide_vectors()
    count = event = resting = 0
    one = real(1.0, w)
    x = np.empty(n, w.dtype)
    held = np.empty(n, w.dtype)
    rest = np.empty(n, np.int32)
    above = np.zeros((n + 7) // 8 * 8, np.uint8)
    eights = above.view(np.uint64)
    firing = np.zeros(n, np.bool_)
    recent, older = np.empty(3 * LANES, np.int32), np.empty(LANES + 1, np.uint32)
    most = PAIRS + history.shape[1] + 16
    synapse, minus, plus = np.empty(most, np.uint64), np.zeros(most, w.dtype), np.zeros(most, w.dtype)
    scratch = np.empty(4 * LANES, w.dtype)
    for i in range(n):
        if ready[i] > first:
            rest[resting] = i
            resting += 1

    for local in range(n_steps):
        step = _i32(first + local)
        for r in range(record.size):
            recorded_v[local, r] = v[record[r]]
            recorded_i[local, r] = i_syn[record[r]]

        # All neurons are advanced, in loops without branches; the few that are refractory get their potential back.
        for r in range(resting):
            held[r] = v[rest[r]]
        current = drive[local // hold_steps]
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

        while event < event_steps.size and event_steps[event] == local:
            c = event_channels[event]
            for k in range(_u64(event_indptr[c]), _u64(event_indptr[c + 1])):
                i_syn[event_target[k]] += event_w[k]
            event += 1
        if count == start:
            continue

        for s in range(start, count):
            pre = spike_neurons[s]
            # Rows of neurons that fire lie anywhere in memory: fetch the next one while this one is worked on.
            if s + 1 < count:
                ahead = spike_neurons[s + 1]
                for k in range(_u64(plastic_indptr[ahead]), _u64(plastic_indptr[ahead + 1]), _u64(64 // w.itemsize)):
                    prefetch(plastic_target, k)
                    prefetch(w, k)
                    if learn:
                        prefetch(apre, k)
                        prefetch(apost, k)
                        prefetch(tau_plus, k)
                        prefetch(tau_minus, k)
                        prefetch(eta_plus, k)
                        prefetch(eta_minus, k)
                for k in range(_u64(static_indptr[ahead]), _u64(static_indptr[ahead + 1]), _u64(64 // w.itemsize)):
                    prefetch(static_target, k)
                    prefetch(static_w, k)
            low, high = _u64(plastic_indptr[pre]), _u64(plastic_indptr[pre + 1])
            if not learn:
                for k in range(low, high):
                    i_syn[plastic_target[k]] += w[k]
            else:
                since, pending = last[pre], max(last[pre], flushed)
                gap = real(_i32(step - since), w)
                while low < high:
                    # Whole vectors: what is computed beyond the row is thrown away.
                    size = min(_u64(high - low), _u64(LANES))
                    whole = min((size + _u64(15)) & ~_u64(15), _u64(w.size) - low)
                    _replay_older(
                        plastic_target, low, size, whole, since, pending, last, second, third, history, filled, recent,
                        older, synapse, minus, plus, w, apre, apost, tau_plus, tau_minus, eta_plus, dt, w_min, w_max,
                        mu,
                    )  # fmt: skip
                    for k in range(whole):
                        a, rate_plus, rate_minus = apre[low + k], dt / tau_plus[low + k], dt / tau_minus[low + k]
                        eta = eta_plus[low + k]
                        l1, l2, l3 = recent[k], recent[_SECOND + k], recent[_THIRD + k]
                        y, b = w[low + k], apost[low + k]
                        y, b = _replayed(
                            y, a, b, l2, l3, since, pending, rate_plus, rate_minus, eta, w_min, w_max, mu, w
                        )
                        y, b = _replayed(
                            y, a, b, l1, l2, since, pending, rate_plus, rate_minus, eta, w_min, w_max, mu, w
                        )
                        scratch[k] = y
                        scratch[_SECOND + k] = a * decay(gap * rate_plus) + one
                        scratch[_THIRD + k] = b
                        trace = b * decay(real(_i32(step - l1), w) * rate_minus)
                        y -= eta_minus[low + k] * _soft(y - w_min, mu) * trace
                        scratch[_FOURTH + k] = min(max(y, w_min), w_max)
                    for k in range(size):
                        i_syn[plastic_target[low + k]] += scratch[k]
                    for k in range(size):
                        apre[low + k] = scratch[_SECOND + k]
                    for k in range(size):
                        apost[low + k] = scratch[_THIRD + k]
                    for k in range(size):
                        w[low + k] = scratch[_FOURTH + k]
                    low += size
            for k in range(_u64(static_indptr[pre]), _u64(static_indptr[pre + 1])):
                i_syn[static_target[k]] += static_w[k]

        if learn:
            full = False
            for s in range(start, count):
                full = full or filled[spike_neurons[s]] == history.shape[1]
            if full:
                # The rows of those who fire now have been replayed up to this step already.
                for s in range(start, count):
                    firing[spike_neurons[s]] = True
                flush(
                    plastic_indptr, plastic_target, last, second, third, history, filled, flushed,
                    w, apre, apost, tau_plus, tau_minus, eta_plus, dt, w_min, w_max, mu, firing,
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
    return count, flushed
