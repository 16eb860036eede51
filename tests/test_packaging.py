"""What is shipped, and what importing costs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hetero_rsnn as hr
from hetero_rsnn import netfile

ROOT = Path(__file__).resolve().parent.parent


def test_every_public_name_is_there():
    for name in hr.__all__:
        assert getattr(hr, name) is not None
    assert set(hr.__all__) <= set(dir(hr))
    with pytest.raises(AttributeError, match="no_such_name"):
        hr.no_such_name  # noqa: B018


def test_functions_are_not_hidden_by_modules_of_their_name():
    code = "import hetero_rsnn.study, hetero_rsnn as hr; assert callable(hr.draw) and callable(hr.simulate)"
    subprocess.run([sys.executable, "-c", code + " and callable(hr.heterogeneity)"], check=True, cwd=ROOT)


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
    }
    code = f"import sys, hetero_rsnn; print(sorted({heavy!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True).stdout
    assert out.strip() == "[]"


def test_locator_prefers_the_installed_folder(tmp_path, monkeypatch):
    package = tmp_path / "site" / "hetero_rsnn"
    (package / "_networks").mkdir(parents=True)
    (package / "_networks" / "lif_stdp.toml").write_text("")
    monkeypatch.setattr(netfile, "_PACKAGE", package)
    assert netfile.networks_folder() == package / "_networks"
    monkeypatch.setattr(netfile, "_PACKAGE", tmp_path / "nowhere" / "hetero_rsnn")
    with pytest.raises(hr.NetworkError, match="missing"):
        netfile.networks_folder()


def test_no_machine_is_named_and_no_pickle_read():
    for file in [*ROOT.glob("hetero_rsnn/*.py"), *ROOT.glob("docs/*.md"), ROOT / "README.md"]:
        text = file.read_text()
        assert "allow_pickle=True" not in text and "import pickle" not in text, file
        assert not re.search(r"(^|[^a-z.])/(work|root|home|tmp)/[a-z]", text), file


def test_version_and_dependencies_stand_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [f for f in ROOT.glob("hetero_rsnn/*.py") if f'"{project["version"]}"' in f.read_text()]
    names = {d.split(">")[0].split("<")[0].strip() for d in project["dependencies"]}
    assert {"brian2", "numpy", "scipy", "scikit-optimize", "matplotlib", "numba", "typer", "rich"} <= names
    for dependency in project["dependencies"]:
        assert ">=" in dependency and "<" in dependency, dependency
