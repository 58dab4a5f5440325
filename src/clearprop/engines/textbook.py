"""The textbook engine: the notes' equations in NumPy, one numbered line each, and nothing else.

It is the oracle for every other engine and meant to be read from top to bottom beside the notes. A batch
has one example per row, so z^l = W^l x^l + b^l of the notes is `x[l] @ W[l].T + b[l]` here. The passes
take real numbers, complex numbers (for the complex step) and mpmath's numbers alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from clearprop.arrays import Array
from clearprop.engines.protocol import Engine, Masks, OptimizerState
from clearprop.formulas import language
from clearprop.formulas.activations import Activation, AnyActivation
from clearprop.formulas.language import REAL, Numbers
from clearprop.specification import Network, Parameters


@dataclass
class ForwardPass:
    """Everything a forward pass computed, by layer l = 1..L; `x[l]` is what layer l receives."""

    x: dict[int, Array] = field(default_factory=dict)
    z: dict[int, Array] = field(default_factory=dict)
    a: dict[int, Array] = field(default_factory=dict)


def activate(row: AnyActivation, z: Array, numbers: Numbers = REAL) -> Array:
    """A = g(z): (m, r_l) to (m, n_l)."""
    if isinstance(row, Activation):
        return row.value(z, numbers)
    if row.name == "softmax":
        return np.asarray(numbers["exp"](log_softmax(z, numbers)))
    if row.name == "monotone":
        return np.cumsum(np.concatenate((z[:, :1], numbers["softplus"](z[:, 1:])), axis=1), axis=1)
    pieces = z.reshape(len(z), -1, row.pieces)
    return np.take_along_axis(pieces, _largest(pieces), axis=2)[:, :, 0]


def pull_back(row: AnyActivation, upstream: Array, z: Array, a: Array, numbers: Numbers = REAL) -> Array:
    """dC/dz (m, r_l) from dC/da = `upstream` (m, n_l)."""
    if isinstance(row, Activation):
        return upstream * row.slope(z, a, numbers)
    if row.name == "softmax":
        return a * (upstream - (upstream * a).sum(axis=1, keepdims=True))
    if row.name == "monotone":
        above = np.cumsum(upstream[:, ::-1], axis=1)[:, ::-1]
        return np.concatenate((above[:, :1], above[:, 1:] * numbers["sigmoid"](z[:, 1:])), axis=1)
    pieces = z.reshape(len(z), -1, row.pieces)
    delta = np.zeros_like(pieces)
    np.put_along_axis(delta, _largest(pieces), upstream[:, :, None], axis=2)
    return delta.reshape(z.shape)


def _largest(pieces: Array) -> Array:
    """Index of the largest piece of each unit, the first among equals; (m, n_l, 1)."""
    return np.argmax(np.real(pieces), axis=2, keepdims=True)


def log_softmax(z: Array, numbers: Numbers = REAL) -> Array:
    """Logarithm of the softmax of each row, without overflow."""
    shifted = z - np.real(z).max(axis=1, keepdims=True)
    return shifted - numbers["log"](numbers["exp"](shifted).sum(axis=1, keepdims=True))


def forward_pass(
    network: Network, theta: Parameters, X: Array, masks: Masks | None = None, numbers: Numbers = REAL
) -> ForwardPass:
    """z, a and x of every layer. With masks, dropped units are 0 and the kept are divided by keep."""
    W, b = theta.W, theta.b
    seen = ForwardPass()
    x = dropped(X, network.dropouts[0], masks, 0)
    for l, layer in enumerate(network.layers, start=1):
        seen.x[l] = x
        z = x @ W[l].T  #                                                    z^l = W^l x^l + b^l     (F1)
        if b[l] is not None:
            z = z + b[l]
        seen.z[l] = z
        seen.a[l] = activate(layer.activation, z, numbers)  #                a^l = g_l(z^l)          (F2)
        x = dropped(seen.a[l], layer.dropout, masks, l)  #                     x^{l+1} = mask a^l/keep (F3)
    return seen


def dropped(a: Array, dropout: float, masks: Masks | None, l: int) -> Array:
    """mask * a / keep, where there is a mask for layer l (F3)."""
    if masks is None or l not in masks:
        return a
    keep = 1 - dropout
    return np.where(masks[l], a / a.real.dtype.type(keep) if a.dtype != object else a / keep, 0 * a)


def example_losses(network: Network, seen: ForwardPass, Y: Array, numbers: Numbers = REAL) -> Array:
    """Loss of each example, summed over its outputs, (m,): before weights and penalties."""
    z, a = seen.z[network.depth], seen.a[network.depth]
    if network.is_linked:
        log_a = log_softmax(z, numbers) if network.loss.link == "softmax" else z
        return network.loss.linked_value_of(z, a, Y, log_a, numbers).sum(axis=1)
    return network.loss.value_of(a, Y, numbers).sum(axis=1)


def output_delta(network: Network, seen: ForwardPass, Y: Array, numbers: Numbers = REAL) -> Array:
    """dLoss/dz of each example's own loss at the output layer, (m, r_L)."""
    L = network.depth
    z, a = seen.z[L], seen.a[L]
    if network.is_linked:
        return network.loss.linked_delta_of(z, a, Y, numbers)
    slope = network.loss.slope_of(a, Y, numbers)
    return pull_back(network.output.activation, slope, z, a, numbers)


