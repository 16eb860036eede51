"""For pytest alone: what needs torch, or gymnasium, is not collected where that is not installed."""

from __future__ import annotations

from importlib.util import find_spec

_CONTROL = ("actors", "encoder", "layers", "passes", "relu_actor", "spiking_actor")
_TORCH = ["hetero_rsnn/gradient/feedforward/*", "tests/gradient/feedforward/*", "tests/control/learning/*"]
_TORCH += ["tests/actor_loop.py"]
_TORCH += [f"hetero_rsnn/control/{name}.py" for name in _CONTROL]
_RL = ["tests/control/training/*"]
_RL += [
    f"hetero_rsnn/control/{name}.py"
    for name in ("critics", "environments", "films", "runs", "seed_runs", "td3", "training")
]
collect_ignore_glob = [] if find_spec("torch") else _TORCH
collect_ignore_glob += [] if find_spec("torch") and find_spec("gymnasium") else _RL
