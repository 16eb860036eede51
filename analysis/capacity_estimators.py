"""Which estimate of the memory capacity does not depend on how long one listened, and are its errors honest?

Question: C is defined on covariances, for infinitely many samples. What do estimates from few samples say of it: how
far off are they on average, how much do they scatter, and how often does their 95 % interval hold the truth?

Method: systems whose C is known. Linear reservoirs have it in closed form; a delay line with noise too; states of noise
and functions of the present input have none. Each system is one draw, and repetitions are other inputs (and noise) to
it. The four shipped networks are one draw each, trained as they are always: truth is from 240,000 samples, by three
ways that are biased in different directions, and repetitions are stretches of these samples, so that means over them
can be compared with it more exactly than their scatter tells.

Estimates: see `estimates` below; "held out" and "population" are those of the package.

Finding: see docs/measures.md.

    python analysis/capacity_estimators.py [--quick] [--out FOLDER] [--workers N]

Finished cells are in FOLDER/capacity_estimators.jsonl; the same line goes on from there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.linalg import solve_discrete_lyapunov
from study_kit import Array, Row, Study, fail_politely

import hetero_rsnn as hr
from hetero_rsnn.common.randomness import generator
from hetero_rsnn.experiments.measurement import train
from hetero_rsnn.network.shipped import label

NETWORKS = ("honhos", "henhos", "honhes", "henhes")
#: Estimate -> what it is called, its colour and marker.
LOOKS = {
    "population": ("population: covariance, debiased weights", "#0072B2", "o"),
    "cross-fitted": ("covariance on unseen samples", "#56B4E9", "s"),
    "heldout": ("held out: squared correlation", "#D55E00", "D"),
    "adjusted": ("adjusted $R^2$ (Ezekiel)", "#009E73", "^"),
    "long run": ("noise of the fit from long-run covariances", "#CC79A7", "v"),
    "halves": ("adjusted, extrapolated from halves", "#8C6D1F", "x"),
    "ridge": ("ridge with effective degrees of freedom", "0.55", "+"),
}


def setting(quick: bool) -> Row:
    """What every cell depends on."""
    return {
        "networks": [*NETWORKS[:1]] if quick else [*NETWORKS], "seed": 3000, "n": 40 if quick else 400,
        "d_max": 30 if quick else 150, "piece": 2400 if quick else 24000, "pieces": 4 if quick else 10,
        "lengths": [600] if quick else [6000, 3000], "stretches": 4, "compared": 1 if quick else 2,
        "repetitions": 8 if quick else 200, "batch": 4 if quick else 20, "large": 100 if quick else 400,
    }  # fmt: skip


# Estimates -------------------------------------------------------------------------------------------------------


def estimates(x: Array, u: Array, d_max: int, *, compared: bool = True) -> Row:
    """C of one series by each estimate; held out and population with standard error and interval.

    * population, heldout: those of the package.
    * cross-fitted: covariance with predictions on unseen blocks, as population, without debiasing the weights.
    * adjusted: R2 of least squares, corrected for degrees of freedom (Ezekiel); "Olkin-Pratt" is its exact form for
      normal variables.
    * long run: R2 minus tr(G^-1 Q), where Q is the long-run covariance of x(k) e(k), from residuals that leave out one
      row, with Bartlett weights up to d_max; "trace" takes x and e for independent.
    * halves: twice the adjusted one minus its mean over the two halves of the series.
    * ridge: 1 - GCV / variance at the strength of least generalised cross-validation (GCV).
    """
    out: Row = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("population", "heldout") if compared else ("population",):
            c = hr.memory_capacity(x, u, d_max=d_max, estimator=name)
            out[name] = [c.total, c.stderr, *c.interval]
    if not compared:
        return out
    y = np.lib.stride_tricks.sliding_window_view(u[:-1], d_max)[:, ::-1]
    out |= least_squares(x[d_max:], y)
    out["cross-fitted"] = cross_fitted(x[d_max:], y, d_max)
    half = (len(x) + d_max) // 2
    halves = [least_squares(x[s][d_max:], y[s.start : s.stop - d_max], only=True)["adjusted"]
              for s in (slice(0, half), slice(half - d_max, len(x)))]  # fmt: skip
    out["halves"] = 2 * out["adjusted"] - float(np.mean(halves))
    return out


def least_squares(x: Array, y: Array, *, only: bool = False) -> Row:
    """Estimates from one fit to all rows."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    scale = x.std(axis=0)
    x = x[:, scale > 0] / scale[scale > 0]
    values, vectors = np.linalg.eigh(x.T @ x)
    keep = values > 1e-10 * values[-1]
    white = x @ (vectors[:, keep] / np.sqrt(values[keep]))
    n, p, power = len(y), int(keep.sum()), (y**2).sum(axis=0)
    along = white.T @ y
    missed = 1 - (along**2).sum(axis=0) / power
    out: Row = {"adjusted": float((1 - missed * (n - 1) / (n - p - 1)).sum())}
    if only:
        return out
    term = series = np.ones_like(missed)  # of the hypergeometric function 2F1(1, 1; (n - p + 1) / 2; 1 - R2)
    for k in range(60):
        term = term * missed * (k + 1) / ((n - p + 1) / 2 + k)
        series = series + term
    out["Olkin-Pratt"] = float((1 - (n - 3) / (n - p - 1) * missed * series).sum())
    strengths = np.logspace(-8, 2, 41)[:, None] * n
    shrunk = strengths / (values[keep] + strengths)
    residual = power * missed + shrunk**2 @ along**2
    gcv = residual / power / (1 - (p - shrunk.sum(axis=1, keepdims=True) + 1) / n) ** 2
    out["ridge"] = float((1 - gcv.min(axis=0)).sum())
    left_out = (y - white @ along) / (1 - (white**2).sum(axis=1, keepdims=True) - 1 / n)
    window, noise = y.shape[1], np.zeros(y.shape[1])
    for start in range(0, n, window):
        rows, near = slice(start, start + window), slice(max(start - window, 0), start + 2 * window)
        lags = np.abs(np.arange(n)[rows, None] - np.arange(n)[None, near])
        weights = (white[rows] @ white[near].T) * np.maximum(1 - lags / (window + 1), 0)
        noise += np.einsum("kd,kd->d", left_out[rows], weights @ left_out[near])
    out["long run"] = float((1 - missed - noise / power).sum())
    size = 1 << (2 * n).bit_length()
    both = [np.fft.irfft((np.abs(np.fft.rfft(a, size, axis=0)) ** 2).sum(axis=1), size)[: window + 1]
            for a in (white, left_out / np.sqrt(power))]  # fmt: skip
    taper = (1 - np.arange(window + 1) / (window + 1)) * np.where(np.arange(window + 1) > 0, 2, 1)
    out["trace"] = float((1 - missed).sum() - (both[0] * both[1] * taper / (n - np.arange(window + 1))).sum())
    return out


