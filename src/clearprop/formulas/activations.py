"""Activations: one row each, formula and derivative as text.

The derivative is written by hand in `z` or in `a = g(z)`, whichever is cheaper; tests compare it with
SymPy's and with the complex step. To add an activation, add a row to `_ROWS`: engines, estimators, the
command line, model files and docs read this table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import FormulaError
from clearprop.formulas import language
from clearprop.formulas.rows import REAL_LINE, Interval, Row, look_up

MOST_PARAMETERS = 4  #: parameters a row may have (the kernels pass that many numbers)


@dataclass(frozen=True, init=False, repr=False)
class Activation(Row):
    """An elementwise activation a = g(z), given as text.

    Parameters
    ----------
    name : str
        An identifier; what a model file and the screen show.
    formula : str
        g in the house's formula language, in `z` and the parameters.
    derivative : str, optional
        g' in `z`, `a` and the parameters. Left out, SymPy finds it (extra `symbolic`) and it can be read
        at `.derivative`.
    kinks : tuple of float
        Places z where g has no derivative; g' there is what the text says (ReLU'(0) = 0).
    range : Interval or (low, high)
        Values g takes; a loss accepts the activation as output only if they lie in its domain.
    initializer : str
        Name of the initializer that suits it.
    refuses_training : str
        A reason, for an activation that evaluates but cannot be trained.
    source : str
        Where the formula comes from.
    **parameters : float
        Parameters of the formula with their default values.

    Raises
    ------
    FormulaError
        When a text is not in the language or uses a name it is not given.

    Examples
    --------
    >>> import numpy as np
    >>> snake = Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(2*alpha*z)", alpha=1.0)
    >>> snake.value(np.array([0.0, 1.0]))
    array([0.        , 1.70807342])
    >>> snake(alpha=2.0)
    Activation('snake', alpha=2)
    >>> print(Activation("swish", "z * sigmoid(z)"))  # the derivative found by SymPy
    Activation('swish'): a = z * sigmoid(z); da/dz = z*(1 - sigmoid(z))*sigmoid(z) + sigmoid(z)
    """

    formula: str = ""
    derivative: str = ""
    kinks: tuple[float, ...] = ()
    range: Interval = REAL_LINE
    initializer: str = "glorot_uniform"
    refuses_training: str = ""

    def __init__(
        self,
        name: str,
        formula: str,
        *,
        derivative: str | None = None,
        kinks: tuple[float, ...] = (),
        range: Interval | tuple[float, float] = REAL_LINE,  # noqa: A002 - the field's own word
        initializer: str = "glorot_uniform",
        refuses_training: str = "",
        source: str = "",
        parameters: Mapping[str, float] | tuple[tuple[str, float], ...] = (),
        **named: float,
    ) -> None:
        pairs = (*dict(parameters).items(), *named.items())
        owner = f"activation {name!r}"
        if name in _COUPLED:
            raise FormulaError(
                f"{owner}: the name belongs to a coupled activation of the library; choose another"
            )
        check_parameters(owner, dict(pairs), reserved=("z", "a"))
        language.require_names(formula, frozenset({"z", *dict(pairs)}), owner)
        if derivative is None:
            from clearprop.formulas.symbolic import derivative_of

            derivative = derivative_of(formula, "z")
        language.require_names(derivative, frozenset({"z", "a", *dict(pairs)}), f"{owner}, derivative")
        interval = range if isinstance(range, Interval) else Interval(*range)
        values = {
            "name": name,
            "parameters": pairs,
            "source": source,
            "formula": formula,
            "derivative": derivative,
            "kinks": tuple(float(kink) for kink in kinks),
            "range": interval,
            "initializer": initializer,
            "refuses_training": refuses_training,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)
        self.__post_init__()

    def __call__(self, *values: float, **named: float) -> Activation:
        """Copy with other parameter values: `LeakyReLU(0.1)`."""
        return self.with_parameters(*values, **named)

    def __str__(self) -> str:
        """Formula and derivative, also one that was found."""
        return f"{self!r}: a = {self.formula}; da/dz = {self.derivative}"

    def value(self, z: Array, numbers: language.Numbers | None = None) -> Array:
        """g(z), elementwise; shape and dtype of `z`."""
        given = {"z": z, **typed_parameters(self, z)}
        return like_array(language.evaluate(self.formula, given, numbers), z)

    def slope(self, z: Array, a: Array, numbers: language.Numbers | None = None) -> Array:
        """g'(z), elementwise, with `a = g(z)` at hand; shape and dtype of `z`."""
        given = {"z": z, "a": a, **typed_parameters(self, z)}
        return like_array(language.evaluate(self.derivative, given, numbers), z)

    @property
    def pieces(self) -> int:
        """Pre-activations a unit takes: 1, but for maxout."""
        return 1


_COUPLED = ("softmax", "maxout", "monotone")


@dataclass(frozen=True, repr=False)
class CoupledActivation(Row):
    """An activation whose outputs depend on several pre-activations: softmax, maxout, monotone.

    Its `forward` and `pullback` are short code, written once in each engine; the row carries what the
    rest of the house needs to know.
    """

    formula: str  #: LaTeX
    derivative: str  #: LaTeX of the pullback
    range: Interval = REAL_LINE
    initializer: str = "glorot_uniform"
    refuses_training: str = ""

    @property
    def pieces(self) -> int:
        """Pre-activations a unit takes: 1, but for maxout."""
        return int(self["pieces"]) if "pieces" in self.parameter_names else 1

    def __call__(self, *values: float, **named: float) -> CoupledActivation:
        """Copy with other parameter values: `Maxout(3)`."""
        row = self.with_parameters(*values, **named)
        if "pieces" in row.parameter_names and (row["pieces"] != int(row["pieces"]) or row["pieces"] < 1):
            raise FormulaError(f"{self.name}: pieces is a whole number from 1, and {row['pieces']!r} is not")
        return row


AnyActivation: TypeAlias = Activation | CoupledActivation


def check_parameters(owner: str, parameters: Mapping[str, Any], reserved: tuple[str, ...]) -> None:
    """Raise FormulaError for too many parameters, or one whose name is taken."""
    if len(parameters) > MOST_PARAMETERS:
        raise FormulaError(
            f"{owner}: {len(parameters)} parameters are more than the {MOST_PARAMETERS} a row may have"
        )
    for name in parameters:
        if name in reserved or name in language.PRIMITIVES or name in language.CONSTANTS:
            raise FormulaError(f"{owner}: {name!r} already means something in formulas; rename the parameter")


def typed_parameters(row: Row, like: Array) -> dict[str, Any]:
    """Parameters as numbers of the array's dtype, as the engines hold them."""
    real = like.real.dtype
    if real.kind == "O":
        return row.constants
    return {name: np.asarray(value, dtype=real)[()] for name, value in row.parameters}


def like_array(value: Any, like: Array) -> Array:
    """Array of the shape and dtype of `like`; a formula such as `1` gives a scalar."""
    array = np.asarray(value, dtype=like.dtype)
    return array if array.shape == like.shape else np.broadcast_to(array, like.shape)


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # arXiv:1706.02515, to double precision

