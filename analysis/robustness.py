"""How much capacity and efficiency is left when a trained network is damaged, and do heterogeneous networks lose less?

Method: the four canonical networks learn without supervision as they do in `hetero-rsnn compare` (seeds 0 to 19). Then,
before the frozen measurement, they are damaged in one of five ways: Gaussian noise on the input samples (C of the clean
input); a lognormal factor on every recurrent weight; lost neurons; lost recurrent synapses; recurrent weights of few
bits. Three of the damages to synapses are done to input weights as well. Equal seeds mean equal damage in all networks,
and less damage is part of more. Two readouts: retrained on the damaged network, and that of the intact network, kept as
it was. As a control, the intact network starts from other membrane potentials: what a readout loses there is chaos, not
damage.

S is the mean over all neurons, lost ones included, and E = C / S; per neuron left they are S_left and E_left. Absolute
losses are differences paired by seed. The share of C that is left is a ratio of means over seeds, its interval from the
linearised ratio seed by seed, so that shares of two networks can be compared in pairs too.

Finding (20 seeds, 400 neurons, 95 % intervals): after every damage HeNHeS has the higher C and E, as before it. Having
more, it loses more in samples (not where lost synapses and few bits cost it nothing); in shares it depends. Input noise
takes the same share from both: at sd 1, 0.37 [0.35, 0.39] of C is left to HoNHoS, 0.38 [0.37, 0.39] to HeNHeS. Of 40 %
lost neurons HeNHeS suffers a little less: 0.71 [0.65, 0.76] and 0.77 [0.76, 0.79]. Mismatched weights (cv 1) raise C of
HoNHoS to 1.16 [1.11, 1.20] and leave HeNHeS 0.98 [0.97, 1.00]: mismatch is a heterogeneity too (our reading). Without
any recurrent synapse HoNHoS keeps 0.17 [0.15, 0.18] and HeNHeS gains, 1.08 [1.06, 1.10]: at this operating point
heterogeneous neurons do not need recurrence to remember. Few bits cost a retrained readout nothing, not even one.
A kept readout loses 2 % at 4 bits, but nearly two thirds of C with 40 % of the neurons. Heterogeneous synapses make
little difference. S of the neurons left hardly moves. The control loses nothing.

    python analysis/robustness.py [--quick] [--out FOLDER] [--workers N]

A study that is stopped goes on where it was. The full run took 38 minutes with one worker on a busy machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from study_kit import Row, Study, as_json, column, fail_politely, mean, paired, verdict

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.network.shipped import label

NETWORKS = ("honhos", "henhos", "honhes", "henhes")
#: First less, then more heterogeneous.
PAIRS = (("honhos", "henhes"), ("honhos", "henhos"), ("honhes", "henhes"), ("honhos", "honhes"), ("henhos", "henhes"))
QUICK = {"n": 60, "protocol.samples": 900, "protocol.washout": 50, "protocol.d_max": 20, "protocol.train": "1 s"}

#: Name, levels from little to much, and what the figure calls them.
DAMAGES: dict[str, tuple[float, ...]] = {
    "input noise": (0.1, 0.3, 1.0, 3.0),
    "weight noise": (0.1, 0.2, 0.5, 1.0),
    "lost neurons": (0.05, 0.1, 0.2, 0.4),
    "lost synapses": (0.1, 0.25, 0.5, 0.75, 1.0),
    "bits": (8, 4, 2, 1),
}
#: Damage to synapses once more, done to the input weights too; and the control.
EXTRA: dict[str, tuple[float, ...]] = {
    "weight noise, inputs too": (1.0,),
    "lost synapses, inputs too": (0.5,),
    "bits, inputs too": (1,),
    "other start": (0,),
}
AXIS = {
    "input noise": "input noise\n(sd / sd of the input)",
    "weight noise": "weight noise (cv)",
    "lost neurons": "lost neurons (%)",
    "lost synapses": "lost synapses (%)",
    "bits": "bits of a weight",
}
COLUMNS = (
    "C",
    "S",
    "S_left",
    "E",
    "E_left",
    "C_kept",
    "E_kept",
    "rate_hz",
    "silent_share",
    "C_stderr",
    "C_kept_stderr",
)
#: Of these, the changes against the intact network; and the shares left.
CHANGES = ("C", "S", "S_left", "E", "E_left", "C_kept", "E_kept")
LEFT = ("C", "S", "E", "C_kept", "E_kept")


@dataclass(frozen=True)
class Intact:
    """A trained network of one seed, its input, its readout, and what it measures without damage."""

    draw: hr.Draw
    state: hr.State | None
    u: hr.Stimulus
    readout: hr.MemoryReadout
    row: dict[str, float]


def prepare(network: hr.Network, seed: int) -> Intact:
    """Draw, train, measure, and keep the readout."""
    p = network.protocol
    drawn = hr.draw(network, seed)
    trained = hr.train(drawn)
    u = hr.uniform_stimulus(p.washout + p.samples, f"{p.hold} ms", seed)
    recording = hr.simulate(drawn, u, plasticity=False, state=trained)
    x = hr.states(recording, u, f"{p.tau_read} ms")[p.washout :]
    readout = hr.memory_readout(x, u.values[p.washout :, 0], d_max=p.d_max)
    row = numbers(readout.trained, readout.trained, recording.after(p.washout), drawn)
    return Intact(drawn, trained.state if trained is not None else None, u, readout, row)


def numbers(c: hr.MemoryCapacity, kept: hr.MemoryCapacity, measured: hr.Recording, drawn: hr.Draw) -> dict[str, float]:
    """Everything of `COLUMNS` for one seed."""
    e, e_kept = hr.spike_efficiency(c, measured), hr.spike_efficiency(kept, measured)
    left = float(np.isfinite(drawn.neurons["v_th"]).mean())
    return {
        "C": e.C,
        "S": e.S,
        "S_left": e.S / left,
        "E": e.E,
        "E_left": e.E * left,
        "C_kept": e_kept.C,
        "E_kept": e_kept.E,
        "rate_hz": e.rate_hz,
        "silent_share": e.silent_share,
        "C_stderr": e.C_stderr,
        "C_kept_stderr": e_kept.C_stderr,
    }


def damaged(intact: Intact, damage: str, level: float) -> tuple[hr.Draw, hr.State | None, hr.Stimulus]:
    """What the intact network, its state and its input become."""
    d, state, u, seed = intact.draw, intact.state, intact.u, intact.draw.seed
    what, _, inputs = damage.partition(", ")
    if what == "input noise":
        return d, state, hr.noisy(u, level, seed)
    if what == "other start" and state is not None:
        variables = {**state.variables, "v": state.variables["v"][::-1].copy()}
        return d, replace(state, variables=variables), u
    if what == "weight noise":
        return *hr.weight_noise(d, state, level, seed, inputs=bool(inputs)), u
    if what == "lost neurons":
        return *hr.lose_neurons(d, state, level, seed), u
    if what == "lost synapses":
        return *hr.lose_synapses(d, state, level, seed, inputs=bool(inputs)), u
    if what == "bits":
        return *hr.quantise(d, state, int(level), inputs=bool(inputs)), u
    raise hr.HeteroError(f"unknown damage {damage!r}: use one of {', '.join([*DAMAGES, *EXTRA])}")


def measure(intact: Intact, damage: str, level: float) -> dict[str, float]:
    """Damage, run, and read with both readouts; the clean input is what is to be remembered."""
    p = intact.draw.network.protocol
    drawn, state, u = damaged(intact, damage, level)
    recording = hr.simulate(drawn, u, plasticity=False, state=state)
    x = hr.states(recording, u, f"{p.tau_read} ms")[p.washout :]
    clean = intact.u.values[p.washout :, 0]
    c = hr.memory_capacity(x, clean, d_max=p.d_max)
    return numbers(c, intact.readout.capacity(x, clean), recording.after(p.washout), drawn)


class Bank:
    """Trained networks of one kind, made when the first cell asks for them; those of the kind before are dropped."""

    def __init__(self, seeds: Sequence[int], workers: int) -> None:
        self.seeds, self.workers = seeds, workers
        self._name, self._intact = "", list[Intact]()

    def __call__(self, network: hr.Network) -> list[Intact]:
        if self._name != network.name:
            self._name, self._intact = network.name, []
            jobs = run_jobs(partial(prepare, network), self.seeds, workers=self.workers, threads=True)
            self._intact = jobs
        return self._intact

    def row(self, network: hr.Network, one: Callable[[Intact], dict[str, float]]) -> Row:
        """Apply `one` to every seed; columns over the seeds."""
        rows = run_jobs(one, self(network), workers=self.workers, threads=True)
        return {"seed": list(self.seeds), **{c: [r[c] for r in rows] for c in COLUMNS}}


def levels(quick: bool) -> list[tuple[str, float]]:
    """Every damage and level; with `quick` the heaviest of each."""
    found = [(d, level) for d, values in {**DAMAGES, **EXTRA}.items() for level in values]
    return [(d, v) for d, v in found if v == {**DAMAGES, **EXTRA}[d][-1]] if quick else found


def load(name: str, quick: bool) -> hr.Network:
    return hr.load_network(name, **(QUICK if quick else {}))


def setting(quick: bool) -> Row:
    """What the results depend on."""
    nets = {name: load(name, quick).fingerprint for name in NETWORKS}
    return {"networks": nets, "seeds": list(range(2 if quick else 20)), "levels": levels(quick)}


def left(row: Row, intact: Row, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Share of a quantity that is left, one value a seed: their mean is the ratio of means, their spread its error.

    r + (a - r b) / mean(b), r = mean(a) / mean(b): the ratio to first order in the errors of both means.
    """
    a, b = column(row, name), column(intact, name.removesuffix("_kept"))
    both = ~(np.isnan(a) | np.isnan(b))
    if not both.any():
        return np.full(a.shape, math.nan)
    scale = b[both].mean()
    r = a[both].mean() / scale
    return r + (a - r * b) / scale


