"""A step of a table model's training again: its rows by their numbers in the table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.errors import SpecificationError
from clearprop.glassbox.replayed import Replay
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import features, plan_table, targets
from clearprop.table_model.rows import PerRow, as_table
from clearprop.table_model.settings import Settings
from clearprop.tables import Table


def replay_table(
    model: TableModel,
    source: Any,
    epoch: int,
    batch: int | None = None,
    *,
    row: int | None = None,
    sample_weight: PerRow = None,
    groups: PerRow = None,
    time: PerRow = None,
) -> Replay:
    """Take one step of a table's training again; `rows` of what is given back are row numbers of the table.

    Parameters
    ----------
    source : Table, path or DataFrame
        The table of the training, its rows in any order.
    epoch, batch : int
        Both from 1; see `clearprop.glassbox.replay.replay`.
    row : int, optional
        Number of a row, from 1, in place of `batch`: the batch of the epoch that holds it.
    sample_weight, groups, time : array (m,), optional
        As given to `fit_table`; where these were columns, the model knows them.

    Raises
    ------
    SpecificationError, DataError
        When there was no such step, or the table is not that of the training.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.table_model import fit_table
    >>> model = fit_table(penguins_path(), "species", settings=Settings(hidden=(8,), epochs=3), test=0.2)
    >>> seen = replay_table(model, penguins_path(), epoch=3, batch=2)
    >>> seen.same_bits, len(seen.rows)
    (True, 32)
    """
    record = model.model.record
    if record is None:
        raise SpecificationError(
            "no single training made this model (it is an ensemble, or was written down), so there is none "
            "to replay"
        )
    table, read = as_table(source), {each.column for each in model.encoder.columns}
    plan = plan_table(
        table,
        model.target.columns,
        task=model.target.task,
        exclude=[name for name in table.names if name not in read and name not in model.target.columns],
        test=model.test,
        sample_weight=model.roles.get("weight", sample_weight),
        groups=model.roles.get("group", groups),
        time=model.roles.get("time", time),
        settings=Settings(seed=record.seed, dtype=record.dtype, validation=model.validation),
    )
    parted = None if model.validation is None else plan.validation_rows()
    taught = np.arange(plan.training.n_rows) if parted is None else parted[0]
    training = plan.training.take(taught)
    replayed = model.model.replay(
        features(model.encoder, training),
        targets(model.network, model.target, training),
        epoch,
        batch,
        row=None if row is None else _place(training, row),
        sample_weight=None if plan.weights is None else plan.weights[taught],
        initial=replace(plan, encoder=model.encoder, network=model.network).first_parameters(),
    )
    return replace(replayed, rows=training.row_numbers[replayed.rows])


def _place(training: Table, row: int) -> int:
    """Place of the table's row among those trained on."""
    places = np.flatnonzero(training.row_numbers == row)
    if not len(places):
        raise SpecificationError(
            f"row {row} of {training.source} was not trained on (held out for the test, without a target, or "
            "not there); no step was taken on it"
        )
    return int(places[0])
