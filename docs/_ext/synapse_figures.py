"""Draw `docs/models/NAME.svg` of networks with other synapses: `python docs/_ext/synapse_figures.py [NAME ...]`.

To the left the network while it gets the input that *C* is measured with. To the right what its synapses are known
for, simulated with the network's own equations: the thick curves have the mean of each parameter, thin ones are drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

import hetero_rsnn as hr
from hetero_rsnn import plots

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from relays import trains, wired  # noqa: E402 - networks wired by hand, as the tests have them

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"
#: Synapses that are shown beside the mean one.
DRAWN = 12


def synapses(name: str) -> list[dict[str, float]]:
    """Parameters of rules: the mean ones, written as none, and those of the first synapses of a draw."""
    found = hr.draw(hr.load_network(name), seed=1).plastic.parameters
    return [{}, *({k: float(v[i]) for k, v in found.items()} for i in range(DRAWN))]


def looks(k: int, colour: str) -> dict[str, Any]:
    """Of the mean one, and of those that are drawn."""
    return {"color": colour, "lw": 2.0, "zorder": 3} if k == 0 else {"color": colour, "lw": 0.6, "alpha": 0.5}


def potentials(ax: Axes) -> None:
    """What one inhibitory spike, and an excitatory one, do to a membrane that is held at several potentials."""
    held = np.array([-55.0, -65.0, -80.0, -95.0, -60.0])
    w = np.where(np.arange(held.size) < 4, -0.5, 0.25)
    drawn = wired(
        "coba",
        held.size,
        w_event=np.diag(w),
        dt="0.1 ms",
        tau_m=20.0,
        v_th=0.1,
        I_bias=(held + 60) * 1e-3,
        v=held * 1e-3,
    )
    stimulus = hr.event_stimulus([10.0] * held.size, range(held.size), n_channels=held.size, hold="10 ms", samples=9)
    v = 1e3 * hr.simulate(drawn, stimulus, record=["v"]).traces["v"].reshape(-1, held.size)
    times = 0.1 * np.arange(len(v)) - 10
    for k, start in enumerate(held):
        colour = BLUE if w[k] < 0 else ORANGE
        ax.plot(times, v[:, k] - start, color=colour, lw=1.6)
        peak = np.abs(v[:, k] - start).argmax() if start != -80 else len(v) // 3
        ax.annotate(
            f"{start:g} mV", (times[peak], v[peak, k] - start), (0, 3 if v[peak, k] >= start > -90 else -11),
            textcoords="offset points", ha="center", fontsize="small", color=colour,
        )  # fmt: skip
    ax.margins(y=0.15)
    ax.set(xlim=(-5, 75), xlabel="time after the spike (ms)", ylabel="change of potential (mV)")
    ax.set_title("one spike: inhibition (blue), excitation (orange)", fontsize="small", loc="left")


def frequencies(ax: Axes) -> None:
    """Change of a weight by 60 pairs, over their frequency."""
    rates, pairs = (1.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0), 60
    rule = hr.load_network("triplet").plasticity
    assert rule is not None
    w, known = 0.5 * rule["w_max"].mean, synapses("triplet")
    cases = [(delay, k, rate) for delay in (10.0, -10.0) for k in range(len(known)) for rate in rates]
    edges, spikes = [], []
    for n, (delay, k, rate) in enumerate(cases):
        start = 11.0 + np.arange(pairs) * 1e3 / rate
        edges.append((2 * n, 2 * n + 1, w, known[k]))
        spikes += [np.round(start), np.round(start) + delay]
    found = hr.simulate(wired("triplet", 2 * len(cases), edges), trains(spikes)).weights / w - 1
    for row, (delay, k, _) in zip(found.reshape(-1, len(rates)), cases[:: len(rates)], strict=True):
        ax.plot(rates, 100 * row, **looks(k, ORANGE if delay > 0 else BLUE))
        if k == 0:
            ax.plot([], [], color=ORANGE if delay > 0 else BLUE, label=f"post {'after' if delay > 0 else 'before'} pre")
    ax.axhline(0, color="#555555", lw=0.8)
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    ax.set(xlabel="frequency of pairs, 10 ms apart (Hz)", ylabel="change of weight (%)")
    ax.set_title("60 pairs of spikes", fontsize="small", loc="left")


def responses(ax: Axes) -> None:
    """Resources that each spike of a train releases, with a last spike after a rest."""
    times = [11.0 + 50 * k for k in range(10)] + [11.0 + 9 * 50 + 500]
    known = synapses("stp")
    count = len(known)
    drawn = wired("stp", 1 + count, [(0, 1 + k, 0.01, known[k]) for k in range(count)], tau_syn=[0.02] + [10.0] * count)
    stimulus = trains([times, *[[]] * count], duration=times[-1] + 20)
    found = hr.simulate(drawn, stimulus, record=["I_syn"], record_neurons=range(1, 1 + count)).traces["I_syn"]
    at = np.round(times).astype(int)
    released = (found[at + 1] - found[at] * np.exp(-0.1)) / 0.01
    for k in range(count):
        how = looks(k, BLUE if k == 0 else GREY) | {"marker": "o", "ms": 4 if k == 0 else 2}
        ax.plot(np.array(times[:-1]) - 11, released[:-1, k], **how)
        ax.plot(times[-1] - 11, released[-1, k], **how)
    ax.set(xlabel="time (ms)", ylabel="released share of resources", ylim=(0, None))
    ax.set_title("a train at 20 Hz, and a spike after 500 ms", fontsize="small", loc="left")


PANELS: dict[str, Callable[[Axes], None]] = {"coba": potentials, "triplet": frequencies, "stp": responses}


def draw(name: str) -> None:
    """One figure."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.0), width_ratios=(1.15, 1), layout="constrained")
    drawn = hr.draw(hr.load_network(name), seed=1)
    recording = hr.simulate(drawn, hr.uniform_stimulus(200, "10 ms", seed=2))
    plots.plot_raster(recording, left, draw=drawn, start=1000, duration=1000)
    left.set_title("the network with its input", fontsize="small", loc="left")
    PANELS[name](right)
    for spikes in (*left.collections, *left.lines):
        spikes.set_rasterized(True)  # thousands of marks
    plots.save_figure(figure, ROOT / "docs" / "models" / f"{name}.svg")
    plt.close(figure)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PANELS:
        draw(chosen)
