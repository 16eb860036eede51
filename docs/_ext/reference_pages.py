"""The reference, grouped by job: each section of `docs/api.md` becomes a page, so that the sidebar has groups.

`api.md` stays one file, which reads well in a view of the repository. On the site it is the text before its first
heading, then a table of the groups. Pages are written below ``_generated/reference``, for Sphinx to find.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from sphinx.application import Sphinx

#: Where pages are written, below the folder of the documentation.
FOLDER = "_generated/reference"
_LINK = re.compile(r"\]\((?!\w+:|#)([^)\s]+)\)")
_ANCHOR = re.compile(r"\]\(([^)\s]*?)api\.md#([\w-]+)\)")


def slug(title: str) -> str:
    """What a link to the heading has behind #."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def sections(text: str) -> tuple[str, dict[str, str]]:
    """The text before the first heading of the second rank, and the content of each section by its title."""
    before, *rest = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return before, dict(zip(rest[::2], rest[1::2], strict=True))


def names(content: str) -> list[str]:
    """The public names that a section lists."""
    return re.findall(r"^   (\w+)$", content, re.MULTILINE)


def links(content: str) -> list[str]:
    """The same names, each a link to its page."""
    module, found = "hetero_rsnn", []
    for line in content.splitlines():
        if match := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = match[1]
        elif match := re.fullmatch(r"   (\w+)", line):
            found.append(f"{{py:obj}}`{match[1]} <{module}.{match[1]}>`")
    return found


def page(title: str, content: str) -> str:
    """A section as a page of its own: one folder further down, and with its module named."""
    content = content.replace(":toctree: _generated/api", ":toctree: ../api")
    content = _LINK.sub(lambda m: f"]({posixpath.join('../..', m[1])})", content)
    if "currentmodule" not in content:
        content = content.replace("```{eval-rst}\n", "```{eval-rst}\n.. currentmodule:: hetero_rsnn\n\n", 1)
    return f"# {title}\n{content}"


def overview(text: str) -> str:
    """What the page `api` is on the site."""
    before, found = sections(text)
    rows = [
        f"| [{title}]({FOLDER}/{slug(title)}.md) | {', '.join(links(content))} |" for title, content in found.items()
    ]
    entries = "\n".join(f"{FOLDER}/{slug(title)}" for title in found)
    table = "\n".join(["| for | names |", "|---|---|", *rows])
    return f"{before.rstrip()}\n\n{table}\n\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"


def write_pages(docs: Path) -> None:
    """Write the pages of all sections; unchanged ones keep their date, and those of old sections go."""
    folder = docs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    _, found = sections((docs / "api.md").read_text(encoding="utf-8"))
    wanted = {folder / f"{slug(title)}.md": page(title, content) for title, content in found.items()}
    for old in set(folder.glob("*.md")) - wanted.keys():
        old.unlink()
    for path, text in wanted.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def expand(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn `api` into its overview, and links to its sections into links to their pages."""
    if docname == "api":
        source[0] = overview(source[0])
    source[0] = _ANCHOR.sub(rf"](\g<1>{FOLDER}/\g<2>.md)", source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook in when a page is read. The pages themselves are written by `conf.py`, before Sphinx looks for files."""
    app.connect("source-read", expand)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
