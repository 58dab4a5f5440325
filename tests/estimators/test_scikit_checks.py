"""scikit-learn's checks of an estimator, every one on every estimator of ours, each check a test.

A new estimator needs its line in `ESTIMATORS`; `test_every_public_estimator_is_checked` asks for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from unittest import SkipTest

import pytest
import sklearn
from sklearn import neural_network
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import has_fit_parameter

from clearprop import estimators
from clearprop.estimators import (
    Autoencoder,
    MLPClassifier,
    MLPRegressor,
    TabularClassifier,
    TabularRegressor,
)
from clearprop.formulas.losses import Loss, Quantile

#: half the rows are held out, for some of the checks give ten
STOPPED = {"early_stopping": True, "validation_fraction": 0.5, "max_iter": 60}

ESTIMATORS: dict[str, Any] = {
    "classifier": MLPClassifier(max_iter=30),
    "classifier-lbfgs": MLPClassifier(solver="lbfgs", max_iter=30),
    "classifier-sgd": MLPClassifier(solver="sgd", learning_rate_init=0.05, max_iter=60),
    "classifier-stopped": MLPClassifier(**STOPPED),
    "classifier-hinge": MLPClassifier(loss="hinge", max_iter=30),
    "regressor": MLPRegressor(max_iter=100),
    "regressor-lbfgs": MLPRegressor(solver="lbfgs", max_iter=30),
    "regressor-sgd": MLPRegressor(solver="sgd", max_iter=60),
    "regressor-stopped": MLPRegressor(**STOPPED),
    "regressor-huber": MLPRegressor("huber", max_iter=100),
    "classifier-ensemble": MLPClassifier(n_ensemble=2, max_iter=30),
    "regressor-ensemble": MLPRegressor(n_ensemble=2, max_iter=100),
    "regressor-lm": MLPRegressor(hidden_layer_sizes=(4,), solver="lm", max_iter=30),
    "regressor-interval": MLPRegressor(Quantile((0.1, 0.9)), max_iter=100),
    "autoencoder": Autoencoder(max_iter=50),
    "tabular-classifier": TabularClassifier(epochs=20),
    "tabular-regressor": TabularRegressor(epochs=20),
}

#: checks that scikit-learn runs on its own estimators beside `check_estimator` -> whom they concern
FURTHER: dict[str, Callable[[Any], bool]] = {
    "check_param_validation": lambda e: hasattr(e, "_parameter_constraints"),
    "check_dataframe_column_names_consistency": lambda e: True,
    "check_class_weight_classifiers": lambda e: "class_weight" in e.get_params(),
    "check_classifier_multioutput": lambda e: is_classifier(e) and get_tags(e).classifier_tags.multi_label,
    "check_regressor_multioutput": lambda e: (
        is_regressor(e)
        and not isinstance(
            getattr(e, "loss", None),
            Loss,  # several quantiles are of one target
        )
    ),
    "check_set_output_transform": lambda e: hasattr(e, "transform"),
    "check_set_output_transform_pandas": lambda e: hasattr(e, "transform"),
    "check_set_output_transform_polars": lambda e: hasattr(e, "transform"),
    "check_global_output_transform_pandas": lambda e: hasattr(e, "transform"),
    "check_transformer_get_feature_names_out": lambda e: hasattr(e, "get_feature_names_out"),
    "check_transformer_get_feature_names_out_pandas": lambda e: hasattr(e, "get_feature_names_out"),
}

_REFUSED = "partial_fit refuses early_stopping, as scikit-learn's test_mlp_partial_fit_after_fit asks"
_DRAWN = "rows are held out of those given: a row given twice is not a row of weight 2"

#: checks that an early-stopped MLP cannot pass, here or in scikit-learn -> why
NOT_WHEN_STOPPED = {
    "check_fit_score_takes_y": _REFUSED,
    "check_n_features_in_after_fitting": _REFUSED,
    "check_estimators_partial_fit_n_features": _REFUSED,
    "check_sample_weight_equivalence_on_dense_data": _DRAWN,
    "check_sample_weight_equivalence_on_sparse_data": _DRAWN,
}

#: checks that skip themselves on an estimator of ours -> why that is right
MAY_SKIP = {
    "check_array_api_input": "runs in test_array_api_inputs, whose environment it needs",
    "check_classifiers_multilabel_output_format_decision_function": "nor has scikit-learn's MLP one",
    "check_classifiers_multilabel_output_format_predict_proba": "the hinge loss gives no probabilities",
}

#: the harness runs, the checks watch warnings themselves
quietly = pytest.mark.filterwarnings("ignore")


def name_of(check: Any) -> str:
    return str(getattr(check, "func", check).__name__)


def checks_of(estimator: Any) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """Name and function of every check of an estimator, less those it is exempt from."""
    yielded = set()
    for _, check in estimator_checks_generator(estimator):
        yielded.add(name_of(check))
        if not (getattr(estimator, "early_stopping", False) and name_of(check) in NOT_WHEN_STOPPED):
            yield name_of(check), check
    for name, concerns in FURTHER.items():
        if name not in yielded and concerns(estimator):
            further = getattr(estimator_checks, name)
            yield name, lambda e, further=further: further(type(e).__name__, e)


def cases() -> Iterator[Any]:
    for label, estimator in ESTIMATORS.items():
        for name, check in checks_of(estimator):
            given = getattr(check, "keywords", {})
            words = [f"{k}={v}" for k, v in given.items() if isinstance(v, str | bool)]
            yield pytest.param(estimator, name, check, id="-".join([label, name, *words]))


@quietly
@pytest.mark.parametrize(("estimator", "name", "check"), list(cases()))
def test_scikit_learns_check_holds(estimator: Any, name: str, check: Callable[[Any], None]) -> None:
    try:
        check(estimator)
    except SkipTest as reason:
        if name not in MAY_SKIP:
            pytest.fail(f"{name} was skipped: {reason}")
        pytest.skip(MAY_SKIP[name])


def test_every_public_estimator_is_checked() -> None:
    assert {type(estimator).__name__ for estimator in ESTIMATORS.values()} == set(estimators.__all__)


@pytest.mark.parametrize("label", ESTIMATORS)
def test_the_checks_are_scikit_learns_and_many(label: str) -> None:
    estimator = ESTIMATORS[label]
    names = [name for name, _ in checks_of(estimator)]
    assert len(names) > 40
    assert {"check_estimators_pickle", "check_dont_overwrite_parameters", "check_fit_idempotent"} <= set(
        names
    )
    weighted = {name for name in names if name.startswith("check_sample_weight_equivalence")}
    stopped = getattr(estimator, "early_stopping", False)
    assert bool(weighted) == (has_fit_parameter(estimator, "sample_weight") and not stopped)


@quietly
@pytest.mark.parametrize("name", NOT_WHEN_STOPPED)
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_an_exemption_holds_for_scikit_learn_too_and_is_not_stale(kind: str, name: str) -> None:
    check = getattr(estimator_checks, name)
    with pytest.raises((ValueError, AssertionError)):
        check(kind, getattr(estimators, kind)(**STOPPED))
    if NOT_WHEN_STOPPED[name] == _DRAWN and parse_version(sklearn.__version__) < parse_version("1.7"):
        pytest.skip("scikit-learn's MLP takes sample_weight from 1.7 on")
    with pytest.raises((ValueError, AssertionError)):
        check(kind, getattr(neural_network, kind)(**STOPPED))


def test_array_api_inputs() -> None:
    """SciPy reads its switch when it is imported, so this needs a process of its own."""
    chosen = f"{__file__}::test_scikit_learns_check_holds"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "array_api", chosen]
    ran = subprocess.run(command, env={**os.environ, "SCIPY_ARRAY_API": "1"}, capture_output=True, text=True)
    there = any(name == "check_array_api_input" for name, _ in checks_of(ESTIMATORS["classifier"]))
    assert ran.returncode == (0 if there else 5), ran.stdout + ran.stderr  # 5: an older one has no such check
    assert "skipped" not in ran.stdout
    assert not there or f"{len(ESTIMATORS)} passed" in ran.stdout


class Mutable(MLPClassifier):
    """Changes a setting of its own in fit."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        super().fit(X, y, sample_weight)
        self.alpha = 0.5
        return self


class Silent(TabularClassifier):
    """Its fit returns nothing."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        super().fit(X, y, sample_weight)


class Weightless(MLPRegressor):
    """Takes weights and forgets them."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, y)


@quietly
@pytest.mark.parametrize(
    ("faulty", "caught_by"),
    [
        (Mutable(max_iter=5), "check_estimators_overwrite_params"),
        (Silent(epochs=2), "check_estimators_fit_returns_self"),
        (Weightless(max_iter=5), "check_sample_weight_equivalence_on_dense_data"),
    ],
    ids=["mutable", "silent", "weightless"],
)
def test_a_planted_fault_is_caught(faulty: Any, caught_by: str) -> None:
    check = next(check for name, check in checks_of(faulty) if name == caught_by)
    with pytest.raises(AssertionError):
        test_scikit_learns_check_holds(faulty, caught_by, check)