def cross_fitted(x: Array, y: Array, gap: int, blocks: int = 5) -> float:
    """Sum of cov(y, prediction) / var(y) on blocks that the readout has not seen."""
    x, y, total = x - x.mean(axis=0), y - y.mean(axis=0), 0.0
    for test in np.array_split(np.arange(len(x)), blocks):
        rows = np.r_[0 : max(test[0] - gap, 0), test[-1] + 1 + gap : len(x)]
        z = x[rows] - x[rows].mean(axis=0)
        gram = z.T @ z
        gram[np.diag_indices_from(gram)] += 1e-10 * gram.trace() / len(gram)
        total += ((x[test] @ np.linalg.solve(gram, z.T @ y[rows])) * y[test]).sum(axis=0)
    return float((total / (y**2).sum(axis=0)).sum())


# Systems of known C ----------------------------------------------------------------------------------------------


def reservoir(n: int, seed: int, radius: float, noise: float, *, orthogonal: bool) -> tuple[Array, Array, float]:
    """Matrix, input weights and noise of a linear reservoir."""
    rng = generator(seed, "topology", "capacity estimators")
    a = rng.standard_normal((n, n))
    a = np.linalg.qr(a)[0] * radius if orthogonal else a * radius / np.abs(np.linalg.eigvals(a)).max()
    return a, rng.standard_normal(n), noise


