"""Reading a table from files or a DataFrame; every way in gives the same `Table`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.errors import DataError
from clearprop.tables.columns import MISSING_SPELLINGS, Column, stripped, typed_text
from clearprop.tables.dates import ORDERS, read_dates
from clearprop.tables.dialect import Style, number_styles
from clearprop.tables.files import Asked, Cells, read_files
from clearprop.tables.frames import frame_columns
from clearprop.tables.noticing import rounded
from clearprop.tables.opening import is_named, named_files
from clearprop.tables.table import Table

if TYPE_CHECKING:
    pass

#: what a column may be asked to be
KINDS = ("number", "category", "boolean", *ORDERS)
MOST_NAMED = 5  #: columns that a notice names


def read_table(
    source: Any,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    null_values: Iterable[str] = MISSING_SPELLINGS,
    types: Mapping[str, str] | None = None,
) -> Table:
    """Read a table.

    In a text file every column is text first and is then typed here: numbers if every cell that is not
    missing is one, booleans (true, false, yes, no, in any capitals), dates, otherwise text. Parquet and Arrow
    files, JSON lines and DataFrames declare their types: there, text stays text, also where it looks like
    numbers. What had to be found out (separator, encoding, decimal commas) is said in `Table.notices`.

    Parameters
    ----------
    source : str, path, list of these, or DataFrame
        A file (.csv, .tsv, .txt, .psv, also packed as .gz or .zst; .parquet, .arrow, .feather, .jsonl),
        several of them, a pattern such as "data/*.csv", "-" for standard input; or a pandas, polars or
        pyarrow table. Several files need the same columns.
    separator : str, optional
        Between the cells of a text file; by default what its name says, or what fits its first records.
    encoding : str, optional
        Of a text file, such as "cp1252"; by default UTF-8, UTF-16 and Windows-1252 are told apart.
    header : bool, optional
        Whether a text file begins with the names of the columns.
    decimal : {".", ","}, optional
        What stands before the decimals of a text file's numbers; by default what fits.
    null_values : iterable of str
        Spellings that mean "missing" in text cells, after surrounding blanks are removed.
    types : mapping from column to kind, optional
        "number", "category", "boolean", "date" ("date:dmy", "date:mdy", "date:ymd" for a written order),
        where what is found is not what is meant.

    Returns
    -------
    Table
        With finite float64 numbers, NaN where missing.

    Raises
    ------
    DataError
        When the source cannot be read as a table; the message names file, row, column, value and remedy.

    Examples
    --------
    >>> import polars as pl
    >>> table = read_table(pl.DataFrame({"age": [31, None], "sure": [True, False], "zip": [123, 456]}),
    ...                    types={"zip": "category"})
    >>> [(column.name, column.kind, column.missing) for column in table.columns]
    [('age', 'number', 1), ('sure', 'boolean', 0), ('zip', 'text', 0)]
    """
    if decimal not in (None, ".", ","):
        raise DataError(f"decimal is '.' or ',', not {decimal!r}")
    spellings = tuple(null_values)
    if is_named(source):
        cells = read_files(named_files(source), Asked(separator, encoding, header))
        if cells.frame is None:
            table = _from_text(cells, decimal, spellings)
        else:
            table = _from_frame(cells.frame, cells.source, spellings, cells.notices)
    else:
        table = _from_frame(source, "the DataFrame", spellings)
    if not table.columns:
        raise DataError(f"{table.source} has no columns; give a table with named columns")
    if table.n_rows == 0:
        raise DataError(f"{table.source} has a header and no rows; give at least one row of data")
    if all(column.missing == table.n_rows for column in table.columns):
        raise DataError(f"{table.source} has no usable rows: every cell is missing; give a table with values")
    table = _as_asked(table, types or {})
    return replace(table, doubts=(*_dates_as_text(table.columns), *rounded(table.columns)))


def _from_text(cells: Cells, decimal: str | None, spellings: tuple[str, ...]) -> Table:
    rows = np.arange(1, cells.rows + 1, dtype=np.int64)
    written = [stripped(series, spellings) for series in cells.columns]
    styles: list[Style] = ["point"] * len(written)
    if decimal == ",":
        styles = ["comma"] * len(written)
    elif decimal is None:
        styles = number_styles(written, cells.separator)
    columns = tuple(
        typed_text(
            name,
            series,
            source=cells.source,
            row_numbers=rows,
            null_values=spellings,
            infer=True,
            style=style,
        )
        for name, series, style in zip(cells.names, written, styles, strict=True)
    )
    said = _styles_in_words(columns) if decimal is None else ()
    return Table(columns, cells.source, rows, (*cells.notices, *said))


def _styles_in_words(columns: Iterable[Column]) -> tuple[str, ...]:
    """What was found about how numbers are written."""
    said = []
    for style, words in (
        ("comma", "decimal commas were read as points"),
        ("thousands", "commas between thousands were passed over"),
    ):
        names = [c.name for c in columns if c.style == style and c.kind == "number"]
        if names:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            listed = ", ".join(map(repr, names[:MOST_NAMED])) + more
            said.append(f"in the column{'s' if len(names) > 1 else ''} {listed}, {words}")
    return tuple(said)


def _dates_as_text(columns: Iterable[Column]) -> tuple[str, ...]:
    """Columns of text that are dates: the month is not clear, or the source says that they are texts."""
    said = []
    for column in columns:
        if column.kind == "text" and not column.asked and column.known.any():
            import polars as pl

            found = read_dates(pl.Series(column.values.tolist(), dtype=pl.String))
            if found is None:
                continue
            such = f"{column.name!r} holds dates such as {column.values[np.flatnonzero(column.known)[0]]}"
            said.append(
                f"{such} that may be day/month or month/day, and is read as text; say which (--type "
                f"{column.name}=date:dmy or date:mdy)"
                if found.ambiguous
                else f"{such} written as texts, and is read as text; give them as dates, or say that they "
                f"are (--type {column.name}=date)"
            )
    return tuple(said)


def _from_frame(frame: Any, name: str, null_values: tuple[str, ...], notices: tuple[str, ...] = ()) -> Table:
    columns: tuple[Column, ...] = frame_columns(frame, source=name, null_values=null_values)
    rows = columns[0].row_numbers if columns else np.empty(0, dtype=np.int64)
    return Table(columns, name, rows, notices)


def _as_asked(table: Table, types: Mapping[str, str]) -> Table:
    """The table with the kinds that the user asked for."""
    if not types:
        return table
    for name in types:
        table.column(name, "column to type")
    columns = tuple(
        _of_kind(column, types[column.name]) if column.name in types else column for column in table.columns
    )
    return replace(table, columns=columns)


def _of_kind(column: Column, kind: str) -> Column:
    if kind not in KINDS:
        raise DataError(f"{column.name!r} cannot be of the kind {kind!r}; there are {', '.join(KINDS)}")
    if kind == "date" and column.kind == "number":
        kind = "date:ymd"  # eight digits, 20241231
    if kind == "category":
        return replace(column, kind="text", values=column.texts(), written=None, asked=kind)
    if kind in ORDERS:
        values = column.dates(ORDERS[kind])
        return replace(column, kind="date", values=values, written=_written(column), asked=kind)
    if kind == "boolean":
        return replace(column, kind="boolean", values=column.booleans(), written=_written(column), asked=kind)
    return replace(column, kind="number", values=column.numbers(), written=_written(column), asked=kind)


def _written(column: Column) -> Any:
    """Cells as they were written, where they were text."""
    if column.written is not None or column.kind != "text":
        return column.written
    import polars as pl

    return pl.Series(column.values.tolist(), dtype=pl.String)


__all__ = ["KINDS", "read_table"]