def deltas_below(
    network: Network,
    theta: Parameters,
    seen: ForwardPass,
    top: Array,
    masks: Masks | None = None,
    numbers: Numbers = REAL,
) -> dict[int, Array]:
    """delta[l] of every layer, from `top` = delta[L] down."""
    W, delta = theta.W, {network.depth: top}
    for l in range(network.depth - 1, 0, -1):
        layer = network.layers[l - 1]
        upstream = dropped(delta[l + 1] @ W[l + 1], layer.dropout, masks, l)
        delta[l] = pull_back(layer.activation, upstream, seen.z[l], seen.a[l], numbers)  #           (BP2)
    return delta


def backward_pass(
    network: Network,
    theta: Parameters,
    seen: ForwardPass,
    Y: Array,
    scale: Array,
    masks: Masks | None = None,
    numbers: Numbers = REAL,
) -> tuple[dict[int, Array], Parameters]:
    """delta[l] of every layer, and the gradient of sum_i scale_i loss_i; no penalties (see `penalize`)."""
    top = scale[:, None] * output_delta(network, seen, Y, numbers)  #                                (BP1)
    delta = deltas_below(network, theta, seen, top, masks, numbers)  #                               (BP2)
    gradient = Parameters(network, np.zeros_like(theta.flat))
    for l in range(1, network.depth + 1):
        db = gradient.b[l]
        if db is not None:
            db[...] = delta[l].sum(axis=0)  #                                                        (BP3)
        gradient.W[l][...] = delta[l].T @ seen.x[l]  #                                               (BP4)
    return delta, gradient


def penalty(network: Network, theta: Parameters) -> float:
    """P = l2/2 |W|^2 + l1 |W|_1 over all weights, in theta's own numbers."""
    total = 0.0
    for segment in network.segments:
        weights = theta.flat[segment.offset : segment.stop]
        if segment.l2:
            total = total + segment.l2 / 2 * (weights * weights).sum()
        if segment.l1:
            total = total + segment.l1 * REAL["abs"](weights).sum()
    return total


def penalize(network: Network, theta: Array, gradient: Array, factor: float = 1.0) -> Array:
    """Gradient with factor dP/dW added (the last term of BP4); the sign of a weight of 0 is 0."""
    penalized = gradient.copy()
    for segment in network.segments:
        piece = slice(segment.offset, segment.stop)
        if segment.l2:
            penalized[piece] += theta.dtype.type(segment.l2 * factor) * theta[piece]
        if segment.l1:
            penalized[piece] += theta.dtype.type(segment.l1 * factor) * np.sign(theta[piece])
    return penalized


