"""Layers of neurons: against a plain loop of numpy, against automatic differentiation, step by step."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import hetero_rsnn as hr
from hetero_rsnn.gradient.feedforward.neurons import Neurons
from hetero_rsnn.gradient.feedforward.spike import slope, spike_function
from hetero_rsnn.gradient.feedforward.states import Memory
from hetero_rsnn.gradient.pseudo_derivative import SHAPES, PseudoDerivative

pytestmark = pytest.mark.torch

STEPS, BATCH, SHAPE = 7, 5, (3, 4, 2)
KINDS = list(itertools.product(["hard", "soft"], ["quiet", "fire"], ["scalar", "channel", "unit", "if"]))


def values(kind: str) -> dict[str, Any]:
    """Leak, threshold, start and amplitude: equal, one for each channel, one for each neuron, without leak."""
    rng = np.random.default_rng(7)
    if kind == "scalar":
        return {"leak": 0.7, "threshold": 0.9}
    if kind == "if":
        return {"leak": 1.0, "threshold": 1.0, "start": 0.5, "amplitude": 2.0}
    shape = (SHAPE[0], 1, 1) if kind == "channel" else SHAPE
    bounds = {"leak": (0.1, 0.95), "threshold": (0.5, 1.5), "start": (-0.3, 0.4), "amplitude": (0.5, 2.0)}
    return {name: rng.uniform(*ends, shape) for name, ends in bounds.items()}


def drive(kind: str = "") -> np.ndarray:
    """Input; in quarters where ties shall occur."""
    x = np.random.default_rng(3).normal(0.5, 0.8, (STEPS, BATCH, *SHAPE))
    return np.round(4 * x) / 4 if kind == "if" else x


def by_hand(x: np.ndarray, *, reset: str, ties: str, leak: Any, threshold: Any, start: Any = 0.0, amplitude: Any = 1.0):
    """Spikes and potentials, neuron by neuron."""
    leak, threshold, start, amplitude = (np.broadcast_to(v, SHAPE) for v in (leak, threshold, start, amplitude))
    out, potentials = np.zeros_like(x), np.zeros_like(x)
    for b, *place in np.ndindex(BATCH, *SHAPE):
        where = tuple(place)
        u = start[where]
        for t in range(len(x)):
            u = leak[where] * u + x[(t, b, *where)]
            if u > threshold[where] or (ties == "fire" and u == threshold[where]):
                out[(t, b, *where)] = amplitude[where]
                u = 0.0 if reset == "hard" else u - threshold[where]
            potentials[(t, b, *where)] = u
    return out, potentials


@pytest.mark.parametrize(("reset", "ties", "kind"), KINDS)
def test_spikes_are_those_of_a_plain_loop(reset, ties, kind):
    x = drive(kind)
    layer = Neurons(reset=reset, ties=ties, **values(kind))
    layer.keep = True
    found = layer(torch.tensor(x))
    spikes, potentials = by_hand(x, reset=reset, ties=ties, **values(kind))
    np.testing.assert_array_equal(found.numpy(), spikes)
    np.testing.assert_array_equal(layer.kept.potential.numpy(), potentials)
    np.testing.assert_array_equal(layer.kept.spikes.numpy(), spikes != 0)
    assert 0.05 < (spikes != 0).mean() < 0.7


def test_ties_decide():
    """A potential of exactly the threshold: both rules differ, in quarters as in the plain loop above."""
    x = torch.full((1, 1, 1), 1.0)
    assert Neurons(ties="quiet")(x).item() == 0.0
    assert Neurons(ties="fire")(x).item() == 1.0
    quarters = torch.tensor(drive("if"))
    assert not torch.equal(Neurons(leak=1.0)(quarters), Neurons(leak=1.0, ties="fire")(quarters))


@pytest.mark.parametrize(("reset", "ties", "kind"), KINDS)
def test_step_by_step_gives_exactly_the_same(reset, ties, kind):
    x = torch.tensor(drive(kind))
    layer = Neurons(reset=reset, ties=ties, **values(kind))
    together = layer(x)
    layer.carry()
    assert torch.equal(torch.cat([layer(part) for part in x.split(1)]), together)
    layer.reset()
    assert torch.equal(torch.cat([layer(part) for part in x.split([3, 4])]), together)
    layer.reset()
    some = torch.tensor([4, 1])  # the numbers do not depend on the size of the batch
    assert torch.equal(torch.cat([layer(part[:, some]) for part in x.split(1)]), together[:, some])
    layer.carry(False)
    assert torch.equal(layer(x), together) and torch.equal(layer(x), together)


def test_a_memory_leaves_the_layer_as_it_was():
    layer, x = Neurons(leak=0.9), torch.tensor(drive())
    together = layer(x)
    one, two = Memory(layer), Memory(layer)
    rows: dict[str, list[torch.Tensor]] = {"one": [], "two": []}
    for t in range(STEPS):  # two runs that take turns, and a call in between
        with one:
            rows["one"].append(layer(x[t : t + 1]))
        with two:
            rows["two"].append(layer(x[t : t + 1, (slice(None, None, 2) if t <= 3 else [0, 4])]))
        if t == 3:
            two.select(torch.tensor([True, False, True]))
        assert not layer.carrying and layer.state is None
    assert torch.equal(torch.cat(rows["one"]), together)
    assert torch.equal(torch.cat(rows["two"][:4]), together[:4, ::2])
    assert torch.equal(torch.cat(rows["two"][4:]), together[4:, [0, 4]])
    layer.carry()
    layer(x[:1])
    with pytest.raises(hr.HeteroError, match=r"go on with \(5, 3, 4, 2\) cannot take \(4, 3, 4, 2\): call reset"):
        layer(x[1:2, :4])


def autograd_loop(x, leak, threshold, start, *, reset, ties, bump, detach):
    """The same, as automatic differentiation sees it."""
    spike = spike_function(bump, ties)
    u, spikes, potentials = start + torch.zeros_like(x[0]), [], []
    for drive in x:
        v = leak * u + drive
        s = spike(v - threshold)
        passed = s.detach() if detach else s
        u = v * (1 - passed) if reset == "hard" else v - threshold * passed
        spikes.append(s)
        potentials.append(u)
    return torch.stack(spikes), torch.stack(potentials)


@pytest.mark.parametrize("shape", [(), (SHAPE[0], 1, 1), SHAPE])
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_gradients_are_those_of_automatic_differentiation(reset, detach, shape):
    """Of input, leak and threshold, through spikes, potentials or both."""
    rng = np.random.default_rng(1)
    leaks, thresholds = rng.uniform(0.2, 0.9, shape), rng.uniform(0.6, 1.4, shape)
    weights = [torch.tensor(w) for w in rng.normal(size=(2, STEPS, BATCH, *SHAPE))]
    for bump, use in itertools.product(
        [PseudoDerivative("triangle"), PseudoDerivative("gaussian")], [(1, 0), (0, 1), (1, 1)]
    ):
        layer = Neurons(
            leak=leaks, threshold=thresholds, reset=reset, detach_reset=detach, trainable=("leak", "threshold"),
            pseudo_derivative=bump, start=0.1,
        ).double()  # fmt: skip
        layer.keep = True
        x = torch.tensor(drive(), requires_grad=True)
        layer(x)
        total = sum(u * (w * part).sum() for u, w, part in zip(use, weights, layer.kept[:2], strict=True))
        total.backward()
        raw = [p.detach().clone().requires_grad_() for p in (layer.logit_leak, layer.log_threshold)]
        y = x.detach().clone().requires_grad_()
        parts = autograd_loop(
            y, torch.sigmoid(raw[0]), torch.exp(raw[1]), 0.1, reset=reset, ties="quiet", bump=bump, detach=detach
        )
        sum(u * (w * part).sum() for u, w, part in zip(use, weights, parts, strict=True)).backward()
        for found, expected in ((x, y), (layer.logit_leak, raw[0]), (layer.log_threshold, raw[1])):
            if expected is raw[1] and reset == "hard" and detach and use == (0, 1):
                assert not expected.grad.any() and not found.grad.any()  # potentials know nothing of the threshold then
                continue
            torch.testing.assert_close(found.grad, expected.grad, rtol=1e-10, atol=1e-12)
            assert expected.grad.abs().max() > 0.01


def test_gradients_pass_between_calls_that_go_on():
    x = torch.tensor(drive(), requires_grad=True)
    layer = Neurons(leak=0.8)
    weights = torch.tensor(np.random.default_rng(2).normal(size=x.shape))
    (layer(x) * weights).sum().backward()
    expected = x.grad.clone()
    x.grad = None
    layer.carry()
    (torch.cat([layer(part) for part in x.split([2, 1, 4])]) * weights).sum().backward()
    torch.testing.assert_close(x.grad, expected, rtol=1e-12, atol=1e-14)


def test_a_smooth_range_has_the_true_derivative():
    """Where nobody fires, potentials are linear in input and leak: finite differences."""
    x = torch.tensor(0.1 * drive())
    layer = Neurons(leak=0.6, threshold=5.0, trainable="leak", pseudo_derivative="rectangle").double()
    layer.keep = True

    def total() -> torch.Tensor:
        layer(x)
        return (layer.kept.potential**2).sum()

    total().backward()
    found, h = layer.logit_leak.grad.item(), 1e-6
    with torch.no_grad():
        layer.logit_leak += h
        above = total().item()
        layer.logit_leak -= 2 * h
        below = total().item()
    assert found == pytest.approx((above - below) / (2 * h), rel=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
def test_pseudo_derivatives_are_those_of_numpy(shape):
    bump, x = PseudoDerivative(shape), np.random.default_rng(0).normal(0, 1, 500)
    np.testing.assert_allclose(slope(bump, torch.tensor(x)).numpy(), bump(x), rtol=1e-12, atol=1e-14)
    y = torch.tensor(x, requires_grad=True)
    spike_function(bump)(y).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), bump(x), rtol=1e-12, atol=1e-14)
    steep = PseudoDerivative("trapezoid", inner=0.3, outer=0.3)
    np.testing.assert_allclose(slope(steep, torch.tensor(x)).numpy(), steep(x), rtol=1e-12)


def test_learned_values_stay_in_range():
    layer = Neurons(leak=[0.5, 0.9], threshold=[1.0, 2.0], trainable=["leak", "threshold"])
    assert {name for name, _ in layer.named_parameters()} == {"logit_leak", "log_threshold"}
    torch.testing.assert_close(layer.leak, torch.tensor([0.5, 0.9]))
    torch.testing.assert_close(layer.threshold, torch.tensor([1.0, 2.0]))
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.5)
    layer.keep = True
    layer(torch.rand(4, 3, 2))
    layer.kept.potential.sum().backward()
    optimiser.step()
    assert (layer.leak > 0).all() and (layer.leak < 1).all() and (layer.threshold > 0).all()


def test_precision_is_that_of_the_input():
    layer = Neurons(leak=[0.3, 0.7, 0.9], threshold=[0.5, 0.6, 0.7])
    for kind in (torch.float32, torch.float64):
        assert layer(torch.rand(2, 4, 3, dtype=kind)).dtype == kind
    assert layer.leak.tolist() == [0.3, 0.7, 0.9]  # exact until it is cast
    assert Neurons(leak=np.array([0.3, 0.7], np.float32)).leak.dtype == torch.float32
    assert "leak=(3,) with mean 0.633333" in repr(layer)


def test_what_is_kept_is_kept_when_asked():
    layer = Neurons()
    layer(torch.rand(2, 3, 4))
    assert layer.kept is None and not list(layer.parameters())


def test_arrays_that_do_not_fit_are_refused():
    for name, shape in (("leak", (4,)), ("threshold", (2, 3)), ("start", (1, 1, 3)), ("amplitude", (2,))):
        with pytest.raises(hr.HeteroError, match=f"{name} of the shape .* does not fit samples of .3,.: reshape it"):
            Neurons(**{name: np.full(shape, 0.5)})(torch.ones(2, 5, 3))
    assert Neurons(leak=np.full((1,), 0.5))(torch.ones(2, 5, 3)).shape == (2, 5, 3)
    assert Neurons(leak=np.full((2, 1, 1), 0.5))(torch.ones(2, 5, 2, 4, 4)).shape == (2, 5, 2, 4, 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"leak": 1.5}, "leak must be from 0 to 1, got 1.5"),
        ({"leak": [0.5, -0.1]}, "leak must be from 0 to 1, got -0.1"),
        ({"leak": 1.0, "trainable": "leak"}, "leak must be above 0 and below 1 where it is trainable, got 1"),
        ({"threshold": 0.0}, "threshold must be > 0, got 0"),
        ({"threshold": np.nan}, "threshold must be finite"),
        ({"start": np.inf}, "start must be finite"),
        ({"amplitude": "high"}, "amplitude must be real numbers"),
        ({"reset": "none"}, "unknown reset 'none'"),
        ({"ties": "win"}, "unknown ties 'win'"),
        ({"trainable": ["start"]}, "unknown trainable quantity 'start'"),
        ({"pseudo_derivative": "triangel"}, "did you mean 'triangle'"),
    ],
)
def test_what_is_refused(options, words):
    with pytest.raises(hr.HeteroError, match=words.replace("(", r"\(")) as caught:
        Neurons(**options)
    assert "\n" not in str(caught.value)
