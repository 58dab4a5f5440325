"""Networks and parameters: what is refused and why, and the flat vector with its views."""

import numpy as np
import pytest

from clearprop.errors import FormulaError, SpecificationError
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.losses import losses
from clearprop.specification import Dense, Network, Parameters, parameters_from_arrays
from networks import PAIR_IDS, PAIRS


def test_shapes_of_a_network():
    network = Network(
        4, [Dense(5, "tanh"), Dense(3, activations["maxout"](2), bias=False), Dense(2, "softmax")]
    )
    theta = network.initialize()
    assert {l: W.shape for l, W in theta.W.items()} == {1: (5, 4), 2: (6, 5), 3: (2, 3)}
    assert {l: None if b is None else b.shape for l, b in theta.b.items()} == {1: (5,), 2: None, 3: (2,)}
    assert network.widths == (4, 5, 3, 2)
    assert network.n_parameters == theta.flat.size == 20 + 5 + 30 + 6 + 2
    assert [name for name, _ in theta.items()] == ["W[1]", "b[1]", "W[2]", "W[3]", "b[3]"]


def test_views_write_into_the_flat_vector():
    theta = Network(2, [Dense(2, "tanh"), Dense(1)]).initialize()
    theta.W[1][1, 0] = 7.0
    theta.b[2][0] = -3.0
    assert (theta.flat[2], theta.flat[-1]) == (7.0, -3.0)
    copy = theta.copy()
    copy.W[1][1, 0] = 0.0
    assert theta.W[1][1, 0] == 7.0
    with pytest.raises(TypeError):
        theta.W[1] = np.zeros((2, 2))


def test_penalties_and_decay_are_for_weights_alone():
    network = Network(2, [Dense(2), Dense(1)], l1=0.1, l2=0.2)
    by_kind = {(s.kind, s.l1, s.l2, s.decays) for s in network.segments}
    assert by_kind == {("W", 0.1, 0.2, True), ("b", 0.0, 0.0, False)}
    stops = [0, *(segment.stop for segment in network.segments)]
    assert [segment.offset for segment in network.segments] == stops[:-1]


@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_plain_data_gives_the_network_again(output, loss):
    network = Network(
        3,
        [Dense(4, "elu", dropout=0.1, initializer="he_normal"), Dense(2, output)],
        loss=loss,
        l1=0.1,
        l2=0.2,
    )
    again = Network.from_dict(network.to_dict())
    assert again == network
    assert again.to_dict() == network.to_dict()


def test_plain_data_holds_a_row_of_ones_own():
    snake = Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(2*alpha*z)", alpha=0.5)
    network = Network(3, [Dense(4, snake), Dense(1)])
    assert Network.from_dict(network.to_dict()).layers[0].activation == snake
    assert "snake" in repr(network)


def test_plain_data_is_checked_again():
    plain = Network(3, [Dense(4, "tanh"), Dense(1)]).to_dict()
    plain["layers"][0]["activation"]["formula"] = "__import__('os').getcwd()"
    with pytest.raises(FormulaError, match="is not in the formula language"):
        Network.from_dict(plain)


REFUSED = {
    "no units": (lambda: Dense(0), "units is a whole number from 1"),
    "units by truth": (lambda: Dense(True), "units is a whole number from 1"),
    "half a unit": (lambda: Dense(1.5), "units is a whole number from 1"),
    "dropout 1": (lambda: Dense(1, dropout=1.0), "from 0 to below 1"),
    "dropout below 0": (lambda: Dense(1, dropout=-0.1), "from 0 to below 1"),
    "unknown activation": (lambda: Dense(1, "rellu"), "did you mean 'relu'"),
    "unknown initializer": (lambda: Dense(1, initializer="he"), "is not an initializer"),
    "no inputs": (lambda: Network(0, [Dense(1)]), "inputs is a whole number from 1"),
    "no layers": (lambda: Network(1, []), "layers is a list of Dense"),
    "one layer bare": (lambda: Network(1, Dense(1)), "layers is a list of Dense"),
    "a number for a layer": (lambda: Network(1, [3]), "layer 1 is a Dense, not 3"),
    "negative l2": (lambda: Network(1, [Dense(1)], l2=-1), "l2 is a number from 0"),
    "infinite l1": (lambda: Network(1, [Dense(1)], l1=float("inf")), "l1 is a number from 0"),
    "dropout of the output": (
        lambda: Network(1, [Dense(1, dropout=0.1)]),
        "the output layer takes no dropout",
    ),
    "softmax of one": (lambda: Network(1, [Dense(1, "softmax")]), "softmax over one output is always 1"),
    "misfit": (
        lambda: Network(1, [Dense(1, "tanh")], loss="binary_cross_entropy"),
        r"finite for outputs in \(0, 1\), and 'tanh' gives \(-1, 1\); use activation 'sigmoid'",
    ),
    "distribution": (
        lambda: Network(1, [Dense(2, "sigmoid")], loss="cross_entropy"),
        "judges probabilities that sum to 1",
    ),
    "seed": (lambda: Network(1, [Dense(1)]).initialize(seed=-1), "seed is a whole number from 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(name):
    build, reason = REFUSED[name]
    with pytest.raises((SpecificationError, FormulaError), match=reason):
        build()


def test_the_loss_left_out_follows_the_notes():
    pairs = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "exp": "poisson"}
    for activation in ("softmax", "sigmoid", "exp", "identity", "tanh", "relu"):
        network = Network(2, [Dense(2, activation)])
        assert network.loss.name == pairs.get(activation, "squared_error")
    assert Network(2, [Dense(2)]).with_loss("huber").loss == losses["huber"]


def test_parameters_by_hand():
    network = Network(2, [Dense(2, bias=False), Dense(1)])
    theta = parameters_from_arrays(network, [[[1, 2], [3, 4]], [[5, 6]]], [None, [7]])
    np.testing.assert_array_equal(theta.flat, [1, 2, 3, 4, 5, 6, 7])
    with pytest.raises(
        SpecificationError, match=r"W\[1\] has shape \(2, 2\) in this network, and shape \(1, 2\)"
    ):
        parameters_from_arrays(network, [[[1, 2]], [[5, 6]]], [None, [7]])
    with pytest.raises(SpecificationError, match=r"b\[1\] has no bias in this network"):
        parameters_from_arrays(network, [[[1, 2], [3, 4]], [[5, 6]]], [[0, 0], [7]])
    with pytest.raises(SpecificationError, match=r"b\[2\] has shape \(1,\) in this network, and none was"):
        parameters_from_arrays(network, [[[1, 2], [3, 4]], [[5, 6]]], [None, None])
    with pytest.raises(SpecificationError, match="2 layers, and 1 weight"):
        parameters_from_arrays(network, [[[1, 2], [3, 4]]], [None])
    with pytest.raises(SpecificationError, match="the vector has shape"):
        Parameters(network, np.zeros(3))


def test_specifications_are_frozen_and_hashable():
    network = Network(2, [Dense(2, "tanh"), Dense(1)])
    with pytest.raises(AttributeError):
        network.l2 = 1.0
    assert hash(network) == hash(Network(2, [Dense(2, "tanh"), Dense(1)]))
    assert network != Network(2, [Dense(2, "relu"), Dense(1)])
