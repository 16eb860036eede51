"""Figures. Functions take ``ax=None`` and return the Axes; those that make a whole figure return it.

``network_plots``  rasters, distributions, memory curves, comparisons
``processing_plots``  information processing capacity over delay
``search_plots``   what a search found: front, convergence, the whole figure
``search_panels``  what a search learned: distributions, partial dependences
``sweep_plots``    curves over a parameter, E over C as a path
``task_plots``     results on data sets, early decisions
``image_plots``    feed-forward networks on images
``advice_plots``   ways to classify, accuracy over what a budget is of
``control_plots``  actors that learn to act
``decision_plots`` decisions over time: curves, when they fall, what leaves first and last
``looks``          colours, markers and letters that all share; saving
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hetero_rsnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from hetero_rsnn.plots.advice_plots import figure_advice
    from hetero_rsnn.plots.control_plots import (
        figure_control,
        plot_control,
        plot_control_spikes,
        plot_episode,
        plot_film_strip,
        save_film,
    )
    from hetero_rsnn.plots.decision_plots import plot_decision_curves, plot_decision_times, plot_first_and_last
    from hetero_rsnn.plots.image_plots import figure_images, plot_image_steps, plot_membrane_noise
    from hetero_rsnn.plots.looks import COLOURS, save_figure, style
    from hetero_rsnn.plots.network_plots import (
        figure_comparison,
        figure_simulation,
        plot_capacity,
        plot_distributions,
        plot_efficiency,
        plot_input,
        plot_memory_curve,
        plot_parameter,
        plot_raster,
    )
    from hetero_rsnn.plots.processing_plots import plot_processing
    from hetero_rsnn.plots.search_panels import (
        plot_partial_dependence,
        plot_partial_dependences,
        plot_searched_distribution,
        plot_searched_distributions,
    )
    from hetero_rsnn.plots.search_plots import plot_convergence, plot_front, search_figure
    from hetero_rsnn.plots.sweep_plots import figure_sweep, plot_sweep, plot_sweep_path
    from hetero_rsnn.plots.task_plots import (
        figure_task,
        plot_accuracy_over_spikes,
        plot_confusion,
        plot_cutoff,
        plot_error_over_spikes,
        plot_few_labels,
        plot_free_runs,
        plot_trace,
    )
    from hetero_rsnn.searching.partial_dependence import fit_models

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
    "plots.processing_plots": ["plot_processing"],
    "searching.partial_dependence": ["fit_models"],
    "plots.search_panels": [
        "plot_partial_dependence",
        "plot_partial_dependences",
        "plot_searched_distribution",
        "plot_searched_distributions",
    ],
    "plots.search_plots": ["plot_convergence", "plot_front", "search_figure"],
    "plots.sweep_plots": ["figure_sweep", "plot_sweep", "plot_sweep_path"],
    "plots.looks": ["COLOURS", "save_figure", "style"],
    "plots.advice_plots": ["figure_advice"],
    "plots.image_plots": ["figure_images", "plot_image_steps", "plot_membrane_noise"],
    "plots.control_plots": [
        "figure_control",
        "plot_control",
        "plot_control_spikes",
        "plot_episode",
        "plot_film_strip",
        "save_film",
    ],
    "plots.decision_plots": ["plot_decision_curves", "plot_decision_times", "plot_first_and_last"],
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
    "figure_advice",
    "figure_comparison",
    "figure_control",
    "figure_images",
    "figure_simulation",
    "figure_sweep",
    "figure_task",
    "fit_models",
    "plot_accuracy_over_spikes",
    "plot_capacity",
    "plot_confusion",
    "plot_control",
    "plot_control_spikes",
    "plot_convergence",
    "plot_cutoff",
    "plot_decision_curves",
    "plot_decision_times",
    "plot_distributions",
    "plot_efficiency",
    "plot_episode",
    "plot_error_over_spikes",
    "plot_few_labels",
    "plot_film_strip",
    "plot_first_and_last",
    "plot_free_runs",
    "plot_front",
    "plot_image_steps",
    "plot_input",
    "plot_membrane_noise",
    "plot_memory_curve",
    "plot_parameter",
    "plot_partial_dependence",
    "plot_partial_dependences",
    "plot_processing",
    "plot_raster",
    "plot_searched_distribution",
    "plot_searched_distributions",
    "plot_sweep",
    "plot_sweep_path",
    "plot_trace",
    "save_figure",
    "save_film",
    "search_figure",
    "style",
]

__getattr__, __dir__ = lazy_names("hetero_rsnn.plots", _HOMES)