_ROWS: tuple[AnyActivation, ...] = (
    Activation("identity", "z", derivative="1", source="001, 'linear'"),
    Activation("sigmoid", "sigmoid(z)", derivative="a * (1 - a)", range=(0, 1), source="000, 001, 002, 004"),
    Activation("tanh", "tanh(z)", derivative="1 - a**2", range=(-1, 1), source="001, 002"),
    Activation(
        "relu",
        "maximum(z, 0)",
        derivative="where(z > 0, 1, 0)",
        kinks=(0.0,),
        range=Interval(0, math.inf, (True, False)),
        initializer="he_uniform",
        source="002 (slope 0 at 0; 004 prints z >= 0)",
    ),
    Activation(
        "leaky_relu",
        "where(z > 0, z, slope * z)",
        derivative="where(z > 0, 1, slope)",
        kinks=(0.0,),
        initializer="he_uniform",
        source="002 prints max(0.1 x, x): slope=0.1",
        slope=0.01,
    ),
    Activation(
        "elu",
        "where(z > 0, z, alpha * expm1(minimum(0, z)))",
        derivative="where(z > 0, 1, a + alpha)",
        kinks=(0.0,),
        initializer="he_uniform",
        source="arXiv:1511.07289 (002 prints max(0, x), which is ReLU)",
        alpha=1.0,
    ),
    Activation(
        "selu",
        f"{_SELU_SCALE} * where(z > 0, z, {_SELU_ALPHA} * expm1(minimum(0, z)))",
        derivative=f"where(z > 0, {_SELU_SCALE}, a + {_SELU_SCALE * _SELU_ALPHA})",
        kinks=(0.0,),
        range=(-_SELU_SCALE * _SELU_ALPHA, math.inf),
        initializer="lecun_normal",
        source="arXiv:1706.02515",
    ),
    Activation(
        "softplus",
        "softplus(z)",
        derivative="sigmoid(z)",
        range=(0, math.inf),
        initializer="he_uniform",
        source="Dugas et al., NIPS 2000",
    ),
    Activation(
        "gelu",
        "z * erfc(-z / sqrt(2)) / 2",
        derivative="erfc(-z / sqrt(2)) / 2 + z * exp(-z**2 / 2) / sqrt(2 * pi)",
        initializer="he_uniform",
        source="arXiv:1606.08415; through erfc, since 1 + erf loses all digits at z = -8",
    ),
    Activation(
        "silu",
        "z * sigmoid(z)",
        derivative="sigmoid(z) + a * (1 - sigmoid(z))",
        initializer="he_uniform",
        source="arXiv:1702.03118",
    ),
    Activation(
        "mish",
        "z * tanh(softplus(z))",
        derivative="tanh(softplus(z)) + z * (1 - tanh(softplus(z))**2) * sigmoid(z)",
        initializer="he_uniform",
        source="arXiv:1908.08681",
    ),
    Activation(
        "hard_sigmoid",
        "minimum(maximum(z / 6 + 1 / 2, 0), 1)",
        derivative="where(abs(z) < 3, 1 / 6, 0)",
        kinks=(-3.0, 3.0),
        range=Interval(0, 1, (True, True)),
        source="clip(z/6 + 1/2, 0, 1)",
    ),
    Activation(
        "exp",
        "exp(minimum(30, z)) * (1 + maximum(z - 30, 0))",
        derivative="exp(minimum(30, z))",
        range=(0, math.inf),
        source="log link of the Poisson loss; beyond 30 its tangent, so that float32 stays finite",
    ),
    Activation(
        "step",
        "where(z >= 0, 1, 0)",
        derivative="0",
        kinks=(0.0,),
        range=Interval(0, 1, (True, True)),
        refuses_training="its derivative is 0 wherever it exists, so backpropagation moves no weight; "
        "train with 'sigmoid' (steep) instead, or set the weights by hand",
        source="001, the perceptron",
    ),
    CoupledActivation(
        name="softmax",
        formula=r"\frac{e^{z_j}}{\sum_k e^{z_k}}",
        derivative=r"a_j \left(u_j - \sum_k a_k u_k\right)",
        range=Interval(0, 1),
        source="001",
    ),
    CoupledActivation(
        name="maxout",
        parameters=(("pieces", 2),),
        formula=r"\max_p z_{j,p}",
        derivative=r"u_j \left[p = \arg\max_q z_{j,q}\right]",
        initializer="he_uniform",
        source="002; arXiv:1302.4389",
    ),
    CoupledActivation(
        name="monotone",
        formula=r"a_0 = z_0, \quad a_j = a_{j-1} + \ln\left(1 + e^{z_j}\right)",
        derivative=r"g'(z_j) \sum_{k \ge j} u_k, \quad g'(z_0) = 1, \quad g'(z_j) = \sigma(z_j)",
        source="outputs that never cross, as for several quantiles at once; steps by softplus",
    ),
)

#: the shipped activations, by name
activations: Mapping[str, AnyActivation] = MappingProxyType({row.name: row for row in _ROWS})


def as_activation(activation: str | AnyActivation) -> AnyActivation:
    """Row of that name, or the row itself.

    >>> as_activation("tanh").derivative
    '1 - a**2'
    """
    if isinstance(activation, Activation | CoupledActivation):
        return activation
    if isinstance(activation, str):
        row: AnyActivation = look_up(activations, activation, "an activation")
        return row
    raise FormulaError(
        f"an activation is a name such as 'tanh' or an Activation, not {type(activation).__name__}"
    )


def activation_from_dict(plain: Mapping[str, Any]) -> AnyActivation:
    """Row from the plain data of `to_dict`; a coupled row must be one of the shipped.

    >>> activation_from_dict(activations["elu"](0.5).to_dict())
    Activation('elu', alpha=0.5)
    """
    given = dict(plain)
    if isinstance(activations.get(given["name"]), CoupledActivation):
        row = activations[given["name"]]
        return row(**given["parameters"])
    given["range"] = Interval.from_dict(given["range"])
    given["kinks"] = tuple(given["kinks"])
    return Activation(**given)


#: parameterised rows under names of their own, as they stand in code
LeakyReLU = activations["leaky_relu"]
ELU = activations["elu"]
Maxout = activations["maxout"]
