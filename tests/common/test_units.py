"""Units: every spelling of a quantity, the errors, and the way there and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hetero_rsnn.common import units
from hetero_rsnn.common.errors import HeteroError, UnitError

UNITS = ["second", "hertz", "volt", "amp", "siemens", "farad", "ohm", "metre", "1"]
PREFIXES = {"p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
finite = st.floats(allow_nan=False, allow_infinity=False)


def refused(call: Any, *parts: str) -> None:
    """One line that holds every part."""
    with pytest.raises(UnitError) as info:
        call()
    message = str(info.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, f"{part!r} not in {message!r}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20 ms", (20.0, "second")),
        ("20ms", (20.0, "second")),
        ("  +2e1 ms ", (20.0, "second")),
        ("0.02 s", (20.0, "second")),
        (".02 second", (20.0, "second")),
        ("20. msecond", (20.0, "second")),
        ("1500 us", (1.5, "second")),
        ("1500 µs", (1.5, "second")),
        ("7 ns", (7e-6, "second")),
        ("2 ks", (2e6, "second")),
        ("5 Hz", (5.0, "hertz")),
        ("2 kHz", (2000.0, "hertz")),
        ("-65 mV", (-0.065, "volt")),
        ("5 uV", (5e-6, "volt")),
        ("200 pA", (2e-10, "amp")),
        ("10 nS", (1e-8, "siemens")),
        ("200 pF", (2e-10, "farad")),
        ("3 Mohm", (3e6, "ohm")),
        ("4 um", (4e-6, "metre")),
        ("4 m", (4.0, "metre")),
        ("2 mm", (2e-3, "metre")),
        ("0.5", (0.5, "1")),
        ("0.5 1", None),
        ("1e-3", (1e-3, "1")),
        ("-inf", (-math.inf, "1")),
        ("inf ms", (math.inf, "second")),
    ],
)
def test_text(text: str, expected: tuple[float, str] | None) -> None:
    if expected is None:
        refused(lambda: units.parse(text), "number with its unit", repr(text))
    else:
        assert units.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("2 min", 120e3), ("1.5 h", 5.4e6), ("1 day", 86.4e6), ("15min", 900e3)]
)
def test_long_times(text: str, expected: float) -> None:
    """Sampling intervals of real series; "min" is no milli-inch and "m" no minute."""
    assert units.parse(text) == (expected, "second")
    assert units.parse("3 m")[1] == "metre"


@pytest.mark.parametrize("value", [3, 3.0, np.float64(3), np.int32(3)])
def test_plain_numbers_have_no_unit(value: Any) -> None:
    number, unit = units.parse(value)
    assert (number, unit) == (3.0, "1") and type(number) is float


def test_brian2_quantities() -> None:
    import brian2 as b2

    for quantity, expected in [
        (20 * b2.ms, (20.0, "second")),
        (0.02 * b2.second, (20.0, "second")),
        (5 * b2.Hz, (5.0, "hertz")),
        (-65 * b2.mV, (-0.065, "volt")),
        (2 * b2.nA, (2e-9, "amp")),
        (10 * b2.nS, (1e-8, "siemens")),
        (200 * b2.pF, (2e-10, "farad")),
        (3 * b2.Mohm, (3e6, "ohm")),
        (4 * b2.um, (4e-6, "metre")),
        (b2.Quantity(0.5), (0.5, "1")),
    ]:
        number, unit = units.parse(quantity)
        assert unit == expected[1] and number == pytest.approx(expected[0], rel=1e-15)
    refused(lambda: units.parse(3 * b2.joule, "tau_m"), "tau_m has the unit", "give it as text, e.g. '20 ms'")
    refused(lambda: units.parse([1, 2] * b2.ms, "tau_m"), "tau_m must be a number with its unit")
    assert units.milliseconds(10 * b2.ms, "hold") == 10.0
    refused(lambda: units.milliseconds(10 * b2.mV, "hold"), "hold must be a time", "hold='10 ms'")


@pytest.mark.parametrize("name", UNITS)
def test_names_agree_with_brian2(name: str) -> None:
    """The names are used in Brian2's equations."""
    import brian2 as b2

    if name == "1":
        return
    assert units.parse(getattr(b2, name))[1] == name


@pytest.mark.parametrize(
    "value",
    ["", "ms", "20 ms ms", "twenty ms", "1,5 ms", "0x10", "1e", "--3", None, [], [1, 2], {}, True, b"12", 1j, 10**400],
)
def test_no_quantity(value: Any) -> None:
    refused(lambda: units.parse(value, "tau_m"), "tau_m", repr(value) if value != 10**400 else "got 1000")


