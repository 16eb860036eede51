"""One check for each kind of argument: what passes, what is refused, and how the message reads."""

from __future__ import annotations

import contextlib
import math
import warnings
from decimal import Decimal
from fractions import Fraction

import brian2 as b2
import numpy as np
import pytest
from helpers import refused
from hypothesis import given
from hypothesis import strategies as st

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, NetworkError, StimulusError, UnitError


@given(st.integers(0, 10**30))
def test_whole_numbers_pass(number):
    assert checks.whole("n", number, least=0) == number and type(checks.whole("n", number, least=0)) is int


@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.int32, np.intp])
def test_whole_numbers_of_numpy_pass(kind):
    assert checks.whole("n", kind(7), least=7, most=7) == 7
    assert type(checks.whole("n", kind(7), least=1)) is int


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float64(3), "3", None, [3], np.array([3]), math.nan, 3j])
def test_what_is_no_whole_number_is_refused(value):
    refused(lambda: checks.whole("n", value, least=1), "n must be a whole number >= 1, got", "use 1 or more")


def test_the_bound_that_is_broken_is_named():
    assert str(refused(lambda: checks.whole("bits", 0, least=1, most=52))) == (
        "bits must be a whole number from 1 to 52, got 0: change it"
    )
    refused(
        lambda: checks.whole("n", 0, least=1, most=2**31 - 1), "n must be a whole number >= 1, got 0: use 1 or more"
    )
    error = refused(lambda: checks.whole("n", 2**31, least=1, most=2**31 - 1, error=NetworkError), error=NetworkError)
    assert str(error) == "n must be a whole number <= 2147483647, got 2147483648: use less"
    assert len(str(refused(lambda: checks.whole("n", 10**4000, least=1, most=10**9)))) < 200
    refused(lambda: checks.whole("folds", 1, least=2, fix="use 5"), "got 1: use 5")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_real_numbers_pass(number):
    assert checks.real("x", number) == number
    assert checks.real("x", np.float64(number)) == number


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", b"1", None, [1.0, 2.0], 1j, 10**400])
def test_what_is_no_real_number_is_refused(value):
    refused(
        lambda: checks.real("gain", value, error=StimulusError), "gain must be a finite number", error=StimulusError
    )


def test_bounds_of_real_numbers():
    assert checks.real("x", 0, least=0.0) == 0.0 and checks.real("x", Fraction(1, 2), above=0.0) == 0.5
    assert checks.real("x", Decimal("0.25")) == 0.25
    refused(lambda: checks.real("x", 0.0, above=0.0), "x must be a finite number > 0, got 0.0: change it")
    refused(lambda: checks.real("x", -1, least=0.0), "x must be a finite number >= 0, got -1")


def test_one_of():
    assert checks.one_of("kind", "b", ("a", "b")) == "b"
    refused(
        lambda: checks.one_of("backend", "fats", ("fast", "numpy")), "(did you mean 'fast'?): use one of fast, numpy"
    )
    for value in (None, 1, ["fast"], np.array(["fast", "numpy"]), "cuda"):
        refused(lambda value=value: checks.one_of("backend", value, ("fast", "numpy")), "use one of fast, numpy")


@pytest.mark.parametrize(
    "value", [30, 30.0, np.float32(30), np.int64(30), "30 ms", "0.03 s", "30000 us", 30 * b2.ms, 0.03 * b2.second]
)
def test_durations_are_one_number_of_ms(value):
    assert checks.duration("tau_read", value) == 30.0 and type(checks.duration("tau_read", value)) is float


@pytest.mark.parametrize(
    "value", [0, -1.0, "0 ms", math.nan, math.inf, "30", "30 mV", True, None, [30.0], 30 * b2.mV, b2.ms / b2.ms, "ms"]
)
def test_what_is_no_duration_is_refused(value):
    refused(lambda: checks.duration("tau_read", value), "tau_read", error=UnitError)


def test_a_duration_may_be_nothing():
    assert checks.duration("rest", 0, positive=False) == checks.duration("rest", "0 s", positive=False) == 0.0
    refused(lambda: checks.duration("rest", -0.1, positive=False), "rest must be >= 0 ms, got -0.1 ms", error=UnitError)


