"""The table of all ways to stop: each row against the rule it stands for."""

import json

import numpy as np
import pytest
from test_cutoff import lead, noisy

from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.measures.conformal import fit_conformal
from hetero_rsnn.measures.cutoff import fit_cutoff, optimal_cutoff_time
from hetero_rsnn.measures.cutoff_curve import choose_epsilon, evaluate_cutoff
from hetero_rsnn.measures.cutoff_table import compare_cutoffs
from hetero_rsnn.measures.probabilities import fit_temperature
from hetero_rsnn.measures.scores import wilson

CALIBRATION, TEST = noisy(300, 1), noisy(250, 2)
TEMPERATURE = fit_temperature(*noisy(100, 3))


@pytest.fixture(scope="module")
def table():
    spikes = [np.arange(len(s)) for s in TEST[0]]
    return compare_cutoffs(*CALIBRATION, *TEST, spikes=spikes, loss=0.02, temperature=TEMPERATURE)


def test_rows_are_those_of_the_curve(table):
    spikes = [np.arange(len(s)) for s in TEST[0]]
    for kind in ("gap", "probability"):
        curve = evaluate_cutoff(*CALIBRATION, *TEST, spikes=spikes, loss=0.02, confidence=kind, temperature=TEMPERATURE)
        for rule, point in ((kind, curve.chosen), ("full", curve.full), ("bound", curve.bound)):
            row = table[rule]
            for name in ("accuracy", "low", "high", "time", "spikes_saved"):
                assert getattr(row, name) == getattr(point, name), (rule, name)
            assert row.factor == pytest.approx(curve.full.time / point.time, rel=1e-14)
            assert row.behind == pytest.approx(point.time - curve.bound.time, abs=1e-12)
            assert row.coverage is row.coverage_low is None
        epsilon = choose_epsilon(*CALIBRATION, loss=0.02, confidence=kind, temperature=TEMPERATURE)
        assert table[kind].setting == f"epsilon = {epsilon:g}"
        rule = fit_cutoff(*CALIBRATION, epsilon, confidence=kind, temperature=TEMPERATURE)
        assert table[kind].time == rule.decide(TEST[0]).times.mean()
    assert [r.rule for r in table.rows] == ["full", "fixed", "gap", "probability", "conformal", "bound"]
    assert table["bound"].time == optimal_cutoff_time(*TEST).mean() and table["bound"].behind == 0
    assert 1 == table["full"].factor < table["gap"].factor < table["bound"].factor
    assert table["gap"].time != table["probability"].time


def test_the_row_of_the_sets(table):
    rule = fit_conformal(*CALIBRATION, 0.1, temperature=TEMPERATURE)
    found, row = rule.decide(TEST[0]), table["conformal"]
    assert (row.time, row.accuracy) == (found.times.mean(), (found.labels == TEST[1]).mean())
    assert row.coverage == rule.coverage(*TEST)
    assert (row.coverage_low, row.coverage_high) == wilson(round(250 * row.coverage), 250)
    assert row.setting == "alpha = 0.1 at 10, 20, 30, 40"
    other = compare_cutoffs(*CALIBRATION, *TEST, alpha=0.2, checkpoints=[7], most=2)
    assert other["conformal"].setting == "alpha = 0.2 at 7, 40" and other.temperature == 1.0
    loose = fit_conformal(*CALIBRATION, 0.2, checkpoints=[7], most=2)
    assert other["conformal"].time == loose.decide(TEST[0]).times.mean()


def test_the_fixed_time_is_the_earliest_that_keeps_the_loss_in_calibration(table):
    right = [
        np.mean([s[min(t, len(s)) - 1].argmax() == y for s, y in zip(*CALIBRATION, strict=True)]) for t in range(1, 41)
    ]
    step = next(t for t, share in enumerate(right, start=1) if share >= right[-1] - 0.02 - 1e-12)
    assert table["fixed"].setting == f"step {step}" and step < 40
    assert table["fixed"].time == np.mean([min(step, len(s)) for s in TEST[0]])
    at_once = compare_cutoffs(*CALIBRATION, *TEST, loss=1.0)
    assert at_once["fixed"].setting == "step 1" and at_once["fixed"].time == 1


