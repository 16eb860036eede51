"""The networks that come along: where they are, and how they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hetero_rsnn.common import checks
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
#: Operating points at which these four come along, and what their names begin with there.
POINTS = {"intrinsic": "", "recurrent": "recurrent_"}
#: Names as the paper writes them.
_LABELS = {"honhos": "HoNHoS", "henhos": "HeNHoS", "honhes": "HoNHeS", "henhes": "HeNHeS"}
#: What each shipped network is there for: groups and their networks, in the order in which they are listed.
GROUPS: dict[str, tuple[str, ...]] = {
    "intrinsic point": ("lif_stdp", *CANONICAL, "henhes_symmetric", "chrsnn", "static"),
    "recurrent point": ("recurrent", *(POINTS["recurrent"] + name for name in CANONICAL)),
    "other neuron models": ("voltage_threshold", "alif", "adex", "izhikevich"),
    "synapses and plasticity": ("coba", "triplet", "stp", "istdp", "delays"),
}


def grouped_networks() -> dict[str, dict[str, str]]:
    """Names and descriptions of the shipped networks by group, in the order in which they are listed.

    Returns
    -------
    dict of str to dict of str to str
        Only groups that have networks. A file that no group names is in ``"more"``, the last one.
    """
    found = list_networks()
    groups = {group: {name: found.pop(name) for name in names if name in found} for group, names in GROUPS.items()}
    return {group: networks for group, networks in {**groups, "more": found}.items() if networks}


def canonical_networks(point: str = "intrinsic") -> tuple[str, ...]:
    """Names of the four canonical networks at an operating point.

    Parameters
    ----------
    point : {"intrinsic", "recurrent"}
        Where most of the memory is in the time constants of neurons, or in the synapses between them.

    Examples
    --------
    >>> canonical_networks("recurrent")
    ('recurrent_honhos', 'recurrent_henhos', 'recurrent_honhes', 'recurrent_henhes')
    """
    checks.one_of("point", point, tuple(POINTS))
    return tuple(POINTS[point] + name for name in CANONICAL)


def kind_and_point(name: str) -> tuple[str, str] | None:
    """Which canonical network a name stands for, and at which point; None for any other name."""
    for point, start in POINTS.items():
        if name.startswith(start) and name.removeprefix(start) in CANONICAL:
            return name.removeprefix(start), point
    return None


def label(name: str) -> str:
    """How a network is called in figures and tables."""
    found = kind_and_point(name)
    if found is None:
        return name
    kind, point = found
    return _LABELS[kind] + (f" ({point})" if POINTS[point] else "")
