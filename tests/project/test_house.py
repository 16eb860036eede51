"""The house: floors that a linter keeps, names that no module hides, words and places that must stay true."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from helpers import ROOT, public_names

import hetero_rsnn as hr

PACKAGE = ROOT / "hetero_rsnn"
MODULES = sorted(PACKAGE.rglob("*.py"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

#: Libraries that stand behind a few modules (or packages): contract -> who may import them.
BEHIND = {
    "skopt": {"searching.surrogate", "searching.wasserstein"},
    "brian2": {"simulation.brian", "simulation.generated"},
    "numba": {
        "simulation.kernels",
        "simulation.generated",
        "gradient.lanes",
        "gradient.adjoint",
        "gradient.packed",
        "gradient.packing",
        "common.compiled",
        "control.acting_kernel",
        "control.events",
        "control.scan",
    },
    "matplotlib": {"plots", "report.search_page", "report.live"},
    "typer": {"cli"},
    "rich": {"cli", "report", "jobs.progress"},
    "neo": {"exchange.neo"},
    "nir": {"exchange.nir", "exchange.nir_feedforward"},
    "xarray": {"exchange.xarray"},
    "distributed": {"jobs.clusters"},
    "h5py": {"datasets.heidelberg"},
    "torch": {
        "gradient.module",
        "gradient.feedforward",
        "control.actors",
        "control.critics",
        "control.encoder",
        "control.layers",
        "control.passes",
        "control.practice",
        "control.relu_actor",
        "control.spiking_actor",
        "control.td3",
        "control.training",
    },
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """`lint-imports` on a copy of the package in a folder."""
    program = Path(sys.executable).with_name("lint-imports")
    call = [str(program) if program.exists() else "lint-imports", "--no-cache"]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, to be changed."""
    shutil.copytree(PACKAGE, tmp_path / "hetero_rsnn", ignore=shutil.ignore_patterns("__pycache__", "data", "assets"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_no_import_is_ignored():
    assert not [c["id"] for c in CONTRACTS if "ignore_imports" in c]
    (floors,) = (c for c in CONTRACTS if c["id"] == "floors")
    assert floors["exhaustive"] and floors["layers"][:2] == ["__main__", "cli"] and floors["layers"][-1] == "common"


def test_no_module_is_forgotten():
    """A contract names everybody who may not import its library: whole packages, or the other modules of one."""
    for contract in CONTRACTS:
        if contract["type"] != "forbidden":
            continue
        asked = set(contract["source_modules"])
        for init in PACKAGE.glob("*/__init__.py"):
            package = init.parent.name
            inside = {m for m in BEHIND[contract["id"]] if m.split(".")[0] == package}
            modules = {f"{package}.{p.stem}" for p in init.parent.glob("*.py")} - {f"{package}.__init__"}
            modules |= {f"{package}.{p.parent.name}" for p in init.parent.glob("*/__init__.py")}
            wanted = set() if package in inside else modules - inside if inside else {package}
            found = {m.removeprefix("hetero_rsnn.") for m in asked if m.split(".")[1] == package}
            assert found == wanted, (contract["id"], package)
    assert {c["id"] for c in CONTRACTS if c["type"] == "forbidden"} == BEHIND.keys()


def test_every_contract_is_kept(copy):
    found = lint(copy)
    assert found.returncode == 0, found.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in found.stdout


@pytest.mark.parametrize(
    ("module", "line", "words"),
    [
        ("measures/memory.py", "from hetero_rsnn.experiments.measurement import measure", "lower floors only"),
        ("theory/neuron.py", "from hetero_rsnn.measures.scores import skill", "lower floors only"),  # sideways
        ("inputs/labels.py", "from hetero_rsnn.inputs.audio import AudioEncoder", ""),  # down: nothing to say
        ("inputs/samples.py", "from hetero_rsnn.inputs.encoders import CurrentEncoder", "No circle"),
        ("searching/space.py", "import skopt", "skopt"),
        ("network/draw.py", "def f():\n    import brian2", "brian2"),  # not inside a function either
        ("measures/efficiency.py", "import numba", "numba"),
        ("theory/rates.py", "import matplotlib", "matplotlib"),
        ("report/terminal.py", "import typer", "typer"),
        ("simulation/simulate.py", "import rich", "rich"),
        ("inputs/stimulus.py", "import torch", "torch"),
        ("simulation/many.py", "from hetero_rsnn.simulation.kernels import decay", "kernel"),
        ("newcomer/rooms.py", "", "newcomer"),  # a package without a floor
    ],
)
def test_a_bad_import_is_refused(copy, module, line, words):
    path = copy / "hetero_rsnn" / module
    if not path.parent.exists():
        path.parent.mkdir()
        (path.parent / "__init__.py").write_text("")
    old = path.read_text() if path.exists() else ""
    path.write_text(old + f"\n{line}\n")
    found = lint(copy)
    assert (found.returncode != 0) == bool(words), found.stdout
    assert words.lower() in (found.stdout + found.stderr).lower()


def test_what_is_imported_by_its_name_as_text_keeps_the_contracts_too():
    """``need("neo", ...)`` is an import that no linter sees."""
    for contract in CONTRACTS:
        for source in contract.get("source_modules", []) if contract["type"] == "forbidden" else []:
            place = ROOT.joinpath(*source.split("."))
            for path in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
                text = path.read_text(encoding="utf-8")
                asked = re.findall(r"""(?:need|import_module)\(\s*["'](\w+)""", text)
                assert not set(asked) & set(contract["forbidden_modules"]), (contract["id"], path)


def test_nobody_below_imports_the_whole():
    """What `hetero_rsnn` looks up when first used, no linter sees."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            whole = isinstance(node, ast.ImportFrom) and node.module == "hetero_rsnn" and not node.level
            assert "hetero_rsnn" not in names and (not whole or path == PACKAGE / "__init__.py"), path


@pytest.mark.parametrize("package", ["hetero_rsnn", "hetero_rsnn.plots", "hetero_rsnn.cli"])
def test_no_name_is_hidden_by_a_module(package):
    """``hr.draw`` would be a module as soon as one of that name lay directly below ``hetero_rsnn``."""
    folder = Path(import_module(package).__file__).parent
    below = {p.stem for p in folder.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    names = set(dir(import_module(package))) - {"plots"}
    assert not names & below


def test_packages_say_what_is_in_them():
    for init in PACKAGE.glob("*/__init__.py"):
        said = set(re.findall(r"``(\w+)``", ast.get_docstring(ast.parse(init.read_text())) or ""))
        there = {p.stem for p in init.parent.glob("*.py")} - {"__init__", "__main__"}
        assert there <= said, init
        code = [n for n in ast.parse(init.read_text()).body if not isinstance(n, ast.Expr)]
        assert not code or init.parent.name in ("plots", "cli"), init


def test_public_names_are_complete():
    """Every error there is, and every class of ours that a public function says it returns."""
    errors = import_module("hetero_rsnn.common.errors")
    assert {n for n, v in vars(errors).items() if inspect.isclass(v) and issubclass(v, Exception)} <= set(hr.__all__)
    for name in public_names():
        function = getattr(hr, name)
        if inspect.isfunction(function):
            for word in re.findall(r"[A-Z]\w+", str(function.__annotations__.get("return", ""))):
                found = getattr(inspect.getmodule(function), word, None)
                ours = inspect.isclass(found) and found.__module__.startswith("hetero_rsnn")
                assert not ours or word in hr.__all__, f"{name} returns {word}"


def test_the_picture_is_that_of_the_imports(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    floors = import_module("floors")
    assert floors.svg() == (ROOT / "docs" / "floors.svg").read_text(encoding="utf-8"), "run docs/_ext/floors.py"


def test_no_message_of_the_library_speaks_of_the_command_line():
    """What an option can mend, the command line adds; a library message names the cause."""
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] == "cli":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docstrings = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, documented) and ast.get_docstring(n)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                words = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", node.value))
                assert words <= {"--upgrade", "--width", "--share"}, (path, words)  # of pip, and of style sheets


def test_no_place_is_left_to_fill_in():
    """But the one for reports of security, which no address exists for yet."""
    skipped = {"tests", "results", "floors.svg"}
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    found = []
    for name in files or [p.relative_to(ROOT).as_posix() for p in MODULES]:
        path = ROOT / name
        if not skipped & set(Path(name).parts) and path.suffix in {".md", ".py", ".toml", ".yml", ".yaml", ".cff", ""}:
            text = path.read_text(encoding="utf-8")
            found += [(name, m[0]) for m in re.finditer(r"FILL IN[^>\n-]*|\bTODO\b|\bFIXME\b|\bXXX\b|your-?org", text)]
    assert found == [("SECURITY.md", "FILL IN: address for reports ")]
