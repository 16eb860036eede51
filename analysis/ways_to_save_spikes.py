"""What saves most in a trained spiking network, at what loss of accuracy, and do savings multiply?

Question: there are many ways to make a spiking network cheaper: other networks, a price on spikes, RCS, early
decisions, weights of few bits, pruning, no recurrence at all. Each is usually told of by itself, on data and networks
of its own. Here all are one change of one base. What does each save of spikes, operations, energy, stored bits and
time; which are on the front of accuracy over each; and is the saving of two of them the product of both?

Method: the base is HeNHeS trained on labels through its spikes (TET in decision windows), with its weights, input
weights, biases and time constants learned, and a price on spikes above a target rate. Every other way differs in one
thing, the combinations in two. All are asked by the same kind of readout, ridge regressions of states so far, fitted to
the network as it is at the end. Some training samples (of vowels two fifths, of digits a quarter, of images a tenth)
teach nobody and calibrate the cutoffs: the gap rule with an epsilon of 0.01 (images 0.05, since 0.01 would hardly stop
a classifier that errs so often). RCS has a weight of 0.1, since the published 0.002 changes next to nothing here.
Weights of k bits are trained through their rounding, and input weights rounded after; readouts keep 32 bits. A pruned
network is the base without the weakest of its recurrent and input synapses, or without any (the control), tuned for 2
epochs; another control is tuned alone. References are a ridge regression of the input's means in parts of time, an MLP
of these, a GRU of the rows, and a feed-forward spiking network with as many parameters as the base. "Few labels" are 5
a class, of which STDP sees the other samples too.

Spikes, synaptic operations and energy are counted by the package on each test sample, up to its decision; those of the
readout, a filter a neuron and row and its products, are added. Energy is that of 45 nm with weights read from a cache
of 8 KB (other hardware is in the file), stored bits are those of weights, of where they are, of neurons and readouts.

Planned analysis, before any run: means over seeds with 95 % intervals of Student; paired differences of accuracy from
the base, and ratios of costs on the logarithmic scale, seed by seed. Savings multiply if the interaction, log both -
log a - log b + log neither, is 0; for accuracy its difference in points. A way is on a front if no other is at least as
accurate and at most as costly, and better in one; how sure that is says the share of 1,000 bootstrap samples of seeds
and of test samples, the same for all ways, in which it is. Sizes and epochs were set by the time they take, and are
those of studies before this one where there were such. Looks at single seeds of vowels and digits, at their test
samples too, set the two parts of time that readouts see, the weight of RCS (0.002 to 1 changed little), how many
samples calibrate, and epsilon; so absolute scores may be a little high, for all ways alike. To choose epsilon in each
network by a bound on its loss there was tried with one seed of vowels and given up: in some networks nothing was
chosen, so that there was no cutoff. Intervals are not corrected for the number of ways.

Finding: none yet; the full study has not been run.

    python analysis/ways_to_save_spikes.py PART [--quick] [--out FOLDER] [--data-dir DIR] [--so-far]

PART is vowels, digits, speakers (each speaker left out once a seed: base, STDP and ridge) or images. A part says first
how long it will take. Finished cells are in FOLDER/ways_to_save_spikes_PART.jsonl, seed by seed; the same line goes on
from there, and --so-far tells what whole seeds say. A part takes one core, and torch. The quick run takes Japanese
vowels, or the digits of scikit-learn.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from study_kit import Row, Study, fail_politely
from ways_figure import bars, figure
from ways_networks import Split, asked, learned, loaded
from ways_numbers import findings, guide, interactions_table, joined, summary, table
from ways_references import KINDS, reference

import hetero_rsnn as hr
from hetero_rsnn import plots
from hetero_rsnn.common.extras import need
from hetero_rsnn.datasets.catalogue import find_dataset
from hetero_rsnn.inputs.samples import take

PARTS = ("vowels", "digits", "speakers", "images")
#: What every way is a change of.
BASE: Row = {
    "network": "henhes", "learn": "gradient", "times": "learned", "price": 0.1, "rcs": 0.0, "weights": "full",
    "pruned": None,
}  # fmt: skip
#: Ways that are networks of their own: name -> family, changes of the base.
NETWORKS: dict[str, tuple[str, Row]] = {
    "base": ("base", {}),
    "HoNHoS": ("network", {"network": "honhos"}),
    "fixed times": ("network", {"times": "fixed"}),
    "STDP": ("network", {"learn": "stdp"}),
    "STDP, recurrent": ("network", {"learn": "stdp", "network": "recurrent_henhes"}),
    "no price": ("price", {"price": 0.0}),
    "price x 10": ("price", {"price": 1.0}),
    "price x 100": ("price", {"price": 10.0}),
    "RCS": ("early", {"rcs": 0.1}),
    **{f"{k} bit{'s' if k > 1 else ''}": ("bits", {"weights": f"{k}bit"}) for k in (8, 4, 2, 1)},
    **{f"pruned {p} %": ("pruned", {"pruned": ["weakest", p / 100]}) for p in (50, 75, 90)},
    **{f"random {p} %": ("control", {"pruned": ["any", p / 100]}) for p in (50, 75, 90)},
    "tuned alone": ("control", {"pruned": ["weakest", 0.0]}),
    "RCS, 1 bit": ("combined", {"rcs": 0.1, "weights": "1bit"}),
    "pruned 75 %, 4 bits": ("combined", {"pruned": ["weakest", 0.75], "weights": "4bit"}),
}
#: Ways that are another network stopped early: name -> family, that network.
EARLY = {
    "cutoff": ("early", "base"),
    "RCS, cutoff": ("early", "RCS"),
    "RCS, 1 bit, cutoff": ("combined", "RCS, 1 bit"),
    "no price, cutoff": ("combined", "no price"),
    "price x 10, cutoff": ("combined", "price x 10"),
    "fixed times, cutoff": ("combined", "fixed times"),
    "1 bit, cutoff": ("combined", "1 bit"),
    "pruned 75 %, cutoff": ("combined", "pruned 75 %"),
}
#: Name -> neither, one, the other, both. What is in the base is there in the first and the third of some.
INTERACTIONS = {
    "RCS x 1 bit": ("base", "RCS", "1 bit", "RCS, 1 bit"),
    "RCS x 1 bit, stopped early": ("cutoff", "RCS, cutoff", "1 bit, cutoff", "RCS, 1 bit, cutoff"),
    "price on spikes x cutoff": ("no price", "base", "no price, cutoff", "cutoff"),
    "pruning x 4 bits": ("base", "pruned 75 %", "4 bits", "pruned 75 %, 4 bits"),
    "learned times x cutoff": ("fixed times", "base", "fixed times, cutoff", "cutoff"),
}
#: Ways that know few labels, and what they are otherwise.
FEW = {"few labels": "base", "few labels, STDP": "STDP", "few labels, ridge": "ridge"}
#: Labels of each class that these know.
PER_CLASS = 5


def setting(part: str, quick: bool) -> Row:
    """What every cell of a part depends on."""
    given: Row = {
        "vowels": {
            "data": "japanese_vowels", "n": 100, "train": 270, "test": 370, "every": 2, "windows": 2,
            "calibration": 0.4, "training": {"training_epochs": 12}, "references": {"epochs": 40, "batch_size": 32},
        },
        "digits": {
            "data": "free_spoken_digits", "n": 150, "train": 1800, "test": 200, "every": 5, "windows": 2,
            "training": {"training_epochs": 6}, "references": {"epochs": 20, "batch_size": 32},
        },
        "images": {
            "data": "fashion_mnist", "n": 200, "train": 20000, "test": 2000, "every": 4, "windows": 5,
            "training": {"training_epochs": 4, "batch_size": 128, "learning_rate": 0.01},
            "references": {"epochs": 8, "batch_size": 128}, "target_rate": 50.0, "seeds": 3,
            "readout_samples": 10000, "reference_windows": 28, "calibration": 0.1, "epsilon": 0.05,
        },
    }["digits" if part == "speakers" else part]  # fmt: skip
    if part == "speakers":
        given |= {"train": 1500, "test": 500}
    ways = {name: {"family": f, **BASE, **changes} for name, (f, changes) in NETWORKS.items()}
    for name in hr.list_networks():
        if name.startswith("tuned_"):
            ways[f"STDP, {name.removeprefix('tuned_')}, tuned"] = {
                "family": "network", **BASE, "learn": "stdp", "network": name,
            }  # fmt: skip
    references = list(KINDS)
    if part == "speakers":
        ways, references = {name: ways[name] for name in ("base", "STDP")}, ["ridge"]
    s: Row = {
        "seeds": 5, "target_rate": 5.0, "readout_samples": None, "reference_windows": 5, "calibration": 0.25,
        "epsilon": 0.01, **given,
        "part": part, "bounds": ["0.1 ms", "10 s"],
        "tuning": {"training_epochs": 2, "learning_rate": 0.3 * given["training"].get("learning_rate", 0.03)},
        "references": {**given["references"], "learning_rate": 3e-3}, "hidden": {"MLP": 64, "GRU": 32},
        "feed_forward": {
            "steps": 4, "training_epochs": given["references"]["epochs"], "learning_rate": 3e-3,
            "batch_size": given["references"]["batch_size"], "validation": 0.15,
        },
        "ways": ways, "kinds": references, "few": {} if part == "speakers" else FEW, "per_class": PER_CLASS,
    }  # fmt: skip
    if quick:
        s |= {"data": "sklearn_digits" if part == "images" else "japanese_vowels", "n": 40, "seeds": 2}
        s |= {"train": 80, "test": 40, "every": 2, "reference_windows": 5, "readout_samples": None, "calibration": 0.4}
        s["training"] |= {"training_epochs": 2, "batch_size": 32}
        s["tuning"] |= {"training_epochs": 1}
        s["references"] |= {"epochs": 2}
        s["feed_forward"] |= {"training_epochs": 2}
    return s


def network(way: Row, seed: int, s: Row, split: Split, start: Path | None) -> dict[str, Row]:
    """One network: taught, and asked with and without a cutoff."""
    return asked(learned(way, seed, s, split, start), way["weights"], s, split)


class NotDoneError(Exception):
    """A cell that nobody has computed, where nothing is to be computed."""


def every_cell(study: Study, splits: dict[str, Split]) -> dict[str, list[Row]]:
    """Way -> what was found, seed by seed; of speakers left out what was found of all of them."""
    s = study.setting
    rows: dict[str, list[Row]] = {}
    for seed in range(s["seeds"]):
        found: dict[str, list[Row]] = {}
        try:
            for left_out, split in splits.items():
                for name, row in one_seed(study, seed, left_out, split).items():
                    found.setdefault(name, []).append(row)
        except NotDoneError:
            break
        for name, parts in found.items():
            rows.setdefault(name, []).append(joined(parts))
    if not rows:
        raise hr.HeteroError("no seed is done yet: leave --so-far away")
    return rows


def one_seed(study: Study, seed: int, left_out: str, split: Split) -> dict[str, Row]:
    """Everything of a seed on one split, a cell each."""
    s, rows = study.setting, dict[str, Row]()

    def cell(name: str, job: Any) -> Any:
        name = ", ".join(filter(None, (f"seed {seed}", left_out, name)))
        if study.args.so_far and not study.done(name):
            raise NotDoneError
        return study.cell(name, job)

    for name, way in s["ways"].items():
        # Pruned networks begin with one that differs from the base in its weights at most.
        usual = all(way[k] == BASE[k] for k in ("network", "learn", "times", "price", "rcs"))
        file = "-".join(filter(None, (s["part"], left_out.split(" ")[0], way["weights"], str(seed)))) + ".toml"
        start = study.out / "networks" / file if usual else None
        found = cell(name, partial(network, way, seed, s, split, start))
        rows[name] = found["full"]
        rows |= {early: found["early"] for early, (_, of) in EARLY.items() if of == name}
    if s["part"] == "speakers":
        rows.pop("cutoff")
    parameters = rows["base"]["parameters"]
    for kind in s["kinds"]:
        rows[kind] = cell(kind, partial(reference, kind, seed, s, split, parameters))
    few = split.few(s["per_class"])
    for name, of in s["few"].items():
        job: Any = partial(reference, of, seed, s, few, parameters)
        if of in s["ways"]:
            job = partial(network, s["ways"][of], seed, s, few, None)
        row = cell(name, job)
        rows[name] = row if of in s["kinds"] else row["full"]
    return rows


def family(name: str, s: Row) -> str:
    """What a way is drawn as."""
    if name in s["ways"]:
        return str(s["ways"][name]["family"])
    return EARLY[name][0] if name in EARLY else "few labels" if name in FEW else "reference"


def forecast(s: Row, splits: dict[str, Split]) -> float:
    """Minutes of a core that a part will take, by what a few samples take to learn from and to answer."""
    split = next(iter(splits.values()))
    count = min(60, len(split.y))
    some = replace(split, X=take(split.X, np.arange(count)), y=split.y[:count])
    some = replace(some, held=some.X, held_y=some.y, test=some.X, test_y=some.y)
    seconds = []
    for epochs in (1, 1, 4):  # the first compiles
        begin = time.process_time()
        clf = learned(BASE, 0, {**s, "training": {**s["training"], "training_epochs": epochs}}, some, None)
        seconds.append(time.process_time() - begin)
    begin = time.process_time()
    asked(clf, "full", s, some)
    answer = (time.process_time() - begin) / (4 * count)  # fitted, calibrated, tested, and counted
    epoch = max(seconds[2] - seconds[1], 0.0) / (3 * count)
    fitted = len(split.y) if s["readout_samples"] is None else min(s["readout_samples"], len(split.y))
    asking = answer * (fitted + len(split.held_y) + 2 * len(split.test_y))
    total = 0.0
    for way in s["ways"].values():
        more = s["tuning"]["training_epochs"] if way["pruned"] else s["training"]["training_epochs"]
        stdp = way["learn"] == "stdp"
        total += asking + len(split.y) * (answer * 2 if stdp else epoch * more + answer)
    total += asking * (len(s["few"]) + len(s["kinds"]))
    return total * len(splits) * s["seeds"] / 60


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this study."""
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--data-dir", type=Path, help="folder with downloaded data sets")
    parser.add_argument("--so-far", action="store_true", help="tables and figures of whole seeds; computes nothing")


