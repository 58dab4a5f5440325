"""Claims about gradient descent: its direction, its loops, what it averages, where it stands still."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np

import clearprop as cp
from notes_checked.shapes import WIDE

Found = tuple[bool, str]

_X = np.array([[1.0, -0.5, 0.5, 2.0], [0.0, 1.0, -1.0, 0.5], [2.0, 0.0, 1.0, -1.0]])
_Y = np.array([[1.0, -1.0], [0.5, 0.0], [-1.0, 1.0]])


def direction(sign: float) -> Found:
    """Whether a step of sign * 0.01 dC/dtheta lowers C."""
    theta = WIDE.initialize(seed=0)
    before, slope = cp.gradient(WIDE, theta, _X, _Y, engine="textbook")
    theta.flat += sign * 0.01 * slope.flat
    after, _ = cp.gradient(WIDE, theta, _X, _Y, engine="textbook")
    return after < before, f"a step of {sign:+g} * 0.01 dC/dtheta takes C from {before:.4g} to {after:.4g}"


def first_order(factor: float) -> Found:
    """Whether a small change of one weight changes C by factor * dC/dW * change."""
    theta, h = WIDE.initialize(seed=0), 1e-6
    before, slope = cp.gradient(WIDE, theta, _X, _Y, engine="textbook")
    theta.W[1][0, 0] += h
    after, _ = cp.gradient(WIDE, theta, _X, _Y, engine="textbook")
    told, true = factor * float(slope.W[1][0, 0]), (after - before) / h
    return bool(np.isclose(told, true, rtol=1e-4)), (
        f"a change of 1e-6 changes C by {true:.4g} of it, dC/dW[1][0,0] is {told / factor:.4g}"
    )


def both_cases(cases: tuple[str, ...]) -> Found:
    """Whether the rules for the output layer and for the hidden ones give all of the gradient."""
    theta = WIDE.initialize(seed=0)
    trace = cp.trace(WIDE, theta, _X[:1], _Y[:1])
    _, slope = cp.gradient(WIDE, theta, _X[:1], _Y[:1], engine="textbook")
    given = 0
    for l in range(1, WIDE.depth + 1):
        case = "output" if l == WIDE.depth else "hidden"
        same = np.allclose(slope.W[l], np.asarray(trace.dW[l]))
        given += slope.W[l].size * (same and case in cases)
    true = sum(W.size for W in slope.W.values())
    return given == true, f"4-5-3-2: {' and '.join(cases)} layers give {given} of the {true} numbers of dC/dW"


def cross_entropy_descends(sign: float) -> Found:
    """Whether steps against the gradient lower the cross-entropy."""
    network = cp.Network(2, [cp.Dense(3, "sigmoid"), cp.Dense(4, "softmax")])
    theta, losses = network.initialize(seed=0), []
    for _ in range(51):
        loss, slope = cp.gradient(network, theta, [[1.0, -1.0], [0.5, 2.0]], [0, 3], engine="textbook")
        losses.append(loss)
        theta.flat += sign * 0.1 * slope.flat
    return losses[-1] < losses[0], f"50 steps of {sign:+g} * 0.1: from {losses[0]:.3g} to {losses[-1]:.3g}"


def loop_of_updates(step: str) -> Found:
    """Whether `while t++ < 3` updates from theta_0 on; t counts before or after the loop's body."""
    theta: dict[int, float] = {0: 1.0}
    t, said = 0, []
    for _ in range(3):
        if step == "condition":
            t += 1
        if t not in theta:
            return (
                False,
                f"when the first update runs the condition has made t = {t}: theta_{t} is not there yet",
            )
        theta[t + 1] = theta[t] - 0.1 * theta[t]
        said.append(f"theta_{t + 1}")
        if step == "body":
            t += 1
    return True, f"from theta_0: {', '.join(said)}"


def forward_loop(first: int) -> Found:
    """Whether z^v = b^v + W^v a^{v-1} can be worked out from v = first on, to L - 1."""
    theta = WIDE.initialize(seed=0)
    a = {0: _X[0]}
    for v in range(first, WIDE.depth):
        if v not in theta.W or v - 1 not in a:
            return (
                False,
                f"v = {v} asks for W[{v}], b[{v}] and a[{v - 1}]; there are W[1] to W[3], and a[0] = x",
            )
        a[v] = np.tanh(theta.b[v] + theta.W[v] @ a[v - 1])  # type: ignore[operator]  # every layer has a bias
    y_hat = theta.b[3] + theta.W[3] @ a[2]  # type: ignore[operator]
    same = np.allclose(y_hat, cp.forward(WIDE, theta, _X[:1], engine="textbook")[0])
    return bool(same), f"v = {first} to 2, then the output layer: y_hat as the forward pass has it"


