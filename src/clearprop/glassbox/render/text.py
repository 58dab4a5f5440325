"""Derivations as aligned text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.render.lines import DIGITS, Line, Writer

WIDTH = 100  #: characters of a line, before it is broken between terms


class TextWriter(Writer):
    """Plain text, as in code."""

    def quantity(self, quantity: Quantity) -> str:
        """A name."""
        return quantity.text

    def number(self, value: float, *, bracketed: bool = False) -> str:
        """A number, in brackets if asked and negative."""
        shown = self.printed(value)
        return f"({shown})" if bracketed and shown.startswith("-") else shown

    def product(self, factors: Sequence[str]) -> str:
        """Factors side by side."""
        return " * ".join(factors)

    def in_brackets(self, inside: str) -> str:
        """In round brackets."""
        return f"({inside})"

    def formula(self, text: str, letters: Mapping[str, str]) -> str:
        """A formula with its letters replaced."""
        if not letters:
            return text
        names = "|".join(re.escape(letter) for letter in letters)
        written = re.sub(rf"\b({names})\b", lambda found: letters[found.group()], text)
        return re.sub(r"\(\((-[\d.e+-]+)\)\)", r"(\1)", written)


def as_text(tree: Node, digits: int = DIGITS) -> str:
    """Lines of symbols, numbers and value, the rule at the first of them.

    >>> print(as_text(Node(Quantity("a", 1, (0,)), 0.5, "formula", (Node(Quantity("z", 1, (0,)), 0.0),), "F2",
    ...                    "sigmoid(z)", ("z",))))
    a[1][0] = sigmoid(z[1][0])  (F2)
            = sigmoid(0)
            = 0.5
    """
    return text_of(TextWriter(digits).lines(tree))


def text_of(lines: Iterable[Line]) -> str:
    """Lines of a derivation as aligned text."""
    blocks = []
    for line in lines:
        sign = " <- " if line.becomes else " = "
        indent = " " * (len(line.symbol) + len(sign) - 3)
        written = [line.symbol + sign + _broken(line.symbols, len(indent))]
        if line.shows_numbers:
            written.append(indent + " = " + _broken(line.numbers, len(indent)))
        if line.shows_value:
            written.append(indent + " = " + line.value)
        first, *others = "\n".join(written).split("\n")
        blocks.append("\n".join([f"{first}  ({line.rule})", *others]))
    return "\n".join(blocks)


def _broken(terms: list[str], indent: int) -> str:
    """Terms joined by +, on as many lines as they need."""
    lines, current = [], terms[0]
    for term in terms[1:]:
        if indent + 3 + len(current) + 3 + len(term) > WIDTH:
            lines.append(current)
            current = f"+ {term}"
        else:
            current += f" + {term}"
    return ("\n" + " " * (indent + 3)).join([*lines, current])
