"""Which memory capacity a network is measured by: a word of its protocol, from its file to every result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import refused
from searches import line_of

import hetero_rsnn as hr
from hetero_rsnn.common.capacities import ESTIMATOR, FIRST_ESTIMATOR
from hetero_rsnn.network.definition import Network
from hetero_rsnn.searching.space import load_space

TINY = {"n": 40, "protocol.samples": 700, "protocol.d_max": 10, "protocol.train": "1 s", "protocol.washout": 20}


def test_a_measurement_is_by_the_estimator_of_the_protocol() -> None:
    for name in ("heldout", "population"):
        net = hr.load_network("henhes", **TINY, **{"protocol.estimator": name})
        drawn, p = hr.draw(net, 3), net.protocol
        u = hr.uniform_stimulus(p.washout + p.samples, p.hold, 3)
        x = hr.states(hr.simulate(drawn, u, plasticity=False, state=hr.train(drawn)), u, p.tau_read)[p.washout :]
        wanted = hr.memory_capacity(x, u.values[p.washout :, 0], d_max=p.d_max, estimator=name)
        found = hr.measure(net, [3])
        assert (found["C"][0], found["C_stderr"][0]) == (wanted.total, wanted.stderr)
        np.testing.assert_array_equal(found["curve"][0], wanted.curve)


def test_a_file_that_names_none_takes_what_is_usual_and_a_definition_what_was_first(tmp_path: Path) -> None:
    net = hr.load_network("henhes")
    assert net.protocol.estimator == ESTIMATOR
    old = net.to_dict()
    del old["protocol"]["estimator"]
    assert Network.from_dict(old).protocol.estimator == FIRST_ESTIMATOR == "heldout"
    (tmp_path / "mine.toml").write_text('extends = "henhes"\n[protocol]\nestimator = "population"\n')
    mine = hr.load_network(tmp_path / "mine.toml")
    assert mine.protocol.estimator == "population" and mine.fingerprint != net.fingerprint
    for one in (mine, mine.replace(**{"protocol.estimator": "heldout"})):
        assert hr.load_network(hr.save_network(one, tmp_path / "saved.toml", overwrite=True)) == one
    assert Network.from_dict(old).fingerprint == mine.replace(**{"protocol.estimator": "heldout"}).fingerprint


def test_networks_measured_by_different_ones_are_not_compared() -> None:
    nets = {
        name: hr.load_network("henhes", **TINY, **{"protocol.estimator": name}) for name in ("heldout", "population")
    }
    refused(lambda: hr.compare(nets, 2), "protocol.estimator differs: heldout heldout, population population")
    refused(lambda: hr.load_network("henhes", **{"protocol.estimator": "populatoin"}), "unknown protocol.estimator")
    refused(lambda: hr.load_network("henhes", **{"protocol.estimator": 3}), "unknown protocol.estimator 3")


def test_what_is_shown_says_which_it_is() -> None:
    for name, text in (("heldout", "held out"), ("population", "infinitely many samples")):
        found = hr.compare({"a": hr.load_network("henhes", **TINY, **{"protocol.estimator": name})}, 2)
        assert text in str(found) and text in str(found.measurements[0].network)


@pytest.mark.slow
def test_a_journal_without_an_estimator_goes_on_held_out(tmp_path: Path) -> None:
    space = load_space("quick", **{**TINY, "protocol.estimator": "heldout"})
    path = tmp_path / "j.jsonl"
    options = {"budget": 3, "initial": 3, "remeasure": 0, "workers": 1, "c_min": 0.1}
    whole = hr.search(space, journal=path, **options)
    lines = path.read_text().splitlines(keepends=True)
    header = json.loads(lines[0])
    del header["definition"]["base"]["protocol"]["estimator"]
    header.pop("sha256", None)
    path.write_text(line_of(header) + "".join(lines[1:]))
    asked = load_space("quick", **{**TINY, "protocol.estimator": "population"})
    again = hr.search(asked, journal=path, resume=True, budget=4, workers=1)
    assert again.space.base.protocol.estimator == "heldout"
    assert again.trials[:3] == whole.trials
    named = tmp_path / "named.jsonl"
    hr.search(space, journal=named, **options)
    refused(lambda: hr.search(asked, journal=named, resume=True), "is of another space")
