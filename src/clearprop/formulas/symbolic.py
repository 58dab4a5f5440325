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
            "give derivative=..., or: pip install sympy"
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

    class where(sympy.Function):  # noqa: N801 - a Piecewise would rewrite the conditions
        @classmethod
        def eval(cls, condition: Any, yes: Any, no: Any) -> Any:
            return yes if condition == sympy.true or yes == no else no if condition == sympy.false else None

        def _eval_derivative(self, symbol: Any) -> Any:
            condition, yes, no = self.args
            return where(condition, sympy.diff(yes, symbol), sympy.diff(no, symbol))

    class maximum(sympy.Function):  # noqa: N801
        def _eval_derivative(self, symbol: Any) -> Any:
            a, b = self.args
            return where(sympy.Gt(a, b), sympy.diff(a, symbol), sympy.diff(b, symbol))

    class minimum(sympy.Function):  # noqa: N801
        def _eval_derivative(self, symbol: Any) -> Any:
            a, b = self.args
            return where(sympy.Lt(a, b), sympy.diff(a, symbol), sympy.diff(b, symbol))

    class abs_(sympy.Function):  # noqa: N801
        def fdiff(self, argindex: int = 1) -> Any:
            return where(sympy.Gt(self.args[0], 0), 1, -1)

    abs_.__name__ = "abs"
    return {
        "abs": abs_,
        "maximum": maximum,
        "minimum": minimum,
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
        def _print_Exp1(self, _: Any) -> str:
            return "exp(1)"

    shown = str(Printer({"full_prec": False}).doprint(expression))
    if expression.has(sympy.Derivative, sympy.DiracDelta, sympy.Heaviside, sympy.zoo, sympy.nan):
        raise FormulaError(
            f"SymPy's derivative {shown!r} has no words in the formula language; give it by hand"
        )
    return shown
