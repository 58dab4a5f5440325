"""How a delimited text is written: what separates its cells, what quotes them, and how its numbers look.

Found from the first records, and said aloud wherever it is not what the file's name says.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import polars as pl

#: how the numbers of a column are written: 1234.5, 1.234,5, or 1,234.5
Style: TypeAlias = Literal["point", "comma", "thousands"]

SAMPLE = 65_536  #: characters that are looked at
RECORDS = 200
LEAST_AGREEMENT = 0.9  #: share of the records that must have as many cells as the header
LEAST_NUMBERS = 0.5  #: share of the cells that must be numbers for a column to have a style of them
SPOKEN = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d+)?([eE][+-]?\d+)?$"
_THOUSANDS = r"^[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?([eE][+-]?\d+)?$"
_DOTTED_THOUSANDS = r"^[+-]?\d{1,3}(\.\d{3})+$"


@dataclass(frozen=True)
class Dialect:
    """What separates and what quotes cells."""

    separator: str
    quote: str = '"'


def sniffed(text: str, default: str) -> Dialect:
    r"""Dialect of a delimited text; `default` is the separator that its name says.

    Examples
    --------
    >>> sniffed("a;b\n1,5;2\n", ",").separator, sniffed("a,b;c\n1,2;3\n", ",").separator
    (';', ',')
    >>> sniffed("'a','b'\n'x, y','z'\n", ",")
    Dialect(separator=',', quote="'")
    """
    sample = text[:SAMPLE]
    cut = len(sample) < len(text)
    quote = _quote(sample)
    agreement = {mark: _agreement(sample, Dialect(mark, quote), cut) for mark in (default, *SPOKEN)}
    share, width = agreement[default]
    if width > 1 and share == 1:
        return Dialect(default, quote)
    best = max(agreement, key=lambda mark: (agreement[mark][1] > 1, *agreement[mark]))
    share, width = agreement[best]
    return Dialect(best if width > 1 and share >= LEAST_AGREEMENT else default, quote)


def _quote(sample: str) -> str:
    """The apostrophe where it wraps cells of the header and no quotation mark is in use."""
    header = sample.lstrip("\r\n").partition("\n")[0]
    cells = re.split(r"[,;\t|]", header.strip())
    wrapped = sum(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in cells)
    return "'" if '"' not in sample and wrapped > len(cells) / 2 else '"'


def _agreement(sample: str, dialect: Dialect, cut: bool) -> tuple[float, int]:
    """Share of the records that are as wide as the header, and that width; (0, 0) where none can be read."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=dialect.separator, quotechar=dialect.quote)
    widths = []
    try:
        for cells in reader:
            if cells and not (len(cells) == 1 and not cells[0].strip()):
                widths.append(len(cells))
            if len(widths) > RECORDS:
                break
        else:
            widths = widths[:-1] if cut else widths
    except csv.Error:
        return 0.0, 0
    if not widths:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def number_styles(columns: Sequence[pl.Series], separator: str) -> list[Style]:
    """How each column's numbers are written; "point" for columns of other things.

    Where 1,234 may be both, it is thousands in a file separated by commas, else a decimal comma. In a file
    with decimal commas, columns whose every point stands before three digits hold thousands.

    Parameters
    ----------
    columns : sequence of polars.Series of str
        Cells without blanks around them, null where missing.

    Examples
    --------
    >>> import polars as pl
    >>> number_styles([pl.Series(["1,5", "2"]), pl.Series(["1.234", None]), pl.Series(["a", "b"])], ";")
    ['comma', 'comma', 'point']
    >>> number_styles([pl.Series(["1,234", "2"]), pl.Series(["1,5", "2"])], ",")
    ['thousands', 'comma']
    """
    found: list[Style | None] = [_style(cells, separator) for cells in columns]
    if "comma" in found and all(
        style is not None or not _has_points(cells) or _all_match(cells, _DOTTED_THOUSANDS)
        for style, cells in zip(found, columns, strict=True)
    ):
        found = [
            "comma" if style is None and _all_match(cells, _DOTTED_THOUSANDS) else style
            for style, cells in zip(found, columns, strict=True)
        ]
    return [style or "point" for style in found]


def _style(cells: pl.Series, separator: str) -> Style | None:
    """Style of a column whose cells are no plain numbers; None where they are, or are none at all."""
    import polars as pl

    if cells.null_count() == len(cells) or not bool(cells.str.contains(",", literal=True).any()):
        return None
    if cells.cast(pl.Float64, strict=False).null_count() == cells.null_count():
        return None
    comma, thousands = _share(cells, _COMMA), _share(cells, _THOUSANDS)
    if max(comma, thousands) < LEAST_NUMBERS:
        return None
    if comma == thousands:
        return "thousands" if separator == "," else "comma"
    return "comma" if comma > thousands else "thousands"


def _has_points(cells: pl.Series) -> bool:
    """Whether plain numbers of a column have points."""
    import polars as pl

    dotted = cells.filter(cells.str.contains(".", literal=True).fill_null(False))
    return len(dotted) > 0 and dotted.cast(pl.Float64, strict=False).null_count() == 0


def _all_match(cells: pl.Series, pattern: str) -> bool:
    return _share(cells, pattern) == 1


def _share(cells: pl.Series, pattern: str) -> float:
    """Share of the known cells that match; 0 where there are none."""
    known = cells.drop_nulls()
    return float(known.str.contains(pattern).sum()) / len(known) if len(known) else 0.0


def plain_numbers(cells: pl.Series, style: Style) -> pl.Series:
    """Cells with their numbers written plainly, 1234.5."""
    if style == "comma":
        return cells.str.replace_all(".", "", literal=True).str.replace_all(",", ".", literal=True)
    return cells.str.replace_all(",", "", literal=True) if style == "thousands" else cells
