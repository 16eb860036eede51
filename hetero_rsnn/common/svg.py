"""Thumbnails as SVG for notebooks, in the colour of the text and without matplotlib: densities, histograms, rasters."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.tables import Markup
from hetero_rsnn.common.types import Array

#: Spikes of a raster; of more, evenly chosen ones are drawn.
_MOST = 4000


def _picture(parts: Iterable[str], width: int, height: int, alt: str) -> Markup:
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(alt)}">{"".join(parts)}</svg>'
    )


def density(x: Array, y: Array, alt: str, *, width: int = 110, height: int = 26) -> Markup:
    """A filled curve over `x`, from the left end of the picture to the right, the highest point at the top."""
    span, top = float(np.ptp(x)), float(np.max(y, initial=0.0))
    if x.size < 2 or not (np.isfinite(span) and np.isfinite(top) and span > 0 and top > 0):
        return Markup("")
    across = (x - x[0]) / span * (width - 2) + 1
    up = height - 1 - y / top * (height - 3)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True))
    shape = f'<polygon points="1,{height - 1} {points} {width - 1},{height - 1}" fill="currentColor" opacity="0.2"/>'
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.2"/>'
    return _picture([shape, line], width, height, alt)


def spike(alt: str, *, width: int = 110, height: int = 26) -> Markup:
    """A single value: a vertical line in the middle."""
    line = (
        f'<line x1="{width / 2}" x2="{width / 2}" y1="2" y2="{height - 1}" stroke="currentColor" stroke-width="1.6"/>'
    )
    return _picture([line], width, height, alt)


def histogram(values: Array, alt: str, *, bins: int = 22, width: int = 110, height: int = 26) -> Markup:
    """Bars of how often values occur; those that are not finite are left out."""
    values = values[np.isfinite(values)]
    if not values.size:
        return Markup("")
    if not np.ptp(values) > 1e-12 * np.abs(values).max():
        return spike(alt, width=width, height=height)
    counts, _ = np.histogram(values, bins)
    wide = (width - 2) / bins
    bars = [
        f'<rect x="{1 + k * wide:.1f}" y="{height - 1 - h:.1f}" width="{wide - 0.6:.1f}" height="{h:.1f}"/>'
        for k, h in enumerate(counts / counts.max() * (height - 3))
        if h
    ]
    return _picture(['<g fill="currentColor" opacity="0.7">', *bars, "</g>"], width, height, alt)


def raster(
    times: Array,
    neurons: NDArray[np.integer],
    n: int,
    duration: float,
    alt: str,
    *,
    width: int = 520,
    height: int = 130,
) -> Markup:
    """A dot a spike, time to the right, neuron 0 at the bottom; of very many spikes evenly chosen ones."""
    step = -(-times.size // _MOST) or 1
    across = 1 + times[::step] / duration * (width - 2)
    up = height - 1 - (neurons[::step] + 0.5) / n * (height - 2)
    dots = "".join(f"M{a:.1f} {b:.1f}h1" for a, b in zip(across, up, strict=True))
    size = f'width="{width - 1}" height="{height - 1}"'
    frame = f'<rect x="0.5" y="0.5" {size} fill="none" stroke="currentColor" opacity="0.3"/>'
    path = f'<path d="{dots}" stroke="currentColor" stroke-width="1.2"/>' if dots else ""
    return _picture([frame, path], width, height, alt)
