"""Claims about losses, entropies and the outputs that they judge."""

from __future__ import annotations

import numpy as np

import clearprop as cp
from notes_checked.networks import NETWORKS

Found = tuple[bool, str]


def information(order: str) -> Found:
    """Whether likelier events have less (or more) information content, -log2 p."""
    content = [float(-np.log2(p)) for p in (0.9, 0.5, 0.01)]
    falls = content[0] < content[1] < content[2]
    return falls == (order == "less"), "p = 0.9, 0.5, 0.01: " + ", ".join(
        f"{each:.2f}" for each in content
    ) + " bits"


def _cross_entropy(p: np.ndarray, q: np.ndarray) -> float:
    bits = cp.losses["cross_entropy_bits"]
    return float(bits.value_of(q[None], p[None]).sum())


def closeness(measure: str) -> Found:
    """Whether the cross-entropy is least at q = p; "distance" claims besides that it is 0 there."""
    p = np.array([0.7, 0.2, 0.1])
    at = [_cross_entropy(p, np.array(q)) for q in ([0.7, 0.2, 0.1], [0.6, 0.2, 0.2], [0.1, 0.2, 0.7])]
    told = f"p = (0.7, 0.2, 0.1): {at[0]:.3f} at q = p, {at[1]:.3f} nearby, {at[2]:.3f} far away"
    if measure == "distance":
        return at[0] == 0, told + "; at q = p it is the entropy of p, which is 0 for one-hot p alone"
    return at[0] < at[1] < at[2], told + "; its least is the entropy of p, which is 0 for one-hot p alone"


def probability(of: str) -> Found:
    """Whether log2(y_hat_t) (or y_hat_t) is a probability: between 0 and 1."""
    y_hat = np.array([0.2, 0.1, 0.4, 0.3])
    value = float(np.log2(y_hat[1])) if of == "log" else float(y_hat[1])
    return 0 <= value <= 1, f"y_hat_t = 0.1: it is {value:.3g}"


def likelihood(sign: float) -> Found:
    """Whether sign * log2(y_hat_t) falls while the true class grows likelier."""
    values = [sign * float(np.log2(p)) for p in (0.1, 0.5, 0.9)]
    falls = values[0] > values[1] > values[2]
    return falls, "y_hat_t = 0.1, 0.5, 0.9: " + ", ".join(f"{each:.3g}" for each in values)


def _outputs(activation: str, z: list[float]) -> np.ndarray:
    network = cp.Network(len(z), [cp.Dense(len(z), activation)])
    theta = cp.parameters_from_arrays(network, [np.eye(len(z))], [np.zeros(len(z))])
    return cp.forward(network, theta, [z], engine="textbook")[0]


def sums_to_one(activation: str) -> Found:
    """Whether an output activation gives a probability distribution: positive, with sum 1."""
    y_hat = _outputs(activation, [2.0, 0.0, -1.0])
    told = ", ".join(f"{each:.3f}" for each in y_hat)
    return bool(np.isclose(y_hat.sum(), 1)), f"z = (2, 0, -1): {told}, sum {y_hat.sum():.3f}"


def not_a_distribution(activation: str) -> Found:
    """Whether every output lies between 0 and 1, and they do not sum to 1."""
    y_hat = _outputs(activation, [2.0, 0.0, -1.0])
    inside = bool(((y_hat > 0) & (y_hat < 1)).all())
    return inside and not np.isclose(
        y_hat.sum(), 1
    ), f"z = (2, 0, -1): {np.round(y_hat, 3).tolist()}, sum {y_hat.sum():.3f}"


def softmax_of(argument: str) -> Found:
    """Whether a softmax output depends on its own z alone, or on all of them."""
    before, after = _outputs("softmax", [1.0, 0.0, 0.0])[0], _outputs("softmax", [1.0, 2.0, 0.0])[0]
    alone = bool(np.isclose(before, after))
    return alone == (
        argument == "z_j"
    ), f"z = (1, 0, 0) and (1, 2, 0): y_hat_1 is {before:.3f} and {after:.3f}"


def row_of_outputs(activation: str) -> Found:
    """Whether outputs of this kind can be the row 0.1, 0.8, 0.2."""
    row = np.array([0.1, 0.8, 0.2])
    z = np.log(row / (1 - row)) if activation == "sigmoid" else np.log(row)
    made = _outputs(activation, z.tolist())
    return bool(
        np.allclose(made, row)
    ), f"its sum is {row.sum():.1f}; the nearest {activation} row is {np.round(made, 3).tolist()}"


def positive(function: str) -> Found:
    """Whether a function makes negative numbers positive."""
    values = np.array([-30.0, -1.0, 2.0])
    made = np.exp(values) if function == "exp" else values
    return bool((made > 0).all()), f"{function} of -30, -1, 2: " + ", ".join(f"{each:.3g}" for each in made)


