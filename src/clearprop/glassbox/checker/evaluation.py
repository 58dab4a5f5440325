"""The value of a formula over a view: one NumPy operation a node, and shapes that do not fit as findings.

In index notation every letter is an axis: `W[2][k,j]` has an axis for j and one for k, in the order of the
alphabet, products broadcast, and `sum(k, ...)` sums over one. Such values are `Elements`, so that they cannot
be mixed with whole matrices unseen.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.textbook import activate
from clearprop.errors import FormulaError
from clearprop.formulas.activations import Activation, AnyActivation, activations
from clearprop.formulas.language import REAL
from clearprop.glassbox.checker.matrix_language import (
    Leaf,
    function_name,
    is_letter,
    leaf_of,
    leaves,
    letters_of,
    units_of,
)
from clearprop.glassbox.checker.view import View


class ShapeError(Exception):
    """Shapes that do not fit: a finding about the formula, with the place and the shapes in words."""


@dataclass(frozen=True)
class Elements:
    """Values in index notation: an axis for every letter of the formula, of length 1 where it is absent."""

    array: Array


Value: TypeAlias = "Array | Elements"


@dataclass
class Evaluator:
    """Walks formulas over one view.

    Attributes
    ----------
    letters : tuple of str
        All letters, in the order of their axes.
    ranges : dict from letter to int
        How many units a letter counts, as the formula's subscripts say.
    forbidden : set of (name, layer)
        Numbers that a formula may not use, as it is a formula for them.
    """

    view: View
    letters: tuple[str, ...]
    ranges: dict[str, int]
    forbidden: frozenset[tuple[str, int | None]] = frozenset()

    def value(self, node: ast.expr) -> Value:
        """Value of a node: a scalar or array, or `Elements`.

        Raises
        ------
        ShapeError
            When shapes do not fit each other.
        FormulaError
            When a name, layer or unit does not exist.
        """
        leaf = leaf_of(node)
        if leaf is not None:
            return self._leaf(leaf)
        match node:
            case ast.Constant(value=int(number) | float(number)):
                return np.asarray(float(number))
            case ast.Name(id=name):
                return self._name(name)
            case ast.BinOp(op=ast.MatMult()):
                return self._product(node)
            case ast.BinOp() | ast.Compare():
                operator = node.op if isinstance(node, ast.BinOp) else node.ops[0]
                right = node.right if isinstance(node, ast.BinOp) else node.comparators[0]
                return self._elementwise(_OPERATIONS[type(operator)], node, (node.left, right))
            case ast.UnaryOp(op=ast.USub()):
                return self._elementwise(np.negative, node, (node.operand,))
            case ast.UnaryOp():
                return self.value(node.operand)
            case ast.Attribute():
                return np.transpose(self._whole(node.value, "has no transpose"))
            case ast.Subscript():
                whole = self._whole(node.value, "is an element already")
                return self.element(
                    whole, units_of(node.slice), ast.unparse(node.value), single=self.view.scene.m == 1
                )
            case ast.Call():
                return self._call(node)
        raise AssertionError(f"unchecked node {ast.dump(node)}")

    def _name(self, name: str) -> Value:
        scalar = self.view.scalar(name)
        if scalar is not None:
            return scalar
        if name in self.ranges:
            shape = [1] * len(self.letters)
            shape[self.letters.index(name)] = -1
            return Elements(np.arange(self.ranges[name], dtype=float).reshape(shape))
        raise FormulaError(f"{name!r} stands for no unit here; index a number with it, as in z[1][{name}]")

    def _leaf(self, leaf: Leaf) -> Value:
        layer = None if leaf.layer is None else self.view.index(leaf.layer)
        if (leaf.name, layer) in self.forbidden:
            raise FormulaError(
                f"{_plain(leaf)} is the very number that the formula is for; write it with numbers that are "
                "there before it"
            )
        array = self.view.number(leaf.name, layer)
        if not leaf.units:
            return array
        name = _plain(leaf)
        return self.element(array, leaf.units, name, self.view.takes_one_index(leaf.name))

    def element(self, array: Array, units: tuple[ast.expr, ...], name: str, single: bool) -> Value:
        """`array[k,j]`; what is a vector of one example (`single`) takes one index."""
        if len(units) == 1 and single and array.ndim == 2 and 1 in array.shape:
            array = array.reshape(-1)
        if array.ndim != len(units):
            form = f"{array.ndim} indices" if array.ndim > 1 else "one index"
            raise ShapeError(f"{name} has shape {_shape(array)}, so it takes {form}, not {len(units)}")
        return self.pick(array, units, name)

    def pick(self, array: Array, units: tuple[ast.expr, ...], name: str) -> Value:
        """`array[k,0,j]` for any number of indices, the letters as axes."""
        axes: list[str] = []
        for unit in units:
            length = array.shape[len(axes)]
            if not is_letter(unit):
                place = self.view.index(unit)
                if place >= length:
                    raise FormulaError(f"{name} has units 0 to {length - 1}, and no {place}")
                array = np.take(array, place, axis=len(axes))
                continue
            letter = unit.id
            if self.ranges.setdefault(letter, length) != length:
                raise ShapeError(
                    f"{letter} counts {length} units in {name}, and {self.ranges[letter]} elsewhere"
                )
            axes.append(letter)
        if not axes:
            return np.asarray(array)
        numbers = [self.letters.index(letter) for letter in axes]
        ordered = np.einsum(array, numbers, sorted(set(numbers)))
        shape = [self.ranges[letter] if letter in axes else 1 for letter in self.letters]
        return Elements(ordered.reshape(shape))

    def _whole(self, node: ast.expr, why: str) -> Array:
        """Value that is an array, not an element."""
        value = self.value(node)
        if isinstance(value, Elements):
            raise FormulaError(f"{ast.unparse(node)} {why}: it is an element, in index notation")
        return np.asarray(value)

    def _product(self, node: ast.BinOp) -> Value:
        both = "is no matrix for @"
        left, right = self._whole(node.left, both), self._whole(node.right, both)
        fits = (
            left.ndim > 0 and right.ndim > 0 and left.shape[-1] == right.shape[0 if right.ndim == 1 else -2]
        )
        if not fits:
            raise ShapeError(f"{_named(node.left, left)} @ {_named(node.right, right)} do not fit")
        return left @ right

    def _elementwise(
        self, function: Callable[..., Any], node: ast.expr, operands: tuple[ast.expr, ...]
    ) -> Value:
        values = [self.value(operand) for operand in operands]
        if not any(isinstance(value, Elements) for value in values):
            try:
                return function(*values)
            except ValueError:
                shapes = " and ".join(_named(o, v) for o, v in zip(operands, values, strict=True))
                raise ShapeError(f"{shapes} do not fit elementwise in {ast.unparse(node)}") from None
        plain = []
        for operand, value in zip(operands, values, strict=True):
            if not isinstance(value, Elements) and np.ndim(value):
                raise FormulaError(
                    f"{ast.unparse(operand)} is a whole array beside elements in {ast.unparse(node)}; "
                    "give it its indices, too"
                )
            plain.append(value.array if isinstance(value, Elements) else value)
        return Elements(np.asarray(function(*plain)))

    def _call(self, node: ast.Call) -> Value:
        name = function_name(node)
        if name == "sum" and len(node.args) == 2:
            return self._sum_over(node)
        if name in ("sum", "mean"):
            return self._sum(node, name)
        if name in ("outer", "dot", "norm", "diag"):
            return self._of_vectors(node, name)
        if name == "where":
            return self._elementwise(REAL["where"], node, tuple(node.args))
        if name in _EXTRA or (name in REAL and name not in ("sigmoid", "tanh")):
            return self._elementwise(_EXTRA.get(name) or REAL[name], node, tuple(node.args))
        return self._row(node, name)

    def _row(self, node: ast.Call, name: str) -> Value:
        """An activation or its derivative: g, dg, tanh, d_tanh, softmax."""
        (argument,) = node.args
        derived = name == "dg" or name.startswith("d_")
        row = self._row_of(node, name)
        if isinstance(row, Activation):
            function = _slope_of(row) if derived else row.value
            return self._elementwise(lambda z: function(np.asarray(z, float)), node, (argument,))
        if derived:
            raise FormulaError(
                f"{row.name} has no elementwise derivative: each output depends on every z; of the "
                "softmax it is the matrix diag(a) - outer(a, a)"
            )
        z = np.asarray(self._whole(argument, f"is one number, and {row.name} takes a vector"), float)
        columns = self.view.convention == "columns"
        if z.ndim != 2 or z.shape[0 if columns else 1] % row.pieces:
            raise ShapeError(f"{_named(argument, z)} is no vector for {row.name}")
        made = activate(row, z.T if columns else z)
        return made.T if columns else made

    def _row_of(self, node: ast.Call, name: str) -> AnyActivation:
        layers = self.view.scene.network.layers
        if name not in ("g", "dg"):
            name = {"sigma": "sigmoid"}.get(name.removeprefix("d_"), name.removeprefix("d_"))
            own = [layer.activation for layer in layers if layer.activation.name == name]
            return own[0] if own else activations[name]
        if isinstance(node.func, ast.Subscript):
            layer = self.view.index(node.func.slice)
        else:  # that of the last layer named inside
            named = [self.view.index(leaf.layer) for leaf in leaves(node.args[0]) if leaf.layer is not None]
            if not named:
                raise FormulaError(f"{ast.unparse(node)}: of which layer? write {name}[1](...)")
            layer = max(named)
        if not 1 <= layer <= len(layers):
            raise FormulaError(f"there is no {name}[{layer}]; the network has layers 1 to {len(layers)}")
        return layers[layer - 1].activation

    def _sum_over(self, node: ast.Call) -> Value:
        letter = node.args[0].id  # type: ignore[attr-defined]
        value = self.value(node.args[1])
        axis = self.letters.index(letter)
        if letter not in letters_of(node.args[1]):
            raise FormulaError(f"{ast.unparse(node)} sums over {letter}, which is not in what it sums")
        array = value.array if isinstance(value, Elements) else np.asarray(value)
        if array.shape[axis] == 1:
            return Elements(array * self.ranges.get(letter, 1))
        return Elements(array.sum(axis=axis, keepdims=True))

    def _sum(self, node: ast.Call, name: str) -> Value:
        array = self._whole(node.args[0], f"is summed by {name}(letter, ...)")
        axis = node.keywords[0].value.value if node.keywords else None  # type: ignore[attr-defined]
        if axis is not None and array.ndim <= axis:
            raise ShapeError(f"{_named(node.args[0], array)} has no axis {axis}")
        made: Array = np.asarray(array.sum(axis=axis) if name == "sum" else array.mean(axis=axis))
        keeps = axis is not None and axis == self.view.examples_axis and self.view.convention == "columns"
        return made[:, None] if keeps else made

    def _of_vectors(self, node: ast.Call, name: str) -> Value:
        values = [self._whole(argument, f"is no vector for {name}") for argument in node.args]
        if name == "norm":
            return np.sqrt((values[0] ** 2).sum())
        for argument, value in zip(node.args, values, strict=True):
            if max(value.shape, default=1) != value.size:
                raise ShapeError(f"{_named(argument, value)} is no vector, and {name} takes vectors")
        flat = [value.reshape(-1) for value in values]
        if name == "diag":
            return np.diag(flat[0])
        if name == "dot" and flat[0].shape != flat[1].shape:
            raise ShapeError(f"{' and '.join(map(_named, node.args, values))} do not fit in dot")
        return np.outer(*flat) if name == "outer" else np.asarray(flat[0] @ flat[1])


def _slope_of(row: Activation) -> Callable[[Array], Array]:
    return lambda z: row.slope(z, row.value(z))


_OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.Gt: np.greater,
    ast.Lt: np.less,
    ast.GtE: np.greater_equal,
    ast.LtE: np.less_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_EXTRA: dict[str, Callable[..., Any]] = {"ln": np.log, "log2": np.log2}


def _plain(leaf: Leaf) -> str:
    return ast.unparse(Leaf(leaf.name, leaf.layer).node)


def _shape(value: Value) -> str:
    shape = np.shape(value.array if isinstance(value, Elements) else value)
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _named(node: ast.expr, value: Value) -> str:
    return f"{ast.unparse(node)} {_shape(value)}"
