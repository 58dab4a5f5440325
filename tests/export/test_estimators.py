"""Estimators inside scikit-learn pipelines, converted by skl2onnx: labels, probabilities, numbers agree."""

import builtins

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

import clearprop as cp
from clearprop import Autoencoder, MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from exported import disagreement, session

pytest.importorskip("skl2onnx")
from skl2onnx import convert_sklearn, to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
IRIS, IRIS_Y = load_iris(return_X_y=True)
CANCER, CANCER_Y = load_breast_cancer(return_X_y=True)
DIABETES, DIABETES_Y = load_diabetes(return_X_y=True)
SEVERAL, SEVERAL_Y = make_multilabel_classification(n_samples=200, n_features=6, n_classes=4, random_state=0)
NAMES = np.array(["setosa", "versi\u00e7olor", "virginica"])[IRIS_Y]
GAPS = np.where(RNG.random(IRIS.shape) < 0.1, np.nan, IRIS)
QUICK = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
FAST = {"hidden": (8,), "epochs": 5, "random_state": 0}
BINARY = {"loss": "binary_cross_entropy"}
FLOAT, DOUBLE = FloatTensorType, DoubleTensorType


@pytest.fixture(autouse=True, scope="module")
def _registered():
    cp.register_skl2onnx()
    cp.register_skl2onnx()  # twice does no harm


CLASSIFIERS = {
    "several classes": (MLPClassifier(**QUICK), IRIS, IRIS_Y),
    "texts": (MLPClassifier(activation="gelu", **QUICK), IRIS, NAMES),
    "two classes": (MLPClassifier(**QUICK), CANCER, CANCER_Y),
    "truth": (MLPClassifier(**QUICK), CANCER, CANCER_Y == 1),
    "whole floats": (MLPClassifier(**QUICK), IRIS, IRIS_Y + 5.0),
    "several labels": (MLPClassifier(**QUICK), SEVERAL, SEVERAL_Y),
    "sigmoids": (
        MLPClassifier(output_activation="sigmoid", **BINARY, **QUICK),
        IRIS,
        NAMES,
    ),
    "ensemble": (MLPClassifier(n_ensemble=3, **QUICK), IRIS, NAMES),
    "float32": (MLPClassifier(**QUICK), IRIS.astype("f4"), IRIS_Y),
    "tabular": (TabularClassifier(**FAST), GAPS, NAMES),
    "tabular two": (TabularClassifier(**BINARY, **FAST), CANCER, CANCER_Y),
}


@pytest.mark.parametrize("given", [FLOAT, DOUBLE])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifiers_labels_and_probabilities_agree(name, given):
    classifier, X, y = CLASSIFIERS[name]
    fitted = make_pipeline(StandardScaler(), classifier).fit(X, y)
    model = convert_sklearn(
        fitted, initial_types=[("X", given([None, X.shape[1]]))], options={"zipmap": False}
    )
    rows = X.astype("f4" if given is FLOAT else "f8")
    wanted = fitted.predict_proba(rows)
    running = session(model)
    labels, found = running.run(None, {"X": rows})
    assert [list(output.shape[1:]) for output in running.get_outputs()] == [
        list(labels.shape[1:]),
        [found.shape[1]],
    ]
    assert disagreement(found, wanted) < (1e-4 if given is FLOAT else 1e-6)
    clear = np.sort(wanted, axis=1)[:, -1] - np.sort(wanted, axis=1)[:, -2] > 1e-3
    clear = clear if labels.ndim == 1 else (np.abs(wanted - 0.5) > 1e-3).all(axis=1)
    assert clear.mean() > 0.9
    assert labels[clear].tolist() == fitted.predict(rows)[clear].tolist()
    assert running.run(None, {"X": rows[:1]})[0].tolist() == labels[:1].tolist()


