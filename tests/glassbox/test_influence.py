"""Norms of examples' own gradients: those of gradients taken one by one, and what they are good for."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

import clearprop as cp
from clearprop.specification import Dense, Network
from networks import PAIR_IDS, PAIRS, TRAINABLE, random_case


def one_by_one(network, theta, X, Y):
    plain = Network(network.inputs, network.layers, loss=network.loss)
    own = cp.Parameters(plain, theta.flat)
    return [
        np.linalg.norm(cp.gradient(plain, own, X[[i]], Y[[i]], engine="textbook")[1].flat)
        for i in range(len(X))
    ]


@pytest.mark.parametrize("engine", ["compiled", "textbook"])
@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_norms_are_those_of_the_gradients_one_by_one(output, loss, engine):
    rng = np.random.default_rng(PAIRS.index((output, loss)))
    hidden = tuple(rng.choice(np.array(TRAINABLE, dtype=object), 2))
    case = random_case(output, loss, hidden, seed=5)
    found = cp.gradient_norms(case.network, case.theta, case.X, case.Y, engine=engine)
    expected = one_by_one(case.network, case.theta, case.X, case.Y)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_blocks_and_float32():
    net = Network(20, [Dense(33, "relu"), Dense(3, "softmax")])
    theta, rng = net.initialize(seed=0), np.random.default_rng(0)
    X, y = rng.normal(size=(5000, 20)), rng.integers(0, 3, 5000)
    whole = cp.gradient_norms(net, theta, X, y)
    np.testing.assert_allclose(whole[4990:], cp.gradient_norms(net, theta, X[4990:], y[4990:]), rtol=1e-12)
    single = cp.gradient_norms(net, theta.astype("float32"), X, y)
    np.testing.assert_allclose(single, whole, rtol=1e-4)


def test_wrong_labels_have_large_norms():
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    flipped = rng.random(len(y)) < 0.05
    given = np.where(flipped, (y + rng.integers(1, 10, len(y))) % 10, y)
    net = Network(64, [Dense(64, "relu"), Dense(10, "softmax")])
    model = cp.train(net, X / 16, given, epochs=20, progress=False)
    assert roc_auc_score(flipped, model.gradient_norms(X / 16, given)) > 0.99


def test_a_planted_fault_is_seen(monkeypatch):
    from clearprop.engines.textbook import Textbook

    right = Textbook.square_norms
    monkeypatch.setattr(Textbook, "square_norms", lambda self, *given: right(self, *given) * 1.001)
    with pytest.raises(AssertionError):
        test_norms_are_those_of_the_gradients_one_by_one(*PAIRS[0], "textbook")
