"""What a correction may build with: the layers, units and factors that there are where a formula is asked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from clearprop.formulas.activations import Activation
from clearprop.glassbox.checker.asked import Asked
from clearprop.glassbox.checker.matrix_language import Leaf, letters_of, written
from clearprop.glassbox.checker.places import call, constant, name, same, shifted
from clearprop.glassbox.checker.view import Convention
from clearprop.specification import Network


@dataclass(frozen=True)
class Change:
    """A sub-expression exchanged for another, as the correction of a slip.

    Attributes
    ----------
    slip : str
    old, new : ast.expr
        The sub-expression and what stands in its place.
    wrong, right : str or ast.expr, optional
        The pieces to tell of, where they are not the whole.
    """

    slip: str
    old: ast.expr
    new: ast.expr
    wrong: ast.expr | None = None
    right: str | ast.expr | None = None

    @property
    def old_text(self) -> str:
        """The piece as it is written."""
        return written(self.wrong or self.old)

    @property
    def new_text(self) -> str:
        """What should stand there."""
        right = self.right or self.new
        return right if isinstance(right, str) else written(right)


@dataclass(frozen=True)
class Setting:
    """A formula's surroundings: what is asked, of which network, and in which notation."""

    tree: ast.expr
    asked: Asked
    network: Network
    convention: Convention
    first: bool = True  #: whether it is the first correction, for which vague slips are of use, too

    @cached_property
    def in_elements(self) -> bool:
        """Whether the formula is in index notation, so that factors have units and no transposes."""
        return bool(letters_of(self.tree)) or self.asked.is_element

    @cached_property
    def units(self) -> tuple[ast.expr, ...]:
        """Units that factors may have: the letters, and the numbers that are asked."""
        letters = sorted(letters_of(self.tree) | set(self.asked.letters))
        places = [*self.asked.of.units, *(self.asked.by.units if self.asked.by else ())]
        fixed = {place.value: place for place in places if isinstance(place, ast.Constant)}
        return (*map(name, letters), *fixed.values())

    @cached_property
    def layers(self) -> tuple[ast.expr, ...]:
        """Layers to build factors of: 1..L, or in a formula for any l those about it."""
        if self.asked.is_generic:
            return tuple(shifted(name("l"), by) for by in (0, 1, -1))
        return tuple(constant(l) for l in range(1, self.network.depth + 1))

    def numbers(self, kind: str, layer: ast.expr | None) -> Iterator[ast.expr]:
        """A number of a layer; in index notation with each choice of units."""
        if not self.in_elements:
            yield Leaf(kind, layer).node
            return
        if kind not in ("W", "dW"):
            for unit in self.units:
                yield Leaf(kind, layer, (unit,)).node
            return
        for row in self.units:
            for column in self.units:
                if not same(row, column):
                    yield Leaf(kind, layer, (row, column)).node

    def slopes(self, layer: ast.expr) -> Iterator[ast.expr]:
        """g'(z) of a layer, where its activation has one."""
        if self.has_slope(layer):
            for z in self.numbers("z", layer):
                yield call("dg", z, layer=layer)

    def has_slope(self, layer: ast.expr) -> bool:
        """Whether the activation of a layer is elementwise."""
        if not isinstance(layer, ast.Constant):
            return True
        place = layer.value
        layers = self.network.layers
        return (
            isinstance(place, int)
            and 1 <= place <= len(layers)
            and isinstance(layers[place - 1].activation, Activation)
        )

    def received(self, layer: ast.expr) -> Leaf:
        """What a layer receives: a[l-1], or x."""
        below = shifted(layer, -1)
        return Leaf("x") if isinstance(below, ast.Constant) and below.value == 0 else Leaf("a", below)