def backward_loop(last: int) -> Found:
    """Whether the lines for the layer below can run for v = L down to `last`."""
    for v in range(WIDE.depth, last - 1, -1):
        if v - 1 not in range(1, WIDE.depth + 1):
            return False, f"v = {v} asks for dC/dz of layer {v - 1}, the inputs, which have no z"
    return True, f"v = 3 down to {last}: each layer below has its z"


def example_mean(how: str) -> Found:
    """Whether the mean (or the sum) of the examples' gradients is the gradient of C."""
    theta = WIDE.initialize(seed=0)
    single = [
        cp.gradient(WIDE, theta, x[None], y[None], engine="textbook")[1].flat
        for x, y in zip(_X, _Y, strict=True)
    ]
    _, whole = cp.gradient(WIDE, theta, _X, _Y, engine="textbook")
    made = np.mean(single, axis=0) if how == "mean" else np.sum(single, axis=0)
    ratio = float(np.linalg.norm(made) / np.linalg.norm(whole.flat))
    return bool(
        np.allclose(made, whole.flat)
    ), f"3 examples: the {how} is {ratio:.3g} times the gradient of C"


def _descended(theta: cp.Parameters, steps: int) -> cp.Parameters:
    plain = {"batch_size": len(_X), "engine": "textbook", "progress": False}
    return cp.train(WIDE, _X, _Y, initial=theta, optimizer=cp.SGD(0.05), epochs=steps, **plain).theta


def minimised(over: str) -> Found:
    """Whether min over this (C, or the parameters) asks for something of the network."""
    theta = WIDE.initialize(seed=0)
    y_hat = cp.forward(WIDE, theta, _X, engine="textbook")
    first = float(((y_hat - _Y) ** 2).sum(axis=1).mean())
    if over == "C":
        scaled = [first * c for c in (1.0, 0.1, 0.0)]
        told = ", ".join(f"{each:.3g}" for each in scaled)
        return (
            False,
            f"with C free, c times the squares for c = 1, 0.1, 0 gives {told} with the same outputs",
        )
    theta = _descended(theta, 100)
    loss, _ = cp.gradient(WIDE, theta, _X, _Y, engine="textbook")
    return (
        loss < first / 2,
        f"100 steps of gradient descent over W and b take C from {first:.3g} to {loss:.2g}",
    )


def minimises(kind: str) -> Found:
    """Whether a network (as it is begun, or after training) minimises C: its gradient is almost 0."""
    theta = WIDE.initialize(seed=0)
    if kind == "trained":
        theta = _descended(theta, 500)
    loss, slope = cp.gradient(WIDE, theta, _X, _Y, engine="textbook")
    size = float(np.linalg.norm(slope.flat))
    small = "below 0.01" if size < 1e-2 else f"{size:.1g}"
    return size < 1e-2 and loss < 1e-3, f"4-5-3-2, {kind}: |dC/dtheta| is {small}"


def gradient_moves(what: str) -> Found:
    """Whether the equations of the gradient (or those with the update) change a weight."""
    theta = WIDE.initialize(seed=0)
    before = theta.flat.copy()
    _, slope = cp.gradient(WIDE, theta, _X, _Y, engine="textbook")
    if what == "update":
        theta.flat -= 0.1 * slope.flat
    changed = int((theta.flat != before).sum())
    return changed > 0, f"{changed} of {before.size} parameters changed"


def flat_spot(said: tuple[str, float, float]) -> Found:
    """Whether a loss of one sigmoid neuron has almost no gradient for a target y, at z."""
    loss, y, z = said
    network = cp.Network(1, [cp.Dense(1, "sigmoid")], loss=loss)
    theta = cp.parameters_from_arrays(network, [[[z]]], [[0.0]])
    _, slope = cp.gradient(network, theta, [[1.0]], [[y]], engine="textbook")
    y_hat = float(cp.forward(network, theta, [[1.0]], engine="textbook")[0, 0])
    value = float(slope.W[1][0, 0])
    return abs(value) < 1e-3, f"{loss}, x = 1, y = {y:g}, y_hat = {y_hat:.6f}: dC/dw = {value:.2g}"


def slow(loss: str) -> Found:
    """Whether a sigmoid neuron that is wrong takes more than 1000 steps to y_hat = 1/2."""
    network = cp.Network(1, [cp.Dense(1, "sigmoid", bias=False)], loss=loss)
    theta = cp.parameters_from_arrays(network, [[[-8.0]]], [None])
    for step in count():
        if theta.W[1][0, 0] >= 0 or step == 20000:
            return step > 1000, f"{loss}, eta = 0.5, from y_hat = 0.0003 with y = 1: {step} steps to 1/2"
        theta.flat -= 0.5 * cp.gradient(network, theta, [[1.0]], [[1.0]], engine="textbook")[1].flat
    raise AssertionError


