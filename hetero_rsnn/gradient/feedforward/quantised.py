"""An activation of a few levels, which integrate-and-fire neurons reproduce."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError


class _Floor(torch.autograd.Function):
    """The floor, of which the derivative counts as 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.floor()

    @staticmethod
    def backward(ctx: Any, into: Tensor) -> Tensor:
        return into


_floor: Callable[[Tensor], Tensor] = _Floor.apply


class QCFS(nn.Module):
    """Quantised, clipped activation: theta floor(L clip(x / theta, 0, 1) + 1/2) / L.

    An integrate-and-fire neuron with threshold theta that starts at theta / 2 emits that many spikes in L steps of the
    same input (see `convert`). The floor counts as the identity on the way back, so that the gradient is the one of the
    clip: with respect to x it is 1 from 0 to theta, and 0 beyond; with respect to theta it is (a(x) - x) / theta from 0
    to theta, 1 above, and 0 below.

    Parameters
    ----------
    levels : int
        L, at least 1: levels above 0.
    theta : float
        The largest activation, above 0, at first. It is a parameter, one for all units of the layer. Nothing holds it
        above 0 while it is trained; `convert` refuses it where it is not.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    References
    ----------
    T. Bu, W. Fang, J. Ding, P. Dai, Z. Yu, T. Huang, "Optimal ANN-SNN conversion for high-accuracy and
    ultra-low-latency spiking neural networks", ICLR 2022, arXiv:2303.04347.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.quantised import QCFS
    >>> QCFS(levels=4, theta=8.0)(torch.tensor([-1.0, 0.9, 1.0, 5.5, 9.0])).tolist()
    [0.0, 0.0, 2.0, 6.0, 8.0]
    """

    def __init__(self, levels: int = 4, theta: float = 8.0) -> None:
        super().__init__()
        self.levels = checks.whole("levels", levels, least=1)
        self.theta = nn.Parameter(torch.tensor(checks.real("theta", theta, above=0.0)))

    def extra_repr(self) -> str:
        return f"levels={self.levels}, theta={self.theta.item():g}"

    def forward(self, x: Tensor) -> Tensor:
        """Activations, of the shape of the input.

        Raises
        ------
        HeteroError
            If the input is no tensor of floating point numbers.
        """
        if not isinstance(x, Tensor) or not x.is_floating_point():
            got = str(x.dtype) if isinstance(x, Tensor) else type(x).__name__
            raise HeteroError(f"the input must be a tensor of floating point numbers, got {got}", fix="use x.float()")
        share = (x / self.theta).clamp(0.0, 1.0)
        out: Tensor = self.theta * (_floor(self.levels * share + 0.5) / self.levels)
        return out
