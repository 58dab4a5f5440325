"""One column of a table: its kind, its values, and what to say about a cell that cannot be used.

Subtle here: a column is typed when it is read, but a *model* decides later how it must be read. A file to
predict on may hold only `1` and `2` in a column of codes that was trained as text with `1`, `2` and `A`. So
a column keeps what was written, and `numbers()`, `booleans()` and `texts()` read it again as the caller
needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from clearprop.arrays import Array, BoolArray, IntArray
from clearprop.errors import DataError
from clearprop.tables.dates import first_undated, read_dates, spelled
from clearprop.tables.dialect import Style, plain_numbers

if TYPE_CHECKING:
    import polars as pl

Kind: TypeAlias = Literal["number", "boolean", "text", "date"]
Floats: TypeAlias = npt.NDArray[np.float64]
Texts: TypeAlias = npt.NDArray[np.object_]  #: each cell a str, or None where it is missing

MISSING_SPELLINGS: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "None", "?", "-")
TRUE_SPELLINGS = ("true", "yes")
FALSE_SPELLINGS = ("false", "no")


@dataclass(frozen=True, eq=False, kw_only=True)
class Column:
    """A named column of a table, typed as it was read.

    Parameters
    ----------
    name : str
        Name in the header.
    kind : {"number", "boolean", "text", "date"}
        How the column was read.
    values : ndarray, shape (m,)
        float64 with NaN where missing for numbers, booleans (0 or 1) and dates (days since 1970-01-01);
        str or None (object) for text.
    source : str
        Name of the table in messages.
    row_numbers : ndarray of int64, shape (m,)
        Data rows counted from 1 in the source, also after `take`.
    written : polars.Series of str, or None
        The cells as they were written, where numbers, booleans and dates came as text; and whole numbers of
        a DataFrame that float64 rounds.
    style : {"point", "comma", "thousands"}
        How its numbers are written.
    asked : str
        The kind that the user asked for; "" where it was found.

    Examples
    --------
    >>> rows = np.arange(1, 4)
    >>> age = Column(name="age", kind="text", values=np.array(["31", None, "4 years"], dtype=object),
    ...              source="people.csv", row_numbers=rows)
    >>> age.missing
    1
    >>> age.numbers()
    Traceback (most recent call last):
        ...
    clearprop.errors.DataError: people.csv, data row 3 (counted from 1, without the header), column 'age': \
