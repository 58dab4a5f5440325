"""What is peculiar in scikit-learn's arithmetic: ours in the drop-ins, and nowhere else.

Each is proved on scikit-learn itself, on the drop-in, and, where it could be inherited, on `cp.train`.
The table in docs/scikit-learn.md names these tests.
"""

import numpy as np
import pytest
import sklearn
from sklearn import neural_network
from sklearn.datasets import load_iris
from sklearn.utils.fixes import parse_version

import clearprop as cp
from clearprop.formulas.losses import clipped

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NO_WEIGHTS = parse_version(sklearn.__version__) < parse_version("1.7")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 2))
BOTH = pytest.mark.parametrize("library", [neural_network, cp], ids=["scikit-learn", "clearprop"])
STILL = {"solver": "sgd", "momentum": 0.0, "shuffle": False, "random_state": 0}


def first_loss(estimator):
    return estimator.loss_curve_[0]


def plain_loss(fitted, inputs, targets):
    """Mean over the examples of the sum over outputs of half squared errors."""
    return 0.5 * ((fitted.predict(inputs).reshape(targets.shape) - targets) ** 2).sum(axis=1).mean()


def still(library, **settings):
    """A regressor whose steps are too small to be seen."""
    return library.MLPRegressor(**{**STILL, "max_iter": 1, "learning_rate_init": 1e-300, **settings})


@BOTH
def test_the_penalty_is_divided_by_the_batchs_rows(library):
    y = Y[:, 0]
    penalties = []
    for batch_size in (10, 4):  # one batch of 10; two of 4 and one of 2
        fitted = still(library, alpha=1.0, batch_size=batch_size).fit(X, y)
        penalties.append(first_loss(fitted) - plain_loss(fitted, X, y[:, None]))
    squares = 0.5 * sum((W**2).sum() for W in fitted.coefs_)
    assert penalties[0] == pytest.approx(squares / 10)
    assert penalties[1] == pytest.approx((4 * squares / 4 + 4 * squares / 4 + 2 * squares / 2) / 10)


def test_train_penalises_every_batch_alike():
    net = cp.Network(3, [cp.Dense(1)], l2=1.0)
    theta = net.initialize(seed=0)
    for batch_size in (10, 4):
        model = cp.train(
            net,
            X,
            Y[:, 0],
            optimizer=cp.SGD(1e-300),
            batch_size=batch_size,
            epochs=1,
            initial=theta,
            progress=False,
        )
        loss = ((cp.forward(net, theta, X)[:, 0] - Y[:, 0]) ** 2).mean()
        assert model.history["loss"][0] - loss == pytest.approx(0.5 * (theta.W[1] ** 2).sum())


@pytest.mark.parametrize(
    "library",
    [
        pytest.param(
            neural_network,
            id="scikit-learn",
            marks=pytest.mark.skipif(NO_WEIGHTS, reason="scikit-learn's MLP takes sample_weight from 1.7 on"),
        ),
        pytest.param(cp, id="clearprop"),
    ],
)
def test_an_epochs_loss_averages_batches_by_rows_not_by_weights(library):
    weights = np.array([1.0] * 5 + [9.0] * 5)
    y = Y[:, 0]
    fitted = still(library, alpha=0.0, batch_size=5).fit(X, y, weights)
    errors = 0.5 * (fitted.predict(X) - y) ** 2
    assert first_loss(fitted) == pytest.approx((errors[:5].mean() + errors[5:].mean()) / 2)
    assert first_loss(fitted) != pytest.approx(np.average(errors, weights=weights), rel=1e-3)


@BOTH
def test_reported_log_losses_clip_probabilities_and_their_gradients_do_not(library):
    wild = 400 * X
    labels = (Y[:, 0] > 0).astype(int)
    given = {**STILL, "max_iter": 1, "learning_rate_init": 1e-9, "alpha": 0.0}
    fitted = library.MLPClassifier(**given).fit(wild, labels)
    p = np.clip(fitted.predict_proba(wild)[np.arange(10), labels], 1e-300, 1)
    eps = np.finfo(float).eps
    assert (p < eps).any()
    assert first_loss(fitted) == pytest.approx(-np.log(np.clip(p, eps, 1 - eps)).mean(), rel=1e-3)
    before = library.MLPClassifier(**{**given, "learning_rate_init": 1e-300}).fit(wild, labels)
    a = before.predict_proba(wild)[:, 1]
    slope = (fitted.intercepts_[-1] - before.intercepts_[-1]) / -1e-9
    assert slope[0] == pytest.approx((a - labels).mean(), rel=1e-4)


def test_train_does_not_clip():
    net = cp.Network(1, [cp.Dense(1, "sigmoid")])
    theta = cp.parameters_from_arrays(net, [[[1.0]]], [[0.0]])
    assert cp.gradient(net, theta, [[-500.0]], [1])[0] == pytest.approx(500)


@pytest.mark.parametrize("name", sorted(clipped))
def test_the_clipped_losses_are_scikit_learns_functions(name):
    from sklearn.neural_network._base import binary_log_loss, log_loss

    rng = np.random.default_rng(1)
    a = np.concatenate((rng.dirichlet(np.ones(4), 20), np.eye(4)))
    y = np.eye(4)[rng.integers(0, 4, len(a))]
    theirs = {"cross_entropy": log_loss, "binary_cross_entropy": binary_log_loss}[name](y, a)
    ours = clipped[name].linked_value_of(a, a, y, a).sum(axis=1).mean()
    assert ours == pytest.approx(theirs, rel=1e-13)


