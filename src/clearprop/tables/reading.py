"""Reading a table from a file or a DataFrame; every way in gives the same `Table`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import DataError
from clearprop.tables.columns import MISSING_SPELLINGS, Column, typed_text
from clearprop.tables.delimited import read_delimited
from clearprop.tables.frames import frame_columns
from clearprop.tables.table import Table

SEPARATORS = {".csv": ",", ".tsv": "\t"}
READABLE = ".csv, .csv.gz, .tsv, .tsv.gz or .parquet"


def read_table(source: Any, *, null_values: Iterable[str] = MISSING_SPELLINGS) -> Table:
    """Read a table.

    In a text file every column is text first and is then typed here: numbers if every cell that is not
    missing is one, booleans (true, false, yes, no, in any capitals), otherwise text. Parquet files and
    DataFrames declare their types: there, text stays text, also where it looks like numbers.

    Parameters
    ----------
    source : str, path or DataFrame
        A file (.csv, .csv.gz, .tsv, .tsv.gz, .parquet), or a pandas, polars or pyarrow table.
    null_values : iterable of str
        Spellings that mean "missing" in text cells, after surrounding blanks are removed.

    Returns
    -------
    Table
        With finite float64 numbers, NaN where missing.

    Raises
    ------
    DataError
        When the file cannot be read as a table; the message names file, row, column, value and remedy.

    Examples
    --------
    >>> import polars as pl
    >>> table = read_table(pl.DataFrame({"age": [31, None], "sure": [True, False]}))
    >>> [(column.name, column.kind, column.missing) for column in table.columns]
    [('age', 'number', 1), ('sure', 'boolean', 0)]
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        name = path.name
        if path_suffix(path) == ".parquet":
            table = _from_frame(_read_parquet(path), name, null_values)
        else:
            table = _from_text_file(path, name, null_values)
    else:
        table = _from_frame(source, "the DataFrame", null_values)
    if not table.columns:
        raise DataError(f"{table.source} has no columns; give a table with named columns")
    if table.n_rows == 0:
        raise DataError(f"{table.source} has a header and no rows; give at least one row of data")
    if all(column.missing == table.n_rows for column in table.columns):
        raise DataError(f"{table.source} has no usable rows: every cell is missing; give a table with values")
    return table


def path_suffix(path: Path) -> str:
    """Give the suffix that tells the format, without .gz and in small letters.

    >>> path_suffix(Path("A.CSV.gz"))
    '.csv'
    """
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _from_text_file(path: Path, name: str, null_values: Iterable[str]) -> Table:
    data = _file_bytes(path)
    suffix = path_suffix(path)
    if suffix not in SEPARATORS:
        raise DataError(f"{name}: the suffix {suffix!r} names no format read here; use {READABLE}")
    names, cells = read_delimited(data, separator=SEPARATORS[suffix], source=name)
    rows = np.arange(1, (len(cells[0]) if cells else 0) + 1, dtype=np.int64)
    spellings = tuple(null_values)
    columns = tuple(
        typed_text(column, series, source=name, row_numbers=rows, null_values=spellings, infer=True)
        for column, series in zip(names, cells, strict=True)
    )
    return Table(columns, name, rows)


def _from_frame(frame: Any, name: str, null_values: Iterable[str]) -> Table:
    columns: tuple[Column, ...] = frame_columns(frame, source=name, null_values=tuple(null_values))
    rows = columns[0].row_numbers if columns else np.empty(0, dtype=np.int64)
    return Table(columns, name, rows)


def _read_parquet(path: Path) -> Any:
    import polars as pl

    data = _file_bytes(path)
    try:
        return pl.read_parquet(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path.name} is not a readable Parquet file ({reason}); write it anew") from error


def _file_bytes(path: Path) -> bytes:
    """Read a file, unpacked where it ends in .gz; say in one sentence why it cannot be read."""
    import gzip
    import zlib

    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.name.lower().endswith(".gz") else data
    except FileNotFoundError as error:
        raise DataError(f"there is no file {str(path)!r}; check the name and the folder") from error
    except IsADirectoryError as error:
        raise DataError(f"{str(path)!r} is a folder; name one file in it ({READABLE})") from error
    except PermissionError as error:
        raise DataError(f"{str(path)!r} may not be read; ask for the permission to read it") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} is a damaged or cut gzip file ({error}); copy it again") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{str(path)!r} cannot be read ({error}); check the file") from error
