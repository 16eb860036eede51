"""Errors carry what callers need, so that nobody cuts messages apart."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.common import errors
from hetero_rsnn.network.mirror import require_equations

KINDS = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, Exception)]


@pytest.mark.parametrize("kind", KINDS)
def test_one_line_with_reason_and_fix(kind):
    error = kind("n must be >= 1,\ngot 0", fix="use 1")
    assert str(error) == "n must be >= 1,\\ngot 0: use 1" and error.reason == "n must be >= 1,\\ngot 0"
    assert isinstance(error, hr.HeteroError) and isinstance(error, ValueError)
    assert str(kind("alone")) == kind("alone").reason == "alone"


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_is_added_and_nothing_lost(kind):
    placed = kind("reason", fix="fix").at(before="E: ", after=" [net.toml]")
    assert (
        type(placed) is kind and str(placed) == "E: reason: fix [net.toml]" and placed.reason == "E: reason [net.toml]"
    )
    differs = hr.EquationMismatchError("differs", places=["dv/dt"]).at(after=" [a]")
    assert differs.places == ("dv/dt",) and str(hr.TooShortError("short", estimate=1.0)).startswith("short (untrust")


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_from_another_process_is_whole(kind):
    error = kind("reason", fix="fix")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind and str(again) == str(error) and vars(again) == vars(error)


def test_equations_that_differ_say_where():
    net = hr.load_network("henhes", n=20, **{"neuron.threshold": "v > 0.9 * v_th"})
    with pytest.raises(hr.EquationMismatchError) as caught:
        require_equations(net, "a theory is", "simulate instead")
    assert caught.value.places == ("threshold",)
    assert str(caught.value).startswith("a theory is of the model 'lif_stdp' only (equations differ from kernel")
    assert str(caught.value).endswith("threshold): simulate instead")


def test_a_short_series_says_what_it_would_have_needed():
    states = np.random.default_rng(0).normal(size=(120, 10))
    with pytest.raises(hr.TooShortError) as caught:
        hr.memory_capacity(states, states[:, 0], d_max=5)
    error = caught.value
    assert error.measure == "memory_capacity" and error.required > 120 and isinstance(error.estimate, hr.MemoryCapacity)
    assert "untrustworthy estimate: C = " in str(error) and "untrustworthy" not in error.reason


def test_a_journal_says_what_stands_in_the_way(tmp_path):
    path = tmp_path / "search.jsonl"
    with pytest.raises(hr.JournalError) as caught:
        hr.search("quick", journal=path, resume=True)
    assert caught.value.problem == "missing"
    path.write_text("mine\n")
    with pytest.raises(hr.JournalError) as caught:
        hr.search("quick", journal=path, budget=6, initial=6)
    assert caught.value.problem == "exists" and path.read_text() == "mine\n"
    path.write_text("")
    with pytest.raises(hr.JournalError) as caught:
        hr.search("quick", journal=path, resume=True)
    assert caught.value.problem == "missing"
