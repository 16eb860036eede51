"""Confusion matrices as tables of a page: what was taken for what, in numbers, with shares as colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hetero_rsnn.common.types import Ints
from hetero_rsnn.report.page import css_class, escape, paragraph

_NOTE = (
    "Rows are the true classes, columns what was decided, numbers test samples, added over the seeds. Blue is right "
    "and orange is wrong; the deeper the colour, the larger the share of the row."
)


def confusions(found: Mapping[str, Ints], classes: Sequence[Any], seeds: int) -> str:
    """The section with the matrix of every network.

    Parameters
    ----------
    found : mapping of str to ndarray of int, shape (classes, classes)
        By the name of the network; rows are the true classes.
    classes : sequence
    seeds : int
        Over how many each was added.
    """
    names = [escape(c) for c in classes]
    tables = "".join(_table(name, np.asarray(matrix), names, seeds) for name, matrix in found.items())
    return f'<h2 id="confusion">Confusion</h2>\n{paragraph(_NOTE, "soft")}\n<div{css_class("figures")}>{tables}</div>'


def told(name: str, matrix: Ints, classes: Sequence[Any], seeds: int = 1) -> str:
    """A matrix in a sentence or two.

    Examples
    --------
    >>> told("HeNHeS", np.array([[9, 1], [0, 10]]), ["hum", "hiss"])
    'HeNHeS: 19 of 20 are right (95.0 %). Most often wrong: hum taken for hiss, 1 of 10'
    """
    right, whole = int(np.trace(matrix)), int(matrix.sum())
    over = f" over {seeds} seeds" if seeds > 1 else ""
    text = f"{name}: {right:,} of {whole:,} are right{over} ({100 * right / max(whole, 1):.1f} %)"
    wrong = matrix - np.diag(np.diag(matrix))
    if not wrong.any():
        return text
    i, j = divmod(int(wrong.argmax()), wrong.shape[1])
    of = int(matrix[i].sum())
    return f"{text}. Most often wrong: {classes[i]} taken for {classes[j]}, {int(wrong[i, j]):,} of {of:,}"


def _table(name: str, matrix: Ints, names: Sequence[str], seeds: int) -> str:
    """One network; names of classes are escaped already."""
    shown = escape(name)
    rows = []
    for i, (true, counts) in enumerate(zip(names, matrix.tolist(), strict=True)):
        whole = max(sum(counts), 1)
        cells = []
        for j, (decided, count) in enumerate(zip(names, counts, strict=True)):
            kind = "none" if not count else "right" if i == j else "wrong"
            tip = f"{shown}&#10;true {true}, decided {decided}:&#10;{count:,} of {sum(counts):,} ({count / whole:.1%})"
            share = f"--share: {100 * count / whole:.0f}%"
            cells.append(f'<td{css_class(kind)} style="{share}" data-tip="{tip}">{count:,}</td>')
        rows.append(f'<tr><th scope="row">{true}</th>{"".join(cells)}</tr>')
    heads = "".join(f'<th scope="col">{n}</th>' for n in names)
    caption = f"<caption><span>{told(shown, matrix, names, seeds)}</span></caption>"
    corner = '<th scope="col">true \\ decided</th>'
    body = "\n".join(rows)
    return (
        f'<div{css_class("scroll")} tabindex="0" role="region" aria-label="confusion of {shown}">'
        f"<table{css_class('confusion')}>{caption}<thead><tr>{corner}{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )
