"""Network files: finding, reading, inheriting, overriding and writing them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from hetero_rsnn.common.errors import HeteroError, NetworkError, suggest
from hetero_rsnn.network.parsing import defined, from_dict, identifiers
from hetero_rsnn.network.definition import Network

_PACKAGE = Path(__file__).resolve().parents[1]


def networks_folder() -> Path:
    """Folder of the shipped network files: inside the installed package, or beside it in a checkout."""
    for folder in (_PACKAGE / "_networks", _PACKAGE.parent / "networks"):
        if (folder / "lif_stdp.toml").is_file():
            return folder
    raise NetworkError(f"the shipped networks are missing near {_PACKAGE}: reinstall hetero-rsnn")


def list_networks() -> dict[str, str]:
    """Names of the shipped networks with their one-line descriptions, the base network first."""
    names = sorted((p.stem for p in networks_folder().glob("*.toml")), key=lambda s: (s != "lif_stdp", s))
    return {name: str(_read(networks_folder() / f"{name}.toml").get("description", "")) for name in names}


def _locate(name: str | Path, beside: Path | None = None) -> Path:
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


def read_toml(path: Path, what: str, refusal: type[HeteroError]) -> dict[str, Any]:
    """Read a TOML file, a `what` file to its user; raise `refusal` where that cannot be done."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise refusal(f"{path} is not valid TOML: {error}") from None
    except (ValueError, OSError, RecursionError) as error:  # not UTF-8, a number of 5,000 digits, brackets as deep
        raise refusal(f"{path} cannot be read as a {what} file: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    return read_toml(path, "network", NetworkError)


def _merge(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `top` over `base`, table by table. A table that names another family or kind replaces the inherited one."""
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            switch = "kind" if key == "topology" else "distribution"  # a population's kind is no family
            if switch in value and switch in old and value[switch] != old[switch]:
                # Another family: what both families know (mean, cv) is kept, the rest would be an unknown key.
                keep = {k: v for k, v in old.items() if k in {"mean", "cv"} and _has_mean(value[switch])}
                merged[key] = {**keep, **value}
            else:
                merged[key] = _merge(dict(old), value)
        else:
            merged[key] = deepcopy(value)
    return merged


def _has_mean(family: Any) -> bool:
    return family in ("gamma", "lognormal", "truncated_normal")


def _resolve(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    path = path.resolve()
    if path in seen:
        raise NetworkError(f"{path} extends itself through {' -> '.join(p.name for p in (*seen, path))}")
    data = _read(path)
    parent = data.pop("extends", None)
    if parent is None:
        return data
    if not isinstance(parent, str):
        raise NetworkError(f"{path}: extends must be the name or path of a network, got {parent!r}")
    base = _resolve(_locate(parent, path.parent), (*seen, path))
    base.pop("name", None)
    base.pop("description", None)
    if isinstance(data.get("neuron"), Mapping) and "equations" in data["neuron"]:
        _drop_unused(base, data["neuron"])
    return _merge(base, data)


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


def _leaves(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in data.items():
        out[prefix + key] = value
        if isinstance(value, Mapping):
            out |= _leaves(value, f"{prefix}{key}.")
    return out


_TABLES = ("populations", "projections", "plasticity", "neuron", "input", "protocol")


def _targets(data: Mapping[str, Any], name: str) -> list[str]:
    """Full dotted names that a short one stands for: E.tau_m.cv, or tau_m.cv for every population."""
    known = _leaves(data)
    head = name.rpartition(".")[0]
    name = name.removeprefix("parameters.")
    candidates = [name, *(f"{t}.{name}" for t in _TABLES)]
    found = [c for c in candidates if c in known]
    if not found:
        found = [f"populations.{p}.{name}" for p in data.get("populations", {}) if f"populations.{p}.{name}" in known]
    if not found:  # a key that the table may have but does not, such as floor of a distribution
        parent = name.rpartition(".")[0]
        leaf = name.rpartition(".")[2]
        if parent and leaf in {"cv", "mean", "low", "high", "distribution", "floor", "value", "weights", "components"}:
            for full in _targets(data, parent) if head else []:
                if isinstance(known[full], Mapping):
                    found.append(f"{full}.{leaf}")
                else:
                    raise NetworkError(
                        f"{name}: {full} is the constant {known[full]!r} and has no {leaf!r}: "
                        f"set {parent} to a table such as {{distribution = 'gamma', mean = ..., cv = ...}}"
                    )
    if not found:
        short = [k for full in known for k in {full, full.split(".", 1)[-1], full.split(".", 2)[-1]}]
        raise NetworkError(f"unknown name {name!r} in an override{suggest(name, sorted(set(short)))}"[:400])
    return found


def apply_overrides(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Change values by dotted name; see `load_network` for the names."""
    result = deepcopy(dict(data))
    for name, value in overrides.items():
        dotted = name.replace("__", ".")
        for full in _targets(result, dotted):
            *path, leaf = full.split(".")
            table = result
            for key in path:
                table = table[key]
            if getattr(value, "shape", None) == () and not hasattr(value, "dim"):
                value = value.item()  # a number of numpy's, not a quantity of Brian2's
            patch = {leaf: value}
            table.update(_merge({leaf: table[leaf]} if leaf in table else {}, patch))
    return result


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
    path = _locate(name_or_path)
    data = _resolve(path)
    # Normalise first, so that overrides meet every parameter at its full name.
    try:
        # A file may be called what it likes; its network takes what of that can be part of a name.
        network = from_dict(data, re.sub(r"[^A-Za-z0-9 _.+-]+", "_", path.stem).lstrip(" _.+-") or "network")
    except HeteroError as error:
        raise type(error)(f"{error} [{path.name}]") from None
    return network.replace(**overrides) if overrides else network


def to_toml_text(network: Network, *, named: bool = True) -> str:
    """The whole network as a TOML file, without ``extends``; ``named=False`` leaves out name and description."""
    import tomli_w

    data = {k: v for k, v in network.to_dict().items() if named or k not in {"name", "description"}}
    return tomli_w.dumps(data, multiline_strings=True)


def save_network(network: Network, path: str | Path) -> Path:
    """Write a network to a TOML file that `load_network` reads back as an equal one.

    Raises
    ------
    OutputError
        If the place cannot be written.
    """
    from hetero_rsnn.common.files import write_text

    return write_text(Path(path), to_toml_text(network))
