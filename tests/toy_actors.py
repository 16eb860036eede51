"""Actors as arrays, made without torch and without training."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from hetero_rsnn.control.actor_arrays import ActorArrays
from hetero_rsnn.control.actor_settings import ActorSettings


def actor(settings: ActorSettings, *, single: bool = False, seed: int = 1, observations: int = 4) -> ActorArrays:
    """Arrays that differ in every number, of an actor that spikes often."""
    rng, actions, wide = np.random.default_rng(seed), 2, settings.population
    spiking = settings.is_spiking
    sizes = [observations * (wide if spiking else 1), *settings.hidden, actions * (wide if spiking else 1)]
    arrays: dict[str, Any] = {"centre": rng.normal(size=actions), "reach": rng.uniform(0.5, 2, actions)}
    for k, (m, n) in enumerate(pairwise(sizes)):
        arrays |= {f"{k}.weight": rng.normal(0, 1 / np.sqrt(m), (m, n)), f"{k}.bias": rng.normal(0.1, 0.1, n)}
        if spiking:
            arrays[f"{k}.current_decay"] = rng.uniform(0.2, 0.8, n)
        if settings.kind == "lif":
            arrays[f"{k}.voltage_decay"] = rng.uniform(0.3, 0.95, n)
    if spiking:
        arrays["encoder.mean"] = rng.uniform(-2, 2, (observations, wide))
        arrays["encoder.sd"] = rng.uniform(0.3, 1.0, (observations, wide))
        arrays |= {"decoder.weight": rng.normal(size=(actions, wide)), "decoder.bias": rng.normal(size=actions)}
    if single:
        arrays = {name: value.astype(np.float32).astype(float) for name, value in arrays.items()}
    return ActorArrays(settings, arrays)
