"""Derivations written out: the same lines as aligned text, as LaTeX, and as HTML with MathML."""

from __future__ import annotations

from clearprop.glassbox.render.html import as_html
from clearprop.glassbox.render.latex import as_latex
from clearprop.glassbox.render.text import as_text

__all__ = ["as_html", "as_latex", "as_text"]
