"""`MLPRegressor`: scikit-learn's regressor of that name, on clearprop's engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from clearprop.arrays import Array
from clearprop.estimators.multilayer import MultilayerPerceptron, dense
from clearprop.estimators.settings import CONSTRAINTS, ActivationSetting, as_row, loss_of_numbers
from clearprop.estimators.steps import Objective
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss, losses
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.schedules import Schedule


class MLPRegressor(RegressorMixin, MultilayerPerceptron):  # type: ignore[misc]
    """Regressor in place of `sklearn.neural_network.MLPRegressor`: same settings, same steps.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, name or Loss
        "squared_error" is scikit-learn's: half the squared error. Any row of `clearprop.losses` for numbers,
        such as "huber" or `Quantile(0.9)`; the row `losses["squared_error"]` is the whole square.
    hidden_layer_sizes, activation, ..., max_fun
        As in scikit-learn, with the liberties of `MLPClassifier`.
    dropout, output_activation, l1
        As in `MLPClassifier`; the output is the identity, or exp for "poisson".

    Attributes
    ----------
    coefs_, intercepts_, loss_curve_, ..., network_, theta_, model_
        As in `MLPClassifier`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> regressor = MLPRegressor("huber", (16,), "tanh", solver="lbfgs", random_state=0, max_iter=500)
    >>> regressor.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions({row.name for row in losses.values() if not row.for_classes}), Loss, None],
    }

    def __init__(
        self,
        loss: str | Loss | None = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: ActivationSetting = "relu",
        *,
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: str | Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        output_activation: str | AnyActivation | None = None,
        l1: float = 0.0,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.output_activation = output_activation
        self.l1 = l1

    def _read(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return dense(X), y.reshape(len(y), -1)

    def _loss_and_output(self) -> tuple[Loss, AnyActivation]:
        loss = loss_of_numbers(self.loss)
        return loss, as_row(self.output_activation or loss.link)

    def _reports(self, objective: Objective, Y: Array) -> None:
        if self.loss in (None, "squared_error"):
            objective.share = 1 / Y.shape[1]
        elif self.loss == "poisson":
            y = Y.astype(np.float64)
            objective.offset = (y * np.log(np.where(y > 0, y, 1.0)) - y).sum(axis=1)

    def _validation_score(self, y_hat: Array, Y: Array, weights: Array | None) -> float:
        return float(r2_score(Y, y_hat, sample_weight=weights))

    def predict(self, X: Any) -> Array:
        """Numbers (m,), or (m, n_L) for several outputs."""
        y_hat = self._outputs(X)
        return y_hat[:, 0] if y_hat.shape[1] == 1 else y_hat

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train one epoch more, the optimizer going on from where it was; X, y, sample_weight as in `fit`."""
        return self._fit(X, y, sample_weight, incremental=True)