class Textbook(Engine):
    """NumPy engine of the equations as they stand in the notes; slow, and right.

    Examples
    --------
    >>> from clearprop.specification import Dense
    >>> net = Network(2, [Dense(1, "sigmoid")])
    >>> Textbook(net, "float64").forward(np.zeros(3), np.ones((1, 2)))
    array([[0.5]])
    """

    name = "textbook"

    def forward(self, theta: Array, X: Array) -> Array:
        """y_hat (m, n_L)."""
        seen = forward_pass(self.network, Parameters(self.network, theta), X)
        return seen.a[self.network.depth]

    def evaluate(self, theta: Array, X: Array, Y: Array, scale: Array) -> tuple[float, Array]:
        """Sum of scale_i * loss_i in float64, and y_hat (m, n_L)."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            seen = forward_pass(self.network, Parameters(self.network, theta), X)
            losses = example_losses(self.network, seen, Y)
        return float((scale.astype(np.float64) * losses).sum()), seen.a[self.network.depth]

    def gradient_sum(
        self, theta: Array, X: Array, Y: Array, scale: Array, masks: Masks | None = None
    ) -> tuple[float, Array]:
        """Sum of scale_i * loss_i in float64, and its gradient."""
        parameters = Parameters(self.network, theta)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            seen = forward_pass(self.network, parameters, X, masks)
            losses = example_losses(self.network, seen, Y)
            _, gradient = backward_pass(self.network, parameters, seen, Y, scale, masks)
        return float((scale.astype(np.float64) * losses).sum()), gradient.flat

    def square_norms(self, theta: Array, X: Array, Y: Array) -> Array:
        """|dLoss_i/dtheta|**2 = sum over l of |delta_i[l]|**2 (|x_i[l]|**2 + 1), float64 (m,)."""
        network, parameters = self.network, Parameters(self.network, theta)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            seen = forward_pass(network, parameters, X)
            delta = deltas_below(network, parameters, seen, output_delta(network, seen, Y))
        squares = np.zeros(len(X))
        for l, layer in enumerate(network.layers, start=1):
            own, given = delta[l].astype(np.float64), seen.x[l].astype(np.float64)
            squares += (own**2).sum(axis=1) * ((given**2).sum(axis=1) + layer.bias)
        return squares

    def update(
        self, theta: Array, gradient: Array, state: OptimizerState, rate: float, penalty_factor: float = 1.0
    ) -> None:
        """One step of the optimizer's rule, in place."""
        rule, real = self.optimizer, theta.dtype.type
        state.t += 1
        g = penalize(self.network, theta, gradient, penalty_factor)
        if rule.clip_norm is not None:
            norm = float(np.sqrt((g.astype(np.float64) ** 2).sum()))
            g *= real(rule.clip_norm / norm if norm > rule.clip_norm else 1.0)
        given = {name: real(value) for name, value in rule.parameters}
        scalars = zip(rule.scalars, rule.scalar_values(state.t)[0], strict=True)
        given |= {name: real(value) for (name, _), value in scalars}
        for segment in self.network.segments:
            piece = slice(segment.offset, segment.stop)
            step_rate = real(rate * segment.rate_factor)
            values = {**given, "theta": theta[piece], "g": g[piece], "rate": step_rate}
            if segment.decays and rule.weight_decay:
                values["theta"] = theta[piece] * (1 - step_rate * real(rule.weight_decay))
            values |= {name: state.slots[i, piece] for i, (name, _) in enumerate(rule.slots)}
            for i, (name, text) in enumerate(rule.slots):
                values[name] = language.evaluate(text, values)
                state.slots[i, piece] = values[name]
            theta[piece] = language.evaluate(rule.step, values)
