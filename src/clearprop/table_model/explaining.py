"""One row of a table looked through: what was written, how it was encoded, and every number after."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from clearprop.errors import DataError
from clearprop.glassbox.trace import Trace, trace
from clearprop.table_model.model import TableModel
from clearprop.table_model.plan import as_table, features, targets
from clearprop.tables import Column
from clearprop.tables.encodings import NumberEncoding


@dataclass(frozen=True)
class Input:
    """A number that the network is given: x[index], from a cell of a column."""

    index: int
    feature: str
    column: str
    cell: str
    value: float


@dataclass(frozen=True)
class ExplainedRow:
    """A row and its trace; prints both, and shows them in a notebook.

    Attributes
    ----------
    row : int
        Its number in the source, from 1.
    inputs : tuple of Input
    answer : object
        What `predict` says: a label, or a number (or several) in the target's units.
    written : object or None
        The target's own cell, where there is one.
    trace : Trace
        With the loss and the backward pass where the target is known.
    """

    row: int
    inputs: tuple[Input, ...]
    answer: Any
    written: Any
    trace: Trace

    def inputs_table(self) -> str:
        """The row as it was written and as the network is given it, side by side, and the answer."""
        lines = [("", "column", "cell", "feature", "number")]
        before = ""
        for each in self.inputs:
            column = "" if each.column == before else each.column
            cell = "" if each.column == before else each.cell
            feature = "" if each.feature == each.column else each.feature
            lines.append((f"x[{each.index}]", column, cell, feature, f"{each.value:.6g}"))
            before = each.column
        widths = [max(len(line[k]) for line in lines) for k in range(5)]
        body = "\n".join(
            "  ".join(f"{cell:{w}}" for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
        )
        beside = "" if self.written is None else f" (the table says {self.written})"
        return f"row {self.row}\n{body}\nanswer: {self.answer}{beside}"

    def __str__(self) -> str:
        return f"{self.inputs_table()}\n\n{self.trace}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.inputs_table())}</pre>\n{self.trace._repr_html_()}"


def explain_row(model: TableModel, source: Any, row: int) -> ExplainedRow:
    """Look through one row of a table.

    Parameters
    ----------
    source : Table, path or DataFrame
    row : int
        Its number, from 1.

    Raises
    ------
    DataError
        When there is no such row, or a cell cannot be read as its column was in training.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.table_model import Settings, fit_table
    >>> model = fit_table(penguins_path(), "species", settings=Settings(hidden=(8,), epochs=30))
    >>> seen = explain_row(model, penguins_path(), 1)
    >>> seen.answer, seen.written, seen.inputs[4].feature, seen.inputs[4].cell
    ('Adelie', 'Adelie', 'bill_length_mm', '39.1')
    """
    table = as_table(source)
    places = np.flatnonzero(table.row_numbers == row)
    if len(places) == 0:
        last = int(table.row_numbers[-1]) if table.n_rows else 0
        raise DataError(f"{table.source} has no row {row}; its rows are numbered from 1 to {last}")
    one = table.take(places[:1])
    X = features(model.encoder, one)
    inputs: list[Input] = []
    for encoding in model.encoder.columns:
        for name in encoding.feature_names:
            index = len(inputs)
            cell = _spelled(one.column(encoding.column))
            inputs.append(Input(index, name, encoding.column, cell, float(X[0, index])))
    has_target = all(name in one.names for name in model.target.columns)
    known = has_target and bool(model.target.known_rows(one)[0])
    Y = targets(model.network, model.target, one) if known else None
    seen = trace(model.network, model.theta, X, Y)
    answer = model.answers(seen.y_hat)
    cells = [_spelled(one.column(name)) for name in model.target.columns] if known else None
    written = cells if cells is None or len(cells) > 1 else cells[0]
    return ExplainedRow(row, tuple(inputs), answer[0], written, seen)


def in_own_units(model: TableModel, seen: ExplainedRow, index: int) -> tuple[str, float] | None:
    """Column of x[index] and dC by one of its own units; None where the number is no standardised column.

    x = (cell - mean) / std, so dC/dcell = dC/dx / std.
    """
    each = seen.inputs[index]
    (encoding,) = (row for row in model.encoder.columns if row.column == each.column)
    if not isinstance(encoding, NumberEncoding) or each.feature != each.column or encoding.std == 0:
        return None
    return each.column, seen.trace.derive(f"x[{index}]").value / encoding.std


def _spelled(column: Column) -> str:
    """The only cell of a column as it was written; a gap is a dash."""
    cell = column.texts()[0]
    return "-" if cell is None else str(cell)
