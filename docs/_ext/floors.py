"""Draw `docs/floors.svg`, the packages and what they import: `python docs/_ext/floors.py [OUT.svg]`.

The floors are those of the linter's contract in `pyproject.toml`; the imports are those of the code. So the picture
changes when a package is added, when a module is added, or when one package begins or stops to import another.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "hetero_rsnn"
#: Package -> its column (-1 left, 0 middle, 1 right) and the colour of its box and of all lines that end there.
PLACES = {
    "cli": (0, "#444444"),
    "report": (-1, "#7A4FB5"),
    "plots": (-1, "#B0368F"),
    "exchange": (1, "#666666"),
    "searching": (-1, "#C4452D"),
    "tasks": (1, "#B8860B"),
    "experiments": (-1, "#A65A16"),
    "estimators": (1, "#4C7A1E"),
    "control": (0, "#1B7F79"),
    "gradient": (0, "#2F6F8F"),
    "theory": (-1, "#666666"),
    "measures": (0, "#008A64"),
    "simulation": (0, "#D1006C"),
    "datasets": (1, "#8C6D1F"),
    "network": (-1, "#0072B2"),
    "jobs": (0, "#5B5FC7"),
    "inputs": (1, "#C25100"),
    "common": (0, "#444444"),
}
WIDTH, BOX, HEIGHT, GAP, TOP, LEFT = 900, 156, 50, 54, 22, 58
#: Centres of the columns, and how far the lanes between two columns keep from their boxes.
CENTRES = {-1: LEFT + 20 + BOX // 2, 0: (LEFT + WIDTH) // 2 - 9, 1: WIDTH - 38 - BOX // 2}
MARGIN = 15

Edge = tuple[str, str]


def imports() -> Any:
    """The graph of imports, without those that only type checkers see."""
    import grimp

    return grimp.build_graph(PACKAGE, include_external_packages=False, exclude_type_checking_imports=True)


def floors() -> list[list[str]]:
    """Packages floor by floor, the top floor first, as the linter's contract has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = (c for c in settings["contracts"] if c["type"] == "layers")
    rows = [[name.strip() for name in layer.split("|")] for layer in contract["layers"] if layer != "__main__"]
    if unknown := {name for row in rows for name in row} - PLACES.keys():
        raise ValueError(f"no place in the picture for {sorted(unknown)}: add it to PLACES in {Path(__file__).name}")
    return [sorted(row, key=lambda name: PLACES[name][0]) for row in rows]


def package_of(module: str) -> str:
    """The package of a module below the root, or nothing."""
    return module.split(".")[1] if "." in module else ""


