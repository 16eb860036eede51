"""How large the noise is that membranes bring into the steps of a network, and how independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.self_ensemble import neurons_of, record_membranes
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork


@dataclass(frozen=True)
class LayerNoise:
    """What the membranes of a layer carry, over its threshold: in all steps but the first, where nothing has come yet.

    Attributes
    ----------
    layer : str
    neurons : int
    mean : float
    sd : float
        Standard deviation over steps, samples and neurons.
    around : float
        Root mean square distance from the neuron's own mean in the step, over samples: what remains where a network
        has learned the means.
    zeros : float
        Share of values that are 0, as after each spike with a hard reset.
    over_steps : float
        Correlation over samples of a neuron's value with that in the next step, the mean over neurons and steps; NaN
        of fewer than 3 steps.
    between : float
        Squared correlation over samples of two neurons in a step, the mean over pairs and steps, less the
        1 / (samples - 1) that independent neurons have; NaN of fewer than two neurons.
    """

    layer: str
    neurons: int
    mean: float
    sd: float
    around: float
    zeros: float
    over_steps: float
    between: float


def membrane_noise(network: SpikingNetwork, x: Tensor) -> tuple[LayerNoise, ...]:
    """How large the noise is that membranes bring into the steps of a network, and how independent, layer by layer.

    See `record_membranes` for why it is a noise. Correlations leave out neurons whose value is the same in all samples.

    Parameters
    ----------
    network : SpikingNetwork
        In evaluation, of two steps or more.
    x : Tensor
        As the network takes it, two samples or more.

    Raises
    ------
    HeteroError
        If there are fewer steps or samples; and as `record_membranes`.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
    >>> first, second = membrane_noise(SpikingMLP(64, 10, hidden=(32, 16)).eval(), torch.rand(50, 64))
    >>> first.neurons, second.neurons, 0 < first.sd < 1
    (32, 16, True)
    """
    layers = neurons_of(network)
    found = record_membranes(network, x)
    steps, samples = found.outputs.shape[:2]
    for name, count in (("steps", steps), ("samples", samples)):
        if count < 2:
            raise HeteroError(f"the noise of membranes needs 2 {name} or more, got {count}", fix=f"give more {name}")
    rows = []
    for (name, layer), value in zip(layers.items(), found.values, strict=True):
        relative = (value / layer.relative(value))[1:].flatten(2).double()
        rows.append(LayerNoise(name, relative.shape[2], **_statistics(relative)))
    return tuple(rows)


def _statistics(values: Tensor) -> dict[str, Any]:
    """Of values (steps, samples, neurons)."""
    samples = values.shape[1]
    centred = values - values.mean(dim=1, keepdim=True)
    size = centred.square().sum(dim=1, keepdim=True).sqrt()
    # What rounding leaves of equal values is no variation.
    varies = size > 1e-6 * values.abs().amax(dim=1, keepdim=True) * samples**0.5
    unit = torch.where(varies, centred / size, 0.0)
    pairs = (varies[1:] & varies[:-1]).sum()
    after = (unit[1:] * unit[:-1]).sum() / pairs
    # The squared correlations of all pairs: of neurons in the rows of a matrix, or of samples, whose matrix is smaller.
    among = torch.stack([(one @ one.T).square().sum() for one in unit])
    count = varies.sum(dim=(1, 2))
    together = ((among - count) / (count * (count - 1)))[count > 1]
    return {
        "mean": values.mean().item(),
        "sd": values.std(correction=0).item(),
        "around": centred.square().mean().sqrt().item(),
        "zeros": (values == 0).double().mean().item(),
        "over_steps": after.item(),
        "between": (together.mean() - 1 / (samples - 1)).item(),
    }
