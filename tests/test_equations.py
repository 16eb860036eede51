"""Which differences between equations count."""

from __future__ import annotations

import pytest

from hetero_rsnn.equations import check_equal, lines
from hetero_rsnn.errors import EquationMismatchError
from hetero_rsnn.network import LIF_STDP, LIF_STDP_PLASTICITY


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
    assert message.endswith("; use backend='brian2'") and "\n" not in message


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
    assert str(caught.value) == "equations differ from kernel 'lif_stdp' in dv/dt; use backend='brian2'"


def test_lines_are_folded():
    assert lines("a = 1  # one\n\n b = (2 +\n   3)\nc=4; d = 5") == ["a = 1", "b = (2 + 3)", "c=4", "d = 5"]
