"""The language of hand-derived formulas: the house's expression language with matrices and indices.

`W[2].T @ delta[2] * dg[1](z[1])` and `sum(k, delta[2][k] * W[2][k,j])` are read with `ast` through a
whitelist and then walked, never handed to `eval`. A *leaf* is a number of the network: a name, its layer, its
units.
"""

from __future__ import annotations

import ast
import difflib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeGuard

from clearprop.errors import FormulaError
from clearprop.formulas.activations import activations
from clearprop.formulas.language import PRIMITIVES
from clearprop.formulas.trees import expression_tree

#: numbers of a network that have a layer; dW, db, da are derivatives of C, dz is another name of delta
LAYERED = ("W", "b", "z", "a", "delta", "dW", "db", "da", "dz")
#: numbers without a layer; dx and dy_hat are derivatives of C
PLAIN = ("x", "y", "y_hat", "dx", "dy_hat")
#: single numbers: examples, learning rate, penalties, constants
SCALARS = ("m", "eta", "l1", "l2", "pi", "e")
#: letters that may stand for a unit (or, in a batch, an example)
LETTERS = frozenset("cdfhijknopqrstuv")
ROW_FUNCTIONS = ("g", "dg")
#: function -> numbers of arguments it may have
FUNCTIONS = {
    **{name: (count,) for name, count in PRIMITIVES.items()},
    **dict.fromkeys(("ln", "log2", "diag", "norm", "mean", "softmax", "sigma"), (1,)),
    **dict.fromkeys(("outer", "dot"), (2,)),
    "sum": (1, 2),
}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult)
_COMPARISONS = (ast.Gt, ast.Lt, ast.GtE, ast.LtE, ast.Eq, ast.NotEq)
_LONGEST, _DEEPEST = 1000, 40
_MOST_LETTERS = 5  #: each is an axis of every array
_MARK = re.compile(r"\bdC\s*/\s*d(?=(?:W|b|z|a|x|y_hat)\b)")
_DERIVATIVE = re.compile(r"\bd(?=(?:W|b|z|a|x|y_hat)\b)")


@dataclass(frozen=True)
class Leaf:
    """A number of the network as a formula names it: `W[l+1][k,j]` is ("W", `l+1`, (`k`, `j`))."""

    name: str
    layer: ast.expr | None = None
    units: tuple[ast.expr, ...] = ()

    @property
    def node(self) -> ast.expr:
        """The leaf as a tree."""
        found: ast.expr = ast.Name(self.name, ast.Load())
        if self.layer is not None:
            found = ast.Subscript(found, self.layer, ast.Load())
        if self.units:
            place = self.units[0] if len(self.units) == 1 else ast.Tuple([*self.units], ast.Load())
            found = ast.Subscript(found, place, ast.Load())
        return found


def leaf_of(node: ast.expr) -> Leaf | None:
    """The number of the network that a node names, or None for any other expression."""
    match node:
        case ast.Name(id=name) if name in PLAIN:
            return Leaf(name)
        case ast.Subscript(value=ast.Name(id=name), slice=layer) if name in LAYERED:
            return Leaf(name, layer)
        case ast.Subscript(value=base, slice=place):
            inner = leaf_of(base)
            if inner is not None and not inner.units:
                return Leaf(inner.name, inner.layer, units_of(place))
    return None


def units_of(place: ast.expr) -> tuple[ast.expr, ...]:
    """Indices of `[k,j]` or `[k]`, one node each."""
    return tuple(place.elts) if isinstance(place, ast.Tuple) else (place,)


