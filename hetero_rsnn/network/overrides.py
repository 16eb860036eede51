"""Changing the content of a network by dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from hetero_rsnn.common.errors import NetworkError, suggest
from hetero_rsnn.network.parameter import Parameter, to_toml
from hetero_rsnn.network.topology import Topology


def merge(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `top` over `base`, table by table. A table that names another family or kind replaces the inherited one."""
    merged = dict(base)
    for key, value in top.items():
        old = opened(merged.get(key))
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            switch = "kind" if key == "topology" else "distribution"  # a population's kind is no family
            if switch in value and switch in old and value[switch] != old[switch]:
                # Another family: what both families know (mean, cv) is kept, the rest would be an unknown key.
                keep = {k: v for k, v in old.items() if k in {"mean", "cv"} and _has_mean(value[switch])}
                merged[key] = {**keep, **value}
            else:
                merged[key] = merge(dict(old), value)
        else:
            merged[key] = value if isinstance(value, Parameter) else deepcopy(value)
    return merged


def _has_mean(family: Any) -> bool:
    return family in ("gamma", "lognormal", "truncated_normal")


def opened(value: Any) -> Any:
    """A quantity or graph as the text or table that a file states it with; anything else as it is."""
    if isinstance(value, Parameter):
        return to_toml(value)
    return value.to_toml() if isinstance(value, Topology) else value


def by_name(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every table and value by its full dotted name."""
    out: dict[str, Any] = {}
    for key, found in data.items():
        value = opened(found)
        out[prefix + key] = value
        if isinstance(value, Mapping):
            out |= by_name(value, f"{prefix}{key}.")
    return out


#: What makes a table below [plasticity] a rule, and no distribution.
RULE_CODE = ("equations", "on_pre", "on_post")


def rule_names(table: Any) -> list[str]:
    """Names of the rules that stand in tables of their own below ``[plasticity]``."""
    tables = table.items() if isinstance(table, Mapping) else ()
    return [k for k, v in tables if isinstance(v, Mapping) and set(v) & set(RULE_CODE)]


_NOTHING = object()
#: Tables whose names may be left out.
_TABLES = ("populations", "projections", "plasticity", "neuron", "input", "protocol")


def _value(data: Any, dotted: str) -> Any:
    """The value of a full dotted name, opened; `_NOTHING` if there is none."""
    for key in dotted.split("."):
        data = opened(data)
        if not isinstance(data, Mapping) or key not in data:
            return _NOTHING
        data = data[key]
    return opened(data)


def full_names(data: Mapping[str, Any], name: str) -> list[str]:
    """Full dotted names that a short one stands for: E.tau_m.cv, or tau_m.cv for every population."""
    head = name.rpartition(".")[0]
    name = name.removeprefix("parameters.")
    candidates = [name, *(f"{t}.{name}" for t in _TABLES)]
    found = [c for c in candidates if _value(data, c) is not _NOTHING]
    if not found:
        everywhere = [f"populations.{p}.{name}" for p in data.get("populations", {})]
        everywhere += [f"plasticity.{rule}.{name}" for rule in rule_names(data.get("plasticity", {}))]
        found = [c for c in everywhere if _value(data, c) is not _NOTHING]
    if not found and name.partition(".")[0] == "delay":
        everywhere = [f"projections.{p}.{name}" for p in data.get("projections", {})]
        found = everywhere if name == "delay" else [c for c in everywhere if _value(data, c) is not _NOTHING]
    if not found and name.endswith(".delay"):  # a projection without one gets it
        full = f"projections.{name.removeprefix('projections.')}"
        found = [full] if _value(data, full.removesuffix(".delay")) is not _NOTHING else []
    if not found:  # a key that the table may have but does not, such as floor of a distribution
        parent = name.rpartition(".")[0]
        leaf = name.rpartition(".")[2]
        if parent and leaf in {"cv", "mean", "low", "high", "distribution", "floor", "value", "weights", "components"}:
            for full in full_names(data, parent) if head else []:
                value = _value(data, full)
                if isinstance(value, Mapping):
                    found.append(f"{full}.{leaf}")
                elif value is _NOTHING:
                    raise NetworkError(f"{name}: the network has no {full}", fix=f"set {parent} first, to a table")
                else:
                    raise NetworkError(
                        f"{name}: {full} is the constant {value!r} and has no {leaf!r}: "
                        f"set {parent} to a table such as {{distribution = 'gamma', mean = ..., cv = ...}}"
                    )
    if not found:
        short = [k for full in by_name(data) for k in {full, full.split(".", 1)[-1], full.split(".", 2)[-1]}]
        raise NetworkError(f"unknown name {name!r} in an override{suggest(name, sorted(set(short)))}")
    return found


def apply_overrides(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Change values by dotted name; see `load_network` for the names.

    Parameters
    ----------
    data : mapping
        What a file holds, or `Network.tree`. It is not changed, and values that no name touches are taken over.
    overrides : mapping
        Values as a file states them, or a `Parameter`.
    """
    result = _tables(data)
    for name, value in overrides.items():
        dotted = name.replace("__", ".")
        for full in full_names(result, dotted):
            if full.partition(".")[0] == "arrays":
                raise NetworkError(
                    f"{name!r} cannot be overridden: the arrays are the network's training",
                    fix="use the network that they were drawn from",
                )
            *path, leaf = full.split(".")
            table = result
            for key in path:
                table[key] = opened(table[key])
                table = table[key]
            if getattr(value, "shape", None) == () and not hasattr(value, "dim"):
                value = value.item()  # a number of numpy's, not a quantity of Brian2's
            table.update(merge({leaf: table[leaf]} if leaf in table else {}, {leaf: value}))
    return result


def _tables(data: Mapping[str, Any]) -> dict[str, Any]:
    """New tables of the same values."""
    return {k: _tables(v) if isinstance(v, Mapping) else v for k, v in data.items()}
