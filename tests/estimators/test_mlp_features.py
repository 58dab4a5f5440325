"""What scikit-learn's users were refused: validation sets, callbacks, gradients, intervals, ensembles."""

from __future__ import annotations

import _thread

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.datasets import load_breast_cancer, load_iris

import clearprop as cp
from clearprop.engines.helpers import usable_cores
from clearprop.estimators.ensemble import threads_beside_joblib
from clearprop.training.run import EpochReport
from shipped_tables import CANCER, DIABETES, IRIS, split

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ["adam", "sgd", "lbfgs", cp.AdamW(1e-3), cp.LBFGS(tolerance=1e-6)]


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_a_validation_set_is_judged_every_epoch(solver):
    X, X_val, y, y_val = CANCER
    weights = np.random.default_rng(0).uniform(0, 2, len(y_val))
    given = {"solver": solver, "max_iter": 8, "random_state": 0, "hidden_layer_sizes": (10,)}
    judged = cp.MLPClassifier(**given).fit(X, y, validation_data=(X_val, y_val, weights))
    plain = cp.MLPClassifier(**given).fit(X, y)
    assert judged.loss_curve_ == plain.loss_curve_  # being judged changes nothing
    assert len(judged.validation_loss_curve_) == len(judged.validation_scores_) == judged.n_iter_
    assert plain.validation_scores_ is plain.validation_loss_curve_ is None
    assert judged.validation_scores_[-1] == pytest.approx(judged.score(X_val, y_val, weights))
    loss, _ = judged.loss_gradient(X_val, y_val, weights)
    assert judged.validation_loss_curve_[-1] == pytest.approx(loss)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_validation_set_stops_a_fit_and_the_best_parameters_stay(solver):
    X, X_val, y, y_val = CANCER
    fitted = cp.MLPClassifier((20,), solver=solver, early_stopping=True, n_iter_no_change=3, random_state=0)
    fitted.fit(X, y, validation_data=(X_val, y_val))
    assert fitted.n_iter_ < fitted.max_iter
    scores = fitted.validation_scores_
    assert len(scores) == fitted.n_iter_
    assert fitted.best_validation_score_ == max(scores) == pytest.approx(fitted.score(X_val, y_val))
    assert fitted.t_ % len(y) == 0  # nothing was held out of the training rows


def test_early_stopping_with_lbfgs_holds_rows_out():
    X, _, y, _ = DIABETES
    given = {"solver": "lbfgs", "random_state": 0, "max_iter": 500, "hidden_layer_sizes": (50,)}
    stopped = cp.MLPRegressor(early_stopping=True, n_iter_no_change=5, **given).fit(X, y)
    assert stopped.n_iter_ < 500
    assert stopped.best_validation_score_ == max(stopped.validation_scores_)
    assert len(stopped.loss_curve_) == stopped.n_iter_
    free = cp.MLPRegressor(**given).fit(X, y)
    assert free.loss_ < stopped.loss_
    assert free.loss_curve_[-1] == pytest.approx(free.loss_)
    assert (np.diff(free.loss_curve_) <= 0).all()


def test_partial_fit_stops_by_a_validation_set_of_its_own():
    X, X_val, y, y_val = IRIS
    estimator = cp.MLPClassifier(
        (20,), early_stopping=True, n_iter_no_change=4, random_state=0, learning_rate_init=0.02
    )
    calls = 0
    while not getattr(estimator, "early_stopped_", False):
        estimator.partial_fit(X, y, classes=[0, 1, 2], validation_data=(X_val, y_val))
        calls += 1
        assert calls < 200
    scores = estimator.validation_scores_
    assert len(scores) == calls
    assert estimator.score(X_val, y_val) == max(scores)
    assert len(scores) - 1 - int(np.argmax(scores)) >= 4
    before = [W.copy() for W in estimator.coefs_]
    estimator.partial_fit(X, y, validation_data=(X_val, y_val))
    assert all(np.array_equal(a, b) for a, b in zip(before, estimator.coefs_, strict=True))
    with pytest.raises(ValueError, match="does not support early_stopping=True without rows"):
        cp.MLPClassifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_are_told_every_epoch_and_may_stop(solver):
    X, X_val, y, y_val = CANCER
    reports: list[EpochReport] = []

    def watch(report: EpochReport) -> bool:
        reports.append(report)
        return report.epoch == 4

    fitted = cp.MLPClassifier((5,), solver=solver, random_state=0)
    fitted.fit(X, y, validation_data=(X_val, y_val), callbacks=watch)
    assert fitted.n_iter_ == len(reports) == 4
    assert [report.loss for report in reports] == fitted.loss_curve_
    assert [report.validation_metric for report in reports] == fitted.validation_scores_
    assert np.array_equal(reports[-1].theta.flat, fitted.theta_.flat)
    assert np.array_equal(reports[0].sample.training.X, X)
    assert np.array_equal(reports[0].sample.held_out.X, X_val)
    with pytest.raises(ValueError, match="read-only"):
        reports[-1].theta.flat[0] = 1
    with pytest.raises(TypeError, match="cannot be called"):
        fitted.fit(X, y, callbacks=[3])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda X, y: X, r"validation_data is \(X, y\)"),
        (lambda X, y: (X[:, :2], y), "features"),
        (lambda X, y: (X, y + 7), "were not there in fit"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
    ],
)
def test_a_validation_set_that_does_not_fit_is_named(data, message):
    X, X_val, y, y_val = IRIS
    with pytest.raises(ValueError, match=message):
        cp.MLPClassifier(max_iter=2).fit(X, y, validation_data=data(X_val, y_val))


