"""What both drop-in estimators share: scikit-learn's course of a fit, driven on an engine of the house.

`coefs_` and `intercepts_` hold the fitted numbers, in scikit-learn's orientation (n_in, n_out), and nothing
else does: `theta_` and `model_` are made from them when asked for. First weights, held-out rows and batch
orders are drawn from `random_state` in scikit-learn's order, so a fit takes the steps that it would take
there; that is why the loop over epochs stands here and not in `training`, which draws its own orders.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from clearprop.arrays import Array
from clearprop.engines import forward
from clearprop.engines.examples import Examples, check_targets
from clearprop.estimators.settings import draw_parameters, hidden_rows, hidden_sizes, rule_of, scikit_name
from clearprop.estimators.steps import Objective, Steps, minimise
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss
from clearprop.model import Model
from clearprop.specification import Dense, Network, Parameters, parameters_from_arrays

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


def dense(X: Any) -> Any:
    """The array of a sparse matrix; anything else as it is."""
    return X.toarray() if hasattr(X, "toarray") else X


class MultilayerPerceptron(BaseEstimator):  # type: ignore[misc]
    """Base of `MLPClassifier` and `MLPRegressor`; they read the targets and the outputs."""

    def _loss_and_output(self) -> tuple[Loss, AnyActivation]:
        """Loss row and output row for the targets seen by `_read`."""
        raise NotImplementedError

    def _read(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Array, Array]:
        """Checked X (m, n_0) and y as columns (m, n_L)."""
        raise NotImplementedError

    def _targets(self, Y: Array, loss: Loss) -> Array:
        """Columns as the loss takes them."""
        return Y

    def _class_weights(self, y: Any, incremental: bool) -> Array | None:
        """Weight of each row from the class weights, or None."""
        return None

    def _reports(self, objective: Objective, Y: Array) -> None:
        """Set what scikit-learn reports differently from what it trains."""

    def _validation_score(self, y_hat: Array, Y: Array, weights: Array | None) -> float:
        """Score of outputs against the columns of held-out rows."""
        raise NotImplementedError

    def _stratification(self, Y: Array) -> Array | None:
        """What the held-out rows are stratified by."""
        return None

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit to examples.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (m, n_0)
            Numbers; float32 is computed in float32, anything else in float64. Sparse input is made dense.
        y : array (m,) or (m, n_L)
            Labels, rows of 0/1 for several labels at once, or numbers.
        sample_weight : array (m,), optional

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Any:
        sizes = hidden_sizes(self.hidden_layer_sizes)
        first_pass = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, Y = self._read(X, y, incremental=incremental, reset=first_pass)
        own = None if sample_weight is None else _check_sample_weight(sample_weight, X).astype(np.float64)
        by_class = self._class_weights(y, incremental)
        weights = own if by_class is None else by_class if own is None else own * by_class
        self.n_outputs_ = Y.shape[1]
        loss, output = self._loss_and_output()
        rows = hidden_rows(self.activation, len(sizes))
        hidden = [Dense(n, row, dropout=self.dropout) for n, row in zip(sizes, rows, strict=True)]
        network = Network(X.shape[1], (*hidden, Dense(self.n_outputs_, output)), loss=loss)
        network.require_trainable()
        self._random_state = check_random_state(self.random_state)
        if first_pass:
            self._initialize(network, X.dtype)
        targets = check_targets(network, self._targets(Y, loss), len(X), self.coefs_[0].dtype, "y")
        examples = Examples(np.ascontiguousarray(X, dtype=targets.dtype), targets, weights)
        objective = Objective(network, targets.dtype, rule_of(self), float(self.alpha), float(self.l1))
        self.network_ = network
        if objective.rule.step:
            self._fit_stochastic(objective, examples, Y, incremental)
        else:
            self._reports(objective, Y)
            self._fit_lbfgs(objective, examples)
        if not all(np.isfinite(numbers).all() for numbers in self.coefs_ + self.intercepts_):
            raise ValueError(NOT_FINITE)
        return self

    def _initialize(self, network: Network, dtype: np.dtype[Any]) -> None:
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = network.depth + 1
        self.out_activation_ = scikit_name(network.output.activation)
        self.coefs_, self.intercepts_ = draw_parameters(network, self._random_state, dtype)
        if self.solver == "lbfgs":
            return
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.best_loss_: float | None = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -np.inf if self.early_stopping else None

    def _fit_lbfgs(self, objective: Objective, examples: Examples) -> None:
        result = minimise(objective, self.theta_.flat, examples, self.max_iter, self.max_fun)
        self.n_iter_ = _check_optimize_result("lbfgs", result, self.max_iter)
        self.loss_ = float(result.fun)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        self._keep(result.x.astype(objective.dtype))

    def _fit_stochastic(self, objective: Objective, examples: Examples, Y: Array, incremental: bool) -> None:
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = Steps(objective, self)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        training, kept, held = examples, np.arange(len(Y)), None
        if self.early_stopping:
            kept, held = self._hold_out(Y)
            training = examples.take(kept)
        self._reports(objective, Y[kept])
        m = len(training)
        batch_size = self._batch_size(m)
        theta = self.theta_.flat
        best = theta.copy()
        seed = int(self._random_state.randint(2**31 - 1)) if objective.network.has_dropout else 0
        order = np.arange(m)
        batches = -(-m // batch_size)
        self.n_iter_ = 0
        try:
            for _ in range(1 if incremental else self.max_iter):
                if self.shuffle:
                    permutation = np.arange(m)  # as sklearn.utils.shuffle draws it, at a tenth of its time
                    self._random_state.shuffle(permutation)
                    order = order[permutation]
                self.loss_ = self._optimizer.epoch(
                    objective,
                    theta,
                    training,
                    order,
                    batch_size=batch_size,
                    rates=self._optimizer.rates(batches, self.max_iter),
                    seed=seed,
                    epoch=len(self.loss_curve_),
                )
                self.n_iter_ += 1
                self.t_ += m
                self.loss_curve_.append(self.loss_)
                if self.verbose:
                    print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
                if held is not None:
                    y_hat = objective.engine().forward(theta, examples.X[held])
                    finite = np.isfinite(self.loss_) and np.isfinite(y_hat).all()
                    weights = None if examples.weights is None else examples.weights[held]
                    score = self._validation_score(y_hat, Y[held], weights) if finite else np.nan
                    if self._judge_score(float(score)):
                        best = theta.copy()
                else:
                    self._judge_loss()
                self._optimizer.epoch_ends(self.t_, self.loss_)
                if not np.isfinite(self.loss_):
                    break  # scikit-learn goes on with parameters that are lost
                if self._no_improvement_count > self.n_iter_no_change:
                    if self._optimizer.stops(self._standstill_message(), verbose=bool(self.verbose)):
                        break
                    self._no_improvement_count = 0
                if self.n_iter_ == self.max_iter and not incremental:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                        "optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        self._keep(theta if held is None else best)
        if held is None and self.loss_curve_ and not np.isfinite(self.loss_curve_[-1]):
            raise ValueError(f"{NOT_FINITE} The loss was not finite in iteration {self.n_iter_}.")

    def _hold_out(self, Y: Array) -> tuple[Array, Array]:
        """Rows to train on and rows to judge by, as scikit-learn splits them."""
        kept, held = train_test_split(
            np.arange(len(Y)),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._stratification(Y),
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return kept, held

    def _batch_size(self, m: int) -> int:
        if self.batch_size == "auto":
            return min(200, m)
        if self.batch_size > m:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=5,
            )
        return min(int(self.batch_size), m)

    def _standstill_message(self) -> str:
        watched = "Validation score" if self.early_stopping else "Training loss"
        return (
            f"{watched} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
            "consecutive epochs."
        )

    def _judge_score(self, score: float) -> bool:
        """Take note of a validation score; whether it is the best."""
        if self.validation_scores_ is None or self.best_validation_score_ is None:  # an earlier fit had none
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
        self.validation_scores_.append(score)
        if self.verbose:
            print(f"Validation score: {score:f}")
        stands = score < self.best_validation_score_ + self.tol
        self._no_improvement_count = self._no_improvement_count + 1 if stands else 0
        better = score > self.best_validation_score_
        if better:
            self.best_validation_score_ = score
        return better

    def _judge_loss(self) -> None:
        best = np.inf if self.best_loss_ is None else self.best_loss_
        stands = self.loss_ > best - self.tol
        self._no_improvement_count = self._no_improvement_count + 1 if stands else 0
        self.best_loss_ = min(self.loss_, best)

    def _keep(self, flat: Array) -> None:
        theta = Parameters(self.network_, flat.copy())
        self.coefs_ = [theta.W[l].T for l in theta.W]
        self.intercepts_ = [np.asarray(theta.b[l]) for l in theta.b]

    @property
    def theta_(self) -> Parameters:
        """Fitted parameters as one flat vector with views W[l] (r_l, n_{l-1}) and b[l]; a copy."""
        theta = parameters_from_arrays(self.network_, [W.T for W in self.coefs_], self.intercepts_)
        return theta.astype(self.coefs_[0].dtype)

    @property
    def model_(self) -> Model:
        """Fitted network as a `clearprop.Model`: to save, to look into, to certify."""
        check_is_fitted(self)
        classes = tuple(np.asarray(self.classes_).tolist()) if hasattr(self, "classes_") else ()
        return Model(self.network_, self.theta_, classes=classes)

    def _outputs(self, X: Any) -> Array:
        """Outputs y_hat (m, n_L)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return forward(self.network_, self.theta_, X)

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs" or not getattr(self.solver, "step", True):
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
