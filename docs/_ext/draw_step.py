"""Draw `docs/step.svg`, the order of events inside a step: `python docs/_ext/draw_step.py`."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

BOXES = {
    "1  State update": (
        "#0072B2",
        "v, I_syn of all neurons,\nfrom their values at the\nstart of the step;\nrefractory: v stays",
    ),
    "2  Threshold": ("#D55E00", "v > v_th and\nnot refractory:\nspike at k dt"),
    "3  Synapses": (
        "#009E73",
        "a  input events\nb  all pre-events\n    I_syn += w; depress\nc  all post-events\n    potentiate",
    ),
    "4  Reset": ("#8C6D1F", "v = v_reset of\nthose that fired;\nrefractory for t_ref"),
}
WIDTH, GAP, TOP, HEIGHT = 196, 28, 46, 150


def svg() -> str:
    """The picture as text."""
    total = len(BOXES) * (WIDTH + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {TOP + HEIGHT + 44}" font-family="sans-serif" '
        'font-size="14.5">',
        '<title>Order of events inside a step</title><rect width="100%" height="100%" rx="8" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#444444"/></marker></defs>',
        f'<text x="{GAP}" y="28" fill="#333333" font-size="16">step k: from k dt to (k + 1) dt</text>',
    ]
    for i, (title, (colour, text)) in enumerate(BOXES.items()):
        x = GAP + i * (WIDTH + GAP)
        parts.append(
            f'<rect x="{x}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#fafafa" stroke="{colour}" '
            'stroke-width="2"/>'
            f'<text x="{x + 12}" y="{TOP + 26}" font-weight="bold" fill="{colour}">{escape(title)}</text>'
        )
        parts += [
            f'<text x="{x + 12}" y="{TOP + 52 + 20 * k}" fill="#222222" xml:space="preserve">{escape(line)}</text>'
            for k, line in enumerate(text.splitlines())
        ]
        if i + 1 < len(BOXES):
            y = TOP + HEIGHT / 2
            parts.append(
                f'<path d="M{x + WIDTH + 3} {y}h{GAP - 7}" stroke="#444444" stroke-width="2" marker-end="url(#tip)"/>'
            )
    left, right, y = GAP + WIDTH / 2, total - GAP - WIDTH / 2, TOP + HEIGHT
    parts.append(
        f'<path d="M{right} {y + 3}v19H{left}v-15" fill="none" stroke="#444444" stroke-width="2" '
        'marker-end="url(#tip)"/>'
        f'<text x="{total / 2}" y="{y + 39}" text-anchor="middle" fill="#333333">next step</text></svg>'
    )
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    (Path(__file__).resolve().parent.parent / "step.svg").write_text(svg(), encoding="utf-8")
