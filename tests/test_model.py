"""The facade: training gives a model, a model predicts the same bits wherever it is loaded."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import clearprop as cp
from clearprop import training
from clearprop.metrics import accuracy, log_loss

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(80, 4))
Y = np.argmax(X[:, :3], axis=1)
NETWORK = cp.Network(4, [cp.Dense(8, cp.ELU(0.5)), cp.Dense(3, "softmax")], l2=1e-3)


def fit(network=NETWORK, targets=Y, **options):
    return cp.train(network, X, targets, **{"engine": "textbook", "progress": False, "epochs": 3, **options})


def test_train_has_the_signature_of_the_loop_and_gives_a_model():
    model, run = fit(), training.train(NETWORK, X, Y, engine="textbook", progress=False, epochs=3)
    assert isinstance(model, cp.Model)
    assert inspect.signature(cp.train).parameters == inspect.signature(training.train).parameters
    assert inspect.signature(cp.train).return_annotation == "Model"
    assert np.array_equal(model.theta.flat, run.theta.flat)
    assert (model.history["loss"], model.stopped) == (run.history["loss"], "epochs")
    assert model.record == run.record


def test_evaluate_is_loss_and_metrics_of_the_predictions():
    model = fit(epochs=30)
    found = model.evaluate(X, Y)
    y_hat = model.predict(X)
    assert set(found) == {"loss", "accuracy", "log_loss", "roc_auc"}
    assert found["accuracy"] == accuracy(Y, y_hat.argmax(axis=1))
    assert found["loss"] == pytest.approx(found["log_loss"]) == pytest.approx(log_loss(Y, y_hat))
    weights = (Y == 0).astype(float)
    assert model.evaluate(X, Y, weights)["loss"] == pytest.approx(
        model.evaluate(X[Y == 0], Y[Y == 0])["loss"]
    )
    assert model.evaluate(X[Y == 0], Y[Y == 0])["roc_auc"] is None


def test_evaluate_of_numbers():
    model = fit(cp.Network(4, [cp.Dense(2)]), X[:, :2], epochs=5)
    found = model.evaluate(X, X[:, :2])
    assert set(found) == {"loss", "rmse", "mae", "r2"}
    assert found["loss"] == pytest.approx(((model.predict(X) - X[:, :2]) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["textbook", "compiled"])
def test_saved_and_loaded_in_another_process_it_predicts_the_same_bits(tmp_path, dtype, engine):
    model = fit(dtype=dtype, engine=engine)
    model.classes = ("a", "b", "c")
    model.save(tmp_path / "m.safetensors")
    np.save(tmp_path / "X.npy", X)
    script = (
        "import sys, numpy as np, clearprop as cp\n"
        "model = cp.load('m.safetensors'); model.engine = sys.argv[1]\n"
        "np.save('y.npy', model.predict(np.load('X.npy')))\n"
        "print(model.classes, model.history['loss'][-1])\n"
    )
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, engine],
        env={**os.environ, "PYTHONPATH": str(Path(cp.__file__).parents[1])},
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    y_hat = np.load(tmp_path / "y.npy")
    assert y_hat.dtype == np.dtype(dtype)
    assert y_hat.tobytes() == model.predict(X).tobytes()
    assert told.stdout.strip() == f"('a', 'b', 'c') {model.history['loss'][-1]}"


def test_a_model_written_by_hand_is_saved_too(tmp_path):
    theta = cp.parameters_from_arrays(cp.Network(2, [cp.Dense(1, "step")], loss="squared_error"),
                                      [[[1.0, 1.0]]], [[-1.5]])  # fmt: skip
    cp.Model(theta.network, theta, engine="textbook").save(tmp_path / "and.safetensors")
    loaded = cp.load(tmp_path / "and.safetensors")
    loaded.engine = "textbook"
    assert loaded.predict([[0, 0], [0, 1], [1, 0], [1, 1]])[:, 0].tolist() == [0, 0, 0, 1]
    assert loaded.record is None
    assert loaded.history == {}


def test_certify_certifies_the_engine_the_model_computes_with():
    certificate = fit().certify(X[:20], Y[:20])
    assert certificate.holds
    assert certificate.engine == "textbook"


def test_the_record_survives_as_plain_data(tmp_path):
    model = fit(validation=0.2, class_weight={0: 2.0})
    model.save(tmp_path / "m")
    loaded = cp.load(tmp_path / "m")
    assert loaded.record is not None
    assert loaded.record.to_dict() == model.record.to_dict() == json.loads(json.dumps(model.record.to_dict()))
    assert loaded.history == model.history


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_labels_are_those_of_the_models_classes():
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    for labels in (y + 1, names[y], y == 2, y - 1.0):
        fitted = cp.MLPClassifier((5,), solver="lbfgs", max_iter=100, random_state=0).fit(X, labels)
        model = fitted.model_
        assert model.evaluate(X, labels)["accuracy"] == pytest.approx(fitted.score(X, labels))
        assert model.certify(X[:9], labels[:9]).holds
        indices = np.searchsorted(fitted.classes_, labels)
        bare = cp.Model(model.network, model.theta)
        assert bare.evaluate(X, indices)["log_loss"] == pytest.approx(model.evaluate(X, labels)["log_loss"])
    assert cp.MLPClassifier((5,), max_iter=5).fit(X, names[y]).model_.evaluate(X, y)["accuracy"] is not None
    with pytest.raises(cp.DataError, match=r"Y has 7 at row 0 .* the model knows the classes 1, 2, 3"):
        cp.MLPClassifier((5,), max_iter=5).fit(X, y + 1).model_.evaluate(X, y + 7)
