"""Levenberg-Marquardt: exact on linear problems, Newton-like on curves, and clear about what it cannot do."""

import numpy as np
import pytest

import clearprop as cp
from clearprop.engines.examples import Examples
from clearprop.specification import Dense, Network, Parameters
from clearprop.training.levenberg import LeastSquares, levenberg_marquardt

CURVE = Network(1, [Dense(8, "tanh"), Dense(1)], loss="half_squared_error")


def curve(m=120):
    x = np.linspace(-3, 3, m)[:, None]
    return x, np.sin(3 * x[:, 0]) * np.exp(-(x[:, 0] ** 2) / 4)


def fit(network, X, Y, optimizer=None, **settings):
    row = optimizer or cp.LevenbergMarquardt(tolerance=1e-12)
    return cp.train(network, X, Y, optimizer=row, progress=False, **{"epochs": 300, **settings})


@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_a_linear_problem_is_solved_as_the_normal_equations_solve_it(loss, l2):
    rng = np.random.default_rng(0)
    X, Y, w = rng.normal(size=(30, 4)), rng.normal(size=(30, 2)), rng.uniform(0, 2, 30)
    model = fit(Network(4, [Dense(2)], loss=loss, l2=l2), X, Y, sample_weight=w)
    A, s = np.c_[X, np.ones(30)], w / w.sum() * (2 if loss == "squared_error" else 1)
    penalty = l2 * np.diag([1.0, 1, 1, 1, 0])
    exact = np.linalg.solve((A.T * s) @ A + penalty, (A.T * s) @ Y)
    np.testing.assert_allclose(model.theta.W[1], exact[:4].T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.theta.b[1], exact[4], rtol=1e-9, atol=1e-12)
    assert model.stopped in ("gradient norm", "tolerance")


def test_every_step_lowers_the_loss_and_a_curve_is_fitted_far_better_than_by_adam():
    X, y = curve()
    model = fit(CURVE, X, y, cp.LevenbergMarquardt())
    losses = np.array(model.history["loss"])
    assert (np.diff(losses) <= 1e-15 * losses[:-1]).all()
    adam = fit(CURVE, X, y, cp.Adam(1e-2), epochs=3000, batch_size=None)
    assert losses[-1] < 1e-5 < adam.history["loss"][-1]


def test_where_it_stops_the_gradient_is_as_small_as_asked():
    X, y = curve()
    net = Network(1, [Dense(6, "tanh"), Dense(1)], l2=1e-3)
    model = fit(net, X, y, cp.LevenbergMarquardt(tolerance=1e-9), epochs=2000)
    assert model.stopped == "gradient norm"
    _, gradient = cp.gradient(net, model.theta, X, y)
    assert np.abs(gradient.flat).max() <= 1e-9


def test_gauss_newton_is_the_hessian_where_residuals_are_zero():
    rng = np.random.default_rng(2)
    net = Network(2, [Dense(3, "silu"), Dense(2, "tanh")], loss="half_squared_error", l2=0.1)
    theta, X = net.initialize(seed=3), rng.normal(size=(20, 2))
    examples = Examples(X, cp.forward(net, theta, X), rng.uniform(0, 2, 20))
    problem = LeastSquares(net, examples)
    gradient, squares = problem.linearise(theta.flat)
    hessian = squares + np.diag(problem.penalty_curvature)
    h = 1e-5
    for i in range(net.n_parameters):
        up, down = (
            problem.linearise(theta.flat + sign * h * np.eye(net.n_parameters)[i])[0] for sign in (1, -1)
        )
        np.testing.assert_allclose((up - down) / (2 * h), hessian[i], atol=2e-8)
    expected = cp.gradient(net, theta, X, examples.Y, sample_weight=examples.weights)[1].flat
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)
    value = cp.gradient(net, theta, X, examples.Y, sample_weight=examples.weights)[0]
    assert problem.value(theta.flat) == pytest.approx(value, rel=1e-14)


def test_blocks_of_examples_change_nothing_but_rounding(monkeypatch):
    X, y = curve()
    problem = LeastSquares(CURVE, Examples(X, y[:, None]))
    theta = CURVE.initialize(seed=0).flat
    whole = problem.linearise(theta)
    monkeypatch.setattr("clearprop.training.levenberg.BLOCK_NUMBERS", 10 * CURVE.n_parameters)
    for one, other in zip(whole, problem.linearise(theta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14)


def test_float32_early_stopping_and_callbacks_work_as_with_any_optimizer():
    X, y = curve()
    model = fit(CURVE, X.astype("float32"), y, validation=0.3, patience=5)
    assert model.theta.dtype == np.float32
    assert len(model.history["validation_loss"]) == len(model.history["loss"])
    seen = []
    assert (
        fit(CURVE, X, y, callbacks=lambda report: seen.append(report.loss) or len(seen) == 3).stopped
        == "callback"
    )
    assert len(seen) == 3


def test_a_perfect_start_takes_no_step():
    X = np.linspace(-1, 1, 9)[:, None]
    theta = CURVE.initialize(seed=0)
    steps = levenberg_marquardt(
        LeastSquares(CURVE, Examples(X, cp.forward(CURVE, theta, X))),
        theta.flat,
        damping=1e-3,
        tolerance=1e-12,
    )
    assert list(steps) == []


@pytest.mark.parametrize(
    ("network", "optimizer", "words"),
    [
        (Network(1, [Dense(2, "softmax")]), cp.LevenbergMarquardt(), "squared errors, not 'cross_entropy'"),
        (Network(1, [Dense(1)], loss="huber"), cp.LevenbergMarquardt(), "not 'huber'"),
        (Network(1, [Dense(3, dropout=0.5), Dense(1)]), cp.LevenbergMarquardt(), "dropout"),
        (Network(1, [Dense(1)], l1=0.1), cp.LevenbergMarquardt(), "l1 has none"),
        (Network(1, [Dense(1)]), cp.LevenbergMarquardt(0.1), "leave learning_rate out"),
        (Network(1, [Dense(1)]), cp.LevenbergMarquardt(clip_norm=1.0), "neither weight_decay nor clip_norm"),
        (Network(1, [Dense(3000), Dense(1)]), cp.LevenbergMarquardt(), "takes 5000 at most"),
    ],
)
def test_what_it_cannot_use_is_named(network, optimizer, words):
    with pytest.raises(cp.SpecificationError, match=words):
        fit(network, np.zeros((4, 1)), np.zeros(4, dtype=int), optimizer)


def test_a_planted_wrong_jacobian_is_seen(monkeypatch):
    from clearprop.training import levenberg

    right = levenberg.parameter_jacobian
    monkeypatch.setattr(levenberg, "parameter_jacobian", lambda *given: right(*given) * 0.5)
    with pytest.raises(AssertionError):
        test_gauss_newton_is_the_hessian_where_residuals_are_zero()


def test_values_that_are_not_finite_are_divergence():
    huge = Parameters(CURVE, np.full(CURVE.n_parameters, 1e200))
    with pytest.raises(cp.TrainingDiverged):
        fit(CURVE, *curve(), initial=huge)
