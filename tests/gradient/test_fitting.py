"""Training: it learns whatever the number of threads, spends fewer spikes if told so, and goes on when interrupted."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.gradient.fitting import Training
from hetero_rsnn.gradient.heads import SampleHead
from hetero_rsnn.gradient.parameters import parameters
from hetero_rsnn.gradient.readouts import Pooling
from hetero_rsnn.gradient.settings import Settings

DRAW = hr.draw(hr.load_network("henhes", n=40, **{"input.channels": 2}), seed=1)


def toy(count: int = 48) -> tuple[list[hr.Stimulus], np.ndarray]:
    """Two classes: which channel comes first."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    samples = []
    for label in labels:
        values = rng.normal(0, 0.3, (int(rng.integers(8, 14)), 2))
        half = len(values) // 2
        values[:half, label] += 2.0
        values[half:, 1 - label] += 2.0
        samples.append(hr.array_stimulus(values, "5 ms"))
    return samples, labels


def training(train: Any = ("w", "w_in", "I_bias"), held_out: Any = range(8), **changes: Any) -> Training:
    samples, labels = toy()
    settings = Settings(**{"epochs": 6, "batch_size": 16, "precision": "double", **changes})
    return Training(
        parameters(DRAW, train),
        SampleHead(Pooling("windows", 2), labels),
        samples,
        np.array(list(held_out), int),
        settings,
    )


def same(a: Training, b: Training) -> None:
    assert a.values.keys() == b.values.keys() and a.best_epoch == b.best_epoch
    for name in a.values:
        np.testing.assert_array_equal(a.values[name], b.values[name], err_msg=name)
        np.testing.assert_array_equal(a.best[name], b.best[name], err_msg=name)
    assert [(e.loss, e.spikes) for e in a.history] == [(e.loss, e.spikes) for e in b.history]


def test_it_learns_and_threads_do_not_matter():
    one, two = training(workers=1), training(workers=2)
    one.run()
    two.run()
    same(one, two)
    assert one.history[-1].loss < 0.5 * one.history[0].loss and one.history[-1].score == 1.0
    assert not np.array_equal(one.draw().plastic.w, DRAW.plastic.w)
    assert not np.array_equal(one.draw().neurons["I_bias"], DRAW.neurons["I_bias"])


def test_a_part_of_many_samples_tells_the_scale(monkeypatch):
    whole = training()
    monkeypatch.setattr("hetero_rsnn.gradient.fitting._LOOKED_AT", 10)
    part = training()
    some, _ = whole.features(DRAW, np.arange(8, 48, 4))
    np.testing.assert_array_equal(part.centre, some.mean(axis=0))
    assert part.scale == some.std() != whole.scale


@pytest.mark.parametrize("train", [["tau_m"], ["tau_syn"], ["v_th"], ["w_in"]])
def test_every_quantity_alone_lowers_the_loss(train):
    """Beside the readout, whose share is what is left with nothing else to train."""
    alone = training(train, learning_rate=0.05)
    alone.run()
    name = train[0]
    assert not np.array_equal(alone.values[name], alone.chosen.values[name])
    assert alone.history[-1].loss < alone.history[0].loss


def test_spikes_have_their_price():
    usual, dear = training(epochs=8), training(epochs=8, target_rate_hz=4.0, spike_weight=0.02)
    usual.run()
    dear.run()
    assert dear.history[-1].spikes < 0.6 * usual.history[-1].spikes
    assert dear.history[-1].score >= 0.75


def test_numbers_are_learned_too():
    samples, labels = toy()
    target = np.stack([labels * 2.0 - 1.0, 3.0 - labels], axis=1)
    found = Training(
        parameters(DRAW),
        SampleHead(Pooling("windows", 2), target),
        samples,
        np.arange(8),
        Settings(epochs=8, batch_size=16),
    )
    found.run()
    assert found.history[-1].validation < 0.5 * found.history[0].validation and found.history[-1].validation < 0.1
    np.testing.assert_allclose(found.values["offset"].shape, 2)


def test_one_that_was_killed_goes_on_bit_by_bit(tmp_path):
    whole = training()
    whole.run()
    first = training()
    for _ in range(3):
        first.epoch()
    first.save(tmp_path / "run")
    second = training(workers=1)
    second.restore(tmp_path / "run")
    second.run(checkpoint=tmp_path / "run")
    same(whole, second)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".npz"]  # of old ones nothing is left
    again = training()
    again.restore(tmp_path / "run.json")
    assert again.over
    same(whole, again)


