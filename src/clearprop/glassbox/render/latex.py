"""Derivations as LaTeX: `align*` blocks for the package amsmath."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from clearprop.formulas.latex import latex
from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.render.lines import DIGITS, Line, Writer

TERMS_A_LINE = 3

DOCUMENT = r"""\documentclass{{article}}
\usepackage{{amsmath}}
\usepackage[margin=2cm]{{geometry}}
\allowdisplaybreaks
\begin{{document}}
{body}
\end{{document}}
"""


#: a negative number in brackets of its own and in those of its function
_TWICE = re.compile(r"\\left\(\\left\((-[^()]*)\\right\)\\right\)")


class LatexWriter(Writer):
    """LaTeX, as in the notes."""

    def quantity(self, quantity: Quantity) -> str:
        """A name."""
        return quantity.latex

    def number(self, value: float, *, bracketed: bool = False) -> str:
        """A number, in brackets if asked and negative."""
        digits, _, power = self.printed(value).partition("e")
        shown = rf"{digits} \cdot 10^{{{int(power)}}}" if power else digits
        return rf"\left({shown}\right)" if bracketed and shown.startswith("-") else shown

    def product(self, factors: Sequence[str]) -> str:
        """Factors side by side."""
        return r" \cdot ".join(factors)

    def in_brackets(self, inside: str) -> str:
        """In round brackets."""
        return rf"\left({inside}\right)"

    def formula(self, text: str, letters: Mapping[str, str]) -> str:
        """A formula with its letters replaced."""
        return _TWICE.sub(r"\\left(\1\\right)", latex(text, letters))


def as_latex(tree: Node, digits: int = DIGITS, *, document: bool = False) -> str:
    r"""An `align*` environment, or with `document` a whole file that `latex` compiles.

    >>> node = Node(Quantity("a", 1, (0,)), 0.5, "formula", (Node(Quantity("z", 1, (0,)), 0.0),), "F2",
    ...             "tanh(z)", ("z",))
    >>> print(as_latex(node))
    \begin{align*}
    a^{1}_{1} &= \tanh\left(z^{1}_{1}\right) \tag{F2} \\
    &= \tanh\left(0\right) \\
    &= 0.5
    \end{align*}
    """
    body = latex_of(LatexWriter(digits).lines(tree))
    return DOCUMENT.format(body=body) if document else body


def latex_of(lines: Iterable[Line]) -> str:
    """Lines of a derivation as an `align*` environment."""
    rows = []
    for line in lines:
        first, *more = _broken(line.symbols)
        sign = r"\leftarrow" if line.becomes else "="
        rows.append(rf"{line.symbol} &{sign} {first} \tag{{{line.rule}}}")
        rows.extend(rf"&\quad + {piece}" for piece in more)
        if line.shows_numbers:
            first, *more = _broken(line.numbers)
            rows.append(f"&= {first}")
            rows.extend(rf"&\quad + {piece}" for piece in more)
        if line.shows_value:
            rows.append(f"&= {line.value}")
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _broken(terms: list[str]) -> list[str]:
    """Sums of a few terms each."""
    return [" + ".join(terms[k : k + TERMS_A_LINE]) for k in range(0, len(terms), TERMS_A_LINE)]
