"""What the site is made of besides its pages: numbers, formulas, the gallery, the reference in groups, notebooks."""

from __future__ import annotations

import ast
import json
import re
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from helpers import ROOT

import hetero_rsnn as hr

pytest.importorskip("sphinx")
DOCS = ROOT / "docs"
GALLERY = sorted((DOCS / "gallery").glob("plot_*.py"))
#: Scripts of the gallery that take more than a few seconds.
LONGER = {"plot_03_four_networks", "plot_04_sweep", "plot_05_search", "plot_08_early_decisions"}
NAMES = {"HoNHoS": "honhos", "HeNHoS": "henhos", "HoNHeS": "honhes", "HeNHeS": "henhes"}
#: The three numbers of an estimate, as their names end here.
ENDS = (("", "mean"), ("_low", "low"), ("_high", "high"))
#: By network: C, C_low, C_high and so on, as `compare` found them.
MEASURED = {
    name: {f"{q}{end}": e[key] for q, e in row.items() for end, key in ENDS}
    for name, row in json.loads((DOCS / "results" / "compare.json").read_text(encoding="utf-8"))["networks"].items()
}


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch):
    """Import a module of docs/_ext by its name."""
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    return import_module


def shown(value: float, text: str) -> bool:
    """Whether a text is a number, rounded to the digits that it has."""
    return f"{float(value):.{len(text.partition('.')[2])}f}" == text


# The front page


def test_the_front_page_explains_the_four_names_and_has_their_numbers():
    rows = re.findall(
        r"^\| \*\*(\w+)\*\* \| (.+) \| (.+) \| ([\d.]+) \| ([\d.]+) \|$", read("docs/index.md"), re.MULTILINE
    )
    assert [name for name, *_ in rows] == list(NAMES)
    for name, neurons, synapses, c, e in rows:
        words = [re.sub(r"\W", "", cell) for cell in (neurons, synapses)]
        assert words == [{"Ho": "homogeneous", "He": "heterogeneous"}[part] for part in (name[:2], name[3:5])]
        assert shown(MEASURED[NAMES[name]]["C"], c) and shown(MEASURED[NAMES[name]]["E"], e)


def test_the_result_in_one_sentence_follows_from_the_numbers():
    sentence = r"remember ([\d.]+) times as many .* and ([\d.]+) times as many for each spike"
    for quantity, said in zip("CE", re.search(sentence, read("docs/index.md")).groups(), strict=True):
        ratio = float(MEASURED["henhos"][quantity]) / float(MEASURED["honhos"][quantity])
        assert shown(str(ratio), said)


@pytest.mark.parametrize("page", ["README.md", "docs/findings.md"])
def test_tables_of_the_four_networks_are_of_the_same_file(page: str):
    rows = re.findall(r"^\| (H[oe]NH[oe]S) \| (.+) \|$", read(page), re.MULTILINE)[:4]
    assert [name for name, _ in rows] == list(NAMES)
    for name, cells in rows:
        c, s, *_, e = (re.findall(r"[\d.]+", cell) for cell in cells.split("|"))
        for quantity, found in (("C", c), ("S", s), ("E", e)):
            for end, text in zip(("", "_low", "_high"), found, strict=True):
                assert shown(MEASURED[NAMES[name]][quantity + end], text), (name, quantity + end)


def test_the_front_figure_is_drawn_from_the_file(extension):
    assert extension("draw_front").svg() == read("docs/front.svg"), "run docs/_ext/draw_front.py"


def test_what_the_front_page_shows_exists():
    text = read("docs/index.md")
    pictures = re.findall(r"^```\{image\} (\S+)", text, re.MULTILINE)
    scripts = re.findall(r"^   (gallery/\S+\.py)$", text, re.MULTILINE)
    assert pictures and len(scripts) >= 4
    assert not [name for name in pictures + scripts if not (DOCS / name).is_file()]
    assert text.count(":alt:") == len(pictures)


# Pages with numbers or keys of elsewhere


