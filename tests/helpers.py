"""The one list of shipped networks and the one list of backends that properties are tested over."""

from __future__ import annotations

import hetero_rsnn as hr

#: Every shipped network, the base network first.
NETWORKS = tuple(hr.list_networks())
#: Every backend; brian2 is the reference.
BACKENDS = ("fast", "numpy", "brian2")
