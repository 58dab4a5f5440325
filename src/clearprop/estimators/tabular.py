"""`TabularClassifier` and `TabularRegressor`: scikit-learn estimators over raw tables.

They take DataFrames as they are, with texts, booleans and gaps (pandas, polars, pyarrow), or arrays; the
encoders, the network and its training are `fit_table`'s. What is fitted is in `model_`, a `TableModel`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from clearprop.arrays import Array
from clearprop.errors import DataError
from clearprop.estimators.table_estimator import TableEstimator, label_cells, require_labels
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss, as_loss
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.schedules import Schedule
from clearprop.table_model.settings import Auto
from clearprop.tables.columns import Kind


class TabularClassifier(ClassifierMixin, TableEstimator):  # type: ignore[misc]
    """Classify the rows of a raw table: texts, booleans, gaps and numbers as they are.

    The order in which rows are written makes no difference to a fit. Sample weights that are whole numbers
    are repeated rows (0: none), up to 4 times the rows or 10,000; beyond that, or fractions, they weigh.

    Parameters
    ----------
    hidden, activation, loss, optimizer, learning_rate, weight_decay, dropout, l1, l2, batch_size, epochs, \
validation, metric, patience, time_budget, dtype
        See `Settings`; the defaults adapt to the number of rows.
    class_weight : mapping from label to weight, or "balanced", optional
    label_smoothing : float
    random_state : int, RandomState or None
        An integer is the seed itself: the same fit, to the bit.
    verbose : bool
        Whether to show a progress bar on standard error.
    n_jobs : int, optional
        Threads to compute with, at most: -1 for all cores, None for as many as the work pays for. No bit of a
        result depends on it.

    Attributes
    ----------
    classes_ : ndarray (K,)
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only when X was a DataFrame.
    model_ : TableModel
        The encoders and the network; `model_.save(path)` writes what the command line reads.
    n_iter_ : int
        Epochs.
    loss_curve_ : list of float

    Examples
    --------
    >>> import polars as pl
    >>> from clearprop.datasets import penguins_path
    >>> penguins = pl.read_csv(penguins_path(), null_values="NA")
    >>> model = TabularClassifier(random_state=0).fit(penguins.drop("species"), penguins["species"])
    >>> model.predict(penguins.drop("species")[:2]).tolist()
    ['Adelie', 'Adelie']
    """

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (64, 64),
        activation: str | AnyActivation = "silu",
        loss: str | Loss | None = None,
        optimizer: str | Optimizer = "adamw",
        learning_rate: float | Schedule | None = None,
        weight_decay: float | None = None,
        dropout: float = 0.0,
        l1: float = 0.0,
        l2: float = 0.0,
        batch_size: int | Auto = "auto",
        epochs: int | Auto = "auto",
        validation: float | Auto | None = "auto",
        metric: str | None = None,
        patience: int | None = None,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        label_smoothing: float = 0.0,
        time_budget: float | None = None,
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            hidden=hidden,
            activation=activation,
            loss=loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            dropout=dropout,
            l1=l1,
            l2=l2,
            batch_size=batch_size,
            epochs=epochs,
            validation=validation,
            metric=metric,
            patience=patience,
            time_budget=time_budget,
            dtype=dtype,
            random_state=random_state,
            verbose=verbose,
            n_jobs=n_jobs,
        )
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing

    def fit(
        self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None, *, certify: bool = False
    ) -> Self:
        """Learn from rows X (m, d), a DataFrame or an array, and their labels y (m,).

        What is doubtful in the columns of a DataFrame is said in warnings, as by `fit_table`.
        `certify` keeps a certificate of the gradient in `model_.model.certificate` and the model file.
        """
        if y is None:
            raise DataError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        name = str(getattr(y, "name", None) or "y")
        table = self._table(X, reset=True)
        y = column_or_1d(np.asarray(y), warn=True)
        require_labels(y)
        check_classification_targets(y)
        weights = self._weights(table, y, sample_weight)
        self.classes_ = np.unique(y if weights is None else y[weights > 0])
        if len(self.classes_) < 2:
            raise DataError(f"y has 1 class, {self.classes_[0]!r}; a classifier needs two classes at least")
        settings = replace(
            self._settings(), class_weight=self.class_weight, label_smoothing=self.label_smoothing
        )
        return self._fit(table, {name: label_cells(y)}, "classes", weights, settings, certify)

    def fit_distributed(self, source: Any, target: str, **options: Any) -> Self:
        """Learn from Parquet files, by one process or the workers of a cluster, to the same bits.

        Parameters
        ----------
        source : str, path or list of these
            Parquet files, patterns or URLs, whose columns are the features and the target.
        target : str
            Column of the labels.
        **options
            `exclude`, `shards`, `workers`, `address`, `checkpoint_dir`, `checkpoint_seconds`, `max_failures`,
            `spool` and `force`, as in `clearprop.fit_distributed`.

        Examples
        --------
        >>> import tempfile, polars as pl
        >>> from clearprop.datasets import penguins_path
        >>> penguins = pl.read_csv(penguins_path(), null_values="NA")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     penguins.write_parquet(folder + "/p.parquet", row_group_size=50)
        ...     model = TabularClassifier(random_state=0).fit_distributed(folder + "/*.parquet", "species")
        >>> model.predict(penguins.drop("species")[:2]).tolist()
        ['Adelie', 'Adelie']
        """
        settings = replace(
            self._settings(), class_weight=self.class_weight, label_smoothing=self.label_smoothing
        )
        self._fit_distributed(source, target, "classes", settings, options)
        self.classes_ = np.array(self.model_.target.classes)
        return self

    def predict(self, X: Any) -> Array:
        """Label (m,) of each row."""
        y_hat = self._outputs(X)
        labels: Array = self.classes_[self.model_.class_indices(y_hat)]
        return labels

    @available_if(lambda self: self.loss is None or as_loss(self.loss).targets != "signs")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Probability (m, K) of each class, in the order of `classes_`."""
        y_hat = self._outputs(X)
        probabilities: Array = self.model_.probabilities(y_hat)
        return probabilities


