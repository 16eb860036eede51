"""Recurrent weights of few levels, and the latent weights behind them.

A step of the optimiser is smaller than the way to the next level. So it moves latent weights. The network runs, forward
and backward, with what these are rounded to, and the gradient with respect to a rounded weight is taken for that of the
latent one (straight through).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.network.draw import Draw, Synapses, read_only
from hetero_rsnn.simulation.damage import rounded

#: Weights as they are.
FULL = "full"
#: Bits of a magnitude, of weights on the grid of `hetero_rsnn.simulation.damage.quantise`.
_GRID = {"2bit": 2, "4bit": 4, "8bit": 8, "32bit": 32}
#: What recurrent weights can be.
WEIGHTS = (FULL, "1bit", "ternary", *_GRID)
#: Ternary weights are 0 below this share of the mean magnitude.
TERNARY_SHARE = 0.7
#: Latent weights of 1 bit and of three levels stay below so many mean magnitudes of the start, or its largest.
LATENT_BOUND = 2.0


def quantised(w: ArrayLike, weights: str, *, signs: bool = False) -> Array:
    """Round the weights of one projection.

    Parameters
    ----------
    w : array_like, shape (synapses,)
        All weights of the projection.
    weights : {"full", "1bit", "ternary", "2bit", "4bit", "8bit", "32bit"}
    signs : bool
        Signs are settled (Dale's law): they belong to the connection, and no bit is spent on them.

    Returns
    -------
    ndarray, shape (synapses,)

    Raises
    ------
    HeteroError
        For another word, or weights that are not finite.

    Notes
    -----
    One magnitude serves a whole projection. A scale for each post-synaptic neuron, as the output channels of 1-bit
    layers have it, would be a real number for a handful of synapses in a sparse network, and give back a part of the
    heterogeneity that the bit takes away.

    =============  =============================================  ==========================================
    weights        signs free                                     signs kept
    =============  =============================================  ==========================================
    ``"1bit"``     the sign (that of 0 is +1) times the mean      there or not: 0 below half the mean
                   magnitude                                      magnitude, else one magnitude, such that
                                                                  the sum of the projection stays
    ``"ternary"``  0 below 0.7 of the mean magnitude, else the    the same: 0 or one magnitude
                   sign times the mean magnitude of those kept
    ``"kbit"``     ``2**k`` magnitudes, evenly from 0 to the      the same
                   largest of the projection, and the sign
    =============  =============================================  ==========================================

    With the signs kept, 1 bit and k bits are those of `hetero_rsnn.quantise`, so that networks trained with such
    weights and networks rounded after learning have the same levels. Two levels with signs kept cannot be plus and
    minus: the bit says whether there is a synapse. `levels` counts what a synapse has to be told.

    References
    ----------
    M. Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279 (mean magnitude as the scale); F. Li, B. Liu, "Ternary
    weight networks", 2016, arXiv:1605.04711 (threshold of 0.7 mean magnitudes).

    Examples
    --------
    >>> quantised([0.3, -0.1, 0.0, 0.4], "1bit").tolist()
    [0.2, -0.2, 0.2, 0.2]
    >>> quantised([0.3, -0.1, 0.0, 0.4], "ternary").tolist()
    [0.35, 0.0, 0.0, 0.35]
    >>> quantised([0.5, 0.1, 0.0, 0.4], "1bit", signs=True).tolist()
    [0.5, 0.0, 0.0, 0.5]
    """
    checks.one_of("kind of weights", weights, WEIGHTS)
    return _quantised(checks.finite_array("w", w, 1, empty=True), weights, signs)


def _quantised(w: Array, weights: str, signs: bool) -> Array:
    if weights == FULL or not w.size:
        return w
    if weights in _GRID:
        return rounded(w, _GRID[weights])
    if weights == "1bit" and signs:
        return rounded(w, 1)
    size = np.abs(w)
    if weights == "1bit":
        return np.where(w >= 0, size.mean(), -size.mean())
    kept = size >= TERNARY_SHARE * size.mean()
    return np.where(kept & (size > 0), np.copysign(size[kept].mean(), w), 0.0)


def levels(weights: str, *, signs: bool = False) -> int | None:
    """How many different weights a synapse of a projection can have at most; None for full ones.

    The logarithm to base 2 is what one synapse has to be told, in bits.

    Examples
    --------
    >>> levels("1bit"), levels("ternary"), levels("2bit")
    (2, 3, 7)
    >>> levels("1bit", signs=True), levels("ternary", signs=True), levels("2bit", signs=True)
    (2, 2, 4)
    """
    checks.one_of("kind of weights", weights, WEIGHTS)
    if weights == FULL:
        return None
    if weights in _GRID:
        return 1 << _GRID[weights] if signs else (2 << _GRID[weights]) - 1
    return 2 if signs or weights == "1bit" else 3


def quantised_draw(draw: Draw, weights: str, *, signs: bool = False) -> Draw:
    """A network with the recurrent weights of every projection rounded; see `quantised`. Its ``damage`` says so.

    `hetero_rsnn.quantise` is the same for 1 bit with signs kept, and for several bits, with the state that STDP left.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> d = quantised_draw(hr.draw(hr.load_network("henhes", n=50), seed=1), "1bit")
    >>> len(np.unique(d.plastic.w))
    1
    """
    if checks.one_of("kind of weights", weights, WEIGHTS) == FULL:
        return draw
    made = quantisation_of(draw, weights, signs=signs)
    new = replace(
        draw,
        plastic=replace(draw.plastic, w=made.of("plastic", np.asarray(draw.plastic.w, np.float64))),
        static=replace(draw.static, w=made.of("static", np.asarray(draw.static.w, np.float64))),
        damage=(*draw.damage, f"{weights} weights"),
    )
    read_only(new)
    return new


def check_trainable(weights: str, trainable: str | Sequence[str]) -> None:
    """Refuse an unknown kind of weights, and coarse ones that are not trained."""
    checks.one_of("kind of weights", weights, WEIGHTS)
    names = [trainable] if isinstance(trainable, str) else list(trainable)
    if weights != FULL and "w" not in names:
        raise HeteroError(
            f"weights={weights!r} is about trained recurrent weights, got trainable={names}",
            fix="add 'w' to trainable, or round what was trained by hetero_rsnn.quantise",
        )


@dataclass(frozen=True, eq=False)
class Quantisation:
    """How latent recurrent weights become those that a network runs with; made by `quantisation_of`.

    Scales are held fixed where gradients are taken: they follow the latent weights from step to step. 1 bit and three
    levels saturate: a latent weight far from 0 only takes longer to come back. So it has a bound, beyond which no
    gradient passes and to which it is put back. The grid of several bits ends at the largest weight, so that nothing
    lies beyond it, and there is no bound.

    Attributes
    ----------
    weights : str
    signs : bool
    places : dict of str to list of ndarray
        ``"plastic"`` and ``"static"`` -> which synapses each projection has.
    bounds : dict of str to ndarray, shape (synapses,)
        The largest magnitude of every latent weight.
    """

    weights: str
    signs: bool
    places: dict[str, list[NDArray[np.intp]]]
    bounds: dict[str, Array]

    def of(self, name: str, latent: Array) -> Array:
        """Weights of the plastic or the static synapses, from the latent ones."""
        out = np.array(latent)
        for place in self.places[name]:
            out[place] = _quantised(latent[place], self.weights, self.signs)
        return out

    def straight_through(self, name: str, gradient: Array, latent: Array) -> Array:
        """The gradient with respect to latent weights, from that with respect to the weights made of them."""
        return np.where(np.abs(latent) <= self.bounds[name], gradient, 0.0)

    def inside(self, name: str, latent: Array) -> Array:
        """The nearest latent weights that are allowed."""
        return np.asarray(np.clip(latent, -self.bounds[name], self.bounds[name]))


def quantisation_of(draw: Draw, weights: str, *, signs: bool = False) -> Quantisation:
    """The quantisation of a network's recurrent weights, with bounds from the weights that it has now.

    Raises
    ------
    HeteroError
        If it has no recurrent synapses.
    """
    if not len(draw.plastic) + len(draw.static):
        raise HeteroError("the network has no recurrent synapses to quantise", fix="say weights='full'")
    both = {"plastic": draw.plastic, "static": draw.static}
    places = {name: _projections(synapses) for name, synapses in both.items()}
    bounds = {name: np.full(len(synapses), np.inf) for name, synapses in both.items()}
    if weights in ("1bit", "ternary"):
        for name, synapses in both.items():
            for place in places[name]:
                size = np.abs(np.asarray(synapses.w[place], np.float64))
                if size.any():
                    bounds[name][place] = max(LATENT_BOUND * float(size.mean()), float(size.max()))
    return Quantisation(weights, signs, places, bounds)


def _projections(synapses: Synapses) -> list[NDArray[np.intp]]:
    """Which synapses each projection has."""
    return [np.flatnonzero(synapses.projection == index) for index in np.unique(synapses.projection)]
