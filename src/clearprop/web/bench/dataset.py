"""A dataset: rows to train on and rows to judge by, with the cells a reader knows them by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError
from clearprop.table_model import TableModel
from clearprop.table_model.plan import TablePlan
from clearprop.tables import Table
from clearprop.tables.deciding import Task


@dataclass(frozen=True, eq=False)
class Part:
    """Rows as the network is given them.

    Attributes
    ----------
    X : ndarray (m, n_0)
    Y : ndarray (m,) of class indices, or (m, k) of numbers
    numbers : ndarray of int64 (m,)
        Their numbers in the source, from 1.
    """

    X: Array
    Y: Array
    numbers: IntArray

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class Example:
    """One row, picked to be looked through.

    Attributes
    ----------
    number : int
        In the source, from 1.
    held_out : bool
    X, Y : ndarray
        (1, n_0) and (1,) or (1, k).
    by_hand : bool
        Whether it was typed in, in the row's place.
    cells : tuple of (str, str)
        Column and cell as they were typed; empty where the data know them.
    """

    number: int
    held_out: bool
    X: Array
    Y: Array
    by_hand: bool = False
    cells: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a network learns, and what it is judged by.

    Attributes
    ----------
    title : str
    task : {"classes", "numbers"}
    features : tuple of str
        Names of the n_0 inputs.
    classes : tuple of str
        Empty for numbers.
    targets : tuple of str
        Names of the columns to predict.
    training : Part
    held_out : Part or None
    plan : TablePlan or None
        How a table was read; None for generated points, which are their own inputs.
    table : Table or None
        The user's own, which may be asked for with another target.
    notices : tuple of str
        What a reader should know.
    unseen : tuple of int
        Inputs that are 0 in every training row: their first weights are 0.
    picture : (int, int) or None
        Height and width, where the inputs are the pixels of a picture.
    recipe : str
        Python that makes the same dataset, with the functions of `sets` and `cp` for clearprop.
    file : str
        Name of the table that the recipe reads, where it reads one.
    standardised : frozenset of {"inputs", "targets"}
        Of which columns of numbers have mean 0 and deviation 1 over the rows to train on.
    model : TableModel or None
        Whose encoders name the inputs, where a model was opened and no table yet.
    """

    title: str
    task: Task
    features: tuple[str, ...]
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    training: Part
    held_out: Part | None
    plan: TablePlan | None = None
    table: Table | None = None
    notices: tuple[str, ...] = ()
    unseen: tuple[int, ...] = ()
    picture: tuple[int, int] | None = None
    recipe: str = ""
    file: str = ""
    standardised: frozenset[str] = frozenset()
    model: TableModel | None = None

    @property
    def outputs(self) -> int:
        """Units of an output layer of one number a class, or one a target."""
        return len(self.classes) or len(self.targets)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Rows to train on, then those held out."""
        return (self.training,) if self.held_out is None else (self.training, self.held_out)

    @property
    def first(self) -> int:
        """Number of the first row in the source."""
        return min(int(part.numbers.min()) for part in self.parts)

    @property
    def last(self) -> int:
        """Number of the last row in the source."""
        return max(int(part.numbers.max()) for part in self.parts)

    def example(self, number: int) -> Example:
        """The row of that number in the source.

        Raises
        ------
        DataError
            When there is none (or it has no target).
        """
        for held, part in enumerate(self.parts):
            found = np.flatnonzero(part.numbers == number)
            if len(found):
                k = found[:1]
                return Example(number, bool(held), part.X[k], part.Y[k])
        raise DataError(
            f"{self.title} has no row {number} with a target; the first is {self.first}, the last {self.last}"
        )

    def target_text(self, Y: Array) -> str:
        """A target of one row as it is written: a label, or numbers as the network learns them."""
        if self.classes:
            return self.classes[int(Y.ravel()[0])]
        return ", ".join(f"{value:.6g}" for value in Y.ravel())

    def cells(self, number: int) -> tuple[tuple[str, str], ...]:
        """Column and cell of a row, as they were written; features and numbers where there is no table."""
        if self.plan is None:
            return self.shown_cells(self.example(number))
        plan = self.plan
        for table in (plan.training, *(() if plan.test is None else (plan.test,))):
            place = np.flatnonzero(table.row_numbers == number)
            if len(place):
                one = table.take(place[:1])
                return tuple((column.name, _spelled(column.texts()[0])) for column in one.columns)
        raise DataError(f"{self.title} has no row {number} with a target")

    def shown_cells(self, example: Example) -> tuple[tuple[str, str], ...]:
        """Column and cell of a row, as they were written or typed in."""
        if self.plan is not None:
            return example.cells or self.cells(example.number)
        row = [f"{value:.6g}" for value in example.X[0]]
        return (*zip(self.features, row, strict=True), (self.targets[0], self.target_text(example.Y)))

    def preview(self, rows: int = 8) -> tuple[Sequence[str], list[tuple[int, list[str]]]]:
        """Names of the columns, and the first rows: number and cells."""
        numbers = np.sort(np.concatenate([part.numbers for part in self.parts]))
        shown = [int(number) for number in dict.fromkeys(numbers.tolist())][:rows]
        cells = {number: self.cells(number) for number in shown}
        head = [name for name, _ in cells[shown[0]]]
        return head, [(number, [cell for _, cell in row]) for number, row in cells.items()]


def _spelled(cell: Any) -> str:
    return "" if cell is None else str(cell)
