"""The backward pass taken with absolute values: how large the terms of each gradient are.

A gradient is a sum of terms that may cancel: on a trained network y_hat - y is nearly 0 though neither
of the two is. Rounding errors are as large as the *terms* allow, so an engine's error is measured against
the size of the terms, not of their sum. This file reads every formula a second time, as numbers that
carry the size of what was added up to them:

    size(u +- v) = size u + size v
    size(u * v) = max(size u |v|, |u| size v), and likewise u / v
    size(f(u)) = |f(u)| + |f'(u)| size u, with f' by complex step
    where(), maximum() and minimum() take the branch taken

and walks BP1 to BP4 with |W|, |x| and these sizes. Sizes of z and a count the terms of their own layer,
|W| |x| + |b|: they do not pile up over the layers below, so that a deep network is not excused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.protocol import Masks
from clearprop.engines.textbook import ForwardPass
from clearprop.formulas import language
from clearprop.formulas.activations import Activation, AnyActivation
from clearprop.formulas.losses import Loss
from clearprop.specification import Network, Parameters

STEP = 1e-30  #: the complex step: exact to rounding, since nothing is subtracted


@dataclass(frozen=True, eq=False)
class Sized:
    """A number (or array) and the size of the terms it was added up from; what a formula reads here."""

    value: Any
    size: Any

    __array_ufunc__ = None  # NumPy leaves the arithmetic to this class

    @property
    def real(self) -> Any:
        """What comparisons of the formula language look at."""
        return self.value

    def __neg__(self) -> Sized:
        return Sized(-self.value, self.size)

    def __add__(self, other: Any) -> Sized:
        other = _sized(other)
        return Sized(self.value + other.value, self.size + other.size)

    def __sub__(self, other: Any) -> Sized:
        return self + -_sized(other)

    def __mul__(self, other: Any) -> Sized:
        other = _sized(other)
        size = np.maximum(self.size * np.abs(other.value), np.abs(self.value) * other.size)
        return Sized(self.value * other.value, size)

    def __truediv__(self, other: Any) -> Sized:
        other = _sized(other)
        quotient = self.value / other.value
        size = np.maximum(self.size, np.abs(quotient) * other.size) / np.abs(other.value)
        return Sized(quotient, size)

    def __pow__(self, other: Any) -> Sized:
        exponent = other.value if isinstance(other, Sized) else other
        power = _through(lambda base: base**exponent, self)
        if not isinstance(other, Sized):
            return power
        return Sized(power.value, power.size + _through(lambda e: self.value**e, other).size)

    def __radd__(self, other: Any) -> Sized:
        return _sized(other) + self

    def __rsub__(self, other: Any) -> Sized:
        return _sized(other) - self

    def __rmul__(self, other: Any) -> Sized:
        return _sized(other) * self

    def __rtruediv__(self, other: Any) -> Sized:
        return _sized(other) / self

    def __rpow__(self, other: Any) -> Sized:
        return _through(lambda exponent: other**exponent, self)


def _sized(given: Any) -> Sized:
    return given if isinstance(given, Sized) else Sized(given, np.abs(given))


def _through(function: Callable[[Any], Any], argument: Any) -> Sized:
    """|f(u)| + |f'(u)| size u; an infinite slope counts as none, which forgives nothing."""
    u = _sized(argument)
    value = function(u.value)
    slope = np.imag(function(u.value + 1j * STEP)) / STEP
    return Sized(value, np.abs(value) + np.where(np.isfinite(slope), np.abs(slope), 0.0) * u.size)


def _where(condition: Any, yes: Any, no: Any) -> Sized:
    yes, no = _sized(yes), _sized(no)
    return Sized(np.where(condition, yes.value, no.value), np.where(condition, yes.size, no.size))


def _maximum(a: Any, b: Any) -> Sized:
    return _where(np.real(b) >= np.real(a), b, a)


def _minimum(a: Any, b: Any) -> Sized:
    return _where(np.real(b) <= np.real(a), b, a)


def _primitive(function: Callable[..., Any]) -> Callable[..., Sized]:
    return lambda argument: _through(function, argument)


#: the reading of the primitives on `Sized` numbers
SIZES: language.Numbers = {
    **{name: _primitive(function) for name, function in language.REAL.items()},
    "where": _where,
    "maximum": _maximum,
    "minimum": _minimum,
    "abs": lambda u: _maximum(u, -_sized(u)),
}


def sized(text: str, values: Mapping[str, Any], like: Array) -> Sized:
    """Value and size of a formula, both of the shape of `like`; `values` holds `Sized` or plain numbers.

    >>> p, y = Sized(np.array([0.75]), np.array([0.75])), np.array([0.75])
    >>> found = sized("p - y", {"p": p, "y": y}, y)
    >>> found.value, found.size
    (array([0.]), array([1.5]))
    """
    lifted = {name: value if np.ndim(value) == 0 else _sized(value) for name, value in values.items()}
    found = _sized(language.evaluate(text, lifted, SIZES))
    return Sized(np.broadcast_to(found.value, like.shape), np.broadcast_to(found.size, like.shape))


