"""Figures. Functions take ``ax=None`` and return the Axes; those that make a whole figure return it.

``network_plots``  rasters, distributions, memory curves, comparisons
``search_plots``   what a search found: front, convergence, the whole figure
``search_panels``  what a search learned: distributions, partial dependences
``task_plots``     results on data sets, early decisions
``style``          colours, markers and letters that all share; saving
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hetero_rsnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from hetero_rsnn.plots.network_plots import figure_comparison as figure_comparison
    from hetero_rsnn.plots.network_plots import figure_simulation as figure_simulation
    from hetero_rsnn.plots.network_plots import plot_capacity as plot_capacity
    from hetero_rsnn.plots.network_plots import plot_distributions as plot_distributions
    from hetero_rsnn.plots.network_plots import plot_efficiency as plot_efficiency
    from hetero_rsnn.plots.network_plots import plot_input as plot_input
    from hetero_rsnn.plots.network_plots import plot_memory_curve as plot_memory_curve
    from hetero_rsnn.plots.network_plots import plot_parameter as plot_parameter
    from hetero_rsnn.plots.network_plots import plot_raster as plot_raster
    from hetero_rsnn.plots.search_panels import fit_models as fit_models
    from hetero_rsnn.plots.search_panels import plot_partial_dependence as plot_partial_dependence
    from hetero_rsnn.plots.search_panels import plot_partial_dependences as plot_partial_dependences
    from hetero_rsnn.plots.search_panels import plot_searched_distribution as plot_searched_distribution
    from hetero_rsnn.plots.search_panels import plot_searched_distributions as plot_searched_distributions
    from hetero_rsnn.plots.search_plots import plot_convergence as plot_convergence
    from hetero_rsnn.plots.search_plots import plot_front as plot_front
    from hetero_rsnn.plots.search_plots import search_figure as search_figure
    from hetero_rsnn.plots.style import COLOURS as COLOURS
    from hetero_rsnn.plots.style import save_figure as save_figure
    from hetero_rsnn.plots.style import style as style
    from hetero_rsnn.plots.task_plots import figure_task as figure_task
    from hetero_rsnn.plots.task_plots import plot_accuracy_over_spikes as plot_accuracy_over_spikes
    from hetero_rsnn.plots.task_plots import plot_confusion as plot_confusion
    from hetero_rsnn.plots.task_plots import plot_cutoff as plot_cutoff
    from hetero_rsnn.plots.task_plots import plot_error_over_spikes as plot_error_over_spikes
    from hetero_rsnn.plots.task_plots import plot_few_labels as plot_few_labels
    from hetero_rsnn.plots.task_plots import plot_free_runs as plot_free_runs
    from hetero_rsnn.plots.task_plots import plot_trace as plot_trace

_HOMES = {
    "plots.network_plots": [
        "figure_comparison",
        "figure_simulation",
        "plot_capacity",
        "plot_distributions",
        "plot_efficiency",
        "plot_input",
        "plot_memory_curve",
        "plot_parameter",
        "plot_raster",
    ],
    "plots.search_panels": [
        "fit_models",
        "plot_partial_dependence",
        "plot_partial_dependences",
        "plot_searched_distribution",
        "plot_searched_distributions",
    ],
    "plots.search_plots": ["plot_convergence", "plot_front", "search_figure"],
    "plots.style": ["COLOURS", "save_figure", "style"],
    "plots.task_plots": [
        "figure_task",
        "plot_accuracy_over_spikes",
        "plot_confusion",
        "plot_cutoff",
        "plot_error_over_spikes",
        "plot_few_labels",
        "plot_free_runs",
        "plot_trace",
    ],
}

__all__ = [
    "COLOURS",
    "figure_comparison",
    "figure_simulation",
    "figure_task",
    "fit_models",
    "plot_accuracy_over_spikes",
    "plot_capacity",
    "plot_confusion",
    "plot_convergence",
    "plot_cutoff",
    "plot_distributions",
    "plot_efficiency",
    "plot_error_over_spikes",
    "plot_few_labels",
    "plot_free_runs",
    "plot_front",
    "plot_input",
    "plot_memory_curve",
    "plot_parameter",
    "plot_partial_dependence",
    "plot_partial_dependences",
    "plot_raster",
    "plot_searched_distribution",
    "plot_searched_distributions",
    "plot_trace",
    "save_figure",
    "search_figure",
    "style",
]

__getattr__, __dir__ = lazy_names("hetero_rsnn.plots", _HOMES)
