"""The command line: read words, call, print. ``python -m hetero_rsnn.cli`` does the same as ``hetero-rsnn``.

``program``   puts the commands together; a user's mistake ends in one line and exit code 2
``options``   what several commands read: overrides, seeds, the folder for results
``networks``, ``data``, ``simulate``, ``compare``, ``tasks`` (classify, forecast), ``search``, ``show``: the commands
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hetero_rsnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from hetero_rsnn.cli.program import app as app
    from hetero_rsnn.cli.program import main as main

__getattr__, __dir__ = lazy_names("hetero_rsnn.cli", {"cli.program": ["app", "main"]})
