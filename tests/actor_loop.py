"""An actor as a plain loop of torch over samples' steps, written for the tests alone, with automatic differentiation.

A spike is a step in the forward pass and, in the backward pass, the integral of its pseudo-derivative: what automatic
differentiation makes of that integral is the derivative, of the breakpoints too.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Trace(NamedTuple):
    """What the loop did: actions, and spikes (steps, batch, n) of the encoder and all layers, potentials of these."""

    actions: Tensor
    spikes: list[Tensor]
    potentials: list[Tensor]


def integral(x: Tensor, shape: str, values: dict[str, Any]) -> Tensor:
    """A smooth spike."""
    d, way = x.abs(), torch.sign(x)
    if shape == "rectangle":
        return (0.5 + x / (2 * values["width"])).clamp(0, 1)
    if shape in ("triangle", "trapezoid"):
        p, q = (values["inner"], values["outer"]) if shape == "trapezoid" else (0.0, values["width"])
        flat, slanting = d / (p + q), 0.5 - (q - d) ** 2 / (2 * (q - p) * (q + p))
        return 0.5 + way * torch.where(d < p, flat, torch.where(d < q, slanting, torch.full_like(d, 0.5)))
    if shape == "fast_sigmoid":
        return 0.5 + 0.5 * values["slope"] * x / (1 + values["slope"] * d)
    if shape == "arctangent":
        return 0.5 + torch.atan(values["slope"] * x) / math.pi
    return 0.5 + 0.5 * torch.erf(x / (values["sd"] * math.sqrt(2)))


def passed(hard: Tensor, soft: Tensor) -> Tensor:
    """The first, with the gradient of the second."""
    return hard.detach() + (soft - soft.detach())


def run(actor: Any, x: Tensor, drawn: Tensor | None = None) -> Trace:
    """The actor's parameters in a loop; `drawn` are the numbers of an encoder that draws."""
    settings, named = actor.settings, dict(actor.named_parameters()) | dict(actor.named_buffers())
    batch, layers = len(x), len(settings.hidden) + 1
    sd = torch.log1p(torch.exp(named["encoder.raw_sd"]))
    drive = torch.exp(-((x.unsqueeze(2) - named["encoder.mean"]) ** 2) / (2 * sd**2)).reshape(batch, -1)

    def decay(k: int, name: str) -> Tensor:
        learned = named.get(f"layers.{k}.logit_{name}")
        return named[f"layers.{k}.fixed_{name}"] if learned is None else 1 / (1 + torch.exp(-learned))

    def bump(k: int) -> dict[str, Any]:
        if not settings.learn_pseudo:
            return settings.bump.parameters
        ratio, outer = named[f"layers.{k}.raw_pair"]
        outer = torch.log1p(torch.exp(outer))
        return {"inner": outer / (1 + torch.exp(-ratio)), "outer": outer}

    sums = torch.zeros_like(drive)
    sizes = [named[f"layers.{k}.bias"].numel() for k in range(layers)]
    zero = [torch.zeros(batch, n, dtype=x.dtype) for n in sizes]
    c, v, u, s = list(zero), list(zero), list(zero), list(zero)
    spikes: list[list[Tensor]] = [[] for _ in range(layers + 1)]
    potentials: list[list[Tensor]] = [[] for _ in range(layers)]
    sign = 1 if settings.dynamics_sign == "grow" else -1
    for t in range(settings.steps):
        if drawn is None:
            sums = sums + drive
            signal = passed((sums > 0.999).to(x.dtype), sums)
            sums = sums - 0.999 * signal
        else:
            signal = passed((drawn[t] < drive).to(x.dtype), drive)
        spikes[0].append(signal)
        for k in range(layers):
            z = signal @ named[f"layers.{k}.weight"] + named[f"layers.{k}.bias"]
            c[k] = decay(k, "current_decay") * c[k] + z
            if settings.kind == "lif":
                v[k] = decay(k, "voltage_decay") * v[k] * (1 - s[k]) + c[k]
            else:
                a, b = v[k] * (1 - s[k]) + 0.021 * s[k], u[k] + 0.132 * s[k]
                v[k] = a + (a**2 - a - b + c[k])
                u[k] = b + (-0.172 * a + sign * 0.529 * b)
            away = v[k] - 0.5
            s[k] = signal = passed((v[k] > 0.5).to(x.dtype), integral(away, settings.pseudo, bump(k)))
            spikes[k + 1].append(signal)
            potentials[k].append(v[k])
    rates = torch.stack(spikes[-1]).mean(0).reshape(batch, actor.actions, -1)
    out = torch.tanh((rates * named["decoder.weight"]).sum(2) + named["decoder.bias"])
    stacked = [torch.stack(part) for part in spikes]
    return Trace(named["centre"] + named["reach"] * out, stacked, [torch.stack(part) for part in potentials])
