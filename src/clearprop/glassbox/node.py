"""A node of a derivation: a number, the rule that gives it, and the nodes it is computed from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from clearprop.formulas import language
from clearprop.glassbox.quantity import Quantity

How = Literal["given", "sum", "product", "formula"]


@dataclass(frozen=True)
class Node:
    """A number and what it comes from.

    Attributes
    ----------
    quantity : Quantity or None
        Its name; None for a product that stands inside a sum.
    value : float
    how : {"given", "sum", "product", "formula"}
        How `parts` make the value.
    parts : tuple of Node
    rule : str
        Which equation it is.
    text : str
        Of a formula, in the house's language; `letters` name the parts in it.
    constants : mapping
        Parameters of the formula.
    """

    quantity: Quantity | None
    value: float
    how: How = "given"
    parts: tuple[Node, ...] = ()
    rule: str = ""
    text: str = ""
    letters: tuple[str, ...] = ()
    constants: Mapping[str, float] = field(default_factory=dict)

    def combined(self) -> tuple[float, float]:
        """What the parts make, and the size of the terms it is made from."""
        values = [part.value for part in self.parts]
        if self.how == "sum":
            return math.fsum(values), math.fsum(map(abs, values))
        if self.how == "product":
            value = math.prod(values)
            return value, abs(value)
        if self.how == "formula":
            given = {**self.constants, **{n: np.array(v) for n, v in zip(self.letters, values, strict=True)}}
            value = float(language.evaluate(self.text, given))
            return value, max(abs(value), *(abs(v) for v in values), 0.0)
        return self.value, abs(self.value)

    def walk(self) -> Iterator[Node]:
        """Every named node once, a node before those it comes from."""
        seen: set[Quantity] = set()
        waiting = [self]
        while waiting:
            node = waiting.pop(0)
            if node.quantity is not None:
                if node.quantity in seen:
                    continue
                seen.add(node.quantity)
                yield node
            waiting.extend(node.parts)

    def worst_error(self) -> float:
        """Largest difference of a node from what its parts make, relative to the size of their terms."""
        worst = 0.0
        for node in self.walk():
            for each in (node, *node.parts):
                made, size = each.combined()
                worst = max(worst, abs(made - each.value) / max(size, abs(each.value), 1e-300))
        return worst


def product_of(q: Quantity | None, rule: str, factors: tuple[Node, ...]) -> Node:
    """Node of a product."""
    return Node(q, math.prod(factor.value for factor in factors), "product", factors, rule)
