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


def slope(bump: PseudoDerivative, x: Tensor) -> Tensor:
    """A pseudo-derivative at the distances `x` from the threshold, of the shape of `x`."""
    p, a = bump.parameters, x.abs()
    if bump.shape == "rectangle" or (bump.shape == "trapezoid" and p["inner"] == p["outer"]):
        width = p.get("width", p.get("outer", 0.0))
        return (a <= width).to(x.dtype) / (2 * width)
    if bump.shape == "triangle":
        return (1 - a / p["width"]).clamp(min=0) / p["width"]
    if bump.shape == "trapezoid":
        return ((p["outer"] - a) / (p["outer"] - p["inner"])).clamp(0, 1) / (p["inner"] + p["outer"])
    if bump.shape == "fast_sigmoid":
        return p["slope"] / (2 * (1 + p["slope"] * a) ** 2)
    if bump.shape == "arctangent":
        return p["slope"] / (math.pi * (1 + (p["slope"] * x) ** 2))
    return torch.exp(-0.5 * (x / p["sd"]) ** 2) / (p["sd"] * math.sqrt(2 * math.pi))


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
