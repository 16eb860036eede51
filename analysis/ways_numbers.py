"""Numbers, sentences and tables of ways_to_save_spikes.py: means, paired differences, interactions and fronts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from study_kit import Array, Row, floats, interval, judged
from ways_networks import COSTS, HARDWARE

#: What a cost is called, its unit, and what one unit of the table is.
TITLES = {
    "spikes": ("spikes", "", 1.0), "operations": ("operations", "k", 1e3), "energy": ("energy", "nJ", 1.0),
    "bits": ("stored bits", "kbit", 1e3), "time": ("time", "ms", 1.0),
}  # fmt: skip
ALSO = ("synaptic", "updates", *(f"energy, {h}" for h in HARDWARE))
SAMPLES = 1000
#: Loss of accuracy in points that the guide forgives, beside that of the most accurate way.
FORGIVEN = 2.0


def joined(parts: Sequence[Row]) -> Row:
    """One row of several test parts of a seed: all their samples; parts count alike in what is a mean."""
    if len(parts) == 1:
        return dict(parts[0])
    out: Row = {q: float(np.mean([p[q] for p in parts])) for q in ("accuracy", *COSTS, *ALSO)}
    out["right"] = "".join(p["right"] for p in parts)
    out["each"] = {q: [v for p in parts for v in p["each"][q]] for q in parts[0]["each"]}
    return out


def summary(rows: Mapping[str, Sequence[Row]], interactions: Mapping[str, Sequence[str]]) -> Row:
    """Everything that a part found, with 95 % intervals over seeds."""
    first = next(iter(rows.values()))
    told = {name: mine for name, mine in rows.items() if not name.startswith("few labels")}
    spiking = {name: mine for name, mine in told.items() if all(row["spikes"] > 0 for row in mine)}
    return {
        "seeds": len(first), "samples": len(first[0]["right"]),
        "ways": {name: {q: over(mine, q) for q in ("accuracy", *COSTS, *ALSO)} for name, mine in rows.items()},
        "against base": {name: compared(mine, rows["base"]) for name, mine in rows.items() if name != "base"},
        "interactions": {name: interaction([rows[w] for w in four]) for name, four in interactions.items()},
        "fronts": {q: front(told, q) for q in COSTS if q != "spikes"},
        "fronts with spikes": {q: front(spiking, q) for q in COSTS},
    }  # fmt: skip


def over(rows: Sequence[Row], quantity: str) -> list[float]:
    """Mean and interval over seeds."""
    return interval([row[quantity] for row in rows])


def logs(rows: Sequence[Row], quantity: str) -> Array:
    """Logarithm of a cost, seed by seed; NaN where it is 0, as spikes of what has none."""
    values = np.array([row[quantity] for row in rows], dtype=float)
    return np.log(np.where(values > 0, values, math.nan))


def compared(rows: Sequence[Row], base: Sequence[Row]) -> Row:
    """Accuracy less that of the base, and ratios of costs to those of the base, paired."""
    less = interval([a["accuracy"] - b["accuracy"] for a, b in zip(rows, base, strict=True)])
    ratios = {q: [math.exp(v) for v in interval(logs(rows, q) - logs(base, q))] for q in COSTS}
    return {"accuracy": less, "verdict": judged(less), **ratios}


def interaction(four: Sequence[Sequence[Row]]) -> Row:
    """By how much the saving of both differs from the product of the savings, as a factor; of accuracy the points.

    Below 1 both together save more than the product says.
    """
    neither, one, other, both = four
    accuracy = [
        d["accuracy"] - b["accuracy"] - c["accuracy"] + a["accuracy"]
        for a, b, c, d in zip(neither, one, other, both, strict=True)
    ]
    out: Row = {"accuracy": interval(accuracy)}
    for q in COSTS:
        found = interval(logs(both, q) - logs(one, q) - logs(other, q) + logs(neither, q))
        out[q] = {"factor": [math.exp(v) for v in found], "verdict": judged(found)}
        out[q]["both"] = [math.exp(v) for v in interval(logs(both, q) - logs(neither, q))]
    return out


def front(rows: Mapping[str, Sequence[Row]], cost: str) -> Row:
    """Ways that no other beats in accuracy and a cost, and in how many bootstrap samples each is one of these."""
    names = list(rows)
    right = np.array([[[c == "1" for c in row["right"]] for row in rows[name]] for name in names], dtype=float)
    each = np.array(
        [
            [row["each"].get(cost, [row[cost]] * right.shape[2]) for row in rows[name]]
            for name in names
        ]
    )  # fmt: skip
    draws = np.random.default_rng(0)
    _, seeds, samples = right.shape
    share = np.zeros(len(names))
    for _ in range(SAMPLES):
        of_seeds = draws.multinomial(seeds, np.full(seeds, 1 / seeds)) / seeds
        of_samples = draws.multinomial(samples, np.full(samples, 1 / samples)) / samples
        share += undominated(right @ of_samples @ of_seeds, each @ of_samples @ of_seeds)
    here = undominated(right.mean(axis=(1, 2)), each.mean(axis=(1, 2)))
    order = sorted(np.flatnonzero(here), key=lambda k: each[k].mean())
    return {
        "front": [names[k] for k in order],
        "share": {name: float(v) / SAMPLES for name, v in zip(names, share, strict=True)},
    }


def undominated(accuracy: Array, cost: Array) -> Array:
    """Which points no other is at least as good as in both, and better in one."""
    a, c = accuracy - 1e-12, cost * (1 + 1e-12)
    at_least = (accuracy[:, None] >= a[None, :]) & (cost[:, None] <= c[None, :])
    better = (accuracy[:, None] > accuracy[None, :] + 1e-12) | (cost[:, None] * (1 + 1e-12) < cost[None, :])
    return np.asarray(~(at_least & better).any(axis=0))


def said(values: Sequence[float | None], digits: int = 2, sign: str = "") -> str:
    """A mean with its interval, which one seed has not."""
    mean, low, high = floats(values)
    if math.isnan(low):
        return "" if math.isnan(mean) else f"{mean:{sign}.{digits}f}"
    return f"{mean:{sign}.{digits}f} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"


def points(values: Sequence[float | None]) -> str:
    """A difference of accuracies in percentage points."""
    return said([100 * v for v in floats(values)], 1, "+")


def findings(out: Row) -> list[str]:
    """Sentences: the base, what each way saves and costs, the fronts, and the interactions."""
    base = out["ways"]["base"]
    costs = ", ".join(f"{base[q][0] / TITLES[q][2]:.3g} {' '.join(TITLES[q][1::-1]).strip()}" for q in COSTS)
    lines = [f"base ({out['seeds']} seeds): accuracy {said(base['accuracy'], 4)}; {costs}."]
    for name, m in out["against base"].items():
        saved = ", ".join(f"{TITLES[q][0]} {said(m[q])}" for q in COSTS if not math.isnan(floats(m[q])[0]))
        lines.append(f"{name}: {points(m['accuracy'])} points ({m['verdict']}); of the base's {saved}.")
    for kind in ("fronts", "fronts with spikes"):
        for q, found in out[kind].items():
            there = ", ".join(f"{name} ({100 * found['share'][name]:.0f} %)" for name in found["front"])
            lines.append(f"{kind} of accuracy over {TITLES[q][0]}, share of bootstrap samples: {there}.")
    for name, m in out["interactions"].items():
        parts = [f"{TITLES[q][0]} {said(m[q]['factor'])}" for q in COSTS if not math.isnan(m[q]["factor"][0])]
        lines.append(
            f"{name}, both over the product of the two: {', '.join(parts)}; accuracy {points(m['accuracy'])} points "
            "more than the sum."
        )
    return lines


def table(out: Row) -> list[str]:
    """Lines of the table of all ways for the page."""
    titles = [f"{name} ({unit})" if unit else name for name, unit, _ in TITLES.values()]
    lines = [f"| way | accuracy | points | {' | '.join(titles)} | of the base's energy |"]
    lines.append("|" + "---|" * (lines[0].count("|") - 1))
    for name, m in out["ways"].items():
        against = out["against base"].get(name)
        cells = [f"{m[q][0] / TITLES[q][2]:.3g}" for q in COSTS]
        both = ("", "") if against is None else (points(against["accuracy"]), said(against["energy"]))
        lines.append(f"| {name} | {said(m['accuracy'], 4)} | {both[0]} | {' | '.join(cells)} | {both[1]} |")
    return lines


def interactions_table(out: Row) -> list[str]:
    """Lines of the table of interactions."""
    lines = [f"| both | accuracy, points | {' | '.join(TITLES[q][0] for q in COSTS)} |"]
    lines.append("|" + "---|" * (lines[0].count("|") - 1))
    for name, m in out["interactions"].items():
        cells = [said(m[q]["factor"]) for q in COSTS]
        lines.append(f"| {name} | {points(m['accuracy'])} | {' | '.join(cells)} |")
    return lines


def guide(out: Row) -> list[str]:
    """What to take, by what is scarce: of ways that lose 2 points at most beside the best, the cheapest; by means.

    Where that has no spikes, the same among those that have is told beside it.
    """
    ways = {name: m for name, m in out["ways"].items() if not name.startswith("few labels")}
    spiking = {name: m for name, m in ways.items() if m["spikes"][0] > 0}
    lines = [f"accuracy: {shown(out, best(ways))}; with spikes {shown(out, best(spiking))}"]
    few = {name: m for name, m in out["ways"].items() if name.startswith("few labels")}
    if few:
        lines.append(f"few labels: {shown(out, best(few))}")
    for q in COSTS:
        found = [cheapest(those, q) for those in (ways, spiking)]
        line = shown(out, found[1], q) if q == "spikes" else shown(out, found[0], q)
        lines.append(f"{TITLES[q][0]}: {line}")
        if q != "spikes" and found[0] not in spiking:
            lines[-1] += f"; with spikes {shown(out, found[1], q)}"
    for kilobytes in (1, 4, 16):
        fits = {n: m for n, m in ways.items() if m["bits"][0] <= 8192 * kilobytes}
        lines.append(f"{kilobytes} kB of weights: {shown(out, best(fits), 'bits') if fits else 'none of these'}")
    return lines


def best(ways: Mapping[str, Row]) -> str:
    """The most accurate, by its mean."""
    return max(ways, key=lambda name: ways[name]["accuracy"][0])


def cheapest(ways: Mapping[str, Row], cost: str) -> str:
    """The cheapest of those that are nearly as accurate as the best; what has no such cost does not count."""
    least = ways[best(ways)]["accuracy"][0] - FORGIVEN / 100
    good = [name for name, m in ways.items() if m["accuracy"][0] >= least]
    return min(good, key=lambda name: ways[name][cost][0] or math.inf)


def shown(out: Row, name: str, cost: str = "") -> str:
    """A way with its accuracy, and one of its costs."""
    m = out["ways"][name]
    text = f"{name} ({100 * m['accuracy'][0]:.1f} %"
    if cost:
        text += f", {m[cost][0] / TITLES[cost][2]:.3g} {TITLES[cost][1] or TITLES[cost][0]}"
    return text + ")"