@pytest.mark.parametrize("unit", ["parsec", "MS2", "mms", "Ms/s", "sec", "ms2", "_"])
def test_unknown_unit(unit: str) -> None:
    refused(
        lambda: units.parse(f"3 {unit}", "tau_m"), "tau_m", f"'3 {unit}'", f"unknown unit '{unit}'", "as in '20 ms'"
    )


@pytest.mark.parametrize("value", ["-3 ms", "0 ms", "inf ms", "nan ms"])
def test_duration_above_zero(value: str) -> None:
    refused(lambda: units.milliseconds(value, "dt"), f"dt must be > 0 ms, got {float(value.split()[0]):g} ms")


def test_duration_of_zero() -> None:
    assert units.milliseconds("0 s", "train", positive=False) == 0.0
    refused(lambda: units.milliseconds("-1 s", "train", positive=False), "train must be >= 0 ms, got -1000 ms")


@pytest.mark.parametrize(("value", "shown"), [(10, "10 (no unit of time)"), ("10 mV", "10 mV"), ("10", "10")])
def test_duration_without_time_unit(value: Any, shown: str) -> None:
    refused(lambda: units.milliseconds(value, "hold"), f"must be a time with its unit, got {shown}", "hold='10 ms'")


@given(value=finite, unit=st.sampled_from(UNITS))
def test_show_and_parse_are_inverse(value: float, unit: str) -> None:
    assert units.parse(units.show(value, unit)) == (value, unit)


@given(value=st.floats(), unit=st.sampled_from(UNITS))
def test_show_never_fails(value: float, unit: str) -> None:
    number, name = units.parse(units.show(value, unit))
    assert name == unit and (number == value or (math.isnan(number) and math.isnan(value)))


def test_shown_text_is_short() -> None:
    assert units.show(20.0, units.TIME) == "20 ms"
    assert units.show(0.5, "volt") == "0.5 V"
    assert units.show(1.0, units.DIMENSIONLESS) == "1"


@given(
    digits=st.integers(-(10**12), 10**12),
    power=st.integers(-9, 9),
    prefixes=st.tuples(st.sampled_from(sorted(PREFIXES)), st.sampled_from(sorted(PREFIXES))),
    symbol=st.sampled_from(["s", "V", "Hz", "ohm"]),
)
def test_spelling_does_not_change_a_number(digits: int, power: int, prefixes: tuple[str, str], symbol: str) -> None:
    """The same decimal number under two prefixes is the same float to the last bit: fingerprints depend on it."""
    a, b = (f"{digits}e{power - PREFIXES[prefix]} {prefix}{symbol}" for prefix in prefixes)
    assert units.parse(a) == units.parse(b)


@given(st.one_of(st.text(), st.none(), st.binary(), st.lists(st.integers()), st.complex_numbers(), st.booleans()))
def test_junk_is_refused_or_read(value: Any) -> None:
    try:
        number, unit = units.parse(value, "x")
    except HeteroError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(value, str) and type(number) is float and unit in UNITS


@given(value=finite, unit=st.sampled_from(UNITS))
def test_to_si(value: float, unit: str) -> None:
    assert units.to_si(value, unit) == (value / 1e3 if unit == "second" else value)


@given(count=st.integers(1, 10**7), dt=st.sampled_from([0.1, 0.05, 0.25, 1.0, 1 / 3, 2.5]))
def test_steps(count: int, dt: float) -> None:
    assert units.steps(count * dt, dt, "hold") == count


@given(duration=st.floats(0.001, 1e4), dt=st.sampled_from([0.1, 1.0, 2.5]))
def test_steps_between(duration: float, dt: float) -> None:
    nearest = round(duration / dt) * dt
    assume(abs(duration - nearest) > 1e-3 * dt or nearest == 0)
    refused(lambda: units.steps(duration, dt, "hold"), f"hold must be a multiple of dt = {dt:g} ms", f"{duration:g} ms")


@pytest.mark.parametrize("duration", [0.0, -1.0, 1e308])
def test_steps_out_of_range(duration: float) -> None:
    refused(lambda: units.steps(duration, 1e-10, "hold"), "hold must be a multiple of dt", f"{duration:g} ms")


@pytest.mark.parametrize("value", [3, 0.5, np.float64(2), -1e300, 10**300])
def test_plain_number(value: float) -> None:
    number = units.finite(value)
    assert number == float(value) and type(number) is float


@pytest.mark.parametrize("value", [True, "3", None, [1], math.nan, math.inf, 10**400, 1j])
def test_no_plain_number(value: Any) -> None:
    assert units.finite(value) is None
