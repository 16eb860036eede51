"""Scores of networks on tasks, for searches: cross-validated inside the training part, and nothing of the test part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import toy

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError, JournalError
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.tasks.scoring import checksum

NET = hr.load_network("henhes", n=30)


def series(count: int = 1, rows: int = 420) -> Dataset:
    """Noisy waves to forecast; the last quarter of each is held out."""
    rng = np.random.default_rng(2)
    waves = [np.sin(np.arange(rows) / (4 + k))[:, None] + rng.normal(0, 0.05, (rows, 1)) for k in range(count)]
    cut = 3 * rows // 4
    return Dataset(
        name="waves", task="forecasting", X=tuple([w[:cut] for w in waves] + [w[cut:] for w in waves]), y=None,
        classes=(), train=np.arange(count), test=np.arange(count, 2 * count), groups=None, interval_ms=None,
        channels=("x",), kind="series", source="made here", licence="none needed", notes="",
        details={"inputs": ["x"], "targets": ["x"]},
    )  # fmt: skip


def test_accuracy_is_that_of_folds_done_by_hand():
    data = toy()
    score = hr.TaskScore(data, folds=2)
    found = score(NET, 3)
    right, spikes, rows = 0, 0.0, 0
    y = data.y[data.train]
    folds = np.empty(len(y), dtype=int)
    for c in np.unique(y):  # dealt out class by class
        members = np.flatnonzero(y == c)
        folds[members] = np.arange(len(members)) % 2
    for fold in (0, 1):
        kept, left = data.train[folds != fold], data.train[folds == fold]
        model = hr.HRSNNClassifier(NET, encoder=hr.CurrentEncoder(gain=2.0), hold="20 ms", seed=3)
        model.fit([data.X[k] for k in kept], data.y[kept])
        right += int((model.predict([data.X[k] for k in left]) == data.y[left]).sum())
        spikes, rows = spikes + model.spikes_.sum(), rows + sum(len(data.X[k]) for k in left)
    assert found == {"C": right / len(data.train), "S": pytest.approx(spikes / rows)}


def test_the_held_out_part_has_no_say():
    data = toy()
    spoiled = replace(data, X=tuple(x if k in data.train else 100.0 * x for k, x in enumerate(data.X)))
    assert hr.TaskScore(data, folds=2)(NET, 1) == hr.TaskScore(spoiled, folds=2)(NET, 1)
    waves = series()
    spoiled = replace(waves, X=(waves.X[0], 100.0 * waves.X[1]))
    assert hr.TaskScore(waves, folds=2)(NET, 1) == hr.TaskScore(spoiled, folds=2)(NET, 1)


def test_whole_groups_are_left_out():
    """A label that the group alone tells is worth nothing for other groups."""
    data = toy(groups=True)
    folds = hr.TaskScore(data, folds=2)._class_folds()
    assert folds is not None
    groups = data.groups[data.train]
    assert all(len(set(folds[groups == g].tolist())) == 1 for g in np.unique(groups))


@pytest.mark.parametrize("count", [1, 3])
def test_skill_is_the_mean_over_pieces_or_whole_series(count):
    data = series(count)
    score = hr.TaskScore(data, folds=3, horizon=2)
    pairs = list(score._series_folds())
    assert len(pairs) == 3
    for kept, left in pairs:
        assert len(left) == 1 and sum(map(len, kept)) + len(left[0]) == sum(len(data.X[k]) for k in data.train)
    skills = []
    for kept, left in pairs:
        encoder = hr.CurrentEncoder(lags=6)
        model = hr.HRSNNForecaster(NET, encoder=encoder, hold="20 ms", horizon=2, seed=0).fit(kept)
        skills.append(model.report(left).skill)
    assert score(NET, 0)["C"] == pytest.approx(np.mean(skills))


def test_the_best_is_measured_on_the_held_out_part():
    data = toy()
    score = hr.TaskScore(data, folds=2)
    found = score.held_out([NET], [0])
    model = hr.HRSNNClassifier(NET, encoder=hr.CurrentEncoder(gain=2.0), hold="20 ms", seed=0)
    X_train, X_test, y_train, y_test = data.split()
    assert found.rows[0].report.accuracy == model.fit(X_train, y_train).score(X_test, y_test)


def test_the_checksum_sees_samples_labels_and_split():
    data = toy()
    X = list(data.X)
    X[-1] = X[-1].copy()
    X[-1][0, 0] += 1e-9
    others = [replace(data, X=tuple(X)), replace(data, y=data.y[::-1].copy()), replace(data, train=data.train[1:])]
    assert len({checksum(d) for d in [data, toy(), *others]}) == 4


def test_what_cannot_be_scored_is_refused():
    data = toy()
    for make, words in (
        (lambda: hr.TaskScore(data, folds=1), "folds must be"),
        (lambda: hr.TaskScore(data, horizon=3), "horizon is for series"),
        (lambda: hr.TaskScore(series(), horizon=0), "horizon must be"),
        (lambda: hr.TaskScore(data, backend="quick"), "unknown backend"),
        (lambda: hr.TaskScore(hr.load_dataset("narma10", samples=400, segments=1)), "targets of its own"),
        (lambda: hr.TaskScore(replace(data, train=data.train[:4])), "one training sample"),
    ):
        with pytest.raises(HeteroError, match=words):
            make()


SEARCH = {"budget": 3, "initial": 3, "seeds": 1, "fresh_seeds": 1, "remeasure": 1, "objective": "capacity"}


def test_a_search_of_a_task_goes_on_with_the_same_data_only(tmp_path: Path):
    data = toy()
    score = hr.TaskScore(data, folds=2)
    space = hr.load_space("quick", n=20, **score.overrides)
    assert space.base.protocol.hold == 20.0
    path = tmp_path / "j.jsonl"
    result = hr.search_function(score, space, journal=path, **SEARCH)
    assert "C is the accuracy on toy, cross-validated in 2 folds of its training part" in str(result)
    assert score(result.best_network, result.settings.fresh_seeds[0])["C"] == result.best_evaluation.C
    again = hr.search_function(score, space, journal=path, resume=True)
    assert str(again) == str(result)
    other = replace(data, y=np.where(np.arange(len(data)) == 0, data.y[1], data.y))
    for wrong, words in (
        (hr.TaskScore(other, folds=2), "its sha256 of the data is '[0-9a-f]{16}', not '[0-9a-f]{16}'"),
        (hr.TaskScore(data, folds=3), "its folds is '2', not '3'"),
        (_plain, "its function is"),
    ):
        with pytest.raises(JournalError, match=words):
            hr.search_function(wrong, space, journal=path, resume=True)


def _plain(network: hr.Network, seed: int) -> dict[str, float]:
    return {"C": 1.0, "S": 0.1}
