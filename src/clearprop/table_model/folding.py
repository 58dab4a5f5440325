"""Fold after fold: a network that has seen nothing of the rows it judges, not even through the encoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError
from clearprop.table_model.learning import train_network
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import TablePlan, plan_rows
from clearprop.table_model.rows import Rows
from clearprop.table_model.settings import Settings
from clearprop.tables import Table

Trainer = Callable[[TablePlan], TableModel]


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold, trained and judged.

    Attributes
    ----------
    model : TableModel
        With its `evaluation` on the rows judged.
    judged : ndarray of int64 (m,)
        Which of the `Rows` these are.
    table : Table
        The rows judged.
    y_hat : ndarray (m, n_L)
        Its outputs for them.
    """

    model: TableModel
    judged: IntArray
    table: Table
    y_hat: Array


def fold_models(
    rows: Rows,
    settings: Settings,
    folds: int,
    seed: int,
    *,
    repeat: int = 0,
    within: IntArray | None = None,
    trainer: Trainer = train_network,
) -> Iterator[Fold]:
    """Train on all folds but one, in turn, and predict that one.

    Parameters
    ----------
    seed, repeat : int
        Draw the folds.
    within : ndarray of int64, optional
        Only these rows are looked at.
    trainer : callable
        Makes a model of a plan.
    """
    for number, (first, second) in enumerate(rows.folds(folds, seed, repeat, within), start=1):
        try:
            plan = plan_rows(rows, first, second, settings, all_classes=True)
        except DataError as error:
            raise DataError(f"fold {number} of {folds}: {error}") from None
        model = trainer(plan)
        if model.model.stopped == "interrupted":
            raise KeyboardInterrupt
        table = rows.table.take(second)
        yield Fold(model, second, table, model.outputs(table))
