"""Programs of networks: worked out by Brian2 once, read from a file afterwards."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hetero_rsnn.common.errors import OutputError
from hetero_rsnn.common.files import write_text
from hetero_rsnn.network.definition import Network
from hetero_rsnn.simulation.generated.compiled import cache_folder, fingerprint
from hetero_rsnn.simulation.generated.program import Program, read_program

#: Counts up when what is kept changes its form.
_VERSION = 2


def model_text(net: Network) -> str:
    """All of a network that its code follows from: equations, statements, names and units, and Brian2's version."""
    try:
        brian2 = version("brian2")
    except PackageNotFoundError:
        brian2 = "?"
    content = {
        "form": _VERSION,
        "brian2": brian2,
        "neuron": dict(net.equations),
        "parameters": {k: p.unit for k, p in net.populations[0].parameters},
        "input": [net.input.weight.unit, net.input.event_weight.unit],
        "weights": sorted({p.weight.unit for p in net.projections}),
        "plasticity": [
            {
                "equations": rule.equations,
                "on_pre": rule.on_pre,
                "on_post": rule.on_post,
                "method": rule.method,
                "parameters": {k: p.unit for k, p in rule.parameters},
            }
            for rule in net.rules
        ],
    }
    return json.dumps(content, indent=1)


def program_of(net: Network) -> Program:
    """The program of a network.

    Raises
    ------
    NetworkError
        If Brian2 refuses an equation.
    """
    return _program(model_text(net), _Unkeyed(net))


class _Unkeyed:
    """Goes along with a key without being part of it."""

    def __init__(self, net: Network) -> None:
        self.net = net

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unkeyed)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _program(text: str, of: _Unkeyed) -> Program:
    path = cache_folder() / f"equations_{fingerprint(text)}.json"
    data = _kept(path, text)
    if data is None:
        from hetero_rsnn.simulation.generated.abstract_code import derive

        data = derive(of.net)
        with suppress(OutputError):  # it is worked out again next time
            write_text(path, json.dumps({"text": text, "program": data}, indent=1))
    return read_program(data)


def _kept(path: Any, text: str) -> Any:
    """What was worked out before; None if there is nothing, or something else."""
    try:
        found = json.loads(path.read_text())
        if found["text"] == text:
            return found["program"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
