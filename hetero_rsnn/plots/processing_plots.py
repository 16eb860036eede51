"""Figure of an information processing capacity: which degrees there are, and how far back."""

from __future__ import annotations

from itertools import product

import numpy as np
from matplotlib.axes import Axes

from hetero_rsnn.measures.processing_result import ProcessingCapacity
from hetero_rsnn.plots.looks import axes_for

#: Colours of degrees 1, 2, ...: of functions of one input, and lighter of products over several delays.
_COLOURS = (("#0072B2", "#0072B2"), ("#D55E00", "#F0B58A"), ("#009E73", "#8FD3BD"), ("#8C6D1F", "#D9C68F"))
_REST = ("0.35", "0.7")


def plot_processing(capacity: ProcessingCapacity, ax: Axes | None = None, *, longest: int | None = None) -> Axes:
    """Bars of capacity over delay, stacked by degree; products over several delays stand at their largest one.

    Sums below 0, which chance gives where there is nothing, hang below the line.

    Parameters
    ----------
    capacity : ProcessingCapacity
    ax : Axes, optional
    longest : int, optional
        Largest delay that is drawn; default all.
    """
    ax = axes_for(ax)
    degrees = np.array([t.degree for t in capacity.terms])
    cross = np.array([t.cross for t in capacity.terms])
    delays = np.array([t.delay for t in capacity.terms])
    first, last = int(delays.min()), int(delays.max())
    last = last if longest is None else min(last, longest)
    at = np.arange(first, last + 1)
    above, below = np.zeros(len(at)), np.zeros(len(at))
    for degree, several in product(sorted(set(degrees.tolist())), (False, True)):
        chosen = (degrees == degree) & (cross == several)
        if not chosen.any():
            continue
        sums = np.bincount(delays[chosen], capacity.capacity[chosen], int(delays.max()) + 1)[first : last + 1]
        colour = (_COLOURS[degree - 1] if degree <= len(_COLOURS) else _REST)[several]
        name = f"degree {degree}" + ("" if degree == 1 else ", several delays" if several else ", one delay")
        text = f"{name}: {capacity.of(degree=degree, cross=several)}"
        ax.bar(at, sums, 0.85, bottom=np.where(sums >= 0, above, below), color=colour, label=text)
        above, below = above + sums.clip(min=0), below + sums.clip(max=0)
    ax.axhline(0, color="0.6", lw=0.8)
    ax.set(
        xlabel="largest delay (samples)",
        ylabel="capacity",
        xlim=(first - 0.6, last + 0.6),
        title=f"total {capacity.of()}, at most {capacity.bound}",
    )
    ax.legend(frameon=False, fontsize="small")
    return ax
