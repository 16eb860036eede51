"""The one list of shipped networks and the one list of backends that properties are tested over."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError

#: The folder of the whole project.
ROOT = Path(__file__).resolve().parents[1]
#: Every shipped network, the base network first.
NETWORKS = tuple(hr.list_networks())
#: Those that the kernel written by hand runs; the others run in generated ones.
LIF_NETWORKS = tuple(
    name for name in NETWORKS if (net := hr.load_network(name)).model == "lif_stdp" and not net.delayed
)
#: Every backend; brian2 is the reference.
BACKENDS = ("fast", "numpy", "brian2")
#: A network of each structure; brian2 runs the others only with ``-m slow``, since it builds anew for every run.
TYPICAL = ("lif_stdp", "henhes", "chrsnn", "static")


def backends_with_networks(backends: Iterable[str] = BACKENDS, networks: Iterable[str] = NETWORKS) -> list[Any]:
    """Pairs of backend and network for ``parametrize``, those of brian2 with networks like others marked slow."""
    return [
        pytest.param(backend, name, marks=[pytest.mark.slow] * (backend == "brian2" and name not in TYPICAL))
        for backend in backends
        for name in networks
    ]


def refused(call: Callable[[], object], *words: str, error: type[Exception] = HeteroError) -> Any:
    """The error that a call raises: one line that holds all the words."""
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text
    return caught.value


def exit_2(result: tuple[int, str, str], *parts: str) -> None:
    """A command ends in one line on standard error that holds all the parts, without a traceback."""
    code, _, err = result
    assert code == 2
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err
    for part in parts:
        assert part in err


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """What a call returns or raises; if that takes too long, a failure that says where it hangs."""
    ended: list[tuple[Any, BaseException | None]] = []

    def work() -> None:
        try:
            ended.append((call(), None))
        except BaseException as error:
            ended.append((None, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        where = "".join(traceback.format_stack(sys._current_frames()[thread.ident or 0]))
        pytest.fail(f"no end within {seconds:g} s; it is at\n{where}", pytrace=False)
    value, error = ended[0]
    if error is not None:
        raise error
    return value


def public_names() -> list[str]:
    """All public names that can be looked at here: some are made of torch, and speak of it where it is missing."""
    homes = hr._HOMES if find_spec("torch") is None else {}
    missing = {name for home, names in homes.items() if home.startswith("gradient.feedforward") for name in names}
    return [name for name in hr.__all__ if name not in missing]
