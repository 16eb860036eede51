"""Write what the program writes today: ``python tests/frozen_files.py tests/frozen/written``.

`test_frozen.py` makes the same again and compares it with `frozen/written/`. Whoever changes a format or a number on
purpose runs this script and says so in the changelog. What stands in `frozen/read/` is of older versions and stays as
it is: it must be readable for ever.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import hetero_rsnn as hr

#: Commands whose help is kept, by the name of its file.
COMMANDS = {
    "top": [],
    "networks": ["networks"],
    "networks_show": ["networks", "show"],
    "spaces": ["spaces"],
    "spaces_show": ["spaces", "show"],
    "data": ["data"],
    "data_show": ["data", "show"],
    "data_fetch": ["data", "fetch"],
    "simulate": ["simulate"],
    "control": ["control"],
    "compare": ["compare"],
    "sweep": ["sweep"],
    "predict": ["predict"],
    "search": ["search"],
    "show": ["show"],
    "classify": ["classify"],
    "advise": ["advise"],
    "forecast": ["forecast"],
    "rerun": ["rerun"],
    "warmup": ["warmup"],
}
TINY = ["--quick", "--n", "60", "--seeds", "2", "--workers", "1"]
TINY += ["--set", "protocol.samples=500", "--set", "protocol.train=1 s", "--set", "protocol.d_max=10"]
SEARCH = ["search", "quick", "--budget", "10", "--initial", "6", "--seeds", "2", "--remeasure", "2", "--workers", "1"]
SEARCH += ["--set", "n=60", "--set", "protocol.samples=500", "--set", "protocol.d_max=10"]
SEARCH += ["--set", "protocol.train=1 s"]


def program(words: list[str], folder: Path) -> str:
    """Standard output of a command, 100 columns wide."""
    env = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "MPLBACKEND": "Agg", "NO_COLOR": "1"}
    env.pop("FORCE_COLOR", None)
    call = [sys.executable, "-m", "hetero_rsnn.cli", *words]
    return subprocess.run(call, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def digest(draw: hr.Draw) -> dict[str, str]:
    """SHA-256 of every array of a draw."""
    arrays: dict[str, Any] = {f"neurons.{k}": v for k, v in draw.neurons.items()}
    arrays |= {f"initial.{k}": v for k, v in draw.initial.items()}
    arrays |= {k: getattr(draw, k) for k in ("population", "positions", "w_in", "w_event")}
    for kind in ("plastic", "static"):
        rows = getattr(draw, kind)
        arrays |= {f"{kind}.{k}": getattr(rows, k) for k in ("indptr", "target", "w", "projection")}
        arrays |= {f"{kind}.{k}": v for k, v in rows.parameters.items()}
        arrays |= {} if rows.delay is None else {f"{kind}.delay": rows.delay}
    found = {k: hashlib.sha256(np.ascontiguousarray(v).tobytes()).hexdigest() for k, v in arrays.items()}
    return {**found, "shared": repr(sorted(draw.shared.items()))}


def helps(folder: Path) -> None:
    """The help of every command."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, words in COMMANDS.items():
        (folder / f"{name}.txt").write_text(program([*words, "--help"], folder), encoding="utf-8")


def networks(path: Path) -> None:
    """Every shipped network: fingerprint, draw, spikes of 1.5 s while it learns, and C."""
    out = {}
    for name in hr.list_networks():
        net = hr.load_network(name, n=100, **{"protocol.samples": 700, "protocol.d_max": 10, "protocol.train": "1 s"})
        drawn = hr.draw(net, seed=7)
        rec = hr.simulate(drawn, hr.uniform_stimulus(150, "10 ms", seed=8, channels=net.input.channels))
        measured = hr.measure(net, seeds=[1, 2])
        out[name] = {
            "fingerprint": hr.load_network(name).fingerprint,
            "draw": digest(drawn),
            "spike_times": rec.spike_times.tolist(),
            "spike_neurons": rec.spike_neurons.tolist(),
            "weights": float(rec.weights.sum()),
            **{q: measured[q].tolist() for q in ("C", "S", "E", "correlation", "weight")},
        }
    write(path, out)


def spaces(path: Path) -> None:
    """Every shipped space."""
    found = {name: hr.load_space(name) for name in hr.list_spaces()}
    own = {name: {"fingerprint": s.fingerprint, "default": s.default} for name, s in found.items()}
    write(path, {name: {**own[name], **s.to_dict()} for name, s in found.items()})


def recording(folder: Path) -> None:
    """A recording with traces, on input spikes."""
    drawn = hr.draw(hr.load_network("henhes", n=40), seed=3)
    rec = hr.simulate(drawn, hr.poisson_stimulus([60.0], "1 s", seed=4), record=["v"], record_neurons=[0, 5])
    rec.save(folder / "recording")


def commands(folder: Path) -> None:
    """What commands write."""
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / "work"
    work.mkdir()
    program(["compare", *TINY, "--out", "compare"], work)
    write(folder / "compare.json", json.loads((work / "compare" / "results.json").read_text()))
    program([*SEARCH, "--journal", "search.jsonl"], work)
    program(["show", "search.jsonl", "--no-figures", "--export", "best.toml"], work)
    for name in ("search.jsonl", "best.toml"):
        (folder / name).write_bytes((work / name).read_bytes())
    program(["classify", "japanese_vowels", "honhos", "henhes", "--quick", "--out", "classify"], work)
    write(folder / "classify.json", json.loads((work / "classify" / "results.json").read_text()))
    program(["forecast", "wind_greensboro", "henhes", "--quick", "--out", "forecast"], work)
    write(folder / "forecast.json", json.loads((work / "forecast" / "results.json").read_text()))
    for path in sorted(work.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    work.rmdir()


def main(folder: Path) -> None:
    """Everything."""
    helps(folder / "help")
    networks(folder / "networks.json")
    spaces(folder / "spaces.json")
    recording(folder)
    commands(folder)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise SystemExit("usage: python tests/frozen_files.py FOLDER")
    main(Path(sys.argv[1]))
