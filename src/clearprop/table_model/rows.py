"""The rows of a table that can teach: with a target and a weight, in the order of their cells.

The columns for weights, groups and times are no features: they say how rows count and which belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError, SpecificationError
from clearprop.table_model.canonical import canonical_order, checked_weights
from clearprop.table_model.splits import Pair, Ties, fold_rows, split_rows
from clearprop.tables import Column, Table, Target, noticing, read_table
from clearprop.tables.deciding import Task

PerRow = str | npt.ArrayLike | None  #: the name of a column, or a value for each row of the table


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to learn from and to judge by; `learnable_rows` makes them.

    Attributes
    ----------
    table : Table
        Rows with a target and a weight above 0, in the order of their cells.
    places : ndarray of int64 (m,)
        Where each stands in the table that was given, from 0.
    row_numbers : ndarray of int64
        Of all rows of that table.
    target : Target
        Read on all rows.
    weights : ndarray (m,) or None
    ties : Ties or None
        Groups or times.
    exclude : tuple of str
        Columns that are no features, those for weights, groups and times among them.
    roles : mapping from {"weight", "group", "time"} to column
        Where these were columns of the table.
    notices : tuple of str
        What the user should know about the data.
    """

    table: Table
    places: IntArray
    row_numbers: IntArray
    target: Target
    weights: Array | None
    ties: Ties | None
    exclude: tuple[str, ...]
    roles: Mapping[str, str]
    notices: tuple[str, ...]

    def split(self, share: float, seed: int, within: IntArray | None = None, name: str = "test") -> Pair:
        """Rows to train on and to judge by, of all or of those `within`; see `split_rows`.

        `name` is what the share is called in messages.

        Raises
        ------
        SpecificationError, DataError
            When the share is none, or no row can be held out.
        """
        if isinstance(share, bool) or not isinstance(share, int | float | np.number) or not 0 < share < 1:
            raise SpecificationError(f"{name} is a share of the rows between 0 and 1, or None, not {share!r}")
        within = np.arange(self.table.n_rows) if within is None else within
        if len(within) < 2:
            raise DataError(
                f"{self.table.source} has a single row with a target, so none can be held out; give more"
            )
        try:
            first, second = split_rows(*self._marked(within), float(share), seed)
        except DataError as error:
            if self.ties is not None:
                raise DataError(f"{self.table.source}: {error}") from None
            raise DataError(
                f"{self.table.source}: every class of {self.target.columns[0]!r} has a single row, so none "
                "can be held out to test by; give more rows, or hold none out (--test 0, or test=None)"
            ) from None
        return within[first], within[second]

    def folds(self, folds: int, seed: int, repeat: int = 0, within: IntArray | None = None) -> list[Pair]:
        """Pairs for cross-validation of all rows or of those `within`; see `fold_rows`."""
        within = np.arange(self.table.n_rows) if within is None else within
        try:
            pairs = fold_rows(*self._marked(within), folds, seed, repeat)
        except DataError as error:
            raise DataError(f"{self.table.source}: {error}") from None
        return [(within[first], within[second]) for first, second in pairs]

    def most_folds(self, wanted: int, within: IntArray) -> int:
        """As many folds of the rows `within` as wanted and possible, two at least."""
        possible = len(within)
        if self.ties is not None:
            possible = len(np.unique(self.ties.keys[within])) - (self.ties.kind == "time")
        return max(min(wanted, possible), 2)

    def _marked(self, within: IntArray) -> tuple[Array, Ties | None]:
        return marks_of(self.target, self.table.take(within)), self.ties and self.ties.take(within)


def marks_of(target: Target, table: Table) -> Array:
    """What split_rows draws by: (m, K), 1 where a row is of a class; a column of ones for numbers."""
    if target.task == "numbers":
        return np.ones((table.n_rows, 1))
    marks = np.zeros((table.n_rows, len(target.classes)))
    marks[np.arange(table.n_rows), target.transform(table)] = 1.0
    return marks


