"""Noise in potentials while training: written again in a plain loop, gone on with bit by bit, and nothing without."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import refused
from test_image_training import LABELS, same, training

import hetero_rsnn as hr
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.gradient.feedforward.image_settings import ImageSettings
from hetero_rsnn.gradient.feedforward.injection import injected
from hetero_rsnn.gradient.feedforward.layers import torch_generator
from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
from hetero_rsnn.gradient.feedforward.neurons import Neurons
from hetero_rsnn.gradient.feedforward.spike import spike_function
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative

pytestmark = pytest.mark.torch


def plain_loop(network, x, noise, forgets):
    """Outputs of an MLP whose neurons get noise, of each layer (steps, batch, neurons); gradients by torch's rules."""
    fire = spike_function(PseudoDerivative.of("triangle"))
    weights = list(network.parameters())
    layers = [m for m in network.modules() if isinstance(m, Neurons)]
    state, outputs = [torch.zeros(1)] * len(layers), []
    for step in range(network.steps):
        h = x
        for k, layer in enumerate(layers):
            carried = 0.0 if forgets else layer.leak * state[k]
            v = carried + h @ weights[2 * k].T + weights[2 * k + 1] + noise[k][step]
            h = fire(v - layer.threshold)
            state[k] = v * (1 - h)
        outputs.append(h @ weights[-2].T + weights[-1])
    return torch.stack(outputs)


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("noise", [0.4, "recorded", 0.0])
def test_noise_is_that_of_a_plain_loop(noise, forgets):
    """Heterogeneous leaks and thresholds: outputs and gradients, in the third batch of a training with seed 7."""
    network = SpikingMLP(12, 4, hidden=(9, 8), steps=3, leak=(0.3, 0.9), threshold=(0.5, 1.5)).double().train()
    x = torch.tensor(np.random.default_rng(0).uniform(0, 1, (20, 12)))
    layers = [m for m in network.modules() if isinstance(m, Neurons)]
    if noise == "recorded":
        network.eval()
        found = hr.record_membranes(network, x)
        network.train()
        drawn = found.independent(int(generator(7, "noise", "training", 3).integers(2**63))).values
        assert all(not v[0].any() and v[1].any() for v in drawn)
    else:
        drawn = []
        for k, (layer, n) in enumerate(zip(layers, (9, 8), strict=True)):
            draw = torch_generator(7, "noise", "training", k, 3)
            normal = torch.randn((3, 20, n), generator=draw, dtype=torch.float64)
            drawn.append(normal * noise * layer.threshold.double())
    with injected(network, x, noise, forgets=forgets, seed=7, batch=3):
        outputs = network(x)
    expected = plain_loop(network, x, drawn, forgets)
    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-12)
    assert network.training and all(layer.noise is None and not layer.forgets for layer in layers)
    assert torch.equal(outputs, network(x)) == (noise == 0.0 and not forgets)
    for a, b in zip(
        torch.autograd.grad(outputs.square().sum(), list(network.parameters())),
        torch.autograd.grad(expected.square().sum(), list(network.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("mlp", {"noise": 0.3}),
        ("conv", {"noise": 0.2, "membranes": "replaced", "consistency": 0.01}),
        ("rate", {"noise": "recorded"}),
        ("mlp", {"noise": "recorded", "membranes": "replaced"}),
    ],
)
def test_a_training_with_noise_goes_on_bit_by_bit(name, changes, tmp_path):
    before = torch.get_rng_state()
    whole = training(name, epochs=3, **changes)
    whole.run()
    assert torch.equal(torch.get_rng_state(), before)
    assert whole.history[-1].loss < whole.history[0].loss
    first = training(name, epochs=3, **changes)
    first.epoch()
    first.save(tmp_path / "run")
    second = training(name, epochs=3, **changes)
    second.restore(tmp_path / "run")
    second.run()
    same(whole, second)
    for other in ({"noise": 0.31}, {}, {"membranes": "replaced", "noise": 0.7}):
        one = training(name, epochs=3, **other)
        refused(lambda one=one: one.restore(tmp_path / "run"), "another training", error=hr.FileFormatError)


def test_without_noise_nothing_is_new():
    """Settings are told as before there was noise, so that older checkpoints can be gone on with."""
    for settings in (ImageSettings(noise=0.0), ImageSettings(noise=0)):
        assert not {"noise", "membranes"} & dict(settings.said()).keys()
    assert dict(ImageSettings(noise=0.1).said())["noise"] == 0.1
    assert dict(ImageSettings(membranes="replaced").said())["membranes"] == "replaced"
    one, other = training(epochs=1), training(epochs=1, noise=0.0, membranes="carried")
    assert one.fingerprint == other.fingerprint


def test_noise_changes_what_is_learned_and_not_what_is_asked():
    """In evaluation there is no noise, and membranes carry."""
    clf = hr.SpikingImageClassifier(
        "mlp", hidden=(20,), steps=3, training_epochs=2, noise=0.3, membranes="replaced", learning_rate=0.01
    )
    x = training().images.reshape(400, 64)
    clf.fit(x, LABELS)
    quiet = hr.SpikingImageClassifier("mlp", hidden=(20,), steps=3, training_epochs=2, learning_rate=0.01).fit(
        x, LABELS
    )
    scores = clf.decision_function(x)
    np.testing.assert_array_equal(scores, clf.decision_function(x))
    assert not np.array_equal(scores, quiet.decision_function(x)) and clf.score(x, LABELS) > 0.3
    carried = clf.network_
    assert carried.spec() == quiet.network_.spec()
    one = hr.record_membranes(carried, torch.tensor(x[:5]))
    assert one.values[0][1].any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"noise": -0.1}, "noise must be a finite number >= 0"),
        ({"noise": float("nan")}, "noise must be"),
        ({"noise": "normal"}, "unknown noise 'normal'"),
        ({"noise": None}, "noise must be"),
        ({"membranes": "none"}, "unknown membranes 'none'"),
        ({"membranes": None}, "membranes"),
    ],
)
def test_options_that_are_refused(options, said):
    refused(lambda: ImageSettings(**options), said)
    refused(lambda: hr.SpikingImageClassifier("mlp", **options).fit(np.zeros((4, 3)), [0, 1, 0, 1]), said)


def test_networks_that_are_refused():
    for options in ({"noise": 0.1}, {"noise": "recorded"}, {"membranes": "replaced"}):
        said = "noise and membranes are for networks of spiking neurons, got OrdinaryConvNet"
        refused(lambda options=options: training("ordinary conv", **options), said)
        clf = hr.SpikingImageClassifier("mlp", method="conversion", **options)
        refused(lambda clf=clf: clf.fit(np.zeros((4, 3)), [0, 1, 0, 1]), "noise and membranes are for direct training")

    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = SpikingMLP(64, 10, hidden=(8,))

        def forward(self, x):
            return self.inner(x)

    x, y = training("mlp").images, LABELS
    refused(
        lambda: hr.SpikingImageClassifier(Own(), noise="recorded").fit(x, y),
        "'recorded' needs a SpikingNetwork, got Own",
    )
    clf = hr.SpikingImageClassifier(Own(), noise=0.2, training_epochs=1).fit(x, y)  # a number will do
    assert clf.training_[0].loss != hr.SpikingImageClassifier(Own(), training_epochs=1).fit(x, y).training_[0].loss
