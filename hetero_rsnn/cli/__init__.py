"""The command line: read words, call, print. ``python -m hetero_rsnn.cli`` does the same as ``hetero-rsnn``.

``program``   puts the commands together; a user's mistake ends in one line and exit code 2
``options``   what several commands read: overrides, seeds, the folder for results
``layout``    headings in the help
``outputs``   files that are named: figure and tables
``serving``   a page that is served until Ctrl-C
``studies``   what compare and sweep share: named networks, files, the journal
``own``       data of one's own: options, and what a file becomes
``scoring``   search --task: scores on data, and what the winner does on the rest
``networks``, ``spaces``, ``data``, ``simulate``, ``compare``, ``sweep``, ``tasks`` (classify, forecast), ``images``
(classify --model), ``advise``, ``predict``, ``control``, ``search``, ``show``, ``rerun``, ``warmup``: the commands
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hetero_rsnn.common.lazy import lazy_names

if TYPE_CHECKING:
    from hetero_rsnn.cli.program import app as app

__getattr__, __dir__ = lazy_names("hetero_rsnn.cli", {"cli.program": ["app"]})


def main() -> None:
    """Run the command line. What it needs is imported in here, where Ctrl-C ends in one word and exit code 130."""
    try:
        from hetero_rsnn.cli import program

        program.main()
    except KeyboardInterrupt as stop:  # a command may add what can be done now
        print("; ".join(["interrupted", *map(str, stop.args)]), file=sys.stderr)
        sys.exit(130)
