"""Networks for images as files: a JSON file that says what the network is, and an npz file with what it has learned.

No pickle is written or read. Both files are written to temporary names and renamed, the JSON file last, and hold each
other's checksums. No npz file is ever removed: other copies of the JSON file may name it.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from hetero_rsnn.common import checks
from hetero_rsnn.common.array_files import Arrays, read_array_file, read_sealed, unsealed, write_sealed
from hetero_rsnn.common.errors import FileFormatError, HeteroError
from hetero_rsnn.common.files import file_named, json_text, path_of
from hetero_rsnn.gradient.feedforward.conversion import convert
from hetero_rsnn.gradient.feedforward.converted import ConvertedNetwork
from hetero_rsnn.gradient.feedforward.networks import SpikingConvNet, SpikingMLP, network_from
from hetero_rsnn.gradient.feedforward.ordinary import OrdinaryConvNet, OrdinaryMLP, ordinary_from
from hetero_rsnn.gradient.feedforward.specs import described
from hetero_rsnn.gradient.feedforward.transformer import SpikingTransformer

ImageNetwork = SpikingMLP | SpikingConvNet | SpikingTransformer | ConvertedNetwork | OrdinaryMLP | OrdinaryConvNet

_FORMAT, _VERSION = "hetero_rsnn image network", 1
_KINDS = (SpikingMLP, SpikingConvNet, SpikingTransformer, ConvertedNetwork, OrdinaryMLP, OrdinaryConvNet)
_KEYS = {"format", "version", "network", "converted", "arrays", "sha256", "checksum"}


def save_image_network(network: Any, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a feed-forward network to a JSON file that `load_image_network` reads back as an equal one.

    What it has learned lies in ``NAME-CHECKSUM.npz`` beside ``NAME.json``, which names that file. The two belong
    together.

    Parameters
    ----------
    network : SpikingMLP, SpikingConvNet, SpikingTransformer, OrdinaryMLP, OrdinaryConvNet or ConvertedNetwork
        Also one that is folded. Of a converted network the ordinary one is kept, an `OrdinaryMLP` or
        `OrdinaryConvNet`, and is converted again when read.
    path : path
        It ends in ``.json``. A link is written through to the file that it leads to.
    overwrite : bool
        Replace a file of that name which has other content.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If the place cannot be written, or holds another file.
    HeteroError
        If the network is none of these kinds, or its layers are not those that it was made with.

    Examples
    --------
    >>> import pathlib, tempfile, torch
    >>> from hetero_rsnn.gradient.feedforward.networks import SpikingMLP
    >>> network = SpikingMLP(64, 10, hidden=(32,), leak=(0.3, 0.9)).eval()
    >>> x = torch.rand(5, 64)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_image_network(network, pathlib.Path(folder) / "mine.json")
    ...     torch.equal(load_image_network(path)(x), network(x))
    True
    """
    if type(network) not in _KINDS:
        raise HeteroError(
            f"save_image_network takes a network of {', '.join(kind.__name__ for kind in _KINDS)}, got "
            f"{type(network).__name__}",
            fix="give one, or keep the state_dict() of a network of your own",
        )
    path = file_named("a network for images", path, ".json")
    spec, arrays, converted = _plain(network)
    spec = json.loads(json_text(spec))  # as it will be read
    _check(network, spec, arrays, converted)
    about = {"network": spec, "converted": converted}
    return write_sealed(path, about, arrays, form=_FORMAT, version=_VERSION, overwrite=overwrite)


def load_image_network(path: str | Path) -> ImageNetwork:
    """Read a network that `save_image_network` has written.

    Parameters
    ----------
    path : path
        Of the JSON file; the npz file that it names lies beside it.

    Returns
    -------
    SpikingMLP, SpikingConvNet, SpikingTransformer, OrdinaryMLP, OrdinaryConvNet or ConvertedNetwork
        In evaluation, on the CPU. Its outputs are those of the network that was saved, bit for bit on one machine.

    Raises
    ------
    FileFormatError
        If a file is missing, damaged, of another version or none of a network.

    Examples
    --------
    See `save_image_network`.
    """
    path = path_of("path", path)
    about = _read(path)
    arrays = read_array_file(path, about["arrays"], about["sha256"], FileFormatError)
    asked, there = _asked(about["network"]), sum(array.size for array in arrays.values())
    if asked > there:
        raise FileFormatError(
            f"{path} describes a network of at least {asked:.3g} weights, its arrays hold {there}", fix="restore a copy"
        )
    try:
        return _built(about["network"], arrays, about["converted"])
    except HeteroError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (RuntimeError, AttributeError, TypeError, OverflowError, MemoryError) as error:
        raise FileFormatError(f"{path} describes no network ({error!s:.200})", fix="restore a copy") from None