def test_every_schedule_moves_every_solver():
    X, _, y, _ = DIABETES
    plain = {"max_iter": 12, "random_state": 0, "hidden_layer_sizes": (5,)}
    for solver in ("sgd", "adam", cp.RMSprop(1e-3), cp.Momentum(0.01)):
        rates: list[list[float]] = []
        for schedule in (cp.Cosine(0.01), cp.OneCycle(0.01), cp.Exponential(0.01)):
            seen: list[float] = []
            estimator = cp.MLPRegressor(solver=solver, learning_rate=schedule, **plain)
            estimator.fit(X, y, callbacks=lambda report, seen=seen: seen.append(report.learning_rate))
            assert len(set(seen)) > 1
            rates.append(seen)
        assert len({tuple(seen) for seen in rates}) == 3
    stepped = cp.MLPRegressor(solver=cp.Adam(0.1), learning_rate="invscaling", **plain)
    seen = []
    stepped.fit(X, y, callbacks=lambda report: seen.append(report.learning_rate))
    assert seen[0] == 0.1
    assert seen[1] == pytest.approx(0.1 / (len(y) + 1) ** 0.5)


def test_a_gradient_norm_can_be_clipped():
    X, _, y, _ = DIABETES
    given = {"max_iter": 1, "batch_size": len(y), "random_state": 0, "alpha": 0.0, "shuffle": False}
    start = cp.MLPRegressor(solver=cp.SGD(1e-300), **given).fit(X, y).theta_.flat
    free, clipped = (
        cp.MLPRegressor(solver=cp.SGD(1e-3, clip_norm=norm), **given).fit(X, y).theta_.flat - start
        for norm in (None, 0.01)
    )
    assert np.linalg.norm(clipped) == pytest.approx(1e-5)
    np.testing.assert_allclose(clipped / 1e-5, free / np.linalg.norm(free), atol=1e-9)


def test_hidden_activations_of_new_data():
    X, X_val, y, _ = IRIS
    fitted = cp.MLPClassifier((7, 4), "tanh", max_iter=20, random_state=0).fit(X, y)
    first, second = fitted.hidden_activations(X_val)
    W, b = fitted.coefs_, fitted.intercepts_
    np.testing.assert_allclose(first, np.tanh(X_val @ W[0] + b[0]), rtol=1e-12)
    np.testing.assert_allclose(second, np.tanh(first @ W[1] + b[1]), rtol=1e-12)


def test_gradients_by_inputs_and_parameters_are_slopes():
    X, X_val, y, y_val = IRIS
    fitted = cp.MLPClassifier((6,), "tanh", max_iter=30, random_state=0).fit(X, y)
    h, one = 1e-6, X_val[:4]
    outputs, losses = fitted.input_gradient(one), fitted.input_gradient(one, y_val[:4])
    assert outputs.shape == (4, 3, 4)
    assert losses.shape == (4, 4)
    for j in range(4):
        up, down = (fitted.predict_proba(one + sign * h * np.eye(4)[j]) for sign in (1, -1))
        np.testing.assert_allclose(outputs[:, :, j], (up - down) / (2 * h), atol=1e-8)
        picked = np.arange(4), y_val[:4]
        np.testing.assert_allclose(losses[:, j], -(np.log(up[picked] / down[picked])) / (2 * h), atol=1e-7)
    loss, gradient = fitted.loss_gradient(X_val, y_val)
    P = fitted.predict_proba(X_val)
    assert loss == pytest.approx(-np.log(P[np.arange(len(y_val)), y_val]).mean())
    np.testing.assert_allclose(gradient.b[2], (P - np.eye(3)[y_val]).mean(axis=0), atol=1e-14)