def matched(pairs: tuple[tuple[str, str], ...]) -> Found:
    """Whether each output activation goes with its loss: delta is y_hat - y, up to a constant factor."""
    told = []
    for activation, loss in pairs:
        try:
            network = cp.Network(2, [cp.Dense(3, activation)], loss=loss)
        except cp.ClearpropError:
            return (
                False,
                f"{activation} with {loss}: it needs probabilities, and {activation} gives other numbers",
            )
        factor = "2 * " if loss == "squared_error" else ""
        right = cp.check_formula(f"{factor}(y_hat - y)", "delta[1]", network=network).right
        told.append(f"{activation} with {loss}: delta {'=' if right else 'is not'} {factor}(y_hat - y)")
        if not right:
            return False, told[-1]
    return True, "; ".join(told)


def judged_by_cross_entropy(activation: str) -> Found:
    """Whether outputs of this activation can be judged by the cross-entropy."""
    try:
        cp.Network(4, [cp.Dense(3, "tanh"), cp.Dense(5, activation, bias=False)], loss="cross_entropy")
    except cp.ClearpropError as error:
        return False, str(error)
    return True, f"{activation}: positive outputs with sum 1 have a logarithm"


def paired(activation: str) -> Found:
    """Whether the sum -sum(c ln p + (1-c) ln(1-p)) has the gradient p - c under this output activation."""
    name = "softmax with binary loss" if activation == "softmax" else "binary"
    found = cp.check_formula("y_hat - y", "delta[2]", network=NETWORKS[name])
    if found.right:
        return True, f"{activation}: dE/dscore = p - c"
    return False, f"{activation}: p - c is not dE/dscore (numbers two rows below)"


def examples_summed(factor: str) -> Found:
    """Whether -sum over the examples is "m" times (or "1" times) the mean that C is."""
    network = NETWORKS["binary"]
    theta = network.initialize(seed=0)
    X, Y = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, -1.0]]), np.array([[1.0], [0.0], [1.0]])
    y_hat = cp.forward(network, theta, X, engine="textbook")
    summed = float(-(Y * np.log(y_hat) + (1 - Y) * np.log(1 - y_hat)).sum())
    C, _ = cp.gradient(network, theta, X, Y, engine="textbook")
    return bool(
        np.isclose(summed, C * (3 if factor == "m" else 1))
    ), f"3 examples: the sum is {summed:.4g}, C is {C:.4g}"


def same_list(mean: bool) -> Found:
    """Whether categorical cross-entropy with c = 2, a sum (or a mean), is binary cross-entropy, a mean."""
    p, y = np.array([0.9, 0.2, 0.6]), np.array([1.0, 0.0, 1.0])
    binary = float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())
    both = -(np.stack([y, 1 - y]) * np.log(np.stack([p, 1 - p]))).sum(axis=0)
    categorical = float(both.mean() if mean else both.sum())
    return bool(
        np.isclose(binary, categorical)
    ), f"3 examples, c = 2: binary {binary:.4g}, categorical {categorical:.4g}"


def huber_joint(linear_offset: float) -> Found:
    """Whether the two pieces of the Huber loss meet at |e| = delta: delta |e| - offset * delta^2."""
    delta = 2.5
    square, line = delta**2 / 2, delta * delta - linear_offset * delta**2
    house = float(cp.Huber(delta).value_of(np.array([[delta + 1.0]]), np.array([[0.0]]))[0, 0])
    own = delta * (delta + 1) - linear_offset * delta**2
    return bool(np.isclose(square, line) and np.isclose(house, own)), (
        f"delta = 2.5: at e = 2.5 the pieces give {square:g} and {line:g}; "
        f"at 3.5 the house's Huber is {house:g}, the formula's {own:g}"
    )


def no_least(loss: str) -> Found:
    """Whether the loss has a least value: without its square it falls as the outputs do."""
    y = np.array([1.0, 0.0, 1.0])
    values = [
        float(((c - y) ** 2).mean() if loss == "squares" else (c - y).mean())
        for c in (0.5, 0.0, -10.0, -1000.0)
    ]
    return min(values) >= 0, "outputs 0.5, 0, -10, -1000: " + ", ".join(f"{each:.4g}" for each in values)


def threshold(at: float) -> Found:
    """Whether y_hat above `at` says the same as z above 0."""
    z = np.linspace(-3, 3, 60)
    above = cp.activations["sigmoid"].value(z) > at
    differ = int((above != (z > 0)).sum())
    return (
        differ == 0,
        f"z from -3 to 3: {differ} of 60 fall on the other side of z = 0; y_hat = 1/2 itself is neither",
    )
