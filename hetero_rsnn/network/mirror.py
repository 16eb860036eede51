"""Whether a compiled kernel mirrors a network's equations.

Text is compared first. Only where it differs, expressions are compared as mathematics with sympy (which Brian2 brings
along), so that a re-ordered sum is no obstacle and a changed sign is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from tokenize import TokenError

from hetero_rsnn.common.errors import EquationMismatchError
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.equations import count_terms, lines, value_at
from hetero_rsnn.network.models import LIF_STDP, LIF_STDP_PLASTICITY, METHODS

_EQUATION = re.compile(r"^(d(?P<var>\w+)/dt|(?P<name>\w+))\s*=\s*(?P<expr>[^:]+):(?P<rest>.*)$")
#: Text that sympy may read: numbers, names, operators, brackets. Python's own words would be run, not compared
#: (``v_th or x`` is v_th to Python), and so would attributes.
_MATHEMATICS = re.compile(
    r"(?!.*\b(?:and|or|not|if|else|in|is|for|lambda|await|yield)\b)(?!.*\.\s*[^\W\d])[\w\s.,+\-*/()<>=]*",
    flags=re.DOTALL,
)
#: Operations of an expression that sympy may simplify: a difference that has more left does not vanish.
_SIMPLE = 30
#: Terms of an expression that it multiplies out; the kernel's have less than ten.
_MOST_TERMS = 50
_STATEMENT = re.compile(r"^(?P<target>\w+)\s*(?P<op>[-+*/]?=)\s*(?P<expr>.+)$")


def _parse(text: str) -> dict[str, tuple[str, str]]:
    """Map what each line defines to (expression, flags); statements are numbered, since their order counts."""
    parsed: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(lines(text)):
        if match := _EQUATION.match(line):
            key = f"d{match['var']}/dt" if match["var"] else match["name"]
            key += " a second time" * (key in parsed)
            parsed[key] = (match["expr"].strip(), re.sub(r"\s+", "", match["rest"]))
        elif match := _STATEMENT.match(line):
            expression = match["expr"].strip()
            if match["op"] != "=":
                expression = f"{match['target']} {match['op'][0]} ({expression})"
            parsed[f"statement {number + 1}, {match['target']}"] = (expression, "")
        else:
            parsed[f"line {number + 1}"] = (line, "")
    return parsed


def _same(a: str, b: str) -> bool:
    if re.sub(r"\s+", "", a) == re.sub(r"\s+", "", b):
        return True
    if not (_MATHEMATICS.fullmatch(a) and _MATHEMATICS.fullmatch(b)):
        return False
    (sign, left), (other, right) = _positive(a), _positive(b)
    # Functions that the kernel does not call would have to cancel; sympy may take for ever to see that they do not.
    if sign != other or _called(left) != _called(right) or _differ(left, right):
        return False
    if max(count_terms(left), count_terms(right)) > _MOST_TERMS:
        return False
    import sympy
    from sympy.parsing.sympy_parser import parse_expr

    try:
        names = {n: sympy.Symbol(n) for n in re.findall(r"[A-Za-z_]\w*", f"{a} {b}") if n not in {"exp", "clip"}}
        names["clip"] = sympy.Function("clip")
        difference = sympy.expand(parse_expr(left, local_dict=names) - parse_expr(right, local_dict=names))
        if difference == 0:
            return True
        return bool(sympy.count_ops(difference) <= _SIMPLE and sympy.simplify(difference) == 0)
    except (SyntaxError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, TokenError):
        return False


def _called(text: str) -> set[str]:
    return set(re.findall(r"([A-Za-z_]\w*)\s*\(", text))


def _positive(text: str) -> tuple[str, str]:
    """Of a threshold its strictness, and what must be positive; of anything else the text."""
    relation = re.split(r"(<=|>=|<|>)", text)
    if len(relation) != 3:
        return "", text
    left, sign, right = relation
    if sign in {"<", "<="}:
        left, right, sign = right, left, {"<": ">", "<=": ">="}[sign]
    return sign, f"({left}) - ({right})"


def _differ(a: str, b: str) -> bool:
    """Whether two expressions have different values somewhere: that is soon seen, and sympy may take minutes to see it.

    False where that is not clear: nothing is said of what cannot be worked out.
    """
    for round_ in range(4):
        # Any numbers do, if every name has its own; between 1/2 and 2 nothing overflows or has no root.
        names = sorted(set(re.findall(r"[A-Za-z_]\w*", f"{a} {b}")))
        values = {name: 2 ** math.sin(1.0 + 7.3 * k + 1.7 * round_) for k, name in enumerate(names)}
        try:
            x, y = (value_at(text, values) for text in (a, b))
        except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
            return False
        if abs(x - y) > 1e-6 * max(abs(x), abs(y), 1e-6):
            return True
    return False


def check_equal(model: str, reference: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Compare blocks of equations with the kernel's.

    Parameters
    ----------
    model : str
        Name of the kernel, for the message.
    reference, found : mapping of str to str
        Blocks by name (``"equations"``, ``"threshold"``, ``"on_pre"``, ...).

    Raises
    ------
    EquationMismatchError
        Naming every place that differs.
    """
    _compare(model, tuple(reference.items()), tuple(found.items()))


