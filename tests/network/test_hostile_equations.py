"""What no equation may hold is refused as the network is read: by name, in one line, at once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from helpers import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from hetero_rsnn import Network, draw, load_network, silence, simulate
from hetero_rsnn.common.errors import EquationMismatchError, HeteroError, NetworkError
from hetero_rsnn.network.equations import check_expression, lines, value_at
from hetero_rsnn.network.mirror import check_equations

REST = "dI_syn/dt = -I_syn / tau_syn : 1"
#: Place -> the block with the expression in it.
PLACES: dict[str, Any] = {
    "neuron.equations": lambda e: f"dv/dt = (v_rest - v + I_syn + I_bias + I_in + {e}) / tau_m : 1\n{REST}",
    "neuron.threshold": lambda e: f"v > {e}",
    "neuron.reset": lambda e: f"v = {e}",
    "neuron.refractory": lambda e: f"{e}",
    "synapse.on_pre": lambda e: f"I_syn_post += w + {e}",
    "plasticity.equations": lambda e: f"dapre/dt = -apre / tau_plus : 1 (event-driven)\nx = {e} : 1",
    "plasticity.on_pre": lambda e: f"apre += {e}",
    "plasticity.on_post": lambda e: f"w = clip({e}, w_min, w_max)",
}
#: Expression -> words of the message.
FORBIDDEN = {
    "v.real": ("an attribute", "'v.real'"),
    "v.__class__": ("an attribute",),
    "v[0]": ("an index", "'v[0]'"),
    "v[1:2]": ("an index",),
    "(1 if v else 2)": ("'if' and 'else'",),
    "(v, 1)": ("a tuple",),
    "(lambda: v)()": ("'(lambda: v)()'",),
    "[v]": ("a list",),
    "{v}": ("braces",),
    "(v := 3)": ("':='",),
    "'text'": ("text",),
    "f'{v}'": ("text",),
    "1j": ("'1j'",),
    "None": ("'None'",),
    "(v @ v)": ("'v @ v'",),
    "(v | v)": ("'v | v'",),
    "~v": ("'~v'",),
    "(v is v)": ("'v is v'",),
    "(0 < v < 1)": ("compares more than two values", "'and'"),
    "exp(x=v)": ("'exp(x=v)'",),
    "exp(*v)": ("'*v'",),
    "__import__('os')": ("calls '__import__'",),
    "expp(v)": ("calls 'expp'", "did you mean 'exp'?"),
    "9**9**9": ("the power", "at most 100"),
    "v**9**9": ("the power 'v**9**9'",),
    "v**-101": ("the power", "at most 100"),
    "exp(exp(exp(9)))": ("whose value is no number",),
    "(1/3)**99**0.5**-99": ("the power",),
    "((9**99)**9)**-1": ("whose value is no number",),
    "((1/9**99)**2 + 1)": ("which is below",),
    "v/0": ("divides by 0",),
    "v % (1 - 1)": ("divides by 0",),
    "(-8)**0.5": ("whose value is no number",),
    "1e400": ("'1e400'", "at most 1e+150"),
    "9" * 400: ("at most 1e+150",),
    "(1 + v + w + I_syn)**30": ("at most 500 terms", "got 5456"),
    "+".join(["v"] * 5000): ("at most 2000 characters",),
    "+".join(["v"] * 900): ("at most 100 operations inside each other",),
    "(" * 60 + "v" + ")" * 60: ("at most 50 brackets inside each other",),
    "(" * 900 + "v" + ")" * 900: ("at most 50 brackets inside each other",),
    "-" * 1900 + "v": ("at most 100 operations inside each other",),
    "(" + "not " * 400 + "v)": ("at most 100 operations inside each other",),
    "é": ("the sign 'é'",),
    "v v": ("is no expression",),
    "v,": ("a tuple",),
    "((v)": ("is no expression",),
    "v\0": ("is no expression",),
    "01": ("is no expression",),
    "()": ("a tuple",),
}


def with_block(place: str, text: str) -> Network:
    data = load_network("henhes", n=20).to_dict()
    table, key = place.split(".")
    data[table] = {**data[table], key: text}
    return Network.from_dict(data)


@pytest.mark.parametrize("expression", FORBIDDEN, ids=[e[:20].replace("\0", "0") for e in FORBIDDEN])
@pytest.mark.parametrize("place", PLACES)
def test_what_no_equation_may_hold(place, expression):
    begun = time.process_time()
    words = FORBIDDEN[expression]
    # Two of them are no single thing once the rest of the block stands around them.
    if expression == "v," or expression == "((v)":
        words = ()
    error = refused(lambda: with_block(place, PLACES[place](expression)), place, *words, error=NetworkError)
    assert time.process_time() - begun < 30
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("x = x + 1 : 1", ("defines 'x' by itself",)),
        ("x = y : 1\ny = x : 1", ("defines", "by itself")),
        ("x = 1 : 1\nx = 2 : 1", ("defines 'x' a second time",)),
        # A few short lines, each harmless, that would be millions of terms.
        ("\n".join(f"a{i} = a{i + 1} + a{i + 1} : 1" for i in range(40)) + "\na40 = v : 1", ("at most 500 terms",)),
        ("\n".join(f"a{i} = a{i + 1} + 1 : 1" for i in range(150)) + "\na150 = v : 1", ("operations inside each",)),
        ("a = (v + I_syn + 1)**9 : 1\nb = (a + 1)**9 : 1", ("at most 500 terms",)),
        ("x = 9 : 1\ny = x**x**x : 1", ("the power 'x**x**x'",)),
        (
            "\n".join(f"a{i} = {'*'.join([f'exp(a{i + 1})'] * 9)} : 1" for i in range(9)) + "\na9 = v : 1",
            ("at most 2000 parts",),
        ),
        ("x : volt**9**9**9", ("has the unit 'volt**9**9**9'", "SI units")),
        ("x : volt**999", ("has the unit",)),
        ("x : (lambda: 3)()", ("is no equation",)),
        ("x = 1", ("is no equation",)),
        ("x", ("is no equation",)),
        ("x += 1 : 1", ("is no equation",)),
        ("x = 1 : 1 (((", ("is no equation",)),
        ("v.x = 1 : 1", ("is no equation",)),
        ("(\n" * 100_000, ("at most 20000 characters",)),
        ("x : 1\n" * 3000, ("at most 200 lines",)),
    ],
)
def test_blocks_that_no_network_may_hold(more, words):
    begun = time.process_time()
    equations = dict(load_network("henhes").equations)["equations"]
    refused(lambda: with_block("neuron.equations", f"{equations}\n{more}"), "neuron.equations", *words)
    assert time.process_time() - begun < 30


@pytest.mark.parametrize(
    ("place", "text", "words"),
    [
        ("neuron.reset", "v > v_reset", ("is no assignment",)),
        ("neuron.reset", "v == v_reset", ("is no expression",)),
        ("neuron.reset", "v.x = 1", ("is no assignment",)),
        ("neuron.reset", "v = 1 : 1", ("is no expression",)),
        ("neuron.reset", "import os", ("is no assignment",)),
        ("neuron.threshold", "v = v_th", ("is no expression",)),
        ("neuron.threshold", "v > v_th\nv > 2", ("is no expression",)),
        ("plasticity.on_post", "for i in w: w = 1", ("is no assignment",)),
    ],
)
def test_statements_that_are_none(place, text, words):
    refused(lambda: with_block(place, text), place, *words)


def test_the_message_in_full():
    assert str(refused(lambda: with_block("neuron.reset", "v = v_reset.real"))) == (
        "neuron.reset: 'v = v_reset.real' holds an attribute, 'v_reset.real', which no equation may: write numbers, "
        "names, + - * / // % **, comparisons, and, or, not, and functions such as exp(x) only"
    )


@pytest.mark.parametrize(
    "text",
    [
        "v > v_th",
        "v > v_th and not (I_syn < -0.5 or v >= 1e3)",
        "exp(-v / v_th) + clip(v, 0, 1) * sqrt(abs(I_syn)) // 2 % 3 > +1",
        "0.032*(15 - v)/(exp((15 - v)/5) - 1)*(1 - v)**4 > 0",  # as Hodgkin and Huxley write rates
        "v**100 + 2**-100 > (v + 1)**30",
        "+".join(["v"] * 90) + " > 0",
        "True",
        "int(v > 1) == 1",
        "9**9 > 3 * e + pi",
    ],
)
def test_what_equations_may_hold(text):
    check_expression("neuron.threshold", text)


def test_equations_of_every_form_are_read():
    """Flags, units with powers, an expression that goes on in the next line, comments, single semicolons."""
    net = with_block(
        "neuron.equations",
        """
        # the membrane
        dv/dt = (v_rest - v + I_syn + I_bias + I_in
                 - a) / tau_m : 1 (unless refractory)  # with adaptation
        dI_syn/dt = -I_syn / tau_syn : 1; da/dt = -a / tau_m : 1
        half = v
               / 2 : 1 (constant over dt)
        field : volt/metre**2
        odd : amp**-2 * second ** 2 (shared, constant)
        """,
    )
    assert len(lines(dict(net.equations)["equations"])) == 7


def test_equations_that_differ_are_told_apart_at_once():
    """Brackets that sympy would take minutes to multiply out."""
    net = with_block(
        "neuron.equations",
        "dv/dt = (v_rest - v + I_syn + I_bias + I_in + 1e-3*(v + I_syn + I_bias)**25) / tau_m : 1 (unless refractory)\n"
        f"{REST}",
    )
    begun = time.process_time()
    with pytest.raises(EquationMismatchError, match="in dv/dt: use backend='brian2'"):
        check_equations(net)
    assert time.process_time() - begun < 30


def test_the_value_of_an_expression():
    assert value_at("2*x**2 - clip(y, 0, 1) / exp(0)", {"x": 3.0, "y": 7.0}) == 17.0
    for text in ("x + z", "x.real", "f(x)", "exp()", "1/0", "exp(1e9)", "x > 1", "(-x)**0.5", "1 +"):
        with pytest.raises((ValueError, SyntaxError, ArithmeticError)):
            value_at(text, {"x": 2.0})


WORDS = "v I_syn w 1 2.5 9 1e3 ( ) + - * / ** % // , . : < > = == and or not if else lambda exp clip [ ] ' \\ # é x"
PIECES = WORDS.split()


@settings(max_examples=3 * settings().max_examples, deadline=1000)
@given(
    place=st.sampled_from(sorted(PLACES)),
    text=st.one_of(st.text(max_size=40), st.lists(st.sampled_from([*PIECES, "\n"]), max_size=15).map(" ".join)),
)
def test_junk_is_read_or_refused_in_one_line(place, text):
    try:
        with_block(place, PLACES[place](text))
    except HeteroError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "expression",
    [
        "1e-60*(v + I_syn + I_bias)**20",
        "1e-100*" + "exp(" * 12 + "-v" + ")" * 12,
        "1e-140*(v + I_syn + I_bias + 1)**9*exp(exp(v)**9)**3",
        "1e-60*(" + "+".join(f"1/(v+{k}*I_syn+{k})" for k in range(1, 12)) + ")",
        "1e-60*(" + "+".join(f"1/(v+{k}*I_syn+{k})" for k in range(1, 6)) + ")",
        "1e-60*v/(1+v/(1+v/(1+v/(1+v/(1+v)))))",
        "1e-60*(v**1.5+I_syn**2.5)**2.5/(v+1)**3",
        "(v+I_syn)**25 - (I_syn+v)**24",
    ],
)
def test_differences_that_no_number_shows_are_told_apart_at_once_too(expression):
    import sympy  # noqa: F401  # takes a second

    net = with_block(
        "neuron.equations",
        f"dv/dt = (v_rest - v + I_syn + I_bias + I_in + {expression}) / tau_m : 1 (unless refractory)\n{REST}",
    )
    begun = time.process_time()
    with pytest.raises(EquationMismatchError, match="in dv/dt: use backend='brian2'"):
        check_equations(net)
    assert time.process_time() - begun < 30


@pytest.mark.parametrize(
    "rate",
    [
        "(I_in + I_bias + I_syn - v + v_rest) / tau_m",
        "-(v - v_rest - I_syn - I_bias - I_in) / tau_m",
        "(v_rest + I_in) / tau_m + (I_bias + I_syn - v) / tau_m",
        "(v_rest - v + I_syn + I_bias + I_in) * (1 / tau_m)",
        "1 / (tau_m / (v_rest - v + I_syn + I_bias + I_in))",
        "(2*v_rest - 2*v + 2*I_syn + 2*I_bias + 2*I_in) / (2*tau_m)",
        "(v_rest - v + I_syn + I_bias + I_in) * tau_m / tau_m**2",
    ],
)
def test_equal_equations_in_other_words_are_the_same(rate):
    check_equations(with_block("neuron.equations", f"dv/dt = {rate} : 1 (unless refractory)\n{REST}"))


#: Each is read, and Brian2 works on it for as long as it takes: what is large enough to hang it has been refused.
LARGEST = {
    "terms": "+".join(["v"] * 90),
    "a power": "(v + I_syn)**3 * 1e-3 - (v + I_syn)**3 * 1e-3",
    "functions": "1e-9*" + "exp(" * 12 + "-v" + ")" * 12,
    "fractions": "1e-9*(" + "+".join(f"1/(v*v+{k})" for k in range(1, 12)) + ")",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGEST)
def test_brian2_answers_in_seconds(name):
    data = with_block(
        "neuron.equations",
        f"dv/dt = (v_rest - v + I_syn + I_bias + I_in + {LARGEST[name]}) / tau_m : 1 (unless refractory)\n{REST}",
    ).to_dict()
    drawn = draw(Network.from_dict({**data, "model": ""}), 1)
    begun = time.process_time()
    try:
        simulate(drawn, silence("10 ms"), backend="brian2")
    except HeteroError as error:
        assert "\n" not in str(error)
    assert time.process_time() - begun < 30


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("expression", ["v.real", "9**9**9", "(1 if v else 2)"])
def test_network_files_and_overrides_are_read_by_the_same_rule(place, expression, tmp_path):
    data = load_network("henhes", n=20).to_dict()
    table, key = place.split(".")
    text = PLACES[place](expression)
    words = (place, *FORBIDDEN[expression])
    refused(lambda: load_network("henhes", **{place: text}), *words, error=NetworkError)
    path = tmp_path / "own.toml"
    path.write_text(f'extends = "henhes"\n[{table}]\n{key} = """\n{text}\n"""\n')
    refused(lambda: load_network(path), *words, error=NetworkError)
    assert data[table][key] != text
