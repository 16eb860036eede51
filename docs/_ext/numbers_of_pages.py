"""Write the numbers of the pages from the files of `docs/results`: `python docs/_ext/numbers_of_pages.py [--check]`.

A page marks where a table goes, ``<!-- table: NAME -->`` to ``<!-- end -->``, and this script fills it. Sentences with
numbers stand in `SENTENCES` with their numbers left out, and must stand in their pages with them filled in. With
``--check`` nothing is written, and what differs is listed. A test calls the same functions.

``python docs/_ext/numbers_of_pages.py --keep compare=results/compare/results.json`` makes the small file of
`docs/results` from what a command wrote.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hetero_rsnn.network.shipped import label

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
_TABLE = re.compile(r"(<!-- table: (?P<name>[\w ]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)

Row = Mapping[str, Any]


def read(name: str) -> Any:
    """A file of `docs/results`."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def interval(e: Row, digits: int = 2, sign: str = "") -> str:
    """A mean with its interval, as in ``5.64 [5.50, 5.79]``; differences have a `sign` of "+"."""
    return f"{e['mean']:{sign}.{digits}f} [{e['low']:.{digits}f}, {e['high']:.{digits}f}]"


# --- what commands wrote ---------------------------------------------------------------------------------------------


def kept_comparison(data: Row) -> Row:
    """The small file of a comparison: means and intervals, without seeds and definitions."""
    wanted = ("C", "S", "rate_hz", "E", "silent_share", "correlation", "weight")
    short = ("mean", "low", "high", "n")
    return {
        "command": re.sub(r" --(?:workers|out) \S+| --overwrite", "", data["command"]),  # results do not depend on them
        "versions": data["networks"][0]["versions"],
        "protocol": data["networks"][0]["protocol"],
        "seeds": len(data["seeds"]),
        "networks": {
            row["network"]: {q: {k: row["summary"][q][k] for k in short} for q in wanted} for row in data["networks"]
        },
        "differences": {
            f"{d['network']} less {d['to']}": {q: {k: d[q][k] for k in short} for q in ("C", "S", "rate_hz", "E")}
            for d in data["differences"]
        },
    }


def kept_energy(data: Row) -> Row:
    """The small file of what networks of a comparison would spend."""
    short = ("mean", "low", "high", "n")
    return {
        **{k: v for k, v in kept_comparison(data).items() if k in ("command", "versions", "protocol", "seeds")},
        "networks": {
            row["network"]: {
                "n": row["n"],
                **{
                    q: {k: row["summary"][q][k] for k in short}
                    for q in ("C", "S", "E", "synaptic_operations", "C_per_1000_operations")
                },
                "C_per_nJ": {name: {k: e["C_per_nJ"][k] for k in short} for name, e in row["energy"].items()},
            }
            for row in data["networks"]
        },
    }


KEPT: dict[str, Callable[[Row], Row]] = {
    "compare": kept_comparison, "compare_recurrent": kept_comparison, "energy": kept_energy,
    "energy_recurrent": kept_energy,
}  # fmt: skip


# --- tables ----------------------------------------------------------------------------------------------------------


def comparison(file: str, quantities: Sequence[str], first: str) -> list[str]:
    """A line a network."""
    heads = {"C": "*C* (samples)", "S": "*S* (spikes/sample)", "rate_hz": "rate (Hz)", "E": "*E = C/S*"}
    lines = ["| " + " | ".join([first, *(heads[q] for q in quantities)]) + " |", "|---" * (len(quantities) + 1) + "|"]
    for name, row in read(file)["networks"].items():
        shown = {
            "C": interval(row["C"]), "S": interval(row["S"], 3), "E": interval(row["E"], 1),
            "rate_hz": f"{row['rate_hz']['mean']:.1f}",
        }  # fmt: skip
        lines.append("| " + " | ".join([label(name), *(shown[q] for q in quantities)]) + " |")
    return lines


