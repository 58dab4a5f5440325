"""The drop-ins: scikit-learn's contract, its numbers, and what it lacks."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

import clearprop as cp
from clearprop.engines import gradient
from clearprop.estimators.mlp import MLPClassifier, MLPRegressor
from clearprop.estimators.settings import rule_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def since_1_7(what: str) -> pytest.MarkDecorator:
    """What scikit-learn's own MLP can be compared in only from its version 1.7 on; ours has it on any."""
    before = parse_version(sklearn.__version__) < parse_version("1.7")
    return pytest.mark.skipif(before, reason=f"scikit-learn's own MLP: {what} from 1.7 on")


def scaled(load: Any, rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    X, y = load(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(X))[:rows]
    return StandardScaler().fit_transform(X)[chosen], y[chosen]


CANCER, IRIS = scaled(load_breast_cancer), scaled(load_iris)
DIABETES = scaled(load_diabetes)
DIABETES = (DIABETES[0], (DIABETES[1] - DIABETES[1].mean()) / DIABETES[1].std())

SETTINGS: list[dict[str, Any]] = [
    {},
    {"early_stopping": True, "n_iter_no_change": 3},
    {"activation": "logistic", "batch_size": 37, "alpha": 0.1},
    {"hidden_layer_sizes": (8, 5), "activation": "tanh", "beta_1": 0.5, "epsilon": 1e-4},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.2, "nesterovs_momentum": False},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "n_iter_no_change": 1},
    {"shuffle": False, "activation": "identity"},
]


def assert_same_course(ours: Any, theirs: Any, rtol: float = 1e-10) -> None:
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=rtol)
    assert (ours.n_iter_, ours.t_, ours.n_layers_, ours.n_outputs_, ours.out_activation_) == (
        theirs.n_iter_,
        theirs.t_,
        theirs.n_layers_,
        theirs.n_outputs_,
        theirs.out_activation_,
    )
    for a, b in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)
    if theirs.validation_scores_ is not None:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-8)
        assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    else:
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("data", ["cancer", "iris", "diabetes"])
def test_takes_the_steps_of_scikit_learn(data: str, settings: dict[str, Any]) -> None:
    X, y = {"cancer": CANCER, "iris": IRIS, "diabetes": DIABETES}[data]
    given = {"hidden_layer_sizes": (12,), "max_iter": 12, "random_state": 1, **settings}
    kind = "MLPRegressor" if data == "diabetes" else "MLPClassifier"
    ours = {"MLPRegressor": MLPRegressor, "MLPClassifier": MLPClassifier}[kind](**given).fit(X, y)
    theirs = getattr(neural_network, kind)(**given).fit(X, y)
    assert_same_course(ours, theirs)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y))


@since_1_7("takes sample_weight")
@pytest.mark.parametrize("batch_size", [50, "auto"])
def test_weighted_batches_are_penalised_by_their_weight_as_in_scikit_learn(batch_size: Any) -> None:
    X, y = CANCER
    weights = np.random.default_rng(0).uniform(0, 3, len(y))
    given = {
        "hidden_layer_sizes": (6,),
        "max_iter": 8,
        "random_state": 0,
        "alpha": 1.0,
        "batch_size": batch_size,
    }
    ours = MLPClassifier(**given).fit(X, y, weights)
    assert_same_course(ours, neural_network.MLPClassifier(**given).fit(X, y, weights))


