"""Arrays that a network is given, such as learned ones, in place of those that a seed would draw."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hetero_rsnn.common.array_files import packed, read_array_file
from hetero_rsnn.common.errors import NetworkError, suggest
from hetero_rsnn.network.models import LONGEST_DELAY, NOT_NEGATIVE, POSITIVE, REFRACTORY, SHARED, TIME_CONSTANTS
from hetero_rsnn.network.overrides import by_name

if TYPE_CHECKING:
    from hetero_rsnn.network.definition import Network

#: Keys of the table [arrays] of a network file.
_KEYS = ("file", "sha256", "seed", "trained", "damage")
#: What of a network's content the arrays do not settle, and so may be changed.
_FREE = ("name", "description", "dt", "protocol")
#: What makes one number of all synapses of another kind.
_KINDS = ("plastic", "static")
#: Numbers of synapses, in double precision or in single, and all others.
_OF_SYNAPSES, _REAL = ("float64", "float32"), ("float64",)
#: Types of indices, by the end of their name: kernels take them as they are.
_INDICES = {"indptr": "int64", "target": "int32", "projection": "uint8"}
_WHOLE = {**_INDICES, "delay": "uint16"}


@dataclass(frozen=True, eq=False)
class GivenArrays:
    """Parameters of neurons and synapses, weights and places, to be used for any seed. An immutable value.

    Two are equal if their numbers are, and the network they belong to.

    Attributes
    ----------
    values : dict of str to ndarray
        ``"neurons.tau_m"``, ``"positions"``, ``"w_in"``, ``"w_event"``, ``"plastic.w"``, ``"static.indptr"``,
        ``"plastic.parameters.tau_plus"``, ``"shared.w_max"``, ...; see `Draw` for shapes and units. Read-only.
    definition : str
        Content of the network they belong to, as JSON: what of it shapes the arrays.
    seed : int
        Of the draw that they began as.
    trained : str
        What made them, in words.
    damage : tuple of str
        See `Draw`.
    """

    values: dict[str, NDArray[Any]]
    definition: str
    seed: int
    trained: str = ""
    damage: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for value in self.values.values():
            value.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == other.fingerprint if isinstance(other, GivenArrays) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"GivenArrays({len(self.values)} arrays, seed={self.seed}, fingerprint={self.fingerprint!r})"

    def __copy__(self) -> GivenArrays:
        return self

    def __deepcopy__(self, memo: Any) -> GivenArrays:
        return self  # nothing of it ever changes

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # arrays come writeable out of a pickle

    @cached_property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of all numbers and of the definition."""
        found = hashlib.sha256(self.definition.encode())
        for name in sorted(self.values):
            value = np.ascontiguousarray(self.values[name])
            found.update(f"\0{name}\0{value.dtype.str}\0{value.shape}\0".encode())
            found.update(value.data)
        return found.hexdigest()[:16]

    def packed(self) -> bytes:
        """As an npz file."""
        return packed({**self.values, "definition": np.array(self.definition)})

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of that file."""
        return hashlib.sha256(self.packed()).hexdigest()

    def table(self) -> dict[str, Any]:
        """The table [arrays] of a network file, without the name of the npz file, which only saving gives."""
        about: dict[str, Any] = {"sha256": self.checksum, "seed": self.seed, "trained": self.trained}
        return {**about, **({"damage": list(self.damage)} if self.damage else {})}

    def synapses(self, plastic: bool, count: int) -> NDArray[np.int64]:
        """Number of synapses of each of `count` projections that are plastic, or that are not."""
        index = self.values[f"{_KINDS[not plastic]}.projection"]
        return np.bincount(index, minlength=count)

    def real_size(self) -> int:
        """Bytes of the weights and parameters of all synapses."""
        return sum(v.nbytes for k, v in self.values.items() if _of_synapses(k))

    def describe(self) -> str:
        """One line on what they are."""
        made = self.trained or "no word on what made them"
        return "; ".join([f"{made} (drawn with seed {self.seed})", *self.damage])


def definition_of(net: Network) -> str:
    """What of a network shapes its arrays, as JSON."""
    whole = net.definition()
    data = {k: v for k, v in whole.items() if k not in _FREE}
    data["neuron"] = {k: v for k, v in data["neuron"].items() if k != "initial"}
    # The step is not for comparison, but for rules that ask for it.
    return json.dumps({**data, "dt": whole["dt"]})


def check_definition(net: Network, given: Network) -> None:
    """Refuse a network whose arrays belong to another one, `given`.

    Raises
    ------
    NetworkError
        Naming the first place that differs.
    """
    if net.delayed and net.dt != given.dt:
        raise NetworkError(
            f"dt of {net.name!r} must stay {given.dt:g} ms, got {net.dt:g} ms: its delays are given in steps of it",
            fix="change it before training",
        )
    now, then = (json.loads(definition_of(n)) for n in (net, given))
    for data in (now, then):
        del data["dt"]
    if json.dumps(now) == json.dumps(then):  # not the tables: their order counts, too
        return
    a, b = (
        {k: v for k, v in by_name(data).items() if not isinstance(v, Mapping) or "distribution" in v}
        for data in (now, then)
    )
    changed = [k for k in [*b, *a] if a.get(k) != b.get(k)]
    # A table that has become a number is told by its own name, not by the numbers that it held.
    where = changed[0] if changed else "the order of its populations"
    was, got = (_said(values.get(where)) for values in (b, a))
    fix = "change it before training, or change the network that it was drawn from"
    if where == "input.channels":
        fix = f"give data of {was} channel{'s' * (was != '1')}, or train on such data"
    raise NetworkError(
        f"{where} of {net.name!r} must stay {was}, got {got}: its arrays are given, and belong to that value", fix=fix
    )


def _said(value: Any) -> str:
    if value is None:
        return "unset"
    text = json.dumps(value) if isinstance(value, Mapping | list) else str(value)
    return text if len(text) <= 100 else f"{text[:90]}..."


def read_arrays(table: Any, beside: Path) -> GivenArrays:
    """The arrays that the table [arrays] of a network file names.

    Raises
    ------
    NetworkError
        If the table or the file is not what `save_network` wrote.
    """
    if not isinstance(table, Mapping):
        raise NetworkError(f"{beside}: arrays must be a table, got {table!r}", fix="write it with save_network")
    for key in table:
        if key not in _KEYS:
            raise NetworkError(f"{beside}: unknown key {key!r} in [arrays]{suggest(str(key), _KEYS)}")
    seed, trained, damage = table.get("seed", 0), table.get("trained", ""), table.get("damage", [])
    good = isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 and isinstance(trained, str)
    if not good or not isinstance(damage, list) or not all(isinstance(note, str) for note in damage):
        raise NetworkError(
            f"{beside}: in [arrays], seed must be a whole number >= 0, trained text, and damage a list of texts",
            fix="restore a copy",
        )
    if "file" not in table:
        raise NetworkError(
            f"{beside}: [arrays] names no file, as in a text that was printed",
            fix="save the network with save_network, which writes its arrays, too",
        )
    values = read_array_file(beside, table.get("file"), table.get("sha256"), NetworkError)
    definition = str(values.pop("definition", ""))
    try:
        good = isinstance(json.loads(definition), dict)
    except (ValueError, RecursionError):
        good = False
    if not good:
        raise NetworkError(f"{beside.with_name(table['file'])} holds no arrays of a network", fix="name another file")
    return GivenArrays(values, definition, seed, trained, tuple(damage))


def in_type(name: str, value: Any) -> NDArray[Any]:
    """A copy of an array in the type that `draw` makes, which holds the same numbers; others are left as they are.

    Raises
    ------
    NetworkError
        If an index does not fit into its type.
    """
    found = np.array(value, order="C")
    index = _WHOLE.get(name.rpartition(".")[2]) if name.startswith(tuple(f"{kind}." for kind in _KINDS)) else None
    if index is None:
        kept = found.dtype == np.float32 and _of_synapses(name)
        return found if kept or found.dtype.kind not in "iuf" else found.astype(np.float64)
    if found.dtype.kind not in "iu":
        return found
    cast = found.astype(index)
    if not np.array_equal(cast, found):
        raise _wrong("the draw", name, f"fit into {index}", f"{found.min()} to {found.max()}")
    return cast


def _of_synapses(name: str) -> bool:
    """Whether these are weights or parameters of synapses, which have 32 bits in single precision."""
    return name.startswith(tuple(f"{kind}.{what}" for kind in _KINDS for what in ("w", "parameters.")))


def check_values(arrays: GivenArrays, net: Network, where: str) -> None:
    """Refuse arrays that are none of the network: below this, kernels take indices as they are.

    Raises
    ------
    NetworkError
        Naming the array and the rule.
    """
    n, channels, values = net.n, net.input.channels, dict(arrays.values)

    def take(name: str, types: tuple[str, ...], *shape: int | None, inside: Any = ...) -> NDArray[Any]:
        found = values.pop(name, None)
        if found is None:
            raise NetworkError(f"{where}: the arrays lack {name!r}", fix="save the network again")
        fits = len(shape) == found.ndim and all(s in (None, m) for s, m in zip(shape, found.shape, strict=True))
        if not fits or str(found.dtype) not in types:
            asked = ", ".join("any" if s is None else str(s) for s in shape)
            raise _wrong(where, name, f"be {' or '.join(types)} of shape ({asked})", f"{found.dtype} of {found.shape}")
        if types[0] == "float64":
            check_numbers(name, found[inside])
        return found

    def check_numbers(name: str, found: NDArray[Any]) -> None:
        key = name.rpartition(".")[2]
        if not (np.isfinite(found) | (found == np.inf if name == "neurons.v_th" else False)).all():
            raise _wrong(where, name, "be finite", "others")
        if not found.size:
            return
        low, high = float(found.min()), float(found.max())
        if key in POSITIVE and not low > 0:
            raise _wrong(where, name, "be > 0 ms", f"{low:g} ms")
        if key in POSITIVE and not TIME_CONSTANTS[0] <= low <= high <= TIME_CONSTANTS[1]:
            rule = f"be from {TIME_CONSTANTS[0]:g} to {TIME_CONSTANTS[1]:g} ms"
            raise _wrong(where, name, rule, f"{low:g} to {high:g} ms")
        if key in NOT_NEGATIVE and low < 0:
            raise _wrong(where, name, "be >= 0", f"{low:g}")
        if key == "t_ref" and high > REFRACTORY * net.dt:
            raise _wrong(where, name, f"be at most {REFRACTORY:g} steps of dt = {net.dt:g} ms", f"{high:g} ms")

    for key, _ in net.populations[0].parameters:
        take(f"neurons.{key}", _REAL, n)
    take("positions", _REAL, n, 3)
    take("w_in", _REAL, n, channels)
    take("w_event", _REAL, n, channels)
    users: dict[str, list[int]] = {}  # projections whose synapses have a parameter
    for rule in net.rules:
        own = [k for k, _ in rule.parameters]
        shared = {key: float(take(f"shared.{rule.key(key)}", _REAL)) for key in own if key in SHARED}
        if not shared["w_min"] < shared["w_max"]:
            name = f"shared.{rule.key('w_max')}"
            raise _wrong(where, name, f"be > w_min = {shared['w_min']:g}", f"{shared['w_max']:g}")
        for key in own:
            if key not in SHARED:
                users.setdefault(key, []).extend(net.projections_of(rule))
    for kind in _KINDS:
        ends, target, index = (take(f"{kind}.{k}", (t,), n + 1 if k == "indptr" else None) for k, t in _INDICES.items())
        if ends[0] or ends[-1] != target.size or (np.diff(ends) < 0).any():
            raise _wrong(where, f"{kind}.indptr", f"rise from 0 to {target.size}", f"{ends[0]} to {ends[-1]}")
        if target.size and not 0 <= target.min() <= target.max() < n:
            raise _wrong(where, f"{kind}.target", f"be from 0 to {n - 1}", f"{target.min()} to {target.max()}")
        take(f"{kind}.w", _OF_SYNAPSES, target.size)
        if index.size != target.size:
            raise _wrong(where, f"{kind}.projection", f"have {target.size} numbers", str(index.size))
        allowed = [i for i, p in enumerate(net.projections) if p.plastic == (kind == "plastic")]
        if not np.isin(index, allowed).all():
            raise _wrong(where, f"{kind}.projection", f"be of {allowed}", str(np.unique(index).tolist()))
        if any(net.projections[i].delayed for i in allowed):
            steps = take(f"{kind}.delay", (_WHOLE["delay"],), target.size)
            if steps.size and steps.max() > LONGEST_DELAY:
                raise _wrong(where, f"{kind}.delay", f"be at most {LONGEST_DELAY} steps", str(steps.max()))
            same_row = np.repeat(np.arange(n), np.diff(ends))
            if (np.diff(same_row * (LONGEST_DELAY + 1) + steps) < 0).any():
                raise _wrong(where, f"{kind}.delay", "ascend among the synapses of a neuron", "others")
        for key, whose in users.items() if kind == "plastic" else ():
            take(f"plastic.parameters.{key}", _OF_SYNAPSES, target.size, inside=np.isin(index, whose))
    if values:
        raise NetworkError(f"{where}: unknown arrays {', '.join(sorted(values))[:80]}", fix="save the network again")


def _wrong(where: str, name: str, rule: str, got: str) -> NetworkError:
    return NetworkError(f"{where}: {name} must {rule}, got {got}", fix="save the network again")
