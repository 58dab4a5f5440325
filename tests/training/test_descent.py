"""A run that stands still between two batches is the run of `train`, bit for bit."""

import numpy as np
import pytest

from clearprop.specification import Dense, Network
from clearprop.training import train
from clearprop.training.descent import Descent

X = np.random.default_rng(0).normal(size=(50, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
PLAIN = Network(3, [Dense(6, "tanh"), Dense(1, "sigmoid")], l2=0.01)
DROPPING = Network(3, [Dense(6, "relu", dropout=0.3), Dense(1, "sigmoid")])


def in_steps(sizes):
    """A solver that takes so many batches at a time, over and over."""

    def solver(course):
        descent, stopped, k = Descent(course), None, 0
        while stopped is None:
            stopped = descent.advance(sizes[k % len(sizes)])
            k += 1
        return stopped

    return solver


@pytest.mark.parametrize("engine", ["textbook", "compiled"])
@pytest.mark.parametrize("sizes", [(1,), (2, 3), (1, None), (1000,)])
@pytest.mark.parametrize(
    ("network", "optimizer"), [(PLAIN, "adam"), (DROPPING, "momentum"), (PLAIN, "sgd")], ids=str
)
def test_pauses_change_no_bit(engine, sizes, network, optimizer):
    options = {
        "optimizer": optimizer,
        "batch_size": 8,
        "epochs": 4,
        "validation": 0.2,
        "engine": engine,
        "progress": False,
    }
    whole = train(network, X, Y, **options)
    cut = train(network, X, Y, **options, solver=in_steps(sizes))
    assert cut.record.digests == whole.record.digests
    assert cut.stopped == whole.stopped == "epochs"
    for name in ("loss", "validation_loss", "validation_metric", "learning_rate"):
        assert cut.history[name] == whole.history[name]


def test_a_change_by_hand_is_another_run():
    def solver(course):
        descent = Descent(course)
        descent.advance(1)
        course.theta[0] += 0.5
        descent.touched()
        stopped = None
        while stopped is None:
            stopped = descent.advance()
        return stopped

    options = {"batch_size": 8, "epochs": 2, "engine": "textbook", "progress": False}
    whole, other = train(PLAIN, X, Y, **options), train(PLAIN, X, Y, **options, solver=solver)
    assert other.record.digests[0] == whole.record.digests[0]
    assert other.record.digests[1] != whole.record.digests[1]
    assert other.history["loss"][0] != whole.history["loss"][0]
