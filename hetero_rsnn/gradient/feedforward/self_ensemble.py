"""A spiking network over T steps as T networks of binary activations: what its membranes carry is their noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.layers import torch_generator
from hetero_rsnn.gradient.feedforward.neurons import Neurons, Noise
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork

#: Over what recorded values are mixed.
OVER = ("samples", "steps", "both")
#: What independent noise is drawn from: the values themselves, or a normal distribution.
LAWS = ("recorded", "gaussian")


@dataclass(frozen=True, eq=False)
class Membranes:
    """What the membranes of a network carried into each of its steps, and what it answered; see `record_membranes`.

    Attributes
    ----------
    layers : tuple of str
        Names of the layers of neurons.
    values : tuple of Tensor, shape (steps, batch, ...)
        Of each layer: the leak times the potential after the step before; in the first step times the potential with
        which the neurons begin.
    outputs : Tensor, shape (steps, batch, classes)
    """

    layers: tuple[str, ...]
    values: tuple[Tensor, ...]
    outputs: Tensor

    def independent(self, seed: int, *, over: str = "samples", law: str = "recorded") -> Membranes:
        """The same law for each neuron, without its dependence on samples, steps, layers and other neurons.

        Parameters
        ----------
        seed : int
        over : {"samples", "steps", "both"}
            The law of a neuron is that of its values over samples, one law a step; over steps, one law a sample; or
            over both.
        law : {"recorded", "gaussian"}
            Each neuron's values in a random order, or a normal distribution of their mean and variance.

        Returns
        -------
        Membranes
            With the outputs as they were recorded.

        Raises
        ------
        HeteroError
            If an argument breaks its rule.

        Examples
        --------
        >>> import torch
        >>> from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
        >>> found = record_membranes(SpikingMLP(8, 3, hidden=(6,)).eval(), torch.rand(5, 8))
        >>> mixed = found.independent(seed=0).values[0]
        >>> torch.equal(mixed.sort(dim=1).values, found.values[0].sort(dim=1).values)
        True
        """
        checks.whole("seed", seed, least=0)
        checks.one_of("over", over, OVER)
        checks.one_of("law", law, LAWS)
        draw = _mixed if law == "recorded" else _gaussian
        values = []
        for name, value in zip(self.layers, self.values, strict=True):
            generator = torch_generator(seed, "noise", "membranes", law, name)
            # The axis of samples or of steps comes first; of both, there is one axis for the two.
            turned = value.flatten(0, 1) if over == "both" else value.transpose(0, 1) if over == "samples" else value
            drawn = draw(turned, generator)
            values.append(drawn.transpose(0, 1) if over == "samples" else drawn.reshape(value.shape))
        return replace(self, values=tuple(values))


def _mixed(values: Tensor, draw: torch.Generator) -> Tensor:
    """Along the first axis in a random order, another one at each place of the others."""
    order = torch.rand(values.shape, generator=draw).argsort(dim=0)
    return values.gather(0, order.to(values.device))


def _gaussian(values: Tensor, draw: torch.Generator) -> Tensor:
    """Normal, with mean and variance of the values along the first axis."""
    normal = torch.randn(values.shape, generator=draw, dtype=values.dtype).to(values.device)
    return values.mean(dim=0) + values.std(dim=0, correction=0) * normal


def neurons_of(network: Any) -> dict[str, Neurons]:
    """The layers of neurons of a network, by name.

    Raises
    ------
    HeteroError
        If it is no spiking network.
    """
    if not isinstance(network, SpikingNetwork):
        raise HeteroError(
            f"membranes are those of a SpikingNetwork, got {type(network).__name__}", fix="give a spiking network"
        )
    return {name: m for name, m in network.layers.named_modules() if isinstance(m, Neurons)}


def record_membranes(network: SpikingNetwork, x: Tensor) -> Membranes:
    """What the membranes of a network carry from step to step while it runs step by step, without gradient.

    A layer of neurons fires in step t where W s[t] + e[t] is above the threshold: s[t] are the spikes of the layer
    before, and e[t] = leak u[t - 1] is what its membranes carry. Without e the network would be one of binary
    activations, the same in every step. So a spiking network over T steps is T networks of binary activations with
    noise, whose answers are averaged: an ensemble of the network with itself. `replay_membranes` runs these.

    Parameters
    ----------
    network : SpikingNetwork
        In evaluation.
    x : Tensor
        As the network takes it.

    Returns
    -------
    Membranes

    Raises
    ------
    HeteroError
        If the network is in training, or none with steps; and as the network for its input.

    References
    ----------
    Q. Meng et al., arXiv:2508.12609.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
    >>> network, x = SpikingMLP(8, 3, hidden=(6, 4), leak=(0.3, 0.9)).eval(), torch.rand(5, 8)
    >>> found = record_membranes(network, x)
    >>> [tuple(value.shape) for value in found.values]  # steps, samples, neurons
    [(4, 5, 6), (4, 5, 4)]
    >>> torch.equal(replay_membranes(network, x, found, order=[2, 0, 3, 1]), found.outputs)
    True
    """
    layers = neurons_of(network)
    run = network.steps_of(x)  # which may try the input on the layers, unseen
    found: dict[str, list[Tensor]] = {name: [] for name in layers}

    def watch(name: str) -> Callable[[Any, tuple[Tensor, ...]], None]:
        return lambda layer, given: found[name].append(layer.carried(given[0])[None])

    hooks = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers.items()]
    try:
        with torch.no_grad():
            outputs = torch.stack(list(run))
    finally:
        for hook in hooks:
            hook.remove()
    return Membranes(tuple(layers), tuple(torch.cat(found[name]) for name in layers), outputs)


def replay_membranes(
    network: SpikingNetwork, x: Tensor, membranes: Membranes, order: Sequence[int] | None = None
) -> Tensor:
    """Outputs of T networks of binary activations, each run alone, with given noise in place of membranes.

    With what `record_membranes` has found of the same input they are those of the spiking network that runs step by
    step, bit for bit and in any order. With noise of the same law that is independent of the input
    (`Membranes.independent`) they show what depends on the memory, and what on the noise.

    Parameters
    ----------
    network : SpikingNetwork
        In evaluation.
    x : Tensor
        As the network takes it.
    membranes : Membranes
        Of each layer, step, sample and neuron: what is added to its potential.
    order : sequence of int, optional
        In which order the steps are run, each once.

    Returns
    -------
    Tensor, shape (steps, batch, classes)
        Without gradient.

    Raises
    ------
    HeteroError
        If the network is in training, or none with steps; if the noise or the order does not fit; and as the network
        for its input.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
    >>> network, x = SpikingMLP(8, 3, hidden=(6,), reset="soft").eval(), torch.rand(50, 8)
    >>> found = record_membranes(network, x)
    >>> outputs = replay_membranes(network, x, found.independent(seed=0))
    >>> torch.equal(outputs[0], found.outputs[0]), torch.equal(outputs[1], found.outputs[1])  # at first they are empty
    (True, False)
    """
    layers = neurons_of(network)
    _check(layers, network.steps, membranes)
    given: Any = range(network.steps) if order is None else order
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise HeteroError(f"order must be a list of steps, got {given!r:.60}", fix="name each step once")
    turns = [checks.whole("a step of order", n, least=0) for n in given]
    if sorted(turns) != list(range(network.steps)):
        raise HeteroError(f"order must name each step from 0 to {network.steps - 1} once, got {turns}", fix="change it")
    found: dict[int, Tensor] = {}
    with torch.no_grad():
        for step in turns:
            noise = [_fixed(name, value[step]) for name, value in zip(layers, membranes.values, strict=True)]
            found[step] = network.alone(x, step, noise)
    return torch.stack([found[step] for step in range(network.steps)])


def _check(layers: dict[str, Neurons], steps: int, membranes: Any) -> None:
    if not isinstance(membranes, Membranes):
        raise HeteroError(
            f"membranes must be what record_membranes gives, got {type(membranes).__name__}", fix="record them first"
        )
    if membranes.layers != tuple(layers) or len(membranes.values) != len(layers):
        raise HeteroError(
            f"membranes must be those of the layers {', '.join(layers)}, got {', '.join(membranes.layers)}",
            fix="record them of this network",
        )
    for name, value in zip(layers, membranes.values, strict=True):
        if len(value) != steps:
            raise HeteroError(
                f"membranes of layer {name} must be of {steps} steps, got {len(value)}",
                fix="record them of this network",
            )


def _fixed(name: str, value: Tensor) -> Noise:
    """Noise that is known, of one step."""

    def noise(layer: Neurons, x: Tensor) -> Tensor:
        if value.shape != x.shape[1:]:
            raise HeteroError(
                f"membranes of layer {name} must have the shape {tuple(x.shape[1:])} in a step, got "
                f"{tuple(value.shape)}",
                fix="record them of this network and this input",
            )
        return value

    return noise
