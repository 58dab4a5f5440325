"""A fitted drop-in looked into: its network, parameters, model, hidden activations and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from clearprop.arrays import Array
from clearprop.engines import forward, gradient
from clearprop.engines.jacobian import input_gradient, jacobian
from clearprop.engines.textbook import forward_pass
from clearprop.estimators.ensemble import mean_and_spread
from clearprop.estimators.jobs import limited
from clearprop.specification import Parameters, parameters_from_arrays

if TYPE_CHECKING:
    from clearprop.model import Model

_OF_ONE_NETWORK = (
    *("best_loss_", "best_validation_score_", "coefs_", "intercepts_", "loss_curve_"),
    *("validation_loss_curve_", "validation_scores_"),
)


def dense(X: Any) -> Any:
    """The array of a sparse matrix; anything else as it is."""
    return X.toarray() if hasattr(X, "toarray") else X


class FittedNetwork(BaseEstimator):  # type: ignore[misc]
    """The verbs of a fitted multilayer perceptron that do not depend on what it predicts."""

    @property
    def theta_(self) -> Parameters:
        """Fitted parameters as one flat vector with views W[l] (r_l, n_{l-1}) and b[l]; a copy."""
        check_is_fitted(self)
        self._require_single("theta_")
        theta = parameters_from_arrays(self.network_, [W.T for W in self.coefs_], self.intercepts_)
        return theta.astype(self.coefs_[0].dtype)

    @property
    def model_(self) -> Model:
        """Fitted network as a `clearprop.Model`: to save, to look into, to certify."""
        from clearprop.model import Model

        check_is_fitted(self)
        self._require_single("model_")
        classes = tuple(np.asarray(self.classes_).tolist()) if hasattr(self, "classes_") else ()
        return Model(self.network_, self.theta_, classes=classes)

    def __getattr__(self, name: str) -> Any:
        """What an ensemble has not of its own is asked of its members, and says so."""
        if name in _OF_ONE_NETWORK and "estimators_" in self.__dict__:
            self._require_single(name)
        return object.__getattribute__(self, name)  # a property's own error, or that there is no such name

    def _require_single(self, what: str) -> None:
        if hasattr(self, "estimators_"):
            raise AttributeError(
                f"an ensemble of {len(self.estimators_)} networks has no {what} of its own; ask its members, "
                f"such as estimators_[0].{what}"
            )

    def _inputs(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)

    @limited
    def _outputs(self, X: Any) -> Array:
        """Outputs y_hat (m, n_L); the mean of an ensemble's."""
        X = self._inputs(X)
        if hasattr(self, "estimators_"):
            members = [forward(member.network_, member.theta_, X) for member in self.estimators_]
            return mean_and_spread(members)[0]
        return forward(self.network_, self.theta_, X)

    def hidden_activations(self, X: Any) -> list[Array]:
        """Activations a^l of every hidden layer for new data: a list of arrays (m, n_l), l = 1..L-1.

        Examples
        --------
        >>> from clearprop import MLPRegressor
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> fitted = MLPRegressor(hidden_layer_sizes=(5, 3), solver="lbfgs", random_state=0).fit(X, X[:, 0])
        >>> [a.shape for a in fitted.hidden_activations(X[:2])]
        [(2, 5), (2, 3)]
        """
        theta = self._single_theta("hidden_activations")
        seen = forward_pass(self.network_, theta, self._as_numbers(X).astype(theta.dtype))
        return [seen.a[l] for l in range(1, self.network_.depth)]

    @limited
    def loss_gradient(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, Parameters]:
        """Mean loss of the examples and its gradient by every weight and bias, without the penalty.

        Returns
        -------
        loss : float
            As trained: scikit-learn's squared error is reported divided by the number of outputs, and
            trained without.
        gradient : Parameters
            dC/dW[l] at `.W[l]` (r_l, n_{l-1}), dC/db[l] at `.b[l]`.
        """
        theta = self._single_theta("loss_gradient")
        X, Y = self._read_held_out(X, y)
        targets = self._targets(Y, self.network_.loss).astype(theta.dtype)
        return gradient(self.network_, theta, X, targets, sample_weight=sample_weight)

    def input_gradient(self, X: Any, y: Any = None) -> Array:
        """Gradient by the inputs: of each example's loss (m, n_0), or without y of every output.

        Returns
        -------
        ndarray (m, n_0), or (m, n_L, n_0) without y
            Without y, dy_hat_k/dx_j of each example: probabilities for a classifier.

        Examples
        --------
        >>> from clearprop import MLPRegressor
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> fitted = MLPRegressor(hidden_layer_sizes=(), solver="lm", alpha=0, tol=1e-9).fit(X, 3 * X[:, 0])
        >>> fitted.input_gradient(X[:2]).round(6).tolist()
        [[[3.0]], [[3.0]]]
        """
        theta = self._single_theta("input_gradient")
        if y is None:
            return jacobian(self.network_, theta, self._as_numbers(X), by="inputs")
        X, Y = self._read_held_out(X, y)
        targets = self._targets(Y, self.network_.loss).astype(theta.dtype)
        return input_gradient(self.network_, theta, X, targets)

    def _single_theta(self, what: str) -> Parameters:
        check_is_fitted(self)
        self._require_single(f"{what}()")
        return self.theta_

    def _as_numbers(self, X: Any) -> Array:
        """Checked X, made dense."""
        return np.asarray(dense(self._inputs(X)))
