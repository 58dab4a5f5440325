"""scikit-learn: networks and linear models, alone, behind scalers, in a search or a target transformer.

An estimator is read by its class, from the outside in. A class that is not listed here is refused by name;
nothing is guessed from its attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import decomposition, linear_model, neural_network, preprocessing
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectorMixin
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from clearprop.adoption.chain import Affine, Dropout, Step, model_of, scale_of, shift_of
from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.estimators.multilayer import MultilayerPerceptron
from clearprop.estimators.table_estimator import TableEstimator
from clearprop.formulas.activations import activations
from clearprop.formulas.losses import Loss
from clearprop.model import Model

_OPENED = (
    "adopt opens MLPClassifier, MLPRegressor, LogisticRegression, linear regressors and PoissonRegressor, "
    "also at the end of a Pipeline of scalers"
)
#: scikit-learn's name of an activation -> ours
_NAMES: Mapping[str, str] = {"logistic": "sigmoid"}
#: what the output gives -> the loss it was fitted on, in scikit-learn's scale
_LOSSES: Mapping[str, str] = {
    "softmax": "cross_entropy",
    "sigmoid": "binary_cross_entropy",
    "identity": "half_squared_error",
    "exp": "poisson",
}


@dataclass
class _Reading:
    """What an estimator turned out to be."""

    steps: list[Step]
    output: str  #: name of the output activation
    loss: str | Loss
    classes: tuple[Any, ...] = ()


def adopt_estimator(fitted: Any, loss: str | Loss | None = None) -> Model:
    """Model of a fitted estimator; see `clearprop.adopt`."""
    reading = _read(fitted)
    return model_of(reading.steps, loss=reading.loss if loss is None else loss, classes=reading.classes)


def _read(estimator: Any) -> _Reading:
    """Steps, output, loss and classes of a predictor."""
    if isinstance(estimator, Pipeline):
        return _read_pipeline(estimator)
    if isinstance(estimator, TransformedTargetRegressor):
        return _read_target(estimator)
    if isinstance(estimator, MetaEstimatorMixin) and hasattr(estimator, "refit"):
        if estimator.refit is False:
            raise SpecificationError(
                f"adopt: {_name(estimator)} was told refit=False and holds no fitted estimator; search with "
                "refit=True"
            )
        _require_fitted(estimator)
        return _read(estimator.best_estimator_)
    if isinstance(estimator, TableEstimator):
        raise SpecificationError(
            f"adopt: {_name(estimator)} is clearprop's already, encoders included; use its .model_"
        )
    for classes, read in _PREDICTORS:
        if isinstance(estimator, classes):
            _require_fitted(estimator)
            return read(estimator)
    raise SpecificationError(f"adopt: {_name(estimator)} cannot be opened as a network; {_OPENED}")


def _name(estimator: Any) -> str:
    return f"scikit-learn's {type(estimator).__name__}" if _is_theirs(estimator) else type(estimator).__name__


def _is_theirs(estimator: Any) -> bool:
    return type(estimator).__module__.split(".")[0] == "sklearn"


def _require_fitted(estimator: BaseEstimator) -> None:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise SpecificationError(
            f"adopt: this {type(estimator).__name__} is not fitted; call its fit(X, y) first"
        ) from None


# Networks and linear models -------------------------------------------------------------------------------


def _read_network(estimator: Any) -> _Reading:
    """scikit-learn's MLPClassifier or MLPRegressor."""
    hidden = activations[_NAMES.get(estimator.activation, estimator.activation)]
    output = _NAMES.get(estimator.out_activation_, estimator.out_activation_)
    steps: list[Step] = []
    for position, (W, b) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True), start=1):
        steps += [_layer(W.T, b, f"layer {position} of the {type(estimator).__name__}"), hidden]
    steps[-1] = activations[output]
    return _Reading(steps, output, _LOSSES[output], _labels(getattr(estimator, "classes_", ())))


def _read_own(estimator: MultilayerPerceptron) -> _Reading:
    """MLPClassifier or MLPRegressor of this library, with its own rows, loss and dropout."""
    model = estimator.model_
    steps: list[Step] = []
    for l, layer in enumerate(model.network.layers, start=1):
        place = f"layer {l} of the {type(estimator).__name__}"
        steps += [_layer(model.theta.W[l], model.theta.b[l], place), layer.activation]
        steps += [Dropout(layer.dropout, place)] if layer.dropout else []
    return _Reading(steps, model.network.output.activation.name, model.network.loss, model.classes)


