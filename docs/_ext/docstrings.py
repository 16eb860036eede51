"""What the docstrings of the package need to be read as numpydoc by Sphinx."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def separate_references(_app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Make each entry of a section References an item of a list: an entry begins where the last line ended with a dot."""
    for start, line in enumerate(lines[:-1]):
        if line.strip() == "References" and set(lines[start + 1].strip()) == {"-"}:
            break
    else:
        return
    fresh, row = True, start + 2
    while row < len(lines) and not (row + 1 < len(lines) and lines[row + 1].strip().startswith("----")):
        text = lines[row].strip()
        if text:
            lines[row] = f"* {text}" if fresh else f"  {text}"
            fresh = text.endswith((".", ").", '."'))
        row += 1


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in before napoleon, which turns sections into markup."""
    app.connect("autodoc-process-docstring", separate_references, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