def drive(system: tuple[Array, Array, float], samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """States and inputs of a linear reservoir that has settled."""
    a, w, noise = system
    u = rng.uniform(-1, 1, samples + 300)
    added, x = np.outer(u, w) + noise * rng.standard_normal((len(u), len(w))), np.zeros(len(w))
    states = np.empty_like(added)
    for k, more in enumerate(added):
        x = a @ x + more
        states[k] = x
    return states[300:], u[300:]


def closed_form(system: tuple[Array, Array, float], d_max: int) -> float:
    """C of a linear reservoir."""
    a, w, noise = system
    responses = [w]
    for _ in range(2000):
        responses.append(a @ responses[-1])
    covariance = solve_discrete_lyapunov(a, noise**2 * np.eye(len(w))) if noise else None
    return float(hr.linear_memory(np.array(responses), covariance)[:d_max].sum())


def systems(large: int) -> dict[str, tuple[Callable[[np.random.Generator], tuple[Array, Array]], int, float]]:
    """By name: states and inputs from a generator, the largest delay, and C."""
    fixed = generator(0, "neurons", "capacity estimators")
    gain, offset, mixed = fixed.normal(0, 3, large), fixed.standard_normal(large), fixed.standard_normal((20, 30))
    long, delays = 15 * large, 3 * large // 8

    def noise(rng: np.random.Generator) -> tuple[Array, Array]:
        return rng.standard_normal((long, large)), rng.uniform(-1, 1, long)

    def present(rng: np.random.Generator) -> tuple[Array, Array]:
        u = rng.uniform(-1, 1, long)
        return np.tanh(np.outer(u, gain) + offset), u

    def slow(rng: np.random.Generator) -> tuple[Array, Array]:
        z = rng.standard_normal((1600, 100))
        for k in range(1, len(z)):
            z[k] += 0.9 * z[k - 1]
        return z[100:], rng.uniform(-1, 1, 1500)

    def line(rng: np.random.Generator) -> tuple[Array, Array]:
        u = rng.uniform(-1, 1, 1520)
        past = np.stack([np.roll(u, d) for d in range(1, 21)], axis=1)[20:]
        return past @ mixed + 2 * rng.standard_normal((1500, 30)), u[20:]

    signal = mixed.T @ mixed / 3
    out = {
        "delay line, noisy": (line, 40, float(np.trace(np.linalg.solve(signal + 4 * np.eye(30), signal)))),
        "slow noise": (slow, 40, 0.0),
    }
    for name, system, d_max in (
        ("reservoir, no noise", reservoir(50, 1, 0.95, 0.0, orthogonal=True), 100),
        ("reservoir, noisy", reservoir(60, 2, 0.9, 0.5, orthogonal=True), 60),
        ("reservoir, nearly singular", reservoir(50, 3, 0.9, 1e-3, orthogonal=False), 60),
        ("reservoir, mostly noise", reservoir(100, 4, 0.97, 2.0, orthogonal=True), 60),
        ("reservoir, small", reservoir(12, 5, 0.9, 0.3, orthogonal=True), 40),
    ):
        out[name] = (partial(drive, system, 1500), d_max, closed_form(system, d_max))
    out["noise"] = (noise, delays, 0.0)
    out["present input"] = (present, delays, 0.0)
    return out


def batch(name: str, first: int, count: int, large: int) -> list[Row]:
    """Some repetitions of a system; of the large ones a few serve for the estimates that are only compared."""
    make, d_max, _ = systems(large)[name]
    small = name not in ("noise", "present input")
    return [
        estimates(*make(generator(r, "noise", name)), d_max, compared=small or r < 10)
        for r in range(first, first + count)
    ]


# Networks --------------------------------------------------------------------------------------------------------


class Recorded:
    """One trained network, and its states under as many inputs as one likes."""

    def __init__(self, name: str, s: Row) -> None:
        self.network = hr.load_network(name, n=s["n"])
        self.draw = hr.draw(self.network, s["seed"])
        self.trained, self.samples, self.seed = train(self.draw), s["piece"], s["seed"]

    def piece(self, k: int) -> tuple[Array, Array]:
        """States and inputs of a stretch of samples."""
        p = self.network.protocol
        u = hr.uniform_stimulus(p.washout + self.samples, p.hold, 100 * self.seed + 100_000 + k)
        recording = hr.simulate(self.draw, u, plasticity=False, state=self.trained)
        return hr.states(recording, u, p.tau_read)[p.washout :], u.values[p.washout :, 0]


def truth(recorded: Recorded, pieces: int, d_max: int) -> Row:
    """C from all pieces: adjusted, extrapolated from halves, and as covariance with what the other pieces predict."""
    parts = []
    for k in range(pieces):
        x, u = recorded.piece(k)
        x, y = x[d_max:], np.lib.stride_tricks.sliding_window_view(u[:-1], d_max)[:, ::-1]
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        parts.append((x.T @ x, x.T @ y, (y**2).sum(axis=0), len(y)))

    def adjusted(chosen: list[tuple[Array, Array, Array, int]]) -> float:
        gram, cross, power = (sum(part[i] for part in chosen) for i in range(3))
        n, p = sum(part[3] for part in chosen), len(gram)
        missed = 1 - (np.linalg.lstsq(gram, cross, rcond=None)[0] * cross).sum(axis=0) / power
        return float((1 - missed * (n - 1) / (n - p - 1)).sum())

    explained = np.zeros(d_max)
    for k in range(pieces):
        gram, cross = (sum(part[i] for j, part in enumerate(parts) if j != k) for i in range(2))
        explained += (np.linalg.lstsq(gram, cross, rcond=None)[0] * parts[k][1]).sum(axis=0)
    whole = adjusted(parts)
    halves = [adjusted(parts[: pieces // 2]), adjusted(parts[pieces // 2 :])]
    return {
        "adjusted": whole,
        "halves": 2 * whole - float(np.mean(halves)),
        "cross-fitted": float((explained / sum(part[2] for part in parts)).sum()),
        "samples": sum(part[3] for part in parts),
    }


def stretches(recorded: Recorded, k: int, s: Row) -> dict[str, list[Row]]:
    """Estimates from stretches of a piece, by their length; all estimates for the first ones only."""
    x, u = recorded.piece(k)
    out = {}
    for length in s["lengths"]:
        cuts = [
            slice(i * length, (i + 1) * length) for i in range(min(s["stretches"] * 6000 // length, len(x) // length))
        ]
        out[str(length)] = [estimates(x[c], u[c], s["d_max"], compared=i < s["compared"]) for i, c in enumerate(cuts)]
    return out


# Results ---------------------------------------------------------------------------------------------------------


def summary(rows: list[Row], c: float) -> Row:
    """Mean, bias, scatter and RMSE of each estimate; of those with an error also how honest it is.

    Means of estimates that some of the series have been given only are corrected by how these differ from all of them.
    """
    out: Row = {"C": c, "repetitions": len(rows)}
    ours = np.array([row["population"][0] for row in rows])
    for name in rows[0]:
        there = [name in row for row in rows]
        found = np.array([row[name] for row in rows if name in row], dtype=float)
        values = found[:, 0] if found.ndim == 2 else found
        # Of estimates from some of the series: as if from all, since the difference to ours scatters less.
        as_if = values + ours.mean() - ours[there].mean()
        out[name] = {
            "mean": as_if.mean(), "sd": values.std(ddof=1),
            "stderr_of_mean": values.std(ddof=1) / np.sqrt(len(values)),
            "bias_percent": 100 * (as_if.mean() / c - 1) if c else None,
            "rmse": np.sqrt(((as_if - c) ** 2).mean()), "repetitions": len(values),
        }  # fmt: skip
        if found.ndim == 2:
            z = (values - c) / found[:, 1]
            out[name] |= {
                "stderr": np.sqrt((found[:, 1] ** 2).mean()), "largest": values.max(),
                "coverage": ((found[:, 2] <= c) & (c <= found[:, 3])).mean(),
                "z_mean": z.mean(), "z_sd": z.std(ddof=1),
                "z_quantiles": np.quantile(z, [0.025, 0.25, 0.5, 0.75, 0.975]),
            }  # fmt: skip
    return out


def table(out: Row) -> list[str]:
    """Markdown: bias of each estimate in percent (its mean where C is 0), and how often intervals hold C."""
    keys = ("population", "cross-fitted", "long run", "halves", "adjusted", "ridge", "heldout")
    lines = ["| states | C | " + " | ".join((*keys, "interval of population", "of heldout")) + " |"]
    lines.append("|---|---|" + "---|" * (len(keys) + 2))
    for name, s in out.items():
        cells = [f"{s['C']:.2f}"]
        for key in keys:
            bias = s[key]["bias_percent"]
            cells.append(f"{s[key]['mean']:+z.2f}" if bias is None else f"{bias:+z.1f} %")
        cells += [f"{100 * s[key]['coverage']:.1f} %" for key in ("population", "heldout")]
        lines.append(f"| {name} | " + " | ".join(cell.replace("-", "−") for cell in cells) + " |")
    return lines


def figure(out: Row) -> Figure:
    """Means over truth with 95 % intervals; below how often the 95 % interval of a series holds the truth."""
    names = list(out)
    fig = Figure(figsize=(9.5, 8), layout="constrained")
    top, bottom = fig.subplots(2, 1, height_ratios=(2, 1))
    for i, (key, (text, colour, marker)) in enumerate(LOOKS.items()):
        known = [(k, out[n]) for k, n in enumerate(names) if out[n]["C"] > 0]
        at = np.array([k for k, _ in known]) + 0.1 * (i - 3)
        mean = np.array([s[key]["mean"] / s["C"] for _, s in known])
        error = np.array([1.96 * s[key]["stderr_of_mean"] / s["C"] for _, s in known])
        top.errorbar(at, mean, yerr=error, fmt=marker, color=colour, ms=5, lw=1, label=text)
    top.axhline(1, color="black", lw=0.8, zorder=0)
    top.axhspan(0.97, 1.03, color="0.92", zorder=-1)
    top.set(ylabel="mean estimate / C", ylim=(0.2, 1.15))
    top.set_xticks(range(len(names)), [])
    for i, n in enumerate(names):
        if not out[n]["C"]:
            top.text(i, 0.6, "C = 0", ha="center", rotation=90, color="0.5", fontsize="small")
    for key in ("population", "heldout"):
        _, colour, marker = LOOKS[key]
        bottom.plot(range(len(names)), [out[n][key]["coverage"] for n in names], marker, color=colour, ms=6)
    bottom.axhspan(0.92, 0.98, color="0.92", zorder=-1)
    bottom.axhline(0.95, color="black", lw=0.8, zorder=0)
    bottom.set(ylabel="share of 95 % intervals\nthat hold C", ylim=(-0.05, 1.05))
    bottom.set_xticks(range(len(names)), [n.replace(", ", ",\n") for n in names], fontsize="small", rotation=55)
    for ax in (top, bottom):
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_xlim(-0.6, len(names) - 0.4)
    fig.legend(*top.get_legend_handles_labels(), frameon=False, fontsize="small", loc="outside lower center", ncols=3)
    return fig


def findings(out: Row) -> list[str]:
    """The numbers in words."""
    lines = []
    for name, s in out.items():
        parts = []
        for key in (*LOOKS, "Olkin-Pratt", "trace"):
            f = s[key]
            bias = f"{f['mean']:.3f}" if f["bias_percent"] is None else f"{f['bias_percent']:+.1f} %"
            parts.append(f"{key} {bias}" + (f" (coverage {f['coverage']:.3f})" if "coverage" in f else ""))
        lines.append(f"{name}, C = {s['C']:.3f}: " + ", ".join(parts))
    return lines


def main() -> None:
    """Run the study."""
    study = Study("capacity_estimators", __doc__, setting)
    s = study.setting
    out: Row = {}
    truths = {}
    for name in s["networks"]:
        cells: list[Any] = [f"{name}, truth", *(f"{name}, piece {k}" for k in range(s["pieces"]))]
        recorded = None if all(study.done(cell) for cell in cells) else Recorded(name, s)
        truths[name] = study.cell(cells[0], lambda r=recorded: truth(r, s["pieces"], s["d_max"]))
        found = [study.cell(cell, lambda r=recorded, k=k: stretches(r, k, s)) for k, cell in enumerate(cells[1:])]
        c = (truths[name]["halves"] + truths[name]["cross-fitted"]) / 2
        for length in map(str, s["lengths"]):
            out[f"{label(name)}, {length}"] = summary([row for piece in found for row in piece[length]], c)
    for name, (_, _, c) in systems(s["large"]).items():
        rows: list[Row] = []
        for first in range(0, s["repetitions"], s["batch"]):
            count = min(s["batch"], s["repetitions"] - first)
            rows += study.cell(f"{name}, {first}", partial(batch, name, first, count, s["large"]))
        out[name] = summary(rows, c)
    study.finish({"truth": truths, "summary": out}, figure(out), findings=findings(out))
    print("\n".join(table(out)))


if __name__ == "__main__":
    fail_politely(main)
