"""The one list of shipped networks and the one list of backends that properties are tested over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hetero_rsnn as hr
from hetero_rsnn.common.errors import HeteroError

#: The folder of the whole project.
ROOT = Path(__file__).resolve().parents[1]
#: Every shipped network, the base network first.
NETWORKS = tuple(hr.list_networks())
#: Every backend; brian2 is the reference.
BACKENDS = ("fast", "numpy", "brian2")


def refused(call: Callable[[], object], *words: str, error: type[Exception] = HeteroError) -> Any:
    """The error that a call raises: one line that holds all the words."""
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text
    return caught.value
