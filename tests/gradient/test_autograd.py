"""The adjoint against automatic differentiation of a loop that knows nothing of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hetero_rsnn as hr
from hetero_rsnn.gradient.pseudo_derivative import SHAPES

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SHARED = {
    "tau_m": {"distribution": "gamma", "mean": "8 ms", "cv": 0.6},
    "tau_syn": {"distribution": "gamma", "mean": "5 ms", "cv": 0.5},
    "v_th": {"distribution": "truncated_normal", "mean": 1.0, "cv": 0.1},
    "v_reset": {"distribution": "uniform", "low": -0.3, "high": 0.2},
    "t_ref": {"distribution": "uniform", "low": "0 ms", "high": "4 ms"},
}


def slope(bump: hr.PseudoDerivative, x: Any) -> Any:
    """The bumps once more, as the documentation states them."""
    a, p = x.abs(), bump.parameters
    if bump.shape == "rectangle":
        return (a <= p["width"]).to(x) / (2 * p["width"])
    if bump.shape == "triangle":
        return (1 - a / p["width"]).clamp(min=0) / p["width"]
    if bump.shape == "trapezoid":
        return ((p["outer"] - a) / (p["outer"] - p["inner"])).clamp(0, 1) / (p["inner"] + p["outer"])
    if bump.shape == "fast_sigmoid":
        return p["slope"] / (2 * (1 + p["slope"] * a) ** 2)
    if bump.shape == "arctangent":
        return p["slope"] / (math.pi * (1 + (p["slope"] * x) ** 2))
    return torch.exp(-0.5 * (x / p["sd"]) ** 2) / (p["sd"] * math.sqrt(2 * math.pi))


def spike_of(bump: hr.PseudoDerivative) -> Any:
    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return (x > 0).to(x)

        @staticmethod
        def backward(ctx: Any, into: Any) -> Any:
            return into * slope(bump, ctx.saved_tensors[0])

    return Spike.apply


def looped(
    draw: hr.Draw, leaves: dict[str, Any], u: Any, events: Any, hold: int, tau: float | None, bump: Any, detach: bool
) -> tuple[Any, Any]:
    """One sample, step by step, with dense matrices: activity in every input, and potentials at its end."""
    n, dt = draw.n, draw.network.dt
    spike = spike_of(bump)
    W = torch.zeros(n, n, dtype=torch.float64)
    for name in ("plastic", "static"):
        synapses = getattr(draw, name)
        index = (torch.tensor(synapses.target.astype(np.int64)), torch.tensor(synapses.source.astype(np.int64)))
        W = W.index_put(index, leaves[name], accumulate=True)
    keep_m, keep_syn = torch.exp(-dt / leaves["tau_m"]), torch.exp(-dt / leaves["tau_syn"])
    start = {k: torch.tensor(draw.initial.get(k, np.zeros(n))) for k in ("v", "I_syn")}
    v, current, rest = start["v"], start["I_syn"], torch.zeros(n, dtype=torch.int64)
    steps_of_rest = torch.tensor(np.floor(draw.neurons["t_ref"] / dt + 1e-3).astype(np.int64))
    v_rest, v_reset = (torch.tensor(draw.neurons[k]) for k in ("v_rest", "v_reset"))
    out, ends, x = [], [], torch.zeros(n, dtype=torch.float64)
    for t in range(len(u) * hold):
        drive = v_rest + leaves["I_bias"] + leaves["w_in"] @ u[t // hold] + current
        free = rest <= 0
        v = torch.where(free, drive + (v - drive) * keep_m, v)
        s = spike(v - leaves["v_th"])
        s = torch.where(free, s, torch.zeros_like(s))
        current = current * keep_syn + leaves["w_event"] @ events[t] + W @ s
        passed = s.detach() if detach else s
        v = v * (1 - passed) + v_reset * passed
        rest = torch.where(s.detach() > 0, steps_of_rest - 1, rest - 1)
        x = x + s if tau is None else (x + s) * math.exp(-dt / tau)
        if (t + 1) % hold == 0:
            out.append(x)
            ends.append(v)
            x = torch.zeros(n, dtype=torch.float64) if tau is None else x
    return torch.stack(out), torch.stack(ends)


@settings(max_examples=12, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_automatic_differentiation(shape, detach, data):
    n = data.draw(st.integers(8, 30), label="n")
    hold = data.draw(st.integers(1, 4), label="hold")
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=18), label="lengths")
    channels = data.draw(st.integers(1, 3), label="channels")
    seed = data.draw(st.integers(0, 2**31), label="seed")
    by_events = data.draw(st.booleans(), label="events")
    tau = data.draw(st.sampled_from([None, 13.0]), label="tau_read")
    checkpoint = data.draw(st.sampled_from([None, 1, 5]), label="checkpoint")
    rng = np.random.default_rng(seed)
    sizes = {
        name: float(rng.uniform(0.5, 1.5)) * value
        for name, value in zip(SHAPES[shape], SHAPES[shape].values(), strict=True)
    }
    if shape == "trapezoid":
        sizes = {"inner": 0.3 * sizes["inner"], "outer": sizes["outer"]}
    bump = hr.PseudoDerivative(shape, **sizes)
    net = hr.load_network("henhes", n=n, dt="1 ms", **{"input.channels": channels, **SHARED})
    draw = hr.draw(net, seed=seed)
    strong = {
        k: replace(getattr(draw, k), w=rng.normal(0.1, 0.6, len(getattr(draw, k)))) for k in ("plastic", "static")
    }
    draw = replace(draw, **strong)
    if by_events:
        samples = [hr.poisson_stimulus(rng.uniform(0, 400, (k, channels)), hold, seed=k + seed) for k in lengths]
    else:
        samples = [hr.array_stimulus(rng.normal(0.5, 2.0, (k, channels)), hold) for k in lengths]

    run = hr.run_batch(draw, samples, tau_read=tau, keep=["potentials", "currents"], checkpoint=checkpoint)
    into = rng.normal(size=(2, *run.activity.shape))
    wrt = ["w", "w_in", "w_event", "I_bias", "tau_m", "tau_syn", "v_th", "stimuli"]
    found = run.backward(into[0], into[1], wrt=wrt, pseudo_derivative=bump, detach_reset=detach)

    leaves = {k: torch.tensor(draw.neurons[k], requires_grad=True) for k in ("I_bias", "tau_m", "tau_syn", "v_th")}
    leaves |= {k: torch.tensor(getattr(draw, k), requires_grad=True) for k in ("w_in", "w_event")}
    leaves |= {k: torch.tensor(getattr(draw, k).w, requires_grad=True) for k in ("plastic", "static")}
    loss, inputs = torch.zeros((), dtype=torch.float64), []
    for k, sample in enumerate(samples):
        values = np.zeros((len(sample), channels)) if by_events else sample.values
        inputs.append(torch.tensor(values, requires_grad=True))
        events = np.zeros((len(sample) * hold, channels))
        if by_events:
            events[np.floor(sample.event_times + 1e-6).astype(int), sample.event_channels] = 1.0
        got, ends = looped(draw, leaves, inputs[-1], torch.tensor(events), hold, tau, bump, detach)
        count = len(sample)
        np.testing.assert_allclose(run.activity[k, :count], got.detach().numpy(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(run.potentials[k, :count], ends.detach().numpy(), rtol=0, atol=1e-11)
        loss = loss + (got * torch.tensor(into[0, k, :count])).sum() + (ends * torch.tensor(into[1, k, :count])).sum()
    loss.backward()
    for name, leaf in leaves.items():
        truth = np.zeros_like(getattr(found, name)) if leaf.grad is None else leaf.grad.numpy().copy()
        if name == "w_event":
            truth[draw.w_event == 0] = 0.0  # there is no synapse
        if name == "w_in" and by_events:
            assert not found.w_in.any()
            continue
        close(getattr(found, name), truth, name)
    if not by_events:
        for one, leaf in zip(found.stimuli, inputs, strict=True):
            close(one, leaf.grad.numpy(), "stimuli")


def close(found: Any, truth: Any, name: str) -> None:
    """To 1e-10 of the largest."""
    largest = np.abs(truth).max(initial=0.0)
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-10 * largest + 1e-300, err_msg=name)
