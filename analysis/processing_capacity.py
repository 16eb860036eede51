"""What do the four shipped networks hold of their input beside its past values: powers, and products over delays?

Question: memory capacity C asks for u(k-d) alone. How much of what the states hold is linear, quadratic and cubic in
past inputs, how much of it needs inputs of several delays, and how much of the bound, the number of independent states,
is used?

Method: `hetero_rsnn.processing_capacity`, estimate "population", on the states of networks that are drawn and trained
as they are always, of 200 neurons. Targets are all products of Legendre polynomials up to degree 3; the delays of each
degree stand in the settings. Intervals are over seeds, each with a network and an input of its own.

Finding: see docs/measures.md.

    python analysis/processing_capacity.py [--quick] [--out FOLDER] [--workers N]

Finished cells are in FOLDER/processing_capacity.jsonl; the same line goes on from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from study_kit import Row, Study, fail_politely, interval

import hetero_rsnn as hr
from hetero_rsnn.experiments.measurement import train
from hetero_rsnn.network.shipped import label

NETWORKS = ("honhos", "henhos", "honhes", "henhes")
#: Part of the capacity -> heading, degree, several delays (None: both), colour.
PARTS: dict[str, tuple[str, int | None, bool | None, str]] = {
    "linear": ("linear", 1, None, "#0072B2"),
    "square": ("quadratic, one delay", 2, False, "#D55E00"),
    "products": ("quadratic, several", 2, True, "#F0B58A"),
    "cube": ("cubic, one delay", 3, False, "#009E73"),
    "cubic products": ("cubic, several", 3, True, "#8FD3BD"),
    "total": ("all", None, None, "black"),
}


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    return {
        "networks": [*NETWORKS[:1]] if quick else [*NETWORKS], "seeds": [5000, 5001] if quick else [*range(5000, 5006)],
        "n": 40 if quick else 200, "samples": 600 if quick else 6000,
        "d_max": [10, 4, 2] if quick else [100, 30, 10],
    }  # fmt: skip


def measured(job: tuple[str, int, Row]) -> Row:
    """One network with one seed: sums with their errors, and the capacity at each largest delay."""
    name, seed, s = job
    network = hr.load_network(name, n=s["n"])
    drawn, p = hr.draw(network, seed), network.protocol
    u = hr.uniform_stimulus(p.washout + s["samples"], p.hold, seed)
    recording = hr.simulate(drawn, u, plasticity=False, state=train(drawn))
    states = hr.states(recording, u, p.tau_read)
    found = hr.processing_capacity(
        states, u.values[:, 0], d_max=dict(enumerate(s["d_max"], start=1)), input_range=(-1, 1), washout=p.washout
    )
    out: Row = {"bound": found.bound, "targets": len(found.terms), "S": hr.spike_count(recording, u)}
    for part, (_, degree, several, _) in PARTS.items():
        whole = found.of(degree=degree, cross=several)
        out[part] = [whole.total, whole.stderr]
        out[f"{part}, by delay"] = [
            found.of(degree=degree, cross=several, delay=d).total for d in range(max(s["d_max"]) + 1)
        ]
    return out


def table(out: Row) -> list[str]:
    """Markdown: sums by degree, means over seeds with 95 % intervals."""
    lines = ["| network | " + " | ".join(heading for heading, *_ in PARTS.values()) + " | at most |"]
    lines.append("|---|" + "---|" * (len(PARTS) + 1))
    for name, row in out.items():
        cells = ["{:.2f} [{:.2f}, {:.2f}]".format(*row[part]) for part in PARTS]
        lines.append(f"| {label(name)} | " + " | ".join([*cells, f"{row['bound']:.0f}"]).replace("-", "−") + " |")
    return lines


def figure(out: Row) -> Figure:
    """Capacity over the largest delay, stacked by degree, a panel a network; means over seeds."""
    fig = Figure(figsize=(9.5, 5.2), layout="constrained")
    panels = fig.subplots(2, 2, sharex=True, sharey=True, squeeze=False).ravel()
    shown, tallest = 16, 0.1
    for ax, (name, row) in zip(panels, out.items(), strict=False):
        above, below = np.zeros(shown), np.zeros(shown)
        for part, (heading, *_, colour) in PARTS.items():
            if part == "total":
                continue
            sums = np.zeros(shown)
            known = row[f"{part}, by delay"][:shown]
            sums[: len(known)] = known
            ax.bar(range(shown), sums, 0.85, bottom=np.where(sums >= 0, above, below), color=colour, label=heading)
            above, below = above + sums.clip(min=0), below + sums.clip(max=0)
        ax.axhline(0, color="0.6", lw=0.8)
        ax.set_title(
            f"{label(name)}: {row['total'][0]:.1f} of at most {row['bound']:.0f}", loc="left", fontsize="medium"
        )
        ax.spines[["top", "right"]].set_visible(False)
        ax.set(xlabel="largest delay (samples)", ylabel="capacity")
        ax.label_outer()
        tallest = max(tallest, float(above.max()))
    panels[0].set_ylim(top=1.05 * tallest)
    for ax in panels[len(out) :]:
        ax.set_visible(False)
    fig.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=5)
    return fig


def findings(out: Row) -> list[str]:
    """The numbers in words."""
    return [
        f"{label(name)}: " + "; ".join(f"{heading} {row[part][0]:.2f}" for part, (heading, *_) in PARTS.items())
        + f", of at most {row['bound']:.0f}"
        for name, row in out.items()
    ]  # fmt: skip


def main() -> None:
    """Run the study."""
    study = Study("processing_capacity", __doc__, setting)
    s = study.setting
    jobs: dict[str, Any] = {f"{name}, seed {seed}": (name, seed, s) for name in s["networks"] for seed in s["seeds"]}
    errors = study.cells(jobs, measured)
    if errors:
        raise hr.HeteroError(f"{len(errors)} cells failed, first {next(iter(errors.items()))}: see above")
    out: Row = {}
    for name in s["networks"]:
        rows = [study.result(f"{name}, seed {seed}") for seed in s["seeds"]]
        out[name] = {part: interval([row[part][0] for row in rows]) for part in PARTS}
        out[name] |= {
            f"{part}, by delay": np.mean([row[f"{part}, by delay"] for row in rows], axis=0) for part in PARTS
        }
        out[name] |= {f"{part}, stderr": float(np.mean([row[part][1] for row in rows])) for part in PARTS}
        out[name] |= {key: float(np.mean([row[key] for row in rows])) for key in ("bound", "targets", "S")}
    study.finish(out, figure(out), findings=findings(out))
    print("\n".join(table(out)))


if __name__ == "__main__":
    fail_politely(main)
