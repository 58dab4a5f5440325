"""DataFrames (pandas, polars, pyarrow, through narwhals) to columns, trusting the types they declare."""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop.arrays import Array, IntArray
from clearprop.errors import DataError
from clearprop.tables.columns import (
    Column,
    number_text,
    place_of,
    refuse_infinite,
    shortened,
    text_series,
    typed_text,
)
from clearprop.tables.dates import days_of

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl


def frame_columns(frame: Any, *, source: str, null_values: tuple[str, ...]) -> tuple[Column, ...]:
    """Give the columns of a DataFrame.

    Parameters
    ----------
    frame : DataFrame
        A pandas, polars or pyarrow table, or another one that narwhals reads.
    source : str
        Name of the table in messages.
    null_values : tuple of str
        Spellings that mean missing in text cells.

    Returns
    -------
    tuple of Column
        Numbers and booleans as declared; everything else that can be spelled in one line, as text.

    Raises
    ------
    DataError
        For what is not a DataFrame, repeated names, nested or binary columns, and infinite numbers.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"code": ["1", "NA"], "age": [31, None]})
    >>> columns = frame_columns(frame, source="people", null_values=("NA",))
    >>> [(column.name, column.kind, column.values.tolist()) for column in columns]
    [('code', 'text', ['1', None]), ('age', 'number', [31.0, nan])]
    """
    import narwhals as nw
    from narwhals.exceptions import DuplicateError, NarwhalsError

    try:
        table = nw.from_native(frame, eager_only=True)
    except DuplicateError as error:
        raise DataError(f"{source} repeats a column name ({_rest(error)}); rename all but one") from error
    except (TypeError, NarwhalsError) as error:
        remedy = (
            "collect it first"
            if hasattr(frame, "collect")
            else "give a path, or a pandas or polars DataFrame"
        )
        raise DataError(
            f"a {type(frame).__name__} cannot be read as a table ({_first(error)}); {remedy}"
        ) from error
    try:
        names = [str(name).strip() for name in table.columns]
    except NarwhalsError as error:
        raise DataError(f"{source} repeats a column name ({_rest(error)}); rename all but one") from error
    for name, times in Counter(names).items():
        if times > 1 or not name:
            fault = f"names the column {name!r} {times} times" if name else "has a column with a blank name"
            raise DataError(f"{source} {fault}; give every column its own name")
    rows = np.arange(1, len(table) + 1, dtype=np.int64)
    return tuple(
        _column(series, name, source, rows, null_values)
        for series, name in zip(table.iter_columns(), names, strict=True)
    )


def _first(error: Exception) -> str:
    """Give the first line of a foreign message, without its last mark."""
    return str(error).partition("\n")[0].rstrip(":.")


def _rest(error: Exception) -> str:
    """Give what a foreign message lists below its first line, or that line."""
    rest = [line.strip(" -") for line in str(error).splitlines()[1:]]
    return ", ".join(filter(None, rest)) or _first(error)


def _column(
    series: nw.Series[Any], name: str, source: str, rows: IntArray, null_values: tuple[str, ...]
) -> Column:
    """Turn one narwhals series into a column."""
    import narwhals as nw

    place = Column(
        name=name, kind="number", values=np.full(len(rows), np.nan), source=source, row_numbers=rows
    )
    dtype = series.dtype
    if dtype.is_numeric():
        # pyarrow refuses to cast whole numbers beyond 2**53, pandas gives objects where gaps are
        if series.null_count() == 0 and not dtype.is_decimal():
            values = np.array(series.to_numpy(), dtype=np.float64)
        else:
            values = _floats(_known_cells(series))
        column = replace(place, values=values)
        refuse_infinite(column)
        return replace(column, written=_written_whole(series)) if _is_rounded(series, values) else column
    if dtype in (nw.Date, nw.Datetime):
        return replace(place, kind="date", values=_days(series))
    if dtype == nw.String and series.null_count() < len(series):
        return typed_text(
            name,
            series.to_polars(),
            source=source,
            row_numbers=rows,
            null_values=null_values,
            infer=False,
        )
    if isinstance(dtype, (nw.List, nw.Array, nw.Struct, nw.Binary)):
        raise DataError(
            f"{source}, column {name!r}: cells of type {dtype} are not numbers, booleans or text; "
            "spread them over columns of their own, or leave the column out of the table"
        )
    cells = _known_cells(series)
    known = [cell for cell in cells if cell is not None]
    if not known:
        return place
    if all(isinstance(cell, (bool, np.bool_)) for cell in known):
        return replace(place, kind="boolean", values=_floats(cells))
    if all(isinstance(cell, datetime.date) for cell in known):
        return replace(place, kind="date", values=days_of([_without_zone(cell) for cell in cells]))
    if all(_is_number(cell) for cell in known):
        column = replace(place, values=_floats(cells))
        refuse_infinite(column)
        return column
    spelled = text_series(
        [None if cell is None else _spelled(place, k, cell) for k, cell in enumerate(cells)]
    )
    return typed_text(name, spelled, source=source, row_numbers=rows, null_values=null_values, infer=False)


def _is_rounded(series: nw.Series[Any], values: Array) -> bool:
    """Whether some whole numbers of a series are beyond what float64 holds exactly."""
    return series.dtype.is_integer() and bool((np.abs(values) >= 2**53).any())


def _written_whole(series: nw.Series[Any]) -> pl.Series:
    """Whole numbers as text, digit for digit."""
    return text_series([None if cell is None else str(int(cell)) for cell in _known_cells(series)])


def _days(series: nw.Series[Any]) -> Array:
    """Declared dates and times as days since 1970-01-01; those of a time zone in UTC."""
    import narwhals as nw

    zone = getattr(series.dtype, "time_zone", None)
    if zone is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    gaps = series.is_null().to_numpy()
    if gaps.any() or series.dtype == nw.Date:
        return days_of(_known_cells(series))
    return days_of(series.to_numpy())


def _without_zone(cell: Any) -> Any:
    """A datetime of a time zone as UTC's own."""
    if getattr(cell, "tzinfo", None) is None:
        return cell
    return cell.astimezone(datetime.UTC).replace(tzinfo=None)


def _known_cells(series: nw.Series[Any]) -> list[Any]:
    """Give the cells as Python objects, None for everything the library calls null."""
    gaps = series.is_null().to_list()
    return [None if gap else cell for cell, gap in zip(series.to_list(), gaps, strict=True)]


def _floats(cells: list[Any]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give cells as float64, None as NaN."""
    return np.array([np.nan if cell is None else _float(cell) for cell in cells], dtype=np.float64)


def _float(cell: Any) -> float:
    """Give a number as a 64-bit float; one that is too large becomes infinite, and is refused as such."""
    try:
        return float(cell)
    except OverflowError:
        return np.inf


def _is_number(cell: object) -> bool:
    return isinstance(cell, (numbers.Real, decimal.Decimal)) and not isinstance(cell, bool)


def _spelled(column: Column, index: int, cell: object) -> str:
    """Spell one cell of a mixed column as text; refuse what has no one-line spelling."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, (bool, np.bool_)):
        return "true" if cell else "false"
    if isinstance(cell, numbers.Integral):
        return str(int(cell))
    if isinstance(cell, (numbers.Real, decimal.Decimal)):
        return number_text(_float(cell))
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    place = f"{place_of(column.source, int(column.row_numbers[index]))}, column {column.name!r}"
    raise DataError(
        f"{place}: the value {shortened(str(cell))} is a {type(cell).__name__}, not number, boolean or text; "
        "write it as one of these, or leave the column out of the table"
    )
