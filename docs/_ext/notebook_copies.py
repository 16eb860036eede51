"""Notebooks of the repository, copied to where Sphinx finds them, each with a line to download it."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path


def with_download(text: str, name: str, way: str) -> str:
    """The notebook with a link to itself below its introduction; `way` leads from the copy to the original."""
    notebook = json.loads(text)
    first = notebook["cells"][0]
    link = f"{{download}}`Download this notebook <{posixpath.join(way, name)}>` and run it yourself."
    source = first["source"] if isinstance(first["source"], list) else [first["source"]]
    first["source"] = [*source, "\n\n", link]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def copy_all(source: Path, folder: Path) -> None:
    """Copy every notebook; unchanged ones keep their date, and those that are gone go."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {path.name: path for path in source.glob("*.ipynb")}
    for old in folder.glob("*.ipynb"):
        if old.name not in found:
            old.unlink()
    way = posixpath.join("..", "..", "..", source.name)
    for name, path in found.items():
        text = with_download(path.read_text(encoding="utf-8"), name, way)
        copy = folder / name
        if not copy.is_file() or copy.read_text(encoding="utf-8") != text:
            copy.write_text(text, encoding="utf-8")


def write_profile(folder: Path) -> Path:
    """Write what kernels read at their start: figures are drawn as SVG, which is sharp at any size."""
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    settings = "c = get_config()\nc.InlineBackend.figure_formats = {'svg'}\n"
    (profile / "ipython_kernel_config.py").write_text(settings, encoding="utf-8")
    return folder