def test_a_checkpoint_of_another_training_or_a_damaged_one(tmp_path):
    first = training()
    first.epoch()
    first.save(tmp_path / "run")
    for other in (training(learning_rate=0.01), training(["w"]), training(held_out=range(9))):
        with pytest.raises(hr.FileFormatError, match="checkpoint of another training"):
            other.restore(tmp_path / "run")
    with pytest.raises(hr.FileFormatError, match="does not exist"):
        training().restore(tmp_path / "none")
    (arrays,) = tmp_path.glob("*.npz")
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[:-100])
    with pytest.raises(hr.FileFormatError, match="is not what was written"):
        training().restore(tmp_path / "run")
    arrays.unlink()
    with pytest.raises(hr.FileFormatError, match="cannot be read"):
        training().restore(tmp_path / "run")
    about = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**about, "arrays": "../../etc/passwd"}))
    with pytest.raises(hr.FileFormatError, match="must be a file beside it"):
        training().restore(tmp_path / "run")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(hr.FileFormatError, match="cannot be read as JSON"):
        training().restore(tmp_path / "run")


def test_early_stopping_keeps_the_best():
    found = training(epochs=40, patience=3, learning_rate=0.5, schedule="constant")
    found.run()
    assert len(found.history) < 40 and found.over
    losses = [e.validation for e in found.history]
    assert found.best_epoch == int(np.argmin(losses)) == len(losses) - 4


def test_a_loss_that_is_no_number_stops_with_the_last_good_values():
    found = training()
    found.epoch()
    best = {k: v.copy() for k, v in found.best.items()}
    found.values = {**found.values, "readout": np.full_like(found.values["readout"], np.nan)}
    with pytest.raises(hr.DivergedError, match="is no number in epoch 1, batch 0: lower learning_rate") as caught:
        found.epoch()
    for name, value in best.items():
        np.testing.assert_array_equal(found.best[name], value)
    np.testing.assert_array_equal(caught.value.last_good.plastic.w, best["plastic"])
    np.testing.assert_array_equal(caught.value.last_good.w_in, best["w_in"])


def test_a_gradient_that_is_no_number_is_seen_where_the_loss_is_one():
    """Spikes are 0 or 1, whatever the numbers behind them are."""
    wild = training()
    wild.epoch()
    best = dict(wild.best)
    wild.values = {**wild.values, "plastic": np.full_like(wild.values["plastic"], 1e308)}
    with np.errstate(all="ignore"), pytest.raises(hr.HeteroError, match="gradient is no number in epoch 1"):
        wild.epoch()
    for name, value in best.items():
        np.testing.assert_array_equal(wild.best[name], value)


def test_the_price_of_spikes_counts_for_the_best_epoch():
    found = training(epochs=3, target_rate_hz=1.0, spike_weight=1.0)
    found.run()
    fired = found.features(found.draw(), found.held_out)[1]
    scores = found.scores(found.features(found.draw(), found.held_out)[0], found.values)
    seconds = sum(found.samples[k].duration for k in found.held_out) / 1e3
    excess = np.maximum(fired.sum(axis=0) / seconds - 1.0, 0.0)
    expected = found.head.loss(scores, found.held_out)[0] + (excess**2).mean()
    assert found.history[-1].validation == pytest.approx(expected)


def test_a_training_without_validation_comes_back_as_it_was(tmp_path):
    first = training(held_out=())
    first.epoch()
    assert np.isnan(first.history[0].validation)
    first.save(tmp_path / "lr0.01")
    other = training(held_out=(), learning_rate=0.2)
    other.epoch()
    other.save(tmp_path / "lr0.02")  # another name, not another ending
    again = training(held_out=())
    again.restore(tmp_path / "lr0.01")
    assert np.isnan(again.history[0].validation)
    again.run()
    whole = training(held_out=())
    whole.run()
    same(whole, again)


def test_where_nothing_can_be_learned_is_said():
    import dataclasses

    far = dataclasses.replace(DRAW, neurons={**DRAW.neurons, "v_th": DRAW.neurons["v_th"] + 500.0})
    samples, labels = toy(16)
    found = Training(
        parameters(far, ["w_in"]), SampleHead(Pooling("rate"), labels), samples, np.arange(0), Settings(epochs=2)
    )
    with pytest.raises(hr.HeteroError, match="nothing can be learned: widen the pseudo-derivative") as caught:
        found.epoch()
    assert not isinstance(caught.value, hr.DivergedError)


def test_steps_that_lead_away_from_all_thresholds_are_called_too_large():
    """What helped a network that never was near its thresholds would not help here."""
    found = training(["I_bias"])
    found.epoch()
    best = found.best["I_bias"].copy()
    assert best.any()
    found.values = {**found.values, "I_bias": found.values["I_bias"] - 1e6}
    with pytest.raises(hr.DivergedError, match=r"near its threshold any more in epoch 1, .*: lower lea") as caught:
        found.epoch()
    np.testing.assert_array_equal(caught.value.last_good.neurons["I_bias"], DRAW.neurons["I_bias"] + best)


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"spike_weight": -1.0},
        {"target_rate_hz": 0.0},
        {"schedule": "step"},
        {"clip": 0.0},
    ],
)
def test_settings_that_cannot_be(changes):
    with pytest.raises(hr.HeteroError):
        training(**changes)
