"""What an engine is given: arrays checked once, with errors that name row, value and remedy."""

import numpy as np
import pytest

from clearprop.engines import check_masks, engine_for, forward, gradient
from clearprop.engines.examples import check_examples, check_targets
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.losses import losses
from clearprop.specification import Dense, Network

NETWORK = Network(2, [Dense(3, "softmax")])
X = np.eye(2)


def targets(loss, n, Y):
    output = losses[loss].link
    return check_targets(Network(1, [Dense(n, output)], loss=loss), Y, len(Y), "float64").tolist()


def test_class_indices_become_the_rows_a_loss_asks_for():
    assert targets("cross_entropy", 3, [2, 0]) == [[0, 0, 1], [1, 0, 0]]
    assert targets("binary_cross_entropy", 1, [1, 0]) == [[1], [0]]
    assert targets("binary_cross_entropy", 1, [True, False]) == [[1], [0]]
    assert targets("hinge", 1, [1, 0]) == [[1], [-1]]
    assert targets("hinge", 1, [1, -1]) == [[1], [-1]]
    assert targets("hinge", 3, [1, 2]) == [[-1, 1, -1], [-1, -1, 1]]
    assert targets("squared_error", 1, [1.5, 2]) == [[1.5], [2]]


REFUSED_TARGETS = {
    "class beyond": ("cross_entropy", 3, [0, 3], "Y has 3 at row 1 .* run from 0 to 2"),
    "half a class": ("cross_entropy", 3, [0.5, 1], "Y has 0.5 at row 0"),
    "text": ("cross_entropy", 3, ["a", "b"], "the estimators take labels"),
    "not a distribution": ("cross_entropy", 2, [[0.5, 0.6], [1, 0]], "Y sums to 1.1 in row 0"),
    "probability beyond 1": ("binary_cross_entropy", 1, [[1.5], [0]], "Y has 1.5 at row 0, column 0"),
    "negative count": ("poisson", 1, [1, -2], "Y has -2 at row 1, column 0 .* numbers from 0"),
    "sign of 0.5": ("hinge", 2, [[1, 0.5], [1, 1]], "Y has 0.5 at row 0, column 1 .* -1 or"),
    "missing": ("squared_error", 1, [1, np.nan], "Y has nan at row 1"),
    "one column too many": ("squared_error", 1, [[1, 2], [3, 4]], r"Y has shape \(2, 2\)"),
}


@pytest.mark.parametrize("name", REFUSED_TARGETS)
def test_targets_refused(name):
    loss, n, Y, reason = REFUSED_TARGETS[name]
    with pytest.raises(DataError, match=reason):
        targets(loss, n, Y)


REFUSED = {
    "one dimension": (np.ones(2), [0], None, r"X.reshape\(1, -1\)"),
    "too many columns": (np.ones((1, 3)), [0], None, "X has 3 columns, and the network has 2 inputs"),
    "no rows": (np.ones((0, 2)), [], None, "X has no rows"),
    "text": ([["a", "b"]], [0], None, "encode text columns first"),
    "missing": ([[1, np.nan]], [0], None, "X has nan at row 0, column 1 .* impute"),
    "infinite": ([[1, np.inf]], [0], None, "X has inf at row 0, column 1 .* scale the column down"),
    "rows of Y": (X, [0], None, "2 examples of a network with 3 output"),
    "rows of weights": (X, [0, 1], [1.0], "2 examples ask for"),
    "negative weight": (X, [0, 1], [1.0, -1.0], "sample_weight has -1 at row 1"),
    "weights all 0": (X, [0, 1], [0.0, 0.0], "sample_weight is 0 for every example"),
    "weight missing": (X, [0, 1], [np.nan, 1.0], "sample_weight has nan at row 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_examples_refused(name):
    inputs, Y, weights, reason = REFUSED[name]
    with pytest.raises(DataError, match=reason):
        check_examples(NETWORK, inputs, Y, "float64", weights)


def test_beyond_float32():
    with pytest.raises(DataError, match=r"X has 1e\+300 at row 0, column 0 .* scale the column down"):
        check_examples(NETWORK, [[1e300, 0.0]], [0], "float32")
    with pytest.raises(DataError, match=r"Y has 1e\+300 at row 0"):
        check_examples(Network(2, [Dense(1)]), X, [1e300, 0.0], "float32")


def test_weights_scale_to_1():
    examples = check_examples(NETWORK, X, [0, 1], "float32", [1.0, 3.0])
    np.testing.assert_array_equal(examples.scale(), np.array([0.25, 0.75], np.float32))
    assert examples.total_weight() == 4.0
    assert check_examples(NETWORK, X, [0, 1], "float32").scale().tolist() == [0.5, 0.5]


def test_a_checked_array_is_not_copied():
    given = np.ones((2, 2))
    assert np.shares_memory(check_examples(NETWORK, given, [0, 1], "float64").X, given)


def test_masks_are_checked():
    network = Network(2, [Dense(3, "relu", dropout=0.5), Dense(1)])
    with pytest.raises(SpecificationError, match="masks have shapes"):
        check_masks(network, {0: np.ones((2, 2), bool)}, 2)
    with pytest.raises(SpecificationError, match="masks have shapes"):
        check_masks(network, {1: np.ones((2, 2), bool)}, 2)
    assert check_masks(network, {1: np.ones((2, 3))}, 2)[1].dtype == np.bool_


def test_engines_are_chosen_by_name():
    with pytest.raises(SpecificationError, match="'compiled' or 'textbook', not 'gpu'"):
        engine_for("gpu", NETWORK, dtype="float64")
    with pytest.raises(SpecificationError, match="float32 or float64, not int64"):
        engine_for("textbook", NETWORK, dtype="int64")


def test_theta_of_another_network_is_refused():
    other = Network(3, [Dense(3, "softmax")])
    with pytest.raises(SpecificationError, match="theta belongs to"):
        forward(NETWORK, other.initialize(), X, engine="textbook")
    with pytest.raises(SpecificationError, match="theta belongs to"):
        gradient(NETWORK, other.initialize(), X, [0, 1], engine="textbook")
