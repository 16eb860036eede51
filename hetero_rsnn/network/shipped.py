"""The networks that come along: where they are, and how they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hetero_rsnn.common.errors import NetworkError
from hetero_rsnn.common.files import read_toml

_PACKAGE = Path(__file__).resolve().parents[1]


def networks_folder() -> Path:
    """Folder of the shipped network files: inside the installed package, or beside it in a checkout."""
    for folder in (_PACKAGE / "_networks", _PACKAGE.parent / "networks"):
        if (folder / "lif_stdp.toml").is_file():
            return folder
    raise NetworkError(f"the shipped networks are missing near {_PACKAGE}: reinstall hetero-rsnn")


def list_networks() -> dict[str, str]:
    """Names of the shipped networks with their one-line descriptions, the base network first."""
    names = sorted((p.stem for p in networks_folder().glob("*.toml")), key=lambda s: (s != "lif_stdp", s))
    return {name: str(read_network_file(networks_folder() / f"{name}.toml").get("description", "")) for name in names}


def read_network_file(path: Path) -> dict[str, Any]:
    """The tables of a network file, as they stand there."""
    return read_toml(path, "network", NetworkError)


#: The canonical networks: homogeneous or heterogeneous Neurons x homogeneous or heterogeneous Synapses.
CANONICAL = ("honhos", "henhos", "honhes", "henhes")
#: Names as the paper writes them.
LABELS = {"honhos": "HoNHoS", "henhos": "HeNHoS", "honhes": "HoNHeS", "henhes": "HeNHeS"}


def label(name: str) -> str:
    """How a network is called in figures and tables."""
    return LABELS.get(name, name)
