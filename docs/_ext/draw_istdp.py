"""Draw `docs/models/istdp.svg`, the network `istdp` as it learns: `python docs/_ext/draw_istdp.py`."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import hetero_rsnn as hr
from hetero_rsnn import plots

OUT = Path(__file__).resolve().parents[1] / "models" / "istdp.svg"
#: Seconds of learning, and those at its end over which rates are counted.
LEARNING, END = 30, 10


def main() -> None:
    """Rasters before and after, the mean rate over time, and the rate of every neuron over its target."""
    drawn = hr.draw(hr.load_network("istdp"), seed=1)
    recording = hr.simulate(drawn, hr.uniform_stimulus(LEARNING * 100, "10 ms", seed=1))
    excitatory = drawn.members("E")
    target = drawn.neurons["rho_0"][excitatory]
    of_excitatory = recording.spike_neurons < excitatory.stop
    t = recording.spike_times[of_excitatory]
    late = np.bincount(recording.spike_neurons[of_excitatory][t >= (LEARNING - END) * 1e3], minlength=target.size) / END

    figure, axes = plt.subplots(2, 2, figsize=(8.0, 5.6), layout="constrained")
    for ax, start, title in zip(
        axes[0], (0.0, LEARNING * 1e3 - 300), ("no inhibition yet", "after learning"), strict=True
    ):
        plots.plot_raster(recording, ax, start=start, duration=300, draw=drawn)
        ax.set_title(title, fontsize="medium")

    axes[0, 1].set_xticks(np.linspace(LEARNING * 1e3 - 300, LEARNING * 1e3, 4))

    width = 250.0
    counts, edges = np.histogram(t, np.arange(0, LEARNING * 1e3 + 1, width))
    rates = counts / target.size / width * 1e3
    ax = axes[1, 0]
    ax.semilogy(edges[:-1] / 1e3, rates, color="#000000", lw=0.9, label="excitatory neurons")
    ax.axhline(target.mean(), color="#D55E00", ls="--", label="mean target")
    ax.set(xlabel="time (s)", ylabel="mean rate (Hz)", xlim=(0, LEARNING))
    ax.set_yticks([3, 5, 10, 20, 50], ["3", "5", "10", "20", "50"])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize="small")

    ax = axes[1, 1]
    ends = (0, 1.05 * max(target.max(), late.max()))
    ax.plot(ends, ends, color="#D55E00", ls="--")
    ax.plot(target, late, ".", ms=2.5, color="#000000")
    ax.set(xlabel="target rate of a neuron (Hz)", ylabel=f"its rate in the last {END} s (Hz)", xlim=ends, ylim=ends)
    ax.set_aspect("equal")
    OUT.parent.mkdir(exist_ok=True)
    for ax in axes.flat:
        for marks in (*ax.collections, *(line for line in ax.lines if line.get_marker() not in ("", "None", None))):
            marks.set_rasterized(True)  # thousands of them
    plots.save_figure(figure, OUT)
    print(
        f"first {width:g} ms {rates[0]:.0f} Hz, last {END} s {late.mean():.2f} Hz, "
        f"target {target.mean():.2f} Hz, correlation {np.corrcoef(late, target)[0, 1]:.2f}"
    )


if __name__ == "__main__":
    main()
