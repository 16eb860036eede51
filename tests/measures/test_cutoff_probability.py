"""The softmax's probability as evidence, and its temperature: by hand, by brute force, by another optimiser."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax
from scipy.special import softmax as softmax_of_scipy
from test_cutoff import lead, noisy, samples, settled

from hetero_rsnn.common.errors import HeteroError, TooShortError
from hetero_rsnn.measures.cutoff import CutoffRule, evidence, fit_cutoff
from hetero_rsnn.measures.cutoff_curve import choose_epsilon, evaluate_cutoff
from hetero_rsnn.measures.probabilities import checked_labels, fit_temperature, softmax


def test_softmax_is_scipys_without_overflow():
    s = np.random.default_rng(0).normal(0, 5, (7, 4))
    assert np.allclose(softmax(s, 2.5), softmax_of_scipy(s / 2.5, axis=1), rtol=1e-13)
    assert softmax(np.array([1e300, 0.0, -1e300]), 1e-3).tolist() == [1, 0, 0]


def test_evidence_by_hand():
    seen = evidence([lead(math.log(3), -math.log(4)), lead(0)], confidence="probability")
    assert np.allclose(seen.gap, [[3 / 4, 4 / 5], [1 / 2, -np.inf]])
    assert seen.winner.tolist() == [[1, 0], [0, 0]]
    warm = evidence([lead(math.log(3))], confidence="probability", temperature=2.0)
    assert np.allclose(warm.gap, math.sqrt(3) / (1 + math.sqrt(3)))
    assert (warm.confidence, warm.temperature, warm.take(np.array([0])).temperature) == ("probability", 2.0, 2.0)


def test_with_two_classes_the_rules_are_the_same_and_only_the_unit_differs():
    scores, labels = noisy(300, 1, classes=2)
    other, _ = noisy(200, 2, classes=2)
    for epsilon in (0.01, 0.1, 0.3):
        gap = fit_cutoff(scores, labels, epsilon)
        by_probability = fit_cutoff(scores, labels, epsilon, confidence="probability", temperature=3.0)
        # p = 1 / (1 + exp(-gap / T)); a threshold of 0 in gaps may be any below 1/2.
        open_ = np.isfinite(gap.beta) & (gap.beta > 0)
        assert np.allclose(by_probability.beta[open_], 1 / (1 + np.exp(-gap.beta[open_] / 3)))
        assert (np.isinf(gap.beta) == np.isinf(by_probability.beta)).all()
        a, b = gap.decide(other), by_probability.decide(other)
        assert (a.times == b.times).all() and (a.labels == b.labels).all()


def test_with_more_classes_they_are_not():
    # The same gap of 1, but three rivals leave less than one does.
    one, three = np.array([[1.0, 0.0, -9.0, -9.0]]), np.array([[1.0, 0.0, 0.0, 0.0]])
    rule = CutoffRule(0.1, np.array([0.6]), 20, 4, "probability")
    assert rule.decide([np.vstack([one, one]), np.vstack([three, three])]).times.tolist() == [1, 2]


@given(samples(), st.sampled_from([0.05, 0.25, 0.5]), st.sampled_from([0.5, 1.0, 4.0]))
@settings(max_examples=settings().max_examples // 2)
def test_thresholds_are_the_smallest_by_brute_force(data, epsilon, temperature):
    scores, labels = data
    classes = scores[0].shape[1]
    for y in range(classes):  # one sample of each class, which is always right
        scores.append(np.eye(classes)[[y]] * 5.0)
    labels = np.append(labels, range(classes))
    rule = fit_cutoff(
        scores, labels, epsilon, confidence="probability", temperature=temperature, min_samples=1
    )  # fmt: skip
    for t in range(1, max(map(len, scores)) + 1):
        alive = [
            (softmax(s[[t - 1]], temperature).max(), settled(s, y, t))
            for s, y in zip(scores, labels, strict=True)
            if len(s) >= t
        ]
        best = math.inf
        for beta in sorted({0.0, *(p for p, _ in alive)}, reverse=True):
            above = [right for p, right in alive if p > beta]
            if above and np.mean(above) >= 1 - epsilon - 1e-12:
                best = beta
        assert rule.beta[t - 1] == best


def test_the_curve_and_the_choice_take_the_evidence():
    calibration, test = noisy(400, 1), noisy(400, 2)
    kind = {"confidence": "probability", "temperature": fit_temperature(*noisy(200, 3))}
    curve = evaluate_cutoff(*calibration, *test, loss=0.02, **kind)
    assert curve.confidence == "probability" and evaluate_cutoff(*calibration, *test).confidence == "gap"
    epsilon = choose_epsilon(*calibration, loss=0.02, **kind)
    assert curve.chosen.epsilon == epsilon
    rule = fit_cutoff(*calibration, epsilon, **kind)
    decided = rule.decide(test[0])
    assert curve.chosen.time == decided.times.mean()
    assert curve.chosen.accuracy == (decided.labels == test[1]).mean()
    seen = evidence(calibration[0], **kind)
    assert fit_cutoff(seen, calibration[1], epsilon, **kind).beta.tolist() == rule.beta.tolist()
    json.dumps(curve.to_dict(), allow_nan=False)


@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
@settings(max_examples=30)
def test_the_temperature_is_the_best_by_another_optimiser(seed, scale):
    scores, labels = noisy(60, seed, classes=3, steps=6)
    scores = [scale * s for s in scores]
    rows = np.concatenate(scores)
    own = np.repeat(labels, [len(s) for s in scores])

    def loss(log_t):
        return -log_softmax(rows / np.exp(log_t), axis=1)[np.arange(len(rows)), own].mean()

    found = fit_temperature(scores, labels)
    other = minimize(lambda x: loss(x[0]), [np.log(rows.std())], method="Nelder-Mead", options={"xatol": 1e-9})
    assert loss(np.log(found)) <= other.fun + 1e-9
    assert found == pytest.approx(scale * fit_temperature([s / scale for s in scores], labels), rel=1e-6)


def test_the_temperature_of_a_known_share():
    # Right in 9 of 10 with a lead of 2: log(9) = 2 / T.
    scores = [lead(2.0, 2.0)] * 10
    assert fit_temperature(scores, [1] * 9 + [0]) == pytest.approx(2 / math.log(9), rel=1e-6)
    # A class more, far below: nothing changes.
    wide = [np.hstack([s, np.full((2, 1), -1e6)]) for s in scores]
    assert fit_temperature(wide, [1] * 9 + [0]) == pytest.approx(2 / math.log(9), rel=1e-6)


def test_the_temperature_where_none_is_best():
    right, chance, wrong = [1] * 8, [0, 1] * 4, [0] * 8
    assert fit_temperature([lead(1)] * 8, right) == pytest.approx(1e-8 * 0.5)
    for labels in (chance, wrong):
        assert fit_temperature([lead(1)] * 8, labels) == pytest.approx(1e8 * 0.5)


BOTH = [lead(1, 2), lead(-1, -2)] * 10
Y = [1, 0] * 10
SURE = {"confidence": "probability"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_cutoff(BOTH, Y, 0.1, confidence="probabilty"), "unknown confidence 'probabilty'.*did you mean"),
        (lambda: fit_cutoff(BOTH, Y, 0.1, **SURE, temperature=0.0), "temperature must be a finite number > 0, got 0"),
        (lambda: fit_cutoff(BOTH, Y, 0.1, **SURE, temperature="1"), "temperature must be"),
        (lambda: evaluate_cutoff(BOTH, Y, BOTH, Y, **SURE, temperature=math.nan), "temperature must be"),
        (lambda: choose_epsilon(BOTH, Y, confidence=None), "unknown confidence None"),
        (lambda: fit_cutoff(evidence(BOTH), Y, 0.1, **SURE), "evidence must be of 'probability'.*got 'gap'"),
        (
            lambda: fit_cutoff(BOTH, Y, 0.1, **SURE, temperature=2.0).decide(evidence(BOTH, **SURE)),
            "at temperature 2, got 'probability' at 1: give the scores",
        ),
        (lambda: fit_cutoff(BOTH, [1] * 20, 0.1, **SURE), "each of the 2 classes .* got none of class 0: add samples"),
        (lambda: fit_cutoff(BOTH, [0] * 20, 0.1, every_class=True), "got none of class 1: add samples"),
        (lambda: choose_epsilon(BOTH, [0] * 20, **SURE), "got none of class 1"),
        (lambda: evaluate_cutoff(BOTH, [0] * 20, BOTH, Y, **SURE), "got none of class 1"),
        (lambda: evaluate_cutoff(BOTH, [0] * 20, BOTH, Y, every_class=True), "got none of class 1"),
        (lambda: checked_labels([2], 1, 5, every=True), "got none of class 0 and 3 more: add"),
        (lambda: fit_temperature([lead(0, 0)], [1]), "scores must differ between classes, got .*0.0, 0.0"),
        (lambda: fit_temperature(BOTH, [1]), "labels must be one whole number a sample"),
        (lambda: fit_temperature([lead(math.inf)], [1]), "scores must be finite"),
    ],
)
def test_errors_say_value_and_rule(call, message):
    with pytest.raises(HeteroError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_missing_class_is_nothing_to_a_gap_by_itself():
    assert fit_cutoff(BOTH, [1] * 20, 0.5).beta.tolist() == [0.0, 0.0]  # half of them are right
    assert evaluate_cutoff(BOTH, [1] * 20, BOTH, Y).n_calibration == 20
    with pytest.raises(TooShortError, match="at least 20"):
        fit_cutoff(BOTH[:4], Y[:4], 0.1, **SURE)
