"""Passes through a layer over all steps, for torch's automatic differentiation.

A layer takes the spikes of all steps at once, (steps, batch, inputs): its weights meet them in one product. What is
left is a recurrence from step to step of every neuron alone, which is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import compiled
from hetero_rsnn.control.constants import ENCODER_THRESHOLD
from hetero_rsnn.gradient.pseudo_derivative import TRAPEZOID, PseudoDerivative

#: Share of spikes up to which a product goes from spike to spike.
SPARSE = 0.25


class Rule(NamedTuple):
    """How the neurons of a layer behave."""

    kind: str
    sign: float
    bump: PseudoDerivative
    learned: bool


class Pass(torch.autograd.Function):
    """Spikes of all steps of a layer, from those of the layer before and how many these are."""

    @staticmethod
    def forward(
        ctx: Any, spikes: Tensor, weight: Tensor, bias: Tensor, decay_c: Tensor, decay_v: Tensor, pair: Tensor | None,
        rule: Rule, count: int,
    ) -> Tensor:  # fmt: skip
        if weight.dtype not in (torch.float32, torch.float64) or spikes.dtype != weight.dtype:
            raise HeteroError(
                f"an actor takes what it is made of, float32 or float64, got {spikes.dtype} and {weight.dtype}",
                fix="convert the observations, or the actor with actor.float()",
            )
        steps, batch, inputs = spikes.shape
        flat = spikes.reshape(steps * batch, inputs)
        lists = _events().by_row(*_arrays(flat), count) if count <= SPARSE * flat.numel() else None
        if lists is None:
            z = torch.addmm(bias, flat, weight)
        else:
            z = flat.new_empty(len(flat), len(bias))
            _events().gather(*lists, *_arrays(weight, bias, z))
        tape = z.view(steps, batch, -1)  # the potential of a step takes the place of its input
        out = torch.empty_like(tape)
        learns = ctx.needs_input_grad[3] or ctx.needs_input_grad[4]
        currents = torch.empty_like(tape) if learns else z.new_empty(0, 0, 0)
        if rule.kind == "lif":
            _scan().forward_lif(*_arrays(tape, decay_c, decay_v, out, currents))
        else:
            _scan().forward_dynamic(*_arrays(tape, decay_c), rule.sign, *_arrays(out, currents))
        ctx.save_for_backward(flat, weight, decay_c, decay_v, tape, currents, *([] if pair is None else [pair]))
        ctx.rule, ctx.learns, ctx.lists = rule, learns, lists
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, into: Tensor) -> tuple[Tensor | None, ...]:
        rule = ctx.rule
        flat, weight, decay_c, decay_v, tape, currents, *pairs = ctx.saved_tensors
        inputs, n = weight.shape
        family, p, q = rule.bump.code
        if pairs:
            family, (p, q) = TRAPEZOID, pairs[0].tolist()
        into_z = torch.empty_like(tape)
        into_c, into_v = (np.zeros(n if ctx.learns else 0) for _ in range(2))
        into_pair = np.zeros(2 if pairs else 0)
        given, rest = _arrays(into.contiguous(), tape, decay_c), _arrays(currents, into_z)
        if rule.kind == "lif":
            _scan().backward_lif(*given, *_arrays(decay_v), family, p, q, *rest, into_c, into_v, into_pair)
        else:
            _scan().backward_dynamic(*given, rule.sign, family, p, q, *rest, into_c, into_pair)
        into_z = into_z.view(len(flat), n)
        if ctx.lists is None:
            into_weight = flat.T @ into_z
        else:
            into_weight = torch.empty_like(weight)
            begin = torch.zeros_like(into_z[0])
            _events().gather(*_events().by_column(*ctx.lists, inputs), *_arrays(into_z, begin, into_weight))
        back = (into_z @ weight.T).view(*tape.shape[:2], inputs) if ctx.needs_input_grad[0] else None
        decays = (_tensor(into_c, tape), _tensor(into_v, tape) if rule.kind == "lif" else None)
        return back, into_weight, into_z.sum(0), *decays, _tensor(into_pair, tape), None, None


class Drive(torch.autograd.Function):
    """Gaussian receptive fields: exp(-(x - mean)^2 / (2 sd^2)), (batch, observations, population)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mean: Tensor, sd: Tensor) -> Tensor:
        away = (x[:, :, None] - mean) / sd
        out = (away * away).mul_(-0.5).exp_()
        ctx.save_for_backward(away, sd, out)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, into: Tensor) -> tuple[Tensor | None, ...]:
        away, sd, out = ctx.saved_tensors
        slopes = (into * out).mul_(away).div_(sd)
        into_x = -slopes.sum(2) if ctx.needs_input_grad[0] else None
        return into_x, slopes.sum(0), (slopes * away).sum(0)


class Integrate(torch.autograd.Function):
    """The spikes of integrate-and-fire neurons under a drive that stays."""

    @staticmethod
    def forward(ctx: Any, drive: Tensor, steps: int) -> Tensor:
        spikes = drive.new_empty(steps, *drive.shape)
        given, out = _arrays(drive.contiguous(), spikes)
        _scan().forward_encoder(given, ENCODER_THRESHOLD, out)
        return spikes

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, into: Tensor) -> tuple[Tensor, None]:
        out = torch.empty_like(into[0])
        given, into_drive = _arrays(into.contiguous(), out)
        _scan().backward_encoder(given, ENCODER_THRESHOLD, into_drive)
        return out, None


layer_pass: Callable[..., Tensor] = Pass.apply
drive_of: Callable[..., Tensor] = Drive.apply
integrate: Callable[..., Tensor] = Integrate.apply


@cache
def _scan() -> Any:
    return compiled("hetero_rsnn.control.scan", "a spiking actor", ', or use engine="loop"')


@cache
def _events() -> Any:
    return compiled("hetero_rsnn.control.events", "a spiking actor", ', or use engine="loop"')


def _arrays(*tensors: Tensor) -> tuple[Any, ...]:
    return tuple(t.detach().numpy() for t in tensors)


def _tensor(array: Any, like: Tensor) -> Tensor | None:
    return torch.from_numpy(array).to(like.dtype) if array.size else None
