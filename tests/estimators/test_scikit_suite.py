"""scikit-learn's own tests of its MLP, the file that is installed with it, run on our drop-ins.

Each of their functions is a test here under its own name. Whoever upgrades scikit-learn runs its new tests.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

import clearprop as cp

SOURCE = Path(neural_network.__file__).parent / "tests" / "test_mlp.py"

#: their test -> why it cannot be run on us
SKIPPED = {"test_gradient": "calls scikit-learn's private _loss_grad_lbfgs; tests/engines certify gradients"}

#: their short fits end before they converge, and one overflows on purpose
EXPECTED_WARNINGS = ("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning")


def load_suite(classifier: type, regressor: type, name: str = "scikit_suite") -> ModuleType:
    """Their file, executed under another name while `sklearn.neural_network` offers these classes."""
    spec = importlib.util.spec_from_file_location(name, SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neural_network, "MLPClassifier", classifier)
        patch.setattr(neural_network, "MLPRegressor", regressor)
        spec.loader.exec_module(module)
    return module


def marked(suite: ModuleType) -> dict[str, Callable[..., None]]:
    """Its test functions, marked as this house runs them."""
    found = {name: value for name, value in vars(suite).items() if name.startswith("test_")}
    for name, function in found.items():
        for expected in EXPECTED_WARNINGS:
            found[name] = pytest.mark.filterwarnings(expected)(function)
        if name in SKIPPED:
            found[name] = pytest.mark.skip(reason=SKIPPED[name])(function)
    return found


SUITE = load_suite(cp.MLPClassifier, cp.MLPRegressor)
THEIRS = marked(SUITE)
globals().update(THEIRS)  # pytest collects them here, each with its own parametrization


@pytest.fixture
def global_random_seed() -> int:
    """The seed that their own conftest gives by default."""
    return 42


@pytest.fixture(autouse=True)
def _only_ours_are_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("scikit-learn's own MLP was fitted, not ours")

    monkeypatch.setattr(BaseMultilayerPerceptron, "_fit", refuse)


def parametrized(function: Callable[..., None]) -> Iterator[Any]:
    """Every value that a test of theirs captured when its file was executed."""
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "parametrize":
            yield from mark.args[1]


def test_guard_the_classes_under_test_are_ours() -> None:
    assert (SUITE.MLPClassifier, SUITE.MLPRegressor) == (cp.MLPClassifier, cp.MLPRegressor)
    captured = {value for test in THEIRS.values() for value in parametrized(test) if inspect.isclass(value)}
    assert {cp.MLPClassifier, cp.MLPRegressor} <= captured
    assert captured.isdisjoint({neural_network.MLPClassifier, neural_network.MLPRegressor})
    assert neural_network.MLPClassifier is not cp.MLPClassifier  # only their file was given ours
    with pytest.raises(AssertionError, match="not ours"):
        neural_network.MLPClassifier().fit([[0.0], [1.0]], [0, 1])


def test_guard_every_test_of_their_file_is_collected(request: pytest.FixtureRequest) -> None:
    tree = ast.parse(SOURCE.read_text())
    written = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    written = [name for name in written if name.startswith("test_")]
    assert len(written) >= 39  # scikit-learn 1.6's
    assert not [node for node in tree.body if isinstance(node, ast.ClassDef)]  # no tests in classes
    here = request.node.getparent(pytest.Module)
    collected = {item.originalname for item in here.collect() if isinstance(item, pytest.Function)}
    assert {name for name in collected if not name.startswith("test_guard_")} == set(written)
    assert len(THEIRS) == len(written)


def test_guard_no_skip_is_stale() -> None:
    assert set(SKIPPED) <= set(THEIRS)
    for name in SKIPPED:
        with pytest.raises(AttributeError, match="_loss_grad_lbfgs"):
            THEIRS[name]()


class Reversed(cp.MLPClassifier):
    """Gives each class the other's probability."""

    def predict_proba(self, X: Any) -> np.ndarray:
        return super().predict_proba(X)[:, ::-1]


class Forgetful(cp.MLPClassifier):
    """Judges the epochs, and keeps no note of the scores."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        super().fit(X, y, sample_weight)
        self.validation_scores_ = None
        return self


class Hasty(cp.MLPRegressor):
    """Skips every other call of partial_fit."""

    def partial_fit(self, X: Any, y: Any) -> Any:
        self.calls = getattr(self, "calls", 0) + 1
        return self if self.calls % 2 == 0 else super().partial_fit(X, y)


class Flat(cp.MLPRegressor):
    """Answers in float64 whatever it was given."""

    def predict(self, X: Any) -> np.ndarray:
        return super().predict(X).astype(np.float64)


@pytest.mark.parametrize(
    ("faulty", "caught_by"),
    [
        (Reversed, "test_predict_proba_binary"),
        (Forgetful, "test_early_stopping"),
        (Hasty, "test_partial_fit_regression"),
        (Flat, "test_mlp_param_dtypes"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_guard_a_planted_fault_is_caught(faulty: type, caught_by: str) -> None:
    classifies = issubclass(faulty, cp.MLPClassifier)
    classes = (faulty, cp.MLPRegressor) if classifies else (cp.MLPClassifier, faulty)
    test = getattr(load_suite(*classes, name="faulty_suite"), caught_by)
    if caught_by == "test_early_stopping":
        assert faulty in list(parametrized(test))
        test = partial(test, MLPEstimator=faulty)
    if caught_by == "test_mlp_param_dtypes":
        assert faulty in list(parametrized(test))
        test = partial(test, Estimator=faulty, dtype=np.float32)
    with pytest.raises(AssertionError):
        test()