def evaluate(rows: dict[str, dict[str, Row]]) -> dict[str, Any]:
    """Means, absolute changes and shares left, network by network; and the differences between networks."""
    out: dict[str, Any] = {"networks": {}, "pairs": {}}
    for name, cells in rows.items():
        intact = cells["intact"]
        out["networks"][name] = {
            key: {
                "means": {c: as_json(mean(row, c)) for c in COLUMNS},
                "change": {c: as_json(paired(row, intact, c)) for c in CHANGES},
                "left": {c: as_json(estimate(left(row, intact, c))) for c in LEFT},
            }
            for key, row in cells.items()
        }
    for less, more in PAIRS:
        a, b = rows[less], rows[more]
        out["pairs"][f"{more} - {less}"] = {
            key: {
                c: {
                    "difference": as_json(paired(b[key], a[key], c)),
                    "change": as_json(change := between(b[key], b["intact"], a[key], a["intact"], c)),
                    "left": as_json(share := estimate(left(b[key], b["intact"], c) - left(a[key], a["intact"], c))),
                    "verdict": {"change": verdict(change), "left": verdict(share)},
                }
                for c in ("C", "C_kept", "E", "E_kept")
            }
            for key in a
            if key != "intact"
        }
    return out


def between(b: Row, b0: Row, a: Row, a0: Row, name: str) -> hr.Estimate:
    """How much more the second network gained (less it lost) than the first, seed by seed."""
    base = name.removesuffix("_kept")
    return estimate((column(b, name) - column(b0, base)) - (column(a, name) - column(a0, base)))


