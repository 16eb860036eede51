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

from hetero_rsnn.common.array_files import array_file_name, packed, read_array_file
from hetero_rsnn.common.errors import NetworkError, suggest
from hetero_rsnn.network.models import SHARED
from hetero_rsnn.network.overrides import by_name

if TYPE_CHECKING:
    from hetero_rsnn.network.definition import Network

#: Keys of the table [arrays] of a network file.
_KEYS = ("file", "sha256", "seed", "trained", "damage")
#: What of a network's content the arrays do not settle, and so may be changed.
_FREE = ("name", "description", "dt", "protocol")
#: What makes one number of all synapses of another kind.
_KINDS = ("plastic", "static")
#: Times that are divided by.
_POSITIVE = ("tau_m", "tau_syn")


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

    def table(self, stem: str) -> dict[str, Any]:
        """The table [arrays] of the network file of that stem."""
        about: dict[str, Any] = {"file": array_file_name(stem, self.checksum), "sha256": self.checksum}
        about["seed"] = self.seed
        return {**about, "trained": self.trained, **({"damage": list(self.damage)} if self.damage else {})}

    def synapses(self, plastic: bool, count: int) -> NDArray[np.int64]:
        """Number of synapses of each of `count` projections that are plastic, or that are not."""
        index = self.values[f"{_KINDS[not plastic]}.projection"]
        return np.bincount(index, minlength=count)

    def real_size(self) -> int:
        """Bytes of the weights and parameters of all synapses."""
        heads = tuple(f"{kind}.{what}" for kind in _KINDS for what in ("w", "parameters."))
        return sum(v.nbytes for k, v in self.values.items() if k.startswith(heads))

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
    values = read_array_file(beside, table.get("file"), table.get("sha256"), NetworkError)
    definition = str(values.pop("definition", ""))
    try:
        good = isinstance(json.loads(definition), dict)
    except (ValueError, RecursionError):
        good = False
    if not good:
        raise NetworkError(f"{beside.with_name(table['file'])} holds no arrays of a network", fix="name another file")
    return GivenArrays(values, definition, seed, trained, tuple(damage))


def check_values(arrays: GivenArrays, net: Network, where: str) -> None:
    """Refuse arrays that are none of the network: below this, kernels take indices as they are.

    Raises
    ------
    NetworkError
        Naming the array and the rule.
    """
    n, channels, values = net.n, net.input.channels, dict(arrays.values)

    def take(name: str, kinds: str, *shape: int | None) -> NDArray[Any]:
        found = values.pop(name, None)
        if found is None:
            raise NetworkError(f"{where}: the arrays lack {name!r}", fix="save the network again")
        fits = len(shape) == found.ndim and all(s in (None, m) for s, m in zip(shape, found.shape, strict=True))
        if not fits or found.dtype.kind not in kinds or not found.dtype.isnative:
            asked = ", ".join("any" if s is None else str(s) for s in shape)
            raise _wrong(where, name, f"be of kind {kinds} and shape ({asked})", f"{found.dtype} of {found.shape}")
        if kinds == "f" and not (np.isfinite(found) | (found == np.inf if name == "neurons.v_th" else False)).all():
            raise _wrong(where, name, "be finite", "others")
        return found

    for key, _ in net.populations[0].parameters:
        found = take(f"neurons.{key}", "f", n)
        if key in _POSITIVE and not (found > 0).all():
            raise _wrong(where, f"neurons.{key}", "be > 0 ms", f"{found.min():g} ms")
        if key == "t_ref" and not (found >= 0).all():
            raise _wrong(where, f"neurons.{key}", "be >= 0 ms", f"{found.min():g} ms")
    take("positions", "f", n, 3)
    take("w_in", "f", n, channels)
    take("w_event", "f", n, channels)
    rule = net.plasticity
    own = [] if rule is None else [k for k, _ in rule.parameters]
    for key in own:
        if key in SHARED:
            take(f"shared.{key}", "f")
    for kind in _KINDS:
        ends, target = take(f"{kind}.indptr", "i", n + 1), take(f"{kind}.target", "i", None)
        if ends[0] or ends[-1] != target.size or (np.diff(ends) < 0).any():
            raise _wrong(where, f"{kind}.indptr", f"rise from 0 to {target.size}", f"{ends[0]} to {ends[-1]}")
        if target.size and not 0 <= target.min() <= target.max() < n:
            raise _wrong(where, f"{kind}.target", f"be from 0 to {n - 1}", f"{target.min()} to {target.max()}")
        take(f"{kind}.w", "f", target.size)
        index = take(f"{kind}.projection", "u", target.size)
        allowed = [i for i, p in enumerate(net.projections) if p.plastic == (kind == "plastic")]
        if not np.isin(index, allowed).all():
            raise _wrong(where, f"{kind}.projection", f"be of {allowed}", str(np.unique(index).tolist()))
        for key in own if kind == "plastic" else []:
            if key not in SHARED:
                take(f"plastic.parameters.{key}", "f", target.size)
    if values:
        raise NetworkError(f"{where}: unknown arrays {', '.join(sorted(values))[:80]}", fix="save the network again")


def _wrong(where: str, name: str, rule: str, got: str) -> NetworkError:
    return NetworkError(f"{where}: {name} must {rule}, got {got}", fix="save the network again")
