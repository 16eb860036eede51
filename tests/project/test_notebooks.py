"""The tutorials as files: stripped, short cells, public names only. That they run is nbmake's business (.ci/run)."""

from __future__ import annotations

import ast
import re

import nbformat
import pytest
from helpers import ROOT

import hetero_rsnn as hr

FOLDER = ROOT / "notebooks"
#: In the order in which they are read.
TITLES = {
    "first_steps": "First steps",
    "measuring_memory": "Measuring memory",
    "searching_heterogeneity": "Searching heterogeneity",
    "train_by_gradients": "Train by gradients",
    "control": "Control",
    "own_network_and_data": "Your own network, your own data",
}


def code_of(notebook: nbformat.NotebookNode) -> list[str]:
    """Python of the code cells, without IPython's magics."""
    return [re.sub(r"^%.*\n?", "", c.source, flags=re.MULTILINE) for c in notebook.cells if c.cell_type == "code"]


def prose_of(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


@pytest.fixture(params=TITLES)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{request.param}.ipynb", as_version=4)


def test_all_are_known():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(TITLES)


def test_the_files_are_valid_and_bare(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        if cell.metadata:  # what a figure shows, for those who cannot see it: the site gives it to readers of screens
            assert cell.cell_type == "code"
            assert cell.metadata.keys() == {"mystnb"} and cell.metadata.mystnb.keys() == {"image"}
            assert cell.metadata.mystnb.image.keys() == {"alt"} and len(cell.metadata.mystnb.image.alt) > 40
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


def test_every_figure_says_what_it_shows(notebook):
    drawn = re.compile(r"^\s*(plt\.show\(|plots\.plot_\w+\(.*\)(;|\[0\]\.figure)$)", re.MULTILINE)
    for cell in notebook.cells:
        if cell.cell_type == "code" and drawn.search(cell.source):
            assert cell.metadata, cell.source


def test_cells_are_short_and_none_is_empty(notebook):
    for cell in notebook.cells:
        assert cell.source.strip()
        assert len(cell.source.splitlines()) <= 15, cell.source
        if cell.cell_type == "code":
            assert max(map(len, cell.source.splitlines())) <= 88, cell.source  # as wide as a page shows


def test_one_title_and_a_way_onward(notebook, request):
    prose = prose_of(notebook)
    headings = re.findall(r"^(#+) (.+)$", prose, flags=re.MULTILINE)
    assert [text for level, text in headings if level == "#"] == [TITLES[request.node.callspec.params["notebook"]]]
    assert notebook.cells[0].source.startswith("# ")
    assert {level for level, _ in headings} == {"#", "##"}
    assert headings[-1] == ("##", "Where to go next")
    assert not re.search(r"\]\(|https?://", prose)  # links of a page are none in a notebook, and the other way round


def test_other_notebooks_are_called_by_their_titles(notebook):
    known = [
        *TITLES.values(), "The model", "The measures", "Tasks", "Searching distributions", "Scaling", "Gradients",
        "Control",
    ]  # fmt: skip
    last = notebook.cells[-1].source
    for name in re.findall(r"(?:notebook|page|pages|own|and) \*([A-Z][^*]+)\*", last):
        assert name in known, name


def test_the_environment_is_read_once_in_the_first_code_cell(notebook):
    cells = code_of(notebook)
    assert "HETERO_RSNN_QUICK" in cells[0]
    assert sum("os.environ" in cell for cell in cells) == 1
    assert sum(cell.count("QUICK") for cell in cells[1:]) > 0


def test_only_public_names(notebook):
    for cell in code_of(notebook):
        for node in ast.walk(ast.parse(cell)):
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_"), cell
                if isinstance(node.value, ast.Name) and node.value.id == "hr":
                    assert node.attr in hr.__all__, node.attr
            if isinstance(node, ast.ImportFrom | ast.Import):
                for alias in node.names:
                    assert not any(part.startswith("_") for part in alias.name.split(".")), cell


def test_what_is_written_goes_to_a_folder_that_is_removed(notebook):
    text = "\n".join(code_of(notebook))
    if re.search(r"write_text|save|journal", text):
        assert "tempfile.TemporaryDirectory()" in text and text.rstrip().endswith("cleanup()")
