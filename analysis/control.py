"""Does a trapezoid as pseudo-derivative help spiking actors to learn by reward, and what else matters?

Question: Pan et al. (arXiv:2406.13568) find that actors of spiking neurons (population-coded, trained by TD3) learn
faster and more steadily if the pseudo-derivative is a trapezoid than if it is a rectangle or a triangle. Nothing public
has their breakpoints. Does it hold at equal area and height, or at equal support, where width is not mixed up with
shape? And is the pseudo-derivative what matters, or the spiking target network that a proxy can replace
(arXiv:2505.24161), decays that differ from neuron to neuron, or the encoder?

Method, in parts. "halfcheetah": HalfCheetah-v5, 100,000 steps, three shapes of equal area and height. "pendulum":
Pendulum-v1, the same and a rectangle and a triangle with the support of the trapezoid, breakpoints that are learned, a
fast sigmoid, and an ordinary ReLU actor. "third": InvertedDoublePendulum-v5, three shapes. "checks", on Pendulum-v1:
proxy targets for each shape; decays that are equal or drawn, fixed or learned; an encoder that draws. Sizes and
learning rates are those of the public Pop-SAN code, or smaller, the same for all actors of a part; none was tuned here.

Planned before any run. Of a run: final return, the mean of its last three tests; mean return over all tests, which is
the area under its curve over its length; steps after which the mean of three tests first reaches the return of
`setting`; spread of the tests of its second half beside their trend; spikes of an action and minutes. Over runs:
interquartile means, standard deviation of the final return, and 95 % intervals by resampling runs (percentiles, which
are somewhat narrow for few runs). The claim: the trapezoid against each other shape, at final return and at mean return
over all tests, by the exact two-sided test of Mann and Whitney, with Holm's correction over all such comparisons of the
part. "ahead" and "behind" are said at 5 % after correction, "not shown" otherwise, which is not "equal". HalfCheetah
tests the claim; the other environments tell whether it holds elsewhere, and a table of all parts is corrected over all
of them. All other comparisons have intervals and no test: nothing is claimed by them. Spreads are not tested either.

Trainings are made seed by seed over all actors, and a summary is of the seeds that all of them have: whenever a part is
stopped, what it has is balanced. Equal seeds have equal first weights and first episodes; runs are treated as
independent, which errs on the careful side. A training that is given up (a number that is not finite) is named, and its
seed left away for all actors.

Finding: see docs/control.md.

    python analysis/control.py PART [--quick] [--seeds N] [--workers N] [--out FOLDER]

Finished cells are in FOLDER/control_PART.jsonl, trainings that are not finished in FOLDER/checkpoints; the same line
goes on from there, with more seeds too. A training takes one core, and --workers of them run side by side. Each part
says before it begins how long it will take. It needs torch and gymnasium (extra rl).
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from study_kit import Row, Study, fail_politely, number

import hetero_rsnn as hr
from hetero_rsnn.common.extras import need
from hetero_rsnn.common.files import output_folder
from hetero_rsnn.gradient.checkpoints import remove_checkpoint

PARTS = ("halfcheetah", "pendulum", "third", "checks")
#: Height and area of all three are 1.
SHAPES: dict[str, Row] = {
    "rectangle": {"pseudo": "rectangle", "pseudo_parameters": {"width": 0.5}},
    "triangle": {"pseudo": "triangle", "pseudo_parameters": {"width": 1.0}},
    "trapezoid": {"pseudo": "trapezoid", "pseudo_parameters": {"inner": 0.25, "outer": 0.75}},
}
#: As wide as that trapezoid, with area 1.
WIDE: dict[str, Row] = {
    f"{shape}, equal support": {"pseudo": shape, "pseudo_parameters": {"width": 0.75}}
    for shape in ("rectangle", "triangle")
}
#: Decays of the same means as those of the public code.
DRAWN: Row = {
    "current_decay": {"distribution": "uniform", "low": 0.1, "high": 0.9},
    "voltage_decay": {"distribution": "uniform", "low": 0.55, "high": 0.95},
}
#: What is tested, and what it is called.
TESTED = {"final": "final return", "area": "mean return over all tests"}
#: Tests that are averaged at the end of a run, and where a return is to be reached.
LAST = WINDOW = 3
LEVEL = 0.05
#: Resamples of an interval, and of a point of a curve.
RESAMPLES, OF_A_POINT = 2000, 500
#: Colours of actors, in the order of a part.
COLOURS = ("#6B7A85", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000", "#999933", "#882255")


def setting(part: str, quick: bool) -> Row:
    """What every cell of a part depends on; `seeds` are how many it should have, and may be more or fewer."""
    arms: dict[str, Row] = {name: {"actor": shape} for name, shape in SHAPES.items()}
    small: Row = {"critic_hidden": [64, 64], "random_steps": 1000, "update_after": 1000}
    out: Row = {"part": part, "panels": {"equal area": list(SHAPES)}}
    if part == "halfcheetah":
        out |= {"environment": "HalfCheetah-v5", "target": 3000.0, "digits": 0, "seeds": 10, "hidden": [256, 256]}
        training: Row = {"steps": 100_000, "test_every": 2500, "test_episodes": 10}
    elif part == "third":
        out |= {"environment": "InvertedDoublePendulum-v5", "target": 5000.0, "digits": 0, "seeds": 5}
        out |= {"hidden": [64, 64]}
        training = {**small, "steps": 40_000, "test_every": 1000, "test_episodes": 10}
    else:
        out |= {"environment": "Pendulum-v1", "target": -200.0, "digits": 1, "seeds": 10, "hidden": [64, 64]}
        training = {**small, "steps": 15_000, "test_every": 500, "test_episodes": 10}
    if part == "pendulum":
        arms |= {name: {"actor": shape} for name, shape in WIDE.items()}
        arms["learned breakpoints"] = {"actor": {**SHAPES["trapezoid"], "learn_pseudo": True}}
        arms["fast sigmoid"] = {"actor": {"pseudo": "fast_sigmoid"}}
        arms["ReLU"] = {"actor": {"kind": "relu"}}
        out["panels"] |= {
            "equal support": ["trapezoid", *WIDE],
            "others": ["trapezoid", "learned breakpoints", "fast sigmoid", "ReLU"],
        }
    elif part == "checks":
        trapezoid = SHAPES["trapezoid"]
        arms |= {proxy(name): {"actor": shape, "target": "proxy"} for name, shape in SHAPES.items()}
        arms |= {
            "drawn decays": {"actor": {**trapezoid, **DRAWN}},
            "learned decays": {"actor": {**trapezoid, "learn_decays": True}},
            "drawn and learned decays": {"actor": {**trapezoid, **DRAWN, "learn_decays": True}},
            "encoder that draws": {"actor": {**trapezoid, "encoder": "bernoulli"}},
        }
        out["panels"] |= {
            "proxy targets": ["trapezoid", *map(proxy, SHAPES)],
            "decays and encoder": ["trapezoid", *(arm for arm in arms if "decays" in arm or "draws" in arm)],
        }
        out["seeds"] = 5
    out |= {"arms": arms, "training": training, "population": 10}
    if quick:
        tiny = {"steps": 240, "random_steps": 100, "update_after": 100, "batch_size": 16, "critic_hidden": [16, 16]}
        tiny |= {"proxy_hidden": [16, 16], "test_every": 24, "test_episodes": 1}
        out |= {"training": tiny, "hidden": [16, 16], "population": 4, "seeds": 2}
    return out


def proxy(shape: str) -> str:
    """What an actor with a proxy target is called."""
    return f"{shape}, proxy target"


def pairs(s: Row) -> dict[str, Row]:
    """What is compared with what: name -> both actors, and whether it is a test of the claim."""
    arms = list(s["arms"])
    claim = [] if s["part"] == "checks" else [("trapezoid", b) for b in (*SHAPES, *WIDE) if b != "trapezoid"]
    others: list[tuple[str, str]] = []
    if s["part"] == "pendulum":
        others = [(a, "trapezoid") for a in ("learned breakpoints", "fast sigmoid", "ReLU")]
    elif s["part"] == "checks":
        others = [("trapezoid", "rectangle"), ("trapezoid", "triangle")]
        others += [(proxy(a), proxy(b)) for a, b in others]
        others += [(proxy(shape), shape) for shape in SHAPES]
        others += [(a, "trapezoid") for a in ("drawn decays", "learned decays", "encoder that draws")]
        others += [("drawn and learned decays", a) for a in ("drawn decays", "learned decays")]
    found = [(a, b, True) for a, b in claim] + [(a, b, False) for a, b in others]
    return {
        f"{a} less {b}": {"first": a, "second": b, "tested": tested}
        for a, b, tested in found if a in arms and b in arms
    }  # fmt: skip


def measures(s: Row, row: Row) -> Row:
    """The numbers of one run; None where a return was never reached."""
    means = np.array([np.mean(returns) for returns in row["returns"]])
    reached = float(hr.steps_to_return(row["steps"], means, s["target"], window=WINDOW)[0])
    return {
        "final": float(means[-LAST:].mean()), "area": float(means.mean()),
        "reached": reached if math.isfinite(reached) else None,
        "within": float(hr.within_run_spread(means[len(means) // 2 :])[0]),
        "spikes": float(np.mean(row["spikes"][-LAST:])), "minutes": row["seconds"] / 60,
    }  # fmt: skip


def balanced(rows: Mapping[str, Mapping[int, Row]]) -> tuple[list[int], dict[str, list[Row]]]:
    """The seeds that all actors have, and their rows."""
    seeds = sorted(set.intersection(*(set(mine) for mine in rows.values())))
    return seeds, {arm: [mine[seed] for seed in seeds] for arm, mine in rows.items()}


def summary(s: Row, rows: Mapping[str, Sequence[Row]]) -> Row:
    """Interquartile means with intervals over runs, comparisons, and tests of the claim with their correction."""
    numbers = {arm: [measures(s, row) for row in mine] for arm, mine in rows.items()}
    runs = len(next(iter(numbers.values())))
    out: Row = {"part": s["part"], "environment": s["environment"], "runs": runs, "arms": {}, "differences": {}}
    for arm, mine in numbers.items():
        names = ("final", "area", "within", "spikes")
        out["arms"][arm] = {
            **{name: interval([m[name] for m in mine]) for name in names},
            "between": interval([m["final"] for m in mine], statistic=spread) if runs > 1 else [math.nan] * 3,
            "reached": sum(m["reached"] is not None for m in mine), "steps": median_steps([m["reached"] for m in mine]),
            "minutes": float(np.mean([m["minutes"] for m in mine])),
        } | learned(rows[arm])  # fmt: skip
    for name, pair in pairs(s).items():
        out["differences"][name] = {**pair} | {
            what: compared(*([m[what] for m in numbers[pair[which]]] for which in ("first", "second")), pair["tested"])
            for what in TESTED
        }
    corrected({s["part"]: out}, "holm")
    return out


def interval(values: Sequence[float], other: Sequence[float] | None = None, **how: Any) -> list[float]:
    """A statistic over runs, and its 95 % interval."""
    found = hr.bootstrap_interval(values, other, **{"samples": RESAMPLES, **how})
    return [found.value, found.low, found.high]


def spread(table: Any) -> float:
    """Standard deviation over runs."""
    return float(np.std(table, ddof=1))


def median_steps(reached: Sequence[float | None]) -> float | None:
    """Median over runs, of which some never arrive; None if the median does not."""
    found = float(np.median([math.inf if steps is None else steps for steps in reached]))
    return found if math.isfinite(found) else None


def compared(x: Sequence[float], y: Sequence[float], tested: bool) -> Row:
    """Difference of interquartile means, probability of improvement, and the exact p value."""
    return {
        "difference": interval(x, y), "improvement": interval(x, y, statistic=hr.probability_of_improvement),
        "p": hr.improvement_test(x, y, alternative="two-sided") if tested else None,
    }  # fmt: skip


def corrected(outs: Mapping[str, Row], name: str) -> list[Row]:
    """Write the p values of all tests of these parts, corrected for how many they are, beside them."""
    tests = [m[what] for out in outs.values() for m in out["differences"].values() if m["tested"] for what in TESTED]
    if tests:
        for test, p in zip(tests, hr.holm_correction([test["p"] for test in tests]), strict=True):
            test[name] = float(p)
    return tests


def learned(rows: Sequence[Row]) -> Row:
    """Means over runs of what was learned of the neurons, layer by layer."""
    out: Row = {}
    if "breakpoints" in rows[0]:
        out["breakpoints"] = np.mean([row["breakpoints"] for row in rows], axis=0).tolist()
    for name in ("current_decay", "voltage_decay"):
        if name in rows[0]:
            out[name] = {q: np.mean([row[name][q] for row in rows], axis=0).tolist() for q in ("mean", "sd")}
    return out


def least_p(runs: int, tests: int) -> float:
    """The smallest p value that so many runs a side can reach after correction over so many tests."""
    return min(1.0, 2 * tests / math.comb(2 * runs, runs))


def word(comparison: Row, name: str = "holm") -> str:
    """What a test says."""
    if comparison[name] > LEVEL:
        return "not shown"
    return "ahead" if comparison["improvement"][0] > 0.5 else "behind"


def points(values: Sequence[float | None], digits: int, sign: str = "") -> str:
    """A number and its interval, if there is one."""
    value, low, high = map(number, values)
    ends = "" if math.isnan(low) else f" [{low:{sign},.{digits}f}, {high:{sign},.{digits}f}]"
    return f"{value:{sign},.{digits}f}{ends}"


def steps_text(m: Row, runs: int) -> str:
    """After how many steps a return is reached, and by how many runs."""
    steps = "never" if m["steps"] is None else f"{m['steps']:,.0f}"
    return f"{steps} ({m['reached']} of {runs})"


def reached_text(s: Row, m: Row, runs: int) -> str:
    """The same in a sentence."""
    median = "" if m["steps"] is None else f", in the median after {m['steps']:,.0f} steps"
    return f"{m['reached']} of {runs} runs reach {s['target']:g}{median}"


def table(s: Row, out: Row) -> list[str]:
    """Lines of the table of all actors."""
    d, runs = s["digits"], out["runs"]
    lines = [
        f"| {out['environment']}, {runs} runs | final return | mean return over all tests | steps to {s['target']:g} "
        "(runs that reach it) | sd over runs | spread within a run | spikes of an action | minutes of a training |",
        "|---" * 8 + "|",
    ]
    for arm, m in out["arms"].items():
        cells = [points(m[name], d) for name in ("final", "area")]
        cells += [steps_text(m, runs), *(points(m[name], d) for name in ("between", "within"))]
        lines.append(f"| {arm} | {' | '.join(cells)} | {points(m['spikes'], 0)} | {m['minutes']:.1f} |")
    return lines


def comparisons(s: Row, out: Row, name: str = "holm") -> list[str]:
    """Lines of the table of comparisons; those without a p value were not planned as tests."""
    lines = [
        "| comparison | of | difference | probability of improvement | p | p, corrected | |",
        "|---" * 7 + "|",
    ]
    for pair, m in out["differences"].items():
        for what, title in TESTED.items():
            c = m[what]
            told = f"{c['p']:.4f} | {c[name]:.4f} | {word(c, name)}" if m["tested"] else " |  | "
            improvement = points(c["improvement"], 2)
            lines.append(f"| {pair} | {title} | {points(c['difference'], s['digits'], '+')} | {improvement} | {told} |")
    return lines


def together(outs: Mapping[str, Row]) -> list[str]:
    """Lines of the table of all tests of the claim in several parts, corrected over all of them."""
    outs = json.loads(json.dumps(dict(outs)))
    tests = corrected(outs, "over all")
    lines = [
        f"| environment | runs | comparison | of | probability of improvement | p | corrected over {len(tests)} | |",
        "|---" * 8 + "|",
    ]
    for out in outs.values():
        for pair, m in out["differences"].items():
            for what in TESTED if m["tested"] else ():
                c = m[what]
                lines.append(
                    f"| {out['environment']} | {out['runs']} | {pair} | {TESTED[what]} | "
                    f"{points(c['improvement'], 2)} | {c['p']:.4f} | {c['over all']:.4f} | {word(c, 'over all')} |"
                )
    return lines


def findings(s: Row, out: Row) -> list[str]:
    """One sentence for each actor and each comparison, and what comes of the claim."""
    d, runs, lines = s["digits"], out["runs"], []
    for arm, m in out["arms"].items():
        lines.append(
            f"{out['environment']}, {arm}: final return {points(m['final'], d)}, {points(m['area'], d)} over all "
            f"tests; {reached_text(s, m, runs)}; {points(m['spikes'], 0)} spikes an action."
        )
        if "breakpoints" in m:
            ends = ", ".join(f"({inner:.2f}, {outer:.2f})" for inner, outer in m["breakpoints"])
            lines.append(f"{arm}: the breakpoints of the layers went from (0.25, 0.75) to {ends}.")
        for name in ("current_decay", "voltage_decay"):
            if name in m:
                told = ", ".join(f"{a:.2f} ± {b:.2f}" for a, b in zip(m[name]["mean"], m[name]["sd"], strict=True))
                lines.append(f"{arm}: {name} of the neurons of the layers, mean and sd, at the end: {told}.")
    for pair, m in out["differences"].items():
        for what, title in TESTED.items():
            c = m[what]
            test = f", p {c['holm']:.4f} after correction: {word(c)}" if m["tested"] else ""
            lines.append(
                f"{pair}, {title}: {points(c['difference'], d, '+')}, better in {points(c['improvement'], 2)} of pairs"
                f"{test}."
            )
    words = [word(m[what]) for m in out["differences"].values() if m["tested"] for what in TESTED]
    if words:
        lines.append(
            f"The claim, {out['environment']}: the trapezoid is ahead in {words.count('ahead')} of {len(words)} "
            f"comparisons, behind in {words.count('behind')}; with {runs} runs no p value can be below "
            f"{least_p(runs, len(words)):.2g} after correction."
        )
    return lines


def figure(s: Row, rows: Mapping[str, Sequence[Row]], out: Row) -> Figure:
    """Learning curves with their bands, in panels, and the return of each run over its spikes."""
    panels = s["panels"]
    fig = Figure(figsize=(4.3 * (len(panels) + 1), 3.8), layout="constrained")
    fig.suptitle(f"{s['environment']}, {out['runs']} runs of each actor", fontsize="medium")
    *axes, last = fig.subplots(1, len(panels) + 1)
    colours = dict(zip(s["arms"], COLOURS, strict=False))
    for letter, ax, (title, arms) in zip("ABCD", axes, panels.items(), strict=False):
        for arm in arms:
            steps = rows[arm][0]["steps"]
            curve = np.array([[np.mean(returns) for returns in row["returns"]] for row in rows[arm]])
            band = np.array([interval(column, samples=OF_A_POINT) for column in curve.T])
            ax.plot(steps, band[:, 0], color=colours[arm], lw=1.6, label=arm)
            ax.fill_between(steps, band[:, 1], band[:, 2], color=colours[arm], alpha=0.18, lw=0)
        ax.axhline(s["target"], color="0.8", lw=0.8, ls="--", zorder=0)
        ax.set(xlabel="steps of learning", ylabel="return", title=title)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
        ax.legend(frameon=False, fontsize="x-small")
        ax.set_title(letter, loc="left", fontweight="bold")
    for arm, mine in rows.items():
        found = [measures(s, row) for row in mine]
        last.plot([m["spikes"] for m in found], [m["final"] for m in found], ".", color=colours[arm], alpha=0.35)
        of = out["arms"][arm]
        last.plot(
            number(of["spikes"][0]), number(of["final"][0]), "D", color=colours[arm], mec="white", ms=7, label=arm
        )
    last.set(xlabel="spikes of an action", ylabel="final return", title="return and spikes")
    last.set_title("ABCDE"[len(panels)], loc="left", fontweight="bold")
    last.legend(frameon=False, fontsize="x-small")
    for ax in (*axes, last):
        ax.spines[["top", "right"]].set_visible(False)
    return fig


def settings_of(s: Row, arm: str) -> Row:
    """Of the training of an actor."""
    how = dict(s["arms"][arm])
    ordinary = how["actor"].get("kind") == "relu"
    actor = {"hidden": s["hidden"], **({} if ordinary else {"population": s["population"]}), **how.pop("actor")}
    return hr.ControlSettings.from_dict({**s["training"], **how, "actor": actor}).to_dict()


def jobs_of(study: Study, s: Row, seeds: int) -> dict[str, Any]:
    """All trainings, seed by seed over all actors, by the name of their cells."""
    from control_runs import Job

    folder = output_folder(study.out / "checkpoints")
    found = {}
    for seed in range(seeds):
        for arm in s["arms"]:
            name = cell_of(arm, seed)
            path = folder / (re.sub(r"[^0-9a-z]+", "_", f"{s['part']} {name}".lower()) + ".json")
            found[name] = Job(name, s["environment"], settings_of(s, arm), seed, str(path))
    return found


def cell_of(arm: str, seed: int) -> str:
    """The name of a cell."""
    return f"{arm}, seed {seed}"


def costs(s: Row, arm: str) -> tuple[Any, ...]:
    """What the time of a training depends on."""
    how = s["arms"][arm]
    actor = how["actor"]
    return (how.get("target"), *(actor.get(name) for name in ("kind", "learn_pseudo", "learn_decays", "encoder")))


def forecast(s: Row, left: Sequence[tuple[str, Any]]) -> float:
    """Minutes of one core that these trainings will take: pairs of an actor and a job."""
    from control_runs import seconds_of

    known: dict[Any, float] = {}
    for arm, job in left:
        if costs(s, arm) not in known:
            known[costs(s, arm)] = seconds_of(job)
    return sum(known[costs(s, arm)] for arm, _ in left) / 60


def run(study: Study, s: Row, seeds: int) -> dict[str, dict[int, Row]]:
    """All cells of a part: actor -> seed -> row."""
    from control_runs import train

    jobs = jobs_of(study, s, seeds)
    left = [
        (arm, jobs[cell_of(arm, seed)])
        for seed in range(seeds) for arm in s["arms"] if not study.done(cell_of(arm, seed))
    ]  # fmt: skip
    if left:
        minutes = forecast(s, left)
        side = min(study.workers, len(left))
        print(
            f"{len(left)} trainings, about {minutes:.1f} minutes of one core, {minutes / side:.1f} with {side} side by "
            "side",
            flush=True,
        )
    study.cells(jobs, train, lambda name: remove_checkpoint(jobs[name].checkpoint))
    return {
        arm: {seed: study.result(name) for seed in range(seeds) if study.done(name := cell_of(arm, seed))}
        for arm in s["arms"]
    }


def finished(study: Study) -> dict[str, Row]:
    """Summaries of the parts that are there, in this folder or where they are put if none is given."""
    found = {}
    for part in PARTS:
        name = f"control_{part}"
        for folder in (study.out, Path("results") / name):
            path = folder / f"{name}.json"
            if path.exists() and (data := json.loads(path.read_text()))["quick"] == study.quick:
                found[part] = data["result"]["summary"]
                break
    return found


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--seeds", type=int, metavar="N", help="runs of each actor (default: as planned)")


def main() -> None:
    """Run one part of the study."""
    part = next((word for word in sys.argv[1:] if word in PARTS), PARTS[0])
    study = Study(f"control_{part}", __doc__, partial(setting, part), options=options)
    for package in ("torch", "gymnasium"):
        need(package, "rl", "this study")
    s, given = study.setting, study.args.seeds
    seeds = s["seeds"] if given is None else given
    if seeds < 1:
        raise hr.HeteroError(f"--seeds must be at least 1, got {seeds}", fix="leave it away")
    found, rows = balanced(run(study, s, seeds))
    if not found:
        raise hr.HeteroError("no seed has a training of every actor", fix="see the errors above, or give more --seeds")
    lacking = [seed for seed in range(seeds) if seed not in found]
    out = summary(s, rows)
    said = findings(s, out)
    if lacking:
        said.append(f"Left away, since some training was given up: seeds {', '.join(map(str, lacking))}.")
    study.finish({"seeds": found, "rows": rows, "summary": out}, figure(s, rows, out), findings=said)
    print("\n".join([*table(s, out), "", *comparisons(s, out)]))
    if len(parts := finished(study)) > 1:
        print("\n".join(["", *together(parts)]))


if __name__ == "__main__":
    fail_politely(main)