def point_claims() -> list[str]:
    """What the paper's claims come to at both operating points."""
    found = read("recurrent_point")["result"]
    lines = ["| difference | intrinsic point | recurrent point |", "|---|---|---|"]
    for name in found["intrinsic"]["claims"]:
        cells = []
        for point in ("intrinsic", "recurrent"):
            e = found[point]["claims"][name]
            share = {k: 100 * e[k] for k in ("mean", "low", "high")}
            cells.append(f"{interval(share, 1 if abs(share['mean']) < 10 else 0, '+')} %: {e['verdict']}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for name in ("H5, whole sweep", "H5, up to cv 0.55"):
        cells = [f"{interval(found[p][name], sign='+')}: {found[p][name]['verdict']}" for p in found]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def point_ways() -> list[str]:
    """C of HeNHeS as it is, without STDP and without synapses, at both operating points."""
    lines = ["| point | HeNHeS | *C* (samples) | rate (Hz) | silent |", "|---|---|---|---|---|"]
    for point, found in read("recurrent_point")["result"].items():
        for way, row in found["ways"].items():
            lines.append(
                f"| {point} | {way} | {interval(row['C'])} | {row['rate_hz']['mean']:.1f} | "
                f"{100 * row['silent_share']['mean']:.0f} % |"
            )
    return lines


def energies() -> list[str]:
    """E beside C over synaptic operations and over energy, at both operating points."""
    lines = [
        "| network | *E = C/S* | synaptic operations a sample | *C* / 1,000 of them "
        "| *C* / nJ, `45nm` | *C* / nJ, `loihi` |",
        "|---|---|---|---|---|---|",
    ]
    for file in ("energy", "energy_recurrent"):
        for name, row in read(file)["networks"].items():
            nano = row["C_per_nJ"]
            lines.append(
                f"| {label(name)} | {interval(row['E'], 1)} | {row['synaptic_operations']['mean']:,.0f} | "
                f"{interval(row['C_per_1000_operations'])} | {interval(nano['45nm'], 3)} | "
                f"{interval(nano['loihi'], 4)} |"
            )
    return lines


TABLES: dict[str, Callable[[], list[str]]] = {
    "energy": energies,
    "points claims": point_claims,
    "points ways": point_ways,
    "compare": lambda: comparison("compare", ("C", "S", "E"), "`hetero-rsnn compare`, 20 seeds, 400 neurons"),
    "compare with rates": lambda: comparison("compare", ("C", "S", "rate_hz", "E"), "network"),
}


# --- sentences -------------------------------------------------------------------------------------------------------


def of_comparison() -> dict[str, str]:
    """Numbers of `hetero-rsnn compare` for sentences."""
    data = read("compare")
    d, networks = data["differences"], data["networks"]
    hen, he = d["henhos less honhos"], d["henhes less henhos"]
    return {
        "C gained": interval(hen["C"], sign="+"),
        "C of synapses": interval(he["C"], sign="+"),
        "S saved": interval(he["S"], 4, sign="+"),
        "S saved, share": f"{-100 * he['S']['mean'] / networks['henhos']['S']['mean']:.1f}",
        "E of synapses": interval(he["E"], 1, sign="+"),
    }


def of_points() -> dict[str, str]:
    """Numbers of the two operating points for sentences: what is left of C, in percent."""
    found = read("recurrent_point")["result"]
    out = {}
    for point in ("intrinsic", "recurrent"):
        for name in ("STDP off", "no synapses", "no synapses, best bias"):
            e = found[point]["left"][name]
            out[f"{point}, {name}"] = interval({k: 100 * e[k] for k in ("mean", "low", "high")}, 0)
    sweep = found["recurrent"]["sweep"]["correlation"]
    out["first"], out["later"] = f"{sweep[0]['mean']:.2f}", f"{sweep[2]['mean']:.2f}"
    return out


def of_energy() -> dict[str, str]:
    """Numbers of energy for sentences: ratios of means of HeNHoS and HoNHoS."""
    found = read("energy")["networks"]
    hen, hon = found["henhos"], found["honhos"]
    targets = [
        row["synaptic_operations"]["mean"] / row["S"]["mean"] / row["n"]
        for file in ("energy", "energy_recurrent")
        for row in read(file)["networks"].values()
    ]
    return {
        "fan-out": f"{min(targets):.1f} to {max(targets):.1f}",
        "E": f"{hen['E']['mean'] / hon['E']['mean']:.1f}",
        "operations": f"{hen['C_per_1000_operations']['mean'] / hon['C_per_1000_operations']['mean']:.1f}",
        "45nm": f"{hen['C_per_nJ']['45nm']['mean'] / hon['C_per_nJ']['45nm']['mean']:.1f}",
    }


#: Page -> its sentences, and where their numbers come from.
SENTENCES: dict[str, list[tuple[str, Callable[[], dict[str, str]]]]] = {
    "docs/operating_point.md": [
        ("{recurrent, no synapses, best bias} % of *C* without synapses", of_points),
        ("{recurrent, STDP off} % with STDP off", of_points),
        ("{intrinsic, no synapses} % of *C* is left", of_points),
        ("from {first} without spread to {later} at a cv of 0.4", of_points),
    ],
    "docs/measures.md": [
        ("on average {fan-out} targets", of_energy),
        ("*E* of HeNHoS is {E} times that of HoNHoS, *C* per synaptic operation {operations} times", of_energy),
        ("*C* per nJ on `45nm` is {45nm} times", of_energy),
    ],
    "docs/findings.md": [
        ("Heterogeneous **neurons** nearly triple *C*: {C gained}.", of_comparison),
        (
            "leave *C* of heterogeneous neurons as it is ({C of synapses}) and save {S saved, share} % of their spikes",
            of_comparison,
        ),
        ("({S saved} a sample), too little to show in *E* ({E of synapses})", of_comparison),
    ],
}


def filled(text: str) -> str:
    """A page with its tables made anew."""

    def table(match: re.Match[str]) -> str:
        return match[1] + "\n".join(TABLES[match["name"]]()) + "\n" + match[3]

    return _TABLE.sub(table, text)


def pages() -> list[Path]:
    """All pages that hold a table, and those with sentences."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [p for p in found if _TABLE.search(p.read_text(encoding="utf-8")) or str(p.relative_to(ROOT)) in SENTENCES]


def faults() -> list[str]:
    """What differs between the pages and the files."""
    out = []
    for path in pages():
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        if filled(text) != text:
            out.append(f"{name}: a table differs from its file: run python docs/_ext/numbers_of_pages.py")
        said = " ".join(text.split())
        for sentence, numbers in SENTENCES.get(name, []):
            expected = " ".join(sentence.format_map(numbers()).split())
            if expected not in said:
                out.append(f"{name}: does not say {expected!r}")
    return out


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, list what differs")
    parser.add_argument("--keep", metavar="NAME=FILE", help="make a file of docs/results from what a command wrote")
    args = parser.parse_args()
    if args.keep:
        name, _, source = args.keep.partition("=")
        data = KEPT[name](json.loads(Path(source).read_text(encoding="utf-8")))
        (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if not args.check:
        for path in pages():
            path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
    found = faults()
    print("\n".join(found) or "all numbers are those of the files")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
