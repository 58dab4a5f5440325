"""Equations as MathML, which browsers draw by themselves: no script, no fonts from elsewhere.

LaTeX is read by docutils' own converter; what it cannot read is a warning, and so an error of `make docs`.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

_LOG = logging.getLogger(__name__)


def mathml(text: str, display: bool) -> str:
    """A `<math>` element; MathError for LaTeX that cannot be read."""
    return tex2mathml(text.replace(r"\textbf", r"\text"), as_block=display)  # docutils has no bold text


def _shown(writer: Any, node: nodes.Element, display: bool) -> str:
    text = node.astext()
    try:
        return mathml(text, display)
    except MathError as error:
        _LOG.warning("this equation cannot be read: %s: %s", error, text, location=node)
        return f"<code>{escape(text)}</code>"


def _visit_math(writer: Any, node: nodes.math) -> None:
    writer.body.append(_shown(writer, node, display=False))
    raise nodes.SkipNode


def _visit_block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="equation">{_shown(writer, node, display=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer under the name mathml."""
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
