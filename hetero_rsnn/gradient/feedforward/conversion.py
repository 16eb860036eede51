"""From an ordinary network with quantised activations to a spiking one."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.gradient.feedforward.converted import Connections, ConvertedBlock, ConvertedNetwork, Origin
from hetero_rsnn.gradient.feedforward.layers import Dropout, Straight
from hetero_rsnn.gradient.feedforward.neurons import Neurons
from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryBlock, OrdinaryConvNet, OrdinaryMLP, OrdinaryNetwork
from hetero_rsnn.gradient.feedforward.quantised import QCFS
from hetero_rsnn.gradient.feedforward.spiking_network import SpikingNetwork

_WEIGHTED = (nn.Linear, nn.Conv2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_MAXIMA = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
#: Layers of torch that stay as they are, or vanish.
_KEPT = (*_WEIGHTED, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten)
_GONE = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, Dropout)
_KNOWN = "Linear, Conv2d, BatchNorm1d, BatchNorm2d, AvgPool2d, AdaptiveAvgPool2d, Flatten, Dropout, Identity, QCFS"


def convert(model: nn.Module, steps: int, *, start: float = 0.5) -> SpikingNetwork:
    """An ordinary network as a spiking one: each QCFS layer becomes integrate-and-fire neurons.

    These have the threshold theta of the layer, fire where the potential is at least theta, are less by theta after a
    spike, and send theta with each spike, so that the mean of what they send is an activation. Weights stay, but for
    BatchNorm, which is folded into the layer before. Each step gets the same input; the decision is the mean of the
    outputs. With as many steps as levels, the mean of the first layer of neurons is the quantised activation exactly,
    since its drive is the same in each step. That of deeper layers is not (see `conversion_error`): their drive comes
    unevenly, and spikes that were too early are not taken back.

    `account` counts as for all networks. Weights that follow weights without QCFS between get numbers that are no
    spikes: it counts an operation at each target of those that are not 0.

    Parameters
    ----------
    model : OrdinaryMLP, OrdinaryConvNet or torch.nn.Sequential
        A Sequential of Linear, Conv2d, BatchNorm1d, BatchNorm2d (directly after one of these), AvgPool2d,
        AdaptiveAvgPool2d of one pixel, Flatten, Dropout, Identity, QCFS, `OrdinaryBlock`, and of Sequentials of these.
        It is not changed, and taken as in evaluation.
    steps : int
        Of the spiking network.
    start : float
        Potential before the first step, as a share of theta, from 0 to below 1.

    Returns
    -------
    SpikingNetwork
        In evaluation.

    Raises
    ------
    HeteroError
        If an argument breaks its rule; or for a layer that is unknown or stands where it cannot be converted.

    References
    ----------
    T. Bu et al., "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural networks",
    ICLR 2022, arXiv:2303.04347.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryMLP
    >>> network = convert(OrdinaryMLP(64, 10, hidden=(32,)), steps=4)
    >>> network
    ConvertedNetwork(64-32-10, 4 steps, if, soft reset, direct coding, folded)
    >>> network(torch.rand(5, 64)).shape
    torch.Size([4, 5, 10])
    """
    steps = checks.whole("steps", steps, least=1)
    share = checks.real("start", start, least=0.0)
    if share >= 1:
        raise HeteroError(f"start must be below 1, got {share:g}", fix="use 0.5")
    chain: Any = model.layers if isinstance(model, OrdinaryNetwork) else model
    if not _is(chain, nn.Sequential):
        raise HeteroError(
            f"the network must be an OrdinaryMLP, an OrdinaryConvNet or an nn.Sequential, got {type(model).__name__}",
            fix="build it of these",
        )
    leaves = list(_leaves(chain))
    _check_order(leaves)
    layers = _grouped(_translated(leaves, share))
    if isinstance(model, OrdinaryNetwork):
        shape = model.shape
    else:
        shape = (leaves[0][1].in_features,) if isinstance(leaves[0][1], nn.Linear) else ()
    network = ConvertedNetwork(shape, layers, steps)
    if isinstance(model, OrdinaryNetwork) and type(model) in (OrdinaryMLP, OrdinaryConvNet):
        with suppress(HeteroError):  # of half precisions that numpy does not know
            network.origin = Origin(model.spec(), model.to_arrays(), share)
    return network


def conversion_error(model: nn.Module, spiking: SpikingNetwork, x: Tensor) -> Array:
    """How far the neurons' mean output is from the quantised activation, layer by layer.

    It is 0 in the first layer with as many steps as levels. With more and more steps the mean comes close to the clip
    min(max(x, 0), theta), of which the activation is a rounding: what is left then is the error of rounding.

    Parameters
    ----------
    model : torch.nn.Module
        An ordinary network, taken as in evaluation.
    spiking : SpikingNetwork
        What `convert` made of it.
    x : Tensor, shape (batch, ...)

    Returns
    -------
    ndarray, shape (layers,)
        Mean absolute difference over samples and units, in units of the layer's theta / levels.

    Raises
    ------
    HeteroError
        If the two have different layers, or the input does not fit.

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryMLP
    >>> model = OrdinaryMLP(64, 10, hidden=(32, 32))
    >>> errors = conversion_error(model, convert(model, steps=4), torch.rand(5, 64))
    >>> errors.shape, bool(errors[0] < 1e-6)
    ((2,), True)
    """
    ordinary = copy.deepcopy(model).eval()
    wanted: list[tuple[Tensor, float]] = []

    def keep(layer: nn.Module, _: Any, out: Tensor) -> None:
        assert isinstance(layer, QCFS)
        wanted.append((out, layer.theta.item() / layer.levels))

    for layer in ordinary.modules():
        if isinstance(layer, QCFS):
            layer.register_forward_hook(keep)
    with torch.no_grad():
        _, kept = spiking.traced(x)
        ordinary(x.to(next(ordinary.parameters())))
    if [k.spikes.shape[1:] for k in kept] != [w.shape for w, _ in wanted]:
        raise HeteroError(
            f"the networks must have layers of equal sizes, got {len(wanted)} of QCFS and {len(kept)} of neurons",
            fix="compare a network with what convert made of it",
        )
    # Height and threshold of a converted layer are one number.
    means = [k.spikes.mean(0) * k.threshold for k in kept]
    return np.array(
        [((mean - out).abs().mean() / unit).item() for mean, (out, unit) in zip(means, wanted, strict=True)]
    )


def _leaves(chain: nn.Sequential, place: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Layers of nested Sequentials, in their order, and where they are."""
    for index, layer in enumerate(chain):
        if _is(layer, nn.Sequential):
            assert isinstance(layer, nn.Sequential)
            yield from _leaves(layer, f"{place}{index}.")
        else:
            yield f"{place}{index}", layer


