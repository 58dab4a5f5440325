"""Every activation of the table: its derivative, range, kinks and extremes."""

import math

import numpy as np
import pytest

from clearprop.errors import FormulaError, SpecificationError
from clearprop.formulas import language
from clearprop.formulas.activations import (
    Activation,
    CoupledActivation,
    activation_from_dict,
    activations,
    as_activation,
)
from clearprop.formulas.latex import latex
from clearprop.specification import Dense, Network

ELEMENTWISE = [row for row in activations.values() if isinstance(row, Activation)]
NAMES = [row.name for row in ELEMENTWISE]
ends = [0.0, -0.0, 1e4, -1e4, 30.0, -30.0, 3.0, -3.0, 1e-8, -1e-8]
GRID = np.concatenate([ends, np.linspace(-9, 9, 181)])


@pytest.fixture(params=ELEMENTWISE, ids=NAMES)
def row(request):
    return request.param


def slope_at(row, z):
    with np.errstate(all="ignore"):
        return row.slope(z, row.value(z))


def test_derivative_is_the_complex_step(row):
    with np.errstate(all="ignore"):
        step = row.value(GRID + 1e-30j).imag / 1e-30
    found = slope_at(row, GRID)
    # a derivative in `a` cancels where a saturates: the error is that of a, whose size is at most |a| + 1
    np.testing.assert_allclose(found, step, rtol=1e-14, atol=1e-15)


def test_derivative_is_sympys(row):
    sympy = pytest.importorskip("sympy")
    from clearprop.formulas.symbolic import derivative_of, to_sympy

    text = derivative_of(row.formula, "z")
    away = np.array([z for z in GRID if abs(z) < 1e4 and all(abs(z - kink) > 1e-12 for kink in row.kinks)])
    given = {"z": away, **dict(row.parameters)}
    with np.errstate(all="ignore"):
        sympys = np.broadcast_to(language.evaluate(text, given), away.shape)
    np.testing.assert_allclose(slope_at(row, away), sympys, rtol=1e-11, atol=1e-14)
    symbol = sympy.Symbol("z", real=True)
    assert to_sympy(row.formula).free_symbols <= {
        symbol,
        *(sympy.Symbol(p, real=True) for p, _ in row.parameters),
    }


def test_finite_in_float32(row):
    z = GRID.astype(np.float32)
    with np.errstate(all="ignore"):
        a = row.value(z)
        slope = row.slope(z, a)
    assert a.dtype == slope.dtype == np.float32
    assert np.isfinite(a).all()
    assert np.isfinite(slope).all()


def test_float32_is_the_rounded_float64(row):
    z = GRID.astype(np.float32)
    with np.errstate(all="ignore"):
        single, double = row.value(z), row.value(z.astype(np.float64))
    np.testing.assert_allclose(single, double, rtol=3e-5, atol=1e-7)


def test_values_lie_in_the_range(row):
    with np.errstate(all="ignore"):
        a = row.value(GRID)
    assert (a >= row.range.low).all()
    assert (a <= row.range.high).all()


def test_attained_ends_are_attained(row):
    a = row.value(np.array([-1e4, 0.0, 1e4]))
    for end, attained in zip((row.range.low, row.range.high), row.range.attained, strict=True):
        assert not attained or end in a


def test_kinks_are_where_the_slope_jumps(row):
    """On either side of a listed kink the slope differs (ELU with alpha = 1 joins smoothly), nowhere else."""
    z = np.linspace(-10, 10, 4001)
    away = z[[all(abs(x - kink) > 0.01 for kink in row.kinks) for x in z]]
    jump = np.abs(slope_at(row, away + 1e-9) - slope_at(row, away - 1e-9))
    assert (jump < 1e-3).all()
    for kink in row.kinks:
        below, above = slope_at(row, np.array([kink - 1e-9, kink + 1e-9]))
        heights = row.value(np.array([kink - 1e-9, kink + 1e-9]))
        assert abs(above - below) > 1e-3 or abs(heights[1] - heights[0]) > 0.5 or row.name == "elu"


def test_plain_data_gives_the_row_again(row):
    assert activation_from_dict(row.to_dict()) == row


def test_has_latex_of_formula_and_derivative(row):
    assert latex(row.formula)
    assert latex(row.derivative, {"a": "a^{l}_j"})


def test_sides_at_0():
    zero = np.array([0.0, -0.0])
    expected = {
        "relu": 0.0,
        "leaky_relu": 0.01,
        "elu": 1.0,
        "sigmoid": 0.25,
        "softplus": 0.5,
        "tanh": 1.0,
        "gelu": 0.5,
        "silu": 0.5,
        "mish": 0.6,
        "hard_sigmoid": 1 / 6,
    }
    for name, slope in expected.items():
        np.testing.assert_allclose(slope_at(activations[name], zero), slope, rtol=1e-15)


