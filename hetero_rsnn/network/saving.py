"""Writing network files, with the arrays of a draw beside them if they are to be kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common.array_files import drop_older, write_array_file
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.files import write_text
from hetero_rsnn.network.arrays import GivenArrays, check_values, definition_of
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw


def trained_network(
    draw: Draw, *, state: Any = None, name: str | None = None, description: str | None = None, trained: str = ""
) -> Network:
    """A network that has the arrays of a draw for every seed, such as those that training has left.

    Everything that takes a `Network` takes it: `draw` gives its arrays whatever the seed, which then decides initial
    state, input and noise alone. What the arrays settle cannot be changed any more. ``protocol.train`` is 0, so that
    `measure` measures what was trained; ``net.replace(**{"protocol.train": "10 s"})`` has STDP go on.

    Parameters
    ----------
    draw : Draw
        ``classifier.frozen_.draw`` of a fitted `HRSNNGradientClassifier`, ``module.draw()`` of a torch module, or one
        that was drawn, with what STDP made of it as `state`.
    state : State or Recording, optional
        Whose weights the plastic synapses have; by default those of the draw.
    name, description : str, optional
        Of the new network; by default those of the old one, the name with ``-trained``.
    trained : str, optional
        One line on what made the arrays.

    Returns
    -------
    Network

    Raises
    ------
    HeteroError
        If `draw` is none, the state is of another one, or an array is not finite.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> net = hr.trained_network(d, state=hr.train(d), trained="10 s of STDP on uniform input")
    >>> again = hr.draw(net, seed=7)
    >>> bool((again.neurons["tau_m"] == d.neurons["tau_m"]).all())
    True
    """
    if not isinstance(draw, Draw):
        raise HeteroError(
            f"trained_network takes a draw, got {type(draw).__name__}: call hetero_rsnn.draw(network, seed) first"
        )
    if not isinstance(trained, str):
        raise HeteroError(f"trained must be text, got {trained!r}", fix="say in a line what made the arrays")
    learned = draw.plastic.w if state is None else _weights(draw, state)
    net = draw.network
    given: dict[str, Any] = {f"neurons.{k}": v for k, v in draw.neurons.items()}
    given |= {"positions": draw.positions, "w_in": draw.w_in, "w_event": draw.w_event}
    given |= {f"shared.{k}": np.array(v, np.float64) for k, v in draw.shared.items()}
    for kind, synapses in (("plastic", draw.plastic), ("static", draw.static)):
        for key in ("indptr", "target", "projection"):
            given[f"{kind}.{key}"] = getattr(synapses, key)
        given[f"{kind}.w"] = learned if kind == "plastic" else synapses.w
        given |= {f"{kind}.parameters.{k}": v for k, v in synapses.parameters.items()}
    # Copies, which nobody else can change.
    values = {k: np.array(v, order="C") for k, v in given.items()}
    arrays = GivenArrays(values, definition_of(net), draw.seed, " ".join(trained.split()), draw.damage)
    check_values(arrays, net, "the draw")
    again = net.name if net.arrays is not None else f"{net.name}-trained"
    data = {**net.tree(), "arrays": arrays, "name": again if name is None else name}
    data["protocol"] = {**data["protocol"], "train": "0 ms"}
    if description is not None:
        data["description"] = description
    return Network.from_dict(data, net.name)


def _weights(draw: Draw, state: Any) -> Any:
    """Weights of the plastic synapses in a state or recording."""
    found = getattr(getattr(state, "state", state), "w", None)
    if found is None:
        raise HeteroError(
            f"state must be a Recording or its state, got {type(state).__name__}: give what simulate or train returned"
        )
    about = getattr(state, "provenance", {})
    if np.size(found) != len(draw.plastic) or about.get("seed", draw.seed) != draw.seed:
        raise HeteroError(
            f"the state has {np.size(found)} plastic synapses{_of_seed(about)}, the draw {len(draw.plastic)} and seed "
            f"{draw.seed}: give the draw that the state came from"
        )
    return found


def _of_seed(about: dict[str, Any]) -> str:
    return f" and seed {about['seed']}" if "seed" in about else ""


def to_toml_text(network: Network, *, named: bool = True) -> str:
    """The whole network as a TOML file, without ``extends``; ``named=False`` leaves out name and description.

    Given arrays are named only: `save_network` writes them too.
    """
    return _text(network.to_dict(), named)


def _text(data: dict[str, Any], named: bool = True) -> str:
    import tomli_w

    kept = {k: v for k, v in data.items() if named or k not in {"name", "description"}}
    return tomli_w.dumps(kept, multiline_strings=True)


def save_network(
    network: Network | Draw,
    path: str | Path,
    *,
    state: Any = None,
    name: str | None = None,
    description: str | None = None,
    trained: str = "",
) -> Path:
    """Write a network to a TOML file that `load_network` reads back as an equal one.

    Parameters
    ----------
    network : Network or Draw
        Of a draw the arrays are kept, too, as those of a `trained_network`: in ``NAME-CHECKSUM.npz`` beside
        ``NAME.toml``, which names that file. The two belong together.
    path : path
        It ends in ``.toml``.
    state, name, description, trained
        Of a draw: see `trained_network`. Its name is by default that of the file.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If the place cannot be written.
    HeteroError
        As `trained_network`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import hetero_rsnn as hr
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = hr.save_network(d, pathlib.Path(folder) / "mine.toml", state=hr.train(d))
    ...     hr.load_network(path) == hr.trained_network(d, state=hr.train(d))
    True
    """
    path = Path(path)
    if isinstance(network, Draw):
        named = re.sub(r"[^A-Za-z0-9 _.+-]+", "_", path.stem).lstrip(" _.+-") or None if name is None else name
        network = trained_network(network, state=state, name=named, description=description, trained=trained)
    elif not isinstance(network, Network):
        raise HeteroError(f"save_network takes a network or a draw, got {type(network).__name__}", fix="give one")
    else:
        of_draw = {"state": state, "name": name, "description": description, "trained": trained or None}
        for key, value in of_draw.items():
            if value is not None:
                raise HeteroError(f"{key} is for a draw, got a network", fix="leave it away, or give the draw")
    data = network.to_dict()
    if network.arrays is None:
        return write_text(path, _text(data))
    if path.suffix != ".toml":
        raise HeteroError(f"a network with arrays is saved as NAME.toml, got {path.name!r}", fix="end it in .toml")
    file, checksum = write_array_file(path, network.arrays.packed())
    data["arrays"] |= {"file": file, "sha256": checksum}
    write_text(path, _text(data))
    drop_older(path, file)
    return path
