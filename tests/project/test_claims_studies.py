"""The studies of claims, damage and theory: their verdicts and shares by hand, where a wrong sign would turn them."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
from helpers import ROOT

import hetero_rsnn as hr
from hetero_rsnn.measures.memory import fit_capacity
from hetero_rsnn.measures.ridge_blocks import block_edges

SEEDS = list(range(6))
#: Small differences between seeds, the same for all networks, as paired seeds have.
WOBBLE = np.array([-0.02, 0.01, 0.0, 0.02, -0.01, 0.0])


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "analysis"))
    return importlib.import_module


def row(c: float, s: float, **more: Any) -> dict[str, Any]:
    """A network with this C and S, whose seeds all differ in the same way, but for a little."""
    own = np.random.default_rng(round(1000 * c + 10 * s)).normal(0, 1e-3, len(SEEDS))
    values = c * (1 + WOBBLE + own)
    return {"seed": SEEDS, "C": list(values), "S": list(s * (1 + WOBBLE)), "E": list(values / s), **more}


def four(c_neurons: float = 3.0, c_synapses: float = 1.0, s_synapses: float = 0.9) -> dict[str, dict[str, Any]]:
    """HoNHoS with C = 2 and S = 0.1; factors by which diversity of neurons and of synapses changes both."""
    return {
        f"h{'e' if n else 'o'}nh{'e' if z else 'o'}s": row(
            2.0 * (c_neurons if n else 1) * (c_synapses if z else 1), 0.1 * (s_synapses if z else 1)
        )
        for n in (False, True)
        for z in (False, True)
    }


def sweep(sign: float) -> list[dict[str, Any]]:
    """C that rises while the correlation of states falls (sign -1), or rises as well."""
    return [row(1.0 + k, 0.1, correlation=list(0.5 + sign * 0.1 * k + 0.001 * WOBBLE)) for k in range(5)]


def test_claims_that_hold_hold_and_their_contraries_fail(study: Any) -> None:
    claims = study("claims").claims
    good = claims(four(), sweep(-1), 3)
    assert {k: v["verdict"] for k, v in good.items()} == dict.fromkeys(("H1", "H2", "H3", "H4", "H5"), "holds")
    assert good["H1"]["differences"]["henhos - honhos"]["mean"] == pytest.approx(2.0, abs=0.01)
    assert good["H2"]["differences"]["honhes - honhos"]["mean"] == pytest.approx(-0.1, abs=0.001)
    assert good["H5"]["differences"]["whole sweep"]["mean"] == pytest.approx(-1.0)
    bad = claims(four(c_neurons=0.5, c_synapses=0.5, s_synapses=1.1), sweep(1), 3)
    assert {k: v["verdict"] for k, v in bad.items()} == dict.fromkeys(("H1", "H2", "H3", "H4", "H5"), "fails")


def test_claims_about_one_pair_alone_are_mixed_or_open(study: Any) -> None:
    claims, networks = study("claims").claims, four()
    networks["henhes"] = row(1.0, 0.15)  # both kinds of diversity together spoil what each had gained
    found = claims(networks, [], 0)
    assert [found[k]["verdict"] for k in ("H1", "H2", "H5")] == ["mixed", "mixed", "not asked"]
    noisy = four()
    noisy["henhes"]["C"] = list(2.0 + 3.0 * np.array([-1, 1, -1, 1, -1, 1]))
    assert claims(noisy, [], 0)["H1"]["verdict"] == "open"


def test_what_damage_leaves_is_a_ratio_of_means_with_its_error(study: Any) -> None:
    left = study("robustness").left
    b = np.array([1.0, 2.0, 4.0, 3.0])
    np.testing.assert_allclose(left({"C": list(0.4 * b)}, {"C": list(b)}, "C"), 0.4)  # no spread where all lose alike
    a = np.array([0.5, 0.9, 1.0, 2.0])
    found = left({"C": list(a)}, {"C": list(b)}, "C")
    assert found.mean() == pytest.approx(a.mean() / b.mean())
    rng = np.random.default_rng(0)  # the spread against that of ratios of means over many samples of seeds
    y = rng.normal(3.0, 0.4, (4000, 30))
    x = 0.5 * y + rng.normal(0, 0.2, y.shape)
    errors = [left({"C": list(x[k])}, {"C": list(y[k])}, "C").std(ddof=1) / math.sqrt(30) for k in range(200)]
    assert np.mean(errors) == pytest.approx((x.mean(axis=1) / y.mean(axis=1)).std(ddof=1), rel=0.05)
    kept = left({"C_kept": [1.0, 1.0]}, {"C": [2.0, 2.0]}, "C_kept")  # a readout of before, against C of before
    np.testing.assert_allclose(kept, 0.5)


def test_training_rows_are_those_of_the_folds(study: Any) -> None:
    network = hr.load_network("henhes", **{"protocol.samples": 1500, "protocol.d_max": 20})
    p = network.protocol
    rows = p.samples - p.d_max
    lost = [min(b + p.d_max, rows) - max(a - p.d_max, 0) for a, b in block_edges(rows, 5)]
    assert study("theory").training_rows(network) == round(np.mean([rows - n for n in lost]))
    rng = np.random.default_rng(0)
    u = rng.uniform(size=p.samples)
    found, weights = fit_capacity(rng.normal(size=(p.samples, 2)), u, p.d_max, 0, 5, None, None, 3.0)
    assert (found.n_samples, len(weights)) == (rows, 5)