def test_by_hand():
    scores = [lead(5, 5, 5, 5), lead(-1, -1, 2, 2), lead(4, 4), lead(-1, -1, -1, -1)]
    table = compare_cutoffs(scores * 10, [1, 1, 1, 0] * 10, scores, [1, 1, 1, 0], alpha=0.25, loss=0.0)
    # Fixed: the second is right from step 3 on. Optimal: 1, 3, 1 and 1.
    assert table["fixed"].setting == "step 3" and table["fixed"].time == 2.75
    bound = table["bound"]
    assert (bound.time, bound.accuracy, bound.factor) == (1.5, 1.0, 3.5 / 1.5)
    assert table["full"].behind == 2.0 and table["full"].spikes_saved is None


def test_it_is_shown_as_text_html_and_json(table):
    text, page = str(table), table._repr_html_()
    for word in ("full length", "fixed time", "Top-K gap", "softmax confidence", "conformal sets", "optimal (OCT)"):
        assert word in text and word in page
    head = text.splitlines()[1].split("  ")
    assert [h.strip() for h in head if h.strip()] == [
        "rule", "setting", "accuracy", "mean steps", "fewer steps", "behind OCT", "spikes saved", "coverage",
    ]  # fmt: skip
    gap = next(line for line in text.splitlines() if line.startswith("Top-K"))
    assert f"{table['gap'].accuracy:.4f} [" in gap and f"x {table['gap'].factor:.2f}" in gap
    assert "300 calibration samples for a loss of at most 2 points, 250 test samples" in text
    plain = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert plain["rows"][2]["rule"] == "gap" and plain["rows"][2]["time"] == table["gap"].time
    without = compare_cutoffs(*CALIBRATION, *TEST, alpha=None)
    assert "coverage" not in str(without) and "spikes" not in str(without) and without.alpha is None
    assert [r.rule for r in without.rows] == ["full", "fixed", "gap", "probability", "bound"]


def test_where_no_epsilon_keeps_the_loss_nobody_stops_early():
    rng = np.random.default_rng(0)
    scores = [lead(g, g * (-1) ** i) for i, g in enumerate(rng.uniform(1, 9, 100))]
    labels = np.array([1, 0] * 50)
    table = compare_cutoffs(scores, labels, scores, labels, loss=0.0, epsilons=[0.6])
    for rule in ("gap", "probability"):
        assert table[rule].setting == "no early stop" and table[rule].factor == 1


def test_errors():
    scores, labels = CALIBRATION
    few = [np.flatnonzero(labels == c)[0] for c in range(5)]
    for call, kind, message in [
        (lambda: compare_cutoffs(scores, np.minimum(labels, 3), *TEST), HeteroError, "got none of class 4"),
        (lambda: compare_cutoffs(*CALIBRATION, *TEST, loss=2), HeteroError, "loss must be from 0 to 1, got 2"),
        (lambda: compare_cutoffs(*CALIBRATION, *TEST, epsilons=[]), HeteroError, "epsilons must hold"),
        (lambda: compare_cutoffs(*CALIBRATION, *TEST, alpha=1), HeteroError, "alpha must be between 0 and 1, got 1"),
        (lambda: compare_cutoffs(*CALIBRATION, *TEST, temperature=0), HeteroError, "temperature must be"),
        (lambda: compare_cutoffs(*CALIBRATION, *TEST, spikes=[[1]]), HeteroError, "one array a test sample"),
        (lambda: compare_cutoffs(*CALIBRATION, *TEST, alpha=0.001), TooShortError, "at least 3999 calibration"),
        (
            lambda: compare_cutoffs([scores[k] for k in few], labels[few], *TEST),
            TooShortError,
            "at least 20 calibration samples, got 5",
        ),
        (
            lambda: compare_cutoffs(*CALIBRATION, *TEST)["gaps"],
            HeteroError,
            r"no rule 'gaps' in this table \(did you mean 'gap'\?\)",
        ),
    ]:
        with pytest.raises(kind, match=message):
            call()
