"""The same numbers as scikit-learn's: thirty epochs of every solver and schedule, and lbfgs's losses.

On raw inputs rounding grows, in scikit-learn's own hands too; there the bound is what its own curve moves
when its products are added in another order.
"""

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine, make_classification
from sklearn.neural_network import _multilayer_perceptron as theirs_module
from sklearn.preprocessing import StandardScaler

import clearprop as cp

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]
EPOCHS = 30


def standardised(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def numbers():
    X, y = standardised(load_diabetes)
    return X, (y - y.mean()) / y.std()


DATA = {
    "digits": standardised(load_digits),
    "breast_cancer": standardised(load_breast_cancer),
    "wine": standardised(load_wine),
    "diabetes": numbers(),
    "synthetic": make_classification(1000, 30, n_informative=15, n_classes=4, random_state=1),
}
COURSES = [
    {"solver": "sgd", "nesterovs_momentum": nesterov, "learning_rate": schedule, "learning_rate_init": rate}
    for nesterov in (True, False)
    for schedule, rate in (("constant", 0.02), ("invscaling", 0.2), ("adaptive", 0.1))
] + [{"solver": "adam"}, {"solver": "adam", "activation": "logistic", "learning_rate_init": 0.01}]


def pair(data, **settings):
    name = "MLPRegressor" if data == "diabetes" else "MLPClassifier"
    given = {"max_iter": EPOCHS, "random_state": 3, **settings}
    return getattr(cp, name)(**given), getattr(neural_network, name)(**given)


@pytest.mark.parametrize("early_stopping", [False, True], ids=["", "early stopping"])
@pytest.mark.parametrize("course", COURSES, ids=lambda course: "-".join(map(str, course.values())))
@pytest.mark.parametrize("data", DATA)
def test_thirty_epochs_have_scikit_learns_losses(data, course, early_stopping):
    X, y = DATA[data]
    ours, theirs = pair(data, early_stopping=early_stopping, **course)
    ours.fit(X, y)
    theirs.fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8)
    if early_stopping:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-8)


def test_first_weights_are_the_same_to_the_bit():
    X, y = DATA["wine"]
    for activation in ("relu", "logistic"):
        ours, theirs = pair(
            "wine", activation=activation, learning_rate_init=1e-300, solver="sgd", max_iter=1
        )
        ours.fit(X, y)
        theirs.fit(X, y)
        for a, b in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
            assert np.array_equal(a, b)


def test_a_planted_difference_is_seen():
    X, y = DATA["wine"]
    ours, theirs = pair("wine")
    ours.set_params(alpha=1.01e-4).fit(X, y)
    theirs.fit(X, y)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8)


def reordered(a, b, *, dense_output=False):
    """A product whose terms are added from the last to the first."""
    return a[:, ::-1] @ b[::-1]


@pytest.mark.parametrize(
    ("load", "settings"),
    [
        (load_breast_cancer, {"activation": "tanh", "solver": "sgd"}),
        (load_breast_cancer, {"solver": "adam"}),
        (load_wine, {"solver": "adam", "activation": "tanh"}),
        (load_wine, {"solver": "sgd", "learning_rate_init": 1e-5}),
        (load_digits, {"solver": "adam"}),
    ],
)
def test_raw_inputs_move_no_more_than_scikit_learns_own_rounding(load, settings, monkeypatch):
    X, y = load(return_X_y=True)
    ours, theirs = pair("raw", **settings)
    ours.fit(X, y)
    theirs.fit(X, y)
    monkeypatch.setattr(theirs_module, "safe_sparse_dot", reordered)
    _, moved = pair("raw", **settings)
    moved.fit(X, y)
    curve = np.array(theirs.loss_curve_)
    own = np.abs(np.array(moved.loss_curve_) - curve) / curve
    assert own.max() > 0
    difference = np.abs(np.array(ours.loss_curve_) - curve) / curve
    assert difference.max() <= max(10 * own.max(), 1e-8)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("data", ["digits", "breast_cancer", "wine", "diabetes"])
def test_lbfgs_has_scikit_learns_losses_and_ends_at_a_small_gradient(data, activation):
    X, y = DATA[data]
    for iterations in (1, 5, 10):
        ours, theirs = pair(data, solver="lbfgs", activation=activation, max_iter=iterations)
        ours.fit(X, y)
        theirs.fit(X, y)
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-8)
    given = {"solver": "lbfgs", "activation": activation, "alpha": 1.0, "max_iter": 20000, "max_fun": 50000}
    ends = [largest_slope(estimator.fit(X, y), ours, X, y) for estimator in pair(data, **given)]
    # SciPy stops at a slope below tol or, as scikit-learn lets it, at a relative gain below 2.2e-9
    assert ends[0] <= max(ours.tol, 2 * ends[1])


def largest_slope(fitted, ours, X, y):
    """Largest slope of the penalised loss at a fitted estimator's parameters."""
    net = ours.network_
    penalised = cp.Network(net.inputs, net.layers, loss=net.loss, l2=1.0 / len(X))
    theta = cp.parameters_from_arrays(penalised, [W.T for W in fitted.coefs_], fitted.intercepts_)
    targets = ours._read_held_out(X, y)[1].astype(float)
    return np.abs(cp.gradient(penalised, theta, X, targets)[1].flat).max()
