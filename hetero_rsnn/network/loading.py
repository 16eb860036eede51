"""Network files: finding, reading and inheriting them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hetero_rsnn.common.capacities import ESTIMATOR
from hetero_rsnn.common.errors import HeteroError, NetworkError, suggest
from hetero_rsnn.network.arrays import GivenArrays, check_values, read_arrays
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.equations import defined, identifiers
from hetero_rsnn.network.overrides import merge, rule_names
from hetero_rsnn.network.parsing import parse
from hetero_rsnn.network.shipped import list_networks, networks_folder, read_network_file


def locate(name: str | Path, beside: Path | None = None) -> Path:
    """The file of a network: a shipped name, or a path, if relative to the folder `beside`."""
    text = str(name)
    if not text:
        raise NetworkError(
            "the network's name is empty: give a shipped name such as 'henhes', or a path ending in .toml"
        )
    if text.endswith(".toml") or "/" in text or "\\" in text or isinstance(name, Path):
        path = Path(os.path.expanduser(text))
        if beside is not None and not path.is_absolute():
            path = beside / path
        if not os.path.isfile(path):  # and not path.is_file(), which raises for a name that is too long
            raise NetworkError(
                f"no network file {str(path)!r}: give an existing .toml file or one of the shipped names"
            )
        return path
    path = networks_folder() / f"{text}.toml"
    if not os.path.isfile(path):
        raise NetworkError(
            f"unknown network {text!r}{suggest(text, list_networks())}; a file of your own must end in .toml"
        )
    return path


def _resolve(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    path = path.resolve()
    if path in seen:
        raise NetworkError(f"{path} extends itself through {' -> '.join(p.name for p in (*seen, path))}")
    data = read_network_file(path)
    if "arrays" in data:
        data["arrays"] = _arrays(data["arrays"], path)
    parent = data.pop("extends", None)
    if parent is None:
        return data
    if not isinstance(parent, str):
        raise NetworkError(f"{path}: extends must be the name or path of a network, got {parent!r}")
    base = _resolve(locate(parent, path.parent), (*seen, path))
    base.pop("name", None)
    base.pop("description", None)
    if isinstance(data.get("neuron"), Mapping) and "equations" in data["neuron"]:
        _drop_unused(base, data["neuron"])
    _drop_unused_of_rules(base.get("plasticity"), data.get("plasticity"))
    return merge(base, data)


def _arrays(table: Any, path: Path) -> GivenArrays:
    """The arrays that a file names, checked by themselves: what is wrong with them is no fault of the text."""
    arrays = read_arrays(table, path)
    where = str(path.with_name(table["file"]))
    try:
        given = Network(**parse(json.loads(arrays.definition), "network"))
    except HeteroError as error:
        raise error.at(before=f"{where}: ") from None
    check_values(arrays, given, where)
    return arrays


def name_of(stem: str) -> str:
    """What a network is called by default whose file has this stem, which may hold what no name can.

    Examples
    --------
    >>> name_of("my net (2)")
    'my net _2_'
    """
    kept = re.sub(r"[^A-Za-z0-9 _.+-]+", "_", stem).lstrip(" _.+-")
    # Files whose names have nothing in common with a network's stay two networks.
    return kept or f"network-{hashlib.sha256(stem.encode(errors='surrogatepass')).hexdigest()[:8]}"


def _drop_unused(base: dict[str, Any], neuron: Mapping[str, Any]) -> None:
    """New equations need not use every inherited parameter; one that the new file states itself is still checked."""
    code = {**base.get("neuron", {}), **neuron}
    text = "\n".join(str(code.get(k, "")) for k in ("equations", "threshold", "reset", "refractory"))
    used = identifiers(text) | {"kind", "fraction"}
    for table in (base.get("parameters", {}), *base.get("populations", {}).values()):
        for key in [k for k in table if k not in used]:
            del table[key]
    initial = base.get("neuron", {}).get("initial", {})
    for key in [k for k in initial if k not in defined(str(code.get("equations", "")))]:
        del initial[key]


def _drop_unused_of_rules(old: Any, new: Any) -> None:
    """The same for the parameters of rules of plasticity that get new equations, each for itself."""
    if not isinstance(old, dict) or not isinstance(new, Mapping):
        return  # parsing says what is wrong
    named = rule_names(old)
    for name in named:
        _drop_unused_of_rules(old[name], new.get(name))
    if "equations" in new:
        code = {k: new.get(k, old.get(k, "")) for k in ("equations", "on_pre", "on_post")}
        used = identifiers("\n".join(map(str, code.values()))) | {*code, *named, "method", "w_min", "w_max"}
        for key in [k for k in old if k not in used]:
            del old[key]


def load_network(name_or_path: str | Path | Network, **overrides: Any) -> Network:
    """Load a network by shipped name or from a TOML file.

    Parameters
    ----------
    name_or_path : str, pathlib.Path or Network
        ``"henhes"``, ``"my/net.toml"``; a `Network` is passed on (with the overrides applied).
    **overrides
        ``n=200`` keeps the shares of the populations. Other values go by dotted name, given with ``**{...}``:
        ``"E.tau_m.cv": 0.5`` (one population), ``"tau_m.mean": "30 ms"`` (all of them), ``"EE.topology.p": 0.2``,
        ``"eta_plus.cv": 1.0``, ``"input.channels": 12``, ``"protocol.hold": "5 ms"``. In keyword form two underscores
        stand for a dot: ``load_network("henhes", E__tau_m__cv=0.5)``.

    Returns
    -------
    Network

    Raises
    ------
    NetworkError, UnitError
        For unknown names, misspelled keys (with a suggestion) and values outside their range.
    """
    if isinstance(name_or_path, Network):
        return name_or_path.replace(**overrides) if overrides else name_or_path
    path = locate(name_or_path)
    data = _resolve(path)
    # A file that names none wants what is best today; a definition in a journal, what there was when it was written.
    if isinstance(protocol := data.get("protocol", {}), Mapping):
        data["protocol"] = {"estimator": ESTIMATOR, **protocol}
    # Normalise first, so that overrides meet every parameter at its full name.
    try:
        network = Network.from_dict(data, name_of(path.stem))
    except HeteroError as error:
        raise error.at(after=f" [{path.name}]") from None
    return network.replace(**overrides) if overrides else network