@BOTH
def test_adams_epsilon_is_added_before_the_bias_is_corrected(library):
    y = Y[:, 0]
    given = {"hidden_layer_sizes": (), "max_iter": 1, "random_state": 0, "alpha": 0.0, "shuffle": False}
    given |= {"learning_rate_init": 1e-3, "epsilon": 0.1, "batch_size": 10}
    before = library.MLPRegressor(**{**given, "learning_rate_init": 1e-300}).fit(X, y)
    after = library.MLPRegressor(**given).fit(X, y)
    g = (before.predict(X) - y).mean()
    step = float((after.intercepts_[0] - before.intercepts_[0])[0])
    m, v = 0.1 * g, 0.001 * g**2
    assert step == pytest.approx(-1e-3 * np.sqrt(0.001) / 0.1 * m / (np.sqrt(v) + 0.1), rel=1e-9)
    assert step != pytest.approx(-1e-3 * g / (abs(g) + 0.1), rel=1e-2)  # the paper's first form, PyTorch's


def test_cp_adam_is_the_papers_and_pytorchs_form():
    net = cp.Network(3, [cp.Dense(1)], loss="half_squared_error")
    theta = net.initialize(seed=0)
    g = (cp.forward(net, theta, X)[:, 0] - Y[:, 0]).mean()
    model = cp.train(
        net,
        X,
        Y[:, 0],
        optimizer=cp.Adam(1e-3, epsilon=0.1),
        batch_size=None,
        epochs=1,
        initial=theta,
        progress=False,
    )
    step = float(model.theta.b[1][0] - theta.b[1][0])
    assert step == pytest.approx(-1e-3 * g / (abs(g) + 0.1), rel=1e-9)


@BOTH
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_squared_errors_of_several_outputs_are_trained_summed_and_reported_averaged(library, solver):
    fitted = still(library, alpha=0.0, batch_size=10).fit(X, Y)
    assert first_loss(fitted) == pytest.approx(plain_loss(fitted, X, Y) / 2)
    moved = still(library, alpha=0.0, batch_size=10, learning_rate_init=1e-6).fit(X, Y)
    slope = (moved.intercepts_[-1] - fitted.intercepts_[-1]) / -1e-6
    assert slope == pytest.approx((fitted.predict(X) - Y).mean(axis=0), rel=1e-4)  # not halved
    if solver == "lbfgs":  # its line search sees a gradient twice the slope of its loss, and still descends
        one, many = (
            still(library, solver="lbfgs", alpha=0.0, max_iter=n, learning_rate_init=1e-3) for n in (1, 300)
        )
        assert many.fit(X, Y).loss_ < one.fit(X, Y).loss_


def test_train_reports_what_it_trains():
    net = cp.Network(3, [cp.Dense(2)], loss="half_squared_error")
    theta = net.initialize(seed=0)
    loss, gradient = cp.gradient(net, theta, X, Y)
    residual = cp.forward(net, theta, X) - Y
    assert loss == pytest.approx(0.5 * (residual**2).sum(axis=1).mean())
    assert gradient.b[1] == pytest.approx(residual.mean(axis=0))


@BOTH
def test_a_standstill_ends_a_fit_one_epoch_after_n_iter_no_change(library):
    fitted = library.MLPRegressor(**STILL, learning_rate_init=1e-300, n_iter_no_change=4).fit(X, Y)
    assert fitted.n_iter_ == 1 + 4 + 1  # the first epoch is better than nothing


@BOTH
def test_invscaling_counts_examples_not_steps(library):
    given = {**STILL, "learning_rate": "invscaling", "learning_rate_init": 1e-6, "power_t": 1.0, "alpha": 0.0}
    one, two = (library.MLPRegressor(**given, max_iter=n, batch_size=10).fit(X, Y[:, 0]) for n in (1, 2))
    start = still(library, alpha=0.0, batch_size=10).fit(X, Y[:, 0])
    first = (one.intercepts_[-1] - start.intercepts_[-1])[0]
    second = (two.intercepts_[-1] - one.intercepts_[-1])[0]
    assert second / first == pytest.approx(1 / 11, rel=1e-3)


@BOTH
def test_first_weights_are_uniform_and_the_output_layer_follows_the_hidden_activation(library):
    inputs, targets = load_iris(return_X_y=True)
    for activation, factor in (("relu", 6.0), ("logistic", 2.0)):
        given = {**STILL, "max_iter": 1, "learning_rate_init": 1e-300, "activation": activation}
        fitted = library.MLPClassifier((400,), **given).fit(inputs, targets)
        for W in fitted.coefs_:
            bound = np.sqrt(factor / sum(W.shape))
            assert 0.98 * bound < np.abs(W).max() <= bound


@BOTH
def test_partial_fit_with_a_whole_number_as_random_state_shuffles_alike_each_time(library):
    given = {"random_state": 0, "batch_size": 3, "solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1}
    whole = library.MLPRegressor(**given).fit(X, Y[:, 0])  # 200 epochs of orders from one stream
    again = library.MLPRegressor(**given)
    states = []
    for _ in range(3):
        again.partial_fit(X, Y[:, 0])
        states.append(again._random_state.get_state()[1:3])
    assert np.array_equal(states[1][0], states[2][0])
    assert states[1][1] == states[2][1]  # each call begins the stream anew
    assert whole.loss_curve_[:1] == pytest.approx(again.loss_curve_[:1])
    assert whole.loss_curve_[1:3] != pytest.approx(again.loss_curve_[1:3], rel=1e-9)
