"""Writing network files, with the arrays of a draw beside them if they are to be kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from hetero_rsnn.common.array_files import array_file_name, holds, write_array_file
from hetero_rsnn.common.errors import HeteroError, OutputError
from hetero_rsnn.common.files import file_named, parse_toml, path_of, write_text
from hetero_rsnn.network.arrays import GivenArrays, check_values, definition_of, in_type
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.draw import Draw
from hetero_rsnn.network.loading import name_of


def trained_network(
    draw: Any, *, state: Any = None, name: str | None = None, description: str | None = None, trained: str = ""
) -> Network:
    """A network that has the arrays of a draw for every seed, such as those that training has left.

    Everything that takes a `Network` takes it: `draw` gives its arrays whatever the seed, which then decides initial
    state, input and noise alone. What the arrays settle cannot be changed any more. ``protocol.train`` is 0, so that
    `measure` measures what was trained; ``net.replace(**{"protocol.train": "10 s"})`` has STDP go on.

    Parameters
    ----------
    draw : fitted estimator or Draw
        A fitted `HRSNNClassifier`, `HRSNNForecaster`, `HRSNNFeatures` or one that gradients trained (or its
        ``frozen_``): its network, with the weights that it has learned. Or ``module.draw()`` of a torch module, or what
        was drawn, with what STDP made of it as `state`. The draw of an estimator without its state,
        ``classifier.frozen_.draw``, has the weights from before STDP.
    state : State or Recording, optional
        Of a draw: whose weights the plastic synapses have; by default those of the draw. A recording must be of this
        very network. A bare state cannot say what it is of: only its number of synapses is compared.
    name, description : str, optional
        Of the new network; by default those of the old one, the name with ``-trained``.
    trained : str, optional
        One line on what made the arrays. Where the draw has given arrays already, it is added to what made those, and
        the seed that they began with stays.

    Returns
    -------
    Network

    Raises
    ------
    HeteroError
        If `draw` is none, the estimator is not fitted, the state is of another draw, or an array breaks a rule that
        parameters of networks have.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> d = hr.draw(hr.load_network("henhes", n=50), seed=1)
    >>> net = hr.trained_network(d, state=hr.train(d), trained="10 s of STDP on uniform input")
    >>> again = hr.draw(net, seed=7)
    >>> bool((again.neurons["tau_m"] == d.neurons["tau_m"]).all())
    True
    """
    found = drawn_in(draw)
    if found is None:
        raise HeteroError(
            f"trained_network takes a draw or a fitted estimator, got {type(draw).__name__}",
            fix="call hetero_rsnn.draw(network, seed) first",
        )
    if found[1] is not None and state is not None:
        raise HeteroError(f"state is for a draw, got {type(draw).__name__}, which has its own", fix="leave it away")
    draw = found[0]
    if not isinstance(trained, str) or not _is_utf8(trained):
        raise HeteroError(f"trained must be text, got {trained!r}", fix="say in a line what made the arrays")
    learned = draw.plastic.w if found[1] is None and state is None else _weights(draw, found[1] or state)
    net = draw.network
    seed, history = draw.seed, [" ".join(trained.split())]
    if net.arrays is not None:
        seed, history = net.arrays.seed, [net.arrays.trained, *history]
    given: dict[str, Any] = {f"neurons.{k}": v for k, v in draw.neurons.items()}
    given |= {"positions": draw.positions, "w_in": draw.w_in, "w_event": draw.w_event}
    given |= {f"shared.{k}": np.array(v, np.float64) for k, v in draw.shared.items()}
    for kind, synapses in (("plastic", draw.plastic), ("static", draw.static)):
        for key in ("indptr", "target", "projection"):
            given[f"{kind}.{key}"] = getattr(synapses, key)
        given[f"{kind}.w"] = learned if kind == "plastic" else synapses.w
        given |= {f"{kind}.parameters.{k}": v for k, v in synapses.parameters.items()}
        given |= {} if synapses.delay is None else {f"{kind}.delay": synapses.delay}
    # Copies, which nobody else can change.
    values = {k: in_type(k, v) for k, v in given.items()}
    arrays = GivenArrays(values, definition_of(net), seed, "; then ".join(filter(None, history)), draw.damage)
    check_values(arrays, net, "the draw")
    again = net.name if net.arrays is not None else f"{net.name}-trained"
    data = {**net.tree(), "arrays": arrays, "name": again if name is None else name}
    data["protocol"] = {**data["protocol"], "train": "0 ms"}
    if description is not None:
        data["description"] = description
    return Network.from_dict(data, net.name)


def drawn_in(source: Any) -> tuple[Draw, Any] | None:
    """The draw in what was trained, and the state that belongs to it (None of a draw alone); None if there is none.

    What estimators freeze is known by its attributes `draw` and `state`, and they by `frozen_`: they lie floors above.

    Raises
    ------
    HeteroError
        If it is an estimator that is not fitted.
    """
    if isinstance(source, Draw):
        return source, None
    if isinstance(source, type):
        return None
    if callable(getattr(source, "fit", None)) and not hasattr(source, "frozen_"):
        raise HeteroError(f"{type(source).__name__} has no trained network yet", fix="fit it first")
    frozen = getattr(source, "frozen_", source)
    draw, state = getattr(frozen, "draw", None), getattr(frozen, "state", None)
    return (draw, state) if isinstance(draw, Draw) and state is not None else None


def _is_utf8(text: str) -> bool:
    """Whether a file can hold it: halves of characters are none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
    if about.get("fingerprint", draw.network.fingerprint) != draw.network.fingerprint:
        raise HeteroError(
            f"the recording is of network {about.get('network', '?')!r} with fingerprint {about['fingerprint']}, the "
            f"draw of {draw.network.name!r} with {draw.network.fingerprint}",
            fix="give the draw that the state came from",
        )
    return found


