"""Feed-forward spiking networks as graphs of the Neuromorphic Intermediate Representation (NIR)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.versions import versions
from hetero_rsnn.exchange.nir import NIRWarning
from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    FullConv,
    FullLinear,
    Layer,
    PackedConv,
    PackedLinear,
    Shortcut,
    SpikingNeurons,
)
from hetero_rsnn.gradient.packed.network import PackedNetwork

#: How a reader of a graph makes steps of a leak.
INTEGRATIONS = ("exponential", "euler")


def feedforward_to_nir(network: Any, *, dt: float = 1.0, integration: str = "exponential") -> Any:
    """Turn a feed-forward spiking network into a NIR graph; ``nir.write(path, graph)`` writes it.

    Parameters
    ----------
    network : SpikingMLP, SpikingConvNet or PackedNetwork
        In evaluation, with hard resets. Normalisations are folded, see `SpikingNetwork.folded`.
    dt : float
        Of a step, in ms: discrete networks have no time of their own.
    integration : {"exponential", "euler"}
        How the graph's reader makes steps. A leak is then ``exp(-dt / tau)``, as in networks of this package that have
        a time; or ``1 - dt / tau``, as snnTorch and others have it.

    Returns
    -------
    nir.NIRGraph
        Nodes ``input``, ``layer_0``, ``layer_1``, ... and ``output``. Times are in seconds. Weights are Linear, Affine
        and Conv2d nodes, averages AvgPool2d, neurons LIF, or IF without a leak. Shortcuts are edges: what reaches a
        node is added up.

    Warns
    -----
    NIRWarning
        Lists what NIR has no primitive for; it stands in the metadata, which readers of NIR ignore.

    Raises
    ------
    HeteroError
        If nir is not installed, or NIR cannot hold the network: soft resets, which take the threshold from the
        potential (a LIF node sets it); TEBN, whose weights differ from step to step; averages over squares that reach
        beyond the edge; a leak of 0 with exponential steps.

    Notes
    -----
    A spike is 1 for a whole step and an analog input holds for one, so that with ``r = 1 / (1 - leak)`` a step of
    ``tau dv/dt = -v + r I`` is ``v = leak v + I`` exactly; IF nodes have ``r = 1 / dt``. A reader that takes spikes for
    Dirac deltas must divide what they bring by dt. All layers act within one step, in the order of the graph.

    What is lost: that weights are of 1 bit (they stand as numbers in single precision), the number of steps, that the
    decision is the mean output over them, rate coding (the graph takes spikes then), potentials before the first step,
    and whether neurons fire exactly at the threshold. Sums round otherwise, so that a spike may differ where the
    potential is that close to the threshold.

    Examples
    --------
    >>> import warnings
    >>> import hetero_rsnn as hr
    >>> from hetero_rsnn.gradient.packed.layers import FullLinear, PackedLinear, SpikingNeurons
    >>> layers = [FullLinear([[0.5, -1.0]]), SpikingNeurons(leak=0.5), PackedLinear([[1], [-1]], 0.25)]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", hr.NIRWarning)  # of what NIR does not hold
    ...     graph = feedforward_to_nir(PackedNetwork((2,), layers), integration="euler")
    >>> list(graph.nodes), graph.nodes["layer_1"].tau.tolist(), graph.nodes["layer_2"].weight.tolist()
    (['input', 'layer_0', 'layer_1', 'layer_2', 'output'], [0.002], [[0.25], [-0.25]])
    """
    step = checks.real("dt", dt, above=0.0) / 1e3
    checks.one_of("integration", integration, INTEGRATIONS)
    if isinstance(network, PackedNetwork):
        layers: Sequence[Layer] = network.layers
    else:
        from hetero_rsnn.gradient.feedforward.packing import plain_layers

        layers = plain_layers(network, "feedforward_to_nir")
    nir = need("nir", "nir", "feedforward_to_nir")
    graph = _Graph(nir, step, integration)
    shape = tuple(network.shape)
    out, end = graph.all(shape, layers)
    nodes = {"input": nir.Input(np.array(shape)), **graph.nodes, "output": nir.Output(np.array(end))}
    edges = [*graph.edges, *((source, "output") for source in out)]
    lost = [*graph.lost, f"{network.steps} steps whose outputs are averaged", f"the grid (dt = {dt:g} ms)"]
    warnings.warn(
        f"NIR does not hold {', '.join(lost)}: see the metadata of the graph", NIRWarning, stacklevel=2
    )  # fmt: skip
    metadata = {
        "program": f"hetero_rsnn {versions()['hetero-rsnn']}", "steps": network.steps, "decision": "mean over steps",
        "time_unit": "s", "dt": step, "spike": "1 for one step", "integration": integration, **graph.metadata,
    }  # fmt: skip
    return nir.NIRGraph(nodes, edges, metadata=metadata)


_Shape = tuple[int, ...]
#: Nodes whose outputs are added up, and the shape of the sum.
_Value = tuple[list[str], _Shape]


class _Graph:
    """Nodes and edges, while layers are put in."""

    def __init__(self, nir: Any, dt: float, integration: str) -> None:
        self._nir, self._dt, self._integration = nir, dt, integration
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.lost: list[str] = []
        self.metadata: dict[str, Any] = {}

    def all(self, shape: _Shape, layers: Sequence[Layer]) -> _Value:
        first: _Value = (["input"], shape)
        value, after = first, list[_Value]()
        for k, layer in enumerate(layers):
            name = f"layer_{k}"
            if isinstance(layer, Shortcut):
                other = first if layer.source < 0 else after[layer.source]
                for j, part in enumerate(layer.path):
                    other = self._layer(f"{name}_path_{j}", part, *other)
                if set(value[0]) & set(other[0]):
                    raise HeteroError(f"layer {k} adds a layer to itself, which NIR cannot hold", fix="double weights")
                value = ([*value[0], *other[0]], value[1])
            else:
                value = self._layer(name, layer, *value)
            after.append(value)
        return value

    def _layer(self, name: str, layer: Layer, sources: list[str], shape: _Shape) -> Any:
        if isinstance(layer, SpikingNeurons):
            return self._neurons(name, layer, sources, shape)
        if isinstance(layer, AveragePool):
            return self._average(name, layer.width, sources, shape)
        assert isinstance(layer, FullLinear | FullConv | PackedLinear | PackedConv)
        weight, bias = _weights(layer)
        if isinstance(layer, PackedLinear | PackedConv):
            self._tell("weights of 1 bit as such", f"{name}.bits", weight.size)
            sources, shape = self._average(f"{name}_average", layer.pool, sources, shape)
        if isinstance(layer, FullConv | PackedConv):
            return self._conv(name, weight, bias, layer.stride, sources, shape)
        if len(shape) == 3:
            node = self._nir.Flatten(np.array(shape), start_dim=0)
            sources, shape = self._put(f"{name}_flatten", node, sources, (int(np.prod(shape)),))
        node = self._nir.Affine(weight, bias) if bias.any() else self._nir.Linear(weight)
        return self._put(name, node, sources, (len(weight),))

    def _put(self, name: str, node: Any, sources: list[str], shape: _Shape) -> Any:
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        return [name], shape

    def _conv(
        self, name: str, weight: NDArray[Any], bias: NDArray[Any], stride: int, sources: list[str], shape: _Shape
    ) -> Any:  # fmt: skip
        node = self._nir.Conv2d(shape[1:], weight, stride, weight.shape[-1] // 2, 1, 1, bias)
        return self._put(name, node, sources, (len(weight), *(-(-n // stride) for n in shape[1:])))

    def _average(self, name: str, width: int, sources: list[str], shape: _Shape) -> Any:
        if width == 1:
            return sources, shape
        size = [min(width, n) for n in shape[1:]]
        if any(n % m for n, m in zip(shape[1:], size, strict=True)):
            raise HeteroError(
                f"{name} averages images of {shape[1]} x {shape[2]} over squares of {width} x {width}, and NIR has no "
                "squares that reach beyond the edge",
                fix="use images of another size",
            )
        node = self._nir.AvgPool2d(np.array(size), np.array(size), np.zeros(2, int))
        return self._put(name, node, sources, (shape[0], *(n // m for n, m in zip(shape[1:], size, strict=True))))

    def _neurons(self, name: str, layer: SpikingNeurons, sources: list[str], shape: _Shape) -> Any:
        for bad, said, fix in (
            (layer.reset == "soft", "has a soft reset", "train with reset='hard'"),
            (layer.amplitude != 1.0, f"has spikes of the height {layer.amplitude:g}", "multiply the weights behind"),
        ):
            if bad:
                raise HeteroError(f"{name} {said}, which NIR cannot hold", fix=fix)
        leak = np.broadcast_to(layer.leak, shape).astype(np.float64)
        threshold = np.broadcast_to(layer.threshold, shape).astype(np.float64)
        if layer.start.any():
            self._tell("potentials before the first step", f"{name}.start", np.array(layer.start))
        if layer.ties == "fire":
            self._tell("spikes exactly at the threshold", f"{name}.ties", layer.ties)
        if layer.bias.any():
            sources, shape = self._constant(f"{name}_bias", layer.bias, sources, shape)
        reset = np.zeros(shape)
        if (leak == 1).all():
            return self._put(name, self._nir.IF(np.full(shape, 1 / self._dt), threshold, reset), sources, shape)
        if (leak == 1).any():
            raise HeteroError(f"{name} has neurons with a leak and without, which NIR cannot hold", fix="separate them")
        if self._integration == "exponential":
            if (leak == 0).any():
                raise HeteroError(f"{name} has a leak of 0, of which no time constant is", fix="integration='euler'")
            tau = -self._dt / np.log(leak)
        else:
            tau = self._dt / (1 - leak)
        node = self._nir.LIF(tau, 1 / (1 - leak), np.zeros(shape), threshold, reset)
        return self._put(name, node, sources, shape)

    def _constant(self, name: str, bias: NDArray[Any], sources: list[str], shape: _Shape) -> Any:
        """What is added to the input of neurons: it may not reach the shortcut beside them."""
        if len(shape) == 1:
            node = self._nir.Affine(np.eye(shape[0], dtype=np.float32), np.array(np.broadcast_to(bias, shape)))
            return self._put(name, node, sources, shape)
        if bias.ndim and (bias.ndim < 3 or bias.shape[1:] != (1, 1)):
            raise HeteroError(f"{name} differs from pixel to pixel, which NIR cannot hold", fix="use one of a channel")
        channels = np.array(np.broadcast_to(bias.reshape(-1), shape[:1]))
        # One group a channel would do, but nir cannot check the types of groups.
        return self._conv(name, np.eye(shape[0], dtype=np.float32)[..., None, None], channels, 1, sources, shape)

    def _tell(self, what: str, name: str, value: Any) -> None:
        """Something is lost, and stands in the metadata."""
        if what not in self.lost:
            self.lost.append(what)
        self.metadata[name] = value


def _weights(layer: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Weights and biases in single precision."""
    if isinstance(layer, FullLinear | FullConv):
        return np.array(layer.weight), np.array(layer.bias)
    signs = layer.signs().astype(np.float32)
    return signs * layer.scale.reshape(-1, *[1] * (signs.ndim - 1)), np.array(layer.offset)
