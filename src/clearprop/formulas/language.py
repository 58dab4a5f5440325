"""One small language for formulas, and its readings.

A formula is text: Python's arithmetic, one comparison inside `where`, and a fixed list of primitives.
It is parsed with `ast` through a whitelist and then *walked*, never handed to `eval`. The same tree is
read as NumPy (real, complex-step, high precision), as LaTeX, and elsewhere as Numba source and SymPy.

What is subtle is the side a formula takes at a kink. All readings share one convention: `maximum(a, b)`
and `minimum(a, b)` give `b` where the two are equal (and NaN where either is NaN), and `abs(z)` is `-z`
at 0. So `maximum(z, 0)` has slope 0 at 0, and `maximum(z, 0) + log1p(exp(-abs(z)))` has slope 1/2 there,
as it should. Comparisons of complex numbers look at their real parts, which makes the complex step exact
for piecewise formulas.
"""

from __future__ import annotations

import ast
import difflib
import math
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from clearprop.errors import FormulaError
from clearprop.formulas.trees import expression_tree

#: primitive -> number of arguments
PRIMITIVES: Mapping[str, int] = {
    "abs": 1,
    "cos": 1,
    "erf": 1,
    "erfc": 1,
    "exp": 1,
    "expm1": 1,
    "floor": 1,
    "log": 1,
    "log1p": 1,
    "maximum": 2,
    "minimum": 2,
    "sigmoid": 1,
    "sin": 1,
    "softplus": 1,
    "sqrt": 1,
    "tanh": 1,
    "where": 3,
}
CONSTANTS: Mapping[str, float] = {"pi": math.pi}

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_COMPARISONS = (ast.Gt, ast.Lt, ast.GtE, ast.LtE)
_LONGEST, _DEEPEST = 2000, 40

Numbers: TypeAlias = Mapping[str, Callable[..., Any]]  #: one reading: a function for every primitive


def parse(text: str) -> ast.expr:
    """Parse a formula text into its tree, or say which piece is not part of the language.

    Parameters
    ----------
    text : str
        For example ``"where(z > 0, z, alpha * expm1(minimum(0, z)))"``.

    Returns
    -------
    ast.expr
        The whitelisted tree. Treat it as frozen: it is cached.

    Raises
    ------
    FormulaError
        When the text is not one expression of the language.

    Examples
    --------
    >>> ast.unparse(parse("1 - a**2"))
    '1 - a ** 2'
    >>> parse("__import__('os')")
    Traceback (most recent call last):
    ...
    clearprop.errors.FormulaError: "__import__('os')": '__import__' is not a function of the formula ...
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text such as 'maximum(z, 0)', not {type(text).__name__}")
    if len(text) > _LONGEST:
        raise FormulaError(f"a formula of {len(text)} characters is longer than the limit of {_LONGEST}")
    return _parsed(text)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ast.expr:
    try:
        tree = expression_tree(text.strip())
        _check(tree, text, depth=0)
    except FormulaError:
        raise
    except SyntaxError as error:
        raise FormulaError(f"{text!r} is not one expression: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{text!r} is not one expression: {error}") from None
    return tree


def _check(node: ast.expr, text: str, depth: int, condition: bool = False) -> None:
    """Walk the whitelist; `condition` is true for the first argument of `where` alone."""
    if depth > _DEEPEST:
        raise FormulaError(f"{text!r} is nested deeper than {_DEEPEST} levels")
    if isinstance(node, ast.Compare) != condition:
        wrong = "the first argument of where() is a comparison such as z > 0"
        raise FormulaError(f"{text!r}: {wrong}, and a comparison stands nowhere else")
    match node:
        case ast.Compare(ops=[operator], comparators=[right]) if isinstance(operator, _COMPARISONS):
            children = [node.left, right]
        case ast.BinOp(op=operator) if isinstance(operator, _OPERATORS):
            _require_small(node, text)
            children = [node.left, node.right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            children = [node.operand]
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            _check_call(name, len(node.args), text)
            for position, argument in enumerate(node.args):
                _check(argument, text, depth + 1, condition=name == "where" and position == 0)
            return
        case ast.Name():
            children = []
        case ast.Constant(value=int(value) | float(value)) if _is_finite(value):
            children = []
        case _:
            raise FormulaError(
                f"{text!r}: {ast.unparse(node)!r} ({type(node).__name__}) is not in the formula language; "
                "it has + - * / **, numbers, names, one comparison inside where(), and the functions "
                + ", ".join(PRIMITIVES)
            )
    for child in children:
        _check(child, text, depth + 1)


def _require_small(node: ast.BinOp, text: str) -> None:
    """Raise FormulaError for numbers alone whose result no float64 holds: Python's integers would try."""
    try:
        held = abs(_constant(node) or 0.0) < math.inf
    except OverflowError:
        held = False
    if not held:
        raise FormulaError(f"{text!r}: {ast.unparse(node)} is larger than any 64-bit number")