def test_finite_arrays():
    x = np.arange(6.0).reshape(3, 2)
    assert checks.finite_array("x", x, 2) is x  # no copy of what is right already
    assert checks.finite_array("x", [True, 2, 3.5], 1).tolist() == [1.0, 2.0, 3.5]
    assert np.isposinf(checks.finite_array("v_th", [1.0, np.inf], infinite=True)[1])
    refused(lambda: checks.finite_array("x", x, 1), "x must have 1 dimension(s), got shape (3, 2): reshape it")
    refused(lambda: checks.finite_array("x", ["1"]), "x must be real numbers, got an array of <U1")
    refused(lambda: checks.finite_array("tau_m", "10 ms"), "tau_m must be real numbers, got '10 ms'")
    refused(lambda: checks.finite_array("x", [[1.0, np.nan], [np.inf, 2.0]]), "nan at index (0, 1) and 2 such values")
    refused(lambda: checks.finite_array("x", [-np.inf], infinite=True), "-inf")
    big = np.full(4, 1e308)  # their sum is not finite, they are
    assert checks.finite_array("x", big) is big


def test_the_fix_stands_apart():
    """For callers that know a better one."""
    for call in (
        lambda: checks.whole("n", 0, least=1),
        lambda: checks.real("x", None, fix="leave it out"),
        lambda: checks.one_of("backend", "cuda", ("fast", "numpy")),
        lambda: checks.duration("tau", 0.0),
        lambda: checks.duration("tau", 10**400),
        lambda: checks.finite_array("x", [np.nan]),
        lambda: checks.different_seeds("seeds", []),
    ):
        error = refused(call)
        assert ": " not in error.reason and str(error).startswith(f"{error.reason}: ") and len(str(error)) < 200
    refused(lambda: checks.different_seeds("seeds", None), "a count or a list of seeds, got None: write seeds=8")


def test_different_seeds():
    assert checks.different_seeds("seeds", range(3)) == [0, 1, 2]
    assert checks.different_seeds("seeds", np.array([5, 2])) == [5, 2]
    assert all(type(s) is int for s in checks.different_seeds("seeds", np.array([5, 2])))
    assert checks.different_seeds("seeds", 3) == checks.different_seeds("seeds", np.int64(3)) == [0, 1, 2]
    refused(lambda: checks.different_seeds("seeds", 0), "seeds must be a whole number")
    refused(lambda: checks.different_seeds("seeds", 10**13), "seeds must be a whole number")
    for bad in (True, 2.0, "henhes"):
        refused(lambda bad=bad: checks.different_seeds("seeds", bad), "seeds must be a count or a list of seeds")
    refused(lambda: checks.different_seeds("seeds", []), "at least one seed")
    refused(lambda: checks.different_seeds("seeds", [1, 2, 1]), "seeds must differ, got [1, 2, 1]")
    for bad in (-1, 1.5, True, "a"):
        refused(lambda bad=bad: checks.different_seeds("seeds", [bad]), "seed must be a whole number >= 0")


@pytest.mark.parametrize(
    "value", [[[1.0, np.ma.masked]], ([np.ma.array([1.0, 2.0], mask=[0, 1])],), [[[np.ma.masked]]]]
)
def test_masks_inside_nested_lists_are_found(value):
    refused(lambda: checks.finite_array("u", value), "u must hold no masked values", "1 of ")


def test_a_check_leaves_the_filters_of_warnings_alone():
    """They belong to all threads; and Python shows every warning anew once they have changed."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        for _ in range(3):
            checks.finite_array("u", [1.0, 2.0])
            with contextlib.suppress(HeteroError):
                checks.finite_array("u", [[1.0], [1.0, 2.0]])
            warnings.warn("once", UserWarning, stacklevel=1)
    assert len(said) == 1


def test_what_is_no_truth_is_refused():
    for value in (True, False, np.True_, np.False_):
        assert checks.truth("flip", value) is bool(value)
    for value in (0, 1, 1.0, "yes", None, np.array([True])):
        with pytest.raises(HeteroError, match="flip must be True or False, got"):
            checks.truth("flip", value)
