"""Layers of spiking neurons in torch: a compiled pass over the steps with its exact adjoint, or a plain loop.

A layer takes the spikes of all steps at once, (steps, batch, inputs): its weights meet them in one product. What is left
is a recurrence from step to step of every neuron alone.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import compiled
from hetero_rsnn.control.actor_settings import ActorSettings
from hetero_rsnn.control.constants import COUPLING, KICK_U, KICK_V, RECOVERY, THRESHOLD
from hetero_rsnn.control.decays import draw_decays
from hetero_rsnn.control.relu_actor import as_tensor, linear
from hetero_rsnn.gradient.feedforward.spike import slope
from hetero_rsnn.gradient.pseudo_derivative import TRAPEZOID, PseudoDerivative

#: How close the breakpoints of a trapezoid may come to each other, relative to the outer one, and that to 0.
_NEAREST, _SMALLEST = 1e-3, 1e-3


class Rule(NamedTuple):
    """How the neurons of a layer behave."""

    kind: str
    sign: float
    bump: PseudoDerivative
    learned: bool


class SpikingLayer(nn.Module):
    """Connections and neurons, from spikes (steps, batch, inputs) to spikes (steps, batch, outputs).

    Attributes
    ----------
    synapses : torch.nn.Linear
    engine : {"scan", "loop"}
    count : int
        Spikes in the last forward pass.
    """

    def __init__(
        self, settings: ActorSettings, inputs: int, outputs: int, seed: int, layer: int, engine: str = "scan"
    ) -> None:
        super().__init__()
        self.synapses = linear(inputs, outputs, seed, layer)
        self.engine, self.count = engine, 0
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
            return torch.sigmoid(getattr(self, f"logit_{name}"))
        fixed: Tensor = getattr(self, f"fixed_{name}")
        return fixed

    def breakpoints(self) -> Tensor | None:
        """Inner and outer breakpoint, shape (2,), where they are learned."""
        if not self.rule.learned:
            return None
        ratio, outer = torch.sigmoid(self.raw_pair[0]), functional.softplus(self.raw_pair[1]).clamp(min=_SMALLEST)
        return torch.stack([ratio.clamp(max=1 - _NEAREST) * outer, outer])

    def forward(self, spikes: Tensor) -> Tensor:
        decays = [self.decay(name) for name in self.decaying]
        pair, synapses = self.breakpoints(), self.synapses
        if self.engine == "loop" or spikes.device.type != "cpu":
            out = looped(self.rule, [synapses(s) for s in spikes], decays, pair)
            self.count = int(out.detach().sum())
            return out
        steps, batch, inputs = spikes.shape
        z = functional.linear(spikes.reshape(steps * batch, inputs), synapses.weight, synapses.bias)
        out, self.count = Scan.apply(z.view(steps, batch, -1), decays[0], decays[-1], pair, self.rule)
        return out


class Scan(torch.autograd.Function):
    """Spikes of all steps, from the input of all steps, the decays and the breakpoints."""

    @staticmethod
    def forward(
        ctx: Any, z: Tensor, decay_c: Tensor, decay_v: Tensor, pair: Tensor | None, rule: Rule
    ) -> tuple[Tensor, int]:
        scan = kernels()
        z = z.contiguous()
        if z.dtype not in (torch.float32, torch.float64):
            raise HeteroError(f"an actor computes in float32 or float64, got {z.dtype}", fix="use actor.float()")
        tape, spikes = torch.empty_like(z), torch.empty_like(z)
        learns = ctx.needs_input_grad[1] or ctx.needs_input_grad[2]
        currents = torch.empty_like(z) if learns else z.new_empty(0, 0, 0)
        if rule.kind == "lif":
            count = scan.forward_lif(*_arrays(z, decay_c, decay_v, tape, spikes, currents))
        else:
            given = _arrays(z, decay_c, tape, spikes, currents)
            count = scan.forward_dynamic(*given[:2], rule.sign, *given[2:])
        ctx.save_for_backward(tape, decay_c, decay_v, currents, *([] if pair is None else [pair]))
        ctx.rule, ctx.learns = rule, learns
        return spikes, count

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, into: Tensor, _count: None) -> tuple[Tensor | None, ...]:
        rule, scan = ctx.rule, kernels()
        tape, decay_c, decay_v, currents, *pairs = ctx.saved_tensors
        n = tape.shape[-1]
        family, p, q = rule.bump.code
        if pairs:
            family, (p, q) = TRAPEZOID, pairs[0].tolist()
        into_z = torch.empty_like(tape)
        into_c, into_v = (np.zeros(n if ctx.learns else 0) for _ in range(2))
        into_pair = np.zeros(2 if pairs else 0)
        given = _arrays(into.contiguous(), tape, decay_c)
        if rule.kind == "lif":
            given += _arrays(decay_v)
            rest = (family, p, q, *_arrays(currents, into_z), into_c, into_v, into_pair)
            scan.backward_lif(*given, *rest)
        else:
            scan.backward_dynamic(*given, rule.sign, family, p, q, *_arrays(currents, into_z), into_c, into_pair)

        def back(array: Any) -> Tensor | None:
            return torch.from_numpy(array).to(tape.dtype) if array.size else None

        return into_z, back(into_c), back(into_v) if rule.kind == "lif" else None, back(into_pair), None


def kernels() -> Any:
    """The compiled passes."""
    return compiled("hetero_rsnn.control.scan", "a spiking actor", ', or use engine="loop"')


def _arrays(*tensors: Tensor) -> tuple[Any, ...]:
    return tuple(t.detach().numpy() for t in tensors)


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
        s = Spike.apply(v - THRESHOLD, pair, rule.bump)
        out.append(s)
    return torch.stack(out)