def main() -> None:
    """Run a part of the study."""
    part = next((word for word in sys.argv[1:] if word in PARTS), PARTS[0])
    study = Study(f"ways_to_save_spikes_{part}", __doc__, partial(setting, part), options=options)
    need("torch", "gradient", "this study")
    s = study.setting
    if find_dataset(s["data"], study.args.data_dir) == []:
        raise hr.HeteroError(f"{s['data']} is not there: hetero-rsnn data show {s['data']} says where to get it")
    splits = loaded(s, study.args.data_dir)
    last = ", ".join(filter(None, (f"seed {s['seeds'] - 1}", list(splits)[-1], [*s["kinds"], *s["few"]][-1])))
    if not study.done(last) and not study.args.so_far:
        minutes = forecast(s, splits)
        print(f"all of this part takes about {minutes:.0f} minutes of one core", flush=True)
    rows = every_cell(study, splits)
    families = {name: family(name, s) for name in rows}
    out = summary(rows, {k: v for k, v in INTERACTIONS.items() if rows.keys() >= set(v)})
    plots.save_figure(bars(out, families), study.out / f"{study.name}_bars.png")
    study.finish({"families": families, "summary": out}, figure(out, families), findings=findings(out))
    print("\n".join([*table(out), "", *interactions_table(out), "", *guide(out)]))


if __name__ == "__main__":
    fail_politely(main)
