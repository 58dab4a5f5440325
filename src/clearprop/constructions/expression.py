"""Boolean formulas as text: `(a & ~b) | c`, parsed with `ast` through a whitelist, never evaluated as Python.

Symbols bind as in Python: `~`, then `&`, `^`, `|`, then the words `not`, `and`, `or`. The word `xor` binds
as `^` does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

import numpy as np

from clearprop.arrays import BoolArray
from clearprop.errors import FormulaError
from clearprop.formulas.trees import expression_tree

LONGEST = 2000  #: characters of a formula
_XOR = re.compile(r"\bxor\b")
_BLANK = re.compile(r"\s")
_CONSTANTS = {"true": True, "false": False}
_LANGUAGE = (
    "a Boolean formula has names, 0 and 1, parentheses, & | ^ ~ and the words and, or, xor, not; "
    "write `a -> b` as `~a | b`, and `a == b` as `~(a ^ b)`"
)


def parse(text: str) -> ast.expr:
    """Parse a Boolean formula, or say which piece at which place is none.

    Raises
    ------
    FormulaError
        When the text is not one Boolean formula.

    Examples
    --------
    >>> ast.unparse(parse("a xor not_b"))
    'a ^ not_b'
    >>> parse("a & (b + 2)")
    Traceback (most recent call last):
    ...
    clearprop.errors.FormulaError: 'a & (b + 2)': 'b + 2' at character 6 is not Boolean; a Boolean formula ...
    """
    if len(text) > LONGEST:
        raise FormulaError(f"a formula of {len(text):,} characters is longer than the limit of {LONGEST:,}")
    read = _XOR.sub(" ^ ", _BLANK.sub(" ", text.rstrip()))  # letter for letter, so that places stay right
    indented = len(read) - len(read.lstrip())
    try:
        tree = expression_tree(read[indented:])
        _check(tree, text, read[indented:], indented)
    except FormulaError:
        raise
    except SyntaxError as error:
        place = f" at character {indented + error.offset}" if error.offset else ""
        raise FormulaError(f"{text!r} is not one formula: {error.msg}{place}; {_LANGUAGE}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{text!r} cannot be read: {error}") from None
    return tree


def _check(node: ast.expr, text: str, read: str, indented: int) -> None:
    match node:
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor()):
            children = [node.left, node.right]
        case ast.BoolOp():
            children = node.values
        case ast.UnaryOp(op=ast.Invert() | ast.Not()):
            children = [node.operand]
        case ast.Name():
            children = []
        case ast.Constant(value=value) if type(value) in (int, bool) and value in (0, 1):
            children = []
        case _:
            piece = ast.get_source_segment(read, node) or ast.unparse(node)
            before = read.encode()[: node.col_offset]  # columns are counted in bytes
            place = indented + len(before.decode()) + 1
            raise FormulaError(f"{text!r}: {piece!r} at character {place} is not Boolean; {_LANGUAGE}")
    for child in children:
        _check(child, text, read, indented)


def names(tree: ast.expr) -> tuple[str, ...]:
    """Variables of a formula, in the order in which they first stand in it.

    >>> names(parse("c | a & ~c & True"))
    ('c', 'a')
    """
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    found.sort(key=lambda node: node.col_offset)
    return tuple(dict.fromkeys(node.id for node in found if node.id.lower() not in _CONSTANTS))


def value(tree: ast.expr, columns: Mapping[str, BoolArray]) -> BoolArray:
    """Values of a formula for columns of its variables' values.

    >>> value(parse("a and not b"), {"a": np.array([True, True]), "b": np.array([False, True])})
    array([ True, False])
    """
    match node := tree:
        case ast.BinOp():
            left, right = value(node.left, columns), value(node.right, columns)
            if isinstance(node.op, ast.BitXor):
                return left ^ right
            return left & right if isinstance(node.op, ast.BitAnd) else left | right
        case ast.BoolOp():
            joined = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return np.asarray(joined.reduce([value(child, columns) for child in node.values]))
        case ast.UnaryOp():
            return ~value(node.operand, columns)
        case ast.Name(id=name):
            if name.lower() in _CONSTANTS:
                return np.array(_CONSTANTS[name.lower()])
            return columns[name]
        case ast.Constant():
            return np.array(bool(node.value))
    raise AssertionError(f"unchecked node {ast.dump(tree)}")
