"""Estimators of scikit-learn, opened: predictions, folded scalers, refusals."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

import clearprop as cp
from adopted import assert_certified_and_saved, assert_same, disagreement

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(80, 5)) * [1, 1e4, 1e-4, 0, 30] + [0, 1e6, 5, 7, -3]
CODES = (GENERATOR.integers(0, 3, 80) + (X[:, 0] > 0)) % 3
THREE, TWO = np.array(["ash", "elm", "oak"])[CODES], CODES > 0
LABELS = GENERATOR.integers(0, 2, (80, 3))
NUMBERS = X[:, 0] * 1e3 + GENERATOR.normal(size=80)
TWO_NUMBERS = np.column_stack((NUMBERS, X[:, 4]))
COUNTS = GENERATOR.poisson(np.exp(X[:, 0] / 2)).astype(float)
SMALL = X / [1, 1e4, 1e-4, 1, 30] - [0, 1e2, 5e4, 7, 0]
#: badly scaled rows, none of them seen in a fit
NEW = X[:40] + GENERATOR.normal(size=(40, 5)) * [3, 1e5, 1e-3, 2, 1e3]


def network(kind, **settings):
    return kind(hidden_layer_sizes=(6, 4), max_iter=20, random_state=0, **{"solver": "lbfgs", **settings})


def probabilities(fitted, rows):
    """predict_proba as columns, of two classes the second alone; else predictions."""
    if not hasattr(fitted, "predict_proba"):
        return np.asarray(fitted.predict(rows)).reshape(len(rows), -1)
    found = fitted.predict_proba(rows)
    return found[:, 1:] if found.shape[1] == 2 else found


DROPPING = {"dropout": 0.1, "solver": "adam"}
NETWORKS = {
    "three classes": (network(MLPClassifier), THREE),
    "two classes": (network(MLPClassifier, activation="logistic"), TWO),
    "several labels": (network(MLPClassifier, activation="tanh"), LABELS),
    "identity": (network(MLPClassifier, activation="identity"), THREE),
    "numbers": (network(MLPRegressor, activation="tanh"), NUMBERS),
    "two outputs": (network(MLPRegressor), TWO_NUMBERS),
    "own classifier": (network(cp.MLPClassifier, activation=["silu", cp.Maxout(3)], **DROPPING), THREE),
    "own regressor": (network(cp.MLPRegressor, loss="absolute_error"), NUMBERS),
    "linear": (LinearRegression(), TWO_NUMBERS),
    "no intercept": (Ridge(fit_intercept=False), NUMBERS),
    "logistic": (LogisticRegression(), TWO),
    "multinomial": (LogisticRegression(), THREE),
    "counts": (PoissonRegressor(), COUNTS),
}


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_are_the_same(name, scaled):
    estimator, y = NETWORKS[name]
    fitted = make_pipeline(StandardScaler(), estimator).fit(X, y) if scaled else estimator.fit(SMALL, y)
    rows = NEW if scaled else SMALL[:40] * 3
    model = cp.adopt(fitted)
    assert_same(model, rows, probabilities(fitted, rows))


def test_losses_are_those_of_the_fit():
    rows = X[:, :1]
    found = [
        cp.adopt(estimator.fit(rows, y)).network.loss.name
        for estimator, y in (
            NETWORKS[name]
            for name in (
                "three classes",
                "two classes",
                "several labels",
                "numbers",
                "counts",
                "own regressor",
            )
        )
    ]
    assert found == [
        "cross_entropy",
        "binary_cross_entropy",
        "binary_cross_entropy",
        "half_squared_error",
        "poisson",
        "absolute_error",
    ]
    assert cp.adopt(LinearRegression().fit(rows, NUMBERS), loss=cp.Huber(2.0)).network.loss == cp.Huber(2.0)


def test_labels_are_kept_in_their_order():
    assert cp.adopt(LogisticRegression().fit(X[:, :1], THREE)).classes == ("ash", "elm", "oak")
    assert cp.adopt(network(MLPClassifier).fit(X[:, :1], TWO)).classes == (False, True)


@pytest.mark.skipif("loss" not in MLPRegressor().get_params(), reason="scikit-learn from 1.7")
def test_a_poisson_network():
    fitted = make_pipeline(StandardScaler(), network(MLPRegressor, loss="poisson")).fit(X, COUNTS)
    model = cp.adopt(fitted)
    assert model.network.loss.name == "poisson"
    assert_same(model, X, fitted.predict(X))


SCALERS = {
    "standard": StandardScaler(),
    "mean only": StandardScaler(with_std=False),
    "deviation only": StandardScaler(with_mean=False),
    "neither": StandardScaler(with_mean=False, with_std=False),
    "range": MinMaxScaler((-2, 3)),
    "largest": MaxAbsScaler(),
    "robust": RobustScaler(),
    "robust, no centre": RobustScaler(with_centering=False),
    "robust, no scale": RobustScaler(with_scaling=False),
    "components": make_pipeline(StandardScaler(), PCA(3)),
    "white": make_pipeline(StandardScaler(), PCA(3, whiten=True)),
    "truncated": make_pipeline(StandardScaler(), TruncatedSVD(2)),
    "chosen": make_pipeline(VarianceThreshold(1e-12), RobustScaler()),
    "none": make_pipeline("passthrough", None, FunctionTransformer(), StandardScaler()),
}


@pytest.mark.parametrize("name", SCALERS)
def test_scalers_are_folded_into_the_first_layer(name):
    scaled = SCALERS[name].fit_transform(X)
    y = scaled @ np.linspace(-1, 1, scaled.shape[1]) / np.abs(scaled).max()
    fitted = make_pipeline(SCALERS[name], Ridge()).fit(X, y)
    model = cp.adopt(fitted)
    assert model.network.inputs == 5
    assert model.network.depth == 1
    assert_same(model, NEW, fitted.predict(NEW), limit=1e-9)


def test_a_constant_column_far_from_zero_keeps_its_digits():
    far = np.column_stack((X[:, 0], np.full(80, 1e13), 1e10 + X[:, 0]))
    fitted = make_pipeline(StandardScaler(), network(MLPRegressor, activation="tanh")).fit(far, X[:, 0])
    model = cp.adopt(fitted)
    assert [layer.activation.name for layer in model.network.layers] == [
        "identity",
        "tanh",
        "tanh",
        "identity",
    ]
    off = far + np.array([0, 0.5, 1])
    assert_same(model, off, fitted.predict(off), limit=1e-9)


def test_single_precision_is_kept_where_nothing_is_folded():
    single = X.astype(np.float32)
    alone = network(MLPRegressor, solver="adam").fit(single / 1e6, NUMBERS.astype(np.float32))
    assert cp.adopt(alone).theta.dtype == np.float32
    fitted = make_pipeline(StandardScaler(), network(MLPClassifier)).fit(single, THREE)
    model = cp.adopt(fitted)
    assert model.theta.dtype == np.float64
    exact = single.astype(np.float64)  # in float32 scikit-learn rounds the means of its scaler
    assert_same(model, single, fitted.predict_proba(exact))


@pytest.mark.parametrize("transformer", [StandardScaler(), MinMaxScaler(), None, MaxAbsScaler()])
def test_a_scaler_of_the_target_goes_into_the_output_layer(transformer):
    inner = make_pipeline(StandardScaler(), network(MLPRegressor))
    y = TWO_NUMBERS * [1e3, 1e-3]
    fitted = TransformedTargetRegressor(inner, transformer=transformer).fit(X, y)
    model = cp.adopt(fitted)
    assert model.network.depth == 3
    model.engine = "textbook"
    for column in range(2):
        spread = np.abs(fitted.predict(X)[:, column]).max()
        assert np.abs(model.predict(X) - fitted.predict(X))[:, column].max() <= 1e-9 * spread


def test_a_search_is_its_best_estimator():
    search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 1]}, cv=2)
    search.fit(X, NUMBERS)
    assert_same(cp.adopt(search), NEW, search.predict(NEW))
    with pytest.raises(cp.SpecificationError, match="refit=True"):
        cp.adopt(GridSearchCV(Ridge(), {"alpha": [1]}, cv=2, refit=False).fit(SMALL, NUMBERS))


@pytest.mark.parametrize("engine", ["textbook", "compiled"])
@pytest.mark.parametrize("name", ["three classes", "two classes", "numbers"])
def test_an_adopted_network_certifies_and_is_saved(name, engine, tmp_path):
    estimator, y = NETWORKS[name]
    model = cp.adopt(make_pipeline(StandardScaler(), estimator).fit(X, y))
    model.engine = engine
    assert_certified_and_saved(model, X[:6], tmp_path / "adopted.safetensors")


def test_the_numbers_are_copies():
    fitted = LinearRegression().fit(SMALL, TWO_NUMBERS)
    before = fitted.coef_.copy()
    cp.adopt(fitted).theta.flat[:] = 0
    np.testing.assert_array_equal(fitted.coef_, before)


def test_a_planted_fault_is_noticed():
    fitted = make_pipeline(StandardScaler(), network(MLPClassifier)).fit(X, THREE)
    model = cp.adopt(fitted)
    model.engine = "textbook"
    assert disagreement(model, X, fitted.predict_proba(X)) < 1e-9
    model.theta.W[3][0, 0] += 1e-3
    assert disagreement(model, X, fitted.predict_proba(X)) > 1e-6


REFUSED = {
    "RandomForestClassifier cannot be opened": RandomForestClassifier(2).fit(SMALL, THREE),
    "PolynomialFeatures, is not among the affine steps": make_pipeline(PolynomialFeatures(), Ridge()).fit(
        SMALL, NUMBERS
    ),
    "step 'columntransformer', ColumnTransformer": make_pipeline(
        ColumnTransformer([("all", StandardScaler(), [0, 1])]), Ridge()
    ).fit(SMALL, NUMBERS),
    "calls a Python function": make_pipeline(FunctionTransformer(np.tanh), Ridge()).fit(SMALL, NUMBERS),
    "MinMaxScaler, clips": make_pipeline(MinMaxScaler(clip=True), Ridge()).fit(SMALL, NUMBERS),
    "StandardScaler cannot be opened": make_pipeline(StandardScaler()).fit(SMALL),
    "transforms y by a Python function": TransformedTargetRegressor(
        Ridge(), func=np.arcsinh, inverse_func=np.sinh
    ).fit(SMALL, NUMBERS),
    "not a scaler of each column": TransformedTargetRegressor(Ridge(), transformer=PCA(2)).fit(
        X, TWO_NUMBERS
    ),
    "ends with 'exp'": TransformedTargetRegressor(PoissonRegressor(), transformer=MaxAbsScaler()).fit(
        SMALL, COUNTS
    ),
    r"MLPClassifier is not fitted; call its fit": MLPClassifier(),
    "StandardScaler is not fitted": make_pipeline(StandardScaler(), Ridge()),
    "TransformedTargetRegressor is not fitted": TransformedTargetRegressor(Ridge()),
    "use it as it is": cp.adopt(LinearRegression().fit(SMALL, NUMBERS)),
    "the class MLPClassifier cannot be opened; give an instance": MLPClassifier,
    "ndarray cannot be opened; give a fitted": X,
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_represented_is_named(message):
    with pytest.raises(cp.SpecificationError, match=message):
        cp.adopt(REFUSED[message])


def test_a_table_estimator_is_told_its_own_model():
    with pytest.raises(cp.SpecificationError, match=r"\.model_"):
        cp.adopt(cp.TabularRegressor())
