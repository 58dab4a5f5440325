"""A network without hidden layers is scikit-learn's linear model, to 1e-6: see docs/linear-models.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

import clearprop as cp

PAGE = Path(__file__).parents[2] / "docs/linear-models.md"
EXACT = cp.LBFGS(tolerance=1e-12)


def scaled(load: Any) -> tuple[np.ndarray, np.ndarray]:
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def drawn(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Random examples, correlated inputs; classes overlap."""
    generator = np.random.default_rng(7)
    X = generator.normal(size=(300, 8)) @ generator.normal(size=(8, 8)) / 3 + 0.5
    z = X @ generator.normal(size=(8, 3)) + generator.normal(size=(300, 3))
    if kind == "numbers":
        return X, z
    return X, (z[:, 0] > 0).astype(int) if kind == "two" else z.argmax(axis=1)


DIABETES = scaled(load_diabetes)
REGRESSIONS = {"diabetes": DIABETES, "random": drawn("numbers")}
BINARY = {"cancer": scaled(load_breast_cancer), "random": drawn("two")}
SEVERAL = {"iris": scaled(load_iris), "random": drawn("several")}


def weights_for(rows: int, weighted: bool) -> np.ndarray | None:
    return np.random.default_rng(1).uniform(0.1, 3, rows) if weighted else None


def total(weights: np.ndarray | None, rows: int) -> float:
    return float(rows if weights is None else weights.sum())


def train(network: cp.Network, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> cp.Model:
    model = cp.train(network, X, y, optimizer=EXACT, epochs=5000, sample_weight=weights, progress=False)
    assert model.stopped == "gradient norm"
    return model


def same(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def centred(numbers: np.ndarray) -> np.ndarray:
    """Classes by rows, less their mean: what softmax determines."""
    return numbers - numbers.mean(axis=0)


weighted_or_not = pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
strengths = pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
regressions = pytest.mark.parametrize("data", REGRESSIONS.values(), ids=REGRESSIONS)
binary = pytest.mark.parametrize("data", BINARY.values(), ids=BINARY)
several = pytest.mark.parametrize("data", SEVERAL.values(), ids=SEVERAL)


@weighted_or_not
@regressions
@pytest.mark.parametrize("loss", ["half_squared_error", "squared_error"])
def test_linear_regression(loss: str, data: Any, weighted: bool) -> None:
    X, y = data
    weights = weights_for(len(y), weighted)
    outputs = 1 if y.ndim == 1 else y.shape[1]
    model = train(cp.Network(X.shape[1], [cp.Dense(outputs)], loss=loss), X, y, weights)
    reference = LinearRegression().fit(X, y, weights)
    same(model.theta.W[1], np.atleast_2d(reference.coef_))
    same(model.theta.b[1], reference.intercept_)
    same(model.predict(X).reshape(y.shape), reference.predict(X))


@weighted_or_not
@regressions
@pytest.mark.parametrize("alpha", [0.1, 10.0, 1000.0])
@pytest.mark.parametrize(("loss", "share"), [("half_squared_error", 1), ("squared_error", 2)])
def test_ridge_regression(loss: str, share: int, alpha: float, data: Any, weighted: bool) -> None:
    X, y = data
    weights = weights_for(len(y), weighted)
    outputs = 1 if y.ndim == 1 else y.shape[1]
    l2 = share * alpha / total(weights, len(y))
    model = train(cp.Network(X.shape[1], [cp.Dense(outputs)], loss=loss, l2=l2), X, y, weights)
    reference = Ridge(alpha=alpha).fit(X, y, weights)
    same(model.theta.W[1], np.atleast_2d(reference.coef_))
    same(model.theta.b[1], reference.intercept_)
    same(model.predict(X).reshape(y.shape), reference.predict(X))


def logistic_regression(C: float) -> LogisticRegression:
    return LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000)


@weighted_or_not
@binary
@strengths
def test_logistic_regression(C: float, data: Any, weighted: bool) -> None:
    X, y = data
    weights = weights_for(len(y), weighted)
    l2 = 1 / (C * total(weights, len(y)))
    model = train(cp.Network(X.shape[1], [cp.Dense(1, "sigmoid")], l2=l2), X, y, weights)
    reference = logistic_regression(C).fit(X, y, weights)
    same(model.theta.W[1], reference.coef_)
    same(model.theta.b[1], reference.intercept_)
    same(model.predict(X)[:, 0], reference.predict_proba(X)[:, 1])


@weighted_or_not
@several
@strengths
def test_softmax_regression(C: float, data: Any, weighted: bool) -> None:
    X, y = data
    weights = weights_for(len(y), weighted)
    l2 = 1 / (C * total(weights, len(y)))
    model = train(cp.Network(X.shape[1], [cp.Dense(3, "softmax")], l2=l2), X, y, weights)
    reference = logistic_regression(C).fit(X, y, weights)
    same(model.theta.W[1].sum(axis=0), 0)  # the penalty's choice among equals
    same(model.theta.W[1], centred(reference.coef_))
    same(centred(model.theta.b[1]), centred(reference.intercept_))
    same(model.predict(X), reference.predict_proba(X))


@pytest.mark.parametrize(
    ("data", "units", "row"), [(BINARY["random"], 1, "sigmoid"), (SEVERAL["random"], 3, "softmax")]
)
def test_without_a_penalty_only_differences_between_classes_are_determined(
    data: Any, units: int, row: str
) -> None:
    X, y = data
    model = train(cp.Network(X.shape[1], [cp.Dense(units, row)]), X, y, None)
    reference = logistic_regression(np.inf).fit(X, y)
    shift = centred if units > 1 else np.asarray
    same(shift(model.theta.W[1]), shift(reference.coef_))
    same(shift(model.theta.b[1]), shift(reference.intercept_))


def test_a_tolerance_of_1e_9_is_enough_where_the_penalty_is_no_weaker_than_by_default() -> None:
    X, y = BINARY["cancer"]
    network = cp.Network(X.shape[1], [cp.Dense(1, "sigmoid")], l2=1 / len(y))
    model = cp.train(network, X, y, optimizer=cp.LBFGS(tolerance=1e-9), epochs=5000, progress=False)
    assert model.stopped == "gradient norm"
    same(model.theta.W[1], logistic_regression(1.0).fit(X, y).coef_)


#: what reaches an optimum in the drop-ins by other means than losses: the whole batch, step after step
DESCENT: dict[str, Any] = {
    "hidden_layer_sizes": (),
    "solver": cp.Nesterov(0.05, momentum=0.95),
    "batch_size": 10_000,
    "shuffle": False,
    "tol": 0.0,
    "n_iter_no_change": np.inf,
    "max_iter": 6000,
    "random_state": 0,
}
SEARCH: dict[str, Any] = {
    "hidden_layer_sizes": (),
    "solver": EXACT,
    "max_iter": 5000,
    "random_state": 0,
}
quiet = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning", "ignore:Got `batch_size`"
)
ways = pytest.mark.parametrize(
    "settings", [pytest.param(DESCENT, id="descent"), pytest.param(SEARCH, id="lbfgs")]
)


