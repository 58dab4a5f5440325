"""The language refuses what it does not know, and its readings agree."""

import ast

import numpy as np
import pytest

from clearprop.errors import FormulaError
from clearprop.formulas import language
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.language import PRIMITIVES, evaluate, names, parse, require_names
from clearprop.formulas.latex import latex
from clearprop.formulas.losses import losses
from clearprop.formulas.optimizers import optimizers
from clearprop.formulas.schedules import schedules

REFUSED = {
    "attribute": "z.real",
    "dunder attribute": "z.__class__",
    "class trick": "().__class__.__bases__[0].__subclasses__()",
    "import": "__import__('os').system('true')",
    "lambda": "lambda z: z",
    "lambda called": "(lambda: z)()",
    "list comprehension": "[z for z in (1, 2)]",
    "generator": "maximum(*(z for z in (1, 2)))",
    "f-string": "f'{z}'",
    "string": "'z'",
    "bytes": "b'z'",
    "walrus": "(y := z)",
    "eval": "eval('z')",
    "open": "open('/etc/passwd')",
    "method": "z.sum()",
    "primitive's attribute": "exp.__globals__",
    "call of a call": "exp(z)(z)",
    "keyword": "exp(z=z)",
    "double star": "exp(**z)",
    "star": "maximum(*z)",
    "subscript": "z[0]",
    "tuple": "z, z",
    "list": "[z]",
    "dict": "{z: z}",
    "bare comparison": "z > 0",
    "comparison in arithmetic": "(z > 0) * z",
    "comparison as a branch": "where(z > 0, z > 1, 0)",
    "chained comparison": "where(0 < z < 1, z, 0)",
    "equality": "where(z == 0, 1, 0)",
    "condition that compares nothing": "where(z, 1, 0)",
    "and": "where(z > 0 and z < 1, 1, 0)",
    "not": "where(not z > 0, 1, 0)",
    "conditional expression": "z if z > 0 else 0",
    "floor division": "z // 2",
    "modulo": "z % 2",
    "matrix product": "z @ z",
    "bit shift": "1 << z",
    "invert": "~z",
    "complex": "1j * z",
    "boolean": "True * z",
    "none": "None",
    "ellipsis": "...",
    "infinity": "1e999",
    "await": "await z",
    "yield": "(yield z)",
    "statement": "z = 1",
    "two statements": "z; z",
    "two lines": "z\nz",
    "empty": "",
    "unbalanced": "(z",
    "null": "z\0",
    "too few arguments": "maximum(z)",
    "too many arguments": "exp(z, z)",
    "unknown function": "arctan(z)",
    "deep": "-" * 60 + "z",
    "very deep": "(" * 500 + "z" + ")" * 500,
    "long": "z" + " + z" * 1000,
    "long name": "z" * 3000,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text):
    with pytest.raises(FormulaError):
        parse(text)


@pytest.mark.parametrize("given", [None, 1, b"z", ("z",)])
def test_text_only(given):
    with pytest.raises(FormulaError, match="a formula is text"):
        parse(given)


def test_refusals_name_the_piece():
    with pytest.raises(FormulaError, match=r"'z\.real' \(Attribute\) is not in the formula language"):
        parse("1 + z.real")
    with pytest.raises(FormulaError, match=r"maximum takes 2 argument\(s\), not 1"):
        parse("maximum(z)")
    with pytest.raises(FormulaError, match="comparison stands nowhere else"):
        parse("z > 0")


def test_names_not_given():
    with pytest.raises(FormulaError, match="uses slope, which it is not given; it may use z"):
        require_names("slope * z", frozenset({"z"}), "activation 'mine'")
    with pytest.raises(FormulaError, match="uses y"):
        Activation("mine", "z * y", derivative="y")
    with pytest.raises(FormulaError, match="already means something"):
        Activation("mine", "z * exp", derivative="exp", exp=1.0)
    assert names("where(z > pi, exp(z), alpha)") == {"z", "alpha"}


def test_a_name_of_a_function_is_no_number():
    """`exp` alone is a free name, which no row is given."""
    with pytest.raises(FormulaError, match="uses exp"):
        Activation("mine", "z + exp", derivative="1")


def every_text():
    for row in activations.values():
        if isinstance(row, Activation):
            yield f"{row.name}", row.formula
            yield f"{row.name}'", row.derivative
    for loss in losses.values():
        for field in ("value", "slope", "linked_value", "linked_delta"):
            if getattr(loss, field):
                yield f"{loss.name}.{field}", getattr(loss, field)
    for rule in optimizers.values():
        yield from ((f"{rule.name}.{name}", text) for name, text in rule.scalars + rule.slots)
        if rule.step:
            yield f"{rule.name}.step", rule.step
    yield from ((f"{schedule.name}", schedule.formula) for schedule in schedules.values())


EVERY_TEXT = dict(every_text())


def is_step(node):
    """A constant, or a `where` between such: its dtype is set by the methods of the rows."""
    if isinstance(node, ast.Call) and node.func.id == "where":
        return all(is_step(branch) for branch in node.args[1:])
    return not names(ast.unparse(node))


