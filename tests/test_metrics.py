"""Metrics agree with scikit-learn's, weights included, and are None where they have no meaning."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from clearprop import metrics as ours
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.losses import losses

GENERATOR = np.random.default_rng(0)
M = 200
CLASSES = GENERATOR.integers(0, 3, M)
PROBABILITIES = GENERATOR.dirichlet(np.ones(3), M).round(1)  # many ties
PROBABILITIES /= PROBABILITIES.sum(axis=1, keepdims=True)
NUMBERS, PREDICTED = GENERATOR.normal(size=(2, M, 2))
WEIGHTS = [None, GENERATOR.integers(0, 4, M).astype(float)]


@pytest.mark.parametrize("w", WEIGHTS, ids=["equal", "weighted"])
class TestAgainstScikitLearn:
    def test_accuracy(self, w):
        labels = PROBABILITIES.argmax(axis=1)
        expected = theirs.accuracy_score(CLASSES, labels, sample_weight=w)
        assert ours.accuracy(CLASSES, labels, w) == pytest.approx(expected)

    def test_accuracy_of_several_labels(self, w):
        true, predicted = NUMBERS > 0, PREDICTED > 0
        expected = theirs.accuracy_score(true, predicted, sample_weight=w)
        assert ours.accuracy(true, predicted, w) == pytest.approx(expected)

    def test_log_loss(self, w):
        expected = theirs.log_loss(CLASSES, PROBABILITIES, sample_weight=w)
        assert ours.log_loss(CLASSES, PROBABILITIES, w) == pytest.approx(expected)

    def test_log_loss_of_two_classes(self, w):
        p = PROBABILITIES[:, 0]
        expected = theirs.log_loss(CLASSES == 0, p, sample_weight=w)
        assert ours.log_loss(CLASSES == 0, p[:, None], w) == pytest.approx(expected)

    def test_roc_auc(self, w):
        p = PROBABILITIES[:, 0]
        expected = theirs.roc_auc_score(CLASSES == 0, p, sample_weight=w)
        assert ours.roc_auc(CLASSES == 0, p, w) == pytest.approx(expected)
        assert ours.roc_auc(CLASSES == 0, np.c_[1 - p, p], w) == pytest.approx(expected)

    def test_roc_auc_of_each_class_against_the_rest(self, w):
        expected = theirs.roc_auc_score(CLASSES, PROBABILITIES, multi_class="ovr", sample_weight=w)
        assert ours.roc_auc(CLASSES, PROBABILITIES, w) == pytest.approx(expected)

    def test_roc_auc_of_several_labels(self, w):
        expected = theirs.roc_auc_score(NUMBERS > 0, PREDICTED, sample_weight=w)
        assert ours.roc_auc(NUMBERS > 0, PREDICTED, w) == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("mine", "other"),
        [
            (ours.rmse, theirs.root_mean_squared_error),
            (ours.mae, theirs.mean_absolute_error),
            (ours.r2, theirs.r2_score),
        ],
    )
    def test_regression(self, w, mine, other):
        for Y, y_hat in ((NUMBERS, PREDICTED), (NUMBERS[:, 0], PREDICTED[:, 0])):
            assert mine(Y, y_hat, w) == pytest.approx(other(Y, y_hat, sample_weight=w))


@pytest.mark.parametrize("m", [1, 6, 7, 8, 200])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_of_rows_change_no_bit(monkeypatch, m, weighted):
    """Ties within blocks and across them, and scores that are no numbers."""
    generator = np.random.default_rng(m)
    scores = generator.integers(0, 5, m).astype(np.float32)
    scores[generator.uniform(0, 1, m) < 0.1] = np.nan
    labels, given = generator.integers(0, 2, m), generator.uniform(0, 1, m) if weighted else None
    rows = generator.dirichlet(np.ones(2), m).astype(np.float32)

    def found():
        return ours.roc_auc(labels, scores, given), ours.log_loss(labels, rows, given)

    whole = found()
    monkeypatch.setattr(ours, "BLOCK", 7)
    assert found() == whole
    if whole[0] is not None:
        ranks = np.unique(scores, return_inverse=True)[1]
        assert whole[0] == pytest.approx(theirs.roc_auc_score(labels, ranks, sample_weight=given), rel=1e-12)


def test_confusion_has_a_row_for_each_true_class():
    labels = PROBABILITIES.argmax(axis=1)
    assert np.array_equal(ours.confusion(CLASSES, labels), theirs.confusion_matrix(CLASSES, labels))
    assert ours.confusion([0], [1], n_classes=4).tolist()[0] == [0, 1, 0, 0]


def test_a_metric_without_a_meaning_is_none():
    assert ours.roc_auc([1, 1], [0.2, 0.3]) is None
    assert ours.roc_auc([0, 1, 1], np.eye(3)) is None
    assert ours.r2([2.0, 2.0], [1.0, 2.0]) is None


def test_certain_and_wrong_is_a_large_finite_log_loss():
    assert 30 < ours.log_loss([1], [[1.0, 0.0]]) < 50


def test_rows_are_compared_one_by_one():
    with pytest.raises(DataError, match="there are 2 and 3"):
        ours.accuracy([1, 2], [1, 2, 3])
    with pytest.raises(DataError, match="shape"):
        ours.mae(np.ones((2, 2)), np.ones((2, 3)))


def test_every_metric_that_fits_is_scored():
    signs = np.array([[1.0], [-1.0], [-1.0]])
    found = ours.scores_of(losses["hinge"], signs, np.array([[0.3], [-2.0], [0.1]]))
    assert found == {"accuracy": pytest.approx(2 / 3), "roc_auc": 1.0}
    assert set(ours.scores_of(losses["huber"], NUMBERS, PREDICTED)) == {"rmse", "mae", "r2"}
    onehot = np.eye(3)[CLASSES]
    found = ours.scores_of(losses["cross_entropy"], onehot, PROBABILITIES)
    assert found["accuracy"] == ours.accuracy(CLASSES, PROBABILITIES.argmax(axis=1))


def test_independent_outputs_are_several_labels_unless_each_row_marks_one():
    loss = losses["binary_cross_entropy"]
    several = np.array([[1.0, 1.0], [0.0, 1.0]])
    y_hat = np.array([[0.9, 0.8], [0.4, 0.3]])
    assert ours.scores_of(loss, several, y_hat)["accuracy"] == 0.5
    assert ours.scores_of(loss, np.eye(2), y_hat)["accuracy"] == 0.5
    assert ours.is_multilabel(loss, several)
    assert not ours.is_multilabel(loss, np.eye(2))


@pytest.mark.parametrize("metric", ["mae", "brier", None])
def test_a_metric_that_does_not_fit_is_refused_with_those_that_do(metric):
    with pytest.raises(SpecificationError, match="those that can: accuracy, roc_auc, or a Metric"):
        ours.as_metric(metric, losses["hinge"])