REGRESSORS = {
    "one number": (MLPRegressor(**QUICK), DIABETES_Y),
    "two numbers": (MLPRegressor(**QUICK), np.stack([DIABETES_Y, -DIABETES_Y], axis=1)),
    "three quantiles": (MLPRegressor(cp.Quantile((0.1, 0.5, 0.9)), **QUICK), DIABETES_Y),
    "two quantiles": (MLPRegressor(cp.Quantile((0.1, 0.9)), **QUICK), DIABETES_Y),
    "ensemble": (MLPRegressor(n_ensemble=2, **QUICK), DIABETES_Y),
    "tabular": (TabularRegressor(**FAST), 1e6 + DIABETES_Y),
    "two tabular": (TabularRegressor(**FAST), np.stack([DIABETES_Y, -DIABETES_Y], axis=1)),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressors_numbers_agree(name):
    regressor, y = REGRESSORS[name]
    fitted = make_pipeline(MinMaxScaler(), regressor).fit(DIABETES, y)
    model = to_onnx(fitted, DIABETES[:1])
    found = session(model).run(None, {"X": DIABETES})[0]
    wanted = fitted.predict(DIABETES).reshape(len(DIABETES), -1)
    spread = DIABETES_Y.std()  # single precision is that of the standardised targets
    assert disagreement(found / spread, wanted / spread) < 1e-6


def test_an_autoencoders_codes_agree():
    fitted = make_pipeline(StandardScaler(), Autoencoder(2, max_iter=5, random_state=0)).fit(IRIS)
    found = session(to_onnx(fitted, IRIS[:1])).run(None, {"X": IRIS})[0]
    assert disagreement(found, fitted.transform(IRIS)) < 1e-10


def test_texts_and_numbers_of_a_column_transformer():
    kinds = np.array(["red", "green", "blue"])[RNG.integers(0, 3, 150)]
    columns = make_column_transformer((StandardScaler(), [0, 1, 2, 3]), (OneHotEncoder(), [4]))
    X = np.concatenate([IRIS.astype(object), kinds[:, None]], axis=1)
    fitted = make_pipeline(columns, MLPClassifier(**QUICK)).fit(X, NAMES)
    assert isinstance(fitted[0], ColumnTransformer)
    types = [("numbers", FloatTensorType([None, 4])), ("kind", StringTensorType([None, 1]))]
    running = session(convert_sklearn(fitted, initial_types=types))
    labels, maps = running.run(None, {"numbers": IRIS.astype("f4"), "kind": kinds[:, None]})
    wanted = fitted.predict_proba(X)
    assert disagreement([[row[name] for name in fitted.classes_] for row in maps], wanted) < 1e-5
    assert (labels == fitted.predict(X)).all()


def test_a_search_and_columns_of_probabilities():
    search = GridSearchCV(MLPClassifier(**QUICK), {"alpha": [1e-4, 1.0]}, cv=2).fit(IRIS, IRIS_Y)
    model = to_onnx(search, IRIS[:1], options={"zipmap": "columns"})
    label, *found = session(model).run(None, {"X": IRIS})
    assert disagreement(np.stack(found, axis=1), search.predict_proba(IRIS)) < 1e-6
    assert (label == search.predict(IRIS)).all()


@pytest.mark.parametrize(
    ("fitted", "saying"),
    [
        (lambda: MLPClassifier(loss="hinge", **QUICK).fit(CANCER, CANCER_Y), "'hinge' gives scores"),
        (lambda: TabularClassifier(loss="hinge", **FAST).fit(CANCER, CANCER_Y), "'hinge' gives scores"),
        (
            lambda: TabularClassifier(**FAST).fit(np.column_stack([IRIS.astype(object), NAMES]), IRIS_Y),
            "text column 'x4'",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_what_cannot_be_converted_is_said(fitted, saying):
    with pytest.raises((cp.SpecificationError, ValueError), match=saying):
        to_onnx(fitted(), IRIS[:1], options={"zipmap": False})


def test_without_skl2onnx_there_is_a_remedy(monkeypatch):
    found = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "skl2onnx":
            raise ModuleNotFoundError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(cp.SpecificationError, match=r"pip install 'clearprop\[onnx\]'"):
        cp.register_skl2onnx()
