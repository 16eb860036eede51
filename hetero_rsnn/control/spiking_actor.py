"""An actor of spiking neurons."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.control.actor_settings import ActorSettings
from hetero_rsnn.control.encoder import PopulationDecoder, PopulationEncoder
from hetero_rsnn.control.layers import SpikingLayer
from hetero_rsnn.control.relu_actor import Actor, plain


class SpikingActor(Actor):
    """Encoder, layers of spiking neurons, decoder; the last layer are the populations that decide."""

    def __init__(
        self, settings: ActorSettings, observations: int, low: Array, high: Array, seed: int, engine: str
    ) -> None:
        super().__init__(settings, observations, low, high, seed)
        wide = settings.population
        sizes = [observations * wide, *settings.hidden, self.actions * wide]
        self.encoder = PopulationEncoder(settings, observations, seed, engine)
        self.layers = nn.ModuleList(
            SpikingLayer(settings, m, n, seed, k, engine) for k, (m, n) in enumerate(pairwise(sizes))
        )
        self.decoder = PopulationDecoder(self.actions, wide, seed)

    def drive(self, x: Tensor) -> Tensor:
        spikes = self.encoder(x)
        counts = [_count(spikes)]
        for layer in self.layers:
            spikes = layer(spikes, counts[-1])
            counts.append(_count(spikes))
        self.layer_spikes = tuple(count / max(len(x), 1) for count in counts)
        out: Tensor = self.decoder(spikes)
        return out

    def learned(self) -> dict[str, Array]:
        out: dict[str, Array] = {}
        parts: list[Any] = list(self.layers)
        for k, layer in enumerate(parts):
            out |= {f"{k}.weight": plain(layer.weight), f"{k}.bias": plain(layer.bias)}
            out |= {f"{k}.{name}": plain(layer.decay(name)) for name in layer.decaying}
        out |= {"encoder.mean": plain(self.encoder.mean), "encoder.sd": plain(self.encoder.sd)}
        return out | {"decoder.weight": plain(self.decoder.weight), "decoder.bias": plain(self.decoder.bias)}

    @property
    def random_state(self) -> dict[str, Any] | None:
        random = self.encoder.random
        return None if random is None else dict(random.bit_generator.state)

    @random_state.setter
    def random_state(self, state: dict[str, Any] | None) -> None:
        random = self.encoder.random
        if (state is None) != (random is None):
            raise HeteroError(
                f"an actor whose encoder is {self.settings.encoder} has {'no' if random is None else 'a'} random state",
                fix="give what an equal actor had",
            )
        if random is not None and state is not None:
            random.bit_generator.state = state


def _count(spikes: Tensor) -> int:
    spikes = spikes.detach()  # a sum is faster, and exact while single precision holds its whole numbers
    return int(spikes.sum() if spikes.numel() < 2**24 else spikes.count_nonzero())
