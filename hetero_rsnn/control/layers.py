"""Layers of spiking neurons in torch: with compiled passes over the steps, or a plain loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hetero_rsnn.control.actor_settings import ActorSettings
from hetero_rsnn.control.constants import COUPLING, KICK_U, KICK_V, RECOVERY, THRESHOLD
from hetero_rsnn.control.decays import draw_decays
from hetero_rsnn.control.passes import Rule, layer_pass
from hetero_rsnn.control.relu_actor import as_tensor, uniform
from hetero_rsnn.gradient.feedforward.spike import slope
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative

#: How close the breakpoints of a trapezoid may come to each other, relative to the outer one, and that to 0.
_NEAREST, _SMALLEST = 1e-3, 1e-3
#: Of the coordinate of a decay: farther out it would be 0 or 1 in single precision.
_FARTHEST = 15.0


class SpikingLayer(nn.Module):
    """Connections and neurons, from spikes (steps, batch, inputs) to spikes (steps, batch, outputs).

    Attributes
    ----------
    weight : Parameter, shape (inputs, outputs)
    bias : Parameter, shape (outputs,)
    engine : {"scan", "loop"}
    """

    def __init__(
        self, settings: ActorSettings, inputs: int, outputs: int, seed: int, layer: int, engine: str = "scan"
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(as_tensor(uniform((inputs, outputs), inputs, seed, "weight", layer)))
        self.bias = nn.Parameter(as_tensor(uniform((outputs,), inputs, seed, "bias", layer)))
        self.engine = engine
        sign = 1.0 if settings.dynamics_sign == "grow" else -1.0
        self.rule = Rule(settings.kind, sign, settings.bump, settings.learn_pseudo)
        self.decaying = ("current_decay", "voltage_decay") if settings.kind == "lif" else ("current_decay",)
        self.learns_decays = settings.learn_decays
        for name in self.decaying:
            drawn = draw_decays(name, getattr(settings, name), outputs, seed, layer)
            if settings.learn_decays:
                self.register_parameter(f"logit_{name}", nn.Parameter(as_tensor(np.log(drawn) - np.log1p(-drawn))))
            else:
                self.register_buffer(f"fixed_{name}", as_tensor(drawn))
        if settings.learn_pseudo:
            values = settings.bump.parameters
            ratio, outer = values["inner"] / values["outer"], values["outer"]
            self.raw_pair = nn.Parameter(as_tensor([math.log(ratio / (1 - ratio)), math.log(math.expm1(outer))]))

    def decay(self, name: str) -> Tensor:
        """What is left after one step, shape (outputs,)."""
        if self.learns_decays:
            return torch.sigmoid(getattr(self, f"logit_{name}").clamp(-_FARTHEST, _FARTHEST))
        fixed: Tensor = getattr(self, f"fixed_{name}")
        return fixed

    def breakpoints(self) -> Tensor | None:
        """Inner and outer breakpoint, shape (2,), where they are learned."""
        if not self.rule.learned:
            return None
        ratio, outer = torch.sigmoid(self.raw_pair[0]), functional.softplus(self.raw_pair[1]).clamp(min=_SMALLEST)
        return torch.stack([ratio.clamp(max=1 - _NEAREST) * outer, outer])

    def forward(self, spikes: Tensor, count: int) -> Tensor:
        """Of spikes, and how many they are."""
        decays, pair = [self.decay(name) for name in self.decaying], self.breakpoints()
        if self.engine == "loop" or spikes.device.type != "cpu":
            return looped(self.rule, [s @ self.weight + self.bias for s in spikes], decays, pair)
        return layer_pass(spikes, self.weight, self.bias, decays[0], decays[-1], pair, self.rule, count)


class Spike(torch.autograd.Function):
    """A step function whose derivative is a pseudo-derivative; with breakpoints, theirs is that of its integral."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, pair: Tensor | None, bump: PseudoDerivative) -> Tensor:
        ctx.save_for_backward(x, *([] if pair is None else [pair]))
        ctx.bump = bump
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, into: Tensor) -> tuple[Tensor | None, ...]:
        x, *pairs = ctx.saved_tensors
        if not pairs:
            return into * slope(ctx.bump, x), None, None
        p, q = pairs[0].tolist()
        d, area = x.abs(), q * q - p * p
        inside, y = d <= p, (q - d).clamp(min=0) / area
        by_p = torch.where(inside, -d / (p + q) ** 2, -p * y * y)
        by_q = torch.where(inside, -d / (p + q) ** 2, q * y * y - y)
        signed = into * torch.sign(x)
        pair = torch.stack([(signed * by_p).sum(), (signed * by_q).sum()])
        return into * slope(PseudoDerivative("trapezoid", inner=p, outer=q), x), pair, None


_spike: Callable[..., Tensor] = Spike.apply


def looped(rule: Rule, inputs: list[Tensor], decays: list[Tensor], pair: Tensor | None) -> Tensor:
    """Spikes (steps, batch, n) by a plain loop of torch, from the input of each step."""
    c = v = u = s = torch.zeros_like(inputs[0])
    out = []
    for z in inputs:
        c = c * decays[0] + z
        if rule.kind == "lif":
            v = v * decays[1] * (1 - s) + c
        else:
            v, u = v * (1 - s) + KICK_V * s, u + KICK_U * s
            v, u = v + (v * v - v - u + c), u + (-RECOVERY * v + rule.sign * COUPLING * u)
        s = _spike(v - THRESHOLD, pair, rule.bump)
        out.append(s)
    return torch.stack(out)
