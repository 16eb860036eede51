"""Normalisation over steps and samples at once, and connections into which it is folded for inference."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.gradient.feedforward.folding import ScaledSigns, StepWeights
from hetero_rsnn.gradient.feedforward.layers import Conv, Linear
from hetero_rsnn.gradient.feedforward.one_bit import OneBitConv, OneBitLinear, channel_scale, sign
from hetero_rsnn.gradient.feedforward.states import Stateful, interval

#: How inputs of neurons can be normalised.
NORMALISATIONS = ("batch", "tebn")


class BatchNorm(Stateful):
    """Mean 0 and variance 1 over steps, samples and pixels, then a learned scale and shift of each feature or channel.

    While training over the batch, all steps together; in evaluation with running means. Going on step by step is for
    evaluation only, since statistics need all steps.

    Parameters
    ----------
    features : int
        Features, or channels.
    epsilon : float
        Added to variances.
    momentum : float
        Share of the new batch in running means.

    Raises
    ------
    HeteroError
        In a call that goes on from the one before while training.

    References
    ----------
    S. Ioffe, C. Szegedy, ICML 2015; over steps and samples together: H. Zheng et al., AAAI 2021.

    Examples
    --------
    >>> import torch
    >>> layer = BatchNorm(3)
    >>> layer(torch.rand(4, 8, 3)).mean((0, 1)).abs().max().item() < 1e-5
    True
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, *, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.features = checks.whole("features", features, least=1)
        self.epsilon = checks.real("epsilon", epsilon, above=0.0)
        self.momentum = checks.real("momentum", momentum, least=0.0)
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of the input (steps, batch, features, ...)."""
        if self.training and self.carrying:
            raise HeteroError(
                "a normalisation needs all steps at once while training, got them one by one",
                fix="call eval() of the network, or give all steps in one call",
            )
        if self.training and x.numel() == self.features:
            raise HeteroError(
                "a normalisation needs two values of each feature while training, got 1",
                fix="give more samples or steps",
            )
        out = F.batch_norm(
            x.flatten(0, 1),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.epsilon,
        )
        return out.reshape(x.shape)

    def affine(self) -> tuple[Tensor, Tensor]:
        """Scale and shift of each feature in evaluation."""
        # The root in double precision, then rounded: that of single numbers is off by a last bit on some processors.
        root = torch.sqrt((self.running_var + self.epsilon).double()).to(self.running_var.dtype)
        scale = self.weight / root
        return scale, self.bias - self.running_mean * scale

    def extra_repr(self) -> str:
        return f"{self.features}"


class TEBN(BatchNorm):
    """`BatchNorm`, times a learned number p[t] in step t, which is 1 at the beginning.

    Parameters
    ----------
    features : int
        Features, or channels.
    steps : int
        How many steps a call has: no other number is possible.
    epsilon, momentum : float
        See `BatchNorm`.

    Raises
    ------
    HeteroError
        For another number of steps; and as `BatchNorm`.

    References
    ----------
    C. Duan et al., "Temporal effective batch normalization in spiking neural networks", NeurIPS 2022.

    Examples
    --------
    >>> import torch
    >>> TEBN(3, 4)(torch.rand(4, 8, 3)).shape
    torch.Size([4, 8, 3])
    >>> TEBN(3, 4)(torch.rand(5, 8, 3))
    Traceback (most recent call last):
        ...
    hetero_rsnn.common.errors.HeteroError: a layer for 4 steps cannot take 5: give 4 steps, or make one for 5
    """

    def __init__(self, features: int, steps: int, *, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(features, epsilon=epsilon, momentum=momentum)
        self.steps = checks.whole("steps", steps, least=1)
        self.p = nn.Parameter(torch.ones(steps))

    def forward(self, x: Tensor) -> Tensor:
        """Of the shape of the input (steps, batch, features, ...)."""
        now = interval(self, len(x), self.steps)
        return super().forward(x) * self.p[now].reshape(-1, *[1] * (x.dim() - 1))

    def extra_repr(self) -> str:
        return f"{self.features}, steps={self.steps}"


def folded(layer: Linear | Conv, norm: BatchNorm | None) -> Linear | Conv | StepWeights | ScaledSigns:
    """Connections and the normalisation after them, as in evaluation, as connections alone.

    A BatchNorm a x + c of a map W x + b is a map with weights a W and biases a b + c; TEBN's is p[t] times that in step
    t (that it is folded is our choice). Of weights of 1 bit the signs stay: scale and offset take a and c up.

    Parameters
    ----------
    layer : Linear or Conv
        Not changed.
    norm : BatchNorm, TEBN or None

    Examples
    --------
    >>> import torch
    >>> from hetero_rsnn.gradient.feedforward.one_bit import OneBitLinear
    >>> layer, norm = Linear(3, 5, draw=torch.Generator()), TEBN(5, 4)
    >>> folded(layer, norm)
    StepWeights(
      steps=4
      (layer): Linear(3, 5)
    )
    >>> folded(OneBitLinear(3, 5, draw=torch.Generator()), BatchNorm(5)).signs().shape
    (5, 3)
    """
    with torch.no_grad():
        if isinstance(layer, OneBitLinear | OneBitConv):
            return _folded_signs(layer, norm)
        out = layer.full()
        if norm is None:
            return out
        scale, shift = norm.affine()
        weight = layer.used() * scale.reshape(-1, *[1] * (layer.weight.dim() - 1))
        bias = shift if layer.bias is None else shift + layer.bias * scale
        if not isinstance(norm, TEBN):
            out.weight, out.bias = nn.Parameter(weight), nn.Parameter(bias)
            return out
        copies = weight * norm.p.reshape(-1, *[1] * weight.dim())
        return StepWeights(layer, copies, bias * norm.p[:, None])


def _folded_signs(layer: OneBitLinear | OneBitConv, norm: BatchNorm | None) -> ScaledSigns:
    """The same of weights of 1 bit, or of those that will be of 1 bit: their scale is 1 by then."""
    weight = sign(layer.weight) if layer.binary else layer.weight.clone()
    scale = channel_scale(layer.weight) if layer.binary else torch.ones_like(weight.flatten(1)[:, 0])
    offset = torch.zeros_like(scale) if layer.bias is None else layer.bias.clone()
    if norm is not None:
        a, shift = norm.affine()
        scale, offset = scale * a, shift if layer.bias is None else shift + offset * a
    if isinstance(norm, TEBN):
        scale, offset = scale * norm.p[:, None], offset * norm.p[:, None]
    return ScaledSigns(layer, weight, scale, offset, layer.binary.clone())


class Projection(nn.Module):
    """Connections and what normalises their sums.

    Parameters
    ----------
    synapses : Linear or Conv
    norm : BatchNorm, TEBN or None

    Examples
    --------
    >>> import torch
    >>> Projection(Linear(3, 5, draw=torch.Generator()), BatchNorm(5))(torch.rand(4, 8, 3)).shape
    torch.Size([4, 8, 5])
    """

    def __init__(self, synapses: Linear | Conv, norm: BatchNorm | None = None) -> None:
        super().__init__()
        self.synapses = synapses
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Input currents of neurons, (steps, batch, ...)."""
        y: Tensor = self.synapses(x)
        if self.norm is not None:
            y = self.norm(y)
        return y

    def folded(self) -> Linear | Conv | StepWeights | ScaledSigns:
        """Both as connections alone; see `folded`."""
        return folded(self.synapses, self.norm)


def fold_in_place(module: nn.Module) -> None:
    """Put folded connections in the place of each `Projection` below a module."""
    for name, child in module.named_children():
        if isinstance(child, Projection):
            setattr(module, name, child.folded())
        else:
            fold_in_place(child)
