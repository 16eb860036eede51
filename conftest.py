"""For pytest alone: what needs torch is not collected where torch is not installed."""

from __future__ import annotations

from importlib.util import find_spec

_TORCH = ["hetero_rsnn/gradient/feedforward/*", "tests/gradient/feedforward/*"]
collect_ignore_glob = [] if find_spec("torch") else _TORCH
