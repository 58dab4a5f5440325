"""Claims about what networks can represent: Boolean functions, towers, and functions with a jump."""

from __future__ import annotations

import itertools

import numpy as np

import clearprop as cp

Found = tuple[bool, str]

_GRID = np.linspace(-3, 3, 1201)[:, None]


def boolean_functions(hidden_layers: int) -> Found:
    """Whether perceptrons with so many hidden layers (0 or 1) give every function of 3 bits, exactly."""
    rows = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
    functions = [np.array(bits) for bits in itertools.product((0.0, 1.0), repeat=8)]
    given = _separable(rows) if hidden_layers == 0 else sum(_by_true_rows(rows, y) for y in functions)
    return given == len(functions), f"{given} of the {len(functions)} functions of 3 bits, without an error"


def _by_true_rows(rows: np.ndarray, y: np.ndarray) -> bool:
    """One hidden perceptron for each true row, and an OR of them."""
    true = rows[y == 1]
    if not len(true):
        true = rows[:1]  # one hidden unit that the output does not hear
    network = cp.Network(3, [cp.Dense(len(true), "step"), cp.Dense(1, "step")])
    signs = 2 * true - 1
    outgoing = np.full((1, len(true)), float(y.any()))
    theta = cp.parameters_from_arrays(network, [signs, outgoing], [0.5 - true.sum(axis=1), [-0.5]])
    return bool((cp.forward(network, theta, rows, engine="textbook")[:, 0] == y).all())


def _separable(rows: np.ndarray) -> int:
    """How many functions one perceptron gives: weights of -2 to 2 and half biases suffice for 3 bits."""
    weights = np.array(list(itertools.product(range(-2, 3), repeat=3)))
    biases = np.arange(-6.5, 7)
    on = (weights @ rows.T)[:, None, :] + biases[None, :, None] >= 0
    return len({tuple(each) for each in on.reshape(-1, len(rows))})


def towers(
    count: int, low: float, high: float, *, steepness: float = 4000.0
) -> tuple[cp.Network, cp.Parameters]:
    """A network of 2 sigmoids a tower whose sum follows the sine from `low` to `high`."""
    network = cp.Network(1, [cp.Dense(2 * count, "sigmoid"), cp.Dense(1, "identity")])
    edges = np.linspace(low, high, count + 1)
    heights = np.sin((edges[:-1] + edges[1:]) / 2)
    first = np.full((2 * count, 1), steepness)
    biases = -steepness * np.concatenate([edges[:-1], edges[1:]])
    theta = cp.parameters_from_arrays(network, [first, [[*heights, *-heights]]], [biases, [0.0]])
    return network, theta


def continuous_functions(domain: str) -> Found:
    """Whether one hidden layer of sigmoids follows the sine on a `domain`, as closely as one likes."""
    if domain == "compact":
        errors = [_tower_error(count) for count in (10, 100, 1000)]
        told = ", ".join(f"{each:.1g}" for each in errors)
        return errors[-1] < errors[0] / 50, f"sine on [-3, 3] by 10, 100, 1000 towers: errors {told}"
    network, theta = towers(100, -3.0, 3.0)
    X = 1e4 * np.pi + np.array([[np.pi / 2], [3 * np.pi / 2]])
    far = cp.forward(network, theta, X, engine="textbook")[:, 0]
    gap = float(np.abs(far - np.sin(X[:, 0])).max())
    return gap < 0.5, (
        f"far out every sigmoid is constant: at x = 31417.5 and 31420.6 it gives {abs(far[0]):.0f} twice, "
        f"the sine 1 and -1: an error of {gap:.0f}"
    )


def _tower_error(count: int) -> float:
    network, theta = towers(count, -3.0, 3.0)
    inside = _GRID[1:-1] + 1e-4 * np.pi  # no edge of a tower
    return float(np.abs(cp.forward(network, theta, inside, engine="textbook") - np.sin(inside)).max())


def jump(function: str) -> Found:
    """Whether sigmoids come within 0.1 of a function everywhere on [-1, 1]."""
    if function == "continuous":
        error = _tower_error(1000)
        return error < 0.1, f"sine, 1000 towers: error {error:.1g}"
    network = cp.Network(1, [cp.Dense(1, "sigmoid"), cp.Dense(1, "identity")])
    errors = []
    for w in (10.0, 1e3, 1e5):
        theta = cp.parameters_from_arrays(network, [[[w]], [[1.0]]], [[0.0], [0.0]])
        x = np.array([[-1e-9], [0.0]])
        g = cp.forward(network, theta, x, engine="textbook")[:, 0]
        errors.append(float(np.abs(g - [0.0, 1.0]).max()))
    told = ", ".join(f"{each:.3f}" for each in errors)
    return max(
        errors
    ) < 0.1, f"f = 0 below 0, 1 from 0 on; w = 10, 1000, 100000: errors {told} beside the jump"


