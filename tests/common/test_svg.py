"""Thumbnails: well-formed, and what they draw is what they were given."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np

from hetero_rsnn.common import svg
from hetero_rsnn.common.tables import Markup, TextTable


def points(text: str) -> np.ndarray:
    line = ET.fromstring(text)[1].attrib["points"]
    return np.array([pair.split(",") for pair in line.split()], dtype=float)


def test_a_density_has_its_peak_where_the_curve_has_it() -> None:
    x = np.linspace(5.0, 25.0, 81)
    drawn = points(svg.density(x, np.exp(-((x - 10) ** 2)), "a <b>"))
    assert drawn[np.argmin(drawn[:, 1]), 0] == 1 + 0.25 * 108
    assert drawn[:, 1].min() >= 0 and drawn[:, 1].max() <= 26 and len(drawn) == 81
    assert svg.density(x[:1], x[:1], "") == svg.density(x, 0 * x, "") == ""


def test_a_histogram_counts_finite_values_and_one_value_is_a_line() -> None:
    values = np.r_[np.zeros(3), np.ones(6), np.inf]
    bars = [float(b.attrib["height"]) for b in ET.fromstring(svg.histogram(values, "h"))[0]]
    assert len(bars) == 2 and bars[1] == 23.0 and abs(bars[0] - 11.5) < 0.051
    assert ET.fromstring(svg.histogram(np.full(5, 20.0), "h"))[0].tag.endswith("line")
    assert svg.histogram(np.array([np.inf]), "h") == ""


def test_a_raster_has_a_dot_a_spike() -> None:
    text = svg.raster(np.array([0.0, 50.0, 100.0]), np.array([0, 9, 4], dtype=np.int32), 10, 100.0, "r")
    dots = re.findall(r"M([\d.]+) ([\d.]+)h1", ET.fromstring(text)[1].attrib["d"])
    assert [float(a) for a, _ in dots] == [1.0, 260.0, 519.0]
    assert float(dots[1][1]) < float(dots[2][1]) < float(dots[0][1])  # neuron 0 at the bottom
    many = np.linspace(0, 99, 100_000)
    crowd = svg.raster(many, np.zeros(100_000, dtype=np.int32), 10, 100.0, "r")
    assert 3000 < crowd.count("h1") <= 4000
    assert "<path" not in svg.raster(many[:0], np.zeros(0, dtype=np.int32), 10, 100.0, "r")


def test_only_markup_of_ours_is_html() -> None:
    page = TextTable("t", ("a", "b"), [("<i>", "<b>"), ("x", Markup("<svg/>"))]).html()
    assert "<svg/>" in page and "&lt;b&gt;" in page and "&lt;i&gt;" in page and "<b>" not in page
