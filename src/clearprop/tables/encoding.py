"""From the columns of a table to the numbers a network reads: frozen encoders, fitted once, saved as JSON.

`Encoder.fit` looks at each column and freezes one row for it (`NumberEncoding`, `BooleanEncoding`,
`TextEncoding`, `DateEncoding`, or `LeftOut` with its reason); `transform` only reads those rows, so a model
file that holds them encodes alike anywhere. A new kind of column is a new row class.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from clearprop.arrays import Array
from clearprop.errors import DataError
from clearprop.tables.columns import Floats, Kind
from clearprop.tables.encodings import Encoding, LeftOut, encoding_from_dict, fit_column
from clearprop.tables.records import checked_record, nonsense
from clearprop.tables.table import Table


class DescribedColumn(NamedTuple):
    """One line of `Encoder.describe`, for printing."""

    column: str
    kind: Kind
    encoding: str
    missing: int


@dataclass(frozen=True)
class Encoder:
    """The frozen reading of a table's feature columns; `Encoder.fit` makes one.

    Parameters
    ----------
    columns : tuple of encodings
        One for each feature column of the training table, in its order, those left out included.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.tables import read_table
    >>> penguins = read_table(penguins_path())
    >>> encoder = Encoder.fit(penguins, target=["species"], exclude=["year"])
    >>> encoder.transform(penguins).shape
    (344, 16)
    >>> encoder.feature_names[:6]  # doctest: +NORMALIZE_WHITESPACE
    ('island=Biscoe', 'island=Dream', 'island=Torgersen', 'island=other', 'bill_length_mm',
     'bill_length_mm missing')
    >>> Encoder.from_dict(encoder.to_dict()) == encoder
    True
    """

    columns: tuple[Encoding, ...]

    @classmethod
    def fit(
        cls,
        table: Table,
        *,
        target: str | Sequence[str] | None = None,
        exclude: Iterable[str] = (),
        weights: Array | None = None,
    ) -> Encoder:
        """Freeze the encoding of a training table.

        Parameters
        ----------
        table : Table
            The training rows, and only these.
        target : str or list of str, optional
            Columns to be predicted, hence no features.
        exclude : iterable of str
            Columns to pass over silently.
        weights : ndarray (m,), optional
            Above 0; they weigh the rows in means, standard deviations, medians and the more frequent boolean.

        Raises
        ------
        DataError
            When a named column is not there, no row is, or no feature is left.
        """
        targets = [target] if isinstance(target, str) else list(target or ())
        passed = [table.column(name, "target column").name for name in targets]
        passed += [table.column(name, "column to exclude").name for name in exclude]
        if table.n_rows == 0:
            raise DataError(f"{table.source} has no rows to learn from; give at least one")
        columns = [fit_column(column, weights) for column in table.columns if column.name not in passed]
        return cls.of(columns, table.source)

    @classmethod
    def of(cls, columns: Iterable[Encoding], source: str) -> Encoder:
        """Encoder of columns that were fitted one by one; DataError when none gives a feature."""
        encoder = cls(tuple(columns))
        if not encoder.feature_names:
            reasons = "; ".join(f"{row.column!r} is {row.described()}" for row in encoder.columns)
            raise DataError(
                f"{source} has no usable feature column{f' ({reasons})' if reasons else ''}; "
                "give a column of numbers, booleans or repeated texts beside the target"
            )
        return encoder

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the d features, in the order of the columns of `transform`."""
        return tuple(name for row in self.columns for name in row.feature_names)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the table columns that `transform` needs."""
        return tuple(row.column for row in self.columns if row.feature_names)

    def transform(self, table: Table) -> Floats:
        """Encode rows.

        Parameters
        ----------
        table : Table
            Holds the training columns in any order; others are passed over.

        Returns
        -------
        ndarray of float64, shape (m, d)
            Finite numbers.

        Raises
        ------
        DataError
            For a missing column, or the first cell that cannot be read as its column was in training.
        """
        X = np.zeros((table.n_rows, len(self.feature_names)))
        first = 0
        for row in self.columns:
            width = len(row.feature_names)
            if width:
                column = table.column(row.column, because=", which the model was trained with")
                row.encode(column, X[:, first : first + width])
            first += width
        return X

    def describe(self) -> list[DescribedColumn]:
        """Say for each column how it is read: rows of (column, kind, encoding, missing) for printing."""
        return [
            DescribedColumn(row.column, row.column_kind, row.described(), row.missing) for row in self.columns
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON types; floats come back exactly."""
        return {"columns": [row.to_dict() for row in self.columns]}

    @classmethod
    def from_dict(cls, record: object) -> Encoder:
        """Read back what `to_dict` gave.

        Raises
        ------
        DataError
            For anything else; the message names the field.
        """
        rows = checked_record(record, {"columns": list}, "encoder")["columns"]
        columns = tuple(encoding_from_dict(row) for row in rows)
        names = [row.column for row in columns]
        if len(set(names)) < len(names):
            raise nonsense("encoder", "names a column twice")
        if all(isinstance(row, LeftOut) for row in columns):
            raise nonsense("encoder", "has no features")
        return cls(columns)
