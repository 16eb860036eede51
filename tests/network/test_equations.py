"""Which differences between equations count."""

from __future__ import annotations

import random
import re

import pytest
from helpers import LIF_NETWORKS, NETWORKS, refused
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hetero_rsnn import load_network
from hetero_rsnn.common.errors import EquationMismatchError
from hetero_rsnn.network.equations import lines
from hetero_rsnn.network.mirror import check_equal, check_equations
from hetero_rsnn.network.models import LIF_STDP, LIF_STDP_PLASTICITY


def changed(block: str, old: str, new: str, source: dict[str, str] = LIF_STDP) -> dict[str, str]:
    assert old in source[block]
    return {**source, block: source[block].replace(old, new)}


@pytest.mark.parametrize(
    "found",
    [
        LIF_STDP,
        changed("equations", "v_rest - v + I_syn + I_bias + I_in", "I_in + I_bias+I_syn + (v_rest-v)"),
        changed(
            "equations",
            "(v_rest - v + I_syn + I_bias + I_in) / tau_m",
            "-(v - v_rest - I_syn - I_bias - I_in)*(1/tau_m)",
        ),
        changed("equations", "dv/dt", "  # the membrane\n\n  dv/dt  "),
        changed("equations", "(v_rest - v + I_syn", "(v_rest - v\n   + I_syn"),
        changed("threshold", "v > v_th", "v_th < v"),
        changed("threshold", "v > v_th", "v - v_th > 0"),
        changed("reset", "v = v_reset", " v=v_reset  # back"),
        changed("on_pre", "I_syn_post += w", "I_syn_post = I_syn_post + w"),
    ],
)
def test_no_difference(found):
    check_equal("lif_stdp", LIF_STDP, found)


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (changed("equations", "+ I_syn", "- I_syn"), "dv/dt"),
        (changed("equations", " + I_bias", ""), "dv/dt"),
        (changed("equations", "I_in) / tau_m", "I_in) / (2*tau_m)"), "dv/dt"),
        (changed("equations", "(unless refractory)", ""), "dv/dt"),
        (changed("equations", "-I_syn / tau_syn", "-I_syn / tau_m"), "dI_syn/dt"),
        (changed("equations", "dI_syn/dt", "dw_a/dt = -w_a/tau_syn : 1\ndI_syn/dt"), "dw_a/dt"),
        (changed("equations", "v_rest - v", "v_rest - v**2"), "dv/dt"),
        (changed("threshold", ">", ">="), "threshold"),
        (changed("threshold", "v > v_th", "v < v_th"), "threshold"),
        (changed("threshold", "v > v_th", "v > (v_th"), "threshold"),
        (changed("reset", "v = v_reset", "v -= v_th"), "reset"),
        (changed("reset", "v = v_reset", "v = v_reset\nI_syn = 0"), "reset"),
        (changed("refractory", "t_ref", "2*t_ref"), "refractory"),
        (changed("refractory", "t_ref", ""), "refractory"),
        (changed("on_pre", "+= w", "+= 2*w"), "on_pre"),
        (changed("on_pre", "+=", "-="), "on_pre"),
    ],
)
def test_difference(found, place):
    with pytest.raises(EquationMismatchError) as caught:
        check_equal("lif_stdp", LIF_STDP, found)
    message = str(caught.value)
    assert message.startswith("equations differ from kernel 'lif_stdp' in ") and place in message
    assert message.endswith(": use backend='brian2'") and "\n" not in message


@pytest.mark.parametrize(
    ("block", "old", "new"),
    [
        ("on_post", "apost += 1", "apost = 1"),
        ("on_post", "(w_max - w)**mu", "(w_max - w)"),
        ("on_post", "* apre", "* apost"),
        ("on_pre", "- eta_minus", "+ eta_minus"),
        ("on_pre", "apre += 1\n", ""),
        ("on_pre", "I_syn_post += w\napre += 1", "apre += 1\nI_syn_post += w"),
        ("equations", "tau_plus", "tau_minus"),
        ("equations", "(event-driven)", "(clock-driven)"),
    ],
)
def test_difference_in_plasticity(block, old, new):
    found = changed(block, old, new, LIF_STDP_PLASTICITY)
    with pytest.raises(EquationMismatchError, match="differ from kernel"):
        check_equal("lif_stdp", LIF_STDP_PLASTICITY, found)


def test_message_for_a_changed_membrane_is_the_one_the_docs_promise():
    with pytest.raises(EquationMismatchError) as caught:
        check_equal("lif_stdp", LIF_STDP, changed("equations", "+ I_syn", "- I_syn"))
    assert str(caught.value) == "equations differ from kernel 'lif_stdp' in dv/dt: use backend='brian2'"


def test_lines_are_folded():
    assert lines("a = 1  # one\n\n b = (2 +\n   3)\nc=4; d = 5") == ["a = 1", "b = (2 + 3)", "c=4", "d = 5"]


@pytest.mark.parametrize(
    "threshold",
    [
        # To Python, "v_th or x" is v_th, and "x and v_th" too: as mathematics, they would be the kernel's threshold.
        *(
            "v > v_th or x",
            "v > x and v_th",
            "v > v_th and x",
            "v > (v_th if x else 0)",
            "not v <= v_th",
            "v > v_th > x",
        ),
        # Nothing that sympy's parser could trip over, or run.
        *("v > v_th.real", "v > v_th[0]", "v > ((v_th", "v > v_th)", "v >", "", "v == v_th", "v = v_th", "1/0 > v_th"),
        *("v > 'v_th'", "v > v_th, 1", "v > (lambda: v_th)()", "v > ().__class__", "v > v_th @ v", "v > v_th \\"),
        *("é > v_th", "(" * 500 + "v" + ")" * 500 + " > v_th + 1"),
    ],
)
def test_thresholds_that_only_look_alike(threshold):
    found = {**LIF_STDP, "threshold": threshold}
    with pytest.raises(EquationMismatchError, match=r"in threshold: use backend='brian2'$"):
        check_equal("lif_stdp", LIF_STDP, found)