def test_times_of_backends_are_those_of_the_page_on_performance():
    timed = {}
    for name, cells in re.findall(r"^\| ([\w, ]+?) \| (.+) \|$", read("docs/performance.md"), re.MULTILINE):
        found = [re.match(r"[\d.]+", cell.strip()) for cell in cells.split("|")]
        if len(found) == 4 and all(found[:3]):
            timed[name.replace(",", "")] = ([m[0] for m in found[:3]], cells.rsplit("|", 1)[1].strip())
    rows = re.findall(r"^\| ((?:fast|numpy|Brian2)[\w, ]*?) \| (.+) \|$", read("docs/howto/backend.md"), re.MULTILINE)
    assert len(rows) == 10
    for name, cells in rows:
        times, start = timed[name.replace(",", "")]
        numbers = [cell.strip() for cell in cells.split("|")]
        assert numbers == times or start == f"cold {numbers[0]}, warm {numbers[1]}", name


def keys(heading: str) -> dict[str, str]:
    """First and last cell of the rows below a heading of the page on spaces."""
    part = read("docs/howto/space.md").split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([\w\[\].]+)` \| .* \| ([^|]+) \|$", part, re.MULTILINE))


def test_the_page_on_spaces_knows_every_key(tmp_path: Path):
    from hetero_rsnn.searching.space import SearchDefaults

    source = read("hetero_rsnn/searching/space_parsing.py")
    for heading, function in (("Keys of a parameter", "_parameter"), ("Keys of a scalar", "_scalar")):
        body = source.split(f"def {function}(")[1]
        known = re.search(r"_keys\(table, (\(.*?\)),", body)
        assert set(keys(heading)) == set(ast.literal_eval(known[1]))
    known = re.search(r"_known\(data, (\(.*?\)), \"the space file\"\)", read("hetero_rsnn/searching/space.py"))
    assert {re.sub(r"\.NAME|\W", "", key) for key in keys("Keys of the file")} == set(ast.literal_eval(known[1]))
    assert {k: int(v) for k, v in keys("Keys of `[search]`").items()} == vars(SearchDefaults())
    (tmp_path / "mine.toml").write_text(re.search(r"```toml\n(.*?)```", read("docs/howto/space.md"), re.DOTALL)[1])
    assert len(hr.load_space(tmp_path / "mine.toml").dimensions) == 4


def test_what_a_search_is_said_to_print_is_what_it_prints():
    from hetero_rsnn.searching.wording import beyond

    space = hr.load_space("quick")
    (gain,) = (d for d in space.dimensions if d.name == "input gain")
    assert f"```text\n{beyond(gain, gain.high)}\n```" in read("docs/howto/reading_a_search.md")


@pytest.mark.slow
def test_the_script_of_brian2_runs(tmp_path: Path):
    """Others' scripts on the page need packages that are not here."""
    code = re.search(r"```\{code-block\} python\n(from brian2.*?)```", read("docs/coming_from.md"), re.DOTALL)[1]
    script = tmp_path / "theirs.py"
    script.write_text('from brian2 import prefs\nprefs.codegen.target = "numpy"\n' + code)
    # In a process of its own, since it changes Brian2's settings.
    done = subprocess.run([sys.executable, str(script)], check=True, cwd=tmp_path, capture_output=True, text=True)
    assert int(done.stdout.split()[-1]) > 100


# Formulas


def formulas() -> list[tuple[str, str, bool]]:
    found = []
    for path in sorted([*DOCS.glob("*.md"), *DOCS.glob("howto/*.md")]):
        text = re.sub(r"^(`{3,})[^\n]*\n.*?^\1", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        found += [(path.name, tex, True) for tex in re.findall(r"^\$\$\n(.*?)^\$\$$", text, re.MULTILINE | re.DOTALL)]
        lines = re.sub(r"^\$\$\n.*?^\$\$$|`[^`\n]+`", "", text, flags=re.MULTILINE | re.DOTALL)
        found += [(path.name, tex, False) for tex in re.findall(r"(?<!\$)\$([^$\n]+)\$", lines)]
    return found


def test_formulas_become_elements_that_browsers_draw(extension):
    mathml = extension("mathml").mathml
    found = formulas()
    assert {page for page, _, block in found if block} >= {"model.md", "measures.md", "control.md"}
    for page, tex, block in found:
        assert mathml(tex, block).startswith("<math "), (page, tex)


def test_a_formula_that_cannot_be_translated_stops_the_build(extension):
    from sphinx.errors import ExtensionError

    with pytest.raises(ExtensionError, match="nosuchcommand"):
        extension("mathml").mathml(r"\nosuchcommand{x}", block=True)


# The gallery


