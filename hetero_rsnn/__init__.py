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
    from hetero_rsnn.common.errors import EquationMismatchError as EquationMismatchError
    from hetero_rsnn.common.errors import ExecutorError as ExecutorError
    from hetero_rsnn.common.errors import FetchError as FetchError
    from hetero_rsnn.common.errors import FileFormatError as FileFormatError
    from hetero_rsnn.common.errors import HeteroError as HeteroError
    from hetero_rsnn.common.errors import JournalError as JournalError
    from hetero_rsnn.common.errors import NetworkError as NetworkError
    from hetero_rsnn.common.errors import OutputError as OutputError
    from hetero_rsnn.common.errors import SearchError as SearchError
    from hetero_rsnn.common.errors import SpaceError as SpaceError
    from hetero_rsnn.common.errors import StimulusError as StimulusError
    from hetero_rsnn.common.errors import TooShortError as TooShortError
    from hetero_rsnn.common.errors import UnitError as UnitError
    from hetero_rsnn.datasets.catalogue import list_datasets as list_datasets
    from hetero_rsnn.datasets.catalogue import load_dataset as load_dataset
    from hetero_rsnn.datasets.dataset import Dataset as Dataset
    from hetero_rsnn.datasets.fetch import fetch_dataset as fetch_dataset
    from hetero_rsnn.datasets.series import Series as Series
    from hetero_rsnn.datasets.series import read_series as read_series
    from hetero_rsnn.datasets.series import scale_series as scale_series
    from hetero_rsnn.datasets.series import shipped_series as shipped_series
    from hetero_rsnn.estimators.anytime import AnytimeReadout as AnytimeReadout
    from hetero_rsnn.estimators.classifier import HRSNNClassifier as HRSNNClassifier
    from hetero_rsnn.estimators.features import HRSNNFeatures as HRSNNFeatures
    from hetero_rsnn.estimators.forecaster import HRSNNForecaster as HRSNNForecaster
    from hetero_rsnn.estimators.linear import LinearClassifier as LinearClassifier
    from hetero_rsnn.exchange.neo import from_neo as from_neo
    from hetero_rsnn.exchange.neo import neo_stimulus as neo_stimulus
    from hetero_rsnn.exchange.neo import to_neo as to_neo
    from hetero_rsnn.exchange.nir import NIRWarning as NIRWarning
    from hetero_rsnn.exchange.nir import to_nir as to_nir
    from hetero_rsnn.exchange.xarray import to_xarray as to_xarray
    from hetero_rsnn.experiments.comparison import Comparison as Comparison
    from hetero_rsnn.experiments.comparison import compare as compare
    from hetero_rsnn.experiments.measurement import Measurement as Measurement
    from hetero_rsnn.experiments.measurement import SeedResult as SeedResult
    from hetero_rsnn.experiments.measurement import measure as measure
    from hetero_rsnn.experiments.measurement import train as train
    from hetero_rsnn.inputs.audio import AudioEncoder as AudioEncoder
    from hetero_rsnn.inputs.encoder_base import Encoder as Encoder
    from hetero_rsnn.inputs.encoders import CurrentEncoder as CurrentEncoder
    from hetero_rsnn.inputs.encoders import DeltaEncoder as DeltaEncoder
    from hetero_rsnn.inputs.encoders import PoissonEncoder as PoissonEncoder
    from hetero_rsnn.inputs.stimulus import Stimulus as Stimulus
    from hetero_rsnn.inputs.stimulus import Stream as Stream
    from hetero_rsnn.inputs.stimulus import array_stimulus as array_stimulus
    from hetero_rsnn.inputs.stimulus import event_stimulus as event_stimulus
    from hetero_rsnn.inputs.stimulus import poisson_stimulus as poisson_stimulus
    from hetero_rsnn.inputs.stimulus import silence as silence
    from hetero_rsnn.inputs.stimulus import stream as stream
    from hetero_rsnn.inputs.stimulus import uniform_stimulus as uniform_stimulus
    from hetero_rsnn.measures.cutoff import CutoffRule as CutoffRule
    from hetero_rsnn.measures.cutoff import fit_cutoff as fit_cutoff
    from hetero_rsnn.measures.cutoff import optimal_cutoff_time as optimal_cutoff_time
    from hetero_rsnn.measures.cutoff_curve import CutoffCurve as CutoffCurve
    from hetero_rsnn.measures.cutoff_curve import evaluate_cutoff as evaluate_cutoff
    from hetero_rsnn.measures.efficiency import Efficiency as Efficiency
    from hetero_rsnn.measures.efficiency import spike_count as spike_count
    from hetero_rsnn.measures.efficiency import spike_efficiency as spike_efficiency
    from hetero_rsnn.measures.efficiency import state_correlation as state_correlation
    from hetero_rsnn.measures.efficiency import states as states
    from hetero_rsnn.measures.estimates import Estimate as Estimate
    from hetero_rsnn.measures.memory import MemoryCapacity as MemoryCapacity
    from hetero_rsnn.measures.memory import memory_capacity as memory_capacity
    from hetero_rsnn.measures.memory_readout import MemoryReadout as MemoryReadout
    from hetero_rsnn.measures.memory_readout import memory_readout as memory_readout
    from hetero_rsnn.measures.reports import ClassificationReport as ClassificationReport
    from hetero_rsnn.measures.reports import ForecastReport as ForecastReport
    from hetero_rsnn.network.definition import Network as Network
    from hetero_rsnn.network.distributions import Distribution as Distribution
    from hetero_rsnn.network.draw import Draw as Draw
    from hetero_rsnn.network.draw import draw as draw
    from hetero_rsnn.network.heterogeneity import Heterogeneity as Heterogeneity
    from hetero_rsnn.network.heterogeneity import heterogeneity as heterogeneity
    from hetero_rsnn.network.loading import load_network as load_network
    from hetero_rsnn.network.loading import save_network as save_network
    from hetero_rsnn.network.parts import Population as Population
    from hetero_rsnn.network.shipped import list_networks as list_networks
    from hetero_rsnn.report.live import LiveSearch as LiveSearch
    from hetero_rsnn.searching.objectives import Evaluation as Evaluation
    from hetero_rsnn.searching.result import SearchResult as SearchResult
    from hetero_rsnn.searching.search import search as search
    from hetero_rsnn.searching.search import search_function as search_function
    from hetero_rsnn.searching.space import Space as Space
    from hetero_rsnn.searching.space import list_spaces as list_spaces
    from hetero_rsnn.searching.space import load_space as load_space
    from hetero_rsnn.searching.trial import Trial as Trial
    from hetero_rsnn.simulation.brian import BrianObjects as BrianObjects
    from hetero_rsnn.simulation.brian import to_brian2 as to_brian2
    from hetero_rsnn.simulation.damage import lose_neurons as lose_neurons
    from hetero_rsnn.simulation.damage import lose_synapses as lose_synapses
    from hetero_rsnn.simulation.damage import noisy as noisy
    from hetero_rsnn.simulation.damage import quantise as quantise
    from hetero_rsnn.simulation.damage import weight_noise as weight_noise
    from hetero_rsnn.simulation.many import simulate_many as simulate_many
    from hetero_rsnn.simulation.recording import Recording as Recording
    from hetero_rsnn.simulation.recording import State as State
    from hetero_rsnn.simulation.recording import load_recording as load_recording
    from hetero_rsnn.simulation.simulate import simulate as simulate
    from hetero_rsnn.tasks.classification import classify as classify
    from hetero_rsnn.tasks.forecasting import forecast as forecast
    from hetero_rsnn.tasks.recipes import Recipe as Recipe
    from hetero_rsnn.tasks.result import TaskResult as TaskResult
    from hetero_rsnn.theory.linear import LinearSystem as LinearSystem
    from hetero_rsnn.theory.linear import linear_memory as linear_memory
    from hetero_rsnn.theory.linear import linearised as linearised
    from hetero_rsnn.theory.linear import spectral_states as spectral_states
    from hetero_rsnn.theory.neuron import lif_rate as lif_rate
    from hetero_rsnn.theory.neuron import siegert_rate as siegert_rate
    from hetero_rsnn.theory.rates import MeanField as MeanField
    from hetero_rsnn.theory.rates import self_consistent_rates as self_consistent_rates
    from hetero_rsnn.theory.response import lif_response as lif_response
    from hetero_rsnn.theory.weights import WeightDrift as WeightDrift
    from hetero_rsnn.theory.weights import weight_drift as weight_drift

