"""Steps of spiking neurons, and their exact adjoint: the same numbers as automatic differentiation, in less time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hetero_rsnn.gradient.feedforward.spike import slope
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative


@dataclass(frozen=True)
class Rule:
    """What neurons do at a spike, and what stands for its derivative; see `Neurons`."""

    reset: str
    ties: str
    bump: PseudoDerivative
    detach: bool


class Dynamics(torch.autograd.Function):
    """Spikes, potentials at the ends of steps, and the last of these, of inputs (steps, batch, ...).

    With v[t] = leak u[t - 1] + x[t] before the reset and g[t] the gradient with respect to u[t] after it, backward goes

        a = ds[t] - g[t] v[t]   (hard; soft: ds[t] - g[t] threshold; detached: ds[t]),
        dx[t] = g[t] (1 - s[t]) + a psi(v[t] - threshold)   (soft: g[t] + ...),
        g[t - 1] = leak dx[t] + du[t - 1].
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, u: Tensor, leak: float | Tensor, threshold: float | Tensor, rule: Rule, keep: bool
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        v, s, hard = torch.empty_like(x), torch.empty_like(x), rule.reset == "hard"
        potentials = torch.empty_like(x) if keep else None
        fires = torch.ge if rule.ties == "fire" else torch.gt
        begin, u = u, torch.empty_like(x[0])
        for t in range(len(x)):
            # A product and a sum, each rounded by itself: one fused operation rounds otherwise in other places of an
            # array, and spikes would depend on the size of the batch.
            now = torch.mul(begin if t == 0 else u, leak, out=v[t]).add_(x[t])
            fires(now, threshold, out=s[t])
            u = u if potentials is None else potentials[t]
            if hard:
                torch.addcmul(now, now, s[t], value=-1, out=u)
            else:
                torch.sub(now, torch.mul(s[t], threshold, out=u), out=u)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(v, s, begin, *(q for q in (leak, threshold) if isinstance(q, Tensor)))
        ctx.numbers = tuple(q if isinstance(q, float) else None for q in (leak, threshold))
        ctx.rule = rule
        return s, potentials, (u if potentials is None else u.clone())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *into: Tensor | None) -> Any:
        ds, du, g = into
        v, s, begin, *arrays = ctx.saved_tensors
        leak, threshold = (arrays.pop(0) if q is None else q for q in ctx.numbers)
        rule, hard = ctx.rule, ctx.rule.reset == "hard"
        _, _, wants_leak, wants_threshold, *_ = ctx.needs_input_grad
        of_leak = torch.zeros_like(leak) if wants_leak else None
        of_threshold = torch.zeros_like(threshold) if wants_threshold else None
        dx, psi, spare, leaked = (torch.empty_like(q) for q in (v, v[0], v[0], v[0]))
        for t in reversed(range(len(v))):
            if du is not None:
                g = du[t] if g is None else g + du[t]
            a = torch.zeros_like(psi) if ds is None else ds[t]
            if g is not None and not rule.detach:
                back = torch.mul(g, v[t] if hard else threshold, out=spare)
                a = torch.sub(a, back, out=spare)
            now = slope(rule.bump, torch.sub(v[t], threshold, out=psi), out=psi).mul_(a)
            if of_threshold is not None:
                of_threshold -= now.sum_to_size(of_threshold.shape)
                if g is not None and not hard:
                    of_threshold -= (g * s[t]).sum_to_size(of_threshold.shape)
            if g is not None:
                now.add_(g)
            torch.addcmul(now, g, s[t], value=-1, out=dx[t]) if hard and g is not None else dx[t].copy_(now)
            if of_leak is not None:
                before = begin if t == 0 else v[t - 1] * (1 - s[t - 1]) if hard else v[t - 1] - s[t - 1] * threshold
                of_leak += (dx[t] * before).sum_to_size(of_leak.shape)
            g = torch.mul(dx[t], leak, out=leaked)
        return dx, g, of_leak, of_threshold, None, None
