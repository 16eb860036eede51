"""Parts of a fitted estimator as plain values and arrays, and back: network, state, encoder, ridge readout, report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.array_files import Arrays
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.estimators.frozen import Frozen
from hetero_rsnn.estimators.readout import RidgeReadout
from hetero_rsnn.inputs.audio import AudioEncoder
from hetero_rsnn.inputs.encoder_base import Encoder
from hetero_rsnn.inputs.encoders import CurrentEncoder, DeltaEncoder, PoissonEncoder
from hetero_rsnn.network.arrays import GivenArrays, check_values, definition_of
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw, draw
from hetero_rsnn.network.saving import trained_network
from hetero_rsnn.simulation.recording import State, check_under_way

#: Encoders that can be kept, and what each has learned, one number a channel of what it scales.
ENCODERS: dict[type[Encoder], tuple[str, ...]] = {
    CurrentEncoder: ("offset_", "spread_"),
    PoissonEncoder: ("low_", "span_"),
    DeltaEncoder: ("sd_",),
    AudioEncoder: ("mean_", "sd_", "low_", "span_"),
}
#: Parameters of estimators that may be quantities with a unit.
_DURATIONS = ("hold", "tau_read", "learn_for", "rest", "frame", "tau", "t_ref")
_MOST = 2**53


def below(head: str, arrays: Mapping[str, Any]) -> Arrays:
    """The arrays whose name begins so, without that."""
    return {name.removeprefix(head): value for name, value in arrays.items() if name.startswith(head)}


def number(value: Any) -> float:
    """A float as JSON holds it: null is NaN."""
    return math.nan if value is None else float(value)


def plain_parameter(name: str, value: Any) -> Any:
    """A parameter as JSON holds it.

    Raises
    ------
    HeteroError
        If it is an object of Python that no text can hold.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and not hasattr(value, "dim")):
        return value
    if isinstance(value, list | tuple | range | np.ndarray) and np.ndim(value) == 1 and not hasattr(value, "dim"):
        return [plain_parameter(name, one) for one in value]
    if name in _DURATIONS:
        return checks.duration(name, value, positive=False)
    raise HeteroError(
        f"{name}={type(value).__name__} cannot be kept in a file", fix="use numbers, text and lists of these"
    )


# The network and the state that it answers from -----------------------------------------------------------------------


def frozen_parts(frozen: Frozen) -> tuple[dict[str, Any], Arrays]:
    """A frozen network as plain values and arrays."""
    drawn, state, net = frozen.draw, frozen.state, frozen.draw.network
    values = trained_network(drawn).arrays
    assert values is not None
    arrays = {f"draw.{name}": value for name, value in values.values.items()}
    arrays |= {f"initial.{name}": value for name, value in drawn.initial.items()}
    arrays |= {f"state.variables.{name}": value for name, value in state.variables.items()}
    arrays |= {f"state.traces.{name}": value for name, value in state.traces.items()}
    arrays |= {"state.last_spike": state.last_spike, "state.w": state.w}
    if state.trace_step is not None:
        arrays["state.trace_step"] = state.trace_step
    if state.under_way is not None:
        arrays["state.under_way"] = state.under_way
    about = {
        "network": net.definition(),
        "given": None if net.arrays is None else {"seed": net.arrays.seed, "trained": net.arrays.trained},
        "seed": drawn.seed,
        "damage": list(drawn.damage),
        "step": state.step,
        "how": dict(frozen.how),
    }
    return about, arrays


def frozen_of(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Frozen:
    """The frozen network again.

    Raises
    ------
    HeteroError
        If an array is none of the network.
    """
    net = Network.from_dict(about["network"])
    damage = tuple(map(str, about["damage"]))
    seed, given = checks.whole("seed", about["seed"], least=0), about["given"]
    first, made = (seed, "") if given is None else (checks.whole("seed", given["seed"], least=0), str(given["trained"]))
    values = GivenArrays(dict(below("draw.", arrays)), definition_of(net), first, made, damage)
    check_values(values, net, "the file")
    whole = Network.from_dict({**net.tree(), "arrays": values}, net.name)
    how = {name: str(about["how"][name]) for name in ("backend", "precision")}
    drawn = draw(whole, seed, precision=how["precision"])
    initial = {k: _array(f"initial {k}", v, "f", (net.n,)) for k, v in below("initial.", arrays).items()}
    if initial.keys() != drawn.initial.keys():
        raise HeteroError(f"initial values must be of {', '.join(drawn.initial)}, got {', '.join(initial)}")
    drawn = replace(drawn, initial=initial)
    if given is None:  # it was drawn: so it is again, and its arrays are none that are given
        drawn = replace(drawn, network=net)
    return Frozen(drawn, _state(about, arrays, drawn), how)


def _state(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], drawn: Draw) -> State:
    n, synapses = (drawn.n,), (len(drawn.plastic),)
    step = checks.whole("step", about["step"], least=0, most=_MOST)
    last = _array("last_spike", arrays["state.last_spike"], "i", n)
    late = arrays.get("state.trace_step")
    late = None if late is None else _array("trace_step", late, "i", synapses)
    for name, when in (("last_spike", last), ("trace_step", late)):
        if when is not None and when.size and when.max() > step:
            raise HeteroError(f"{name} must be at most step = {step}, got {when.max()}")
    under_way = arrays.get("state.under_way")
    check_under_way(under_way, drawn.n, step)
    return State(
        step,
        {k: _array(k, v, "f", n) for k, v in below("state.variables.", arrays).items()},
        last,
        _array("w", arrays["state.w"], "f", synapses),
        {k: _array(k, v, "f", synapses) for k, v in below("state.traces.", arrays).items()},
        late,
        under_way,
    )