def represented(how: str) -> Found:
    """Whether sums of towers equal the sine, or approach it."""
    errors = [_tower_error(count) for count in (10, 100, 1000)]
    told = "errors " + ", ".join(f"{each:.1g}" for each in errors) + " by 10, 100, 1000 towers"
    if how == "equal":
        return errors[-1] == 0, told + ": never 0"
    return errors[0] > 5 * errors[1] > 25 * errors[2], told


def tower_shapes(differ: str) -> Found:
    """Whether towers of one width, which differ in height and place (or in place alone), follow the sine."""
    network, theta = towers(1000, -3.0, 3.0)
    if differ == "place":
        theta.W[2][:] = np.sign(theta.W[2][0, 0]) * np.repeat([1.0, -1.0], 1000)
    x = _GRID[1:-1] + 1e-4 * np.pi
    error = float(np.abs(cp.forward(network, theta, x, engine="textbook") - np.sin(x)).max())
    return error < 0.05, f"1000 towers of one width: error {error:.1g}"


def steep_logistic(w: float) -> Found:
    """Whether the logistic of w x is the step, but for |x| < 0.01."""
    x = np.concatenate([np.linspace(-1, -0.01, 100), np.linspace(0.01, 1, 100)])
    gap = float(np.abs(_logistic(w * x) - (x > 0)).max())
    return gap < 1e-3, f"w = {w:g}: within {gap:.1g} of the step for |x| of 0.01 and more; at 0 it stays 1/2"


def slope(of: str) -> Found:
    """Whether w (or b) sets the logistic's slope at its middle."""
    slopes = [_middle_slope(w, b) for w, b in ((4.0, 1.0), (8.0, 1.0), (4.0, 2.0))]
    told = ", ".join(f"{each:.3g}" for each in slopes)
    moved = slopes[1] if of == "w" else slopes[2]
    return bool(
        np.isclose(moved, 2 * slopes[0])
    ), f"slopes at the middle for (w, b) = (4, 1), (8, 1), (4, 2): {told}, w/4"


def _middle_slope(w: float, b: float) -> float:
    middle, h = -b / w, 1e-4
    return float((_logistic(w * (middle + h) + b) - _logistic(w * (middle - h) + b)) / (2 * h))


def position(of: str) -> Found:
    """Whether the logistic of w x + b crosses 1/2 where b says: at -b/w."""
    w, b = 4.0, 2.0
    place = -b / w if of == "b" else 1 / w
    return bool(np.isclose(_logistic(w * place + b), 0.5)), (
        f"w = {w:g}, b = {b:g}: at x = {place:g} it is {_logistic(w * place + b):.3g}; "
        "it crosses at -b/w, so w counts too"
    )


def two_sigmoids(how: str) -> Found:
    """Whether two sigmoids with different biases, subtracted (or added), are a tower on [-1, 1]."""
    sign = -1.0 if how == "subtract" else 1.0
    network = cp.Network(1, [cp.Dense(2, "sigmoid"), cp.Dense(1, "identity")])
    theta = cp.parameters_from_arrays(network, [[[50.0], [50.0]], [[1.0, sign]]], [[50.0, -50.0], [0.0]])
    at = cp.forward(network, theta, [[-2.0], [0.0], [2.0]], engine="textbook")[:, 0]
    told = ", ".join(f"{abs(each.round(9)):.3g}" for each in at)
    return bool(
        np.allclose(at, [0, 1, 0], atol=1e-6)
    ), f"w = 50, b = 50 and -50: at x = -2, 0, 2 it is {told}"


def two_inputs(hidden_layers: int) -> Found:
    """Whether a tower over two inputs stands alone: two ridges' sum (1 hidden layer), or its logistic (2)."""
    layers = [cp.Dense(4, "sigmoid"), cp.Dense(1, "identity" if hidden_layers == 1 else "sigmoid")]
    network = cp.Network(2, layers)
    ridges = 50.0 * np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    scale, shift = (1.0, 0.0) if hidden_layers == 1 else (50.0, -75.0)
    theta = cp.parameters_from_arrays(
        network, [ridges, scale * np.array([[1, -1, 1, -1]])], [[50, -50, 50, -50], [shift]]
    )
    at = cp.forward(network, theta, [[0, 0], [0, 3], [3, 0], [3, 3]], engine="textbook")[:, 0]
    told = ", ".join(f"{abs(each.round(9)):.2g}" for each in at)
    return bool((at[1:] < 0.01).all()), f"at (0, 0), (0, 3), (3, 0), (3, 3): {told}"


def _logistic(z: np.ndarray | float) -> np.ndarray:
    z = np.atleast_1d(np.asarray(z, dtype=float))
    a = cp.activations["sigmoid"].value(z)
    return a if a.size > 1 else a[0]