the value '4 years' is not a number; write a number, or leave the cell empty (missing)
    """

    name: str
    kind: Kind
    values: Array  # (m,)
    source: str
    row_numbers: IntArray  # (m,)
    written: pl.Series | None = None
    style: Style = "point"
    asked: str = ""

    @property
    def known(self) -> BoolArray:
        """Mask of the cells that are not missing, shape (m,)."""
        if self.kind == "text":
            nothing: Any = None
            there: BoolArray = np.not_equal(self.values, nothing).astype(np.bool_)
            return there
        known: BoolArray = ~np.isnan(self.values)
        return known

    @property
    def missing(self) -> int:
        """Number of missing cells."""
        return int(np.count_nonzero(~self.known))

    def numbers(self) -> Floats:
        """Read the column as numbers.

        Returns
        -------
        ndarray of float64, shape (m,)
            NaN where missing; true and false that came as booleans are 1 and 0.

        Raises
        ------
        DataError
            For the first cell that is not a finite number.
        """
        if self.kind == "number" or (self.kind == "boolean" and self.written is None):
            return self.values
        written = self.written
        if written is None:
            written = text_series(self.texts() if self.kind == "date" else self.values)
        values = numbers_of(plain_numbers(written, self.style))
        bad = np.flatnonzero(np.isnan(values) & self.known)
        if bad.size:
            self.refuse(int(bad[0]), "is not a number", "write a number, or leave the cell empty (missing)")
        refuse_infinite(replace(self, values=values, kind="number", written=written))
        return values

    def booleans(self) -> Floats:
        """Read the column as true (1) and false (0); numbers 0 and 1 will do.

        Returns
        -------
        ndarray of float64, shape (m,)
            1, 0, or NaN where missing.

        Raises
        ------
        DataError
            For the first cell that is neither true nor false.
        """
        if self.kind == "boolean":
            return self.values
        if self.kind == "number":
            values: Floats = self.values
        else:
            spelled = dict.fromkeys((*TRUE_SPELLINGS, "1"), 1.0) | dict.fromkeys((*FALSE_SPELLINGS, "0"), 0.0)
            values = np.array([spelled.get(str(text).lower(), np.nan) for text in self.texts()])
        bad = np.flatnonzero(~np.isin(values, (0.0, 1.0)) & self.known)
        if bad.size:
            remedy = "write true or false, or leave the cell empty (missing)"
            self.refuse(int(bad[0]), "is neither true nor false", remedy)
        return values

    def dates(self, order: str = "") -> Floats:
        """Read the column as dates.

        Parameters
        ----------
        order : {"", "ymd", "dmy", "mdy"}
            How dates of text are written; "" finds out.

        Returns
        -------
        ndarray of float64, shape (m,)
            Days since 1970-01-01, NaN where missing.

        Raises
        ------
        DataError
            For the first cell that is no date.
        """
        if not self.known.any():
            return np.full(len(self.values), np.nan)
        if self.kind == "date" and (not order or self.written is None):
            return self.values
        cells = self.written if self.written is not None else text_series(self.texts())
        found = read_dates(cells, order)
        if found is not None or self.kind == "date":
            return self.values if found is None else found.days  # clear by itself, if not in training's form
        saying = "is no date" if self.known.sum() == 1 else "is no date, or not written like the others"
        remedy = "write dates as 2024-12-31, or leave the cell empty (missing)"
        return self.refuse(first_undated(cells, order), saying, remedy)

    def texts(self) -> Texts:
        """Read the column as text: cells as they were written, surrounding blanks removed.

        Returns
        -------
        ndarray of object, shape (m,)
            str, or None where missing.
        """
        if self.kind == "text":
            return self.values
        if self.written is not None:
            return shared_strings(self.written)
        spell = _SPELLING[self.kind]
        return np.array([None if np.isnan(v) else spell(v) for v in self.values], dtype=object)

    def take(self, indices: IntArray) -> Column:
        """Give the column of the chosen rows; they keep their row numbers."""
        written = None if self.written is None else self.written.gather(indices)
        rows = self.row_numbers[indices]
        return replace(self, values=self.values[indices], row_numbers=rows, written=written)

    def refuse(self, index: int, saying: str, remedy: str) -> NoReturn:
        """Raise the DataError about one cell: source, row, column, value, what is wrong, and remedy."""
        place = f"{place_of(self.source, int(self.row_numbers[index]))}, column {self.name!r}"
        value = (self.values if self.written is None else self.written)[index]
        if not self.known[index]:
            raise DataError(f"{place}: the cell {saying}; {remedy}")
        text = value if isinstance(value, str) else _SPELLING[self.kind](float(value))
        raise DataError(f"{place}: the value {shortened(text)} {saying}; {remedy}")


def row_name(number: int) -> str:
    """Name a data row in a message.

    >>> row_name(3)
    'data row 3 (counted from 1, without the header)'
    """
    return f"data row {number} (counted from 1, without the header)"


def place_of(source: str, number: int) -> str:
    """Name a data row of a source, and where several files were joined, the file it stands in.

    >>> place_of("a.csv", 3)
    'a.csv, data row 3 (counted from 1, without the header)'
    """
    find = getattr(source, "place", None)  # of joined files
    name, row = find(number) if find is not None else (source, number)
    return f"{name}, {row_name(row)}"


def shortened(text: str, limit: int = 60) -> str:
    """Quote a value for a message, cut where it is long."""
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def number_text(value: float) -> str:
    """Spell a number as a person would: whole numbers without a fraction.

    >>> number_text(3.0), number_text(0.1)
    ('3', '0.1')
    """
    return str(int(value)) if np.isfinite(value) and value == int(value) else repr(float(value))


_SPELLING: Mapping[str, Callable[[float], str]] = {
    "number": number_text,
    "boolean": lambda value: ("false", "true")[int(value)],
    "date": spelled,
}


def typed_text(
    name: str,
    cells: pl.Series,
    *,
    source: str,
    row_numbers: IntArray,
    null_values: Iterable[str],
    infer: bool,
    style: Style = "point",
) -> Column:
    """Type a column that came as text.

    Parameters
    ----------
    cells : polars.Series of str, length m
        The cells; null is missing.
    null_values : iterable of str
        Spellings that mean missing.
    infer : bool
        Look for numbers, booleans and dates (files of text); where the source declares text, it stays text.
    style : {"point", "comma", "thousands"}
        How numbers are written.

    Raises
    ------
    DataError
        For an infinite number in a column of numbers.
    """
    import polars as pl

    spellings = frozenset(null_values)
    place = Column(
        name=name, kind="text", values=np.empty(0), source=source, row_numbers=row_numbers, style=style
    )
    if infer:
        cells = stripped(cells, spellings)
        numbers = plain_numbers(cells, style).cast(pl.Float64, strict=False)
        if numbers.null_count() == cells.null_count():
            column = replace(place, kind="number", values=as_floats(numbers), written=cells)
            refuse_infinite(column)
            return column
        lowered = cells.str.to_lowercase()
        if set(lowered.drop_nulls().unique()) <= {*TRUE_SPELLINGS, *FALSE_SPELLINGS}:
            truths = as_floats(lowered.is_in(list(TRUE_SPELLINGS)))
            return replace(place, kind="boolean", values=truths, written=cells)
        dates = read_dates(cells)
        if dates is not None and not dates.ambiguous:
            return replace(place, kind="date", values=dates.days, written=cells)
    return replace(place, values=shared_strings(cells, spellings))


def stripped(cells: pl.Series, spellings: Collection[str]) -> pl.Series:
    """Cells without blanks around them, null where missing."""
    import polars as pl

    found = cells.cast(pl.String).str.strip_chars()
    return found.set(found.is_in(list(spellings)).fill_null(False), None)


def refuse_infinite(column: Column) -> None:
    """Raise a DataError for the first infinite number of a column of numbers."""
    infinite = np.flatnonzero(np.isinf(column.values))
    if infinite.size:
        saying = "is infinite, or too large for a 64-bit number"
        column.refuse(int(infinite[0]), saying, "write a finite number, or leave the cell empty (missing)")


def text_series(cells: Sequence[str | None] | Texts) -> pl.Series:
    """Give cells as a polars series of text."""
    import polars as pl

    return pl.Series(values=list(cells), dtype=pl.String)


def numbers_of(cells: pl.Series) -> Floats:
    """Read text cells as numbers, NaN where a cell is missing or not a number."""
    import polars as pl

    return as_floats(cells.cast(pl.Float64, strict=False))


def as_floats(series: pl.Series) -> Floats:
    """Give a polars series as float64, null as NaN; writable and contiguous."""
    import polars as pl

    return np.array(series.cast(pl.Float64).to_numpy(), dtype=np.float64)


def shared_strings(cells: pl.Series, spellings: Collection[str] = ()) -> Texts:
    """Give text cells as objects, equal strings being one object (a million cells need few of them).

    Blanks around them are removed, and `spellings` are missing; only what differs is looked at.
    """
    import polars as pl

    levels = cells.drop_nulls().unique()
    places = pl.Series(np.arange(len(levels)), dtype=pl.UInt32)
    found = cells.replace_strict(levels, places, default=None, return_dtype=pl.UInt32)
    held = np.empty(len(levels) + 1, dtype=object)
    held[:-1] = stripped(levels, spellings).to_list()  # and None for what is missing
    return held[found.fill_null(len(levels)).to_numpy()]
