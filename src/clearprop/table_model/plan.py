"""Before a table is learnt: which rows train and which judge, how columns are read, what network that gives.

A plan is made of the whole table and trains nothing, so that the command line can say what will happen
before it happens. Encoders see the training rows only; the judged rows must not speak in them. Rows are taken
in the order of their cells (`canonical`), so a plan does not depend on the order in which they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.losses import losses
from clearprop.specification import Network, Parameters
from clearprop.table_model.canonical import canonical_order, checked_weights, repeats
from clearprop.table_model.settings import Settings
from clearprop.tables import Encoder, Table, Target, noticing, read_table
from clearprop.tables.deciding import Task
from clearprop.tables.encodings import TextEncoding
from clearprop.training.validation import hold_out

LARGEST_FEATURE = 1e6  #: no training row reaches it; keeps what is later predicted on finite in float32


@dataclass(frozen=True, eq=False)
class TablePlan:
    """What will be learnt from a table, and how; `plan_table` makes one.

    Attributes
    ----------
    encoder, target
        Fitted on the training rows.
    network : Network
    settings : Settings
    training : Table
        Rows with a target that are not held out, in the order of their cells; few whole weights are repeats.
    test : Table or None
        Rows held out to judge the model.
    share : float or None
        The share of the rows that these were to be.
    weights : ndarray (rows of training,) or None
        Example weights, where they are not repeats.
    notices : tuple of str
        What the user should know about the data.
    unread : tuple of str
        Columns that give the network nothing, and why; `encoder.describe` has them too.
    """

    encoder: Encoder
    target: Target
    network: Network
    settings: Settings
    training: Table
    test: Table | None
    share: float | None
    weights: Array | None
    notices: tuple[str, ...]
    unread: tuple[str, ...] = ()

    def first_parameters(self) -> Parameters:
        """First parameters: drawn by the seed, with the weights of slots no training row fills at 0.

        So a text that training did not see adds nothing to z, where a random weight would shift it.
        """
        theta = self.network.initialize(self.settings.seed, self.settings.dtype)
        theta.W[1][:, unseen_slots(self.encoder)] = 0.0
        return theta


def plan_table(
    source: Any,
    target: str | Sequence[str],
    *,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    test: float | None = None,
    sample_weight: npt.ArrayLike | None = None,
    settings: Settings | None = None,
) -> TablePlan:
    """Plan how to learn a table; see `fit_table` for the parameters.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> plan = plan_table(penguins_path(), "species", test=0.2, exclude=["year"])
    >>> plan.training.n_rows, plan.test.n_rows, plan.network.widths
    (275, 69, (16, 64, 64, 3))
    """
    settings, passed = settings or Settings(), tuple(exclude)
    table = as_table(source)
    weights = checked_weights(sample_weight, table)
    if weights is not None and not weights.all():
        table, weights = table.take(weights > 0), weights[weights > 0]
    whole = Target.fit(table, target, task)
    known = np.flatnonzero(whole.known_rows(table))
    notices = (*_excluded_targets(whole, passed), *noticing.without_target(table, whole))
    if len(known) < table.n_rows:
        table, weights = table.take(known), None if weights is None else weights[known]
    wanted = tuple(map(table.column, whole.columns))
    read = [column for column in table.columns if column.name not in (*whole.columns, *passed)]
    kept, held = canonical_order([*read, *wanted], weights), None  # wherever the target stands in the table
    if test is not None:
        judged = Table(wanted, table.source, table.row_numbers).take(kept)
        first, second = _split(judged, whole, test, settings.seed)
        kept, held = kept[first], kept[second]
    weights = None if weights is None else weights[kept]
    times = repeats(weights)
    if times is not None:
        kept, weights = np.repeat(kept, times), None
    training = table.take(kept)
    reading = replace(Target.fit(training, whole.columns, whole.task, weights), reason=whole.reason)
    settings.optimizer_for(training.n_rows), settings.class_weight_for(reading)  # what is wrong, now
    encoder = Encoder.fit(training, target=whole.columns, exclude=passed, weights=weights)
    return TablePlan(
        encoder=encoder,
        target=reading,
        network=settings.network(len(encoder.feature_names), reading),
        settings=settings,
        training=training,
        test=None if held is None else table.take(held),
        share=None if test is None else float(test),
        weights=weights,
        notices=(*table.notices, *table.doubts, *notices, *_surprises(table, encoder, whole)),
        unread=noticing.unread(encoder),
    )


def as_table(source: Any) -> Table:
    """Table of a path or a DataFrame, or the table itself."""
    return source if isinstance(source, Table) else read_table(source)


def features(encoder: Encoder, table: Table) -> Array:
    """Encoded rows (m, d), float64, held within what float32 can carry through a network."""
    return np.clip(encoder.transform(table), -LARGEST_FEATURE, LARGEST_FEATURE)


def targets(network: Network, target: Target, table: Table) -> Array:
    """Targets as trained on: class indices (m,), standardised numbers (m, k), or counts as they are."""
    Y = target.transform(table)
    if network.loss.targets != "counts":
        return Y
    columns = [table.column(name) for name in target.columns]
    for column in columns:
        negative = np.flatnonzero(column.numbers() < 0)
        if negative.size:
            remedy = f"use another loss than {network.loss.name}, or correct the value"
            column.refuse(int(negative[0]), "is negative, and counts are not", remedy)
    return np.stack([column.numbers() for column in columns], axis=1)


def unseen_slots(encoder: Encoder) -> list[int]:
    """Places of the features that are 0 in every training row: the slots for unseen texts."""
    slots, first = [], 0
    for row in encoder.columns:
        if isinstance(row, TextEncoding):
            slots.append(first + len(row.levels))
        first += len(row.feature_names)
    return slots


def _excluded_targets(target: Target, passed: tuple[str, ...]) -> tuple[str, ...]:
    both = [name for name in target.columns if name in passed]
    return tuple(f"the target {name!r} is excluded, too; a target is no feature anyway" for name in both)


def _surprises(table: Table, encoder: Encoder, target: Target) -> tuple[str, ...]:
    """What the rows with a target, held out or not, say that a user may not expect."""
    goals = target.columns if target.task == "numbers" else ()
    lone = noticing.lone_classes(target, target.transform(table)) if target.task == "classes" else ()
    read = [table.column(row.column) for row in encoder.columns]
    return (
        *noticing.nearly_numbers(read),
        *noticing.dwarfing(table, (*encoder.column_names, *goals)),
        *noticing.copies(table, encoder, target),
        *lone,
    )


def _split(table: Table, target: Target, test: float, seed: int) -> tuple[IntArray, IntArray]:
    """Rows to train on and rows to judge by, by class for classes."""
    if isinstance(test, bool) or not isinstance(test, int | float | np.number) or not 0 < test < 1:
        raise SpecificationError(f"test is a share of the rows between 0 and 1, or None, not {test!r}")
    Y = target.transform(table)
    if table.n_rows < 2:
        raise DataError(f"{table.source} has a single row with a target, so none can be held out; give more")
    if target.task == "numbers":
        return hold_out(losses["squared_error"], Y, float(test), seed)
    marks = np.zeros((len(Y), len(target.classes)))
    marks[np.arange(len(Y)), Y] = 1.0
    try:
        return hold_out(losses["cross_entropy"], marks, float(test), seed)
    except DataError:
        raise DataError(
            f"{table.source}: every class of {target.columns[0]!r} has a single row, so none can be held out "
            "to test by; give more rows, or hold none out (--test 0, or test=None)"
        ) from None
