"""Planted mistakes in the equations: the certificate catches each, by name.

A mutation is one replacement in the text of the textbook engine (or a row with a wrong hand derivation);
the mutated module takes the engine's place, and the certificate's own forward pass stays as it is.
"""

import inspect
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

from clearprop.engines import textbook
from clearprop.engines.dropout import dropout_masks
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.losses import Loss, losses
from clearprop.glassbox.certifying import certify
from clearprop.specification import Dense, Network

SOURCE = inspect.getsource(textbook)

#: square layers, so that a missing transpose is not betrayed by its shape; all the equations in use
NETWORK = Network(
    4,
    [
        Dense(4, "tanh", dropout=0.25),
        Dense(4, "silu"),
        Dense(4, activations["maxout"](3), dropout=0.5),
        Dense(4, "softmax"),
        Dense(4, "leaky_relu"),
        Dense(4, "sigmoid"),
    ],
    loss="squared_error",
    l1=0.03,
    l2=0.2,
    input_dropout=0.2,
)
LINKED = Network(4, [Dense(4, "tanh"), Dense(4, "softmax")], loss="cross_entropy_bits", l2=0.2)

MUTATIONS = {  # name -> the right text, the wrong text
    "BP1: sign": ("top = scale[:, None]", "top = -scale[:, None]"),
    "BP1: g' of the output layer missing": (
        "return pull_back(network.output.activation, slope, z, a, numbers)",
        "return slope",
    ),
    "BP1: y - y_hat": ("linked_delta_of(z, a, Y, numbers)", "linked_delta_of(z, Y, a, numbers)"),
    "BP1: 1/m missing": (
        "top = scale[:, None] * output_delta(",
        "top = len(Y) * scale[:, None] * output_delta(",
    ),
    "BP1: sum where the mean should be (weights as they are)": (
        "top = scale[:, None] * output_delta(",
        "top = scale[:, None] / scale.max() * output_delta(",
    ),
    "BP1: weights ignored": (
        "top = scale[:, None] * output_delta(",
        "top = np.full_like(scale, 1 / len(Y))[:, None] * output_delta(",
    ),
    "BP1: mean over outputs": ("top = scale[:, None] *", "top = scale[:, None] / Y.shape[1] *"),
    "BP1: link taken though the loss is another": (
        "slope = network.loss.slope_of(a, Y, numbers)",
        "delta_of_pair = a - Y",
        "return pull_back(network.output.activation, slope, z, a, numbers)",
        "return delta_of_pair",
    ),
    "BP2: g' missing": (
        "delta[l] = pull_back(layer.activation, upstream, seen.z[l], seen.a[l], numbers)",
        "delta[l] = np.repeat(upstream, layer.activation.pieces, axis=1)",
    ),
    "BP2: transpose missing": ("delta[l + 1] @ W[l + 1], layer", "delta[l + 1] @ SQUARE(W[l + 1]), layer"),
    "BP2: mask not applied": (
        "dropped(delta[l + 1] @ W[l + 1], layer.dropout, masks, l)",
        "delta[l + 1] @ W[l + 1]",
    ),
    "BP2: keep factor missing": (
        "dropped(delta[l + 1] @ W[l + 1], layer.dropout, masks, l)",
        "dropped(delta[l + 1] @ W[l + 1], layer.dropout, masks, l) * (1 - layer.dropout)",
    ),
    "BP2: mask of the layer below": (
        "dropped(delta[l + 1] @ W[l + 1], layer.dropout, masks, l)",
        "dropped(delta[l + 1] @ W[l + 1], layer.dropout, masks, l - 1)",
    ),
    "BP2: g' of the layer above": (
        "upstream, seen.z[l], seen.a[l], numbers",
        "upstream, PIECES(seen, l), numbers",
    ),
    "BP2: g' at x, dropout included, for a": (
        "upstream, seen.z[l], seen.a[l], numbers",
        "upstream, seen.z[l], seen.x[l + 1], numbers",
    ),
    "BP2: W of the wrong layer": (
        "delta[l + 1] @ W[l + 1], layer",
        "delta[l + 1] @ (W[network.depth] if l == 1 else W[l + 1]), layer",
    ),
    "BP2: square left in": (
        "return upstream * row.slope(z, a, numbers)",
        "return (upstream * row.slope(z, a, numbers))**2",
    ),
    "BP2: softmax pullback without the sum": (
        "a * (upstream - (upstream * a).sum(axis=1, keepdims=True))",
        "a * upstream * (1 - a)",
    ),
    "BP2: maxout to all pieces": (
        "np.put_along_axis(delta, _largest(pieces), upstream[:, :, None], axis=2)",
        "delta[...] = upstream[:, :, None]",
    ),
    "BP2: maxout to the wrong piece": (
        "np.put_along_axis(delta, _largest(pieces), upstream",
        "np.put_along_axis(delta, np.argmin(pieces, axis=2, keepdims=True), upstream",
    ),
    "BP3: bias gradient keeps x": (
        "db[...] = delta[l].sum(axis=0)",
        "db[...] = (delta[l].T @ seen.x[l]).sum(axis=1)",
    ),
    "BP3: mean where the sum should be": (
        "db[...] = delta[l].sum(axis=0)",
        "db[...] = delta[l].mean(axis=0)",
    ),
    "BP3: first example only": ("db[...] = delta[l].sum(axis=0)", "db[...] = delta[l][0]"),
    "BP4: transposed": ("= delta[l].T @ seen.x[l]", "= SQUARE(delta[l].T @ seen.x[l])"),
    "BP4: a where x should be, under dropout": (
        "= delta[l].T @ seen.x[l]",
        "= delta[l].T @ (seen.a[l - 1] if l > 1 else seen.x[l])",
    ),
    "BP4: z where x should be": (
        "= delta[l].T @ seen.x[l]",
        "= delta[l].T @ (seen.z[l - 1] if l == 2 else seen.x[l])",
    ),
    "BP4: delta of the wrong layer": (
        "= delta[l].T @ seen.x[l]",
        "= (delta[l + 1] if l == 1 else delta[l]).T @ seen.x[l]",
    ),
    "BP4: off by one layer": (
        "= delta[l].T @ seen.x[l]",
        "= delta[l].T @ seen.x[max(l - 1, 1)]",
    ),
    "P: L2 without its factor": ("theta.dtype.type(segment.l2 * factor) * theta[piece]", "theta[piece]"),
    "P: L2 twice": ("(segment.l2 * factor) * theta", "(2 * segment.l2) * theta"),
    "P: L2 left out": ("if segment.l2:\n            penalized", "if False:\n            penalized"),
    "P: L2 sign": (
        "penalized[piece] += theta.dtype.type(segment.l2 * factor)",
        "penalized[piece] -= theta.dtype.type(segment.l2 * factor)",
    ),
    "P: L2 on biases": (
        "    return penalized\n",
        "    bias = [s for s in network.segments if s.kind == 'b'][0]\n"
        "    penalized[bias.offset : bias.stop] += network.l2 * theta[bias.offset : bias.stop]\n"
        "    return penalized\n",
    ),
    "P: L1 sign": ("* np.sign(theta[piece])", "* -np.sign(theta[piece])"),
    "P: L1 as a constant": ("* np.sign(theta[piece])", "* np.ones_like(theta[piece])"),
    "P: L1 as L2": ("* np.sign(theta[piece])", "* theta[piece]"),
    "F: activation of its own output in the pass": ("seen.a[l] = activate(", "seen.a[l] = 0.999 * activate("),
    "F: keep factor missing": ("a / a.real.dtype.type(keep)", "a"),
    "F: bias forgotten": ("z = z + b[l]", "z = z + 0 * b[l]"),
}
HELPERS = """
def SQUARE(array):
    return array.T if array.shape[0] == array.shape[1] else array

def PIECES(seen, l):
    same = seen.z[l].shape == seen.z[l + 1].shape
    return (seen.z[l + 1], seen.a[l + 1]) if same else (seen.z[l], seen.a[l])
"""


