"""Delays of network files: what they may say, how they are drawn, changed, saved and shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers import refused

import hetero_rsnn as hr

SPREAD = {"distribution": "uniform", "low": "1 ms", "high": "20 ms"}


@pytest.fixture(scope="module")
def plain() -> hr.Network:
    return hr.load_network("henhes", n=80)


@pytest.mark.parametrize(
    ("delay", "words"),
    [
        ("0.4 ms", ("1,000 steps (1 ms to 1000 ms), got 0.4 ms", "write 0 for none")),
        ("-1 ms", ("got -1 ms", "write a positive time")),
        ("1001 ms", ("got 1001 ms", "lower it, raise dt")),
        ("nan ms", ("must be a finite number",)),
        (3.0, ("must be a time such as '1.5 ms', got 3",)),
        ("2 mV", ("must be a time such as '1.5 ms'",)),
        ({"distribution": "gamma", "mean": "0.5 ms", "cv": 1.0}, ("got 0.5 ms", "lower dt")),
        ({"distribution": "uniform", "low": "-1 ms", "high": "4 ms"}, ("from uniform(-1 ms .. 4 ms)",)),
        ({"distribution": "lognormal", "mean": "400 ms", "cv": 1.0}, ("from lognormal", "an upper end")),
    ],
)
def test_delays_out_of_range_are_refused(plain: hr.Network, delay: object, words: tuple[str, ...]) -> None:
    refused(lambda: plain.replace(**{"EE.delay": delay}), "projections.EE.delay", *words)


def test_a_draw_that_leaves_the_range_is_refused_where_it_is_drawn(plain: hr.Network) -> None:
    """One synapse in two thousand: the file may be read, and a draw that is small enough may be made."""
    net = plain.replace(n=400, **{"EE.delay": {"distribution": "lognormal", "mean": "240 ms", "cv": 0.5}})
    assert hr.draw(net.replace(n=10), 1).plastic.delay is not None
    words = ("projections.EE.delay", "synapses from lognormal(mean 240 ms, cv 0.5)", " of 1")
    refused(lambda: hr.draw(net, 1), *words, error=hr.NetworkError)


def test_what_is_drawn_below_one_step_becomes_one_step(plain: hr.Network) -> None:
    wide = {"distribution": "gamma", "mean": "3 ms", "cv": 1.0}
    delay = hr.draw(plain.replace(**{"EE.delay": wide}), 1).plastic.delay
    # A gamma of cv 1 is exponential: a step or less, rounded, are all below 1.5 ms.
    assert delay.min() == 1 and (delay == 1).mean() == pytest.approx(1 - np.exp(-1.5 / 3), abs=0.06)


def test_a_file_names_itself_where_its_delay_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('extends = "henhes"\n[projections.EE]\ndelay = "0.2 ms"\n')
    refused(lambda: hr.load_network(path), "projections.EE.delay", "[odd.toml]", error=hr.NetworkError)


def test_delays_are_whole_steps_in_ascending_order_and_change_no_other_number(plain: hr.Network) -> None:
    before = hr.draw(plain, 1)
    after = hr.draw(plain.replace(**{"EE.delay": SPREAD, "IE.delay": "1.5 ms"}), 1)
    assert before.plastic.delay is None and before.static.delay is None
    delay, row = after.plastic.delay, after.plastic.source
    assert delay is not None and delay.dtype == np.uint16
    key = (row.astype(np.int64) * 1001 + delay) * 80 + after.plastic.target
    assert (np.diff(key) > 0).all()
    assert delay.min() >= 1 and delay.max() == 20 and abs(delay.mean() - 10.5) < 1
    # The numbers of a uniform distribution, in the order in which synapses are drawn: rounded, halves up.
    order = np.argsort(row.astype(np.int64) * 80 + after.plastic.target)
    drawn = 1 + 19 * hr.common.randomness.generator(1, "delays", "EE").random(len(order))
    np.testing.assert_array_equal(delay[order], np.floor(drawn + 0.5))
    for name, values in {**after.plastic.parameters, "w": after.plastic.w}.items():
        old = before.plastic.w if name == "w" else before.plastic.parameters[name]
        np.testing.assert_array_equal(values[order], old)
    projection = np.array([p.name for p in plain.projections])[after.static.projection]
    assert after.static.delay is not None
    assert set(after.static.delay[projection == "IE"]) == {2} and not after.static.delay[projection != "IE"].any()


def test_delays_are_changed_like_other_parameters(tmp_path: Path) -> None:
    net = hr.load_network("delays", n=60)
    gamma = {"distribution": "truncated_normal", "mean": "10 ms", "cv": 0.3, "floor": 0.1}
    net = net.replace(**{"EE.delay": gamma})
    other = net.replace(**{"EE.delay.mean": "6 ms", "EE.delay.cv": 0.0})
    assert set(hr.draw(other, 0).plastic.delay) == {6}
    assert other.fingerprint != net.fingerprint
    everywhere = hr.load_network("henhes", n=60, delay="3 ms")
    assert everywhere.delayed == ("EE", "EI", "IE", "II")
    assert everywhere.replace(delay="0 ms").delayed == ()
    refused(lambda: hr.load_network("henhes", **{"EE.delay.mean": "3 ms"}), "the network has no projections.EE.delay")
    refused(lambda: hr.load_network("henhes", **{"EX.delay": "3 ms"}), "unknown name 'EX.delay'")
    path = tmp_path / "space.toml"
    path.write_text(
        'base = "delays"\n[parameters."EE.delay"]\ndistribution = "truncated_normal"\nfloor = 0.2\n'
        'mean = ["5 ms", "20 ms"]\ncv = [0.0, 0.3]\n'
    )
    space = hr.load_space(path)
    assert [d.name for d in space.dimensions] == ["EE.delay.mean", "EE.delay.cv"]


def test_delays_are_shown_with_their_rounding(plain: hr.Network) -> None:
    text = str(plain.replace(**{"EE.delay": SPREAD}))
    assert "delay uniform(1 ms .. 20 ms), plastic" in text and "rounded to whole steps of 1 ms" in text
    assert "delay" not in str(plain).split("protocol")[0]
    html = plain.replace(**{"EE.delay": SPREAD})._repr_html_().replace("&nbsp;", " ")
    assert "delay uniform(1 ms .. 20 ms) in whole steps" in html


def test_a_network_that_keeps_its_arrays_keeps_its_delays(plain: hr.Network, tmp_path: Path) -> None:
    drawn = hr.draw(plain.replace(**{"EE.delay": SPREAD}), 1)
    path = hr.save_network(drawn, tmp_path / "kept.toml")
    again = hr.draw(hr.load_network(path), 5)
    np.testing.assert_array_equal(again.plastic.delay, drawn.plastic.delay)
    assert again.static.delay is None
    kept = hr.load_network(path)
    refused(lambda: kept.replace(dt="0.5 ms"), "dt of 'kept' must stay 1 ms, got 0.5 ms: its delays are given in steps")


def test_lost_synapses_take_their_delays_along(plain: hr.Network) -> None:
    drawn = hr.draw(plain.replace(**{"EE.delay": SPREAD}), 1)
    less, _ = hr.lose_synapses(drawn, None, 0.5, 1)
    assert less.plastic.delay is not None and less.plastic.delay.size == len(less.plastic) < len(drawn.plastic)


def test_the_homogeneous_counterpart_has_one_delay() -> None:
    from hetero_rsnn.network.homogeneous import homogeneous

    assert np.ptp(hr.draw(homogeneous(hr.load_network("delays", n=60)), 1).plastic.delay) == 0
