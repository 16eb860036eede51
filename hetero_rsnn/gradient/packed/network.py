"""A spiking network with 1-bit weights that decides without torch, in bits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hetero_rsnn.common import checks, memory
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.extras import compiled as loaded
from hetero_rsnn.common.files import path_of
from hetero_rsnn.gradient.layout import LANES
from hetero_rsnn.gradient.packed import saving
from hetero_rsnn.gradient.packed.layers import Layer, PackedConv, PackedLinear, Shortcut, Singles, layer_of
from hetero_rsnn.gradient.packed.program import compiled
from hetero_rsnn.gradient.packed.table import GROUP, ROWS
from hetero_rsnn.gradient.rooms import room
from hetero_rsnn.gradient.threads import each

#: Numbers that samples may fill which go through a network together, about what a core has for itself; or as much as
#: the weights, which all of them share. And how many samples these are at most.
_TOGETHER, _MOST = 2**17, 64


@cache
def _execute() -> Any:
    """The compiled code, loaded when a network first runs: describing and saving one does without."""
    return loaded("hetero_rsnn.gradient.packed.execution", "running a packed network", "").execute


class PackedNetwork:
    """A feed-forward spiking network whose 1-bit weights are bits: spikes AND weights, and a count of bits.

    Made of plain numpy arrays: a list of layers, each of which takes what the one before gives. Currents and potentials
    are float32 and follow the operations of a network in torch one by one, so that the spikes are the same wherever
    that one sums its signs before it multiplies with the scale; see `hetero_rsnn.gradient.packed.layers`.

    Parameters
    ----------
    shape : sequence of int
        Of a sample: (features,), or (channels, height, width).
    layers : sequence of Layer
        `FullLinear`, `FullConv`, `PackedLinear`, `PackedConv`, `SpikingNeurons`, `AveragePool` and `Shortcut` of
        `hetero_rsnn.gradient.packed.layers`. If the first is a packed one, samples are spikes themselves.
    steps : int
        How many steps `run` takes unless told otherwise.

    Attributes
    ----------
    shape, layers, steps
    folded : tuple of int
        Layers whose thresholds have become whole numbers.
    output_shape : tuple of int

    Raises
    ------
    HeteroError
        If the layers do not fit together.

    See Also
    --------
    load_packed_network

    Examples
    --------
    >>> import numpy as np
    >>> from hetero_rsnn.gradient.packed.layers import FullLinear, PackedLinear, SpikingNeurons
    >>> rng = np.random.default_rng(0)
    >>> signs = np.where(rng.random((64, 64)) < 0.5, -1, 1)
    >>> layers = [
    ...     FullLinear(rng.normal(size=(64, 10))), SpikingNeurons(leak=0.5),
    ...     PackedLinear(signs, scale=0.3), SpikingNeurons(leak=0.5, reset="soft"),
    ...     FullLinear(rng.normal(size=(3, 64))),
    ... ]
    >>> network = PackedNetwork((10,), layers, steps=4)
    >>> network.run(rng.random((5, 10))).shape  # steps, samples, outputs
    (4, 5, 3)
    """

    def __init__(self, shape: Sequence[int], layers: Sequence[Layer], *, steps: int = 4) -> None:
        if not isinstance(shape, list | tuple) or len(shape) not in (1, 3):
            raise HeteroError(
                f"shape must be (features,) or (channels, height, width), got {shape!r:.60}",
                fix="give that of a sample",
            )
        self.shape = tuple(checks.whole("a size of the shape", n, least=1) for n in shape)
        if not isinstance(layers, list | tuple):
            raise HeteroError(f"layers must be a list, got {type(layers).__name__}", fix="give a list of layers")
        self.layers = tuple(layers)
        self.steps = checks.whole("steps", steps, least=1)
        self._program = compiled(self.shape, self.layers)
        values, _, potentials, _, gathered = self._program.sizes.tolist()
        self._each, self._scratch = values + potentials, ROWS * gathered
        self._together = min(_MOST, max(_TOGETHER, self.weight_bytes // 4) // self._each)
        self.folded = self._program.folded
        self.output_shape = self._program.shape

    def run(self, x: ArrayLike, steps: int | None = None, *, threads: int = 1) -> Singles:
        """Outputs of each step.

        They are the same for every number of threads, and for a sample alone and among others.

        Parameters
        ----------
        x : array_like, shape (samples, ...) or (steps, samples, ...)
            The input of all steps, or that of each.
        steps : int, optional
            By default the network's, or as many as the input has.
        threads : int
            Samples are shared out.

        Returns
        -------
        ndarray of float32, shape (steps, samples, ...)
            The mean over the first t steps is what the network says after t.

        Raises
        ------
        HeteroError
            If the input has another shape, is not finite, or is not of 0 and 1 where it must be.
        """
        given = self._given(x)
        held = len(given) == 1 and np.ndim(x) == len(self.shape) + 1
        if steps is None:
            steps = self.steps if held else len(given)
        steps = checks.whole("steps", steps, least=1)
        threads = checks.whole("threads", threads, least=1)
        if not held and steps != len(given):
            raise HeteroError(f"x has {len(given)} steps, got steps={steps}", fix="leave steps out")
        samples = given.shape[1]
        c, *rest = self.output_shape
        h, w = rest or (1, 1)
        filled = -(-c // LANES) * LANES
        memory.fits(f"{steps} steps of {samples} samples", 8 * steps * samples * filled * h * w, "give fewer at a time")
        out = np.empty((steps, samples, h * w * filled), np.float32)
        share = max(GROUP, min(self._together, -(-samples // threads))) // GROUP * GROUP
        if samples <= share:
            self._run(given, out)
        else:
            each(lambda first: self._block(given, out, first, share), range(0, samples, share), threads)
        if not rest:
            return np.ascontiguousarray(out[..., :c])
        return np.ascontiguousarray(out.reshape(steps, samples, h, w, filled)[..., :c].transpose(0, 1, 4, 2, 3))

    def _run(self, given: Singles, out: Singles) -> None:
        p = self._program
        floats: Any = room((self._each * given.shape[1] + self._scratch,), np.float32)
        _execute()(p.table, p.sizes, given, p.weights, p.numbers, floats, out)

    def _block(self, given: Singles, out: Singles, first: int, share: int) -> None:
        """Some of the samples, from the first on."""
        part = given[:, first : first + share]
        block: Any = room((len(out), part.shape[1], out.shape[2]), np.float32)
        self._run(np.ascontiguousarray(part), block)
        out[:, first : first + share] = block

    def _given(self, x: ArrayLike) -> Singles:
        """The input as (steps or 1, samples, numbers), its channels last and filled up."""
        own = len(self.shape)
        plain = type(x) is np.ndarray and x.dtype == np.float32 and x.size and x.ndim in (own + 1, own + 2)
        good = plain and np.isfinite(x).all()  # thousands of calls a second: no copy for what is as it must be
        array: Any = x if good else checks.finite_array("x", x, (own + 1, own + 2))
        if array.shape[-own:] != self.shape:
            said = ", ".join(str(n) for n in self.shape)
            raise HeteroError(
                f"x must have the shape (samples, {said}) or (steps, samples, {said}), got {array.shape}",
                fix="reshape it",
            )
        if self._program.spikes_in and not ((array == 0) | (array == 1)).all():
            raise HeteroError(
                f"x must be spikes, 0 or 1, for a network that begins with 1-bit weights, got "
                f"{array[(array != 0) & (array != 1)].flat[0]:g}",
                fix="give spikes, or begin with a full layer",
            )
        array = array.reshape(-1 if array.ndim == own + 2 else 1, *array.shape[-own - 1 :])
        c = self.shape[0]
        if own == 3:
            array = np.moveaxis(array, 2, -1)
        filled = -(-c // LANES) * LANES
        if filled == c and own == 1 and array.dtype == np.float32:
            return np.ascontiguousarray(array)
        out = np.zeros((*array.shape[:-1], filled), np.float32)
        with np.errstate(over="ignore"):
            out[..., :c] = array
        if array.dtype != np.float32 and not np.isfinite(out).all():
            raise HeteroError("x must be finite in float32, got a larger number", fix="scale it")
        return out.reshape(*array.shape[:2], -1)

    @property
    def bits(self) -> int:
        """Number of 1-bit weights."""
        layers = [part for layer in self.layers for part in (layer.path if isinstance(layer, Shortcut) else (layer,))]
        packed = [layer for layer in layers if isinstance(layer, PackedLinear | PackedConv)]
        return sum(
            layer.outputs * layer.inputs * (layer.width**2 if isinstance(layer, PackedConv) else 1) for layer in packed
        )

    @property
    def weight_bytes(self) -> int:
        """Bytes that the 1-bit weights take while the network runs, what fills up rows and panels included.

        Weights behind averages over squares lie there once for each pixel of a square.
        """
        return int(self._program.weights.nbytes)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the network to a JSON file, and its arrays to ``NAME-CHECKSUM.npz`` beside it.

        The page *Packed networks as files* of the documentation tells the bytes.

        Parameters
        ----------
        path : path
            It ends in ``.json``.
        overwrite : bool
            Replace a file of that name which has other content.

        Returns
        -------
        Path

        Raises
        ------
        OutputError
            If the place cannot be written, or holds another file.
        """
        arrays: dict[str, Any] = {}
        layers = [_described(layer, f"{k}.", arrays) for k, layer in enumerate(self.layers)]
        spec = {"shape": list(self.shape), "steps": self.steps, "layers": layers}
        return saving.save(spec, arrays, path, overwrite)

    def __reduce__(self) -> Any:
        return _again, (self.shape, self.layers, self.steps)  # numbers are laid out anew

    def __repr__(self) -> str:
        inside = "".join(f"\n  {k}: {layer!r}" for k, layer in enumerate(self.layers))
        return f"PackedNetwork({self.shape}, steps={self.steps},{inside}\n)"