def edges_of(graph: Any) -> set[Edge]:
    """Which package imports which."""
    found = {
        (package_of(module), package_of(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    return {(a, b) for a, b in found if a and b and a not in (b, "__main__")}


def needed(edges: set[Edge]) -> set[Edge]:
    """The imports that no other chain of imports stands for; the order of all packages follows from these."""
    below = defaultdict(set)
    for a, b in edges:
        below[a].add(b)

    def reaches(start: str, end: str) -> bool:
        return end in below[start] or any(reaches(step, end) for step in below[start])

    return {(a, b) for a, b in edges if not any(reaches(step, b) for step in below[a] - {b})}


class Picture:
    """Where boxes, lanes and the ends of lines are."""

    def __init__(self, rows: list[list[str]], edges: set[Edge]) -> None:
        self.rows, self.edges = rows, edges
        self.row = {name: k for k, names in enumerate(rows) for name in names}
        self.side = {edge: self._side(*edge) for edge in edges}
        self.lane = self._lanes()
        self.leave, self.arrive = self._ports()

    def x(self, name: str) -> float:
        return CENTRES[PLACES[name][0]]

    def y(self, name: str) -> float:
        return TOP + self.row[name] * (HEIGHT + GAP)

    def _side(self, a: str, b: str) -> int:
        """On which side of the middle column a line runs down: 0 where it needs no lane."""
        between = self.rows[self.row[a] + 1 : self.row[b]]
        start, end = PLACES[a][0], PLACES[b][0]
        if not between or (start == end and all(PLACES[name][0] != start for row in between for name in row)):
            return 0
        return start or end or 1

    def _lanes(self) -> dict[tuple[str, int], float]:
        """A lane for each imported package and side, ordered so that no line that turns off crosses another lane."""
        places = {}
        for side in (-1, 1):
            names = {b for (_, b), at in self.side.items() if at == side}
            near = sorted((n for n in names if PLACES[n][0] == side), key=lambda n: self.row[n])
            far = sorted((n for n in names if PLACES[n][0] != side), key=lambda n: (-self.row[n], -side * self.x(n)))
            inner, outer = CENTRES[0] + side * (BOX / 2 + MARGIN), CENTRES[side] - side * (BOX / 2 + MARGIN)
            order = near + far
            for k, name in enumerate(order):
                places[name, side] = outer + (inner - outer) * k / max(len(order) - 1, 1)
        return places

    def _bend(self, edge: Edge) -> float | None:
        side = self.side[edge]
        return self.lane[edge[1], side] if side else None

    def _ports(self) -> tuple[dict[Edge, float], dict[tuple[str, str | int], float]]:
        """Where lines leave the lower side of a box, and where they reach the upper side of another one."""
        leave: dict[Edge, float] = {}
        arrive: dict[tuple[str, str | int], float] = {}
        for name in self.row:
            out = {b: self._bend((a, b)) for a, b in self.edges if a == name}
            leave |= {(name, b): x for b, x in self._spread(name, out, 16).items()}
            # Lines in one lane arrive together; a line without a lane arrives alone.
            come = {self.side[a, b] or a: self._bend((a, b)) for a, b in self.edges if b == name}
            arrive |= {(name, key): x for key, x in self._spread(name, come, 30).items()}
        return leave, arrive

    def _spread(self, name: str, lines: dict[Any, float | None], distance: float) -> dict[Any, float]:
        """Places along a side of a box, in the order of where lines go; one that stays in the column is in the centre.

        `lines` has the lane of each line, or none where its key is the package at its other end.
        """
        order = sorted(lines, key=lambda key: self.x(key) if lines[key] is None else lines[key])
        upright = [k for k, key in enumerate(order) if lines[key] is None and self.x(key) == self.x(name)]
        middle = upright[0] if upright else (len(order) - 1) / 2
        distance = min(distance, (BOX / 2 - 12) / max(middle, len(order) - 1 - middle, 1))
        return {key: self.x(name) + (k - middle) * distance for k, key in enumerate(order)}

    def branch(self, edge: Edge) -> str:
        """From a box to its lane, or all the way where there is none."""
        a, b = edge
        x, y, lane = self.leave[edge], self.y(a) + HEIGHT, self._bend(edge)
        end = (self.arrive[b, a], self.y(b) - 2) if lane is None else (lane, y + GAP)
        return f"M{number(x)} {number(y)}{curve(x, y, *end)}"

    def trunk(self, name: str, side: int) -> str:
        """Down a lane and to the box."""
        x, y = self.lane[name, side], self.y(name)
        return f"V{number(y - GAP)}{curve(x, y - GAP, self.arrive[name, side], y - 2)}"


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def curve(x: float, y: float, to_x: float, to_y: float) -> str:
    """The rest of a line that begins and ends upright."""
    bend = (to_y - y) * 0.5
    return f"C{' '.join(number(p) for p in (x, y + bend, to_x, to_y - bend, to_x, to_y))}"


def svg(graph: Any = None) -> str:
    """The picture as text.

    Parameters
    ----------
    graph : grimp.ImportGraph, optional
        Read from the installed package by default.
    """
    graph = imports() if graph is None else graph
    rows, edges = floors(), edges_of(graph)
    ground = rows[-1][0]
    modules = Counter(package_of(m) for m in graph.modules if m.count(".") >= 2)
    shown = {edge for edge in edges if edge[1] != ground}
    users = sum(edge[1] == ground for edge in edges)
    everywhere = f", imported by {'every package' if users == sum(map(len, rows)) - 1 else f'{users} packages'}"
    thick = needed(shown)
    plan = Picture(rows, shown)
    height = TOP + len(rows) * (HEIGHT + GAP) - GAP + 52
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="14.5">',
        f"<title>The packages of {PACKAGE} on {len(rows)} floors, and what they import</title>",
        '<rect width="100%" height="100%" rx="8" fill="#ffffff"/>',
        "<defs>",
    ]
    colours = sorted({PLACES[b][1] for _, b in shown})
    for colour in colours:
        for kind, size in (("thick", 11), ("thin", 9)):
            parts.append(
                f'<marker id="{kind}-{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" '
                f'markerHeight="{size}" markerUnits="userSpaceOnUse" orient="auto">'
                f'<path d="M0 0 8 4 0 8z" fill="{colour}"/></marker>'
            )
    parts.append("</defs>")
    for k in range(len(rows)):
        y = TOP + k * (HEIGHT + GAP)
        parts.append(
            f'<rect x="10" y="{y - 8}" width="{WIDTH - 20}" height="{HEIGHT + 16}" rx="6" fill="#f3f4f6"/>'
            f'<text x="34" y="{y + HEIGHT / 2 + 6:g}" text-anchor="middle" font-size="17" fill="#6b7280">'
            f"{len(rows) - k}</text>"
        )
    targets = sorted({b for _, b in shown}, key=lambda name: (plan.row[name], plan.x(name)))
    for name in targets:  # thin lines first, so that thick ones lie on top
        colour = PLACES[name][1]
        thin = sorted(a for a, b in shown - thick if b == name)
        lines = [f'<path d="{plan.branch((a, name))}"/>' for a in thin]
        for side in (-1, 1):
            joined = [plan.row[a] for a in thin if plan.side[a, name] == side]
            if joined:
                start = f"M{number(plan.lane[name, side])} {TOP + (min(joined) + 1) * (HEIGHT + GAP)}"
                path = start + plan.trunk(name, side)
                lines.append(f'<path d="{path}" marker-end="url(#thin-{colour[1:]})"/>')
        if lines:
            parts += [f'<g fill="none" stroke="{colour}" stroke-width="1.4" opacity="0.75">', *lines, "</g>"]
    for name in targets:
        colour = PLACES[name][1]
        for a in sorted(a for a, b in thick if b == name):
            path = plan.branch((a, name))
            if side := plan.side[a, name]:
                path += plan.trunk(name, side)
            parts.append(
                f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="3" '
                f'marker-end="url(#thick-{colour[1:]})"/>'
            )
    for name in plan.row:
        colour = PLACES[name][1]
        wide = name == ground
        x, width = (CENTRES[-1] - BOX / 2, CENTRES[1] - CENTRES[-1] + BOX) if wide else (plan.x(name) - BOX / 2, BOX)
        y, count = plan.y(name), modules[name]
        parts.append(
            f'<rect x="{number(x)}" y="{y}" width="{number(width)}" height="{HEIGHT}" rx="9" fill="#ffffff" '
            f'stroke="{colour}" stroke-width="2"/>'
            f'<text x="{number(x + width / 2)}" y="{y + 22}" text-anchor="middle" font-size="17" font-weight="bold" '
            f'fill="{colour}">{name}</text>'
            f'<text x="{number(x + width / 2)}" y="{y + 40}" text-anchor="middle" fill="#374151">'
            f"{count} module{'s' if count != 1 else ''}{everywhere if wide else ''}</text>"
        )
    x, y = CENTRES[-1] - BOX / 2, height - 20
    parts.append(
        f'<path d="M{number(x)} {y - 5}h34" stroke="#444444" stroke-width="3"/>'
        f'<text x="{number(x + 44)}" y="{y}" fill="#374151">import; no chain of other arrows leads there</text>'
        f'<path d="M{number(x + 382)} {y - 5}h34" stroke="#444444" stroke-width="1.4"/>'
        f'<text x="{number(x + 426)}" y="{y}" fill="#374151">import; a chain of thick arrows leads there too'
        "</text></svg>"
    )
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "floors.svg"
    out.write_text(svg(), encoding="utf-8")
