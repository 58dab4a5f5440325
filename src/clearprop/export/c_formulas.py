"""Formulas as C99 expressions, and the few functions that <math.h> lacks."""

from __future__ import annotations

from clearprop.export.c_text import decimal
from clearprop.export.reading import Reading

#: primitive -> function of <math.h>
_MATH = {
    "abs": "fabs",
    **{name: name for name in ("cos", "erf", "erfc", "exp", "expm1", "floor", "log", "log1p")},
    **{name: name for name in ("sin", "sqrt", "tanh")},
}
#: function -> its parameters, and what it returns
_OWN = {
    "maximum": ("double a, double b", "b >= a || b != b ? b : a"),
    "minimum": ("double a, double b", "b <= a || b != b ? b : a"),
    "sigmoid": ("double z", "1.0 / (1.0 + exp(-z))"),
    "softplus": ("double z", "(z > 0.0 ? z : 0.0) + log1p(exp(-fabs(z)))"),
    "square": ("double x", "x * x"),
}


class CReading(Reading[str]):
    """Expressions in double; functions beyond <math.h> begin with `prefix`, and are noted in `used`."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix
        self.used: set[str] = set()

    def number(self, value: float) -> str:
        """A literal."""
        return f"({decimal(value)})" if value < 0 else decimal(value)

    def operation(self, sign: str, left: str, right: str) -> str:
        """`(left sign right)`."""
        return f"({left} {sign} {right})"

    def negative(self, operand: str) -> str:
        """`(-operand)`."""
        return f"(-{operand})"

    def power(self, base: str, exponent: str) -> str:
        """`pow`."""
        return f"pow({base}, {exponent})"

    def square(self, base: str) -> str:
        """`square`."""
        return self.own("square", base)

    def choice(self, sign: str, left: str, right: str, yes: str, no: str) -> str:
        """`(left sign right ? yes : no)`."""
        return f"({left} {sign} {right} ? {yes} : {no})"

    def call(self, primitive: str, arguments: list[str]) -> str:
        """A function of <math.h>, or an own one."""
        if primitive in _MATH:
            return f"{_MATH[primitive]}({', '.join(arguments)})"
        return self.own(primitive, *arguments)

    def own(self, name: str, *arguments: str) -> str:
        """Call of a function that this file defines."""
        self.used.add(name)
        return f"{self.prefix}_{name}({', '.join(arguments)})"

    def definitions(self) -> list[str]:
        """The functions used that <math.h> lacks."""
        lines = []
        for name in sorted(self.used):
            parameters, value = _OWN[name]
            lines += [
                f"static double {self.prefix}_{name}({parameters})",
                "{",
                f"    return {value};",
                "}",
                "",
            ]
        return lines


def without_brackets(expression: str) -> str:
    """The expression without brackets that enclose the whole of it.

    >>> without_brackets("(a + (b))"), without_brackets("(a) + (b)")
    ('a + (b)', '(a) + (b)')
    """
    if not expression.startswith("("):
        return expression
    depth = 0
    for place, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return expression[1:-1] if place == len(expression) - 1 else expression
    return expression
