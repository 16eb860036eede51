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

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
LABELS = {"honhos": "HoNHoS", "henhos": "HeNHoS", "honhes": "HoNHeS", "henhes": "HeNHeS"}
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
        "command": re.sub(r" --(?:workers|out) \S+", "", data["command"]),  # results do not depend on them
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


KEPT: dict[str, Callable[[Row], Row]] = {"compare": kept_comparison, "compare_recurrent": kept_comparison}


# --- tables ----------------------------------------------------------------------------------------------------------


def label(name: str) -> str:
    """A network as the paper writes it."""
    kind = name.removeprefix("recurrent_")
    return LABELS.get(kind, name)


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


TABLES: dict[str, Callable[[], list[str]]] = {
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


#: Page -> its sentences, and where their numbers come from.
SENTENCES: dict[str, list[tuple[str, Callable[[], dict[str, str]]]]] = {
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
