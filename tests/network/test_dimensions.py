"""Units of equations are checked as a network is read: every verdict is Brian2's, and every error says where."""

from __future__ import annotations

import time
from typing import Any

import pytest
from helpers import refused
from hypothesis import given
from hypothesis import strategies as st
from own_networks import OWN

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError, NetworkError, UnitError
from hetero_rsnn.network.dimensions import NONE, Checker, dimension_of, dimension_of_unit, located_lines, show

#: What expressions of the tests name.
NAMES = {"v": "volt", "g": "siemens", "c": "farad", "tau": "second", "k": "1", "f": "hertz", "x": "amp"}


def _with(name: str, block: str, text: Any) -> hr.Network:
    data = OWN[name]()
    table, key = block.split(".")
    data[table][key] = text
    return hr.Network.from_dict(data, name)


EQUATIONS = """# the membrane
dv/dt = (v_rest - v + I_syn  # a comment
    + I_bias + I_in - {}) / tau_m : 1 (unless refractory)

dI_syn/dt = -I_syn / tau_syn : 1; dtheta/dt = (v_th - theta) / tau_theta : 1
"""


@pytest.mark.parametrize(
    ("name", "block", "text", "words"),
    [
        ("adaptive", "neuron.equations", EQUATIONS.format("jump*tau_m"), ("line 3, column 23", "tau_m' (second)")),
        ("adaptive", "neuron.equations", EQUATIONS.format("jump)*(tau_m"), ("line 2, column 9", "dv/dt must have")),
        ("adaptive", "neuron.reset", "v = v_reset; theta += jump*tau_theta", ("line 1, column 23", "second")),
        ("adaptive", "neuron.threshold", "v", ("must be a condition", "'v'")),
        ("adaptive", "neuron.threshold", "v > theta + tau_theta", ("line 1, column 13", "(second)")),
        ("adaptive", "neuron.refractory", "v_th*t_ref/ms", ("a time, or a condition",)),
        ("adaptive", "synapse.on_pre", "I_synn_post += w", ("line 1, column 1", "did you mean 'I_syn_post'?")),
        ("adaptive", "synapse.on_pre", "I_syn_post += ww", ("line 1, column 15", "unknown name 'ww'")),
        ("conductance", "synapse.on_pre", "g_e_post += w\n  v_post += w", ("line 2, column 13", "siemens")),
        ("conductance", "synapse.on_pre", "g_e_post *= w", ("a factor of g_e_post",)),
        ("conductance", "plasticity.on_post", "apost += apre*eta_plus + tau_plus", ("column 26", "(second)")),
        ("conductance", "neuron.initial", {"v": 1.0}, ("neuron.initial.v", "volt", "no unit")),
        ("adaptive", "neuron.equations", EQUATIONS.format("jump/v_rest"), ("divides by v_rest, which is 0", "line 3")),
    ],
)  # fmt: skip
def test_places(name: str, block: str, text: Any, words: tuple[str, ...]) -> None:
    refused(lambda: _with(name, block, text), block.split(".initial")[0], *words)


def test_the_own_networks_are_right() -> None:
    for name, make in OWN.items():
        hr.Network.from_dict(make(), name)


@pytest.mark.parametrize(
    "unit", ["mV", "volt", "nS", "uF", "pA", "ms", "second", "Hz", "kHz", "Mohm", "metre2", "um", "cm2", "siemens"]
)
def test_units_are_those_of_brian2(unit: str) -> None:
    import brian2.only as b2
    from brian2.units import allunits

    quantity = getattr(allunits, unit, None) or getattr(b2, unit, None)
    found = dimension_of_unit(unit)
    assert quantity is not None and found is not None
    assert [float(x) for x in quantity.dim._dims] == [float(x) for x in found]


def test_what_is_no_unit() -> None:
    for name in ("xV", "volts", "mm4", "v", "S", "A", "seconds", ""):
        assert dimension_of_unit(name) is None, name
    assert dimension_of("amp/second**2") == dimension_of("amp / second / second")
    assert show(dimension_of("volt*siemens")) == "amp" and show(NONE) == "no unit"
    refused(lambda: dimension_of("volts"), "unknown unit 'volts'", error=UnitError)


_LEAVES = st.sampled_from([*NAMES, "1", "2.5", "mV", "ms", "pi"])


def _grown(inner: Any) -> Any:
    two = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "//", ">", "<="]), inner)
    call = st.tuples(st.sampled_from(["exp", "log", "tanh", "sqrt", "abs", "int", "sign", "floor", "exprel"]), inner)
    return st.one_of(
        two.map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        call.map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, st.sampled_from(["2", "3", "0.5", "(-1)", "k", "tau"])).map(lambda p: f"({p[0]})**{p[1]}"),
        st.tuples(inner, inner, inner).map(lambda p: f"clip({', '.join(p)})"),
        inner.map(lambda p: f"(-{p})"),
        st.tuples(inner, inner).map(lambda p: f"(not {p[0]} and {p[1]})"),
    )


@given(st.recursive(_LEAVES, _grown, max_leaves=8))
def test_every_verdict_is_brian2s(expression: str) -> None:
    import brian2
    from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS
    from brian2.core.variables import Constant, Variable
    from brian2.parsing.expressions import parse_expression_dimensions
    from brian2.units import allunits
    from brian2.units.fundamentalunits import DimensionMismatchError

    variables: dict[str, Any] = {**DEFAULT_FUNCTIONS, **DEFAULT_CONSTANTS}
    for name, unit in NAMES.items():
        dim = None if unit == "1" else getattr(allunits, unit).dim
        variables[name] = Variable(name=name, **({} if dim is None else {"dimensions": dim}))
    for name in ("mV", "ms"):
        quantity = getattr(brian2, name)
        variables[name] = Constant(name, dimensions=quantity.dim, value=float(quantity))
    try:
        theirs = [float(x) for x in parse_expression_dimensions(expression, variables)._dims]
    except (DimensionMismatchError, SyntaxError, TypeError, ValueError, KeyError):
        theirs = None
    checker = Checker("here", {k: dimension_of(u) for k, u in NAMES.items()} | {"pi": NONE})
    (line,) = located_lines(expression)
    try:
        ours = [float(x) for x in checker.check(line, 0, line.text, None, "it")]
    except HeteroError:
        ours = None
    assert (ours is None) == (theirs is None), expression
    if ours is not None and theirs is not None:
        assert ours == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("text", ["v > 9**9**9", "(" * 1000 + "v" + ")" * 1000 + " > 1", "v > " + "-" * 1000 + "1"])
def test_what_would_take_for_ever_is_refused_at_once(text: str) -> None:
    begun = time.process_time()
    refused(lambda: _with("adaptive", "neuron.threshold", text), "neuron.threshold", error=NetworkError)
    assert time.process_time() - begun < 1
