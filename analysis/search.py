"""Does searching over distributions pay?

Question: does a Gaussian process on the Wasserstein space of distributions find good distributions in fewer trials than
random search, and than a plain Matern kernel over means and spreads; and does it find networks of a higher spike
efficiency E = C / S than a search that may not use heterogeneity?

Method, first part: three formulas over distributions whose best value is known to be 1; the number of trials until
0.95 is reached, over ten seeds of the search. Second part: networks of 200 neurons, 60 trials of three seeds each, the
same budget for the space `paper` searched by the Wasserstein process and by chance, and for `homogeneous` (means
alone), over five seeds of the search; what counts is E of the best on fresh seeds.

Finding: see docs/search.md.

    python analysis/search.py [--quick] [--out FOLDER] [--workers N] [--only formulas networks]

Every search has a journal below FOLDER and is resumed from there: stop it when you like.
"""

from __future__ import annotations

import argparse
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.common.files import write_json
from hetero_rsnn.common.versions import versions
from hetero_rsnn.jobs.parallel import cores
from hetero_rsnn.jobs.running import run_jobs
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.network.distributions import Gamma

LEVELS = (np.arange(64) + 0.5) / 64
#: Where the formulas have their best value.
TARGETS = {"tau_m": (17.0, 0.7), "tau_plus": (45.0, 0.35), "eta_plus": (0.011, 0.9)}
METHODS = ("wasserstein", "matern", "random")
ENOUGH = 0.95
#: The best value of the formulas, as a capacity.
BEST = 5.0
SMALL = {"n": 200, "protocol.samples": 3000, "protocol.d_max": 60, "protocol.train": "5 s"}


def _distributions(network: hr.Network) -> dict[str, Any]:
    found = {"tau_m": dict(network.populations[0].parameters)["tau_m"].distribution}
    assert network.plasticity is not None
    return found | {k: network.plasticity[k].distribution for k in ("tau_plus", "eta_plus")}


def _value(distance: float) -> dict[str, float]:
    """At most 1, in the units of a capacity: a search models its logarithm, and takes less than 0.05 for nothing."""
    return {"C": BEST / (1.0 + distance), "S": 1.0}


def closest(network: hr.Network, seed: int) -> dict[str, float]:
    """One distribution: the closer its logarithm comes to the target in the 2-Wasserstein distance, the better."""
    del seed
    mean, cv = TARGETS["tau_m"]
    found = _distributions(network)["tau_m"].quantile(LEVELS)
    distance = np.mean((np.log(found) - np.log(Gamma(mean, cv).quantile(LEVELS))) ** 2)
    return _value(distance / 0.1)


def forgetting(network: hr.Network, seed: int) -> dict[str, float]:
    """Two distributions: the mean of exp(-t / tau) over each population follows that of the target at six times t."""
    del seed
    t = np.array([2.0, 5.0, 10.0, 20.0, 50.0, 100.0])
    error = 0.0
    for name in ("tau_m", "tau_plus"):
        mean, cv = TARGETS[name]
        have, want = (
            np.exp(-t[:, None] / d.quantile(LEVELS)).mean(axis=1)
            for d in (_distributions(network)[name], Gamma(mean, cv))
        )
        error += float(np.mean((have - want) ** 2))
    return _value(error / 4e-3)


def several(network: hr.Network, seed: int) -> dict[str, float]:
    """Three distributions: the product of how close each comes, by mean and spread of the logarithm."""
    del seed
    total = 0.0
    for name, (mean, cv) in TARGETS.items():
        have, want = (np.log(d.quantile(LEVELS)) for d in (_distributions(network)[name], Gamma(mean, cv)))
        total += (have.mean() - want.mean()) ** 2 / 0.5 + (have.std() - want.std()) ** 2 / 0.25
    return _value(total)


FORMULAS = {"closest": (closest, ("tau_m",)), "forgetting": (forgetting, ("tau_m", "tau_plus")),
            "several": (several, ("tau_m", "tau_plus", "eta_plus"))}  # fmt: skip


def formula_space(names: tuple[str, ...]) -> hr.Space:
    """Means over a decade or more, spreads from none to that of an exponential distribution."""
    folder = Path(__file__).parent / "spaces"
    return hr.load_space(folder / f"{'_'.join(names)}.toml")