def findings(out: dict[str, Any]) -> list[str]:
    """One line a damage at its heaviest level: what is left of C, and who loses less."""
    lines = []
    for damage, values in {**DAMAGES, **EXTRA}.items():
        key = f"{damage} {values[-1]:g}"
        shares = []
        for c in ("C", "C_kept", "E"):
            got = {n: out["networks"][n][key]["left"][c] for n in ("honhos", "henhes")}
            shares.append(c + " " + ", ".join(f"{label(n)} {_text(e)}" for n, e in got.items()))
        who = out["pairs"]["henhes - honhos"][key]["C"]["verdict"]
        lines.append(
            f"{key}: left of {'; '.join(shares)}. HeNHeS - HoNHoS: change of C {who['change']}, share {who['left']}"
        )
    return lines


def _text(e: Row) -> str:
    return (
        "none" if e["mean"] is None or math.isnan(e["mean"]) else f"{e['mean']:.2f} [{e['low']:.2f}, {e['high']:.2f}]"
    )


#: What a row of the figure shows: kind of estimate, column, and its name.
ROWS = (
    ("means", "C", "C (samples)\nreadout retrained"),
    ("left", "C", "share of C left\nreadout retrained"),
    ("left", "C_kept", "share of C left\nreadout kept"),
    ("means", "E", "E = C / S\nreadout retrained"),
)


