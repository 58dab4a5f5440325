"""The estimators in company: files and processes, DataFrames, thresholds, metadata, searches in threads."""

from __future__ import annotations

import copy
import io
import pickle

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

import clearprop as cp

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SNAKE = cp.Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(2*alpha*z)", alpha=1.0)
X, Y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
NUMBERS = load_diabetes(return_X_y=True)[1][: len(X)]
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 10, "random_state": 0}

WEIGHTS = parse_version(sklearn.__version__) >= parse_version("1.7")  #: scikit-learn's MLP takes them

ESTIMATORS = {
    "plain": cp.MLPClassifier(**SMALL),
    "objects": cp.MLPClassifier(
        **{**SMALL, "activation": SNAKE}, solver=cp.AdamW(1e-3), learning_rate=cp.Cosine(0.01), dropout=0.1
    ),
    "lbfgs": cp.MLPClassifier(**SMALL, solver="lbfgs"),
    "ensemble": cp.MLPClassifier(**SMALL, n_ensemble=2),
    "autoencoder": cp.Autoencoder(max_iter=10, random_state=0),
    "tabular": cp.TabularClassifier(epochs=5, random_state=0),
}


def answers(estimator, rows):
    return estimator.transform(rows) if hasattr(estimator, "transform") else estimator.predict_proba(rows)


def through_joblib(estimator):
    memory = io.BytesIO()
    joblib.dump(estimator, memory)
    memory.seek(0)
    return joblib.load(memory)


WAYS = {
    "pickle": lambda estimator: pickle.loads(pickle.dumps(estimator)),
    "joblib": through_joblib,
    "cloudpickle": lambda estimator: pickle.loads(cloudpickle.dumps(estimator)),
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_a_copy_answers_with_the_same_bits(estimator, way):
    fitted = clone(estimator).fit(X, Y)
    assert np.array_equal(answers(way(fitted), X), answers(fitted, X))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_copy_made_between_partial_fits_goes_on_as_the_original(way):
    original = cp.MLPClassifier(**SMALL, solver=cp.AdamW(1e-2), learning_rate=cp.Cosine(0.01))
    for _ in range(3):
        original.partial_fit(X, Y, classes=[0, 1])
    copied = way(original)
    for each in (original, copied):
        each.partial_fit(X, Y)
    assert np.array_equal(original.theta_.flat, copied.theta_.flat)


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_a_clone_is_unfitted_and_fits_alike(estimator):
    fitted = clone(estimator).fit(X, Y)
    again = clone(fitted)
    assert not hasattr(again, "n_features_in_")
    assert np.array_equal(answers(again.fit(X, Y), X), answers(fitted, X))


def test_frames_name_their_columns_and_receive_frames():
    frame = pd.DataFrame(X[:, :4], columns=list("abcd"))
    fitted = cp.MLPClassifier(**SMALL).fit(frame, Y)
    assert fitted.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[["b", "a", "c", "d"]])
    pipeline = make_pipeline(StandardScaler(), cp.Autoencoder(max_iter=5, random_state=0))
    codes = pipeline.set_output(transform="pandas").fit_transform(frame)
    assert codes.columns.tolist() == ["autoencoder0", "autoencoder1"]


def test_thresholds_are_tuned_and_fixed():
    strict = FixedThresholdClassifier(
        cp.MLPClassifier(**SMALL), threshold=0.9, response_method="predict_proba"
    )
    lax = FixedThresholdClassifier(cp.MLPClassifier(**SMALL), threshold=0.1, response_method="predict_proba")
    assert strict.fit(X, Y).predict(X).sum() < lax.fit(X, Y).predict(X).sum()
    tuned = TunedThresholdClassifierCV(cp.MLPClassifier(**SMALL), scoring="balanced_accuracy", cv=3)
    assert 0 < tuned.fit(X, Y).best_threshold_ < 1


def test_metadata_is_routed_to_fit_and_score():
    weights = np.where(Y == 1, 5.0, 1.0)
    validation = (X[:50], Y[:50])
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = cp.MLPClassifier(**SMALL).set_fit_request(sample_weight=True, validation_data=True)
        estimator.set_score_request(sample_weight=True)
        assert "sample_weight" in str(estimator.get_metadata_routing())
        found = cross_validate(
            make_pipeline(StandardScaler().set_fit_request(sample_weight=True), estimator),
            X,
            Y,
            params={"sample_weight": weights, "validation_data": validation},
            return_estimator=True,
            scoring=get_scorer("accuracy").set_score_request(sample_weight=True),
            cv=3,
        )
        for fitted in found["estimator"]:
            assert len(fitted[-1].validation_loss_curve_) == fitted[-1].n_iter_
        search = GridSearchCV(estimator, {"alpha": [1e-4, 1.0]}, cv=3)
        search.fit(X, Y, sample_weight=weights, validation_data=validation)
        assert search.best_estimator_.validation_scores_
    plain = cross_val_score(make_pipeline(StandardScaler(), cp.MLPClassifier(**SMALL)), X, Y, cv=3)
    assert not np.allclose(found["test_score"], plain)


def test_it_serves_in_other_estimators_as_scikit_learns_own_does():
    inner = cp.MLPClassifier(**SMALL)
    found = [
        [
            outer.fit(X, Y).predict_proba(X)
            for outer in (
                # without weights scikit-learn's MLP is given repeated rows
                *([BaggingClassifier(each, n_estimators=2, random_state=0)] if WEIGHTS else []),
                VotingClassifier([("a", each), ("b", clone(each))], voting="soft"),
                CalibratedClassifierCV(each, cv=2),
            )
        ]
        for each in (inner, neural_network.MLPClassifier(**SMALL))
    ]
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    rows = X[: len(NUMBERS)]
    stacked = StackingRegressor([("net", cp.MLPRegressor(**SMALL))], Ridge()).fit(rows, NUMBERS)
    assert stacked.predict(rows[:3]).shape == (3,)
    importance = permutation_importance(inner.fit(X, Y), X[:100], Y[:100], n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (X.shape[1],)


@pytest.mark.parametrize("name", ["plain", "objects", "lbfgs"])
def test_a_search_in_threads_has_the_bits_of_one_alone(name):
    found = []
    for jobs in (1, 2, 3):
        with joblib.parallel_config("threading", n_jobs=jobs):
            search = GridSearchCV(ESTIMATORS[name], {"alpha": [1e-4, 1e-2, 1.0]}, cv=3).fit(X, Y)
        found.append((search.best_params_, answers(search, X), search.cv_results_["mean_test_score"]))
    for params, outputs, scores in found[1:]:
        assert params == found[0][0]
        assert np.array_equal(outputs, found[0][1])
        assert np.array_equal(scores, found[0][2])
