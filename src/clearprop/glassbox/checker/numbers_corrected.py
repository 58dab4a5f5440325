"""Corrections of single numbers: another layer, another symbol, other indices, a transpose."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from clearprop.glassbox.checker.matrix_language import (
    Leaf,
    function_name,
    leaf_of,
    leaves,
    letters_of,
)
from clearprop.glassbox.checker.places import (
    Place,
    call,
    constant,
    name,
    same,
    shifted,
    substituted,
    transposed,
)
from clearprop.glassbox.checker.setting import Change, Setting

#: what is written -> what may have been meant, of the same layer
_MISTAKEN = {
    "y": ("y_hat",),
    "y_hat": ("y",),
    "z": ("a",),
    "a": ("z",),
    "da": ("delta",),
    "delta": ("da",),
    "dz": ("da",),
    "dW": ("W",),
    "W": ("dW",),
    "b": ("db",),
    "db": ("b",),
}


def of_numbers(place: Place, setting: Setting) -> Iterator[Change]:
    """Changes of one number, where a place is one."""
    leaf = leaf_of(place.node)
    if leaf is None:
        return
    for other in neighbours(leaf, setting):
        yield Change("wrong_layer", place.node, other.node)
    for other in mistaken(leaf, setting):
        yield Change("wrong_symbol", place.node, other.node)
    yield from _indices(leaf, setting)


def of_repeated_numbers(place: Place, setting: Setting) -> Iterator[Change]:
    """Changes of one number wherever it stands in a place, if it does so at least twice."""
    if leaf_of(place.node) is not None:
        return
    plain = {
        ast.dump(Leaf(leaf.name, leaf.layer).node): Leaf(leaf.name, leaf.layer) for leaf in leaves(place.node)
    }
    for leaf in plain.values():
        changed = [("wrong_layer", other) for other in neighbours(leaf, setting)]
        changed += [("wrong_symbol", other) for other in mistaken(leaf, setting)]
        for slip, other in changed:
            tree, count = substituted(place.node, leaf, other)
            if count > 1:
                yield Change(slip, leaf.node, tree, right=other.node)


def neighbours(leaf: Leaf, setting: Setting) -> Iterator[Leaf]:
    """The number in the layer above and below; x is a[0]."""
    L = setting.network.depth
    if leaf.name in ("x", "y_hat"):
        layer: ast.expr | None = ast.Constant({"x": 0, "y_hat": L}[leaf.name])
        kind = "a"
    else:
        layer, kind = leaf.layer, leaf.name
    if layer is None:
        return
    for by in (1, -1):
        other = shifted(layer, by)
        if not isinstance(other, ast.Constant):
            yield Leaf(kind, other, leaf.units)
        elif (kind, other.value) == ("a", 0):
            yield Leaf("x", None, leaf.units)
        elif isinstance(other.value, int) and 1 <= other.value <= L:
            yield Leaf(kind, other, leaf.units)


def mistaken(leaf: Leaf, setting: Setting) -> Iterator[Leaf]:
    """Numbers of other kinds that are easily taken for this one."""
    for kind in _MISTAKEN.get(leaf.name, ()):
        yield Leaf(kind, leaf.layer, leaf.units)
    last = ast.Constant(setting.network.depth)
    if leaf.name == "y_hat":
        yield Leaf("z", last, leaf.units)
    if leaf.name == "dy_hat":
        yield Leaf("delta", last, leaf.units)


def _indices(leaf: Leaf, setting: Setting) -> Iterator[Change]:
    if len(leaf.units) == 2:
        swapped = Leaf(leaf.name, leaf.layer, leaf.units[::-1])
        yield Change("indices_swapped", leaf.node, swapped.node)
    for position, unit in enumerate(leaf.units):
        for other in setting.units:
            if not same(other, unit):
                units = (*leaf.units[:position], other, *leaf.units[position + 1 :])
                yield Change("wrong_index", leaf.node, Leaf(leaf.name, leaf.layer, units).node)


def of_letters(place: Place, setting: Setting) -> Iterator[Change]:
    """Two letters exchanged in the whole formula; 1 where the indices are equal alone."""
    node = place.node
    letters = sorted(setting.asked.letters)
    for position, first in enumerate(letters):
        for second in letters[position + 1 :]:
            if place.role == "root":
                yield Change("indices_swapped", node, _exchanged(node, first, second))
            if isinstance(node, ast.Constant) and node.value == 1:
                equal = ast.Compare(name(first), [ast.Eq()], [name(second)])
                new = call("where", equal, constant(1), constant(0))
                yield Change("missing_kronecker", node, new, wrong=setting.tree)


def _exchanged(tree: ast.expr, first: str, second: str) -> ast.expr:
    exchanged = copy.deepcopy(tree)
    for node in ast.walk(exchanged):
        if isinstance(node, ast.Name) and node.id in (first, second):
            node.id = second if node.id == first else first
    return exchanged


def of_transposes(place: Place, setting: Setting) -> Iterator[Change]:
    """A transpose more or less; of the whole, of an operand, of a number."""
    node = place.node
    match node:
        case ast.Attribute(value=inner):
            yield Change("extra_transpose", node, inner)
            return
        case ast.Constant() | ast.Name(id="m" | "eta" | "l1" | "l2" | "pi" | "e"):
            return
    leaf = leaf_of(node)
    if setting.in_elements and (leaf.units if leaf else letters_of(node)):
        return
    if place.role in ("root", "term") and leaf_of(node) is None:
        yield Change("transposed_result", node, transposed(node))
    elif place.role not in ("inner", "argument"):
        yield Change("missing_transpose", node, transposed(node))
    if isinstance(node, ast.Call) and function_name(node) == "outer":
        yield Change("transposed_result", node, ast.Call(node.func, node.args[::-1], []))
