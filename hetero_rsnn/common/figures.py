"""Figures of results: ``result.plot()`` asks here for its function, which lies on a floor above and is imported then.

This is the one way up. A module of a lower floor that imported the figures would draw matplotlib into every run; here
the function is a name until it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

#: Result -> the function of `hetero_rsnn.plots` that draws it.
TARGETS = {
    "Advice": "figure_advice",
    "Comparison": "plot_efficiency",
    "ControlResult": "plot_control",
    "CutoffCurve": "plot_cutoff",
    "Draw": "plot_parameter",
    "ImageTaskResult": "figure_images",
    "Measurement": "plot_memory_curve",
    "MemoryCapacity": "plot_capacity",
    "ProcessingCapacity": "plot_processing",
    "Recording": "plot_raster",
    "SearchResult": "search_figure",
    "Stimulus": "plot_input",
    "Sweep": "figure_sweep",
    "TaskResult": "figure_task",
}


def figure_of(kind: str) -> Callable[..., Any]:
    """The function that draws a result of this class."""
    drawing: Callable[..., Any] = getattr(import_module("hetero_rsnn.plots"), TARGETS[kind])
    return drawing
