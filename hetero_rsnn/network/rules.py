"""The plastic synapses of a draw, rule by rule, as backends lay them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hetero_rsnn.common import units
from hetero_rsnn.common.types import Array
from hetero_rsnn.network.draw import Draw, Synapses
from hetero_rsnn.network.models import SHARED
from hetero_rsnn.network.parts import Plasticity


@dataclass(frozen=True, eq=False)
class RuleSynapses:
    """The plastic synapses that have one rule.

    Attributes
    ----------
    rule : Plasticity
    owner : str
        What Brian2 and the sources of kernels call them: ``"plastic"``, ``"plastic_2"``, ...
    which : slice or ndarray of bool, shape (plastic synapses,)
        Those of all plastic ones.
    synapses : Synapses
    sign : float or ndarray, shape (synapses,)
        That of their weights: -1 where they are inhibitory.
    shared : dict of str to float
        w_min, w_max and mu of the rule, by these names.
    """

    rule: Plasticity
    owner: str
    which: Any
    synapses: Synapses
    sign: Any
    shared: dict[str, float]

    def magnitudes(self, w: Array) -> Array:
        """Copies of their weights without the sign, in double precision; `w` has those of all plastic synapses.

        As the kernels do, weights that learn are clipped: rounding may have left one beyond its bound.
        """
        found = np.array(w[self.which] * self.sign, dtype=np.float64)
        if self.rule.learns and {"w_min", "w_max"} <= set(self.shared):
            np.clip(found, self.shared["w_min"], self.shared["w_max"], out=found)
        return found

    def parameters(self) -> dict[str, Array]:
        """Their parameters in SI."""
        own = dict(self.rule.parameters)
        return {k: units.to_si(v.astype(np.float64), own[k].unit) for k, v in self.synapses.parameters.items()}


def owner_names(count: int) -> list[str]:
    """What the groups of so many rules are called."""
    return [f"plastic_{k + 1}" if k else "plastic" for k in range(count)]


def by_rule(draw: Draw) -> list[RuleSynapses]:
    """The plastic synapses of every rule, in the order of `Network.rules`; one without synapses is in it, too."""
    net, plastic = draw.network, draw.plastic
    inhibitory = {p.name for p in net.populations if p.kind == "inhibitory"}
    negative = np.array([p.pre in inhibitory for p in net.projections])
    out = []
    for rule, owner in zip(net.rules, owner_names(len(net.rules)), strict=True):
        whose = net.projections_of(rule)
        alone = len(net.rules) == 1
        which = slice(None) if alone else np.isin(plastic.projection, whose)
        own = {k for k, _ in rule.parameters}
        found = plastic if alone else part(plastic, which)
        found = Synapses(
            found.indptr,
            found.target,
            found.w,
            {k: v for k, v in found.parameters.items() if k in own},
            found.projection,
            found.delay,
        )
        sign = np.where(negative[found.projection], -1.0, 1.0) if negative[whose].any() else 1.0
        shared = {k: draw.shared[rule.key(k)] for k in SHARED if rule.key(k) in draw.shared}
        out.append(RuleSynapses(rule, owner, which, found, sign, shared))
    return out


def part(synapses: Synapses, keep: Any) -> Synapses:
    """Those under a mask, an array of bool of shape (synapses,)."""
    indptr = np.concatenate([[0], np.cumsum(keep)])[synapses.indptr]
    return Synapses(
        indptr.astype(np.int64),
        synapses.target[keep],
        synapses.w[keep],
        {k: v[keep] for k, v in synapses.parameters.items()},
        synapses.projection[keep],
        None if synapses.delay is None else synapses.delay[keep],
    )
