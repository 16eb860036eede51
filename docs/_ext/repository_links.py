"""Links that are right in a view of the repository, made right for the site.

Pages may link to files outside `docs/`, and to `docs/search.md`, whose name Sphinx needs for its own page. Those that
are pages of the site under another name are mapped here; Sphinx offers other files as downloads.
"""

from __future__ import annotations

import posixpath
import re

from sphinx.application import Sphinx

#: File of the repository -> page of the site.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "docs/search.md": "searching.md",
    "analysis/README.md": "studies.md",
    "hetero_rsnn/datasets/data/README.md": "data_sources.md",
}


def relink(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace links of a page to files that have a page of their own."""
    folder = posixpath.join("docs", posixpath.dirname(docname))

    def page(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        if target not in PAGES:
            return match[0]
        return f"]({posixpath.relpath(posixpath.join('docs', PAGES[target]), folder)}"

    source[0] = re.sub(r"\]\(([^)#:\s]+)", page, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in when a page is read."""
    app.connect("source-read", relink)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
