"""A table model diagnosed on rows of a table, by its columns' and classes' own names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.errors import DataError
from clearprop.glassbox.diagnosis import Diagnosis, diagnose
from clearprop.glassbox.diagnosis.case import training_loss_of
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import as_table, features, targets, unseen_slots

ROWS = 2000  #: of a table that are looked at, evenly spaced


def diagnose_table(model: TableModel, source: Any, rows: int = ROWS) -> Diagnosis:
    """What keeps a table's network from learning, or its answers suffer from.

    Parameters
    ----------
    source : Table, path or DataFrame
        With the target; rows not trained on also show whether the training rows were learnt by heart.
    rows : int
        At most so many are looked at.

    Raises
    ------
    DataError
        When no row has a value of the target, or a column is missing.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.table_model.fitting import fit_table
    >>> model = fit_table(penguins_path(), "species")
    >>> diagnose_table(model, penguins_path()).names
    ()
    """
    table = as_table(source)
    known = np.flatnonzero(model.target.known_rows(table))
    if not len(known):
        names = ", ".join(model.target.columns)
        raise DataError(f"{table.source}: no row has a value of the target {names}, and a loss needs one")
    if len(known) > rows:
        known = known[np.arange(rows) * len(known) // rows]
    table, network, record = table.take(known), model.network, model.model.record
    start = None
    if record is not None:  # its first parameters were given: those of the seed, without unseen texts
        start = network.initialize(record.seed)
        start.W[1][:, unseen_slots(model.encoder)] = 0.0
        record = replace(record, initial_given=False)
    return diagnose(
        network,
        model.theta,
        features(model.encoder, table),
        targets(network, model.target, table),
        history=model.history,
        record=record,
        start=start,
        stopped=model.model.stopped,
        training_loss=training_loss_of(model.history, model.theta),
        columns=model.encoder.feature_names,
        classes=model.target.classes,
    )
