"""Activations that other libraries have and the shipped table has not, as rows of the same kind."""

from __future__ import annotations

import math

from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.rows import Interval

_INNER = "sqrt(2 / pi) * (z + 0.044715 * z**3)"

#: GELU with tanh in the place of erf; (1 + tanh u) / 2 is written as sigmoid(2u), which keeps its digits
GELU_TANH = Activation(
    "gelu_tanh",
    f"z * sigmoid(2 * {_INNER})",
    derivative=f"sigmoid(2 * {_INNER}) + a * (1 - sigmoid(2 * {_INNER}))"
    " * 2 * sqrt(2 / pi) * (1 + 0.134145 * z**2)",
    initializer="he_uniform",
    source="arXiv:1606.08415, section 2",
)
HARD_SWISH = Activation(
    "hard_swish",
    "z * minimum(maximum(z / 6 + 1 / 2, 0), 1)",
    derivative="where(abs(z) < 3, z / 3 + 1 / 2, where(z > 0, 1, 0))",
    kinks=(-3.0, 3.0),
    initializer="he_uniform",
    source="arXiv:1905.02244",
)
SOFTSIGN = Activation(
    "softsign",
    "z / (1 + abs(z))",
    derivative="1 / (1 + abs(z))**2",
    range=(-1, 1),
    source="Bergstra et al., 2009",
)
LOG_SIGMOID = Activation(
    "log_sigmoid",
    "-softplus(-z)",
    derivative="sigmoid(-z)",
    range=(-math.inf, 0),
    source="log of the sigmoid",
)
CELU = Activation(
    "celu",
    "where(z > 0, z, alpha * expm1(minimum(0, z) / alpha))",
    derivative="where(z > 0, 1, a / alpha + 1)",
    initializer="he_uniform",
    source="arXiv:1704.07483",
    alpha=1.0,
)


def clip(low: float, high: float) -> Activation:
    """z between two bounds: ReLU6 is `clip(0, 6)`, the hard tanh `clip(-1, 1)`.

    >>> clip(0, 6)
    Activation('clip', low=0, high=6)
    """
    return Activation(
        "clip",
        "minimum(maximum(z, low), high)",
        derivative="where(z > low, where(z < high, 1, 0), 0)",
        kinks=(float(low), float(high)),
        range=Interval(float(low), float(high), (True, True)),
        initializer="he_uniform",
        source="ReLU6, hard tanh",
        low=float(low),
        high=float(high),
    )


def softplus(beta: float, threshold: float) -> Activation:
    """Softplus of beta z, divided by beta; above the threshold on beta z it is z itself.

    The shipped row where that changes nothing beyond 1e-8.

    >>> softplus(1, 20).name, softplus(2, 20)
    ('softplus', Activation('softplus_beta', beta=2, threshold=20))
    """
    if beta == 1 and threshold >= 20:
        return _shipped("softplus")
    return Activation(
        "softplus_beta",
        "where(beta * z > threshold, z, softplus(beta * z) / beta)",
        derivative="where(beta * z > threshold, 1, sigmoid(beta * z))",
        kinks=(threshold / beta,),
        range=(0, math.inf),
        initializer="he_uniform",
        source="PyTorch's Softplus",
        beta=float(beta),
        threshold=float(threshold),
    )


def hard_sigmoid(alpha: float, beta: float) -> Activation:
    """clip(alpha z + beta, 0, 1); the shipped row where alpha is 1/6 and beta 1/2, to float32.

    >>> hard_sigmoid(0.2, 0.5)
    Activation('hard_sigmoid_sloped', alpha=0.2, beta=0.5)
    """
    if abs(alpha - 1 / 6) < 1e-7 and beta == 0.5:
        return _shipped("hard_sigmoid")
    return Activation(
        "hard_sigmoid_sloped",
        "minimum(maximum(alpha * z + beta, 0), 1)",
        derivative="where(alpha * z + beta > 0, where(alpha * z + beta < 1, alpha, 0), 0)",
        kinks=tuple(sorted((-beta / alpha, (1 - beta) / alpha))) if alpha else (),
        range=Interval(0, 1, (True, True)),
        source="ONNX HardSigmoid",
        alpha=float(alpha),
        beta=float(beta),
    )


def _shipped(name: str) -> Activation:
    row = activations[name]
    assert isinstance(row, Activation)  # noqa: S101 - for the type checker
    return row
