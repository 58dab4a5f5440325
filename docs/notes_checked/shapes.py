"""Claims about shapes, counts and indices."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

import clearprop as cp
from notes_checked.networks import NETWORKS

Found = tuple[bool, str]

_WIDTHS = "4-5-3-2"
WIDE = NETWORKS[_WIDTHS]  #: n = 4 inputs, hidden layers of 5 and 3, k = 2 outputs


def shape(said: tuple[str, int, tuple[int, ...]]) -> Found:
    """Whether W or b of a layer of the 4-5-3-2 network has a shape in which the forward pass runs."""
    kind, l, told = said
    theta = WIDE.initialize(seed=0)
    true = (theta.W if kind == "W" else theta.b)[l].shape  # type: ignore[union-attr]  # every layer has a bias
    words = f"{_WIDTHS}: {kind}[{l}] would be {_times(told)}"
    if told == true:
        return True, f"{_WIDTHS}: {kind}[{l}] is {_times(true)}"
    a = np.ones(WIDE.widths[l - 1])
    try:
        np.ones(told) @ a
    except ValueError:
        words += f", and {_times(told)} times a vector of {len(a)} is no product"
    return False, f"{words}; it is {_times(true)}"


def gradient_shape(said: tuple[int, tuple[int, ...]]) -> Found:
    """Whether dC/dW of a layer has this shape: that of W."""
    l, told = said
    theta = WIDE.initialize(seed=0)
    _, slope = cp.gradient(WIDE, theta, np.ones((1, 4)), np.ones((1, 2)), engine="textbook")
    return told == slope.W[
        l
    ].shape, f"{_WIDTHS}: dC/dW[{l}] is {_times(slope.W[l].shape)}, the note has {_times(told)}"


def for_update(of: str) -> Found:
    """Whether dC/da[1] (or dC/dW[1]) has a number for each weight of W[1]."""
    theta = WIDE.initialize(seed=0)
    trace = cp.trace(WIDE, theta, [[1.0, -0.5, 0.5, 2.0]], [[1.0, -1.0]])
    given = np.asarray(trace.delta[2]) @ theta.W[2] if of == "a" else np.asarray(trace.dW[1])
    return given.size == 20, f"{_WIDTHS}: dC/d{of}[1] has {given.size} numbers, W[1] has 20"


def outer_product(said: tuple[str, str]) -> Found:
    """Whether a[l-1] delta[l]^T has the shape said, in every network: ("n", "n") or ("n[l-1]", "n[l]")."""
    sizes = {"n[l-1]": 5, "n[l]": 3, "n": 5}
    true = np.outer(np.ones(5), np.ones(3)).shape
    told = (sizes[said[0]], sizes[said[1]])
    return (
        told == true,
        f"layers of 5 and 3 units: the product is {_times(true)}, {' x '.join(said)} would be {_times(told)}",
    )


def weights_told(n: tuple[int, ...], i: int) -> int:
    """The note's count: (L-1) n_{i-1} n_i + n k."""
    return (len(n) - 2) * n[i - 1] * n[i] + n[0] * n[-1]


def weights_summed(n: tuple[int, ...], i: int) -> int:
    """The sum of n_{l-1} n_l over the layers; no i is in it."""
    return sum(a * b for a, b in pairwise(n))


def biases_told(n: tuple[int, ...], i: int) -> int:
    """The note's count: (L-1) n_i + k."""
    return (len(n) - 2) * n[i] + n[-1]


def biases_summed(n: tuple[int, ...], i: int) -> int:
    """The sum of n_l over the layers."""
    return sum(n[1:])


def weight_count(count: Callable[[tuple[int, ...], int], int]) -> Found:
    """Whether a formula of the widths and a layer i counts the weights of 4-5-3-2 for some i."""
    return _counted(count, sum(WIDE.initialize().W[l].size for l in (1, 2, 3)))


def bias_count(count: Callable[[tuple[int, ...], int], int]) -> Found:
    """Whether a formula counts the biases of 4-5-3-2 for some i."""
    return _counted(count, sum(WIDE.widths[1:]))


def _counted(count: Callable[[tuple[int, ...], int], int], true: int) -> Found:
    told = [count(WIDE.widths, i) for i in (1, 2)]
    given = f"{told[0]}" if told[0] == told[1] else f"{told[0]} for i = 1, {told[1]} for i = 2"
    return true in told, f"{_WIDTHS}: the formula gives {given}; the network has {true}"


def counted_alike(count: Callable[[tuple[int, ...], int], int]) -> Found:
    """Whether a formula counts the weights of 4-4-4-3, where all layers but the last are equally wide."""
    network = cp.Network(4, [cp.Dense(4), cp.Dense(4), cp.Dense(3)])
    true = sum(network.initialize().W[l].size for l in (1, 2, 3))
    return count(network.widths, 1) == true, f"4-4-4-3: {count(network.widths, 1)} weights of {true}"


