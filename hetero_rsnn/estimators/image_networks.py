"""The networks of a classifier of images, and which images they are trained on."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError

MODELS = ("conv", "mlp")
#: How a spiking network comes to be: by training it, or out of an ordinary one.
METHODS = ("direct", "conversion")


def check_parameters(given: Any) -> None:
    """Refuse what can be known to be wrong of a classifier before anything is computed."""
    from hetero_rsnn.gradient.feedforward.injection import check_noise
    from hetero_rsnn.gradient.feedforward.one_bit import WEIGHTS
    from hetero_rsnn.gradient.feedforward.running import is_network

    checks.whole("steps", given.steps, least=1)
    checks.one_of("method", given.method, METHODS)
    named = isinstance(given.model, str)
    if named:
        checks.one_of("model", given.model, MODELS)
    elif not is_network(given.model):
        raise HeteroError(
            f"model must be one of {', '.join(MODELS)}, or a torch.nn.Module, got {given.model!r:.80}",
            fix="give a network, not its class",
        )
    share = checks.real("validation", given.validation, least=0.0)
    if share >= 1:
        raise HeteroError(f"validation must be a share below 1, got {share:g}", fix="such as 0.1")
    weight = checks.real("consistency", given.consistency, least=0.0)
    if weight and named and given.method == "direct" and given.steps < 2:
        raise HeteroError(f"consistency needs 2 steps or more, got {given.steps}", fix="raise steps")
    checks.whole("shift", given.shift, least=0, most=10**4)
    checks.one_of("weights", given.weights, WEIGHTS)
    for name in ("flip", "detach_reset", "shortcuts"):
        checks.truth(name, getattr(given, name))
    if not named and (given.weights == "1bit" or given.shortcuts):
        said = "weights='1bit'" if given.weights == "1bit" else "shortcuts=True"
        raise HeteroError(
            f"{said} is for {' and '.join(map(repr, MODELS))}, got a network of your own as model",
            fix="build the network so, and leave it away here",
        )
    if given.teacher is not None and not is_network(given.teacher):
        raise HeteroError(
            f"teacher must be a torch.nn.Module, got {given.teacher!r:.80}", fix="give a network, such as network_"
        )
    if named and given.method == "conversion" and (given.weights == "1bit" or given.shortcuts):
        said = "weights='1bit'" if given.weights == "1bit" else "shortcuts=True"
        raise HeteroError(f"{said} is for direct training, got method='conversion'", fix="use method='direct'")
    if named and given.model == "mlp" and (given.shift or given.flip):
        raise HeteroError(
            "model='mlp' takes pixels without their places, which shift and flip move",
            fix="use model='conv', or leave both away",
        )
    if given.method == "conversion" and isinstance(given.loss, str) and given.loss == "tet":
        raise HeteroError("loss='tet' is for direct training, got method='conversion'", fix="use 'cross_entropy'")
    if check_noise(given.noise, given.membranes) and given.method == "conversion":
        raise HeteroError("noise and membranes are for direct training, got method='conversion'", fix="leave them away")


def new_network(given: Any, images: NDArray[Any], classes: int) -> Any:
    """A network that has learned nothing, as the parameters of a classifier describe it."""
    from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP
    from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryConvNet, OrdinaryMLP

    if not isinstance(given.model, str):
        return deepcopy(given.model)
    mlp = given.model == "mlp"
    timed = images.ndim == (3 if mlp else 5)
    if timed and images.shape[1] != given.steps:
        raise HeteroError(
            f"events must have the {given.steps} steps of the network, got {images.shape[1]}",
            fix=f"say steps={images.shape[1]}, or bin the events anew",
        )
    shape = images.shape[2:] if timed else images.shape[1:]
    deep = given.weights == "1bit" or given.shortcuts
    usual: tuple[int, ...] = ((512, 512) if deep else (512,)) if mlp else ()
    hidden = usual if given.hidden is None else given.hidden
    options: dict[str, Any] = {"hidden": hidden, "dropout": given.dropout, "seed": given.seed}
    stages = {} if mlp else {"channels": given.channels, "blocks": given.blocks}
    size: Any = shape[0] if mlp else shape
    if given.method == "conversion":
        if timed:
            raise HeteroError("an ordinary network takes images, got events", fix="use method='direct'")
        ordinary: Any = OrdinaryMLP if mlp else OrdinaryConvNet
        return ordinary(size, classes, levels=given.levels, theta=given.theta, **stages, **options)
    options |= {
        name: getattr(given, name)
        for name in (
            "steps", "neuron", "leak", "threshold", "reset", "coding", "normalisation", "pseudo_derivative",
            "detach_reset", "trainable", "weights", "shortcuts",
        )
    }  # fmt: skip
    spiking: Any = SpikingMLP if mlp else SpikingConvNet
    return spiking(size, classes, **stages, **options)
