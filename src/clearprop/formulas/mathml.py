"""The reading of a formula as MathML (presentation, core), for pages without a script."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from html import escape

from clearprop.formulas.language import parse

_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)
_SIGNS: Mapping[type, str] = {
    ast.Gt: ">",
    ast.Lt: "<",
    ast.GtE: "≥",
    ast.LtE: "≤",
    ast.Add: "+",
    ast.Sub: "−",
}
_GREEK: Mapping[str, str] = {
    "alpha": "α",
    "beta": "β",
    "delta": "δ",
    "epsilon": "ε",
    "eta": "η",
    "lambda": "λ",
    "pi": "π",
    "sigma": "σ",
    "theta": "θ",
}


def row(*parts: str) -> str:
    """Parts side by side."""
    return f"<mrow>{''.join(parts)}</mrow>"


def operator(sign: str) -> str:
    """An operator or a bracket.

    >>> operator("<")
    '<mo>&lt;</mo>'
    """
    return f"<mo>{escape(sign)}</mo>"


def identifier(name: str) -> str:
    """A name; Greek letters by their names, digits at its end below it.

    >>> identifier("l2")
    '<msub><mi>l</mi><mn>2</mn></msub>'
    """
    stem = name.rstrip("0123456789")
    letter = f"<mi>{escape(_GREEK.get(stem, stem))}</mi>"
    return f"<msub>{letter}<mn>{name[len(stem) :]}</mn></msub>" if len(stem) < len(name) else letter


def bracketed(inside: str) -> str:
    """In round brackets."""
    return row(operator("("), inside, operator(")"))


def number(text: str) -> str:
    """A number as it is printed; `1e-05` as a power of ten, a minus as the sign.

    >>> number("-2.5e-05")
    '<mrow><mo>−</mo><mn>2.5</mn><mo>·</mo><msup><mn>10</mn><mrow><mo>−</mo><mn>5</mn></mrow></msup></mrow>'
    """
    sign = operator("−") if text.startswith("-") else ""
    digits, _, power = text.lstrip("-").partition("e")
    shown = f"<mn>{escape(digits)}</mn>"
    if power:
        exponent = number(str(int(power)))
        shown += operator("·") + f"<msup><mn>10</mn>{exponent}</msup>"
    return row(sign, shown) if sign or power else shown


def mathml(text: str, symbols: Mapping[str, str] | None = None) -> str:
    """MathML of a formula, with its own symbol for any name that `symbols` gives.

    >>> mathml("a * 2")
    '<mrow><mi>a</mi><mo>·</mo><mn>2</mn></mrow>'
    """
    return _mathml(parse(text), symbols or {})[0]


def _mathml(node: ast.expr, symbols: Mapping[str, str]) -> tuple[str, int]:
    """MathML of a node, and how tightly its outermost operation binds."""

    def part(child: ast.expr, at_least: int) -> str:
        shown, binds = _mathml(child, symbols)
        return shown if binds >= at_least else bracketed(shown)

    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            right = part(node.right, _PRODUCT)
            return row(part(node.left, _SUM), operator(_SIGNS[type(node.op)]), right), _SUM
        case ast.BinOp(op=ast.Mult()):
            return row(part(node.left, _PRODUCT), operator("·"), part(node.right, _POWER)), _PRODUCT
        case ast.BinOp(op=ast.Div()):
            return f"<mfrac>{part(node.left, _SUM)}{part(node.right, _SUM)}</mfrac>", _ATOM
        case ast.BinOp(op=ast.Pow()):
            base = part(node.left, _ATOM)
            if "sup>" in base:  # what bears an index above is bracketed before it is raised
                base = bracketed(base)
            return f"<msup>{base}{part(node.right, _SUM)}</msup>", _POWER
        case ast.Compare():
            sign = operator(_SIGNS[type(node.ops[0])])
            return row(part(node.left, _SUM), sign, part(node.comparators[0], _SUM)), _SUM
        case ast.UnaryOp():
            sign = operator("−") if isinstance(node.op, ast.USub) else ""
            return row(sign, part(node.operand, _PRODUCT)), _SIGN
        case ast.Call(func=ast.Name(id=name)):
            return _call(name, [_mathml(argument, symbols)[0] for argument in node.args])
        case ast.Name(id=name):
            return symbols.get(name) or identifier(name), _ATOM
        case ast.Constant(value=int(value) | float(value)):
            return number(f"{value:.12g}"), _ATOM
    raise AssertionError(f"unchecked node {ast.dump(node)}")


def _call(name: str, arguments: list[str]) -> tuple[str, int]:
    """A primitive of arguments."""
    first = arguments[0]
    match name:
        case "exp":
            return f"<msup><mi>e</mi>{first}</msup>", _POWER
        case "expm1":
            return row(f"<msup><mi>e</mi>{first}</msup>", operator("−"), number("1")), _SUM
        case "sqrt":
            return f"<msqrt>{first}</msqrt>", _ATOM
        case "abs":
            return row(operator("|"), first, operator("|")), _ATOM
        case "where":
            otherwise = "<mtext>otherwise</mtext>"
            cases = "".join(
                f"<mtr><mtd>{value}</mtd><mtd>{condition}</mtd></mtr>"
                for value, condition in (
                    (arguments[1], row("<mtext>if </mtext>", first)),
                    (arguments[2], otherwise),
                )
            )
            return row(operator("{"), f"<mtable>{cases}</mtable>"), _SUM
    shown = {"log": "ln", "maximum": "max", "minimum": "min", "sigmoid": "σ"}.get(name, name)
    inside = row(
        *(piece for k, each in enumerate(arguments) for piece in ([operator(",")] if k else []) + [each])
    )
    return row(identifier(shown), bracketed(inside)), _ATOM