@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_an_ensemble_is_the_mean_of_its_members_and_knows_their_spread(load):
    X, X_val, y, _ = split(load)
    fitted = cp.MLPClassifier((8,), n_ensemble=4, max_iter=15, random_state=1).fit(X, y)
    members = np.stack([member.predict_proba(X_val) for member in fitted.estimators_])
    mean, spread = fitted.predict_proba(X_val, return_std=True)
    np.testing.assert_allclose(mean, members.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(X_val), mean, rtol=1e-12)
    np.testing.assert_allclose(spread, members.std(axis=0), atol=1e-15)
    assert (spread > 0).any()
    assert len({member.loss_ for member in fitted.estimators_}) == 4
    again = cp.MLPClassifier((8,), n_ensemble=4, max_iter=15, random_state=1).fit(X, y)
    assert np.array_equal(again.predict_proba(X_val), fitted.predict_proba(X_val))
    with pytest.raises(AttributeError, match=r"ask its members, such as estimators_\[0\].theta_"):
        _ = fitted.theta_
    with pytest.raises(ValueError, match="fit with n_ensemble=5"):
        fitted.estimators_[0].predict_proba(X_val, return_std=True)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_members_of_an_ensemble_are_those_fitted_alone(solver):
    X, _, y, _ = IRIS
    settings = {"hidden_layer_sizes": (8,), "solver": solver, "max_iter": 15}
    seeds = np.random.RandomState(1).randint(np.iinfo(np.int32).max, size=4)
    alone = [cp.MLPClassifier(**settings, random_state=seed).fit(X, y) for seed in seeds]
    fitted = cp.MLPClassifier(**settings, n_ensemble=4, random_state=1).fit(X, y)
    for one, member in zip(alone, fitted.estimators_, strict=True):
        assert np.array_equal(one.theta_.flat, member.theta_.flat)
        assert one.loss_curve_ == member.loss_curve_


def test_ctrl_c_ends_the_members_of_an_ensemble_with_what_they_have():
    X, _, y, _ = IRIS

    def interrupting(report):
        if report.epoch == 3:
            _thread.interrupt_main()

    fitted = cp.MLPClassifier((8,), n_ensemble=5, max_iter=10**7, tol=0, n_iter_no_change=10**7)
    with pytest.warns(UserWarning, match="interrupted by user"):
        fitted.fit(X, y, callbacks=interrupting)
    assert max(member.n_iter_ for member in fitted.estimators_) >= 3
    assert fitted.score(X, y) > 0


def test_within_joblibs_workers_members_are_fitted_one_by_one():
    assert threads_beside_joblib() == usable_cores()
    with parallel_config("threading", n_jobs=2):
        assert Parallel()(delayed(threads_beside_joblib)() for _ in range(4)) == [1] * 4


def test_an_ensemble_goes_on_where_it_was():
    X, _, y, _ = IRIS
    fitted = cp.MLPClassifier((8,), n_ensemble=2, max_iter=3, random_state=1, warm_start=True)
    fitted.fit(X, y)
    lost = fitted.loss_
    assert fitted.fit(X, y).loss_ < lost
    assert len(fitted.estimators_[0].loss_curve_) == 6
    stepped = cp.MLPClassifier((8,), n_ensemble=2, random_state=1)
    for _ in range(3):
        stepped.partial_fit(X, y, classes=[0, 1, 2])
    assert [len(member.loss_curve_) for member in stepped.estimators_] == [3, 3]


