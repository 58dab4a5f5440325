"""The reading of a formula as LaTeX."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from clearprop.formulas.language import parse

#: primitive -> LaTeX with {0}, {1}, ... for its arguments
_PRIMITIVE: Mapping[str, str] = {
    "abs": r"\left|{0}\right|",
    "cos": r"\cos\left({0}\right)",
    "erf": r"\operatorname{{erf}}\left({0}\right)",
    "erfc": r"\operatorname{{erfc}}\left({0}\right)",
    "exp": r"e^{{{0}}}",
    "expm1": r"\left(e^{{{0}}} - 1\right)",
    "floor": r"\left\lfloor {0} \right\rfloor",
    "log": r"\ln\left({0}\right)",
    "log1p": r"\ln\left(1 + {0}\right)",
    "maximum": r"\max\left({0},\, {1}\right)",
    "minimum": r"\min\left({0},\, {1}\right)",
    "sigmoid": r"\frac{{1}}{{1 + e^{{-\left({0}\right)}}}}",
    "sin": r"\sin\left({0}\right)",
    "softplus": r"\ln\left(1 + e^{{{0}}}\right)",
    "sqrt": r"\sqrt{{{0}}}",
    "tanh": r"\tanh\left({0}\right)",
    "where": r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
}
_GREEK = frozenset(
    (
        *("alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "kappa", "lambda"),
        *("mu", "nu", "rho", "sigma", "tau", "phi", "psi", "omega"),
    )
)
_OPERATOR: Mapping[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Gt: ">",
    ast.Lt: "<",
    ast.GtE: r"\ge",
    ast.LtE: r"\le",
}
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)


def latex(text: str, symbols: Mapping[str, str] | None = None) -> str:
    r"""LaTeX of a formula, with its own symbol for any name that `symbols` gives.

    >>> print(latex("where(z > 0, z, alpha * expm1(z))"))
    \begin{cases} z & \text{if } z > 0 \\ \alpha \, \left(e^{z} - 1\right) & \text{otherwise} \end{cases}
    >>> print(latex("a * (1 - a)", {"a": "a^{l}"}))
    a^{l} \, \left(1 - a^{l}\right)
    """
    return _latex(parse(text), symbols or {})[0]


def _latex_name(name: str) -> str:
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    shown = (
        "\\" + stem if stem in _GREEK or stem == "pi" else stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    )
    shown = shown.replace("_", r"\_")
    return f"{shown}_{{{digits}}}" if digits else shown


def _latex(node: ast.expr, symbols: Mapping[str, str]) -> tuple[str, int]:
    """LaTeX of a node, and how tightly its outermost operation binds."""

    def part(child: ast.expr, at_least: int) -> str:
        shown, binds = _latex(child, symbols)
        return shown if binds >= at_least else rf"\left({shown}\right)"

    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            right = part(node.right, _PRODUCT if isinstance(node.op, ast.Sub) else _SUM)
            if right.startswith("-"):
                right = rf"\left({right}\right)"
            return f"{part(node.left, _SUM)} {_OPERATOR[type(node.op)]} {right}", _SUM
        case ast.BinOp(op=ast.Mult()):
            right = part(node.right, _PRODUCT)
            if right.startswith("-"):
                right = rf"\left({right}\right)"
            dot = r"\cdot" if right[:1].isdigit() else r"\,"
            return rf"{part(node.left, _PRODUCT)} {dot} {right}", _PRODUCT
        case ast.BinOp(op=ast.Div()):
            return rf"\frac{{{part(node.left, _SUM)}}}{{{part(node.right, _SUM)}}}", _ATOM
        case ast.BinOp(op=ast.Pow()):
            base = part(node.left, _ATOM)
            plain = isinstance(node.left, ast.Name | ast.Constant) and "^" not in base
            if not plain and not base.startswith(r"\left("):
                base = rf"\left({base}\right)"
            return f"{{{base}}}^{{{part(node.right, _SUM)}}}", _POWER
        case ast.Compare():
            sign = _OPERATOR[type(node.ops[0])]
            return f"{part(node.left, _SUM)} {sign} {part(node.comparators[0], _SUM)}", _SUM
        case ast.UnaryOp():
            return ("-" if isinstance(node.op, ast.USub) else "") + part(node.operand, _PRODUCT), _SIGN
        case ast.Call(func=ast.Name(id=name)):
            arguments = [_latex(argument, symbols)[0] for argument in node.args]
            return _PRIMITIVE[name].format(*arguments), _POWER if name == "exp" else _ATOM
        case ast.Name(id=name):
            return symbols.get(name) or _latex_name(name), _ATOM
        case ast.Constant(value=int(value) | float(value)):
            return f"{value:.12g}", _ATOM
    raise AssertionError(f"unchecked node {ast.dump(node)}")
