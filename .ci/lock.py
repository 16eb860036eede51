"""Write `requirements.lock`: `python .ci/lock.py`, with Python 3.11 and pip, anywhere pip reaches an index.

pip itself resolves what the package and its light extras need, as for a new environment, and says so in its report;
nothing is installed. What is written are names and exact versions alone. torch and MuJoCo are left out: they are large,
and which build of torch is right depends on the machine.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("dask", "data", "interop", "notebook", "pandas")
PYTHON = "3.11"
HEAD = f"""\
# Exact versions for Python {PYTHON} on Linux, of the package with the extras {", ".join(EXTRAS)}.
# Written by `python .ci/lock.py`. Use: pip install -r requirements.lock && pip install --no-deps .
"""


def lines(report: Mapping[str, Any]) -> list[str]:
    """``name==version`` for everything in pip's report but the package itself, sorted."""
    found = {}
    for entry in report["install"]:
        name = re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()
        if name != "hetero-rsnn":
            # A local version (+cpu) names a build that other indexes do not have.
            found[name] = entry["metadata"]["version"].partition("+")[0]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def text(entries: Iterable[str]) -> str:
    """The content of the file."""
    return HEAD + "".join(f"{line}\n" for line in entries)


def resolve() -> Mapping[str, Any]:
    """What pip would install into an empty environment."""
    call = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    done = subprocess.run([*call, f".[{','.join(EXTRAS)}]"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    report: Mapping[str, Any] = json.loads(done.stdout)
    return report


if __name__ == "__main__":
    if not platform.python_version().startswith(f"{PYTHON}."):
        sys.exit(f"the lock is for Python {PYTHON}, this is {platform.python_version()}: run it with python{PYTHON}")
    (ROOT / "requirements.lock").write_text(text(lines(resolve())), encoding="utf-8")