def _constant(node: ast.expr) -> float | None:
    """Value of a tree of numbers, in floats; None where it has a name or a function in it."""
    match node:
        case ast.Constant(value=int(value) | float(value)):
            return float(value)
        case ast.UnaryOp(op=ast.USub()):
            below = _constant(node.operand)
            return None if below is None else -below
        case ast.BinOp(op=ast.Pow()):
            left, right = _constant(node.left), _constant(node.right)
            if left is None or right is None:
                return None
            return math.pow(abs(left), right) if left or right > 0 else None
        case ast.BinOp(op=operator) if type(operator) in _ARITHMETIC:
            left, right = _constant(node.left), _constant(node.right)
            if left is None or right is None or (isinstance(operator, ast.Div) and right == 0):
                return None
            return float(_ARITHMETIC[type(operator)](left, right))
    return None


def _is_finite(value: float) -> bool:
    """Whether a constant of a text is a number that float64 can hold."""
    return not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _check_call(name: str, n_arguments: int, text: str) -> None:
    if name not in PRIMITIVES:
        known = ", ".join(PRIMITIVES)
        near = difflib.get_close_matches(name, PRIMITIVES, n=1, cutoff=0.5)
        near = [primitive for primitive in PRIMITIVES if primitive.startswith(name)] or near
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise FormulaError(
            f"{text!r}: {name!r} is not a function of the formula language; {hint}it has {known}"
        )
    if n_arguments != PRIMITIVES[name]:
        raise FormulaError(f"{text!r}: {name} takes {PRIMITIVES[name]} argument(s), not {n_arguments}")


@lru_cache(maxsize=4096)
def names(text: str) -> frozenset[str]:
    """Free names of a formula, without primitives and constants.

    >>> sorted(names("where(z > 0, z, alpha * z)"))
    ['alpha', 'z']
    """
    tree = parse(text)
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions}
    return frozenset(found - CONSTANTS.keys())


def require_names(text: str, allowed: frozenset[str], owner: str) -> None:
    """Raise FormulaError unless every free name of `text` is in `allowed`."""
    unknown = sorted(names(text) - allowed)
    if unknown:
        raise FormulaError(
            f"{owner}: {text!r} uses {', '.join(unknown)}, which it is not given; it may use "
            f"{', '.join(sorted(allowed))}, or give the row a parameter of that name"
        )


def evaluate(text: str, values: Mapping[str, Any], numbers: Numbers | None = None) -> Any:
    """Value of a formula by walking its tree, one NumPy operation a node.

    Parameters
    ----------
    text : str
        The formula.
    values : mapping
        A number or array for each free name; arrays broadcast as in NumPy. The result keeps their
        dtype, because constants of the text are Python numbers (a `where` between two constants is
        an integer or float64 array; the rows' own methods round it to the dtype asked for).
    numbers : mapping, optional
        The reading of the primitives: `REAL` (default; takes complex arrays too) or `high_precision()`.

    Examples
    --------
    >>> import numpy as np
    >>> evaluate("maximum(z, 0) * slope", {"z": np.array([-1.0, 2.0]), "slope": 3.0})
    array([0., 6.])
    """
    return _value(parse(text), values, REAL if numbers is None else numbers)


_ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.Pow: lambda left, right: left**right,
    ast.Gt: lambda left, right: np.real(left) > np.real(right),
    ast.Lt: lambda left, right: np.real(left) < np.real(right),
    ast.GtE: lambda left, right: np.real(left) >= np.real(right),
    ast.LtE: lambda left, right: np.real(left) <= np.real(right),
}


