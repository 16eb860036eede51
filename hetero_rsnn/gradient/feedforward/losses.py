"""Losses of outputs in steps: of their mean, of each step, and how much a network's spikes keep their direction."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.consistency import SMALL as EPSILON
from hetero_rsnn.gradient.consistency import last_steps as end_of
from hetero_rsnn.gradient.decisions import TET_SHARE
from hetero_rsnn.gradient.feedforward.neurons import Kept


def cross_entropy_of_mean(outputs: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of the mean of outputs (steps, batch, classes), with classes `y` (batch,)."""
    return F.cross_entropy(outputs.mean(0), y)


def temporal_efficient(outputs: Tensor, y: Tensor, *, share: float = TET_SHARE) -> Tensor:
    """TET: the mean of the cross-entropies of all steps, and how far outputs are from 1.

    (1 - share) mean_t CE(o[t], y) + share MSE(o, 1)

    Parameters
    ----------
    outputs : Tensor, shape (steps, batch, classes)
    y : Tensor, shape (batch,)
    share : float
        From 0 to 1.

    References
    ----------
    S. Deng et al., "Temporal efficient training of spiking neural network via gradient re-weighting", ICLR 2022.

    Examples
    --------
    >>> import torch
    >>> round(temporal_efficient(torch.ones(4, 8, 2), torch.zeros(8, dtype=torch.long)).item(), 4)  # 0.999 log 2
    0.6925
    """
    if checks.real("share", share, least=0.0) > 1:
        raise HeteroError(f"share must be from 0 to 1, got {share:g}", fix="use 0.001")
    each = F.cross_entropy(outputs.flatten(0, 1), y.repeat(len(outputs)))
    return (1 - share) * each + share * F.mse_loss(outputs, torch.ones_like(outputs))


def last_steps(steps: int) -> int:
    """How many steps at the end the direction of `consistency` is taken from: max(1, int(0.3 steps)).

    With 3 steps or less the published rule gives 0, and its code then takes all; at least 1 is our choice.

    Raises
    ------
    HeteroError
        For less than 2 steps.

    Examples
    --------
    >>> [last_steps(t) for t in (2, 3, 4, 10)]
    [1, 1, 1, 3]
    """
    if steps < 2:
        raise HeteroError(f"RCS needs at least 2 steps, got {steps}", fix="use more steps, or train without it")
    return int(end_of(steps))


def consistency(kept: Sequence[Kept], outputs: Tensor, y: Tensor) -> Tensor:
    """RCS: how little the activity of the steps points where it points at the end; 1 is the least, less is better.

    In a layer r(t) = s(t) + relu(u(t) / threshold), with spikes s of 0 or 1 and the potential u after the reset. Its
    direction at the end is the mean of r over the last `last_steps` steps, taken as constant. The value of a layer is
    1 / (mean over t of cos(r(t), direction) + 1e-5), with 1e-5 added to the squared norms, for each sample. A sample
    counts if its decision, the class of the largest mean output so far, is right in each of those last steps; else its
    value is 0. The largest of all layers counts, and the mean over all samples is returned. A layer that does nothing
    in a sample has the value 1e5, and no gradient.

    Parameters
    ----------
    kept : sequence of Kept
        Of each layer of neurons, as `SpikingNetwork.traced` gives it.
    outputs : Tensor, shape (steps, batch, classes)
    y : Tensor, shape (batch,)

    Returns
    -------
    Tensor
        A number, with gradient.

    Raises
    ------
    HeteroError
        For less than 2 steps, or no layer.

    References
    ----------
    Y. Wu et al., "Optimising event-driven spiking neural network with regularisation and cutoff", arXiv:2301.09522.

    Examples
    --------
    >>> import torch
    >>> still = Kept(torch.ones(4, 1, 9), torch.zeros(4, 1, 9), 1.0)
    >>> round(consistency([still], torch.tensor([[[0.1, 0.2]]] * 4), torch.tensor([1])).item(), 4)
    1.0
    """
    last = last_steps(len(outputs))
    if not kept:
        raise HeteroError("RCS needs at least one layer of neurons, got none", fix="give a network hidden layers")
    with torch.no_grad():
        so_far = outputs.cumsum(0)[-last:]  # sums decide as means do
        right = (so_far.argmax(2) == y).all(0)
    values = []
    for layer in kept:
        r = (layer.spikes + F.relu(layer.potential / layer.threshold)).flatten(2)
        end = r[-last:].mean(0).detach()
        norms = torch.sqrt((r * r).sum(2) + EPSILON) * torch.sqrt((end * end).sum(1) + EPSILON)
        cosine = (r * end).sum(2) / norms
        values.append(1 / (cosine.mean(0) + EPSILON))
    return (torch.stack(values).amax(0) * right).mean()


def with_consistency(main: Tensor, kept: Sequence[Kept], outputs: Tensor, y: Tensor, *, alpha: float = 0.002) -> Tensor:
    """A loss plus `alpha` times the `consistency` of a network.

    Raises
    ------
    HeteroError
        If `alpha` is below 0; and as `consistency`.

    Examples
    --------
    >>> import torch
    >>> network_did = [Kept(torch.ones(4, 1, 9), torch.zeros(4, 1, 9), 1.0)]
    >>> outputs, y = torch.tensor([[[0.1, 0.2]]] * 4), torch.tensor([1])
    >>> round(with_consistency(torch.tensor(0.5), network_did, outputs, y, alpha=0.1).item(), 4)
    0.6
    """
    return main + checks.real("alpha", alpha, least=0.0, fix="use 0.002") * consistency(kept, outputs, y)


def spread(activations: Sequence[Tensor]) -> Tensor:
    """RCS of an ordinary network: the largest activation over their root mean square; less is better.

    For each sample and layer max(relu x) / sqrt(mean(relu(x)^2) + 1e-5) (the 1e-5, for layers that are silent, is our
    choice). The largest of all layers counts, and the mean over samples is returned.

    Parameters
    ----------
    activations : sequence of Tensor, shape (batch, ...)
        Of each layer.

    Raises
    ------
    HeteroError
        For no layer.

    References
    ----------
    Y. Wu et al., arXiv:2301.09522.

    Examples
    --------
    >>> import torch
    >>> round(spread([torch.tensor([[-3.0, 2.0, 0.0, 0.0]])]).item(), 3)  # 2 / sqrt(4 / 4)
    2.0
    """
    if not activations:
        raise HeteroError("RCS needs at least one layer, got none", fix="give the activations of hidden layers")
    values = []
    for x in activations:
        active = F.relu(x).flatten(1)
        values.append(active.amax(1) / torch.sqrt((active * active).mean(1) + EPSILON))
    return torch.stack(values).amax(0).mean()
