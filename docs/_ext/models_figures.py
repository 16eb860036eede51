"""Draw `docs/models/NAME.svg`, spikes and rates of a shipped network: `python docs/_ext/models_figures.py NAME ...`.

To the left the network while it gets the input that *C* is measured with. To the right each of its neurons alone,
without input and synapses, at a constant current of its own: the spread of the dots is the heterogeneity.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import hetero_rsnn as hr

ROOT = Path(__file__).resolve().parents[2]
#: Excitatory and inhibitory neurons.
COLOURS = ("#0072B2", "#D55E00")
#: Edges of the two panels.
TOP, BOTTOM = 34, 250
LEFT, RIGHT = (44, 366), (416, 692)


@dataclass(frozen=True)
class Currents:
    """Constant currents of the panel to the right.

    Attributes
    ----------
    low, high : float
        In the unit of the axis.
    unit : str
        Of the axis, empty for potentials in units of the threshold.
    scale : float
        Units of the axis in an SI unit.
    name : str
        Parameter of neurons that holds the current.
    """

    low: float
    high: float
    unit: str = ""
    scale: float = 1.0
    name: str = "I_bias"


#: Networks that have a page, and the range of their currents.
CURRENTS = {
    "alif": Currents(0.9, 2.0),
    "adex": Currents(400, 1400, "pA", 1e12),
    "izhikevich": Currents(0, 12),
    "voltage_threshold": Currents(0.8, 2.0),
}


def rates_at_currents(name: str, seconds: float = 4.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Current, firing rate (Hz) and population of each neuron alone, adapted for the first half of the time."""
    drawn, given = hr.draw(hr.load_network(name), seed=1), CURRENTS[name]
    alone, _ = hr.lose_synapses(drawn, None, 1.0, seed=1)
    # Populations lie one after the other, so each of them gets the whole range.
    currents = np.concatenate([np.linspace(given.low, given.high, p.size) for p in drawn.network.populations])
    alone = replace(
        alone,
        neurons={**alone.neurons, given.name: currents / given.scale},
        w_in=np.zeros_like(alone.w_in),
    )
    silence = hr.array_stimulus(np.zeros((round(100 * seconds), drawn.w_in.shape[1])), "10 ms")
    rec = hr.simulate(alone, silence, plasticity=False)
    late = rec.spike_times >= 500 * seconds
    rates = np.bincount(rec.spike_neurons[late], minlength=drawn.n) / (seconds / 2)
    return currents, rates, drawn.population


def steps(low: float, high: float) -> np.ndarray:
    """Three to six round numbers of an axis."""
    raw = (high - low) / 4
    size = 10 ** np.floor(np.log10(raw))
    size *= max(k for k in (1, 2, 5) if k * size <= raw)
    return np.arange(np.ceil(low / size - 1e-9), np.floor(high / size + 1e-9) + 1) * size + 0.0  # no -0


def frame(x: tuple[float, float], title: str, below: str) -> list[str]:
    return [
        f'<path d="M{x[0]} {TOP}V{BOTTOM}H{x[1]}" fill="none" stroke="#555555"/>'
        f'<text x="{x[0]}" y="{TOP - 12}" fill="#333333">{title}</text>'
        f'<text x="{sum(x) / 2:g}" y="{BOTTOM + 44}" text-anchor="middle" fill="#333333">{below}</text>'
    ]


def raster(name: str, seconds: float = 1.0) -> list[str]:
    """The panel to the left, excitatory neurons below inhibitory ones."""
    drawn = hr.draw(hr.load_network(name), seed=1)
    rec = hr.simulate(
        drawn, hr.uniform_stimulus(round(100 * (seconds + 1)), "10 ms", seed=2, channels=drawn.w_in.shape[1])
    )
    times, neurons = rec.spike_times - 1000, rec.spike_neurons  # without the first second
    parts = frame(LEFT, "the network with its input", "time (ms)")
    for t in steps(0, 1000 * seconds):
        x = LEFT[0] + (LEFT[1] - LEFT[0]) * t / (1000 * seconds)
        parts.append(f'<text x="{x:.0f}" y="{BOTTOM + 20}" text-anchor="middle" fill="#333333">{t:g}</text>')
    for k, (population, colour) in enumerate(zip(drawn.network.populations, COLOURS, strict=True)):
        chosen = (times >= 0) & (drawn.population[neurons] == k)
        across = LEFT[0] + (LEFT[1] - LEFT[0]) * times[chosen] / (1000 * seconds)
        up = BOTTOM - (BOTTOM - TOP) * (neurons[chosen] + 0.5) / drawn.n
        dots = "".join(f"M{a:.0f} {b:.1f}h1.5" for a, b in zip(across, up, strict=True))
        middle = np.flatnonzero(drawn.population == k).mean()
        y = BOTTOM - (BOTTOM - TOP) * middle / drawn.n + 5
        parts.append(
            f'<path d="{dots}" stroke="{colour}" stroke-width="1.3"/>'
            f'<text x="{LEFT[0] - 10}" y="{y:.0f}" text-anchor="end" font-weight="bold" '
            f'fill="{colour}">{population.name}</text>'
        )
    return parts


def firing_rates(name: str) -> list[str]:
    """The panel to the right."""
    currents, rates, population = rates_at_currents(name)
    given, top = CURRENTS[name], 1.12 * max(rates.max(), 1.0)

    def x(value: float) -> float:
        return RIGHT[0] + (RIGHT[1] - RIGHT[0]) * (value - given.low) / (given.high - given.low)

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * value / top

    parts = frame(RIGHT, "each neuron alone: rate (Hz)", "constant current" + f" ({given.unit})" * bool(given.unit))
    for value in steps(given.low, given.high):
        parts.append(f'<text x="{x(value):.0f}" y="{BOTTOM + 20}" text-anchor="middle" fill="#333333">{value:g}</text>')
    for value in steps(0, top)[1:]:
        parts.append(
            f'<path d="M{RIGHT[0]} {y(value):.1f}H{RIGHT[1]}" stroke="#dddddd"/>'
            f'<text x="{RIGHT[0] + 4}" y="{y(value) - 3:.0f}" font-size="13" fill="#666666">{value:g}</text>'
        )
    for k, colour in enumerate(COLOURS):
        dots = "".join(
            f"M{x(i):.1f} {y(f):.1f}h0" for i, f in zip(currents[population == k], rates[population == k], strict=True)
        )
        parts.append(f'<path d="{dots}" stroke="{colour}" stroke-width="4.4" stroke-linecap="round" opacity="0.75"/>')
    return parts


def svg(name: str) -> str:
    """The picture as text."""
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 304" font-family="sans-serif" font-size="15">',
        f"<title>Spikes and firing rates of the network {name}</title>",
        '<rect width="100%" height="100%" rx="6" fill="#ffffff"/>',
        *raster(name),
        *firing_rates(name),
        "</svg>",
    ]) + "\n"  # fmt: skip


if __name__ == "__main__":
    for chosen in sys.argv[1:] or CURRENTS:
        (ROOT / "docs" / "models" / f"{chosen}.svg").write_text(svg(chosen), encoding="utf-8")
