"""Figures of feed-forward networks: what is drawn is what was measured."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from helpers import refused

from hetero_rsnn import plots

NOISE = {
    "leak 0.5": [SimpleNamespace(mean=-0.2, sd=0.4), SimpleNamespace(mean=0.1, sd=0.3)],
    "leak 0.9": [SimpleNamespace(mean=-0.5, sd=0.9)],
}


def test_noise_of_membranes_is_drawn_at_its_layers():
    ax = plots.plot_membrane_noise(NOISE)
    for box, rows, x in zip(ax.containers, NOISE.values(), ([0.825, 1.825], [1.175]), strict=True):
        points, _, (bars,) = box.lines
        np.testing.assert_allclose(points.get_xydata(), [(a, row.mean) for a, row in zip(x, rows, strict=True)])
        ends = [[(a, row.mean - row.sd), (a, row.mean + row.sd)] for a, row in zip(x, rows, strict=True)]
        np.testing.assert_allclose(bars.get_segments(), ends)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["leak 0.5", "leak 0.9"]
    assert [tick for tick in ax.get_xticks() if 0.4 <= tick <= 2.6] == [1, 2]
    given = ax.figure.subplots()
    assert plots.plot_membrane_noise(NOISE, ax=given) is given


def test_noise_that_cannot_be_drawn():
    refused(
        lambda: plots.plot_membrane_noise({}), "noise must be that of one layer or more of each network, got no net"
    )
    refused(lambda: plots.plot_membrane_noise({**NOISE, "odd": []}), "got none of 'odd'")
    refused(lambda: plots.plot_membrane_noise(next(iter(NOISE.values()))), "must map names of networks", "write {")