def _read_linear(estimator: Any) -> _Reading:
    """A linear regressor."""
    return _Reading([_coefficients(estimator), activations["identity"]], "identity", _LOSSES["identity"])


def _read_poisson(estimator: Any) -> _Reading:
    """PoissonRegressor: a linear map under exp."""
    return _Reading([_coefficients(estimator), activations["exp"]], "exp", _LOSSES["exp"])


def _read_logistic(estimator: Any) -> _Reading:
    """LogisticRegression: one sigmoid for two classes, softmax for more."""
    scheme = getattr(estimator, "multi_class", None)
    several = len(estimator.classes_) > 2
    if several and (scheme == "ovr" or estimator.solver == "liblinear"):
        raise SpecificationError(
            f"adopt: {_name(estimator)} was fitted one class against the rest, and its probabilities are "
            "sigmoids divided by their sum, which no layer computes; fit it without multi_class='ovr' and "
            "solver='liblinear', or adopt one classifier for each class"
        )
    linear = _coefficients(estimator)
    if scheme == "multinomial" and not several:  # softmax over -d and d: the sigmoid of 2d
        linear = Affine(2 * linear.W, None if linear.b is None else 2 * linear.b, True, linear.place)
    output = "softmax" if several else "sigmoid"
    return _Reading([linear, activations[output]], output, _LOSSES[output], _labels(estimator.classes_))


_PREDICTORS: tuple[tuple[tuple[type, ...], Callable[[Any], _Reading]], ...] = (
    ((neural_network.MLPClassifier, neural_network.MLPRegressor), _read_network),
    ((MultilayerPerceptron,), _read_own),
    ((linear_model.LogisticRegression,), _read_logistic),
    ((linear_model.PoissonRegressor,), _read_poisson),
    (
        (
            linear_model.LinearRegression,
            linear_model.Ridge,
            linear_model.RidgeCV,
            linear_model.ElasticNet,  # Lasso is one
            linear_model.ElasticNetCV,
            linear_model.LassoCV,
            linear_model.HuberRegressor,
            linear_model.BayesianRidge,
        ),
        _read_linear,
    ),
)


def _layer(W: Array, b: Array | None, place: str) -> Affine:
    return Affine(np.asarray(W), None if b is None else np.asarray(b), layer=True, place=place)


def _coefficients(estimator: Any) -> Affine:
    W = np.atleast_2d(np.asarray(estimator.coef_))
    if not estimator.fit_intercept:
        return _layer(W, None, _name(estimator))
    b = np.broadcast_to(np.asarray(estimator.intercept_), (len(W),)).astype(W.dtype)
    return _layer(W, b, _name(estimator))


def _labels(classes: Any) -> tuple[Any, ...]:
    """Labels as Python's own values."""
    return tuple(np.asarray(classes).tolist())


# What stands around them ----------------------------------------------------------------------------------


def _read_pipeline(pipeline: Pipeline) -> _Reading:
    before: list[Step] = []
    for name, transformer in pipeline.steps[:-1]:
        before += _transforms(transformer, f"step {name!r}")
    name, last = pipeline.steps[-1]
    if last is None or isinstance(last, str):
        raise SpecificationError(
            f"adopt: the Pipeline ends with step {name!r}, which predicts nothing; end it with a network"
        )
    reading = _read(last)
    return _Reading([*before, *reading.steps], reading.output, reading.loss, reading.classes)


