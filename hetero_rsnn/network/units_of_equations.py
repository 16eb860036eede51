"""Every block of a network's equations, checked for its dimensions and for names that nobody defines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from hetero_rsnn.common.errors import NetworkError, UnitError
from hetero_rsnn.network.dimensions import (
    COMMON,
    NONE,
    SECOND,
    Checker,
    Dimension,
    Line,
    dimension_of,
    is_condition,
    located_lines,
    show,
)
from hetero_rsnn.network.equations import EQUATION, STATEMENT

Names = dict[str, Dimension]
Pairs = tuple[tuple[str, str], ...]
Values = tuple[tuple[str, float], ...]


@lru_cache(maxsize=128)  # a search asks thousands of times; errors are not kept
def check_neuron(code: Pairs, parameters: Pairs, current: str, values: Values = ()) -> None:
    """Check equations, threshold, reset and refractory time of the neurons.

    Parameters
    ----------
    code : tuple of (str, str)
        Block by name, as the file has it.
    parameters : tuple of (str, str)
        Unit of each parameter.
    current : str
        Unit of the analog input.
    values : tuple of (str, float)
        Parameters that are one number.

    Raises
    ------
    NetworkError, UnitError
        With block, line and column.
    """
    blocks, numbers = dict(code), dict(values)
    names = neuron_names(blocks["equations"], parameters, current)
    _equations("neuron.equations", blocks["equations"], names, numbers)
    conditions = frozenset(
        {"not_refractory", *re.findall(r"(\w+)\s*(?:=[^:]*)?:\s*bool(?:ean)?\b", blocks["equations"])}
    )
    _expression("neuron.threshold", blocks["threshold"], names, conditions, numbers, condition=True)
    _statements("neuron.reset", blocks["reset"], names, numbers)
    if blocks.get("refractory"):
        _expression("neuron.refractory", blocks["refractory"], names, conditions, numbers, condition=False)


@lru_cache(maxsize=128)
def check_synapses(
    on_pre: str, rule: Pairs, neurons: tuple[tuple[str, Dimension], ...], parameters: Pairs, weights: tuple[str, ...],
    plastic: str, values: Values = (), where: str = "plasticity",
) -> None:  # fmt: skip
    """Check the code of static synapses, and that of one rule of plastic ones.

    Parameters
    ----------
    on_pre : str
        Of static synapses and of the input.
    rule : tuple of (str, str)
        Blocks of the plasticity by name; empty if there is none.
    neurons : tuple of (str, Dimension)
        Names of the neurons: see `neuron_names`.
    parameters : tuple of (str, str)
        Unit of each parameter of the plasticity.
    weights : tuple of str
        Units that weights of static projections have.
    plastic : str
        Unit of the plastic weights.
    values : tuple of (str, float)
        Parameters of the plasticity that are one number.
    where : str
        Table of the rule.

    Raises
    ------
    NetworkError, UnitError
        With block, line and column.
    """
    ends: Names = {**COMMON, "j": NONE}
    for name, dimension in neurons:
        ends |= {f"{name}_post": dimension, f"{name}_pre": dimension}
    for unit in weights:
        _statements("synapse.on_pre", on_pre, {**ends, "w": dimension_of(unit)})
    if not rule:
        return
    blocks = dict(rule)
    names = {**ends, "w": dimension_of(plastic), "lastupdate": SECOND}
    names |= {k: dimension_of(unit) for k, unit in parameters}
    meant = {**dict.fromkeys(COMMON, "a name of the language"), **dict.fromkeys(ends, "a name of the neurons")}
    meant |= {**dict.fromkeys(dict(parameters), "a parameter of the rule"), "w": "the weight", "lastupdate": meant["t"]}
    _refuse_clashes(f"{where}.equations", blocks["equations"], meant)
    names |= _defined(f"{where}.equations", blocks["equations"])
    _equations(f"{where}.equations", blocks["equations"], names, dict(values))
    for key in ("on_pre", "on_post"):
        _statements(f"{where}.{key}", blocks[key], names, dict(values))


def neuron_names(equations: str, parameters: Pairs, current: str) -> Names:
    """What code of the neurons may name, with dimensions."""
    names = {**COMMON, "I_in": dimension_of(current)}
    names |= {k: dimension_of(unit) for k, unit in parameters}
    return names | _defined("neuron.equations", equations)


def check_initial(name: str, unit: str, names: Mapping[str, Dimension]) -> None:
    """Refuse an initial value of another unit than its variable's."""
    found, wanted = dimension_of(unit), names[name]
    if found != wanted:
        raise UnitError(
            f"neuron.initial.{name} must have the unit of {name}, which is {show(wanted)}, got {show(found)}"
        )


