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
from hetero_rsnn.gradient.feedforward.one_bit import one_bit_layers
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
        "bits": SpikingMLP(64, 10, hidden=(24, 24, 24), steps=2, normalisation="tebn", weights="1bit", dropout=0.1),
        "bits conv": SpikingConvNet(
            (1, 8, 8), 10, channels=(4, 8), steps=2, normalisation="batch", weights="1bit", shortcuts=True
        ),
        "rate": SpikingMLP(64, 10, hidden=(32,), steps=3, coding="rate", leak=[0.3, 0.9], trainable=["leak"]),
        "ordinary mlp": OrdinaryMLP(64, 10, hidden=(32,), dropout=0.1),
        "ordinary conv": OrdinaryConvNet((1, 8, 8), 10, channels=(4, 8), blocks=0),
    }


def teacher(kind="ordinary", seed=3):
    """One that answers once or in steps, with statistics of its own."""
    made = {
        "ordinary": lambda: OrdinaryConvNet((1, 8, 8), 10, channels=(3,), seed=seed),
        "spiking": lambda: SpikingConvNet((1, 8, 8), 10, channels=(3,), steps=5, normalisation="batch", seed=seed),
        "flat": lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10).requires_grad_(False)),
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return made[kind]().train()


def training(name="mlp", teacher=None, **changes):
    network = networks()[name]
    images = IMAGES.reshape(400, 64) if name in ("mlp", "rate", "bits") else IMAGES
    sgd = name.startswith("ordinary")
    usual = {
        "epochs": 4,
        "batch_size": 50,
        "optimiser": "sgd" if sgd else "adam",
        "learning_rate": 0.05 if sgd else 1e-2,
    }
    settings = ImageSettings(**{**usual, **changes})
    return ImageTraining(network, images, LABELS, np.arange(0, 400, 8), settings, teacher=teacher)


def same(a, b):
    assert a.best_epoch == b.best_epoch and [(e.loss, e.score) for e in a.history] == [
        (e.loss, e.score) for e in b.history
    ]
    for name, value in a.network.state_dict().items():
        assert torch.equal(value, b.network.state_dict()[name]), name


@pytest.mark.parametrize("name", list(networks()))
def test_it_learns_and_goes_on_bit_by_bit(name, tmp_path):
    changes = {"shift": 1, "consistency": 0.01} if "conv" in name else {"flip": True}
    if "bits" in name:
        changes |= {"full_epochs": 2, "weight_decay": 0.05, "epochs": 6}
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


@pytest.mark.parametrize("name", ["bits", "bits conv"])
@pytest.mark.parametrize("stop", [1, 2, 3])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_either_stage_goes_on_bit_by_bit(name, stop, optimiser, tmp_path):
    """Stopped in the epochs of full weights, between, and in those of 1 bit; after every epoch the same checkpoint."""
    changes = {"epochs": 4, "full_epochs": 2, "weight_decay": 0.05, "optimiser": optimiser, "learning_rate": 0.02}
    whole = training(name, teacher=teacher("ordinary") if "conv" in name else None, **changes)
    whole.run()
    first = training(name, teacher=teacher("ordinary") if "conv" in name else None, **changes)
    for _ in range(stop):
        first.epoch()
    assert {int(layer.binary) for layer in one_bit_layers(first.network)} == {int(stop > 2)}
    first.save(tmp_path / "run")
    second = training(name, teacher=teacher("ordinary") if "conv" in name else None, **changes)
    second.restore(tmp_path / "run")
    assert {int(layer.binary) for layer in one_bit_layers(second.network)} == {int(stop > 2)}
    second.run()
    same(whole, second)
    assert all(layer.binary == 1 for layer in one_bit_layers(second.network)) and second.best_epoch >= 2


def test_stages_have_their_own_rates_decay_and_best_epoch():
    one = training("bits", epochs=6, full_epochs=4, weight_decay=0.1, learning_rate=0.02, patience=1)
    begin, epochs = one.optimiser, []
    for number in range(6):
        assert not one.over or number > 4
        rate = one._rate()
        # A cosine over the epochs of each stage.
        done, of = (number, 4) if number < 4 else (number - 4, 2)
        assert rate == pytest.approx(0.01 * (1 + math.cos(math.pi * done / of)))
        one.epoch()
        (group,) = one.optimiser.param_groups
        assert group["weight_decay"] == (0.1 if number < 4 else 0.0) and (one.optimiser is begin) == (number < 4)
        epochs.append(one.best_epoch)
    held = [e.validation for e in one.history]
    assert epochs[3] == int(np.argmin(held[:4])) and epochs[4] == 4 and epochs[5] == 4 + int(np.argmin(held[4:]))
    # Full weights of the first stage do better than 1 bit at its first epoch, and still are not the best.
    assert one.best_epoch >= 4 and all(v == 1 for k, v in one.best.items() if k.endswith("binary"))