def _again(shape: tuple[int, ...], layers: tuple[Layer, ...], steps: int) -> PackedNetwork:
    return PackedNetwork(shape, layers, steps=steps)


def load_packed_network(path: str | Path) -> PackedNetwork:
    """Read a network that `PackedNetwork.save` has written.

    Parameters
    ----------
    path : path
        Of the JSON file; the npz file that it names lies beside it.

    Returns
    -------
    PackedNetwork
        Its outputs are those of the network that was saved, bit for bit.

    Raises
    ------
    FileFormatError
        If a file is missing, damaged, of another version, or has words that are not of 64 bits.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from hetero_rsnn.gradient.packed.layers import PackedLinear
    >>> network = PackedNetwork((3,), [PackedLinear([[1, -1, 1], [-1, -1, 1]])], steps=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_packed_network(network.save(pathlib.Path(folder) / "mine.json"))
    >>> again.run([[1, 0, 1]]).tolist()
    [[[2.0, 0.0]]]
    """
    path = path_of("path", path)
    spec, arrays = saving.read(path)
    try:
        if not isinstance(spec, dict) or spec.keys() != {"shape", "steps", "layers"}:
            raise HeteroError("it must hold shape, steps and layers", fix="restore a copy")
        if not isinstance(spec["layers"], list):
            raise HeteroError("layers must be a list", fix="restore a copy")
        layers = [_layer(described, f"{k}.", arrays) for k, described in enumerate(spec["layers"])]
        if arrays:
            raise HeteroError(f"no layer has the array {next(iter(arrays))!r:.40}", fix="restore a copy")
        return PackedNetwork(spec["shape"], layers, steps=spec["steps"])
    except HeteroError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (TypeError, AttributeError, MemoryError, OverflowError) as error:
        raise FileFormatError(f"{path} describes no network ({error!s:.200})", fix="restore a copy") from None


