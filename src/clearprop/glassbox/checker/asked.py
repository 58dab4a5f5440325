"""What a formula should be: the asked quantity, read from text, and its true value in a scene."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError
from clearprop.formulas.activations import Activation
from clearprop.formulas.trees import expression_tree
from clearprop.glassbox.checker.evaluation import Evaluator, ShapeError, Value
from clearprop.glassbox.checker.matrix_language import Leaf, is_index, is_letter, leaf_of
from clearprop.glassbox.checker.scene import slope
from clearprop.glassbox.checker.view import View

_KNOWN = (
    "there are C, loss, y_hat, z[l], a[l], delta[l], W[l] and b[l] (dC/dW, dC/db), dC/da[l], dC/dy_hat, "
    "x (dC/dx), "
    'da[l]/dz[l] and other derivatives dA/dB of z, a, y_hat by W, b, z, a, x, and "new W[l]" after a step of '
    "gradient descent; with the layer a number, l or L, and units as in W[1][j,i] or W[1][0,2]"
)
#: asked alone -> the number that is meant
_MEANT = {"W": "dW", "b": "db", "x": "dx"}
_ABOVE = ("C", "loss", "z", "a", "y_hat")
_BELOW = ("W", "b", "z", "a", "x", "y_hat")


@dataclass(frozen=True)
class Asked:
    """A quantity: `of` alone, or the derivative of `of` by `by`, or `of` after one step of descent.

    Attributes
    ----------
    text : str
        As it was asked.
    of, by : Leaf
        Names without the d of a derivative; `dC/dW[1]` and `W[1]` are both the number `dW[1]`.
    """

    text: str
    of: Leaf
    by: Leaf | None = None
    new: bool = False

    @property
    def letters(self) -> tuple[str, ...]:
        """Letters of its units, in order."""
        places = [*self.of.units, *(self.by.units if self.by else ())]
        return tuple(dict.fromkeys(place.id for place in places if is_letter(place)))

    @property
    def is_element(self) -> bool:
        """Whether one element is asked, by letters or numbers, not a whole array."""
        return bool(self.of.units or (self.by and self.by.units))

    @property
    def is_generic(self) -> bool:
        """Whether it stands for every layer l."""
        layers = (self.of.layer, self.by.layer if self.by else None)
        return any(
            isinstance(n, ast.Name) and n.id == "l" for layer in layers if layer for n in ast.walk(layer)
        )

    @property
    def name(self) -> str:
        """The number as the language names it, or the text where it has no name there."""
        return (
            self.text if self.by or self.new or self.of.name in ("C", "loss") else ast.unparse(self.of.node)
        )

    def forbidden(self, view: View) -> frozenset[tuple[str, int | None]]:
        """Names (with layers) that are the asked number itself, and so cannot stand in its formula."""
        if self.by or self.new or self.of.name in ("C", "loss"):
            return frozenset()
        L, name = view.scene.network.depth, self.of.name
        layer = {"x": 0, "dx": 0, "y_hat": L, "dy_hat": L}.get(name)
        layer = view.index(self.of.layer) if self.of.layer is not None else layer
        kind = {"x": "a", "y_hat": "a", "dx": "da", "dy_hat": "da", "dz": "delta"}.get(name, name)
        same: set[tuple[str, int | None]] = {(kind, layer)}
        if kind == "delta":
            same |= {("dz", layer), ("db", layer)}
        if kind in ("a", "da") and layer in (0, L):
            d = "" if kind == "a" else "d"
            same |= {(f"{d}x", None)} if layer == 0 else set()
            same |= {(f"{d}y_hat" if d == "" else "dy_hat", None)} if layer == L else set()
        return frozenset(same)

    def truth(self, view: View) -> tuple[Value, ...]:
        """True values, any of which is right: usually one; a derivative may be written as a vector, too.

        Raises
        ------
        ShapeError
            When the convention has no such number (a local derivative of a batch).
        FormulaError
            When there is no such layer or unit.
        """
        whole = self._whole(view)
        if not self.is_element:
            return whole
        return (self._element(whole[0], view),)

    def _whole(self, view: View) -> tuple[Array, ...]:
        scene, seen = view.scene, view.scene.seen
        if self.by is not None:
            return self._derivative(self.of, self.by, view)
        if self.of.name == "C":
            return (np.asarray(seen.loss),)
        if self.of.name == "loss":
            return (np.asarray(seen.loss - seen.penalty),)
        layer = None if self.of.layer is None else view.index(self.of.layer)
        if self.new:
            name = self.of.name
            return (view.number(name, layer) - scene.eta * view.number(f"d{name}", layer),)
        return (view.number(self.of.name, layer),)

    def _derivative(self, of: Leaf, by: Leaf, view: View) -> tuple[Array, ...]:
        """Jacobian of the one example there is; of an elementwise a by its own z also the vector g'(z)."""
        above = None if of.layer is None else view.index(of.layer)
        below = None if by.layer is None else view.index(by.layer)
        network = view.scene.network
        for leaf, layer in ((of, above), (by, below)):
            if layer is not None:
                view.number(leaf.name, layer)  # says where there is none
        slopes: tuple[Array, ...] = ()
        own = above if of.name == "a" else network.depth if of.name == "y_hat" else None
        elementwise = own and isinstance(network.layers[own - 1].activation, Activation)
        if own and elementwise and by.name == "z" and below == own:
            found = slope(network, own, view.scene.seen.z[own])
            slopes = (found.T if view.convention == "columns" else found,)
        if view.scene.m > 1:
            if slopes and not self.is_element:
                return slopes
            raise ShapeError(f"{self.text} belongs to one example; write it in columns, without m")
        return (view.scene.jacobian(of.name, above, by.name, below), *slopes)

    def _element(self, whole: Array, view: View) -> Value:
        """The asked element, its letters as axes."""
        if self.by is None:
            plain = Leaf(self.of.name, self.of.layer)
            evaluator = Evaluator(view, tuple(sorted(self.letters)), {})
            return evaluator.element(
                whole, self.of.units, ast.unparse(plain.node), view.takes_one_index(self.of.name)
            )
        units = (*self.of.units, *self.by.units)
        if len(units) != whole.ndim:
            raise FormulaError(f"{self.text!r}: give {whole.ndim} indices in all, not {len(units)}, or none")
        letters = tuple(sorted(self.letters))
        return Evaluator(view, letters, {}).pick(whole, units, self.text)


