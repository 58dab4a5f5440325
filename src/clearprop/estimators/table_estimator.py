"""What the tabular estimators share: parameters, fitting, and arrays or labels as columns of a table."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from clearprop.arrays import Array, IntArray
from clearprop.company import at_most
from clearprop.errors import DataError, SpecificationError
from clearprop.estimators.jobs import threads_of
from clearprop.formulas.activations import AnyActivation
from clearprop.formulas.losses import Loss
from clearprop.formulas.optimizers import Optimizer
from clearprop.formulas.schedules import Schedule
from clearprop.table_model import train_plan
from clearprop.table_model.canonical import checked_weights
from clearprop.table_model.model import warn_of
from clearprop.table_model.plan import plan_table
from clearprop.table_model.settings import Auto, Settings
from clearprop.tables import MISSING_SPELLINGS, Column, Table, read_table
from clearprop.tables.columns import Kind, refuse_infinite, text_series, typed_text
from clearprop.tables.deciding import Task

#: what `fit_distributed` of an estimator takes: of the plan, and of who runs it
PLANNED = ("shards", "exclude", "checkpoint_seconds", "spool")
LAUNCHED = ("workers", "address", "checkpoint_dir", "max_failures", "force")
ARRAY = "X"  #: the source of a table made of an array, of whose nameless columns nothing is said


class TableEstimator(BaseEstimator):  # type: ignore[misc]
    """What both tabular estimators have in common; the parameters are those of `Settings`, flat."""

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
        time_budget: float | None = None,
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.l1 = l1
        self.l2 = l2
        self.batch_size = batch_size
        self.epochs = epochs
        self.validation = validation
        self.metric = metric
        self.patience = patience
        self.time_budget = time_budget
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        tags.non_deterministic = False
        return tags

    def _settings(self) -> Settings:
        """The parameters as `Settings`; an integer random_state is the seed itself."""
        state = self.random_state
        seed = state if isinstance(state, int | np.integer) else check_random_state(state).randint(2**31)
        return Settings(
            hidden=tuple(self.hidden) if isinstance(self.hidden, Sequence | np.ndarray) else self.hidden,
            activation=self.activation,
            loss=self.loss,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            dropout=self.dropout,
            l1=self.l1,
            l2=self.l2,
            batch_size=self.batch_size,
            epochs=self.epochs,
            validation=self.validation,
            metric=self.metric,
            patience=self.patience,
            seed=int(seed),
            time_budget=self.time_budget,
            dtype=self.dtype,
        )

    def _fit(
        self,
        table: Table,
        targets: Mapping[str, tuple[Kind, Array]],
        task: Task,
        weights: Array | None,
        settings: Settings,
        certify: bool,
    ) -> Self:
        """Train on the columns of X beside those of the target, of the same number of rows."""
        taken = set(table.names)
        columns, names = list(table.columns), []
        for wanted, (kind, values) in targets.items():
            name = wanted
            while name in taken:
                name += "'"
            taken.add(name)
            names.append(name)
            columns.append(
                Column(
                    name=name,
                    kind=kind,
                    values=values,
                    source=table.source,
                    row_numbers=table.row_numbers,
                )
            )
        whole = replace(table, columns=tuple(columns))
        plan = plan_table(whole, names, task=task, sample_weight=weights, settings=settings)
        if table.source != ARRAY:
            warn_of(table.source, (*plan.notices, *plan.unread), level=4)
        with at_most(threads_of(self.n_jobs)):
            self.model_ = train_plan(plan, certify=certify, progress=bool(self.verbose))
        self.n_iter_ = len(self.model_.history["epoch"])
        self.loss_curve_ = self.model_.history["loss"]
        return self

    def _fit_distributed(
        self,
        source: Any,
        target: str | Sequence[str],
        task: Task,
        settings: Settings,
        options: dict[str, Any],
    ) -> Self:
        """Train on the columns of Parquet files, and know them by name, as after `fit` on a DataFrame."""
        from clearprop.distributed.fitting import run_plan
        from clearprop.distributed.folder import seed_in
        from clearprop.distributed.plan import plan_distributed

        foreign = [name for name in options if name not in (*PLANNED, *LAUNCHED)]
        if foreign:
            raise SpecificationError(
                f"fit_distributed of an estimator takes {', '.join((*PLANNED, *LAUNCHED))}, and not "
                f"{foreign[0]!r}; rows to test on are yours to hold out, and verbose=True shows progress"
            )
        folder = options.get("checkpoint_dir")
        if self.random_state is None and folder is not None:
            begun = seed_in(folder)  # the same call goes on with the same numbers
            settings = settings if begun is None else replace(settings, seed=begun)
        planned = {name: options[name] for name in PLANNED if name in options}
        launched = {name: options[name] for name in LAUNCHED if name in options}
        threads = threads_of(self.n_jobs)
        plan = plan_distributed(source, target, task=task, settings=settings, threads=threads, **planned)
        result = run_plan(plan, progress=bool(self.verbose), **launched)
        warn_of(plan.manifest.source, result.notices, level=4)
        self.model_ = result.table_model()
        self.feature_names_in_ = np.array(plan.features, dtype=object)
        self.n_features_in_ = len(plan.features)
        self.n_iter_ = len(self.model_.history["epoch"])
        self.loss_curve_ = self.model_.history["loss"]
        return self

    def _weights(self, table: Table, y: Array, sample_weight: npt.ArrayLike | None) -> Array | None:
        """The weights of the rows, once X, y (m, ...) and weights have as many."""
        if len(y) != table.n_rows:
            raise DataError(f"X has {table.n_rows} rows and y {len(y)}; give one target for each row")
        return checked_weights(sample_weight, table)

    def _table(self, X: Any, *, reset: bool) -> Table:
        """X as a table; columns of arrays are named x0, x1, ..."""
        if hasattr(X, "columns") or hasattr(X, "column_names"):
            table = (
                read_table(X) if reset else None
            )  # names that repeat are refused here, before scikit-learn
            validate_data(self, X, reset=reset, skip_check_array=True)
            return read_table(X) if table is None else table
        X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
        return array_table(X)

    def _outputs(self, X: Any) -> Array:
        """y_hat (m, n_L) of the fitted network."""
        check_is_fitted(self, "model_")
        table = self._table(X, reset=False)
        if table.source != ARRAY:
            warn_of(table.source, self.model_.notices(table), level=4)
        with at_most(threads_of(self.n_jobs)):
            y_hat: Array = self.model_.outputs(table)
        return y_hat


def array_table(X: Array) -> Table:
    """Table of an array (m, d): numbers; columns of objects are typed by what they hold."""
    rows = np.arange(1, len(X) + 1, dtype=np.int64)
    if X.dtype.kind in "fiub":
        X = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan", input_name="X")
    columns = tuple(_array_column(f"x{j}", X[:, j], rows) for j in range(X.shape[1]))
    return Table(columns, ARRAY, rows)


def _array_column(name: str, cells: Array, rows: IntArray) -> Column:
    place = Column(name=name, kind="number", values=cells, source=ARRAY, row_numbers=rows)
    if cells.dtype.kind == "f":
        return place
    values = [None if cell is None or cell != cell else cell for cell in cells.tolist()]  # NaN is not itself
    if all(cell is None or isinstance(cell, numbers.Real) for cell in values):
        known = [np.nan if cell is None else float(cell) for cell in values]
        column = replace(place, values=np.array(known))
        refuse_infinite(column)
        return column
    series = text_series([None if cell is None else str(cell) for cell in values])
    return typed_text(
        name, series, source=ARRAY, row_numbers=rows, null_values=MISSING_SPELLINGS, infer=False
    )


def require_labels(y: Array) -> None:
    """Raise DataError where a label of y (m,) is missing: None, NaN or pandas' NA among objects."""
    if y.dtype.kind != "O":
        return
    gaps = [i for i, label in enumerate(y.tolist()) if label is None or _differs_from_itself(label)]
    if gaps:
        count = "1 label is" if len(gaps) == 1 else f"{len(gaps)} labels are"
        raise DataError(f"{count} missing in y (row {gaps[0] + 1}, from 1); leave such rows out of X and y")


def _differs_from_itself(label: Any) -> bool:
    try:
        return bool(label != label)
    except TypeError:  # pandas' NA says neither
        return True


def label_cells(y: Array) -> tuple[Kind, Array]:
    """Labels y (m,) as the cells of a column, and its kind."""
    if y.dtype.kind == "b":
        return "boolean", y.astype(np.float64)
    if y.dtype.kind in "OU" and all(isinstance(label, str) for label in y.tolist()):
        return "text", y.astype(object)
    try:
        values = y.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError("y mixes labels of several types; give strings, numbers or booleans only") from None
    if len(np.unique(values)) < len(np.unique(y)):
        raise DataError("y has whole numbers beyond 2**53 that are not told apart; give them as strings")
    return "number", values
