"""Folds in company: networks that have seen nothing of the rows they judge, not even through encoders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from clearprop.arrays import Array, IntArray
from clearprop.company import named, together
from clearprop.engines.helpers import usable_cores
from clearprop.errors import DataError
from clearprop.table_model.learning import train_network
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import TablePlan, plan_rows
from clearprop.table_model.rows import Rows
from clearprop.table_model.settings import Settings
from clearprop.training.run import TrainingDiverged

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
    y_hat : ndarray (m, n_L)
        Its outputs for them.
    """

    model: TableModel
    judged: IntArray
    y_hat: Array


def fold_pieces(
    rows: Rows,
    settings: Settings,
    folds: int,
    seed: int,
    *,
    repeat: int = 0,
    within: IntArray | None = None,
    trainer: Trainer = train_network,
) -> list[Callable[[], Fold]]:
    """For each fold, what trains on all others and predicts it.

    Parameters
    ----------
    seed, repeat : int
        Draw the folds.
    within : ndarray of int64, optional
        Only these rows are looked at.
    trainer : callable
        Makes a model of a plan.
    """

    def piece(number: int, first: IntArray, second: IntArray) -> Fold:
        try:
            model = trainer(plan_rows(rows, first, second, settings, all_classes=True))
        except (DataError, TrainingDiverged) as error:
            raise named(error, f"fold {number} of {folds}") from None
        if model.model.stopped == "interrupted":
            raise KeyboardInterrupt
        return Fold(model, second, model.outputs(rows.table.take(second)))

    pairs = rows.folds(folds, seed, repeat, within)
    return [partial(piece, number, *pair) for number, pair in enumerate(pairs, start=1)]


def fold_models(
    rows: Rows, settings: Settings, folds: int, seed: int, *, within: IntArray | None = None
) -> list[Fold]:
    """Train on all folds but one, in turn, and predict that one; see `fold_pieces`."""
    return together(fold_pieces(rows, settings, folds, seed, within=within), usable_cores())