@dataclass(frozen=True)
class Sizes:
    """What `backward_sizes` found, by layer l = 1..L."""

    z: Mapping[int, Sized]  #: (m, r_l)
    a: Mapping[int, Sized]  #: (m, n_l)
    gradient: Parameters  #: sizes of dC/dW[l] and dC/db[l]


def backward_sizes(
    network: Network,
    theta: Parameters,
    seen: ForwardPass,
    Y: Array,
    scale: Array,
    masks: Masks | None = None,
) -> Sizes:
    """Sizes of dC/dtheta, penalties included: BP1 to BP4 with absolute values, in float64.

    Parameters
    ----------
    seen : ForwardPass
        The textbook's forward pass of the same theta, examples and masks, in float64.
    Y : array (m, n_L)
    scale : array (m,)
        w_i / sum w.
    """
    with np.errstate(all="ignore"):
        return _backward_sizes(network, theta, seen, Y, scale, masks)


def _backward_sizes(
    network: Network, theta: Parameters, seen: ForwardPass, Y: Array, scale: Array, masks: Masks | None
) -> Sizes:
    L = network.depth
    x, z, a = {1: np.abs(seen.x[1])}, {}, {}
    for l, layer in enumerate(network.layers, start=1):
        terms = np.abs(seen.x[l]) @ np.abs(theta.W[l]).T
        bias = theta.b[l]
        z[l] = Sized(seen.z[l], terms if bias is None else terms + np.abs(bias))
        a[l] = Sized(seen.a[l], _size_of_activation(layer.activation, z[l], seen.a[l]))
        x[l + 1] = _drop(a[l].size, layer.dropout, masks, l)

    delta = {L: np.abs(scale)[:, None] * _size_of_row_delta(network, z[L], a[L], Y)}
    for l in range(L - 1, 0, -1):
        layer = network.layers[l - 1]
        upstream = _drop(delta[l + 1] @ np.abs(theta.W[l + 1]), layer.dropout, masks, l)
        delta[l] = _size_of_pullback(layer.activation, upstream, z[l], a[l])

    gradient = Parameters(network, np.zeros(network.n_parameters))
    for segment in network.segments:
        l, piece = segment.layer, slice(segment.offset, segment.stop)
        found = delta[l].T @ x[l] if segment.kind == "W" else delta[l].sum(axis=0)
        weights = theta.flat[piece]
        penalty = segment.l2 * np.abs(weights) + segment.l1 * (weights != 0)
        gradient.flat[piece] = found.ravel() + penalty
    return Sizes(z, a, gradient)


def _drop(size: Array, dropout: float, masks: Masks | None, l: int) -> Array:
    return size if masks is None or l not in masks else size * masks[l] / (1 - dropout)


def _size_of_activation(row: AnyActivation, z: Sized, a: Array) -> Array:
    if isinstance(row, Activation):
        return sized(row.formula, {"z": z, **dict(row.parameters)}, z.value).size
    if row.name == "softmax":
        return a * (1 + z.size + (a * z.size).sum(axis=1, keepdims=True))
    if row.name == "monotone":
        return np.cumsum(_monotone_steps(z, "softplus(z)"), axis=1)
    pieces, sizes = (array.reshape(len(a), -1, row.pieces) for array in (z.value, z.size))
    return np.take_along_axis(sizes, pieces.argmax(axis=2, keepdims=True), axis=2)[:, :, 0]


def _monotone_steps(z: Sized, text: str) -> Array:
    """Sizes of the steps between the outputs of 'monotone', or of their slopes; the first is z's own."""
    steps = sized(text, {"z": z}, z.value).size.copy()
    steps[:, 0] = z.size[:, 0]
    return steps


def _size_of_row_delta(network: Network, z: Sized, a: Sized, Y: Array) -> Array:
    """Size of one example's dLoss/dz, (m, r_L)."""
    loss: Loss = network.loss
    given = {"a": a, "y": Y, **loss.constants}
    if network.is_linked:
        return sized(loss.linked_delta, {"z": z, **given}, z.value).size
    slope = sized(loss.slope, given, a.value).size
    return _size_of_pullback(network.output.activation, slope, z, a)


def _size_of_pullback(row: AnyActivation, upstream: Array, z: Sized, a: Sized) -> Array:
    if isinstance(row, Activation):
        return upstream * sized(row.derivative, {"z": z, "a": a, **dict(row.parameters)}, z.value).size
    if row.name == "softmax":
        return a.size * (upstream + (upstream * a.value).sum(axis=1, keepdims=True))
    if row.name == "monotone":
        steps = _monotone_steps(z, "sigmoid(z)")
        steps[:, 0] = 1.0
        return np.cumsum(upstream[:, ::-1], axis=1)[:, ::-1] * steps
    pieces = z.value.reshape(len(z.value), -1, row.pieces)
    size = np.zeros_like(pieces)
    np.put_along_axis(size, pieces.argmax(axis=2, keepdims=True), upstream[:, :, None], axis=2)
    return size.reshape(z.value.shape)
