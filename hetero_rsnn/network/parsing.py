"""From the content of a network file to checked parts: every rule, and the message when it is broken."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hetero_rsnn.common import checks, units
from hetero_rsnn.common.capacities import ESTIMATORS, FIRST_ESTIMATOR
from hetero_rsnn.common.errors import NetworkError, UnitError, suggest
from hetero_rsnn.network.arrays import GivenArrays
from hetero_rsnn.network.delays import parse_delay
from hetero_rsnn.network.distributions import Constant
from hetero_rsnn.network.equations import (
    RANDOM,
    check_equations_text,
    check_expression,
    check_statements,
    defined,
    identifiers,
    lines,
    temporaries,
)
from hetero_rsnn.network.models import (
    LIF_STDP,
    METHODS,
    MODELS,
    NOT_NEGATIVE,
    POSITIVE,
    REFRACTORY,
    SHARED,
    TIME_CONSTANTS,
)
from hetero_rsnn.network.overrides import RULE_CODE, rule_names
from hetero_rsnn.network.parameter import Parameter, parse_parameter
from hetero_rsnn.network.parts import Input, Parameters, Plasticity, Population, Projection, Protocol
from hetero_rsnn.network.topology import parse_topology
from hetero_rsnn.network.units_of_equations import check_initial, check_neuron, check_synapses, neuron_names

#: Units that parameters of the shipped model must have.
_UNITS = {
    **dict.fromkeys(["tau_m", "tau_syn", "t_ref", "tau_plus", "tau_minus"], units.TIME),
    **dict.fromkeys(["v_rest", "v_th", "v_reset", "I_bias", "eta_plus", "eta_minus", "w_min", "w_max", "mu"], "1"),
}
#: dt in ms; see `TIME_CONSTANTS`.
_DT = (1e-9, 1e9)
#: Neurons and samples are counted in 32 bits.
_INDICES = 2**31 - 1

_TOP = (
    "name description model n dt weight_scaling neuron parameters synapse populations projections plasticity "
    "input protocol arrays"
)


def _table(data: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        raise NetworkError(f"{where}{key} must be a table, got {value!r}")
    return dict(value)


def _keys(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    known = list(known)
    for key in table:
        if key not in known:
            raise NetworkError(f"unknown key {key!r} in {where}{suggest(key, known)}")


def _names(table: Mapping[str, Any], where: str) -> None:
    """Refuse names that messages, overrides and reports could not hold."""
    for key, value in table.items():
        if not isinstance(key, str) or not re.fullmatch(r"[\w-]+", key):
            raise NetworkError(f"{key!r} in {where} is no usable name: write letters, digits, _ and - only")
        if isinstance(value, Mapping):
            _names(value, f"[{key}]")


def _whole(value: Any, where: str, low: int) -> int:
    number = units.finite(value)
    given = value if number is None or number != int(number) else int(number)  # 200.0 is one in a file
    return checks.whole(where, given, least=low, most=_INDICES, error=NetworkError)


def _milliseconds(value: Any, where: str, *, positive: bool = True) -> float:
    """A duration, which files state with its unit."""
    if not isinstance(value, Parameter):
        return units.milliseconds(value, where, positive=positive)
    if value.unit != units.TIME or not isinstance(value.distribution, Constant):
        raise UnitError(f"{where} must be one time with its unit, got {value}: write e.g. {where} = '10 ms'")
    return checks.duration(where, value.mean, positive=positive)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise NetworkError(f"{where} must be text, got {value!r}")
    return "\n".join(lines(value))


def _name(value: Any) -> str:
    """The network's name, which becomes part of file names, tables and figures."""
    name = _label(value, "name")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.+-]*", name):
        raise NetworkError(
            f"name must begin with a letter or digit and hold letters, digits, spaces and _ . + - only, got {name!r}"
        )
    return name


