"""Actors against an independent loop with automatic differentiation: spikes, actions, gradients."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from actor_loop import Trace, run
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import hetero_rsnn as hr
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.control import passes
from hetero_rsnn.control.layers import Spike
from hetero_rsnn.gradient.pseudo_derivative import SHAPES, PseudoDerivative

pytestmark = pytest.mark.torch

VARIED = {"distribution": "uniform", "low": 0.2, "high": 0.9}
LIMITS = ([-1.0, -2.0, 0.5], [1.0, 3.0, 0.75])
#: Shapes with their usual parameters, equal support, and breakpoints that are learned.
BUMPS: list[dict[str, Any]] = [
    *({"pseudo": shape} for shape in SHAPES),
    {"pseudo": "rectangle", "pseudo_parameters": {"width": 0.75}},
    {"pseudo": "trapezoid", "learn_pseudo": True},
]


def made(kind: str, bump: dict[str, Any], **more: Any) -> hr.ActorSettings:
    decays = {"current_decay": VARIED} | ({"voltage_decay": VARIED} if kind == "lif" else {})
    return hr.ActorSettings(kind, **{"hidden": (9, 7), "population": 3, **decays, **bump, **more})


def build(chosen: hr.ActorSettings, observations: int = 4, seed: int = 5, louder: float = 2.0, **more: Any) -> Any:
    """An actor in double precision, of weights large enough for many spikes, all means and breakpoints varied."""
    actor = hr.build_actor(chosen, observations, 3, LIMITS, seed, **more).double()
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for name, value in actor.named_parameters():
            if name.endswith("weight"):
                value *= louder
            elif not name.startswith("decoder"):
                value += torch.from_numpy(rng.normal(0, 0.1, tuple(value.shape))).to(value)
    return actor


def observed(actor: Any, batch: int, seed: int = 2) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(batch, actor.observations)))


def numbers(actor: Any, batch: int) -> Tensor | None:
    """What an encoder that draws is about to draw."""
    if actor.encoder.random is None:
        return None
    size = (actor.settings.steps, batch, actor.observations * actor.settings.population)
    return torch.from_numpy(copy.deepcopy(actor.encoder.random).random(size))


@contextmanager
def watched(actor: Any) -> Iterator[list[Tensor]]:
    """The spikes of the encoder and all layers."""
    seen: list[Tensor] = []
    hooks = [
        part.register_forward_hook(lambda *a: seen.append(a[2].detach())) for part in (actor.encoder, *actor.layers)
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def slopes_of(actor: Any, outputs: Tensor, x: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
    """Gradients of a weighted sum of actions, of every parameter and of the observations."""
    weights = torch.from_numpy(np.random.default_rng(9).normal(size=tuple(outputs.shape))).to(outputs)
    loss = (outputs * weights * (1 if mask is None else mask[:, None])).sum()
    names = [name for name, _ in actor.named_parameters()]
    found = torch.autograd.grad(loss, [*actor.parameters(), x])
    return dict(zip([*names, "x"], found, strict=True))


def both(actor: Any, x: Tensor) -> tuple[Trace, list[Tensor], Tensor]:
    """The loop, and spikes and actions of the actor."""
    expected = run(actor, x, numbers(actor, len(x)))
    with watched(actor) as spikes:
        return expected, spikes, actor(x)


def same(found: dict[str, Tensor], expected: dict[str, Tensor], within: float) -> None:
    for name, value in expected.items():
        size = float(value.abs().max())
        assert float((found[name] - value).abs().max()) <= within * max(size, 1e-8), name


def check(actor: Any, x: Tensor) -> Trace:
    x = x.clone().requires_grad_()
    expected, spikes, actions = both(actor, x)
    for a, b in zip(spikes, expected.spikes, strict=True):
        assert torch.equal(a, b.detach())
    np.testing.assert_allclose(actions.detach(), expected.actions.detach(), rtol=1e-10, atol=1e-12)
    counts = tuple(float(part.detach().sum()) / len(x) for part in expected.spikes)
    assert actor.layer_spikes == pytest.approx(counts, rel=1e-12) and actor.spikes == pytest.approx(sum(counts))
    same(slopes_of(actor, actions, x), slopes_of(actor, expected.actions, x), 1e-10)
    return expected


@pytest.mark.parametrize("engine", ["scan", "loop"])
@pytest.mark.parametrize("bump", BUMPS, ids=lambda b: "-".join(map(str, b)) + b["pseudo"])
@pytest.mark.parametrize("kind", ["lif", "dynamic"])
@pytest.mark.parametrize("learned", [False, True])
def test_spikes_actions_and_gradients_are_those_of_a_loop(kind, bump, learned, engine):
    actor = build(made(kind, bump, learn_decays=learned), engine=engine)
    expected = check(actor, observed(actor, 6))
    rates = [float(part.detach().mean()) for part in expected.spikes]
    assert all(0.02 < rate < 0.98 for rate in rates), rates
    learns = {name.split(".")[-1] for name, _ in actor.named_parameters()}
    assert ("logit_current_decay" in learns) == learned
    assert ("logit_voltage_decay" in learns) == (learned and kind == "lif")
    assert ("raw_pair" in learns) == bool(bump.get("learn_pseudo"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_of_any_size(data):
    whole = st.integers(1, 9)
    kind = data.draw(st.sampled_from(["lif", "dynamic"]))
    chosen = made(
        kind, data.draw(st.sampled_from(BUMPS)), hidden=tuple(data.draw(st.lists(whole, min_size=1, max_size=3))),
        population=data.draw(st.integers(1, 5)), steps=data.draw(st.integers(1, 8)),
        encoder=data.draw(st.sampled_from(["deterministic", "bernoulli"])), learn_decays=data.draw(st.booleans()),
        dynamics_sign=data.draw(st.sampled_from(["grow", "restore"])),
    )  # fmt: skip
    actor = build(chosen, data.draw(whole), data.draw(st.integers(0, 99)), data.draw(st.sampled_from([1.0, 2.0, 4.0])))
    check(actor, observed(actor, data.draw(whole), data.draw(st.integers(0, 99))))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_products_from_spike_to_spike_and_whole_ones_are_equal(share, monkeypatch):
    """Each alone, whatever the share of spikes is."""
    monkeypatch.setattr(passes, "SPARSE", share)
    calls = []
    events = passes._events()
    monkeypatch.setattr(events, "by_row", lambda *a, old=events.by_row: calls.append(a) or old(*a))
    actor = build(made("lif", BUMPS[0], learn_decays=True))
    check(actor, observed(actor, 7))
    assert len(calls) == (3 if share else 0)


def test_an_input_without_spikes_has_gradients_too():
    """Nothing is observed by any field: products of nothing, and biases that act alone."""
    actor = build(made("lif", {"pseudo": "fast_sigmoid"}, learn_decays=True))
    x = torch.full((3, 4), 40.0, dtype=torch.float64)
    expected = check(actor, x)
    assert not expected.spikes[0].any() and expected.spikes[1].any()


@pytest.mark.parametrize("bump", BUMPS[:3], ids=lambda b: b["pseudo"])
@pytest.mark.parametrize("kind", ["lif", "dynamic"])
def test_single_precision(kind, bump):
    """A spike may differ where a potential is at the threshold; without those, actions and gradients are equal."""
    chosen = made(kind, bump, hidden=(256, 256), population=10)
    actor = hr.build_actor(chosen, 17, 3, LIMITS, 1)
    x = observed(actor, 100).float().requires_grad_()
    expected, spikes, actions = both(actor, x)
    kept = torch.ones(len(x), dtype=torch.bool)
    for k, (a, b) in enumerate(zip(spikes, expected.spikes, strict=True)):
        differs = (a != b).any(0) & kept[:, None]  # of samples that were equal up to here
        for row, i in differs.nonzero().tolist():
            t = int((a != b)[:, row, i].nonzero()[0])
            assert k and abs(float(expected.potentials[k - 1][t, row, i]) - 0.5) < 1e-5
        kept &= ~differs.any(1)
    assert kept.sum() > 90
    np.testing.assert_allclose(actions.detach()[kept], expected.actions.detach()[kept], atol=1e-5)
    same(slopes_of(actor, actions, x, kept), slopes_of(actor, expected.actions, x, kept), 1e-5)


@pytest.mark.parametrize("engine", ["scan", "loop"])
@pytest.mark.parametrize("kind", ["lif", "dynamic"])
def test_a_potential_at_the_threshold_does_not_fire(kind, engine):
    """Without input the first potential is the bias: 1/2 gives no spike, the next number above it does."""
    for bias, fires in ((0.5, 0.0), (np.nextafter(0.5, 1), 1.0)):
        actor = hr.build_actor(hr.ActorSettings(kind, hidden=(3,), steps=1), 2, 1, (-1, 1), 0, engine=engine).double()
        with torch.no_grad():
            for layer in actor.layers:
                layer.weight.zero_(), layer.bias.fill_(bias)
            actor(torch.full((4, 2), 40.0, dtype=torch.float64))
        assert actor.layer_spikes == (0.0, 3 * fires, 10 * fires)
        policy = hr.ControlPolicy(actor.arrays(), clip=np.inf)
        policy([40.0, 40.0])
        assert tuple(policy.layer_spikes) == actor.layer_spikes


@pytest.mark.parametrize("encoder", ["deterministic", "bernoulli"])
@pytest.mark.parametrize("louder", [1.0, 1.0 + 1e-9])  # the second is beyond single precision
@pytest.mark.parametrize("kind", ["lif", "dynamic", "relu"])
@pytest.mark.parametrize("sign", ["grow", "restore"])
def test_acting_is_what_the_network_does(kind, sign, encoder, louder):
    chosen = made(kind, {}, encoder=encoder, dynamics_sign=sign)
    actor = hr.build_actor(chosen, 4, 3, LIMITS, 8).double()
    with torch.no_grad():
        for layer in actor.layers:
            layer.weight.mul_(2 * louder)
    policy = hr.ControlPolicy(actor.arrays(), clip=np.inf, seed=8)
    rng, total = np.random.default_rng(4), 0.0
    for x in rng.normal(size=(30, 4)):
        with torch.no_grad():
            expected = actor(torch.from_numpy(x[None]))[0].numpy()
        np.testing.assert_allclose(policy(x), expected, rtol=1e-12, atol=1e-12)
        assert tuple(policy.layer_spikes) == (actor.layer_spikes or (0.0,) * 4)
        total += actor.spikes
    assert (total > 0) == (kind != "relu")


@pytest.mark.parametrize(("sign", "steps"), [("grow", 50), ("restore", 100)])
@pytest.mark.parametrize("louder", [1.0, 50.0])
def test_the_longest_inference_stays_finite_in_single_precision(sign, steps, louder):
    """A variable that grows by half in every step meets the square of the potential: a hundred steps give NaN."""
    chosen = hr.ActorSettings("dynamic", hidden=(32, 32), steps=steps, dynamics_sign=sign)
    actor = hr.build_actor(chosen, 6, 3, LIMITS, 3)
    with torch.no_grad():
        for layer in actor.layers:
            layer.weight.mul_(louder), layer.bias.mul_(louder)
    actions = actor(observed(actor, 100).float())
    actions.sum().backward()
    assert torch.isfinite(actions).all() and all(torch.isfinite(p.grad).all() for p in actor.parameters())


def test_breakpoints_have_the_gradient_of_the_integral():
    """By finite differences of `PseudoDerivative.integral`."""
    rng, ends = np.random.default_rng(1), (0.3, 0.9)
    x, into = rng.uniform(-1.2, 1.2, 400), rng.normal(size=400)

    def loss(inner: float, outer: float) -> float:
        return float(into @ PseudoDerivative("trapezoid", inner=inner, outer=outer).integral(x))

    pair = torch.tensor(ends, dtype=torch.float64, requires_grad=True)
    Spike.apply(torch.from_numpy(x), pair, PseudoDerivative("triangle")).backward(torch.from_numpy(into))
    e = 1e-6
    expected = [
        (loss(ends[0] + e, ends[1]) - loss(ends[0] - e, ends[1])) / (2 * e),
        (loss(ends[0], ends[1] + e) - loss(ends[0], ends[1] - e)) / (2 * e),
    ]
    np.testing.assert_allclose(pair.grad.numpy(), expected, rtol=1e-6)


def test_learned_breakpoints_begin_where_asked_and_stay_in_order():
    chosen = hr.ActorSettings(hidden=(4,), pseudo="trapezoid", learn_pseudo=True)
    layer = hr.build_actor(chosen, 2, 1, (-1, 1), 0).layers[0]
    np.testing.assert_allclose(layer.breakpoints().detach(), [0.25, 0.75], rtol=1e-6)
    for raw in ([50.0, -50.0], [-50.0, 50.0], [50.0, 50.0]):
        layer.raw_pair.data = torch.tensor(raw)
        inner, outer = layer.breakpoints().tolist()
        assert 0 <= inner < outer and outer > 0
        layer(torch.ones(5, 3, 20), 300).sum().backward()
        assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


@pytest.mark.parametrize("raw", [-90.0, 90.0])
def test_learned_decays_stay_between_0_and_1(raw):
    """In single precision, too: an actor that has learned for long must still be one that can act."""
    actor = hr.build_actor(hr.ActorSettings(hidden=(4,), learn_decays=True), 2, 1, (-1, 1), 0)
    for layer in actor.layers:
        layer.logit_current_decay.data.fill_(raw), layer.logit_voltage_decay.data.fill_(-raw)
    assert np.isfinite(hr.ControlPolicy(actor.arrays())([0.3, -0.2])).all()
    assert torch.isfinite(actor(torch.ones(3, 2))).all()


def test_one_seed_gives_one_actor():
    chosen = made("lif", {}, encoder="bernoulli")
    a, b, other = (hr.build_actor(chosen, 4, 3, LIMITS, seed) for seed in (3, 3, 4))
    x = observed(a, 5).float()
    with torch.no_grad():
        assert torch.equal(a(x), b(x)) and not torch.equal(a(x), other(x))
    decays = a.arrays().arrays["0.current_decay"]
    assert decays.std() > 0.05 and not np.array_equal(decays[:7], a.arrays().arrays["1.current_decay"])


def test_the_state_of_an_encoder_that_draws():
    """Kept and given back, the same numbers come again; a copy draws for itself."""
    actor = hr.build_actor(made("lif", {}, encoder="bernoulli"), 4, 3, LIMITS, 3)
    x, state = observed(actor, 5).float(), actor.random_state
    other = copy.deepcopy(actor)
    with torch.no_grad():
        first, second = actor(x), actor(x)
        assert not torch.equal(first, second)
        assert torch.equal(other(x), first)
        actor.random_state = state
        assert torch.equal(actor(x), first) and torch.equal(actor(x), second)
    assert actor.random_state != state
    with pytest.raises(hr.HeteroError, match="has a random state"):
        actor.random_state = None
    for chosen in (made("lif", {}), made("relu", {})):
        without = hr.build_actor(chosen, 4, 3, LIMITS)
        without.random_state = without.random_state
        with pytest.raises(hr.HeteroError, match="no random state"):
            without.random_state = state


def test_random_numbers_are_those_of_the_seed():
    actor = hr.build_actor(made("lif", {}, encoder="bernoulli"), 4, 3, LIMITS, 3)
    assert actor.random_state == generator(3, "input", "actor").bit_generator.state


def test_an_ordinary_actor():
    actor = hr.build_actor(made("relu", {}), 4, 3, LIMITS, 3).double()
    x, arrays = observed(actor, 6), actor.arrays().arrays
    hidden = x.numpy()
    for k in range(2):
        hidden = np.maximum(hidden @ arrays[f"{k}.weight"] + arrays[f"{k}.bias"], 0)
    drive = hidden @ arrays["2.weight"] + arrays["2.bias"]
    low, high = map(np.array, LIMITS)
    np.testing.assert_allclose(actor(x).detach(), (low + high) / 2 + (high - low) / 2 * np.tanh(drive), rtol=1e-12)
    assert actor.spikes == 0


def test_actions_stay_within_the_limits():
    actor = build(made("lif", {}), louder=30.0)
    with torch.no_grad():
        actor.decoder.weight.mul_(50)
        actions = actor(observed(actor, 200)).numpy()
    low, high = map(np.array, LIMITS)
    assert (actions >= low - 1e-12).all() and (actions <= high + 1e-12).all()
    assert (actions < low + 0.01 * (high - low)).any() and (actions > high - 0.01 * (high - low)).any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hr.build_actor({"kind": "lif"}, 3, 1, (-1, 1)), "settings must be ActorSettings, got dict"),
        (lambda: hr.build_actor(hr.ActorSettings(), 0, 1, (-1, 1)), "observations must be .* got 0"),
        (lambda: hr.build_actor(hr.ActorSettings(), 3, 1.0, (-1, 1)), "actions must be .* got 1.0"),
        (lambda: hr.build_actor(hr.ActorSettings(), 3, 1, 2.0), "limits must be two"),
        (lambda: hr.build_actor(hr.ActorSettings(), 3, 2, ([0, 1, 2], [3, 4, 5])), "limits must have 2 numbers, got 3"),
        (lambda: hr.build_actor(hr.ActorSettings(), 3, 2, ([0, 1], [3, 1])), "got 1 and 1 of action 1"),
        (lambda: hr.build_actor(hr.ActorSettings(), 3, 1, (-np.inf, 1)), "must be finite"),
        (lambda: hr.build_actor(hr.ActorSettings(), 3, 1, (-1, 1), engine="scam"), "did you mean 'scan'"),
        (lambda: hr.build_actor(hr.ActorSettings(), 3, 1, (-1, 1))(torch.zeros(3)), r"\(batch, 3\), got \(3,\)"),
        (
            lambda: hr.build_actor(hr.ActorSettings(), 3, 1, (-1, 1))(torch.zeros(2, 3, dtype=torch.float64)),
            "float64 and torch.float32",
        ),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(hr.HeteroError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
