"""What both drop-in estimators share: scikit-learn's course of a fit, driven on an engine of the house.

`coefs_` and `intercepts_` hold the fitted numbers, in scikit-learn's orientation (n_in, n_out), and nothing
else does: `theta_` and `model_` are made from them when asked for. First weights, held-out rows and batch
orders are drawn from `random_state` in scikit-learn's order, so a fit takes the steps that it would take
there; that is why the loop over epochs stands here and not in `training`, which draws its own orders.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from clearprop.arrays import Array, compact
from clearprop.blas import one_blas_thread
from clearprop.company import at_most
from clearprop.engines.examples import Examples, check_targets
from clearprop.estimators.ensemble import fit_members
from clearprop.estimators.epochs import end_of_partial_fits, fit_epochs, fit_one_epoch
from clearprop.estimators.holding_out import held_out_rows
from clearprop.estimators.inspecting import FittedNetwork
from clearprop.estimators.jobs import threads_of
from clearprop.estimators.judging import HeldOut, Judge, as_callbacks
from clearprop.estimators.settings import draw_parameters, hidden_rows, hidden_sizes, rule_of, scikit_name
from clearprop.estimators.steps import Objective, Reported
from clearprop.estimators.uncertainty import uncertainty_of
from clearprop.estimators.validating import validated
from clearprop.estimators.whole_batch import fit_lbfgs, fit_levenberg, least_squares
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss
from clearprop.specification import Dense, Network, Parameters

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


class MultilayerPerceptron(FittedNetwork):
    """Base of `MLPClassifier` and `MLPRegressor`; they read the targets and the outputs."""

    def _loss_and_output(self) -> tuple[Loss, AnyActivation]:
        """Loss row and output row for the targets seen by `_read`."""
        raise NotImplementedError

    def _read(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Array, Array]:
        """Checked X (m, n_0) and y as columns (m, n)."""
        raise NotImplementedError

    def _read_held_out(self, X: Any, y: Any) -> tuple[Array, Array]:
        """Checked X and y of a validation set, as `_read` gives them."""
        raise NotImplementedError

    def _targets(self, Y: Array, loss: Loss) -> Array:
        """Columns as the loss takes them."""
        return Y

    def _learn_class_weights(self, Y: Array, incremental: bool) -> None:
        """Take the weight of each class from the settings and the training rows."""

    def _class_weights(self, Y: Array) -> Array | None:
        """Weight of each row from the class weights, or None."""
        return None

    def _share(self, Y: Array) -> float:
        """What the reported loss is of the trained one."""
        return 1.0

    def _offset(self, Y: Array) -> Array | None:
        """What the reported loss adds for each row."""
        return None

    def _validation_score(self, y_hat: Array, Y: Array, weights: Array | None) -> float:
        """Score of outputs against the columns of held-out rows."""
        raise NotImplementedError

    def _stratification(self, Y: Array) -> Array | None:
        """What the held-out rows are stratified by."""
        return None

    @validated
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None, callbacks: Any = ()
    ) -> Any:
        """Fit to examples.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix (m, n_0)
            Numbers; float32 is computed in float32, anything else in float64. Sparse input is made dense.
        y : array (m,) or (m, n_L)
            Labels, rows of 0/1 for several labels at once, or numbers.
        sample_weight : array (m,), optional
        validation_data : (X, y) or (X, y, sample_weight), optional
            Rows that are judged each epoch: `validation_loss_curve_`, `validation_scores_`. With
            `early_stopping=True` they stop the fit, and nothing is held out of X.
        callbacks : callable or sequence of callables
            Each is given an `EpochReport` at the end of each epoch (iteration, for whole-batch solvers),
            and stops the fit by returning true. With `n_ensemble` they are told of every member.

        Returns
        -------
        self
        """
        callbacks = as_callbacks(callbacks)
        given = {"sample_weight": sample_weight, "validation_data": validation_data, "callbacks": callbacks}
        if self.n_ensemble > 1:
            return fit_members(self, "fit", bool(self.warm_start), X, y, **given)
        return self._fit(X, y, incremental=False, **given)

    def _fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any,
        validation_data: Any,
        callbacks: Any = (),
        incremental: bool,
    ) -> Any:
        before = dict(vars(self))
        try:
            objective, judge, data = self._prepare(
                X, y, sample_weight, validation_data, callbacks, incremental
            )
        except Exception:  # what is refused leaves the estimator as it was
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        with at_most(threads_of(self.n_jobs)), one_blas_thread():
            kept = self._solve(objective, judge, data, incremental)
        self._keep(kept)
        if not np.isfinite(kept).all() or (judge.best is None and not np.isfinite(self.loss_)):
            raise ValueError(f"{NOT_FINITE} The loss was {self.loss_} in iteration {self.n_iter_}.")
        if objective.rule.name == "levenberg_marquardt":
            self._uncertainty = uncertainty_of(least_squares(objective, data), self.theta_)
        return self

    def _prepare(
        self, X: Any, y: Any, sample_weight: Any, validation_data: Any, callbacks: Any, incremental: bool
    ) -> tuple[Objective, Judge, Reported]:
        """What a fit needs, checked; the estimator set to begin."""
        sizes = hidden_sizes(self.hidden_layer_sizes)
        first_pass = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, Y = self._read(X, y, incremental=incremental, reset=first_pass)
        own = None if sample_weight is None else _check_sample_weight(sample_weight, X).astype(np.float64)
        self.n_outputs_ = Y.shape[1]
        loss, output = self._loss_and_output()
        rows = hidden_rows(self.activation, len(sizes))
        hidden = [Dense(n, row, dropout=self.dropout) for n, row in zip(sizes, rows, strict=True)]
        network = Network(X.shape[1], (*hidden, Dense(loss.outputs or Y.shape[1], output)), loss=loss)
        network.require_trainable()
        self._random_state = check_random_state(self.random_state)
        for name in ("_uncertainty", "estimators_"):
            self.__dict__.pop(name, None)
        if first_pass:
            self._initialize(network, X.dtype)
        else:
            self._require_same(network)
        if not incremental:
            end_of_partial_fits(self)
        dtype = self.coefs_[0].dtype
        rule = self._optimizer.rule if incremental and hasattr(self, "_optimizer") else rule_of(self)
        objective = Objective(network, dtype, rule, float(self.alpha), float(self.l1), share=self._share(Y))
        self.network_ = network
        self._learn_class_weights(Y, incremental)
        data = self._data(network, X, Y, self._weights(Y, own), dtype, "y")
        held_out = self._given_held_out(network, validation_data, dtype)
        if self.early_stopping and held_out is None:
            if incremental:
                raise ValueError(
                    "partial_fit does not support early_stopping=True without rows to judge by; give "
                    "validation_data=(X, y)"
                )
            data, held_out = self._hold_out(data, Y, in_place=bool(rule.step) and not network.has_dropout)
        if rule.name == "levenberg_marquardt":
            least_squares(objective, data)
        return (
            objective,
            Judge(self, objective, data, held_out, callbacks, 1 if incremental else self.max_iter),
            data,
        )

    def _require_same(self, network: Network) -> None:
        """Raise ValueError when the fit is to go on with parameters of another network."""
        known = [W.shape for W in self.coefs_]
        asked = [(n_in, layer.rows) for n_in, layer in zip(network.widths, network.layers, strict=False)]
        if known != asked:
            raise ValueError(
                f"the fit would go on (warm_start or partial_fit) with weights of shapes {known}, and the "
                f"settings ask for {asked}; keep hidden_layer_sizes, or fit anew with warm_start=False"
            )

    def _weights(self, Y: Array, own: Array | None) -> Array | None:
        by_class = self._class_weights(Y)
        return own if by_class is None else by_class if own is None else own * by_class

    def _data(
        self, network: Network, X: Array, Y: Array, weights: Array | None, dtype: Any, name: str
    ) -> Reported:
        """Examples as the engine takes them."""
        targets = check_targets(network, self._targets(Y, network.loss), len(X), dtype, name)
        return Reported(Examples(np.ascontiguousarray(X, dtype=dtype), targets, weights), self._offset(Y))

    def _given_held_out(self, network: Network, validation_data: Any, dtype: Any) -> HeldOut | None:
        """The user's own validation set, read."""
        if validation_data is None:
            return None
        if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
            raise ValueError("validation_data is (X, y) or (X, y, sample_weight)")
        try:
            X, Y = self._read_held_out(*validation_data[:2])
            own = None
            if len(validation_data) == 3 and validation_data[2] is not None:
                own = _check_sample_weight(validation_data[2], X).astype(np.float64)
            return HeldOut(self._data(network, X, Y, self._weights(Y, own), dtype, "y"), Y)
        except (TypeError, ValueError) as error:
            raise ValueError(f"validation_data: {error}") from error

    def _hold_out(self, data: Reported, Y: Array, *, in_place: bool) -> tuple[Reported, HeldOut]:
        """Rows to train on (left where they are, if that will do) and rows to judge by, as there."""
        kept, held = held_out_rows(
            len(Y), self.validation_fraction, self._random_state, self._stratification(Y)
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        training = replace(data, places=compact(kept)) if in_place else data.take(kept)
        return training, HeldOut(data.take(held), Y[held])

    def _initialize(self, network: Network, dtype: np.dtype[Any]) -> None:
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = network.depth + 1
        self.out_activation_ = scikit_name(network.output.activation)
        self.coefs_, self.intercepts_ = draw_parameters(network, self._random_state, dtype)
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.best_loss_: float | None = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.validation_loss_curve_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -np.inf if self.early_stopping else None
        for name in ("_optimizer", "_dropout_seed"):
            self.__dict__.pop(name, None)

    def _solve(self, objective: Objective, judge: Judge, data: Reported, incremental: bool) -> Array:
        """Parameters to keep."""
        if objective.rule.step:
            solve = fit_one_epoch if incremental else fit_epochs
        else:
            solve = fit_lbfgs if objective.rule.name == "lbfgs" else fit_levenberg
        return solve(self, objective, judge, data, self.theta_.flat)

    def _keep(self, flat: Array) -> None:
        theta = Parameters(self.network_, flat.copy())
        self.coefs_ = [theta.W[l].T for l in theta.W]
        self.intercepts_ = [np.asarray(theta.b[l]) for l in theta.b]

    def _check_solver(self) -> bool:
        if self.solver in ("lbfgs", "lm") or not getattr(self.solver, "step", True):
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
