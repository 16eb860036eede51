"""Energy from counts: linear in them, by constants that have sources."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from helpers import refused

import hetero_rsnn as hr

COUNTS = hr.Operations(
    spikes=7, synaptic=1000, plastic=300, input_synaptic=20, input_products=500, membrane_updates=40, weight_updates=0,
    dense=1e4, seconds=2.0, inferences=4.0,
)  # fmt: skip


def test_by_hand():
    found = hr.energy(COUNTS)
    assert found.total == pytest.approx((1020 * 0.9 + 500 * 4.6 + 40 * 4.6) * 1e-12)
    assert found.parts["inputs"] == pytest.approx((20 * 0.9 + 500 * 4.6) * 1e-12)
    loihi = hr.energy(COUNTS, "loihi")
    assert loihi.total == pytest.approx((1520 * 23.6 + 40 * 81 + 7 * 1.7) * 1e-12)
    memory = hr.energy(COUNTS, "45nm-sram", weight_bits=1)
    assert memory.total - found.total == pytest.approx(memory.memory) == pytest.approx(1520 * 10 / 64 * 1e-12)
    learning = replace(COUNTS, weight_updates=11)
    assert hr.energy(learning).learning == pytest.approx(11 * 4.6e-12)
    assert hr.energy(learning, "45nm-sram").memory == pytest.approx((1520 + 22) * 32 * 10 / 64 * 1e-12)


@pytest.mark.parametrize("name", list(hr.HARDWARE))
def test_it_is_linear_in_every_count(name):
    whole = hr.energy(COUNTS, name, weight_bits=8).total
    assert hr.energy(COUNTS.per_inference, name, weight_bits=8).total == pytest.approx(whole / 4)
    assert hr.energy(COUNTS.per_second, name, weight_bits=8).total == pytest.approx(whole / 2)
    for field in fields(COUNTS):
        value = getattr(COUNTS, field.name)
        once, twice, thrice = (
            hr.energy(replace(COUNTS, **{field.name: k * value}), name, weight_bits=8).total for k in (1, 2, 3)
        )
        assert thrice - twice == pytest.approx(twice - once, abs=1e-20)
    nothing = hr.Operations(0, 0, 0, 0, 0, 0, 0, 0, 1, 1)
    assert hr.energy(nothing, name).total == 0


@pytest.mark.parametrize("name", list(hr.HARDWARE))
def test_constants_have_sources(name):
    known = hr.HARDWARE[name]
    assert known.name == name
    assert "doi:10." in known.source or "data sheet" in known.source
    # A multiply-accumulate is at least an addition.
    assert known.multiply_accumulate >= known.synaptic_operation > 0


def test_published_sums():
    known = hr.HARDWARE
    assert known["45nm"].multiply_accumulate == pytest.approx(3.7 + 0.9)
    assert known["a100"].multiply_accumulate == pytest.approx(2 * 400 / 19.5, rel=2e-3)
    with pytest.raises(TypeError):
        known["45nm"] = known["loihi"]


def test_own_constants():
    mine = hr.Hardware("mine", 1.0, 2.0, 3.0, spike=4.0, weight_update=5.0, weight_bit=0.5, source="measured here")
    found = hr.energy(replace(COUNTS, weight_updates=2), mine, weight_bits=2)
    assert found.total == pytest.approx((1020 + 1000 + 120 + 28 + 10 + 0.5 * 2 * (1520 + 4)) * 1e-12)
    assert found.hardware == "mine" and found.source == "measured here"
    assert "mine" in str(found) and "measured here" in found._repr_html_()


def test_refusals():
    refused(lambda: hr.energy(COUNTS, "loihi2"), "unknown hardware 'loihi2'", "did you mean 'loihi'")
    refused(lambda: hr.energy(400), "count_operations returns, got int")
    refused(lambda: hr.energy(COUNTS, weight_bits=-1), "weight_bits must be", "-1")
    refused(lambda: hr.energy(replace(COUNTS, weight_updates=9), "loihi"), "9 were counted", "plasticity=False")
    refused(lambda: hr.Hardware("a", -1.0, 1.0, 1.0, source="here"), "synaptic_operation must be", "-1")
    refused(lambda: hr.Hardware("a", 1.0, 1.0, 1.0, weight_update=-2.0, source="here"), "weight_update must be")
    refused(lambda: hr.Hardware("a", 1.0, 1.0, 1.0), "source of a hardware", "say where its numbers come from")