def _is(layer: nn.Module, *kinds: type[nn.Module]) -> bool:
    """Whether it is of one of these kinds, and does what they do."""
    return any(isinstance(layer, kind) and type(layer).forward is kind.forward for kind in kinds)


def _refuse(place: str, layer: nn.Module, why: str, fix: str) -> NoReturn:
    raise HeteroError(f"layer {place} ({type(layer).__name__}) cannot be converted, {why}", fix=fix)


def _check_order(leaves: list[tuple[str, nn.Module]]) -> None:
    """Weights must come first and last."""
    spiking = [k for k, (_, layer) in enumerate(leaves) if isinstance(layer, QCFS | OrdinaryBlock)]
    weighted = [k for k, (_, layer) in enumerate(leaves) if isinstance(layer, _WEIGHTED)]
    if not spiking:
        for place, layer in leaves:
            _check(place, layer)
        raise HeteroError("a network without QCFS cannot be converted", fix="train it with QCFS activations")
    if not weighted or weighted[-1] < spiking[-1]:
        place, layer = leaves[spiking[-1]]
        _refuse(place, layer, "since outputs need weights after the last spikes", "add a Linear at the end")
    if weighted[0] > spiking[0]:
        place, layer = leaves[spiking[0]]
        _refuse(place, layer, "since the input needs weights before it", "put a Linear or Conv2d before it")


def _check(place: str, layer: nn.Module) -> None:
    """Refuse a layer that cannot be converted wherever it stands."""
    if isinstance(layer, _MAXIMA):
        why = "since the maximum of means is not the mean of the maxima of spikes"
        _refuse(place, layer, why, "use average pooling, nn.AvgPool2d")
    if isinstance(layer, nn.ReLU):
        why = "since an activation without a highest value sets no threshold"
        _refuse(place, layer, why, "train with QCFS in its place")
    if not (isinstance(layer, _GONE) or _is(layer, *_KEPT, *_NORMS, QCFS, OrdinaryBlock)):
        _refuse(place, layer, "since it is none of the known layers", f"build the network of {_KNOWN}, OrdinaryBlock")
    if is_parametrized(layer):
        _refuse(place, layer, "since its weights are made of others", "use torch's remove_parametrizations first")
    if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) != (1, -1):
        _refuse(place, layer, "since it must flatten all axes of a sample", "use nn.Flatten()")
    if isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size not in (1, (1, 1)):
        why = f"since its output must be one pixel, got {layer.output_size}"
        _refuse(place, layer, why, "use nn.AvgPool2d")
    if isinstance(layer, _NORMS) and layer.running_var is None:
        _refuse(place, layer, "since it has no running statistics", "train with track_running_stats=True")
    if isinstance(layer, QCFS) and not 0 < layer.theta.item() < math.inf:
        why = f"since its theta must be finite and above 0, got {layer.theta.item():g}"
        _refuse(place, layer, why, "train with a smaller learning rate")