def _label(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise NetworkError(f"{where} must be text, got {value!r}")
    return value


def parse(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Check the content of a file (``extends`` already resolved) and return the fields of a `Network`.

    Quantities may be text with a unit or `Parameter`, and graphs tables or `Topology`: what was parsed before is taken
    as it is.

    Raises
    ------
    NetworkError, UnitError
        Naming the place, the value, the rule and the fix.
    """
    if not isinstance(data, Mapping):
        raise NetworkError(f"a network is built from a table, got {type(data).__name__}: give what to_dict returned")
    _names(data, "the network file")
    _keys(data, _TOP.split(), "the network file")
    for key in ("populations", "neuron"):
        if key not in data:
            raise NetworkError(f'the network file lacks the table [{key}]: start it with extends = "lif_stdp"')
    arrays = data.get("arrays")
    if not isinstance(arrays, GivenArrays | None):
        raise NetworkError(
            "the arrays of a network lie in a file beside its own, got only their table [arrays]",
            fix="load the network from its file, or leave the table away",
        )
    model = data.get("model", "")
    if model not in ("", *MODELS):
        raise NetworkError(
            f"unknown model {model!r}{suggest(str(model), MODELS)}: leave the key out for equations of your own"
        )
    n = _whole(data.get("n", 400), "n", 1)
    dt = _milliseconds(data.get("dt", "1 ms"), "dt")
    if not _DT[0] <= dt <= _DT[1]:
        raise NetworkError(f"dt must be from {_DT[0]:g} to {_DT[1]:g} ms, got {dt:g} ms", fix="use another unit")
    scaling = data.get("weight_scaling", "indegree")
    if scaling not in ("indegree", "none"):
        raise NetworkError(f"weight_scaling must be 'indegree' or 'none', got {scaling!r}")

    neuron = _table(data, "neuron")
    _keys(neuron, ["equations", "threshold", "reset", "refractory", "method", "initial"], "[neuron]")
    synapse = _table(data, "synapse")
    _keys(synapse, ["on_pre"], "[synapse]")
    equations = {k: _text(neuron.get(k, ""), f"neuron.{k}") for k in ("equations", "threshold", "reset", "refractory")}
    equations["on_pre"] = _text(synapse.get("on_pre", LIF_STDP["on_pre"]), "synapse.on_pre")
    if "method" in neuron:
        equations["method"] = checks.one_of("neuron.method", neuron["method"], METHODS, error=NetworkError)
    for key in ("equations", "threshold", "reset"):
        if not equations[key]:
            raise NetworkError(f"neuron.{key} is missing or empty: give it as a Brian2 string")
    check_equations_text("neuron.equations", equations["equations"])
    check_expression("neuron.threshold", equations["threshold"])
    check_statements("neuron.reset", equations["reset"])
    check_expression("neuron.refractory", equations["refractory"])
    check_statements("synapse.on_pre", equations["on_pre"])

    needed = identifiers("\n".join(equations[k] for k in ("equations", "threshold", "reset", "refractory")))
    needed -= defined(equations["equations"]) | {"I_in"}
    given = {
        k
        for t in (*_table(data, "populations").values(), _table(data, "parameters"))
        if isinstance(t, Mapping)
        for k in t
    }
    needed -= {k for k in temporaries(equations["reset"]) if k not in given}
    _refuse_random("\n".join(equations.values()))
    common = _table(data, "parameters")
    populations = _populations(_table(data, "populations"), common, n, needed, model, dt)
    initial = tuple(
        sorted((k, parse_parameter(v, f"neuron.initial.{k}")) for k, v in _table(neuron, "initial", "neuron.").items())
    )
    variables = defined(equations["equations"])
    variables -= {f"d{v}" for v in variables}
    for key, _ in initial:
        if key not in variables:
            raise NetworkError(f"neuron.initial.{key}: the equations define no {key!r}{suggest(key, variables)}")
    projections = _projections(_table(data, "projections"), populations, dt)
    plasticity, named_rules = _plasticity(data, projections, model, dt)
    rules = (*(() if plasticity is None else (plasticity,)), *named_rules)
    drive = _input(_table(data, "input"))
    _check_units(neuron, synapse, data, equations, populations, initial, projections, rules, drive)
    if model:
        plain = [(f"projections.{p.name}.weight", p.weight) for p in projections]
        plain += [("input.weight", drive.weight), ("input.event_weight", drive.event_weight)]
        for where, p in [*plain, *((f"neuron.initial.{k}", v) for k, v in initial)]:
            if p.unit != units.DIMENSIONLESS:
                raise UnitError(f"{where} must be a plain number without unit, got {p}: model {model!r} has none")
    return {
        "name": _name(data.get("name", name)),
        "description": _label(data.get("description", ""), "description"),
        "model": model,
        "n": n,
        "dt": dt,
        "equations": tuple(equations.items()),
        "initial": initial,
        "populations": populations,
        "projections": projections,
        "plasticity": plasticity,
        "weight_scaling": scaling,
        "input": drive,
        "protocol": _protocol(_table(data, "protocol"), dt),
        "arrays": arrays,
        "named_rules": named_rules,
    }


def _check_units(
    neuron: Mapping[str, Any],
    synapse: Mapping[str, Any],
    data: Mapping[str, Any],
    equations: Mapping[str, str],
    populations: tuple[Population, ...],
    initial: Parameters,
    projections: tuple[Projection, ...],
    rules: tuple[Plasticity, ...],
    drive: Input,
) -> None:
    """Dimensions, and names that nobody defines, at the lines and columns of the texts as they were written."""
    own = tuple((k, p.unit) for k, p in populations[0].parameters)
    code = tuple((k, str(neuron.get(k, equations[k]))) for k in ("equations", "threshold", "reset", "refractory"))
    check_neuron(code, own, drive.weight.unit, _one_number(p for q in populations for p in q.parameters))
    names = neuron_names(equations["equations"], own, drive.weight.unit)
    for key, p in initial:
        check_initial(key, p.unit, names)
    weights = {p.weight.unit for p in projections if not p.plastic} or {p.weight.unit for p in projections}
    plastic = {p.weight.unit for p in projections if p.plastic}
    if len(plastic) > 1:
        raise UnitError(f"weights of plastic projections must have one unit, got {', '.join(sorted(plastic))}")
    on_pre = str(synapse.get("on_pre", equations["on_pre"]))
    ends, unit = tuple(names.items()), next(iter(plastic), "1")
    check_synapses(on_pre, (), ends, (), tuple(sorted(weights)), unit)
    kinds = {p.name: p.kind for p in populations}
    for rule in rules:
        table = _table(data, "plasticity")
        table = _table(table, rule.name) if rule.name else table
        code = tuple((k, str(table.get(k, ""))) for k in RULE_CODE)
        parameters = tuple((k, p.unit) for k, p in rule.parameters)
        numbers = _one_number(rule.parameters)
        check_synapses(on_pre, code, ends, parameters, (), unit, numbers, rule.where)
        for q in projections:
            if q.plastic and q.rule == rule.name and kinds[q.pre] == "inhibitory":
                _refuse_sign(rule, equations["on_pre"], q.name)


def _refuse_sign(rule: Plasticity, on_pre: str, projection: str) -> None:
    """Static synapses have signed weights, rules their magnitudes: the same statement would excite."""
    signed = {"".join(line.split()) for line in lines(on_pre)}
    for statement in lines(rule.on_pre):
        if "".join(statement.split()) in signed and "w" in identifiers(statement):
            raise NetworkError(
                f"{rule.where}.on_pre: {statement!r} stands in synapse.on_pre too, where w has its sign; in a rule w "
                f"is a magnitude, and the synapses of projection {projection} are inhibitory",
                fix="subtract w, or add it to a conductance of inhibition",
            )


def _one_number(parameters: Iterable[tuple[str, Parameter]]) -> tuple[tuple[str, float], ...]:
    """Those that do not vary; of several, such as those of two populations, one that is 0 counts."""
    found: dict[str, float] = {}
    for key, p in parameters:
        if isinstance(p.distribution, Constant) and found.get(key) != 0:
            found[key] = p.mean
    return tuple(found.items())


def _refuse_random(text: str) -> None:
    for word in identifiers(text) & RANDOM:
        raise NetworkError(
            f"the equations use {word!r}, but all random numbers are drawn before the simulation: "
            "make it a parameter with a distribution, or part of the stimulus"
        )


def _check_parameter(key: str, p: Parameter, where: str, model: str, dt: float) -> None:
    expected = _UNITS.get(key)
    if not model and expected != units.TIME:
        expected = None  # equations of one's own may be in volts
    if expected is not None and p.unit != expected:
        wanted = "a time such as '20 ms'" if expected == units.TIME else "a plain number without unit"
        raise UnitError(f"{key} must be {wanted}, got {p} ({where})")
    if key not in POSITIVE and key not in NOT_NEGATIVE:
        return
    lowest, highest = (float(x) for x in p.distribution.quantile([1e-9, 1 - 1e-9]))
    if key in POSITIVE and not lowest > 0:
        raise NetworkError(f"{key} must be > 0 ms, got {p} ({where})")
    if key in NOT_NEGATIVE and lowest < 0:
        raise NetworkError(f"{key} must be >= 0, got {p} ({where})")
    if p.unit != units.TIME or not (key in POSITIVE or key == "t_ref"):
        return
    low, high = TIME_CONSTANTS
    if key in POSITIVE and not (low <= lowest and highest <= high):
        raise NetworkError(f"{key} must be from {low:g} to {high:g} ms, got {p} ({where})", fix="use another unit")
    if key == "t_ref" and highest > REFRACTORY * dt:
        raise NetworkError(
            f"t_ref must be at most {REFRACTORY:g} steps of dt = {dt:g} ms, got {p} ({where})",
            fix=f"for neurons that fire only once, {units.show(REFRACTORY * dt, units.TIME)} do",
        )


def _populations(
    tables: Mapping[str, Any], common: Mapping[str, Any], n: int, needed: set[str], model: str, dt: float
) -> tuple[Population, ...]:
    if not tables:
        raise NetworkError("the network has no population: add [populations.E]")
    fractions: dict[str, float] = {}
    for name in tables:
        fraction = _table(tables, name, "populations.").get("fraction")
        share = units.finite(fraction)
        if share is None or not 0 <= share <= 1:
            raise NetworkError(f"populations.{name}.fraction must be a number in [0, 1], got {fraction!r}")
        fractions[name] = share
    if abs(sum(fractions.values()) - 1) > 1e-9:
        raise NetworkError(f"the fractions of the populations must sum to 1, got {sum(fractions.values()):g}")
    sizes = {name: math.floor(n * f + 1e-9) for name, f in fractions.items()}
    rest = sorted(fractions, key=lambda k: (sizes[k] - n * fractions[k], list(fractions).index(k)))
    for name in rest[: n - sum(sizes.values())]:
        sizes[name] += 1
    found = []
    for name, fraction in fractions.items():
        where = f"population {name}"
        if sizes[name] == 0:
            raise NetworkError(f"{where} is empty ({fraction:g} of n = {n}): raise n or its fraction, or remove it")
        table = {**common, **tables[name]}
        del table["fraction"]
        kind = table.pop("kind", "excitatory")
        if kind not in ("excitatory", "inhibitory"):
            raise NetworkError(f"populations.{name}.kind must be 'excitatory' or 'inhibitory', got {kind!r}")
        _keys(table, sorted(needed), f"[populations.{name}]")
        for key in sorted(needed):
            if key not in table:
                raise NetworkError(f"the equations use {key!r}, but {where} does not set it{suggest(key, table)}")
        parameters = {key: parse_parameter(value, f"{name}.{key}") for key, value in table.items()}
        for key, p in parameters.items():
            _check_parameter(key, p, where, model, dt)
        found.append(Population(name, sizes[name], fraction, kind, tuple(sorted(parameters.items()))))
    return tuple(found)


def _projections(tables: Mapping[str, Any], populations: tuple[Population, ...], dt: float) -> tuple[Projection, ...]:
    kinds = {p.name: p.kind for p in populations}
    found = []
    for name in tables:
        where = f"projections.{name}"
        table = _table(tables, name, "projections.")
        _keys(table, ["pre", "post", "plastic", "topology", "weight", "delay"], f"[{where}]")
        for end in ("pre", "post"):
            if table.get(end) not in list(kinds):
                raise NetworkError(
                    f"{where}.{end}: unknown population {table.get(end)!r}{suggest(str(table.get(end)), kinds)}"
                )
        for key in ("topology", "weight"):
            if key not in table:
                raise NetworkError(f"{where} lacks the key {key!r}")
        plastic = table.get("plastic", False)
        if not isinstance(plastic, bool | str) or plastic == "":
            raise NetworkError(f"{where}.plastic must be true, false or the name of a rule, got {plastic!r}")
        if plastic is True and kinds[table["pre"]] == "inhibitory":
            raise NetworkError(
                f"{where} is inhibitory and so cannot be plastic: set plastic = false, or name a rule for inhibition"
            )
        weight = parse_parameter(table["weight"], f"{where}.weight")
        if float(weight.distribution.quantile(0.0)) < 0:
            raise NetworkError(
                f"{where}.weight must be >= 0, got {weight}: the sign comes from the kind of population {table['pre']}"
            )
        topology = parse_topology(table["topology"], f"{where}.topology")
        delay = parse_delay(table["delay"], f"{where}.delay", dt) if "delay" in table else None
        rule = plastic if isinstance(plastic, str) else ""
        found.append(Projection(name, table["pre"], table["post"], topology, weight, bool(plastic), rule, delay))
    return tuple(found)


def _plasticity(
    data: Mapping[str, Any], projections: tuple[Projection, ...], model: str, dt: float
) -> tuple[Plasticity | None, tuple[Plasticity, ...]]:
    """The rule without a name, and those with one.

    Plasticity counts only where a projection is plastic, so that 'static' is one key away from its sibling.
    """
    plastic = [p for p in projections if p.plastic]
    if not plastic:
        return None, ()
    if "plasticity" not in data:
        names = ", ".join(p.name for p in plastic)
        raise NetworkError(
            f"projection {names} is plastic, but the file has no [plasticity]: add it or set plastic = false"
        )
    table = _table(data, "plasticity")
    # Those that a projection names are rules whatever they hold, so that what they lack is said.
    named = [
        k for k in table if k in rule_names(table) or (k in {p.rule for p in plastic} and isinstance(table[k], Mapping))
    ]
    for p in plastic:
        if p.rule and p.rule not in named:
            raise NetworkError(
                f"projections.{p.name}.plastic: unknown rule {p.rule!r}{suggest(p.rule, named)}",
                fix=f"add [plasticity.{p.rule}], or write true for the rule of [plasticity] itself",
            )
    own = {k: v for k, v in table.items() if k not in named}
    without = [p.name for p in plastic if not p.rule]
    if named and not own.keys() & set(RULE_CODE):
        if without:
            raise NetworkError(
                f"projections.{without[0]}.plastic is true, but [plasticity] has no equations of its own",
                fix=f"write plastic = {next(iter(named))!r}",
            )
        _keys(own, named, "[plasticity], which has no equations of its own")
    for name in named:
        if all(p.rule != name for p in plastic):
            raise NetworkError(
                f"[plasticity.{name}] is the rule of no projection",
                fix=f"write plastic = {name!r} in one, or leave the table away",
            )
    rules = tuple(_rule(dict(table[name]), f"plasticity.{name}", name, model, dt) for name in named)
    return _rule(own, "plasticity", "", model, dt) if without else None, rules


def _rule(table: dict[str, Any], where: str, name: str, model: str, dt: float) -> Plasticity:
    code = {k: _text(table.pop(k, ""), f"{where}.{k}") for k in RULE_CODE}
    method = table.pop("method", "")
    if method:
        checks.one_of(f"{where}.method", method, METHODS, error=NetworkError)
    check_equations_text(f"{where}.equations", code["equations"])
    for key in ("on_pre", "on_post"):
        check_statements(f"{where}.{key}", code[key])
    needed = identifiers("\n".join(code.values())) - defined(code["equations"]) - {"w"}
    needed = {k for k in needed if not k.endswith(("_post", "_pre"))}
    needed -= {k for key in ("on_pre", "on_post") for k in temporaries(code[key]) if k not in table}
    _refuse_random("\n".join(code.values()))
    needed |= {"w_min", "w_max"}  # initial weights are clipped to them, whatever the event code says
    _keys(
        {k: v for k, v in table.items() if k not in defined(code["equations"])}, [*sorted(needed), *code], f"[{where}]"
    )
    for key in sorted(needed):
        if key not in table:
            raise NetworkError(f"the plasticity uses {key!r}, but [{where}] does not set it{suggest(key, table)}")
    parameters = {k: parse_parameter(v, f"{where}.{k}") for k, v in table.items()}
    for key, p in parameters.items():
        _check_parameter(key, p, where.replace(".", " "), model, dt)
        if key in SHARED and not isinstance(p.distribution, Constant):
            raise NetworkError(f"{where}.{key} must be one number for all synapses, got {p}")
    if parameters["w_min"].mean >= parameters["w_max"].mean:
        raise NetworkError(
            f"{where}.w_max must be > w_min = {parameters['w_min'].mean:g}, got {parameters['w_max'].mean:g}"
        )
    return Plasticity(
        code["equations"], code["on_pre"], code["on_post"], tuple(sorted(parameters.items())), method, name
    )


def _input(table: Mapping[str, Any]) -> Input:
    _keys(table, ["channels", "connectivity", "weight", "event_weight"], "[input]")
    connectivity = table.get("connectivity", 1.0)
    probability = units.finite(connectivity)
    if probability is None or not 0 <= probability <= 1:
        raise NetworkError(f"input.connectivity must be a probability in [0, 1], got {connectivity!r}")
    return Input(
        channels=_whole(table.get("channels", 1), "input.channels", 1),
        connectivity=probability,
        weight=parse_parameter(table.get("weight", 1.0), "input.weight"),
        event_weight=parse_parameter(table.get("event_weight", 1.0), "input.event_weight"),
    )


def _protocol(table: Mapping[str, Any], dt: float) -> Protocol:
    defaults = {
        "hold": "10 ms", "tau_read": "30 ms", "train": "10 s", "samples": 6000, "washout": 100, "d_max": 150,
        "estimator": FIRST_ESTIMATOR,
    }  # fmt: skip
    _keys(table, defaults, "[protocol]")
    table = {**defaults, **table}
    protocol = Protocol(
        hold=_milliseconds(table["hold"], "protocol.hold"),
        tau_read=_milliseconds(table["tau_read"], "protocol.tau_read"),
        train=_milliseconds(table["train"], "protocol.train", positive=False),
        samples=_whole(table["samples"], "protocol.samples", 1),
        washout=_whole(table["washout"], "protocol.washout", 0),
        d_max=_whole(table["d_max"], "protocol.d_max", 1),
        estimator=checks.one_of("protocol.estimator", table["estimator"], ESTIMATORS, error=NetworkError),
    )
    units.steps(protocol.hold, dt, "protocol.hold")
    return protocol
