"""From one observation to one action, event by event, without torch."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.extras import compiled
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.actor_arrays import ActorArrays


class Acting:
    """An actor that acts: one observation in, one action out, in double precision.

    Parameters
    ----------
    actor : ActorArrays
        Checked; as ``actor.arrays()`` of a torch module gives them.
    random : numpy.random.Generator, optional
        What an encoder that draws takes its numbers from.
    mean, sd : ndarray, shape (observations,), optional
        Of the observations; without them these are taken as they are.
    clip : float
        Bound of what is left of an observation, in standard deviations.

    Attributes
    ----------
    layer_spikes : ndarray of int, shape (layers + 1,)
        Spikes of the last action: of the encoder, the hidden layers, the output neurons.
    """

    def __init__(
        self,
        actor: ActorArrays,
        random: np.random.Generator | None = None,
        *,
        mean: Array | None = None,
        sd: Array | None = None,
        clip: float = np.inf,
    ) -> None:
        self.random = random
        self._kernel, self._draws = _kernel(), actor.settings.is_spiking and actor.settings.encoder == "bernoulli"
        sizes, settings = actor.sizes, actor.settings
        self._sizes = np.array(sizes)
        work = 2 * sizes[0] + 5 * sum(sizes[1:]) if settings.is_spiking else 2 * max(sizes)
        self._work, self._fired = np.zeros(work), np.zeros((2, max(sizes) + 1), np.int64)
        self._nothing, self._action = np.zeros((0, 0)), np.zeros(actor.actions)
        self.layer_spikes = np.zeros(len(sizes), np.int64)
        signs = {"lif": 0.0, "dynamic": 1.0 if settings.dynamics_sign == "grow" else -1.0}
        self._plan = (settings.population, settings.steps, signs.get(settings.kind, 0.0))
        self.normalise(np.zeros(actor.observations) if mean is None else mean, sd, clip)
        self.refresh(actor)

    def refresh(self, actor: ActorArrays) -> None:
        """Take over the numbers of an actor of the same settings, such as after a step of training."""
        self._spiking, (self._weights, self._values) = actor.settings.is_spiking, packed(actor)

    def normalise(self, mean: Array, sd: Array | None, clip: float) -> None:
        """Take over other statistics of the observations."""
        self._normal = np.concatenate([mean, np.ones(len(mean)) if sd is None else sd, [clip]])

    @property
    def spikes(self) -> int:
        """Spikes of the last action; 0 without spikes."""
        return int(self.layer_spikes.sum())

    def __call__(self, observation: Array) -> Array:
        """An action, shape (actions,), for an observation, shape (observations,)."""
        if not self._spiking:
            self._kernel.act_relu(
                observation, self._normal, self._sizes, self._weights, self._values, self._work, self._action
            )
            return self._action.copy()
        drawn = self._nothing
        if self._draws and self.random is not None:
            drawn = self.random.random((self._plan[1], int(self._sizes[0])))
        self._kernel.act_spiking(
            observation, self._normal, self._sizes, *self._plan, self._weights, self._values, drawn, self._work,
            self._fired, self.layer_spikes, self._action,
        )  # fmt: skip
        return self._action.copy()


def packed(actor: ActorArrays) -> tuple[NDArray[Any], Array]:
    """All weights between neurons of an actor, and all other numbers, in the order in which the kernel takes them.

    Weights of an actor that was trained in single precision are kept so, without loss, for there is less to read.
    """
    arrays, layers, spiking = actor.arrays, len(actor.sizes) - 1, actor.settings.is_spiking
    weights = np.concatenate([arrays[f"{k}.weight"].ravel() for k in range(layers)])
    with np.errstate(over="ignore"):
        single = weights.astype(np.float32)
    parts = [arrays["encoder.mean"], arrays["encoder.sd"]] if spiking else []
    for k in range(layers):
        parts.append(arrays[f"{k}.bias"])
        if spiking:
            decay = arrays[f"{k}.current_decay"]
            parts += [decay, arrays.get(f"{k}.voltage_decay", decay)]  # dynamic neurons have none, and use none
    parts += [arrays["decoder.weight"], arrays["decoder.bias"]] if spiking else []
    others = np.concatenate([part.ravel() for part in (*parts, arrays["centre"], arrays["reach"])])
    return (single if np.array_equal(single, weights) else weights), others


@cache
def _kernel() -> Any:
    return compiled("hetero_rsnn.control.acting_kernel", "acting", "")