def _translated(leaves: list[tuple[str, nn.Module]], start: float) -> list[nn.Module]:
    """Layers of torch with folded weights, neurons and blocks."""
    found: list[nn.Module] = []
    for place, layer in leaves:
        _check(place, layer)
        if isinstance(layer, _NORMS):
            if not (found and isinstance(found[-1], _WEIGHTED)):
                why = "since only a Linear or Conv2d directly before it can take it up"
                _refuse(place, layer, why, "move it there, or leave it out")
            found[-1] = _folded(found[-1], layer)
        elif isinstance(layer, QCFS):
            found.append(_neurons(layer, start))
        elif isinstance(layer, OrdinaryBlock):
            before = _after_spikes(place, layer, found)
            main = _translated(before + _within(layer.main, f"{place}.main"), start)
            shortcut = _translated(before + _within(layer.shortcut, f"{place}.shortcut"), start)
            _check(f"{place}.last", layer.last)
            ways = (nn.Sequential(*_grouped(main)), nn.Sequential(*_grouped(shortcut)))
            found.append(ConvertedBlock(*ways, _neurons(layer.last, start)))
        elif isinstance(layer, _KEPT):
            found.append(copy.deepcopy(layer))
    return found


def _within(way: nn.Module, place: str) -> list[tuple[str, nn.Module]]:
    """Layers of one way of a block."""
    return (
        list(_leaves(way, f"{place}."))
        if isinstance(way, nn.Sequential) and _is(way, nn.Sequential)
        else [(place, way)]
    )


def _after_spikes(place: str, block: OrdinaryBlock, found: list[nn.Module]) -> list[tuple[str, nn.Module]]:
    """Take the averages before a block away: they go into its two ways, and count as part of their connections."""
    before: list[tuple[str, nn.Module]] = []
    while found and not isinstance(found[-1], Neurons | ConvertedBlock):
        if isinstance(found[-1], _WEIGHTED):
            _refuse(place, block, "since its input must be spikes", "put a QCFS before it")
        before.insert(0, (place, found.pop()))
    return before


def _neurons(layer: QCFS, start: float) -> Neurons:
    theta = layer.theta.item()
    return Neurons(leak=1.0, threshold=theta, reset="soft", ties="fire", start=start * theta, amplitude=theta)


def _folded(layer: Any, norm: Any) -> nn.Module:
    """A linear layer and the normalisation after it, as in evaluation, as one."""
    out: Any = copy.deepcopy(layer)
    with torch.no_grad():
        scale = torch.rsqrt(norm.running_var + norm.eps)
        scale = scale if norm.weight is None else scale * norm.weight
        shift = -norm.running_mean * scale if norm.bias is None else norm.bias - norm.running_mean * scale
        out.weight = nn.Parameter(layer.weight * scale.reshape(-1, *[1] * (layer.weight.dim() - 1)))
        out.bias = nn.Parameter(shift if layer.bias is None else shift + layer.bias * scale)
    folded: nn.Module = out
    return folded


def _grouped(layers: list[nn.Module]) -> list[nn.Module]:
    """Layers of torch between neurons as `Connections`, each with the averages before its weights; `Straight` if none.

    Averages between the last weights and neurons go with these weights.
    """
    found: list[nn.Module] = []
    group: list[nn.Module] = []
    for layer in layers:
        weighted = [k for k, other in enumerate(group) if isinstance(other, _WEIGHTED)]
        if isinstance(layer, Neurons | ConvertedBlock):
            found += [Connections(*group), layer] if group else [layer]
            group = []
        elif weighted and isinstance(layer, _WEIGHTED):
            end = weighted[0] + 1
            found.append(Connections(*group[:end]))
            group = [*group[end:], layer]
        else:
            group.append(layer)
    return [*found, *([Connections(*group)] if group else [])] or [Straight()]
