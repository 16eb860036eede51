"""How the networks are used on each data set: encoder, times, readout. No test sample had a say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sklearn.base import clone

from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.datasets.dataset import Dataset
from hetero_rsnn.inputs.audio import AudioEncoder
from hetero_rsnn.inputs.encoders import CurrentEncoder
from hetero_rsnn.network.definition import Network
from hetero_rsnn.network.loading import load_network

#: Thresholds spread over the neurons through their bias: without it a network of equal thresholds, driven hard, can
#: only answer in proportion to its input, which a chaotic series cannot be foretold from. The same for all networks.
SPREAD_BIAS: dict[str, Any] = {"I_bias": {"distribution": "truncated_normal", "mean": 1.06, "cv": 0.3}}


@dataclass(frozen=True)
class Recipe:
    """Settings of the estimators for a data set; the networks themselves are not part of it.

    Attributes
    ----------
    encoder : Encoder
        For event data any will do: they pass through.
    hold : str or None
        Simulated time of a row (None for event data, which have one).
    options : dict
        Further parameters of the estimator.
    overrides : dict
        Changes of every network, e.g. its size.
    causal : Encoder or None
        The encoder for early decisions, if `encoder` knows the future.
    closed_loop : dict or None
        Changes of the forecaster's parameters for free-running forecasts.
    horizon : int
        Rows ahead, unless the user says.
    """

    encoder: Any
    hold: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    causal: Any = None
    closed_loop: dict[str, Any] | None = None
    horizon: int = 1

    def describe(self) -> dict[str, Any]:
        """Plain data for reports."""
        loop = self.closed_loop or {}
        return {
            "encoder": repr(self.encoder),
            "hold": self.hold,
            **{k: v if isinstance(v, int | float | str | bool | list) else repr(v) for k, v in self.options.items()},
            "overrides": dict(self.overrides),
            "causal": None if self.causal is None else repr(self.causal),
            "closed_loop": {k: v if isinstance(v, int | float | bool) else repr(v) for k, v in loop.items()},
        }


def recipe(dataset: Dataset) -> Recipe:
    """The recipe of a shipped data set, or a sensible one for the kind of data.

    ``analysis/recipes.py`` shows what those of Japanese vowels, spoken digits, wind and Lorenz were chosen from, by
    cross-validation inside the training part. That of Fashion-MNIST is the best of six on samples held out of the first
    10,000 training images. The others are set by hand, after these, and not tuned.
    """
    if dataset.name in _RECIPES:
        return _RECIPES[dataset.name]
    if dataset.task == "forecasting" and dataset.kind == "series":
        return _FORECAST
    if dataset.kind == "audio":
        return _sound(dataset)
    return _KINDS[dataset.kind]


def _sound(dataset: Dataset) -> Recipe:
    """That of spoken digits, for the rate of the recordings: a frame is a whole number of samples."""
    known = _KINDS["audio"]
    rate = float(dataset.details["rate_hz"])
    frame = round(rate / 100.0) / rate * 1000.0
    given = {"rate_hz": rate, "frame": "10 ms" if frame == 10.0 else frame}
    encoders = [clone(encoder).set_params(**given) for encoder in (known.encoder, known.causal)]
    return replace(known, encoder=encoders[0], causal=encoders[1])


_CHAOS = Recipe(
    CurrentEncoder(gain=20.0, clip=None),
    "100 ms",
    {"tau_read": ["100 ms", "400 ms"], "learn_for": "30 s", "washout": 50, "skip": False},
    {"n": 1000, **SPREAD_BIAS, "E.tau_m.mean": "10 ms", "I.tau_m.mean": "10 ms"},
    # In a loop every error is fed back: more filters, which average differently, make the single step more exact.
    closed_loop={
        "encoder": CurrentEncoder(gain=10.0, clip=None), "tau_read": ["50 ms", "100 ms", "200 ms", "400 ms"],
        "horizon": 1, "skip": True, "strengths": 1e-5,
    },
    horizon=25,
)  # fmt: skip

#: A row a step: fast membranes and synapses, since 28 rows are over within one time constant of 30 ms.
_IMAGES = Recipe(
    CurrentEncoder(gain=5.0, clip=None), "1 ms", {"tau_read": "10 ms", "windows": 5},
    {"E.tau_m.mean": "10 ms", "I.tau_m.mean": "10 ms", "t_ref": "1 ms", "tau_syn": "5 ms"},
)  # fmt: skip

_RECIPES: dict[str, Recipe] = {
    "japanese_vowels": Recipe(CurrentEncoder(gain=1.0, clip=None), "20 ms"),
    "free_spoken_digits": Recipe(
        AudioEncoder(bands=64, frame="10 ms", level="peak", gain=3.0, clip=9.0),
        "10 ms",
        {},
        {"n": 1000, "input.connectivity": 0.1},
        causal=AudioEncoder(bands=64, frame="10 ms", level="running", gain=3.0, clip=9.0),
    ),
    # 24 windows of 1,000 neurons in 8,000 samples would take a gigabyte and a half.
    "shd": Recipe(CurrentEncoder(), None, {"windows": [1, 5, 10]}, {"n": 1000, "input.connectivity": 0.1}),
    "fashion_mnist": _IMAGES,
    # Counts of events are currents as they are: a channel that is nearly always silent has no spread to divide by.
    "fashion_mnist_events": Recipe(
        CurrentEncoder(scaling="none", gain=5.0, clip=None), "3 ms",
        {**_IMAGES.options, "layout": "time, channels"}, _IMAGES.overrides,
    ),
    "sklearn_digits": Recipe(CurrentEncoder(gain=2.0, clip=None), "5 ms"),
    "wind_sand_point": Recipe(
        CurrentEncoder(gain=10.0, clip=None, lags=6), "100 ms",
        {"tau_read": ["100 ms", "300 ms", "1000 ms"], "skip": True}, horizon=6,
    ),
    "wind_greensboro": Recipe(
        CurrentEncoder(gain=10.0, clip=None, lags=48), "100 ms", {"tau_read": ["100 ms"], "skip": True}, horizon=6
    ),
    "lorenz63": _CHAOS,
    "rossler": _CHAOS,
    "mackey_glass": Recipe(
        CurrentEncoder(gain=3.0, clip=None), "20 ms",
        {"tau_read": ["20 ms", "100 ms", "400 ms"], "learn_for": "30 s", "skip": False}, {"n": 1000}, horizon=84,
    ),
    "narma10": Recipe(
        CurrentEncoder(gain=3.0, clip=None), "20 ms",
        {"tau_read": ["20 ms", "60 ms", "180 ms"], "learn_for": "30 s", "skip": False}, {"n": 1000}, horizon=1,
    ),
}  # fmt: skip
_RECIPES["fashion_mnist_permuted"] = _RECIPES["fashion_mnist"]
_RECIPES["delayed_parity"] = _RECIPES["delayed_recall"] = Recipe(
    CurrentEncoder(scaling="none", gain=10.0, clip=None), "10 ms", {}, {"I_bias": 0.9, "tau_syn": "100 ms"}
)
_RECIPES["wind"] = _RECIPES["wind_greensboro"]

#: Six rows side by side, as the forecaster does by itself: alone, a network remembers few.
_FORECAST = Recipe(CurrentEncoder(lags=6), "20 ms")

_KINDS: dict[str, Recipe] = {
    "series": Recipe(CurrentEncoder(gain=2.0), "20 ms"),
    "audio": _RECIPES["free_spoken_digits"],
    "events": _RECIPES["shd"],
}


def learning(network: Network, options: dict[str, Any]) -> dict[str, Any]:
    """Options of an estimator: a network whose arrays are given keeps its weights, unless the options say `epochs`."""
    return options if network.arrays is None else {"epochs": 0, **options}


def task_networks(networks: Sequence[Any], chosen: Recipe, overrides: dict[str, Any]) -> list[Network]:
    if "input.channels" in overrides:
        raise HeteroError("input.channels is decided by the data: leave it away")
    if "protocol.hold" in overrides and chosen.hold is not None:
        raise HeteroError(
            f"protocol.hold is decided by the recipe ({chosen.hold}), got {overrides['protocol.hold']!r}: "
            "leave it away, or use the estimators, which take hold="
        )
    loaded = [load_network(n) for n in networks]
    # A recipe says how networks are made: one whose arrays are given is made already.
    nets = [load_network(n, **({} if n.arrays is not None else chosen.overrides) | overrides) for n in loaded]
    names = [n.name for n in nets]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice or not names:
        what = f"two networks are called {twice[0]!r}: rename one" if twice else "no network: name at least one"
        raise HeteroError(what)
    return nets
