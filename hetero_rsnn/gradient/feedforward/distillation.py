"""Learning from the answers of another network, the teacher."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.running import is_network, outputs_of

#: Labels and teacher together, or the teacher's probabilities in place of labels.
DISTILLATIONS = ("mixed", "pure")
#: Of the teacher in the mixed loss, and by what all scores are divided there.
SHARE, TEMPERATURE = 0.5, 2.0


def mixed(
    labelled: Tensor, scores: Tensor, taught: Tensor, *, share: float = SHARE, temperature: float = TEMPERATURE
) -> Tensor:
    """A loss of labels and how far scores are from a teacher's, together.

    (1 - share) labelled + share temperature^2 KL(softmax(taught / temperature) || softmax(scores / temperature)), the
    mean over samples. The square keeps the gradient's size at all temperatures.

    Parameters
    ----------
    labelled : Tensor
        The loss of labels, a number.
    scores, taught : Tensor, shape (batch, classes)
        Of the network, and of its teacher.
    share : float
        From 0 to 1.
    temperature : float
        Above 0.

    Raises
    ------
    HeteroError
        If `share` or `temperature` is out of its range.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", arXiv:1503.02531.

    Examples
    --------
    >>> import torch
    >>> same = torch.tensor([[1.0, 2.0]])
    >>> mixed(torch.tensor(0.8), same, same).item()  # nothing is left to learn from the teacher
    0.4000000059604645
    """
    if checks.real("share", share, least=0.0) > 1:
        raise HeteroError(f"share must be from 0 to 1, got {share:g}", fix="use 0.5")
    tau = checks.real("temperature", temperature, above=0.0)
    distance = F.kl_div(
        F.log_softmax(scores / tau, 1), F.log_softmax(taught / tau, 1), reduction="batchmean", log_target=True
    )
    return (1 - share) * labelled + share * tau**2 * distance


def pure(scores: Tensor, taught: Tensor) -> Tensor:
    """Cross-entropy of scores with a teacher's probabilities, the mean over samples.

    Parameters
    ----------
    scores, taught : Tensor, shape (batch, classes)

    Examples
    --------
    >>> import torch
    >>> round(pure(torch.zeros(3, 2), torch.rand(3, 2)).item(), 4)  # log 2, whatever the teacher says
    0.6931
    """
    return F.cross_entropy(scores, F.softmax(taught, 1))


class Teacher:
    """A network whose answers are learned: a copy in evaluation, without gradient.

    Parameters
    ----------
    network : torch.nn.Module
        It answers (samples, classes), or (steps, samples, classes), of which the mean is taken. Not changed.
    images : ndarray
        Some that it must be able to take.
    device : torch.device
    classes : int
        How many it must know.

    Raises
    ------
    HeteroError
        If it is no network, cannot take the images, or knows another number of classes.

    Examples
    --------
    >>> import numpy as np, torch
    >>> teacher = Teacher(torch.nn.Linear(4, 3), np.zeros((5, 4), np.float32), torch.device("cpu"), 3)
    >>> teacher(torch.rand(2, 4)).shape
    torch.Size([2, 3])
    """

    def __init__(self, network: Any, images: NDArray[Any], device: torch.device, classes: int) -> None:
        if not is_network(network):
            raise HeteroError(
                f"teacher must be a torch.nn.Module, got {network!r:.80}", fix="give a network, not its class"
            )
        self.network: nn.Module = copy.deepcopy(network).to(device).eval().requires_grad_(False)
        try:
            _, found = outputs_of(self.network, images, device)
        except HeteroError as error:
            raise HeteroError(f"the teacher does not fit: {error}") from None
        if found != classes:
            raise HeteroError(
                f"the teacher knows {found} classes, the network {classes}", fix="give a teacher of the same classes"
            )

    def __call__(self, x: Tensor) -> Tensor:
        """Scores, shape (batch, classes)."""
        with torch.no_grad():
            out: Tensor = self.network(x)
            return out.mean(0) if out.dim() == 3 else out