def read_formula(text: str, own: frozenset[str] = frozenset()) -> ast.expr:
    """Tree of a formula, or which piece of it is not in the language.

    Parameters
    ----------
    text : str
        NumPy-like: `W[2].T @ delta[2] * dg[1](z[1])`; `dC/da[1]` is read as the number `da[1]`.
    own : frozenset of str
        Names of activations of the network's own, which the language then has, too.

    Raises
    ------
    FormulaError

    Examples
    --------
    >>> ast.unparse(read_formula("W[2].T@delta[2] * d_sigmoid(z[1])"))
    'W[2].T @ delta[2] * d_sigmoid(z[1])'
    >>> read_formula("W[1].shape")
    Traceback (most recent call last):
    ...
    clearprop.errors.FormulaError: 'W[1].shape': '.shape' is not in the language; of attributes it has .T ...
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text such as 'W[2].T @ delta[2]', not {type(text).__name__}")
    if len(text) > _LONGEST:
        raise FormulaError(f"a formula of {len(text)} characters is longer than the limit of {_LONGEST}")
    try:
        tree = expression_tree(_MARK.sub("d", text.strip()))
        _Whitelist(text, own).check(tree, 0)
        if len(letters_of(tree)) > _MOST_LETTERS:
            raise FormulaError(f"{text!r} has more than {_MOST_LETTERS} letters for units")
    except FormulaError:
        raise
    except SyntaxError as error:
        raise FormulaError(f"{text!r} is not one expression: {error.msg}{_hint(text)}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{text!r} is not one expression: {error}") from None
    return tree


def _hint(text: str) -> str:
    if "^" in text or "'" in text:
        return "; a power is **, a transpose .T, and the derivative of g is dg[l](z[l])"
    return ""


@dataclass(frozen=True)
class _Whitelist:
    """What may stand in a formula; `own` names the rows of the network that are not shipped."""

    text: str
    own: frozenset[str]

    def refuse(self, why: str) -> NoReturn:
        """Raise FormulaError with the formula before the reason."""
        raise FormulaError(f"{self.text!r}: {why}")

    def check(self, node: ast.expr, depth: int, condition: bool = False) -> None:
        """Walk the whitelist; `condition` is true for the first argument of `where` alone."""
        if depth > _DEEPEST:
            raise FormulaError(f"{self.text!r} is nested deeper than {_DEEPEST} levels")
        if isinstance(node, ast.Compare) != condition:
            wrong = "the first argument of where() is a comparison such as z[1] > 0"
            self.refuse(f"{wrong}, and a comparison stands nowhere else")
        children: list[ast.expr] = []
        match node:
            case ast.Compare(ops=[operator], comparators=[right]) if isinstance(operator, _COMPARISONS):
                children = [node.left, right]
            case ast.BinOp(op=operator) if isinstance(operator, _OPERATORS):
                children = [node.left, node.right]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                children = [node.operand]
            case ast.Attribute(attr="T"):
                children = [node.value]
            case ast.Attribute():
                self.refuse(
                    f"'.{node.attr}' is not in the language; of attributes it has .T alone"
                    + (f" (write {node.attr}(...))" if node.attr in FUNCTIONS else "")
                )
            case ast.Call():
                self.check_call(node, depth)
            case ast.Name():
                self.check_name(node.id)
            case ast.Subscript():
                self.check_subscript(node, depth)
            case ast.Constant(value=int(value) | float(value)) if _is_finite(value):
                pass
            case _:
                wrong_xor = isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor)
                self.refuse(
                    f"{ast.unparse(node)!r} ({type(node).__name__}) is not in the language; it has "
                    "+ - * / ** @ .T, numbers, the network's W b z a delta x y y_hat, indices in square "
                    "brackets, one comparison inside where(), and functions"
                    + (" (a power is **)" if wrong_xor else "")
                )
        for child in children:
            self.check(child, depth + 1)

    def check_name(self, name: str) -> None:
        if name in PLAIN or name in SCALARS or name in LETTERS or name in ("l", "L"):
            return
        if name in LAYERED:
            self.refuse(f"{name} has a layer; write {name}[1], or {name}[L] for the last")
        self.refuse(f"{name!r} is not a number of the network; {_near(name)}")

    def check_subscript(self, node: ast.Subscript, depth: int) -> None:
        places = units_of(node.slice)
        if len(places) > 2:
            self.refuse(f"{ast.unparse(node)!r} has more than two indices")
        for place in places:
            if not is_index(place):
                self.refuse(
                    f"the index {ast.unparse(place)!r} is neither a whole number from 0, "
                    "nor a letter, nor l or L with a whole number added or taken away"
                )
        if isinstance(node.value, ast.Name) and node.value.id in LAYERED:
            if len(places) != 1:
                name = node.value.id
                self.refuse(f"the layer comes first, in brackets of its own: {name}[1][...]")
            return
        self.check(node.value, depth + 1)

    def check_call(self, node: ast.Call, depth: int) -> None:
        name = function_name(node)
        rows = (*ROW_FUNCTIONS, *activations, *(f"d_{row}" for row in (*activations, "sigma")))
        layered = isinstance(node.func, ast.Subscript)
        if not name or (layered and name not in ROW_FUNCTIONS):
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            hint = f"; write {method}(...)" if method in FUNCTIONS else ""
            self.refuse(f"{ast.unparse(node.func)!r} is not a function of the language{hint}")
        if layered and not is_index(node.func.slice):  # type: ignore[attr-defined]
            self.refuse(f"{ast.unparse(node.func)!r} has no layer such as {name}[1]")
        if name not in FUNCTIONS and name not in rows and name.removeprefix("d_") not in self.own:
            known = (*FUNCTIONS, *rows)
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            self.refuse(
                f"{name!r} is not a function of the language; {hint}it has "
                f"{', '.join(FUNCTIONS)}, g[l], dg[l], the activations by name, and d_NAME of each"
            )
        wanted = FUNCTIONS.get(name, (1,))
        if len(node.args) not in wanted:
            self.refuse(f"{name} takes {wanted[-1]} argument(s), not {len(node.args)}")
        if name == "sum" and len(node.args) == 2 and not is_letter(node.args[0]):
            self.refuse(f"sum(k, ...) sums over a letter; {ast.unparse(node.args[0])!r} is none")
        for keyword in node.keywords:
            axis = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if (
                keyword.arg != "axis"
                or name not in ("sum", "mean")
                or len(node.args) == 2
                or axis not in (0, 1)
            ):
                self.refuse("of options there is axis=0 or axis=1 alone, of sum and mean")
        for position, argument in enumerate(node.args):
            self.check(argument, depth + 1, condition=name == "where" and position == 0)


def _is_finite(value: float) -> bool:
    return not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _near(name: str) -> str:
    others = {"yhat": "y_hat", "N": "m", "X": "x", "Y": "y", "w": "W", "lr": "eta"}
    known = (*LAYERED, *PLAIN, *SCALARS)
    near = [others[name]] if name in others else difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return (f"did you mean {near[0]!r}? " if near else "") + f"there are {', '.join(known)}"


def is_index(place: ast.expr) -> bool:
    """Whether a node may stand in square brackets: 2, k, l, L, l+1, L-1."""
    match place:
        case ast.Constant(value=int(value)):
            return not isinstance(value, bool) and 0 <= value < 10_000
        case ast.Name(id=name):
            return name in LETTERS or name in ("l", "L")
        case ast.BinOp(
            left=ast.Name(id=name), op=ast.Add() | ast.Sub(), right=ast.Constant(value=int(value))
        ):
            return name in ("l", "L") and not isinstance(value, bool) and 0 <= value < 100
    return False


def function_name(node: ast.Call) -> str:
    """Name of the function that is called; `g` and `dg` also where they have a layer."""
    func = node.func.value if isinstance(node.func, ast.Subscript) else node.func
    return func.id if isinstance(func, ast.Name) else ""


def is_letter(node: ast.AST) -> TypeGuard[ast.Name]:
    """Whether a node is a letter that stands for a unit."""
    return isinstance(node, ast.Name) and node.id in LETTERS


def letters_of(tree: ast.expr) -> frozenset[str]:
    """Letters of a formula, bound by sum(k, ...) or not."""
    return frozenset(node.id for node in ast.walk(tree) if is_letter(node))


def leaves(tree: ast.expr) -> Iterator[Leaf]:
    """Every number of the network that a formula names."""
    found = leaf_of(tree)
    if found is not None:
        yield found
        return
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.expr):
            yield from leaves(child)


def written(tree: ast.expr) -> str:
    """A tree as text that can be read again: indices without blanks, derivatives of C as dC/d.

    >>> written(read_formula("W[ l+1 ].T @ delta[l + 1]"))
    'W[l+1].T @ delta[l+1]'
    >>> written(read_formula("W[1] - eta * dC/dW[1]"))
    'W[1] - eta * dC/dW[1]'
    """
    text = re.sub(r"\[[^\[\]]*\]", lambda index: index[0].replace(" ", ""), ast.unparse(tree))
    return _DERIVATIVE.sub("dC/d", text)
