"""Places in a formula's tree: every sub-expression with its role and the way back to the whole formula."""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from clearprop.glassbox.checker.matrix_language import Leaf, function_name, leaf_of

Role: TypeAlias = Literal["root", "term", "operand", "factor", "divisor", "base", "argument", "inner"]


@dataclass(frozen=True)
class Place:
    """A sub-expression, what it is in its surroundings, and the formula with another in its place."""

    node: ast.expr
    role: Role
    rebuilt: Callable[[ast.expr], ast.expr]


def places(tree: ast.expr) -> Iterator[Place]:
    """Every place of a formula; numbers of the network are not taken apart, nor exponents and conditions."""
    yield from _below(tree, "root", lambda new: new)


def _below(node: ast.expr, role: Role, rebuilt: Callable[[ast.expr], ast.expr]) -> Iterator[Place]:
    yield Place(node, role, rebuilt)
    if leaf_of(node) is not None:
        return
    for field, position, child, its_role in _children(node):

        def build(
            new: ast.expr, field: str = field, position: int | None = position, node: ast.expr = node
        ) -> ast.expr:
            return rebuilt(_replaced(node, field, position, new))

        yield from _below(child, its_role, build)


def _replaced(node: ast.expr, field: str, position: int | None, new: ast.expr) -> ast.expr:
    changed = copy.copy(node)
    if position is None:
        setattr(changed, field, new)
    else:
        entries = [*getattr(node, field)]
        entries[position] = new
        setattr(changed, field, entries)
    return changed


def _children(node: ast.expr) -> Iterator[tuple[str, int | None, ast.expr, Role]]:
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield from (("left", None, node.left, "term"), ("right", None, node.right, "term"))
        case ast.BinOp(op=ast.MatMult()):
            yield from (("left", None, node.left, "operand"), ("right", None, node.right, "operand"))
        case ast.BinOp(op=ast.Pow()):
            yield "left", None, node.left, "base"
        case ast.BinOp():
            right: Role = "divisor" if isinstance(node.op, ast.Div) else "factor"
            yield from (("left", None, node.left, "factor"), ("right", None, node.right, right))
        case ast.UnaryOp():
            yield "operand", None, node.operand, "term"
        case ast.Attribute() | ast.Subscript():
            yield "value", None, node.value, "inner"
        case ast.Call():
            first = 1 if function_name(node) == "where" or len(node.args) == 2 == _letters(node) else 0
            for position, argument in enumerate(node.args[first:], start=first):
                yield "args", position, argument, "argument"


def _letters(node: ast.Call) -> int:
    """2 for sum(k, ...), whose first argument is a letter."""
    return 2 if function_name(node) == "sum" else 0


# Building trees. -------------------------------------------------------------------------------------


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.expr:
    """`left operator right`."""
    return ast.BinOp(left, operator, right)


def times(left: ast.expr, right: ast.expr) -> ast.expr:
    """`left * right`."""
    return binary(left, ast.Mult(), right)


def matmul(left: ast.expr, right: ast.expr) -> ast.expr:
    """`left @ right`."""
    return binary(left, ast.MatMult(), right)


def factors(node: ast.expr) -> list[ast.expr]:
    """The factors of a product, left to right; any other expression is its own only one."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    return [node]


def product(parts: Sequence[ast.expr]) -> ast.expr:
    """Product of factors; of none, 1."""
    return functools.reduce(times, parts) if parts else constant(1)


def plus(left: ast.expr, right: ast.expr) -> ast.expr:
    """`left + right`."""
    return binary(left, ast.Add(), right)


def transposed(node: ast.expr) -> ast.expr:
    """`node.T`."""
    return ast.Attribute(node, "T", ast.Load())


def negated(node: ast.expr) -> ast.expr:
    """`-node`."""
    return ast.UnaryOp(ast.USub(), node)


def call(name: str, *arguments: ast.expr, layer: ast.expr | None = None, axis: int | None = None) -> ast.expr:
    """`name(...)`, `name[layer](...)` or `name(..., axis=axis)`."""
    function: ast.expr = ast.Name(name, ast.Load())
    if layer is not None:
        function = ast.Subscript(function, layer, ast.Load())
    options = [] if axis is None else [ast.keyword("axis", ast.Constant(axis))]
    return ast.Call(function, [*arguments], options)


def constant(number: int) -> ast.expr:
    """A whole number."""
    return ast.Constant(number)


def name(text: str) -> ast.expr:
    """A name."""
    return ast.Name(text, ast.Load())


def shifted(layer: ast.expr, by: int) -> ast.expr:
    """A layer's index plus `by`: 2 + 1 is 3, l + 1 - 1 is l."""
    match layer:
        case ast.Constant(value=int(value)):
            return ast.Constant(value + by)
        case ast.BinOp(left=ast.Name(id=letter), op=operator, right=ast.Constant(value=int(value))):
            total = (value if isinstance(operator, ast.Add) else -value) + by
        case ast.Name(id=letter):
            total = by
        case _:
            raise AssertionError(ast.dump(layer))
    if total == 0:
        return name(letter)
    return binary(name(letter), ast.Add() if total > 0 else ast.Sub(), constant(abs(total)))


def substituted(tree: ast.expr, old: Leaf, new: Leaf) -> tuple[ast.expr, int]:
    """The tree with a number of the network exchanged for another wherever it stands, and how often it did.

    Units are kept; layers are compared as they are written.
    """
    leaf = leaf_of(tree)
    if leaf is not None:
        if leaf.name != old.name or not same(leaf.layer, old.layer):
            return tree, 0
        return Leaf(new.name, new.layer, leaf.units).node, 1
    count = 0
    for field, position, child, _ in _children(tree):
        changed, found = substituted(child, old, new)
        if found:
            tree, count = _replaced(tree, field, position, changed), count + found
    return tree, count


def same(left: ast.expr | None, right: ast.expr | None) -> bool:
    """Whether two indices are written alike."""
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
        return bool(left.value == right.value)
    if left is None or right is None:
        return left is right
    return ast.dump(left) == ast.dump(right)
