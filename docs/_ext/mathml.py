"""Formulas as MathML, which browsers draw themselves: no script, no font, no network, and it is read aloud too.

The translator from TeX is the one that docutils has for its own pages, so that nothing is installed for it.
"""

from __future__ import annotations

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.writers.html5 import HTML5Translator


def mathml(tex: str, block: bool) -> str:
    """The element ``<math>`` for a formula; what cannot be translated stops the build."""
    # Lines of equations are aligned, as elsewhere, where TeX is written with & and \\ alone.
    if block and "\\\\" in tex and "\\begin" not in tex:
        tex = f"\\begin{{aligned}}{tex}\\end{{aligned}}"
    try:
        return str(tex2mathml(tex, as_block=block))
    except (MathError, SyntaxError) as error:
        raise ExtensionError(f"the formula {tex!r} cannot be translated: {error}") from error


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line."""
    translator.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula of its own; a wide one scrolls in its frame, which the keyboard reaches too."""
    formula = mathml(node.astext(), block=True)
    translator.body.append(f'<div class="formula" tabindex="0" role="group" aria-label="formula">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer; `conf.py` names it."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