def learnable_rows(
    source: Any,
    target: str | Sequence[str],
    *,
    task: Task | None = None,
    exclude: Iterable[str] = (),
    sample_weight: PerRow = None,
    groups: PerRow = None,
    time: PerRow = None,
) -> Rows:
    """Rows that can teach; see `fit_table` for the parameters.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> rows = learnable_rows(penguins_path(), "species", groups="island")
    >>> first, second = rows.split(0.3, seed=0)
    >>> islands = rows.table.column("island").texts()
    >>> set(islands[first]) & set(islands[second])
    set()
    """
    table = as_table(source)
    row_numbers, places = table.row_numbers, np.arange(table.n_rows)
    given = {"weight": sample_weight, "group": groups, "time": time}
    roles = {role: name for role, name in given.items() if isinstance(name, str)}
    wanted = (target,) if isinstance(target, str) else tuple(target)
    without = (exclude,) if isinstance(exclude, str) else tuple(exclude)  # which may be read but once
    for role, name in roles.items():
        if name in wanted:
            raise SpecificationError(f"{name!r} is the target, and cannot be the {role} of its rows too")
    if groups is not None and time is not None:
        raise SpecificationError("rows are held apart by groups or by time, not both; give one of them")
    weights = checked_weights(_weights(table, sample_weight), table)
    by = None if groups is None and time is None else _tying_column(table, groups, time)
    if weights is not None and not weights.all():
        places = np.flatnonzero(weights)
        table = table.take(places)
    whole = Target.fit(table, wanted, task)
    known = whole.known_rows(table)
    notices = (*_excluded_targets(whole, without), *noticing.without_target(table, whole))
    table, places = table.take(known), places[known]
    weights = None if weights is None else weights[places]
    by = None if by is None else by.take(places)
    passed = (*without, *roles.values())
    read = [column for column in table.columns if column.name not in (*whole.columns, *passed)]
    sorting = [*read, *map(table.column, whole.columns), *(() if by is None else (by,))]
    order = canonical_order(sorting, weights)  # wherever the target stands in the table
    return Rows(
        table=table.take(order),
        places=places[order],
        row_numbers=row_numbers,
        target=whole,
        weights=None if weights is None else weights[order],
        ties=None if by is None else _ties(by.take(order), "group" if time is None else "time"),
        exclude=passed,
        roles=roles,
        notices=(*table.notices, *notices),
    )


def as_table(source: Any) -> Table:
    """Table of a path or a DataFrame, or the table itself."""
    return source if isinstance(source, Table) else read_table(source)


def _weights(table: Table, given: PerRow) -> npt.ArrayLike | None:
    """A weight for each row, of a column or as given."""
    if not isinstance(given, str):
        return given
    column = table.column(given, "weight column")
    numbers = column.numbers()
    wrong = np.flatnonzero(~(numbers >= 0))
    if wrong.size:
        saying = "is missing" if np.isnan(numbers[wrong[0]]) else "is no weight"
        column.refuse(int(wrong[0]), saying, "weights are numbers from 0; with 0 a row is left out")
    return numbers


def _tying_column(table: Table, groups: PerRow, time: PerRow) -> Column:
    """The column of groups or times: one of the table, or of a value for each row."""
    role, given = ("groups", groups) if time is None else ("time", time)
    if isinstance(given, str):
        return table.column(given, "group column" if time is None else "time column")
    values = np.asarray(given)
    if values.shape != (table.n_rows,):
        raise DataError(f"{role} has shape {values.shape}, and the table {table.n_rows} rows; give one each")
    kind: Literal["number", "date", "text"] = "number"
    if values.dtype.kind == "M":
        values, kind = values.astype("datetime64[us]").astype(np.float64) / 86_400e6, "date"
        values[np.isnat(np.asarray(given))] = np.nan
    elif values.dtype.kind in "biuf":
        values = values.astype(np.float64)
    else:
        cells = [None if cell is None or cell != cell else str(cell) for cell in values.tolist()]
        values, kind = np.array(cells, dtype=object), "text"
    return Column(name=role, kind=kind, values=values, source=table.source, row_numbers=table.row_numbers)


def _ties(column: Column, kind: Literal["group", "time"]) -> Ties:
    """The keys of a column in which no cell is missing."""
    gaps = np.flatnonzero(~column.known)
    if gaps.size:
        whose = "its group" if kind == "group" else "its time"
        column.refuse(int(gaps[0]), f"is missing, and says {whose}", "fill it in, or leave the row out")
    if kind == "group":
        return Ties(kind, column.name, np.unique(column.texts().astype(str), return_inverse=True)[1])
    if column.kind == "boolean":
        raise DataError(f"{column.source}: {column.name!r} holds true and false; times are dates or numbers")
    return Ties(kind, column.name, column.dates() if column.kind == "text" else column.values)


def _excluded_targets(target: Target, passed: tuple[str, ...]) -> tuple[str, ...]:
    both = [name for name in target.columns if name in passed]
    return tuple(f"the target {name!r} is excluded, too; a target is no feature anyway" for name in both)