def _read_target(estimator: TransformedTargetRegressor) -> _Reading:
    _require_fitted(estimator)
    inner = _read(estimator.regressor_)
    if estimator.func is not None or estimator.inverse_func is not None:
        raise SpecificationError(
            "adopt: the TransformedTargetRegressor transforms y by a Python function, which is no layer; "
            "adopt its .regressor_ and apply inverse_func to the predictions"
        )
    place = "the transformer of the TransformedTargetRegressor"
    back: list[Step] = []
    for step in reversed(_transforms(estimator.transformer_, place)):
        if not isinstance(step, Affine) or step.W.ndim == 2:
            raise SpecificationError(
                f"adopt: {place}, {type(estimator.transformer_).__name__}, is not a scaler of each "
                "column, so it cannot be taken back in the output layer; adopt .regressor_ and transform "
                "predictions back"
            )
        if step.b is not None:
            back.append(shift_of(-step.b, place))
        back.append(scale_of(1 / step.W, place))
    if back and inner.output != "identity":
        raise SpecificationError(
            f"adopt: the network in the TransformedTargetRegressor ends with {inner.output!r}, and only an "
            "identity output can take in the scaler of y; adopt .regressor_ and transform predictions back"
        )
    return _Reading([*inner.steps[:-1], *back] if back else inner.steps, inner.output, inner.loss)


def _transforms(transformer: Any, place: str) -> list[Step]:
    """Affine maps of a transformer."""
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return []
    place = f"{place}, {type(transformer).__name__},"
    if isinstance(transformer, Pipeline):
        return [s for name, inner in transformer.steps for s in _transforms(inner, f"{place} step {name!r}")]
    if isinstance(transformer, preprocessing.FunctionTransformer):
        if transformer.func is None and transformer.inverse_func is None:
            return []
        raise SpecificationError(f"adopt: {place} calls a Python function, which is no layer; {_REMEDY}")
    for classes, transforms in _TRANSFORMERS:
        if isinstance(transformer, classes):
            _require_fitted(transformer)
            if getattr(transformer, "clip", False):
                raise SpecificationError(
                    f"adopt: {place} clips (clip=True), which no weight can do; fit it with clip=False, or "
                    f"{_REMEDY}"
                )
            return transforms(transformer, place.rstrip(","))
    raise SpecificationError(
        f"adopt: {place} is not among the affine steps that can be folded into a weight; {_REMEDY}"
    )


_REMEDY = "adopt the last step alone and give the model transformed inputs"


def _from_center(center: Any, scale: Any, place: str) -> list[Step]:
    """(x - center) / scale, either of them None."""
    steps: list[Step] = [] if center is None else [shift_of(-np.asarray(center, np.float64), place)]
    return steps if scale is None else [*steps, scale_of(1 / np.asarray(scale, np.float64), place)]


def _standard(scaler: Any, place: str) -> list[Step]:
    return _from_center(
        scaler.mean_ if scaler.with_mean else None, scaler.scale_ if scaler.with_std else None, place
    )


def _robust(scaler: Any, place: str) -> list[Step]:
    return _from_center(
        scaler.center_ if scaler.with_centering else None,
        scaler.scale_ if scaler.with_scaling else None,
        place,
    )


def _to_range(scaler: Any, place: str) -> list[Step]:
    return [Affine(np.asarray(scaler.scale_), np.asarray(scaler.min_), place=place)]


def _to_largest(scaler: Any, place: str) -> list[Step]:
    return _from_center(None, scaler.scale_, place)


def _components(projection: Any, place: str) -> list[Step]:
    """(x - mean) C^T, divided by the deviations if whitened; mean 0 for a truncated SVD."""
    C = np.asarray(projection.components_)
    mean = getattr(projection, "mean_", None)
    steps: list[Step] = [Affine(C, None if mean is None else -(C @ np.asarray(mean)), place=place)]
    if getattr(projection, "whiten", False):
        deviation = np.sqrt(projection.explained_variance_)
        steps.append(scale_of(1 / np.maximum(deviation, np.finfo(deviation.dtype).eps), place))
    return steps


def _selected(selector: Any, place: str) -> list[Step]:
    return [Affine(np.eye(len(selector.get_support()))[selector.get_support()], place=place)]


_TRANSFORMERS: tuple[tuple[tuple[type, ...], Callable[[Any, str], list[Step]]], ...] = (
    ((preprocessing.StandardScaler,), _standard),
    ((preprocessing.RobustScaler,), _robust),
    ((preprocessing.MinMaxScaler,), _to_range),
    ((preprocessing.MaxAbsScaler,), _to_largest),
    ((decomposition.PCA, decomposition.TruncatedSVD), _components),
    ((SelectorMixin,), _selected),
)