def _described(layer: Layer, prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """A layer as plain data; its arrays are put beside the others."""
    numbers = layer.numbers()
    if isinstance(layer, Shortcut):
        path = [_described(part, f"{prefix}path.{k}.", arrays) for k, part in enumerate(layer.path)]
        numbers = {**numbers, "path": path}
    arrays.update({f"{prefix}{name}": array for name, array in layer.arrays().items()})
    return {"layer": layer.kind, **numbers}


def _layer(described: Any, prefix: str, arrays: dict[str, Any]) -> Layer:
    """The layer that plain data describe; its arrays are taken from the others."""
    if not isinstance(described, dict) or not isinstance(described.get("layer"), str):
        raise HeteroError(f"a layer must say what it is, got {described!r:.60}", fix="restore a copy")
    numbers = {name: value for name, value in described.items() if name != "layer"}
    if described["layer"] == Shortcut.kind and isinstance(numbers.get("path"), list):
        numbers["path"] = [_layer(p, f"{prefix}path.{k}.", arrays) for k, p in enumerate(numbers["path"])]
    own = [name for name in arrays if name.startswith(prefix) and "." not in name[len(prefix) :]]
    return layer_of(described["layer"], {name[len(prefix) :]: arrays.pop(name) for name in own}, numbers)