def test_full_weights_of_the_first_stage_learn_as_those_of_a_full_network():
    """Bit by bit: from equal weights, until the first epoch of 1 bit."""
    one, other = training("bits", epochs=4, full_epochs=3, schedule="constant"), training("bits", epochs=1)
    full = SpikingMLP(64, 10, hidden=(24, 24, 24), steps=2, normalisation="tebn", dropout=0.1)
    full.load_state_dict({k: v for k, v in one.network.state_dict().items() if not k.endswith("binary")})
    settings = ImageSettings(epochs=4, batch_size=50, learning_rate=1e-2, schedule="constant")
    plain = ImageTraining(full, one.images, LABELS, one.held_out, settings)
    for _ in range(3):
        assert one.epoch().loss == plain.epoch().loss
    for name, value in plain.network.state_dict().items():
        assert torch.equal(value, one.network.state_dict()[name]), name
    assert one.epoch().loss != plain.epoch().loss
    other.run()
    assert other.network.layers[3].synapses.signs().dtype == np.int8


def by_hand(kind, loss, scores, taught, tau=2.0):
    """Sums over samples and classes, one by one."""

    def probabilities(row, tau):
        powers = [math.exp(v / tau) for v in row]
        return [v / sum(powers) for v in powers]

    total = 0.0
    for row, other in zip(scores.tolist(), taught.tolist(), strict=True):
        if kind == "pure":
            p, q = probabilities(other, 1.0), probabilities(row, 1.0)
            total += sum(-a * math.log(b) for a, b in zip(p, q, strict=True))
        else:
            p, q = probabilities(other, tau), probabilities(row, tau)
            total += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    mean = total / len(scores)
    return mean if kind == "pure" else 0.5 * loss + 0.5 * tau**2 * mean


@pytest.mark.parametrize("kind", ["mixed", "pure"])
@pytest.mark.parametrize("taught_by", ["ordinary", "spiking", "flat"])
@pytest.mark.parametrize(
    ("name", "loss"), [("conv", "cross_entropy"), ("conv", "tet"), ("ordinary conv", "cross_entropy")]
)
def test_losses_with_a_teacher(kind, taught_by, name, loss):
    if kind == "pure" and loss == "tet":
        refused(lambda: training(name, distillation=kind, loss=loss), "loss='tet' is of labels", "'mixed'")
        return
    told = teacher(taught_by)
    before = {k: v.clone() for k, v in told.state_dict().items()}
    for consistency in (0.0, 0.5):
        one = training(name, teacher=told, distillation=kind, loss=loss, consistency=consistency)
        other = training(name, loss=loss)
        alone = training(name, loss=loss, consistency=consistency)
        for t in (one, other, alone):
            t.network.eval()
        x, y = torch.from_numpy(IMAGES[:9]), torch.from_numpy(LABELS[:9])
        found, scores = one._loss(x, y)
        labelled, scores_too = other._loss(x, y)
        regulariser = (alone._loss(x, y)[0] - labelled).item()
        assert torch.equal(scores, scores_too) and (regulariser != 0) == (consistency > 0)
        told.eval()
        with torch.no_grad():
            taught = told(x).mean(0) if taught_by == "spiking" else told(x)
        told.train()
        expected = by_hand(kind, labelled.item(), scores.detach(), taught) + regulariser
        assert found.item() == pytest.approx(expected, rel=1e-5)
        found.backward()
        assert any(p.grad is not None and p.grad.any() for p in one.network.parameters())
        assert not any(p.requires_grad for p in one.teacher.network.parameters())
    # Nobody else's network changes.
    assert told.training and all(torch.equal(v, told.state_dict()[k]) for k, v in before.items())


