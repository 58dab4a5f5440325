"""Labels as columns and back: what scikit-learn's LabelBinarizer says, and its refusals."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import _fit_context
from sklearn.preprocessing import LabelBinarizer

import clearprop as cp
from clearprop.estimators.labels import Labels
from clearprop.estimators.validating import validated

CASES = {
    "two": np.array([0, 1, 1, 0]),
    "two texts": np.array(["no", "yes", "yes"]),
    "two objects": np.array(["b", "a", "b"], dtype=object),
    "booleans": np.array([True, False, True]),
    "minus and plus one": np.array([-1, 1, -1]),
    "one": np.array([7, 7]),
    "three": np.array([5, 1, 3, 3]),
    "three texts": np.array(["b", "c", "a", "bb"]),
    "whole floats": np.array([2.0, 0.0, 1.0]),
    "small unsigned": np.array([200, 3, 100], dtype=np.uint8),
    "several": np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]]),
    "several, sparse": sp.csr_matrix([[0, 1, 1], [1, 0, 0]]),
}


@pytest.mark.parametrize("name", CASES)
def test_columns_and_answers_are_scikit_learns(name):
    y = CASES[name]
    ours, theirs = Labels.of(y), LabelBinarizer().fit(y)
    assert (ours.kind, ours.sparse) == (theirs.y_type_, theirs.sparse_input_)
    np.testing.assert_array_equal(ours.classes, theirs.classes_)
    assert ours.classes.dtype == theirs.classes_.dtype
    expected = theirs.transform(y)
    columns = ours.columns(y)
    assert columns.dtype == bool
    np.testing.assert_array_equal(columns, expected.toarray() if sp.issparse(expected) else expected)
    outputs = np.random.default_rng(0).uniform(-1, 1, columns.shape)
    given = outputs.ravel() if columns.shape[1] == 1 else outputs
    for threshold in (0.0, 0.5):
        said, wanted = ours.answers(given, threshold), theirs.inverse_transform(given, threshold=threshold)
        assert type(said) is type(wanted)
        assert said.dtype == wanted.dtype
        assert abs(said - wanted).nnz == 0 if sp.issparse(said) else np.array_equal(said, wanted)
    again = ours.binarizer()
    assert {k: str(v) for k, v in vars(again).items()} == {k: str(v) for k, v in vars(theirs).items()}


@pytest.mark.parametrize(
    "y",
    [np.array([[1, 2], [3, 1]]), np.array([0.5, 1.5]), np.array([]), np.array([[0.1, 0.2], [0.3, 1.0]])],
    ids=["several numbers", "fractions", "nothing", "several fractions"],
)
def test_what_are_no_labels_is_refused_in_the_same_words(y):
    with pytest.raises(ValueError) as theirs:
        LabelBinarizer().fit(y)
    with pytest.raises(ValueError) as ours:
        Labels.of(y)
    assert str(ours.value) == str(theirs.value)


def test_rows_of_the_other_kind_are_refused_in_the_same_words():
    several, one = CASES["several"], CASES["three"]
    for taught, given in ((one, several), (several, several[:, :2])):
        with pytest.raises(ValueError) as theirs:
            LabelBinarizer().fit(taught).transform(given)
        with pytest.raises(ValueError) as ours:
            Labels.of(taught).columns(given)
        assert str(ours.value) == str(theirs.value)


def test_a_fitted_classifier_has_scikit_learns_binarizer_for_who_asks():
    X = np.arange(12.0).reshape(6, 2)
    fitted = cp.MLPClassifier((2,), solver="lbfgs", max_iter=200, random_state=0)
    assert not hasattr(fitted, "_label_binarizer")
    fitted.fit(X, list("abcabc"))
    assert isinstance(fitted._label_binarizer, LabelBinarizer)
    assert fitted._label_binarizer.transform(["b"]).tolist() == [[0, 1, 0]]


class Fitting:
    """Counts how often it was checked, by scikit-learn's decorator or by ours."""

    def __init__(self):
        self.checks = 0

    def _validate_params(self):
        self.checks += 1
        if self.checks > 3:
            raise ValueError("refused")

    def __sklearn_is_fitted__(self):
        return self.checks > 0


@pytest.mark.parametrize("decorator", [_fit_context(prefer_skip_nested_validation=True), validated])
def test_parameters_are_checked_when_scikit_learns_decorator_checks_them(decorator):
    from sklearn import config_context, get_config

    class Estimator(Fitting):
        @decorator
        def fit(self, nested=True):
            """Inner fits are not checked."""
            assert get_config()["skip_parameter_validation"]
            return self.fit(nested=False) if nested else self

        @decorator
        def partial_fit(self):
            return self

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator = Estimator()
        assert estimator.partial_fit().checks == 1
        assert estimator.partial_fit().checks == 1
        assert estimator.fit().checks == 2
        with config_context(skip_parameter_validation=True):
            assert estimator.fit().checks == 2
        assert estimator.fit().checks == 3
        with pytest.raises(ValueError, match="refused"):
            estimator.fit()
        assert not get_config()["skip_parameter_validation"]
    assert Estimator.fit.__doc__ == "Inner fits are not checked."
