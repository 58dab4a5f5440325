"""The assignment of note 001: dL/dw_13^1, for the network of the slide before it."""

from __future__ import annotations

import numpy as np

import clearprop as cp
from clearprop.glassbox.trace import Trace

Found = tuple[bool, str]

#: which unit the first index of w_13 names -> the weight in the house's notation
_WEIGHTS = {"receiver first": "W[1][0,2]", "sender first": "W[1][2,0]"}
_ANSWER = "(y_hat[0] - y[0]) * W[2][0,0] * a[1][0] * (1 - a[1][0]) * x[2]"
_X3 = 2.0  #: the slide names no x_3


def exercise() -> Trace:
    """The slide's network and its numbers, as far as it gives them."""
    network = cp.Network(3, [cp.Dense(3, "sigmoid"), cp.Dense(1, "sigmoid")], loss="binary_cross_entropy")
    first = [[0.1, 0.4, -0.2], [0.3, 0.1, 0.5], [-0.6, 0.2, 0.1]]
    theta = cp.parameters_from_arrays(network, [first, [[12.0, -1.0, 0.5]]], [[0] * 3, [0]])
    given = {"z[1][0]": 0.5, "a[1][0]": 0.37, "y_hat[0]": 0.25}
    return cp.trace(network, theta, [[60.0, 1.0, _X3]], [1], given=given)


def answer(index: str) -> Found:
    """Whether the path through the first hidden unit is the gradient of w_13, read with this index first."""
    row = exercise()
    found = cp.check_formula(_ANSWER, _WEIGHTS[index], network=row.network)
    value = row.derive("W[1][0,2]").value
    right = bool(np.isclose(value, -0.75 * 12 * 0.37 * (1 - 0.37) * _X3))
    return found.right and right, (
        f"{index}: `{_ANSWER}` is {'right' if found.right else 'not it'} for `{_WEIGHTS[index]}`; "
        f"with the slide's numbers {value / _X3:.6g} x_3"
    )


def derivation() -> str:
    """The derivation of the answer with the slide's numbers, as text."""
    return str(exercise().derive("W[1][0,2]"))
