"""What a fitted encoder and decoder answer: codes, reconstructions and their errors.

What was fitted is one network, in `model_`; encoder and decoder are its lower and upper layers, made from it
when asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from clearprop.arrays import Array
from clearprop.estimators.inspecting import dense
from clearprop.estimators.jobs import limited
from clearprop.formulas.losses import Loss, losses
from clearprop.model import Model
from clearprop.specification import Network, Parameters

#: dtypes that are computed in as they are; anything else in the first
REAL: list[Any] = [np.float64, np.float32]


def in_order(X: Any) -> Array:
    """Rows of an array or a sparse matrix, one after the other in memory, so that sums have the same bits."""
    return np.ascontiguousarray(dense(X))


class Coder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of `Autoencoder`, which sets `model_` (the layers up to the middle are the encoder) in `fit`."""

    model_: Model
    n_components_: int

    @property
    def network_(self) -> Network:
        """The whole network."""
        check_is_fitted(self, "model_")
        return self.model_.network

    @property
    def theta_(self) -> Parameters:
        """Fitted parameters of the whole network."""
        check_is_fitted(self, "model_")
        return self.model_.theta

    @property
    def encoder_(self) -> Model:
        """Model of the layers from the inputs (n_0) to the code (n_components)."""
        middle = self.network_.depth // 2
        return self._half(self.network_.inputs, slice(0, middle), losses["half_squared_error"])

    @property
    def decoder_(self) -> Model:
        """Model of the layers from the code (n_components) to the outputs (n_0)."""
        return self._half(self.n_components_, slice(self.network_.depth // 2, None), self.network_.loss)

    def _half(self, inputs: int, layers: slice, loss: Loss) -> Model:
        network = Network(inputs, self.network_.layers[layers], loss=loss)
        flat = self.theta_.flat
        half = flat[: network.n_parameters] if layers.start == 0 else flat[-network.n_parameters :]
        return Model(network, Parameters(network, half.copy()))

    @limited
    def transform(self, X: Any) -> Array:
        """Code (m, n_components) of rows X (m, n_0)."""
        return self.encoder_.predict(self._rows(X))

    @limited
    def inverse_transform(self, X: Any) -> Array:
        """Rows (m, n_0) that codes X (m, n_components) stand for.

        Raises
        ------
        ValueError
            When a code has another length.
        """
        check_is_fitted(self, "model_")
        codes = check_array(X, dtype=REAL, input_name="X", estimator=self)
        if codes.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {codes.shape[1]} columns, and a code of this Autoencoder has {self.n_components_} "
                "numbers; inverse_transform takes what transform gives"
            )
        return self.decoder_.predict(codes)

    @limited
    def reconstruct(self, X: Any) -> Array:
        """Rows (m, n_0) as they come back through the code: inverse_transform(transform(X))."""
        rows = self._rows(X)
        return self.model_.predict(rows)

    def score_samples(self, X: Any) -> Array:
        """Minus the squared error (m,) of rows, mean over features: low for rows unlike those fitted to."""
        return -self._errors(self._rows(X))

    def score(self, X: Any, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> float:
        """Minus the squared error, mean over features and (by weight) over rows; y is ignored."""
        rows = self._rows(X)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, rows)
        if weights is not None and not weights.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return float(np.average(-self._errors(rows), weights=weights))

    def _rows(self, X: Any) -> Array:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=REAL, reset=False)
        return in_order(X)

    @limited
    def _errors(self, X: Array) -> Array:
        """Squared error of each row, mean over features."""
        return np.asarray(((X - self.model_.predict(X)) ** 2).mean(axis=1))

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