def test_what_a_teacher_sees_is_what_the_network_sees(monkeypatch):
    seen: dict[str, list[torch.Tensor]] = {"teacher": [], "network": []}
    one = training("conv", teacher=teacher(), shift=2, flip=True, epochs=1)
    one.network.register_forward_pre_hook(lambda _, given: seen["network"].append(given[0].clone()))
    one.teacher.network.register_forward_pre_hook(lambda _, given: seen["teacher"].append(given[0].clone()))
    one._learn(one.shown, np.random.default_rng(0), 0)
    assert len(seen["teacher"]) == len(seen["network"]) == 7
    assert all(torch.equal(a, b) for a, b in zip(seen["teacher"], seen["network"], strict=True))
    assert not torch.equal(seen["network"][0], torch.from_numpy(IMAGES[one.shown[:50]]))
    statistics = [v for k, v in one.teacher.network.state_dict().items() if "running" in k]
    fresh = [v for k, v in teacher().state_dict().items() if "running" in k]
    assert statistics and all(torch.equal(a, b) for a, b in zip(statistics, fresh, strict=True))


def test_a_network_learns_what_its_teacher_says():
    """With the teacher's probabilities alone it comes to say the same, wrong as that is."""
    wrong = (LABELS + 1) % 10
    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    with torch.no_grad():
        x = torch.from_numpy(IMAGES.reshape(400, 64)).double()
        one_hot = torch.eye(10, dtype=torch.float64)[wrong]
        found = torch.linalg.lstsq(torch.cat([x, torch.ones(400, 1)], 1), 8 * one_hot, driver="gelsd").solution
        linear[1].weight.copy_(found[:-1].T)
        linear[1].bias.copy_(found[-1])
    one = training("conv", teacher=linear, distillation="pure", epochs=12, learning_rate=0.03)
    for _ in range(12):  # the best epoch is chosen by labels, which the teacher never says
        one.epoch()
    decided = answers(one.network, IMAGES, np.arange(400)).mean(axis=1).argmax(axis=1)
    assert (decided == wrong).mean() > 0.7 and (decided == LABELS).mean() < 0.2


def test_checkpoints_belong_to_their_teacher(tmp_path):
    one = training("conv", teacher=teacher())
    one.epoch()
    one.save(tmp_path / "run")
    training("conv", teacher=teacher()).restore(tmp_path / "run")
    moved = teacher()
    with torch.no_grad():
        next(moved.parameters())[0, 0, 0, 0] += 1e-6
    others = ({"teacher": moved}, {"teacher": teacher("spiking")}, {}, {"teacher": teacher(), "distillation": "pure"})
    for other in others:
        refused(
            lambda other=other: training("conv", **other).restore(tmp_path / "run"),
            "another training", error=hr.FileFormatError,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("conv", {"teacher": OrdinaryMLP}, "teacher must be a torch.nn.Module, got <class"),
        ("conv", {"teacher": "strong"}, "teacher must be a torch.nn.Module, got 'strong'"),
        ("conv", {"distillation": "soft"}, "unknown distillation 'soft'"),
        ("conv", {"distillation": "pure"}, "distillation='pure' needs a teacher, got none"),
        ("conv", {"full_epochs": 2}, "full_epochs is for 1-bit weights, and SpikingConvNet has none"),
        ("bits", {"full_epochs": 4}, "full_epochs must be below the 4 epochs, the last of which have"),
        ("bits", {"full_epochs": -1}, "full_epochs must be a whole number >= 0"),
        ("bits", {"weight_decay": 0.1}, "weight_decay=0.1 is for full weights"),
    ],
)  # fmt: skip
def test_stages_and_teachers_that_are_refused(name, changes, said):
    refused(lambda: training(name, **changes), said)


def test_teachers_that_do_not_fit():
    for odd, said in (
        (OrdinaryMLP(64, 7, hidden=(5,)), "the teacher knows 7 classes, the network 10: give a teacher of the same"),
        (OrdinaryConvNet((1, 9, 9), 10, channels=(3,)), "the teacher does not fit: the input must have the shape"),
        (torch.nn.Linear(64, 10).requires_grad_(False), "the teacher does not fit: Linear cannot take images"),
        (OrdinaryMLP(64, 10, hidden=(5,)).bfloat16(), "is of torch.bfloat16: call float()"),
    ):
        refused(lambda odd=odd: training("conv", teacher=odd), said)
