"""L-BFGS ends where its gradient tolerance says, not where losses stop telling steps apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import clearprop as cp
from clearprop.engines import gradient
from clearprop.training.lbfgs import gain_over, minimum

X, Y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)


@pytest.mark.parametrize("engine", ["compiled", "textbook"])
@pytest.mark.parametrize("tolerance", [1e-9, 1e-12])
def test_the_gradient_tolerance_is_reached(tolerance, engine):
    network = cp.Network(X.shape[1], [cp.Dense(1, "sigmoid")], l2=0.01 / len(X))
    model = cp.train(
        network, X, Y, optimizer=cp.LBFGS(tolerance=tolerance), epochs=5000, engine=engine, progress=False
    )
    assert model.stopped == "gradient norm"
    _, slope = gradient(network, model.theta, X, Y)
    assert np.abs(slope.flat).max() < 1.1 * tolerance + 1e-15
    losses = model.history["loss"]
    assert len(losses) < 700
    assert max(np.diff(losses)) < 1e-14  # going on by gradients never goes uphill
    assert model.record.steps == len(losses)


def test_single_precision_ends_at_its_own_rounding():
    network = cp.Network(X.shape[1], [cp.Dense(1, "sigmoid")], l2=1 / len(X))
    model = cp.train(network, X.astype(np.float32), Y, optimizer="lbfgs", epochs=5000, progress=False)
    assert model.stopped == "tolerance"
    assert len(model.history["loss"]) < 100


CURVATURE = np.geomspace(1, 1e-5, 12)


def bowl(theta):
    """1 + curvature . log(cosh(theta)), and its gradient: a part in 1e8 from 0 it is 1 to the last bit."""
    return float(1 + CURVATURE @ np.log(np.cosh(theta))), CURVATURE * np.tanh(theta)


def test_an_optimum_is_found_below_the_rounding_of_the_loss():
    rounded = minimum(bowl, np.ones(12), tolerance=1e-15, least_gain=1e-15)
    exact = minimum(bowl, np.ones(12), tolerance=1e-15)
    assert np.abs(rounded.x).max() > 1e-7
    assert np.abs(exact.x).max() < 1e-9
    assert np.abs(exact.jac).max() <= 1e-15
    assert exact.fun == pytest.approx(1, rel=1e-15)
    assert exact.nit > rounded.nit


def test_a_gain_keeps_the_digits_that_a_difference_of_losses_loses():
    start, near = np.full(12, 4e-9), np.full(12, 6e-9)
    loss, slope = bowl(start)
    gain = gain_over(bowl, start, loss, slope)
    assert gain(near)[0] == pytest.approx(0.5 * CURVATURE.sum() * (36e-18 - 16e-18), rel=1e-12)
    assert bowl(near)[0] - loss == 0
    assert gain(np.ones(12))[0] == bowl(np.ones(12))[0] - loss


def test_a_search_ends_with_its_iterations_or_when_it_is_stopped():
    assert minimum(bowl, np.ones(12), tolerance=1e-14, iterations=2).nit == 2
    told = []

    def stop(theta, loss):
        told.append((theta.copy(), loss))
        raise StopIteration

    minimum(bowl, np.ones(12), tolerance=1e-14, after_iteration=stop)
    ((theta, loss),) = told
    assert loss == bowl(theta)[0]


def test_a_function_with_a_kink_ends_the_search():
    result = minimum(lambda theta: (float(abs(theta[0])), np.sign(theta)), np.array([0.3]), tolerance=1e-12)
    assert abs(result.x[0]) < 1e-6
    assert result.nfev < 300
