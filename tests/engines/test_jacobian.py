"""Jacobians against the complex step of the textbook's own forward pass, for every activation."""

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines.textbook import forward_pass
from clearprop.formulas.activations import activations
from clearprop.formulas.losses import losses
from clearprop.specification import Dense, Network, Parameters
from networks import PAIR_IDS, PAIRS, TRAINABLE, random_case

STEP = 1e-30


def outputs(network, flat, X):
    return forward_pass(network, Parameters(network, flat), X).a[network.depth]


def by_complex_step(network, flat, X):
    """(m, n_L, P) and (m, n_L, n_0), one perturbed number at a time."""
    columns = []
    for i in range(flat.size):
        moved = flat.astype(complex)
        moved[i] += 1j * STEP
        columns.append(outputs(network, moved, X.astype(complex)).imag / STEP)
    inputs = []
    for j in range(X.shape[1]):
        moved = X.astype(complex)
        moved[:, j] += 1j * STEP
        inputs.append(outputs(network, flat.astype(complex), moved).imag / STEP)
    return np.stack(columns, axis=-1), np.stack(inputs, axis=-1)


@pytest.mark.parametrize("row", TRAINABLE, ids=[row.name for row in TRAINABLE])
def test_jacobians_are_the_complex_steps(row):
    for seed, widths in enumerate(((3, 2), (2, 3, 2))):
        rng = np.random.default_rng(seed)
        net = Network(3, [*(Dense(n, row) for n in widths[:-1]), Dense(widths[-1], "monotone")])
        theta = Parameters(net, rng.normal(0, 0.8, net.n_parameters))
        X = rng.normal(size=(6, 3))
        parameters, inputs = by_complex_step(net, theta.flat, X)
        np.testing.assert_allclose(cp.jacobian(net, theta, X), parameters, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(cp.jacobian(net, theta, X, by="inputs"), inputs, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_the_loss_by_the_inputs(output, loss):
    case = random_case(output, loss, (activations["tanh"],), seed=3, dropout=False)
    net = Network(case.network.inputs, case.network.layers, loss=loss)  # penalties belong to no example
    theta = Parameters(net, case.theta.flat)
    found = cp.input_gradient(case.network, case.theta, case.X, case.Y)
    h = 1e-6
    for j in range(case.X.shape[1]):
        moved = [case.X + sign * h * np.eye(case.X.shape[1])[j] for sign in (1, -1)]
        up, down = (
            np.array(
                [cp.gradient(net, theta, X[[i]], case.Y[[i]], engine="textbook")[0] for i in range(len(X))]
            )
            for X in moved
        )
        np.testing.assert_allclose(found[:, j], (up - down) / (2 * h), rtol=2e-5, atol=2e-7)


def test_a_jacobian_serves_a_block_as_it_serves_a_row():
    net = Network(4, [Dense(5, "gelu"), Dense(3, "softmax")])
    theta, X = net.initialize(seed=1), np.random.default_rng(0).normal(size=(9, 4))
    whole = cp.jacobian(net, theta, X)
    assert whole.shape == (9, 3, net.n_parameters)
    rows = np.concatenate([cp.jacobian(net, theta, X[[i]]) for i in range(9)])
    np.testing.assert_allclose(whole, rows, rtol=1e-12, atol=1e-15)
    assert cp.jacobian(net, theta.astype("float32"), X).dtype == np.float32


def test_the_loss_gradient_is_the_jacobian_through_the_loss():
    net = Network(3, [Dense(4, "tanh"), Dense(2)], loss="half_squared_error")
    theta, rng = net.initialize(seed=2), np.random.default_rng(1)
    X, Y, w = rng.normal(size=(7, 3)), rng.normal(size=(7, 2)), rng.uniform(0, 2, 7)
    J, r = cp.jacobian(net, theta, X), cp.forward(net, theta, X) - Y
    _, gradient = cp.gradient(net, theta, X, Y, sample_weight=w)
    np.testing.assert_allclose(np.einsum("i,ikp,ik->p", w / w.sum(), J, r), gradient.flat, rtol=1e-12)


def test_what_is_wrong_is_named():
    net = Network(2, [Dense(1)])
    with pytest.raises(cp.SpecificationError, match="by 'parameters' or by 'inputs', not by 'x'"):
        cp.jacobian(net, net.initialize(), [[1.0, 2.0]], by="x")
    with pytest.raises(cp.DataError, match="3 columns"):
        cp.jacobian(net, net.initialize(), [[1.0, 2.0, 3.0]])
    step = Network(1, [Dense(2, "step"), Dense(1)])
    with pytest.raises(cp.SpecificationError, match="cannot be trained"):
        cp.input_gradient(step, step.initialize(), [[1.0]], [1.0])


def test_a_planted_fault_is_seen(monkeypatch):
    from clearprop.engines import jacobian, textbook

    def without_slope(row, upstream, z, a, numbers=None):
        return upstream

    monkeypatch.setattr(textbook, "pull_back", without_slope)
    monkeypatch.setattr(jacobian, "pull_back", without_slope)
    with pytest.raises(AssertionError):
        test_jacobians_are_the_complex_steps(activations["tanh"])


@pytest.mark.parametrize("loss", [losses["quantile"]((0.1, 0.6)), losses["huber"]((0.5, 3.0))], ids=str)
def test_losses_with_a_number_for_each_output_have_their_gradients(loss):
    net = Network(2, [Dense(3, "tanh"), Dense(2, "monotone")], loss=loss)
    theta, rng = net.initialize(seed=4), np.random.default_rng(5)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    results = [cp.gradient(net, theta, X, y, engine=engine) for engine in ("compiled", "textbook")]
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-13)
    np.testing.assert_allclose(results[0][1].flat, results[1][1].flat, rtol=1e-11, atol=1e-14)
    h = 1e-6
    for i in range(0, net.n_parameters, 3):
        moved = [Parameters(net, theta.flat + sign * h * np.eye(net.n_parameters)[i]) for sign in (1, -1)]
        up, down = (cp.gradient(net, each, X, y)[0] for each in moved)
        assert results[0][1].flat[i] == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-8)
