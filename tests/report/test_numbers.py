"""The numbers of a report are scikit-learn's, and planted leaks and noise show in them."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from sklearn import inspection, metrics
from sklearn.calibration import calibration_curve

import clearprop as cp
from clearprop.datasets import penguins_path
from clearprop.report import importance as permuting
from clearprop.report.content import content_of
from clearprop.report.curves import precision_recall_curve, reliability, roc_curve
from clearprop.report.importance import permutation_importance
from clearprop.report.judged import judge, scores_of
from clearprop.report.resampling import (
    RESAMPLES,
    interval_of,
    intervals,
    mean_of,
    r2_of,
    resample_counts,
    resamples_for,
    rmse_of,
    roc_auc_of,
)

QUICK = cp.Settings(hidden=(16,), epochs=40)
RNG = np.random.default_rng(0)
SCORES = {
    "distinct": RNG.normal(size=200),
    "ties": RNG.integers(0, 6, 200) / 5,
    "constant": np.full(200, 0.25),
    "bins' edges": np.linspace(0, 1, 201)[:200].round(1),
}


@pytest.mark.parametrize("name", SCORES)
def test_curves_are_scikit_learns(name):
    scores, true = SCORES[name], np.random.default_rng(1).integers(0, 2, 200) == 1
    fpr, tpr, _ = metrics.roc_curve(true, scores, drop_intermediate=False)
    found = roc_curve(true, scores)
    np.testing.assert_array_equal((found.x, found.y), (fpr, tpr))
    assert found.area == pytest.approx(metrics.roc_auc_score(true, scores), abs=1e-12)
    precision, recall, _ = metrics.precision_recall_curve(true, scores)
    found = precision_recall_curve(true, scores)
    np.testing.assert_allclose((found.x, found.y), (recall, precision), rtol=1e-15)
    assert found.area == pytest.approx(metrics.average_precision_score(true, scores), abs=1e-12)
    x, y = found.steps()
    assert -(np.diff(x) * (y[1:] + y[:-1]) / 2).sum() == pytest.approx(
        found.area
    )  # what is drawn is what is summed


@pytest.mark.parametrize("name", [name for name in SCORES if name != "distinct"])
def test_reliability_is_scikit_learns(name):
    p, true = SCORES[name], np.random.default_rng(2).integers(0, 2, 200) == 1
    observed, predicted = calibration_curve(true, p, n_bins=10)
    found = reliability(true, p)
    there = found.counts > 0
    np.testing.assert_allclose(found.observed[there], observed, rtol=1e-14)
    np.testing.assert_allclose(found.predicted[there], predicted, rtol=1e-14)
    assert found.counts.sum() == 200
    assert found.error == pytest.approx((np.abs(observed - predicted) * found.counts[there]).sum() / 200)


def test_a_curve_of_one_class_is_none():
    assert roc_curve(np.zeros(5, dtype=bool), np.arange(5.0)) is None
    assert precision_recall_curve(np.zeros(5, dtype=bool), np.arange(5.0)) is None


def test_metrics_of_resamples_are_scikit_learns():
    rng = np.random.default_rng(3)
    m, K = 80, 4
    y = rng.integers(0, K, m)
    p = rng.dirichlet(np.ones(K), m).round(2) + 1e-3
    p /= p.sum(axis=1, keepdims=True)
    Y, Y_hat = rng.normal(size=(m, 2)), rng.normal(size=(m, 2))
    two, score = y > 1, p[:, 0]
    (counts,) = resample_counts(m, 5, seed=0)
    weights = counts.astype(float)
    expected = {
        "accuracy": [metrics.accuracy_score(y, p.argmax(axis=1), sample_weight=w) for w in weights],
        "log_loss": [metrics.log_loss(y, p, sample_weight=w, labels=range(K)) for w in weights],
        "roc_auc": [
            np.mean([metrics.roc_auc_score(y == k, p[:, k], sample_weight=w) for k in range(K)])
            for w in weights
        ],
        "roc_auc of two": [metrics.roc_auc_score(two, score, sample_weight=w) for w in weights],
        "rmse": [metrics.root_mean_squared_error(Y, Y_hat, sample_weight=w) for w in weights],
        "r2": [metrics.r2_score(Y, Y_hat, sample_weight=w) for w in weights],
    }
    own = {
        "accuracy": mean_of((p.argmax(axis=1) == y).astype(float)),
        "log_loss": mean_of(-np.log(p[np.arange(m), y])),
        "roc_auc": roc_auc_of(y, p),
        "roc_auc of two": roc_auc_of(two.astype(int), score),
        "rmse": rmse_of(Y_hat - Y),
        "r2": r2_of(Y, Y_hat - Y),
    }
    for name, metric in own.items():
        np.testing.assert_allclose(metric(weights), expected[name], rtol=1e-10, err_msg=name)


def test_resamples_draw_every_row_as_often():
    counts = np.concatenate(list(resample_counts(50, 4000, seed=0)))
    assert (counts.sum(axis=1) == 50).all()
    assert np.abs(counts.mean(axis=0) - 1).max() < 5 / np.sqrt(4000)
    assert counts.var() == pytest.approx(1 - 1 / 50, rel=0.03)


def test_an_interval_is_that_of_the_binomial():
    right = np.arange(100) < 80
    low, high = interval_of(intervals({"a": mean_of(right * 1.0)}, 100, 4000, seed=0)["a"])
    assert (low, high) == pytest.approx((0.8 - 1.96 * 0.04, 0.8 + 1.96 * 0.04), abs=0.011)


def test_a_metric_without_meaning_on_many_resamples_has_no_interval():
    y, scores = np.array([1, 0, 0, 0, 0, 0]), np.arange(6.0)  # the only positive is often not drawn
    assert interval_of(intervals({"auc": roc_auc_of(y, scores)}, 6, 500, seed=0)["auc"]) is None


def test_many_rows_are_resampled_less_often():
    assert resamples_for(100) == RESAMPLES
    assert resamples_for(10**7) < RESAMPLES


@pytest.fixture(scope="module")
def species():
    plan = cp.plan_table(penguins_path(), "species", test=0.3, settings=QUICK)
    return plan, cp.train_plan(plan)


def test_scores_are_those_of_the_evaluation(species):
    plan, model = species
    judged = judge(model, plan.test, "held out")
    for score in scores_of(model, judged, seed=0):
        assert score.value == model.evaluation.metrics[score.name]
        assert score.baseline == model.evaluation.baseline[score.name]
        assert score.interval[0] <= score.value <= score.interval[1]


def test_importance_is_scikit_learns_definition(species, monkeypatch):
    """Every input on its own, as arrays have no columns of several; many shuffles, so the means are close."""
    plan, model = species
    judged = judge(model, plan.test, "held out")
    monkeypatch.setattr(permuting, "REPEATS", 200)
    names = model.encoder.feature_names
    alone = SimpleNamespace(columns=[SimpleNamespace(column=name, feature_names=(name,)) for name in names])

    def worth(y_hat):
        return -metrics.log_loss(judged.y, model.probabilities(y_hat), labels=range(3))

    found = permutation_importance(
        SimpleNamespace(model=model.model, encoder=alone), judged.X, worth, "log_loss", seed=0
    )
    fitted = SimpleNamespace(fit=print, predict=model.model.predict)
    theirs = inspection.permutation_importance(
        fitted,
        judged.X,
        judged.y,
        scoring=lambda fitted, X, y: worth(fitted.predict(X)),
        n_repeats=200,
        random_state=0,
    )
    ours = dict(zip(found.columns, found.means, strict=True))
    spread = theirs.importances_std / np.sqrt(200) * 4 * np.sqrt(2) + 1e-9
    for name, mean, most in zip(names, theirs.importances_mean, spread, strict=True):
        assert abs(ours[name] - mean) < most, name
    assert max(ours.values()) > 0.05  # there is something to compare


def test_a_columns_inputs_are_shuffled_together(species):
    """Each cell keeps its own encoding: of a one-hot column every shuffled row still has a single 1."""
    plan, model = species
    judged = judge(model, plan.test, "held out")
    seen = []
    spy = SimpleNamespace(
        model=SimpleNamespace(predict=lambda X: seen.append(X.copy()) or X), encoder=model.encoder
    )
    permutation_importance(spy, judged.X, lambda y_hat: 0.0, "log_loss", seed=0)
    first = model.encoder.columns[0]
    assert first.column == "island"
    block = slice(0, len(first.feature_names))
    shuffled = seen[1]
    assert (shuffled[:, block].sum(axis=1) == 1).all()
    assert (shuffled[:, block] != judged.X[:, block]).any()
    np.testing.assert_array_equal(shuffled[:, block.stop :], judged.X[:, block.stop :])
    np.testing.assert_array_equal(shuffled[:, block].sum(axis=0), judged.X[:, block].sum(axis=0))


def frame(m=300, **more):
    rng = np.random.default_rng(5)
    return pl.DataFrame({**{f"noise {k}": rng.normal(size=m) for k in range(4)}, **more})


def test_a_shuffled_target_is_not_better_than_the_baseline():
    y = np.random.default_rng(6).permutation(np.repeat(["a", "b", "c"], 100))
    plan = cp.plan_table(frame(y=y), "y", test=0.4, settings=QUICK)
    found = content_of(cp.train_plan(plan), plan)
    assert found.main.verdict != "better"
    assert found.main.interval[0] <= found.main.baseline
    assert found.main.gain[0] <= 0


def test_a_leaked_column_has_the_top_importance():
    y = np.random.default_rng(7).normal(size=300)
    plan = cp.plan_table(frame(y=y, leak=2 * y + 1), "y", test=0.3, settings=QUICK)
    found = content_of(cp.train_plan(plan), plan)
    assert found.importance.columns[0] == "leak"
    assert found.importance.means[0] > 10 * np.abs(found.importance.means[1:]).max()
    assert found.main.verdict == "better"


def test_a_report_is_the_same_again_and_another_with_another_seed(species):
    plan, model = species
    first, again, other = (content_of(model, plan, seed=seed) for seed in (0, 0, 1))
    assert first.scores == again.scores != other.scores
    np.testing.assert_array_equal(first.importance.losses, again.importance.losses)
