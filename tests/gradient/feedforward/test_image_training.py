"""Training on images: it learns, goes on where it was stopped bit by bit, and refuses what is not its own."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from helpers import refused
from sklearn.datasets import load_digits

import hetero_rsnn as hr
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP
from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryConvNet, OrdinaryMLP
from hetero_rsnn.gradient.feedforward.running import answers, as_input, torch_threads
from hetero_rsnn.gradient.feedforward.training import ImageSettings, ImageTraining

pytestmark = pytest.mark.torch

DIGITS, LABELS = load_digits(return_X_y=True)
IMAGES = (DIGITS / 16).astype(np.float32).reshape(-1, 1, 8, 8)[:400]
LABELS = LABELS[:400]


def networks():
    return {
        "mlp": SpikingMLP(64, 10, hidden=(32,), steps=3, normalisation="tebn", dropout=0.2),
        "conv": SpikingConvNet((1, 8, 8), 10, channels=(4, 8), blocks=1, steps=3, normalisation="batch"),
        "rate": SpikingMLP(64, 10, hidden=(32,), steps=3, coding="rate", leak=[0.3, 0.9], trainable=["leak"]),
        "ordinary mlp": OrdinaryMLP(64, 10, hidden=(32,), dropout=0.1),
        "ordinary conv": OrdinaryConvNet((1, 8, 8), 10, channels=(4, 8), blocks=0),
    }


def training(name="mlp", **changes):
    network = networks()[name]
    images = IMAGES.reshape(400, 64) if name in ("mlp", "rate") else IMAGES
    sgd = name.startswith("ordinary")
    usual = {
        "epochs": 4,
        "batch_size": 50,
        "optimiser": "sgd" if sgd else "adam",
        "learning_rate": 0.05 if sgd else 1e-2,
    }
    settings = ImageSettings(**{**usual, **changes})
    return ImageTraining(network, images, LABELS, np.arange(0, 400, 8), settings)


def same(a, b):
    assert a.best_epoch == b.best_epoch and [(e.loss, e.score) for e in a.history] == [
        (e.loss, e.score) for e in b.history
    ]
    for name, value in a.network.state_dict().items():
        assert torch.equal(value, b.network.state_dict()[name]), name


@pytest.mark.parametrize("name", list(networks()))
def test_it_learns_and_goes_on_bit_by_bit(name, tmp_path):
    changes = {"shift": 1, "consistency": 0.01} if "conv" in name else {"flip": True}
    before = torch.get_rng_state()
    whole = training(name, **changes)
    whole.run()
    assert torch.equal(torch.get_rng_state(), before)
    assert whole.history[-1].loss < 0.95 * whole.history[0].loss and whole.history[-1].validation < math.log(10)
    first = training(name, **changes)
    for _ in range(2):
        first.epoch()
    first.save(tmp_path / "run")
    second = training(name, **changes)
    second.restore(tmp_path / "run")
    second.run(checkpoint=tmp_path / "run")
    same(whole, second)
    again = training(name, **changes)
    again.restore(tmp_path / "run.json")
    again.run()
    same(whole, again)
    for other in (training(name, **{**changes, "learning_rate": 0.02}), training(name, batch_size=26, **changes)):
        refused(lambda one=other: one.restore(tmp_path / "run"), "another training", error=hr.FileFormatError)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".npz"]
    json.loads((tmp_path / "run.json").read_text())


@pytest.mark.parametrize(
    "changes", [{"loss": "tet"}, {"consistency": 0.05}, {"schedule": "constant"}, {"weight_decay": 0.1}]
)
def test_what_is_said_of_the_training_changes_it(changes):
    one, other = training(epochs=1), training(epochs=1, **changes)
    one.run()
    other.run()
    assert any(not torch.equal(v, other.network.state_dict()[k]) for k, v in one.network.state_dict().items())


def test_the_best_epoch_counts_and_patience_ends_it():
    one = training(epochs=40, learning_rate=0.05, patience=2)
    one.run()
    assert one.best_epoch == min(range(len(one.history)), key=lambda k: one.history[k].validation)
    assert len(one.history) == min(40, one.best_epoch + 3)
    for name, value in one.network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), one.best[name])
    found = answers(one.network, one.images, one.held_out).mean(axis=1)
    assert (found.argmax(axis=1) == LABELS[one.held_out]).mean() == one.history[one.best_epoch].score


def test_images_that_are_moved_are_those_of_a_loop():
    one = training("conv", shift=3, flip=True)
    x = torch.from_numpy(np.random.default_rng(0).random((20, 2, 8, 7)).astype(np.float32))
    moved = one._moved(x, np.random.default_rng(5)).numpy()
    rng = np.random.default_rng(5)
    down, right = (rng.integers(-3, 4, 20) for _ in range(2))
    mirrored = rng.random(20) < 0.5
    assert mirrored.any() and not mirrored.all()
    for k in range(20):
        image = x[k].numpy()[:, :, ::-1] if mirrored[k] else x[k].numpy()
        wanted = np.zeros_like(image)
        for row in range(8):
            for column in range(7):
                a, b = row - down[k], column - right[k]
                if 0 <= a < 8 and 0 <= b < 7:
                    wanted[:, row, column] = image[:, a, b]
        np.testing.assert_array_equal(moved[k], wanted)
    events = torch.arange(2 * 3 * 1 * 8 * 7.0).reshape(2, 3, 1, 8, 7)
    found = one._moved(events, np.random.default_rng(5))
    steps = [one._moved(events[:, t], np.random.default_rng(5)) for t in range(3)]
    assert torch.equal(found, torch.stack(steps, dim=1))


def test_bytes_are_pixels_and_counts_of_events_stay_counts():
    pixels = np.array([[[[0, 51, 255]]]], np.uint8)
    assert torch.allclose(as_input(pixels), torch.tensor([[[[0.0, 0.2, 1.0]]]]))
    assert as_input(pixels[None]).flatten().tolist() == [0.0, 51.0, 255.0]


def test_threads_are_those_of_before_afterwards():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before


def test_what_is_refused():
    refused(lambda: ImageSettings(epochs=0), "epochs must be")
    refused(lambda: ImageSettings(consistency=-1.0), "consistency must be")
    refused(lambda: ImageSettings(loss="tit"), "loss")
    refused(lambda: training("ordinary mlp", loss="tet"), "loss='tet' is for spiking networks")
    network = networks()["mlp"]
    refused(
        lambda: ImageTraining(network, IMAGES, LABELS, np.arange(400), ImageSettings()), "no image is left to train on"
    )
    wild = training()
    with torch.no_grad():
        wild.network.layers[-1].bias.fill_(math.nan)
    refused(wild.run, "the loss is no number in epoch", "lower learning_rate")


def plain(size, count, **changes):
    """A network without normalisation on so many images."""
    network = SpikingMLP(64, 10, hidden=(16,), steps=3)
    settings = ImageSettings(
        **{"epochs": 3, "batch_size": size, "learning_rate": 1e-2, "schedule": "cosine", **changes}
    )
    return ImageTraining(network, IMAGES.reshape(400, 64)[:count], LABELS[:count], np.arange(0), settings)


def test_batches_of_one_image_teach_and_every_image_is_shown():
    one = plain(1, 60)
    one.run()
    assert one.taken == one.steps == 180 and one.history[-1].loss < 0.9 * one.history[0].loss
    rest = plain(20, 41)  # one is left
    rest.run()
    assert rest.taken == rest.steps == 9
    normalised = training("mlp", batch_size=59, epochs=2)  # 350 images: 5 batches, and 55 images
    assert normalised.steps == 12
    for name in ("mlp", "conv", "ordinary mlp"):
        refused(lambda name=name: training(name, batch_size=1), "needs batches of 2 images or more, got batch_size=1")


def test_the_mean_is_that_of_the_images_shown():
    """One image of 51 is left over, which a normalisation cannot take."""
    network = SpikingMLP(64, 10, hidden=(16,), steps=2, normalisation="batch")
    settings = ImageSettings(epochs=1, batch_size=25, learning_rate=1e-12)
    one = ImageTraining(network, IMAGES.reshape(400, 64)[:51], LABELS[:51], np.arange(0), settings)
    found, losses = one.epoch(), []
    order = generator(0, "training", "order", 0).permutation(51)
    network.train()
    with torch.no_grad():
        for low in (0, 25):
            part = order[low : low + 25]
            x, y = torch.from_numpy(IMAGES.reshape(400, 64)[part]), torch.from_numpy(LABELS[part])
            losses.append(torch.nn.functional.cross_entropy(network(x).mean(0), y).item())
    assert one.steps == one.taken == 2
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_a_validation_that_is_no_number_ends_the_training():
    images, held_out = IMAGES.reshape(400, 64).copy(), np.arange(0, 400, 8)
    images[held_out] = 3e38
    one = ImageTraining(torch.nn.Linear(64, 10), images, LABELS, held_out, ImageSettings(epochs=1, learning_rate=0.1))
    refused(one.run, "the loss of the images held out is no number in epoch 0", "scale the images")


@pytest.mark.parametrize(
    ("key", "value"),
    [("history", 5), ("history", [{"x": 1}]), ("history", None), ("taken", "a"), ("best_epoch", []), ("taken", None)],
)
def test_a_checkpoint_with_other_types(key, value, tmp_path):
    one = training()
    one.epoch()
    path = one.save(tmp_path / "run")
    about = json.loads(path.read_text())
    for changed in ({**about, key: value}, {k: v for k, v in about.items() if k != key}):
        path.write_text(json.dumps(changed))
        refused(lambda: training().restore(path), "run.json is damaged", error=hr.FileFormatError)
