"""Derivations as HTML with MathML: a table that needs no script, in the page's own colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from clearprop.formulas import mathml
from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.render.lines import DIGITS, Line, Writer

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font-family: system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }}
{style}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
STYLE = """.derivation { border-collapse: collapse; }
.derivation td { padding: 0.3rem 0.4rem; vertical-align: baseline; }
.derivation tr.first td { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.derivation td.symbol, .derivation td.rule { white-space: nowrap; }
.derivation td.rule { opacity: 0.65; padding-left: 1.5rem; }
@media (max-width: 45rem) {
  .derivation, .derivation tbody, .derivation tr { display: block; }
  .derivation td, .derivation td.rule { display: block; overflow-x: auto; padding: 0.1rem 0; }
  .derivation td.equal, .derivation td:empty { display: none; }
  .derivation tr.first { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
  .derivation tr.first td { border-top: 0; }
  .derivation td.value::before { content: "= "; opacity: 0.65; }
  .derivation td.becomes::before { content: "← "; opacity: 0.65; }
}"""


#: a negative number in brackets of its own and in those of its function
_TWICE = re.compile(
    r"<mo>\(</mo><mrow><mrow><mo>\(</mo>(<mrow><mo>−</mo>(?:(?!<mo>[()]).)*</mrow>)<mo>\)</mo></mrow></mrow><mo>\)</mo>"
)


class MathmlWriter(Writer):
    """MathML, as in the notes."""

    def quantity(self, quantity: Quantity) -> str:
        """A name."""
        return quantity.mathml

    def number(self, value: float, *, bracketed: bool = False) -> str:
        """A number, in brackets if asked and negative."""
        printed = self.printed(value)
        shown = mathml.number(printed)
        return mathml.bracketed(shown) if bracketed and printed.startswith("-") else shown

    def product(self, factors: Sequence[str]) -> str:
        """Factors side by side."""
        return mathml.row(mathml.operator("·").join(factors))

    def in_brackets(self, inside: str) -> str:
        """In round brackets."""
        return mathml.bracketed(inside)

    def formula(self, text: str, letters: Mapping[str, str]) -> str:
        """A formula with its letters replaced."""
        written = _TWICE.sub(r"<mo>(</mo>\1<mo>)</mo>", mathml.mathml(text, letters))
        return written.replace(" </mtext>", "\u00a0</mtext>")  # or the blank is lost


def as_html(tree: Node, digits: int = DIGITS, *, page: bool = False, title: str = "Derivation") -> str:
    """A `<table>` (its style beside it), or with `page` a whole page.

    >>> node = Node(Quantity("a", 1, (0,)), 0.5, "formula", (Node(Quantity("z", 1, (0,)), 0.0),), "F2",
    ...             "tanh(z)", ("z",))
    >>> "<msubsup><mi>a</mi>" in as_html(node)
    True
    """
    table = html_of(MathmlWriter(digits).lines(tree))
    if page:
        return PAGE.format(title=escape(title), style=STYLE, body=table)
    return f"<style>\n{STYLE}\n</style>\n{table}"


def html_of(lines: Iterable[Line]) -> str:
    """Lines of a derivation as a `<table>`, which wants `STYLE`."""
    rows = []
    for line in lines:
        equal = '<td class="equal">=</td>'
        sign = '<td class="equal">←</td>' if line.becomes else equal
        rows.append(
            f'<tr class="first"><td class="symbol">{math_of([line.symbol])}</td>{sign}'
            f'<td class="{"becomes" if line.becomes else "value"}">{math_of(line.symbols)}</td>'
            f'<td class="rule">{escape(line.rule)}</td></tr>'
        )
        if line.shows_numbers:
            rows.append(_more(equal, line.numbers))
        if line.shows_value:
            rows.append(_more(equal, [line.value]))
    return '<table class="derivation"><tbody>\n' + "\n".join(rows) + "\n</tbody></table>"


def _more(equal: str, terms: list[str]) -> str:
    return f'<tr><td></td>{equal}<td class="value">{math_of(terms)}</td><td></td></tr>'


def math_of(terms: list[str]) -> str:
    """Terms joined by +; a line may break between them."""
    plus = '<mo form="infix">+</mo><mspace width="0.2em"/>'
    return " ".join(
        f'<math displaystyle="true">{plus if k else ""}{term}</math>' for k, term in enumerate(terms)
    )
