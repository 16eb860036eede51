"""Entries with ``*`` in a toctree: replaced by the pages that match and are not named before, or by nothing.

Sphinx's own ``:glob:`` warns about a pattern without a match, and so would refuse a notebook that is not there.
"""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase

from sphinx.application import Sphinx

_TOCTREE = re.compile(r"(?<=^```{toctree}\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)


def expand(app: Sphinx, docname: str, source: list[str]) -> None:
    """Expand the patterns of one page."""
    folder, pages = posixpath.dirname(docname), sorted(app.env.found_docs)

    def entries(match: re.Match[str]) -> str:
        lines: list[str] = []
        for line in match[0].splitlines():
            if "*" not in line:
                lines.append(line)
                continue
            pattern = posixpath.normpath(posixpath.join(folder, line.strip()))
            found = [f"/{page}" for page in pages if fnmatchcase(page, pattern)]
            lines += [page for page in found if page not in lines]
        return "".join(f"{line}\n" for line in lines)

    source[0] = _TOCTREE.sub(entries, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in when a page is read."""
    app.connect("source-read", expand)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