def test_the_gallery_is_there():
    assert len(GALLERY) >= 10 and {path.stem for path in GALLERY} >= LONGER


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_a_script_is_short_and_says_what_it_shows(path: Path, extension):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    title, line, *_ = ast.get_docstring(tree).splitlines()
    assert set(line) == {"="} and len(line) == len(title)
    code = [
        line for line in text.split('"""')[2].splitlines() if line.strip() and not line.startswith(("import", "from"))
    ]
    assert 7 <= len(code) <= 20
    assert text.rstrip().endswith("plt.show()") and text.count("plt.show()") == 1
    assert len(extension("gallery_figures").shows(path)) > 60
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_")
            if isinstance(node.value, ast.Name) and node.value.id == "hr":
                assert node.attr in hr.__all__, node.attr


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=p.stem, marks=[pytest.mark.slow] * (p.stem in LONGER)) for p in GALLERY]
)
def test_a_script_of_the_gallery_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    try:
        runpy.run_path(str(path))
        assert [f for f in map(plt.figure, plt.get_fignums()) if f.axes]
        assert capsys.readouterr().out
        assert not list(tmp_path.iterdir())  # scripts leave nothing behind
    finally:
        plt.close("all")


def test_a_picture_that_stands_for_none_is_removed(extension, tmp_path: Path):
    thumbs = tmp_path / "images" / "thumb"
    thumbs.mkdir(parents=True)
    for name in ("a.png", "a.svg"):
        (thumbs / name).touch()
    extension("gallery_figures").remove_placeholders(tmp_path)
    assert [path.name for path in thumbs.iterdir()] == ["a.svg"]


# The reference in groups


def test_every_section_of_the_reference_is_a_page(extension, tmp_path: Path):
    pages: ModuleType = extension("reference_pages")
    text = read("docs/api.md")
    _, sections = pages.sections(text)
    assert [name for content in sections.values() for name in pages.names(content)][: len(hr.__all__)] == hr.__all__
    (tmp_path / "api.md").write_text(text)
    pages.write_pages(tmp_path)
    written = {path.stem: path.read_text() for path in (tmp_path / pages.FOLDER).glob("*.md")}
    assert written.keys() == {pages.slug(title) for title in sections}
    overview = pages.overview(text)
    assert "{py:obj}`draw <hetero_rsnn.draw>`, {py:obj}`Draw <hetero_rsnn.Draw>`" in overview
    assert "{py:obj}`plot_raster <hetero_rsnn.plots.plot_raster>`" in overview
    assert overview.count("{py:obj}") == sum(len(pages.names(content)) for content in sections.values())
    for name, page in written.items():
        assert f"{pages.FOLDER}/{name}\n" in overview and f"({pages.FOLDER}/{name}.md)" in overview
        assert page.count("currentmodule") >= 1 and ":toctree: _generated" not in page
        for link in re.findall(r"\]\(([^)#]+)\)", page):
            assert (DOCS / pages.FOLDER / link).resolve().exists(), link


def test_links_to_a_section_of_the_reference_lead_to_its_page(extension):
    source = ["see [it](../api.md#data-sets) and [all](../api.md)"]
    extension("reference_pages").expand(None, "howto/own_data", source)
    assert source == ["see [it](../_generated/reference/data-sets.md) and [all](../api.md)"]


# Notebooks


def test_a_notebook_of_the_site_can_be_downloaded(extension, tmp_path: Path):
    copies = extension("notebook_copies")
    (tmp_path / "notebooks").mkdir()
    text = read("notebooks/first_steps.ipynb")
    (tmp_path / "notebooks" / "first_steps.ipynb").write_text(text)
    folder = tmp_path / "docs" / "_generated" / "notebooks"
    folder.mkdir(parents=True)
    (folder / "gone.ipynb").write_text("{}")
    copies.copy_all(tmp_path / "notebooks", folder)
    assert [path.name for path in folder.iterdir()] == ["first_steps.ipynb"]
    copy, original = json.loads((folder / "first_steps.ipynb").read_text()), json.loads(text)
    link = re.search(r"\{download\}`[\w ]+ <(.+)>`", "".join(copy["cells"][0]["source"]))[1]
    assert (folder / link).resolve() == (tmp_path / "notebooks" / "first_steps.ipynb").resolve()
    assert copy["cells"][1:] == original["cells"][1:]


def test_figures_of_notebooks_are_drawn_as_svg(extension, tmp_path: Path):
    config = extension("notebook_copies").write_profile(tmp_path) / "profile_default" / "ipython_kernel_config.py"
    compile(config.read_text(), str(config), "exec")
    assert "svg" in config.read_text()
