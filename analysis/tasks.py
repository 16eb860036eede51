"""What do heterogeneous networks buy on real tasks, and for how many spikes?

Question: on every data set, do networks with heterogeneous neurons or synapses classify or forecast better than
homogeneous ones of the same means, with few labels or all, at the end or early, and what do they pay in spikes?

Method: the four canonical networks with the recipe of each data set, beside the linear model on the same input;
differences are paired over the seeds. Where a series is generated, a control: HoNHoS driven harder, until it spends
the spikes of HeNHeS. A cell is one data set, one network, one seed. Sizes keep the study below half an hour on one
core that nobody else wants: 400 neurons throughout (1,000 cost three times as much on Lorenz), single precision,
6,000 generated samples of 20,000, few-label curves to 20 labels. Seconds a cell then: vowels, NARMA10 and
Mackey-Glass 3 to 5, Lorenz and Rossler 9, wind 10 and 13, digits 28. So the cheap ones have five seeds and the dear
ones three; of these, digits and wind were measured before with more neurons or seeds, on two networks
(docs/tasks.md).

Finding: on vowels, digits and wind heterogeneity changes nothing but the spikes, which rise by 18 to 35 %. On
Rossler, Mackey-Glass and NARMA10 heterogeneous neurons lower the error by 10 to 16 %, and on all four generated
series they do better than a homogeneous network that spends as many spikes. Spikes rise faster than scores: accuracy
/ nu and 1 / (NRMSE nu) are lower for heterogeneous networks on seven of eight data sets, and higher on none.
Heterogeneous synapses change no score; they save 0.2 to 1 % of the spikes. NARMA10 no network forecasts as well as
its linear model, and at Greensboro they only draw level. See docs/tasks_study.md.

    python analysis/tasks.py [--quick] [--out FOLDER] [--workers N] [--data-dir DIR] [--only NAME ...]

Finished cells are in FOLDER/tasks_study.jsonl; the same line goes on from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from study_kit import Row, Study, as_json, column, fail_politely, mean, paired, verdict
from tasks_figure import TITLES, draw

import hetero_rsnn as hr
from hetero_rsnn.datasets.catalogue import find_dataset
from hetero_rsnn.measures.estimates import estimate
from hetero_rsnn.network.shipped import CANONICAL, label
from hetero_rsnn.tasks.recipes import recipe


@dataclass(frozen=True)
class Plan:
    """How a data set is used: seeds, and what is changed of its recipe to keep the study affordable."""

    seeds: int = 3
    overrides: Mapping[str, Any] = field(default_factory=dict)
    load: Mapping[str, Any] = field(default_factory=dict)
    every: int = 2
    #: Factor of the input current with which HoNHoS spends about the spikes of HeNHeS (found on seed 0): a control.
    harder: float | None = None


#: Recipes with 1,000 neurons are run with 400.
SMALLER = {"n": 400}
SERIES = {"samples": 6000, "segments": 3}
#: In the order of their cost, so that a study that is stopped has most of its cells.
PLANS = {
    "japanese_vowels": Plan(5),
    "narma10": Plan(5, SMALLER, harder=3.3),
    "mackey_glass": Plan(5, SMALLER, SERIES, harder=2.55),
    "lorenz63": Plan(5, SMALLER, SERIES, harder=1.25),
    "rossler": Plan(5, SMALLER, SERIES, harder=1.3),
    "wind_sand_point": Plan(3),
    "wind_greensboro": Plan(3),
    "free_spoken_digits": Plan(3, SMALLER, every=4),
    "shd": Plan(1, SMALLER, {"limit": 2000}),
}
#: Labels a class; with more of them the curves are flat, and a cell costs twice as much.
LABELS = (1, 2, 5, 10, 20)
#: Differences smaller than this count as none: a point of accuracy, or 2 % of the NRMSE.
NEGLIGIBLE = {"accuracy": 0.01, "nrmse": 0.02}


def setting(quick: bool) -> dict[str, Any]:
    """What a cell rests on; how many seeds there are changes none of them."""
    sizes = {k: {"overrides": p.overrides, "load": p.load, "every": p.every} for k, p in plans(quick).items()}
    return {"precision": "single", "calibration": "auto", "few_labels": labels(quick), "sizes": sizes}


def labels(quick: bool) -> tuple[int, ...]:
    """Labels a class of the few-label curves."""
    return LABELS[:2] if quick else LABELS


def plans(quick: bool) -> dict[str, Plan]:
    """The plan of a full run, or of one that takes seconds."""
    if not quick:
        return PLANS
    small = {"samples": 1500, "segments": 2, "test_samples": 400}
    return {
        k: Plan(2, {"n": 40}, small if "samples" in p.load or k == "narma10" else
                {"limit": 120} if k == "shd" else {}, every=4, harder=p.harder)
        for k, p in PLANS.items()
    }  # fmt: skip


def load(name: str, plan: Plan, quick: bool, data_dir: Path | None) -> tuple[hr.Dataset, hr.Recipe]:
    """A data set, or a small part of it, and its recipe; recordings as cochleagrams, made once for all networks."""
    data = hr.load_dataset(name, data_dir=data_dir, **plan.load)
    if quick:
        rng = np.random.default_rng(0)  # which samples, not what they hold
        most = (100, 50) if data.task == "classification" else (1, 1)
        parts = [np.sort(rng.permutation(part)[:m]) for part, m in zip((data.train, data.test), most, strict=True)]
        data = replace(data, train=parts[0], test=parts[1])
        a, b, y_a, y_b = data.split()
        data = replace(
            data, X=[*a, *b], y=None if y_a is None or y_b is None else np.concatenate([y_a, y_b]), groups=None,
            train=np.arange(len(a)), test=np.arange(len(a), len(a) + len(b)),
        )  # fmt: skip
    given = recipe(data)
    if given.causal is not None:
        # The causal encoder throughout: decisions at the end and early are then those of one kind of input.
        made = [given.causal.features(x) for x in data.X]
        data = replace(data, X=made, kind="series", channels=tuple(f"band {i}" for i in range(made[0].shape[1])))
        given = replace(given, encoder=hr.CurrentEncoder("zscore", given.causal.gain, given.causal.clip), causal=None)
    return data, given


def one(
    data: hr.Dataset, given: hr.Recipe, network: str, seed: int, plan: Plan, study: Study, harder: float = 1.0
) -> Row:
    """The cell: what one network of one seed achieves on a data set, driven some times as hard as the recipe says."""
    if harder != 1.0:
        given = replace(given, encoder=clone(given.encoder).set_params(gain=given.encoder.gain * harder))
    how: dict[str, Any] = {
        "chosen": replace(given, options={**given.options, "n_jobs": study.workers}),  # which changes no result
        "overrides": dict(plan.overrides),
        "precision": "single",
    }
    if data.task == "classification":
        early = data.kind != "events"  # whole samples of 700 channels do not fit in memory all at once
        numbers = labels(study.quick)
        result = hr.classify(data, [network], [seed], few_labels=numbers, early=early, every=plan.every, **how)
    else:
        result = hr.forecast(data, [network], [seed], **how)
    row: Row = result.rows[0].to_dict()
    row["test"].pop("confusion", None)
    return row | {"neurons": result.networks[0].n, "task": data.task}


def measure(study: Study) -> dict[str, dict[str, list[Row]]]:
    """Rows of every data set and network, seed by seed; a round of seeds over all data sets before the next."""
    found: dict[str, Any] = {}
    chosen = {k: p for k, p in plans(study.quick).items() if k in study.args.only}
    for name in list(chosen):
        if find_dataset(name, study.args.data_dir) == []:
            print(f"{name}: not found, skipped (hetero-rsnn data show {name} says where to get it; --data-dir)")
            chosen.pop(name)
    if not chosen:
        raise hr.HeteroError(
            f"none of {', '.join(study.args.only)} is there: give --data-dir, or other names to --only"
        )
    rows: dict[str, dict[str, list[Row]]] = {name: {n: [] for n in CANONICAL} for name in chosen}
    for seed in range(max(p.seeds for p in chosen.values())):
        for name, plan in chosen.items():
            if seed >= plan.seeds:
                continue

            def compute(
                name: str = name, plan: Plan = plan, seed: int = seed, network: str = "", harder: float = 1.0
            ) -> Row:
                if name not in found:  # generated, or read, once, and not at all if every cell is there
                    found[name] = load(name, plan, study.quick, study.args.data_dir)
                return one(*found[name], network, seed, plan, study, harder)

            for network in CANONICAL:
                cell = study.cell(f"{name}, {network}, seed {seed}", lambda n=network, c=compute: c(network=n))
                rows[name][network].append(cell)
            if plan.harder is not None:
                key = f"{name}, honhos driven {plan.harder:g} times as hard, seed {seed}"
                cell = study.cell(key, lambda c=compute, k=plan.harder: c(network="honhos", harder=k))
                rows[name].setdefault("driven", []).append(cell)
    return {name: rows[name] for name in TITLES if name in rows}


def columns(cells: list[Row]) -> Row:
    """Cells of one network as lists over the seeds."""
    classified = cells[0]["task"] == "classification"
    row: Row = {
        "seed": [c["seed"] for c in cells],
        "score": [c["test"]["accuracy" if classified else "nrmse"] for c in cells],
        "nu": [c["test"]["nu"] for c in cells],
        "efficiency": [c["test"]["efficiency"] for c in cells],
        "rate_hz": [c["test"]["rate_hz"] for c in cells],
        "linear": [(c if classified else c["test"])["linear"] for c in cells],
    }
    if not classified:
        return row | {k: [c["test"][k] for c in cells] for k in ("skill", "linear_skill", "persistence")}
    for count in cells[0]["few_labels"]:
        row[f"{count} labels"] = [c["few_labels"][count]["network"] for c in cells]
        row[f"{count} labels, linear"] = [c["few_labels"][count]["linear"] for c in cells]
    if cells[0]["early"] is None:
        return row
    early = [c["early"] for c in cells]
    for way in ("full", "chosen", "bound"):
        for what in ("accuracy", "time_saved", "spikes_saved"):
            row[f"early, {way}, {what}"] = [e[way][what] for e in early]
    return row | {"epsilon": [e["chosen"]["epsilon"] for e in early]}


def together(a: Row, b: Row) -> Row:
    """Mean of two networks, seed by seed."""
    both = {k: np.mean([column(a, k), column(b, k)], axis=0).tolist() for k in ("score", "nu", "efficiency")}
    return {"seed": a["seed"], **both}


def effects(nets: dict[str, Row], classified: bool) -> dict[str, Any]:
    """What heterogeneous neurons, synapses, and both change: score, and nu and efficiency as shares."""
    ho, hen, hos, he = (nets[n] for n in CANONICAL)
    pairs = {
        "neurons": (together(hen, he), together(ho, hos)),
        "synapses": (together(hos, he), together(ho, hen)),
        "both": (he, ho),
    }
    return {
        name: {
            # An error is compared as a share: data sets differ in how well they can be forecast.
            "score": paired(a, b, "score", relative=not classified),
            "nu": paired(a, b, "nu", relative=True),
            "efficiency": paired(a, b, "efficiency", relative=True),
        }
        for name, (a, b) in pairs.items()
    }


def judge(e: hr.Estimate, classified: bool) -> str:
    """Whether a difference of scores is good, bad, none or unclear."""
    # Accuracy counts whole samples: a few seeds that agree to the last one are no interval of width 0.
    found = verdict(e) if not e.stderr < 1e-9 else "unclear"
    says = found if classified else {"larger": "smaller", "smaller": "larger"}.get(found, "unclear")
    small = verdict(e, bound=NEGLIGIBLE["accuracy" if classified else "nrmse"]) == "equivalent"
    word = {"larger": "better", "smaller": "worse"}.get(says, "the same" if small else "no clear difference")
    return f"{word}, but negligibly" if small and word in ("better", "worse") else word


def span(e: hr.Estimate, form: str = "{:+.1f}", scale: float = 100.0) -> str:
    """A difference with its interval."""
    inside = "" if np.isnan(e.low) else f" [{form.format(scale * e.low)}, {form.format(scale * e.high)}]"
    return form.format(scale * e.mean) + inside


def analyse(rows: dict[str, dict[str, list[Row]]]) -> tuple[dict[str, Any], list[str]]:
    """Numbers of every data set, and what they say."""
    result: dict[str, Any] = {}
    said, control, few, early = [], [], [], []
    counts: dict[str, list[str]] = {k: [] for k in ("better", "worse", "more spikes", "fewer spikes", "more efficient",
                                                    "less efficient", "beats", "does not beat")}  # fmt: skip
    for name, cells in rows.items():
        classified = cells["honhos"][0]["task"] == "classification"
        nets = {n: columns(c) for n, c in cells.items()}
        driven = nets.pop("driven", None)
        found = effects(nets, classified)
        both, sign = found["both"], 1 if classified else -1
        gains = {n: estimate(sign * (column(r, "score") - column(r, "linear"))) for n, r in nets.items()}
        ahead = [n for n, g in gains.items() if verdict(g) == "larger" and g.stderr > 1e-9]
        best = max(nets, key=lambda n: mean(nets[n], "efficiency").mean)
        word, title, unit = judge(both["score"], classified), TITLES[name], "points" if classified else "%"
        result[name] = {
            "task": cells["honhos"][0]["task"], "score": "accuracy" if classified else "nrmse",
            "neurons": cells["honhos"][0]["neurons"], "columns": nets,
            "means": {n: {k: as_json(mean(r, k)) for k in r if k not in ("seed", "epsilon")} for n, r in nets.items()},
            "effects": {k: {q: as_json(e) for q, e in v.items()} for k, v in found.items()},
            "gain_over_linear": {n: as_json(g) for n, g in gains.items()},
            "driven": driven,
            "verdict": word, "most_efficient": best, "seeds": len(nets["honhos"]["seed"]),
        }  # fmt: skip
        said.append(
            f"{title} ({len(nets['honhos']['seed'])} seeds): HeNHeS against HoNHoS {word} "
            f"({'accuracy' if classified else 'NRMSE'} {span(both['score'], '{:+.2f}')} {unit}) for "
            f"{span(both['nu'], '{:+.0f}')} % spikes, efficiency {span(both['efficiency'], '{:+.0f}')} %; most "
            f"efficient: {label(best)}; {len(ahead) or 'none'} of 4 networks clearly beat{'s' * (len(ahead) == 1)} the "
            "linear model on the same input."
        )
        if driven is not None:
            same = {q: paired(nets["henhes"], driven, q, relative=True) for q in ("score", "nu")}
            result[name]["against_driven"] = {q: as_json(e) for q, e in same.items()}
            control.append(
                f"{title}, HeNHeS against HoNHoS driven so hard that it spends the spikes "
                f"({span(same['nu'], '{:+.0f}')} %): {judge(same['score'], False)}, NRMSE "
                f"{span(same['score'])} %; driving alone changed NRMSE by "
                f"{span(paired(driven, nets['honhos'], 'score', relative=True))} %."
            )
        for key, group in (("score", ("better", "worse")), ("nu", ("more spikes", "fewer spikes")),
                           ("efficiency", ("more efficient", "less efficient"))):  # fmt: skip
            says = verdict(both[key])
            if key == "score" and word not in group:
                continue
            if says != "unclear":
                counts[word if key == "score" else group[says == "smaller"]].append(title)
        counts["beats" if ahead else "does not beat"].append(title)
        if not classified:
            continue
        numbers = [k.split()[0] for k in nets["honhos"] if k.endswith(" labels")]
        for k in numbers[:: max(len(numbers) - 1, 1)]:
            a, b = (column(nets[n], f"{k} labels") for n in ("henhes", "honhos"))
            over = b - column(nets["honhos"], f"{k} labels, linear")
            few.append(
                f"{title}, {k} label{'s' * (k != '1')} a class: HoNHoS {100 * b.mean():.1f} %, "
                f"{span(estimate(over))} points over linear; HeNHeS - HoNHoS {span(estimate(a - b))} points."
            )
        if "epsilon" in nets["honhos"]:
            for n in ("honhos", "henhes"):
                r = nets[n]
                lost = estimate(column(r, "early, chosen, accuracy") - column(r, "early, full, accuracy"))
                none = sum(e is None for e in r["epsilon"])
                early.append(
                    f"{title}, early decisions of {label(n)}: "
                    f"{100 * mean(r, 'early, chosen, time_saved').mean:.0f} % of the time and "
                    f"{100 * mean(r, 'early, chosen, spikes_saved').mean:.0f} % of the spikes saved for {span(lost)} "
                    f"points of accuracy ({none} of {len(r['epsilon'])} seeds chose not to stop early); bound (optimal "
                    f"cutoff time) {100 * mean(r, 'early, bound, time_saved').mean:.0f} %."
                )
    listed = {k: f"{len(v)} ({', '.join(v)})" if v else "none" for k, v in counts.items()}
    overall = (
        f"Over {len(rows)} data sets, HeNHeS against HoNHoS is clearly and not negligibly better on "
        f"{listed['better']}, worse on {listed['worse']}; it fires clearly more on {listed['more spikes']}, less on "
        f"{listed['fewer spikes']}; its score per spike is clearly higher on {listed['more efficient']}, lower on "
        f"{listed['less efficient']} (95 % intervals, not corrected for the number of data sets). Some network beats "
        f"the linear model on {listed['beats']}; none does on {listed['does not beat']}."
    )
    return result, [overall, *said, *control, *few, *early]


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("--data-dir", type=Path, help="folder with downloaded data sets")
    parser.add_argument("--only", nargs="+", choices=list(PLANS), default=list(PLANS), metavar="NAME")


def main(argv: list[str] | None = None) -> None:
    study = Study("tasks_study", __doc__, setting, argv=argv, options=options)
    try:
        rows = measure(study)
        result, findings = analyse(rows)
        study.finish(result, draw(rows, result), findings=findings)
    finally:
        study.journal.close()


if __name__ == "__main__":
    fail_politely(main)
