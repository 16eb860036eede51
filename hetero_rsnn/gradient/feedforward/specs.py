"""Networks as plain data and arrays, and back: what describes one, and what it has learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest

Network = TypeVar("Network", bound=nn.Module)
#: Types of floating point numbers that both numpy and torch have.
_FLOATS = (np.float16, np.float32, np.float64)
_FIX = "take what spec() of a network gives"
_EQUAL = "take the arrays of a network of equal spec()"


def built(kinds: Mapping[str, type[Network]], spec: Any) -> Network:
    """The network that plain data describe, with weights as they begin.

    Raises
    ------
    HeteroError
        If they describe none.
    """
    if not isinstance(spec, Mapping) or "network" not in spec:
        raise HeteroError("the spec of a network must name the network", fix=_FIX)
    options = dict(spec)
    kind = kinds[checks.one_of("network", options.pop("network"), tuple(kinds))]
    try:
        network: Network = kind(**options)
        return network
    except TypeError as error:
        known = [name for name in kind.__init__.__annotations__ if name != "return"]
        odd = next((name for name in options if name not in known), "")
        fault = (
            f"unknown option {odd!r} of a network{suggest(odd, known)}" if odd else f"the spec does not fit ({error})"
        )
        raise HeteroError(fault, fix=_FIX) from None


def arrays_of(network: nn.Module) -> dict[str, NDArray[Any]]:
    """All parameters, statistics and counters, by name.

    Raises
    ------
    HeteroError
        If one has numbers that numpy does not know.
    """
    found: dict[str, NDArray[Any]] = {}
    for name, value in network.state_dict().items():
        try:
            found[name] = np.array(value.detach().cpu().numpy())
        except TypeError:
            raise HeteroError(f"the array {name!r} is of {value.dtype}", fix="call float() of the network") from None
    return found


def take_over(network: nn.Module, arrays: Mapping[str, Any]) -> None:
    """Give a network what `arrays_of` gave of an equal one, in the precision of that.

    Raises
    ------
    HeteroError
        If one is missing, unknown, or of another shape or kind; the network is then as before.
    """
    wanted = network.state_dict(keep_vars=True)
    if wanted.keys() != arrays.keys():
        odd = min(wanted.keys() ^ arrays.keys())
        fault = "is missing" if odd in wanted else "is unknown"
        raise HeteroError(f"the array {odd!r} {fault}", fix=_EQUAL)
    found = {name: np.asarray(value) for name, value in arrays.items()}
    for name, tensor in wanted.items():
        value = found[name]
        kinds = _FLOATS if tensor.is_floating_point() else (np.int64,)
        if value.shape != tensor.shape or value.dtype not in kinds:
            raise HeteroError(
                f"the array {name!r} must have the shape {tuple(tensor.shape)}, got {value.dtype} of {value.shape}",
                fix=_EQUAL,
            )
    precisions = sorted({str(found[name].dtype) for name, _ in network.named_parameters()})
    if len(precisions) > 1:
        raise HeteroError(f"the arrays must have one precision, got {' and '.join(precisions)}", fix=_EQUAL)
    for name, tensor in wanted.items():
        tensor.data = torch.tensor(found[name], device=tensor.device)


def described(network: nn.Module) -> list[tuple[str, str, str]]:
    """Name, kind and options of every layer: networks of one spec() that nobody has changed have equal ones."""
    return [(name, type(m).__name__, m.extra_repr()) for name, m in network.named_modules()]
