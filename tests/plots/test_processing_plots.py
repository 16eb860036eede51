"""The figure of a processing capacity shows its numbers."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

import hetero_rsnn as hr
from hetero_rsnn import plots


def test_bars_are_the_sums_by_degree_and_delay() -> None:
    u = np.random.default_rng(0).uniform(-1, 1, 1000)
    states = np.stack([np.roll(u, 1), np.roll(u, 2) ** 2, u * np.roll(u, 3)], axis=1)
    found = hr.processing_capacity(states, u, d_max=5, degree=2)
    ax = found.plot()
    assert len(ax.containers) == 3 and ax.get_title() == f"total {found.of()}, at most 3"
    for bars, (degree, cross) in zip(ax.containers, ((1, False), (2, False), (2, True)), strict=True):
        expected = [found.of(degree=degree, cross=cross, delay=d).total for d in range(6)]
        assert_allclose([bar.get_height() for bar in bars], expected, atol=1e-12)
        assert str(found.of(degree=degree, cross=cross)) in bars.get_label()
    for d in range(6):  # each bar stands on those before it
        above = 0.0
        for bar in (c[d] for c in ax.containers):
            if bar.get_height() >= 0:
                assert_allclose(bar.get_y(), above, atol=1e-12)
                above += bar.get_height()
        assert d in (0, 4, 5) or above > 0.95
    assert len(plots.plot_processing(found, longest=2).containers[0]) == 3
    other = plots.plot_processing(found, ax)
    assert other is ax
