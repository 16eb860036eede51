"""Layers of spiking neurons in discrete steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Array
from hetero_rsnn.gradient.feedforward.dynamics import Dynamics, Rule
from hetero_rsnn.gradient.feedforward.spike import TIES
from hetero_rsnn.gradient.feedforward.states import Stateful
from hetero_rsnn.gradient.pseudo_derivative import PseudoDerivative

#: What a spike does to the potential: set it to 0, or take the threshold from it.
RESETS = ("hard", "soft")
#: What can be trained.
TRAINABLE = ("leak", "threshold")
_QUANTITIES = ("leak", "threshold", "start", "amplitude")


#: Of a layer of neurons and its input (steps, batch, ...): what is added to its potentials.
Noise = Callable[["Neurons", Tensor], Tensor]


class Kept(NamedTuple):
    """What a layer of neurons did in a call.

    Attributes
    ----------
    spikes : Tensor, shape (steps, batch, ...)
        0 or 1.
    potential : Tensor, shape (steps, batch, ...)
        At the end of each step: after the reset.
    threshold : float or Tensor
    """

    spikes: Tensor
    potential: Tensor
    threshold: float | Tensor


class Neurons(Stateful):
    """A layer of leaky integrate-and-fire neurons: u[t] = leak u[t - 1] + x[t], a spike where u is above the threshold.

    With leak 1 these are integrate-and-fire neurons (IF). After a spike the potential is 0 (hard reset) or less by the
    threshold (soft reset). The gradient of a spike with respect to the potential is a pseudo-derivative at
    u - threshold, in the reset too unless `detach_reset`.

    Leak, threshold, start and amplitude are numbers, or arrays that broadcast to the shape of a sample: shape
    (features,), or (channels, 1, 1) for one number a channel of an image.

    Parameters
    ----------
    leak : float or array
        Share of the potential that is left after a step, from 0 to 1.
    threshold : float or array
        Above 0.
    reset : {"hard", "soft"}
    ties : {"quiet", "fire"}
        Whether a neuron fires whose potential is exactly the threshold.
    start : float or array
        Potential before the first step.
    amplitude : float or array
        Height of a spike at the output.
    pseudo_derivative : PseudoDerivative or str
        By default a triangle of half-width 1.
    detach_reset : bool
        No gradient through the reset.
    trainable : sequence of str
        ``"leak"``, ``"threshold"`` or both: these are parameters, as ``logit_leak``, the logistic of which is the leak
        and stays between 0 and 1, and ``log_threshold``, which keeps the threshold above 0 (our choice).

    Attributes
    ----------
    keep : bool
        Whether `kept` holds, after a call, the spikes and potentials of all its steps. False at the beginning.
    kept : Kept or None

    noise : callable or None
        Lent by `with_noise`: of the layer and an input, what is added to its potentials.
    forgets : bool
        Lent by `with_noise`: each step begins at potential 0.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    References
    ----------
    Y. Wu et al., Frontiers in Neuroscience 18, 2018 (the neuron in discrete steps, hard reset); B. Rueckauer et al.,
    Frontiers in Neuroscience 11, 2017 (soft reset); W. Fang et al., ICCV 2021 (a leak that is learned).

    Examples
    --------
    >>> import torch
    >>> layer = Neurons(leak=[0.5, 0.9])
    >>> layer(torch.full((4, 1, 2), 0.6))[:, 0].T.tolist()  # steps, batch, neurons
    [[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]
    """

    noise: Noise | None = None
    forgets = False

    def __init__(
        self,
        *,
        leak: ArrayLike = 0.5,
        threshold: ArrayLike = 1.0,
        reset: str = "hard",
        ties: str = "quiet",
        start: ArrayLike = 0.0,
        amplitude: ArrayLike = 1.0,
        pseudo_derivative: PseudoDerivative | str = "triangle",
        detach_reset: bool = False,
        trainable: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.reset_kind = checks.one_of("reset", reset, RESETS)
        self.ties = checks.one_of("ties", ties, TIES)
        self.pseudo_derivative = PseudoDerivative.of(pseudo_derivative)
        self.detach_reset = bool(detach_reset)
        names = [trainable] if isinstance(trainable, str) else list(trainable)
        self.trainable = tuple(checks.one_of("trainable quantity", name, TRAINABLE) for name in names)
        self._numbers: dict[str, float] = {}
        leaks = _within("leak", leak, self.trainable)
        thresholds = _within("threshold", threshold, self.trainable)
        if "leak" in self.trainable:
            self.logit_leak = _parameter(np.log(leaks) - np.log1p(-leaks))
        else:
            self._fix("leak", leak, leaks)
        if "threshold" in self.trainable:
            self.log_threshold = _parameter(np.log(thresholds))
        else:
            self._fix("threshold", threshold, thresholds)
        self._fix("start", start, checks.finite_array("start", start))
        self._fix("amplitude", amplitude, checks.finite_array("amplitude", amplitude))
        self.keep = False
        self.kept: Kept | None = None

    def _fix(self, name: str, given: ArrayLike, value: Array) -> None:
        """A number stays one, exact in every precision; an array becomes a buffer, of float32 if it was given so."""
        if value.ndim:
            single = getattr(given, "dtype", None) == np.float32
            self.register_buffer(f"fixed_{name}", torch.tensor(value, dtype=torch.float32 if single else torch.float64))
        else:
            self._numbers[name] = float(value)

    def _value(self, name: str) -> float | Tensor:
        if name in self._numbers:
            return self._numbers[name]
        if name in self.trainable:
            return torch.sigmoid(self.logit_leak) if name == "leak" else torch.exp(self.log_threshold)
        value: Tensor = getattr(self, f"fixed_{name}")
        return value

    def _fitting(self, name: str, x: Tensor) -> float | Tensor:
        """A value in the precision of an input, whose samples it fits."""
        value = self._value(name)
        if isinstance(value, float):
            return value
        ends = zip(reversed(value.shape), reversed(x.shape[2:]), strict=False)
        if value.dim() > x.dim() - 2 or any(m not in (1, n) for m, n in ends):
            given, sample = tuple(value.shape), tuple(x.shape[2:])
            raise HeteroError(f"{name} of the shape {given} does not fit samples of {sample}", fix="reshape it")
        return value.to(x.dtype)

    @property
    def leak(self) -> float | Tensor:
        """As it is now."""
        return self._value("leak")

    @property
    def threshold(self) -> float | Tensor:
        """As it is now."""
        return self._value("threshold")

    @property
    def start(self) -> float | Tensor:
        """Potential before the first step."""
        return self._value("start")

    @property
    def amplitude(self) -> float | Tensor:
        """Height of a spike at the output."""
        return self._value("amplitude")

    def forward(self, x: Tensor) -> Tensor:
        """Spikes, of the shape of the input.

        Parameters
        ----------
        x : Tensor, shape (steps, batch, ...)
            What is added to the potentials.

        Raises
        ------
        HeteroError
            If an array of leaks, thresholds and so on does not fit a sample, or samples are others than those of the
            call from which this one goes on.
        """
        leak, threshold, _, amplitude = (self._fitting(name, x) for name in _QUANTITIES)
        u = self._before(x)
        if self.noise is not None:
            x = x + self.noise(self, x)
        if self.forgets:
            leak = 0.0
        rule = Rule(self.reset_kind, self.ties, self.pseudo_derivative, self.detach_reset)
        run: Any = Dynamics.apply
        spikes, potentials, last = run(x, u, leak, threshold, rule, self.keep)
        if self.carrying:
            self.state = last
        self.kept = Kept(spikes, potentials, threshold) if self.keep else None
        out: Tensor = spikes if isinstance(amplitude, float) and amplitude == 1.0 else spikes * amplitude
        return out

    def _before(self, x: Tensor) -> Tensor:
        """Potentials before a call with this input."""
        u: Tensor | None = self.state if self.carrying else None
        if u is None:
            return self._fitting("start", x) + torch.zeros_like(x[0])
        if u.shape != x.shape[1:]:
            raise HeteroError(
                f"neurons that go on with {tuple(u.shape)} cannot take {tuple(x.shape[1:])}", fix="call reset() first"
            )
        return u

    def carried(self, x: Tensor) -> Tensor:
        """What the membranes bring into the first step of a call with this input: leak times potential before it."""
        return torch.mul(self._before(x), self._fitting("leak", x))

    def relative(self, x: Tensor) -> float | Tensor:
        """The threshold, without gradient, as it multiplies or divides values of the shape of an input."""
        threshold = self._fitting("threshold", x)
        return threshold.detach() if isinstance(threshold, Tensor) else threshold

    def extra_repr(self) -> str:
        values = {name: self._value(name) for name in _QUANTITIES}
        usual = {"start": 0.0, "amplitude": 1.0}
        said = [f"{name}={_short(v)}" for name, v in values.items() if isinstance(v, Tensor) or v != usual.get(name)]
        said += [f"reset={self.reset_kind!r}", *([f"ties={self.ties!r}"] if self.ties != "quiet" else [])]
        said += [f"pseudo_derivative={self.pseudo_derivative!r}", *(["detach_reset"] if self.detach_reset else [])]
        return ", ".join([*said, *([f"trainable={self.trainable}"] if self.trainable else [])])


@contextmanager
def with_noise(layers: Sequence[Neurons], noise: Sequence[Noise | None], *, forgets: bool) -> Iterator[None]:
    """Inside, calls of these layers add noise to their potentials; afterwards they are as they were.

    Parameters
    ----------
    layers : sequence of Neurons
    noise : sequence of callable or None
        Of each layer: what is added, of the layer and its input, of a shape that broadcasts to that of the input.
    forgets : bool
        Whether the noise stands in place of what membranes carry: each step begins at potential 0.
    """
    before = [(layer.noise, layer.forgets) for layer in layers]
    try:
        for layer, own in zip(layers, noise, strict=True):
            layer.noise, layer.forgets = own, forgets
        yield
    finally:
        for layer, (own, forgot) in zip(layers, before, strict=True):
            layer.noise, layer.forgets = own, forgot


def _parameter(value: Any) -> nn.Parameter:
    return nn.Parameter(torch.tensor(value, dtype=torch.get_default_dtype()))


def _within(name: str, value: ArrayLike, trainable: Sequence[str]) -> Array:
    """Leaks or thresholds, in their range."""
    array = checks.finite_array(name, value)
    if name == "threshold":
        good, rule = array > 0, "> 0"
    elif name in trainable:
        good, rule = (array > 0) & (array < 1), "above 0 and below 1 where it is trainable"
    else:
        good, rule = (array >= 0) & (array <= 1), "from 0 to 1"
    if not good.all():
        raise HeteroError(f"{name} must be {rule}, got {array[~good].flat[0]:g}", fix="change it")
    return array


def _short(value: float | Tensor) -> str:
    if not isinstance(value, Tensor):
        return f"{value:g}"
    value = value.detach()
    return f"{value.item():g}" if not value.ndim else f"{tuple(value.shape)} with mean {value.mean().item():g}"
