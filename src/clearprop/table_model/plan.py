"""Before a table is learnt: which rows train and which judge, how columns are read, what network that gives.

A plan is made of the whole table and trains nothing, so that the command line can say what will happen
before it happens. Encoders see the training rows only; the judged rows must not speak in them. Rows are taken
in the order of their cells (`canonical`), so a plan does not depend on the order in which they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.engines.examples import check_targets
from clearprop.errors import DataError
from clearprop.specification import Network, Parameters
from clearprop.table_model.canonical import repeats
from clearprop.table_model.rows import PerRow, Rows, as_table, learnable_rows, marks_of
from clearprop.table_model.settings import Settings
from clearprop.table_model.splits import Pair, Ties, split_rows
from clearprop.tables import Encoder, Table, Target, noticing
from clearprop.tables.deciding import Task
from clearprop.tables.encodings import TextEncoding
from clearprop.training.validation import hold_out

__all__ = ["TablePlan", "as_table", "features", "plan_rows", "plan_table", "targets", "unseen_slots"]

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
    ties : Ties or None
        Groups or times of the training rows: those that choose the best epoch are held apart by them.
    roles : mapping from {"weight", "group", "time"} to column
    notices : tuple of str
        What the user should know about the data.
    rows : Rows
        All rows, and in `taught` which of them are trained on.
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
    ties: Ties | None
    roles: Mapping[str, str]
    notices: tuple[str, ...]
    rows: Rows
    taught: IntArray
    unread: tuple[str, ...] = ()

    def first_parameters(self) -> Parameters:
        """First parameters: drawn by the seed, with the weights of slots no training row fills at 0.

        So a text that training did not see adds nothing to z, where a random weight would shift it.
        """
        return first_parameters(self.network, self.settings, self.encoder)

    def validation_rows(self) -> Pair | None:
        """Training rows to learn from and those that choose the best epoch, or None."""
        share = self.settings.validation_for(self.training.n_rows)
        if share is None:
            return None
        if self.ties is not None:
            return split_rows(marks_of(self.target, self.training), self.ties, share, self.settings.seed)
        Y = targets(self.network, self.target, self.training)
        checked = check_targets(self.network, Y, len(Y), np.float64, "Y")
        return hold_out(self.network.loss, checked, share, self.settings.seed)


def plan_table(
    source: Any,
    target: str | Sequence[str],
    *,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    test: float | None = None,
    sample_weight: PerRow = None,
    groups: PerRow = None,
    time: PerRow = None,
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
    settings = settings or Settings()
    rows = learnable_rows(
        source,
        target,
        task=task,
        exclude=exclude,
        sample_weight=sample_weight,
        groups=groups,
        time=time,
    )
    if test is None:
        return plan_rows(rows, np.arange(rows.table.n_rows), None, settings)
    first, second = rows.split(test, settings.seed)
    return plan_rows(rows, first, second, settings, share=float(test))


def plan_rows(
    rows: Rows,
    first: IntArray,
    second: IntArray | None,
    settings: Settings,
    *,
    share: float | None = None,
    all_classes: bool = False,
) -> TablePlan:
    """Plan how to learn the rows `first` and to judge by the rows `second`.

    With `all_classes` the network has an output for each class of all rows, if not all are among `first`.
    """
    weights = None if rows.weights is None else rows.weights[first]
    times = repeats(weights)
    if times is not None:
        first, weights = np.repeat(first, times), None
    training, whole = rows.table.take(first), rows.target
    reading = whole
    if whole.task == "numbers" or not all_classes:
        reading = replace(Target.fit(training, whole.columns, whole.task, weights), reason=whole.reason)
    settings.require_fit(training.n_rows, reading)
    held = None if second is None else rows.table.take(second)
    if held is not None and rows.ties is not None and not all_classes:
        _require_taught(reading, held, rows.ties.name)
    encoder = Encoder.fit(training, target=whole.columns, exclude=rows.exclude, weights=weights)
    return TablePlan(
        encoder=encoder,
        target=reading,
        network=settings.network(len(encoder.feature_names), reading),
        settings=settings,
        training=training,
        test=held,
        share=share,
        weights=weights,
        ties=None if rows.ties is None else rows.ties.take(first),
        roles=rows.roles,
        notices=data_notices(rows, encoder),
        rows=rows,
        taught=first,
        unread=noticing.unread(encoder),
    )


def _require_taught(target: Target, held: Table, by: str) -> None:
    """Raise DataError when the rows held out by time have a class that no earlier row has."""
    if target.task == "numbers":
        return
    known = target.columns[0]
    column = held.column(known)
    try:
        target.transform(held)
    except DataError:
        new = sorted(set(column.texts()) - {str(label) for label in target.classes})
        raise DataError(
            f"{held.source}: the latest rows by {by!r} have the class {', '.join(map(repr, new[:5]))} of "
            f"{known!r}, and no earlier row has; hold fewer out, or train without such rows"
        ) from None


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


def first_parameters(network: Network, settings: Settings, encoder: Encoder) -> Parameters:
    """First parameters; see `TablePlan.first_parameters`."""
    theta = network.initialize(settings.seed, settings.dtype)
    theta.W[1][:, unseen_slots(encoder)] = 0.0
    return theta


def unseen_slots(encoder: Encoder) -> list[int]:
    """Places of the features that are 0 in every training row: the slots for unseen texts."""
    slots, first = [], 0
    for row in encoder.columns:
        if isinstance(row, TextEncoding):
            slots.append(first + len(row.levels))
        first += len(row.feature_names)
    return slots


def data_notices(rows: Rows, encoder: Encoder) -> tuple[str, ...]:
    """What the rows with a target, held out or not, say that a user may not expect."""
    table, target = rows.table, rows.target
    goals = target.columns if target.task == "numbers" else ()
    lone = noticing.lone_classes(target, target.transform(table)) if target.task == "classes" else ()
    read = [table.column(row.column) for row in encoder.columns]
    return (
        *rows.notices,
        *table.doubts,
        *noticing.nearly_numbers(read),
        *noticing.dwarfing(table, (*encoder.column_names, *goals)),
        *noticing.copies(table, encoder, target),
        *lone,
    )
