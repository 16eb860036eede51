"""All steps of a layer of spiking neurons, and its exact adjoint (compiled); the same for neurons that encode.

Arrays are (steps, batch, n), in single or double precision. The tape holds the potential of each step before the reset,
from which backward knows what fired. Each inner loop writes one array and reads few: the compiler makes vectors of such
loops only, since others might overlap in memory. Where an operation is done twice (here and in `layers`, as a loop of
torch), it is done in the same order, so that spikes are equal.
"""

# The compiler types what is below, not the type checker.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, assignment, var-annotated"
from __future__ import annotations

import math

import numpy as np
from numba import njit

from hetero_rsnn.common.compiled import real, wide_vectors
from hetero_rsnn.control.constants import COUPLING, KICK_U, KICK_V, RECOVERY, THRESHOLD
from hetero_rsnn.gradient.pseudo_derivative import ARCTANGENT, FAST_SIGMOID, RECTANGLE, TRAPEZOID


@njit(nogil=True, error_model="numpy")
def _advance(c, decay, z):
    """Currents of the next step."""
    for i in range(c.size):
        c[i] = c[i] * decay[i] + z[i]


@njit(nogil=True, error_model="numpy")
def _fire(v, s, th, zero, one):
    """Spikes."""
    for i in range(v.size):
        s[i] = one if v[i] > th else zero


@njit(nogil=True, error_model="numpy")
def _copy(a, b):
    for i in range(a.size):
        b[i] = a[i]


@njit(nogil=True, error_model="numpy", cache=True)
def forward_lif(tape, decay_c, decay_v, spikes, currents):
    """Leaky neurons. `tape` holds the input, then the tape; `spikes` and, unless empty, `currents` are written."""
    wide_vectors()
    steps, batch, n = tape.shape
    zero, one, th = real(0.0, tape), real(1.0, tape), real(THRESHOLD, tape)
    c, v = np.empty(n, tape.dtype), np.empty(n, tape.dtype)
    for b in range(batch):
        c[:] = 0
        v[:] = 0
        for t in range(steps):
            now = tape[t, b]
            _advance(c, decay_c, now)
            for i in range(n):
                now[i] = v[i] * decay_v[i] + c[i]
            _fire(now, spikes[t, b], th, zero, one)
            for i in range(n):
                v[i] = zero if now[i] > th else now[i]
            if currents.size:
                _copy(c, currents[t, b])


@njit(nogil=True, error_model="numpy", cache=True)
def forward_dynamic(tape, decay_c, sign, spikes, currents):
    """Neurons with second-order dynamics; as `forward_lif`, with the `sign` of u in du."""
    wide_vectors()
    steps, batch, n = tape.shape
    zero, one, th, minus = real(0.0, tape), real(1.0, tape), real(THRESHOLD, tape), real(-RECOVERY, tape)
    kick_v, kick_u, coupling = real(KICK_V, tape), real(KICK_U, tape), real(sign * COUPLING, tape)
    c, v, u, du = np.empty(n, tape.dtype), np.empty(n, tape.dtype), np.empty(n, tape.dtype), np.empty(n, tape.dtype)
    for b in range(batch):
        c[:] = 0
        v[:] = 0
        u[:] = 0
        for t in range(steps):
            now = tape[t, b]
            _advance(c, decay_c, now)
            for i in range(n):
                du[i] = minus * v[i] + coupling * u[i]
            for i in range(n):
                now[i] = v[i] + (v[i] * v[i] - v[i] - u[i] + c[i])
            _fire(now, spikes[t, b], th, zero, one)
            for i in range(n):
                v[i] = kick_v if now[i] > th else now[i]
            for i in range(n):
                u[i] += du[i]
            for i in range(n):
                u[i] = u[i] + kick_u if now[i] > th else u[i]
            if currents.size:
                _copy(c, currents[t, b])


@njit(nogil=True, error_model="numpy")
def _slopes(v, g, th, family, p, q):
    """The pseudo-derivative at each potential."""
    zero, one, half = real(0.0, v), real(1.0, v), real(0.5, v)
    if family == RECTANGLE:
        height = half / p
        for i in range(v.size):
            g[i] = height if abs(v[i] - th) <= p else zero
    elif family == TRAPEZOID:
        steep, height = one / (q - p), one / (p + q)
        for i in range(v.size):
            g[i] = min(max((q - abs(v[i] - th)) * steep, zero), one) * height
    elif family == FAST_SIGMOID:
        for i in range(v.size):
            y = one + p * abs(v[i] - th)
            g[i] = half * p / (y * y)
    elif family == ARCTANGENT:
        height = p / real(math.pi, v)
        for i in range(v.size):
            y = p * (v[i] - th)
            g[i] = height / (one + y * y)
    else:
        height = one / (p * real(math.sqrt(2 * math.pi), v))
        for i in range(v.size):
            y = (v[i] - th) / p
            g[i] = real(math.exp(-half * y * y), v) * height


@njit(nogil=True, error_model="numpy")
def _breakpoints(w, v, th, p, q, into_pair):
    """Add the gradients of the breakpoints p < q of a trapezoid, of which a spike is the integral.

    Beyond p, half of that integral is 1/2 - (q - d)^2 / (2 (q^2 - p^2)) at a distance d from the threshold.
    """
    area = q * q - p * p
    for i in range(v.size):
        x = np.float64(v[i] - th)
        d, into = abs(x), np.float64(w[i])
        if x < 0:
            into = -into
        if d <= p:
            fall = into * d / ((p + q) * (p + q))
            into_pair[0] -= fall
            into_pair[1] -= fall
        elif d < q:
            y = (q - d) / area
            into_pair[0] -= into * p * y * y
            into_pair[1] += into * (q * y * y - y)


