"""Delimited text (CSV, TSV) to columns of text, refusing what is ragged.

Polars reads the bytes. It fills a row that is too short with nulls and says little about one that is too
long, so wherever it fails, or a last cell is null, the rows are walked once more with Python's `csv`, which
knows how long each one is and on which line it stands. Where the two disagree (a quote inside a cell, old
Mac line ends), Python's reading counts.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from clearprop.errors import DataError
from clearprop.tables.columns import row_name, text_series

if TYPE_CHECKING:
    import polars as pl


def read_delimited(data: bytes, *, separator: str, source: str) -> tuple[list[str], list[pl.Series]]:
    r"""Read delimited text with a header; blank lines are skipped.

    Parameters
    ----------
    data : bytes
        UTF-8 text, with or without a byte order mark.
    separator : str
        One character.
    source : str
        Name of the file in messages.

    Returns
    -------
    names : list of str
        The header, surrounding blanks removed.
    cells : list of polars.Series of str
        One for each column; null or "" where nothing was written.

    Raises
    ------
    DataError
        For empty or foreign data, a blank or repeated header, a ragged row, a quote that is never closed.

    Examples
    --------
    >>> names, cells = read_delimited(b"a,b\n1,x\n\n2,\n", separator=",", source="small.csv")
    >>> names, [column.to_list() for column in cells]
    (['a', 'b'], [['1', '2'], ['x', None]])
    """
    import polars as pl

    text = _decoded(data, source).lstrip("\r\n")
    if not text.strip():
        raise DataError(f"{source} is empty; give a table with a header and at least one row")
    names = _header(next(cells for _, cells in _records(text, separator, source) if cells), source)
    try:
        frame = pl.read_csv(text.encode(), infer_schema=False, separator=separator)
    except pl.exceptions.PolarsError:
        frame = None
    if frame is None or [name.strip() for name in frame.columns] != names:
        kept, _ = _checked_rows(text, separator, source, len(names))
        return names, _columns(text, separator, source, kept)
    if frame.to_series(-1).null_count() > 0:
        kept, total = _checked_rows(text, separator, source, len(names))
        if total != frame.height:
            return names, _columns(text, separator, source, kept)
        frame = frame[kept]
    return names, frame.get_columns()


def _decoded(data: bytes, source: str) -> str:
    """Give the text of UTF-8 bytes without a byte order mark."""
    if b"\0" in data[:4096] or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            f"{source} is not UTF-8 text (it may be a spreadsheet or UTF-16); export it as UTF-8 CSV"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        bad = data[error.start : error.end].hex()
        raise DataError(
            f"{source}, line {line}: the byte 0x{bad} is not UTF-8 text; save the file as UTF-8"
        ) from error


def _header(cells: list[str], source: str) -> list[str]:
    """Check the header cells: none blank, none repeated."""
    names = [cell.strip() for cell in cells]
    for position, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"{source}: the header cell of column {position} is blank; give every column a name"
            )
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        places = ", ".join(str(place) for place, other in enumerate(names, start=1) if other == name)
        raise DataError(
            f"{source}: the header names {name!r} {times} times (columns {places}); rename all but one"
        )
    return names


def _records(text: str, separator: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Give (line on which it ends, cells) for the header and every row; a blank line has no cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    ended = 0
    try:
        for cells in reader:
            ended = reader.line_num
            yield ended, [] if len(cells) == 1 and cells[0].isspace() else cells
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            reason = "a quote opened there is never closed; close it, or remove it"
        elif "field larger than" in str(error):
            reason = (
                "a cell is longer than 131072 characters, or a quote is never closed; shorten or close it"
            )
        else:
            reason = f"its quotes cannot be read ({error}); double a quote that belongs to a cell"
        raise DataError(f"{source}, line {ended + 1}: {reason}") from error


def _checked_rows(text: str, separator: str, source: str, width: int) -> tuple[list[int], int]:
    """Walk the rows below the header; give the indices of those not blank, and the count of all.

    Raises DataError for the first row that has not `width` cells.
    """
    records = _records(text, separator, source)
    next(cells for _, cells in records if cells)
    kept: list[int] = []
    total = 0
    for line, cells in records:
        if cells:
            kept.append(total)
            if len(cells) != width:
                fault = "too long" if len(cells) > width else "too short"
                place = f"{source}, {row_name(len(kept))}, line {line}"
                if width == 1 and any(";" in cell for cell in cells):
                    raise DataError(
                        f"{place}: the cells are separated by semicolons and hold commas; save the table "
                        "with commas between the cells and points in the numbers"
                    )
                raise DataError(
                    f"{place}: the row is {fault}, its cells being {len(cells)} under {width} header cells; "
                    f"write {width} cells, with quotes around one that contains {separator!r}"
                )
        total += 1
    return kept, total


def _columns(text: str, separator: str, source: str, kept: list[int]) -> list[pl.Series]:
    """Give the columns of the rows that were kept, as Python's csv reads them."""
    records = (cells for _, cells in _records(text, separator, source))
    width = len(next(cells for cells in records if cells))
    rows = list(records)
    return [text_series([rows[index][k] or None for index in kept]) for k in range(width)]
