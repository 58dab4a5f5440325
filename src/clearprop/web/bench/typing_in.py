"""Rows typed in by hand: cells as a table has them, or single inputs as the network is given them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from clearprop.errors import DataError
from clearprop.table_model.plan import TablePlan, features, targets
from clearprop.tables import read_table
from clearprop.web.bench.dataset import Dataset, Example

LONGEST = 1000  #: letters of a cell
HUGE = 1e300


def with_cells(data: Dataset, example: Example, given: Mapping[str, str]) -> Example:
    """The row with other cells, encoded as the table's own.

    Raises
    ------
    DataError
        When there is no such column, or a cell cannot be read as the column's others.

    Examples
    --------
    >>> from clearprop.web.bench.sets import generated_set
    >>> moons = generated_set("moons", rows=8)
    >>> typed = with_cells(moons, moons.example(3), {"x0": "-1.5"})
    >>> float(typed.X[0, 0]), typed.by_hand
    (-1.5, True)
    """
    cells = dict(data.shown_cells(example))
    for name, text in given.items():
        if name not in cells:
            raise DataError(f"{data.title} has no column {name!r}")
        cells[name] = text.strip()[:LONGEST]
    if data.plan is not None:
        row = read_table(_frame(data.plan, cells))
        X, Y = features(data.plan.encoder, row), targets(data.plan.network, data.plan.target, row)
        return replace(example, X=X, Y=Y, by_hand=True, cells=tuple(cells.items()))
    X = np.array([[_number(name, cells[name]) for name in data.features]])
    return replace(example, X=X, Y=_target(data, cells[data.targets[0]]), by_hand=True)


def with_inputs(data: Dataset, example: Example, given: Mapping[int, float]) -> Example:
    """The row with other inputs x[i], as the network is given them.

    Raises
    ------
    DataError
        When there is no such input.
    """
    X = example.X.copy()
    for i, value in given.items():
        if not 0 <= i < X.shape[1]:
            raise DataError(f"there is no input x[{i}]; there are x[0] to x[{X.shape[1] - 1}]")
        if not abs(value) < HUGE:
            raise DataError(f"x[{i}] is a finite number, not {value:g}")
        X[0, i] = value
    return replace(example, X=X, by_hand=True, cells=data.shown_cells(example))


def _frame(plan: TablePlan, cells: Mapping[str, str]) -> Any:
    import polars as pl

    kinds = {column.name: str(column.kind) for column in plan.training.columns}
    return pl.DataFrame({name: [_cell(name, text, kinds[name])] for name, text in cells.items()})


def _cell(name: str, text: str, kind: str) -> Any:
    if not text:
        return None
    if kind == "number":
        return _number(name, text)
    if kind == "date":
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            raise DataError(f"{name} is a date such as 2026-05-17, not {text!r}") from None
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise DataError(f"{name} is true or false, not {text!r}")
        return text.lower() == "true"
    return text


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise DataError(f"{name} is a number, not {text!r}") from None
    if not abs(value) < HUGE:
        raise DataError(f"{name} is a finite number, not {text!r}")
    return value


def _target(data: Dataset, text: str) -> Any:
    if not data.classes:
        return np.array([[_number(data.targets[0], text)]])
    if text not in data.classes:
        raise DataError(f"{data.targets[0]} is one of {', '.join(data.classes)}, not {text!r}")
    return np.array([data.classes.index(text)])
