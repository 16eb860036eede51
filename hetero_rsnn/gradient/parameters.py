"""What of a network is trained, and in which coordinates.

An optimiser wants plain arrays without bounds. Time constants are trained as their logarithms, one for each neuron, or
as one factor for a population or the whole network that keeps the ratios of the drawn values; bounds and the signs of
weights are kept by putting back what has stepped over them. Where the network is to run with coarse recurrent weights,
the values are the latent ones behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array, Ints
from hetero_rsnn.gradient.batch import Gradients
from hetero_rsnn.gradient.quantisation import FULL, Quantisation, check_trainable, quantisation_of
from hetero_rsnn.network.draw import Draw

#: What can be trained.
TRAINABLE = ("w", "w_in", "w_event", "I_bias", "tau_m", "tau_syn", "v_th")
#: Whose value an entry is, for quantities of neurons.
SHARING = ("neuron", "population", "network")
#: Bounds of trained time constants in ms, in steps of the network: shorter ones cannot be told from one another.
_SHORTEST, _LONGEST = 1.0, 1e4
#: How far a threshold stays above the reset, and the smallest weight of an input spike that keeps its sign.
_ABOVE, _FAINTEST = 1e-3, 1e-12
_NEURON = ("I_bias", "tau_m", "tau_syn", "v_th")
_TIMES = ("tau_m", "tau_syn")


@dataclass(frozen=True, eq=False)
class Parameters:
    """Trainable arrays of a drawn network; make them with `parameters`.

    Attributes
    ----------
    start : Draw
        The network that training begins with.
    names : tuple of str
        What is trained.
    values : dict of str to ndarray
        Where training begins: ``"plastic"`` and ``"static"`` (recurrent weights), ``"w_in"``, ``"w_event"``, and of
        quantities of neurons the change from the drawn value, of times the change of the logarithm, shape (groups,).
    quantisation : Quantisation or None
        How recurrent weights are made coarse; ``"plastic"`` and ``"static"`` are latent weights then.
    """

    start: Draw
    names: tuple[str, ...]
    values: dict[str, Array]
    groups: dict[str, Ints] = field(repr=False)
    bounds: dict[str, tuple[float, float]] = field(repr=False)
    signs: bool = False
    quantisation: Quantisation | None = field(default=None, repr=False)

    def draw(self, values: Mapping[str, Array]) -> Draw:
        """The network with these values."""
        neurons, new = dict(self.start.neurons), dict[str, Any]()
        for name in ("plastic", "static"):
            if name in values:
                w = values[name] if self.quantisation is None else self.quantisation.of(name, values[name])
                new[name] = replace(getattr(self.start, name), w=w)
        new |= {name: values[name] for name in ("w_in", "w_event") if name in values}
        for name, group in self.groups.items():
            change = values[name][group]
            neurons[name] = neurons[name] * np.exp(change) if name in _TIMES else neurons[name] + change
        return replace(self.start, neurons=neurons, **new)

    def pull(self, gradients: Gradients, values: Mapping[str, Array]) -> dict[str, Array]:
        """Gradients with respect to the values, from those with respect to the network.

        Input weights that are 0 are no synapses and get none. Those of latent weights are straight through: see
        `Quantisation`.
        """
        out: dict[str, Array] = {}
        for name in values:
            found = getattr(gradients, name)
            if name in self.groups:
                if name in _TIMES:
                    found = found * self.start.neurons[name] * np.exp(values[name][self.groups[name]])
                out[name] = np.bincount(self.groups[name], found, minlength=values[name].size).astype(np.float64)
            elif name in ("w_in", "w_event"):
                out[name] = np.where(getattr(self.start, name) != 0, found, 0.0)
            elif self.quantisation is not None:
                out[name] = self.quantisation.straight_through(name, found, values[name])
            else:
                out[name] = found
        return out

    def inside(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """The nearest values that are allowed: times and latent weights in their bounds, thresholds above resets, and
        signs kept.
        """
        out = dict(values)
        if self.quantisation is not None:
            out |= {name: self.quantisation.inside(name, out[name]) for name in ("plastic", "static") if name in out}
        for name, group in self.groups.items():
            if name in self.bounds:
                low, high = self.bounds[name]
                lowest, highest = _ends(self.start.neurons[name], group, out[name].size)
                out[name] = np.clip(out[name], np.log(low / lowest), np.log(high / highest))
            elif name == "v_th":
                above = self.start.neurons["v_reset"] + _ABOVE - self.start.neurons[name]
                _, least = _ends(above, group, out[name].size)
                out[name] = np.maximum(out[name], np.minimum(least, 0.0))
        if self.signs:
            for name in ("plastic", "static", "w_in", "w_event"):
                if name in out:
                    first = self.values[name]
                    # Of input spikes a weight of 0 is no synapse, and would stay one for good.
                    edge = _FAINTEST if name == "w_event" else 0.0
                    kept = np.where(first > 0, np.maximum(out[name], edge), np.minimum(out[name], -edge))
                    out[name] = np.where(first == 0, 0.0, kept)
        return out


def parameters(
    draw: Draw,
    trainable: Sequence[str] = ("w", "w_in", "I_bias"),
    *,
    shared: Mapping[str, str] | None = None,
    bounds: Mapping[str, Any] | None = None,
    signs: bool = False,
    weights: str = FULL,
) -> Parameters:
    """Choose what is trained.

    Parameters
    ----------
    draw : Draw
    trainable : sequence of str
        Of ``"w"`` (recurrent weights on the synapses that there are), ``"w_in"``, ``"w_event"``, ``"I_bias"``,
        ``"tau_m"``, ``"tau_syn"``, ``"v_th"``.
    shared : mapping, optional
        Quantity of neurons -> ``"neuron"`` (the default), ``"population"`` or ``"network"``: one change for all of
        them, of times a factor, so that drawn values keep their ratios.
    bounds : mapping, optional
        ``"tau_m"`` or ``"tau_syn"`` -> smallest and largest value in ms; by default one step of the network, and ten
        thousand of them, or what was drawn beyond that.
    signs : bool
        Keep the sign of every weight (Dale's law): what steps over 0 stops there, and what is 0 stays so.
    weights : {"full", "1bit", "ternary", "2bit", "4bit", "8bit", "32bit"}
        What the recurrent weights of the network are, see `hetero_rsnn.gradient.quantisation.quantised`. But for
        ``"full"`` they are made of latent ones, which are what is trained.

    Raises
    ------
    HeteroError
        For an unknown quantity or word, bounds that leave a drawn value outside, a network without such synapses, or
        coarse recurrent weights that are not trained.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> chosen = parameters(d, ["tau_m"], shared={"tau_m": "population"})
    >>> chosen.values["tau_m"].tolist()
    [0.0, 0.0]
    >>> slower = chosen.draw({"tau_m": np.log([2.0, 1.0])})
    >>> bool(np.allclose(slower.neurons["tau_m"][:40], 2 * d.neurons["tau_m"][:40]))
    True
    """
    names = tuple(dict.fromkeys([trainable] if isinstance(trainable, str) else trainable))
    if not names:
        raise HeteroError("trainable must name at least one quantity, got none", fix=f"such as {TRAINABLE[0]!r}")
    for name in names:
        checks.one_of("trainable quantity", name, TRAINABLE)
    check_trainable(weights, names)
    shared, bounds = dict(shared or {}), dict(bounds or {})
    for word, given in (("shared", shared), ("bounds", bounds)):
        allowed = [name for name in names if name in (_NEURON if word == "shared" else _TIMES)]
        for name in given:
            if name not in allowed:
                raise HeteroError(
                    f"{word} names {name!r}, which is not trained or has none", fix=f"use {allowed}" if allowed else ""
                )
    values: dict[str, Array] = {}
    groups: dict[str, Ints] = {}
    limits: dict[str, tuple[float, float]] = {}
    if "w" in names:
        values |= {"plastic": np.array(draw.plastic.w, np.float64), "static": np.array(draw.static.w, np.float64)}
    for name in ("w_in", "w_event"):
        if name in names:
            values[name] = np.array(getattr(draw, name), np.float64)
    for name in _NEURON:
        if name not in names:
            continue
        kind = checks.one_of(f"sharing of {name}", shared.get(name, "neuron"), SHARING)
        whole = np.zeros(draw.n, np.int64)
        groups[name] = {"neuron": np.arange(draw.n), "population": np.asarray(draw.population), "network": whole}[kind]
        values[name] = np.zeros(int(groups[name].max()) + 1)
        drawn = draw.neurons[name]
        if name in _TIMES:
            usual = _SHORTEST * draw.network.dt, _LONGEST * draw.network.dt
            free = min(usual[0], float(drawn.min())), max(usual[1], float(drawn.max()))
            limits[name] = _bounds(name, bounds.get(name, free), drawn)
    if not any(v.size for v in values.values()):
        raise HeteroError(f"the network has none of {', '.join(names)} to train", fix="train something else")
    coarse = None if weights == FULL else quantisation_of(draw, weights, signs=bool(signs))
    return Parameters(draw, names, values, groups, limits, bool(signs), coarse)


def _bounds(name: str, value: Any, drawn: Array) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise HeteroError(f"bounds of {name} must be two times, got {value!r}", fix='such as ("1 ms", "200 ms")')
    low, high = (checks.duration(f"bound of {name}", edge) for edge in value)
    if not low <= drawn.min() <= drawn.max() <= high:
        raise HeteroError(
            f"bounds of {name} must hold the drawn values from {drawn.min():g} to {drawn.max():g} ms, got {low:g} to "
            f"{high:g} ms",
            fix="widen them, or draw another network",
        )
    return low, high


def _ends(drawn: Array, group: Ints, size: int) -> tuple[Array, Array]:
    """Smallest and largest drawn value of each group."""
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, group, drawn)
    np.maximum.at(high, group, drawn)
    return low, high
