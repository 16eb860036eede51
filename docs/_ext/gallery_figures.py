"""Figures of the gallery: as SVG, each with the last paragraph of its script's text as alternative text."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any


def shows(script: Path) -> str:
    """The sentence or two that tell the result: the last paragraph of a script's docstring."""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[-1].split())


def scrape(block: Any, variables: dict[str, Any], settings: dict[str, Any]) -> str:
    """Save the figures of a block, and say what they show."""
    from sphinx_gallery.scrapers import matplotlib_scraper

    found = str(matplotlib_scraper(block, variables, settings, format="svg"))
    return re.sub(r"(?<=:alt: ).*", lambda _: shows(Path(variables["src_file"])), found)


def remove_placeholders(folder: Path) -> None:
    """Remove thumbnails that a build without running scripts left: ours are SVG, and a PNG would win over them."""
    for path in (folder / "images" / "thumb").glob("*.png"):
        path.unlink()