def bias_indices(said: int) -> Found:
    """Whether a layer's biases have so many indices."""
    b = WIDE.initialize().b[1]
    return b is not None and b.ndim == said, f"{_WIDTHS}: b[1] has shape {_times(b.shape)}, one number a unit"  # type: ignore[union-attr]


def bias_of(layer: str) -> Found:
    """Whether a formula with one number for each hidden unit fits the biases of this layer of 2-3-2."""
    b = cp.Network(2, [cp.Dense(3), cp.Dense(2)]).initialize().b[2 if layer == "output" else 1]
    return np.shape(b) == (
        3,
    ), f"2-3-2: the formula's free letter j counts 3 hidden units, the {layer} layer has {np.size(b)} biases"


def hidden_layers(said: int) -> Found:
    """Whether a network of L = 3 layers has L - said hidden ones."""
    return WIDE.depth - said == len(
        WIDE.widths[1:-1]
    ), f"{_WIDTHS}: L = {WIDE.depth}, hidden {len(WIDE.widths[1:-1])}"


def composed(first: int) -> Found:
    """Whether the layers f^first to f^L, composed, are what the weights make."""
    return len(range(first, WIDE.depth + 1)) == len(WIDE.initialize().W), (
        f"{_WIDTHS}: f^{first} to f^{WIDE.depth} are {WIDE.depth + 1 - first} functions, and there are "
        f"{WIDE.depth} W: f^0 would need a^{{-1}}"
    )


def paths(upto: str) -> Found:
    """Whether a sum over p = 1..k (classes), or over the units of layer l+1, is dC/da of layer 1."""
    theta = WIDE.initialize(seed=1)
    trace = cp.trace(WIDE, theta, [[1.0, -0.5, 0.5, 2.0]], [[1.0, -1.0]])
    last = WIDE.widths[-1] if upto == "k" else WIDE.widths[2]
    delta = np.asarray(trace.delta[2]).ravel()
    summed = float(sum(delta[p] * theta.W[2][p, 0] for p in range(last)))
    true = float(delta @ theta.W[2][:, 0])
    return bool(
        np.isclose(summed, true)
    ), f"{_WIDTHS}, l = 1: over {last} paths {summed:.4g}, over all 3 {true:.4g}"


def units_counted(first: int) -> Found:
    """Whether a sum over M units from `first` on, for units named 1..M, takes each of them."""
    units = {1, 2, 3}
    taken = set(range(first, first + 3))
    return taken == units, f"M = 3, units 1 to 3: the sum takes {', '.join(map(str, sorted(taken)))}"


def column(said: str) -> Found:
    """Whether the weights out of unit j are the j-th column (or row) of W[l+1]."""
    W = WIDE.initialize(seed=0).W[2]
    j = 1
    theta = WIDE.initialize(seed=0)
    theta.b[1][:] = 0  # type: ignore[index]  # every layer has a bias
    out = W @ np.eye(5)[j]
    taken = W[:, j] if said == "column" else W[j]
    same = taken.shape == out.shape and np.array_equal(taken, out)
    return bool(
        same
    ), f"W[2] of {_WIDTHS} times the unit vector of unit {j} has {len(out)} numbers, the {said} {len(taken)}"


def inputs(said: int) -> Found:
    """Whether x is a[said]: what W[said + 1] receives."""
    W = WIDE.initialize(seed=0).W[said + 1]
    return W.shape[1] == WIDE.widths[
        0
    ], f"{_WIDTHS}: W[{said + 1}] takes {W.shape[1]} numbers, x has {WIDE.widths[0]}"


def output_layer(said: int) -> Found:
    """Whether a[said] is the output y_hat of a network with L = 3."""
    trace = cp.trace(WIDE, WIDE.initialize(seed=0), [[1.0, 2.0, 3.0, 4.0]], [[0.0, 0.0]])
    a, y_hat = np.asarray(trace.a[said]).ravel(), np.asarray(trace.y_hat).ravel()
    return a.shape == y_hat.shape and bool((a == y_hat).all()), (
        f"{_WIDTHS}: a[{said}] has {a.size} numbers, y_hat {y_hat.size}"
    )


def batch(said: str) -> Found:
    """Whether m examples and c classes make an m x c matrix of outputs."""
    out = cp.forward(WIDE, WIDE.initialize(seed=0), np.ones((6, 4)), engine="textbook").shape
    return (out == (6, 2)) == (said == "m x c"), f"6 examples, 2 outputs: {_times(out)}"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
