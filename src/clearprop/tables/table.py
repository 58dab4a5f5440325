"""A table: named columns of equal length, and where they came from."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.arrays import BoolArray, IntArray
from clearprop.errors import DataError
from clearprop.tables.columns import Column


@dataclass(frozen=True, eq=False)
class Table:
    """Columns as they were read; `read_table` makes one.

    Parameters
    ----------
    columns : tuple of Column
        In the order of the source; names are unique.
    source : str
        Name of the table in messages.
    row_numbers : ndarray of int64, shape (m,)
        Data rows counted from 1 in the source, kept by `take`.
    notices : tuple of str
        What had to be found out in reading, for the user.
    doubts : tuple of str
        Columns that may be meant in another way than they were read; a model that was trained knows better.

    Examples
    --------
    >>> from clearprop.datasets import penguins_path
    >>> from clearprop.tables import read_table
    >>> penguins = read_table(penguins_path())
    >>> penguins.n_rows, penguins.names[:3]
    (344, ('species', 'island', 'bill_length_mm'))
    >>> penguins.column("sex").kind, penguins.column("sex").missing
    ('text', 11)
    >>> penguins.take([0, 3]).column("body_mass_g").values
    array([3750.,   nan])
    """

    columns: tuple[Column, ...]
    source: str
    row_numbers: IntArray  # (m,)
    notices: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of data rows, m."""
        return len(self.row_numbers)

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str, role: str = "column", because: str = "") -> Column:
        """Give one column.

        Parameters
        ----------
        name : str
            Its name.
        role : str
            What the column is wanted for, in the message.
        because : str
            Why it is wanted, in the message, after the name.

        Raises
        ------
        DataError
            When there is none of that name; near matches are listed.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(f"{self.source} has no {role} {name!r}{because}; {column_remedy(name, self.names)}")

    def take(self, selection: BoolArray | IntArray | Sequence[int]) -> Table:
        """Give the chosen rows, by a mask of shape (m,) or by indices from 0; they keep their row numbers.

        Raises
        ------
        DataError
            When a mask has not one entry for each row.
        """
        chosen = np.asarray(selection)
        if chosen.dtype == np.bool_:
            if chosen.shape != (self.n_rows,):
                raise DataError(
                    f"a mask of shape {chosen.shape} does not fit the {self.n_rows} rows of {self.source}; "
                    "give one truth value for each row"
                )
            chosen = np.flatnonzero(chosen)
        indices = chosen.astype(np.int64)
        columns = tuple(column.take(indices) for column in self.columns)
        return Table(columns, self.source, self.row_numbers[indices], self.notices, self.doubts)


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def column_remedy(name: str, names: Sequence[str]) -> str:
    """What to do about a column that is not among those there are: near matches, or their list."""
    near = near_matches(name, names)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    listed = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
    if len(names) == 1:
        return f"its only column is {listed}; if these are several, say what separates them (--separator)"
    if any(map(_is_number, names)):
        return f"its columns are {listed}; if the first line is no header, say so (--no-header)"
    return f"its columns are {listed}"


def near_matches(name: str, names: Sequence[str]) -> list[str]:
    """List up to three names that look like the given one, capitals aside.

    >>> near_matches("Specis", ["species", "island"])
    ['species']
    """
    folded: dict[str, str] = {}
    for known in names:
        folded.setdefault(known.casefold(), known)
    return [folded[key] for key in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
