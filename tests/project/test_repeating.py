"""What makes the package citable and its numbers repeatable: locked versions, and files that agree."""

from __future__ import annotations

import re
import runpy
import tomllib

import pytest
from helpers import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = dict(line.split("==") for line in LOCK.splitlines() if not line.startswith("#"))
SCRIPT = runpy.run_path(str(ROOT / ".ci" / "lock.py"), run_name="lock")


def wanted() -> list[Requirement]:
    """What the package and the locked extras ask for on Python 3.11."""
    extras, found = PROJECT["optional-dependencies"], list(PROJECT["dependencies"])
    ahead = list(SCRIPT["EXTRAS"])
    while ahead:
        for text in extras[ahead.pop()]:
            own = re.fullmatch(r"hetero-rsnn\[(.+)\]", text)
            if own:
                ahead += own[1].split(",")
            else:
                found.append(text)
    environment = {"python_version": "3.11", "python_full_version": "3.11.7", "extra": ""}
    return [r for r in map(Requirement, found) if r.marker is None or r.marker.evaluate(environment)]


@pytest.mark.parametrize("requirement", wanted(), ids=lambda r: r.name)
def test_the_lock_fits_what_the_package_asks_for(requirement: Requirement):
    version = LOCKED[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version), f"run .ci/lock.py: {requirement} and {version}"


def test_the_lock_holds_names_and_exact_versions_alone():
    assert SCRIPT["text"](f"{name}=={version}" for name, version in LOCKED.items()) == LOCK
    for name, version in LOCKED.items():
        assert re.fullmatch(r"[a-z0-9-]+", name) and re.fullmatch(r"[0-9][0-9a-z.]*", version), (name, version)
    assert list(LOCKED) == sorted(LOCKED) and len(LOCKED) > 40
    assert not {"torch", "gymnasium", "mujoco", "hetero-rsnn"} & LOCKED.keys()


def test_the_lock_is_made_of_pips_report():
    entries = [("NumPy", "2.3.5"), ("hetero-rsnn", "0.1.0"), ("a_b.c", "1.0+cpu")]
    report = {"install": [{"metadata": {"name": n, "version": v}, "download_info": {"url": "x"}} for n, v in entries]}
    assert SCRIPT["lines"](report) == ["a-b-c==1.0", "numpy==2.3.5"]


def test_the_check_of_the_repository_installs_from_the_lock():
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "-r requirements.lock" in text and 'pip" check' in text


def test_the_image_is_made_of_files_that_there_are():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert {"requirements.lock", "hetero_rsnn", "networks", "pyproject.toml", "LICENSE"} <= set(copied)
    assert not [name for name in copied if not (ROOT / name).exists()]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[0] == "!"}
    assert kept == set(copied)
    assert any("-r requirements.lock" in line for line in lines)


def test_the_environment_of_conda_installs_the_lock():
    yaml = pytest.importorskip("yaml")
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = (entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    assert pip == ["-r requirements.lock", "."]
    assert f"python={SCRIPT['PYTHON']}" in content["dependencies"]


def test_the_citation_agrees_with_the_package_and_invents_nothing():
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "abstract", "type"} <= citation.keys()
    assert citation["version"] == PROJECT["version"] and citation["license"] == PROJECT["license"]
    assert citation["authors"] == PROJECT["authors"]
    assert {"STDP", "memory capacity"} <= set(citation["keywords"]) <= set(PROJECT["keywords"])
    # Nothing is known of these yet; a release that has them changes this line too.
    assert not {"doi", "date-released", "repository-code", "url"} & citation.keys()
