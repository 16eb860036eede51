"""Actors in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.actor_settings import ActorSettings

if TYPE_CHECKING:
    from hetero_rsnn.control.relu_actor import Actor

ENGINES = ("scan", "loop")


def build_actor(
    settings: ActorSettings, observations: int, actions: int, limits: Any, seed: int = 0, *, engine: str = "scan"
) -> Actor:
    """An actor with the first weights of a seed, as a module of torch.

    Parameters
    ----------
    settings : ActorSettings
    observations, actions : int
        How many numbers go in and out.
    limits : (low, high)
        Of the actions: two numbers, or two arrays of shape (actions,).
    seed : int
    engine : {"scan", "loop"}
        Compiled passes over the steps of a layer, with their exact adjoint, or a plain loop of torch. Both give the
        same, to rounding.

    Returns
    -------
    torch.nn.Module
        ``actor(x)`` takes normalised observations (batch, observations) and returns actions (batch, actions) within the
        limits. ``actor.spikes`` are the mean spikes of an inference in the last call, ``actor.arrays()`` what acting
        without torch needs. In single precision unless torch is set otherwise; ``actor.double()`` changes that.

    Raises
    ------
    HeteroError
        If an argument breaks its rule, or torch is missing (extra ``rl``).

    Examples
    --------
    >>> import torch
    >>> actor = build_actor(ActorSettings(hidden=(32,)), 3, 1, (-2.0, 2.0), seed=4)
    >>> actor(torch.zeros(5, 3)).shape
    torch.Size([5, 1])
    """
    need("torch", "rl", "an actor")
    from hetero_rsnn.control.relu_actor import ReluActor
    from hetero_rsnn.control.spiking_actor import SpikingActor

    if not isinstance(settings, ActorSettings):
        raise HeteroError(f"settings must be ActorSettings, got {type(settings).__name__}", fix="write ActorSettings()")
    checks.one_of("engine", engine, ENGINES)
    observations = checks.whole("observations", observations, least=1)
    low, high = check_limits(limits, checks.whole("actions", actions, least=1))
    seed = checks.whole("seed", seed, least=0)
    if not settings.is_spiking:
        return ReluActor(settings, observations, low, high, seed)
    return SpikingActor(settings, observations, low, high, seed, engine)


def check_limits(limits: Any, actions: int) -> tuple[Array, Array]:
    """Lowest and highest actions, shape (actions,) each.

    Raises
    ------
    HeteroError
        If they are not two, not finite, of another shape, or one is not below the other.
    """
    if not isinstance(limits, list | tuple) or len(limits) != 2:
        raise HeteroError(f"limits must be two, (low, high), got {limits!r:.80}", fix="give the ends of the actions")
    out = []
    for name, value in zip(("low", "high"), limits, strict=True):
        array = checks.finite_array(f"limits ({name})", value, (0, 1))
        if array.shape not in ((), (1,), (actions,)):
            raise HeteroError(f"limits must have {actions} numbers, got {array.size}", fix="give one for each action")
        out.append(array * 1.0 + [0.0] * actions)
    if not (out[0] < out[1]).all():
        k = int((out[0] >= out[1]).argmax())
        raise HeteroError(f"limits must rise, got {out[0][k]:g} and {out[1][k]:g} of action {k}", fix="swap them")
    return out[0], out[1]