@lru_cache(maxsize=64)  # what is equal stays so, and a search asks thousands of times; errors are not kept
def _compare(model: str, wanted: tuple[tuple[str, str], ...], given: tuple[tuple[str, str], ...]) -> None:
    reference, found = dict(wanted), dict(given)
    different: list[str] = []
    for block in dict.fromkeys([*reference, *found]):
        want, got = _parse(reference.get(block, "")), _parse(found.get(block, ""))
        if block == "threshold" or block == "refractory":
            if not _same(reference.get(block, ""), found.get(block, "")):
                different.append(block)
            continue
        for key in dict.fromkeys([*want, *got]):
            if key not in want or key not in got or want[key][1] != got[key][1] or not _same(want[key][0], got[key][0]):
                place = key if key.startswith("d") and key.endswith("/dt") else f"{block} ({key})"
                different.append(place)
    if different:
        raise EquationMismatchError(
            f"equations differ from kernel {model!r} in {', '.join(different)}",
            fix="use backend='brian2'",
            places=different,
        )


def check_equations(network: Network) -> None:
    """Refuse networks whose equations the kernels do not mirror.

    Raises
    ------
    EquationMismatchError
    """
    if network.delayed:
        raise EquationMismatchError(
            f"projection {network.delayed[0]} of network {network.name!r} has synaptic delays, of which kernel "
            "'lif_stdp' knows nothing",
            fix="use backend='brian2' or one that makes a kernel of equations, or set its delay to 0",
        )
    if network.named_rules:
        _check_plasticity(network)
    if network.model != "lif_stdp":
        raise EquationMismatchError(
            f"network {network.name!r} names no model with a kernel",
            fix="use backend='brian2', or model = \"lif_stdp\" with its equations",
        )
    found = dict(network.equations)
    if found.get("method") == METHODS[0]:  # said in words or not, it is the kernel's
        del found["method"]
    check_equal("lif_stdp", LIF_STDP, found)
    _check_plasticity(network)


def require_equations(network: Network, what: str, instead: str) -> None:
    """`check_equations` for what has no backend to offer; the message says `what` is of those equations only."""
    try:
        check_equations(network)
    except EquationMismatchError as error:
        reason = f"{what} of the model 'lif_stdp' only ({error.reason})"
        raise EquationMismatchError(reason, fix=instead, places=error.places) from None


def _check_plasticity(network: Network) -> None:
    if network.named_rules:
        names = ", ".join(rule.name for rule in network.named_rules)
        raise EquationMismatchError(
            f"network {network.name!r} names rules of plasticity ({names}), kernel 'lif_stdp' has one without a name",
            fix="use backend='brian2', or model = \"\" for a kernel made of its equations",
            places=[rule.where for rule in network.named_rules],
        )
    if network.plasticity is not None:
        found = {k: getattr(network.plasticity, k) for k in LIF_STDP_PLASTICITY}
        check_equal("lif_stdp", LIF_STDP_PLASTICITY, found)


def mirrors_plasticity(network: Network) -> bool:
    """Whether the kernels mirror the plasticity of a network (of its neurons they need not)."""
    try:
        _check_plasticity(network)
    except EquationMismatchError:
        return False
    return bool(network.model) and not network.delayed  # with delays, traces do not follow the spikes of neurons
