"""Damage to a network: noisy input, mismatched or coarse weights, lost neurons and synapses.

Pure functions: they take a draw, and the state that it was trained to, and give new ones. Everything random comes from
the branch "noise" of the generator tree, so equal seeds mean equal damage, and less damage is part of more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, StimulusError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array, Bools
from hetero_rsnn.inputs.stimulus import Stimulus
from hetero_rsnn.network.draw import Draw, Synapses, read_only
from hetero_rsnn.network.rules import part
from hetero_rsnn.simulation.recording import Recording, State

#: New weights of one projection, given the old ones and the name of the projection (two words for input weights).
Change = Callable[[Array, tuple[str, ...]], Array]

#: Bits of a double's mantissa: finer levels than these there are none.
MOST_BITS = 52


def noisy(stimulus: Stimulus, sd: float, seed: int) -> Stimulus:
    """Add independent Gaussian noise to every sample of an injected current.

    Parameters
    ----------
    stimulus : Stimulus
        Of kind ``"current"``.
    sd : float
        Standard deviation of the noise, in units of that of each channel's samples. A constant channel stays clean.
    seed : int
        Noise of the same seed and another `sd` is the same noise, scaled.

    Returns
    -------
    Stimulus
        Its description lists under ``"noise"`` sd and seed of every noise so far. What the memory capacity asks for is
        the clean stimulus: keep it.

    Raises
    ------
    StimulusError
        For events or a stream.
    HeteroError
        If `sd` is not a finite number >= 0.
    """
    if not isinstance(stimulus, Stimulus) or stimulus.kind != "current":
        kind = f"{stimulus.kind!r}" if isinstance(stimulus, Stimulus) else f"a {type(stimulus).__name__}"
        raise StimulusError(f"noisy takes a stimulus of kind 'current', got {kind}: make one with array_stimulus")
    _amount("sd", sd)
    values = stimulus.values
    noise = generator(seed, "noise", "stimulus").standard_normal(values.shape)
    noises = [*stimulus.description.get("noise", []), {"sd": float(sd), "seed": int(seed)}]
    description = {**stimulus.description, "noise": noises}
    return replace(stimulus, values=values + sd * values.std(axis=0) * noise, description=description)


def weight_noise(
    draw: Draw, state: State | Recording | None, cv: float, seed: int, *, inputs: bool = False
) -> tuple[Draw, State | None]:
    """Multiply every weight by a lognormal factor of mean 1: frozen mismatch, as of analog synapses.

    Parameters
    ----------
    draw : Draw
    state : State, Recording or None
        What training left. Its weights are changed then, not the initial ones of ``draw.plastic``.
    cv : float
        Standard deviation of the factors. Signs stay, and so does the mean weight, on average.
    seed : int
        Noise of the same seed and another `cv` has the same underlying normal numbers.
    inputs : bool
        Input weights too.

    Returns
    -------
    draw : Draw
    state : State or None
        None if None was given. The weights of plastic synapses may lie above ``w_max``; learning would clip them.

    Raises
    ------
    HeteroError
        If `cv` is not a finite number >= 0, or the state does not belong to the draw.
    """
    _amount("cv", cv)
    sigma = math.sqrt(math.log1p(cv**2))

    def change(w: Array, names: tuple[str, ...]) -> Array:
        z = generator(seed, "noise", "weights", *names).standard_normal(w.shape)
        return np.asarray(w * np.exp(sigma * z - sigma**2 / 2))

    return _reweighted(draw, state, change, inputs, f"weight noise of cv {cv:g} (seed {seed})" if cv else "")


def quantise(
    draw: Draw, state: State | Recording | None, bits: int, *, inputs: bool = False
) -> tuple[Draw, State | None]:
    """Round the magnitude of every weight to the levels that `bits` can tell apart, projection by projection.

    Parameters
    ----------
    draw : Draw
    state : State, Recording or None
        What training left. Its weights are rounded then, not the initial ones of ``draw.plastic``.
    bits : int
        Bits of a magnitude, 1 to 52; the sign belongs to the projection and costs none.
    inputs : bool
        Input weights too, which keep their signs.

    Returns
    -------
    draw : Draw
    state : State or None

    Raises
    ------
    HeteroError
        If `bits` is not a whole number in 1..52, or the state does not belong to the draw.

    Notes
    -----
    Two bits and more: ``2**bits`` levels, evenly from 0 to the largest magnitude of the projection, and each weight
    goes to the nearest. One bit: a weight is there or not. It is if it reaches half the mean magnitude, and all that
    are there share one magnitude, such that the sum of the projection stays. (Rounding to 0 or the largest would leave
    few weights, all at the value of an outlier.) These are our choices, as is that rounding follows learning; Pfeil et
    al. study learning with coarse weights, and find 4 bits enough for their benchmark.

    References
    ----------
    T. Pfeil et al., "Is a 4-bit synaptic weight resolution enough? Constraints on enabling spike-timing dependent
    plasticity in neuromorphic hardware", Frontiers in Neuroscience 6:90, 2012.
    """
    bits = checks.whole("bits", bits, least=1, most=MOST_BITS, fix="1 is a weight or none")

    def change(w: Array, names: tuple[str, ...]) -> Array:
        del names
        return rounded(w, bits)

    return _reweighted(draw, state, change, inputs, f"weights of {bits} bits")


def rounded(w: Array, bits: int) -> Array:
    """Weights of one projection, rounded to what `bits` can tell apart; see `quantise`, which checks what it takes."""
    size = np.abs(np.asarray(w, dtype=np.float64))
    there = size > 0
    if not there.any():
        return w
    if bits == 1:
        there &= size >= size[there].mean() / 2
        size = np.where(there, size.sum() / there.sum(), 0.0)
    else:
        step = size.max() / (2 ** int(bits) - 1)
        size = np.rint(size / step) * step
    return np.asarray(np.copysign(size, w))


def lose_neurons(draw: Draw, state: State | Recording | None, share: float, seed: int) -> tuple[Draw, State | None]:
    """Take neurons away: they have no synapses and no input any more, and never fire.

    Parameters
    ----------
    draw : Draw
    state : State, Recording or None
        What training left.
    share : float
        Of all neurons, whatever their population; 0 to 1. The number lost is rounded to the nearest whole one.
    seed : int
        Of the same seed, those lost at a smaller share are lost at a larger one too.

    Returns
    -------
    draw : Draw
        Lost neurons keep their places, so that states still have a column each: ``draw.neurons["v_th"]`` is infinite
        there. Hence `Draw.heterogeneity` is that of no network; ask the intact draw. The spike count S is still a mean
        over all n, lost ones included: over those that are left it is ``S * n / np.isfinite(v_th).sum()``.
    state : State or None

    Raises
    ------
    HeteroError
        If `share` is not in 0..1, the state does not belong to the draw, or the threshold of the network is not a
        condition on ``v_th``.
    """
    _share(share)
    begin = _state(draw, state)
    threshold = dict(draw.network.equations).get("threshold", "")
    if "v_th" not in draw.neurons or not re.search(r"\bv_th\b", threshold):
        raise HeteroError(
            f"lose_neurons makes v_th infinite, but the threshold of network {draw.network.name!r} is {threshold!r}: "
            "write it as a condition on a parameter v_th"
        )
    lost = generator(seed, "noise", "neurons").permutation(draw.n)[: _count(share, draw.n)]
    if not lost.size:
        return draw, begin
    alive = np.ones(draw.n, dtype=bool)
    alive[lost] = False
    kept = [alive[s.source] & alive[s.target] for s in (draw.plastic, draw.static)]
    damaged, begin = _without(draw, begin, *kept)
    return (
        _noted(
            damaged,
            f"{lost.size} of {draw.n} neurons lost (seed {seed})",
            neurons={**draw.neurons, "v_th": np.where(alive, draw.neurons["v_th"], np.inf)},
            w_in=np.where(alive[:, None], draw.w_in, 0.0),
            w_event=np.where(alive[:, None], draw.w_event, 0.0),
        ),
        begin,
    )


def lose_synapses(
    draw: Draw, state: State | Recording | None, share: float, seed: int, *, inputs: bool = False
) -> tuple[Draw, State | None]:
    """Take synapses away, the same share of every projection.

    Parameters
    ----------
    draw : Draw
    state : State, Recording or None
        What training left.
    share : float
        Of the synapses of each projection; 0 to 1. The number lost is rounded to the nearest whole one.
    seed : int
        Of the same seed, those lost at a smaller share are lost at a larger one too, and networks that differ in their
        parameters alone lose the same ones.
    inputs : bool
        The same share of the input synapses (pairs of a neuron and a channel) too.

    Returns
    -------
    draw : Draw
        With fewer synapses.
    state : State or None
        With weights and traces of those that are left.

    Raises
    ------
    HeteroError
        If `share` is not in 0..1, or the state does not belong to the draw.
    """
    _share(share)
    begin = _state(draw, state)
    if share == 0:
        return draw, begin

    def chosen(index: int, inside: NDArray[np.intp]) -> NDArray[np.intp]:
        order = generator(seed, "noise", "synapses", draw.network.projections[index].name).permutation(inside.size)
        return order[: _count(share, inside.size)]

    damaged, begin = _without(draw, begin, _kept(draw.plastic, chosen), _kept(draw.static, chosen))
    changes: dict[str, Any] = {}
    if inputs:
        gone = np.zeros(draw.w_in.shape, dtype=bool)
        pairs = np.flatnonzero((draw.w_in != 0) | (draw.w_event != 0))
        order = generator(seed, "noise", "synapses", "input", "pairs").permutation(pairs.size)
        gone.flat[pairs[order[: _count(share, pairs.size)]]] = True
        changes = {"w_in": np.where(gone, 0.0, draw.w_in), "w_event": np.where(gone, 0.0, draw.w_event)}
    also = " and inputs" if inputs else ""
    return _noted(damaged, f"{share:.3g} of the synapses{also} lost (seed {seed})", **changes), begin


def prune(
    draw: Draw, state: State | Recording | None, share: float, *, inputs: bool = False
) -> tuple[Draw, State | None]:
    """Take the weakest synapses away, the same share of every projection: what `lose_synapses` leaves to chance.

    Parameters
    ----------
    draw : Draw
    state : State, Recording or None
        What training left. Its weights say which synapses are weak then, not the initial ones of ``draw.plastic``.
    share : float
        Of the synapses of each projection; 0 to 1. The number lost is rounded to the nearest whole one, and of equal
        magnitudes the first ones go. What is lost at a smaller share is lost at a larger one too.
    inputs : bool
        The same share of the input weights that are not 0 too, by their own magnitudes: those of currents, and those of
        input spikes.

    Returns
    -------
    draw : Draw
        With fewer synapses.
    state : State or None
        With weights and traces of those that are left.

    Raises
    ------
    HeteroError
        If `share` is not in 0..1, or the state does not belong to the draw.

    Examples
    --------
    >>> import numpy as np
    >>> import hetero_rsnn as hr
    >>> d = hr.draw("henhes", seed=1)
    >>> sparse, _ = hr.prune(d, None, 0.9)
    >>> len(sparse.static) == round(0.1 * len(d.static))
    True
    >>> bool(np.abs(sparse.static.w).mean() > 2 * np.abs(d.static.w).mean())
    True

    References
    ----------
    S. Han, J. Pool, J. Tran, W. J. Dally, "Learning both weights and connections for efficient neural networks", NIPS
    2015, arXiv:1506.02626.
    """
    _share(share)
    begin = _state(draw, state)
    if share == 0:
        return draw, begin

    def kept(synapses: Synapses, w: Array) -> Bools:
        return _kept(synapses, lambda _, inside: _weakest(w[inside], share))

    plastic = draw.plastic.w if begin is None else begin.w
    damaged, begin = _without(draw, begin, kept(draw.plastic, plastic), kept(draw.static, draw.static.w))
    changes: dict[str, Any] = {}
    if inputs:
        for name in ("w_in", "w_event"):
            w = np.array(getattr(draw, name))
            there = np.flatnonzero(w)
            w.flat[there[_weakest(w.flat[there], share)]] = 0.0
            changes[name] = w
    also = " and inputs" if inputs else ""
    return _noted(damaged, f"the weakest {share:.3g} of the synapses{also} pruned", **changes), begin


def _weakest(w: Array, share: float) -> NDArray[np.intp]:
    """Which of some weights have the smallest magnitudes."""
    return np.argsort(np.abs(w), kind="stable")[: _count(share, w.size)]


def _reweighted(
    draw: Draw, state: State | Recording | None, change: Change, inputs: bool, note: str
) -> tuple[Draw, State | None]:
    """Change the weights that the network has now; without a note there is nothing to change."""
    begin = _state(draw, state)
    if not note:
        return draw, begin

    def changed(synapses: Synapses, w: Array) -> Array:
        new = np.array(w)
        for index, inside in _projections(synapses):
            new[inside] = change(w[inside], (draw.network.projections[index].name,))
        return new

    changes: dict[str, Any] = {"static": replace(draw.static, w=changed(draw.static, draw.static.w))}
    if begin is None:
        changes["plastic"] = replace(draw.plastic, w=changed(draw.plastic, draw.plastic.w))
    else:
        begin = replace(begin, w=changed(draw.plastic, begin.w))
    if inputs:
        changes |= {key: change(getattr(draw, key), ("input", key)) for key in ("w_in", "w_event")}
    return _noted(draw, note + (", inputs too" if inputs else ""), **changes), begin


def _without(draw: Draw, begin: State | None, plastic: Bools, static: Bools) -> tuple[Draw, State | None]:
    """The synapses under the masks, and their part of the state."""
    if begin is not None:
        begin = replace(
            begin,
            w=begin.w[plastic],
            traces={k: v[plastic] for k, v in begin.traces.items()},
            trace_step=None if begin.trace_step is None else begin.trace_step[plastic],
        )
    return replace(draw, plastic=part(draw.plastic, plastic), static=part(draw.static, static)), begin


def _projections(synapses: Synapses) -> list[tuple[int, NDArray[np.intp]]]:
    """Index of each projection that has synapses, and which they are."""
    return [(int(i), np.flatnonzero(synapses.projection == i)) for i in np.unique(synapses.projection)]


def _kept(synapses: Synapses, chosen: Callable[[int, NDArray[np.intp]], NDArray[np.intp]]) -> Bools:
    """All but those that are chosen in each projection, by its index and which synapses it has."""
    left = np.ones(len(synapses), dtype=bool)
    for index, inside in _projections(synapses):
        left[inside[chosen(index, inside)]] = False
    return left


def _noted(draw: Draw, note: str, **changes: Any) -> Draw:
    """The draw with changes, which it remembers; read-only, as draws are."""
    new = replace(draw, **changes, damage=(*draw.damage, note))
    read_only(new)
    return new


def _state(draw: Draw, state: State | Recording | None) -> State | None:
    if not isinstance(draw, Draw):
        raise HeteroError(f"damage is done to a draw, got {type(draw).__name__}: call hetero_rsnn.draw(network, seed)")
    if not isinstance(state, State | Recording | None):
        raise HeteroError(
            f"state must be a Recording, its state, or None, got {type(state).__name__}: give one of them"
        )
    begin = state.state if isinstance(state, Recording) else state
    if begin is not None and (begin.last_spike.size, begin.w.size) != (draw.n, len(draw.plastic)):
        raise HeteroError(
            f"the state is of a network with {begin.last_spike.size} neurons and {begin.w.size} plastic synapses, "
            f"the draw has {draw.n} and {len(draw.plastic)}: give the draw that the state came from"
        )
    return begin


def _count(share: float, total: int) -> int:
    return int(np.floor(share * total + 0.5))


def _share(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
        raise HeteroError(f"share must be a number in 0..1, got {value!r}: a tenth is 0.1")


def _amount(name: str, value: Any) -> None:
    checks.real(name, value, least=0.0, fix="0 leaves everything as it is")
