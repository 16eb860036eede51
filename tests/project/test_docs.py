"""The documentation without building it: pages are reachable, links resolve, commands parse, snippets compile."""

from __future__ import annotations

import re
import runpy
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main
from helpers import ROOT

import hetero_rsnn
from hetero_rsnn.cli import app

DOCS = ROOT / "docs"
PAGES = sorted(
    p for p in DOCS.rglob("*.md") if not p.relative_to(DOCS).parts[0].startswith("_") and "_build" not in p.parts
)
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *PAGES]}
FENCE = re.compile(r"^(`{3,}|:{3,})\{?([\w-]*)\}?[^\n]*\n(.*?)^\1[ ]*$", re.MULTILINE | re.DOTALL)
#: Pages whose snippets need what is not installed.
NEEDS_MORE = {"docs/scaling.md", "docs/interop.md"} | (
    set() if find_spec("torch") else {"docs/early_decisions.md", "docs/one_bit.md", "docs/control.md"}
)


def blocks(text: str, *languages: str) -> list[str]:
    return [re.sub(r"^   ", "", code, flags=re.MULTILINE) for _, language, code in FENCE.findall(text)
            if language in languages]  # fmt: skip


def prose(text: str) -> str:
    """Without code, in which brackets and parentheses mean something else."""
    text = re.sub(r"^ *(`{3,})[^\n]*\n.*?^ *\1 *$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "", text)


def anchors(text: str) -> set[str]:
    """What a link may name behind #, made of headings as GitHub and MyST make it."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def commands() -> list[tuple[str, str]]:
    """Command lines of hetero-rsnn in blocks of shell, and in indented blocks."""
    found = []
    for page, text in TEXTS.items():
        lines = [line for code in blocks(text, "bash") for line in code.replace("\\\n", " ").splitlines()]
        lines += re.findall(r"^ +(hetero-rsnn .+)$", text, re.MULTILINE)
        for line in lines:
            for part in re.split(r"&&|;|\|", line):
                if part.strip().startswith("hetero-rsnn "):
                    found.append((page, part.split(" #")[0].split(">")[0].strip()))
    return list(dict.fromkeys(found))


def test_there_is_something_to_test():
    assert len(PAGES) > 20
    assert len(commands()) > 30
    assert {"docs/tutorial.md", "docs/howto/own_data.md"} <= TEXTS.keys()


def entries(page: Path) -> set[Path]:
    """Pages that the toctrees of a page name; an entry with * stands for all that match."""
    found: set[Path] = set()
    for code in blocks(page.read_text(encoding="utf-8"), "toctree"):
        for line in code.splitlines():
            if line.strip() and not line.startswith(":"):
                pattern = (page.parent / f"{line.strip()}.md").resolve()
                found |= set(pattern.parent.glob(pattern.name)) if "*" in pattern.name else {pattern}
    return found


def test_every_page_is_in_a_toctree():
    reached, ahead = set(), {(DOCS / "index.md").resolve()}
    while ahead:
        page = ahead.pop()
        assert page.is_file(), f"a toctree names {page}"
        reached.add(page)
        ahead |= {p for p in entries(page) if "_generated" not in p.parts} - reached
    included = {DOCS / "search.md"}  # by searching.md: Sphinx has a page search.html of its own
    assert {p.resolve() for p in PAGES} - {p.resolve() for p in included} <= reached


@pytest.mark.parametrize("page", TEXTS)
def test_links_and_images_resolve(page: str):
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(TEXTS[page])):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (folder / path).resolve() if path else ROOT / page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), target
    for target in re.findall(r"^```\{include\} (\S+)", TEXTS[page], re.MULTILINE):
        assert (folder / target).exists(), target
    for target in re.findall(r"^:link: (\S+)", TEXTS[page], re.MULTILINE):
        assert (folder / f"{target}.md").exists(), target


@pytest.mark.parametrize(("page", "line"), commands())
def test_command_lines_parse(page: str, line: str):
    command = typer.main.get_command(app)
    words = shlex.split(line.replace("...", ""))[1:]
    name = "hetero-rsnn"
    while True:
        with command.make_context(name, list(words), resilient_parsing=name == "hetero-rsnn") as context:
            rest = [*getattr(context, "_protected_args", []), *context.args]
        if not rest or not hasattr(command, "get_command"):
            break
        name, *words = rest
        below = command.get_command(context, name)
        assert below is not None, f"{page}: no command {name!r} in {line!r}"
        command = below
    assert not rest, f"{page}: {line}"


@pytest.mark.parametrize("page", [page for page, text in TEXTS.items() if blocks(text, "python")])
def test_python_compiles(page: str):
    for code in blocks(TEXTS[page], "python"):
        compile(code, page, "exec")


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [p for p, text in TEXTS.items() if p not in {"README.md", *NEEDS_MORE} and blocks(text, "python")]
)
def test_python_runs(page: str, tmp_path, monkeypatch, capsys):
    """The blocks of a page one after the other, as a reader would paste them."""
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(TEXTS[page], "python")), encoding="utf-8")
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out


def test_every_public_name_is_in_the_reference():
    listed = [
        line.strip()
        for code in blocks(TEXTS["docs/api.md"], "eval-rst")
        for line in code.splitlines()
        if re.fullmatch(r" *\w+", line)
    ]
    assert listed[: len(hetero_rsnn.__all__)] == hetero_rsnn.__all__  # in the order in which data flows


def test_plots_in_the_reference_exist():
    for part in re.split(r"currentmodule:: ", TEXTS["docs/api.md"])[2:]:
        module, _, rest = part.partition("\n")
        known = __import__(module.strip(), fromlist=["*"])
        names = [name for name in re.findall(r"^ *(\w+)$", rest.split(".. currentmodule")[0], re.MULTILINE)]
        assert names and not [name for name in names if not hasattr(known, name)], module


def test_no_column_of_a_table_is_without_a_name():
    """A reader of a screen is told the heading of each cell."""
    for page, text in TEXTS.items():
        for head in re.findall(r"^(\|.*\|)[ ]*\n\|[-:| ]+\|[ ]*$", text, re.MULTILINE):
            assert all(cell.strip() for cell in head.strip("|").split("|")), (page, head)


def test_every_command_is_in_the_reference():
    wanted = {""}
    for name, command in typer.main.get_command(app).commands.items():
        wanted |= {name, *(f"{name} {below}" for below in getattr(command, "commands", {}))}
    shown = {name.strip() for name in re.findall(r"^```\{command-help\}(.*)$", TEXTS["docs/cli.md"], re.MULTILINE)}
    assert shown == wanted
