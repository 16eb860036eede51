"""An actor as plain data: its settings and arrays."""

from __future__ import annotations

from dataclasses import dataclass

from hetero_rsnn.common.types import Array
from hetero_rsnn.control.actor_settings import ActorSettings


@dataclass(frozen=True)
class ActorArrays:
    """What acting needs of an actor.

    Attributes
    ----------
    settings : ActorSettings
    arrays : dict of str to ndarray of float64
        ``centre`` and ``reach`` (actions,): the limits. Of layer K ``K.weight`` (outputs, inputs) and ``K.bias``, of
        spiking actors also ``K.current_decay`` and, of leaky ones, ``K.voltage_decay``. Of spiking actors
        ``encoder.mean`` and ``encoder.sd`` (observations, population), ``decoder.weight`` (actions, population) and
        ``decoder.bias``.
    """

    settings: ActorSettings
    arrays: dict[str, Array]