def _value(node: ast.expr, values: Mapping[str, Any], numbers: Numbers) -> Any:
    match node:
        case ast.BinOp():
            operation = _ARITHMETIC[type(node.op)]
            return operation(_value(node.left, values, numbers), _value(node.right, values, numbers))
        case ast.Compare():
            operation = _ARITHMETIC[type(node.ops[0])]
            return operation(_value(node.left, values, numbers), _value(node.comparators[0], values, numbers))
        case ast.UnaryOp():
            operand = _value(node.operand, values, numbers)
            return -operand if isinstance(node.op, ast.USub) else operand
        case ast.Call(func=ast.Name(id=name)):
            found = numbers[name](*(_value(argument, values, numbers) for argument in node.args))
            return found.item() if isinstance(found, np.float64) else found  # log(2) promotes no float32
        case ast.Name(id=name):
            return values[name] if name in values else CONSTANTS[name]
        case ast.Constant(value=value):
            return value
    raise AssertionError(f"unchecked node {ast.dump(node)}")


# The reading on NumPy arrays, real and complex. ------------------------------------------------------


def _where(condition: Any, yes: Any, no: Any) -> Any:
    """`np.where` in which a Python number takes the other branch's dtype, as in arithmetic."""
    dtype = np.result_type(yes, no)
    return np.where(condition, np.asarray(yes, dtype), np.asarray(no, dtype))


def _maximum(a: Any, b: Any) -> Any:
    return _where((np.real(b) >= np.real(a)) | (np.real(b) != np.real(b)), b, a)


def _minimum(a: Any, b: Any) -> Any:
    return _where((np.real(b) <= np.real(a)) | (np.real(b) != np.real(b)), b, a)


def _abs(z: Any) -> Any:
    return _where(np.real(z) > 0, z, -z)


def _sigmoid(z: Any) -> Any:
    e = np.exp(-_abs(z))  # never overflows; at 0 it is exp(z), and so is the branch taken there
    return np.where(np.real(z) > 0, 1 / (1 + e), e / (1 + e))


def _softplus(z: Any) -> Any:
    return _maximum(z, 0) + np.log1p(np.exp(-_abs(z)))


def _erfc(z: Any) -> Any:
    from scipy.special import erfc

    if not np.iscomplexobj(z):
        return erfc(z)
    # A complex step is a perturbation of first order: its imaginary part is carried by the slope.
    x = np.real(z)
    return erfc(x) - 1j * np.imag(z) * (2 / math.sqrt(math.pi)) * np.exp(-x * x)


def _erf(z: Any) -> Any:
    from scipy.special import erf

    if not np.iscomplexobj(z):
        return erf(z)
    x = np.real(z)
    return erf(x) + 1j * np.imag(z) * (2 / math.sqrt(math.pi)) * np.exp(-x * x)


#: reading on NumPy arrays of any real or complex dtype
REAL: Numbers = {
    "abs": _abs,
    "cos": np.cos,
    "erf": _erf,
    "erfc": _erfc,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": lambda z: np.floor(np.real(z)),
    "log": np.log,
    "log1p": np.log1p,
    "maximum": _maximum,
    "minimum": _minimum,
    "sigmoid": _sigmoid,
    "sin": np.sin,
    "softplus": _softplus,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "where": _where,
}


def high_precision() -> Numbers:
    """Reading on object arrays of mpmath numbers, at mpmath's current precision (extra `symbolic`)."""
    import mpmath

    def each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        elementwise: Callable[[Any], Any] = np.frompyfunc(function, 1, 1)
        return elementwise

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + mpmath.exp(-z))

    unary = {
        "cos": mpmath.cos,
        "erf": mpmath.erf,
        "erfc": mpmath.erfc,
        "exp": mpmath.exp,
        "expm1": mpmath.expm1,
        "floor": mpmath.floor,
        "log": mpmath.log,
        "log1p": mpmath.log1p,
        "sigmoid": sigmoid,
        "sin": mpmath.sin,
        "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
        "sqrt": mpmath.sqrt,
        "tanh": mpmath.tanh,
    }
    branches: Numbers = {"abs": _abs, "maximum": _maximum, "minimum": _minimum, "where": _where}
    return {**branches, **{name: each(function) for name, function in unary.items()}}