def _defined(where: str, text: str) -> Names:
    """Dimensions of what a block of equations defines."""
    found: Names = {}
    for line in _joined(located_lines(text)):
        match = EQUATION.fullmatch(line.text)
        assert match is not None  # check_equations_text has seen to it
        try:
            found[match["state"] or match["name"] or match["free"]] = dimension_of(_unit_text(match["unit"]))
        except UnitError as error:
            row, column = line.places[match.start("unit")]
            raise error.at(before=f"{where}, line {row}, column {column}: ") from None
    return found


def _refuse_clashes(where: str, text: str, meant: Mapping[str, str]) -> None:
    """Refuse variables of synapses whose names mean something already."""
    seen = dict(meant)
    for line in _joined(located_lines(text)):
        match = EQUATION.fullmatch(line.text)
        assert match is not None
        group = next(g for g in ("state", "name", "free") if match[g])
        name = match[group]
        if name in seen and (match["flags"] or "").strip() != "summed":
            row, column = line.places[match.start(group)]
            raise NetworkError(
                f"{where}, line {row}, column {column}: {name!r} is {seen[name]}", fix="give the variable another name"
            )
        seen[name] = "defined already"


def _unit_text(unit: str) -> str:
    return "1" if unit.strip() in ("boolean", "integer", "bool") else unit


def _joined(found: list[Line]) -> list[Line]:
    """An equation ends with its unit; what has none goes on in the next line."""
    out: list[Line] = []
    for line in found:
        if out and ":" not in out[-1].text:
            last = out.pop()
            line = Line(f"{last.text} {line.text}", (*last.places, line.places[0], *line.places))
        out.append(line)
    return out


def _equations(where: str, text: str, names: Names, values: Mapping[str, float]) -> None:
    checker = Checker(where, names, values)
    for line in _joined(located_lines(text)):
        match = EQUATION.fullmatch(line.text)
        assert match is not None
        if match["rate"] is not None:
            name = match["state"]
            rate = tuple(x - y for x, y in zip(names[name], SECOND, strict=True))
            checker.check(line, match.start("rate"), match["rate"], rate, f"d{name}/dt")
        elif match["value"] is not None and "boolean" not in match["unit"]:
            name = match["name"]
            # What synapses sum up is named as the neuron's variable.
            summed = (match["flags"] or "").strip() == "summed"
            if summed and name not in names:
                raise NetworkError(f"{where}: {name!r} sums up a variable that neurons do not have")
            checker.check(line, match.start("value"), match["value"], names[name], name)


def _statements(where: str, text: str, names: Names, values: Mapping[str, float] | None = None) -> None:
    known = dict(names)
    checker = Checker(where, known, values)
    for line in located_lines(text):
        match = STATEMENT.fullmatch(line.text)
        assert match is not None  # check_statements has seen to it
        name, value = match["target"], match["value"]
        op = re.sub(r"\s", "", line.text[len(name) : match.start("value") - 1])
        if op == "" and name not in known:
            known[name] = checker.check(line, match.start("value"), value, None, name)
            continue
        if name not in known:
            checker.check(line, 0, name, None, name)  # says what it may have meant
        wanted = known[name]
        if op in ("*", "/"):
            if wanted != NONE:
                checker.check(line, match.start("value"), value, NONE, f"a factor of {name}")
            else:
                checker.check(line, match.start("value"), value, NONE, f"what {name} is multiplied with")
        else:
            checker.check(line, match.start("value"), value, wanted, name)


def _expression(
    where: str, text: str, names: Names, conditions: frozenset[str], values: Mapping[str, float], *, condition: bool
) -> None:
    """A threshold, which is true or false, or a refractory time, which may be a time too."""
    lines = located_lines(text)
    whole = Line(
        " ".join(line.text for line in lines), tuple(p for line in lines for p in (*line.places, line.places[-1]))
    )
    checker = Checker(where, names, values)
    found = checker.check(whole, 0, whole.text, None, where)
    if is_condition(whole.text, conditions) and (condition or found == NONE):
        return
    if not condition and found == SECOND:
        return
    rule = "a condition such as 'v > v_th'" if condition else "a time, or a condition such as 'v > v_th'"
    raise UnitError(f"{where} must be {rule}, got {whole.text!r} ({show(found)})")
