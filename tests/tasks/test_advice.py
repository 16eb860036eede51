"""Advice on ways to classify: budgets, the front, the verdict, and one run from end to end."""

from dataclasses import replace

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.tasks.advice_choice import WayScore, cheapest, closest, front, within
from hetero_rsnn.tasks.advice_verdict import judge, paired_difference, saved_share


def score(name, accuracy, energy, kb=1.0):
    return WayScore(name, True, accuracy, 0.0, 1.0, 100, 1.0, 1.0, energy, kb, 1.0)


WAYS = [score("a", 0.9, 10.0, 5.0), score("b", 0.8, 20.0, 3.0), score("c", 0.95, 30.0, 9.0)]


def test_front_leaves_out_what_is_beaten():
    assert [s.name for s in front(WAYS, "energy")] == ["a", "c"]
    assert [s.name for s in front(WAYS, "kb")] == ["b", "a", "c"]


def test_the_most_accurate_way_within_the_budget():
    assert within(WAYS, "kb", 5.0).name == "a"
    assert within(WAYS, "kb", 2.0) is None and closest(WAYS, "kb").name == "b"


def test_the_cheapest_way_within_the_loss():
    assert cheapest(WAYS, 0.05, score("linear", 0.95, 1.0)).name == "a"
    assert cheapest(WAYS, 0.0, score("linear", 0.99, 1.0)).name == "c"


def test_paired_interval_counts_the_four_cells():
    right = np.array([True] * 40 + [False] * 10 + [True] * 30 + [False] * 20)
    other = np.array([True] * 50 + [False] * 50)
    found, low, high = paired_difference(right, other)
    # Cells 40, 10, 30, 20 of 100, half a sample added to each, after Agresti and Min.
    spread = 1.959964 * np.sqrt((10.5 + 30.5) - (10.5 - 30.5) ** 2 / 102) / 102
    assert found == pytest.approx(-0.2)
    assert (low, high) == pytest.approx((-20 / 102 - spread, -20 / 102 + spread))


@pytest.mark.parametrize(
    ("right", "energy", "answer"), [(400, 0.5, "yes"), (300, 0.5, "no"), (400, 0.9, "no"), (394, 0.5, "undecided")]
)
def test_the_verdict(right, energy, answer):
    mine, other = np.arange(400) < right, np.ones(400, dtype=bool)
    found = judge(mine, other, np.full(400, energy), np.ones(400), 0.02, 0.3, 0)
    assert found.answer == answer and not found.resolution


def test_few_samples_say_what_they_cannot_resolve():
    right = np.ones(50, dtype=bool)
    found = judge(right, right, np.full(50, 0.5), np.ones(50), 0.01, 0.3, 0)
    assert found.answer == "undecided" and found.resolution.endswith("below 0.038")


def test_saving_is_of_means():
    assert saved_share(np.array([1.0, 3.0]), np.array([4.0, 4.0]), 0)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "no budget"),
        ({"budget_kb": 1, "budget_ms": 1}, "one budget"),
        ({"budget_kb": -1}, "budget_kb must be"),
        ({"max_loss": 0.1}, "belong together"),
        ({"budget_kb": 1, "seconds": 0}, "seconds must be"),
    ],
)
def test_bad_arguments(given, words):
    with pytest.raises(hr.HeteroError, match=words):
        hr.advise(hr.load_dataset("japanese_vowels"), **given)


@pytest.fixture(scope="module")
def small():
    data = hr.load_dataset("japanese_vowels")
    return replace(data, train=data.train[::3], test=data.test[::10])


def test_the_time_limit_leaves_ways_out(small):
    found = hr.advise(small, budget_spikes=1e-9, overrides={"n": 30}, epochs=1, seconds=1e-6)
    assert [s.name for s in found.scores] == ["linear"] and len(found.skipped) == 6
    assert found.winner is None and "no way that may win" in found.none_meets


def test_nothing_meets_the_budget(small):
    found = hr.advise(small, budget_kb=1e-6, overrides={"n": 30}, epochs=1, seconds=1e-6)
    assert found.winner is None and found.model is None
    assert "closest came linear" in found.none_meets


def test_the_winner_is_tested_on_the_held_out_part(small):
    found = hr.advise(small, budget_kb=1e6, overrides={"n": 30}, epochs=1, seconds=1e-6)
    assert found.winner.n == len(small.test) and found.scores[0].n < len(small.train)
    assert found.winner == found.reference and found.verdict is None
    rows = sum(len(small.X[k]) for k in small.test)
    assert found.winner.ms == pytest.approx(20.0 * rows / len(small.test))
    assert "winner: linear" in str(found) and "<table" in found._repr_html_()
    assert found.to_dict()["validation"] == found.table()
    assert len(found.plot().axes) == 1
