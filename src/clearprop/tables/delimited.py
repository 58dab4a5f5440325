"""Delimited text (CSV, TSV) to columns of text, refusing what is ragged.

Polars reads the bytes. It fills a row that is too short with nulls and says little about one that is too
long, so wherever it fails, or a last cell is null, the rows are walked once more with Python's `csv`, which
knows how long each one is and on which line it stands. Where the two disagree (a quote inside a cell, old
Mac line ends), Python's reading counts.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from clearprop.errors import DataError
from clearprop.tables.columns import row_name, text_series
from clearprop.tables.dialect import Dialect

if TYPE_CHECKING:
    import polars as pl


def read_delimited(
    text: str, dialect: Dialect, *, source: str, header: bool | None = None
) -> tuple[list[str], list[pl.Series]]:
    r"""Read delimited text; blank lines are skipped.

    Parameters
    ----------
    text : str
    dialect : Dialect
    source : str
        Name of the file in messages.
    header : bool, optional
        Whether the first record names the columns; None: it must, and a record of numbers is refused as one
        that does not. Without a header the columns are named column_1, column_2, ...

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
    >>> names, cells = read_delimited("a,b\n1,x\n\n2,\n", Dialect(","), source="small.csv")
    >>> names, [column.to_list() for column in cells]
    (['a', 'b'], [['1', '2'], ['x', None]])
    """
    import polars as pl

    text = text.lstrip("\r\n")
    first = next((cells for _, cells in _records(text, dialect, source) if cells), None)
    if first is None:  # nothing, or blanks in quotes
        raise DataError(f"{source} is empty; give a table with a header and at least one row")
    if header is False:
        names = [f"column_{k}" for k in range(1, len(first) + 1)]
        text = f"{dialect.separator.join(names)}\n{text}"
    else:
        names = _header(first, source, certain=header is True)
    try:
        frame = pl.read_csv(
            text.encode(), infer_schema=False, separator=dialect.separator, quote_char=dialect.quote
        )
    except pl.exceptions.PolarsError:
        frame = None
    if frame is None or [name.strip() for name in frame.columns] != names:
        kept, _ = _checked_rows(text, dialect, source, len(names))
        return names, _columns(text, dialect, source, kept)
    if frame.to_series(-1).null_count() > 0:
        kept, total = _checked_rows(text, dialect, source, len(names))
        if total != frame.height:
            return names, _columns(text, dialect, source, kept)
        frame = frame[kept]
    return names, frame.get_columns()


def _header(cells: list[str], source: str, *, certain: bool) -> list[str]:
    """Check the header cells: none blank, none repeated, and (unless certain) not all numbers."""
    names = [cell.strip() for cell in cells]
    if not certain and all(map(_is_number, names)):
        raise DataError(
            f"{source}: the first line holds numbers alone ({', '.join(names[:4])}), so the columns have no "
            "names; write a header line above it, or say that there is none (--no-header, or header=False)"
        )
    for position, name in enumerate(names, start=1):
        if not name:
            index = (
                " (an index that pandas wrote? to_csv(index=False) leaves it out)" if position == 1 else ""
            )
            raise DataError(
                f"{source}: the header cell of column {position} is blank; give every column a name{index}"
            )
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        places = ", ".join(str(place) for place, other in enumerate(names, start=1) if other == name)
        raise DataError(
            f"{source}: the header names {name!r} {times} times (columns {places}); rename all but one"
        )
    return names


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell.replace(",", ".")))
    except ValueError:
        return False


def _records(text: str, dialect: Dialect, source: str) -> Iterator[tuple[int, list[str]]]:
    """Give (line on which it ends, cells) for the header and every row; a blank line has no cells."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=dialect.separator, quotechar=dialect.quote, strict=True
    )
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


def _checked_rows(text: str, dialect: Dialect, source: str, width: int) -> tuple[list[int], int]:
    """Walk the rows below the header; give the indices of those not blank, and the count of all.

    Raises DataError for the first row that has not `width` cells.
    """
    records = _records(text, dialect, source)
    next(cells for _, cells in records if cells)
    kept: list[int] = []
    total = 0
    for line, cells in records:
        if cells:
            kept.append(total)
            if len(cells) != width:
                fault = "too long" if len(cells) > width else "too short"
                place = f"{source}, {row_name(len(kept))}, line {line}"
                raise DataError(
                    f"{place}: the row is {fault}, its cells being {len(cells)} under {width} header cells; "
                    f"write {width} cells, with quotes around one that contains {dialect.separator!r}"
                )
        total += 1
    return kept, total


def _columns(text: str, dialect: Dialect, source: str, kept: list[int]) -> list[pl.Series]:
    """Give the columns of the rows that were kept, as Python's csv reads them."""
    records = (cells for _, cells in _records(text, dialect, source))
    width = len(next(cells for cells in records if cells))
    rows = list(records)
    return [text_series([rows[index][k] or None for index in kept]) for k in range(width)]