def read_asked(text: str) -> Asked:
    """The quantity that a text such as "delta[1]", "dC/dW[2][j,i]" or "da[1]/dz[1]" asks for.

    Raises
    ------
    FormulaError

    Examples
    --------
    >>> read_asked("W[1][j,i]").of.name, read_asked("dz[2]/da[1]").by.name
    ('dW', 'a')
    """
    stripped = re.sub(r"\s+", " ", text.strip()) if isinstance(text, str) else ""
    if not stripped or len(stripped) > 100:
        raise FormulaError(f"{text!r} names nothing to check; {_KNOWN}")
    if stripped in ("C", "loss"):
        return Asked(stripped, Leaf(stripped))
    new = re.fullmatch(r"new (.*)", stripped)
    if new:
        of = _read_leaf(new[1], text)
        if of.name not in ("W", "b"):
            raise FormulaError(f"{text!r}: a step of gradient descent makes a new W[l] or b[l]")
        return Asked(stripped, of, new=True)
    above, slash, below = stripped.partition("/")
    if slash:
        return _read_derivative(stripped, above.strip(), below.strip())
    of = _read_leaf(stripped, text)
    name = {"dz": "delta"}.get(_MEANT.get(of.name, of.name), _MEANT.get(of.name, of.name))
    if name == "y":
        raise FormulaError(f"{text!r} is given, and has no formula; {_KNOWN}")
    return Asked(stripped, Leaf(name, of.layer, of.units))


def _read_derivative(text: str, above: str, below: str) -> Asked:
    if not (above.startswith("d") and below.startswith("d")):
        raise FormulaError(f"{text!r}: a derivative is written dA/dB, as in dC/dW[1] or da[1]/dz[1]")
    of = Leaf(above[1:]) if above[1:] in ("C", "loss") else _read_leaf(above[1:], text)
    by = _read_leaf(below[1:], text)
    if of.name not in _ABOVE or by.name not in _BELOW:
        raise FormulaError(f"{text!r} is no derivative of a network's number by another; {_KNOWN}")
    if of.name == "C":
        name = {"z": "delta", "y_hat": "dy_hat"}.get(by.name, f"d{by.name}")
        return Asked(text, Leaf(name, by.layer, by.units))
    return Asked(text, of, by)


def _read_leaf(piece: str, text: str) -> Leaf:
    try:
        node = expression_tree(piece.strip())
        leaf = leaf_of(node)
        pieces = [] if leaf is None else [leaf.layer, *leaf.units]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        leaf, pieces = None, []
    if leaf is None or any(place is not None and not is_index(place) for place in pieces):
        raise FormulaError(f"{text!r} names nothing to check; {_KNOWN}")
    return leaf
