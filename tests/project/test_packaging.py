"""What is shipped, and what importing costs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from helpers import ROOT, public_names

import hetero_rsnn as hr
from hetero_rsnn.network import shipped


def test_every_public_name_is_there():
    for name in public_names():
        assert getattr(hr, name) is not None
    assert set(hr.__all__) <= set(dir(hr))
    with pytest.raises(AttributeError, match="no_such_name"):
        hr.no_such_name  # noqa: B018


def test_functions_are_not_hidden_by_modules_of_their_name():
    code = "import hetero_rsnn.experiments.measurement, hetero_rsnn.searching.search, hetero_rsnn as hr; "
    code += "assert all(map(callable, (hr.draw, hr.simulate, hr.search, hr.heterogeneity)))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_import_is_light():
    heavy = {
        "brian2",
        "numba",
        "matplotlib",
        "skopt",
        "sklearn",
        "scipy.stats",
        "scipy.signal",
        "sympy",
        "typer",
        "rich",
        "neo",
        "quantities",
        "xarray",
        "pandas",
        "nir",
        "h5py",
        "torch",
        "gymnasium",
    }
    code = f"import sys, hetero_rsnn; print(sorted({heavy!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True).stdout
    assert out.strip() == "[]"


def test_locator_prefers_the_installed_folder(tmp_path, monkeypatch):
    package = tmp_path / "site" / "hetero_rsnn"
    (package / "_networks").mkdir(parents=True)
    (package / "_networks" / "lif_stdp.toml").write_text("")
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    assert shipped.networks_folder() == package / "_networks"
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "nowhere" / "hetero_rsnn")
    with pytest.raises(hr.NetworkError, match="missing"):
        shipped.networks_folder()


def test_no_pickle_is_read():
    for file in ROOT.joinpath("hetero_rsnn").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text and "import pickle" not in text, file


def texts() -> list[Path]:
    """Every text that is shipped, without what builds leave behind."""
    kinds = {".py", ".md", ".rst", ".toml", ".ipynb", ".json", ".css", ".js", ".svg", ".txt", ".cff"}
    folders = ("hetero_rsnn", "networks", "docs", "analysis", "notebooks", "benchmarks", "tests")
    files = [f for folder in folders for f in ROOT.joinpath(folder).rglob("*") if f.suffix in kinds]
    built = {"_build", "_generated", "__pycache__", ".ipynb_checkpoints"}
    files = [f for f in files if not built & set(f.relative_to(ROOT).parts)]
    top = [f for f in ROOT.iterdir() if f.suffix in kinds]
    return [*files, *top, ROOT / ".ci" / "run"]


#: Paths of one machine: of Linux, macOS and Windows.
MACHINE = re.compile(r"(?:^|[^a-z.])/(?:work|root|home|tmp|Users)/[A-Za-z]|\b[A-Z]:\\+Users\b")


def test_no_machine_is_named():
    found = texts()
    assert {f.relative_to(ROOT).parts[0] for f in found} >= {"docs", "analysis", "notebooks", "benchmarks", "tests"}
    assert ROOT / "docs" / "howto" / "cluster.md" in found
    named = {f: m[0] for f in found if (m := MACHINE.search(f.read_text(encoding="utf-8"))) and f != Path(__file__)}
    assert not named
    for text in (
        f"cd /{'home'}/ann",
        f"(/{'tmp'}/x)",
        "/Users/Ann",
        "C:\\Users\\Ann",
    ):  # what the pattern finds, and what not
        assert MACHINE.search(text), text
    for text in ("../tmp/x", "example.org/home/ann", "runs/tmp/x"):
        assert not MACHINE.search(text), text


def test_messages_name_extras_that_there_are():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = set()
    for file in ROOT.joinpath("hetero_rsnn").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        named |= set(re.findall(r'need\("[\w.]+", "(\w+)"', text))
        named |= set(re.findall(r"hetero[-_]rsnn\[(\w+)\]", text))
    assert {"neo", "xarray", "nir", "dask", "data", "notebook"} <= named <= set(extras)
    (own,) = (d for d in extras["dev"] if d.startswith("hetero-rsnn["))
    assert {"dask", "data", "docs", "interop", "notebook", "pandas"} == set(own[len("hetero-rsnn[") : -1].split(","))


def test_the_source_distribution_holds_every_part():
    """All that is under version control; `.gitignore` comes along by itself."""
    include = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["sdist"][
        "include"
    ]
    assert [name for name in include if not (ROOT / name).exists()] == []
    assert {"CITATION.cff", ".ci"} <= set(include)
    if (ROOT / ".git").exists():
        out = subprocess.run(["git", "ls-files"], check=True, cwd=ROOT, capture_output=True, text=True).stdout
        assert {line.split("/")[0] for line in out.splitlines()} - {".gitignore", "pyproject.toml"} <= set(include)


def test_version_and_dependencies_stand_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [f for f in ROOT.joinpath("hetero_rsnn").rglob("*.py") if f'"{project["version"]}"' in f.read_text()]
    names = {d.split(">")[0].split("<")[0].strip() for d in project["dependencies"]}
    assert {"brian2", "numpy", "scipy", "scikit-optimize", "matplotlib", "numba", "typer", "rich"} <= names
    for dependency in project["dependencies"]:
        assert ">=" in dependency and "<" in dependency, dependency
