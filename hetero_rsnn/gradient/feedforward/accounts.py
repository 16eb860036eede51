"""Spikes of a network, and the operations that they cause."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hetero_rsnn.common.types import Array
from hetero_rsnn.gradient.feedforward.neurons import Kept, Neurons
from hetero_rsnn.measures.operations import Operations


@dataclass(frozen=True, eq=False)
class Account:
    """What happened in a network, by step and sample.

    A synaptic operation is one addition at one target of one spike. Averages over squares of pixels count as part of
    the connections after them, and a shortcut without weights as one target (our choice). An attention between spikes
    counts as connections, see `Attended`. Biases, normalisations,
    shortcuts between analog sums without weights, and the neurons themselves are not counted: they cost the same
    whatever the input.

    Attributes
    ----------
    layers : tuple of str
        Names of the layers of neurons.
    neurons : ndarray, shape (layers,)
        How many each has.
    spikes : ndarray, shape (layers, steps, samples)
    connections : tuple of str
        Names of the layers of connections.
    synaptic_operations : ndarray, shape (connections, steps, samples)
        Additions that spikes cause.
    multiply_accumulates : ndarray, shape (connections, steps, samples)
        Of an analog input: in the first step only if its sums are computed once and used again. Also of shortcuts
        between analog sums that have weights, in each step.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
    >>> account = SpikingMLP(64, 10, hidden=(32,)).account(torch.rand(5, 64))
    >>> account.spikes.shape, account.multiply_accumulates[0, :, 0].tolist()
    ((1, 4, 5), [2048, 0, 0, 0])
    >>> bool((account.synaptic_operations[1] == 10 * account.spikes[0]).all())
    True
    """

    layers: tuple[str, ...]
    neurons: Array
    spikes: Array
    connections: tuple[str, ...]
    synaptic_operations: Array
    multiply_accumulates: Array

    @property
    def rate(self) -> float:
        """Spikes of a neuron in a step, on average."""
        return float(self.spikes.sum() / (self.neurons.sum() * self.spikes.shape[1] * self.spikes.shape[2]))

    def sample(self, k: int) -> Account:
        """The account of sample `k` alone."""
        return _of_samples(self, lambda name: getattr(self, name)[:, :, k : k + 1])

    @property
    def operations(self) -> Operations:
        """The counts as `hetero_rsnn.energy` takes them, of all samples; one sample is one inference.

        All neurons are updated in all steps. There is no simulated time, and what full matrices would take is not
        known: `seconds` and `dense` are NaN. Normalisations count as folded into the weights, so as nothing.

        Examples
        --------
        >>> import torch, hetero_rsnn as hr
        >>> account = hr.SpikingMLP(64, 10, hidden=(32,)).account(torch.rand(5, 64))
        >>> one = account.operations.per_inference
        >>> one.input_products, one.membrane_updates  # 64 pixels to 32 neurons once, 4 steps of 32 neurons
        (2048.0, 128.0)
        >>> hr.energy(one).parts["inputs"]
        9.4208e-09
        """
        _, steps, samples = self.spikes.shape
        return Operations(
            spikes=float(self.spikes.sum()),
            synaptic=float(self.synaptic_operations.sum()),
            plastic=0.0,
            input_synaptic=0.0,
            input_products=float(self.multiply_accumulates.sum()),
            membrane_updates=float(self.neurons.sum()) * steps * samples,
            weight_updates=0.0,
            dense=math.nan,
            seconds=math.nan,
            inferences=float(samples),
        )


def counted(network: Any, first: nn.Module, spikes: bool, run: Callable[[], Sequence[Kept]]) -> Account:
    """The account of one run of a network, whose connections `first` take the input: spikes, or analog numbers."""
    names = {module: name for name, module in network.layers.named_modules()}
    additions: dict[str, Tensor] = {}
    products: dict[str, Tensor] = {}

    def see(layer: Any, given: tuple[Tensor, ...]) -> None:
        x, *_ = given
        analog = getattr(layer, "analog", False) or (layer is first and not spikes)
        if analog:
            total = torch.tensor(_products(layer, x.shape[2:]), dtype=torch.float64).expand(x.shape[:2])
        elif hasattr(layer, "additions"):
            total = layer.additions(*given)
        else:
            # Events may be counts; other spikes are 1, or of the height that neurons give them.
            total = _weighted(x if layer is first else x != 0, layer.fan_out(x.shape[2:]).to(x.device))
        found = torch.zeros(network.steps, x.shape[1], dtype=torch.float64)
        found[: len(x)] = total.cpu()
        (products if analog else additions)[names[layer]] = found

    watched = [m for m in network.layers.modules() if hasattr(m, "fan_out") or hasattr(m, "additions")]
    hooks = [m.register_forward_pre_hook(see) for m in watched]
    try:
        kept = run()
    finally:
        for hook in hooks:
            hook.remove()
    layers = tuple(names[m] for m in network.layers.modules() if isinstance(m, Neurons))
    connections = tuple(names[m] for m in watched if names[m] in additions or names[m] in products)
    nothing = torch.zeros(network.steps, kept[0].spikes.shape[1], dtype=torch.float64)

    def table(rows: Sequence[Tensor]) -> Array:
        return np.stack([row.cpu().numpy() for row in rows]).round().astype(np.int64)

    return Account(
        layers=layers,
        neurons=np.array([k.spikes[0, 0].numel() for k in kept]),
        spikes=table([k.spikes.flatten(2).sum(2, dtype=torch.float64) for k in kept]),
        connections=connections,
        synaptic_operations=table([additions.get(name, nothing) for name in connections]),
        multiply_accumulates=table([products.get(name, nothing) for name in connections]),
    )


def _products(layer: Any, shape: Sequence[int]) -> float:
    """How many products an analog input takes."""
    return float(layer.products(shape) if hasattr(layer, "products") else layer.fan_out(shape).sum())


def _weighted(spikes: Tensor, targets: Tensor) -> Tensor:
    """Sums of spikes (steps, batch, ...) times their numbers of targets, (steps, batch); exact for whole numbers."""
    flat, weight = spikes.flatten(2), targets.flatten()
    if spikes.dtype != torch.bool or not torch.equal(weight, weight.round()):
        return flat.double() @ weight
    # In single precision, which is faster, by pieces whose sums it can hold.
    size = max(1, int(2**24 // max(1.0, float(weight.max()))))
    pairs = zip(torch.split(flat, size, dim=2), torch.split(weight.float(), size), strict=True)
    return torch.stack([(part.float() @ w).double() for part, w in pairs]).sum(0)


def joined(accounts: Sequence[Account]) -> Account:
    """Accounts of the same network for several batches of samples, as one."""
    return _of_samples(accounts[0], lambda name: np.concatenate([getattr(a, name) for a in accounts], axis=2))


def _of_samples(account: Account, part: Callable[[str], Array]) -> Account:
    """The same with other samples: `part` gives each of its arrays."""
    return replace(
        account,
        spikes=part("spikes"),
        synaptic_operations=part("synaptic_operations"),
        multiply_accumulates=part("multiply_accumulates"),
    )
