"""What a notebook shows of networks, draws, recordings and measurements."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import hetero_rsnn as hr
from hetero_rsnn.measures.estimates import estimate

SMALL = {"n": 60, "protocol.samples": 500, "protocol.train": "1 s", "protocol.d_max": 10, "protocol.washout": 20}


class Page(HTMLParser):
    """The rows of all tables as text; whatever is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.pictures = 0
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs) -> None:
        self.open.append(tag)
        self.pictures += tag == "svg"
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs) -> None:
        pass

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.replace("\xa0", " ")


@pytest.mark.parametrize("name", ["honhos", "henhes", "chrsnn"])
def test_a_network_has_a_row_a_parameter_with_its_density(name: str) -> None:
    net = hr.load_network(name, n=60)
    page = Page(net._repr_html_())
    rows = {(row[0], row[1]): row[2] for row in page.rows[1:]}
    for population in net.populations:
        where = f"{population.name} ({population.size} {population.kind})"
        for key, p in population.parameters:
            assert rows[where, key] == str(p)
    assert len(net.projections) <= sum(key[1].startswith("projection ") for key in rows)
    assert page.pictures == len(page.rows) - 1


def test_what_does_not_differ_has_no_spread() -> None:
    drawn = hr.draw(hr.load_network("honhos", n=100, I_bias=1.06), 0)  # the mean of 80 times 1.06 is not 1.06
    rows = Page(drawn._repr_html_()).rows[1:]
    assert {row[3] for row in rows} == {"0", "–"}


def test_a_draw_shows_what_was_drawn() -> None:
    drawn = hr.draw(hr.load_network("henhes", n=80), 3)
    page = Page(drawn._repr_html_())
    (row,) = (row for row in page.rows if row[:2] == ["E", "tau_m"])
    values = drawn.neurons["tau_m"][drawn.members("E")]
    assert float(row[2].removesuffix(" ms")) == pytest.approx(values.mean(), rel=1e-3)
    assert float(row[3]) == pytest.approx(values.std() / values.mean(), rel=5e-3)
    lost, _ = hr.lose_neurons(drawn, None, 0.5, 0)
    assert Page(lost._repr_html_()).rows


def test_a_recording_shows_rates_and_spikes() -> None:
    drawn = hr.draw(hr.load_network("henhes", n=80))
    recording = hr.simulate(drawn, hr.uniform_stimulus(200))
    html = recording._repr_html_()
    row = Page(html).rows[1]
    assert row[1] == f"{recording.rate_hz:.2f}" and row[4] == f"{recording.rates_hz.max():.2f}"
    assert html.count("h1M") + 1 == np.sum(recording.spike_times < 1000)


def test_measurements_are_rounded_and_frames() -> None:
    pd = pytest.importorskip("pandas")
    both = hr.compare([hr.load_network(n, **SMALL) for n in ("honhos", "henhes")], seeds=3)
    m = both["henhes"]
    rows = dict(Page(m._repr_html_()).rows[1:])
    assert rows["E = C/S"].startswith(f"{m['E'].mean():.2f} [") and not any("determinant" in key for key in rows)
    frame = both.to_pandas()
    assert isinstance(frame, pd.DataFrame) and list(frame["network"]) == ["honhos"] * 3 + ["henhes"] * 3
    np.testing.assert_array_equal(frame["C"][3:], m["C"])
    assert list(m.to_pandas().columns) == list(frame.columns) and m.to_pandas()["seed"].tolist() == [0, 1, 2]
    assert repr(m.summary()["C"]) == f"Estimate({m.summary()['C']}, n = 3)"


def test_estimates_of_two_seeds_have_no_interval() -> None:
    two, three = estimate([1.0, 2.0]), estimate([1.0, 2.0, 3.0])
    assert str(two) == "1.5 (n = 2)" and repr(two) == "Estimate(1.5 (n = 2))" and "[" in str(three)
    assert Page(three._repr_html_()).rows[1] == ["2.00 [-0.48, 4.48]", "0.58", "3"]
    assert not np.isnan(two.low)  # the number is there for who asks


def test_an_efficiency_is_short() -> None:
    e = hr.Efficiency(1.9406073612298442, 0.14405, 0.11, 17.64, 1.3, 11.0, 0.0)
    assert repr(e) == "Efficiency(C = 1.94 ± 0.14 s.e., S = 0.11 (11 Hz), E = 17.6 ± 1.3 s.e.)"
    assert dict(Page(e._repr_html_()).rows[1:])["E = C/S"] == "17.6 ± 1.3 s.e."