def test_a_second_definition_counts():
    """Brian2 refuses it; the last one must not hide the first."""
    found = changed("equations", "dI_syn/dt", "dI_syn/dt = -2 * I_syn / tau_syn : 1\ndI_syn/dt")
    with pytest.raises(EquationMismatchError, match="dI_syn/dt"):
        check_equal("lif_stdp", LIF_STDP, found)
    twice = changed("equations", "dI_syn/dt", "dI_syn/dt = -I_syn / tau_syn : 1\ndI_syn/dt")
    with pytest.raises(EquationMismatchError, match="a second time"):
        check_equal("lif_stdp", LIF_STDP, twice)


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("neuron.equations", "- v +", "+ v +", "dv/dt"),
        ("neuron.threshold", ">", ">=", "threshold"),
        ("synapse.on_pre", "+=", "-=", "on_pre (statement 1, I_syn_post)"),
        ("plasticity.on_post", "apre, w_min", "apre, w_min + 0.1", "on_post (statement 2, w)"),
        ("plasticity.on_pre", "apre += 1\n", "", "on_pre (statement 2, apre), on_pre (statement 3, w)"),
        ("plasticity.equations", "-apre", "-2*apre", "dapre/dt"),
        ("plasticity.equations", "(event-driven)", "(clock-driven)", "dapre/dt, dapost/dt"),
    ],
)
def test_a_network_says_where_it_differs(name, old, new, place):
    net = load_network("henhes")
    table, key = name.split(".")
    text = net.to_dict()[table][key]
    assert old in text
    changes = {name: text.replace(old, new)}
    with pytest.raises(EquationMismatchError) as caught:
        check_equations(net.replace(**changes))
    message = str(caught.value)
    assert f"differ from kernel 'lif_stdp' in {place}" in message and message.endswith(": use backend='brian2'")


@pytest.mark.parametrize("name", LIF_NETWORKS)
def test_shipped_networks_are_the_kernels(name):
    check_equations(load_network(name))


@pytest.mark.parametrize("name", sorted({*NETWORKS} - {*LIF_NETWORKS}))
def test_other_shipped_networks_are_not(name):
    words = "has synaptic delays" if load_network(name).delayed else "kernel"
    refused(lambda: check_equations(load_network(name)), name, words, error=EquationMismatchError)


def test_order_of_equations_is_free_and_that_of_statements_is_not():
    first, second = lines(LIF_STDP["equations"])
    check_equal("lif_stdp", LIF_STDP, {**LIF_STDP, "equations": f"{second}\n{first}"})
    first, second, third = lines(LIF_STDP_PLASTICITY["on_pre"])
    with pytest.raises(EquationMismatchError, match="on_pre"):
        swapped = f"{first}\n{third}\n{second}"
        check_equal("lif_stdp", LIF_STDP_PLASTICITY, {**LIF_STDP_PLASTICITY, "on_pre": swapped})


TERMS = ["+v_rest", "-v", "+I_syn", "+I_bias", "+I_in"]


@settings(max_examples=40)
@given(terms=st.permutations(TERMS), spaces=st.randoms(use_true_random=False))
def test_any_order_of_a_sum_and_any_spacing(terms, spaces: random.Random):
    tokens = re.findall(r"\w+|[-+()/]", f"({' '.join(terms)}) / tau_m")
    text = "".join(t + " " * spaces.randint(0, 3) for t in tokens)
    found = {**LIF_STDP, "equations": f"dv/dt = {text}: 1 (unless refractory) # mine\n\ndI_syn/dt=-I_syn/tau_syn:1"}
    check_equal("lif_stdp", LIF_STDP, found)


@settings(max_examples=40)
@given(terms=st.permutations(TERMS), flip=st.integers(0, 4), drop=st.booleans())
def test_any_changed_sign_or_missing_term(terms, flip, drop):
    other = {"+": "-", "-": "+"}[terms[flip][0]] + terms[flip][1:]
    found = " ".join([*terms[:flip], *([] if drop else [other]), *terms[flip + 1 :]])
    equations = f"dv/dt = ({found}) / tau_m : 1 (unless refractory)\ndI_syn/dt = -I_syn / tau_syn : 1"
    with pytest.raises(EquationMismatchError) as caught:
        check_equal("lif_stdp", LIF_STDP, {**LIF_STDP, "equations": equations})
    assert str(caught.value) == "equations differ from kernel 'lif_stdp' in dv/dt: use backend='brian2'"


PIECES = "v v_th I_syn w ( ) + - * / ** , < > >= = : 1 2.5 1e3 . or if clip exp ' \\ # ; dv/dt x.y é [ {"
pieces = st.lists(st.sampled_from([*PIECES.split(), "\n"]), max_size=12).map(" ".join)


@settings(max_examples=3 * settings().max_examples)
@given(block=st.sampled_from(sorted(LIF_STDP)), text=st.one_of(st.text(max_size=30), pieces))
@example(block="threshold", text="v > (v_th")
def test_junk_differs_and_nothing_else_happens(block, text):
    found = {**LIF_STDP, block: text}
    try:
        check_equal("lif_stdp", LIF_STDP, found)
    except EquationMismatchError as error:
        assert "use backend='brian2'" in str(error)
    else:  # by chance the same, which takes more than a few of these pieces
        assert re.sub(r"\W", "", text)
    check_equal("own", found, found)