@since_1_7("takes `loss`")
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_several_outputs_are_trained_and_reported_as_in_scikit_learn(loss: str) -> None:
    X, y = DIABETES
    Y = np.round(np.column_stack((y - y.min(), y**2)))
    given = {"loss": loss, "hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0}
    assert_same_course(MLPRegressor(**given).fit(X, Y), neural_network.MLPRegressor(**given).fit(X, Y))


@pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp`:DeprecationWarning")  # in 1.6
@pytest.mark.parametrize("iterations", [1, 10])
def test_lbfgs_gives_scikit_learns_losses(iterations: int) -> None:
    X, y = DIABETES
    given = {"hidden_layer_sizes": (9,), "max_iter": iterations, "random_state": 0, "solver": "lbfgs"}
    for target in (y, np.column_stack((y, y**2))):
        ours, theirs = (
            MLPRegressor(**given).fit(X, target),
            neural_network.MLPRegressor(**given).fit(X, target),
        )
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)
        assert ours.n_iter_ == theirs.n_iter_


def test_partial_fit_and_warm_start_go_on_as_in_scikit_learn() -> None:
    X, y = IRIS
    pair = [c(6, random_state=0, max_iter=3) for c in (MLPClassifier, neural_network.MLPClassifier)]
    for estimator in pair:
        for _ in range(4):
            estimator.partial_fit(X[:100], y[:100], classes=np.unique(y))
    assert_same_course(*pair)
    for estimator in pair:
        estimator.set_params(warm_start=True).fit(X, y)
    assert_same_course(*pair)


@pytest.mark.parametrize(
    "kind", ["MLPClassifier", pytest.param("MLPRegressor", marks=since_1_7("its `loss` comes first"))]
)
def test_constructors_begin_with_scikit_learns_parameters_in_order_and_with_its_defaults(kind: str) -> None:
    ours, theirs = getattr(cp, kind), getattr(neural_network, kind)
    expected = list(inspect.signature(theirs).parameters.values())
    given = list(inspect.signature(ours).parameters.values())[: len(expected)]
    assert [(p.name, p.kind, p.default) for p in given] == [(p.name, p.kind, p.default) for p in expected]


def test_an_epsilon_hat_adam_runs_on_the_kernels_of_adam() -> None:
    from clearprop.engines.builds import rule_key

    adam = cp.Adam(1e-3)
    hat = rule_of(MLPClassifier())
    assert rule_key(hat) == rule_key(adam)
    assert hat.scalar_values(1, 1)[0] == pytest.approx((np.sqrt(1 - 0.999) / (1 - 0.9), 1.0))


def test_string_labels_several_labels_and_sparse_inputs() -> None:
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    classifier = MLPClassifier(8, solver="lbfgs", random_state=0, max_iter=50).fit(
        scipy.sparse.csr_array(X), names
    )
    assert set(classifier.predict(scipy.sparse.csc_array(X))) == set(names)
    assert classifier.score(X, names) > 0.9
    assert classifier.predict_proba(X).sum(axis=1) == pytest.approx(1)
    X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    several = MLPClassifier(8, solver="lbfgs", random_state=0, max_iter=50).fit(X, Y)
    assert several.predict(X).shape == Y.shape
    assert several.out_activation_ == "logistic"


def test_float32_is_computed_in_float32() -> None:
    X, y = CANCER
    classifier = MLPClassifier(5, max_iter=3, random_state=0).fit(X.astype(np.float32), y)
    assert {a.dtype for a in classifier.coefs_ + classifier.intercepts_} == {np.dtype(np.float32)}
    assert classifier.predict_proba(X).dtype == np.float32
    assert classifier.loss_ == pytest.approx(
        MLPClassifier(5, max_iter=3, random_state=0).fit(X, y).loss_, rel=1e-4
    )


def test_works_in_pipelines_searches_and_pickles() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(8, solver="lbfgs", max_iter=60, random_state=0))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.9
    search = GridSearchCV(pipeline, {"mlpclassifier__activation": ["relu", cp.ELU(0.5)]}, cv=2).fit(X, y)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    copy = clone(
        MLPClassifier(solver=cp.AdamW(1e-3), learning_rate=cp.Cosine(0.01), activation=[cp.ELU(0.5)])
    )
    assert copy.solver == cp.AdamW(1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "gelu"},
        {"activation": ["tanh", cp.LeakyReLU(0.1)], "hidden_layer_sizes": (8, 8)},
        {"activation": cp.Maxout(2)},
        {"solver": cp.AdamW(0.02, clip_norm=1.0)},
        {"solver": cp.RMSprop(0.01), "learning_rate": cp.Cosine(0.02)},
        {"solver": cp.LBFGS()},
        {"learning_rate": cp.ReduceOnPlateau(0.02, patience=2)},
        {"dropout": 0.2},
        {"class_weight": "balanced"},
        {"class_weight": {0: 2.0, 1: 1.0, 2: 0.5}},
        {"loss": "hinge"},
        {"loss": "binary_cross_entropy"},
        {"output_activation": "softmax", "loss": "kl_divergence"},
        {"l1": 0.01},
        {"hidden_layer_sizes": ()},
    ],
    ids=str,
)
def test_what_scikit_learn_lacks_is_learnt_with(settings: dict[str, Any]) -> None:
    X, y = IRIS
    given = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0}
    classifier = MLPClassifier(**{**given, **settings}).fit(X, y)
    assert classifier.score(X, y) > 0.85
    np.testing.assert_array_equal(
        MLPClassifier(**{**given, **settings}).fit(X, y).predict(X), classifier.predict(X)
    )


@pytest.mark.parametrize(
    "loss", ["huber", "absolute_error", cp.Quantile(0.9), cp.losses["squared_error"], None]
)
def test_regression_on_any_loss_of_numbers(loss: Any) -> None:
    X, y = DIABETES
    regressor = MLPRegressor(loss, (8,), "tanh", learning_rate_init=0.01, max_iter=80, random_state=0).fit(
        X, y
    )
    below = np.mean(y <= regressor.predict(X))
    assert (
        below == pytest.approx(0.9, abs=0.05) if isinstance(loss, cp.Loss) and loss.name == "quantile" else 1
    )
    assert regressor.loss_curve_[-1] < regressor.loss_curve_[0] / 1.5


@pytest.mark.parametrize("early_stopping", [False, True])
def test_class_weights_are_sample_weights(early_stopping: bool) -> None:
    X, y = CANCER
    given = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0, "early_stopping": early_stopping}
    by_class = MLPClassifier(class_weight={0: 3.0}, **given).fit(X, y)
    by_row = MLPClassifier(**given).fit(X, y, np.where(y == 0, 3.0, 1.0))
    np.testing.assert_array_equal(by_class.coefs_[0], by_row.coefs_[0])
    assert by_class.validation_scores_ == by_row.validation_scores_


def test_the_fitted_network_can_be_looked_into() -> None:
    X, y = IRIS
    classifier = MLPClassifier(6, max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(classifier.theta_.W[1], classifier.coefs_[0].T)
    np.testing.assert_array_equal(classifier.model_.predict(X), classifier.predict_proba(X))
    assert classifier.model_.classes == (0, 1, 2)
    loss, _ = gradient(classifier.network_, classifier.theta_, X, y)
    assert 0 < loss < classifier.loss_curve_[0]


def test_hinge_has_no_probabilities() -> None:
    assert hasattr(MLPClassifier(), "predict_proba")
    assert not hasattr(MLPClassifier(loss="hinge"), "predict_proba")


def test_unusable_settings_say_so() -> None:
    X, y = IRIS
    with pytest.raises(cp.SpecificationError, match="activation lists 1 and hidden_layer_sizes 2"):
        MLPClassifier((3, 3), ["relu"]).fit(X, y)
    with pytest.raises(cp.SpecificationError, match="dropout"):
        MLPClassifier(solver="lbfgs", dropout=0.5).fit(X, y)
    with pytest.raises(ValueError, match="balanced"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(cp.SpecificationError, match="cannot be trained with 'step'"):
        MLPClassifier(activation="step").fit(X, y)
    with pytest.raises(ValueError, match="numbers from 0"):
        MLPRegressor("poisson").fit(X, y - 1.0)


def test_a_lost_fit_raises_and_an_early_stopped_one_keeps_its_best() -> None:
    X, y = DIABETES
    given = {"activation": "identity", "solver": "sgd", "learning_rate_init": 1e8, "random_state": 0}
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        MLPRegressor(**given).fit(X, y)
    kept = MLPRegressor(early_stopping=True, **given).fit(X, y)
    assert np.isnan(kept.validation_scores_[-1])
    assert np.isfinite(kept.predict(X)).all()


def test_an_unfinished_fit_warns() -> None:
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        MLPClassifier(3, max_iter=1).fit(*IRIS)
