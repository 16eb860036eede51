"""Memory capacity and spike efficiency of heterogeneous recurrent spiking networks.

The names below are the public interface. Each is looked up in its module when first used, so that
``import hetero_rsnn`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hetero_rsnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from hetero_rsnn import plots as plots
    from hetero_rsnn.common.errors import (
        DivergedError,
        EquationMismatchError,
        ExecutorError,
        FetchError,
        FileFormatError,
        HeteroError,
        JournalError,
        NetworkError,
        OutputError,
        SearchError,
        SpaceError,
        StateOverflowError,
        StimulusError,
        TooShortError,
        UnitError,
    )
    from hetero_rsnn.control.actor_settings import ActorSettings
    from hetero_rsnn.control.actors import build_actor
    from hetero_rsnn.control.films import EpisodeRecording, record_episode
    from hetero_rsnn.control.policies import ControlPolicy, load_policy, save_policy
    from hetero_rsnn.control.result import ControlResult, ReturnCurve
    from hetero_rsnn.control.runs import train_control
    from hetero_rsnn.control.settings import ControlSettings, ControlTest
    from hetero_rsnn.control.training import ControlTraining
    from hetero_rsnn.datasets.catalogue import list_datasets, load_dataset
    from hetero_rsnn.datasets.corruption import corrupted
    from hetero_rsnn.datasets.dataset import Dataset
    from hetero_rsnn.datasets.fetch import fetch_dataset
    from hetero_rsnn.datasets.own_data import labelled_dataset
    from hetero_rsnn.datasets.own_series import series_dataset
    from hetero_rsnn.datasets.saccades import saccade_events
    from hetero_rsnn.datasets.sources import shipped_series
    from hetero_rsnn.estimators.anytime import AnytimeReadout
    from hetero_rsnn.estimators.classifier import HRSNNClassifier
    from hetero_rsnn.estimators.features import HRSNNFeatures
    from hetero_rsnn.estimators.forecaster import HRSNNForecaster
    from hetero_rsnn.estimators.gradient_classifier import HRSNNGradientClassifier
    from hetero_rsnn.estimators.gradient_forecaster import HRSNNGradientForecaster
    from hetero_rsnn.estimators.image_classifier import SpikingImageClassifier
    from hetero_rsnn.estimators.linear import LinearClassifier
    from hetero_rsnn.estimators.saving import load_model, save_model
    from hetero_rsnn.exchange.neo import from_neo, neo_stimulus, to_neo
    from hetero_rsnn.exchange.nir import NIRWarning, to_nir
    from hetero_rsnn.exchange.nir_feedforward import feedforward_to_nir
    from hetero_rsnn.exchange.xarray import to_xarray
    from hetero_rsnn.experiments.comparison import Comparison, compare
    from hetero_rsnn.experiments.measurement import measure, train
    from hetero_rsnn.experiments.measurement_result import Measurement, SeedResult
    from hetero_rsnn.experiments.sweep import sweep
    from hetero_rsnn.experiments.sweep_result import Sweep, SweepCurve
    from hetero_rsnn.gradient.batch import BatchRun, Gradients, run_batch
    from hetero_rsnn.gradient.feedforward.accounts import Account
    from hetero_rsnn.gradient.feedforward.conversion import convert
    from hetero_rsnn.gradient.feedforward.membrane_noise import LayerNoise, membrane_noise
    from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP
    from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryConvNet, OrdinaryMLP
    from hetero_rsnn.gradient.feedforward.packing import pack
    from hetero_rsnn.gradient.feedforward.quantised import QCFS
    from hetero_rsnn.gradient.feedforward.saving import load_image_network, save_image_network
    from hetero_rsnn.gradient.feedforward.self_ensemble import Membranes, record_membranes, replay_membranes
    from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork
    from hetero_rsnn.gradient.feedforward.transformer import SpikingTransformer
    from hetero_rsnn.gradient.module import to_torch
    from hetero_rsnn.gradient.packed.network import PackedNetwork, load_packed_network
    from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative
    from hetero_rsnn.inputs.audio import AudioEncoder
    from hetero_rsnn.inputs.encoder_base import Encoder
    from hetero_rsnn.inputs.encoders import CurrentEncoder, DeltaEncoder, PoissonEncoder
    from hetero_rsnn.inputs.files import Series, read_series, scale_series
    from hetero_rsnn.inputs.stimulus import (
        Stimulus,
        Stream,
        array_stimulus,
        event_stimulus,
        poisson_stimulus,
        silence,
        stream,
        uniform_stimulus,
    )
    from hetero_rsnn.measures.conformal import ConformalRule, fit_conformal
    from hetero_rsnn.measures.cutoff import CutoffRule, Decisions, fit_cutoff, optimal_cutoff_time
    from hetero_rsnn.measures.cutoff_curve import CutoffCurve, evaluate_cutoff
    from hetero_rsnn.measures.cutoff_table import CutoffRow, CutoffTable, compare_cutoffs
    from hetero_rsnn.measures.efficiency import Efficiency, spike_count, spike_efficiency, state_correlation, states
    from hetero_rsnn.measures.energy import HARDWARE, Energy, Hardware, energy
    from hetero_rsnn.measures.estimates import Estimate
    from hetero_rsnn.measures.memory import MemoryCapacity, memory_capacity
    from hetero_rsnn.measures.memory_readout import MemoryReadout, memory_readout
    from hetero_rsnn.measures.operations import Operations, count_operations
    from hetero_rsnn.measures.probabilities import fit_temperature
    from hetero_rsnn.measures.processing import processing_capacity
    from hetero_rsnn.measures.processing_result import CapacitySum, ProcessingCapacity
    from hetero_rsnn.measures.reports import ClassificationReport, ForecastReport
    from hetero_rsnn.measures.resampling import ReturnInterval, bootstrap_interval, holm_correction, improvement_test
    from hetero_rsnn.measures.returns import (
        interquartile_mean,
        performance_profile,
        probability_of_improvement,
        steps_to_return,
        within_run_spread,
    )
    from hetero_rsnn.network.definition import Network
    from hetero_rsnn.network.distributions import Distribution
    from hetero_rsnn.network.draw import Draw, draw
    from hetero_rsnn.network.heterogeneity import Heterogeneity, heterogeneity
    from hetero_rsnn.network.loading import load_network
    from hetero_rsnn.network.parts import Population
    from hetero_rsnn.network.saving import save_network, trained_network
    from hetero_rsnn.network.shipped import canonical_networks, list_networks
    from hetero_rsnn.report.live import LiveSearch
    from hetero_rsnn.searching.importance import Importance, importance
    from hetero_rsnn.searching.objectives import Evaluation
    from hetero_rsnn.searching.result import SearchResult
    from hetero_rsnn.searching.search import search, search_function
    from hetero_rsnn.searching.space import Space, list_spaces, load_space
    from hetero_rsnn.searching.trial import Trial
    from hetero_rsnn.simulation.brian import BrianObjects, to_brian2
    from hetero_rsnn.simulation.damage import lose_neurons, lose_synapses, noisy, prune, quantise, weight_noise
    from hetero_rsnn.simulation.many import simulate_many
    from hetero_rsnn.simulation.recording import Recording, State, load_recording
    from hetero_rsnn.simulation.simulate import simulate
    from hetero_rsnn.tasks.advice import advise
    from hetero_rsnn.tasks.advice_result import Advice
    from hetero_rsnn.tasks.classification import classify
    from hetero_rsnn.tasks.forecasting import forecast
    from hetero_rsnn.tasks.image_classification import classify_images
    from hetero_rsnn.tasks.image_result import ImageRow, ImageTaskResult
    from hetero_rsnn.tasks.recipes import Recipe
    from hetero_rsnn.tasks.result import TaskResult
    from hetero_rsnn.tasks.scoring import TaskScore
    from hetero_rsnn.theory.linear import LinearSystem, linear_memory, linearised, spectral_states
    from hetero_rsnn.theory.neuron import lif_rate, siegert_rate
    from hetero_rsnn.theory.rates import MeanField, self_consistent_rates
    from hetero_rsnn.theory.response import lif_response
    from hetero_rsnn.theory.weights import WeightDrift, weight_drift

#: Where each name is defined.
_HOMES = {
    "common.errors": [
        "DivergedError",
        "EquationMismatchError",
        "ExecutorError",
        "FetchError",
        "FileFormatError",
        "HeteroError",
        "JournalError",
        "NetworkError",
        "OutputError",
        "SearchError",
        "SpaceError",
        "StateOverflowError",
        "StimulusError",
        "TooShortError",
        "UnitError",
    ],
    "network.definition": ["Network"],
    "network.distributions": ["Distribution"],
    "network.draw": ["Draw", "draw"],
    "network.heterogeneity": ["Heterogeneity", "heterogeneity"],
    "network.loading": ["load_network"],
    "network.parts": ["Population"],
    "network.saving": ["save_network", "trained_network"],
    "network.shipped": ["canonical_networks", "list_networks"],
    "inputs.audio": ["AudioEncoder"],
    "inputs.encoder_base": ["Encoder"],
    "inputs.encoders": ["CurrentEncoder", "DeltaEncoder", "PoissonEncoder"],
    "inputs.files": ["Series", "read_series", "scale_series"],
    "inputs.stimulus": [
        "Stimulus",
        "Stream",
        "array_stimulus",
        "event_stimulus",
        "poisson_stimulus",
        "silence",
        "stream",
        "uniform_stimulus",
    ],
    "simulation.brian": ["BrianObjects", "to_brian2"],
    "simulation.damage": ["lose_neurons", "lose_synapses", "noisy", "prune", "quantise", "weight_noise"],
    "simulation.many": ["simulate_many"],
    "simulation.recording": ["Recording", "State", "load_recording"],
    "simulation.simulate": ["simulate"],
    "datasets.catalogue": ["list_datasets", "load_dataset"],
    "datasets.corruption": ["corrupted"],
    "datasets.dataset": ["Dataset"],
    "datasets.fetch": ["fetch_dataset"],
    "datasets.own_data": ["labelled_dataset"],
    "datasets.own_series": ["series_dataset"],
    "datasets.saccades": ["saccade_events"],
    "datasets.sources": ["shipped_series"],
    "measures.conformal": ["ConformalRule", "fit_conformal"],
    "measures.cutoff": ["CutoffRule", "Decisions", "fit_cutoff", "optimal_cutoff_time"],
    "measures.cutoff_curve": ["CutoffCurve", "evaluate_cutoff"],
    "measures.cutoff_table": ["CutoffRow", "CutoffTable", "compare_cutoffs"],
    "measures.probabilities": ["fit_temperature"],
    "measures.efficiency": ["Efficiency", "spike_count", "spike_efficiency", "state_correlation", "states"],
    "measures.energy": ["HARDWARE", "Energy", "Hardware", "energy"],
    "measures.estimates": ["Estimate"],
    "measures.memory": ["MemoryCapacity", "memory_capacity"],
    "measures.memory_readout": ["MemoryReadout", "memory_readout"],
    "measures.operations": ["Operations", "count_operations"],
    "measures.processing": ["processing_capacity"],
    "measures.processing_result": ["CapacitySum", "ProcessingCapacity"],
    "measures.reports": ["ClassificationReport", "ForecastReport"],
    "measures.resampling": ["ReturnInterval", "bootstrap_interval", "holm_correction", "improvement_test"],
    "measures.returns": [
        "interquartile_mean",
        "performance_profile",
        "probability_of_improvement",
        "steps_to_return",
        "within_run_spread",
    ],
    "theory.linear": ["LinearSystem", "linear_memory", "linearised", "spectral_states"],
    "theory.neuron": ["lif_rate", "siegert_rate"],
    "theory.rates": ["MeanField", "self_consistent_rates"],
    "theory.response": ["lif_response"],
    "theory.weights": ["WeightDrift", "weight_drift"],
    "experiments.comparison": ["Comparison", "compare"],
    "experiments.measurement": ["measure", "train"],
    "experiments.measurement_result": ["Measurement", "SeedResult"],
    "experiments.sweep": ["sweep"],
    "experiments.sweep_result": ["Sweep", "SweepCurve"],
    "estimators.anytime": ["AnytimeReadout"],
    "estimators.classifier": ["HRSNNClassifier"],
    "estimators.features": ["HRSNNFeatures"],
    "estimators.forecaster": ["HRSNNForecaster"],
    "estimators.gradient_classifier": ["HRSNNGradientClassifier"],
    "estimators.gradient_forecaster": ["HRSNNGradientForecaster"],
    "estimators.image_classifier": ["SpikingImageClassifier"],
    "estimators.linear": ["LinearClassifier"],
    "estimators.saving": ["load_model", "save_model"],
    "gradient.batch": ["BatchRun", "Gradients", "run_batch"],
    "gradient.feedforward.accounts": ["Account"],
    "gradient.feedforward.conversion": ["convert"],
    "gradient.feedforward.membrane_noise": ["LayerNoise", "membrane_noise"],
    "gradient.feedforward.networks": ["SpikingConvNet", "SpikingMLP"],
    "gradient.feedforward.ordinary": ["OrdinaryConvNet", "OrdinaryMLP"],
    "gradient.feedforward.quantised": ["QCFS"],
    "gradient.feedforward.packing": ["pack"],
    "gradient.feedforward.saving": ["load_image_network", "save_image_network"],
    "gradient.feedforward.self_ensemble": ["Membranes", "record_membranes", "replay_membranes"],
    "gradient.feedforward.spiking_network": ["SpikingNetwork"],
    "gradient.feedforward.transformer": ["SpikingTransformer"],
    "gradient.module": ["to_torch"],
    "gradient.packed.network": ["PackedNetwork", "load_packed_network"],
    "gradient.pseudo_derivative": ["PseudoDerivative"],
    "control.actor_settings": ["ActorSettings"],
    "control.actors": ["build_actor"],
    "control.films": ["EpisodeRecording", "record_episode"],
    "control.policies": ["ControlPolicy", "load_policy", "save_policy"],
    "control.result": ["ControlResult", "ReturnCurve"],
    "control.runs": ["train_control"],
    "control.settings": ["ControlSettings", "ControlTest"],
    "control.training": ["ControlTraining"],
    "tasks.advice": ["advise"],
    "tasks.advice_result": ["Advice"],
    "tasks.classification": ["classify"],
    "tasks.forecasting": ["forecast"],
    "tasks.image_classification": ["classify_images"],
    "tasks.image_result": ["ImageRow", "ImageTaskResult"],
    "tasks.recipes": ["Recipe"],
    "tasks.result": ["TaskResult"],
    "tasks.scoring": ["TaskScore"],
    "searching.importance": ["Importance", "importance"],
    "searching.objectives": ["Evaluation"],
    "searching.result": ["SearchResult"],
    "searching.search": ["search", "search_function"],
    "searching.space": ["Space", "list_spaces", "load_space"],
    "searching.trial": ["Trial"],
    "exchange.neo": ["from_neo", "neo_stimulus", "to_neo"],
    "exchange.nir": ["NIRWarning", "to_nir"],
    "exchange.nir_feedforward": ["feedforward_to_nir"],
    "exchange.xarray": ["to_xarray"],
    "report.live": ["LiveSearch"],
}

__all__ = [  # noqa: RUF022 - in the order in which data flows
    "load_network",
    "list_networks",
    "canonical_networks",
    "save_network",
    "trained_network",
    "Network",
    "Population",
    "Distribution",
    "draw",
    "Draw",
    "uniform_stimulus",
    "array_stimulus",
    "poisson_stimulus",
    "event_stimulus",
    "neo_stimulus",
    "silence",
    "stream",
    "Stimulus",
    "Stream",
    "simulate",
    "simulate_many",
    "Recording",
    "State",
    "load_recording",
    "to_brian2",
    "BrianObjects",
    "to_neo",
    "from_neo",
    "to_nir",
    "feedforward_to_nir",
    "run_batch",
    "BatchRun",
    "Gradients",
    "PseudoDerivative",
    "to_torch",
    "SpikingMLP",
    "SpikingConvNet",
    "SpikingTransformer",
    "SpikingNetwork",
    "Account",
    "record_membranes",
    "replay_membranes",
    "Membranes",
    "membrane_noise",
    "LayerNoise",
    "OrdinaryMLP",
    "OrdinaryConvNet",
    "QCFS",
    "convert",
    "save_image_network",
    "load_image_network",
    "pack",
    "PackedNetwork",
    "load_packed_network",
    "train_control",
    "ControlResult",
    "ReturnCurve",
    "ActorSettings",
    "build_actor",
    "ControlSettings",
    "ControlTest",
    "ControlTraining",
    "ControlPolicy",
    "save_policy",
    "load_policy",
    "record_episode",
    "EpisodeRecording",
    "noisy",
    "weight_noise",
    "prune",
    "quantise",
    "lose_neurons",
    "lose_synapses",
    "states",
    "memory_capacity",
    "MemoryCapacity",
    "memory_readout",
    "MemoryReadout",
    "processing_capacity",
    "ProcessingCapacity",
    "CapacitySum",
    "spike_count",
    "spike_efficiency",
    "Efficiency",
    "count_operations",
    "Operations",
    "energy",
    "Energy",
    "Hardware",
    "HARDWARE",
    "state_correlation",
    "heterogeneity",
    "Heterogeneity",
    "train",
    "measure",
    "Measurement",
    "SeedResult",
    "Estimate",
    "compare",
    "Comparison",
    "sweep",
    "Sweep",
    "SweepCurve",
    "lif_rate",
    "siegert_rate",
    "lif_response",
    "self_consistent_rates",
    "MeanField",
    "linearised",
    "LinearSystem",
    "spectral_states",
    "linear_memory",
    "weight_drift",
    "WeightDrift",
    "load_space",
    "list_spaces",
    "Space",
    "search",
    "search_function",
    "TaskScore",
    "SearchResult",
    "Trial",
    "Evaluation",
    "importance",
    "Importance",
    "LiveSearch",
    "load_dataset",
    "list_datasets",
    "fetch_dataset",
    "labelled_dataset",
    "series_dataset",
    "Dataset",
    "corrupted",
    "saccade_events",
    "CurrentEncoder",
    "PoissonEncoder",
    "DeltaEncoder",
    "AudioEncoder",
    "Encoder",
    "HRSNNFeatures",
    "HRSNNClassifier",
    "HRSNNGradientClassifier",
    "ClassificationReport",
    "HRSNNForecaster",
    "HRSNNGradientForecaster",
    "SpikingImageClassifier",
    "ForecastReport",
    "AnytimeReadout",
    "LinearClassifier",
    "save_model",
    "load_model",
    "fit_cutoff",
    "CutoffRule",
    "optimal_cutoff_time",
    "evaluate_cutoff",
    "CutoffCurve",
    "fit_conformal",
    "ConformalRule",
    "Decisions",
    "fit_temperature",
    "compare_cutoffs",
    "CutoffTable",
    "CutoffRow",
    "advise",
    "Advice",
    "classify",
    "forecast",
    "classify_images",
    "Recipe",
    "TaskResult",
    "ImageTaskResult",
    "ImageRow",
    "interquartile_mean",
    "probability_of_improvement",
    "performance_profile",
    "steps_to_return",
    "within_run_spread",
    "bootstrap_interval",
    "ReturnInterval",
    "improvement_test",
    "holm_correction",
    "to_xarray",
    "Series",
    "read_series",
    "scale_series",
    "shipped_series",
    "HeteroError",
    "UnitError",
    "NetworkError",
    "EquationMismatchError",
    "StimulusError",
    "FileFormatError",
    "TooShortError",
    "DivergedError",
    "StateOverflowError",
    "OutputError",
    "FetchError",
    "SpaceError",
    "SearchError",
    "JournalError",
    "ExecutorError",
    "NIRWarning",
]

_look_up, _names = lazy_names("hetero_rsnn", _HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from hetero_rsnn.common.versions import versions

        return versions()["hetero-rsnn"]
    return import_module("hetero_rsnn.plots") if name == "plots" else _look_up(name)


def __dir__() -> list[str]:
    return sorted([*_names(), "__version__", "plots"])
