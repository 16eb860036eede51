"""Which diversity buys memory: of membranes, thresholds, delays, adaptation, synapses; and do several add up?

Question: the paper spreads membrane time constants and STDP. Neurons and synapses differ in much more. Which of these
spreads raises memory capacity C, and C per spike E, and by how much; and is the gain of two together the product of
their gains?

Method: one network of adaptive LIF neurons with delays and STDP in which nothing differs (analysis/networks), at the
two operating points. One thing after the other gets a spread, of coefficient of variation 0.25, 0.5 and 1, from gamma
distributions with the same mean: membrane time constant, threshold, refractory time, synaptic time constant, time
constant of the adaptation, delays, weights, and the four parameters of STDP together. Delays are
rounded to steps of 1 ms, one at least; refractory times act in whole steps, cut off, so that spread ones are 0.5 ms
shorter on average; weights of plastic synapses are bounded by twice their mean, which takes 14 % off at a cv of 1.
Seeds are the same throughout, so that changes are paired; a change is a ratio of means, in percent of the network
without spread, and its interval is that of paired differences, Bonferroni-corrected for the number of spreads.

Pairs of things have a spread of 0.5 each, at the intrinsic point. Where the logarithm of C with both is the sum of the
logarithms of the single gains, they multiply; what it has more, or less, is the interaction, tested over seeds and
corrected for the number of pairs. Processing capacity says whether what is won is memory, or products and powers.

Finding: see docs/which_heterogeneity.md.

    python analysis/which_heterogeneity.py [--quick] [--out FOLDER] [--workers N]

Finished cells are in FOLDER/which_heterogeneity.jsonl; the same line goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import special
from study_kit import Row, Study, as_json, column, fail_politely, interval, mean, number

import hetero_rsnn as hr
from hetero_rsnn.experiments.measurement import train

POINTS = {"intrinsic": "eight_ways.toml", "recurrent": "eight_ways_recurrent.toml"}
_PROJECTIONS = ("EE", "EI", "IE", "II")
#: What can differ: how it is called, and which spreads of the network these are.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tau_m": ("membrane time constant", ("tau_m.cv",)),
    "v_th": ("threshold", ("v_th.cv",)),
    "t_ref": ("refractory time", ("t_ref.cv",)),
    "tau_syn": ("synaptic time constant", ("tau_syn.cv",)),
    "tau_adapt": ("adaptation time constant", ("tau_adapt.cv",)),
    "delay": ("delay", tuple(f"{p}.delay.cv" for p in _PROJECTIONS)),
    "weight": ("weight", tuple(f"{p}.weight.cv" for p in _PROJECTIONS)),
    "STDP": ("STDP", ("tau_plus.cv", "tau_minus.cv", "eta_plus.cv", "eta_minus.cv")),
}
QUANTITIES = ("C", "S", "E", "rate_hz", "silent_share", "correlation")
#: The spread at which pairs, and processing capacity, are measured.
HALF = 0.5
COLOURS = {"C": "#0072B2", "S": "#CC79A7", "E": "#009E73"}


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    small = {"n": 60, "protocol.samples": 1200, "protocol.d_max": 30, "protocol.train": "2 s"}
    return {
        "base": {"protocol.estimator": "population", **(small if quick else {})},
        "kinds": ["tau_m", "delay"] if quick else list(KINDS),
        "cv": [0.5] if quick else [0.25, 0.5, 1.0],
        "seeds": [0, 3 if quick else 20],
        "pairs": [0, 3 if quick else 8],
        "processing": {"seeds": [7000, 7001] if quick else [*range(7000, 7005)], "n": 40 if quick else 200,
                       "samples": 600 if quick else 6000, "d_max": [10, 4, 2] if quick else [100, 30, 10]},
    }  # fmt: skip


def network(point: str, spreads: Mapping[str, float], base: Mapping[str, Any]) -> hr.Network:
    """The network of a point, in which these kinds of things have a spread."""
    changes = {key: cv for kind, cv in spreads.items() for key in KINDS[kind][1]}
    return hr.load_network(Path(__file__).parent / "networks" / POINTS[point], **{**base, **changes})


def values_of(row: Row, quantity: str) -> np.ndarray:
    """A quantity, seed by seed; E is C / S also where C is not above its error, where `measure` gives no value."""
    return column(row, "C") / column(row, "S") if quantity == "E" else column(row, quantity)


def change(row: Row, base: Row, quantity: str, tests: int) -> Row:
    """Ratio of means less 1, with an interval of paired differences that holds for so many tests at once."""
    before = values_of(base, quantity)
    return told((values_of(row, quantity) - before) / before.mean(), tests)


def told(values: np.ndarray, tests: int) -> Row:
    """Mean of numbers, one a seed, with a 95 % interval over all `tests` at once, and what it says."""
    n = values.size
    half = float(special.stdtrit(n - 1, 1 - 0.025 / tests)) * float(values.std(ddof=1)) / math.sqrt(n)
    middle = float(values.mean())
    low, high = middle - half, middle + half
    verdict = "larger" if low > 0 else "smaller" if high < 0 else "unclear"
    return {"mean": middle, "low": low, "high": high, "verdict": verdict}


def singles(study: Study, point: str) -> Row:
    """Everything without a spread, and each kind of thing with each spread."""
    s = study.setting
    seeds = range(*s["seeds"])
    base = study.measured(network(point, {}, s["base"]), seeds, label=f"{point}, no spread")
    tests = len(s["kinds"]) * len(s["cv"])
    out: Row = {"none": {q: as_json(mean(base, q)) for q in QUANTITIES}, "kinds": {}}
    for kind in s["kinds"]:
        found = out["kinds"].setdefault(kind, {})
        for cv in s["cv"]:
            row = study.measured(network(point, {kind: cv}, s["base"]), seeds, label=f"{point}, {kind} {cv:g}")
            found[f"{cv:g}"] = {
                **{q: as_json(mean(row, q)) for q in QUANTITIES},
                "change": {q: change(row, base, q, tests) for q in COLOURS},
            }
    return out


def pairs(study: Study, point: str) -> Row:
    """Interactions of two spreads: log of a quantity with both, less the sum of the single gains."""
    s = study.setting
    seeds = range(*s["pairs"])

    def row(*kinds: str) -> Row:
        spreads = dict.fromkeys(kinds, HALF)
        return study.measured(network(point, spreads, s["base"]), seeds, label=f"{point}, {' x '.join(kinds) or '-'}")

    base, alone = row(), {kind: row(kind) for kind in s["kinds"]}
    both = list(combinations(s["kinds"], 2))
    out: Row = {}
    for a, b in both:
        together = row(a, b)
        out[f"{a} x {b}"] = {
            q: told(log(together, q) - log(alone[a], q) - log(alone[b], q) + log(base, q), len(both)) for q in COLOURS
        }
        out[f"{a} x {b}"]["gain"] = told(log(together, "C") - log(base, "C"), len(both))
    return out


def log(row: Row, quantity: str) -> np.ndarray:
    """Logarithm of a quantity, seed by seed; NaN where it is not above 0."""
    values = values_of(row, quantity)
    return np.log(np.where(values > 0, values, np.nan))


def processed(job: tuple[str, float, int, Row]) -> Row:
    """Processing capacity of one network with one seed: linear, quadratic, cubic, and all."""
    kind, cv, seed, s = job
    p = s["processing"]
    net = network("intrinsic", {kind: cv} if cv else {}, {**s["base"], "n": p["n"]})
    drawn, protocol = hr.draw(net, seed), net.protocol
    u = hr.uniform_stimulus(protocol.washout + p["samples"], protocol.hold, seed)
    recording = hr.simulate(drawn, u, plasticity=False, state=train(drawn))
    found = hr.processing_capacity(
        hr.states(recording, u, protocol.tau_read), u.values[:, 0], d_max=dict(enumerate(p["d_max"], start=1)),
        input_range=(-1, 1), washout=protocol.washout,
    )  # fmt: skip
    return {"all": found.total, **{str(d): found.of(degree=d).total for d in (1, 2, 3)}}


def processing(study: Study) -> Row:
    """Means over seeds without a spread, and with each; and what each changes."""
    s = study.setting
    seeds = s["processing"]["seeds"]
    jobs = {f"processing, seed {k}": ("", 0.0, k, s) for k in seeds}
    jobs |= {f"processing, {kind}, seed {k}": (kind, HALF, k, s) for kind in s["kinds"] for k in seeds}
    errors = study.cells(jobs, processed)
    if errors:
        raise hr.HeteroError(f"{len(errors)} cells failed, first {next(iter(errors.items()))}: see above")

    def values(kind: str, part: str) -> np.ndarray:
        names = [f"processing, {kind}, seed {k}" if kind else f"processing, seed {k}" for k in seeds]
        return np.array([study.result(name)[part] for name in names])

    parts = ("1", "2", "3", "all")
    out: Row = {"none": {part: interval(values("", part)) for part in parts}}
    for kind in s["kinds"]:
        out[kind] = {part: interval(values(kind, part)) for part in parts}
        out[kind]["less none"] = {part: interval(values(kind, part) - values("", part)) for part in parts}
    return out


def percent(e: Mapping[str, Any]) -> str:
    """A change in percent; bold where its interval excludes 0."""
    if math.isnan(number(e["mean"])):
        return "no value"
    text = f"{100 * e['mean']:+.0f} [{100 * e['low']:+.0f}, {100 * e['high']:+.0f}]".replace("-", "−")
    return f"**{text}**" if e["verdict"] in ("larger", "smaller") else text


def table(result: Row, point: str) -> list[str]:
    """Markdown: changes of C at every spread, and of S and E at half."""
    found = result["points"][point]["kinds"]
    spreads = list(next(iter(found.values())))
    half = f"{HALF:g}"
    heads = [*(f"C, cv {cv} (%)" for cv in spreads), f"S, cv {half} (%)", f"E, cv {half} (%)"]
    lines = ["| what differs | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for kind, rows in found.items():
        cells = [percent(rows[cv]["change"]["C"]) for cv in spreads]
        cells += [percent(rows[half]["change"][q]) for q in ("S", "E")]
        lines.append(f"| {KINDS[kind][0]} | {' | '.join(cells)} |")
    return lines


def processing_table(result: Row) -> list[str]:
    """Markdown: processing capacity by degree, at half the spread."""
    lines = ["| what differs | linear | quadratic | cubic | all | all, change |", "|---|---|---|---|---|---|"]
    for kind, row in result["processing"].items():
        cells = ["{:.1f} [{:.1f}, {:.1f}]".format(*row[part]) for part in ("1", "2", "3", "all")]
        gain = "{:+.1f} [{:+.1f}, {:+.1f}]".format(*row["less none"]["all"]) if kind != "none" else ""
        name = "nothing" if kind == "none" else KINDS[kind][0]
        lines.append(f"| {name} | {' | '.join([*cells, gain])} |".replace("-", "−"))
    return lines


def figure(result: Row) -> Figure:
    """C and E over the spread of each kind at both points; interactions of pairs."""
    points = result["points"]
    fig = Figure(figsize=(13, 5.2), layout="constrained")
    axes = fig.subplots(1, len(points) + 1, width_ratios=[1.1] * len(points) + [1])
    for ax, (point, found), letter in zip(axes, points.items(), "AB", strict=False):
        bars(ax, found)
        ax.set_title(f"{letter}   {point} point", loc="left", fontsize="medium", fontweight="bold")
    axes[1].set_yticklabels([])
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=6, frameon=False, fontsize="small")
    matrix(fig, axes[-1], result["pairs"], list(next(iter(points.values()))["kinds"]))
    axes[-1].set_title("C   two at once, intrinsic point", loc="left", fontsize="medium", fontweight="bold")
    return fig


def bars(ax: Axes, found: Row) -> None:
    """C and E as multiples of those without spread, a row for each kind, the paler the smaller the spread."""
    kinds = list(found["kinds"])
    for k, kind in enumerate(kinds):
        spreads = list(found["kinds"][kind])
        for j, cv in enumerate(spreads):
            for q, side in (("C", -1), ("E", 1)):
                e = found["kinds"][kind][cv]["change"][q]
                middle, low, high = (max(1 + number(e[key]), 0.05) for key in ("mean", "low", "high"))
                y = len(kinds) - k - side * 0.18 - 0.09 * (j - (len(spreads) - 1) / 2)
                ax.errorbar(
                    middle, y, xerr=[[middle - low], [high - middle]], fmt="o", lw=1.2, color=COLOURS[q],
                    ms=3 + 1.2 * j, alpha=(j + 1.2) / (len(spreads) + 0.2), label=f"{q}, cv {cv}" if k == 0 else None,
                )  # fmt: skip
    ax.axvline(1, color="0.6", lw=0.8, zorder=0)
    ax.set_yticks(range(len(kinds), 0, -1), [KINDS[kind][0] for kind in kinds])
    ax.set_ylim(0.4, len(kinds) + 0.6)
    ax.set_xscale("log")
    ticks = [v for v in (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8) if ax.get_xlim()[0] <= v <= ax.get_xlim()[1]]
    ax.set_xticks(ticks, [f"1/{1 / v:.0f}" if v < 1 else f"{v:g}" for v in ticks])
    ax.minorticks_off()
    ax.set_xlabel("times that without spread")
    ax.spines[["top", "right"]].set_visible(False)


def matrix(fig: Figure, ax: Axes, found: Row, kinds: Sequence[str]) -> None:
    """Interaction of each pair as a ratio; bold where its interval excludes 1."""
    values = np.full((len(kinds), len(kinds)), np.nan)
    for name, row in found.items():
        a, b = name.split(" x ")
        i, j = kinds.index(a), kinds.index(b)
        e = row["C"]
        values[j, i] = math.exp(number(e["mean"]))
        clear = e["verdict"] in ("larger", "smaller")
        ax.text(i, j, f"{values[j, i]:.2f}", ha="center", va="center", fontsize=7, fontweight="bold" if clear else None)
    far = max(1.05, float(np.nanmax(np.maximum(values, 1 / values), initial=1.0)))
    image = ax.imshow(np.log(values), cmap="RdBu", vmin=-math.log(far), vmax=math.log(far), alpha=0.6)
    bar = fig.colorbar(image, ax=ax, shrink=0.7, ticks=[-math.log(far), 0, math.log(far)])
    bar.ax.set_yticklabels([f"{1 / far:.2f}", "1", f"{far:.2f}"])
    bar.set_label("C together / product of the gains")
    names = [KINDS[kind][0] for kind in kinds]
    ax.set_xticks(range(len(kinds) - 1), names[:-1], rotation=45, ha="right", fontsize="small")
    ax.set_yticks(range(1, len(kinds)), names[1:], fontsize="small")
    ax.set_xlim(-0.5, len(kinds) - 1.5)
    ax.set_ylim(len(kinds) - 0.5, 0.5)
    ax.spines[:].set_visible(False)


def findings(result: Row) -> list[str]:
    """The answers in sentences, from the numbers."""
    out = []
    for point, found in result["points"].items():
        clear = [
            f"{KINDS[kind][0]} {percent(rows[cv]['change']['C']).strip('*')} % (cv {cv})"
            for kind, rows in found["kinds"].items()
            for cv in [max(rows, key=lambda cv: rows[cv]["change"]["C"]["mean"] or -1)]
            if rows[cv]["change"]["C"]["verdict"] == "larger"
        ]
        out.append(f"{point} point: C rises with {', '.join(clear) or 'no spread'}.")
    clear = [
        f"{name} {math.exp(row['C']['mean']):.2f}"
        for name, row in result["pairs"].items()
        if row["C"]["verdict"] in ("larger", "smaller")
    ]
    out.append(f"Pairs that do not multiply: {', '.join(clear) or 'none'}, of {len(result['pairs'])}.")
    return out


def main() -> None:
    """Run the study."""
    study = Study("which_heterogeneity", __doc__, setting)
    result: Row = {"points": {point: singles(study, point) for point in POINTS}}
    result["pairs"] = pairs(study, "intrinsic")
    result["processing"] = processing(study)
    study.finish(result, figure(result), findings=findings(result))
    for point in POINTS:
        print("\n".join([f"\n{point} point", *table(result, point)]))
    print("\n".join(["", *processing_table(result)]))


if __name__ == "__main__":
    fail_politely(main)
