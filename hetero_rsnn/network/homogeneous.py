"""The homogeneous counterpart of a network: every distribution becomes its mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.distributions import Constant, Gamma, LogNormal, TruncatedNormal
from hetero_rsnn.network.parameter import Parameter, to_toml


def homogeneous(network: Network) -> Network:
    """The network with every neuron and synapse parameter at its mean; weights and initial state keep their spread.

    Of the shipped `henhes` that is `honhos`.

    Raises
    ------
    NetworkError
        If its arrays are given: then there is nothing to draw.
    """
    network.refuse_arrays("has no homogeneous counterpart")
    tables = [(f"populations.{p.name}", p.parameters) for p in network.populations]
    tables += [(rule.where, rule.parameters) for rule in network.rules]
    tables += [(f"projections.{q.name}", (("delay", q.delay),)) for q in network.projections if q.delay is not None]
    changes: dict[str, Any] = {}
    for table, parameters in tables:
        for name, p in parameters:
            if isinstance(p.distribution, Gamma | LogNormal | TruncatedNormal):
                changes[f"{table}.{name}.cv"] = 0.0
            elif not isinstance(p.distribution, Constant):
                changes[f"{table}.{name}"] = to_toml(Parameter(Constant(p.mean), p.unit))
    return replace(network.replace(**changes), name="homogeneous", description="")
