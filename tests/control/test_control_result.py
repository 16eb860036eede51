"""What was reached, from events: curves, ends, seeds that were given up; journals of something else."""

import numpy as np
import pytest
from helpers import exit_2, refused

import hetero_rsnn as hr
from hetero_rsnn.common.errors import JournalError
from hetero_rsnn.control.journal_events import event_of
from hetero_rsnn.jobs.journal import Journal
from hetero_rsnn.measures.returns import interquartile_mean

SETTINGS = hr.ControlSettings(hr.ActorSettings(hidden=(8,), pseudo="triangle"), steps=3000, random_steps=0)
HEADER = {"control": "Pendulum-v1", "settings": SETTINGS.to_dict(), "seeds": [3, 1, 8], "versions": {}}
#: By seed: returns of the episodes of each test.
RETURNS = {3: [(-900, -700), (-500, -300), (-160, -140)], 1: [(-1000, -800), (-200, -180)], 8: [(-1100, -1300)] * 3}


def history_of(seed):
    return [hr.ControlTest(1000 * (k + 1), tuple(map(float, r)), 10.0 * seed + k, 2.0 * k) for k, r in
            enumerate(RETURNS[seed])]  # fmt: skip


def written(path, events=(), header=HEADER):
    with Journal.create(path, header) as journal:
        for event in events:
            journal.append(event)
    return path


def all_events():
    return [event_of(seed, test) for seed in RETURNS for test in history_of(seed)]


def test_it_holds_what_the_journal_says(tmp_path):
    found = hr.ControlResult.from_journal(written(tmp_path / "j.jsonl", all_events()))
    assert found.environment == "Pendulum-v1" and found.settings == SETTINGS and found.seeds == (3, 1, 8)
    assert {seed: list(history) for seed, history in found.histories.items()} == {s: history_of(s) for s in RETURNS}
    # Seed 1 has two tests: so many are common to all.
    assert found.steps.tolist() == [1000, 2000] and not found.done
    assert found.returns.tolist() == [[-800, -400], [-900, -190], [-1200, -1200]]
    assert found.spikes.tolist() == [[30, 31], [10, 11], [80, 81]]
    assert found.final().tolist() == [-400, -190, -1200] and found.final(2).tolist() == [-600, -545, -1200]
    assert found.label == "triangle" and "triangle: 3 seeds, return -596.7" in str(found)


def test_the_curve_is_the_interquartile_mean_with_its_interval(tmp_path):
    found = hr.ControlResult.from_journal(written(tmp_path / "j.jsonl", all_events()))
    curve = found.mean_curve()
    assert curve.value.tolist() == [interquartile_mean(column) for column in found.returns.T]
    low, high = found.returns.min(axis=0), found.returns.max(axis=0)
    assert ((low <= curve.low) & (curve.low < curve.value) & (curve.value < curve.high) & (curve.high <= high)).all()
    alone = hr.ControlResult("E-v0", SETTINGS, {0: tuple(history_of(3))}).mean_curve()
    assert np.isnan(alone.low).all() and alone.value.tolist() == [-800, -400, -150]


def test_a_seed_that_was_given_up_is_left_out_until_it_goes_on(tmp_path):
    failed = {"event": "failed", "seed": 1, "error": "step 2044: observation must be finite"}
    found = hr.ControlResult.from_journal(written(tmp_path / "j.jsonl", [*all_events(), failed]))
    assert found.errors == {1: "step 2044: observation must be finite"}
    assert found.steps.tolist() == [1000, 2000, 3000] and found.returns.shape == (2, 3)
    later = event_of(1, hr.ControlTest(3000, (-100.0,), 12.0, 9.0))
    found = hr.ControlResult.from_journal(written(tmp_path / "k.jsonl", [*all_events(), failed, later]))
    assert not found.errors and found.done and found.returns.shape == (3, 3)


def test_more_seeds_may_follow(tmp_path):
    more = [{"event": "seeds", "seeds": [0]}, event_of(0, hr.ControlTest(1000, (-5.0,), 1.0, 1.0))]
    found = hr.ControlResult.from_journal(written(tmp_path / "j.jsonl", [*all_events(), *more]))
    assert found.seeds == (3, 1, 8, 0) and found.tests == 1


def test_plain_data(tmp_path):
    found = hr.ControlResult.from_journal(written(tmp_path / "j.jsonl", all_events())).to_dict()
    assert found["seeds"][1]["returns"] == [[-1000, -800], [-200, -180]] and found["seeds"][1]["seed"] == 1
    assert hr.ControlSettings.from_dict(found["settings"]) == SETTINGS


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"event": "tset", "seed": 3}, "no event 'tset'"),
        ({**event_of(3, history_of(3)[0]), "seed": 4}, "the seed 4 was not announced"),
        ({**event_of(3, history_of(3)[0]), "returns": []}, "returns of a test must be a list"),
        ({**event_of(3, history_of(3)[0]), "returns": [None]}, "a return must be a finite number"),
        ({**event_of(3, history_of(3)[0]), "spikes": -1}, "spikes must be a finite number >= 0"),
        ({"event": "finished", "seed": 3}, "policy must be text"),
        ({"event": "seeds", "seeds": [3]}, "the seed 3 was announced before"),
    ],
)
def test_a_line_that_no_training_wrote_is_named(tmp_path, event, words):
    path = written(tmp_path / "j.jsonl", [event])
    refused(lambda: hr.ControlResult.from_journal(path), words, "2", error=JournalError)


def test_tests_come_in_the_order_of_their_steps(tmp_path):
    path = written(tmp_path / "j.jsonl", [event_of(3, history_of(3)[1]), event_of(3, history_of(3)[0])])
    refused(lambda: hr.ControlResult.from_journal(path), "step must be a whole number >= 2001, got 1000")


def test_the_journal_of_a_search_is_none(tmp_path):
    path = written(tmp_path / "j.jsonl", header={"definition": {}})
    refused(lambda: hr.ControlResult.from_journal(path), "a journal of another kind", error=JournalError)


def test_show_recognises_the_journal(run, tmp_path):
    written(tmp_path / "j.jsonl", all_events())
    code, out, err = run("show", "j.jsonl", "--out", "shown")
    assert code == 0, err
    assert "Pendulum-v1, triangle, 8 hidden neurons, 3,000 steps, not finished" in " ".join(out.split())
    assert "return after 2,000 steps: -596.7 [" in out and "control.png" in out
    assert "(interquartile mean over 3 seeds, and its 95 % interval)" in out
    assert all(len(line.rstrip()) <= 80 for line in out.splitlines() if "wrote" not in line)
    assert (tmp_path / "shown" / "control.png").stat().st_size > 10_000
    exit_2(run("show", "j.jsonl", "--out", "shown"), "exists already")
    exit_2(run("show", "j.jsonl", "--html", "x.html"), "--html and --serve are for journals of search, sweep")
    written(tmp_path / "s.jsonl", header={"definition": {}})
    exit_2(run("show", "j.jsonl", "s.jsonl"), "j.jsonl is of trainings, s.jsonl of a search")