@njit(nogil=True, error_model="numpy")
def _through_spike(w, g, v, th, zero, p, q, into_pair, back_v, back_c):
    """From the gradient `w` of a spike to those of the potential before the reset, and of the current."""
    if into_pair.size:
        _breakpoints(w, v, th, p, q, into_pair)
    for i in range(v.size):
        w[i] *= g[i]
    for i in range(v.size):
        back_v[i] = zero if v[i] > th else back_v[i]
    for i in range(v.size):
        back_v[i] += w[i]
    for i in range(v.size):
        back_c[i] += back_v[i]


@njit(nogil=True, error_model="numpy")
def _through_decays(decay, back, total):
    for i in range(total.size):
        total[i] += np.float64(back[i]) * np.float64(decay[i])


@njit(nogil=True, error_model="numpy", cache=True)
def backward_lif(into, tape, decay_c, decay_v, family, p, q, currents, into_z, into_c, into_v, into_pair):
    """From gradients of spikes to those of the input.

    `into_z` is written; added to are `into_c` and `into_v` (n,), of the decays, and `into_pair` (2,), of the
    breakpoints, all in double precision and unless they are empty. `currents` are needed for the first.
    """
    wide_vectors()
    steps, batch, n = tape.shape
    th, zero = real(THRESHOLD, tape), real(0.0, tape)
    edge, far = real(p, tape), real(q, tape)
    g, w = np.empty(n, tape.dtype), np.empty(n, tape.dtype)
    back_v, back_c = np.empty(n, tape.dtype), np.empty(n, tape.dtype)
    for b in range(batch):
        back_v[:] = 0  # of what is left of the potential after the reset
        back_c[:] = 0  # of the current, as far as the step after needs it
        for t in range(steps - 1, -1, -1):
            v, come = tape[t, b], into[t, b]
            _slopes(v, g, th, family, edge, far)
            for i in range(n):
                w[i] = come[i] - back_v[i] * v[i]
            _through_spike(w, g, v, th, zero, p, q, into_pair, back_v, back_c)
            _copy(back_c, into_z[t, b])
            if into_c.size and t:
                _through_decays(currents[t - 1, b], back_c, into_c)
                before = tape[t - 1, b]
                for i in range(n):
                    into_v[i] += 0.0 if before[i] > th else np.float64(back_v[i]) * np.float64(before[i])
            for i in range(n):
                back_v[i] *= decay_v[i]
            for i in range(n):
                back_c[i] *= decay_c[i]


@njit(nogil=True, error_model="numpy", cache=True)
def backward_dynamic(into, tape, decay_c, sign, family, p, q, currents, into_z, into_c, into_pair):
    """As `backward_lif`, of `forward_dynamic`."""
    wide_vectors()
    steps, batch, n = tape.shape
    th, zero, two = real(THRESHOLD, tape), real(0.0, tape), real(2.0, tape)
    edge, far, minus = real(p, tape), real(q, tape), real(-RECOVERY, tape)
    kick_v, kick_u, growth = real(KICK_V, tape), real(KICK_U, tape), real(1.0 + sign * COUPLING, tape)
    g, w = np.empty(n, tape.dtype), np.empty(n, tape.dtype)
    # Of v and u after the step, then of both as the next step finds them, after the reset.
    back_v, back_u, back_c = np.empty(n, tape.dtype), np.empty(n, tape.dtype), np.empty(n, tape.dtype)
    for b in range(batch):
        back_v[:] = 0
        back_u[:] = 0
        back_c[:] = 0
        for t in range(steps - 1, -1, -1):
            v, come = tape[t, b], into[t, b]
            _slopes(v, g, th, family, edge, far)
            if t < steps - 1:
                for i in range(n):  # w: v as the next step finds it
                    w[i] = kick_v if v[i] > th else v[i]
                for i in range(n):
                    w[i] = two * w[i] * back_v[i] + minus * back_u[i]
                for i in range(n):
                    back_u[i] = growth * back_u[i] - back_v[i]
                _copy(w, back_v)
            for i in range(n):
                w[i] = come[i] + back_v[i] * (kick_v - v[i])
            for i in range(n):
                w[i] += back_u[i] * kick_u
            _through_spike(w, g, v, th, zero, p, q, into_pair, back_v, back_c)
            _copy(back_c, into_z[t, b])
            if into_c.size and t:
                _through_decays(currents[t - 1, b], back_c, into_c)
            for i in range(n):
                back_c[i] *= decay_c[i]


@njit(nogil=True, error_model="numpy", cache=True)
def forward_encoder(drive, th, spikes):
    """Integrate-and-fire neurons under a constant drive (batch, n), soft reset."""
    wide_vectors()
    steps, batch, n = spikes.shape
    v, level, zero, one = np.empty(n, drive.dtype), real(th, drive), real(0.0, drive), real(1.0, drive)
    for b in range(batch):
        v[:] = 0
        for t in range(steps):
            s, given = spikes[t, b], drive[b]
            for i in range(n):
                v[i] += given[i]
            _fire(v, s, level, zero, one)
            for i in range(n):
                v[i] -= level * s[i]


@njit(nogil=True, error_model="numpy", cache=True)
def backward_encoder(into, th, into_drive):
    """Gradients of the drive: that of a spike with respect to the potential is 1, in the reset, too."""
    wide_vectors()
    steps, batch, n = into.shape
    back, left = np.empty(n, into.dtype), real(1.0 - th, into)
    for b in range(batch):
        back[:] = 0
        total = into_drive[b]
        total[:] = 0
        for t in range(steps - 1, -1, -1):
            come = into[t, b]
            for i in range(n):
                back[i] = back[i] * left + come[i]
            for i in range(n):
                total[i] += back[i]
