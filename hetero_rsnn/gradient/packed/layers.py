"""What a packed network is made of: plain layers of numpy arrays, without any library for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError, suggest
from hetero_rsnn.gradient.packed.words import Words, check_words, pack_signs, unpack_signs

#: Numbers in the precision of the networks.
Singles = NDArray[np.float32]

#: What a spike does to the potential: set it to 0, or take the threshold from it.
RESETS = ("hard", "soft")
#: Whether a neuron fires whose potential is exactly the threshold.
TIES = ("quiet", "fire")
#: Sums of fewer spikes than this are whole numbers in float32.
_MOST_INPUTS = 2**24
#: Width of squares that are averaged: only quarters and halves are exact.
_MOST_POOL = 2
#: Strides and squares that compiled code can count with; no image is as wide.
_MOST_WIDTH = 2**31 - 1


class Layer:
    """Base of all layers: arrays by name, and numbers by name."""

    kind: ClassVar[str]
    array_names: ClassVar[tuple[str, ...]] = ()
    number_names: ClassVar[tuple[str, ...]] = ()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays, by name."""
        return {name: getattr(self, name) for name in self.array_names if getattr(self, name) is not None}

    def numbers(self) -> dict[str, Any]:
        """What else describes it, by name."""
        return {name: getattr(self, name) for name in self.number_names}

    @classmethod
    def of(cls, arrays: dict[str, Any], numbers: dict[str, Any]) -> Self:
        """The layer that has these arrays and numbers."""
        return cls(**arrays, **numbers)

    def __repr__(self) -> str:
        said = [f"{name}={value.shape}" for name, value in self.arrays().items()]
        return f"{type(self).__name__}({', '.join([*said, *(f'{k}={v!r}' for k, v in self.numbers().items())])})"


