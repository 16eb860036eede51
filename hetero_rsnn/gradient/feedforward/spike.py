"""A step function of torch whose derivative is a pseudo-derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative

#: What a potential does that is exactly the threshold: nothing, or fire.
TIES = ("quiet", "fire")


def slope(bump: PseudoDerivative, x: Tensor, out: Tensor | None = None) -> Tensor:
    """A pseudo-derivative at the distances `x` from the threshold, of the shape of `x`; without gradient."""
    with torch.no_grad():
        p, a = bump.parameters, torch.abs(x, out=out)
        if bump.shape == "rectangle" or (bump.shape == "trapezoid" and p["inner"] == p["outer"]):
            width = p.get("width", p.get("outer", 0.0))
            return torch.le(a, width, out=a).mul_(1 / (2 * width))
        if bump.shape == "triangle":
            return a.mul_(-1 / p["width"] ** 2).add_(1 / p["width"]).clamp_(min=0)
        if bump.shape == "trapezoid":
            steep, height = 1 / (p["outer"] ** 2 - p["inner"] ** 2), 1 / (p["inner"] + p["outer"])
            return a.mul_(-steep).add_(p["outer"] * steep).clamp_(0, height)
        if bump.shape == "fast_sigmoid":
            return a.mul_(p["slope"]).add_(1).square_().reciprocal_().mul_(p["slope"] / 2)
        if bump.shape == "arctangent":
            return a.mul_(p["slope"]).square_().add_(1).reciprocal_().mul_(p["slope"] / math.pi)
        return a.square_().mul_(-0.5 / p["sd"] ** 2).exp_().mul_(1 / (p["sd"] * math.sqrt(2 * math.pi)))


@cache
def spike_function(bump: PseudoDerivative, ties: str = "quiet") -> Callable[[Tensor], Tensor]:
    """The step function 1(x > 0), or 1(x >= 0) where ties fire, with the pseudo-derivative `bump`."""

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return (x >= 0 if ties == "fire" else x > 0).to(x.dtype)

        @staticmethod
        def backward(ctx: Any, *into: Tensor) -> Tensor:
            return into[0] * slope(bump, ctx.saved_tensors[0])

    call: Callable[[Tensor], Tensor] = Spike.apply
    return call