def _formula(job: tuple[str, str, int], budget: int, out: Path) -> dict[str, Any]:
    name, method, seed = job
    function, names = FORMULAS[name]
    path = out / "formulas" / f"{name}-{method}-{seed}.jsonl"
    result = hr.search_function(
        function, formula_space(names), method=method, budget=budget, initial=6, batch=1, seeds=1, c_min=0.0,
        rate=(0.0, 1e6), seed=seed, remeasure=0, journal=path, resume=path.exists(),
    )  # fmt: skip
    best = np.fmax.accumulate([t.C / BEST if t.status == "finished" else math.nan for t in result.trials])
    reached = np.flatnonzero(best >= ENOUGH)
    return {
        "formula": name,
        "method": method,
        "seed": seed,
        "best": [float(b) for b in best],
        "trials": int(reached[0]) + 1 if reached.size else None,
    }


def formulas(out: Path, workers: int, quick: bool) -> dict[str, Any]:
    """Trials until 95 % of the optimum."""
    budget, seeds = (10, 2) if quick else (80, 10)
    jobs = [(f, m, s) for f in FORMULAS for s in range(seeds) for m in METHODS]
    rows = run_jobs(partial(_formula, budget=budget, out=out), jobs, workers=workers, progress=_say("formulas"))
    summary: dict[str, Any] = {}
    for f in FORMULAS:
        trials = {
            m: [r["trials"] or budget + 1 for r in rows if r["formula"] == f and r["method"] == m] for m in METHODS
        }
        ours = np.array(trials["wasserstein"])
        summary[f] = {
            "median": {m: float(np.median(t)) for m, t in trials.items()},
            "never": {m: int(np.sum(np.array(t) > budget)) for m, t in trials.items()},
            **{f"fewer than {m}": int(np.sum(ours < np.array(trials[m]))) for m in METHODS[1:]},
            "seeds": seeds,
        }
        print(f"{f}: {summary[f]}")
    return {"budget": budget, "enough": ENOUGH, "summary": summary, "rows": rows}


def networks(out: Path, workers: int, quick: bool) -> dict[str, Any]:
    """E of the best network on fresh seeds: searched, by chance, and without heterogeneity."""
    budget, seeds, repeats = (8, 1, 1) if quick else (60, 3, 5)
    small = {**SMALL, **({"n": 60, "protocol.samples": 1200, "protocol.d_max": 20} if quick else {})}
    ways = {"heterogeneous": ("paper", "wasserstein"), "by chance": ("paper", "random"),
            "homogeneous": ("homogeneous", "wasserstein")}  # fmt: skip
    rows = []
    for seed in range(repeats):
        for way, (space, method) in ways.items():
            path = out / "networks" / f"{way.replace(' ', '-')}-{seed}.jsonl"
            result = hr.search(
                hr.load_space(space, **small), method=method, budget=budget, initial=min(20, budget), batch=4,
                seeds=range(100 * seed, 100 * seed + seeds), fresh_seeds=range(5000 + 100 * seed, 5012 + 100 * seed),
                seed=seed, remeasure=3, workers=workers, journal=path, resume=path.exists(),
            )  # fmt: skip
            best = result.best_evaluation
            assert best is not None
            rows.append(
                {"way": way, "seed": seed, "E": best.E, "C": best.C, "S": best.S, "rate_hz": best.rate_hz,
                 "keeps_limits": best.feasible,
                 "feasible": any(t.feasible for t in result.trials),
                 "convergence": [float(v) for v in result.convergence],
                 "trials": [{"C": t.C, "S": t.S, "feasible": t.feasible} for t in result.trials],
                 "front": [{"C": t.C, "S": t.S} for t in result.front]}
            )  # fmt: skip
            print(f"{way}, seed {seed}: E = {best.E:.1f}, C = {best.C:.2f}, {best.rate_hz:.1f} Hz")
    summary: dict[str, Any] = {}
    values = {way: np.array([r["E"] for r in rows if r["way"] == way]) for way in ways}
    for way, e in values.items():
        summary[way] = vars(estimate(e))
        if way != "heterogeneous":
            summary[f"heterogeneous - {way}"] = vars(estimate(values["heterogeneous"] - e))
    for key, row in summary.items():
        print(f"{key}: {row['mean']:.2f} [{row['low']:.2f}, {row['high']:.2f}]")
    return {
        "budget": budget,
        "seeds": seeds,
        "summary": summary,
        "rows": rows,
        "small": {k: v for k, v in small.items()},
    }