def _plain(network: Any) -> tuple[dict[str, Any], Arrays, dict[str, Any] | None]:
    """What describes a network, its arrays, and how it was converted."""
    if not isinstance(network, ConvertedNetwork):
        return network.spec(), network.to_arrays(), None
    if network.origin is None:
        raise HeteroError(
            "a converted network can be saved if it was an OrdinaryMLP or OrdinaryConvNet, and this one was not",
            fix="keep the state_dict() of the network that was converted",
        )
    spec, arrays, start = network.origin
    return spec, arrays, {"steps": network.steps, "start": start}


def _built(spec: Any, arrays: Arrays, converted: Any) -> ImageNetwork:
    ordinary = isinstance(spec, dict) and str(spec.get("network")).startswith("Ordinary")
    if converted is None:
        again: ImageNetwork = (ordinary_from if ordinary else network_from)(spec).from_arrays(arrays).eval()
        return again
    if not ordinary or not isinstance(converted, dict) or converted.keys() != {"steps", "start"}:
        raise HeteroError("what was converted must be an ordinary network, with steps and start", fix="restore a copy")
    steps, start = converted["steps"], converted["start"]
    found = convert(ordinary_from(spec).from_arrays(arrays), checks.whole("steps", steps, least=1), start=start)
    assert isinstance(found, ConvertedNetwork)
    return found


def _check(network: Any, spec: dict[str, Any], arrays: Arrays, converted: dict[str, Any] | None) -> None:
    """Refuse a network of which the files would make another one."""
    try:
        again = _built(spec, arrays, converted)
        same = repr(again) == repr(network) and described(again) == described(network) and _alike(again, network)
    except HeteroError:
        same = False
    if not same:
        raise HeteroError(
            f"the {type(network).__name__} cannot be saved: its layers are not those that it was made with",
            fix="save a network whose layers were not exchanged",
        )


def _alike(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    """Whether the values of two networks are equal; on other devices than the CPU folding may round otherwise."""
    x, y = a.state_dict(), b.state_dict()
    if x.keys() != y.keys() or any(x[k].shape != y[k].shape or x[k].dtype != y[k].dtype for k in x):
        return False
    return all(
        torch.equal(x[k].nan_to_num(), y[k].nan_to_num())
        if y[k].device.type == "cpu"
        else torch.allclose(x[k], y[k].cpu(), rtol=1e-5, equal_nan=True)
        for k in x
    )


def _read(path: Path) -> dict[str, Any]:
    """What a JSON file says, checked as a whole."""
    other = FileFormatError(f"{path} is no network for images", fix="name the JSON file of a saved network")
    about = read_sealed(path, form=_FORMAT, version=_VERSION, refusal=other)
    if about.keys() != _KEYS:
        raise FileFormatError(f"{path} must hold {', '.join(sorted(_KEYS))}", fix="restore a copy")
    return unsealed(path, about)


def _asked(spec: Any) -> int:
    """How many weights a network of this spec has at least: a text may ask for more than fits into any memory."""
    if not isinstance(spec, dict):
        return 0

    def sizes(*names: str) -> list[int]:
        found = [spec.get(name, []) for name in names]
        return [n for part in found for n in (part if isinstance(part, list) else [part]) if isinstance(n, int)]

    image, channels, blocks = sizes("shape"), sizes("channels"), sum(sizes("blocks"))
    width = [*sizes("inputs")]
    total = 0
    if image and channels:
        halved = 2 ** min(len(channels), 64)
        width = [channels[-1] * math.prod(-(-n // halved) for n in image[1:])]
        total += sum(9 * a * b for a, b in pairwise([image[0], *channels])) + sum(9 * blocks * c * c for c in channels)
    total += sum(a * b for a, b in pairwise([*width, *sizes("hidden", "classes")]))
    for count in sizes("features"):
        total += count * (math.prod(sizes("patch", "patch")) + count * sum(sizes("depth")))
    total += sum(sizes("steps")) if spec.get("normalisation") == "tebn" else 0
    return min(total, 10**18)
