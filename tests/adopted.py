"""What every adopted model must do, shared by the tests of `adoption`."""

import numpy as np

import clearprop as cp

LIMIT = 1e-6


def disagreement(model, X, outputs):
    """Largest difference of predictions, beside 1 or the largest output."""
    outputs = np.asarray(outputs, dtype=np.float64)
    outputs = outputs.reshape(len(X), -1)
    y_hat = model.predict(X).astype(np.float64)
    assert y_hat.shape == outputs.shape
    return float(np.abs(y_hat - outputs).max() / max(1.0, np.abs(outputs).max()))


def assert_same(model, X, outputs, limit=LIMIT):
    """The model predicts those outputs; on the oracle's engine, which compiles nothing."""
    model.engine = "textbook"
    assert disagreement(model, X, outputs) <= limit


def assert_certified_and_saved(model, X, path):
    """The model certifies, and comes back from a file with the same predictions."""
    Y = model.predict(X)
    assert model.certify(X, Y).holds
    model.save(path)
    again = cp.load(path)
    again.engine = model.engine
    np.testing.assert_array_equal(again.predict(X), Y)
    assert again.classes == model.classes