def _say(what: str) -> Any:
    def progress(done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            print(f"{what}: {done} of {total}", flush=True)

    return progress


def draw_figure(data: dict[str, Any], path: Path) -> None:
    """Best so far over trials for each formula; E over C of all networks with the fronts; E on fresh seeds."""
    colours = {"wasserstein": "#D55E00", "matern": "#0072B2", "random": "#7F7F7F",
               "heterogeneous": "#D55E00", "homogeneous": "#0072B2", "by chance": "#7F7F7F"}  # fmt: skip
    figure = Figure(figsize=(10, 6.2), layout="constrained")
    axes = figure.subplots(2, 3)
    for ax, name in zip(axes[0], FORMULAS, strict=True):
        for method in METHODS:
            best = np.array(
                [r["best"] for r in data.get("formulas", {}).get("rows", [])
                 if (r["formula"], r["method"]) == (name, method)]
            )  # fmt: skip
            if best.size:
                x = np.arange(1, best.shape[1] + 1)
                low, middle, high = np.nanpercentile(best, [25, 50, 75], axis=0)
                ax.fill_between(x, low, high, color=colours[method], alpha=0.2, lw=0)
                ax.plot(x, middle, color=colours[method], label=method)
        ax.axhline(ENOUGH, color="black", lw=0.6, ls=":")
        ax.set(title=f"formula '{name}'", xlabel="trial", ylabel="best so far", ylim=(0, 1.03))
    axes[0, 0].legend(frameon=False)
    rows = data.get("networks", {}).get("rows", [])
    for way in ("by chance", "homogeneous", "heterogeneous"):
        mine = [r for r in rows if r["way"] == way]
        if not mine:
            continue
        good = [(t["C"], t["C"] / t["S"]) for r in mine for t in r["trials"] if t["feasible"] and t["S"] > 0.01]
        if good:
            axes[1, 0].scatter(*zip(*good, strict=True), s=7, alpha=0.45, color=colours[way], label=way, lw=0)
        curves = np.array([r["convergence"] for r in mine])
        axes[1, 1].plot(np.arange(1, curves.shape[1] + 1), np.nanmedian(curves, axis=0), color=colours[way])
    axes[1, 0].set(title="all feasible networks", xlabel="C (samples)", ylabel="E = C / S")
    if axes[1, 0].collections:
        axes[1, 0].legend(frameon=False, markerscale=2, loc="upper left")
    axes[1, 1].set(title="best so far, on the searched seeds", xlabel="trial", ylabel="E")
    for i, way in enumerate(("homogeneous", "by chance", "heterogeneous")):
        e = [r["E"] for r in rows if r["way"] == way]
        if e:
            axes[1, 2].plot([i] * len(e), e, "o", color=colours[way], alpha=0.6, ms=5)
            mean = estimate(e)
            axes[1, 2].errorbar(i, mean.mean, [[mean.mean - mean.low], [mean.high - mean.mean]],
                                fmt="_", color="black", capsize=4, ms=14)  # fmt: skip
    axes[1, 2].set(title="best, on fresh seeds", ylabel="E", xlim=(-0.5, 2.5))
    axes[1, 2].set_xticks(range(3), ["homogeneous", "by chance", "heterogeneous"], fontsize="small")
    plots.save_figure(figure, path)


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="tiny budgets: to see that it works")
    parser.add_argument("--out", type=Path, default=Path("results/search"))
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--only", nargs="+", choices=("formulas", "networks"), default=("formulas", "networks"))
    args = parser.parse_args()
    data: dict[str, Any] = {"versions": versions(), "quick": args.quick}
    for name, part in (("formulas", formulas), ("networks", networks)):
        if name in args.only:
            data[name] = part(args.out, args.workers, args.quick)
    write_json(args.out / "search.json", data)
    draw_figure(data, args.out / "search.png")
    print(f"wrote search.json and search.png to {args.out}")


if __name__ == "__main__":
    main()
