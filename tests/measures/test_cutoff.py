"""Deciding early: hand-worked samples, the definition by brute force, and properties."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.measures.cutoff import CutoffRule, cumulative, evidence, fit_cutoff, optimal_cutoff_time
from hetero_rsnn.measures.cutoff_curve import choose_epsilon, evaluate_cutoff
from hetero_rsnn.plots.task_plots import plot_cutoff


def lead(*gaps):
    """Two classes: class 1 leads by each gap, class 0 where it is negative."""
    return np.array([[0.0, g] for g in gaps])


@st.composite
def samples(draw, low=3, high=14):
    """Scores of small whole numbers, so that ties and equal gaps are common, and labels."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    n, classes = draw(st.integers(low, high)), draw(st.integers(2, 4))
    scores = [rng.integers(-4, 5, (rng.integers(1, 7), classes)).astype(float) for _ in range(n)]
    labels = rng.integers(0, classes, n)
    for s, y in zip(scores, labels, strict=True):
        s[:, y] += rng.integers(0, 4)
    return scores, labels


def noisy(n, seed, classes=5, steps=40):
    """Cumulative evidence: strong and weak samples of unequal length."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    scores = [rng.normal(0, 3, (rng.integers(steps // 2, steps + 1), classes)) for _ in range(n)]
    for s, y in zip(scores, labels, strict=True):
        s[:, y] += rng.lognormal(0.3, 0.6)
    return cumulative(scores), labels


def settled(s, y, t):
    """Right at step t (1-based) and at all later ones, literally."""
    return all(row.argmax() == y for row in s[t - 1 :])


def test_cumulative_is_the_running_sum():
    (s,) = cumulative([[[1, 0], [0, 2], [3, 1]]])
    assert s.tolist() == [[1, 0], [1, 2], [4, 3]]


def test_optimal_cutoff_time_by_hand():
    scores = [lead(1, 1, 1), lead(-1, 1, 1), lead(1, -1, 1), lead(1, 1, -1), lead(-1, 1), lead(1)]
    assert optimal_cutoff_time(scores, [1] * 6).tolist() == [1, 2, 3, 3, 2, 1]
    assert optimal_cutoff_time(scores, [0] * 6).tolist() == [3, 3, 3, 3, 2, 1]


def test_a_tie_goes_to_the_first_class():
    assert optimal_cutoff_time([lead(0, 0)], [0]).tolist() == [1]
    assert optimal_cutoff_time([lead(0, 0)], [1]).tolist() == [2]


def test_thresholds_by_hand():
    # Step 1: gaps 5 (settled), 3 (not), 2 (settled), 1 (not). Step 2: all right, 4, 4, 6, and -1 ends wrong.
    scores = [lead(5, 4), lead(-3, 4), lead(2, 6), lead(1, -1)]
    labels = [1, 1, 1, 1]
    assert fit_cutoff(scores, labels, 0.1, min_samples=1).beta.tolist() == [3.0, 1.0]  # above 3: one of one
    assert fit_cutoff(scores, labels, 0.34, min_samples=1).beta.tolist() == [1.0, 0.0]  # 2 of 3; 3 of 4
    assert fit_cutoff(scores, labels, 0.5, min_samples=1).beta.tolist() == [0.0, 0.0]  # 2 of 4


def test_no_threshold_where_none_is_confident():
    scores = [lead(-5, 1, 2), lead(1, 1), lead(0, 3)]
    rule = fit_cutoff(scores, [1, 1, 1], 0.1, min_samples=1)
    # Step 1: the surest is wrong, and the confidence 1/2 at best. Step 3: only the one that lasts is asked.
    assert rule.beta.tolist() == [math.inf, 0.0, 0.0]
    assert fit_cutoff([lead(0, 0)] * 3, [0] * 3, 0.5, min_samples=1).beta.tolist() == [
        math.inf,
        math.inf,
    ]  # no gap at all


def test_a_sample_that_ends_wrong_is_never_confident():
    # Its optimal cutoff time is its full length, which must not pass for being right there.
    assert fit_cutoff([lead(-2), lead(-1)], [1, 1], 0.1, min_samples=1).beta.tolist() == [math.inf]


def test_decisions_by_hand():
    rule = CutoffRule(0.1, np.array([2.0, math.inf, 1.0]), 4, 2)
    found = rule.decide([lead(3, -9, -9), lead(2, 9, -1.5, 4), lead(-1, 1), lead(1, 1, 1, 9, 9)])
    # Above beta at once; at step 3; at the end of a short one; past the calibrated steps nothing stops it.
    assert found.times.tolist() == [1, 3, 2, 5]
    assert found.labels.tolist() == [1, 0, 1, 1]


@given(samples(), st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9]))
@settings(max_examples=settings().max_examples * 3 // 2)
def test_thresholds_are_the_smallest_by_brute_force(data, epsilon):
    scores, labels = data
    rule = fit_cutoff(scores, labels, epsilon, min_samples=1)
    for t in range(1, max(map(len, scores)) + 1):
        alive = [
            (np.diff(np.sort(s[t - 1])[-2:])[0], settled(s, y, t))
            for s, y in zip(scores, labels, strict=True)
            if len(s) >= t
        ]
        best = math.inf
        for beta in sorted({0.0, *(g for g, _ in alive)}, reverse=True):
            above = [right for g, right in alive if g > beta]
            if above and np.mean(above) >= 1 - epsilon - 1e-12:
                best = beta
        assert rule.beta[t - 1] == best


@given(samples())
@settings(max_examples=settings().max_examples * 4 // 5)
def test_times_by_definition(data):
    scores, labels = data
    for s, y, t in zip(scores, labels, optimal_cutoff_time(scores, labels), strict=True):
        right = [u for u in range(1, len(s) + 1) if settled(s, y, u)]
        assert t == (right[0] if right else len(s))


@given(samples(), samples())
@settings(max_examples=settings().max_examples * 4 // 5)
def test_a_larger_epsilon_never_decides_later(calibration, test):
    scores, labels = calibration
    other = [s[:, : scores[0].shape[1]] for s in test[0] if s.shape[1] >= scores[0].shape[1]] or scores
    last = np.full(len(other), 99)
    for epsilon in (0.01, 0.2, 0.4, 0.6, 0.95):
        times = fit_cutoff(scores, labels, epsilon, min_samples=1).decide(other).times
        assert (times <= last).all()
        assert (times >= 1).all()
        assert (times <= [len(s) for s in other]).all()
        last = times


@given(samples())
@settings(max_examples=settings().max_examples * 4 // 5)
def test_a_tiny_epsilon_never_turns_a_right_decision_wrong_in_calibration(data):
    # With no error allowed, each early stop is settled: who stops early is right at the end.
    scores, labels = data
    found = fit_cutoff(scores, labels, 1e-6, min_samples=1).decide(scores)
    for s, y, t, label in zip(scores, labels, found.times, found.labels, strict=True):
        assert t == len(s) or (label == y and settled(s, y, t))
        assert label == s[-1].argmax()


def test_accuracy_grows_towards_full_length_on_new_samples():
    calibration, test = noisy(400, 1), noisy(400, 2)
    curve = evaluate_cutoff(*calibration, *test, spikes=[np.arange(len(s)) for s in test[0]])
    assert [p.epsilon for p in curve.points] == sorted(p.epsilon for p in curve.points)
    saved = [p.time_saved for p in curve.points]
    assert saved == sorted(saved)
    assert curve.points[0].accuracy >= curve.full.accuracy - 0.01
    # Deciding when sure beats deciding at a set time: at the same mean time, it is right more often.
    p = curve.points[-1]
    fixed = np.interp(p.time, [f.time for f in curve.fixed], [f.accuracy for f in curve.fixed])
    assert p.accuracy > fixed + 0.02
    assert curve.chosen in (*curve.points, curve.full)
    assert curve.saved_at(0.01) >= curve.chosen.time_saved or curve.chosen.accuracy < curve.full.accuracy - 0.01
    assert curve.saved_at(1.0) == max(saved)
    # Spikes that come late are saved in a larger share than steps.
    assert all(q.spikes_saved >= q.time_saved for q in curve.points)
    json.dumps(curve.to_dict(), allow_nan=False)


def test_curve_by_hand():
    scores, labels = [lead(5, 5, 5, 5), lead(-1, -1, 2, 2), lead(4, 4), lead(-1, -1, -1, -1)], [1, 1, 1, 1]
    curve = evaluate_cutoff(
        scores * 5, labels * 5, scores, labels, [0.001], spikes=[[1, 2, 3, 4], [1, 1, 1, 1], [2, 2], [0, 0, 0, 0]]
    )
    assert [f.time for f in curve.fixed] == [1.0, 2.0, 2.75, 3.5]
    assert [f.accuracy for f in curve.fixed] == [0.5, 0.5, 0.75, 0.75]
    assert (curve.bound.time, curve.bound.accuracy) == (2.25, 0.75)  # 1, 3, 1 and the full 4
    assert (curve.full.time, curve.full.accuracy, curve.full.time_saved, curve.full.spikes_saved) == (3.5, 0.75, 0, 0)
    # Wilson's interval of 3 of 4.
    z, n, k = 1.959964, 4, 3
    centre, half = (k + z * z / 2) / (n + z * z), z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    assert (curve.full.low, curve.full.high) == (pytest.approx(centre - half), pytest.approx(centre + half))
    # Above 1 at step 1 are the two that are settled; the second is alone above 1 at step 3; the last runs out.
    (p,) = curve.points
    assert (p.time, p.accuracy, p.time_saved) == (2.25, 0.75, 1 - 9 / 14)
    assert p.spikes_saved == pytest.approx(1 - (1 + 3 + 2 + 0) / (10 + 4 + 4 + 0))
    assert curve.chosen == p
    assert curve.saved_at(0.0) == p.time_saved


def test_epsilon_is_chosen_on_calibration_alone():
    scores, labels = noisy(300, 3)
    loose, strict = (choose_epsilon(scores, labels, loss=loss) for loss in (0.2, 0.0))
    assert loose == 0.2
    assert strict is None or strict < loose
    # The test samples have no say.
    a, b = (evaluate_cutoff(scores, labels, *noisy(50, seed), loss=0.02) for seed in (4, 5))
    assert a.chosen.epsilon == b.chosen.epsilon == choose_epsilon(scores, labels, loss=0.02)


def test_no_epsilon_where_each_costs_too_much():
    # The sign flips at the last step of half of the samples: whatever looks sure before is wrong half of the time.
    rng = np.random.default_rng(0)
    gaps = rng.uniform(1, 9, 100)
    scores = [lead(g, g * (-1) ** i) for i, g in enumerate(gaps)]
    labels = np.array([1, 0] * 50)
    assert choose_epsilon(scores, labels, loss=0.0, epsilons=[0.6]) is None
    assert evaluate_cutoff(scores, labels, scores, labels, [0.6], loss=0.0).chosen.time_saved == 0


def test_evidence_is_taken_for_scores():
    scores, labels = noisy(30, 6)
    seen = evidence(scores)
    assert len(seen) == 30
    assert fit_cutoff(seen, labels, 0.1).beta.tolist() == fit_cutoff(scores, labels, 0.1).beta.tolist()


GOOD = [lead(1, 2)] * 20


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evidence([]), "at least one sample, got none"),
        (lambda: evidence([np.zeros((0, 2))]), r"got \(0, 2\) in sample 0"),
        (lambda: evidence([np.zeros((3, 1))]), "2 classes or more"),
        (lambda: evidence([np.zeros((3, 2)), np.zeros((3, 3))]), "same classes, got 3 in sample 1 and 2"),
        (lambda: evidence([lead(1, np.nan)]), "finite, got .* at step 1 of sample 0"),
        (lambda: optimal_cutoff_time(GOOD, [2] * 20), "labels must be from 0 to 1, got 2"),
        (lambda: optimal_cutoff_time(GOOD, [-1] * 20), "got -1"),
        (lambda: optimal_cutoff_time(GOOD, [0.5] * 20), "labels must be whole numbers, got 0.5"),
        (lambda: optimal_cutoff_time(GOOD, [1]), "labels must be one whole number"),
        (lambda: fit_cutoff(GOOD, [1] * 20, 0.0), "epsilon must be between 0 and 1, got 0.0"),
        (lambda: fit_cutoff(GOOD, [1] * 20, 1.0), "epsilon must be"),
        (lambda: fit_cutoff(GOOD, [1] * 20, math.nan), "epsilon must be"),
        (lambda: fit_cutoff(GOOD, [1] * 20, "0.1"), "epsilon must be between 0 and 1, got '0.1'"),
        (lambda: fit_cutoff(GOOD, [1] * 20, None), "epsilon must be between 0 and 1, got None"),
        (lambda: fit_cutoff(GOOD, [1] * 20, True), "epsilon must be between 0 and 1, got True"),
        (
            lambda: fit_cutoff(GOOD, [1] * 20, 0.1, min_samples="20"),
            "min_samples must be a whole number >= 1, got '20'",
        ),
        (lambda: choose_epsilon(GOOD, [1] * 20, epsilons=0.1), "epsilons must be a list of numbers, got 0.1"),
        (lambda: choose_epsilon(GOOD, [1] * 20, epsilons="0.1"), "epsilons must be a list of numbers, got '0.1'"),
        (lambda: choose_epsilon(GOOD, [1] * 20, epsilons=None), "epsilons must be a list of numbers, got None"),
        (lambda: choose_epsilon(GOOD, [1] * 20, loss="0.1"), "loss must be from 0 to 1, got '0.1'"),
        (lambda: choose_epsilon(GOOD, [1] * 20, loss=None), "loss must be from 0 to 1, got None"),
        (lambda: choose_epsilon(GOOD, [1] * 20, min_samples=2.5), "min_samples must be a whole number >= 1, got 2.5"),
        (lambda: evaluate_cutoff(GOOD, [1] * 20, GOOD, [1] * 20).saved_at("a"), "loss must be from 0 to 1, got 'a'"),
        (lambda: fit_cutoff(GOOD, [1] * 20, 0.1).decide([np.zeros((2, 3))]), "2 classes of the calibration, got 3"),
        (lambda: choose_epsilon(GOOD, [1] * 20, loss=-0.1), "loss must be"),
        (lambda: choose_epsilon(GOOD, [1] * 20, epsilons=[]), "epsilons must hold"),
        (lambda: choose_epsilon(GOOD, [1] * 20, folds=1), "folds must be"),
        (lambda: evaluate_cutoff(GOOD, [1] * 20, GOOD, [1] * 20, spikes=[[1, 2]]), "one array a test sample"),
        (lambda: evaluate_cutoff(GOOD, [1] * 20, GOOD[:1], [1], spikes=[[1, -2]]), "spikes must be numbers >= 0"),
    ],
)
def test_errors_say_value_and_rule(call, message):
    with pytest.raises(HeteroError, match=message):
        call()


def test_too_few_calibration_samples():
    with pytest.raises(TooShortError, match="at least 20 calibration samples, got 19") as caught:
        fit_cutoff(GOOD[:19], [1] * 19, 0.1)
    assert caught.value.required == 20
    with pytest.raises(TooShortError, match="got 19"):
        choose_epsilon(GOOD[:19], [1] * 19)


def test_plot_holds_the_curve():
    curve = evaluate_cutoff(*noisy(100, 7), *noisy(100, 8), loss=0.05)
    ax = plot_cutoff(curve)
    labels = ax.get_legend_handles_labels()[1]
    assert {"fixed time", "full length", "optimal cutoff time", "cutoff"} <= set(labels)
    assert any(f"{curve.points[-1].epsilon:g}" in t.get_text() for t in ax.texts)
    again = plot_cutoff(curve, ax.figure.add_subplot())
    assert again is not ax
