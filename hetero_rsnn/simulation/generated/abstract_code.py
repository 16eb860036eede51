"""Brian2's state updaters and statements for the equations of a network, as plain data.

Brian2 is asked, not imitated: it builds the groups of a tiny network with the same equations and translates their code
for its numpy target, and a code generator that listens takes down the statements. What the other backends run are
these statements, in this order of operations.
"""

from __future__ import annotations

import re
from typing import Any

from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.models import METHODS, SHARED
from hetero_rsnn.network.rules import owner_names
from hetero_rsnn.simulation.brian import (
    b2_errors,
    brian2,
    neuron_model,
    rule_model,
    runtime_target,
    takes_current,
    unit_of,
)

#: Of Brian2's templates those that a step runs, and what they are called here.
_STAGES = {
    "stateupdate": "update",
    "threshold": "threshold",
    "reset": "reset",
    "synapses": "",
    "summed_variable": "sum",
}


def _listener(heard: list[dict[str, Any]]) -> Any:
    """A class of code objects that takes down the statements it is made of."""
    brian2()
    from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
    from brian2.codegen.runtime.numpy_rt.numpy_rt import NumpyCodeObject
    from brian2.core.functions import DEFAULT_FUNCTIONS

    for function in DEFAULT_FUNCTIONS.values():
        try:
            function.implementations[NumpyCodeObject]
        except KeyError:  # Brian2 does so itself, for its own class alone
            function.implementations.add_numpy_implementation(function.pyfunc)

    class Generator(NumpyCodeGenerator):  # type: ignore[misc]
        def translate_statement_sequence(self, scalar: Any, vector: Any) -> Any:
            if self.template_name in _STAGES and None in vector:
                heard.append(_block(self, scalar[None], vector[None]))
            return super().translate_statement_sequence(scalar, vector)

    class Listener(NumpyCodeObject):  # type: ignore[misc]
        generator_class = Generator

    return Listener


def _block(generator: Any, scalar: Any, vector: Any) -> dict[str, Any]:
    """Statements and variables of one code object."""
    from brian2.core.functions import Function
    from brian2.core.variables import ArrayVariable, Constant
    from brian2.utils.stringtools import get_identifiers

    statements = [*scalar, *vector]
    local = {s.var for s in statements if s.op == ":="}
    used: set[str] = set()
    for s in statements:
        used |= {s.var} | set(get_identifiers(s.expr))
    ignored = generator.override_conditional_write
    conditional = {
        name: v.conditional_write.name
        for name, v in generator.variables.items()
        if getattr(v, "conditional_write", None) is not None and v.conditional_write.name not in ignored
    }
    conditions = generator.get_conditional_write_vars()
    used |= {conditions[name] for name in used & set(conditions)}
    variables: dict[str, dict[str, Any]] = {}
    for name in sorted(used - local):
        v = generator.variables.get(name)
        if v is None or isinstance(v, Function):
            continue
        if isinstance(v, ArrayVariable):
            variables[name] = {
                "kind": "array",
                "owner": v.owner.name,
                "array": v.name,
                "index": generator.variable_indices[name],
                "dtype": str(_dtype(v)),
                "constant": bool(v.constant),
                "condition": conditions.get(name, "") if name in conditional else "",
            }
        elif isinstance(v, Constant):
            shared = name in SHARED and v.owner is None
            variables[name] = {"kind": "shared"} if shared else {"kind": "number", "value": _plain(v.get_value())}
    name = generator.owner.name
    kind = _STAGES[generator.template_name] or ("post" if "_post_codeobject" in generator.name else "pre")
    block: dict[str, Any] = {
        "kind": kind,
        "owner": name,
        "scalar": [_statement(s) for s in scalar],
        "vector": [_statement(s) for s in vector],
        "variables": variables,
    }
    if kind == "sum":
        block["target"] = re.sub(r".*_summed_variable_(\w+)_codeobject.*", r"\1", generator.name)
    return block


def _dtype(variable: Any) -> str:
    import numpy as np

    return str(np.dtype(variable.dtype).name)


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, bool | int) else float(value)


def _statement(s: Any) -> list[str]:
    import numpy as np

    return [s.var, s.op, s.expr, np.dtype(s.dtype).name]


def derive(net: Network) -> dict[str, Any]:
    """Ask Brian2 for the statements of a network's code.

    Returns
    -------
    dict
        ``"blocks"``, one for each piece of code that a step runs, in no particular order; ``"states"`` and
        ``"traces"``, the state variables of neurons, and of the plastic synapses of each rule, with their types.

    Raises
    ------
    NetworkError
        If Brian2 refuses an equation.
    """
    b2 = brian2()
    heard: list[dict[str, Any]] = []
    with b2_errors(net), runtime_target():
        listener = _listener(heard)
        code = dict(net.equations)
        clock = b2.Clock(dt=1 * b2.ms, name="hetero_clock")
        namespace: dict[str, Any] = {}
        if takes_current(net):
            values = _zeros(2) * unit_of(net.input.weight.unit)
            namespace["input_drive"] = b2.TimedArray(values, dt=8 * b2.ms, name="input_drive")
        neurons = b2.NeuronGroup(
            2,
            neuron_model(net),
            threshold=code["threshold"],
            reset=code["reset"],
            method=code.get("method", METHODS[0]),
            clock=clock,
            namespace=namespace,
            name="neurons",
            codeobj_class=listener,
            **({"refractory": code["refractory"]} if code["refractory"] else {}),
        )
        network = b2.Network(neurons)

        def connect(name: str, model: str, **options: Any) -> None:
            synapses = b2.Synapses(neurons, neurons, model, clock=clock, name=name, codeobj_class=listener, **options)
            synapses.connect(i=[0], j=[1])
            network.add(synapses)

        weight = net.projections[0].weight.unit if net.projections else net.input.event_weight.unit
        connect("static", f"w : {weight}", on_pre=code["on_pre"], namespace={})
        owners = dict(zip(owner_names(len(net.rules)), net.rules, strict=True))
        for owner, rule in owners.items():
            own = dict(rule.parameters)
            connect(
                owner,
                rule_model(net, rule),
                namespace={k: 1.0 * unit_of(own[k].unit) for k in SHARED if k in own},
                method=rule.method or METHODS[0],
                **{k: v for k, v in (("on_pre", rule.on_pre), ("on_post", rule.on_post)) if v},
            )
        network.run(0 * b2.second, namespace={})
        parsed = b2.Equations(code["equations"])
        states = sorted(set(parsed.diff_eq_names) | set(parsed.parameter_names))
        traces: dict[str, list[str]] = {}
        for owner, rule in owners.items():
            parsed = b2.Equations(rule.equations)
            traces[owner] = sorted(set(parsed.diff_eq_names) | set(parsed.parameter_names))
    return {
        "blocks": heard,
        "states": {k: _dtype(neurons.variables[k]) for k in states},
        "traces": {o: {k: _dtype(network[o].variables[k]) for k in names} for o, names in traces.items()},
    }


def _zeros(n: int) -> Any:
    import numpy as np

    return np.zeros((1, n))