def test_quantiles_never_cross_and_cover_what_they_say():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (3000, 1))
    y = np.sin(2 * X[:, 0]) + rng.normal(0, 0.1 + 0.2 * np.abs(X[:, 0]))
    levels = (0.05, 0.5, 0.95)
    given = {"max_iter": 300, "tol": 0.0, "n_iter_no_change": 300, "random_state": 0}
    fitted = cp.MLPRegressor(cp.Quantile(levels), (30,), "tanh", learning_rate=cp.Cosine(0.01), **given)
    Q = fitted.fit(X[:2000], y[:2000]).predict_quantiles(X[2000:])
    assert (np.diff(Q, axis=1) > 0).all()
    below = (y[2000:, None] < Q).mean(axis=0)
    np.testing.assert_allclose(below, levels, atol=0.04)
    assert np.array_equal(fitted.predict(X[2000:]), Q[:, 1])
    assert fitted.score(X[2000:], y[2000:]) > 0.5
    two = cp.MLPRegressor(cp.Quantile((0.2, 0.6)), max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_allclose(two.predict(X), two.predict_quantiles(X).mean(axis=1))
    with pytest.raises(ValueError, match="is for one target"):
        two.fit(X, np.column_stack((y, y, y)))
    with pytest.raises(AttributeError, match="predict_quantiles"):
        cp.MLPRegressor().predict_quantiles(X)


def test_levenberg_marquardt_reaches_what_adam_does_not():
    X, X_val, y, y_val = DIABETES
    given = {"hidden_layer_sizes": (10,), "activation": "tanh", "alpha": 5.0, "random_state": 0}
    sharp = cp.MLPRegressor(solver="lm", tol=1e-7, max_iter=500, **given).fit(X, y)
    slow = cp.MLPRegressor(solver="adam", max_iter=500, tol=0, n_iter_no_change=500, **given).fit(X, y)
    assert sharp.loss_ < slow.loss_
    assert (np.diff(sharp.loss_curve_) <= 0).all()
    y_hat, std = sharp.predict(X_val, return_std=True)
    assert std.shape == y_hat.shape
    covered = np.mean(np.abs(y_hat - y_val) < 1.96 * std)
    assert 0.88 < covered < 0.99
    far = sharp.predict(X_val + 30, return_std=True)[1]
    assert far.mean() > std.mean()
    with pytest.raises(cp.SpecificationError, match="minimises squared errors"):
        cp.MLPClassifier(solver="lm").fit(X, y > 0)
    with pytest.raises(ValueError, match="return_std needs solver='lm'"):
        slow.predict(X_val, return_std=True)
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'"):
        cp.MLPRegressor(solver="lm").partial_fit(X, y)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_uncertainty_of_a_linear_fit_is_that_of_bayesian_regression(weighted):
    rng = np.random.default_rng(3)
    X, alpha = rng.normal(size=(60, 3)), 2.0
    Y = X @ rng.normal(size=(3, 2)) + rng.normal(0, (0.1, 0.5), (60, 2))
    w = rng.uniform(0.5, 2, 60) if weighted else np.ones(60)
    fitted = cp.MLPRegressor(hidden_layer_sizes=(), solver="lm", alpha=alpha, tol=1e-12)
    fitted.fit(X, Y, w if weighted else None)
    A = np.c_[X, np.ones(60)]
    inverse = np.linalg.inv((A.T * w) @ A + alpha * np.diag([1, 1, 1, 0]))
    determined = np.trace(inverse @ (A.T * w) @ A)  # for each output
    residuals = fitted.predict(X) - Y
    noise = np.sqrt((w[:, None] * residuals**2).sum(axis=0) / w.sum() * 60 / (60 - determined))
    new = rng.normal(size=(5, 3))
    B = np.c_[new, np.ones(5)]
    expected = noise * np.sqrt(1 + np.einsum("ij,jk,ik->i", B, inverse, B) * w.sum() / 60)[:, None]
    np.testing.assert_allclose(fitted.predict(new, return_std=True)[1], expected, rtol=1e-6)


def test_an_ensemble_of_least_squares_fits_adds_both_variances():
    X, X_val, y, _ = DIABETES
    given = {
        "hidden_layer_sizes": (3,),
        "activation": "tanh",
        "solver": "lm",
        "alpha": 1.0,
        "random_state": 0,
    }
    fitted = cp.MLPRegressor(n_ensemble=3, **given).fit(X, y)
    pairs = [member.predict(X_val, return_std=True) for member in fitted.estimators_]
    between = np.var([y_hat for y_hat, _ in pairs], axis=0)
    within = np.mean([std**2 for _, std in pairs], axis=0)
    np.testing.assert_allclose(fitted.predict(X_val, return_std=True)[1] ** 2, between + within, rtol=1e-10)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_iter": 2}, "Maximum iterations"),
        ({"max_iter": 2, "solver": "lm", "hidden_layer_sizes": (3,)}, "Maximum iterations"),
        ({"batch_size": 10**6, "tol": 10.0}, "is going to be clipped"),
    ],
)
def test_warnings_point_at_the_users_line(settings, words):
    X, _, y, _ = DIABETES
    with pytest.warns(UserWarning, match=words) as caught:
        cp.MLPRegressor(**settings).fit(X, y)
    assert caught[0].filename == __file__


def test_the_scale_of_weights_that_are_no_repeats_leaves_the_uncertainty_alone():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(60, 3)), rng.uniform(0.1, 2, 60)
    y = X[:, 0] + rng.normal(0, 0.1, 60)
    given = {"hidden_layer_sizes": (), "solver": "lm", "alpha": 0.0, "tol": 1e-12}
    found = [
        cp.MLPRegressor(**given).fit(X, y, weights).predict(X, return_std=True)[1]
        for weights in (w, w / 1000, None, np.full(60, 1 / 60))
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)
    np.testing.assert_allclose(found[2], found[3], rtol=1e-9)
    repeats = rng.integers(0, 4, 60)
    whole, written = (
        cp.MLPRegressor(**given).fit(*given_rows).predict(X, return_std=True)[1]
        for given_rows in ((X, y, repeats), (np.repeat(X, repeats, axis=0), np.repeat(y, repeats)))
    )
    np.testing.assert_allclose(whole, written, rtol=1e-9)
    with pytest.raises(ValueError, match="leaves none to measure its errors by"):
        cp.MLPRegressor(**given).fit(X[:4], y[:4]).predict(X, return_std=True)