def mutated(name):
    """The textbook engine's module with one mistake."""
    texts = MUTATIONS[name]
    source = SOURCE
    for right, wrong in zip(texts[::2], texts[1::2], strict=True):
        assert source.count(right) == 1, f"{right!r} is in the textbook {source.count(right)} times"
        source = source.replace(right, wrong.replace("PIECES(seen, l)", "*PIECES(seen, l)"))
    module = types.ModuleType("mutated_textbook")
    sys.modules[module.__name__] = module  # dataclasses look for it
    try:
        exec(compile(source + HELPERS, "mutated_textbook.py", "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    return module


def case(network, seed=0):
    rng = np.random.default_rng(seed)
    theta = network.initialize(seed)
    theta.flat[...] += rng.normal(0, 0.3, theta.flat.size)
    X, m = rng.normal(size=(9, network.inputs)), 9
    Y = rng.dirichlet(np.ones(4), m)
    masks = dropout_masks(network, seed, 0, np.arange(m)) if network.has_dropout else None
    return network, theta, X, Y, rng.uniform(0.5, 2, m), masks


def certificate(network, **kwargs):
    network, theta, X, Y, weights, masks = case(network)
    return certify(network, theta, X, Y, sample_weight=weights, masks=masks, engine="textbook", **kwargs)


@pytest.mark.parametrize("network", [NETWORK, LINKED], ids=["long way", "linked"])
def test_the_equations_as_they_are_hold(network):
    assert certificate(network).holds


def test_the_unmutated_text_holds(monkeypatch):
    monkeypatch.setitem(MUTATIONS, "nothing", ("{network.depth: top}", "{network.depth: top}"))
    module = mutated("nothing")
    monkeypatch.setattr(textbook, "Textbook", module.Textbook)
    monkeypatch.setattr(textbook, "penalize", module.penalize)
    assert certificate(NETWORK).holds


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mistake_in_the_equations_is_caught(name, monkeypatch):
    module = mutated(name)
    monkeypatch.setattr(textbook, "Textbook", module.Textbook)
    monkeypatch.setattr(textbook, "penalize", module.penalize)
    found = certificate(LINKED if "y - y_hat" in name else NETWORK)
    assert not found.holds
    assert found.worst > 1e-6  # not by a hair: float32's tolerance is not far


def test_a_mistake_shows_in_the_layers_it_touches(monkeypatch):
    """A wrong pullback of layer 3 (maxout) leaves the layers above it right."""
    module = mutated("BP2: maxout to all pieces")
    monkeypatch.setattr(textbook, "Textbook", module.Textbook)
    found = certificate(NETWORK)
    wrong = {check.name for check in found.arrays if check.error > found.tolerance}
    assert wrong == {f"{kind}[{l}]" for kind in "Wb" for l in (1, 2, 3)}


def wrong_derivative(name, derivative):
    row = activations[name]
    return Activation(
        row.name, row.formula, derivative=derivative, kinks=row.kinks, parameters=row.parameters
    )


def wrong_loss(name, **fields):
    row = losses[name]
    given = {
        field: getattr(row, field) for field in ("value", "slope", "link", "linked_value", "linked_delta")
    }
    given |= {"targets": row.targets, "domain": row.domain, "parameters": row.parameters, **fields}
    return Loss(row.name, **given)


WRONG_ROWS = {
    "derivative in z though it is written for a": (wrong_derivative("tanh", "1 - z**2"), None),
    "derivative in a though it is written for z": (
        wrong_derivative("softplus", "sigmoid(a)"),
        None,
    ),
    "sigmoid: a (1 + a)": (wrong_derivative("sigmoid", "a * (1 + a)"), None),
    "relu: slope 1 everywhere": (wrong_derivative("relu", "1"), None),
    "elu: a for a + alpha": (wrong_derivative("elu", "where(z > 0, 1, a)"), None),
    "silu: second term missing": (wrong_derivative("silu", "sigmoid(z)"), None),
    "squared error: square left in": ("tanh", wrong_loss("squared_error", slope="2 * (a - y)**2")),
    "squared error: factor 2 missing": ("tanh", wrong_loss("squared_error", slope="a - y")),
    "squared error: sign": ("tanh", wrong_loss("squared_error", slope="2 * (y - a)")),
    "quantile: sides swapped": (
        "tanh",
        wrong_loss("quantile", slope="where(y > a, 1 - q, -q)", parameters={"q": 0.9}),
    ),
    "hinge: y missing": ("tanh", wrong_loss("hinge", slope="where(y * a < 1, -1, 0)")),
    "bits: 1/ln 2 missing": ("sigmoid", wrong_loss("binary_cross_entropy_bits", linked_delta="a - y")),
    "bits: ln 2 for 1/ln 2": (
        "sigmoid",
        wrong_loss("binary_cross_entropy_bits", linked_delta="(a - y) * log(2)"),
    ),
    "cross-entropy: g' taken twice": (
        "sigmoid",
        wrong_loss("binary_cross_entropy", linked_delta="(a - y) * a * (1 - a)"),
    ),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_wrong_row_is_caught(name, dtype):
    row, loss = WRONG_ROWS[name]
    if loss is None:
        network = Network(4, [Dense(4, row), Dense(2)], loss="huber")
    else:
        network = Network(4, [Dense(4, "tanh"), Dense(2, row)], loss=loss)
    rng = np.random.default_rng(0)
    theta = network.initialize(0, dtype=dtype)
    Y = rng.choice([-1.0, 1.0] if network.loss.targets == "signs" else [0.0, 1.0], (9, 2))
    found = certify(network, theta, rng.normal(size=(9, 4)), Y, engine="textbook")
    assert not found.holds
    honest = [replace(layer, activation=activations[layer.activation.name]) for layer in network.layers]
    right = losses[network.loss.name].with_parameters(*network.loss.values)
    network = Network(4, honest, loss=right)
    assert certify(network, theta, rng.normal(size=(9, 4)), Y, engine="textbook").holds


def test_there_are_enough():
    assert len(MUTATIONS) + len(WRONG_ROWS) >= 40
