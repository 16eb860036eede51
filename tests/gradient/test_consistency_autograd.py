"""The gradient of the RCS through a whole network, against automatic differentiation of a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hetero_rsnn as hr
from hetero_rsnn.gradient.consistency import inconsistency
from hetero_rsnn.gradient.decisions import DecisionHead, DecisionWindows

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from test_autograd import SHARED, looped  # noqa: E402 - it needs torch, too


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("detach", [False, True])
def test_gradients_are_those_of_automatic_differentiation(detach, data):
    n, hold = data.draw(st.integers(8, 25), label="n"), data.draw(st.integers(1, 4), label="hold")
    lengths = data.draw(st.lists(st.integers(2, 12), min_size=1, max_size=6), label="lengths")
    every = data.draw(st.integers(1, 5), label="every")
    seed = data.draw(st.integers(0, 2**31), label="seed")
    rng = np.random.default_rng(seed)
    net = hr.load_network("henhes", n=n, dt="1 ms", **{"input.channels": 2, "v_rest": -0.1, **SHARED})
    draw = hr.draw(net, seed=seed)
    samples = [hr.array_stimulus(rng.normal(0.8, 2.0, (k, 2)), hold) for k in lengths]
    labels = rng.integers(0, 2, len(lengths))
    head = DecisionHead(DecisionWindows(every), labels, np.array(lengths), classes=2)
    index = np.arange(len(lengths))
    scores = rng.normal(size=(head.answers(index), 2))
    right = head.right(scores, index)
    bump = hr.PseudoDerivative("triangle", width=0.8)

    run = hr.run_batch(draw, samples, keep=["potentials", "currents"])
    rcs = inconsistency(run, draw, head, scores, index)
    wrt = ["w", "w_in", "I_bias", "tau_m", "tau_syn", "v_th", "stimuli"]
    found = run.backward(rcs.into_activity, rcs.into_potentials, wrt=wrt, pseudo_derivative=bump, detach_reset=detach)

    leaves = {k: torch.tensor(draw.neurons[k], requires_grad=True) for k in ("I_bias", "tau_m", "tau_syn", "v_th")}
    leaves |= {k: torch.tensor(getattr(draw, k), requires_grad=True) for k in ("w_in", "w_event")}
    leaves |= {k: torch.tensor(getattr(draw, k).w, requires_grad=True) for k in ("plastic", "static")}
    rest = torch.tensor(draw.neurons["v_rest"])
    loss, inputs = torch.zeros((), dtype=torch.float64), []
    for k, sample in enumerate(samples):
        inputs.append(torch.tensor(sample.values, requires_grad=True))
        silent = torch.zeros((len(sample) * hold, 2), dtype=torch.float64)
        spikes, ends = looped(draw, leaves, inputs[-1], silent, hold, None, bump, detach)
        windows = [range(t, min(t + every, len(sample))) for t in range(0, len(sample), every)]
        stands = torch.relu((ends - rest) / (leaves["v_th"] - rest))
        r = torch.stack([spikes[list(w)].sum(dim=0) + stands[w[-1]] for w in windows])
        last = max(1, int(0.3 * len(windows)))
        if not right[k, len(windows) - last : len(windows)].all():
            continue
        goal = r[-last:].mean(dim=0).detach()
        cosine = (r @ goal) / ((r**2).sum(dim=1) + 1e-5).sqrt() / ((goal**2).sum() + 1e-5).sqrt()
        loss = loss + 1 / (cosine.mean() + 1e-5) / len(samples)
    assert abs(rcs.value - float(loss.detach())) < 1e-9 * max(1.0, rcs.value)
    if not loss.requires_grad:
        assert not any(getattr(found, name).any() for name in ("plastic", "w_in", "v_th"))
        return
    loss.backward()
    found_of = {k: getattr(found, k) for k in leaves if k != "w_event"}
    found_of["v_th"] = found_of["v_th"] + rcs.into_thresholds
    for name, gradient in found_of.items():
        leaf = leaves[name]
        close(gradient, np.zeros_like(gradient) if leaf.grad is None else leaf.grad.numpy(), name)
    for k, (one, leaf) in enumerate(zip(found.stimuli, inputs, strict=True)):
        close(one, np.zeros_like(one) if leaf.grad is None else leaf.grad.numpy(), f"stimuli {k}")


def close(found, truth, name):
    """To 1e-10 of the largest, but of at least 1e-5: where windows are alike, numbers of order 1 nearly cancel."""
    largest = max(1e-5, np.abs(truth).max(initial=0.0))
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-10 * largest, err_msg=name)
