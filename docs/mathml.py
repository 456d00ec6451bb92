"""Formulas as MathML, which browsers and screen readers know without any script."""

from html import escape

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def formula(node: nodes.Element, display: str) -> str:
    """Return the MathML of a node; the formula as it was typed is its name."""
    latex = " ".join(node.astext().split())
    made: str = convert(latex, display=display)
    return made.replace("<math ", f'<math alttext="{escape(latex)}" ', 1)


def inline(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    self.body.append(formula(node, "inline"))
    raise nodes.SkipNode


def block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, which scrolls, by keyboard too."""
    made = formula(node, "block")
    self.body.append(f'<div class="formula" tabindex="0">{made}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx that there is one more way to write formulas."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
