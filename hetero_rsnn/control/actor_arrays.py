"""An actor as plain data: its settings and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.actor_settings import ActorSettings


@dataclass(frozen=True)
class ActorArrays:
    """What acting needs of an actor.

    Attributes
    ----------
    settings : ActorSettings
    arrays : dict of str to ndarray of float64
        ``centre`` and ``reach`` (actions,): the limits. Of layer K ``K.weight`` (inputs, outputs) and ``K.bias``, of
        spiking actors also ``K.current_decay`` and, of leaky ones, ``K.voltage_decay``. Of spiking actors
        ``encoder.mean`` and ``encoder.sd`` (observations, population), ``decoder.weight`` (actions, population) and
        ``decoder.bias``.
    """

    settings: ActorSettings
    arrays: dict[str, Array]

    @property
    def observations(self) -> int:
        """How many numbers an observation has."""
        name = "encoder.mean" if self.settings.is_spiking else "0.weight"
        return len(self.arrays[name])

    @property
    def actions(self) -> int:
        """How many numbers an action has."""
        return self.arrays["centre"].size

    @property
    def sizes(self) -> list[int]:
        """Neurons of the encoder (or observations) and of every layer."""
        wide = self.settings.population if self.settings.is_spiking else 1
        return [self.observations * wide, *self.settings.hidden, self.actions * wide]

    def check(self, error: type[HeteroError] = HeteroError) -> None:
        """Refuse arrays that are not those of such an actor.

        Raises
        ------
        error
            If one is missing, unknown, of another shape or type, not finite, or outside its range.
        """
        arrays = self.arrays
        for name in ("centre", "encoder.mean" if self.settings.is_spiking else "0.weight"):
            if not isinstance(arrays.get(name), np.ndarray) or not arrays[name].ndim or not arrays[name].size:
                raise error(f"an actor needs the array {name!r}", fix="restore a copy")
        wanted = self._shapes()
        if wanted.keys() != arrays.keys():
            odd = sorted(wanted.keys() ^ arrays.keys())
            raise error(f"the arrays of this actor differ in {', '.join(odd):.80}", fix="restore a copy")
        for name, shape in wanted.items():
            _check(name, arrays[name], shape, error)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        settings, actions = self.settings, self.actions
        out: dict[str, tuple[int, ...]] = {"centre": (actions,), "reach": (actions,)}
        for k, (m, n) in enumerate(pairwise(self.sizes)):
            out |= {f"{k}.weight": (m, n), f"{k}.bias": (n,)}
            if settings.is_spiking:
                out[f"{k}.current_decay"] = (n,)
            if settings.kind == "lif":
                out[f"{k}.voltage_decay"] = (n,)
        if settings.is_spiking:
            out |= dict.fromkeys(("encoder.mean", "encoder.sd"), (self.observations, settings.population))
            out |= {"decoder.weight": (actions, settings.population), "decoder.bias": (actions,)}
        return out


def _check(name: str, value: Any, shape: tuple[int, ...], error: type[HeteroError]) -> None:
    if value.shape != shape or value.dtype != np.float64:
        raise error(
            f"{name} must be float64 of shape {shape}, got {value.dtype} of {value.shape}", fix="restore a copy"
        )
    low = 0.0 if name in ("reach", "encoder.sd") or name.endswith("_decay") else -np.inf
    high = 1.0 if name.endswith("_decay") else np.inf
    outside = value[~((value > low) & (value < high))]
    if outside.size:
        rule = "finite" if low < 0 else "above 0 and finite" if high > 1 else "above 0 and below 1"
        raise error(f"{name} must be {rule}, got {outside[0]:g}", fix="restore a copy")
