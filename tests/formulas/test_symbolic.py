"""SymPy's reading, and the derivative written back in the language."""

import sys

import numpy as np
import pytest

from clearprop.errors import FormulaError
from clearprop.formulas.activations import Activation
from clearprop.formulas.language import PRIMITIVES, evaluate, parse

pytest.importorskip("sympy")
from clearprop.formulas.symbolic import derivative_of, to_sympy

TEXTS = [
    "maximum(z, 0)",
    "minimum(maximum(z / 6 + 1 / 2, 0), 1)",
    "abs(z)",
    "abs(abs(z) - 1)",
    "where(abs(z) > 1, z**3, z)",
    "where(z <= 1, exp(z), 2 * z)",
    "log1p(exp(-abs(z))) + maximum(z, 0)",
    "expm1(z) * sigmoid(z) + softplus(z / 2)",
    "tanh(z) * erf(z) - erfc(z)",
    "sqrt(1 + z**2) - cos(pi * z) * sin(z)",
    "log(2 + sin(z)) / (1 + z**2)",
    "0.1 * z - 1e-3 / (3 + z**2)",
    "z ** 3 + 2 ** z",
    "exp(1) * z",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_derivative_is_the_complex_step(text):
    z = np.linspace(-3.03, 3.01, 41)
    found = derivative_of(text, "z")
    parse(found)
    slope = evaluate(found, {"z": z})
    step = np.imag(evaluate(text, {"z": z + 1e-30j})) / 1e-30
    np.testing.assert_allclose(np.broadcast_to(slope, z.shape), step, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("text", TEXTS)
def test_the_reading_has_the_same_value(text):
    expression = to_sympy(text)
    assert {symbol.name for symbol in expression.free_symbols} <= {"z"}


def test_every_primitive_is_read():
    for name, n in PRIMITIVES.items():
        arguments = ["z > 0", "z", "1"] if name == "where" else ["z"] * n
        assert to_sympy(f"{name}({', '.join(arguments)})") is not None


def test_a_derivative_without_words_is_refused():
    with pytest.raises(FormulaError, match="give it by hand"):
        derivative_of("floor(z)", "z")


def test_without_sympy_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(FormulaError, match=r"give derivative=.*pip install sympy"):
        Activation("mine", "z * sigmoid(z)")
