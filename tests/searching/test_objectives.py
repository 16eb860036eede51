"""Averages, limits, fronts and hypervolumes against closed forms."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.searching.objectives import (
    Evaluation,
    Objective,
    convergence,
    evaluate,
    hypervolume,
    merit,
    pareto_front,
    seed_values,
)
from hetero_rsnn.searching.resuming import MemoryLog

EFFICIENT = Objective("efficiency", c_min=1.0, rate=(1.0, 50.0), hold=10.0)
PARETO = Objective("pareto", c_min=0.0, rate=(1.0, 50.0), hold=10.0)


def rows(*pairs: tuple[float, float], hold: float = 10.0) -> list[dict[str, float]]:
    return [seed_values({"C": c, "S": s}, hold) for c, s in pairs]


def judged(c: float, s: float, objective: Objective = EFFICIENT) -> Evaluation:
    return evaluate(objective, [0], rows((c, s)))


def test_means_and_errors_are_those_of_a_study() -> None:
    e = evaluate(EFFICIENT, [3, 5, 7], rows((2.0, 0.1), (3.0, 0.12), (2.5, 0.2)), seconds=4.5)
    assert e.seeds == (3, 5, 7) and e.seconds == 4.5 and e.feasible and not e.reason
    for name, values in {"C": [2, 3, 2.5], "S": [0.1, 0.12, 0.2], "E": [20, 25, 12.5]}.items():
        expected = estimate(values)
        assert (getattr(e, name), getattr(e, f"{name}_stderr")) == pytest.approx((expected.mean, expected.stderr))
        assert e.estimate(name) == expected
    assert e.rate_hz == pytest.approx(14.0)


def test_e_needs_a_value_in_every_seed() -> None:
    e = evaluate(EFFICIENT, [0, 1], rows((2.0, 0.1), (2.0, 0.005)))
    assert math.isnan(e.E) and math.isnan(e.E_stderr) and not e.feasible
    assert "E has no value" in e.reason


def test_one_seed_has_no_error() -> None:
    e = judged(2.0, 0.1)
    assert pytest.approx(20.0) == e.E and math.isnan(e.E_stderr)


@pytest.mark.parametrize(
    ("c", "s", "expected", "word"),
    [
        (2.0, 0.1, 0.0, ""),
        (0.5, 0.1, math.log(2), "C = 0.5 is below 1"),
        (2.0, 1.0, math.log(2), "100 Hz is above 50 Hz"),
        (0.5, 1.0, 2 * math.log(2), "C = 0.5 is below 1; 100 Hz is above 50 Hz"),
        (-0.1, 0.1, math.log(1000) + 1, "E has no value"),
        (0.0, 0.0, 2 * math.log(1000) + 1, "0 Hz is below 1 Hz"),
    ],
)
def test_violation_counts_factors(c: float, s: float, expected: float, word: str) -> None:
    e = judged(c, s)
    assert e.violation == pytest.approx(expected)
    assert word in e.reason and e.feasible == (not word)


@pytest.mark.parametrize(
    ("kind", "c_min", "c", "rate_hz", "expected", "words"),
    [
        ("capacity", 0.0, -0.003, 10.0, 1e-3, "C = -0.003 is below 0"),
        ("capacity", 0.0, 0.0, 10.0, 0.0, ""),
        ("pareto", 0.0, -5.0, 100.0, 1e-3 + math.log(2), "C = -5 is below 0; 100 Hz is above 50 Hz"),
        ("efficiency", 1e-4, -1e-9, 10.0, 1e-3, "C = -1e-09 is below 0.0001"),
        ("efficiency", 1.0, -math.inf, 10.0, math.log(1e3), "C = -inf is below 1"),
        ("efficiency", 1.0, math.nan, 10.0, math.log(1e3), "C is no number"),
        ("efficiency", 1e308, 1.0, 10.0, math.log(1e308), "C = 1 is below 1e+308"),
        ("capacity", 0.0, 1.0, -3.0, math.log(1e3), "-3 Hz is below 1 Hz"),
        ("capacity", 0.0, 1.0, math.nan, math.log(1e3), "the rate is no number"),
        ("capacity", 0.0, 1.0, math.inf, math.log(sys.float_info.max), "inf Hz is above 50 Hz"),
    ],
)
def test_every_violation_is_finite(
    kind: str, c_min: float, c: float, rate_hz: float, expected: float, words: str
) -> None:
    found = Objective(kind, c_min, (1.0, 50.0), 10.0).violation(c, rate_hz, True)
    assert found == (pytest.approx(expected), words)


@given(
    st.floats(0, allow_infinity=False),
    st.floats(0, 1e300),
    st.floats(min_value=1e-300, max_value=1e300),
    st.floats(),
    st.floats(),
    st.booleans(),
)
def test_any_violation_is_finite_and_has_its_words(
    c_min: float, low: float, more: float, c: float, rate: float, has_e: bool
) -> None:
    assume(low < low + more)
    found, words = Objective("pareto", c_min, (low, low + more), 10.0).violation(c, rate, has_e)
    kept = c >= c_min and low <= rate <= low + more and has_e
    assert 0 <= found < 2e3 and (found == 0) == kept == (not words)


def test_silence_never_wins() -> None:
    """A silent network, and one without memory, stand below every feasible one and every one that is near."""
    best, near = judged(1.0, 0.4), judged(0.9, 0.05)
    for worst in (judged(0.04, 0.005), judged(0.0, 0.0), judged(-0.2, 0.02)):
        assert merit(worst) < merit(near) < merit(best)


def test_an_evaluation_survives_the_journal() -> None:
    e = evaluate(EFFICIENT, [0, 1], rows((2.0, 0.1), (2.0, 0.005)), 1.0)
    log = MemoryLog({})
    back = Evaluation.from_event(log.append({"event": "finished", **e.to_event()}))
    assert repr(back) == repr(e) and repr(back.per_seed) == repr(e.per_seed)


@pytest.mark.parametrize("bad", [{"C": 1.0}, {"C": math.nan, "S": 0.1}, {"C": 1.0, "S": math.inf}, {"C": None, "S": 1}])
def test_c_and_s_must_be_finite(bad: dict[str, float]) -> None:
    with pytest.raises(HeteroError, match="must be a finite number, got"):
        seed_values(bad, 10.0)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"C": 1.0, "S": -0.1}, "S counts spikes and must be >= 0, got -0.1"),
        ({"C": 1e101, "S": 0.1}, r"C must be at most 1e\+100 in size, got 1e\+101"),
        ({"C": -0.003, "S": 1e306}, r"S must be at most 1e\+100 in size"),
        (None, "must return a mapping with C and S, got NoneType"),
        ((1.0, 0.1), "must return a mapping with C and S, got tuple"),
    ],
)
def test_outcomes_that_are_none(bad: Any, words: str) -> None:
    with pytest.raises(HeteroError, match=words):
        seed_values(bad, 10.0)


@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan, 1e300])
def test_what_is_infinite_has_no_value(odd: float) -> None:
    """As a journal would say: what a search knows and what it reads back are the same."""
    e = evaluate(PARETO, [0], [seed_values({"C": 2.0, "S": 0.1, "E": odd, "weight": odd, "silent_share": odd}, 10.0)])
    assert math.isnan(e.E) and math.isnan(e.silent_share) and math.isnan(e.per_seed["weight"][0])
    assert (e.C, e.S, e.rate_hz, e.feasible) == (2.0, 0.1, 10.0, False) and e.reason == "E has no value in every seed"
    back = Evaluation.from_event(MemoryLog({}).append({"event": "finished", **e.to_event()}))
    assert repr(back) == repr(e)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"kind": "efficient"}, "did you mean 'efficiency'"),
        ({"rate": (5.0, 2.0)}, "exchange them"),
        ({"c_min": -1.0}, "c_min must be a capacity >= 0, got -1"),
        ({"c_min": math.nan}, "c_min"),
    ],
)
def test_wrong_objectives(changes: dict[str, object], word: str) -> None:
    good: dict[str, object] = {"kind": "efficiency", "c_min": 1.0, "rate": (1.0, 50.0), "hold": 10.0}
    with pytest.raises(HeteroError, match=word):
        Objective(**{**good, **changes})  # type: ignore[arg-type]


# Fronts


def test_front_and_hypervolume_of_a_staircase() -> None:
    c, s = [1.0, 2.0, 3.0, 1.5, 2.0], [0.1, 0.2, 0.4, 0.3, 0.2]
    assert pareto_front(c, s).tolist() == [0, 1, 2]
    assert hypervolume(c, s, (0.0, 0.5)) == pytest.approx(1 * 0.1 + 2 * 0.2 + 3 * 0.1)
    assert hypervolume(c, s, (1.0, 0.4)) == pytest.approx(1 * 0.2)  # the third is on the edge, the first adds nothing


def test_hypervolume_of_one_point_and_of_none() -> None:
    assert hypervolume([2.0], [0.1], (0.0, 0.5)) == pytest.approx(0.8)
    assert hypervolume([], [], (0.0, 0.5)) == 0.0
    assert hypervolume([-1.0, 2.0], [0.1, 0.6], (0.0, 0.5)) == 0.0


def test_hypervolume_of_a_curve() -> None:
    """Under C = sqrt(S) up to S = 1 lies an area of 2/3."""
    s = np.linspace(0.0, 1.0, 20_001)
    assert hypervolume(np.sqrt(s), s, (0.0, 1.0)) == pytest.approx(2 / 3, abs=1e-4)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1)), max_size=12), st.randoms())
def test_front_by_definition(points: list[tuple[float, float]], order: object) -> None:
    c, s = [p[0] for p in points], [p[1] for p in points]
    front = pareto_front(c, s).tolist()
    beaten = [any((a >= x and b < y) or (a > x and b <= y) for a, b in points) for x, y in points]
    assert {points[i] for i in front} == {p for p, b in zip(points, beaten, strict=True) if not b}
    assert len({points[i] for i in front}) == len(front)
    assert [s[i] for i in front] == sorted(s[i] for i in front)
    kept = [points[i] for i in front]
    assert hypervolume(c, s, (0, 1)) == pytest.approx(hypervolume([p[0] for p in kept], [p[1] for p in kept], (0, 1)))


def test_convergence_never_falls() -> None:
    seen = [judged(0.5, 0.1), None, judged(2.0, 0.2), judged(2.0, 0.4), judged(2.0, 0.1)]
    np.testing.assert_allclose(convergence(EFFICIENT, seen), [math.nan, math.nan, 10, 10, 20])
    found = convergence(PARETO, [judged(e.C, e.S, PARETO) if e else None for e in seen])
    np.testing.assert_allclose(found, [0.2, 0.2, 0.5 * 0.1 + 2 * 0.3, 0.65, 0.8])
