"""Draw `docs/front.svg`, efficiency over capacity of the four networks: `python docs/_ext/draw_front.py`.

The numbers are those of `docs/results/compare.json`. The picture is narrow and its words are large, for small screens.
"""

from __future__ import annotations

from typing import Any

from numbers_of_pages import ROOT, read

from hetero_rsnn.network.shipped import label as network_label

COLOURS = {"honhos": "#000000", "henhos": "#0072B2", "honhes": "#B36B00", "henhes": "#D55E00"}
#: Ends of the axes, and where they are in the picture.
C_END, E_END = 7.6, 46.0
LEFT, RIGHT, TOP, BOTTOM = 64, 540, 22, 250


def x(c: float) -> float:
    return LEFT + (RIGHT - LEFT) * c / C_END


def y(e: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * e / E_END


def svg() -> str:
    """The picture as text."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 304" font-family="sans-serif" font-size="16">',
        "<title>Efficiency over memory capacity of four networks</title>",
        '<rect width="100%" height="100%" rx="6" fill="#ffffff"/>',
        f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#555555"/>',
    ]
    for c in range(0, 7, 2):
        parts.append(f'<text x="{x(c):.1f}" y="{BOTTOM + 22}" text-anchor="middle" fill="#333333">{c}</text>')
    for e in range(0, 41, 10):
        parts.append(f'<text x="{LEFT - 8}" y="{y(e) + 5:.1f}" text-anchor="end" fill="#333333">{e}</text>')
    parts += [
        f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 46}" text-anchor="middle" fill="#333333">'
        "memory capacity C (samples)</text>",
        f'<text transform="translate(18 {(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle" fill="#333333">'
        "efficiency E = C / S</text>",
    ]
    found: dict[str, Any] = read("compare")["networks"]
    for spikes, end in ((0.11, 3.8), (0.15, 6.7)):  # points of equal S lie on a line through 0
        to_x, to_y = x(end), y(end / spikes)
        parts.append(
            f'<path d="M{LEFT} {BOTTOM}L{to_x:.1f} {to_y:.1f}" stroke="#999999" stroke-dasharray="4 4"/>'
            f'<text x="{to_x - 8:.1f}" y="{to_y + 3:.1f}" text-anchor="end" font-size="14" fill="#555555">'
            f"S = {spikes:g}</text>"
        )
    for name, row in found.items():
        c, e = row["C"], row["E"]
        cx, cy, colour = x(c["mean"]), y(e["mean"]), COLOURS[name]
        # Points of equal neurons lie close together: one name stands before them and above, the other behind and below.
        before = name.endswith("hes")
        label = (
            f'x="{cx - 12:.1f}" y="{cy - 10:.1f}" text-anchor="end"'
            if before
            else f'x="{cx + 12:.1f}" y="{cy + 22:.1f}"'
        )
        parts.append(
            f'<path d="M{x(c["low"]):.1f} {cy:.1f}H{x(c["high"]):.1f}M{cx:.1f} {y(e["low"]):.1f}'
            f'V{y(e["high"]):.1f}" stroke="{colour}" stroke-width="1.5"/>'
            f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="6" fill="{colour}"/>'
            f'<text {label} font-weight="bold" fill="{colour}">{network_label(name)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "front.svg").write_text(svg(), encoding="utf-8")
