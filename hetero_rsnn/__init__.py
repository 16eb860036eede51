"""Memory capacity and spike efficiency of heterogeneous recurrent spiking networks.

The names below are the public interface. Those that need more than numpy are imported when first used, so that
``import hetero_rsnn`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Functions that bear the name of their module are bound now: a later import of the module would hide them otherwise.
from hetero_rsnn.network.draw import Draw, draw
from hetero_rsnn.network.heterogeneity import heterogeneity
from hetero_rsnn.searching.search import search, search_function
from hetero_rsnn.simulation.simulate import simulate

if TYPE_CHECKING:
    from hetero_rsnn.estimators.anytime import AnytimeReadout
    from hetero_rsnn.inputs.audio import AudioEncoder
    from hetero_rsnn.simulation.brian import to_brian2
    from hetero_rsnn.estimators.classifier import HRSNNClassifier
    from hetero_rsnn.experiments.comparison import Comparison, compare
    from hetero_rsnn.measures.cutoff import fit_cutoff, optimal_cutoff_time
    from hetero_rsnn.measures.cutoff_curve import evaluate_cutoff
    from hetero_rsnn.datasets.dataset import Dataset
    from hetero_rsnn.datasets.catalogue import list_datasets, load_dataset
    from hetero_rsnn.measures.efficiency import Efficiency, spike_count, spike_efficiency, state_correlation, states
    from hetero_rsnn.inputs.encoders import CurrentEncoder, DeltaEncoder, PoissonEncoder
    from hetero_rsnn.common.errors import (
        EquationMismatchError,
        FileFormatError,
        HeteroError,
        NetworkError,
        StimulusError,
        TooShortError,
        UnitError,
    )
    from hetero_rsnn.exchange.neo import from_neo, neo_stimulus, to_neo
    from hetero_rsnn.exchange.nir import NIRWarning, to_nir
    from hetero_rsnn.exchange.xarray import to_xarray
    from hetero_rsnn.estimators.features import HRSNNFeatures
    from hetero_rsnn.datasets.fetch import fetch_dataset
    from hetero_rsnn.estimators.forecaster import HRSNNForecaster
    from hetero_rsnn.measures.memory_readout import MemoryReadout, memory_readout
    from hetero_rsnn.estimators.linear import LinearClassifier
    from hetero_rsnn.report.live import LiveSearch
    from hetero_rsnn.measures.memory import MemoryCapacity, memory_capacity
    from hetero_rsnn.network.loading import list_networks, load_network, save_network
    from hetero_rsnn.network.definition import Network
    from hetero_rsnn.simulation.damage import lose_neurons, lose_synapses, noisy, quantise, weight_noise
    from hetero_rsnn.simulation.recording import Recording, State, load_recording
    from hetero_rsnn.searching.result import SearchResult
    from hetero_rsnn.datasets.series import Series, read_series, scale_series, shipped_series
    from hetero_rsnn.searching.space import Space, list_spaces, load_space
    from hetero_rsnn.inputs.stimulus import (
        Stimulus,
        array_stimulus,
        event_stimulus,
        poisson_stimulus,
        silence,
        stream,
        uniform_stimulus,
    )
    from hetero_rsnn.experiments.measurement import Measurement, measure, train
    from hetero_rsnn.theory.linear import linear_memory, linearised, spectral_states
    from hetero_rsnn.theory.neuron import lif_rate, siegert_rate
    from hetero_rsnn.theory.rates import MeanField, self_consistent_rates
    from hetero_rsnn.theory.response import lif_response
    from hetero_rsnn.theory.weights import WeightDrift, weight_drift

_HOME = {
    "estimators.anytime": ["AnytimeReadout"],
    "inputs.audio": ["AudioEncoder"],
    "simulation.brian": ["to_brian2"],
    "estimators.classifier": ["HRSNNClassifier"],
    "experiments.comparison": ["Comparison", "compare"],
    "measures.cutoff": ["fit_cutoff", "optimal_cutoff_time"],
    "measures.cutoff_curve": ["evaluate_cutoff"],
    "datasets.dataset": ["Dataset"],
    "datasets.catalogue": ["list_datasets", "load_dataset"],
    "measures.efficiency": ["Efficiency", "spike_count", "spike_efficiency", "state_correlation", "states"],
    "inputs.encoders": ["CurrentEncoder", "DeltaEncoder", "PoissonEncoder"],
    "common.errors": [
        "EquationMismatchError",
        "FileFormatError",
        "HeteroError",
        "NetworkError",
        "StimulusError",
        "TooShortError",
        "UnitError",
    ],
    "exchange.neo": ["from_neo", "neo_stimulus", "to_neo"],
    "exchange.nir": ["NIRWarning", "to_nir"],
    "exchange.xarray": ["to_xarray"],
    "estimators.features": ["HRSNNFeatures"],
    "datasets.fetch": ["fetch_dataset"],
    "estimators.forecaster": ["HRSNNForecaster"],
    "measures.memory_readout": ["MemoryReadout", "memory_readout"],
    "estimators.linear": ["LinearClassifier"],
    "report.live": ["LiveSearch"],
    "measures.memory": ["MemoryCapacity", "memory_capacity"],
    "simulation.many": ["simulate_many"],
    "network.loading": ["list_networks", "load_network", "save_network"],
    "network.definition": ["Network"],
    "simulation.damage": ["lose_neurons", "lose_synapses", "noisy", "quantise", "weight_noise"],
    "simulation.recording": ["Recording", "State", "load_recording"],
    "searching.result": ["SearchResult"],
    "datasets.series": ["Series", "read_series", "scale_series", "shipped_series"],
    "searching.space": ["Space", "list_spaces", "load_space"],
    "inputs.stimulus": [
        "Stimulus",
        "array_stimulus",
        "event_stimulus",
        "poisson_stimulus",
        "silence",
        "stream",
        "uniform_stimulus",
    ],
    "experiments.measurement": ["Measurement", "measure", "train"],
    "theory.linear": ["linear_memory", "linearised", "spectral_states"],
    "theory.neuron": ["lif_rate", "siegert_rate"],
    "theory.rates": ["MeanField", "self_consistent_rates"],
    "theory.response": ["lif_response"],
    "theory.weights": ["WeightDrift", "weight_drift"],
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [  # noqa: RUF022 - in the order in which data flows
    "load_network",
    "list_networks",
    "save_network",
    "Network",
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
    "simulate",
    "simulate_many",
    "Recording",
    "State",
    "load_recording",
    "to_brian2",
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
    "train",
    "measure",
    "Measurement",
    "compare",
    "Comparison",
    "lif_rate",
    "siegert_rate",
    "lif_response",
    "self_consistent_rates",
    "MeanField",
    "linearised",
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
    "LiveSearch",
    "load_dataset",
    "list_datasets",
    "fetch_dataset",
    "Dataset",
    "CurrentEncoder",
    "PoissonEncoder",
    "DeltaEncoder",
    "AudioEncoder",
    "HRSNNFeatures",
    "HRSNNClassifier",
    "HRSNNForecaster",
    "AnytimeReadout",
    "LinearClassifier",
    "fit_cutoff",
    "optimal_cutoff_time",
    "evaluate_cutoff",
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
    "NIRWarning",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from hetero_rsnn.simulation.simulate import versions

        return versions()["hetero-rsnn"]
    if name not in _MODULE:
        raise AttributeError(f"module 'hetero_rsnn' has no attribute {name!r}")
    value = getattr(import_module(f"hetero_rsnn.{_MODULE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
