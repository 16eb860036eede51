"""The RCS regulariser: what a network does in each decision window shall be like what it does at the end.

A decision is stable early if the state of the network points the same way from early on. RCS, the regulariser of cosine
similarity, costs 1 / cosine between what neurons do in each window and their mean at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hetero_rsnn.common.types import Array, Bools, Ints
from hetero_rsnn.network.draw import Draw

if TYPE_CHECKING:
    from hetero_rsnn.gradient.decisions import DecisionHead

#: Share of the steps that is the end of a sample.
END = 0.3
#: What keeps norms and cosines from 0.
SMALL = 1e-5


def last_steps(steps: Any) -> Any:
    """How many of a sample's steps are its end: 0.3 of them, rounded down, and at least one.

    The published code takes int(0.3 T), which is 0 for up to three steps, and then means all of them.
    """
    return np.maximum(1, (END * np.asarray(steps) + 1e-9).astype(np.int64))


def cosine_cost(r: Array, steps: Ints, right: Bools) -> tuple[float, Array]:
    """The RCS of what neurons did, and its gradient.

    Parameters
    ----------
    r : ndarray, shape (samples, steps, n)
        What each neuron did in each step; what is beyond a sample's end is not looked at.
    steps : ndarray of int, shape (samples,)
    right : ndarray of bool, shape (samples, steps)
        Whether the decision at each step is right.

    Returns
    -------
    value : float
        1 / (mean over steps of the cosine between r(t) and the mean of r over the last steps), 0 for samples that are
        wrong at one of these, mean over samples.
    gradient : ndarray, shape (samples, steps, n)
        With the mean at the end held fixed, as the regulariser has it.

    References
    ----------
    D. Wu, G. Jin, H. Yu, X. Yi, X. Huang, "Optimising event-driven spiking neural network with regularisation and
    cutoff", arXiv:2301.09522; Frontiers in Neuroscience 19, 2025.
    """
    number = np.arange(r.shape[1])
    there = number < steps[:, None]
    last = there & (number >= (steps - last_steps(steps))[:, None])
    counted = (right | ~last).all(axis=1)
    goal = np.einsum("stn,st->sn", r, last / last.sum(axis=1, keepdims=True))
    size, size_goal = np.sqrt((r**2).sum(axis=2) + SMALL), np.sqrt((goal**2).sum(axis=1) + SMALL)
    cosine = np.einsum("stn,sn->st", r, goal) / (size * size_goal[:, None])
    mean = (cosine * there).sum(axis=1) / steps
    each: Array = counted / (mean + SMALL)
    into_cosine = -(counted / (mean + SMALL) ** 2 / steps / len(r))[:, None] * there
    gradient = (into_cosine / (size * size_goal[:, None]))[:, :, None] * goal[:, None]
    gradient -= (into_cosine * cosine / size**2)[:, :, None] * r
    return float(each.mean()), gradient


@dataclass(frozen=True, eq=False)
class Inconsistency:
    """The RCS of a batch, and its gradients.

    Attributes
    ----------
    value : float
    into_activity, into_potentials : ndarray, shape (samples, windows, n)
        As `BatchRun.backward` takes them.
    into_thresholds : ndarray, shape (n,)
        What comes through the unit of the potentials alone.
    """

    value: float
    into_activity: Array
    into_potentials: Array
    into_thresholds: Array


def inconsistency(run: Any, draw: Draw, head: DecisionHead, scores: Array, index: Ints) -> Inconsistency:
    """The RCS of a batch that was run with its potentials kept.

    What a neuron did in a decision window is its spikes in it, and where its potential stands at the end, between rest
    (0) and threshold (1), if above rest (our choice for networks that are no sequence of frames).

    Parameters
    ----------
    run : BatchRun
    draw : Draw
        The network that was run.
    head : DecisionHead
    scores : ndarray, shape (answers, classes)
    index : ndarray of int
        Which samples of the head these are.
    """
    windows, layout = run.windows, head.layout
    ends, steps, most = layout.ends(windows), layout.count(windows), run.activity.shape[1]
    rest, reach = draw.neurons["v_rest"], draw.neurons["v_th"] - draw.neurons["v_rest"]
    unit = np.where(reach > 0, 1.0 / np.where(reach > 0, reach, 1.0), 0.0)
    rows = np.arange(len(windows))[:, None]
    stands = (run.potentials[rows, ends].astype(np.float64) - rest) * unit
    above = stands > 0
    r = layout.sums(run.activity, windows) + np.where(above, stands, 0.0)
    value, into = cosine_cost(r, steps, head.right(scores, index))
    into_stands = into * above
    into_potentials = layout.place(into_stands * unit, windows, most)
    into_thresholds: Any = -(into_stands * stands).sum(axis=(0, 1)) * unit
    return Inconsistency(value, layout.spread(into, windows, most), into_potentials, into_thresholds)
