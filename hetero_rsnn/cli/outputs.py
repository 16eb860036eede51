"""Files that commands write to: refused before the work where they cannot be, written after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hetero_rsnn.common.errors import HeteroError, OutputError
from hetero_rsnn.common.files import output_folder
from hetero_rsnn.common.text import printable

if TYPE_CHECKING:
    from hetero_rsnn.common.tables import TextTable
    from hetero_rsnn.report.page import Page

#: Heading of options in the help of commands that have many.
OUTPUT = "Results"

# Files that results go to besides results.json.
FigureFile = Annotated[
    Path | None,
    typer.Option(
        "--figure", help="Draw to this .pdf, .png or .svg instead of figure.png of --out.", rich_help_panel=OUTPUT
    ),
]
Csv = Annotated[
    Path | None, typer.Option("--csv", help="Write the table to this .csv file too.", rich_help_panel=OUTPUT)
]
Latex = Annotated[
    Path | None, typer.Option("--latex", help="Write the tables to this .tex file too.", rich_help_panel=OUTPUT)
]
_ENDINGS = {"--figure": (".pdf", ".png", ".svg"), "--csv": (".csv",), "--latex": (".tex",), "--html": (".html",)}


def free_file(path: Path, option: str, overwrite: bool) -> None:
    """Refuse, before the work, a file that is there already or cannot be written."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder: choose another {option}")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already: choose another {option}, or add --overwrite")
    writable_folder(path.parent, option)


def writable_folder(folder: Path, option: str = "--out") -> Path:
    """Make a folder that can be written; the error names the option that chooses another."""
    try:
        return output_folder(folder)
    except OutputError as error:
        raise OutputError(error.reason, fix=f"choose another {option}") from None


@dataclass(frozen=True)
class Tables:
    """Figure, tables and page to files that were asked for by name; see `FigureFile`, `Csv` and `Latex`."""

    figure: Path | None
    csv: Path | None
    latex: Path | None
    html: Path | None = None

    def refuse(self, overwrite: bool) -> None:
        """Refuse, before the work, what has another ending, is there already or cannot be written."""
        named = {"--figure": self.figure, "--csv": self.csv, "--latex": self.latex, "--html": self.html}
        for option, path in named.items():
            if path is None:
                continue
            if path.suffix not in _ENDINGS[option]:
                rule = " or ".join(_ENDINGS[option])
                raise HeteroError(f"{option} must name a file that ends in {rule}, got {str(path)!r}: rename it")
            free_file(path, option, overwrite)

    def write(
        self, rows: list[dict[str, Any]], tables: Sequence[TextTable], page: Callable[[], Page] | None = None
    ) -> None:
        """Write the tables and the page; the figure is for who draws it."""
        from hetero_rsnn.common.files import write_text
        from hetero_rsnn.report.table_files import csv_text, latex_text

        if self.csv is not None:
            write_text(self.csv, csv_text(rows))
        if self.latex is not None:
            write_text(self.latex, latex_text(tables))
        if self.html is not None and page is not None:
            write_text(self.html, page().text())

    def told(self) -> str:
        """A line more on what was written, if anything was."""
        apart = [printable(path) for path in (self.figure, self.csv, self.latex, self.html) if path is not None]
        return f"\nwrote {', '.join(apart)}" if apart else ""