#: Where each name is defined.
_HOMES = {
    "common.errors": [
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
        "StimulusError",
        "TooShortError",
        "UnitError",
    ],
    "network.definition": ["Network"],
    "network.distributions": ["Distribution"],
    "network.draw": ["Draw", "draw"],
    "network.heterogeneity": ["Heterogeneity", "heterogeneity"],
    "network.loading": ["load_network", "save_network"],
    "network.parts": ["Population"],
    "network.shipped": ["list_networks"],
    "inputs.audio": ["AudioEncoder"],
    "inputs.encoder_base": ["Encoder"],
    "inputs.encoders": ["CurrentEncoder", "DeltaEncoder", "PoissonEncoder"],
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
    "simulation.damage": ["lose_neurons", "lose_synapses", "noisy", "quantise", "weight_noise"],
    "simulation.many": ["simulate_many"],
    "simulation.recording": ["Recording", "State", "load_recording"],
    "simulation.simulate": ["simulate"],
    "datasets.catalogue": ["list_datasets", "load_dataset"],
    "datasets.dataset": ["Dataset"],
    "datasets.fetch": ["fetch_dataset"],
    "datasets.series": ["Series", "read_series", "scale_series", "shipped_series"],
    "measures.cutoff": ["CutoffRule", "fit_cutoff", "optimal_cutoff_time"],
    "measures.cutoff_curve": ["CutoffCurve", "evaluate_cutoff"],
    "measures.efficiency": ["Efficiency", "spike_count", "spike_efficiency", "state_correlation", "states"],
    "measures.estimates": ["Estimate"],
    "measures.memory": ["MemoryCapacity", "memory_capacity"],
    "measures.memory_readout": ["MemoryReadout", "memory_readout"],
    "measures.reports": ["ClassificationReport", "ForecastReport"],
    "theory.linear": ["LinearSystem", "linear_memory", "linearised", "spectral_states"],
    "theory.neuron": ["lif_rate", "siegert_rate"],
    "theory.rates": ["MeanField", "self_consistent_rates"],
    "theory.response": ["lif_response"],
    "theory.weights": ["WeightDrift", "weight_drift"],
    "experiments.comparison": ["Comparison", "compare"],
    "experiments.measurement": ["Measurement", "SeedResult", "measure", "train"],
    "estimators.anytime": ["AnytimeReadout"],
    "estimators.classifier": ["HRSNNClassifier"],
    "estimators.features": ["HRSNNFeatures"],
    "estimators.forecaster": ["HRSNNForecaster"],
    "estimators.linear": ["LinearClassifier"],
    "tasks.classification": ["classify"],
    "tasks.forecasting": ["forecast"],
    "tasks.recipes": ["Recipe"],
    "tasks.result": ["TaskResult"],
    "searching.objectives": ["Evaluation"],
    "searching.result": ["SearchResult"],
    "searching.search": ["search", "search_function"],
    "searching.space": ["Space", "list_spaces", "load_space"],
    "searching.trial": ["Trial"],
    "exchange.neo": ["from_neo", "neo_stimulus", "to_neo"],
    "exchange.nir": ["NIRWarning", "to_nir"],
    "exchange.xarray": ["to_xarray"],
    "report.live": ["LiveSearch"],
}

__all__ = [  # noqa: RUF022 - in the order in which data flows
    "load_network",
    "list_networks",
    "save_network",
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
    "noisy",
    "weight_noise",
    "quantise",
    "lose_neurons",
    "lose_synapses",
    "states",
    "memory_capacity",
    "MemoryCapacity",
    "memory_readout",
    "MemoryReadout",
    "spike_count",
    "spike_efficiency",
    "Efficiency",
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
    "SearchResult",
    "Trial",
    "Evaluation",
    "LiveSearch",
    "load_dataset",
    "list_datasets",
    "fetch_dataset",
    "Dataset",
    "CurrentEncoder",
    "PoissonEncoder",
    "DeltaEncoder",
    "AudioEncoder",
    "Encoder",
    "HRSNNFeatures",
    "HRSNNClassifier",
    "ClassificationReport",
    "HRSNNForecaster",
    "ForecastReport",
    "AnytimeReadout",
    "LinearClassifier",
    "fit_cutoff",
    "CutoffRule",
    "optimal_cutoff_time",
    "evaluate_cutoff",
    "CutoffCurve",
    "classify",
    "forecast",
    "Recipe",
    "TaskResult",
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
