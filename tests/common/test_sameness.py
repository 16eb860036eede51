"""Two results are compared number by number, without what differs from run to run."""

from __future__ import annotations

import math

from hetero_rsnn.common.sameness import Difference, differs, pairs, versions_in

THEN = {
    "C": [1.5, 2.0],
    "E": None,
    "seconds": {"draw": 1.0},
    "versions": {"numpy": "2.1"},
    "network": "one",
    "ok": True,
}


def apart(then, now):
    return [(pair.where, pair.then, pair.now) for pair in pairs(then, now) if differs(pair)]


def test_what_differs_from_run_to_run_is_passed_by():
    now = {**THEN, "seconds": {"draw": 2.0}, "versions": {"numpy": "2.2"}, "more": 1}
    assert apart(THEN, now) == [] and len(list(pairs(THEN, now))) == 5


def test_every_other_difference_is_found_with_its_place():
    assert apart(THEN, {**THEN, "C": [1.5, math.nextafter(2.0, 3.0)]}) == [("C[1]", 2.0, math.nextafter(2.0, 3.0))]
    assert apart(THEN, {**THEN, "C": [1.5]}) == [("C, entries", 2, 1)]
    assert apart(THEN, {**THEN, "E": 1.0}) == [("E", None, 1.0)]
    assert apart(THEN, {**THEN, "network": "two"}) == [("network", "one", "two")]
    assert apart(THEN, {**THEN, "ok": 1}) == [("ok", True, 1)]  # another kind of thing
    assert apart({"a": {"b": 1}}, {"a": 3}) == [("a.b", 1, None)]
    assert apart({"a": 1}, {"a": 1.0}) == [] and apart({"a": math.nan}, {"a": math.nan}) == []


def test_how_much_and_what_of():
    assert Difference("x", 2.0, 1.0).relative == 0.5 and Difference("x", -1, 1).relative == 2.0
    assert Difference("x", None, 1.0).relative == Difference("x", True, 1.0).relative == math.inf
    assert Difference("x", math.inf, 1.0).relative == math.inf
    inputs = [Difference(where, 1, 2).of_input for where in ("networks[0].fingerprint", "dataset.sha256", "seeds[0].C")]
    assert inputs == [True, True, False]


def test_versions_are_found_wherever_they_stand():
    assert versions_in({"networks": [{"a": 1}, {"versions": {"numpy": "2.1"}}]}) == {"numpy": "2.1"}
    assert versions_in({"a": [1, "x"]}) == {}
