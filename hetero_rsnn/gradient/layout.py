"""A draw as the adjoint's kernels take it: all frozen synapses in one table, factors per step in place of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.simulation.neurons import neuron_arrays

#: Samples that are advanced together.
LANES = 16
#: What the kernel has of a neuron on the way forward: potential, synaptic current, spike, steps that it still rests.
FORWARD_PARTS = 4
#: And on the way back: gradients of current, potential and spike; pseudo-derivative; spike.
BACKWARD_PARTS = 5


@dataclass(frozen=True, eq=False)
class Layout:
    """What the kernels read of a network, in one precision.

    Attributes
    ----------
    indptr, target : ndarray of int64
        Rows of the plastic and the static synapses together, row by row in the order of their targets.
    order : ndarray of int64
        Where each of them stands in the plastic synapses followed by the static ones.
    w : ndarray, shape (synapses,)
    event_indptr, event_target, event_w : ndarray
        Synapses of the input's spikes, one row a channel; weights of 0 are none.
    decay_m, rise_m, decay_syn, constant, v_th, v_reset : ndarray, shape (n,)
        `rise_m` is 1 - `decay_m`, worked out before it is rounded.
    wait : ndarray, shape (n,)
        Steps that a neuron misses after a spike.
    """

    indptr: Ints
    target: Ints
    order: Ints
    w: Array
    event_indptr: Ints
    event_target: Ints
    event_w: Array
    decay_m: Array
    rise_m: Array
    decay_syn: Array
    constant: Array
    v_th: Array
    v_reset: Array
    wait: Array

    def split(self, values: Array, plastic: int) -> tuple[Array, Array]:
        """Values of the synapses, in the order of the draw: of the plastic ones, and of the static ones."""
        out = np.empty_like(values)
        out[self.order] = values
        return out[:plastic], out[plastic:]


@dataclass(frozen=True, eq=False)
class _Wiring:
    """Who is connected to whom: what of a layout stays as it is while weights are trained.

    Attributes
    ----------
    made_of : tuple of ndarray
        Copies of the arrays of the draw that it was worked out from.
    indptr, target, order, event_indptr, event_target : ndarray
        See `Layout`.
    event_channel : ndarray of int64
        Channels of the synapses of the input's spikes.
    """

    made_of: tuple[NDArray[Any], ...]
    indptr: Ints
    target: Ints
    order: Ints
    event_indptr: Ints
    event_target: Ints
    event_channel: Ints


#: The wirings of the last draws, newest first: sorting one takes longer than a step through a small network.
_known: list[_Wiring] = []
#: How many are kept, of so many synapses at most.
_KEPT, _LARGEST = 4, 500_000


def _wiring(draw: Draw) -> _Wiring:
    """The wiring of a draw: a known one if all is equal, since arrays may have been written to."""
    plastic, static = draw.plastic, draw.static
    made_of = (plastic.indptr, plastic.target, static.indptr, static.target, draw.w_event != 0)
    for known in tuple(_known):
        if all(map(np.array_equal, known.made_of, made_of)):
            return known
    source = np.concatenate([plastic.source, static.source])
    target = np.concatenate([plastic.target, static.target]).astype(np.int64)
    order = np.lexsort((target, source))  # stable: plastic ones first, as in the kernel of the simulation
    channel, neuron = np.nonzero(draw.w_event.T)
    found = _Wiring(
        made_of=tuple(array.copy() for array in made_of),
        indptr=np.searchsorted(source[order], np.arange(draw.n + 1)).astype(np.int64),
        target=target[order],
        order=order,
        event_indptr=np.searchsorted(channel, np.arange(draw.w_event.shape[1] + 1)).astype(np.int64),
        event_target=neuron.astype(np.int64),
        event_channel=channel,
    )
    if target.size + channel.size <= _LARGEST:
        _known[:] = [found, *_known[: _KEPT - 1]]
    return found


def lay_out(draw: Draw, plastic_w: Array, real: Any, steps: int) -> Layout:
    """Lay a draw out, with these weights of its plastic synapses, for runs of at most so many steps."""
    wiring = _wiring(draw)
    p = neuron_arrays(draw)

    def own(array: NDArray[Any]) -> Array:
        return np.array(array, dtype=real, order="C")  # writable always: numba compiles for read-only ones apart

    return Layout(
        indptr=wiring.indptr,
        target=wiring.target,
        order=wiring.order,
        w=own(np.concatenate([plastic_w, draw.static.w])[wiring.order]),
        event_indptr=wiring.event_indptr,
        event_target=wiring.event_target,
        event_w=own(draw.w_event[wiring.event_target, wiring.event_channel]),
        decay_m=own(p.decay_m),
        rise_m=own(-np.expm1(-draw.network.dt / draw.neurons["tau_m"])),
        decay_syn=own(p.decay_syn),
        constant=p.constant_drive,
        v_th=own(p.v_th),
        v_reset=own(p.v_reset),
        # Counted down in floating point numbers, which hold no more whole ones in single precision.
        wait=own(np.clip(p.refractory_steps - 1, 0, min(steps, 2**24 - 1))),
    )
