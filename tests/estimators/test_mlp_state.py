"""The drop-ins when settings change, a fit is refused, or data are odd: nothing stale, nothing raw."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn import neural_network
from sklearn.datasets import make_multilabel_classification
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.fixes import parse_version

import clearprop as cp
from shipped_tables import CANCER, DIABETES, IRIS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

HIDDEN = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 5}


def test_partial_fit_goes_on_with_the_optimizer_it_began_with_as_in_scikit_learn():
    X, _, y, _ = DIABETES
    for first, then in (({"solver": "adam"}, {"solver": "sgd"}), ({"solver": "sgd"}, {"solver": "adam"})):
        curves = []
        for library in (cp, neural_network):
            estimator = library.MLPRegressor(**{**HIDDEN, **first}).fit(X, y)
            estimator.set_params(**then, beta_1=0.5, momentum=0.1)
            for _ in range(3):
                estimator.partial_fit(X, y)
            curves.append(estimator.loss_curve_)
        np.testing.assert_allclose(*curves, rtol=1e-10)


def test_a_new_network_begins_with_an_optimizer_of_its_own():
    X, _, y, _ = DIABETES
    estimator = cp.MLPRegressor(**HIDDEN).fit(X, y)
    estimator.set_params(hidden_layer_sizes=(300,), solver="lbfgs").fit(X.astype(np.float32), y)
    estimator.set_params(solver="adam").partial_fit(X, y)
    fresh = cp.MLPRegressor(**{**HIDDEN, "hidden_layer_sizes": (300,), "solver": "lbfgs"})
    fresh.fit(X.astype(np.float32), y).set_params(solver="adam").partial_fit(X, y)
    assert np.array_equal(estimator.theta_.flat, fresh.theta_.flat)


@pytest.mark.parametrize("go_on", [lambda e, X, y: e.partial_fit(X, y), lambda e, X, y: e.fit(X, y)])
def test_parameters_of_another_network_are_not_gone_on_with(go_on):
    X, _, y, _ = DIABETES
    estimator = cp.MLPRegressor(**HIDDEN, warm_start=True).fit(X, y).set_params(hidden_layer_sizes=(9, 9))
    with pytest.raises(ValueError, match=r"keep hidden_layer_sizes, or fit anew"):
        go_on(estimator, X, y)


def test_a_sequence_of_partial_fits_has_a_stop_of_its_own():
    X, X_val, y, y_val = DIABETES
    estimator = cp.MLPRegressor(
        hidden_layer_sizes=(8,),
        early_stopping=True,
        n_iter_no_change=3,
        random_state=0,
        learning_rate_init=0.05,
    )
    estimator.fit(X, y)
    before = len(estimator.loss_curve_)
    for _ in range(40):
        estimator.partial_fit(X, y, validation_data=(X_val, y_val))
    taken = len(estimator.loss_curve_) - before
    assert 4 < taken < 40
    assert estimator.early_stopped_
    scores = estimator.validation_scores_[before:]
    assert estimator.score(X_val, y_val) == pytest.approx(max(scores))
    estimator.set_params(early_stopping=False).partial_fit(X, y)
    assert len(estimator.loss_curve_) == before + taken + 1
    assert not hasattr(estimator, "early_stopped_")


def test_what_is_refused_leaves_a_fitted_estimator_as_it_was():
    X, X_val, y, _ = IRIS
    fitted = cp.MLPClassifier((4,), max_iter=30, random_state=0).fit(X, y)
    answers = fitted.predict_proba(X_val)
    names = np.array(["x", "y", "z"])[y]
    for settings, arguments in (
        ({"activation": "step"}, {}),
        ({"hidden_layer_sizes": (3000,)}, {"validation_data": 3}),
        ({"class_weight": {"w": 2.0}}, {}),
        ({"hidden_layer_sizes": (5,)}, {"callbacks": [3]}),
        ({"solver": "lm", "loss": None}, {}),
    ):
        kept = {name: getattr(fitted, name) for name in settings}
        with pytest.raises((ValueError, TypeError)):
            fitted.set_params(**settings).fit(X, names, **arguments)
        fitted.set_params(**kept)
        assert fitted.classes_.tolist() == [0, 1, 2]
        assert np.array_equal(fitted.predict_proba(X_val), answers)
    fitted.partial_fit(X, y)


def test_hinge_decides_where_its_probabilities_do():
    X, X_val, y, y_val = CANCER
    fitted = cp.MLPClassifier((4,), loss="hinge", output_activation="sigmoid", max_iter=200, random_state=0)
    fitted.fit(X, y)
    assert np.array_equal(fitted.predict(X_val), fitted.predict_proba(X_val).argmax(axis=1))
    assert fitted.score(X_val, y_val) > 0.9
    with pytest.raises(AttributeError, match="predict_proba"):
        cp.MLPClassifier((4,), loss="hinge", max_iter=5).fit(X, y).set_params(loss=None).predict_proba(X)


def test_class_weights_hold_for_batches_and_held_out_rows_that_lack_a_class():
    X, X_val, y, y_val = IRIS
    some, given = y != 0, {**HIDDEN, "class_weight": {0: 3.0}}
    del given["hidden_layer_sizes"]
    parts = cp.MLPClassifier((4,), **given).partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X[some], y[some])
    assert len(parts.loss_curve_) == 2
    judged = cp.MLPClassifier((4,), **given).fit(X, y, validation_data=(X_val[y_val > 0], y_val[y_val > 0]))
    plain, _ = judged.loss_gradient(X_val[y_val > 0], y_val[y_val > 0])
    assert judged.validation_loss_curve_[-1] == pytest.approx(plain)
    uneven = np.r_[np.where(y == 0)[0][:5], np.where(y != 0)[0]]
    balanced = cp.MLPClassifier((4,), **{**given, "class_weight": "balanced"})
    balanced.fit(X[uneven], y[uneven], validation_data=(X_val, y_val))
    weights = compute_class_weight("balanced", classes=np.arange(3), y=y[uneven])[y_val]
    expected, _ = balanced.loss_gradient(X_val, y_val, weights)
    assert balanced.validation_loss_curve_[-1] == pytest.approx(expected)
    for wrong in ({0: -1.0}, {0: np.nan}):
        with pytest.raises(ValueError, match="finite, from 0"):
            cp.MLPClassifier((4,), class_weight=wrong).fit(X, y)


def test_class_weights_of_several_labels_are_scikit_learns_sample_weights():
    X, Y = make_multilabel_classification(80, n_classes=3, random_state=0)
    for setting in ("balanced", [{0: 1.0, 1: 4.0}, {0: 2.0, 1: 1.0}, {0: 1.0, 1: 1.0}]):
        weighted = cp.MLPClassifier(**HIDDEN, class_weight=setting).fit(X, Y)
        plain = cp.MLPClassifier(**HIDDEN).fit(X, Y, compute_sample_weight(setting, Y))
        np.testing.assert_allclose(weighted.loss_curve_, plain.loss_curve_, rtol=1e-12)
    with pytest.raises(ValueError, match="a list of 3 mappings"):
        cp.MLPClassifier(class_weight={0: 1.0, 1: 2.0}).fit(X, Y)


def test_an_ensemble_and_a_network_take_each_others_place():
    X, X_val, y, _ = IRIS
    estimator = cp.MLPClassifier(**HIDDEN).fit(X, y)
    one = estimator.predict_proba(X_val)
    estimator.set_params(n_ensemble=3)
    assert np.array_equal(estimator.predict_proba(X_val), one)  # as fitted
    several = estimator.fit(X, y).predict_proba(X_val)
    assert not hasattr(estimator, "coefs_")
    assert len(estimator.estimators_) == 3
    estimator.set_params(n_ensemble=1)
    assert np.array_equal(estimator.predict_proba(X_val), several)
    assert np.array_equal(estimator.fit(X, y).predict_proba(X_val), one)
    assert not hasattr(estimator, "estimators_")
    pair = [cp.MLPClassifier(**HIDDEN, n_ensemble=n).partial_fit(X, y, classes=[0, 1, 2]) for n in (1, 2)]
    for each in pair:
        each.set_params(alpha=1e4).partial_fit(X, y)
    assert min(each.loss_ for each in pair) > 50
    reports = []
    cp.MLPClassifier(**HIDDEN, n_ensemble=2).fit(X, y, callbacks=(call for call in [reports.append]))
    assert len(reports) == 10


def test_an_ensemble_of_quantiles_has_a_spread_for_each_prediction():
    X, X_val, y, _ = DIABETES
    fitted = cp.MLPRegressor(cp.Quantile((0.1, 0.5, 0.9)), (6,), n_ensemble=2, max_iter=5).fit(X, y)
    answer, std = fitted.predict(X_val, return_std=True)
    assert answer.shape == std.shape == (len(X_val),)


def test_least_squares_that_overflow_or_weigh_below_0_say_so():
    X, _, y, _ = DIABETES
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        cp.MLPRegressor(hidden_layer_sizes=(4,), solver="lm").fit(X, y * 1e160)
    with pytest.raises(ValueError, match="sample weights from 0, and the least is -1"):
        cp.MLPRegressor(hidden_layer_sizes=(4,), solver="lm").fit(X, y, np.r_[-1, np.ones(len(y) - 1)])


@pytest.mark.parametrize(
    "wrong", [lambda: cp.Quantile(5.0), lambda: cp.Quantile((0.1, 2)), lambda: cp.Huber(-1.0)]
)
def test_impossible_parameters_of_a_loss_are_refused(wrong):
    with pytest.raises(cp.FormulaError, match=r"q is between 0 and 1|delta is above 0"):
        wrong()


def test_settings_that_scikit_learn_takes_are_taken():
    X, _, y, _ = IRIS
    curves = [
        library.MLPClassifier((4,), solver="sgd", momentum=1.0, max_iter=5, random_state=0)
        .fit(X, y)
        .loss_curve_
        for library in (cp, neural_network)
    ]
    np.testing.assert_allclose(*curves, rtol=1e-10)
    weights = np.r_[1.0, np.zeros(len(y) - 1)]
    for library in (
        (cp, neural_network) if parse_version(sklearn.__version__) >= parse_version("1.7") else (cp,)
    ):
        with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero number"):
            library.MLPClassifier(early_stopping=True, random_state=1).fit(X, y, weights)
    cp.MLPClassifier(max_iter=2).fit(X, y, callbacks=None)
    with pytest.raises(TypeError, match="callbacks is a function"):
        cp.MLPClassifier(max_iter=2).fit(X, y, callbacks=5)
    with pytest.raises(ValueError, match="whole numbers"):
        cp.MLPClassifier((3, "a")).fit(X, y)
    with pytest.raises(ValueError, match="is not fitted yet"):
        _ = cp.MLPClassifier().theta_


def test_quantiles_are_of_one_target():
    X, _, y, _ = DIABETES
    with pytest.raises(ValueError, match="is for one target; y has 2"):
        cp.MLPRegressor(cp.Quantile((0.1, 0.9)), max_iter=2).fit(X, np.c_[y, y])
    with pytest.raises(cp.SpecificationError, match="each quantile is above the one before"):
        cp.MLPRegressor(cp.Quantile((0.5, 0.5)), max_iter=2).fit(X, y)
    huber = cp.MLPRegressor(cp.losses["huber"]((0.5, 2.0)), max_iter=2).fit(X, np.c_[y, y])
    assert huber.predict(X).shape == (len(X), 2)


def test_an_ensemble_names_where_a_networks_own_attributes_are():
    X, _, y, _ = IRIS
    fitted = cp.MLPClassifier(**HIDDEN, n_ensemble=2).fit(X, y)
    for name in ("coefs_", "loss_curve_", "validation_scores_", "model_", "theta_"):
        with pytest.raises(AttributeError, match=rf"has no {name} of its own; ask its members"):
            getattr(fitted, name)
    assert not hasattr(cp.MLPClassifier(), "coefs_")