def _of_seed(about: dict[str, Any]) -> str:
    return f" and seed {about['seed']}" if "seed" in about else ""


def to_toml_text(network: Network, *, named: bool = True) -> str:
    """The whole network as a TOML file, without ``extends``; ``named=False`` leaves out name and description.

    Given arrays are not in it, and a comment says so: `save_network` writes them, too.
    """
    text = _text(network.to_dict(), named)
    return text if network.arrays is None else f"{_WITHOUT_ARRAYS}\n{text}"


#: The beginning of a text whose table [arrays] names no file.
_WITHOUT_ARRAYS = "# The arrays of this network are not in this text: hetero_rsnn.save_network writes both."


def _text(data: dict[str, Any], named: bool = True) -> str:
    import tomli_w

    kept = {k: v for k, v in data.items() if named or k not in {"name", "description"}}
    return tomli_w.dumps(kept, multiline_strings=True)


def save_network(
    network: Any,
    path: str | Path,
    *,
    state: Any = None,
    name: str | None = None,
    description: str | None = None,
    trained: str = "",
    overwrite: bool = False,
) -> Path:
    """Write a network to a TOML file that `load_network` reads back as an equal one.

    Parameters
    ----------
    network : Network, fitted estimator or Draw
        Of a fitted estimator (see `trained_network`) or a draw the arrays are kept, too: in ``NAME-CHECKSUM.npz``
        beside ``NAME.toml``, which names that file. The two belong together. No npz file is ever removed: other copies
        of the text may name it.
    path : path
        It ends in ``.toml``. A link is written through to the file that it leads to.
    state, name, description, trained
        Of an estimator or a draw: see `trained_network`. Its name is by default that of the file.
    overwrite : bool
        Replace a file of that name which has other content.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If the place cannot be written, holds another file, or `load_network` would refuse what would be written there.
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
    path = path_of("path", path)
    if not isinstance(network, Network):
        if drawn_in(network) is None:
            raise HeteroError(
                f"save_network takes a network, a draw or a fitted estimator, got {type(network).__name__}",
                fix="give one",
            )
        named = name_of(path.stem) if name is None else name
        network = trained_network(network, state=state, name=named, description=description, trained=trained)
    else:
        of_draw = {"state": state, "name": name, "description": description, "trained": trained or None}
        for key, value in of_draw.items():
            if value is not None:
                raise HeteroError(f"{key} is for a draw, got a network", fix="leave it away, or give the draw")
    if os.path.islink(path):
        path = Path(os.path.realpath(path))
    data = network.to_dict()
    if network.arrays is not None:
        path = file_named("a network with arrays", path, ".toml")
        data["arrays"] = {"file": array_file_name(path, network.arrays.checksum), **data["arrays"]}
    text = _text(data)
    _check(text, path, overwrite)
    if network.arrays is not None:
        write_array_file(path, data["arrays"]["file"], network.arrays.packed())
    return write_text(path, text)


def _check(text: str, path: Path, overwrite: bool) -> None:
    """Refuse a text that could not be read again, or would replace another file, before anything is written."""
    if not _is_utf8(text):
        raise OutputError(f"cannot write {path}: its text has characters that UTF-8 cannot hold", fix="write others")
    parse_toml(text.encode(), path, "network", OutputError)
    if os.path.lexists(path) and not overwrite and not holds(path, text.encode()):
        raise OutputError(f"{path} exists already", fix="choose another name, or give overwrite=True")