@pytest.mark.parametrize("name", [n for n, text in EVERY_TEXT.items() if not is_step(parse(text))])
def test_float32_stays_float32(name):
    values = {free: np.linspace(0.1, 0.9, 5, dtype=np.float32) for free in names(EVERY_TEXT[name])}
    assert evaluate(EVERY_TEXT[name], values).dtype == np.float32


@pytest.mark.parametrize("text", EVERY_TEXT.values(), ids=EVERY_TEXT)
def test_every_text_has_latex_with_balanced_braces(text):
    shown = latex(text)
    assert shown.count("{") == shown.count("}")
    assert shown.count(r"\left") - shown.count(r"\left\lfloor") >= 0
    assert shown.count(r"\left(") == shown.count(r"\right)")
    assert "**" not in shown
    assert "_" not in shown.replace(r"\_", "").replace("_{", "")


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_primitives_read_complex_and_high_precision(name):
    mpmath = pytest.importorskip("mpmath")
    arguments = [0.37, 0.61, 0.83][: PRIMITIVES[name]]
    text = f"{name}({', '.join('uvw'[: len(arguments)])})" if name != "where" else "where(u > 0, v, w)"
    values = dict(zip("uvw", arguments, strict=False))
    real = float(evaluate(text, values))
    stepped = evaluate(text, {**values, "u": 0.37 + 1e-30j})
    assert np.isclose(np.real(stepped), real, rtol=1e-15)
    with mpmath.workdps(50):
        exact = {k: np.array([mpmath.mpf(v)], dtype=object) for k, v in values.items()}
        above, below = ({**exact, "u": exact["u"] + s * mpmath.mpf("1e-20")} for s in (1, -1))
        numbers = language.high_precision()
        assert np.isclose(real, float(evaluate(text, exact, numbers)[0]), rtol=1e-15)
        slope = (evaluate(text, above, numbers) - evaluate(text, below, numbers))[0] / mpmath.mpf("2e-20")
    assert np.isclose(np.imag(stepped) / 1e-30, float(slope), rtol=1e-14)


SIDES = {  # slope at 0 by the complex step
    "maximum(z, 0)": 0.0,
    "maximum(0, z)": 1.0,
    "minimum(z, 0)": 0.0,
    "minimum(0, z)": 1.0,
    "abs(z)": -1.0,
    "where(z > 0, z, 0)": 0.0,
    "where(z >= 0, z, 0)": 1.0,
    "sigmoid(z)": 0.25,
    "softplus(z)": 0.5,
    "maximum(z, 0) + log1p(exp(-abs(z)))": 0.5,
}


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize(("text", "slope"), SIDES.items())
def test_sides_at_a_kink(text, slope, zero):
    z = np.array([complex(zero, 1e-30)])
    assert evaluate(text, {"z": z}).imag[0] == pytest.approx(slope * 1e-30, rel=1e-15)


@pytest.mark.parametrize("z", [1e4, -1e4])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("text", ["sigmoid(z)", "softplus(z)", "tanh(z)"])
def test_primitives_far_out(text, dtype, z):
    with np.errstate(under="ignore"):
        value = evaluate(text, {"z": np.array([z], dtype)})
    assert np.isfinite(value).all()
    assert value.dtype == dtype


GOLDENS = {
    "sigmoid": r"\frac{1}{1 + e^{-\left(z\right)}}",
    "tanh'": r"1 - {a}^{2}",
    "relu": r"\max\left(z,\, 0\right)",
    "elu'": r"\begin{cases} 1 & \text{if } z > 0 \\ a + \alpha & \text{otherwise} \end{cases}",
    "silu": r"z \, \frac{1}{1 + e^{-\left(z\right)}}",
    "half_squared_error.value": r"\frac{{\left(a - y\right)}^{2}}{2}",
    "binary_cross_entropy.linked_value": r"\ln\left(1 + e^{z}\right) - y \, z",
    "cross_entropy_bits.linked_delta": r"\frac{a - y}{\ln\left(2\right)}",
    "quantile.value": r"\max\left(q \, \left(y - a\right),\, \left(q - 1\right) \, \left(y - a\right)\right)",
    "adam.v": r"\beta_{2} \, v + \left(1 - \beta_{2}\right) \, {g}^{2}",
}


@pytest.mark.parametrize("name", GOLDENS)
def test_latex_golden(name):
    assert latex(EVERY_TEXT[name]) == GOLDENS[name]


@pytest.mark.parametrize(
    "text",
    ["z * 9**9**9**9", "z + (2**1024 - 1)", "z * (10**200 * 10**200)**2", "z ** (9**9**9)", "z*-9**9**9"],
)
def test_powers_that_no_number_holds_are_refused_and_not_computed(text):
    with pytest.raises(FormulaError, match="larger than any 64-bit number"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["z * 2**1023", "z * 2**-9999", "z + 0.0**0", "z * (1 / 3)**2", "z * (-2)**3"]
)
def test_powers_of_numbers_are_numbers(text):
    assert np.isfinite(evaluate(text, {"z": 0.5}))
