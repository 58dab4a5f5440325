"""The reading of a formula as SymPy, and back: the derivative a user leaves out (extra `symbolic`)."""

from __future__ import annotations

import ast
from typing import Any

from clearprop.errors import FormulaError
from clearprop.formulas.language import CONSTANTS, parse


def derivative_of(text: str, variable: str) -> str:
    """Text of d formula / d variable, found by SymPy and written back in the formula language.

    Raises
    ------
    FormulaError
        When SymPy is not installed, or its answer has no words in the formula language.

    Examples
    --------
    >>> derivative_of("z * sigmoid(z)", "z")
    'z*(1 - sigmoid(z))*sigmoid(z) + sigmoid(z)'
    >>> derivative_of("maximum(z, 0)", "z")
    'where(z > 0, 1, 0)'
    """
    try:
        import sympy
    except ImportError:
        raise FormulaError(
            f"the derivative of {text!r} is not given, and SymPy, which would find it, is not installed; "
            "give derivative=..., or: pip install 'clearprop[symbolic]'"
        ) from None
    expression = to_sympy(text)
    symbol = sympy.Symbol(variable, real=True)
    found = _written(sympy.diff(expression, symbol))
    parse(found)
    return found


def to_sympy(text: str) -> Any:
    """SymPy expression of a formula; every name is a real symbol."""
    return _convert(parse(text), _functions())


def _functions() -> dict[str, Any]:
    """The primitives as SymPy functions; those SymPy would expand are classes with a slope of their own."""
    import sympy

    class sigmoid(sympy.Function):  # noqa: N801 - prints under the primitive's name
        def fdiff(self, argindex: int = 1) -> Any:
            return self * (1 - self)

    class softplus(sympy.Function):  # noqa: N801
        def fdiff(self, argindex: int = 1) -> Any:
            return sigmoid(self.args[0])

    class expm1(sympy.Function):  # noqa: N801
        def fdiff(self, argindex: int = 1) -> Any:
            return sympy.exp(self.args[0])

    class log1p(sympy.Function):  # noqa: N801
        def fdiff(self, argindex: int = 1) -> Any:
            return 1 / (1 + self.args[0])

    def where(condition: Any, yes: Any, no: Any) -> Any:
        return sympy.Piecewise((yes, condition), (no, True))

    return {
        "abs": lambda z: where(z > 0, z, -z),
        "maximum": lambda a, b: where(a > b, a, b),
        "minimum": lambda a, b: where(a < b, a, b),
        "where": where,
        "sigmoid": sigmoid,
        "softplus": softplus,
        "expm1": expm1,
        "log1p": log1p,
        **{
            name: getattr(sympy, name)
            for name in ("exp", "log", "sqrt", "tanh", "sin", "cos", "erf", "erfc", "floor")
        },
    }


def _convert(node: ast.expr, functions: dict[str, Any]) -> Any:
    import sympy

    match node:
        case ast.BinOp():
            left, right = _convert(node.left, functions), _convert(node.right, functions)
            match node.op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case ast.Div():
                    return left / right
                case _:
                    return left**right
        case ast.Compare():
            left, right = _convert(node.left, functions), _convert(node.comparators[0], functions)
            relation = {ast.Gt: sympy.Gt, ast.Lt: sympy.Lt, ast.GtE: sympy.Ge, ast.LtE: sympy.Le}
            return relation[type(node.ops[0])](left, right)
        case ast.UnaryOp():
            operand = _convert(node.operand, functions)
            return -operand if isinstance(node.op, ast.USub) else operand
        case ast.Call(func=ast.Name(id=name)):
            return functions[name](*(_convert(argument, functions) for argument in node.args))
        case ast.Name(id=name):
            return sympy.pi if name in CONSTANTS else sympy.Symbol(name, real=True)
        case ast.Constant(value=int(value)):
            return sympy.Integer(value)
        case ast.Constant(value=float(value)):
            return sympy.Float(repr(value), 17)
    raise AssertionError(f"unchecked node {ast.dump(node)}")


def _written(expression: Any) -> str:
    """Text of a SymPy expression in the formula language."""
    import sympy
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):
        def _print_Piecewise(self, piecewise: Any) -> str:
            *pieces, (last, _) = piecewise.args
            text = self._print(last)
            for value, condition in reversed(pieces):
                text = f"where({self._print(condition)}, {self._print(value)}, {text})"
            return str(text)

        def _print_Exp1(self, _: Any) -> str:
            return "exp(1)"

    shown = str(Printer({"full_prec": False}).doprint(expression))
    if expression.has(sympy.Derivative, sympy.DiracDelta, sympy.Heaviside, sympy.zoo, sympy.nan):
        raise FormulaError(
            f"SymPy's derivative {shown!r} has no words in the formula language; give it by hand"
        )
    return shown