@quiet
@ways
@weighted_or_not
@pytest.mark.parametrize("alpha", [10.0, 100.0])
def test_the_drop_in_regressor_is_ridge_regression(
    alpha: float, weighted: bool, settings: dict[str, Any]
) -> None:
    X, y = DIABETES
    weights = weights_for(len(y), weighted)
    ours = cp.MLPRegressor(alpha=alpha, **settings).fit(X, y, weights)
    theirs = Ridge(alpha=alpha).fit(X, y, weights)
    same(ours.coefs_[0][:, 0], theirs.coef_)
    same(ours.intercepts_[0], theirs.intercept_)
    same(ours.predict(X), theirs.predict(X))


@quiet
@ways
@weighted_or_not
@pytest.mark.parametrize("data", [BINARY["cancer"], SEVERAL["iris"]], ids=["cancer", "iris"])
def test_the_drop_in_classifier_is_logistic_regression(
    data: Any, weighted: bool, settings: dict[str, Any]
) -> None:
    X, y = data
    weights = weights_for(len(y), weighted)
    C = 0.1
    ours = cp.MLPClassifier(alpha=1 / C, **settings).fit(X, y, weights)
    theirs = logistic_regression(C).fit(X, y, weights)
    shift = centred if len(theirs.classes_) > 2 else np.asarray
    same(ours.coefs_[0].T, theirs.coef_)
    same(shift(ours.intercepts_[0]), shift(theirs.intercept_))
    same(ours.predict_proba(X), theirs.predict_proba(X))


def test_the_page_of_the_correspondence_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    exec("\n".join(blocks), {})
