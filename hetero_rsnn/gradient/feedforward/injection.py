"""Noise in the potentials of neurons while a network is trained: besides what membranes carry, or in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.gradient.feedforward.layers import torch_generator
from hetero_rsnn.gradient.feedforward.neurons import Neurons, Noise, with_noise
from hetero_rsnn.gradient.feedforward.self_ensemble import neurons_of, record_membranes
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork

#: What noise is drawn from that is no number: what membranes carry for the same images, see `record_membranes`.
RECORDED = "recorded"
#: Whether membranes carry potentials from step to step while training.
MEMBRANES = ("carried", "replaced")


def check_noise(noise: Any, membranes: Any) -> bool:
    """Whether there is something to do with these options of a training.

    Raises
    ------
    HeteroError
        If one breaks its rule.
    """
    if isinstance(noise, str):
        checks.one_of("noise", noise, (RECORDED,))
    else:
        checks.real("noise", noise, least=0.0)
    return checks.one_of("membranes", membranes, MEMBRANES) != "carried" or noise != 0


def check_network(network: nn.Module, noise: float | str) -> None:
    """Refuse a network that cannot get noise.

    Raises
    ------
    HeteroError
        If it has no spiking neurons, or its membranes cannot be recorded.
    """
    name = type(network).__name__
    if not any(isinstance(layer, Neurons) for layer in network.modules()):
        raise HeteroError(f"noise and membranes are for networks of spiking neurons, got {name}", fix="leave them away")
    if noise == RECORDED and not isinstance(network, SpikingNetwork):
        raise HeteroError(f"noise='recorded' needs a SpikingNetwork, got {name}", fix="give noise as a number")


@contextmanager
def injected(network: Any, x: Tensor, noise: float | str, *, forgets: bool, seed: int, batch: int) -> Iterator[None]:
    """Inside, each layer of neurons gets its noise; another one in each batch, from the package's own generators.

    Parameters
    ----------
    network : torch.nn.Module
        In training.
    x : Tensor
        What it will be shown.
    noise : float or "recorded"
        A standard deviation over the threshold, of a normal distribution; or what its membranes carry, in evaluation,
        of a neuron in a step for another sample.
    forgets : bool
        Whether the noise stands in place of what membranes carry.
    seed, batch : int
        Of the training, and which batch of it.
    """
    if noise == RECORDED:
        layers = list(neurons_of(network).values())
        network.eval()
        found = record_membranes(network, x)
        network.train()
        drawn = found.independent(int(generator(seed, "noise", "training", batch).integers(2**63)))
        draws = [_known(value) for value in drawn.values]
    else:
        layers = [layer for layer in network.modules() if isinstance(layer, Neurons)]
        draws = [_normal(float(noise), seed, index, batch) for index in range(len(layers))]
    with with_noise(layers, draws, forgets=forgets):
        yield


def _known(value: Tensor) -> Noise:
    return lambda layer, x: value


def _normal(sd: float, seed: int, index: int, batch: int) -> Noise:
    def noise(layer: Neurons, x: Tensor) -> Tensor:
        draw = torch_generator(seed, "noise", "training", index, batch)
        return torch.randn(x.shape, generator=draw, dtype=x.dtype).to(x.device) * (sd * layer.relative(x))

    return noise