def saturated(z: float) -> Found:
    """Whether the sigmoid has almost no slope at z."""
    slope = float(
        cp.activations["sigmoid"].slope(np.array([z]), cp.activations["sigmoid"].value(np.array([z])))[0]
    )
    return slope < 1e-4, f"sigma'({z:g}) = {slope:.2g}; at 0 it is 1/4, the largest"


def no_change(z: float) -> Found:
    """Whether an update of a sigmoid neuron at z leaves the loss where it was."""
    network = cp.Network(1, [cp.Dense(1, "sigmoid")], loss="half_squared_error")
    theta = cp.parameters_from_arrays(network, [[[z]]], [[0.0]])
    before, slope = cp.gradient(network, theta, [[1.0]], [[0.0]], engine="textbook")
    theta.flat -= 0.1 * slope.flat
    after, _ = cp.gradient(network, theta, [[1.0]], [[0.0]], engine="textbook")
    return before - after < 1e-6, f"half squares, y = 0, z = {z:g}: one step lowers C by {before - after:.1g}"


def relu_slope_at_zero(slopes: tuple[float, float]) -> Found:
    """Whether both one-sided slopes of ReLU at 0 are the one said; (0, 1) names the two that there are."""
    relu, h = cp.activations["relu"], 1e-6
    at = relu.value(np.array([-h, 0.0, h]))
    true = (float((at[1] - at[0]) / h), float((at[2] - at[1]) / h))
    house = float(relu.slope(np.array([0.0]), np.array([0.0]))[0])
    return slopes == true, (
        f"the difference quotients at 0 are {true[0]:g} from below and {true[1]:g} from above: no "
        f"derivative; any number between serves, the house takes {house:g}"
    )


def cost_with_slope(cost: str) -> Found:
    """Whether a cost of the outputs tells descent where to go: its slope is not 0 everywhere."""

    def value(s: float) -> float:
        return float(s <= 0) if cost == "mistakes" else max(0.0, 1 - s)

    at = [-2.0, -0.5, 0.5]
    slopes = [(value(s + 1e-6) - value(s - 1e-6)) / 2e-6 for s in at]
    told = ", ".join(f"{each:.3g}" for each in slopes)
    return any(slopes), f"{cost}, y = 1, at s = -2, -0.5, 0.5: slopes {told}"


def dropout(probability: float) -> Found:
    """Whether dropout narrows the gap between the losses on held-out and training rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    Y = X[:, :1] + rng.normal(size=(200, 1))
    gaps = []
    for p in (0.0, probability):
        network = cp.Network(5, [cp.Dense(40, "relu", dropout=p), cp.Dense(1)])
        model = cp.train(
            network, X[:40], Y[:40], optimizer=cp.Adam(0.01), epochs=150, engine="textbook", progress=False
        )
        inside, outside = (
            cp.gradient(network, model.theta, X[k], Y[k], engine="textbook")[0]
            for k in (slice(40), slice(40, 200))
        )
        gaps.append(outside - inside)
    narrower = gaps[1] < 0.95 * gaps[0]
    return (
        narrower,
        f"5-40-1, 40 noisy rows: the gap is {'narrower than' if narrower else 'as wide as'} without dropout",
    )


def number_slope(function: Callable[[np.ndarray], np.ndarray], x: float) -> float:
    """Derivative of a function at x, through a complex step."""
    return float(np.imag(function(np.array([x + 1e-20j]))[0]) / 1e-20)


def quotient_rule(sign: float) -> Found:
    """Whether (f/g)' = f'/g + sign * f g'/g^2, for f = sin x and g = exp x at x = 1."""
    true = number_slope(lambda x: np.sin(x) / np.exp(x), 1.0)
    made = np.cos(1.0) / np.exp(1.0) + sign * np.sin(1.0) * np.exp(1.0) / np.exp(1.0) ** 2
    return bool(
        np.isclose(true, made)
    ), f"sin x / exp x at 1: the rule gives {made:.6g}, the derivative is {true:.6g}"


def several_paths(count_: int) -> Found:
    """Whether so many of three paths, summed, are dz/dx of z = sin x + x^2 exp x."""
    true = number_slope(lambda x: np.sin(x) + x**2 * np.exp(x), 1.0)
    terms = [np.cos(1.0), np.exp(1.0) * 2.0, 1.0 * np.exp(1.0)]
    made = sum(terms[:count_])
    return bool(
        np.isclose(true, made)
    ), f"z = sin x + x^2 exp x at 1: {count_} of 3 paths give {made:.6g}, dz/dx is {true:.6g}"
