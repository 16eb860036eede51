"""A description of layers as a table of operations, and its weights as the kernels read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common import memory
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.types import Ints
from hetero_rsnn.gradient.layout import LANES
from hetero_rsnn.gradient.packed import table as t
from hetero_rsnn.gradient.packed.folding import limits, stays_finite
from hetero_rsnn.gradient.packed.layers import (
    AveragePool,
    FullConv,
    FullLinear,
    Layer,
    PackedConv,
    PackedLinear,
    Shortcut,
    Singles,
    SpikingNeurons,
)
from hetero_rsnn.gradient.packed.words import Words, pack_signs, words_for
from hetero_rsnn.gradient.rooms import room


@dataclass(frozen=True)
class Program:
    """What `execute` takes.

    Attributes
    ----------
    table : ndarray of int64, shape (operations, FIELDS)
    sizes : ndarray of int64
        Of values, spikes, potentials, and gathered words and numbers.
    weights : ndarray of uint64
        1-bit weights, in panels.
    numbers : ndarray of float32
        All others.
    shape : tuple of int
        Of an output.
    spikes_in : bool
        Whether inputs must be 0 or 1.
    folded : tuple of int
        Layers whose thresholds are whole numbers.
    """

    table: Ints
    sizes: Ints
    weights: Words
    numbers: Singles
    shape: tuple[int, ...]
    spikes_in: bool
    folded: tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """What a layer gives: where it lies, and its shape; `amplitude` is None unless it is made of spikes."""

    place: int
    shape: tuple[int, ...]
    amplitude: float | None = None
    once: bool = False

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        c, *rest = self.shape
        h, w = rest or (1, 1)
        return c, h, w

    @property
    def width(self) -> int:
        """Words or numbers of a pixel."""
        return words_for(self.shape[0]) if self.amplitude is not None else _filled(self.shape[0])

    @property
    def size(self) -> int:
        """Words or numbers of a sample."""
        _, h, w = self.image
        return self.width * h * w


def compiled(shape: tuple[int, ...], layers: Sequence[Layer]) -> Program:
    """The program of a network.

    Raises
    ------
    HeteroError
        ``"layer 2 (PackedLinear) takes 12 inputs, gets 10 of the shape (10,): ..."``.
    """
    return _Compiler(shape, layers).program()


class _Compiler:
    def __init__(self, shape: tuple[int, ...], layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._rows: list[dict[int, int]] = []
        self._values: list[Value] = []
        self._states = self._words = self._floats = 0
        self._weights: list[Words] = []
        self._numbers: list[Singles] = []
        self._filled = [0, 0]
        self._folded: list[int] = []
        self._spikes_in = False
        self._input = self._value(shape, once=True)
        self._after: list[Value] = []
        self._asked = {layer.source for layer in layers if isinstance(layer, Shortcut)}

    def program(self) -> Program:
        value, k = self._input, 0
        while k < len(self._layers):
            self._where = f"layer {k} ({type(self._layers[k]).__name__})"
            if self._can_fold(value, k):
                value = self._fold(value, k)
                self._folded.append(k)
                self._after += [value, value]  # nobody asks for the first
                k += 2
                continue
            value = self._layer(value, self._layers[k])
            self._after.append(value)
            k += 1
        if not self._rows:
            raise HeteroError("a network must have at least one layer, got none", fix="give its layers")
        value = self._as_numbers(value)
        if self._rows[-1][t.TARGET] != value.place:
            raise HeteroError("the last layer must do something", fix="leave it out")
        places, sizes = self._placed(value.place)
        rows = np.zeros((len(self._rows), t.FIELDS), np.int64)
        for row, fields in zip(rows, self._rows, strict=True):
            for field, number in fields.items():
                row[field] = places[number] if field in (t.SOURCE, t.OTHER, t.TARGET) else number
        weights, numbers = _joined(self._weights, np.uint64), _joined(self._numbers, np.float32)
        whole = np.array([*sizes, self._states, max(self._words, 1), max(self._floats, 1)], np.int64)
        return Program(rows, whole, weights, numbers, value.shape, self._spikes_in, tuple(self._folded))

    def _layer(self, value: Value, layer: Layer) -> Value:
        if isinstance(layer, PackedLinear | PackedConv):
            return self._packed(value, layer)
        if isinstance(layer, FullLinear | FullConv):
            return self._full(value, layer)
        if isinstance(layer, SpikingNeurons):
            return self._neurons(value, layer)
        if isinstance(layer, AveragePool):
            return self._average(value, layer)
        if isinstance(layer, Shortcut):
            return self._shortcut(value, layer)
        raise HeteroError(f"layers must be those of a packed network, got {type(layer).__name__}", fix="see its docs")

    def _packed(self, value: Value, layer: PackedLinear | PackedConv) -> Value:
        value, target = self._as_spikes(value), self._target(value, layer)
        height = np.float32(value.amplitude) / np.float32(layer.pool**2)
        numbers = [_lanes(layer.scale), _lanes(layer.offset), np.full(LANES, height, np.float32)]
        self._emit(t.PRODUCT, self._read(value, layer), target, **self._bits(value, layer, numbers))
        return target

    def _can_fold(self, value: Value, k: int) -> bool:
        """Whether a packed layer and the neurons after it are one comparison of whole numbers."""
        layer, after = self._layers[k], self._layers[k + 1] if k + 1 < len(self._layers) else None
        if not isinstance(layer, PackedLinear | PackedConv) or not isinstance(after, SpikingNeurons):
            return False
        of_channels = [after.threshold, after.bias]
        shared = all(p.ndim < 2 or p.shape[-2:] == (1, 1) for p in of_channels)
        if isinstance(layer, PackedConv):
            shared = shared and all(p.ndim != 1 for p in of_channels)  # these would differ along a row
        amplitude = 1.0 if value.amplitude is None else value.amplitude  # spikes that are the network's input
        alone = k not in self._asked and not after.leak.any()
        return alone and shared and stays_finite(layer, after, amplitude)

    def _fold(self, value: Value, k: int) -> Value:
        layer, neurons = self._layers[k], self._layers[k + 1]
        assert isinstance(layer, PackedLinear | PackedConv) and isinstance(neurons, SpikingNeurons)
        value = self._as_spikes(value)
        assert value.amplitude is not None
        shape = self._shape(value, layer)
        self._where = f"layer {k + 1} (SpikingNeurons)"
        for name in ("leak", "start"):
            self._fitting(name, getattr(neurons, name), shape)
        one = (shape[0], *[1] * (len(shape) - 1))
        threshold, bias = (
            self._fitting(name, getattr(neurons, name), one).reshape(-1) for name in ("threshold", "bias")
        )
        direction, limit = limits(layer, neurons, threshold, bias, value.amplitude / layer.pool**2)
        target = self._value(shape, neurons.amplitude, once=value.once)
        numbers = [_lanes(direction), _lanes(limit, np.inf)]
        self._floats = max(self._floats, _filled(layer.outputs))
        self._emit(t.FOLDED, self._read(value, layer), target, **self._bits(value, layer, numbers))
        return target

    def _bits(self, value: Value, layer: PackedLinear | PackedConv, numbers: Any) -> dict[str, int]:
        """Fields of an operation with 1-bit weights."""
        rows = _by_pixel(layer, value) if isinstance(layer, PackedLinear) else layer.words.reshape(layer.outputs, -1)
        rows = np.tile(rows, (1, layer.pool**2))  # once for each pixel of a square
        if isinstance(layer, PackedConv) or layer.pool > 1:  # others read their inputs where they are
            self._words = max(self._words, rows.shape[1])
        return {
            **self._kernel(layer),
            "panels": _filled(layer.outputs) // LANES,
            "weights": self._keep(0, panels(rows)),
            "numbers": self._keep(1, np.concatenate(numbers)),
        }

    def _full(self, value: Value, layer: FullLinear | FullConv) -> Value:
        value = self._as_numbers(value)
        c, h, w = value.image
        target = self._target(value, layer)
        weight = layer.weight
        if isinstance(layer, FullLinear):
            weight = weight.reshape(layer.outputs, c, h, w)
        rows = np.zeros((layer.outputs, *weight.shape[2:], _filled(c)), np.float32)
        rows[..., :c] = weight.transpose(0, 2, 3, 1)
        rows = rows.reshape(len(rows), -1)
        if isinstance(layer, FullConv):
            self._floats = max(self._floats, rows.shape[1])
        self._emit(
            t.FULL, self._read(value, layer), target, **self._kernel(layer), panels=_filled(layer.outputs) // LANES,
            weights=self._keep(1, panels(rows)), numbers=self._keep(1, _lanes(layer.bias)),
        )  # fmt: skip
        return target

    def _neurons(self, value: Value, layer: SpikingNeurons) -> Value:
        value = self._as_numbers(value)
        parts = {name: getattr(layer, name) for name in ("leak", "threshold", "start", "bias")}
        whole = {name: self._fitting(name, part, value.shape) for name, part in parts.items()}
        c, h, w = value.image
        own = any(part.ndim and (part.ndim < len(value.shape) or part.shape[1:] != (1, 1)) for part in parts.values())
        own = own and len(value.shape) == 3
        numbers = []
        for name, part in whole.items():
            one = part if own or part.ndim == 1 else part[:, :1, :1]
            pixels = one.reshape(c, -1).T
            numbers += [_lanes(row, np.inf if name == "threshold" else 0.0) for row in pixels]
        target = self._value(value.shape, layer.amplitude)
        size = _filled(c)
        self._emit(
            t.FIRE, value, target, panels=size // LANES, numbers=self._keep(1, np.concatenate(numbers)),
            state=self._states, pixel=size if own else 0,
            flags=t.SOFT * (layer.reset == "soft") | t.TIES_FIRE * (layer.ties == "fire"),
        )  # fmt: skip
        self._states += size * h * w
        return target

    def _average(self, value: Value, layer: AveragePool) -> Value:
        if len(value.shape) != 3:
            raise HeteroError(f"{self._where} averages over images, gets the shape {value.shape}", fix="leave it out")
        value = self._as_numbers(value)
        c, h, w = value.image
        target = self._value((c, -(-h // layer.width), -(-w // layer.width)), once=value.once)
        self._emit(t.AVERAGE, value, target, panels=_filled(c) // LANES, kernel=layer.width)
        return target

    def _shortcut(self, value: Value, layer: Shortcut) -> Value:
        if layer.source >= len(self._after):
            raise HeteroError(
                f"{self._where} must begin at an earlier layer, got {layer.source}", fix="count layers from 0"
            )
        other = self._input if layer.source < 0 else self._after[layer.source]
        for part in layer.path:
            other = self._layer(other, part)
        if other.shape != value.shape:
            raise HeteroError(
                f"{self._where} adds the shape {other.shape} to {value.shape}", fix="give it a path that changes it"
            )
        value, other = self._as_numbers(value), self._as_numbers(other)
        target = self._value(value.shape, once=value.once and other.once)
        self._emit(t.ADD, value, target, panels=_filled(value.shape[0]) // LANES, other=other.place)
        return target

    def _as_spikes(self, value: Value) -> Value:
        if value.amplitude is not None:
            return value
        if value is not self._input:
            raise HeteroError(f"{self._where} takes spikes, gets numbers", fix="put SpikingNeurons before it")
        self._spikes_in = True
        target = self._value(value.shape, 1.0, once=True)
        self._emit(t.PACK, value, target, panels=_filled(value.shape[0]) // LANES, width=target.width)
        return target

    def _as_numbers(self, value: Value) -> Value:
        if value.amplitude is None:
            return value
        target = self._value(value.shape, once=value.once)
        height = self._keep(1, np.full(LANES, value.amplitude, np.float32))
        self._emit(t.SPREAD, value, target, panels=_filled(value.shape[0]) // LANES, numbers=height)
        return target

    def _shape(self, value: Value, layer: Any) -> tuple[int, ...]:
        """Of what a layer with weights gives."""
        c, h, w = value.image
        pool = getattr(layer, "pool", 1)
        if pool > 1:
            if len(value.shape) != 3:
                raise HeteroError(f"{self._where} averages over images, gets the shape {value.shape}", fix="use pool=1")
            h, w = (-(-n // pool) for n in (h, w))
        if isinstance(layer, PackedLinear | FullLinear):
            if layer.inputs != c * h * w:
                raise HeteroError(
                    f"{self._where} takes {layer.inputs} inputs, gets {c * h * w} of the shape {value.shape}"
                    + f" in squares of {pool} x {pool}" * (pool > 1),
                    fix="let them fit",
                )
            return (layer.outputs,)
        if len(value.shape) != 3 or layer.inputs != c:
            raise HeteroError(
                f"{self._where} takes images of {layer.inputs} channels, gets the shape {value.shape}",
                fix="let them fit",
            )
        return (layer.outputs, *(-(-n // layer.stride) for n in (h, w)))

    def _target(self, value: Value, layer: Any) -> Value:
        return self._value(self._shape(value, layer), once=value.once)

    def _read(self, value: Value, layer: Any) -> Value:
        """What a layer reads: an image for layers that are not convolutions is one pixel of many words."""
        if isinstance(layer, PackedConv | FullConv) or getattr(layer, "pool", 1) > 1:
            return value
        return replace(value, shape=(value.size * (64 if value.amplitude is not None else 1),))

    def _kernel(self, layer: Any) -> dict[str, int]:
        pool = {"pool": getattr(layer, "pool", 1)}
        if isinstance(layer, PackedConv | FullConv):
            return {"kernel": layer.width, "stride": layer.stride, **pool}
        return {"kernel": 0 if pool["pool"] > 1 else 1, "stride": 1, **pool}

    def _fitting(self, name: str, value: Singles, shape: tuple[int, ...]) -> Singles:
        try:
            if value.ndim > len(shape):
                raise ValueError
            return np.broadcast_to(value, shape)
        except ValueError:
            raise HeteroError(
                f"{self._where}: {name} of the shape {value.shape} does not fit samples of {shape}", fix="reshape it"
            ) from None

    def _value(self, shape: tuple[int, ...], amplitude: float | None = None, *, once: bool = False) -> Value:
        value = Value(len(self._values), shape, amplitude, once)
        memory.fits(f"a sample of the shape {shape}", 32 * value.size, "use fewer units", error=HeteroError)
        self._values.append(value)
        return value

    def _keep(self, which: int, array: Any) -> int:
        """Put weights or numbers behind the others; return where they begin."""
        (self._weights, self._numbers)[which].append(array.reshape(-1))
        first = self._filled[which]
        self._filled[which] += array.size
        return first

    def _emit(self, kind: int, source: Value, target: Value, **fields: int) -> None:
        (_, h, w), (_, high, wide) = source.image, target.image
        row = {
            t.KIND: kind, t.SOURCE: source.place, t.OTHER: source.place, t.TARGET: target.place, t.ROWS_IN: h,
            t.COLUMNS: w, t.WIDTH: source.width, t.OUT_ROWS: high, t.OUT_COLUMNS: wide, t.ONCE: int(target.once),
        }  # fmt: skip
        row |= {getattr(t, name.upper()): number for name, number in fields.items()}
        self._rows.append(row)

    def _placed(self, last: int) -> tuple[list[int], list[int]]:
        """Where each value begins, and how much there is of numbers and of spikes.

        Numbers that nobody reads any more make place for others of their size. Spikes keep their places: the bits
        behind their last channel are written once, as 0.
        """
        read = {row[field]: k for k, row in enumerate(self._rows) for field in (t.SOURCE, t.OTHER)}
        places, sizes = [-1] * len(self._values), [0, 0]
        free: dict[int, list[int]] = {}

        def put(value: Value) -> None:
            spikes = value.amplitude is not None
            if free.get(value.size) and not spikes and not value.once:
                places[value.place] = free[value.size].pop()
                return
            places[value.place] = sizes[spikes]
            sizes[spikes] += value.size

        put(self._input)
        for k, row in enumerate(self._rows):
            put(self._values[row[t.TARGET]])
            for place in {row[t.SOURCE], row[t.OTHER]}:
                value = self._values[place]
                if read[place] == k and value.amplitude is None and not value.once and place != last:
                    free.setdefault(value.size, []).append(places[place])
        return places, sizes


def _joined(arrays: list[Any], kind: Any) -> NDArray[Any]:
    """All in one, from the beginning of a line of the cache on: none of their vectors lies across two lines."""
    out: NDArray[Any] = room((sum(array.size for array in arrays),), kind)
    return np.concatenate([*arrays, np.zeros(0, kind)], out=out)


def _filled(channels: int) -> int:
    """Numbers of a pixel: whole sixteens."""
    return -(-channels // LANES) * LANES


def _lanes(row: Singles, filling: float = 0.0) -> Singles:
    out = np.full(_filled(len(row)), filling, np.float32)
    out[: len(row)] = row
    return out


def panels(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of outputs, shape (outputs, n), as kernels read them: (panels, n, 16), filled up with 0.

    Of words, those of even outputs come first; see `hetero_rsnn.gradient.packed.vectors.sums`.
    """
    whole = np.zeros((_filled(len(rows)), rows.shape[1]), rows.dtype)
    whole[: len(rows)] = rows
    lanes = whole.reshape(-1, LANES, rows.shape[1]).transpose(0, 2, 1)
    if rows.dtype == np.uint64:
        lanes = lanes[..., [*range(0, LANES, 2), *range(1, LANES, 2)]]
    out: NDArray[Any] = room(lanes.shape, rows.dtype)
    out[...] = lanes
    return out


def _by_pixel(layer: PackedLinear, value: Value) -> Words:
    """Rows of weights in the order in which spikes of images lie: pixel by pixel, each beginning with a new word."""
    c, h, w = value.image
    h, w = (-(-n // layer.pool) for n in (h, w))
    if h * w == 1:
        return layer.words
    signs = layer.signs().reshape(layer.outputs, c, h, w).transpose(0, 2, 3, 1)
    words: Words = pack_signs(signs).reshape(layer.outputs, -1)
    return words
