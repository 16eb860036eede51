"""Made-up measurements with a known optimum, in a module that the processes of a search import in no time."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hetero_rsnn import Network


def tau(network: Network) -> tuple[float, float]:
    d = network.population("E")["tau_m"].distribution
    return d.mean, d.cv


def peak(network: Network, seed: int) -> dict[str, float]:
    """E = 20 at tau_m = 30 ms, cv = 0.8, eta_minus = 0.007; little noise."""
    mean, cv = tau(network)
    noise = np.random.default_rng([seed, round(1e6 * mean), round(1e6 * cv)]).normal(0, 0.01)
    eta = network.plasticity["eta_minus"].mean  # type: ignore[index]
    c = 2 * math.exp(-2 * math.log(mean / 30) ** 2 - 2 * (cv - 0.8) ** 2 + noise)
    return {"C": c, "S": 0.1 * (1 + math.log10(eta / 0.007) ** 2), "C_stderr": 0.01, "silent_share": 0.0}


def tuned(network: Network, seed: int, *, outer: float, pause: float) -> dict[str, float]:
    """E = 20 at outer = 0.6 and pause = 8 ms, whatever the network; little noise."""
    noise = np.random.default_rng([seed, round(1e6 * outer), round(1e6 * pause)]).normal(0, 0.01)
    c = 2 * math.exp(-(math.log(outer / 0.6) ** 2) - ((pause - 8) / 10) ** 2 + noise)
    return {"C": c, "S": 0.1, "silent_share": 0.0}


def tuned_peak(network: Network, seed: int, **settings: float) -> dict[str, float]:
    """The best network of `peak` with the best settings of `tuned`."""
    ours, theirs = peak(network, seed), tuned(network, seed, **settings)
    return {**ours, "C": ours["C"] * theirs["C"] / 2}


def untuned(network: Network, seed: int, outer: float, pause: float) -> dict[str, float]:
    """Ends its process, sleeps or raises where the settings are large."""
    if outer > 1.2:
        os._exit(3)
    if pause > 16:
        time.sleep(60)
    if outer < 0.3:
        raise RuntimeError(f"outer = {outer:.2f} is too small")
    return tuned(network, seed, outer=outer, pause=pause)


def greedy(network: Network, seed: int) -> dict[str, float]:
    """E rises without end as the spread falls, and C falls with it: 2.4 cv; at no spread a silent network's ratio."""
    _, cv = tau(network)
    return {"C": 2.4 * cv + 0.04 + 1e-3 * seed, "S": 0.005 + 0.2 * cv**2}


def trade(network: Network, seed: int) -> dict[str, float]:
    """A front C = 5 S^0.5 at eta_minus = 0.007, from S = 0.06 to 0.3."""
    _, cv = tau(network)
    s = 0.06 + 0.2 * cv
    eta = network.plasticity["eta_minus"].mean  # type: ignore[index]
    return {"C": 5 * math.sqrt(s) / (1 + math.log10(eta / 0.007) ** 2), "S": s + 1e-5 * seed}


def frail(network: Network, seed: int) -> dict[str, float]:
    """Raises where tau_m is short, and knows no C where it is long."""
    mean, _ = tau(network)
    if mean < 18:
        raise RuntimeError("too short\nto go on")
    return {**peak(network, seed), **({"C": math.nan} if mean > 45 and seed == 1 else {})}


def slow(network: Network, seed: int) -> dict[str, float]:
    if tau(network)[0] > 40:
        time.sleep(60)
    return peak(network, seed)


def deadly(network: Network, seed: int) -> dict[str, float]:
    if tau(network)[0] > 40:
        sys.exit(3)
    return peak(network, seed)


def broken(network: Network, seed: int) -> dict[str, float]:
    if tau(network)[1] > 0:  # the reference is well
        raise ValueError("nothing works")
    return peak(network, seed)


def odd(network: Network, seed: int) -> Any:
    """A memoryless landscape in which every candidate ends in another way: C a little below 0, and whatever is none."""
    _, cv = tau(network)
    kind = int(1e4 * cv) % 11 if cv else 0  # the reference and the default are well
    if kind == 10:
        raise RuntimeError("\x1b[31mno\u202e memory\n")
    outcomes = [
        {"C": 0.5, "S": 0.1},
        None,
        {"C": -0.003, "S": 0.1},
        {"C": math.nan, "S": 0.1},
        {"C": 1.0, "S": -0.1},
        {"C": 1.0, "S": math.inf},
        {"C": 1.0, "S": 0.1, "E": math.inf, "weight": math.nan, "silent_share": -math.inf},
        {"C": "much", "S": 0.1},
        {"C": -1e-300, "S": 0.0},
        {"C": 1e300, "S": 1e307},
    ]
    return outcomes[kind]


def forgetful(network: Network, seed: int) -> dict[str, float]:
    """No memory anywhere, but for what chance gives and takes."""
    mean, cv = tau(network)
    noise = np.random.default_rng([seed, round(1e6 * mean), round(1e6 * cv)]).normal(0, 0.003)
    return {"C": -0.001 + noise, "S": 0.1 + 0.01 * cv}
