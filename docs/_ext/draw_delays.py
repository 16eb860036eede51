"""Draw `docs/models/delays.svg`, a spike at its synapses and a raster: `python docs/_ext/draw_delays.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

import hetero_rsnn as hr

ROOT = Path(__file__).resolve().parents[2]
#: Excitatory and inhibitory neurons.
COLOURS = ("#0072B2", "#D55E00")
#: Edges of the two panels.
TOP, BOTTOM = 40, 300
LEFT, RIGHT = (56, 330), (400, 692)
#: Milliseconds of the panel to the left, and synapses in it.
SHOWN, ROWS = 40, 8


def arrivals() -> tuple[np.ndarray, list[int]]:
    """Currents of targets of one neuron that fires at 0 ms and nobody else does, shape (steps, targets); delays."""
    drawn = hr.draw(hr.load_network("delays", I_bias=0.0), seed=1)
    v_th, v = np.full(drawn.n, np.inf), np.zeros(drawn.n)
    v_th[0], v[0] = 1.0, 1.5
    drawn = replace(drawn, neurons={**drawn.neurons, "v_th": v_th}, initial={"v": v})
    row = drawn.plastic.indptr[:2]
    chosen = np.linspace(row[0], row[1] - 1, ROWS).astype(int)
    silence = hr.array_stimulus(np.zeros(SHOWN), "1 ms")
    record = drawn.plastic.target[chosen]
    found = hr.simulate(drawn, silence, backend="numpy", plasticity=False, record=["I_syn"], record_neurons=record)
    return found.traces["I_syn"], [int(d) for d in drawn.plastic.delay[chosen]]


def frame(x: tuple[float, float], title: str, below: str, ticks: dict[float, str]) -> list[str]:
    middle = sum(x) / 2
    out = [
        f'<path d="M{x[0]} {TOP}V{BOTTOM}H{x[1]}" fill="none" stroke="#555555"/>',
        f'<text x="{x[0]}" y="{TOP - 16}" fill="#333333">{title}</text>',
        f'<text x="{middle:g}" y="{BOTTOM + 42}" text-anchor="middle" fill="#333333">{below}</text>',
    ]
    for at, text in ticks.items():
        out.append(f'<text x="{at:.0f}" y="{BOTTOM + 20}" text-anchor="middle" fill="#333333">{text}</text>')
    return out


def traces() -> list[str]:
    """The panel to the left."""
    current, delays = arrivals()

    def x(time: float) -> float:
        return LEFT[0] + (LEFT[1] - LEFT[0]) * time / SHOWN

    parts = frame(
        LEFT, "one spike at 0 ms: current of its targets", "time (ms)", {x(t): str(t) for t in range(0, SHOWN, 10)}
    )
    height = (BOTTOM - TOP) / ROWS
    for k, delay in enumerate(delays):
        base = TOP + (k + 1) * height - 4
        heights = 0.8 * height * current[:, k] / current[:, k].max()
        line = "L".join(f"{x(t):.1f} {base - h:.1f}" for t, h in enumerate(heights))
        parts.append(f'<path d="M{line}" fill="none" stroke="{COLOURS[0]}" stroke-width="1.8"/>')
        parts.append(
            f'<text x="{LEFT[1]}" y="{base - 12:.0f}" text-anchor="end" font-size="13" fill="#666666">'
            f"delay {delay} ms</text>"
        )
    return parts


def raster() -> list[str]:
    """The panel to the right, excitatory neurons below inhibitory ones."""
    drawn = hr.draw(hr.load_network("delays"), seed=1)
    found = hr.simulate(drawn, hr.uniform_stimulus(150, "10 ms", seed=2), backend="numpy", plasticity=False)
    times, neurons = found.spike_times - 500, found.spike_neurons
    parts = frame(
        RIGHT, "the network with its input", "time (ms)",
        {RIGHT[0] + (RIGHT[1] - RIGHT[0]) * t / 1000: str(t) for t in range(0, 1001, 250)},
    )  # fmt: skip
    for k, (population, colour) in enumerate(zip(drawn.network.populations, COLOURS, strict=True)):
        chosen = (times >= 0) & (drawn.population[neurons] == k)
        across = RIGHT[0] + (RIGHT[1] - RIGHT[0]) * times[chosen] / 1000
        up = BOTTOM - (BOTTOM - TOP) * (neurons[chosen] + 0.5) / drawn.n
        dots = "".join(f"M{a:.0f} {b:.1f}h1.5" for a, b in zip(across, up, strict=True))
        y = BOTTOM - (BOTTOM - TOP) * np.flatnonzero(drawn.population == k).mean() / drawn.n + 5
        parts.append(
            f'<path d="{dots}" stroke="{colour}" stroke-width="1.3"/>'
            f'<text x="{RIGHT[0] - 10}" y="{y:.0f}" text-anchor="end" font-weight="bold" '
            f'fill="{colour}">{population.name}</text>'
        )
    return parts


def svg() -> str:
    """The picture as text."""
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 352" font-family="sans-serif" font-size="15">',
        "<title>One spike that arrives at each synapse after a delay of its own, and spikes of the network</title>",
        '<rect width="100%" height="100%" rx="6" fill="#ffffff"/>',
        *traces(),
        *raster(),
        "</svg>",
    ]) + "\n"  # fmt: skip


if __name__ == "__main__":
    (ROOT / "docs" / "models" / "delays.svg").write_text(svg(), encoding="utf-8")
