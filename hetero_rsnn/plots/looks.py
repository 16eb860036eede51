"""Colours, markers and letters that all figures share, and saving a figure."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from hetero_rsnn.common.files import write_atomic
from hetero_rsnn.network.shipped import POINTS, kind_and_point

#: Okabe and Ito's palette, safe for colour-blind readers; the markers and dashes differ too.
COLOURS = {"honhos": "#000000", "henhos": "#0072B2", "honhes": "#E69F00", "henhes": "#D55E00"}
SPARE = ("#009E73", "#CC79A7", "#56B4E9", "#8C6D1F", "#7F7F7F")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
#: Of the canonical networks at other points than the first, in the order of `COLOURS`.
_OTHER_MARKERS = ("p", "P", "X", "d")
_DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
#: How parameters are called on axes.
SYMBOLS = {"tau_m": r"membrane time constant $\tau_m$"}


def axes_for(ax: Axes | None, width: float = 4.8, height: float = 3.4) -> Axes:
    if ax is not None:
        return ax
    return Figure(figsize=(width, height), layout="constrained").subplots()


def style(name: str, index: int) -> dict[str, Any]:
    """Colour, marker and dashes of a network; the canonical ones always look the same, at each point with a marker."""
    kind, point = kind_and_point(name) or (name, "")
    order = list(COLOURS)
    place = order.index(kind) if kind in COLOURS else len(order) + index
    markers = _OTHER_MARKERS if point and POINTS[point] else _MARKERS
    return {
        "color": COLOURS.get(kind, SPARE[index % len(SPARE)]),
        "marker": markers[place % len(markers)],
        "linestyle": _DASHES[place % len(_DASHES)],
    }


def panel_letter(ax: Axes, letter: str) -> None:
    ax.set_title(letter, loc="left", fontweight="bold", fontsize="large")


def legend(ax: Axes, **look: Any) -> None:
    """A legend that shows the marker of a mean and leaves its error bars away, which cannot be told apart so small."""
    handles, labels = ax.get_legend_handles_labels()
    handles = [h.lines[0] if isinstance(h, ErrorbarContainer) else h for h in handles]
    ax.legend(handles, labels, frameon=False, fontsize="small", **look)


def save_figure(figure: Figure, path: Path, *, dpi: int = 160) -> Path:
    """Write a figure (format by ending) atomically."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # Names of columns may be of any script; what the font does not have is drawn as a box.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        figure.savefig(buffer, format=path.suffix.lstrip(".") or "png", dpi=dpi)
    return write_atomic(path, lambda file: file.write(buffer.getvalue()))
