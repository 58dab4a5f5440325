"""Corrections about g': lost, too much, at the wrong number, of the wrong layer, or no derivative at all."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

import numpy as np

from clearprop.errors import FormulaError
from clearprop.formulas import language
from clearprop.formulas.activations import Activation, activations
from clearprop.glassbox.checker.matrix_language import Leaf, function_name, leaf_of, leaves, written
from clearprop.glassbox.checker.places import Place, call, factors, product, same, times
from clearprop.glassbox.checker.setting import Change, Setting


def of_slopes(place: Place, setting: Setting) -> Iterator[Change]:
    """Changes of a place about g'."""
    node = place.node
    if place.role in ("root", "term", "operand", "argument"):
        for layer in setting.layers:
            for slope in setting.slopes(layer):
                yield Change("missing_slope", node, times(node, slope), right=slope)
            activation = call("g", node, layer=layer)
            yield Change("missing_activation", node, activation, right=f"g[{written(layer)}]")
    if setting.first and leaf_of(node) is None and {leaf.name for leaf in leaves(node)} == {"z"}:
        right = _of_one_layer(node, setting, "g")
        if right is not None:
            yield Change("wrong_activation", node, right)
    if isinstance(node, ast.Call):
        yield from _calls(node, setting)
    elif leaf_of(node) is None:
        if setting.first:
            yield from _pieces(node, setting)
        yield from _pairs_of_factors(node, setting)


def _calls(node: ast.Call, setting: Setting) -> Iterator[Change]:
    name = function_name(node)
    derived = name == "dg" or name.startswith("d_")
    if not derived and name not in ("g", "sigma", "tanh", *setting_rows(setting)):
        return
    (argument,) = node.args
    other = name[1:] if name == "dg" else name[2:] if derived else f"d{name}" if name == "g" else f"d_{name}"
    function: ast.expr = ast.Name(other, ast.Load())
    if isinstance(node.func, ast.Subscript):
        function = ast.Subscript(function, node.func.slice, ast.Load())
    yield Change("slope_for_value" if derived else "value_for_slope", node, ast.Call(function, node.args, []))
    leaf = leaf_of(argument)
    if leaf is None or leaf.name not in ("z", "a"):
        return
    for layer in setting.layers:
        if not setting.has_slope(layer):
            continue
        own = same(leaf.layer, layer)
        slip = (
            ("slope_of_activation" if leaf.name == "a" else "wrong_slope") if own else "slope_of_wrong_layer"
        )
        units = [leaf.units] if own or not leaf.units else [(unit,) for unit in setting.units]
        for unit in units:
            z = Leaf("z", layer, unit).node
            right = call("dg" if derived else "g", z, layer=layer)
            if derived:
                yield Change(slip, node, right)
            elif own and leaf.name == "a":
                yield Change("wrong_symbol", node, right)


def setting_rows(setting: Setting) -> tuple[str, ...]:
    """Names of activations that are functions of the language."""
    return (*activations, *(layer.activation.name for layer in setting.network.layers))


def _pieces(node: ast.expr, setting: Setting) -> Iterator[Change]:
    """A piece of z and a of one layer alone, which may have been meant as its g'."""
    right = _of_one_layer(node, setting, "dg")
    if right is not None:
        yield _wrong(node, right, node, right)


def _pairs_of_factors(node: ast.expr, setting: Setting) -> Iterator[Change]:
    """Two factors of a product, such as a and 1 - a, that together are g', or were meant to be."""
    parts = factors(node)
    if len(parts) < 3:
        return
    for i, first in enumerate(parts):
        for j in range(i + 1, len(parts)):
            piece = times(first, parts[j])
            right = _of_one_layer(piece, setting, "dg")
            if right is None:
                continue
            others = [part for k, part in enumerate(parts) if k not in (i, j)]
            yield Change("extra_slope", node, product(others), wrong=piece)
            if setting.first:
                yield _wrong(piece, right, node, product([*others, right]))


def _of_one_layer(node: ast.expr, setting: Setting, function: str) -> ast.expr | None:
    """g(z) or g'(z) of the one layer whose z and a a piece is made of, or None."""
    inside = [*leaves(node)]
    if not inside or any(leaf.name not in ("z", "a", "y_hat") for leaf in inside):
        return None
    if len({ast.dump(leaf.layer) if leaf.layer else "" for leaf in inside}) > 1:
        return None
    layer = inside[0].layer or ast.Constant(setting.network.depth)
    if not setting.has_slope(layer):
        return None
    return call(function, Leaf("z", layer, inside[0].units).node, layer=layer)


def _wrong(piece: ast.expr, right: ast.expr, old: ast.expr, new: ast.expr) -> Change:
    """The change of a piece into g'; where it is the derivative of another activation, that is said."""
    other = row_with_derivative(piece)
    if other is None:
        return Change("wrong_slope", old, new, wrong=piece, right=right)
    return Change("slope_of_other_activation", old, new, wrong=piece, right=other)


def row_with_derivative(piece: ast.expr) -> str | None:
    """Shipped activation whose derivative a piece of z and a is, as its row writes it."""
    plain = copy.deepcopy(piece)

    class Bare(ast.NodeTransformer):
        def generic_visit(self, node: ast.AST) -> ast.AST:
            leaf = leaf_of(node) if isinstance(node, ast.expr) else None
            if isinstance(
                node, ast.Constant
            ):  # Python's whole numbers would compute 9**9**9 to its last digit
                return ast.Constant(float(node.value))  # type: ignore[arg-type]
            if leaf is None:
                return super().generic_visit(node)
            return ast.Name("z" if leaf.name == "z" else "a", ast.Load())

        visit = generic_visit

    text = ast.unparse(Bare().visit(plain))
    z, a = np.array([-1.3, -0.4, 0.7, 1.9]), np.array([0.23, 0.81, 0.44, 0.62])
    try:
        with np.errstate(all="ignore"):
            value = language.evaluate(text, {"z": z, "a": a})
    except (FormulaError, KeyError, ArithmeticError):
        return None
    for row in activations.values():
        if not isinstance(row, Activation) or row.name in ("identity", "step"):
            continue
        if np.allclose(value, row.slope(z, a), rtol=1e-12, atol=0):
            return row.name
    return None


def is_slope(node: ast.expr) -> bool:
    """Whether a factor is g' of a layer: a call, or a piece such as a * (1 - a)."""
    if isinstance(node, ast.Call):
        return function_name(node) == "dg" or function_name(node).startswith("d_")
    inside = [*leaves(node)]
    one_layer = len({ast.dump(leaf.layer) if leaf.layer else leaf.name for leaf in inside}) == 1
    return leaf_of(node) is None and one_layer and all(leaf.name in ("a", "z", "y_hat") for leaf in inside)