def test_gelu_keeps_its_digits_far_left():
    mpmath = pytest.importorskip("mpmath")
    gelu = activations["gelu"]
    with mpmath.workdps(40):
        exact = [z * mpmath.ncdf(z) for z in (mpmath.mpf(-8), mpmath.mpf(-20))]
        slopes = [mpmath.ncdf(z) + z * mpmath.npdf(z) for z in (mpmath.mpf(-8), mpmath.mpf(-20))]
    z = np.array([-8.0, -20.0])
    np.testing.assert_allclose(gelu.value(z), [float(x) for x in exact], rtol=1e-13)
    np.testing.assert_allclose(slope_at(gelu, z), [float(x) for x in slopes], rtol=1e-13)


def test_known_values():
    z = np.array([-1.0, 0.5])
    e = math.e
    known = {
        "identity": z,
        "sigmoid": 1 / (1 + np.exp(-z)),
        "relu": [0, 0.5],
        "leaky_relu": [-0.01, 0.5],
        "elu": [1 / e - 1, 0.5],
        "selu": [1.0507009873554805 * 1.6732632423543772 * (1 / e - 1), 1.0507009873554805 * 0.5],
        "softplus": np.log(1 + np.exp(z)),
        "gelu": [-0.15865525393145707, 0.34573123063700656],
        "silu": z / (1 + np.exp(-z)),
        "mish": z * np.tanh(np.log(1 + np.exp(z))),
        "hard_sigmoid": [1 / 3, 7 / 12],
        "tanh": (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1),
        "exp": np.exp(z),
        "step": [0, 1],
    }
    assert known.keys() == set(NAMES)
    for name, values in known.items():
        np.testing.assert_allclose(activations[name].value(z), values, rtol=1e-14)


def test_step_evaluates_and_refuses_training_with_a_reason():
    refusing = [row for row in activations.values() if row.refuses_training]
    assert [row.name for row in refusing] == ["step"]
    net = Network(2, [Dense(1, "step")])
    with pytest.raises(SpecificationError, match=r"layer 1 .* trained with 'step': its derivative is 0"):
        net.require_trainable()


def test_parameters_by_position_and_name():
    assert activations["leaky_relu"](0.1)["slope"] == 0.1
    assert activations["elu"](alpha=0.5) == activations["elu"](0.5)
    with pytest.raises(FormulaError, match="tanh takes 0 parameter"):
        activations["tanh"](1.0)
    with pytest.raises(FormulaError, match="elu has no parameter 'beta'; its parameters: alpha"):
        activations["elu"](beta=1.0)
    with pytest.raises(FormulaError, match="is a finite number"):
        activations["elu"](math.nan)
    with pytest.raises(FormulaError, match="pieces is a whole number"):
        activations["maxout"](2.5)


def test_unknown_name_has_a_hint():
    with pytest.raises(FormulaError, match="did you mean 'sigmoid'"):
        as_activation("sigmoidd")
    with pytest.raises(FormulaError, match="not int"):
        as_activation(3)


def test_coupled_rows():
    coupled = [row for row in activations.values() if isinstance(row, CoupledActivation)]
    assert [row.name for row in coupled] == ["softmax", "maxout", "monotone"]
    assert activations["maxout"](3).pieces == 3
    assert Dense(4, activations["maxout"](3)).rows == 12
    for row in coupled:
        assert activation_from_dict(row.to_dict()) == row


def test_a_row_of_ones_own():
    snake = Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(2*alpha*z)", alpha=1.0)
    z = np.linspace(-3, 3, 50)
    step = snake.value(z + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(snake.slope(z, snake.value(z)), step, rtol=1e-13, atol=1e-14)
    assert latex(snake.formula) == (r"z + \frac{{\left(\sin\left(\alpha \, z\right)\right)}^{2}}{\alpha}")
    assert activation_from_dict(snake.to_dict()) == snake


def test_a_derivative_left_out_is_found():
    pytest.importorskip("sympy")
    for name in NAMES:
        row = activations[name]
        if row.name == "step":
            continue
        again = Activation(row.name, row.formula, kinks=row.kinks, parameters=row.parameters)
        z = np.linspace(-4.9, 4.9, 60)
        np.testing.assert_allclose(slope_at(again, z), slope_at(row, z), rtol=1e-11, atol=1e-13)
        assert not language.names(again.derivative) - {"z", *again.parameter_names}
