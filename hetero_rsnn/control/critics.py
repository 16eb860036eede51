"""Two critics at once: how good actions are, by two networks that begin apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from hetero_rsnn.common.randomness import generator


class TwinCritics(nn.Module):
    """Two ordinary networks of the same shape, whose layers are one batched product each.

    Parameters
    ----------
    inputs : int
        Normalised observations and actions, which are in units of their half range.
    hidden : sequence of int
    seed : int
        Of the first weights, uniform within ±1 / sqrt(inputs of the layer).

    Examples
    --------
    >>> critics = TwinCritics(4, (32, 32), seed=1)
    >>> critics(torch.zeros(5, 4)).shape, critics.first(torch.zeros(5, 4)).shape
    (torch.Size([2, 5]), torch.Size([5]))
    """

    def __init__(self, inputs: int, hidden: Sequence[int], seed: int) -> None:
        super().__init__()
        sizes = [inputs, *hidden, 1]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for k, (m, n) in enumerate(pairwise(sizes)):
            for which, shape, into in (("weight", (2, m, n), self.weights), ("bias", (2, 1, n), self.biases)):
                limit = 1 / np.sqrt(m)
                value = generator(seed, "weights", "critics", which, k).uniform(-limit, limit, shape)
                into.append(nn.Parameter(torch.tensor(value, dtype=torch.float32)))

    def forward(self, x: Tensor) -> Tensor:
        """Values (2, batch) by both, of observations with actions (batch, inputs)."""
        last = len(self.weights) - 1
        x = x.expand(2, *x.shape)
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if k < last:
                x = x.relu_()
        return x.squeeze(-1)

    def first(self, x: Tensor) -> Tensor:
        """Values (batch,) by the first alone, whose own weights get no gradient."""
        last = len(self.weights) - 1
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.addmm(bias[0].detach(), x, weight[0].detach())
            if k < last:
                x = x.relu_()
        return x.squeeze(-1)
