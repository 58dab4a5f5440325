"""Formulas as ONNX nodes, as exact as the runtime's Exp, Log and Tanh allow.

What is subtle: ONNX has no expm1, log1p or erfc, and the runtime's Sigmoid and Softplus lose what is small
(ONNX Runtime's float32 Sigmoid never falls below 1.5e-8, which silu multiplies by z). So they are composed
here of operations that keep their digits, without a branch that could overflow:

- expm1(x) = tanh(x/2) (exp(x) + 1);
- log1p(x) = x log(u) / (u - 1) with u = 1 + x rounded (Kahan), and x where u is 1;
- erfc(x) = t exp(p(t) - x^2) with t = 2/(2 + |x|) and a polynomial p, in double also for a float32 network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.export.onnx_graph import Graph
from clearprop.export.reading import Reading

_SIGNS = {"+": "Add", "-": "Sub", "*": "Mul", "/": "Div"}
_COMPARISONS = {">": "Greater", "<": "Less", ">=": "GreaterOrEqual", "<=": "LessOrEqual"}
_NODES = {
    **{name: name.capitalize() for name in ("abs", "cos", "exp", "floor", "log", "sin", "sqrt", "tanh")},
    "maximum": "Max",
    "minimum": "Min",
}
_DEGREE, _SERIES_DEGREE = 27, 12  #: of the polynomials of erfc, and of erf near 0: double precision


class OnnxReading(Reading[str]):
    """Names of tensors, in one dtype."""

    def __init__(self, graph: Graph, dtype: np.dtype[Any]) -> None:
        super().__init__()
        self.graph, self.dtype = graph, dtype

    def number(self, value: float) -> str:
        """A scalar."""
        return self.graph.constant(value, self.dtype)

    def operation(self, sign: str, left: str, right: str) -> str:
        """Add, Sub, Mul or Div."""
        return self.graph.node(_SIGNS[sign], left, right)

    def negative(self, operand: str) -> str:
        """Neg."""
        return self.graph.node("Neg", operand)

    def power(self, base: str, exponent: str) -> str:
        """Pow."""
        return self.graph.node("Pow", base, exponent)

    def square(self, base: str) -> str:
        """Mul of a tensor by itself."""
        return self.graph.node("Mul", base, base)

    def choice(self, sign: str, left: str, right: str, yes: str, no: str) -> str:
        """Where of a comparison."""
        return self.graph.node("Where", self.graph.node(_COMPARISONS[sign], left, right), yes, no)

    def call(self, primitive: str, arguments: list[str]) -> str:
        """A node, or several."""
        if primitive == "maximum" and arguments[1] == self.number(0):
            return self.graph.node("Relu", arguments[0])
        if primitive in _NODES:
            return self.graph.node(_NODES[primitive], *arguments)
        (x,) = arguments
        composed = {
            "erf": self._erf,
            "erfc": self._erfc,
            "expm1": self._expm1,
            "log1p": self._log1p,
            "sigmoid": self._sigmoid,
            "softplus": self._softplus,
        }
        return composed[primitive](x)

    def filling(self, constant: str, like: str) -> str:
        """A constant in the shape of another tensor."""
        return self.graph.node("Expand", constant, self.graph.node("Shape", like))

    def _add(self, left: str, right: str) -> str:
        return self.operation("+", left, right)

    def _sigmoid(self, x: str) -> str:
        one = self.number(1)
        grown = self._add(one, self.graph.node("Exp", self.negative(x)))
        return self.operation("/", one, grown)

    def _softplus(self, x: str) -> str:
        above = self.graph.node("Relu", x)
        decay = self.graph.node("Exp", self.negative(self.graph.node("Abs", x)))
        return self._add(above, self._log1p(decay))

    def _expm1(self, x: str) -> str:
        half = self.graph.node("Tanh", self.operation("*", x, self.number(0.5)))
        return self.operation("*", half, self._add(self.graph.node("Exp", x), self.number(1)))

    def _log1p(self, x: str) -> str:
        one = self.number(1)
        u = self._add(x, one)
        log = self.graph.node("Log", u)
        kept = self.operation("-", u, one)
        exact = self.operation("*", log, self.operation("/", x, kept))
        large = self.choice(">", x, self.number(1e7), log, exact)  # there x / (u - 1) may be inf / inf
        return self.graph.node("Where", self.graph.node("Equal", u, one), x, large)

    def _erfc(self, x: str) -> str:
        return self._in_double(x, OnnxReading._erfc_double)

    def _erf(self, x: str) -> str:
        return self._in_double(x, OnnxReading._erf_double)

    def _in_double(self, x: str, function: Callable[[OnnxReading, str], str]) -> str:
        if self.dtype == np.float64:
            return function(self, x)
        double = OnnxReading(self.graph, np.dtype(np.float64))
        return self.graph.cast(function(double, self.graph.cast(x, np.float64)), self.dtype)

    def _erfc_double(self, x: str) -> str:
        tail = self._tail(x)
        return self.choice("<", x, self.number(0), self.operation("-", self.number(2), tail), tail)

    def _tail(self, x: str) -> str:
        """erfc(|x|)."""
        size, two = self.graph.node("Abs", x), self.number(2)
        t = self.operation("/", two, self._add(two, size))
        centred = self.operation("-", self.operation("*", two, t), self.number(1))
        exponent = self.operation("-", self._polynomial(_erfc_coefficients(), centred), self.square(size))
        return self.operation("*", t, self.graph.node("Exp", exponent))

    def _erf_double(self, x: str) -> str:
        size, one = self.graph.node("Abs", x), self.number(1)
        inside = self.graph.node("Min", size, one)
        centred = self.operation("-", self.operation("*", self.number(2), self.square(inside)), one)
        near = self.operation("*", x, self._polynomial(_erf_coefficients(), centred))
        far = self.operation("-", one, self._tail(x))
        signed = self.choice("<", x, self.number(0), self.negative(far), far)
        return self.choice("<", size, one, near, signed)

    def _polynomial(self, coefficients: Array, x: str) -> str:
        """Horner's rule, the highest coefficient first."""
        value = self.number(coefficients[0])
        for coefficient in coefficients[1:]:
            value = self._add(self.operation("*", value, x), self.number(coefficient))
        return value


@lru_cache(maxsize=1)
def _erfc_coefficients() -> Array:
    """Of log(exp(x^2) erfc(x) / t) in 2 t - 1, t = 2 / (2 + x), for x from 0; highest first."""
    from scipy.special import erfcx

    def logarithm(centred: Array) -> Array:
        t = (centred + 1) / 2
        return np.log(erfcx(2 / t - 2) / t)

    return _fitted(logarithm, _DEGREE)


@lru_cache(maxsize=1)
def _erf_coefficients() -> Array:
    """Of erf(x) / x in 2 x^2 - 1, for x from 0 to 1; highest first."""
    from scipy.special import erf

    def quotient(centred: Array) -> Array:
        x = np.sqrt((centred + 1) / 2)
        return erf(x) / x

    return _fitted(quotient, _SERIES_DEGREE)


def _fitted(function: Callable[[Array], Array], degree: int) -> Array:
    """Coefficients of the polynomial through a function at Chebyshev's points of [-1, 1]."""
    from numpy.polynomial import chebyshev

    interpolate: Any = chebyshev.chebinterpolate
    return np.asarray(chebyshev.cheb2poly(interpolate(function, degree))[::-1])
