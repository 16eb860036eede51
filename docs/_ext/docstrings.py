"""What the package's docstrings need beside numpydoc."""

from __future__ import annotations

import dataclasses
from typing import Any

from numpydoc.xref import DEFAULT_LINKS
from sphinx.application import Sphinx

#: Names that docstrings of `hetero_rsnn` mention and that live in a module below it.
BELOW = {
    name: f"hetero_rsnn.{module}.{name}"
    for module, name in (
        ("inputs.cochlea", "cochleagram"),
        ("measures.cutoff", "evidence"),
        ("jobs.executors", "make_runner"),
        ("estimators.readout", "RidgeReadout"),
    )
}


def find_below(app: Sphinx, env: Any, node: Any, text: Any) -> Any:
    """Resolve a name of `BELOW`."""
    if node.get("refdomain") != "py" or node["reftarget"] not in BELOW:
        return None
    target = BELOW[node["reftarget"]]
    return env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, text)


def separate_references(_app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Make a list of the section References: a new entry begins where the last line ended with a dot."""
    for start, line in enumerate(lines[:-1]):
        if line.strip() == "References" and set(lines[start + 1].strip()) == {"-"}:
            break
    else:
        return
    fresh = True
    for row in range(start + 2, len(lines)):
        if row + 1 < len(lines) and set(lines[row + 1].strip()) == {"-"}:  # the next section
            break
        if text := lines[row].strip():
            # The backslash keeps the initial of an author from being the number of a list.
            lines[row] = f"* \\{text}" if fresh else f"  {text}"
            fresh = text.endswith((".", ")."))


def hide_fields(_app: Sphinx, what: str, _name: str, obj: Any, _options: Any, signature: str, _result: str) -> Any:
    """Leave out the constructor of data classes: functions make them, and their fields are listed as attributes."""
    return ("", None) if what == "class" and dataclasses.is_dataclass(obj) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in before numpydoc, which turns sections into markup."""
    DEFAULT_LINKS.clear()  # they point into Python's and numpy's documentation, which is not at hand without a network
    app.connect("autodoc-process-docstring", separate_references, priority=400)
    app.connect("autodoc-process-signature", hide_fields)
    app.connect("missing-reference", find_below)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
