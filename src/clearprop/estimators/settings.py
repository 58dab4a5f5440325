"""From scikit-learn's settings to the house's objects: layers, loss, first parameters, optimizer.

What scikit-learn writes as a string (`'logistic'`, `'sgd'`, `'squared_error'`) stands beside what clearprop
writes as an object; both end as rows of `formulas/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import Interval, Options, StrOptions

from clearprop.arrays import Array
from clearprop.errors import SpecificationError
from clearprop.estimators.jobs import N_JOBS
from clearprop.formulas.activations import (
    Activation,
    AnyActivation,
    CoupledActivation,
    activations,
    as_activation,
)
from clearprop.formulas.losses import Loss, as_loss, clipped, losses
from clearprop.formulas.optimizers import Optimizer, optimizers
from clearprop.formulas.schedules import Schedule, as_schedule
from clearprop.specification import Network

ROWS_OF_ACTIVATIONS = (Activation, CoupledActivation)
ActivationSetting: TypeAlias = str | AnyActivation | Sequence[str | AnyActivation]

#: scikit-learn's name -> ours
_SCIKIT_NAMES: Mapping[str, str] = MappingProxyType({"logistic": "sigmoid"})

#: loss of rows that sum to 1 -> the same loss for independent outputs (two classes in one, several labels)
_INDEPENDENT: Mapping[str, str] = MappingProxyType(
    {
        "cross_entropy": "binary_cross_entropy",
        "cross_entropy_bits": "binary_cross_entropy_bits",
        "kl_divergence": "binary_cross_entropy",
    }
)

_ACTIVATION = [StrOptions({"logistic", *activations}), *ROWS_OF_ACTIVATIONS]

#: what the constructors take, in scikit-learn's language
CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [*_ACTIVATION, list, tuple],
    "solver": [StrOptions({"lbfgs", "sgd", "adam", "lm"}), Optimizer],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), Schedule],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "output_activation": [*_ACTIVATION, None],
    "l1": [Interval(Real, 0, None, closed="left")],
    "n_ensemble": [Interval(Integral, 1, None, closed="left")],
    "n_jobs": N_JOBS,
}


def as_row(activation: str | AnyActivation) -> AnyActivation:
    """Row of an activation under scikit-learn's name or ours.

    >>> as_row("logistic").name
    'sigmoid'
    """
    name = _SCIKIT_NAMES.get(activation, activation) if isinstance(activation, str) else activation
    return as_activation(name)


def scikit_name(row: AnyActivation) -> str:
    """Name under which scikit-learn knows a row, or our own.

    >>> scikit_name(as_row("sigmoid"))
    'logistic'
    """
    return {ours: theirs for theirs, ours in _SCIKIT_NAMES.items()}.get(row.name, row.name)


def hidden_sizes(hidden_layer_sizes: int | Iterable[int]) -> list[int]:
    """Units of each hidden layer, as a list.

    Raises
    ------
    ValueError
        When one is not from 1.
    """
    given = hidden_layer_sizes if isinstance(hidden_layer_sizes, Iterable) else [hidden_layer_sizes]
    sizes = list(given)
    if not all(isinstance(size, int | np.integer) for size in sizes):
        raise ValueError(f"hidden_layer_sizes holds whole numbers, one for each hidden layer, not {sizes}")
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def hidden_rows(activation: ActivationSetting, layers: int) -> list[AnyActivation]:
    """Row of each hidden layer: the one for all, or those of a list.

    >>> [row.name for row in hidden_rows(["relu", "tanh"], 2)]
    ['relu', 'tanh']
    """
    if isinstance(activation, str | Activation | CoupledActivation):
        return [as_row(activation)] * layers
    if len(activation) != layers:
        raise SpecificationError(
            f"activation lists {len(activation)} and hidden_layer_sizes {layers} layers; give one for each"
        )
    return [as_row(given) for given in activation]


def loss_of_numbers(loss: str | Loss | None) -> Loss:
    """Loss row of a regressor; scikit-learn's 'squared_error' is half the squared error.

    >>> loss_of_numbers("squared_error").name
    'half_squared_error'
    """
    return losses["half_squared_error"] if loss in (None, "squared_error") else as_loss(loss)


def loss_and_output(
    loss: str | Loss | None, output_activation: str | AnyActivation | None, *, exclusive: bool
) -> tuple[Loss, AnyActivation]:
    """Loss row and output row of a classifier.

    Parameters
    ----------
    exclusive : bool
        Whether exactly one of the outputs is right (several classes): softmax. Otherwise sigmoid.

    Examples
    --------
    >>> [row.name for row in loss_and_output(None, None, exclusive=False)]
    ['binary_cross_entropy', 'sigmoid']
    >>> [row.name for row in loss_and_output("hinge", None, exclusive=True)]
    ['hinge', 'identity']
    """
    paired = activations["softmax" if exclusive else "sigmoid"]
    if loss is None or loss == "log_loss":
        output = paired if output_activation is None else as_row(output_activation)
        return losses["cross_entropy" if output.name == "softmax" else "binary_cross_entropy"], output
    row = as_loss(loss)
    if not exclusive and row.name in _INDEPENDENT:
        row = losses[_INDEPENDENT[row.name]]
    if output_activation is not None:
        return row, as_row(output_activation)
    return row, as_row(row.link) if row.for_classes else paired


def trained_network(network: Network, alpha: float, l1: float, dtype: np.dtype[Any]) -> Network:
    """The network as a fit computes it: with penalties, and with scikit-learn's clipping of the log-loss.

    scikit-learn clips probabilities to eps .. 1 - eps of their dtype in the loss, and not in its gradient.
    """
    loss = network.loss
    if network.is_linked and loss.name in clipped:
        loss = clipped[loss.name](eps=float(np.finfo(dtype).eps))
    return replace(network, loss=loss, l2=alpha, l1=l1)


def draw_parameters(
    network: Network, random_state: np.random.RandomState, dtype: npt.DTypeLike
) -> tuple[list[Array], list[Array]]:
    """First weights (n_in, r_l) and biases (r_l,) of each layer, as scikit-learn draws them.

    Uniform within sqrt(factor / (fan_in + fan_out)), factor 2 where the activation is the sigmoid and else
    6; the output layer goes by the hidden layer below it. Drawn in float64, in scikit-learn's order.
    """
    weights: list[Array] = []
    biases: list[Array] = []
    L = network.depth
    for l, layer in enumerate(network.layers, start=1):
        judged = layer if l < L else network.layers[max(L - 2, 0)]
        factor = 2.0 if judged.activation.name == "sigmoid" and L > 1 else 6.0
        fan_in = network.widths[l - 1]
        bound = np.sqrt(factor / (fan_in + layer.units))
        weights.append(random_state.uniform(-bound, bound, (fan_in, layer.rows)).astype(dtype))
        biases.append(random_state.uniform(-bound, bound, layer.rows).astype(dtype))
    return weights, biases


#: scalars of the efficient form of Adam's section 2, with epsilon beside the raw sqrt(v):
#: theta - rate * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + epsilon); scikit-learn's
_EPSILON_HAT = (("correction1", "sqrt(1 - beta2**t) / (1 - beta1**t)"), ("correction2", "1"))


def rule_of(settings: Any) -> Optimizer:
    """Optimizer of an estimator's settings; the rate of a string solver is kept by `Steps`."""
    solver, schedule = settings.solver, settings.learning_rate
    if isinstance(solver, Optimizer):
        rule = solver
    elif solver == "lbfgs":
        rule = optimizers["lbfgs"](tolerance=float(settings.tol))
    elif solver == "lm":
        rule = optimizers["levenberg_marquardt"](tolerance=float(settings.tol))
    elif solver == "adam":
        adam = optimizers["adam"](
            settings.learning_rate_init,
            beta1=float(settings.beta_1),
            beta2=float(settings.beta_2),
            epsilon=float(settings.epsilon),
        )
        rule = replace(adam, scalars=_EPSILON_HAT)
    else:
        row = optimizers["nesterov" if settings.nesterovs_momentum else "momentum"]
        row = row.with_parameters(momentum=float(settings.momentum))  # scikit-learn takes 1, too
        rule = replace(row, learning_rate=as_schedule(float(settings.learning_rate_init)))
    if isinstance(schedule, Schedule) and rule.step:
        return replace(rule, learning_rate=schedule)
    return rule
