"""Derivations as HTML with MathML: a table that needs no script, in the page's own colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from clearprop.formulas import mathml
from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.render.lines import DIGITS, Writer

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
}"""


class _Mathml(Writer):
    def quantity(self, quantity: Quantity) -> str:
        return quantity.mathml

    def number(self, value: float, *, bracketed: bool = False) -> str:
        printed = self.printed(value)
        shown = mathml.number(printed)
        return mathml.bracketed(shown) if bracketed and printed.startswith("-") else shown

    def product(self, factors: Sequence[str]) -> str:
        return mathml.row(mathml.operator("·").join(factors))

    def in_brackets(self, inside: str) -> str:
        return mathml.bracketed(inside)

    def formula(self, text: str, letters: Mapping[str, str]) -> str:
        return mathml.mathml(text, letters)


def as_html(tree: Node, digits: int = DIGITS, *, page: bool = False, title: str = "Derivation") -> str:
    """A `<table>` (its style beside it), or with `page` a whole page.

    >>> node = Node(Quantity("a", 1, (0,)), 0.5, "formula", (Node(Quantity("z", 1, (0,)), 0.0),), "F2",
    ...             "tanh(z)", ("z",))
    >>> "<msubsup><mi>a</mi>" in as_html(node)
    True
    """
    rows = []
    for line in _Mathml(digits).lines(tree):
        equal = '<td class="equal">=</td>'
        rows.append(
            f'<tr class="first"><td class="symbol">{_math([line.symbol])}</td>{equal}'
            f'<td class="value">{_math(line.symbols)}</td><td class="rule">{escape(line.rule)}</td></tr>'
        )
        if line.numbers != line.symbols and line.numbers != [line.value]:
            rows.append(_more(equal, line.numbers))
        if line.symbols != [line.value]:
            rows.append(_more(equal, [line.value]))
    table = '<table class="derivation"><tbody>\n' + "\n".join(rows) + "\n</tbody></table>"
    if page:
        return PAGE.format(title=escape(title), style=STYLE, body=table)
    return f"<style>\n{STYLE}\n</style>\n{table}"


def _more(equal: str, terms: list[str]) -> str:
    return f'<tr><td></td>{equal}<td class="value">{_math(terms)}</td><td></td></tr>'


def _math(terms: list[str]) -> str:
    """Terms joined by +; a line may break between them."""
    plus = '<mo form="infix">+</mo><mspace width="0.2em"/>'
    return " ".join(
        f'<math displaystyle="true">{plus if k else ""}{term}</math>' for k, term in enumerate(terms)
    )
