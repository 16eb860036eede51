"""The page on others' tools: its snippets run, one after the other, as it shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers import ROOT

import hetero_rsnn as hr

TEXT = (ROOT / "docs" / "interop.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.usefixtures("interpreted")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for package in ("neo", "xarray", "h5netcdf", "nir"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    with pytest.warns(hr.NIRWarning):
        for code in SNIPPETS:
            exec(compile(code, "docs/interop.md", "exec"), names)
    assert {p.name for p in tmp_path.iterdir()} == {"rec.mat", "found.nc", "henhes.nir", "feedforward.nir"}
    # What its comments say.
    assert repr(names["events"]) == "Stimulus(events, 20 samples of 10 ms, 3 channels, 6 events)"
    assert names["x"].shape == (20, 3)  # type: ignore[attr-defined]
    assert names["driven"].spike_times.size > 0  # type: ignore[attr-defined]
    assert "network" in capsys.readouterr().out


def test_all_kinds_of_code_are_tried() -> None:
    called = set(re.findall(r"hr\.(\w+)\(", "".join(SNIPPETS)))
    assert {"to_neo", "from_neo", "neo_stimulus", "to_xarray", "to_nir", "feedforward_to_nir", "to_brian2"} <= called
