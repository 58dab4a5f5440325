"""What every rendering shares: a node is a line of symbols, a line of numbers, and a value.

A `Writer` knows one notation; the order of lines, what is bracketed and how many digits are printed are the
same in all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clearprop.glassbox.node import Node
from clearprop.glassbox.quantity import Quantity

DIGITS = 6  #: significant digits of a printed number


@dataclass(frozen=True)
class Line:
    """A named number: `symbol = symbols = numbers = value`, by a rule; pieces in the writer's notation.

    A number that is made from its own former value `becomes` the new one: W <- W - eta * dC/dW.
    """

    symbol: str
    symbols: list[str]
    numbers: list[str]
    value: str
    rule: str
    becomes: bool = False

    @property
    def shows_numbers(self) -> bool:
        """Whether the numbers put in are neither the symbols nor the value again."""
        return self.numbers != self.symbols and self.numbers != [self.value]

    @property
    def shows_value(self) -> bool:
        """Whether the value is not what stands there already."""
        return self.symbols != [self.value]

    @property
    def chain(self) -> list[list[str]]:
        """What is equal, each as its terms: symbols, numbers and value, as far as they are shown."""
        numbers = [self.numbers] if self.shows_numbers else []
        return [self.symbols, *numbers, *([[self.value]] if self.shows_value else [])]


class Writer(ABC):
    """One notation."""

    def __init__(self, digits: int = DIGITS) -> None:
        self.digits = digits

    def printed(self, value: float) -> str:
        """A number with the writer's digits; a zero has no sign."""
        return f"{value + 0.0:.{self.digits}g}"

    @abstractmethod
    def quantity(self, quantity: Quantity) -> str:
        """A name."""

    @abstractmethod
    def number(self, value: float, *, bracketed: bool = False) -> str:
        """A number, in brackets if asked and negative."""

    @abstractmethod
    def product(self, factors: Sequence[str]) -> str:
        """Factors side by side."""

    @abstractmethod
    def formula(self, text: str, letters: Mapping[str, str]) -> str:
        """A formula with its letters replaced."""

    @abstractmethod
    def in_brackets(self, inside: str) -> str:
        """In round brackets."""

    def lines(self, tree: Node) -> Iterator[Line]:
        """The lines of a tree, a number before those it comes from."""
        for node in tree.walk():
            if node is tree or node.how != "given":
                yield self.line(node)

    def line(self, node: Node) -> Line:
        """The line of one named number."""
        assert node.quantity is not None  # noqa: S101 - what has no name has no line
        symbol, value = self.quantity(node.quantity), self.number(node.value)
        if node.how == "given":
            return Line(symbol, [value], [value], value, node.rule or "given")
        symbols, numbers = (self._terms(node, symbolic=symbolic) for symbolic in (True, False))
        becomes = any(part.quantity == node.quantity for part in node.parts)
        return Line(symbol, symbols, numbers, value, node.rule, becomes)

    def _terms(self, node: Node, *, symbolic: bool) -> list[str]:
        """Terms of a sum; a single one of anything else."""
        if node.how == "sum":
            return [self._term(part, symbolic, many=len(node.parts) > 1) for part in node.parts] or [
                self.number(0)
            ]
        return [self._term(node, symbolic, many=False, inside=True)]

    def _term(self, node: Node, symbolic: bool, *, many: bool, inside: bool = False) -> str:
        """A part as it stands in a sum, or (`inside`) what a node is made of."""
        if node.quantity is not None and not inside:
            return self._shown(node, symbolic, bracketed=many)
        if node.how == "product":
            return self.product([self._factor(part, symbolic) for part in node.parts])
        if node.how == "formula":
            letters = {
                letter: self._letter(part, symbolic)
                for letter, part in zip(node.letters, node.parts, strict=True)
            }
            if not symbolic:
                letters |= {
                    name: self.number(value, bracketed=True) for name, value in node.constants.items()
                }
            return self.formula(node.text, letters)
        return self.number(node.value, bracketed=many)

    def _factor(self, part: Node, symbolic: bool) -> str:
        if part.quantity is None and part.how == "sum":
            return self.in_brackets(" + ".join(self._terms(part, symbolic=symbolic)))
        if part.quantity is None:
            return self._term(part, symbolic, many=False, inside=True)
        return self._shown(part, symbolic, bracketed=True)

    def _letter(self, part: Node, symbolic: bool) -> str:
        if part.quantity is None:
            return self._term(part, symbolic, many=False, inside=True)
        return self._shown(part, symbolic, bracketed=True)

    def _shown(self, node: Node, symbolic: bool, *, bracketed: bool) -> str:
        if symbolic and node.quantity is not None:
            return self.quantity(node.quantity)
        return self.number(node.value, bracketed=bracketed)
