"""Tables as files: CSV with plain numbers, and LaTeX as the terminal shows them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hetero_rsnn.common.tables import TextTable
from hetero_rsnn.common.text import printable
from hetero_rsnn.measures.estimates import Estimate

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", "Δ": r"$\Delta$", "±": r"$\pm$",
    "µ": r"$\mu$", "μ": r"$\mu$", "*": "$^*$",
}  # fmt: skip


def estimates_of(names: Mapping[str, Estimate]) -> dict[str, float]:
    """Mean and bounds of the 95 % interval of each: ``C``, ``C_low``, ``C_high``, ..."""
    out: dict[str, float] = {}
    for name, e in names.items():
        out |= {name: e.mean, f"{name}_low": e.low, f"{name}_high": e.high}
    return out


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV, with a heading for every key; what has no value is empty.

    Examples
    --------
    >>> print(csv_text([{"network": "a, b", "C": 1.5}, {"network": "c", "C": float("nan")}]), end="")
    network,C
    "a, b",1.5
    c,
    """
    headings = list(dict.fromkeys(key for row in rows for key in row))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([_cell(row.get(key)) for key in headings])
    return file.getvalue()


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else repr(value)


def latex_text(tables: Sequence[TextTable]) -> str:
    """Tables as LaTeX for the package booktabs, one ``tabular`` each, below its title as a comment.

    Examples
    --------
    >>> print(latex_text([TextTable("5 seeds", ("network", "ΔC"), [("my_net", "+0.5 [0.1, 0.9] *")])]), end="")
    % needs \\usepackage{booktabs}
    % 5 seeds
    \\begin{tabular}{lr}
    \\toprule
    network & $\\Delta$C \\\\
    \\midrule
    my\\_net & +0.5 [0.1, 0.9] $^*$ \\\\
    \\bottomrule
    \\end{tabular}
    """
    parts = ["% needs \\usepackage{booktabs}"]
    for table in tables:
        parts += [
            f"% {printable(table.title)}",
            f"\\begin{{tabular}}{{l{'r' * (len(table.headings) - 1)}}}",
            "\\toprule",
        ]
        parts += [_line(table.headings), "\\midrule", *map(_line, table.rows), "\\bottomrule", "\\end{tabular}", ""]
    return "\n".join(parts[:-1]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join("".join(_SPECIAL.get(c, c) for c in printable(cell)) for cell in cells) + " \\\\"
