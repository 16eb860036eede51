"""Decays of current and potential a step: a number, or a distribution from which every neuron gets its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.common.types import Array
from hetero_rsnn.common.units import DIMENSIONLESS
from hetero_rsnn.network.distributions import Constant, Distribution
from hetero_rsnn.network.parameter import Parameter, parse_parameter, to_toml

#: What one neuron in a thousand million may be beyond.
_TAIL = 1e-9


def parse_decay(name: str, value: Any) -> float | Parameter:
    """A number, or a distribution as network files write it: ``{"distribution": "uniform", "low": 0.3, "high": 0.7}``.

    Raises
    ------
    HeteroError
        If it is neither, has a unit, or gives values that are not above 0 and below 1.
    """
    if isinstance(value, Distribution):
        parameter = Parameter(value)
    elif isinstance(value, bool | np.bool_):
        raise HeteroError(f"{name} must be a number or a distribution, got {value}", fix="give a number below 1")
    else:
        parameter = parse_parameter(value.item() if isinstance(value, np.number) else value, name)
    if parameter.unit != DIMENSIONLESS:
        raise HeteroError(f"{name} is a share of one step and has no unit, got {value!r}", fix="drop the unit")
    low, high = parameter.distribution.quantile([_TAIL, 1 - _TAIL])
    _check(name, np.array([low, high]))
    return float(parameter.mean) if isinstance(parameter.distribution, Constant) else parameter


def _check(name: str, values: Array) -> None:
    outside = values[~((values > 0) & (values < 1))]
    if outside.size:
        raise HeteroError(
            f"{name} must be above 0 and below 1, got {outside[0]:g}",
            fix="choose another number, or a distribution that ends there, such as uniform or truncated_normal",
        )


def plain_decay(value: float | Parameter) -> Any:
    """What `parse_decay` reads back, as JSON and TOML hold it."""
    return to_toml(value) if isinstance(value, Parameter) else value


def draw_decays(name: str, value: float | Parameter, size: int, seed: int, layer: int) -> Array:
    """One decay a neuron, shape (size,).

    Parameters
    ----------
    name : {"current_decay", "voltage_decay"}
    value : float or Parameter
        As `parse_decay` gave it.
    size, seed, layer : int

    Raises
    ------
    HeteroError
        If one is not above 0 and below 1.
    """
    if not isinstance(value, Parameter):
        return np.full(size, value)
    drawn = value.distribution.sample(size, generator(seed, "neurons", "actor", name, layer))
    _check(name, drawn)
    return drawn