class PackedLinear(Layer):
    """All to all, with weights of +1 and -1: ``scale * (sum of signs times inputs) + offset`` for each output.

    The inputs are spikes, so the sum is a whole number and exact; then follow a product and a sum, each rounded to
    float32. These are the numbers of a float network that multiplies with the scale after it has summed. A
    normalisation in evaluation is part of scale and offset; see `folded_scale`.

    Images are taken channel by channel, and row by row within a channel.

    Parameters
    ----------
    signs : array_like, shape (outputs, inputs)
        +1 or -1.
    scale, offset : array_like, shape (outputs,) or ()
    pool : {1, 2}
        2: the spikes of an image are averaged over squares of 2 x 2 first, those at the edge of what is there. Sums
        are whole quarters then, and exact too. It takes four times the time, and memory for weights while it runs.

    Attributes
    ----------
    words : ndarray of uint64, shape (outputs, ceil(inputs / 64))
        See `hetero_rsnn.gradient.packed.words`.
    inputs : int
        After averaging.

    Raises
    ------
    HeteroError
        If a weight is neither +1 nor -1, or a shape does not fit.

    Examples
    --------
    >>> PackedLinear([[1, -1, 1], [-1, -1, 1]], scale=[0.5, 2.0])
    PackedLinear(words=(2, 1), scale=(2,), offset=(2,), inputs=3, pool=1)
    """

    kind = "packed_linear"
    array_names = ("words", "scale", "offset")
    number_names = ("inputs", "pool")
    words: Words

    def __init__(self, signs: ArrayLike, scale: ArrayLike = 1.0, offset: ArrayLike = 0.0, *, pool: int = 1) -> None:
        array = checks.plain_array("signs", signs)
        if array.ndim != 2:
            raise HeteroError(f"signs must have the shape (outputs, inputs), got {array.shape}", fix="reshape them")
        self.fill(pack_signs(array), array.shape[1], scale, offset, pool)

    @classmethod
    def of(cls, arrays: dict[str, Any], numbers: dict[str, Any]) -> Self:
        """The layer that has these arrays and numbers."""
        layer = cls.__new__(cls)
        layer.fill(**arrays, **numbers)
        return layer

    def fill(self, words: Any, inputs: Any, scale: ArrayLike, offset: ArrayLike, pool: Any) -> None:
        """Take words in place of signs."""
        self.pool = checks.whole("pool", pool, least=1, most=_MOST_POOL)
        self.inputs = checks.whole("inputs", inputs, least=1, most=_MOST_INPUTS // self.pool**2 - 1)
        self.words = _frozen(_shaped("words", check_words("words", words, self.inputs), 2))
        self.outputs = len(self.words)
        self.scale, self.offset = (
            _per_output(name, value, self.outputs) for name, value in (("scale", scale), ("offset", offset))
        )

    def signs(self) -> NDArray[np.int8]:
        """The weights, +1 or -1, shape (outputs, inputs)."""
        return unpack_signs(self.words, self.inputs)


class PackedConv(Layer):
    """A convolution with square kernels of weights +1 and -1; scale and offset as those of `PackedLinear`.

    A padding of half the kernel's width keeps the size of the image; a neuron sees no spikes there.

    Parameters
    ----------
    signs : array_like, shape (outputs, inputs, width, width)
        +1 or -1. The width is odd.
    scale, offset : array_like, shape (outputs,) or ()
    stride : int
    pool : {1, 2}
        As of `PackedLinear`.

    Attributes
    ----------
    words : ndarray of uint64, shape (outputs, width, width, ceil(inputs / 64))
        The channels of each place of the kernel begin with a new word.
    inputs : int
        Channels.

    Raises
    ------
    HeteroError
        If a weight is neither +1 nor -1, or a shape does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> PackedConv(np.ones((8, 3, 3, 3)), stride=2)
    PackedConv(words=(8, 3, 3, 1), scale=(8,), offset=(8,), inputs=3, stride=2, pool=1)
    """

    kind = "packed_conv"
    array_names = ("words", "scale", "offset")
    number_names = ("inputs", "stride", "pool")
    words: Words

    def __init__(
        self, signs: ArrayLike, scale: ArrayLike = 1.0, offset: ArrayLike = 0.0, *, stride: int = 1, pool: int = 1
    ) -> None:  # fmt: skip
        array = checks.plain_array("signs", signs)
        if array.ndim != 4:
            raise HeteroError(
                f"signs must have the shape (outputs, inputs, width, width), got {array.shape}", fix="reshape them"
            )
        words = pack_signs(array.transpose(0, 2, 3, 1))
        self.fill(words, array.shape[1], scale, offset, stride, pool)

    @classmethod
    def of(cls, arrays: dict[str, Any], numbers: dict[str, Any]) -> Self:
        """The layer that has these arrays and numbers."""
        layer = cls.__new__(cls)
        layer.fill(**arrays, **numbers)
        return layer

    def fill(self, words: Any, inputs: Any, scale: ArrayLike, offset: ArrayLike, stride: Any, pool: Any) -> None:
        """Take words in place of signs."""
        self.inputs = checks.whole("inputs", inputs, least=1, most=_MOST_INPUTS - 1)
        self.pool = checks.whole("pool", pool, least=1, most=_MOST_POOL)
        self.stride = checks.whole("stride", stride, least=1, most=_MOST_WIDTH)
        self.words = _frozen(_shaped("words", check_words("words", words, self.inputs), 4))
        self.outputs, self.width = self.words.shape[:2]
        _square(self.words.shape[1:3])
        most = _MOST_INPUTS // self.pool**2
        if self.inputs * self.width**2 >= most:
            raise HeteroError(f"a kernel must have fewer than {most} inputs", fix="use fewer channels")
        self.scale, self.offset = (
            _per_output(name, value, self.outputs) for name, value in (("scale", scale), ("offset", offset))
        )

    def signs(self) -> NDArray[np.int8]:
        """The weights, +1 or -1, shape (outputs, inputs, width, width)."""
        return np.ascontiguousarray(unpack_signs(self.words, self.inputs).transpose(0, 3, 1, 2))


class FullLinear(Layer):
    """All to all in full precision, such as a first or last layer; images are taken as by `PackedLinear`.

    Sums are taken in double precision, in the order of the inputs, and rounded to float32 once, so that they are the
    same for every size of a batch and on every machine.

    Parameters
    ----------
    weight : array_like, shape (outputs, inputs)
    bias : array_like, shape (outputs,) or ()

    Examples
    --------
    >>> FullLinear([[0.5, -1.0, 0.25]])
    FullLinear(weight=(1, 3), bias=(1,))
    """

    kind = "full_linear"
    array_names = ("weight", "bias")

    def __init__(self, weight: ArrayLike, bias: ArrayLike = 0.0) -> None:
        self.weight = _single("weight", weight, ("output", "input"))
        self.outputs, self.inputs = self.weight.shape
        self.bias = _per_output("bias", bias, self.outputs)


class FullConv(Layer):
    """A convolution in full precision, with square kernels of odd width and a padding of half of it; see `FullLinear`.

    Parameters
    ----------
    weight : array_like, shape (outputs, inputs, width, width)
    bias : array_like, shape (outputs,) or ()
    stride : int

    Examples
    --------
    >>> import numpy as np
    >>> FullConv(np.ones((8, 1, 3, 3)))
    FullConv(weight=(8, 1, 3, 3), bias=(8,), stride=1)
    """

    kind = "full_conv"
    array_names = ("weight", "bias")
    number_names = ("stride",)

    def __init__(self, weight: ArrayLike, bias: ArrayLike = 0.0, *, stride: int = 1) -> None:
        self.weight = _single("weight", weight, ("output", "input", "row", "column"))
        self.outputs, self.inputs, self.width, _ = self.weight.shape
        _square(self.weight.shape[2:])
        self.bias = _per_output("bias", bias, self.outputs)
        self.stride = checks.whole("stride", stride, least=1, most=_MOST_WIDTH)


class SpikingNeurons(Layer):
    """Neurons: u[t] = leak u[t - 1] + (x[t] + bias), a spike where u is above the threshold, then a reset.

    In float32, product and sums rounded one by one, in the order of the neurons that were trained in torch: the spikes
    are the same. All but the amplitude are numbers or arrays that broadcast to the shape of a sample: (features,), or
    (channels, 1, 1) for one number a channel.

    Where the leak is 0 and a packed layer comes before, the threshold is a whole number that the sum of signs is
    compared with: the smallest one at which float32 would fire.

    Parameters
    ----------
    leak : array_like
        Share of the potential that is left after a step, from 0 to 1.
    threshold : array_like
        Above 0.
    reset : {"hard", "soft"}
        The potential after a spike: 0, or less by the threshold.
    ties : {"quiet", "fire"}
        Whether a neuron fires whose potential is exactly the threshold.
    start : array_like
        Potential before the first step.
    amplitude : float
        Height of a spike for the layers after it.
    bias : array_like
        Added to the input.

    Raises
    ------
    HeteroError
        If an argument breaks its rule.

    Examples
    --------
    >>> SpikingNeurons(leak=[0.5, 0.9], reset="soft")  # doctest: +ELLIPSIS
    SpikingNeurons(leak=(2,), threshold=(), start=(), bias=(), reset='soft', ties='quiet', amplitude=1.0)
    """

    kind = "neurons"
    array_names = ("leak", "threshold", "start", "bias")
    number_names = ("reset", "ties", "amplitude")

    def __init__(
        self,
        *,
        leak: ArrayLike = 0.5,
        threshold: ArrayLike = 1.0,
        reset: str = "hard",
        ties: str = "quiet",
        start: ArrayLike = 0.0,
        amplitude: float = 1.0,
        bias: ArrayLike = 0.0,
    ) -> None:
        self.reset = checks.one_of("reset", reset, RESETS)
        self.ties = checks.one_of("ties", ties, TIES)
        self.leak, self.threshold, self.start, self.bias = (
            _single(name, value)
            for name, value in (("leak", leak), ("threshold", threshold), ("start", start), ("bias", bias))
        )
        for name, good, rule in (
            ("leak", (self.leak >= 0) & (self.leak <= 1), "from 0 to 1"),
            ("threshold", self.threshold > 0, "> 0"),
        ):
            if not good.all():
                raise HeteroError(f"{name} must be {rule}, got {getattr(self, name)[~good].flat[0]:g}", fix="change it")
        if np.ndim(amplitude):
            raise HeteroError(
                f"the amplitude of packed spikes must be one number, got the shape {np.shape(amplitude)}",
                fix="put what differs into the weights behind",
            )
        self.amplitude = float(_single("amplitude", checks.real("amplitude", amplitude)))


class AveragePool(Layer):
    """Averages over squares of an image; those at the edge are of what is there.

    Parameters
    ----------
    width : int
        Of the squares. One as wide as the image, or wider, leaves one pixel.

    Examples
    --------
    >>> AveragePool(2)
    AveragePool(width=2)
    """

    kind = "average_pool"
    number_names = ("width",)

    def __init__(self, width: int) -> None:
        self.width = checks.whole("width", width, least=1, most=_MOST_WIDTH)


class Shortcut(Layer):
    """Adds what an earlier layer has given, perhaps through layers of its own.

    Parameters
    ----------
    source : int
        Index of the layer whose output is added, counted from 0; -1 for the network's input.
    path : sequence of AveragePool, FullConv, FullLinear, PackedConv or PackedLinear
        What it goes through, where the shape changes.

    Examples
    --------
    >>> Shortcut(2, [AveragePool(2)])
    Shortcut(source=2, path=(AveragePool(width=2),))
    """

    kind = "shortcut"
    number_names = ("source", "path")

    def __init__(self, source: int, path: Sequence[Layer] = ()) -> None:
        self.source = checks.whole("source", source, least=-1)
        if not isinstance(path, list | tuple):
            raise HeteroError(f"path must be a list of layers, got {type(path).__name__}", fix="put it into a list")
        self.path = tuple(path)
        for layer in self.path:
            if not isinstance(layer, AveragePool | FullConv | FullLinear | PackedConv | PackedLinear):
                raise HeteroError(
                    f"the path of a shortcut must be of pooling, full or packed layers, got {layer!s:.60}",
                    fix="put neurons beside it",
                )


#: All layers, by what files call them.
KINDS: dict[str, type[Layer]] = {
    layer.kind: layer
    for layer in (PackedLinear, PackedConv, FullLinear, FullConv, SpikingNeurons, AveragePool, Shortcut)
}


def layer_of(kind: Any, arrays: dict[str, Any], numbers: dict[str, Any]) -> Layer:
    """A layer of this kind, from what `Layer.arrays` and `Layer.numbers` have given.

    Raises
    ------
    HeteroError
        If they are not those of such a layer.
    """
    found = KINDS.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise HeteroError(f"unknown layer {kind!r:.40}{suggest(str(kind), KINDS)}", fix="use one of these")
    if arrays.keys() != set(found.array_names) or numbers.keys() != set(found.number_names):
        said = ", ".join([*found.array_names, *found.number_names])
        raise HeteroError(f"a layer {kind} must have {said}, got {', '.join([*arrays, *numbers])!s:.200}", fix="add it")
    return found.of(arrays, numbers)


def folded_scale(
    scale: ArrayLike, offset: ArrayLike, gamma: ArrayLike, beta: ArrayLike, mean: ArrayLike, variance: ArrayLike,
    epsilon: float = 1e-5,
) -> tuple[Singles, Singles]:  # fmt: skip
    """Scale and offset of a packed layer with the normalisation in evaluation that comes after it.

    With a = gamma / sqrt(variance + epsilon) the scale becomes a scale and the offset beta - mean a + a offset, each
    operation rounded to float32.

    Parameters
    ----------
    scale, offset : array_like, shape (outputs,) or ()
        Of the packed layer alone.
    gamma, beta, mean, variance : array_like, shape (outputs,)
        Of the normalisation: weight, bias, running mean, running variance.
    epsilon : float

    Returns
    -------
    scale, offset : ndarray of float32, shape (outputs,)

    Examples
    --------
    >>> scale, offset = folded_scale(0.5, 0.0, [2.0], [1.0], [3.0], [4.0], epsilon=1e-9)
    >>> scale.tolist(), offset.tolist()
    ([0.5], [-2.0])
    """
    names = ("scale", "offset", "gamma", "beta", "mean", "variance")
    values = (scale, offset, gamma, beta, mean, variance)
    s, o, g, b, m, v = (_single(name, value) for name, value in zip(names, values, strict=True))
    if (v < 0).any():
        raise HeteroError(f"variance must be >= 0, got {v[v < 0].flat[0]:g}", fix="give the running variance")
    a = g / np.sqrt(v + np.float32(checks.real("epsilon", epsilon, above=0.0)))
    return s * a, (b - m * a) + o * a


def _single(name: str, value: ArrayLike, axes: Sequence[str] = ()) -> Singles:
    """Finite numbers as float32 that nobody changes."""
    array = checks.finite_array(name, value, len(axes) if axes else None, axes=axes)
    with np.errstate(over="ignore"):
        out = array.astype(np.float32)
    if not np.isfinite(out).all():
        raise HeteroError(f"{name} must be finite in float32, got {array[~np.isfinite(out)].flat[0]:g}", fix="scale it")
    done: Singles = _frozen(out)
    return done


def _per_output(name: str, value: ArrayLike, outputs: int) -> Singles:
    array = _single(name, value)
    if array.shape not in ((), (outputs,)):
        raise HeteroError(f"{name} must be one number, or {outputs}, got the shape {array.shape}", fix="reshape it")
    out: Singles = _frozen(np.broadcast_to(array, (outputs,)))
    return out


def _frozen(array: Any) -> Any:
    out = np.array(array, order="C")  # a copy: whoever has given it may go on writing
    out.flags.writeable = False
    return out


def _shaped(name: str, words: Words, ndim: int) -> Words:
    if words.ndim != ndim or not words.size:
        raise HeteroError(f"{name} must have {ndim} dimensions, got the shape {words.shape}", fix="reshape them")
    return words


def _square(shape: Sequence[int]) -> None:
    if shape[0] != shape[1] or shape[0] % 2 == 0:
        raise HeteroError(f"kernels must be square and of odd width, got {tuple(shape)}", fix="use 1 x 1 or 3 x 3")