def figure(rows: dict[str, dict[str, Row]], out: dict[str, Any]) -> Figure:
    """A column a damage; C, the share of it that either readout has left, and E."""
    fig = Figure(figsize=(11.5, 8.8), layout="constrained")
    axes = fig.subplots(len(ROWS), len(DAMAGES), sharex="col", sharey="row", squeeze=False)
    for j, (damage, values) in enumerate(DAMAGES.items()):
        shown = [v for v in values if f"{damage} {v:g}" in rows[NETWORKS[0]]]
        keys = ["intact", *(f"{damage} {v:g}" for v in shown)]
        for i, (kind, c, text) in enumerate(ROWS):
            ax: Axes = axes[i, j]
            for name in NETWORKS:
                curve(ax, name, [out["networks"][name][k][kind][c] for k in keys])
            ax.axhline(0, color="0.7", lw=0.8, zorder=0)
            if kind == "left":
                ax.axhline(1, color="0.7", lw=0.8, zorder=0)
                if damage == "input noise":
                    heard = 1 / (1 + np.array([0.0, *shown]) ** 2)
                    ax.plot(heard, ":", color="0.4", lw=1.4, label="share of the input in what is heard")
            ax.spines[["top", "right"]].set_visible(False)
            if j == 0:
                ax.set_ylabel(text)
        names = [f"{100 * v:g}" if damage.startswith("lost") else f"{v:g}" for v in shown]
        axes[-1, j].set_xticks(range(len(keys)), ["64" if damage == "bits" else "0", *names])
        axes[-1, j].set_xlabel(AXIS[damage])
        axes[0, j].set_title(damage.replace("bits", "few bits"), fontsize="medium")
    top = max(axes[i, 0].get_ylim()[1] for i in (1, 2))
    for i, highest in enumerate((None, top, top, None)):
        axes[i, 0].set_ylim(0, highest)
    handles, labels = axes[1, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return fig


def curve(ax: Axes, name: str, points: Sequence[Row]) -> None:
    """One network: mean and 95 % band. E is shown where every seed has one."""
    full = [p["n"] == points[0]["n"] for p in points]
    y, low, high = (
        np.array([p[q] if ok else math.nan for p, ok in zip(points, full, strict=True)])
        for q in ("mean", "low", "high")
    )
    look = plots.style(name, 0)
    ax.fill_between(range(len(y)), low, high, color=look["color"], alpha=0.18, lw=0)
    ax.plot(y, lw=1.4, ms=4.5, label=label(name), mfc="white" if name.endswith("hes") else look["color"], **look)


def main() -> None:
    """Run the study."""
    study = Study("robustness", __doc__, setting)
    bank = Bank(study.setting["seeds"], study.workers)
    rows: dict[str, dict[str, Row]] = {}
    for name in NETWORKS:
        net = load(name, study.quick)
        cells = {"intact": study.cell(f"{name}, intact", partial(bank.row, net, lambda i: i.row))}
        for damage, level in levels(study.quick):
            key = f"{damage} {level:g}"
            one = partial(measure, damage=damage, level=level)
            cells[key] = study.cell(f"{name}, {key}", partial(bank.row, net, one))
        rows[name] = cells
    out = evaluate(rows)
    study.finish({"rows": rows, **out}, figure(rows, out), findings=findings(out))


if __name__ == "__main__":
    fail_politely(main)