def _array(name: str, value: NDArray[Any], kinds: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """An array of a kind and shape, of finite numbers; None in the shape is any length."""
    fits = value.ndim == len(shape) and all(b in (None, a) for a, b in zip(value.shape, shape, strict=True))
    if value.dtype.kind not in kinds or not fits or not np.isfinite(value).all():
        asked = ", ".join("any" if size is None else str(size) for size in shape)
        raise HeteroError(
            f"{name} must be finite numbers of shape ({asked}), got {value.dtype} of {value.shape}",
            fix="restore a copy",
        )
    return value


# Encoders -------------------------------------------------------------------------------------------------------------


def encoder_text(encoder: Any) -> Any:
    """An encoder that was not fitted: its name, or its class and parameters; None stays."""
    if encoder is None or isinstance(encoder, str):
        return encoder
    if type(encoder) not in ENCODERS:
        known = ", ".join(kind.__name__ for kind in ENCODERS)
        raise HeteroError(f"encoder {type(encoder).__name__} cannot be kept in a file", fix=f"use one of {known}")
    parameters = {k: plain_parameter(k, v) for k, v in encoder.get_params(deep=False).items()}
    return {"class": type(encoder).__name__, "parameters": parameters}


def encoder_from(about: Any) -> Any:
    """The same again, not fitted."""
    if about is None or isinstance(about, str):
        return about
    made = {kind.__name__: kind for kind in ENCODERS}[about["class"]]
    return made(**about["parameters"])


def encoder_parts(encoder: Encoder) -> tuple[dict[str, Any], Arrays]:
    """A fitted encoder as plain values and arrays."""
    about = {
        **encoder_text(encoder),
        "channels_in": int(encoder.n_channels_in_),
        "channels": int(encoder.n_channels_),
        "given": encoder._given,  # noqa: SLF001 - of stimuli it has learned nothing
    }
    learned = ENCODERS[type(encoder)] if about["given"] is None else ()
    return about, {f"encoder.{name}": getattr(encoder, name) for name in learned if hasattr(encoder, name)}


def encoder_of(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Encoder:
    """The fitted encoder again."""
    encoder: Encoder = encoder_from({k: about[k] for k in ("class", "parameters")})
    encoder.n_channels_in_ = checks.whole("channels_in", about["channels_in"], least=1)
    encoder.n_channels_ = checks.whole("channels", about["channels"], least=1)
    if about["given"] is not None:
        encoder._given = checks.one_of("kind of stimuli", about["given"], ("current", "events"))  # noqa: SLF001
        return encoder
    size = encoder.n_channels_ if isinstance(encoder, AudioEncoder) else encoder.n_channels_in_
    for name in ENCODERS[type(encoder)]:
        setattr(encoder, name, _array(f"{name} of the encoder", arrays[f"encoder.{name}"], "f", (size,)))
    return encoder


# Readouts -------------------------------------------------------------------------------------------------------------


def ridge_parts(readout: RidgeReadout, head: str) -> tuple[dict[str, Any], Arrays]:
    """A fitted ridge readout as plain values and arrays."""
    strengths = np.atleast_1d(np.asarray(readout.strengths, dtype=np.float64))
    arrays = {"coef": readout.coef_, "intercept": readout.intercept_, "cv_error": readout.cv_error_}
    about = {"light": int(readout.light), "strength": float(readout.strength_)}
    return about, {f"{head}.{name}": value for name, value in {**arrays, "strengths": strengths}.items()}


def ridge_of(
    about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], head: str, columns: int | None, targets: int
) -> RidgeReadout:
    """The fitted readout again."""
    mine = below(f"{head}.", arrays)
    readout = RidgeReadout(tuple(mine["strengths"].tolist()), checks.whole("light", about["light"], least=0))
    readout.coef_ = _array(f"coef of the {head}", mine["coef"], "f", (columns, targets))
    readout.intercept_ = _array(f"intercept of the {head}", mine["intercept"], "f", (targets,))
    readout.cv_error_ = mine["cv_error"]
    readout.strength_ = checks.real("strength", about["strength"], above=0.0)
    return readout