class TabularRegressor(RegressorMixin, TableEstimator):  # type: ignore[misc]
    """Predict numbers for the rows of a raw table: texts, booleans, gaps and numbers as they are.

    Targets are standardised inside and answered in their own units; y (m, k) are k targets at once. Order of
    rows and sample weights: as for `TabularClassifier`.

    Parameters
    ----------
    hidden, activation, loss, optimizer, learning_rate, weight_decay, dropout, l1, l2, batch_size, epochs, \
validation, metric, patience, time_budget, dtype
        See `Settings`; the defaults adapt to the number of rows.
    random_state, verbose, n_jobs
        As for `TabularClassifier`.

    Attributes
    ----------
    n_features_in_, feature_names_in_, model_, n_iter_, loss_curve_
        As for `TabularClassifier`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> model = TabularRegressor(random_state=0).fit(X, 1000 + X[:, 0])
    >>> bool(abs(model.predict([[0.5]])[0] - 1000.5) < 0.05)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(
        self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None, *, certify: bool = False
    ) -> Self:
        """Learn from rows X (m, d), a DataFrame or an array, and their numbers y (m,) or (m, k).

        What is doubtful in the columns of a DataFrame is said in warnings, as by `fit_table`.
        `certify` keeps a certificate of the gradient in `model_.model.certificate` and the model file.
        """
        if y is None:
            raise DataError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        names = [str(name) for name in getattr(y, "columns", ())]
        name = str(getattr(y, "name", None) or "y")
        table = self._table(X, reset=True)
        Y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y", estimator=self)
        if len(Y) == 1:
            raise DataError("y has 1 sample, and from one sample there is nothing to learn; give more rows")
        weights = self._weights(table, Y, sample_weight)
        self._flat = Y.ndim == 1
        columns = Y[:, None] if Y.ndim == 1 else Y
        if len(names) != columns.shape[1]:
            names = [name] if columns.shape[1] == 1 else [f"y{j}" for j in range(columns.shape[1])]
        targets: dict[str, tuple[Kind, Array]] = {
            name: ("number", columns[:, j]) for j, name in enumerate(names)
        }
        return self._fit(table, targets, "numbers", weights, self._settings(), certify)

    def fit_distributed(self, source: Any, target: str | Sequence[str], **options: Any) -> Self:
        """Learn from Parquet files, by one process or the workers of a cluster, to the same bits.

        See `TabularClassifier.fit_distributed`; `target` may name several columns.
        """
        self._flat = isinstance(target, str)
        return self._fit_distributed(source, target, "numbers", self._settings(), options)

    def predict(self, X: Any) -> Array:
        """Numbers (m,) or (m, k), in the units of y."""
        y_hat = self._outputs(X)
        answers: Array = self.model_.answers(y_hat)
        return answers if self._flat or answers.ndim == 2 else answers[:, None]
