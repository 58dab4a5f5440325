"""`MLPRegressor`: scikit-learn's regressor of that name, on clearprop's engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from clearprop.arrays import Array
from clearprop.estimators.ensemble import fit_members, mean_and_spread
from clearprop.estimators.inspecting import dense
from clearprop.estimators.multilayer import MultilayerPerceptron
from clearprop.estimators.settings import CONSTRAINTS, ActivationSetting, as_row, loss_of_numbers
from clearprop.estimators.validating import validated
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss, losses
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.schedules import Schedule


def r2(Y: Array, y_hat: Array, weights: Array | None) -> float:
    """scikit-learn's r2_score, averaged over the outputs (m, n), without its checks of every call.

    >>> r2(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]), None)
    0.5
    """
    mean = np.average(Y, axis=0, weights=weights)
    w = np.ones((len(Y), 1)) if weights is None else weights[:, None]
    wrong, spread = (w * (Y - y_hat) ** 2).sum(axis=0), (w * (Y - mean) ** 2).sum(axis=0)
    scores = 1 - wrong / np.where(spread > 0, spread, 1.0)
    return float(np.where(spread > 0, scores, np.where(wrong > 0, 0.0, 1.0)).mean())


class MLPRegressor(RegressorMixin, MultilayerPerceptron):  # type: ignore[misc]
    """Regressor in place of `sklearn.neural_network.MLPRegressor`: same settings, same steps.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, name or Loss
        "squared_error" is scikit-learn's: half the squared error. Any row of `clearprop.losses` for numbers,
        such as "huber" or `Quantile(0.9)`; the row `losses["squared_error"]` is the whole square.
        `Quantile((0.05, 0.95))` fits several quantiles of one target at once, which never cross:
        `predict_quantiles`; `predict` gives the middle one, or the mean of the middle two.
    hidden_layer_sizes, activation, ..., max_fun
        As in scikit-learn, with the liberties of `MLPClassifier`.
    solver : {"adam", "sgd", "lbfgs", "lm"} or Optimizer
        "lm" is Levenberg-Marquardt, for squared errors on small data; see `predict` for its uncertainty.
    dropout, output_activation, l1, n_ensemble, n_jobs
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
        n_ensemble: int = 1,
        n_jobs: int | None = None,
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
        self.n_ensemble = n_ensemble
        self.n_jobs = n_jobs

    def _read_held_out(self, X: Any, y: Any) -> tuple[Array, Array]:
        return self._read(X, y, incremental=True, reset=False)

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
        quantiles = loss.name == "quantile" and loss.outputs is not None
        several = loss.outputs not in (None, self.n_outputs_) or quantiles
        if several and self.n_outputs_ > 1:
            or_each = "" if quantiles else f", or for {loss.outputs} with a number each"
            raise ValueError(f"{loss!r} is for one target{or_each}; y has {self.n_outputs_}")
        return loss, as_row(self.output_activation or ("monotone" if quantiles else loss.link))

    def _share(self, Y: Array) -> float:
        return 1 / Y.shape[1] if self.loss in (None, "squared_error") else 1.0

    def _offset(self, Y: Array) -> Array | None:
        if self.loss != "poisson":
            return None
        y = Y.astype(np.float64)
        return np.asarray((y * np.log(np.where(y > 0, y, 1.0)) - y).sum(axis=1))

    def _validation_score(self, y_hat: Array, Y: Array, weights: Array | None) -> float:
        return r2(Y, self._points(y_hat), weights)

    def _points(self, y_hat: Array) -> Array:
        """One number for each target: of several quantiles the middle one, or the mean of the middle two."""
        quantiles = self.network_.loss.outputs
        if quantiles is None or self.network_.loss.name != "quantile":
            return y_hat
        middle = slice((quantiles - 1) // 2, quantiles // 2 + 1)
        return y_hat[:, middle].mean(axis=1, keepdims=True)

    def _has_quantiles(self) -> bool:
        loss = self.network_.loss if hasattr(self, "network_") else loss_of_numbers(self.loss)
        return loss.name == "quantile" and loss.outputs is not None

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Numbers (m,), or (m, n_L) for several outputs.

        Parameters
        ----------
        return_std : bool
            Whether to give the standard deviation of the predictions too, of the same shape. After
            `solver="lm"` it is that of a new target: the noise and what the data leave open about the
            parameters (Laplace's approximation with the Gauss-Newton Hessian; MacKay 1992). With
            `n_ensemble` it is the spread of the members; with both, the two variances are added.

        Examples
        --------
        >>> X = np.linspace(-1, 1, 40)[:, None]
        >>> noise = np.random.default_rng(0).normal(0, 0.1, 40)
        >>> fitted = MLPRegressor(hidden_layer_sizes=(), solver="lm").fit(X, 2 * X[:, 0] + noise)
        >>> y, std = fitted.predict([[0.0], [10.0]], return_std=True)
        >>> std.round(2).tolist()
        [0.08, 0.23]
        """
        check_is_fitted(self)
        members = getattr(self, "estimators_", None)
        if members is None:
            y_hat = self._points(self._outputs(X))
        else:
            y_hat, spread = mean_and_spread([self._points(member._outputs(X)) for member in members])
        answer = y_hat[:, 0] if y_hat.shape[1] == 1 else y_hat
        if not return_std:
            return answer
        variance = np.zeros(1) if members is None else spread**2
        known = [member for member in members or [self] if hasattr(member, "_uncertainty")]
        if members is None and not known:
            raise ValueError(
                "return_std needs solver='lm' (squared errors on small data) or n_ensemble=5, say; for "
                "intervals of any fit use loss=Quantile((0.05, 0.95)) and predict_quantiles"
            )
        rows = self._as_numbers(X)
        for member in known:
            variance = variance + member._uncertainty.std(member.theta_, rows) ** 2 / len(known)
        std = np.sqrt(variance)
        return answer, std[:, 0] if std.shape[1] == 1 else std

    @available_if(lambda self: self._has_quantiles())  # type: ignore[untyped-decorator]
    def predict_quantiles(self, X: Any) -> Array:
        """Quantiles (m, k) of `loss=Quantile((q_1, ..., q_k))`, increasing in each row.

        Examples
        --------
        >>> from clearprop import Quantile
        >>> X = np.linspace(-1, 1, 200)[:, None]
        >>> y = X[:, 0] + np.random.default_rng(0).normal(0, 0.1, 200)
        >>> fitted = MLPRegressor(Quantile((0.05, 0.95)), (8,), max_iter=2000, random_state=0, tol=1e-5,
        ...                       learning_rate_init=0.01, n_iter_no_change=50).fit(X, y)
        >>> low, high = fitted.predict_quantiles(X).T
        >>> bool((low < high).all()), bool(0.8 < np.mean((low <= y) & (y <= high)) < 0.97)
        (True, True)
        """
        return self._outputs(X)

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    @validated
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None) -> Any:
        """Train one epoch more, the optimizer going on from where it was.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        validation_data : (X, y) or (X, y, sample_weight), optional
            As in `fit`. With `early_stopping=True`, once `n_iter_no_change` calls in a row were no better,
            the best parameters are put back, `early_stopped_` is true and later calls change nothing.
        """
        given = {"sample_weight": sample_weight, "validation_data": validation_data}
        if self.n_ensemble > 1:
            return fit_members(self, "partial_fit", True, X, y, **given)
        return self._fit(X, y, incremental=True, **given)
